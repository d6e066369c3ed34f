/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_DECODE_PLAIN_BITS_TEST_H
#define TCPWHY_DECODE_PLAIN_BITS_TEST_H

#include "base/cursor.h"
#include "decode/tcp_options.h"
#include "tcp/segment.h"

/* What the short way is to say of a segment besides (segment.plain), for tests. */
static inline uint8_t plain_bits(const struct segment *seg)
{
	uint32_t ip_bytes = segment_has(seg, SEGMENT_IPV6) ? 40 : 20;
	bool stamps = seg->options_bytes == TCP_TIMESTAMPS_PADDED_BYTES &&
		      seg->options_seen == TCP_HAS_TIMESTAMPS &&
		      be32_at(seg->options) == TCP_TIMESTAMPS_PADDED;
	bool plain = !seg->layer && !seg->encapsulation &&
		     !(seg->what & ~(SEGMENT_IPV6 | SEGMENT_PAYLOAD_CUT | SEGMENT_TCP_SUM_KNOWN |
				     SEGMENT_DONT_FRAGMENT)) &&
		     seg->header_bytes == 20 + seg->options_bytes &&
		     seg->ip_bytes == ip_bytes + seg->header_bytes + seg->payload_bytes &&
		     seg->payload_bytes <= UINT16_MAX && (stamps || !seg->options_bytes);

	return plain ? SEGMENT_PLAIN | (stamps ? SEGMENT_PLAIN_STAMPS : 0) : 0;
}

#endif /* TCPWHY_DECODE_PLAIN_BITS_TEST_H */
