/* SPDX-License-Identifier: BSD-2-Clause */
/* Zeek's steps for one packet, in Zeek's order. */
#include "peers/zeek.h"

#include <stdlib.h>
#include <string.h>

#include "peers/zeek_conn.h"

#define SECONDS (NSEC_PER_SEC / NSEC_PER_USEC)

#define FIRST_TIMEOUT_US (60 * SECONDS) /* until anything but SYNs was seen */
#define FIRST_EXPIRE_US	 (5 * SECONDS)	/* Zeek's default tcp_SYN_timeout */

#define TRUST_MOST (INT32_C(1) << 20) /* numbers of SYN and RST further away are ignored */

/* What the default scripts of Zeek 9 register as likely server ports, together. */
static const uint16_t default_ports[] = {
	21,   22,   25,	  53,	79,   80,   81,	  88,	135,  139,   143,  389,	 443,
	445,  465,  502,  514,	563,  585,  587,  614,	631,  636,   989,  990,	 992,
	993,  995,  1080, 1434, 1883, 2811, 3128, 3268, 3306, 3389,  5222, 5223, 5269,
	5432, 6379, 6666, 6667, 6668, 6669, 8000, 8080, 8888, 20000,
};

struct zeek *zeek_new(const struct zeek_options *options, const struct zeek_sink *sink)
{
	struct zeek *zeek = calloc(1, sizeof(*zeek));
	const uint16_t *ports = default_ports;
	size_t count = sizeof(default_ports) / sizeof(default_ports[0]);

	if (!zeek)
		return NULL;
	if (options && options->server_ports) {
		ports = options->server_ports;
		count = options->server_port_count;
	}
	for (size_t i = 0; i < count; i++)
		zeek->likely[ports[i] / 8] |= (uint8_t)(1u << (ports[i] % 8));
	zeek->checksums = options && options->checksums;
	zeek->sink = *sink;
	zeek->now_us = INT64_MIN;
	zeek_queue_clear(&zeek->timers);
	zeek_pool_init(&zeek->conns, sizeof(struct zeek_conn));
	zeek_pool_init(&zeek->ranges, sizeof(struct zeek_range));
	zeek_pool_init(&zeek->histories, ZEEK_HISTORY_BYTES);
	return zeek;
}

void zeek_free(struct zeek *zeek)
{
	if (!zeek)
		return;
	zeek_pool_clear(&zeek->conns);
	zeek_pool_clear(&zeek->ranges);
	zeek_pool_clear(&zeek->histories);
	free(zeek->slots);
	zeek_queue_clear(&zeek->timers);
	free(zeek);
}

const struct zeek_stats *zeek_stats(const struct zeek *zeek)
{
	return &zeek->stats;
}

size_t zeek_live(const struct zeek *zeek)
{
	return zeek->live;
}

/* Microseconds, rounded down; a frame without a time has 0, as libpcap hands it out. */
static int64_t time_us(int64_t time_ns)
{
	if (time_ns == TIME_NONE)
		return 0;
	return time_ns / NSEC_PER_USEC - (time_ns % NSEC_PER_USEC < 0);
}

/* Packets that Zeek drops before it looks for their row. */
static bool is_dropped(const struct zeek *zeek, const struct segment *seg)
{
	if (segment_has(seg, SEGMENT_NOT_TCP | SEGMENT_QUOTED | SEGMENT_LENGTH_OVER))
		return true;
	/* Fewer than 20 bytes of the header: then no option byte can be missing. */
	if (segment_has(seg, SEGMENT_HEADER_CUT) && !(seg->options_seen & TCP_HAS_OPTIONS_CUT))
		return true;
	return zeek->checksums && segment_has(seg, SEGMENT_IP_SUM_BAD | SEGMENT_LENGTH_ZERO);
}

/* The sender is the originator, unless the row begins in the middle and the ports speak against it.
 */
static bool is_flipped(const struct zeek *zeek, const struct segment *seg)
{
	static const uint8_t broadcast[4] = { 255, 255, 255, 255 };
	struct ip_address everybody = ip_address_v4(broadcast);
	bool syn = seg->flags & TCP_SYN;

	if (syn && !(seg->flags & TCP_ACK))
		return false;
	if (!zeek_is_likely(zeek, seg->src_port) || ip_address_equal(&seg->dst, &everybody))
		return false;
	return !zeek_is_likely(zeek, seg->dst_port) || (!syn && seg->src_port < seg->dst_port);
}

