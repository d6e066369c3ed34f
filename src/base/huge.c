/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/huge.h"

#include <sys/mman.h>

#define HUGE_FROM ((size_t)2 << 20)

void *huge_alloc(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return NULL;
	if (bytes >= HUGE_FROM)
		(void)madvise(at, bytes, MADV_HUGEPAGE);
	return at;
}

void huge_free(void *at, size_t bytes)
{
	if (at)
		munmap(at, bytes);
}
