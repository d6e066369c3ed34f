/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/time.h"
#include "lab/lo_tap.h"
#include "lab/wire_craft.h"

#define LINK_TYPE_RAW 101

/* Looks are repeated until an end has sent nothing meanwhile; a busy one is left out. */
#define LOOK_TRIES	8
#define SETTLE_PAUSE_NS (NSEC_PER_MSEC / 10)
#define SETTLE_MOST_NS	(3 * NSEC_PER_MSEC) /* no timer of TCP is shorter */

/* Make room for one more of something. Return: NULL: out of memory, the run is told. */
static void *grow(struct run *run, void *items, size_t count, size_t *room, size_t bytes)
{
	size_t more = *room ? *room * 2 : 64;
	void *grown;

	if (count < *room)
		return items;
	grown = realloc(items, more * bytes);
	if (!grown) {
		run->out_of_memory = true;
		return NULL;
	}
	*room = more;
	return grown;
}

size_t wire_note(struct run *run, const struct on_wire *segment)
{
	void *grown = grow(run, run->on_wire, run->on_wire_count, &run->on_wire_room,
			   sizeof(run->on_wire[0]));

	if (!grown)
		return SIZE_MAX;
	run->on_wire = grown;
	run->on_wire[run->on_wire_count] = *segment;
	return run->on_wire_count++;
}

/* Take a packet of its owner and send it on its way. */
void wire_put(struct run *run, const struct parcel *parcel, const uint8_t *packet)
{
	void *grown = grow(run, run->parcels, run->parcel_count, &run->parcel_room,
			   sizeof(run->parcels[0]));
	uint8_t *own = malloc(parcel->bytes ? parcel->bytes : 1);

	if (grown)
		run->parcels = grown;
	if (!grown || !own) {
		run->out_of_memory = true;
		free(own);
		return;
	}
	memcpy(own, packet, parcel->bytes);
	run->parcels[run->parcel_count] = *parcel;
	run->parcels[run->parcel_count].packet = own;
	run->parcels[run->parcel_count++].order = run->order++;
}

static const struct segment *decode(struct run *run, const uint8_t *packet, size_t bytes)
{
	const struct frame frame = {
		.number = 1,
		.bytes = packet,
		.captured_bytes = (uint32_t)bytes,
		.wire_bytes = (uint32_t)bytes,
		.link_type = LINK_TYPE_RAW,
	};
	const struct segment *seg = &run->batch->segments[0];

	decode_batch_begin(run->decoder, run->batch);
	decode_frame(run->decoder, &frame, run->batch);
	return segment_has(seg, SEGMENT_NOT_TCP | SEGMENT_QUOTED) ? NULL : seg;
}

/* A segment that a rule may take, and what it decided. */
struct taking {
	struct parcel parcel;
	const struct segment *seg;
	struct traits traits;
	const uint8_t *packet;
	bool gone; /* not to be delivered */
};

static bool rule_fires(struct run *run, size_t index, const struct traits *traits)
{
	const struct rule *rule = &run->scenario->rules[index];
	struct rule_state *state = &run->rules[index];

	if (rule->kind == RULE_INJECT || rule->kind == RULE_REBOOT)
		return false;
	if (!state->active || !pattern_matches(&rule->pattern, traits))
		return false;
	if (rule->kind != RULE_HOLD && rule->until.count > 0 && cond_holds(run, &rule->until))
		return false;
	return pattern_means(&rule->pattern, ++state->matched);
}

static const char *const rule_fates[] = {
	[RULE_DROP] = "dropped",	 [RULE_HOLD] = "held",	 [RULE_DELAY] = "delayed",
	[RULE_COPY] = "copied",		 [RULE_EDIT] = "edited", [RULE_ANSWER] = "answered",
	[RULE_ANSWER_ICMP] = "answered", [RULE_INJECT] = "",	 [RULE_REBOOT] = "",
};

