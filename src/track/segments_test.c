/* SPDX-License-Identifier: BSD-2-Clause */
#include "track/testbed.h"

/* What one segment is: sent again, overtaken, a probe, a copy, a fact about a window. */

static void three_duplicate_acks_make_a_fast_retransmission(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_open(bed);
	for (uint32_t i = 0; i < 5; i++) /* the first is lost behind the tap */
		bed_say(bed, 0, C, TCP_ACK, 1 + 100 * i, 1, 100);
	bed_say(bed, 20, S, TCP_ACK, 1, 1, 0);
	for (int i = 0; i < 3; i++)
		assert_true(bed_say(bed, 1, S, TCP_ACK, 1, 1, 0) & NOTE_DUPLICATE_ACK);
	uint32_t notes = bed_say(bed, 1, C, TCP_ACK, 1, 1, 100);

	assert_true(notes & NOTE_RESENT);
	assert_true(notes & NOTE_RESENT_FAST);
	assert_false(notes & NOTE_RESENT_TIMER);
	bed_say(bed, 20, S, TCP_ACK, 1, 501, 0);
	const struct conn *conn = bed_finish(bed);

	assert_int_equal(conn->half[C].resent_fast, 1);
	assert_int_equal(conn->half[C].resent_bytes, 100);
	assert_int_equal(conn->half[C].unique_bytes, 500);
	assert_int_equal(conn->half[S].duplicate_acks, 4);
	assert_int_equal(conn->half[C].resend->repeats, 0); /* progress ended the run */
	assert_int_equal(conn->half[C].worst_resend->repeats, 1);
	assert_int_equal(conn->half[C].worst_resend->original_frame, 4);
	bed_free(bed);
}

static void growing_gaps_without_answer_are_the_timer(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_open(bed);
	bed_say(bed, 5000, C, TCP_ACK, 1, 1, 100); /* 4 */
	for (int gap = 300; gap <= 2400; gap *= 2)
		assert_true(bed_say(bed, gap, C, TCP_ACK, 1, 1, 100) & NOTE_RESENT_TIMER);
	const struct conn *conn = bed_finish(bed);
	const struct resend_run *run = conn->half[C].resend;

	assert_int_equal(run->repeats, 4);
	assert_true(run->gaps_grow);
	assert_false(run->answered);
	assert_int_equal(run->original_frame, 4);
	assert_int_equal(run->silence_before_ns, 5000 * NSEC_PER_MSEC);
	assert_int_equal(run->last_gap_ns, 2400 * NSEC_PER_MSEC);
	assert_int_equal(conn->half[C].smallest_stuck_bytes, 100);
	bed_free(bed);
}

static void what_was_acknowledged_before_is_spurious(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_open(bed);
	bed_say(bed, 1, C, TCP_ACK, 1, 1, 100);
	bed_say(bed, 10, S, TCP_ACK, 1, 101, 0);
	assert_true(bed_say(bed, 300, C, TCP_ACK, 1, 1, 100) & NOTE_SPURIOUS);
	const struct conn *conn = bed_finish(bed);

	assert_int_equal(conn->half[C].resent_spurious, 1);
	bed_free(bed);
}

/* RFC 2883 section 4.1: the first block tells of a duplicate. */
static void a_dsack_shows_a_spurious_repeat(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);
	uint8_t options[12] = { 1, 1, 5, 10 };
	const uint32_t left = BED_CLIENT_ISN + 1, right = left + 100;

	for (unsigned i = 0; i < 4; i++) {
		options[4 + i] = (uint8_t)(left >> (24 - 8 * i));
		options[8 + i] = (uint8_t)(right >> (24 - 8 * i));
	}
	bed_open(bed);
	bed_say(bed, 1, C, TCP_ACK, 1, 1, 100);
	bed_say(bed, 300, C, TCP_ACK, 1, 1, 100); /* 5 */
	struct segment *seg = bed_make(bed, S, TCP_ACK, 1, 101, 0);

	seg->options = options;
	seg->options_bytes = sizeof(options);
	seg->options_seen = TCP_HAS_SACK;
	bed_send(bed, NSEC_PER_MSEC);
	const struct conn *conn = bed_finish(bed);

	assert_int_equal(conn->half[C].resent_spurious, 1);
	assert_int_equal(conn->half[C].first_spurious_frame, 5);
	for (unsigned i = 0; i < conn->moment_count; i++)
		if (conn->moments[i].frame == 5)
			assert_true(conn->moments[i].notes & NOTE_SPURIOUS);
	bed_free(bed);
}

