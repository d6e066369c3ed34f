/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_LAB_SOCKET_H
#define TCPWHY_LAB_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "tcp/segment.h"
#include "tcp/state.h"

/*
 * System calls of the two ends, one function each: it makes the call and tells about it. `server`,
 * `client` and the lab's programs make their calls here and nowhere else, so that what a user sees
 * by hand and in the lab is the same.
 */

#define CALL_DETAIL_BYTES 120

/* What came of one call. */
struct call {
	const char *name;		/* static: "connect", "recv" */
	int fd;				/* -1: none */
	int64_t start_ns, end_ns;	/* CLOCK_REALTIME */
	int64_t result;			/* of the call: octets, descriptor; -1 failed */
	int error;			/* errno when it failed; 0 */
	char detail[CALL_DETAIL_BYTES]; /* for people: "10.9.0.1:41001 -> 10.9.0.2:7000", "5 bytes";
					   of accept the peer stands on the left */
	struct ip_address local, remote; /* connect, accept, bind, listen: once known; else zero */
	uint16_t local_port, remote_port;
	enum tcp_state before; /* shutdown: of the socket just before, by TCP_INFO; else
				  STATE_UNKNOWN */
	enum tcp_state state; /* of the socket after the call, by TCP_INFO; STATE_UNKNOWN: no socket
				 is left, or it is none of TCP. The kernel never shows TIME_WAIT
				 here: the socket is closed by then */
};

/* Who wants to hear of calls; called after each. */
struct call_sink {
	void (*told)(void *context, const struct call *call); /* NULL: nobody */
	void *context;					      /* borrowed */
};

/* "ECONNRESET"; static. A number that Linux does not have gives "EUNKNOWN". */
const char *errno_name(int error);
/* The number of "ECONNRESET"; 0: no such name. */
int errno_number(const char *name, size_t length);
/* Names in turn, for options_nearest(); NULL after the last. @context: NULL. */
const char *errno_name_at(const void *context, size_t index);
/**
 * errno_meaning() - What an error says to a program that uses TCP, in one plain sentence per call
 * @error:  errno
 * @call:   name of the call: connect's ETIMEDOUT is "nobody answered the SYNs", recv's "the peer
 *          stopped answering"
 *
 * Return: static; "" where nothing is known beyond the name.
 */
const char *errno_meaning(int error, const char *call);

enum socket_option_form {
	SOCKET_SWITCH,	     /* nothing or 1: on; 0: off */
	SOCKET_INTEGER,	     /* one number */
	SOCKET_MILLISECONDS, /* a time with its unit, kept in milliseconds */
	SOCKET_LINGER,	     /* struct linger, in seconds */
	SOCKET_KEEPALIVE,    /* three numbers: SO_KEEPALIVE and its three options */
	SOCKET_CREATION,     /* asked for when the socket is made */
};

/*
 * An option that a socket may be given before or after it is connected: "linger 0",
 * "keepalive 1 1 3", "user-timeout 300ms". The table in socket_options.c has a row each; --help and
 * the man page read it.
 */
struct socket_option {
	const char *name;
	const char *arguments; /* "IDLE INTERVAL COUNT"; "" none */
	const char *help;
	enum socket_option_form form;
	int level, option;   /* of setsockopt(); SOCKET_CREATION, SOCKET_KEEPALIVE: 0 */
	int64_t least, most; /* of each number */
};
const struct socket_option *socket_options_list(size_t *count);

/* A parsed setting. */
struct socket_setting {
	unsigned option;   /* index in the list */
	int64_t values[3]; /* as setsockopt() wants them */
	unsigned value_count;
};

/**
 * socket_setting_parse() - Read "keepalive 1 1 3"
 * @text:  @length characters, no NUL needed
 * @err:   ERR_USAGE: unknown (nearest suggested), wrong arguments
 */
bool socket_setting_parse(const char *text, size_t length, struct socket_setting *setting,
			  struct err *err);
