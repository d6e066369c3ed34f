/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_BASE_SCAN_H
#define TCPWHY_BASE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Reads one line of text from left to right. Functions that want something set @err (kind
 * ERR_USAGE: the caller may turn it into what its input is) with the words found and the column;
 * the caller adds the file and the line.
 */
struct scan {
	const char *line; /* borrowed, NUL-terminated: where columns count from */
	const char *at;	  /* next character */
};

static inline struct scan scan_over(const char *line)
{
	struct scan in = { .line = line, .at = line };

	return in;
}

/* A piece of the line; not NUL-terminated. */
struct word {
	const char *text; /* borrowed from the line */
	size_t length;
};

bool word_is(struct word word, const char *text);

/* Pass over blanks. Return: whether nothing but a comment (#) is left. */
bool scan_end(struct scan *in);

/* Take the next word: up to a blank, or to one of the characters in @stop (which is left). Empty
   at the end of the line. */
struct word scan_word(struct scan *in, const char *stop);

/* The next word without taking it. */
struct word scan_peek(const struct scan *in, const char *stop);

/* Take the next character when it is @wanted. */
bool scan_char(struct scan *in, char wanted);

/* Take a decimal number of at most @most. @what: how the error calls it, "ttl". */
bool scan_u64(struct scan *in, const char *what, uint64_t most, uint64_t *value, struct err *err);

/* Take a number that may be negative; its distance from 0 is below 2^32. */
bool scan_s64(struct scan *in, const char *what, int64_t *value, struct err *err);

/* Take seconds with up to 9 decimals, perhaps negative, as nanoseconds: "0.0004". */
bool scan_seconds(struct scan *in, const char *what, int64_t *ns, struct err *err);

/* Take an even number of hexadecimal digits, perhaps none. @count: in, room; out, bytes. */
bool scan_hex(struct scan *in, const char *what, uint8_t *bytes, size_t *count, struct err *err);

/* Take text in double quotes, with \r \n \t \\ \" \xHH. @count: in, room; out, bytes. */
bool scan_quoted(struct scan *in, const char *what, uint8_t *bytes, size_t *count, struct err *err);

/* Set @err to: WHAT: WANTED, found "WORD" at column N. Return: false. */
bool scan_fail(const struct scan *in, const char *what, const char *wanted, struct err *err);

#endif /* TCPWHY_BASE_SCAN_H */
