/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/walk.h"

/* Service access points. Source: IEEE 802.2; RFC 1042. */
#define LLC_SNAP 0xaa
#define LLC_IP	 0x06
#define LLC_UI	 0x03 /* unnumbered information: no sequence numbers */

/* Who gave the protocol identifier of a SNAP header its meaning. */
#define OUI_ETHERTYPE 0x000000 /* RFC 1042 */
#define OUI_BRIDGE_TU 0x0000f8 /* IEEE 802.1H */
#define OUI_BRIDGED   0x0080c2 /* RFC 2684, section 5.2; RFC 2427 */

enum bridged {
	BRIDGED_ETHERNET_FCS = 0x0001,
	BRIDGED_ETHERNET = 0x0007,
};
#define ETHERNET_FCS_BYTES 4

static enum layer bridged_next(struct walk *walk, uint16_t kind)
{
	if (kind != BRIDGED_ETHERNET && kind != BRIDGED_ETHERNET_FCS)
		return walk_stop(walk, DECODE_ENCAPSULATION_UNKNOWN);
	if (kind == BRIDGED_ETHERNET_FCS)
		walk_drop_tail(walk, ETHERNET_FCS_BYTES);
	return LAYER_ETHERNET;
}

static enum layer snap_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, 5);
	uint32_t oui;

	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	oui = be32_at(b) >> 8;
	if (oui == OUI_ETHERTYPE || oui == OUI_BRIDGE_TU)
		return ethertype_next(walk, be16_at(b + 3));
	if (oui == OUI_BRIDGED)
		return bridged_next(walk, be16_at(b + 3));
	return walk_stop(walk, DECODE_NOT_IP);
}

enum layer llc_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, 3);

	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	if (b[0] == LLC_SNAP && b[2] == LLC_UI)
		return snap_decode(walk);
	if (b[0] == LLC_IP && b[2] == LLC_UI)
		return LAYER_IP4;
	return walk_stop(walk, DECODE_NOT_IP);
}
