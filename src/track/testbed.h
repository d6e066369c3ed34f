/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_TRACK_TESTBED_H
#define TCPWHY_TRACK_TESTBED_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "track/track.h"

/*
 * For tests of the tracker: one conversation between 10.0.0.1:50000 (the client, ISN 1000) and
 * 10.0.0.2:80 (the server, ISN 5000), said segment by segment with relative numbers.
 */

#define BED_CLIENT_ISN 1000u
#define BED_SERVER_ISN 5000u
#define BED_CONNS_MOST 64

/* A record, copied out of the sink's borrowed one. */
struct bed_record {
	struct conn conn;
	struct moment moments[128];
	struct state_entry states[ENDS][STATE_ENTRIES_MOST];
	struct reset resets[RESETS_MOST];
	struct fin closing[ENDS];
	struct probe_run keepalive[ENDS], window_probe[ENDS];
	struct resend_run resend[ENDS], worst[ENDS];
	struct shut_window shut[ENDS];
	struct stall stalls[STALL_KINDS];
	struct icmp_fact icmp[ICMP_MOST];
};

struct bed {
	struct tracker *tracker;
	struct segment_batch batch;
	uint64_t frame;
	int64_t ns;
	uint32_t isn[ENDS];
	uint16_t next_id;
	struct segment last;	/* as said: to say it again, or change it before it is */
	struct track_note note; /* of the last segment */
	struct bed_record *records[BED_CONNS_MOST];
	unsigned count;
	uint64_t moved_frame, moved_old, moved_fresh;
	unsigned hosts;
};

static inline void bed_on_conn(void *context, const struct conn *conn)
{
	struct bed *bed = context;
	struct bed_record *record = calloc(1, sizeof(*record));

	assert_non_null(record);
	assert_true(bed->count < BED_CONNS_MOST);
	record->conn = *conn;
	memcpy(record->moments, conn->moments, conn->moment_count * sizeof(*conn->moments));
	memcpy(record->resets, conn->resets, conn->reset_count * sizeof(*conn->resets));
	memcpy(record->stalls, conn->stalls, sizeof(record->stalls));
	memcpy(record->icmp, conn->icmp, conn->icmp_count * sizeof(*conn->icmp));
	record->conn.moments = record->moments;
	record->conn.resets = record->resets;
	record->conn.stalls = record->stalls;
	record->conn.icmp = record->icmp;
	for (int end = 0; end < ENDS; end++) {
		struct half *half = &record->conn.half[end];

		memcpy(record->states[end], half->states,
		       half->state_count * sizeof(*half->states));
		half->states = record->states[end];
		record->closing[end] = *half->closing;
		half->closing = &record->closing[end];
		record->keepalive[end] = *half->keepalive;
		half->keepalive = &record->keepalive[end];
		record->window_probe[end] = *half->window_probe;
		half->window_probe = &record->window_probe[end];
		record->resend[end] = *half->resend;
		half->resend = &record->resend[end];
		record->worst[end] = *half->worst_resend;
		half->worst_resend = &record->worst[end];
		record->shut[end] = *half->shut;
		half->shut = &record->shut[end];
	}
	bed->records[bed->count++] = record;
}

static inline void bed_on_segment(void *context, const struct segment *seg,
				  const struct track_note *note)
{
	struct bed *bed = context;

	(void)seg;
	bed->note = *note;
}

static inline void bed_on_moved(void *context, uint64_t frame, uint64_t old, uint64_t fresh)
{
	struct bed *bed = context;

	bed->moved_frame = frame;
	bed->moved_old = old;
	bed->moved_fresh = fresh;
}

static inline void bed_on_host(void *context, const struct host_sighting *host)
{
	struct bed *bed = context;

	(void)host;
	bed->hosts++;
}

/* @segments: its notes are wanted, so that no connection begins in brief */
static inline struct bed *bed_make_new(size_t connections, bool segments)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	struct track_limits limits = { .connections = connections };
	struct track_sink sink = { .context = bed,
				   .conn = bed_on_conn,
				   .segment = segments ? bed_on_segment : NULL,
				   .moved = bed_on_moved,
				   .host = bed_on_host };

	assert_non_null(bed);
	bed->tracker = tracker_new(&limits, &sink);
	assert_non_null(bed->tracker);
	bed->ns = 1000 * NSEC_PER_SEC;
	bed->isn[END_CLIENT] = BED_CLIENT_ISN;
	bed->isn[END_SERVER] = BED_SERVER_ISN;
	bed->next_id = 100;
	return bed;
}

static inline struct bed *bed_new(size_t connections)
{
	return bed_make_new(connections, true);
}

