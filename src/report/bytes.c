/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/bytes.h"

#include <string.h>

#include "report/prose.h"
#include "tcp/notation.h"
#include "tcp/option.h"

#define ROW_BYTES    4	/* shown side by side */
#define TEXT_COLUMN  21 /* "    40  02 04 05 b4  " */
#define TEXT_COLUMNS (PROSE_COLUMNS - TEXT_COLUMN)
#define MEANING_ROOM 1200
#define SHOWN_BYTES  64 /* of long data */

/* Where a header is specified. */
static const struct {
	const char *header, *source;
} sources[] = {
	{ "IPv4", "RFC 791, section 3.1" },
	{ "IPv6", "RFC 8200, section 3" },
	{ "TCP", "RFC 9293, section 3.1" },
};

const struct field *bytes_find(const struct bytes_packet *packet, const char *header,
			       const char *name)
{
	for (unsigned i = packet->layout->count; i-- > 0;) {
		const struct field *field = &packet->layout->fields[i];

		if (strcmp(field->header, header) == 0 && strcmp(field->name, name) == 0)
			return field;
	}
	return NULL;
}

uint32_t bytes_number(const struct bytes_packet *packet, const struct field *field)
{
	uint32_t number = 0;

	for (uint32_t i = 0; field && i < field->bytes; i++)
		number = number << 8 | packet->bytes[field->offset + i];
	return number;
}

static void put_hex(struct out *out, const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < ROW_BYTES; i++) {
		if (i < count)
			out_format(out, "%02x", bytes[i]);
		else
			out_spaces(out, 2);
		out_spaces(out, i + 1 < ROW_BYTES ? 1 : 2);
	}
}

/* How many letters of a text fit on a line: up to a blank, if there is one. */
static size_t line_letters(const char *text)
{
	size_t length = strlen(text);

	if (length <= TEXT_COLUMNS)
		return length;
	for (size_t end = TEXT_COLUMNS; end > 0; end--)
		if (text[end] == ' ')
			return end;
	return TEXT_COLUMNS;
}

/* Bytes on the left, four in a line, and a text of plain ASCII on the right. */
static void put_row(struct out *out, const struct bytes_packet *packet, const struct field *field,
		    const char *text)
{
	size_t at = field->offset, end = at + field->bytes;

	while (at < end || *text) {
		size_t some = end - at < ROW_BYTES ? end - at : ROW_BYTES;
		size_t letters = line_letters(text);

		if (some == 0 && letters > 0)
			out_spaces(out, TEXT_COLUMN);
		if (some > 0) {
			out_format(out, "%6zu  ", at);
			if (letters > 0)
				put_hex(out, packet->bytes + at, some);
			for (size_t i = 0; letters == 0 && i < some; i++)
				out_format(out, i ? " %02x" : "%02x", packet->bytes[at + i]);
		}
		out_bytes(out, text, letters);
		out_char(out, '\n');
		at += some;
		text += letters;
		text += strspn(text, " ");
	}
}

/* How long the option at the start of some bytes is; 0: its length makes no sense. */
static uint32_t option_bytes(const uint8_t *option, uint32_t left)
{
	if (option[0] == TCP_OPTION_END || option[0] == TCP_OPTION_NOP)
		return 1;
	return left < 2 || option[1] < 2 || option[1] > left ? 0 : option[1];
}

static void put_option(struct out *out, const struct bytes_packet *packet,
		       const struct field *option, bool sound)
{
	const uint8_t *bytes = packet->bytes + option->offset;
	const struct tcp_option_kind *kind = tcp_option_find(bytes[0]);
	char printed[NOTATION_TEXT_BYTES], row[MEANING_ROOM];
	struct text notation = text_over(printed, sizeof(printed));
	struct text text = text_over(row, sizeof(row));

	notation_print_options(bytes, option->bytes, &notation);
	printed[strcspn(printed, ">")] = '\0';
	text_add(&text, "option %s: ", printed + 1);
	if (!sound)
		text_add(&text, "its length does not fit: nothing behind it can be read");
	else if (!kind)
		text_add(&text, "kind %u, length %u: not a kind that tcpwhy knows", bytes[0],
			 option->bytes);
	else if (option->bytes < kind->length_least || option->bytes > kind->length_most)
		text_add(&text, "of a wrong length; %s", kind->meaning);
	else
		text_add(&text, "%s", kind->meaning);
	if (sound && bytes[0] == TCP_OPTION_WINDOW_SCALE && option->bytes == 3 && bytes[2] <= 14)
		text_add(&text, ": times %u", 1u << bytes[2]);
	put_row(out, packet, option, row);
}

static void put_options(struct out *out, const struct bytes_packet *packet,
			const struct field *options)
{
	struct field one = *options;
	uint32_t left = options->bytes;

	while (left > 0) {
		const uint8_t *bytes = packet->bytes + one.offset;
		uint32_t length = option_bytes(bytes, left);
		bool over = bytes[0] == TCP_OPTION_END && left > 1;

		one.bytes = length ? length : left;
		put_option(out, packet, &one, length != 0);
		one.offset += one.bytes;
		left -= one.bytes;
		if (!over)
			continue;
		one.bytes = left;
		put_row(out, packet, &one, "behind the end of the option list: nobody reads this");
		return;
	}
}

static void put_field(struct out *out, const struct bytes_packet *packet, const struct field *field)
{
	struct field shown = *field;
	char row[MEANING_ROOM];
	struct text text = text_over(row, sizeof(row));

	if (strcmp(field->header, "TCP") == 0 && strcmp(field->name, "options") == 0) {
		put_options(out, packet, field);
		return;
	}
	text_add(&text, "%s", field->name);
	bytes_meaning(packet, field, &text);
	if (shown.bytes > SHOWN_BYTES)
		shown.bytes = SHOWN_BYTES;
	put_row(out, packet, &shown, row);
	if (shown.bytes < field->bytes)
		out_format(out, "        ... and %u more\n", field->bytes - shown.bytes);
}

static void put_heading(struct out *out, const struct bytes_packet *packet, unsigned first)
{
	const struct field *fields = packet->layout->fields;
	const char *header = fields[first].header, *source = NULL;
	uint32_t bytes = 0;

	for (unsigned i = first; i < packet->layout->count && fields[i].header == header; i++)
		bytes += fields[i].bytes;
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		if (strcmp(sources[i].header, header) == 0)
			source = sources[i].source;
	out_format(out, "\n%s %s, %u bytes", header,
		   strcmp(header, "TCP") == 0 ? "segment" : "header", bytes);
	if (source)
		out_format(out, " (%s)", source);
	out_text(out, "\noffset  bytes        field and meaning\n");
}

void bytes_explain(struct out *out, const struct bytes_packet *packet)
{
	const struct layout *layout = packet->layout;

	for (unsigned i = 0; i < layout->count; i++) {
		if (i == 0 || layout->fields[i].header != layout->fields[i - 1].header)
			put_heading(out, packet, i);
		put_field(out, packet, &layout->fields[i]);
	}
	bytes_explain_sums(out, packet);
}
