/* SPDX-License-Identifier: BSD-2-Clause */
/* The wire of a scenario: what happens to segments on their way, and in the record of them. */
#include "lab/scenario_parse.h"

#include <stdio.h>

#include "tcp/address.h"
#include "tcp/option.h"

/* --- edit ----------------------------------------------------------------------------------- */

static bool edit_number(struct scan *in, const struct span *span, int64_t *number, struct err *err)
{
	uint32_t value = 0;

	if (!take_number(in, span, &value, err))
		return false;
	*number = value;
	return true;
}

static bool edit_ttl(struct scan *in, int64_t *number, struct err *err)
{
	static const struct span span = { "ttl", 0, UINT8_MAX };

	return edit_number(in, &span, number, err);
}

static bool edit_window(struct scan *in, int64_t *number, struct err *err)
{
	static const struct span span = { "win", 0, UINT16_MAX };

	return edit_number(in, &span, number, err);
}

/* The name of an option as the notation has it, or its kind. */
static bool edit_strip(struct scan *in, int64_t *number, struct err *err)
{
	static const struct span span = { "strip", TCP_OPTION_MSS, UINT8_MAX };
	struct word word = scan_peek(in, "");
	const struct tcp_option_kind *row = tcp_option_find_name(word.text, word.length);

	if (word.length > 0 && word.text[0] >= '0' && word.text[0] <= '9')
		return edit_number(in, &span, number, err);
	if (!row || row->kind < TCP_OPTION_MSS) {
		scan_fail(in, "strip", "an option is wanted", err);
		err_fix(err, "name it as segments do (mss, ws, sackok, sack, ts, tfo, mptcp, ...), "
			     "or by its kind");
		return false;
	}
	scan_word(in, "");
	*number = row->kind;
	return true;
}

/* +N or -N. */
static bool edit_more(struct scan *in, int64_t *number, struct err *err)
{
	struct scan before = *in;

	scan_end(in);
	if (!scan_char(in, '+') && *in->at != '-') {
		scan_fail(&before, "edit", "+N or -N is wanted: what is added", err);
		err_fix(err, "write: ack +1000");
		return false;
	}
	return scan_s64(in, "edit", number, err);
}

static bool edit_sum(struct scan *in, int64_t *number, struct err *err)
{
	*number = 0;
	return take_word(in, "bad") || scan_fail(in, "sum", "bad is wanted", err);
}

static const struct choice edit_rows[] = {
	{ "ttl", EDIT_TTL }, { "win", EDIT_WINDOW },  { "strip", EDIT_STRIP }, { "ack", EDIT_ACK },
	{ "seq", EDIT_SEQ }, { "tsval", EDIT_TSVAL }, { "sum", EDIT_SUM_BAD },
};
static const struct choices edits = { "edit", edit_rows, sizeof(edit_rows) / sizeof(edit_rows[0]) };

static bool parse_edit(struct scan *in, struct rule *rule, struct err *err)
{
	static bool (*const parse[])(struct scan * in, int64_t * number, struct err * err) = {
		[EDIT_TTL] = edit_ttl,	   [EDIT_WINDOW] = edit_window, [EDIT_STRIP] = edit_strip,
		[EDIT_ACK] = edit_more,	   [EDIT_SEQ] = edit_more,	[EDIT_TSVAL] = edit_more,
		[EDIT_SUM_BAD] = edit_sum,
	};
	struct scan before = *in;
	int kind = 0;

	if (rule->edit_count == EDITS_MOST)
		return scan_fail(in, "edit", "at most 4 changes", err);
	if (!take_choice(in, &edits, &kind, err))
		return false;
	for (unsigned i = 0; i < rule->edit_count; i++)
		if ((int)rule->edits[i].kind == kind && kind != EDIT_STRIP)
			return scan_fail(&before, "edit", "it was said before", err);
	rule->edits[rule->edit_count].kind = (enum edit_kind)kind;
	return parse[kind](in, &rule->edits[rule->edit_count++].number, err);
}

