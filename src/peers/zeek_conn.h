/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_PEERS_ZEEK_CONN_H
#define TCPWHY_PEERS_ZEEK_CONN_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "peers/zeek.h"
#include "peers/zeek_pool.h"
#include "peers/zeek_queue.h"
#include "tcp/segment.h"
#include "tcp/seq.h"

/*
 * What the files of zeek share: a row that is being made (struct zeek_conn), its two ends, and the
 * instance. For zeek*.c only; users include peers/zeek.h.
 *
 * Words as Zeek has them: the originator is the end that Zeek believes to have begun; roles can be
 * exchanged later (a flip). Times are microseconds, as Zeek gets them.
 */

/* What one end has sent, as Zeek sees it; nothing here is ever acknowledged. */
enum zeek_end_state {
	ZEEK_INACTIVE,	   /* nothing yet, or only an ACK before the SYN+ACK */
	ZEEK_SYN_SENT,	   /* originator: SYN */
	ZEEK_SYN_ACK_SENT, /* originator: SYN+ACK */
	ZEEK_PARTIAL,	   /* began in the middle */
	ZEEK_ESTABLISHED,
	ZEEK_CLOSED, /* sent a FIN */
	ZEEK_RESET,  /* sent an RST */
};

/* Letters that stand at the 1st, 10th, 100th... occurrence. */
enum zeek_counted {
	ZEEK_BAD_CHECKSUM,   /* C */
	ZEEK_GAP,	     /* G */
	ZEEK_RETRANSMISSION, /* T */
	ZEEK_ZERO_WINDOW,    /* W */
	ZEEK_COUNTED
};

enum zeek_timer_kind {
	ZEEK_TIMER_ATTEMPT,	 /* nobody answered */
	ZEEK_TIMER_EXPIRE,	 /* looks every 6 s whether the row is over */
	ZEEK_TIMER_EXPIRE_EXTRA, /* the same, started by the first side's close */
	ZEEK_TIMER_REMOVAL,	 /* 5 s after a complete close */
	ZEEK_TIMER_INACTIVITY,
	ZEEK_TIMERS
};

/* A piece of payload beyond a hole, in numbers relative to the start. */
struct zeek_range {
	uint64_t start, end;
	uint32_t next; /* index in zeek.ranges, by start; ZEEK_NONE: last */
};

#define ZEEK_NONE UINT32_MAX

/* What every segment of an end reads or changes. */
struct zeek_end {
	struct seq start;		/* as if a SYN had been seen */
	struct seq last;		/* highest end sent */
	struct seq ack;			/* highest acknowledgement received */
	uint32_t last_wraps, ack_wraps; /* how often those went round */
	uint32_t ranges;		/* first one, index in zeek.ranges; ZEEK_NONE */
	uint64_t next;			/* relative number wanted next */
	uint64_t trim; /* nothing below it is kept; trim..next is delivered, but kept */
	uint64_t packets, ip_bytes;
	uint8_t state, previous; /* enum zeek_end_state; previous: the different one before */
	bool did_close;
	bool fin_seen;
	bool skip; /* its payload is not followed any more */
	bool eof;  /* end of data was reported */
};

static_assert(sizeof(struct zeek_end) == 64, "a cache line");

/* What only few segments do. */
struct zeek_rare {
	uint64_t syn_at, fin_at, rst_at;  /* relative number of the last one in the history */
	uint64_t fin_end;		  /* relative number after the last FIN */
	uint32_t counted[ZEEK_COUNTED];	  /* occurrences so far */
	uint32_t show_next[ZEEK_COUNTED]; /* the occurrence that adds the next letter */
};

#define ZEEK_HISTORY_SHORT 32 /* kept in the row; longer ones get a buffer of their own */

struct zeek_conn {
	/* The first cache line: found by it, and changed by most segments. */
	struct ip_address ips[2]; /* [i] goes with ends[i] */
	uint16_t ports[2];
	uint32_t history_seen; /* letters that stand once: low half originator's, high responder's
				*/
	int64_t last_us;
	uint32_t encapsulation; /* of the last segment */
	uint16_t history_length;
	uint8_t orig;  /* index in ends */
	uint8_t first; /* bits: ZEEK_ORIG_FIRST, ZEEK_RESP_FIRST: that role has sent something */
	bool active;
	bool partial;	     /* began in the middle */
	bool deferred;	     /* a close waits for missing data */
	bool deferred_event; /* ... and then counts as a normal end */
	uint8_t encapsulation_changes;
	uint8_t first_layer;

	struct zeek_end ends[2];
	uint64_t timers[ZEEK_TIMERS]; /* ticket of the armed timer; 0: not armed */
	struct zeek_rare rare[2];
	int64_t start_us;
	int64_t timeout_us; /* of inactivity */
	uint64_t serial;    /* 1 for the first row begun, 2... */
	uint64_t first_frame;
	uint64_t missed_bytes;
	uint32_t index; /* its own, in zeek.conns */
	uint32_t hash;
	uint32_t long_history; /* index in zeek.histories; ZEEK_NONE */
	char history[ZEEK_HISTORY_SHORT];
};

static_assert(offsetof(struct zeek_conn, ends) == 64, "what finds a row is one cache line");
static_assert(sizeof(struct zeek_conn) == 448, "seven cache lines; 100,000 are live at once");

#define ZEEK_ORIG_FIRST 1
#define ZEEK_RESP_FIRST 2

struct zeek_slot {
	uint32_t hash;
	uint32_t conn; /* index in zeek.conns; ZEEK_NONE: free */
};

