/* SPDX-License-Identifier: BSD-2-Clause */
#include "track/brief.h"

#include "base/cursor.h"
#include "decode/tcp_options.h"
#include "track/tracker.h"

/* What a record holds besides its fixed part, and what segments it tells apart (bits of kind). */
enum record_kind {
	RECORD_SWAPPED = 0x01,	 /* sent by the key's second end */
	RECORD_STAMPS = 0x02,	 /* only time stamps in the usual layout: 4 bytes, the TSval */
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
#define SINCE_MOST	  0x1fffffffu

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

#define RECORD_MOST	   (FIXED_BYTES + 4 + 4 + 3 + 2 + 4 + 1 + 40)
#define BRIEFS_AHEAD	   12 /* entries of a ring that are fetched ahead */
#define RECORD_CHUNKS_MOST (RECORD_MOST / BRIEF_CHUNK_BYTES + 1)
#define BRIEF_FINS	   (BRIEF_FIN_A | BRIEF_FIN_B)
#define BRIEF_CLOSED	   (BRIEF_FIN_A_ACKED | BRIEF_FIN_B_ACKED)
#define STREAM_MOST	   ((size_t)BRIEF_SEGMENTS_MOST * RECORD_MOST + sizeof(int64_t)) /* the start */

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

/* Return: false: too much time or too many frames have passed for a record. */
static inline bool record_fill(struct record *record, const struct brief *brief,
			       const struct segment *seg, bool swapped)
{
	uint64_t since_ns = (uint64_t)(seg->time_ns - brief->last_ns), since = since_ns / 1000;
	uint64_t frames = seg->frame - brief->first_frame;
	unsigned kind = swapped ? RECORD_SWAPPED : 0, high = 0;

	if (since * 1000 != since_ns) {
		since = since_ns;
		high |= SINCE_NANOSECONDS;
	}
	if (since > SINCE_MOST || frames > UINT32_MAX)
		return false;
	if (seg->what & SEGMENT_TCP_SUM_KNOWN)
		kind |= RECORD_SUM_KNOWN;
	if (seg->what & SEGMENT_PAYLOAD_CUT)
		kind |= RECORD_CUT;
	if (seg->what & SEGMENT_DONT_FRAGMENT)
		kind |= RECORD_WHOLE;
	record->count = FIXED_BYTES;
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
static inline bool record_append(struct pools *pools, struct brief *brief,
				 const struct record *record)
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
	}
	return true;
}

