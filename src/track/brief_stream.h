/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_TRACK_BRIEF_STREAM_H
#define TCPWHY_TRACK_BRIEF_STREAM_H

#include <stddef.h>

#include "base/cursor.h"
#include "base/pool.h"
#include "base/time.h"
#include "decode/tcp_options.h"
#include "tcp/segment.h"
#include "track/brief.h"
#include "track/cold.h"

/* How the segments of a brief are written down and read back. For brief.c, straight.c and outline.c
   alone. */

/* Of struct segment.what: all that a record can say. */
#define STREAM_WHAT                                                                                \
	(SEGMENT_IPV6 | SEGMENT_PAYLOAD_CUT | SEGMENT_TCP_SUM_KNOWN | SEGMENT_DONT_FRAGMENT)

/* Before the first record: the key, as short as it may be, and the time that all starts at. */
void stream_begin(struct brief *brief, const struct tuple *tuple, int64_t first_ns);

#define KEY_IPV4_BYTES ((size_t)12) /* both addresses, both ports */

static inline size_t key_bytes(const struct brief *brief)
{
	return brief->bits & BRIEF_IPV6 ? sizeof(struct tuple) : KEY_IPV4_BYTES;
}

static inline int64_t stream_first_ns(const struct brief *brief)
{
	int64_t first_ns;

	memcpy(&first_ns, brief->start + key_bytes(brief), sizeof(first_ns));
	return first_ns;
}

/* The first record. */
static inline const uint8_t *stream_records(const struct brief *brief)
{
	return brief->start + key_bytes(brief) + sizeof(int64_t);
}

/* Put a segment behind the others. Return: false: no room, or a record cannot say it; nothing was
   changed. */
bool stream_add(struct pools *pools, struct brief *brief, const struct segment *seg, bool swapped);

static inline bool has_usual_stamps(const struct segment *seg)
{
	return seg->options_bytes == TCP_TIMESTAMPS_PADDED_BYTES &&
	       seg->options_seen == TCP_HAS_TIMESTAMPS && !(seg->flags & TCP_SYN) &&
	       be32_at(seg->options) == TCP_TIMESTAMPS_PADDED; /* a SYN's order tells the system */
}

/* What a record holds besides its fixed part, and what segments it tells apart (bits of kind). */
enum record_kind {
	RECORD_SWAPPED = 0x01,	 /* sent by the key's second end */
	RECORD_STAMPS = 0x02,	 /* its options are time stamps in the usual layout; no SYN */
	RECORD_MORE = 0x04,	 /* a byte of enum record_more follows, and what that names */
	RECORD_SUM_KNOWN = 0x10, /* of struct segment.what, as the next two */
	RECORD_WHOLE = 0x20,	 /* do not fragment */
	RECORD_CUT = 0x40,
};

/* These bits of what and kind are each other's by a shift. */
#define WHAT_SHIFT 7 /* down, to kind */
#define KIND_WHAT  (RECORD_SUM_KNOWN | RECORD_WHOLE | RECORD_CUT)
static_assert(SEGMENT_TCP_SUM_KNOWN >> WHAT_SHIFT == RECORD_SUM_KNOWN &&
		      SEGMENT_DONT_FRAGMENT >> WHAT_SHIFT == RECORD_WHOLE &&
		      SEGMENT_PAYLOAD_CUT >> WHAT_SHIFT == RECORD_CUT,
	      "see record_kind");

/* Of the time in a record: frames passed since the connection's first, microseconds since the
   segment before. */
#define FRAMES_BITS 24
#define FRAMES_MOST ((1u << FRAMES_BITS) - 1)
#define SINCE_MOST  ((1u << 24) - 1)

/*
 * One segment in the stream. Its number is what this end sends next, its TTL the one before from
 * this end, and there are no options but time stamps, else more follows. Nearly no record needs
 * that, so that most are written and read without a branch, in three words: a segment's flags to
 * window as they lie in it, but for the kind; two by bits:
 *
 *     when  frames 24 | since 24 | octets of payload 16
 *     near  how far its ACK is behind what the other end sends next 16 | its time stamp above
 *           this end's last one 16
 */
struct record {
	uint8_t flags, kind; /* enum tcp_flag, enum record_kind */
	uint16_t tcp_checksum, ip_id, window;
	uint64_t when;
	uint32_t near;
};
#define RECORD_BYTES 20 /* three in a chunk */

