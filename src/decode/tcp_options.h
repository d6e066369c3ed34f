/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_DECODE_TCP_OPTIONS_H
#define TCPWHY_DECODE_TCP_OPTIONS_H

#include "base/cursor.h"
#include "tcp/segment.h"

/* A range of sequence numbers that the receiver holds out of order. Source: RFC 2018, section 3. */
struct sack_block {
	struct seq left;  /* first octet held */
	struct seq right; /* one past the last */
};

/* The layout that nearly every segment has: NOP, NOP, timestamps. Source: RFC 7323, appendix A. */
#define TCP_TIMESTAMPS_PADDED_BYTES 12
#define TCP_TIMESTAMPS_PADDED	    0x0101080au /* its first four bytes */

/* The options of Linux's SYNs, by the bytes of which all are the same: MSS, SACK permitted,
   timestamps, NOP, window scale. */
#define LINUX_SYN_BYTES	 20
#define LINUX_SYN_MSS	 0x0204	    /* first two */
#define LINUX_SYN_STAMPS 0x0402080a /* four from the fourth on */
#define LINUX_SYN_SCALE	 0x010303   /* three from the sixteenth on */

static inline bool tcp_options_linux_syn(const uint8_t *options, uint32_t bytes)
{
	return bytes == LINUX_SYN_BYTES && be16_at(options) == LINUX_SYN_MSS &&
	       be32_at(options + 4) == LINUX_SYN_STAMPS &&
	       be32_at(options + 16) >> 8 == LINUX_SYN_SCALE;
}

#define SACK_BLOCKS_MOST 4 /* that fit into 40 option bytes */

/**
 * tcp_options_decode() - Read the options of one segment
 * @in:   over exactly the captured option bytes
 * @seg:  gets options_seen and the values (mss, window_scale, tsval, tsecr, mptcp_subtypes)
 *
 * A malformed option sets TCP_HAS_MALFORMED and ends the reading; what came before it stays.
 * Source: RFC 9293 3.2, RFC 7323, 2018, 7413, 6994 (experiments), 2385, 5925, 8684, 5482.
 */
void tcp_options_decode(struct cursor *in, struct segment *seg);

/**
 * segment_sack_blocks() - Read the SACK blocks of a segment, in the order sent
 * @seg:     with TCP_HAS_SACK, its options still borrowed
 * @blocks:  filled
 *
 * Return: how many, 0 to SACK_BLOCKS_MOST. Source: RFC 2018, RFC 2883 (a first block at or below
 * the ACK, or inside the second block, reports a duplicate).
 */
unsigned segment_sack_blocks(const struct segment *seg,
			     struct sack_block blocks[static SACK_BLOCKS_MOST]);

/* The reason code of an MP_TCPRST option (RFC 8684, section 3.6), or -1 without one. */
int segment_mptcp_reset_reason(const struct segment *seg);

#endif /* TCPWHY_DECODE_TCP_OPTIONS_H */
