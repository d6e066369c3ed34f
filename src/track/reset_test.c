/* SPDX-License-Identifier: BSD-2-Clause */
#include "track/testbed.h"

/* Which resets the receiver takes. Source: RFC 9293 section 3.10.7, RFC 5961 section 3. */

static void the_exact_number_ends_the_connection(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_open(bed);
	bed_say(bed, 10, C, TCP_ACK, 1, 1, 50); /* 4 */
	assert_true(bed_say(bed, 10, S, TCP_RST, 1, 0, 0) & NOTE_RST_ACCEPTED);
	const struct conn *conn = bed_finish(bed);
	const struct reset *reset = &conn->resets[0];

	assert_int_equal(conn->ending_reset, 0);
	assert_int_equal(conn->half[C].state, STATE_CLOSED);
	assert_int_equal(conn->half[S].state, STATE_CLOSED);
	assert_true(reset->has_trigger);
	assert_int_equal(reset->trigger.frame, 4);
	assert_true(reset->seq_is_rcv_nxt && reset->seq_is_snd_nxt);
	assert_false(reset->with_ack);
	assert_false(reset->sender_sent_payload);
	assert_int_equal(reset->usual_ttl, 64);
	bed_free(bed);
}

/* The tap saw more of the resetter than its peer had acknowledged: both numbers may be exact. */
static void the_last_ack_is_exact_too(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_open(bed);
	bed_say(bed, 10, S, TCP_ACK, 1, 1, 100); /* perhaps lost on its way */
	assert_true(bed_say(bed, 10, S, TCP_RST, 1, 0, 0) & NOTE_RST_ACCEPTED);
	const struct conn *conn = bed_finish(bed);

	assert_true(conn->resets[0].seq_is_rcv_nxt);
	assert_true(conn->resets[0].seq_below_sent);
	assert_false(conn->resets[0].seq_is_snd_nxt);
	bed_free(bed);
}

static void inside_the_window_but_not_exact_is_challenged(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_open(bed);
	assert_true(bed_say(bed, 10, S, TCP_RST, 500, 0, 0) & NOTE_RST_CHALLENGED);
	assert_true(bed_say(bed, 1, C, TCP_ACK, 1, 1, 0) & NOTE_CHALLENGE_ACK);
	bed_say(bed, 10, S, TCP_ACK, 1, 1, 50);
	bed_say(bed, 10, C, TCP_ACK, 1, 51, 0);
	const struct conn *conn = bed_finish(bed);

	assert_int_equal(conn->ending_reset, -1);
	assert_int_equal(conn->resets[0].fate, RESET_CHALLENGED);
	assert_true(conn->resets[0].sender_went_on);
	assert_int_equal(conn->challenge_acks, 1);
	assert_int_equal(conn->challenged_frame, 4);
	assert_int_equal(conn->half[S].state, STATE_ESTABLISHED);
	bed_free(bed);
}

static void outside_the_window_is_ignored(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_open(bed);
	assert_true(bed_say(bed, 10, S, TCP_RST, 1001, 0, 0) & NOTE_RST_IGNORED);
	assert_true(bed_say(bed, 10, S, TCP_RST, (uint32_t)-5, 0, 0) & NOTE_RST_IGNORED);
	const struct conn *conn = bed_finish(bed);

	assert_int_equal(conn->ending_reset, -1);
	assert_int_equal(conn->resets_seen, 2);
	bed_free(bed);
}

/* RFC 9293 3.10.7.3: without an ACK of the SYN a reset means nothing. */
static void in_syn_sent_only_an_ack_of_the_syn_counts(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_say(bed, 0, C, TCP_SYN, 0, 0, 0);
	assert_true(bed_say(bed, 1, S, TCP_RST, 0, 0, 0) & NOTE_RST_IGNORED);
	assert_true(bed_say(bed, 1, S, TCP_RST | TCP_ACK, 0, 2, 0) & NOTE_RST_IGNORED);
	assert_true(bed_say(bed, 1, S, TCP_RST | TCP_ACK, 0, 0, 0) & NOTE_RST_IGNORED);
	assert_true(bed_say(bed, 1, S, TCP_RST | TCP_ACK, 0, 1, 0) & NOTE_RST_ACCEPTED);
	const struct conn *conn = bed_finish(bed);

	assert_int_equal(conn->opening, OPENING_REFUSED);
	assert_int_equal(conn->ending_reset, 3);
	bed_free(bed);
}

