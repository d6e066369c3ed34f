/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_LAB_DIAG_H
#define TCPWHY_LAB_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"
#include "base/err.h"
#include "tcp/segment.h"
#include "tcp/state.h"

/*
 * What the kernel itself says of its TCP sockets: sock_diag, as ss reads it. Needs no privilege and
 * sees what programs have closed already: orphans, FIN_WAIT_2 and TIME_WAIT remains, and handshakes
 * that no program knows of yet (request sockets).
 */

enum diag_timer {
	DIAG_TIMER_NONE,
	DIAG_TIMER_RETRANSMIT, /* also tail loss probe, reordering, SYN_RECEIVED's SYN-ACK */
	DIAG_TIMER_KEEPALIVE,  /* also the limit of an orphan in FIN_WAIT_2 */
	DIAG_TIMER_TIME_WAIT,  /* TIME_WAIT, and FIN_WAIT_2 without a program */
	DIAG_TIMER_PROBE,      /* of a shut window */
	DIAG_TIMERS
};

struct diag_socket {
	enum tcp_state state; /* RFC 9293's; the kernel's NEW_SYN_RECV is SYN_RECEIVED */
	struct ip_address local, remote;
	uint16_t local_port, remote_port;
	uint32_t inode; /* 0: no program has it (orphan, remains, or not accepted yet) */
	enum diag_timer timer;
	uint32_t timer_ms;	/* until it runs out */
	uint8_t retransmits;	/* or probes */
	uint32_t receive_queue; /* listener: waiting connections */
	uint32_t send_queue; /* unacknowledged and unsent octets, FIN included; listener: backlog */
	uint32_t cookie[2];  /* names it for diag_destroy() */
	uint32_t interface;  /* index of the link that it is bound to; 0: to none */
	uint8_t shutdown;    /* bit 0: receiving, 1: sending was shut down */
};

#define DIAG_SOCKETS_MOST 512

struct diag_sockets {
	size_t count;
	bool more; /* there were more than fit */
	struct diag_socket sockets[DIAG_SOCKETS_MOST];
};

/* RFC 9293's name of the kernel's state, as sock_diag and TCP_INFO number it. Return:
   STATE_UNKNOWN: no such number. Source: enum in include/net/tcp_states.h */
enum tcp_state diag_state(unsigned number);

/* Open a sock_diag socket of the calling process's network namespace. Return: -1 with @err. */
int diag_open(struct err *err);

/**
 * diag_read() - Read all TCP sockets of the namespace, IPv4 and IPv6
 * @out:  overwritten; listeners and handshakes without a socket too; not sockets that are bound and
 *        neither listen nor connect
 *
 * Made to be called for every packet: no allocation. An IPv6 socket that talks IPv4 has the IPv4
 * addresses; a listener for both has "::".
 * Source: sock_diag(7), linux/inet_diag.h, net/ipv4/inet_diag.c of the kernel.
 */
bool diag_read(int diag, struct diag_sockets *out, struct err *err);

/* What a piece of the kernel's answer was. */
enum diag_answer {
	DIAG_ANSWER_MORE, /* read on */
	DIAG_ANSWER_END,  /* complete; an errno may have come */
	DIAG_ANSWER_TORN, /* sockets changed while they were listed: read to the end, ask again */
	DIAG_ANSWER_TORN_END, /* the end of that */
	DIAG_ANSWER_BROKEN,   /* lengths or values that no kernel sends */
};

/**
 * diag_answer_read() - Add the sockets in a piece of an answer (for diag_read() and its test)
 * @in:        one datagram
 * @sequence:  of the request; messages with another one are passed over
 * @error:     errno that the kernel sent with the end, 0: none
 */
enum diag_answer diag_answer_read(struct cursor *in, uint32_t sequence, struct diag_sockets *out,
				  int *error);

/* Destroy a socket as "ss -K" does: no FIN, its peer gets a reset (TIME_WAIT remains get none).
   Return: false when the kernel refuses (errno). */
bool diag_destroy(int diag, const struct diag_socket *socket);

/* "time-wait 59.9 s", "keep-alive 1.0 s"; "" without a timer. */
#define DIAG_TIMER_TEXT_BYTES 32
void diag_timer_print(const struct diag_socket *socket, char text[static DIAG_TIMER_TEXT_BYTES]);

#endif /* TCPWHY_LAB_DIAG_H */
