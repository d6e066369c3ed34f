/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_REPORT_DRAWN_H
#define TCPWHY_REPORT_DRAWN_H

#include "report/ladder.h"
#include "report/report.h"

/* What the formats that draw segments share; report->state is their struct collector. */
bool drawn_open(struct report *report, struct err *err);
void drawn_free(struct report *report);
void drawn_segment(struct report *report, const struct segment *seg, const struct track_note *note,
		   const struct wireshark_packet *packet);
void drawn_moved(struct report *report, uint64_t frame, uint64_t old, uint64_t fresh);

/* Get a finished connection's drawing ready. Return: false when it is not wanted. */
bool drawn_take(struct report *report, const struct conn *conn, const struct judgement *judgement,
		struct ladder *ladder);

#endif /* TCPWHY_REPORT_DRAWN_H */
