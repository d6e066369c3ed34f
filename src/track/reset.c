/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "decode/tcp_options.h"
#include "track/tracker.h"

/*
 * Resets: would the receiver take it, and what can be known of it?
 * Source: RFC 9293 sections 3.5.2-3 and 3.10.7, RFC 5961 section 3.
 */

#define GIVES_UP_REPEATS 3
#define TTL_APART	 2		       /* routes change by a hop or two */
#define WENT_ON_NS	 (200 * NSEC_PER_MSEC) /* and two RTTs: what comes later was not in flight */

/* What the receiver expects next of the resetter: its last ACK. */
static bool receiver_expects(const struct step *step, uint32_t *expected)
{
	const struct side *own = step->own;

	if (!side_has(own, SIDE_ACKED))
		return false;
	*expected = own->acked;
	return true;
}

/* It answers what crossed the FIN. A bare reset of a system of today has the window 0. */
static bool has_number_of_fin(const struct step *step)
{
	const struct side *own = step->own;

	return side_has(own, SIDE_FIN_ACKED) && step->seq.raw == own->acked - 1 &&
	       !(step->seg->flags & TCP_ACK) && !step->seg->window;
}

static enum reset_fate fate_when_up(const struct step *step)
{
	const struct side *own = step->own;
	struct loss *loss = flow_loss(step->pools, step->flow, step->from);
	uint32_t expected = 0;
	bool known;

	if (side_has(own, SIDE_NXT) && step->seq.raw == own->nxt)
		return RESET_ACCEPTED;
	if (!receiver_expects(step, &expected)) /* nothing contradicts it */
		return side_has(own, SIDE_NXT) ? RESET_IGNORED : RESET_ACCEPTED;
	if (step->seq.raw == expected)
		return RESET_ACCEPTED;
	/* ... and the number of the FIN that the receiver has taken: tcp_reset_check(). */
	if (has_number_of_fin(step))
		return RESET_ACCEPTED;
	/* Linux also takes the right edge of what it holds out of order. */
	if (loss && loss->held_count > 0 && step->seq.raw == loss->held[loss->held_count - 1].right)
		return RESET_ACCEPTED;
	uint32_t window = side_window_octets(step->flow, step->peer, &known);
	int32_t past = seq_distance(step->seq, seq_of(expected));

	return past > 0 && (uint32_t)past < window ? RESET_CHALLENGED : RESET_IGNORED;
}

/* In SYN-SENT only an ACK of the SYN (or of payload in it) makes a reset acceptable. */
static enum reset_fate fate_in_syn_sent(const struct step *step)
{
	const struct side *peer = step->peer;

	if (step->from == END_CLIENT) /* its answer to something that was not for this SYN */
		return side_has(peer, SIDE_NXT) || peer->last.frame ||
				       step->seq.raw != step->own->nxt
			       ? RESET_IGNORED
			       : RESET_ACCEPTED;
	if (!(step->seg->flags & TCP_ACK) || !side_has(peer, SIDE_ISN))
		return RESET_IGNORED;
	int32_t past = seq_distance(step->seg->ack, seq_add(seq_of(peer->isn), 1));

	return past >= 0 && seq_at_or_before(step->seg->ack, side_nxt(peer)) ? RESET_ACCEPTED
									     : RESET_IGNORED;
}

static enum reset_fate fate_of(const struct step *step)
{
	const struct flow *flow = step->flow;
	bool both = side_has(step->own, SIDE_FIN_ACKED) && side_has(step->peer, SIDE_FIN_ACKED);

	if (both || flow_has(flow, FLOW_RESET) || flow->phase == PHASE_REFUSED)
		return RESET_AFTER_CLOSE;
	if (flow->phase == PHASE_SYN)
		return fate_in_syn_sent(step);
	return fate_when_up(step);
}

static struct seq mark_end(const struct mark *mark)
{
	return seq_add(seq_of(mark->seq),
		       mark->len + ((mark->flags & TCP_SYN) != 0) + ((mark->flags & TCP_FIN) != 0));
}

