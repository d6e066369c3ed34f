/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/options.h"

struct config {
	bool all;
	bool quick;
	bool help;
	const char *filter;
	struct option_strings names;
	int64_t conn;
	int format;
};

static const struct option_choice formats[] = {
	{ "text", 1, "for people" },
	{ "json", 2, "a record per line, for programs; a longer explanation that must be wrapped" },
};

static const struct option_row rows[] = {
	{ .name = "all",
	  .letter = 'a',
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct config, all),
	  .help = "a row per connection" },
	{ .name = "quick",
	  .letter = 'q',
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct config, quick),
	  .help = "do not wait" },
	{ .name = "filter",
	  .letter = 'f',
	  .kind = OPTION_STRING,
	  .offset = offsetof(struct config, filter),
	  .argument = "BPF",
	  .help = "only frames that pass this filter" },
	{ .name = "fail-on",
	  .kind = OPTION_STRINGS,
	  .offset = offsetof(struct config, names),
	  .argument = "ID",
	  .help = "exit with status 1 if this happened" },
	{ .name = "max-connections",
	  .letter = 'm',
	  .kind = OPTION_INTEGER,
	  .offset = offsetof(struct config, conn),
	  .argument = "N",
	  .least = 1,
	  .most = 1000,
	  .unit = "connections",
	  .preset = 7,
	  .help = "how many connections are followed at once, after which the oldest is given up" },
	{ .name = "format",
	  .kind = OPTION_CHOICE,
	  .offset = offsetof(struct config, format),
	  .argument = "FORMAT",
	  .choices = formats,
	  .choice_count = 2,
	  .preset = 1,
	  .help = "how to write" },
	{ .name = "help",
	  .letter = 'h',
	  .kind = OPTION_HELP,
	  .offset = offsetof(struct config, help),
	  .help = "show this" },
};

static const struct option_table table = {
	.command = "tcpwhy read",
	.operands = "FILE...",
	.summary = "Explain every TCP connection in captures that exist, in plain words, and say "
		   "what to do about it.",
	.rows = rows,
	.row_count = sizeof(rows) / sizeof(rows[0]),
};

#define WORDS_MOST 100

/* A command line: words separated by single blanks, in exactly sized blocks. */
struct line {
	char *words[WORDS_MOST];
	int argc;
	char *argv[WORDS_MOST]; /* words, rearranged by the parser */
	struct config config;
	struct err err;
};

static bool parse(struct line *line, const char *text)
{
	memset(line, 0, sizeof(*line));
	memset(&line->config, 0xaa, sizeof(line->config)); /* defaults must be written over it */
	for (const char *at = text; at; at = strchr(at, ' ') ? strchr(at, ' ') + 1 : NULL) {
		line->words[line->argc] = strndup(at, strcspn(at, " "));
		line->argv[line->argc] = line->words[line->argc];
		line->argc++;
	}
	return options_parse(&table, &line->argc, line->argv, &line->config, &line->err);
}

static void line_free(struct line *line)
{
	for (size_t i = 0; i < WORDS_MOST; i++)
		free(line->words[i]);
}

static void nothing_given_leaves_the_defaults(void **state)
{
	struct line line;

	(void)state;
	assert_true(parse(&line, "read"));
	assert_false(line.config.all);
	assert_false(line.config.help);
	assert_null(line.config.filter);
	assert_int_equal(line.config.names.count, 0);
	assert_int_equal(line.config.conn, 7);
	assert_int_equal(line.config.format, 1);
	assert_int_equal(line.argc, 1);
	line_free(&line);
}

static void every_form_of_a_value_is_understood(void **state)
{
	static const char *const forms[] = { "read --filter tcp", "read --filter=tcp",
					     "read -f tcp", "read -ftcp", "read -aqftcp" };

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct line line;

		assert_true(parse(&line, forms[i]));
		assert_string_equal(line.config.filter, "tcp");
		assert_int_equal(line.argc, 1);
		line_free(&line);
	}
}

static void an_empty_attached_value_is_a_value(void **state)
{
	struct line line;

	(void)state;
	assert_true(parse(&line, "read --filter= x"));
	assert_string_equal(line.config.filter, "");
	assert_int_equal(line.argc, 2);
	line_free(&line);
}

static void operands_keep_their_order_among_options(void **state)
{
	struct line line;

	(void)state;
	assert_true(parse(&line, "read one -a two --format json - -- --all -q"));
	assert_true(line.config.all);
	assert_false(line.config.quick);
	assert_int_equal(line.config.format, 2);
	assert_int_equal(line.argc, 6);
	assert_string_equal(line.argv[1], "one");
	assert_string_equal(line.argv[2], "two");
	assert_string_equal(line.argv[3], "-");
	assert_string_equal(line.argv[4], "--all");
	assert_string_equal(line.argv[5], "-q");
	line_free(&line);
}

