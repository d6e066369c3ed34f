/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole scenarios: what their lines mean, and what is said of those that cannot be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/time.h"
#include "lab/scenario.h"

static const char *source_root;

/* A head and two programs that can be: lines are added behind them, from line 10 on. */
#define HEAD "title t\n"
#define BOTH                                                                                       \
	HEAD "server\n listen\n accept\n recv all\n"                                               \
	     "client\n connect\n send 5\n close\n"

static struct scenario *parse(const char *text)
{
	struct err err = { 0 };
	struct scenario *scenario = scenario_parse("folder/some.name.scn", text, &err);

	if (!scenario)
		fail_msg("%s (%s)", err.what, err.where);
	return scenario;
}

/* --- what lines mean ------------------------------------------------------------------------ */

static void a_head_says_what_it_is_about(void **state)
{
	(void)state;
	struct scenario *s = parse("title  a  title # comment\n"
				   "told {connect} and {errno connect} {timer client}\n"
				   "article 5a Both ends\n"
				   "verdict open.handshake end.fin.four-way\n"
				   "when kernel >= 6.5\nipv6\nread server\nlimit 10s\n"
				   "sysctl both ipv4.tcp_rmem 1 2  3 optional\n"
				   "sysctl client link.mtu 900\n"
				   "end after client connect +2s\n"
				   "client\n connect\n"
				   "expect open.handshake\nexpect end.fin.four-way\n");

	assert_string_equal(s->name, "some.name");
	assert_string_equal(s->path, "folder/some.name.scn");
	assert_string_equal(s->title, "a  title");
	assert_string_equal(s->told, "{connect} and {errno connect} {timer client}");
	assert_string_equal(s->article, "5a");
	assert_string_equal(s->article_of, "Both ends");
	assert_int_equal(s->verdict_count, 2);
	assert_string_equal(s->verdicts[1], "end.fin.four-way");
	assert_int_equal(s->kernel_major, 6);
	assert_int_equal(s->kernel_minor, 5);
	assert_true(s->ipv6);
	assert_int_equal(s->read, END_SERVER);
	assert_int_equal(s->limit_ns, 10 * NSEC_PER_SEC);
	assert_int_equal(s->sysctl_count, 2);
	assert_true(s->sysctls[0].end[END_CLIENT] && s->sysctls[0].end[END_SERVER]);
	assert_string_equal(s->sysctls[0].value, "1 2 3");
	assert_true(s->sysctls[0].optional);
	assert_false(s->sysctls[1].end[END_SERVER]);
	assert_string_equal(s->sysctls[1].name, "link.mtu");
	assert_true(s->has_end);
	assert_int_equal(s->end.then_ns, 2 * NSEC_PER_SEC);
	assert_int_equal(s->expected[0].tap, END_SERVER);
	scenario_free(s);
}

static void programs_keep_their_steps_and_lines(void **state)
{
	(void)state;
	struct scenario *s = parse("title t\r\n\r\nserver\r\n\tlisten\r\n\t# so\r\n\taccept\r\n"
				   "client\n connect\n repeat 3 {\n  send 1\n }\nclient slow\n"
				   " connect");

	assert_int_equal(s->limit_ns, 15 * NSEC_PER_SEC);
	assert_int_equal(s->program_count, 3);
	assert_int_equal(s->programs[0].end, END_SERVER);
	assert_int_equal(s->programs[0].step_count, 2);
	assert_int_equal(s->programs[0].steps[1].verb, STEP_ACCEPT);
	assert_int_equal(s->programs[0].steps[1].line, 6);
	assert_int_equal(s->programs[1].steps[1].other, 3);
	assert_int_equal(s->programs[1].steps[3].other, 1);
	assert_string_equal(s->programs[2].name, "slow");
	assert_int_equal(s->programs[2].line, 12);
	scenario_free(s);
}

