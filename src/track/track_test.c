/* SPDX-License-Identifier: BSD-2-Clause */
#include "track/testbed.h"

/* Where connections begin and end, and both ends' histories. */

/* request, answer, four-way close. */
static void a_normal_life_has_both_full_histories(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_open(bed);
	bed_say(bed, 1, C, TCP_ACK | TCP_PSH, 1, 1, 100);
	bed_say(bed, 20, S, TCP_ACK, 1, 101, 0);
	bed_say(bed, 5, S, TCP_ACK | TCP_PSH, 1, 101, 200);
	bed_say(bed, 10, C, TCP_ACK, 101, 201, 0);
	bed_say(bed, 10, C, TCP_ACK | TCP_FIN, 101, 201, 0); /* 8 */
	bed_say(bed, 20, S, TCP_ACK, 201, 102, 0);	     /* 9 */
	bed_say(bed, 30, S, TCP_ACK | TCP_FIN, 201, 102, 0); /* 10 */
	bed_say(bed, 10, C, TCP_ACK, 102, 202, 0);	     /* 11 */
	const struct conn *conn = bed_finish(bed);

	BED_HISTORY(conn, C, { STATE_SYN_SENT, 1 }, { STATE_ESTABLISHED, 2 },
		    { STATE_FIN_WAIT_1, 8 }, { STATE_FIN_WAIT_2, 9 }, { STATE_TIME_WAIT, 10 });
	BED_HISTORY(conn, S, { STATE_SYN_RECEIVED, 1 }, { STATE_ESTABLISHED, 3 },
		    { STATE_CLOSE_WAIT, 8 }, { STATE_LAST_ACK, 10 }, { STATE_CLOSED, 11 });
	assert_int_equal(conn->closed_first, END_CLIENT);
	assert_int_equal(conn->opening, OPENING_SUCCEEDED);
	assert_int_equal(conn->opened.frame, 3);
	assert_int_equal(conn->handshake_rtt_ns, 20 * NSEC_PER_MSEC);
	assert_int_equal(conn->half[C].packets, 6);
	assert_int_equal(conn->half[S].payload_bytes, 200);
	assert_int_equal(conn->half[S].unique_bytes, 200);
	assert_int_equal(conn->half[C].closing->seq, 101);
	assert_int_equal(conn->half[C].closing->acked.frame, 9);
	assert_int_equal(conn->half[C].first_data.frame, 4);
	assert_int_equal(conn->half[S].last_data.frame, 6);
	assert_int_equal(bed->hosts, 2);
	bed_free(bed);
}

/* A refused connect. */
static void a_refused_server_was_never_but_closed(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_say(bed, 0, C, TCP_SYN, 0, 0, 0);
	bed_make(bed, S, TCP_RST | TCP_ACK, 0, 1, 0)->seq = seq_of(0);
	assert_true(bed_send(bed, NSEC_PER_MSEC) & NOTE_RST_ACCEPTED);
	const struct conn *conn = bed_finish(bed);

	BED_HISTORY(conn, C, { STATE_SYN_SENT, 1 }, { STATE_CLOSED, 2 });
	BED_HISTORY(conn, S, { STATE_CLOSED, 2 });
	assert_int_equal(conn->opening, OPENING_REFUSED);
	assert_int_equal(conn->ending_reset, 0);
	bed_free(bed);
}

/* Nothing shows that the SYN arrived: nothing is claimed of the server. */
static void an_unanswered_syn_claims_nothing_of_the_server(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_say(bed, 0, C, TCP_SYN, 0, 0, 0);
	assert_true(bed_say(bed, 1000, C, TCP_SYN, 0, 0, 0) & NOTE_RESENT_TIMER);
	bed_say(bed, 2000, C, TCP_SYN, 0, 0, 0);
	const struct conn *conn = bed_finish(bed);

	BED_HISTORY(conn, C, { STATE_SYN_SENT, 1 });
	assert_int_equal(conn->half[S].state_count, 0);
	assert_int_equal(conn->half[C].syn, 3);
	assert_int_equal(conn->half[C].resend->repeats, 2);
	assert_true(conn->half[C].resend->is_syn);
	bed_free(bed);
}

static void a_repeated_syn_ack_takes_back_what_the_ack_claimed(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_open(bed);
	bed_say(bed, 1000, S, TCP_SYN | TCP_ACK, 0, 1, 0); /* 4: the ACK was lost or ignored */
	bed_say(bed, 10, C, TCP_ACK, 1, 1, 0);		   /* 5 */
	bed_say(bed, 10, S, TCP_ACK, 1, 1, 10);		   /* 6 */
	const struct conn *conn = bed_finish(bed);

	BED_HISTORY(conn, S, { STATE_SYN_RECEIVED, 1 }, { STATE_ESTABLISHED, 5 });
	assert_int_equal(conn->opening, OPENING_SUCCEEDED);
	assert_int_equal(conn->opened.frame, 5);
	assert_int_equal(conn->handshake_ack.frame, 3);
	bed_free(bed);
}

