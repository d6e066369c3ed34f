/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The decoder. An input is a link type (two bytes, big endian), then frames, each with a header of
 * four bytes: how many bytes were captured (two, big endian; the rest if fewer are left), how many
 * more were on the wire, how many seconds passed.
 */
#include "fuzz_target.h"

#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/time.h"
#include "decode/decode.h"
#include "decode/tcp_options.h"

#define FRAMES_MOST 64

/* Read every byte that a segment points to, and hold it to what the header promises. */
static unsigned segment_check(const struct segment_batch *batch, const struct segment *seg)
{
	struct sack_block blocks[SACK_BLOCKS_MOST];
	unsigned sum = 0;

	if (seg->what & SEGMENT_NOT_TCP)
		return 0;
	if (seg->payload_captured > seg->payload_bytes || seg->options_bytes > 40 ||
	    seg->layer >= SEGMENT_FRAME_MOST || !seg->payload != !seg->payload_captured)
		abort();
	if ((seg->icmp != NULL) != ((seg->what & SEGMENT_QUOTED) != 0) ||
	    (seg->icmp && seg->icmp >= batch->icmp + batch->icmp_count))
		abort();
	for (uint32_t i = 0; i < seg->payload_captured; i++)
		sum += seg->payload[i];
	for (unsigned i = 0; i < seg->options_bytes; i++)
		sum += seg->options[i];
	return sum + segment_sack_blocks(seg, blocks) + (unsigned)segment_mptcp_reset_reason(seg);
}

/* The next frame, its bytes in a block of just their size, owned by the caller. */
static uint8_t *frame_next(struct cursor *in, struct frame *frame)
{
	uint16_t captured = cursor_be16(in);
	uint8_t more = cursor_u8(in), seconds = cursor_u8(in);
	uint8_t *exact;

	if (captured > cursor_left(in))
		captured = (uint16_t)cursor_left(in);
	exact = malloc(captured ? captured : 1);
	if (!exact)
		abort();
	if (captured)
		memcpy(exact, cursor_skip(in, captured), captured);
	frame->number++;
	frame->time_ns += seconds * NSEC_PER_SEC;
	frame->bytes = exact;
	frame->captured_bytes = captured;
	frame->wire_bytes = captured + more;
	return exact;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct segment_batch batch;
	struct cursor in = cursor_over(data, size);
	struct frame frame = { .link_type = cursor_be16(&in) };
	struct decoder *decoder = decoder_new(1); /* little room: fragments are given up, too */
	uint8_t *blocks[FRAMES_MOST];
	volatile unsigned sum = 0;
	size_t frames = 0;

	if (!decoder)
		abort();
	decode_batch_begin(decoder, &batch);
	while (cursor_left(&in) && frames < FRAMES_MOST && decode_batch_has_room(&batch)) {
		unsigned before = batch.count;

		blocks[frames++] = frame_next(&in, &frame);
		decode_frame(decoder, &frame, &batch);
		if (batch.count == before || batch.count > before + SEGMENT_FRAME_MOST)
			abort();
	}
	for (unsigned i = 0; i < batch.count; i++)
		sum += segment_check(&batch, &batch.segments[i]);
	decoder_free(decoder);
	(void)sum;
	while (frames > 0)
		free(blocks[--frames]);
	return 0;
}
