/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/duration.h"

#include <string.h>

#include "base/time.h"

static const struct {
	const char *name;
	int64_t ns;
} units[] = {
	{ "ns", 1 },	       { "us", NSEC_PER_USEC },	   { "ms", NSEC_PER_MSEC },
	{ "s", NSEC_PER_SEC }, { "m", 60 * NSEC_PER_SEC }, { "h", 3600 * NSEC_PER_SEC },
};
#define UNITS (sizeof(units) / sizeof(units[0]))

#define SPAN_MOST (INT64_MAX / 2)

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int64_t unit_ns(const char *text, size_t length)
{
	for (size_t i = 0; i < UNITS; i++)
		if (strlen(units[i].name) == length && memcmp(units[i].name, text, length) == 0)
			return units[i].ns;
	return 0;
}

bool duration_parse(const char *text, size_t length, int64_t *ns)
{
	size_t at = 0, digits = 0;
	int64_t whole = 0, part = 0, scale = 1;

	for (; at < length && is_digit(text[at]); at++, digits++) {
		if (whole > SPAN_MOST / 10 - 1)
			return false;
		whole = whole * 10 + (text[at] - '0');
	}
	if (at < length && text[at] == '.')
		for (at++; at < length && is_digit(text[at]); at++, digits++) {
			if (scale >= NSEC_PER_SEC)
				continue; /* finer than a nanosecond */
			part = part * 10 + (text[at] - '0');
			scale *= 10;
		}
	if (digits == 0)
		return false;

	int64_t unit = unit_ns(text + at, length - at);

	if (at == length && whole == 0 && part == 0)
		unit = 1;
	if (unit == 0 || whole > SPAN_MOST / unit - 1)
		return false;
	/* part < 1e9: in two steps, so that hours do not overflow */
	*ns = whole * unit + part * (unit / scale) + part * (unit % scale) / scale;
	return true;
}
