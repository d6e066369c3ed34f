/* SPDX-License-Identifier: BSD-2-Clause */
/* Words and numbers that stand in many lines of a scenario. */
#include "lab/scenario_parse.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/options.h"
#include "lab/duration.h"

bool next_is(const struct scan *in, const char *word)
{
	return word_is(scan_peek(in, ""), word);
}

bool take_word(struct scan *in, const char *wanted)
{
	if (!next_is(in, wanted))
		return false;
	scan_word(in, "");
	return true;
}

bool line_ends(struct scan *in, const char *what, struct err *err)
{
	return scan_end(in) || scan_fail(in, what, "the line should end here", err);
}

/* All candidates in a line, as far as they fit. */
static void list_words(char *text, size_t room,
		       const char *(*candidate)(const void *context, size_t index),
		       const void *context)
{
	struct text out = text_over(text, room);
	const char *name;

	for (size_t i = 0; (name = candidate(context, i)) != NULL; i++)
		text_add(&out, "%s%s", i ? ", " : "", name);
	if (out.length >= room)
		snprintf(text + room - 4, 4, "...");
}

bool refuse_word(struct scan *in, const char *what,
		 const char *(*candidate)(const void *context, size_t index), const void *context,
		 struct err *err)
{
	struct word word = scan_peek(in, "");
	char text[64];
	char words[200];

	if (word.length == 0) {
		scan_fail(in, what, "a word is wanted", err);
	} else {
		snprintf(text, sizeof(text), "%.*s", (int)(word.length < 60 ? word.length : 60),
			 word.text);
		err_set(err, ERR_INPUT, "%s: \"%s\" is not known", what, text);

		/* A single letter is near to every other one. */
		const char *nearest = text[1] ? options_nearest(text, candidate, context) : NULL;

		if (nearest)
			err_fix(err, "did you mean \"%s\"?", nearest);
	}
	list_words(words, sizeof(words), candidate, context);
	err_fix(err, "write one of: %s", words);
	return false;
}

static const char *choice_at(const void *context, size_t index)
{
	const struct choices *choices = context;

	return index < choices->count ? choices->rows[index].name : NULL;
}

const struct choice *choices_find(const struct choices *choices, struct word word)
{
	for (size_t i = 0; i < choices->count; i++)
		if (word_is(word, choices->rows[i].name))
			return &choices->rows[i];
	return NULL;
}

bool take_choice(struct scan *in, const struct choices *choices, int *value, struct err *err)
{
	const struct choice *row = choices_find(choices, scan_peek(in, ""));

	if (!row)
		return refuse_word(in, choices->what, choice_at, choices, err);
	scan_word(in, "");
	*value = row->value;
	return true;
}

bool take_number(struct scan *in, const struct span *span, uint32_t *value, struct err *err)
{
	struct scan before = *in;
	uint64_t wide = 0;

	if (!scan_u64(in, span->what, span->most, &wide, err))
		return false;
	if (wide < span->least) {
		scan_fail(&before, span->what, "the number is too small", err);
		err_fix(err, "the smallest is %" PRIu64, span->least);
		return false;
	}
	*value = (uint32_t)wide;
	return true;
}

bool take_time(struct scan *in, const char *what, int64_t *ns, struct err *err)
{
	struct word word = scan_peek(in, "");

	if (!duration_parse(word.text, word.length, ns)) {
		scan_fail(in, what, "a time with its unit is wanted", err);
		err_fix(err, "write 300ms, 2.5s or 1m");
		return false;
	}
	scan_word(in, "");
	return true;
}

bool take_port(struct scan *in, uint16_t *port, bool *counts, struct err *err)
{
	static const struct span span = { "port", 1, UINT16_MAX };
	struct scan before = *in;
	uint32_t value = 0;
	bool plus;

	if (!take_number(in, &span, &value, err))
		return false;
	plus = scan_char(in, '+');
	if (plus && !counts)
		return scan_fail(&before, "port", "nothing counts here", err);
	if (*in->at && !strchr(" \t", *in->at))
		return scan_fail(&before, "port", "a number is wanted", err);
	if (counts)
		*counts = plus;
	*port = (uint16_t)value;
	return true;
}

