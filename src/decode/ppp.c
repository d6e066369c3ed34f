/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/ppp.h"

/* Source: IANA, "PPP DLL Protocol Numbers"; those up to 0xff may stand in one byte. */
enum ppp_protocol {
	PPP_IP4 = 0x0021,
	PPP_BRIDGED = 0x0031, /* RFC 3518, section 4.2 */
	PPP_ENCRYPTED = 0x0053,
	PPP_ENCRYPTED_LINK = 0x0055,
	PPP_IP6 = 0x0057,
	PPP_MPLS = 0x0281,
	PPP_MPLS_MULTICAST = 0x0283,
	PPP_NETWORK_CONTROL = 0x8000, /* from here on: control protocols, authentication */
};

#define HDLC_ALL_STATIONS 0xff
#define HDLC_UI		  0x03
#define BRIDGED_FCS	  0x80 /* flag: the frame's checksum follows it */
#define BRIDGED_ETHERNET  1    /* MAC type */
#define FCS_BYTES	  4

static enum layer bridged_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, 2);

	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	if (b[1] != BRIDGED_ETHERNET)
		return walk_stop(walk, DECODE_ENCAPSULATION_UNKNOWN);
	if (b[0] & BRIDGED_FCS)
		walk_drop_tail(walk, FCS_BYTES);
	return LAYER_ETHERNET;
}

static enum layer protocol_next(struct walk *walk, uint16_t protocol)
{
	switch (protocol) {
	case PPP_IP4:
		return LAYER_IP4;
	case PPP_IP6:
		return LAYER_IP6;
	case PPP_MPLS:
	case PPP_MPLS_MULTICAST:
		return LAYER_MPLS;
	case PPP_BRIDGED:
		return bridged_decode(walk);
	case PPP_ENCRYPTED:
	case PPP_ENCRYPTED_LINK:
		return walk_stop(walk, DECODE_ENCRYPTED);
	default:
		return walk_stop(walk, protocol >= PPP_NETWORK_CONTROL
					       ? DECODE_NOT_IP
					       : DECODE_ENCAPSULATION_UNKNOWN);
	}
}

/* Source: RFC 1661, section 2; RFC 1662, section 3.1. */
enum layer ppp_decode(struct walk *walk)
{
	const uint8_t *b = cursor_peek(&walk->in, 0, 2);

	if (b && b[0] == HDLC_ALL_STATIONS && b[1] == HDLC_UI)
		walk_skip(walk, 2);
	b = walk_skip(walk, 1);
	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);

	uint16_t protocol = b[0];

	if (!(protocol & 1)) { /* the last byte of a protocol is odd */
		b = walk_skip(walk, 1);
		if (!b)
			return walk_stop(walk, DECODE_LINK_CUT);
		protocol = (uint16_t)((protocol << 8) | b[0]);
	}
	return protocol_next(walk, protocol);
}

#define PPPOE_SESSION 0 /* code */

/* Source: RFC 2516, sections 4 and 5. */
enum layer pppoe_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, 6);

	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	if (b[1] != PPPOE_SESSION)
		return walk_stop(walk, DECODE_NOT_IP);
	walk_limit(walk, be16_at(b + 4));
	walk_add_tag(walk, TAG_PPPOE);
	return LAYER_PPP;
}

enum layer cisco_hdlc_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, 4);

	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	return ethertype_next(walk, be16_at(b + 2));
}

enum layer ppp_hdlc_decode(struct walk *walk)
{
	const uint8_t *b = cursor_peek(&walk->in, 0, 1);

	if (b && (b[0] == 0x0f || b[0] == 0x8f)) /* Cisco's addresses: unicast, multicast */
		return cisco_hdlc_decode(walk);
	return LAYER_PPP;
}

enum layer ppp_with_direction_decode(struct walk *walk)
{
	if (!walk_skip(walk, 1))
		return walk_stop(walk, DECODE_LINK_CUT);
	return LAYER_PPP;
}

/* What the byte behind the control field says. Source: RFC 2427, section 4. */
enum nlpid {
	NLPID_PAD = 0x00,
	NLPID_SNAP = 0x80,
	NLPID_IP6 = 0x8e,
	NLPID_IP4 = 0xcc,
	NLPID_PPP = 0xcf, /* RFC 1973 */
};

static enum layer nlpid_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, 1);

	if (b && b[0] == NLPID_PAD)
		b = walk_skip(walk, 1);
	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	switch (b[0]) {
	case NLPID_IP4:
		return LAYER_IP4;
	case NLPID_IP6:
		return LAYER_IP6;
	case NLPID_PPP:
		return LAYER_PPP;
	case NLPID_SNAP:
		b = walk_skip(walk, 5);
		if (!b)
			return walk_stop(walk, DECODE_LINK_CUT);
		if (be32_at(b) >> 8 == 0)
			return ethertype_next(walk, be16_at(b + 3));
		return walk_stop(walk, DECODE_NOT_IP);
	default:
		return walk_stop(walk, DECODE_NOT_IP);
	}
}

enum layer frame_relay_decode(struct walk *walk)
{
	const uint8_t *b;

	do { /* the address: its last byte is odd */
		b = walk_skip(walk, 1);
		if (!b)
			return walk_stop(walk, DECODE_LINK_CUT);
	} while (!(b[0] & 1));
	b = cursor_peek(&walk->in, 0, 2);
	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	if (b[0] == HDLC_UI) {
		walk_skip(walk, 1);
		return nlpid_decode(walk);
	}
	walk_skip(walk, 2); /* Cisco: an EtherType right behind the address */
	return ethertype_next(walk, be16_at(b));
}

#define SLIP_HEADER_BYTES 16 /* direction, compressed header */

enum layer slip_decode(struct walk *walk)
{
	if (!walk_skip(walk, SLIP_HEADER_BYTES))
		return walk_stop(walk, DECODE_LINK_CUT);
	return LAYER_IP;
}
