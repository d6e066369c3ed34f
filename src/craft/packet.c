/* SPDX-License-Identifier: BSD-2-Clause */
#include "craft/packet.h"

#include "decode/checksum.h"

enum ether_type {
	ETHER_IPV4 = 0x0800,
	ETHER_ARP = 0x0806,
	ETHER_VLAN = 0x8100,
	ETHER_IPV6 = 0x86dd,
};

enum ip_protocol {
	PROTOCOL_ICMP = 1,
	PROTOCOL_IPIP = 4,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_IPV6 = 41,
	PROTOCOL_GRE = 47,
	PROTOCOL_ICMP6 = 58,
};

#define ETHERNET_BYTES	 14
#define IPV4_BYTES	 20
#define IPV6_BYTES	 40
#define UDP_BYTES	 8
#define VXLAN_BYTES	 8
#define GRE_BYTES	 4
#define ICMP_BYTES	 8
#define IP_LENGTH_MOST	 65535
#define VXLAN_PORT	 4789
#define IPV4_CHECKSUM_AT 10

/* An IP header to be written. */
struct ip_header {
	const struct ip_address *src, *dst;
	size_t payload_bytes;
	enum ip_protocol protocol;
	uint16_t id;
	uint8_t ttl, tos;
	bool dont_fragment, sum_bad;
	bool length_said;
	uint16_t length;
};

static size_t ip_header_bytes(const struct ip_address *src)
{
	return ip_address_is_v4(src) ? IPV4_BYTES : IPV6_BYTES;
}

/* A locally administered MAC address made from the end of an IP address. */
static void put_mac(struct writer *out, const char *name, const struct ip_address *ip)
{
	const uint8_t mac[6] = {
		0x02, 0x00, ip->bytes[12], ip->bytes[13], ip->bytes[14], ip->bytes[15],
	};

	writer_put_bytes(out, name, mac, sizeof(mac));
}

/* The one's complement sum of some bytes as it stands in a header. */
static uint16_t sum_field(const uint8_t *bytes, size_t count, uint64_t before)
{
	uint16_t in_memory = (uint16_t)~checksum_fold(checksum_add(before, bytes, count));
	uint8_t two[2];

	memcpy(two, &in_memory, sizeof(two));
	return (uint16_t)(two[0] << 8 | two[1]);
}

static uint16_t ip_length_field(const struct ip_header *ip, size_t bytes, struct writer *out)
{
	if (ip->length_said)
		return ip->length;
	if (bytes > IP_LENGTH_MOST)
		out->overflow = true;
	return (uint16_t)bytes;
}

static void put_ipv4(const struct ip_header *ip, struct writer *out)
{
	size_t start = out->used;
	uint16_t length = ip_length_field(ip, IPV4_BYTES + ip->payload_bytes, out);

	out->header = "IPv4";
	writer_put(out, "version and header length", 0x45, 1);
	writer_put(out, "type of service", ip->tos, 1);
	writer_put(out, "total length", length, 2);
	writer_put(out, "identification", ip->id, 2);
	writer_put(out, "flags and fragment offset", ip->dont_fragment ? 0x4000 : 0, 2);
	writer_put(out, "time to live", ip->ttl, 1);
	writer_put(out, "protocol", ip->protocol, 1);
	writer_put(out, "header checksum", 0, 2);
	writer_put_bytes(out, "source address", ip->src->bytes + 12, 4);
	writer_put_bytes(out, "destination address", ip->dst->bytes + 12, 4);
	if (out->overflow)
		return;

	uint16_t sum = sum_field(out->start + start, IPV4_BYTES, 0);

	writer_patch16(out, start + IPV4_CHECKSUM_AT, ip->sum_bad ? (uint16_t)(sum ^ 0x0fd2) : sum);
}

