/* SPDX-License-Identifier: BSD-2-Clause */
#include "craft/pcap.h"

#include <stdlib.h>

#include "base/time.h"
#include "craft/writer.h"

#define FILE_HEADER_BYTES   24
#define RECORD_HEADER_BYTES 16
#define SNAP_BYTES	    262144

uint8_t *pcap_craft(const struct frame *frames, size_t count, uint16_t link_type, size_t *bytes)
{
	size_t room = FILE_HEADER_BYTES;

	for (size_t i = 0; i < count; i++)
		room += RECORD_HEADER_BYTES + frames[i].captured_bytes;

	struct writer out = { .start = malloc(room), .room = room };

	if (!out.start)
		return NULL;
	writer_put(&out, NULL, UINT32_C(0xa1b23c4d), 4);
	writer_put(&out, NULL, 2, 2);
	writer_put(&out, NULL, 4, 2);
	writer_put_zeros(&out, NULL, 8);
	writer_put(&out, NULL, SNAP_BYTES, 4);
	writer_put(&out, NULL, link_type, 4);
	for (size_t i = 0; i < count; i++) {
		const struct frame *frame = &frames[i];

		writer_put(&out, NULL, (uint32_t)(frame->time_ns / NSEC_PER_SEC), 4);
		writer_put(&out, NULL, (uint32_t)(frame->time_ns % NSEC_PER_SEC), 4);
		writer_put(&out, NULL, frame->captured_bytes, 4);
		writer_put(&out, NULL, frame->wire_bytes, 4);
		writer_put_bytes(&out, NULL, frame->bytes, frame->captured_bytes);
	}
	*bytes = out.used;
	return out.start;
}
