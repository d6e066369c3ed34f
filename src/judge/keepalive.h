/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_JUDGE_KEEPALIVE_H
#define TCPWHY_JUDGE_KEEPALIVE_H

#include <stdint.h>

/**
 * keepalive_habit() - Whose defaults a keep-alive schedule matches
 * @idle_ns:      silence before the first probe; TIME_NONE: unknown
 * @interval_ns:  between unanswered probes; TIME_NONE: unknown
 * @probes:       how many went unanswered before the end gave up; 0: it did not
 *
 * Return: static words; NULL: a schedule of the program's own, or too little is known.
 * Source: Linux tcp(7): 7200 s, 75 s, 9; macOS and FreeBSD: 7200 s, 75 s, 8; Windows: 7200 s, 1 s,
 * 10; Go net.KeepAliveConfig: 15 s, 15 s, 9; libuv uv_tcp_keepalive(): 1 s, 10.
 */
const char *keepalive_habit(int64_t idle_ns, int64_t interval_ns, unsigned probes);

#endif /* TCPWHY_JUDGE_KEEPALIVE_H */
