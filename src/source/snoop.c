/* SPDX-License-Identifier: BSD-2-Clause */
/* The snoop file format. Source: RFC 1761. */
#include "source/snoop.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/time.h"

#define FILE_HEADER_BYTES   16
#define RECORD_HEADER_BYTES 24
#define VERSION		    2

static const uint8_t identification[SOURCE_MAGIC_BYTES] = "snoop\0\0";

/* Data link types and the LINKTYPE numbers for the same headers. Those without one are refused. */
static const struct {
	uint32_t datalink;
	uint16_t link_type;
} datalinks[] = {
	{ 0, 1 },    /* IEEE 802.3: Ethernet */
	{ 2, 6 },    /* IEEE 802.5 token ring */
	{ 4, 1 },    /* Ethernet */
	{ 8, 10 },   /* FDDI */
	{ 10, 107 }, /* frame relay; from here on later than the RFC, by Solaris' list */
	{ 16, 122 }, /* IP over Fibre Channel */
	{ 17, 123 }, /* SunATM */
	{ 22, 1 },   /* 100VG-AnyLAN Ethernet */
	{ 23, 6 },   /* 100VG-AnyLAN token ring */
	{ 24, 1 },   /* IEEE 802.3 and Ethernet */
	{ 25, 1 },   /* 100BaseT Ethernet */
};
#define DATALINKS (sizeof(datalinks) / sizeof(datalinks[0]))

struct snoop_reader {
	uint16_t link_type;
	uint16_t interface; /* index in the source's list */
	uint32_t captured_most;
};

static bool snoop_matches(const uint8_t magic[static SOURCE_MAGIC_BYTES])
{
	return memcmp(magic, identification, sizeof(identification)) == 0;
}

static bool header_parse(struct snoop_reader *reader, struct cursor in, struct err *err)
{
	cursor_skip(&in, sizeof(identification));

	uint32_t version = cursor_be32(&in);
	uint32_t datalink = cursor_be32(&in);

	if (version != VERSION)
		return err_set(err, ERR_INPUT,
			       "snoop version %" PRIu32 " is not known; it must be 2", version);
	for (size_t i = 0; i < DATALINKS; i++) {
		if (datalinks[i].datalink == datalink) {
			reader->link_type = datalinks[i].link_type;
			reader->captured_most = captured_bytes_most(reader->link_type);
			return true;
		}
	}
	err_fix(err, "convert it with a program that knows this data link, to pcapng");
	return err_set(err, ERR_INPUT, "snoop data link type %" PRIu32 " is not known", datalink);
}

static bool snoop_open_input(struct input *input, struct err *err)
{
	struct snoop_reader *reader = calloc(1, sizeof(*reader));
	struct source_interface about = { 0 };
	struct interface_text none = { 0 };

	input->reader = reader;
	if (!reader)
		return err_set(err, ERR_SYSTEM, "out of memory for a snoop reader");
	if (!stream_fill(&input->stream, FILE_HEADER_BYTES))
		return input_cut(input, "the file header",
				 FILE_HEADER_BYTES - stream_left(&input->stream), err);
	if (!header_parse(reader, cursor_over(input->stream.at, FILE_HEADER_BYTES), err))
		return input_damaged(input, err);
	about.link_type = reader->link_type;

	size_t index = interfaces_add(input->interfaces, &about, none, none, err);

	if (index == INTERFACES_MOST)
		return input_damaged(input, err);
	reader->interface = (uint16_t)index;
	input->stream.at += FILE_HEADER_BYTES;
	return true;
}

/* The fixed part of a record. */
struct snoop_record {
	uint32_t wire_bytes;
	uint32_t captured_bytes;
	uint32_t record_bytes; /* header, packet and padding */
	uint32_t dropped;      /* since the first packet, cumulative */
	uint32_t seconds;
	uint32_t microseconds;
};

