/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs of a scenario and their steps. */
#include "lab/scenario_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/options.h"

/* Names that count leave room for the round's number. */
#define SOCKET_NAME_COUNTS_BYTES (SOCKET_NAME_BYTES - 4)

static bool parse_nothing(struct scan *in, struct step *step, struct err *err);
static bool parse_listen(struct scan *in, struct step *step, struct err *err);
static bool parse_connect(struct scan *in, struct step *step, struct err *err);
static bool parse_connect_fast(struct scan *in, struct step *step, struct err *err);
static bool parse_connect_self(struct scan *in, struct step *step, struct err *err);
static bool parse_connected(struct scan *in, struct step *step, struct err *err);
static bool parse_bind(struct scan *in, struct step *step, struct err *err);
static bool parse_set(struct scan *in, struct step *step, struct err *err);
static bool parse_send(struct scan *in, struct step *step, struct err *err);
static bool parse_recv(struct scan *in, struct step *step, struct err *err);
static bool parse_shutdown(struct scan *in, struct step *step, struct err *err);
static bool parse_sleep(struct scan *in, struct step *step, struct err *err);
static bool parse_wait(struct scan *in, struct step *step, struct err *err);
static bool parse_repeat(struct scan *in, struct step *step, struct err *err);

/* What may come of a step. */
enum comes {
	COMES_NOTHING, /* it makes no call */
	COMES_CALL,    /* success or an error */
	COMES_OCTETS,  /* also octets, end of file */
};

static const struct verb {
	const char *name;
	bool (*parse)(struct scan *in, struct step *step, struct err *err);
	enum comes comes;
	bool alone; /* it concerns no socket */
} verbs[] = {
	[STEP_LISTEN] = { "listen", parse_listen, COMES_CALL, false },
	[STEP_ACCEPT] = { "accept", parse_nothing, COMES_CALL, false },
	[STEP_CONNECT] = { "connect", parse_connect, COMES_CALL, false },
	[STEP_CONNECT_FAST] = { "connect fast", parse_connect_fast, COMES_CALL, false },
	[STEP_CONNECT_SELF] = { "connect self", parse_connect_self, COMES_CALL, false },
	[STEP_CONNECTED] = { "connected", parse_connected, COMES_CALL, false },
	[STEP_BIND] = { "bind", parse_bind, COMES_CALL, false },
	[STEP_SET] = { "set", parse_set, COMES_CALL, false },
	[STEP_SEND] = { "send", parse_send, COMES_CALL, false },
	[STEP_RECV] = { "recv", parse_recv, COMES_OCTETS, false },
	[STEP_RECV_ALL] = { "recv all", parse_nothing, COMES_OCTETS, false },
	[STEP_ECHO] = { "echo", parse_nothing, COMES_CALL, false },
	[STEP_SHUTDOWN] = { "shutdown", parse_shutdown, COMES_CALL, false },
	[STEP_CLOSE] = { "close", parse_nothing, COMES_CALL, false },
	[STEP_ABORT] = { "abort", parse_nothing, COMES_CALL, false },
	[STEP_STOP_LISTENING] = { "stop listening", parse_nothing, COMES_CALL, true },
	[STEP_EXIT] = { "exit", parse_nothing, COMES_NOTHING, true },
	[STEP_KILL] = { "kill", parse_nothing, COMES_NOTHING, true },
	[STEP_SLEEP] = { "sleep", parse_sleep, COMES_NOTHING, true },
	[STEP_WAIT] = { "wait", parse_wait, COMES_NOTHING, true },
	[STEP_REPEAT] = { "repeat", parse_repeat, COMES_NOTHING, true },
	[STEP_AGAIN] = { "}", parse_nothing, COMES_NOTHING, true },
};
static_assert(sizeof(verbs) / sizeof(verbs[0]) == STEP_VERBS, "a row per verb");

const char *step_verb_name(enum step_verb verb)
{
	return verbs[verb].name;
}

const char *step_verb_name_at(const void *context, size_t index)
{
	(void)context;
	return index < STEP_VERBS ? verbs[index].name : NULL;
}

/* Whether the next words are a verb's name. Return: where they end; NULL: they are not. */
static const char *verb_end(const struct scan *in, const char *name)
{
	struct scan ahead = *in;

	for (const char *at = name; *at; at += strspn(at, " ")) {
		size_t length = strcspn(at, " ");
		struct word word = scan_word(&ahead, "");

		if (word.length != length || memcmp(word.text, at, length) != 0)
			return NULL;
		at += length;
	}
	return ahead.at;
}

/* The longest name wins: "recv all" is no recv. */
bool step_verb_parse(struct scan *in, enum step_verb *verb, struct err *err)
{
	const char *longest = NULL;

	for (int i = 0; i < STEP_VERBS; i++) {
		const char *end = verb_end(in, verbs[i].name);

		if (!end || (longest && end < longest))
			continue;
		longest = end;
		*verb = (enum step_verb)i;
	}
	if (!longest)
		return refuse_word(in, "step", step_verb_name_at, NULL, err);
	in->at = longest;
	return true;
}

/* --- arguments ------------------------------------------------------------------------------ */

