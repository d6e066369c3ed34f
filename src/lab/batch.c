/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/batch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"
#include "lab/answers.h"

/* Most scenarios wait for timers: more of them than processors can run at once. */
#define JOBS_PER_PROCESSOR 6
#define PATH_BYTES	   280

/* A scenario that fails on a wire that this machine held up is run so often. */
#define RUNS_MOST 3

struct job {
	pid_t pid;
	int pipe; /* -1: not running */
	struct batch_result result;
	char *bytes; /* what has come through the pipe */
	size_t used, room;
	bool ended;
};

struct batch {
	struct scenario *const *scenarios;
	size_t count;
	const struct batch_options *options;
	struct job *jobs;
	size_t next, told, running;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	interrupted = number;
}

static bool write_all(int fd, const void *bytes, size_t count)
{
	const char *at = bytes;

	while (count > 0) {
		ssize_t done = write(fd, at, count);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		at += done;
		count -= (size_t)done;
	}
	return true;
}

/* Write a file whole. Return: false with errno. */
static bool write_file(const char *path, const void *bytes, size_t count)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	bool ok = fd >= 0 && write_all(fd, bytes, count);

	return (fd < 0 || close(fd) == 0) && ok;
}

/* Everything that @show prints, as text in memory. Return: owned; NULL: out of memory. */
static char *printed(const struct run *run, const struct batch_options *options,
		     enum batch_detail detail, const char *capture, size_t *bytes)
{
	int fd = memfd_create("lab", MFD_CLOEXEC);
	struct out out = { .buffer = NULL };
	struct err err = { .kind = ERR_NONE };
	struct stat about;
	char *text = NULL;

	*bytes = 0;
	if (fd < 0 || !out_init(&out, fd, &err)) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	if (detail == BATCH_WHOLE)
		show_whole(&out, run, &options->show);
	else if (detail == BATCH_JSON)
		show_json(&out, run, capture);
	else
		show_failures(&out, run);
	out_finish(&out, &err);
	out_clear(&out);
	if (fstat(fd, &about) == 0 && (text = malloc((size_t)about.st_size + 1)) != NULL) {
		ssize_t got = pread(fd, text, (size_t)about.st_size, 0);

		*bytes = got > 0 ? (size_t)got : 0;
		text[*bytes] = '\0';
	}
	close(fd);
	return text;
}

/* NAME.pcapng, NAME.txt and NAME.json in the folder. */
static void keep(struct run *run, const struct batch_options *options, char path[static PATH_BYTES])
{
	static const struct {
		const char *ending;
		enum batch_detail detail;
	} texts[] = { { "txt", BATCH_WHOLE }, { "json", BATCH_JSON } };
	struct batch_options plain = *options;
	size_t bytes;
	uint8_t *capture = record_pcapng(&run->record, run->scenario, &bytes);

	plain.show.color = false;
	snprintf(path, PATH_BYTES, "%s/%s.pcapng", options->keep, run->scenario->name);
	if (!capture || !write_file(path, capture, bytes))
		run_fail(run, 0, "%s can't be written: %s", path, strerror(errno));
	free(capture);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char *text = printed(run, &plain, texts[i].detail, path, &bytes);
		char name[PATH_BYTES];

		snprintf(name, sizeof(name), "%s/%s.%s", options->keep, run->scenario->name,
			 texts[i].ending);
		if (!text || !write_file(name, text, bytes))
			run_fail(run, 0, "%s can't be written: %s", name, strerror(errno));
		free(text);
	}
}

static void fill_claims(const struct run *run, struct batch_result *result)
{
	for (size_t i = 0; i < run->scenario->claim_count && i < SCENARIO_CLAIMS_MOST; i++) {
		struct batch_claim *claim = &result->claims[result->claim_count];
		struct answer answer;

		if (!answer_find(run, &run->scenario->claims[i], &answer))
			continue;
		result->claim_count++;
		snprintf(claim->text, sizeof(claim->text), "%s", run->scenario->claims[i].text);
		snprintf(claim->words, sizeof(claim->words), "%s", answer.said->words);
		answer_where(&answer, run->scenario->article, claim->where, sizeof(claim->where));
	}
}

