/* SPDX-License-Identifier: BSD-2-Clause */
#include "track/tracker.h"

/* The sender's side of one segment: which of its octets are new, known, or fill a hole. */

#define REORDER_NS   (3 * NSEC_PER_MSEC) /* with no RTT known: nothing is repeated so soon */
#define ID_NEAR	     1000		 /* IP IDs farther apart tell nothing of their order */
#define UNSEEN_MOST  (1 << 24)		 /* a gap at the start; else the first ACK was odd */
#define STRAY_OCTETS (1 << 29)		 /* no window reaches that far */

/* Whether a segment that fills a hole was sent before the one that showed the hole. */
static bool sent_before(const struct step *step, const struct hole *hole)
{
	const struct segment *seg = step->seg;
	int64_t rtt = flow_rtt_ns(step->tracker, step->flow);

	if (hole->has_tsval && (seg->options_seen & TCP_HAS_TIMESTAMPS) &&
	    hole->tsval != seg->tsval)
		return (int32_t)(seg->tsval - hole->tsval) < 0;
	if (hole->has_id && seg->ip_id) {
		int later = (int16_t)(uint16_t)(seg->ip_id - hole->id);

		if (later != 0 && later > -ID_NEAR && later < ID_NEAR)
			return later < 0;
	}
	return hole->ns != TIME_NONE &&
	       step->now - hole->ns <
		       (rtt == TIME_NONE || rtt / 2 < REORDER_NS ? REORDER_NS : rtt / 2);
}

static void fills_gap(struct step *step, const struct hole *hole)
{
	struct loss *loss = flow_loss(step->pools, step->flow, step->from);

	step->notes |= NOTE_FILLS_GAP;
	step->keep = true;
	if (!loss || !sent_before(step, hole))
		return;
	step->notes |= NOTE_REORDERED;
	loss->reordered++;
	if (!loss->first_reordered)
		loss->first_reordered = step->seg->frame;
}

/* Without a SYN the numbering begins at the first octet seen: what lies before it is new. */
static uint32_t before_first(const struct step *step, struct seq right)
{
	struct seq first = seq_add(seq_of(step->own->isn), 1);

	if (side_has(step->own, SIDE_ISN) || !seq_before(step->seq, first))
		return 0;
	return (seq_before(right, first) ? right.raw : first.raw) - step->seq.raw;
}

/* Octets at or below nxt again, or for the first time. */
static void overlaps(struct step *step)
{
	struct side *own = step->own;
	bool beyond = seq_after(step->end, side_nxt(own));
	struct seq right = beyond ? side_nxt(own) : step->end;
	struct hole hole = { .ns = TIME_NONE };
	uint32_t all = right.raw - step->seq.raw;
	uint32_t unseen = holes_fill(step, step->seq, right, &hole) + before_first(step, right);

	if (unseen) {
		step->new_octets = true;
		fills_gap(step, &hole);
	}
	if (all > unseen)
		resend_note(step, all - unseen);
	if (beyond) {
		own->nxt = step->end.raw;
		step->new_octets = true;
	}
}

/* Where a side begins for us; what its peer had acknowledged by then was not captured. */
static void first_octets(struct step *step)
{
	struct side *own = step->own;
	int32_t unseen = side_has(own, SIDE_ACKED) ? seq_distance(step->seq, side_acked(own)) : 0;

	if (unseen > 0 && unseen < UNSEEN_MOST) {
		step->notes |= NOTE_GAP_BEFORE;
		step->keep = true;
		holes_add(step, side_acked(own), step->seq);
	} else if (!side_has(own, SIDE_BASE) || unseen != 0) {
		own->isn = step->seq.raw - 1;
	}
	own->nxt = step->end.raw;
	own->bits |= SIDE_BASE | SIDE_NXT;
	step->new_octets = step->octets > 0;
}

void payload_facts(struct step *step)
{
	struct side *own = step->own;

	if (!step->seg->payload_bytes)
		return;
	if (own->data_packets == 1) { /* counted already */
		step->mark_bits |= MARK_FIRST_DATA;
		step->keep = true;
	}
	if (step->seg->payload_bytes > own->largest_sent)
		own->largest_sent = step->seg->payload_bytes;
	if (!step->new_octets)
		return;
	if (!side_has(own, SIDE_OUT)) {
		own->bits |= SIDE_OUT;
		own->out_seq = step->seq.raw;
		own->out_ns = step->now;
		own->out_frame = step->seg->frame;
		own->out_quiet_ms = step_quiet_ms(step);
	}
	if (!side_has(own, SIDE_TIMED) && !(step->notes & (NOTE_RESENT | NOTE_FILLS_GAP))) {
		own->bits |= SIDE_TIMED;
		own->timed_end = step->end.raw;
		own->timed_ns = step->now;
	}
}

static bool is_stray(const struct step *step)
{
	int32_t past = seq_distance(step->seq, side_nxt(step->own));

	return past > STRAY_OCTETS || past < -STRAY_OCTETS;
}

/*
 * A bare FIN that no receiver takes: on an octet that it has as text, or farther beyond the edge of
 * its window than that window is wide, and nothing else says that segments are missing here.
 */
static bool fin_unacceptable(const struct step *step)
{
	const struct side *own = step->own, *peer = step->peer;
	const struct loss *loss = flow_loss(step->pools, step->flow, step->from);
	bool known;
	uint32_t window = side_window_octets(step->flow, peer, &known);

	if (!(step->seg->flags & TCP_FIN) || step->seg->payload_bytes || side_has(own, SIDE_FIN) ||
	    step->opened || !side_has(own, SIDE_ACKED) || (loss && loss->hole_count))
		return false;
	if (seq_before(step->seq, side_acked(own)))
		return seq_at_or_before(side_acked(own), side_nxt(own));
	return known && seq_after(step->seq, side_nxt(own)) &&
	       seq_distance(step->seq, seq_add(seq_of(peer->ack_sent), window)) > (int32_t)window;
}

void sequence_step(struct step *step)
{
	struct side *own = step->own;

	if (!side_has(own, SIDE_NXT)) {
		first_octets(step);
		payload_facts(step);
		return;
	}
	if (is_stray(step) || fin_unacceptable(step)) {
		step->stray = true;
		step->keep = true;
		step->notes |= NOTE_MISS;
		return;
	}
	if (probe_step(step))
		return;
	int32_t past = seq_distance(step->seq, side_nxt(own));

	if (past > 0) {
		step->notes |= NOTE_GAP_BEFORE;
		step->keep = true;
		holes_add(step, side_nxt(own), step->seq);
		own->nxt = step->end.raw;
		step->new_octets = step->octets > 0;
	} else if (step->octets > 0 && past == 0) {
		own->nxt = step->end.raw;
		step->new_octets = true;
	} else if (step->octets > 0) {
		overlaps(step);
	}
	payload_facts(step);
}
