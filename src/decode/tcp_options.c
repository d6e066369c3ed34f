/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/tcp_options.h"

#include "tcp/option.h"

#define FAST_OPEN_EXPERIMENT 0xf989 /* RFC 7413, appendix A; RFC 6994 */
#define MPTCP_RST	     8	    /* subtype MP_TCPRST */
#define SACK_BLOCK_BYTES     8

/* One option, its kind and length bytes taken off. */
struct option {
	uint8_t kind;
	size_t bytes;	      /* of the whole option */
	struct cursor inside; /* what follows kind and length */
};

/* How reading one option ended. */
enum option_result {
	OPTION_OK,
	OPTION_END,	  /* end of list, or nothing left */
	OPTION_MALFORMED, /* a length that does not fit */
};

static enum option_result option_next(struct cursor *in, struct option *option)
{
	while (cursor_left(in)) {
		uint8_t length;

		option->kind = cursor_u8(in);
		if (option->kind == TCP_OPTION_END)
			return OPTION_END;
		if (option->kind == TCP_OPTION_NOP)
			continue;
		length = cursor_u8(in);
		if (in->overrun || length < 2)
			return OPTION_MALFORMED;
		option->bytes = length;
		option->inside = cursor_take(in, length - 2u);
		return in->overrun ? OPTION_MALFORMED : OPTION_OK;
	}
	return OPTION_END;
}

static bool length_is_legal(const struct option *option)
{
	const struct tcp_option_kind *row = tcp_option_find(option->kind);

	if (row && (option->bytes < row->length_least || option->bytes > row->length_most))
		return false;
	return option->kind != TCP_OPTION_SACK || option->bytes % SACK_BLOCK_BYTES == 2;
}

/* A shared experimental kind: the two bytes that follow say whose. Source: RFC 6994. */
static unsigned experiment_bit(struct cursor inside)
{
	return cursor_be16(&inside) == FAST_OPEN_EXPERIMENT ? TCP_HAS_FAST_OPEN : TCP_HAS_UNKNOWN;
}

static void option_apply(const struct option *option, struct segment *seg)
{
	struct cursor inside = option->inside;
	unsigned bit = TCP_HAS_UNKNOWN;

	switch (option->kind) {
	case TCP_OPTION_MSS:
		bit = TCP_HAS_MSS;
		seg->mss = cursor_be16(&inside);
		break;
	case TCP_OPTION_WINDOW_SCALE:
		bit = TCP_HAS_WINDOW_SCALE;
		seg->window_scale = cursor_u8(&inside);
		break;
	case TCP_OPTION_SACK_PERMITTED:
		bit = TCP_HAS_SACK_PERMITTED;
		break;
	case TCP_OPTION_SACK:
		bit = TCP_HAS_SACK;
		break;
	case TCP_OPTION_TIMESTAMPS:
		bit = TCP_HAS_TIMESTAMPS;
		seg->tsval = cursor_be32(&inside);
		seg->tsecr = cursor_be32(&inside);
		break;
	case TCP_OPTION_MD5:
		bit = TCP_HAS_MD5;
		break;
	case TCP_OPTION_USER_TIMEOUT:
		bit = TCP_HAS_USER_TIMEOUT;
		break;
	case TCP_OPTION_AO:
		bit = TCP_HAS_AO;
		break;
	case TCP_OPTION_MPTCP:
		bit = TCP_HAS_MPTCP;
		seg->mptcp_subtypes |= (uint16_t)(1u << (cursor_u8(&inside) >> 4));
		break;
	case TCP_OPTION_FAST_OPEN:
		bit = TCP_HAS_FAST_OPEN;
		break;
	case TCP_OPTION_EXPERIMENT_1:
	case TCP_OPTION_EXPERIMENT_2:
		bit = experiment_bit(inside);
		break;
	default:
		break;
	}
	seg->options_seen |= (uint16_t)bit;
}

static void options_walk(struct cursor *in, struct segment *seg)
{
	struct option option;
	enum option_result result;

	while ((result = option_next(in, &option)) == OPTION_OK) {
		if (!length_is_legal(&option)) {
			result = OPTION_MALFORMED;
			break;
		}
		option_apply(&option, seg);
	}
	if (result == OPTION_MALFORMED)
		seg->options_seen |= TCP_HAS_MALFORMED;
}

void tcp_options_decode(struct cursor *in, struct segment *seg)
{
	seg->options_seen = 0;
	seg->mptcp_subtypes = 0;
	options_walk(in, seg);
}

/* The first option of a kind among those that were read, for options read on demand. */
static bool option_find(uint8_t kind, struct cursor *rest, struct option *option)
{
	while (option_next(rest, option) == OPTION_OK) {
		if (!length_is_legal(option))
			return false;
		if (option->kind == kind)
			return true;
	}
	return false;
}

static struct cursor options_of(const struct segment *seg)
{
	return cursor_over(seg->options, seg->options ? seg->options_bytes : 0);
}

unsigned segment_sack_blocks(const struct segment *seg,
			     struct sack_block blocks[static SACK_BLOCKS_MOST])
{
	struct cursor rest = options_of(seg);
	struct option option;
	unsigned count = 0;

	if (!(seg->options_seen & TCP_HAS_SACK) || !option_find(TCP_OPTION_SACK, &rest, &option))
		return 0;
	while (count < SACK_BLOCKS_MOST && cursor_left(&option.inside) >= SACK_BLOCK_BYTES) {
		blocks[count].left = seq_of(cursor_be32(&option.inside));
		blocks[count].right = seq_of(cursor_be32(&option.inside));
		count++;
	}
	return count;
}

int segment_mptcp_reset_reason(const struct segment *seg)
{
	struct cursor rest = options_of(seg);
	struct option option;

	if (!(seg->options_seen & TCP_HAS_MPTCP))
		return -1;
	while (option_find(TCP_OPTION_MPTCP, &rest, &option)) {
		if (cursor_u8(&option.inside) >> 4 != MPTCP_RST)
			continue;
		uint8_t reason = cursor_u8(&option.inside);

		return option.inside.overrun ? -1 : reason;
	}
	return -1;
}
