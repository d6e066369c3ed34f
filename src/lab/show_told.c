/* SPDX-License-Identifier: BSD-2-Clause */
/* The figures in a scenario's `told` line. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "lab/scenario_parse.h"
#include "lab/show.h"
#include "report/sentence.h"

#define TIMES_MOST 12

/* A piece of the template between braces: "times C>S SYN". */
struct piece {
	char whole[96]; /* "client connect" */
	char word[24];
	char rest[96];
};

static bool piece_read(const char *template, size_t length, struct piece *piece)
{
	const char *blank = memchr(template, ' ', length);
	size_t word = blank ? (size_t)(blank - template) : length;

	if (word >= sizeof(piece->word) || length >= sizeof(piece->whole))
		return false;
	snprintf(piece->whole, sizeof(piece->whole), "%.*s", (int)length, template);
	snprintf(piece->word, sizeof(piece->word), "%.*s", (int)word, template);
	snprintf(piece->rest, sizeof(piece->rest), "%.*s", blank ? (int)(length - word - 1) : 0,
		 blank ? blank + 1 : "");
	return true;
}

/* "connect" is what @name begins with; a number behind it says which of several. */
static bool is_named(const char *name, const char *verb, unsigned *which)
{
	size_t length = strlen(verb);
	char *end;
	unsigned long number;

	*which = 1;
	if (strncmp(name, verb, length) != 0)
		return false;
	if (name[length] == '\0')
		return true;
	number = strtoul(name + length, &end, 10);
	*which = (unsigned)number;
	return name[length] == ' ' && *end == '\0' && number > 0;
}

/* The call that is named so: "connect", "client connect", "client send 2". */
static const struct called *call_named(const struct run *run, const char *name)
{
	int end = -1;
	unsigned count = 0, which;

	if (strncmp(name, "client ", 7) == 0 || strncmp(name, "server ", 7) == 0) {
		end = name[0] == 's';
		name += 7;
	}
	for (size_t i = 0; i < run->called_count; i++) {
		const struct called *called = &run->called[i];
		const struct program *program = &run->scenario->programs[called->program];

		if ((end >= 0 && program->end != (enum end)end) ||
		    !is_named(name, step_verb_name(program->steps[called->step].verb), &which))
			continue;
		if (++count == which)
			return called;
	}
	return NULL;
}

static void put_times(const struct run *run, const struct pattern *pattern, char *text, size_t room)
{
	const struct told_frames *told = &run->told[run->scenario->read];
	size_t used = 0, count = 0;
	int64_t first_ns = 0;

	for (size_t i = 0; i < told->count && count < TIMES_MOST && used + 12 < room; i++) {
		double seconds;

		if (!pattern_matches(pattern, &told->frames[i].traits))
			continue;
		if (count == 0)
			first_ns = told->frames[i].time_ns;
		seconds = (double)(told->frames[i].time_ns - first_ns) / (double)NSEC_PER_SEC;
		used += (size_t)snprintf(text + used, room - used, "%s%.*f", count ? " " : "",
					 seconds < 0.05 ? 0 : 1, seconds);
		count++;
	}
}

static void put_timer(const struct run *run, enum end end, char *text, size_t room)
{
	for (size_t i = run->kernel.entry_count; i-- > 0;) {
		const struct kernel_entry *entry = &run->kernel.entries[i];
		const struct diag_socket like = { .timer = entry->timer,
						  .timer_ms = entry->timer_ms };
		char timer[DIAG_TIMER_TEXT_BYTES];

		if (entry->end != end || entry->state == STATE_CLOSED)
			continue;
		diag_timer_print(&like, timer);
		snprintf(text, room, "%s", timer[0] ? timer : "no timer");
		return;
	}
}

/* One figure. Return: false: there is no such thing. */
static bool put_piece(const struct run *run, const struct piece *piece, char *text, size_t room)
{
	bool times = strcmp(piece->word, "times") == 0;
	struct err err = { .kind = ERR_NONE };
	struct pattern pattern;
	const struct called *called;
	char duration[DURATION_BYTES];

	if (times || strcmp(piece->word, "count") == 0) {
		struct scan in = scan_over(piece->rest);

		if (!pattern_parse(&in, &pattern, &err))
			return false;
		if (times)
			put_times(run, &pattern, text, room);
		else
			snprintf(text, room, "%" PRIu64,
				 told_frames_count(&run->told[run->scenario->read], &pattern));
		return true;
	}
	if (strcmp(piece->word, "timer") == 0) {
		put_timer(run, strcmp(piece->rest, "server") == 0 ? END_SERVER : END_CLIENT, text,
			  room);
		return true;
	}
	if (strcmp(piece->word, "errno") == 0) {
		called = call_named(run, piece->rest);
		if (called && called->ended)
			snprintf(text, room, "%s",
				 called->error ? errno_name(called->error) : "success");
		return called != NULL;
	}
	called = call_named(run, piece->whole);
	if (called && called->ended) {
		duration_format(duration, called->end_ns - called->start_ns);
		snprintf(text, room, "%s", duration);
	}
	return called != NULL;
}

const char *call_word(enum step_verb verb)
{
	switch ((unsigned)verb) {
	case STEP_CONNECT:
	case STEP_CONNECT_FAST:
	case STEP_CONNECT_SELF:
	case STEP_CONNECTED:
		return "connect";
	case STEP_RECV:
	case STEP_RECV_ALL:
	case STEP_ECHO:
		return "recv";
	case STEP_SEND:
		return "send";
	default:
		return step_verb_name(verb);
	}
}

void show_told(const struct run *run, char text[static TOLD_BYTES])
{
	const char *template = run->scenario->told;
	size_t used = 0;

	text[0] = '\0';
	while (*template && used + 1 < TOLD_BYTES) {
		const char *close = *template == '{' ? strchr(template, '}') : NULL;
		struct piece piece;
		char figure[96] = "?";

		if (!close) {
			text[used++] = *template ++;
			text[used] = '\0';
			continue;
		}
		if (piece_read(template + 1, (size_t)(close - template - 1), &piece))
			put_piece(run, &piece, figure, sizeof(figure));
		snprintf(text + used, TOLD_BYTES - used, "%s", figure);
		used = strlen(text);
		template = close + 1;
	}
}