static void rules_say_what_happens_to_segments(void **state)
{
	(void)state;
	struct scenario *s = parse(BOTH "wire\n"
					" drop C>S SYN 1-2\n"
					" hold FIN until C>S FIN and S>C FIN after 1s\n"
					" delay DATA 10ms\n copy ACK 3 5ms\n copy ACK\n"
					" edit SYN 1 ttl 3 win 4 strip ts strip 34 after 1ms\n"
					" edit DATA ack +5 seq -6 tsval +7 sum bad\n");

	assert_int_equal(s->rule_count, 7);
	assert_int_equal(s->rules[0].kind, RULE_DROP);
	assert_int_equal(s->rules[0].line, 11);
	assert_int_equal(s->rules[0].pattern.last, 2);
	assert_int_equal(s->rules[1].kind, RULE_HOLD);
	assert_int_equal(s->rules[1].until.count, 2);
	assert_int_equal(s->rules[1].after.count, 1);
	assert_int_equal(s->rules[2].time_ns, 10 * NSEC_PER_MSEC);
	assert_int_equal(s->rules[3].pattern.first, 3);
	assert_int_equal(s->rules[3].time_ns, 5 * NSEC_PER_MSEC);
	assert_int_equal(s->rules[4].time_ns, 0);
	assert_int_equal(s->rules[5].edit_count, 4);
	assert_int_equal(s->rules[5].edits[1].kind, EDIT_WINDOW);
	assert_int_equal(s->rules[5].edits[2].number, 8);
	assert_int_equal(s->rules[5].edits[3].number, 34);
	assert_int_equal(s->rules[5].after.count, 1);
	assert_int_equal(s->rules[6].edits[1].kind, EDIT_SEQ);
	assert_int_equal(s->rules[6].edits[1].number, -6);
	assert_int_equal(s->rules[6].edits[3].kind, EDIT_SUM_BAD);
	scenario_free(s);
}

static void rules_answer_and_inject(void **state)
{
	(void)state;
	static const uint8_t nine[] = { 10, 9, 0, 9 };
	const struct ip_address address = ip_address_v4(nine);
	struct scenario *s = parse(
		BOTH "wire\n answer C>S SYN 2 with S>C R. 0 ack 1 ttl 9 after client connect\n"
		     " answer any with icmp 3/4 from 10.9.0.9 mtu 900 after 1s\n"
		     " inject C>S P. 1:11(10) ack 1 payload \"a \\\" after \"\n"
		     " inject from 10.9.0.9+:50+ to 7000+ C>S S 0 <mss 9,ts 1 0> after 1s times 7 "
		     "every 2ms\n"
		     " reboot server after 2s\n");

	assert_int_equal(s->rules[0].kind, RULE_ANSWER);
	assert_int_equal(s->rules[0].segment->ttl, 9);
	assert_true(s->rules[0].segment->from_server);
	assert_int_equal(s->rules[0].after.count, 1);
	assert_int_equal(s->rules[1].kind, RULE_ANSWER_ICMP);
	assert_int_equal(s->rules[1].icmp_type, 3);
	assert_int_equal(s->rules[1].icmp_code, 4);
	assert_int_equal(s->rules[1].icmp_mtu, 900);
	assert_true(ip_address_equal(&s->rules[1].icmp_from, &address));
	assert_int_equal(s->rules[2].kind, RULE_INJECT);
	assert_memory_equal(s->rules[2].segment->payload, "a \" after ", 10);
	assert_int_equal(s->rules[2].after.count, 0);
	assert_int_equal(s->rules[2].times, 1);
	assert_true(s->rules[3].from_said && s->rules[3].address_counts);
	assert_true(ip_address_equal(&s->rules[3].from_address, &address));
	assert_int_equal(s->rules[3].from_port, 50);
	assert_int_equal(s->rules[3].to_port, 7000);
	assert_true(s->rules[3].from_counts && s->rules[3].to_counts);
	assert_int_equal(s->rules[3].segment->option_bytes, 14);
	assert_int_equal(s->rules[3].times, 7);
	assert_int_equal(s->rules[3].every_ns, 2 * NSEC_PER_MSEC);
	assert_int_equal(s->rules[4].kind, RULE_REBOOT);
	assert_int_equal(s->rules[4].end, END_SERVER);
	scenario_free(s);
}

static void captures_have_flaws(void **state)
{
	(void)state;
	struct scenario *s = parse(BOTH "capture\n miss C>S DATA 2\n twice FIN\n cut 60\n"
					" from client connect\n until 2s\n");

	assert_int_equal(s->flaw_count, 5);
	assert_int_equal(s->flaws[0].kind, FLAW_MISS);
	assert_int_equal(s->flaws[0].pattern.first, 2);
	assert_int_equal(s->flaws[1].kind, FLAW_TWICE);
	assert_int_equal(s->flaws[2].number, 60);
	assert_int_equal(s->flaws[3].cond.parts[0].verb, STEP_CONNECT);
	assert_int_equal(s->flaws[4].kind, FLAW_UNTIL);
	scenario_free(s);
}