static void a_lost_fin_puts_its_receiver_back(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_open(bed);
	bed_say(bed, 10, C, TCP_ACK | TCP_FIN, 1, 1, 0);  /* 4: lost behind the tap */
	bed_say(bed, 300, C, TCP_ACK | TCP_FIN, 1, 1, 0); /* 5 */
	bed_say(bed, 10, S, TCP_ACK, 1, 2, 0);		  /* 6 */
	const struct conn *conn = bed_finish(bed);

	BED_HISTORY(conn, S, { STATE_SYN_RECEIVED, 1 }, { STATE_ESTABLISHED, 3 },
		    { STATE_CLOSE_WAIT, 5 });
	BED_HISTORY(conn, C, { STATE_SYN_SENT, 1 }, { STATE_ESTABLISHED, 2 },
		    { STATE_FIN_WAIT_1, 4 }, { STATE_FIN_WAIT_2, -6 });
	assert_int_equal(conn->half[C].closing->repeats, 1);
	assert_int_equal(conn->half[C].closing->last_gap_ns, 300 * NSEC_PER_MSEC);
	bed_free(bed);
}

/* As Linux was measured to do it: both FINs cross, both pass CLOSING, both hold TIME_WAIT. */
static void crossing_fins_lead_both_through_closing(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_open(bed);
	bed_say(bed, 10, C, TCP_ACK | TCP_FIN, 1, 1, 0); /* 4 */
	bed_say(bed, 1, S, TCP_ACK | TCP_FIN, 1, 1, 0);	 /* 5 */
	bed_say(bed, 9, C, TCP_ACK, 2, 2, 0);		 /* 6 */
	bed_say(bed, 1, S, TCP_ACK, 2, 2, 0);		 /* 7 */
	const struct conn *conn = bed_finish(bed);

	assert_int_equal(conn->closed_first, 2);
	assert_int_equal(conn->half[C].state, STATE_TIME_WAIT);
	assert_int_equal(conn->half[S].state, STATE_TIME_WAIT);
	assert_false(conn->half[C].closing->acks_peer_fin);
	assert_false(conn->half[S].closing->acks_peer_fin);
	bed_free(bed);
}

static void mid_capture_ends_are_assumed_established(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_say(bed, 0, S, TCP_ACK, 100, 50, 10); /* from port 80: the server */
	bed_say(bed, 5, C, TCP_ACK, 50, 110, 0);
	const struct conn *conn = bed_finish(bed);

	assert_false(conn->direction_known);
	assert_int_equal(conn->half[S].port, 80);
	assert_int_equal(conn->opening, OPENING_MID_CAPTURE);
	BED_HISTORY(conn, C, { STATE_ESTABLISHED, -1 });
	BED_HISTORY(conn, S, { STATE_ESTABLISHED, -1 });
	assert_int_equal(conn->half[S].first_data.seq, 1);
	bed_free(bed);
}

/* RFC 9293 figure 7, with the SYN-ACKs that Linux sends. */
static void simultaneous_open_is_one_connection(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_say(bed, 0, C, TCP_SYN, 0, 0, 0);
	bed_say(bed, 1, S, TCP_SYN, 0, 0, 0);
	bed_say(bed, 10, C, TCP_SYN | TCP_ACK, 0, 1, 0);
	bed_say(bed, 1, S, TCP_SYN | TCP_ACK, 0, 1, 0);
	bed_say(bed, 10, C, TCP_ACK, 1, 1, 0);
	bed_say(bed, 1, S, TCP_ACK, 1, 1, 0);
	const struct conn *conn = bed_finish(bed);

	assert_true(conn->simultaneous_open);
	assert_false(conn->split_handshake);
	assert_int_equal(conn->opening, OPENING_SUCCEEDED);
	BED_HISTORY(conn, C, { STATE_SYN_SENT, 1 }, { STATE_SYN_RECEIVED, 2 },
		    { STATE_ESTABLISHED, 4 });
	BED_HISTORY(conn, S, { STATE_SYN_SENT, 2 }, { STATE_SYN_RECEIVED, 1 },
		    { STATE_ESTABLISHED, 3 });
	bed_free(bed);
}

