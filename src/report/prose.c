/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/prose.h"

#include <stdio.h>
#include <string.h>

size_t prose_columns(const char *text)
{
	size_t columns = 0;

	for (; *text; text++)
		if (((unsigned char)*text & 0xc0) != 0x80) /* not a continuation byte */
			columns++;
	return columns;
}

static void put_word(struct out *out, const char *word, size_t length)
{
	char text[256];

	while (length > 0) {
		size_t some = length < sizeof(text) - 1 ? length : sizeof(text) - 1;

		memcpy(text, word, some);
		text[some] = '\0';
		out_foreign(out, text);
		word += some;
		length -= some;
	}
}

static size_t word_columns(const char *word, size_t length)
{
	size_t columns = 0;

	for (size_t i = 0; i < length; i++)
		if (((unsigned char)word[i] & 0xc0) != 0x80)
			columns++;
	return columns;
}

void prose_wrap(struct out *out, size_t column, size_t indent, const char *text)
{
	bool first = true;

	while (*text) {
		size_t length = strcspn(text, " ");
		size_t columns = word_columns(text, length);

		if (!first && column + 1 + columns > PROSE_COLUMNS) {
			out_char(out, '\n');
			out_spaces(out, indent);
			column = indent;
			first = true;
		}
		if (!first) {
			out_char(out, ' ');
			column++;
		}
		put_word(out, text, length);
		column += columns;
		first = false;
		text += length;
		text += strspn(text, " ");
	}
	out_char(out, '\n');
}

void prose_item(struct out *out, const char *label, size_t indent, const char *text)
{
	size_t columns = prose_columns(label);

	out_text(out, label);
	if (columns < indent) {
		out_spaces(out, indent - columns);
	} else {
		out_char(out, ' ');
		columns++;
	}
	prose_wrap(out, columns < indent ? indent : columns, indent, text);
}

void prose_number(struct out *out, uint64_t number)
{
	char digits[24];
	int length = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number);

	for (int i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			out_char(out, ',');
		out_char(out, digits[i]);
	}
}

void prose_count(struct out *out, uint64_t number, const char *one, const char *many)
{
	prose_number(out, number);
	out_char(out, ' ');
	out_text(out, number == 1 ? one : many);
}
