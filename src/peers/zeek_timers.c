/* SPDX-License-Identifier: BSD-2-Clause */
/* Zeek's clock: what acts when nobody sends anything. */
#include <stdlib.h>

#include "peers/zeek_conn.h"

#define SECONDS (NSEC_PER_SEC / NSEC_PER_USEC)

/* Zeek's default tcp_session_timer and tcp_connection_linger. */
#define EXPIRE_EVERY_US (6 * SECONDS)
#define LINGER_US	(5 * SECONDS)

#define RUNS_PER_PACKET 300 /* Zeek's default max_timer_expires */

#define TICKET_KIND_BITS 3
static_assert(ZEEK_TIMERS <= 1 << TICKET_KIND_BITS, "a ticket holds the kind");

static bool is_before(const struct zeek_timer *a, const struct zeek_timer *b)
{
	return a->due_us != b->due_us ? a->due_us < b->due_us : a->ticket < b->ticket;
}

static enum zeek_timer_kind kind_of(const struct zeek_timer *timer)
{
	return timer->ticket & ((1 << TICKET_KIND_BITS) - 1);
}

static bool is_valid(const struct zeek *zeek, const struct zeek_timer *timer)
{
	return zeek_conn_at(zeek, timer->conn)->timers[kind_of(timer)] == timer->ticket;
}

static void sift_up(struct zeek_timer *heap, size_t at, struct zeek_timer timer)
{
	while (at > 0 && is_before(&timer, &heap[(at - 1) / 2])) {
		heap[at] = heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	heap[at] = timer;
}

static void sift_down(struct zeek_timer *heap, size_t count, size_t at, struct zeek_timer timer)
{
	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= count)
			break;
		if (child + 1 < count && is_before(&heap[child + 1], &heap[child]))
			child++;
		if (!is_before(&heap[child], &timer))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = timer;
}

static struct zeek_timer pop(struct zeek *zeek)
{
	struct zeek_timer first = zeek->timers[0];

	zeek->timer_count--;
	if (zeek->timer_count > 0)
		sift_down(zeek->timers, zeek->timer_count, 0, zeek->timers[zeek->timer_count]);
	return first;
}

/* Throw away what was cancelled, so that the queue stays bounded by what is live. */
static void sweep(struct zeek *zeek)
{
	size_t kept = 0;

	for (size_t i = 0; i < zeek->timer_count; i++) {
		if (is_valid(zeek, &zeek->timers[i]))
			zeek->timers[kept++] = zeek->timers[i];
	}
	zeek->timer_count = kept;
	zeek->timers_stale = 0;
	for (size_t i = kept / 2; i-- > 0;)
		sift_down(zeek->timers, kept, i, zeek->timers[i]);
}

bool zeek_timers_reserve(struct zeek *zeek)
{
	if (zeek->timers_stale > 1024 && zeek->timers_stale > zeek->timer_count / 2)
		sweep(zeek);
	if (zeek->timer_count + 2 * (size_t)ZEEK_TIMERS <= zeek->timer_room)
		return true;

	size_t room = zeek->timer_room ? 2 * zeek->timer_room : 1024;
	struct zeek_timer *timers = realloc(zeek->timers, room * sizeof(*timers));

	if (!timers)
		return false;
	zeek->timers = timers;
	zeek->timer_room = room;
	return true;
}

void zeek_timer_cancel(struct zeek *zeek, struct zeek_conn *conn, enum zeek_timer_kind kind)
{
	if (conn->timers[kind] == 0)
		return;
	conn->timers[kind] = 0;
	zeek->timers_stale++;
}

void zeek_timer_arm(struct zeek *zeek, struct zeek_conn *conn, enum zeek_timer_kind kind,
		    int64_t due_us)
{
	assert(zeek->timer_count < zeek->timer_room);
	zeek_timer_cancel(zeek, conn, kind);
	conn->timers[kind] = (++zeek->ticket << TICKET_KIND_BITS) | kind;

	struct zeek_timer timer = { .due_us = due_us,
				    .ticket = conn->timers[kind],
				    .conn = conn->index };

	sift_up(zeek->timers, zeek->timer_count++, timer);
}

void zeek_timeout_set(struct zeek *zeek, struct zeek_conn *conn, int64_t timeout_us)
{
	if (conn->timeout_us == timeout_us)
		return;
	conn->timeout_us = timeout_us;
	zeek_timer_arm(zeek, conn, ZEEK_TIMER_INACTIVITY, conn->last_us + timeout_us);
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
		zeek_timer_arm(zeek, conn, kind, zeek->now_us + EXPIRE_EVERY_US);
}

static void inactivity(struct zeek *zeek, struct zeek_conn *conn)
{
	if (conn->last_us + conn->timeout_us <= zeek->now_us)
		zeek_write(zeek, conn);
	else
		zeek_timer_arm(zeek, conn, ZEEK_TIMER_INACTIVITY, conn->last_us + conn->timeout_us);
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

/* Take the first timer off the queue. Return: its connection; NULL: it had been cancelled. */
static struct zeek_conn *take_first(struct zeek *zeek, enum zeek_timer_kind *kind)
{
	struct zeek_timer timer = pop(zeek);
	struct zeek_conn *conn = zeek_conn_at(zeek, timer.conn);

	*kind = kind_of(&timer);
	if (!is_valid(zeek, &timer)) {
		zeek->timers_stale--;
		return NULL;
	}
	conn->timers[*kind] = 0;
	return conn;
}

void zeek_timers_run(struct zeek *zeek)
{
	for (unsigned ran = 0; ran < RUNS_PER_PACKET && zeek->timer_count > 0;) {
		enum zeek_timer_kind kind;

		if (zeek->timers[0].due_us > zeek->now_us)
			break;

		struct zeek_conn *conn = take_first(zeek, &kind);

		if (!conn)
			continue;
		act(zeek, conn, kind);
		ran++;
	}
}

void zeek_timers_finish(struct zeek *zeek)
{
	while (zeek->timer_count > 0) {
		enum zeek_timer_kind kind;
		struct zeek_conn *conn = take_first(zeek, &kind);

		if (conn && kind == ZEEK_TIMER_ATTEMPT)
			attempt(zeek, conn);
	}
}
