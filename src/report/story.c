/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/story.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "report/prose.h"
#include "report/sentence.h"

#define LABEL_INDENT 15
#define LINE_BYTES   768

void story_title(struct out *out, const struct conn *conn)
{
	char time[TIME_TEXT_BYTES], duration[DURATION_BYTES];
	uint64_t packets = conn->half[END_CLIENT].packets + conn->half[END_SERVER].packets;

	time_format_utc(time, conn->first_ns);
	if (conn->first_ns != TIME_NONE) {
		time[10] = ' ';
		time[23] = '\0'; /* to the millisecond */
	}
	out_format(out, "#%" PRIu64 "  ", conn->conn);
	out_endpoint(out, &conn_client(conn)->ip, conn_client(conn)->port);
	out_text(out, conn->direction_known ? " -> " : " - ");
	out_endpoint(out, &conn_server(conn)->ip, conn_server(conn)->port);
	duration_format(duration, conn->last_ns - conn->first_ns);
	out_format(out, "\n%s UTC, %s, ", time, duration);
	prose_count(out, packets, "segment", "segments");
	out_char(out, '\n');
}

static const struct row *find_row(const struct rows *rows, uint64_t frame)
{
	for (size_t i = 0; i < rows->count; i++)
		if (rows->rows[i].frame == frame)
			return &rows->rows[i];
	return NULL;
}

/* "frame 2403     server: R 4312, 61.2043 s, ttl 63" */
static void put_evidence(struct out *out, const struct ladder *ladder, uint64_t frame,
			 bool decisive)
{
	const struct row *row = find_row(&ladder->rows, frame);
	char label[48], line[LINE_BYTES], segment[SEGMENT_TEXT_BYTES], notes[SEGMENT_TEXT_BYTES];

	snprintf(label, sizeof(label), "  frame %" PRIu64 "%s", frame, decisive ? " *" : "");
	if (!row) {
		prose_item(out, label, LABEL_INDENT, "(not among the frames kept)");
		return;
	}
	row_format(segment, row);
	row_notes(notes, row);
	snprintf(line, sizeof(line), "%s: %s at %.4f s, ttl %u%s%s%s",
		 row->from == END_CLIENT ? "client" : "server", segment,
		 (double)(row->time_ns - ladder->conn->first_ns) / (double)NSEC_PER_SEC, row->ttl,
		 notes[0] ? " (" : "", notes, notes[0] ? ")" : "");
	prose_item(out, label, LABEL_INDENT, line);
}

/* The unit at the end of a key: the value says it itself. */
static size_t unit_length(const char *key, size_t length)
{
	static const char *const units[] = { "_ns", "_bytes" };

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t unit = strlen(units[i]);

		if (length > unit && strcmp(key + length - unit, units[i]) == 0)
			return unit;
	}
	return 0;
}

static void put_value_line(struct out *out, const struct verdict *verdict)
{
	char line[LINE_BYTES] = "", piece[SENTENCE_BYTES], template[64];

	for (unsigned i = 0; i < verdict->value_count; i++) {
		const struct verdict_value *value = &verdict->values[i];
		bool repeated = i > 0 && strcmp(verdict->values[i - 1].key, value->key) == 0;
		size_t used = strlen(line);

		if (repeated) /* a list: its first key printed all of it */
			continue;
		snprintf(template, sizeof(template), "{%s}", value->key);
		sentence_format(piece, template, &(struct sentence){ .verdict = verdict });

		size_t key_length = strlen(value->key);

		key_length -= unit_length(value->key, key_length);
		snprintf(line + used, sizeof(line) - used, "%s%.*s %s", used ? ", " : "",
			 (int)key_length, value->key, piece);
		/* The key's words; a text may name an option that is written with underscores. */
		for (char *at = line + used; *at && at < line + used + 2 + key_length; at++)
			if (*at == '_')
				*at = ' ';
	}
	if (line[0])
		prose_item(out, "  measured", LABEL_INDENT, line);
}

