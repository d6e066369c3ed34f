/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_CMD_PIPELINE_PARTS_H
#define TCPWHY_CMD_PIPELINE_PARTS_H

#include "cmd/pipeline.h"
#include "cmd/progress.h"
#include "decode/decode.h"
#include "judge/judge.h"
#include "peers/wireshark.h"
#include "peers/zeek.h"
#include "track/track.h"

/* What pipeline.c and pipeline_jobs.c share: for these two alone. */

struct jobs; /* pipeline_jobs.c */

struct pipeline {
	const struct pipeline_options *options; /* borrowed */
	struct pipeline_result *result;		/* borrowed */
	struct source *source;			/* owned, as all below */
	struct decoder *decoder;
	struct tracker *tracker;     /* NULL where nobody needs connections */
	struct judge *judge;	     /* likewise */
	struct wireshark *wireshark; /* NULL unless its words are wanted */
	struct zeek *zeek;	     /* likewise */
	struct report *report;
	struct segment_batch *batch;
	struct judgement *judgement; /* reused for every connection */
	bool outlines;		     /* do: the tracker was told */
	struct jobs *jobs;	     /* NULL: all is done in this thread */
};

/* Where the input is: its frames come in order. */
struct place {
	uint64_t last_frame;
	int64_t last_ns;
};

/* Hand decoded segments on to whoever wants them. @keys: theirs; NULL: not found out yet */
void pipeline_pass_on(struct pipeline *pipeline, const struct segment_batch *batch,
		      const struct track_keys *keys);

/* A finished connection: judge it, report it. @context: the pipeline. */
void pipeline_take_conn(void *context, const struct conn *conn);

/* Note where the input is after these frames. */
void pipeline_note_place(struct place *place, const struct frame_batch *frames);

/* The input ended: write every record that is left. */
void pipeline_end_tracking(struct pipeline *pipeline, const struct place *place);

/**
 * jobs_new() - Have the stages worked on by several threads
 * @pipeline:  borrowed; its stages need not be open yet
 * @apart:     connections are judged and reported apart from tracking; else with it
 *
 * Return: owned by the caller; NULL: out of memory.
 */
struct jobs *jobs_new(struct pipeline *pipeline, bool apart);
void jobs_free(struct jobs *jobs);

/* Read the input to its end, as pipeline_run() does in one thread. */
void jobs_run(struct jobs *jobs, const struct out *out);

/* Of struct track_sink, with the pipeline as context. */
void jobs_take_due(void *context, const struct track_due *due);
void jobs_take_host(void *context, const struct host_sighting *host);
void jobs_settle(void *context);

#endif /* TCPWHY_CMD_PIPELINE_PARTS_H */
