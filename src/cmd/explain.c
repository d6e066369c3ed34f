/* SPDX-License-Identifier: BSD-2-Clause */
/* tcpwhy explain [ID]: the catalogue of everything that can happen to a connection, offline. */
#include "cmd/cmd.h"

#include <stdio.h>
#include <unistd.h>

#include "base/options.h"
#include "cmd/terminal.h"
#include "judge/catalogue.h"
#include "lab/show_scenario.h"
#include "report/atlas.h"

struct explain_options {
	bool help;
};

static const struct option_row rows[] = {
	{ .name = "help",
	  .letter = 'h',
	  .kind = OPTION_HELP,
	  .offset = offsetof(struct explain_options, help),
	  .help = "show this and end" },
};

static const struct option_table table = {
	.command = "tcpwhy explain",
	.operands = "[ID]",
	.summary = "Explain a verdict: what it means, how it is recognised, what looks the same, "
		   "what the kernel does, what to do. Without ID: list them all; with the first "
		   "part of an id (end.rst): all below it.",
	.rows = rows,
	.row_count = sizeof(rows) / sizeof(rows[0]),
};

/* How the lab makes it happen; where the scenarios are not there, the page stands without. */
static void put_scenario(struct out *out, const char *id)
{
	struct library library;
	struct err err = { .kind = ERR_NONE };

	if (library_read(&library, &err))
		show_scenario_of(out, &library, id, terminal_draws_utf8());
	library_clear(&library);
}

static bool explain(struct out *out, const char *id, struct err *err)
{
	const struct entry *entry = id ? catalogue_find(id) : NULL;

	if (entry) {
		atlas_page(out, entry);
		put_scenario(out, id);
		return true;
	}
	if (atlas_list(out, id) > 0)
		return true;

	const char *near = options_nearest(id, catalogue_id_at, NULL);

	err_set(err, ERR_USAGE, "no verdict is called '%s'", id);
	if (near)
		err_fix(err, "did you mean %s? tcpwhy explain lists all", near);
	else
		err_fix(err, "tcpwhy explain lists all");
	return false;
}

int cmd_explain(int argc, char **argv)
{
	struct explain_options options;
	struct err err = { .kind = ERR_NONE };
	struct out out = { .buffer = NULL };
	bool ok = options_parse(&table, &argc, argv, &options, &err);

	if (ok && options.help) {
		options_help(stdout, &table);
		return 0;
	}
	if (ok && argc > 2)
		ok = err_set(&err, ERR_USAGE, "one id at a time; %d were given", argc - 1);
	if (ok && out_init(&out, STDOUT_FILENO, &err) &&
	    explain(&out, argc > 1 ? argv[1] : NULL, &err))
		out_finish(&out, &err);
	out_clear(&out);
	err_print(stderr, "tcpwhy explain", &err);
	return err_exit_status(&err);
}