static void rule_apply(struct run *run, const struct rule *rule, struct taking *taking)
{
	struct parcel *parcel = &taking->parcel;

	record_fate(&run->record, parcel->sighting, rule->line, rule_fates[rule->kind]);
	switch (rule->kind) {
	case RULE_DROP:
		taking->gone = true;
		return;
	case RULE_HOLD:
		parcel->held = rule;
		return;
	case RULE_DELAY:
		parcel->due_ns = run->now_ns + rule->time_ns;
		return;
	case RULE_COPY: {
		struct parcel copy = *parcel;

		copy.due_ns = run->now_ns + rule->time_ns;
		copy.is_copy = true;
		copy.line = rule->line;
		wire_put(run, &copy, taking->packet);
		return;
	}
	case RULE_EDIT:
		taking->gone = true;
		wire_edit(run, rule, taking->seg, parcel);
		return;
	case RULE_ANSWER:
	case RULE_ANSWER_ICMP:
		taking->gone = true;
		wire_answer(run, rule, taking->seg, taking->traits.from);
		return;
	case RULE_INJECT:
	case RULE_REBOOT:
		return;
	}
}

/* The first rule that takes it decides; the others still count. */
static void apply_rules(struct run *run, struct taking *taking)
{
	const struct rule *chosen = NULL;

	for (size_t i = 0; i < run->scenario->rule_count; i++) {
		if (chosen || !rule_fires(run, i, &taking->traits))
			continue;
		chosen = &run->scenario->rules[i];
		run->rules[i].fired++;
	}
	if (chosen)
		rule_apply(run, chosen, taking);
}

/* What could go on since a moment, a packet or a look at the kernels, goes on now: how long did the
   machine run something else meanwhile? A reboot is no such thing. */
static void note_held_up(struct run *run, int64_t since_ns, int64_t now_ns)
{
	int64_t held_ns = now_ns - time_later(run->rebooted_ns, since_ns);

	if (held_ns > run->held_up_ns)
		run->held_up_ns = held_ns;
}

/* A reboot takes a while on a busy machine; what was sent to the host meanwhile met nobody. */
static void lose_while_down(struct run *run, struct taking *taking)
{
	if (taking->gone || !run->rebooting || run->rebooting->end != taking->parcel.to)
		return;
	record_fate(&run->record, taking->parcel.sighting, run->rebooting->line,
		    rule_fates[RULE_DROP]);
	taking->gone = true;
}

static void take_packet(struct run *run, enum end from, size_t bytes, int64_t time_ns)
{
	const struct segment *seg = decode(run, run->buffer, bytes);
	struct taking taking = {
		.parcel = { .bytes = bytes,
			    .to = end_other(from),
			    .due_ns = run->now_ns,
			    .on_wire = SIZE_MAX },
		.seg = seg,
		.packet = run->buffer,
	};

	note_held_up(run, time_ns, run->now_ns);
	taking.parcel.sighting = record_add(
		&run->record,
		&(struct sighting){
			.time_ns = time_ns, .tap = from, .leaves = true, .bytes = (uint32_t)bytes },
		run->buffer);
	if (seg) {
		taking.traits = traits_of(seg, from);
		run->quiet_since_ns = run->now_ns;
		taking.parcel.on_wire =
			wire_note(run, &(struct on_wire){ .traits = taking.traits,
							  .reached_ns = time_ns,
							  .delivered_ns = TIME_NONE });
		wire_learn(run, seg, from);
		apply_rules(run, &taking);
	}
	lose_while_down(run, &taking);
	if (!taking.gone)
		wire_put(run, &taking.parcel, taking.packet);
}

static void activate_rules(struct run *run)
{
	for (size_t i = 0; i < run->scenario->rule_count; i++) {
		struct rule_state *state = &run->rules[i];
		int64_t since;

		if (state->active)
			continue;
		since = cond_since(run, &run->scenario->rules[i].after);
		state->active = since != TIME_NONE && since <= run->now_ns;
		state->active_ns = since;
	}
}