/* Whether a segment on a known pair of ends begins a new row. Only one with SYN can. */
static bool is_reuse(const struct zeek_conn *conn, const struct segment *seg)
{
	const struct zeek_end *orig = &conn->ends[conn->orig];
	const struct zeek_end *resp = &conn->ends[!conn->orig];
	const struct zeek_end *known = orig;

	if (segment_has(seg, SEGMENT_OFFSET_SMALL) || !(seg->flags & TCP_SYN))
		return false;
	if (seg->flags & TCP_ACK) {
		if (orig->state != ZEEK_INACTIVE)
			return false;
		known = resp;
	}
	if (orig->did_close || resp->did_close)
		return true;
	if (seq_equal(seg->seq, known->start))
		return false;
	return (seg->flags & TCP_ACK) || orig->state != ZEEK_SYN_ACK_SENT ||
	       resp->state != ZEEK_INACTIVE || !seq_equal(seg->seq, resp->start);
}

static struct zeek_conn *begin(struct zeek *zeek, const struct segment *seg, uint32_t hash,
			       int64_t now_us)
{
	struct zeek_conn *conn = zeek_begin(zeek, seg, hash, now_us);

	conn->encapsulation = seg->encapsulation;
	zeek_timer_arm(zeek, conn, ZEEK_TIMER_EXPIRE, zeek->now_us, FIRST_EXPIRE_US);
	zeek_timeout_set(zeek, conn, FIRST_TIMEOUT_US);
	if (is_flipped(zeek, seg))
		zeek_flip(zeek, conn);
	return conn;
}

/* The row that a segment belongs to, perhaps a new one. Return: NULL: no memory. */
static struct zeek_conn *row_of(struct zeek *zeek, const struct segment *seg, uint32_t hash,
				int64_t now_us)
{
	struct zeek_conn *conn = zeek_find(zeek, seg, hash);

	if (!zeek_reserve(zeek))
		return NULL;
	if (conn && is_reuse(conn, seg)) {
		zeek_write(zeek, conn);
		conn = NULL;
	}
	if (!conn)
		return begin(zeek, seg, hash, now_us);
	zeek_history_path(zeek, conn, seg);
	return conn;
}

static void mark_partial(struct zeek_step *step)
{
	struct zeek_conn *conn = step->conn;
	bool syn = step->seg->flags & TCP_SYN;

	if (step->from_orig) {
		if (!(conn->first & ZEEK_ORIG_FIRST))
			conn->partial = !syn || (step->seg->flags & TCP_ACK);
	} else if (!(conn->first & ZEEK_RESP_FIRST) && !conn->partial) {
		conn->partial = !syn;
	}
}

static void init_numbers(const struct zeek_step *step, struct seq end)
{
	struct zeek_end *e = step->e;
	bool syn = step->seg->flags & TCP_SYN;

	switch ((enum zeek_end_state)e->state) {
	case ZEEK_INACTIVE:
		e->start = e->ack = syn ? step->seg->seq : seq_of(step->seg->seq.raw - 1);
		e->last = syn ? end : step->seg->seq;
		return;
	case ZEEK_SYN_SENT:
	case ZEEK_SYN_ACK_SENT:
		if (!syn || seq_equal(step->seg->seq, e->start))
			return;
		break;
	case ZEEK_PARTIAL:
	case ZEEK_ESTABLISHED:
		if (!syn)
			return;
		break;
	case ZEEK_RESET: /* what came first may have been forged */
		if (!syn || e->previous != ZEEK_INACTIVE)
			return;
		break;
	case ZEEK_CLOSED:
		return;
	}
	e->start = e->ack = step->seg->seq;
	e->last = end;
}

/*
 * A number relative to an end's start, in 64 bits; @near with its wraps tells in which round it is.
 * Here, and where near moves on, the numbers are compared as plain integers: that is how Zeek finds
 * that the circle was closed.
 */
static uint64_t relative(const struct zeek_end *e, struct seq x, struct seq near, uint32_t wraps)
{
	if (seq_before(x, near) && wraps > 0 && x.raw > near.raw)
		wraps--;
	else if (seq_after(x, near) && x.raw < near.raw)
		wraps++;
	if (wraps == 0)
		return (uint64_t)(int64_t)seq_distance(x, e->start);
	return zeek_full(x, wraps) - e->start.raw;
}

