/* SPDX-License-Identifier: BSD-2-Clause */
/* Patterns, conditions and steps of scenarios: what each form means, and that printing one and
   parsing that gives the same again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sys/socket.h>

#include "base/time.h"
#include "lab/scenario_parse.h"

static void read_pattern(const char *text, struct pattern *pattern)
{
	struct scan in = scan_over(text);
	struct err err = { 0 };

	if (!pattern_parse(&in, pattern, &err) || !pattern_parse_range(&in, pattern, &err) ||
	    !scan_end(&in))
		fail_msg("%s: %s", text, err.what);
}

static void read_cond(const char *text, struct cond *cond)
{
	struct scan in = scan_over(text);
	struct err err = { 0 };

	if (!cond_parse(&in, cond, &err) || !scan_end(&in))
		fail_msg("%s: %s", text, err.what);
}

static void read_step(const char *text, struct step *step)
{
	struct scan in = scan_over(text);
	struct err err = { 0 };

	if (!step_parse(&in, step, &err))
		fail_msg("%s: %s", text, err.what);
}

/* --- patterns ------------------------------------------------------------------------------- */

static void a_pattern_says_which_segments(void **state)
{
	(void)state;
	struct pattern pattern;

	read_pattern("S>C DATA len >= 1000 port 40001 to 7001 2-4", &pattern);
	assert_int_equal(pattern.kind, PATTERN_DATA);
	assert_true(pattern.from_said);
	assert_int_equal(pattern.from, END_SERVER);
	assert_int_equal(pattern.length_compare, OF_AT_LEAST);
	assert_int_equal(pattern.length, 1000);
	assert_int_equal(pattern.client_port, 40001);
	assert_int_equal(pattern.server_port, 7001);
	assert_int_equal(pattern.first, 2);
	assert_int_equal(pattern.last, 4);
	read_pattern("any", &pattern);
	assert_false(pattern.from_said);
	assert_int_equal(pattern.length_compare, OF_NOTHING);
	assert_int_equal(pattern.first, 0);
	read_pattern("SYN-ACK 3", &pattern);
	assert_int_equal(pattern.first, 3);
	assert_int_equal(pattern.last, 3);
	read_pattern("SYN 3-", &pattern);
	assert_int_equal(pattern.last, UINT32_MAX);
}

static void pattern_stays(const struct pattern *pattern)
{
	char text[SCENARIO_TEXT_BYTES];
	struct text out = text_over(text, sizeof(text));
	struct pattern again;

	pattern_print(pattern, &out);
	read_pattern(text, &again);
	/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): both were zeroed whole */
	if (memcmp(&again, pattern, sizeof(again)) != 0)
		fail_msg("%s is another pattern", text);
}

/* All kinds, directions, comparisons, ports and ranges with one another. */
static void every_pattern_printed_is_itself(void **state)
{
	(void)state;
	static const uint32_t ranges[][2] = {
		{ 0, 0 }, { 1, 1 }, { 2, 5 }, { 7, UINT32_MAX }, { UINT32_MAX, UINT32_MAX }
	};
	const size_t all = 5;

	for (int i = 0; i < PATTERN_KINDS * 3 * (OF_AT_LEAST + 1) * 4 * 5; i++) {
		struct pattern pattern;
		int rest = i;

		memset(&pattern, 0, sizeof(pattern));
		pattern.kind = (enum pattern_kind)(rest % PATTERN_KINDS);
		rest /= PATTERN_KINDS;
		pattern.from_said = rest % 3 > 0;
		pattern.from = rest % 3 == 2 ? END_SERVER : END_CLIENT;
		rest /= 3;
		pattern.length_compare = (enum comparison_of)(rest % (OF_AT_LEAST + 1));
		pattern.length = pattern.length_compare ? 1448 : 0;
		rest /= OF_AT_LEAST + 1;
		pattern.client_port = rest & 1 ? 40001 : 0;
		pattern.server_port = rest & 2 ? 65535 : 0;
		rest /= 4;
		pattern.first = ranges[(size_t)rest % all][0];
		pattern.last = ranges[(size_t)rest % all][1];
		pattern_stays(&pattern);
	}
}

/* --- conditions ----------------------------------------------------------------------------- */

static void a_condition_says_when(void **state)
{
	(void)state;
	struct cond cond;

	read_cond("C>S FIN and delivered S>C DATA len > 5 2 and client recv all 3 and "
		  "server blocked and 2.5s +200ms",
		  &cond);
	assert_int_equal(cond.count, 5);
	assert_int_equal(cond.parts[0].kind, COND_REACHED);
	assert_int_equal(cond.parts[0].pattern.kind, PATTERN_FIN);
	assert_int_equal(cond.parts[0].count, 1);
	assert_int_equal(cond.parts[1].kind, COND_DELIVERED);
	assert_int_equal(cond.parts[1].pattern.from, END_SERVER);
	assert_int_equal(cond.parts[1].pattern.length, 5);
	assert_int_equal(cond.parts[1].count, 2);
	assert_int_equal(cond.parts[2].kind, COND_CALLED);
	assert_int_equal(cond.parts[2].end, END_CLIENT);
	assert_int_equal(cond.parts[2].verb, STEP_RECV_ALL);
	assert_int_equal(cond.parts[2].count, 3);
	assert_int_equal(cond.parts[3].kind, COND_BLOCKED);
	assert_int_equal(cond.parts[3].end, END_SERVER);
	assert_int_equal(cond.parts[4].kind, COND_TIME);
	assert_int_equal(cond.parts[4].after_ns, 2500 * NSEC_PER_MSEC);
	assert_int_equal(cond.then_ns, 200 * NSEC_PER_MSEC);
}

