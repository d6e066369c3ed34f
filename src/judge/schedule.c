/* SPDX-License-Identifier: BSD-2-Clause */
#include "judge/schedule.h"
#include "judge/system.h"
#include "judge/verdict.h"

struct schedule {
	const char *name;
	unsigned system;	  /* enum system_bit */
	uint16_t window_most;	  /* of its SYN, by default; 0: any */
	unsigned count;		  /* SYNs in all */
	uint16_t seconds[12];	  /* after the first */
	uint16_t gives_up_tenths; /* of a second after the first: connect() fails */
};

/*
 * What systems do with a SYN that nothing answers, by their defaults. Linux from 6.5 on waits the
 * first second five times (tcp_syn_linear_timeouts 4); Linux before 3.1 began with the 3 s of
 * RFC 2988, and with windows of at most 10 segments. The 21 s of Windows are measured, not computed
 * from its retries.
 */
static const struct schedule schedules[] = {
	{ "Linux 6.5 or newer",
	  SYSTEM_LINUX,
	  0,
	  11,
	  { 0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 67 },
	  1310 },
	{ "Linux 3.1 to 6.4", SYSTEM_LINUX, 0, 7, { 0, 1, 3, 7, 15, 31, 63 }, 1270 },
	{ "Linux before 3.1", SYSTEM_LINUX, 14600, 6, { 0, 3, 9, 21, 45, 93 }, 1890 },
	{ "Windows", SYSTEM_WINDOWS, 0, 5, { 0, 1, 3, 7, 15 }, 210 },
	{ "Windows 7 or older", SYSTEM_WINDOWS, 0, 3, { 0, 3, 9 }, 210 },
	{ "macOS", SYSTEM_MACOS, 0, 11, { 0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 67 }, 750 },
	{ "FreeBSD", SYSTEM_FREEBSD, 0, 11, { 0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 67 }, 750 },
};

/* So many SYNs show by their gaps alone whose they are. */
#define TRAIN_TELLS 3

#define SCHEDULES (sizeof(schedules) / sizeof(schedules[0]))

/* Timers fire on ticks (of 15.6 ms on Windows, which may fire one early); the steps of Linux's
   timer wheel grow to an eighth of the time. */
#define EARLY_NS	 (4 * NSEC_PER_MSEC)
#define EARLY_WINDOWS_NS (20 * NSEC_PER_MSEC)
#define LATE_NS		 (10 * NSEC_PER_MSEC)

static int64_t latest(int64_t due_ns)
{
	return due_ns + due_ns / 8 + LATE_NS;
}

void syn_train_of(const struct conn *conn, struct syn_train *train)
{
	train->count = 0;
	train->times_complete = conn->quality.moments_dropped == 0;
	train->first_ns = train->last_ns = conn->syn.time_ns;
	for (unsigned i = 0; i < conn->moment_count; i++) {
		const struct moment *at = &conn->moments[i];

		if (at->from != END_CLIENT || !(at->flags & TCP_SYN) || (at->flags & TCP_ACK) ||
		    at->raw_seq != conn->syn.raw_seq || (at->notes & NOTE_CAPTURE_COPY))
			continue;
		if (train->count < TRAIN_SYNS_MOST) {
			train->times_ns[train->count] = at->time_ns;
			train->frames[train->count] = at->frame;
		} else {
			train->times_complete = false;
		}
		train->count++;
		train->last_ns = at->time_ns;
	}
}

static bool gaps_fit(const struct schedule *row, const struct syn_train *train)
{
	int64_t early = row->system == SYSTEM_WINDOWS ? EARLY_WINDOWS_NS : EARLY_NS;

	for (unsigned i = 1; i < train->count; i++) {
		int64_t due = (row->seconds[i] - row->seconds[i - 1]) * NSEC_PER_SEC;

		int64_t gap = train->times_ns[i] - train->times_ns[i - 1];

		if (gap < due - early || gap > latest(due))
			return false;
	}
	return true;
}

/* Whether the client's SYN can be one of that system. */
static bool syn_fits(const struct schedule *row, const struct half *client)
{
	unsigned systems = system_fits(client);

	if (systems && !(systems & row->system))
		return false;
	return !row->window_most || !client->parameters_known ||
	       client->syn_window <= row->window_most;
}

struct schedule_fit schedule_match(const struct syn_train *train, const struct half *client)
{
	struct schedule_fit fit = { 0 };

	if (!train->times_complete || !train->count)
		return fit;
	/* Few SYNs that look like no system's say nothing of a system: a scanner's, say. */
	if (train->count < TRAIN_TELLS &&
	    (!system_fits(client) || (client->parameters_known && !system_syn_known(client))))
		return fit;
	for (unsigned i = 0; i < SCHEDULES; i++) {
		const struct schedule *row = &schedules[i];
		int64_t gives_up = row->gives_up_tenths * (NSEC_PER_SEC / 10);

		if (train->count > row->count || !syn_fits(row, client) || !gaps_fit(row, train))
			continue;
		if (!fit.rows || gives_up < fit.gives_up_least_ns)
			fit.gives_up_least_ns = gives_up;
		if (gives_up > fit.gives_up_most_ns)
			fit.gives_up_most_ns = gives_up;
		fit.rows |= 1u << i;
		if (train->count == row->count) {
			fit.complete |= 1u << i;
			continue;
		}

		int64_t next =
			latest((row->seconds[train->count] - row->seconds[train->count - 1]) *
			       NSEC_PER_SEC);

		if (next > fit.next_latest_ns)
			fit.next_latest_ns = next;
	}
	return fit;
}

void schedule_name(struct verdict *verdict, unsigned rows)
{
	for (unsigned i = 0; i < SCHEDULES; i++) {
		if (rows >> i & 1)
			verdict_text(verdict, "systems", schedules[i].name);
	}
}
