/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_LAB_PROGRAM_H
#define TCPWHY_LAB_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "lab/net.h"
#include "lab/scenario.h"

/*
 * A program of a scenario: a process of its own on one of the hosts, which does its steps in order
 * with blocking system calls and tells about each. What it waits for, the lab decides.
 *
 *     program                         lab
 *        READY       -------->
 *                    <--------        a byte: go
 *        BEGIN step  -------->
 *        ENDED step  -------->
 *        WAIT step   -------->
 *                    <--------        a byte: its condition holds
 *        DONE        -------->        all steps are done; the process stays, with its sockets
 */
enum program_tells {
	PROGRAM_READY,
	PROGRAM_BEGIN,
	PROGRAM_ENDED,
	PROGRAM_WAIT,
	PROGRAM_DONE,
};

#define PROGRAM_DETAIL_BYTES 160

/* One message, a whole record on a SOCK_SEQPACKET socket. */
struct program_message {
	enum program_tells tells;
	uint32_t step;			  /* index in its steps */
	uint32_t round;			  /* of a repeat: from 0 */
	int64_t start_ns, end_ns;	  /* ENDED: CLOCK_REALTIME */
	int64_t result;			  /* ENDED: octets; -1 failed */
	int error;			  /* ENDED: errno; 0 */
	bool unexpected;		  /* ENDED: not what the scenario says; the program stops */
	bool missing;			  /* ENDED: this kernel lacks the socket option */
	uint16_t local_port, remote_port; /* ENDED: 0 unknown */
	char detail[PROGRAM_DETAIL_BYTES]; /* ENDED: for people */
};

/* A running program as the lab sees it. */
struct program_process {
	pid_t pid;   /* 0: not running */
	int control; /* owned; -1 closed */
};

/**
 * program_start() - Start a program on its host; it waits there for the first byte
 * @program:  stays as it is as long as the process runs
 * @net:      whose host it enters
 *
 * The process ends with the calling one, whatever happens to that.
 */
bool program_start(const struct program *program, const struct net *net,
		   struct program_process *process, struct err *err);

/* Let it go on (from READY or WAIT). */
void program_go(const struct program_process *process);

/* Take a message. Return: 1 one was there; 0 none; -1 the process has ended. */
int program_hear(const struct program_process *process, struct program_message *message);

/* End it with SIGKILL and wait for it. */
void program_end(struct program_process *process);

#endif /* TCPWHY_LAB_PROGRAM_H */
