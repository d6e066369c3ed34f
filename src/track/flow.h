/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_TRACK_FLOW_H
#define TCPWHY_TRACK_FLOW_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "track/conn.h"
#include "track/table.h"

/*
 * A live connection as the tracker keeps it: for insiders of track/ only. What every segment
 * touches stands in struct flow; what few connections need stands in cold chunks (cold.h), named by
 * pool indexes, 0 where there is none. release.c unfolds all of it into struct conn.
 */

/* A remembered segment; sequence numbers as sent (struct moment has them relative). */
struct mark {
	uint64_t frame;
	int64_t ns;
	uint32_t seq, ack;
	uint32_t len; /* payload */
	uint32_t notes;
	uint16_t window, id;
	uint8_t flags;
	uint8_t from; /* enum end, and the bits below */
	uint8_t ttl;
	uint8_t options; /* enum moment_option */
};
static_assert(sizeof(struct mark) == 40, "five to three cache lines");

#define MARK_FIRST_DATA 0x02 /* the first payload of its side */
#define MARK_OPENED	0x04 /* the opening succeeded by it */
#define MARK_FIRST_SYN	0x08 /* the first good SYN of the client */
#define MARK_SYNACK	0x10 /* the first good SYN-ACK */
#define MARK_END	0x01 /* mask of enum end */

enum side_bit {
	SIDE_NXT = 0x0001,  /* nxt holds */
	SIDE_BASE = 0x0002, /* isn holds, at least as a base */
	SIDE_ISN = 0x0004,  /* isn was seen on the wire */
	SIDE_PARAMETERS = 0x0008,
	SIDE_ACKED = 0x0010,  /* acked holds */
	SIDE_WINDOW = 0x0020, /* window holds */
	SIDE_SACK = 0x0040,
	SIDE_TIMESTAMPS = 0x0080,
	SIDE_FAST_OPEN = 0x0100,
	SIDE_MPTCP = 0x0200,
	SIDE_ECN = 0x0400,
	SIDE_MSS = 0x0800,
	SIDE_SCALE = 0x1000,
	SIDE_FIN = 0x2000,	 /* sent a FIN */
	SIDE_FIN_ACKED = 0x4000, /* ... and the peer acknowledged it */
	SIDE_TIMED = 0x8000,	 /* timed_* hold: an RTT is being measured */
	SIDE_SHUT = 0x10000,	 /* its own window is zero */
	SIDE_PROBING = 0x20000,	 /* its last segment was a keep-alive probe */
	SIDE_PROBING_WINDOW = 0x40000,
	SIDE_SIGHTED = 0x80000, /* shown to sink.host */
	SIDE_TSVAL = 0x100000,
	SIDE_FILLED = 0x200000,	       /* its last payload ended at the peer's window edge */
	SIDE_OUT = 0x400000,	       /* out_* hold: octets are outstanding since then */
	SIDE_WINDOW_OF_SYN = 0x800000, /* window came with its SYN: it is not scaled */
	SIDE_REOPENED = 0x1000000,     /* its last segment reopened its window */
};

#define SIDE_STATES 2 /* history entries kept in the flow; more go to a chunk */
#define COPY_DEPTH  3 /* fingerprints behind the last segment */

/* One entry of a state history: frame << 8 | bits | state. */
#define STATE_PROVISIONAL 0x80u /* the peer's next act confirms or withdraws it */
#define STATE_QUIET	  0x40u /* silence is enough to confirm it */
#define STATE_ASSUMED	  0x20u /* nothing ever showed it */
#define STATE_MASK	  0x1fu

/* Round trips of one side, as they are measured. */
struct rtt_so_far {
	uint64_t total_us;
	uint32_t least_us, most_us; /* least: UINT32_MAX at the start */
	uint32_t samples;
};

