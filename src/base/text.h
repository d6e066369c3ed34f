/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_BASE_TEXT_H
#define TCPWHY_BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* Text put together in a fixed buffer: always NUL-terminated, cut where the room ends. */
struct text {
	char *start;   /* borrowed */
	size_t room;   /* bytes at start, the NUL included; at least 1 */
	size_t length; /* characters wanted so far; >= room: the text was cut */
};

/* Start an empty text. */
struct text text_over(char *start, size_t room);

void text_add(struct text *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Nanoseconds as seconds, without needless zeros: "0.0004", "60", "-0.1". */
void text_add_seconds(struct text *out, int64_t ns);

/* "0a1b" */
void text_add_hex(struct text *out, const uint8_t *bytes, size_t count);

/* In double quotes, what is not printable escaped as scan_quoted() reads it. */
void text_add_quoted(struct text *out, const uint8_t *bytes, size_t count);

#endif /* TCPWHY_BASE_TEXT_H */
