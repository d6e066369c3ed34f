/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a program can be run at all: its steps in order, without a kernel. */
#include "lab/scenario_parse.h"

#include <stdio.h>
#include <stdlib.h>

/* How far a socket is. */
enum life {
	LIFE_NONE,
	LIFE_SET, /* has settings for when it is made */
	LIFE_BOUND,
	LIFE_STARTED,
	LIFE_OPEN,
	LIFE_FAILED, /* a call that would have connected it failed */
	LIFE_CLOSED,
	LIFE_MIXED, /* some of those that count */
};

struct socket_life {
	char name[SOCKET_NAME_BYTES];
	bool counts;
	uint32_t made; /* of those that count: so many */
	enum life life;
	unsigned line; /* of the step that made it so */
};

struct running {
	struct reading *reading;
	const struct program *program;
	struct socket_life sockets[PROGRAM_STEPS_MOST];
	size_t socket_count;
	bool listens;
	unsigned gone;	 /* line of exit or kill; 0 */
	uint32_t rounds; /* of the block that the step stands in; 0: none */
	unsigned pass;	 /* through the block: 0 the first */
};

static bool fails(struct running *running, const struct step *step, const char *what,
		  const char *fix)
{
	struct err *err = running->reading->err;

	running->reading->line = step->line;
	err_set(err, ERR_INPUT, "%s: %s", step_verb_name(step->verb), what);
	err_fix(err, "%s", fix);
	return false;
}

/* "b:", or "the program's socket". */
static void name_socket(const struct step *step, char text[static 40])
{
	if (step->socket[0])
		snprintf(text, 40, "socket %s%s", step->socket, step->socket_counts ? "+" : "");
	else
		snprintf(text, 40, "the program's socket");
}

static struct socket_life *find_named(struct running *running, const char *name, bool counts)
{
	for (size_t i = 0; i < running->socket_count; i++)
		if (running->sockets[i].counts == counts &&
		    strcmp(running->sockets[i].name, name) == 0)
			return &running->sockets[i];
	return NULL;
}

/* c3 may be the fourth of those that c+ made. */
static struct socket_life *find_counted(struct running *running, const char *name)
{
	size_t letters = strlen(name);
	char base[SOCKET_NAME_BYTES];
	struct socket_life *life;

	while (letters > 0 && name[letters - 1] >= '0' && name[letters - 1] <= '9')
		letters--;
	if (name[letters] == '\0' || (name[letters] == '0' && name[letters + 1] != '\0'))
		return NULL;
	snprintf(base, sizeof(base), "%.*s", (int)letters, name);
	life = find_named(running, base, true);
	return life && strtoul(name + letters, NULL, 10) < life->made ? life : NULL;
}

/* The socket of a step; made known where it is not. */
static struct socket_life *socket_of(struct running *running, const struct step *step)
{
	struct socket_life *life = find_named(running, step->socket, step->socket_counts);

	if (!life && !step->socket_counts)
		life = find_counted(running, step->socket);
	if (life)
		return life;
	life = &running->sockets[running->socket_count++];
	*life = (struct socket_life){ .counts = step->socket_counts };
	memcpy(life->name, step->socket, sizeof(life->name));
	return life;
}

/* What a step makes of its socket. Some of those that count leave the others as they were. */
static void becomes(struct running *running, const struct step *step, enum life now)
{
	struct socket_life *life = socket_of(running, step);
	bool some = life->counts &&
		    (step->socket_counts ? running->rounds < life->made : life->made > 1);

	if (step->socket_counts && life->made < running->rounds)
		life->made = running->rounds;
	life->life = some ? LIFE_MIXED : now;
	life->line = step->line;
}

/* --- what steps need ------------------------------------------------------------------------ */

/* A step that makes a socket: one of that name must be free. */
static bool is_free(struct running *running, const struct step *step)
{
	const struct socket_life *life = socket_of(running, step);
	char name[40];
	char what[120];

	if (life->life != LIFE_OPEN && life->life != LIFE_STARTED)
		return true;
	name_socket(step, name);
	snprintf(what, sizeof(what), "%s is connected already, since line %u", name, life->line);
	return fails(running, step, what,
		     running->rounds ? "close it first, or let its name count: c+: connect"
				     : "close it first, or give the new one a name: b: connect");
}

