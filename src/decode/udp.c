/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/udp.h"

#include <stddef.h>

#define UDP_HEADER_BYTES 8

struct udp_tunnel {
	uint16_t port;
	enum layer (*decode)(struct walk *walk);
};

/* Source: IANA, "Service Name and Transport Protocol Port Number Registry"; 8472: Linux. */
static const struct udp_tunnel tunnels[] = {
	{ 1701, l2tp_decode },	    { 2152, gtp_decode },	 { 3544, teredo_decode },
	{ 4341, lisp_decode },	    { 4754, gre_in_udp_decode }, { 4789, vxlan_decode },
	{ 4790, vxlan_gpe_decode }, { 5072, ayiya_decode },	 { 5247, capwap_decode },
	{ 6081, geneve_decode },    { 6343, sflow_decode },	 { 6635, mpls_in_udp_decode },
	{ 8472, vxlan_decode },	    { 37008, tzsp_decode },
};
#define TUNNELS (sizeof(tunnels) / sizeof(tunnels[0]))

static const struct udp_tunnel *tunnel_find(uint16_t port)
{
	for (size_t i = 0; i < TUNNELS; i++)
		if (tunnels[i].port == port)
			return &tunnels[i];
	return NULL;
}

enum layer udp_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, UDP_HEADER_BYTES);
	const struct udp_tunnel *tunnel;
	uint16_t bytes;

	if (!b)
		return walk_stop(walk, DECODE_NOT_TCP);
	bytes = be16_at(b + 4);
	if (bytes >= UDP_HEADER_BYTES)
		walk_limit(walk, bytes - UDP_HEADER_BYTES);
	tunnel = tunnel_find(be16_at(b + 2));
	if (!tunnel)
		tunnel = tunnel_find(be16_at(b));
	return tunnel ? tunnel->decode(walk) : walk_stop(walk, DECODE_NOT_TCP);
}