/* The peer's segment that this reset answers. Return: NULL: none was seen. */
static const struct mark *trigger_of(const struct step *step)
{
	const struct side *peer = step->peer;
	const struct segment *seg = step->seg;
	const struct mark *tries[] = { &peer->last, &peer->last_data };

	for (unsigned i = 0; i < 2; i++) {
		const struct mark *mark = tries[i];
		if (!mark->frame)
			continue;
		if (!(seg->flags & TCP_ACK) && (mark->flags & TCP_ACK) && mark->ack == seg->seq.raw)
			return mark;
		if ((seg->flags & TCP_ACK) && !(mark->flags & TCP_ACK) &&
		    mark_end(mark).raw == seg->ack.raw)
			return mark;
	}
	const struct closing *closing = flow_closing(step->pools, step->flow);

	if (closing && has_number_of_fin(step) &&
	    peer->last_data.frame > closing->side[step->from].first.frame)
		return &peer->last_data;
	return NULL;
}

static int64_t half_rtt(const struct step *step)
{
	uint32_t gap = step->own->answer_ns;

	return gap == UINT32_MAX ? TIME_NONE : gap;
}

static bool payload_acked(const struct step *step)
{
	const struct side *peer = step->peer;
	bool now = (step->seg->flags & TCP_ACK) && side_has(peer, SIDE_NXT) &&
		   seq_at_or_after(step->seg->ack, side_nxt(peer));

	return now || !side_outstanding(peer);
}

/* How long nobody had spoken before the segment that the reset answers, or before the reset. */
static int64_t silence_before(const struct step *step, const struct mark *trigger)
{
	const struct side *peer = step->peer;

	if (trigger == &peer->last)
		return (int64_t)peer->last_quiet_ms * NSEC_PER_MSEC;
	if (trigger) /* data behind an ACK of the same burst */
		return 0;
	return step->own->last.frame || peer->last.frame ? step->silence_ns : TIME_NONE;
}

static void reset_facts(struct step *step, struct kept_reset *kept, enum reset_fate fate)
{
	const struct side *own = step->own, *peer = step->peer;
	const struct segment *seg = step->seg;
	struct reset *facts = &kept->facts;
	const struct mark *trigger = trigger_of(step);
	uint32_t expected = 0;

	memset(kept, 0, sizeof(*kept));
	facts->fate = fate;
	facts->with_ack = (seg->flags & TCP_ACK) != 0;
	facts->seq_is_snd_nxt = side_has(own, SIDE_NXT) && seg->seq.raw == own->nxt;
	facts->seq_is_rcv_nxt = receiver_expects(step, &expected) && seg->seq.raw == expected;
	facts->seq_below_sent = side_has(own, SIDE_NXT) && seq_before(seg->seq, side_nxt(own));
	facts->ack_is_rcv_nxt =
		facts->with_ack && side_has(peer, SIDE_NXT) && seg->ack.raw == peer->nxt;
	facts->window_was_open = own->last.frame != 0 && own->last.window != 0;
	facts->window_same_class =
		own->last.frame != 0 && (seg->window == 0) == (own->last.window == 0);
	facts->peer_payload_acked = payload_acked(step);
	facts->sender_sent_payload = own->data_packets > 0;
	facts->sender_answered = own->last_data.frame > peer->last_data.frame;
	facts->sender_sent_fin = side_has(own, SIDE_FIN);
	facts->peer_sent_fin = side_has(peer, SIDE_FIN);
	facts->usual_ttl = own->ttl_count ? own->ttls[0] : 0;
	facts->own_rtt_ns = half_rtt(step);
	facts->mptcp_reason =
		seg->options_seen & TCP_HAS_MPTCP ? segment_mptcp_reset_reason(seg) : -1;
	facts->has_trigger = trigger != NULL;
	facts->silence_ns = silence_before(step, trigger);
	if (trigger)
		kept->trigger = *trigger;
	facts->has_previous = peer->last.frame != 0;
	if (facts->has_previous) {
		kept->previous = peer->last;
		facts->previous_acked =
			own->last.frame > peer->last.frame && (own->last.flags & TCP_ACK) &&
			seq_at_or_after(seq_of(own->last.ack), mark_end(&peer->last));
	}
}

static struct kept_reset *reset_keep(struct resets *resets, bool ends)
{
	resets->seen++;
	if (resets->count < RESETS_MOST)
		return &resets->reset[resets->count++];
	/* The one that ended the connection must be among them. */
	return ends ? &resets->reset[RESETS_MOST - 1] : NULL;
}