/* Whether what may end every rule comes next. */
static bool at_tail(struct scan *in)
{
	return scan_end(in) || next_is(in, "after") || next_is(in, "until") ||
	       next_is(in, "optional");
}

/* --- the rules ------------------------------------------------------------------------------ */

static bool parse_matched(struct scan *in, struct rule *rule, struct err *err)
{
	return pattern_parse(in, &rule->pattern, err) &&
	       pattern_parse_range(in, &rule->pattern, err);
}

static bool rule_drop(struct scan *in, struct rule *rule, struct err *err)
{
	return parse_matched(in, rule, err);
}

static bool rule_hold(struct scan *in, struct rule *rule, struct err *err)
{
	if (!parse_matched(in, rule, err))
		return false;
	if (take_word(in, "until"))
		return cond_parse(in, &rule->until, err);
	scan_fail(in, "hold", "\"until\" and a condition are wanted", err);
	err_fix(err, "say when it may pass: hold FIN until C>S FIN and S>C FIN");
	return false;
}

static bool rule_delay(struct scan *in, struct rule *rule, struct err *err)
{
	return parse_matched(in, rule, err) && take_time(in, "delay", &rule->time_ns, err);
}

static bool rule_copy(struct scan *in, struct rule *rule, struct err *err)
{
	if (!parse_matched(in, rule, err))
		return false;
	return at_tail(in) || take_time(in, "copy", &rule->time_ns, err);
}

static bool rule_edit(struct scan *in, struct rule *rule, struct err *err)
{
	if (!parse_matched(in, rule, err))
		return false;
	do {
		if (!parse_edit(in, rule, err))
			return false;
	} while (!at_tail(in));
	return true;
}

static bool answer_with_icmp(struct scan *in, struct rule *rule, struct err *err)
{
	static const struct span octet = { "icmp", 0, UINT8_MAX };
	static const struct span mtu = { "mtu", 1, UINT32_MAX };
	uint32_t type = 0;
	uint32_t code = 0;
	struct word address;

	rule->kind = RULE_ANSWER_ICMP;
	if (!take_number(in, &octet, &type, err))
		return false;
	if (!scan_char(in, '/'))
		return scan_fail(in, "icmp", "TYPE/CODE is wanted", err);
	if (!take_number(in, &octet, &code, err))
		return false;
	rule->icmp_type = (uint8_t)type;
	rule->icmp_code = (uint8_t)code;
	if (!take_word(in, "from"))
		return scan_fail(in, "icmp", "\"from ADDRESS\" is wanted", err);
	address = scan_peek(in, "");
	if (!ip_address_parse(address.text, address.length, &rule->icmp_from))
		return scan_fail(in, "icmp", "an address is wanted", err);
	scan_word(in, "");
	return !take_word(in, "mtu") || take_number(in, &mtu, &rule->icmp_mtu, err);
}

static bool rule_answer(struct scan *in, struct rule *rule, struct err *err)
{
	static const char *const stops[] = { "after", "until", "optional", NULL };

	if (!parse_matched(in, rule, err))
		return false;
	if (!take_word(in, "with")) {
		scan_fail(in, "answer", "\"with\" and a segment or \"icmp\" are wanted", err);
		err_fix(err, "write: answer C>S SYN with S>C R. 0 ack 1");
		return false;
	}
	if (take_word(in, "icmp"))
		return answer_with_icmp(in, rule, err);
	if (!take_segment(in, stops, &rule->segment, err))
		return false;
	if (rule->pattern.from_said &&
	    rule->segment->from_server == (rule->pattern.from == END_CLIENT))
		return true;
	err_set(err, ERR_INPUT,
		"answer: the segment goes to the sender of what is taken away, so "
		"it has the other direction");
	err_fix(err, "write: answer C>S SYN with S>C R. 0 ack 1");
	return false;
}

