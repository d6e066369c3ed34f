/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/out.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digits.h"
#include "base/utf8.h"

bool out_init(struct out *out, int fd, struct err *err)
{
	*out = (struct out){ .fd = fd, .buffer = malloc(OUT_BUFFER_BYTES) };
	if (!out->buffer)
		return err_set(err, ERR_SYSTEM, "no memory for the output buffer");
	return true;
}

void out_clear(struct out *out)
{
	free(out->buffer);
	out->buffer = NULL;
}

static void write_all(struct out *out, const char *bytes, size_t count)
{
	while (count > 0 && !out_useless(out)) {
		ssize_t written = write(out->fd, bytes, count);

		if (written > 0) {
			bytes += written;
			count -= (size_t)written;
		} else if (written < 0 && errno == EPIPE) {
			out->closed = true;
		} else if (written == 0 || errno != EINTR) {
			out->error_number = written == 0 ? EIO : errno;
		}
	}
}

void out_flush(struct out *out)
{
	write_all(out, out->buffer, out->used);
	out->used = 0;
}

bool out_finish(struct out *out, struct err *err)
{
	out_flush(out);
	if (out->error_number == 0)
		return true;
	err_set(err, ERR_SYSTEM, "writing the results failed: %s", strerror(out->error_number));
	err_at(err, "standard output");
	err_fix(err, "free some space or write to another place; what was written is incomplete");
	return false;
}

void out_bytes(struct out *out, const void *bytes, size_t count)
{
	if (count > OUT_BUFFER_BYTES - out->used) {
		out_flush(out);
		if (count > OUT_BUFFER_BYTES) {
			write_all(out, bytes, count);
			return;
		}
	}
	memcpy(out->buffer + out->used, bytes, count);
	out->used += count;
}

void out_text(struct out *out, const char *text)
{
	out_bytes(out, text, strlen(text));
}

void out_spaces(struct out *out, size_t count)
{
	static const char spaces[] = "                                                            "
				     "                    ";

	while (count > 0) {
		size_t some = count < sizeof(spaces) - 1 ? count : sizeof(spaces) - 1;

		out_bytes(out, spaces, some);
		count -= some;
	}
}

void out_u64(struct out *out, uint64_t number)
{
	out_wrote(out, digits_put(out_room(out, DIGITS_MOST), number));
}

void out_i64(struct out *out, int64_t number)
{
	out_wrote(out, digits_put_signed(out_room(out, DIGITS_MOST + 1), number));
}

void out_format(struct out *out, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	int length = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (length > 0)
		out_bytes(out, text,
			  (size_t)length < sizeof(text) ? (size_t)length : sizeof(text) - 1);
}

void out_foreign(struct out *out, const char *text)
{
	const char *end = text + strlen(text);

	while (text < end) {
		size_t length = utf8_length(text, (size_t)(end - text));
		unsigned char first = (unsigned char)*text;

		if (length > 0 && first >= 0x20 && first != 0x7f &&
		    !utf8_is_control(text, length)) {
			out_bytes(out, text, length);
			text += length;
		} else {
			out_format(out, "\\x%02x", first);
			text++;
		}
	}
}

void out_address(struct out *out, const struct ip_address *ip)
{
	char *text = out_room(out, ADDRESS_TEXT_BYTES);

	ip_address_print(ip, text);
	out_wrote(out, text + strlen(text));
}

void out_endpoint(struct out *out, const struct ip_address *ip, uint16_t port)
{
	char text[ADDRESS_PORT_TEXT_BYTES];

	ip_address_port_print(ip, port, text);
	out_text(out, text);
}
