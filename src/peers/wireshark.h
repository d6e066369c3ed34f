/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_PEERS_WIRESHARK_H
#define TCPWHY_PEERS_WIRESHARK_H

#include <stdbool.h>
#include <stdint.h>

#include "tcp/segment.h"

/*
 * The same segments in the words of Wireshark (tshark 4.0, one pass, default preferences), quirks
 * included: streams, tcp.analysis flags, completeness, RTTs. A faithful re-telling with a table of
 * its own; what we hold to be true stands in track/. Differences: docs/differences.md.
 */
struct wireshark;

/* tcp.analysis.* flags (bits), in the order in which Wireshark evaluates them. */
enum wireshark_flag {
	WS_RETRANSMISSION = 1 << 0, /* raised with fast and spurious as well */
	WS_FAST_RETRANSMISSION = 1 << 1,
	WS_SPURIOUS_RETRANSMISSION = 1 << 2,
	WS_OUT_OF_ORDER = 1 << 3,
	WS_DUPLICATE_ACK = 1 << 4,
	WS_LOST_SEGMENT = 1 << 5,
	WS_ACK_LOST_SEGMENT = 1 << 6,
	WS_KEEP_ALIVE = 1 << 7,
	WS_KEEP_ALIVE_ACK = 1 << 8,
	WS_ZERO_WINDOW = 1 << 9,
	WS_ZERO_WINDOW_PROBE = 1 << 10,
	WS_ZERO_WINDOW_PROBE_ACK = 1 << 11,
	WS_WINDOW_FULL = 1 << 12,
	WS_WINDOW_UPDATE = 1 << 13,
	WS_REUSED_PORTS = 1 << 14,
};
#define WIRESHARK_FLAGS 15

/* "retransmission" for bit 0, and so on: Wireshark's names. Static storage. */
const char *wireshark_flag_name(unsigned bit);

struct wireshark_side {
	struct ip_address ip;
	uint16_t port;
	uint64_t packets, payload_bytes, syn, synack, fin, rst; /* every captured copy counts */
};

struct wireshark_stream {
	uint64_t stream;		  /* tcp.stream */
	uint64_t first_frame, last_frame; /* of segments, not of quotes */
	struct wireshark_side a, b;	  /* a: sender of the first packet */
	unsigned completeness;		  /* on the last segment, in two passes */
	bool irtt_known;		  /* and shown: beside another value of a segment */
	int64_t initial_rtt_ns;
	uint64_t flags[WIRESHARK_FLAGS]; /* how often each was raised */
};

/* What Wireshark shows on one segment. */
struct wireshark_packet {
	uint64_t stream;
	bool shown;		      /* false: analysed, but Wireshark shows no analysis on it */
	uint32_t flags;		      /* enum wireshark_flag bits */
	unsigned completeness_before; /* tcp.completeness in one pass */
	unsigned completeness_after;  /* as two passes show it, were this the last segment */
	int64_t initial_rtt_ns;	      /* 0 not yet known; shown beside other values only */
	uint32_t duplicate_ack_number;
	uint64_t duplicate_ack_frame;
	uint64_t acks_frame; /* 0 none */
	int64_t ack_rtt_ns;  /* valid with acks_frame */
	int64_t rto_ns;	     /* valid with rto_frame */
	uint64_t rto_frame;  /* 0 none */
};

/* Return: owned by the caller; NULL: out of memory. */
struct wireshark *wireshark_new(void);

/**
 * wireshark_add() - Take one segment, in the capture's order
 * @seg:     also quoted ones; SEGMENT_NOT_TCP is ignored
 * @packet:  filled when not NULL
 *
 * Return: false when the segment takes no part in Wireshark's analysis (not TCP, short quote).
 */
bool wireshark_add(struct wireshark *ws, const struct segment *seg,
		   struct wireshark_packet *packet);

/* The same for all entries of a batch, in order, and faster. */
void wireshark_add_batch(struct wireshark *ws, const struct segment_batch *batch);

/* Hand over all streams, in their order. Streams without a segment of their own (only quoted in
   ICMP errors) are not among them. */
void wireshark_streams(const struct wireshark *ws,
		       void (*found)(void *context, const struct wireshark_stream *stream),
		       void *context);

/* How often a segment, or a part of its analysis, was left out for want of memory. */
uint64_t wireshark_left_out(const struct wireshark *ws);

void wireshark_free(struct wireshark *ws);

#endif /* TCPWHY_PEERS_WIRESHARK_H */
