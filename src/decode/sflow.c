/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/udp.h"

#define SFLOW_VERSION	  5
#define SFLOW_ADDRESS_IP4 1
#define SFLOW_ADDRESS_IP6 2

/* Formats of samples and records; the upper 20 bits would name a vendor. */
enum sflow_format {
	SFLOW_FLOW_SAMPLE = 1,
	SFLOW_FLOW_SAMPLE_EXPANDED = 3,
	SFLOW_RAW_HEADER = 1,
};

/* Fields of a flow sample before the number of its records. */
#define FLOW_SAMPLE_FIELDS	    28
#define FLOW_SAMPLE_EXPANDED_FIELDS 40

/* What a sampled header begins with. */
enum sflow_header {
	SFLOW_ETHERNET = 1,
	SFLOW_FRAME_RELAY = 4,
	SFLOW_PPP = 7,
	SFLOW_IP4 = 11,
	SFLOW_IP6 = 12,
	SFLOW_MPLS = 13,
};

static enum layer header_layer(uint32_t protocol)
{
	switch (protocol) {
	case SFLOW_ETHERNET:
		return LAYER_ETHERNET;
	case SFLOW_PPP:
		return LAYER_PPP;
	case SFLOW_IP4:
		return LAYER_IP4;
	case SFLOW_IP6:
		return LAYER_IP6;
	case SFLOW_MPLS:
		return LAYER_MPLS;
	default:
		return LAYER_DONE;
	}
}

/* A sampled header: as much of a frame as the agent keeps, and how long the frame was. */
static void raw_header_read(const struct walk *walk, struct cursor *record)
{
	struct walk inner = *walk;
	uint32_t protocol = cursor_be32(record);
	uint32_t frame_bytes = cursor_be32(record);
	uint32_t stripped = cursor_be32(record);
	uint32_t header_bytes = cursor_be32(record);

	if (record->overrun)
		return;
	cursor_limit(record, header_bytes); /* what is behind it is padding */
	inner.in = *record;
	inner.wire_bytes = frame_bytes > stripped ? frame_bytes - stripped : 0;
	if (inner.wire_bytes < cursor_left(&inner.in))
		inner.wire_bytes = (uint32_t)cursor_left(&inner.in);
	if (header_layer(protocol) == LAYER_DONE)
		walk_count(&inner, DECODE_ENCAPSULATION_UNKNOWN);
	walk_run(&inner, header_layer(protocol));
}

static void sample_read(const struct walk *walk, struct cursor *sample, uint32_t fields)
{
	uint32_t records;

	cursor_skip(sample, fields);
	records = cursor_be32(sample);
	while (records-- > 0 && cursor_left(sample) && !sample->overrun) {
		uint32_t format = cursor_be32(sample);
		struct cursor record = cursor_take(sample, cursor_be32(sample));

		if (format == SFLOW_RAW_HEADER)
			raw_header_read(walk, &record);
	}
}

/* Agent's address, agent, sequence number, uptime. Return: how many samples follow. */
static uint32_t datagram_header_read(struct cursor *in)
{
	uint32_t version = cursor_be32(in);
	uint32_t address = cursor_be32(in);

	if (version != SFLOW_VERSION)
		return 0;
	if (address != SFLOW_ADDRESS_IP4 && address != SFLOW_ADDRESS_IP6)
		return 0;
	cursor_skip(in, address == SFLOW_ADDRESS_IP4 ? 4 : 16);
	cursor_skip(in, 12);
	return cursor_be32(in);
}

/* Source: "sFlow Version 5", sflow.org, July 2004, section 5. */
enum layer sflow_decode(struct walk *walk)
{
	struct cursor in = walk->in;
	uint32_t samples = datagram_header_read(&in);

	if (samples == 0 || in.overrun)
		return walk_stop(walk, DECODE_NOT_TCP);
	walk_enter_tunnel(walk, TUNNEL_SAMPLE);
	while (samples-- > 0 && cursor_left(&in) && !in.overrun) {
		uint32_t format = cursor_be32(&in);
		struct cursor sample = cursor_take(&in, cursor_be32(&in));

		if (format == SFLOW_FLOW_SAMPLE)
			sample_read(walk, &sample, FLOW_SAMPLE_FIELDS);
		else if (format == SFLOW_FLOW_SAMPLE_EXPANDED)
			sample_read(walk, &sample, FLOW_SAMPLE_EXPANDED_FIELDS);
	}
	return LAYER_DONE;
}
