/* SPDX-License-Identifier: BSD-2-Clause */
#include "track/straight.h"

#include <stdlib.h>

#include "track/straight_reading.h"

/*
 * Here is of every step of the input path (input.c) what is left of it when nothing is amiss, in
 * the same order, and at the end what unfold.c makes of it. Whatever is not foreseen here returns
 * false, and the connection goes the long way. short_test.c compares the records.
 */

struct straight *straight_new(void)
{
	struct straight *straight = calloc(1, sizeof(*straight));

	if (!straight)
		return NULL;
	struct conn *conn = &straight->conn;

	conn->straight = true;
	conn->direction_known = true;
	conn->opening = OPENING_SUCCEEDED;
	conn->moments = straight->moments;
	conn->resets = &straight->no_reset;
	conn->ending_reset = -1;
	conn->icmp = &straight->no_icmp;
	for (int end = 0; end < ENDS; end++) {
		struct half *half = &conn->half[end];

		half->fin = 1;
		half->isn_known = true;
		half->parameters_known = true;
		half->ttl_count = 1;
		half->has_fin = true;
		half->closing = &straight->closing[end];
		half->keepalive = &straight->no_probes;
		half->window_probe = &straight->no_probes;
		half->resend = &straight->no_resend;
		half->worst_resend = &straight->no_resend;
		half->shut = &straight->no_shut;
		half->states = straight->states[end];
		half->state_count = STATES_MOST;
		straight->closing[end].last_repeat_ns = TIME_NONE;
	}
	conn->half[END_CLIENT].syn = 1;
	conn->half[END_SERVER].synack = 1;
	return straight;
}

void straight_free(struct straight *straight)
{
	free(straight);
}

/* A moment's bits of a segment, without a branch: ten moments of each connection are kept. */
#define IPV6_SHIFT 5
static_assert((int)MOMENT_HAS_OPTIONS == 1 &&
		      (int)MOMENT_HAS_TIMESTAMPS == (int)TCP_HAS_TIMESTAMPS &&
		      MOMENT_IS_IPV6 == SEGMENT_IPV6 << IPV6_SHIFT,
	      "the same bits, or shifted");

static inline uint8_t moment_options(const struct segment *seg)
{
	return (uint8_t)((seg->options_bytes != 0) | (seg->options_seen & TCP_HAS_TIMESTAMPS) |
			 (seg->what & SEGMENT_IPV6) << IPV6_SHIFT);
}

/* The last segment of an end as a moment. */
static inline void moment_of(const struct reading *reading, enum end from, uint32_t notes,
			     struct moment *moment)
{
	const struct segment *seg = reading->segs[from];

	*moment = (struct moment){
		.frame = seg->frame,
		.time_ns = seg->time_ns,
		.seq = seg->seq.raw - reading->side[from].isn,
		.ack = seg->flags & TCP_ACK ? seg->ack.raw - reading->side[end_other(from)].isn : 0,
		.payload_bytes = seg->payload_bytes,
		.notes = notes,
		.window = seg->window,
		.ip_id = seg->ip_id,
		.flags = seg->flags,
		.from = (uint8_t)from,
		.ttl = seg->ttl,
		.options = moment_options(seg),
		.raw_ack = seg->ack.raw,
		.raw_seq = seg->seq.raw,
	};
}

static inline void moment_keep(struct reading *reading, enum end from, uint32_t notes)
{
	moment_of(reading, from, notes, &reading->out->moments[reading->moments++]);
}

static inline void state_put(struct straight *out, enum end end, unsigned at, enum tcp_state state,
			     uint64_t frame)
{
	out->states[end][at] = (struct state_entry){ .frame = frame, .state = (uint8_t)state };
}

static inline bool take_next(struct reading *reading, enum end from)
{
	return reader_take(&reading->reader) == reading->segs[from];
}

