/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "track/tracker.h"

/*
 * Second copies of one packet, as a mirror port, a bridge or the "any" interface makes them: they
 * are counted and change nothing. Compared with the last few segments of the same side.
 */

#define COPY_BYTES_NS (1 * NSEC_PER_MSEC) /* with an IP ID of 0: the same bytes */
#define COPY_UNIT_NS  64000		  /* of side.copy_times */

static uint32_t print_of(uint32_t seq, uint32_t ack, uint32_t len, const uint16_t more[static 4])
{
	uint64_t mixed = ((uint64_t)seq << 32 | ack) * 0x9e3779b97f4a7c15u;

	mixed ^= ((uint64_t)more[0] << 48 | (uint64_t)more[1] << 32 | (uint64_t)more[2] << 16 |
		  more[3]) +
		 len;
	mixed *= 0xd6e8feb86659fd93u; /* odd constants: any spread will do */
	return (uint32_t)(mixed >> 32) ^ (uint32_t)mixed;
}

static uint32_t print_of_segment(const struct segment *seg)
{
	const uint16_t more[4] = { seg->ip_id, seg->tcp_checksum, seg->window, seg->flags };

	return print_of(seg->seq.raw, seg->ack.raw, seg->payload_bytes, more);
}

static bool ttl_near(uint8_t a, uint8_t b)
{
	return a == b || (uint8_t)(a + 1) == b || (uint8_t)(b + 1) == a;
}

static bool same_as_last(const struct side *own, const struct segment *seg)
{
	const struct mark *last = &own->last;

	return last->seq == seg->seq.raw && last->ack == seg->ack.raw &&
	       last->len == seg->payload_bytes && last->flags == seg->flags &&
	       last->window == seg->window && last->id == seg->ip_id &&
	       own->last_sum == seg->tcp_checksum && ttl_near(last->ttl, seg->ttl) &&
	       (!(seg->options_seen & TCP_HAS_TIMESTAMPS) || own->last_tsval == seg->tsval);
}

static uint16_t units_of(int64_t ns)
{
	return (uint16_t)((uint64_t)ns / COPY_UNIT_NS);
}

static bool same_as_earlier(const struct side *own, const struct segment *seg, int64_t now,
			    int64_t within)
{
	uint32_t print = print_of_segment(seg);

	for (unsigned i = 0; i < COPY_DEPTH; i++) {
		int apart = (int16_t)(uint16_t)(units_of(now) - own->copy_times[i]);

		if (own->copy_prints[i] == print && own->copy_prints[i] != 0 &&
		    (int64_t)(apart < 0 ? -apart : apart) * COPY_UNIT_NS <= within)
			return true;
	}
	return false;
}

static void copy_count(struct step *step)
{
	struct odd *odd = cold_odd(step->pools, step->flow);

	step->tracker->stats.copies++;
	step->notes |= NOTE_CAPTURE_COPY;
	if (!odd)
		return;
	odd->copies[step->from]++;
	if (!odd->copies_frame)
		odd->copies_frame = step->seg->frame;
}

bool copy_step(struct step *step)
{
	const struct side *own = step->own;
	const struct segment *seg = step->seg;
	int64_t within = seg->ip_id ? COPY_NS : COPY_BYTES_NS;
	int64_t apart = step->now - own->last.ns;

	if (seg->path != step->flow->path)
		step->flow->bits |= FLOW_TWO_PATHS;
	if (!own->last.frame || apart > within || apart < -within)
		return false;
	if (!same_as_last(own, seg) && !same_as_earlier(own, seg, step->now, within))
		return false;
	copy_count(step);
	return true;
}

/* The last segment makes room for this one: keep its print. */
void copy_remember(struct step *step)
{
	struct side *own = step->own;
	const struct mark *last = &own->last;
	const uint16_t more[4] = { last->id, own->last_sum, last->window, last->flags };

	if (!last->frame)
		return;
	if (!copy_near(step)) { /* too long ago for any later segment to be a copy of one of them */
		memset(own->copy_prints, 0, sizeof(own->copy_prints));
		return;
	}
	for (unsigned i = COPY_DEPTH - 1; i > 0; i--) {
		own->copy_prints[i] = own->copy_prints[i - 1];
		own->copy_times[i] = own->copy_times[i - 1];
	}
	own->copy_prints[0] = print_of(last->seq, last->ack, last->len, more);
	own->copy_times[0] = units_of(last->ns);
}
