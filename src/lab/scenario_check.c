/* SPDX-License-Identifier: BSD-2-Clause */
/* What only the whole scenario shows: whether what is waited for can happen, and the like. */
#include "lab/scenario_parse.h"

#include <inttypes.h>

static bool fault(struct reading *reading, unsigned line)
{
	reading->line = line;
	return false;
}

/* --- conditions ----------------------------------------------------------------------------- */

/* Where a condition stands: in a step of a program, or elsewhere (NULL). */
struct place {
	unsigned line;
	const struct program *program;
	size_t step;
};

/* How often a program has done steps of that verb when it comes to @limit for the first time. */
static uint64_t calls_of(const struct program *program, enum step_verb verb, size_t limit)
{
	uint64_t calls = 0;
	uint64_t before_block = 0;
	const struct step *block = NULL;

	for (size_t i = 0; i < limit; i++) {
		const struct step *step = &program->steps[i];

		if (step->verb == STEP_REPEAT) {
			block = step;
			before_block = calls;
		} else if (step->verb == STEP_AGAIN && block) {
			calls = before_block + (calls - before_block) * block->octets;
		}
		calls += step->verb == verb;
	}
	return calls;
}

static const char *end_word(enum end end)
{
	return end == END_CLIENT ? "client" : "server";
}

static bool check_called(struct reading *reading, const struct cond_part *part,
			 const struct place *place)
{
	const struct scenario *scenario = reading->scenario;
	enum step_verb verb = (enum step_verb)part->verb;
	uint64_t all = 0;
	uint64_t before = 0;

	for (size_t i = 0; i < scenario->program_count; i++) {
		const struct program *program = &scenario->programs[i];

		if (program->end != part->end)
			continue;
		all += calls_of(program, verb, program->step_count);
		before += calls_of(program, verb,
				   program == place->program ? place->step : program->step_count);
	}
	if (before >= part->count)
		return true;
	if (all >= part->count) {
		err_set(reading->err, ERR_INPUT, "it waits for \"%s %s\", which comes behind it",
			end_word(part->end), step_verb_name(verb));
		err_fix(reading->err, "a program can't wait for its own later steps: take it out, "
				      "or move it");
	} else {
		err_set(reading->err, ERR_INPUT,
			"it waits for \"%s %s\" number %" PRIu32 ", but that end does it %" PRIu64
			" times",
			end_word(part->end), step_verb_name(verb), part->count, all);
		err_fix(reading->err, all ? "wait for a smaller number"
					  : "wait for a step that a program of that end does");
	}
	return fault(reading, place->line);
}

/* Somebody else of that end must be there to be blocked. */
static bool check_blocked(struct reading *reading, const struct cond_part *part,
			  const struct place *place)
{
	const struct scenario *scenario = reading->scenario;
	bool own = place->program && place->program->end == part->end;

	for (size_t i = 0; i < scenario->program_count; i++)
		if (scenario->programs[i].end == part->end &&
		    &scenario->programs[i] != place->program)
			return true;
	err_set(reading->err, ERR_INPUT, "\"%s blocked\": no %sprogram of the %s could be",
		end_word(part->end), own ? "other " : "", end_word(part->end));
	err_fix(reading->err, "name the other end, or add a program");
	return fault(reading, place->line);
}

static bool check_cond(struct reading *reading, const struct cond *cond, const struct place *place)
{
	for (unsigned i = 0; i < cond->count; i++) {
		const struct cond_part *part = &cond->parts[i];

		if (part->kind == COND_CALLED && !check_called(reading, part, place))
			return false;
		if (part->kind == COND_BLOCKED && !check_blocked(reading, part, place))
			return false;
	}
	return true;
}

static bool check_waits(struct reading *reading)
{
	const struct scenario *scenario = reading->scenario;

	for (size_t i = 0; i < scenario->program_count; i++) {
		const struct program *program = &scenario->programs[i];

		for (size_t k = 0; k < program->step_count; k++) {
			const struct place place = { program->steps[k].line, program, k };

			if (!check_cond(reading, &program->steps[k].cond, &place))
				return false;
		}
	}
	return true;
}

static bool check_conds(struct reading *reading)
{
	const struct scenario *scenario = reading->scenario;
	struct place place = { .line = scenario->end_line };

	if (!check_waits(reading) || !check_cond(reading, &scenario->end, &place))
		return false;
	for (size_t i = 0; i < scenario->rule_count; i++) {
		place.line = scenario->rules[i].line;
		if (!check_cond(reading, &scenario->rules[i].until, &place) ||
		    !check_cond(reading, &scenario->rules[i].after, &place))
			return false;
	}
	for (size_t i = 0; i < scenario->flaw_count; i++) {
		place.line = scenario->flaws[i].line;
		if (!check_cond(reading, &scenario->flaws[i].cond, &place))
			return false;
	}
	return true;
}

/* --- the rest ------------------------------------------------------------------------------- */

