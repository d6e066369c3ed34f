/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_REPORT_ROWS_H
#define TCPWHY_REPORT_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "track/track.h"

/* One segment as a ladder draws it. */
struct row {
	uint64_t frame;
	int64_t time_ns;
	uint32_t seq, ack; /* relative */
	uint32_t payload_bytes;
	uint32_t notes;	 /* enum note bits */
	uint16_t window; /* raw */
	uint8_t flags;
	uint8_t from; /* enum end */
	uint8_t ttl;
	uint8_t states[ENDS]; /* enum tcp_state, at that moment */
	bool quoted;	      /* quoted in an ICMP error */
	uint8_t icmp_type, icmp_code;
	uint8_t option_bytes; /* at options: of a SYN only */
	uint8_t options[40];
	struct ip_address icmp_sender;
};

/* The segments of one connection, in order. */
struct rows {
	struct row *rows; /* owned by the collector */
	size_t count;
	uint64_t dropped; /* not kept: more than ROWS_MOST */
};

#define ROWS_MOST (1u << 20) /* per connection: 80 MB; the rest is counted */

/*
 * Keeps the segments of connections until their records come: for ladders and stories only. Costs
 * memory for every segment of every live connection that it is told to keep.
 */
struct collector;

struct collector *collector_new(void);
void collector_free(struct collector *collector);

/* Keep a segment. Out of memory: dropped and counted. */
void collector_add(struct collector *collector, const struct segment *seg,
		   const struct track_note *note);

/* Frame @frame belongs to connection @fresh, not @old. */
void collector_move(struct collector *collector, uint64_t frame, uint64_t old, uint64_t fresh);

/* What was kept of a connection: borrowed until collector_drop(). Never NULL rows with count 0. */
struct rows collector_find(const struct collector *collector, uint64_t conn, unsigned layer);

/* Forget a connection, or (@keep) all but one. */
void collector_drop(struct collector *collector, uint64_t conn, unsigned layer);
void collector_drop_others(struct collector *collector, uint64_t keep);

#endif /* TCPWHY_REPORT_ROWS_H */