static void put_ipv6(const struct ip_header *ip, struct writer *out)
{
	uint16_t length = ip_length_field(ip, ip->payload_bytes, out);

	out->header = "IPv6";
	writer_put(out, "version, traffic class and flow label",
		   UINT32_C(6) << 28 | (uint32_t)ip->tos << 20, 4);
	writer_put(out, "payload length", length, 2);
	writer_put(out, "next header", ip->protocol, 1);
	writer_put(out, "hop limit", ip->ttl, 1);
	writer_put_bytes(out, "source address", ip->src->bytes, 16);
	writer_put_bytes(out, "destination address", ip->dst->bytes, 16);
}

static void put_ip(const struct ip_header *ip, struct writer *out)
{
	if (ip_address_is_v4(ip->src))
		put_ipv4(ip, out);
	else
		put_ipv6(ip, out);
}

static enum ether_type ether_type_of(const struct ip_address *ip)
{
	return ip_address_is_v4(ip) ? ETHER_IPV4 : ETHER_IPV6;
}

static void put_ethernet(const struct ip_address *src, const struct ip_address *dst,
			 const struct packet *packet, enum ether_type type, struct writer *out)
{
	out->header = "Ethernet";
	put_mac(out, "destination", dst);
	put_mac(out, "source", src);
	for (unsigned i = 0; i < packet->vlan_count; i++) {
		writer_put(out, "802.1Q tag", ETHER_VLAN, 2);
		writer_put(out, "VLAN", packet->vlans[i], 2);
	}
	writer_put(out, "type", type, 2);
}

static void put_cooked(const struct ip_address *src, enum ether_type type, struct writer *out)
{
	const uint32_t arphrd_ether = 1;

	out->header = "Linux cooked";
	writer_put(out, "packet type", 0, 2);
	writer_put(out, "ARPHRD type", arphrd_ether, 2);
	writer_put(out, "address length", 6, 2);
	put_mac(out, "address", src);
	writer_put_zeros(out, NULL, 2);
	writer_put(out, "protocol", type, 2);
}

static void put_loopback(enum ether_type type, struct writer *out)
{
	const uint8_t family = type == ETHER_IPV6 ? 30 : 2; /* AF_INET6 of macOS, AF_INET */

	out->header = "Loopback";
	writer_put_bytes(out, "address family", (const uint8_t[]){ family, 0, 0, 0 }, 4);
}

static void put_link(const struct ip_address *src, const struct ip_address *dst,
		     const struct packet *packet, enum ether_type type, struct writer *out)
{
	switch ((enum craft_link)packet->link_type) {
	case CRAFT_LINK_NULL:
		put_loopback(type, out);
		return;
	case CRAFT_LINK_ETHERNET:
		put_ethernet(src, dst, packet, type, out);
		return;
	case CRAFT_LINK_SLL:
		put_cooked(src, type, out);
		return;
	case CRAFT_LINK_RAW:
		return;
	}
}

static const struct {
	size_t bytes; /* between the outer IP header and the inner one */
	enum ip_protocol protocol;
} tunnels[] = {
	[NOTATION_VXLAN] = { UDP_BYTES + VXLAN_BYTES + ETHERNET_BYTES, PROTOCOL_UDP },
	[NOTATION_GRE] = { GRE_BYTES, PROTOCOL_GRE },
	[NOTATION_IPIP] = { 0, PROTOCOL_IPIP },
};
static_assert(sizeof(tunnels) / sizeof(tunnels[0]) == NOTATION_TUNNELS, "a row per tunnel");

static void put_vxlan(const struct ip_header *inner, size_t inner_bytes, struct writer *out)
{
	const struct packet plain = { .link_type = CRAFT_LINK_ETHERNET };

	out->header = "UDP";
	writer_put(out, "source port", 49152, 2);
	writer_put(out, "destination port", VXLAN_PORT, 2);
	writer_put(out, "length",
		   (uint32_t)(UDP_BYTES + VXLAN_BYTES + ETHERNET_BYTES + inner_bytes), 2);
	writer_put(out, "checksum", 0, 2); /* none: RFC 7348, section 5 */
	out->header = "VXLAN";
	writer_put(out, "flags", UINT32_C(0x08000000), 4);
	writer_put(out, "network identifier", 42 << 8, 4);
	put_ethernet(inner->src, inner->dst, &plain, ether_type_of(inner->src), out);
}

