/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/pipeline.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/pipeline_parts.h"

/* Whether "end.rst,open.refused" names an id or something above it. */
static bool names(const char *list, const char *id)
{
	while (list && *list) {
		char prefix[128];
		size_t length = strcspn(list, ",");

		if (length > 0 && length < sizeof(prefix)) {
			memcpy(prefix, list, length);
			prefix[length] = '\0';
			if (catalogue_id_below(id, prefix))
				return true;
		}
		list += length;
		list += *list == ',';
	}
	return false;
}

static bool may_fail(const struct pipeline_options *options)
{
	return options->fail_on && options->fail_on->count > 0;
}

static void check_fail_on(struct pipeline *pipeline, const struct verdict *verdict)
{
	const struct option_strings *lists = pipeline->options->fail_on;

	for (size_t i = 0; lists && i < lists->count; i++)
		if (names(lists->values[i], verdict->entry->id))
			pipeline->result->fail_on_met = true;
}

void pipeline_take_conn(void *context, const struct conn *conn)
{
	struct pipeline *pipeline = context;
	struct judgement *judgement = pipeline->judgement;

	judge_conn(pipeline->judge, conn, judgement);
	if (may_fail(pipeline->options)) {
		if (judgement->has_open)
			check_fail_on(pipeline, &judgement->open);
		if (judgement->has_end)
			check_fail_on(pipeline, &judgement->end);
		for (unsigned i = 0; i < judgement->life_count; i++)
			check_fail_on(pipeline, &judgement->life[i]);
	}
	report_conn(pipeline->report, conn, judgement);
	if (!pipeline->outlines && !may_fail(pipeline->options) &&
	    report_outlines_do(pipeline->report)) {
		tracker_want_outlines(pipeline->tracker);
		pipeline->outlines = true;
	}
}

static void take_group(void *context, const struct group_verdict *group)
{
	struct pipeline *pipeline = context;

	check_fail_on(pipeline, &group->verdict);
	report_group(pipeline->report, group);
}

static void take_segment(void *context, const struct segment *seg, const struct track_note *note)
{
	struct pipeline *pipeline = context;
	struct wireshark_packet packet = { .stream = 0 };
	bool told = pipeline->options->report.peers_wireshark && pipeline->wireshark &&
		    wireshark_add(pipeline->wireshark, seg, &packet);

	report_segment(pipeline->report, seg, note, told ? &packet : NULL);
}

static void take_moved(void *context, uint64_t frame, uint64_t old, uint64_t fresh)
{
	report_moved(((struct pipeline *)context)->report, frame, old, fresh);
}

static void take_host(void *context, const struct host_sighting *host)
{
	judge_host(((struct pipeline *)context)->judge, host);
}

static void take_stream(void *context, const struct wireshark_stream *stream)
{
	struct pipeline *pipeline = context;

	if (pipeline->report->ops->stream)
		pipeline->report->ops->stream(pipeline->report, stream);
}

static void take_row(void *context, const struct zeek_row *row)
{
	struct pipeline *pipeline = context;

	if (pipeline->report->ops->row)
		pipeline->report->ops->row(pipeline->report, row);
}

static unsigned needs_of(const struct pipeline_options *options)
{
	unsigned needs = options->format->needs;

	if (may_fail(options))
		needs |= NEEDS_CONNS;
	if (options->report.conn || options->report.frame)
		needs |= NEEDS_SEGMENTS;
	if (options->report.peers_wireshark)
		needs |= NEEDS_WIRESHARK;
	return needs;
}

static bool open_tracking(struct pipeline *pipeline, unsigned needs)
{
	struct track_limits limits = {
		.connections = pipeline->options->max_connections,
		.outlines = pipeline->options->format->outlines_do != NULL,
	};
	struct track_sink sink = {
		.context = pipeline,
		.conn = pipeline_take_conn,
		.segment = needs & NEEDS_SEGMENTS ? take_segment : NULL,
		.moved = needs & NEEDS_SEGMENTS ? take_moved : NULL,
		.host = take_host,
	};

	if (pipeline->jobs && !sink.segment) {
		sink.conn = NULL;
		sink.due = jobs_take_due;
		sink.settle = jobs_settle;
		sink.host = jobs_take_host;
	}
	pipeline->tracker = tracker_new(&limits, &sink);
	pipeline->judge = judge_new();
	return pipeline->tracker && pipeline->judge;
}

