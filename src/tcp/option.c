/* SPDX-License-Identifier: BSD-2-Clause */
#include "tcp/option.h"

#include <string.h>

static const struct tcp_option_kind kinds[] = {
	[TCP_OPTION_END] = { TCP_OPTION_END, 1, 1, "eol" },
	[TCP_OPTION_NOP] = { TCP_OPTION_NOP, 1, 1, "nop" },
	[TCP_OPTION_MSS] = { TCP_OPTION_MSS, 4, 4, "mss" },
	[TCP_OPTION_WINDOW_SCALE] = { TCP_OPTION_WINDOW_SCALE, 3, 3, "ws" },
	[TCP_OPTION_SACK_PERMITTED] = { TCP_OPTION_SACK_PERMITTED, 2, 2, "sackok" },
	[TCP_OPTION_SACK] = { TCP_OPTION_SACK, 10, 34, "sack" },
	{ TCP_OPTION_TIMESTAMPS, 10, 10, "ts" },
	{ TCP_OPTION_MD5, 18, 18, "md5" },
	{ TCP_OPTION_USER_TIMEOUT, 4, 4, "uto" },
	{ TCP_OPTION_AO, 4, 40, "ao" },
	{ TCP_OPTION_MPTCP, 3, 40, "mptcp" },
	{ TCP_OPTION_FAST_OPEN, 2, 18, "tfo" },
	{ TCP_OPTION_ACCECN_0, 2, 11, "accecn0" },
	{ TCP_OPTION_ACCECN_1, 2, 11, "accecn1" },
	{ TCP_OPTION_EXPERIMENT_1, 2, 40, "exp253" },
	{ TCP_OPTION_EXPERIMENT_2, 2, 40, "exp254" },
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
