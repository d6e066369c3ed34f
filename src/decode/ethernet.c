/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/walk.h"

#define ETHERNET_HEADER_BYTES 14
#define LENGTH_MOST	      1500 /* a type field up to this is a length: IEEE 802.3, 3.2.6 */
#define VLAN_ID		      0x0fff

/* Source: IEEE, "EtherType" registry. */
enum ethertype {
	ETHERTYPE_IP4 = 0x0800,
	ETHERTYPE_VLAN = 0x8100,
	ETHERTYPE_QINQ_OLD = 0x9100,
	ETHERTYPE_QINQ = 0x88a8,
	ETHERTYPE_IP6 = 0x86dd,
	ETHERTYPE_ARP = 0x0806,
};

enum layer ethertype_next(struct walk *walk, uint16_t type)
{
	switch (type) {
	case ETHERTYPE_IP4:
		return LAYER_IP4;
	case ETHERTYPE_IP6:
		return LAYER_IP6;
	case ETHERTYPE_VLAN:
	case ETHERTYPE_QINQ:
	case ETHERTYPE_QINQ_OLD:
		return LAYER_VLAN;
	case ETHERTYPE_ARP:
		return walk_stop(walk, DECODE_NOT_IP);
	default:
		return walk_stop(walk, DECODE_ENCAPSULATION_UNKNOWN);
	}
}

/* What a field that is a type or a length says. */
static enum layer type_or_length(struct walk *walk, uint16_t value)
{
	if (value > LENGTH_MOST)
		return ethertype_next(walk, value);
	walk_limit(walk, value);
	return LAYER_LLC;
}

enum layer ethernet_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, ETHERNET_HEADER_BYTES);

	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);

	uint16_t type = be16_at(b + 12);

	if (type == ETHERTYPE_IP4)
		return LAYER_IP4;
	return type_or_length(walk, type);
}

enum layer vlan_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, 4);

	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	walk_add_tag(walk, be16_at(b) & VLAN_ID);
	return type_or_length(walk, be16_at(b + 2));
}

#define LLC_SNAP 0xaa
#define LLC_IP	 0x06
#define LLC_UI	 0x03 /* unnumbered information */

enum layer llc_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, 3);

	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	if (b[0] == LLC_IP && b[2] == LLC_UI)
		return LAYER_IP4;
	if (b[0] != LLC_SNAP || b[2] != LLC_UI)
		return walk_stop(walk, DECODE_NOT_IP);
	b = walk_skip(walk, 5);
	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	return ethertype_next(walk, be16_at(b + 3));
}
