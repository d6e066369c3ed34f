/* SPDX-License-Identifier: BSD-2-Clause */
#include "track/brief.h"

#include "track/brief_stream.h"
#include "track/outline.h"
#include "track/tracker.h"

#define BRIEFS_AHEAD (2 * BRIEF_FETCH_LEVELS) /* entries of a ring that are fetched ahead */

static struct brief *brief_at(const struct tracker *tracker, uint32_t index)
{
	return pool_at(&tracker->pools.briefs, index);
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

/* Glances */

static uint64_t *glances_of(struct tracker *tracker, uint32_t index)
{
	return pool_at(&tracker->pools.glances, index / GLANCES + 1);
}

static unsigned glance_shift(uint32_t index)
{
	return index % GLANCES * GLANCE_BITS;
}

/* Return: false: out of memory. */
static bool glance_begin(struct tracker *tracker, uint32_t index)
{
	while (tracker->pools.glances.used <= index / GLANCES)
		if (!pool_take(&tracker->pools.glances))
			return false;
	*glances_of(tracker, index) &=
		~((uint64_t)(GLANCE_UP | GLANCE_CLOSED) << glance_shift(index));
	return true;
}

static void glance_note(struct tracker *tracker, uint32_t index, enum glance bit)
{
	*glances_of(tracker, index) |= (uint64_t)bit << glance_shift(index);
}

/* Of what was a brief at some time: if it is another one now, its tag in the ring tells. */
static bool glance_has(struct tracker *tracker, uint32_t index, enum glance bit)
{
	return *glances_of(tracker, index) >> glance_shift(index) & bit;
}

/* Whether the stream can say all that the tracker would read of a segment. */
static bool is_plain(const struct tracker *tracker, const struct segment *seg)
{
	uint32_t ip_bytes = segment_has(seg, SEGMENT_IPV6) ? 40 : 20;

	if (seg->plain)
		return tracker->in_time;
	return !(seg->what & ~STREAM_WHAT) && !seg->layer && seg->payload_bytes <= UINT16_MAX &&
	       tracker->in_time && seg->header_bytes == 20 + seg->options_bytes &&
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

void brief_give(struct tracker *tracker, uint32_t index)
{
	struct pool *chunks = &tracker->pools.brief_chunks;
	struct brief *brief = brief_at(tracker, index);

	if (brief->last) {
		const struct brief_chunk *last = pool_at(chunks, brief->last);

		pool_give_chain(chunks, last->next, brief->last, brief->chunks);
	}
	brief->first_frame = 0;
	pool_give(&tracker->pools.briefs, index);
}

void brief_fetch_to_give(const struct pools *pools, uint32_t index, unsigned level)
{
	struct brief *brief = pool_at(&pools->briefs, index);

	if (level == 0) {
		fetch_line_to_write(brief);
	} else if (brief->last) {
		fetch_line_to_write(pool_at(&pools->brief_chunks, brief->last));
	}
}

bool brief_begin(struct tracker *tracker, const struct segment *seg, uint64_t hash,
		 const struct tuple *tuple, bool swapped)
{
	struct pools *pools = &tracker->pools;

	if ((seg->flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) != TCP_SYN ||
	    !is_plain(tracker, seg) || seg->payload_bytes ||
	    live_now(tracker) >= tracker->flows_most ||
	    (seg->src_port == seg->dst_port && ip_address_equal(&seg->src, &seg->dst)))
		return false;
	uint32_t index = pool_take_raw(&pools->briefs);

	if (!index)
		return false;
	struct brief *brief = brief_at(tracker, index);

	/* The outline and the stream are written before they are read. */
	memset(brief, 0, offsetof(struct brief, outline));
	brief->hash = hash;
	brief->path = seg->path;
	brief->first_frame = seg->frame;
	brief->last_ns = seg->time_ns;
	brief->bits =
		(swapped ? BRIEF_CLIENT_B : 0) | (segment_has(seg, SEGMENT_IPV6) ? BRIEF_IPV6 : 0);
	if (tracker->outlines)
		outline_begin(brief, seg, swapped);
	else
		brief->course |= COURSE_EVENTFUL;
	stream_begin(brief, tuple, seg->time_ns);
	if (!glance_begin(tracker, index) || !stream_add(pools, brief, seg, swapped) ||
	    !due_put(tracker, &tracker->brief_syns, tracker->clock_ns + SYN_LOOK_NS, index) ||
	    !table_add(&tracker->table, hash, index | REF_BRIEF)) {
		brief_give(tracker, index);
		return false;
	}
	stream_learn(brief, seg, swapped);
	brief->count = 1;
	tracker->stats.connections++;
	if (live_now(tracker) > tracker->stats.live_most)
		tracker->stats.live_most = live_now(tracker);
	sight(tracker, seg, TIME_NONE);
	return true;
}

/* Whether a brief has place for a segment, which is as the others. */
static inline bool fits(const struct tracker *tracker, const struct brief *brief,
			const struct segment *seg)
{
	return is_plain(tracker, seg) && seg->path == brief->path &&
	       segment_has(seg, SEGMENT_IPV6) == ((brief->bits & BRIEF_IPV6) != 0) &&
	       brief->count != BRIEF_SEGMENTS_MOST;
}

static inline bool by_client(const struct brief *brief, bool swapped)
{
	return swapped == ((brief->bits & BRIEF_CLIENT_B) != 0);
}

/* Whether a segment behind the SYN-ACK leaves the course that brief_regular() is about. */
static inline bool is_irregular(const struct brief *brief, const struct segment *seg, bool swapped)
{
	struct seq peers_nxt = seq_of(brief->nxt[!swapped]);

	if ((seg->flags & ~(unsigned)(TCP_PSH | TCP_FIN)) != TCP_ACK || !seg->window ||
	    seg->seq.raw != brief->nxt[swapped] || brief_closed(brief))
		return true;
	if (seg->ack.raw == peers_nxt.raw)
		return !(brief->bits & BRIEF_UP) && !by_client(brief, swapped);
	return !(brief->bits & BRIEF_UP) ||
	       ((seg->flags & TCP_FIN) && (brief->bits & bit_of(BRIEF_FIN_A, !swapped)));
}

/*
 * Both ends have closed: RELEASE_AFTER_NS later the connection is due at the earliest, and from the
 * moment on when both FINs are acknowledged. Each moment gives an entry in a ring of its own: the
 * first one counts if the other moment has not come by then (briefs_wake()).
 */
static bool note_close(struct tracker *tracker, struct brief *brief, uint32_t index,
		       const struct segment *seg, bool swapped)
{
	unsigned bits = brief->bits, before = bits;
	unsigned peers_fin = bit_of(BRIEF_FIN_A, !swapped);

	if (seg->flags & TCP_FIN)
		bits |= bit_of(BRIEF_FIN_A, swapped);
	if (!(before & BRIEF_FINS) && swapped)
		brief->course |= COURSE_CLOSED_BY_B;
	if ((bits & peers_fin) && seg->ack.raw == brief->nxt[!swapped])
		bits |= bit_of(BRIEF_FIN_A_ACKED, !swapped);
	if (bits == before)
		return true;
	bool closes = (bits & BRIEF_FINS) == BRIEF_FINS && (before & BRIEF_FINS) != BRIEF_FINS;
	bool closed = bits_closed(bits);

	if ((closes || closed) &&
	    !due_put(tracker, closed ? &tracker->brief_closed : &tracker->brief_fins,
		     tracker->clock_ns + RELEASE_AFTER_NS, index))
		return false;
	brief->bits = (uint8_t)bits;
	if (closed)
		glance_note(tracker, index, GLANCE_CLOSED);
	return true;
}

/* Write a segment down. Return: false: it cannot be. */
static bool write_down(struct tracker *tracker, struct brief *brief, const struct segment *seg,
		       bool swapped)
{
	bool stamps = seg->plain & SEGMENT_PLAIN_STAMPS;

	if (!(seg->plain && stream_add_usual(&tracker->pools, brief, seg, swapped, stamps)) &&
	    !stream_add(&tracker->pools, brief, seg, swapped))
		return false;
	stream_learn(brief, seg, swapped);
	brief->count++;
	return true;
}

/* Take the SYN-ACK. Return: false: it is none, or another one. */
static bool take_answer(struct tracker *tracker, uint32_t index, const struct segment *seg,
			bool swapped)
{
	struct brief *brief = brief_at(tracker, index);
	int64_t answer_ns = seg->time_ns - brief->last_ns; /* as opening.c would measure */

	if ((brief->bits & BRIEF_SYN_ACK) || (seg->flags & TCP_FIN) || by_client(brief, swapped) ||
	    seg->payload_bytes || seg->ack.raw != brief->nxt[!swapped])
		return false;
	if (outline_open(brief))
		outline_answer(brief, seg, swapped);
	if (!seg->window)
		brief->course |= COURSE_IRREGULAR;
	if (!write_down(tracker, brief, seg, swapped))
		return false;
	sight(tracker, seg, answer_ns < UINT32_MAX ? answer_ns : TIME_NONE); /* as input.c would */
	brief->bits |= BRIEF_SYN_ACK;
	return true;
}

/*
 * Take a segment behind the SYN-ACK that opens or closes, or is not what was to come. Where
 * something irregular came before it, whether the handshake is over is for a flow to say: the brief
 * stays unopened until that is asked. Return: false: it cannot wait. Apart, as take_any().
 */
__attribute__((noinline)) static bool take_turn(struct tracker *tracker, uint32_t index,
						const struct segment *seg, bool swapped)
{
	struct brief *brief = brief_at(tracker, index);
	bool closing = (brief->bits & BRIEF_FINS) || (seg->flags & TCP_FIN);

	if (!(brief->bits & BRIEF_SYN_ACK) ||
	    seq_after(seg->ack, seq_of(brief->nxt[!swapped]))) /* perhaps of a FIN */
		return false;
	if (closing && seg->seq.raw != brief->nxt[swapped])
		return false; /* perhaps it is none of the connection's */
	if ((brief->bits & bit_of(BRIEF_FIN_A, swapped)) && segment_seq_octets(seg))
		return false; /* more behind its FIN */
	if (outline_open(brief))
		outline_unusual(brief, seg, swapped);
	if (is_irregular(brief, seg, swapped))
		brief->course |= COURSE_IRREGULAR;
	if (closing && !note_close(tracker, brief, index, seg, swapped))
		return false;
	if (!write_down(tracker, brief, seg, swapped))
		return false;
	if (by_client(brief, swapped) && !(brief->course & COURSE_IRREGULAR) &&
	    !(brief->bits & BRIEF_UP)) {
		brief->bits |= BRIEF_UP;
		glance_note(tracker, index, GLANCE_UP);
	}
	return true;
}

/* brief_take() of any segment. Apart, so that the usual one has few registers to save. */
__attribute__((noinline)) static bool take_any(struct tracker *tracker, uint32_t index,
					       const struct segment *seg, bool swapped)
{
	if (!fits(tracker, brief_at(tracker, index), seg) ||
	    (seg->flags & (TCP_RST | TCP_ACK)) != TCP_ACK)
		return false;
	if (seg->flags & TCP_SYN)
		return take_answer(tracker, index, seg, swapped);
	return take_turn(tracker, index, seg, swapped);
}

/*
 * Most are the next one, or an ACK, in a connection that is open and that nobody has closed, and a
 * record's fixed part says all of them: nothing of what take_turn() does is to be done. All that
 * would need more is looked for at once.
 */
bool brief_take(struct tracker *tracker, uint32_t index, const struct segment *seg, bool swapped)
{
	struct brief *brief = brief_at(tracker, index);
	bool stamps = seg->plain & SEGMENT_PLAIN_STAMPS;
	unsigned odd = ((seg->flags & (uint8_t) ~(TCP_PSH | TCP_FIN)) ^ TCP_ACK) |
		       ((seg->what << 1 ^ brief->bits) & BRIEF_IPV6) | (seg->path ^ brief->path);
	unsigned turns =
		((brief->bits & (BRIEF_UP | BRIEF_FINS)) ^ BRIEF_UP) | (seg->flags & TCP_FIN);

	if (odd || !seg->window || !seg->plain || !tracker->in_time ||
	    brief->count == BRIEF_SEGMENTS_MOST)
		return take_any(tracker, index, seg, swapped);
	if (turns || !stream_add_usual(&tracker->pools, brief, seg, swapped, stamps))
		return take_turn(tracker, index, seg, swapped);
	if (outline_open(brief))
		outline_note(brief, seg, swapped);
	brief->last_ns = seg->time_ns;
	if (stamps)
		brief->tsval[swapped] = seg->tsval;
	brief->nxt[swapped] += seg->payload_bytes;
	brief->count++;
	return true;
}

void brief_replay(struct tracker *into, const struct pools *from, const struct brief *brief,
		  uint32_t *place)
{
	struct brief_reader reader;
	const struct segment *seg;
	const struct tuple tuple = brief_tuple(brief);
	uint32_t index = 0;

	into->replaying = true;
	reader_open(&reader, from, brief);
	while ((seg = reader_take(&reader)) != NULL) {
		bool swapped = seg == &reader.segs[1];
		struct step step;

		into->clock_ns = seg->time_ns;
		into->clock_frame = seg->frame;
		if (!index)
			index = flow_resume(into, seg, &tuple, swapped, place);
		if (!index)
			break;
		flow_pair(into, &step, seg, index, swapped);
		input_segment(&step);
	}
	into->replaying = false;
}

uint32_t brief_unfold(struct tracker *tracker, uint32_t index, bool late)
{
	const struct brief *brief = brief_at(tracker, index);
	uint32_t *place = table_find_ref(&tracker->table, index | REF_BRIEF, brief->hash);
	int64_t clock_ns = tracker->clock_ns;
	uint64_t clock_frame = tracker->clock_frame;
	bool frame_back = tracker->frame_back;

	assert(place);
	settle_if_tight(tracker);
	tracker->frame_back = false;
	brief_replay(tracker, &tracker->pools, brief, place);
	tracker->clock_ns = clock_ns;
	tracker->clock_frame = clock_frame;
	tracker->frame_back = frame_back;
	brief_give(tracker, index);
	if (*place != (index | REF_BRIEF)) {
		due_settle(tracker, *place, late);
		return *place;
	}
	table_remove(&tracker->table, place); /* there was no flow to be had */
	tracker->stats.moments_dropped += 1;
	return 0;
}

void briefs_unfold_all(struct tracker *tracker)
{
	tracker->at_once = true;
	for (uint32_t index = 1; index <= tracker->pools.briefs.used; index++)
		if (brief_at(tracker, index)->first_frame)
			brief_unfold(tracker, index, false);
}

/* The next entry of a ring that is due now. Return: the brief it is of; 0: that is gone, or has
   come to @unless. */
static uint32_t due_take(struct tracker *tracker, struct ring *ring, enum glance unless)
{
	struct ring_entry entry = ring_take(ring);

	if (glance_has(tracker, entry.index, unless))
		return 0;
	uint64_t first_frame = brief_at(tracker, entry.index)->first_frame;

	return first_frame && (uint32_t)first_frame == entry.tag ? entry.index : 0;
}

void brief_fetch(const struct pools *pools, uint32_t index, unsigned level)
{
	const struct brief *brief = pool_at(&pools->briefs, index);

	if (level == 0) {
		for (size_t line = 0; line < sizeof(*brief); line += BRIEF_LINE)
			fetch_line((const char *)brief + line);
		return;
	}
	uint32_t at = brief->first_frame ? brief->last : 0;

	for (; at && level > 1; level--) {
		const struct brief_chunk *chunk = pool_at(&pools->brief_chunks, at);

		at = chunk->next;
	}
	if (at)
		fetch_line(pool_at(&pools->brief_chunks, at));
}

/* Start fetching what the next briefs will touch, a level at each step towards the front. */
static void fetch_ahead(const struct tracker *tracker, const struct ring *ring)
{
	const struct ring_entry *entry = ring_ahead(ring, BRIEFS_AHEAD);

	if (entry)
		brief_fetch(&tracker->pools, entry->index, 0);
	entry = ring_ahead(ring, BRIEFS_AHEAD - 2);
	if (!entry)
		return;
	const struct brief *brief = brief_at(tracker, entry->index);

	if (brief->first_frame) {
		brief_fetch(&tracker->pools, entry->index, 1);
		fetch_line(table_place(&tracker->table, brief->hash));
	}
	/* Where records are made elsewhere, only what the last chunk says is wanted here, and where
	   outlines will do nearly always, too. */
	if (tracker->sink.due || tracker->outlines)
		return;
	for (unsigned level = 2; level < BRIEF_FETCH_LEVELS; level++) {
		entry = ring_ahead(ring, BRIEFS_AHEAD - 2 * level);
		if (entry)
			brief_fetch(&tracker->pools, entry->index, level);
	}
}

/* Those that began SYN_LOOK_NS ago: the few that have not opened are looked at again later. */
static void look_at_syns(struct tracker *tracker)
{
	struct ring *ring = &tracker->brief_syns;

	while (ring_next_ns(ring) <= tracker->clock_ns) {
		int64_t gives_up_ns = ring_next_ns(ring) - SYN_LOOK_NS + SYN_GIVES_UP_NS;
		uint32_t index = due_take(tracker, ring, GLANCE_UP);

		if (index && !due_put(tracker, &tracker->brief_unopened, gives_up_ns, index))
			brief_unfold(tracker, index, true);
	}
	ring = &tracker->brief_unopened;
	while (ring_next_ns(ring) <= tracker->clock_ns) {
		uint32_t index = due_take(tracker, ring, GLANCE_UP);

		if (index)
			brief_unfold(tracker, index, true);
	}
}

void briefs_wake(struct tracker *tracker)
{
	look_at_syns(tracker);
	while (ring_next_ns(&tracker->brief_fins) <= tracker->clock_ns) {
		uint32_t index = due_take(tracker, &tracker->brief_fins, GLANCE_CLOSED);

		if (index)
			brief_unfold(tracker, index, true);
	}
	while (ring_next_ns(&tracker->brief_closed) <= tracker->clock_ns) {
		fetch_ahead(tracker, &tracker->brief_closed);
		uint32_t index = due_take(tracker, &tracker->brief_closed, GLANCE_NOTHING);

		if (index && !release_note(tracker, index | REF_BRIEF))
			brief_unfold(tracker, index, true);
	}
}

int64_t briefs_next_ns(const struct tracker *tracker)
{
	int64_t next = ring_next_ns(&tracker->brief_syns);

	if (ring_next_ns(&tracker->brief_unopened) < next)
		next = ring_next_ns(&tracker->brief_unopened);
	if (ring_next_ns(&tracker->brief_fins) < next)
		next = ring_next_ns(&tracker->brief_fins);
	if (ring_next_ns(&tracker->brief_closed) < next)
		next = ring_next_ns(&tracker->brief_closed);
	return next;
}
