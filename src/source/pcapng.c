/* SPDX-License-Identifier: BSD-2-Clause */
/* The pcapng file format: blocks and sections. Source: draft-ietf-opsawg-pcapng, sections 3, 4. */
#include "source/pcapng.h"

#include <inttypes.h>
#include <stdlib.h>

#include "source/pcapng_blocks.h"

#define BLOCK_HEADER_BYTES  8
#define BLOCK_TRAILER_BYTES 4
#define BLOCK_LEAST_BYTES   (BLOCK_HEADER_BYTES + BLOCK_TRAILER_BYTES)
#define BLOCK_MOST	    (UINT32_C(16) << 20) /* of a type that is read, as in libpcap */

#define SECTION_HEADER_TYPE UINT32_C(0x0a0d0d0a) /* the same in both byte orders */
#define BYTE_ORDER_MAGIC    UINT32_C(0x1a2b3c4d)

static bool pcapng_matches(const uint8_t magic[static SOURCE_MAGIC_BYTES])
{
	struct cursor in = cursor_over(magic, 4);

	return cursor_be32(&in) == SECTION_HEADER_TYPE;
}

struct block {
	uint32_t type;
	uint32_t total_bytes;  /* as the block says */
	uint64_t padded_bytes; /* rounded up: some old writers leave the padding out of it */
	const struct pcapng_block_kind *kind; /* NULL: to be skipped */
};

/* A section header brings its own byte order, needed before its length can be read. */
static bool byte_order_find(struct input *input, struct err *err)
{
	struct pcapng_reader *reader = input->reader;
	struct cursor in = cursor_over(input->stream.at, BLOCK_LEAST_BYTES);

	cursor_skip(&in, BLOCK_HEADER_BYTES);

	uint32_t magic = cursor_be32(&in);

	reader->big_endian = magic == BYTE_ORDER_MAGIC;
	if (reader->big_endian || magic == UINT32_C(0x4d3c2b1a))
		return true;
	return err_set(err, ERR_INPUT,
		       "a section header has the byte-order magic 0x%08" PRIx32
		       " instead of 0x1a2b3c4d",
		       magic);
}

/* Read type and length of the block at the stream's front, where BLOCK_LEAST_BYTES are. */
static bool block_header_parse(struct input *input, struct block *block, struct err *err)
{
	struct pcapng_reader *reader = input->reader;
	struct cursor in = cursor_over(input->stream.at, BLOCK_HEADER_BYTES);
	struct cursor type = in;

	if (cursor_be32(&type) == SECTION_HEADER_TYPE && !byte_order_find(input, err))
		return false;
	block->type = pcapng_u32(reader, &in);
	block->total_bytes = pcapng_u32(reader, &in);
	block->padded_bytes = ((uint64_t)block->total_bytes + 3) & ~UINT64_C(3);
	block->kind = pcapng_block_find(block->type);

	uint32_t least = block->kind ? block->kind->least_bytes : BLOCK_LEAST_BYTES;
	uint32_t most = block->kind ? BLOCK_MOST : UINT32_MAX;

	if (block->total_bytes >= least && block->total_bytes <= most)
		return true;
	return err_set(err, ERR_INPUT,
		       "a block of type 0x%08" PRIx32 " claims %" PRIu32
		       " bytes; it may have %" PRIu32 " to %" PRIu32,
		       block->type, block->total_bytes, least, most);
}

static bool trailer_check(struct input *input, const struct block *block, struct cursor trailer,
			  struct err *err)
{
	uint32_t again = pcapng_u32(input->reader, &trailer);

	if (again == block->total_bytes)
		return true;
	return err_set(err, ERR_INPUT,
		       "a block of type 0x%08" PRIx32 " has the length %" PRIu32
		       " at its start and %" PRIu32 " at its end",
		       block->type, block->total_bytes, again);
}