/* A segment of the client's host to itself passes no wire: it leaves and arrives in one moment. */
static size_t take_loopback(struct run *run)
{
	size_t taken = 0;
	int64_t time_ns;
	ssize_t bytes;

	while ((bytes = lo_tap_receive(run->lo_tap, run->buffer, WIRE_PACKET_MOST, &time_ns)) > 0) {
		const struct segment *seg = decode(run, run->buffer, (size_t)bytes);

		record_add(&run->record,
			   &(struct sighting){ .time_ns = time_ns,
					       .tap = END_CLIENT,
					       .leaves = true,
					       .bytes = (uint32_t)bytes },
			   run->buffer);
		run->quiet_since_ns = run->now_ns = time_now_ns(CLOCK_REALTIME);
		if (seg)
			wire_note(run, &(struct on_wire){ .traits = traits_of(seg, END_CLIENT),
							  .reached_ns = time_ns,
							  .delivered_ns = time_ns });
		taken++;
	}
	return taken;
}

size_t wire_take(struct run *run)
{
	size_t taken = 0;

	activate_rules(run);
	if (run->lo_tap >= 0)
		taken += take_loopback(run);
	for (enum end from = END_CLIENT; from < ENDS; from++) {
		int64_t time_ns;
		ssize_t bytes;

		while ((bytes = wire_receive(&run->net, from, run->buffer, WIRE_PACKET_MOST,
					     &time_ns)) > 0) {
			run->now_ns = time_now_ns(CLOCK_REALTIME);
			take_packet(run, from, (size_t)bytes, time_ns);
			activate_rules(run);
			taken++;
		}
	}
	return taken;
}

/* Read one end; packets that left meanwhile are taken first, so that taps and kernel agree on the
   moment. */
static void look_at(struct run *run, enum end end)
{
	struct err err = { .kind = ERR_NONE };

	for (unsigned tries = 0; tries < LOOK_TRIES; tries++) {
		int64_t time_ns;

		wire_take(run);
		time_ns = time_now_ns(CLOCK_REALTIME);
		if (!diag_read(run->diag[end], run->sockets, &err)) {
			run_fail(run, 0, "the kernel's sockets can't be read: %s", err.what);
			return;
		}
		if (wire_take(run) == 0) {
			/* What was read late may be another state than that of what was taken. */
			note_held_up(run, run->now_ns, time_now_ns(CLOCK_REALTIME));
			kernel_log_add(&run->kernel, end, time_ns, run->sockets);
			return;
		}
	}
	run->kernel.unsteady++;
}

void wire_look(struct run *run)
{
	for (enum end end = END_CLIENT; end < ENDS; end++)
		look_at(run, end);
}

/*
 * The first looks after a delivery. A busy kernel may take a segment in a moment later: where one
 * that nearly always changes something has not, and nobody has answered, its host is looked at
 * again.
 */
static void look_after(struct run *run, enum end to, uint8_t flags)
{
	static const struct timespec pause = { .tv_nsec = SETTLE_PAUSE_NS };
	size_t entries = run->kernel.entry_count, segments = run->on_wire_count;
	int64_t until_ns = run->now_ns + SETTLE_MOST_NS;

	look_at(run, to);
	while ((flags & (TCP_SYN | TCP_FIN | TCP_RST)) && run->kernel.entry_count == entries &&
	       run->on_wire_count == segments && time_now_ns(CLOCK_REALTIME) < until_ns) {
		nanosleep(&pause, NULL);
		look_at(run, to);
	}
	look_at(run, end_other(to));
}

/* When a parcel may be delivered; INT64_MAX: nothing is known of when. */
static int64_t parcel_due(const struct run *run, const struct parcel *parcel)
{
	int64_t since;

	if (!parcel->held)
		return parcel->due_ns;
	since = cond_since(run, &parcel->held->until);
	return since == TIME_NONE ? INT64_MAX : since;
}

/* The next parcel: the one that is due first; among those due now, the one that came first. */
static struct parcel *next_parcel(struct run *run)
{
	struct parcel *best = NULL;

	for (size_t i = 0; i < run->parcel_count; i++) {
		struct parcel *parcel = &run->parcels[i];

		if (parcel_due(run, parcel) > run->now_ns)
			continue;
		if (!best || parcel->order < best->order)
			best = parcel;
	}
	return best;
}

