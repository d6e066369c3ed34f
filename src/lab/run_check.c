/* SPDX-License-Identifier: BSD-2-Clause */
/* What must come of a scenario, held against what came of it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "lab/answers.h"
#include "lab/frames.h"
#include "lab/run.h"

/* Checking one tap. */
struct tap_check {
	struct run *run;
	enum end tap;
	const struct found *found;
};

/* A connection's name is its client's port; "" the first one. */
static uint64_t conn_named(const void *context, const char *name)
{
	const struct tap_check *check = context;
	uint64_t first = 0;

	for (size_t i = 0; i < check->found->conn_count; i++) {
		const struct found_conn *conn = &check->found->conns[i];
		char port[16];

		snprintf(port, sizeof(port), "%u", conn->port[END_CLIENT]);
		if (name[0] && strcmp(name, port) != 0)
			continue;
		if (first == 0 || conn->conn < first)
			first = conn->conn;
	}
	return first;
}

static void complain(void *context, unsigned line, const char *what)
{
	struct tap_check *check = context;

	run_fail(check->run, line, "%s", what);
}

static void check_claims(struct run *run, enum end tap)
{
	struct tap_check tap_check = { .run = run, .tap = tap, .found = &run->found[tap] };
	struct claim_check check = {
		.found = &run->found[tap],
		.frames = run->record.frame_count,
		.conn = conn_named,
		.complain = complain,
		.context = &tap_check,
	};

	for (size_t i = 0; i < run->scenario->expected_count; i++)
		if (run->scenario->expected[i].tap == tap)
			claim_holds(&check, &run->scenario->expected[i].claim);
	found_is_sound(&check);
}

static void check_frames(struct run *run, const struct expected_frames *expected,
			 const struct told_frames *told)
{
	size_t at = 0;

	for (size_t i = 0; i < expected->count; i++) {
		size_t found = told_frames_find(told, at, &expected->segments[i]);
		char text[NOTATION_TEXT_BYTES];
		struct text said = text_over(text, sizeof(text));

		if (found != SIZE_MAX && (!expected->exactly || found == at)) {
			at = found + 1;
			continue;
		}
		notation_print(&expected->segments[i], &said);
		run_fail(run, expected->lines[i], "at the %s no such segment %s %" PRIu64 ": %s",
			 expected->tap == END_CLIENT ? "client" : "server",
			 expected->exactly ? "is frame" : "comes after frame",
			 at < told->count && expected->exactly ? told->frames[at].number
			 : at > 0			       ? told->frames[at - 1].number
							       : 0,
			 text + 2);
		return;
	}
	if (expected->exactly && at < told->count)
		run_fail(run, expected->line,
			 "%zu more segments passed at the %s, from frame %" PRIu64,
			 told->count - at, expected->tap == END_CLIENT ? "client" : "server",
			 told->frames[at].number);
}

static void print_path(const struct kernel_step *path, size_t count, char *text, size_t room)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < count && used + 20 < room; i++)
		used += (size_t)snprintf(text + used, room - used, "%s%s", i ? " " : "",
					 tcp_state_name(path[i].state));
}

static void check_kernel(struct run *run, const struct expected_kernel *expected)
{
	struct kernel_step path[KERNEL_PATH_MOST];
	size_t count = run_kernel_path(run, expected->end, path), at = 0;
	/* Without a wire nothing stops the clock between two looks: states may be missed. */
	bool whole = run->net.backend != NET_LOOPBACK;
	char text[FAILURE_BYTES / 2];
	bool same;

	for (size_t i = 0; i < expected->count && at < count; i++)
		at += path[at].state == expected->states[i];
	same = at == count && (!whole || count == expected->count);
	if (same)
		return;
	print_path(path, count, text, sizeof(text));
	run_fail(run, expected->line, "the %s's kernel went: %s",
		 expected->end == END_CLIENT ? "client" : "server", count ? text : "nowhere");
}

/* Whether the scenario lets a host keep no TIME_WAIT. */
static bool has_no_timewait(const struct scenario *scenario, enum end end)
{
	for (size_t i = 0; i < scenario->sysctl_count; i++) {
		const struct sysctl *sysctl = &scenario->sysctls[i];

		if (sysctl->end[end] && strcmp(sysctl->name, "ipv4.tcp_max_tw_buckets") == 0 &&
		    strcmp(sysctl->value, "0") == 0)
			return true;
	}
	return false;
}

