/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_LAB_ANSWERS_H
#define TCPWHY_LAB_ANSWERS_H

#include "lab/run.h"

/* What this kernel did about a common claim, and where it is seen. */
struct answer {
	const struct claim_answer *said; /* borrowed from the scenario */
	uint64_t frames[ANSWER_FACTS_MOST];
	unsigned frame_count;
	char facts[160]; /* besides frames: "client: TIME_WAIT, 60.0 s"; "" none */
};

/* The first answer whose facts all hold. Return: false: none does. */
bool answer_find(const struct run *run, const struct common_claim *claim, struct answer *answer);

/* Where it is seen: "1a #1 #2, client's kernel: TIME_WAIT, ..."; @scenario: "1a", or "". */
void answer_where(const struct answer *answer, const char *scenario, char *text, size_t room);

#endif /* TCPWHY_LAB_ANSWERS_H */
