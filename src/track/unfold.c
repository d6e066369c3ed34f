/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "track/tracker.h"

/*
 * From the compact form to the record. Everything here is written again for every connection, so
 * nothing needs clearing first; what is rare points at zeros that all records share.
 */

struct unfolded {
	struct conn conn;
	struct moment moments[MARKS_MOST + MARKS_PER_CHUNK];
	struct state_entry states[ENDS][STATE_ENTRIES_MOST];
	struct reset resets[RESETS_MOST];
	struct fin closing[ENDS];
	struct resend_run resend[ENDS], worst[ENDS];
	struct probe_run keepalive[ENDS], window_probe[ENDS];
	struct shut_window shut[ENDS];
};

static const struct fin no_fin;
static const struct probe_run no_probes;
static const struct resend_run no_resend;
static const struct shut_window no_shut;
static const struct stall no_stalls[STALL_KINDS];
static const struct moment no_moment;
static const struct former no_former;

struct unfolded *unfolded_new(void)
{
	return calloc(1, sizeof(struct unfolded));
}

void unfolded_free(struct unfolded *unfolded)
{
	free(unfolded);
}

static uint32_t base_of(const struct flow *flow, enum end end)
{
	return side_has(&flow->side[end], SIDE_BASE) ? flow->side[end].isn : 0;
}

static void moment_of(const struct flow *flow, const struct mark *mark, struct moment *moment)
{
	enum end from = (enum end)(mark->from & MARK_END);

	if (!mark->frame) {
		*moment = no_moment;
		return;
	}
	*moment = (struct moment){
		.frame = mark->frame,
		.time_ns = mark->ns,
		.seq = mark->seq - base_of(flow, from),
		.ack = mark->flags & TCP_ACK ? mark->ack - base_of(flow, end_other(from)) : 0,
		.payload_bytes = mark->len,
		.notes = mark->notes,
		.window = mark->window,
		.ip_id = mark->id,
		.flags = mark->flags,
		.from = (uint8_t)from,
		.ttl = mark->ttl,
		.options = mark->options,
		.raw_ack = mark->ack,
		.raw_seq = mark->seq,
	};
}

/* The moments in order, and those among them that the record names. */
static void unfold_moments(struct unfolded *out, const struct pools *pools, const struct flow *flow)
{
	struct conn *conn = &out->conn;
	unsigned count = 0;

	conn->syn = no_moment;
	conn->synack = no_moment;
	conn->handshake_ack = no_moment;
	conn->opened = no_moment;
	conn->half[END_CLIENT].first_data = no_moment;
	conn->half[END_SERVER].first_data = no_moment;
	for (uint32_t at = flow->marks_first; at;) {
		const struct mark_chunk *chunk = pool_at(&pools->marks, at);

		for (unsigned i = 0; i < chunk->count; i++) {
			const struct mark *mark = &chunk->marks[i];
			struct moment *moment = &out->moments[count++];

			moment_of(flow, mark, moment);
			if (mark->from & MARK_FIRST_SYN)
				conn->syn = *moment;
			if (mark->from & MARK_SYNACK && !conn->synack.frame)
				conn->synack = *moment;
			if ((mark->notes & NOTE_HANDSHAKE_ACK) && !conn->handshake_ack.frame)
				conn->handshake_ack = *moment;
			if (mark->from & MARK_OPENED)
				conn->opened = *moment;
			if (mark->from & MARK_FIRST_DATA)
				conn->half[moment->from].first_data = *moment;
		}
		at = chunk->next;
	}
	if (flow->phase != PHASE_UP)
		conn->opened = no_moment;
	conn->moments = out->moments;
	conn->moment_count = count;
}

static void unfold_parameters(struct half *half, const struct side *side)
{
	half->isn_known = side_has(side, SIDE_ISN);
	half->isn = seq_of(side->isn);
	half->parameters_known = side_has(side, SIDE_PARAMETERS);
	half->mss = side_has(side, SIDE_MSS) ? side->mss : -1;
	half->window_scale = -1;
	if (side_has(side, SIDE_SCALE))
		half->window_scale = (int8_t)side->scale;
	half->sack_permitted = side_has(side, SIDE_SACK);
	half->timestamps = side_has(side, SIDE_TIMESTAMPS);
	half->fast_open = side_has(side, SIDE_FAST_OPEN);
	half->mptcp = side_has(side, SIDE_MPTCP);
	half->ecn = side_has(side, SIDE_ECN);
	half->syn_window = side->syn_window;
	for (unsigned i = 0; i < sizeof(half->syn_option_order); i++)
		half->syn_option_order[i] = option_order_kind(side->option_order, i);
	memcpy(half->ttls, side->ttls, sizeof(half->ttls));
	half->ttl_count = side->ttl_count;
	if (!side->ttl_count && side->last.frame) {
		half->ttls[0] = side->last.ttl; /* resets only */
		half->ttl_count = 1;
	}
}