/* A step on a socket: something must have made it, and it must not be closed. */
static bool is_there(struct running *running, const struct step *step)
{
	const struct socket_life *life = socket_of(running, step);
	char name[40];
	char what[120];

	name_socket(step, name);
	if (life->life == LIFE_CLOSED) {
		snprintf(what, sizeof(what), "%s was closed in line %u", name, life->line);
		return fails(running, step, what, "put it before the close");
	}
	if (life->life == LIFE_NONE || life->life == LIFE_SET) {
		snprintf(what, sizeof(what), "nothing has made %s", name);
		return fails(running, step, what,
			     "connect, accept or bind makes a socket; the name stands before it: "
			     "b: connect");
	}
	if (step->socket_counts && life->made < running->rounds) {
		snprintf(what, sizeof(what), "%u rounds use %s, %u were made", running->rounds,
			 name, life->made);
		return fails(running, step, what, "let both blocks go round equally often");
	}
	return true;
}

/* The listener stands apart from the other sockets; it takes what set and bind have prepared. */
static bool check_listen(struct running *running, const struct step *step)
{
	enum life life = socket_of(running, step)->life;

	if (running->listens)
		return fails(running, step, "the program listens already",
			     "stop listening first, or let a second program do it: server other");
	if (step->outcome == OUTCOME_ERROR)
		return true;
	running->listens = true;
	if (life == LIFE_SET || life == LIFE_BOUND)
		becomes(running, step, LIFE_NONE);
	return true;
}

static bool check_accept(struct running *running, const struct step *step)
{
	const struct socket_life *life = socket_of(running, step);

	if (!running->listens)
		return fails(running, step, "the program does not listen",
			     "put \"listen\" before it");
	if (life->life == LIFE_SET || life->life == LIFE_BOUND)
		return fails(running, step, "it makes a socket, so nothing was to be set before",
			     "put set and bind before listen, or set behind accept");
	if (!is_free(running, step))
		return false;
	if (step->outcome != OUTCOME_ERROR)
		becomes(running, step, LIFE_OPEN);
	return true;
}

static bool check_connect(struct running *running, const struct step *step)
{
	if (!is_free(running, step))
		return false;
	if (step->outcome == OUTCOME_ERROR)
		becomes(running, step, LIFE_FAILED);
	else
		becomes(running, step, step->started ? LIFE_STARTED : LIFE_OPEN);
	return true;
}

static bool check_connected(struct running *running, const struct step *step)
{
	enum life life = socket_of(running, step)->life;

	if (life != LIFE_STARTED && life != LIFE_MIXED)
		return fails(running, step, "no connect was started before",
			     "write \"connect started\", then \"connected\" where it shall wait");
	if (!is_there(running, step))
		return false;
	becomes(running, step, step->outcome == OUTCOME_ERROR ? LIFE_FAILED : LIFE_OPEN);
	return true;
}

static bool check_bind(struct running *running, const struct step *step)
{
	if (!is_free(running, step))
		return false;
	becomes(running, step, LIFE_BOUND);
	return true;
}

static bool check_set(struct running *running, const struct step *step)
{
	enum life life = socket_of(running, step)->life;

	if (life == LIFE_NONE || life == LIFE_CLOSED)
		becomes(running, step, LIFE_SET);
	return true;
}

static bool check_use(struct running *running, const struct step *step)
{
	char name[40];
	char what[120];

	if (!is_there(running, step))
		return false;
	if (socket_of(running, step)->life != LIFE_BOUND || step->outcome != OUTCOME_OK)
		return true;
	name_socket(step, name);
	snprintf(what, sizeof(what), "%s is bound, but not connected", name);
	return fails(running, step, what,
		     "connect it first, or say how the call fails: -> ENOTCONN");
}

static bool check_close(struct running *running, const struct step *step)
{
	if (!is_there(running, step))
		return false;
	becomes(running, step, LIFE_CLOSED);
	return true;
}

static bool check_stop(struct running *running, const struct step *step)
{
	if (!running->listens)
		return fails(running, step, "the program does not listen",
			     "put \"listen\" before it");
	running->listens = false;
	return true;
}

static bool check_exit(struct running *running, const struct step *step)
{
	running->gone = step->line;
	return true;
}

static bool check_nothing(struct running *running, const struct step *step)
{
	(void)running;
	(void)step;
	return true;
}

