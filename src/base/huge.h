/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_BASE_HUGE_H
#define TCPWHY_BASE_HUGE_H

#include <stddef.h>

/*
 * Memory from the kernel in huge pages: a look at a random place needs one of the few entries that
 * the processor keeps of its page tables, instead of one per 4 KiB, and one page fault fills 2 MiB.
 */

/**
 * huge_alloc() - Get zeroed memory for a table that is looked at in random places
 * @bytes:  in huge pages from 512 KiB on
 *
 * Return: owned by the caller, given back by huge_free() with the same size; NULL: out of memory.
 */
void *huge_alloc(size_t bytes);

/**
 * huge_reserve() - Get addresses, which are zeroed memory as soon as they are touched
 * @bytes:  as many as may ever be wanted; the first 128 KiB are in small pages, so that who needs
 *          no more does not pay for zeroing a huge one
 *
 * Return: as huge_alloc(); NULL: so many addresses are not to be had.
 */
void *huge_reserve(size_t bytes);

/*
 * Parts of one range of addresses, each of which fills from its start on: one call to the kernel
 * for all of them. A part is in small pages until it wants more than HUGE_PART_SMALL_BYTES.
 */
#define HUGE_PART_SMALL_BYTES ((size_t)128 << 10)

/* What a part that may ever want @bytes takes of the range. */
size_t huge_part_bytes(size_t bytes);

/**
 * huge_reserve_parts() - Get addresses for parts that lie right behind each other
 * @bytes:  the sum of their huge_part_bytes()
 *
 * Return: as huge_reserve().
 */
void *huge_reserve_parts(size_t bytes);

/* A part wants more than HUGE_PART_SMALL_BYTES from now on. @bytes: its huge_part_bytes() */
void huge_part_grows(void *part, size_t bytes);

/* NULL is allowed. */
void huge_free(void *at, size_t bytes);

#endif /* TCPWHY_BASE_HUGE_H */
