/* SPDX-License-Identifier: BSD-2-Clause */
#include "track/track.h"

#include <stdlib.h>
#include <unistd.h>

#include "track/outline.h"
#include "track/tracker.h"

#define FLOWS_LEAST   2048u
#define FLOWS_MOST    (1u << 26)
#define BYTES_BY_FLOW 2048u /* with its share of everything, generously */

static uint32_t flows_by_memory(void)
{
	long pages = sysconf(_SC_PHYS_PAGES);
	long page_bytes = sysconf(_SC_PAGESIZE);

	if (pages <= 0 || page_bytes <= 0)
		return 1u << 20;
	uint64_t flows = (uint64_t)pages * (uint64_t)page_bytes / 4 / BYTES_BY_FLOW;

	return flows > FLOWS_MOST ? FLOWS_MOST : (uint32_t)flows;
}

/* Whether a place of the table refers to this key. */
static bool ref_is_of(const void *owner, uint32_t ref, const struct tuple *tuple, uint64_t hash)
{
	const struct tracker *tracker = owner;

	if (ref & REF_TOMB) {
		const struct tomb *tomb = pool_at(&tracker->pools.tombs, ref & REF_INDEX);

		return tomb->hash == hash;
	}
	if (ref & REF_BRIEF) {
		const struct brief *brief = pool_at(&tracker->pools.briefs, ref & REF_INDEX);

		return brief->hash == hash;
	}
	const struct flow *flow = pool_at(&tracker->pools.flows, ref);

	return tuple_equal(&flow->tuple, tuple);
}

struct tracker *tracker_new(const struct track_limits *limits, const struct track_sink *sink)
{
	return tracker_make(limits, sink, false);
}

struct tracker *tracker_make(const struct track_limits *limits, const struct track_sink *sink,
			     bool aside)
{
	struct tracker *tracker = calloc(1, sizeof(*tracker));

	if (!tracker)
		return NULL;
	uint32_t most = limits->connections ? 0 : flows_by_memory();

	if (!most)
		most = limits->connections > FLOWS_MOST ? FLOWS_MOST
							: (uint32_t)limits->connections;
	tracker->flows_most = most;
	tracker->sink = *sink;
	tracker->obvious = limits->obvious;
	tracker->at_once = limits->obvious || sink->segment;
	tracker->outlines = limits->outlines;
	tracker->clock_ns = TIME_NONE;
	tracker->next_due_ns = INT64_MAX;
	tracker->stats.first_ns = TIME_NONE;
	tracker->stats.last_ns = TIME_NONE;
	tracker->tombs[0].kept_ns = TIME_WAIT_NS;
	tracker->tombs[1].kept_ns = TOMB_KEPT_NS;
	if (!pools_set_up(&tracker->pools, most < FLOWS_LEAST ? FLOWS_LEAST : most) ||
	    !table_set_up(&tracker->table, ref_is_of, tracker) ||
	    !(tracker->teller = teller_new(&tracker->pools, aside))) {
		tracker_free(tracker);
		return NULL;
	}
	if (tracker->flows_most > tracker->pools.flows.most)
		tracker->flows_most = tracker->pools.flows.most;
	return tracker;
}

void tracker_free(struct tracker *tracker)
{
	if (!tracker)
		return;
	pools_tear_down(&tracker->pools);
	table_tear_down(&tracker->table);
	teller_free(tracker->teller);
	evictor_free(tracker->evictor);
	ring_clear(&tracker->brief_syns);
	ring_clear(&tracker->brief_unopened);
	ring_clear(&tracker->brief_fins);
	ring_clear(&tracker->brief_closed);
	free(tracker->release);
	free(tracker);
}

const struct track_stats *tracker_stats(const struct tracker *tracker)
{
	return &tracker->stats;
}

static void pause_note(struct tracker *tracker, int64_t now)
{
	if (tracker->clock_ns == TIME_NONE || now - tracker->clock_ns < PAUSE_LEAST_NS)
		return;
	tracker->pauses[tracker->pause_count++ % PAUSES_MOST] =
		(struct pause){ .from_ns = tracker->clock_ns, .to_ns = now };
}

