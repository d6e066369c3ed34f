/* SPDX-License-Identifier: BSD-2-Clause */
#include "track/tracker.h"

/* Octets that are sent again: by which of the sender's reasons, and whether it was needed. */

#define FAST_AFTER_ACK_NS  (20 * NSEC_PER_MSEC)	 /* with no RTT known: an ACK asked for it */
#define TIMER_LEAST_NS	   (200 * NSEC_PER_MSEC) /* Linux's smallest RTO */
#define SYN_TIMER_LEAST_NS (400 * NSEC_PER_MSEC) /* sooner: it answers something */
#define DUPLICATE_ACKS_ASK 3			 /* RFC 5681 3.2 */
#define BACKOFF_CAP_NS	   (60 * NSEC_PER_SEC)	 /* gaps grow no more: RFC 6298 2.5 */

/* Whether duplicate or selective ACKs that came just before asked for these octets. */
static bool asked_for(const struct step *step, const struct loss *loss)
{
	int64_t rtt = flow_rtt_ns(step->tracker, step->flow);
	int64_t soon = rtt == TIME_NONE ? 2 * FAST_AFTER_ACK_NS : rtt + rtt / 4 + FAST_AFTER_ACK_NS;
	int64_t since_peer = step->peer->last.frame ? step->now - step->peer->last.ns : INT64_MAX;

	if (since_peer > soon)
		return false;
	return step->own->dupacks >= DUPLICATE_ACKS_ASK || held_above(loss, step->end) ||
	       loss->recovering;
}

/* Only the last segment was sent again although earlier ones wait: no timer does that. */
static bool is_tail_probe(const struct step *step, const struct loss *loss)
{
	const struct side *own = step->own;
	int64_t rtt = flow_rtt_ns(step->tracker, step->flow);
	int64_t waited = own->last_data.frame ? step->now - own->last_data.ns : INT64_MAX;

	if (loss->run_active || !step->seg->payload_bytes || !seq_equal(step->end, side_nxt(own)) ||
	    own->last_data.seq != step->seq.raw || !side_has(own, SIDE_SACK) ||
	    !side_has(step->peer, SIDE_SACK))
		return false;
	if (side_has(own, SIDE_ACKED) && seq_after(step->seq, side_acked(own)))
		return waited < NSEC_PER_SEC;
	return rtt != TIME_NONE && waited < TIMER_LEAST_NS && waited >= rtt + rtt / 2;
}

/* Data of the SYN that the SYN-ACK left out is sent again at once (RFC 7413, section 4.2.2). */
static bool is_syn_data(const struct step *step)
{
	struct odd *odd = flow_odd(step->pools, step->flow);

	if (!odd || !odd->syn_payload || odd->syn_payload_resent_frame ||
	    step->from != END_CLIENT || (step->seg->flags & TCP_SYN) ||
	    !side_has(step->own, SIDE_ISN) || step->seq.raw != step->own->isn + 1)
		return false;
	odd->syn_payload_resent_frame = step->seg->frame;
	return true;
}

static uint32_t resend_reason(struct step *step, struct loss *loss)
{
	const struct segment *seg = step->seg;

	if (is_syn_data(step))
		return 0;

	if (seg->flags & TCP_SYN)
		return step->own_silence_ns >= SYN_TIMER_LEAST_NS ? NOTE_RESENT_TIMER : 0;
	if (side_has(step->peer, SIDE_REOPENED) && step->own_silence_ns < TIMER_LEAST_NS)
		return 0; /* what was sent into the shut window goes again */
	if (asked_for(step, loss))
		return loss->recovering && loss->run_active && loss->run.seq == step->seq.raw &&
				       step->now - loss->run.last_ns >= TIMER_LEAST_NS
			       ? NOTE_RESENT_TIMER
			       : NOTE_RESENT_FAST;
	if (is_tail_probe(step, loss))
		return NOTE_RESENT_PROBE;
	return NOTE_RESENT_TIMER;
}

static void count_reason(const struct step *step, struct loss *loss)
{
	uint64_t frame = step->seg->frame;

	loss->resent++;
	if (!loss->first_resent)
		loss->first_resent = frame;
	if (step->notes & NOTE_RESENT_TIMER) {
		loss->timer++;
		if (!loss->first_timer)
			loss->first_timer = frame;
	}
	if (step->notes & NOTE_RESENT_FAST) {
		loss->fast++;
		if (!loss->first_fast)
			loss->first_fast = frame;
	}
	if (step->notes & NOTE_RESENT_PROBE) {
		loss->probe++;
		if (!loss->first_probe)
			loss->first_probe = frame;
	}
	if (step->notes & NOTE_SPURIOUS) {
		loss->spurious++;
		if (!loss->first_spurious)
			loss->first_spurious = frame;
	}
}

