/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_LAB_LADDER_H
#define TCPWHY_LAB_LADDER_H

#include "lab/run.h"
#include "report/out.h"

/*
 * Draw what passed the wire in 80 columns, with the states that both kernels reported in the
 * margins. A segment that reaches its end before anything else happens is one row with both frames;
 * else it leaves in one row and arrives in another, or never.
 *
 *      0.0009 FIN_WAIT_1   F. 1 ack 1 ────── held                           7
 *      0.0010                          held ────── F. 1 ack 1  FIN_WAIT_1   8
 *      0.0117              ──────────────> F. 1 ack 1          CLOSING      9
 *
 * A state in parentheses was passed within one delivery: no look saw it, the transition table says
 * so. A row without an arrow is a change that no segment caused.
 */
void lab_ladder_draw(struct out *out, const struct run *run, bool utf8);

#endif /* TCPWHY_LAB_LADDER_H */
