/* SPDX-License-Identifier: BSD-2-Clause */
#include "judge/context.h"
#include "judge/system.h"
#include "judge/timewait.h"

static bool entered(const struct half *half)
{
	if (half->state == STATE_TIME_WAIT)
		return true;
	for (unsigned i = half->state_count; i > 0; i--) {
		if (half->states[i - 1].state == STATE_TIME_WAIT)
			return true;
	}
	return false;
}

static int64_t later_of(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

void timewait_judge(const struct conn *conn, enum end end, struct time_wait *out)
{
	const struct half *own = &conn->half[end];
	const struct half *peer = &conn->half[end_other(end)];

	*out = (struct time_wait){ .from_ns = TIME_NONE,
				   .until_ns = TIME_NONE,
				   .duration_ns = TIME_NONE };
	if (!own->has_fin || !peer->has_fin)
		return;
	/* Crossing FINs: both hold it, whichever way the tap stands in between makes it look. */
	if (!entered(own) && !(conn->closed_first == 2 && conn->ending_reset < 0 &&
			       own->closing->acked.frame && peer->closing->acked.frame))
		return;

	int64_t from = peer->closing->first.time_ns;

	if (own->closing->acked.frame)
		from = later_of(from, own->closing->acked.time_ns);
	if (peer->closing->repeats)
		from = later_of(from, peer->closing->last_repeat_ns);
	out->held = true;
	out->from_ns = from;
	out->duration_ns = system_time_wait_ns(own, &out->assumed);
	out->until_ns = from + out->duration_ns;

	const struct moment *killed =
		conn->time_wait_killed_frame ? moment_at(conn, conn->time_wait_killed_frame) : NULL;

	if (killed && killed->from != end && killed->time_ns < out->until_ns)
		out->until_ns = killed->time_ns;
}
