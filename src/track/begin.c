/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "track/tracker.h"

/* How a connection begins, and how it gives way to a later one of the same addresses and ports. */

/* Ports above 1023 that are nearly always a server's: registered, and seen in the field. */
static const uint16_t server_ports[] = {
	1080, 1433, 1521, 1883, 2049, 3128, 3268, 3306, 3389, 5060, 5222, 5432,	 5671,	5672,
	5900, 6379, 6443, 8000, 8008, 8080, 8443, 8883, 9042, 9092, 9200, 11211, 27017,
};

static bool port_well_known(uint16_t port)
{
	if (port < 1024)
		return true;
	for (unsigned i = 0; i < sizeof(server_ports) / sizeof(server_ports[0]); i++)
		if (server_ports[i] == port)
			return true;
	return false;
}

/* Whether the sender of a connection's first segment is its server. */
static bool sender_is_server(const struct segment *seg)
{
	if (seg->flags & TCP_SYN)
		return (seg->flags & TCP_ACK) != 0;
	return port_well_known(seg->src_port) && !port_well_known(seg->dst_port);
}

static void flow_roles(struct flow *flow, const struct segment *seg, bool swapped)
{
	bool self = seg->src_port == seg->dst_port && ip_address_equal(&seg->src, &seg->dst);

	if (self)
		flow->bits |= FLOW_SELF;
	else if (sender_is_server(seg) != swapped)
		flow->bits |= FLOW_CLIENT_B;
	if (seg->flags & TCP_SYN)
		flow->bits |= FLOW_DIRECTION;
	if ((seg->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK))
		flow->bits |= FLOW_NO_SYN;
}

/* The place of a tuple holds an older connection or its tombstone: note what it leaves behind. */
static void take_over(struct tracker *tracker, struct flow *flow, uint32_t index, uint32_t *place)
{
	bool client_is_b = flow_has(flow, FLOW_CLIENT_B);
	struct odd *odd = cold_odd(&tracker->pools, flow);
	struct former former = { 0 };
	bool by_syn = flow_has(flow, FLOW_DIRECTION);

	if (*place & REF_TOMB) {
		struct tomb *tomb = pool_at(&tracker->pools.tombs, *place & REF_INDEX);

		former_of_tomb(tomb, &former, client_is_b);
		tomb->known = 0;
	} else {
		struct flow *old = pool_at(&tracker->pools.flows, *place);

		former_of_flow(old, &former, client_is_b);
		old->bits |= FLOW_DETACHED;
		if (old->due_list != DUE_ENDED)
			due_join(tracker, *place, DUE_ENDED);
	}
	if (odd && by_syn)
		odd->former = former;
	else if (odd)
		odd->continues = former.conn;
	*place = index;
}

/* A flow of this tuple, in no place of the table yet. Return: 0: no room. */
static uint32_t flow_make(struct tracker *tracker, const struct segment *seg,
			  const struct tuple *tuple, bool swapped)
{
	uint32_t index = pool_take(&tracker->pools.flows);

	if (!index)
		return 0;
	struct flow *flow = pool_at(&tracker->pools.flows, index);

	flow->tuple = *tuple;
	flow->first_frame = seg->frame;
	flow->first_ns = seg->time_ns == TIME_NONE ? tracker->clock_ns : seg->time_ns;
	flow->last_ns = flow->first_ns;
	flow->layer = seg->layer;
	flow->path = seg->path;
	for (int end = 0; end < ENDS; end++) {
		flow->side[end].answer_ns = UINT32_MAX;
		flow->side[end].rtt.least_us = UINT32_MAX;
	}
	flow_roles(flow, seg, swapped);
	flow->phase = PHASE_MID;
	if ((seg->flags & TCP_SYN) && !(seg->flags & TCP_RST))
		flow->phase = PHASE_SYN;
	return index;
}

