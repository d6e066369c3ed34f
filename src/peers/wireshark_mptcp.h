/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_PEERS_WIRESHARK_MPTCP_H
#define TCPWHY_PEERS_WIRESHARK_MPTCP_H

#include "peers/wireshark_options.h"
#include "peers/wireshark_stream.h"

/*
 * What Wireshark knows of an MPTCP connection, as far as it decides about duplicate ACKs: which
 * kinds of option it has seen on any of its subflows, and which keys (tokens) lead to it.
 * For wireshark*.c only.
 */
struct ws_mptcp {
	uint16_t kinds;	   /* bit n: an option of subtype n, up to WS_MPTCP_KINDS */
	bool has_token[2]; /* of its two ends */
	bool has_key[2];
};

/* Option kinds that are followed; Wireshark forgets those above (such as MP_TCPRST). */
#define WS_MPTCP_KINDS 0x00ff

/* The option kinds of a stream's connection; 0 without one. */
uint16_t ws_mptcp_kinds(const struct wireshark *ws, const struct ws_stream *stream);

/**
 * ws_mptcp_option() - Take one MPTCP option
 * @stream:   the segment's
 * @forward:  side of the sender
 * @option:   its cursor moves
 *
 * Return: false where Wireshark goes no further: the option is cut (the keys that are there count
 * all the same), or it fails an assertion of its own.
 */
bool ws_mptcp_option(struct wireshark *ws, struct ws_stream *stream, unsigned forward,
		     struct ws_option *option);

/* The option kinds (bit n: subtype n) of a segment whose end Wireshark reached. */
void ws_mptcp_kinds_add(struct wireshark *ws, const struct ws_stream *stream, unsigned kinds);

void ws_mptcp_free(struct wireshark *ws);

#endif /* TCPWHY_PEERS_WIRESHARK_MPTCP_H */
