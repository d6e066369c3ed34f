/* SPDX-License-Identifier: BSD-2-Clause */
/* tcpwhy read FILE...: explain every connection in captures. */
#include "cmd/cmd.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/options.h"
#include "cmd/pipeline.h"
#include "cmd/terminal.h"
#include "judge/catalogue.h"

struct read_options {
	bool help, all, absolute, zeek_checksums;
	int64_t conn, frame, jobs, max_connections;
	int format;
	struct option_strings peers, fail_on;
	const char *filter, *interface;
};

#define FORMATS_MOST 16

static const struct option_row rows[] = {
	{ .name = "all",
	  .letter = 'a',
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct read_options, all),
	  .help = "a row per connection before the summary" },
	{ .name = "conn",
	  .kind = OPTION_INTEGER,
	  .offset = offsetof(struct read_options, conn),
	  .argument = "N",
	  .least = 1,
	  .most = INT64_MAX,
	  .preset_text = "",
	  .help = "only the connection whose first frame is N, with its whole story" },
	{ .name = "frame",
	  .kind = OPTION_INTEGER,
	  .offset = offsetof(struct read_options, frame),
	  .argument = "N",
	  .least = 1,
	  .most = INT64_MAX,
	  .preset_text = "",
	  .help = "the same for the connection that frame N belongs to" },
	{ .name = "format",
	  .letter = 'f',
	  .kind = OPTION_CHOICE,
	  .offset = offsetof(struct read_options, format),
	  .argument = "FORMAT",
	  .help = "how to write the result" },
	{ .name = "filter",
	  .kind = OPTION_STRING,
	  .offset = offsetof(struct read_options, filter),
	  .argument = "BPF",
	  .help = "only frames that this libpcap filter matches; frames keep their numbers" },
	{ .name = "interface",
	  .letter = 'i',
	  .kind = OPTION_STRING,
	  .offset = offsetof(struct read_options, interface),
	  .argument = "NAME",
	  .help = "only frames of this interface of a pcapng capture" },
	{ .name = "fail-on",
	  .kind = OPTION_STRINGS,
	  .offset = offsetof(struct read_options, fail_on),
	  .argument = "ID[,ID...]",
	  .help = "exit with 1 when one of these verdicts occurs; end.rst covers all below it" },
	{ .name = "absolute",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct read_options, absolute),
	  .help = "packets: raw sequence numbers instead of relative ones" },
	{ .name = "peers",
	  .kind = OPTION_STRINGS,
	  .offset = offsetof(struct read_options, peers),
	  .argument = "wireshark",
	  .help = "packets: add what Wireshark says of each" },
	{ .name = "zeek-checksums",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct read_options, zeek_checksums),
	  .help = "zeek: look at checksums, as Zeek does without -C" },
	{ .name = "jobs",
	  .letter = 'j',
	  .kind = OPTION_INTEGER,
	  .offset = offsetof(struct read_options, jobs),
	  .argument = "N",
	  .least = 1,
	  .most = 1024,
	  .preset = 1,
	  .help = "work with N threads, of which up to 3 find work; the output is the same" },
	{ .name = "max-connections",
	  .kind = OPTION_INTEGER,
	  .offset = offsetof(struct read_options, max_connections),
	  .argument = "N",
	  .least = 1,
	  .most = INT64_C(1000000000),
	  .preset_text = "by memory",
	  .help = "follow at most N connections at once; the one idle longest goes first" },
	{ .name = "help",
	  .letter = 'h',
	  .kind = OPTION_HELP,
	  .offset = offsetof(struct read_options, help),
	  .help = "show this and end" },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* The formats are listed in report/formats.c: their names become the words of --format. */
static void fill_formats(struct option_row table[static ROWS],
			 struct option_choice choices[static FORMATS_MOST])
{
	size_t count;
	const struct report_ops *const *formats = formats_list(&count);

	for (size_t i = 0; i < count && i < FORMATS_MOST; i++)
		choices[i] = (struct option_choice){ .name = formats[i]->name,
						     .value = (int)i,
						     .help = formats[i]->help };
	for (size_t i = 0; i < ROWS; i++) {
		table[i] = rows[i];
		if (table[i].kind == OPTION_CHOICE) {
			table[i].choices = choices;
			table[i].choice_count = count;
		}
	}
}

