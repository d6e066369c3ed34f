/* SPDX-License-Identifier: BSD-2-Clause */
#include "track/tracker.h"

/*
 * Both ends' histories. A sender's state changes with the frame it sends, a receiver's with the
 * frame it is sent: provisionally, until its next act confirms it or a repeat withdraws it.
 */

static uint64_t *entry_at(struct step *step, enum end end, unsigned at, bool make)
{
	struct side *side = &step->flow->side[end];
	struct more_states *more;

	if (at < SIDE_STATES)
		return &side->states[at];
	more = make ? cold_states(step->pools, step->flow, end)
		    : flow_states(step->pools, step->flow, end);
	return more ? &more->entries[at - SIDE_STATES] : NULL;
}

static void state_enter(struct step *step, enum end end, enum tcp_state state, uint32_t bits,
			uint64_t frame)
{
	struct side *side = &step->flow->side[end];
	uint64_t *entry = NULL;

	side->state = (uint8_t)state;
	if (state == STATE_LISTEN) /* never seen, only inferred */
		return;
	if (side->state_count < STATE_ENTRIES_MOST)
		entry = entry_at(step, end, side->state_count, true);
	if (!entry) {
		struct odd *odd = cold_odd(step->pools, step->flow);

		if (odd)
			odd->states_dropped++;
		return;
	}
	*entry = frame << 8 | bits | (uint64_t)state;
	side->state_count++;
}

void state_event_at(struct step *step, enum end end, enum tcp_event event, uint32_t bits,
		    uint64_t frame)
{
	struct side *side = &step->flow->side[end];
	enum tcp_state before = (enum tcp_state)side->state;
	enum tcp_state after = tcp_state_next(before, event);

	if (after != before)
		state_enter(step, end, after, bits, frame);
}

void state_event(struct step *step, enum end end, enum tcp_event event, uint32_t bits)
{
	state_event_at(step, end, event, bits, step->seg->frame);
}

void state_assume(struct step *step, enum end end, enum tcp_state state)
{
	state_enter(step, end, state, STATE_ASSUMED, step->seg->frame);
}

void state_confirm(struct step *step, enum end end)
{
	struct side *side = &step->flow->side[end];

	if (side->state == STATE_CLOSED) /* its acts rather show that it is not */
		return;
	for (unsigned at = side->state_count; at-- > 0;) {
		uint64_t *entry = entry_at(step, end, at, false);

		if (!entry || !(*entry & STATE_PROVISIONAL))
			return;
		*entry &= ~(uint64_t)(STATE_PROVISIONAL | STATE_QUIET);
	}
}

uint64_t state_withdraw(struct step *step, enum end end, enum tcp_state state)
{
	struct side *side = &step->flow->side[end];
	uint64_t *last =
		side->state_count ? entry_at(step, end, side->state_count - 1u, false) : NULL;

	if (!last || !(*last & STATE_PROVISIONAL) || (*last & STATE_MASK) != (uint64_t)state)
		return 0;
	uint64_t frame = *last >> 8;

	side->state_count--;
	const uint64_t *before =
		side->state_count ? entry_at(step, end, side->state_count - 1u, false) : NULL;

	side->state = before ? (uint8_t)(*before & STATE_MASK) : STATE_UNKNOWN;
	return frame;
}

unsigned states_unfold(const struct pools *pools, const struct flow *flow, enum end end,
		       struct state_entry entries[static STATE_ENTRIES_MOST])
{
	const struct side *side = &flow->side[end];
	const struct more_states *more = NULL;
	unsigned count = 0;

	if (side->state_count > SIDE_STATES)
		more = flow_states(pools, flow, end);
	for (unsigned at = 0; at < side->state_count; at++) {
		uint64_t packed = at < SIDE_STATES ? side->states[at]
				  : more	   ? more->entries[at - SIDE_STATES]
						   : 0;
		bool provisional = (packed & STATE_PROVISIONAL) != 0;

		entries[count++] = (struct state_entry){
			.frame = packed >> 8,
			.state = (uint8_t)(packed & STATE_MASK),
			.assumed = (packed & STATE_ASSUMED) != 0 ||
				   (provisional && !(packed & STATE_QUIET)),
		};
	}
	return count;
}
