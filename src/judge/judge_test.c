/* SPDX-License-Identifier: BSD-2-Clause */
/* The framework around the rules: confidence, headline, hosts, measures, TIME_WAIT. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "judge/context.h"
#include "judge/hosts.h"
#include "judge/judge.h"
#include "judge/system.h"
#include "judge/timewait.h"

static struct ip_address address(uint8_t last)
{
	return ip_address_v4((const uint8_t[4]){ 10, 0, 0, last });
}

/* What never happened points to zeros, as track/conn.h promises. */
static const struct fin no_fin;
static const struct probe_run no_probes;
static const struct resend_run no_resend;
static const struct shut_window no_shut;
static const struct stall no_stalls[STALL_KINDS];

static void empty_half(struct half *half, uint8_t host)
{
	half->ip = address(host);
	half->mss = half->window_scale = -1;
	half->closing = &no_fin;
	half->keepalive = half->window_probe = &no_probes;
	half->resend = half->worst_resend = &no_resend;
	half->shut = &no_shut;
	half->answer_least_ns = TIME_NONE;
}

/* A connection of which nothing is known but its two ends. */
static struct conn empty_conn(void)
{
	struct conn conn = {
		.conn = 1,
		.first_frame = 1,
		.handshake_rtt_ns = TIME_NONE,
		.to_server_rtt_ns = TIME_NONE,
		.to_client_rtt_ns = TIME_NONE,
		.ending_reset = -1,
		.closed_first = -1,
		.stalls = no_stalls,
	};

	empty_half(&conn.half[END_CLIENT], 1);
	empty_half(&conn.half[END_SERVER], 2);
	return conn;
}

/* A handshake whose three segments the tap saw, confirmed by data. */
static struct conn opened_conn(void)
{
	struct conn conn = empty_conn();

	conn.opening = OPENING_SUCCEEDED;
	conn.syn.frame = 1;
	conn.synack.frame = 2;
	conn.handshake_ack.frame = conn.opened.frame = 3;
	conn.half[END_CLIENT].packets = 4;
	conn.half[END_SERVER].packets = 4;
	conn.half[END_CLIENT].syn = conn.half[END_SERVER].synack = 1;
	return conn;
}

static void a_handshake_is_proved_by_its_three_segments(void **state)
{
	struct judge *judge = judge_new();
	struct conn conn = opened_conn();
	static struct judgement out;

	(void)state;
	judge_conn(judge, &conn, &out);
	assert_true(out.has_open);
	assert_string_equal(out.open.entry->id, "open.handshake");
	assert_int_equal(out.open.confidence, CONFIDENCE_PROVED);
	assert_int_equal(out.open.frame_count, 3);
	assert_int_equal(out.open.decisive, 3);

	conn.syn.frame = 0; /* the SYN was not captured */
	judge_conn(judge, &conn, &out);
	assert_int_equal(out.open.confidence, CONFIDENCE_LIKELY);
	judge_free(judge);
}

static void a_disabled_rule_does_not_hold(void **state)
{
	struct judge *judge = judge_new();
	struct conn conn = opened_conn();
	static struct judgement out;

	(void)state;
	assert_false(judge_disable(judge, "open.nonsense"));
	assert_true(judge_disable(judge, "open.handshake"));
	judge_conn(judge, &conn, &out);
	assert_true(!out.has_open || strcmp(out.open.entry->id, "open.handshake") != 0);
	judge_free(judge);
}

static void evidence_is_cited_once_and_bounded(void **state)
{
	struct verdict verdict;

	(void)state;
	verdict_begin(&verdict, catalogue_find("open.handshake"));
	verdict_cite(&verdict, 0);
	verdict_cite(&verdict, 7);
	verdict_cite(&verdict, 7);
	assert_int_equal(verdict.frame_count, 1);
	for (uint64_t frame = 8; frame < 40; frame++) {
		verdict_cite(&verdict, frame);
		verdict_value(&verdict, "n", VALUE_COUNT, 1);
		verdict_exclude(&verdict, "open.handshake", "because", frame);
	}
	assert_int_equal(verdict.frame_count, VERDICT_FRAMES);
	assert_int_equal(verdict.value_count, VERDICT_VALUES);
	assert_int_equal(verdict.excluded_count, VERDICT_EXCLUSIONS);
}

