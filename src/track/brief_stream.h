/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_TRACK_BRIEF_STREAM_H
#define TCPWHY_TRACK_BRIEF_STREAM_H

#include "base/cursor.h"
#include "base/pool.h"
#include "tcp/segment.h"
#include "track/brief.h"

struct pools;

/* How the segments of a brief are written down and read back. For brief.c and straight.c alone. */

/* Of struct segment.what: all that a record can say. */
#define STREAM_WHAT                                                                                \
	(SEGMENT_IPV6 | SEGMENT_PAYLOAD_CUT | SEGMENT_TCP_SUM_KNOWN | SEGMENT_DONT_FRAGMENT)

/* Before the first record: the time that it starts at. */
void stream_begin(struct brief *brief, const struct segment *seg);

/* Put a segment behind the others. Return: false: no room, or a record cannot say it; nothing was
   changed. */
bool stream_add(struct pools *pools, struct brief *brief, const struct segment *seg, bool swapped);

/* What the records so far tell of the next one, and what holds for all of them. */
struct known {
	int64_t last_ns;
	uint32_t nxt[2];   /* what each end sends next, by key order */
	uint32_t ip_bytes; /* of the IP header */
	uint16_t what;	   /* enum segment_what */
};

/* A stream while it is read. */
struct brief_reader {
	const struct pools *pools; /* borrowed */
	const struct brief *brief; /* borrowed: whose it is */
	const uint8_t *at, *end;   /* in the chunk */
	uint32_t chunk;		   /* 0: in the brief's start */
	struct known known;
	struct segment segs[2]; /* by key order: each end's last one, of which most fields stay */
};

/* Begin to read what was written down of a brief, which stays as it is. */
void reader_open(struct brief_reader *reader, const struct pools *pools, const struct brief *brief);

/* The next segment, one of reader->segs, with all that the tracker reads; its options are borrowed
   from the stream. NULL: there are no more. */
struct segment *reader_take(struct brief_reader *reader);

/* What the next record's writer knows of the ones before. */
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
