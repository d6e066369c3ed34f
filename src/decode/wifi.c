/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/wifi.h"

/* Frame control, read little endian. Source: IEEE 802.11, section 9.2.4.1. */
enum frame_control {
	FC_VERSION = 0x0003,
	FC_TYPE = 0x000c,
	FC_TYPE_DATA = 0x0008,
	FC_NULL = 0x0040, /* subtype bit: no data */
	FC_QOS = 0x0080,  /* subtype bit */
	FC_TO_DS = 0x0100,
	FC_FROM_DS = 0x0200,
	FC_MORE_FRAGMENTS = 0x0400,
	FC_PROTECTED = 0x4000,
	FC_ORDER = 0x8000, /* with QoS: a field for high throughput follows */
};

#define WIFI_HEADER_BYTES 24 /* without the fourth address */
#define ADDRESS_BYTES	  6
#define QOS_AGGREGATE	  0x80 /* several frames in one (A-MSDU) */
#define FRAGMENT_NUMBER	  0x000f
#define FCS_BYTES	  4
#define SUBFRAME_HEADER	  14

/* What the header of a data frame says. */
struct data_header {
	uint16_t control;
	uint32_t bytes;
	bool aggregate;
	bool fragment;
};

/* Read the header without moving. Return: false when it was cut. */
static bool data_header_read(const struct walk *walk, struct data_header *header)
{
	const uint8_t *b = cursor_peek(&walk->in, 0, WIFI_HEADER_BYTES);
	uint16_t control = header->control;

	if (!b)
		return false;
	header->fragment = (control & FC_MORE_FRAGMENTS) || (le16_at(b + 22) & FRAGMENT_NUMBER);
	header->bytes = WIFI_HEADER_BYTES;
	header->aggregate = false;
	if ((control & FC_TO_DS) && (control & FC_FROM_DS))
		header->bytes += ADDRESS_BYTES;
	if (!(control & FC_QOS))
		return true;
	b = cursor_peek(&walk->in, header->bytes, 2);
	if (!b)
		return false;
	header->aggregate = (b[0] & QOS_AGGREGATE) != 0;
	header->bytes += 2;
	if (control & FC_ORDER)
		header->bytes += 4;
	return true;
}

/* Frames inside a frame, each with addresses, a length and its own LLC header. */
static enum layer aggregate_decode(struct walk *walk)
{
	while (cursor_left(&walk->in)) {
		const uint8_t *b = walk_skip(walk, SUBFRAME_HEADER);
		struct walk inner;
		uint32_t bytes;

		if (!b)
			return walk_stop(walk, DECODE_LINK_CUT);
		bytes = be16_at(b + 12);
		inner = *walk;
		walk_limit(&inner, bytes);
		walk_run(&inner, LAYER_LLC);
		/* each is padded to a multiple of four, the last one is not */
		walk_skip(walk, (bytes + SUBFRAME_HEADER + 3) / 4 * 4 - SUBFRAME_HEADER);
	}
	return LAYER_DONE;
}

/* @control: frame control. @padded: the capture aligns what follows the header to four bytes. */
static enum layer frame_decode(struct walk *walk, uint16_t control, bool padded)
{
	struct data_header header = { .control = control };

	if ((header.control & (FC_VERSION | FC_TYPE)) != FC_TYPE_DATA || (header.control & FC_NULL))
		return walk_stop(walk, DECODE_NOT_IP);
	if (header.control & FC_PROTECTED)
		return walk_stop(walk, DECODE_ENCRYPTED);
	if (!data_header_read(walk, &header))
		return walk_stop(walk, DECODE_LINK_CUT);
	if (header.fragment)
		return walk_stop(walk, DECODE_ENCAPSULATION_UNKNOWN);
	if (padded)
		header.bytes = (header.bytes + 3) / 4 * 4;
	if (!walk_skip(walk, header.bytes))
		return walk_stop(walk, DECODE_LINK_CUT);
	return header.aggregate ? aggregate_decode(walk) : LAYER_LLC;
}

/* Frame control without moving; that of a frame without data where it was cut. */
static uint16_t control_peek(const struct walk *walk)
{
	const uint8_t *b = cursor_peek(&walk->in, 0, 2);

	return b ? le16_at(b) : FC_NULL;
}

enum layer wifi_decode(struct walk *walk)
{
	return frame_decode(walk, control_peek(walk), false);
}

enum layer wifi_swapped_decode(struct walk *walk)
{
	uint16_t control = control_peek(walk);

	return frame_decode(walk, (uint16_t)(control << 8 | control >> 8), false);
}

/* Bits of "present": which fields follow, in this order. */
#define RADIOTAP_TSFT	  0x00000001u
#define RADIOTAP_FLAGS	  0x00000002u
#define RADIOTAP_MORE	  0x80000000u
#define RADIOTAP_FLAG_FCS 0x10 /* the frame ends with its checksum */
#define RADIOTAP_FLAG_PAD 0x20
#define TSFT_BYTES	  8

