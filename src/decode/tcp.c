/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/checksum.h"
#include "decode/tcp_options.h"
#include "decode/walk.h"

#define TCP_HEADER_BYTES  20 /* without options */
#define TCP_KNOWN_BYTES	  16 /* that make a cut header worth having: up to the window */
#define TCP_QUOTED_BYTES  8  /* that an ICMP error always quotes: ports and sequence number */
#define QUOTED_BYTES_MOST UINT8_MAX

/* The checksum covers bytes that are not in this frame. */
#define SEGMENT_WITHOUT_SUM (SEGMENT_LENGTH_OVER | SEGMENT_FRAGMENT_ALONE)

static uint32_t smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static void header_fill(struct segment *seg, const uint8_t b[static TCP_HEADER_BYTES])
{
	seg->src_port = be16_at(b);
	seg->dst_port = be16_at(b + 2);
	seg->seq = seq_of(be32_at(b + 4));
	seg->ack = seq_of(be32_at(b + 8));
	seg->header_bytes = (uint8_t)((b[12] >> 4) * 4);
	seg->flags_reserved = b[12] & 0x0f;
	seg->flags = b[13];
	seg->window = be16_at(b + 14);
	seg->tcp_checksum = be16_at(b + 16);
	seg->urgent = be16_at(b + 18);
}

/* Everything that does not stand in the TCP header. */
static void context_fill(struct segment *seg, const struct walk *walk)
{
	const struct ip_header *ip = &walk->ip;

	seg->src = ip->src;
	seg->dst = ip->dst;
	seg->frame = walk->frame->number;
	seg->time_ns = walk->frame->time_ns;
	seg->ip_bytes = ip->bytes;
	seg->ip_id = ip->id;
	seg->what = ip->what;
	seg->ttl = ip->ttl;
	seg->ip_tos = ip->tos;
	seg->layer = (uint8_t)walk->decoder->headers;
	seg->plain = 0;
	seg->path = (walk->tunnel_hash << 16) | walk->vlan_hash;
	seg->encapsulation = walk->encapsulation;
	seg->icmp = walk->icmp;
	seg->care_of = ip->care_of;
	seg->options_seen = 0;
	seg->options_bytes = 0;
	seg->options = NULL;
	seg->mptcp_subtypes = 0;
	seg->mss = 0;
	seg->window_scale = 0;
	seg->tsval = 0;
	seg->tsecr = 0;
}

/* The options as far as they were captured. @in: behind the fixed header. */
static void options_fill(struct segment *seg, struct cursor *in)
{
	uint32_t wanted = seg->header_bytes - TCP_HEADER_BYTES;
	uint32_t there = smaller(wanted, (uint32_t)cursor_left(in));
	struct cursor options = cursor_take(in, there);

	seg->options = options.at;
	seg->options_bytes = (uint8_t)there;
	tcp_options_decode(&options, seg);
	if (there < wanted && !(seg->what & SEGMENT_OFFSET_LARGE)) {
		/* an option that runs into the cut is no fault of its sender */
		seg->options_seen &= (uint16_t)~TCP_HAS_MALFORMED;
		seg->options_seen |= TCP_HAS_OPTIONS_CUT;
	}
}

/* Sizes by the headers, and what of it was captured. @segment_bytes: by the IP length. */
static void payload_fill(struct segment *seg, struct cursor segment, uint32_t segment_bytes)
{
	uint32_t header_bytes = seg->header_bytes;

	seg->payload = NULL;
	seg->payload_captured = 0;
	seg->payload_bytes = segment_bytes > header_bytes ? segment_bytes - header_bytes : 0;
	if (cursor_skip(&segment, header_bytes) && cursor_left(&segment)) {
		seg->payload = segment.at;
		seg->payload_captured = (uint32_t)cursor_left(&segment);
	}
	if (seg->payload_captured < seg->payload_bytes)
		seg->what |= SEGMENT_PAYLOAD_CUT;
}

void tcp_checksum_check(struct decoder *decoder, struct segment *seg, const uint8_t *bytes,
			size_t count)
{
	struct decode_stats *stats = &decoder->stats;

	seg->what |= SEGMENT_TCP_SUM_KNOWN;
	switch (checksum_tcp(&seg->src, &seg->dst, bytes, count)) {
	case CHECKSUM_GOOD:
		return;
	case CHECKSUM_PARTIAL:
		seg->what |= SEGMENT_TCP_SUM_PARTIAL;
		stats->tcp_checksum_partial++;
		break;
	case CHECKSUM_BAD:
		break;
	}
	seg->what |= SEGMENT_TCP_SUM_BAD;
	stats->tcp_checksum_bad++;
}

