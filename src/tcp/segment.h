/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_TCP_SEGMENT_H
#define TCPWHY_TCP_SEGMENT_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "tcp/seq.h"

/* An IPv4 address is kept as ::ffff:a.b.c.d, so that one comparison serves both. */
struct ip_address {
	uint8_t bytes[16];
};

static inline bool ip_address_equal(const struct ip_address *a, const struct ip_address *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static inline bool ip_address_is_v4(const struct ip_address *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(a->bytes, mapped, sizeof(mapped)) == 0;
}

static inline struct ip_address ip_address_v4(const uint8_t four[static 4])
{
	struct ip_address a = { .bytes = { [10] = 0xff, [11] = 0xff } };

	memcpy(a.bytes + 12, four, 4);
	return a;
}

/* The control bits, as they stand in byte 13 of the header. Source: RFC 9293, section 3.1. */
enum tcp_flag {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
	TCP_URG = 0x20,
	TCP_ECE = 0x40,
	TCP_CWR = 0x80,
};

/* Which options a segment carries (bits of segment.options_seen). */
enum tcp_option_bit {
	TCP_HAS_MSS = 0x0001,
	TCP_HAS_WINDOW_SCALE = 0x0002,
	TCP_HAS_SACK_PERMITTED = 0x0004,
	TCP_HAS_SACK = 0x0008,	     /* blocks: segment_sack_blocks() in decode/tcp_options.h */
	TCP_HAS_TIMESTAMPS = 0x0010, /* tsval, tsecr */
	TCP_HAS_FAST_OPEN = 0x0020,  /* kind 34, or 254 with the experiment's magic */
	TCP_HAS_MD5 = 0x0040,
	TCP_HAS_AO = 0x0080,
	TCP_HAS_MPTCP = 0x0100, /* mptcp_subtypes */
	TCP_HAS_USER_TIMEOUT = 0x0200,
	TCP_HAS_UNKNOWN = 0x0400,
	TCP_HAS_MALFORMED = 0x0800,   /* a length that does not fit; what follows was not read */
	TCP_HAS_OPTIONS_CUT = 0x1000, /* the capture ends inside the options */
};

/* How a segment came about and what is known of it (bits of segment.what). */
enum segment_what {
	SEGMENT_NOT_TCP = 0x0001,      /* no TCP here: only frame and time_ns hold (the clock) */
	SEGMENT_QUOTED = 0x0002,       /* the header quoted in an ICMP error: see segment.icmp */
	SEGMENT_IPV6 = 0x0004,	       /* carried by IPv6 */
	SEGMENT_HEADER_CUT = 0x0008,   /* 16 or more header bytes captured, but not all it has */
	SEGMENT_LENGTH_ZERO = 0x0010,  /* IPv4 total length 0 (segmentation offload) */
	SEGMENT_OFFSET_SMALL = 0x0020, /* data offset below 5 words */
	SEGMENT_OFFSET_LARGE = 0x0040, /* data offset beyond the segment's end (also with
					  SEGMENT_HEADER_CUT: 16 to 19 bytes by the IP length) */
	SEGMENT_REASSEMBLED = 0x0080,  /* frame is the one that completed the IP datagram */
	SEGMENT_FRAGMENT_ALONE =
		0x0100, /* first fragment, cut by the snap length: not reassembled */
	SEGMENT_IP_SUM_BAD = 0x0200,
	SEGMENT_TCP_SUM_BAD = 0x0400,	  /* checked and wrong */
	SEGMENT_TCP_SUM_KNOWN = 0x0800,	  /* all bytes were there, so it was checked */
	SEGMENT_DONT_FRAGMENT = 0x1000,	  /* IPv4 DF; always on IPv6 */
	SEGMENT_PAYLOAD_CUT = 0x2000,	  /* not all of the payload was captured */
	SEGMENT_LENGTH_OVER = 0x4000,	  /* IP length larger than the frame on the wire */
	SEGMENT_TCP_SUM_PARTIAL = 0x8000, /* wrong, but exactly the pseudo-header's sum: offload */
};

/* What the decoder's short way says of a segment besides, so that others need not look
   (bits of segment.plain). */
enum segment_plain {
	/* Innermost of its frame, outside tunnels, IP and TCP headers whole, all lengths agree, no
	   checksum wrong; no options or SEGMENT_PLAIN_STAMPS. */
	SEGMENT_PLAIN = 0x01,
	SEGMENT_PLAIN_STAMPS = 0x02, /* the options are time stamps, padded to twelve bytes */
};

/* An ICMP or ICMPv6 error that quotes a TCP header. */
struct icmp_error {
	struct ip_address sender; /* who sent the error: a router, a filter or the host */
	struct ip_address target; /* whom it was sent to */
	uint8_t version;	  /* 4 or 6 */
	uint8_t type, code;
	uint8_t ttl;	    /* of the ICMP packet */
	uint32_t mtu_bytes; /* next-hop MTU of "fragmentation needed" / "packet too big"; 0 none */
	uint8_t quoted_bytes; /* of the TCP header and payload that were captured, at most 255 */
	bool cut;	      /* the frame was cut by the snap length: more may have been quoted */
};

/*
 * One TCP segment: host order, plain values, no opinions. Pointers are borrowed until the batch
 * is given back. Fits two cache lines; what is rare is behind a pointer or read on demand.
 */
struct segment {
	struct ip_address src, dst; /* innermost IP header (with IPv6 type 0/2 routing and home
				       address applied as Zeek does) */
	uint64_t frame;		    /* number of the frame (that completed it) */
	int64_t time_ns;
	struct seq seq, ack;	/* ack: the field, also when the ACK bit is clear */
	uint32_t payload_bytes; /* by the headers: IP length - headers, limited to the frame */
	uint32_t ip_bytes;	/* IP total length as counted (IPv6: payload length + 40) */
	uint32_t tsval, tsecr;	/* valid with TCP_HAS_TIMESTAMPS */
	uint16_t src_port, dst_port;
	/* These five in this order: track/brief_stream.h takes them as eight bytes. */
	uint8_t flags;		   /* enum tcp_flag bits */
	uint8_t flags_reserved;	   /* low 4 bits of byte 12: AE/NS is bit 0 */
	uint16_t tcp_checksum;	   /* header field */
	uint16_t ip_id;		   /* IPv4 identification; 0 for IPv6 */
	uint16_t window;	   /* raw header field */
	uint16_t what;		   /* enum segment_what bits */
	uint16_t options_seen;	   /* enum tcp_option_bit bits */
	uint16_t mss;		   /* valid with TCP_HAS_MSS */
	uint8_t header_bytes;	   /* data offset in bytes, 0 to 60 */
	uint8_t ttl;		   /* IPv4 TTL or IPv6 hop limit, innermost */
	uint8_t window_scale;	   /* valid with TCP_HAS_WINDOW_SCALE; as sent, may be > 14 */
	uint8_t layer;		   /* 0: the frame's innermost TCP header; 1, 2...: others */
	uint8_t options_bytes;	   /* captured option bytes at options */
	uint8_t ip_tos;		   /* TOS / traffic class */
	uint16_t mptcp_subtypes;   /* bit n: an MPTCP option of subtype n (RFC 8684) */
	uint16_t urgent;	   /* urgent pointer */
	uint8_t plain;		   /* enum segment_plain bits; 0: nothing is said */
	uint32_t path;		   /* 0 for plain; low 16 bits: hash over VLAN ids, high 16 bits:
				      hash over tunnel kinds and outer addresses (0: none), the
				      same for both directions: two values = seen on two paths */
	uint32_t payload_captured; /* bytes at payload, <= payload_bytes */
	uint32_t encapsulation;	   /* 0 outside tunnels; else a hash over tunnel kinds and outer
				      addresses that tells directions apart where Zeek does (Geneve,
				      GTP, Teredo: yes; IP, GRE, VXLAN: no); no VLANs */
	const uint8_t *payload;	   /* borrowed until the batch is given back; NULL: none */
	const uint8_t *options;	   /* borrowed likewise: the option bytes; NULL: none (with
				      SEGMENT_HEADER_CUT: fewer than 20 header bytes captured) */
	const struct icmp_error *icmp; /* borrowed likewise; only with SEGMENT_QUOTED */
	const uint8_t *care_of; /* borrowed likewise: the 16 bytes of the IPv6 header's source
				   where src is a home address (RFC 6275); NULL: src is it */
};

static_assert(sizeof(struct segment) <= 160, "two and a half cache lines: the hot path reads it");

/* Octets of sequence space: SYN and FIN take one each. Source: RFC 9293, section 3.4. */
static inline uint32_t segment_seq_octets(const struct segment *seg)
{
	return seg->payload_bytes + ((seg->flags & TCP_SYN) != 0) + ((seg->flags & TCP_FIN) != 0);
}

static inline struct seq segment_end(const struct segment *seg)
{
	return seq_add(seg->seq, segment_seq_octets(seg));
}

static inline bool segment_has(const struct segment *seg, unsigned what)
{
	return (seg->what & what) != 0;
}

/* Bit of segment.encapsulation: one of the tunnels is of a kind that Zeek does not look into. */
#define SEGMENT_ENCAPSULATION_FOREIGN UINT32_C(0x80000000)
/* Bit of segment.encapsulation: the start of a packet that sFlow sampled, not the packet itself;
 * Wireshark gives it a stream and analyses no more of it than of a header quoted in an error. */
#define SEGMENT_ENCAPSULATION_SAMPLED UINT32_C(0x40000000)

#define SEGMENT_BATCH	   256 /* segments handed over at once, at the most */
#define SEGMENT_BATCH_ICMP 64
#define SEGMENT_FRAME_MOST 32 /* TCP headers that one frame may give; more are counted */

/*
 * Segments in frame order. Every frame leaves at least one entry: a frame without TCP leaves one
 * with SEGMENT_NOT_TCP, because the capture's clock moves with every frame.
 */
struct segment_batch {
	unsigned count;
	unsigned icmp_count;
	struct segment segments[SEGMENT_BATCH];
	struct icmp_error icmp[SEGMENT_BATCH_ICMP];
};

#endif /* TCPWHY_TCP_SEGMENT_H */