/* Everything before the inner IP header. */
static void put_outside(const struct packet *packet, const struct ip_header *inner,
			struct writer *out)
{
	const struct ip_address ends[2] = {
		ip_address_v4((const uint8_t[]){ 192, 0, 2, 1 }),
		ip_address_v4((const uint8_t[]){ 192, 0, 2, 2 }),
	};

	if (packet->tunnel == NOTATION_NO_TUNNEL) {
		put_link(inner->src, inner->dst, packet, ether_type_of(inner->src), out);
		return;
	}

	size_t inner_bytes = ip_header_bytes(inner->src) + inner->payload_bytes;
	struct ip_header outer = {
		.src = &ends[packet->tunnel_back],
		.dst = &ends[!packet->tunnel_back],
		.payload_bytes = tunnels[packet->tunnel].bytes + inner_bytes,
		.protocol = tunnels[packet->tunnel].protocol,
		.id = inner->id,
		.ttl = 64,
	};

	if (outer.protocol == PROTOCOL_IPIP && !ip_address_is_v4(inner->src))
		outer.protocol = PROTOCOL_IPV6;
	put_link(outer.src, outer.dst, packet, ETHER_IPV4, out);
	put_ip(&outer, out);
	if (packet->tunnel == NOTATION_VXLAN)
		put_vxlan(inner, inner_bytes, out);
	if (packet->tunnel == NOTATION_GRE) {
		out->header = "GRE";
		writer_put(out, "flags and version", 0, 2);
		writer_put(out, "protocol type", ether_type_of(inner->src), 2);
	}
}

static struct ip_header ip_of_segment(const struct packet *packet)
{
	const struct segment *seg = packet->segment;
	struct ip_header ip = {
		.src = &seg->src,
		.dst = &seg->dst,
		.payload_bytes = tcp_segment_bytes(seg),
		.protocol = PROTOCOL_TCP,
		.id = seg->ip_id,
		.ttl = seg->ttl,
		.tos = seg->ip_tos,
		.dont_fragment = segment_has(seg, SEGMENT_DONT_FRAGMENT),
		.sum_bad = segment_has(seg, SEGMENT_IP_SUM_BAD),
		.length_said = packet->ip_length_said || segment_has(seg, SEGMENT_LENGTH_ZERO),
		.length = packet->ip_length_said ? packet->ip_length : 0,
	};

	return ip;
}

/* ICMPv6 sums a pseudo header too. Source: RFC 4443, section 2.3. */
static uint64_t icmp_pseudo_sum(const struct ip_header *ip)
{
	const uint8_t tail[8] = {
		0,
		0,
		(uint8_t)(ip->payload_bytes >> 8),
		(uint8_t)ip->payload_bytes,
		0,
		0,
		0,
		PROTOCOL_ICMP6,
	};

	if (ip_address_is_v4(ip->src))
		return 0;
	return checksum_add(checksum_add(checksum_add(0, ip->src->bytes, 16), ip->dst->bytes, 16),
			    tail, sizeof(tail));
}

/* A quote was cut: so is its part of the layout. */
static void forget_fields_behind(struct writer *out)
{
	struct layout *layout = out->layout;

	while (layout && layout->count > 0) {
		const struct field *last = &layout->fields[layout->count - 1];

		if (last->offset + last->bytes <= out->used)
			return;
		layout->count--;
	}
}

