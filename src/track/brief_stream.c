/* SPDX-License-Identifier: BSD-2-Clause */
#include "track/brief_stream.h"

#include "decode/tcp_options.h"
#include "track/cold.h"

/* What follows a record's fixed part where that cannot say all, in this order (bits). */
enum record_more {
	MORE_SINCE = 0x01,   /* 8 bytes: nanoseconds since the segment before */
	MORE_SEQ = 0x02,     /* 4 bytes */
	MORE_ACK = 0x04,     /* 4 bytes */
	MORE_TSVAL = 0x08,   /* 4 bytes */
	MORE_TTL = 0x10,     /* 1 byte */
	MORE_OPTIONS = 0x20, /* 1 byte: how many, then they, as captured */
};

/* With everything; then it is not written. */
#define RECORD_MOST (RECORD_BYTES + 1 + 8 + 4 + 4 + 4 + 1 + 1 + 40)

/* The bits that are set where a condition holds. */
static inline unsigned bits_if(bool holds, unsigned bits)
{
	return holds ? bits : 0;
}

static inline uint8_t *put(uint8_t *at, const void *value, size_t bytes)
{
	memcpy(at, value, bytes);
	return at + bytes;
}

/* What follows a record's fixed part. @more: enum record_more. Return: behind it. */
static uint8_t *put_more(uint8_t *at, unsigned more, uint64_t since_ns, const struct segment *seg)
{
	*at++ = (uint8_t)more;
	if (more & MORE_SINCE)
		at = put(at, &since_ns, sizeof(since_ns));
	if (more & MORE_SEQ)
		at = put(at, &seg->seq.raw, sizeof(seg->seq.raw));
	if (more & MORE_ACK)
		at = put(at, &seg->ack.raw, sizeof(seg->ack.raw));
	if (more & MORE_TSVAL)
		at = put(at, &seg->tsval, sizeof(seg->tsval));
	if (more & MORE_TTL)
		*at++ = seg->ttl;
	if (more & MORE_OPTIONS) {
		*at++ = seg->options_bytes;
		at = put(at, seg->options, seg->options_bytes);
	}
	return at;
}

/* Make the record of a segment. Return: how many bytes it has; 0: too many frames have passed for
   one. */
static size_t record_make(uint8_t bytes[static RECORD_MOST], const struct brief *brief,
			  const struct segment *seg, bool swapped)
{
	uint64_t frames = seg->frame - brief->first_frame;
	uint64_t since_ns = (uint64_t)(seg->time_ns - brief->last_ns), us = since_ns / 1000;
	uint32_t ack_back = brief->nxt[!swapped] - seg->ack.raw;
	uint32_t tsval_on = seg->tsval - brief->tsval[swapped];
	bool stamps = has_usual_stamps(seg);
	unsigned more = bits_if(us * 1000 != since_ns || us > SINCE_MOST, MORE_SINCE) |
			bits_if(seg->seq.raw != brief->nxt[swapped], MORE_SEQ) |
			bits_if(ack_back > UINT16_MAX, MORE_ACK) |
			bits_if(stamps && tsval_on > UINT16_MAX, MORE_TSVAL) |
			bits_if(seg->ttl != brief->ttl[swapped], MORE_TTL) |
			bits_if(!stamps && seg->options_bytes, MORE_OPTIONS);
	uint32_t near_tsval = stamps && !(more & MORE_TSVAL) ? tsval_on << 16 : 0;

	if (frames > FRAMES_MOST)
		return 0;
	record_put(bytes, seg, swapped, stamps,
		   frames | (more & MORE_SINCE ? 0 : us) << FRAMES_BITS,
		   (ack_back & UINT16_MAX) | near_tsval);
	if (!more)
		return RECORD_BYTES;
	bytes[offsetof(struct record, kind)] |= RECORD_MORE;
	return (size_t)(put_more(bytes + RECORD_BYTES, more, since_ns, seg) - bytes);
}

uint8_t *stream_room_add(struct pools *pools, struct brief *brief)
{
	struct pool *chunks = &pools->brief_chunks;
	struct room room = room_of(pools, brief);
	uint32_t index = pool_take_raw(chunks);

	if (!index)
		return NULL;
	struct brief_chunk *fresh = pool_at(chunks, index);

	fresh->next = index;
	if (brief->last) {
		struct brief_chunk *last = pool_at(chunks, brief->last);

		fresh->next = last->next;
		last->next = index;
	}
	if (brief->used < room.count)
		room.bytes[brief->used] = RECORD_NONE;
	brief->last = index;
	brief->used = 0;
	brief->chunks++;
	return fresh->bytes;
}

void stream_begin(struct brief *brief, const struct tuple *tuple, int64_t first_ns)
{
	uint8_t *at = brief->start;

	if (brief->bits & BRIEF_IPV6) {
		at = put(at, tuple, sizeof(*tuple));
	} else {
		at = put(at, tuple->ip_a.bytes + 12, 4);
		at = put(at, tuple->ip_b.bytes + 12, 4);
		at = put(at, &tuple->port_a, sizeof(tuple->port_a));
		at = put(at, &tuple->port_b, sizeof(tuple->port_b));
	}
	at = put(at, &first_ns, sizeof(first_ns));
	brief->used = (uint8_t)(at - brief->start);
}