/* It came another way than its sender's other segments: perhaps somebody else sent it. */
static bool other_path(const struct kept_reset *kept)
{
	int apart = (int)kept->at.ttl - (int)kept->facts.usual_ttl;

	return kept->facts.usual_ttl && (apart > TTL_APART || apart < -TTL_APART);
}

/* Nothing came back to the resetter for so long that it gave up: nor will the reset arrive. */
static bool gives_up(const struct step *step)
{
	const struct probes *probes = flow_probes(step->pools, step->flow, step->from);
	const struct loss *loss = flow_loss(step->pools, step->flow, step->from);

	return (side_has(step->own, SIDE_PROBING) && probes && probes->keepalive.unanswered) ||
	       (loss && loss->run_active && loss->run.repeats >= GIVES_UP_REPEATS &&
		!loss->run.answered);
}

static void reset_states(struct step *step, const struct kept_reset *kept)
{
	uint32_t own = STATE_PROVISIONAL | STATE_QUIET, peer = own;

	if (other_path(kept))
		own |= STATE_ASSUMED;
	if (gives_up(step))
		peer |= STATE_ASSUMED;
	/* TIME_WAIT acknowledges; what resets held nothing any more when the FIN came. */
	if (!side_has(step->peer, SIDE_FIN_ACKED))
		state_withdraw(step, step->from, STATE_TIME_WAIT);
	if (step->seg->flags & TCP_ACK) /* a bare one needs no socket */
		confirm_step(step);
	state_event(step, step->from, EVENT_SEND_RST, own);
	state_event(step, end_other(step->from), EVENT_RECEIVE_RST, peer);
}

static void reset_ends(struct step *step, struct resets *resets, const struct kept_reset *kept)
{
	struct flow *flow = step->flow;
	const struct candidate *candidate = flow_candidate(step->pools, flow);

	resets->ending = (int)(kept - resets->reset) + 1;
	resets->ended_ns = step->now;
	if (flow->phase == PHASE_SYN) {
		flow->phase = PHASE_REFUSED;
		flow->bits |= FLOW_REFUSED;
	} else {
		flow->bits |= FLOW_RESET;
	}
	if (candidate && candidate->challenged && candidate->from == step->from)
		flow->bits |= FLOW_RESTARTED;
	reset_states(step, kept);
	flow_ended(step);
}

/* A reset in answer to the ACK by which TIME_WAIT answered something late. */
static void time_wait_killed(struct step *step)
{
	const struct side *peer = step->peer;
	struct odd *odd;

	if (peer->state != STATE_TIME_WAIT || (peer->last.flags & (TCP_FIN | TCP_RST)) ||
	    step->seq.raw != peer->last.ack || !side_has(peer, SIDE_FIN_ACKED) ||
	    step->own->last.frame > peer->last.frame)
		return;
	odd = cold_odd(step->pools, step->flow);
	if (!odd || odd->time_wait_killed)
		return;
	odd->time_wait_killed = step->seg->frame;
	state_event(step, end_other(step->from), EVENT_RECEIVE_RST, 0);
}

/* An end whose forged reset closed the other one lives, until its next segment is answered. */
static void answered_late(struct step *step)
{
	if (flow_has(step->flow, FLOW_RESET) && step->peer->state != STATE_CLOSED &&
	    fate_when_up(step) == RESET_ACCEPTED)
		state_event(step, end_other(step->from), EVENT_RECEIVE_RST,
			    STATE_PROVISIONAL | STATE_QUIET);
}

/* The client's answer to the ACK of an older connection ends what the server holds of that. */
static void older_killed(struct step *step)
{
	const struct side *peer = step->peer;

	if (step->flow->phase == PHASE_SYN && peer->state == STATE_TIME_WAIT &&
	    step->seq.raw == peer->last.ack)
		state_event(step, end_other(step->from), EVENT_RECEIVE_RST, 0);
}

static uint32_t fate_note(enum reset_fate fate)
{
	switch (fate) {
	case RESET_ACCEPTED:
		return NOTE_RST_ACCEPTED;
	case RESET_CHALLENGED:
		return NOTE_RST_CHALLENGED;
	case RESET_IGNORED:
		return NOTE_RST_IGNORED;
	case RESET_AFTER_CLOSE:
		break;
	}
	return NOTE_RST_AFTER_CLOSE;
}

