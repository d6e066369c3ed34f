/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/time.h"
#include "peers/wireshark_flags.h"

/*
 * The tcp.analysis rules of Wireshark 4.0, in its order of evaluation. Where a rule looks wrong it
 * is meant to: docs/differences.md says what we hold to be true instead.
 */

#define FAST_RETRANSMISSION_NS (20 * NSEC_PER_MSEC) /* after the last packet of the other side */
#define OUT_OF_ORDER_NS	       (3 * NSEC_PER_MSEC)  /* while the initial RTT is unknown */
#define CONTROL		       (TCP_SYN | TCP_FIN | TCP_RST)
#define DUPLICATE_ACKS_MUTED   UINT32_MAX /* "-1": one ACK of unseen data has been reported */

/* Sequence space that the segment takes; SYN and FIN together count one. */
static uint32_t octets(const struct ws_look *look)
{
	return look->length + ((look->seg->flags & (TCP_SYN | TCP_FIN)) != 0);
}

/* At a distance of exactly half the circle each of two numbers lies beyond the other. */
static bool beyond(struct seq a, struct seq b)
{
	return seq_before(b, a);
}

/* An unsigned difference, as in Wireshark: a packet stamped earlier lies infinitely far away. */
static uint64_t since(const struct ws_look *look, int64_t earlier_ns)
{
	return (uint64_t)look->time_ns - (uint64_t)earlier_ns;
}

static bool is_zero_window_probe(const struct ws_look *look)
{
	return look->length == 1 && seq_equal(look->seg->seq, look->forward->next) &&
	       look->reverse->window == 0;
}

static bool is_keep_alive(const struct ws_look *look)
{
	return look->length <= 1 && !(look->seg->flags & CONTROL) &&
	       look->seg->seq.raw == look->forward->next.raw - 1;
}

static bool is_window_full(const struct ws_look *look)
{
	const struct ws_side *reverse = look->reverse;
	unsigned shift = 0;

	if (look->length == 0 || (look->seg->flags & CONTROL) || reverse->scale == WS_SCALE_UNKNOWN)
		return false;
	if (!(reverse->bits & WS_FIRST_ACK_DUE) && reverse->scale != WS_SCALE_NONE)
		shift = (unsigned)reverse->scale;
	return look->seg->seq.raw + look->length ==
	       reverse->last_ack.raw + (reverse->window << shift);
}

/* An empty segment that repeats the last one's numbers; the ACK bit is not looked at. */
static bool is_repeated_ack(const struct ws_look *look)
{
	return look->length == 0 && !(look->seg->flags & CONTROL) &&
	       seq_equal(look->seg->seq, look->forward->next) &&
	       seq_equal(look->seg->ack, look->forward->last_ack);
}

/* MPTCP may repeat an ACK to carry an option: not a duplicate when its kind is new. */
static bool is_mptcp_news(const struct ws_look *look)
{
	return look->stream->mptcp && look->mptcp_kinds != look->forward->mptcp_known;
}

static uint32_t repeated_ack(struct ws_look *look)
{
	struct ws_side *forward = look->forward;
	uint32_t window = look->seg->window;

	if (window != forward->window)
		return window ? WS_WINDOW_UPDATE : 0;
	if (window == 0)
		return look->reverse->last_flags & WS_ZERO_WINDOW_PROBE ? WS_ZERO_WINDOW_PROBE_ACK
									: 0;
	if (look->reverse->last_flags & WS_KEEP_ALIVE)
		return WS_KEEP_ALIVE_ACK;
	if (is_mptcp_news(look))
		return 0;
	forward->duplicate_acks++; /* from "muted" to 0, which counts as the first */
	if (forward->duplicate_acks == 0)
		forward->duplicate_acks = 1;
	look->packet->duplicate_ack_number = forward->duplicate_acks;
	look->packet->duplicate_ack_frame = forward->new_ack_frame;
	return WS_DUPLICATE_ACK;
}

/* What the segment looks like by itself and beside the last one of its sender. */
static uint32_t first_block(struct ws_look *look)
{
	const struct ws_side *forward = look->forward;
	uint8_t flags = look->seg->flags;
	uint32_t found = 0;

	if (is_zero_window_probe(look))
		return WS_ZERO_WINDOW_PROBE;
	if (look->seg->window == 0 && !(flags & CONTROL))
		found |= WS_ZERO_WINDOW;
	if (forward->next.raw && beyond(look->seg->seq, forward->next) && !(flags & TCP_RST))
		found |= WS_LOST_SEGMENT;
	if (is_keep_alive(look))
		found |= WS_KEEP_ALIVE;
	if (is_window_full(look))
		found |= WS_WINDOW_FULL;
	if (is_repeated_ack(look))
		found |= repeated_ack(look);
	return found;
}