static bool open_stages(struct pipeline *pipeline, struct out *out, struct err *err)
{
	const struct pipeline_options *options = pipeline->options;
	unsigned needs = needs_of(options);
	struct zeek_options zeek = { .checksums = options->zeek_checksums };
	struct zeek_sink rows = { .context = pipeline, .row = take_row };

	pipeline->decoder = decoder_new(0);
	pipeline->batch = malloc(sizeof(*pipeline->batch));
	pipeline->judgement = calloc(1, sizeof(*pipeline->judgement));
	bool ok = pipeline->decoder && pipeline->batch && pipeline->judgement;

	if (options->jobs > 1)
		ok = ok && (pipeline->jobs =
				    jobs_new(pipeline, (needs & NEEDS_CONNS) &&
							       !(needs & NEEDS_SEGMENTS))) != NULL;
	if (needs & (NEEDS_CONNS | NEEDS_SEGMENTS))
		ok = ok && open_tracking(pipeline, needs);
	if (needs & NEEDS_WIRESHARK)
		ok = ok && (pipeline->wireshark = wireshark_new()) != NULL;
	if (needs & NEEDS_ZEEK)
		ok = ok && (pipeline->zeek = zeek_new(&zeek, &rows)) != NULL;
	if (!ok) {
		err_set(err, ERR_SYSTEM, "no memory to start reading");
		err_fix(err, "--max-connections N with a smaller N needs less");
		return false;
	}
	pipeline->report = report_new(options->format, &options->report, out, err);
	return pipeline->report != NULL;
}

static void close_stages(struct pipeline *pipeline)
{
	jobs_free(pipeline->jobs);
	report_free(pipeline->report);
	zeek_free(pipeline->zeek);
	wireshark_free(pipeline->wireshark);
	judge_free(pipeline->judge);
	tracker_free(pipeline->tracker);
	decoder_free(pipeline->decoder);
	source_free(pipeline->source);
	free(pipeline->batch);
	free(pipeline->judgement);
}

void pipeline_pass_on(struct pipeline *pipeline, const struct segment_batch *batch,
		      const struct track_keys *keys)
{
	/* With --peers the words of each packet are asked for in take_segment(). */
	bool streams = pipeline->wireshark && !pipeline->options->report.peers_wireshark;

	if (streams)
		wireshark_add_batch(pipeline->wireshark, batch);
	if (pipeline->zeek)
		zeek_add_batch(pipeline->zeek, batch);
	if (pipeline->tracker && keys)
		tracker_add_keyed(pipeline->tracker, batch, keys);
	else if (pipeline->tracker)
		tracker_add(pipeline->tracker, batch);
}

/* Hand the decoded segments on; afterwards the batch is empty. */
static void pass_on(struct pipeline *pipeline)
{
	pipeline_pass_on(pipeline, pipeline->batch, NULL);
	decode_batch_begin(pipeline->decoder, pipeline->batch);
}

/* The recording went on after its last frame, as the capture says: the clock moves on. */
static void pass_silence(struct pipeline *pipeline, const struct place *place)
{
	struct source_stats figures;

	source_stats(pipeline->source, &figures);
	if (place->last_frame == 0 || figures.end_ns == TIME_NONE ||
	    figures.end_ns <= place->last_ns)
		return;
	decode_batch_begin(pipeline->decoder, pipeline->batch);
	pipeline->batch->segments[pipeline->batch->count++] = (struct segment){
		.frame = place->last_frame,
		.time_ns = figures.end_ns,
		.what = SEGMENT_NOT_TCP,
	};
	tracker_add(pipeline->tracker, pipeline->batch);
}

void pipeline_note_place(struct place *place, const struct frame_batch *frames)
{
	if (frames->count == 0)
		return;
	place->last_frame = frames->frames[frames->count - 1].number;
	place->last_ns = frames->frames[frames->count - 1].time_ns;
}

void pipeline_end_tracking(struct pipeline *pipeline, const struct place *place)
{
	enum err_kind damage = pipeline->result->damage.kind;

	/* A frame's interface was asked for that does not exist: there is nothing to tell. */
	if (!pipeline->tracker || damage == ERR_USAGE)
		return;
	if (damage == ERR_NONE)
		pass_silence(pipeline, place);
	tracker_finish(pipeline->tracker);
}

