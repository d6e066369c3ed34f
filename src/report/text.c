/* SPDX-License-Identifier: BSD-2-Clause */
/* --format text, the default: for people. Capture quality, what needs a look, the rest, advice; or
   with --conn and --frame one connection's story. */
#include "report/formats.h"

#include <stdlib.h>
#include <string.h>

#include "report/brief.h"
#include "report/drawn.h"
#include "report/look.h"
#include "report/prose.h"
#include "report/rest.h"
#include "report/sentence.h"
#include "report/story.h"

#define TEXT_INDENT 17 /* of the head lines */

#define BRIEFS 8 /* with no more connections than this each one is told in the overview */

#define GROUP_NOTES 8

struct overview {
	struct looks *looks;	     /* owned */
	struct rest *rest;	     /* owned */
	struct collector *rows;	     /* owned; only for a story */
	uint64_t stories;	     /* told */
	struct brief briefs[BRIEFS]; /* of the first connections */
	uint64_t brief_count;	     /* of all */
	char group_notes[GROUP_NOTES][SENTENCE_BYTES];
	unsigned group_note_count;
	uint64_t viewpoints[4];
	uint64_t one_sided, gaps, mid_stream, copies, evicted, offload;
};

static struct overview *overview_of(struct report *report)
{
	return report->state;
}

static void text_free(struct report *report)
{
	struct overview *view = overview_of(report);

	if (!view)
		return;
	looks_free(view->looks);
	free(view->rest);
	collector_free(view->rows);
	free(view);
}

static bool text_open(struct report *report, struct err *err)
{
	struct overview *view = calloc(1, sizeof(*view));

	report->state = view;
	if (view) {
		view->looks = looks_new();
		view->rest = malloc(sizeof(*view->rest));
		view->rows = collector_new();
	}
	if (!view || !view->looks || !view->rest || !view->rows)
		return err_set(err, ERR_SYSTEM, "no memory for the report");
	rest_init(view->rest);
	return true;
}

static void text_segment(struct report *report, const struct segment *seg,
			 const struct track_note *note, const struct wireshark_packet *packet)
{
	struct overview *view = overview_of(report);

	(void)packet;
	if (!report->choosing || (report->chosen && note->conn != report->chosen))
		return;
	collector_add(view->rows, seg, note);
	if (report->options.frame == seg->frame && report->chosen)
		collector_drop_others(view->rows, report->chosen);
}

static void text_moved(struct report *report, uint64_t frame, uint64_t old, uint64_t fresh)
{
	collector_move(overview_of(report)->rows, frame, old, fresh);
}

static void count_quality(struct overview *view, const struct conn *conn)
{
	const struct quality *quality = &conn->quality;

	view->viewpoints[conn->viewpoint]++;
	view->one_sided += quality->one_sided;
	view->gaps += quality->unseen_acked > 0;
	view->mid_stream += quality->mid_stream;
	view->copies += quality->copies;
	view->evicted += quality->evicted;
	view->offload += quality->offload > 0;
}

static void tell_story(struct report *report, const struct conn *conn,
		       const struct judgement *judgement)
{
	struct overview *view = overview_of(report);
	struct ladder ladder = {
		.conn = conn,
		.judgement = judgement,
		.rows = collector_find(view->rows, conn->conn, conn->layer),
		.utf8 = report->options.utf8,
		.color = report->options.color,
		.elide = true,
	};

	if (report_wants(report, conn)) {
		if (view->stories++ > 0)
			out_char(report->out, '\n');
		story_tell(report->out, &ladder);
	}
	collector_drop(view->rows, conn->conn, conn->layer);
}

/* Once there are too many for telling each of them. */
static bool text_outlines_do(const struct report *report)
{
	const struct overview *view = report->state;

	return !report->choosing && !report->options.all && view->brief_count >= BRIEFS;
}

