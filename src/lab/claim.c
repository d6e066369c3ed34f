/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines that say what must be found, taken apart. */
#include "lab/claim.h"

#include <stdio.h>
#include <string.h>

#include "base/options.h"
#include "base/scan.h"
#include "tcp/state.h"

static bool take_text(struct scan *in, const char *what, char *text, size_t room, struct err *err)
{
	struct word word = scan_peek(in, "");

	if (word.length == 0 || word.length >= room)
		return scan_fail(in, what, "a name is wanted", err);
	snprintf(text, room, "%.*s", (int)word.length, word.text);
	scan_word(in, "");
	return true;
}

/* client, server, both, middle, nobody. */
static bool take_actor(struct scan *in, int *by, struct err *err)
{
	struct word word = scan_peek(in, "");

	for (int actor = ACTOR_NONE; actor <= ACTOR_MIDDLE; actor++) {
		const char *name = actor_name((enum actor)actor);

		if (word_is(word, name ? name : "nobody")) {
			*by = actor;
			scan_word(in, "");
			return true;
		}
	}
	return scan_fail(in, "claim", "client, server, both, middle or nobody is wanted", err);
}

static bool take_operator(struct scan *in, enum comparison *compare, struct err *err)
{
	static const char *const operators[] = {
		[COMPARE_EQUAL] = "=",	  [COMPARE_NOT_EQUAL] = "!=", [COMPARE_LESS] = "<",
		[COMPARE_AT_MOST] = "<=", [COMPARE_MORE] = ">",	      [COMPARE_AT_LEAST] = ">=",
	};
	struct word word = scan_peek(in, "");

	for (int i = COMPARE_EQUAL; i <= COMPARE_AT_LEAST; i++) {
		if (word_is(word, operators[i])) {
			*compare = (enum comparison)i;
			scan_word(in, "");
			return true;
		}
	}
	return scan_fail(in, "value", "one of = != < <= > >= is wanted", err);
}

/* A number, perhaps with a unit of time and decimals; or text in quotes. */
static bool take_operand(struct scan *in, struct condition *condition, struct err *err)
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = {
		{ "ns", 1 },
		{ "us", NSEC_PER_USEC },
		{ "ms", NSEC_PER_MSEC },
		{ "s", NSEC_PER_SEC },
	};
	int64_t billionths = 0;

	scan_end(in);
	if (*in->at == '"') {
		size_t count = sizeof(condition->text) - 1;

		if (!scan_quoted(in, "value", (uint8_t *)condition->text, &count, err))
			return false;
		condition->text[count] = '\0';
		return true;
	}

	const char *digits = in->at;

	if (!scan_seconds(in, "value", &billionths, err))
		return false;

	struct word unit = { .text = in->at, .length = strcspn(in->at, " \t\r\n") };

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (!word_is(unit, units[i].name))
			continue;
		in->at += unit.length;
		condition->number = billionths / (NSEC_PER_SEC / units[i].ns);
		return true;
	}
	if (unit.length > 0 || memchr(digits, '.', (size_t)(in->at - digits)))
		return scan_fail(in, "value", "a whole number, or a time in ns us ms s", err);
	condition->number = billionths / NSEC_PER_SEC;
	return true;
}

static bool take_frame(struct scan *in, struct condition *condition, struct err *err)
{
	uint64_t frame = 0;

	if (!scan_u64(in, "frame", UINT32_MAX, &frame, err))
		return false;
	condition->number = (int64_t)frame;
	return true;
}

static bool take_condition(struct scan *in, struct word word, struct claim *claim, struct err *err)
{
	struct condition *condition = &claim->conditions[claim->condition_count];

	if (claim->condition_count == CONDITIONS_MOST)
		return scan_fail(in, "expect", "at most 8 conditions", err);
	claim->condition_count++;
	scan_word(in, "");
	if (word_is(word, "value")) {
		condition->kind = CONDITION_VALUE;
		return take_text(in, "value", condition->key, sizeof(condition->key), err) &&
		       take_operator(in, &condition->compare, err) &&
		       take_operand(in, condition, err);
	}
	if (word_is(word, "excludes")) {
		condition->kind = CONDITION_EXCLUDES;
		return take_text(in, "excludes", condition->key, sizeof(condition->key), err);
	}
	condition->kind = word_is(word, "cites") ? CONDITION_CITES : CONDITION_DECIDED;
	return take_frame(in, condition, err);
}

static bool take_conn(struct scan *in, struct claim *claim, struct err *err)
{
	scan_word(in, "");
	return take_text(in, "conn", claim->conn, sizeof(claim->conn), err);
}

static bool parse_expect(struct scan *in, struct claim *claim, struct err *err)
{
	if (!take_text(in, "expect", claim->id, sizeof(claim->id), err))
		return false;
	while (!scan_end(in)) {
		struct word word = scan_peek(in, "");
		bool ok = true;

		for (int i = CONFIDENCE_POSSIBLE; i <= CONFIDENCE_PROVED; i++)
			if (word_is(word, confidence_name((enum confidence)i)))
				claim->confidence = (enum confidence)i;
		if (claim->confidence && word_is(word, confidence_name(claim->confidence))) {
			scan_word(in, "");
		} else if (word_is(word, "by")) {
			scan_word(in, "");
			ok = take_actor(in, &claim->by, err);
		} else if (word_is(word, "conn")) {
			ok = take_conn(in, claim, err);
		} else if (word_is(word, "value") || word_is(word, "cites") ||
			   word_is(word, "decided") || word_is(word, "excludes")) {
			ok = take_condition(in, word, claim, err);
		} else {
			ok = scan_fail(in, "expect",
				       "a confidence, by, conn, value, cites, decided or excludes",
				       err);
		}
		if (!ok)
			return false;
	}
	return true;
}

