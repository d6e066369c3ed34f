/* SPDX-License-Identifier: BSD-2-Clause */
#include "judge/ending.h"

const struct reset *ending_reset(const struct context *context)
{
	const struct conn *conn = context->conn;

	return conn->ending_reset < 0 ? NULL : &conn->resets[conn->ending_reset];
}

bool ending_reset_from_elsewhere(const struct reset *reset)
{
	return reset->usual_ttl && ttl_differs(reset->at.ttl, reset->usual_ttl);
}

/* The tap may see more of the peer than the resetter had received: any place from its last
   acknowledgement up to the peer's highest octet is what it may have been waiting for. Where the
   peer's packets are missing from the capture there is nothing to compare with. */
static bool acks_what_it_had(const struct conn *conn, const struct reset *reset)
{
	const struct half *peer = &conn->half[end_other((enum end)reset->at.from)];

	if (reset->ack_is_rcv_nxt || conn->quality.one_sided)
		return true;
	return seq_at_or_after(seq_of(reset->at.ack), seq_of(peer->snd_una)) &&
	       (seq_at_or_before(seq_of(reset->at.ack), seq_of(peer->snd_nxt)) ||
		conn->quality.unseen_acked > 0);
}

/* A probe or a bare ACK: nothing in it that could be lost. */
static bool carries_nothing(const struct moment *moment)
{
	return !(moment->flags & TCP_FIN) &&
	       (moment->payload_bytes == 0 || (moment->notes & NOTE_KEEPALIVE) != 0);
}

enum reset_shape ending_reset_shape(const struct context *context, const struct reset *reset,
				    bool *sure)
{
	bool measured;
	int64_t limit = context_answer_limit_ns(context, (enum end)reset->at.from, &measured);

	if (!reset->with_ack) {
		if (!reset->has_trigger || reset->at.time_ns - reset->trigger.time_ns > limit)
			return RESET_ODD;
		/* Who does not know the connection does not know its window either. */
		if (!measured || reset->at.window != 0)
			*sure = false;
		return RESET_REPLY;
	}
	if (!reset->seq_is_snd_nxt || !acks_what_it_had(context->conn, reset))
		return RESET_ODD;
	if (reset->at.window != 0 || !reset->window_was_open)
		return RESET_ABORT;
	/* What carries nothing, or was acknowledged already, asks for nothing (decision 0010). */
	return reset->has_previous && !reset->previous_acked &&
			       !carries_nothing(&reset->previous) &&
			       reset->at.time_ns - reset->previous.time_ns <= limit
		       ? RESET_REPLY_WITH_ACK
		       : RESET_ABORT;
}

bool ending_reset_confirms_half_only(const struct context *context, const struct reset *reset)
{
	const struct half *sender = &context->conn->half[reset->at.from];

	return reset->sender_sent_fin && !reset->peer_sent_fin && !reset->with_ack &&
	       reset->has_trigger && carries_nothing(&reset->trigger) &&
	       sender->closing->acked.frame != 0 &&
	       reset->trigger.time_ns - sender->closing->acked.time_ns > HALF_ONLY_NS;
}

const struct moment *ending_data_after_fin(const struct context *context, const struct reset *reset)
{
	enum end closer = (enum end)reset->at.from;
	const struct half *peer = &context->conn->half[end_other(closer)];
	const struct moment *data = &peer->last_data;
	uint64_t fin_frame = context->conn->half[closer].closing->first.frame;
	bool measured;
	int64_t limit = context_answer_limit_ns(context, closer, &measured);

	if (!reset->sender_sent_fin)
		return NULL;
	if (reset->with_ack) { /* its own ACK covers what it answers */
		if (reset->previous.payload_bytes && reset->previous.frame > fin_frame)
			return &reset->previous;
		return data->frame > fin_frame && data->frame < reset->at.frame ? data : NULL;
	}
	if (reset->has_trigger && reset->trigger.payload_bytes &&
	    !(reset->trigger.notes & NOTE_KEEPALIVE))
		return &reset->trigger;
	/* Near its sender it may stand before the FIN that it crossed. */
	if (!data->frame || data->frame > reset->at.frame ||
	    reset->at.time_ns - data->time_ns > limit ||
	    seq_before(seq_of(data->seq), seq_of(peer->snd_una)))
		return NULL;
	return data;
}

unsigned ending_repeats_unanswered(const struct conn *conn, enum end end)
{
	const struct resend_run *run = conn->half[end].resend;
	uint64_t heard = conn->half[end_other(end)].last.frame;
	unsigned before = 0;

	/* What was acknowledged already lacks no answer: the acknowledgement gets lost. */
	if (run->is_syn || run->last_frame < heard ||
	    seq_at_or_after(seq_of(conn->half[end].snd_una),
			    seq_add(seq_of(run->seq), run->payload_bytes)))
		return 0;
	while (before < run->frame_count && run->frames[before] < heard)
		before++;
	return run->repeats - before;
}

const struct probe_run *ending_probes_unanswered(const struct conn *conn, enum end end,
						 unsigned least)
{
	const struct half *half = &conn->half[end];

	if (half->keepalive->unanswered >= least)
		return half->keepalive;
	return half->window_probe->unanswered >= least ? half->window_probe : NULL;
}

void ending_weigh_pause(const struct context *context, struct verdict *out)
{
	int64_t pause = context->conn->capture_pause_ns;

	if (!pause)
		return;
	verdict_lower(out);
	verdict_value(out, "capture_pause_ns", VALUE_NS, pause);
}
