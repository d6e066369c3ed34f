/* SPDX-License-Identifier: BSD-2-Clause */
#include "track/tracker.h"

/* ICMP errors: evidence for the connection whose segment they quote. Source: RFC 5927 section 4. */

static void mtu_facts(struct step *step, struct odd *odd, uint32_t mtu_bytes)
{
	if (!mtu_bytes || odd->mss_before_icmp[step->from])
		return;
	odd->mss_before_icmp[step->from] = step->own->largest_sent;
	step->own->largest_sent = 0; /* from here on: what it uses after the error */
	odd->mss_after_icmp[step->from] = 1;
}

static bool in_window(const struct step *step)
{
	const struct side *own = step->own;
	struct seq una = side_has(own, SIDE_ACKED) ? side_acked(own) : seq_of(own->isn);

	return side_has(own, SIDE_NXT) && seq_at_or_after(step->seq, una) &&
	       seq_before(step->seq, side_nxt(own));
}

static void icmp_fact(struct step *step)
{
	struct odd *odd = cold_odd(step->pools, step->flow);
	const struct icmp_error *error = step->seg->icmp;

	if (!odd || !error)
		return;
	odd->icmp_seen++;
	mtu_facts(step, odd, error->mtu_bytes);
	if (odd->icmp_count == ICMP_MOST)
		return;
	odd->icmp[odd->icmp_count++] = (struct icmp_fact){
		.frame = step->seg->frame,
		.time_ns = step->now,
		.sender = error->sender,
		.version = error->version,
		.type = error->type,
		.code = error->code,
		.ttl = error->ttl,
		.quoted_from = (uint8_t)step->from,
		.quotes_syn = side_has(step->own, SIDE_ISN) && step->seq.raw == step->own->isn,
		.in_window = in_window(step),
		.mtu_bytes = error->mtu_bytes,
		.quoted_seq = step->seq.raw - step->own->isn,
	};
}

/* Linux's connect() fails with these at once: tcp_v4_err(), tcp_v6_err(); icmp_unreach() keeps back
   the need to fragment and the time-out of a reassembly. */
static bool ends_connect(const struct icmp_error *error)
{
	if (error->version == 6) /* RFC 4443: unreachable, time exceeded, parameter problem */
		return error->type == 1 || error->type == 3 || error->type == 4;
	return (error->type == 3 && error->code != 4) || (error->type == 11 && error->code == 0) ||
	       error->type == 12;
}

/* A half-open entry of a listener goes with fewer of them: tcp_req_err(). */
static bool ends_half_open(const struct icmp_error *error)
{
	if (error->version == 6) /* tab_unreach[]: prohibited, closed port, policy, reject route */
		return error->type == 4 || (error->type == 1 && error->code != 0 &&
					    error->code != 2 && error->code != 3);
	return (error->type == 3 && error->code < 2) || (error->type == 11 && error->code == 0) ||
	       error->type == 12;
}

/* The sender of a quoted SYN (or SYN-ACK) gives up; silence confirms it, its next act does not. */
static void icmp_state(struct step *step)
{
	const struct side *own = step->own;
	const struct icmp_error *error = step->seg->icmp;

	if (!error || !side_has(own, SIDE_ISN) || step->seq.raw != own->isn)
		return;
	if (own->state == STATE_SYN_SENT
		    ? ends_connect(error)
		    : own->state == STATE_SYN_RECEIVED && own->synack && ends_half_open(error))
		state_event(step, step->from, EVENT_RECEIVE_ICMP, STATE_PROVISIONAL | STATE_QUIET);
}

/* It goes on with its opening: the ICMP error did not reach it, or it does not mind them. */
void icmp_not_minded(struct step *step)
{
	const struct side *own = step->own, *peer = step->peer;
	uint8_t phase = step->flow->phase;

	if (own->state != STATE_CLOSED || (step->seg->flags & TCP_RST) ||
	    (phase != PHASE_SYN && phase != PHASE_HALF) ||
	    !state_withdraw(step, step->from, STATE_CLOSED))
		return;
	if (own->state == STATE_SYN_SENT && peer->synack && peer->last.frame)
		state_event_at(step, step->from, EVENT_RECEIVE_SYN_ACK, STATE_PROVISIONAL,
			       peer->last.frame);
}

void icmp_take(struct tracker *tracker, const struct segment *seg, uint64_t hash,
	       const struct tuple *tuple, bool swapped)
{
	const uint32_t *place = table_find(&tracker->table, tuple, hash);
	struct track_note note = { .from = END_CLIENT };
	struct step step;

	if (place && (*place & REF_BRIEF) && !brief_unfold(tracker, *place & REF_INDEX, false))
		place = NULL;
	if (place && !(*place & REF_TOMB)) {
		flow_pair(tracker, &step, seg, *place, swapped);
		icmp_fact(&step);
		icmp_state(&step);
		note.conn = step.flow->first_frame;
		note.layer = step.flow->layer;
		note.from = (uint8_t)step.from;
		note.seq = seg->seq.raw - step.own->isn;
		note.states[END_CLIENT] = (enum tcp_state)step.flow->side[END_CLIENT].state;
		note.states[END_SERVER] = (enum tcp_state)step.flow->side[END_SERVER].state;
	} else {
		tracker->stats.icmp_unmatched++;
	}
	if (tracker->sink.segment)
		tracker->sink.segment(tracker->sink.context, seg, &note);
}
