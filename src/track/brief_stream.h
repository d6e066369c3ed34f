/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_TRACK_BRIEF_STREAM_H
#define TCPWHY_TRACK_BRIEF_STREAM_H

#include <endian.h>

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

/* Before the first record: the time that it starts at. */
void stream_begin(struct brief *brief, const struct segment *seg);

/* stream_add() of any segment. */
bool stream_add_any(struct pools *pools, struct brief *brief, const struct segment *seg,
		    bool swapped);

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
#define KIND_LOW   (RECORD_SUM_KNOWN | RECORD_WHOLE)
#define CUT_SHIFT  2 /* up */
static_assert(SEGMENT_TCP_SUM_KNOWN >> WHAT_SHIFT == RECORD_SUM_KNOWN &&
		      SEGMENT_DONT_FRAGMENT >> WHAT_SHIFT == RECORD_WHOLE &&
		      SEGMENT_PAYLOAD_CUT << CUT_SHIFT == RECORD_CUT,
	      "see record_kind");

/* Of the time in a record: frames passed since the connection's first, microseconds since the
   segment before. */
#define FRAMES_BITS 24
#define FRAMES_MOST ((1u << FRAMES_BITS) - 1)
#define SINCE_MOST  ((1u << 24) - 1)

/*
 * One segment in the stream. Its number is what this end sends next, its TTL the one before from
 * this end, and there are no options but time stamps, else more follows. Nearly no record needs
 * that, so that most are written and read without a branch, in three words (little-endian, so that
 * the flags stand first):
 *
 *     what  flags 8 | kind 8 | TCP checksum 16 | IP ID 16 | window 16
 *     when  frames 24 | since 24 | octets of payload 16
 *     near  how far its ACK is behind what the other end sends next 16 | its time stamp above
 *           this end's last one 16
 */
struct record {
	uint64_t what, when;
	uint32_t near;
};
#define RECORD_BYTES 20 /* three in a chunk */

/*
 * A chunk holds whole records, so that they are written and read in place; the first ones, behind
 * the time at which all begins, are in the brief itself. A record begins with its TCP flags, and
 * none has RST: where it is set the rest of the chunk is empty.
 */
#define RECORD_NONE ((uint8_t)TCP_RST)

static inline struct record record_load(const uint8_t *at)
{
	struct record record;

	memcpy(&record.what, at, 8);
	memcpy(&record.when, at + 8, 8);
	memcpy(&record.near, at + 16, 4);
	record.what = le64toh(record.what);
	return record;
}

static inline void record_store(uint8_t *at, struct record record)
{
	record.what = htole64(record.what);
	memcpy(at, &record.what, 8);
	memcpy(at + 8, &record.when, 8);
	memcpy(at + 16, &record.near, 4);
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
	unsigned kind = record.what >> 8 & 0xff;
	bool swapped = kind & RECORD_SWAPPED, stamps = kind & RECORD_STAMPS;
	struct segment *seg = &reader->segs[swapped];

	reader->at += RECORD_BYTES;
	known->last_ns += (int64_t)(record.when >> FRAMES_BITS & SINCE_MOST) * NSEC_PER_USEC;
	seg->frame = known->first_frame + (record.when & FRAMES_MOST);
	seg->seq = seq_of(known->nxt[swapped]);
	seg->ack = seq_of(known->nxt[!swapped] - (record.near & 0xffff));
	seg->payload_bytes = (uint32_t)(record.when >> 48);
	seg->window = (uint16_t)(record.what >> 48);
	seg->tcp_checksum = (uint16_t)(record.what >> 16);
	seg->ip_id = (uint16_t)(record.what >> 32);
	seg->flags = (uint8_t)record.what;
	seg->what = (uint16_t)(known->what | (kind & KIND_LOW) << WHAT_SHIFT |
			       (kind & RECORD_CUT) >> CUT_SHIFT);
	seg->options = NULL;
	seg->mptcp_subtypes = 0;
	seg->options_bytes = stamps ? TCP_TIMESTAMPS_PADDED_BYTES : 0;
	seg->options_seen = stamps ? TCP_HAS_TIMESTAMPS : 0;
	known->tsval[swapped] += record.near >> 16; /* 0 without stamps */
	seg->tsval = known->tsval[swapped];
	if (kind & RECORD_MORE)
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

/* The fixed part of a record, without RECORD_MORE. @us, @tsval_on: that fit, else 0 */
static inline struct record record_of(const struct brief *brief, const struct segment *seg,
				      bool swapped, bool stamps, uint64_t us, uint32_t tsval_on)
{
	unsigned kind = (swapped ? RECORD_SWAPPED : 0) | (stamps ? RECORD_STAMPS : 0) |
			((seg->what >> WHAT_SHIFT) & KIND_LOW) |
			((unsigned)seg->what << CUT_SHIFT & RECORD_CUT);

	return (struct record){
		.what = seg->flags | kind << 8 | (uint32_t)seg->tcp_checksum << 16 |
			(uint64_t)seg->ip_id << 32 | (uint64_t)seg->window << 48,
		.when = (seg->frame - brief->first_frame) | us << FRAMES_BITS |
			(uint64_t)seg->payload_bytes << 48,
		.near = ((brief->nxt[!swapped] - seg->ack.raw) & 0xffff) | tsval_on << 16,
	};
}

/* stream_add() of a segment of which a record's fixed part says all, if there is room where the
   stream is now: most are. All that would need more is looked for at once. */
static inline bool stream_add_usual(const struct pools *pools, struct brief *brief,
				    const struct segment *seg, bool swapped)
{
	struct room room = room_of(pools, brief);
	uint64_t since_ns = (uint64_t)(seg->time_ns - brief->last_ns), us = since_ns / 1000;
	bool stamps = seg->options_bytes != 0;
	uint32_t tsval_on = stamps ? seg->tsval - brief->tsval[swapped] : 0;
	uint64_t more = (seg->frame - brief->first_frame) >> FRAMES_BITS | (us * 1000 ^ since_ns) |
			us >> FRAMES_BITS | (seg->seq.raw ^ brief->nxt[swapped]) |
			(brief->nxt[!swapped] - seg->ack.raw) >> 16 | tsval_on >> 16 |
			(unsigned)(seg->ttl ^ brief->ttl[swapped]);

	if (more || (stamps && !has_usual_stamps(seg)) || room.count - brief->used < RECORD_BYTES)
		return false;
	record_store(room.bytes + brief->used,
		     record_of(brief, seg, swapped, stamps, us, tsval_on));
	brief->used = (uint8_t)(brief->used + RECORD_BYTES);
	return true;
}

/* Put a segment behind the others. Return: false: no room, or a record cannot say it; nothing was
   changed. */
static inline bool stream_add(struct pools *pools, struct brief *brief, const struct segment *seg,
			      bool swapped)
{
	return stream_add_usual(pools, brief, seg, swapped) ||
	       stream_add_any(pools, brief, seg, swapped);
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
