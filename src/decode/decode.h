/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_DECODE_DECODE_H
#define TCPWHY_DECODE_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include "tcp/frame.h"
#include "tcp/segment.h"

/* Why a frame (or a header in it) gave no TCP segment, or what was odd; names in the summary. */
enum decode_reason {
	DECODE_TCP,	     /* segments delivered (headers, not frames; without quoted ones) */
	DECODE_QUOTED,	     /* TCP headers quoted in ICMP errors, delivered */
	DECODE_NOT_IP,	     /* ARP, LLDP, spanning tree, ... */
	DECODE_NOT_TCP,	     /* UDP, ICMP without a TCP quote, OSPF, ... */
	DECODE_LINK_UNKNOWN, /* a link type that is not decoded */
	DECODE_ENCAPSULATION_UNKNOWN, /* an EtherType, PPP protocol or tunnel that is not decoded */
	DECODE_ENCRYPTED,	      /* ESP, protected 802.11 */
	DECODE_LINK_CUT,	      /* the capture ends inside the link header */
	DECODE_IP_CUT,		      /* ... inside the IP header */
	DECODE_TCP_CUT,		      /* ... fewer than 16 bytes of the TCP header */
	DECODE_IP_BAD,		      /* version, header length or total length make no sense */
	DECODE_TCP_BAD,		      /* shorter than a TCP header by the IP length */
	DECODE_FRAGMENT,	      /* an IP fragment, kept until its datagram is complete */
	DECODE_FRAGMENT_DROPPED, /* a fragment given up: table full, time out, overlap nonsense */
	DECODE_FRAGMENT_CUT,	 /* a later fragment cut by the snap length */
	DECODE_TOO_DEEP,	 /* more nested headers than DECODE_NESTING_MOST */
	DECODE_TOO_MANY,	 /* more TCP headers in a frame than SEGMENT_FRAME_MOST */
	DECODE_EMPTY,		 /* a frame of no bytes */
	DECODE_REASONS
};

#define DECODE_NESTING_MOST 16 /* headers inside headers, before a frame is called hostile */

struct decode_stats {
	uint64_t frames;		  /* looked at */
	uint64_t reasons[DECODE_REASONS]; /* how often each happened */
	uint64_t ip_checksum_bad;
	uint64_t tcp_checksum_bad;
	uint64_t tcp_checksum_partial; /* of the bad ones: left to the network card (offload) */
	uint64_t header_cut;	       /* segments with SEGMENT_HEADER_CUT */
	uint64_t payload_cut;	       /* segments with SEGMENT_PAYLOAD_CUT */
	uint64_t datagrams_reassembled;
	uint64_t fragment_overlaps; /* fragments with bytes that had come before */
};

/* Holds fragments that wait for their datagram, and the figures. One per thread. */
struct decoder;

/**
 * decoder_new() - Make a decoder
 * @fragment_bytes:  memory for fragments; 0 for the default of 4 MiB. The oldest datagram is given
 *                   up when it is full
 *
 * Return: owned by the caller; NULL: out of memory.
 */
struct decoder *decoder_new(size_t fragment_bytes);
void decoder_free(struct decoder *decoder);

/**
 * decode_frame() - Turn one frame into segments
 * @decoder:  owns reassembled datagrams until decode_batch_begin()
 * @frame:    its bytes must stay until the batch has been used
 * @batch:    gets at least one entry (see struct segment_batch); the caller leaves room for
 *            SEGMENT_FRAME_MOST entries (check with decode_batch_has_room())
 *
 * Never reads outside frame->bytes[0..captured_bytes). Reports what is on the wire, however odd.
 */
void decode_frame(struct decoder *decoder, const struct frame *frame, struct segment_batch *batch);

/* Start a batch: empties it and takes back what the last one borrowed. */
void decode_batch_begin(struct decoder *decoder, struct segment_batch *batch);

static inline int decode_batch_has_room(const struct segment_batch *batch)
{
	return batch->count + SEGMENT_FRAME_MOST <= SEGMENT_BATCH &&
	       batch->icmp_count + SEGMENT_FRAME_MOST <= SEGMENT_BATCH_ICMP;
}

/* Figures so far; borrowed, alive as long as the decoder. */
const struct decode_stats *decoder_stats(const struct decoder *decoder);

/* "not IP (ARP, LLDP, ...)" for a summary; static storage. */
const char *decode_reason_text(enum decode_reason reason);

/* "not_ip" for JSON keys; static storage. */
const char *decode_reason_key(enum decode_reason reason);

#endif /* TCPWHY_DECODE_DECODE_H */
