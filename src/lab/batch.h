/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_LAB_BATCH_H
#define TCPWHY_LAB_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "lab/run.h"
#include "lab/show.h"

/*
 * Scenarios side by side: each in a process of its own (with its programs' processes below it), in
 * namespaces of its own. What a process finds comes back through a pipe. They all end with the
 * calling process, whatever happens to that.
 */

enum batch_detail {
	BATCH_BRIEF, /* text: only what failed */
	BATCH_WHOLE, /* text: show_whole() */
	BATCH_JSON,  /* text: show_json() */
};

struct batch_options {
	enum net_backend wish;
	enum batch_detail detail;
	unsigned jobs;	  /* at once; 0: by the number of processors */
	const char *keep; /* folder for captures and records; NULL: none */
	struct show_options show;
};

struct batch_claim {
	char text[96], words[64], where[160];
};

/* What a scenario's process tells. */
struct batch_result {
	enum run_outcome outcome;
	bool died; /* its process ended without a word: a fault of ours */
	enum net_backend backend;
	int64_t lasted_ns;
	char why[512]; /* the wire: net.why */
	char told[TOLD_BYTES];
	char reason[FAILURE_BYTES]; /* of a skipped one */
	unsigned claim_count;
	struct batch_claim claims[SCENARIO_CLAIMS_MOST];
	size_t text_bytes;
	char *text; /* owned by the batch; as options.detail asks */
};

/**
 * batch_run() - Run scenarios and hand on their results in the order given
 * @done:  called for each as soon as it and all before it have ended
 * @err:   ERR_SYSTEM: no process, no pipe, a folder that can't be written
 *
 * Return: false with @err set, or when it was interrupted (SIGINT, SIGTERM; then all are ended).
 */
bool batch_run(struct scenario *const *scenarios, size_t count, const struct batch_options *options,
	       void (*done)(void *context, size_t index, const struct batch_result *result),
	       void *context, struct err *err);

#endif /* TCPWHY_LAB_BATCH_H */
