/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/endpoints.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "base/time.h"

/* Transfers are summed up for so long: a person's pace shows every message, bulk few lines, and the
   fewer the longer it lasts. */
#define SUM_LEAST_NS (100 * NSEC_PER_MSEC)
#define SUM_MOST_NS  (1600 * NSEC_PER_MSEC)

static volatile sig_atomic_t stopped; /* a signal asked for the end */

static void on_signal(int number)
{
	(void)number;
	stopped = 1;
}

int64_t endpoints_now_ns(void)
{
	return time_now_ns(CLOCK_MONOTONIC);
}

/* One line. @number: of the connection, 0 none. */
static void print_line(struct endpoints *ends, unsigned number, const struct call *call,
		       const char *text, enum tcp_state state)
{
	struct out *out = &ends->out;
	char name[16] = "";

	if (ends->options->quiet)
		return;
	if (number > 0)
		snprintf(name, sizeof(name), "#%u", number);
	out_format(out, "%8.4f  %-3s ", (double)(call->end_ns - ends->start_ns) / 1e9, name);
	if (text[0])
		out_format(out, "%-8s  %s", call->name, text);
	else
		out_text(out, call->name);
	if (state != STATE_UNKNOWN)
		out_format(out, "  [%s]", tcp_state_name(state));
	out_char(out, '\n');
}

static void print_call(struct endpoints *ends, unsigned number, const struct call *call,
		       enum tcp_state state)
{
	char line[CALL_TEXT_BYTES];
	struct text text = text_over(line, sizeof(line));
	const char *meaning = errno_meaning(call->error, call->name);

	text_add(&text, "%s", call->detail);
	if (call->error)
		text_add(&text, "%s%s%s%s", call->detail[0] ? ": " : "", errno_name(call->error),
			 meaning[0] ? ": " : "", meaning);
	print_line(ends, number, call, line, state);
}

static void count_failure(struct endpoints *ends, const struct call *call)
{
	for (size_t i = 0; i < ends->failure_count; i++) {
		if (ends->failures[i].error != call->error ||
		    strcmp(ends->failures[i].call, call->name) != 0)
			continue;
		ends->failures[i].times++;
		return;
	}
	if (ends->failure_count < ENDPOINTS_FAILURES_MOST)
		ends->failures[ends->failure_count++] = (struct endpoints_failure){
			.call = call->name, .error = call->error, .times = 1
		};
}

/* Whether an error waits to be fetched by the next call. */
static bool error_waits(int fd)
{
	struct pollfd look = { .fd = fd };

	return poll(&look, 1, 0) > 0 && (look.revents & POLLERR);
}

/*
 * The state after a call, where it is another than the one shown last. The kernel shows a socket
 * whose connection went on to TIME_WAIT as closed; what the socket went through before tells: on
 * a fast path the peer's FIN is there before the state after shutdown() can be read.
 */
static enum tcp_state news(struct endpoints_conn *conn, const struct call *call)
{
	enum tcp_state state = call->state;

	if (state == STATE_CLOSED && call->error == 0 &&
	    (call->before == STATE_ESTABLISHED || conn->shown == STATE_FIN_WAIT_1 ||
	     conn->shown == STATE_FIN_WAIT_2 || conn->shown == STATE_CLOSING ||
	     conn->shown == STATE_TIME_WAIT) &&
	    !error_waits(call->fd))
		state = STATE_TIME_WAIT;
	if (state == STATE_UNKNOWN || state == conn->shown)
		return STATE_UNKNOWN;
	conn->shown = state;
	return state;
}

static void flush_sum(struct endpoints_conn *conn, struct endpoints_sum *sum)
{
	char text[CALL_DETAIL_BYTES];

	if (sum->calls == 0)
		return;
	snprintf(text, sizeof(text), "%" PRId64 " bytes in %" PRIu64 " calls", sum->bytes,
		 sum->calls);
	print_line(conn->ends, conn->number, &sum->last, sum->calls == 1 ? sum->last.detail : text,
		   news(conn, &sum->last));
	if (sum->calls > 1 && sum->wait_ns < SUM_MOST_NS)
		sum->wait_ns *= 2;
	sum->calls = 0;
	sum->bytes = 0;
	sum->told_ns = endpoints_now_ns();
}

static void flush_sums(struct endpoints_conn *conn)
{
	flush_sum(conn, &conn->recv);
	flush_sum(conn, &conn->send);
}

/* Octets moved: told at once, or with the others that follow soon. */
static void tell_transfer(struct endpoints_conn *conn, const struct call *call,
			  struct endpoints_sum *sum)
{
	int64_t now_ns = endpoints_now_ns();

	if (!conn->ends->options->every_call && sum->told_ns != 0 &&
	    now_ns - sum->told_ns < sum->wait_ns) {
		sum->bytes += call->result;
		sum->calls++;
		sum->last = *call;
		return;
	}
	flush_sums(conn);
	print_call(conn->ends, conn->number, call, news(conn, call));
	sum->told_ns = now_ns;
	sum->wait_ns = SUM_LEAST_NS;
}