static void what_must_come_of_it_is_kept(void **state)
{
	(void)state;
	struct scenario *s = parse(BOTH "expect open.handshake proved conn 40001 at server\n"
					"forbid look # nothing\nread server\n"
					"expect open.handshake value x = \" at client # \"\n"
					"kernel client SYN_SENT ESTABLISHED\n"
					"frames client exactly\n C>S F. 1 ack 1\n S>C . 1 ack 2\n"
					"frames\n C>S R 1\ncount C>S SYN len = 0 >= 2\n");

	assert_int_equal(s->expected_count, 3);
	assert_int_equal(s->expected[0].tap, END_SERVER);
	assert_string_equal(s->expected[0].claim.conn, "40001");
	assert_string_equal(s->expected[0].claim.text, "expect open.handshake proved conn 40001");
	assert_int_equal(s->expected[0].claim.line, 10);
	assert_int_equal(s->expected[1].claim.kind, CLAIM_FORBID_LOOK);
	assert_int_equal(s->expected[1].tap, END_SERVER); /* of the line below it */
	assert_string_equal(s->expected[2].claim.conditions[0].text, " at client # ");
	assert_int_equal(s->kernels[0].count, 2);
	assert_int_equal(s->kernels[0].states[1], STATE_ESTABLISHED);
	assert_int_equal(s->frames_count, 2);
	assert_true(s->frames[0].exactly);
	assert_int_equal(s->frames[0].tap, END_CLIENT);
	assert_int_equal(s->frames[0].count, 2);
	assert_int_equal(s->frames[0].segments[1].ack, 2);
	assert_int_equal(s->frames[0].lines[1], 17);
	assert_int_equal(s->frames[1].tap, END_SERVER);
	assert_int_equal(s->counts[0].compare, OF_AT_LEAST);
	assert_int_equal(s->counts[0].number, 2);
	assert_int_equal(s->counts[0].pattern.length_compare, OF_EQUAL);
	scenario_free(s);
}

static void common_claims_have_answers_and_facts(void **state)
{
	(void)state;
	struct scenario *s =
		parse(BOTH "claim both wait\n"
			   " no when frame C>S F. 1 ack 1 and kernel client TIME_WAIT\n"
			   " \"half of it\" when count SYN = 2 and found open.handshake "
			   "and call client recv all ECONNRESET and call server accept "
			   "ok\n");
	const struct common_claim *claim = &s->claims[0];

	assert_string_equal(claim->text, "both wait");
	assert_int_equal(claim->answer_count, 2);
	assert_string_equal(claim->answers[0].words, "no");
	assert_int_equal(claim->answers[0].fact_count, 2);
	assert_int_equal(claim->answers[0].facts[0].segment->ack, 1);
	assert_int_equal(claim->answers[0].facts[1].state, STATE_TIME_WAIT);
	assert_string_equal(claim->answers[1].words, "half of it");
	assert_int_equal(claim->answers[1].facts[0].count.number, 2);
	assert_string_equal(claim->answers[1].facts[1].id, "open.handshake");
	assert_int_equal(claim->answers[1].facts[2].verb, STEP_RECV_ALL);
	assert_int_equal(claim->answers[1].facts[2].error, ECONNRESET);
	assert_int_equal(claim->answers[1].facts[3].end, END_SERVER);
	assert_int_equal(claim->answers[1].facts[3].error, 0);
	scenario_free(s);
}

/* --- what can be ---------------------------------------------------------------------------- */

static void unusual_programs_can_be(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"client\n bind 5\n set linger 0\n connect -> ECONNREFUSED\n connect\n",
		"client\n connect\n close\n connect\n close\n",
		"client\n repeat 3 {\n connect\n close\n }\n wait client close 3\n",
		"client\n bind 5\n recv -> ENOTCONN\n",
		"client\n connect -> any\n send 1 -> any\n",
		"server\n set reuseport\n bind 7000\n listen\n accept\n stop listening\n listen\n",
		"server\n listen -> EADDRINUSE\n listen\n a: accept\n b: accept\n",
		"client\n repeat 5 {\n c+: connect\n }\n repeat 2 {\n c+: close\n }\n c4: close\n",
		"client\n wait client connect 3\nclient b\n repeat 3 {\n c+: connect\n }\n",
		"client\n wait client blocked\n connect\nclient b\n connect\n",
		"client\n connect started\n send 5 started\n connected\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char text[400];

		snprintf(text, sizeof(text), HEAD "%s", texts[i]);
		scenario_free(parse(text));
	}
}

/* The page that describes the language shows one. */
static void the_documented_scenario_is_one(void **state)
{
	(void)state;
	char path[4096];
	char line[512];
	char text[8192] = "";
	size_t used = 0;
	FILE *page;

	snprintf(path, sizeof(path), "%s/docs/scenarios.md", source_root);
	page = fopen(path, "r");
	assert_non_null(page);
	while (fgets(line, sizeof(line), page))
		if (strncmp(line, "    ", 4) == 0)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s", line + 4);
	fclose(page);

	struct scenario *s = parse(text);

	assert_int_equal(s->program_count, 2);
	assert_int_equal(s->frames[0].count, 3);
	scenario_free(s);
}

