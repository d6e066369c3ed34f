/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "peers/zeek_world.h"

/* Client numbers begin 16 octets before the end of the circle. */
static void numbers_go_round(void **state)
{
	struct world *world = world_new(0, NULL);

	(void)state;
	world->client_isn = UINT32_MAX - 15;
	world_add(world, HANDSHAKE "1 C PA 1+100 1; 1.1 S A 1 101; 1.2 C PA 101+10 1; "
				   "1.3 C PA 101+10 1; 1.4 S A 1 111; 1.5 C PA 1+100 1; "
				   "2 C FA 111 1; 2.1 S FA 1 112; 10 C A 112 2");
	zeek_finish(world->zeek);
	world_expect(world, "numbers go round", "C SF ShADaTFf 110/0 7/4 0; C OTH A");
	world_free(world);
}

/* 5 GiB in steps of 1 GiB, each acknowledged: more than the circle holds. */
static void more_than_the_circle_holds_is_counted(void **state)
{
	struct world *world = world_new(0, NULL);
	char line[200];

	(void)state;
	world_add(world, HANDSHAKE);
	for (unsigned i = 0; i < 5; i++) {
		long long at = 1 + i * 1073741824ll;

		snprintf(line, sizeof(line), "%u C PA %lld+1073741824 1; %u.1 S A 1 %lld", 1 + i,
			 at, 1 + i, at + 1073741824ll);
		world_add(world, line);
	}
	zeek_finish(world->zeek);
	world_expect(world, "5 GiB", "C S1 ShADa 5368709120/0 7/6 0");
	world_free(world);
}

/* What Zeek never sees, it says nothing of. */
static void packets_that_zeek_drops_make_no_row(void **state)
{
	static const uint16_t always[] = { SEGMENT_NOT_TCP, SEGMENT_QUOTED, SEGMENT_LENGTH_OVER,
					   SEGMENT_HEADER_CUT };
	static const uint16_t checked[] = { SEGMENT_IP_SUM_BAD, SEGMENT_LENGTH_ZERO };

	(void)state;
	for (unsigned checksums = 0; checksums < 2; checksums++) {
		struct zeek_options options = { .checksums = checksums };
		struct world *world = world_new(0, &options);
		struct segment seg = world_segment(world, 'C', 1);

		seg.flags = TCP_SYN;
		for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++) {
			seg.what = always[i];
			zeek_add(world->zeek, &seg);
		}
		for (size_t i = 0; i < sizeof(checked) / sizeof(checked[0]); i++) {
			seg.what = checked[i];
			zeek_add(world->zeek, &seg);
		}
		zeek_finish(world->zeek);
		world_expect(world, "dropped", checksums ? "" : "C S0 S 0/0 2/0");
		world_free(world);
	}
}

/* 20 bytes or more of a header that makes no sense: a row, and nothing in it. */
static void a_header_that_makes_no_sense_makes_an_empty_row(void **state)
{
	static const uint16_t odd[] = { SEGMENT_OFFSET_SMALL, SEGMENT_OFFSET_LARGE,
					SEGMENT_HEADER_CUT };

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		struct world *world = world_new(0, NULL);
		struct segment seg = world_segment(world, 'C', 1);

		seg.flags = TCP_SYN;
		seg.what = odd[i];
		seg.options_seen = odd[i] == SEGMENT_HEADER_CUT ? TCP_HAS_OPTIONS_CUT : 0;
		zeek_add(world->zeek, &seg);
		zeek_finish(world->zeek);
		world_expect(world, "odd header", "C OTH - 0/0 0/0");
		world_free(world);
	}
}