/* Whether it is the option of that name: socket_setting_is(&s, "mptcp"). */
bool socket_setting_is(const struct socket_setting *setting, const char *name);
#define SOCKET_SETTING_TEXT_BYTES 80
/* "keepalive 1 1 3", "user-timeout 300ms". */
void socket_setting_print(const struct socket_setting *setting,
			  char text[static SOCKET_SETTING_TEXT_BYTES]);

/*
 * The calls. Each tells @sink (NULL, or its function NULL: nobody) and returns like the system call
 * does, with errno; @call (NULL: not wanted) gets what was told. Blocking unless the descriptor is
 * not. A signal does not end them. Descriptors are closed on exec().
 */
/* @family_of: an address whose family the socket gets. */
int call_socket(const struct call_sink *sink, const struct ip_address *family_of, bool mptcp,
		struct call *call);
/* ENOPROTOOPT: this kernel lacks it; EISCONN: "mptcp", which only call_socket() can do. */
int call_set(const struct call_sink *sink, int fd, const struct socket_setting *setting,
	     struct call *call);
int call_bind(const struct call_sink *sink, int fd, const struct ip_address *ip, uint16_t port,
	      struct call *call);
int call_listen(const struct call_sink *sink, int fd, int backlog, struct call *call);
/* The new descriptor is blocking, whatever @fd is. */
int call_accept(const struct call_sink *sink, int fd, struct call *call);
/**
 * call_connect() - Open a connection
 * @timeout_ns:  give up after so long (ETIMEDOUT is the kernel's error, ECANCELED ours); -1 wait as
 *               long as the kernel does; 0: start only, EINPROGRESS is no failure then: result 0
 *
 * The descriptor is left blocking or not, as it was.
 */
int call_connect(const struct call_sink *sink, int fd, const struct ip_address *ip, uint16_t port,
		 int64_t timeout_ns, struct call *call);
/* Wait for a connect() that was only started; @timeout_ns: 0 only look. Told as "connect". */
int call_connected(const struct call_sink *sink, int fd, int64_t timeout_ns, struct call *call);
/* sendto(MSG_FASTOPEN): connect with data in the SYN. Told as "connect"; the result is the octets
   taken. Where no cookie is known yet a non-blocking socket gives EINPROGRESS. */
ssize_t call_connect_fast(const struct call_sink *sink, int fd, const struct ip_address *ip,
			  uint16_t port, const void *data, size_t bytes, struct call *call);
/* One send(), MSG_NOSIGNAL. @nowait: MSG_DONTWAIT. */
ssize_t call_send(const struct call_sink *sink, int fd, const void *data, size_t bytes, bool nowait,
		  struct call *call);
/* One recv(). 0: end of file. */
ssize_t call_recv(const struct call_sink *sink, int fd, void *data, size_t room, bool nowait,
		  struct call *call);
/* @how: SHUT_RD, SHUT_WR, SHUT_RDWR. */
int call_shutdown(const struct call_sink *sink, int fd, int how, struct call *call);
/* The detail says what lay unread (then the kernel resets) and what was not acknowledged yet. */
int call_close(const struct call_sink *sink, int fd, struct call *call);
/* SO_LINGER 0, then close(): one "abort". */
int call_abort(const struct call_sink *sink, int fd, struct call *call);

/* By TCP_INFO; STATE_UNKNOWN: none of TCP. */
enum tcp_state socket_state(int fd);

/* How many connections wait at a listener to be accepted, and from how many on further SYNs are
   dropped (the kernel lets one more than the backlog in). Return: false, no listener of TCP. */
bool socket_queue(int fd, unsigned *waiting, unsigned *backlog);

/* "recv: ECONNRESET, the peer (or something in its name) reset the connection" - one line for
   people about a call, without time. */
#define CALL_TEXT_BYTES 320
void call_print(const struct call *call, char text[static CALL_TEXT_BYTES]);

#endif /* TCPWHY_LAB_SOCKET_H */
