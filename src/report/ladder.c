/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/ladder.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "report/prose.h"
#include "report/sentence.h"
#include "tcp/notation.h"
#include "track/note.h"

#define STATE_COLUMNS 12
#define ARROW_COLUMNS 36
#define NOTE_INDENT   23 /* below the arrow */

/* Of a long connection the first and last rows are drawn, and what is notable between. */
#define ROWS_AT_START  14
#define ROWS_AT_END    14
#define ROWS_NOTABLE   40
#define ROWS_ALL_SHOWN (ROWS_AT_START + ROWS_AT_END + 12)

/* Notes that tell a person something that the flags do not. */
#define NOTES_SHOWN                                                                                \
	(NOTE_RESENT | NOTE_RESENT_TIMER | NOTE_RESENT_FAST | NOTE_RESENT_PROBE | NOTE_SPURIOUS |  \
	 NOTE_REORDERED | NOTE_FILLS_GAP | NOTE_GAP_BEFORE | NOTE_ACKS_UNSEEN | NOTE_KEEPALIVE |   \
	 NOTE_KEEPALIVE_ANSWER | NOTE_WINDOW_PROBE | NOTE_WINDOW_PROBE_ANSWER | NOTE_ZERO_WINDOW | \
	 NOTE_WINDOW_FULL | NOTE_CAPTURE_COPY | NOTE_CHALLENGE_ACK | NOTE_RST_IGNORED |            \
	 NOTE_RST_CHALLENGED | NOTE_RST_AFTER_CLOSE | NOTE_ILLEGAL_FLAGS | NOTE_SYN_INSIDE |       \
	 NOTE_TIME_BACK | NOTE_AFTER_CLOSE | NOTE_MISS | NOTE_PREVIOUS)

bool judgement_cites(const struct judgement *judgement, uint64_t frame, bool *decides)
{
	const struct verdict *verdicts[2 + JUDGEMENT_LIFE_MOST];
	unsigned count = 0;
	bool cited = false;

	if (judgement->has_open)
		verdicts[count++] = &judgement->open;
	if (judgement->has_end)
		verdicts[count++] = &judgement->end;
	for (unsigned i = 0; i < judgement->life_count; i++)
		verdicts[count++] = &judgement->life[i];
	*decides = false;
	for (unsigned i = 0; i < count; i++) {
		if (verdicts[i]->decisive == frame)
			*decides = true;
		for (unsigned k = 0; k < verdicts[i]->frame_count; k++)
			if (verdicts[i]->frames[k] == frame)
				cited = true;
	}
	return cited || *decides;
}

void row_format(char text[static SEGMENT_TEXT_BYTES], const struct row *row)
{
	struct notation line = {
		/* Where the header's field is the window in octets, whatever the scale. */
		.said = (row->flags & TCP_ACK ? SAID_ACK : 0) |
			(row->flags & TCP_SYN || row->window == 0 ? SAID_WINDOW : 0),
		.flags = row->flags,
		.seq = row->seq,
		.length = row->payload_bytes,
		.ack = row->ack,
		.window = row->window,
	};
	char whole[NOTATION_TEXT_BYTES];
	struct text to = text_over(whole, sizeof(whole));

	notation_print(&line, &to); /* begins with "0 C>S " */

	const char *after_time = strchr(whole, ' ');
	const char *after_direction = after_time ? strchr(after_time + 1, ' ') : NULL;
	const char *segment = after_direction ? after_direction + 1 : whole;
	size_t length = strnlen(segment, SEGMENT_TEXT_BYTES - 1);

	memcpy(text, segment, length);
	text[length] = '\0';
}

static void append(char *text, const char *separator, const char *piece)
{
	size_t used = strlen(text);

	snprintf(text + used, SEGMENT_TEXT_BYTES - used, "%s%s", used ? separator : "", piece);
}

void row_notes(char text[static SEGMENT_TEXT_BYTES], const struct row *row)
{
	char piece[128];

	text[0] = '\0';
	if (row->quoted) {
		char sender[ADDRESS_TEXT_BYTES];

		ip_address_print(&row->icmp_sender, sender);
		snprintf(piece, sizeof(piece), "quoted in an ICMP error %u/%u from %s",
			 row->icmp_type, row->icmp_code, sender);
		append(text, "; ", piece);
		return;
	}
	if (row->option_bytes > 0) {
		struct text to = text_over(text, SEGMENT_TEXT_BYTES);

		notation_print_options(row->options, row->option_bytes, &to);
	}
	for (unsigned bit = 0; bit < NOTE_COUNT; bit++)
		if (row->notes & NOTES_SHOWN & (UINT32_C(1) << bit))
			append(text, "; ", note_name(bit));
	if (row->flags & TCP_FIN && !(row->notes & NOTE_RESENT)) {
		snprintf(piece, sizeof(piece), "the FIN takes number %" PRIu32,
			 row->seq + row->payload_bytes);
		append(text, "; ", piece);
	}
	if (row->notes & NOTE_ACKS_FIN) {
		snprintf(piece, sizeof(piece), "acknowledges the FIN: %" PRIu32 " + 1",
			 row->ack - 1);
		append(text, "; ", piece);
	}
}

/* The state that an end entered with this frame; NULL: it stayed. */
static const struct state_entry *entered(const struct half *half, uint64_t frame)
{
	const struct state_entry *last = NULL;

	for (unsigned i = 0; i < half->state_count; i++)
		if (half->states[i].frame == frame)
			last = &half->states[i];
	return last;
}

