/* SPDX-License-Identifier: BSD-2-Clause */
/* tcpwhy client HOST PORT: one end of TCP connections, the one that opens them. */
#include "cmd/cmd.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/time.h"
#include "cmd/endpoints.h"
#include "tcp/address.h"

struct client_options {
	struct endpoints_options shared; /* must come first */
	const char *then, *from, *connect_timeout;
	int64_t at_once;
};

static const struct option_row own_rows[] = {
	{ .name = "then",
	  .kind = OPTION_STRING,
	  .offset = offsetof(struct client_options, then),
	  .argument = "ACTION,...",
	  .preset_text = "pipe",
	  .help = "what to do with the connection" },
	{ .name = "from",
	  .kind = OPTION_STRING,
	  .offset = offsetof(struct client_options, from),
	  .argument = "[ADDR:]PORT",
	  .help = "from this local port, this local address" },
	{ .name = "count",
	  .letter = 'n',
	  .kind = OPTION_INTEGER,
	  .offset = offsetof(struct client_options, shared.count),
	  .argument = "N",
	  .least = 1,
	  .most = 1000000000,
	  .preset = 1,
	  .help = "open so many connections, one after the other" },
	{ .name = "at-once",
	  .kind = OPTION_INTEGER,
	  .offset = offsetof(struct client_options, at_once),
	  .argument = "N",
	  .least = 1,
	  .most = 1000000,
	  .preset = 1,
	  .help = "how many of the --count connections may be open at the same time" },
	{ .name = "connect-timeout",
	  .kind = OPTION_STRING,
	  .offset = offsetof(struct client_options, connect_timeout),
	  .argument = "TIME",
	  .preset_text = "as long as the kernel tries",
	  .help = "give up opening a connection after so long" },
};
#define OWN_ROWS (sizeof(own_rows) / sizeof(own_rows[0]))

#define TARGETS_MOST 16

struct client {
	struct client_options options;
	struct endpoints_settings settings;
	struct action_list actions;
	struct endpoints ends;
	struct err err; /* of the loop: the kernel refused an option, no memory */
	struct target {
		struct ip_address ip;
		uint32_t scope; /* the interface of a link-local address; 0 none */
	} targets[TARGETS_MOST];
	size_t target_count;
	uint16_t port;
	bool bind; /* --from */
	struct ip_address from_ip;
	bool from_any_ip;
	uint16_t from_port;
	int64_t connect_timeout_ns; /* -1 none */
	int64_t started;
};

/* "41000", "127.0.0.1", "127.0.0.1:41000", "[::1]:41000". */
static bool parse_from(struct client *client, struct err *err)
{
	const char *text = client->options.from;
	char *end;
	long port;

	if (!text)
		return true;
	client->bind = true;
	if (ip_address_parse(text, strlen(text), &client->from_ip) ||
	    ip_address_port_parse(text, strlen(text), &client->from_ip, &client->from_port))
		return true;
	port = strtol(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || port > UINT16_MAX) {
		err_set(err, ERR_USAGE, "--from cannot be '%s'", text);
		err_fix(err, "such as 41000, 127.0.0.1 or 127.0.0.1:41000");
		return false;
	}
	client->from_port = (uint16_t)port;
	client->from_any_ip = true;
	return true;
}

static bool parse_all(struct client *client, struct err *err)
{
	const struct client_options *options = &client->options;
	const struct endpoints_options *shared = &options->shared;

	if (shared->ipv4 && shared->ipv6)
		return err_set(err, ERR_USAGE, "-4 and -6 exclude each other");
	if (!action_list_parse(options->then ? options->then : "pipe", false, &client->actions,
			       err))
		return false;
	if (shared->count > 1 && action_list_has(&client->actions, "pipe")) {
		err_set(err, ERR_USAGE, "standard input can feed one connection only");
		err_fix(err, "say with --then what %lld connections are to do",
			(long long)shared->count);
		return false;
	}
	return parse_from(client, err) &&
	       endpoints_time_option("--connect-timeout", options->connect_timeout,
				     &client->connect_timeout_ns, err) &&
	       (!shared->fast_open ||
		endpoints_settings_add(&client->settings, "fastopen-connect", err)) &&
	       endpoints_settings_from(shared, &client->settings, err);
}

/* getaddrinfo() of some C libraries takes 99999 and uses what is left of it in 16 bits. */
static bool check_port(const char *text, struct err *err)
{
	char *end;
	long number = strtol(text, &end, 10);

	if (*end != '\0' || end == text) /* a name */
		return true;
	if (text[0] >= '0' && text[0] <= '9' && number >= 1 && number <= UINT16_MAX)
		return true;
	err_set(err, ERR_USAGE, "'%s' is no port", text);
	err_fix(err, "a number from 1 to 65535, or a name of /etc/services");
	return false;
}

