/* SPDX-License-Identifier: BSD-2-Clause */
#include "track/brief_stream.h"

#include "decode/tcp_options.h"
#include "track/cold.h"

/*
 * A chunk holds whole records, so that they are written and read in place; the first ones, behind
 * the time at which all begins, are in the brief itself. A record begins with its TCP flags, and
 * none has RST: where it is set the rest of the chunk is empty.
 */
#define RECORD_NONE ((uint8_t)TCP_RST)

/* What a record holds besides its fixed part, and what segments it tells apart (bits of kind). */
enum record_kind {
	RECORD_SWAPPED = 0x01, /* sent by the key's second end */
	RECORD_STAMPS = 0x02, /* only time stamps in the usual layout: 4 bytes, the TSval; no SYN */
	RECORD_PAYLOAD = 0x04,	 /* 2 bytes: how much */
	RECORD_OPTIONS = 0x08,	 /* 1 byte: how many, then they, as captured */
	RECORD_SUM_KNOWN = 0x10, /* of struct segment.what, as the next two */
	RECORD_WHOLE = 0x20,	 /* do not fragment */
	RECORD_CUT = 0x40,
	RECORD_OTHER = 0x80, /* 3 bytes: window and TTL, else as before from this end */
};

/* These bits of what and kind are each other's by a shift. */
#define WHAT_SHIFT 7 /* down, to kind */
#define KIND_LOW   (RECORD_SUM_KNOWN | RECORD_WHOLE)
#define CUT_SHIFT  2 /* up */
static_assert(SEGMENT_TCP_SUM_KNOWN >> WHAT_SHIFT == RECORD_SUM_KNOWN &&
		      SEGMENT_DONT_FRAGMENT >> WHAT_SHIFT == RECORD_WHOLE &&
		      SEGMENT_PAYLOAD_CUT << CUT_SHIFT == RECORD_CUT,
	      "see record_kind");

/* How many frames passed since the connection's first, and how long ago the segment before was. */
#define FRAMES_BITS	24
#define FRAMES_MOST	((1u << FRAMES_BITS) - 1)
#define SINCE_BITS	21
#define SINCE_MOST	((1u << SINCE_BITS) - 1)
#define WHEN_NANOSECOND (UINT64_C(1) << 47) /* 4 bytes: nanoseconds below; else microseconds */
#define WHEN_SEQ	(UINT64_C(1) << 46) /* 4 bytes: the number, else what this end sends next */
#define WHEN_ACK	(UINT64_C(1) << 45) /* 4 bytes: likewise, else what the other end sends next */
static_assert(FRAMES_BITS + SINCE_BITS == 45, "frames, since, three bits");

/* One segment in the stream. It never leaves this process: the byte order is the machine's. */
struct record_fixed {
	uint8_t flags;
	uint8_t kind; /* enum record_kind */
	uint16_t tcp_checksum, ip_id;
	uint16_t when[3]; /* 48 bits as above, the low ones first */
};
static_assert(sizeof(struct record_fixed) == 12, "no padding: three chunks for most connections");

/* With everything: since, number, ACK, window and TTL, payload, options; then it is not written. */
#define RECORD_MOST (sizeof(struct record_fixed) + 4 + 4 + 4 + 3 + 2 + 4 + 1 + 40)

static inline bool has_usual_stamps(const struct segment *seg)
{
	return seg->options_bytes == TCP_TIMESTAMPS_PADDED_BYTES &&
	       seg->options_seen == TCP_HAS_TIMESTAMPS &&
	       be32_at(seg->options) == TCP_TIMESTAMPS_PADDED;
}

static inline uint8_t *put(uint8_t *at, const void *value, size_t bytes)
{
	memcpy(at, value, bytes);
	return at + bytes;
}

