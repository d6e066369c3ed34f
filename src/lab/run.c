/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/run.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"
#include "lab/lo_tap.h"
#include "lab/wire.h"

/* The recording ends when nothing has passed for so long and every program has ended: longer than a
   delayed ACK (40 ms at most, kernel's TCP_DELACK_MIN). */
#define QUIET_NS (60 * NSEC_PER_MSEC)

/* No wait is longer, so that calls that block are noticed and interrupts are heard. */
#define POLL_MOST_MS 50

void run_fail(struct run *run, unsigned line, const char *format, ...)
{
	va_list args;

	if (run->failure_count == run->failure_room) {
		size_t more = run->failure_room ? run->failure_room * 2 : 8;
		struct failure *grown = realloc(run->failures, more * sizeof(*grown));

		run->outcome = RUN_FAILED;
		if (!grown) {
			run->out_of_memory = true;
			return;
		}
		run->failures = grown;
		run->failure_room = more;
	}

	struct failure *failure = &run->failures[run->failure_count++];

	failure->line = line;
	va_start(args, format);
	vsnprintf(failure->text, sizeof(failure->text), format, args);
	va_end(args);
	run->outcome = RUN_FAILED;
}

void run_skip(struct run *run, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(run->reason, sizeof(run->reason), format, args);
	va_end(args);
	if (run->outcome == RUN_PASSED)
		run->outcome = RUN_SKIPPED;
}

/* When the next condition that rests on time alone will hold. */
static int64_t next_time(const struct run *run)
{
	int64_t next = wire_next_ns(run);

	for (size_t i = 0; i < run->called_count; i++) {
		const struct called *called = &run->called[i];
		const struct step *step =
			&run->scenario->programs[called->program].steps[called->step];
		int64_t since;

		if (called->ended || step->verb != STEP_WAIT)
			continue;
		since = cond_since(run, &step->cond);
		if (since != TIME_NONE && since < next)
			next = since;
	}
	return next;
}

/* Wait until something happens, or the next time comes. */
static void wait_some(struct run *run)
{
	struct pollfd fds[2 + 1 + SCENARIO_PROGRAMS_MOST];
	nfds_t count = 0;
	int64_t next = next_time(run), left;
	struct timespec timeout;

	for (unsigned end = 0; end < ENDS; end++)
		if (run->net.wire[end] >= 0)
			fds[count++] =
				(struct pollfd){ .fd = run->net.wire[end], .events = POLLIN };
	if (run->lo_tap >= 0)
		fds[count++] = (struct pollfd){ .fd = run->lo_tap, .events = POLLIN };
	for (unsigned i = 0; i < run->scenario->program_count && i < SCENARIO_PROGRAMS_MOST; i++)
		if (run->processes[i].control >= 0)
			fds[count++] = (struct pollfd){ .fd = run->processes[i].control,
							.events = POLLIN };
	run->now_ns = time_now_ns(CLOCK_REALTIME);
	left = next == INT64_MAX ? POLL_MOST_MS * NSEC_PER_MSEC : next - run->now_ns;
	if (left > POLL_MOST_MS * NSEC_PER_MSEC)
		left = POLL_MOST_MS * NSEC_PER_MSEC;
	if (left < 0)
		left = 0;
	timeout = (struct timespec){ .tv_nsec = left };
	ppoll(fds, count, &timeout, NULL);
	run->now_ns = time_now_ns(CLOCK_REALTIME);
}

static bool all_done(const struct run *run)
{
	for (unsigned i = 0; i < run->scenario->program_count; i++)
		if (!run->program_done[i])
			return false;
	return true;
}

static bool is_over(struct run *run)
{
	if (run->outcome != RUN_PASSED || run->out_of_memory || run->interrupted)
		return true;
	if (run->scenario->has_end)
		return cond_holds(run, &run->scenario->end);
	return all_done(run) && wire_is_idle(run) && run->now_ns - run->quiet_since_ns >= QUIET_NS;
}

