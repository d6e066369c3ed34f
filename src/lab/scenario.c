/* SPDX-License-Identifier: BSD-2-Clause */
/* Scenario files (docs/scenarios.md): their lines, one by one. */
#include "lab/scenario.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/options.h"
#include "base/time.h"
#include "base/utf8.h"
#include "lab/scenario_parse.h"

#define FILE_BYTES_MOST	 1000000
#define LIMIT_DEFAULT_NS (15 * NSEC_PER_SEC)

static const struct scenario_line lines[] = {
	{ "title", true, head_title, NULL },
	{ "told", true, head_told, NULL },
	{ "article", true, head_article, NULL },
	{ "verdict", true, head_verdict, NULL },
	{ "when", true, head_when, NULL },
	{ "ipv6", true, head_ipv6, NULL },
	{ "sysctl", false, head_sysctl, NULL },
	{ "read", true, head_read, NULL },
	{ "end", true, head_end, NULL },
	{ "limit", true, head_limit, NULL },
	{ "server", false, program_begin, program_line },
	{ "client", false, program_begin, program_line },
	{ "wire", true, wire_begin, wire_line },
	{ "capture", true, wire_begin, capture_line },
	{ "expect", false, expect_claim, NULL },
	{ "forbid", false, expect_claim, NULL },
	{ "headline", false, expect_claim, NULL },
	{ "states", false, expect_claim, NULL },
	{ "closed-first", false, expect_claim, NULL },
	{ "time-wait", false, expect_claim, NULL },
	{ "kernel", false, expect_kernel, NULL },
	{ "frames", false, frames_begin, frames_line },
	{ "count", false, expect_count, NULL },
	{ "claim", false, common_begin, common_line },
};
#define LINES (sizeof(lines) / sizeof(lines[0]))
static_assert(LINES <= 32, "a bit of reading.said per row");

static const char *line_word_at(const void *context, size_t index)
{
	(void)context;
	return index < LINES ? lines[index].word : NULL;
}

static bool is_indented(const char *line)
{
	return line[0] == ' ' || line[0] == '\t';
}

/* A line that belongs to the block above it. */
static bool read_inner(struct reading *reading, struct scan *in)
{
	if (reading->row && reading->row->inner)
		return reading->row->inner(reading, in);
	if (reading->row)
		err_set(reading->err, ERR_INPUT,
			"the line is indented, but \"%s\" has no lines "
			"below it",
			reading->row->word);
	else
		err_set(reading->err, ERR_INPUT, "the line is indented, but no block begins above");
	err_fix(reading->err, "begin it at the start of the line; server, client, wire, capture, "
			      "frames and claim hold indented lines");
	return false;
}

/* A word at the start of a line that stands for nothing there. */
static bool refuse_line(struct reading *reading, struct scan *in)
{
	enum step_verb verb;
	struct scan ahead = *in;

	if (step_verb_parse(&ahead, &verb, NULL)) {
		err_set(reading->err, ERR_INPUT, "\"%s\" is a step of a program",
			step_verb_name(verb));
		err_fix(reading->err, "indent it below server or client");
		return false;
	}
	return refuse_word(in, "line", line_word_at, NULL, reading->err);
}

static bool read_outer(struct reading *reading, struct scan *in)
{
	struct word word = scan_peek(in, "");

	for (size_t i = 0; i < LINES; i++) {
		if (!word_is(word, lines[i].word))
			continue;
		if (lines[i].once && reading->said & 1U << i) {
			err_set(reading->err, ERR_INPUT, "there is a line with %s already",
				lines[i].word);
			err_fix(reading->err, "take one of the two out");
			return false;
		}
		reading->said |= 1U << i;
		reading->row = &lines[i];
		if (lines[i].read != expect_claim) /* its words are read from the line's start */
			scan_word(in, "");
		return lines[i].read(reading, in);
	}
	return refuse_line(reading, in);
}

/* Text of printable characters, tabs included, of a length that people can read. */
static bool line_is_clean(const char *line, struct err *err)
{
	size_t left = strlen(line);

	if (left > SCENARIO_LINE_MOST) {
		err_set(err, ERR_INPUT, "the line has %zu bytes", left);
		err_fix(err, "at most %d are read", SCENARIO_LINE_MOST);
		return false;
	}
	for (const char *at = line; left > 0;) {
		size_t length = utf8_length(at, left);

		if (length == 0 || (utf8_is_control(at, length) && *at != '\t')) {
			err_set(err, ERR_INPUT, "byte 0x%02x at column %zu belongs in no text",
				(unsigned char)*at, (size_t)(at - line) + 1);
			err_fix(err,
				"scenarios are UTF-8 text without control characters; in "
				"quotes write \\x%02x",
				(unsigned char)*at);
			return false;
		}
		at += length;
		left -= length;
	}
	return true;
}

static bool read_line(struct reading *reading, char *line)
{
	size_t length = strlen(line);
	struct scan in = scan_over(line);

	if (length > 0 && line[length - 1] == '\r')
		line[length - 1] = '\0';
	if (!line_is_clean(line, reading->err))
		return false;
	if (scan_end(&in))
		return true;
	return is_indented(line) ? read_inner(reading, &in) : read_outer(reading, &in);
}

