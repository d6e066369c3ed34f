/* SPDX-License-Identifier: BSD-2-Clause */
/* The pcap reader, in all its forms and byte orders. */
#include "source_drain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (begins_with(data, size, "\xd4\xc3\xb2\xa1", 4) ||
	    begins_with(data, size, "\xa1\xb2\xc3\xd4", 4) ||
	    begins_with(data, size, "\x4d\x3c\xb2\xa1", 4) ||
	    begins_with(data, size, "\xa1\xb2\x3c\x4d", 4) ||
	    begins_with(data, size, "\x34\xcd\xb2\xa1", 4))
		source_drain(data, size);
	return 0;
}
