/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_SOURCE_PCAPNG_BLOCKS_H
#define TCPWHY_SOURCE_PCAPNG_BLOCKS_H

#include "base/cursor.h"
#include "source/input.h"

/* An interface of the current section. */
struct pcapng_interface {
	uint16_t index; /* in the source's list */
	uint16_t link_type;
	uint32_t snap_bytes;	/* 0: no limit */
	uint32_t captured_most; /* more in one packet is damage */
	int64_t offset_seconds; /* to be added to every time */
	uint8_t resolution;	/* if_tsresol: 10^-n, or with the top bit 2^-n seconds */
	uint8_t fcs_bytes;
};

/* What the blocks of the current section have said. */
struct pcapng_reader {
	bool big_endian;
	struct pcapng_interface *interfaces; /* owned */
	size_t interface_count;
	size_t interface_room;
	uint64_t numbered_skipped; /* blocks with a number since the last packet */
};

/* A type of block that is read, others are skipped; the rows are in pcapng_blocks.c. */
struct pcapng_block_kind {
	uint32_t type;
	uint32_t least_bytes; /* with header and trailer */

	/* Take in the body, without header and trailer; packets are appended to the batch. */
	bool (*take)(struct input *input, struct cursor body, struct frame_batch *batch,
		     struct err *err);
};

const struct pcapng_block_kind *pcapng_block_find(uint32_t type);

/*
 * Does a block that is skipped use up a frame number? Wireshark shows some as records among the
 * packets; frame numbers must mean the same there and here. Source: what tshark 4.0 numbers.
 */
bool pcapng_block_is_numbered(uint32_t type);

static inline uint16_t pcapng_u16(const struct pcapng_reader *reader, struct cursor *in)
{
	return reader->big_endian ? cursor_be16(in) : cursor_le16(in);
}

static inline uint32_t pcapng_u32(const struct pcapng_reader *reader, struct cursor *in)
{
	return reader->big_endian ? cursor_be32(in) : cursor_le32(in);
}

#endif /* TCPWHY_SOURCE_PCAPNG_BLOCKS_H */
