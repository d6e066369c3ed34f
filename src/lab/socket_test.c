/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/options.h"
#include "base/time.h"
#include "lab/duration.h"
#include "lab/socket.h"

/* The calls told, in order: what a program of the lab would record. */
struct heard {
	size_t count;
	struct call calls[32];
};

static void hear(void *context, const struct call *call)
{
	struct heard *heard = context;

	assert_true(heard->count < 32);
	heard->calls[heard->count++] = *call;
}

static const struct ip_address loopback4 = { .bytes = { [10] = 0xff, [11] = 0xff, 127, 0, 0, 1 } };

static void every_errno_has_its_name_and_back(void **state)
{
	(void)state;
	assert_string_equal(errno_name(ECONNRESET), "ECONNRESET");
	assert_string_equal(errno_name(EPIPE), "EPIPE");
	assert_string_equal(errno_name(EAGAIN), "EAGAIN");
	assert_string_equal(errno_name(EHWPOISON), "EHWPOISON");
	assert_string_equal(errno_name(0), "EUNKNOWN");
	assert_string_equal(errno_name(41), "EUNKNOWN");
	assert_string_equal(errno_name(-1), "EUNKNOWN");
	assert_string_equal(errno_name(100000), "EUNKNOWN");
	for (int i = 1; i < 134; i++) {
		const char *name = errno_name(i);

		if (i == 41 || i == 58) /* Linux gives these to none */
			continue;
		assert_string_not_equal(name, "EUNKNOWN");
		assert_int_equal(errno_number(name, strlen(name)), i);
	}
	assert_int_equal(errno_number("EWOULDBLOCK", 11), EAGAIN);
	assert_int_equal(errno_number("ECONNRESETS", 10), ECONNRESET); /* only so many characters */
	assert_int_equal(errno_number("ECONNRESE", 9), 0);
	assert_int_equal(errno_number("EUNKNOWN", 8), 0);
	assert_int_equal(errno_number("", 0), 0);
	assert_string_equal(options_nearest("ECONRESET", errno_name_at, NULL), "ECONNRESET");
}

#ifdef __GLIBC__
static void errno_names_are_those_of_the_c_library(void **state)
{
	(void)state;
	for (int i = 1; i < 134; i++)
		if (strerrorname_np(i) && i != EOPNOTSUPP)
			assert_string_equal(errno_name(i), strerrorname_np(i));
}
#endif

static void the_same_error_means_something_else_per_call(void **state)
{
	(void)state;
	assert_non_null(strstr(errno_meaning(ETIMEDOUT, "connect"), "SYN"));
	assert_non_null(strstr(errno_meaning(ETIMEDOUT, "recv"), "stopped answering"));
	assert_non_null(strstr(errno_meaning(ECONNREFUSED, "connect"), "nothing listens"));
	assert_string_not_equal(errno_meaning(EADDRINUSE, "bind"),
				errno_meaning(EADDRINUSE, "connect"));
	assert_non_null(strstr(errno_meaning(EMFILE, "accept"), "ulimit"));
	assert_string_equal(errno_meaning(EXDEV, "connect"), "");
}

static bool parses(const char *text, struct socket_setting *setting)
{
	return socket_setting_parse(text, strlen(text), setting, NULL);
}

