/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_LAB_LAB_TEST_H
#define TCPWHY_LAB_LAB_TEST_H

/* For the lab's tests: a case runs in a child process, because it moves to other namespaces. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/time.h"
#include "lab/net.h"

#define NOBODY	    65534
#define SKIPPED	    77
#define SERVER_PORT 7000

static inline void check(bool holds, const char *place, int line, const char *text)
{
	if (holds)
		return;
	fprintf(stderr, "%s:%d: not true: %s (errno %d)\n", place, line, text, errno);
	_exit(1);
}

/* Like assert, in the child of in_child(). */
#define CHECK(what) check((what), __FILE__, __LINE__, #what)

/* For what records an error. */
static inline void check_err(bool holds, const struct err *err, const char *place, int line)
{
	if (!holds)
		err_print(stderr, place, err);
	check(holds, place, line, "no error");
}

#define CHECK_ERR(what, err) check_err((what), (err), __FILE__, __LINE__)

/* One way to run the cases. */
struct setup {
	uid_t uid; /* 0: as whoever runs the test */
	struct net_options options;
};

static inline void become(uid_t uid)
{
	if (uid == 0)
		return;
	CHECK(setgroups(0, NULL) == 0 && setgid(uid) == 0 && setuid(uid) == 0);
	/* Else /proc/self belongs to root, and the user namespace's maps with it. */
	CHECK(prctl(PR_SET_DUMPABLE, 1) == 0);
}

static inline pid_t child_start(const struct setup *setup, void (*run)(const struct setup *setup))
{
	pid_t child = fork();

	if (child == 0) {
		alarm(60);
		become(setup->uid);
		run(setup);
		_exit(0);
	}
	return child;
}

static inline int child_end(pid_t child)
{
	int status = 0;

	if (child < 0 || waitpid(child, &status, 0) < 0)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Run a case as a user in a child process. Return: its exit status; SKIPPED when it says so. */
static inline int in_child(const struct setup *setup, void (*run)(const struct setup *setup))
{
	return child_end(child_start(setup, run));
}

static inline void sleep_ms(long ms)
{
	struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&pause, NULL);
}

/* The case's net; a back end that can't be had here ends the case as skipped. */
static inline void lab_open(struct net *net, const struct setup *setup)
{
	struct err err = { 0 };

	CHECK_ERR(net_open(net, &setup->options, &err), &err);
}

/* What a packet is, as far as the tests look. */
struct look {
	bool tcp;
	uint8_t flags;
	uint32_t seq, ack;
	size_t header_bytes, payload_bytes; /* of IP; of TCP */
	uint16_t mss;			    /* as the first option; 0: not */
};

static inline struct look look_at(const uint8_t *packet, size_t bytes)
{
	struct look out = { .tcp = false };
	struct cursor in = cursor_over(packet, bytes);
	uint8_t first = cursor_u8(&in);
	bool six = first >> 4 == 6;

	out.header_bytes = six ? 40 : (size_t)(first & 15) * 4;
	in = cursor_over(packet, bytes);
	cursor_skip(&in, six ? 6 : 9);
	out.tcp = cursor_u8(&in) == IPPROTO_TCP;
	in = cursor_over(packet, bytes);
	cursor_skip(&in, out.header_bytes + 4);
	out.seq = cursor_be32(&in);
	out.ack = cursor_be32(&in);
	size_t tcp_bytes = (cursor_u8(&in) >> 4) * 4u;

	out.flags = cursor_u8(&in);
	cursor_skip(&in, 6);
	out.mss = cursor_be16(&in) == 0x0204 ? cursor_be16(&in) : 0;
	out.payload_bytes = bytes - out.header_bytes - tcp_bytes;
	return out;
}

/* The wire's owner: asked for each packet; false: it is not passed on. */
struct owner {
	bool (*pass)(struct owner *owner, enum end from, const uint8_t *packet, size_t bytes);
	unsigned packets[ENDS]; /* that left an end */
	struct look last[ENDS];
	bool hold_from[ENDS]; /* pass nothing from this end */
	bool (*until)(struct owner *owner);
	int watched; /* for @until */
};