#define RECORD_HEAD_BYTES offsetof(struct record, when)
static_assert(RECORD_HEAD_BYTES == 8 &&
		      offsetof(struct segment, flags_reserved) - offsetof(struct segment, flags) ==
			      offsetof(struct record, kind) &&
		      offsetof(struct segment, tcp_checksum) - offsetof(struct segment, flags) ==
			      offsetof(struct record, tcp_checksum) &&
		      offsetof(struct segment, ip_id) - offsetof(struct segment, flags) ==
			      offsetof(struct record, ip_id) &&
		      offsetof(struct segment, window) - offsetof(struct segment, flags) ==
			      offsetof(struct record, window),
	      "a record begins as the segment lies in memory");

/*
 * A chunk holds whole records, so that they are written and read in place; the first ones, behind
 * the key and the time at which all begins, are in the brief itself. A record begins with its TCP
 * flags, and none has RST: where it is set the rest of the chunk is empty.
 */
#define RECORD_NONE ((uint8_t)TCP_RST)

static inline struct record record_load(const uint8_t *at)
{
	struct record record;

	memcpy(&record, at, RECORD_HEAD_BYTES);
	memcpy(&record.when, at + 8, 8);
	memcpy(&record.near, at + 16, 4);
	return record;
}

/* Write a record without RECORD_MORE. @times: of when, without the payload */
static inline void record_put(uint8_t *at, const struct segment *seg, bool swapped, bool stamps,
			      uint64_t times, uint32_t near)
{
	uint64_t when = times | (uint64_t)seg->payload_bytes << 48;

	memcpy(at, &seg->flags, RECORD_HEAD_BYTES);
	at[offsetof(struct record, kind)] =
		(uint8_t)((swapped ? RECORD_SWAPPED : 0) | (stamps ? RECORD_STAMPS : 0) |
			  ((seg->what >> WHAT_SHIFT) & KIND_WHAT));
	memcpy(at + RECORD_HEAD_BYTES, &when, sizeof(when));
	memcpy(at + RECORD_HEAD_BYTES + sizeof(when), &near, sizeof(near));
}

