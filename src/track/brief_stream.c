/* SPDX-License-Identifier: BSD-2-Clause */
#include "track/brief_stream.h"

#include "decode/tcp_options.h"
#include "track/cold.h"

/* What a record holds besides its fixed part, and what segments it tells apart (bits of kind). */
enum record_kind {
	RECORD_SWAPPED = 0x01, /* sent by the key's second end */
	RECORD_STAMPS = 0x02, /* only time stamps in the usual layout: 4 bytes, the TSval; no SYN */
	RECORD_PAYLOAD = 0x04,	 /* 2 bytes: how much */
	RECORD_OPTIONS = 0x08,	 /* 1 byte: how many, then they, as captured */
	RECORD_SUM_KNOWN = 0x10, /* of struct segment.what */
	RECORD_CUT = 0x20,
	RECORD_WHOLE = 0x40, /* do not fragment */
	RECORD_OTHER = 0x80, /* 3 bytes: window and TTL, else as before from this end */
};

/* The high bits of record_fixed.since. */
#define SINCE_NANOSECONDS 0x80000000u /* the unit; else microseconds */
#define SINCE_SEQ	  0x40000000u /* 4 bytes: the number, else what this end sends next */
#define SINCE_ACK	  0x20000000u /* 4 bytes: likewise, else what the other end sends next */
#define SINCE_MOST	  0x1fffffffu /* with NANOSECONDS: 8 bytes, that long or longer */

/* One segment in the stream. It never leaves this process: the byte order is the machine's. */
struct record_fixed {
	uint32_t frames; /* since the connection's first */
	uint32_t since;	 /* the segment before */
	uint16_t tcp_checksum, ip_id;
	uint8_t kind; /* enum record_kind */
	uint8_t flags;
};
#define FIXED_BYTES 14
static_assert(offsetof(struct record_fixed, flags) == FIXED_BYTES - 1, "the rest is padding");

#define RECORD_CHUNKS_MOST (STREAM_RECORD_MOST / BRIEF_CHUNK_BYTES + 1)
static_assert(FIXED_BYTES + 8 + 4 + 4 + 3 + 2 + 4 + 1 + 40 == STREAM_RECORD_MOST,
	      "with everything");

/* A record while it is written. */
struct record {
	uint8_t bytes[STREAM_RECORD_MOST];
	unsigned count;
};

static inline bool has_usual_stamps(const struct segment *seg)
{
	return seg->options_bytes == TCP_TIMESTAMPS_PADDED_BYTES &&
	       seg->options_seen == TCP_HAS_TIMESTAMPS &&
	       be32_at(seg->options) == TCP_TIMESTAMPS_PADDED;
}

static inline void put(struct record *record, const void *value, size_t bytes)
{
	memcpy(record->bytes + record->count, value, bytes);
	record->count += (unsigned)bytes;
}

/* Payload and options. Return: enum record_kind bits that say what was put. */
static inline unsigned put_rest(struct record *record, const struct segment *seg)
{
	unsigned kind = 0;

	if (seg->payload_bytes) {
		uint16_t payload = (uint16_t)seg->payload_bytes;

		kind |= RECORD_PAYLOAD;
		put(record, &payload, sizeof(payload));
	}
	if (has_usual_stamps(seg) && !(seg->flags & TCP_SYN)) { /* a SYN's order tells the system */
		kind |= RECORD_STAMPS;
		put(record, &seg->tsval, sizeof(seg->tsval));
	} else if (seg->options_bytes) {
		kind |= RECORD_OPTIONS;
		put(record, &seg->options_bytes, sizeof(seg->options_bytes));
		put(record, seg->options, seg->options_bytes);
	}
	return kind;
}