static void a_hole_filled_with_an_older_ip_id_was_overtaken(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_open(bed);
	struct segment early = *bed_make(bed, C, TCP_ACK, 1, 1, 100); /* sent first */

	assert_true(bed_say(bed, 1, C, TCP_ACK, 101, 1, 100) & NOTE_GAP_BEFORE);
	bed->last = early;
	uint32_t notes = bed_send(bed, NSEC_PER_MSEC);

	assert_true(notes & NOTE_REORDERED);
	assert_true(notes & NOTE_FILLS_GAP);
	assert_false(notes & NOTE_RESENT);
	const struct conn *conn = bed_finish(bed);

	assert_int_equal(conn->half[C].reordered_segments, 1);
	assert_int_equal(conn->half[C].missing_bytes, 0);
	assert_int_equal(conn->half[C].unique_bytes, 200);
	bed_free(bed);
}

static void a_hole_filled_later_was_lost_before_the_tap(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_open(bed);
	bed_say(bed, 1, C, TCP_ACK, 101, 1, 100);
	uint32_t notes = bed_say(bed, 300, C, TCP_ACK, 1, 1, 100);

	assert_true(notes & NOTE_FILLS_GAP);
	assert_false(notes & (NOTE_REORDERED | NOTE_RESENT));
	bed_say(bed, 1, C, TCP_ACK, 301, 1, 100); /* and a hole that stays: 100 octets */
	const struct conn *conn = bed_finish(bed);

	assert_int_equal(conn->half[C].resent_segments, 0);
	assert_int_equal(conn->half[C].missing_bytes, 100);
	bed_free(bed);
}

static void a_copy_counts_as_a_copy_and_nothing_else(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_open(bed);
	bed_say(bed, 1, C, TCP_ACK, 1, 1, 100);
	assert_int_equal(bed_send(bed, 4 * NSEC_PER_MSEC), NOTE_CAPTURE_COPY);
	bed->last.ttl--; /* one hop further */
	assert_int_equal(bed_send(bed, NSEC_PER_MSEC / 2), NOTE_CAPTURE_COPY);
	const struct conn *conn = bed_finish(bed);

	assert_int_equal(conn->half[C].packets, 3);
	assert_int_equal(conn->half[C].payload_bytes, 100);
	assert_int_equal(conn->half[C].capture_duplicates, 2);
	assert_int_equal(conn->half[C].resent_segments, 0);
	assert_int_equal(conn->quality.copies, 2);
	bed_free(bed);
}

/* A burst of two, then the same burst from the second mirror port. */
static void copies_of_a_burst_are_found(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);
	struct segment first, second;

	bed_open(bed);
	first = *bed_make(bed, C, TCP_ACK, 1, 1, 100);
	bed_send(bed, NSEC_PER_USEC);
	second = *bed_make(bed, C, TCP_ACK, 101, 1, 100);
	bed_send(bed, NSEC_PER_USEC);
	bed->last = first;
	assert_int_equal(bed_send(bed, NSEC_PER_USEC), NOTE_CAPTURE_COPY);
	bed->last = second;
	assert_int_equal(bed_send(bed, NSEC_PER_USEC), NOTE_CAPTURE_COPY);
	bed_free(bed);
}

static void the_same_octets_with_a_new_ip_id_are_no_copy(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_open(bed);
	bed_say(bed, 1, C, TCP_ACK, 1, 1, 100);
	assert_true(bed_say(bed, 1, C, TCP_ACK, 1, 1, 100) & NOTE_RESENT);
	bed_free(bed);
}

