/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/json.h"

#include <string.h>

#include "base/time.h"
#include "base/utf8.h"

/* The quote before text that is written in parts; the one behind it is the caller's. */
static void open_text(struct json *json)
{
	char *at = json_begin(json);

	*at = '"';
	json_end(json, at + 1);
}

void json_bool(struct json *json, bool value)
{
	json_end(json, json_put_bool(json_begin(json), value));
}

void json_null(struct json *json)
{
	json_word(json, NULL);
}

static void escaped(struct out *out, unsigned char c)
{
	if (c == '"' || c == '\\')
		out_format(out, "\\%c", c);
	else if (c == '\n')
		out_bytes(out, "\\n", 2);
	else
		out_format(out, "\\u%04x", c);
}

/* C1 controls and what turns the writing direction: harmless in JSON, not on a terminal. */
static void escaped_wide(struct out *out, const char *text, size_t length)
{
	uint32_t code =
		length == 2 ? (unsigned char)text[0] & 0x1fu : (unsigned char)text[0] & 0xfu;

	for (size_t i = 1; i < length; i++)
		code = code << 6 | ((unsigned char)text[i] & 0x3fu);
	out_format(out, "\\u%04x", code);
}

#define EACH_BYTE UINT64_C(0x0101010101010101)

/* Bit 7 of each byte that is 0; of others too, behind one that is. */
static uint64_t zero_bytes(uint64_t eight)
{
	return (eight - EACH_BYTE) & ~eight & 0x80 * EACH_BYTE;
}

/* Whether none of eight bytes needs a look: printable ASCII but the two that are escaped. */
static bool eight_plain(const char *text)
{
	uint64_t eight;

	memcpy(&eight, text, sizeof(eight));
	uint64_t control = (eight - 0x20 * EACH_BYTE) & ~eight; /* below 0x20 */

	return !(((control | eight) & 0x80 * EACH_BYTE) | zero_bytes(eight ^ 0x7f * EACH_BYTE) |
		 zero_bytes(eight ^ '"' * EACH_BYTE) | zero_bytes(eight ^ '\\' * EACH_BYTE));
}

/* How many bytes from here on need no look at all. */
static size_t plain_run(const char *text, const char *end)
{
	const char *at = text;

	while (end - at >= 8 && eight_plain(at))
		at += 8;
	while (*at >= 0x20 && *at < 0x7f && *at != '"' && *at != '\\')
		at++;
	return (size_t)(at - text);
}

void json_text(struct json *json, const char *text)
{
	if (!text) {
		json_null(json);
		return;
	}
	open_text(json);

	const char *end = text + strlen(text);

	while (text < end) {
		size_t run = plain_run(text, end);

		out_bytes(json->out, text, run);
		text += run;
		if (text == end)
			break;
		size_t length = utf8_length(text, (size_t)(end - text));
		unsigned char first = (unsigned char)*text;

		if (length == 0) {
			out_text(json->out, "\xef\xbf\xbd"); /* U+FFFD for what is no UTF-8 */
			text++;
		} else if (length > 1 && utf8_is_control(text, length)) {
			escaped_wide(json->out, text, length);
			text += length;
		} else if (length == 1 &&
			   (first < 0x20 || first == 0x7f || first == '"' || first == '\\')) {
			escaped(json->out, first);
			text++;
		} else {
			out_bytes(json->out, text, length);
			text += length;
		}
	}
	out_char(json->out, '"');
}

void json_address(struct json *json, const struct ip_address *ip)
{
	open_text(json);
	out_address(json->out, ip);
	out_char(json->out, '"');
}

void json_key_bool(struct json *json, const char *key, bool value)
{
	json_key(json, key);
	json_bool(json, value);
}

void json_key_text(struct json *json, const char *key, const char *text)
{
	json_key(json, key);
	json_text(json, text);
}

void json_key_ns(struct json *json, const char *key, int64_t time_ns)
{
	json_key(json, key);
	if (time_ns == TIME_NONE)
		json_null(json);
	else
		json_i64(json, time_ns);
}

void json_key_moment(struct json *json, const char *key, const char *key_ns, int64_t time_ns)
{
	char text[TIME_TEXT_BYTES];

	if (time_ns == TIME_NONE) {
		json_key_null(json, key);
		json_key_null(json, key_ns);
		return;
	}
	time_format_utc(text, time_ns);
	json_key_word(json, key, text);
	json_key_i64(json, key_ns, time_ns);
}

void json_end_line(struct json *json)
{
	out_char(json->out, '\n');
	json->comma = false;
}