static bool at_end(const struct scan *in)
{
	struct scan ahead = *in;

	return scan_end(&ahead) || next_is(&ahead, "->");
}

static bool digit_follows(const struct scan *in)
{
	struct word word = scan_peek(in, "");

	return word.length > 0 && word.text[0] >= '0' && word.text[0] <= '9';
}

static bool parse_nothing(struct scan *in, struct step *step, struct err *err)
{
	(void)in;
	(void)step;
	(void)err;
	return true;
}

static bool parse_listen(struct scan *in, struct step *step, struct err *err)
{
	static const struct span span = { "backlog", 1, 65535 };
	uint32_t backlog = 0;

	if (digit_follows(in) && !take_port(in, &step->port, &step->port_counts, err))
		return false;
	if (!take_word(in, "backlog"))
		return true;
	if (!take_number(in, &span, &backlog, err))
		return false;
	step->backlog = (int)backlog;
	return true;
}

static bool parse_from(struct scan *in, struct step *step, struct err *err)
{
	return !take_word(in, "from") || take_port(in, &step->from_port, &step->from_counts, err);
}

static bool parse_timeout(struct scan *in, struct step *step, struct err *err)
{
	struct scan before = *in;

	if (!take_word(in, "timeout"))
		return true;
	if (!take_time(in, "timeout", &step->time_ns, err))
		return false;
	return step->time_ns > 0 || scan_fail(&before, "timeout", "more than 0 is wanted", err);
}

static bool parse_connect(struct scan *in, struct step *step, struct err *err)
{
	if (digit_follows(in) && !take_port(in, &step->port, &step->port_counts, err))
		return false;
	if (!parse_from(in, step, err) || !parse_timeout(in, step, err))
		return false;
	step->started = take_word(in, "started");
	if (!step->started || !step->time_ns)
		return true;
	err_set(err, ERR_INPUT,
		"connect: one that is only started does not wait, so it has no "
		"timeout");
	err_fix(err, "give the timeout to the step that waits: connected timeout 2s");
	return false;
}

/* What is sent: at least an octet. */
static bool parse_text(struct scan *in, const char *what, struct step *step, struct err *err)
{
	size_t count = sizeof(step->text);

	if (!scan_quoted(in, what, step->text, &count, err))
		return false;
	step->text_bytes = (uint32_t)count;
	return count > 0 || err_set(err, ERR_INPUT, "%s: the text is empty", what);
}

static bool parse_connect_fast(struct scan *in, struct step *step, struct err *err)
{
	return parse_text(in, "connect fast", step, err) && parse_from(in, step, err);
}

static bool parse_connect_self(struct scan *in, struct step *step, struct err *err)
{
	return parse_from(in, step, err);
}

static bool parse_connected(struct scan *in, struct step *step, struct err *err)
{
	return parse_timeout(in, step, err);
}

static bool parse_bind(struct scan *in, struct step *step, struct err *err)
{
	return take_port(in, &step->port, &step->port_counts, err);
}

static bool parse_set(struct scan *in, struct step *step, struct err *err)
{
	const char *start;

	if (at_end(in))
		return scan_fail(in, "set", "an option is wanted", err);
	scan_end(in);
	start = in->at;
	while (!at_end(in))
		scan_word(in, "");
	return socket_setting_parse(start, (size_t)(in->at - start), &step->setting, err);
}

static bool parse_octets(struct scan *in, const char *what, struct step *step, struct err *err)
{
	const struct span span = { what, 1, STEP_OCTETS_MOST };

	return take_number(in, &span, &step->octets, err);
}

static bool parse_send(struct scan *in, struct step *step, struct err *err)
{
	if (!digit_follows(in)) {
		if (parse_text(in, "send", step, err))
			return true;
		err_fix(err, "write how many octets, send 500, or what: send \"hello\"");
		return false;
	}
	if (!parse_octets(in, "send", step, err))
		return false;
	step->started = take_word(in, "started");
	return true;
}

static bool parse_recv(struct scan *in, struct step *step, struct err *err)
{
	return !digit_follows(in) || parse_octets(in, "recv", step, err);
}

static bool parse_shutdown(struct scan *in, struct step *step, struct err *err)
{
	static const struct choice rows[] = { { "write", SHUT_WR },
					      { "read", SHUT_RD },
					      { "both", SHUT_RDWR } };
	static const struct choices ways = { "shutdown", rows, 3 };

	return take_choice(in, &ways, &step->how, err);
}

static bool parse_sleep(struct scan *in, struct step *step, struct err *err)
{
	return take_time(in, "sleep", &step->time_ns, err);
}

static bool parse_wait(struct scan *in, struct step *step, struct err *err)
{
	return cond_parse(in, &step->cond, err);
}

static bool parse_repeat(struct scan *in, struct step *step, struct err *err)
{
	static const struct span span = { "repeat", 1, REPEAT_ROUNDS_MOST };

	if (!take_number(in, &span, &step->octets, err))
		return false;
	if (take_word(in, "every") && !take_time(in, "every", &step->time_ns, err))
		return false;
	if (take_word(in, "{"))
		return true;
	scan_fail(in, "repeat", "the line ends with {", err);
	err_fix(err, "write: repeat 3 every 10ms {");
	return false;
}

