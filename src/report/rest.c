/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/rest.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "report/prose.h"
#include "report/sentence.h"

void rest_init(struct rest *rest)
{
	memset(rest, 0, sizeof(*rest));
	rest->time_wait_until_ns = TIME_NONE;
}

static void spread_add(struct spread *spread, int64_t ns, uint64_t conn)
{
	double log = ns > 0 ? log2((double)ns) : 0;
	size_t slot = (size_t)(log * SPREAD_STEPS);

	spread->slots[slot < SPREAD_SLOTS ? slot : SPREAD_SLOTS - 1]++;
	spread->count++;
	if (ns > spread->most_ns) {
		spread->most_ns = ns;
		spread->most_conn = conn;
	}
}

static int64_t spread_median(const struct spread *spread)
{
	uint64_t seen = 0;

	for (size_t slot = 0; slot < SPREAD_SLOTS; slot++) {
		seen += spread->slots[slot];
		if (seen * 2 >= spread->count) {
			int64_t middle = (int64_t)exp2(((double)slot + 0.5) / SPREAD_STEPS);

			return middle < spread->most_ns ? middle : spread->most_ns;
		}
	}
	return 0;
}

static void add_end(struct rest *rest, const struct conn *conn, const struct judgement *judgement)
{
	bool whole = !conn->outline; /* an outline is of one that closed, without a verdict */

	if (whole && !judgement->has_end)
		rest->failed_quietly++;
	else if (whole && strcmp(judgement->end.entry->id, "end.open") == 0)
		rest->still_open++;
	else if (conn->ending_reset >= 0)
		rest->reset_by[conn->resets[conn->ending_reset].at.from]++;
	else if (judgement->closed_first >= 0)
		rest->closed_first[judgement->closed_first]++;
	else
		rest->other_end++;
}

void rest_add(struct rest *rest, const struct conn *conn, const struct judgement *judgement)
{
	rest->connections++;
	if (conn->opening == OPENING_SUCCEEDED)
		rest->opened++;
	else if (conn->opening == OPENING_MID_CAPTURE)
		rest->mid_capture++;
	if (conn->handshake_rtt_ns != TIME_NONE && conn->opening == OPENING_SUCCEEDED)
		spread_add(&rest->opening, conn->handshake_rtt_ns, conn->conn);
	add_end(rest, conn, judgement);
	for (unsigned end = 0; end < ENDS; end++) {
		const struct time_wait *wait = &judgement->time_wait[end];

		if (!wait->held)
			continue;
		rest->time_wait[end]++;
		if (rest->time_wait_until_ns == TIME_NONE ||
		    wait->until_ns > rest->time_wait_until_ns)
			rest->time_wait_until_ns = wait->until_ns;
	}
}

#define ITEM_INDENT 12
#define LINE_BYTES  512

/* "340 closed by the client first", after a comma where something stands before it. */
static void item(struct text *line, uint64_t count, const char *what)
{
	if (count > 0)
		text_add(line, "%s%" PRIu64 " %s", line->length ? ", " : "", count, what);
}

static void print_opened(const struct rest *rest, struct out *out)
{
	char buffer[LINE_BYTES], median[DURATION_BYTES], most[DURATION_BYTES];
	struct text line = text_over(buffer, sizeof(buffer));

	item(&line, rest->opened, "by handshake");
	if (rest->opening.count > 0) {
		duration_format(median, spread_median(&rest->opening));
		duration_format(most, rest->opening.most_ns);
		text_add(&line, " (median %s, slowest %s: #%" PRIu64 ")", median, most,
			 rest->opening.most_conn);
	}
	item(&line, rest->mid_capture, "before the capture began");
	item(&line, rest->failed_quietly, "not finished");
	prose_item(out, "  opened", ITEM_INDENT, buffer);
}

static void print_ended(const struct rest *rest, struct out *out)
{
	char buffer[LINE_BYTES];
	struct text line = text_over(buffer, sizeof(buffer));

	item(&line, rest->closed_first[END_CLIENT], "closed by the client first");
	item(&line, rest->closed_first[END_SERVER], "by the server first");
	item(&line, rest->closed_first[2], "by both at once");
	item(&line, rest->reset_by[END_CLIENT], "reset by the client");
	item(&line, rest->reset_by[END_SERVER], "reset by the server");
	item(&line, rest->still_open, "still open at the end");
	item(&line, rest->other_end, "otherwise");
	prose_item(out, "  ended", ITEM_INDENT, buffer);
}

static void print_time_wait(const struct rest *rest, struct out *out)
{
	char buffer[LINE_BYTES], until[TIME_TEXT_BYTES];
	struct text line = text_over(buffer, sizeof(buffer));

	if (rest->time_wait_until_ns == TIME_NONE)
		return;
	item(&line, rest->time_wait[END_CLIENT],
	     rest->time_wait[END_CLIENT] == 1 ? "at the client" : "at clients");
	item(&line, rest->time_wait[END_SERVER],
	     rest->time_wait[END_SERVER] == 1 ? "at the server" : "at servers");
	time_format_utc(until, rest->time_wait_until_ns);
	until[10] = ' ';
	until[19] = '\0';
	text_add(&line, ", the last until %s UTC", until);
	prose_item(out, "  TIME_WAIT", ITEM_INDENT, buffer);
}

void rest_print(const struct rest *rest, struct out *out, const char *head)
{
	if (rest->connections == 0)
		return;
	out_format(out, "\n%s ", head);
	prose_count(out, rest->connections, "connection", "connections");
	out_char(out, '\n');
	print_opened(rest, out);
	if (rest->failed_quietly < rest->connections)
		print_ended(rest, out);
	print_time_wait(rest, out);
}