static void settings_are_read_and_written_back(void **state)
{
	static const struct {
		const char *in, *out; /* NULL: the same */
		unsigned count;
		int64_t values[3];
	} cases[] = {
		{ "keepalive 1 2 3", NULL, 3, { 1, 2, 3 } },
		{ "linger 0", NULL, 1, { 0 } },
		{ "linger2 -1", NULL, 1, { -1 } },
		{ "user-timeout 300ms", NULL, 1, { 300 } },
		{ "user-timeout 1.5s", "user-timeout 1500ms", 1, { 1500 } },
		{ "nodelay", NULL, 1, { 1 } },
		{ "nodelay 1", "nodelay", 1, { 1 } },
		{ "quickack 0", NULL, 1, { 0 } },
		{ "  rcvbuf   4096 ", "rcvbuf 4096", 1, { 4096 } },
		{ "mptcp", NULL, 0, { 0 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct socket_setting setting;
		char text[SOCKET_SETTING_TEXT_BYTES];

		assert_true(parses(cases[i].in, &setting));
		assert_int_equal(setting.value_count, cases[i].count);
		for (unsigned v = 0; v < setting.value_count; v++)
			assert_int_equal(setting.values[v], cases[i].values[v]);
		socket_setting_print(&setting, text);
		assert_string_equal(text, cases[i].out ? cases[i].out : cases[i].in);
	}
}

static void wrong_settings_are_refused_with_advice(void **state)
{
	static const struct {
		const char *in, *what, *fix;
	} cases[] = {
		{ "keepaliv 1 1 3", "keepaliv", "did you mean keepalive?" },
		{ "xyzzy", "xyzzy", "--help" },
		{ "", "''", "--help" },
		{ "keepalive 1 1", "missing", "IDLE INTERVAL COUNT" },
		{ "keepalive 0 1 1", "'0'", "from 1" },
		{ "keepalive 1 1 128", "'128'", "to 127" },
		{ "keepalive 1 1 3 4", "'4' is too much", "IDLE" },
		{ "linger", "missing", "SECONDS" },
		{ "linger -1", "'-1'", "from 0" },
		{ "linger 1x", "'1x'", "SECONDS" },
		{ "user-timeout 300", "'300'", "300ms" },
		{ "nodelay 2", "'2'", "nodelay 0" },
		{ "mptcp 1", "too much", "mptcp" },
		{ "rcvbuf 99999999999999999999", "9999", "from 0" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct socket_setting setting;
		struct err err = { .kind = ERR_NONE };

		assert_false(
			socket_setting_parse(cases[i].in, strlen(cases[i].in), &setting, &err));
		assert_int_equal(err.kind, ERR_USAGE);
		assert_non_null(strstr(err.what, cases[i].what));
		assert_non_null(strstr(err.fix, cases[i].fix));
	}
}

static void time_spans_want_their_unit(void **state)
{
	static const struct {
		const char *in;
		int64_t ns; /* -1: refused */
	} cases[] = {
		{ "300ms", 300 * NSEC_PER_MSEC },
		{ "1.5s", 1500 * NSEC_PER_MSEC },
		{ ".5s", 500 * NSEC_PER_MSEC },
		{ "2m", 120 * NSEC_PER_SEC },
		{ "1.5h", 5400 * NSEC_PER_SEC },
		{ "0.000000001s", 1 },
		{ "10us", 10000 },
		{ "0", 0 },
		{ "5", -1 },
		{ "s", -1 },
		{ "", -1 },
		{ "-1s", -1 },
		{ "1 s", -1 },
		{ "1sec", -1 },
		{ "99999999999999999999s", -1 },
		{ "9000000000h", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t ns = -1;

		assert_int_equal(duration_parse(cases[i].in, strlen(cases[i].in), &ns),
				 cases[i].ns >= 0);
		assert_int_equal(ns, cases[i].ns);
	}
}

/* A listener on loopback, a client connected to it, and the accepted socket. */
struct pair {
	struct heard heard;
	struct call_sink sink;
	int listener, client, server;
	uint16_t port;
};

static void open_pair(struct pair *pair)
{
	struct call call;

	memset(pair, 0, sizeof(*pair));
	pair->sink = (struct call_sink){ .told = hear, .context = &pair->heard };
	pair->listener = call_socket(&pair->sink, &loopback4, false, NULL);
	assert_true(pair->listener >= 0);
	assert_int_equal(call_bind(&pair->sink, pair->listener, &loopback4, 0, &call), 0);
	pair->port = call.local_port;
	assert_true(pair->port > 0);
	assert_int_equal(call_listen(&pair->sink, pair->listener, 5, &call), 0);
	assert_int_equal(call.state, STATE_LISTEN);
	pair->client = call_socket(&pair->sink, &loopback4, false, NULL);
	assert_int_equal(call_connect(&pair->sink, pair->client, &loopback4, pair->port, -1, &call),
			 0);
	assert_int_equal(call.state, STATE_ESTABLISHED);
	assert_int_equal(call.remote_port, pair->port);

	uint16_t client_port = call.local_port;

	pair->server = call_accept(&pair->sink, pair->listener, &call);
	assert_true(pair->server >= 0);
	assert_int_equal(call.fd, pair->server);
	assert_int_equal(call.remote_port, client_port);
	assert_int_equal(call.local_port, pair->port);
	assert_true(ip_address_equal(&call.remote, &loopback4));
}

static void a_connection_is_told_call_by_call(void **state)
{
	static const char *const names[] = { "socket",	 "bind",   "listen", "socket",
					     "connect",	 "accept", "send",   "recv",
					     "shutdown", "recv",   "close",  "close" };
	struct pair pair;
	struct call call;
	char buffer[16], text[CALL_TEXT_BYTES];

	(void)state;
	open_pair(&pair);
	assert_int_equal(call_send(&pair.sink, pair.client, "he\"lo", 5, false, NULL), 5);
	assert_int_equal(call_recv(&pair.sink, pair.server, buffer, sizeof(buffer), false, NULL),
			 5);
	assert_int_equal(call_send(NULL, pair.server, "a\0b", 3, false, &call), 3);
	assert_string_equal(call.detail, "3 bytes"); /* no text: not shown */
	assert_int_equal(call_recv(NULL, pair.client, buffer, sizeof(buffer), false, NULL), 3);
	assert_int_equal(call_shutdown(&pair.sink, pair.client, SHUT_WR, &call), 0);
	assert_int_equal(call.before, STATE_ESTABLISHED);
	assert_int_equal(call_recv(&pair.sink, pair.server, buffer, sizeof(buffer), false, NULL),
			 0);
	assert_int_equal(call_close(&pair.sink, pair.server, NULL), 0);
	assert_int_equal(call_close(&pair.sink, pair.client, NULL), 0);
	assert_int_equal(pair.heard.count, sizeof(names) / sizeof(names[0]));
	for (size_t i = 0; i < pair.heard.count; i++) {
		assert_string_equal(pair.heard.calls[i].name, names[i]);
		assert_int_equal(pair.heard.calls[i].error, 0);
		assert_true(pair.heard.calls[i].start_ns <= pair.heard.calls[i].end_ns);
	}
	assert_string_equal(pair.heard.calls[7].detail, "5 bytes \"he\\\"lo\"");
	assert_int_equal(pair.heard.calls[9].state, STATE_CLOSE_WAIT);
	assert_int_equal(pair.heard.calls[10].state, STATE_UNKNOWN);
	call_print(&pair.heard.calls[9], text);
	assert_string_equal(text, "recv end of file: the peer sends no more");
	close(pair.listener);
}

static void an_abort_resets_the_peer(void **state)
{
	struct pair pair;
	struct call call;
	char buffer[16], text[CALL_TEXT_BYTES];

	(void)state;
	open_pair(&pair);
	assert_int_equal(call_abort(&pair.sink, pair.server, NULL), 0);
	errno = 0;
	assert_int_equal(call_recv(NULL, pair.client, buffer, sizeof(buffer), false, &call), -1);
	assert_int_equal(errno, ECONNRESET);
	assert_int_equal(call.error, ECONNRESET);
	assert_int_equal(call.state, STATE_CLOSED);
	call_print(&call, text);
	assert_non_null(strstr(text, "recv: ECONNRESET, the peer reset"));
	assert_int_equal(call_send(NULL, pair.client, "x", 1, false, &call), -1);
	assert_int_equal(call.error, EPIPE);
	assert_int_equal(call_recv(NULL, pair.client, buffer, sizeof(buffer), false, &call), 0);
	call_close(NULL, pair.client, NULL);
	close(pair.listener);
}

static void closing_with_unread_data_says_so(void **state)
{
	struct pair pair;
	struct call call;
	char buffer[4];

	(void)state;
	open_pair(&pair);
	assert_int_equal(call_send(NULL, pair.client, "hello", 5, false, NULL), 5);
	assert_int_equal(call_recv(NULL, pair.server, buffer, 2, false, NULL), 2);
	assert_int_equal(call_close(NULL, pair.server, &call), 0);
	assert_non_null(strstr(call.detail, "3 bytes unread: the kernel resets"));
	assert_int_equal(call_recv(NULL, pair.client, buffer, 4, false, &call), -1);
	assert_int_equal(call.error, ECONNRESET);
	call_close(NULL, pair.client, NULL);
	close(pair.listener);
}

static void a_refused_connect_in_all_three_ways(void **state)
{
	struct pair pair;
	struct call call;

	(void)state;
	open_pair(&pair);
	close(pair.client);
	close(pair.server);
	close(pair.listener);
	for (int way = 0; way < 3; way++) {
		int fd = call_socket(NULL, &loopback4, false, NULL);
		int64_t timeout_ns = way == 0 ? -1 : way == 1 ? 5 * NSEC_PER_SEC : 0;
		int result = call_connect(NULL, fd, &loopback4, pair.port, timeout_ns, &call);

		if (way == 2 &&
		    result == 0) /* not on loopback, where the answer is there at once */
			result = call_connected(NULL, fd, -1, &call);
		assert_int_equal(result, -1);
		assert_int_equal(call.error, ECONNREFUSED);
		close(fd);
	}
}

static int read_int(int fd, int level, int option)
{
	int value = -1;
	socklen_t length = sizeof(value);

	assert_int_equal(getsockopt(fd, level, option, &value, &length), 0);
	return value;
}

static void settings_reach_the_kernel(void **state)
{
	static const char *const texts[] = { "keepalive 7 8 9", "user-timeout 300ms", "nodelay",
					     "reuseaddr",	"syncnt 2",	      "linger 5" };
	struct call call;
	struct linger linger;
	socklen_t length = sizeof(linger);
	int fd = call_socket(NULL, &loopback4, false, NULL);
	struct socket_setting setting;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_true(parses(texts[i], &setting));
		assert_int_equal(call_set(NULL, fd, &setting, &call), 0);
		assert_string_equal(call.detail, texts[i]);
	}
	assert_int_equal(read_int(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
	assert_int_equal(read_int(fd, IPPROTO_TCP, TCP_KEEPIDLE), 7);
	assert_int_equal(read_int(fd, IPPROTO_TCP, TCP_KEEPINTVL), 8);
	assert_int_equal(read_int(fd, IPPROTO_TCP, TCP_KEEPCNT), 9);
	assert_int_equal(read_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 300);
	assert_int_equal(read_int(fd, IPPROTO_TCP, TCP_NODELAY), 1);
	assert_int_equal(read_int(fd, IPPROTO_TCP, TCP_SYNCNT), 2);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &length), 0);
	assert_int_equal(linger.l_onoff, 1);
	assert_int_equal(linger.l_linger, 5);
	assert_true(parses("mptcp", &setting));
	assert_int_equal(call_set(NULL, fd, &setting, &call), -1);
	assert_int_equal(call.error, EISCONN);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_errno_has_its_name_and_back),
#ifdef __GLIBC__
		cmocka_unit_test(errno_names_are_those_of_the_c_library),
#endif
		cmocka_unit_test(the_same_error_means_something_else_per_call),
		cmocka_unit_test(settings_are_read_and_written_back),
		cmocka_unit_test(wrong_settings_are_refused_with_advice),
		cmocka_unit_test(time_spans_want_their_unit),
		cmocka_unit_test(a_connection_is_told_call_by_call),
		cmocka_unit_test(an_abort_resets_the_peer),
		cmocka_unit_test(closing_with_unread_data_says_so),
		cmocka_unit_test(a_refused_connect_in_all_three_ways),
		cmocka_unit_test(settings_reach_the_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