/* Whether relative() found a number before the start. */
static bool is_before_start(uint64_t rel)
{
	return (int64_t)rel < 0;
}

static void move_on(struct seq *near, uint32_t *wraps, struct seq to)
{
	if (to.raw < near->raw)
		(*wraps)++;
	*near = to;
}

static void take_ack(struct zeek_step *step)
{
	struct zeek_end *p = step->p;
	struct seq ack = step->seg->ack;
	int32_t ahead;

	if (p->state == ZEEK_INACTIVE) {
		p->start = p->ack = p->last = seq_of(ack.raw - 1);
		step->rel_ack = 1;
		return;
	}
	step->rel_ack = relative(p, ack, p->ack, p->ack_wraps);
	if (is_before_start(step->rel_ack)) {
		step->rel_ack = 0;
		return;
	}
	ahead = seq_distance(ack, p->ack);
	if ((step->seg->flags & TCP_RST) || ahead <= 0 || (ack.raw == 0 && ahead > TRUST_MOST))
		return;
	move_on(&p->ack, &p->ack_wraps, ack);
}

static void take_last(struct zeek_step *step, struct seq end)
{
	struct zeek_end *e = step->e;
	int32_t ahead = seq_distance(end, e->last);
	unsigned flags = step->seg->flags;

	if ((flags & (TCP_SYN | TCP_RST)) && (ahead > TRUST_MOST || ahead < -TRUST_MOST))
		return;
	bool only_syn_seen = seq_equal(e->last, seq_add(e->start, 1));

	if ((flags & TCP_FIN) && only_syn_seen) /* 2 GB may lie between: then it looks smaller */
		ahead = 1;
	else if (e->state == ZEEK_RESET)
		return;
	if (ahead > 0)
		move_on(&e->last, &e->last_wraps, end);
	else if (step->seg->payload_bytes > 0)
		zeek_history_count(step->zeek, step->conn, e, ZEEK_RETRANSMISSION);
}

/* Numbers, letters and counts that come before the state machine. */
static void look(struct zeek_step *step)
{
	const struct segment *seg = step->seg;
	struct zeek_end *e = step->e, *p = step->p;
	bool rst = seg->flags & TCP_RST;
	uint32_t octets = segment_seq_octets(seg) - (rst ? seg->payload_bytes : 0);
	struct seq end = seq_add(seg->seq, octets);

	mark_partial(step);
	init_numbers(step, end);
	step->rel = relative(e, seg->seq, e->last, e->last_wraps);
	step->before = is_before_start(step->rel);
	zeek_history_segment(step);
	if (seg->window == 0 && !rst && p->state != ZEEK_CLOSED && e->state != ZEEK_RESET)
		zeek_history_count(step->zeek, step->conn, e, ZEEK_ZERO_WINDOW);
	if (!e->did_close || !p->did_close)
		step->conn->last_us = step->time_us;
	if (seg->flags & TCP_FIN) {
		e->fin_seen = true;
		zeek_rare(step->conn, e)->fin_end = step->rel + octets;
	}
	if (seg->flags & TCP_ACK)
		take_ack(step);
	take_last(step, end);
}

/* Payload, and what the state machine asked for. */
static void follow(struct zeek_step *step)
{
	const struct segment *seg = step->seg;
	bool whole = seg->payload_captured >= seg->payload_bytes &&
		     !segment_has(seg, SEGMENT_PAYLOAD_CUT | SEGMENT_FRAGMENT_ALONE);

	step->conn->first |= step->from_orig ? ZEEK_ORIG_FIRST : ZEEK_RESP_FIRST;
	if (seg->flags & TCP_ACK)
		zeek_acked(step->zeek, step->conn, step->p, step->rel_ack);
	if (seg->payload_bytes > 0 && whole && !(seg->flags & TCP_RST) && !step->before)
		zeek_data(step->zeek, step->conn, step->e,
			  step->rel + ((seg->flags & TCP_SYN) != 0), seg->payload_bytes);
	zeek_end_of_data(step->zeek, step->conn, step->e);
	if (step->close)
		zeek_close(step->zeek, step->conn, step->e, step->event);
}