static inline void rtt_add(struct rtt_so_far *rtt, int64_t sample_ns)
{
	uint64_t us = sample_ns <= 0 ? 0 : (uint64_t)sample_ns / 1000;
	uint32_t capped = us > UINT32_MAX - 1 ? UINT32_MAX - 1 : (uint32_t)us;

	rtt->samples++;
	rtt->total_us += capped;
	if (capped < rtt->least_us)
		rtt->least_us = capped;
	if (capped > rtt->most_us)
		rtt->most_us = capped;
}

/* As records have it. */
static inline struct rtt rtt_told(const struct rtt_so_far *rtt)
{
	return (struct rtt){
		.samples = rtt->samples,
		.least_ns = rtt->least_us * NSEC_PER_USEC,
		.most_ns = rtt->most_us * NSEC_PER_USEC,
		.total_ns = (int64_t)rtt->total_us * NSEC_PER_USEC,
	};
}

struct side {
	/* its last segment of any kind but copies; last.frame 0: none */
	struct mark last;
	struct mark last_data;
	uint64_t bytes, payload;
	uint32_t packets, data_packets;
	uint32_t bits;		  /* enum side_bit */
	uint32_t isn, nxt, acked; /* as sent; acked: highest ack of the peer */
	uint32_t ack_sent;	  /* with SIDE_WINDOW: its last ack, no reset's and no stray's */
	uint32_t timed_end;	  /* an ACK of this octet gives an RTT */
	int64_t timed_ns;
	uint32_t out_seq;	/* the first segment of what is outstanding */
	uint32_t out_quiet_ms;	/* silence before that segment */
	uint32_t last_quiet_ms; /* ... before the last one, of both ends */
	int64_t out_ns;
	int64_t acked_ns; /* when acked last moved */
	uint64_t out_frame;
	uint64_t option_order; /* 12 codes of 5 bits, first in the low ones (opening.c) */
	uint64_t states[SIDE_STATES];
	uint32_t first_tsval, last_tsval;
	int64_t last_tsval_ns;
	uint32_t first_tsval_us;	      /* after the connection's first segment */
	uint32_t answer_ns;		      /* smallest kernel answer; UINT32_MAX none */
	uint32_t largest_sent, largest_acked; /* payload */
	struct rtt_so_far rtt;
	uint32_t copy_prints[COPY_DEPTH];
	uint16_t copy_times[COPY_DEPTH]; /* in units of 64 us, modulo 2^16 */
	uint16_t last_sum;		 /* TCP checksum of last */
	uint16_t syn, synack, fin, rst;	 /* low 16 bits; what is carried is in cold.h */
	uint16_t mss, syn_window;
	uint16_t window; /* with SIDE_WINDOW: the last one it advertised, raw */
	uint8_t scale, ttls[4], ttl_count;
	uint8_t state; /* enum tcp_state */
	uint8_t state_count;
	uint8_t dupacks; /* of the peer, since its ack moved */
	uint8_t copies;	 /* saturates; then cold */
};

enum flow_bit {
	FLOW_CLIENT_B = 0x0001, /* the client is the key's second end */
	FLOW_DIRECTION = 0x0002,
	FLOW_SIMULTANEOUS = 0x0004,
	FLOW_ENDED = 0x0010,
	FLOW_DETACHED = 0x0020, /* its tuple belongs to a later connection */
	FLOW_TWO_PATHS = 0x0040,
	FLOW_SYN_RESENT = 0x0080, /* before the SYN-ACK */
	FLOW_SYNACK_RESENT = 0x0100,
	FLOW_EVICTED = 0x0200,
	FLOW_SELF = 0x0400, /* both ends are the same address and port */
	FLOW_RESTARTED = 0x0800,
	FLOW_REPLACED = 0x1000,
	FLOW_NO_SYN = 0x2000,		     /* began with a SYN-ACK */
	FLOW_SERVER_SPOKE = 0x4000,	     /* after the opening: no SYN of it comes any more */
	FLOW_RESET = 0x8000,		     /* ended by an accepted reset */
	FLOW_REFUSED = 0x10000,		     /* ... of the SYN */
	FLOW_CROSSED = 0x20000,		     /* FINs crossed */
	FLOW_FIRST_FIN_B = 0x40000,	     /* the server's FIN came first */
	FLOW_SERVER_FIRST_SYN_ACK = 0x80000, /* the server sent a plain ACK of the SYN first */
	FLOW_BOTH_SYN = 0x100000,
	FLOW_IGNORED_ACK = 0x200000, /* a SYN-ACK came again after the client's ACK */
	FLOW_IDLE_OPEN = 0x400000,   /* an idle time waits for the other end's answer */
};