static void cond_stays(const char *text, const char *said)
{
	char printed[SCENARIO_TEXT_BYTES];
	struct text out = text_over(printed, sizeof(printed));
	struct cond cond;
	struct cond again;

	read_cond(text, &cond);
	cond_print(&cond, &out);
	assert_string_equal(printed, said);
	read_cond(printed, &again);
	/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): both were zeroed whole */
	assert_memory_equal(&again, &cond, sizeof(cond));
}

static void every_condition_printed_is_itself(void **state)
{
	(void)state;
	char text[SCENARIO_TEXT_BYTES];

	for (int verb = 0; verb < STEP_VERBS; verb++) {
		struct text out = text_over(text, sizeof(text));

		text_add(&out, "%s %s%s", verb % 2 ? "client" : "server",
			 step_verb_name((enum step_verb)verb), verb % 3 ? "" : " 12");
		cond_stays(text, text);
	}
	cond_stays("SYN", "SYN");
	cond_stays("C>S SYN 2", "C>S SYN 2");
	cond_stays("delivered any 7", "delivered any 7");
	cond_stays("client connect 1", "client connect");
	cond_stays("client blocked", "client blocked");
	cond_stays("0s and 0.5ms and 1500us and 61s", "0s and 500us and 1500us and 61s");
	cond_stays("1m +0.25s", "60s +250ms");
	cond_stays("S>C FIN port 40001 to 7000 3 and S>C FIN 4 +1ns",
		   "S>C FIN port 40001 to 7000 3 and S>C FIN 4 +1ns");
}

/* --- steps ---------------------------------------------------------------------------------- */

/* Every form that docs/scenarios.md names, and how it is printed. */
static const struct {
	const char *text, *said;
} forms[] = {
	{ "listen", "listen" },
	{ "listen 7001", "listen 7001" },
	{ "listen backlog 1", "listen backlog 1" },
	{ "listen 7001+ backlog 2 -> EADDRINUSE", "listen 7001+ backlog 2 -> EADDRINUSE" },
	{ "accept", "accept" },
	{ "a+: accept", "a+: accept" },
	{ "connect", "connect" },
	{ "b:  connect   7001", "b: connect 7001" },
	{ "b:connect from 40001", "b: connect from 40001" },
	{ "connect 7001 from 40001 timeout 0.5s", "connect 7001 from 40001 timeout 500ms" },
	{ "c+: connect 7100+ from 41000+ started", "c+: connect 7100+ from 41000+ started" },
	{ "connect -> ECONNREFUSED # comment", "connect -> ECONNREFUSED" },
	{ "connect timeout 2s -> ETIMEDOUT", "connect timeout 2s -> ETIMEDOUT" },
	{ "connect fast \"hi\\n\\x00\\\"\" from 40001",
	  "connect fast \"hi\\n\\x00\\\"\" from 40001" },
	{ "connect fast \"hi\" -> any", "connect fast \"hi\" -> any" },
	{ "connect self from 40001", "connect self from 40001" },
	{ "connect self", "connect self" },
	{ "connected", "connected" },
	{ "connected timeout 1ms -> ECONNRESET", "connected timeout 1ms -> ECONNRESET" },
	{ "bind 40001", "bind 40001" },
	{ "b+: bind 40001+", "b+: bind 40001+" },
	{ "set nodelay", "set nodelay" },
	{ "set  keepalive 1 1   3", "set keepalive 1 1 3" },
	{ "set user-timeout 300ms -> ENOPROTOOPT", "set user-timeout 300ms -> ENOPROTOOPT" },
	{ "send 500", "send 500" },
	{ "send 1000000 started", "send 1000000 started" },
	{ "send \"hello\" -> EPIPE", "send \"hello\" -> EPIPE" },
	{ "send \"a -> b # c\"", "send \"a -> b # c\"" },
	{ "recv", "recv" },
	{ "recv 5", "recv 5" },
	{ "recv -> 5", "recv -> 5" },
	{ "recv 100 -> end", "recv 100 -> end" },
	{ "recv -> ECONNRESET", "recv -> ECONNRESET" },
	{ "recv -> any", "recv -> any" },
	{ "recv all", "recv all" },
	{ "recv all -> 10", "recv all -> 10" },
	{ "echo", "echo" },
	{ "shutdown write", "shutdown write" },
	{ "shutdown read", "shutdown read" },
	{ "shutdown both -> ENOTCONN", "shutdown both -> ENOTCONN" },
	{ "close", "close" },
	{ "b: abort", "b: abort" },
	{ "stop listening", "stop listening" },
	{ "exit", "exit" },
	{ "kill", "kill" },
	{ "sleep 1m", "sleep 60s" },
	{ "sleep 0", "sleep 0s" },
	{ "wait server accept 2 and C>S FIN +10ms", "wait server accept 2 and C>S FIN +10ms" },
	{ "repeat 3 {", "repeat 3 {" },
	{ "repeat 9999 every 0.5ms {", "repeat 9999 every 500us {" },
	{ "}", "}" },
};
#define FORMS (sizeof(forms) / sizeof(forms[0]))

