/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_BASE_HUGE_H
#define TCPWHY_BASE_HUGE_H

#include <stddef.h>

/**
 * huge_alloc() - Get zeroed memory for a table that is looked at in random places
 * @bytes:  where they are many the kernel is asked for huge pages: each look then needs one entry
 *          of the few that the processor keeps of its page tables, instead of one per 4 KiB
 *
 * Return: owned by the caller, given back by huge_free() with the same size; NULL: out of memory.
 */
void *huge_alloc(size_t bytes);

/* NULL is allowed. */
void huge_free(void *at, size_t bytes);

#endif /* TCPWHY_BASE_HUGE_H */
