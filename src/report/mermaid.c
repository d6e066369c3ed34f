/* SPDX-License-Identifier: BSD-2-Clause */
/* --format mermaid: sequence diagrams for documents that draw Mermaid. */
#include "report/drawn.h"

#include <inttypes.h>

#include "report/formats.h"
#include "report/sentence.h"

/* Mermaid ends a message at ";" and "#"; nothing else of ours needs care. */
static void put_plain(struct out *out, const char *text)
{
	for (; *text; text++) {
		char c = *text;

		if (c == ';' || c == '#' || c == '\n')
			c = ',';
		out_char(out, c);
	}
}

static void put_states(struct out *out, const struct conn *conn, uint64_t frame)
{
	static const char *const sides[ENDS] = { "left of C", "right of S" };

	for (enum end end = END_CLIENT; end < ENDS; end++) {
		const struct half *half = &conn->half[end];

		for (unsigned i = 0; i < half->state_count; i++)
			if (half->states[i].frame == frame)
				out_format(out, "    Note %s: %s%s\n", sides[end],
					   tcp_state_name((enum tcp_state)half->states[i].state),
					   half->states[i].assumed ? " (assumed)" : "");
	}
}

static void put_rows(struct out *out, const struct ladder *ladder)
{
	for (size_t i = 0; i < ladder->rows.count && !out_useless(out); i++) {
		const struct row *row = &ladder->rows.rows[i];
		char text[SEGMENT_TEXT_BYTES];
		bool decides;

		if (row->quoted)
			continue;
		judgement_cites(ladder->judgement, row->frame, &decides);
		row_format(text, row);
		out_text(out, row->from == END_CLIENT ? "    C->>S: " : "    S->>C: ");
		put_plain(out, text);
		row_notes(text, row);
		if (text[0]) {
			out_text(out, "<br/>");
			put_plain(out, text);
		}
		out_format(out, "<br/>frame %" PRIu64 "%s\n", row->frame,
			   decides ? " decides" : "");
		put_states(out, ladder->conn, row->frame);
	}
}

static void mermaid_conn(struct report *report, const struct conn *conn,
			 const struct judgement *judgement)
{
	struct out *out = report->out;
	struct ladder ladder;
	const struct verdict *verdict = judgement_headline(judgement);
	char text[SENTENCE_BYTES];

	if (!drawn_take(report, conn, judgement, &ladder))
		return;
	out_text(out, "sequenceDiagram\n    participant C as client ");
	out_endpoint(out, &conn_client(conn)->ip, conn_client(conn)->port);
	out_text(out, "\n    participant S as server ");
	out_endpoint(out, &conn_server(conn)->ip, conn_server(conn)->port);
	out_char(out, '\n');
	put_rows(out, &ladder);
	if (verdict) {
		sentence_format(text, verdict->entry->headline,
				&(struct sentence){ .conn = conn, .verdict = verdict });
		out_text(out, "    Note over C,S: ");
		put_plain(out, text);
		out_char(out, '\n');
	}
	out_char(out, '\n');
	collector_drop(report->state, conn->conn, conn->layer);
}

const struct report_ops format_mermaid = {
	.name = "mermaid",
	.help = "each connection as a Mermaid sequence diagram",
	.needs = NEEDS_CONNS | NEEDS_SEGMENTS,
	.open = drawn_open,
	.conn = mermaid_conn,
	.segment = drawn_segment,
	.moved = drawn_moved,
	.free = drawn_free,
};
