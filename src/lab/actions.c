/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of actions, and how each is done without waiting. */
#include "lab/actions.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"

/* So long a send may make no progress before it is told. */
#define STALL_WORTH_TELLING_NS NSEC_PER_SEC
/* Steps of one turn, so that one busy connection leaves the others theirs. */
#define STEPS_PER_TURN	       32

static const struct action *current(const struct actor *actor)
{
	return &actor->list->actions[actor->at];
}

static void tell(const struct actor *actor, const struct call *call)
{
	if (actor->sink && actor->sink->told)
		actor->sink->told(actor->sink->context, call);
}

/* Something that is no call of its own, in the form of one. */
static void tell_words(const struct actor *actor, const char *name, int error, const char *words)
{
	int64_t now_ns = time_now_ns(CLOCK_REALTIME);
	struct call call = { .name = name,
			     .fd = actor->fd,
			     .result = error ? -1 : 0,
			     .error = error,
			     .start_ns = now_ns,
			     .end_ns = now_ns };

	snprintf(call.detail, sizeof(call.detail), "%s", words);
	if (actor->fd >= 0)
		call.state = socket_state(actor->fd);
	tell(actor, &call);
}

static bool need_buffer(const struct actor *actor, uint8_t **buffer)
{
	if (!*buffer)
		*buffer = malloc(ACTOR_BUFFER_BYTES);
	if (!*buffer)
		tell_words(actor, "buffer", ENOMEM, "");
	return *buffer != NULL;
}

enum moved {
	MOVED,	       /* so many octets, > 0 */
	MOVED_LATER,   /* the call would have waited */
	MOVED_NO_MORE, /* end of file, or it failed; told */
};

static enum moved do_recv(struct actor *actor, uint8_t *data, size_t room, size_t *bytes)
{
	struct call call;
	ssize_t result = call_recv(NULL, actor->fd, data, room, true, &call);

	*bytes = result > 0 ? (size_t)result : 0;
	if (result < 0 && call.error == EAGAIN) {
		actor->events |= POLLIN;
		return MOVED_LATER;
	}
	tell(actor, &call);
	if (result > 0)
		return MOVED;
	actor->failed |= result < 0;
	actor->peer_ended |= result == 0;
	return MOVED_NO_MORE;
}

/* The send buffer is full: say so once, when that lasts. */
static void note_stall(struct actor *actor, const struct call *call)
{
	int64_t tell_ns;

	if (actor->told_stall)
		return;
	if (actor->stalled_since_ns == 0)
		actor->stalled_since_ns = actor->now_ns;
	tell_ns = actor->stalled_since_ns + STALL_WORTH_TELLING_NS;
	if (actor->now_ns >= tell_ns) {
		tell(actor, call);
		actor->told_stall = true;
	} else if (tell_ns < actor->wake_ns) {
		actor->wake_ns = tell_ns;
	}
}

static enum moved do_send(struct actor *actor, const uint8_t *data, size_t bytes, size_t *sent)
{
	struct call call;
	ssize_t result = call_send(NULL, actor->fd, data, bytes, true, &call);

	*sent = result > 0 ? (size_t)result : 0;
	if (result < 0 && (call.error == EAGAIN || call.error == EINPROGRESS)) {
		actor->events |= POLLOUT;
		note_stall(actor, &call);
		return MOVED_LATER;
	}
	tell(actor, &call);
	actor->stalled_since_ns = 0;
	if (result >= 0)
		return MOVED;
	actor->failed = true;
	return MOVED_NO_MORE;
}

/* A text, or so many octets of a pattern. @bytes INT64_MAX: without end. */
static enum step send_bytes(struct actor *actor, const uint8_t *text, int64_t bytes)
{
	int64_t left = bytes - actor->done_bytes;
	const uint8_t *data = text ? text + actor->done_bytes : NULL;
	size_t sent;

	if (!text) {
		size_t phase = (size_t)(actor->done_bytes % ACTOR_PATTERN_BYTES);

		if (!need_buffer(actor, &actor->buffer))
			return STEP_DONE;
		if (actor->done_bytes == 0)
			for (size_t i = 0; i < ACTOR_BUFFER_BYTES; i++)
				actor->buffer[i] = (uint8_t) "abcdefghijklmnopqrstuvwxyz\n"
					[i % ACTOR_PATTERN_BYTES];
		data = actor->buffer + phase;
		if (left > (int64_t)(ACTOR_BUFFER_BYTES - phase))
			left = (int64_t)(ACTOR_BUFFER_BYTES - phase);
	}
	switch (do_send(actor, data, (size_t)left, &sent)) {
	case MOVED:
		break;
	case MOVED_LATER:
		return STEP_WAITS;
	case MOVED_NO_MORE:
		return STEP_DONE;
	}
	actor->done_bytes += (int64_t)sent;
	return actor->done_bytes == bytes ? STEP_DONE : STEP_AGAIN;
}

