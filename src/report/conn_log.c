/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * --format zeek: Zeek's conn.log, as its readers expect it. Source of the form: Zeek's ASCII log
 * writer and base/protocols/conn. Not Zeek's: uid is C and the number of the row's first frame
 * (Zeek draws a random one), #open and #close are times of the capture (docs/differences.md).
 */
#include "report/formats.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"

#define UNSET "-"

struct column {
	const char *name;
	const char *type;
};

static const struct column columns[] = {
	{ "ts", "time" },
	{ "uid", "string" },
	{ "id.orig_h", "addr" },
	{ "id.orig_p", "port" },
	{ "id.resp_h", "addr" },
	{ "id.resp_p", "port" },
	{ "proto", "enum" },
	{ "service", "string" },
	{ "duration", "interval" },
	{ "orig_bytes", "count" },
	{ "resp_bytes", "count" },
	{ "conn_state", "string" },
	{ "local_orig", "bool" },
	{ "local_resp", "bool" },
	{ "missed_bytes", "count" },
	{ "history", "string" },
	{ "orig_pkts", "count" },
	{ "orig_ip_bytes", "count" },
	{ "resp_pkts", "count" },
	{ "resp_ip_bytes", "count" },
	{ "tunnel_parents", "set[string]" },
	{ "ip_proto", "count" },
};
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

struct conn_log {
	bool begun;
	int64_t last_ns; /* latest moment in a row so far */
};

static bool log_open(struct report *report, struct err *err)
{
	struct conn_log *state = calloc(1, sizeof(*state));

	if (!state)
		return err_set(err, ERR_SYSTEM, "no memory for the report");
	state->last_ns = TIME_NONE;
	report->state = state;
	return true;
}

static void log_free(struct report *report)
{
	free(report->state);
}

/* "2026-01-02-09-14-02" */
static void put_moment(struct out *out, int64_t time_ns)
{
	char text[TIME_TEXT_BYTES];

	time_format_utc(text, time_ns);
	text[strcspn(text, ".")] = '\0';
	for (char *c = text; *c; c++) {
		if (*c == 'T' || *c == ':')
			*c = '-';
	}
	out_text(out, text);
}

static void put_head(struct out *out, int64_t open_ns)
{
	out_text(out, "#separator \\x09\n"
		      "#set_separator\t,\n"
		      "#empty_field\t(empty)\n"
		      "#unset_field\t" UNSET "\n"
		      "#path\tconn\n"
		      "#open\t");
	put_moment(out, open_ns);
	out_text(out, "\n#fields");
	for (size_t i = 0; i < COLUMNS; i++) {
		out_char(out, '\t');
		out_text(out, columns[i].name);
	}
	out_text(out, "\n#types");
	for (size_t i = 0; i < COLUMNS; i++) {
		out_char(out, '\t');
		out_text(out, columns[i].type);
	}
	out_char(out, '\n');
}

/* Seconds with six decimals. */
static void put_seconds(struct out *out, int64_t time_ns)
{
	int64_t seconds = time_ns / NSEC_PER_SEC;
	int64_t rest = time_ns % NSEC_PER_SEC;

	if (time_ns < 0)
		out_char(out, '-');
	out_format(out, "%" PRId64 ".%06" PRId64, seconds < 0 ? -seconds : seconds,
		   (rest < 0 ? -rest : rest) / NSEC_PER_USEC);
}

static void put_text(struct out *out, const char *text)
{
	out_char(out, '\t');
	out_text(out, *text ? text : UNSET);
}

static void put_count(struct out *out, uint64_t count)
{
	out_char(out, '\t');
	out_u64(out, count);
}

static void put_ends(struct out *out, const struct zeek_row *row)
{
	out_char(out, '\t');
	out_address(out, &row->orig_ip);
	put_count(out, row->orig_port);
	out_char(out, '\t');
	out_address(out, &row->resp_ip);
	put_count(out, row->resp_port);
}

static void put_duration_and_bytes(struct out *out, const struct zeek_row *row)
{
	if (!row->has_duration) {
		out_text(out, "\t" UNSET "\t" UNSET "\t" UNSET);
		return;
	}
	out_char(out, '\t');
	put_seconds(out, row->duration_ns);
	put_count(out, row->orig_bytes);
	put_count(out, row->resp_bytes);
}

static void put_uid(struct out *out, const struct zeek_row *row)
{
	out_text(out, "\tC");
	out_u64(out, row->first_frame);
	if (row->first_layer > 0) { /* a further TCP header of that frame */
		out_char(out, 'L');
		out_u64(out, row->first_layer);
	}
}

static void log_row(struct report *report, const struct zeek_row *row)
{
	struct conn_log *state = report->state;
	struct out *out = report->out;
	int64_t end_ns = row->start_ns + row->duration_ns;

	if (!state->begun)
		put_head(out, row->start_ns);
	state->begun = true;
	if (end_ns > state->last_ns)
		state->last_ns = end_ns;
	put_seconds(out, row->start_ns);
	put_uid(out, row);
	put_ends(out, row);
	put_text(out, "tcp");
	put_text(out, ""); /* service */
	put_duration_and_bytes(out, row);
	put_text(out, row->state);
	put_text(out, ""); /* local_orig, */
	put_text(out, ""); /* local_resp: what is local is a site's setting */
	put_count(out, row->missed_bytes);
	put_text(out, row->history);
	put_count(out, row->orig_packets);
	put_count(out, row->orig_ip_bytes);
	put_count(out, row->resp_packets);
	put_count(out, row->resp_ip_bytes);
	put_text(out, ""); /* tunnel_parents */
	put_count(out, 6);
	out_char(out, '\n');
}

static void log_finish(struct report *report, const struct summary *summary)
{
	struct conn_log *state = report->state;

	(void)summary;
	if (!state->begun)
		put_head(report->out, TIME_NONE);
	out_text(report->out, "#close\t");
	put_moment(report->out, state->last_ns);
	out_char(report->out, '\n');
}

const struct report_ops format_zeek = {
	.name = "zeek",
	.help = "Zeek's conn.log: tab-separated, in Zeek's words",
	.needs = NEEDS_ZEEK,
	.open = log_open,
	.row = log_row,
	.finish = log_finish,
	.free = log_free,
};