/* The segment acknowledges what the capture does not hold: said once per hole. */
static uint32_t ack_lost_segment(const struct ws_look *look)
{
	struct ws_side *reverse = look->reverse;
	bool said = false;

	if (!(look->seg->flags & TCP_ACK) || !reverse->seen.raw ||
	    !beyond(look->seg->ack, reverse->seen))
		return 0;
	if (seq_before(reverse->seen, reverse->next)) {
		reverse->seen = reverse->next;
		return WS_ACK_LOST_SEGMENT;
	}
	said = reverse->duplicate_acks != 0;
	reverse->duplicate_acks = DUPLICATE_ACKS_MUTED;
	return said ? 0 : WS_ACK_LOST_SEGMENT;
}

/* How long the sender waited: since its oldest segment without an ACK. */
static void retransmission_timeout(struct ws_look *look)
{
	const struct ws_side *forward = look->forward;
	int64_t base_ns = forward->next_time_ns;
	uint64_t frame = forward->next_frame;

	if (forward->unacked.count) {
		const struct ws_unacked *oldest = ws_unacked_at(look->ws, forward->unacked.oldest);

		base_ns = oldest->time_ns;
		frame = oldest->frame;
	}
	if (look->time_ns == base_ns)
		return; /* Wireshark shows no wait of zero, nor its frame */
	look->packet->rto_ns = (int64_t)since(look, base_ns);
	look->packet->rto_frame = frame;
}

/* Is the segment not new, by its sequence number? One octet below and longer is let through. */
static bool is_behind(const struct ws_look *look)
{
	struct seq next = look->forward->next;

	if (!next.raw || !seq_before(look->seg->seq, next))
		return false;
	return !(look->length > 1 && look->seg->seq.raw == next.raw - 1);
}

static uint32_t retransmission(struct ws_look *look)
{
	const struct ws_side *forward = look->forward, *reverse = look->reverse;
	struct seq seq = look->seg->seq;
	uint64_t limit_ns =
		look->stream->irtt_ns ? (uint64_t)look->stream->irtt_ns : (uint64_t)OUT_OF_ORDER_NS;

	if (look->length && reverse->last_ack.raw &&
	    seq_at_or_before(seq_add(seq, look->length), reverse->last_ack))
		return WS_SPURIOUS_RETRANSMISSION | WS_RETRANSMISSION;
	if (!is_behind(look))
		return 0;
	if (reverse->duplicate_acks >= 2 && seq_equal(reverse->last_ack, seq) &&
	    since(look, reverse->last_ack_time_ns) < FAST_RETRANSMISSION_NS)
		return WS_FAST_RETRANSMISSION | WS_RETRANSMISSION;
	if (since(look, forward->next_time_ns) < limit_ns &&
	    !seq_equal(forward->next, seq_add(seq, octets(look))))
		return WS_OUT_OF_ORDER;
	retransmission_timeout(look);
	return WS_RETRANSMISSION;
}

/* What the other side knows makes of it. */
static uint32_t second_block(struct ws_look *look, uint32_t found)
{
	struct ws_side *forward = look->forward;

	if (!seq_equal(look->seg->ack, forward->last_ack)) {
		forward->new_ack_frame = look->seg->frame;
		forward->duplicate_acks = 0;
	}
	found |= ack_lost_segment(look);
	if (octets(look) && !(found & WS_KEEP_ALIVE))
		found |= retransmission(look);
	return found;
}

/* Note what was sent. Return: its end; without SYN and FIN when the list is full. */
static struct seq sent(struct ws_look *look)
{
	struct ws_side *forward = look->forward;
	struct seq end = seq_add(look->seg->seq, octets(look));
	const struct ws_unacked segment = {
		.frame = look->seg->frame,
		.time_ns = look->time_ns,
		.end = end.raw,
	};

	if (!octets(look) || ws_unacked_add(look->ws, &forward->unacked, &segment))
		return end;
	return seq_add(look->seg->seq, look->length);
}

static void move_on(struct ws_look *look, uint32_t found)
{
	struct ws_side *forward = look->forward;
	bool probe = found & WS_ZERO_WINDOW_PROBE;
	struct seq end = sent(look);

	if (!probe && (beyond(end, forward->next) || !forward->next.raw)) {
		forward->next = end;
		forward->next_time_ns = look->time_ns;
		forward->next_frame = look->seg->frame;
	}
	if (!probe && (seq_equal(look->seg->seq, forward->seen) || !forward->seen.raw))
		forward->seen = forward->next;
	forward->window = look->seg->window;
	forward->last_ack = look->seg->ack;
	forward->last_ack_time_ns = look->time_ns;
	forward->last_flags = (uint16_t)found;
	if (look->stream->mptcp)
		forward->mptcp_known = look->mptcp_kinds;
}

void ws_analyse(struct ws_look *look)
{
	struct ws_unacked acked;
	uint32_t found = second_block(look, first_block(look));

	move_on(look, found);
	look->packet->flags |= found;
	if (ws_unacked_ack(look->ws, &look->reverse->unacked, look->seg->ack.raw, &acked)) {
		look->packet->acks_frame = acked.frame;
		look->packet->ack_rtt_ns = look->time_ns - acked.time_ns;
	}
}
