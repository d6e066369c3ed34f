/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_JUDGE_TIMEWAIT_H
#define TCPWHY_JUDGE_TIMEWAIT_H

#include "judge/verdict.h"
#include "track/conn.h"

/**
 * timewait_judge() - Say which end holds TIME_WAIT, from when, until when
 * @conn:  finished; its state history tells who entered TIME_WAIT
 * @end:   which end
 * @out:   overwritten
 *
 * It begins when this end has the peer's FIN and the ACK of its own, as the tap saw them, begins
 * anew with each repeat of the peer's FIN, and ends early where a reset killed it (RFC 1337).
 * Source: RFC 9293, sections 3.6.1 and 3.10.7.4.
 */
void timewait_judge(const struct conn *conn, enum end end, struct time_wait *out);

#endif /* TCPWHY_JUDGE_TIMEWAIT_H */