/* Packets, octets, time stamps. */
static inline void count_segment(struct reading *reading, enum end from)
{
	const struct segment *seg = reading->segs[from];
	struct side_so_far *own = &reading->side[from];
	struct half *half = &reading->out->conn.half[from];
	struct quality *quality = &reading->out->conn.quality;

	own->packets++;
	own->bytes += seg->ip_bytes;
	own->payload += seg->payload_bytes;
	own->data_packets += seg->payload_bytes != 0;
	if (segment_has(seg, SEGMENT_PAYLOAD_CUT) && !quality->cut++)
		quality->cut_frame = seg->frame;
	if (seg->options_seen & TCP_HAS_TIMESTAMPS) {
		half->last_tsval = seg->tsval;
		half->last_tsval_ns = seg->time_ns;
	}
}

static void read_parameters(struct reading *reading, enum end from)
{
	const struct segment *seg = reading->segs[from];
	int64_t first_ns = reading->out->conn.first_ns;
	struct half *half = &reading->out->conn.half[from];
	uint8_t ecn = seg->flags & (TCP_ECE | TCP_CWR);

	half->isn = seg->seq;
	half->mss = seg->options_seen & TCP_HAS_MSS ? seg->mss : -1;
	half->window_scale = -1;
	if (seg->options_seen & TCP_HAS_WINDOW_SCALE)
		half->window_scale = (int8_t)reading->side[from].scale;
	half->sack_permitted = (seg->options_seen & TCP_HAS_SACK_PERMITTED) != 0;
	half->timestamps = (seg->options_seen & TCP_HAS_TIMESTAMPS) != 0;
	half->ecn = ecn == (from == END_CLIENT ? TCP_ECE | TCP_CWR : TCP_ECE);
	half->syn_window = seg->window;
	option_kinds(seg, half->syn_option_order);
	half->ttls[0] = seg->ttl;
	half->tsval_known = half->timestamps;
	half->first_tsval = half->timestamps ? seg->tsval : 0;
	half->first_tsval_ns = first_ns;
	if (half->timestamps) /* a flow keeps microseconds */
		half->first_tsval_ns += (seg->time_ns - first_ns) / NSEC_PER_USEC * NSEC_PER_USEC;
	half->last_tsval = 0;
	half->last_tsval_ns = 0;
}

/* A SYN or SYN-ACK: where its sender's numbers begin, and what it offers. */
static bool read_syn(struct reading *reading, enum end from)
{
	const struct segment *seg = reading->segs[from];
	struct side_so_far *own = &reading->side[from];
	unsigned flags = from == END_CLIENT ? TCP_SYN : TCP_SYN | TCP_ACK;

	if ((seg->flags & ~(unsigned)(TCP_ECE | TCP_CWR)) != flags || seg->payload_bytes ||
	    (seg->options_seen & ~SYN_OPTIONS) || !seg->window)
		return false;
	*own = (struct side_so_far){
		.isn = seg->seq.raw,
		.nxt = seg->seq.raw + 1,
		.options = seg->options_seen,
		.window = seg->window,
		.mss = seg->options_seen & TCP_HAS_MSS ? seg->mss : 0,
		.scale = scale_of_syn(seg),
		.timed_ns = TIME_NONE,
		.rtt.least_us = UINT32_MAX,
	};
	read_parameters(reading, from);
	count_segment(reading, from);
	moment_keep(reading, from, 0);
	return true;
}

/* The flags, options and TTL of a segment behind the SYN are as usual. */
static inline bool ordinary(const struct reading *reading, enum end from)
{
	const struct segment *seg = reading->segs[from];
	const struct half *half = &reading->out->conn.half[from];

	if ((seg->flags & ~(unsigned)(TCP_PSH | TCP_FIN)) != TCP_ACK || !seg->window ||
	    seg->ttl != half->ttls[0] || (seg->options_seen & ~TCP_HAS_TIMESTAMPS))
		return false;
	return half->tsval_known || !seg->options_seen;
}

static bool read_handshake_ack(struct reading *reading)
{
	const struct segment *seg = reading->segs[END_CLIENT];
	struct side_so_far *client = &reading->side[END_CLIENT];
	struct side_so_far *server = &reading->side[END_SERVER];

	if (!ordinary(reading, END_CLIENT) || seg->flags != TCP_ACK || seg->payload_bytes ||
	    seg->seq.raw != client->nxt || seg->ack.raw != server->nxt)
		return false;
	if (!(client->options & server->options & TCP_HAS_WINDOW_SCALE))
		client->scale = server->scale = 0;
	client->window = (uint32_t)seg->window << client->scale;
	server->acked = seg->ack.raw;
	server->acked_ns = seg->time_ns;
	client->last_notes = NOTE_HANDSHAKE_ACK;
	count_segment(reading, END_CLIENT);
	moment_keep(reading, END_CLIENT, NOTE_HANDSHAKE_ACK);
	return true;
}