static void deliver(struct run *run, struct parcel *parcel)
{
	struct sighting sighting = {
		.tap = parcel->to,
		.crafted = parcel->crafted,
		.line = parcel->line,
		.bytes = (uint32_t)parcel->bytes,
	};
	size_t index;

	sighting.origin = parcel->sighting == SIZE_MAX ? 0 : parcel->sighting + 1;
	sighting.time_ns = time_now_ns(CLOCK_REALTIME);
	note_held_up(run, parcel_due(run, parcel), sighting.time_ns);
	index = record_add(&run->record, &sighting, parcel->packet);
	if (parcel->is_copy)
		record_fate(&run->record, index, parcel->line, "copied");
	if (parcel->held)
		run->rules[parcel->held - run->scenario->rules].waited = true;
	if (!wire_send(&run->net, parcel->to, parcel->packet, parcel->bytes))
		run_fail(run, 0, "a packet could not be given to the %s: %s",
			 parcel->to == END_CLIENT ? "client" : "server", strerror(errno));
	run->now_ns = time_now_ns(CLOCK_REALTIME);
	run->quiet_since_ns = run->now_ns;
	if (parcel->on_wire != SIZE_MAX)
		run->on_wire[parcel->on_wire].delivered_ns = run->now_ns;
}

bool wire_deliver(struct run *run)
{
	struct parcel *parcel, taken;

	run->now_ns = time_now_ns(CLOCK_REALTIME);
	activate_rules(run);
	wire_inject_due(run);
	if (!next_parcel(run))
		return false;
	wire_look(run);
	parcel = next_parcel(run); /* looking may have taken more */
	if (!parcel)
		return false;
	taken = *parcel;
	*parcel = run->parcels[--run->parcel_count];
	deliver(run, &taken);
	free(taken.packet);
	look_after(run, taken.to,
		   taken.on_wire == SIZE_MAX ? 0 : run->on_wire[taken.on_wire].traits.flags);
	return true;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t wire_next_ns(const struct run *run)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < run->parcel_count; i++)
		next = earlier(next, parcel_due(run, &run->parcels[i]));
	for (size_t i = 0; i < run->scenario->rule_count; i++) {
		const struct rule *rule = &run->scenario->rules[i];
		const struct rule_state *state = &run->rules[i];
		int64_t since = state->active ? TIME_NONE : cond_since(run, &rule->after);

		if (since != TIME_NONE)
			next = earlier(next, since);
		if (rule->kind == RULE_INJECT && state->active && state->done < rule->times)
			next = earlier(next,
				       state->active_ns + (int64_t)state->done * rule->every_ns);
	}
	return next;
}

bool wire_is_idle(const struct run *run)
{
	return wire_next_ns(run) == INT64_MAX;
}

void wire_check_rules(struct run *run)
{
	for (size_t i = 0; i < run->scenario->rule_count; i++) {
		const struct rule *rule = &run->scenario->rules[i];
		const struct rule_state *state = &run->rules[i];

		if (rule->optional)
			continue;
		if (!state->active)
			run_fail(run, rule->line, "the condition after 'after' never came true");
		else if (rule->kind == RULE_INJECT && state->done < rule->times)
			run_fail(run, rule->line, "only %llu of %u injections were made",
				 (unsigned long long)state->done, rule->times);
		else if (rule->kind != RULE_INJECT && rule->kind != RULE_REBOOT &&
			 state->fired == 0)
			run_fail(run, rule->line,
				 "this rule never took a segment: none like it came (%llu matched, "
				 "but for their number); a rule that need not take one ends in "
				 "'optional'",
				 (unsigned long long)state->matched);
		else if (rule->kind == RULE_HOLD && !state->waited)
			run_fail(run, rule->line,
				 "the condition after 'until' never came true: what it held was "
				 "never delivered");
	}
}

void wire_clear(struct run *run)
{
	for (size_t i = 0; i < run->parcel_count; i++)
		free(run->parcels[i].packet);
	free(run->parcels);
	free(run->on_wire);
	free(run->conns);
	run->parcels = NULL;
	run->on_wire = NULL;
	run->conns = NULL;
	run->parcel_count = run->on_wire_count = run->conn_count = 0;
}
