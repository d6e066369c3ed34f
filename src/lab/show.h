/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_LAB_SHOW_H
#define TCPWHY_LAB_SHOW_H

#include "lab/run.h"
#include "report/out.h"

/* A finished run for people and for programs. */

struct show_options {
	bool utf8, color;
};

/* All of it: what the programs did, the ladder with both kernels' states, what the engine says,
   claims, failures. */
void show_whole(struct out *out, const struct run *run, const struct show_options *options);

/* What failed, a line each. */
void show_failures(struct out *out, const struct run *run);

/* One JSON object, one line; @capture: where it was kept, or NULL. */
void show_json(struct out *out, const struct run *run, const char *capture);

/* "passed", "failed", "skipped"; static. */
const char *run_outcome_name(enum run_outcome outcome);

/* The system call behind a step, as errno_meaning() knows it; static. */
const char *call_word(enum step_verb verb);

#define TOLD_BYTES 160

/* The outcome in a few words: the scenario's `told` with its figures. */
void show_told(const struct run *run, char text[static TOLD_BYTES]);

#endif /* TCPWHY_LAB_SHOW_H */
