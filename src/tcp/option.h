/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_TCP_OPTION_H
#define TCPWHY_TCP_OPTION_H

#include <stddef.h>
#include <stdint.h>

/* TCP option kinds. Source: IANA, "TCP Option Kind Numbers". */
enum tcp_option {
	TCP_OPTION_END = 0,
	TCP_OPTION_NOP = 1,
	TCP_OPTION_MSS = 2,	       /* RFC 9293 3.7.1 */
	TCP_OPTION_WINDOW_SCALE = 3,   /* RFC 7323 2.2 */
	TCP_OPTION_SACK_PERMITTED = 4, /* RFC 2018 2 */
	TCP_OPTION_SACK = 5,	       /* RFC 2018 3 */
	TCP_OPTION_TIMESTAMPS = 8,     /* RFC 7323 3.2 */
	TCP_OPTION_MD5 = 19,	       /* RFC 2385 */
	TCP_OPTION_USER_TIMEOUT = 28,  /* RFC 5482 */
	TCP_OPTION_AO = 29,	       /* RFC 5925 */
	TCP_OPTION_MPTCP = 30,	       /* RFC 8684 */
	TCP_OPTION_FAST_OPEN = 34,     /* RFC 7413 */
	TCP_OPTION_ACCECN_0 = 172,     /* RFC 9768 */
	TCP_OPTION_ACCECN_1 = 174,
	TCP_OPTION_EXPERIMENT_1 = 253, /* RFC 6994 */
	TCP_OPTION_EXPERIMENT_2 = 254,
};

/* One row per option kind: the decoder, the notation and craft/ read it. */
struct tcp_option_kind {
	uint8_t kind;
	uint8_t length_least, length_most; /* of the whole option, bytes; 1 and 1 for END and NOP */
	const char *name;		   /* as the notation writes it: "mss", "ws", "sack" */
	const char *meaning;		   /* what it says, with its source, for people */
};

/* Find the row of a kind by its number, or by its name; NULL: unknown. Static storage. */
const struct tcp_option_kind *tcp_option_find(uint8_t kind);
const struct tcp_option_kind *tcp_option_find_name(const char *name, size_t length);

#endif /* TCPWHY_TCP_OPTION_H */
