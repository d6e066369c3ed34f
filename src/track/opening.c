/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "base/cursor.h"
#include "decode/tcp_options.h"
#include "tcp/option.h"
#include "track/tracker.h"

/* The opening: SYN, SYN-ACK, the ACK of it. Source: RFC 9293, section 3.5 and 3.10.7.3-4. */

#define ORDER_BITS 5

/* Option kinds as 5-bit codes: their places here, from 1. */
static const uint8_t coded_kinds[] = {
	TCP_OPTION_NOP,		 TCP_OPTION_MSS,
	TCP_OPTION_WINDOW_SCALE, TCP_OPTION_SACK_PERMITTED,
	TCP_OPTION_SACK,	 TCP_OPTION_TIMESTAMPS,
	TCP_OPTION_MD5,		 TCP_OPTION_USER_TIMEOUT,
	TCP_OPTION_AO,		 TCP_OPTION_MPTCP,
	TCP_OPTION_FAST_OPEN,	 TCP_OPTION_ACCECN_0,
	TCP_OPTION_ACCECN_1,	 TCP_OPTION_EXPERIMENT_1,
	TCP_OPTION_EXPERIMENT_2,
};
#define CODE_OTHER 31u
static_assert(sizeof(coded_kinds) < CODE_OTHER, "codes fit into 5 bits");

uint8_t option_order_kind(uint64_t order, unsigned at)
{
	unsigned code = (unsigned)(order >> (at * ORDER_BITS)) & 31u;

	if (code == 0)
		return 0;
	return code == CODE_OTHER ? 255 : coded_kinds[code - 1];
}

static uint64_t option_order_code(uint8_t kind)
{
	for (unsigned i = 0; i < sizeof(coded_kinds); i++)
		if (coded_kinds[i] == kind)
			return i + 1;
	return CODE_OTHER;
}

void option_kinds(const struct segment *seg, uint8_t kinds[static OPTION_KINDS])
{
	static const uint8_t of_linux[OPTION_KINDS] = {
		TCP_OPTION_MSS, TCP_OPTION_SACK_PERMITTED, TCP_OPTION_TIMESTAMPS,
		TCP_OPTION_NOP, TCP_OPTION_WINDOW_SCALE,
	};

	if (seg->options && tcp_options_linux_syn(seg->options, seg->options_bytes)) {
		memcpy(kinds, of_linux, sizeof(of_linux));
		return;
	}
	memset(kinds, 0, OPTION_KINDS);
	if (!seg->options)
		return;
	struct cursor in = cursor_over(seg->options, seg->options_bytes);

	for (unsigned at = 0; at < OPTION_KINDS && cursor_left(&in) > 0; at++) {
		uint8_t kind = cursor_u8(&in);

		if (kind == TCP_OPTION_END)
			break;
		kinds[at] = kind;
		if (kind == TCP_OPTION_NOP)
			continue;
		uint8_t bytes = cursor_u8(&in);

		if (bytes < 2 || !cursor_skip(&in, bytes - 2u))
			break;
	}
}

static uint64_t option_order(const struct segment *seg)
{
	uint8_t kinds[OPTION_KINDS];
	uint64_t order = 0;

	option_kinds(seg, kinds);
	for (unsigned at = 0; at < OPTION_KINDS && kinds[at]; at++)
		order |= option_order_code(kinds[at]) << (at * ORDER_BITS);
	return order;
}

static void side_learn_parameters(struct step *step)
{
	const struct segment *seg = step->seg;
	struct side *own = step->own;
	static const struct {
		uint16_t option;
		uint32_t side;
	} offers[] = {
		{ TCP_HAS_MSS, SIDE_MSS },
		{ TCP_HAS_WINDOW_SCALE, SIDE_SCALE },
		{ TCP_HAS_SACK_PERMITTED, SIDE_SACK },
		{ TCP_HAS_TIMESTAMPS, SIDE_TIMESTAMPS },
		{ TCP_HAS_FAST_OPEN, SIDE_FAST_OPEN },
		{ TCP_HAS_MPTCP, SIDE_MPTCP },
	};

	for (unsigned i = 0; i < sizeof(offers) / sizeof(offers[0]); i++)
		if (seg->options_seen & offers[i].option)
			own->bits |= offers[i].side;
	own->mss = seg->mss;
	own->scale = scale_of_syn(seg);
	own->syn_window = seg->window;
	own->option_order = option_order(seg);
	if (!segment_has(seg, SEGMENT_HEADER_CUT) && !(seg->options_seen & TCP_HAS_OPTIONS_CUT))
		own->bits |= SIDE_PARAMETERS;
	/* RFC 3168 6.1.1: the SYN offers with ECE and CWR, the SYN-ACK agrees with ECE alone. */
	uint8_t ecn = seg->flags & (TCP_ECE | TCP_CWR);

	if (seg->flags & TCP_ACK ? ecn == TCP_ECE : ecn == (TCP_ECE | TCP_CWR))
		own->bits |= SIDE_ECN;
}