static bool (*const checks[])(struct running *running, const struct step *step) = {
	[STEP_LISTEN] = check_listen,
	[STEP_ACCEPT] = check_accept,
	[STEP_CONNECT] = check_connect,
	[STEP_CONNECT_FAST] = check_connect,
	[STEP_CONNECT_SELF] = check_connect,
	[STEP_CONNECTED] = check_connected,
	[STEP_BIND] = check_bind,
	[STEP_SET] = check_set,
	[STEP_SEND] = check_use,
	[STEP_RECV] = check_use,
	[STEP_RECV_ALL] = check_use,
	[STEP_ECHO] = check_use,
	[STEP_SHUTDOWN] = check_use,
	[STEP_CLOSE] = check_close,
	[STEP_ABORT] = check_close,
	[STEP_STOP_LISTENING] = check_stop,
	[STEP_EXIT] = check_exit,
	[STEP_KILL] = check_exit,
	[STEP_SLEEP] = check_nothing,
	[STEP_WAIT] = check_nothing,
	[STEP_REPEAT] = check_nothing,
	[STEP_AGAIN] = check_nothing,
};
static_assert(sizeof(checks) / sizeof(checks[0]) == STEP_VERBS, "a check per verb");

static bool check_step(struct running *running, const struct step *step)
{
	char what[80];

	if (running->gone) {
		snprintf(what, sizeof(what), "the program has ended in line %u", running->gone);
		return fails(running, step, what, "nothing comes behind exit and kill");
	}
	/* Sockets that count are others in each round. */
	if (running->pass > 0 && step->socket_counts)
		return true;
	return checks[step->verb](running, step);
}

/* --- blocks --------------------------------------------------------------------------------- */

/* Find the end of each block. */
static bool match_blocks(struct running *running, struct program *program)
{
	const struct step *open = NULL;

	for (size_t i = 0; i < program->step_count; i++) {
		struct step *step = &program->steps[i];

		if (step->verb == STEP_REPEAT && open)
			return fails(running, step, "a block inside a block",
				     "close the one before with } first");
		if (step->verb == STEP_AGAIN && !open)
			return fails(running, step, "no block is open",
				     "a block begins with: repeat 3 {");
		if (step->verb == STEP_REPEAT)
			open = step;
		if (step->verb != STEP_AGAIN)
			continue;
		step->other = (size_t)(open - program->steps);
		program->steps[step->other].other = i;
		open = NULL;
	}
	return !open || fails(running, open, "the block is not closed", "add a line with }");
}

static bool port_fits(const struct running *running, uint16_t port, bool counts)
{
	return !counts || port + running->rounds - 1 <= UINT16_MAX;
}

static bool check_counts(struct running *running, const struct step *step)
{
	bool counts = step->socket_counts || step->port_counts || step->from_counts;

	if (counts && running->rounds == 0)
		return fails(running, step, "nothing counts up outside of a block",
			     "leave the + out, or put it between repeat N { and }");
	if (port_fits(running, step->port, step->port_counts) &&
	    port_fits(running, step->from_port, step->from_counts))
		return true;
	return fails(running, step, "ports that count up end beyond 65535",
		     "begin with a lower port, or go round less often");
}

/* Two rounds show what a second one does to what the first one left. */
static bool run_block(struct running *running, const struct step *repeat)
{
	const struct step *steps = running->program->steps;
	bool ok = true;

	running->rounds = repeat->octets;
	for (running->pass = 0; ok && running->pass < 2 && running->pass < repeat->octets;
	     running->pass++)
		for (const struct step *step = repeat + 1; ok && step < &steps[repeat->other];
		     step++)
			ok = check_counts(running, step) && check_step(running, step);
	running->rounds = 0;
	running->pass = 0;
	return ok;
}

static bool run(struct running *running)
{
	const struct program *program = running->program;

	for (size_t i = 0; i < program->step_count; i++) {
		const struct step *step = &program->steps[i];

		if (!check_counts(running, step) || !check_step(running, step))
			return false;
		if (step->verb != STEP_REPEAT)
			continue;
		if (!run_block(running, step))
			return false;
		i = step->other;
	}
	return true;
}

/* Settings of a socket that is never made would be lost. */
static bool settings_are_used(struct running *running)
{
	for (size_t i = 0; i < running->socket_count; i++) {
		const struct socket_life *life = &running->sockets[i];

		if (life->life != LIFE_SET)
			continue;
		running->reading->line = life->line;
		err_set(running->reading->err, ERR_INPUT, "set: nothing makes %s%s afterwards",
			life->name[0] ? "socket " : "the program's socket", life->name);
		err_fix(running->reading->err,
			"put it before listen, connect or bind, or behind accept");
		return false;
	}
	return true;
}

bool program_check(struct reading *reading, struct program *program)
{
	struct running running = { .reading = reading, .program = program };

	reading->line = program->line;
	if (program->step_count == 0) {
		err_set(reading->err, ERR_INPUT, "the program does nothing");
		err_fix(reading->err, "put its steps below it, indented");
		return false;
	}
	return match_blocks(&running, program) && run(&running) && settings_are_used(&running);
}