/* An IPv6 address may stand in brackets, as where a port follows it. */
static void strip_brackets(char *host)
{
	size_t length = strlen(host);

	if (length > 2 && host[0] == '[' && host[length - 1] == ']') {
		memmove(host, host + 1, length - 2);
		host[length - 2] = '\0';
	}
}

static bool parse(struct client *client, int *argc, char **argv, struct err *err)
{
	struct option_row rows[ENDPOINTS_ROWS_MOST];
	struct option_table table = {
		.command = "tcpwhy client",
		.operands = "HOST PORT",
		.summary = "Open a connection, do with it what you say, and show every call, what "
			   "came of it and why.",
		.rows = rows,
		.row_count = endpoints_rows_join(rows, own_rows, OWN_ROWS),
		.footer =
			"Without --then it is a pipe: standard input goes to the peer, what comes "
			"back to\nstandard output, and the lines about calls to standard error.\n"
			"A host with several addresses is tried one address after the other.",
	};

	if (!options_parse(&table, argc, argv, &client->options, err))
		return false;
	if (client->options.shared.help) {
		options_help(stdout, &table);
		endpoints_help(stdout);
		return true;
	}
	if (*argc != 3) {
		err_set(err, ERR_USAGE,
			*argc < 3 ? "no host and port named" : "one host and one port at a time");
		err_fix(err, "tcpwhy client localhost 9000");
		return false;
	}
	strip_brackets(argv[1]);
	return check_port(argv[2], err) && parse_all(client, err);
}

static void add_target(struct client *client, const struct addrinfo *info)
{
	struct target *target = &client->targets[client->target_count];

	if (info->ai_family == AF_INET) {
		struct sockaddr_in v4;
		uint8_t four[4];

		memcpy(&v4, info->ai_addr, sizeof(v4));
		memcpy(four, &v4.sin_addr, 4);
		target->ip = ip_address_v4(four);
		client->port = ntohs(v4.sin_port);
	} else if (info->ai_family == AF_INET6) {
		struct sockaddr_in6 v6;

		memcpy(&v6, info->ai_addr, sizeof(v6));
		memcpy(target->ip.bytes, &v6.sin6_addr, 16);
		target->scope = v6.sin6_scope_id;
		client->port = ntohs(v6.sin6_port);
	} else {
		return;
	}
	client->target_count++;
}

/* Whether an address can be reached from the local address that was chosen. */
static bool fits_from(const struct client *client, const struct addrinfo *info)
{
	return !client->bind || client->from_any_ip ||
	       ip_address_is_v4(&client->from_ip) == (info->ai_family == AF_INET);
}

