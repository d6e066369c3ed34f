/* SPDX-License-Identifier: BSD-2-Clause */
/* tcpwhy send --to: the segment goes out, and what comes back is told. */
#include "cmd/send.h"

#include <stdlib.h>

#include "base/time.h"
#include "craft/packet.h"
#include "decode/decode.h"
#include "report/prose.h"

#define HEARD_ROOM  65536
#define NOTATION_AT 13 /* where the notation begins: behind "  +0.000052  " */
#define NO_CONNECTION                                                                              \
	"RFC 9293, section 3.10.7.1: what a host answers where there is no connection, to a "      \
	"segment "

/* What is needed while listening. */
struct listening {
	const struct send_segment *segment;
	const struct segment *sent;
	struct out *out; /* NULL: nobody reads it */
	struct decoder *decoder;
	struct segment_batch *batch;
	int64_t sent_ns;
	bool echo_seen; /* the segment itself passes too */
	uint64_t answers;
};

bool send_frames_add(struct send_frames *list, const struct raw_packet *packet, struct err *err)
{
	if (list->count == SEND_FRAMES_MOST) {
		list->left_out++;
		return true;
	}

	struct frame *frames =
		script_grow(list->frames, list->count, &list->room, sizeof(list->frames[0]), err);

	if (!frames)
		return false;
	list->frames = frames;

	uint8_t *own = malloc(packet->captured);

	if (!own)
		return err_set(err, ERR_SYSTEM, "out of memory for what was heard");
	memcpy(own, packet->bytes, packet->captured);
	frames[list->count] = (struct frame){
		.number = list->count + 1,
		.time_ns = packet->time_ns,
		.bytes = own,
		.captured_bytes = (uint32_t)packet->captured,
		.wire_bytes = (uint32_t)packet->length,
		.link_type = CRAFT_LINK_RAW,
	};
	list->count++;
	return true;
}

void send_frames_clear(struct send_frames *list)
{
	for (size_t i = 0; i < list->count; i++) {
		uint8_t *own;

		memcpy(&own, &list->frames[i].bytes, sizeof(own)); /* const for all readers */
		free(own);
	}
	free(list->frames);
	*list = (struct send_frames){ .frames = NULL };
}

static bool from_sender(const struct segment *seg, const struct segment *sent)
{
	return ip_address_equal(&seg->src, &sent->src) && ip_address_equal(&seg->dst, &sent->dst) &&
	       seg->src_port == sent->src_port && seg->dst_port == sent->dst_port;
}

static bool to_sender(const struct segment *seg, const struct segment *sent)
{
	return ip_address_equal(&seg->src, &sent->dst) && ip_address_equal(&seg->dst, &sent->src) &&
	       seg->src_port == sent->dst_port && seg->dst_port == sent->src_port;
}

static bool is_echo(const struct segment *seg, const struct segment *sent)
{
	return from_sender(seg, sent) && seg->seq.raw == sent->seq.raw &&
	       seg->ack.raw == sent->ack.raw && seg->flags == sent->flags && !seg->icmp;
}

void send_put_notation(struct out *out, const struct send_segment *segment,
		       const struct segment *seg, size_t column)
{
	bool sender = from_sender(seg, &segment->made.seg);
	bool server = segment->line.from_server == sender;
	struct seq isn = seq_of(segment->conn.ends[server].isn);
	struct seq peer = seq_of(segment->conn.ends[!server].isn);
	struct notation line;
	char printed[NOTATION_TEXT_BYTES];
	struct text text = text_over(printed, sizeof(printed));

	if ((seg->flags & TCP_RST) && seg->seq.raw == 0) /* by the notation the raw number */
		isn = seq_of(0);
	notation_of_segment(seg, isn, peer, seg->flags & TCP_RST ? 0 : -1, &line);
	line.from_server = server;
	line.said &= ~(uint32_t)(SAID_ID | SAID_TTL | SAID_NO_DF);
	if (line.tos == 0)
		line.said &= ~(uint32_t)SAID_TOS;
	if (line.option_bytes == 0)
		line.said &= ~(uint32_t)SAID_OPTIONS;
	if (seg->icmp) {
		line.said |= SAID_ICMP;
		line.icmp_type = seg->icmp->type;
		line.icmp_code = seg->icmp->code;
		line.icmp_from = seg->icmp->sender;
	}
	notation_print(&line, &text);
	prose_wrap(out, column, column, printed + strlen("0 "));
}

/* What an answer means, as far as the one segment tells. */
static const char *meaning(const struct segment *seg, const struct segment *sent)
{
	bool ack = (seg->flags & TCP_ACK) != 0;

	if (seg->icmp)
		return "an ICMP error about the segment";
	if (from_sender(seg, sent))
		return seg->flags & TCP_RST
			       ? "from this host itself: its TCP has no connection that "
				 "what came could belong to"
			       : "from this host itself";
	if ((seg->flags & TCP_RST) && ack && seg->seq.raw == 0 && !(sent->flags & TCP_ACK) &&
	    seg->ack.raw == segment_end(sent).raw)
		return NO_CONNECTION "without ACK: SEQ=0, ACK=SEG.SEQ+SEG.LEN";
	if ((seg->flags & TCP_RST) && !ack && (sent->flags & TCP_ACK) &&
	    seg->seq.raw == sent->ack.raw)
		return NO_CONNECTION "with ACK: SEQ=SEG.ACK";
	if ((seg->flags & TCP_SYN) && ack && (sent->flags & TCP_SYN) && !(sent->flags & TCP_ACK))
		return "something listens there and takes the SYN";
	if (ack && !(seg->flags & (TCP_SYN | TCP_RST)) && (sent->flags & (TCP_SYN | TCP_RST)))
		return "there is a connection with these ports: it challenges (RFC 5961)";
	return NULL;
}

