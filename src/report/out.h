/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_REPORT_OUT_H
#define TCPWHY_REPORT_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "tcp/address.h"
#include "tcp/segment.h"

#define OUT_BUFFER_BYTES ((size_t)256 * 1024)

/*
 * Buffered output of results to a file descriptor. A failed write is remembered: later calls do
 * nothing, and out_finish() tells. A reader that went away (EPIPE) is no error.
 */
struct out {
	int fd;
	char *buffer; /* owned */
	size_t used;
	bool closed;	  /* the reader went away: nothing more is wanted */
	int error_number; /* errno of the first other failure; 0 none */
};

/* Return: false when there is no memory (ERR_SYSTEM). */
bool out_init(struct out *out, int fd, struct err *err);
void out_clear(struct out *out);

/* Write out what is buffered. Return: false, with ERR_SYSTEM, when a write failed (not EPIPE). */
bool out_finish(struct out *out, struct err *err);

/* Write what is buffered now, so that a reader of a pipe sees whole lines early. */
void out_flush(struct out *out);

/* Whether more output is pointless: the reader is gone or a write failed. */
static inline bool out_useless(const struct out *out)
{
	return out->closed || out->error_number != 0;
}

/* Room for @count more bytes (not above OUT_BUFFER_BYTES), to be written there and then counted by
   out_wrote(), which is told where they end. */
static inline char *out_room(struct out *out, size_t count)
{
	if (count > OUT_BUFFER_BYTES - out->used)
		out_flush(out);
	return out->buffer + out->used;
}

static inline void out_wrote(struct out *out, const char *end)
{
	out->used = (size_t)(end - out->buffer);
}

void out_bytes(struct out *out, const void *bytes, size_t count);

static inline void out_char(struct out *out, char c)
{
	if (out->used == OUT_BUFFER_BYTES)
		out_flush(out);
	out->buffer[out->used++] = c;
}

void out_text(struct out *out, const char *text);
void out_spaces(struct out *out, size_t count);
void out_u64(struct out *out, uint64_t number);
void out_i64(struct out *out, int64_t number);
void out_format(struct out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Text that came from a capture or the user: control characters are shown escaped, bytes that
   are not UTF-8 as \xNN. */
void out_foreign(struct out *out, const char *text);

/* "10.0.0.2" or "2001:db8::1"; with out_endpoint "10.0.0.2:9000" or "[2001:db8::1]:9000". */
void out_address(struct out *out, const struct ip_address *ip);
void out_endpoint(struct out *out, const struct ip_address *ip, uint16_t port);

#endif /* TCPWHY_REPORT_OUT_H */