/* A socket that connected to itself: the same address and port at both ends. */
static void a_self_connection_is_followed(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);
	static const struct {
		uint8_t flags;
		uint32_t seq, ack, payload;
	} said[] = {
		{ TCP_SYN, 0, 0, 0 }, { TCP_SYN | TCP_ACK, 0, 1, 0 }, { TCP_ACK, 1, 1, 0 },
		{ TCP_ACK, 1, 1, 5 }, { TCP_ACK, 6, 6, 0 },
	};

	for (unsigned i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		struct segment *seg =
			bed_make(bed, C, said[i].flags, said[i].seq, said[i].ack, said[i].payload);

		seg->dst = seg->src;
		seg->dst_port = seg->src_port;
		seg->ack = seq_of(BED_CLIENT_ISN + said[i].ack);
		bed_send(bed, NSEC_PER_MSEC);
	}
	const struct conn *conn = bed_finish(bed);

	assert_int_equal(conn->opening, OPENING_SUCCEEDED);
	assert_int_equal(conn->half[S].synack, 1);
	assert_int_equal(conn->half[C].packets, 4);
	assert_int_equal(conn->half[C].port, conn->half[S].port);
	bed_free(bed);
}

/* A capture point that stores the answer before the question. */
static void a_syn_behind_its_syn_ack_is_still_the_syn(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_say(bed, 0, S, TCP_SYN | TCP_ACK, 0, 1, 0);
	bed_say(bed, 0, C, TCP_SYN, 0, 0, 0);
	bed_say(bed, 10, C, TCP_ACK, 1, 1, 0);
	const struct conn *conn = bed_finish(bed);

	assert_int_equal(conn->opening, OPENING_SUCCEEDED);
	assert_int_equal(conn->syn.frame, 2);
	assert_int_equal(conn->synack.frame, 1);
	assert_int_equal(conn->syn_inside, 0);
	assert_false(conn->quality.no_syn);
	assert_true(conn->half[C].isn_known);
	assert_int_equal(conn->half[C].mss, 1460);
	bed_free(bed);
}

static void numbers_go_round(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed->isn[C] = 0xfffffff0u;
	bed->isn[S] = 0xffffffffu;
	bed_open(bed);
	bed_say(bed, 1, C, TCP_ACK, 1, 1, 100);
	bed_say(bed, 1, S, TCP_ACK, 1, 101, 0);
	bed_say(bed, 1, C, TCP_ACK, 101, 1, 100);
	assert_true(bed_say(bed, 300, C, TCP_ACK, 101, 1, 100) & NOTE_RESENT);
	bed_say(bed, 1, S, TCP_ACK, 1, 201, 0);
	const struct conn *conn = bed_finish(bed);

	assert_int_equal(conn->half[C].snd_nxt, 201);
	assert_int_equal(conn->half[C].snd_una, 201);
	assert_int_equal(conn->half[C].unique_bytes, 200);
	assert_int_equal(conn->half[C].resent_segments, 1);
	assert_int_equal(conn->half[C].missing_bytes, 0);
	bed_free(bed);
}

/* The last frame once more, later: no frame, but time in which nothing was seen. */
static void a_recording_goes_on_without_a_frame(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_open(bed);
	int64_t last_ns = bed->ns;

	bed->batch.segments[0] = (struct segment){ .what = SEGMENT_NOT_TCP,
						   .frame = bed->last.frame,
						   .time_ns = last_ns + 5 * NSEC_PER_SEC };
	tracker_add(bed->tracker, &bed->batch);
	const struct conn *conn = bed_finish(bed);

	assert_int_equal(tracker_stats(bed->tracker)->frames, 3);
	assert_int_equal(tracker_stats(bed->tracker)->last_ns, last_ns + 5 * NSEC_PER_SEC);
	assert_int_equal(conn->judged_frame, 3);
	assert_int_equal(conn->judged_ns, last_ns + 5 * NSEC_PER_SEC);
	assert_int_equal(conn->last_ns, last_ns);
	bed_free(bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_normal_life_has_both_full_histories),
		cmocka_unit_test(a_refused_server_was_never_but_closed),
		cmocka_unit_test(an_unanswered_syn_claims_nothing_of_the_server),
		cmocka_unit_test(a_repeated_syn_ack_takes_back_what_the_ack_claimed),
		cmocka_unit_test(a_lost_fin_puts_its_receiver_back),
		cmocka_unit_test(crossing_fins_lead_both_through_closing),
		cmocka_unit_test(mid_capture_ends_are_assumed_established),
		cmocka_unit_test(simultaneous_open_is_one_connection),
		cmocka_unit_test(a_self_connection_is_followed),
		cmocka_unit_test(a_syn_behind_its_syn_ack_is_still_the_syn),
		cmocka_unit_test(numbers_go_round),
		cmocka_unit_test(a_recording_goes_on_without_a_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