static struct snoop_record record_parse(const uint8_t *header)
{
	struct cursor in = cursor_over(header, RECORD_HEADER_BYTES);
	struct snoop_record record;

	record.wire_bytes = cursor_be32(&in);
	record.captured_bytes = cursor_be32(&in);
	record.record_bytes = cursor_be32(&in);
	record.dropped = cursor_be32(&in);
	record.seconds = cursor_be32(&in);
	record.microseconds = cursor_be32(&in);
	if (record.wire_bytes < record.captured_bytes)
		record.wire_bytes = record.captured_bytes;
	return record;
}

/* Padding is at most what brings a record to a round length; some writers align to 8 or more. */
#define PADDING_MOST 64

static bool record_check(const struct input *input, const struct snoop_record *record,
			 struct err *err)
{
	const struct snoop_reader *reader = input->reader;

	if (record->captured_bytes > reader->captured_most)
		return input_too_long(input, record->captured_bytes, reader->captured_most, err);

	uint32_t least = RECORD_HEADER_BYTES + record->captured_bytes;

	if (record->record_bytes >= least && record->record_bytes - least <= PADDING_MOST)
		return true;
	err_set(err, ERR_INPUT,
		"packet %" PRIu64 " claims a record of %" PRIu32 " bytes for %" PRIu32
		" captured bytes",
		input->packets + 1, record->record_bytes, record->captured_bytes);
	return input_damaged(input, err);
}

static void take_record(struct input *input, const struct snoop_record *record, struct frame *frame)
{
	const struct snoop_reader *reader = input->reader;
	struct cursor in = cursor_over(input->stream.at, record->record_bytes);

	cursor_skip(&in, RECORD_HEADER_BYTES);
	*frame = (struct frame){
		.time_ns = record->seconds * NSEC_PER_SEC + record->microseconds * NSEC_PER_USEC,
		.bytes = cursor_skip(&in, record->captured_bytes),
		.captured_bytes = record->captured_bytes,
		.wire_bytes = record->wire_bytes,
		.link_type = reader->link_type,
		.interface = reader->interface,
	};
	interface_count_statistics(&input->interfaces->entries[reader->interface], record->dropped);
	input->stream.at += record->record_bytes;
	input->packets++;
}

/*
 * Have a whole, sound record unread. Once the batch holds frames nothing is refilled and nothing
 * reported: the next call meets the same record again.
 */
static bool next_record(struct input *input, struct snoop_record *record, bool batch_empty,
			struct err *err)
{
	struct stream *stream = &input->stream;
	struct err *report = batch_empty ? err : NULL;

	if (stream_left(stream) < RECORD_HEADER_BYTES &&
	    (!batch_empty || !stream_fill(stream, RECORD_HEADER_BYTES))) {
		size_t left = stream_left(stream);

		if (left == 0 && stream->failed.kind == ERR_NONE)
			return false;
		return input_cut(input, "a packet header", RECORD_HEADER_BYTES - left, report);
	}
	*record = record_parse(stream->at);
	if (!record_check(input, record, report))
		return false;
	if (stream_left(stream) < record->record_bytes &&
	    (!batch_empty || !stream_fill(stream, record->record_bytes)))
		return input_cut(input, "a packet", record->record_bytes - stream_left(stream),
				 report);
	return true;
}

static bool snoop_read(struct input *input, struct frame_batch *batch, struct err *err)
{
	struct snoop_record record = { 0 };

	batch->count = 0;
	while (batch->count < FRAME_BATCH && next_record(input, &record, batch->count == 0, err))
		take_record(input, &record, &batch->frames[batch->count++]);
	return batch->count > 0;
}

static void snoop_close_input(struct input *input)
{
	free(input->reader);
}

const struct source_ops source_snoop = {
	.name = "snoop",
	.matches = snoop_matches,
	.open = snoop_open_input,
	.read = snoop_read,
	.close = snoop_close_input,
};
