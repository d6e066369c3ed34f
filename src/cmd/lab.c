/* SPDX-License-Identifier: BSD-2-Clause */
/* tcpwhy lab SCENARIO...: make it happen on the real kernel, capture it, explain it. */
#include "cmd/cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/options.h"
#include "base/time.h"
#include "cmd/terminal.h"
#include "lab/batch.h"
#include "lab/library.h"
#include "report/prose.h"

struct lab_options {
	bool help, all;
	int format, backend;
	int64_t jobs;
	const char *keep;
};

enum lab_format {
	LAB_TEXT,
	LAB_JSON,
};

static const struct option_choice formats[] = {
	{ .name = "text", .value = LAB_TEXT, .help = "for people" },
	{ .name = "json", .value = LAB_JSON, .help = "one object per scenario (JSON Lines)" },
};

static const struct option_choice backends[] = {
	{ .name = "auto", .value = NET_AUTO, .help = "the first of these that works" },
	{ .name = "veth", .value = NET_VETH, .help = "veth pairs and packet sockets" },
	{ .name = "tun", .value = NET_TUN, .help = "TUN devices, where /dev/net/tun opens" },
	{ .name = "loopback",
	  .value = NET_LOOPBACK,
	  .help = "no wire: calls and kernel states only, segments are not seen" },
};

static const struct option_row rows[] = {
	{ .name = "all",
	  .letter = 'a',
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct lab_options, all),
	  .help = "run every scenario, side by side" },
	{ .name = "format",
	  .letter = 'f',
	  .kind = OPTION_CHOICE,
	  .offset = offsetof(struct lab_options, format),
	  .argument = "FORMAT",
	  .choices = formats,
	  .choice_count = sizeof(formats) / sizeof(formats[0]),
	  .help = "how to write the result" },
	{ .name = "keep",
	  .letter = 'k',
	  .kind = OPTION_STRING,
	  .offset = offsetof(struct lab_options, keep),
	  .argument = "DIR",
	  .help = "keep NAME.pcapng (both taps), NAME.txt and NAME.json there" },
	{ .name = "backend",
	  .letter = 'b',
	  .kind = OPTION_CHOICE,
	  .offset = offsetof(struct lab_options, backend),
	  .argument = "WIRE",
	  .choices = backends,
	  .choice_count = sizeof(backends) / sizeof(backends[0]),
	  .help = "what the wire between the two hosts is made of" },
	{ .name = "jobs",
	  .letter = 'j',
	  .kind = OPTION_INTEGER,
	  .offset = offsetof(struct lab_options, jobs),
	  .argument = "N",
	  .least = 1,
	  .most = 1000,
	  .preset_text = "by processors",
	  .help = "so many scenarios at once" },
	{ .name = "help",
	  .letter = 'h',
	  .kind = OPTION_HELP,
	  .offset = offsetof(struct lab_options, help),
	  .help = "show this and end" },
};

static const struct option_table table = {
	.command = "tcpwhy lab",
	.operands = "[SCENARIO...]",
	.summary = "Make TCP's behaviours happen on this machine's kernel, between two private "
		   "hosts over a wire that sees, holds, drops and injects segments; record both "
		   "kernels' states; explain the result, and say whether it is what the scenario "
		   "expects. Without SCENARIO: list them.",
	.rows = rows,
	.row_count = sizeof(rows) / sizeof(rows[0]),
	.footer = "SCENARIO is a name of the list, article (the six cases with their variants),\n"
		  "a verdict's id, or a file of your own: ./mine.scn (docs/scenarios.md).\n\n"
		  "Exit status: 0 all passed or were skipped; 1 one failed; 2 usage;\n"
		  "3 a scenario file has a mistake; 4 system or permission.\n",
};

/* What is to be run, and what came of it. */
struct session {
	const struct lab_options *options;
	struct library library;
	struct scenario **own; /* owned: read from files that were named */
	size_t own_count;
	struct scenario **chosen; /* borrowed from both */
	size_t chosen_count;
	bool article;
	size_t passed, failed, skipped;
	struct batch_claim *claims; /* owned: of all scenarios */
	size_t claim_count;
	struct out out;
	bool told_wire;
	char heading[80]; /* the case that was told last */
};

static bool choose(struct session *session, struct scenario *scenario)
{
	session->chosen[session->chosen_count++] = scenario;
	return true;
}