/* A SYN or SYN-ACK fixes where its sender's numbers begin. */
static void side_begin(struct step *step)
{
	struct side *own = step->own;

	own->isn = step->seg->seq.raw;
	own->nxt = step->end.raw;
	own->bits |= SIDE_BASE | SIDE_ISN | SIDE_NXT;
	own->bits &= ~(uint32_t)SIDE_ACKED;
	step->new_octets = true;
	side_learn_parameters(step);
}

static void syn_data(struct step *step)
{
	struct odd *odd;

	if (!step->seg->payload_bytes)
		return;
	odd = cold_odd(step->pools, step->flow);
	if (odd && !odd->syn_payload)
		odd->syn_payload = step->seg->payload_bytes;
}

/* The same SYN or SYN-ACK again. */
static void syn_again(struct step *step, uint32_t resent_bit)
{
	step->flow->bits |= resent_bit;
	if (seq_after(step->end, side_nxt(step->own)))
		step->own->nxt = step->end.raw;
	resend_note(step, step->octets);
}

static void syn_other_number(struct step *step)
{
	struct odd *odd = cold_odd(step->pools, step->flow);

	step->notes |= NOTE_SYN_INSIDE;
	step->stray = true;
	if (!odd)
		return;
	odd->syn_inside++;
	if (!odd->syn_inside_frame)
		odd->syn_inside_frame = step->seg->frame;
	odd->challengeable = true;
	odd->challenge_from = (uint8_t)end_other(step->from);
	odd->challenged_frame = odd->challenge_acks ? odd->challenged_frame : step->seg->frame;
	odd->loose[step->from] += step->seg->payload_bytes;
	note_candidate(step);
}

/* The SYN of a connection whose SYN-ACK (or ACK) was captured before it. */
static void syn_overtaken(struct step *step)
{
	step->own->bits |= SIDE_ISN;
	step->mark_bits |= MARK_FIRST_SYN;
	step->notes |= NOTE_REORDERED;
	step->flow->bits |= FLOW_DIRECTION;
	step->flow->bits &= ~(uint32_t)FLOW_NO_SYN;
	side_learn_parameters(step);
	syn_data(step);
}

void opening_syn(struct step *step)
{
	struct flow *flow = step->flow;
	struct side *own = step->own;

	step->keep = true;
	if (side_has(own, SIDE_ISN)) {
		if (own->isn != step->seg->seq.raw) {
			syn_other_number(step);
			return;
		}
		if (flow->phase == PHASE_REFUSED) { /* Windows asks again */
			flow->phase = PHASE_SYN;
			flow->bits &= ~(uint32_t)(FLOW_ENDED | FLOW_REFUSED);
			own->state = STATE_CLOSED;
			state_event(step, step->from, EVENT_SEND_SYN, 0);
			due_join(step->tracker, step->index, DUE_SYN);
		}
		syn_again(step, flow->phase == PHASE_SYN ? FLOW_SYN_RESENT : 0);
		syn_data(step);
		return;
	}
	if (side_has(own, SIDE_BASE) && own->isn == step->seg->seq.raw) {
		syn_overtaken(step);
		return;
	}
	if (flow->phase != PHASE_SYN) { /* its own numbers are known by other means, or too late */
		syn_other_number(step);
		return;
	}
	if (step->from == END_SERVER) {
		flow->bits |= FLOW_BOTH_SYN;
	} else {
		step->mark_bits |= MARK_FIRST_SYN;
	}
	side_begin(step);
	syn_data(step);
	state_event(step, step->from, EVENT_SEND_SYN, 0);
}

/* Does this segment acknowledge the peer's SYN (and perhaps payload of it)? */
static bool acks_syn(const struct step *step)
{
	const struct side *peer = step->peer;

	if (!(step->seg->flags & TCP_ACK))
		return false;
	if (!side_has(peer, SIDE_ISN))
		return true; /* nothing contradicts it */
	int32_t past = seq_distance(step->seg->ack, seq_add(seq_of(peer->isn), 1));

	return past >= 0 && seq_at_or_before(step->seg->ack, side_nxt(peer));
}

