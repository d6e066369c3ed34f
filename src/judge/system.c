/* SPDX-License-Identifier: BSD-2-Clause */
#include "judge/context.h"
#include "judge/system.h"
#include "tcp/option.h"

/* The order of the options in a system's SYN, with its usual window (0: any). */
struct syn_habit {
	unsigned system;
	uint16_t window;
	uint64_t order; /* a kind in each byte, the first one lowest */
	uint64_t mask;	/* of those bytes */
};

enum {
	NOP = TCP_OPTION_NOP,
	MSS = TCP_OPTION_MSS,
	WS = TCP_OPTION_WINDOW_SCALE,
	SACK = TCP_OPTION_SACK_PERMITTED,
	TS = TCP_OPTION_TIMESTAMPS,
};

/* A kind at its place; and, where there is one, all of that byte. */
#define KIND(kind, at) ((uint64_t)(kind) << 8 * (at))
#define BYTE(kind, at) ((kind) ? KIND(0xff, at) : 0)

/* The kinds of a habit in order, 0 behind the last one. Options behind it are others that a program
   asks for (Fast Open, MPTCP, end). */
#define HABIT(a, b, c, d, e, f, g)                                                                 \
	.order = KIND(a, 0) | KIND(b, 1) | KIND(c, 2) | KIND(d, 3) | KIND(e, 4) | KIND(f, 5) |     \
		 KIND(g, 6),                                                                       \
	.mask = BYTE(a, 0) | BYTE(b, 1) | BYTE(c, 2) | BYTE(d, 3) | BYTE(e, 4) | BYTE(f, 5) |      \
		BYTE(g, 6)

static const struct syn_habit habits[] = {
	{ SYSTEM_LINUX, 0, HABIT(MSS, SACK, TS, NOP, WS, 0, 0) },
	{ SYSTEM_LINUX, 0, HABIT(MSS, NOP, NOP, SACK, NOP, WS, 0) }, /* timestamps off */
	{ SYSTEM_MACOS, 65535, HABIT(MSS, NOP, WS, NOP, NOP, TS, SACK) },
	{ SYSTEM_WINDOWS, 0, HABIT(MSS, NOP, WS, NOP, NOP, SACK, 0) },
	{ SYSTEM_WINDOWS, 0, HABIT(MSS, NOP, WS, SACK, TS, 0, 0) }, /* timestamps on */
	{ SYSTEM_FREEBSD, 65535, HABIT(MSS, NOP, WS, SACK, TS, 0, 0) },
};

/* The first kinds of a SYN's options, as in a habit. */
static uint64_t order_of(const uint8_t kinds[static 8])
{
	uint64_t order = 0;

	for (unsigned i = 0; i < 8; i++)
		order |= (uint64_t)kinds[i] << 8 * i;
	return order;
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
	uint64_t order = order_of(half->syn_option_order);
	unsigned fits = 0;

	if (!half->parameters_known)
		return 0;
	for (size_t i = 0; i < sizeof(habits) / sizeof(habits[0]); i++) {
		const struct syn_habit *habit = &habits[i];

		bool other = (order ^ habit->order) & habit->mask;
		bool another = habit->window && habit->window != half->syn_window;

		fits |= (other | another) ? 0 : habit->system;
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
