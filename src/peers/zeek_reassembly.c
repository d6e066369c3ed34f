/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which payload Zeek would have handed on, which is missing, and when a side's data ended. Only
 * ranges are kept, no bytes: what lies between trim and next has been handed on but is not yet
 * acknowledged, what lies beyond a hole waits in a list.
 *
 *     start  trim       next   hole    range      range
 *       |-----|xxxxxxxxxx|...........|xxxxxxx|...|xxxx|
 */
#include "peers/zeek_conn.h"

/* Zeek's defaults: tcp_max_initial_window, tcp_max_above_hole_without_any_acks (one value),
   tcp_excessive_data_without_further_acks. */
#define UNACKED_MOST_BYTES 16384
#define STORED_MOST_BYTES  (UINT64_C(10) * 1024 * 1024)

/* Ours: what is kept of one end. A thousand holes are not a connection anybody reads. */
#define RANGES_MOST 1024

static struct zeek_range *range_at(const struct zeek *zeek, uint32_t index)
{
	return zeek_pool_at(&zeek->ranges, index);
}

static void drop_first(struct zeek *zeek, struct zeek_end *e)
{
	uint32_t index = e->ranges;

	e->ranges = range_at(zeek, index)->next;
	zeek_pool_give(&zeek->ranges, index);
}

void zeek_ranges_drop(struct zeek *zeek, struct zeek_end *e)
{
	while (e->ranges != ZEEK_NONE)
		drop_first(zeek, e);
}

static bool has_stored(const struct zeek_end *e)
{
	return !e->skip && (e->next > e->trim || e->ranges != ZEEK_NONE);
}

/* Hand on what adjoins, and let go of it where acknowledgements are not captured. */
static void deliver(struct zeek *zeek, struct zeek_end *e, const struct zeek_end *p)
{
	while (e->ranges != ZEEK_NONE) {
		const struct zeek_range *first = range_at(zeek, e->ranges);

		if (first->start > e->next)
			break;
		if (first->end > e->next)
			e->next = first->end;
		drop_first(zeek, e);
	}
	if (zeek_nothing_acked(e) && zeek_size(e, p) > UNACKED_MOST_BYTES && e->next > e->trim)
		e->trim = e->next;
}

/* Unite start..end with the ranges that it touches. */
static void insert(struct zeek *zeek, struct zeek_end *e, uint64_t start, uint64_t end)
{
	uint32_t *link = &e->ranges;

	while (*link != ZEEK_NONE && range_at(zeek, *link)->end < start)
		link = &range_at(zeek, *link)->next;
	while (*link != ZEEK_NONE && range_at(zeek, *link)->start <= end) {
		uint32_t index = *link;
		struct zeek_range *touched = range_at(zeek, index);

		start = touched->start < start ? touched->start : start;
		end = touched->end > end ? touched->end : end;
		*link = touched->next;
		zeek_pool_give(&zeek->ranges, index);
	}

	uint32_t index = zeek_pool_take(&zeek->ranges);

	*range_at(zeek, index) = (struct zeek_range){ .start = start, .end = end, .next = *link };
	*link = index;
}

/* What is kept of an end. */
struct stored {
	uint64_t bytes;
	uint64_t beyond; /* how far the last byte lies beyond what was handed on */
	unsigned ranges;
};

static struct stored stored_of(const struct zeek *zeek, const struct zeek_end *e)
{
	struct stored stored = { .bytes = e->next > e->trim ? e->next - e->trim : 0 };

	for (uint32_t i = e->ranges; i != ZEEK_NONE; i = range_at(zeek, i)->next) {
		const struct zeek_range *range = range_at(zeek, i);

		stored.bytes += range->end - range->start;
		stored.beyond = range->end - e->next;
		stored.ranges++;
	}
	return stored;
}

/* Zeek's limits, and ours. */
static void limits_apply(struct zeek *zeek, struct zeek_end *e)
{
	struct stored stored = stored_of(zeek, e);

	if (stored.ranges > RANGES_MOST)
		zeek->stats.ranges_lost++;
	if (stored.ranges > RANGES_MOST || stored.bytes > STORED_MOST_BYTES ||
	    (zeek_nothing_acked(e) && stored.beyond > UNACKED_MOST_BYTES)) {
		zeek_ranges_drop(zeek, e);
		e->skip = true;
	}
}

