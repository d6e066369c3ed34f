/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames in memory through decode, track and judge. */
#include "lab/found.h"

#include <stdlib.h>
#include <string.h>

#include "decode/decode.h"

/* What the tracker's calls need. */
struct running {
	struct found *found;
	struct judge *judge;
};

static void take_conn(void *context, const struct conn *conn)
{
	struct running *running = context;
	struct found *found = running->found;

	if (found->conn_count == found->conn_room) {
		size_t more = found->conn_room ? found->conn_room * 2 : 4;
		struct found_conn *conns = realloc(found->conns, more * sizeof(conns[0]));

		if (!conns) {
			found->out_of_memory = true;
			return;
		}
		found->conns = conns;
		found->conn_room = more;
	}

	struct found_conn *own = &found->conns[found->conn_count++];

	memset(own, 0, sizeof(*own));
	own->conn = conn->conn;
	own->layer = conn->layer;
	own->opening = conn->opening;
	own->judged_frame = conn->judged_frame;
	own->at_end = conn->at_end;
	own->reset_count = conn->reset_count;
	memcpy(own->resets, conn->resets, conn->reset_count * sizeof(own->resets[0]));
	for (unsigned end = 0; end < ENDS; end++) {
		const struct half *half = &conn->half[end];

		own->ip[end] = half->ip;
		own->port[end] = half->port;
		own->state[end] = half->state;
		own->state_count[end] = half->state_count;
		memcpy(own->states[end], half->states,
		       half->state_count * sizeof(own->states[end][0]));
	}
	judge_conn(running->judge, conn, &own->judgement);
}

static void take_host(void *context, const struct host_sighting *host)
{
	struct running *running = context;

	judge_host(running->judge, host);
}

static void take_group(void *context, const struct group_verdict *group)
{
	struct running *running = context;
	struct found *found = running->found;

	if (found->group_count == found->group_room) {
		size_t more = found->group_room ? found->group_room * 2 : 8;
		struct found_group *groups = realloc(found->groups, more * sizeof(groups[0]));

		if (!groups) {
			found->out_of_memory = true;
			return;
		}
		found->groups = groups;
		found->group_room = more;
	}
	found->groups[found->group_count++] = (struct found_group){
		.verdict = group->verdict,
		.host = group->host,
		.conn_total = group->conn_total,
	};
}

/* What the frames pass through. */
struct stages {
	struct decoder *decoder;
	struct tracker *tracker;
	struct segment_batch *batch;
};

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

bool found_run(struct found *found, const struct frame *frames, size_t count, int64_t end_ns,
	       const char *disabled)
{
	const struct track_limits limits = { .connections = 65536 };
	struct running running = { .found = found, .judge = judge_new() };
	const struct track_sink sink = { .context = &running,
					 .conn = take_conn,
					 .host = take_host };
	struct stages stages = {
		.decoder = decoder_new(0),
		.tracker = tracker_new(&limits, &sink),
		.batch = malloc(sizeof(*stages.batch)),
	};
	bool ok = running.judge && stages.decoder && stages.tracker && stages.batch &&
		  (!disabled || judge_disable(running.judge, disabled));

	if (ok) {
		feed(&stages, frames, count, end_ns);
		judge_groups(running.judge, tracker_stats(stages.tracker)->last_ns, take_group,
			     &running);
	}
	free(stages.batch);
	tracker_free(stages.tracker);
	decoder_free(stages.decoder);
	judge_free(running.judge);
	return ok && !found->out_of_memory;
}

void found_clear(struct found *found)
{
	free(found->conns);
	free(found->groups);
	*found = (struct found){ 0 };
}

const struct found_conn *found_conn_at(const struct found *found, uint64_t conn)
{
	for (size_t i = 0; i < found->conn_count; i++)
		if (found->conns[i].conn == conn)
			return &found->conns[i];
	return NULL;
}

const struct verdict *judgement_verdict(const struct judgement *judgement, unsigned index)
{
	if (judgement->has_open) {
		if (index == 0)
			return &judgement->open;
		index--;
	}
	if (index < judgement->life_count)
		return &judgement->life[index];
	return index == judgement->life_count && judgement->has_end ? &judgement->end : NULL;
}
