/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/program.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"
#include "lab/socket.h"

#define DEFAULT_PORT	7000
#define DEFAULT_BACKLOG 16
#define SOCKETS_MOST	512 /* of one program, by names */
#define BUFFER_BYTES	65536
#define CONTROL_FD	3 /* in the program's process */

/* A socket of a program. */
struct named {
	char name[SOCKET_NAME_BYTES + 12];
	int fd; /* -1: closed */
};

/* Inside the program's own process. */
struct acting {
	const struct program *program; /* borrowed */
	const struct net *net;	       /* borrowed */
	int control;
	struct named sockets[SOCKETS_MOST];
	size_t socket_count;
	int listener;
	struct call call; /* the last one */
	uint32_t round[PROGRAM_STEPS_MOST];
	uint8_t buffer[BUFFER_BYTES];
};

static const struct call_sink no_sink;

/* The round of the innermost repeat that a step stands in. */
static uint32_t round_of(const struct acting *actor, size_t at)
{
	const struct program *program = actor->program;
	size_t depth = 0;

	for (size_t i = at; i-- > 0;) {
		if (program->steps[i].verb == STEP_AGAIN)
			depth++;
		else if (program->steps[i].verb == STEP_REPEAT && depth-- == 0)
			return actor->round[i];
	}
	return 0;
}

static void tell(const struct acting *actor, struct program_message *message)
{
	if (send(actor->control, message, sizeof(*message), MSG_NOSIGNAL) < 0)
		_exit(0); /* the lab is gone */
}

static void tell_step(const struct acting *actor, enum program_tells tells, size_t at)
{
	struct program_message message = {
		.tells = tells,
		.step = (uint32_t)at,
		.round = round_of(actor, at),
	};

	tell(actor, &message);
}

static void wait_go(const struct acting *actor)
{
	char byte;

	if (recv(actor->control, &byte, 1, 0) != 1)
		_exit(0);
}

/* The socket that a step speaks of; made where it is not known yet. */
static struct named *socket_of(struct acting *actor, size_t at)
{
	const struct step *step = &actor->program->steps[at];
	char name[SOCKET_NAME_BYTES + 12];

	snprintf(name, sizeof(name), "%s", step->socket);
	if (step->socket_counts)
		snprintf(name, sizeof(name), "%s%u", step->socket, round_of(actor, at));
	for (size_t i = 0; i < actor->socket_count; i++)
		if (strcmp(actor->sockets[i].name, name) == 0)
			return &actor->sockets[i];
	if (actor->socket_count == SOCKETS_MOST)
		return NULL;

	struct named *made = &actor->sockets[actor->socket_count++];

	snprintf(made->name, sizeof(made->name), "%s", name);
	made->fd = -1;
	return made;
}

/* A socket that the step can work on, made when it has none yet. */
static int ensure(struct acting *actor, struct named *own, bool mptcp)
{
	if (own->fd < 0)
		own->fd = call_socket(&no_sink, &actor->net->address[actor->program->end], mptcp,
				      &actor->call);
	return own->fd;
}

static uint16_t counted(const struct acting *actor, size_t at, uint16_t port, bool counts)
{
	return (uint16_t)(port + (counts ? round_of(actor, at) : 0));
}

static const struct ip_address *own_address(const struct acting *actor)
{
	return &actor->net->address[actor->program->end];
}

static int64_t do_bind(struct acting *actor, struct named *own, uint16_t port)
{
	if (ensure(actor, own, false) < 0)
		return -1;
	return call_bind(&no_sink, own->fd, own_address(actor), port, &actor->call);
}

static int64_t do_listen(struct acting *actor, size_t at, struct named *own)
{
	const struct step *step = &actor->program->steps[at];
	static const char reuse[] = "reuseaddr";
	struct socket_setting setting;
	uint16_t port = step->port ? step->port : DEFAULT_PORT;

	if (ensure(actor, own, false) < 0)
		return -1;
	if (socket_setting_parse(reuse, strlen(reuse), &setting, NULL))
		call_set(&no_sink, own->fd, &setting, &actor->call);
	if (call_bind(&no_sink, own->fd, own_address(actor),
		      counted(actor, at, port, step->port_counts), &actor->call) < 0)
		return -1;
	actor->listener = own->fd;
	own->fd = -1; /* its name is free for what it accepts */
	return call_listen(&no_sink, actor->listener,
			   step->backlog ? step->backlog : DEFAULT_BACKLOG, &actor->call);
}

