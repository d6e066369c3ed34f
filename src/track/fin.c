/* SPDX-License-Identifier: BSD-2-Clause */
#include "track/tracker.h"

/* Closing by FIN. Source: RFC 9293 sections 3.6 and 3.10.7.4, "eighth, check the FIN bit". */

static struct closing_side *closing_of(struct step *step, enum end end)
{
	struct closing *closing = cold_closing(step->pools, step->flow);

	return closing ? &closing->side[end] : NULL;
}

static struct seq fin_seq(const struct step *step)
{
	return seq_add(step->seq, step->seg->payload_bytes);
}

/* Whether octets below the FIN have not arrived yet: its receiver cannot take it before. */
static bool fin_early(const struct step *step, struct seq fin)
{
	const struct side *own = step->own;
	const struct loss *loss = flow_loss(step->pools, step->flow, step->from);

	if (side_has(own, SIDE_FIN_ACKED))
		return false;
	for (unsigned i = 0; loss && i < loss->hole_count; i++)
		if (seq_before(seq_of(loss->holes[i].left), fin) &&
		    (!side_has(own, SIDE_ACKED) ||
		     seq_after(seq_of(loss->holes[i].right), side_acked(own))))
			return true;
	return false;
}

static void fin_taken(struct step *step, struct closing_side *closed, enum end by, uint64_t frame)
{
	closed->early = false;
	state_event_at(step, by, EVENT_RECEIVE_FIN, STATE_PROVISIONAL, frame);
}

/* Closing confirms what was inferred of the closer, but for the peer's FIN when it does not
   acknowledge that one: it had not arrived yet, and will. */
static void fin_states(struct step *step, struct closing_side *own, bool crossed)
{
	const struct closing_side *peer = closing_of(step, end_other(step->from));
	bool awaits = crossed && state_withdraw(step, step->from, STATE_CLOSE_WAIT) != 0;

	state_confirm(step, step->from);
	state_event(step, step->from, EVENT_SEND_FIN, 0);
	if (awaits && peer)
		state_event_at(step, step->from, EVENT_RECEIVE_FIN, STATE_PROVISIONAL,
			       peer->first.frame);
	own->early = fin_early(step, seq_of(own->seq));
	if (!own->early)
		fin_taken(step, own, end_other(step->from), step->seg->frame);
}

/* A socket connected to itself is sent its own FIN: a simultaneous close with one of everything. */
static void fin_to_itself(struct step *step, const struct closing_side *own)
{
	struct closing_side *other = closing_of(step, end_other(step->from));

	if (other)
		*other = *own;
	step->peer->bits |= SIDE_FIN;
	step->flow->bits |= FLOW_CROSSED;
	for (enum end end = END_CLIENT; end <= END_SERVER; end++) {
		state_confirm(step, end);
		state_event(step, end, EVENT_SEND_FIN, 0);
		state_event(step, end, EVENT_RECEIVE_FIN, STATE_PROVISIONAL | STATE_QUIET);
	}
}

static void fin_first(struct step *step, struct closing_side *own)
{
	struct flow *flow = step->flow;
	bool peer_closed = side_has(step->peer, SIDE_FIN);

	step->own->bits |= SIDE_FIN;
	own->acks_peer_fin = peer_closed && side_has(step->peer, SIDE_FIN_ACKED);
	own->completes_handshake = (step->notes & NOTE_HANDSHAKE_ACK) != 0;
	own->seq = fin_seq(step).raw;
	own->silence_ns =
		step->own->last.frame || step->peer->last.frame ? step->silence_ns : TIME_NONE;
	own->last_ns = step->now;
	own->last_repeat_ns = TIME_NONE;
	own->first = step_mark(step);
	if (!peer_closed && step->from == END_SERVER)
		flow->bits |= FLOW_FIRST_FIN_B;
	if (peer_closed && !own->acks_peer_fin)
		flow->bits |= FLOW_CROSSED;
	if (flow_has(flow, FLOW_SELF))
		fin_to_itself(step, own);
	else
		fin_states(step, own, peer_closed && !own->acks_peer_fin);
}

/* The repeat shows that the FIN, or the ACK of it, never arrived: take back what rested on it. */
static void fin_withdraw(struct step *step)
{
	static const enum tcp_state by_fin[] = { STATE_TIME_WAIT, STATE_CLOSING, STATE_CLOSE_WAIT };
	static const enum tcp_state by_ack[] = { STATE_FIN_WAIT_2, STATE_TIME_WAIT, STATE_CLOSED };
	enum end other = end_other(step->from);

	for (unsigned i = 0; i < sizeof(by_ack) / sizeof(by_ack[0]); i++)
		if (state_withdraw(step, step->from, by_ack[i]))
			break;
	for (unsigned i = 0; i < sizeof(by_fin) / sizeof(by_fin[0]); i++) {
		uint64_t frame = state_withdraw(step, other, by_fin[i]);

		if (!frame)
			continue;
		if (step->peer->state == STATE_CLOSING) /* the ACK of its own FIN led there */
			state_event_at(step, other, EVENT_RECEIVE_ACK_OF_FIN,
				       STATE_PROVISIONAL | STATE_QUIET, frame);
		else
			state_event(step, other, EVENT_RECEIVE_FIN, STATE_PROVISIONAL);
		break;
	}
}

