/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/checksum.h"
#include "decode/fragment.h"
#include "decode/walk.h"

#define IP4_HEADER_BYTES   20
#define IP4_DONT_FRAGMENT  0x4000
#define IP4_MORE_FRAGMENTS 0x2000
#define IP4_OFFSET	   0x1fff /* in units of 8 bytes */
#define IP4_LENGTH_PLACE   2
#define FRAGMENT_UNIT	   8

static bool header_sum_is_good(const uint8_t *header, size_t bytes)
{
	uint64_t sum =
		bytes == IP4_HEADER_BYTES ? checksum_of_20(header) : checksum_add(0, header, bytes);

	return checksum_right(sum);
}

/*
 * Bring the rest of the walk to what the total length says. A length of 0 is left by hosts that let
 * the network card cut the data into packets: then it is the rest of the frame. What an ICMP error
 * quotes is as long as it says, however little of it stands in the error.
 */
static void total_length_apply(struct walk *walk, uint32_t total, uint32_t wire_bytes)
{
	struct ip_header *ip = &walk->ip;

	ip->bytes = total;
	if (total == 0) {
		ip->what |= SEGMENT_LENGTH_ZERO;
		ip->bytes = wire_bytes;
	} else if (walk->icmp) {
		cursor_limit(&walk->in, total);
		walk->wire_bytes = total;
	} else if (total > wire_bytes) {
		ip->what |= SEGMENT_LENGTH_OVER;
	} else {
		walk_limit(walk, total);
	}
}

static void header_fill(struct ip_header *ip, const uint8_t *b)
{
	uint16_t fragment = be16_at(b + 6);

	ip->tos = b[1];
	ip->id = be16_at(b + 4);
	ip->ttl = b[8];
	ip->care_of = NULL;
	ip->what = (fragment & IP4_DONT_FRAGMENT) ? SEGMENT_DONT_FRAGMENT : 0;
	ip->src = ip_address_v4(b + 12);
	ip->dst = ip_address_v4(b + 16);
}

/* Behind the header of a fragment. @place: its flags and offset. @header_bytes: before it. */
static enum layer fragment_next(struct walk *walk, uint16_t place, uint8_t protocol,
				uint32_t header_bytes)
{
	struct fragment fragment = {
		.id = walk->ip.id,
		.offset = (uint32_t)(place & IP4_OFFSET) * FRAGMENT_UNIT,
		.more = (place & IP4_MORE_FRAGMENTS) != 0,
		.protocol = protocol,
		.header_bytes = header_bytes,
	};

	switch (fragment_take(walk, &fragment)) {
	case FRAGMENT_COMPLETE:
	case FRAGMENT_ALONE:
		return ip_protocol_next(walk, fragment.protocol);
	case FRAGMENT_KEPT:
		break;
	}
	return LAYER_DONE;
}

enum layer ip4_decode(struct walk *walk)
{
	struct cursor whole = walk->in;
	uint32_t wire_bytes = walk->wire_bytes;
	const uint8_t *b = cursor_peek(&walk->in, 0, IP4_HEADER_BYTES);
	uint32_t header_bytes, total;

	if (!b)
		return walk_stop(walk, DECODE_IP_CUT);
	header_bytes = (b[0] & 0x0fu) * 4u;
	total = be16_at(b + IP4_LENGTH_PLACE);
	if (b[0] >> 4 != 4 || header_bytes < IP4_HEADER_BYTES || (total && total < header_bytes))
		return walk_stop(walk, DECODE_IP_BAD);
	header_fill(&walk->ip, b);
	total_length_apply(walk, total, wire_bytes);
	if (!walk_skip(walk, header_bytes))
		return walk_stop(walk, DECODE_IP_CUT);

	const uint8_t *header = cursor_skip(&whole, header_bytes);

	if (header && !walk->icmp && !header_sum_is_good(header, header_bytes)) {
		walk->ip.what |= SEGMENT_IP_SUM_BAD;
		walk->decoder->stats.ip_checksum_bad++;
	}

	uint16_t place = be16_at(b + 6);

	if (place & (IP4_MORE_FRAGMENTS | IP4_OFFSET))
		return fragment_next(walk, place, b[9], header_bytes);
	return ip_protocol_next(walk, b[9]);
}
