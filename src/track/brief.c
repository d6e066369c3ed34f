/* SPDX-License-Identifier: BSD-2-Clause */
#include "track/brief.h"

#include "base/cursor.h"
#include "decode/tcp_options.h"
#include "track/tracker.h"

/* What a record holds besides its fixed part, and what segments it tells apart (bits of kind). */
enum record_kind {
	RECORD_SWAPPED = 0x01,	 /* sent by the key's second end */
	RECORD_STAMPS = 0x02,	 /* only time stamps in the usual layout: the TSval follows */
	RECORD_PAYLOAD = 0x04,	 /* two bytes follow: how much */
	RECORD_OPTIONS = 0x08,	 /* one byte follows: how many, then they, as captured */
	RECORD_SUM_KNOWN = 0x10, /* of struct segment.what */
	RECORD_CUT = 0x20,
	RECORD_WHOLE = 0x40,	   /* do not fragment */
	RECORD_NANOSECONDS = 0x80, /* the unit of time; else microseconds */
};

/* One segment in the stream. It never leaves this process: byte order and padding are the
 * machine's. */
struct record_fixed {
	uint32_t frames; /* since the connection's first */
	uint32_t since;	 /* the segment before, by kind's unit */
	uint32_t seq, ack;
	uint16_t tcp_checksum, ip_id, window;
	uint8_t kind; /* enum record_kind */
	uint8_t flags;
};
static_assert(sizeof(struct record_fixed) == 24, "without a hole");

#define RECORD_MOST (24 + 1 + 4 + 2 + 1 + 40) /* with TTL, TSval, payload, options */
#define STREAM_MOST (BRIEF_SEGMENTS_MOST * RECORD_MOST)

/* Of struct segment.what: all that a record can say. */
#define WHAT_PLAIN                                                                                 \
	(SEGMENT_IPV6 | SEGMENT_PAYLOAD_CUT | SEGMENT_TCP_SUM_KNOWN | SEGMENT_DONT_FRAGMENT)

static struct brief *brief_at(const struct tracker *tracker, uint32_t index)
{
	return pool_at(&tracker->pools.briefs, index);
}