struct zeek {
	struct zeek_sink sink;
	bool checksums;
	uint8_t likely[65536 / 8]; /* bit set: a likely server port */
	int64_t now_us;		   /* Zeek's network time */
	uint64_t serial;
	struct zeek_stats stats;
	struct zeek_pool conns;	    /* struct zeek_conn */
	struct zeek_pool ranges;    /* struct zeek_range */
	struct zeek_pool histories; /* char [ZEEK_HISTORY_BYTES] */
	struct zeek_slot *slots;    /* owned; open addressing */
	size_t slot_count;	    /* a power of two */
	size_t live;
	struct zeek_queue timers; /* tickets: low 3 bits enum zeek_timer_kind */
	size_t timers_stale;	  /* in the queue, but cancelled since */
	uint64_t ticket;
};

/* One segment on its way through Zeek's steps. */
struct zeek_step {
	struct zeek *zeek;
	struct zeek_conn *conn;
	struct zeek_end *e; /* sender */
	struct zeek_end *p; /* the other */
	const struct segment *seg;
	int64_t time_us;
	uint64_t rel;	   /* its sequence number relative to e's start */
	uint64_t rel_ack;  /* relative to p's start */
	bool before;	   /* its number lies before the start */
	bool from_orig;	   /* as of its arrival: a flip on the way does not change it */
	bool close, event; /* what the state machine asks for */
};

static inline struct zeek_conn *zeek_conn_at(const struct zeek *zeek, uint32_t index)
{
	return zeek_pool_at(&zeek->conns, index);
}

static inline bool zeek_is_orig(const struct zeek_conn *conn, const struct zeek_end *e)
{
	return e == &conn->ends[conn->orig];
}

static inline struct zeek_end *zeek_other(struct zeek_conn *conn, const struct zeek_end *e)
{
	return e == &conn->ends[0] ? &conn->ends[1] : &conn->ends[0];
}

static inline bool zeek_is_likely(const struct zeek *zeek, uint16_t port)
{
	return (zeek->likely[port / 8] >> (port % 8)) & 1;
}

static inline struct zeek_rare *zeek_rare(struct zeek_conn *conn, const struct zeek_end *e)
{
	return &conn->rare[e - conn->ends];
}

/* 64-bit number of a place on the circle, given how often it went round. */
static inline uint64_t zeek_full(struct seq x, uint32_t wraps)
{
	return ((uint64_t)wraps << 32) | x.raw;
}

/* Nothing beyond its SYN was ever acknowledged. */
static inline bool zeek_nothing_acked(const struct zeek_end *e)
{
	return seq_equal(e->ack, e->start) || seq_equal(e->ack, seq_add(e->start, 1));
}

/* zeek_table.c: connections by their two ends. */
uint32_t zeek_hash(const struct segment *seg);
struct zeek_conn *zeek_find(const struct zeek *zeek, const struct segment *seg, uint32_t hash);
void zeek_slot_prefetch(const struct zeek *zeek, uint32_t hash);
void zeek_conn_prefetch(const struct zeek *zeek, uint32_t hash);
bool zeek_reserve(struct zeek *zeek); /* room for what one segment may need; false: no memory */
struct zeek_conn *zeek_begin(struct zeek *zeek, const struct segment *seg, uint32_t hash,
			     int64_t time_us);
void zeek_conn_free(struct zeek *zeek, struct zeek_conn *conn);

/* zeek_timers.c */
void zeek_timer_arm(struct zeek *zeek, struct zeek_conn *conn, enum zeek_timer_kind kind,
		    int64_t from_us, int64_t delay_us);
void zeek_timer_cancel(struct zeek *zeek, struct zeek_conn *conn, enum zeek_timer_kind kind);
void zeek_timers_run(struct zeek *zeek);    /* those that are due; at most 300 */
void zeek_timers_finish(struct zeek *zeek); /* the end of the file: attempt timers only */
bool zeek_timers_reserve(struct zeek *zeek);
void zeek_timeout_set(struct zeek *zeek, struct zeek_conn *conn, int64_t timeout_us);

/* zeek_history.c */
void zeek_history_add(struct zeek *zeek, struct zeek_conn *conn, char letter);
void zeek_history_count(struct zeek *zeek, struct zeek_conn *conn, struct zeek_end *e,
			enum zeek_counted what);
void zeek_history_segment(struct zeek_step *step);
void zeek_history_path(struct zeek *zeek, struct zeek_conn *conn, const struct segment *seg);
const char *zeek_history_text(const struct zeek *zeek, const struct zeek_conn *conn);
void zeek_flip(struct zeek *zeek, struct zeek_conn *conn);

/* zeek_state.c */
void zeek_state_step(struct zeek_step *step);
void zeek_close(struct zeek *zeek, struct zeek_conn *conn, struct zeek_end *e, bool event);

/* zeek_reassembly.c */
void zeek_data(struct zeek *zeek, struct zeek_conn *conn, struct zeek_end *e, uint64_t rel,
	       uint32_t payload_bytes);
void zeek_acked(struct zeek *zeek, struct zeek_conn *conn, struct zeek_end *e, uint64_t rel_ack);
void zeek_end_of_data(struct zeek *zeek, struct zeek_conn *conn, struct zeek_end *e);
bool zeek_data_pending(const struct zeek_end *e, const struct zeek_end *p);
void zeek_ranges_drop(struct zeek *zeek, struct zeek_end *e);

/* zeek_row.c */
uint64_t zeek_size(const struct zeek_end *e, const struct zeek_end *p); /* payload by numbers */
void zeek_write(struct zeek *zeek, struct zeek_conn *conn); /* hands out the row, frees conn */

#endif /* TCPWHY_PEERS_ZEEK_CONN_H */
