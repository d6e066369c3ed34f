/* SPDX-License-Identifier: BSD-2-Clause */
/* The snoop reader. */
#include "source_drain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (begins_with(data, size, "snoop\0\0", 8))
		source_drain(data, size);
	return 0;
}
