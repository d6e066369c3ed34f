/* SPDX-License-Identifier: BSD-2-Clause */
/* Patterns (which segments) and conditions (when) of a scenario. */
#include "lab/scenario_parse.h"

/* --- patterns ------------------------------------------------------------------------------- */

static const struct choice kind_rows[] = {
	{ "any", PATTERN_ANY }, { "SYN", PATTERN_SYN },	  { "SYN-ACK", PATTERN_SYN_ACK },
	{ "ACK", PATTERN_ACK }, { "DATA", PATTERN_DATA }, { "FIN", PATTERN_FIN },
	{ "RST", PATTERN_RST },
};
static_assert(sizeof(kind_rows) / sizeof(kind_rows[0]) == PATTERN_KINDS, "a word per kind");
static const struct choices kinds = { "segment", kind_rows, PATTERN_KINDS };

static bool parse_length(struct scan *in, struct pattern *pattern, struct err *err)
{
	static const struct span span = { "len", 0, UINT32_MAX };

	if (pattern->length_compare != OF_NOTHING)
		return scan_fail(in, "len", "it was said before", err);
	return take_comparison(in, &pattern->length_compare, err) &&
	       take_number(in, &span, &pattern->length, err);
}

static bool parse_pattern_port(struct scan *in, const char *what, uint16_t *port, struct err *err)
{
	if (*port)
		return scan_fail(in, what, "it was said before", err);
	return take_port(in, port, NULL, err);
}

bool pattern_parse(struct scan *in, struct pattern *pattern, struct err *err)
{
	int kind = 0;

	memset(pattern, 0, sizeof(*pattern));
	pattern->from_said = next_is(in, "C>S") || next_is(in, "S>C");
	if (pattern->from_said)
		pattern->from = word_is(scan_word(in, ""), "C>S") ? END_CLIENT : END_SERVER;
	if (!take_choice(in, &kinds, &kind, err))
		return false;
	pattern->kind = (enum pattern_kind)kind;
	for (;;) {
		bool ok;

		if (take_word(in, "len"))
			ok = parse_length(in, pattern, err);
		else if (take_word(in, "port"))
			ok = parse_pattern_port(in, "port", &pattern->client_port, err);
		else if (take_word(in, "to"))
			ok = parse_pattern_port(in, "to", &pattern->server_port, err);
		else
			return true;
		if (!ok)
			return false;
	}
}

/* Whether a word is made of digits and dashes: a time has its unit behind it. */
static bool is_range(struct word word)
{
	if (word.length == 0 || word.text[0] < '0' || word.text[0] > '9')
		return false;
	for (size_t i = 0; i < word.length; i++)
		if (word.text[i] != '-' && (word.text[i] < '0' || word.text[i] > '9'))
			return false;
	return true;
}

bool pattern_parse_range(struct scan *in, struct pattern *pattern, struct err *err)
{
	static const struct span span = { "number of the segment", 1, UINT32_MAX };
	struct scan before;

	if (!is_range(scan_peek(in, "")))
		return true;
	scan_end(in);
	before = *in;
	if (!take_number(in, &span, &pattern->first, err))
		return false;
	pattern->last = pattern->first;
	if (!scan_char(in, '-'))
		return true;
	pattern->last = UINT32_MAX;
	if (*in->at && !strchr(" \t", *in->at) && !take_number(in, &span, &pattern->last, err))
		return false;
	if (pattern->last >= pattern->first && (!*in->at || strchr(" \t", *in->at)))
		return true;
	scan_fail(&before, span.what, "N, N-M or N- is wanted", err);
	err_fix(err, "write 2, 2-4 or 2-; they count from 1");
	return false;
}

/* --- conditions ----------------------------------------------------------------------------- */

/* How often: a number that may follow. */
static bool parse_count(struct scan *in, struct cond_part *part, struct err *err)
{
	static const struct span span = { "how often", 1, 1000000 };

	part->count = 1;
	return !is_range(scan_peek(in, "")) || take_number(in, &span, &part->count, err);
}

static bool parse_reached(struct scan *in, struct cond_part *part, struct err *err)
{
	return pattern_parse(in, &part->pattern, err) && parse_count(in, part, err);
}

static bool parse_called(struct scan *in, struct cond_part *part, struct err *err)
{
	enum step_verb verb = STEP_LISTEN;

	if (!take_end(in, "condition", &part->end, err))
		return false;
	if (take_word(in, "blocked")) {
		part->kind = COND_BLOCKED;
		return true;
	}
	part->kind = COND_CALLED;
	if (!step_verb_parse(in, &verb, err))
		return false;
	part->verb = verb;
	return parse_count(in, part, err);
}

/* How a condition may begin. */
static const char *begin_at(const void *context, size_t index)
{
	static const char *const others[] = { "C>S", "S>C", "delivered", "client", "server" };
	const size_t count = sizeof(others) / sizeof(others[0]);

	(void)context;
	if (index < count)
		return others[index];
	return index - count < PATTERN_KINDS ? kind_rows[index - count].name : NULL;
}

static bool parse_part(struct scan *in, struct cond_part *part, struct err *err)
{
	struct word word = scan_peek(in, "");

	if (word.length > 0 && word.text[0] >= '0' && word.text[0] <= '9') {
		part->kind = COND_TIME;
		return take_time(in, "condition", &part->after_ns, err);
	}
	if (next_is(in, "client") || next_is(in, "server"))
		return parse_called(in, part, err);
	if (take_word(in, "delivered")) {
		part->kind = COND_DELIVERED;
		return parse_reached(in, part, err);
	}
	part->kind = COND_REACHED;
	if (next_is(in, "C>S") || next_is(in, "S>C") || choices_find(&kinds, word))
		return parse_reached(in, part, err);
	return refuse_word(in, "condition", begin_at, NULL, err);
}

bool cond_parse(struct scan *in, struct cond *cond, struct err *err)
{
	memset(cond, 0, sizeof(*cond));
	do {
		if (cond->count == COND_PARTS_MOST) {
			err_set(err, ERR_INPUT, "condition: more than %d joined by \"and\"",
				COND_PARTS_MOST);
			return false;
		}
		if (!parse_part(in, &cond->parts[cond->count++], err))
			return false;
	} while (take_word(in, "and"));
	scan_end(in);
	if (!scan_char(in, '+'))
		return true;
	return take_time(in, "delay", &cond->then_ns, err);
}