static void tell_conn(void *context, const struct call *call)
{
	struct endpoints_conn *conn = context;
	struct endpoints *ends = conn->ends;

	if (call->error && call->error != EAGAIN)
		count_failure(ends, call);
	if (call->result > 0 && strcmp(call->name, "recv") == 0) {
		ends->received_bytes += call->result;
		tell_transfer(conn, call, &conn->recv);
		return;
	}
	if (call->result > 0 && strcmp(call->name, "send") == 0) {
		ends->sent_bytes += call->result;
		tell_transfer(conn, call, &conn->send);
		return;
	}
	flush_sums(conn);
	print_call(ends, conn->number, call, news(conn, call));
}

static void tell_other(void *context, const struct call *call)
{
	struct endpoints *ends = context;

	if (call->error && call->error != EAGAIN)
		count_failure(ends, call);
	print_call(ends, 0, call, call->state);
}

/* As many connections as the system lets a process have. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

bool endpoints_init(struct endpoints *ends, const struct endpoints_options *options, bool to_errors,
		    struct err *err)
{
	struct sigaction action = { .sa_handler = on_signal };
	int64_t timeout_ns;

	*ends = (struct endpoints){ .options = options,
				    .start_ns = time_now_ns(CLOCK_REALTIME),
				    .start_mono_ns = endpoints_now_ns(),
				    .until_ns = INT64_MAX };
	ends->sink = (struct call_sink){ .told = tell_other, .context = ends };
	if (!endpoints_time_option("--timeout", options->timeout, &timeout_ns, err))
		return false;
	if (timeout_ns >= 0)
		ends->until_ns = endpoints_now_ns() + timeout_ns;
	raise_file_limit();
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	return out_init(&ends->out, to_errors ? STDERR_FILENO : STDOUT_FILENO, err);
}

void endpoints_clear(struct endpoints *ends)
{
	for (size_t i = 0; i < ends->count; i++) {
		actor_clear(&ends->conns[i]->actor);
		free(ends->conns[i]);
	}
	free(ends->conns);
	free(ends->polls);
	out_clear(&ends->out);
}

static bool make_room(struct endpoints *ends)
{
	size_t room = ends->room ? ends->room * 2 : 16;
	struct endpoints_conn **conns = realloc(
		ends->conns,
		room * sizeof(*conns)); /* NOLINT(bugprone-sizeof-expression): pointers are kept */

	if (!conns)
		return false;
	ends->conns = conns;

	struct pollfd *polls = realloc(ends->polls, (room * ACTOR_POLLS_MOST + 1) * sizeof(*polls));

	if (!polls)
		return false;
	ends->polls = polls;
	ends->room = room;
	return true;
}

struct endpoints_conn *endpoints_add(struct endpoints *ends)
{
	struct endpoints_conn *conn;

	if (ends->count == ends->room && !make_room(ends))
		return NULL;
	conn = calloc(1, sizeof(*conn));
	if (!conn)
		return NULL;
	conn->ends = ends;
	conn->number = ++ends->numbers;
	conn->give_up_ns = INT64_MAX;
	conn->sink = (struct call_sink){ .told = tell_conn, .context = conn };
	actor_init(&conn->actor, -1, ends->actions, &conn->sink);
	ends->conns[ends->count++] = conn;
	return conn;
}

void endpoints_begin(struct endpoints_conn *conn, int fd)
{
	conn->connecting = false;
	conn->give_up_ns = INT64_MAX;
	conn->ends->opened++;
	actor_init(&conn->actor, fd, conn->ends->actions, &conn->sink);
	conn->actor.wake_ns = 0; /* its turn comes at once */
}

void endpoints_remove(struct endpoints *ends, struct endpoints_conn *conn)
{
	size_t at = 0;

	while (ends->conns[at] != conn)
		at++;
	ends->count--;
	for (size_t i = at; i < ends->count; i++)
		ends->conns[i] = ends->conns[i + 1];
	flush_sums(conn);
	actor_clear(&conn->actor);
	free(conn);
}

/* When a sum has to be told, so that a line does not wait for the next call. */
static int64_t sum_due_ns(const struct endpoints_sum *sum)
{
	return sum->calls > 0 ? sum->told_ns + sum->wait_ns : INT64_MAX;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t conn_wake_ns(const struct endpoints_conn *conn)
{
	int64_t wake_ns = conn->connecting ? conn->give_up_ns : conn->actor.wake_ns;

	return earlier(wake_ns, earlier(sum_due_ns(&conn->recv), sum_due_ns(&conn->send)));
}

/* poll(), during which alone a signal is taken: none is lost between look and wait. */
static void poll_until(struct pollfd *polls, size_t count, int64_t wake_ns)
{
	struct timespec left = { .tv_sec = 0 };
	int64_t left_ns = wake_ns == INT64_MAX ? 0 : wake_ns - endpoints_now_ns();
	sigset_t signals, before;

	if (left_ns > 0)
		left = (struct timespec){ .tv_sec = left_ns / NSEC_PER_SEC,
					  .tv_nsec = left_ns % NSEC_PER_SEC };
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, &before);
	if (stopped || ppoll(polls, count, wake_ns == INT64_MAX ? NULL : &left, &before) < 0)
		for (size_t i = 0; i < count; i++)
			polls[i].revents = 0;
	sigprocmask(SIG_SETMASK, &before, NULL);
}

