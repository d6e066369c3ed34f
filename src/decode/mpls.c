/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/ethertype.h"
#include "decode/walk.h"

#define MPLS_BOTTOM	  0x01 /* in the third byte of an entry: the last one */
#define MPLS_LABEL_GAL	  13   /* an associated channel follows: RFC 5586 */
#define CONTROL_WORD_SIZE 4
#define ETHERNET_TYPE	  12 /* place of the type in an Ethernet header */

/* Whether Ethernet at this offset would have a type that is known. */
static bool ethernet_is_plausible(const struct walk *walk, size_t offset)
{
	const uint8_t *b = cursor_peek(&walk->in, offset + ETHERNET_TYPE, 2);

	return b && ethertype_is_known(be16_at(b));
}

/* Ethernet over MPLS comes with a control word or without; nothing says which. */
static enum layer pseudowire_next(struct walk *walk, bool may_be_control_word)
{
	if (may_be_control_word && ethernet_is_plausible(walk, CONTROL_WORD_SIZE)) {
		walk_skip(walk, CONTROL_WORD_SIZE);
		return LAYER_ETHERNET;
	}
	if (ethernet_is_plausible(walk, 0))
		return LAYER_ETHERNET;
	return walk_stop(walk, DECODE_ENCAPSULATION_UNKNOWN);
}

/*
 * Nothing in the stack says what it carries, so its first half byte decides, as in routers: 4 and 6
 * are IP, 0 may be a control word, 1 a channel for tests; anything else must be Ethernet.
 * Source: RFC 3032, section 2.1; RFC 4385, sections 2 and 3; RFC 4928, section 3.
 */
static enum layer content_guess(struct walk *walk)
{
	const uint8_t *b = cursor_peek(&walk->in, 0, 1);

	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	switch (b[0] >> 4) {
	case 4:
		return LAYER_IP4;
	case 6:
		return LAYER_IP6;
	case 0:
		return pseudowire_next(walk, true);
	case 1:
		return walk_stop(walk, DECODE_NOT_IP);
	default:
		return pseudowire_next(walk, false);
	}
}

enum layer mpls_decode(struct walk *walk)
{
	const uint8_t *b;

	do {
		b = walk_skip(walk, 4);
		if (!b)
			return walk_stop(walk, DECODE_LINK_CUT);
	} while (!(b[2] & MPLS_BOTTOM));
	walk_add_tag(walk, TAG_MPLS);
	if (be32_at(b) >> 12 == MPLS_LABEL_GAL)
		return walk_stop(walk, DECODE_NOT_IP);
	return content_guess(walk);
}

/* What a service chain carries. Source: RFC 8300, section 2. */
enum nsh_protocol {
	NSH_IP4 = 1,
	NSH_IP6 = 2,
	NSH_ETHERNET = 3,
	NSH_NSH = 4,
	NSH_MPLS = 5,
};

enum layer nsh_decode(struct walk *walk)
{
	const uint8_t *b = cursor_peek(&walk->in, 0, 8);
	uint32_t bytes = b ? (b[1] & 0x3fu) * 4u : 8;

	if (bytes < 8)
		return walk_stop(walk, DECODE_ENCAPSULATION_UNKNOWN);
	if (!walk_skip(walk, bytes) || !b)
		return walk_stop(walk, DECODE_LINK_CUT);
	switch (b[3]) {
	case NSH_IP4:
		return LAYER_IP4;
	case NSH_IP6:
		return LAYER_IP6;
	case NSH_ETHERNET:
		return LAYER_ETHERNET;
	case NSH_NSH:
		return LAYER_NSH;
	case NSH_MPLS:
		return LAYER_MPLS;
	default:
		return walk_stop(walk, DECODE_ENCAPSULATION_UNKNOWN);
	}
}
