/* SPDX-License-Identifier: BSD-2-Clause */
/* What each end has sent, and when Zeek calls a connection closed. */
#include "peers/zeek_conn.h"

#define SECONDS (NSEC_PER_SEC / NSEC_PER_USEC)

/* Zeek's defaults: tcp_attempt_delay, tcp_close_delay, tcp_session_timer, tcp_inactivity_timeout,
   and port_inactivity_timeouts of base/protocols/conn/inactivity.zeek. */
#define ATTEMPT_US   (5 * SECONDS)
#define REMOVAL_US   (5 * SECONDS)
#define EXPIRE_US    (6 * SECONDS)
#define INACTIVE_US  (300 * SECONDS)
#define LONG_IDLE_US (3600 * SECONDS)

static bool in_handshake(unsigned state)
{
	return state == ZEEK_INACTIVE || state == ZEEK_SYN_SENT || state == ZEEK_SYN_ACK_SENT;
}

static void set_state(struct zeek_step *step, struct zeek_end *e, enum zeek_end_state state)
{
	const struct zeek_end *p = zeek_other(step->conn, e);

	if (e->state == state)
		return;
	if (!in_handshake(state) && in_handshake(e->state) && in_handshake(p->state))
		zeek_timeout_set(step->zeek, step->conn, INACTIVE_US);
	e->previous = e->state;
	e->state = (uint8_t)state;
}

/* Interactive sessions may be silent for long: which port says so. */
static void allow_long_idle(struct zeek_step *step)
{
	static const uint16_t ports[] = { 21, 22, 23, 513 };
	struct zeek_conn *conn = step->conn;
	const struct zeek_end *orig = &conn->ends[conn->orig];
	uint16_t service = conn->ports[!conn->orig];

	if (orig->state == ZEEK_INACTIVE && !zeek_is_likely(step->zeek, service) &&
	    zeek_is_likely(step->zeek, conn->ports[conn->orig]))
		service = conn->ports[conn->orig];
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		if (service == ports[i])
			zeek_timeout_set(step->zeek, conn, LONG_IDLE_US);
	}
}

static void first_syn(struct zeek_step *step)
{
	bool ack = step->seg->flags & TCP_ACK;

	if (step->from_orig) {
		set_state(step, step->e, ack ? ZEEK_SYN_ACK_SENT : ZEEK_SYN_SENT);
		zeek_timer_arm(step->zeek, step->conn, ZEEK_TIMER_ATTEMPT, step->time_us,
			       ATTEMPT_US);
		return;
	}
	if (!ack && step->p->state == ZEEK_SYN_ACK_SENT &&
	    seq_equal(step->seg->seq, step->e->start)) {
		/* The SYN+ACK was captured before its SYN. */
		zeek_flip(step->zeek, step->conn);
		set_state(step, step->p, ZEEK_ESTABLISHED);
		step->conn->first |= ZEEK_ORIG_FIRST;
	}
	if (step->p->state == ZEEK_SYN_SENT)
		set_state(step, step->p, ZEEK_ESTABLISHED);
	set_state(step, step->e, ZEEK_ESTABLISHED);
	if (step->p->state != ZEEK_PARTIAL)
		allow_long_idle(step);
}

static void first_rst(struct zeek_step *step)
{
	uint8_t peer = step->p->state;
	bool reject;

	set_state(step, step->e, ZEEK_RESET);
	if (step->from_orig)
		reject = peer == ZEEK_ESTABLISHED;
	else
		reject = peer == ZEEK_SYN_SENT || peer == ZEEK_SYN_ACK_SENT;
	step->close = true;
	step->event = !reject;
}

static void first_other(struct zeek_step *step)
{
	struct zeek_conn *conn = step->conn;

	/* Some answer a SYN with an ACK before their SYN+ACK; a challenge ACK looks the same. */
	if (!step->from_orig && step->seg->payload_bytes == 0 &&
	    conn->ends[conn->orig].state == ZEEK_SYN_SENT)
		return;
	if ((step->seg->flags & TCP_ACK) && step->p->state == ZEEK_ESTABLISHED) {
		/* Only its SYN was missed. */
		set_state(step, step->e, ZEEK_ESTABLISHED);
		conn->partial = false;
		conn->first |= step->from_orig ? ZEEK_ORIG_FIRST : ZEEK_RESP_FIRST;
		return;
	}
	set_state(step, step->e, ZEEK_PARTIAL);
}

