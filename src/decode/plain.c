/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "decode/checksum.h"
#include "decode/ethertype.h"
#include "decode/tcp_options.h"
#include "decode/walk.h"

/*
 * The frame that nearly all are, in one go and without a walk: Ethernet with at most one VLAN tag,
 * IPv4 without options and in one piece or IPv6 without extension headers, a whole TCP header of a
 * size that fits. Every other frame is left to walk_run(), and so is what looks odd: this is only a
 * short cut, and plain_test.c holds both to the same segments and the same counts.
 */

#define ETHERNET_BYTES 14
#define VLAN_BYTES     4
#define VLAN_ID	       0x0fff
#define IP4_BYTES      20
#define IP4_PLAIN      0x45   /* version 4, five words */
#define IP4_FRAGMENT   0x3fff /* more fragments, offset */
#define IP4_WHOLE      0x4000 /* do not fragment */
#define IP6_BYTES      40
#define TCP_BYTES      20
#define PROTOCOL_TCP   6

#define LINUX_SYN_OPTIONS                                                                          \
	(TCP_HAS_MSS | TCP_HAS_SACK_PERMITTED | TCP_HAS_TIMESTAMPS | TCP_HAS_WINDOW_SCALE)

/* What is left of a frame behind the headers passed so far. */
struct rest {
	const uint8_t *at;
	uint32_t captured; /* of them are there */
	uint32_t bytes;	   /* on the wire: by the IP length, behind IP */
};

/* Pass so many bytes, all of which are there. */
static inline void pass(struct rest *rest, uint32_t bytes)
{
	rest->at += bytes;
	rest->captured -= bytes;
	rest->bytes -= bytes;
}

/* Pass the link's header. Return: the EtherType of what follows; 0: not plain. */
static inline uint16_t pass_link(struct rest *rest, uint32_t *vlan_hash)
{
	if (rest->captured < ETHERNET_BYTES + VLAN_BYTES)
		return 0;
	const uint8_t *b = rest->at;
	uint16_t type = be16_at(b + 12);

	*vlan_hash = 0;
	pass(rest, ETHERNET_BYTES);
	if (type != ETHERTYPE_VLAN)
		return type;
	*vlan_hash = walk_tag_hash(0, be16_at(b + 14) & VLAN_ID);
	pass(rest, VLAN_BYTES);
	return be16_at(b + 16);
}

static inline bool pass_ip4(struct rest *rest, struct segment *seg)
{
	const uint8_t *b = rest->at;

	if (rest->captured < IP4_BYTES + TCP_BYTES || b[0] != IP4_PLAIN || b[9] != PROTOCOL_TCP)
		return false;
	uint32_t total = be16_at(b + 2);
	uint16_t place = be16_at(b + 6);

	if ((place & IP4_FRAGMENT) || total < IP4_BYTES + TCP_BYTES || total > rest->bytes ||
	    !checksum_right(checksum_of_20(b)))
		return false;
	pass(rest, IP4_BYTES);
	rest->bytes = total - IP4_BYTES;
	seg->src = ip_address_v4(b + 12);
	seg->dst = ip_address_v4(b + 16);
	seg->ip_bytes = total;
	seg->ip_id = be16_at(b + 4);
	seg->ttl = b[8];
	seg->ip_tos = b[1];
	seg->what = place & IP4_WHOLE ? SEGMENT_DONT_FRAGMENT : 0;
	return true;
}

static inline bool pass_ip6(struct rest *rest, struct segment *seg)
{
	const uint8_t *b = rest->at;

	if (rest->captured < IP6_BYTES + TCP_BYTES || b[0] >> 4 != 6 || b[6] != PROTOCOL_TCP)
		return false;
	uint32_t payload = be16_at(b + 4);

	if (payload < TCP_BYTES || payload + IP6_BYTES > rest->bytes)
		return false;
	pass(rest, IP6_BYTES);
	rest->bytes = payload;
	memcpy(seg->src.bytes, b + 8, sizeof(seg->src.bytes));
	memcpy(seg->dst.bytes, b + 24, sizeof(seg->dst.bytes));
	seg->ip_bytes = payload + IP6_BYTES;
	seg->ip_id = 0;
	seg->ttl = b[7];
	seg->ip_tos = (uint8_t)((b[0] << 4) | (b[1] >> 4));
	seg->what = SEGMENT_IPV6 | SEGMENT_DONT_FRAGMENT;
	return true;
}