void zeek_data(struct zeek *zeek, struct zeek_conn *conn, struct zeek_end *e, uint64_t rel,
	       uint32_t payload_bytes)
{
	const struct zeek_end *p = zeek_other(conn, e);
	uint64_t acked = zeek_full(e->ack, e->ack_wraps) - e->start.raw;
	uint64_t end = rel + payload_bytes;

	if (e->skip || (rel < acked && end <= acked))
		return;
	if (rel < acked)
		rel = acked;
	if (end > e->trim) {
		if (rel < e->trim)
			rel = e->trim;
		if (rel > e->next) {
			insert(zeek, e, rel, end);
		} else if (end > e->next) {
			e->next = end;
			deliver(zeek, e, p);
		}
	}
	limits_apply(zeek, e);
}

/* Nothing odd has happened to this end: only then does Zeek trust its holes. */
static bool is_clean(const struct zeek_end *e)
{
	return e->state == ZEEK_ESTABLISHED ||
	       (e->state == ZEEK_CLOSED && e->previous == ZEEK_ESTABLISHED);
}

static void gap(struct zeek *zeek, struct zeek_conn *conn, struct zeek_end *e, uint64_t bytes)
{
	if (!is_clean(e) || !is_clean(zeek_other(conn, e)))
		return;
	conn->missed_bytes += bytes;
	zeek_history_count(zeek, conn, e, ZEEK_GAP);
}

/* The other side acknowledged what was not captured. */
static void undelivered(struct zeek *zeek, struct zeek_conn *conn, struct zeek_end *e, uint64_t to)
{
	/* The start number of a row that began in the middle was guessed. */
	if (to <= 2 && conn->partial)
		return;
	while (!e->skip && e->ranges != ZEEK_NONE) {
		uint64_t start = range_at(zeek, e->ranges)->start;

		if (start >= to)
			break;
		if (start > e->next) {
			gap(zeek, conn, e, start - e->next);
			e->next = start;
		}
		deliver(zeek, e, zeek_other(conn, e));
	}
	if (to <= e->next)
		return;
	if (!e->skip)
		gap(zeek, conn, e, to - e->next);
	e->next = to;
}

void zeek_acked(struct zeek *zeek, struct zeek_conn *conn, struct zeek_end *e, uint64_t rel_ack)
{
	if (e->fin_seen && rel_ack >= zeek_rare(conn, e)->fin_end)
		rel_ack = zeek_rare(conn, e)->fin_end - 1;
	if (rel_ack <= e->trim)
		return;
	if (rel_ack > e->next)
		undelivered(zeek, conn, e, rel_ack);
	while (e->ranges != ZEEK_NONE && range_at(zeek, e->ranges)->end <= rel_ack)
		drop_first(zeek, e);
	if (e->ranges != ZEEK_NONE && range_at(zeek, e->ranges)->start == e->next)
		deliver(zeek, e, zeek_other(conn, e));
	if (e->trim < rel_ack)
		e->trim = rel_ack;
	zeek_end_of_data(zeek, conn, e);
}

bool zeek_data_pending(const struct zeek_end *e, const struct zeek_end *p)
{
	uint64_t delivered = (uint64_t)e->start.raw + e->next;
	uint64_t last = zeek_full(e->last, e->last_wraps);

	if (e->skip || last < delivered)
		return false;
	/* A FIN takes a number beyond the data, an RST does not. */
	if (delivered != last && delivered != last - 1)
		return true;
	return e->state != ZEEK_RESET && has_stored(p);
}

void zeek_end_of_data(struct zeek *zeek, struct zeek_conn *conn, struct zeek_end *e)
{
	if (e->eof || zeek_data_pending(e, zeek_other(conn, e)))
		return;
	if (!e->fin_seen && e->state != ZEEK_CLOSED && e->state != ZEEK_RESET)
		return;
	e->eof = true;
	if (!conn->deferred)
		return;
	zeek_close(zeek, conn, e, conn->deferred_event);
	conn->deferred = false;
}