static void text_conn(struct report *report, const struct conn *conn,
		      const struct judgement *judgement)
{
	struct overview *view = overview_of(report);
	const struct verdict *headline = judgement_headline(judgement);

	if (report->choosing) {
		tell_story(report, conn, judgement);
		return;
	}
	count_quality(view, conn);
	if (conn->outline) {
		view->brief_count++;
		rest_add(view->rest, conn, judgement);
		return;
	}
	if (report->options.all) {
		struct brief brief;

		brief_of(&brief, conn, judgement);
		brief_print(&brief, report->out);
	} else if (view->brief_count < BRIEFS) {
		brief_of(&view->briefs[view->brief_count], conn, judgement);
	}
	view->brief_count++;
	if (headline && judgement_needs_look(judgement))
		looks_add(view->looks, conn, headline);
	else
		rest_add(view->rest, conn, judgement);
}

static void text_group(struct report *report, const struct group_verdict *group)
{
	struct overview *view = overview_of(report);
	const struct verdict *verdict = &group->verdict;

	if (report->choosing)
		return;
	if (verdict->entry->look)
		looks_add_group(view->looks, group);
	else if (view->group_note_count < GROUP_NOTES)
		sentence_format(view->group_notes[view->group_note_count++],
				verdict->entry->headline,
				&(struct sentence){ .verdict = verdict, .group = group });
}

static void print_first_line(struct report *report, const struct summary *summary)
{
	struct out *out = report->out;
	char duration[DURATION_BYTES];

	out_foreign(out, report->options.input);
	out_text(out, "  ");
	if (summary->track->first_ns != TIME_NONE) {
		duration_format(duration, summary->track->last_ns - summary->track->first_ns);
		out_format(out, "%s, ", duration);
	}
	prose_count(out, summary->input.frames, "frame", "frames");
	out_text(out, ", ");
	prose_count(out, summary->track->segments, "TCP segment", "TCP segments");
	out_text(out, ", ");
	prose_count(out, summary->track->connections, "connection", "connections");
	out_char(out, '\n');
}

static const char *viewpoint_words(const struct overview *view)
{
	static const char *const words[] = {
		[VIEW_UNKNOWN] = NULL,
		[VIEW_CLIENT] = "taken at or near the clients",
		[VIEW_SERVER] = "taken at or near the servers",
		[VIEW_MIDDLE] = "taken between the ends",
	};
	unsigned best = VIEW_UNKNOWN;

	for (unsigned i = 1; i < 4; i++)
		if (view->viewpoints[i] > (best ? view->viewpoints[best] : 0))
			best = i;
	return words[best];
}

static void quality_line(struct out *out, bool *first, const char *line)
{
	prose_item(out, *first ? "capture" : "", TEXT_INDENT, line);
	*first = false;
}

static void print_counted(struct out *out, bool *first, uint64_t count, const char *one,
			  const char *many)
{
	if (count == 0)
		return;
	out_text(out, *first ? "capture" : "");
	out_spaces(out, *first ? TEXT_INDENT - strlen("capture") : TEXT_INDENT);
	prose_count(out, count, one, many);
	out_char(out, '\n');
	*first = false;
}

static void print_quality(struct report *report, const struct summary *summary)
{
	struct overview *view = overview_of(report);
	struct out *out = report->out;
	const char *where = viewpoint_words(view);
	bool first = true;

	if (where)
		quality_line(out, &first, where);
	if (summary->track->connections > 0 && view->gaps == 0 && view->one_sided == 0)
		quality_line(out, &first, "complete: nothing acknowledged is missing");
	print_counted(out, &first, view->gaps, "connection lacks packets that were acknowledged",
		      "connections lack packets that were acknowledged");
	print_counted(out, &first, view->one_sided, "connection shows one direction only",
		      "connections show one direction only");
	print_counted(out, &first, view->mid_stream, "connection began before the capture",
		      "connections began before the capture");
	print_counted(out, &first, summary->track->copies, "packet seen twice, counted once",
		      "packets seen twice, counted once");
	print_counted(out, &first, summary->input.dropped, "packet was dropped while capturing",
		      "packets were dropped while capturing");
	print_counted(out, &first, summary->input.cut_frames, "frame cut by the snap length",
		      "frames cut by the snap length");
	print_counted(out, &first, view->offload, "connection with unfinished (offloaded) segments",
		      "connections with unfinished (offloaded) segments");
	print_counted(out, &first, summary->track->time_back,
		      "frame stamped earlier than the one before",
		      "frames stamped earlier than the ones before");
	print_counted(out, &first, summary->track->late_segments,
		      "late segment of a connection that had ended",
		      summary->track->evicted
			      ? "segments of connections that had ended or been pushed "
				"out"
			      : "late segments of connections that had ended");
	print_counted(out, &first, summary->track->evicted,
		      "connection pushed out by the limit: raise --max-connections",
		      "connections pushed out by the limit: raise --max-connections");
}

