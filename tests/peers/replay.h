/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_TESTS_PEERS_REPLAY_H
#define TCPWHY_TESTS_PEERS_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "peers/wireshark.h"

/* What peers/wireshark says of every TCP header of a capture, in order. For tests. */
struct replay_row {
	uint64_t frame;
	bool quoted;   /* in an ICMP error */
	bool is_first; /* of its stream */
	struct wireshark_packet packet;
};

struct replay {
	struct replay_row *rows; /* owned */
	size_t count, room;
	unsigned *completeness; /* owned: of each stream, after its last packet */
	size_t streams;
};

/* Run a capture through source/, decode/ and peers/wireshark. Clear @replay also on failure. */
bool replay_file(struct replay *replay, const char *path, struct err *err);
void replay_clear(struct replay *replay);

#define REPLAY_TEXT 512

/* What tshark prints for -T fields, names and order as in expected.tsv of the probes. */
enum replay_column {
	REPLAY_FLAGS,
	REPLAY_COMPLETENESS, /* in one pass */
	REPLAY_STREAM,
	REPLAY_DUP_NUM,
	REPLAY_DUP_FRAME,
	REPLAY_ACKS_FRAME,
	REPLAY_ACK_RTT,
	REPLAY_IRTT,
	REPLAY_RTO,
	REPLAY_RTO_FRAME,
	REPLAY_COMPLETENESS_FINAL,
	REPLAY_COLUMNS
};
extern const char *const replay_column_names[REPLAY_COLUMNS];

/* All TCP headers of one frame as tshark shows them together; "-": nothing. */
struct replay_frame {
	bool is_first; /* of its stream */
	char column[REPLAY_COLUMNS][REPLAY_TEXT];
};
void replay_frame(const struct replay *replay, uint64_t frame, struct replay_frame *text);

/* The bits of a list of flag names ("-", or joined by "+"). */
uint32_t replay_flags(const char *text);

#endif /* TCPWHY_TESTS_PEERS_REPLAY_H */