/* What scenarios have in them. */
struct seen {
	bool verbs[STEP_VERBS], outcomes[OUTCOME_ANY + 1], rules[RULE_REBOOT + 1];
	bool flaws[FLAW_UNTIL + 1], facts[FACT_CALL + 1];
};

static void note_seen(const struct scenario *s, struct seen *seen)
{
	for (size_t i = 0; i < s->program_count; i++)
		for (size_t k = 0; k < s->programs[i].step_count; k++) {
			seen->verbs[s->programs[i].steps[k].verb] = true;
			seen->outcomes[s->programs[i].steps[k].outcome] = true;
		}
	for (size_t i = 0; i < s->rule_count; i++)
		seen->rules[s->rules[i].kind] = true;
	for (size_t i = 0; i < s->flaw_count; i++)
		seen->flaws[s->flaws[i].kind] = true;
	for (size_t i = 0; i < s->claim_count; i++)
		for (unsigned k = 0; k < s->claims[i].answer_count; k++)
			seen->facts[s->claims[i].answers[k].facts[0].kind] = true;
}

static void all_seen(const bool *seen, size_t count, const char *what)
{
	for (size_t i = 0; i < count; i++)
		if (!seen[i])
			fail_msg("no scenario of the corpus has %s number %zu", what, i);
}

/* The seeds of the fuzz target are right, but for those that say otherwise, and have every word. */
static void the_corpus_has_every_word(void **state)
{
	(void)state;
	struct seen seen = { 0 };
	char folder[4096];
	char path[8192];
	struct dirent *entry;
	DIR *dir;

	snprintf(folder, sizeof(folder), "%s/tests/fuzz/corpus/fuzz_scenario", source_root);
	dir = opendir(folder);
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		bool wrong = strncmp(entry->d_name, "wrong-", 6) == 0;
		struct err err = { 0 };
		struct scenario *scenario;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		scenario = scenario_read(path, &err);
		if ((scenario == NULL) != wrong)
			fail_msg("%s: %s", err.where, err.what);
		if (scenario)
			note_seen(scenario, &seen);
		scenario_free(scenario);
	}
	closedir(dir);
	all_seen(seen.verbs, STEP_VERBS, "the verb");
	all_seen(seen.outcomes, sizeof(seen.outcomes), "the outcome");
	all_seen(seen.rules, sizeof(seen.rules), "the rule");
	all_seen(seen.flaws, sizeof(seen.flaws), "the flaw");
	all_seen(seen.facts, sizeof(seen.facts), "the fact");
}

/* --- files ---------------------------------------------------------------------------------- */

static struct err read_bytes(const void *bytes, size_t count)
{
	char path[] = "/tmp/scenario-test-XXXXXX";
	int fd = mkstemp(path);
	struct err err = { 0 };

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, count), count);
	close(fd);
	scenario_free(scenario_read(path, &err));
	unlink(path);
	return err;
}

static void files_are_text_of_some_length(void **state)
{
	(void)state;
	static char large[1000002];
	struct err err = read_bytes(BOTH, strlen(BOTH));

	assert_int_equal(err.kind, ERR_NONE);
	err = read_bytes("title t\nclient\n con\0nect\n", 25);
	assert_int_equal(err.kind, ERR_INPUT);
	assert_string_equal(err.what, "the file holds a NUL byte: it is no text");
	assert_non_null(strstr(err.where, ", line 3"));
	memset(large, '\n', sizeof(large));
	err = read_bytes(large, sizeof(large));
	assert_int_equal(err.kind, ERR_INPUT);
	assert_string_equal(err.what, "the file is too large for a scenario");
	err = (struct err){ 0 };
	assert_null(scenario_read("/nonexistent/x.scn", &err));
	assert_int_equal(err.kind, ERR_SYSTEM);
	err = (struct err){ 0 };
	assert_null(scenario_read("/tmp", &err));
	assert_int_equal(err.kind, ERR_SYSTEM);
}

static void no_error_is_wanted(void **state)
{
	(void)state;
	assert_null(scenario_parse("x", "wire\n", NULL));
	scenario_free(NULL);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_head_says_what_it_is_about),
		cmocka_unit_test(programs_keep_their_steps_and_lines),
		cmocka_unit_test(rules_say_what_happens_to_segments),
		cmocka_unit_test(rules_answer_and_inject),
		cmocka_unit_test(captures_have_flaws),
		cmocka_unit_test(what_must_come_of_it_is_kept),
		cmocka_unit_test(common_claims_have_answers_and_facts),
		cmocka_unit_test(unusual_programs_can_be),
		cmocka_unit_test(the_documented_scenario_is_one),
		cmocka_unit_test(the_corpus_has_every_word),
		cmocka_unit_test(files_are_text_of_some_length),
		cmocka_unit_test(no_error_is_wanted),
	};

	source_root = argc > 1 ? argv[1] : ".";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
