/* SPDX-License-Identifier: BSD-2-Clause */
/* The options that a socket may be given, by name. */
#include "lab/socket.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/options.h"
#include "base/scan.h"
#include "base/text.h"
#include "base/time.h"
#include "lab/duration.h"

/* Newer than the headers of some systems. Source: include/uapi/linux/tcp.h, asm-generic/socket.h */
#ifndef TCP_RTO_MAX_MS
#define TCP_RTO_MAX_MS 44
#endif
#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX 62
#endif

#define MS_MOST (INT64_C(24) * 3600 * 1000)

static const struct socket_option options[] = {
	{ .name = "cork",
	  .arguments = "[0|1]",
	  .help = "send only full segments until it is switched off",
	  .form = SOCKET_SWITCH,
	  .level = IPPROTO_TCP,
	  .option = TCP_CORK },
	{ .name = "defer-accept",
	  .arguments = "SECONDS",
	  .help = "listener: accept only once data has come, for about so long",
	  .form = SOCKET_INTEGER,
	  .level = IPPROTO_TCP,
	  .option = TCP_DEFER_ACCEPT,
	  .most = 3600 },
	{ .name = "fastopen",
	  .arguments = "N",
	  .help = "listener: take data in the SYN, of at most N unfinished connections",
	  .form = SOCKET_INTEGER,
	  .level = IPPROTO_TCP,
	  .option = TCP_FASTOPEN,
	  .most = 65535 },
	{ .name = "fastopen-connect",
	  .arguments = "[0|1]",
	  .help = "connect() waits for the first send, whose data goes into the SYN",
	  .form = SOCKET_SWITCH,
	  .level = IPPROTO_TCP,
	  .option = TCP_FASTOPEN_CONNECT },
	{ .name = "fastopen-no-cookie",
	  .arguments = "[0|1]",
	  .help = "fast open without the cookie",
	  .form = SOCKET_SWITCH,
	  .level = IPPROTO_TCP,
	  .option = TCP_FASTOPEN_NO_COOKIE },
	{ .name = "interface",
	  .arguments = "INDEX",
	  .help = "only through this interface (its number)",
	  .form = SOCKET_INTEGER,
	  .level = SOL_SOCKET,
	  .option = SO_BINDTOIFINDEX,
	  .most = INT32_MAX },
	{ .name = "keepalive",
	  .arguments = "IDLE INTERVAL COUNT",
	  .help = "after IDLE seconds of silence probe every INTERVAL seconds; COUNT probes "
		  "without answer end the connection",
	  .form = SOCKET_KEEPALIVE,
	  .least = 1,
	  .most = 32767 },
	{ .name = "linger",
	  .arguments = "SECONDS",
	  .help = "close() waits so long for what was sent; 0: close() resets",
	  .form = SOCKET_LINGER,
	  .level = SOL_SOCKET,
	  .option = SO_LINGER,
	  .most = 3600 },
	{ .name = "linger2",
	  .arguments = "SECONDS",
	  .help = "how long a closed socket stays in FIN_WAIT_2; -1: not at all",
	  .form = SOCKET_INTEGER,
	  .level = IPPROTO_TCP,
	  .option = TCP_LINGER2,
	  .least = -1,
	  .most = 120 },
	{ .name = "maxseg",
	  .arguments = "BYTES",
	  .help = "the largest segment to announce and to send",
	  .form = SOCKET_INTEGER,
	  .level = IPPROTO_TCP,
	  .option = TCP_MAXSEG,
	  .least = 88,
	  .most = 32767 },
	{ .name = "mptcp",
	  .arguments = "",
	  .help = "Multipath TCP, where both kernels have it",
	  .form = SOCKET_CREATION },
	{ .name = "nodelay",
	  .arguments = "[0|1]",
	  .help = "send small segments at once, without Nagle's algorithm",
	  .form = SOCKET_SWITCH,
	  .level = IPPROTO_TCP,
	  .option = TCP_NODELAY },
	{ .name = "quickack",
	  .arguments = "[0|1]",
	  .help = "acknowledge at once (1) or delayed (0), for the moment",
	  .form = SOCKET_SWITCH,
	  .level = IPPROTO_TCP,
	  .option = TCP_QUICKACK },
	{ .name = "rcvbuf",
	  .arguments = "BYTES",
	  .help = "receive buffer; the kernel doubles it, and it limits the window",
	  .form = SOCKET_INTEGER,
	  .level = SOL_SOCKET,
	  .option = SO_RCVBUF,
	  .most = INT32_MAX },
	{ .name = "reuseaddr",
	  .arguments = "[0|1]",
	  .help = "bind a port that old connections in TIME_WAIT still use",
	  .form = SOCKET_SWITCH,
	  .level = SOL_SOCKET,
	  .option = SO_REUSEADDR },
	{ .name = "reuseport",
	  .arguments = "[0|1]",
	  .help = "share the port with other sockets that set it too",
	  .form = SOCKET_SWITCH,
	  .level = SOL_SOCKET,
	  .option = SO_REUSEPORT },
	{ .name = "rto-max",
	  .arguments = "TIME",
	  .help = "the longest wait between two retransmissions (Linux 6.15)",
	  .form = SOCKET_MILLISECONDS,
	  .level = IPPROTO_TCP,
	  .option = TCP_RTO_MAX_MS,
	  .most = MS_MOST },
	{ .name = "sndbuf",
	  .arguments = "BYTES",
	  .help = "send buffer; the kernel doubles it",
	  .form = SOCKET_INTEGER,
	  .level = SOL_SOCKET,
	  .option = SO_SNDBUF,
	  .most = INT32_MAX },
	{ .name = "syncnt",
	  .arguments = "N",
	  .help = "how often a SYN is sent again (more often where the first repetitions are "
		  "linear)",
	  .form = SOCKET_INTEGER,
	  .level = IPPROTO_TCP,
	  .option = TCP_SYNCNT,
	  .least = 1,
	  .most = 127 },
	{ .name = "user-timeout",
	  .arguments = "TIME",
	  .help = "give up when sent data is not acknowledged for so long; 0: the kernel's rule",
	  .form = SOCKET_MILLISECONDS,
	  .level = IPPROTO_TCP,
	  .option = TCP_USER_TIMEOUT,
	  .most = MS_MOST },
	{ .name = "v6only",
	  .arguments = "[0|1]",
	  .help = "an IPv6 socket takes no IPv4",
	  .form = SOCKET_SWITCH,
	  .level = IPPROTO_IPV6,
	  .option = IPV6_V6ONLY },
	{ .name = "window-clamp",
	  .arguments = "BYTES",
	  .help = "the largest window to announce",
	  .form = SOCKET_INTEGER,
	  .level = IPPROTO_TCP,
	  .option = TCP_WINDOW_CLAMP,
	  .most = INT32_MAX },
};
#define OPTIONS (sizeof(options) / sizeof(options[0]))

