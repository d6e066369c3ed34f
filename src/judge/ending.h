/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_JUDGE_ENDING_H
#define TCPWHY_JUDGE_ENDING_H

#include <stdbool.h>
#include <stdint.h>

#include "judge/catalogue.h"
#include "judge/context.h"
#include "judge/verdict.h"

/* What the rules for endings share. Source of the shapes: RFC 9293, sections 3.5.2 and 3.10.7. */

enum reset_shape {
	/* Bare RST whose sequence number is the acknowledgement of a segment that had just arrived:
	   a system answers for a connection that it does not have (any more). */
	RESET_REPLY,
	/* RST with ACK at the sender's own next number, acknowledging what it received, and nothing
	   asked for it: a living socket was aborted. */
	RESET_ABORT,
	/* As RESET_ABORT in its numbers, but with window 0 although the window was open, and right
	   after a segment of the peer: how other systems than Linux answer for a socket. */
	RESET_REPLY_WITH_ACK,
	RESET_ODD, /* none of these */
};

/* The accepted reset that ended the connection; NULL: none did. */
const struct reset *ending_reset(const struct context *context);

/**
 * ending_reset_shape() - To which family a reset belongs
 * @sure:  cleared when "within one RTT" had to be guessed and mattered; otherwise left alone
 */
enum reset_shape ending_reset_shape(const struct context *context, const struct reset *reset,
				    bool *sure);

/* Whether the reset's TTL is not that of its supposed sender's other packets. */
bool ending_reset_from_elsewhere(const struct reset *reset);

/* Whether the reset only tells what silence had told before: a side that had closed and whose FIN
   was acknowledged answers a probe or a bare ACK after more than HALF_ONLY_NS. */
bool ending_reset_confirms_half_only(const struct context *context, const struct reset *reset);

/* The peer's payload that met a side which had closed: what the reset answers, or, when that reset
   came before or behind others for segments in flight, payload that was never acknowledged and came
   after the FIN and within one RTT before the reset. NULL: none. */
const struct moment *ending_data_after_fin(const struct context *context,
					   const struct reset *reset);

/* How long Linux keeps a closed side waiting for the other's FIN (tcp_fin_timeout). */
#define HALF_ONLY_NS (60 * NSEC_PER_SEC)

/* Silence proves less when the capture holds nobody's packets for a while: was it running? */
void ending_weigh_pause(const struct context *context, struct verdict *out);

/* How often an end repeated its octets since it last heard of the other one. */
unsigned ending_repeats_unanswered(const struct conn *conn, enum end end);

/* How many probes in a row went unanswered up to the end: keep-alive or of a shut window. */
const struct probe_run *ending_probes_unanswered(const struct conn *conn, enum end end,
						 unsigned least);

#endif /* TCPWHY_JUDGE_ENDING_H */
