/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_TRACK_OUTLINE_H
#define TCPWHY_TRACK_OUTLINE_H

#include "track/brief_stream.h"
#include "track/straight.h"
#include "track/tracker.h"

/*
 * The outline of a connection that went straight and in which nothing happened: what is counted
 * when nobody asks for more. It is noted while the segments are written down, so what was written
 * is not read again. Whatever might give a record something besides its opening and its close, or
 * makes straight.c refuse, sets COURSE_EVENTFUL; sooner too often than not. Insiders of track/
 * only.
 */

#define OUTLINE_SCALE	   0x0f /* bits of outline.scale: of its windows, 0 where one end has none */
#define OUTLINE_HAS_SCALE  0x40 /* its SYN had one */
#define OUTLINE_HAS_STAMPS 0x80 /* its SYN had time stamps */

/* Whether something is still to be noted of a brief: it is not eventful. */
static inline bool outline_open(const struct brief *brief)
{
	return !(brief->course & COURSE_EVENTFUL);
}

/* Begin the outline of a brief with its SYN. */
void outline_begin(struct brief *brief, const struct segment *seg, bool swapped);

/* Note the SYN-ACK; before it is written down. */
void outline_answer(struct brief *brief, const struct segment *seg, bool swapped);

/* Note a segment that ends the handshake or closes, before anything else is noted of it. */
void outline_unusual(struct brief *brief, const struct segment *seg, bool swapped);

/* Whether a pause of STALL_LEAST_NS or more before a segment is worth a look. */
bool outline_pause(const struct brief *brief, const struct segment *seg, bool swapped);

/* What ordinary() and in_order() of straight.c refuse, but for payload. */
static inline bool outline_odd(const struct brief *brief, const struct segment *seg, bool swapped)
{
	unsigned own = brief->outline.scale[swapped];
	unsigned options = own & OUTLINE_HAS_STAMPS ? TCP_HAS_TIMESTAMPS : 0;
	struct seq acked = seq_of(brief->acked[!swapped]);
	bool nothing = segment_seq_octets(seg) == 0 && seg->ack.raw == acked.raw;

	return nothing || seq_before(seg->ack, acked) || seg->ttl != brief->ttl[swapped] ||
	       (seg->options_seen & ~options);
}

/* Note a segment of the open connection, before it is written down: what read_segment() of
   straight.c looks at. */
static inline void outline_note(struct brief *brief, const struct segment *seg, bool swapped)
{
	struct outline *outline = &brief->outline;
	unsigned own_data = bit_of(COURSE_LAST_DATA_A, swapped);
	unsigned own_late = bit_of(COURSE_ACKED_LATE_A, swapped);
	unsigned peer_data = bit_of(COURSE_LAST_DATA_A, !swapped);
	unsigned peer_late = bit_of(COURSE_ACKED_LATE_A, !swapped);
	int64_t since_ns = seg->time_ns - brief->last_ns;
	unsigned course = brief->course;
	bool eventful = outline_odd(brief, seg, swapped);

	if (seg->ack.raw != brief->acked[!swapped]) {
		bool late = seg->time_ns - outline->data_ns[!swapped] >= STALL_DELACK_LEAST_NS;

		course &= ~peer_late;
		if (late && (course & peer_data))
			course |= peer_late;
	}
	if (seg->payload_bytes) {
		eventful = eventful || seg->payload_bytes > outline->payload_most[swapped] ||
			   !seq_before(segment_end(seg), seq_of(outline->edge[swapped])) ||
			   ((course & own_data) && (course & own_late));
		outline->data_ns[swapped] = seg->time_ns;
		course = (course & ~own_late) | own_data;
	} else {
		course &= ~own_data;
	}
	brief->course = (uint8_t)course;
	if (since_ns >= STALL_LEAST_NS && outline_pause(brief, seg, swapped))
		eventful = true;
	brief->acked[!swapped] = seg->ack.raw;
	outline->edge[!swapped] =
		seg->ack.raw + ((uint32_t)seg->window << (outline->scale[swapped] & OUTLINE_SCALE));
	if (eventful)
		brief->course |= COURSE_EVENTFUL;
}

/* Whether brief_regular() and an outline will do. */
static inline bool brief_uneventful(const struct brief *brief)
{
	return brief_regular(brief) && !(brief->course & COURSE_EVENTFUL);
}

/* The record of an uneventful brief, in @straight, which is used for nothing else. Return: NULL:
   its opening took too long for one. */
const struct conn *outline_tell(struct straight *straight, const struct brief *brief,
				const struct track_due *due);

#endif /* TCPWHY_TRACK_OUTLINE_H */