static inline bool relay_one(struct net *net, enum end from, struct owner *owner)
{
	static uint8_t packet[WIRE_PACKET_MOST];
	int64_t time_ns = 0;
	ssize_t bytes = wire_receive(net, from, packet, sizeof(packet), &time_ns);

	CHECK(bytes >= 0);
	if (bytes == 0)
		return false;
	owner->packets[from]++;
	owner->last[from] = look_at(packet, (size_t)bytes);
	if (owner->hold_from[from] ||
	    (owner->pass && !owner->pass(owner, from, packet, (size_t)bytes)))
		return true;
	CHECK(wire_send(net, from == END_CLIENT ? END_SERVER : END_CLIENT, packet, (size_t)bytes));
	return true;
}

/* Relay for some time, or until the owner says so. Return: whether it did. */
static inline bool relay(struct net *net, struct owner *owner, long ms)
{
	int64_t end_ns = time_now_ns(CLOCK_MONOTONIC) + ms * 1000000;

	do {
		struct pollfd wires[ENDS] = { { .fd = net->wire[0], .events = POLLIN },
					      { .fd = net->wire[1], .events = POLLIN } };

		while (relay_one(net, END_CLIENT, owner) || relay_one(net, END_SERVER, owner))
			;
		if (owner->until && owner->until(owner))
			return true;
		poll(wires, ENDS, 1);
	} while (time_now_ns(CLOCK_MONOTONIC) < end_ns);
	return false;
}

static inline socklen_t socket_address(const struct net *net, enum end end, uint16_t port,
				       struct sockaddr_storage *out)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };

	memset(out, 0, sizeof(*out));
	memcpy(&six.sin6_addr, net->address[end].bytes, 16);
	memcpy(&four.sin_addr, net->address[end].bytes + 12, 4);
	if (net->ipv6)
		memcpy(out, &six, sizeof(six));
	else
		memcpy(out, &four, sizeof(four));
	return net->ipv6 ? sizeof(six) : sizeof(four);
}

/* A non-blocking socket on a host. */
static inline int host_socket(const struct net *net, enum end end, int type)
{
	struct err err = { 0 };

	CHECK_ERR(net_enter(net, end, &err), &err);
	int fd = socket(net->ipv6 ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	CHECK_ERR(net_leave(net, &err), &err);
	CHECK(fd >= 0);
	return fd;
}

static inline int host_listen(const struct net *net, enum end end, int backlog)
{
	struct sockaddr_storage place;
	socklen_t bytes = socket_address(net, end, SERVER_PORT, &place);
	int fd = host_socket(net, end, SOCK_STREAM);
	const int on = 1;

	CHECK(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0);
	CHECK(bind(fd, (struct sockaddr *)&place, bytes) == 0 && listen(fd, backlog) == 0);
	return fd;
}

/* Start to connect from one end to the other's listener. */
static inline int host_connect(const struct net *net, enum end end)
{
	struct sockaddr_storage place;
	enum end other = end == END_CLIENT ? END_SERVER : END_CLIENT;
	socklen_t bytes = socket_address(net, other, SERVER_PORT, &place);
	int fd = host_socket(net, end, SOCK_STREAM);

	CHECK(connect(fd, (struct sockaddr *)&place, bytes) == 0 || errno == EINPROGRESS);
	return fd;
}

static inline bool is_ready(int fd, short events)
{
	struct pollfd one = { .fd = fd, .events = events };

	return poll(&one, 1, 0) == 1;
}

static inline bool until_readable(struct owner *owner)
{
	return is_ready(owner->watched, POLLIN);
}

/* Accept what the relay brings. */
static inline int host_accept(struct net *net, int listener, struct owner *owner)
{
	owner->until = until_readable;
	owner->watched = listener;
	CHECK(relay(net, owner, 500));
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	CHECK(fd >= 0);
	owner->until = NULL;
	return fd;
}

#endif /* TCPWHY_LAB_LAB_TEST_H */
