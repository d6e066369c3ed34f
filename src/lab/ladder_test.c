/* SPDX-License-Identifier: BSD-2-Clause */
/* Argument: the path of tests/refuse. With --ladder WISH: only say what net_open() does here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sched.h>
#include <sys/stat.h>

#include "lab/lab_test.h"

static const char *refuse_path, *own_path;

static void impossible_mtu_is_a_usage_error(void **state)
{
	struct net net;
	const struct net_options options = { .wish = NET_VETH, .ipv6 = true, .mtu_bytes = 1000 };
	struct err err = { 0 };

	(void)state;
	assert_false(net_open(&net, &options, &err));
	assert_int_equal(err.kind, ERR_USAGE);
	net_close(&net);
}

static void loopback_case(const struct setup *setup)
{
	const struct net_options options = { .wish = NET_LOOPBACK, .ipv6 = setup->options.ipv6 };
	struct net net;
	struct err err = { 0 };
	uint8_t packet[64] = { 0x45 };
	int64_t time_ns;

	CHECK(net_open(&net, &options, &err) && net.backend == NET_LOOPBACK);
	int listener = host_listen(&net, END_SERVER, 4);
	int active = host_connect(&net, END_CLIENT);

	CHECK(is_ready(active, POLLOUT) && is_ready(listener, POLLIN));
	CHECK(wire_receive(&net, END_CLIENT, packet, sizeof(packet), &time_ns) == 0);
	CHECK(!wire_send(&net, END_CLIENT, packet, sizeof(packet)) && errno == ENOTCONN);
	CHECK(net_set(&net, END_SERVER, "ipv4.tcp_retries2", "5", &err) == NET_SETTING_MISSING);
	CHECK(net_defaults(&net, END_SERVER, &err) && net_dropped(&net) == 0);
	CHECK(!net_reboot(&net, END_SERVER, &err) && err.kind == ERR_SYSTEM);
	net_close(&net);
}

/* Only IPv4: not every machine has ::1. */
static void loopback_has_no_wire(void **state)
{
	const struct setup setup = { .uid = 0 };

	(void)state;
	assert_int_equal(in_child(&setup, loopback_case), 0);
}

struct ladder {
	uid_t uid; /* 0: as who runs it */
	const char *refused, *wish;
	const char *says, *says_too; /* parts of the answer; "home": the process has not moved */
};

/* As root in a container: no packet socket, but TUN; as a user: neither. */
static const struct ladder ladders[] = {
	{ NOBODY, "newuser", "auto",
	  "loopback only, segments are not seen: user namespaces are refused (EPERM: ", "home" },
	{ NOBODY, "newuser", "veth", "failed", "user namespaces are refused (EPERM: " },
	{ NOBODY, "newuser", "tun", "user namespaces are refused (EPERM: ", "try: " },
	{ NOBODY, "newnet", "auto", "loopback only", "network namespaces are refused (EPERM: " },
	{ 0, "unshare", "auto", "loopback only", "user namespaces are refused (EPERM: " },
	{ NOBODY, "packet", "auto", "packet sockets are refused (EPERM: ", "" },
	{ NOBODY, "netlink", "auto", "a netlink socket is refused (EPERM: ", "home" },
	{ 0, "packet", "veth", "failed", "packet sockets are refused (EPERM: " },
	{ 0, "setns", "auto", "loopback only", "a network namespace is refused (EPERM: " },
	{ NOBODY, "bpf", "auto", "veth between private namespaces, no privileges needed\n", "" },
};

