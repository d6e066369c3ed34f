/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/tcp_options.h"
#include "track/tracker.h"

/* What a segment's ACK and SACK say of the peer's octets. Source: RFC 9293 3.10.7.4, RFC 5681. */

#define ACK_FAR (1 << 29) /* farther beyond what was seen: not an ACK of this connection */

void answer_time(struct side *own, int64_t gap_ns)
{
	uint32_t gap = gap_ns <= 0 ? 0 : gap_ns >= UINT32_MAX ? UINT32_MAX : (uint32_t)gap_ns;

	if (gap < own->answer_ns)
		own->answer_ns = gap;
}

static bool is_pure(const struct segment *seg)
{
	return !seg->payload_bytes && !(seg->flags & (TCP_SYN | TCP_FIN | TCP_RST));
}

static void ack_measures(struct step *step)
{
	struct side *own = step->own, *peer = step->peer;

	if (side_has(peer, SIDE_TIMED) &&
	    seq_at_or_after(side_acked(peer), seq_of(peer->timed_end))) {
		int64_t sample = step->now - peer->timed_ns;

		rtt_add(&own->rtt, sample);
		if (is_pure(step->seg) && peer->acked == peer->timed_end)
			answer_time(own, sample);
		peer->bits &= ~(uint32_t)SIDE_TIMED;
	}
	if (side_has(peer, SIDE_OUT) && seq_after(side_acked(peer), seq_of(peer->out_seq)))
		peer->bits &= ~(uint32_t)SIDE_OUT;
	if (side_has(peer, SIDE_NXT) && seq_at_or_after(side_acked(peer), side_nxt(peer)))
		peer->largest_acked = peer->largest_sent;
}

static void acks_unseen(struct step *step)
{
	struct odd *odd = cold_odd(step->pools, step->flow);

	step->notes |= NOTE_ACKS_UNSEEN;
	step->keep = true;
	if (!odd)
		return;
	odd->unseen_acked++;
	if (!odd->unseen_acked_frame)
		odd->unseen_acked_frame = step->seg->frame;
}

/* The receiver took the octet with which its shut window was probed. */
static bool acks_probe_octet(const struct step *step)
{
	const struct side *peer = step->peer;

	return side_has(peer, SIDE_PROBING_WINDOW) && peer->last.len == 1 &&
	       peer->last.seq == peer->nxt && step->seg->ack.raw == peer->nxt + 1;
}

void ack_moves(struct step *step)
{
	struct side *peer = step->peer;
	struct seq ack = step->seg->ack;

	if (acks_probe_octet(step))
		peer->nxt = ack.raw;
	if (side_has(peer, SIDE_NXT) && seq_after(ack, side_nxt(peer)) &&
	    !flow_has(step->flow, FLOW_SELF))
		acks_unseen(step);
	peer->acked = ack.raw;
	peer->acked_ns = step->now;
	peer->bits |= SIDE_ACKED;
	peer->dupacks = 0;
	step->acks_new = true;
	ack_measures(step);
	resend_progress(step);
}

/* RFC 5681 section 2: (a) data outstanding, (b) no data, (c) no SYN or FIN, (d) the same ack,
   (e) the same window. */
static bool is_duplicate_ack(const struct step *step)
{
	const struct segment *seg = step->seg;
	const struct side *own = step->own;

	return is_pure(seg) && side_has(own, SIDE_WINDOW) && side_outstanding(step->peer) &&
	       seg->ack.raw == own->ack_sent && seg->window == own->window &&
	       seq_at_or_after(step->seq, side_nxt(own)) &&
	       !(step->notes & (NOTE_KEEPALIVE | NOTE_WINDOW_PROBE));
}

static void duplicate_ack(struct step *step)
{
	struct odd *odd;

	step->notes |= NOTE_DUPLICATE_ACK;
	if (step->peer->dupacks < UINT8_MAX && step->seg->window) /* a shut one asks for nothing */
		step->peer->dupacks++;
	odd = cold_odd(step->pools, step->flow);
	if (odd)
		odd->duplicate_acks[step->from]++;
}

/* Source: RFC 2883 section 4: the first block reports a duplicate when it lies at or below the ACK,
   or inside the second block. */
static bool first_is_dsack(const struct step *step, const struct sack_block *blocks, unsigned count)
{
	if (count == 0)
		return false;
	if (seq_at_or_before(blocks[0].right, step->seg->ack))
		return true;
	return count > 1 && seq_at_or_after(blocks[0].left, blocks[1].left) &&
	       seq_at_or_before(blocks[0].right, blocks[1].right);
}

static void sack_step(struct step *step)
{
	struct sack_block blocks[SACK_BLOCKS_MOST];
	unsigned count = segment_sack_blocks(step->seg, blocks);
	unsigned first = first_is_dsack(step, blocks, count) ? 1 : 0;
	struct loss *loss = NULL;

	if (first) {
		step->moment_options |= MOMENT_HAS_DSACK;
		resend_dsack(step, blocks[0].left, blocks[0].right);
	}
	if (first < count)
		loss = cold_loss(step->pools, step->flow, end_other(step->from));
	for (unsigned i = first; loss && i < count; i++) {
		if (seq_at_or_before(blocks[i].right, step->seg->ack) ||
		    !side_has(step->peer, SIDE_NXT) ||
		    seq_distance(blocks[i].right, side_nxt(step->peer)) > ACK_FAR)
			continue;
		held_add(loss, blocks[i].left, blocks[i].right);
	}
}

void ack_step(struct step *step)
{
	struct side *peer = step->peer;
	const struct segment *seg = step->seg;

	if (!(seg->flags & TCP_ACK) || step->stray)
		return;
	if (!side_has(peer, SIDE_BASE)) {
		peer->isn = seg->ack.raw - 1;
		peer->bits |= SIDE_BASE;
	}
	step->acked_before = peer->acked;
	if (!side_has(peer, SIDE_ACKED)) {
		int32_t past =
			side_has(peer, SIDE_NXT) ? seq_distance(seg->ack, side_nxt(peer)) : 0;

		if (past < ACK_FAR && past > -ACK_FAR)
			ack_moves(step);
	} else {
		int32_t moved = seq_distance(seg->ack, side_acked(peer));

		if (moved > 0 && moved < ACK_FAR)
			ack_moves(step);
		else if (moved == 0 && is_duplicate_ack(step))
			duplicate_ack(step);
	}
	if (seg->options_seen & TCP_HAS_SACK)
		sack_step(step);
	fin_acked(step);
}
