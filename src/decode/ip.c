/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/walk.h"

/* Source: IANA, "Assigned Internet Protocol Numbers". */
enum ip_protocol {
	IP_ICMP = 1,
	IP_IP4 = 4,
	IP_TCP = 6,
	IP_UDP = 17,
	IP_IP6 = 41,
	IP_ESP = 50,
	IP_ICMP6 = 58,
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

enum layer ip_protocol_next(struct walk *walk, uint8_t protocol)
{
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
	case IP_ESP:
		return walk_stop(walk, DECODE_ENCRYPTED);
	default:
		return walk_stop(walk, DECODE_NOT_TCP);
	}
}
