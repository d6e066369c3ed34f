/* SPDX-License-Identifier: BSD-2-Clause */
#include "track/tracker.h"

/* Pauses: how long, and who kept the other waiting. Source of the figures: precedence 6. */

#define DELACK_MOST_NS (500 * NSEC_PER_MSEC) /* RFC 1122 4.2.3.2 allows no more */
#define OPTIONS_MOST   40		     /* they make a full segment smaller than the MSS */
#define NAGLE_AFTER_NS (5 * NSEC_PER_MSEC)   /* the waiting segment leaves when the ACK comes */

void stall_add(struct step *step, enum stall_kind kind, int64_t lasted_ns, uint64_t first_frame,
	       enum end who)
{
	struct stalls *stalls;
	struct stall *stall;

	if (lasted_ns < (kind == STALL_NAGLE_DELACK ? STALL_DELACK_LEAST_NS : STALL_LEAST_NS))
		return;
	stalls = cold_stalls(step->pools, step->flow);
	if (!stalls)
		return;
	stall = &stalls->stall[kind];
	stall->count++;
	stall->total_ns += lasted_ns;
	if (lasted_ns <= stall->longest_ns)
		return;
	stall->longest_ns = lasted_ns;
	stall->first_frame = first_frame;
	stall->last_frame = step->seg->frame;
	stall->who = (uint8_t)who;
}

static uint64_t frame_before(const struct step *step)
{
	return step->own->last.frame > step->peer->last.frame ? step->own->last.frame
							      : step->peer->last.frame;
}

/* Payload below this does not fill a segment, whatever options it carries. */
static uint32_t small_segment(const struct step *step)
{
	uint32_t mss = side_has(step->peer, SIDE_MSS) ? step->peer->mss : 1460;

	return mss > 2 * OPTIONS_MOST ? mss - OPTIONS_MOST : mss;
}

/* New payload after a pause: who owed it? */
static void data_after_pause(struct step *step)
{
	uint64_t before = frame_before(step);
	bool first = step->flow->data_from == 0;
	bool peers_turn = !first && step->flow->data_from - 1u != (unsigned)step->from;

	if (side_outstanding(step->own) && step->own->last_data.frame &&
	    step->own->acked != step->seq.raw)
		return; /* it waits for an ACK, not for its program */
	/* A window smaller than a segment is filled only when a timer asks for it. */
	if ((step->notes & NOTE_WINDOW_FULL) && step->seg->payload_bytes < small_segment(step)) {
		stall_add(step, STALL_SMALL_WINDOW, step->silence_ns, before,
			  end_other(step->from));
		return;
	}
	if (step->from == END_SERVER) {
		if (peers_turn || first)
			stall_add(step, STALL_SERVER_THINK, step->silence_ns, before, END_SERVER);
	} else {
		stall_add(step, STALL_CLIENT_THINK, step->silence_ns, before, END_CLIENT);
	}
}

static void pause_step(struct step *step)
{
	uint64_t before = frame_before(step);

	if (step->notes & (NOTE_RESENT | NOTE_FILLS_GAP)) {
		const struct loss *loss = flow_loss(step->pools, step->flow, step->from);
		/* Nothing behind it is known to have arrived: no ACK could ask for it. */
		bool tail = !step->own->dupacks && !(loss && held_above(loss, step->end));

		if (step->seg->payload_bytes && !(step->notes & (NOTE_REORDERED | NOTE_SPURIOUS)))
			stall_add(step, tail ? STALL_TAIL_LOSS : STALL_RETRANSMIT, step->silence_ns,
				  before, step->from);
		return;
	}
	if (step->new_octets && step->seg->payload_bytes) {
		data_after_pause(step);
		return;
	}
	if (step->own->last.window == 0) /* a shut window has its own account (window.c) */
		return;
	if (step->acks_new && !step->octets && step->peer->last_data.frame) {
		bool full = side_has(step->peer, SIDE_FILLED);

		stall_add(step, full ? STALL_SMALL_WINDOW : STALL_ACK_DELAY, step->silence_ns,
			  before, step->from);
		return;
	}
	if ((step->notes & NOTE_WINDOW_UPDATE) && side_has(step->peer, SIDE_FILLED))
		stall_add(step, STALL_SMALL_WINDOW, step->silence_ns, before, step->from);
}