static void tell(struct listening *listening, const struct segment *seg, int64_t time_ns)
{
	const char *says = meaning(seg, listening->sent);
	int64_t after_ns = time_ns - listening->sent_ns;

	listening->answers++;
	if (!listening->out)
		return;
	out_format(listening->out, "  +%.6f  ", (double)after_ns / (double)NSEC_PER_SEC);
	send_put_notation(listening->out, listening->segment, seg, NOTATION_AT);
	if (says) {
		out_spaces(listening->out, NOTATION_AT);
		prose_wrap(listening->out, NOTATION_AT, NOTATION_AT, says);
	}
	out_flush(listening->out);
}

/* Return: whether the packet is of the exchange. */
static bool look_at(struct listening *listening, const struct raw_packet *packet)
{
	const struct frame frame = {
		.number = 1,
		.time_ns = packet->time_ns,
		.bytes = packet->bytes,
		.captured_bytes = (uint32_t)packet->captured,
		.wire_bytes = (uint32_t)packet->length,
		.link_type = CRAFT_LINK_RAW,
	};
	bool ours = false;

	decode_batch_begin(listening->decoder, listening->batch);
	decode_frame(listening->decoder, &frame, listening->batch);
	for (unsigned i = 0; i < listening->batch->count; i++) {
		const struct segment *seg = &listening->batch->segments[i];

		if (segment_has(seg, SEGMENT_NOT_TCP) ||
		    (!from_sender(seg, listening->sent) && !to_sender(seg, listening->sent)))
			continue;
		if (!listening->echo_seen && is_echo(seg, listening->sent)) {
			listening->echo_seen = true;
			continue;
		}
		tell(listening, seg, packet->time_ns);
		ours = true;
	}
	return ours;
}

static bool listen_for(struct listening *listening, const struct raw *raw, int64_t until_ns,
		       struct send_frames *frames, struct err *err)
{
	struct raw_packet packet = { .bytes = malloc(HEARD_ROOM), .room = HEARD_ROOM };
	bool ok = packet.bytes != NULL;

	if (!ok)
		err_set(err, ERR_SYSTEM, "out of memory for what is heard");
	while (ok && raw_now_monotonic_ns() < until_ns) {
		ok = raw_hear(raw, until_ns, &packet, err);
		if (!ok || packet.captured == 0)
			break;
		if (look_at(listening, &packet))
			ok = send_frames_add(frames, &packet, err);
	}
	free(packet.bytes);
	return ok;
}

/* Why there was no answer, where that is known; and whether one may have been missed. */
static void tell_rest(const struct listening *listening, unsigned lost)
{
	const struct segment *sent = listening->sent;

	if (listening->answers == 0)
		out_format(listening->out, "  nothing%s\n",
			   segment_has(sent, SEGMENT_TCP_SUM_BAD)
				   ? ": the checksum is wrong, so the receiver dropped it"
			   : sent->flags & TCP_RST ? ": a reset is never answered"
						   : "");
	if (lost > 0)
		out_format(listening->out,
			   "  %u packets were lost before they could be looked at\n", lost);
}

static void announce(struct out *out, const struct segment *sent, int64_t sent_ns, int64_t wait_ns)
{
	char time[TIME_TEXT_BYTES], seconds[32];
	struct text text = text_over(seconds, sizeof(seconds));

	time_format_utc(time, sent_ns);
	text_add_seconds(&text, wait_ns);
	out_text(out, "\nSent to ");
	out_endpoint(out, &sent->dst, sent->dst_port);
	out_format(out, " at %s (UTC)\nand what passed between the two within %s s:\n", time,
		   seconds);
	out_flush(out);
}

bool send_exchange(const struct raw *raw, const struct send_plan *plan, struct err *err)
{
	const struct send_segment *segment = plan->segment;
	struct listening listening = {
		.segment = segment,
		.sent = &segment->made.seg,
		.out = plan->out,
		.decoder = decoder_new(0),
		.batch = malloc(sizeof(*listening.batch)),
		.sent_ns = raw_now_ns(),
	};
	const struct raw_packet sent = { .bytes = segment->bytes,
					 .captured = segment->count,
					 .length = segment->count,
					 .time_ns = listening.sent_ns };
	int64_t until_ns = raw_now_monotonic_ns() + plan->wait_ns;
	bool ok = listening.decoder && listening.batch;

	if (!ok)
		err_set(err, ERR_SYSTEM, "out of memory for answers");
	ok = ok && raw_send(raw, &listening.sent->dst, segment->bytes, segment->count, err) &&
	     send_frames_add(plan->frames, &sent, err);
	if (ok && plan->out)
		announce(plan->out, listening.sent, listening.sent_ns, plan->wait_ns);
	ok = ok && listen_for(&listening, raw, until_ns, plan->frames, err);
	if (ok && plan->out)
		tell_rest(&listening, raw_lost(raw));
	decoder_free(listening.decoder);
	free(listening.batch);
	return ok;
}
