/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_REPORT_JSON_H
#define TCPWHY_REPORT_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "report/out.h"

/*
 * A streaming JSON writer: commas are its business, nesting is the caller's. What it writes is
 * valid UTF-8 whatever it is given.
 */
struct json {
	struct out *out; /* borrowed */
	bool comma;	 /* the next item needs one before it */
};

/* One of "{}" or "[]". */
void json_open(struct json *json, char bracket);
void json_close(struct json *json, char bracket);

/* @key: static ASCII without anything to escape. */
void json_key(struct json *json, const char *key);

void json_u64(struct json *json, uint64_t number);
void json_i64(struct json *json, int64_t number);
void json_bool(struct json *json, bool value);
void json_null(struct json *json);
void json_text(struct json *json, const char *text); /* NULL gives null */
void json_address(struct json *json, const struct ip_address *ip);

/* Key and value in one. */
void json_key_u64(struct json *json, const char *key, uint64_t number);
void json_key_i64(struct json *json, const char *key, int64_t number);
void json_key_bool(struct json *json, const char *key, bool value);
void json_key_text(struct json *json, const char *key, const char *text);
void json_key_null(struct json *json, const char *key);

/* A count that is left out where it is zero. */
void json_key_count(struct json *json, const char *key, uint64_t number);

/* A duration or a moment; TIME_NONE gives null. */
void json_key_ns(struct json *json, const char *key, int64_t time_ns);

/* "key":"2026-01-02T09:14:02.118000000Z","key_ns":... */
void json_key_moment(struct json *json, const char *key, const char *key_ns, int64_t time_ns);

/* End one line of JSON Lines. */
void json_end_line(struct json *json);

#endif /* TCPWHY_REPORT_JSON_H */