/* ID [conn NAME], for forbid and headline. */
static bool parse_id(struct scan *in, struct claim *claim, struct err *err)
{
	if (!take_text(in, "claim", claim->id, sizeof(claim->id), err))
		return false;
	if (word_is(scan_peek(in, ""), "conn") && !take_conn(in, claim, err))
		return false;
	if (claim->kind == CLAIM_FORBID && strcmp(claim->id, "look") == 0)
		claim->kind = CLAIM_FORBID_LOOK;
	return scan_end(in) || scan_fail(in, "claim", "the line should end here", err);
}

static bool take_state(struct scan *in, struct claim *claim, struct err *err)
{
	struct word word = scan_peek(in, "");
	bool assumed = word.length > 0 && word.text[word.length - 1] == '?';

	if (claim->state_count == CLAIM_STATES_MOST)
		return scan_fail(in, "states", "at most 16", err);
	word.length -= assumed;
	for (int state = STATE_UNKNOWN; state < STATE_COUNT; state++) {
		if (!word_is(word, tcp_state_name((enum tcp_state)state)))
			continue;
		claim->states[claim->state_count].state = (uint8_t)state;
		claim->states[claim->state_count++].assumed = assumed;
		scan_word(in, "");
		return true;
	}
	return scan_fail(in, "states", "a state such as TIME_WAIT is wanted", err);
}

static bool parse_states(struct scan *in, struct claim *claim, struct err *err)
{
	struct word end = scan_peek(in, "");

	if (!word_is(end, "client") && !word_is(end, "server"))
		return scan_fail(in, "states", "client or server is wanted", err);
	claim->end = word_is(end, "server");
	scan_word(in, "");
	while (!scan_end(in)) {
		bool conn = word_is(scan_peek(in, ""), "conn");

		if (!(conn ? take_conn(in, claim, err) : take_state(in, claim, err)))
			return false;
	}
	return true;
}

static bool parse_who(struct scan *in, struct claim *claim, struct err *err)
{
	if (!take_actor(in, &claim->by, err))
		return false;
	if (word_is(scan_peek(in, ""), "conn") && !take_conn(in, claim, err))
		return false;
	return scan_end(in) || scan_fail(in, "claim", "the line should end here", err);
}

static const struct {
	const char *name;
	enum claim_kind kind;
	bool (*parse)(struct scan *in, struct claim *claim, struct err *err);
} kinds[] = {
	{ "expect", CLAIM_EXPECT, parse_expect },
	{ "forbid", CLAIM_FORBID, parse_id },
	{ "headline", CLAIM_HEADLINE, parse_id },
	{ "states", CLAIM_STATES, parse_states },
	{ "closed-first", CLAIM_CLOSED_FIRST, parse_who },
	{ "time-wait", CLAIM_TIME_WAIT, parse_who },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* A verdict's id that means nothing would make a claim fail for the wrong reason. */
static bool check_id(const struct claim *claim, struct err *err)
{
	bool whole = claim->kind == CLAIM_EXPECT || claim->kind == CLAIM_HEADLINE;
	const char *nearest;

	if (!whole || catalogue_find(claim->id))
		return true;
	err_set(err, ERR_INPUT, "no verdict is called %s", claim->id);
	nearest = options_nearest(claim->id, catalogue_id_at, NULL);
	if (nearest)
		err_fix(err, "did you mean %s?", nearest);
	err_fix(err, "tcpwhy explain lists them all");
	return false;
}

/* Keep the line as it stands, without its comment. */
static void keep_text(struct claim *claim, const char *text, size_t length)
{
	while (length > 0 && strchr(" \t\r\n", text[length - 1]))
		length--;
	if (length >= sizeof(claim->text))
		length = sizeof(claim->text) - 1;
	memcpy(claim->text, text, length);
	claim->text[length] = '\0';
}

static bool parse_line(struct scan *in, struct claim *claim, struct err *err)
{
	struct word name = scan_peek(in, "");

	for (size_t i = 0; i < KINDS; i++) {
		if (word_is(name, kinds[i].name)) {
			scan_word(in, "");
			claim->kind = kinds[i].kind;
			return kinds[i].parse(in, claim, err) && check_id(claim, err);
		}
	}
	return scan_fail(in, "claim", "expect, forbid, headline, states, closed-first or time-wait",
			 err);
}

bool claim_parse(const char *text, unsigned line, struct claim *claim, struct err *err)
{
	struct scan in = scan_over(text);

	*claim = (struct claim){ .line = line, .by = CLAIM_ANY_ACTOR };
	scan_end(&in);
	text = in.at;
	if (parse_line(&in, claim, err)) {
		keep_text(claim, text, (size_t)(in.at - text));
		return true;
	}
	if (err && err->kind == ERR_USAGE) /* a line, not the command line */
		err->kind = ERR_INPUT;
	err_fix(err, "docs/notation.md describes the claims");
	return false;
}

bool claim_word(const char *word, size_t length)
{
	for (size_t i = 0; i < KINDS; i++)
		if (word_is((struct word){ word, length }, kinds[i].name))
			return true;
	return false;
}
