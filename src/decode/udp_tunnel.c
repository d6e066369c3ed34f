/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/ethertype.h"
#include "decode/udp.h"

/* Pass over a tunnel's header and remember the tunnel. Return: what follows it. */
static enum layer enter(struct walk *walk, enum tunnel kind, uint32_t header_bytes,
			enum layer content)
{
	if (!walk_skip(walk, header_bytes))
		return walk_stop(walk, DECODE_LINK_CUT);
	walk_enter_tunnel(walk, kind);
	return content;
}

/* Whether what follows looks like IP of a length that can be. */
static bool ip_is_plausible(const struct walk *walk, size_t offset)
{
	const uint8_t *b = cursor_peek(&walk->in, offset, 6);

	if (!b)
		return false;
	if (b[0] >> 4 == 6)
		return be16_at(b + 4) > 0;
	return b[0] >> 4 == 4 && (b[0] & 0x0f) >= 5;
}

#define VXLAN_HEADER_BYTES 8
#define VXLAN_INSTANCE	   0x08 /* flag: the network identifier is valid */
#define VXLAN_GPE_PROTOCOL 0x04 /* flag: the fourth byte says what follows */

/* Source: RFC 7348, section 5. The last byte is reserved and sent as zero. */
enum layer vxlan_decode(struct walk *walk)
{
	const uint8_t *b = cursor_peek(&walk->in, 0, VXLAN_HEADER_BYTES);

	if (!b || !(b[0] & VXLAN_INSTANCE) || b[7] != 0)
		return walk_stop(walk, DECODE_NOT_TCP);
	return enter(walk, TUNNEL_VXLAN, VXLAN_HEADER_BYTES, LAYER_ETHERNET);
}

/* What a VXLAN-GPE header announces. Source: draft-ietf-nvo3-vxlan-gpe, section 3.2. */
static enum layer gpe_content(const uint8_t b[static VXLAN_HEADER_BYTES])
{
	static const enum layer contents[] = {
		LAYER_DONE, LAYER_IP4, LAYER_IP6, LAYER_ETHERNET, LAYER_NSH, LAYER_MPLS,
	};

	if (!(b[0] & VXLAN_GPE_PROTOCOL))
		return LAYER_ETHERNET;
	return b[3] < sizeof(contents) / sizeof(contents[0]) ? contents[b[3]] : LAYER_DONE;
}

enum layer vxlan_gpe_decode(struct walk *walk)
{
	const uint8_t *b = cursor_peek(&walk->in, 0, VXLAN_HEADER_BYTES);

	if (!b || !(b[0] & VXLAN_INSTANCE))
		return walk_stop(walk, DECODE_NOT_TCP);
	if (gpe_content(b) == LAYER_DONE)
		return walk_stop(walk, DECODE_ENCAPSULATION_UNKNOWN);
	return enter(walk, TUNNEL_VXLAN, VXLAN_HEADER_BYTES, gpe_content(b));
}

#define GENEVE_HEADER_BYTES 8

/* Source: RFC 8926, section 3.4: version, length of the options, an EtherType. */
enum layer geneve_decode(struct walk *walk)
{
	const uint8_t *b = cursor_peek(&walk->in, 0, GENEVE_HEADER_BYTES);
	uint16_t type = b ? be16_at(b + 2) : 0;

	if (!b || b[0] >> 6 != 0 ||
	    (type != ETHERTYPE_ETHERNET && type != ETHERTYPE_IP4 && type != ETHERTYPE_IP6))
		return walk_stop(walk, DECODE_NOT_TCP);
	if (!walk_skip(walk, GENEVE_HEADER_BYTES + (b[0] & 0x3fu) * 4u))
		return walk_stop(walk, DECODE_LINK_CUT);
	walk_enter_tunnel(walk, TUNNEL_GENEVE);
	return ethertype_next(walk, type);
}

#define GTP_VERSION_MASK 0xf0
#define GTP_VERSION_1	 0x30 /* and the protocol type that is not GTP' */
#define GTP_OPTIONAL	 0x07 /* flags: four more bytes follow */
#define GTP_EXTENSION	 0x04
#define GTP_USER_DATA	 255

/* Extension headers: a length in words, content, the type of the next one; 0 ends them. */
static bool gtp_extensions_skip(struct walk *walk, uint8_t next)
{
	while (next != 0) {
		const uint8_t *b = cursor_peek(&walk->in, 0, 1);
		uint32_t bytes = b ? b[0] * 4u : 0;

		b = bytes ? walk_skip(walk, bytes) : NULL;
		if (!b)
			return false;
		next = b[bytes - 1];
	}
	return true;
}

