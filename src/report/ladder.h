/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_REPORT_LADDER_H
#define TCPWHY_REPORT_LADDER_H

#include "judge/verdict.h"
#include "report/out.h"
#include "report/rows.h"

/* What a ladder shows of a connection. */
struct ladder {
	const struct conn *conn;
	const struct judgement *judgement;
	struct rows rows;
	bool utf8; /* arrows may be drawn with UTF-8 */
	bool color;
	bool elide; /* leave out the uneventful middle of a long connection */
};

/*
 * Draw a ladder in 80 columns: time, the client's states, an arrow with the segment in the notation
 * of docs/notation.md, the server's states, the frame; what is notable in a line below.
 */
void ladder_draw(struct out *out, const struct ladder *ladder);

#define SEGMENT_TEXT_BYTES 160

/* The segment in the notation, without time and direction: "P. 1:518(517) ack 1". */
void row_format(char text[static SEGMENT_TEXT_BYTES], const struct row *row);

/* The notes that a person should see, as words: "resent by timer, spurious"; "" for none. */
void row_notes(char text[static SEGMENT_TEXT_BYTES], const struct row *row);

/* Whether some verdict of the connection rests on this frame (and: is decided by it). */
bool judgement_cites(const struct judgement *judgement, uint64_t frame, bool *decides);

#endif /* TCPWHY_REPORT_LADDER_H */