static void run_begin(const struct step *step, struct loss *loss)
{
	const struct side *own = step->own;
	struct resend_run *run = &loss->run;

	*run = (struct resend_run){
		.seq = step->seq.raw,
		.payload_bytes = step->seg->payload_bytes,
		.is_syn = (step->seg->flags & TCP_SYN) != 0,
		.is_fin = (step->seg->flags & TCP_FIN) != 0,
		.first_frame = step->seg->frame,
		.first_ns = step->now,
		.original_ns = TIME_NONE,
		.last_ns = TIME_NONE,
		.gaps_grow = true,
	};
	if (side_has(own, SIDE_OUT) && own->out_seq == step->seq.raw) {
		run->original_frame = own->out_frame;
		run->original_ns = own->out_ns;
		run->silence_before_ns = own->out_quiet_ms * NSEC_PER_MSEC;
	} else if (own->last_data.frame && own->last_data.seq == step->seq.raw) {
		run->original_frame = own->last_data.frame;
		run->original_ns = own->last_data.ns;
	} else if (own->last.frame && own->last.seq == step->seq.raw) {
		run->original_frame = own->last.frame;
		run->original_ns = own->last.ns;
	}
	loss->run_active = true;
	loss->run_stuck_df = segment_has(step->seg, SEGMENT_DONT_FRAGMENT);
}

static void run_add(struct step *step, struct loss *loss)
{
	struct resend_run *run = &loss->run;
	int64_t before = run->last_ns != TIME_NONE ? run->last_ns : run->original_ns;

	if (before != TIME_NONE) {
		int64_t gap = step->now - before;

		if (run->repeats > 0 && run->last_gap_ns > 0 && gap < run->last_gap_ns * 3 / 2 &&
		    run->last_gap_ns < BACKOFF_CAP_NS)
			run->gaps_grow = false;
		run->last_gap_ns = gap;
	}
	run->repeats++;
	run->last_frame = step->seg->frame;
	run->last_ns = step->now;
	if (run->frame_count < sizeof(run->frames) / sizeof(run->frames[0]))
		run->frames[run->frame_count++] = step->seg->frame;
	if (run->repeats > loss->worst.repeats)
		loss->worst = *run;
}

static void run_take(struct step *step, struct loss *loss)
{
	struct resend_run *run = &loss->run;

	/* A probe of the tail comes before the timer repeats the first octets that wait. */
	if (!loss->run_active || (run->seq != step->seq.raw && run->repeats <= 1 &&
				  seq_before(step->seq, seq_of(run->seq))))
		run_begin(step, loss);
	else if (run->seq != step->seq.raw)
		return;
	run_add(step, loss);
}

static void repeat_remember(const struct step *step, struct loss *loss)
{
	loss->repeats[loss->repeat_next++ % REPEATS_MOST] = (struct repeat){
		.left = step->seq.raw,
		.right = step->end.raw,
		.frame = step->seg->frame,
		.spurious = (step->notes & NOTE_SPURIOUS) != 0,
	};
}

void resend_note(struct step *step, uint32_t seen_octets)
{
	struct loss *loss = cold_loss(step->pools, step->flow, step->from);
	const struct side *own = step->own;

	step->notes |= NOTE_RESENT;
	step->keep = true;
	step->own->bits &= ~(uint32_t)SIDE_TIMED; /* Karn's algorithm */
	if (!loss)
		return;
	step->notes |= resend_reason(step, loss);
	if ((side_has(own, SIDE_ACKED) && seq_at_or_before(step->end, side_acked(own)) &&
	     !(step->seg->flags & TCP_SYN)) ||
	    held_covers(loss, step->seq, step->end))
		step->notes |= NOTE_SPURIOUS;
	count_reason(step, loss);
	loss->resent_bytes +=
		seen_octets < step->seg->payload_bytes ? seen_octets : step->seg->payload_bytes;
	if (!loss->recovering && (step->notes & NOTE_RESENT_FAST)) {
		loss->recovering = true;
		loss->recover = own->nxt;
	}
	run_take(step, loss);
	repeat_remember(step, loss);
}

void resend_progress(struct step *step)
{
	struct loss *loss = flow_loss(step->pools, step->flow, end_other(step->from));

	if (!loss)
		return;
	if (loss->run_active) {
		loss->run_active = false;
		loss->run = (struct resend_run){ 0 };
	}
	held_acked(loss, side_acked(step->peer));
	if (loss->recovering && seq_at_or_after(side_acked(step->peer), seq_of(loss->recover)))
		loss->recovering = false;
}

void resend_dsack(struct step *step, struct seq left, struct seq right)
{
	struct loss *loss = flow_loss(step->pools, step->flow, end_other(step->from));

	for (unsigned i = 0; loss && i < REPEATS_MOST; i++) {
		struct repeat *repeat = &loss->repeats[i];

		if (!repeat->frame || repeat->spurious ||
		    seq_at_or_after(left, seq_of(repeat->right)) ||
		    seq_at_or_before(right, seq_of(repeat->left)))
			continue;
		struct mark *mark = marks_find(step->pools, step->flow, repeat->frame);

		repeat->spurious = true;
		loss->spurious++;
		if (!loss->first_spurious)
			loss->first_spurious = repeat->frame;
		if (mark)
			mark->notes |= NOTE_SPURIOUS;
		return; /* one report, one repeat */
	}
}
