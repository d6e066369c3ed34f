/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/pattern.h"

struct traits traits_of(const struct segment *seg, enum end from)
{
	return (struct traits){
		.from = from,
		.flags = seg->flags,
		.payload_bytes = seg->payload_bytes,
		.client_port = from == END_CLIENT ? seg->src_port : seg->dst_port,
		.server_port = from == END_CLIENT ? seg->dst_port : seg->src_port,
	};
}

bool comparison_holds(enum comparison_of of, uint64_t value, uint64_t number)
{
	switch (of) {
	case OF_NOTHING:
		return true;
	case OF_EQUAL:
		return value == number;
	case OF_NOT_EQUAL:
		return value != number;
	case OF_LESS:
		return value < number;
	case OF_AT_MOST:
		return value <= number;
	case OF_MORE:
		return value > number;
	case OF_AT_LEAST:
		break;
	}
	return value >= number;
}

static bool kind_matches(enum pattern_kind kind, const struct traits *traits)
{
	uint8_t flags = traits->flags & (TCP_SYN | TCP_FIN | TCP_RST | TCP_ACK);

	switch (kind) {
	case PATTERN_SYN:
		return (flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
	case PATTERN_SYN_ACK:
		return (flags & (TCP_SYN | TCP_ACK | TCP_RST)) == (TCP_SYN | TCP_ACK);
	case PATTERN_ACK:
		return flags == TCP_ACK && traits->payload_bytes == 0;
	case PATTERN_DATA:
		return traits->payload_bytes > 0;
	case PATTERN_FIN:
		return (flags & TCP_FIN) != 0;
	case PATTERN_RST:
		return (flags & TCP_RST) != 0;
	case PATTERN_ANY:
	case PATTERN_KINDS:
		break;
	}
	return true;
}

bool pattern_matches(const struct pattern *pattern, const struct traits *traits)
{
	if (pattern->from_said && pattern->from != traits->from)
		return false;
	if (pattern->client_port && pattern->client_port != traits->client_port)
		return false;
	if (pattern->server_port && pattern->server_port != traits->server_port)
		return false;
	return kind_matches(pattern->kind, traits) &&
	       comparison_holds(pattern->length_compare, traits->payload_bytes, pattern->length);
}

bool pattern_means(const struct pattern *pattern, uint64_t nth)
{
	return pattern->first == 0 || (nth >= pattern->first && nth <= pattern->last);
}
