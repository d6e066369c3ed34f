/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/huge.h"

#include <stdint.h>
#include <sys/mman.h>

#define HUGE_BYTES  ((size_t)2 << 20)
#define HUGE_FROM   ((size_t)512 << 10)
#define GRAIN_BYTES ((size_t)64 << 10) /* no system has larger pages */
#define SMALL_BYTES ((size_t)128 << 10)

static size_t whole_grains(size_t bytes)
{
	return (bytes + GRAIN_BYTES - 1) & ~(GRAIN_BYTES - 1);
}

/* Addresses of which the first @small_bytes lie before a multiple of a huge page's size, and from
   there on are of huge pages: one never begins elsewhere. Whole grains, both. */
static unsigned char *map(size_t bytes, size_t small_bytes)
{
	size_t mapped = bytes + HUGE_BYTES;
	unsigned char *at = mmap(NULL, mapped, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return NULL;
	size_t before = -((uintptr_t)at + small_bytes) & (HUGE_BYTES - 1);

	if (before)
		munmap(at, before);
	at += before;
	munmap(at + bytes, HUGE_BYTES - before);
	if (bytes > small_bytes)
		(void)madvise(at + small_bytes, bytes - small_bytes, MADV_HUGEPAGE);
	return at;
}

/* What is mapped for a table: huge pages as soon as one would be filled to a part. */
static size_t table_bytes(size_t bytes)
{
	return bytes < HUGE_FROM ? whole_grains(bytes)
				 : (bytes + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1);
}

void *huge_alloc(size_t bytes)
{
	size_t all = table_bytes(bytes);

	return map(all, bytes < HUGE_FROM ? all : 0);
}

void *huge_reserve(size_t bytes)
{
	return map(table_bytes(bytes), SMALL_BYTES);
}

void huge_free(void *at, size_t bytes)
{
	if (at)
		munmap(at, table_bytes(bytes));
}