/* What gave no TCP segment, by reason. */
static void print_not_decoded(struct report *report, const struct decode_stats *decode)
{
	struct out *out = report->out;
	bool first = true;

	for (unsigned i = 0; i < DECODE_REASONS; i++) {
		if (decode->reasons[i] == 0 || i == DECODE_TCP || i == DECODE_FRAGMENT)
			continue;
		out_text(out, first ? "besides" : "");
		out_spaces(out, first ? TEXT_INDENT - strlen("besides") : TEXT_INDENT);
		prose_number(out, decode->reasons[i]);
		out_char(out, ' ');
		out_text(out, decode_reason_text((enum decode_reason)i));
		out_char(out, '\n');
		first = false;
	}
}

/* A few connections: what became of each, also of those that need no look. */
static void print_briefs(struct report *report)
{
	const struct overview *view = overview_of(report);
	unsigned printed = 0;

	if (report->options.all || view->brief_count == 0 || view->brief_count > BRIEFS)
		return;
	for (uint64_t i = 0; i < view->brief_count; i++) {
		const struct brief *brief = &view->briefs[i];

		/* What stands among the looks already is not said again. */
		if (brief->look && brief->sentence_count < 2 && !brief->time_wait[0])
			continue;
		if (printed++ == 0)
			out_text(report->out, view->brief_count == 1 ? "\nTHE CONNECTION\n"
								     : "\nTHE CONNECTIONS\n");
		brief_print(brief, report->out);
	}
}

static const char *rest_head(const struct overview *view)
{
	if (looks_total(view->looks) > 0)
		return "THE OTHER";
	return looks_any(view->looks) ? "EACH BY ITSELF " : "NOTHING NEEDS A LOOK ";
}

/* What several connections tell together and needs no look. */
static void print_group_notes(struct report *report)
{
	const struct overview *view = overview_of(report);

	for (unsigned i = 0; i < view->group_note_count; i++)
		prose_item(report->out, i ? "" : "  together", 12, view->group_notes[i]);
}

static void text_finish(struct report *report, const struct summary *summary)
{
	struct overview *view = overview_of(report);
	struct out *out = report->out;

	if (report->choosing)
		return;
	if (report->options.all)
		out_char(out, '\n');
	print_first_line(report, summary);
	print_quality(report, summary);
	print_not_decoded(report, summary->decode);
	looks_print(view->looks, out);
	print_briefs(report);
	rest_print(view->rest, out, rest_head(view));
	print_group_notes(report);
	looks_print_advice(view->looks, out);
	if (summary->track->connections > 0)
		out_text(out, "more: --conn N (one story), --all, tcpwhy explain ID\n");
	if (summary->damage->kind != ERR_NONE)
		out_text(out, "The input was damaged: what is said above ends where the damage "
			      "begins.\n");
}

const struct report_ops format_text = {
	.name = "text",
	.help = "for people: what needs a look, the rest, what to do",
	.needs = NEEDS_CONNS,
	.open = text_open,
	.conn = text_conn,
	.outlines_do = text_outlines_do,
	.group = text_group,
	.segment = text_segment,
	.moved = text_moved,
	.finish = text_finish,
	.free = text_free,
};
