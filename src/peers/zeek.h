/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_PEERS_ZEEK_H
#define TCPWHY_PEERS_ZEEK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tcp/segment.h"

/*
 * The same segments as rows of Zeek's conn.log, timers and quirks included. A faithful re-telling
 * with a table of its own; what we hold to be true stands in track/.
 */
struct zeek;

struct zeek_options {
	bool checksums; /* look at checksums, as Zeek does by default; false is "zeek -C" */
	const uint16_t *server_ports; /* likely server ports; NULL: Zeek's default list */
	size_t server_port_count;     /* with server_ports; 0 and not NULL: none */
};

#define ZEEK_HISTORY_BYTES 256

struct zeek_row {
	uint64_t first_frame; /* of the row's first segment */
	int64_t start_ns;     /* cut to microseconds, as libpcap does */
	int64_t duration_ns;
	struct ip_address orig_ip, resp_ip;
	uint16_t orig_port, resp_port;
	bool has_duration;		  /* duration and bytes are "-" without */
	uint8_t first_layer;		  /* of the row's first segment, as segment.layer */
	const char *state;		  /* conn_state; static storage */
	char history[ZEEK_HISTORY_BYTES]; /* "" is "-" */
	uint64_t orig_bytes, resp_bytes, missed_bytes;
	uint64_t orig_packets, orig_ip_bytes, resp_packets, resp_ip_bytes;
};

struct zeek_sink {
	void *context;						/* borrowed */
	void (*row)(void *context, const struct zeek_row *row); /* in Zeek's order of removal */
};

/* What did not fit into memory; all zero in any ordinary run. */
struct zeek_stats {
	uint64_t segments_lost; /* not analysed: no memory */
	uint64_t ranges_lost;	/* ends whose payload is no longer followed: too many holes */
	uint64_t letters_lost;	/* left out of histories of ZEEK_HISTORY_BYTES - 1 letters */
};

/* Return: owned by the caller; NULL: out of memory. @options NULL: all defaults, no checksums. */
struct zeek *zeek_new(const struct zeek_options *options, const struct zeek_sink *sink);

/* Take one entry of a batch, in order; SEGMENT_NOT_TCP moves the clock. Quoted ones count for
   nothing: the packet that carries the quote has moved the clock like any other. */
void zeek_add(struct zeek *zeek, const struct segment *seg);

/* The same for all entries of a batch, in order, and faster. */
void zeek_add_batch(struct zeek *zeek, const struct segment_batch *batch);

/* The input ended: remaining rows are written as they stand: those that only wait for an answer to
   their SYN first, as Zeek has it, the rest (where Zeek has no order) by their first segment. */
void zeek_finish(struct zeek *zeek);

/* How many rows are being made. */
size_t zeek_live(const struct zeek *zeek);

/* Borrowed; alive as long as @zeek. */
const struct zeek_stats *zeek_stats(const struct zeek *zeek);

void zeek_free(struct zeek *zeek);

#endif /* TCPWHY_PEERS_ZEEK_H */