/* Source: 3GPP TS 29.281, section 5. */
enum layer gtp_decode(struct walk *walk)
{
	const uint8_t *b = cursor_peek(&walk->in, 0, 8);
	const uint8_t *optional;

	if (!b || (b[0] & GTP_VERSION_MASK) != GTP_VERSION_1 || b[1] != GTP_USER_DATA)
		return walk_stop(walk, DECODE_NOT_TCP);
	walk_skip(walk, 8);
	walk_limit(walk, be16_at(b + 2));
	if (b[0] & GTP_OPTIONAL) {
		optional = walk_skip(walk, 4);
		if (!optional ||
		    ((b[0] & GTP_EXTENSION) && !gtp_extensions_skip(walk, optional[3])))
			return walk_stop(walk, DECODE_LINK_CUT);
	}
	if (!ip_is_plausible(walk, 0))
		return walk_stop(walk, DECODE_NOT_TCP);
	return enter(walk, TUNNEL_GTP, 0, LAYER_IP);
}

#define TEREDO_AUTHENTICATION 0x0001
#define TEREDO_ORIGIN	      0x0000
#define TEREDO_ORIGIN_BYTES   8

/* Source: RFC 4380, section 5.1.1: authentication, origin, then IPv6. */
enum layer teredo_decode(struct walk *walk)
{
	const uint8_t *b = cursor_peek(&walk->in, 0, 4);
	size_t offset = 0;

	if (b && be16_at(b) == TEREDO_AUTHENTICATION) {
		offset = 4u + b[2] + b[3] + 8 + 1;
		b = cursor_peek(&walk->in, offset, 4);
	}
	if (b && be16_at(b) == TEREDO_ORIGIN) {
		offset += TEREDO_ORIGIN_BYTES;
		b = cursor_peek(&walk->in, offset, 4);
	}
	if (!b || b[0] >> 4 != 6 || !ip_is_plausible(walk, offset))
		return walk_stop(walk, DECODE_NOT_TCP);
	return enter(walk, TUNNEL_TEREDO, (uint32_t)offset, LAYER_IP6);
}

#define AYIYA_HEADER_BYTES 8
#define AYIYA_FORWARD	   1 /* operation */

/* Source: draft-massar-v6ops-ayiya, section 3; its next header is an IP protocol number. */
enum layer ayiya_decode(struct walk *walk)
{
	const uint8_t *b = cursor_peek(&walk->in, 0, AYIYA_HEADER_BYTES);
	uint32_t bytes;

	if (!b || (b[2] & 0x0f) != AYIYA_FORWARD)
		return walk_stop(walk, DECODE_NOT_TCP);
	bytes = AYIYA_HEADER_BYTES + (1u << (b[0] >> 4)) + (b[1] >> 4) * 4u;
	if (!ip_is_plausible(walk, bytes))
		return walk_stop(walk, DECODE_NOT_TCP);
	return enter(walk, TUNNEL_AYIYA, bytes, LAYER_IP);
}

#define LISP_HEADER_BYTES 8

/* Source: RFC 9300, section 5.3. */
enum layer lisp_decode(struct walk *walk)
{
	if (!ip_is_plausible(walk, LISP_HEADER_BYTES))
		return walk_stop(walk, DECODE_NOT_TCP);
	return enter(walk, TUNNEL_LISP, LISP_HEADER_BYTES, LAYER_IP);
}

#define GRE_RESERVED 0x4fff /* routing and what follows it: zero here; RFC 8086, section 3.3 */

/* Source: RFC 8086. */
enum layer gre_in_udp_decode(struct walk *walk)
{
	const uint8_t *b = cursor_peek(&walk->in, 0, 4);

	if (!b || (be16_at(b) & GRE_RESERVED) != 0)
		return walk_stop(walk, DECODE_NOT_TCP);
	return LAYER_GRE;
}

/* Source: RFC 7510. The first entry's time to live cannot be 0. */
enum layer mpls_in_udp_decode(struct walk *walk)
{
	const uint8_t *b = cursor_peek(&walk->in, 0, 4);

	if (!b || b[3] == 0)
		return walk_stop(walk, DECODE_NOT_TCP);
	return enter(walk, TUNNEL_MPLS, 0, LAYER_MPLS);
}
