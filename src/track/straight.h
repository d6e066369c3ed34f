/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_TRACK_STRAIGHT_H
#define TCPWHY_TRACK_STRAIGHT_H

#include "track/brief.h"
#include "track/track.h"

/*
 * A connection that went straight: opened by a handshake, every octet seen once and in order, both
 * windows open, closed by one end and then by the other. Most do. Such a brief is read into its
 * record in one go, without a flow and its many steps. Insiders of track/ only.
 */
struct pools;
struct straight; /* the record, reused for all of them */

/* Owned by the caller; NULL: out of memory. */
struct straight *straight_new(void);
void straight_free(struct straight *straight);

/**
 * straight_read() - Read a brief that went straight
 *
 * Return: its record, valid until the next call; NULL: something in it has to go the long way; the
 * brief is as it was.
 */
const struct conn *straight_read(struct straight *straight, const struct pools *pools,
				 const struct brief *brief, const struct track_due *due);

#endif /* TCPWHY_TRACK_STRAIGHT_H */
