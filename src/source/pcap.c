/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pcap file format.
 * Source: draft-ietf-opsawg-pcap; the old and modified forms as libpcap and Wireshark read them.
 */
#include "source/pcap.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "base/time.h"

#define FILE_HEADER_BYTES     24
#define RECORD_HEADER_BYTES   16
#define MODIFIED_HEADER_BYTES 24 /* also interface index, protocol, packet type */

/* The link type word: 4 bits FCS length, 1 bit unused, 1 bit "FCS length given", 10 reserved, type.
 */
#define LINK_FCS_SHIFT	  28
#define LINK_FCS_GIVEN	  UINT32_C(0x04000000)
#define LINK_RESERVED	  UINT32_C(0x03ff0000)
#define LINK_TYPE	  UINT32_C(0x0000ffff)
#define LENGTHS_SWAPPABLE 3 /* up to version 2.3, some writers had the two lengths swapped */

struct pcap_magic {
	uint32_t magic;
	uint8_t record_header_bytes;
	int64_t tick_ns; /* unit of the fraction of a second */
};

static const struct pcap_magic magics[] = {
	{ 0xa1b2c3d4, RECORD_HEADER_BYTES, NSEC_PER_USEC },
	{ 0xa1b23c4d, RECORD_HEADER_BYTES, 1 },
	{ 0xa1b2cd34, MODIFIED_HEADER_BYTES, NSEC_PER_USEC },
};
#define MAGICS (sizeof(magics) / sizeof(magics[0]))

struct pcap_reader {
	bool big_endian;
	bool lengths_swappable;
	uint8_t record_header_bytes;
	uint8_t fcs_bytes;
	uint16_t link_type;
	uint16_t interface; /* index in the source's list */
	uint32_t captured_most;
	int64_t tick_ns;
};

static const struct pcap_magic *magic_find(uint32_t magic)
{
	for (size_t i = 0; i < MAGICS; i++)
		if (magics[i].magic == magic)
			return &magics[i];
	return NULL;
}

static bool pcap_matches(const uint8_t magic[static SOURCE_MAGIC_BYTES])
{
	struct cursor big = cursor_over(magic, 4);
	struct cursor little = big;

	return magic_find(cursor_be32(&big)) || magic_find(cursor_le32(&little));
}

static inline uint32_t get32(struct cursor *in, bool big_endian)
{
	return big_endian ? cursor_be32(in) : cursor_le32(in);
}

static inline uint16_t get16(struct cursor *in, bool big_endian)
{
	return big_endian ? cursor_be16(in) : cursor_le16(in);
}

/* Fill the reader from the file header. */
static bool header_parse(struct pcap_reader *reader, struct cursor in, uint32_t *snap_bytes,
			 struct err *err)
{
	struct cursor big = in;
	const struct pcap_magic *magic = magic_find(cursor_be32(&big));

	reader->big_endian = magic != NULL;
	if (!magic)
		magic = magic_find(cursor_le32(&in));
	else
		in = big;
	if (!magic)
		return err_set(err, ERR_INPUT, "the file header is not that of a pcap file");
	reader->record_header_bytes = magic->record_header_bytes;
	reader->tick_ns = magic->tick_ns;

	uint16_t major = get16(&in, reader->big_endian);
	uint16_t minor = get16(&in, reader->big_endian);

	cursor_skip(&in, 8); /* time zone and accuracy: nobody ever filled them */
	*snap_bytes = get32(&in, reader->big_endian);

	uint32_t link = get32(&in, reader->big_endian);

	if (major != 2) {
		err_fix(err, "convert it with the program that wrote it, or copy it again");
		return err_set(err, ERR_INPUT, "pcap version %u.%u is not known; it must be 2.x",
			       major, minor);
	}
	if ((link & LINK_RESERVED) != 0)
		return err_set(err, ERR_INPUT,
			       "the reserved bits of the link type are not zero (0x%08" PRIx32 ")",
			       link & LINK_RESERVED);
	reader->lengths_swappable = minor <= LENGTHS_SWAPPABLE;
	reader->link_type = (uint16_t)(link & LINK_TYPE);
	if (link & LINK_FCS_GIVEN)
		reader->fcs_bytes = (uint8_t)((link >> LINK_FCS_SHIFT) * 2);
	reader->captured_most = captured_bytes_most(reader->link_type);
	return true;
}

