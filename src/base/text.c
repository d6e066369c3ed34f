/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/time.h"

struct text text_over(char *start, size_t room)
{
	struct text out = { .start = start, .room = room, .length = 0 };

	start[0] = '\0';
	return out;
}

void text_add(struct text *out, const char *format, ...)
{
	size_t used = out->length < out->room ? out->length : out->room - 1;
	va_list args;

	va_start(args, format);
	int added = vsnprintf(out->start + used, out->room - used, format, args);
	va_end(args);
	if (added > 0)
		out->length += (size_t)added;
}

void text_add_seconds(struct text *out, int64_t ns)
{
	uint64_t distance = ns < 0 ? (uint64_t)0 - (uint64_t)ns : (uint64_t)ns;
	uint64_t fraction = distance % (uint64_t)NSEC_PER_SEC;
	int digits = 9;

	text_add(out, "%s%" PRIu64, ns < 0 ? "-" : "", distance / (uint64_t)NSEC_PER_SEC);
	if (fraction == 0)
		return;
	for (; fraction % 10 == 0; fraction /= 10)
		digits--;
	text_add(out, ".%0*" PRIu64, digits, fraction);
}

void text_add_hex(struct text *out, const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		text_add(out, "%02x", bytes[i]);
}

static void add_quoted_byte(struct text *out, uint8_t byte)
{
	switch (byte) {
	case '\r':
		text_add(out, "\\r");
		return;
	case '\n':
		text_add(out, "\\n");
		return;
	case '\t':
		text_add(out, "\\t");
		return;
	case '\\':
	case '"':
		text_add(out, "\\%c", byte);
		return;
	default:
		text_add(out, byte >= 0x20 && byte < 0x7f ? "%c" : "\\x%02x", byte);
	}
}

void text_add_quoted(struct text *out, const uint8_t *bytes, size_t count)
{
	text_add(out, "\"");
	for (size_t i = 0; i < count; i++)
		add_quoted_byte(out, bytes[i]);
	text_add(out, "\"");
}
