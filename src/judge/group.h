/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_JUDGE_GROUP_H
#define TCPWHY_JUDGE_GROUP_H

#include "judge/judge.h"

/*
 * The second stage: rules over several connections. What one connection gives it is a small fact
 * (judge/fact.h); facts are added in the order of the records, so that several workers can judge
 * and one place can group. All memory is bounded; what is not remembered is counted.
 */
struct group;

/* Where its verdicts go. */
struct group_sink {
	void (*found)(void *context, const struct group_verdict *group);
	void *context; /* borrowed */
};

/* Owned by the caller; NULL: out of memory. */
struct group *group_new(void);

/* Switch one rule off (tests). */
void group_disable(struct group *group, const char *id);

/* Note what one finished connection tells; costs next to nothing when it is an ordinary one. */
void group_add(struct group *group, const struct conn *conn, const struct judgement *judgement);

/* The input ended: say what the facts show, in catalogue order, then by host, port, time. */
void group_finish(struct group *group, int64_t capture_end_ns, const struct group_sink *sink);

/* Connections, hosts or ports that did not fit into the stage's memory. */
uint64_t group_dropped(struct group *group);

void group_free(struct group *group);

#endif /* TCPWHY_JUDGE_GROUP_H */