bool take_end(struct scan *in, const char *what, enum end *end, struct err *err)
{
	static const struct choice rows[] = { { "client", END_CLIENT }, { "server", END_SERVER } };
	const struct choices choices = { what, rows, 2 };
	int value = 0;

	if (!take_choice(in, &choices, &value, err))
		return false;
	*end = (enum end)value;
	return true;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool take_name(struct scan *in, const char *what, char *name, size_t room, struct err *err)
{
	struct word word = scan_peek(in, " +:");
	bool right = word.length > 0 && is_letter(word.text[0]);

	for (size_t i = 0; i < word.length; i++)
		right &= is_letter(word.text[i]) || word.text[i] == '-' ||
			 (word.text[i] >= '0' && word.text[i] <= '9');
	if (!right) {
		scan_fail(in, what, "a name is wanted", err);
		err_fix(err, "a name has letters, digits and dashes and begins with a letter");
		return false;
	}
	if (word.length >= room) {
		scan_fail(in, what, "the name is too long", err);
		err_fix(err, "at most %zu characters", room - 1);
		return false;
	}
	snprintf(name, room, "%.*s", (int)word.length, word.text);
	scan_word(in, " +:");
	return true;
}

bool take_text(struct scan *in, const char *what, char *text, size_t room, struct err *err)
{
	const char *start;
	const char *end;

	if (scan_end(in))
		return scan_fail(in, what, "words are wanted", err);
	start = in->at;
	end = start;
	while (!scan_end(in)) {
		scan_word(in, "");
		end = in->at;
	}
	if ((size_t)(end - start) >= room) {
		err_set(err, ERR_INPUT, "%s: %zu bytes are too many", what, (size_t)(end - start));
		err_fix(err, "at most %zu fit", room - 1);
		return false;
	}
	snprintf(text, room, "%.*s", (int)(end - start), start);
	return true;
}

static const struct choice comparison_rows[] = {
	{ "=", OF_EQUAL },    { "!=", OF_NOT_EQUAL }, { "<", OF_LESS },
	{ "<=", OF_AT_MOST }, { ">", OF_MORE },	      { ">=", OF_AT_LEAST },
};
static const struct choices comparisons = {
	"comparison",
	comparison_rows,
	sizeof(comparison_rows) / sizeof(comparison_rows[0]),
};

bool take_comparison(struct scan *in, enum comparison_of *compare, struct err *err)
{
	int value = 0;

	if (!take_choice(in, &comparisons, &value, err))
		return false;
	*compare = (enum comparison_of)value;
	return true;
}

const char *comparison_text(enum comparison_of compare)
{
	for (size_t i = 0; i < comparisons.count; i++)
		if (comparison_rows[i].value == (int)compare)
			return comparison_rows[i].name;
	return "";
}

/* STATE_UNKNOWN is none that an end can be seen in. */
static const char *state_at(const void *context, size_t index)
{
	(void)context;
	return index + 1 < STATE_COUNT ? tcp_state_name((enum tcp_state)(index + 1)) : NULL;
}

bool take_state(struct scan *in, enum tcp_state *state, struct err *err)
{
	struct word word = scan_peek(in, "");

	for (int i = STATE_UNKNOWN + 1; i < STATE_COUNT; i++) {
		if (word_is(word, tcp_state_name((enum tcp_state)i))) {
			*state = (enum tcp_state)i;
			scan_word(in, "");
			return true;
		}
	}
	return refuse_word(in, "state", state_at, NULL, err);
}

bool take_errno(struct scan *in, int *error, struct err *err)
{
	struct word word = scan_peek(in, "");

	*error = errno_number(word.text, word.length);
	if (*error == 0)
		return refuse_word(in, "error", errno_name_at, NULL, err);
	scan_word(in, "");
	return true;
}

bool take_verdict(struct scan *in, char id[static CLAIM_ID_BYTES], struct err *err)
{
	struct word word = scan_peek(in, "");

	if (word.length > 0 && word.length < CLAIM_ID_BYTES) {
		snprintf(id, CLAIM_ID_BYTES, "%.*s", (int)word.length, word.text);
		if (catalogue_find(id)) {
			scan_word(in, "");
			return true;
		}
	}
	return refuse_word(in, "verdict", catalogue_id_at, NULL, err);
}

/* --- segments ------------------------------------------------------------------------------- */

/* Pass over the words of a segment; blanks in quotes and between < and > part none. */
static void skip_segment_word(struct scan *in)
{
	char closing = '\0';

	for (; *in->at; in->at++) {
		char c = *in->at;

		if (closing) {
			if (closing == '"' && c == '\\' && in->at[1])
				in->at++;
			else if (c == closing)
				closing = '\0';
		} else if (c == '"' || c == '<') {
			closing = c == '"' ? '"' : '>';
		} else if (c == ' ' || c == '\t') {
			return;
		}
	}
}

static bool is_stop(const struct scan *in, const char *const *stops)
{
	for (; *stops; stops++)
		if (next_is(in, *stops))
			return true;
	return false;
}

/* What a segment of a wire cannot have. */
static bool segment_fits(const struct notation *segment, struct err *err)
{
	const uint32_t captured_only = SAID_STAMP | SAID_LOST | SAID_CUT | SAID_VLAN | SAID_TUNNEL;

	if (!(segment->said & captured_only))
		return true;
	err_set(err, ERR_INPUT,
		"segment: stamp, lost, cut, vlan and tunnel are words for captures "
		"kept as text; a scenario's wire has none of them");
	err_fix(err, "leave the word out");
	return false;
}

bool take_segment(struct scan *in, const char *const *stops, struct notation **segment,
		  struct err *err)
{
	char line[SCENARIO_LINE_MOST + 1];
	struct scan ahead = *in;
	struct scan inner = { .line = line };

	while (!scan_end(&ahead) && !is_stop(&ahead, stops))
		skip_segment_word(&ahead);
	/* The line as far as it is the segment's, so that columns stay right. */
	snprintf(line, sizeof(line), "%.*s", (int)(ahead.at - in->line), in->line);
	inner.at = line + (in->at - in->line);
	*segment = malloc(sizeof(**segment));
	if (!*segment)
		return err_set(err, ERR_SYSTEM, "out of memory for a scenario");
	if (!notation_parse_untimed(&inner, *segment, err) || !segment_fits(*segment, err)) {
		err_fix(err, "docs/notation.md describes segments; a scenario writes them without "
			     "TIME: C>S F. 1 ack 1");
		return false;
	}
	*in = ahead;
	return true;
}

void *one_more(struct reading *reading, void *items, size_t count, const struct shelf *shelf)
{
	char *grown;

	if (count == shelf->most) {
		err_set(reading->err, ERR_INPUT, "more than %zu %s", shelf->most, shelf->what);
		err_fix(reading->err, "make several scenarios of it");
		return NULL;
	}
	grown = realloc(items, (count + 1) * shelf->bytes);
	if (!grown) {
		err_set(reading->err, ERR_SYSTEM, "out of memory for a scenario");
		return NULL;
	}
	memset(grown + count * shelf->bytes, 0, shelf->bytes);
	return grown;
}
