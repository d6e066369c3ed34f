/* SPDX-License-Identifier: BSD-2-Clause */
#include "track/tracker.h"

static struct tomb *tomb_at(const struct tracker *tracker, uint32_t index)
{
	return pool_at(&tracker->pools.tombs, index);
}

/* When a row's first one is over; INT64_MAX: it is empty. */
static int64_t row_next_ns(const struct tracker *tracker, const struct tomb_row *row)
{
	if (!row->first)
		return INT64_MAX;
	const struct tomb *tomb = tomb_at(tracker, row->first);

	return tomb->end_ns + tomb_released_ns(tomb) + row->kept_ns;
}

/* The row of the tombstone that is over next. */
static struct tomb_row *next_row(struct tracker *tracker)
{
	struct tomb_row *rows = tracker->tombs;

	return &rows[row_next_ns(tracker, &rows[1]) < row_next_ns(tracker, &rows[0])];
}

int64_t tombs_next_ns(const struct tracker *tracker)
{
	int64_t usual = row_next_ns(tracker, &tracker->tombs[0]);
	int64_t longer = row_next_ns(tracker, &tracker->tombs[1]);

	return usual < longer ? usual : longer;
}

/* Start fetching what the next ones will touch: one's place in the table, the one behind it. */
static void fetch_ahead(const struct tracker *tracker, uint32_t index)
{
	if (!index)
		return;
	const struct tomb *tomb = tomb_at(tracker, index);

	fetch_line(table_place(&tracker->table, tomb->hash));
	fetch_line(tomb_at(tracker, tomb->next));
}

/* Take a row's oldest away; one that gave way to a later connection is in no place. */
static void tomb_drop_first(struct tracker *tracker, struct tomb_row *row)
{
	uint32_t index = row->first;
	const struct tomb *tomb = tomb_at(tracker, index);

	row->first = tomb->next;
	fetch_ahead(tracker, row->first);
	if (tomb->known) {
		uint32_t *place = table_find_ref(&tracker->table, index | REF_TOMB, tomb->hash);

		if (place)
			table_remove(&tracker->table, place);
	}
	pool_give(&tracker->pools.tombs, index);
}

void tombs_expire(struct tracker *tracker)
{
	while (tombs_next_ns(tracker) <= tracker->clock_ns)
		tomb_drop_first(tracker, next_row(tracker));
}

/*
 * Whether an end's system, by the TTL that it starts with (judge/system.c), is over TIME_WAIT in
 * TIME_WAIT_NS; Windows takes twice as long, and nobody knows of others.
 */
static bool waits_usually(uint8_t ttl)
{
	return ttl > 32 && ttl <= 64;
}

/*
 * Which row a tombstone joins: it is kept until TIME_WAIT is over where one is held, and as long
 * where there was a reset instead. What never ended may still live, and is named longest.
 * @ttl: of each end's last segment, by key order
 */
static struct tomb_row *row_of(struct tracker *tracker, uint32_t bits, const uint8_t ttl[static 2])
{
	uint32_t waits = bits & (TOMB_WAIT_A | TOMB_WAIT_B);
	bool usual = ((waits == TOMB_WAIT_B || waits_usually(ttl[0])) &&
		      (waits == TOMB_WAIT_A || waits_usually(ttl[1])));

	return &tracker->tombs[!usual || (bits & TOMB_NEVER_ENDED)];
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

/* What is to be known of a connection that has ended. */
static void tomb_fill(struct tomb *tomb, const struct flow *flow)
{
	enum end a = flow_has(flow, FLOW_CLIENT_B) ? END_SERVER : END_CLIENT;

	tomb->end_ns = flow->last_ns;
	tomb->known = tomb_known(flow->first_frame, 0, tomb_bits(flow));
	for (int i = 0; i < 2; i++) {
		enum end end = i == 0 ? a : end_other(a);
		const struct side *side = &flow->side[end];
		uint32_t unacked = side_top(&flow->side[end_other(end)]) - side->last.ack;

		tomb->snd_nxt[i] = side_top(side);
		tomb->unacked[i] = unacked > 0xffff ? 0xffff : (uint16_t)unacked;
	}
}

/* Put a tombstone in the place of what was live; no room for one: the place is free. @ref: what
   was there; @draft: as tomb_fill() makes it, and its hash; @ttl: see row_of() */
static void tomb_place(struct tracker *tracker, uint32_t ref, struct tomb *draft,
		       const uint8_t ttl[static 2])
{
	struct tomb_row *row = row_of(tracker, draft->known & TOMB_BITS, ttl);
	int64_t released_s = (tracker->clock_ns - draft->end_ns) / NSEC_PER_SEC + 1;

	draft->known |=
		tomb_known(0, released_s < RELEASED_MOST ? (uint64_t)released_s : RELEASED_MOST, 0);
	if (tracker->pools.tombs.live == tracker->pools.tombs.most)
		tomb_drop_first(tracker, next_row(tracker));
	uint32_t *place = table_find_ref(&tracker->table, ref, draft->hash);

	if (!place)
		return;
	uint32_t index = pool_take(&tracker->pools.tombs);

	if (!index) {
		table_remove(&tracker->table, place);
		return;
	}
	*place = index | REF_TOMB;
	*tomb_at(tracker, index) = *draft;
	if (row->first)
		tomb_at(tracker, row->last)->next = index;
	else
		row->first = index;
	row->last = index;
	int64_t next_ns = row_next_ns(tracker, row);

	if (next_ns < tracker->next_due_ns)
		tracker->next_due_ns = next_ns;
}

void tomb_put(struct tracker *tracker, uint32_t index)
{
	const struct flow *flow = pool_at(&tracker->pools.flows, index);
	enum end a = flow_has(flow, FLOW_CLIENT_B) ? END_SERVER : END_CLIENT;
	const uint8_t ttl[2] = { flow->side[a].last.ttl, flow->side[end_other(a)].last.ttl };
	struct tomb draft = { .hash = table_hash(&tracker->table, &flow->tuple) };

	tomb_fill(&draft, flow);
	tomb_place(tracker, index, &draft, ttl);
}

/* Of one that closed by the rules: all was acknowledged. */
void tomb_put_brief(struct tracker *tracker, uint32_t index)
{
	const struct brief *brief = pool_at(&tracker->pools.briefs, index);
	struct tomb draft = {
		.hash = brief->hash,
		.end_ns = brief->last_ns,
		.known = tomb_known(
			brief->first_frame, 0,
			TOMB_BOTH_FINS |
				(brief->course & COURSE_CLOSED_BY_B ? TOMB_WAIT_B : TOMB_WAIT_A)),
		.snd_nxt = { brief->nxt[0], brief->nxt[1] },
	};

	tomb_place(tracker, index | REF_BRIEF, &draft, brief->ttl);
}

void former_of_tomb(const struct tomb *tomb, struct former *former, bool client_is_b)
{
	uint32_t bits = tomb->known & TOMB_BITS;
	unsigned client = client_is_b ? 1 : 0;
	bool waits_client = (bits & (client_is_b ? TOMB_WAIT_B : TOMB_WAIT_A)) != 0;
	bool waits_server = (bits & (client_is_b ? TOMB_WAIT_A : TOMB_WAIT_B)) != 0;

	*former = (struct former){
		.known = true,
		.conn = tomb_conn(tomb),
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