static bool read_opening_times(struct reading *reading)
{
	struct conn *conn = &reading->out->conn;

	conn->syn = reading->out->moments[0];
	conn->synack = reading->out->moments[1];
	conn->handshake_ack = conn->opened = reading->out->moments[2];
	conn->to_server_rtt_ns = conn->synack.time_ns - conn->syn.time_ns;
	conn->to_client_rtt_ns = conn->opened.time_ns - conn->synack.time_ns;
	conn->handshake_rtt_ns = conn->opened.time_ns - conn->syn.time_ns;
	reading->side[END_SERVER].answer_ns = (uint32_t)conn->to_server_rtt_ns;
	reading->side[END_CLIENT].answer_ns = (uint32_t)conn->to_client_rtt_ns;
	return conn->to_server_rtt_ns < UINT32_MAX && conn->to_client_rtt_ns < UINT32_MAX;
}

/* The three-way handshake. */
static bool read_opening(struct reading *reading)
{
	struct straight *out = reading->out;

	if (!take_next(reading, END_CLIENT) || !read_syn(reading, END_CLIENT) ||
	    !take_next(reading, END_SERVER) || !read_syn(reading, END_SERVER) ||
	    reading->segs[END_SERVER]->ack.raw != reading->side[END_CLIENT].nxt)
		return false;
	reading->side[END_CLIENT].acked = reading->side[END_CLIENT].nxt;
	reading->side[END_CLIENT].acked_ns = reading->segs[END_SERVER]->time_ns;
	if (!take_next(reading, END_CLIENT) || !read_handshake_ack(reading) ||
	    !read_opening_times(reading))
		return false;
	reading->last_ns = out->conn.opened.time_ns;
	reading->last_frame = out->conn.opened.frame;
	state_put(out, END_CLIENT, 0, STATE_SYN_SENT, out->conn.syn.frame);
	state_put(out, END_CLIENT, 1, STATE_ESTABLISHED, out->conn.synack.frame);
	state_put(out, END_SERVER, 0, STATE_SYN_RECEIVED, out->conn.syn.frame);
	state_put(out, END_SERVER, 1, STATE_ESTABLISHED, out->conn.opened.frame);
	return true;
}

/* Octets in order and within the window, or an ACK that moves on; of what was seen. */
static inline bool in_order(const struct reading *reading, enum end from)
{
	const struct segment *seg = reading->segs[from];
	const struct side_so_far *own = &reading->side[from];
	const struct side_so_far *peer = &reading->side[end_other(from)];
	struct seq end = segment_end(seg), acked = seq_of(peer->acked);

	if (seg->seq.raw != own->nxt || seq_before(seg->ack, acked) ||
	    seq_after(seg->ack, seq_of(peer->nxt)))
		return false;
	if (end.raw == own->nxt)
		return seg->ack.raw != peer->acked;
	if (own->fin || (seg->payload_bytes && peer->fin_acked))
		return false;
	return !seg->payload_bytes || seq_before(end, seq_add(seq_of(own->acked), peer->window));
}

static inline void payload_new(struct reading *reading, enum end from)
{
	const struct segment *seg = reading->segs[from];
	struct side_so_far *own = &reading->side[from];
	const struct side_so_far *peer = &reading->side[end_other(from)];
	struct quality *quality = &reading->out->conn.quality;

	if (seg->payload_bytes > own->largest_sent)
		own->largest_sent = seg->payload_bytes;
	if (own->timed_ns == TIME_NONE) {
		own->timed_end = segment_end(seg).raw;
		own->timed_ns = seg->time_ns;
	}
	if (peer->mss < SMALL_MSS || seg->payload_bytes <= peer->mss)
		return;
	if (!quality->offload++) {
		quality->offload_frame = seg->frame;
		quality->offload_end = (uint8_t)from;
	}
}