/* Pass over a block, in place if all of it is unread, else without holding it in memory. */
static bool block_skip(struct input *input, const struct block *block, struct err *err)
{
	struct stream *stream = &input->stream;
	uint64_t before_trailer = block->padded_bytes - BLOCK_TRAILER_BYTES;

	if (stream_left(stream) < block->padded_bytes) {
		if (!stream_pass(stream, before_trailer) ||
		    !stream_fill(stream, BLOCK_TRAILER_BYTES))
			return input_cut(input, "a block", 1, err);
		before_trailer = 0;
	}

	struct cursor in = cursor_over(stream->at, stream_left(stream));

	cursor_skip(&in, before_trailer);
	if (!trailer_check(input, block, cursor_take(&in, BLOCK_TRAILER_BYTES), err))
		return input_damaged(input, err);
	stream->at = in.at;
	input->blocks_skipped++;
	if (pcapng_block_is_numbered(block->type)) {
		struct pcapng_reader *reader = input->reader;

		reader->numbered_skipped++;
		input->packets++;
	}
	return true;
}

/* Hand the body of a whole block to its kind's function. */
static bool block_take(struct input *input, const struct block *block, struct frame_batch *batch,
		       struct err *err)
{
	struct cursor in = cursor_over(input->stream.at, block->padded_bytes);

	cursor_skip(&in, BLOCK_HEADER_BYTES);

	struct cursor body =
		cursor_take(&in, block->padded_bytes - BLOCK_HEADER_BYTES - BLOCK_TRAILER_BYTES);

	if (!trailer_check(input, block, in, err) || !block->kind->take(input, body, batch, err))
		return input_damaged(input, err);
	input->stream.at += block->padded_bytes;
	return true;
}

enum block_result {
	BLOCK_TAKEN,	  /* go on */
	BLOCK_NOT_THERE,  /* needs a refill, which the frames in the batch forbid */
	BLOCK_END,	  /* the end of the input, between blocks */
	BLOCK_IMPOSSIBLE, /* damage; reported if the batch is empty */
};

static enum block_result next_block(struct input *input, struct frame_batch *batch, struct err *err)
{
	struct stream *stream = &input->stream;
	bool may_refill = batch->count == 0;
	struct block block;

	if (stream_left(stream) < BLOCK_LEAST_BYTES) {
		if (!may_refill)
			return BLOCK_NOT_THERE;
		if (!stream_fill(stream, BLOCK_LEAST_BYTES)) {
			if (stream_left(stream) == 0 && stream->failed.kind == ERR_NONE)
				return BLOCK_END;
			input_cut(input, "a block header", BLOCK_LEAST_BYTES - stream_left(stream),
				  err);
			return BLOCK_IMPOSSIBLE;
		}
	}
	if (!block_header_parse(input, &block, err)) {
		input_damaged(input, err);
		return BLOCK_IMPOSSIBLE;
	}
	if (stream_left(stream) < block.padded_bytes && !may_refill)
		return BLOCK_NOT_THERE;
	if (!block.kind)
		return block_skip(input, &block, err) ? BLOCK_TAKEN : BLOCK_IMPOSSIBLE;
	if (!stream_fill(stream, block.padded_bytes)) {
		input_cut(input, "a block", block.padded_bytes - stream_left(stream), err);
		return BLOCK_IMPOSSIBLE;
	}
	return block_take(input, &block, batch, err) ? BLOCK_TAKEN : BLOCK_IMPOSSIBLE;
}

static bool pcapng_read(struct input *input, struct frame_batch *batch, struct err *err)
{
	enum block_result result;

	batch->count = 0;
	do /* damage after frames is met again by the next call, which then reports it */
		result = next_block(input, batch, batch->count == 0 ? err : NULL);
	while (result == BLOCK_TAKEN && batch->count < FRAME_BATCH);
	return batch->count > 0;
}

/* The section header is read now, so that what is no pcapng file fails at opening. */
static bool pcapng_open_input(struct input *input, struct err *err)
{
	struct frame_batch *none = &input->ahead;

	input->reader = calloc(1, sizeof(struct pcapng_reader));
	if (!input->reader)
		return err_set(err, ERR_SYSTEM, "out of memory for a pcapng reader");
	none->count = 0;
	return next_block(input, none, err) == BLOCK_TAKEN;
}

static void pcapng_close_input(struct input *input)
{
	struct pcapng_reader *reader = input->reader;

	if (reader)
		free(reader->interfaces);
	free(reader);
}

const struct source_ops source_pcapng = {
	.name = "pcapng",
	.matches = pcapng_matches,
	.open = pcapng_open_input,
	.read = pcapng_read,
	.close = pcapng_close_input,
};