static void run(struct pipeline *pipeline, const struct out *out)
{
	struct place place = { .last_ns = TIME_NONE };
	struct frame_batch frames;
	struct progress progress;

	progress_start(&progress);
	decode_batch_begin(pipeline->decoder, pipeline->batch);
	while (!out_useless(out) &&
	       source_read(pipeline->source, &frames, &pipeline->result->damage)) {
		for (unsigned i = 0; i < frames.count; i++) {
			if (!decode_batch_has_room(pipeline->batch))
				pass_on(pipeline);
			decode_frame(pipeline->decoder, &frames.frames[i], pipeline->batch);
		}
		pass_on(pipeline); /* the frames' bytes go with the next read */
		pipeline_note_place(&place, &frames);
		progress_step(&progress, frames.count);
	}
	pipeline_end_tracking(pipeline, &place);
	progress_end(&progress);
}

/* What the stages had to leave out for want of memory. */
static uint64_t left_out(const struct pipeline *pipeline)
{
	uint64_t count = 0;

	if (pipeline->judge)
		count += judge_dropped(pipeline->judge);
	if (pipeline->wireshark)
		count += wireshark_left_out(pipeline->wireshark);
	if (pipeline->zeek) {
		const struct zeek_stats *stats = zeek_stats(pipeline->zeek);

		count += stats->segments_lost + stats->ranges_lost + stats->letters_lost;
	}
	return count;
}

static void finish(struct pipeline *pipeline)
{
	static const struct track_stats nothing = { .first_ns = TIME_NONE, .last_ns = TIME_NONE };
	struct source_stats figures;
	struct summary summary = {
		.decode = decoder_stats(pipeline->decoder),
		.track = pipeline->tracker ? tracker_stats(pipeline->tracker) : &nothing,
		.damage = &pipeline->result->damage,
	};

	if (pipeline->tracker)
		judge_groups(pipeline->judge, summary.track->last_ns, take_group, pipeline);
	if (pipeline->zeek)
		zeek_finish(pipeline->zeek);
	if (pipeline->wireshark)
		wireshark_streams(pipeline->wireshark, take_stream, pipeline);
	source_stats(pipeline->source, &figures);
	summary.input = (struct input_figures){
		.frames = figures.frames,
		.filtered = figures.filtered,
		.cut_frames = figures.cut_frames,
		.no_time = figures.no_time,
		.comments = figures.comments,
		.blocks_skipped = figures.blocks_skipped,
		.bytes = figures.bytes,
		.dropped = figures.dropped,
		.drops_known = figures.drops_known,
		.interfaces = (unsigned)source_interface_count(pipeline->source),
	};
	summary.left_out = left_out(pipeline);
	pipeline->result->left_out = summary.left_out;
	report_finish(pipeline->report, &summary);
}

/* --conn or --frame named nothing: say so, or an empty answer looks like an answer. */
static bool check_found(const struct pipeline *pipeline, struct err *err)
{
	const struct report_options *options = &pipeline->options->report;

	if (!pipeline->report->choosing || !pipeline->tracker || pipeline->report->found)
		return true;
	if (options->conn)
		err_set(err, ERR_USAGE, "no connection begins with frame %" PRIu64, options->conn);
	else
		err_set(err, ERR_USAGE, "frame %" PRIu64 " belongs to no connection",
			options->frame);
	err_fix(err, "tcpwhy read --all lists the connections by their first frame");
	return false;
}

/* No source could be opened. Records end with a summary all the same, which says why. */
static void tell_unopened(struct pipeline *pipeline, struct out *out, const struct err *why)
{
	static const struct track_stats nothing = { .first_ns = TIME_NONE, .last_ns = TIME_NONE };
	struct err err = { .kind = ERR_NONE };
	struct summary summary = { .track = &nothing, .damage = why };

	if (!pipeline->options->format->tells_unopened || !open_stages(pipeline, out, &err))
		return;
	summary.decode = decoder_stats(pipeline->decoder);
	report_finish(pipeline->report, &summary);
}

bool pipeline_run(const struct pipeline_options *options, struct out *out,
		  struct pipeline_result *result, struct err *err)
{
	struct pipeline pipeline = { .options = options, .result = result };
	bool ok = (pipeline.source = source_open(&options->source, err)) != NULL &&
		  open_stages(&pipeline, out, err);

	*result = (struct pipeline_result){ .fail_on_met = false };
	if (ok) {
		if (pipeline.jobs)
			jobs_run(pipeline.jobs, out);
		else
			run(&pipeline, out);
		if (result->damage.kind != ERR_USAGE) {
			finish(&pipeline);
			ok = check_found(&pipeline, err);
		}
	} else if (!pipeline.source && err->kind == ERR_INPUT) {
		tell_unopened(&pipeline, out, err);
	}
	close_stages(&pipeline);
	return ok;
}