/* Options in no layout that is known here. Apart: see walk_frame(). */
__attribute__((noinline)) static void read_options(struct segment *seg, const uint8_t *options,
						   uint32_t bytes)
{
	struct cursor in = cursor_over(options, bytes);

	tcp_options_decode(&in, seg);
}

/* The options, all of which were captured. */
static inline void fill_options(struct segment *seg, const uint8_t *options, uint32_t bytes)
{
	seg->options = bytes ? options : NULL;
	seg->options_bytes = (uint8_t)bytes;
	seg->options_seen = 0;
	seg->plain = bytes ? 0 : SEGMENT_PLAIN;
	seg->mptcp_subtypes = 0;
	seg->mss = 0;
	seg->window_scale = 0;
	seg->tsval = 0;
	seg->tsecr = 0;
	if (bytes == TCP_TIMESTAMPS_PADDED_BYTES && be32_at(options) == TCP_TIMESTAMPS_PADDED) {
		seg->options_seen = TCP_HAS_TIMESTAMPS;
		seg->plain = SEGMENT_PLAIN | SEGMENT_PLAIN_STAMPS;
		seg->tsval = be32_at(options + 4);
		seg->tsecr = be32_at(options + 8);
	} else if (tcp_options_linux_syn(options, bytes)) {
		seg->options_seen = LINUX_SYN_OPTIONS;
		seg->mss = be16_at(options + 2);
		seg->tsval = be32_at(options + 8);
		seg->tsecr = be32_at(options + 12);
		seg->window_scale = options[19];
	} else if (bytes) {
		read_options(seg, options, bytes);
	}
}

/* The TCP header, of which the fixed part is there. */
static inline bool pass_tcp(const struct rest *rest, struct segment *seg)
{
	const uint8_t *b = rest->at;
	uint32_t captured = rest->captured < rest->bytes ? rest->captured : rest->bytes;
	uint32_t header_bytes = (b[12] >> 4) * 4u;

	if (header_bytes < TCP_BYTES || header_bytes > captured)
		return false;
	fill_options(seg, b + TCP_BYTES, header_bytes - TCP_BYTES);
	seg->src_port = be16_at(b);
	seg->dst_port = be16_at(b + 2);
	seg->seq = seq_of(be32_at(b + 4));
	seg->ack = seq_of(be32_at(b + 8));
	seg->header_bytes = (uint8_t)header_bytes;
	seg->flags_reserved = b[12] & 0x0f;
	seg->flags = b[13];
	seg->window = be16_at(b + 14);
	seg->tcp_checksum = be16_at(b + 16);
	seg->urgent = be16_at(b + 18);
	seg->payload_bytes = rest->bytes - header_bytes;
	seg->payload_captured = captured - header_bytes;
	seg->payload = seg->payload_captured ? b + header_bytes : NULL;
	return true;
}

bool plain_decode(struct decoder *decoder, const struct frame *frame, struct segment *seg)
{
	struct decode_stats *stats = &decoder->stats;
	struct rest rest = {
		.at = frame->bytes,
		.captured = frame->captured_bytes,
		.bytes = frame->wire_bytes > frame->captured_bytes ? frame->wire_bytes
								   : frame->captured_bytes,
	};
	uint32_t vlan_hash;
	uint16_t type = pass_link(&rest, &vlan_hash);
	bool plain = type == ETHERTYPE_IP4   ? pass_ip4(&rest, seg)
		     : type == ETHERTYPE_IP6 ? pass_ip6(&rest, seg)
					     : false;

	if (!plain || !pass_tcp(&rest, seg))
		return false;
	seg->frame = frame->number;
	seg->time_ns = frame->time_ns;
	seg->layer = 0;
	seg->path = vlan_hash;
	seg->encapsulation = 0;
	seg->icmp = NULL;
	seg->care_of = NULL;
	if (seg->payload_captured < seg->payload_bytes) {
		seg->what |= SEGMENT_PAYLOAD_CUT;
		stats->payload_cut++;
	} else {
		tcp_checksum_check(decoder, seg, rest.at, rest.bytes);
		if (segment_has(seg, SEGMENT_TCP_SUM_BAD))
			seg->plain = 0;
	}
	stats->reasons[DECODE_TCP]++;
	return true;
}
