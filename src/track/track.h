/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_TRACK_TRACK_H
#define TCPWHY_TRACK_TRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tcp/segment.h"
#include "track/conn.h"

/*
 * Segments to connections. Never drops an odd segment: it records it. One tracker per thread; no
 * globals, no input or output; memory is bounded by the limits and what was dropped is counted.
 */
struct tracker;

struct track_limits {
	size_t connections; /* live at once; 0: by memory (about 1/4 of the machine's) */
	bool obvious;	    /* take no short cut: every segment at once, the long way; slow, and for
			       comparing (brief.h, swift.c) */
	bool outlines;	    /* tracker_want_outlines() may be called */
};

/* What the tracker says of one segment, at once (a state it gives may still be withdrawn). */
struct track_note {
	uint64_t conn; /* the connection it belongs to; 0: none (late segment) */
	unsigned layer;
	uint8_t from;		     /* enum end */
	uint32_t notes;		     /* enum note bits */
	uint32_t seq, ack;	     /* relative; ack 0 without the ACK bit */
	enum tcp_state states[ENDS]; /* both ends' after this segment */
};

/* What a packet tells of a host, once per connection and end: for comparing resets with it. */
struct host_sighting {
	struct ip_address ip;
	uint64_t frame;
	int64_t answer_ns; /* how fast its kernel answered; TIME_NONE */
	uint8_t ttl;	   /* of a SYN, SYN-ACK or data packet, never of a reset */
};

/* A connection that is finished, before its record is made (see tracker_tell()). */
struct track_due {
	uint32_t ref; /* the tracker's name for it */
	bool at_end;  /* struct conn has these four too */
	int64_t judged_ns;
	uint64_t judged_frame;
	int64_t pause_ns;
};

/* Where results go. Any function may be NULL. All are called in a fixed order that depends only on
   the input: the capture's clock decides. */
struct track_sink {
	void *context; /* handed back; borrowed */
	/* A connection is finished: borrowed during the call. In order of the frame at which it was
	   released, then conn, then layer. */
	void (*conn)(void *context, const struct conn *conn);
	/* In place of conn, for records that are made in another thread: a connection is finished.
	   @due is to be given to tracker_tell(), in this order, and its ref to
	   tracker_take_back(). */
	void (*due)(void *context, const struct track_due *due);
	/* With due: memory is short. Return when all that was due has been taken back. */
	void (*settle)(void *context);
	/* After each segment (also copies, late ones, quotes in ICMP errors). */
	void (*segment)(void *context, const struct segment *seg, const struct track_note *note);
	/* A SYN that was noted as an event of @old turned out to open connection @fresh. */
	void (*moved)(void *context, uint64_t frame, uint64_t old, uint64_t fresh);
	void (*host)(void *context, const struct host_sighting *host);
};

struct track_stats {
	uint64_t segments;	   /* TCP segments taken, copies included, quotes not */
	uint64_t connections;	   /* started */
	uint64_t live_most;	   /* at once */
	uint64_t evicted;	   /* pushed out by the limit */
	uint64_t late_segments;	   /* of an ended connection after its record was written */
	uint64_t copies;	   /* capture duplicates */
	uint64_t time_back;	   /* frames stamped earlier than the one before */
	int64_t first_ns, last_ns; /* of all frames; TIME_NONE before the first */
	uint64_t frames;
	uint64_t moments_dropped, states_dropped, ranges_dropped, icmp_unmatched;
	uint64_t viewpoints[4]; /* connections by enum viewpoint */
};

/**
 * tracker_new() - Start tracking
 * @limits:  copied
 * @sink:    copied; its context must outlive the tracker
 *
 * Return: owned by the caller; NULL: out of memory.
 */
struct tracker *tracker_new(const struct track_limits *limits, const struct track_sink *sink);

/* Take a batch, in the capture's order. Cannot fail: what memory does not hold is counted. An entry
   with SEGMENT_NOT_TCP, the last frame's number and a later time is no frame: it says that the
   recording went on until then. */
void tracker_add(struct tracker *tracker, const struct segment_batch *batch);

/* What a segment's connection is looked up by, of a whole batch. */
struct track_keys {
	uint64_t hashes[SEGMENT_BATCH];
	bool swapped[SEGMENT_BATCH];
};

/* Find a batch's keys out before its turn. For any thread: of the tracker only what never changes
   is read. */
void tracker_keys(const struct tracker *tracker, const struct segment_batch *batch,
		  struct track_keys *keys);

/* tracker_add() of a batch whose keys are known. */
void tracker_add_keyed(struct tracker *tracker, const struct segment_batch *batch,
		       const struct track_keys *keys);

/* The input ended: write every record that is left, in order of conn, then layer. Once. */
void tracker_finish(struct tracker *tracker);

/**
 * tracker_tell() - Make the record of a connection that is due
 * @due:  from sink.due, in the order in which they came
 *
 * May run in one other thread while this one goes on with tracker_add(), tracker_finish() and
 * tracker_take_back(), as long as each @due comes to it after sink.due and its ref to
 * tracker_take_back() after this (by a lock, or a release that is acquired).
 *
 * Return: borrowed until the next call.
 */
const struct conn *tracker_tell(struct tracker *tracker, const struct track_due *due);

/* From now on an outline will do of those in which nothing happened (conn.outline). For the thread
   that calls tracker_tell(); without sink.due for a call within sink.conn. */
void tracker_want_outlines(struct tracker *tracker);

/* Start fetching a part of what tracker_tell() will read of a connection; all parts of it, from 0
   on, each some connections after the one before, make it fast. For the same thread. */
#define TRACK_FETCH_LEVELS 6
void tracker_tell_soon(const struct tracker *tracker, const struct track_due *due, unsigned level);

/* The record of a connection that was due is done with: its memory is the tracker's again. */
void tracker_take_back(struct tracker *tracker, uint32_t ref);

/* Start fetching a part of what that will touch, as tracker_tell_soon(). */
#define TAKE_BACK_LEVELS 2
void tracker_take_back_soon(struct tracker *tracker, uint32_t ref, unsigned level);

/* The other thread has told all: what it has counted is in tracker_stats() from now on. */
void tracker_join(struct tracker *tracker);

/* Borrowed; alive as long as the tracker. */
const struct track_stats *tracker_stats(const struct tracker *tracker);

void tracker_free(struct tracker *tracker);

#endif /* TCPWHY_TRACK_TRACK_H */