/* Connections begin in brief where they may: track/brief.h. */
static inline struct bed *bed_new_brief(void)
{
	return bed_make_new(0, false);
}

static inline void bed_free(struct bed *bed)
{
	for (unsigned i = 0; i < bed->count; i++)
		free(bed->records[i]);
	tracker_free(bed->tracker);
	free(bed);
}

/* Put bed->last on the wire, as the next frame, some time after the one before. */
static inline uint32_t bed_send(struct bed *bed, int64_t after_ns)
{
	bed->ns += after_ns;
	bed->last.frame = ++bed->frame;
	bed->last.time_ns = bed->ns;
	bed->batch.segments[0] = bed->last;
	bed->batch.count = 1;
	memset(&bed->note, 0, sizeof(bed->note));
	tracker_add(bed->tracker, &bed->batch);
	return bed->note.notes;
}

/* Make the next segment of one end without sending it; numbers are relative to the ISNs. */
static inline struct segment *bed_make(struct bed *bed, enum end from, uint8_t flags, uint32_t seq,
				       uint32_t ack, uint32_t payload)
{
	static const uint8_t client[4] = { 10, 0, 0, 1 }, server[4] = { 10, 0, 0, 2 };
	struct segment *seg = &bed->last;

	*seg = (struct segment){
		.src = ip_address_v4(from == END_CLIENT ? client : server),
		.dst = ip_address_v4(from == END_CLIENT ? server : client),
		.src_port = from == END_CLIENT ? 50000 : 80,
		.dst_port = from == END_CLIENT ? 80 : 50000,
		.seq = seq_of(bed->isn[from] + seq),
		.ack = seq_of(flags & TCP_ACK ? bed->isn[end_other(from)] + ack : 0),
		.payload_bytes = payload,
		.ip_bytes = 40 + payload,
		.window = flags & TCP_RST ? 0 : 1000,
		.flags = flags,
		.header_bytes = 20,
		.ttl = 64,
		.ip_id = bed->next_id++,
		.tcp_checksum = (uint16_t)(seq + 7 * ack + payload),
	};
	if (flags & TCP_SYN) {
		seg->options_seen = TCP_HAS_MSS | TCP_HAS_SACK_PERMITTED;
		seg->mss = 1460;
	}
	return seg;
}

/* Say a segment some milliseconds after the one before. Return: its notes. */
static inline uint32_t bed_say(struct bed *bed, int64_t after_ms, enum end from, uint8_t flags,
			       uint32_t seq, uint32_t ack, uint32_t payload)
{
	bed_make(bed, from, flags, seq, ack, payload);
	return bed_send(bed, after_ms * NSEC_PER_MSEC);
}

/* Let time pass: a frame that is not TCP. */
static inline void bed_wait(struct bed *bed, int64_t ms)
{
	bed->last = (struct segment){ .what = SEGMENT_NOT_TCP };
	bed_send(bed, ms * NSEC_PER_MSEC);
}

#define C END_CLIENT
#define S END_SERVER

/* SYN, SYN-ACK, ACK: frames 1 to 3 of a fresh bed, 10 ms apart. */
static inline void bed_open(struct bed *bed)
{
	bed_say(bed, 0, C, TCP_SYN, 0, 0, 0);
	bed_say(bed, 10, S, TCP_SYN | TCP_ACK, 0, 1, 0);
	bed_say(bed, 10, C, TCP_ACK, 1, 1, 0);
}

/* The input ends. Return: the only record. */
static inline const struct conn *bed_finish(struct bed *bed)
{
	tracker_finish(bed->tracker);
	assert_int_equal(bed->count, 1);
	return &bed->records[0]->conn;
}

/* One claimed entry of a history; a negative frame: assumed. */
struct bed_state {
	enum tcp_state state;
	int frame;
};

static inline void bed_history(const struct conn *conn, enum end end, unsigned count,
			       const struct bed_state *expected)
{
	const struct half *half = &conn->half[end];

	for (unsigned i = 0; i < count && i < half->state_count; i++) {
		int frame = (int)half->states[i].frame;

		assert_string_equal(tcp_state_name((enum tcp_state)half->states[i].state),
				    tcp_state_name(expected[i].state));
		assert_int_equal(half->states[i].assumed ? -frame : frame, expected[i].frame);
	}
	assert_int_equal(half->state_count, count);
}

#define BED_HISTORY(conn, end, ...)                                                                \
	bed_history(conn, end,                                                                     \
		    sizeof((struct bed_state[]){ __VA_ARGS__ }) / sizeof(struct bed_state),        \
		    (struct bed_state[]){ __VA_ARGS__ })

#endif /* TCPWHY_TRACK_TESTBED_H */
