/* SPDX-License-Identifier: BSD-2-Clause */
#include "track/testbed.h"
#include "track/tracker.h"

/* The same addresses and ports again: when it is one connection and when another. */

static void bed_close(struct bed *bed)
{
	bed_say(bed, 10, C, TCP_ACK | TCP_FIN, 1, 1, 0);
	bed_say(bed, 10, S, TCP_ACK | TCP_FIN, 1, 2, 0);
	bed_say(bed, 10, C, TCP_ACK, 2, 2, 0);
}

static const struct conn *record(const struct bed *bed, unsigned at)
{
	assert_true(at < bed->count);
	return &bed->records[at]->conn;
}

/* Windows tries a refused connection again after 0.5 s with the same numbers. */
static void a_refused_syn_that_comes_again_stays(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	for (int i = 0; i < 3; i++) {
		bed_say(bed, 500, C, TCP_SYN, 0, 0, 0);
		bed_make(bed, S, TCP_RST | TCP_ACK, 0, 1, 0)->seq = seq_of(0);
		bed_send(bed, NSEC_PER_MSEC);
	}
	const struct conn *conn = bed_finish(bed);

	assert_int_equal(conn->half[C].syn, 3);
	assert_int_equal(conn->half[S].rst, 3);
	assert_int_equal(conn->opening, OPENING_REFUSED);
	bed_free(bed);
}

static void another_number_after_a_refusal_is_another_connection(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_say(bed, 0, C, TCP_SYN, 0, 0, 0);
	bed_make(bed, S, TCP_RST | TCP_ACK, 0, 1, 0)->seq = seq_of(0);
	bed_send(bed, NSEC_PER_MSEC);
	bed->isn[C] += 777777;
	bed_open(bed);
	tracker_finish(bed->tracker);
	assert_int_equal(bed->count, 2);
	assert_int_equal(record(bed, 1)->conn, 3);
	assert_true(record(bed, 1)->former.known);
	assert_true(record(bed, 1)->former.reset);
	assert_int_equal(record(bed, 1)->former.conn, 1);
	bed_free(bed);
}

static void a_record_is_written_five_seconds_after_the_close(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_open(bed);
	bed_close(bed);
	bed_wait(bed, 4999);
	assert_int_equal(bed->count, 0);
	bed_wait(bed, 1);
	assert_int_equal(bed->count, 1);
	assert_int_equal(record(bed, 0)->judged_frame, 8);
	assert_false(record(bed, 0)->at_end);
	bed_free(bed);
}

static void late_segments_start_no_record_for_a_minute(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_open(bed);
	bed_close(bed);
	bed_wait(bed, 6000);
	assert_int_equal(bed->count, 1);
	bed_say(bed, 1000, S, TCP_ACK | TCP_FIN, 1, 2, 0);
	assert_int_equal(bed->note.conn, 0);
	assert_int_equal(tracker_stats(bed->tracker)->late_segments, 1);
	bed_say(bed, 61000, S, TCP_ACK, 2, 2, 0); /* later, TIME_WAIT is over: nothing is known */
	tracker_finish(bed->tracker);
	assert_int_equal(bed->count, 2);
	assert_int_equal(record(bed, 1)->continues, 0);
	assert_false(record(bed, 1)->former.known);
	assert_int_equal(bed->tracker->pools.tombs.live, 0);
	bed_free(bed);
}

/* The end that closed first starts with the TTL of Windows, which is in TIME_WAIT for 120 s. */
static void a_longer_time_wait_is_known_longer(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_open(bed);
	bed_say(bed, 1, C, TCP_ACK | TCP_FIN, 1, 1, 0);
	bed_say(bed, 1, S, TCP_ACK | TCP_FIN, 1, 2, 0);
	bed_make(bed, C, TCP_ACK, 2, 2, 0)->ttl = 128;
	bed_send(bed, NSEC_PER_MSEC);
	bed_wait(bed, 6000);
	bed_say(bed, 62000, S, TCP_ACK, 2, 2, 0); /* a record that names the old one */
	assert_int_equal(bed->tracker->pools.tombs.live, 1);
	bed_wait(bed, 60000);
	assert_int_equal(bed->tracker->pools.tombs.live, 0);
	tracker_finish(bed->tracker);
	assert_int_equal(bed->count, 2);
	assert_int_equal(record(bed, 1)->continues, 1);
	bed_free(bed);
}

