/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "track/outline.h"
#include "track/tracker.h"

/*
 * Records of connections that are due. All that is here may run in another thread than the tracker:
 * of the tracker it only reads what belongs to the connection, which the tracker leaves alone until
 * that is taken back.
 */

/* Of struct track_stats: what records tell. */
struct told {
	uint64_t viewpoints[4], moments_dropped, states_dropped, ranges_dropped;
};

struct teller {
	struct pools pools;	   /* a copy of the tracker's: where its items are */
	struct unfolded *unfolded; /* owned: one record, reused */
	struct straight *straight; /* owned: likewise, of a connection that went straight */
	struct straight *outline;  /* owned: likewise, of one in which nothing happened */
	bool outlines;		   /* that will do where it can be had */
	struct tracker *aside;	   /* owned: replays a brief that did not; NULL in itself */
	uint32_t flow;		   /* of aside: the one in the record; 0: none */
	struct told told;	   /* to be added to the tracker's */
};

struct teller *teller_new(const struct pools *pools, bool aside)
{
	static const struct track_limits one = { .connections = 1 };
	struct teller *teller = calloc(1, sizeof(*teller));

	if (!teller)
		return NULL;
	teller->pools = *pools;
	teller->unfolded = unfolded_new();
	teller->straight = straight_new();
	teller->outline = straight_new();
	if (!aside)
		teller->aside = tracker_make(&one, &(struct track_sink){ .context = NULL }, true);
	if (!teller->unfolded || !teller->straight || !teller->outline ||
	    (!aside && !teller->aside)) {
		teller_free(teller);
		return NULL;
	}
	return teller;
}

void teller_free(struct teller *teller)
{
	if (!teller)
		return;
	unfolded_free(teller->unfolded);
	straight_free(teller->straight);
	straight_free(teller->outline);
	tracker_free(teller->aside);
	free(teller);
}

/* Everything a flow counts while a brief is replayed is what it would have counted at the time. */
static const struct conn *tell_brief(struct teller *teller, const struct track_due *due)
{
	uint32_t index = due->ref & REF_INDEX;
	const struct brief *brief = pool_at(&teller->pools.briefs, index);
	struct tracker *aside = teller->aside;
	uint32_t index_aside = 0;
	const struct conn *conn = NULL;

	if (teller->outlines && brief_uneventful(brief))
		conn = outline_tell(teller->outline, brief, due);
	if (!conn && brief_closed(brief))
		conn = straight_read(teller->straight, &teller->pools, brief, due);
	if (conn)
		return conn;
	brief_replay(aside, &teller->pools, brief, &index_aside);
	teller->flow = index_aside;
	assert(index_aside); /* it is alone there */
	const struct flow *flow = pool_at(&aside->pools.flows, index_aside);

	/* Else it would not be due: brief_regular(). */
	assert(due->at_end || (flow->due_list == DUE_ENDED &&
			       due->judged_ns - flow->due_since_ns >= RELEASE_AFTER_NS));
	return unfold(teller->unfolded, &aside->pools, flow, due);
}

const struct conn *tracker_tell(struct tracker *tracker, const struct track_due *due)
{
	struct teller *teller = tracker->teller;
	uint32_t index = due->ref & REF_INDEX;
	const struct conn *conn;

	if (teller->flow) {
		cold_free(&teller->aside->pools, teller->flow);
		teller->flow = 0;
	}
	if (due->ref & REF_BRIEF)
		conn = tell_brief(teller, due);
	else
		conn = unfold(teller->unfolded, &teller->pools,
			      pool_at(&teller->pools.flows, index), due);
	teller->told.viewpoints[conn->viewpoint]++;
	teller->told.moments_dropped += conn->quality.moments_dropped;
	teller->told.states_dropped += conn->quality.states_dropped;
	teller->told.ranges_dropped += conn->quality.ranges_dropped;
	return conn;
}

void tracker_want_outlines(struct tracker *tracker)
{
	tracker->teller->outlines = true;
}

static_assert(TRACK_FETCH_LEVELS == BRIEF_FETCH_LEVELS, "of a flow there is one level");

void tracker_tell_soon(const struct tracker *tracker, const struct track_due *due, unsigned level)
{
	const struct teller *teller = tracker->teller;
	const struct pools *pools = &teller->pools;

	if (due->ref & REF_BRIEF) {
		uint32_t index = due->ref & REF_INDEX;
		bool outline = level > 0 && teller->outlines &&
			       brief_uneventful(pool_at(&pools->briefs, index));

		if (!outline) /* which does not look beyond the brief */
			brief_fetch(pools, index, level);
	} else if (level == 0) {
		const char *flow = pool_at(&pools->flows, due->ref);

		for (size_t line = 0; line < sizeof(struct flow); line += 64)
			fetch_line(flow + line);
	}
}

void tracker_join(struct tracker *tracker)
{
	struct told *from = &tracker->teller->told;
	struct track_stats *to = &tracker->stats;
	struct track_stats *aside = &tracker->teller->aside->stats;

	for (unsigned i = 0; i < sizeof(to->viewpoints) / sizeof(to->viewpoints[0]); i++)
		to->viewpoints[i] += from->viewpoints[i];
	to->moments_dropped += from->moments_dropped;
	to->states_dropped += from->states_dropped;
	to->ranges_dropped += from->ranges_dropped;
	to->copies += aside->copies;
	*from = (struct told){ .moments_dropped = 0 };
	aside->copies = 0;
}
