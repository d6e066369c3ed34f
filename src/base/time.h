/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_BASE_TIME_H
#define TCPWHY_BASE_TIME_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* Time is int64_t nanoseconds since 1970-01-01 UTC everywhere; converted only in source/, report/.
 */
#define NSEC_PER_USEC INT64_C(1000)
#define NSEC_PER_MSEC INT64_C(1000000)
#define NSEC_PER_SEC  INT64_C(1000000000)

#define TIME_NONE INT64_MIN /* "no such moment": no time stamp, an event not seen */

/* The earlier or the later of two moments, of which the first one may be TIME_NONE. */
static inline int64_t time_earlier(int64_t a, int64_t b)
{
	return a == TIME_NONE || b < a ? b : a;
}

static inline int64_t time_later(int64_t a, int64_t b)
{
	return a == TIME_NONE || b > a ? b : a;
}

/* "2026-01-02T09:14:02.118000000Z" and its final NUL. */
#define TIME_TEXT_BYTES 40

/**
 * time_format_utc() - Write a moment as ISO 8601 in UTC with nanoseconds
 * @text:     at least TIME_TEXT_BYTES
 * @time_ns:  nanoseconds since the epoch, negative before it; TIME_NONE gives "-"
 *
 * Proleptic Gregorian calendar, no leap seconds. Thread-safe.
 */
void time_format_utc(char text[static TIME_TEXT_BYTES], int64_t time_ns);

/* What a clock of the system shows now, in nanoseconds: CLOCK_REALTIME since 1970-01-01 UTC,
   CLOCK_MONOTONIC since some moment in the past. */
int64_t time_now_ns(clockid_t clock);

#endif /* TCPWHY_BASE_TIME_H */
