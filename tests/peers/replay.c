/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "decode/decode.h"
#include "replay.h"
#include "source/source.h"

const char *const replay_column_names[REPLAY_COLUMNS] = {
	[REPLAY_FLAGS] = "flags",
	[REPLAY_COMPLETENESS] = "completeness",
	[REPLAY_STREAM] = "stream",
	[REPLAY_DUP_NUM] = "dup_num",
	[REPLAY_DUP_FRAME] = "dup_frame",
	[REPLAY_ACKS_FRAME] = "acks_frame",
	[REPLAY_ACK_RTT] = "ack_rtt",
	[REPLAY_IRTT] = "irtt",
	[REPLAY_RTO] = "rto",
	[REPLAY_RTO_FRAME] = "rto_frame",
	[REPLAY_COMPLETENESS_FINAL] = "completeness_final",
};

static void *must(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

static void take_row(struct replay *replay, struct wireshark *ws, const struct segment *seg)
{
	struct replay_row *row;

	if (replay->count == replay->room) {
		replay->room = replay->room ? replay->room * 2 : 64;
		replay->rows = must(realloc(replay->rows, replay->room * sizeof(*replay->rows)));
	}
	row = &replay->rows[replay->count];
	if (!wireshark_add(ws, seg, &row->packet))
		return;
	row->frame = seg->frame;
	row->quoted = segment_has(seg, SEGMENT_QUOTED);
	row->is_first = false;
	replay->count++;
	if (row->packet.stream >= replay->streams) {
		size_t streams = (size_t)row->packet.stream + 1;

		replay->completeness = must(
			realloc(replay->completeness, streams * sizeof(*replay->completeness)));
		replay->streams = streams;
		row->is_first = true;
	}
	replay->completeness[row->packet.stream] = row->packet.completeness_after;
}

static void take_batch(struct replay *replay, struct wireshark *ws, struct decoder *decoder,
		       struct segment_batch *batch)
{
	for (unsigned i = 0; i < batch->count; i++)
		take_row(replay, ws, &batch->segments[i]);
	decode_batch_begin(decoder, batch);
}

bool replay_file(struct replay *replay, const char *path, struct err *err)
{
	const struct source_options options = { .paths = &path, .path_count = 1 };
	struct segment_batch *batch = must(malloc(sizeof(*batch)));
	struct frame_batch *frames = must(malloc(sizeof(*frames)));
	struct decoder *decoder = must(decoder_new(0));
	struct wireshark *ws = must(wireshark_new());
	struct source *source = source_open(&options, err);

	memset(replay, 0, sizeof(*replay));
	decode_batch_begin(decoder, batch);
	while (source && source_read(source, frames, err)) {
		for (unsigned i = 0; i < frames->count; i++) {
			if (!decode_batch_has_room(batch))
				take_batch(replay, ws, decoder, batch);
			decode_frame(decoder, &frames->frames[i], batch);
		}
		take_batch(replay, ws, decoder, batch); /* before the frames' bytes go */
	}
	source_free(source);
	wireshark_free(ws);
	decoder_free(decoder);
	free(frames);
	free(batch);
	return err->kind == ERR_NONE;
}

void replay_clear(struct replay *replay)
{
	free(replay->rows);
	free(replay->completeness);
	memset(replay, 0, sizeof(*replay));
}

/* Append one value; several of a frame are joined by commas, as tshark does. */
static void join(char text[static REPLAY_TEXT], const char *value)
{
	size_t used = strlen(text);

	snprintf(text + used, REPLAY_TEXT - used, "%s%s", used ? "," : "", value);
}

static void join_number(char text[static REPLAY_TEXT], uint64_t number)
{
	char value[24];

	snprintf(value, sizeof(value), "%" PRIu64, number);
	join(text, value);
}

static void join_seconds(char text[static REPLAY_TEXT], int64_t ns)
{
	uint64_t size = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
	char value[40];

	snprintf(value, sizeof(value), "%s%" PRIu64 ".%09" PRIu64, ns < 0 ? "-" : "",
		 size / (uint64_t)NSEC_PER_SEC, size % (uint64_t)NSEC_PER_SEC);
	join(text, value);
}

static void join_flags(char text[static REPLAY_TEXT], uint32_t flags)
{
	for (unsigned bit = 0; bit < WIRESHARK_FLAGS; bit++) {
		size_t used = strlen(text);

		if (flags & (1u << bit))
			snprintf(text + used, REPLAY_TEXT - used, "%s%s", used ? "+" : "",
				 wireshark_flag_name(bit));
	}
}

static void join_packet(struct replay_frame *text, const struct wireshark_packet *packet)
{
	if (packet->flags & WS_DUPLICATE_ACK) {
		join_number(text->column[REPLAY_DUP_NUM], packet->duplicate_ack_number);
		join_number(text->column[REPLAY_DUP_FRAME], packet->duplicate_ack_frame);
	}
	if (packet->acks_frame) {
		join_number(text->column[REPLAY_ACKS_FRAME], packet->acks_frame);
		if (packet->ack_rtt_ns)
			join_seconds(text->column[REPLAY_ACK_RTT], packet->ack_rtt_ns);
	}
	if (packet->initial_rtt_ns)
		join_seconds(text->column[REPLAY_IRTT], packet->initial_rtt_ns);
	if (packet->rto_frame) {
		join_seconds(text->column[REPLAY_RTO], packet->rto_ns);
		join_number(text->column[REPLAY_RTO_FRAME], packet->rto_frame);
	}
}

/* The rows of a frame stand together. Return: the first one, or count. */
static size_t first_row(const struct replay *replay, uint64_t frame)
{
	size_t low = 0, high = replay->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (replay->rows[middle].frame < frame)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void replay_frame(const struct replay *replay, uint64_t frame, struct replay_frame *text)
{
	uint32_t flags = 0;

	memset(text, 0, sizeof(*text));
	for (size_t i = first_row(replay, frame);
	     i < replay->count && replay->rows[i].frame == frame; i++) {
		const struct wireshark_packet *packet = &replay->rows[i].packet;

		text->is_first |= replay->rows[i].is_first;
		join_number(text->column[REPLAY_COMPLETENESS], packet->completeness_before);
		join_number(text->column[REPLAY_STREAM], packet->stream);
		join_number(text->column[REPLAY_COMPLETENESS_FINAL],
			    replay->completeness[packet->stream]);
		if (!packet->shown)
			continue;
		flags |= packet->flags;
		join_packet(text, packet);
	}
	join_flags(text->column[REPLAY_FLAGS], flags);
	for (int i = 0; i < REPLAY_COLUMNS; i++) {
		if (!text->column[i][0])
			join(text->column[i], "-");
	}
}

uint32_t replay_flags(const char *text)
{
	uint32_t flags = 0;

	while (*text) {
		size_t length = strcspn(text, "+,");

		for (unsigned bit = 0; bit < WIRESHARK_FLAGS; bit++) {
			const char *name = wireshark_flag_name(bit);

			if (strlen(name) == length && strncmp(text, name, length) == 0)
				flags |= 1u << bit;
		}
		text += length + (text[length] != '\0');
	}
	return flags;
}