static int by_article(const void *a, const void *b)
{
	const struct scenario *const *one = a, *const *other = b;

	return strcmp((*one)->article, (*other)->article);
}

static void choose_article(struct session *session)
{
	size_t first = session->chosen_count;

	for (size_t i = 0; i < session->library.count; i++)
		if (session->library.scenarios[i]->article[0])
			choose(session, session->library.scenarios[i]);
	qsort(session->chosen + first, session->chosen_count - first, sizeof(struct scenario *),
	      by_article);
	session->article = true;
}

static bool choose_named(struct session *session, const char *name, struct err *err)
{
	size_t length = strlen(name);
	bool file = strchr(name, '/') || (length > 4 && strcmp(name + length - 4, ".scn") == 0);
	const struct scenario *found;

	if (file) {
		struct scenario *read = scenario_read(name, err);

		if (!read)
			return false;
		session->own[session->own_count++] = read;
		return choose(session, read);
	}
	if (strcmp(name, "article") == 0) {
		choose_article(session);
		return true;
	}
	found = library_find(&session->library, name);
	if (!found)
		found = library_find_verdict(&session->library, name);
	for (size_t i = 0; found && i < session->library.count; i++)
		if (session->library.scenarios[i] == found)
			return choose(session, session->library.scenarios[i]);

	const char *near = options_nearest(name, library_name_at, &session->library);

	err_set(err, ERR_USAGE, "no scenario is called '%s'", name);
	if (near)
		err_fix(err,
			"did you mean %s? tcpwhy lab lists all; a file needs a slash: ./%s.scn",
			near, name);
	else
		err_fix(err, "tcpwhy lab lists all; a file needs a slash: ./%s.scn", name);
	return false;
}

/* Only files of the user's are asked for: then the library is not needed. */
static bool needs_library(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strchr(argv[i], '/'))
			return true;
	return argc < 2;
}

static bool choose_all(struct session *session, int argc, char **argv, struct err *err)
{
	size_t most;

	if ((session->options->all || needs_library(argc, argv)) &&
	    !library_read(&session->library, err))
		return false;
	most = (size_t)argc * (session->library.count + 1) + session->library.count;
	session->own = calloc((size_t)argc + 1, sizeof(struct scenario *));
	session->chosen = calloc(most + 1, sizeof(struct scenario *));
	session->claims = calloc((most + 1) * 4, sizeof(session->claims[0]));
	if (!session->own || !session->chosen || !session->claims)
		return err_set(err, ERR_SYSTEM, "no memory for the scenarios");
	for (size_t i = 0; session->options->all && i < session->library.count; i++)
		choose(session, session->library.scenarios[i]);
	for (int i = 1; i < argc; i++)
		if (!choose_named(session, argv[i], err))
			return false;
	return true;
}

static void list(struct session *session)
{
	struct out *out = &session->out;

	out_text(out, "scenarios (tcpwhy lab NAME, lab article, lab --all)\n\n");
	for (size_t i = 0; i < session->library.count; i++) {
		const struct scenario *scenario = session->library.scenarios[i];
		char label[SCENARIO_NAME_BYTES + 8];

		snprintf(label, sizeof(label), "  %s", scenario->name);
		prose_item(out, label, 34, scenario->title);
	}
}

static void tell_wire(struct session *session, const struct batch_result *result)
{
	struct utsname name;

	if (session->told_wire || !result->why[0])
		return;
	session->told_wire = true;
	uname(&name);

	char line[640];

	snprintf(line, sizeof(line), "Linux %s, two private hosts; wire: %s", name.release,
		 result->why);
	prose_wrap(&session->out, 0, 0, line);
}

static void put_columns(struct out *out, const char *text, size_t columns)
{
	size_t used = prose_columns(text);

	out_text(out, text);
	out_spaces(out, columns > used ? columns - used : 1);
}

/* A scenario in a line or two: "  1a  port closed     refused after 0.2 ms    passed" */
static void tell_brief(struct session *session, const struct scenario *scenario,
		       const struct batch_result *result)
{
	struct out *out = &session->out;
	const char *told = result->outcome == RUN_SKIPPED ? result->reason
			   : result->died		  ? "its process ended without a word"
							  : result->told;

	if (session->article && scenario->article[0] &&
	    strcmp(session->heading, scenario->article_of) != 0) {
		snprintf(session->heading, sizeof(session->heading), "%s", scenario->article_of);
		out_format(out, "\n%c  %s\n", scenario->article[0], scenario->article_of);
	}
	out_text(out, "   ");
	if (session->article)
		put_columns(out, scenario->article, 4);
	put_columns(out, session->article ? scenario->title : scenario->name,
		    session->article ? 64 : 68);
	out_format(out, "%s\n", run_outcome_name(result->outcome));
	if (told[0] && (session->article || result->outcome != RUN_PASSED)) {
		out_spaces(out, 7);
		prose_wrap(out, 7, 9, told);
	}
	if (result->text_bytes > 0)
		out_bytes(out, result->text, result->text_bytes);
}

