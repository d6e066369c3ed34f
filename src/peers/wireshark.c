/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "base/time.h"
#include "peers/wireshark_flags.h"
#include "peers/wireshark_mptcp.h"
#include "peers/wireshark_options.h"
#include "tcp/option.h"

/*
 * One segment's way, in Wireshark's order: its stream, the flags, completeness, RTT, options. An
 * option therefore never decides about its own segment.
 */

/* Fewer bytes of a quoted TCP header than this are not dissected. */
#define QUOTED_LEAST	 16
/* The header without options. Source: RFC 9293, section 3.1. */
#define TCP_HEADER_LEAST 20
/* Larger shifts are taken as this one. Source: RFC 7323, section 2.3. */
#define SCALE_MOST	 14

/* tcp.completeness. */
enum ws_complete {
	WS_COMPLETE_SYN = 1,
	WS_COMPLETE_SYN_ACK = 2,
	WS_COMPLETE_ACK = 4,
	WS_COMPLETE_DATA = 8,
	WS_COMPLETE_FIN = 16,
	WS_COMPLETE_RST = 32,
};

static const char *const flag_names[] = {
	"retransmission",   "fast_retransmission", "spurious_retransmission",
	"out_of_order",	    "duplicate_ack",	   "lost_segment",
	"ack_lost_segment", "keep_alive",	   "keep_alive_ack",
	"zero_window",	    "zero_window_probe",   "zero_window_probe_ack",
	"window_full",	    "window_update",	   "reused_ports",
};
static_assert(sizeof(flag_names) / sizeof(*flag_names) == WIRESHARK_FLAGS, "a name per flag");

const char *wireshark_flag_name(unsigned bit)
{
	return bit < WIRESHARK_FLAGS ? flag_names[bit] : "";
}

struct wireshark *wireshark_new(void)
{
	struct wireshark *ws = calloc(1, sizeof(*ws));

	if (ws && ws_table_init(ws))
		return ws;
	wireshark_free(ws);
	return NULL;
}

void wireshark_free(struct wireshark *ws)
{
	if (!ws)
		return;
	ws_mptcp_free(ws);
	ws_table_free(ws);
	free(ws);
}

/* Sampled headers are treated like those quoted in an ICMP error, but count as packets. */
static bool is_sample(const struct segment *seg)
{
	return (seg->encapsulation & SEGMENT_ENCAPSULATION_SAMPLED) != 0;
}