/* As Linux was measured to do it, then the peer is gone: probes every second, and the reset. */
static void keepalive_probes_are_told_and_counted(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_open(bed);
	assert_true(bed_say(bed, 60000, C, TCP_ACK, 0, 1, 0) & NOTE_KEEPALIVE); /* 4 */
	assert_true(bed_say(bed, 10, S, TCP_ACK, 1, 1, 0) & NOTE_KEEPALIVE_ANSWER);
	for (int i = 0; i < 3; i++)
		assert_true(bed_say(bed, i ? 1000 : 60000, C, TCP_ACK, 0, 1, 0) & NOTE_KEEPALIVE);
	assert_true(bed_say(bed, 1000, C, TCP_RST | TCP_ACK, 1, 1, 0) & NOTE_RST_ACCEPTED);
	const struct conn *conn = bed_finish(bed);
	const struct probe_run *run = conn->half[C].keepalive;

	assert_int_equal(conn->half[C].keepalive_probes, 4);
	assert_int_equal(run->total, 4);
	assert_int_equal(run->answered, 1);
	assert_int_equal(run->unanswered, 3);
	assert_int_equal(run->idle_ns, 60000 * NSEC_PER_MSEC);
	assert_int_equal(run->gap_least_ns, 1000 * NSEC_PER_MSEC);
	assert_int_equal(run->gap_most_ns, 1000 * NSEC_PER_MSEC);
	assert_int_equal(run->typical_idle_ns, 60000 * NSEC_PER_MSEC);
	assert_int_equal(conn->half[C].resent_segments, 0);
	bed_free(bed);
}

/* Windows sends one octet with its probe: it is not sent data. */
static void the_octet_of_a_probe_is_no_data(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_open(bed);
	bed_say(bed, 10, C, TCP_ACK, 1, 1, 100);
	bed_say(bed, 10, S, TCP_ACK, 1, 101, 0);
	assert_true(bed_say(bed, 5000, C, TCP_ACK, 100, 1, 1) & NOTE_KEEPALIVE);
	bed_say(bed, 10, S, TCP_ACK, 1, 101, 0);
	const struct conn *conn = bed_finish(bed);

	assert_int_equal(conn->half[C].resent_segments, 0);
	assert_int_equal(conn->half[C].unique_bytes, 100);
	assert_int_equal(conn->half[C].payload_bytes, 101);
	assert_int_equal(conn->half[C].keepalive->payload_bytes, 1);
	bed_free(bed);
}

/* An ACK that was overtaken has the shape of a probe, but not its silence. */
static void an_overtaken_ack_is_no_keepalive(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_open(bed);
	bed_say(bed, 1000, C, TCP_ACK, 1, 1, 1);
	bed_say(bed, 10, S, TCP_ACK, 1, 2, 1);
	assert_false(bed_say(bed, 1, C, TCP_ACK, 1, 1, 0) & NOTE_KEEPALIVE);
	bed_free(bed);
}

static void a_shut_window_is_followed_until_it_opens(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_open(bed);
	assert_false(bed_say(bed, 1, C, TCP_ACK, 1, 1, 900) & NOTE_WINDOW_FULL);
	assert_true(bed_say(bed, 1, C, TCP_ACK, 901, 1, 100) & NOTE_WINDOW_FULL);
	bed_make(bed, S, TCP_ACK, 1, 1001, 0)->window = 0;
	assert_true(bed_send(bed, NSEC_PER_MSEC) & NOTE_ZERO_WINDOW); /* 6 */
	assert_true(bed_say(bed, 300, C, TCP_ACK, 1000, 1, 0) & NOTE_WINDOW_PROBE);
	bed_make(bed, S, TCP_ACK, 1, 1001, 0)->window = 0;
	uint32_t notes = bed_send(bed, NSEC_PER_MSEC);

	assert_true(notes & NOTE_WINDOW_PROBE_ANSWER);
	assert_true(notes & NOTE_ZERO_WINDOW);
	assert_true(bed_say(bed, 1700, S, TCP_ACK, 1, 1001, 0) & NOTE_WINDOW_UPDATE); /* 9 */
	const struct conn *conn = bed_finish(bed);
	const struct shut_window *shut = conn->half[S].shut;

	assert_int_equal(shut->spells, 1);
	assert_int_equal(shut->longest_ns, 2001 * NSEC_PER_MSEC);
	assert_int_equal(shut->longest_first_frame, 6);
	assert_int_equal(shut->longest_last_frame, 9);
	assert_true(shut->longest_blocked);
	assert_false(shut->shut_now);
	assert_int_equal(shut->probes, 1);
	assert_int_equal(conn->half[S].zero_windows, 2);
	assert_int_equal(conn->half[C].window_probes, 1);
	assert_int_equal(conn->stalls[STALL_ZERO_WINDOW].who, END_SERVER);
	bed_free(bed);
}

