/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/walk.h"

#define ICMP_HEADER_BYTES 8

/* Errors that quote the packet they are about. Source: RFC 792; RFC 1812, section 4.3.2.3. */
enum icmp4_type {
	ICMP4_UNREACHABLE = 3,
	ICMP4_SOURCE_QUENCH = 4,
	ICMP4_REDIRECT = 5,
	ICMP4_TIME_EXCEEDED = 11,
	ICMP4_PARAMETER = 12,
};
#define ICMP4_FRAGMENTATION_NEEDED 4 /* code of ICMP4_UNREACHABLE; RFC 1191, section 4 */

/* Source: RFC 4443, section 3. */
enum icmp6_type {
	ICMP6_UNREACHABLE = 1,
	ICMP6_TOO_BIG = 2,
	ICMP6_TIME_EXCEEDED = 3,
	ICMP6_PARAMETER = 4,
};

/* Start the quote of an error. @b: its header. @quote_bytes: as RFC 4884 gives it; 0 unknown. */
static enum layer quote_begin(struct walk *walk, const uint8_t b[static ICMP_HEADER_BYTES],
			      uint32_t quote_bytes)
{
	struct segment_batch *batch = walk->batch;
	struct icmp_error *error;

	if (walk->icmp) /* no error is sent about an error: RFC 1122, section 3.2.2 */
		return walk_stop(walk, DECODE_NOT_TCP);
	if (batch->icmp_count == SEGMENT_BATCH_ICMP)
		return walk_stop(walk, DECODE_TOO_MANY);
	error = &batch->icmp[batch->icmp_count]; /* counted when a segment points to it */
	*error = (struct icmp_error){
		.sender = walk->ip.src,
		.target = walk->ip.dst,
		.type = b[0],
		.code = b[1],
		.ttl = walk->ip.ttl,
	};
	walk->icmp = error;
	if (quote_bytes)
		walk_limit(walk, quote_bytes);
	return LAYER_IP;
}

enum layer icmp4_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, ICMP_HEADER_BYTES);
	enum layer next;

	if (!b)
		return walk_stop(walk, DECODE_NOT_TCP);
	switch (b[0]) {
	case ICMP4_UNREACHABLE:
	case ICMP4_SOURCE_QUENCH:
	case ICMP4_REDIRECT:
	case ICMP4_TIME_EXCEEDED:
	case ICMP4_PARAMETER:
		break;
	default:
		return walk_stop(walk, DECODE_NOT_TCP);
	}
	next = quote_begin(walk, b, b[0] == ICMP4_REDIRECT ? 0 : b[5] * 4u);
	if (next == LAYER_DONE)
		return LAYER_DONE;
	walk->icmp->version = 4;
	if (b[0] == ICMP4_UNREACHABLE && b[1] == ICMP4_FRAGMENTATION_NEEDED)
		walk->icmp->mtu_bytes = be16_at(b + 6);
	return next;
}

enum layer icmp6_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, ICMP_HEADER_BYTES);
	enum layer next;

	if (!b || b[0] < ICMP6_UNREACHABLE || b[0] > ICMP6_PARAMETER)
		return walk_stop(walk, DECODE_NOT_TCP);
	next = quote_begin(
		walk, b, b[0] == ICMP6_UNREACHABLE || b[0] == ICMP6_TIME_EXCEEDED ? b[4] * 8u : 0);
	if (next == LAYER_DONE)
		return LAYER_DONE;
	walk->icmp->version = 6;
	if (b[0] == ICMP6_TOO_BIG)
		walk->icmp->mtu_bytes = be32_at(b + 4);
	return next;
}