/* Which cold chunks a flow has: spares a look into its directory. */
enum chunk_bit {
	CHUNK_LOSS = 0x01, /* of one end at least, likewise the next two */
	CHUNK_PROBES = 0x02,
	CHUNK_STATES = 0x04,
	CHUNK_CLOSING = 0x08,
	CHUNK_STALLS = 0x10,
	CHUNK_ODD = 0x20,
	CHUNK_RESETS = 0x40,
	CHUNK_CANDIDATE = 0x80,
};

enum phase_of {
	PHASE_MID,  /* no SYN seen */
	PHASE_SYN,  /* SYN, no good SYN-ACK */
	PHASE_HALF, /* SYN-ACK, not acknowledged */
	PHASE_UP,   /* the opening succeeded */
	PHASE_REFUSED,
};

/* Which release list a flow stands in (lists.c). */
enum due_list {
	DUE_NONE,
	DUE_SYN, /* an opening that may never be answered */
	DUE_ENDED,
	DUE_LAST_ACK, /* both FINs seen, the last one repeated and not acknowledged */
	DUE_LISTS
};

struct flow {
	struct tuple tuple;
	uint32_t bits; /* enum flow_bit */
	uint64_t first_frame;
	int64_t first_ns, last_ns; /* last: of any segment but copies */
	int64_t due_since_ns;	   /* the clock when it joined its list */
	uint32_t due_next, due_before;
	uint32_t marks_first, marks_last; /* chunks of remembered segments */
	uint32_t extra;			  /* cold.h */
	uint32_t path;
	uint16_t mark_count; /* kept */
	uint8_t chunks;	     /* enum chunk_bit */
	uint8_t layer;
	uint8_t phase; /* enum phase_of */
	uint8_t due_list;
	bool due_late;		 /* ... that of flows which a clock made of briefs */
	uint8_t data_from;	 /* enum end of the last payload + 1; 0 none */
	uint8_t last_from;	 /* enum end of the last segment */
	uint8_t offload_end;	 /* enum end whose segments were not finished when captured */
	uint32_t cut, cut_after; /* segments cut by the snap length; frames to the first */
	uint32_t offload, offload_after;
	struct side side[ENDS];
};
static_assert(sizeof(struct flow) <= 896, "a live connection is to stay small");

static inline const struct ip_address *flow_ip(const struct flow *flow, enum end end)
{
	bool second = ((flow->bits & FLOW_CLIENT_B) != 0) == (end == END_CLIENT);

	return second ? &flow->tuple.ip_b : &flow->tuple.ip_a;
}

static inline uint16_t flow_port(const struct flow *flow, enum end end)
{
	bool second = ((flow->bits & FLOW_CLIENT_B) != 0) == (end == END_CLIENT);

	return second ? flow->tuple.port_b : flow->tuple.port_a;
}

static inline bool side_has(const struct side *side, uint32_t bits)
{
	return (side->bits & bits) != 0;
}

static inline bool flow_has(const struct flow *flow, uint32_t bits)
{
	return (flow->bits & bits) != 0;
}

static inline struct seq side_nxt(const struct side *side)
{
	return seq_of(side->nxt);
}

static inline struct seq side_acked(const struct side *side)
{
	return seq_of(side->acked);
}

/* Whether octets of this side were seen that its peer has not acknowledged yet. */
static inline bool side_outstanding(const struct side *side)
{
	return side_has(side, SIDE_NXT) && side_has(side, SIDE_ACKED) &&
	       seq_after(side_nxt(side), side_acked(side));
}

#endif /* TCPWHY_TRACK_FLOW_H */