static void a_new_syn_in_time_wait_knows_the_former(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_open(bed);
	bed_close(bed);
	bed_wait(bed, 6000);
	bed->isn[C] += 100000;
	bed->isn[S] += 100000;
	bed_open(bed);
	tracker_finish(bed->tracker);
	assert_int_equal(bed->count, 2);
	const struct former *former = &record(bed, 1)->former;

	assert_true(former->known && former->both_fins && !former->reset);
	assert_int_equal(former->time_wait_end, END_CLIENT);
	assert_int_equal(former->client_snd_nxt, BED_CLIENT_ISN + 2);
	assert_int_equal(former->client_last_ack, BED_SERVER_ISN + 2);
	bed_free(bed);
}

static void a_syn_with_another_number_inside_changes_nothing(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_open(bed);
	bed->isn[C] += 5555;
	assert_true(bed_say(bed, 10, C, TCP_SYN, 0, 0, 0) & NOTE_SYN_INSIDE);
	bed->isn[C] -= 5555;
	assert_true(bed_say(bed, 1, S, TCP_ACK, 1, 1, 0) & NOTE_CHALLENGE_ACK);
	bed_say(bed, 10, C, TCP_ACK, 1, 1, 50);
	bed_say(bed, 10, S, TCP_ACK, 1, 51, 0);
	const struct conn *conn = bed_finish(bed);

	assert_int_equal(conn->syn_inside, 1);
	assert_int_equal(conn->syn_inside_frame, 4);
	assert_int_equal(conn->challenge_acks, 1);
	assert_int_equal(conn->challenge_frame, 5);
	assert_int_equal(conn->half[S].state, STATE_ESTABLISHED);
	assert_int_equal(conn->half[C].unique_bytes, 50);
	bed_free(bed);
}

static void a_syn_that_is_answered_moves_to_the_new_connection(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_open(bed);
	bed->isn[C] += 5555;
	bed->isn[S] += 5555;
	bed_say(bed, 10, C, TCP_SYN, 0, 0, 0); /* 4 */
	bed_say(bed, 10, S, TCP_SYN | TCP_ACK, 0, 1, 0);
	bed_say(bed, 10, C, TCP_ACK, 1, 1, 0);
	assert_int_equal(bed->moved_frame, 4);
	assert_int_equal(bed->moved_old, 1);
	assert_int_equal(bed->moved_fresh, 4);
	tracker_finish(bed->tracker);
	assert_int_equal(bed->count, 2);
	assert_true(record(bed, 0)->replaced);
	assert_int_equal(record(bed, 0)->replaced_by, 4);
	assert_int_equal(record(bed, 0)->half[C].syn, 1);
	assert_int_equal(record(bed, 0)->half[C].packets, 2);
	assert_int_equal(record(bed, 0)->syn_inside, 0);
	assert_int_equal(record(bed, 1)->conn, 4);
	assert_int_equal(record(bed, 1)->opening, OPENING_SUCCEEDED);
	assert_true(record(bed, 1)->former.never_ended);
	bed_free(bed);
}

/* As Linux was measured to do it: the client rebooted and uses the port again. */
static void a_challenged_restart_resets_the_old_and_opens_the_new(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	bed_open(bed);
	bed->isn[C] += 5555;
	bed_say(bed, 1000, C, TCP_SYN, 0, 0, 0); /* 4 */
	bed->isn[C] -= 5555;
	assert_true(bed_say(bed, 1, S, TCP_ACK, 1, 1, 0) & NOTE_CHALLENGE_ACK); /* 5 */
	assert_true(bed_say(bed, 1, C, TCP_RST, 1, 0, 0) & NOTE_RST_ACCEPTED);	/* 6 */
	bed->isn[C] += 5555;
	bed->isn[S] += 999;
	bed_say(bed, 8, C, TCP_SYN, 0, 0, 0); /* 7 */
	bed_say(bed, 1, S, TCP_SYN | TCP_ACK, 0, 1, 0);
	bed_say(bed, 1, C, TCP_ACK, 1, 1, 0);
	tracker_finish(bed->tracker);
	assert_int_equal(bed->count, 2);
	assert_true(record(bed, 0)->restarted_by_client);
	assert_false(record(bed, 0)->replaced);
	assert_int_equal(record(bed, 0)->ending_reset, 0);
	assert_int_equal(record(bed, 1)->conn, 4);
	assert_int_equal(record(bed, 1)->half[C].syn, 2);
	assert_int_equal(record(bed, 1)->opening, OPENING_SUCCEEDED);
	assert_int_equal(record(bed, 1)->moments[1].frame, 5);
	assert_true(record(bed, 1)->moments[1].notes & NOTE_PREVIOUS);
	assert_true(record(bed, 1)->moments[2].flags & TCP_RST);
	bed_free(bed);
}