/* --- outcome -------------------------------------------------------------------------------- */

static bool parse_outcome_octets(struct scan *in, struct step *step, struct err *err)
{
	static const struct span span = { "outcome", 1, STEP_OCTETS_MOST };
	struct scan before = *in;
	uint32_t octets = 0;

	if (!take_number(in, &span, &octets, err))
		return false;
	if (verbs[step->verb].comes != COMES_OCTETS) {
		scan_fail(&before, "outcome", "only recv gives a number of octets", err);
		err_fix(err, "write the name of an error, as ECONNRESET, or any");
		return false;
	}
	step->outcome = OUTCOME_OCTETS;
	step->outcome_number = octets;
	return true;
}

static bool parse_outcome(struct scan *in, struct step *step, struct err *err)
{
	struct scan before = *in;
	int error = 0;

	if (!take_word(in, "->"))
		return true;
	if (verbs[step->verb].comes == COMES_NOTHING) {
		scan_fail(&before, step_verb_name(step->verb), "it makes no call that could fail",
			  err);
		err_fix(err, "leave the arrow and what follows it out");
		return false;
	}
	if (digit_follows(in))
		return parse_outcome_octets(in, step, err);
	if (take_word(in, "any")) {
		step->outcome = OUTCOME_ANY;
		return true;
	}
	if (verbs[step->verb].comes == COMES_OCTETS && take_word(in, "end")) {
		step->outcome = OUTCOME_END;
		return true;
	}
	if (next_is(in, "end"))
		return scan_fail(in, "outcome", "only recv meets the end of file", err);
	if (!take_errno(in, &error, err))
		return false;
	step->outcome = OUTCOME_ERROR;
	step->outcome_number = error;
	return true;
}

/* --- steps ---------------------------------------------------------------------------------- */

/* "b:", "c+:" */
static bool parse_socket(struct scan *in, struct step *step, struct err *err)
{
	struct word word = scan_peek(in, ":");
	size_t room = sizeof(step->socket);

	if (word.length == 0 || word.text[word.length] != ':')
		return true;
	if (word.text[word.length - 1] == '+')
		room = SOCKET_NAME_COUNTS_BYTES;
	if (!take_name(in, "socket", step->socket, room, err))
		return false;
	step->socket_counts = scan_char(in, '+');
	return scan_char(in, ':') || scan_fail(in, "socket", "a colon follows its name", err);
}

bool step_parse(struct scan *in, struct step *step, struct err *err)
{
	memset(step, 0, sizeof(*step));
	if (!parse_socket(in, step, err) || !step_verb_parse(in, &step->verb, err))
		return false;
	if (step->socket[0] && verbs[step->verb].alone) {
		err_set(err, ERR_INPUT, "%s: it concerns no socket, so none is named before it",
			step_verb_name(step->verb));
		err_fix(err, "leave \"%s:\" out", step->socket);
		return false;
	}
	return verbs[step->verb].parse(in, step, err) && parse_outcome(in, step, err) &&
	       line_ends(in, step_verb_name(step->verb), err);
}

static bool is_twice(const struct scenario *scenario, const struct program *program)
{
	for (size_t i = 0; i < scenario->program_count; i++)
		if (scenario->programs[i].end == program->end &&
		    strcmp(scenario->programs[i].name, program->name) == 0)
			return true;
	return false;
}

bool program_begin(struct reading *reading, struct scan *in)
{
	static const struct shelf shelf = { "programs", SCENARIO_PROGRAMS_MOST,
					    sizeof(struct program) };
	struct scenario *scenario = reading->scenario;
	struct program *programs =
		one_more(reading, scenario->programs, scenario->program_count, &shelf);
	struct program *program;

	if (!programs)
		return false;
	scenario->programs = programs;
	program = &programs[scenario->program_count];
	program->line = reading->line;
	program->end = strcmp(reading->row->word, "client") == 0 ? END_CLIENT : END_SERVER;
	if (!scan_end(in) &&
	    !take_name(in, "program", program->name, sizeof(program->name), reading->err))
		return false;
	if (is_twice(scenario, program)) {
		err_set(reading->err, ERR_INPUT, "there is a program %s%s%s already",
			reading->row->word, program->name[0] ? " " : "", program->name);
		err_fix(reading->err, "give this one another name: %s second", reading->row->word);
		return false;
	}
	scenario->program_count++;
	return line_ends(in, reading->row->word, reading->err);
}

bool program_line(struct reading *reading, struct scan *in)
{
	static const struct shelf shelf = { "steps in a program", PROGRAM_STEPS_MOST,
					    sizeof(struct step) };
	struct scenario *scenario = reading->scenario;
	struct program *program = &scenario->programs[scenario->program_count - 1];
	struct step *steps = one_more(reading, program->steps, program->step_count, &shelf);

	if (!steps)
		return false;
	program->steps = steps;
	if (!step_parse(in, &steps[program->step_count], reading->err))
		return false;
	steps[program->step_count++].line = reading->line;
	return true;
}
