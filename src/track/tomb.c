/* SPDX-License-Identifier: BSD-2-Clause */
#include "track/tracker.h"

#define TOMBS_AHEAD 8

/* Start fetching what the next ones will touch: a tombstone, then its place in the table. */
static void fetch_ahead(const struct tracker *tracker)
{
	const struct ring_entry *far = ring_ahead(&tracker->tombs, TOMBS_AHEAD);
	const struct ring_entry *near = ring_ahead(&tracker->tombs, TOMBS_AHEAD / 2);

	if (far)
		__builtin_prefetch(pool_at(&tracker->pools.tombs, far->index));
	if (near) {
		const struct tomb *tomb = pool_at(&tracker->pools.tombs, near->index);

		__builtin_prefetch(
			table_place(&tracker->table, table_hash(&tracker->table, &tomb->tuple)));
	}
}

/* Take the oldest tombstone away; one that gave way to a later connection is in no place. */
static void tomb_drop_first(struct tracker *tracker)
{
	fetch_ahead(tracker);
	uint32_t index = ring_take(&tracker->tombs).index;
	const struct tomb *tomb = pool_at(&tracker->pools.tombs, index);

	if (tomb->conn_and_bits) {
		struct slot *slot = table_find(&tracker->table, &tomb->tuple,
					       table_hash(&tracker->table, &tomb->tuple));

		if (slot && slot->ref == (index | REF_TOMB))
			table_remove(&tracker->table, slot);
	}
	pool_give(&tracker->pools.tombs, index);
}

void tombs_expire(struct tracker *tracker)
{
	while (ring_next_ns(&tracker->tombs) <= tracker->clock_ns)
		tomb_drop_first(tracker);
}

/* Which end holds TIME_WAIT: who closed first; both when FINs crossed. */
static uint32_t time_wait_bits(const struct flow *flow)
{
	bool both = side_has(&flow->side[END_CLIENT], SIDE_FIN) &&
		    side_has(&flow->side[END_SERVER], SIDE_FIN);

	if (!both || flow_has(flow, FLOW_RESET))
		return 0;
	if (flow_has(flow, FLOW_CROSSED))
		return TOMB_WAIT_A | TOMB_WAIT_B;
	bool server = flow_has(flow, FLOW_FIRST_FIN_B);
	bool client_b = flow_has(flow, FLOW_CLIENT_B);

	return server != client_b ? TOMB_WAIT_B : TOMB_WAIT_A;
}

static uint32_t tomb_bits(const struct flow *flow)
{
	uint32_t bits = time_wait_bits(flow);

	if (side_has(&flow->side[END_CLIENT], SIDE_FIN) &&
	    side_has(&flow->side[END_SERVER], SIDE_FIN))
		bits |= TOMB_BOTH_FINS;
	if (flow_has(flow, FLOW_RESET | FLOW_REFUSED))
		bits |= TOMB_RESET;
	if (!flow_has(flow, FLOW_ENDED) || flow_has(flow, FLOW_REPLACED))
		bits |= TOMB_NEVER_ENDED;
	if (flow_has(flow, FLOW_EVICTED) && !flow_has(flow, FLOW_ENDED))
		bits |= TOMB_EVICTED;
	return bits;
}

/* The highest octet of a side that is known: sent, or acknowledged without being captured. */
static uint32_t side_top(const struct side *side)
{
	if (!side_has(side, SIDE_NXT))
		return side->acked;
	if (side_has(side, SIDE_ACKED) && seq_after(side_acked(side), side_nxt(side)))
		return side->acked;
	return side->nxt;
}