/*
 * A header of which less than 20 bytes were captured: what is missing reads as zero. A quoted one
 * may end before the data offset; its length is then not known.
 */
static void cut_header_fill(struct segment *seg, struct cursor in)
{
	uint8_t header[TCP_HEADER_BYTES] = { 0 };

	for (size_t i = 0; i < TCP_HEADER_BYTES && cursor_left(&in); i++)
		header[i] = cursor_u8(&in);
	header_fill(seg, header);
}

/* Fill the rest of a segment whose fixed header is filled. @segment_bytes: by the IP length. */
static void segment_finish(struct segment *seg, struct walk *walk, uint32_t segment_bytes)
{
	struct decode_stats *stats = &walk->decoder->stats;
	struct cursor behind = walk->in;

	if (seg->header_bytes < TCP_HEADER_BYTES)
		seg->what |= SEGMENT_OFFSET_SMALL;
	else if (seg->header_bytes > segment_bytes)
		seg->what |= SEGMENT_OFFSET_LARGE;
	if (!cursor_skip(&behind, TCP_HEADER_BYTES))
		seg->what |= SEGMENT_HEADER_CUT;
	else if (seg->header_bytes > TCP_HEADER_BYTES)
		options_fill(seg, &behind);
	if (seg->options_seen & TCP_HAS_OPTIONS_CUT)
		seg->what |= SEGMENT_HEADER_CUT;
	payload_fill(seg, walk->in, segment_bytes);
	stats->header_cut += (seg->what & SEGMENT_HEADER_CUT) != 0;
	stats->payload_cut += (seg->what & SEGMENT_PAYLOAD_CUT) != 0;
}

/* A quoted header, or one that the capture cut before its 20th byte. */
static enum layer cut_decode(struct walk *walk, struct segment *seg)
{
	uint32_t captured = (uint32_t)cursor_left(&walk->in);

	cut_header_fill(seg, walk->in);
	if (!walk->icmp) {
		segment_finish(seg, walk, walk->wire_bytes);
		return walk_stop(walk, DECODE_TCP);
	}
	walk->icmp->quoted_bytes = (uint8_t)smaller(captured, QUOTED_BYTES_MOST);
	walk->icmp->cut = walk->frame->captured_bytes < walk->frame->wire_bytes;
	if (walk->icmp == &walk->batch->icmp[walk->batch->icmp_count])
		walk->batch->icmp_count++;
	seg->what |= SEGMENT_QUOTED;
	if (captured <= 12) { /* where the data offset stands */
		seg->what |= SEGMENT_HEADER_CUT;
		seg->payload_bytes = 0;
		seg->payload_captured = 0;
		seg->payload = NULL;
		walk->decoder->stats.header_cut++;
	} else {
		segment_finish(seg, walk, walk->wire_bytes);
	}
	return walk_stop(walk, DECODE_QUOTED);
}

enum layer tcp_decode(struct walk *walk)
{
	size_t captured = cursor_left(&walk->in);
	size_t wanted = walk->icmp ? TCP_QUOTED_BYTES : TCP_KNOWN_BYTES;
	struct decoder *decoder = walk->decoder;
	struct segment *seg;

	if (walk->wire_bytes < wanted)
		return walk_stop(walk, DECODE_TCP_BAD);
	if (captured < wanted)
		return walk_stop(walk, DECODE_TCP_CUT);
	if (decoder->headers == SEGMENT_FRAME_MOST)
		return walk_stop(walk, DECODE_TOO_MANY);

	seg = &walk->batch->segments[walk->batch->count++];
	context_fill(seg, walk);
	decoder->headers++;

	const uint8_t *header = cursor_peek(&walk->in, 0, TCP_HEADER_BYTES);

	if (!header || walk->icmp)
		return cut_decode(walk, seg);
	header_fill(seg, header);
	segment_finish(seg, walk, walk->wire_bytes);
	if (captured == walk->wire_bytes && !(seg->what & SEGMENT_WITHOUT_SUM))
		tcp_checksum_check(walk->decoder, seg, walk->in.at, captured);
	return walk_stop(walk, DECODE_TCP);
}