uint32_t flow_begin(struct tracker *tracker, const struct segment *seg, uint64_t hash,
		    const struct tuple *tuple, bool swapped)
{
	if (live_now(tracker) >= tracker->flows_most) {
		settle(tracker);
		if (tracker->pools.briefs.live)
			briefs_unfold_all(tracker);
		evict_one(tracker);
	}
	uint32_t index = flow_make(tracker, seg, tuple, swapped);

	if (!index)
		return 0;
	struct flow *flow = pool_at(&tracker->pools.flows, index);
	uint32_t *place = table_find(&tracker->table, tuple, hash);

	if (place) {
		take_over(tracker, flow, index, place);
	} else if (!table_add(&tracker->table, hash, index)) {
		pool_give(&tracker->pools.flows, index);
		return 0;
	}
	if (flow->phase == PHASE_SYN)
		due_join(tracker, index, DUE_SYN);
	tracker->stats.connections++;
	if (live_now(tracker) > tracker->stats.live_most)
		tracker->stats.live_most = live_now(tracker);
	return index;
}

uint32_t flow_resume(struct tracker *tracker, const struct segment *seg, const struct tuple *tuple,
		     bool swapped, uint32_t *place)
{
	uint32_t index = flow_make(tracker, seg, tuple, swapped);

	if (!index)
		return 0;
	*place = index;
	due_join(tracker, index, DUE_SYN);
	return index;
}

void flow_pair(struct tracker *tracker, struct step *step, const struct segment *seg,
	       uint32_t index, bool swapped)
{
	struct flow *flow = pool_at(&tracker->pools.flows, index);
	bool client = swapped == flow_has(flow, FLOW_CLIENT_B);

	if (flow_has(flow, FLOW_SELF)) /* one end in both roles: only its SYN-ACK tells */
		client = (seg->flags & (TCP_SYN | TCP_ACK)) != (TCP_SYN | TCP_ACK);
	*step = (struct step){
		.tracker = tracker,
		.pools = &tracker->pools,
		.seg = seg,
		.flow = flow,
		.index = index,
		.from = client ? END_CLIENT : END_SERVER,
		.now = seg->time_ns == TIME_NONE ? tracker->clock_ns : seg->time_ns,
		.seq = seg->seq,
		.end = segment_end(seg),
		.octets = segment_seq_octets(seg),
	};
	step->own = &flow->side[step->from];
	step->peer = &flow->side[end_other(step->from)];
}

/* Whether a SYN-ACK or reset acknowledges this SYN (with or without its payload). */
static bool answers_syn(const struct segment *seg, const struct segment *syn)
{
	int32_t past = seq_distance(seg->ack, seq_add(syn->seq, 1));

	return (seg->flags & TCP_ACK) && past >= 0 && (uint32_t)past <= syn->payload_bytes;
}

/* The SYN leaves the record of the connection in which it was an event. */
static void candidate_leaves(struct step *step, const struct candidate *candidate)
{
	struct flow *old = step->flow;
	struct side *side = &old->side[candidate->from];
	struct odd *odd = cold_odd(step->pools, old);
	const struct segment *syn = &candidate->seg;

	side->packets--;
	side->bytes -= syn->ip_bytes;
	side->payload -= syn->payload_bytes;
	side->syn--;
	if (syn->payload_bytes)
		side->data_packets--;
	if (odd) {
		odd->syn_inside--;
		odd->loose[candidate->from] -= syn->payload_bytes;
	}
}

/*
 * The SYN that was noted as an event turns out to have been taken: it opens the next connection,
 * and what followed it is told there too, as belonging to the former one.
 */
static void candidate_begins(struct step *step)
{
	struct tracker *tracker = step->tracker;
	struct flow *old = step->flow;
	const uint64_t old_conn = old->first_frame; /* it may be evicted below */
	struct tuple tuple = old->tuple;
	struct candidate candidate = *flow_candidate(step->pools, old);
	bool swapped = segment_swapped(&candidate.seg);
	struct step fresh;

	candidate.seg.options = candidate.options;
	candidate.seg.payload = NULL;
	candidate.seg.payload_captured = 0;
	candidate_leaves(step, &candidate);
	struct odd *odd = cold_odd(step->pools, old);

	if (odd)
		odd->replaced_by = candidate.seg.frame;
	cold_drop_candidate(step->pools, old);
	uint32_t index = flow_begin(tracker, &candidate.seg, table_hash(&tracker->table, &tuple),
				    &tuple, swapped);

	if (!index)
		return;
	flow_pair(tracker, &fresh, &candidate.seg, index, swapped);
	tracker->quiet = true;
	input_segment(&fresh);
	tracker->quiet = false;
	for (unsigned i = 0; i < candidate.mark_count; i++) {
		bool client = candidate.mark_from_key_b[i] == flow_has(fresh.flow, FLOW_CLIENT_B);

		candidate.marks[i].from = client ? END_CLIENT : END_SERVER;
		candidate.marks[i].notes |= NOTE_PREVIOUS;
		marks_add(step->pools, fresh.flow, &candidate.marks[i]);
	}
	if (tracker->sink.moved)
		tracker->sink.moved(tracker->sink.context, candidate.seg.frame, old_conn,
				    candidate.seg.frame);
}