static void unfold_clock(struct half *half, const struct side *side, const struct flow *flow)
{
	half->tsval_known = side_has(side, SIDE_TSVAL);
	half->first_tsval = side->first_tsval;
	half->last_tsval = side->last_tsval;
	half->first_tsval_ns = flow->first_ns + side->first_tsval_us * NSEC_PER_USEC;
	half->last_tsval_ns = side->last_tsval_ns;
	half->rtt = rtt_told(&side->rtt);
	half->answer_least_ns = side->answer_ns == UINT32_MAX ? TIME_NONE : side->answer_ns;
}

static void unfold_counts(struct half *half, const struct side *side, const struct odd *odd,
			  enum end end)
{
	half->packets = side->packets;
	half->bytes = side->bytes;
	half->payload_bytes = side->payload;
	half->data_packets = side->data_packets;
	half->unique_bytes = side->payload;
	half->syn = side->syn;
	half->synack = side->synack;
	half->fin = side->fin;
	half->rst = side->rst;
	half->duplicate_acks = 0;
	half->capture_duplicates = 0;
	if (!odd)
		return;
	half->unique_bytes -= odd->loose[end];
	half->syn += odd->carried[end][0];
	half->synack += odd->carried[end][1];
	half->fin += odd->carried[end][2];
	half->rst += odd->carried[end][3];
	half->duplicate_acks = odd->duplicate_acks[end];
	half->capture_duplicates = odd->copies[end];
}

static void unfold_loss(struct unfolded *out, struct half *half, const struct loss *loss,
			enum end end, uint32_t base)
{
	static const struct loss none;

	if (!loss)
		loss = &none;
	half->resent_segments = loss->resent;
	half->resent_bytes = loss->resent_bytes;
	half->unique_bytes -= loss->resent_bytes;
	half->resent_timer = loss->timer;
	half->resent_fast = loss->fast;
	half->resent_probe = loss->probe;
	half->resent_spurious = loss->spurious;
	half->reordered_segments = loss->reordered;
	half->first_resent_frame = loss->first_resent;
	half->first_timer_frame = loss->first_timer;
	half->first_fast_frame = loss->first_fast;
	half->first_probe_frame = loss->first_probe;
	half->first_spurious_frame = loss->first_spurious;
	half->first_reordered_frame = loss->first_reordered;
	half->missing_bytes = holes_octets(loss);
	half->resend = &no_resend;
	half->worst_resend = &no_resend;
	half->smallest_stuck_bytes = 0;
	half->stuck_dont_fragment = false;
	if (!loss->resent)
		return;
	out->resend[end] = loss->run;
	out->resend[end].seq -= base;
	out->worst[end] = loss->worst;
	out->worst[end].seq -= base;
	half->resend = &out->resend[end];
	half->worst_resend = &out->worst[end];
	if (loss->run_active && loss->run.repeats >= 2 && loss->run.payload_bytes) {
		half->smallest_stuck_bytes = loss->run.payload_bytes;
		half->stuck_dont_fragment = loss->run_stuck_df;
	}
}

static void unfold_probes(struct unfolded *out, struct half *half, const struct probes *probes,
			  enum end end)
{
	half->keepalive = &no_probes;
	half->window_probe = &no_probes;
	half->shut = &no_shut;
	half->keepalive_probes = 0;
	half->window_probes = 0;
	half->zero_windows = 0;
	half->window_full = 0;
	if (!probes)
		return;
	half->keepalive_probes = probes->keepalive_count;
	half->window_probes = probes->window_count;
	half->zero_windows = probes->zero_windows;
	half->window_full = probes->window_full;
	if (probes->keepalive.total)
		half->keepalive = &probes->keepalive;
	if (probes->window.total)
		half->window_probe = &probes->window;
	if (probes->shut.spells) {
		out->shut[end] = probes->shut;
		out->shut[end].blocked_now = probes->shut.shut_now && probes->blocked;
		half->shut = &out->shut[end];
	}
}

static void unfold_fin(struct unfolded *out, const struct flow *flow, const struct closing *closing,
		       enum end end)
{
	struct half *half = &out->conn.half[end];
	const struct side *side = &flow->side[end];
	struct fin *fin = &out->closing[end];