static int64_t do_accept(struct acting *actor, struct named *own)
{
	int fd = call_accept(&no_sink, actor->listener, &actor->call);

	if (fd >= 0)
		own->fd = fd;
	return fd < 0 ? -1 : 0;
}

static int64_t do_connect(struct acting *actor, size_t at, struct named *own)
{
	const struct step *step = &actor->program->steps[at];
	bool self = step->verb == STEP_CONNECT_SELF;
	enum end to = self ? actor->program->end : end_other(actor->program->end);
	uint16_t from = counted(actor, at, step->from_port, step->from_counts);
	uint16_t port =
		counted(actor, at, step->port ? step->port : DEFAULT_PORT, step->port_counts);
	int64_t timeout = step->started ? 0 : step->time_ns ? step->time_ns : -1;

	if (ensure(actor, own, false) < 0)
		return -1;
	if (from && call_bind(&no_sink, own->fd, own_address(actor), from, &actor->call) < 0)
		return -1;
	if (step->verb == STEP_CONNECT_FAST)
		return call_connect_fast(&no_sink, own->fd, &actor->net->address[to], port,
					 step->text, step->text_bytes, &actor->call);
	return call_connect(&no_sink, own->fd, &actor->net->address[to], self && from ? from : port,
			    timeout, &actor->call);
}

static int64_t do_send(struct acting *actor, const struct step *step, int fd)
{
	size_t wanted = step->text_bytes ? step->text_bytes : step->octets, done = 0;

	/* Filler that can be told apart by its place. */
	for (size_t i = 0; i < sizeof(actor->buffer); i++)
		actor->buffer[i] = (uint8_t)('a' + i % 26);
	if (step->text_bytes)
		memcpy(actor->buffer, step->text, step->text_bytes);
	while (done < wanted) {
		size_t piece = wanted - done;
		ssize_t sent;

		if (piece > sizeof(actor->buffer))
			piece = sizeof(actor->buffer);
		sent = call_send(&no_sink, fd, actor->buffer, piece, step->started, &actor->call);
		if (sent < 0 && step->started && actor->call.error == EAGAIN) {
			actor->call.error = 0;
			break;
		}
		if (sent < 0)
			return -1;
		done += (size_t)sent;
	}
	return (int64_t)done;
}

/* Receive until @wanted octets have come (0: one call), the end of file, or an error. */
static int64_t do_recv(struct acting *actor, uint32_t wanted, int fd)
{
	int64_t done = 0;
	bool once = wanted == 0;

	do {
		size_t room = sizeof(actor->buffer);
		ssize_t got;

		if (!once && room > wanted - (size_t)done)
			room = wanted - (size_t)done;
		got = call_recv(&no_sink, fd, actor->buffer, room, false, &actor->call);
		if (got < 0)
			return done > 0 && actor->call.error == 0 ? done : -1;
		if (got == 0)
			break;
		done += got;
	} while (!once && done < wanted);
	return done;
}

static int64_t do_recv_all(struct acting *actor, int fd, bool echo)
{
	int64_t done = 0;

	for (;;) {
		ssize_t got = call_recv(&no_sink, fd, actor->buffer, sizeof(actor->buffer), false,
					&actor->call);

		if (got <= 0)
			return got < 0 ? -1 : done;
		done += got;
		for (ssize_t sent = 0; echo && sent < got;) {
			ssize_t piece = call_send(&no_sink, fd, actor->buffer + sent,
						  (size_t)(got - sent), false, &actor->call);

			if (piece < 0)
				return -1;
			sent += piece;
		}
	}
}

