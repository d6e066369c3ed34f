/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdbool.h>
#include <stddef.h>

#include "base/time.h"
#include "judge/keepalive.h"

struct habit {
	int64_t idle_ns;     /* 0: the program sets it */
	int64_t interval_ns; /* 0: does not matter */
	unsigned probes;     /* 0: does not matter */
	const char *words;
};

/* The more a row asks for, the earlier it stands. */
static const struct habit habits[] = {
	{ 7200 * NSEC_PER_SEC, 75 * NSEC_PER_SEC, 9, "Linux's defaults (7200 s, 75 s, 9 probes)" },
	{ 7200 * NSEC_PER_SEC, 75 * NSEC_PER_SEC, 8,
	  "macOS's and FreeBSD's defaults (7200 s, 75 s, 8 probes)" },
	{ 7200 * NSEC_PER_SEC, 1 * NSEC_PER_SEC, 10,
	  "Windows's defaults (7200 s, 1 s, 10 probes)" },
	{ 15 * NSEC_PER_SEC, 15 * NSEC_PER_SEC, 9, "Go's defaults (15 s, 15 s, 9 probes)" },
	{ 0, 1 * NSEC_PER_SEC, 10,
	  "1 s and 10 probes: libuv (Node.js), or Windows, with an idle time of the program's "
	  "own" },
	{ 7200 * NSEC_PER_SEC, 75 * NSEC_PER_SEC, 0,
	  "the defaults of Linux, macOS and FreeBSD (7200 s, 75 s)" },
	{ 7200 * NSEC_PER_SEC, 1 * NSEC_PER_SEC, 0, "Windows's defaults (7200 s, 1 s)" },
	{ 7200 * NSEC_PER_SEC, 0, 0, "7200 s, the idle time that every system has by default" },
	{ 15 * NSEC_PER_SEC, 0, 0, "15 s, Go's default idle time" },
	{ 0, 75 * NSEC_PER_SEC, 0,
	  "75 s between probes, the default of Linux, macOS and FreeBSD, with an idle time of the "
	  "program's own" },
};

/* Timers are late, by up to an eighth (timer wheel), and early by a tick. */
static bool fits(int64_t measured_ns, int64_t set_ns)
{
	return measured_ns >= set_ns - 4 * NSEC_PER_MSEC &&
	       measured_ns <= set_ns + set_ns / 8 + 10 * NSEC_PER_MSEC;
}

const char *keepalive_habit(int64_t idle_ns, int64_t interval_ns, unsigned probes)
{
	for (size_t i = 0; i < sizeof(habits) / sizeof(habits[0]); i++) {
		const struct habit *habit = &habits[i];

		if (habit->idle_ns && (idle_ns == TIME_NONE || !fits(idle_ns, habit->idle_ns)))
			continue;
		if (habit->interval_ns &&
		    (interval_ns == TIME_NONE || !fits(interval_ns, habit->interval_ns)))
			continue;
		if (habit->probes && probes != habit->probes)
			continue;
		return habit->words;
	}
	return NULL;
}