/* ADDR:PORT, [ADDR]:PORT; a + after either counts up. */
static bool parse_source(struct scan *in, struct rule *rule, struct err *err)
{
	struct word word = scan_peek(in, "");
	struct scan before = *in;
	size_t colon = word.length;
	size_t length;
	bool bracket = word.length > 0 && word.text[0] == '[';

	while (colon > 0 && word.text[colon - 1] != ':')
		colon--;
	length = colon > 0 ? colon - 1 : 0;
	rule->address_counts = length > 0 && word.text[length - 1] == '+';
	length -= rule->address_counts;
	if (bracket && (length < 2 || word.text[length - 1] != ']'))
		length = 0;
	rule->from_said = true;
	if (length == 0 || !ip_address_parse(word.text + bracket, length - (bracket ? 2 : 0),
					     &rule->from_address)) {
		scan_fail(&before, "inject", "\"from ADDRESS:PORT\" is wanted", err);
		err_fix(err, "write from 10.9.0.9:5000 or from [fd00:9::9]:5000; + after either "
			     "counts up");
		return false;
	}
	scan_end(in);
	in->at = word.text + colon;
	return take_port(in, &rule->from_port, &rule->from_counts, err);
}

static bool parse_times(struct scan *in, struct rule *rule, struct err *err)
{
	static const struct span span = { "times", 1, 100000 };

	if (take_word(in, "times") && !take_number(in, &span, &rule->times, err))
		return false;
	if (!take_word(in, "every"))
		return true;
	if (rule->times == 1) {
		scan_fail(in, "inject", "\"every\" needs \"times N\" before it", err);
		return false;
	}
	return take_time(in, "every", &rule->every_ns, err);
}

/* What counts up must have something to count, and end before its numbers do. */
static bool check_counts(const struct rule *rule, struct err *err)
{
	bool counts = rule->address_counts || rule->from_counts || rule->to_counts;

	if (counts && rule->times == 1) {
		err_set(err, ERR_INPUT, "inject: it is done once, so nothing counts up");
		err_fix(err, "add times N, or leave the + out");
		return false;
	}
	if ((rule->from_counts && rule->from_port + rule->times - 1 > UINT16_MAX) ||
	    (rule->to_counts && rule->to_port + rule->times - 1 > UINT16_MAX)) {
		err_set(err, ERR_INPUT, "inject: ports that count up end beyond 65535");
		err_fix(err, "begin with a lower port, or inject fewer");
		return false;
	}
	return true;
}

static bool rule_inject(struct scan *in, struct rule *rule, struct err *err)
{
	static const char *const stops[] = { "after", "times", "every", "optional", NULL };

	rule->times = 1;
	if (take_word(in, "from") && !parse_source(in, rule, err))
		return false;
	if (take_word(in, "to") && !take_port(in, &rule->to_port, &rule->to_counts, err))
		return false;
	if (!take_segment(in, stops, &rule->segment, err))
		return false;
	if (take_word(in, "after") && !cond_parse(in, &rule->after, err))
		return false;
	return parse_times(in, rule, err) && check_counts(rule, err);
}

static bool rule_reboot(struct scan *in, struct rule *rule, struct err *err)
{
	if (!take_end(in, "reboot", &rule->end, err))
		return false;
	return next_is(in, "after") ||
	       scan_fail(in, "reboot", "\"after\" and a condition are wanted", err);
}

static const struct choice rule_rows[] = {
	{ "drop", RULE_DROP },	   { "hold", RULE_HOLD },     { "delay", RULE_DELAY },
	{ "copy", RULE_COPY },	   { "edit", RULE_EDIT },     { "answer", RULE_ANSWER },
	{ "inject", RULE_INJECT }, { "reboot", RULE_REBOOT },
};
static const struct choices rules = { "rule", rule_rows, sizeof(rule_rows) / sizeof(rule_rows[0]) };

/* [after COND] [until COND] [optional], in any order. */
static bool parse_tail(struct scan *in, struct rule *rule, struct err *err)
{
	while (!scan_end(in)) {
		bool ok = true;

		if (rule->after.count == 0 && take_word(in, "after"))
			ok = cond_parse(in, &rule->after, err);
		else if (rule->until.count == 0 && rule->kind <= RULE_ANSWER_ICMP &&
			 take_word(in, "until"))
			ok = cond_parse(in, &rule->until, err);
		else if (!rule->optional && take_word(in, "optional"))
			rule->optional = true;
		else
			return true; /* the line's end is asked for next */
		if (!ok)
			return false;
	}
	return true;
}