/* The peer's octets are acknowledged farther than before. */
static inline void ack_new(struct reading *reading, enum end from)
{
	const struct segment *seg = reading->segs[from];
	struct side_so_far *own = &reading->side[from];
	struct side_so_far *peer = &reading->side[end_other(from)];

	peer->acked = seg->ack.raw;
	peer->acked_ns = seg->time_ns;
	if (peer->timed_ns != TIME_NONE && seq_at_or_after(seg->ack, seq_of(peer->timed_end))) {
		int64_t sample_ns = seg->time_ns - peer->timed_ns;

		rtt_add(&own->rtt, sample_ns);
		if (segment_end(seg).raw == seg->seq.raw && peer->acked == peer->timed_end &&
		    sample_ns < own->answer_ns)
			own->answer_ns = (uint32_t)sample_ns;
		peer->timed_ns = TIME_NONE;
	}
	if (peer->acked == peer->nxt)
		peer->largest_acked = peer->largest_sent;
}

/* Return: false: the FINs crossed. */
static bool read_fin(struct reading *reading, enum end from, uint32_t notes)
{
	struct straight *out = reading->out;
	struct side_so_far *own = &reading->side[from];
	const struct side_so_far *peer = &reading->side[end_other(from)];
	struct fin *fin = &out->closing[from];
	uint64_t frame = reading->segs[from]->frame;
	enum end other = end_other(from);

	if (peer->fin && !peer->fin_acked)
		return false;
	own->fin = true;
	moment_of(reading, from, notes, &fin->first);
	fin->seq = own->nxt - 1 - own->isn;
	fin->silence_ns = reading->silence_ns;
	fin->acks_peer_fin = peer->fin;
	if (peer->fin) {
		state_put(out, from, 3, STATE_LAST_ACK, frame);
		state_put(out, other, 4, STATE_TIME_WAIT, frame);
	} else {
		out->conn.closed_first = (int8_t)from;
		state_put(out, from, 2, STATE_FIN_WAIT_1, frame);
		state_put(out, other, 2, STATE_CLOSE_WAIT, frame);
	}
	return true;
}

/* The peer's FIN is acknowledged for the first time. */
static void read_ack_of_fin(struct reading *reading, enum end from, uint32_t notes)
{
	struct straight *out = reading->out;
	enum end other = end_other(from);
	bool first = out->conn.closed_first == (int8_t)other;
	uint64_t frame = reading->segs[from]->frame;

	reading->side[other].fin_acked = true;
	moment_of(reading, from, notes, &out->closing[other].acked);
	if (first)
		state_put(out, other, 3, STATE_FIN_WAIT_2, frame);
	else
		state_put(out, other, 4, STATE_CLOSED, frame);
}

/* One segment of the open connection. Return: false: it is not straight. */
static bool read_segment(struct reading *reading, enum end from)
{
	const struct segment *seg = reading->segs[from];
	struct conn *conn = &reading->out->conn;
	struct side_so_far *own = &reading->side[from], *peer = &reading->side[end_other(from)];
	bool owed = own->nxt != own->acked || peer->nxt != peer->acked;
	bool acks_new = seg->ack.raw != peer->acked;
	uint32_t notes = 0;

	if (!ordinary(reading, from) || !in_order(reading, from))
		return false;
	reading->silence_ns = seg->time_ns - reading->last_ns;
	own->nxt = segment_end(seg).raw;
	count_segment(reading, from);
	if (seg->payload_bytes)
		payload_new(reading, from);
	if (acks_new)
		ack_new(reading, from);
	if (peer->fin && !peer->fin_acked && peer->acked == peer->nxt) {
		notes = NOTE_ACKS_FIN;
		read_ack_of_fin(reading, from, notes);
		if (seg->payload_bytes)
			return false;
	}
	own->window = (uint32_t)seg->window << own->scale;
	if ((seg->flags & TCP_FIN) && !read_fin(reading, from, notes))
		return false;
	if (reading->idle_from)
		straight_idle_answer(reading, from);
	if (seg->payload_bytes && own->last_is_data && straight_nagle_possible(reading, from))
		return false;
	if (reading->silence_ns >= STALL_LEAST_NS)
		straight_pause(reading, from, owed, acks_new);
	if (notes || (seg->flags & TCP_FIN) || (seg->payload_bytes && own->data_packets == 1))
		moment_keep(reading, from, notes);
	own->last_is_data = seg->payload_bytes != 0;
	own->last_notes = notes;
	if (seg->payload_bytes) {
		moment_of(reading, from, notes, &conn->half[from].last_data);
		if (own->data_packets == 1)
			conn->half[from].first_data = conn->half[from].last_data;
		reading->data_from = (uint8_t)(from + 1);
	}
	reading->last_ns = seg->time_ns;
	reading->last_frame = seg->frame;
	return true;
}