static bool read_lines(struct reading *reading, char *text)
{
	for (char *next = text; next;) {
		char *line = next;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		reading->line++;
		if (!read_line(reading, line))
			return false;
	}
	return true;
}

/* "scenarios/open.handshake.scn" is open.handshake. */
static void name_scenario(struct scenario *scenario, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	size_t length = strlen(base);

	if (length > 4 && strcmp(base + length - 4, ".scn") == 0)
		length -= 4;
	if (length >= sizeof(scenario->name))
		length = sizeof(scenario->name) - 1;
	memcpy(scenario->name, base, length);
	snprintf(scenario->path, sizeof(scenario->path), "%s", path);
}

struct scenario *scenario_parse(const char *path, const char *text, struct err *err)
{
	struct err own = { 0 };
	struct scenario *scenario = calloc(1, sizeof(*scenario));
	struct reading reading = { .scenario = scenario, .err = &own };
	char *copy = strdup(text);
	bool ok = false;

	if (scenario && copy) {
		name_scenario(scenario, path);
		scenario->limit_ns = LIMIT_DEFAULT_NS;
		ok = read_lines(&reading, copy) && scenario_check(&reading);
	}
	free(copy);
	if (ok)
		return scenario;
	err_set(&own, ERR_SYSTEM, "out of memory for a scenario");
	if (own.kind == ERR_USAGE) /* a line, not the command line */
		own.kind = ERR_INPUT;
	if (own.kind == ERR_INPUT)
		err_at(&own, "%s, line %u", path, reading.line);
	err_fix(&own, "docs/scenarios.md describes the lines");
	if (err && err->kind == ERR_NONE)
		*err = own;
	scenario_free(scenario);
	return NULL;
}

static void free_claim(struct common_claim *claim)
{
	for (unsigned i = 0; i < claim->answer_count; i++)
		for (unsigned k = 0; k < claim->answers[i].fact_count; k++)
			free(claim->answers[i].facts[k].segment);
}

void scenario_free(struct scenario *scenario)
{
	if (!scenario)
		return;
	for (size_t i = 0; i < scenario->program_count; i++)
		free(scenario->programs[i].steps);
	for (size_t i = 0; i < scenario->rule_count; i++)
		free(scenario->rules[i].segment);
	for (size_t i = 0; i < scenario->frames_count; i++) {
		free(scenario->frames[i].segments);
		free(scenario->frames[i].lines);
	}
	for (size_t i = 0; i < scenario->claim_count; i++)
		free_claim(&scenario->claims[i]);
	free(scenario->sysctls);
	free(scenario->programs);
	free(scenario->rules);
	free(scenario->flaws);
	free(scenario->expected);
	free(scenario->kernels);
	free(scenario->frames);
	free(scenario->counts);
	free(scenario->claims);
	free(scenario);
}

/* --- files ---------------------------------------------------------------------------------- */

/* The line in which a byte lies, from 1. */
static unsigned line_of(const char *text, size_t at)
{
	unsigned line = 1;

	for (size_t i = 0; i < at; i++)
		line += text[i] == '\n';
	return line;
}

static bool file_is_text(const char *path, const char *text, size_t bytes, struct err *err)
{
	size_t length = strlen(text);

	if (bytes > FILE_BYTES_MOST) {
		err_set(err, ERR_INPUT, "the file is too large for a scenario");
		err_at(err, "%s", path);
		err_fix(err, "at most %d bytes are read; is it a capture? tcpwhy read %s",
			FILE_BYTES_MOST, path);
		return false;
	}
	if (length == bytes)
		return true;
	err_set(err, ERR_INPUT, "the file holds a NUL byte: it is no text");
	err_at(err, "%s, line %u", path, line_of(text, length));
	err_fix(err, "scenarios are text; is it a capture? tcpwhy read %s", path);
	return false;
}

static struct scenario *read_file(const char *path, FILE *file, struct err *err)
{
	char *text = malloc(FILE_BYTES_MOST + 2);
	struct scenario *scenario = NULL;

	if (!text) {
		err_set(err, ERR_SYSTEM, "out of memory for a scenario");
		return NULL;
	}

	size_t bytes = fread(text, 1, FILE_BYTES_MOST + 1, file);

	text[bytes] = '\0';
	if (ferror(file)) {
		err_set(err, ERR_SYSTEM, "cannot read it: %s", strerror(errno));
		err_at(err, "%s", path);
	} else if (file_is_text(path, text, bytes, err)) {
		scenario = scenario_parse(path, text, err);
	}
	free(text);
	return scenario;
}

struct scenario *scenario_read(const char *path, struct err *err)
{
	FILE *file = fopen(path, "re");
	struct scenario *scenario;

	if (!file) {
		err_set(err, ERR_SYSTEM, "cannot open it: %s", strerror(errno));
		err_at(err, "%s", path);
		err_fix(err, "tcpwhy lab lists the scenarios that come with it");
		return NULL;
	}
	scenario = read_file(path, file, err);
	fclose(file);
	return scenario;
}
