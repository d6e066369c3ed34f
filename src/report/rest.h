/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_REPORT_REST_H
#define TCPWHY_REPORT_REST_H

#include "judge/judge.h"
#include "report/out.h"

#define SPREAD_STEPS 64 /* per factor of two: values are known to 1.1 % */
#define SPREAD_SLOTS ((size_t)64 * SPREAD_STEPS)

/* A distribution of durations in fixed memory. */
struct spread {
	uint64_t count;
	uint64_t slots[SPREAD_SLOTS];
	int64_t most_ns;
	uint64_t most_conn;
};

/* Figures over connections that need no look. */
struct rest {
	uint64_t connections;
	uint64_t opened, mid_capture, failed_quietly;
	uint64_t closed_first[3]; /* by client, server, both at once */
	uint64_t reset_by[ENDS];
	uint64_t still_open, other_end;
	uint64_t time_wait[ENDS];   /* connections whose client, server holds it */
	int64_t time_wait_until_ns; /* the last of them; TIME_NONE: none */
	struct spread opening;	    /* SYN to the handshake's ACK */
};

void rest_init(struct rest *rest);
void rest_add(struct rest *rest, const struct conn *conn, const struct judgement *judgement);
/* @head: what stands above it: "THE OTHER", "NOTHING NEEDS A LOOK ", ... */
void rest_print(const struct rest *rest, struct out *out, const char *head);

#endif /* TCPWHY_REPORT_REST_H */