static void put_state(struct out *out, const struct half *half, const struct row *row)
{
	const struct state_entry *entry = row->quoted ? NULL : entered(half, row->frame);
	const char *name = entry ? tcp_state_name((enum tcp_state)entry->state) : "";
	size_t columns = strlen(name);

	out_text(out, name);
	if (entry && entry->assumed && columns < STATE_COLUMNS) {
		out_char(out, '?');
		columns++;
	}
	out_spaces(out, STATE_COLUMNS > columns ? STATE_COLUMNS - columns : 0);
}

static void put_arrow(struct out *out, const struct ladder *ladder, const struct row *row)
{
	char label[SEGMENT_TEXT_BYTES];
	const char *dash = ladder->utf8 ? "\xe2\x94\x80" : "-";

	row_format(label, row);
	label[ARROW_COLUMNS - 3] = '\0'; /* room for a blank, one dash and the head */

	size_t dashes = ARROW_COLUMNS - strlen(label) - 2;

	if (row->from == END_CLIENT) {
		out_text(out, label);
		out_char(out, ' ');
	} else {
		out_char(out, '<');
	}
	for (size_t i = 0; i < dashes; i++)
		out_text(out, dash);
	if (row->from == END_CLIENT) {
		out_char(out, '>');
	} else {
		out_char(out, ' ');
		out_text(out, label);
	}
}

static void put_row(struct out *out, const struct ladder *ladder, const struct row *row)
{
	const struct conn *conn = ladder->conn;
	char notes[SEGMENT_TEXT_BYTES];
	bool decides;
	double seconds = row->time_ns == TIME_NONE || conn->first_ns == TIME_NONE
				 ? 0
				 : (double)(row->time_ns - conn->first_ns) / (double)NSEC_PER_SEC;

	judgement_cites(ladder->judgement, row->frame, &decides);
	if (decides && ladder->color)
		out_text(out, "\033[1m");
	out_format(out, "%9.4f ", seconds);
	put_state(out, conn_client(conn), row);
	out_char(out, ' ');
	put_arrow(out, ladder, row);
	out_char(out, ' ');
	put_state(out, conn_server(conn), row);
	out_format(out, " %" PRIu64 "%s", row->frame, decides ? " *" : "");
	if (decides && ladder->color)
		out_text(out, "\033[0m");
	out_char(out, '\n');
	row_notes(notes, row);
	if (notes[0]) {
		out_spaces(out, NOTE_INDENT);
		prose_wrap(out, NOTE_INDENT, NOTE_INDENT, notes);
	}
}

/* Whether a row of the middle tells something. */
static bool is_notable(const struct ladder *ladder, const struct row *row)
{
	bool decides;

	if (row->flags & (TCP_SYN | TCP_FIN | TCP_RST) || row->quoted)
		return true;
	if (entered(conn_client(ladder->conn), row->frame) ||
	    entered(conn_server(ladder->conn), row->frame))
		return true;
	return judgement_cites(ladder->judgement, row->frame, &decides);
}

struct gap {
	uint64_t segments, bytes;
	int64_t from_ns, to_ns;
};

static void gap_add(struct gap *gap, const struct row *row)
{
	if (gap->segments == 0)
		gap->from_ns = row->time_ns;
	gap->to_ns = row->time_ns;
	gap->segments++;
	gap->bytes += row->payload_bytes;
}

static void gap_put(struct out *out, struct gap *gap)
{
	char duration[DURATION_BYTES];

	if (gap->segments == 0)
		return;
	duration_format(duration, gap->to_ns - gap->from_ns);
	out_text(out, "      ... ");
	prose_count(out, gap->segments, "segment", "segments");
	out_text(out, ", ");
	prose_count(out, gap->bytes, "byte", "bytes");
	out_format(out, " of payload in %s\n", duration);
	*gap = (struct gap){ .segments = 0 };
}

static void put_head(struct out *out, const struct conn *conn)
{
	char client[ADDRESS_TEXT_BYTES], server[ADDRESS_TEXT_BYTES];
	size_t between = STATE_COLUMNS + 1 + ARROW_COLUMNS + 1;

	ip_address_print(&conn_client(conn)->ip, client);
	ip_address_print(&conn_server(conn)->ip, server);

	size_t client_columns = strlen(client), server_columns = strlen(server);

	out_text(out, "  seconds client");
	between -= strlen("client");
	out_spaces(out, 2);
	out_text(out, client);
	if (client_columns + server_columns + 6 < between)
		out_spaces(out, between - client_columns - server_columns - 4);
	else
		out_char(out, ' ');
	out_text(out, server);
	out_text(out, "  server       frame\n");
}

void ladder_draw(struct out *out, const struct ladder *ladder)
{
	const struct rows *rows = &ladder->rows;
	bool elide = ladder->elide && rows->count > ROWS_ALL_SHOWN;
	struct gap gap = { .segments = 0 };
	unsigned notable = 0;
	bool marked = false;

	put_head(out, ladder->conn);
	for (size_t i = 0; i < rows->count && !out_useless(out); i++) {
		const struct row *row = &rows->rows[i];
		bool edge = i < ROWS_AT_START || i + ROWS_AT_END >= rows->count;
		bool decides;

		if (elide && !edge && (notable >= ROWS_NOTABLE || !is_notable(ladder, row))) {
			gap_add(&gap, row);
			continue;
		}
		notable += !edge;
		gap_put(out, &gap);
		put_row(out, ladder, row);
		judgement_cites(ladder->judgement, row->frame, &decides);
		marked |= decides;
	}
	gap_put(out, &gap);
	if (rows->dropped > 0)
		out_format(out, "      ... %" PRIu64 " further segments were not kept\n",
			   rows->dropped);
	if (marked)
		out_text(out, "* decides\n");
}