/* A record while it is written. */
struct record {
	uint8_t bytes[RECORD_MOST];
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

/* @since_ns: the segment before. Return: false: too long ago for a record. */
static inline bool record_fill(struct record *record, const struct brief *brief,
			       const struct segment *seg, bool swapped, int64_t since_ns)
{
	uint64_t since = (uint64_t)since_ns / 1000;
	bool micro = since * 1000 == (uint64_t)since_ns;
	uint64_t frames = seg->frame - brief->first_frame;
	unsigned kind = swapped ? RECORD_SWAPPED : 0;

	if (!micro) {
		since = (uint64_t)since_ns;
		kind |= RECORD_NANOSECONDS;
	}
	if (since > UINT32_MAX || frames > UINT32_MAX)
		return false;
	if (seg->what & SEGMENT_TCP_SUM_KNOWN)
		kind |= RECORD_SUM_KNOWN;
	if (seg->what & SEGMENT_PAYLOAD_CUT)
		kind |= RECORD_CUT;
	if (seg->what & SEGMENT_DONT_FRAGMENT)
		kind |= RECORD_WHOLE;
	record->count = sizeof(struct record_fixed);
	put(record, &seg->ttl, sizeof(seg->ttl));
	if (seg->payload_bytes) {
		uint16_t payload = (uint16_t)seg->payload_bytes;

		kind |= RECORD_PAYLOAD;
		put(record, &payload, sizeof(payload));
	}
	if (seg->options_bytes && has_usual_stamps(seg)) {
		kind |= RECORD_STAMPS;
		put(record, &seg->tsval, sizeof(seg->tsval));
	} else if (seg->options_bytes) {
		kind |= RECORD_OPTIONS;
		put(record, &seg->options_bytes, sizeof(seg->options_bytes));
		put(record, seg->options, seg->options_bytes);
	}
	const struct record_fixed fixed = {
		.frames = (uint32_t)frames,
		.since = (uint32_t)since,
		.seq = seg->seq.raw,
		.ack = seg->ack.raw,
		.tcp_checksum = seg->tcp_checksum,
		.ip_id = seg->ip_id,
		.window = seg->window,
		.kind = (uint8_t)kind,
		.flags = seg->flags,
	};

	memcpy(record->bytes, &fixed, sizeof(fixed));
	return true;
}

/* Put a record behind the others. Return: false: no room, nothing was changed. */
static inline bool record_append(struct pools *pools, struct brief *brief,
				 const struct record *record)
{
	struct brief_chunk *last = brief->last ? pool_at(&pools->brief_chunks, brief->last) : NULL;
	unsigned room = last ? BRIEF_CHUNK_BYTES - brief->used : 0;

	if (record->count <= room) {
		memcpy(last->bytes + brief->used, record->bytes, record->count);
		brief->used = (uint8_t)(brief->used + record->count);
		return true;
	}
	uint32_t index = pool_take(&pools->brief_chunks);

	if (!index)
		return false;
	struct brief_chunk *fresh = pool_at(&pools->brief_chunks, index);

	if (last) {
		memcpy(last->bytes + brief->used, record->bytes, room);
		fresh->next = last->next;
		last->next = index;
	} else {
		fresh->next = index;
	}
	memcpy(fresh->bytes, record->bytes + room, record->count - room);
	brief->last = index;
	brief->used = (uint8_t)(record->count - room);
	return true;
}

static inline void brief_learn(struct brief *brief, const struct segment *seg, bool swapped)
{
	struct seq end = segment_end(seg);

	brief->last_ns = seg->time_ns;
	if ((seg->flags & TCP_SYN) || seq_after(end, seq_of(brief->nxt[swapped])))
		brief->nxt[swapped] = end.raw;
	brief->count++;
}

/* Put a brief into a ring; its tag is the low half of its first frame's number. */
static bool due_put(struct tracker *tracker, struct ring *ring, int64_t ns, uint32_t index)
{
	uint32_t tag = (uint32_t)brief_at(tracker, index)->first_frame;

	if (!ring_room(ring))
		return false;
	ring_put(ring, (struct ring_entry){ .ns = ns, .index = index, .tag = tag });
	if (ns < tracker->next_due_ns)
		tracker->next_due_ns = ns;
	return true;
}

/* Whether the stream can say all that the tracker would read of a segment. */
static bool is_plain(const struct tracker *tracker, const struct segment *seg)
{
	uint32_t ip_bytes = segment_has(seg, SEGMENT_IPV6) ? 40 : 20;

	return !(seg->what & ~WHAT_PLAIN) && !seg->layer && !tracker->frame_back &&
	       seg->payload_bytes <= UINT16_MAX && seg->time_ns == tracker->clock_ns &&
	       seg->header_bytes == 20 + seg->options_bytes &&
	       seg->ip_bytes == ip_bytes + seg->header_bytes + seg->payload_bytes;
}

static void sight(const struct tracker *tracker, const struct segment *seg, int64_t answer_ns)
{
	struct host_sighting host = {
		.ip = seg->src, .frame = seg->frame, .answer_ns = answer_ns, .ttl = seg->ttl
	};

	if (tracker->sink.host)
		tracker->sink.host(tracker->sink.context, &host);
}

static void brief_give(struct tracker *tracker, uint32_t index)
{
	struct pool *chunks = &tracker->pools.brief_chunks;
	struct brief *brief = brief_at(tracker, index);
	uint32_t at = brief->last;

	while (at) {
		const struct brief_chunk *chunk = pool_at(chunks, at);
		uint32_t next = chunk->next == brief->last ? 0 : chunk->next;

		pool_give(chunks, at);
		at = next;
	}
	brief->first_frame = 0;
	pool_give(&tracker->pools.briefs, index);
}

bool brief_begin(struct tracker *tracker, const struct segment *seg, uint64_t hash,
		 const struct tuple *tuple, bool swapped)
{
	struct pools *pools = &tracker->pools;
	struct record record;

	if ((seg->flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) != TCP_SYN ||
	    !is_plain(tracker, seg) || seg->payload_bytes ||
	    pools->flows.live + pools->briefs.live >= tracker->flows_most ||
	    (seg->src_port == seg->dst_port && ip_address_equal(&seg->src, &seg->dst)))
		return false;
	uint32_t index = pool_take(&pools->briefs);

	if (!index)
		return false;
	struct brief *brief = brief_at(tracker, index);

	brief->tuple = *tuple;
	brief->path = seg->path;
	brief->first_frame = seg->frame;
	brief->first_ns = seg->time_ns;
	brief->bits =
		(swapped ? BRIEF_CLIENT_B : 0) | (segment_has(seg, SEGMENT_IPV6) ? BRIEF_IPV6 : 0);
	record_fill(&record, brief, seg, swapped, 0);
	if (!record_append(pools, brief, &record) ||
	    !due_put(tracker, &tracker->brief_syns, tracker->clock_ns + SYN_GIVES_UP_NS, index) ||
	    !table_add(&tracker->table, hash, index | REF_BRIEF)) {
		brief_give(tracker, index);
		return false;
	}
	brief_learn(brief, seg, swapped);
	tracker->stats.connections++;
	if (pools->flows.live + pools->briefs.live > tracker->stats.live_most)
		tracker->stats.live_most = pools->flows.live + pools->briefs.live;
	sight(tracker, seg, TIME_NONE);
	return true;
}

/* Whether a segment of a brief can be read later: nothing hangs on it now. */
static bool can_wait(const struct tracker *tracker, const struct brief *brief,
		     const struct segment *seg, bool swapped)
{
	bool by_client = swapped == ((brief->bits & BRIEF_CLIENT_B) != 0);

	if (!is_plain(tracker, seg) || seg->path != brief->path ||
	    segment_has(seg, SEGMENT_IPV6) != ((brief->bits & BRIEF_IPV6) != 0) ||
	    brief->count == BRIEF_SEGMENTS_MOST || seg->time_ns < brief->last_ns ||
	    (seg->flags & (TCP_RST | TCP_ACK)) != TCP_ACK)
		return false;
	if (brief->bits & BRIEF_SYN_ACK)
		return !(seg->flags & TCP_SYN);
	return (seg->flags & (TCP_SYN | TCP_FIN)) == TCP_SYN && !by_client && !seg->payload_bytes &&
	       seg->ack.raw == brief->nxt[!swapped];
}

static void note_progress(struct brief *brief, const struct segment *seg, bool swapped)
{
	bool by_client = swapped == ((brief->bits & BRIEF_CLIENT_B) != 0);

	if (seg->flags & TCP_SYN)
		brief->bits |= BRIEF_SYN_ACK;
	else if (by_client && seg->seq.raw == brief->nxt[swapped] &&
		 seg->ack.raw == brief->nxt[!swapped])
		brief->bits |= BRIEF_UP;
}

bool brief_take(struct tracker *tracker, uint32_t index, const struct segment *seg, bool swapped)
{
	struct brief *brief = brief_at(tracker, index);
	struct record record;

	if (!can_wait(tracker, brief, seg, swapped) ||
	    !record_fill(&record, brief, seg, swapped, seg->time_ns - brief->last_ns))
		return false;
	if ((seg->flags & TCP_FIN) && !(brief->bits & BRIEF_FIN)) {
		if (!due_put(tracker, &tracker->brief_fins, tracker->clock_ns + RELEASE_AFTER_NS,
			     index))
			return false;
		brief->bits |= BRIEF_FIN;
	}
	if (!record_append(&tracker->pools, brief, &record))
		return false;
	if (seg->flags & TCP_SYN) { /* as input.c would, with what opening.c would measure */
		int64_t answer_ns = seg->time_ns - brief->last_ns;

		sight(tracker, seg, answer_ns < UINT32_MAX ? answer_ns : TIME_NONE);
	}
	note_progress(brief, seg, swapped);
	brief_learn(brief, seg, swapped);
	return true;
}

/* The whole stream in one piece. */
static size_t stream_gather(const struct tracker *tracker, const struct brief *brief,
			    uint8_t bytes[static STREAM_MOST])
{
	const struct pool *chunks = &tracker->pools.brief_chunks;
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

/* What follows the fixed part of a record. @seg: the fields of the last segment still stand in it.
 */
static void record_rest(struct cursor *in, uint8_t kind, struct segment *seg)
{
	const uint8_t *b;
	uint16_t payload = 0;

	seg->ttl = cursor_u8(in);
	if (kind & RECORD_PAYLOAD && (b = cursor_skip(in, sizeof(payload))))
		memcpy(&payload, b, sizeof(payload));
	seg->payload_bytes = payload;
	seg->options = NULL;
	seg->options_bytes = 0;
	seg->options_seen = 0;
	seg->mptcp_subtypes = 0;
	if (kind & RECORD_STAMPS && (b = cursor_skip(in, sizeof(seg->tsval)))) {
		memcpy(&seg->tsval, b, sizeof(seg->tsval));
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

static void record_read(struct cursor *in, const struct brief *brief, struct segment *seg)
{
	const uint8_t *b = cursor_skip(in, sizeof(struct record_fixed));
	struct record_fixed fixed = { .kind = 0 };

	if (b)
		memcpy(&fixed, b, sizeof(fixed));
	seg->time_ns += (int64_t)fixed.since * (fixed.kind & RECORD_NANOSECONDS ? 1 : 1000);
	seg->frame = brief->first_frame + fixed.frames;
	seg->seq = seq_of(fixed.seq);
	seg->ack = seq_of(fixed.ack);
	seg->tcp_checksum = fixed.tcp_checksum;
	seg->ip_id = fixed.ip_id;
	seg->window = fixed.window;
	seg->flags = fixed.flags;
	seg->what = brief->bits & BRIEF_IPV6 ? SEGMENT_IPV6 : 0;
	if (fixed.kind & RECORD_SUM_KNOWN)
		seg->what |= SEGMENT_TCP_SUM_KNOWN;
	if (fixed.kind & RECORD_CUT)
		seg->what |= SEGMENT_PAYLOAD_CUT;
	if (fixed.kind & RECORD_WHOLE)
		seg->what |= SEGMENT_DONT_FRAGMENT;
	record_rest(in, fixed.kind, seg);
	seg->header_bytes = (uint8_t)(20 + seg->options_bytes);
	seg->ip_bytes =
		(brief->bits & BRIEF_IPV6 ? 40u : 20u) + seg->header_bytes + seg->payload_bytes;
}

/* The end that sent the next record, as kind tells it. */
static bool record_swapped(const struct cursor *in)
{
	const uint8_t *b = cursor_peek(in, offsetof(struct record_fixed, kind), 1);

	return b && (*b & RECORD_SWAPPED);
}

/* Show the flow all segments of its brief, each at its time. */
static void replay(struct tracker *tracker, struct slot *slot, const struct brief *brief)
{
	uint8_t bytes[STREAM_MOST];
	struct cursor in = cursor_over(bytes, stream_gather(tracker, brief, bytes));
	/* One of each end: most fields stay. */
	struct segment segs[2] = { { .path = brief->path }, { .path = brief->path } };
	const struct tuple *tuple = &brief->tuple;
	int64_t now_ns = brief->first_ns;
	uint32_t index = 0;

	segs[0].src = segs[1].dst = tuple->ip_a;
	segs[0].dst = segs[1].src = tuple->ip_b;
	segs[0].src_port = segs[1].dst_port = tuple->port_a;
	segs[0].dst_port = segs[1].src_port = tuple->port_b;
	while (cursor_left(&in)) {
		bool swapped = record_swapped(&in);
		struct segment *seg = &segs[swapped];
		struct step step;

		seg->time_ns = now_ns;
		record_read(&in, brief, seg);
		now_ns = seg->time_ns;
		tracker->clock_ns = now_ns;
		tracker->clock_frame = seg->frame;
		if (!index)
			index = flow_resume(tracker, seg, tuple, swapped, slot);
		if (!index)
			return;
		flow_pair(tracker, &step, seg, index, swapped);
		input_segment(&step);
	}
}

/* @late: see due_settle() */
static uint32_t unfold_now(struct tracker *tracker, uint32_t index, bool late)
{
	const struct brief *brief = brief_at(tracker, index);
	struct slot *slot = table_find(&tracker->table, &brief->tuple,
				       table_hash(&tracker->table, &brief->tuple));
	int64_t clock_ns = tracker->clock_ns;
	uint64_t clock_frame = tracker->clock_frame;
	bool frame_back = tracker->frame_back;

	assert(slot && slot->ref == (index | REF_BRIEF));
	tracker->frame_back = false;
	tracker->replaying = true;
	replay(tracker, slot, brief);
	tracker->replaying = false;
	tracker->clock_ns = clock_ns;
	tracker->clock_frame = clock_frame;
	tracker->frame_back = frame_back;
	brief_give(tracker, index);
	if (slot->ref != (index | REF_BRIEF)) {
		due_settle(tracker, slot->ref, late);
		return slot->ref;
	}
	table_remove(&tracker->table, slot); /* there was no flow to be had */
	tracker->stats.moments_dropped += 1;
	return 0;
}

uint32_t brief_unfold(struct tracker *tracker, uint32_t index)
{
	return unfold_now(tracker, index, false);
}

void briefs_unfold_all(struct tracker *tracker)
{
	tracker->at_once = true;
	for (uint32_t index = 1; index <= tracker->pools.briefs.used; index++)
		if (brief_at(tracker, index)->first_frame)
			brief_unfold(tracker, index);
}

/* The next entry of a ring that is due now. Return: the brief it is of; 0: that is gone. */
static uint32_t due_take(const struct tracker *tracker, struct ring *ring)
{
	struct ring_entry entry = ring_take(ring);
	uint64_t first_frame = brief_at(tracker, entry.index)->first_frame;

	return first_frame && (uint32_t)first_frame == entry.tag ? entry.index : 0;
}

void briefs_wake(struct tracker *tracker)
{
	while (ring_next_ns(&tracker->brief_syns) <= tracker->clock_ns) {
		uint32_t index = due_take(tracker, &tracker->brief_syns);

		if (index && !(brief_at(tracker, index)->bits & BRIEF_UP))
			unfold_now(tracker, index, true);
	}
	while (ring_next_ns(&tracker->brief_fins) <= tracker->clock_ns) {
		uint32_t index = due_take(tracker, &tracker->brief_fins);

		if (index)
			unfold_now(tracker, index, true);
	}
}

int64_t briefs_next_ns(const struct tracker *tracker)
{
	int64_t syn = ring_next_ns(&tracker->brief_syns);
	int64_t fin = ring_next_ns(&tracker->brief_fins);

	return syn < fin ? syn : fin;
}
