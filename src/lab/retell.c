/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames in memory through decode, track and judge. */
#include "lab/retell.h"

#include <stdlib.h>

#include "base/time.h"
#include "decode/decode.h"

/* What the frames pass through. */
struct stages {
	const struct retell_sink *sink; /* borrowed */
	struct decoder *decoder;
	struct tracker *tracker;
	struct judge *judge;
	struct collector *collector; /* NULL: no rows are wanted */
	struct segment_batch *batch;
	struct judgement *judgement; /* reused for every connection */
};

static void take_conn(void *context, const struct conn *conn)
{
	static const struct rows none;
	struct stages *stages = context;
	struct rows rows = none;

	judge_conn(stages->judge, conn, stages->judgement);
	if (stages->collector)
		rows = collector_find(stages->collector, conn->conn, conn->layer);
	if (stages->sink->conn)
		stages->sink->conn(stages->sink->context, conn, stages->judgement, &rows);
	if (stages->collector)
		collector_drop(stages->collector, conn->conn, conn->layer);
}

static void take_host(void *context, const struct host_sighting *host)
{
	judge_host(((struct stages *)context)->judge, host);
}

static void take_segment(void *context, const struct segment *seg, const struct track_note *note)
{
	collector_add(((struct stages *)context)->collector, seg, note);
}

static void take_moved(void *context, uint64_t frame, uint64_t old, uint64_t fresh)
{
	collector_move(((struct stages *)context)->collector, frame, old, fresh);
}

static void take_group(void *context, const struct group_verdict *group)
{
	struct stages *stages = context;

	if (stages->sink->group)
		stages->sink->group(stages->sink->context, group);
}

static void flush(struct stages *stages)
{
	tracker_add(stages->tracker, stages->batch);
	decode_batch_begin(stages->decoder, stages->batch);
}

/* The recording went on without a frame: nothing but the clock moves (track/track.h). */
static void feed_silence(struct stages *stages, const struct frame *last, int64_t end_ns)
{
	flush(stages);
	stages->batch->segments[stages->batch->count++] = (struct segment){
		.frame = last->number,
		.time_ns = end_ns,
		.what = SEGMENT_NOT_TCP,
	};
}

static void feed(struct stages *stages, const struct frame *frames, size_t count, int64_t end_ns)
{
	decode_batch_begin(stages->decoder, stages->batch);
	for (size_t i = 0; i < count; i++) {
		if (!decode_batch_has_room(stages->batch))
			flush(stages);
		decode_frame(stages->decoder, &frames[i], stages->batch);
	}
	if (count > 0 && end_ns > frames[count - 1].time_ns)
		feed_silence(stages, &frames[count - 1], end_ns);
	flush(stages);
	tracker_finish(stages->tracker);
}

bool retell(const struct frame *frames, size_t count, const struct retell_options *options,
	    const struct retell_sink *sink)
{
	const struct track_limits limits = { .connections = 65536 };
	struct stages stages = { .sink = sink };
	const struct track_sink track = { .context = &stages,
					  .conn = take_conn,
					  .host = take_host,
					  .segment = options->rows ? take_segment : NULL,
					  .moved = options->rows ? take_moved : NULL };

	stages.decoder = decoder_new(0);
	stages.tracker = tracker_new(&limits, &track);
	stages.judge = judge_new();
	stages.batch = malloc(sizeof(*stages.batch));
	stages.judgement = calloc(1, sizeof(*stages.judgement));
	if (options->rows)
		stages.collector = collector_new();

	bool ok = stages.decoder && stages.tracker && stages.judge && stages.batch &&
		  stages.judgement && (stages.collector || !options->rows) &&
		  (!options->disabled || judge_disable(stages.judge, options->disabled));

	if (ok) {
		feed(&stages, frames, count, options->end_ns);
		judge_groups(stages.judge, tracker_stats(stages.tracker)->last_ns, take_group,
			     &stages);
	}
	free(stages.batch);
	free(stages.judgement);
	collector_free(stages.collector);
	tracker_free(stages.tracker);
	decoder_free(stages.decoder);
	judge_free(stages.judge);
	return ok;
}
