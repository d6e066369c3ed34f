/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The decoder, the tracker and the judge. The first byte says what follows: even, whole frames
 * (16 bits of length, then that many bytes, Ethernet or raw IP); odd, segments of a few bytes each,
 * between a few ends that answer each other, so that connections come about.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/time.h"
#include "decode/decode.h"
#include "judge/judge.h"
#include "track/track.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzzing {
	struct judge *judge;
	uint64_t frames; /* fed so far */
	int64_t now_ns;
};

/* What every verdict must be, whatever came in. */
static void check(const struct fuzzing *fuzzing, const struct verdict *verdict)
{
	if (verdict->confidence == CONFIDENCE_NONE ||
	    verdict->confidence > verdict->entry->wire_max || verdict->frame_count == 0)
		abort();
	for (unsigned i = 0; i < verdict->frame_count; i++)
		if (verdict->frames[i] == 0 || verdict->frames[i] > fuzzing->frames)
			abort();
}

static void take_conn(void *context, const struct conn *conn)
{
	static struct judgement judgement;
	const struct fuzzing *fuzzing = context;

	judge_conn(fuzzing->judge, conn, &judgement);
	if (!judgement.has_open)
		abort();
	check(fuzzing, &judgement.open);
	for (unsigned i = 0; i < judgement.life_count; i++)
		check(fuzzing, &judgement.life[i]);
	if (judgement.has_end)
		check(fuzzing, &judgement.end);
}

static void take_host(void *context, const struct host_sighting *host)
{
	const struct fuzzing *fuzzing = context;

	judge_host(fuzzing->judge, host);
}

static void take_group(void *context, const struct group_verdict *group)
{
	check(context, &group->verdict);
}

static void flush(struct tracker *tracker, struct decoder *decoder, struct segment_batch *batch)
{
	tracker_add(tracker, batch);
	decode_batch_begin(decoder, batch);
}

static void feed_frames(struct cursor *in, struct fuzzing *fuzzing, struct tracker *tracker,
			struct decoder *decoder, struct segment_batch *batch)
{
	while (cursor_left(in) > 3) {
		uint16_t head = cursor_be16(in);
		uint8_t pause = cursor_u8(in);
		size_t bytes = head & 0x7ff;
		struct frame frame = { .link_type = head & 0x8000 ? 101 : 1 };

		if (bytes > cursor_left(in))
			bytes = cursor_left(in);
		fuzzing->now_ns += pause * (pause & 1 ? NSEC_PER_MSEC : NSEC_PER_SEC);
		frame.number = ++fuzzing->frames;
		frame.time_ns = fuzzing->now_ns;
		frame.bytes = cursor_skip(in, bytes);
		frame.captured_bytes = (uint32_t)bytes;
		frame.wire_bytes = (uint32_t)bytes;
		if (!decode_batch_has_room(batch))
			flush(tracker, decoder, batch);
		decode_frame(decoder, &frame, batch);
	}
}

#define ENDS_FUZZED 4

/* Where an end has got to, so that most segments fit what came before. */
struct end_fuzzed {
	uint32_t next, acked;
};

static struct segment segment_of(struct cursor *in, struct end_fuzzed ends[static ENDS_FUZZED])
{
	static const int32_t steps[] = { 0, 0, 0, -1, 1, 1460, -1460, 100000 };
	uint8_t who = cursor_u8(in);
	uint8_t moves = cursor_u8(in);
	unsigned from = who & 1;
	unsigned pair = who >> 1 & 1;
	struct end_fuzzed *own = &ends[pair * 2 + from];
	struct end_fuzzed *peer = &ends[pair * 2 + !from];
	struct segment seg = { .flags = cursor_u8(in), .window = cursor_be16(in) };

	seg.src = ip_address_v4((const uint8_t[]){ 10, 0, 0, (uint8_t)(1 + from) });
	seg.dst = ip_address_v4((const uint8_t[]){ 10, 0, 0, (uint8_t)(1 + !from) });
	seg.src_port = (uint16_t)(from ? 80 : 5000 + pair);
	seg.dst_port = (uint16_t)(from ? 5000 + pair : 80);
	seg.payload_bytes = who & 4 ? cursor_be16(in) & 0x3fff : 0;
	seg.seq = seq_of(own->next + (uint32_t)steps[moves & 7]);
	seg.ack = seq_of(peer->next + (uint32_t)steps[moves >> 3 & 7]);
	seg.ttl = (uint8_t)(who & 8 ? 64 : 57);
	seg.ip_id = cursor_u8(in);
	seg.header_bytes = 20;
	seg.ip_bytes = 40 + seg.payload_bytes;
	seg.what = SEGMENT_DONT_FRAGMENT;
	if ((moves & 7) < 3)
		own->next = segment_end(&seg).raw;
	return seg;
}

static void feed_segments(struct cursor *in, struct fuzzing *fuzzing, struct tracker *tracker,
			  struct decoder *decoder, struct segment_batch *batch)
{
	struct end_fuzzed ends[ENDS_FUZZED] = { { 1000, 0 }, { 5000, 0 }, { 0, 0 }, { 0, 0 } };

	while (cursor_left(in) > 4) {
		uint8_t pause = cursor_u8(in);
		struct segment seg = segment_of(in, ends);

		fuzzing->now_ns += pause * (pause & 1 ? NSEC_PER_MSEC : NSEC_PER_SEC);
		seg.frame = ++fuzzing->frames;
		seg.time_ns = fuzzing->now_ns;
		if (!decode_batch_has_room(batch))
			flush(tracker, decoder, batch);
		batch->segments[batch->count++] = seg;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct track_limits limits = { .connections = 64 };
	struct fuzzing fuzzing = { .judge = judge_new() };
	const struct track_sink sink = { .context = &fuzzing,
					 .conn = take_conn,
					 .host = take_host };
	struct tracker *tracker = tracker_new(&limits, &sink);
	struct decoder *decoder = decoder_new(65536);
	static struct segment_batch batch;
	struct cursor in = cursor_over(data, size);

	if (fuzzing.judge && tracker && decoder) {
		decode_batch_begin(decoder, &batch);
		if (cursor_u8(&in) & 1)
			feed_segments(&in, &fuzzing, tracker, decoder, &batch);
		else
			feed_frames(&in, &fuzzing, tracker, decoder, &batch);
		tracker_add(tracker, &batch);
		tracker_finish(tracker);
		judge_groups(fuzzing.judge, fuzzing.now_ns, take_group, &fuzzing);
	}
	tracker_free(tracker);
	decoder_free(decoder);
	judge_free(fuzzing.judge);
	return 0;
}