static void a_verdict_is_lowered_to_possible_and_no_further(void **state)
{
	struct verdict verdict;

	(void)state;
	verdict_begin(&verdict, catalogue_find("open.handshake"));
	assert_int_equal(verdict.confidence, CONFIDENCE_PROVED);
	verdict_lower(&verdict);
	assert_int_equal(verdict.confidence, CONFIDENCE_LIKELY);
	verdict_lower(&verdict);
	verdict_lower(&verdict);
	assert_int_equal(verdict.confidence, CONFIDENCE_POSSIBLE);
}

static const struct entry look_end = { .id = "end.bad", .phase = PHASE_END, .look = true };
static const struct entry note_end = { .id = "end.good", .phase = PHASE_END };
static const struct entry look_life = { .id = "life.bad", .phase = PHASE_LIFE, .look = true };
static const struct entry note_life = { .id = "life.note", .phase = PHASE_LIFE };
static const struct entry cause_life = {
	.id = "life.cause", .phase = PHASE_LIFE, .look = true, .explains_end = true
};

static void the_worst_look_is_the_headline(void **state)
{
	static struct judgement out;

	(void)state;
	out.has_open = out.has_end = true;
	verdict_begin(&out.open, catalogue_find("open.handshake"));
	verdict_begin(&out.end, &note_end);
	verdict_begin(&out.life[0], &note_life);
	out.life_count = 1;
	assert_ptr_equal(judgement_headline(&out), &out.end);
	assert_false(judgement_needs_look(&out));

	verdict_begin(&out.life[1], &look_life);
	verdict_begin(&out.life[2], &look_life);
	out.life[1].cost_ns = 1;
	out.life[2].cost_ns = 2; /* cost more than the other */
	out.life_count = 3;
	assert_ptr_equal(judgement_headline(&out), &out.life[2]);
	assert_true(judgement_needs_look(&out));

	verdict_begin(&out.end, &look_end);
	assert_ptr_equal(judgement_headline(&out), &out.end);

	verdict_begin(&out.life[3], &cause_life);
	out.life_count = 4;
	assert_ptr_equal(judgement_headline(&out), &out.life[3]);

	out.has_open = out.has_end = false;
	out.life_count = 0;
	assert_null(judgement_headline(&out));
}

static void ttls_differ_by_more_than_two_hops_or_by_start(void **state)
{
	(void)state;
	assert_false(ttl_differs(64, 64));
	assert_false(ttl_differs(62, 64));
	assert_true(ttl_differs(61, 64));
	assert_true(ttl_differs(65, 64)); /* 128's range against 64's */
	assert_int_equal(ttl_start(1), 32);
	assert_int_equal(ttl_start(33), 64);
	assert_int_equal(ttl_start(64), 64);
	assert_int_equal(ttl_start(65), 128);
	assert_int_equal(ttl_start(129), 255);
}

static void an_answer_limit_is_twice_the_ends_half_and_a_little(void **state)
{
	struct conn conn = empty_conn();
	struct context context = { .conn = &conn };
	bool sure = true;

	(void)state;
	assert_int_equal(context_answer_limit_ns(&context, END_SERVER, &sure), 200 * NSEC_PER_MSEC);
	assert_false(sure);
	conn.half[END_SERVER].answer_least_ns = 5 * NSEC_PER_MSEC;
	assert_int_equal(context_answer_limit_ns(&context, END_SERVER, &sure), 20 * NSEC_PER_MSEC);
	assert_true(sure);
	conn.to_server_rtt_ns = 30 * NSEC_PER_MSEC;
	assert_int_equal(context_answer_limit_ns(&context, END_SERVER, &sure), 70 * NSEC_PER_MSEC);
}

static void a_slot_is_twice_the_gap_but_never_over_two_minutes(void **state)
{
	struct conn conn = empty_conn();
	struct context context = { .conn = &conn };

	(void)state;
	conn.judged_ns = 10 * NSEC_PER_SEC;
	assert_true(context_slot_passed(&context, 0, 4 * NSEC_PER_SEC));
	assert_false(context_slot_passed(&context, 0, 5 * NSEC_PER_SEC)); /* due at 10, slack */
	conn.judged_ns = 140 * NSEC_PER_SEC;
	assert_true(context_slot_passed(&context, 0, 120 * NSEC_PER_SEC));
	assert_true(context_slot_passed(&context, 0, INT64_MAX / 4));
}

