/* SPDX-License-Identifier: BSD-2-Clause */
/* The pcapng reader. */
#include "source_drain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (begins_with(data, size, "\x0a\x0d\x0d\x0a", 4))
		source_drain(data, size);
	return 0;
}
