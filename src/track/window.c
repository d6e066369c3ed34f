/* SPDX-License-Identifier: BSD-2-Clause */
#include "track/tracker.h"

/* Windows: shut, reopened, filled to the edge. Source: RFC 9293 section 3.8.6, RFC 7323 section 2.
 */

uint32_t side_window_octets(const struct flow *flow, const struct side *side, bool *known)
{
	const struct side *other =
		side == &flow->side[END_CLIENT] ? &flow->side[END_SERVER] : &flow->side[END_CLIENT];
	bool both = side_has(side, SIDE_PARAMETERS) && side_has(other, SIDE_PARAMETERS);

	*known = side_has(side, SIDE_WINDOW) && (both || side->window == 0);
	if (!both || side_has(side, SIDE_WINDOW_OF_SYN) || !side_has(side, SIDE_SCALE) ||
	    !side_has(other, SIDE_SCALE))
		return side->window;
	return (uint32_t)side->window << side->scale;
}

/* The sender waited for this window: it had filled it, or it probed. */
static void shut_blocks(struct step *step, struct probes *probes)
{
	const struct side *peer = step->peer;

	if (side_has(peer, SIDE_FILLED))
		probes->blocked = true;
}

static void shut_begins(struct step *step)
{
	struct probes *probes = cold_probes(step->pools, step->flow, step->from);

	step->own->bits |= SIDE_SHUT;
	step->keep = true;
	if (!probes)
		return;
	probes->shut.spells++;
	probes->shut.shut_now = true;
	probes->shut.since_ns = step->now;
	probes->shut.since_frame = step->seg->frame;
	probes->shut.probes = 0;
	probes->blocked = false;
	shut_blocks(step, probes);
}

static void shut_ends(struct step *step)
{
	struct probes *probes = flow_probes(step->pools, step->flow, step->from);

	step->own->bits &= ~(uint32_t)SIDE_SHUT;
	step->own->bits |= SIDE_REOPENED;
	step->keep = true;
	if (!probes)
		return;
	struct shut_window *shut = &probes->shut;
	int64_t lasted = step->now - shut->since_ns;

	shut->shut_now = false;
	if (lasted > shut->longest_ns || shut->longest_first_frame == 0) {
		shut->longest_ns = lasted;
		shut->longest_first_frame = shut->since_frame;
		shut->longest_last_frame = step->seg->frame;
		shut->longest_blocked = probes->blocked;
	}
	if (probes->blocked)
		stall_add(step, STALL_ZERO_WINDOW, lasted, shut->since_frame, step->from);
}

static void window_is_zero(struct step *step)
{
	struct probes *probes;

	if (side_has(step->own, SIDE_FIN) && !side_has(step->own, SIDE_SHUT))
		return; /* it reads no more: not a wait for its program */
	step->notes |= NOTE_ZERO_WINDOW;
	if (!side_has(step->own, SIDE_SHUT))
		shut_begins(step);
	probes = flow_probes(step->pools, step->flow, step->from);
	if (probes)
		probes->zero_windows++;
}

/* Payload up to the very edge of the peer's window: nothing more may be sent. */
static void fills_window(struct step *step)
{
	const struct side *peer = step->peer;
	bool known;
	uint32_t window = side_window_octets(step->flow, peer, &known);

	if (!step->new_octets || !step->seg->payload_bytes)
		return;
	step->own->bits &= ~(uint32_t)SIDE_FILLED;
	if (!known || seq_before(step->end, seq_add(seq_of(peer->ack_sent), window)))
		return;
	step->own->bits |= SIDE_FILLED;
	step->notes |= NOTE_WINDOW_FULL;
	struct probes *probes = cold_probes(step->pools, step->flow, step->from);
	struct probes *shut = flow_probes(step->pools, step->flow, end_other(step->from));

	if (probes)
		probes->window_full++;
	if (shut && side_has(peer, SIDE_SHUT))
		shut->blocked = true;
}

/* What the sender advertises from now on. */
static void window_take(struct step *step)
{
	struct side *own = step->own;

	own->window = step->seg->window;
	own->ack_sent = step->seg->ack.raw;
	own->bits &= ~(uint32_t)(SIDE_WINDOW_OF_SYN | SIDE_REOPENED);
	own->bits |= SIDE_WINDOW;
	if (step->seg->flags & TCP_SYN)
		own->bits |= SIDE_WINDOW_OF_SYN;
}

void window_step(struct step *step)
{
	const struct segment *seg = step->seg;
	struct side *own = step->own;
	bool known = side_has(own, SIDE_WINDOW) && !side_has(own, SIDE_WINDOW_OF_SYN);
	uint16_t before = own->window;
	bool same_ack = known && seg->ack.raw == own->ack_sent;

	if (step->stray || !(seg->flags & TCP_ACK))
		return;
	window_take(step);
	if (seg->flags & TCP_SYN)
		return;
	fills_window(step);
	if (seg->window == 0) {
		window_is_zero(step);
		return;
	}
	if (side_has(own, SIDE_SHUT))
		shut_ends(step);
	if (!step->octets && same_ack && seg->window != before &&
	    seq_at_or_after(step->seq, side_nxt(own)) && !(step->notes & NOTE_KEEPALIVE))
		step->notes |= NOTE_WINDOW_UPDATE;
}
