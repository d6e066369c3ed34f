/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "track/tracker.h"

/*
 * What is due when. Every list has one delay, and a flow joins with the clock of that moment,
 * nearly always at the end, so each list is in order of time and only its first flow needs looking
 * at.
 */

static const int64_t delays_ns[] = {
	[DUE_NONE] = INT64_MAX,
	[DUE_SYN] = SYN_GIVES_UP_NS,
	[DUE_ENDED] = RELEASE_AFTER_NS,
	[DUE_LAST_ACK] = LAST_ACK_AFTER_NS,
};
static_assert(sizeof(delays_ns) / sizeof(delays_ns[0]) == DUE_LISTS, "a delay per list");

static struct flow *flow_at(const struct tracker *tracker, uint32_t index)
{
	return pool_at(&tracker->pools.flows, index);
}

static struct due_queue *queue_of(struct tracker *tracker, const struct flow *flow)
{
	return &tracker->due[flow->due_late][flow->due_list];
}

static void unlink_flow(struct tracker *tracker, struct flow *flow)
{
	struct due_queue *queue = queue_of(tracker, flow);

	if (flow->due_before)
		flow_at(tracker, flow->due_before)->due_next = flow->due_next;
	else
		queue->first = flow->due_next;
	if (flow->due_next)
		flow_at(tracker, flow->due_next)->due_before = flow->due_before;
	else
		queue->last = flow->due_before;
	flow->due_next = 0;
	flow->due_before = 0;
}

/* Nearly always at the end: only a flow that was a brief until now may be a little late. */
static void link_flow(struct tracker *tracker, struct flow *flow, uint32_t index)
{
	struct due_queue *queue = queue_of(tracker, flow);
	uint32_t before = queue->last;

	while (before && flow_at(tracker, before)->due_since_ns > flow->due_since_ns)
		before = flow_at(tracker, before)->due_before;
	uint32_t *to_next = before ? &flow_at(tracker, before)->due_next : &queue->first;

	flow->due_before = before;
	flow->due_next = *to_next;
	*to_next = index;
	if (flow->due_next)
		flow_at(tracker, flow->due_next)->due_before = index;
	else
		queue->last = index;
	if (flow->due_since_ns + delays_ns[flow->due_list] < tracker->next_due_ns)
		tracker->next_due_ns = flow->due_since_ns + delays_ns[flow->due_list];
}

void due_leave(struct tracker *tracker, uint32_t index)
{
	struct flow *flow = flow_at(tracker, index);

	if (flow->due_list != DUE_NONE && !tracker->replaying)
		unlink_flow(tracker, flow);
	flow->due_list = DUE_NONE;
}

void due_join(struct tracker *tracker, uint32_t index, enum due_list list)
{
	struct flow *flow = flow_at(tracker, index);

	due_leave(tracker, index);
	if (list == DUE_NONE)
		return;
	flow->due_list = (uint8_t)list;
	flow->due_late = false;
	flow->due_since_ns = tracker->clock_ns;
	if (!tracker->replaying)
		link_flow(tracker, flow, index);
}

/*
 * After the replay of a brief its flow joins the list that it was in at the end, once. @late: a
 * clock asked for it; such flows are far behind those that joined now, and keep lists of their own.
 */
void due_settle(struct tracker *tracker, uint32_t index, bool late)
{
	struct flow *flow = flow_at(tracker, index);

	flow->due_late = late;
	if (flow->due_list != DUE_NONE)
		link_flow(tracker, flow, index);
}

/* A flow whose delay is over may have a reason to stay. Return: whether it joined again. */
static bool stays(struct tracker *tracker, uint32_t index)
{
	const struct flow *flow = flow_at(tracker, index);

	if (flow->due_list != DUE_SYN || flow_has(flow, FLOW_DETACHED) ||
	    tracker->clock_ns - flow->last_ns >= SYN_GAP_MOST_NS)
		return false;
	due_join(tracker, index, DUE_SYN); /* its SYNs still come */
	return true;
}

bool release_note(struct tracker *tracker, uint32_t ref)
{
	if (tracker->release_count == tracker->release_capacity) {
		uint32_t capacity = tracker->release_capacity ? tracker->release_capacity * 2 : 256;
		uint32_t *grown = realloc(tracker->release, capacity * sizeof(*grown));

		if (!grown)
			return false;
		tracker->release = grown;
		tracker->release_capacity = capacity;
	}
	tracker->release[tracker->release_count++] = ref;
	return true;
}

static void due_collect(struct tracker *tracker, bool late, enum due_list list)
{
	struct due_queue *queue = &tracker->due[late][list];

	while (queue->first) {
		uint32_t index = queue->first;

		if (tracker->clock_ns - flow_at(tracker, index)->due_since_ns < delays_ns[list])
			return;
		if (stays(tracker, index))
			continue;
		if (!release_note(tracker, index))
			return; /* no memory for more now: the next frame goes on */
		due_leave(tracker, index);
	}
}