static enum step step_send(struct actor *actor)
{
	const struct action *action = current(actor);

	if (action->text_bytes > 0)
		return send_bytes(actor, actor->list->text + action->text_at,
				  (int64_t)action->text_bytes);
	return send_bytes(actor, NULL, action->number);
}

static enum step step_flood(struct actor *actor)
{
	return send_bytes(actor, NULL, INT64_MAX);
}

/* Until @bytes have come; -1: until any have; INT64_MAX: to end of file. */
static enum step recv_bytes(struct actor *actor, int64_t bytes)
{
	int64_t left = bytes < 0 ? ACTOR_BUFFER_BYTES : bytes - actor->done_bytes;
	size_t got;

	if (!need_buffer(actor, &actor->buffer))
		return STEP_DONE;
	if (left > ACTOR_BUFFER_BYTES)
		left = ACTOR_BUFFER_BYTES;
	switch (do_recv(actor, actor->buffer, (size_t)left, &got)) {
	case MOVED:
		break;
	case MOVED_LATER:
		return STEP_WAITS;
	case MOVED_NO_MORE:
		return STEP_DONE;
	}
	actor->done_bytes += (int64_t)got;
	return bytes < 0 || actor->done_bytes == bytes ? STEP_DONE : STEP_AGAIN;
}

static enum step step_recv(struct actor *actor)
{
	return recv_bytes(actor, current(actor)->number);
}

static enum step step_recv_all(struct actor *actor)
{
	return recv_bytes(actor, INT64_MAX);
}

static enum step step_echo(struct actor *actor)
{
	size_t bytes;

	if (!need_buffer(actor, &actor->buffer))
		return STEP_DONE;
	if (actor->from < actor->to) {
		enum moved moved = do_send(actor, actor->buffer + actor->from,
					   actor->to - actor->from, &bytes);

		actor->from += bytes;
		if (moved == MOVED)
			return STEP_AGAIN;
		return moved == MOVED_LATER ? STEP_WAITS : STEP_DONE;
	}
	actor->from = actor->to = 0;
	switch (do_recv(actor, actor->buffer, ACTOR_BUFFER_BYTES, &bytes)) {
	case MOVED:
		actor->to = bytes;
		return STEP_AGAIN;
	case MOVED_LATER:
		return STEP_WAITS;
	case MOVED_NO_MORE:
		break;
	}
	return STEP_DONE;
}

/* Whether a read or write of that descriptor would not wait; it may be blocking. */
static bool is_ready(int fd, short events)
{
	struct pollfd look = { .fd = fd, .events = events };

	return poll(&look, 1, 0) > 0;
}

/* Standard input to the socket; its end becomes a half-close. Return: whether it did something. */
static bool pipe_out(struct actor *actor)
{
	if (actor->input_from < actor->input_to) {
		size_t sent;
		enum moved moved = do_send(actor, actor->input + actor->input_from,
					   actor->input_to - actor->input_from, &sent);

		actor->input_from += sent;
		if (moved == MOVED_NO_MORE) {
			actor->input_ended = true; /* nobody takes it any more */
			actor->input_from = actor->input_to = 0;
		}
		return moved != MOVED_LATER;
	}
	if (actor->input_ended || !is_ready(STDIN_FILENO, POLLIN))
		return false;

	ssize_t got = read(STDIN_FILENO, actor->input, ACTOR_BUFFER_BYTES);

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return false;
	actor->input_from = 0;
	actor->input_to = got > 0 ? (size_t)got : 0;
	if (got <= 0) {
		actor->input_ended = true;
		call_shutdown(actor->sink, actor->fd, SHUT_WR, NULL);
	}
	return true;
}

/* The socket to standard output. Return: whether it did something. */
static bool pipe_in(struct actor *actor)
{
	size_t bytes;

	if (actor->from == actor->to) {
		if (actor->told_end)
			return false;

		enum moved moved = do_recv(actor, actor->buffer, ACTOR_BUFFER_BYTES, &bytes);

		actor->from = 0;
		actor->to = bytes;
		actor->told_end = moved == MOVED_NO_MORE;
		return moved != MOVED_LATER;
	}
	if (!is_ready(STDOUT_FILENO, POLLOUT))
		return false;

	/* A pipe that is ready takes so much without waiting. Source: pipe(7), PIPE_BUF. */
	size_t most = actor->to - actor->from < 4096 ? actor->to - actor->from : 4096;
	ssize_t wrote = write(STDOUT_FILENO, actor->buffer + actor->from, most);

	if (wrote < 0 && (errno == EINTR || errno == EAGAIN))
		return false;
	if (wrote < 0) { /* its reader is gone: nothing more is wanted */
		actor->told_end = actor->input_ended = true;
		actor->from = actor->to = actor->input_from = actor->input_to = 0;
		return true;
	}
	actor->from += (size_t)wrote;
	return true;
}

