/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_JUDGE_SYSTEM_H
#define TCPWHY_JUDGE_SYSTEM_H

#include <stdbool.h>
#include <stdint.h>

#include "track/conn.h"

/* Which operating system's habits an end shows (bits: several may fit). */
enum system_bit {
	SYSTEM_LINUX = 1,
	SYSTEM_WINDOWS = 2,
	SYSTEM_MACOS = 4,
	SYSTEM_FREEBSD = 8,
};
#define SYSTEM_ANY (SYSTEM_LINUX | SYSTEM_WINDOWS | SYSTEM_MACOS | SYSTEM_FREEBSD)

/**
 * system_fits() - The systems that an end's TTL, window and SYN options leave
 * @half:  one end; without a captured SYN of it only its TTL tells
 *
 * Return: enum system_bit bits; SYSTEM_ANY: nothing can be said; 0: none of those known.
 * Source: docs/precedence.md, section 7 (start values, window and option order of a first SYN).
 */
unsigned system_fits(const struct half *half);

/* Whether its SYN's options come in an order that some known system uses. */
bool system_syn_known(const struct half *half);

/**
 * system_time_wait_ns() - How long TIME_WAIT lasts at this end, by its system's default
 * @assumed:  set to whose default that is: "linux", "windows", "macos", "freebsd", "rfc9293"
 *
 * Source: Linux TCP_TIMEWAIT_LEN 60 s; FreeBSD msl 30 s, macOS msl 15 s, twice each; Windows
 * Server 2003 TcpTimedWaitDelay 120 s; RFC 9293, section 3.4.2: MSL 2 minutes.
 */
int64_t system_time_wait_ns(const struct half *half, const char **assumed);

#endif /* TCPWHY_JUDGE_SYSTEM_H */
