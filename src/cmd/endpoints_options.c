/* SPDX-License-Identifier: BSD-2-Clause */
/* The options that server and client share, and their part of --help. */
#include "cmd/endpoints.h"

#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "lab/duration.h"

static const struct option_row shared_rows[] = {
	{ .name = "set",
	  .letter = 's',
	  .kind = OPTION_STRINGS,
	  .offset = offsetof(struct endpoints_options, set),
	  .argument = "OPTION",
	  .help = "give each socket this option (below) before it is used; may be repeated" },
	{ .name = "keepalive",
	  .kind = OPTION_STRING,
	  .offset = offsetof(struct endpoints_options, keepalive),
	  .argument = "IDLE,INTERVAL,COUNT",
	  .help = "the same as --set 'keepalive IDLE INTERVAL COUNT'" },
	{ .name = "user-timeout",
	  .kind = OPTION_STRING,
	  .offset = offsetof(struct endpoints_options, user_timeout),
	  .argument = "TIME",
	  .help = "the same as --set 'user-timeout TIME'" },
	{ .name = "fast-open",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct endpoints_options, fast_open),
	  .help = "TCP Fast Open: the client's first send goes into the SYN (once a cookie is "
		  "known); the system must allow it (sysctl net.ipv4.tcp_fastopen: 1 client, "
		  "2 server)" },
	{ .name = "mptcp",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct endpoints_options, mptcp),
	  .help = "Multipath TCP" },
	{ .name = "ipv4",
	  .letter = '4',
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct endpoints_options, ipv4),
	  .help = "only IPv4" },
	{ .name = "ipv6",
	  .letter = '6',
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct endpoints_options, ipv6),
	  .help = "only IPv6" },
	{ .name = "timeout",
	  .letter = 't',
	  .kind = OPTION_STRING,
	  .offset = offsetof(struct endpoints_options, timeout),
	  .argument = "TIME",
	  .help = "end after so long, as Ctrl-C does" },
	{ .name = "every-call",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct endpoints_options, every_call),
	  .help = "a line for each send and recv, also of a bulk transfer" },
	{ .name = "quiet",
	  .letter = 'q',
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct endpoints_options, quiet),
	  .help = "no lines" },
	{ .name = "fail",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct endpoints_options, fail),
	  .help = "exit with 1 when a call failed: refused, reset, timed out" },
	{ .name = "help",
	  .letter = 'h',
	  .kind = OPTION_HELP,
	  .offset = offsetof(struct endpoints_options, help),
	  .help = "show this and end" },
};

size_t endpoints_rows_join(struct option_row *table, const struct option_row *own, size_t count)
{
	size_t shared = sizeof(shared_rows) / sizeof(shared_rows[0]);

	memcpy(table, own, count * sizeof(*own));
	memcpy(table + count, shared_rows, sizeof(shared_rows));
	return count + shared;
}

#define COLUMNS	    80
#define HELP_COLUMN 26

/* "  NAME ARGUMENTS     what it does", wrapped. */
static void help_row(FILE *to, const char *name, const char *arguments, const char *help)
{
	int column = fprintf(to, "  %s%s%s", name, arguments[0] ? " " : "", arguments);

	if (column + 2 > HELP_COLUMN)
		column = fprintf(to, "\n") - 1;
	fprintf(to, "%*s", HELP_COLUMN - column, "");
	column = HELP_COLUMN;
	while (*help) {
		int letters = (int)strcspn(help, " ");

		if (column > HELP_COLUMN && column + 1 + letters > COLUMNS) {
			fprintf(to, "\n%*s", HELP_COLUMN, "");
			column = HELP_COLUMN;
		}
		column += fprintf(to, "%s%.*s", column > HELP_COLUMN ? " " : "", letters, help);
		help += letters;
		help += strspn(help, " ");
	}
	fputc('\n', to);
}

void endpoints_help(FILE *to)
{
	size_t count;
	const struct action_word *words = action_words_list(&count);

	fputs("\nactions, separated by commas; after the last the connection is closed:\n", to);
	for (size_t i = 0; i < count; i++)
		help_row(to, words[i].name, words[i].arguments, words[i].help);

	const struct socket_option *options = socket_options_list(&count);

	fputs("\nsocket options:\n", to);
	for (size_t i = 0; i < count; i++)
		help_row(to, options[i].name, options[i].arguments, options[i].help);
	fputs("\nExit status: 0 done, whatever the connections came to; 1 with --fail, when a\n"
	      "call failed; 2 usage; 4 system or permission (no such port or host to be had).\n",
	      to);
}

bool endpoints_settings_add(struct endpoints_settings *settings, const char *text, struct err *err)
{
	struct socket_setting setting;

	if (!socket_setting_parse(text, strlen(text), &setting, err))
		return false;
	if (socket_setting_is(&setting, "mptcp")) {
		settings->mptcp = true;
		return true;
	}
	if (settings->count == ENDPOINTS_SETTINGS_MOST)
		return err_set(err, ERR_USAGE, "more than %d socket options",
			       ENDPOINTS_SETTINGS_MOST);
	settings->settings[settings->count++] = setting;
	return true;
}

bool endpoints_settings_from(const struct endpoints_options *options,
			     struct endpoints_settings *settings, struct err *err)
{
	char text[120];

	settings->mptcp |= options->mptcp;
	for (size_t i = 0; i < options->set.count; i++)
		if (!endpoints_settings_add(settings, options->set.values[i], err))
			return false;
	if (options->keepalive) {
		snprintf(text, sizeof(text), "keepalive %s", options->keepalive);
		for (char *comma = strchr(text, ','); comma; comma = strchr(comma, ','))
			*comma = ' ';
		if (!endpoints_settings_add(settings, text, err))
			return false;
	}
	snprintf(text, sizeof(text), "user-timeout %s",
		 options->user_timeout ? options->user_timeout : "");
	return !options->user_timeout || endpoints_settings_add(settings, text, err);
}

bool endpoints_settings_apply(const struct endpoints_settings *settings, int fd, struct err *err)
{
	for (size_t i = 0; i < settings->count; i++) {
		struct call call;

		if (call_set(NULL, fd, &settings->settings[i], &call) == 0)
			continue;
		err_set(err, ERR_SYSTEM, "cannot set '%s': %s", call.detail,
			errno_name(call.error));
		err_fix(err, "%s", errno_meaning(call.error, "set"));
		return false;
	}
	return true;
}

bool endpoints_time_option(const char *name, const char *text, int64_t *ns, struct err *err)
{
	*ns = -1;
	if (!text || duration_parse(text, strlen(text), ns))
		return true;
	err_set(err, ERR_USAGE, "%s cannot be '%s'", name, text);
	err_fix(err, "write a time with its unit, such as 300ms or 2s");
	return false;
}