static int64_t do_set(struct acting *actor, const struct step *step, struct named *own)
{
	const struct socket_option *options;
	size_t count;
	bool mptcp;

	options = socket_options_list(&count);
	mptcp = step->setting.option < count &&
		strcmp(options[step->setting.option].name, "mptcp") == 0;
	/* Before the first accept(), an option of the unnamed socket is the listener's. */
	if (own->fd < 0 && actor->listener >= 0)
		return call_set(&no_sink, actor->listener, &step->setting, &actor->call);
	if (ensure(actor, own, mptcp) < 0)
		return -1;
	return mptcp ? 0 : call_set(&no_sink, own->fd, &step->setting, &actor->call);
}

static int64_t do_close(struct acting *actor, enum step_verb verb, struct named *own)
{
	int fd = own->fd;

	own->fd = -1;
	return verb == STEP_ABORT ? call_abort(&no_sink, fd, &actor->call)
				  : call_close(&no_sink, fd, &actor->call);
}

static void sleep_ns(int64_t time_ns)
{
	struct timespec pause = { .tv_sec = time_ns / NSEC_PER_SEC,
				  .tv_nsec = time_ns % NSEC_PER_SEC };

	while (nanosleep(&pause, &pause) < 0 && errno == EINTR)
		;
}

/* The steps that are no system call on a socket. Return: whether it was one. */
static bool do_plain(struct acting *actor, const struct step *step)
{
	switch ((unsigned)step->verb) {
	case STEP_SLEEP:
		sleep_ns(step->time_ns);
		return true;
	case STEP_EXIT:
		_exit(0);
	case STEP_KILL:
		raise(SIGKILL);
		return true;
	case STEP_STOP_LISTENING:
		call_close(&no_sink, actor->listener, &actor->call);
		actor->listener = -1;
		return true;
	default:
		return false;
	}
}

static int64_t do_step(struct acting *actor, size_t at, struct named *own)
{
	const struct step *step = &actor->program->steps[at];

	switch ((unsigned)step->verb) {
	case STEP_LISTEN:
		return do_listen(actor, at, own);
	case STEP_ACCEPT:
		return do_accept(actor, own);
	case STEP_CONNECT:
	case STEP_CONNECT_FAST:
	case STEP_CONNECT_SELF:
		return do_connect(actor, at, own);
	case STEP_CONNECTED:
		return call_connected(&no_sink, own->fd, step->time_ns ? step->time_ns : -1,
				      &actor->call);
	case STEP_BIND:
		return do_bind(actor, own, counted(actor, at, step->port, step->port_counts));
	case STEP_SET:
		return do_set(actor, step, own);
	case STEP_SEND:
		return do_send(actor, step, own->fd);
	case STEP_RECV:
		return do_recv(actor, step->octets, own->fd);
	case STEP_RECV_ALL:
	case STEP_ECHO:
		return do_recv_all(actor, own->fd, step->verb == STEP_ECHO);
	case STEP_SHUTDOWN:
		return call_shutdown(&no_sink, own->fd, step->how, &actor->call);
	default: /* close, abort */
		return do_close(actor, step->verb, own);
	}
}

/* Whether a call came out as the scenario says. */
static bool as_said(const struct step *step, int64_t result, int error)
{
	switch (step->outcome) {
	case OUTCOME_OK:
		return result >= 0;
	case OUTCOME_ERROR:
		return result < 0 && error == (int)step->outcome_number;
	case OUTCOME_OCTETS:
		return result == step->outcome_number;
	case OUTCOME_END:
		return result == 0;
	case OUTCOME_ANY:
		break;
	}
	return true;
}

