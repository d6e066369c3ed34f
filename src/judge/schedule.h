/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_JUDGE_SCHEDULE_H
#define TCPWHY_JUDGE_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "track/conn.h"

struct verdict;

#define TRAIN_SYNS_MOST 16

/* The SYNs of one attempt: the same ISN, sent again and again. */
struct syn_train {
	unsigned count;	     /* of all; times only of the first TRAIN_SYNS_MOST */
	bool times_complete; /* no SYN is missing between those at hand */
	int64_t first_ns, last_ns;
	int64_t times_ns[TRAIN_SYNS_MOST];
	uint64_t frames[TRAIN_SYNS_MOST];
};

/* What the gaps of a train leave of the known schedules (bits: rows of schedule.c's table). */
struct schedule_fit {
	unsigned rows;	   /* those that fit; 0: none */
	unsigned complete; /* of them, those that send no further SYN */
	/* After the last SYN: when the slowest of them that goes on must have sent again, with all
	   slack; 0: all are complete or none fits. */
	int64_t next_latest_ns;
	/* After the first SYN: when the connect() call fails, earliest and latest of those. */
	int64_t gives_up_least_ns, gives_up_most_ns;
};

/* Collect the SYNs that the client sent before anything answered or anyone gave up. */
void syn_train_of(const struct conn *conn, struct syn_train *train);

/**
 * schedule_match() - Compare a train's gaps with what each system would do
 * @train:    gap by gap, never sums: a late timer makes all later ones late
 * @client:   whose SYNs they are: its TTL, window and options narrow the systems down
 *
 * Source: docs/precedence.md, section 7; slack: section 6, "schedule slack, per gap".
 */
struct schedule_fit schedule_match(const struct syn_train *train, const struct half *client);

/* Name the systems of @rows in the verdict, as values "systems". */
void schedule_name(struct verdict *verdict, unsigned rows);

#endif /* TCPWHY_JUDGE_SCHEDULE_H */