/* Payload and options. Return: behind them. */
static inline uint8_t *put_rest(uint8_t *at, unsigned *kind, const struct segment *seg)
{
	if (seg->payload_bytes) {
		uint16_t payload = (uint16_t)seg->payload_bytes;

		*kind |= RECORD_PAYLOAD;
		at = put(at, &payload, sizeof(payload));
	}
	if (has_usual_stamps(seg) && !(seg->flags & TCP_SYN)) { /* a SYN's order tells the system */
		*kind |= RECORD_STAMPS;
		return put(at, &seg->tsval, sizeof(seg->tsval));
	}
	if (!seg->options_bytes)
		return at;
	*kind |= RECORD_OPTIONS;
	*at = seg->options_bytes;
	return put(at + 1, seg->options, seg->options_bytes);
}

/* The time since the segment before. Return: behind what does not fit into the fixed part. */
static inline uint8_t *put_since(uint8_t *at, uint64_t *when, uint64_t since_ns)
{
	uint64_t us = since_ns / 1000;
	uint32_t low_ns = (uint32_t)since_ns;

	if (us * 1000 == since_ns && us <= SINCE_MOST) {
		*when |= us << FRAMES_BITS;
		return at;
	}
	*when |= WHEN_NANOSECOND | since_ns >> 32 << FRAMES_BITS;
	return put(at, &low_ns, sizeof(low_ns));
}

/* Return: how many bytes the record has; 0: too much has passed for one, frames or time. */
static inline size_t record_fill(uint8_t bytes[static RECORD_MOST], const struct brief *brief,
				 const struct segment *seg, bool swapped)
{
	uint64_t frames = seg->frame - brief->first_frame;
	unsigned kind = (swapped ? RECORD_SWAPPED : 0) | ((seg->what >> WHAT_SHIFT) & KIND_LOW) |
			((unsigned)seg->what << CUT_SHIFT & RECORD_CUT);
	uint8_t *at = bytes + sizeof(struct record_fixed);
	uint64_t when = frames, since_ns = (uint64_t)(seg->time_ns - brief->last_ns);

	if (frames > FRAMES_MOST || since_ns >> 32 > SINCE_MOST)
		return 0;
	at = put_since(at, &when, since_ns);
	if (seg->seq.raw != brief->nxt[swapped]) {
		when |= WHEN_SEQ;
		at = put(at, &seg->seq.raw, sizeof(seg->seq.raw));
	}
	if (seg->ack.raw != brief->nxt[!swapped]) {
		when |= WHEN_ACK;
		at = put(at, &seg->ack.raw, sizeof(seg->ack.raw));
	}
	if (seg->window != brief->window[swapped] || seg->ttl != brief->ttl[swapped]) {
		kind |= RECORD_OTHER;
		at = put(at, &seg->window, sizeof(seg->window));
		*at++ = seg->ttl;
	}
	at = put_rest(at, &kind, seg);
	const struct record_fixed fixed = {
		.flags = seg->flags,
		.kind = (uint8_t)kind,
		.tcp_checksum = seg->tcp_checksum,
		.ip_id = seg->ip_id,
		.when = { (uint16_t)when, (uint16_t)(when >> 16), (uint16_t)(when >> 32) },
	};

	memcpy(bytes, &fixed, sizeof(fixed));
	return (size_t)(at - bytes);
}

/* Where the stream is written now. */
struct room {
	uint8_t *bytes;
	size_t count; /* of them in all; brief.used are used */
};

static inline struct room room_of(const struct pools *pools, struct brief *brief)
{
	if (!brief->last)
		return (struct room){ .bytes = brief->start, .count = BRIEF_START_BYTES };
	struct brief_chunk *chunk = pool_at(&pools->brief_chunks, brief->last);

	return (struct room){ .bytes = chunk->bytes, .count = BRIEF_CHUNK_BYTES };
}

