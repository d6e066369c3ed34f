/* SPDX-License-Identifier: BSD-2-Clause */
#include "track/tracker.h"

/*
 * The input path: one segment of a connection through RFC 9293's steps in their order, from
 * outside: what the receiver will make of it is inferred, never decided.
 */

#define OPENING_MARKS_MOST 36 /* repeats beyond that are not remembered one by one */

struct mark step_mark(const struct step *step)
{
	const struct segment *seg = step->seg;
	uint8_t options = step->moment_options;

	if (seg->options_bytes)
		options |= MOMENT_HAS_OPTIONS;
	if (seg->options_seen & TCP_HAS_FAST_OPEN)
		options |= MOMENT_HAS_FAST_OPEN;
	if (seg->mptcp_subtypes & (1u << 7)) /* RFC 8684 3.5 */
		options |= MOMENT_HAS_FASTCLOSE;
	if (seg->mptcp_subtypes & (1u << 8)) /* RFC 8684 3.6 */
		options |= MOMENT_HAS_TCPRST;
	if (seg->options_seen & TCP_HAS_TIMESTAMPS)
		options |= MOMENT_HAS_TIMESTAMPS;
	if (seg->options_seen & TCP_HAS_SACK)
		options |= MOMENT_HAS_SACK;
	if (segment_has(seg, SEGMENT_IPV6))
		options |= MOMENT_IS_IPV6;
	return (struct mark){
		.frame = seg->frame,
		.ns = step->now,
		.seq = seg->seq.raw,
		.ack = seg->ack.raw,
		.len = seg->payload_bytes,
		.notes = step->notes,
		.window = seg->window,
		.id = seg->ip_id,
		.flags = seg->flags,
		.from = (uint8_t)(step->from | step->mark_bits),
		.ttl = seg->ttl,
		.options = options,
	};
}

int64_t flow_rtt_ns(const struct tracker *tracker, const struct flow *flow)
{
	const struct side *client = &flow->side[END_CLIENT], *server = &flow->side[END_SERVER];

	(void)tracker;
	if (client->answer_ns != UINT32_MAX && server->answer_ns != UINT32_MAX)
		return (int64_t)client->answer_ns + server->answer_ns;
	if (client->rtt.samples && server->rtt.samples)
		return ((int64_t)client->rtt.least_us + server->rtt.least_us) * NSEC_PER_USEC;
	return TIME_NONE;
}

/* No TCP sends these: nothing at all, or SYN, RST and FIN together; all but SYN and RST have ACK.
 */
static bool flags_illegal(uint8_t flags)
{
	unsigned kinds =
		((flags & TCP_SYN) != 0) + ((flags & TCP_RST) != 0) + ((flags & TCP_FIN) != 0);

	return kinds > 1 || (flags & (TCP_SYN | TCP_RST | TCP_ACK)) == 0;
}

static void flags_step(struct step *step)
{
	uint8_t flags = step->seg->flags;
	struct odd *odd;

	if (!flags_illegal(flags))
		return;
	step->notes |= NOTE_ILLEGAL_FLAGS;
	step->keep = true;
	odd = cold_odd(step->pools, step->flow);
	if (!odd || odd->illegal++)
		return;
	odd->illegal_frame = step->seg->frame;
	odd->illegal_bits = flags;
}

enum counted {
	COUNTED_SYN,
	COUNTED_SYN_ACK,
	COUNTED_FIN,
	COUNTED_RST
};

/* Sixteen bits are enough for nearly every connection; what they do not hold is carried. */
static void count_one(struct step *step, uint16_t *counter, enum counted what)
{
	struct odd *odd;

	if (++*counter)
		return;
	odd = cold_odd(step->pools, step->flow);
	if (odd)
		odd->carried[step->from][what] += 65536;
}

