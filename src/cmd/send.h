/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_CMD_SEND_H
#define TCPWHY_CMD_SEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "craft/ends.h"
#include "craft/writer.h"
#include "lab/raw.h"
#include "report/out.h"
#include "tcp/frame.h"

/* The parts of tcpwhy send: options (cmd/send.c), the segment (cmd/send_segment.c), the sending
 * (cmd/send_exchange.c). */

#define SEND_UNSAID (-1) /* an integer or a choice that was not given */

enum send_checksum {
	SEND_SUM_GOOD,
	SEND_SUM_BAD,
	SEND_SUM_PARTIAL,
};

struct send_options {
	bool help, no_df, beyond_this_host;
	const char *src, *dst, *to; /* NULL: not given, like the strings below */
	const char *flags, *options, *payload, *payload_hex;
	const char *write, *wait;
	int64_t seq, ack, window, urgent, reserved, doff;
	int64_t payload_length;
	int64_t ttl, ip_id, tos, ip_length;
	int64_t isn, peer_isn;
	int checksum, ip_checksum; /* enum send_checksum */
};

/* The segment, crafted. */
struct send_segment {
	struct notation line;	 /* what was asked for */
	struct script_conn conn; /* its two ends */
	struct made_segment made;
	uint8_t *bytes; /* owned: the packet from its IP header on */
	size_t count;
	struct layout layout;
};

/**
 * send_segment_init() - Craft the segment that the command line describes
 * @text:     a line of the notation with or without TIME; NULL: the options say it all
 * @segment:  to be cleared whatever comes back
 * @err:      ERR_USAGE: what is said cannot be; ERR_SYSTEM: no memory
 */
bool send_segment_init(struct send_segment *segment, const struct send_options *options,
		       const char *text, struct err *err);
void send_segment_clear(struct send_segment *segment);

/* Packets of the exchange, for a capture file: the segment, then what passed. */
struct send_frames {
	struct frame *frames; /* owned, their bytes too */
	size_t count, room;
	uint64_t left_out; /* beyond SEND_FRAMES_MOST */
};

#define SEND_FRAMES_MOST 10000

bool send_frames_add(struct send_frames *list, const struct raw_packet *packet, struct err *err);
void send_frames_clear(struct send_frames *list);

/* A notation line of a packet without what a reader of headers does not look for. */
void send_put_notation(struct out *out, const struct send_segment *segment,
		       const struct segment *seg, size_t column);

/* What is sent, and who wants to know what comes of it. */
struct send_plan {
	const struct send_segment *segment;
	int64_t wait_ns;	    /* how long to listen */
	struct out *out;	    /* NULL: only frames are wanted */
	struct send_frames *frames; /* gets the segment and what passed */
};

/* Send the segment through open sockets, then tell what passes between its two ends. */
bool send_exchange(const struct raw *raw, const struct send_plan *plan, struct err *err);

#endif /* TCPWHY_CMD_SEND_H */
