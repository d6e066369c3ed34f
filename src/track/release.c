/* SPDX-License-Identifier: BSD-2-Clause */
#include "track/tracker.h"

/* A connection's end in memory: its record goes to the sink, a tombstone stays. */

static void release_stats(struct tracker *tracker, const struct conn *conn)
{
	tracker->stats.viewpoints[conn->viewpoint]++;
	tracker->stats.moments_dropped += conn->quality.moments_dropped;
	tracker->stats.states_dropped += conn->quality.states_dropped;
	tracker->stats.ranges_dropped += conn->quality.ranges_dropped;
}

void release_flow(struct tracker *tracker, uint32_t index, bool at_end)
{
	struct flow *flow = pool_at(&tracker->pools.flows, index);
	const struct conn *conn = unfold(tracker, flow, at_end);

	release_stats(tracker, conn);
	if (tracker->sink.conn)
		tracker->sink.conn(tracker->sink.context, conn);
	due_leave(tracker, index);
	if (!at_end && !flow_has(flow, FLOW_DETACHED))
		tomb_put(tracker, flow);
	flow->first_frame = 0;
	cold_free(&tracker->pools, index);
}

bool release_straight(struct tracker *tracker, uint32_t index, bool at_end)
{
	const struct brief *brief = pool_at(&tracker->pools.briefs, index);
	const struct conn *conn;

	if (!brief_closed(brief) || (conn = straight_read(tracker, brief, at_end)) == NULL)
		return false;
	release_stats(tracker, conn);
	if (tracker->sink.conn)
		tracker->sink.conn(tracker->sink.context, conn);
	if (!at_end)
		tomb_put_straight(tracker, brief, conn);
	brief_give(tracker, index);
	return true;
}