static void put_icmp(const struct packet *packet, struct writer *out)
{
	const struct packet_icmp *icmp = packet->icmp;
	struct ip_header quoted = ip_of_segment(packet);
	size_t quoted_bytes = ip_header_bytes(quoted.src) +
			      (icmp->quote_bytes < quoted.payload_bytes ? icmp->quote_bytes
									: quoted.payload_bytes);
	bool v4 = ip_address_is_v4(&icmp->from);
	struct ip_header ip = {
		.src = &icmp->from,
		.dst = quoted.src,
		.payload_bytes = ICMP_BYTES + quoted_bytes,
		.protocol = v4 ? PROTOCOL_ICMP : PROTOCOL_ICMP6,
		.ttl = icmp->ttl,
	};

	put_outside(packet, &ip, out);
	put_ip(&ip, out);

	size_t start = out->used;

	out->header = v4 ? "ICMP" : "ICMPv6";
	writer_put(out, "type", icmp->type, 1);
	writer_put(out, "code", icmp->code, 1);
	writer_put(out, "checksum", 0, 2);
	writer_put(out, "MTU", icmp->mtu_bytes, 4);
	put_ip(&quoted, out);
	tcp_segment_craft(packet->segment, out);
	if (out->overflow)
		return;
	out->used = start + ICMP_BYTES + quoted_bytes;
	forget_fields_behind(out);
	writer_patch16(out, start + 2,
		       sum_field(out->start + start, out->used - start, icmp_pseudo_sum(&ip)));
}

size_t packet_craft(const struct packet *packet, uint8_t *bytes, size_t room, struct layout *layout)
{
	struct writer out = writer_over(bytes, room, layout);

	if (layout)
		layout->count = 0;
	if (packet->icmp) {
		put_icmp(packet, &out);
	} else {
		struct ip_header ip = ip_of_segment(packet);

		put_outside(packet, &ip, &out);
		put_ip(&ip, &out);
		tcp_segment_craft(packet->segment, &out);
	}
	return out.overflow ? 0 : out.used;
}

static void put_arp(const struct ip_address *src, const struct ip_address *dst, struct writer *out)
{
	out->header = "ARP";
	writer_put(out, "hardware type", 1, 2);
	writer_put(out, "protocol type", ETHER_IPV4, 2);
	writer_put(out, "address lengths", 0x0604, 2);
	writer_put(out, "operation", 1, 2);
	put_mac(out, "sender hardware address", src);
	writer_put_bytes(out, "sender protocol address", src->bytes + 12, 4);
	writer_put_zeros(out, "target hardware address", 6);
	writer_put_bytes(out, "target protocol address", dst->bytes + 12, 4);
}

size_t packet_craft_idle(uint16_t link_type, uint8_t *bytes, size_t room)
{
	const struct ip_address src = ip_address_v4((const uint8_t[]){ 192, 0, 2, 11 });
	const struct ip_address dst = ip_address_v4((const uint8_t[]){ 192, 0, 2, 12 });
	const struct packet packet = { .link_type = link_type };
	struct writer out = writer_over(bytes, room, NULL);

	if (link_type == CRAFT_LINK_ETHERNET || link_type == CRAFT_LINK_SLL) {
		put_link(&src, &dst, &packet, ETHER_ARP, &out);
		put_arp(&src, &dst, &out);
		return out.overflow ? 0 : out.used;
	}

	const struct ip_header ip = {
		.src = &src,
		.dst = &dst,
		.payload_bytes = UDP_BYTES,
		.protocol = PROTOCOL_UDP,
		.ttl = 64,
	};

	put_link(&src, &dst, &packet, ETHER_IPV4, &out);
	put_ip(&ip, &out);
	out.header = "UDP";
	writer_put(&out, "source port", 9, 2);
	writer_put(&out, "destination port", 9, 2);
	writer_put(&out, "length", UDP_BYTES, 2);
	writer_put(&out, "checksum", 0, 2);
	return out.overflow ? 0 : out.used;
}