static void times_are_cut_to_microseconds(void **state)
{
	struct world *world = world_new(0, NULL);
	struct segment seg = world_segment(world, 'C', 0);

	(void)state;
	seg.flags = TCP_SYN;
	seg.ip_bytes = 44;
	seg.time_ns = 1999;
	zeek_add(world->zeek, &seg);
	seg.time_ns = 3000;
	zeek_add(world->zeek, &seg);
	zeek_finish(world->zeek);
	assert_int_equal(world->count, 1);
	assert_int_equal(world->last.start_ns, 1000);
	assert_true(world->last.has_duration);
	assert_int_equal(world->last.duration_ns, 2000);
	assert_int_equal(world->last.orig_ip_bytes, 88);
	assert_int_equal(world->last.first_frame, 1);
	world_free(world);
}

static void a_single_packet_has_no_duration(void **state)
{
	struct world *world = world_new(0, NULL);

	(void)state;
	world_add(world, "1 C S 0; 1 S SA 0 1; 0.5 C A 1 1");
	zeek_finish(world->zeek);
	world_expect(world, "time goes back", "C S1 ShA");
	assert_false(world->last.has_duration);
	world_free(world);
}

/* 700 lone SYNs, then silence, then packets: at most 300 timers act at each. */
static void at_most_300_timers_act_at_a_packet(void **state)
{
	struct world *world = world_new(0, NULL);
	struct zeek_sink counting = { .context = world, .row = NULL };

	(void)state;
	zeek_free(world->zeek);
	world->zeek = zeek_new(NULL, &counting);

	struct segment seg = world_segment(world, 'C', 1);

	seg.flags = TCP_SYN;
	for (unsigned i = 0; i < 700; i++) {
		seg.src_port = (uint16_t)(1000 + i);
		zeek_add(world->zeek, &seg);
	}
	/* Each has an expire and an attempt timer due at 6 s, and the second one writes the row:
	   150 rows go with each packet. */
	seg.time_ns = 60 * NSEC_PER_SEC;
	for (unsigned i = 0; i < 2; i++) {
		seg.src_port = (uint16_t)(20000 + i);
		zeek_add(world->zeek, &seg);
	}
	assert_int_equal(zeek_live(world->zeek), 700 - 300 + 2);
	seg.what = SEGMENT_NOT_TCP;
	zeek_add(world->zeek, &seg);
	assert_int_equal(zeek_live(world->zeek), 700 - 450 + 2);
	world_free(world);
}

/* Without acknowledgements 16 KiB beyond a hole end the following of payload: no G afterwards. */
static void payload_is_not_followed_far_beyond_a_hole(void **state)
{
	struct world *world = world_new(0, NULL);

	(void)state;
	world_add(world, HANDSHAKE "1 C PA 11+10000 1; 1.1 C PA 10011+10000 1; 1.2 S A 1 20011");
	zeek_finish(world->zeek);
	world_expect(world, "16 KiB", "C S1 ShADa 20010/0 4/2 0");
	world_free(world);
}

/* Every other octet: more holes than anybody keeps. */
static void holes_are_bounded(void **state)
{
	struct world *world = world_new(0, NULL);
	char line[100];

	(void)state;
	world_add(world, HANDSHAKE "1 C PA 1+10 1; 1.1 S A 1 11");
	for (unsigned i = 0; i < 1100; i++) {
		snprintf(line, sizeof(line), "2 C PA %u+1 1", 12 + 2 * i);
		world_add(world, line);
	}
	zeek_finish(world->zeek);
	assert_int_equal(zeek_stats(world->zeek)->ranges_lost, 1);
	world_free(world);
}

/* S, F and R come back with every new number: a history can grow without end. */
static void a_long_history_is_cut_and_counted(void **state)
{
	struct world *world = world_new(0, NULL);
	char line[100];

	(void)state;
	world_add(world, HANDSHAKE);
	for (unsigned i = 0; i < 400; i++) {
		snprintf(line, sizeof(line), "1 S R %u", 1 + i);
		world_add(world, line);
	}
	zeek_finish(world->zeek);
	assert_int_equal(world->count, 1);
	assert_int_equal(strlen(world->last.history), ZEEK_HISTORY_BYTES - 1);
	assert_int_equal(zeek_stats(world->zeek)->letters_lost, 403 - (ZEEK_HISTORY_BYTES - 1));
	world_free(world);
}