static enum step step_pipe(struct actor *actor)
{
	if (!need_buffer(actor, &actor->buffer) || !need_buffer(actor, &actor->input))
		return STEP_DONE;

	bool did = pipe_out(actor);

	did |= pipe_in(actor);
	/* A peer that sends no more may still read; but nobody should have to type on for it. */
	if (actor->told_end && actor->from == actor->to &&
	    (actor->input_ended || isatty(STDIN_FILENO)) && actor->input_from == actor->input_to)
		return STEP_DONE;
	return did ? STEP_AGAIN : STEP_WAITS;
}

static bool time_is_up(struct actor *actor, int64_t after_ns)
{
	if (actor->until_ns == 0)
		actor->until_ns = actor->now_ns + after_ns;
	if (actor->now_ns >= actor->until_ns)
		return true;
	actor->wake_ns = actor->until_ns;
	return false;
}

static enum step step_sleep(struct actor *actor)
{
	return time_is_up(actor, current(actor)->number) ? STEP_DONE : STEP_WAITS;
}

/* Reads nothing, yet learns what poll() tells a program that reads nothing. */
static enum step step_hold(struct actor *actor)
{
	struct pollfd look = { .fd = actor->fd, .events = POLLRDHUP };
	int error = 0;
	socklen_t length = sizeof(error);

	poll(&look, 1, 0);
	if (look.revents & POLLERR) {
		getsockopt(actor->fd, SOL_SOCKET, SO_ERROR, &error, &length);
		actor->failed = true;
		tell_words(actor, "wait", error, error ? "" : "the connection is over");
		return STEP_DONE;
	}
	if (look.revents & POLLHUP) {
		tell_words(actor, "wait", 0, "both sides have ended");
		return STEP_DONE;
	}
	if ((look.revents & POLLRDHUP) && !actor->told_end) {
		actor->told_end = true;
		tell_words(actor, "wait", 0, "the peer sends no more; nothing is read here");
	}
	actor->watches = true;
	if (!actor->told_end)
		actor->events |= POLLRDHUP;
	if (current(actor)->number >= 0 && time_is_up(actor, current(actor)->number))
		return STEP_DONE;
	return STEP_WAITS;
}

static enum step step_half_close(struct actor *actor)
{
	call_shutdown(actor->sink, actor->fd, SHUT_WR, NULL);
	return STEP_DONE;
}

static enum step step_set(struct actor *actor)
{
	call_set(actor->sink, actor->fd, &current(actor)->setting, NULL);
	return STEP_DONE;
}

static enum step step_close(struct actor *actor)
{
	call_close(actor->sink, actor->fd, NULL);
	actor->fd = -1;
	return STEP_DONE;
}

static enum step step_abort(struct actor *actor)
{
	call_abort(actor->sink, actor->fd, NULL);
	actor->fd = -1;
	return STEP_DONE;
}

static enum step step_repeat(struct actor *actor)
{
	int64_t rounds = current(actor)->number;

	actor->rounds++;
	if ((rounds >= 0 && actor->rounds >= rounds) || actor->failed || actor->peer_ended)
		return STEP_DONE;
	actor->at = (size_t)-1; /* its next is 0 */
	return STEP_DONE;
}

static enum step step_exit(struct actor *actor)
{
	int64_t status = current(actor)->number;

	actor->exit_status = status > 0 ? (int)status : 0;
	return STEP_EXITS;
}

static enum step step_crash(struct actor *actor)
{
	(void)actor;
	return STEP_CRASHES;
}

