/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_BASE_OPTIONS_H
#define TCPWHY_BASE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

/*
 * The command line of one command is a table: the parser, --help and the man page read it.
 *
 *     struct read_options {
 *         bool all;
 *         int64_t conn;
 *         int format;
 *         bool help;
 *     };
 *
 *     static const struct option_row rows[] = {
 *         { .name = "all", .letter = 'a', .kind = OPTION_FLAG,
 *           .offset = offsetof(struct read_options, all), .help = "a row per connection" },
 *         { .name = "conn", .kind = OPTION_INTEGER, .offset = offsetof(struct read_options, conn),
 *           .argument = "N", .least = 1, .most = INT64_MAX, .preset_text = "all of them",
 *           .help = "the whole story of the connection that begins with frame N" },
 *         ...
 *     };
 */

enum option_kind {
	OPTION_FLAG,	/* no value; the field is a bool */
	OPTION_HELP,	/* the same, and ends the parsing: what comes after it does not matter */
	OPTION_STRING,	/* the field is a const char *, borrowed from argv */
	OPTION_STRINGS, /* may be given several times; the field is a struct option_strings */
	OPTION_INTEGER, /* the field is an int64_t */
	OPTION_CHOICE,	/* one of a list of words; the field is an int */
};

#define OPTION_STRINGS_MOST 64

struct option_strings {
	size_t count;
	const char *values[OPTION_STRINGS_MOST]; /* borrowed from argv, in the order given */
};

/* A word that an OPTION_CHOICE may have. */
struct option_choice {
	const char *name;
	int value;	  /* what the field gets */
	const char *help; /* for --help; all words of a list have one, or none */
};

struct option_row {
	const char *name; /* long name without dashes */
	char letter;	  /* short name; 0: none */
	enum option_kind kind;
	size_t offset;	      /* of the field in the command's struct */
	const char *argument; /* what --help calls the value: "FILE"; NULL for a flag */
	int64_t least;	      /* integers: smallest and largest value allowed */
	int64_t most;
	const char *unit;		     /* integers: "seconds"; NULL: plain number */
	const struct option_choice *choices; /* choices: the words */
	size_t choice_count;
	int64_t preset; /* the default of integers and choices */
	const char
		*preset_text; /* what --help says of the default instead of the value; "" nothing */
	const char *help;     /* what it does, without a full stop; wrapped by --help */
};

struct option_table {
	const char *command;  /* "tcpwhy read" */
	const char *operands; /* what follows the options: "FILE..."; "" nothing */
	const char *summary;  /* what the command does: one sentence */
	const struct option_row *rows;
	size_t row_count;
	const char *footer; /* shown below the options, as it is; NULL: nothing */
};

/**
 * options_parse() - Read a command line into the command's struct
 * @table:   see there
 * @argc:    in: words in @argv, of which the first is the command's name; out: that and operands
 * @argv:    rearranged: argv[1] to argv[*argc - 1] are the operands, in the order given
 * @config:  every field of the table is set: to its default, then to what the user gave
 * @err:     usage: unknown option (the nearest known one is suggested), missing or superfluous
 *           value, not a number, out of its limits, not one of the words
 *
 * Forms: --name, --name value, --name=value, -x, -x value, -xvalue, several flags as -xyz; "--"
 * ends the options; "-" is an operand. Given twice, the last one holds. Allocates nothing.
 */
bool options_parse(const struct option_table *table, int *argc, char **argv, void *config,
		   struct err *err);

/* Write usage, summary and every option, in at most 80 columns. */
void options_help(FILE *to, const struct option_table *table);

/**
 * options_nearest() - The word that a misspelt one was probably meant to be
 * @word:        what the user wrote
 * @candidate:   gives the candidates one after the other, NULL after the last
 * @context:     for @candidate
 *
 * Return: the nearest within a third of the word's length in single-letter mistakes; NULL: none is
 * near. Also useful for command names and ids.
 */
const char *options_nearest(const char *word,
			    const char *(*candidate)(const void *context, size_t index),
			    const void *context);

#endif /* TCPWHY_BASE_OPTIONS_H */
