/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/decode.h"

#include <stdlib.h>

#include "decode/fragment.h"
#include "decode/walk.h"

#define LINKTYPE_ETHERNET      1
#define FRAGMENT_BYTES_DEFAULT ((size_t)4 << 20)

struct decoder *decoder_new(size_t fragment_bytes)
{
	struct decoder *decoder = calloc(1, sizeof(*decoder));

	if (!decoder)
		return NULL;
	decoder->fragments =
		fragments_new(fragment_bytes ? fragment_bytes : FRAGMENT_BYTES_DEFAULT);
	if (!decoder->fragments) {
		free(decoder);
		return NULL;
	}
	return decoder;
}

void decoder_free(struct decoder *decoder)
{
	if (!decoder)
		return;
	fragments_free(decoder->fragments);
	free(decoder);
}

void decode_batch_begin(struct decoder *decoder, struct segment_batch *batch)
{
	fragments_batch_begin(decoder->fragments);
	batch->count = 0;
	batch->icmp_count = 0;
}

const struct decode_stats *decoder_stats(const struct decoder *decoder)
{
	return &decoder->stats;
}

/* A frame without TCP still moves the capture's clock. */
static void not_tcp(const struct frame *frame, struct segment_batch *batch)
{
	batch->segments[batch->count++] = (struct segment){
		.frame = frame->number,
		.time_ns = frame->time_ns,
		.what = SEGMENT_NOT_TCP,
	};
}

/* Apart, as what decode_frame() seldom needs: its short way then has few registers to save. */
__attribute__((noinline)) void walk_frame(struct decoder *decoder, const struct frame *frame,
					  struct segment_batch *batch)
{
	unsigned before = batch->count;
	struct walk walk = {
		.decoder = decoder,
		.batch = batch,
		.frame = frame,
		.in = cursor_over(frame->bytes, frame->captured_bytes),
		.wire_bytes = frame->wire_bytes > frame->captured_bytes ? frame->wire_bytes
									: frame->captured_bytes,
	};

	if (frame->fcs_bytes)
		walk_drop_tail(&walk, frame->fcs_bytes);
	decoder->headers = 0;
	if (frame->captured_bytes == 0)
		walk_count(&walk, DECODE_EMPTY);
	else if (frame->link_type == LINKTYPE_ETHERNET)
		walk_run(&walk, LAYER_ETHERNET);
	else
		walk_run(&walk, link_begin(&walk, frame->link_type));
	if (batch->count == before)
		not_tcp(frame, batch);
}

void decode_frame(struct decoder *decoder, const struct frame *frame, struct segment_batch *batch)
{
	decoder->stats.frames++;
	if (frame->link_type == LINKTYPE_ETHERNET && !frame->fcs_bytes &&
	    plain_decode(decoder, frame, &batch->segments[batch->count]))
		batch->count++;
	else
		walk_frame(decoder, frame, batch);
}