static void take_result(void *context, size_t index, const struct batch_result *result)
{
	struct session *session = context;

	session->passed += result->outcome == RUN_PASSED;
	session->failed += result->outcome == RUN_FAILED;
	session->skipped += result->outcome == RUN_SKIPPED;
	for (unsigned i = 0; i < result->claim_count; i++)
		session->claims[session->claim_count++] = result->claims[i];
	if (session->options->format == LAB_JSON) {
		out_bytes(&session->out, result->text, result->text_bytes);
	} else if (session->article || session->options->all) {
		tell_wire(session, result);
		tell_brief(session, session->chosen[index], result);
	} else {
		if (index > 0)
			out_text(&session->out, "\n----------------------------------------\n\n");
		out_bytes(&session->out, result->text, result->text_bytes);
	}
	out_flush(&session->out);
}

static void tell_claims(struct session *session)
{
	struct out *out = &session->out;

	if (!session->article || session->claim_count == 0)
		return;
	out_text(out, "\nWHAT IS SAID, AND WHAT THIS KERNEL DID\n");
	for (size_t i = 0; i < session->claim_count; i++) {
		const struct batch_claim *claim = &session->claims[i];
		out_text(out, "  ");
		put_columns(out, claim->text, 52);
		out_format(out, "%s\n", claim->words);
		out_spaces(out, 6);
		prose_wrap(out, 6, 6, claim->where);
	}
}

static void tell_end(struct session *session, int64_t lasted_ns)
{
	if (session->options->format == LAB_JSON ||
	    !(session->article || session->options->all || session->chosen_count > 1))
		return;
	tell_claims(session);
	out_format(&session->out, "\n%zu scenario%s passed, %zu failed, %zu skipped, %.1f s%s\n",
		   session->passed, session->passed == 1 ? "" : "s", session->failed,
		   session->skipped, (double)lasted_ns / (double)NSEC_PER_SEC,
		   session->options->keep ? "" : "   --keep DIR keeps captures");
}

static bool run_chosen(struct session *session, struct err *err)
{
	const struct lab_options *options = session->options;
	bool many = session->article || options->all;
	const struct batch_options batch = {
		.wish = (enum net_backend)options->backend,
		.detail = options->format == LAB_JSON ? BATCH_JSON
			  : many		      ? BATCH_BRIEF
						      : BATCH_WHOLE,
		.jobs = (unsigned)options->jobs,
		.keep = options->keep,
		.show = { .utf8 = terminal_draws_utf8(), .color = terminal_may_color() },
	};
	int64_t start = time_now_ns(CLOCK_MONOTONIC);
	bool ok = batch_run(session->chosen, session->chosen_count, &batch, take_result, session,
			    err);

	tell_end(session, time_now_ns(CLOCK_MONOTONIC) - start);
	return ok;
}

static void clear(struct session *session)
{
	for (size_t i = 0; i < session->own_count; i++)
		scenario_free(session->own[i]);
	free(session->own);
	free(session->chosen);
	free(session->claims);
	library_clear(&session->library);
	out_clear(&session->out);
}

int cmd_lab(int argc, char **argv)
{
	struct lab_options options = { .help = false };
	struct session session = { .options = &options };
	struct err err = { .kind = ERR_NONE };
	bool ok = options_parse(&table, &argc, argv, &options, &err);

	if (ok && options.help) {
		options_help(stdout, &table);
		return 0;
	}
	ok = ok && out_init(&session.out, STDOUT_FILENO, &err) &&
	     choose_all(&session, argc, argv, &err);
	if (ok && session.chosen_count == 0)
		list(&session);
	else if (ok)
		run_chosen(&session, &err);
	if (session.out.buffer)
		out_finish(&session.out, &err);
	clear(&session);
	err_print(stderr, "tcpwhy lab", &err);

	int status = err_exit_status(&err);

	return session.failed > 0 && status < 1 ? 1 : status;
}