/* Return: false: too many frames have passed for a record. */
static bool record_fill(struct record *record, const struct brief *brief, const struct segment *seg,
			bool swapped)
{
	uint64_t since_ns = (uint64_t)(seg->time_ns - brief->last_ns), since = since_ns / 1000;
	uint64_t frames = seg->frame - brief->first_frame;
	unsigned kind = swapped ? RECORD_SWAPPED : 0, high = 0;

	if (frames > UINT32_MAX)
		return false;
	record->count = FIXED_BYTES;
	if (since * 1000 != since_ns || since > SINCE_MOST) {
		since = since_ns < SINCE_MOST ? since_ns : SINCE_MOST;
		high |= SINCE_NANOSECONDS;
		if (since == SINCE_MOST)
			put(record, &since_ns, sizeof(since_ns));
	}
	if (seg->what & SEGMENT_TCP_SUM_KNOWN)
		kind |= RECORD_SUM_KNOWN;
	if (seg->what & SEGMENT_PAYLOAD_CUT)
		kind |= RECORD_CUT;
	if (seg->what & SEGMENT_DONT_FRAGMENT)
		kind |= RECORD_WHOLE;
	if (seg->seq.raw != brief->nxt[swapped]) {
		high |= SINCE_SEQ;
		put(record, &seg->seq.raw, sizeof(seg->seq.raw));
	}
	if (seg->ack.raw != brief->nxt[!swapped]) {
		high |= SINCE_ACK;
		put(record, &seg->ack.raw, sizeof(seg->ack.raw));
	}
	if (seg->window != brief->window[swapped] || seg->ttl != brief->ttl[swapped]) {
		kind |= RECORD_OTHER;
		put(record, &seg->window, sizeof(seg->window));
		put(record, &seg->ttl, sizeof(seg->ttl));
	}
	kind |= put_rest(record, seg);
	const struct record_fixed fixed = {
		.frames = (uint32_t)frames,
		.since = (uint32_t)since | high,
		.tcp_checksum = seg->tcp_checksum,
		.ip_id = seg->ip_id,
		.kind = (uint8_t)kind,
		.flags = seg->flags,
	};

	memcpy(record->bytes, &fixed, FIXED_BYTES);
	return true;
}

/* Put a record behind the others. Return: false: no room, nothing was changed. */
static bool record_append(struct pools *pools, struct brief *brief, const struct record *record)
{
	struct pool *chunks = &pools->brief_chunks;
	unsigned done = 0;

	if (chunks->live + RECORD_CHUNKS_MOST > chunks->most)
		return false;
	while (done < record->count) {
		struct brief_chunk *last = brief->last ? pool_at(chunks, brief->last) : NULL;
		unsigned room = last ? BRIEF_CHUNK_BYTES - brief->used : 0;
		unsigned left = record->count - done, part = left < room ? left : room;

		if (part) {
			memcpy(last->bytes + brief->used, record->bytes + done, part);
			brief->used = (uint8_t)(brief->used + part);
			done += part;
			continue;
		}
		uint32_t index = pool_take(chunks);
		struct brief_chunk *fresh = pool_at(chunks, index);

		fresh->next = last ? last->next : index;
		if (last)
			last->next = index;
		brief->last = index;
		brief->used = 0;
		brief->chunks++;
	}
	return true;
}

bool stream_begin(struct pools *pools, struct brief *brief, const struct segment *seg)
{
	struct record start = { .count = 0 };

	put(&start, &seg->time_ns, sizeof(seg->time_ns));
	return record_append(pools, brief, &start);
}

bool stream_add(struct pools *pools, struct brief *brief, const struct segment *seg, bool swapped)
{
	struct record record;

	return record_fill(&record, brief, seg, swapped) && record_append(pools, brief, &record);
}

/* The whole stream in one piece. Return: how many bytes. */
static size_t gather(const struct pools *pools, const struct brief *brief,
		     uint8_t bytes[static STREAM_MOST])
{
	const struct pool *chunks = &pools->brief_chunks;
	const struct brief_chunk *chunk = pool_at(chunks, brief->last);
	size_t count = 0;

	for (uint32_t at = chunk->next;; at = chunk->next) {
		size_t part = at == brief->last ? brief->used : BRIEF_CHUNK_BYTES;

		chunk = pool_at(chunks, at);
		memcpy(bytes + count, chunk->bytes, part);
		count += part;
		if (at == brief->last)
			return count;
	}
}

static inline void take(struct cursor *in, void *value, size_t bytes)
{
	const uint8_t *b = cursor_skip(in, bytes);

	if (b)
		memcpy(value, b, bytes);
}

/* What follows the fixed part of a record. @seg: the fields of this end's last segment still stand
   in it: window, TTL and ports stay. */