/* Each word of --fail-on must name at least one verdict: a typing mistake would never fail. */
static bool check_ids(const char *list, struct err *err)
{
	while (list && *list) {
		char prefix[128];
		size_t length = strcspn(list, ","), index = 0;
		const char *id;

		snprintf(prefix, sizeof(prefix), "%.*s", (int)(length < 100 ? length : 100), list);
		while ((id = catalogue_id_at(NULL, index)) != NULL &&
		       !catalogue_id_below(id, prefix))
			index++;
		if (!id) {
			const char *near = options_nearest(prefix, catalogue_id_at, NULL);

			err_set(err, ERR_USAGE, "--fail-on names no verdict: '%s'", prefix);
			err_fix(err,
				near ? "did you mean %s? tcpwhy explain lists all"
				     : "tcpwhy explain lists all ids%s",
				near ? near : "");
			return false;
		}
		list += length;
		list += *list == ',';
	}
	return true;
}

static bool check_peers(const struct option_strings *peers, struct err *err)
{
	for (size_t i = 0; i < peers->count; i++) {
		if (strcmp(peers->values[i], "wireshark") == 0)
			continue;
		err_set(err, ERR_USAGE, "--peers does not know '%s'", peers->values[i]);
		err_fix(err, "it knows: wireshark");
		return false;
	}
	return true;
}

static bool parse(struct read_options *options, int *argc, char **argv, struct err *err)
{
	struct option_row table_rows[ROWS];
	struct option_choice choices[FORMATS_MOST];
	struct option_table table = {
		.command = "tcpwhy read",
		.operands = "FILE...",
		.summary = "Explain every TCP connection in captures: how it opened, what happened "
			   "to it, how it ended, who did it, and what proves it.",
		.rows = table_rows,
		.row_count = ROWS,
		.footer = "FILE is pcap, pcapng or snoop, plain or compressed with gzip, zstd or "
			  "lz4;\n- is standard input. Several files are read as one.\n\n"
			  "Exit status: 0 done; 1 a verdict named by --fail-on occurred; 2 usage;\n"
			  "3 the input is damaged (what came before has been reported);\n"
			  "4 system or permission.\n",
	};

	fill_formats(table_rows, choices);
	if (!options_parse(&table, argc, argv, options, err))
		return false;
	if (options->help) {
		options_help(stdout, &table);
		return true;
	}
	if (*argc < 2) {
		err_set(err, ERR_USAGE, "no capture named");
		err_fix(err, "tcpwhy read FILE, or tcpwhy read - for standard input");
		return false;
	}
	for (size_t i = 0; i < options->fail_on.count; i++)
		if (!check_ids(options->fail_on.values[i], err))
			return false;
	return check_peers(&options->peers, err);
}

static struct pipeline_options plan(const struct read_options *options, int argc, char **argv,
				    char *name, size_t name_bytes)
{
	size_t count;
	const struct report_ops *const *formats = formats_list(&count);
	struct pipeline_options plan = {
		.source = { .paths = (const char *const *)argv + 1,
			    .path_count = (size_t)(argc - 1),
			    .filter = options->filter,
			    .interface = options->interface },
		.format = formats[options->format],
		.report = { .all = options->all,
			    .conn = (uint64_t)options->conn,
			    .frame = (uint64_t)options->frame,
			    .absolute = options->absolute,
			    .utf8 = terminal_draws_utf8(),
			    .color = terminal_may_color(),
			    .peers_wireshark = options->peers.count > 0 },
		.jobs = (unsigned)options->jobs,
		.max_connections = (size_t)options->max_connections,
		.zeek_checksums = options->zeek_checksums,
		.fail_on = &options->fail_on,
	};

	if (argc == 2)
		snprintf(name, name_bytes, "%s",
			 strcmp(argv[1], "-") == 0 ? "standard input" : argv[1]);
	else
		snprintf(name, name_bytes, "%s and %d more", argv[1], argc - 2);
	plan.report.input = name;
	return plan;
}

static void print_errors(const struct err *err, const struct err *damage)
{
	err_print(stderr, "tcpwhy read", damage);
	err_print(stderr, "tcpwhy read", err);
}

int cmd_read(int argc, char **argv)
{
	struct read_options options = { .help = false };
	struct pipeline_result result = { .fail_on_met = false };
	struct err err = { .kind = ERR_NONE };
	struct out out = { .buffer = NULL };
	char name[512];
	bool ok = parse(&options, &argc, argv, &err);

	if (ok && options.help)
		return 0;
	if (ok && out_init(&out, STDOUT_FILENO, &err)) {
		struct pipeline_options how = plan(&options, argc, argv, name, sizeof(name));

		pipeline_run(&how, &out, &result, &err);
		out_finish(&out, &err);
	}
	out_clear(&out);
	print_errors(&err, &result.damage);
	if (result.left_out > 0)
		fprintf(stderr,
			"tcpwhy read: %" PRIu64 " items were left out for want of room or memory; "
			"the results lack them\n",
			result.left_out);

	int status = err_exit_status(&err), damaged = err_exit_status(&result.damage);

	if (damaged > status)
		status = damaged;
	return result.fail_on_met && status < 1 ? 1 : status;
}
