/* SPDX-License-Identifier: BSD-2-Clause */
/* The command table, nothing else. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/options.h"
#include "cmd/cmd.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "read", cmd_read, "explain every connection in captures" },
	{ "explain", cmd_explain, "the catalogue of verdicts, offline" },
	{ "lab", cmd_lab, "make it happen on the real kernel, and explain it" },
	{ "server", cmd_server, "the end that listens: do what you say, show every call" },
	{ "client", cmd_client, "the end that connects: do what you say, show every call" },
	{ "send", cmd_send, "craft one segment, explain its bytes, send it" },
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_usage(FILE *to)
{
	fputs("usage: tcpwhy COMMAND [OPTION...] [ARG...]\n\n"
	      "tcpwhy tells, for every TCP connection, what TCP did and why.\n\n",
	      to);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].help);
	fputs("\n  tcpwhy COMMAND --help tells more; tcpwhy --version the version\n", to);
}

static const char *command_name(const void *context, size_t index)
{
	(void)context;
	return index < COMMANDS ? commands[index].name : NULL;
}

static int unknown(const char *name)
{
	struct err err = { .kind = ERR_NONE };
	const char *near = options_nearest(name, command_name, NULL);

	err_set(&err, ERR_USAGE, "no command is called '%s'", name);
	if (near)
		err_fix(&err, "did you mean %s? tcpwhy --help lists all", near);
	else
		err_fix(&err, "tcpwhy --help lists all");
	err_print(stderr, "tcpwhy", &err);
	return err_exit_status(&err);
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN); /* a reader that goes away is seen by write() */
	if (argc < 2) {
		print_usage(stderr);
		return 2;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		print_usage(stdout);
		return 0;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("tcpwhy " TCPWHY_VERSION);
		return 0;
	}
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	return unknown(argv[1]);
}