static void await_challenge(struct step *step)
{
	struct odd *odd = cold_odd(step->pools, step->flow);

	if (!odd)
		return;
	odd->challengeable = true;
	odd->challenge_from = (uint8_t)end_other(step->from);
	if (!odd->challenge_acks)
		odd->challenged_frame = step->seg->frame;
}

void reset_step(struct step *step)
{
	enum reset_fate fate = fate_of(step);
	struct resets *resets = cold_resets(step->pools, step->flow);
	struct kept_reset *kept = resets ? reset_keep(resets, fate == RESET_ACCEPTED) : NULL;

	step->notes |= fate_note(fate);
	step->keep = true;
	step->stray = fate == RESET_IGNORED || fate == RESET_CHALLENGED;
	if (kept) {
		reset_facts(step, kept, fate);
		kept->at = step_mark(step);
	}
	if (fate == RESET_IGNORED)
		older_killed(step);
	if (fate == RESET_CHALLENGED)
		await_challenge(step);
	if (fate == RESET_AFTER_CLOSE) {
		time_wait_killed(step);
		answered_late(step);
	}
	if (fate == RESET_ACCEPTED && kept)
		reset_ends(step, resets, kept);
}

/* It takes octets that its peer sent after the reset: it lives. */
static bool acks_later(const struct step *step, const struct kept_reset *ending)
{
	return (step->seg->flags & (TCP_ACK | TCP_RST)) == TCP_ACK && step->acks_new &&
	       seq_after(step->seg->ack, seq_of(ending->at.seq)) && ending->facts.seq_is_snd_nxt &&
	       ending->facts.sender_went_on;
}

/* Its state is what it was before the reset, and goes on from there. */
static void closed_not(struct step *step)
{
	if (state_withdraw(step, step->from, STATE_CLOSED) && (step->seg->flags & TCP_FIN))
		state_event(step, step->from, EVENT_SEND_FIN, 0);
}

/* The end whose address an accepted reset carried lives: somebody else sent that reset. */
static void sender_lives(struct step *step, const struct kept_reset *ending)
{
	if ((ending->at.from & MARK_END) != (uint8_t)step->from || step->stray ||
	    step->seg->frame == ending->at.frame || !(step->new_octets || step->acks_new))
		return;
	if (other_path(ending) || seq_after(step->end, seq_of(ending->at.seq)))
		closed_not(step);
}

/* What comes after a reset: its sender goes on, or its receiver shows that it did not take it. */
void reset_went_on(struct step *step)
{
	struct resets *resets = flow_resets(step->pools, step->flow);
	int64_t rtt = flow_rtt_ns(step->tracker, step->flow);
	int64_t in_flight = WENT_ON_NS + (rtt == TIME_NONE ? 0 : 2 * rtt);

	for (unsigned i = 0; resets && i < resets->count; i++) {
		struct kept_reset *kept = &resets->reset[i];

		if ((kept->at.from & MARK_END) != (uint8_t)step->from ||
		    kept->at.frame >= step->seg->frame)
			continue;
		if (!kept->facts.later_ttl)
			kept->facts.later_ttl = step->seg->ttl;
		if (!step->stray && (step->new_octets || step->acks_new))
			kept->facts.sender_went_on = true;
	}
	if (!resets || !resets->ending || !flow_has(step->flow, FLOW_RESET))
		return;
	struct kept_reset *ending = &resets->reset[resets->ending - 1];

	sender_lives(step, ending);
	if ((ending->at.from & MARK_END) == (uint8_t)step->from || step->stray ||
	    !(acks_later(step, ending) ||
	      ((step->new_octets || step->acks_new) && step->now - ending->at.ns >= in_flight)))
		return;
	struct mark *mark = marks_find(step->pools, step->flow, ending->at.frame);

	/* Its receiver goes on long after it, or with what came later: it was not taken. */
	ending->facts.fate = RESET_IGNORED;
	if (mark)
		mark->notes = (mark->notes & ~(uint32_t)NOTE_RST_ACCEPTED) | NOTE_RST_IGNORED;
	resets->ending = 0;
	step->flow->bits &= ~(uint32_t)(FLOW_RESET | FLOW_ENDED);
	due_leave(step->tracker, step->index);
	closed_not(step);
	if (ending->facts.sender_went_on)
		state_withdraw(step, end_other(step->from), STATE_CLOSED);
}
