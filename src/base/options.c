/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* One command line being read. */
struct parser {
	const struct option_table *table;
	char **argv;
	int argc;
	int at; /* index of the next word */
	void *config;
	struct err *err;
};

/* The option as the user wrote it, for messages: "--format" or "-f". */
struct spelling {
	char text[80];
};

static void *field_of(const struct parser *parser, const struct option_row *row)
{
	return (char *)parser->config + row->offset;
}

static void set_default(const struct parser *parser, const struct option_row *row)
{
	void *field = field_of(parser, row);

	switch (row->kind) {
	case OPTION_FLAG:
	case OPTION_HELP:
		*(bool *)field = false;
		break;
	case OPTION_STRING:
		*(const char **)field = NULL;
		break;
	case OPTION_STRINGS:
		((struct option_strings *)field)->count = 0;
		break;
	case OPTION_INTEGER:
		*(int64_t *)field = row->preset;
		break;
	case OPTION_CHOICE:
		*(int *)field = (int)row->preset;
		break;
	}
}

static bool has_value(const struct option_row *row)
{
	return row->kind != OPTION_FLAG && row->kind != OPTION_HELP;
}

/* --- values --------------------------------------------------------------------------------- */

static bool take_integer(const struct parser *parser, const struct option_row *row,
			 const struct spelling *spelling, const char *value)
{
	char *end;

	errno = 0;

	long long number = strtoll(value, &end, 10);

	if (end == value || *end != '\0' || errno == ERANGE || number < row->least ||
	    number > row->most) {
		err_set(parser->err, ERR_USAGE,
			"%s needs a whole number%s%s from %" PRId64 " to %" PRId64 ", not '%s'",
			spelling->text, row->unit ? " of " : "", row->unit ? row->unit : "",
			row->least, row->most, value);
		err_fix(parser->err, "see '%s --help'", parser->table->command);
		return false;
	}
	*(int64_t *)field_of(parser, row) = number;
	return true;
}

static const char *choice_name(const void *context, size_t index)
{
	const struct option_row *row = context;

	return index < row->choice_count ? row->choices[index].name : NULL;
}

static bool refuse_choice(const struct parser *parser, const struct option_row *row,
			  const struct spelling *spelling, const char *value)
{
	const char *nearest = options_nearest(value, choice_name, row);
	char words[160] = "";
	size_t used = 0;

	for (size_t i = 0; i < row->choice_count && used < sizeof(words); i++) {
		int added = snprintf(words + used, sizeof(words) - used, "%s%s", i ? ", " : "",
				     row->choices[i].name);

		used += (size_t)added;
	}
	err_set(parser->err, ERR_USAGE, "%s cannot be '%s'; it is one of %s", spelling->text, value,
		words);
	if (nearest)
		err_fix(parser->err, "did you mean '%s'?", nearest);
	err_fix(parser->err, "see '%s --help'", parser->table->command);
	return false;
}

static bool take_choice(const struct parser *parser, const struct option_row *row,
			const struct spelling *spelling, const char *value)
{
	for (size_t i = 0; i < row->choice_count; i++) {
		if (strcmp(row->choices[i].name, value) == 0) {
			*(int *)field_of(parser, row) = row->choices[i].value;
			return true;
		}
	}
	return refuse_choice(parser, row, spelling, value);
}

static bool take_strings(const struct parser *parser, const struct option_row *row,
			 const struct spelling *spelling, const char *value)
{
	struct option_strings *strings = field_of(parser, row);

	if (strings->count == OPTION_STRINGS_MOST)
		return err_set(parser->err, ERR_USAGE, "%s may be given at most %d times",
			       spelling->text, OPTION_STRINGS_MOST);
	strings->values[strings->count++] = value;
	return true;
}

static bool take_value(const struct parser *parser, const struct option_row *row,
		       const struct spelling *spelling, const char *value)
{
	switch (row->kind) {
	case OPTION_STRING:
		*(const char **)field_of(parser, row) = value;
		return true;
	case OPTION_STRINGS:
		return take_strings(parser, row, spelling, value);
	case OPTION_INTEGER:
		return take_integer(parser, row, spelling, value);
	case OPTION_CHOICE:
		return take_choice(parser, row, spelling, value);
	case OPTION_FLAG:
	case OPTION_HELP:
		break;
	}
	*(bool *)field_of(parser, row) = true;
	return true;
}

/* The value of an option that needs one: what is attached to it, or the next word. */
static const char *find_value(struct parser *parser, const struct option_row *row,
			      const struct spelling *spelling, const char *attached)
{
	if (attached)
		return attached;
	if (parser->at < parser->argc)
		return parser->argv[parser->at++];
	err_set(parser->err, ERR_USAGE, "%s needs a value: %s %s", spelling->text, spelling->text,
		row->argument);
	err_fix(parser->err, "see '%s --help'", parser->table->command);
	return NULL;
}

/* --- words ---------------------------------------------------------------------------------- */

static const char *row_name(const void *context, size_t index)
{
	const struct option_table *table = context;

	return index < table->row_count ? table->rows[index].name : NULL;
}

