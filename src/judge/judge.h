/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_JUDGE_JUDGE_H
#define TCPWHY_JUDGE_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "judge/catalogue.h"
#include "judge/verdict.h"
#include "track/conn.h"
#include "track/track.h"

/* Holds what is known of hosts and the bounded aggregates of the group stage. One per input. */
struct judge;

/* A verdict about several connections; it names them, it never rewrites their records. */
struct group_verdict {
	struct verdict verdict; /* values and frames (first segments of some of them) */
	struct ip_address host; /* whom it is about: source or server */
	bool has_port;
	uint16_t port;	       /* the service */
	const uint64_t *conns; /* the connections, ascending; borrowed during the call */
	size_t conn_count;     /* of them listed, at most GROUP_CONNS_MOST */
	uint64_t conn_total;   /* that it explains in all */
	int64_t first_ns, last_ns;
};
#define GROUP_CONNS_MOST 1024

/**
 * judge_new() - Start judging
 *
 * Return: owned by the caller; NULL: out of memory.
 */
struct judge *judge_new(void);

/* Switch one rule off (tests: the golden capture must then fail). Unknown id: false. */
bool judge_disable(struct judge *judge, const char *id);

/* Note what a packet tells of a host; in frame order, before later connections are judged. */
void judge_host(struct judge *judge, const struct host_sighting *host);

/**
 * judge_conn() - Say what happened to a finished connection
 * @conn:  borrowed during the call
 * @out:   overwritten; valid until the next call
 *
 * Of an outline (conn.outline) it gives no verdicts, only who closed first and TIME_WAIT. Also
 * feeds the group stage. Cannot fail; costs no heap in the usual case.
 */
void judge_conn(struct judge *judge, const struct conn *conn, struct judgement *out);

/* The input ended: hand every group verdict to @found, in catalogue order, then by host, port. */
void judge_groups(struct judge *judge, int64_t capture_end_ns,
		  void (*found)(void *context, const struct group_verdict *group), void *context);

/* Hosts and facts for groups that did not fit into memory: rules have less to go by. */
uint64_t judge_dropped(const struct judge *judge);

void judge_free(struct judge *judge);

#endif /* TCPWHY_JUDGE_JUDGE_H */
