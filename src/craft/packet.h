/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_CRAFT_PACKET_H
#define TCPWHY_CRAFT_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "craft/writer.h"
#include "tcp/notation.h"
#include "tcp/segment.h"

/*
 * Segments to bytes: the inverse of decode/. What decode_frame() would say of a segment goes in as
 * the same struct segment, so the two cannot disagree (packet_test.c holds them together).
 */

/* LINKTYPE_ numbers that frames can be crafted for. */
enum craft_link {
	CRAFT_LINK_NULL = 0, /* BSD loopback: the address family in 4 bytes, least first */
	CRAFT_LINK_ETHERNET = 1,
	CRAFT_LINK_RAW = 101,
	CRAFT_LINK_SLL = 113, /* Linux cooked capture v1 */
};

/* An ICMP error instead of the segment: it goes to the segment's sender and quotes it. */
struct packet_icmp {
	struct ip_address from;
	uint8_t type, code, ttl;
	uint32_t mtu_bytes;   /* 0: none */
	uint32_t quote_bytes; /* TCP bytes quoted, at most what the segment has */
};

/* One frame to be crafted. */
struct packet {
	/* Host order. Read: addresses, ports, seq, ack, flags, flags_reserved, window, urgent,
	   header_bytes (the data offset as it shall lie), options, payload (all payload_bytes of
	   them), ttl, ip_id, ip_tos; of @what: SEGMENT_DONT_FRAGMENT, _LENGTH_ZERO, _IP_SUM_BAD,
	   _TCP_SUM_BAD, _TCP_SUM_PARTIAL. Checksums and lengths are worked out. */
	const struct segment *segment; /* borrowed */
	uint16_t link_type;	       /* enum craft_link */
	unsigned vlan_count;	       /* Ethernet only */
	const uint32_t *vlans;	       /* borrowed: from outside inwards */
	enum notation_tunnel tunnel;   /* between 192.0.2.1 and 192.0.2.2 */
	bool tunnel_back;	       /* from 192.0.2.2 to 192.0.2.1 */
	bool ip_length_said;	       /* the IP length field shall lie: */
	uint16_t ip_length;
	const struct packet_icmp *icmp; /* borrowed; NULL: the segment itself */
};

/* Room that any packet of a segment with so much payload fits in. */
#define PACKET_HEADERS_MOST 256

/**
 * packet_craft() - Write a frame
 * @packet:  what to write
 * @bytes:   where to
 * @room:    bytes at @bytes
 * @layout:  gets every field with its place; NULL: not wanted
 *
 * Return: how long the frame is; 0: it does not fit, or a length does not fit its field.
 * Source: RFC 9293 3.1, RFC 791, RFC 8200, RFC 792, RFC 4443; RFC 7348 (VXLAN), RFC 2784 (GRE),
 * RFC 2003 (IPIP), IEEE 802.1Q.
 */
size_t packet_craft(const struct packet *packet, uint8_t *bytes, size_t room,
		    struct layout *layout);

/**
 * packet_craft_idle() - Write a frame without TCP: ARP, or UDP where the link has no ARP
 * @link_type:  enum craft_link
 *
 * Return: as packet_craft().
 */
size_t packet_craft_idle(uint16_t link_type, uint8_t *bytes, size_t room);

/* craft/tcp.c: the TCP header, options padded to whole words, and the payload. */
void tcp_segment_craft(const struct segment *seg, struct writer *out);

/* How long that is: the bytes written, whatever the data offset says. */
size_t tcp_segment_bytes(const struct segment *seg);

#endif /* TCPWHY_CRAFT_PACKET_H */