static void from_inactive(struct zeek_step *step)
{
	unsigned flags = step->seg->flags;

	if (flags & TCP_SYN)
		first_syn(step);
	if (flags & TCP_FIN) {
		set_state(step, step->e, ZEEK_CLOSED);
		step->close = step->event = true;
	}
	if (flags & TCP_RST)
		first_rst(step);
	if (step->e->state == ZEEK_INACTIVE)
		first_other(step);
}

static void from_syn_sent(struct zeek_step *step)
{
	unsigned flags = step->seg->flags;

	if (flags & TCP_FIN) {
		set_state(step, step->e, ZEEK_CLOSED);
		step->close = step->event = true;
	}
	if (flags & TCP_RST) {
		set_state(step, step->e, ZEEK_RESET);
		step->conn->active = false;
		step->close = true;
	}
}

static void from_established(struct zeek_step *step)
{
	unsigned flags = step->seg->flags;
	struct zeek_end *e = step->e, *p = step->p;

	if ((flags & TCP_SYN) && !(flags & TCP_ACK) && e->state == ZEEK_PARTIAL &&
	    p->state == ZEEK_INACTIVE)
		set_state(step, e, ZEEK_SYN_SENT);
	if ((flags & TCP_FIN) && !(flags & TCP_RST)) {
		set_state(step, e, ZEEK_CLOSED);
		/* FIN, RST, and now the other's FIN: that was a normal end after all. */
		if (p->state == ZEEK_RESET && p->previous == ZEEK_CLOSED)
			set_state(step, p, ZEEK_CLOSED);
		step->close = step->event = true;
	}
	if (flags & TCP_RST) {
		set_state(step, e, ZEEK_RESET);
		step->close = true;
		if (p->state != ZEEK_RESET || p->previous != ZEEK_ESTABLISHED)
			step->conn->active = false;
	}
}

static void from_closed(struct zeek_step *step)
{
	if (!(step->seg->flags & TCP_RST) || step->p->state == ZEEK_CLOSED)
		return;
	set_state(step, step->e, ZEEK_RESET);
	if (!step->e->did_close)
		step->close = true;
}

void zeek_state_step(struct zeek_step *step)
{
	switch ((enum zeek_end_state)step->e->state) {
	case ZEEK_INACTIVE:
		from_inactive(step);
		break;
	case ZEEK_SYN_SENT:
	case ZEEK_SYN_ACK_SENT:
		from_syn_sent(step);
		break;
	case ZEEK_PARTIAL:
	case ZEEK_ESTABLISHED:
		from_established(step);
		break;
	case ZEEK_CLOSED:
		from_closed(step);
		break;
	case ZEEK_RESET:
		break;
	}
}

static void close_complete(struct zeek *zeek, struct zeek_conn *conn, struct zeek_end *e,
			   bool event)
{
	const struct zeek_end *p = zeek_other(conn, e);

	if (e->previous != ZEEK_INACTIVE || p->state != ZEEK_INACTIVE) {
		if (conn->deferred_event) {
			event = true;
			conn->deferred_event = false;
		}
		if (event)
			conn->active = false;
	}
	zeek_timer_cancel(zeek, conn, ZEEK_TIMER_ATTEMPT);
	zeek_timer_cancel(zeek, conn, ZEEK_TIMER_EXPIRE);
	zeek_timer_cancel(zeek, conn, ZEEK_TIMER_EXPIRE_EXTRA);
	zeek_timer_arm(zeek, conn, ZEEK_TIMER_REMOVAL, conn->last_us, REMOVAL_US);
}

void zeek_close(struct zeek *zeek, struct zeek_conn *conn, struct zeek_end *e, bool event)
{
	const struct zeek_end *p = zeek_other(conn, e);

	if (zeek_data_pending(e, p)) {
		conn->deferred = true;
		conn->deferred_event |= event;
		return;
	}
	conn->deferred = false;
	if (e->did_close)
		return;
	e->did_close = true;
	if (e->state == ZEEK_RESET || p->did_close || p->state == ZEEK_INACTIVE)
		close_complete(zeek, conn, e, event);
	else if (e->previous != ZEEK_INACTIVE)
		zeek_timer_arm(zeek, conn, ZEEK_TIMER_EXPIRE_EXTRA, conn->last_us, EXPIRE_US);
}