static void likely_ports_can_be_chosen(void **state)
{
	static const uint16_t ports[] = { 9999 };
	struct zeek_options options = { .server_ports = ports, .server_port_count = 1 };
	struct world *world = world_new(0, &options);

	(void)state;
	world_add(world, "0 S PA 1+10 1; 0.1 C A 1 11");
	zeek_finish(world->zeek);
	world_expect(world, "own list", "C OTH ^dA 0/10");
	world_free(world);
}

/* Both ends have the same address and port: everything comes from the originator. */
static void a_connection_to_itself_has_one_side(void **state)
{
	struct world *world = world_new(0, NULL);
	struct segment seg = world_segment(world, 'C', 1);

	(void)state;
	seg.dst = seg.src;
	seg.dst_port = seg.src_port;
	seg.flags = TCP_SYN;
	seg.seq = seq_of(100);
	zeek_add(world->zeek, &seg);
	seg.flags = TCP_ACK;
	seg.seq = seq_of(101);
	seg.ack = seq_of(101);
	zeek_add(world->zeek, &seg);
	zeek_finish(world->zeek);
	world_expect(world, "to itself", "C S0 SA 0/0 2/0");
	world_free(world);
}

/* 3000 connections at once through several sizes of the table, each closed: nothing stays. */
static void closed_rows_leave_nothing(void **state)
{
	struct zeek_sink silent = { .row = NULL };
	struct zeek *zeek = zeek_new(NULL, &silent);
	struct world world = { .server_port = 9999 };

	(void)state;
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 3000; i++) {
			struct segment seg = world_segment(&world, 'C', 1 + round * 100);

			seg.src_port = (uint16_t)(1000 + 7 * i);
			seg.flags = TCP_SYN;
			zeek_add(zeek, &seg);
			seg.flags = TCP_RST;
			seg.seq = seq_of(1);
			zeek_add(zeek, &seg);
		}
		assert_int_equal(zeek_live(zeek), 3000);
		for (unsigned i = 0; i < 20; i++) {
			struct segment seg = world_segment(&world, 'X', 50 + round * 100);

			zeek_add(zeek, &seg);
		}
		assert_int_equal(zeek_live(zeek), 0);
	}
	zeek_free(zeek);
}

/* An acknowledgement of number 0 from far away is taken for a broken one. */
static void an_acknowledgement_of_zero_far_away_counts_for_nothing(void **state)
{
	struct world *world = world_new(0, NULL);

	(void)state;
	world->client_isn = UINT32_MAX - 3145727;
	world_add(world, HANDSHAKE "1 S A 1 3145728");
	zeek_finish(world->zeek);
	world_expect(world, "ack 0", "C S1 ShAaG 0/0 2/2 3145727");
	world_free(world);
}

/* Which of two likely servers is it? The lower port, unless it sends a SYN+ACK. */
static void two_likely_ports_are_told_apart(void **state)
{
	static const uint16_t ports[] = { 9999, 40000 };
	static const char *const cases[][2] = {
		{ "0 S PA 1+10 1", "C OTH ^d" },
		{ "0 C PA 1+10 1", "C OTH D" },
		{ "0 S SA 0 1", "S OTH H" },
	};
	struct zeek_options options = { .server_ports = ports, .server_port_count = 2 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world *world = world_new(0, &options);

		world_add(world, cases[i][0]);
		zeek_finish(world->zeek);
		world_expect(world, cases[i][0], cases[i][1]);
		world_free(world);
	}
}