static void who_owed_the_next_octet_is_told(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_open(bed);
	bed_say(bed, 3000, C, TCP_ACK, 1, 1, 100); /* 4 */
	bed_say(bed, 10, S, TCP_ACK, 1, 101, 0);
	bed_say(bed, 2000, S, TCP_ACK, 1, 101, 100); /* 6 */
	const struct conn *conn = bed_finish(bed);

	assert_int_equal(conn->stalls[STALL_CLIENT_THINK].longest_ns, 3000 * NSEC_PER_MSEC);
	assert_int_equal(conn->stalls[STALL_SERVER_THINK].longest_ns, 2000 * NSEC_PER_MSEC);
	assert_int_equal(conn->stalls[STALL_SERVER_THINK].first_frame, 5);
	assert_int_equal(conn->stalls[STALL_SERVER_THINK].last_frame, 6);
	assert_int_equal(conn->stalls[STALL_ACK_DELAY].count, 0);
	bed_free(bed);
}

static void a_small_segment_that_waited_for_a_delayed_ack_is_told(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_open(bed);
	bed_say(bed, 1, C, TCP_ACK, 1, 1, 10);
	bed_say(bed, 60, S, TCP_ACK, 1, 11, 0);
	bed_say(bed, 1, C, TCP_ACK, 11, 1, 10);
	const struct conn *conn = bed_finish(bed);

	assert_int_equal(conn->stalls[STALL_NAGLE_DELACK].count, 1);
	bed_free(bed);
}

static void an_idle_time_survives_when_the_other_end_answers(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_open(bed);
	bed_say(bed, 60000, C, TCP_ACK, 1, 1, 10); /* 4 */
	bed_say(bed, 10, S, TCP_ACK, 1, 11, 0);
	bed_say(bed, 90000, C, TCP_ACK, 11, 1, 10); /* 6: nobody answers any more */
	const struct conn *conn = bed_finish(bed);

	assert_int_equal(conn->longest_idle_ns, 60000 * NSEC_PER_MSEC);
	assert_int_equal(conn->longest_idle_first, 3);
	assert_int_equal(conn->longest_idle_last, 4);
	assert_int_equal(conn->last_idle_ns, 90000 * NSEC_PER_MSEC);
	bed_free(bed);
}

/* A dead peer's silence before the timer's repeat is no idle time: octets were owed. */
static void silence_with_octets_owed_is_not_idle(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_open(bed);
	bed_say(bed, 10, C, TCP_ACK, 1, 1, 10);
	bed_say(bed, 30000, C, TCP_ACK, 11, 1, 10);
	bed_say(bed, 10, S, TCP_ACK, 1, 21, 0);
	const struct conn *conn = bed_finish(bed);

	assert_int_equal(conn->longest_idle_ns, 0);
	assert_int_equal(conn->last_idle_ns, 0);
	bed_free(bed);
}

/* RFC 5681 section 2 (a): without octets outstanding a repeated ACK is no duplicate. */
static void a_repeated_ack_with_nothing_outstanding_is_no_duplicate(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_open(bed);
	bed_say(bed, 10, S, TCP_ACK, 1, 1, 0);
	assert_false(bed_say(bed, 10, S, TCP_ACK, 1, 1, 0) & NOTE_DUPLICATE_ACK);
	bed_free(bed);
}

/* Karn: what was sent twice gives no round-trip time; what was sent once does. */
static void a_repeated_segment_gives_no_rtt(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_open(bed);
	bed_say(bed, 10, C, TCP_ACK, 1, 1, 10);
	bed_say(bed, 300, C, TCP_ACK, 1, 1, 10);
	bed_say(bed, 20, S, TCP_ACK, 1, 11, 0);
	bed_say(bed, 10, C, TCP_ACK, 11, 1, 10);
	bed_say(bed, 25, S, TCP_ACK, 1, 21, 0);
	const struct conn *conn = bed_finish(bed);

	assert_int_equal(conn->half[S].rtt.samples, 1);
	assert_int_equal(conn->half[S].rtt.least_ns, 25 * NSEC_PER_MSEC);
	bed_free(bed);
}

