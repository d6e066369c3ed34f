/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "base/time.h"
#include "lab/diag.h"
#include "tcp/address.h"

/* Newer than the headers of some systems. Source: include/uapi/linux/in.h */
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

#define PREVIEW_BYTES 32 /* of data, in the detail */

static struct call begin(const char *name, int fd)
{
	return (struct call){
		.name = name, .fd = fd, .result = -1, .start_ns = time_now_ns(CLOCK_REALTIME)
	};
}

/* Note what came of the call, tell it, and leave errno as the call left it. */
static int64_t finish(const struct call_sink *sink, struct call *made, int64_t result,
		      struct call *wanted)
{
	made->error = result < 0 ? errno : 0;
	made->result = result;
	made->end_ns = time_now_ns(CLOCK_REALTIME);
	if (made->fd >= 0)
		made->state = socket_state(made->fd);
	if (sink && sink->told)
		sink->told(sink->context, made);
	if (wanted)
		*wanted = *made;
	errno = made->error;
	return result;
}

static struct text detail_of(struct call *call)
{
	return text_over(call->detail, sizeof(call->detail));
}

enum tcp_state socket_state(int fd)
{
	struct tcp_info info = { .tcpi_state = 0 };
	socklen_t length = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0)
		return STATE_UNKNOWN;
	return diag_state(info.tcpi_state);
}

/* Source: tcp_get_info() in net/ipv4/tcp.c: a listener's queue stands in two other fields. */
bool socket_queue(int fd, unsigned *waiting, unsigned *backlog)
{
	struct tcp_info info = { .tcpi_state = 0 };
	socklen_t length = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0 ||
	    info.tcpi_state != TCP_LISTEN)
		return false;
	*waiting = info.tcpi_unacked;
	*backlog = info.tcpi_sacked;
	return true;
}

union any_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t address_to_system(const struct ip_address *ip, uint16_t port,
				   union any_address *out)
{
	memset(out, 0, sizeof(*out));
	if (ip_address_is_v4(ip)) {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = htons(port);
		memcpy(&out->v4.sin_addr, ip->bytes + 12, 4);
		return sizeof(out->v4);
	}
	out->v6.sin6_family = AF_INET6;
	out->v6.sin6_port = htons(port);
	memcpy(&out->v6.sin6_addr, ip->bytes, 16);
	return sizeof(out->v6);
}

static void address_from_system(const union any_address *in, struct ip_address *ip, uint16_t *port)
{
	if (in->any.sa_family == AF_INET) {
		uint8_t four[4];

		memcpy(four, &in->v4.sin_addr, 4);
		*ip = ip_address_v4(four);
		*port = ntohs(in->v4.sin_port);
	} else if (in->any.sa_family == AF_INET6) {
		memcpy(ip->bytes, &in->v6.sin6_addr, 16);
		*port = ntohs(in->v6.sin6_port);
	}
}

/* Both addresses, as far as the socket has them. */
static void learn_addresses(struct call *call, int fd)
{
	union any_address address = { .any = { .sa_family = AF_UNSPEC } };
	socklen_t length = sizeof(address);

	if (getsockname(fd, &address.any, &length) == 0)
		address_from_system(&address, &call->local, &call->local_port);
	length = sizeof(address);
	if (getpeername(fd, &address.any, &length) == 0)
		address_from_system(&address, &call->remote, &call->remote_port);
}

static void say_local(struct call *call)
{
	char text[ADDRESS_PORT_TEXT_BYTES];
	struct text detail = detail_of(call);

	ip_address_port_print(&call->local, call->local_port, text);
	text_add(&detail, "%s", text);
}

static void say_both(struct call *call, bool peer_first)
{
	char local[ADDRESS_PORT_TEXT_BYTES], remote[ADDRESS_PORT_TEXT_BYTES];
	struct text detail = detail_of(call);

	ip_address_port_print(&call->local, call->local_port, local);
	ip_address_port_print(&call->remote, call->remote_port, remote);
	if (call->local_port == 0) /* not known yet, or the call failed before it was chosen */
		text_add(&detail, "to %s", remote);
	else
		text_add(&detail, "%s -> %s", peer_first ? remote : local,
			 peer_first ? local : remote);
}

