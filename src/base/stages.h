/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_BASE_STAGES_H
#define TCPWHY_BASE_STAGES_H

#include <stdbool.h>

/*
 * One work in stages, each of which feeds the next, done by a few threads. A stage is worked on by
 * one thread at a time, and any thread takes any stage: the one that it worked on before while that
 * can go on, else the last one that can. So a stage needs no locks of its own, what one run of it
 * wrote its next run sees, and two threads are busy with three stages whatever each costs.
 */
#define STAGES_MOST 4

struct stages;

enum stage_did {
	STAGE_WORKED, /* something: others may be able to go on by it */
	STAGE_WAITS,  /* nothing: for room or for work */
	STAGE_ENDED,  /* there will be nothing more to do in it */
};

struct stage {
	/* Do a piece of the work; @eager: also a small one, because there is nothing better to do.
	   Nothing but stages_wait() may block for long, except where the work begins. */
	enum stage_did (*run)(void *context, struct stages *stages, bool eager);
};

/**
 * stages_run() - Work until every stage has ended
 * @stage:    @count of them, at most STAGES_MOST; the first one is where the work begins
 * @threads:  how many work, the caller's included; fewer where the system gives no more, and more
 *            than @count are of no use
 * @context:  handed to each
 */
void stages_run(const struct stage *stage, unsigned count, unsigned threads, void *context);

/* In the running stage number @at: let later ones go on, here or in another thread, until @met. It
   is asked with a lock held, each time after something was done. */
void stages_wait(struct stages *stages, unsigned at, bool (*met)(void *context), void *context);

#endif /* TCPWHY_BASE_STAGES_H */
