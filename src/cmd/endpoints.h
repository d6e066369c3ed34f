/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_CMD_ENDPOINTS_H
#define TCPWHY_CMD_ENDPOINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/options.h"
#include "lab/actions.h"
#include "lab/socket.h"
#include "report/out.h"

/*
 * What `server` and `client` share: options, one line per call, and the loop that serves all
 * connections of the process.
 */

/* Comes first in the command's struct: the rows of endpoints_rows[] fill it. */
struct endpoints_options {
	bool help, quiet, every_call, fail, ipv4, ipv6, mptcp, fast_open;
	struct option_strings set;
	const char *keepalive, *user_timeout, *timeout;
	int64_t count;
};
#define ENDPOINTS_ROWS_MOST 32
/* The command's own rows and the shared ones. Return: how many. @table: ENDPOINTS_ROWS_MOST */
size_t endpoints_rows_join(struct option_row *table, const struct option_row *own, size_t count);
/* The rest of --help: actions and socket options, in at most 80 columns. */
void endpoints_help(FILE *to);

#define ENDPOINTS_SETTINGS_MOST 80
/* Everything that the options ask of each socket. */
struct endpoints_settings {
	size_t count;
	struct socket_setting settings[ENDPOINTS_SETTINGS_MOST];
	bool mptcp;
};
/* From --set, --keepalive, --user-timeout, --mptcp. @err: ERR_USAGE */
bool endpoints_settings_from(const struct endpoints_options *options,
			     struct endpoints_settings *settings, struct err *err);
bool endpoints_settings_add(struct endpoints_settings *settings, const char *text, struct err *err);
/* Give them to a socket. @err: ERR_SYSTEM, the kernel refused one. */
bool endpoints_settings_apply(const struct endpoints_settings *settings, int fd, struct err *err);
/* A time span of an option: nanoseconds; @text NULL: -1. */
bool endpoints_time_option(const char *name, const char *text, int64_t *ns, struct err *err);

/* Transfers of one direction that are being summed up, so that a bulk transfer is not a line per
   call. */
struct endpoints_sum {
	int64_t told_ns;  /* CLOCK_MONOTONIC, of the last line */
	int64_t wait_ns;  /* so long until the next */
	int64_t bytes;	  /* not told yet */
	uint64_t calls;	  /* likewise */
	struct call last; /* of them */
};

/* One connection of this process. */
struct endpoints_conn {
	struct endpoints *ends; /* borrowed */
	unsigned number;	/* 1, 2 ... in the order of their sockets */
	bool connecting;	/* its connect() was only started */
	int64_t give_up_ns;	/* connecting: CLOCK_MONOTONIC; INT64_MAX never */
	size_t target;		/* client: which of the host's addresses */
	enum tcp_state shown;	/* the last state that a line showed */
	struct endpoints_sum recv, send;
	struct actor actor;    /* its fd is owned */
	struct call_sink sink; /* prints for this connection */
	int ready;	       /* what poll() said of its socket */
};

#define ENDPOINTS_FAILURES_MOST 16

struct endpoints {
	struct out out;				 /* the lines */
	const struct endpoints_options *options; /* borrowed */
	const struct action_list *actions;	 /* borrowed */
	int64_t start_ns, start_mono_ns; /* CLOCK_REALTIME; the same moment of CLOCK_MONOTONIC */
	int64_t until_ns;		 /* CLOCK_MONOTONIC; INT64_MAX never */
	struct endpoints_conn **conns;	 /* owned, each owned */
	size_t count, room;
	struct pollfd *polls; /* owned; for room connections and one socket more */
	/* client: a connection in progress is ready or its time is over */
	void (*connected)(struct endpoints *ends, struct endpoints_conn *conn);
	void *command;	       /* borrowed, for connected() */
	struct call_sink sink; /* prints for no connection: the listener */
	/* What the summary says. */
	unsigned opened, numbers;
	int64_t received_bytes, sent_bytes;
	struct endpoints_failure {
		const char *call; /* static */
		int error;
		uint64_t times;
	} failures[ENDPOINTS_FAILURES_MOST];
	size_t failure_count;
};

/* @to_errors: the lines go to standard error. @err: ERR_SYSTEM, memory; ERR_USAGE, --timeout.
   endpoints_clear() it whatever comes back. */
bool endpoints_init(struct endpoints *ends, const struct endpoints_options *options, bool to_errors,
		    struct err *err);
void endpoints_clear(struct endpoints *ends);

/* A new connection's number and place; its socket is not open yet (fd -1). NULL: no memory. */
struct endpoints_conn *endpoints_add(struct endpoints *ends);
/* Its socket is connected: its actions begin. */
void endpoints_begin(struct endpoints_conn *conn, int fd);
/* Forget it; its socket must be closed. */
void endpoints_remove(struct endpoints *ends, struct endpoints_conn *conn);

/**
 * endpoints_wait() - Wait until something can be done
 * @listener:  also for this socket; -1 none
 * @wake_ns:   CLOCK_MONOTONIC, at the latest; INT64_MAX: no matter
 *
 * Return: whether the listener is ready.
 */
bool endpoints_wait(struct endpoints *ends, int listener, int64_t wake_ns);
/* Let every connection do what it can. An action may end the process here. */
void endpoints_act(struct endpoints *ends);
/* Ctrl-C, --timeout is over, or nobody reads the lines any more. */
bool endpoints_stopped(const struct endpoints *ends);
/* Say what there was in all, if it was more than one connection or it was stopped. */
void endpoints_summary(struct endpoints *ends);
/* The exit status: 1 with --fail and a failed call, else that of @err. Prints @err. */
int endpoints_status(const struct endpoints *ends, const char *who, const struct err *err);

/* CLOCK_MONOTONIC. */
int64_t endpoints_now_ns(void);

#endif /* TCPWHY_CMD_ENDPOINTS_H */
