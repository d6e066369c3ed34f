/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/walk.h"

/* Source: IANA, "Assigned Internet Protocol Numbers". */
enum ip_protocol {
	IP_ICMP = 1,
	IP_IP4 = 4,
	IP_TCP = 6,
	IP_UDP = 17,
	IP_IP6 = 41,
	IP_GRE = 47,
	IP_ESP = 50,
	IP_AUTHENTICATION = 51,
	IP_ICMP6 = 58,
	IP_ETHERIP = 97,
	IP_MPLS = 137,
};

enum layer ip_decode(struct walk *walk)
{
	const uint8_t *b = cursor_peek(&walk->in, 0, 1);

	if (!b)
		return walk_stop(walk, DECODE_IP_CUT);
	if (b[0] >> 4 == 4)
		return LAYER_IP4;
	if (b[0] >> 4 == 6)
		return LAYER_IP6;
	return walk_stop(walk, DECODE_IP_BAD);
}

/* An authentication header leaves what is behind it readable. Source: RFC 4302, section 2. */
static bool authentication_skip(struct walk *walk, uint8_t *protocol)
{
	while (*protocol == IP_AUTHENTICATION) {
		const uint8_t *b = cursor_peek(&walk->in, 0, 2);

		if (!b)
			return false;
		*protocol = b[0];
		if (!walk_skip(walk, (b[1] + 2u) * 4u))
			return false;
	}
	return true;
}

enum layer ip_protocol_next(struct walk *walk, uint8_t protocol)
{
	if (!authentication_skip(walk, &protocol))
		return walk_stop(walk, DECODE_IP_CUT);
	switch (protocol) {
	case IP_TCP:
		return LAYER_TCP;
	case IP_UDP:
		return LAYER_UDP;
	case IP_ICMP:
		return LAYER_ICMP4;
	case IP_ICMP6:
		return LAYER_ICMP6;
	case IP_IP4:
		walk_enter_tunnel(walk, TUNNEL_IP);
		return LAYER_IP4;
	case IP_IP6:
		walk_enter_tunnel(walk, TUNNEL_IP);
		return LAYER_IP6;
	case IP_GRE:
		return LAYER_GRE;
	case IP_ETHERIP:
		return LAYER_ETHERIP;
	case IP_MPLS: /* RFC 4023 */
		walk_enter_tunnel(walk, TUNNEL_MPLS);
		return LAYER_MPLS;
	case IP_ESP:
		return walk_stop(walk, DECODE_ENCRYPTED);
	default:
		return walk_stop(walk, DECODE_NOT_TCP);
	}
}