static void fin_again(struct step *step, struct closing_side *own)
{
	own->repeats++;
	own->last_gap_ns = step->now - own->last_ns;
	own->last_ns = step->now;
	own->last_repeat_ns = step->now;
	own->last_repeat_frame = step->seg->frame;
	fin_withdraw(step);
}

/* What was missing below an early FIN has arrived. */
static void fin_in_order(struct step *step)
{
	struct closing_side *own;

	if (!side_has(step->own, SIDE_FIN))
		return;
	own = closing_of(step, step->from);
	if (own && own->early && !fin_early(step, seq_of(own->seq)))
		fin_taken(step, own, end_other(step->from), step->seg->frame);
}

void fin_step(struct step *step)
{
	struct closing_side *own;

	if (step->stray)
		return;
	fin_in_order(step);
	if (!(step->seg->flags & TCP_FIN))
		return;
	own = closing_of(step, step->from);
	step->keep = true;
	if (!own)
		return;
	if (!side_has(step->own, SIDE_FIN))
		fin_first(step, own);
	else if (own->seq == fin_seq(step).raw)
		fin_again(step, own);
	else
		return;
	fin_check_end(step);
}

static void ack_of_fin_event(struct step *step)
{
	enum end other = end_other(step->from);
	/* Nothing more is due from an end that is done: silence confirms it. */
	bool quiet = step->peer->state == STATE_LAST_ACK || step->peer->state == STATE_CLOSING;

	state_event(step, other, EVENT_RECEIVE_ACK_OF_FIN,
		    STATE_PROVISIONAL | (quiet ? STATE_QUIET : 0));
}

/* The ACK of a socket that is connected to itself is for its own FIN. */
static void own_fin_acked(struct step *step, const struct mark *acked)
{
	struct closing_side *own = closing_of(step, step->from);

	step->own->bits |= SIDE_FIN_ACKED;
	if (own)
		own->acked = *acked;
	state_event(step, step->from, EVENT_RECEIVE_ACK_OF_FIN, STATE_PROVISIONAL | STATE_QUIET);
}

void fin_acked(struct step *step)
{
	struct side *peer = step->peer;
	struct closing_side *closed;

	if (!side_has(peer, SIDE_FIN) || !side_has(peer, SIDE_ACKED))
		return;
	closed = closing_of(step, end_other(step->from));
	if (!closed || seq_at_or_before(step->seg->ack, seq_of(closed->seq)))
		return;
	if (!side_has(peer, SIDE_FIN_ACKED)) {
		peer->bits |= SIDE_FIN_ACKED;
		step->notes |= NOTE_ACKS_FIN;
		step->keep = true;
		closed->acked = step_mark(step);
		if (closed->early) /* the hole is the capture's */
			fin_taken(step, closed, step->from, closed->first.frame);
		ack_of_fin_event(step);
		if (flow_has(step->flow, FLOW_SELF))
			own_fin_acked(step, &closed->acked);
		fin_check_end(step);
	} else if ((peer->last.flags & TCP_FIN) && (peer->last.notes & NOTE_RESENT)) {
		closed->acked_again++;
		if (!closed->acked_again_frame)
			closed->acked_again_frame = step->seg->frame;
		step->keep = true;
		ack_of_fin_event(step);
		fin_check_end(step);
	}
}

/* Payload of an end whose peer has closed and whose FIN this end has acknowledged. */
void fin_data_after(struct step *step)
{
	struct closing_side *own;

	if (!step->seg->payload_bytes || step->stray || !side_has(step->peer, SIDE_FIN_ACKED) ||
	    (step->notes & NOTE_RESENT))
		return;
	own = closing_of(step, step->from);
	if (!own)
		return;
	if (!own->after_any) {
		own->after_any = true;
		own->after_start = step->seq.raw;
		own->first_after = step_mark(step);
		step->keep = true;
	}
	own->after += step->seg->payload_bytes;
	own->after_end = seq_add(step->seq, step->seg->payload_bytes).raw;
}

/* Both have closed: the rest is the last ACK, and repeats while it is missing. */
void fin_check_end(struct step *step)
{
	const struct side *own = step->own, *peer = step->peer;
	const struct closing *closing = flow_closing(step->pools, step->flow);

	if (!side_has(own, SIDE_FIN) || !side_has(peer, SIDE_FIN) ||
	    flow_has(step->flow, FLOW_RESET) || !closing)
		return;
	flow_ended(step);
	bool acked = side_has(own, SIDE_FIN_ACKED) && side_has(peer, SIDE_FIN_ACKED);

	if (!acked && (closing->side[0].repeats || closing->side[1].repeats))
		due_join(step->tracker, step->index, DUE_LAST_ACK);
}
