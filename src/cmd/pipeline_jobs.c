/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/fetch.h"
#include "base/stages.h"
#include "cmd/pipeline_parts.h"

/*
 * The pipeline in three stages (base/stages.h) with a ring between each two:
 *
 *     read, decode --chunks of segments--> track --news--> make records, judge, report
 *                                            ^                        |
 *                                            +-- connections done with +
 *
 * Every stage sees the same in the same order as in one thread, so the output is the same to the
 * byte. A connection that is due stays where it is in the tracker's memory until its record was
 * reported. Where every segment is reported, tracking and reporting are one stage.
 */

#define CHUNKS	       16u /* of segments */
#define CHUNKS_AT_ONCE 8u
#define SEGMENTS_AHEAD 8u /* whose places are fetched while one is written */
#define NEWS	       4096u
#define NEWS_AT_ONCE   512u
#define NEWS_BY_LOOK   256u /* see tell() */
#define NEWS_BY_LEVEL  3ul  /* of fetching ahead */
#define DONE	       (2ul * NEWS)
#define DONE_BY_LEVEL  6ul /* likewise */
#define BORROWED_BYTES 56u /* by a segment, at most: options, and the care-of address */

/* A batch with what its segments borrow, but for the payload, which nobody here looks at. */
struct chunk {
	struct segment_batch batch;
	struct track_keys keys; /* where there is a tracker */
	unsigned used;
	uint8_t bytes[SEGMENT_BATCH * BORROWED_BYTES];
};

/* What the tracker tells, in its order. */
struct news {
	bool is_conn;
	union {
		struct host_sighting host;
		struct track_due due; /* is_conn */
	};
};

/* How many items one stage has put into a ring since the start, and another one taken out. */
struct traffic {
	_Alignas(64) atomic_ulong put;
	_Alignas(64) atomic_ulong taken;
};

struct jobs {
	struct pipeline *pipeline; /* borrowed */
	const struct out *out;	   /* borrowed; of whichever stage reports */
	bool apart;
	struct traffic chunk_traffic, news_traffic, done_traffic;
	atomic_bool all_read, all_tracked, useless; /* useless: nobody reads the output */
	struct chunk *chunks;			    /* owned, as below */
	struct news *news;
	uint32_t *done; /* refs of connections that were reported */
	/* Of reading: */
	struct frame_batch frames;
	unsigned next_frame;
	struct place place;
	struct progress progress;
	/* Of tracking: */
	struct stages *stages;
	unsigned long look_at; /* where news_traffic.put is when the others are looked at next */
};

enum {
	STAGE_READ,
	STAGE_TRACK,
	STAGE_REPORT,
	STAGES
};

struct jobs *jobs_new(struct pipeline *pipeline, bool apart)
{
	struct jobs *jobs = aligned_alloc(64, sizeof(*jobs));

	if (!jobs)
		return NULL;
	memset(jobs, 0, sizeof(*jobs));
	jobs->pipeline = pipeline;
	jobs->apart = apart;
	jobs->place.last_ns = TIME_NONE;
	jobs->chunks = calloc(CHUNKS, sizeof(*jobs->chunks));
	jobs->news = calloc(NEWS, sizeof(*jobs->news));
	jobs->done = calloc(DONE, sizeof(*jobs->done));
	if (jobs->chunks && jobs->news && jobs->done)
		return jobs;
	jobs_free(jobs);
	return NULL;
}

void jobs_free(struct jobs *jobs)
{
	if (!jobs)
		return;
	free(jobs->chunks);
	free(jobs->news);
	free(jobs->done);
	free(jobs);
}

/* How many items lie in a ring: for both stages, one of which may find it better meanwhile. */
static inline unsigned long waiting(struct traffic *traffic)
{
	return atomic_load_explicit(&traffic->put, memory_order_acquire) -
	       atomic_load_explicit(&traffic->taken, memory_order_acquire);
}

static inline unsigned long at(atomic_ulong *mine)
{
	return atomic_load_explicit(mine, memory_order_relaxed);
}

static inline void step(atomic_ulong *mine, unsigned long count)
{
	atomic_store_explicit(mine, at(mine) + count, memory_order_release);
}

/* Read and decode */

static const uint8_t *keep(struct chunk *chunk, const uint8_t *bytes, size_t count)
{
	uint8_t *kept = chunk->bytes + chunk->used;

	if (!bytes)
		return NULL;
	memcpy(kept, bytes, count);
	chunk->used += (unsigned)count;
	return kept;
}