static bool pcap_open_input(struct input *input, struct err *err)
{
	struct pcap_reader *reader = calloc(1, sizeof(*reader));
	struct source_interface about = { 0 };
	struct interface_text none = { 0 };

	input->reader = reader;
	if (!reader)
		return err_set(err, ERR_SYSTEM, "out of memory for a pcap reader");
	if (!stream_fill(&input->stream, FILE_HEADER_BYTES))
		return input_cut(input, "the file header",
				 FILE_HEADER_BYTES - stream_left(&input->stream), err);
	if (!header_parse(reader, cursor_over(input->stream.at, FILE_HEADER_BYTES),
			  &about.snap_bytes, err))
		return input_damaged(input, err);
	about.link_type = reader->link_type;

	size_t index = interfaces_add(input->interfaces, &about, none, none, err);

	if (index == INTERFACES_MOST)
		return input_damaged(input, err);
	reader->interface = (uint16_t)index;
	input->stream.at += FILE_HEADER_BYTES;
	return true;
}

/* The fixed part of a record, in host order. */
struct pcap_record {
	uint32_t seconds;
	uint32_t fraction;
	uint32_t captured_bytes;
	uint32_t wire_bytes;
};

static inline struct pcap_record record_parse(const struct pcap_reader *reader,
					      const uint8_t *header)
{
	struct cursor in = cursor_over(header, RECORD_HEADER_BYTES);
	struct pcap_record record;

	record.seconds = get32(&in, reader->big_endian);
	record.fraction = get32(&in, reader->big_endian);
	record.captured_bytes = get32(&in, reader->big_endian);
	record.wire_bytes = get32(&in, reader->big_endian);
	if (record.captured_bytes > record.wire_bytes) {
		if (reader->lengths_swappable) {
			uint32_t wire_bytes = record.captured_bytes;

			record.captured_bytes = record.wire_bytes;
			record.wire_bytes = wire_bytes;
		} else {
			record.wire_bytes = record.captured_bytes;
		}
	}
	return record;
}

/*
 * Take all whole records of the stream's window. Bounds are checked once per record: a header is
 * only read when all of it is there, and a packet only handed out likewise; the cursor over the
 * header has a constant size, so that the compiler drops its checks.
 */
static void take_records(struct input *input, struct frame_batch *batch)
{
	const struct pcap_reader *reader = input->reader;
	struct cursor in = cursor_over(input->stream.at, stream_left(&input->stream));
	unsigned count = 0;

	while (count < FRAME_BATCH) {
		const uint8_t *header = cursor_peek(&in, 0, reader->record_header_bytes);

		if (!header)
			break;

		struct pcap_record record = record_parse(reader, header);

		if (record.captured_bytes > reader->captured_most ||
		    !cursor_peek(&in, reader->record_header_bytes, record.captured_bytes))
			break;
		cursor_skip(&in, reader->record_header_bytes);
		batch->frames[count++] = (struct frame){
			.time_ns =
				record.seconds * NSEC_PER_SEC + record.fraction * reader->tick_ns,
			.bytes = cursor_skip(&in, record.captured_bytes),
			.captured_bytes = record.captured_bytes,
			.wire_bytes = record.wire_bytes,
			.link_type = reader->link_type,
			.interface = reader->interface,
			.fcs_bytes = reader->fcs_bytes,
		};
	}
	batch->count = count;
	input->packets += count;
	input->stream.at = in.at;
}

/* No whole record is in the window: get more, or say why there is none. */
static bool refill(struct input *input, struct err *err)
{
	const struct pcap_reader *reader = input->reader;
	struct stream *stream = &input->stream;
	size_t header_bytes = reader->record_header_bytes;

	if (!stream_fill(stream, header_bytes)) {
		if (stream_left(stream) == 0 && stream->failed.kind == ERR_NONE)
			return false;
		return input_cut(input, "a packet header", header_bytes - stream_left(stream), err);
	}

	struct pcap_record record = record_parse(reader, stream->at);

	if (record.captured_bytes > reader->captured_most)
		return input_too_long(input, record.captured_bytes, reader->captured_most, err);
	if (!stream_fill(stream, header_bytes + record.captured_bytes))
		return input_cut(input, "a packet",
				 header_bytes + record.captured_bytes - stream_left(stream), err);
	return true;
}

static bool pcap_read(struct input *input, struct frame_batch *batch, struct err *err)
{
	take_records(input, batch);
	while (batch->count == 0) {
		if (!refill(input, err))
			return false;
		take_records(input, batch);
	}
	return true;
}

static void pcap_close_input(struct input *input)
{
	free(input->reader);
}

const struct source_ops source_pcap = {
	.name = "pcap",
	.matches = pcap_matches,
	.open = pcap_open_input,
	.read = pcap_read,
	.close = pcap_close_input,
};