static void fail_limit(struct run *run)
{
	run_fail(run, 0, "not over after %lld ms", (long long)(run->scenario->limit_ns / 1000000));
	for (unsigned i = 0; i < run->scenario->program_count; i++) {
		const struct called *called = run_inside(run, i);
		char text[SCENARIO_TEXT_BYTES];
		struct text said = text_over(text, sizeof(text));

		if (!called)
			continue;
		step_print(&run->scenario->programs[i].steps[called->step], &said);
		run_fail(run, run->scenario->programs[i].steps[called->step].line,
			 "the %s's program is still inside: %s",
			 run->scenario->programs[i].end == END_CLIENT ? "client" : "server", text);
	}
	if (run->scenario->has_end)
		run_fail(run, run->scenario->end_line,
			 "the condition after 'end after' never came true");
}

/* Whether a program listens before it waits for anything: then the others start when it does. */
static bool listens_first(const struct program *program, size_t *at)
{
	for (*at = 0; *at < program->step_count; (*at)++) {
		if (program->steps[*at].verb == STEP_LISTEN)
			return true;
		if (program->steps[*at].verb == STEP_WAIT)
			return false;
	}
	return false;
}

static bool has_ended(const struct run *run, unsigned program, size_t step)
{
	for (size_t i = 0; i < run->called_count; i++)
		if (run->called[i].program == program && run->called[i].step == step)
			return run->called[i].ended;
	return run->program_done[program];
}

/* Listeners first: a client that were faster would be refused. */
static void start_programs(struct run *run)
{
	bool all = true;

	if (run->started)
		return;
	for (unsigned i = 0; i < run->scenario->program_count; i++) {
		size_t at;

		if (listens_first(&run->scenario->programs[i], &at))
			all &= has_ended(run, i, at);
	}
	if (!all)
		return;
	run->started = true;
	for (unsigned i = 0; i < run->scenario->program_count; i++) {
		size_t at;

		if (!listens_first(&run->scenario->programs[i], &at))
			program_go(&run->processes[i]);
	}
}

static void loop(struct run *run)
{
	run->start_ns = run->now_ns = run->quiet_since_ns = time_now_ns(CLOCK_REALTIME);
	for (unsigned i = 0; i < run->scenario->program_count; i++) {
		size_t at;

		if (listens_first(&run->scenario->programs[i], &at))
			program_go(&run->processes[i]);
	}
	while (!is_over(run)) {
		if (run->now_ns - run->start_ns > run->scenario->limit_ns) {
			fail_limit(run);
			break;
		}
		if (run->net.backend != NET_LOOPBACK)
			wire_take(run);
		run_hear_all(run);
		start_programs(run);
		run_let_go(run);
		if (run->net.backend != NET_LOOPBACK && wire_deliver(run))
			continue;
		wire_look(run); /* what programs and timers changed since */
		wait_some(run);
	}
}

/* "6.18.44": whether this kernel is new enough. */
static bool kernel_is(unsigned major, unsigned minor, char release[static 65])
{
	struct utsname name;
	unsigned own_major = 0, own_minor = 0;

	uname(&name);
	snprintf(release, 65, "%s", name.release);
	/* NOLINTNEXTLINE(cert-err34-c): the kernel's own text; what can't be read is 0.0 */
	if (sscanf(name.release, "%u.%u", &own_major, &own_minor) != 2)
		return false;
	return own_major > major || (own_major == major && own_minor >= minor);
}

static bool apply_sysctl(struct run *run, const struct sysctl *sysctl, enum end end)
{
	struct err err = { .kind = ERR_NONE };

	switch (net_set(&run->net, end, sysctl->name, sysctl->value, &err)) {
	case NET_SETTING_DONE:
		return true;
	case NET_SETTING_MISSING:
		if (!sysctl->optional)
			run_skip(run, "line %u: this kernel has no %s", sysctl->line, sysctl->name);
		return sysctl->optional;
	case NET_SETTING_FAILED:
		break;
	}
	run_fail(run, sysctl->line, "%s: %s", sysctl->name, err.what);
	return false;
}