/* Any frame, or what comes behind the last one. Return: whether it is one that was not here yet. */
static bool clock_step_any(struct tracker *tracker, const struct segment *seg)
{
	if (seg->frame == tracker->clock_frame &&
	    (!segment_has(seg, SEGMENT_NOT_TCP) || seg->time_ns <= tracker->frame_ns))
		return false;
	tracker->stats.frames += seg->frame != tracker->clock_frame;
	tracker->clock_frame = seg->frame;
	tracker->frame_back = false;
	if (seg->time_ns != TIME_NONE) {
		if (tracker->stats.first_ns == TIME_NONE || seg->time_ns < tracker->stats.first_ns)
			tracker->stats.first_ns = seg->time_ns;
		if (tracker->clock_ns == TIME_NONE || seg->time_ns > tracker->clock_ns) {
			pause_note(tracker, seg->time_ns);
			tracker->clock_ns = seg->time_ns;
		}
		if (tracker->stats.frames > 1 && seg->time_ns < tracker->frame_ns) {
			tracker->frame_back = true;
			tracker->stats.time_back++;
		}
		tracker->frame_ns = seg->time_ns;
		tracker->stats.last_ns = tracker->clock_ns;
	} else if (tracker->clock_ns == TIME_NONE) {
		tracker->clock_ns = 0;
	}
	tracker->in_time = !tracker->frame_back && seg->time_ns == tracker->clock_ns;
	return true;
}

/* The clock moves with every frame, with or without TCP in it; and once more behind the last. */
static inline void clock_step(struct tracker *tracker, const struct segment *seg)
{
	struct track_stats *stats = &tracker->stats;

	/* Nearly always a later frame than the latest one so far, which was the one before. */
	if (seg->frame != tracker->clock_frame && stats->first_ns != TIME_NONE &&
	    tracker->frame_ns == tracker->clock_ns && seg->time_ns >= tracker->clock_ns &&
	    seg->time_ns - tracker->clock_ns < PAUSE_LEAST_NS) {
		tracker->clock_frame = seg->frame;
		tracker->frame_back = false;
		tracker->in_time = true;
		tracker->clock_ns = tracker->frame_ns = stats->last_ns = seg->time_ns;
		stats->frames++;
	} else if (!clock_step_any(tracker, seg)) {
		return;
	}
	if (tracker->clock_ns >= tracker->next_due_ns)
		due_run(tracker);
}

/* Tell the sink of a segment that belongs to no record. */
static void late_segment(struct tracker *tracker, const struct segment *seg,
			 const struct tomb *tomb, bool swapped)
{
	tracker->stats.late_segments++;
	if (!tracker->sink.segment)
		return;
	struct track_note note = { .from = swapped ? END_SERVER : END_CLIENT };
	unsigned other = swapped ? 0 : 1;

	note.seq = seg->seq.raw - tomb->snd_nxt[1 - other];
	if (seg->flags & TCP_ACK)
		note.ack = seg->ack.raw - tomb->snd_nxt[other];
	tracker->sink.segment(tracker->sink.context, seg, &note);
}

/* What is found out of a segment before it is taken, so that what that touches has come by then. */
struct ahead {
	uint64_t hash;	     /* of its tuple */
	struct brief *brief; /* NULL: what probably is its connection, by the hash alone, is none */
	uint32_t ref;	     /* of that; 0: there is nothing, or a tombstone */
	bool swapped;	     /* segment_swapped() */
};