static uint64_t first_frame_of(const struct tracker *tracker, uint32_t ref)
{
	if (!(ref & REF_BRIEF))
		return flow_at(tracker, ref)->first_frame;
	const struct brief *brief = pool_at(&tracker->pools.briefs, ref & REF_INDEX);

	return brief->first_frame;
}

static int layer_of(const struct tracker *tracker, uint32_t ref)
{
	return ref & REF_BRIEF ? 0 : flow_at(tracker, ref)->layer;
}

/* By connection number, then layer. */
static int by_conn(const void *left, const void *right, void *context)
{
	uint32_t ref_a = *(const uint32_t *)left, ref_b = *(const uint32_t *)right;
	uint64_t a = first_frame_of(context, ref_a), b = first_frame_of(context, ref_b);

	if (a != b)
		return a < b ? -1 : 1;
	return layer_of(context, ref_a) - layer_of(context, ref_b);
}

/* As those that ended in the order in which they began: spares a second list of all. */
static bool in_order(struct tracker *tracker)
{
	for (uint32_t i = 1; i < tracker->release_count; i++)
		if (by_conn(&tracker->release[i - 1], &tracker->release[i], tracker) > 0)
			return false;
	return true;
}

/* A brief whose delay is over. As a flow it may have a reason to stay. */
static void release_brief(struct tracker *tracker, uint32_t index, bool at_end)
{
	const struct brief *brief = pool_at(&tracker->pools.briefs, index);

	if (at_end || brief_regular(brief)) {
		release_as_brief(tracker, index, at_end);
		return;
	}
	index = brief_unfold(tracker, index, true);
	if (!index)
		return;
	const struct flow *flow = flow_at(tracker, index);
	int64_t joined_ns = tracker->clock_ns - flow->due_since_ns;

	if (flow->due_list != DUE_NONE && joined_ns >= delays_ns[flow->due_list] &&
	    !stays(tracker, index))
		release_flow(tracker, index, false);
}

static void release_noted(struct tracker *tracker, bool at_end)
{
	if (!in_order(tracker))
		qsort_r(tracker->release, tracker->release_count, sizeof(*tracker->release),
			by_conn, tracker);
	for (uint32_t i = 0; i < tracker->release_count; i++) {
		uint32_t ref = tracker->release[i];

		if (ref & REF_BRIEF)
			release_brief(tracker, ref & REF_INDEX, at_end);
		else
			release_flow(tracker, ref, at_end);
	}
	tracker->release_count = 0;
}

void due_run(struct tracker *tracker)
{
	briefs_wake(tracker);
	for (int list = DUE_SYN; list < DUE_LISTS; list++) {
		due_collect(tracker, false, (enum due_list)list);
		due_collect(tracker, true, (enum due_list)list);
	}
	release_noted(tracker, false);
	tombs_expire(tracker);
	tracker->next_due_ns = tombs_next_ns(tracker);
	if (briefs_next_ns(tracker) < tracker->next_due_ns)
		tracker->next_due_ns = briefs_next_ns(tracker);
	for (int list = DUE_SYN; list < DUE_LISTS; list++) {
		for (unsigned late = 0; late < 2; late++) {
			uint32_t first = tracker->due[late][list].first;
			int64_t due =
				first ? flow_at(tracker, first)->due_since_ns + delays_ns[list]
				      : INT64_MAX;

			if (due < tracker->next_due_ns)
				tracker->next_due_ns = due;
		}
	}
}

void tracker_finish(struct tracker *tracker)
{
	settle(tracker); /* what was due looks as if it lived, until it is taken back */
	/* Nothing more comes, and nothing is due before the others: room for the list of all. */
	ring_clear(&tracker->brief_syns);
	ring_clear(&tracker->brief_unopened);
	ring_clear(&tracker->brief_fins);
	ring_clear(&tracker->brief_closed);
	table_empty(&tracker->table);
	for (uint32_t index = 1; index <= tracker->pools.flows.used; index++) {
		/* A flow in use has packets: what is free was given back with none. */
		const struct flow *flow = flow_at(tracker, index);

		if (flow->first_frame && !release_note(tracker, index))
			release_flow(tracker, index, true);
	}
	/* Briefs one by one in their turn: all of them at once as flows would need much memory. */
	for (uint32_t index = 1; index <= tracker->pools.briefs.used; index++) {
		const struct brief *brief = pool_at(&tracker->pools.briefs, index);

		if (brief->first_frame && !release_note(tracker, index | REF_BRIEF))
			release_brief(tracker, index, true);
	}
	release_noted(tracker, true);
}

void flow_ended(struct step *step)
{
	struct flow *flow = step->flow;

	flow->bits |= FLOW_ENDED;
	due_join(step->tracker, step->index, DUE_ENDED);
}
