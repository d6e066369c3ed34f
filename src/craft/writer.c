/* SPDX-License-Identifier: BSD-2-Clause */
#include "craft/writer.h"

#include <string.h>

struct writer writer_over(uint8_t *bytes, size_t room, struct layout *layout)
{
	struct writer out = { .room = room, .layout = layout };

	out.start = bytes;
	return out;
}

static void note_field(struct writer *out, const char *name, size_t count)
{
	struct layout *layout = out->layout;

	if (!layout || !name || count == 0 || layout->count == LAYOUT_FIELDS_MOST)
		return;
	layout->fields[layout->count++] = (struct field){
		.header = out->header,
		.name = name,
		.offset = (uint32_t)out->used,
		.bytes = (uint32_t)count,
	};
}

/* Where the next bytes go; NULL: they do not fit. */
static uint8_t *take(struct writer *out, const char *name, size_t count)
{
	if (count > out->room - out->used) {
		out->overflow = true;
		return NULL;
	}
	note_field(out, name, count);
	out->used += count;
	return out->start + (out->used - count);
}

void writer_put(struct writer *out, const char *name, uint32_t value, unsigned bytes)
{
	uint8_t *at = take(out, name, bytes);

	for (unsigned i = 0; at && i < bytes; i++)
		at[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
}

void writer_put_bytes(struct writer *out, const char *name, const uint8_t *bytes, size_t count)
{
	uint8_t *at = take(out, name, count);

	if (at && count)
		memcpy(at, bytes, count);
}

void writer_put_zeros(struct writer *out, const char *name, size_t count)
{
	uint8_t *at = take(out, name, count);

	if (at && count)
		memset(at, 0, count);
}

void writer_patch16(struct writer *out, size_t offset, uint16_t value)
{
	if (offset + 2 > out->used)
		return;
	out->start[offset] = (uint8_t)(value >> 8);
	out->start[offset + 1] = (uint8_t)value;
}
