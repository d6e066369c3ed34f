/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_LAB_STATES_H
#define TCPWHY_LAB_STATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lab/diag.h"
#include "lab/found.h"
#include "lab/frames.h"
#include "lab/record.h"

/*
 * The kernel's own states of both ends, read before and after each delivery, and how they are held
 * against what the engine inferred from the taps. docs/lab-states.md is the map between the two.
 */

/* One connection's socket at one end, when it changed. */
struct kernel_entry {
	int64_t time_ns; /* of the look that found it so */
	enum end end;
	struct ip_address local, remote;
	uint16_t local_port, remote_port;
	enum tcp_state state; /* STATE_CLOSED: no socket (any more) */
	bool remains;	      /* a mini socket: TIME_WAIT, or FIN_WAIT_2 without a program */
	enum diag_timer timer;
	uint32_t timer_ms;
	uint32_t send_queue;
	uint8_t retransmits;
};

/* One look at an end. */
struct kernel_look {
	int64_t time_ns;
	enum end end;
	size_t entries; /* how many entries there were after it */
};

struct kernel_log {
	struct kernel_entry *entries; /* owned; in order of time */
	size_t entry_count, entry_room;
	struct kernel_look *looks; /* owned */
	size_t look_count, look_room;
	bool out_of_memory;
	uint64_t unsteady; /* looks that were left out: the end kept sending meanwhile */
	/* Sockets as they were last seen, to notice changes. */
	struct diag_sockets last[ENDS];
	struct diag_socket listeners[ENDS][8]; /* ports that are listened on */
	size_t listener_count[ENDS];
};

/* Note what was read of an end at @time_ns. */
void kernel_log_add(struct kernel_log *log, enum end end, int64_t time_ns,
		    const struct diag_sockets *now);

void kernel_log_clear(struct kernel_log *log);

/* The newest entry of a connection's end at or before a time; NULL: never seen. */
const struct kernel_entry *kernel_log_at(const struct kernel_log *log, enum end end,
					 uint16_t local_port, uint16_t remote_port,
					 int64_t time_ns);

#define KERNEL_PATH_MOST 48

/* One step of an end's path through the states. */
struct kernel_step {
	enum tcp_state state;
	bool derived; /* passed within one delivery: by the transition table, not seen */
	int64_t time_ns;
};

/* Whose path, and what the engine inferred of it: that tells which of several ways between two
   looks was gone. */
struct path_of {
	enum end end;
	uint16_t client_port, server_port;
	const struct found *found;	/* borrowed: of that end's tap; NULL: none */
	const struct told_frames *told; /* borrowed: the frames of that tap */
};

/* The path of one connection at one end: what was seen, and what lies between. The server's starts
   after LISTEN, the client's after CLOSED. Return: steps in @path. */
size_t kernel_path(const struct kernel_log *log, const struct path_of *of,
		   struct kernel_step path[static KERNEL_PATH_MOST]);

/* What the comparison says of a difference. */
enum state_difference {
	STATE_OFF_WIRE,	  /* the kernel changed it without a segment: a timer, or the program */
	STATE_FIN_QUEUED, /* the FIN waits behind data: not on the wire yet */
	STATE_NO_REQUEST, /* a SYN cookie: the server keeps nothing of the handshake */
	STATE_NOT_TAKEN,  /* Linux keeps the request although its ACK came: accept queue full,
			     or the program wants data first */
	STATE_NO_ROOM,	  /* the host may keep no TIME_WAIT, and no orphan in FIN_WAIT_2 */
	STATE_DISAGREES,  /* no rule of the map explains it */
};

struct state_note {
	enum state_difference difference;
	enum end end;
	uint16_t local_port, remote_port;
	int64_t time_ns;
	uint64_t frame; /* the last one at this tap before the look; 0 none */
	enum tcp_state kernel, engine;
};

struct state_notes {
	struct state_note *notes; /* owned: one per change of difference, not per look */
	size_t count, room;
	uint64_t compared; /* looks at one connection's end that were held against the engine */
	bool out_of_memory;
};

/* What is held against each other. All borrowed. */
struct states_input {
	const struct kernel_log *log; /* the kernel's */
	enum end end;
	const struct ip_address *local; /* this end's host */
	const struct frame *tap;	/* frames of this end's tap, numbered as in @found */
	size_t tap_count;
	const struct found *found; /* what the engine says of these frames */
	bool no_timewait;	   /* this end's host has tcp_max_tw_buckets 0 */
};

/* Hold the kernel's states of one end against those that the engine inferred from that end's own
   tap, look by look; @notes: added to. */
void states_compare(const struct states_input *input, struct state_notes *notes);

void state_notes_clear(struct state_notes *notes);

/* "off the wire"; static. */
const char *state_difference_name(enum state_difference difference);

#endif /* TCPWHY_LAB_STATES_H */
