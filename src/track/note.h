/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_TRACK_NOTE_H
#define TCPWHY_TRACK_NOTE_H

#include "track/conn.h"

#define NOTE_COUNT 31 /* bits of enum note */

/* "resent" for bit 0, and so on: the words of --format packets and the ladder. Static storage. */
const char *note_name(unsigned bit);

#endif /* TCPWHY_TRACK_NOTE_H */