/* The frames' bytes go with the next read. */
static void keep_borrowed(struct chunk *chunk, unsigned first)
{
	for (unsigned i = first; i < chunk->batch.count; i++) {
		struct segment *seg = &chunk->batch.segments[i];

		seg->payload = NULL;
		if (seg->options)
			seg->options = keep(chunk, seg->options, seg->options_bytes);
		if (seg->care_of)
			seg->care_of = keep(chunk, seg->care_of, sizeof(seg->src.bytes));
	}
}

/* Return: false: the input ended, or nobody wants more. */
static bool read_frames(struct jobs *jobs)
{
	struct pipeline *pipeline = jobs->pipeline;

	jobs->next_frame = 0;
	if (atomic_load_explicit(&jobs->useless, memory_order_relaxed) ||
	    !source_read(pipeline->source, &jobs->frames, &pipeline->result->damage)) {
		jobs->frames.count = 0;
		return false;
	}
	pipeline_note_place(&jobs->place, &jobs->frames);
	progress_step(&jobs->progress, jobs->frames.count);
	return true;
}

/* The stage that tracks had the places of segments before: begin to have some of them here. */
static inline void fetch_segments(struct chunk *chunk, unsigned place)
{
	if (place >= SEGMENT_BATCH)
		return;
	uint8_t *at = (uint8_t *)&chunk->batch.segments[place];

	for (size_t line = 0; line < sizeof(struct segment); line += 64)
		fetch_line_to_write(at + line);
}

/* Return: false: there is no more. @slow: the input gave less than it could have, so what came is
   to be told before it is waited for again. */
static bool fill(struct jobs *jobs, struct chunk *chunk, bool *slow)
{
	struct decoder *decoder = jobs->pipeline->decoder;

	decode_batch_begin(decoder, &chunk->batch);
	chunk->used = 0;
	while (decode_batch_has_room(&chunk->batch)) {
		if (jobs->next_frame == jobs->frames.count) {
			*slow = jobs->frames.count < FRAME_BATCH;
			if (*slow && chunk->batch.count > 0)
				return true;
			if (!read_frames(jobs))
				return false;
			continue;
		}
		unsigned before = chunk->batch.count;

		fetch_segments(chunk, before + SEGMENTS_AHEAD);
		decode_frame(decoder, &jobs->frames.frames[jobs->next_frame++], &chunk->batch);
		keep_borrowed(chunk, before);
	}
	return true;
}

static enum stage_did read_stage(void *context, struct stages *stages, bool eager)
{
	struct jobs *jobs = context;
	bool slow = false;

	(void)stages;
	(void)eager;
	for (unsigned i = 0; i < CHUNKS_AT_ONCE && !slow; i++) {
		struct traffic *traffic = &jobs->chunk_traffic;

		if (waiting(traffic) == CHUNKS)
			return i ? STAGE_WORKED : STAGE_WAITS;
		struct chunk *chunk = &jobs->chunks[at(&traffic->put) % CHUNKS];
		bool more = fill(jobs, chunk, &slow);

		if (jobs->pipeline->tracker)
			tracker_keys(jobs->pipeline->tracker, &chunk->batch, &chunk->keys);
		step(&traffic->put, 1);
		if (!more) {
			atomic_store_explicit(&jobs->all_read, true, memory_order_release);
			return STAGE_ENDED;
		}
	}
	return STAGE_WORKED;
}

/* Track */

static void take_back_done(struct jobs *jobs)
{
	struct traffic *traffic = &jobs->done_traffic;
	struct tracker *tracker = jobs->pipeline->tracker;
	unsigned long count = waiting(traffic), first = at(&traffic->taken);

	for (unsigned long i = 0; i < count; i++) {
		for (unsigned level = 0; level < TAKE_BACK_LEVELS; level++) {
			unsigned long later = i + (TAKE_BACK_LEVELS - level) * DONE_BY_LEVEL;

			if (later < count)
				tracker_take_back_soon(tracker, jobs->done[(first + later) % DONE],
						       level);
		}
		tracker_take_back(tracker, jobs->done[(first + i) % DONE]);
	}
	step(&traffic->taken, count);
}

static bool has_room(void *context)
{
	return NEWS - waiting(&((struct jobs *)context)->news_traffic) >= NEWS_BY_LOOK;
}

static bool all_told(void *context)
{
	return waiting(&((struct jobs *)context)->news_traffic) == 0;
}

/*
 * The other stage's counters are looked at once in a while, else each look and each of its steps
 * would send a cache line to and fro. The ring of those that are done with never overflows: it has
 * room for as many as the ring of news and those told between two looks.
 */
static void tell(struct jobs *jobs, const struct news *news)
{
	struct traffic *traffic = &jobs->news_traffic;
	unsigned long put = at(&traffic->put);

	if (put == jobs->look_at) {
		take_back_done(jobs);
		if (NEWS - waiting(traffic) < NEWS_BY_LOOK)
			stages_wait(jobs->stages, STAGE_TRACK, has_room, jobs);
		jobs->look_at = put + NEWS_BY_LOOK;
	}
	jobs->news[put % NEWS] = *news;
	step(&traffic->put, 1);
}

