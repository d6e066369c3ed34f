/* SPDX-License-Identifier: BSD-2-Clause */
#include "source/source.h"

#include <stdlib.h>
#include <string.h>

#include "source/input.h"

#define MANY_FILES	16
#define MANY_READ_BYTES ((size_t)1 << 17)

struct source {
	struct input *inputs; /* owned */
	size_t input_count;
	struct interface_list interfaces;
	uint64_t numbered; /* frames that have got a number */
	uint64_t frames;
	uint64_t filtered;
	uint64_t cut_frames;
	struct err first_err; /* of a file that broke while the others went on */
};

static bool format_find(struct input *input, struct err *err)
{
	uint8_t magic[SOURCE_MAGIC_BYTES] = { 0 };
	size_t formats_count;
	const struct source_ops *const *formats = source_formats(&formats_count);

	stream_fill(&input->stream, sizeof(magic));

	size_t count = stream_left(&input->stream);

	if (count == 0) {
		if (input->stream.failed.kind != ERR_NONE)
			return input_cut(input, "the file header", 0, err);
		err_set(err, ERR_INPUT, "the input is empty");
		err_fix(err,
			"check how the capture was made; even one without packets has a header");
		return input_damaged(input, err);
	}
	memcpy(magic, input->stream.at, count < sizeof(magic) ? count : sizeof(magic));
	for (size_t i = 0; i < formats_count; i++) {
		if (formats[i]->matches(magic)) {
			input->ops = formats[i];
			return true;
		}
	}
	err_set(err, ERR_INPUT, "not a capture: it begins with %02x %02x %02x %02x", magic[0],
		magic[1], magic[2], magic[3]);
	err_fix(err, "give a pcap, pcapng or snoop file, as it is or in gzip, zstd or lz4");
	return input_damaged(input, err);
}

static bool input_open(struct source *src, struct input *input, const char *path, struct err *err)
{
	size_t read_bytes = src->input_count > MANY_FILES ? MANY_READ_BYTES : STREAM_READ_BYTES;

	input->stream.fd = -1;
	input->interfaces = &src->interfaces;
	input->name = strdup(strcmp(path, "-") == 0 ? "standard input" : path);
	if (!input->name)
		return err_set(err, ERR_SYSTEM, "out of memory");
	if (!stream_open(&input->stream, path, read_bytes, err))
		return input_damaged(input, err);
	return format_find(input, err) && input->ops->open(input, err);
}

static struct source *source_new(size_t input_count, const struct source_options *options)
{
	struct source *src = calloc(1, sizeof(*src));

	if (!src)
		return NULL;
	src->interfaces.wanted_name = options ? options->interface : NULL;
	src->inputs = calloc(input_count, sizeof(*src->inputs));
	src->input_count = input_count;
	if (src->inputs)
		return src;
	free(src);
	return NULL;
}

struct source *source_open(const struct source_options *options, struct err *err)
{
	struct source *src = source_new(options->path_count, options);

	if (!src) {
		err_set(err, ERR_SYSTEM, "out of memory");
		return NULL;
	}
	for (size_t i = 0; i < src->input_count; i++) {
		if (!input_open(src, &src->inputs[i], options->paths[i], err)) {
			source_free(src);
			return NULL;
		}
	}
	return src;
}

/* Give numbers, count, and leave out what is not wanted. */
static void hand_out(struct source *src, struct frame_batch *batch)
{
	struct interface *interfaces = src->interfaces.entries;
	unsigned kept = 0;

	for (unsigned i = 0; i < batch->count; i++) {
		struct frame *frame = &batch->frames[i];

		frame->number = ++src->numbered;
		if (!interfaces[frame->interface].wanted)
			continue;
		interfaces[frame->interface].seen.frames++;
		src->cut_frames += frame->captured_bytes < frame->wire_bytes;
		if (kept != i)
			batch->frames[kept] = *frame;
		kept++;
	}
	src->filtered += batch->count - kept;
	src->frames += kept;
	batch->count = kept;
}

/* Read on in one file; at its end or damage it is done, and the error kept if it is the first. */
static bool input_read(struct source *src, struct input *input, struct frame_batch *batch)
{
	struct err err = { 0 };

	if (input->ops->read(input, batch, &err))
		return true;
	input->done = true;
	batch->count = 0;
	if (src->first_err.kind == ERR_NONE)
		src->first_err = err;
	return false;
}

/* The file whose next frame is the earliest, the first of them if several are; NULL: no more. */
static struct input *earliest(struct source *src)
{
	struct input *best = NULL;

	for (size_t i = 0; i < src->input_count; i++) {
		struct input *input = &src->inputs[i];

		if (input->done)
			continue;

		int64_t time_ns = input->ahead.frames[input->ahead_next].time_ns;

		if (!best || time_ns < best->ahead.frames[best->ahead_next].time_ns)
			best = input;
	}
	return best;
}

/* Take frames by time until a file must be read on, which would move the frames taken from it. */
static bool merge(struct source *src, struct frame_batch *batch)
{
	struct input *input;

	for (size_t i = 0; i < src->input_count; i++) {
		input = &src->inputs[i];
		if (!input->done && input->ahead_next >= input->ahead.count) {
			input->ahead_next = 0;
			input_read(src, input, &input->ahead);
		}
	}
	batch->count = 0;
	while (batch->count < FRAME_BATCH && (input = earliest(src)) != NULL) {
		batch->frames[batch->count++] = input->ahead.frames[input->ahead_next++];
		if (input->ahead_next >= input->ahead.count)
			break;
	}
	return batch->count > 0;
}

bool source_read(struct source *src, struct frame_batch *batch, struct err *err)
{
	do {
		bool more = src->input_count == 1
				    ? !src->inputs[0].done && input_read(src, src->inputs, batch)
				    : merge(src, batch);

		if (!more) {
			batch->count = 0;
			if (src->first_err.kind != ERR_NONE)
				*err = src->first_err;
			return false;
		}
		hand_out(src, batch);
	} while (batch->count == 0);
	return true;
}

const struct source_interface *source_interface(const struct source *src, size_t index)
{
	return &src->interfaces.entries[index].seen;
}

size_t source_interface_count(const struct source *src)
{
	return src->interfaces.count;
}

void source_stats(const struct source *src, struct source_stats *stats)
{
	*stats = (struct source_stats){
		.frames = src->frames,
		.filtered = src->filtered,
		.cut_frames = src->cut_frames,
	};
	for (size_t i = 0; i < src->input_count; i++) {
		const struct input *input = &src->inputs[i];

		stats->bytes += stream_offset(&input->stream);
		stats->comments += input->comments;
		stats->blocks_skipped += input->blocks_skipped;
		stats->no_time += input->no_time;
	}
	for (size_t i = 0; i < src->interfaces.count; i++) {
		stats->dropped += src->interfaces.entries[i].seen.dropped;
		stats->drops_known |= src->interfaces.entries[i].seen.drops_known;
	}
}

void source_free(struct source *src)
{
	if (!src)
		return;
	for (size_t i = 0; i < src->input_count; i++) {
		struct input *input = &src->inputs[i];

		if (input->ops)
			input->ops->close(input);
		stream_close(&input->stream);
		free(input->name);
	}
	free(src->inputs);
	interfaces_clear(&src->interfaces);
	free(src);
}
