/* SPDX-License-Identifier: BSD-2-Clause */
/* --format csv: a row per connection for spreadsheets. Source of the form: RFC 4180. */
#include "report/formats.h"

#include "report/sentence.h"

static const char header[] =
	"conn,layer,start,duration_ns,client_ip,client_port,server_ip,server_port,"
	"client_packets,client_payload_bytes,server_packets,server_payload_bytes,"
	"client_resent,server_resent,open,open_confidence,end,end_confidence,by,closed_first,"
	"look,life,headline\n";

static void put_quoted(struct out *out, const char *text)
{
	out_char(out, '"');
	for (; *text; text++) {
		if (*text == '"')
			out_char(out, '"');
		out_char(out, *text);
	}
	out_char(out, '"');
}

static void put_cell(struct out *out, const char *text)
{
	out_char(out, ',');
	out_text(out, text ? text : "");
}

static void put_number(struct out *out, uint64_t number)
{
	out_char(out, ',');
	out_u64(out, number);
}

static void put_ends(struct out *out, const struct conn *conn)
{
	for (enum end end = END_CLIENT; end < ENDS; end++) {
		out_char(out, ',');
		out_address(out, &conn->half[end].ip);
		put_number(out, conn->half[end].port);
	}
	for (enum end end = END_CLIENT; end < ENDS; end++) {
		put_number(out, conn->half[end].packets);
		put_number(out, conn->half[end].payload_bytes);
	}
	for (enum end end = END_CLIENT; end < ENDS; end++)
		put_number(out, conn->half[end].resent_segments);
}

static void put_verdicts(struct out *out, const struct judgement *judgement)
{
	static const char *const closers[] = { "client", "server", "both" };
	const struct verdict *open = judgement->has_open ? &judgement->open : NULL;
	const struct verdict *end = judgement->has_end ? &judgement->end : NULL;
	const struct verdict *last = end ? end : open;

	put_cell(out, open ? open->entry->id : NULL);
	put_cell(out, open ? confidence_name(open->confidence) : NULL);
	put_cell(out, end ? end->entry->id : NULL);
	put_cell(out, end ? confidence_name(end->confidence) : NULL);
	put_cell(out, last ? actor_name(last->by) : NULL);
	put_cell(out, judgement->closed_first >= 0 ? closers[judgement->closed_first] : NULL);
	put_cell(out, judgement_needs_look(judgement) ? "look" : "note");
	out_char(out, ',');
	for (unsigned i = 0; i < judgement->life_count; i++) {
		if (i > 0)
			out_char(out, ' ');
		out_text(out, judgement->life[i].entry->id);
	}
}

static void put_row(struct report *report, const struct conn *conn,
		    const struct judgement *judgement)
{
	struct out *out = report->out;
	const struct verdict *headline = judgement_headline(judgement);
	char text[SENTENCE_BYTES > TIME_TEXT_BYTES ? SENTENCE_BYTES : TIME_TEXT_BYTES];

	if (!report_wants(report, conn))
		return;
	out_u64(out, conn->conn);
	put_number(out, conn->layer);
	time_format_utc(text, conn->first_ns);
	put_cell(out, text);
	out_char(out, ',');
	if (conn->first_ns != TIME_NONE && conn->last_ns != TIME_NONE)
		out_i64(out, conn->last_ns - conn->first_ns);
	put_ends(out, conn);
	put_verdicts(out, judgement);
	out_char(out, ',');
	if (headline) {
		sentence_format(text, headline->entry->headline,
				&(struct sentence){ .conn = conn, .verdict = headline });
		put_quoted(out, text);
	}
	out_char(out, '\n');
}

static bool put_header(struct report *report, struct err *err)
{
	(void)err;
	out_text(report->out, header);
	return true;
}

const struct report_ops format_csv = {
	.name = "csv",
	.help = "one row per connection, comma-separated with a header",
	.needs = NEEDS_CONNS,
	.open = put_header,
	.conn = put_row,
};
