/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_REPORT_BRIEF_H
#define TCPWHY_REPORT_BRIEF_H

#include <stdint.h>

#include "judge/judge.h"
#include "report/out.h"
#include "report/sentence.h"

#define BRIEF_SENTENCES 6

/* A connection in a few lines: its headline, what happened besides, who holds TIME_WAIT. */
struct brief {
	uint64_t conn;
	struct ip_address ips[ENDS];
	uint16_t ports[ENDS];
	bool direction_known, look;
	unsigned sentence_count;
	char sentences[BRIEF_SENTENCES][SENTENCE_BYTES];
	char time_wait[SENTENCE_BYTES]; /* "": nobody holds it */
};

/* Take what is worth a line; nothing in it is borrowed afterwards. */
void brief_of(struct brief *brief, const struct conn *conn, const struct judgement *judgement);

/* "#1042  10.0.3.17:50544 > 10.0.0.2:9000", then its lines, indented. */
void brief_print(const struct brief *brief, struct out *out);

#endif /* TCPWHY_REPORT_BRIEF_H */
