/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_JUDGE_CONTEXT_H
#define TCPWHY_JUDGE_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "track/conn.h"

struct verdict;
struct host_table;

/* What a rule may look at. A rule reads, cites and states; it changes and prints nothing. */
struct context {
	const struct conn *conn;
	struct host_table *hosts;	/* what other connections showed of each host */
	const struct judgement *so_far; /* the opening's verdict, for rules tried after it */
	bool capture_suspect;		/* one-sided or drops around: silence proves less */
};

/* What is known of one host from all connections so far. */
struct host {
	struct ip_address ip;
	uint8_t ttls[4]; /* of packets that are no resets */
	unsigned ttl_count;
	uint64_t ttl_frame;	 /* a frame that shows the first of them */
	int64_t answer_least_ns; /* TIME_NONE: unknown */
};

/* NULL: nothing known. Built by judge/hosts.h. */
const struct host *host_find(struct host_table *table, const struct ip_address *ip);

/* Shared measures; all in judge/context.c. Source of the figures: docs/precedence.md section 6. */

/* "Within one RTT" of an end's answer, in nanoseconds; *sure is cleared without a sample. */
int64_t context_answer_limit_ns(const struct context *context, enum end end, bool *sure);

/* Whether two TTLs come from different senders: more than 2 apart, or another start value. */
bool ttl_differs(uint8_t a, uint8_t b);
uint8_t ttl_start(uint8_t ttl); /* 64, 128 or 255: the start value at or above it; 32 below 33 */

/* The moments of the connection, in order, by what they are; NULL when there is none. */
const struct moment *moment_first(const struct conn *conn, enum end from, unsigned flags_set,
				  unsigned flags_clear);
const struct moment *moment_after(const struct conn *conn, const struct moment *after,
				  enum end from, unsigned flags_set, unsigned flags_clear);
const struct moment *moment_at(const struct conn *conn, uint64_t frame);

/* Whether the slot after the last of some repeats passed while the capture went on:
   2 x @gap_ns, at most 120 s, plus slack, after @last_ns. */
bool context_slot_passed(const struct context *context, int64_t last_ns, int64_t gap_ns);

#endif /* TCPWHY_JUDGE_CONTEXT_H */
