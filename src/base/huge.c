/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/huge.h"

#include <stdint.h>
#include <sys/mman.h>

#define HUGE_BYTES  ((size_t)2 << 20)
#define HUGE_FROM   ((size_t)512 << 10)
#define GRAIN_BYTES ((size_t)64 << 10) /* no system has larger pages */
#define SMALL_BYTES HUGE_PART_SMALL_BYTES

static size_t whole_grains(size_t bytes)
{
	return (bytes + GRAIN_BYTES - 1) & ~(GRAIN_BYTES - 1);
}

static size_t whole_huge(size_t bytes)
{
	return (bytes + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1);
}

static unsigned char *map(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

/* Addresses of which the first @small_bytes lie before a multiple of a huge page's size: a huge
   page never begins elsewhere. Whole grains, both. */
static unsigned char *map_aligned(size_t bytes, size_t small_bytes)
{
	unsigned char *at = map(bytes + HUGE_BYTES);

	if (!at)
		return NULL;
	size_t before = -((uintptr_t)at + small_bytes) & (HUGE_BYTES - 1);

	if (before)
		munmap(at, before);
	at += before;
	munmap(at + bytes, HUGE_BYTES - before);
	return at;
}

/* Have addresses filled with huge pages. */
static void advise(unsigned char *at, size_t bytes)
{
	if (bytes)
		(void)madvise(at, bytes, MADV_HUGEPAGE);
}

/* What is mapped for a table: huge pages as soon as one would be filled to a part. */
static size_t table_bytes(size_t bytes)
{
	return bytes < HUGE_FROM ? whole_grains(bytes) : whole_huge(bytes);
}

void *huge_alloc(size_t bytes)
{
	size_t all = table_bytes(bytes);

	if (bytes < HUGE_FROM)
		return map(all);
	unsigned char *at = map_aligned(all, 0);

	if (at)
		advise(at, all);
	return at;
}

void *huge_reserve(size_t bytes)
{
	size_t all = table_bytes(bytes);
	unsigned char *at = map_aligned(all, SMALL_BYTES);

	if (at && all > SMALL_BYTES)
		advise(at + SMALL_BYTES, all - SMALL_BYTES);
	return at;
}

size_t huge_part_bytes(size_t bytes)
{
	return whole_huge(bytes);
}

void *huge_reserve_parts(size_t bytes)
{
	return map_aligned(bytes, SMALL_BYTES);
}

void huge_part_grows(void *part, size_t bytes)
{
	advise((unsigned char *)part + SMALL_BYTES, bytes - SMALL_BYTES);
}

void huge_free(void *at, size_t bytes)
{
	if (at)
		munmap(at, table_bytes(bytes));
}