/* The frame of the peer's last SYN: what this end's SYN-ACK answers. */
static uint64_t answered_frame(const struct step *step)
{
	return step->peer->last.frame ? step->peer->last.frame : step->seg->frame;
}

static void opened(struct step *step)
{
	struct flow *flow = step->flow;

	flow->phase = PHASE_UP;
	step->mark_bits |= MARK_OPENED;
	step->opened = true;
	if (flow_has(flow, FLOW_BOTH_SYN))
		flow->bits |= FLOW_SIMULTANEOUS;
	due_leave(step->tracker, step->index);
}

/*
 * The SYN-ACK of an end that had sent a SYN itself: it received the other's SYN before, perhaps
 * also the other's SYN-ACK, which was captured earlier than this one.
 */
static void both_answered(struct step *step)
{
	uint64_t established = state_withdraw(step, step->from, STATE_ESTABLISHED);
	uint64_t syn = step->from == END_SERVER ? step->flow->first_frame : answered_frame(step);

	state_event_at(step, step->from, EVENT_RECEIVE_SYN, 0, syn);
	if (established)
		state_event_at(step, step->from, EVENT_RECEIVE_SYN_ACK, 0, established);
}

static void syn_ack_first(struct step *step)
{
	struct flow *flow = step->flow;
	struct side *own = step->own, *peer = step->peer;
	bool sent_syn = side_has(own, SIDE_ISN);

	if (!sent_syn)
		side_begin(step);
	step->mark_bits |= MARK_SYNACK;
	if (!side_has(peer, SIDE_BASE)) { /* its SYN was not captured */
		peer->isn = step->seg->ack.raw - 1;
		peer->nxt = step->seg->ack.raw;
		peer->bits |= SIDE_BASE | SIDE_NXT;
		state_assume(step, end_other(step->from), STATE_SYN_SENT);
	}
	if (sent_syn) {
		both_answered(step);
	} else {
		state_event_at(step, step->from, EVENT_RECEIVE_SYN, 0, answered_frame(step));
		state_event_at(step, step->from, EVENT_SEND_SYN_ACK, 0, answered_frame(step));
	}
	if (flow->phase == PHASE_SYN)
		flow->phase = PHASE_HALF;
	else if (sent_syn && peer->synack)
		opened(step);
	if (step->own_silence_ns == TIME_NONE && peer->last.frame &&
	    !flow_has(flow, FLOW_SYN_RESENT))
		answer_time(own, step->now - peer->last.ns);
	state_event(step, end_other(step->from), EVENT_RECEIVE_SYN_ACK, STATE_PROVISIONAL);
}

static bool syn_ack_seen(const struct step *step)
{
	return step->own->synack > 1; /* this one is counted already */
}

static void syn_ack_again(struct step *step)
{
	struct flow *flow = step->flow;
	enum end other = end_other(step->from);

	if (flow->phase == PHASE_HALF || flow->phase == PHASE_UP) {
		if (flow->phase == PHASE_HALF)
			flow->bits |= FLOW_SYNACK_RESENT;
		else if (!flow_has(flow, FLOW_SERVER_SPOKE)) {
			flow->phase = PHASE_HALF;
			flow->bits |= FLOW_IGNORED_ACK;
			state_withdraw(step, step->from, STATE_ESTABLISHED);
			due_join(step->tracker, step->index, DUE_SYN);
		}
		if (state_withdraw(step, other, STATE_ESTABLISHED))
			state_event(step, other, EVENT_RECEIVE_SYN_ACK, STATE_PROVISIONAL);
	}
	resend_note(step, step->octets);
}

void opening_syn_ack(struct step *step)
{
	struct flow *flow = step->flow;
	struct side *own = step->own;

	step->keep = true;
	if (!acks_syn(step) || flow->phase == PHASE_MID || flow->phase == PHASE_REFUSED) {
		bool again = side_has(own, SIDE_ISN) && own->isn == step->seg->seq.raw &&
			     flow->phase != PHASE_REFUSED;

		if (again) {
			resend_note(step, step->octets);
			return;
		}
		step->stray = true;
		step->notes |= flow->phase == PHASE_SYN ? NOTE_MISS : NOTE_SYN_INSIDE;
		return;
	}
	bool by_syn = side_has(own, SIDE_ISN) && own->isn == step->seg->seq.raw;

	if (by_syn && syn_ack_seen(step)) {
		syn_ack_again(step);
		return;
	}
	if (side_has(own, SIDE_ISN) && !by_syn) { /* another ISN: the earlier one was forgotten */
		if (flow->phase != PHASE_HALF || flow_has(flow, FLOW_IGNORED_ACK)) {
			step->stray = true;
			step->notes |= NOTE_SYN_INSIDE;
			return;
		}
		side_begin(step);
		return;
	}
	syn_ack_first(step);
}