/* Do one step and tell. Return: whether the program may go on. */
static bool step_do(struct acting *actor, size_t at)
{
	const struct step *step = &actor->program->steps[at];
	struct program_message message = { .tells = PROGRAM_ENDED,
					   .step = (uint32_t)at,
					   .round = round_of(actor, at) };
	struct named *own = socket_of(actor, at);

	tell_step(actor, PROGRAM_BEGIN, at);
	actor->call = (struct call){ .fd = -1 };
	message.start_ns = time_now_ns(CLOCK_REALTIME);
	if (!own)
		message.result = -1, actor->call.error = EMFILE;
	else if (!do_plain(actor, step))
		message.result = do_step(actor, at, own);
	message.end_ns = time_now_ns(CLOCK_REALTIME);
	message.error = message.result < 0 ? actor->call.error : 0;
	message.missing = step->verb == STEP_SET && message.error == ENOPROTOOPT;
	message.unexpected = !as_said(step, message.result, message.error);
	message.local_port = actor->call.local_port;
	message.remote_port = actor->call.remote_port;
	snprintf(message.detail, sizeof(message.detail), "%s", actor->call.detail);
	tell(actor, &message);
	return !message.unexpected;
}

static void rest(void) __attribute__((noreturn));

/* Stay, with all sockets, until the lab ends this process. */
static void rest(void)
{
	for (;;)
		pause();
}

static void act(struct acting *actor) __attribute__((noreturn));

static void act(struct acting *actor)
{
	const struct program *program = actor->program;

	tell_step(actor, PROGRAM_READY, 0);
	wait_go(actor);
	for (size_t at = 0; at < program->step_count; at++) {
		const struct step *step = &program->steps[at];

		switch ((unsigned)step->verb) {
		case STEP_REPEAT:
			actor->round[at] = 0;
			break;
		case STEP_AGAIN:
			if (++actor->round[step->other] >= program->steps[step->other].octets)
				break;
			sleep_ns(program->steps[step->other].time_ns);
			at = step->other;
			break;
		case STEP_WAIT:
			tell_step(actor, PROGRAM_WAIT, at);
			wait_go(actor);
			break;
		default:
			if (!step_do(actor, at))
				rest();
		}
	}
	tell_step(actor, PROGRAM_DONE, program->step_count);
	rest();
}

/* In the new process: become the program. */
static void become(const struct program *program, const struct net *net, int control, pid_t parent)
	__attribute__((noreturn));

static void become(const struct program *program, const struct net *net, int control, pid_t parent)
{
	struct acting *actor = calloc(1, sizeof(*actor));
	struct err err = { .kind = ERR_NONE };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || !actor || !net_enter(net, program->end, &err))
		_exit(1);
	signal(SIGINT, SIG_IGN); /* the lab ends its programs itself */
	/* Nothing of the lab's is kept open here: a namespace would outlive its reboot. */
	actor->control = dup2(control, CONTROL_FD);
	close_range(CONTROL_FD + 1, ~0u, 0);
	actor->program = program;
	actor->net = net;
	actor->listener = -1;
	act(actor);
}

bool program_start(const struct program *program, const struct net *net,
		   struct program_process *process, struct err *err)
{
	int pair[2];
	pid_t self = getpid();

	*process = (struct program_process){ .control = -1 };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_set(err, ERR_SYSTEM, "no socket pair for a program: %s",
			       strerror(errno));
	process->pid = fork();
	if (process->pid == 0) {
		close(pair[0]);
		become(program, net, pair[1], self);
	}
	close(pair[1]);
	process->control = pair[0];
	if (process->pid > 0)
		return true;
	close(pair[0]);
	*process = (struct program_process){ .control = -1 };
	return err_set(err, ERR_SYSTEM, "no process for a program: %s", strerror(errno));
}

void program_go(const struct program_process *process)
{
	const char byte = 'g';

	if (process->control >= 0)
		(void)!send(process->control, &byte, 1, MSG_NOSIGNAL);
}

int program_hear(const struct program_process *process, struct program_message *message)
{
	ssize_t got = recv(process->control, message, sizeof(*message), MSG_DONTWAIT);

	if (got == (ssize_t)sizeof(*message))
		return 1;
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return -1;
}

void program_end(struct program_process *process)
{
	if (process->pid > 0) {
		kill(process->pid, SIGKILL);
		waitpid(process->pid, NULL, 0);
	}
	if (process->control >= 0)
		close(process->control);
	*process = (struct program_process){ .control = -1 };
}
