/* SPDX-License-Identifier: BSD-2-Clause */
/* tcpwhy server [ADDR:]PORT: one end of TCP connections, the one that listens. */
#include "cmd/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/time.h"
#include "cmd/endpoints.h"
#include "tcp/address.h"

struct server_options {
	struct endpoints_options shared; /* must come first */
	const char *on_accept;
	int64_t backlog;
	bool no_accept;
};

static const struct option_row own_rows[] = {
	{ .name = "on-accept",
	  .letter = 'a',
	  .kind = OPTION_STRING,
	  .offset = offsetof(struct server_options, on_accept),
	  .argument = "ACTION,...",
	  .preset_text = "echo",
	  .help = "what to do with each connection" },
	{ .name = "count",
	  .letter = 'n',
	  .kind = OPTION_INTEGER,
	  .offset = offsetof(struct server_options, shared.count),
	  .argument = "N",
	  .least = 1,
	  .most = 1000000000,
	  .preset_text = "",
	  .help = "end after N connections" },
	{ .name = "backlog",
	  .letter = 'b',
	  .kind = OPTION_INTEGER,
	  .offset = offsetof(struct server_options, backlog),
	  .argument = "N",
	  .most = 65535,
	  .preset = SOMAXCONN,
	  .help = "how many connections may wait to be accepted (the kernel lets one more in)" },
	{ .name = "no-accept",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct server_options, no_accept),
	  .help = "listen and never accept: see how many wait" },
};
#define OWN_ROWS (sizeof(own_rows) / sizeof(own_rows[0]))

/* When accept() has nothing to take it with (files, memory), so long until the next try. */
#define ACCEPT_PAUSE_NS (100 * NSEC_PER_MSEC)
/* With --no-accept, how often the queue is looked at. */
#define QUEUE_LOOK_NS	(50 * NSEC_PER_MSEC)

struct server {
	struct server_options options;
	struct endpoints_settings settings;
	struct action_list actions;
	struct endpoints ends;
	struct ip_address ip; /* to listen on */
	bool any_ip;	      /* none was named */
	uint16_t port;
	int listener;		/* owned; -1 none */
	int64_t resume_ns;	/* CLOCK_MONOTONIC: accept no sooner; 0 at once */
	unsigned waiting_shown; /* --no-accept: how many waited in the last line */
	int64_t accepted;
};

static const struct ip_address any4 = { .bytes = { [10] = 0xff, [11] = 0xff } };
static const struct ip_address any6 = { .bytes = { 0 } };

static bool parse_port(const char *text, uint16_t *port)
{
	char *end;
	long number = strtol(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || number > UINT16_MAX)
		return false;
	*port = (uint16_t)number;
	return true;
}

/* "9000", "127.0.0.1:9000", "[::1]:9000". */
static bool parse_place(struct server *server, const char *text, struct err *err)
{
	const struct endpoints_options *shared = &server->options.shared;

	server->any_ip = parse_port(text, &server->port);
	server->ip = shared->ipv4 ? any4 : any6;
	if (!server->any_ip &&
	    !ip_address_port_parse(text, strlen(text), &server->ip, &server->port)) {
		err_set(err, ERR_USAGE, "'%s' is no port and no address with a port", text);
		err_fix(err, "such as 9000, 127.0.0.1:9000 or [::1]:9000; port 0 lets the system "
			     "choose");
		return false;
	}
	if (server->any_ip || (shared->ipv4 && ip_address_is_v4(&server->ip)) ||
	    (shared->ipv6 && !ip_address_is_v4(&server->ip)) || (!shared->ipv4 && !shared->ipv6))
		return true;
	return err_set(err, ERR_USAGE, "'%s' is of the other IP version", text);
}

static bool parse(struct server *server, int *argc, char **argv, struct err *err)
{
	struct option_row rows[ENDPOINTS_ROWS_MOST];
	struct option_table table = {
		.command = "tcpwhy server",
		.operands = "[ADDR:]PORT",
		.summary = "Listen, do with each connection what you say, and show every call, "
			   "what came of it and why.",
		.rows = rows,
		.row_count = endpoints_rows_join(rows, own_rows, OWN_ROWS),
	};
	const struct endpoints_options *shared = &server->options.shared;

	if (!options_parse(&table, argc, argv, &server->options, err))
		return false;
	if (shared->help) {
		options_help(stdout, &table);
		endpoints_help(stdout);
		return true;
	}
	if (*argc != 2) {
		err_set(err, ERR_USAGE, *argc < 2 ? "no port named" : "one port at a time");
		err_fix(err, "tcpwhy server 9000, or 127.0.0.1:9000 for that address only");
		return false;
	}
	if (shared->ipv4 && shared->ipv6)
		return err_set(err, ERR_USAGE, "-4 and -6 exclude each other");
	return parse_place(server, argv[1], err) &&
	       action_list_parse(server->options.on_accept ? server->options.on_accept : "echo",
				 true, &server->actions, err) &&
	       endpoints_settings_add(&server->settings, "reuseaddr", err) &&
	       (!shared->ipv6 || endpoints_settings_add(&server->settings, "v6only", err)) &&
	       (!shared->fast_open ||
		endpoints_settings_add(&server->settings, "fastopen 16", err)) &&
	       endpoints_settings_from(shared, &server->settings, err);
}