static void put_verdict(struct out *out, const struct ladder *ladder, const struct verdict *verdict)
{
	char text[SENTENCE_BYTES], line[LINE_BYTES];
	struct sentence about = { .conn = ladder->conn, .verdict = verdict };

	snprintf(line, sizeof(line), "%s, %s", verdict->entry->id,
		 confidence_name(verdict->confidence));
	prose_item(out, " ", 2, line);
	prose_item(out, "  meaning", LABEL_INDENT, verdict->entry->meaning);
	for (unsigned i = 0; i < verdict->frame_count; i++)
		put_evidence(out, ladder, verdict->frames[i],
			     verdict->frames[i] == verdict->decisive);
	put_value_line(out, verdict);
	for (unsigned i = 0; i < verdict->excluded_count; i++) {
		const struct exclusion *not = &verdict->excluded[i];
		int used = snprintf(line, sizeof(line), "%s: %s", not ->id, not ->because);

		if (not ->frame && used > 0 && (size_t)used < sizeof(line))
			snprintf(line + used, sizeof(line) - (size_t)used, " (#%" PRIu64 ")",
				 not ->frame);
		prose_item(out, "  not", LABEL_INDENT, line);
	}
	if (verdict->confidence != CONFIDENCE_PROVED)
		prose_item(out, "  looks alike", LABEL_INDENT, verdict->entry->lookalikes);
	if (verdict->entry->look) {
		sentence_format(text, verdict->entry->advice, &about);
		prose_item(out, "  do", LABEL_INDENT, text);
	}
}

static void put_other(struct out *out, const struct ladder *ladder, const char *label,
		      const struct verdict *verdict)
{
	char text[SENTENCE_BYTES], line[LINE_BYTES];
	int used;

	sentence_format(text, verdict->entry->headline,
			&(struct sentence){ .conn = ladder->conn, .verdict = verdict });
	used = snprintf(line, sizeof(line), "%s [%s, %s", text, verdict->entry->id,
			confidence_name(verdict->confidence));
	for (unsigned i = 0; i < verdict->frame_count && i < 4; i++)
		if (used > 0 && (size_t)used < sizeof(line))
			used += snprintf(line + used, sizeof(line) - (size_t)used, "%s#%" PRIu64,
					 i ? " " : ", ", verdict->frames[i]);
	if (used > 0 && (size_t)used < sizeof(line))
		snprintf(line + used, sizeof(line) - (size_t)used, "]");
	prose_item(out, label, LABEL_INDENT, line);
}

static void put_time_wait(struct out *out, const struct ladder *ladder)
{
	for (enum end end = END_CLIENT; end < ENDS; end++) {
		const struct time_wait *wait = &ladder->judgement->time_wait[end];
		char until[TIME_TEXT_BYTES], duration[DURATION_BYTES], line[LINE_BYTES];
		char host[ADDRESS_PORT_TEXT_BYTES];

		if (!wait->held)
			continue;
		time_format_utc(until, wait->until_ns);
		until[10] = ' ';
		until[19] = '\0';
		duration_format(duration, wait->duration_ns);
		ip_address_port_print(&ladder->conn->half[end].ip, ladder->conn->half[end].port,
				      host);
		snprintf(line, sizeof(line), "the %s, %s, until %s UTC (%s, the default of %s)",
			 end == END_CLIENT ? "client" : "server", host, until, duration,
			 wait->assumed ? wait->assumed : "its system");
		prose_item(out, "  TIME_WAIT", LABEL_INDENT, line);
	}
}

void story_words(struct out *out, const struct ladder *ladder)
{
	const struct judgement *judgement = ladder->judgement;
	const struct verdict *main_verdict = judgement_headline(judgement);
	char text[SENTENCE_BYTES];

	if (main_verdict) {
		sentence_format(
			text, main_verdict->entry->headline,
			&(struct sentence){ .conn = ladder->conn, .verdict = main_verdict });
		prose_wrap(out, 0, 0, text);
		put_verdict(out, ladder, main_verdict);
		out_char(out, '\n');
	}
	if (judgement->has_open && &judgement->open != main_verdict)
		put_other(out, ladder, "  opening", &judgement->open);
	for (unsigned i = 0; i < judgement->life_count; i++)
		if (&judgement->life[i] != main_verdict)
			put_other(out, ladder, i ? "  and" : "  besides", &judgement->life[i]);
	if (judgement->has_end && &judgement->end != main_verdict)
		put_other(out, ladder, "  ending", &judgement->end);
	put_time_wait(out, ladder);
}

void story_tell(struct out *out, const struct ladder *ladder)
{
	story_title(out, ladder->conn);
	out_char(out, '\n');
	story_words(out, ladder);
	out_char(out, '\n');
	ladder_draw(out, ladder);
}
