/* SPDX-License-Identifier: BSD-2-Clause */
/* A captured segment as a line of the notation. */
#include "tcp/notation.h"

void notation_of_segment(const struct segment *seg, struct seq isn, struct seq peer_isn,
			 int window_shift, struct notation *out)
{
	memset(out, 0, sizeof(*out));
	out->flags = seg->flags;
	out->ae = (seg->flags_reserved & 1) != 0;
	out->seq = seg->seq.raw - isn.raw;
	out->length = seg->payload_bytes;
	if (seg->flags & TCP_ACK) {
		out->said |= SAID_ACK;
		out->ack = seg->ack.raw - peer_isn.raw;
	} else if (seg->ack.raw != 0) {
		out->said |= SAID_ABS_ACK;
		out->abs_ack = seg->ack.raw;
	}
	if (seg->flags & TCP_SYN || window_shift >= 0) {
		out->said |= SAID_WINDOW;
		out->window = (uint32_t)seg->window << (seg->flags & TCP_SYN ? 0 : window_shift);
	} else {
		out->said |= SAID_RAW_WINDOW;
		out->raw_window = seg->window;
	}
	if (seg->urgent != 0) {
		out->said |= SAID_URGENT;
		out->urgent = seg->urgent;
	}
	if (seg->flags_reserved >> 1) {
		out->said |= SAID_RESERVED;
		out->reserved = seg->flags_reserved >> 1;
	}
	out->said |= SAID_OPTIONS | SAID_TTL | SAID_ID | SAID_TOS;
	out->ttl = seg->ttl;
	out->id = seg->ip_id;
	out->tos = seg->ip_tos;
	if (!segment_has(seg, SEGMENT_DONT_FRAGMENT | SEGMENT_IPV6))
		out->said |= SAID_NO_DF;
	if (seg->options_bytes && seg->options_bytes <= NOTATION_OPTIONS_MOST) {
		out->option_bytes =
			notation_options_without_padding(seg->options, seg->options_bytes);
		memcpy(out->options, seg->options, out->option_bytes);
		notation_shift_sack(out->options, out->option_bytes, peer_isn, true);
	}
}