static void check_states(struct run *run, const struct frame *tap, size_t count, enum end end)
{
	const struct states_input input = {
		.log = &run->kernel,
		.end = end,
		.local = &run->net.address[end],
		.tap = tap,
		.tap_count = count,
		.found = &run->found[end],
		.no_timewait = has_no_timewait(run->scenario, end),
	};
	size_t before = run->notes.count;

	states_compare(&input, &run->notes);
	for (size_t i = before; i < run->notes.count; i++) {
		const struct state_note *note = &run->notes.notes[i];

		if (note->difference == STATE_DISAGREES)
			run_fail(run, 0,
				 "the %s's kernel says %s after frame %" PRIu64
				 " (ports %u-%u), the engine says %s",
				 end == END_CLIENT ? "client" : "server",
				 tcp_state_name(note->kernel), note->frame, note->local_port,
				 note->remote_port, tcp_state_name(note->engine));
	}
}

bool run_tell(struct run *run, enum end tap)
{
	size_t count = 0;
	struct frame *frames = record_tap(&run->record, tap, &count);
	bool ok;

	told_frames_clear(&run->told[tap]);
	found_clear(&run->found[tap]);
	ok = frames &&
	     told_frames_read(&run->told[tap], frames, count, &run->net.address[END_CLIENT]) &&
	     found_run(&run->found[tap], frames, count, run->record.end_ns, NULL);
	free(frames);
	return ok;
}

/* What the engine infers from the whole record of a tap, against that end's kernel. */
static void compare_tap(struct run *run, enum end tap)
{
	size_t count = 0;
	struct frame *frames = record_tap(&run->record, tap, &count);

	if (frames && run_tell(run, tap))
		check_states(run, frames, count, tap);
	else
		run_fail(run, 0, "out of memory");
	free(frames);
}

static void check_tap(struct run *run, enum end tap)
{
	check_claims(run, tap);
	for (size_t i = 0; i < run->scenario->frames_count; i++)
		if (run->scenario->frames[i].tap == tap)
			check_frames(run, &run->scenario->frames[i], &run->told[tap]);
}

size_t run_kernel_path(const struct run *run, enum end end,
		       struct kernel_step path[static KERNEL_PATH_MOST])
{
	struct path_of of = { .end = end, .found = &run->found[end], .told = &run->told[end] };

	for (size_t i = 0; i < run->on_wire_count; i++) {
		if (run->on_wire[i].crafted)
			continue;
		of.client_port = run->on_wire[i].traits.client_port;
		of.server_port = run->on_wire[i].traits.server_port;
		return kernel_path(&run->kernel, &of, path);
	}
	/* Nothing passed a wire: the connection of the first call that knows its ports. */
	for (size_t i = 0; i < run->called_count; i++) {
		const struct called *called = &run->called[i];

		if (!called->local_port || !called->remote_port ||
		    run->scenario->programs[called->program].end != END_CLIENT)
			continue;
		of.client_port = called->local_port;
		of.server_port = called->remote_port;
		return kernel_path(&run->kernel, &of, path);
	}
	return 0;
}

static void check_count(struct run *run, const struct expected_count *expected)
{
	uint64_t count = told_frames_count(&run->told[run->scenario->read], &expected->pattern);
	char text[SCENARIO_TEXT_BYTES];
	struct text said = text_over(text, sizeof(text));

	if (comparison_holds(expected->compare, count, expected->number))
		return;
	pattern_print(&expected->pattern, &said);
	run_fail(run, expected->line, "%s passed %" PRIu64 " times", text, count);
}

void run_check(struct run *run)
{
	bool wire = run->net.backend != NET_LOOPBACK;

	for (enum end tap = END_CLIENT; wire && tap < ENDS; tap++)
		compare_tap(run, tap);
	if (wire && !run_spoil(run))
		return;
	for (enum end tap = END_CLIENT; wire && tap < ENDS; tap++)
		check_tap(run, tap);
	for (size_t i = 0; wire && i < run->scenario->counts_count; i++)
		check_count(run, &run->scenario->counts[i]);
	for (size_t i = 0; i < run->scenario->kernel_count; i++)
		check_kernel(run, &run->scenario->kernels[i]);
	for (size_t i = 0; wire && i < run->scenario->claim_count; i++) {
		struct answer answer;

		if (!answer_find(run, &run->scenario->claims[i], &answer))
			run_fail(run, run->scenario->claims[i].line,
				 "no answer to this claim holds");
	}
}
