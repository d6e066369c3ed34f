/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_PEERS_WIRESHARK_STREAM_H
#define TCPWHY_PEERS_WIRESHARK_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/pool.h"
#include "peers/wireshark.h"

/*
 * For wireshark*.c only: what Wireshark keeps per stream and direction, and the pools it lives in.
 * Streams are never closed, so they are compact; everything rare is in a pool of its own and
 * referred to by index. Index 0 of every pool means "none".
 */

/* Wireshark stops listing segments that wait for their ACK at so many per direction. */
#define UNACKED_MOST 10000

/* One segment that took sequence space, waiting for its ACK. */
struct ws_unacked {
	uint64_t frame;
	int64_t time_ns;
	uint32_t end;  /* one past its last octet */
	uint32_t next; /* next newer one, or the next free one */
};

/*
 * The segments of one direction that wait for their ACK, oldest first.
 * Lists are mostly in sequence order; then an ACK takes a prefix and nothing else is looked at.
 */
struct ws_unacked_list {
	uint32_t oldest, newest;  /* index into the pool; 0: empty */
	uint32_t lowest, highest; /* no end lies outside; valid while bounded, unless empty */
	uint16_t count;
	bool ordered; /* the ends never fall from oldest to newest */
	bool bounded; /* all ends lie within half the circle */
};

enum ws_side_bits {
	WS_BASE_SEQ_SET = 0x01,
	WS_FIRST_ACK_DUE = 0x02, /* a SYN was sent, and no plain ACK since: windows are unscaled */
};

#define WS_SCALE_UNKNOWN  (-1)
#define WS_SCALE_NONE	  (-2)
#define WS_WINDOW_UNKNOWN UINT32_MAX

/* One direction. Sequence numbers of 0 mean "not yet known", as in Wireshark: a real 0 too. */
struct ws_side {
	struct seq base;     /* ISN, real or guessed; valid with WS_BASE_SEQ_SET */
	struct seq next;     /* highest end sent */
	struct seq seen;     /* end of what was seen without a hole */
	struct seq last_ack; /* ack field of the last packet, whatever it was */
	uint32_t window;     /* raw window of the last packet */
	uint32_t duplicate_acks;
	int64_t next_time_ns;
	int64_t last_ack_time_ns;
	uint64_t next_frame;
	uint64_t new_ack_frame; /* in which the ack field last changed */
	struct ws_unacked_list unacked;
	uint16_t last_flags;  /* enum wireshark_flag bits of the last packet */
	uint16_t mptcp_known; /* MPTCP option kinds of the connection at the last packet */
	int8_t scale;
	uint8_t bits; /* enum ws_side_bits */
	uint32_t syn, synack, fin, rst;
	uint64_t packets, payload_bytes;
};

/* How often each flag was raised on a stream; most streams have none. */
struct ws_counts {
	uint64_t of[WIRESHARK_FLAGS];
};

struct ws_stream {
	struct ip_address ip[2];    /* of side[0] and side[1]: what the stream is known by */
	struct ip_address shown[2]; /* as the first segment's IP header has them */
	uint16_t port[2];
	uint8_t version;      /* 4 or 6: ::ffff:a.b.c.d may also be an IPv6 address */
	uint8_t completeness; /* tcp.completeness after one pass */
	uint8_t second_pass;  /* what the first packet adds to it in a second pass */
	bool more;	      /* there was a packet after the first one */
	uint8_t first_side;   /* sender of the first segment; valid with first_frame */
	uint32_t counts;      /* index of struct ws_counts, or 0 */
	uint32_t mptcp;	      /* index of the MPTCP connection, or 0 */
	uint8_t mptcp_end;    /* which side is its first end; valid with mptcp */
	int64_t syn_time_ns;  /* of the newest pure SYN; 0: none */
	bool irtt_shown;      /* on one segment at least */
	int64_t irtt_ns;      /* 0: unknown */
	uint64_t first_frame; /* of segments, not of quotes; 0: none yet */
	uint64_t last_frame;
	struct ws_side side[2];
};

static_assert(sizeof(struct ws_stream) <= 384, "streams are kept until the end of the capture");

/* A place in the table of keys; the whole hash stands there, so that a miss touches no stream. */
struct ws_slot {
	uint32_t stream; /* newest of its key; 0: free */
	uint32_t hash;
};

struct wireshark {
	struct pool streams;	 /* struct ws_stream, in the order of their numbers */
	struct pool unacked;	 /* struct ws_unacked */
	struct pool counts;	 /* struct ws_counts */
	struct pool connections; /* struct ws_mptcp */
	struct ws_token *tokens; /* owned; see wireshark_mptcp.c */
	uint32_t token_slots, token_used;
	struct ws_slot *table; /* owned */
	uint32_t table_slots;  /* a power of two */
	uint32_t table_used;
	uint64_t hash_seed[2];
	uint64_t left_out;
};

/* Which stream and which way round a segment belongs. */
struct ws_place {
	uint32_t stream;  /* index; 0: no memory */
	unsigned forward; /* side of the sender */
	uint32_t slot;	  /* where the table holds it */
	bool is_new;
};

static inline struct ws_stream *ws_stream_at(const struct wireshark *ws, uint32_t index)
{
	return pool_at(&ws->streams, index);
}

static inline struct ws_unacked *ws_unacked_at(const struct wireshark *ws, uint32_t index)
{
	return pool_at(&ws->unacked, index);
}

bool ws_table_init(struct wireshark *ws);
void ws_table_free(struct wireshark *ws);

/* The hash of a segment's two ends, the same for both directions. */
uint32_t ws_stream_hash(const struct wireshark *ws, const struct segment *seg);

/* Bring near what ws_stream_find() will look at: first the slot, then, later, the stream. */
void ws_slot_prefetch(const struct wireshark *ws, uint32_t hash);
void ws_stream_prefetch(const struct wireshark *ws, uint32_t hash);

/* Find the newest stream of a segment's two ends, or make one. @hash: of ws_stream_hash(). */
struct ws_place ws_stream_find(struct wireshark *ws, const struct segment *seg, uint32_t hash);

/* Put a fresh stream in the place of the newest one; the old one keeps its number and figures. */
bool ws_stream_renew(struct wireshark *ws, const struct segment *seg, struct ws_place *place);

void ws_count_flags(struct wireshark *ws, struct ws_stream *stream, uint32_t flags);

/* Append a segment that waits for its ACK; a list without memory is like a full one. */
bool ws_unacked_add(struct wireshark *ws, struct ws_unacked_list *list,
		    const struct ws_unacked *segment);

/**
 * ws_unacked_ack() - Take from a list what an ACK covers
 * @ack:    the field; whether the ACK bit is set does not matter
 * @acked:  filled with the oldest segment that ends exactly there
 *
 * Return: whether there was one.
 */
bool ws_unacked_ack(struct wireshark *ws, struct ws_unacked_list *list, uint32_t ack,
		    struct ws_unacked *acked);

#endif /* TCPWHY_PEERS_WIRESHARK_STREAM_H */
