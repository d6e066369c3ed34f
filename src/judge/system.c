/* SPDX-License-Identifier: BSD-2-Clause */
#include "judge/context.h"
#include "judge/system.h"
#include "tcp/option.h"

/* The order of the options in a system's SYN, with its usual window (0: any). */
struct syn_habit {
	unsigned system;
	uint16_t window;
	uint8_t order[12];
};

enum {
	NOP = TCP_OPTION_NOP,
	MSS = TCP_OPTION_MSS,
	WS = TCP_OPTION_WINDOW_SCALE,
	SACK = TCP_OPTION_SACK_PERMITTED,
	TS = TCP_OPTION_TIMESTAMPS,
};

static const struct syn_habit habits[] = {
	{ SYSTEM_LINUX, 0, { MSS, SACK, TS, NOP, WS } },
	{ SYSTEM_LINUX, 0, { MSS, NOP, NOP, SACK, NOP, WS } }, /* timestamps off */
	{ SYSTEM_MACOS, 65535, { MSS, NOP, WS, NOP, NOP, TS, SACK } },
	{ SYSTEM_WINDOWS, 0, { MSS, NOP, WS, NOP, NOP, SACK } },
	{ SYSTEM_WINDOWS, 0, { MSS, NOP, WS, SACK, TS } }, /* timestamps on */
	{ SYSTEM_FREEBSD, 65535, { MSS, NOP, WS, SACK, TS } },
};

/* Options behind the habit's are others that a program asks for (Fast Open, MPTCP, end). */
static bool order_fits(const struct syn_habit *habit, const uint8_t *order, size_t most)
{
	for (size_t i = 0; i < sizeof(habit->order) && habit->order[i]; i++) {
		if (i >= most || order[i] != habit->order[i])
			return false;
	}
	return true;
}

/* A router on the way takes one off each time, so the start value lies at or above. */
static unsigned ttl_fits(const struct half *half)
{
	if (!half->ttl_count)
		return SYSTEM_ANY;
	switch (ttl_start(half->ttls[0])) {
	case 64:
		return SYSTEM_ANY & ~(unsigned)SYSTEM_WINDOWS;
	case 128:
		return SYSTEM_WINDOWS;
	default:
		return 0;
	}
}

static unsigned options_fit(const struct half *half)
{
	unsigned fits = 0;

	if (!half->parameters_known)
		return 0;
	for (size_t i = 0; i < sizeof(habits) / sizeof(habits[0]); i++) {
		const struct syn_habit *habit = &habits[i];

		if (order_fits(habit, half->syn_option_order, sizeof(half->syn_option_order)) &&
		    (!habit->window || habit->window == half->syn_window))
			fits |= habit->system;
	}
	return fits;
}

unsigned system_fits(const struct half *half)
{
	unsigned by_ttl = ttl_fits(half);
	unsigned by_options = options_fit(half);

	/* Options that fit none of them, or contradict the TTL, narrow nothing down: firewalls
	   and programs change them, and a TTL may be set by hand. */
	return (by_ttl & by_options) ? by_ttl & by_options : by_ttl;
}

bool system_syn_known(const struct half *half)
{
	return options_fit(half) != 0;
}

int64_t system_time_wait_ns(const struct half *half, const char **assumed)
{
	unsigned fits = system_fits(half);

	if (fits & SYSTEM_LINUX) {
		*assumed = "linux";
		return 60 * NSEC_PER_SEC;
	}
	if (fits & SYSTEM_FREEBSD) {
		*assumed = "freebsd";
		return 60 * NSEC_PER_SEC;
	}
	if (fits & SYSTEM_MACOS) {
		*assumed = "macos";
		return 30 * NSEC_PER_SEC;
	}
	if (fits & SYSTEM_WINDOWS) {
		*assumed = "windows";
		return 120 * NSEC_PER_SEC;
	}
	*assumed = "rfc9293";
	return 240 * NSEC_PER_SEC;
}
