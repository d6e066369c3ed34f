/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_BASE_FETCH_H
#define TCPWHY_BASE_FETCH_H

/*
 * Start fetching the cache line at an address, which may be any. GCC takes a function that does
 * nothing but __builtin_prefetch() for one without effect and drops the calls of it; the empty
 * assembly keeps them.
 */
static inline void fetch_line(const void *at)
{
	__builtin_prefetch(at);
	__asm__ volatile("" : : "r"(at));
}

#endif /* TCPWHY_BASE_FETCH_H */