static bool apply_sysctls(struct run *run, enum end end)
{
	for (size_t i = 0; i < run->scenario->sysctl_count; i++)
		if (run->scenario->sysctls[i].end[end] &&
		    !apply_sysctl(run, &run->scenario->sysctls[i], end))
			return false;
	return true;
}

/* Open what asks a host's kernel for its sockets. */
static bool open_diag(struct run *run, enum end end, struct err *err)
{
	if (run->diag[end] >= 0)
		close(run->diag[end]);
	run->diag[end] = -1;
	if (!net_enter(&run->net, end, err))
		return false;
	run->diag[end] = diag_open(err);
	return net_leave(&run->net, err) && run->diag[end] >= 0;
}

bool run_reboot(struct run *run, enum end end, struct err *err)
{
	if (!net_reboot(&run->net, end, err))
		return false;
	for (unsigned i = 0; i < run->scenario->program_count; i++) {
		if (run->scenario->programs[i].end != end)
			continue;

		struct called *called = run_inside(run, i);

		if (called) {
			called->ended = true;
			called->end_ns = run->now_ns;
		}
		program_end(&run->processes[i]);
		run->program_done[i] = true;
	}
	return open_diag(run, end, err) && apply_sysctls(run, end);
}

static bool counts_segments(const struct cond *cond)
{
	for (unsigned i = 0; i < cond->count; i++)
		if (cond->parts[i].kind == COND_REACHED || cond->parts[i].kind == COND_DELIVERED)
			return true;
	return false;
}

/* What a scenario needs that a machine without a wire can't give; NULL: nothing. */
static const char *needs_wire(const struct scenario *scenario)
{
	if (scenario->rule_count > 0)
		return "its wire rules need a wire";
	for (size_t i = 0; i < scenario->sysctl_count; i++)
		if (!scenario->sysctls[i].optional)
			return "its settings need hosts of their own";
	for (size_t i = 0; i < scenario->program_count; i++)
		for (size_t k = 0; k < scenario->programs[i].step_count; k++)
			if (counts_segments(&scenario->programs[i].steps[k].cond))
				return "its programs wait for segments";
	return scenario->has_end && counts_segments(&scenario->end) ? "its end is told by segments"
								    : NULL;
}

static bool open_stages(struct run *run, struct err *err)
{
	const struct scenario *scenario = run->scenario;

	run->decoder = decoder_new(0);
	run->batch = malloc(sizeof(*run->batch));
	run->buffer = malloc(WIRE_PACKET_MOST);
	run->sockets = malloc(sizeof(*run->sockets));
	run->processes = calloc(scenario->program_count + 1, sizeof(run->processes[0]));
	run->program_done = calloc(scenario->program_count + 1, sizeof(run->program_done[0]));
	run->rules = calloc(scenario->rule_count + 1, sizeof(run->rules[0]));
	for (size_t i = 0; run->processes && i < scenario->program_count; i++)
		run->processes[i].control = -1;
	if (!run->decoder || !run->batch || !run->buffer || !run->sockets || !run->processes ||
	    !run->program_done || !run->rules)
		return err_set(err, ERR_SYSTEM, "no memory to start a scenario");
	return true;
}

static bool has_self_connect(const struct scenario *scenario)
{
	for (size_t i = 0; i < scenario->program_count; i++)
		for (size_t k = 0; k < scenario->programs[i].step_count; k++)
			if (scenario->programs[i].steps[k].verb == STEP_CONNECT_SELF)
				return true;
	return false;
}

static bool open_lo_tap(struct run *run, struct err *err)
{
	if (run->net.backend == NET_LOOPBACK || !has_self_connect(run->scenario))
		return true;
	if (!net_enter(&run->net, END_CLIENT, err))
		return false;
	run->lo_tap = lo_tap_open(err);
	return net_leave(&run->net, err) && run->lo_tap >= 0;
}

