/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/scan.h"

#include <string.h>

#include "base/time.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool word_is(struct word word, const char *text)
{
	return strlen(text) == word.length && memcmp(word.text, text, word.length) == 0;
}

bool scan_end(struct scan *in)
{
	while (is_blank(*in->at))
		in->at++;
	return *in->at == '\0' || *in->at == '#';
}

struct word scan_peek(const struct scan *in, const char *stop)
{
	struct scan ahead = *in;

	return scan_word(&ahead, stop);
}

struct word scan_word(struct scan *in, const char *stop)
{
	struct word word = { .text = in->at, .length = 0 };

	if (scan_end(in)) {
		word.text = in->at;
		return word;
	}
	word.text = in->at;
	while (*in->at && !is_blank(*in->at) && !strchr(stop, *in->at))
		in->at++;
	word.length = (size_t)(in->at - word.text);
	return word;
}

bool scan_char(struct scan *in, char wanted)
{
	if (*in->at != wanted)
		return false;
	in->at++;
	return true;
}

bool scan_fail(const struct scan *in, const char *what, const char *wanted, struct err *err)
{
	struct scan ahead = *in;
	bool end = scan_end(&ahead);
	int column = (int)(ahead.at - ahead.line) + 1;
	struct word found = scan_word(&ahead, "");
	int length = (int)(found.length < 40 ? found.length : 40);

	if (end)
		return err_set(err, ERR_USAGE, "%s: %s, but the line ends at column %d", what,
			       wanted, column);
	return err_set(err, ERR_USAGE, "%s: %s, found \"%.*s\" at column %d", what, wanted, length,
		       found.text, column);
}

bool scan_u64(struct scan *in, const char *what, uint64_t most, uint64_t *value, struct err *err)
{
	struct scan ahead = *in;
	uint64_t sum = 0;

	if (scan_end(&ahead) || !is_digit(*ahead.at))
		return scan_fail(in, what, "a number is wanted", err);
	for (; is_digit(*ahead.at); ahead.at++) {
		unsigned digit = (unsigned)(*ahead.at - '0');

		if (digit > most || sum > (most - digit) / 10) {
			scan_fail(in, what, "the number is too large", err);
			err_fix(err, "the largest that fits is %llu", (unsigned long long)most);
			return false;
		}
		sum = sum * 10 + digit;
	}
	*in = ahead;
	*value = sum;
	return true;
}

bool scan_s64(struct scan *in, const char *what, int64_t *value, struct err *err)
{
	struct scan ahead = *in;
	uint64_t distance = 0;
	bool negative = !scan_end(&ahead) && scan_char(&ahead, '-');

	if (negative && !is_digit(*ahead.at))
		return scan_fail(in, what, "a number is wanted", err);
	if (!scan_u64(&ahead, what, UINT32_MAX, &distance, err))
		return false;
	*in = ahead;
	*value = negative ? -(int64_t)distance : (int64_t)distance;
	return true;
}

bool scan_seconds(struct scan *in, const char *what, int64_t *ns, struct err *err)
{
	const uint64_t seconds_most = INT64_MAX / NSEC_PER_SEC - 1;
	struct scan ahead = *in;
	uint64_t seconds = 0;
	int64_t fraction = 0;
	int64_t digit_ns = NSEC_PER_SEC / 10;
	bool negative = !scan_end(&ahead) && scan_char(&ahead, '-');

	if (!is_digit(*ahead.at))
		return scan_fail(in, what, "seconds are wanted", err);
	if (!scan_u64(&ahead, what, seconds_most, &seconds, err))
		return false;
	if (scan_char(&ahead, '.')) {
		if (!is_digit(*ahead.at))
			return scan_fail(in, what, "decimals are wanted after the point", err);
		for (; is_digit(*ahead.at); ahead.at++, digit_ns /= 10) {
			if (digit_ns == 0)
				return scan_fail(in, what, "at most 9 decimals", err);
			fraction += (*ahead.at - '0') * digit_ns;
		}
	}
	*in = ahead;
	*ns = (int64_t)seconds * NSEC_PER_SEC + fraction;
	if (negative)
		*ns = -*ns;
	return true;
}

bool scan_hex(struct scan *in, const char *what, uint8_t *bytes, size_t *count, struct err *err)
{
	size_t room = *count;

	*count = 0;
	scan_end(in);
	while (hex_value(in->at[0]) >= 0) {
		int low = hex_value(in->at[1]);

		if (low < 0)
			return scan_fail(in, what, "hexadecimal digits come in pairs", err);
		if (*count == room)
			return scan_fail(in, what, "that is too many bytes", err);
		bytes[(*count)++] = (uint8_t)(hex_value(in->at[0]) << 4 | low);
		in->at += 2;
	}
	return true;
}

/* One character of quoted text, escapes undone. Return: -1 where it is none. */
static int quoted_char(struct scan *in)
{
	static const char letters[] = "rnt\\\"";
	static const char meanings[] = "\r\n\t\\\"";

	if (*in->at == '\0')
		return -1;
	if (!scan_char(in, '\\'))
		return (unsigned char)*in->at++;
	if (scan_char(in, 'x')) {
		int high = hex_value(in->at[0]);
		int low = high < 0 ? -1 : hex_value(in->at[1]);

		if (low < 0)
			return -1;
		in->at += 2;
		return high << 4 | low;
	}

	const char *found = *in->at ? strchr(letters, *in->at) : NULL;

	if (!found)
		return -1;
	in->at++;
	return (unsigned char)meanings[found - letters];
}

bool scan_quoted(struct scan *in, const char *what, uint8_t *bytes, size_t *count, struct err *err)
{
	size_t room = *count;

	*count = 0;
	scan_end(in);
	if (!scan_char(in, '"'))
		return scan_fail(in, what, "text in double quotes is wanted", err);
	while (!scan_char(in, '"')) {
		int c = quoted_char(in);

		if (c < 0)
			return scan_fail(in, what, "an escape or a closing quote is wrong", err);
		if (*count == room)
			return scan_fail(in, what, "that is too many bytes", err);
		bytes[(*count)++] = (uint8_t)c;
	}
	return true;
}
