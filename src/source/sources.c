/* SPDX-License-Identifier: BSD-2-Clause */
#include "source/pcap.h"
#include "source/pcapng.h"
#include "source/snoop.h"

static const struct source_ops *const formats[] = {
	&source_pcap,
	&source_pcapng,
	&source_snoop,
};

const struct source_ops *const *source_formats(size_t *count)
{
	*count = sizeof(formats) / sizeof(formats[0]);
	return formats;
}
