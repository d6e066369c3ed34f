/* SPDX-License-Identifier: BSD-2-Clause */
#include "track/tracker.h"

/* What a segment tells of the capture itself and of its sender's host. */

static uint32_t frames_after(const struct flow *flow, uint64_t frame)
{
	uint64_t after = frame - flow->first_frame;

	return after > UINT32_MAX - 1 ? UINT32_MAX - 1 : (uint32_t)after;
}

static void cut_step(struct step *step)
{
	struct flow *flow = step->flow;

	if (!segment_has(step->seg, SEGMENT_PAYLOAD_CUT | SEGMENT_HEADER_CUT) &&
	    !(step->seg->options_seen & TCP_HAS_OPTIONS_CUT))
		return;
	if (!flow->cut++)
		flow->cut_after = frames_after(flow, step->seg->frame);
}

/* Not finished yet when it was captured: the network card splits and sums it. */
static void offload_step(struct step *step)
{
	struct flow *flow = step->flow;
	const struct side *peer = step->peer;
	bool large =
		side_has(peer, SIDE_MSS) && peer->mss >= 88 && step->seg->payload_bytes > peer->mss;

	if (!large && !segment_has(step->seg, SEGMENT_TCP_SUM_PARTIAL))
		return;
	if (!flow->offload++) {
		flow->offload_after = frames_after(flow, step->seg->frame);
		flow->offload_end = (uint8_t)step->from;
	}
}

static void bad_step(struct step *step)
{
	bool bad = segment_has(step->seg, SEGMENT_TCP_SUM_BAD) &&
		   !segment_has(step->seg, SEGMENT_TCP_SUM_PARTIAL);
	struct odd *odd;

	if (!bad && !step->tracker->frame_back)
		return;
	odd = cold_odd(step->pools, step->flow);
	if (step->tracker->frame_back)
		step->notes |= NOTE_TIME_BACK;
	if (!odd)
		return;
	if (bad && !odd->checksum_bad++)
		odd->checksum_bad_frame = step->seg->frame;
	if (step->tracker->frame_back && !odd->time_back++)
		odd->time_back_frame = step->seg->frame;
}

static void ttl_step(struct step *step)
{
	struct side *own = step->own;

	if (step->seg->flags & TCP_RST)
		return;
	for (unsigned i = 0; i < own->ttl_count; i++)
		if (own->ttls[i] == step->seg->ttl)
			return;
	if (own->ttl_count < sizeof(own->ttls))
		own->ttls[own->ttl_count++] = step->seg->ttl;
}

static void clock_step(struct step *step)
{
	struct side *own = step->own;

	if (!(step->seg->options_seen & TCP_HAS_TIMESTAMPS))
		return;
	own->last_tsval = step->seg->tsval;
	own->last_tsval_ns = step->now;
	if (side_has(own, SIDE_TSVAL))
		return;
	int64_t us = (step->now - step->flow->first_ns) / NSEC_PER_USEC;

	own->bits |= SIDE_TSVAL;
	own->first_tsval = step->seg->tsval;
	own->first_tsval_us = us < 0 ? 0 : us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

void quality_step(struct step *step)
{
	cut_step(step);
	offload_step(step);
	bad_step(step);
	ttl_step(step);
	clock_step(step);
}
