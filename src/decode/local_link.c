/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/local_link.h"

#define LLC_FRAME_MASK 0xf8 /* of FDDI's frame control */
#define LLC_FRAME      0x50
#define FDDI_HEADER    13 /* frame control, two addresses */
#define ETHERNET_FCS   4

enum layer fddi_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, FDDI_HEADER);

	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	if ((b[0] & LLC_FRAME_MASK) != LLC_FRAME)
		return walk_stop(walk, DECODE_NOT_IP);
	return LAYER_LLC;
}

#define TOKEN_RING_HEADER   14 /* access and frame control, two addresses */
#define TOKEN_RING_LLC_MASK 0xc0
#define TOKEN_RING_LLC	    0x40
#define SOURCE_ROUTED	    0x80 /* in the first byte of the source address */
#define ROUTING_LENGTH	    0x1f

enum layer token_ring_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, TOKEN_RING_HEADER);

	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	if ((b[1] & TOKEN_RING_LLC_MASK) != TOKEN_RING_LLC)
		return walk_stop(walk, DECODE_NOT_IP);
	if (b[8] & SOURCE_ROUTED) {
		const uint8_t *route = cursor_peek(&walk->in, 0, 2);

		if (!route || !walk_skip(walk, route[0] & ROUTING_LENGTH))
			return walk_stop(walk, DECODE_LINK_CUT);
	}
	return LAYER_LLC;
}

enum arcnet_protocol {
	ARCNET_RFC1051_IP = 0xf0,
	ARCNET_RFC1201_IP = 0xd4,
	ARCNET_RFC1201_IP6 = 0xc4,
};
#define ARCNET_EXCEPTION 0xff /* as split flag: padding, then the header again */

/* Source: RFC 1201: a split flag and a sequence number stand before the packet. */
static enum layer rfc1201_decode(struct walk *walk, uint8_t protocol)
{
	const uint8_t *b = walk_skip(walk, 3);

	if (b && b[0] == ARCNET_EXCEPTION) {
		walk_skip(walk, 1); /* two bytes of padding were read, then the type again */
		b = walk_skip(walk, 3);
	}
	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	if (b[0] != 0) /* a packet split over several frames */
		return walk_stop(walk, DECODE_ENCAPSULATION_UNKNOWN);
	return protocol == ARCNET_RFC1201_IP ? LAYER_IP4 : LAYER_IP6;
}

static enum layer arcnet_next(struct walk *walk, uint8_t protocol)
{
	switch (protocol) {
	case ARCNET_RFC1051_IP:
		return LAYER_IP4;
	case ARCNET_RFC1201_IP:
	case ARCNET_RFC1201_IP6:
		return rfc1201_decode(walk, protocol);
	default:
		return walk_stop(walk, DECODE_NOT_IP);
	}
}

enum layer arcnet_bsd_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, 3);

	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	return arcnet_next(walk, b[2]);
}

enum layer arcnet_linux_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, 5);

	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	return arcnet_next(walk, b[4]);
}

enum layer firewire_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, 18);

	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	return ethertype_next(walk, be16_at(b + 16));
}

enum layer ip_over_fc_decode(struct walk *walk)
{
	if (!walk_skip(walk, 16))
		return walk_stop(walk, DECODE_LINK_CUT);
	return LAYER_LLC;
}

#define JUNIPER_MAGIC	  0x4d4743 /* "MGC" */
#define JUNIPER_NO_LINK	  0x02	   /* flags: the link header was taken off */
#define JUNIPER_EXTENSION 0x80	   /* a length and that many bytes follow */

/* What stands in place of a link header that was taken off. */
enum juniper_protocol {
	JUNIPER_IP4 = 2,
	JUNIPER_MPLS_IP4 = 3,
	JUNIPER_MPLS = 5,
	JUNIPER_IP6 = 6,
	JUNIPER_PPP = 200,
	JUNIPER_ETHERNET = 205,
};