bool endpoints_wait(struct endpoints *ends, int listener, int64_t wake_ns)
{
	struct pollfd alone = { .fd = -1 }, *polls = ends->polls ? ends->polls : &alone;
	size_t count = 1;

	out_flush(&ends->out);
	polls[0] = (struct pollfd){ .fd = listener, .events = POLLIN };
	for (size_t i = 0; i < ends->count; i++) {
		struct endpoints_conn *conn = ends->conns[i];

		wake_ns = earlier(wake_ns, conn_wake_ns(conn));
		if (conn->connecting)
			polls[count++] = (struct pollfd){ .fd = conn->actor.fd, .events = POLLOUT };
		else
			count += actor_polls(&conn->actor, polls + count);
	}
	poll_until(polls, count, earlier(wake_ns, ends->until_ns));

	size_t at = 1;

	for (size_t i = 0; i < ends->count; i++) {
		struct endpoints_conn *conn = ends->conns[i];
		struct pollfd unused[ACTOR_POLLS_MOST];
		size_t own = conn->connecting ? 1 : actor_polls(&conn->actor, unused);

		conn->ready = 0;
		for (; own > 0; own--)
			conn->ready |= polls[at++].revents;
	}
	return polls[0].revents != 0;
}

/* The process ends with its connections as they are: what the action asked for. */
static void end_process(struct endpoints *ends, const struct endpoints_conn *conn,
			enum actor_result how)
{
	bool crash = how == ACTOR_CRASHES;
	struct call call = { .name = crash ? "crash" : "exit",
			     .end_ns = time_now_ns(CLOCK_REALTIME) };
	char text[CALL_DETAIL_BYTES];

	for (size_t i = 0; i < ends->count; i++)
		flush_sums(ends->conns[i]);
	snprintf(text, sizeof(text), "%s; the kernel closes what is open (%zu connection%s)",
		 crash ? "killed by SIGKILL" : "the process ends", ends->count,
		 ends->count == 1 ? "" : "s");
	print_line(ends, conn->number, &call, text, STATE_UNKNOWN);
	out_flush(&ends->out);
	if (crash)
		kill(getpid(), SIGKILL);
	_exit(conn->actor.exit_status);
}

/* Return: whether the connection is still there. */
static bool act(struct endpoints *ends, struct endpoints_conn *conn, int64_t now_ns)
{
	enum actor_result result;

	if (sum_due_ns(&conn->recv) <= now_ns || sum_due_ns(&conn->send) <= now_ns)
		flush_sums(conn);
	if (conn->connecting) {
		if (conn->ready || conn->give_up_ns <= now_ns)
			ends->connected(ends, conn); /* which may remove it */
		return true;
	}
	if (!conn->ready && conn->actor.wake_ns > now_ns)
		return true;
	result = actor_run(&conn->actor, now_ns);
	if (result == ACTOR_EXITS || result == ACTOR_CRASHES)
		end_process(ends, conn, result);
	return result != ACTOR_CLOSED;
}

void endpoints_act(struct endpoints *ends)
{
	int64_t now_ns = endpoints_now_ns();

	for (size_t i = 0; i < ends->count;) {
		struct endpoints_conn *conn = ends->conns[i];

		if (!act(ends, conn, now_ns))
			endpoints_remove(ends, conn);
		if (i < ends->count && ends->conns[i] == conn)
			i++; /* else another has taken its place */
	}
}

bool endpoints_stopped(const struct endpoints *ends)
{
	return stopped || out_useless(&ends->out) ||
	       (ends->until_ns != INT64_MAX && endpoints_now_ns() >= ends->until_ns);
}

void endpoints_summary(struct endpoints *ends)
{
	struct out *out = &ends->out;
	size_t open = 0;

	for (size_t i = 0; i < ends->count; i++) {
		flush_sums(ends->conns[i]);
		open += !ends->conns[i]->connecting;
	}
	if (ends->options->quiet || (ends->numbers <= 1 && !endpoints_stopped(ends)))
		return;
	out_format(out,
		   "%u connection%s, %zu still open; %" PRId64 " bytes received, %" PRId64
		   " sent\n",
		   ends->opened, ends->opened == 1 ? "" : "s", open, ends->received_bytes,
		   ends->sent_bytes);
	for (size_t i = 0; i < ends->failure_count; i++)
		out_format(out, "%s %s %s: %" PRIu64, i == 0 ? "failed calls:" : ",",
			   ends->failures[i].call, errno_name(ends->failures[i].error),
			   ends->failures[i].times);
	if (ends->failure_count > 0)
		out_char(out, '\n');
}

int endpoints_status(const struct endpoints *ends, const char *who, const struct err *err)
{
	int status = err_exit_status(err);

	err_print(stderr, who, err);
	return status == 0 && ends->options->fail && ends->failure_count > 0 ? 1 : status;
}
