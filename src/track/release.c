/* SPDX-License-Identifier: BSD-2-Clause */
#include "track/tracker.h"

/* A connection's end in memory: its record goes to the sink, a tombstone stays. */

int64_t pause_after(const struct tracker *tracker, int64_t last_ns)
{
	unsigned count = tracker->pause_count < PAUSES_MOST ? tracker->pause_count : PAUSES_MOST;
	int64_t longest = 0;

	for (unsigned i = 0; i < count; i++) {
		const struct pause *pause = &tracker->pauses[i];

		if (pause->from_ns >= last_ns && pause->to_ns - pause->from_ns > longest)
			longest = pause->to_ns - pause->from_ns;
	}
	return longest;
}

/* Whether a pool has an eighth of its items left. */
static bool roomy(const struct pool *pool)
{
	return pool->live < pool->most - pool->most / 8;
}

static bool pools_roomy(const struct pools *pools)
{
	return roomy(&pools->flows) && roomy(&pools->marks) && roomy(&pools->extras) &&
	       roomy(&pools->losses) && roomy(&pools->probes) && roomy(&pools->states) &&
	       roomy(&pools->closings) && roomy(&pools->stalls) && roomy(&pools->odds) &&
	       roomy(&pools->resets) && roomy(&pools->candidates) && roomy(&pools->briefs) &&
	       roomy(&pools->brief_chunks);
}

void settle(struct tracker *tracker)
{
	if (tracker->handed)
		tracker->sink.settle(tracker->sink.context);
	assert(!tracker->handed);
}

void settle_if_tight(struct tracker *tracker)
{
	if (tracker->handed && !pools_roomy(&tracker->pools))
		settle(tracker);
}

/* Have the record made, here or elsewhere. */
static void hand_over(struct tracker *tracker, uint32_t ref, bool at_end, int64_t last_ns)
{
	const struct track_due due = {
		.ref = ref,
		.at_end = at_end,
		.judged_ns = tracker->clock_ns,
		.judged_frame = tracker->clock_frame,
		.pause_ns = pause_after(tracker, last_ns),
	};

	tracker->handed++;
	if (tracker->sink.due) {
		tracker->sink.due(tracker->sink.context, &due);
		settle_if_tight(tracker);
		return;
	}
	const struct conn *conn = tracker_tell(tracker, &due);

	tracker_join(tracker);
	if (tracker->sink.conn)
		tracker->sink.conn(tracker->sink.context, conn);
	tracker_take_back(tracker, ref);
}

void release_flow(struct tracker *tracker, uint32_t index, bool at_end)
{
	struct flow *flow = pool_at(&tracker->pools.flows, index);

	due_leave(tracker, index);
	if (!at_end && !flow_has(flow, FLOW_DETACHED))
		tomb_put(tracker, index);
	hand_over(tracker, index, at_end, flow->last_ns);
}

void release_as_brief(struct tracker *tracker, uint32_t index, bool at_end)
{
	struct brief *brief = pool_at(&tracker->pools.briefs, index);

	brief->course |= COURSE_RELEASED;
	if (!at_end)
		tomb_put_brief(tracker, index);
	hand_over(tracker, index | REF_BRIEF, at_end, brief->last_ns);
}

void tracker_take_back_soon(struct tracker *tracker, uint32_t ref, unsigned level)
{
	if (ref & REF_BRIEF)
		brief_fetch_to_give(&tracker->pools, ref & REF_INDEX, level);
}

void tracker_take_back(struct tracker *tracker, uint32_t ref)
{
	tracker->handed--;
	if (ref & REF_BRIEF) {
		brief_give(tracker, ref & REF_INDEX);
		return;
	}
	struct flow *flow = pool_at(&tracker->pools.flows, ref);

	flow->first_frame = 0;
	cold_free(&tracker->pools, ref);
}
