/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_TCP_STATE_H
#define TCPWHY_TCP_STATE_H

/* The states of one end. Source: RFC 9293, section 3.3.2; names with underscores everywhere. */
enum tcp_state {
	STATE_UNKNOWN, /* nothing of this end was seen or inferred yet */
	STATE_CLOSED,
	STATE_LISTEN,
	STATE_SYN_SENT,
	STATE_SYN_RECEIVED,
	STATE_ESTABLISHED,
	STATE_FIN_WAIT_1,
	STATE_FIN_WAIT_2,
	STATE_CLOSE_WAIT,
	STATE_CLOSING,
	STATE_LAST_ACK,
	STATE_TIME_WAIT,
	STATE_COUNT
};

/* What happens to one end, as the tracker, the lab and our own ends feed it to the table. */
enum tcp_event {
	EVENT_SEND_SYN,		  /* active open; a SYN without ACK leaves */
	EVENT_RECEIVE_SYN,	  /* a SYN without ACK arrives */
	EVENT_SEND_SYN_ACK,	  /* a SYN with ACK leaves */
	EVENT_RECEIVE_SYN_ACK,	  /* a SYN with an acceptable ACK of our SYN arrives */
	EVENT_RECEIVE_ACK_OF_SYN, /* an acceptable ACK of our SYN without SYN arrives */
	EVENT_SEND_FIN,
	EVENT_RECEIVE_FIN,	  /* the peer's FIN arrives in order (its octet is consumed) */
	EVENT_RECEIVE_ACK_OF_FIN, /* our FIN is acknowledged */
	EVENT_SEND_RST,		  /* this end aborts */
	EVENT_RECEIVE_RST,	  /* an acceptable reset arrives (RFC 9293 3.10.7, RFC 5961) */
	EVENT_TIMEOUT,		  /* retransmission, user or keep-alive time-out: gives up */
	EVENT_TIME_WAIT_OVER,	  /* 2 MSL passed, or TIME_WAIT was cut short */
	EVENT_RECEIVE_ICMP,	  /* an ICMP error says that its SYN (or SYN-ACK) gets nowhere */
	EVENT_COUNT
};

/**
 * tcp_state_next() - The one transition table of this project
 * @state:  where the end is
 * @event:  what happened to it
 *
 * Return: the next state; @state itself where the event changes nothing there.
 * Source: RFC 9293, section 3.3.2 (figure 5) and 3.10; a SYN_RECEIVED end that receives FIN with
 * the ACK of its SYN is fed EVENT_RECEIVE_ACK_OF_SYN first, then EVENT_RECEIVE_FIN.
 */
enum tcp_state tcp_state_next(enum tcp_state state, enum tcp_event event);

/* "SYN_RECEIVED"; "UNKNOWN" for STATE_UNKNOWN. Static storage. */
const char *tcp_state_name(enum tcp_state state);

/* "receive FIN". Static storage. */
const char *tcp_event_name(enum tcp_event event);

#endif /* TCPWHY_TCP_STATE_H */