static void flow_segment(struct tracker *tracker, const struct segment *seg, uint32_t index,
			 const struct ahead *ahead, const struct tuple *tuple)
{
	struct step step;
	enum begins begins = BEGINS_NOT;

	flow_pair(tracker, &step, seg, index, ahead->swapped);
	if (seg->flags & (TCP_SYN | TCP_RST))
		begins = begins_new(&step);
	if (begins == BEGINS_FRESH)
		index = flow_begin(tracker, seg, ahead->hash, tuple, ahead->swapped);
	if (begins == BEGINS_MOVED) {
		const uint32_t *place = table_find(&tracker->table, tuple, ahead->hash);

		index = place && !(*place & REF_TOMB) ? *place : 0;
	}
	if (!index)
		return;
	if (begins != BEGINS_NOT)
		flow_pair(tracker, &step, seg, index, ahead->swapped);
	input_segment(&step);
}

/* A segment meets the remains of a connection. Return: whether it starts a new one. */
static bool tomb_segment(struct tracker *tracker, const struct segment *seg, uint32_t index,
			 bool swapped)
{
	const struct tomb *tomb = pool_at(&tracker->pools.tombs, index);

	if ((seg->flags & TCP_SYN) || (tomb->known & TOMB_EVICTED))
		return true;
	if (tracker->clock_ns - tomb->end_ns > TIME_WAIT_NS + RELEASE_AFTER_NS)
		return true;
	late_segment(tracker, seg, tomb, swapped);
	return false;
}

/* A segment that is not simply one more of a brief. */
static void take_any(struct tracker *tracker, const struct segment *seg, const struct ahead *ahead)
{
	struct tuple tuple = tuple_of_segment(seg, ahead->swapped);

	if (segment_has(seg, SEGMENT_QUOTED)) {
		icmp_take(tracker, seg, ahead->hash, &tuple, ahead->swapped);
		return;
	}
	const uint32_t *place = table_find(&tracker->table, &tuple, ahead->hash);

	if (place && (*place & REF_BRIEF)) {
		uint32_t brief = *place & REF_INDEX;

		if (brief_take(tracker, brief, seg, ahead->swapped))
			return;
		if (!brief_unfold(tracker, brief, false))
			place = NULL;
	}
	if (place && !(*place & REF_TOMB)) {
		flow_segment(tracker, seg, *place, ahead, &tuple);
		return;
	}
	if (!place && !tracker->at_once &&
	    brief_begin(tracker, seg, ahead->hash, &tuple, ahead->swapped))
		return;
	if (place && !tomb_segment(tracker, seg, *place & REF_INDEX, ahead->swapped))
		return;
	struct step step;
	uint32_t index = flow_begin(tracker, seg, ahead->hash, &tuple, ahead->swapped);

	if (!index)
		return;
	flow_pair(tracker, &step, seg, index, ahead->swapped);
	input_segment(&step);
}

static inline void take(struct tracker *tracker, const struct segment *seg,
			const struct ahead *ahead)
{
	clock_step(tracker, seg);
	if (segment_has(seg, SEGMENT_NOT_TCP))
		return;
	tracker->stats.segments += !segment_has(seg, SEGMENT_QUOTED);
	/* Nearly always what was found by the hash alone is a brief, and still the right one. */
	if (ahead->brief && !segment_has(seg, SEGMENT_QUOTED) &&
	    brief_is_of(ahead->brief, ahead->hash) &&
	    brief_take(tracker, ahead->ref & REF_INDEX, seg, ahead->swapped))
		return;
	take_any(tracker, seg, ahead);
}

void tracker_keys(const struct tracker *tracker, const struct segment_batch *batch,
		  struct track_keys *keys)
{
	struct table table; /* the rest of its cache lines is another thread's */

	memcpy(table.secret, tracker->table.secret, sizeof(table.secret));
	for (unsigned i = 0; i < batch->count; i++) {
		const struct segment *seg = &batch->segments[i];

		if (segment_has(seg, SEGMENT_NOT_TCP))
			continue;
		keys->swapped[i] = segment_swapped(seg);
		keys->hashes[i] = table_hash_segment(&table, seg, keys->swapped[i]);
	}
}