static bool refuse(const struct server *server, const struct call *call, struct err *err)
{
	char place[ADDRESS_PORT_TEXT_BYTES];

	ip_address_port_print(&server->ip, server->port, place);
	err_set(err, ERR_SYSTEM, "cannot listen on %s: %s: %s: %s", place, call->name,
		errno_name(call->error), errno_meaning(call->error, call->name));
	if (call->error == EADDRINUSE)
		err_fix(err, "see who has it: ss -ltnp 'sport = :%u', ss -tn 'sport = :%u'",
			server->port, server->port);
	else if (call->error == EADDRNOTAVAIL)
		err_fix(err, "'ip address' lists this host's; without an address all are taken");
	else if (call->error == EACCES)
		err_fix(err, "take a port from 1024 on");
	return false;
}

/* Source: Documentation/networking/ip-sysctl.rst, tcp_fastopen. */
static void note_fast_open(struct endpoints *ends)
{
	FILE *file = fopen("/proc/sys/net/ipv4/tcp_fastopen", "re");
	char line[32] = "";

	if (!file)
		return;
	if (fgets(line, sizeof(line), file) && !(strtol(line, NULL, 10) & 2) &&
	    !ends->options->quiet)
		out_text(&ends->out, "          note      this host takes no data in a SYN: sysctl "
				     "net.ipv4.tcp_fastopen lacks 2\n");
	fclose(file);
}

static bool open_listener(struct server *server, struct err *err)
{
	struct call call;
	int fd = call_socket(NULL, &server->ip, server->settings.mptcp, &call);

	if (fd < 0 && call.error == EAFNOSUPPORT && server->any_ip &&
	    !server->options.shared.ipv6) {
		server->ip = any4; /* a host without IPv6 */
		fd = call_socket(NULL, &server->ip, server->settings.mptcp, &call);
	}
	if (fd < 0)
		return refuse(server, &call, err);
	server->listener = fd;
	if (!endpoints_settings_apply(&server->settings, fd, err))
		return false;
	if (call_bind(NULL, fd, &server->ip, server->port, &call) < 0)
		return refuse(server, &call, err);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	if (call_listen(NULL, fd, (int)server->options.backlog, &call) < 0)
		return refuse(server, &call, err);
	server->ends.sink.told(server->ends.sink.context, &call);
	if (server->options.shared.fast_open)
		note_fast_open(&server->ends);
	return true;
}

static bool wants_more(const struct server *server)
{
	int64_t count = server->options.shared.count;

	return server->listener >= 0 && (count == 0 || server->accepted < count);
}

/* An accepted connection, told with its number. */
static void take(struct server *server, int fd, const struct call *call)
{
	struct endpoints_conn *conn = endpoints_add(&server->ends);

	if (!conn) {
		close(fd);
		return;
	}
	conn->sink.told(conn->sink.context, call);
	endpoints_begin(conn, fd);
	server->accepted++;
}

static void accept_all(struct server *server)
{
	while (wants_more(server)) {
		struct call call;
		int fd = call_accept(NULL, server->listener, &call);

		if (fd >= 0) {
			take(server, fd, &call);
			continue;
		}
		if (call.error == EAGAIN)
			return;
		server->ends.sink.told(server->ends.sink.context, &call);
		if (call.error == ECONNABORTED)
			continue;
		server->resume_ns = endpoints_now_ns() + ACCEPT_PAUSE_NS;
		return;
	}
	if (server->listener < 0 || server->options.shared.count == 0)
		return;
	call_close(NULL, server->listener, NULL); /* enough: who comes now is refused */
	server->listener = -1;
}

/* How many wait to be accepted, where that has changed. */
static void show_queue(struct server *server)
{
	struct call call = { .name = "queue", .fd = server->listener };
	unsigned waiting, room;

	if (!socket_queue(server->listener, &waiting, &room) || waiting == server->waiting_shown)
		return;
	server->waiting_shown = waiting;
	call.end_ns = server->ends.start_ns + (endpoints_now_ns() - server->ends.start_mono_ns);
	snprintf(call.detail, sizeof(call.detail),
		 "%u connection%s to be accepted; the limit is %u%s", waiting,
		 waiting == 1 ? " waits" : "s wait", room,
		 waiting > room ? ": full, the kernel drops further SYNs" : "");
	server->ends.sink.told(server->ends.sink.context, &call);
}

static void serve(struct server *server)
{
	struct endpoints *ends = &server->ends;

	while (!endpoints_stopped(ends) && (wants_more(server) || ends->count > 0)) {
		int64_t wake_ns = INT64_MAX;
		int listener = wants_more(server) ? server->listener : -1;

		if (server->options.no_accept) {
			show_queue(server);
			wake_ns = endpoints_now_ns() + QUEUE_LOOK_NS;
			listener = -1;
		} else if (server->resume_ns > endpoints_now_ns()) {
			wake_ns = server->resume_ns;
			listener = -1;
		}
		if (endpoints_wait(ends, listener, wake_ns))
			accept_all(server);
		endpoints_act(ends);
	}
}

int cmd_server(int argc, char **argv)
{
	static struct server server = { .listener = -1 }; /* too large for a stack */
	struct err err = { .kind = ERR_NONE };
	bool ok = parse(&server, &argc, argv, &err);

	if (ok && server.options.shared.help)
		return 0;
	if (ok && endpoints_init(&server.ends, &server.options.shared, false, &err)) {
		server.ends.actions = &server.actions;
		if (open_listener(&server, &err))
			serve(&server);
		endpoints_summary(&server.ends);
		out_finish(&server.ends.out, &err);
	}
	server.ends.options = &server.options.shared;

	int status = endpoints_status(&server.ends, "tcpwhy server", &err);

	endpoints_clear(&server.ends);
	return status;
}