/* It failed, but the machine was too busy to be a wire: that is no finding about TCP. */
static bool may_run_again(const struct run *run)
{
	return run->outcome == RUN_FAILED && run->held_up_ns >= HELD_UP_WORTH_TELLING_NS &&
	       run->nth < RUNS_MOST;
}

/* In a scenario's own process. */
static void child(const struct scenario *scenario, const struct batch_options *options, int to)
	__attribute__((noreturn));

static void child(const struct scenario *scenario, const struct batch_options *options, int to)
{
	const struct run_options how = { .wish = options->wish };
	struct batch_result result = { .outcome = RUN_FAILED };
	struct run *run = NULL;
	int64_t held_up_ns = 0; /* in the run before */
	char path[PATH_BYTES] = "";
	int64_t start = time_now_ns(CLOCK_MONOTONIC);
	char *text;

	for (unsigned nth = 1; nth == 1 || may_run_again(run); nth++) {
		if (run) {
			held_up_ns = run->held_up_ns;
			run_clear(run);
		}
		free(run);
		run = calloc(1, sizeof(*run));
		if (!run)
			_exit(1);
		run->nth = nth;
		run_scenario(run, scenario, &how);
	}
	if (held_up_ns > run->held_up_ns) /* tell why it was run again */
		run->held_up_ns = held_up_ns;
	result.lasted_ns = time_now_ns(CLOCK_MONOTONIC) - start;
	if (options->keep && run->record.frames)
		keep(run, options, path);
	result.outcome = run->outcome;
	result.backend = run->net.backend;
	snprintf(result.why, sizeof(result.why), "%s", run->net.why);
	snprintf(result.reason, sizeof(result.reason), "%s", run->reason);
	if (run->outcome != RUN_SKIPPED) {
		show_told(run, result.told);
		fill_claims(run, &result);
	}
	text = printed(run, options, options->detail, path[0] ? path : NULL, &result.text_bytes);
	result.text = NULL;
	if (write_all(to, &result, sizeof(result)) && text)
		write_all(to, text, result.text_bytes);
	free(text);
	run_clear(run);
	free(run);
	_exit(0);
}

static bool start(struct batch *batch, struct err *err)
{
	struct job *job = &batch->jobs[batch->next];
	pid_t self = getpid();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_set(err, ERR_SYSTEM, "no pipe for a scenario: %s", strerror(errno));
	job->pid = fork();
	if (job->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != self)
			_exit(1);
		signal(SIGINT, SIG_IGN); /* the parent ends its children itself */
		signal(SIGTERM, SIG_DFL);
		close(ends[0]);
		child(batch->scenarios[batch->next], batch->options, ends[1]);
	}
	close(ends[1]);
	if (job->pid < 0) {
		close(ends[0]);
		return err_set(err, ERR_SYSTEM, "no process for a scenario: %s", strerror(errno));
	}
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	job->pipe = ends[0];
	batch->next++;
	batch->running++;
	return true;
}

/* A job's process closed its end: take what it said. */
static void end_job(struct batch *batch, struct job *job)
{
	close(job->pipe);
	job->pipe = -1;
	waitpid(job->pid, NULL, 0);
	job->pid = 0;
	job->ended = true;
	batch->running--;
	if (job->used >= sizeof(job->result)) {
		memcpy(&job->result, job->bytes, sizeof(job->result));
		job->result.text = job->bytes + sizeof(job->result);
		job->result.text_bytes = job->used - sizeof(job->result);
		return;
	}
	job->result = (struct batch_result){ .outcome = RUN_FAILED, .died = true };
}

