/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_PEERS_WIRESHARK_FLAGS_H
#define TCPWHY_PEERS_WIRESHARK_FLAGS_H

#include "peers/wireshark_stream.h"

/* One segment on its way through the rules. For wireshark*.c only. */
struct ws_look {
	struct wireshark *ws;
	struct ws_stream *stream;
	struct ws_side *forward; /* the sender's */
	struct ws_side *reverse; /* the receiver's */
	const struct segment *seg;
	struct wireshark_packet *packet; /* being filled */
	int64_t time_ns;
	uint32_t length;      /* payload, as Wireshark counts it here */
	uint16_t mptcp_kinds; /* of the MPTCP connection, before this segment */
};

/* Raise the analysis flags of one segment and move both sides' state on. */
void ws_analyse(struct ws_look *look);

#endif /* TCPWHY_PEERS_WIRESHARK_FLAGS_H */
