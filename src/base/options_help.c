/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/options.h"

#include <inttypes.h>
#include <string.h>

#define COLUMNS	    80
#define HELP_COLUMN 26 /* where the explanations begin */

/* Where the next letter goes on the line, so that words can be wrapped. */
struct writer {
	FILE *to;
	size_t column;
	size_t indent; /* of the lines after the first */
};

static void move_to(struct writer *out, size_t column)
{
	if (out->column >= column && out->column > 0) {
		fputc('\n', out->to);
		out->column = 0;
	}
	fprintf(out->to, "%*s", (int)(column - out->column), "");
	out->column = column;
}

static void write_word(struct writer *out, const char *word, size_t letters)
{
	bool starts_line = out->column <= out->indent;

	if (!starts_line && out->column + 1 + letters > COLUMNS) {
		move_to(out, out->indent);
		starts_line = true;
	}
	fprintf(out->to, "%s%.*s", starts_line ? "" : " ", (int)letters, word);
	out->column += letters + (starts_line ? 0 : 1);
}

/* Write a text word by word. */
static void write_text(struct writer *out, const char *text)
{
	while (*text != '\0') {
		size_t letters = strcspn(text, " ");

		if (letters > 0)
			write_word(out, text, letters);
		text += letters;
		text += strspn(text, " ");
	}
}

static void end_line(struct writer *out)
{
	fputc('\n', out->to);
	out->column = 0;
}

static const char *preset_choice(const struct option_row *row)
{
	for (size_t i = 0; i < row->choice_count; i++)
		if (row->choices[i].value == row->preset)
			return row->choices[i].name;
	return "";
}

static void write_preset(struct writer *out, const struct option_row *row)
{
	char text[120] = "";

	if (row->preset_text)
		snprintf(text, sizeof(text), "%s", row->preset_text);
	else if (row->kind == OPTION_INTEGER)
		snprintf(text, sizeof(text), "%" PRId64 "%s%s", row->preset, row->unit ? " " : "",
			 row->unit ? row->unit : "");
	else if (row->kind == OPTION_CHOICE)
		snprintf(text, sizeof(text), "%s", preset_choice(row));
	if (text[0] == '\0')
		return;

	char bracketed[140];

	snprintf(bracketed, sizeof(bracketed), "(default: %s)", text);
	write_text(out, bracketed);
}

/* The words of a choice in one sentence. */
static void write_words(struct writer *out, const struct option_row *row)
{
	write_text(out, "one of");
	for (size_t i = 0; i < row->choice_count; i++) {
		char word[40];

		snprintf(word, sizeof(word), "%s%s", row->choices[i].name,
			 i + 1 < row->choice_count ? "," : "");
		write_word(out, word, strlen(word));
	}
}

/* The words of a choice, a line each with what they mean. */
static void write_explained(struct writer *out, const struct option_row *row)
{
	size_t widest = 0;

	for (size_t i = 0; i < row->choice_count; i++)
		if (strlen(row->choices[i].name) > widest)
			widest = strlen(row->choices[i].name);
	for (size_t i = 0; i < row->choice_count; i++) {
		const struct option_choice *choice = &row->choices[i];

		end_line(out);
		out->indent = HELP_COLUMN + 2;
		move_to(out, out->indent);
		write_word(out, choice->name, strlen(choice->name));
		out->indent += widest + 2;
		move_to(out, out->indent);
		write_text(out, choice->help ? choice->help : "");
	}
}

static void write_row(FILE *to, const struct option_row *row)
{
	struct writer out = { .to = to, .column = 0, .indent = HELP_COLUMN };
	char name[80];
	int letters;

	if (row->letter)
		letters = snprintf(name, sizeof(name), "  -%c, --%s", row->letter, row->name);
	else
		letters = snprintf(name, sizeof(name), "      --%s", row->name);
	fputs(name, to);
	out.column = (size_t)letters;
	if (row->argument) {
		fprintf(to, " %s", row->argument);
		out.column += 1 + strlen(row->argument);
	}
	if (out.column + 2 > HELP_COLUMN)
		end_line(&out);
	move_to(&out, HELP_COLUMN);
	write_text(&out, row->help);
	write_preset(&out, row);
	if (row->choice_count > 0 && row->choices[0].help)
		write_explained(&out, row);
	else if (row->choice_count > 0)
		write_words(&out, row);
	end_line(&out);
}

void options_help(FILE *to, const struct option_table *table)
{
	struct writer out = { .to = to };

	fprintf(to, "usage: %s%s%s%s\n\n", table->command, table->row_count ? " [OPTION...]" : "",
		table->operands[0] ? " " : "", table->operands);
	write_text(&out, table->summary);
	end_line(&out);
	if (table->row_count > 0)
		fputs("\noptions:\n", to);
	for (size_t i = 0; i < table->row_count; i++)
		write_row(to, &table->rows[i]);
	if (table->footer)
		fprintf(to, "\n%s\n", table->footer);
}
