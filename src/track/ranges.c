/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "track/tracker.h"

/*
 * Holes: octets below a side's nxt that were not captured, in ascending order. Held: octets that
 * the receiver reported by SACK, in ascending order. Both are bounded.
 */

static void hole_remove(struct loss *loss, unsigned at)
{
	loss->hole_count--;
	memmove(&loss->holes[at], &loss->holes[at + 1],
		(loss->hole_count - at) * sizeof(loss->holes[0]));
}

static uint32_t octets_between(uint32_t left, uint32_t right)
{
	return right - left;
}

void holes_add(struct step *step, struct seq left, struct seq right)
{
	struct loss *loss = cold_loss(step->pools, step->flow, step->from);
	const struct segment *seg = step->seg;

	if (!loss)
		return;
	if (loss->hole_count == HOLES_MOST) { /* the oldest will hardly be filled any more */
		struct odd *odd = cold_odd(step->pools, step->flow);

		loss->missing_dropped += octets_between(loss->holes[0].left, loss->holes[0].right);
		hole_remove(loss, 0);
		if (odd)
			odd->ranges_dropped++;
	}
	loss->holes[loss->hole_count++] = (struct hole){
		.left = left.raw,
		.right = right.raw,
		.ns = step->now,
		.tsval = seg->tsval,
		.id = seg->ip_id,
		.has_tsval = (seg->options_seen & TCP_HAS_TIMESTAMPS) != 0,
		.has_id = seg->ip_id != 0,
	};
}

/* Cut [left, right) out of one hole. Return: how many octets of it; may split or remove it. */
static uint32_t hole_cut(struct loss *loss, unsigned at, struct seq left, struct seq right)
{
	struct hole *hole = &loss->holes[at];
	struct seq from = seq_later(left, seq_of(hole->left));
	struct seq to = seq_before(right, seq_of(hole->right)) ? right : seq_of(hole->right);

	if (!seq_before(from, to))
		return 0;
	bool keeps_left = seq_after(from, seq_of(hole->left));
	bool keeps_right = seq_before(to, seq_of(hole->right));

	if (keeps_left && keeps_right && loss->hole_count < HOLES_MOST) {
		memmove(hole + 1, hole, (loss->hole_count - at) * sizeof(*hole));
		loss->hole_count++;
		hole[0].right = from.raw;
		hole[1].left = to.raw;
	} else if (keeps_left) {
		if (keeps_right) /* no room for the right part */
			loss->missing_dropped += octets_between(to.raw, hole->right);
		hole->right = from.raw;
	} else if (keeps_right) {
		hole->left = to.raw;
	} else {
		hole_remove(loss, at);
	}
	return octets_between(from.raw, to.raw);
}

uint32_t holes_fill(struct step *step, struct seq left, struct seq right, struct hole *filled)
{
	struct loss *loss = flow_loss(step->pools, step->flow, step->from);
	uint32_t octets = 0;

	for (unsigned at = loss ? loss->hole_count : 0; at-- > 0;) {
		struct hole hole = loss->holes[at];
		uint32_t cut = hole_cut(loss, at, left, right);

		if (cut && filled)
			*filled = hole;
		octets += cut;
	}
	return octets;
}

uint64_t holes_octets(const struct loss *loss)
{
	uint64_t octets = loss->missing_dropped;

	for (unsigned i = 0; i < loss->hole_count; i++)
		octets += octets_between(loss->holes[i].left, loss->holes[i].right);
	return octets;
}

void held_add(struct loss *loss, struct seq left, struct seq right)
{
	struct held *held = loss->held;
	unsigned kept = 0;

	if (!seq_before(left, right))
		return;
	/* Take in every range that touches the new one. */
	for (unsigned i = 0; i < loss->held_count; i++) {
		struct held one = held[i];

		if (seq_before(seq_of(one.right), left) || seq_after(seq_of(one.left), right)) {
			held[kept++] = one;
			continue;
		}
		if (seq_before(seq_of(one.left), left))
			left = seq_of(one.left);
		if (seq_after(seq_of(one.right), right))
			right = seq_of(one.right);
	}
	loss->held_count = kept;
	if (kept == HELD_MOST) { /* forget the lowest: the next SACK says it again */
		memmove(held, held + 1, (HELD_MOST - 1) * sizeof(*held));
		loss->held_count--;
	}
	unsigned at = loss->held_count;

	for (; at > 0 && seq_after(seq_of(held[at - 1].left), left); at--)
		held[at] = held[at - 1];
	held[at] = (struct held){ .left = left.raw, .right = right.raw };
	loss->held_count++;
}

void held_acked(struct loss *loss, struct seq acked)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < loss->held_count; i++) {
		struct held one = loss->held[i];

		if (seq_at_or_before(seq_of(one.right), acked))
			continue;
		if (seq_before(seq_of(one.left), acked))
			one.left = acked.raw;
		loss->held[kept++] = one;
	}
	loss->held_count = kept;
}

bool held_covers(const struct loss *loss, struct seq left, struct seq right)
{
	for (unsigned i = 0; i < loss->held_count; i++)
		if (seq_at_or_before(seq_of(loss->held[i].left), left) &&
		    seq_at_or_after(seq_of(loss->held[i].right), right))
			return true;
	return false;
}

bool held_above(const struct loss *loss, struct seq end)
{
	return loss->held_count > 0 &&
	       seq_after(seq_of(loss->held[loss->held_count - 1].right), end);
}
