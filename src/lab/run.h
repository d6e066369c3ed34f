/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_LAB_RUN_H
#define TCPWHY_LAB_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "craft/ends.h"
#include "decode/decode.h"
#include "lab/frames.h"
#include "lab/net.h"
#include "lab/pattern.h"
#include "lab/program.h"
#include "lab/record.h"
#include "lab/scenario.h"
#include "lab/states.h"

/*
 * A running scenario. One process (and one for each program) on namespaces of its own; see
 * run_scenario(). What it leaves behind are the logs: what the taps saw, what the programs did,
 * what both kernels said.
 */

/* One call of a program, or a step that it waits at. */
struct called {
	unsigned program; /* index in the scenario's */
	uint32_t step, round;
	bool ended; /* else it is inside */
	bool unexpected, missing;
	int64_t start_ns, end_ns;
	int64_t result;
	int error;
	uint16_t local_port, remote_port;
	char detail[PROGRAM_DETAIL_BYTES];
};

/* A segment on the wire, for conditions that count. */
struct on_wire {
	struct traits traits;
	bool crafted;
	int64_t reached_ns;
	int64_t delivered_ns; /* TIME_NONE: not (yet) */
};

/* A packet between the ends. */
struct parcel {
	uint8_t *packet; /* owned */
	size_t bytes;
	enum end to;
	bool crafted, is_copy;
	const struct rule *held; /* until its condition holds; NULL: not held */
	int64_t due_ns;
	uint64_t order;
	size_t on_wire;	 /* index; SIZE_MAX: no TCP segment */
	size_t sighting; /* in the record: of its leaving */
	unsigned line;	 /* of the rule that changed or made it */
};

/* A rule while it runs. */
struct rule_state {
	bool active;
	int64_t active_ns;
	uint64_t matched; /* since it became active */
	uint64_t fired;
	uint64_t done; /* injections made so far */
	bool waited;   /* hold: its condition came true */
};

/* A connection as the wire knows it, for relative numbers. */
struct wire_conn {
	struct ip_address ip[ENDS];
	uint16_t port[ENDS];
	struct script_conn script; /* isn, ttl, ... as craft/ wants them */
	struct ends ends;
	bool isn_known[ENDS];
	bool timestamps;
	uint32_t tsval[ENDS]; /* newest */
	uint8_t shift[ENDS];  /* window scale */
};

#define FAILURE_BYTES 400

/* A wire held up so long may look like another cause: an answer is one within 20 ms and two half
   round trips (judge/context.c). */
#define HELD_UP_WORTH_TELLING_NS (10 * NSEC_PER_MSEC)

struct failure {
	unsigned line; /* in the scenario; 0: none */
	char text[FAILURE_BYTES];
};

enum run_outcome {
	RUN_PASSED,
	RUN_FAILED,
	RUN_SKIPPED, /* this kernel, or this machine, can't do it: reason */
};

struct run {
	const struct scenario *scenario; /* borrowed */
	struct net net;
	int diag[ENDS]; /* sock_diag in each host; -1 */
	int64_t start_ns, now_ns;
	struct decoder *decoder;
	struct segment_batch *batch;
	uint8_t *buffer; /* WIRE_PACKET_MOST bytes */

	struct record record;
	struct kernel_log kernel;
	struct diag_sockets *sockets; /* for reading into */

	struct program_process *processes; /* per program of the scenario */
	bool *program_done;
	bool started; /* all programs: those that listen first */
	struct called *called;
	size_t called_count, called_room;

	struct on_wire *on_wire;
	size_t on_wire_count, on_wire_room;
	struct parcel *parcels; /* in order of arrival */
	size_t parcel_count, parcel_room;
	uint64_t order;
	struct rule_state *rules;
	struct wire_conn *conns;
	size_t conn_count, conn_room;
	int64_t quiet_since_ns;
	const struct rule *rebooting; /* NULL: all hosts are up */
	int64_t rebooted_ns;	      /* when that was over; 0: never */
	int lo_tap; /* owned: on the client's own loopback, for connections with itself; -1 */

	int64_t held_up_ns; /* longest that a packet or look waited for this process */
	unsigned nth;	    /* of runs of the scenario; from 1 */

	bool out_of_memory;
	bool interrupted;
	enum run_outcome outcome;
	char reason[FAILURE_BYTES]; /* of RUN_SKIPPED */
	struct failure *failures;
	size_t failure_count, failure_room;

	/* What was made of it afterwards: */
	struct found found[ENDS]; /* by tap */
	struct told_frames told[ENDS];
	struct state_notes notes;
};

/* Add a failure of a line of the scenario. */
void run_fail(struct run *run, unsigned line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* This kernel or this machine can't do it: the outcome is RUN_SKIPPED, unless it failed before. */
void run_skip(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A host loses its power: its programs end, a fresh one takes its address. */
bool run_reboot(struct run *run, enum end end, struct err *err);

/* When a condition became true, its delay included; TIME_NONE: not yet, and nothing is known of
   when. A time in the future: it will hold then. */
int64_t cond_since(const struct run *run, const struct cond *cond);

/* The call or wait that a program is in; NULL: none. */
struct called *run_inside(struct run *run, unsigned program);

/* Take in what the programs have told of their calls since (run_calls.c). */
void run_hear_all(struct run *run);

/* Programs that wait for a condition that holds may go on. */
void run_let_go(struct run *run);

/* Whether it holds now. */
bool cond_holds(const struct run *run, const struct cond *cond);

struct run_options {
	enum net_backend wish;
};

/**
 * run_scenario() - Make a scenario happen in this process
 * @run:  zeroed; to be cleared whatever comes back
 *
 * The process must have one thread and has entered namespaces of its own afterwards: callers fork
 * first. What failed stands in the run.
 */
void run_scenario(struct run *run, const struct scenario *scenario,
		  const struct run_options *options);

void run_clear(struct run *run);

/* The path of the scenario's first connection at one end, as its kernel told it. */
size_t run_kernel_path(const struct run *run, enum end end,
		       struct kernel_step path[static KERNEL_PATH_MOST]);

/* run_check.c: say in the notation what the record of a tap holds. Return: false, out of memory. */
bool run_tell(struct run *run, enum end tap);

/* flaws.c: make the record of the tap that is read worse, as the scenario says. */
bool run_spoil(struct run *run);

/* run_check.c: hold everything against the scenario's expectations. */
void run_check(struct run *run);

#endif /* TCPWHY_LAB_RUN_H */
