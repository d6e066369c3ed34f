/* SPDX-License-Identifier: BSD-2-Clause */
#include "tcp/option.h"

#include <string.h>

static const struct tcp_option_kind kinds[] = {
	[TCP_OPTION_END] = { TCP_OPTION_END, 1, 1, "eol",
			     "end of option list (RFC 9293, section 3.1)" },
	[TCP_OPTION_NOP] = { TCP_OPTION_NOP, 1, 1, "nop",
			     "no operation: may align the option behind it on a word "
			     "(RFC 9293, section 3.1)" },
	[TCP_OPTION_MSS] = { TCP_OPTION_MSS, 4, 4, "mss",
			     "maximum segment size: the most data octets in one segment that its "
			     "sender can receive (RFC 9293, section 3.7.1)" },
	[TCP_OPTION_WINDOW_SCALE] = { TCP_OPTION_WINDOW_SCALE, 3, 3, "ws",
				      "window scale: by how many bits its sender's later windows "
				      "are to be shifted to the left, if both SYNs carry the "
				      "option "
				      "(RFC 7323, section 2.2)" },
	[TCP_OPTION_SACK_PERMITTED] = { TCP_OPTION_SACK_PERMITTED, 2, 2, "sackok",
					"SACK permitted: its sender understands selective "
					"acknowledgments (RFC 2018, section 2)" },
	[TCP_OPTION_SACK] = { TCP_OPTION_SACK, 10, 34, "sack",
			      "selective acknowledgment: blocks of data that came although data "
			      "before them is missing; left edge, and the number behind the right "
			      "one (RFC 2018, section 3)" },
	{ TCP_OPTION_TIMESTAMPS, 10, 10, "ts",
	  "timestamps: TSval, its sender's timestamp clock, and TSecr, the newest TSval of the "
	  "other end echoed (RFC 7323, section 3.2)" },
	{ TCP_OPTION_MD5, 18, 18, "md5", "MD5 signature of the segment (RFC 2385)" },
	{ TCP_OPTION_USER_TIMEOUT, 4, 4, "uto",
	  "user timeout: how long data may stay unacknowledged (RFC 5482)" },
	{ TCP_OPTION_AO, 4, 40, "ao",
	  "authentication: KeyID, RNextKeyID and the segment's MAC (RFC 5925)" },
	{ TCP_OPTION_MPTCP, 3, 40, "mptcp",
	  "Multipath TCP, its subtype in the first 4 bits (RFC 8684)" },
	{ TCP_OPTION_FAST_OPEN, 2, 18, "tfo",
	  "TCP Fast Open: a cookie, or empty to ask for one (RFC 7413)" },
	{ TCP_OPTION_ACCECN_0, 2, 11, "accecn0",
	  "accurate ECN, counters in order 0 (RFC 9768, section 3.2.3)" },
	{ TCP_OPTION_ACCECN_1, 2, 11, "accecn1",
	  "accurate ECN, counters in order 1 (RFC 9768, section 3.2.3)" },
	{ TCP_OPTION_EXPERIMENT_1, 2, 40, "exp253",
	  "an experiment, named by the number at its start (RFC 6994)" },
	{ TCP_OPTION_EXPERIMENT_2, 2, 40, "exp254",
	  "an experiment, named by the number at its start (RFC 6994)" },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

const struct tcp_option_kind *tcp_option_find(uint8_t kind)
{
	if (kind <= TCP_OPTION_SACK) /* most that are asked for: they stand at their own number */
		return &kinds[kind];
	for (size_t i = TCP_OPTION_SACK + 1; i < KINDS; i++)
		if (kinds[i].kind == kind)
			return &kinds[i];
	return NULL;
}

const struct tcp_option_kind *tcp_option_find_name(const char *name, size_t length)
{
	for (size_t i = 0; i < KINDS; i++)
		if (strlen(kinds[i].name) == length && memcmp(kinds[i].name, name, length) == 0)
			return &kinds[i];
	return NULL;
}