static void an_ack_of_what_was_not_captured_is_a_drop(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_open(bed);
	assert_true(bed_say(bed, 10, S, TCP_ACK, 1, 301, 0) & NOTE_ACKS_UNSEEN);
	const struct conn *conn = bed_finish(bed);

	assert_int_equal(conn->quality.unseen_acked, 1);
	assert_int_equal(conn->half[C].missing_bytes, 300);
	bed_free(bed);
}

static void flags_that_no_tcp_sends_are_recorded(void **state)
{
	(void)state;
	static const uint8_t illegal[] = {
		0,	TCP_FIN, TCP_FIN | TCP_PSH | TCP_URG, TCP_SYN | TCP_FIN, TCP_SYN | TCP_RST,
		TCP_PSH
	};

	for (unsigned i = 0; i < sizeof(illegal); i++) {
		struct bed *bed = bed_new(0);

		assert_true(bed_say(bed, 0, C, illegal[i], 0, 0, 0) & NOTE_ILLEGAL_FLAGS);
		const struct conn *conn = bed_finish(bed);

		assert_int_equal(conn->illegal_flags, 1);
		assert_int_equal(conn->illegal_flag_bits, illegal[i]);
		bed_free(bed);
	}
}

static void an_icmp_error_finds_its_syn(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);
	struct icmp_error error = { .version = 4, .type = 3, .code = 13, .ttl = 60 };

	bed_say(bed, 0, C, TCP_SYN, 0, 0, 0);
	struct segment *quoted = bed_make(bed, C, TCP_SYN, 0, 0, 0);

	quoted->what = SEGMENT_QUOTED;
	quoted->icmp = &error;
	bed_send(bed, NSEC_PER_MSEC);
	const struct conn *conn = bed_finish(bed);

	assert_int_equal(conn->icmp_count, 1);
	assert_true(conn->icmp[0].quotes_syn);
	assert_int_equal(conn->icmp[0].quoted_from, END_CLIENT);
	assert_int_equal(conn->half[C].packets, 1);
	bed_free(bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_duplicate_acks_make_a_fast_retransmission),
		cmocka_unit_test(growing_gaps_without_answer_are_the_timer),
		cmocka_unit_test(what_was_acknowledged_before_is_spurious),
		cmocka_unit_test(a_dsack_shows_a_spurious_repeat),
		cmocka_unit_test(a_hole_filled_with_an_older_ip_id_was_overtaken),
		cmocka_unit_test(a_hole_filled_later_was_lost_before_the_tap),
		cmocka_unit_test(a_copy_counts_as_a_copy_and_nothing_else),
		cmocka_unit_test(copies_of_a_burst_are_found),
		cmocka_unit_test(the_same_octets_with_a_new_ip_id_are_no_copy),
		cmocka_unit_test(keepalive_probes_are_told_and_counted),
		cmocka_unit_test(the_octet_of_a_probe_is_no_data),
		cmocka_unit_test(an_overtaken_ack_is_no_keepalive),
		cmocka_unit_test(a_shut_window_is_followed_until_it_opens),
		cmocka_unit_test(who_owed_the_next_octet_is_told),
		cmocka_unit_test(a_small_segment_that_waited_for_a_delayed_ack_is_told),
		cmocka_unit_test(an_idle_time_survives_when_the_other_end_answers),
		cmocka_unit_test(silence_with_octets_owed_is_not_idle),
		cmocka_unit_test(a_repeated_ack_with_nothing_outstanding_is_no_duplicate),
		cmocka_unit_test(a_repeated_segment_gives_no_rtt),
		cmocka_unit_test(an_ack_of_what_was_not_captured_is_a_drop),
		cmocka_unit_test(flags_that_no_tcp_sends_are_recorded),
		cmocka_unit_test(an_icmp_error_finds_its_syn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
