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

		return tuple_equal(&brief->tuple, tuple);
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

static void flow_segment(struct tracker *tracker, const struct segment *seg, uint32_t index,
			 unsigned at)
{
	struct step step;
	enum begins begins = BEGINS_NOT;

	flow_pair(tracker, &step, seg, index, tracker->swapped[at]);
	if (seg->flags & (TCP_SYN | TCP_RST))
		begins = begins_new(&step);
	if (begins == BEGINS_FRESH)
		index = flow_begin(tracker, seg, tracker->hashes[at], &tracker->tuples[at],
				   tracker->swapped[at]);
	if (begins == BEGINS_MOVED) {
		const struct slot *slot =
			table_find(&tracker->table, &tracker->tuples[at], tracker->hashes[at]);

		index = slot && !(slot->ref & REF_TOMB) ? slot->ref : 0;
	}
	if (!index)
		return;
	if (begins != BEGINS_NOT)
		flow_pair(tracker, &step, seg, index, tracker->swapped[at]);
	input_segment(&step);
}

/* A segment meets the remains of a connection. Return: whether it starts a new one. */
static bool tomb_segment(struct tracker *tracker, const struct segment *seg, uint32_t index,
			 bool swapped)
{
	const struct tomb *tomb = pool_at(&tracker->pools.tombs, index);

	if ((seg->flags & TCP_SYN) || (tomb->conn_and_bits & TOMB_EVICTED))
		return true;
	if (tracker->clock_ns - tomb->end_ns > TIME_WAIT_NS + RELEASE_AFTER_NS)
		return true;
	late_segment(tracker, seg, tomb, swapped);
	return false;
}

/* Nearly always what was found by the hash alone is a brief, and still the right one. */
static inline bool take_guessed(struct tracker *tracker, const struct segment *seg, unsigned at)
{
	uint32_t ref = tracker->guesses[at];

	return (ref & REF_BRIEF) &&
	       brief_is_of(pool_at(&tracker->pools.briefs, ref & REF_INDEX),
			   &tracker->tuples[at]) &&
	       brief_take(tracker, ref & REF_INDEX, seg, tracker->swapped[at]);
}

static void take(struct tracker *tracker, const struct segment *seg, unsigned at)
{
	clock_step(tracker, seg);
	if (segment_has(seg, SEGMENT_NOT_TCP))
		return;
	if (segment_has(seg, SEGMENT_QUOTED)) {
		icmp_take(tracker, seg, tracker->hashes[at], &tracker->tuples[at],
			  tracker->swapped[at]);
		return;
	}
	tracker->stats.segments++;
	if (take_guessed(tracker, seg, at))
		return;
	struct slot *slot = table_find(&tracker->table, &tracker->tuples[at], tracker->hashes[at]);

	if (slot && (slot->ref & REF_BRIEF)) {
		uint32_t brief = slot->ref & REF_INDEX;

		if (brief_take(tracker, brief, seg, tracker->swapped[at]))
			return;
		if (!brief_unfold(tracker, brief, false))
			slot = NULL;
	}
	if (slot && !(slot->ref & REF_TOMB)) {
		flow_segment(tracker, seg, slot->ref, at);
		return;
	}
	if (!slot && !tracker->at_once &&
	    brief_begin(tracker, seg, tracker->hashes[at], &tracker->tuples[at],
			tracker->swapped[at]))
		return;
	if (slot && !tomb_segment(tracker, seg, slot->ref & REF_INDEX, tracker->swapped[at]))
		return;
	struct step step;
	uint32_t index = flow_begin(tracker, seg, tracker->hashes[at], &tracker->tuples[at],
				    tracker->swapped[at]);

	if (!index)
		return;
	flow_pair(tracker, &step, seg, index, tracker->swapped[at]);
	input_segment(&step);
}

/* Start fetching what a segment will touch: its place, then the flow found there. */
static void fetch_places(struct tracker *tracker, const struct segment_batch *batch, unsigned first,
			 unsigned end)
{
	for (unsigned i = first; i < end; i++) {
		if (segment_has(&batch->segments[i], SEGMENT_NOT_TCP))
			continue;
		tracker->swapped[i] = tuple_of_segment(&tracker->tuples[i], &batch->segments[i]);
		tracker->hashes[i] = table_hash(&tracker->table, &tracker->tuples[i]);
		fetch_line(table_place(&tracker->table, tracker->hashes[i]));
	}
}

static void fetch_flows(struct tracker *tracker, const struct segment_batch *batch, unsigned first,
			unsigned end)
{
	for (unsigned i = first; i < end; i++) {
		tracker->guesses[i] = 0;
		if (segment_has(&batch->segments[i], SEGMENT_NOT_TCP))
			continue;
		uint32_t ref = table_guess(&tracker->table, tracker->hashes[i]);

		tracker->guesses[i] = ref & REF_TOMB ? 0 : ref;
		if (!tracker->guesses[i])
			continue;
		if (ref & REF_BRIEF) {
			const char *brief = pool_at(&tracker->pools.briefs, ref & REF_INDEX);

			fetch_line(brief);
			fetch_line(brief + offsetof(struct brief, start) - 1);
			fetch_line(outline_of(&tracker->pools, ref & REF_INDEX));
			continue;
		}
		const char *flow = pool_at(&tracker->pools.flows, ref);

		for (size_t line = 0; line < sizeof(struct flow); line += 64)
			fetch_line(flow + line);
	}
}

/* What is cold of a flow that has arrived by now: the chunk that takes its next mark. */
static void fetch_cold(struct tracker *tracker, unsigned at)
{
	const struct flow *flow;

	if (!tracker->guesses[at])
		return;
	if (tracker->guesses[at] & REF_BRIEF) {
		const struct brief *brief =
			pool_at(&tracker->pools.briefs, tracker->guesses[at] & REF_INDEX);

		if (brief->last)
			fetch_line(pool_at(&tracker->pools.brief_chunks, brief->last));
		else
			fetch_line(brief->start + brief->used);
		return;
	}
	flow = pool_at(&tracker->pools.flows, tracker->guesses[at]);
	if (flow->marks_last) {
		const char *marks = pool_at(&tracker->pools.marks, flow->marks_last);

		for (size_t line = 0; line < sizeof(struct mark_chunk); line += 64)
			fetch_line(marks + line);
	}
	if (flow->extra)
		fetch_line(pool_at(&tracker->pools.extras, flow->extra));
}

void tracker_add(struct tracker *tracker, const struct segment_batch *batch)
{
	for (unsigned first = 0; first < batch->count; first += BATCH_AHEAD) {
		unsigned end =
			first + BATCH_AHEAD < batch->count ? first + BATCH_AHEAD : batch->count;

		settle_if_tight(tracker);
		fetch_places(tracker, batch, first, end);
		fetch_flows(tracker, batch, first, end);
		for (unsigned i = first; i < end; i++) {
			if (i + COLD_AHEAD < end)
				fetch_cold(tracker, i + COLD_AHEAD);
			take(tracker, &batch->segments[i], i);
		}
	}
}
