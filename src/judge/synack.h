/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_JUDGE_SYNACK_H
#define TCPWHY_JUDGE_SYNACK_H

#include <stdbool.h>

#include "track/conn.h"

/* The SYN-ACKs that the server sent again by its timer (not in answer to a repeated SYN). */
struct synack_repeats {
	unsigned count;			      /* of them */
	unsigned after_ack;		      /* of them, after an ACK of the client's was seen */
	const struct moment *first;	      /* NULL: none */
	const struct moment *first_after_ack; /* NULL: none */
	const struct moment *last;	      /* NULL: none */
	bool data_ignored; /* the client's first data was sent again while the SYN-ACK was */
};

/* Source: docs/precedence.md, section 2 (look-alikes of the handshake). */
void synack_repeats_of(const struct conn *conn, struct synack_repeats *out);

#endif /* TCPWHY_JUDGE_SYNACK_H */
