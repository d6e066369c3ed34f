/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_JUDGE_STALE_H
#define TCPWHY_JUDGE_STALE_H

#include <stdbool.h>

#include "track/conn.h"

/* An answer to a SYN that acknowledges something else, and what the client did about it. */
struct stale_answer {
	const struct moment *syn;    /* the last SYN before it */
	const struct moment *answer; /* the first such answer */
	const struct moment *reset;  /* the client's R with seq = that ack; NULL: not seen */
	unsigned rounds;	     /* such answers in all */
};

/**
 * stale_answer_find() - Whether a SYN was answered with an acknowledgement of something else
 * @with_syn:  TCP_SYN: a SYN-ACK; 0: an ACK without SYN
 * @out:       valid only with true
 *
 * Looks at what came before the first good SYN-ACK only. Source: docs/precedence.md, section 1,
 * rows 8 and 9; RFC 9293, section 3.10.7.3 and figures 8 to 10.
 */
bool stale_answer_find(const struct conn *conn, unsigned with_syn, struct stale_answer *out);

#endif /* TCPWHY_JUDGE_STALE_H */