/* Start fetching what a segment will touch: its place, then the flow found there. */
static void fetch_places(const struct tracker *tracker, const struct segment *segs, unsigned count,
			 struct ahead *ahead)
{
	for (unsigned i = 0; i < count; i++) {
		if (segment_has(&segs[i], SEGMENT_NOT_TCP))
			continue;
		ahead[i].swapped = segment_swapped(&segs[i]);
		ahead[i].hash = table_hash_segment(&tracker->table, &segs[i], ahead[i].swapped);
		fetch_line(table_place(&tracker->table, ahead[i].hash));
	}
}

/* The same of those from @first on, whose keys are known. */
static void fetch_keyed_places(const struct tracker *tracker, const struct track_keys *keys,
			       unsigned first, unsigned count, struct ahead *ahead)
{
	for (unsigned i = 0; i < count; i++) {
		ahead[i].swapped = keys->swapped[first + i];
		ahead[i].hash = keys->hashes[first + i];
		fetch_line(table_place(&tracker->table, ahead[i].hash));
	}
}

static void fetch_flow(const struct tracker *tracker, uint32_t index)
{
	const char *flow = pool_at(&tracker->pools.flows, index);

	for (size_t line = 0; line < sizeof(struct flow); line += 64)
		fetch_line(flow + line);
}

static void fetch_flows(const struct tracker *tracker, const struct segment *segs, unsigned count,
			struct ahead *ahead)
{
	for (unsigned i = 0; i < count; i++) {
		ahead[i].ref = 0;
		ahead[i].brief = NULL;
		if (segment_has(&segs[i], SEGMENT_NOT_TCP))
			continue;
		uint32_t ref = table_guess(&tracker->table, ahead[i].hash);

		if (!ref || (ref & REF_TOMB))
			continue;
		ahead[i].ref = ref;
		if (ref & REF_BRIEF) {
			uint32_t index = ref & REF_INDEX;
			struct brief *brief = pool_at(&tracker->pools.briefs, index);

			ahead[i].brief = brief;
			fetch_line(brief);
			fetch_line(&brief->outline);
		} else {
			fetch_flow(tracker, ref);
		}
	}
}

/* What is cold of a flow that has arrived by now: the chunk that takes its next mark. */
static void fetch_cold(const struct tracker *tracker, const struct ahead *ahead)
{
	const struct flow *flow;

	if (ahead->brief) {
		fetch_line(stream_next(&tracker->pools, ahead->brief));
		return;
	}
	if (!ahead->ref)
		return;
	flow = pool_at(&tracker->pools.flows, ahead->ref);
	if (flow->marks_last) {
		const char *marks = pool_at(&tracker->pools.marks, flow->marks_last);

		for (size_t line = 0; line < sizeof(struct mark_chunk); line += 64)
			fetch_line(marks + line);
	}
	if (flow->extra)
		fetch_line(pool_at(&tracker->pools.extras, flow->extra));
}

/* @keys: NULL: to be found out here */
static inline void add(struct tracker *tracker, const struct segment_batch *batch,
		       const struct track_keys *keys)
{
	struct ahead ahead[BATCH_AHEAD];

	for (unsigned first = 0; first < batch->count; first += BATCH_AHEAD) {
		const struct segment *segs = &batch->segments[first];
		unsigned left = batch->count - first;
		unsigned count = left < BATCH_AHEAD ? left : BATCH_AHEAD;

		settle_if_tight(tracker);
		if (keys)
			fetch_keyed_places(tracker, keys, first, count, ahead);
		else
			fetch_places(tracker, segs, count, ahead);
		fetch_flows(tracker, segs, count, ahead);
		for (unsigned i = 0; i < count; i++) {
			if (i + COLD_AHEAD < count)
				fetch_cold(tracker, &ahead[i + COLD_AHEAD]);
			take(tracker, &segs[i], &ahead[i]);
		}
	}
}

void tracker_add(struct tracker *tracker, const struct segment_batch *batch)
{
	add(tracker, batch, NULL);
}

void tracker_add_keyed(struct tracker *tracker, const struct segment_batch *batch,
		       const struct track_keys *keys)
{
	add(tracker, batch, keys);
}
