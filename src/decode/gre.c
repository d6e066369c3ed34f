/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/walk.h"

/* Flags and version. Source: RFC 2784, RFC 2890, RFC 1701; RFC 2637, section 4.1 (version 1). */
enum gre_flag {
	GRE_CHECKSUM = 0x8000,
	GRE_ROUTING = 0x4000,
	GRE_KEY = 0x2000,
	GRE_SEQUENCE = 0x1000,
	GRE_ACK = 0x0080, /* version 1 */
	GRE_VERSION = 0x0007,
};

/* Protocol types that are GRE's own. */
enum gre_protocol {
	GRE_ERSPAN_3 = 0x22eb,
	GRE_MIKROTIK = 0x6400, /* Ethernet over IP, in a header of version 1 */
	GRE_PPP = 0x880b,
	GRE_WCCP = 0x883e,
	GRE_ERSPAN = 0x88be,
	GRE_ARUBA_FIRST = 0x8200, /* 802.11, one number per queue */
	GRE_ARUBA_LAST = 0x8370,
	GRE_ARUBA_KEEPALIVE = 0x9000,
};

#define ERSPAN_2_BYTES	  8
#define ERSPAN_3_BYTES	  12
#define ERSPAN_3_OPTIONAL 0x01 /* in the last byte: 8 bytes of the platform follow */
#define ERSPAN_3_TYPE	  0x7c /* in the second last byte: what kind of frame */
#define ERSPAN_3_IP	  0x08 /* of these: 2, an IP packet; 0 is Ethernet */

/* Source: the header formats in draft-foschiano-erspan, section 4. */
static enum layer erspan_decode(struct walk *walk)
{
	const uint8_t *b = cursor_peek(&walk->in, 0, 1);

	if (b && b[0] >> 4 == 1)
		return walk_skip(walk, ERSPAN_2_BYTES) ? LAYER_ETHERNET
						       : walk_stop(walk, DECODE_LINK_CUT);
	if (b && b[0] >> 4 != 2)
		return walk_stop(walk, DECODE_ENCAPSULATION_UNKNOWN);
	b = walk_skip(walk, ERSPAN_3_BYTES);
	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	if ((b[11] & ERSPAN_3_OPTIONAL) && !walk_skip(walk, 8))
		return walk_stop(walk, DECODE_LINK_CUT);
	return (b[10] & ERSPAN_3_TYPE) == ERSPAN_3_IP ? LAYER_IP : LAYER_ETHERNET;
}

/* Version 2 puts a word in front of the packet, version 1 nothing. Source: RFC 3040, section 9. */
static enum layer wccp_decode(struct walk *walk)
{
	const uint8_t *b = cursor_peek(&walk->in, 0, 1);

	if (b && b[0] >> 4 != 4)
		walk_skip(walk, 4);
	return LAYER_IP;
}

static bool is_aruba(uint16_t type)
{
	return type >= GRE_ARUBA_FIRST && type <= GRE_ARUBA_LAST && (type & 0x000f) == 0;
}

enum layer gre_protocol_next(struct walk *walk, uint16_t type)
{
	if (is_aruba(type))
		return LAYER_WIFI;
	switch (type) {
	case GRE_ERSPAN:
	case GRE_ERSPAN_3:
		return erspan_decode(walk);
	case GRE_WCCP:
		return wccp_decode(walk);
	case GRE_ARUBA_KEEPALIVE:
		return walk_stop(walk, DECODE_NOT_IP);
	default:
		return ethertype_next(walk, type);
	}
}

/* The source routes of RFC 1701: each has a length, the last one is empty. */
static bool routing_skip(struct walk *walk)
{
	const uint8_t *b;

	do {
		b = walk_skip(walk, 4);
		if (!b || !walk_skip(walk, b[3]))
			return false;
	} while (b[3] != 0);
	return true;
}

static enum layer version0_decode(struct walk *walk, uint16_t flags, uint16_t type)
{
	uint32_t optional = 0;

	if (flags & (GRE_CHECKSUM | GRE_ROUTING))
		optional += 4;
	if (flags & GRE_KEY)
		optional += 4;
	if (flags & GRE_SEQUENCE)
		optional += 4;
	if (!walk_skip(walk, optional))
		return walk_stop(walk, DECODE_LINK_CUT);
	if ((flags & GRE_ROUTING) && !routing_skip(walk))
		return walk_stop(walk, DECODE_LINK_CUT);
	if (type == GRE_ERSPAN && !(flags & GRE_SEQUENCE))
		return LAYER_ETHERNET; /* the first kind of ERSPAN has no header of its own */
	return gre_protocol_next(walk, type);
}

/* PPTP: the key is the length and the call, a packet without sequence number only acknowledges. */
static enum layer version1_decode(struct walk *walk, uint16_t flags, uint16_t type)
{
	const uint8_t *b = walk_skip(walk, 4);

	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	if (type == GRE_MIKROTIK) {
		walk_limit(walk, be16_at(b));
		return LAYER_ETHERNET;
	}
	if (type != GRE_PPP)
		return walk_stop(walk, DECODE_ENCAPSULATION_UNKNOWN);
	if (!(flags & GRE_SEQUENCE))
		return walk_stop(walk, DECODE_NOT_TCP);
	if (!walk_skip(walk, flags & GRE_ACK ? 8 : 4))
		return walk_stop(walk, DECODE_LINK_CUT);
	walk_limit(walk, be16_at(b));
	return LAYER_PPP;
}

enum layer gre_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, 4);

	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);

	uint16_t flags = be16_at(b);

	walk_enter_tunnel(walk, TUNNEL_GRE);
	switch (flags & GRE_VERSION) {
	case 0:
		return version0_decode(walk, flags, be16_at(b + 2));
	case 1:
		return version1_decode(walk, flags, be16_at(b + 2));
	default:
		return walk_stop(walk, DECODE_ENCAPSULATION_UNKNOWN);
	}
}

/* Source: RFC 3378, section 3. */
enum layer etherip_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, 2);

	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	if (b[0] >> 4 != 3)
		return walk_stop(walk, DECODE_ENCAPSULATION_UNKNOWN);
	walk_enter_tunnel(walk, TUNNEL_ETHERIP);
	return LAYER_ETHERNET;
}
