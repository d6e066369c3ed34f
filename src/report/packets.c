/* SPDX-License-Identifier: BSD-2-Clause */
/* --format packets: one line per TCP segment, as the tracker sees it at that moment. */
#include "report/formats.h"

#include "tcp/notation.h"
#include "track/note.h"

static void put_notes(struct json *json, uint32_t notes)
{
	json_key(json, "notes");
	json_open(json, '[');
	for (unsigned bit = 0; bit < NOTE_COUNT; bit++)
		if (notes & (UINT32_C(1) << bit))
			json_text(json, note_name(bit));
	json_close(json, ']');
}

static void put_wireshark(struct json *json, const struct wireshark_packet *packet)
{
	json_key(json, "wireshark");
	json_open(json, '{');
	json_key_u64(json, "stream", packet->stream);
	json_key(json, "analysis");
	json_open(json, '[');
	for (unsigned bit = 0; bit < WIRESHARK_FLAGS && packet->shown; bit++)
		if (packet->flags & (UINT32_C(1) << bit))
			json_text(json, wireshark_flag_name(bit));
	json_close(json, ']');
	json_key_u64(json, "completeness", packet->completeness_before);
	json_close(json, '}');
}

/*
 * The state after the frame, as far as the tracker knows it then. A SYN moves an end of which
 * nothing was seen to SYN_RECEIVED, provisionally: its answer may show that nothing listens there.
 */
static void put_state(struct json *json, const char *key, const struct segment *seg,
		      const struct track_note *note, enum end end)
{
	enum tcp_state state = note->states[end];
	uint8_t opening = seg->flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN);

	if (state == STATE_UNKNOWN && opening == TCP_SYN && note->from != end &&
	    !segment_has(seg, SEGMENT_QUOTED))
		state = STATE_SYN_RECEIVED;
	json_key_text(json, key, state == STATE_UNKNOWN ? NULL : tcp_state_name(state));
}

static void put_segment(struct report *report, const struct segment *seg,
			const struct track_note *note, const struct wireshark_packet *packet)
{
	struct json *json = &report->json;
	bool absolute = report->options.absolute;
	char flags[16];
	struct text flags_text = text_over(flags, sizeof(flags));

	if (report->choosing && note->conn != report->chosen)
		return;
	notation_print_flags(seg->flags, seg->flags_reserved & 1, &flags_text);
	json_open(json, '{');
	json_key_text(json, "type", "packet");
	json_key_u64(json, "frame", seg->frame);
	json_key_u64(json, "layer", seg->layer);
	if (note->conn)
		json_key_u64(json, "conn", note->conn);
	else
		json_key_null(json, "conn");
	json_key_moment(json, "time", "time_ns", seg->time_ns);
	json_key_text(json, "from", note->from == END_CLIENT ? "client" : "server");
	json_key_text(json, "flags", flags);
	json_key_u64(json, "seq", absolute ? seg->seq.raw : note->seq);
	if (seg->flags & TCP_ACK)
		json_key_u64(json, "ack", absolute ? seg->ack.raw : note->ack);
	else
		json_key_null(json, "ack");
	json_key_u64(json, "len", seg->payload_bytes);
	json_key_u64(json, "window", seg->window);
	put_notes(json, note->notes);
	put_state(json, "client_state", seg, note, END_CLIENT);
	put_state(json, "server_state", seg, note, END_SERVER);
	if (segment_has(seg, SEGMENT_QUOTED))
		json_key_bool(json, "quoted", true);
	if (packet)
		put_wireshark(json, packet);
	json_close(json, '}');
	json_end_line(json);
}

const struct report_ops format_packets = {
	.name = "packets",
	.help = "one JSON object per TCP segment",
	.needs = NEEDS_SEGMENTS,
	.segment = put_segment,
};