/* A segment of the client while its SYN-ACK waits. Return: false: it does not fit. */
static bool client_in_opening(struct step *step)
{
	struct flow *flow = step->flow;
	struct side *peer = step->peer;

	if (flow->phase == PHASE_SYN) { /* it acknowledges a SYN-ACK that was not captured */
		if (seq_before(step->seg->seq, seq_add(seq_of(step->own->isn), 1)))
			return false;
		peer->isn = step->seg->ack.raw - 1;
		peer->nxt = step->seg->ack.raw;
		peer->bits |= SIDE_BASE | SIDE_NXT;
		state_event(step, step->from, EVENT_RECEIVE_SYN_ACK, 0);
		state_assume(step, END_SERVER, STATE_SYN_RECEIVED);
	} else if (!acks_syn(step)) {
		return false;
	}
	if (!flow_has(flow, FLOW_IGNORED_ACK)) {
		step->notes |= NOTE_HANDSHAKE_ACK;
		if (!flow_has(flow, FLOW_SYNACK_RESENT) && peer->last.frame)
			answer_time(step->own, step->now - peer->last.ns);
	} else if (side_outstanding(step->own) && step->own->data_packets > 0) {
		return true; /* the server ignores it: its data is not acknowledged either */
	}
	state_confirm(step, step->from);
	state_event(step, END_SERVER, EVENT_RECEIVE_ACK_OF_SYN, STATE_PROVISIONAL);
	opened(step);
	return true;
}

/* The half-open server answers what is unacceptable (RFC 5961): that is no sign of the client's
 * ACK. */
static bool challenge_when_half(const struct step *step)
{
	const struct odd *odd = flow_odd(step->pools, step->flow);

	return odd && odd->challengeable && odd->challenge_from == (uint8_t)step->from &&
	       !step->seg->payload_bytes && !(step->seg->flags & TCP_FIN) &&
	       step->own->last.frame && step->seg->ack.raw == step->own->last.ack;
}

/* With Fast Open the server may speak, and close, before the client's ACK: it stays half open. */
static bool speaks_half_open(const struct step *step)
{
	const struct odd *odd = flow_odd(step->pools, step->flow);

	return odd && odd->syn_payload > 0 && step->own->last.frame &&
	       seq_after(seq_of(step->own->last.ack), seq_add(seq_of(step->peer->isn), 1));
}

/* A segment of the server without SYN: it acknowledges the client's SYN, or is not of this one. */
static bool server_in_opening(struct step *step)
{
	struct flow *flow = step->flow;

	if (!acks_syn(step))
		return false;
	if (flow->phase == PHASE_SYN && flow_has(flow, FLOW_BOTH_SYN)) { /* split handshake */
		state_event(step, END_SERVER, EVENT_RECEIVE_SYN_ACK, 0);
		state_event(step, END_CLIENT, EVENT_RECEIVE_ACK_OF_SYN, STATE_PROVISIONAL);
		opened(step);
		return true;
	}
	if (flow->phase == PHASE_SYN && !step->seg->payload_bytes && step->peer->packets < 3 &&
	    !side_has(step->own, SIDE_NXT)) {
		/* A plain ACK of the SYN: the first part of a split handshake, or its SYN-ACK was
		   not captured. */
		flow->bits |= FLOW_SERVER_FIRST_SYN_ACK;
	}
	if (flow->phase == PHASE_SYN) {
		if (flow_has(flow, FLOW_SERVER_FIRST_SYN_ACK) && !step->own->last.frame)
			return true;
		state_assume(step, END_SERVER, STATE_ESTABLISHED);
		state_event(step, END_CLIENT, EVENT_RECEIVE_SYN_ACK, STATE_PROVISIONAL);
	} else {
		if (challenge_when_half(step) || speaks_half_open(step))
			return true;
		state_event(step, END_SERVER, EVENT_RECEIVE_ACK_OF_SYN, 0);
		state_confirm(step, END_SERVER);
		state_event(step, END_CLIENT, EVENT_RECEIVE_ACK_OF_SYN, STATE_PROVISIONAL);
	}
	opened(step);
	return true;
}

bool opening_other(struct step *step)
{
	if (!(step->seg->flags & TCP_ACK))
		return false;
	if (step->from == END_CLIENT)
		return client_in_opening(step);
	if (flow_has(step->flow, FLOW_SERVER_SPOKE))
		return true;
	return server_in_opening(step);
}
