/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_REPORT_JSON_H
#define TCPWHY_REPORT_JSON_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/digits.h"
#include "report/out.h"

/*
 * A streaming JSON writer: commas are its business, nesting is the caller's. What it writes is
 * valid UTF-8 whatever it is given.
 */
struct json {
	struct out *out; /* borrowed */
	bool comma;	 /* the next item needs one before it */
};

/* Bytes of a key, or of another text that is written as it is, at most. */
#define JSON_WORD_MOST ((size_t)256)

/* The comma before an item, and its opening; room for the item, and JSON_WORD_MOST behind it. */
static inline char *json_begin(struct json *json)
{
	char *at = out_room(json->out, 2 * JSON_WORD_MOST);

	*at = ',';
	return at + json->comma;
}

static inline void json_end(struct json *json, const char *at)
{
	out_wrote(json->out, at);
	json->comma = true;
}

/* One of "{}" or "[]". */
static inline void json_open(struct json *json, char bracket)
{
	char *at = json_begin(json);

	*at = bracket;
	out_wrote(json->out, at + 1);
	json->comma = false;
}

static inline void json_close(struct json *json, char bracket)
{
	out_char(json->out, bracket);
	json->comma = true;
}

static inline char *json_put(char *at, const void *bytes, size_t count)
{
	assert(count <= JSON_WORD_MOST);
	memcpy(at, bytes, count);
	return at + count;
}

/* "key": at a place that has room; where the key is a literal this is a copy of known length. */
static inline char *json_put_key(char *at, const char *key)
{
	*at = '"';
	at = json_put(at + 1, key, strlen(key));
	return json_put(at, "\":", 2);
}

/* @key: static ASCII without anything to escape. */
static inline void json_key(struct json *json, const char *key)
{
	out_wrote(json->out, json_put_key(json_begin(json), key));
	json->comma = false;
}

static inline void json_u64(struct json *json, uint64_t number)
{
	json_end(json, digits_put(json_begin(json), number));
}

static inline void json_i64(struct json *json, int64_t number)
{
	json_end(json, digits_put_signed(json_begin(json), number));
}

/* Text as it is: static ASCII without anything to escape, not above JSON_WORD_MOST; NULL gives
   null. */
static inline char *json_put_word(char *at, const char *word)
{
	if (!word)
		return json_put(at, "null", 4);
	*at = '"';
	at = json_put(at + 1, word, strlen(word));
	*at = '"';
	return at + 1;
}

/* ,"key":number where room was had for all of an object's items. */
static inline char *json_put_number(char *at, const char *key, uint64_t number)
{
	*at = ',';
	return digits_put(json_put_key(at + 1, key), number);
}

/* ,"key":text as it is */
static inline char *json_put_fixed(char *at, const char *key, const char *word)
{
	*at = ',';
	return json_put_word(json_put_key(at + 1, key), word);
}

/* The same for a count that is left out where it is zero. */
static inline char *json_put_count(char *at, const char *key, uint64_t number)
{
	return number > 0 ? json_put_number(at, key, number) : at;
}

static inline char *json_put_bool(char *at, bool value)
{
	memcpy(at, value ? "true" : "false", 5);
	return at + 5 - value;
}

static inline void json_word(struct json *json, const char *word)
{
	json_end(json, json_put_word(json_begin(json), word));
}

void json_bool(struct json *json, bool value);
void json_null(struct json *json);
void json_text(struct json *json, const char *text); /* NULL gives null */
void json_address(struct json *json, const struct ip_address *ip);

/* Key and value in one. */
static inline void json_key_u64(struct json *json, const char *key, uint64_t number)
{
	json_end(json, digits_put(json_put_key(json_begin(json), key), number));
}

static inline void json_key_i64(struct json *json, const char *key, int64_t number)
{
	json_end(json, digits_put_signed(json_put_key(json_begin(json), key), number));
}

static inline void json_key_word(struct json *json, const char *key, const char *word)
{
	json_end(json, json_put_word(json_put_key(json_begin(json), key), word));
}

static inline void json_key_null(struct json *json, const char *key)
{
	json_key_word(json, key, NULL);
}

void json_key_bool(struct json *json, const char *key, bool value);
void json_key_text(struct json *json, const char *key, const char *text);

/* A count that is left out where it is zero. */
static inline void json_key_count(struct json *json, const char *key, uint64_t number)
{
	if (number > 0)
		json_key_u64(json, key, number);
}

/* A duration or a moment; TIME_NONE gives null. */
void json_key_ns(struct json *json, const char *key, int64_t time_ns);

/* "key":"2026-01-02T09:14:02.118000000Z","key_ns":... */
void json_key_moment(struct json *json, const char *key, const char *key_ns, int64_t time_ns);

/* End one line of JSON Lines. */
void json_end_line(struct json *json);

#endif /* TCPWHY_REPORT_JSON_H */