int call_socket(const struct call_sink *sink, const struct ip_address *family_of, bool mptcp,
		struct call *call)
{
	bool v4 = ip_address_is_v4(family_of);
	struct call made = begin("socket", -1);
	struct text detail = detail_of(&made);
	int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC,
			mptcp ? IPPROTO_MPTCP : IPPROTO_TCP);

	text_add(&detail, "%s%s", v4 ? "IPv4" : "IPv6", mptcp ? ", Multipath TCP" : "");
	made.fd = fd;
	return (int)finish(sink, &made, fd, call);
}

static int set_int(int fd, int level, int option, int64_t value)
{
	int number = (int)value;

	return setsockopt(fd, level, option, &number, sizeof(number));
}

static int set_keepalive(int fd, const struct socket_setting *setting)
{
	if (set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, setting->values[0]) < 0 ||
	    set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, setting->values[1]) < 0 ||
	    set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, setting->values[2]) < 0)
		return -1;
	return set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

static int set_linger(int fd, int64_t seconds)
{
	struct linger linger = { .l_onoff = 1, .l_linger = (int)seconds };

	return setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

static int apply(int fd, const struct socket_setting *setting)
{
	size_t count;
	const struct socket_option *option = &socket_options_list(&count)[setting->option];

	switch (option->form) {
	case SOCKET_SWITCH:
	case SOCKET_INTEGER:
	case SOCKET_MILLISECONDS:
		return set_int(fd, option->level, option->option, setting->values[0]);
	case SOCKET_LINGER:
		return set_linger(fd, setting->values[0]);
	case SOCKET_KEEPALIVE:
		return set_keepalive(fd, setting);
	case SOCKET_CREATION:
		break;
	}
	errno = EISCONN;
	return -1;
}

int call_set(const struct call_sink *sink, int fd, const struct socket_setting *setting,
	     struct call *call)
{
	struct call made = begin("set", fd);

	socket_setting_print(setting, made.detail);
	return (int)finish(sink, &made, apply(fd, setting), call);
}

int call_bind(const struct call_sink *sink, int fd, const struct ip_address *ip, uint16_t port,
	      struct call *call)
{
	union any_address address;
	socklen_t length = address_to_system(ip, port, &address);
	struct call made = begin("bind", fd);
	int result = bind(fd, &address.any, length), error = errno;

	made.local = *ip;
	made.local_port = port;
	if (result == 0)
		learn_addresses(&made, fd);
	say_local(&made);
	errno = error;
	return (int)finish(sink, &made, result, call);
}

int call_listen(const struct call_sink *sink, int fd, int backlog, struct call *call)
{
	struct call made = begin("listen", fd);
	int result = listen(fd, backlog), error = errno;

	learn_addresses(&made, fd);
	say_local(&made);

	size_t used = strlen(made.detail);
	struct text rest = text_over(made.detail + used, sizeof(made.detail) - used);

	text_add(&rest, ", backlog %d", backlog);
	errno = error;
	return (int)finish(sink, &made, result, call);
}

int call_accept(const struct call_sink *sink, int fd, struct call *call)
{
	struct call made = begin("accept", fd);
	union any_address peer = { .any = { .sa_family = AF_UNSPEC } };
	socklen_t length;
	int accepted;

	do {
		length = sizeof(peer);
		accepted = accept4(fd, &peer.any, &length, SOCK_CLOEXEC);
	} while (accepted < 0 && errno == EINTR);

	int error = errno;

	if (accepted >= 0) {
		made.fd = accepted;
		learn_addresses(&made, accepted);
		address_from_system(&peer, &made.remote,
				    &made.remote_port); /* also if reset by now */
		say_both(&made, true);
	}
	errno = error;
	return (int)finish(sink, &made, accepted, call);
}

/* Wait for what a connect() that was started comes to. Return: 0, or -1 with errno. */
static int await_connect(int fd, int64_t timeout_ns)
{
	struct pollfd waits = { .fd = fd, .events = POLLOUT };
	int64_t until_ns = time_now_ns(CLOCK_MONOTONIC) + timeout_ns;
	int ready;

	do {
		int64_t left_ns = until_ns - time_now_ns(CLOCK_MONOTONIC);
		struct timespec left = { .tv_sec = left_ns / NSEC_PER_SEC,
					 .tv_nsec = left_ns % NSEC_PER_SEC };

		if (timeout_ns >= 0 && left_ns <= 0)
			left = (struct timespec){ .tv_sec = 0 };
		ready = ppoll(&waits, 1, timeout_ns < 0 ? NULL : &left, NULL);
	} while (ready < 0 && errno == EINTR);
	if (ready < 0)
		return -1;
	if (ready == 0) {
		errno = timeout_ns == 0 ? EINPROGRESS : ECANCELED;
		return -1;
	}

	int error = 0;
	socklen_t length = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
		return -1;
	errno = error;
	return error ? -1 : 0;
}

/* connect() that waits for so long; the descriptor's mode is put back. */
static int connect_within(int fd, const union any_address *to, socklen_t length, int64_t timeout_ns)
{
	int mode = fcntl(fd, F_GETFL);

	if (mode < 0)
		return -1;
	if (timeout_ns >= 0 && fcntl(fd, F_SETFL, mode | O_NONBLOCK) < 0)
		return -1;

	int result = connect(fd, &to->any, length);

	if (result < 0 && errno == EINPROGRESS && timeout_ns == 0)
		result = 0;
	else if (result < 0 && (errno == EINPROGRESS || errno == EINTR))
		result = await_connect(fd, timeout_ns);

	int error = errno;

	fcntl(fd, F_SETFL, mode);
	errno = error;
	return result;
}

int call_connect(const struct call_sink *sink, int fd, const struct ip_address *ip, uint16_t port,
		 int64_t timeout_ns, struct call *call)
{
	union any_address address;
	socklen_t length = address_to_system(ip, port, &address);
	struct call made = begin("connect", fd);
	int result = connect_within(fd, &address, length, timeout_ns), error = errno;

	learn_addresses(&made, fd);
	made.remote = *ip;
	made.remote_port = port;
	say_both(&made, false);
	errno = error;
	return (int)finish(sink, &made, result, call);
}

int call_connected(const struct call_sink *sink, int fd, int64_t timeout_ns, struct call *call)
{
	struct call made = begin("connect", fd);
	int result = await_connect(fd, timeout_ns), error = errno;

	learn_addresses(&made, fd);
	if (result == 0)
		say_both(&made, false);
	errno = error;
	return (int)finish(sink, &made, result, call);
}

ssize_t call_connect_fast(const struct call_sink *sink, int fd, const struct ip_address *ip,
			  uint16_t port, const void *data, size_t bytes, struct call *call)
{
	union any_address address;
	socklen_t length = address_to_system(ip, port, &address);
	struct call made = begin("connect", fd);
	ssize_t result;

	do {
		result = sendto(fd, data, bytes, MSG_FASTOPEN | MSG_NOSIGNAL, &address.any, length);
	} while (result < 0 && errno == EINTR);

	int error = errno;

	learn_addresses(&made, fd);
	made.remote = *ip;
	made.remote_port = port;
	say_both(&made, false);

	size_t used = strlen(made.detail);
	struct text rest = text_over(made.detail + used, sizeof(made.detail) - used);

	text_add(&rest, ", fast open with %zu bytes", bytes);
	errno = error;
	return (ssize_t)finish(sink, &made, result, call);
}

static bool is_text(uint8_t byte)
{
	return (byte >= 0x20 && byte <= 0x7e) || byte == '\r' || byte == '\n' || byte == '\t';
}

/* The beginning of data, where it is text that people can read. */
static void add_preview(struct text *detail, const uint8_t *data, size_t bytes)
{
	size_t shown = bytes < PREVIEW_BYTES ? bytes : PREVIEW_BYTES;

	for (size_t i = 0; i < shown; i++)
		if (!is_text(data[i]))
			return;
	text_add(detail, " ");
	text_add_quoted(detail, data, shown);
	if (shown < bytes)
		text_add(detail, "...");
}

static void say_bytes(struct call *call, const uint8_t *data, int64_t bytes)
{
	struct text detail = detail_of(call);

	text_add(&detail, "%" PRId64 " byte%s", bytes, bytes == 1 ? "" : "s");
	if (bytes > 0)
		add_preview(&detail, data, (size_t)bytes);
}

ssize_t call_send(const struct call_sink *sink, int fd, const void *data, size_t bytes, bool nowait,
		  struct call *call)
{
	struct call made = begin("send", fd);
	ssize_t result;

	do {
		result = send(fd, data, bytes, MSG_NOSIGNAL | (nowait ? MSG_DONTWAIT : 0));
	} while (result < 0 && errno == EINTR);

	int error = errno;

	if (result >= 0)
		say_bytes(&made, data, result);
	if (result >= 0 && (size_t)result < bytes) {
		size_t used = strlen(made.detail);
		struct text rest = text_over(made.detail + used, sizeof(made.detail) - used);

		text_add(&rest, ", of %zu", bytes);
	}
	errno = error;
	return (ssize_t)finish(sink, &made, result, call);
}

ssize_t call_recv(const struct call_sink *sink, int fd, void *data, size_t room, bool nowait,
		  struct call *call)
{
	struct call made = begin("recv", fd);
	ssize_t result;

	do {
		result = recv(fd, data, room, nowait ? MSG_DONTWAIT : 0);
	} while (result < 0 && errno == EINTR);

	int error = errno;

	if (result > 0 || (result == 0 && room == 0))
		say_bytes(&made, data, result);
	else if (result == 0)
		strcpy(made.detail, "end of file: the peer sends no more");
	errno = error;
	return (ssize_t)finish(sink, &made, result, call);
}

int call_shutdown(const struct call_sink *sink, int fd, int how, struct call *call)
{
	static const char *const words[] = {
		[SHUT_RD] = "no more reading (nothing is sent)",
		[SHUT_WR] = "no more sending",
		[SHUT_RDWR] = "no more reading or sending",
	};
	struct call made = begin("shutdown", fd);
	struct text detail = detail_of(&made);

	made.before = socket_state(fd);

	int result = shutdown(fd, how), error = errno;

	if (how >= SHUT_RD && how <= SHUT_RDWR)
		text_add(&detail, "%s", words[how]);
	errno = error;
	return (int)finish(sink, &made, result, call);
}

/* What will decide how the kernel ends the connection. Source: tcp_close() in net/ipv4/tcp.c. */
static void say_left(struct call *call, bool resets)
{
	struct text detail = detail_of(call);
	enum tcp_state state = socket_state(call->fd);
	int unread = 0, unsent = 0;

	if (state == STATE_LISTEN || state == STATE_CLOSED) /* nothing that close() decides */
		return;
	if (ioctl(call->fd, SIOCINQ, &unread) == 0 && unread > 0)
		text_add(&detail, "%d byte%s unread%s", unread, unread == 1 ? "" : "s",
			 resets ? "" : ": the kernel resets the connection");
	if (ioctl(call->fd, SIOCOUTQ, &unsent) == 0 && unsent > 0)
		text_add(&detail, "%s%d byte%s not acknowledged yet", detail.length ? "; " : "",
			 unsent, unsent == 1 ? "" : "s");
}

static int end_socket(const struct call_sink *sink, struct call *made, struct call *call)
{
	int result = close(made->fd);

	/* Whatever close() says, the descriptor is gone: EINTR too. Source: close(2), NOTES. */
	made->fd = -1;
	return (int)finish(sink, made, result, call);
}

int call_close(const struct call_sink *sink, int fd, struct call *call)
{
	struct call made = begin("close", fd);

	say_left(&made, false);
	return end_socket(sink, &made, call);
}

int call_abort(const struct call_sink *sink, int fd, struct call *call)
{
	struct call made = begin("abort", fd);

	say_left(&made, true);
	set_linger(fd, 0);
	return end_socket(sink, &made, call);
}

void call_print(const struct call *call, char text[static CALL_TEXT_BYTES])
{
	struct text out = text_over(text, CALL_TEXT_BYTES);
	const char *meaning = errno_meaning(call->error, call->name);

	text_add(&out, "%s", call->name);
	if (call->detail[0])
		text_add(&out, " %s", call->detail);
	if (call->error == 0)
		return;
	text_add(&out, ": %s", errno_name(call->error));
	if (meaning[0])
		text_add(&out, ", %s", meaning);
}