/* A small segment leaves as soon as the ACK of the small one before it came, and that came late. */
static void nagle_step(struct step *step)
{
	const struct side *own = step->own, *peer = step->peer;
	uint32_t small = small_segment(step);
	int64_t waited = own->acked_ns - own->last_data.ns;
	int64_t rtt = flow_rtt_ns(step->tracker, step->flow);
	int64_t after = step->now - own->acked_ns;
	int64_t soon = own->answer_ns == UINT32_MAX ? NAGLE_AFTER_NS
						    : NAGLE_AFTER_NS + 2 * (int64_t)own->answer_ns;

	if (!step->new_octets || !step->seg->payload_bytes || step->seg->payload_bytes >= small ||
	    !own->last_data.frame || own->last_data.len >= small || own->last.frame == 0 ||
	    own->last.frame != own->last_data.frame || peer->last.frame < own->last_data.frame)
		return;
	if (peer->last.len || (peer->last.flags & (TCP_SYN | TCP_FIN | TCP_RST)) ||
	    peer->last.ack != own->last_data.seq + own->last_data.len ||
	    step->seq.raw != peer->last.ack || after > soon || after < 0)
		return;
	if (own->last_data.notes & NOTE_WINDOW_FULL) /* the window held it back, not Nagle */
		return;
	if (rtt != TIME_NONE)
		waited -= rtt;
	if (waited >= STALL_DELACK_LEAST_NS && waited <= DELACK_MOST_NS)
		stall_add(step, STALL_NAGLE_DELACK, waited, own->last_data.frame,
			  end_other(step->from));
}

static void idle_step(struct step *step)
{
	struct stalls *stalls;

	if (step->silence_ns < STALL_IDLE_LEAST_NS || step->owed ||
	    side_has(step->own, SIDE_FIN | SIDE_SHUT) ||
	    side_has(step->peer, SIDE_FIN | SIDE_SHUT) || step->flow->phase == PHASE_SYN ||
	    step->flow->phase == PHASE_HALF || (step->notes & NOTE_RESENT))
		return;
	stalls = cold_stalls(step->pools, step->flow);
	if (!stalls)
		return;
	stalls->last_idle_ns = step->silence_ns;
	stalls->last_idle_frame = step->seg->frame;
	stalls->last_idle_before = frame_before(step);
	stalls->idle_from = (uint8_t)(step->from + 1);
	step->flow->bits |= FLOW_IDLE_OPEN;
}

/* The other end answers after the idle time: nothing on the path had forgotten the connection. */
static void idle_survived(struct step *step)
{
	struct stalls *stalls = flow_stalls(step->pools, step->flow);

	if (!stalls || !stalls->idle_from || stalls->idle_from - 1u == (unsigned)step->from ||
	    (step->seg->flags & TCP_RST))
		return;
	stalls->idle_from = 0;
	step->flow->bits &= ~(uint32_t)FLOW_IDLE_OPEN;
	if (stalls->last_idle_ns <= stalls->longest_idle_ns)
		return;
	stalls->longest_idle_ns = stalls->last_idle_ns;
	stalls->longest_first = stalls->last_idle_before;
	stalls->longest_last = stalls->last_idle_frame;
}

void stall_step(struct step *step)
{
	int64_t rtt;

	if (flow_has(step->flow, FLOW_IDLE_OPEN))
		idle_survived(step);
	if (step->stray || step->flow->phase != PHASE_UP) {
		if (step->flow->phase != PHASE_MID || step->stray)
			return;
	}
	nagle_step(step);
	if (step->silence_ns < STALL_LEAST_NS)
		return;
	idle_step(step);
	rtt = flow_rtt_ns(step->tracker, step->flow);
	if ((rtt != TIME_NONE && step->silence_ns < STALL_RTTS * rtt) ||
	    (step->seg->flags & (TCP_SYN | TCP_RST)) ||
	    (step->notes & (NOTE_KEEPALIVE | NOTE_KEEPALIVE_ANSWER | NOTE_WINDOW_PROBE |
			    NOTE_WINDOW_PROBE_ANSWER)) ||
	    side_has(step->own, SIDE_SHUT) || side_has(step->peer, SIDE_SHUT))
		return;
	pause_step(step);
}
