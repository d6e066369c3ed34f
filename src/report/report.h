/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_REPORT_REPORT_H
#define TCPWHY_REPORT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "decode/decode.h"
#include "judge/judge.h"
#include "peers/wireshark.h"
#include "peers/zeek.h"
#include "report/json.h"
#include "report/out.h"
#include "track/track.h"

/* What the user asked for, as far as a format cares. */
struct report_options {
	bool all;	      /* a row per connection */
	uint64_t conn;	      /* only this connection's story; 0: not asked */
	uint64_t frame;	      /* the connection that this frame belongs to; 0: not asked */
	bool absolute;	      /* raw sequence numbers */
	bool utf8;	      /* the locale draws UTF-8 */
	bool color;	      /* standard output is a terminal that may be coloured */
	bool peers_wireshark; /* packets: add Wireshark's words */
	const char *input;    /* name(s) of the input, for the head line; borrowed */
};

/* What the source knows and report/ may not ask it for (source/ figures as plain values). */
struct input_figures {
	uint64_t frames, filtered, cut_frames, no_time, comments, blocks_skipped, bytes;
	uint64_t dropped;
	bool drops_known;
	unsigned interfaces;
};

/* All that stands in the summary. */
struct summary {
	struct input_figures input;
	const struct decode_stats *decode; /* borrowed */
	const struct track_stats *track;   /* borrowed; NULL when nothing was tracked */
	uint64_t left_out;		   /* by a stage, for want of memory */
	const struct err *damage;	   /* borrowed; kind ERR_NONE: the input was complete */
};

/* What a format has to be fed. */
enum report_needs {
	NEEDS_CONNS = 1,     /* finished connections, judged, and groups */
	NEEDS_SEGMENTS = 2,  /* every segment with the tracker's note */
	NEEDS_WIRESHARK = 4, /* Wireshark's streams */
	NEEDS_ZEEK = 8,	     /* Zeek's rows */
};

struct report;

/* One output format: a file in report/ and a row in report/formats.c. Functions may be NULL. */
struct report_ops {
	const char *name;
	const char *help;
	unsigned needs;	     /* enum report_needs bits */
	bool tells_unopened; /* finish() also when no capture could be opened */
	bool (*open)(struct report *report, struct err *err);
	void (*conn)(struct report *report, const struct conn *conn,
		     const struct judgement *judgement);
	/* Whether from now on an outline will do of a connection in which nothing happened
	   (conn.outline); NULL: never */
	bool (*outlines_do)(const struct report *report);
	void (*group)(struct report *report, const struct group_verdict *group);
	void (*segment)(struct report *report, const struct segment *seg,
			const struct track_note *note, const struct wireshark_packet *packet);
	void (*moved)(struct report *report, uint64_t frame, uint64_t old, uint64_t fresh);
	void (*stream)(struct report *report, const struct wireshark_stream *stream);
	void (*row)(struct report *report, const struct zeek_row *row);
	void (*finish)(struct report *report, const struct summary *summary);
	void (*free)(struct report *report);
};

/* Formats by name; NULL: none. formats_list() gives all, for help. */
const struct report_ops *formats_find(const char *name);
const struct report_ops *const *formats_list(size_t *count);

/* One running output. */
struct report {
	const struct report_ops *ops;
	struct report_options options;
	struct out *out;     /* borrowed */
	struct json json;    /* on the same output */
	struct tally *tally; /* owned: verdict counts for the summary */
	bool choosing;	     /* only one connection is wanted: --conn or --frame */
	bool found;	     /* the wanted connection came */
	uint64_t chosen;     /* its number; 0 while --frame's frame has not come */
	void *state;	     /* owned by the format */
};

/**
 * report_new() - Start an output
 * @ops:      the format
 * @options:  copied
 * @out:      borrowed; must outlive the report
 *
 * Return: owned by the caller; NULL with @err set.
 */
struct report *report_new(const struct report_ops *ops, const struct report_options *options,
			  struct out *out, struct err *err);
void report_free(struct report *report);

/* Feed it. These count verdicts and hand on to the format. */
void report_conn(struct report *report, const struct conn *conn, const struct judgement *judgement);
bool report_outlines_do(const struct report *report);
void report_group(struct report *report, const struct group_verdict *group);
void report_segment(struct report *report, const struct segment *seg, const struct track_note *note,
		    const struct wireshark_packet *packet);
void report_moved(struct report *report, uint64_t frame, uint64_t old, uint64_t fresh);
void report_finish(struct report *report, const struct summary *summary);

/* Whether a connection is the wanted one, or all are wanted. */
static inline bool report_wants(const struct report *report, const struct conn *conn)
{
	return !report->choosing || conn->conn == report->chosen;
}

/* How often each verdict was given. */
struct tally;
struct tally *tally_new(void);
void tally_free(struct tally *tally);
void tally_add(struct tally *tally, const struct verdict *verdict);
uint64_t tally_count(const struct tally *tally, const struct entry *entry);

#endif /* TCPWHY_REPORT_REPORT_H */