/* An address that other hosts of the scenario could answer to. */
static bool check_family(struct reading *reading, const struct ip_address *address, unsigned line)
{
	bool ipv6 = reading->scenario->ipv6;

	if (ip_address_is_v4(address) != ipv6)
		return true;
	err_set(reading->err, ERR_INPUT, "the address is of the other IP version");
	err_fix(reading->err, ipv6 ? "the hosts have IPv6 addresses here: fd00:9::9"
				   : "the hosts have IPv4 addresses (10.9.0.9) unless there is a "
				     "line with ipv6");
	return fault(reading, line);
}

static bool check_addresses(struct reading *reading)
{
	const struct scenario *scenario = reading->scenario;

	for (size_t i = 0; i < scenario->rule_count; i++) {
		const struct rule *rule = &scenario->rules[i];

		if (rule->kind == RULE_ANSWER_ICMP &&
		    !check_family(reading, &rule->icmp_from, rule->line))
			return false;
		if (rule->from_said && !check_family(reading, &rule->from_address, rule->line))
			return false;
		if (rule->segment && rule->segment->said & SAID_ICMP &&
		    !check_family(reading, &rule->segment->icmp_from, rule->line))
			return false;
	}
	return true;
}

static bool is_expected(const struct scenario *scenario, const char *id)
{
	for (size_t i = 0; i < scenario->expected_count; i++)
		if (scenario->expected[i].claim.kind == CLAIM_EXPECT &&
		    strcmp(scenario->expected[i].claim.id, id) == 0)
			return true;
	return false;
}

static bool check_verdicts(struct reading *reading)
{
	const struct scenario *scenario = reading->scenario;

	for (unsigned i = 0; i < scenario->verdict_count; i++) {
		if (is_expected(scenario, scenario->verdicts[i]))
			continue;
		err_set(reading->err, ERR_INPUT, "verdict: %s is reproduced, but not expected",
			scenario->verdicts[i]);
		err_fix(reading->err, "add a line: expect %s", scenario->verdicts[i]);
		return fault(reading, reading->verdict_line);
	}
	return true;
}

/* What the short text tells must have happened. */
static bool check_told(struct reading *reading)
{
	const struct scenario *scenario = reading->scenario;
	const char *at = scenario->told;

	while ((at = strchr(at, '{'))) {
		char figure[sizeof(scenario->told)];
		size_t length = strcspn(++at, "}");
		struct scan in = scan_over(figure);
		enum step_verb verb;
		uint64_t calls = 0;

		memcpy(figure, at, length);
		figure[length] = '\0';
		if (!told_figure_parse(&in, &verb, reading->err) || verb == STEP_VERBS)
			continue;
		for (size_t i = 0; i < scenario->program_count; i++)
			calls += calls_of(&scenario->programs[i], verb,
					  scenario->programs[i].step_count);
		if (calls > 0)
			continue;
		err_set(reading->err, ERR_INPUT, "told: no program does \"%s\"",
			step_verb_name(verb));
		return fault(reading, reading->told_line);
	}
	return true;
}

/* The answers of a claim are tried in turn: one at least. */
static bool check_claims(struct reading *reading)
{
	const struct scenario *scenario = reading->scenario;

	for (size_t i = 0; i < scenario->claim_count; i++) {
		if (scenario->claims[i].answer_count > 0)
			continue;
		err_set(reading->err, ERR_INPUT, "claim: it has no answer");
		err_fix(reading->err, "add indented lines: no when kernel client TIME_WAIT");
		return fault(reading, scenario->claims[i].line);
	}
	for (size_t i = 0; i < scenario->frames_count; i++) {
		if (scenario->frames[i].count > 0)
			continue;
		err_set(reading->err, ERR_INPUT, "frames: no segment follows");
		err_fix(reading->err, "add indented lines: C>S F. 1 ack 1");
		return fault(reading, scenario->frames[i].line);
	}
	return true;
}

static bool check_head(struct reading *reading)
{
	if (reading->title_line == 0) {
		err_set(reading->err, ERR_INPUT, "there is no title");
		err_fix(reading->err, "say what happens: title both ends close at once");
		return fault(reading, 1);
	}
	if (reading->scenario->program_count == 0) {
		err_set(reading->err, ERR_INPUT, "there is no program");
		err_fix(reading->err, "add a line with server or client, and its steps below it");
		return fault(reading, 1);
	}
	return true;
}

/* Where no tap is named, it is that which is read. */
static void fill_taps(struct scenario *scenario)
{
	for (size_t i = 0; i < scenario->expected_count; i++)
		if (!scenario->expected[i].tap_said)
			scenario->expected[i].tap = scenario->read;
	for (size_t i = 0; i < scenario->frames_count; i++)
		if (!scenario->frames[i].tap_said)
			scenario->frames[i].tap = scenario->read;
}

bool scenario_check(struct reading *reading)
{
	struct scenario *scenario = reading->scenario;

	if (!check_head(reading))
		return false;
	for (size_t i = 0; i < scenario->program_count; i++)
		if (!program_check(reading, &scenario->programs[i]))
			return false;
	fill_taps(scenario);
	return check_conds(reading) && check_addresses(reading) && check_verdicts(reading) &&
	       check_told(reading) && check_claims(reading);
}
