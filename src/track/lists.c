/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "track/tracker.h"

/*
 * What is due when. Every list has one delay, and a flow joins at the end with the clock of that
 * moment, so each list is in order of time and only its first flow needs looking at.
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

void due_leave(struct tracker *tracker, uint32_t index)
{
	struct flow *flow = flow_at(tracker, index);
	struct due_queue *queue = &tracker->due[flow->due_list];

	if (flow->due_list == DUE_NONE)
		return;
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
	flow->due_list = DUE_NONE;
}

void due_join(struct tracker *tracker, uint32_t index, enum due_list list)
{
	struct flow *flow = flow_at(tracker, index);
	struct due_queue *queue = &tracker->due[list];

	due_leave(tracker, index);
	if (list == DUE_NONE)
		return;
	flow->due_list = (uint8_t)list;
	flow->due_since_ns = tracker->clock_ns;
	flow->due_before = queue->last;
	if (queue->last)
		flow_at(tracker, queue->last)->due_next = index;
	else
		queue->first = index;
	queue->last = index;
	if (tracker->clock_ns + delays_ns[list] < tracker->next_due_ns)
		tracker->next_due_ns = tracker->clock_ns + delays_ns[list];
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

static bool release_note(struct tracker *tracker, uint32_t index)
{
	if (tracker->release_count == tracker->release_capacity) {
		uint32_t capacity = tracker->release_capacity ? tracker->release_capacity * 2 : 256;
		uint32_t *grown = realloc(tracker->release, capacity * sizeof(*grown));

		if (!grown)
			return false;
		tracker->release = grown;
		tracker->release_capacity = capacity;
	}
	tracker->release[tracker->release_count++] = index;
	return true;
}

static void due_collect(struct tracker *tracker, enum due_list list)
{
	struct due_queue *queue = &tracker->due[list];

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

/* By connection number, then layer. */
static int by_conn(const void *left, const void *right, void *context)
{
	const struct flow *a = flow_at(context, *(const uint32_t *)left);
	const struct flow *b = flow_at(context, *(const uint32_t *)right);

	if (a->first_frame != b->first_frame)
		return a->first_frame < b->first_frame ? -1 : 1;
	return (int)a->layer - (int)b->layer;
}

static void release_noted(struct tracker *tracker, bool at_end)
{
	if (tracker->release_count > 1)
		qsort_r(tracker->release, tracker->release_count, sizeof(*tracker->release),
			by_conn, tracker);
	for (uint32_t i = 0; i < tracker->release_count; i++)
		release_flow(tracker, tracker->release[i], at_end);
	tracker->release_count = 0;
}

void due_run(struct tracker *tracker)
{
	for (int list = DUE_SYN; list < DUE_LISTS; list++)
		due_collect(tracker, (enum due_list)list);
	release_noted(tracker, false);
	tombs_expire(tracker);
	tracker->next_due_ns = tombs_next_ns(tracker);
	for (int list = DUE_SYN; list < DUE_LISTS; list++) {
		uint32_t first = tracker->due[list].first;
		int64_t due =
			first ? flow_at(tracker, first)->due_since_ns + delays_ns[list] : INT64_MAX;

		if (due < tracker->next_due_ns)
			tracker->next_due_ns = due;
	}
}

void tracker_finish(struct tracker *tracker)
{
	for (uint32_t index = 1; index <= tracker->pools.flows.used; index++) {
		/* A flow in use has packets: what is free was given back with none. */
		const struct flow *flow = flow_at(tracker, index);

		if (flow->first_frame && !release_note(tracker, index))
			release_flow(tracker, index, true);
	}
	release_noted(tracker, true);
}

void flow_ended(struct step *step)
{
	struct flow *flow = step->flow;

	flow->bits |= FLOW_ENDED;
	due_join(step->tracker, step->index, DUE_ENDED);
}
