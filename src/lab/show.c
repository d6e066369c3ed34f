/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/show.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "lab/answers.h"
#include "lab/ladder.h"
#include "lab/retell.h"
#include "report/prose.h"
#include "report/sentence.h"
#include "report/story.h"

#define INDENT 15

/* Of many connections so many are told whole. */
#define STORIES_MOST 4

const char *run_outcome_name(enum run_outcome outcome)
{
	static const char *const names[] = {
		[RUN_PASSED] = "passed",
		[RUN_FAILED] = "failed",
		[RUN_SKIPPED] = "skipped",
	};

	return names[outcome];
}

/* Times are the machine's then, not TCP's. */
static void put_held_up(struct out *out, const struct run *run)
{
	char line[160], duration[DURATION_BYTES], again[40] = "";

	duration_format(duration, run->held_up_ns);
	if (run->nth > 1)
		snprintf(again, sizeof(again), "; run %u of it", run->nth);
	snprintf(line, sizeof(line), "this machine was busy and held the wire up for %s%s",
		 duration, again);
	prose_item(out, "  held up", INDENT, line);
}

void show_failures(struct out *out, const struct run *run)
{
	char label[32];

	if (run->nth > 1 || (run->failure_count > 0 && run->held_up_ns >= HELD_UP_WORTH_TELLING_NS))
		put_held_up(out, run);
	if (run->failure_count == 0)
		return;
	prose_item(out, "  in", INDENT, run->scenario->path);
	for (size_t i = 0; i < run->failure_count; i++) {
		if (run->failures[i].line)
			snprintf(label, sizeof(label), "  line %u", run->failures[i].line);
		else
			snprintf(label, sizeof(label), "  whole");
		prose_item(out, label, INDENT, run->failures[i].text);
	}
	prose_item(out, "  try", INDENT,
		   "compare these lines with the calls, the ladder and the story that tcpwhy lab "
		   "shows "
		   "of this scenario alone; tcpwhy explain ID says what a verdict needs");
}

/* "  0.0004  client  connect: succeeded" */
static void put_call(struct out *out, const struct run *run, const struct called *called)
{
	const struct program *program = &run->scenario->programs[called->program];
	const struct step *step = &program->steps[called->step];
	char text[SCENARIO_TEXT_BYTES], line[SCENARIO_TEXT_BYTES + 400];
	struct text said = text_over(text, sizeof(text));
	char label[64], duration[DURATION_BYTES];
	struct step plain = *step;

	plain.outcome = OUTCOME_OK; /* what came of it is told, not what was expected */
	step_print(&plain, &said);
	duration_format(duration, called->end_ns - called->start_ns);
	snprintf(label, sizeof(label), "%9.4f %s%s%s",
		 (double)(called->start_ns - run->start_ns) / (double)NSEC_PER_SEC,
		 program->end == END_CLIENT ? "client" : "server", program->name[0] ? " " : "",
		 program->name);
	if (!called->ended)
		snprintf(line, sizeof(line), "%s: still waits", text);
	else if (called->error)
		snprintf(line, sizeof(line), "%s: %s after %s: %s", text, errno_name(called->error),
			 duration, errno_meaning(called->error, call_word(step->verb)));
	else if (step->verb == STEP_RECV && called->result == 0)
		snprintf(line, sizeof(line), "%s: end of file after %s", text, duration);
	else if (called->end_ns - called->start_ns > NSEC_PER_MSEC)
		snprintf(line, sizeof(line), "%s: done after %s", text, duration);
	else
		snprintf(line, sizeof(line), "%s", text);
	prose_item(out, label, 20, line);
}

static void put_calls(struct out *out, const struct run *run)
{
	out_text(out, "what the programs did\n");
	for (size_t i = 0; i < run->called_count; i++) {
		const struct called *called = &run->called[i];
		const struct program *program = &run->scenario->programs[called->program];

		if (program->steps[called->step].verb != STEP_WAIT)
			put_call(out, run, called);
	}
}

struct telling {
	struct out *out;
	const struct show_options *options;
	unsigned stories;
	unsigned left_out;
};

static void tell_conn(void *context, const struct conn *conn, const struct judgement *judgement,
		      const struct rows *rows)
{
	struct telling *telling = context;
	const struct ladder ladder = { .conn = conn,
				       .judgement = judgement,
				       .rows = *rows,
				       .utf8 = telling->options->utf8,
				       .color = telling->options->color };

	if (telling->stories == STORIES_MOST) {
		telling->left_out++;
		return;
	}
	telling->stories++;
	out_char(telling->out, '\n');
	story_title(telling->out, conn);
	story_words(telling->out, &ladder);
}

