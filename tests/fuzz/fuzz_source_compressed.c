/* SPDX-License-Identifier: BSD-2-Clause */
/* Decompression, and whatever reader its result leads to. */
#include "source_drain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (begins_with(data, size, "\x1f\x8b", 2) ||
	    begins_with(data, size, "\x28\xb5\x2f\xfd", 4) ||
	    begins_with(data, size, "\x04\x22\x4d\x18", 4))
		source_drain(data, size);
	return 0;
}