	half->has_fin = closing != NULL && side_has(side, SIDE_FIN);
	half->closing = &no_fin;
	half->data_after_peer_fin = 0;
	half->data_after_peer_fin_acked = 0;
	half->first_data_after_peer_fin = no_moment;
	if (!closing)
		return;
	const struct closing_side *own = &closing->side[end];

	half->data_after_peer_fin = own->after;
	if (own->after_any) {
		int32_t acked = seq_distance(side_acked(side), seq_of(own->after_start));

		if (acked > 0 && side_has(side, SIDE_ACKED))
			half->data_after_peer_fin_acked =
				(uint64_t)acked < own->after ? (uint64_t)acked : own->after;
		moment_of(flow, &own->first_after, &half->first_data_after_peer_fin);
	}
	if (!half->has_fin)
		return;
	half->closing = fin;
	moment_of(flow, &own->first, &fin->first);
	moment_of(flow, &own->acked, &fin->acked);
	fin->seq = own->seq - base_of(flow, end);
	fin->repeats = own->repeats;
	fin->last_repeat_ns = own->repeats ? own->last_repeat_ns : TIME_NONE;
	fin->last_repeat_frame = own->last_repeat_frame;
	fin->last_gap_ns = own->last_gap_ns;
	fin->silence_ns = own->silence_ns;
	fin->acked_again = own->acked_again;
	fin->acked_again_frame = own->acked_again_frame;
	fin->acks_peer_fin = own->acks_peer_fin;
	fin->completes_handshake = own->completes_handshake;
}

/* Octets acknowledged beyond what was captured, and where both numbers stand. */
static void unfold_numbers(struct half *half, const struct side *side)
{
	uint32_t base = side_has(side, SIDE_BASE) ? side->isn : 0;
	bool acked = side_has(side, SIDE_ACKED);

	half->snd_una = acked ? side->acked - base : side_has(side, SIDE_NXT) ? 1 : 0;
	half->snd_nxt = side_has(side, SIDE_NXT) ? side->nxt - base : half->snd_una;
	if (acked && side_has(side, SIDE_NXT) && seq_after(side_acked(side), side_nxt(side)))
		half->missing_bytes += side->acked - side->nxt;
	else if (acked && !side_has(side, SIDE_NXT))
		half->missing_bytes += side->acked - base - 1;
	half->largest_acked_bytes = side->largest_acked;
	half->state = (enum tcp_state)side->state;
}

static void unfold_half(struct unfolded *out, const struct pools *pools, const struct flow *flow,
			enum end end)
{
	struct half *half = &out->conn.half[end];
	const struct side *side = &flow->side[end];
	const struct odd *odd = flow_odd(pools, flow);

	half->ip = *flow_ip(flow, end);
	half->port = flow_port(flow, end);
	unfold_counts(half, side, odd, end);
	unfold_parameters(half, side);
	unfold_clock(half, side, flow);
	unfold_loss(out, half, flow_loss(pools, flow, end), end, base_of(flow, end));
	unfold_probes(out, half, flow_probes(pools, flow, end), end);
	unfold_fin(out, flow, flow_closing(pools, flow), end);
	unfold_numbers(half, side);
	half->mss_used_before_icmp = odd ? odd->mss_before_icmp[end] : 0;
	half->mss_used_after_icmp = odd && odd->mss_after_icmp[end] ? side->largest_sent : 0;
	half->state_count = states_unfold(pools, flow, end, out->states[end]);
	half->states = out->states[end];
	moment_of(flow, &side->last_data, &half->last_data);
	moment_of(flow, &side->last, &half->last);
}

static void unfold_resets(struct unfolded *out, const struct pools *pools, const struct flow *flow)
{
	struct conn *conn = &out->conn;
	const struct resets *resets = flow_resets(pools, flow);

	conn->resets = out->resets;
	conn->reset_count = 0;
	conn->resets_seen = 0;
	conn->ending_reset = -1;
	if (!resets)
		return;
	conn->reset_count = resets->count;
	conn->resets_seen = resets->seen;
	conn->ending_reset = resets->ending - 1;
	for (unsigned i = 0; i < resets->count; i++) {
		const struct kept_reset *kept = &resets->reset[i];

		out->resets[i] = kept->facts;
		moment_of(flow, &kept->at, &out->resets[i].at);
		moment_of(flow, &kept->trigger, &out->resets[i].trigger);
		moment_of(flow, &kept->previous, &out->resets[i].previous);
	}
}