/* Take what has come. Return: false when there is no memory for it. */
static bool hear(struct batch *batch, struct job *job)
{
	for (;;) {
		ssize_t got;

		if (job->used == job->room) {
			size_t more = job->room ? job->room * 2 : 16384;
			char *grown = realloc(job->bytes, more);

			if (!grown)
				return false;
			job->bytes = grown;
			job->room = more;
		}
		got = read(job->pipe, job->bytes + job->used, job->room - job->used);
		if (got < 0)
			return true; /* nothing more now */
		if (got == 0) {
			end_job(batch, job);
			return true;
		}
		job->used += (size_t)got;
	}
}

static bool wait_some(struct batch *batch, struct err *err)
{
	struct pollfd *fds = calloc(batch->count, sizeof(fds[0]));
	size_t count = 0;
	bool ok = fds != NULL;

	for (size_t i = 0; ok && i < batch->next; i++)
		if (batch->jobs[i].pipe >= 0)
			fds[count++] =
				(struct pollfd){ .fd = batch->jobs[i].pipe, .events = POLLIN };
	if (ok)
		poll(fds, (nfds_t)count, 1000);
	free(fds);
	for (size_t i = 0; ok && i < batch->next; i++)
		if (batch->jobs[i].pipe >= 0)
			ok = hear(batch, &batch->jobs[i]);
	return ok || err_set(err, ERR_SYSTEM, "no memory for a scenario's results");
}

static void end_all(struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		struct job *job = &batch->jobs[i];

		if (job->pid > 0) {
			kill(job->pid, SIGKILL); /* its programs go with it */
			waitpid(job->pid, NULL, 0);
		}
		if (job->pipe >= 0)
			close(job->pipe);
		free(job->bytes);
	}
	free(batch->jobs);
}

static unsigned jobs_at_once(const struct batch_options *options)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	if (options->jobs)
		return options->jobs;
	return (unsigned)(processors > 0 ? processors : 1) * JOBS_PER_PROCESSOR;
}

static bool run_all(struct batch *batch,
		    void (*done)(void *context, size_t index, const struct batch_result *result),
		    void *context, struct err *err)
{
	bool ok = true;

	while (ok && !interrupted && batch->told < batch->count) {
		while (ok && batch->next < batch->count &&
		       batch->running < jobs_at_once(batch->options))
			ok = start(batch, err);
		ok = ok && wait_some(batch, err);
		while (ok && batch->told < batch->count && batch->jobs[batch->told].ended) {
			done(context, batch->told, &batch->jobs[batch->told].result);
			batch->told++;
		}
	}
	return ok;
}

bool batch_run(struct scenario *const *scenarios, size_t count, const struct batch_options *options,
	       void (*done)(void *context, size_t index, const struct batch_result *result),
	       void *context, struct err *err)
{
	struct batch batch = { .scenarios = scenarios, .count = count, .options = options };
	const struct sigaction hear_signals = { .sa_handler = on_signal };
	struct sigaction before[2];
	bool ok;

	if (options->keep && mkdir(options->keep, 0777) < 0 && errno != EEXIST)
		return err_set(err, ERR_SYSTEM, "%s can't be made: %s", options->keep,
			       strerror(errno));
	batch.jobs = calloc(count + 1, sizeof(batch.jobs[0]));
	if (!batch.jobs)
		return err_set(err, ERR_SYSTEM, "no memory to run scenarios");
	for (size_t i = 0; i < count; i++)
		batch.jobs[i].pipe = -1;
	interrupted = 0;
	sigaction(SIGINT, &hear_signals, &before[0]);
	sigaction(SIGTERM, &hear_signals, &before[1]);
	ok = run_all(&batch, done, context, err);
	end_all(&batch);
	sigaction(SIGINT, &before[0], NULL);
	sigaction(SIGTERM, &before[1], NULL);
	if (ok && interrupted)
		return err_set(err, ERR_SYSTEM, "interrupted: %zu of %zu scenarios had ended",
			       batch.told, count);
	return ok;
}
