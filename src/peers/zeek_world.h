/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_PEERS_ZEEK_WORLD_H
#define TCPWHY_PEERS_ZEEK_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "peers/zeek.h"

/*
 * Segments written by hand, and the rows that Zeek makes of them.
 *
 * segments: "time who flags number[+payload] [ack]; ...". Time in seconds; who is C
 * (10.0.0.1:40000) or S (10.0.0.2:9999; 80 and 22 are likely server ports) or X for a frame without
 * TCP; flags are letters of SFRPAU, or - for none; numbers relative to the sender's ISN, acks to
 * the other's. Words at the end: w0 window zero, bad wrong checksum, cut payload not captured,
 * tunnel N.
 *
 * rows: "who state history orig/resp-bytes orig/resp-packets missed-bytes; ..." in the order in
 * which they are written; who is the originator, * is anything, what is left out is not compared.
 */
#define HANDSHAKE "0 C S 0; 0.1 S SA 0 1; 0.2 C A 1 1; "

#define ISN_CLIENT 1000000u
#define ISN_SERVER 5000000u
#define ROW_TEXT   400

/* A client, a server, and what Zeek says of them; for tests. */
struct world {
	struct zeek *zeek;
	uint64_t frame;
	uint16_t server_port;
	uint32_t client_isn;
	char rows[64][ROW_TEXT];
	struct zeek_row last;
	unsigned count;
	bool silent; /* rows are not kept */
};

/* @port: of the server; 0 is 9999. Return: owned by the caller. */
struct world *world_new(uint16_t port, const struct zeek_options *options);
void world_free(struct world *world);

/* Add segments in the notation above. */
void world_add(struct world *world, const char *lines);

/* Fail the test unless the rows so far are those. @what: names the case */
void world_expect(const struct world *world, const char *what, const char *rows);

/* A segment from C or S (or X) with everything captured and right, no flags. */
struct segment world_segment(struct world *world, char who, double seconds);

#endif /* TCPWHY_PEERS_ZEEK_WORLD_H */
