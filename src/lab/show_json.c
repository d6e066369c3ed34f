/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/time.h"
#include "lab/retell.h"
#include "lab/show.h"
#include "report/record_json.h"

#include <stdlib.h>

struct writing {
	struct json *json;
	bool groups; /* the second time round: only groups */
};

static void put_conn(void *context, const struct conn *conn, const struct judgement *judgement,
		     const struct rows *rows)
{
	struct writing *writing = context;

	(void)rows;
	if (!writing->groups)
		record_json_conn_value(writing->json, conn, judgement);
}

static void put_group(void *context, const struct group_verdict *group)
{
	struct writing *writing = context;

	if (writing->groups)
		record_json_group_value(writing->json, group);
}

static void put_records(struct json *json, const struct run *run)
{
	size_t count = 0;
	struct frame *frames = record_tap(&run->record, run->scenario->read, &count);
	const struct retell_options options = { .end_ns = run->record.end_ns };
	struct writing writing = { .json = json };
	const struct retell_sink sink = { .context = &writing,
					  .conn = put_conn,
					  .group = put_group };

	json_key(json, "connections");
	json_open(json, '[');
	if (frames)
		retell(frames, count, &options, &sink);
	json_close(json, ']');
	writing.groups = true;
	json_key(json, "groups");
	json_open(json, '[');
	if (frames)
		retell(frames, count, &options, &sink);
	json_close(json, ']');
	free(frames);
}

static void put_calls(struct json *json, const struct run *run)
{
	json_key(json, "calls");
	json_open(json, '[');
	for (size_t i = 0; i < run->called_count; i++) {
		const struct called *called = &run->called[i];
		const struct program *program = &run->scenario->programs[called->program];
		const struct step *step = &program->steps[called->step];

		if (step->verb == STEP_WAIT || step->verb == STEP_SLEEP)
			continue;
		json_open(json, '{');
		json_key_text(json, "end", program->end == END_CLIENT ? "client" : "server");
		if (program->name[0])
			json_key_text(json, "program", program->name);
		json_key_text(json, "call", step_verb_name(step->verb));
		if (step->socket[0])
			json_key_text(json, "socket", step->socket);
		if (called->ended)
			json_key_i64(json, "result", called->result);
		else
			json_key_null(json, "result");
		json_key_text(json, "errno", called->error ? errno_name(called->error) : NULL);
		json_key_moment(json, "start", "start_ns", called->start_ns);
		json_key_ns(json, "duration_ns",
			    called->ended ? called->end_ns - called->start_ns : TIME_NONE);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void put_states(struct json *json, const struct run *run, enum end end)
{
	struct kernel_step path[KERNEL_PATH_MOST];
	size_t count = run_kernel_path(run, end, path);

	json_key(json, end == END_CLIENT ? "client" : "server");
	json_open(json, '[');
	for (size_t i = 0; i < count; i++)
		json_text(json, tcp_state_name(path[i].state));
	json_close(json, ']');
}

static void put_notes(struct json *json, const struct run *run)
{
	json_key(json, "state_notes");
	json_open(json, '[');
	for (size_t i = 0; i < run->notes.count; i++) {
		const struct state_note *note = &run->notes.notes[i];

		json_open(json, '{');
		json_key_text(json, "end", note->end == END_CLIENT ? "client" : "server");
		json_key_text(json, "what", state_difference_name(note->difference));
		json_key_text(json, "kernel", tcp_state_name(note->kernel));
		json_key_text(json, "engine", tcp_state_name(note->engine));
		json_key_u64(json, "after_frame", note->frame);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void put_failures(struct json *json, const struct run *run)
{
	json_key(json, "failures");
	json_open(json, '[');
	for (size_t i = 0; i < run->failure_count; i++) {
		json_open(json, '{');
		if (run->failures[i].line)
			json_key_u64(json, "line", run->failures[i].line);
		else
			json_key_null(json, "line");
		json_key_text(json, "what", run->failures[i].text);
		json_close(json, '}');
	}
	json_close(json, ']');
}

void show_json(struct out *out, const struct run *run, const char *capture)
{
	struct json json = { .out = out };
	bool skipped = run->outcome == RUN_SKIPPED;

	json_open(&json, '{');
	json_key_text(&json, "type", "scenario");
	json_key_text(&json, "name", run->scenario->name);
	json_key_text(&json, "title", run->scenario->title);
	json_key_text(&json, "backend",
		      skipped && !run->net.why[0] ? NULL : net_backend_name(run->net.backend));
	if (skipped)
		json_key_null(&json, "passed");
	else
		json_key_bool(&json, "passed", run->outcome == RUN_PASSED);
	json_key_text(&json, "skipped", skipped ? run->reason : NULL);
	put_failures(&json, run);
	json_key_u64(&json, "runs", run->nth);
	json_key_ns(&json, "held_up_ns", run->held_up_ns);
	json_key_text(&json, "read", run->scenario->read == END_CLIENT ? "client" : "server");
	put_records(&json, run);
	put_calls(&json, run);
	json_key(&json, "kernel_states");
	json_open(&json, '{');
	put_states(&json, run, END_CLIENT);
	put_states(&json, run, END_SERVER);
	json_close(&json, '}');
	json_key_u64(&json, "states_compared", run->notes.compared);
	put_notes(&json, run);
	json_key_text(&json, "capture", capture);
	json_close(&json, '}');
	json_end_line(&json);
}