static void tell_group(void *context, const struct group_verdict *group)
{
	struct telling *telling = context;
	char text[SENTENCE_BYTES];

	sentence_format(text, group->verdict.entry->headline,
			&(struct sentence){ .verdict = &group->verdict, .group = group });
	out_char(telling->out, '\n');
	prose_wrap(telling->out, 0, 0, text);
	out_format(telling->out, "  %s, %s\n", group->verdict.entry->id,
		   confidence_name(group->verdict.confidence));
}

static void put_stories(struct out *out, const struct run *run, const struct show_options *options)
{
	size_t count = 0;
	struct frame *frames = record_tap(&run->record, run->scenario->read, &count);
	struct telling telling = { .out = out, .options = options };
	const struct retell_options how = { .end_ns = run->record.end_ns, .rows = true };
	const struct retell_sink sink = { .context = &telling,
					  .conn = tell_conn,
					  .group = tell_group };

	out_format(out,
		   "\nwhat the engine says of it, from the %s's tap alone (frame numbers are "
		   "those above)\n",
		   run->scenario->read == END_CLIENT ? "client" : "server");
	if (frames)
		retell(frames, count, &how, &sink);
	if (telling.left_out > 0)
		out_format(out, "\nand %u connections more\n", telling.left_out);
	free(frames);
}

static void put_path(struct out *out, const struct run *run, enum end end)
{
	struct kernel_step path[KERNEL_PATH_MOST];
	size_t count = run_kernel_path(run, end, path), used = 0;
	char line[1024] = "";

	for (size_t i = 0; i < count && used + 40 < sizeof(line); i++)
		used += (size_t)snprintf(line + used, sizeof(line) - used, "%s%s%s%s",
					 i ? ", " : "", path[i].derived ? "(" : "",
					 tcp_state_name(path[i].state), path[i].derived ? ")" : "");
	if (count > 0)
		prose_item(out, end == END_CLIENT ? "  client" : "  server", INDENT, line);
}

static void put_compared(struct out *out, const struct run *run)
{
	unsigned disagree = 0;

	for (size_t i = 0; i < run->notes.count; i++)
		disagree += run->notes.notes[i].difference == STATE_DISAGREES;
	out_text(out, "\nboth kernels' states (in parentheses: passed within one delivery)\n");
	put_path(out, run, END_CLIENT);
	put_path(out, run, END_SERVER);
	if (run->net.backend == NET_LOOPBACK)
		return;
	out_format(out,
		   "  %" PRIu64 " looks compared with the engine's states: ", run->notes.compared);
	if (disagree)
		out_format(out, "%u DIFFER\n", disagree);
	else
		out_text(out, "all agree\n");
}

static void put_claims(struct out *out, const struct run *run)
{
	for (size_t i = 0; i < run->scenario->claim_count; i++) {
		struct answer answer;
		char line[512], where[256];

		if (!answer_find(run, &run->scenario->claims[i], &answer))
			continue;
		answer_where(&answer, "", where, sizeof(where));
		snprintf(line, sizeof(line), "%s: %s (%s)", run->scenario->claims[i].text,
			 answer.said->words, where);
		prose_item(out, i ? "" : "it is said", INDENT, line);
	}
}

void show_whole(struct out *out, const struct run *run, const struct show_options *options)
{
	const struct scenario *scenario = run->scenario;

	out_format(out, "%s  %s\n", scenario->name, scenario->title);
	if (run->net.why[0])
		prose_item(out, "wire", INDENT, run->net.why);
	if (run->outcome == RUN_SKIPPED) {
		prose_item(out, "skipped", INDENT, run->reason);
		return;
	}
	out_char(out, '\n');
	put_calls(out, run);
	out_char(out, '\n');
	if (run->net.backend == NET_LOOPBACK) {
		out_text(out, "segments are not seen without a wire\n");
	} else {
		lab_ladder_draw(out, run, options->utf8);
		put_stories(out, run, options);
	}
	put_compared(out, run);
	put_claims(out, run);
	out_format(out, "\n%s\n", run_outcome_name(run->outcome));
	show_failures(out, run);
}