static void count_step(struct step *step)
{
	struct side *own = step->own;
	const struct segment *seg = step->seg;

	own->packets++;
	own->bytes += seg->ip_bytes;
	own->payload += seg->payload_bytes;
	own->data_packets += seg->payload_bytes != 0;
	if (!(seg->flags & (TCP_SYN | TCP_FIN | TCP_RST)))
		return;
	if ((seg->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN)
		count_one(step, &own->syn, COUNTED_SYN);
	if ((seg->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK))
		count_one(step, &own->synack, COUNTED_SYN_ACK);
	if (seg->flags & TCP_FIN)
		count_one(step, &own->fin, COUNTED_FIN);
	if (seg->flags & TCP_RST)
		count_one(step, &own->rst, COUNTED_RST);
}

/* Payload outside the sequence: of a reset, of a segment that is not of this connection. */
static void loose_payload(struct step *step)
{
	struct odd *odd;

	if (!step->seg->payload_bytes)
		return;
	odd = cold_odd(step->pools, step->flow);
	if (odd)
		odd->loose[step->from] += step->seg->payload_bytes;
}

static void stray_step(struct step *step)
{
	struct odd *odd = flow_odd(step->pools, step->flow);
	bool answers_syn = step->flow->phase == PHASE_SYN && step->from == END_SERVER &&
			   !step->octets && (step->seg->flags & TCP_ACK);

	step->stray = true;
	step->keep = true;
	step->notes |= odd && odd->former.known ? NOTE_PREVIOUS : NOTE_MISS;
	if (answers_syn) {
		if (odd && odd->former.known && odd->former.time_wait_end >= END_SERVER)
			state_assume(step, END_SERVER, STATE_TIME_WAIT);
		odd = cold_odd(step->pools, step->flow);
		step->notes |= NOTE_CHALLENGE_ACK;
		if (odd && !odd->challenge_acks++) {
			odd->challenge_frame = step->seg->frame;
			odd->challenged_frame = step->peer->last.frame;
		}
	}
}

/* A pure ACK soon after a reset or SYN that asks for it. Source: RFC 5961 sections 3.2 and 4.2. */
static void challenge_step(struct step *step)
{
	struct odd *odd = flow_odd(step->pools, step->flow);
	const struct side *own = step->own;

	if (!odd || !odd->challengeable || odd->challenge_from != (uint8_t)step->from)
		return;
	odd->challengeable = false;
	if (step->octets || !(step->seg->flags & TCP_ACK) || (step->seg->flags & TCP_RST) ||
	    step->acks_new || !side_has(own, SIDE_NXT) || step->seq.raw != own->nxt ||
	    step->now - step->peer->last.ns > NSEC_PER_SEC)
		return;
	step->notes = (step->notes & ~(uint32_t)NOTE_DUPLICATE_ACK) | NOTE_CHALLENGE_ACK;
	step->keep = true;
	if (!odd->challenge_acks++)
		odd->challenge_frame = step->seg->frame;
	candidate_follow(step);
}

static void assume_established(struct step *step)
{
	if (step->flow->phase != PHASE_MID || step->flow->side[END_CLIENT].state_count ||
	    step->flow->side[END_SERVER].state_count)
		return;
	state_assume(step, END_CLIENT, STATE_ESTABLISHED);
	state_assume(step, END_SERVER, STATE_ESTABLISHED);
	step->keep = true;
}

/* What this end's own act shows: that what it was sent before did arrive. */
void confirm_step(struct step *step)
{
	const struct side *peer = step->peer;

	if (step->stray ||
	    ((step->notes & NOTE_RESENT) && (step->seg->flags & (TCP_SYN | TCP_FIN))))
		return;
	if (step->flow->phase != PHASE_UP && step->flow->phase != PHASE_MID)
		return;
	if (side_has(peer, SIDE_FIN) && !side_has(peer, SIDE_FIN_ACKED))
		return;
	state_confirm(step, step->from);
}

static void data_step(struct step *step)
{
	if (flow_has(step->flow, FLOW_ENDED) && step->seg->payload_bytes && step->new_octets) {
		step->notes |= NOTE_AFTER_CLOSE;
		step->keep = true;
	}
	fin_data_after(step);
}

/* RFC 9293 3.10.7.4 for a synchronized end: sequence, ACK, window, text, FIN. */
static void synchronized_step(struct step *step)
{
	if (step->notes & NOTE_ILLEGAL_FLAGS) {
		step->stray = true;
		loose_payload(step);
		return;
	}
	sequence_step(step);
	if (step->stray) {
		loose_payload(step);
		return;
	}
	ack_step(step);
	window_step(step);
	probe_answer(step);
	data_step(step);
	if (step->from == END_SERVER && step->flow->phase == PHASE_UP)
		step->flow->bits |= FLOW_SERVER_SPOKE;
	fin_step(step);
	challenge_step(step);
}

static void by_flags(struct step *step)
{
	struct flow *flow = step->flow;
	uint8_t flags = step->seg->flags;

	assume_established(step);
	if (flags & TCP_RST) {
		reset_step(step);
		loose_payload(step);
		candidate_follow(step);
		return;
	}
	if (flags & TCP_SYN) {
		if (flags & TCP_FIN) { /* its FIN counts for nothing: RFC 9293 3.10.7.2-3 */
			step->octets--;
			step->end = seq_add(step->seq, step->octets);
		}
		if (flags & TCP_ACK)
			opening_syn_ack(step);
		else
			opening_syn(step);
		ack_step(step);
		if (!step->stray)
			window_step(step);
		return;
	}
	if (flow->phase == PHASE_REFUSED ||
	    ((flow->phase == PHASE_SYN || flow->phase == PHASE_HALF) && !opening_other(step))) {
		stray_step(step);
		loose_payload(step);
		return;
	}
	synchronized_step(step);
}

/* Keep the segment, which is the sender's last one by now, when it is worth it. */
static void remember(struct step *step)
{
	const struct flow *flow = step->flow;
	bool opening = flow->phase == PHASE_SYN || flow->phase == PHASE_HALF || step->opened ||
		       flow->phase == PHASE_REFUSED;

	if (!step->keep && !opening)
		return;
	if (opening && flow->mark_count >= OPENING_MARKS_MOST && (step->notes & NOTE_RESENT)) {
		struct odd *odd = cold_odd(step->pools, step->flow);

		if (odd)
			odd->marks_dropped++;
		return;
	}
	marks_add(step->pools, step->flow, &step->own->last);
}

static void sighting(struct step *step)
{
	struct side *own = step->own;
	const struct segment *seg = step->seg;
	struct tracker *tracker = step->tracker;
	struct host_sighting host;

	if (side_has(own, SIDE_SIGHTED) || (seg->flags & TCP_RST) || step->stray ||
	    (!(seg->flags & TCP_SYN) && !seg->payload_bytes))
		return;
	own->bits |= SIDE_SIGHTED;
	if (!tracker->sink.host || tracker->replaying)
		return;
	host = (struct host_sighting){
		.ip = seg->src,
		.frame = seg->frame,
		.answer_ns = own->answer_ns == UINT32_MAX ? TIME_NONE : own->answer_ns,
		.ttl = seg->ttl,
	};
	tracker->sink.host(tracker->sink.context, &host);
}

uint32_t step_quiet_ms(const struct step *step)
{
	int64_t ms = step->silence_ns / NSEC_PER_MSEC;

	return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

void update_last(struct step *step)
{
	struct flow *flow = step->flow;
	struct side *own = step->own;

	copy_remember(step);
	own->last = step_mark(step);
	own->last_quiet_ms = step_quiet_ms(step);
	own->last_sum = step->seg->tcp_checksum;
	if (step->seg->payload_bytes && !(step->seg->flags & TCP_RST) && !step->stray &&
	    !(step->notes & (NOTE_KEEPALIVE | NOTE_WINDOW_PROBE))) {
		own->last_data = own->last;
		flow->data_from = (uint8_t)(step->from + 1);
	}
	flow->last_from = (uint8_t)step->from;
	flow->last_ns = step->now > flow->last_ns ? step->now : flow->last_ns;
}

static void tell(struct step *step)
{
	const struct tracker *tracker = step->tracker;
	const struct flow *flow = step->flow;

	if (!tracker->sink.segment || tracker->quiet)
		return;
	struct track_note note = {
		.conn = flow->first_frame,
		.layer = flow->layer,
		.from = (uint8_t)step->from,
		.notes = step->notes,
		.seq = step->seq.raw - (side_has(step->own, SIDE_BASE) ? step->own->isn : 0),
		.states = { (enum tcp_state)flow->side[END_CLIENT].state,
			    (enum tcp_state)flow->side[END_SERVER].state },
	};

	if (step->seg->flags & TCP_ACK)
		note.ack = step->seg->ack.raw -
			   (side_has(step->peer, SIDE_BASE) ? step->peer->isn : 0);
	tracker->sink.segment(tracker->sink.context, step->seg, &note);
}

void input_segment(struct step *step)
{
	const struct flow *flow = step->flow;
	const struct side *own = step->own;

	if ((!step->tracker->obvious && swift_step(step)) || copy_step(step)) {
		tell(step);
		return;
	}
	step->silence_ns = step->now > flow->last_ns ? step->now - flow->last_ns : 0;
	step->owed = side_outstanding(own) || side_outstanding(step->peer);
	step->own_silence_ns = own->last.frame ? step->now - own->last.ns : TIME_NONE;
	quality_step(step);
	flags_step(step);
	count_step(step);
	icmp_not_minded(step);
	by_flags(step);
	confirm_step(step);
	if (flow->chunks & CHUNK_RESETS)
		reset_went_on(step);
	stall_step(step);
	update_last(step);
	remember(step);
	sighting(step);
	tell(step);
}
