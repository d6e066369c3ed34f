/* SPDX-License-Identifier: BSD-2-Clause */
/* --format wireshark: one line per stream as Wireshark counts them. */
#include "report/formats.h"

static void put_side(struct json *json, const char *key, const struct wireshark_side *side)
{
	json_key(json, key);
	json_open(json, '{');
	json_key(json, "ip");
	json_address(json, &side->ip);
	json_key_u64(json, "port", side->port);
	json_key_u64(json, "packets", side->packets);
	json_key_u64(json, "payload_bytes", side->payload_bytes);
	json_key_u64(json, "syn", side->syn);
	json_key_u64(json, "synack", side->synack);
	json_key_u64(json, "fin", side->fin);
	json_key_u64(json, "rst", side->rst);
	json_close(json, '}');
}

static void put_stream(struct report *report, const struct wireshark_stream *stream)
{
	struct json *json = &report->json;

	json_open(json, '{');
	json_key_text(json, "type", "stream");
	json_key_u64(json, "stream", stream->stream);
	json_key_u64(json, "first_frame", stream->first_frame);
	json_key_u64(json, "last_frame", stream->last_frame);
	put_side(json, "a", &stream->a);
	put_side(json, "b", &stream->b);
	json_key_u64(json, "completeness", stream->completeness);
	json_key_ns(json, "initial_rtt_ns",
		    stream->irtt_known ? stream->initial_rtt_ns : TIME_NONE);
	for (unsigned i = 0; i < WIRESHARK_FLAGS; i++)
		json_key_count(json, wireshark_flag_name(i), stream->flags[i]);
	json_close(json, '}');
	json_end_line(json);
}

const struct report_ops format_wireshark = {
	.name = "wireshark",
	.help = "one JSON object per stream, in Wireshark's words",
	.needs = NEEDS_WIRESHARK,
	.stream = put_stream,
};
