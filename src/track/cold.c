/* SPDX-License-Identifier: BSD-2-Clause */
#include "track/cold.h"

#include "track/tracker.h"

#define BRIEF_CHUNKS_BY_FLOW 10 /* where there are none left, briefs are unfolded */

bool pools_set_up(struct pools *pools, uint32_t flows)
{
	uint32_t few = flows / 4 + 1024; /* rare things: not every connection has them at once */

	const struct pool_plan plans[] = {
		{ &pools->flows, sizeof(struct flow), flows },
		{ &pools->marks, sizeof(struct mark_chunk), flows * 3 },
		{ &pools->extras, sizeof(struct extra), flows },
		{ &pools->losses, sizeof(struct loss), few },
		{ &pools->probes, sizeof(struct probes), few },
		{ &pools->states, sizeof(struct more_states), flows },
		{ &pools->closings, sizeof(struct closing), flows },
		{ &pools->stalls, sizeof(struct stalls), flows },
		{ &pools->odds, sizeof(struct odd), flows },
		{ &pools->resets, sizeof(struct resets), flows },
		{ &pools->candidates, sizeof(struct candidate), few },
		{ &pools->tombs, sizeof(struct tomb), flows },
		{ &pools->briefs, sizeof(struct brief), flows },
		{ &pools->brief_chunks, sizeof(struct brief_chunk), flows * BRIEF_CHUNKS_BY_FLOW },
		{ &pools->glances, sizeof(uint64_t), flows / GLANCES + 1024 },
	};

	return pool_range_set_up(&pools->range, plans, sizeof(plans) / sizeof(plans[0]));
}

void pools_tear_down(struct pools *pools)
{
	pool_range_tear_down(&pools->range);
}

struct extra *cold_extra(struct pools *pools, struct flow *flow)
{
	if (!flow->extra)
		flow->extra = pool_take(&pools->extras);
	return flow->extra ? pool_at(&pools->extras, flow->extra) : NULL;
}

/* The chunk that *index names, made when it is 0. */
static void *chunk(struct pool *pool, uint32_t *index)
{
	if (!*index)
		*index = pool_take(pool);
	return *index ? pool_at(pool, *index) : NULL;
}

struct loss *cold_loss(struct pools *pools, struct flow *flow, enum end end)
{
	struct extra *extra = cold_extra(pools, flow);

	flow->chunks |= CHUNK_LOSS;
	return extra ? chunk(&pools->losses, &extra->loss[end]) : NULL;
}

struct probes *cold_probes(struct pools *pools, struct flow *flow, enum end end)
{
	struct extra *extra = cold_extra(pools, flow);

	flow->chunks |= CHUNK_PROBES;
	return extra ? chunk(&pools->probes, &extra->probes[end]) : NULL;
}

struct more_states *cold_states(struct pools *pools, struct flow *flow, enum end end)
{
	struct extra *extra = cold_extra(pools, flow);

	flow->chunks |= CHUNK_STATES;
	return extra ? chunk(&pools->states, &extra->states[end]) : NULL;
}

struct closing *cold_closing(struct pools *pools, struct flow *flow)
{
	struct extra *extra = cold_extra(pools, flow);

	flow->chunks |= CHUNK_CLOSING;
	return extra ? chunk(&pools->closings, &extra->closing) : NULL;
}

struct stalls *cold_stalls(struct pools *pools, struct flow *flow)
{
	struct extra *extra = cold_extra(pools, flow);

	flow->chunks |= CHUNK_STALLS;
	return extra ? chunk(&pools->stalls, &extra->stalls) : NULL;
}

struct odd *cold_odd(struct pools *pools, struct flow *flow)
{
	struct extra *extra = cold_extra(pools, flow);

	flow->chunks |= CHUNK_ODD;
	return extra ? chunk(&pools->odds, &extra->odd) : NULL;
}

struct resets *cold_resets(struct pools *pools, struct flow *flow)
{
	struct extra *extra = cold_extra(pools, flow);

	flow->chunks |= CHUNK_RESETS;
	return extra ? chunk(&pools->resets, &extra->resets) : NULL;
}

struct candidate *cold_candidate(struct pools *pools, struct flow *flow)
{
	struct extra *extra = cold_extra(pools, flow);

	flow->chunks |= CHUNK_CANDIDATE;
	return extra ? chunk(&pools->candidates, &extra->candidate) : NULL;
}

const struct extra *flow_extra(const struct pools *pools, const struct flow *flow)
{
	return flow->extra ? pool_at(&pools->extras, flow->extra) : NULL;
}

/* The item of an index, or NULL for 0. */
static void *look(const struct pool *pool, uint32_t index)
{
	return index ? pool_at(pool, index) : NULL;
}

struct loss *flow_loss(const struct pools *pools, const struct flow *flow, enum end end)
{
	const struct extra *extra = flow->chunks & CHUNK_LOSS ? flow_extra(pools, flow) : NULL;

	return extra ? look(&pools->losses, extra->loss[end]) : NULL;
}

struct probes *flow_probes(const struct pools *pools, const struct flow *flow, enum end end)
{
	const struct extra *extra = flow->chunks & CHUNK_PROBES ? flow_extra(pools, flow) : NULL;