const struct socket_option *socket_options_list(size_t *count)
{
	*count = OPTIONS;
	return options;
}

static const char *option_name(const void *context, size_t index)
{
	(void)context;
	return index < OPTIONS ? options[index].name : NULL;
}

static bool unknown_option(const char *name, struct err *err)
{
	const char *near = options_nearest(name, option_name, NULL);

	err_set(err, ERR_USAGE, "no socket option is called '%.60s'", name);
	err_fix(err, near ? "did you mean %s? --help lists them" : "--help lists them%s",
		near ? near : "");
	return false;
}

/* Of one value, how the user wrote it. */
static bool take_value(const struct socket_option *option, struct word word, int64_t *value)
{
	char digits[24], *end;

	if (option->form == SOCKET_MILLISECONDS) {
		int64_t ns;

		if (!duration_parse(word.text, word.length, &ns))
			return false;
		*value = (ns + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC;
	} else {
		if (word.length == 0 || word.length >= sizeof(digits))
			return false;
		memcpy(digits, word.text, word.length);
		digits[word.length] = '\0';
		*value = strtoll(digits, &end, 10);
		if (*end != '\0' || end == digits)
			return false;
	}
	return *value >= option->least && *value <= option->most;
}

static bool wrong_value(const struct socket_option *option, struct word word, struct err *err)
{
	int length = (int)(word.length < 40 ? word.length : 40);

	if (word.length == 0)
		err_set(err, ERR_USAGE, "%s: an argument is missing", option->name);
	else
		err_set(err, ERR_USAGE, "%s cannot be '%.*s'", option->name, length, word.text);
	if (option->form == SOCKET_MILLISECONDS)
		err_fix(err, "it is written %s TIME, such as 300ms or 2s", option->name);
	else if (option->form == SOCKET_SWITCH)
		err_fix(err, "it is written %s, or %s 0 to switch it off", option->name,
			option->name);
	else
		err_fix(err, "it is written %s %s, from %" PRId64 " to %" PRId64, option->name,
			option->arguments, option->least, option->most);
	return false;
}

static bool take_values(struct scan *in, const struct socket_option *option,
			struct socket_setting *setting, struct err *err)
{
	static const unsigned wanted[] = {
		[SOCKET_SWITCH] = 1, [SOCKET_INTEGER] = 1,   [SOCKET_MILLISECONDS] = 1,
		[SOCKET_LINGER] = 1, [SOCKET_KEEPALIVE] = 3, [SOCKET_CREATION] = 0,
	};
	struct socket_option limits = *option;

	if (option->form == SOCKET_SWITCH)
		limits.most = 1;
	setting->value_count = wanted[option->form];
	if (option->form == SOCKET_SWITCH && scan_end(in)) {
		setting->values[0] = 1;
		return true;
	}
	for (unsigned i = 0; i < setting->value_count; i++) {
		struct word word = scan_word(in, "");

		if (option->form == SOCKET_KEEPALIVE && i == 2)
			limits.most = 127; /* MAX_TCP_KEEPCNT in include/net/tcp.h */
		if (!take_value(&limits, word, &setting->values[i]))
			return wrong_value(&limits, word, err);
	}
	if (scan_end(in))
		return true;

	struct word rest = scan_word(in, "");

	err_set(err, ERR_USAGE, "%s: '%.*s' is too much", option->name,
		(int)(rest.length < 40 ? rest.length : 40), rest.text);
	err_fix(err, "it is written %s %s", option->name, option->arguments);
	return false;
}

bool socket_setting_parse(const char *text, size_t length, struct socket_setting *setting,
			  struct err *err)
{
	char line[120], name[64];

	if (length >= sizeof(line))
		return err_set(err, ERR_USAGE, "a socket option of %zu characters is too long",
			       length);
	memcpy(line, text, length);
	line[length] = '\0';

	struct scan in = scan_over(line);
	struct word word = scan_word(&in, "");

	if (word.length >= sizeof(name))
		word.length = sizeof(name) - 1;
	memcpy(name, word.text, word.length);
	name[word.length] = '\0';
	*setting = (struct socket_setting){ .option = 0 };
	for (unsigned i = 0; i < OPTIONS; i++) {
		if (strcmp(name, options[i].name) != 0)
			continue;
		setting->option = i;
		return take_values(&in, &options[i], setting, err);
	}
	return unknown_option(name, err);
}

bool socket_setting_is(const struct socket_setting *setting, const char *name)
{
	return setting->option < OPTIONS && strcmp(options[setting->option].name, name) == 0;
}

void socket_setting_print(const struct socket_setting *setting,
			  char text[static SOCKET_SETTING_TEXT_BYTES])
{
	const struct socket_option *option = &options[setting->option];
	struct text out = text_over(text, SOCKET_SETTING_TEXT_BYTES);

	text_add(&out, "%s", option->name);
	if (option->form == SOCKET_SWITCH && setting->values[0] == 1)
		return;
	for (unsigned i = 0; i < setting->value_count; i++)
		text_add(&out, " %" PRId64 "%s", setting->values[i],
			 option->form == SOCKET_MILLISECONDS ? "ms" : "");
}
