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

/* The same of a line that will be written, and that another thread may have: it is the processor's
   own by then. */
static inline void fetch_line_to_write(void *at)
{
#ifdef __x86_64__
	__asm__ volatile("prefetchw %0" : : "m"(*(char *)at)); /* GCC has it with -mprfchw only */
#else
	__builtin_prefetch(at, 1);
	__asm__ volatile("" : : "r"(at));
#endif
}

#endif /* TCPWHY_BASE_FETCH_H */
