/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/utf8.h"

static bool continues(unsigned char byte)
{
	return (byte & 0xc0) == 0x80;
}

/* The second byte has a narrower range after some first bytes: RFC 3629's UTF8-3 and UTF8-4. */
static bool second_fits(unsigned char first, unsigned char second)
{
	if (first == 0xe0)
		return second >= 0xa0 && second <= 0xbf;
	if (first == 0xed)
		return second >= 0x80 && second <= 0x9f;
	if (first == 0xf0)
		return second >= 0x90 && second <= 0xbf;
	if (first == 0xf4)
		return second >= 0x80 && second <= 0x8f;
	return continues(second);
}

static size_t length_by_first(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef)
		return 3;
	if (first >= 0xf0 && first <= 0xf4)
		return 4;
	return 0;
}

size_t utf8_length(const char *bytes, size_t left)
{
	const unsigned char *b = (const unsigned char *)bytes;
	size_t length = length_by_first(b[0]);

	if (length == 0 || length > left)
		return 0;
	if (length > 1 && !second_fits(b[0], b[1]))
		return 0;
	for (size_t i = 2; i < length; i++)
		if (!continues(b[i]))
			return 0;
	return length;
}

bool utf8_is_control(const char *bytes, size_t length)
{
	const unsigned char *b = (const unsigned char *)bytes;

	if (length == 1)
		return b[0] < 0x20 || b[0] == 0x7f;
	if (length == 2)
		return b[0] == 0xc2 && b[1] < 0xa0;
	/* U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069: they reorder what stands around. */
	if (length == 3 && b[0] == 0xe2 && b[1] == 0x80)
		return b[2] == 0x8e || b[2] == 0x8f || (b[2] >= 0xaa && b[2] <= 0xae);
	if (length == 3 && b[0] == 0xe2 && b[1] == 0x81)
		return b[2] >= 0xa6 && b[2] <= 0xa9;
	return false;
}
