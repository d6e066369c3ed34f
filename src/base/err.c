/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/err.h"

#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include "base/utf8.h"

static void fill(char *text, size_t bytes, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));

static void fill(char *text, size_t bytes, const char *format, va_list args)
{
	if (text[0] == '\0')
		vsnprintf(text, bytes, format, args);
}

bool err_set(struct err *err, enum err_kind kind, const char *format, ...)
{
	va_list args;

	if (!err || err->kind != ERR_NONE)
		return false;
	err->kind = kind;
	va_start(args, format);
	fill(err->what, sizeof(err->what), format, args);
	va_end(args);
	return false;
}

void err_at(struct err *err, const char *format, ...)
{
	va_list args;

	if (!err)
		return;
	va_start(args, format);
	fill(err->where, sizeof(err->where), format, args);
	va_end(args);
}

void err_fix(struct err *err, const char *format, ...)
{
	va_list args;

	if (!err)
		return;
	va_start(args, format);
	fill(err->fix, sizeof(err->fix), format, args);
	va_end(args);
}

/*
 * File names and texts from a capture are data: never send their control characters raw, nor
 * bytes that are no UTF-8 (an 8-bit terminal takes 0x9b for the start of an escape sequence).
 */
static void print_escaped(FILE *to, const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		size_t length = utf8_length(text, left);

		if (length > 0 && !utf8_is_control(text, length)) {
			fwrite(text, 1, length, to);
		} else {
			length = length > 0 ? length : 1;
			for (size_t i = 0; i < length; i++)
				fprintf(to, "\\x%02x", (unsigned char)text[i]);
		}
		text += length;
		left -= length;
	}
}

static void print_line(FILE *to, const char *label, const char *text)
{
	if (text[0] == '\0')
		return;
	fputs(label, to);
	print_escaped(to, text);
	fputc('\n', to);
}

void err_print(FILE *to, const char *who, const struct err *err)
{
	if (err->kind == ERR_NONE)
		return;
	fprintf(to, "%s", who);
	print_line(to, ": ", err->what);
	print_line(to, "  in:  ", err->where);
	print_line(to, "  try: ", err->fix);
}

int err_exit_status(const struct err *err)
{
	switch (err->kind) {
	case ERR_NONE:
		return 0;
	case ERR_USAGE:
		return 2;
	case ERR_INPUT:
		return 3;
	case ERR_SYSTEM:
		break;
	}
	return 4;
}
