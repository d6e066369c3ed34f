/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/udp.h"
#include "decode/wifi.h"

/* Tunnels in UDP that carry the frames of a link: access concentrators, wireless controllers. */

enum l2tp_flag {
	L2TP_CONTROL = 0x8000,
	L2TP_LENGTH = 0x4000,
	L2TP_SEQUENCE = 0x0800,
	L2TP_OFFSET = 0x0200,
	L2TP_VERSION = 0x000f,
};

/* Source: RFC 2661, section 3.1. */
enum layer l2tp_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, 2);
	uint16_t flags = b ? be16_at(b) : 0;
	uint32_t bytes = 4; /* tunnel and session */

	if (!b || (flags & L2TP_VERSION) != 2 || (flags & L2TP_CONTROL))
		return walk_stop(walk, DECODE_NOT_TCP);
	if (flags & L2TP_LENGTH)
		bytes += 2;
	if (flags & L2TP_SEQUENCE)
		bytes += 4;
	if (!walk_skip(walk, bytes))
		return walk_stop(walk, DECODE_LINK_CUT);
	if (flags & L2TP_OFFSET) {
		b = walk_skip(walk, 2);
		if (!b || !walk_skip(walk, be16_at(b)))
			return walk_stop(walk, DECODE_LINK_CUT);
	}
	walk_enter_tunnel(walk, TUNNEL_L2TP);
	return LAYER_PPP;
}

/* What a TZSP packet holds: numbers of the old 802.11 captures, and Ethernet. */
enum tzsp {
	TZSP_VERSION = 1,
	TZSP_ETHERNET = 1,
	TZSP_WIFI = 18,
	TZSP_PRISM = 119,
	TZSP_AVS = 127,
	TZSP_TAG_PAD = 0,
	TZSP_TAG_END = 1,
};
#define LINKTYPE_PRISM 119
#define LINKTYPE_AVS   163

static bool tzsp_tags_skip(struct walk *walk)
{
	const uint8_t *b;

	while ((b = walk_skip(walk, 1)) != NULL) {
		if (b[0] == TZSP_TAG_END)
			return true;
		if (b[0] == TZSP_TAG_PAD)
			continue;
		b = walk_skip(walk, 1);
		if (!b || !walk_skip(walk, b[0]))
			return false;
	}
	return false;
}

/* Source: the TaZmen Sniffer Protocol: version, type, what it holds, tags. */
enum layer tzsp_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, 4);

	if (!b || b[0] != TZSP_VERSION || b[1] > 1)
		return walk_stop(walk, DECODE_NOT_TCP);
	if (!tzsp_tags_skip(walk))
		return walk_stop(walk, DECODE_LINK_CUT);
	walk_enter_tunnel(walk, TUNNEL_TZSP);
	switch (be16_at(b + 2)) {
	case TZSP_ETHERNET:
		return LAYER_ETHERNET;
	case TZSP_WIFI:
		return LAYER_WIFI;
	case TZSP_PRISM:
		return link_begin_inside(walk, LINKTYPE_PRISM);
	case TZSP_AVS:
		return link_begin_inside(walk, LINKTYPE_AVS);
	default:
		return walk_stop(walk, DECODE_ENCAPSULATION_UNKNOWN);
	}
}

#define CAPWAP_HEADER_BYTES 8
#define CAPWAP_CLEAR	    0x00 /* preamble: version 0, not encrypted */
#define CAPWAP_DTLS	    0x01
#define CAPWAP_NATIVE	    0x01 /* last bit of the third byte: in the form of the wireless link */
#define CAPWAP_WIFI	    1
#define CAPWAP_FRAGMENT	    0x80 /* in the fourth byte */
#define CAPWAP_KEEPALIVE    0x08
#define CAPWAP_LEAST_WORDS  2

/* Some controllers send the two bytes of 802.11's frame control the other way round. */
static bool is_swapped_data(const struct walk *walk)
{
	const uint8_t *b = cursor_peek(&walk->in, 0, 2);

	return b && (b[0] & 0x0f) != 0x08 && (b[1] & 0x0f) == 0x08;
}

/* Source: RFC 5415, section 4.3. */
enum layer capwap_decode(struct walk *walk)
{
	const uint8_t *b = cursor_peek(&walk->in, 0, CAPWAP_HEADER_BYTES);
	uint32_t words = b ? b[1] >> 3 : 0;

	if (b && b[0] == CAPWAP_DTLS)
		return walk_stop(walk, DECODE_ENCRYPTED);
	if (!b || b[0] != CAPWAP_CLEAR || words < CAPWAP_LEAST_WORDS ||
	    (b[3] & CAPWAP_KEEPALIVE) != 0)
		return walk_stop(walk, DECODE_NOT_TCP);
	if ((b[3] & CAPWAP_FRAGMENT) && be16_at(b + 6) >> 3 != 0)
		return walk_stop(walk, DECODE_ENCAPSULATION_UNKNOWN);
	if (!walk_skip(walk, words * 4))
		return walk_stop(walk, DECODE_LINK_CUT);
	walk_enter_tunnel(walk, TUNNEL_CAPWAP);
	if (!(b[2] & CAPWAP_NATIVE))
		return LAYER_ETHERNET;
	if ((b[2] >> 1 & 0x1f) != CAPWAP_WIFI)
		return walk_stop(walk, DECODE_ENCAPSULATION_UNKNOWN);
	return is_swapped_data(walk) ? wifi_swapped_decode(walk) : LAYER_WIFI;
}