static void end_half(struct reading *reading, enum end end)
{
	struct half *half = &reading->out->conn.half[end];
	const struct side_so_far *side = &reading->side[end];
	const struct segment *seg = reading->segs[end];

	half->ip = seg->src;
	half->port = seg->src_port;
	half->packets = side->packets;
	half->bytes = side->bytes;
	half->payload_bytes = half->unique_bytes = side->payload;
	half->data_packets = side->data_packets;
	half->snd_una = side->acked - side->isn;
	half->snd_nxt = side->nxt - side->isn;
	half->largest_acked_bytes = side->largest_acked;
	half->rtt = rtt_told(&side->rtt);
	half->answer_least_ns = side->answer_ns;
	half->state = (enum tcp_state)reading->out->states[end][STATES_MOST - 1].state;
	moment_of(reading, end, side->last_notes, &half->last);
}

/* What the next connection may leave as it is. */
static void begin(struct reading *reading, const struct pools *pools, const struct brief *brief)
{
	struct straight *out = reading->out;
	struct conn *conn = &out->conn;
	bool client_b = brief->bits & BRIEF_CLIENT_B;

	reader_open(&reading->reader, pools, brief);
	reading->segs[END_CLIENT] = &reading->reader.segs[client_b];
	reading->segs[END_SERVER] = &reading->reader.segs[!client_b];
	reading->moments = 0;
	reading->idle_from = 0;
	reading->data_from = 0;
	conn->first_ns = reading->reader.known.last_ns;
	conn->half[END_CLIENT].first_data = conn->half[END_CLIENT].last_data = out->no_moment;
	conn->half[END_SERVER].first_data = conn->half[END_SERVER].last_data = out->no_moment;
	conn->stalls = out->no_stalls;
	conn->longest_idle_ns = 0;
	conn->longest_idle_first = conn->longest_idle_last = 0;
	conn->last_idle_ns = 0;
	conn->last_idle_frame = 0;
	conn->quality = (struct quality){ .cut = 0 };
}

static bool read_all(struct reading *reading)
{
	const struct segment *seg;

	if (!read_opening(reading))
		return false;
	while ((seg = reader_take(&reading->reader)) != NULL)
		if (!read_segment(reading,
				  seg == reading->segs[END_CLIENT] ? END_CLIENT : END_SERVER))
			return false;
	return reading->side[END_CLIENT].fin_acked && reading->side[END_SERVER].fin_acked;
}

const struct conn *straight_read(struct straight *straight, const struct pools *pools,
				 const struct brief *brief, const struct track_due *due)
{
	struct reading reading;
	struct conn *conn = &straight->conn;

	reading.out = straight;
	begin(&reading, pools, brief);
	if (!read_all(&reading))
		return NULL;
	conn->conn = conn->first_frame = brief->first_frame;
	conn->last_frame = reading.last_frame;
	conn->last_ns = reading.last_ns;
	conn->judged_ns = due->judged_ns;
	conn->judged_frame = due->judged_frame;
	conn->capture_pause_ns = due->pause_ns;
	conn->at_end = due->at_end;
	conn->ipv6 = brief->bits & BRIEF_IPV6;
	conn->moment_count = reading.moments;
	end_half(&reading, END_CLIENT);
	end_half(&reading, END_SERVER);
	conn->viewpoint = viewpoint_of(conn);
	return conn;
}