/* What the records so far tell of the next one, and what holds for all of them. */
struct known {
	int64_t last_ns;
	uint64_t first_frame;
	uint32_t nxt[2]; /* what each end sends next, by key order */
	uint32_t tsval[2];
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

/* What the first three records say, which are a handshake's: window and options of both SYNs, the
   client's first, and the time between each two. */
void stream_opening(const struct brief *brief, struct segment syns[static 2],
		    int64_t since_ns[static 2]);

/* Begin to read what was written down of a brief, which stays as it is. */
void reader_open(struct brief_reader *reader, const struct pools *pools, const struct brief *brief);

/* Go to the next chunk. Return: whether there is one. */
bool reader_next_chunk(struct brief_reader *reader);

/* Read what follows the fixed part of a record with RECORD_MORE. */
void reader_take_more(struct brief_reader *reader, struct segment *seg, bool swapped);

/* The next segment, one of reader->segs, with all that the tracker reads; its options are borrowed
   from the stream. NULL: there are no more. */
static inline struct segment *reader_take(struct brief_reader *reader)
{
	struct known *known = &reader->known;

	if ((reader->at == reader->end || *reader->at == RECORD_NONE) && !reader_next_chunk(reader))
		return NULL;
	const struct record record = record_load(reader->at);
	bool swapped = record.kind & RECORD_SWAPPED, stamps = record.kind & RECORD_STAMPS;
	struct segment *seg = &reader->segs[swapped];

	memcpy(&seg->flags, &record, RECORD_HEAD_BYTES);
	seg->flags_reserved = 0;
	reader->at += RECORD_BYTES;
	known->last_ns += (int64_t)(record.when >> FRAMES_BITS & SINCE_MOST) * NSEC_PER_USEC;
	seg->frame = known->first_frame + (record.when & FRAMES_MOST);
	seg->seq = seq_of(known->nxt[swapped]);
	seg->ack = seq_of(known->nxt[!swapped] - (record.near & 0xffff));
	seg->payload_bytes = (uint32_t)(record.when >> 48);
	seg->what = (uint16_t)(known->what | (unsigned)(record.kind & KIND_WHAT) << WHAT_SHIFT);
	seg->options = NULL;
	seg->mptcp_subtypes = 0;
	seg->options_bytes = stamps ? TCP_TIMESTAMPS_PADDED_BYTES : 0;
	seg->options_seen = stamps ? TCP_HAS_TIMESTAMPS : 0;
	known->tsval[swapped] += record.near >> 16; /* 0 without stamps */
	seg->tsval = known->tsval[swapped];
	if (record.kind & RECORD_MORE)
		reader_take_more(reader, seg, swapped);
	seg->time_ns = known->last_ns;
	seg->header_bytes = (uint8_t)(20 + seg->options_bytes);
	seg->ip_bytes = known->ip_bytes + seg->header_bytes + seg->payload_bytes;
	struct seq end = segment_end(seg);

	if ((seg->flags & TCP_SYN) || seq_after(end, seq_of(known->nxt[swapped])))
		known->nxt[swapped] = end.raw;
	return seg;
}

/* Where the stream is written now. */
struct room {
	uint8_t *bytes;
	uint32_t count; /* of them in all; brief.used are used */
};

static inline struct room room_of(const struct pools *pools, struct brief *brief)
{
	if (!brief->last)
		return (struct room){ .bytes = brief->start, .count = BRIEF_START_BYTES };
	struct brief_chunk *chunk = pool_at(&pools->brief_chunks, brief->last);

	return (struct room){ .bytes = chunk->bytes, .count = BRIEF_CHUNK_BYTES };
}

/* What the next record will touch: the last chunk, or where in start it begins. Without a branch,
   which would be wrong often and not known before the brief has come. */
static inline const void *stream_next(const struct pools *pools, const struct brief *brief)
{
	const uint8_t *chunk = pool_at(&pools->brief_chunks, brief->last);
	const uint8_t *start = brief->start + brief->used;

	return brief->last ? chunk : start;
}

/* A fresh chunk behind the others, where the next record does not fit. Return: where that is to be
   written, which brief.used is the start of; NULL: none left. */
uint8_t *stream_room_add(struct pools *pools, struct brief *brief);

/*
 * stream_add() of a segment of which a record's fixed part says all; @stamps: it has no options but
 * the usual time stamps, else none at all. Return: false: it says not all, or no room. All that
 * would need more is looked for at once.
 */
static inline bool stream_add_usual(struct pools *pools, struct brief *brief,
				    const struct segment *seg, bool swapped, bool stamps)
{
	uint64_t since_ns = (uint64_t)(seg->time_ns - brief->last_ns), us = since_ns / 1000;
	uint64_t frames = seg->frame - brief->first_frame;
	uint32_t tsval_on = stamps ? seg->tsval - brief->tsval[swapped] : 0;
	uint32_t ack_back = brief->nxt[!swapped] - seg->ack.raw;
	uint64_t more = frames >> FRAMES_BITS | us >> FRAMES_BITS | (us * 1000 ^ since_ns) |
			(seg->seq.raw ^ brief->nxt[swapped]) | ack_back >> 16 | tsval_on >> 16 |
			(unsigned)(seg->ttl ^ brief->ttl[swapped]);

	if (more)
		return false;
	struct room room = room_of(pools, brief);
	uint8_t *at = room.bytes + brief->used;

	if (room.count - brief->used < RECORD_BYTES && !(at = stream_room_add(pools, brief)))
		return false;
	record_put(at, seg, swapped, stamps, frames | us << FRAMES_BITS, ack_back | tsval_on << 16);
	brief->used = (uint8_t)(brief->used + RECORD_BYTES);
	return true;
}

/* What the next record's writer knows of the ones before. */
static inline void stream_learn(struct brief *brief, const struct segment *seg, bool swapped)
{
	struct seq end = segment_end(seg);

	brief->last_ns = seg->time_ns;
	brief->ttl[swapped] = seg->ttl;
	if (seg->options_seen & TCP_HAS_TIMESTAMPS)
		brief->tsval[swapped] = seg->tsval;
	if ((seg->flags & TCP_SYN) || seq_after(end, seq_of(brief->nxt[swapped])))
		brief->nxt[swapped] = end.raw;
}

#endif /* TCPWHY_TRACK_BRIEF_STREAM_H */
