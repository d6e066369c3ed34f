/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "track/tracker.h"

/*
 * When the limit is reached the connection that is idle longest goes. Instead of keeping all of
 * them in order at every segment, the idlest few are sorted out in one pass when one is needed: a
 * flow of this list that has been touched since is skipped, and whatever is not in the list is
 * younger than all that are, so the first untouched one is the idlest of all.
 */
struct idle_flow {
	int64_t last_ns;
	uint64_t first_frame;
	uint32_t index;
};

#define IDLE_LEAST 64u

struct evictor {
	uint32_t count, next, most;
	struct idle_flow idle[];
};

void evictor_free(struct evictor *evictor)
{
	free(evictor);
}

static int idler_first(const void *left, const void *right)
{
	const struct idle_flow *a = left, *b = right;

	if (a->last_ns != b->last_ns)
		return a->last_ns < b->last_ns ? -1 : 1;
	if (a->first_frame != b->first_frame)
		return a->first_frame < b->first_frame ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

/* Keep the list a heap whose top is the youngest, while flows pass by. */
static void heap_sink(struct idle_flow *heap, uint32_t count, uint32_t at)
{
	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child >= count)
			return;
		if (child + 1 < count && idler_first(&heap[child], &heap[child + 1]) < 0)
			child++;
		if (idler_first(&heap[at], &heap[child]) >= 0)
			return;
		struct idle_flow moved = heap[at];

		heap[at] = heap[child];
		heap[child] = moved;
		at = child;
	}
}

static void idle_refill(struct tracker *tracker, struct evictor *evictor)
{
	evictor->count = 0;
	evictor->next = 0;
	for (uint32_t index = 1; index <= tracker->pools.flows.used; index++) {
		const struct flow *flow = pool_at(&tracker->pools.flows, index);
		struct idle_flow one = { .last_ns = flow->last_ns,
					 .first_frame = flow->first_frame,
					 .index = index };

		if (!flow->first_frame)
			continue;
		if (evictor->count < evictor->most) {
			evictor->idle[evictor->count++] = one;
			if (evictor->count == evictor->most)
				for (uint32_t i = evictor->most / 2; i-- > 0;)
					heap_sink(evictor->idle, evictor->count, i);
		} else if (idler_first(&one, &evictor->idle[0]) < 0) {
			evictor->idle[0] = one;
			heap_sink(evictor->idle, evictor->count, 0);
		}
	}
	qsort(evictor->idle, evictor->count, sizeof(evictor->idle[0]), idler_first);
}

static struct evictor *evictor_make(struct tracker *tracker)
{
	uint32_t most =
		tracker->flows_most / 64 < IDLE_LEAST ? IDLE_LEAST : tracker->flows_most / 64;
	struct evictor *evictor = calloc(1, sizeof(*evictor) + most * sizeof(evictor->idle[0]));

	if (evictor)
		evictor->most = most;
	return evictor;
}

void evict_one(struct tracker *tracker)
{
	struct evictor *evictor = tracker->evictor;

	if (!evictor) {
		evictor = evictor_make(tracker);
		if (!evictor)
			return;
		tracker->evictor = evictor;
	}
	for (int pass = 0; pass < 2; pass++) {
		while (evictor->next < evictor->count) {
			const struct idle_flow *one = &evictor->idle[evictor->next++];
			struct flow *flow = pool_at(&tracker->pools.flows, one->index);

			if (flow->first_frame != one->first_frame || flow->last_ns != one->last_ns)
				continue;
			flow->bits |= FLOW_EVICTED;
			tracker->stats.evicted++;
			due_leave(tracker, one->index);
			release_flow(tracker, one->index, false);
			return;
		}
		idle_refill(tracker, evictor);
	}
}
