/* SPDX-License-Identifier: BSD-2-Clause */
/* Zeek's clock: what acts when nobody sends anything. */
#include "peers/zeek_conn.h"

#define SECONDS (NSEC_PER_SEC / NSEC_PER_USEC)

/* Zeek's default tcp_session_timer and tcp_connection_linger. */
#define EXPIRE_EVERY_US (6 * SECONDS)
#define LINGER_US	(5 * SECONDS)

#define RUNS_PER_PACKET 300 /* Zeek's default max_timer_expires */

#define TICKET_KIND_BITS 3
static_assert(ZEEK_TIMERS <= 1 << TICKET_KIND_BITS, "a ticket holds the kind");

/* Each delay that Zeek knows has its line in the queue. */
static const int64_t delays_us[] = { 5 * SECONDS, 6 * SECONDS, 60 * SECONDS, 300 * SECONDS,
				     3600 * SECONDS };
#define DELAYS (sizeof(delays_us) / sizeof(delays_us[0]))
static_assert(DELAYS < ZEEK_LINES, "the last line is for any other delay");

static enum zeek_timer_kind kind_of(const struct zeek_timer *timer)
{
	return timer->ticket & ((1 << TICKET_KIND_BITS) - 1);
}

static bool is_valid(const void *context, const struct zeek_timer *timer)
{
	const struct zeek *zeek = context;

	return zeek_conn_at(zeek, timer->conn)->timers[kind_of(timer)] == timer->ticket;
}

/* Room for all that may be armed until the next call; what was cancelled is thrown away when it is
   most of the queue, so that the queue stays bounded by what is live. */
bool zeek_timers_reserve(struct zeek *zeek)
{
	if (zeek->timers_stale > 1024 && zeek->timers_stale > zeek_queue_count(&zeek->timers) / 2) {
		zeek_queue_sweep(&zeek->timers, is_valid, zeek);
		zeek->timers_stale = 0;
	}
	return zeek_queue_reserve(&zeek->timers, RUNS_PER_PACKET + 2 * (size_t)ZEEK_TIMERS);
}

void zeek_timer_cancel(struct zeek *zeek, struct zeek_conn *conn, enum zeek_timer_kind kind)
{
	if (conn->timers[kind] == 0)
		return;
	conn->timers[kind] = 0;
	zeek->timers_stale++;
}

void zeek_timer_arm(struct zeek *zeek, struct zeek_conn *conn, enum zeek_timer_kind kind,
		    int64_t from_us, int64_t delay_us)
{
	unsigned line = 0;

	zeek_timer_cancel(zeek, conn, kind);
	conn->timers[kind] = (++zeek->ticket << TICKET_KIND_BITS) | kind;
	while (line < DELAYS && delays_us[line] != delay_us)
		line++;
	zeek_queue_push(&zeek->timers, line,
			(struct zeek_timer){ .due_us = from_us + delay_us,
					     .ticket = conn->timers[kind],
					     .conn = conn->index });
}

void zeek_timeout_set(struct zeek *zeek, struct zeek_conn *conn, int64_t timeout_us)
{
	if (conn->timeout_us == timeout_us)
		return;
	conn->timeout_us = timeout_us;
	zeek_timer_arm(zeek, conn, ZEEK_TIMER_INACTIVITY, conn->last_us, timeout_us);
}

static void attempt(struct zeek *zeek, struct zeek_conn *conn)
{
	const struct zeek_end *orig = &conn->ends[conn->orig];
	const struct zeek_end *resp = &conn->ends[!conn->orig];

	if (!conn->active || resp->state != ZEEK_INACTIVE)
		return;
	if (orig->state == ZEEK_SYN_SENT || orig->state == ZEEK_SYN_ACK_SENT)
		zeek_write(zeek, conn);
}

static bool is_over(const struct zeek_conn *conn)
{
	const struct zeek_end *a = &conn->ends[0], *b = &conn->ends[1];

	if (a->state == ZEEK_INACTIVE && b->state == ZEEK_INACTIVE)
		return true;
	if (!a->did_close && !b->did_close)
		return false;
	return (a->did_close && b->did_close) || a->state == ZEEK_RESET || b->state == ZEEK_RESET ||
	       a->state == ZEEK_INACTIVE || b->state == ZEEK_INACTIVE;
}

static void expire(struct zeek *zeek, struct zeek_conn *conn, enum zeek_timer_kind kind)
{
	if (!conn->active)
		return;
	if (conn->last_us + LINGER_US < zeek->now_us && is_over(conn))
		zeek_write(zeek, conn);
	else
		zeek_timer_arm(zeek, conn, kind, zeek->now_us, EXPIRE_EVERY_US);
}

static void inactivity(struct zeek *zeek, struct zeek_conn *conn)
{
	if (conn->last_us + conn->timeout_us <= zeek->now_us)
		zeek_write(zeek, conn);
	else
		zeek_timer_arm(zeek, conn, ZEEK_TIMER_INACTIVITY, conn->last_us, conn->timeout_us);
}

static void act(struct zeek *zeek, struct zeek_conn *conn, enum zeek_timer_kind kind)
{
	switch (kind) {
	case ZEEK_TIMER_ATTEMPT:
		attempt(zeek, conn);
		break;
	case ZEEK_TIMER_EXPIRE:
	case ZEEK_TIMER_EXPIRE_EXTRA:
		expire(zeek, conn, kind);
		break;
	case ZEEK_TIMER_REMOVAL:
		zeek_write(zeek, conn);
		break;
	case ZEEK_TIMER_INACTIVITY:
		inactivity(zeek, conn);
		break;
	case ZEEK_TIMERS:
		break;
	}
}

/* The connection that a timer is for, if it has not been cancelled since; NULL. */
static struct zeek_conn *claim(struct zeek *zeek, const struct zeek_timer *timer)
{
	struct zeek_conn *conn = zeek_conn_at(zeek, timer->conn);

	if (!is_valid(zeek, timer)) {
		zeek->timers_stale--;
		return NULL;
	}
	conn->timers[kind_of(timer)] = 0;
	return conn;
}

void zeek_timers_run(struct zeek *zeek)
{
	struct zeek_timer timer;

	for (unsigned ran = 0;
	     ran < RUNS_PER_PACKET && zeek_queue_pop(&zeek->timers, zeek->now_us, &timer);) {
		struct zeek_conn *conn = claim(zeek, &timer);
		const struct zeek_conn *soon = zeek_conn_at(zeek, zeek->timers.conn_soon);

		__builtin_prefetch(soon);
		__builtin_prefetch(soon->timers);
		if (!conn)
			continue;
		act(zeek, conn, kind_of(&timer));
		ran++;
	}
}

void zeek_timers_finish(struct zeek *zeek)
{
	struct zeek_timer timer;

	while (zeek_queue_pop(&zeek->timers, INT64_MAX, &timer)) {
		struct zeek_conn *conn = claim(zeek, &timer);

		if (conn && kind_of(&timer) == ZEEK_TIMER_ATTEMPT)
			attempt(zeek, conn);
	}
}
