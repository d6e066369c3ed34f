/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/ethertype.h"
#include "decode/walk.h"

#define ETHERNET_HEADER_BYTES 14
#define LENGTH_MOST	      1500 /* a type field up to this is a length: IEEE 802.3, 3.2.6 */
#define VLAN_ID		      0x0fff

enum layer ethertype_next(struct walk *walk, uint16_t type)
{
	switch (type) {
	case ETHERTYPE_IP4:
		return LAYER_IP4;
	case ETHERTYPE_IP6:
		return LAYER_IP6;
	case ETHERTYPE_VLAN:
	case ETHERTYPE_SERVICE_VLAN:
	case ETHERTYPE_QINQ_OLD:
		return LAYER_VLAN;
	case ETHERTYPE_MPLS:
	case ETHERTYPE_MPLS_UPSTREAM:
		return LAYER_MPLS;
	case ETHERTYPE_PPPOE_SESSION:
		return LAYER_PPPOE;
	case ETHERTYPE_PPP:
		return LAYER_PPP;
	case ETHERTYPE_ETHERNET:
		return LAYER_ETHERNET;
	case ETHERTYPE_SERVICE_INSTANCE:
		return LAYER_SERVICE_TAG;
	case ETHERTYPE_VNTAG:
		return LAYER_VNTAG;
	case ETHERTYPE_FABRICPATH:
		return LAYER_FABRICPATH;
	case ETHERTYPE_HSR:
		return LAYER_REDUNDANCY_TAG;
	case ETHERTYPE_MACSEC:
		return LAYER_MACSEC;
	case ETHERTYPE_NSH:
		return LAYER_NSH;
	case ETHERTYPE_JUMBO_LLC:
		return LAYER_LLC;
	default:
		return walk_stop(walk, ethertype_is_without_ip(type)
					       ? DECODE_NOT_IP
					       : DECODE_ENCAPSULATION_UNKNOWN);
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

/* Source: IEEE 802.1Q, section 9. */
enum layer vlan_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, 4);

	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	walk_add_tag(walk, be16_at(b) & VLAN_ID);
	return type_or_length(walk, be16_at(b + 2));
}

/* An instance tag, then a whole Ethernet frame. Source: IEEE 802.1Q, section 9.7. */
enum layer service_tag_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, 4);

	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	walk_add_tag(walk, TAG_SERVICE + (be32_at(b) & 0xffffff));
	return LAYER_ETHERNET;
}

/* Source: IEEE 802.1BR, and Cisco's VN-Tag from which it came: four bytes, then a type. */
enum layer vntag_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, 6);

	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	return type_or_length(walk, be16_at(b + 4));
}

/* The rest of an outer header (a tree and a hop count), then the frame. */
enum layer fabricpath_decode(struct walk *walk)
{
	if (!walk_skip(walk, 2))
		return walk_stop(walk, DECODE_LINK_CUT);
	return LAYER_ETHERNET;
}

/* Path and size, a sequence number, a type. Source: IEC 62439-3, section 5. */
enum layer redundancy_tag_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, 6);

	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	return type_or_length(walk, be16_at(b + 4));
}

#define MACSEC_CHANGED	0x0c /* E or C: the content is encrypted, or changed otherwise */
#define MACSEC_SCI	0x20 /* a channel identifier follows */
#define MACSEC_ICV	16
#define MACSEC_SCI_SIZE 8

/* Readable where it only protects integrity. Source: IEEE 802.1AE, section 9. */
enum layer macsec_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, 6);

	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	if (b[0] & MACSEC_CHANGED)
		return walk_stop(walk, DECODE_ENCRYPTED);
	if ((b[0] & MACSEC_SCI) && !walk_skip(walk, MACSEC_SCI_SIZE))
		return walk_stop(walk, DECODE_LINK_CUT);
	walk_drop_tail(walk, MACSEC_ICV);
	b = walk_skip(walk, 2);
	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	return type_or_length(walk, be16_at(b));
}
