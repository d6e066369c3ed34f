/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/answers.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void add_fact(struct answer *answer, const char *text)
{
	size_t used = strlen(answer->facts);

	snprintf(answer->facts + used, sizeof(answer->facts) - used, "%s%s", used ? ", " : "",
		 text);
}

/* Facts about frames follow one another: each is looked for behind the one before. */
static bool frame_holds(const struct run *run, const struct fact_of *fact, size_t *at,
			struct answer *answer)
{
	const struct told_frames *told = &run->told[run->scenario->read];
	size_t found = told_frames_find(told, *at, fact->segment);

	if (found == SIZE_MAX)
		return false;
	*at = found + 1;
	answer->frames[answer->frame_count++] = told->frames[found].number;
	return true;
}

static bool count_holds(const struct run *run, const struct fact_of *fact, struct answer *answer)
{
	uint64_t count = told_frames_count(&run->told[run->scenario->read], &fact->count.pattern);
	char text[SCENARIO_TEXT_BYTES], line[SCENARIO_TEXT_BYTES + 32];
	struct text said = text_over(text, sizeof(text));

	if (!comparison_holds(fact->count.compare, count, fact->count.number))
		return false;
	pattern_print(&fact->count.pattern, &said);
	snprintf(line, sizeof(line), "%" PRIu64 " x %s", count, text);
	add_fact(answer, line);
	return true;
}

static bool kernel_holds(const struct run *run, const struct fact_of *fact, struct answer *answer)
{
	for (size_t i = 0; i < run->kernel.entry_count; i++) {
		const struct kernel_entry *entry = &run->kernel.entries[i];
		const struct diag_socket like = { .timer = entry->timer,
						  .timer_ms = entry->timer_ms };
		char timer[DIAG_TIMER_TEXT_BYTES], line[96];

		if (entry->end != fact->end || entry->state != fact->state)
			continue;
		diag_timer_print(&like, timer);
		snprintf(line, sizeof(line), "the %s's kernel says %s%s%s%s",
			 fact->end == END_CLIENT ? "client" : "server",
			 tcp_state_name(entry->state), timer[0] ? " (" : "", timer,
			 timer[0] ? ")" : "");
		add_fact(answer, line);
		return true;
	}
	return false;
}

static bool verdict_found(const struct run *run, const struct fact_of *fact)
{
	const struct found *found = &run->found[run->scenario->read];

	for (size_t i = 0; i < found->conn_count; i++) {
		const struct verdict *verdict;

		for (unsigned k = 0;
		     (verdict = judgement_verdict(&found->conns[i].judgement, k)) != NULL; k++)
			if (strcmp(verdict->entry->id, fact->id) == 0)
				return true;
	}
	return false;
}

static bool call_holds(const struct run *run, const struct fact_of *fact, struct answer *answer)
{
	for (size_t i = 0; i < run->called_count; i++) {
		const struct called *called = &run->called[i];
		const struct program *program = &run->scenario->programs[called->program];
		char line[96];

		if (program->end != fact->end || !called->ended ||
		    program->steps[called->step].verb != fact->verb || called->error != fact->error)
			continue;
		snprintf(line, sizeof(line), "%s() %s%s",
			 step_verb_name(program->steps[called->step].verb),
			 fact->error ? "says " : "succeeds",
			 fact->error ? errno_name(fact->error) : "");
		add_fact(answer, line);
		return true;
	}
	return false;
}

static bool fact_holds(const struct run *run, const struct fact_of *fact, size_t *at,
		       struct answer *answer)
{
	switch (fact->kind) {
	case FACT_FRAME:
		return frame_holds(run, fact, at, answer);
	case FACT_COUNT:
		return count_holds(run, fact, answer);
	case FACT_KERNEL:
		return kernel_holds(run, fact, answer);
	case FACT_FOUND:
		return verdict_found(run, fact);
	case FACT_CALL:
		break;
	}
	return call_holds(run, fact, answer);
}

bool answer_find(const struct run *run, const struct common_claim *claim, struct answer *answer)
{
	for (unsigned i = 0; i < claim->answer_count; i++) {
		const struct claim_answer *said = &claim->answers[i];
		size_t at = 0;
		bool all = true;

		*answer = (struct answer){ .said = said };
		for (unsigned k = 0; all && k < said->fact_count; k++)
			all = fact_holds(run, &said->facts[k], &at, answer);
		if (all)
			return true;
	}
	return false;
}

void answer_where(const struct answer *answer, const char *scenario, char *text, size_t room)
{
	size_t used = (size_t)snprintf(text, room, "%s", scenario);

	for (unsigned i = 0; i < answer->frame_count && used < room; i++)
		used += (size_t)snprintf(text + used, room - used, "%s#%" PRIu64, used ? " " : "",
					 answer->frames[i]);
	if (answer->facts[0] && used < room)
		snprintf(text + used, room - used, "%s%s", used ? ", " : "", answer->facts);
}