static void an_unanswered_train_is_released_when_no_schedule_goes_on(void **state)
{
	(void)state;
	static const int gaps_ms[] = { 0,    1000, 1000, 1000,	1000, 1000,
				       2000, 4000, 8000, 16000, 34000 };
	struct bed *bed = bed_new(0);

	for (unsigned i = 0; i < sizeof(gaps_ms) / sizeof(gaps_ms[0]); i++)
		bed_say(bed, gaps_ms[i], C, TCP_SYN, 0, 0, 0);
	bed_wait(bed, 65000);
	assert_int_equal(bed->count, 0);
	bed_wait(bed, 10000);
	assert_int_equal(bed->count, 1);
	assert_int_equal(record(bed, 0)->half[C].syn, 11);
	assert_int_equal(record(bed, 0)->opening, OPENING_SYN_ONLY);
	bed_free(bed);
}

static void a_syn_where_another_connection_was_is_given_up(void **state)
{
	(void)state;
	struct bed *bed = bed_new_brief();

	bed_say(bed, 0, C, TCP_SYN, 0, 0, 0);
	bed_say(bed, 1, S, TCP_SYN | TCP_ACK, 0, 1, 0);
	bed_say(bed, 1, C, TCP_ACK, 1, 1, 0);
	bed_say(bed, 1, C, TCP_FIN | TCP_ACK, 1, 1, 0);
	bed_say(bed, 1, S, TCP_FIN | TCP_ACK, 1, 2, 0);
	bed_say(bed, 1, C, TCP_ACK, 2, 2, 0);
	bed_wait(bed, 6000);
	assert_int_equal(bed->count, 1);
	bed_make(bed, C, TCP_SYN, 0, 0, 0)->src_port = 50001; /* in the same place of memory */
	bed_send(bed, NSEC_PER_MSEC);
	bed_wait(bed, 139000);
	assert_int_equal(bed->count, 1);
	bed_wait(bed, 2000);
	assert_int_equal(bed->count, 2);
	assert_int_equal(record(bed, 1)->opening, OPENING_SYN_ONLY);
	bed_free(bed);
}

static void the_idlest_connection_is_evicted(void **state)
{
	(void)state;
	struct bed *bed = bed_new(2);

	for (uint16_t i = 0; i < 3; i++) { /* ports 50000, 50001, then 50000 speaks again */
		bed_make(bed, C, TCP_SYN, 0, 0, 0)->src_port = (uint16_t)(50000 + i % 2);
		bed_send(bed, NSEC_PER_MSEC);
	}
	bed_make(bed, C, TCP_SYN, 0, 0, 0)->src_port = 50002;
	bed_send(bed, NSEC_PER_MSEC);
	assert_int_equal(bed->count, 1);
	assert_true(record(bed, 0)->quality.evicted);
	assert_int_equal(record(bed, 0)->half[C].port, 50001);
	assert_int_equal(tracker_stats(bed->tracker)->evicted, 1);
	assert_int_equal(tracker_stats(bed->tracker)->live_most, 2);
	/* 50000 speaks once more, so the one that came after it goes next. */
	bed_make(bed, C, TCP_SYN, 0, 0, 0)->src_port = 50000;
	bed_send(bed, NSEC_PER_MSEC);
	bed_make(bed, C, TCP_SYN, 0, 0, 0)->src_port = 50003;
	bed_send(bed, NSEC_PER_MSEC);
	assert_int_equal(bed->count, 2);
	assert_int_equal(record(bed, 1)->half[C].port, 50002);
	bed_free(bed);
}

