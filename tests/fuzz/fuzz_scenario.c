/* SPDX-License-Identifier: BSD-2-Clause */
/* A scenario file: whatever it holds, a scenario or an error with its line; and each pattern,
   condition and step, printed and read again, stays what it was. */
#include "fuzz_target.h"

#include <stdlib.h>
#include <string.h>

#include "lab/scenario_parse.h"

#define TEXT_MOST 4096 /* longer ones repeat what shorter ones can */

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void pattern_stays(const struct pattern *pattern)
{
	char printed[SCENARIO_TEXT_BYTES];
	struct text text = text_over(printed, sizeof(printed));
	struct scan in = scan_over(printed);
	struct pattern again;

	pattern_print(pattern, &text);
	must(text.length < sizeof(printed));
	must(pattern_parse(&in, &again, NULL) && pattern_parse_range(&in, &again, NULL) &&
	     scan_end(&in));
	/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): both were zeroed whole */
	must(memcmp(&again, pattern, sizeof(again)) == 0);
}

static void cond_stays(const struct cond *cond)
{
	char printed[SCENARIO_TEXT_BYTES];
	struct text text = text_over(printed, sizeof(printed));
	struct scan in = scan_over(printed);
	struct cond again;

	if (cond->count == 0)
		return;
	cond_print(cond, &text);
	must(text.length < sizeof(printed));
	must(cond_parse(&in, &again, NULL) && scan_end(&in));
	/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): both were zeroed whole */
	must(memcmp(&again, cond, sizeof(again)) == 0);
}

/* What the whole program adds to a step is no word of it. A setting is compared by its fields. */
static void step_stays(const struct step *step)
{
	char printed[SCENARIO_TEXT_BYTES];
	struct text text = text_over(printed, sizeof(printed));
	struct scan in = scan_over(printed);
	struct step again;
	struct step before;

	step_print(step, &text);
	must(text.length < sizeof(printed));
	must(step_parse(&in, &again, NULL));
	must(again.setting.option == step->setting.option &&
	     again.setting.value_count == step->setting.value_count &&
	     memcmp(again.setting.values, step->setting.values, sizeof(again.setting.values)) == 0);
	memcpy(&before, step, sizeof(before));
	again.line = before.line;
	again.other = before.other;
	memset(&again.setting, 0, sizeof(again.setting));
	memset(&before.setting, 0, sizeof(before.setting));
	/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): both were zeroed whole */
	must(memcmp(&again, &before, sizeof(again)) == 0);
}

static void parts_stay_what_they_are(const struct scenario *scenario)
{
	for (size_t i = 0; i < scenario->program_count; i++) {
		const struct program *program = &scenario->programs[i];

		for (size_t k = 0; k < program->step_count; k++) {
			const struct step *step = &program->steps[k];

			step_stays(step);
			must(step->line > 0);
			must((step->verb != STEP_REPEAT && step->verb != STEP_AGAIN) ||
			     program->steps[step->other].other == k);
		}
	}
	for (size_t i = 0; i < scenario->rule_count; i++) {
		const struct rule *rule = &scenario->rules[i];

		pattern_stays(&rule->pattern);
		cond_stays(&rule->until);
		cond_stays(&rule->after);
		must((rule->segment != NULL) ==
		     (rule->kind == RULE_ANSWER || rule->kind == RULE_INJECT));
	}
	for (size_t i = 0; i < scenario->flaw_count; i++) {
		pattern_stays(&scenario->flaws[i].pattern);
		cond_stays(&scenario->flaws[i].cond);
	}
	for (size_t i = 0; i < scenario->counts_count; i++)
		pattern_stays(&scenario->counts[i].pattern);
	cond_stays(&scenario->end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = { 0 };
	struct scenario *scenario;
	char *text;

	if (size > TEXT_MOST)
		return 0;
	text = malloc(size + 1);
	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	scenario = scenario_parse("fuzz", text, &err);
	must(scenario ? err.kind == ERR_NONE
		      : err.kind == ERR_INPUT && err.what[0] && err.where[0] && err.fix[0]);
	if (scenario)
		parts_stay_what_they_are(scenario);
	scenario_free(scenario);
	free(text);
	return 0;
}
