/* SPDX-License-Identifier: BSD-2-Clause */
#include "source/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/filter.h"
#include "source/input.h"

#define MANY_FILES	16
#define MANY_READ_BYTES ((size_t)1 << 17)

struct source {
	struct input *inputs; /* owned */
	size_t input_count;
	struct interface_list interfaces;
	char *interface_wanted; /* owned: --interface; NULL: all */
	struct filter *filter;	/* owned: --filter; NULL: none */
	uint64_t numbered;	/* the last number given to a frame */
	uint64_t frames;
	uint64_t filtered;
	uint64_t cut_frames;
	struct err filter_err; /* here and not per frame, for its size */
	bool ended;	       /* nothing more is delivered */
	struct err first_err;  /* of a file that broke while the others went on; given at the end */
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

	input->name = strdup(strcmp(path, "-") == 0 ? "standard input" : path);
	if (!input->name)
		return err_set(err, ERR_SYSTEM, "out of memory");
	if (!stream_open(&input->stream, path, read_bytes, err)) {
		err_at(err, "%s", input->name);
		return false;
	}
	return format_find(input, err) && input->ops->open(input, err);
}

static bool input_open_memory(struct input *input, const uint8_t *bytes, size_t count,
			      struct err *err)
{
	input->name = strdup("memory");
	if (!input->name)
		return err_set(err, ERR_SYSTEM, "out of memory");
	if (!stream_open_memory(&input->stream, bytes, count, err))
		return input_damaged(input, err);
	return format_find(input, err) && input->ops->open(input, err);
}

/* A source without inputs yet, and room for so many. */
static struct source *source_new(size_t input_count, const struct source_options *options)
{
	struct source *src = calloc(1, sizeof(*src));

	if (!src)
		return NULL;
	src->inputs = calloc(input_count, sizeof(*src->inputs));
	src->input_count = src->inputs ? input_count : 0;
	for (size_t i = 0; i < src->input_count; i++) {
		src->inputs[i].stream.fd = -1;
		src->inputs[i].interfaces = &src->interfaces;
	}
	if (options && options->interface)
		src->interface_wanted = strdup(options->interface);
	src->interfaces.wanted_name = src->interface_wanted;
	if (options && options->filter)
		src->filter = filter_new(options->filter);
	if (src->inputs && (!options || ((src->filter || !options->filter) &&
					 (src->interface_wanted || !options->interface))))
		return src;
	source_free(src);
	return NULL;
}

/* A filter with a mistake in it is refused before anything is read, as far as that can be known. */
static bool filter_compile(struct source *src, struct err *err)
{
	if (!src->filter)
		return true;
	for (size_t i = 0; i < src->interfaces.count; i++)
		if (!filter_check(src->filter, src->interfaces.entries[i].seen.link_type, err))
			return false;
	return src->interfaces.count > 0 || filter_check_any(src->filter, err);
}

static void keep_first(struct source *src, const struct err *err)
{
	if (src->first_err.kind == ERR_NONE)
		src->first_err = *err;
}

/* Open all files. One that is no capture does not keep the others from being read. */
static bool inputs_open(struct source *src, const char *const *paths, struct err *err)
{
	size_t bad = 0;

	for (size_t i = 0; i < src->input_count; i++) {
		if (input_open(src, &src->inputs[i], paths[i], err))
			continue;
		if (err->kind != ERR_INPUT)
			return false;
		src->inputs[i].done = true;
		keep_first(src, err);
		bad++;
	}
	if (bad == src->input_count) {
		*err = src->first_err;
		return false;
	}
	*err = (struct err){ .kind = ERR_NONE };
	return true;
}

struct source *source_open(const struct source_options *options, struct err *err)
{
	struct source *src = NULL;

	if (options->path_count == 0) {
		err_set(err, ERR_USAGE, "no capture is given");
		err_fix(err, "name the files to read; - is standard input");
		return NULL;
	}
	src = source_new(options->path_count, options);
	if (!src) {
		err_set(err, ERR_SYSTEM, "out of memory");
		return NULL;
	}
	if (inputs_open(src, options->paths, err) && filter_compile(src, err))
		return src;
	source_free(src);
	return NULL;
}