/* What was evicted lived: its next segment starts a record that names it, and is not late. */
static void an_evicted_connection_goes_on_in_another_record(void **state)
{
	(void)state;
	struct bed *bed = bed_new(1);

	bed_open(bed);
	bed_make(bed, C, TCP_SYN, 0, 0, 0)->src_port = 50001; /* 4 */
	bed_send(bed, NSEC_PER_MSEC);
	assert_int_equal(bed->count, 1);
	assert_true(record(bed, 0)->quality.evicted);
	bed_say(bed, 10, C, TCP_ACK, 1, 1, 100); /* 5 */
	bed_say(bed, 10, S, TCP_ACK, 1, 101, 0);
	tracker_finish(bed->tracker);
	assert_int_equal(tracker_stats(bed->tracker)->late_segments, 0);
	assert_int_equal(bed->count, 3);
	assert_int_equal(record(bed, 2)->conn, 5);
	assert_int_equal(record(bed, 2)->continues, 1);
	assert_int_equal(record(bed, 2)->half[C].packets, 1);
	bed_free(bed);
}

/* The limit is reached by the very SYN whose answer moves it: nothing of the old one is read then.
 */
static void a_move_may_evict_the_connection_it_leaves(void **state)
{
	(void)state;
	struct bed *bed = bed_new(1);

	bed_open(bed);
	bed->isn[C] += 5555;
	bed->isn[S] += 5555;
	bed_say(bed, 10, C, TCP_SYN, 0, 0, 0); /* 4 */
	bed_say(bed, 10, S, TCP_SYN | TCP_ACK, 0, 1, 0);
	assert_int_equal(bed->moved_old, 1);
	assert_int_equal(bed->moved_fresh, 4);
	bed_say(bed, 10, C, TCP_ACK, 1, 1, 0);
	tracker_finish(bed->tracker);
	assert_int_equal(bed->count, 2);
	assert_int_equal(record(bed, 1)->opening, OPENING_SUCCEEDED);
	assert_true(record(bed, 1)->former.known);
	bed_free(bed);
}

static void records_of_one_frame_come_in_order_of_conn(void **state)
{
	(void)state;
	struct bed *bed = bed_new(0);

	for (uint16_t i = 0; i < 3; i++) {
		bed_make(bed, C, TCP_SYN, 0, 0, 0)->src_port = (uint16_t)(50000 + i);
		bed_send(bed, NSEC_PER_MSEC);
	}
	for (uint16_t i = 3; i-- > 0;) { /* refused in the other order */
		bed_make(bed, S, TCP_RST | TCP_ACK, 0, 1, 0)->dst_port = (uint16_t)(50000 + i);
		bed_send(bed, NSEC_PER_MSEC);
	}
	bed_wait(bed, 10000);
	assert_int_equal(bed->count, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(record(bed, i)->conn, i + 1);
	bed_free(bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refused_syn_that_comes_again_stays),
		cmocka_unit_test(another_number_after_a_refusal_is_another_connection),
		cmocka_unit_test(a_record_is_written_five_seconds_after_the_close),
		cmocka_unit_test(late_segments_start_no_record_for_a_minute),
		cmocka_unit_test(a_longer_time_wait_is_known_longer),
		cmocka_unit_test(a_new_syn_in_time_wait_knows_the_former),
		cmocka_unit_test(a_syn_with_another_number_inside_changes_nothing),
		cmocka_unit_test(a_syn_that_is_answered_moves_to_the_new_connection),
		cmocka_unit_test(a_challenged_restart_resets_the_old_and_opens_the_new),
		cmocka_unit_test(an_unanswered_train_is_released_when_no_schedule_goes_on),
		cmocka_unit_test(a_syn_where_another_connection_was_is_given_up),
		cmocka_unit_test(the_idlest_connection_is_evicted),
		cmocka_unit_test(an_evicted_connection_goes_on_in_another_record),
		cmocka_unit_test(a_move_may_evict_the_connection_it_leaves),
		cmocka_unit_test(records_of_one_frame_come_in_order_of_conn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