/* A fresh chunk behind the others. Return: false: none left. */
static bool room_add(struct pools *pools, struct brief *brief, struct room *room)
{
	struct pool *chunks = &pools->brief_chunks;
	uint32_t index = pool_take(chunks);

	if (!index)
		return false;
	struct brief_chunk *fresh = pool_at(chunks, index);

	fresh->next = index;
	if (brief->last) {
		struct brief_chunk *last = pool_at(chunks, brief->last);

		fresh->next = last->next;
		last->next = index;
	}
	if (brief->used < room->count)
		room->bytes[brief->used] = RECORD_NONE;
	brief->last = index;
	brief->used = 0;
	brief->chunks++;
	*room = (struct room){ .bytes = fresh->bytes, .count = BRIEF_CHUNK_BYTES };
	return true;
}

/* Copy a record, most of which have 16 to 32 bytes: two moves that may overlap, instead of a call.
 */
static inline void copy_record(uint8_t *to, const uint8_t *from, size_t count)
{
	if (count < 16 || count > 32) {
		memcpy(to, from, count);
		return;
	}
	memcpy(to, from, 16);
	memcpy(to + count - 16, from + count - 16, 16);
}

void stream_begin(struct brief *brief, const struct segment *seg)
{
	memcpy(brief->start, &seg->time_ns, sizeof(seg->time_ns));
	brief->used = sizeof(seg->time_ns);
}

bool stream_add(struct pools *pools, struct brief *brief, const struct segment *seg, bool swapped)
{
	uint8_t bytes[RECORD_MOST];
	size_t count = record_fill(bytes, brief, seg, swapped);
	struct room room = room_of(pools, brief);

	if (count == 0 || count > BRIEF_CHUNK_BYTES ||
	    (count > room.count - brief->used && !room_add(pools, brief, &room)))
		return false;
	copy_record(room.bytes + brief->used, bytes, count);
	brief->used = (uint8_t)(brief->used + count);
	return true;
}

static void enter_chunk(struct brief_reader *reader, uint32_t index)
{
	const struct brief_chunk *chunk = pool_at(&reader->pools->brief_chunks, index);
	const struct brief *brief = reader->brief;

	reader->chunk = index;
	reader->at = chunk->bytes;
	reader->end = chunk->bytes + (index == brief->last ? brief->used : BRIEF_CHUNK_BYTES);
}

void reader_open(struct brief_reader *reader, const struct pools *pools, const struct brief *brief)
{
	const struct tuple *tuple = &brief->tuple;
	struct segment *segs = reader->segs;
	bool ipv6 = brief->bits & BRIEF_IPV6;

	reader->pools = pools;
	reader->brief = brief;
	reader->known =
		(struct known){ .ip_bytes = ipv6 ? 40 : 20, .what = ipv6 ? SEGMENT_IPV6 : 0 };
	reader->chunk = 0;
	memcpy(&reader->known.last_ns, brief->start, sizeof(reader->known.last_ns));
	reader->at = brief->start + sizeof(reader->known.last_ns);
	reader->end = brief->start + (brief->last ? BRIEF_START_BYTES : brief->used);
	segs[0] = (struct segment){ .path = brief->path };
	segs[1] = segs[0];
	segs[0].src = segs[1].dst = tuple->ip_a;
	segs[0].dst = segs[1].src = tuple->ip_b;
	segs[0].src_port = segs[1].dst_port = tuple->port_a;
	segs[0].dst_port = segs[1].src_port = tuple->port_b;
}

static inline const uint8_t *get(const uint8_t *at, void *value, size_t bytes)
{
	memcpy(value, at, bytes);
	return at + bytes;
}

/* The options of a record that has them as captured. Return: behind them. */
static const uint8_t *get_options(const uint8_t *at, struct segment *seg)
{
	struct cursor options = cursor_over(at + 1, *at);

	seg->options = at + 1;
	seg->options_bytes = *at;
	seg->mss = 0;
	seg->window_scale = 0;
	tcp_options_decode(&options, seg);
	return at + 1 + seg->options_bytes;
}

