/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_DECODE_WALK_H
#define TCPWHY_DECODE_WALK_H

#include "base/cursor.h"
#include "decode/decode.h"
#include "tcp/frame.h"
#include "tcp/segment.h"

struct fragments;

/*
 * The headers that decode/ knows. A decoder takes its header off the front of the walk and says
 * what comes next; walk_run() goes on from there, so that nesting is a loop and not a recursion.
 *
 *     LAYER_ETHERNET -> LAYER_VLAN -> LAYER_IP4 -> LAYER_TCP -> LAYER_DONE
 */
enum layer {
	LAYER_DONE, /* nothing more to read; why has been counted */
	LAYER_ETHERNET,
	LAYER_IP4,
	LAYER_IP6,
	LAYER_TCP,
	LAYER_IP, /* IPv4 or IPv6, told apart by the version */
	LAYER_VLAN,
	LAYER_UDP,
	LAYER_ICMP4,
	LAYER_ICMP6,
	LAYER_LLC,
	LAYER_SERVICE_TAG, /* 802.1ah: a whole frame behind an instance tag */
	LAYER_VNTAG,
	LAYER_FABRICPATH,
	LAYER_REDUNDANCY_TAG, /* HSR */
	LAYER_MACSEC,
	LAYER_MPLS,
	LAYER_NSH,
	LAYER_PPPOE,
	LAYER_PPP,
	LAYER_GRE,
	LAYER_ETHERIP,
	LAYER_WIFI,
	LAYERS
};

/* What the innermost IP header said: goes into the segment. */
struct ip_header {
	struct ip_address src, dst;
	uint32_t bytes; /* whole datagram as struct segment counts it */
	uint16_t id;
	uint16_t what; /* the enum segment_what bits that IP decides */
	uint8_t ttl, tos;
	const uint8_t *care_of; /* borrowed from the frame: as in struct segment */
};

/* One way through one frame. */
struct walk {
	struct decoder *decoder;
	struct segment_batch *batch;
	const struct frame *frame;
	struct cursor in;     /* what was captured of the rest */
	uint32_t wire_bytes;  /* how long the rest was on the wire; never below what was captured */
	uint32_t vlan_hash;   /* 0: no tag */
	uint32_t tunnel_hash; /* 0: no tunnel; the same for both directions */
	uint32_t encapsulation;	 /* see struct segment */
	unsigned depth;		 /* headers so far */
	struct icmp_error *icmp; /* borrowed from the batch: inside the packet it quotes; or NULL */
	struct ip_header ip;	 /* valid behind an IP header */
};

/* What one thread keeps between frames. */
struct decoder {
	struct decode_stats stats;
	struct fragments *fragments; /* owned */
	unsigned headers;	     /* TCP headers of the current frame so far */
};

/* Pass over a header. Return: its bytes, borrowed; NULL when not all of it was captured. */
static inline const uint8_t *walk_skip(struct walk *walk, uint32_t bytes)
{
	const uint8_t *start = cursor_skip(&walk->in, bytes);

	walk->wire_bytes = start ? walk->wire_bytes - bytes : 0;
	return start;
}

/* Forget everything after the next bytes: a length field said so. */
static inline void walk_limit(struct walk *walk, uint32_t bytes)
{
	cursor_limit(&walk->in, bytes);
	if (bytes < walk->wire_bytes)
		walk->wire_bytes = bytes;
}

/* Forget the last bytes of the rest (a checksum, a pad), whether captured or not. */
static inline void walk_drop_tail(struct walk *walk, uint32_t bytes)
{
	walk_limit(walk, bytes < walk->wire_bytes ? walk->wire_bytes - bytes : 0);
}

static inline void walk_count(struct walk *walk, enum decode_reason reason)
{
	walk->decoder->stats.reasons[reason]++;
}

/* End this way through the frame and count why. Return: LAYER_DONE. */
static inline enum layer walk_stop(struct walk *walk, enum decode_reason reason)
{
	walk_count(walk, reason);
	return LAYER_DONE;
}