static void tomb_fill(struct tomb *tomb, const struct flow *flow)
{
	enum end a = flow_has(flow, FLOW_CLIENT_B) ? END_SERVER : END_CLIENT;

	tomb->tuple = flow->tuple;
	tomb->end_ns = flow->last_ns;
	tomb->conn_and_bits = flow->first_frame << 8 | tomb_bits(flow);
	for (int i = 0; i < 2; i++) {
		enum end end = i == 0 ? a : end_other(a);
		const struct side *side = &flow->side[end];
		uint32_t unacked = side_top(&flow->side[end_other(end)]) - side->last.ack;

		tomb->snd_nxt[i] = side_top(side);
		tomb->unacked[i] = unacked > 0xffff ? 0xffff : (uint16_t)unacked;
	}
}

/* A tombstone in the place of what was live. Return: NULL: no room, the place is free. */
static struct tomb *tomb_take(struct tracker *tracker, const struct tuple *tuple)
{
	uint64_t hash = table_hash(&tracker->table, tuple);
	struct slot *slot = table_find(&tracker->table, tuple, hash);

	if (!slot)
		return NULL;
	if (tracker->pools.tombs.live == tracker->pools.tombs.most) {
		tomb_drop_first(tracker);
		slot = table_find(&tracker->table, tuple, hash); /* that may have moved it */
	}
	uint32_t index = ring_room(&tracker->tombs) ? pool_take(&tracker->pools.tombs) : 0;

	if (!index) {
		table_remove(&tracker->table, slot);
		return NULL;
	}
	int64_t due_ns = tracker->clock_ns + TOMB_KEPT_NS;

	slot->ref = index | REF_TOMB;
	ring_put(&tracker->tombs, (struct ring_entry){ .ns = due_ns, .index = index });
	if (due_ns < tracker->next_due_ns)
		tracker->next_due_ns = due_ns;
	return pool_at(&tracker->pools.tombs, index);
}

void tomb_put(struct tracker *tracker, const struct flow *flow)
{
	struct tomb *tomb = tomb_take(tracker, &flow->tuple);

	if (tomb)
		tomb_fill(tomb, flow);
}

/* Of one that closed by the rules: all was acknowledged. */
void tomb_put_brief(struct tracker *tracker, const struct brief *brief)
{
	struct tomb *tomb = tomb_take(tracker, &brief->tuple);

	if (!tomb)
		return;
	tomb->tuple = brief->tuple;
	tomb->end_ns = brief->last_ns;
	tomb->conn_and_bits = brief->first_frame << 8 | TOMB_BOTH_FINS |
			      (brief->course & COURSE_CLOSED_BY_B ? TOMB_WAIT_B : TOMB_WAIT_A);
	for (int i = 0; i < 2; i++) {
		tomb->snd_nxt[i] = brief->nxt[i];
		tomb->unacked[i] = 0;
	}
}

void former_of_tomb(const struct tomb *tomb, struct former *former, bool client_is_b)
{
	uint32_t bits = (uint32_t)(tomb->conn_and_bits & 0xff);
	unsigned client = client_is_b ? 1 : 0;
	bool waits_client = (bits & (client_is_b ? TOMB_WAIT_B : TOMB_WAIT_A)) != 0;
	bool waits_server = (bits & (client_is_b ? TOMB_WAIT_A : TOMB_WAIT_B)) != 0;

	*former = (struct former){
		.known = true,
		.conn = tomb->conn_and_bits >> 8,
		.end_ns = tomb->end_ns,
		.both_fins = (bits & TOMB_BOTH_FINS) != 0,
		.reset = (bits & TOMB_RESET) != 0,
		.never_ended = (bits & TOMB_NEVER_ENDED) != 0,
		.time_wait_end = -1,
		.client_snd_nxt = tomb->snd_nxt[client],
		.client_last_ack = tomb->snd_nxt[1 - client] - tomb->unacked[client],
	};
	if (waits_client)
		former->time_wait_end = waits_server ? 2 : END_CLIENT;
	else if (waits_server)
		former->time_wait_end = END_SERVER;
}

void former_of_flow(const struct flow *flow, struct former *former, bool client_is_b)
{
	struct tomb tomb = { 0 };

	tomb_fill(&tomb, flow);
	former_of_tomb(&tomb, former, client_is_b);
}
