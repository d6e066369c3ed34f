/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/diag.h"

#include <assert.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "lab/refusal.h"

/* Answers come while recv() asks for them; the limit only keeps a lost one from hanging us. */
#define ANSWER_SECONDS 2

/* Dumps that the kernel called inconsistent are asked for again, this often at most. */
#define DUMP_TRIES 8

/* The kernel's own state beside those of the RFC: a handshake that has no socket yet. */
#define KERNEL_NEW_SYN_RECV 12

static const uint8_t states[] = {
	[TCP_ESTABLISHED] = STATE_ESTABLISHED,
	[TCP_SYN_SENT] = STATE_SYN_SENT,
	[TCP_SYN_RECV] = STATE_SYN_RECEIVED,
	[TCP_FIN_WAIT1] = STATE_FIN_WAIT_1,
	[TCP_FIN_WAIT2] = STATE_FIN_WAIT_2,
	[TCP_TIME_WAIT] = STATE_TIME_WAIT,
	[TCP_CLOSE] = STATE_CLOSED,
	[TCP_CLOSE_WAIT] = STATE_CLOSE_WAIT,
	[TCP_LAST_ACK] = STATE_LAST_ACK,
	[TCP_LISTEN] = STATE_LISTEN,
	[TCP_CLOSING] = STATE_CLOSING,
	[KERNEL_NEW_SYN_RECV] = STATE_SYN_RECEIVED,
};

enum tcp_state diag_state(unsigned number)
{
	return number < sizeof(states) / sizeof(states[0]) ? (enum tcp_state)states[number]
							   : STATE_UNKNOWN;
}

/* All of them but sockets that are only bound, which are TCP_CLOSE too and in another table. */
#define STATES_ASKED ((1u << (sizeof(states) / sizeof(states[0]))) - 1)