/* Does this SYN-ACK or refusal answer a SYN that stands in the old connection as an event? */
static bool answer_begins(struct step *step)
{
	struct flow *flow = step->flow;
	const struct candidate *candidate = flow_candidate(step->pools, flow);

	if (candidate && candidate->from != step->from && answers_syn(step->seg, &candidate->seg)) {
		if (!flow_has(flow, FLOW_ENDED)) {
			flow->bits |= FLOW_REPLACED;
			if (candidate->from == END_CLIENT)
				flow->bits |= FLOW_RESTARTED;
		}
		candidate_begins(step);
		return true;
	}
	return false;
}

enum begins begins_new(struct step *step)
{
	struct flow *flow = step->flow;
	const struct segment *seg = step->seg;
	const struct candidate *candidate = flow_candidate(step->pools, flow);
	bool known = side_has(step->own, SIDE_ISN);

	if (flow_has(flow, FLOW_SELF))
		return BEGINS_NOT;
	if (seg->flags & TCP_ACK) {
		if (answer_begins(step))
			return BEGINS_MOVED;
	} else if (candidate && candidate->from == step->from && flow_has(flow, FLOW_ENDED) &&
		   candidate->seg.seq.raw == seg->seq.raw) {
		candidate_begins(step);
		return BEGINS_MOVED;
	}
	if ((seg->flags & TCP_RST) || (known && step->own->isn == seg->seq.raw))
		return BEGINS_NOT;
	if (flow_has(flow, FLOW_ENDED))
		return BEGINS_FRESH;
	/* Nobody answered: the same end starts over, so it has given up the first attempt. */
	if (!(seg->flags & TCP_ACK) && flow->phase == PHASE_SYN && step->from == END_CLIENT &&
	    known && !side_has(step->peer, SIDE_NXT))
		return BEGINS_FRESH;
	return BEGINS_NOT;
}

void note_candidate(struct step *step)
{
	struct candidate *candidate = cold_candidate(step->pools, step->flow);
	const struct segment *seg = step->seg;

	if (!candidate)
		return;
	if (candidate->seg.frame && candidate->seg.seq.raw == seg->seq.raw &&
	    candidate->from == step->from) {
		struct mark mark = step_mark(step);

		if (candidate->mark_count < CANDIDATE_MARKS) {
			candidate->mark_from_key_b[candidate->mark_count] =
				(step->from == END_CLIENT) == flow_has(step->flow, FLOW_CLIENT_B);
			candidate->marks[candidate->mark_count++] = mark;
		}
		return;
	}
	memset(candidate, 0, sizeof(*candidate));
	candidate->seg = *seg;
	candidate->from = (uint8_t)step->from;
	if (seg->options && seg->options_bytes <= sizeof(candidate->options))
		memcpy(candidate->options, seg->options, seg->options_bytes);
	else
		candidate->seg.options_bytes = 0;
	candidate->seg.options = NULL; /* set when it is used: this chunk may be copied */
	candidate->seg.payload = NULL;
	candidate->seg.icmp = NULL;
}

void candidate_follow(struct step *step)
{
	struct candidate *candidate = flow_candidate(step->pools, step->flow);

	if (!candidate || !candidate->seg.frame)
		return;
	if (step->notes & NOTE_CHALLENGE_ACK)
		candidate->challenged = true;
	if (candidate->mark_count == CANDIDATE_MARKS)
		return;
	candidate->mark_from_key_b[candidate->mark_count] =
		(step->from == END_CLIENT) == flow_has(step->flow, FLOW_CLIENT_B);
	candidate->marks[candidate->mark_count++] = step_mark(step);
}
