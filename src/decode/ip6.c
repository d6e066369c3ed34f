/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "decode/fragment.h"
#include "decode/walk.h"

#define IP6_HEADER_BYTES 40

/*
 * Extension headers, by their protocol number. Mobility and HIP headers are not among them: nothing
 * may follow those (RFC 6275, section 6.1.1; RFC 7401, section 5.1).
 * Source: RFC 8200, section 4; IANA.
 */
enum ip6_extension {
	IP6_HOP_BY_HOP = 0,
	IP6_ROUTING = 43,
	IP6_FRAGMENT = 44,
	IP6_AUTHENTICATION = 51, /* RFC 4302, section 2 */
	IP6_DESTINATION = 60,
	IP6_SHIM6 = 140, /* RFC 5533 */
};

#define IP6_OPTION_PAD1		0
#define IP6_OPTION_JUMBO	0xc2 /* RFC 2675 */
#define IP6_OPTION_HOME_ADDRESS 0xc9 /* RFC 6275, section 6.3 */
#define ADDRESS_BYTES		16
#define IP6_SOURCE		8 /* where it stands in the header */

#define ROUTING_SOURCE	0 /* RFC 5095 forbids it, packets may still carry it */
#define ROUTING_MOBILE	2 /* RFC 6275, section 6.4 */
#define ROUTING_SEGMENT 4 /* RFC 8754, section 2 */

/* Where the walk through the extension headers stands. */
struct chain {
	uint8_t next;	      /* number of the header that the walk is at */
	uint32_t jumbo_bytes; /* of a jumbo payload option; 0 none */
	uint32_t fixed_bytes; /* IPv6 header and extension headers so far */
	enum layer after;     /* where to go on when it has ended early */
	bool ended;
	const uint8_t *header; /* borrowed: the IPv6 header */
};

static void chain_end(struct chain *chain, enum layer after)
{
	chain->ended = true;
	chain->after = after;
}

/* Options of hop-by-hop and destination headers: those that change addresses or length. */
static void options_read(struct walk *walk, struct chain *chain, struct cursor in)
{
	while (cursor_left(&in)) {
		uint8_t type = cursor_u8(&in);

		if (type == IP6_OPTION_PAD1)
			continue;

		struct cursor value = cursor_take(&in, cursor_u8(&in));

		if (value.overrun)
			return;
		if (type == IP6_OPTION_JUMBO && cursor_left(&value) == 4)
			chain->jumbo_bytes = cursor_be32(&value);
		if (type == IP6_OPTION_HOME_ADDRESS && cursor_left(&value) == ADDRESS_BYTES) {
			memcpy(walk->ip.src.bytes, cursor_skip(&value, ADDRESS_BYTES),
			       ADDRESS_BYTES);
			walk->ip.care_of = chain->header + IP6_SOURCE;
		}
	}
}

/* The address that a routing header leads to, while there are segments left. */
static void routing_read(struct walk *walk, struct cursor in)
{
	uint8_t type = cursor_u8(&in);
	uint8_t segments_left = cursor_u8(&in);
	size_t addresses;
	const uint8_t *final;

	cursor_skip(&in, 4);
	addresses = cursor_left(&in) / ADDRESS_BYTES;
	if (segments_left == 0 || segments_left > addresses)
		return;
	if (type == ROUTING_SOURCE || type == ROUTING_MOBILE)
		final = cursor_peek(&in, (addresses - 1) * ADDRESS_BYTES, ADDRESS_BYTES);
	else if (type == ROUTING_SEGMENT) /* the list stands in reverse */
		final = cursor_peek(&in, 0, ADDRESS_BYTES);
	else
		return;
	if (final)
		memcpy(walk->ip.dst.bytes, final, ADDRESS_BYTES);
}

static void fragment_read(struct walk *walk, struct chain *chain)
{
	const uint8_t *b = walk_skip(walk, 8);

	if (!b) {
		chain_end(chain, walk_stop(walk, DECODE_IP_CUT));
		return;
	}

	uint16_t place = be16_at(b + 2);
	struct fragment fragment = {
		.id = be32_at(b + 4),
		.offset = place & 0xfff8u,
		.more = (place & 1) != 0,
		.protocol = b[0],
		.header_bytes = chain->fixed_bytes,
	};

	chain->next = b[0];
	if (fragment.offset == 0 && !fragment.more) /* an atomic fragment: RFC 6946 */
		return;
	if (fragment_take(walk, &fragment) == FRAGMENT_KEPT)
		chain_end(chain, LAYER_DONE);
	chain->next = fragment.protocol;
}

