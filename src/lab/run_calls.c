/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"
#include "lab/run.h"

/* A call that has not come back for so long waits for something. */
#define BLOCKED_NS (20 * NSEC_PER_MSEC)

/* The time at which the @count-th segment like this reached the wire, or was delivered. */
static int64_t segment_since(const struct run *run, const struct cond_part *part)
{
	bool delivered = part->kind == COND_DELIVERED;
	uint32_t count = 0;

	for (size_t i = 0; i < run->on_wire_count; i++) {
		const struct on_wire *segment = &run->on_wire[i];
		int64_t since = delivered ? segment->delivered_ns : segment->reached_ns;

		if (since == TIME_NONE || !pattern_matches(&part->pattern, &segment->traits))
			continue;
		if (++count == part->count)
			return since;
	}
	return TIME_NONE;
}

static int64_t call_since(const struct run *run, const struct cond_part *part)
{
	uint32_t count = 0;

	for (size_t i = 0; i < run->called_count; i++) {
		const struct called *called = &run->called[i];
		const struct program *program = &run->scenario->programs[called->program];

		if (program->end != part->end)
			continue;
		if (part->kind == COND_BLOCKED) {
			if (!called->ended && called->start_ns + BLOCKED_NS <= run->now_ns)
				return called->start_ns + BLOCKED_NS;
			continue;
		}
		if (!called->ended || program->steps[called->step].verb != part->verb)
			continue;
		if (++count == part->count)
			return called->end_ns;
	}
	return TIME_NONE;
}

static int64_t part_since(const struct run *run, const struct cond_part *part)
{
	switch (part->kind) {
	case COND_REACHED:
	case COND_DELIVERED:
		return segment_since(run, part);
	case COND_CALLED:
	case COND_BLOCKED:
		return call_since(run, part);
	case COND_TIME:
		break;
	}
	return run->start_ns + part->after_ns;
}

int64_t cond_since(const struct run *run, const struct cond *cond)
{
	int64_t since = run->start_ns;

	for (unsigned i = 0; i < cond->count; i++) {
		int64_t part = part_since(run, &cond->parts[i]);

		if (part == TIME_NONE)
			return TIME_NONE;
		if (part > since)
			since = part;
	}
	return since + cond->then_ns;
}

bool cond_holds(const struct run *run, const struct cond *cond)
{
	int64_t since = cond_since(run, cond);

	return since != TIME_NONE && since <= run->now_ns;
}

/* The newest entry of a program, if it is still inside. */
struct called *run_inside(struct run *run, unsigned program)
{
	for (size_t i = run->called_count; i-- > 0;)
		if (run->called[i].program == program)
			return run->called[i].ended ? NULL : &run->called[i];
	return NULL;
}

static struct called *add_called(struct run *run)
{
	if (run->called_count == run->called_room) {
		size_t more = run->called_room ? run->called_room * 2 : 32;
		struct called *grown = realloc(run->called, more * sizeof(*grown));

		if (!grown) {
			run->out_of_memory = true;
			return NULL;
		}
		run->called = grown;
		run->called_room = more;
	}
	run->called[run->called_count] = (struct called){ .ended = false };
	return &run->called[run->called_count++];
}

static void note_begin(struct run *run, unsigned program, const struct program_message *message)
{
	struct called *called = add_called(run);

	if (!called)
		return;
	called->program = program;
	called->step = message->step;
	called->round = message->round;
	called->start_ns = run->now_ns;
}

static void note_end(struct run *run, unsigned program, const struct program_message *message)
{
	struct called *called = run_inside(run, program);
	const struct step *step = &run->scenario->programs[program].steps[message->step];
	struct text said;
	char text[SCENARIO_TEXT_BYTES];

	if (!called)
		return;
	called->ended = true;
	called->unexpected = message->unexpected;
	called->missing = message->missing;
	called->start_ns = message->start_ns;
	called->end_ns = message->end_ns;
	called->result = message->result;
	called->error = message->error;
	called->local_port = message->local_port;
	called->remote_port = message->remote_port;
	memcpy(called->detail, message->detail, sizeof(called->detail));
	if (!message->unexpected)
		return;
	if (message->missing) {
		run_skip(run, "line %u: this kernel lacks the socket option", step->line);
		return;
	}
	said = text_over(text, sizeof(text));
	step_print(step, &said);
	if (message->result < 0)
		run_fail(run, step->line, "%s: it failed with %s (%s)", text,
			 errno_name(message->error), message->detail);
	else
		run_fail(run, step->line, "%s: it returned %lld", text, (long long)message->result);
}

/* A program's process is gone: by kill, exit, a reboot, or by a fault of ours. */
static void note_gone(struct run *run, unsigned program)
{
	struct called *called = run_inside(run, program);
	const struct step *steps = run->scenario->programs[program].steps;

	if (called) {
		called->ended = true;
		called->end_ns = run->now_ns;
		if (steps[called->step].verb != STEP_KILL && steps[called->step].verb != STEP_EXIT)
			run_fail(run, steps[called->step].line,
				 "the program's process ended inside this step");
	}
	program_end(&run->processes[program]);
	run->program_done[program] = true;
}

static void hear(struct run *run, unsigned program)
{
	struct program_message message;
	int heard;

	while ((heard = program_hear(&run->processes[program], &message)) > 0) {
		run->now_ns = time_now_ns(CLOCK_REALTIME);
		switch (message.tells) {
		case PROGRAM_READY:
			break;
		case PROGRAM_BEGIN:
		case PROGRAM_WAIT:
			note_begin(run, program, &message);
			break;
		case PROGRAM_ENDED:
			note_end(run, program, &message);
			break;
		case PROGRAM_DONE:
			run->program_done[program] = true;
			break;
		}
	}
	if (heard < 0)
		note_gone(run, program);
}

void run_let_go(struct run *run)
{
	for (unsigned i = 0; i < run->scenario->program_count; i++) {
		struct called *called = run_inside(run, i);
		const struct step *step;

		if (!called)
			continue;
		step = &run->scenario->programs[i].steps[called->step];
		if (step->verb != STEP_WAIT || !cond_holds(run, &step->cond))
			continue;
		called->ended = true;
		called->end_ns = run->now_ns;
		program_go(&run->processes[i]);
	}
}

void run_hear_all(struct run *run)
{
	for (unsigned i = 0; i < run->scenario->program_count; i++)
		if (run->processes[i].control >= 0)
			hear(run, i);
}
