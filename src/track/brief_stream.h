/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_TRACK_BRIEF_STREAM_H
#define TCPWHY_TRACK_BRIEF_STREAM_H

#include "base/cursor.h"
#include "base/pool.h"
#include "tcp/segment.h"
#include "track/brief.h"

struct pools;

/* How the segments of a brief are written down and read back. For brief.c alone. */

#define STREAM_RECORD_MOST 72 /* bytes of one segment (brief_stream.c) */
#define STREAM_MOST	   ((size_t)BRIEF_SEGMENTS_MOST * STREAM_RECORD_MOST + sizeof(int64_t))

/* Of struct segment.what: all that a record can say. */
#define STREAM_WHAT                                                                                \
	(SEGMENT_IPV6 | SEGMENT_PAYLOAD_CUT | SEGMENT_TCP_SUM_KNOWN | SEGMENT_DONT_FRAGMENT)

/* Before the first record: the time that it starts at. Return: false: no room. */
bool stream_begin(struct pools *pools, struct brief *brief, const struct segment *seg);

/* Put a segment behind the others. Return: false: no room, or too much time or too many frames have
   passed for a record; nothing was changed. */
bool stream_add(struct pools *pools, struct brief *brief, const struct segment *seg, bool swapped);

/* The whole stream in one piece. Return: how many bytes. */
size_t stream_gather(const struct pools *pools, const struct brief *brief,
		     uint8_t bytes[static STREAM_MOST]);

/* The time that stream_begin() put there. */
int64_t stream_start(struct cursor *in);

/* Whether the key's second end sent the next segment. */
bool stream_swapped(const struct cursor *in);

/**
 * stream_next() - Read the next segment
 * @brief:  whose stream it is
 * @nxt:    what each end sends next, by key order (stream_learn())
 * @seg:    in: time of the segment before; window, TTL, addresses and ports of this end's last one,
 * which stay; out: all that the tracker reads; options are borrowed from the stream
 */
void stream_next(struct cursor *in, const struct brief *brief, const uint32_t nxt[static 2],
		 struct segment *seg);

/* What the next record's writer, and its reader, know of the ones before. */
static inline void stream_learn(struct brief *brief, const struct segment *seg, bool swapped)
{
	struct seq end = segment_end(seg);

	brief->last_ns = seg->time_ns;
	brief->window[swapped] = seg->window;
	brief->ttl[swapped] = seg->ttl;
	if ((seg->flags & TCP_SYN) || seq_after(end, seq_of(brief->nxt[swapped])))
		brief->nxt[swapped] = end.raw;
}

#endif /* TCPWHY_TRACK_BRIEF_STREAM_H */
