/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "track/testbed.h"

/* Anything at all, in any order: nothing breaks, nothing is lost from the counts. */

static uint64_t seed;

static uint32_t random_next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 20);
}

struct tally {
	uint64_t packets, copies, conns, last_number, last_frame;
	bool at_end, evicted;
};

static void tally_conn(void *context, const struct conn *conn)
{
	struct tally *tally = context;

	tally->conns++;
	for (int end = 0; end < ENDS; end++) {
		const struct half *half = &conn->half[end];

		tally->packets += half->packets;
		tally->copies += half->capture_duplicates;
		assert_true(half->state_count <= STATE_ENTRIES_MOST);
		assert_true(half->unique_bytes <= half->payload_bytes);
		assert_true(half->payload_bytes <= half->bytes);
		assert_true(half->resent_timer + half->resent_fast + half->resent_probe <=
			    half->resent_segments);
		assert_non_null(half->closing);
		assert_non_null(half->keepalive);
		assert_non_null(half->resend);
		assert_non_null(half->shut);
	}
	for (unsigned i = 1; i < conn->moment_count; i++)
		assert_true(conn->moments[i].frame >= conn->moments[i - 1].frame ||
			    (conn->moments[i].notes & NOTE_PREVIOUS));
	/* By the frame at which they were released, then by number. */
	assert_true(conn->judged_frame >= tally->last_frame);
	uint64_t number = conn->conn << 8 | conn->layer;

	if (conn->judged_frame == tally->last_frame && conn->at_end == tally->at_end &&
	    !conn->quality.evicted && !tally->evicted)
		assert_true(number > tally->last_number);
	tally->last_frame = conn->judged_frame;
	tally->last_number = number;
	tally->at_end = conn->at_end;
	tally->evicted = conn->quality.evicted;
}

static void random_segment(struct bed *bed, unsigned tuples)
{
	static uint8_t options[40];
	static struct icmp_error error;
	static uint8_t layer;
	uint32_t near = random_next() % 8 ? random_next() % 3000 : random_next() << 11;
	uint32_t ack = random_next() % 8 ? random_next() % 3000 : random_next() << 11;
	uint8_t flags = (uint8_t)random_next();
	struct segment *seg;

	if (random_next() % 3)
		flags = (uint8_t)((flags & (TCP_FIN | TCP_PSH)) | TCP_ACK);
	if (random_next() % 20 == 0)
		flags = TCP_SYN;
	seg = bed_make(bed, random_next() % 2 ? C : S, flags, near, ack, random_next() % 1500);
	if (seg->src_port == 50000)
		seg->src_port = (uint16_t)(50000 + random_next() % tuples);
	else
		seg->dst_port = (uint16_t)(50000 + random_next() % tuples);
	for (unsigned i = 0; i < sizeof(options); i++)
		options[i] = (uint8_t)random_next();
	seg->options = options;
	seg->options_bytes = (uint8_t)(random_next() % 41);
	seg->options_seen = (uint16_t)(random_next() & 0x1fff);
	seg->tsval = random_next();
	seg->window = random_next() % 3 ? (uint16_t)random_next() : 0;
	seg->window_scale = (uint8_t)random_next();
	seg->what = (uint16_t)(random_next() & 0xfff8);
	seg->path = random_next() % 50 == 0;
	if (random_next() % 50 == 0) {
		error.mtu_bytes = random_next() % 1500;
		seg->what |= SEGMENT_QUOTED;
		seg->icmp = &error;
	}
	if (random_next() % 3 || !bed->frame || layer == 31) {
		bed->frame++;
		layer = 0;
	} else {
		layer++; /* another header of the same frame */
	}
	seg->frame = bed->frame;
	seg->layer = layer;
	bed->ns += (int64_t)(random_next() % (random_next() % 10 ? 20 : 100000)) * NSEC_PER_MSEC;
	seg->time_ns = bed->ns - (random_next() % 30 == 0 ? NSEC_PER_SEC : 0);
	if (random_next() % 200 == 0)
		seg->time_ns = TIME_NONE;
}

static void run(unsigned tuples, size_t limit, unsigned segments)
{
	struct bed *bed = bed_new(limit);
	struct tally tally = { 0 };
	struct track_sink sink = { .context = &tally, .conn = tally_conn };
	struct track_limits limits = { .connections = limit };
	struct tracker *tracker = tracker_new(&limits, &sink);

	assert_non_null(tracker);
	for (unsigned i = 0; i < segments;) {
		for (bed->batch.count = 0; bed->batch.count < 40 && i < segments; i++) {
			random_segment(bed, tuples);
			bed->batch.segments[bed->batch.count++] = bed->last;
		}
		tracker_add(tracker, &bed->batch);
	}
	tracker_finish(tracker);
	const struct track_stats *stats = tracker_stats(tracker);

	/* Every segment is in a record, or late, or a copy. */
	assert_int_equal(tally.packets + tally.copies + stats->late_segments, stats->segments);
	assert_int_equal(tally.copies, stats->copies);
	assert_int_equal(tally.conns, stats->connections);
	assert_true(stats->live_most <= limit);
	tracker_free(tracker);
	bed_free(bed);
}

static void any_stream_is_survived_and_counted(void **state)
{
	(void)state;
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): a test has one thread */
	const char *given = getenv("TRACK_SEED");

	seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) * 2654435761u + 1;
	print_message("TRACK_SEED=%" PRIu64 "\n", seed);
	run(1, 4096, 100000);
	run(20, 4096, 100000);
	run(3000, 300, 100000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_stream_is_survived_and_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