static enum layer juniper_protocol_next(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, 4);

	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	switch (le32_at(b)) {
	case JUNIPER_IP4:
		return LAYER_IP4;
	case JUNIPER_IP6:
		return LAYER_IP6;
	case JUNIPER_MPLS_IP4:
	case JUNIPER_MPLS:
		return LAYER_MPLS;
	case JUNIPER_PPP:
		return LAYER_PPP;
	case JUNIPER_ETHERNET:
		return LAYER_ETHERNET;
	default:
		return walk_stop(walk, DECODE_NOT_IP);
	}
}

enum layer juniper_ethernet_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, 4);

	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	if (be32_at(b) >> 8 != JUNIPER_MAGIC)
		return walk_stop(walk, DECODE_ENCAPSULATION_UNKNOWN);
	if (b[3] & JUNIPER_EXTENSION) {
		const uint8_t *length = walk_skip(walk, 2);

		if (!length || !walk_skip(walk, be16_at(length)))
			return walk_stop(walk, DECODE_LINK_CUT);
	}
	return b[3] & JUNIPER_NO_LINK ? juniper_protocol_next(walk) : LAYER_ETHERNET;
}

#define PREAMBLE_BYTES	8
#define PREAMBLE_PLAIN	0x55
#define MPACKET_EXPRESS 0xd5 /* the last byte of the preamble: a whole frame */

/* Source: IEEE 802.3br, section 99.3: the first piece of a frame that may be interrupted. */
static bool starts_preemptable(uint8_t delimiter)
{
	return delimiter == 0xe6 || delimiter == 0x4c || delimiter == 0x7f || delimiter == 0xb3;
}

/* Source: IEEE 802.3, section 3.2.9: the usual CRC-32, its last bytes as they lie in the frame. */
static uint32_t crc_of(struct cursor in)
{
	uint32_t crc = UINT32_MAX;

	while (cursor_left(&in)) {
		crc ^= cursor_u8(&in);
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ ((crc & 1) ? UINT32_C(0xedb88320) : 0);
	}
	return ~crc;
}

/* A piece that others follow ends with another checksum than a whole frame. */
static bool is_whole(const struct walk *walk)
{
	size_t bytes = cursor_left(&walk->in);
	const uint8_t *end;

	if (bytes < ETHERNET_FCS || bytes != walk->wire_bytes)
		return true; /* cut by the capture: it cannot be told */
	end = cursor_peek(&walk->in, bytes - ETHERNET_FCS, ETHERNET_FCS);
	return end && crc_of(cursor_over(walk->in.at, bytes - ETHERNET_FCS)) == le32_at(end);
}

enum layer mpacket_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, PREAMBLE_BYTES);

	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	if (b[7] != MPACKET_EXPRESS && !starts_preemptable(b[7]))
		return walk_stop(walk, DECODE_ENCAPSULATION_UNKNOWN);
	if (starts_preemptable(b[7]) && !is_whole(walk))
		return walk_stop(walk, DECODE_ENCAPSULATION_UNKNOWN);
	walk_drop_tail(walk, ETHERNET_FCS);
	return LAYER_ETHERNET;
}

enum layer netanalyzer_decode(struct walk *walk)
{
	if (!walk_skip(walk, 4))
		return walk_stop(walk, DECODE_LINK_CUT);
	walk_drop_tail(walk, ETHERNET_FCS);
	return LAYER_ETHERNET;
}

enum layer netanalyzer_transparent_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, 4 + PREAMBLE_BYTES);

	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	if (b[4] != PREAMBLE_PLAIN)
		return walk_stop(walk, DECODE_NOT_IP);
	walk_drop_tail(walk, ETHERNET_FCS);
	return LAYER_ETHERNET;
}

#define IPOIB_HEADER_BYTES 44 /* a global routing header of 40 bytes, a type, two reserved */

enum layer ipoib_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, IPOIB_HEADER_BYTES);

	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	return ethertype_next(walk, be16_at(b + 40));
}