	return extra ? look(&pools->probes, extra->probes[end]) : NULL;
}

struct more_states *flow_states(const struct pools *pools, const struct flow *flow, enum end end)
{
	const struct extra *extra = flow->chunks & CHUNK_STATES ? flow_extra(pools, flow) : NULL;

	return extra ? look(&pools->states, extra->states[end]) : NULL;
}

struct closing *flow_closing(const struct pools *pools, const struct flow *flow)
{
	const struct extra *extra = flow->chunks & CHUNK_CLOSING ? flow_extra(pools, flow) : NULL;

	return extra ? look(&pools->closings, extra->closing) : NULL;
}

struct stalls *flow_stalls(const struct pools *pools, const struct flow *flow)
{
	const struct extra *extra = flow->chunks & CHUNK_STALLS ? flow_extra(pools, flow) : NULL;

	return extra ? look(&pools->stalls, extra->stalls) : NULL;
}

struct odd *flow_odd(const struct pools *pools, const struct flow *flow)
{
	const struct extra *extra = flow->chunks & CHUNK_ODD ? flow_extra(pools, flow) : NULL;

	return extra ? look(&pools->odds, extra->odd) : NULL;
}

struct resets *flow_resets(const struct pools *pools, const struct flow *flow)
{
	const struct extra *extra = flow->chunks & CHUNK_RESETS ? flow_extra(pools, flow) : NULL;

	return extra ? look(&pools->resets, extra->resets) : NULL;
}

struct candidate *flow_candidate(const struct pools *pools, const struct flow *flow)
{
	const struct extra *extra = flow->chunks & CHUNK_CANDIDATE ? flow_extra(pools, flow) : NULL;

	return extra ? look(&pools->candidates, extra->candidate) : NULL;
}

void cold_drop_candidate(struct pools *pools, struct flow *flow)
{
	struct extra *extra = flow->extra ? pool_at(&pools->extras, flow->extra) : NULL;

	if (extra) {
		pool_give(&pools->candidates, extra->candidate);
		extra->candidate = 0;
	}
}

void cold_free(struct pools *pools, uint32_t index)
{
	struct flow *flow = pool_at(&pools->flows, index);

	for (uint32_t at = flow->marks_first; at;) {
		const struct mark_chunk *marks = pool_at(&pools->marks, at);
		uint32_t next = marks->next;

		pool_give(&pools->marks, at);
		at = next;
	}
	const struct extra *extra = flow_extra(pools, flow);

	if (extra) {
		for (int end = 0; end < ENDS; end++) {
			pool_give(&pools->losses, extra->loss[end]);
			pool_give(&pools->probes, extra->probes[end]);
			pool_give(&pools->states, extra->states[end]);
		}
		pool_give(&pools->closings, extra->closing);
		pool_give(&pools->stalls, extra->stalls);
		pool_give(&pools->odds, extra->odd);
		pool_give(&pools->resets, extra->resets);
		pool_give(&pools->candidates, extra->candidate);
		pool_give(&pools->extras, flow->extra);
	}
	pool_give(&pools->flows, index);
}

static void marks_dropped(struct pools *pools, struct flow *flow, unsigned count)
{
	struct odd *odd = cold_odd(pools, flow);

	if (odd)
		odd->marks_dropped += count;
}

/* Take the oldest chunk that may be dropped out of the list. Return: its index, emptied; 0. */
static uint32_t marks_recycle(struct pools *pools, struct flow *flow)
{
	struct mark_chunk *before = NULL;
	uint32_t at = flow->marks_first;

	for (unsigned passed = 0; passed < MARKS_PINNED / MARKS_PER_CHUNK; passed++) {
		before = pool_at(&pools->marks, at);
		at = before->next;
	}
	struct mark_chunk *old = pool_at(&pools->marks, at);

	before->next = old->next;
	marks_dropped(pools, flow, old->count);
	flow->mark_count = (uint16_t)(flow->mark_count - old->count);
	old->count = 0;
	old->next = 0;
	return at;
}

void marks_add(struct pools *pools, struct flow *flow, const struct mark *mark)
{
	struct mark_chunk *last =
		flow->marks_last ? pool_at(&pools->marks, flow->marks_last) : NULL;

	if (!last || last->count == MARKS_PER_CHUNK) {
		uint32_t fresh = flow->mark_count >= MARKS_MOST ? marks_recycle(pools, flow)
								: pool_take(&pools->marks);

		if (!fresh) {
			marks_dropped(pools, flow, 1);
			return;
		}
		if (last)
			last->next = fresh;
		else
			flow->marks_first = fresh;
		flow->marks_last = fresh;
		last = pool_at(&pools->marks, fresh);
	}
	last->marks[last->count++] = *mark;
	flow->mark_count++;
}

struct mark *marks_find(const struct pools *pools, const struct flow *flow, uint64_t frame)
{
	for (uint32_t at = flow->marks_first; at;) {
		struct mark_chunk *chunk_at = pool_at(&pools->marks, at);

		for (unsigned i = 0; i < chunk_at->count; i++)
			if (chunk_at->marks[i].frame == frame)
				return &chunk_at->marks[i];
		at = chunk_at->next;
	}
	return NULL;
}