/* One extension header of the usual shape: next header, length, content. */
static void extension_read(struct walk *walk, struct chain *chain)
{
	const uint8_t *start = cursor_peek(&walk->in, 0, 2);
	bool authentication = chain->next == IP6_AUTHENTICATION;
	uint32_t bytes = start ? authentication ? (start[1] + 2u) * 4u : (start[1] + 1u) * 8u : 8u;
	struct cursor inside = walk->in;
	uint8_t kind = chain->next;

	if (!walk_skip(walk, bytes)) {
		chain_end(chain, walk_stop(walk, DECODE_IP_CUT));
		return;
	}
	inside = cursor_take(&inside, bytes);
	chain->fixed_bytes += bytes;
	chain->next = cursor_u8(&inside);
	cursor_skip(&inside, 1);
	if (kind == IP6_HOP_BY_HOP || kind == IP6_DESTINATION)
		options_read(walk, chain, inside);
	else if (kind == IP6_ROUTING)
		routing_read(walk, inside);
}

/* Read the extension headers. Return: false when there is nothing behind them. */
static enum layer chain_walk(struct walk *walk, struct chain *chain)
{
	while (!chain->ended) {
		switch (chain->next) {
		case IP6_HOP_BY_HOP:
		case IP6_ROUTING:
		case IP6_AUTHENTICATION:
		case IP6_DESTINATION:
		case IP6_SHIM6:
			extension_read(walk, chain);
			break;
		case IP6_FRAGMENT:
			fragment_read(walk, chain);
			break;
		default:
			return ip_protocol_next(walk, chain->next);
		}
	}
	return chain->after;
}

/* A payload length of 0 is right only with a jumbo option, which must be the first thing. */
static uint32_t jumbo_length(struct walk *walk, uint8_t next)
{
	struct cursor in = walk->in;
	struct chain chain = { 0 };
	uint8_t length;

	if (next != IP6_HOP_BY_HOP)
		return 0;
	cursor_skip(&in, 1);
	length = cursor_u8(&in);
	options_read(walk, &chain, cursor_take(&in, length * 8u + 6u));
	return chain.jumbo_bytes > UINT16_MAX ? chain.jumbo_bytes : 0; /* RFC 2675, section 3 */
}

enum layer ip6_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, IP6_HEADER_BYTES);
	struct chain chain = { .fixed_bytes = IP6_HEADER_BYTES, .header = b };
	uint32_t payload;

	if (!b)
		return walk_stop(walk, DECODE_IP_CUT);
	if (b[0] >> 4 != 6)
		return walk_stop(walk, DECODE_IP_BAD);
	walk->ip.tos = (uint8_t)((b[0] << 4) | (b[1] >> 4));
	walk->ip.id = 0;
	walk->ip.ttl = b[7];
	walk->ip.care_of = NULL;
	walk->ip.what = SEGMENT_IPV6 | SEGMENT_DONT_FRAGMENT;
	memcpy(walk->ip.src.bytes, b + IP6_SOURCE, ADDRESS_BYTES);
	memcpy(walk->ip.dst.bytes, b + 24, ADDRESS_BYTES);

	payload = be16_at(b + 4);
	if (payload == 0)
		payload = jumbo_length(walk, b[6]);
	if (payload == 0 || payload > UINT32_MAX - IP6_HEADER_BYTES)
		return walk_stop(walk, DECODE_IP_BAD);
	walk->ip.bytes = payload + IP6_HEADER_BYTES;
	if (walk->icmp) {
		cursor_limit(&walk->in, payload);
		walk->wire_bytes = payload;
	} else if (payload > walk->wire_bytes) {
		walk->ip.what |= SEGMENT_LENGTH_OVER;
	} else {
		walk_limit(walk, payload);
	}
	chain.next = b[6];
	return chain_walk(walk, &chain);
}