/* Run this program again behind refuse and take what it says. */
static void ladder_run(const struct ladder *ladder, char *said, size_t room)
{
	int pair[2], status;
	size_t length = 0;

	assert_int_equal(pipe(pair), 0);
	pid_t child = fork();

	if (child == 0) {
		if (geteuid() == 0)
			become(ladder->uid);
		dup2(pair[1], STDOUT_FILENO);
		execl(refuse_path, refuse_path, ladder->refused, "--", own_path, "--ladder",
		      ladder->wish, (char *)NULL);
		_exit(2);
	}
	close(pair[1]);
	for (ssize_t bytes = 1; bytes > 0; length += bytes > 0 ? (size_t)bytes : 0)
		bytes = read(pair[0], said + length, room - 1 - length);
	said[length] = '\0';
	close(pair[0]);
	waitpid(child, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void refusals_are_told_and_the_next_is_tried(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ladders) / sizeof(ladders[0]); i++) {
		char said[2048];

		ladder_run(&ladders[i], said, sizeof(said));
		if (!strstr(said, ladders[i].says) || !strstr(said, ladders[i].says_too) ||
		    strstr(said, "; user")) /* the same reason twice */
			fail_msg("refuse %s, wish %s: %s", ladders[i].refused, ladders[i].wish,
				 said);
	}
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

/* A user namespace in which no more may be made, and in which we are not root. */
static void no_namespaces_left(const struct setup *setup)
{
	struct net net;
	struct err err = { 0 };
	char map[48];

	snprintf(map, sizeof(map), "1000 %u 1", (unsigned)geteuid());
	if (unshare(CLONE_NEWUSER) < 0)
		_exit(SKIPPED);
	write_file("/proc/self/uid_map", map);
	write_file("/proc/sys/user/max_user_namespaces", "0");
	CHECK(net_open(&net, &setup->options, &err) && net.backend == NET_LOOPBACK);
	CHECK(strcmp(net.why, "loopback only, segments are not seen: user namespaces are refused "
			      "(ENOSPC: user.max_user_namespaces is 0)") == 0);
	net_close(&net);
}

static void no_user_namespaces_left_is_told(void **state)
{
	const struct setup setup = { .uid = geteuid() == 0 ? NOBODY : 0 };

	(void)state;
	assert_int_equal(in_child(&setup, no_namespaces_left), 0);
}

/* What --ladder prints. */
static int ladder_print(const char *wish)
{
	struct net net;
	struct net_options options = { .wish = NET_AUTO };
	struct err err = { 0 };
	struct stat before, after;

	prctl(PR_SET_DUMPABLE, 1);
	for (enum net_backend backend = NET_AUTO; backend < NET_BACKENDS; backend++) {
		if (strcmp(wish, net_backend_name(backend)) == 0)
			options.wish = backend;
	}
	stat("/proc/self/ns/net", &before);
	if (net_open(&net, &options, &err))
		printf("%s\n", net.why);
	else
		printf("failed\n");
	err_print(stdout, "net-test", &err);
	stat("/proc/self/ns/net", &after);
	if (before.st_ino == after.st_ino)
		printf("home\n");
	net_close(&net);
	return 0;
}

static void can_open(const struct setup *setup)
{
	struct net net;
	struct err err = { 0 };

	if (net_open(&net, &setup->options, &err))
		return;
	printf("skipped: forced refusals, because of a real one: %s\n", err.what);
	fflush(stdout);
	_exit(SKIPPED);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest everywhere[] = {
		cmocka_unit_test(impossible_mtu_is_a_usage_error),
		cmocka_unit_test(loopback_has_no_wire),
	};
	const struct CMUnitTest forced[] = {
		cmocka_unit_test(refusals_are_told_and_the_next_is_tried),
		cmocka_unit_test(no_user_namespaces_left_is_told),
	};
	const struct setup user = { .uid = geteuid() == 0 ? NOBODY : 0,
				    .options = { .wish = NET_VETH } };

	if (argc == 3 && strcmp(argv[1], "--ladder") == 0)
		return ladder_print(argv[2]);
	own_path = argv[0];
	refuse_path = argc > 1 ? argv[1] : "refuse";
	int failed = cmocka_run_group_tests(everywhere, NULL, NULL);

	if (failed != 0)
		return failed;
	if (in_child(&user, can_open) != 0)
		return SKIPPED;
	return cmocka_run_group_tests(forced, NULL, NULL);
}