/* Namespaces, settings, programs. Return: false with the outcome set. */
static bool set_up(struct run *run, const struct run_options *options)
{
	struct err err = { .kind = ERR_NONE };
	const struct net_options net = { .wish = options->wish, .ipv6 = run->scenario->ipv6 };

	if (!open_stages(run, &err) || !net_open(&run->net, &net, &err)) {
		run_fail(run, 0, "%s%s%s", err.what, err.fix[0] ? "; " : "", err.fix);
		return false;
	}
	if (run->net.backend == NET_LOOPBACK && needs_wire(run->scenario)) {
		run_skip(run, "%s (%s)", needs_wire(run->scenario), run->net.why);
		return false;
	}
	for (enum end end = END_CLIENT; end < ENDS; end++) {
		if (!open_diag(run, end, &err)) {
			run_fail(run, 0, "%s", err.what);
			return false;
		}
		if (!apply_sysctls(run, end))
			return false;
	}
	if (!open_lo_tap(run, &err)) {
		run_fail(run, 0, "%s", err.what);
		return false;
	}
	for (size_t i = 0; i < run->scenario->program_count; i++) {
		if (!program_start(&run->scenario->programs[i], &run->net, &run->processes[i],
				   &err)) {
			run_fail(run, run->scenario->programs[i].line, "%s", err.what);
			return false;
		}
	}
	return true;
}

/* Take the last packets and states; then everything ends at once and leaves nothing behind. */
static void tear_down(struct run *run)
{
	struct err err = { .kind = ERR_NONE };

	for (size_t i = 0; run->processes && i < run->scenario->program_count; i++)
		program_end(&run->processes[i]);
	for (unsigned end = 0; end < ENDS; end++) {
		if (run->diag[end] < 0)
			continue;
		/* Orphans would keep a dead namespace alive for seconds. */
		if (run->net.backend != NET_LOOPBACK &&
		    diag_read(run->diag[end], run->sockets, &err))
			for (size_t i = 0; i < run->sockets->count; i++)
				diag_destroy(run->diag[end], &run->sockets->sockets[i]);
		close(run->diag[end]);
		run->diag[end] = -1;
	}
	if (run->lo_tap >= 0)
		close(run->lo_tap);
	run->lo_tap = -1;
	net_close(&run->net);
}

void run_scenario(struct run *run, const struct scenario *scenario,
		  const struct run_options *options)
{
	char release[65];
	struct err err = { .kind = ERR_NONE };

	run->scenario = scenario;
	run->diag[END_CLIENT] = run->diag[END_SERVER] = run->lo_tap = -1;
	run->record.end_ns = TIME_NONE;
	run->outcome = RUN_PASSED;
	if (scenario->kernel_line &&
	    !kernel_is(scenario->kernel_major, scenario->kernel_minor, release)) {
		run_skip(run, "it needs Linux %u.%u; this is %s", scenario->kernel_major,
			 scenario->kernel_minor, release);
		return;
	}
	if (set_up(run, options)) {
		loop(run);
		wire_look(run);
		run->now_ns = time_now_ns(CLOCK_REALTIME);
		run->record.dropped = net_dropped(&run->net);
		if (run->outcome != RUN_SKIPPED)
			wire_check_rules(run);
		if (!record_finish(&run->record, run->now_ns, &err))
			run_fail(run, 0, "%s", err.what);
		if (run->record.dropped > 0)
			run_fail(run, 0, "the wire lost %llu packets: the machine is too busy",
				 (unsigned long long)run->record.dropped);
		if (run->out_of_memory || run->kernel.out_of_memory)
			run_fail(run, 0, "out of memory");
	}
	tear_down(run);
	if (run->outcome != RUN_SKIPPED && run->record.frames)
		run_check(run);
}

void run_clear(struct run *run)
{
	wire_clear(run);
	record_clear(&run->record);
	kernel_log_clear(&run->kernel);
	state_notes_clear(&run->notes);
	for (unsigned end = 0; end < ENDS; end++) {
		found_clear(&run->found[end]);
		told_frames_clear(&run->told[end]);
	}
	decoder_free(run->decoder);
	free(run->batch);
	free(run->buffer);
	free(run->sockets);
	free(run->processes);
	free(run->program_done);
	free(run->called);
	free(run->rules);
	free(run->failures);
}
