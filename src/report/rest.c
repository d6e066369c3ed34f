/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/rest.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

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
		if (seen * 2 >= spread->count)
			return (int64_t)exp2(((double)slot + 0.5) / SPREAD_STEPS);
	}
	return 0;
}

static void add_end(struct rest *rest, const struct conn *conn, const struct judgement *judgement)
{
	if (!judgement->has_end)
		rest->failed_quietly++;
	else if (strcmp(judgement->end.entry->id, "end.open") == 0)
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

static void item(struct out *out, bool *first, uint64_t count, const char *what)
{
	if (count == 0)
		return;
	if (!*first)
		out_text(out, ", ");
	*first = false;
	prose_number(out, count);
	out_char(out, ' ');
	out_text(out, what);
}

static void print_opened(const struct rest *rest, struct out *out)
{
	char median[DURATION_BYTES], most[DURATION_BYTES];
	bool first = true;

	out_text(out, "  opened    ");
	item(out, &first, rest->opened, "by handshake");
	if (rest->opening.count > 0) {
		duration_format(median, spread_median(&rest->opening));
		duration_format(most, rest->opening.most_ns);
		out_format(out, " (median %s, slowest %s: #%" PRIu64 ")", median, most,
			   rest->opening.most_conn);
	}
	item(out, &first, rest->mid_capture, "before the capture began");
	item(out, &first, rest->failed_quietly, "not finished");
	out_char(out, '\n');
}

static void print_ended(const struct rest *rest, struct out *out)
{
	bool first = true;

	out_text(out, "  ended     ");
	item(out, &first, rest->closed_first[END_CLIENT], "closed by the client first");
	item(out, &first, rest->closed_first[END_SERVER], "by the server first");
	item(out, &first, rest->closed_first[2], "by both at once");
	item(out, &first, rest->reset_by[END_CLIENT], "reset by the client");
	item(out, &first, rest->reset_by[END_SERVER], "reset by the server");
	item(out, &first, rest->still_open, "still open at the end");
	item(out, &first, rest->other_end, "otherwise");
	out_char(out, '\n');
}

static void print_time_wait(const struct rest *rest, struct out *out)
{
	char until[TIME_TEXT_BYTES];
	bool first = true;

	if (rest->time_wait_until_ns == TIME_NONE)
		return;
	out_text(out, "  TIME_WAIT ");
	item(out, &first, rest->time_wait[END_CLIENT], "at clients");
	item(out, &first, rest->time_wait[END_SERVER], "at servers");
	time_format_utc(until, rest->time_wait_until_ns);
	until[10] = ' ';
	until[19] = '\0';
	out_format(out, ", the last until %s UTC\n", until);
}

void rest_print(const struct rest *rest, struct out *out, bool others_looked)
{
	if (rest->connections == 0)
		return;
	out_text(out, others_looked ? "\nTHE OTHER " : "\nNOTHING NEEDS A LOOK  ");
	prose_number(out, rest->connections);
	if (!others_looked)
		out_text(out, rest->connections == 1 ? " connection" : " connections");
	out_char(out, '\n');
	print_opened(rest, out);
	if (rest->failed_quietly < rest->connections)
		print_ended(rest, out);
	print_time_wait(rest, out);
}