/* What follows the fixed part of a record. @seg: the fields of this end's last segment still stand
   in it: window, TTL and ports stay. Return: behind the record. */
static inline const uint8_t *get_rest(const uint8_t *at, uint8_t kind, struct segment *seg)
{
	uint16_t payload = 0;

	if (kind & RECORD_OTHER) {
		at = get(at, &seg->window, sizeof(seg->window));
		seg->ttl = *at++;
	}
	if (kind & RECORD_PAYLOAD)
		at = get(at, &payload, sizeof(payload));
	seg->payload_bytes = payload;
	seg->options = NULL;
	seg->options_bytes = 0;
	seg->options_seen = 0;
	seg->mptcp_subtypes = 0;
	if (kind & RECORD_STAMPS) {
		at = get(at, &seg->tsval, sizeof(seg->tsval));
		seg->options_bytes = TCP_TIMESTAMPS_PADDED_BYTES;
		seg->options_seen = TCP_HAS_TIMESTAMPS;
	} else if (kind & RECORD_OPTIONS) {
		at = get_options(at, seg);
	}
	return at;
}

/* Where the next record begins. Return: NULL: there are no more. */
static inline const uint8_t *next_record(struct brief_reader *reader)
{
	if (reader->at != reader->end && *reader->at != RECORD_NONE)
		return reader->at;
	if (reader->chunk == reader->brief->last)
		return NULL;
	/* The first chunk is the last one's next. */
	uint32_t before = reader->chunk ? reader->chunk : reader->brief->last;
	const struct brief_chunk *chunk = pool_at(&reader->pools->brief_chunks, before);

	enter_chunk(reader, chunk->next);
	return reader->at;
}

struct segment *reader_take(struct brief_reader *reader)
{
	const uint8_t *at = next_record(reader);
	struct known *known = &reader->known;
	struct record_fixed fixed;

	if (!at)
		return NULL;
	at = get(at, &fixed, sizeof(fixed));
	bool swapped = fixed.kind & RECORD_SWAPPED;
	struct segment *seg = &reader->segs[swapped];
	uint32_t seq = known->nxt[swapped], ack = known->nxt[!swapped];
	uint64_t when =
		fixed.when[0] | (uint64_t)fixed.when[1] << 16 | (uint64_t)fixed.when[2] << 32;
	uint64_t since = when >> FRAMES_BITS & SINCE_MOST;

	if (when & WHEN_NANOSECOND) {
		uint32_t low_ns;

		at = get(at, &low_ns, sizeof(low_ns));
		since = since << 32 | low_ns;
	} else {
		since *= 1000;
	}
	if (when & WHEN_SEQ)
		at = get(at, &seq, sizeof(seq));
	if (when & WHEN_ACK)
		at = get(at, &ack, sizeof(ack));
	known->last_ns += (int64_t)since;
	seg->time_ns = known->last_ns;
	seg->frame = reader->brief->first_frame + (when & FRAMES_MOST);
	seg->seq = seq_of(seq);
	seg->ack = seq_of(ack);
	seg->tcp_checksum = fixed.tcp_checksum;
	seg->ip_id = fixed.ip_id;
	seg->flags = fixed.flags;
	seg->what = (uint16_t)(known->what | (fixed.kind & KIND_LOW) << WHAT_SHIFT |
			       (fixed.kind & RECORD_CUT) >> CUT_SHIFT);
	reader->at = get_rest(at, fixed.kind, seg);
	seg->header_bytes = (uint8_t)(20 + seg->options_bytes);
	seg->ip_bytes = known->ip_bytes + seg->header_bytes + seg->payload_bytes;
	struct seq end = segment_end(seg);

	if ((seg->flags & TCP_SYN) || seq_after(end, seq_of(known->nxt[swapped])))
		known->nxt[swapped] = end.raw;
	return seg;
}