static enum opening opening_of(const struct flow *flow)
{
	switch ((enum phase_of)flow->phase) {
	case PHASE_MID:
		return OPENING_MID_CAPTURE;
	case PHASE_SYN:
		return OPENING_SYN_ONLY;
	case PHASE_HALF:
		return OPENING_HALF;
	case PHASE_REFUSED:
		return OPENING_REFUSED;
	case PHASE_UP:
		break;
	}
	return OPENING_SUCCEEDED;
}

static void unfold_opening(struct conn *conn, const struct flow *flow, const struct odd *odd)
{
	bool syn = conn->syn.frame && conn->synack.frame > conn->syn.frame &&
		   !flow_has(flow, FLOW_SYN_RESENT);
	bool ack = conn->synack.frame && conn->handshake_ack.frame &&
		   !flow_has(flow, FLOW_SYNACK_RESENT | FLOW_IGNORED_ACK);

	conn->opening = opening_of(flow);
	conn->simultaneous_open = flow_has(flow, FLOW_SIMULTANEOUS);
	conn->split_handshake = conn->simultaneous_open && !conn->half[END_SERVER].synack;
	conn->to_server_rtt_ns = syn ? conn->synack.time_ns - conn->syn.time_ns : TIME_NONE;
	conn->to_client_rtt_ns =
		ack ? conn->handshake_ack.time_ns - conn->synack.time_ns : TIME_NONE;
	conn->handshake_rtt_ns =
		syn && ack ? conn->handshake_ack.time_ns - conn->syn.time_ns : TIME_NONE;
	conn->syn_payload_bytes = odd ? odd->syn_payload : 0;
	conn->syn_payload_acked_bytes = 0;
	conn->syn_payload_resent_frame = odd ? odd->syn_payload_resent_frame : 0;
	if (conn->syn_payload_bytes && conn->synack.frame && conn->synack.ack > 1) {
		uint32_t acked = conn->synack.ack - 1;

		conn->syn_payload_acked_bytes =
			acked < conn->syn_payload_bytes ? acked : conn->syn_payload_bytes;
	}
}

static int8_t closed_first_of(const struct flow *flow)
{
	if (!side_has(&flow->side[END_CLIENT], SIDE_FIN) &&
	    !side_has(&flow->side[END_SERVER], SIDE_FIN))
		return -1;
	if (flow_has(flow, FLOW_CROSSED))
		return 2;
	return flow_has(flow, FLOW_FIRST_FIN_B) ? END_SERVER : END_CLIENT;
}

static bool ttl_is_initial(const struct half *half)
{
	return half->ttl_count &&
	       (half->ttls[0] == 64 || half->ttls[0] == 128 || half->ttls[0] == 255);
}

/* Source: atlas 3.0: the near end answers at once, the far one after the path's round trip. */
enum viewpoint viewpoint_of(const struct conn *conn)
{
	const int64_t client = conn->to_client_rtt_ns, server = conn->to_server_rtt_ns;
	bool client_near = ttl_is_initial(&conn->half[END_CLIENT]);
	bool server_near = ttl_is_initial(&conn->half[END_SERVER]);

	if (conn->quality.offload)
		return conn->quality.offload_end == END_CLIENT ? VIEW_CLIENT : VIEW_SERVER;
	if (client_near != server_near)
		return client_near ? VIEW_CLIENT : VIEW_SERVER;
	if (client == TIME_NONE || server == TIME_NONE || client < 0 || server < 0)
		return VIEW_UNKNOWN;
	if (client < server / 10)
		return VIEW_CLIENT;
	if (server < client / 10)
		return VIEW_SERVER;
	return client_near || client + server < NSEC_PER_MSEC ? VIEW_UNKNOWN : VIEW_MIDDLE;
}

static void unfold_silent_end(struct quality *quality, const struct conn *conn,
			      const struct flow *flow)
{
	quality->one_sided = false;
	quality->silent_end = 0;
	for (int end = 0; end < ENDS; end++) {
		const struct half *half = &conn->half[end];

		if (half->packets == 0 && half->snd_una > 1 && conn->half[1 - end].packets > 1 &&
		    side_has(&flow->side[end], SIDE_ACKED)) {
			quality->one_sided = true;
			quality->silent_end = (uint8_t)end;
		}
	}
}