static void record_rest(struct cursor *in, uint8_t kind, struct segment *seg)
{
	uint16_t payload = 0;

	if (kind & RECORD_OTHER) {
		take(in, &seg->window, sizeof(seg->window));
		take(in, &seg->ttl, sizeof(seg->ttl));
	}
	if (kind & RECORD_PAYLOAD)
		take(in, &payload, sizeof(payload));
	seg->payload_bytes = payload;
	seg->options = NULL;
	seg->options_bytes = 0;
	seg->options_seen = 0;
	seg->mptcp_subtypes = 0;
	if (kind & RECORD_STAMPS) {
		take(in, &seg->tsval, sizeof(seg->tsval));
		seg->options_bytes = TCP_TIMESTAMPS_PADDED_BYTES;
		seg->options_seen = TCP_HAS_TIMESTAMPS;
	} else if (kind & RECORD_OPTIONS) {
		seg->options_bytes = cursor_u8(in);
		struct cursor options = cursor_take(in, seg->options_bytes);

		seg->options = options.at;
		seg->mss = 0;
		seg->window_scale = 0;
		tcp_options_decode(&options, seg);
	}
}

/* @nxt: what each end sends next, by key order. */
static inline void read_record(struct cursor *in, const struct brief *brief,
			       const uint32_t nxt[static 2], const struct record_fixed *fixed,
			       struct segment *seg)
{
	bool swapped = fixed->kind & RECORD_SWAPPED;
	uint32_t seq = nxt[swapped], ack = nxt[!swapped];

	if (fixed->since & SINCE_SEQ)
		take(in, &seq, sizeof(seq));
	if (fixed->since & SINCE_ACK)
		take(in, &ack, sizeof(ack));
	seg->frame = brief->first_frame + fixed->frames;
	seg->seq = seq_of(seq);
	seg->ack = seq_of(ack);
	seg->tcp_checksum = fixed->tcp_checksum;
	seg->ip_id = fixed->ip_id;
	seg->flags = fixed->flags;
	seg->what = brief->bits & BRIEF_IPV6 ? SEGMENT_IPV6 : 0;
	if (fixed->kind & RECORD_SUM_KNOWN)
		seg->what |= SEGMENT_TCP_SUM_KNOWN;
	if (fixed->kind & RECORD_CUT)
		seg->what |= SEGMENT_PAYLOAD_CUT;
	if (fixed->kind & RECORD_WHOLE)
		seg->what |= SEGMENT_DONT_FRAGMENT;
	record_rest(in, fixed->kind, seg);
	seg->header_bytes = (uint8_t)(20 + seg->options_bytes);
	seg->ip_bytes =
		(brief->bits & BRIEF_IPV6 ? 40u : 20u) + seg->header_bytes + seg->payload_bytes;
}

void reader_open(struct brief_reader *reader, const struct pools *pools, const struct brief *brief)
{
	const struct tuple *tuple = &brief->tuple;
	struct segment *segs = reader->segs;

	reader->brief = brief;
	reader->in = cursor_over(reader->bytes, gather(pools, brief, reader->bytes));
	reader->known = (struct brief){ .last_ns = 0 };
	take(&reader->in, &reader->known.last_ns, sizeof(reader->known.last_ns));
	segs[0] = (struct segment){ .path = brief->path };
	segs[1] = segs[0];
	segs[0].src = segs[1].dst = tuple->ip_a;
	segs[0].dst = segs[1].src = tuple->ip_b;
	segs[0].src_port = segs[1].dst_port = tuple->port_a;
	segs[0].dst_port = segs[1].src_port = tuple->port_b;
}

/* The time between two segments. */
static inline int64_t since_of(struct cursor *in, uint32_t packed)
{
	int64_t since = packed & SINCE_MOST;

	if (!(packed & SINCE_NANOSECONDS))
		return since * 1000;
	if (since == SINCE_MOST)
		take(in, &since, sizeof(since));
	return since;
}

struct segment *reader_take(struct brief_reader *reader)
{
	struct record_fixed fixed = { .kind = 0 };

	if (!cursor_left(&reader->in))
		return NULL;
	take(&reader->in, &fixed, FIXED_BYTES);
	bool swapped = fixed.kind & RECORD_SWAPPED;
	struct segment *seg = &reader->segs[swapped];

	seg->time_ns = reader->known.last_ns + since_of(&reader->in, fixed.since);
	read_record(&reader->in, reader->brief, reader->known.nxt, &fixed, seg);
	stream_learn(&reader->known, seg, swapped);
	return seg;
}