/* What the next record's writer, and its reader, know of the ones before. */
static inline void brief_learn(struct brief *brief, const struct segment *seg, bool swapped)
{
	struct seq end = segment_end(seg);

	brief->last_ns = seg->time_ns;
	brief->window[swapped] = seg->window;
	brief->ttl[swapped] = seg->ttl;
	if ((seg->flags & TCP_SYN) || seq_after(end, seq_of(brief->nxt[swapped])))
		brief->nxt[swapped] = end.raw;
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

/* Before the first record the stream has the time that it starts at. */
static struct record start_of(const struct segment *seg)
{
	struct record start = { .count = 0 };

	put(&start, &seg->time_ns, sizeof(seg->time_ns));
	return start;
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
	brief->last_ns = seg->time_ns;
	brief->bits =
		(swapped ? BRIEF_CLIENT_B : 0) | (segment_has(seg, SEGMENT_IPV6) ? BRIEF_IPV6 : 0);
	const struct record start = start_of(seg);

	record_fill(&record, brief, seg, swapped);
	if (!record_append(pools, brief, &start) || !record_append(pools, brief, &record) ||
	    !due_put(tracker, &tracker->brief_syns, tracker->clock_ns + SYN_GIVES_UP_NS, index) ||
	    !table_add(&tracker->table, hash, index | REF_BRIEF)) {
		brief_give(tracker, index);
		return false;
	}
	brief_learn(brief, seg, swapped);
	brief->count = 1;
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
	if ((brief->bits & (swapped ? BRIEF_FIN_B : BRIEF_FIN_A)) &&
	    seq_after(segment_end(seg), seq_of(brief->nxt[swapped])))
		return false; /* more behind its FIN */
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

/*
 * Both ends have closed: RELEASE_AFTER_NS later the connection is due at the earliest, and from the
 * moment on when both FINs are acknowledged. Each moment gives an entry, of which the last one
 * counts (briefs_wake()).
 */
static bool note_close(struct tracker *tracker, struct brief *brief, uint32_t index,
		       const struct segment *seg, bool swapped)
{
	unsigned bits = brief->bits, before = bits;
	unsigned peers_fin = swapped ? BRIEF_FIN_A : BRIEF_FIN_B;

	if (seg->flags & TCP_FIN)
		bits |= swapped ? BRIEF_FIN_B : BRIEF_FIN_A;
	if ((bits & peers_fin) && seg->ack.raw == brief->nxt[!swapped])
		bits |= swapped ? BRIEF_FIN_A_ACKED : BRIEF_FIN_B_ACKED;
	if (bits == before)
		return true;
	bool closes = (bits & BRIEF_FINS) == BRIEF_FINS && (before & BRIEF_FINS) != BRIEF_FINS;
	bool closed = (bits & BRIEF_CLOSED) == BRIEF_CLOSED;

	if ((closes || closed) &&
	    !due_put(tracker, &tracker->brief_fins, tracker->clock_ns + RELEASE_AFTER_NS, index))
		return false;
	brief->bits = (uint8_t)bits;
	if (closes || closed)
		brief->dues++;
	return true;
}

bool brief_take(struct tracker *tracker, uint32_t index, const struct segment *seg, bool swapped)
{
	struct brief *brief = brief_at(tracker, index);
	struct record record;

	if (!can_wait(tracker, brief, seg, swapped) || !record_fill(&record, brief, seg, swapped))
		return false;
	if ((brief->bits & BRIEF_FINS || seg->flags & TCP_FIN) &&
	    !note_close(tracker, brief, index, seg, swapped))
		return false;
	if (!record_append(&tracker->pools, brief, &record))
		return false;
	if (seg->flags & TCP_SYN) { /* as input.c would, with what opening.c would measure */
		int64_t answer_ns = seg->time_ns - brief->last_ns;

		sight(tracker, seg, answer_ns < UINT32_MAX ? answer_ns : TIME_NONE);
	}
	note_progress(brief, seg, swapped);
	brief_learn(brief, seg, swapped);
	brief->count++;
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

/* @nxt: what each end sends next. @seg: see record_rest(); its time is that of the record before.
 */
static void record_read(struct cursor *in, const struct brief *brief, const uint32_t nxt[static 2],
			struct segment *seg)
{
	struct record_fixed fixed = { .kind = 0 };

	take(in, &fixed, FIXED_BYTES);
	bool swapped = fixed.kind & RECORD_SWAPPED;
	uint32_t seq = nxt[swapped], ack = nxt[!swapped];

	if (fixed.since & SINCE_SEQ)
		take(in, &seq, sizeof(seq));
	if (fixed.since & SINCE_ACK)
		take(in, &ack, sizeof(ack));
	seg->time_ns +=
		(int64_t)(fixed.since & SINCE_MOST) * (fixed.since & SINCE_NANOSECONDS ? 1 : 1000);
	seg->frame = brief->first_frame + fixed.frames;
	seg->seq = seq_of(seq);
	seg->ack = seq_of(ack);
	seg->tcp_checksum = fixed.tcp_checksum;
	seg->ip_id = fixed.ip_id;
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
	struct brief known = { .count = 0 };
	uint32_t index = 0;

	take(&in, &known.last_ns, sizeof(known.last_ns));

	segs[0].src = segs[1].dst = tuple->ip_a;
	segs[0].dst = segs[1].src = tuple->ip_b;
	segs[0].src_port = segs[1].dst_port = tuple->port_a;
	segs[0].dst_port = segs[1].src_port = tuple->port_b;
	while (cursor_left(&in)) {
		bool swapped = record_swapped(&in);
		struct segment *seg = &segs[swapped];
		struct step step;

		seg->time_ns = known.last_ns;
		record_read(&in, brief, known.nxt, seg);
		brief_learn(&known, seg, swapped);
		tracker->clock_ns = seg->time_ns;
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

/*
 * Start fetching what the next briefs will touch, a level at each step towards the front: the
 * brief, its last chunk and its place in the table, the first chunk (the last one's next), the
 * second.
 */
static void fetch_ahead(const struct tracker *tracker, const struct ring *ring)
{
	const struct pool *chunks = &tracker->pools.brief_chunks;
	const struct ring_entry *entry = ring_ahead(ring, BRIEFS_AHEAD);

	if (entry) {
		const char *brief = pool_at(&tracker->pools.briefs, entry->index);

		__builtin_prefetch(brief);
		__builtin_prefetch(brief + 64);
	}
	for (uint32_t step = 1; step < BRIEFS_AHEAD / 2; step++) {
		entry = ring_ahead(ring, BRIEFS_AHEAD - 2 * step);
		const struct brief *brief = entry ? brief_at(tracker, entry->index) : NULL;
		uint32_t at = brief && brief->first_frame ? brief->last : 0;

		if (step == 1 && at)
			__builtin_prefetch(table_place(&tracker->table,
						       table_hash(&tracker->table, &brief->tuple)));
		for (uint32_t level = 1; at && level < step; level++) {
			const struct brief_chunk *chunk = pool_at(chunks, at);

			at = chunk->next;
		}
		if (at)
			__builtin_prefetch(pool_at(chunks, at));
	}
}

void briefs_wake(struct tracker *tracker)
{
	while (ring_next_ns(&tracker->brief_syns) <= tracker->clock_ns) {
		const struct ring_entry *next = ring_ahead(&tracker->brief_syns, BRIEFS_AHEAD);

		if (next)
			__builtin_prefetch(brief_at(tracker, next->index));
		uint32_t index = due_take(tracker, &tracker->brief_syns);

		if (index && !(brief_at(tracker, index)->bits & BRIEF_UP))
			unfold_now(tracker, index, true);
	}
	while (ring_next_ns(&tracker->brief_fins) <= tracker->clock_ns) {
		fetch_ahead(tracker, &tracker->brief_fins);
		uint32_t index = due_take(tracker, &tracker->brief_fins);
		struct brief *brief = index ? brief_at(tracker, index) : NULL;

		if (brief && --brief->dues == 0) /* else it was closed later: that entry follows */
			unfold_now(tracker, index, true);
	}
}

int64_t briefs_next_ns(const struct tracker *tracker)
{
	int64_t syn = ring_next_ns(&tracker->brief_syns);
	int64_t fin = ring_next_ns(&tracker->brief_fins);

	return syn < fin ? syn : fin;
}