/* Read headers from this one on until nothing more can be read. */
void walk_run(struct walk *walk, enum layer layer);

/* One decoder per header. Return: what comes next. */
enum layer ethernet_decode(struct walk *walk);
enum layer etherip_decode(struct walk *walk);
enum layer fabricpath_decode(struct walk *walk);
enum layer gre_decode(struct walk *walk);
enum layer icmp4_decode(struct walk *walk);
enum layer icmp6_decode(struct walk *walk);
enum layer ip_decode(struct walk *walk);
enum layer ip4_decode(struct walk *walk);
enum layer ip6_decode(struct walk *walk);
enum layer llc_decode(struct walk *walk);
enum layer macsec_decode(struct walk *walk);
enum layer mpls_decode(struct walk *walk);
enum layer nsh_decode(struct walk *walk);
enum layer ppp_decode(struct walk *walk);
enum layer pppoe_decode(struct walk *walk);
enum layer redundancy_tag_decode(struct walk *walk);
enum layer service_tag_decode(struct walk *walk);
enum layer tcp_decode(struct walk *walk);
enum layer udp_decode(struct walk *walk);
enum layer vlan_decode(struct walk *walk);
enum layer vntag_decode(struct walk *walk);
enum layer wifi_decode(struct walk *walk);

/* What follows an EtherType; LAYER_DONE, counted, for those without IP. */
enum layer ethertype_next(struct walk *walk, uint16_t type);

/* What follows an IP protocol number; LAYER_DONE, counted, for those without TCP. */
enum layer ip_protocol_next(struct walk *walk, uint8_t protocol);

/* What follows a GRE protocol type: an EtherType, or one of GRE's own. */
enum layer gre_protocol_next(struct walk *walk, uint16_t type);

/* What a frame begins with, by its LINKTYPE_ number; LAYER_DONE, counted, when unknown. */
enum layer link_begin(struct walk *walk, uint32_t link_type);

/* The same for a link type that a header in the frame names; the nesting is counted. */
enum layer link_begin_inside(struct walk *walk, uint32_t link_type);

/* One frame of the usual shape, without a walk. Return: false: another shape; nothing is changed
   but @seg. */
bool plain_decode(struct decoder *decoder, const struct frame *frame, struct segment *seg);

/* The same frame by the walk, whatever its shape. */
void walk_frame(struct decoder *decoder, const struct frame *frame, struct segment_batch *batch);

/* Check the checksum of a segment of which all bytes are there. */
void tcp_checksum_check(struct decoder *decoder, struct segment *seg, const uint8_t *bytes,
			size_t count);

/* What distinguishes one way to carry an inner packet from another. */
enum tunnel {
	TUNNEL_IP = 1, /* these Zeek looks into, and */
	TUNNEL_GRE,
	TUNNEL_VXLAN, /* ... both directions of these are one tunnel for it */
	TUNNEL_GENEVE,
	TUNNEL_GTP,
	TUNNEL_TEREDO,
	TUNNEL_AYIYA,
	TUNNEL_ETHERIP, /* these it does not */
	TUNNEL_MPLS,
	TUNNEL_L2TP,
	TUNNEL_LISP,
	TUNNEL_TZSP,
	TUNNEL_CAPWAP,
	TUNNEL_SAMPLE, /* a header that sFlow sampled */
};

/* Tags of a link that are no VLAN id: those have 12 bits. */
enum link_tag {
	TAG_MPLS = 0x10000, /* labels differ by direction and do not count */
	TAG_PPPOE = 0x20000,
	TAG_SERVICE = 0x1000000, /* plus the 24 bits of the instance */
};

/* Remember that what follows travels inside the current IP packet. */
void walk_enter_tunnel(struct walk *walk, enum tunnel kind);

/* struct walk.vlan_hash with one tag more. */
uint32_t walk_tag_hash(uint32_t vlan_hash, uint32_t tag);

/* Remember a VLAN id, or another tag of the link, on the way. */
void walk_add_tag(struct walk *walk, uint32_t tag);

#endif /* TCPWHY_DECODE_WALK_H */