static void hosts_keep_their_ttls_and_fastest_answer(void **state)
{
	struct host_table *table = host_table_new();
	struct ip_address known = address(1), unknown = address(2);

	(void)state;
	assert_null(host_find(table, &known));
	/* Enough other hosts that the table grows several times. */
	for (unsigned i = 0; i < 5000; i++) {
		struct host_sighting other = { .frame = i + 1, .answer_ns = TIME_NONE, .ttl = 9 };

		other.ip =
			ip_address_v4((const uint8_t[4]){ 11, 0, (uint8_t)(i >> 8), (uint8_t)i });
		host_table_add(table, &other);
		if (i % 1000 == 0)
			host_table_add(table,
				       &(struct host_sighting){ .ip = known,
								.frame = 10 + i,
								.ttl = (uint8_t)(60 + i / 2000),
								.answer_ns = 5000 - i });
	}

	const struct host *host = host_find(table, &known);

	assert_non_null(host);
	assert_int_equal(host->ttl_count, 3); /* 60, 61, 62; each once */
	assert_int_equal(host->ttl_frame, 10);
	assert_int_equal(host->answer_least_ns, 1000);
	assert_null(host_find(table, &unknown));
	assert_int_equal(host_table_dropped(table), 0);
	host_table_free(table);
}

static void a_systems_syn_tells_it(void **state)
{
	struct half half = { .ttls = { 57 }, .ttl_count = 1 };

	(void)state;
	assert_int_equal(system_fits(&half), SYSTEM_LINUX | SYSTEM_MACOS | SYSTEM_FREEBSD);
	half.parameters_known = true;
	memcpy(half.syn_option_order, (const uint8_t[]){ 2, 4, 8, 1, 3 }, 5);
	assert_int_equal(system_fits(&half), SYSTEM_LINUX);
	memcpy(half.syn_option_order, (const uint8_t[]){ 2, 1, 3, 1, 1, 8, 4, 0 }, 8);
	half.syn_window = 65535;
	assert_int_equal(system_fits(&half), SYSTEM_MACOS);
	half.ttls[0] = 120; /* options of one system, TTL of another: the TTL is believed */
	assert_int_equal(system_fits(&half), SYSTEM_WINDOWS);
}

static void time_wait_begins_when_both_fins_are_done(void **state)
{
	struct fin client = { .first = { .frame = 5, .time_ns = 100 },
			      .acked = { .frame = 6, .time_ns = 150 } };
	struct fin server = { .first = { .frame = 7, .time_ns = 200 },
			      .acked = { .frame = 8, .time_ns = 210 } };
	struct conn conn = empty_conn();
	struct time_wait wait;

	(void)state;
	conn.half[END_CLIENT].closing = &client;
	conn.half[END_SERVER].closing = &server;
	conn.half[END_CLIENT].has_fin = conn.half[END_SERVER].has_fin = true;
	conn.half[END_CLIENT].state = STATE_TIME_WAIT;
	conn.half[END_CLIENT].ttls[0] = 64;
	conn.half[END_CLIENT].ttl_count = 1;
	timewait_judge(&conn, END_CLIENT, &wait);
	assert_true(wait.held);
	assert_int_equal(wait.from_ns, 200);
	assert_int_equal(wait.duration_ns, 60 * NSEC_PER_SEC);
	assert_int_equal(wait.until_ns, 200 + 60 * NSEC_PER_SEC);
	assert_string_equal(wait.assumed, "linux");
	timewait_judge(&conn, END_SERVER, &wait);
	assert_false(wait.held);

	server.repeats = 1; /* its last ACK was lost: TIME_WAIT begins anew */
	server.last_repeat_ns = 900;
	timewait_judge(&conn, END_CLIENT, &wait);
	assert_int_equal(wait.from_ns, 900);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_handshake_is_proved_by_its_three_segments),
		cmocka_unit_test(a_disabled_rule_does_not_hold),
		cmocka_unit_test(evidence_is_cited_once_and_bounded),
		cmocka_unit_test(a_verdict_is_lowered_to_possible_and_no_further),
		cmocka_unit_test(the_worst_look_is_the_headline),
		cmocka_unit_test(ttls_differ_by_more_than_two_hops_or_by_start),
		cmocka_unit_test(an_answer_limit_is_twice_the_ends_half_and_a_little),
		cmocka_unit_test(a_slot_is_twice_the_gap_but_never_over_two_minutes),
		cmocka_unit_test(hosts_keep_their_ttls_and_fastest_answer),
		cmocka_unit_test(a_systems_syn_tells_it),
		cmocka_unit_test(time_wait_begins_when_both_fins_are_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