static void after_both_fins_a_reset_changes_nothing(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_open(bed);
	bed_say(bed, 10, C, TCP_ACK | TCP_FIN, 1, 1, 0);
	bed_say(bed, 10, S, TCP_ACK | TCP_FIN, 1, 2, 0);
	bed_say(bed, 10, C, TCP_ACK, 2, 2, 0);
	assert_true(bed_say(bed, 10, S, TCP_RST, 2, 0, 0) & NOTE_RST_AFTER_CLOSE);
	const struct conn *conn = bed_finish(bed);

	assert_int_equal(conn->ending_reset, -1);
	assert_int_equal(conn->resets[0].fate, RESET_AFTER_CLOSE);
	bed_free(bed);
}

/* RFC 1337: a late FIN, TIME_WAIT's ACK of it, and the reset that kills TIME_WAIT. */
static void a_killed_time_wait_is_told(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_open(bed);
	bed_say(bed, 10, C, TCP_ACK | TCP_FIN, 1, 1, 0);
	bed_say(bed, 10, S, TCP_ACK | TCP_FIN, 1, 2, 0);
	bed_say(bed, 10, C, TCP_ACK, 2, 2, 0);
	bed_say(bed, 500, S, TCP_ACK | TCP_FIN, 1, 2, 0); /* 7 */
	bed_say(bed, 10, C, TCP_ACK, 2, 2, 0);
	bed_say(bed, 10, S, TCP_RST, 2, 0, 0); /* 9 */
	const struct conn *conn = bed_finish(bed);

	assert_int_equal(conn->time_wait_killed_frame, 9);
	assert_int_equal(conn->half[S].closing->acked_again, 1);
	bed_free(bed);
}

/* Whoever goes on with new octets long after it did not take the reset. */
static void a_receiver_that_goes_on_did_not_take_it(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_open(bed);
	bed_make(bed, S, TCP_RST, 1, 0, 0)->ttl = 31;
	bed_send(bed, 10 * NSEC_PER_MSEC);
	bed_say(bed, 1000, C, TCP_ACK, 1, 1, 50);
	bed_say(bed, 10, S, TCP_ACK, 1, 51, 0);
	bed_wait(bed, 20000);
	assert_int_equal(bed->count, 0);
	const struct conn *conn = bed_finish(bed);

	assert_int_equal(conn->ending_reset, -1);
	assert_int_equal(conn->resets[0].fate, RESET_IGNORED);
	assert_true(conn->resets[0].sender_went_on);
	assert_int_equal(conn->resets[0].later_ttl, 64);
	bed_free(bed);
}

static void the_ending_reset_is_kept_behind_many_others(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_open(bed);
	for (unsigned i = 0; i < 20; i++)
		bed_say(bed, 1, S, TCP_RST, 5000 + i, 0, 0);
	bed_say(bed, 1, S, TCP_RST, 1, 0, 0);
	const struct conn *conn = bed_finish(bed);

	assert_int_equal(conn->resets_seen, 21);
	assert_int_equal(conn->reset_count, RESETS_MOST);
	assert_true(conn->ending_reset >= 0);
	assert_int_equal(conn->resets[conn->ending_reset].fate, RESET_ACCEPTED);
	bed_free(bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_exact_number_ends_the_connection),
		cmocka_unit_test(the_last_ack_is_exact_too),
		cmocka_unit_test(inside_the_window_but_not_exact_is_challenged),
		cmocka_unit_test(outside_the_window_is_ignored),
		cmocka_unit_test(in_syn_sent_only_an_ack_of_the_syn_counts),
		cmocka_unit_test(after_both_fins_a_reset_changes_nothing),
		cmocka_unit_test(a_killed_time_wait_is_told),
		cmocka_unit_test(a_receiver_that_goes_on_did_not_take_it),
		cmocka_unit_test(the_ending_reset_is_kept_behind_many_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
