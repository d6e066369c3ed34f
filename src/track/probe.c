/* SPDX-License-Identifier: BSD-2-Clause */
#include "track/tracker.h"

/* Keep-alive probes and probes of a shut window. Source: RFC 9293 sections 3.8.4 and 3.8.6.1. */

#define KEEPALIVE_QUIET_NS (200 * NSEC_PER_MSEC) /* sooner: an ACK that was overtaken */
#define KEEPALIVE_OCTET_NS (900 * NSEC_PER_MSEC) /* with an octet: Windows waits 1 s at least */

static bool shape_of_keepalive(const struct step *step)
{
	const struct side *own = step->own;
	int64_t least = step->seg->payload_bytes ? KEEPALIVE_OCTET_NS : KEEPALIVE_QUIET_NS;

	return step->seq.raw == own->nxt - 1 && own->last.frame && !side_has(own, SIDE_FIN) &&
	       !side_outstanding(own) && step->own_silence_ns >= least &&
	       (step->silence_ns >= least || side_has(own, SIDE_PROBING));
}

static bool shape_of_window_probe(const struct step *step)
{
	const struct side *own = step->own;

	if (!side_has(step->peer, SIDE_SHUT) || side_has(own, SIDE_FIN))
		return false;
	if (step->seq.raw == own->nxt - 1)
		return !side_outstanding(own);
	return step->seg->payload_bytes == 1 && step->seq.raw == own->nxt;
}

static void run_begin(const struct step *step, struct probe_run *run)
{
	run->unanswered = 0;
	run->frame_count = 0;
	run->first_frame = step->seg->frame;
	run->first_ns = step->now;
	run->idle_ns = step->silence_ns;
	run->gap_least_ns = TIME_NONE;
	run->gap_most_ns = TIME_NONE;
	run->payload_bytes = (uint8_t)step->seg->payload_bytes;
}

static void run_gap(const struct step *step, struct probe_run *run)
{
	int64_t gap = step->now - run->last_ns;

	if (run->gap_least_ns == TIME_NONE || gap < run->gap_least_ns)
		run->gap_least_ns = gap;
	if (run->gap_most_ns == TIME_NONE || gap > run->gap_most_ns)
		run->gap_most_ns = gap;
}

static void run_add(const struct step *step, struct probe_run *run)
{
	const struct side *peer = step->peer;

	if (!run->total) {
		run->typical_gap_ns = TIME_NONE;
		run->typical_idle_ns = TIME_NONE;
		run->first_frame_ever = step->seg->frame;
		run_begin(step, run);
	} else {
		bool others = peer->last.frame > run->last_frame ||
			      step->own->last.frame > run->last_frame;

		run->typical_gap_ns = step->now - run->last_ns;
		if (others)
			run_begin(step, run);
		else
			run_gap(step, run);
	}
	run->total++;
	run->unanswered++;
	run->last_frame = step->seg->frame;
	run->last_ns = step->now;
	if (run->frame_count < sizeof(run->frames) / sizeof(run->frames[0]))
		run->frames[run->frame_count++] = step->seg->frame;
}

static void window_probed(struct step *step)
{
	struct probes *own = cold_probes(step->pools, step->flow, step->from);
	struct probes *peer = cold_probes(step->pools, step->flow, end_other(step->from));

	step->notes |= NOTE_WINDOW_PROBE;
	step->own->bits |= SIDE_PROBING_WINDOW;
	if (own) {
		run_add(step, &own->window);
		own->window_count++;
	}
	if (peer) {
		peer->shut.probes++;
		peer->blocked = true;
	}
}

/* The octet of a probe has no place in the sequence until the receiver takes it. */
static void probe_octet(struct step *step)
{
	struct odd *odd = step->seg->payload_bytes ? cold_odd(step->pools, step->flow) : NULL;

	if (odd)
		odd->loose[step->from] += step->seg->payload_bytes;
}

bool probe_step(struct step *step)
{
	const struct segment *seg = step->seg;

	step->own->bits &= ~(uint32_t)SIDE_PROBING_WINDOW;
	if (seg->payload_bytes > 1 || (seg->flags & (TCP_SYN | TCP_FIN | TCP_RST)) ||
	    !(seg->flags & TCP_ACK))
		return false;
	if (shape_of_window_probe(step)) {
		window_probed(step);
	} else if (shape_of_keepalive(step)) {
		struct probes *probes = cold_probes(step->pools, step->flow, step->from);

		step->notes |= NOTE_KEEPALIVE;
		step->own->bits |= SIDE_PROBING;
		if (probes) {
			run_add(step, &probes->keepalive);
			probes->keepalive_count++;
		}
	} else {
		return false;
	}
	probe_octet(step);
	step->keep = true;
	return true;
}

static void run_answered(struct step *step, struct probe_run *run)
{
	run->answered++;
	run->unanswered = 0;
	run->typical_idle_ns = run->idle_ns;
	if (!run->first_answer_frame)
		run->first_answer_frame = step->seg->frame;
}

void probe_answer(struct step *step)
{
	struct probes *probes;
	struct side *peer = step->peer;

	if (!side_has(peer, SIDE_PROBING | SIDE_PROBING_WINDOW))
		return;
	probes = flow_probes(step->pools, step->flow, end_other(step->from));
	if (side_has(peer, SIDE_PROBING) && !step->octets && (step->seg->flags & TCP_ACK) &&
	    !(step->seg->flags & TCP_RST) && !(step->notes & NOTE_KEEPALIVE)) {
		step->notes |= NOTE_KEEPALIVE_ANSWER;
		step->keep = true;
		if (probes)
			run_answered(step, &probes->keepalive);
	}
	if (side_has(peer, SIDE_PROBING_WINDOW) && !step->octets && !(step->seg->flags & TCP_RST)) {
		step->notes |= NOTE_WINDOW_PROBE_ANSWER;
		step->keep = true;
		if (probes)
			run_answered(step, &probes->window);
	}
	peer->bits &= ~(uint32_t)(SIDE_PROBING | SIDE_PROBING_WINDOW);
}
