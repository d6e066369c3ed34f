/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_JUDGE_GROUP_H
#define TCPWHY_JUDGE_GROUP_H

#include "judge/judge.h"

/*
 * The second stage: rules over several connections. Adding and finishing are separate, and what is
 * added is bounded and order-independent, so that the aggregates of several workers can be merged.
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

/* Note what one finished connection tells; the order of connections does not matter. */
void group_add(struct group *group, const struct conn *conn, const struct judgement *judgement);

/* The input ended: find what the aggregates show. */
void group_finish(struct group *group, int64_t capture_end_ns, const struct group_sink *sink);

void group_free(struct group *group);

#endif /* TCPWHY_JUDGE_GROUP_H */