static bool resolve(struct client *client, const char *host, const char *port, struct err *err)
{
	const struct endpoints_options *shared = &client->options.shared;
	struct addrinfo hints = { .ai_family = shared->ipv4   ? AF_INET
					       : shared->ipv6 ? AF_INET6
							      : AF_UNSPEC,
				  .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	int result = getaddrinfo(host, port, &hints, &list);

	if (result != 0) {
		err_set(err, ERR_SYSTEM, "no address of '%s' port '%s': %s", host, port,
			gai_strerror(result));
		err_fix(err, result == EAI_SERVICE
				     ? "the port is a number up to 65535 or a name of "
				       "/etc/services"
				     : "see what 'getent ahosts' says of it");
		return false;
	}
	for (struct addrinfo *info = list; info && client->target_count < TARGETS_MOST;
	     info = info->ai_next)
		if (fits_from(client, info))
			add_target(client, info);
	freeaddrinfo(list);
	if (client->target_count == 0)
		return err_set(err, ERR_SYSTEM, "'%s' has no address of the wanted IP version",
			       host);
	return true;
}

/* The local end, as --from wants it. Return: false, told. */
static bool bind_from(struct client *client, struct endpoints_conn *conn, int fd, bool v4)
{
	static const struct ip_address any4 = { .bytes = { [10] = 0xff, [11] = 0xff } };
	static const struct ip_address any6 = { .bytes = { 0 } };
	const struct ip_address *ip = client->from_any_ip ? (v4 ? &any4 : &any6) : &client->from_ip;
	struct call call;

	if (!client->bind || call_bind(NULL, fd, ip, client->from_port, &call) == 0)
		return true;
	conn->sink.told(conn->sink.context, &call);
	return false;
}

static bool set_all(struct client *client, const struct target *target, int fd)
{
	char text[40];
	struct socket_setting interface;

	if (target->scope) {
		snprintf(text, sizeof(text), "interface %u", target->scope);
		if (socket_setting_parse(text, strlen(text), &interface, NULL))
			call_set(NULL, fd, &interface, NULL);
	}
	return endpoints_settings_apply(&client->settings, fd, &client->err);
}

/* A socket for the next address. Return: -1, told or in client.err. */
static int make_socket(struct client *client, struct endpoints_conn *conn)
{
	const struct target *target = &client->targets[conn->target];
	struct call call;
	int fd = call_socket(NULL, &target->ip, client->settings.mptcp, &call);

	if (fd < 0) {
		conn->sink.told(conn->sink.context, &call);
		return -1;
	}
	if (set_all(client, target, fd) &&
	    bind_from(client, conn, fd, ip_address_is_v4(&target->ip)))
		return fd;
	call_close(NULL, fd, NULL);
	return -1;
}

/* Try the addresses from conn->target on until one is connected or on its way; else the connection
   is removed. */
static void try_addresses(struct client *client, struct endpoints_conn *conn)
{
	struct endpoints *ends = &client->ends;

	for (; conn->target < client->target_count && client->err.kind == ERR_NONE;
	     conn->target++) {
		const struct target *target = &client->targets[conn->target];
		int fd = make_socket(client, conn);
		struct call call;

		if (fd < 0)
			continue;
		int result = call_connect(NULL, fd, &target->ip, client->port, 0, &call);
		/* A refusal may have come before connect() returned; its errno, still to be
		   fetched, is the one thing to tell then. */
		bool gone = result == 0 && !client->options.shared.fast_open &&
			    (call.state == STATE_CLOSED || call.state == STATE_UNKNOWN);

		if (!gone)
			conn->sink.told(conn->sink.context, &call);
		if (result < 0) {
			call_close(NULL, fd, NULL);
			continue;
		}
		if (!gone && (call.state != STATE_SYN_SENT || client->options.shared.fast_open)) {
			endpoints_begin(conn, fd);
			return;
		}
		conn->actor.fd = fd;
		conn->connecting = true;
		conn->give_up_ns = client->connect_timeout_ns < 0
					   ? INT64_MAX
					   : endpoints_now_ns() + client->connect_timeout_ns;
		return;
	}
	endpoints_remove(ends, conn);
}

/* Of an attempt that failed, whom it was for: a host may have several addresses. */
static void say_target(const struct client *client, const struct endpoints_conn *conn,
		       struct call *call)
{
	char place[ADDRESS_PORT_TEXT_BYTES];

	ip_address_port_print(&client->targets[conn->target].ip, client->port, place);
	snprintf(call->detail, sizeof(call->detail), "to %s", place);
}

/* A connect() that was started has come to something, or its time is over. */
static void connected(struct endpoints *ends, struct endpoints_conn *conn)
{
	struct client *client = ends->command;
	int fd = conn->actor.fd;
	struct call call;

	if (call_connected(NULL, fd, 0, &call) < 0 && !conn->ready)
		call.error = ECANCELED; /* not the kernel: --connect-timeout */
	if (call.error)
		say_target(client, conn, &call);
	conn->sink.told(conn->sink.context, &call);
	if (call.error == 0) {
		endpoints_begin(conn, fd);
		return;
	}
	call_close(NULL, fd, NULL);
	conn->actor.fd = -1;
	conn->connecting = false;
	conn->shown = STATE_UNKNOWN;
	conn->target++;
	try_addresses(client, conn);
}

static void start_some(struct client *client)
{
	int64_t wanted = client->options.shared.count ? client->options.shared.count : 1;

	while (client->started < wanted && (int64_t)client->ends.count < client->options.at_once &&
	       client->err.kind == ERR_NONE && !endpoints_stopped(&client->ends)) {
		struct endpoints_conn *conn = endpoints_add(&client->ends);

		if (!conn) {
			err_set(&client->err, ERR_SYSTEM, "no memory for another connection");
			return;
		}
		client->started++;
		try_addresses(client, conn);
	}
}

static void run(struct client *client)
{
	struct endpoints *ends = &client->ends;

	start_some(client);
	while (ends->count > 0 && client->err.kind == ERR_NONE && !endpoints_stopped(ends)) {
		endpoints_wait(ends, -1, INT64_MAX);
		endpoints_act(ends);
		start_some(client);
	}
}

int cmd_client(int argc, char **argv)
{
	static struct client client; /* too large for a stack */
	struct err *err = &client.err;
	struct endpoints *ends = &client.ends;
	bool ok = parse(&client, &argc, argv, err);

	if (ok && client.options.shared.help)
		return 0;
	if (ok && resolve(&client, argv[1], argv[2], err) &&
	    endpoints_init(ends, &client.options.shared, action_list_has(&client.actions, "pipe"),
			   err)) {
		ends->actions = &client.actions;
		ends->connected = connected;
		ends->command = &client;
		run(&client);
		endpoints_summary(ends);
		out_finish(&ends->out, err);
	}
	ends->options = &client.options.shared;

	int status = endpoints_status(ends, "tcpwhy client", err);

	endpoints_clear(ends);
	return status;
}
