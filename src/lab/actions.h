/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_LAB_ACTIONS_H
#define TCPWHY_LAB_ACTIONS_H

#include <assert.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "lab/socket.h"

/*
 * What a program does with a connection that it has, written as words: `recv 5, send "ok\n",
 * sleep 1s, close`. `server` and `client` share the words; the table in actions.c has a row each,
 * which parser, --help and man page read.
 *
 *     text --action_list_parse()--> struct action_list --struct actor, one per connection--> calls
 *
 * An actor never waits: it does what can be done, then says what poll() is to wait for, so that one
 * loop serves many connections.
 */

enum action_argument {
	ACTION_PLAIN,	      /* none */
	ACTION_BYTES_OR_TEXT, /* N or "text" */
	ACTION_NUMBER,	      /* [N] */
	ACTION_TIME,	      /* a time span */
	ACTION_MAYBE_TIME,    /* perhaps one */
	ACTION_SETTING,	      /* a socket option */
};

/* What has become of an actor. */
enum actor_result {
	ACTOR_WAITS,   /* for actor_polls() or actor_wake_ns() */
	ACTOR_CLOSED,  /* its list is done and its socket closed */
	ACTOR_EXITS,   /* the process is to end as it is, with actor.exit_status */
	ACTOR_CRASHES, /* the process is to kill itself */
};

struct actor;

/* What one turn of an action came to. */
enum step {
	STEP_DONE,  /* the next action's turn */
	STEP_AGAIN, /* it did something and may do more at once */
	STEP_WAITS, /* actor.events, actor.wake_ns */
	STEP_EXITS,
	STEP_CRASHES,
};

/* A word. */
struct action_word {
	const char *name;
	const char *arguments; /* for people: "N | \"TEXT\""; "" none */
	const char *help;
	enum action_argument argument;
	int64_t least, most; /* of a number */
	bool client_only;    /* it takes standard input */
	bool without_socket; /* makes sense after the socket is closed */
	enum step (*step)(struct actor *actor);
};
const struct action_word *action_words_list(size_t *count);

/* A word with its argument. */
struct action {
	unsigned word;		    /* index in the list of words */
	int64_t number;		    /* octets, nanoseconds, rounds, exit status; -1: not said */
	size_t text_at, text_bytes; /* of "TEXT", in action_list.text; 0 bytes: not said */
	struct socket_setting setting;
};

#define ACTIONS_MOST	   64
#define ACTIONS_TEXT_BYTES 4096

struct action_list {
	size_t count;
	struct action actions[ACTIONS_MOST];
	size_t text_bytes;
	uint8_t text[ACTIONS_TEXT_BYTES];
};

/**
 * action_list_parse() - Read `recv 5, send "ok\n", close`
 * @text:    words with their arguments, separated by commas; quoted text has \r \n \t \\ \" \xHH
 * @server:  words that only a client can do are refused
 * @list:    overwritten
 * @err:     ERR_USAGE: unknown word (nearest suggested), wrong argument, something after close
 */
bool action_list_parse(const char *text, bool server, struct action_list *list, struct err *err);
/* Whether the list has that word. */
bool action_list_has(const struct action_list *list, const char *word);

/* A connection and how far its list is done. */
struct actor {
	int fd;				/* owned; -1 once closed */
	const struct action_list *list; /* borrowed */
	const struct call_sink *sink;	/* borrowed; hears every call but those that had to wait */
	size_t at;			/* the action whose turn it is */
	int64_t now_ns;			/* of the turn, CLOCK_MONOTONIC */
	/* What the action waits for. */
	short events;	 /* of the socket; 0: the socket is not looked at */
	bool watches;	 /* errors and hang-up of the socket count, even with events 0 */
	int64_t wake_ns; /* CLOCK_MONOTONIC; INT64_MAX: no time */
	/* Of the action whose turn it is; zeroed before it. */
	int64_t done_bytes;
	int64_t until_ns;	  /* sleep, hold: 0 not begun */
	int64_t stalled_since_ns; /* send: 0 not stalled */
	bool told_stall, told_end, input_ended;
	/* Of the connection. */
	int64_t rounds;	 /* of repeat, that are done */
	bool peer_ended; /* end of file was read */
	bool failed;	 /* recv or send failed for good */
	int exit_status;
	uint8_t *buffer; /* owned: ACTOR_BUFFER_BYTES; NULL until wanted */
	size_t from, to; /* what of it waits to be passed on (echo; pipe: to standard output) */
	uint8_t *input;	 /* owned: likewise, of pipe: from standard input */
	size_t input_from, input_to;
};

/* About 64 KiB, and a multiple of the pattern's length. */
#define ACTOR_PATTERN_BYTES 27
#define ACTOR_BUFFER_BYTES  65529
static_assert(ACTOR_BUFFER_BYTES % ACTOR_PATTERN_BYTES == 0, "the pattern goes on without a break");

/* @fd: connected, blocking or not; now the actor's. @list, @sink: must outlive the actor. */
void actor_init(struct actor *actor, int fd, const struct action_list *list,
		const struct call_sink *sink);
/* Frees the buffers; closes nothing: the process may end with the socket as it is. */
void actor_clear(struct actor *actor);
/**
 * actor_run() - Do all that can be done without waiting
 * @now_ns:  CLOCK_MONOTONIC
 *
 * A call that fails does not end the list: the next action then shows what the program's next call
 * comes to. After the last action the socket is closed. Out of memory: told as a failed call.
 */
enum actor_result actor_run(struct actor *actor, int64_t now_ns);
#define ACTOR_POLLS_MOST 3
/* What poll() is to wait for, besides actor.wake_ns. Return: how many were filled in, at least 1;
   fd -1 where there is nothing to look at. */
size_t actor_polls(const struct actor *actor, struct pollfd polls[static ACTOR_POLLS_MOST]);

#endif /* TCPWHY_LAB_ACTIONS_H */