static void every_step_printed_is_itself(void **state)
{
	(void)state;
	bool seen[STEP_VERBS] = { false };

	for (size_t i = 0; i < FORMS; i++) {
		char printed[SCENARIO_TEXT_BYTES];
		struct text out = text_over(printed, sizeof(printed));
		struct step step;
		struct step again;

		read_step(forms[i].text, &step);
		seen[step.verb] = true;
		step_print(&step, &out);
		assert_string_equal(printed, forms[i].said);
		read_step(printed, &again);
		/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): zeroed whole */
		assert_memory_equal(&again, &step, sizeof(step));
	}
	for (int verb = 0; verb < STEP_VERBS; verb++)
		if (!seen[verb])
			fail_msg("no form has %s", step_verb_name((enum step_verb)verb));
}

static void the_longest_step_fits(void **state)
{
	(void)state;
	char printed[SCENARIO_TEXT_BYTES];
	struct text out = text_over(printed, sizeof(printed));
	struct step step = { .verb = STEP_CONNECT_FAST,
			     .socket = "abcdefghijk",
			     .socket_counts = true,
			     .from_port = 65535,
			     .from_counts = true,
			     .text_bytes = STEP_TEXT_BYTES,
			     .outcome = OUTCOME_ERROR,
			     .outcome_number = EADDRNOTAVAIL };

	step_print(&step, &out); /* 256 times \x00 */
	assert_true(out.length < sizeof(printed));
}

static void a_connect_step_says_how(void **state)
{
	(void)state;
	struct step step;

	read_step("c+: connect 7100+ from 41000 timeout 300ms -> ECONNREFUSED", &step);
	assert_int_equal(step.verb, STEP_CONNECT);
	assert_string_equal(step.socket, "c");
	assert_true(step.socket_counts);
	assert_int_equal(step.port, 7100);
	assert_true(step.port_counts);
	assert_int_equal(step.from_port, 41000);
	assert_false(step.from_counts);
	assert_int_equal(step.time_ns, 300 * NSEC_PER_MSEC);
	assert_false(step.started);
	assert_int_equal(step.outcome, OUTCOME_ERROR);
	assert_int_equal(step.outcome_number, ECONNREFUSED);
	read_step("connect started", &step);
	assert_true(step.started);
	assert_int_equal(step.port, 0);
	read_step("connect fast \"ab\" from 40005", &step);
	assert_int_equal(step.verb, STEP_CONNECT_FAST);
	assert_int_equal(step.text_bytes, 2);
	assert_memory_equal(step.text, "ab", 2);
	assert_int_equal(step.from_port, 40005);
}

static void the_other_steps_say_what(void **state)
{
	(void)state;
	struct step step;

	read_step("listen 7001 backlog 1", &step);
	assert_int_equal(step.verb, STEP_LISTEN);
	assert_int_equal(step.port, 7001);
	assert_int_equal(step.backlog, 1);
	read_step("send 500 started", &step);
	assert_int_equal(step.octets, 500);
	assert_true(step.started);
	read_step("recv 100 -> 5", &step);
	assert_int_equal(step.octets, 100);
	assert_int_equal(step.outcome, OUTCOME_OCTETS);
	assert_int_equal(step.outcome_number, 5);
	read_step("recv -> end", &step);
	assert_int_equal(step.verb, STEP_RECV);
	assert_int_equal(step.outcome, OUTCOME_END);
	read_step("shutdown write", &step);
	assert_int_equal(step.how, SHUT_WR);
	read_step("set keepalive 1 2 3", &step);
	assert_int_equal(step.setting.values[1], 2);
	assert_true(socket_setting_is(&step.setting, "keepalive"));
	read_step("wait C>S FIN", &step);
	assert_int_equal(step.cond.count, 1);
	read_step("repeat 3 every 10ms {", &step);
	assert_int_equal(step.octets, 3);
	assert_int_equal(step.time_ns, 10 * NSEC_PER_MSEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pattern_says_which_segments),
		cmocka_unit_test(every_pattern_printed_is_itself),
		cmocka_unit_test(a_condition_says_when),
		cmocka_unit_test(every_condition_printed_is_itself),
		cmocka_unit_test(every_step_printed_is_itself),
		cmocka_unit_test(the_longest_step_fits),
		cmocka_unit_test(a_connect_step_says_how),
		cmocka_unit_test(the_other_steps_say_what),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
