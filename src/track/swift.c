/* SPDX-License-Identifier: BSD-2-Clause */
#include "track/tracker.h"

/*
 * A short cut through the input path (input.c) for what most segments are: the next octets in
 * order, or an ACK of octets that were seen, in an open connection in which nothing is amiss. Here
 * are those parts of each step that act on such a segment; whatever else a segment or its
 * connection has about it sends it the long way. Any new fact of the tracker is to be excluded here
 * or kept here too: the tests that compare records (short_test.c, the golden captures, the public
 * ones) would tell.
 */

#define SWIFT_FLOW_AVOIDS (FLOW_ENDED | FLOW_SELF | FLOW_IDLE_OPEN)
#define SWIFT_OWN_NEEDS	  (SIDE_NXT | SIDE_BASE | SIDE_ACKED | SIDE_WINDOW | SIDE_SIGHTED)
#define SWIFT_PEER_NEEDS  (SIDE_NXT | SIDE_BASE | SIDE_ACKED)
#define SWIFT_AVOIDS                                                                               \
	(SIDE_FIN | SIDE_FIN_ACKED | SIDE_SHUT | SIDE_PROBING | SIDE_PROBING_WINDOW |              \
	 SIDE_REOPENED | SIDE_FILLED)
#define SWIFT_WHAT                                                                                 \
	(SEGMENT_IPV6 | SEGMENT_DONT_FRAGMENT | SEGMENT_TCP_SUM_KNOWN | SEGMENT_PAYLOAD_CUT)

static inline bool bits_are(uint32_t bits, uint32_t needed, uint32_t avoided)
{
	return (bits & (needed | avoided)) == needed;
}

/* Nothing about the connection asks for more than this file does. */
static inline bool calm(const struct step *step)
{
	const struct flow *flow = step->flow;

	return flow->phase == PHASE_UP && !(flow->chunks & ~CHUNK_STALLS) &&
	       !flow_has(flow, SWIFT_FLOW_AVOIDS) && !step->tracker->frame_back &&
	       bits_are(step->own->bits, SWIFT_OWN_NEEDS, SWIFT_AVOIDS) &&
	       bits_are(step->peer->bits, SWIFT_PEER_NEEDS, SWIFT_AVOIDS);
}

/* Nothing about the segment does: flags, options, TTL, what was captured of it. */
static inline bool ordinary(const struct step *step)
{
	const struct segment *seg = step->seg;
	const struct side *own = step->own, *peer = step->peer;

	if ((seg->flags & (uint8_t)~TCP_PSH) != TCP_ACK || (seg->what & ~SWIFT_WHAT) ||
	    (seg->options_seen & ~TCP_HAS_TIMESTAMPS) || seg->path != step->flow->path ||
	    seg->window == 0 || own->ttl_count == 0 || own->ttls[0] != seg->ttl)
		return false;
	if ((seg->options_seen & TCP_HAS_TIMESTAMPS) && !side_has(own, SIDE_TSVAL))
		return false;
	if (segment_has(seg, SEGMENT_PAYLOAD_CUT) && !step->flow->cut)
		return false;
	return !(side_has(peer, SIDE_MSS) && peer->mss >= 88 && seg->payload_bytes > peer->mss);
}

/* In order, acknowledging only what was seen, within the window, no duplicate ACK. */
static inline bool in_order(const struct step *step)
{
	const struct segment *seg = step->seg;
	const struct side *own = step->own, *peer = step->peer;
	int32_t moved = seq_distance(seg->ack, side_acked(peer));
	bool known;

	if (seg->seq.raw != own->nxt || moved < 0 || seq_after(seg->ack, side_nxt(peer)))
		return false;
	if (!seg->payload_bytes)
		return moved > 0 || seg->ack.raw != own->ack_sent || seg->window != own->window ||
		       !side_outstanding(peer);
	uint32_t window = side_window_octets(step->flow, peer, &known);

	return !known || seq_before(step->end, seq_add(seq_of(peer->ack_sent), window));
}

static inline void swift_counts(struct step *step)
{
	const struct segment *seg = step->seg;
	struct side *own = step->own;

	step->flow->cut += segment_has(seg, SEGMENT_PAYLOAD_CUT);
	if (seg->options_seen & TCP_HAS_TIMESTAMPS) {
		own->last_tsval = seg->tsval;
		own->last_tsval_ns = step->now;
	}
	own->packets++;
	own->bytes += seg->ip_bytes;
	own->payload += seg->payload_bytes;
	own->data_packets += seg->payload_bytes != 0;
}

static inline void swift_window(struct step *step)
{
	const struct segment *seg = step->seg;
	struct side *own = step->own;

	if (!seg->payload_bytes && !side_has(own, SIDE_WINDOW_OF_SYN) &&
	    seg->ack.raw == own->ack_sent && seg->window != own->window)
		step->notes |= NOTE_WINDOW_UPDATE;
	own->window = seg->window;
	own->ack_sent = seg->ack.raw;
	own->bits &= ~(uint32_t)SIDE_WINDOW_OF_SYN;
}

/* Whether the last state of this end waits for being confirmed. */
static inline bool awaits_confirmation(const struct side *side)
{
	return side->state_count > SIDE_STATES ||
	       (side->state_count > 0 && (side->states[side->state_count - 1] & STATE_PROVISIONAL));
}

bool swift_step(struct step *step)
{
	struct flow *flow = step->flow;
	struct side *own = step->own;

	if (!calm(step) || !ordinary(step) || !in_order(step))
		return false;
	if (copy_near(step) && copy_step(step))
		return true;
	step->silence_ns = step->now > flow->last_ns ? step->now - flow->last_ns : 0;
	step->owed = side_outstanding(own) || side_outstanding(step->peer);
	step->own_silence_ns = step->now - own->last.ns;
	swift_counts(step);
	if (step->octets) {
		own->nxt = step->end.raw;
		step->new_octets = true;
		payload_facts(step);
	}
	step->acked_before = step->peer->acked;
	if (step->seg->ack.raw != step->peer->acked)
		ack_moves(step);
	swift_window(step);
	if (step->from == END_SERVER)
		flow->bits |= FLOW_SERVER_SPOKE;
	if (awaits_confirmation(own))
		state_confirm(step, step->from);
	/* What stall.c looks at: a pause, or small segments one after the other. */
	if (step->silence_ns >= STALL_LEAST_NS ||
	    (step->octets && own->last.frame == own->last_data.frame))
		stall_step(step);
	update_last(step);
	if (step->keep)
		marks_add(step->pools, flow, &own->last);
	return true;
}