/* The flags field of a radiotap header; 0 where it has none. @header: the whole header. */
static uint8_t radiotap_flags(struct cursor header)
{
	uint32_t present, more;
	size_t begin = cursor_left(&header);

	cursor_skip(&header, 4);
	present = cursor_le32(&header);
	for (more = present; (more & RADIOTAP_MORE) && !header.overrun;)
		more = cursor_le32(&header);
	if (!(present & RADIOTAP_FLAGS))
		return 0;
	if (present & RADIOTAP_TSFT) {
		size_t read = begin - cursor_left(&header);

		cursor_skip(&header, (TSFT_BYTES - read % TSFT_BYTES) % TSFT_BYTES + TSFT_BYTES);
	}
	return cursor_u8(&header);
}

enum layer radiotap_decode(struct walk *walk)
{
	const uint8_t *b = cursor_peek(&walk->in, 0, 8);
	struct cursor header = walk->in;
	uint32_t bytes = b ? le16_at(b + 2) : 8;
	uint8_t flags;

	if (bytes < 8)
		return walk_stop(walk, DECODE_ENCAPSULATION_UNKNOWN);
	if (!walk_skip(walk, bytes))
		return walk_stop(walk, DECODE_LINK_CUT);
	flags = radiotap_flags(cursor_take(&header, bytes));
	if (flags & RADIOTAP_FLAG_FCS)
		walk_drop_tail(walk, FCS_BYTES);
	return frame_decode(walk, control_peek(walk), (flags & RADIOTAP_FLAG_PAD) != 0);
}

#define PPI_HEADER_BYTES 8
#define PPI_ALIGNED	 0x01 /* flag: fields are padded to four bytes */
#define PPI_WIFI_COMMON	 2    /* field type */
#define PPI_WIFI_FCS	 0x0001
#define LINKTYPE_WIFI	 105

/* Whether the 802.11 field says that the frame ends with its checksum. */
static bool ppi_has_fcs(struct cursor fields, bool aligned)
{
	while (cursor_left(&fields) >= 4) {
		uint16_t type = cursor_le16(&fields);
		uint16_t bytes = cursor_le16(&fields);
		struct cursor inside =
			cursor_take(&fields, aligned ? (bytes + 3u) / 4u * 4u : bytes);

		if (type != PPI_WIFI_COMMON)
			continue;
		cursor_skip(&inside, 8); /* TSF timer */
		return (cursor_le16(&inside) & PPI_WIFI_FCS) != 0;
	}
	return false;
}

enum layer ppi_decode(struct walk *walk)
{
	const uint8_t *b = cursor_peek(&walk->in, 0, PPI_HEADER_BYTES);
	struct cursor header = walk->in;
	uint32_t bytes = b ? le16_at(b + 2) : PPI_HEADER_BYTES;

	if (bytes < PPI_HEADER_BYTES)
		return walk_stop(walk, DECODE_ENCAPSULATION_UNKNOWN);
	if (!walk_skip(walk, bytes) || !b)
		return walk_stop(walk, DECODE_LINK_CUT);
	header = cursor_take(&header, bytes);
	cursor_skip(&header, PPI_HEADER_BYTES);
	if (le32_at(b + 4) != LINKTYPE_WIFI)
		return link_begin_inside(walk, le32_at(b + 4));
	if (ppi_has_fcs(header, (b[1] & PPI_ALIGNED) != 0))
		walk_drop_tail(walk, FCS_BYTES);
	return LAYER_WIFI;
}

#define AVS_MAGIC      0x80211000 /* the last byte is the version */
#define AVS_MAGIC_MASK 0xffffff00
#define PRISM_BYTES    144

enum layer avs_decode(struct walk *walk)
{
	const uint8_t *b = cursor_peek(&walk->in, 0, 8);

	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	if ((be32_at(b) & AVS_MAGIC_MASK) != AVS_MAGIC || be32_at(b + 4) < 8)
		return walk_stop(walk, DECODE_ENCAPSULATION_UNKNOWN);
	if (!walk_skip(walk, be32_at(b + 4)))
		return walk_stop(walk, DECODE_LINK_CUT);
	return LAYER_WIFI;
}

enum layer prism_decode(struct walk *walk)
{
	const uint8_t *b = cursor_peek(&walk->in, 0, 8);

	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	if ((be32_at(b) & AVS_MAGIC_MASK) == AVS_MAGIC)
		return avs_decode(walk);
	if (!walk_skip(walk, PRISM_BYTES))
		return walk_stop(walk, DECODE_LINK_CUT);
	return LAYER_WIFI;
}
