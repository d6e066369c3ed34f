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
	json_key_text(json, "client_state", tcp_state_name(note->states[END_CLIENT]));
	json_key_text(json, "server_state", tcp_state_name(note->states[END_SERVER]));
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