static void unfold_quality(struct conn *conn, const struct flow *flow, const struct odd *odd)
{
	static const struct odd none;
	struct quality *quality = &conn->quality;

	if (!odd)
		odd = &none;
	quality->mid_stream = !flow_has(flow, FLOW_DIRECTION);
	quality->no_syn = flow_has(flow, FLOW_NO_SYN);
	unfold_silent_end(quality, conn, flow);
	quality->unseen_acked = odd->unseen_acked;
	quality->unseen_acked_frame = odd->unseen_acked_frame;
	quality->copies = odd->copies[END_CLIENT] + odd->copies[END_SERVER];
	quality->copies_frame = odd->copies_frame;
	quality->time_back = odd->time_back;
	quality->time_back_frame = odd->time_back_frame;
	quality->cut = flow->cut;
	quality->cut_frame = flow->cut ? flow->first_frame + flow->cut_after : 0;
	quality->offload = flow->offload;
	quality->offload_frame = flow->offload ? flow->first_frame + flow->offload_after : 0;
	quality->offload_end = flow->offload_end;
	quality->checksum_bad = odd->checksum_bad;
	quality->checksum_bad_frame = odd->checksum_bad_frame;
	quality->two_paths = flow_has(flow, FLOW_TWO_PATHS);
	quality->evicted = flow_has(flow, FLOW_EVICTED);
	quality->moments_dropped = odd->marks_dropped;
	quality->states_dropped = odd->states_dropped;
	quality->ranges_dropped = odd->ranges_dropped;
}

static void unfold_odd(struct conn *conn, const struct flow *flow, const struct odd *odd)
{
	static const struct odd none;

	if (!odd)
		odd = &none;
	conn->icmp = odd->icmp;
	conn->icmp_count = odd->icmp_count;
	conn->icmp_seen = odd->icmp_seen;
	conn->challenge_acks = odd->challenge_acks;
	conn->challenge_frame = odd->challenge_frame;
	conn->challenged_frame = odd->challenge_acks ? odd->challenged_frame : 0;
	conn->illegal_flags = odd->illegal;
	conn->illegal_frame = odd->illegal_frame;
	conn->illegal_flag_bits = odd->illegal_bits;
	conn->syn_inside = odd->syn_inside;
	conn->syn_inside_frame = odd->syn_inside ? odd->syn_inside_frame : 0;
	conn->replaced = flow_has(flow, FLOW_REPLACED);
	conn->replaced_by = odd->replaced_by;
	conn->restarted_by_client = flow_has(flow, FLOW_RESTARTED);
	conn->time_wait_killed_frame = odd->time_wait_killed;
	conn->continues = odd->continues;
	conn->former = odd->former.known ? odd->former : no_former;
}

static void unfold_pauses(struct conn *conn, const struct stalls *stalls)
{
	conn->stalls = stalls ? stalls->stall : no_stalls;
	conn->longest_idle_ns = stalls ? stalls->longest_idle_ns : 0;
	conn->longest_idle_first = stalls ? stalls->longest_first : 0;
	conn->longest_idle_last = stalls ? stalls->longest_last : 0;
	conn->last_idle_ns = stalls ? stalls->last_idle_ns : 0;
	conn->last_idle_frame = stalls ? stalls->last_idle_frame : 0;
}

const struct conn *unfold(struct unfolded *out, const struct pools *pools, const struct flow *flow,
			  const struct track_due *due)
{
	struct conn *conn = &out->conn;
	const struct odd *odd = flow_odd(pools, flow);
	uint64_t client_last = flow->side[END_CLIENT].last.frame;
	uint64_t server_last = flow->side[END_SERVER].last.frame;

	conn->conn = flow->first_frame;
	conn->layer = flow->layer;
	conn->first_frame = flow->first_frame;
	conn->last_frame = client_last > server_last ? client_last : server_last;
	conn->first_ns = flow->first_ns;
	conn->last_ns = flow->last_ns;
	conn->judged_ns = due->judged_ns;
	conn->capture_pause_ns = due->pause_ns;
	conn->judged_frame = due->judged_frame;
	conn->at_end = due->at_end;
	conn->direction_known = flow_has(flow, FLOW_DIRECTION);
	conn->ipv6 = !ip_address_is_v4(&flow->tuple.ip_b);
	unfold_moments(out, pools, flow);
	unfold_half(out, pools, flow, END_CLIENT);
	unfold_half(out, pools, flow, END_SERVER);
	unfold_opening(conn, flow, odd);
	unfold_resets(out, pools, flow);
	conn->closed_first = closed_first_of(flow);
	unfold_pauses(conn, flow_stalls(pools, flow));
	unfold_odd(conn, flow, odd);
	unfold_quality(conn, flow, odd);
	conn->viewpoint = viewpoint_of(conn);
	return conn;
}