int diag_open(struct err *err)
{
	const struct timeval limit = { .tv_sec = ANSWER_SECONDS };
	int diag = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	if (diag < 0) {
		refusal(err, REFUSAL_PRIVILEGE, "sock_diag is refused", errno);
		return -1;
	}
	setsockopt(diag, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return diag;
}

/* An address as inet_diag has it: 16 bytes, of which IPv4 uses the first 4. */
static struct ip_address address_from(uint8_t family, const __be32 words[static 4])
{
	struct ip_address address;
	uint8_t bytes[16];

	memcpy(bytes, words, sizeof(bytes));
	if (family == AF_INET)
		return ip_address_v4(bytes);
	memcpy(address.bytes, bytes, sizeof(bytes)); /* ::ffff:a.b.c.d is IPv4 here too */
	return address;
}

static void attributes_read(struct cursor *in, struct diag_socket *out)
{
	while (cursor_left(in) >= sizeof(struct rtattr)) {
		struct rtattr head;

		memcpy(&head, cursor_skip(in, sizeof(head)), sizeof(head));
		if (head.rta_len < sizeof(head))
			return;
		struct cursor value = cursor_take(in, head.rta_len - sizeof(head));

		if (head.rta_type == INET_DIAG_SHUTDOWN)
			out->shutdown = cursor_u8(&value) & 3;
		cursor_skip(in, RTA_ALIGN(head.rta_len) - head.rta_len);
	}
}

static bool socket_read(struct cursor *in, struct diag_socket *out)
{
	struct inet_diag_msg message;
	const uint8_t *start = cursor_skip(in, sizeof(message));

	if (!start)
		return false;
	memcpy(&message, start, sizeof(message));
	if (diag_state(message.idiag_state) == STATE_UNKNOWN ||
	    (message.idiag_family != AF_INET && message.idiag_family != AF_INET6))
		return false;
	*out = (struct diag_socket){
		.state = diag_state(message.idiag_state),
		.local = address_from(message.idiag_family, message.id.idiag_src),
		.remote = address_from(message.idiag_family, message.id.idiag_dst),
		.local_port = ntohs(message.id.idiag_sport),
		.remote_port = ntohs(message.id.idiag_dport),
		.inode = message.idiag_inode,
		.timer = message.idiag_timer < DIAG_TIMERS ? (enum diag_timer)message.idiag_timer
							   : DIAG_TIMER_NONE,
		.timer_ms = message.idiag_timer ? message.idiag_expires : 0,
		.retransmits = message.idiag_retrans,
		.receive_queue = message.idiag_rqueue,
		.send_queue = message.idiag_wqueue,
		.cookie = { message.id.idiag_cookie[0], message.id.idiag_cookie[1] },
		.interface = message.id.idiag_if,
	};
	attributes_read(in, out);
	return true;
}

/* The errno in an error message, or in the end of a dump. */
static int error_in(struct cursor *body)
{
	int error = 0;
	const uint8_t *value = cursor_skip(body, sizeof(error));

	if (!value)
		return 0;
	memcpy(&error, value, sizeof(error));
	return error < 0 ? -error : error;
}

/* Cut the next message off. Return: false at the end, or where the lengths do not fit. */
static bool message_next(struct cursor *in, struct nlmsghdr *head, struct cursor *body)
{
	const uint8_t *start = cursor_skip(in, sizeof(*head));

	if (!start)
		return false;
	memcpy(head, start, sizeof(*head));
	if (head->nlmsg_len < sizeof(*head)) {
		in->overrun = true;
		return false;
	}
	*body = cursor_take(in, head->nlmsg_len - sizeof(*head));
	if (cursor_left(in) > 0) /* the last one may lack its padding */
		cursor_skip(in, NLMSG_ALIGN(head->nlmsg_len) - head->nlmsg_len);
	return !body->overrun;
}

static bool socket_add(struct diag_sockets *out, struct cursor *body)
{
	if (out->count == DIAG_SOCKETS_MOST) {
		out->more = true;
		return true;
	}
	if (!socket_read(body, &out->sockets[out->count]))
		return false;
	out->count++;
	return true;
}

enum diag_answer diag_answer_read(struct cursor *in, uint32_t sequence, struct diag_sockets *out,
				  int *error)
{
	struct nlmsghdr head;
	struct cursor body;
	bool torn = false;

	*error = 0;
	while (cursor_left(in) > 0) {
		if (!message_next(in, &head, &body))
			return DIAG_ANSWER_BROKEN;
		if (head.nlmsg_seq != sequence)
			continue; /* what is left of an earlier request that was broken off */
		torn = torn || (head.nlmsg_flags & NLM_F_DUMP_INTR) != 0;
		if (head.nlmsg_type == NLMSG_DONE || head.nlmsg_type == NLMSG_ERROR) {
			*error = error_in(&body);
			return torn ? DIAG_ANSWER_TORN_END : DIAG_ANSWER_END;
		}
		if (head.nlmsg_type == SOCK_DIAG_BY_FAMILY && !socket_add(out, &body))
			return DIAG_ANSWER_BROKEN;
	}
	return torn ? DIAG_ANSWER_TORN : DIAG_ANSWER_MORE;
}

struct diag_request {
	struct nlmsghdr header;
	struct inet_diag_req_v2 body;
};

static struct diag_request request_for(uint16_t type, uint8_t family)
{
	static uint32_t sequence; /* one process, one thread: see net.h */
	struct diag_request request = {
		.header = { .nlmsg_len = sizeof(request),
			    .nlmsg_type = type,
			    .nlmsg_flags = NLM_F_REQUEST,
			    .nlmsg_seq = ++sequence },
		.body = { .sdiag_family = family, .sdiag_protocol = IPPROTO_TCP },
	};

	return request;
}

/* Read one piece of an answer. Return: false with errno. */
static bool piece_receive(int diag, uint8_t *piece, size_t room, struct cursor *in)
{
	ssize_t bytes;

	do
		bytes = recv(diag, piece, room, MSG_TRUNC);
	while (bytes < 0 && errno == EINTR);
	if (bytes < 0)
		return false;
	if ((size_t)bytes > room) {
		errno = EMSGSIZE;
		return false;
	}
	*in = cursor_over(piece, (size_t)bytes);
	return true;
}

/* A request and its whole answer. Return: DIAG_ANSWER_END with *error, TORN_END or BROKEN. */
static enum diag_answer ask(int diag, const struct diag_request *request, struct diag_sockets *out,
			    int *error)
{
	uint8_t piece[32768]; /* the kernel's pieces are no larger: netlink_dump() */
	enum diag_answer answer;
	struct cursor in;
	bool torn = false;

	if (send(diag, request, sizeof(*request), 0) < 0) {
		*error = errno;
		return DIAG_ANSWER_END;
	}
	do {
		if (!piece_receive(diag, piece, sizeof(piece), &in)) {
			*error = errno;
			return DIAG_ANSWER_END;
		}
		answer = diag_answer_read(&in, request->header.nlmsg_seq, out, error);
		torn = torn || answer == DIAG_ANSWER_TORN;
	} while (answer == DIAG_ANSWER_MORE || answer == DIAG_ANSWER_TORN);
	return torn && answer == DIAG_ANSWER_END ? DIAG_ANSWER_TORN_END : answer;
}

/* Add the sockets of one family. */
static bool family_read(int diag, uint8_t family, struct diag_sockets *out, struct err *err)
{
	const size_t count = out->count;
	const bool more = out->more;
	enum diag_answer answer = DIAG_ANSWER_TORN_END;
	int error = 0;

	for (int tries = 0; answer == DIAG_ANSWER_TORN_END && tries < DUMP_TRIES; tries++) {
		struct diag_request request = request_for(SOCK_DIAG_BY_FAMILY, family);

		request.header.nlmsg_flags |= NLM_F_DUMP;
		request.body.idiag_states = STATES_ASKED;
		request.body.idiag_ext = 1 << (INET_DIAG_SHUTDOWN - 1);
		out->count = count;
		out->more = more;
		answer = ask(diag, &request, out, &error);
	}
	if (answer == DIAG_ANSWER_BROKEN)
		return err_set(err, ERR_SYSTEM, "the kernel's list of TCP sockets is damaged");
	if (answer == DIAG_ANSWER_TORN_END)
		return err_set(
			err, ERR_SYSTEM,
			"the kernel's list of TCP sockets changed during each of %d readings",
			DUMP_TRIES);
	if (error == 0 || (error == ENOENT && family == AF_INET6))
		return true; /* ENOENT: a kernel without IPv6 */
	refusal(err, REFUSAL_PRIVILEGE, "listing TCP sockets is refused", error);
	err_fix(err, "as root: modprobe tcp_diag");
	return false;
}

bool diag_read(int diag, struct diag_sockets *out, struct err *err)
{
	out->count = 0;
	out->more = false;
	return family_read(diag, AF_INET, out, err) && family_read(diag, AF_INET6, out, err);
}

bool diag_destroy(int diag, const struct diag_socket *socket)
{
	/* Looking for IPv4 finds an IPv6 socket that talks IPv4 too. */
	bool four = ip_address_is_v4(&socket->local);
	struct diag_request request = request_for(SOCK_DESTROY, four ? AF_INET : AF_INET6);
	struct inet_diag_sockid *id = &request.body.id;
	size_t skip = four ? 12 : 0;
	struct diag_sockets none; /* no answer has a socket */
	int error = 0;

	none.count = 0;
	request.header.nlmsg_flags |= NLM_F_ACK;
	id->idiag_sport = htons(socket->local_port);
	id->idiag_dport = htons(socket->remote_port);
	memcpy(id->idiag_src, socket->local.bytes + skip, 16 - skip);
	memcpy(id->idiag_dst, socket->remote.bytes + skip, 16 - skip);
	memcpy(id->idiag_cookie, socket->cookie, sizeof(socket->cookie));
	id->idiag_if = socket->interface;
	if (ask(diag, &request, &none, &error) != DIAG_ANSWER_END)
		error = EBADMSG;
	errno = error;
	return error == 0;
}

void diag_timer_print(const struct diag_socket *socket, char text[static DIAG_TIMER_TEXT_BYTES])
{
	static const char *const names[] = {
		[DIAG_TIMER_NONE] = "",
		[DIAG_TIMER_RETRANSMIT] = "retransmit",
		[DIAG_TIMER_KEEPALIVE] = "keep-alive",
		[DIAG_TIMER_TIME_WAIT] = "time-wait",
		[DIAG_TIMER_PROBE] = "window probe",
	};

	static_assert(sizeof(names) / sizeof(names[0]) == DIAG_TIMERS, "a name for each timer");
	text[0] = '\0';
	if (socket->timer != DIAG_TIMER_NONE)
		snprintf(text, DIAG_TIMER_TEXT_BYTES, "%s %u.%u s", names[socket->timer],
			 socket->timer_ms / 1000, socket->timer_ms / 100 % 10);
}