void jobs_take_due(void *context, const struct track_due *due)
{
	tell(((struct pipeline *)context)->jobs, &(struct news){ .is_conn = true, .due = *due });
}

void jobs_take_host(void *context, const struct host_sighting *host)
{
	tell(((struct pipeline *)context)->jobs, &(struct news){ .host = *host });
}

void jobs_settle(void *context)
{
	struct jobs *jobs = ((struct pipeline *)context)->jobs;

	stages_wait(jobs->stages, STAGE_TRACK, all_told, jobs);
	take_back_done(jobs);
}

/* Where nothing is reported apart, this stage reports. */
static void note_useless(struct jobs *jobs)
{
	if (out_useless(jobs->out))
		atomic_store_explicit(&jobs->useless, true, memory_order_relaxed);
}

static enum stage_did track_stage(void *context, struct stages *stages, bool eager)
{
	struct jobs *jobs = context;
	struct traffic *traffic = &jobs->chunk_traffic;

	(void)eager;
	jobs->stages = stages;
	for (unsigned i = 0; i < CHUNKS_AT_ONCE; i++) {
		bool last = atomic_load_explicit(&jobs->all_read, memory_order_acquire);

		if (waiting(traffic) == 0) {
			if (!last)
				return i ? STAGE_WORKED : STAGE_WAITS;
			pipeline_end_tracking(jobs->pipeline, &jobs->place);
			atomic_store_explicit(&jobs->all_tracked, true, memory_order_release);
			return STAGE_ENDED;
		}
		take_back_done(jobs);
		const struct chunk *chunk = &jobs->chunks[at(&traffic->taken) % CHUNKS];

		pipeline_pass_on(jobs->pipeline, &chunk->batch, &chunk->keys);
		step(&traffic->taken, 1);
		if (!jobs->apart)
			note_useless(jobs);
	}
	return STAGE_WORKED;
}

/* Make records, judge, report */

static void report_news(struct jobs *jobs, const struct news *news)
{
	struct pipeline *pipeline = jobs->pipeline;
	struct traffic *traffic = &jobs->done_traffic;

	if (!news->is_conn) {
		judge_host(pipeline->judge, &news->host);
		return;
	}
	pipeline_take_conn(pipeline, tracker_tell(pipeline->tracker, &news->due));
	jobs->done[at(&traffic->put) % DONE] = news->due.ref;
	step(&traffic->put, 1);
}

/* @ahead: how many news are there behind the one at @first. */
static void fetch_ahead(const struct jobs *jobs, unsigned long first, unsigned long ahead)
{
	for (unsigned level = 0; level < TRACK_FETCH_LEVELS; level++) {
		unsigned long step = (TRACK_FETCH_LEVELS - level) * NEWS_BY_LEVEL;
		const struct news *news = &jobs->news[(first + step) % NEWS];

		if (step < ahead && news->is_conn)
			tracker_tell_soon(jobs->pipeline->tracker, &news->due, level);
	}
}

static enum stage_did report_stage(void *context, struct stages *stages, bool eager)
{
	struct jobs *jobs = context;
	struct traffic *traffic = &jobs->news_traffic;
	bool last = atomic_load_explicit(&jobs->all_tracked, memory_order_acquire);
	unsigned long count = waiting(traffic);

	(void)stages;
	if (count == 0)
		return last ? STAGE_ENDED : STAGE_WAITS;
	if (count < NEWS_AT_ONCE && !last && !eager)
		return STAGE_WAITS;
	for (unsigned long i = 0; i < count && i < NEWS_AT_ONCE; i++) {
		fetch_ahead(jobs, at(&traffic->taken), count - i);
		report_news(jobs, &jobs->news[at(&traffic->taken) % NEWS]);
		step(&traffic->taken, 1);
	}
	note_useless(jobs);
	return STAGE_WORKED;
}

void jobs_run(struct jobs *jobs, const struct out *out)
{
	static const struct stage stages[STAGES] = {
		[STAGE_READ] = { read_stage },
		[STAGE_TRACK] = { track_stage },
		[STAGE_REPORT] = { report_stage },
	};

	jobs->out = out;
	progress_start(&jobs->progress);
	stages_run(stages, jobs->apart ? STAGES : STAGE_REPORT, jobs->pipeline->options->jobs,
		   jobs);
	progress_end(&jobs->progress);
	if (jobs->apart)
		tracker_join(jobs->pipeline->tracker);
}
