/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/walk.h"

#include <string.h>

/* The rarer headers; those of a plain frame are called by name in walk_run(). */
static enum layer (*const decoders[LAYERS])(struct walk *walk) = {
	[LAYER_ETHERNET] = ethernet_decode,
	[LAYER_IP4] = ip4_decode,
	[LAYER_IP6] = ip6_decode,
	[LAYER_TCP] = tcp_decode,
	[LAYER_IP] = ip_decode,
	[LAYER_VLAN] = vlan_decode,
	[LAYER_UDP] = udp_decode,
	[LAYER_ICMP4] = icmp4_decode,
	[LAYER_ICMP6] = icmp6_decode,
	[LAYER_LLC] = llc_decode,
	[LAYER_SERVICE_TAG] = service_tag_decode,
	[LAYER_VNTAG] = vntag_decode,
	[LAYER_FABRICPATH] = fabricpath_decode,
	[LAYER_REDUNDANCY_TAG] = redundancy_tag_decode,
	[LAYER_MACSEC] = macsec_decode,
	[LAYER_MPLS] = mpls_decode,
	[LAYER_NSH] = nsh_decode,
	[LAYER_PPPOE] = pppoe_decode,
	[LAYER_PPP] = ppp_decode,
	[LAYER_GRE] = gre_decode,
	[LAYER_ETHERIP] = etherip_decode,
	[LAYER_WIFI] = wifi_decode,
};

void walk_run(struct walk *walk, enum layer layer)
{
	while (layer != LAYER_DONE) {
		if (walk->depth++ >= DECODE_NESTING_MOST) {
			walk_count(walk, DECODE_TOO_DEEP);
			return;
		}
		if (layer == LAYER_TCP)
			layer = tcp_decode(walk);
		else if (layer == LAYER_IP4)
			layer = ip4_decode(walk);
		else if (layer == LAYER_IP6)
			layer = ip6_decode(walk);
		else if (layer == LAYER_ETHERNET)
			layer = ethernet_decode(walk);
		else
			layer = decoders[layer](walk);
	}
}

/* Mix 64 bits well: the finaliser of a multiplicative hash. */
static uint64_t mix(uint64_t value)
{
	value ^= value >> 32;
	value *= UINT64_C(0x9e3779b97f4a7c15);
	value ^= value >> 29;
	value *= UINT64_C(0xbf58476d1ce4e5b9);
	return value ^ (value >> 32);
}

static uint64_t address_hash(const struct ip_address *address)
{
	uint64_t half[2];

	memcpy(half, address->bytes, sizeof(half));
	return mix(half[0] + mix(half[1]));
}

/* 0 means "none", so a hash that comes out as 0 is moved aside. */
static uint32_t never_zero(uint64_t hash, uint32_t mask)
{
	uint32_t value = (uint32_t)hash & mask;

	return value ? value : 1;
}

/* Zeek holds both directions of these for two encapsulations; zeek-rules, "X from tunnels". */
static bool tells_directions_apart(enum tunnel kind)
{
	return kind >= TUNNEL_GENEVE;
}

#define ENCAPSULATION_BITS (SEGMENT_ENCAPSULATION_FOREIGN | SEGMENT_ENCAPSULATION_SAMPLED)

void walk_enter_tunnel(struct walk *walk, enum tunnel kind)
{
	uint64_t src = address_hash(&walk->ip.src);
	uint64_t dst = address_hash(&walk->ip.dst);
	uint64_t ends = tells_directions_apart(kind) ? mix(src) + dst : src + dst;

	walk->tunnel_hash =
		never_zero(mix(walk->tunnel_hash + mix(src + dst + (uint64_t)kind)), 0xffff);
	walk->encapsulation = (walk->encapsulation & ENCAPSULATION_BITS) |
			      never_zero(mix(walk->encapsulation + mix(ends + (uint64_t)kind)),
					 ~ENCAPSULATION_BITS);
	if (kind >= TUNNEL_ETHERIP)
		walk->encapsulation |= SEGMENT_ENCAPSULATION_FOREIGN;
	if (kind == TUNNEL_SAMPLE)
		walk->encapsulation |= SEGMENT_ENCAPSULATION_SAMPLED;
}

uint32_t walk_tag_hash(uint32_t vlan_hash, uint32_t tag)
{
	return never_zero(mix(((uint64_t)vlan_hash << 32) + tag + 1), 0xffff);
}

void walk_add_tag(struct walk *walk, uint32_t tag)
{
	walk->vlan_hash = walk_tag_hash(walk->vlan_hash, tag);
}
