/* SPDX-License-Identifier: BSD-2-Clause */
#include "tcp/state.h"

#include <assert.h>

static const char *const state_names[] = {
	[STATE_UNKNOWN] = "UNKNOWN",
	[STATE_CLOSED] = "CLOSED",
	[STATE_LISTEN] = "LISTEN",
	[STATE_SYN_SENT] = "SYN_SENT",
	[STATE_SYN_RECEIVED] = "SYN_RECEIVED",
	[STATE_ESTABLISHED] = "ESTABLISHED",
	[STATE_FIN_WAIT_1] = "FIN_WAIT_1",
	[STATE_FIN_WAIT_2] = "FIN_WAIT_2",
	[STATE_CLOSE_WAIT] = "CLOSE_WAIT",
	[STATE_CLOSING] = "CLOSING",
	[STATE_LAST_ACK] = "LAST_ACK",
	[STATE_TIME_WAIT] = "TIME_WAIT",
};
static_assert(sizeof(state_names) / sizeof(state_names[0]) == STATE_COUNT, "a name per state");

static const char *const event_names[] = {
	[EVENT_SEND_SYN] = "send SYN",
	[EVENT_RECEIVE_SYN] = "receive SYN",
	[EVENT_SEND_SYN_ACK] = "send SYN-ACK",
	[EVENT_RECEIVE_SYN_ACK] = "receive SYN-ACK",
	[EVENT_RECEIVE_ACK_OF_SYN] = "receive ACK of SYN",
	[EVENT_SEND_FIN] = "send FIN",
	[EVENT_RECEIVE_FIN] = "receive FIN",
	[EVENT_RECEIVE_ACK_OF_FIN] = "receive ACK of FIN",
	[EVENT_SEND_RST] = "send RST",
	[EVENT_RECEIVE_RST] = "receive RST",
	[EVENT_TIMEOUT] = "time-out",
	[EVENT_TIME_WAIT_OVER] = "TIME_WAIT over",
	[EVENT_RECEIVE_ICMP] = "receive ICMP error",
};
static_assert(sizeof(event_names) / sizeof(event_names[0]) == EVENT_COUNT, "a name per event");

/*
 * STATE_UNKNOWN (0) in a cell means "stays". An end that was never seen (UNKNOWN) starts where the
 * event puts it; the end that a SYN arrives at was listening.
 */
static const unsigned char next_states[STATE_COUNT][EVENT_COUNT] = {
	[STATE_UNKNOWN] = {
		[EVENT_SEND_SYN] = STATE_SYN_SENT,
		[EVENT_RECEIVE_SYN] = STATE_LISTEN,
		[EVENT_SEND_SYN_ACK] = STATE_SYN_RECEIVED,
		[EVENT_SEND_RST] = STATE_CLOSED,
		[EVENT_RECEIVE_RST] = STATE_CLOSED,
	},
	[STATE_CLOSED] = {
		[EVENT_SEND_SYN] = STATE_SYN_SENT,
		[EVENT_SEND_SYN_ACK] = STATE_SYN_RECEIVED,
	},
	[STATE_LISTEN] = {
		[EVENT_SEND_SYN] = STATE_SYN_SENT,
		[EVENT_SEND_SYN_ACK] = STATE_SYN_RECEIVED,
		[EVENT_SEND_RST] = STATE_CLOSED,
	},
	[STATE_SYN_SENT] = {
		[EVENT_RECEIVE_SYN] = STATE_SYN_RECEIVED,
		[EVENT_RECEIVE_SYN_ACK] = STATE_ESTABLISHED,
		[EVENT_SEND_FIN] = STATE_FIN_WAIT_1,
		[EVENT_SEND_RST] = STATE_CLOSED,
		[EVENT_RECEIVE_RST] = STATE_CLOSED,
		[EVENT_TIMEOUT] = STATE_CLOSED,
		[EVENT_RECEIVE_ICMP] = STATE_CLOSED, /* RFC 5461 section 4: before it is up */
	},
	[STATE_SYN_RECEIVED] = {
		[EVENT_RECEIVE_SYN_ACK] = STATE_ESTABLISHED,
		[EVENT_RECEIVE_ACK_OF_SYN] = STATE_ESTABLISHED,
		[EVENT_SEND_FIN] = STATE_FIN_WAIT_1,
		[EVENT_RECEIVE_FIN] = STATE_CLOSE_WAIT,
		[EVENT_SEND_RST] = STATE_CLOSED,
		[EVENT_RECEIVE_RST] = STATE_CLOSED,
		[EVENT_TIMEOUT] = STATE_CLOSED,
		[EVENT_RECEIVE_ICMP] = STATE_CLOSED,
	},
	[STATE_ESTABLISHED] = {
		[EVENT_SEND_FIN] = STATE_FIN_WAIT_1,
		[EVENT_RECEIVE_FIN] = STATE_CLOSE_WAIT,
		[EVENT_SEND_RST] = STATE_CLOSED,
		[EVENT_RECEIVE_RST] = STATE_CLOSED,
		[EVENT_TIMEOUT] = STATE_CLOSED,
	},
	[STATE_FIN_WAIT_1] = {
		[EVENT_RECEIVE_FIN] = STATE_CLOSING,
		[EVENT_RECEIVE_ACK_OF_FIN] = STATE_FIN_WAIT_2,
		[EVENT_SEND_RST] = STATE_CLOSED,
		[EVENT_RECEIVE_RST] = STATE_CLOSED,
		[EVENT_TIMEOUT] = STATE_CLOSED,
	},
	[STATE_FIN_WAIT_2] = {
		[EVENT_RECEIVE_FIN] = STATE_TIME_WAIT,
		[EVENT_SEND_RST] = STATE_CLOSED,
		[EVENT_RECEIVE_RST] = STATE_CLOSED,
		[EVENT_TIMEOUT] = STATE_CLOSED,
	},
	[STATE_CLOSE_WAIT] = {
		[EVENT_SEND_FIN] = STATE_LAST_ACK,
		[EVENT_SEND_RST] = STATE_CLOSED,
		[EVENT_RECEIVE_RST] = STATE_CLOSED,
		[EVENT_TIMEOUT] = STATE_CLOSED,
	},
	[STATE_CLOSING] = {
		[EVENT_RECEIVE_ACK_OF_FIN] = STATE_TIME_WAIT,
		[EVENT_SEND_RST] = STATE_CLOSED,
		[EVENT_RECEIVE_RST] = STATE_CLOSED,
		[EVENT_TIMEOUT] = STATE_CLOSED,
	},
	[STATE_LAST_ACK] = {
		[EVENT_RECEIVE_ACK_OF_FIN] = STATE_CLOSED,
		[EVENT_SEND_RST] = STATE_CLOSED,
		[EVENT_RECEIVE_RST] = STATE_CLOSED,
		[EVENT_TIMEOUT] = STATE_CLOSED,
	},
	[STATE_TIME_WAIT] = {
		[EVENT_SEND_SYN_ACK] = STATE_SYN_RECEIVED, /* reopened: RFC 9293 3.6.1 */
		[EVENT_RECEIVE_RST] = STATE_CLOSED, /* RFC 1337: unless the system guards it */
		[EVENT_TIME_WAIT_OVER] = STATE_CLOSED,
	},
};

enum tcp_state tcp_state_next(enum tcp_state state, enum tcp_event event)
{
	enum tcp_state next = (enum tcp_state)next_states[state][event];

	return next == STATE_UNKNOWN ? state : next;
}

const char *tcp_state_name(enum tcp_state state)
{
	return state_names[state];
}

const char *tcp_event_name(enum tcp_event event)
{
	return event_names[event];
}