struct source *source_open_memory(const uint8_t *bytes, size_t count,
				  const struct source_options *options, struct err *err)
{
	struct source *src = source_new(1, options);

	if (!src) {
		err_set(err, ERR_SYSTEM, "out of memory");
		return NULL;
	}
	if (input_open_memory(src->inputs, bytes, count, err) && filter_compile(src, err))
		return src;
	source_free(src);
	return NULL;
}

/* A filter that means nothing on a frame's link type ends everything. */
static bool passes_filter(struct source *src, const struct frame *frame)
{
	switch (filter_try(src->filter, frame, &src->filter_err)) {
	case FILTER_PASSES:
		return true;
	case FILTER_HOLDS_BACK:
		break;
	case FILTER_IMPOSSIBLE:
		keep_first(src, &src->filter_err);
		src->ended = true;
		break;
	}
	return false;
}

/* Leave out what is not wanted. Only with --filter or --interface. */
static void select_wanted(struct source *src, struct frame_batch *batch)
{
	const struct interface *interfaces = src->interfaces.entries;
	unsigned kept = 0;

	for (unsigned i = 0; i < batch->count && !src->ended; i++) {
		const struct frame *frame = &batch->frames[i];

		if (interfaces[frame->interface].wanted &&
		    (!src->filter || passes_filter(src, frame)))
			batch->frames[kept++] = *frame;
		else if (!src->ended)
			src->filtered++;
	}
	batch->count = kept;
}

/* Give numbers, leave out what is not wanted, count the rest. */
static void hand_out(struct source *src, struct frame_batch *batch)
{
	struct interface *interfaces = src->interfaces.entries;

	for (unsigned i = 0; i < batch->count; i++) {
		src->numbered += batch->frames[i].number + 1;
		batch->frames[i].number = src->numbered;
	}
	if (src->filter || src->interface_wanted)
		select_wanted(src, batch);
	for (unsigned i = 0; i < batch->count; i++) {
		const struct frame *frame = &batch->frames[i];

		interfaces[frame->interface].seen.frames++;
		src->cut_frames += frame->captured_bytes < frame->wire_bytes;
	}
	src->frames += batch->count;
}

/* Read on in one file; at its end or damage it is done, and the error kept if it is the first. */
static bool input_read(struct source *src, struct input *input, struct frame_batch *batch)
{
	struct err err = { 0 };

	if (input->ops->read(input, batch, &err))
		return true;
	input->done = true;
	batch->count = 0;
	if (err.kind != ERR_NONE)
		keep_first(src, &err);
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

static void names_list(const struct interface_list *list, char *text, size_t bytes)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < list->count && used < bytes; i++) {
		const char *name = list->entries[i].name;

		if (name[0] != '\0')
			used += (size_t)snprintf(text + used, bytes - used, "%s%s",
						 used > 0 ? ", " : "", name);
	}
}

/* Was the interface that the user asked for in none of the files? */
static void check_interface_wanted(struct source *src)
{
	char names[160];
	struct err err = { 0 };

	if (!src->interface_wanted)
		return;
	for (size_t i = 0; i < src->interfaces.count; i++)
		if (src->interfaces.entries[i].wanted)
			return;
	err_set(&err, ERR_USAGE, "no interface of the capture is called '%s'",
		src->interface_wanted);
	names_list(&src->interfaces, names, sizeof(names));
	if (names[0] != '\0')
		err_fix(&err, "it has %s", names);
	else
		err_fix(&err, "leave --interface out: the capture does not name its interfaces");
	keep_first(src, &err);
}

static bool read_more(struct source *src, struct frame_batch *batch)
{
	if (src->input_count > 1)
		return merge(src, batch);
	return !src->inputs[0].done && input_read(src, &src->inputs[0], batch);
}

bool source_read(struct source *src, struct frame_batch *batch, struct err *err)
{
	batch->count = 0;
	while (!src->ended && batch->count == 0) {
		if (read_more(src, batch)) {
			hand_out(src, batch);
		} else {
			batch->count = 0;
			src->ended = true;
			check_interface_wanted(src);
		}
	}
	if (batch->count > 0)
		return true;
	if (src->first_err.kind != ERR_NONE)
		*err = src->first_err;
	return false;
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
	stats->end_ns = interfaces_end_ns(&src->interfaces);
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
	filter_free(src->filter);
	free(src->interface_wanted);
	free(src);
}
