/* SPDX-License-Identifier: BSD-2-Clause */
/* --format ladder and mermaid: a drawing of each connection (or of the one asked for). */
#include "report/drawn.h"

#include "report/formats.h"
#include "report/story.h"

bool drawn_open(struct report *report, struct err *err)
{
	report->state = collector_new();
	if (!report->state)
		return err_set(err, ERR_SYSTEM, "no memory to keep segments for the ladder");
	return true;
}

void drawn_free(struct report *report)
{
	collector_free(report->state);
}

void drawn_segment(struct report *report, const struct segment *seg, const struct track_note *note,
		   const struct wireshark_packet *packet)
{
	(void)packet;
	if (report->choosing && report->chosen && note->conn != report->chosen)
		return;
	collector_add(report->state, seg, note);
	if (report->options.frame == seg->frame && report->chosen)
		collector_drop_others(report->state, report->chosen);
}

void drawn_moved(struct report *report, uint64_t frame, uint64_t old, uint64_t fresh)
{
	collector_move(report->state, frame, old, fresh);
}

bool drawn_take(struct report *report, const struct conn *conn, const struct judgement *judgement,
		struct ladder *ladder)
{
	if (report->choosing && report->chosen && !report_wants(report, conn))
		return false;
	*ladder = (struct ladder){
		.conn = conn,
		.judgement = judgement,
		.rows = collector_find(report->state, conn->conn, conn->layer),
		.utf8 = report->options.utf8,
		.color = report->options.color,
	};
	if (report->choosing && !report_wants(report, conn)) {
		collector_drop(report->state, conn->conn, conn->layer);
		return false;
	}
	return true;
}

static void ladder_conn(struct report *report, const struct conn *conn,
			const struct judgement *judgement)
{
	struct ladder ladder;

	if (!drawn_take(report, conn, judgement, &ladder))
		return;
	story_title(report->out, conn);
	ladder_draw(report->out, &ladder);
	out_char(report->out, '\n');
	collector_drop(report->state, conn->conn, conn->layer);
}

const struct report_ops format_ladder = {
	.name = "ladder",
	.help = "each connection as a ladder with both ends' states",
	.needs = NEEDS_CONNS | NEEDS_SEGMENTS,
	.open = drawn_open,
	.conn = ladder_conn,
	.segment = drawn_segment,
	.moved = drawn_moved,
	.free = drawn_free,
};