/* At the end: those that wait for an answer to their SYN, then the rest by first frame. */
static void lone_syns_come_first_at_the_end(void **state)
{
	static const uint16_t ports[] = { 40000, 1, 2, 3 };
	struct world *world = world_new(0, NULL);
	struct segment seg = world_segment(world, 'C', 0);

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		seg.src_port = ports[i];
		seg.flags = i == 2 ? TCP_SYN : TCP_PSH;
		seg.payload_bytes = seg.payload_captured = i;
		zeek_add(world->zeek, &seg);
	}
	zeek_finish(world->zeek);
	world_expect(world, "end", "S S0 ST; C OTH -; S OTH D; S OTH D");
	assert_int_equal(world->last.orig_port, 3);
	world_free(world);
}

/* Every other row goes, through a crowded table: the rest is still found. */
static void rows_are_found_after_others_have_gone(void **state)
{
	struct world *world = world_new(0, NULL);
	struct segment seg = world_segment(world, 'C', 0);

	(void)state;
	world->silent = true;
	for (unsigned i = 0; i < 3000; i++) {
		seg.src_port = (uint16_t)(1000 + 7 * i);
		seg.flags = i % 2 ? TCP_PSH : TCP_RST;
		zeek_add(world->zeek, &seg);
	}
	seg.time_ns += 20 * NSEC_PER_SEC;
	seg.what = SEGMENT_NOT_TCP;
	for (unsigned i = 0; i < 20; i++)
		zeek_add(world->zeek, &seg);
	assert_int_equal(zeek_live(world->zeek), 1500);
	seg.what = 0;
	for (unsigned i = 1; i < 3000; i += 2) {
		seg.src_port = (uint16_t)(1000 + 7 * i);
		zeek_add(world->zeek, &seg);
	}
	assert_int_equal(zeek_live(world->zeek), 1500);
	world_free(world);
}

/* Refused, the latest first (a capture out of order): gone 5 s later, the earliest first. */
static void timers_stay_in_order_when_many_were_cancelled(void **state)
{
	struct world *world = world_new(0, NULL);
	struct segment seg = world_segment(world, 'C', 0);

	(void)state;
	world->silent = true;
	for (unsigned i = 0; i < 3000; i++) {
		seg.time_ns = (3000 - i) * NSEC_PER_MSEC;
		seg.src_port = (uint16_t)(1000 + 7 * i);
		seg.flags = TCP_SYN;
		zeek_add(world->zeek, &seg);
		seg.flags = TCP_RST;
		zeek_add(world->zeek, &seg);
	}
	assert_int_equal(zeek_live(world->zeek), 3000);
	seg.what = SEGMENT_NOT_TCP;
	for (unsigned i = 0; i < 3000; i++) {
		seg.time_ns = (i + 1) * NSEC_PER_MSEC + 5 * NSEC_PER_SEC;
		zeek_add(world->zeek, &seg);
		assert_int_equal(zeek_live(world->zeek), 3000 - 1 - i);
	}
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_go_round),
		cmocka_unit_test(more_than_the_circle_holds_is_counted),
		cmocka_unit_test(packets_that_zeek_drops_make_no_row),
		cmocka_unit_test(a_header_that_makes_no_sense_makes_an_empty_row),
		cmocka_unit_test(times_are_cut_to_microseconds),
		cmocka_unit_test(a_single_packet_has_no_duration),
		cmocka_unit_test(at_most_300_timers_act_at_a_packet),
		cmocka_unit_test(payload_is_not_followed_far_beyond_a_hole),
		cmocka_unit_test(holes_are_bounded),
		cmocka_unit_test(a_long_history_is_cut_and_counted),
		cmocka_unit_test(likely_ports_can_be_chosen),
		cmocka_unit_test(a_connection_to_itself_has_one_side),
		cmocka_unit_test(closed_rows_leave_nothing),
		cmocka_unit_test(an_acknowledgement_of_zero_far_away_counts_for_nothing),
		cmocka_unit_test(two_likely_ports_are_told_apart),
		cmocka_unit_test(lone_syns_come_first_at_the_end),
		cmocka_unit_test(rows_are_found_after_others_have_gone),
		cmocka_unit_test(timers_stay_in_order_when_many_were_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