static bool refuse_unknown(const struct parser *parser, const char *dashes, const char *name,
			   size_t bytes)
{
	char word[80];

	snprintf(word, sizeof(word), "%.*s", (int)(bytes < sizeof(word) ? bytes : sizeof(word) - 1),
		 name);
	err_set(parser->err, ERR_USAGE, "unknown option %s%s", dashes, word);

	const char *nearest = dashes[1] ? options_nearest(word, row_name, parser->table) : NULL;

	if (nearest)
		err_fix(parser->err, "did you mean --%s? '%s --help' lists all options", nearest,
			parser->table->command);
	err_fix(parser->err, "'%s --help' lists all options", parser->table->command);
	return false;
}

static const struct option_row *find_long(const struct option_table *table, const char *name,
					  size_t bytes)
{
	for (size_t i = 0; i < table->row_count; i++)
		if (strncmp(table->rows[i].name, name, bytes) == 0 &&
		    table->rows[i].name[bytes] == '\0')
			return &table->rows[i];
	return NULL;
}

static const struct option_row *find_short(const struct option_table *table, char letter)
{
	for (size_t i = 0; i < table->row_count; i++)
		if (table->rows[i].letter == letter)
			return &table->rows[i];
	return NULL;
}

/* "--name" or "--name=value". @ends: it was an OPTION_HELP. */
static bool take_long(struct parser *parser, const char *name, bool *ends)
{
	const char *attached = strchr(name, '=');
	size_t name_bytes = attached ? (size_t)(attached - name) : strlen(name);
	const struct option_row *row = find_long(parser->table, name, name_bytes);
	struct spelling spelling;
	const char *value = NULL;

	if (!row)
		return refuse_unknown(parser, "--", name, name_bytes);
	snprintf(spelling.text, sizeof(spelling.text), "--%s", row->name);
	if (!has_value(row) && attached)
		return err_set(parser->err, ERR_USAGE, "%s takes no value", spelling.text);
	if (has_value(row)) {
		value = find_value(parser, row, &spelling, attached ? attached + 1 : NULL);
		if (!value)
			return false;
	}
	*ends = row->kind == OPTION_HELP;
	return take_value(parser, row, &spelling, value);
}

/* "-x", "-xyz", "-x value" or "-xvalue". */
static bool take_short(struct parser *parser, const char *letters, bool *ends)
{
	while (*letters != '\0' && !*ends) {
		const struct option_row *row = find_short(parser->table, *letters);
		struct spelling spelling;
		const char *value = NULL;

		if (!row)
			return refuse_unknown(parser, "-", letters, 1);
		snprintf(spelling.text, sizeof(spelling.text), "-%c", *letters);
		letters++;
		if (has_value(row)) {
			value = find_value(parser, row, &spelling, *letters ? letters : NULL);
			letters = "";
			if (!value)
				return false;
		}
		*ends = row->kind == OPTION_HELP;
		if (!take_value(parser, row, &spelling, value))
			return false;
	}
	return true;
}

static bool take_word(struct parser *parser, char *word, int *operands, bool *ends)
{
	if (word[0] != '-' || word[1] == '\0') {
		parser->argv[(*operands)++] = word;
		return true;
	}
	if (word[1] == '-')
		return take_long(parser, word + 2, ends);
	return take_short(parser, word + 1, ends);
}

bool options_parse(const struct option_table *table, int *argc, char **argv, void *config,
		   struct err *err)
{
	struct parser parser = {
		.table = table,
		.argv = argv,
		.argc = *argc,
		.at = 1,
		.config = config,
		.err = err,
	};
	int operands = 1;
	bool ends = false;

	for (size_t i = 0; i < table->row_count; i++)
		set_default(&parser, &table->rows[i]);
	while (parser.at < parser.argc && !ends) {
		char *word = argv[parser.at++];

		if (strcmp(word, "--") == 0) {
			while (parser.at < parser.argc)
				argv[operands++] = argv[parser.at++];
			break;
		}
		if (!take_word(&parser, word, &operands, &ends))
			return false;
	}
	*argc = *argc > 0 ? operands : 0;
	return true;
}

/* --- suggestions ---------------------------------------------------------------------------- */

#define WORD_MOST 40 /* longer ones get no suggestion */

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/*
 * How many letters must be added, removed or replaced to make one word of the other.
 * Source: Wagner and Fischer, The String-to-String Correction Problem, 1974; one row at a time.
 */
static unsigned mistakes_between(const char *a, const char *b)
{
	unsigned row[WORD_MOST + 1];
	size_t b_letters = strlen(b);

	for (unsigned j = 0; j <= b_letters; j++)
		row[j] = j;
	for (unsigned i = 1; a[i - 1] != '\0'; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_letters; j++) {
			unsigned replaced = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			row[j] = least(replaced, least(row[j], row[j - 1]) + 1);
		}
	}
	return row[b_letters];
}

const char *options_nearest(const char *word,
			    const char *(*candidate)(const void *context, size_t index),
			    const void *context)
{
	size_t letters = strlen(word);
	unsigned fewest = (unsigned)(letters + 2) / 3 + 1;
	const char *nearest = NULL;
	const char *name;

	if (letters > WORD_MOST)
		return NULL;
	for (size_t i = 0; (name = candidate(context, i)) != NULL; i++) {
		unsigned mistakes =
			strlen(name) > WORD_MOST ? fewest : mistakes_between(word, name);

		if (mistakes < fewest) {
			fewest = mistakes;
			nearest = name;
		}
	}
	return nearest;
}