static const struct action_word words[] = {
	{ .name = "send",
	  .arguments = "N | \"TEXT\"",
	  .help = "send N bytes, or the text (with \\r \\n \\t \\\" \\\\ \\xHH)",
	  .argument = ACTION_BYTES_OR_TEXT,
	  .least = 1,
	  .most = INT64_C(1) << 50,
	  .step = step_send },
	{ .name = "recv",
	  .arguments = "[N]",
	  .help = "wait for N bytes; without N: for the next that come",
	  .argument = ACTION_NUMBER,
	  .least = 1,
	  .most = INT64_C(1) << 50,
	  .step = step_recv },
	{ .name = "recv-all",
	  .arguments = "",
	  .help = "read until the peer ends",
	  .step = step_recv_all },
	{ .name = "discard",
	  .arguments = "",
	  .help = "the same, by the name of the service (RFC 863)",
	  .step = step_recv_all },
	{ .name = "echo",
	  .arguments = "",
	  .help = "send back what comes until the peer ends (RFC 862)",
	  .step = step_echo },
	{ .name = "flood",
	  .arguments = "",
	  .help = "send without end until the connection fails",
	  .step = step_flood },
	{ .name = "pipe",
	  .arguments = "",
	  .help = "client: standard input to the peer, what comes back to standard output; the end "
		  "of input becomes a half-close",
	  .client_only = true,
	  .step = step_pipe },
	{ .name = "sleep",
	  .arguments = "TIME",
	  .help = "look at nothing for so long: 300ms, 2s",
	  .argument = ACTION_TIME,
	  .without_socket = true,
	  .step = step_sleep },
	{ .name = "hold",
	  .arguments = "[TIME]",
	  .help = "keep it open and read nothing, for so long or until the connection is over",
	  .argument = ACTION_MAYBE_TIME,
	  .step = step_hold },
	{ .name = "set",
	  .arguments = "OPTION",
	  .help = "change a socket option (below)",
	  .argument = ACTION_SETTING,
	  .step = step_set },
	{ .name = "half-close",
	  .arguments = "",
	  .help = "shutdown(SHUT_WR): FIN, and go on reading",
	  .step = step_half_close },
	{ .name = "close",
	  .arguments = "",
	  .help = "close(): FIN, or a reset when something is unread",
	  .step = step_close },
	{ .name = "abort",
	  .arguments = "",
	  .help = "close() with linger 0: reset",
	  .step = step_abort },
	{ .name = "repeat",
	  .arguments = "[N]",
	  .help = "all before it again, N times in all; ends with the connection",
	  .argument = ACTION_NUMBER,
	  .least = 1,
	  .most = INT64_C(1) << 50,
	  .step = step_repeat },
	{ .name = "exit",
	  .arguments = "[STATUS]",
	  .help = "end the process; the kernel closes all its connections",
	  .argument = ACTION_NUMBER,
	  .most = 255,
	  .without_socket = true,
	  .step = step_exit },
	{ .name = "crash",
	  .arguments = "",
	  .help = "kill the process (SIGKILL); the kernel closes all its connections",
	  .without_socket = true,
	  .step = step_crash },
};

const struct action_word *action_words_list(size_t *count)
{
	*count = sizeof(words) / sizeof(words[0]);
	return words;
}

void actor_init(struct actor *actor, int fd, const struct action_list *list,
		const struct call_sink *sink)
{
	*actor = (struct actor){ .fd = fd, .list = list, .sink = sink, .wake_ns = INT64_MAX };
}

void actor_clear(struct actor *actor)
{
	free(actor->buffer);
	free(actor->input);
	actor->buffer = actor->input = NULL;
}

static void next_action(struct actor *actor)
{
	actor->at++;
	actor->done_bytes = 0;
	actor->until_ns = 0;
	actor->stalled_since_ns = 0;
	actor->told_stall = actor->told_end = actor->input_ended = false;
	actor->from = actor->to = 0;
	actor->input_from = actor->input_to = 0;
}

enum actor_result actor_run(struct actor *actor, int64_t now_ns)
{
	actor->now_ns = now_ns;
	for (unsigned steps = 0; steps < STEPS_PER_TURN; steps++) {
		actor->events = 0;
		actor->watches = false;
		actor->wake_ns = INT64_MAX;
		if (actor->at >= actor->list->count) {
			if (actor->fd >= 0)
				step_close(actor);
			return ACTOR_CLOSED;
		}
		switch (words[current(actor)->word].step(actor)) {
		case STEP_DONE:
			next_action(actor);
			break;
		case STEP_AGAIN:
			break;
		case STEP_WAITS:
			return ACTOR_WAITS;
		case STEP_EXITS:
			return ACTOR_EXITS;
		case STEP_CRASHES:
			return ACTOR_CRASHES;
		}
	}
	actor->wake_ns = now_ns;
	return ACTOR_WAITS;
}

size_t actor_polls(const struct actor *actor, struct pollfd polls[static ACTOR_POLLS_MOST])
{
	size_t count = 1;

	polls[0] = (struct pollfd){ .fd = actor->events || actor->watches ? actor->fd : -1,
				    .events = actor->events };
	if (actor->at >= actor->list->count || words[current(actor)->word].step != step_pipe)
		return count;
	if (!actor->input_ended && actor->input_from == actor->input_to)
		polls[count++] = (struct pollfd){ .fd = STDIN_FILENO, .events = POLLIN };
	if (actor->from < actor->to)
		polls[count++] = (struct pollfd){ .fd = STDOUT_FILENO, .events = POLLOUT };
	return count;
}