static void repeated_strings_are_collected_and_limited(void **state)
{
	struct line line;
	char text[WORDS_MOST * 16];
	size_t used = 0;

	(void)state;
	assert_true(parse(&line, "read --fail-on=a --fail-on b"));
	assert_int_equal(line.config.names.count, 2);
	assert_string_equal(line.config.names.values[0], "a");
	assert_string_equal(line.config.names.values[1], "b");
	line_free(&line);
	for (int i = 0; i <= OPTION_STRINGS_MOST; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s --fail-on=c",
					 i == 0 ? "read" : "");
	assert_false(parse(&line, text));
	assert_string_equal(line.err.what, "--fail-on may be given at most 64 times");
	line_free(&line);
}

static void the_last_of_two_holds(void **state)
{
	struct line line;

	(void)state;
	assert_true(parse(&line, "read -m 3 --max-connections=1000"));
	assert_int_equal(line.config.conn, 1000);
	line_free(&line);
}

static void wrong_usage_says_what_and_what_to_do(void **state)
{
	static const struct {
		const char *text, *what, *fix;
	} cases[] = {
		{ "read --fliter x", "unknown option --fliter",
		  "did you mean --filter? 'tcpwhy read --help' lists all options" },
		{ "read --zzzzz=1", "unknown option --zzzzz",
		  "'tcpwhy read --help' lists all options" },
		{ "read --fil x", "unknown option --fil",
		  "'tcpwhy read --help' lists all options" },
		{ "read -ax", "unknown option -x", "'tcpwhy read --help' lists all options" },
		{ "read --all=yes", "--all takes no value", "" },
		{ "read a --filter", "--filter needs a value: --filter BPF",
		  "see 'tcpwhy read --help'" },
		{ "read -f", "-f needs a value: -f BPF", "see 'tcpwhy read --help'" },
		{ "read -m 0", "-m needs a whole number of connections from 1 to 1000, not '0'",
		  "see 'tcpwhy read --help'" },
		{ "read -m 1001",
		  "-m needs a whole number of connections from 1 to 1000, not '1001'",
		  "see 'tcpwhy read --help'" },
		{ "read -m 5x", "-m needs a whole number of connections from 1 to 1000, not '5x'",
		  "see 'tcpwhy read --help'" },
		{ "read --max-connections=",
		  "--max-connections needs a whole number of connections "
		  "from 1 to 1000, not ''",
		  "see 'tcpwhy read --help'" },
		{ "read -m 99999999999999999999",
		  "-m needs a whole number of connections from 1 to 1000, not "
		  "'99999999999999999999'",
		  "see 'tcpwhy read --help'" },
		{ "read --format jsno", "--format cannot be 'jsno'; it is one of text, json",
		  "did you mean 'json'?" },
		{ "read --format x", "--format cannot be 'x'; it is one of text, json",
		  "see 'tcpwhy read --help'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct line line;

		assert_false(parse(&line, cases[i].text));
		assert_int_equal(line.err.kind, ERR_USAGE);
		assert_string_equal(line.err.what, cases[i].what);
		assert_string_equal(line.err.fix, cases[i].fix);
		line_free(&line);
	}
}

static void help_wins_over_what_comes_after_it(void **state)
{
	struct line line;

	(void)state;
	assert_true(parse(&line, "read -ah --nonsense"));
	assert_true(line.config.help);
	assert_true(line.config.all);
	line_free(&line);
}

static void very_long_words_are_refused_not_overrun(void **state)
{
	struct line line;
	char text[1000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memcpy(text, "read --", 7);
	assert_false(parse(&line, text));
	assert_int_equal(line.err.kind, ERR_USAGE);
	line_free(&line);
	memcpy(text, "read --format=", 14);
	assert_false(parse(&line, text));
	line_free(&line);
}

static const char expected_help[] =
	"usage: tcpwhy read [OPTION...] FILE...\n"
	"\n"
	"Explain every TCP connection in captures that exist, in plain words, and say\n"
	"what to do about it.\n"
	"\n"
	"options:\n"
	"  -a, --all               a row per connection\n"
	"  -q, --quick             do not wait\n"
	"  -f, --filter BPF        only frames that pass this filter\n"
	"      --fail-on ID        exit with status 1 if this happened\n"
	"  -m, --max-connections N\n"
	"                          how many connections are followed at once, after which\n"
	"                          the oldest is given up (default: 7 connections)\n"
	"      --format FORMAT     how to write (default: text)\n"
	"                            text  for people\n"
	"                            json  a record per line, for programs; a longer\n"
	"                                  explanation that must be wrapped\n"
	"  -h, --help              show this\n";

static void help_is_laid_out_in_80_columns(void **state)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *to = open_memstream(&text, &bytes);

	(void)state;
	options_help(to, &table);
	fclose(to);
	assert_string_equal(text, expected_help);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_given_leaves_the_defaults),
		cmocka_unit_test(every_form_of_a_value_is_understood),
		cmocka_unit_test(an_empty_attached_value_is_a_value),
		cmocka_unit_test(operands_keep_their_order_among_options),
		cmocka_unit_test(repeated_strings_are_collected_and_limited),
		cmocka_unit_test(the_last_of_two_holds),
		cmocka_unit_test(wrong_usage_says_what_and_what_to_do),
		cmocka_unit_test(help_wins_over_what_comes_after_it),
		cmocka_unit_test(very_long_words_are_refused_not_overrun),
		cmocka_unit_test(help_is_laid_out_in_80_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
