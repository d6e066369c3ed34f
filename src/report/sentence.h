/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_REPORT_SENTENCE_H
#define TCPWHY_REPORT_SENTENCE_H

#include <stddef.h>
#include <stdint.h>

#include "judge/judge.h"

#define SENTENCE_BYTES 512
#define DURATION_BYTES 48

/* What a sentence speaks of: a connection's verdict or a group's. */
struct sentence {
	const struct conn *conn; /* NULL for a group */
	const struct verdict *verdict;
	const struct group_verdict *group; /* NULL for a connection */
};

/**
 * sentence_format() - Fill a catalogue text's placeholders
 * @text:      gets at most SENTENCE_BYTES, always ended
 * @template:  with placeholders as judge/catalogue.h lists them; one that nothing is known for
 *             becomes "?"
 */
void sentence_format(char text[static SENTENCE_BYTES], const char *template,
		     const struct sentence *about);

/* "0.4 ms", "4.2 s", "63.1 s", "5 min 12 s", "2 h 11 min". Return: its length. */
size_t duration_format(char text[static DURATION_BYTES], int64_t duration_ns);

#endif /* TCPWHY_REPORT_SENTENCE_H */
