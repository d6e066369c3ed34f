/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_LAB_RETELL_H
#define TCPWHY_LAB_RETELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "judge/judge.h"
#include "report/rows.h"
#include "tcp/frame.h"

/* Gets every connection and group of a capture in memory, as `read` would report them. Functions
   may be NULL. */
struct retell_sink {
	void *context; /* handed back; borrowed */
	/* Borrowed during the call. */
	void (*conn)(void *context, const struct conn *conn, const struct judgement *judgement,
		     const struct rows *rows);
	void (*group)(void *context, const struct group_verdict *group);
};

struct retell_options {
	int64_t end_ns; /* when the recording ended, if after the last frame; TIME_NONE: unknown */
	const char *disabled; /* the id of a rule that is switched off; NULL: none */
	bool rows;	      /* segments are wanted; else the sink gets none */
};

/**
 * retell() - Decode, track and judge frames in memory, and hand on what is found
 * @frames:  in order, numbered upwards
 *
 * Return: false, out of memory, or no such rule.
 */
bool retell(const struct frame *frames, size_t count, const struct retell_options *options,
	    const struct retell_sink *sink);

#endif /* TCPWHY_LAB_RETELL_H */