static bool parse_rule(struct scan *in, struct rule *rule, struct err *err)
{
	static bool (*const parse[])(struct scan * in, struct rule * rule, struct err * err) = {
		[RULE_DROP] = rule_drop,     [RULE_HOLD] = rule_hold,
		[RULE_DELAY] = rule_delay,   [RULE_COPY] = rule_copy,
		[RULE_EDIT] = rule_edit,     [RULE_ANSWER] = rule_answer,
		[RULE_INJECT] = rule_inject, [RULE_REBOOT] = rule_reboot,
	};
	const struct choice *row = choices_find(&rules, scan_peek(in, ""));
	int kind = 0;

	if (!take_choice(in, &rules, &kind, err) || !row)
		return false;
	rule->kind = (enum rule_kind)kind;
	if (!parse[kind](in, rule, err))
		return false;
	return parse_tail(in, rule, err) && line_ends(in, row->name, err);
}

bool wire_begin(struct reading *reading, struct scan *in)
{
	return line_ends(in, reading->row->word, reading->err);
}

bool wire_line(struct reading *reading, struct scan *in)
{
	static const struct shelf shelf = { "rules", SCENARIO_RULES_MOST, sizeof(struct rule) };
	struct scenario *scenario = reading->scenario;
	struct rule *grown = one_more(reading, scenario->rules, scenario->rule_count, &shelf);
	struct rule *rule;

	if (!grown)
		return false;
	scenario->rules = grown;
	rule = &grown[scenario->rule_count++];
	rule->line = reading->line;
	return parse_rule(in, rule, reading->err);
}

/* --- capture -------------------------------------------------------------------------------- */

static const struct choice flaw_rows[] = {
	{ "miss", FLAW_MISS }, { "twice", FLAW_TWICE }, { "cut", FLAW_CUT },
	{ "from", FLAW_FROM }, { "until", FLAW_UNTIL },
};
static const struct choices flaws = { "capture", flaw_rows,
				      sizeof(flaw_rows) / sizeof(flaw_rows[0]) };

static bool parse_flaw(struct scan *in, struct flaw *flaw, struct err *err)
{
	static const struct span bytes = { "cut", 1, 65535 };
	int kind = 0;

	if (!take_choice(in, &flaws, &kind, err))
		return false;
	flaw->kind = (enum flaw_kind)kind;
	switch (flaw->kind) {
	case FLAW_CUT:
		return take_number(in, &bytes, &flaw->number, err);
	case FLAW_FROM:
	case FLAW_UNTIL:
		return cond_parse(in, &flaw->cond, err);
	case FLAW_MISS:
	case FLAW_TWICE:
		break;
	}
	return pattern_parse(in, &flaw->pattern, err) &&
	       pattern_parse_range(in, &flaw->pattern, err);
}

bool capture_line(struct reading *reading, struct scan *in)
{
	static const struct shelf shelf = { "flaws of the capture", SCENARIO_FLAWS_MOST,
					    sizeof(struct flaw) };
	struct scenario *scenario = reading->scenario;
	struct flaw *grown = one_more(reading, scenario->flaws, scenario->flaw_count, &shelf);
	struct flaw *flaw;

	if (!grown)
		return false;
	scenario->flaws = grown;
	flaw = &grown[scenario->flaw_count];
	flaw->line = reading->line;
	if (!parse_flaw(in, flaw, reading->err))
		return false;
	for (size_t i = 0; i < scenario->flaw_count; i++)
		if (grown[i].kind == flaw->kind && flaw->kind >= FLAW_CUT)
			return err_set(reading->err, ERR_INPUT, "capture: %s was said in line %u",
				       flaw_rows[flaw->kind].name, grown[i].line);
	scenario->flaw_count++;
	return line_ends(in, "capture", reading->err);
}