struct tuple brief_tuple(const struct brief *brief)
{
	const uint8_t *at = brief->start;
	struct tuple tuple;

	if (brief->bits & BRIEF_IPV6) {
		memcpy(&tuple, at, sizeof(tuple));
		return tuple;
	}
	tuple.ip_a = ip_address_v4(at);
	tuple.ip_b = ip_address_v4(at + 4);
	memcpy(&tuple.port_a, at + 8, sizeof(tuple.port_a));
	memcpy(&tuple.port_b, at + 10, sizeof(tuple.port_b));
	return tuple;
}

bool stream_add(struct pools *pools, struct brief *brief, const struct segment *seg, bool swapped)
{
	uint8_t bytes[RECORD_MOST];
	size_t count = record_make(bytes, brief, seg, swapped);
	struct room room = room_of(pools, brief);
	uint8_t *at = room.bytes + brief->used;

	if (!count || count > BRIEF_CHUNK_BYTES ||
	    (count > room.count - brief->used && !(at = stream_room_add(pools, brief))))
		return false;
	memcpy(at, bytes, count);
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
	const struct tuple tuple = brief_tuple(brief);
	struct segment *segs = reader->segs;
	bool ipv6 = brief->bits & BRIEF_IPV6;

	reader->pools = pools;
	reader->brief = brief;
	reader->known = (struct known){
		.last_ns = stream_first_ns(brief),
		.first_frame = brief->first_frame,
		.ip_bytes = ipv6 ? 40 : 20,
		.what = ipv6 ? SEGMENT_IPV6 : 0,
	};
	reader->chunk = 0;
	reader->at = stream_records(brief);
	reader->end = brief->start + (brief->last ? BRIEF_START_BYTES : brief->used);
	segs[0] = (struct segment){ .path = brief->path };
	segs[1] = segs[0];
	segs[0].src = segs[1].dst = tuple.ip_a;
	segs[0].dst = segs[1].src = tuple.ip_b;
	segs[0].src_port = segs[1].dst_port = tuple.port_a;
	segs[0].dst_port = segs[1].src_port = tuple.port_b;
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

void reader_take_more(struct brief_reader *reader, struct segment *seg, bool swapped)
{
	struct known *known = &reader->known;
	const uint8_t *at = reader->at;
	uint8_t more = *at++;
	uint64_t since_ns;

	if (more & MORE_SINCE) {
		at = get(at, &since_ns, sizeof(since_ns));
		known->last_ns += (int64_t)since_ns;
	}
	if (more & MORE_SEQ)
		at = get(at, &seg->seq.raw, sizeof(seg->seq.raw));
	if (more & MORE_ACK)
		at = get(at, &seg->ack.raw, sizeof(seg->ack.raw));
	if (more & MORE_TSVAL)
		at = get(at, &seg->tsval, sizeof(seg->tsval));
	if (more & MORE_TTL)
		seg->ttl = *at++;
	if (more & MORE_OPTIONS)
		at = get_options(at, seg);
	if (seg->options_seen & TCP_HAS_TIMESTAMPS)
		known->tsval[swapped] = seg->tsval;
	reader->at = at;
}

bool reader_next_chunk(struct brief_reader *reader)
{
	if (reader->chunk == reader->brief->last)
		return false;
	/* The first chunk is the last one's next. */
	uint32_t before = reader->chunk ? reader->chunk : reader->brief->last;
	const struct brief_chunk *chunk = pool_at(&reader->pools->brief_chunks, before);

	enter_chunk(reader, chunk->next);
	return true;
}

/* The parts of a record that an outline needs. Return: behind it. */
static const uint8_t *skim(const uint8_t *at, struct segment *syn, int64_t *since_ns)
{
	const struct record record = record_load(at);
	uint8_t more = 0;

	at += RECORD_BYTES;
	*since_ns = (int64_t)(record.when >> FRAMES_BITS & SINCE_MOST) * NSEC_PER_USEC;
	if (record.kind & RECORD_MORE)
		more = *at++;
	if (more & MORE_SINCE)
		at = get(at, since_ns, sizeof(*since_ns));
	if (more & MORE_SEQ)
		at += sizeof(uint32_t);
	if (more & MORE_ACK)
		at += sizeof(uint32_t);
	if (more & MORE_TSVAL)
		at += sizeof(uint32_t);
	if (more & MORE_TTL)
		at++;
	syn->window = record.window;
	syn->options = NULL;
	syn->options_bytes = 0;
	if (more & MORE_OPTIONS) {
		syn->options_bytes = *at++;
		syn->options = at;
		at += syn->options_bytes;
	}
	return at;
}

void stream_opening(const struct brief *brief, struct segment syns[static 2],
		    int64_t since_ns[static 2])
{
	const uint8_t *at = stream_records(brief);
	struct segment ack;
	int64_t first_ns;

	at = skim(at, &syns[0], &first_ns);
	at = skim(at, &syns[1], &since_ns[0]);
	skim(at, &ack, &since_ns[1]);
}
