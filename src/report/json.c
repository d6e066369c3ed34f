/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/json.h"

#include <string.h>

#include "base/time.h"
#include "base/utf8.h"

static void before_item(struct json *json)
{
	if (json->comma)
		out_char(json->out, ',');
	json->comma = true;
}

void json_open(struct json *json, char bracket)
{
	before_item(json);
	out_char(json->out, bracket);
	json->comma = false;
}

void json_close(struct json *json, char bracket)
{
	out_char(json->out, bracket);
	json->comma = true;
}

void json_key(struct json *json, const char *key)
{
	before_item(json);
	out_char(json->out, '"');
	out_text(json->out, key);
	out_bytes(json->out, "\":", 2);
	json->comma = false;
}

void json_u64(struct json *json, uint64_t number)
{
	before_item(json);
	out_u64(json->out, number);
}

void json_i64(struct json *json, int64_t number)
{
	before_item(json);
	out_i64(json->out, number);
}

void json_bool(struct json *json, bool value)
{
	before_item(json);
	out_text(json->out, value ? "true" : "false");
}

void json_null(struct json *json)
{
	before_item(json);
	out_bytes(json->out, "null", 4);
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

/* How many bytes from here on need no look at all: printable ASCII but the two that are escaped. */
static size_t plain_run(const char *text)
{
	size_t length = 0;

	while (text[length] >= 0x20 && text[length] < 0x7f && text[length] != '"' &&
	       text[length] != '\\')
		length++;
	return length;
}

void json_text(struct json *json, const char *text)
{
	if (!text) {
		json_null(json);
		return;
	}
	before_item(json);
	out_char(json->out, '"');

	const char *end = text + strlen(text);

	while (text < end) {
		size_t run = plain_run(text);

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
	before_item(json);
	out_char(json->out, '"');
	out_address(json->out, ip);
	out_char(json->out, '"');
}

void json_key_u64(struct json *json, const char *key, uint64_t number)
{
	json_key(json, key);
	json_u64(json, number);
}

void json_key_i64(struct json *json, const char *key, int64_t number)
{
	json_key(json, key);
	json_i64(json, number);
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

void json_key_null(struct json *json, const char *key)
{
	json_key(json, key);
	json_null(json);
}

void json_key_count(struct json *json, const char *key, uint64_t number)
{
	if (number > 0)
		json_key_u64(json, key, number);
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
	json_key_text(json, key, text);
	json_key_i64(json, key_ns, time_ns);
}

void json_end_line(struct json *json)
{
	out_char(json->out, '\n');
	json->comma = false;
}
