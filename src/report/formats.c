/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/formats.h"

#include <stdlib.h>
#include <string.h>

static const struct report_ops *const formats[] = {
	&format_text,	&format_json,	 &format_packets,   &format_csv,
	&format_ladder, &format_mermaid, &format_wireshark, &format_zeek,
};
#define FORMATS (sizeof(formats) / sizeof(formats[0]))

const struct report_ops *const *formats_list(size_t *count)
{
	*count = FORMATS;
	return formats;
}

const struct report_ops *formats_find(const char *name)
{
	for (size_t i = 0; i < FORMATS; i++)
		if (strcmp(formats[i]->name, name) == 0)
			return formats[i];
	return NULL;
}

struct report *report_new(const struct report_ops *ops, const struct report_options *options,
			  struct out *out, struct err *err)
{
	struct report *report = calloc(1, sizeof(*report));

	if (report)
		report->tally = tally_new();
	if (!report || !report->tally) {
		free(report);
		err_set(err, ERR_SYSTEM, "no memory for the report");
		return NULL;
	}
	report->ops = ops;
	report->options = *options;
	report->out = out;
	report->json.out = out;
	report->choosing = options->conn || options->frame;
	report->chosen = options->conn;
	if (ops->open && !ops->open(report, err)) {
		report_free(report);
		return NULL;
	}
	return report;
}

void report_free(struct report *report)
{
	if (!report)
		return;
	if (report->ops->free)
		report->ops->free(report);
	tally_free(report->tally);
	free(report);
}

void report_conn(struct report *report, const struct conn *conn, const struct judgement *judgement)
{
	if (judgement->has_open)
		tally_add(report->tally, &judgement->open);
	if (judgement->has_end)
		tally_add(report->tally, &judgement->end);
	for (unsigned i = 0; i < judgement->life_count; i++)
		tally_add(report->tally, &judgement->life[i]);
	report->found |= report_wants(report, conn);
	if (report->ops->conn)
		report->ops->conn(report, conn, judgement);
}

bool report_outlines_do(const struct report *report)
{
	return report->ops->outlines_do && report->ops->outlines_do(report);
}

void report_group(struct report *report, const struct group_verdict *group)
{
	tally_add(report->tally, &group->verdict);
	if (report->ops->group)
		report->ops->group(report, group);
}

void report_segment(struct report *report, const struct segment *seg, const struct track_note *note,
		    const struct wireshark_packet *packet)
{
	if (seg->frame == report->options.frame && !report->chosen)
		report->chosen = note->conn;
	if (report->ops->segment)
		report->ops->segment(report, seg, note, packet);
}

void report_moved(struct report *report, uint64_t frame, uint64_t old, uint64_t fresh)
{
	if (frame == report->options.frame && report->chosen == old)
		report->chosen = fresh;
	if (report->ops->moved)
		report->ops->moved(report, frame, old, fresh);
}

void report_finish(struct report *report, const struct summary *summary)
{
	if (report->ops->finish)
		report->ops->finish(report, summary);
}
