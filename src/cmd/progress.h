/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_CMD_PROGRESS_H
#define TCPWHY_CMD_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A line on standard error that shows how far a long run is; only on a terminal, only after a
 * while, and gone when the results come.
 */
struct progress {
	bool wanted; /* standard error is a terminal */
	bool shown;
	unsigned steps;	 /* since the clock was looked at */
	int64_t next_ns; /* when the line is due again, on the monotonic clock */
	uint64_t frames; /* so far */
};

void progress_start(struct progress *progress);

/* After each batch: costs a counter, and the clock once in a thousand batches. */
void progress_step(struct progress *progress, unsigned frames);

/* Take the line away. */
void progress_end(struct progress *progress);

#endif /* TCPWHY_CMD_PROGRESS_H */