static void take(struct zeek *zeek, struct zeek_conn *conn, const struct segment *seg,
		 int64_t now_us)
{
	unsigned orig = conn->orig;
	bool from_orig =
		conn->ports[orig] == seg->src_port && ip_address_equal(&conn->ips[orig], &seg->src);
	struct zeek_end *e = &conn->ends[from_orig ? orig : !orig];
	struct zeek_step step = {
		.zeek = zeek,
		.conn = conn,
		.e = e,
		.p = zeek_other(conn, e),
		.seg = seg,
		.time_us = now_us,
		.from_orig = from_orig,
	};

	if (segment_has(seg, SEGMENT_OFFSET_SMALL | SEGMENT_OFFSET_LARGE | SEGMENT_HEADER_CUT))
		return;
	if (zeek->checksums && segment_has(seg, SEGMENT_TCP_SUM_BAD)) {
		zeek_history_count(zeek, conn, e, ZEEK_BAD_CHECKSUM);
		return;
	}
	look(&step);
	zeek_state_step(&step);
	follow(&step);
	e->packets++;
	if (!segment_has(seg, SEGMENT_LENGTH_ZERO))
		e->ip_bytes += seg->ip_bytes;
}

static void add(struct zeek *zeek, const struct segment *seg, uint32_t hash)
{
	int64_t now_us = time_us(seg->time_ns);
	struct zeek_conn *conn;

	if (now_us > zeek->now_us)
		zeek->now_us = now_us;
	if (!zeek_timers_reserve(zeek)) {
		zeek->stats.segments_lost++;
		return;
	}
	zeek_timers_run(zeek);
	if (is_dropped(zeek, seg))
		return;
	conn = row_of(zeek, seg, hash, now_us);
	if (conn)
		take(zeek, conn, seg, now_us);
	else
		zeek->stats.segments_lost++;
}

void zeek_add(struct zeek *zeek, const struct segment *seg)
{
	add(zeek, seg, zeek_hash(seg));
}

/* Rows of so many segments are brought near before the first of them is taken. */
#define AHEAD 16

void zeek_add_batch(struct zeek *zeek, const struct segment_batch *batch)
{
	uint32_t hashes[AHEAD];

	for (unsigned first = 0; first < batch->count; first += AHEAD) {
		const struct segment *segments = &batch->segments[first];
		unsigned count = batch->count - first < AHEAD ? batch->count - first : AHEAD;

		for (unsigned i = 0; i < count; i++) {
			hashes[i] = segment_has(&segments[i], SEGMENT_NOT_TCP)
					    ? 0
					    : zeek_hash(&segments[i]);
			zeek_slot_prefetch(zeek, hashes[i]);
		}
		for (unsigned i = 0; i < count; i++)
			zeek_conn_prefetch(zeek, hashes[i]);
		for (unsigned i = 0; i < count; i++)
			add(zeek, &segments[i], hashes[i]);
	}
}

static int by_serial(const void *a, const void *b)
{
	const struct zeek_conn *const *x = a, *const *y = b;

	return ((*x)->serial > (*y)->serial) - ((*x)->serial < (*y)->serial);
}

/* Without memory for sorting them, in any order. */
static void finish_unsorted(struct zeek *zeek)
{
	for (size_t i = 0; zeek->live > 0; i = (i + 1) % zeek->slot_count) {
		while (zeek->slots[i].conn != ZEEK_NONE)
			zeek_write(zeek, zeek_conn_at(zeek, zeek->slots[i].conn));
	}
}

void zeek_finish(struct zeek *zeek)
{
	struct zeek_conn **rest;
	size_t count = 0;

	zeek_timers_finish(zeek);
	if (zeek->live == 0)
		return;
	rest = malloc(zeek->live * sizeof(struct zeek_conn *));
	if (!rest) {
		finish_unsorted(zeek);
		return;
	}
	for (size_t i = 0; i < zeek->slot_count; i++) {
		if (zeek->slots[i].conn != ZEEK_NONE)
			rest[count++] = zeek_conn_at(zeek, zeek->slots[i].conn);
	}
	qsort(rest, count, sizeof(struct zeek_conn *), by_serial);
	for (size_t i = 0; i < count; i++)
		zeek_write(zeek, rest[i]);
	free(rest);
}