static bool is_syn(const struct segment *seg)
{
	return (seg->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

static bool is_syn_ack(const struct segment *seg)
{
	return (seg->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK);
}

static bool is_plain_ack(const struct segment *seg)
{
	return (seg->flags & (TCP_SYN | TCP_ACK)) == TCP_ACK;
}

/* A SYN's number tells a repeat from a new stream on the same ports. */
static bool take_syn(struct wireshark *ws, const struct segment *seg, struct ws_place *place,
		     struct wireshark_packet *packet)
{
	struct ws_side *forward = &ws_stream_at(ws, place->stream)->side[place->forward];

	if (!(seg->flags & TCP_SYN) || !(forward->bits & WS_BASE_SEQ_SET))
		return true;
	if (seq_equal(seg->seq, forward->base)) {
		if (is_syn(seg))
			forward->next = forward->seen;
		return true;
	}
	packet->flags |= WS_REUSED_PORTS;
	if (is_syn_ack(seg)) {
		forward->base = seg->seq;
		return true;
	}
	if (!ws_stream_renew(ws, seg, place))
		return false;
	ws_stream_at(ws, place->stream)->completeness = WS_COMPLETE_SYN;
	return true;
}

static void base_seq_init(struct ws_look *look)
{
	const struct segment *seg = look->seg;

	if (!(look->forward->bits & WS_BASE_SEQ_SET)) {
		look->forward->base = seg->flags & TCP_SYN ? seg->seq : seq_of(seg->seq.raw - 1);
		look->forward->bits |= WS_BASE_SEQ_SET;
	}
	if (!(look->reverse->bits & WS_BASE_SEQ_SET) && (seg->flags & TCP_ACK)) {
		look->reverse->base = seq_of(seg->ack.raw - 1);
		look->reverse->bits |= WS_BASE_SEQ_SET;
	}
}

/* What a segment adds to the completeness of a stream that exists already. */
static unsigned completes(const struct ws_look *look)
{
	const struct segment *seg = look->seg;
	unsigned seen = 0;

	if (is_syn_ack(seg))
		seen |= WS_COMPLETE_SYN_ACK;
	if (is_plain_ack(seg))
		seen |= look->length ? WS_COMPLETE_DATA : WS_COMPLETE_ACK;
	if ((seg->flags & (TCP_FIN | TCP_ACK)) == (TCP_FIN | TCP_ACK))
		seen |= WS_COMPLETE_FIN;
	if (seg->flags & TCP_RST)
		seen |= WS_COMPLETE_RST;
	return seen;
}

/* In one pass a stream's first packet counts nothing but a SYN; a second pass counts it too. */
static void complete(const struct ws_look *look, bool is_new)
{
	struct ws_stream *stream = look->stream;

	if (!is_new) {
		stream->completeness |= (uint8_t)completes(look);
		return;
	}
	stream->second_pass = (uint8_t)completes(look);
	if (is_syn(look->seg))
		stream->completeness = WS_COMPLETE_SYN | (look->length ? WS_COMPLETE_DATA : 0);
}

/* The value that two passes show on the last packet; it misses the first one's own bits on it. */
static unsigned completeness_final(const struct ws_stream *stream)
{
	return stream->completeness | (stream->more ? stream->second_pass : 0u);
}

/* The initial RTT: from the newest SYN to the first plain ACK of either side. */
static void take_times(const struct ws_look *look)
{
	struct ws_stream *stream = look->stream;

	if (is_syn(look->seg))
		stream->syn_time_ns = look->time_ns;
	if (look->seg->flags & TCP_SYN)
		look->forward->bits |= WS_FIRST_ACK_DUE;
	if (!is_plain_ack(look->seg))
		return;
	look->forward->bits &= (uint8_t)~WS_FIRST_ACK_DUE;
	if (!stream->irtt_ns && stream->syn_time_ns)
		stream->irtt_ns = look->time_ns - stream->syn_time_ns;
}

/* Where the decoder's findings do not do: MPTCP, and headers that end early. */
#define OPTIONS_MATTER (TCP_HAS_MPTCP | TCP_HAS_MALFORMED | TCP_HAS_OPTIONS_CUT)

/*
 * Walk the options. In a quote that ends early Wireshark goes on after an option that is cut,
 * unless it was the snap length that cut it.
 *
 * Return: whether Wireshark gets to their end.
 */
static bool walk_options(const struct ws_look *look, unsigned sender)
{
	const struct segment *seg = look->seg;
	bool goes_on = (segment_has(seg, SEGMENT_QUOTED) && !seg->icmp->cut) || is_sample(seg);
	struct ws_options options = ws_options_of(seg);
	struct ws_option option;
	enum ws_options_step step;
	unsigned kinds = 0;

	while ((step = ws_options_next(&options, &option)) == WS_OPTIONS_ONE) {
		bool whole = option.whole;

		if (option.kind == TCP_OPTION_MPTCP) {
			const uint8_t *first = cursor_peek(&option.in, 0, 1);

			kinds |= first ? 1u << (*first >> 4) : 0;
			whole = ws_mptcp_option(look->ws, look->stream, sender, &option);
		}
		if (!whole && !goes_on)
			return false;
	}
	if (step == WS_OPTIONS_END && look->packet->shown)
		ws_mptcp_kinds_add(look->ws, look->stream, kinds);
	return step == WS_OPTIONS_END;
}

static void take_options(const struct ws_look *look, unsigned sender)
{
	const struct segment *seg = look->seg;
	struct ws_side *forward = look->forward, *reverse = look->reverse;

	if (seg->options_seen & TCP_HAS_WINDOW_SCALE)
		forward->scale =
			(int8_t)(seg->window_scale > SCALE_MOST ? SCALE_MOST : seg->window_scale);
	if ((seg->options_seen & OPTIONS_MATTER) && !walk_options(look, sender))
		look->packet->shown = false;
	if (!(seg->flags & TCP_SYN) || !look->packet->shown)
		return; /* Wireshark came no further than this */
	if (forward->scale == WS_SCALE_UNKNOWN)
		forward->scale = reverse->scale = WS_SCALE_NONE;
	else if (is_syn_ack(seg) && reverse->scale == WS_SCALE_NONE)
		forward->scale = WS_SCALE_NONE;
}

/* Does Wireshark show an analysis of the segment? With data at least the bytes in flight. */
static bool has_analysis(const struct ws_look *look)
{
	return look->packet->flags || look->packet->acks_frame || look->length;
}

/* What the stream's row counts: every captured copy, no quotes, flags only where they are shown. */
static void count(const struct ws_look *look, unsigned forward)
{
	const struct segment *seg = look->seg;
	struct ws_stream *stream = look->stream;

	if (segment_has(seg, SEGMENT_QUOTED))
		return;
	if (!stream->first_frame) {
		stream->first_frame = seg->frame;
		stream->first_side = (uint8_t)forward;
	}
	stream->last_frame = seg->frame;
	look->forward->packets++;
	look->forward->payload_bytes += look->length;
	if (segment_has(seg, SEGMENT_OFFSET_SMALL))
		return; /* Wireshark gives up before it shows the control bits */
	look->forward->syn += is_syn(seg);
	look->forward->synack += is_syn_ack(seg);
	look->forward->fin += (seg->flags & TCP_FIN) != 0;
	look->forward->rst += (seg->flags & TCP_RST) != 0;
	if (!look->packet->shown)
		return;
	stream->irtt_shown |= stream->irtt_ns && has_analysis(look);
	ws_count_flags(look->ws, stream, look->packet->flags);
}

/* The segment's length is unknown to Wireshark, so that the rules on numbers are not applied. */
#define LENGTH_UNKNOWN (SEGMENT_QUOTED | SEGMENT_OFFSET_LARGE | SEGMENT_FRAGMENT_ALONE)

static void take_segment(struct ws_look *look, const struct ws_place *place)
{
	const struct segment *seg = look->seg;

	if (!segment_has(seg, LENGTH_UNKNOWN) && !is_sample(seg)) {
		look->length = seg->payload_bytes;
		look->mptcp_kinds = ws_mptcp_kinds(look->ws, look->stream);
		base_seq_init(look);
		ws_analyse(look);
	}
	if (segment_has(seg, SEGMENT_OFFSET_SMALL))
		return;
	complete(look, place->is_new);
	take_times(look);
	take_options(look, place->forward);
}

/* Does Wireshark get past the fixed header? The options may stop it yet. */
static bool is_shown(const struct segment *seg)
{
	if (segment_has(seg, SEGMENT_OFFSET_SMALL))
		return false;
	if (segment_has(seg, SEGMENT_QUOTED))
		return seg->icmp->quoted_bytes >= TCP_HEADER_LEAST;
	return !segment_has(seg, SEGMENT_HEADER_CUT | SEGMENT_OFFSET_LARGE);
}

#define ICMP4_REDIRECT 5

/*
 * Does Wireshark read this header at all? Not in quotes that are too short or stand in a redirect,
 * and not in the first fragment of an IPv6 datagram that cannot be put together.
 */
static bool takes_part(const struct segment *seg)
{
	if (segment_has(seg, SEGMENT_NOT_TCP))
		return false;
	if (segment_has(seg, SEGMENT_FRAGMENT_ALONE) && segment_has(seg, SEGMENT_IPV6))
		return false;
	if (!segment_has(seg, SEGMENT_QUOTED))
		return true;
	return seg->icmp && seg->icmp->quoted_bytes >= QUOTED_LEAST &&
	       !(seg->icmp->version == 4 && seg->icmp->type == ICMP4_REDIRECT);
}

static bool add(struct wireshark *ws, const struct segment *seg, uint32_t hash,
		struct wireshark_packet *packet)
{
	struct ws_look look = {
		.ws = ws,
		.seg = seg,
		.packet = packet,
		.time_ns = seg->time_ns == TIME_NONE ? 0 : seg->time_ns,
	};
	struct ws_place place = ws_stream_find(ws, seg, hash);

	*packet = (struct wireshark_packet){ .shown = is_shown(seg) };
	if (!place.stream || !take_syn(ws, seg, &place, packet)) {
		ws->left_out++;
		return false;
	}
	look.stream = ws_stream_at(ws, place.stream);
	look.forward = &look.stream->side[place.forward];
	look.reverse = &look.stream->side[1 - place.forward];
	packet->stream = place.stream - 1;
	packet->completeness_before = look.stream->completeness;
	look.stream->more |= !place.is_new;
	take_segment(&look, &place);
	packet->completeness_after = completeness_final(look.stream);
	packet->initial_rtt_ns = look.stream->irtt_ns;
	count(&look, place.forward);
	return true;
}

bool wireshark_add(struct wireshark *ws, const struct segment *seg, struct wireshark_packet *packet)
{
	struct wireshark_packet unwanted;

	return takes_part(seg) &&
	       add(ws, seg, ws_stream_hash(ws, seg), packet ? packet : &unwanted);
}

/* Streams of so many segments are brought near before the first of them is taken. */
#define AHEAD 16

void wireshark_add_batch(struct wireshark *ws, const struct segment_batch *batch)
{
	uint32_t hashes[AHEAD];
	struct wireshark_packet unwanted;

	for (unsigned first = 0; first < batch->count; first += AHEAD) {
		const struct segment *segments = &batch->segments[first];
		unsigned count = batch->count - first < AHEAD ? batch->count - first : AHEAD;

		for (unsigned i = 0; i < count; i++) {
			hashes[i] = takes_part(&segments[i]) ? ws_stream_hash(ws, &segments[i]) : 0;
			ws_slot_prefetch(ws, hashes[i]);
		}
		for (unsigned i = 0; i < count; i++)
			ws_stream_prefetch(ws, hashes[i]);
		for (unsigned i = 0; i < count; i++) {
			if (takes_part(&segments[i]))
				add(ws, &segments[i], hashes[i], &unwanted);
		}
	}
}

static void side_show(const struct ws_stream *stream, unsigned side, struct wireshark_side *shown)
{
	const struct ws_side *from = &stream->side[side];

	*shown = (struct wireshark_side){
		.ip = stream->shown[side],
		.port = stream->port[side],
		.packets = from->packets,
		.payload_bytes = from->payload_bytes,
		.syn = from->syn,
		.synack = from->synack,
		.fin = from->fin,
		.rst = from->rst,
	};
}

void wireshark_streams(const struct wireshark *ws,
		       void (*found)(void *context, const struct wireshark_stream *stream),
		       void *context)
{
	for (uint32_t i = 1; i <= ws->streams.used; i++) {
		const struct ws_stream *stream = ws_stream_at(ws, i);
		struct wireshark_stream shown = {
			.stream = i - 1,
			.first_frame = stream->first_frame,
			.last_frame = stream->last_frame,
			.completeness = completeness_final(stream),
			.irtt_known = stream->irtt_shown,
			.initial_rtt_ns = stream->irtt_ns,
		};

		if (!stream->first_frame)
			continue;
		side_show(stream, stream->first_side, &shown.a);
		side_show(stream, 1 - stream->first_side, &shown.b);
		if (stream->counts) {
			const struct ws_counts *counts = pool_at(&ws->counts, stream->counts);

			memcpy(shown.flags, counts->of, sizeof(shown.flags));
		}
		found(context, &shown);
	}
}

uint64_t wireshark_left_out(const struct wireshark *ws)
{
	return ws->left_out;
}
