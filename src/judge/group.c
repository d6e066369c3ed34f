/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "base/huge.h"
#include "judge/gather.h"
#include "judge/group.h"

#define FACTS_MOST   (1u << 16)
#define FINDS_MOST   4096u
#define TARGETS_MOST 4096u /* distinct ones counted; twice as many slots */

#define FACTS_BYTES (FACTS_MOST * sizeof(struct remembered))

#define RULES_MOST 24
#define WAITING	   16u

struct group {
	struct places places;
	struct remembered *facts; /* owned; a ring; fact number n stands at n mod FACTS_MOST */
	uint64_t fact_count;
	struct find *finds; /* owned */
	unsigned find_count;
	struct {
		const struct entry *entry;
		bool disabled;
	} rules[RULES_MOST];
	unsigned rule_count;
	uint64_t dropped;
	/* Facts whose places are being fetched meanwhile: a ring, in their order. */
	struct waiting {
		struct remembered draft;
		struct approach approach;
	} waiting[WAITING];
	unsigned put, taken;
};

/* How many facts come until the next part of one's places is fetched: enum places_fetch. */
static const unsigned steps[] = { 4, 7, 10, 13 };

static const struct place no_place;
static const struct served no_served;

static void find_rules(struct group *group)
{
	size_t count;
	const struct theme *const *themes = catalogue_themes(&count);

	for (size_t t = 0; t < count; t++) {
		for (size_t e = 0; e < themes[t]->count; e++) {
			const struct entry *entry = &themes[t]->entries[e];

			if (entry->group && group->rule_count < RULES_MOST)
				group->rules[group->rule_count++].entry = entry;
		}
	}
}

struct group *group_new(void)
{
	struct group *group = calloc(1, sizeof(*group));

	if (!group)
		return NULL;
	if (!places_set_up(&group->places)) {
		group_free(group);
		return NULL;
	}
	find_rules(group);
	return group;
}

void group_free(struct group *group)
{
	if (!group)
		return;
	for (unsigned i = 0; i < group->find_count; i++) {
		free(group->finds[i].conns);
		free(group->finds[i].measures_ns);
		free(group->finds[i].targets);
	}
	free(group->finds);
	huge_free(group->facts, FACTS_BYTES);
	places_tear_down(&group->places);
	free(group);
}

void group_disable(struct group *group, const char *id)
{
	for (unsigned i = 0; i < group->rule_count; i++) {
		if (strcmp(group->rules[i].entry->id, id) == 0)
			group->rules[i].disabled = true;
	}
}

/* Places */

/* Count what there was no room for. */
static uint32_t counted(struct group *group, uint32_t place)
{
	group->dropped += place == PLACE_NONE;
	return place;
}

const struct place *gather_place(const struct group *group, uint32_t index)
{
	const struct place *place = places_at(&group->places, index);

	return place ? place : &no_place;
}

struct served *gather_served_of(struct group *group, uint32_t index)
{
	return places_served(&group->places, index);
}

const struct served *gather_served(const struct group *group, uint32_t index)
{
	const struct served *served = places_served(&group->places, index);

	return served ? served : &no_served;
}

uint32_t gather_service_first(const struct group *group, uint32_t service)
{
	uint32_t host = gather_served(group, service)->host;

	return host ? gather_served(group, host - 1)->next - 1 : PLACE_NONE;
}

uint32_t gather_service_next(const struct group *group, uint32_t service)
{
	return gather_served(group, service)->next - 1;
}

/* Facts */

static struct remembered *fact_at(struct group *group, uint64_t number)
{
	if (!number || !group->facts || number + FACTS_MOST <= group->fact_count)
		return NULL;
	return &group->facts[number % FACTS_MOST];
}

struct remembered *gather_newest(struct group *group, uint32_t place)
{
	return fact_at(group, gather_place(group, place)->newest);
}

struct remembered *gather_older_source(struct group *group, const struct remembered *fact)
{
	return fact_at(group, fact->older_source);
}

struct remembered *gather_older_service(struct group *group, const struct remembered *fact)
{
	return fact_at(group, fact->older_service);
}

static void place_link(struct group *group, uint32_t index, const struct remembered *fact)
{
	struct place *place = places_at(&group->places, index);

	if (!place)
		return;
	place->newest = fact->number;
	place->remembered++;
}

static struct remembered *remember(struct group *group, const struct remembered *draft)
{
	struct remembered *fact;

	if (!group->facts)
		group->facts = huge_alloc(FACTS_BYTES);
	if (!group->facts) {
		group->dropped++;
		return NULL;
	}
	fact = &group->facts[++group->fact_count % FACTS_MOST];
	*fact = *draft;
	fact->number = group->fact_count;
	fact->older_source = gather_place(group, fact->source)->newest;
	fact->older_service = gather_place(group, fact->service)->newest;
	fact->source_opened = gather_place(group, fact->source)->opened;
	fact->service_opened = gather_place(group, fact->service)->opened;
	place_link(group, fact->source, fact);
	place_link(group, fact->service, fact);
	return fact;
}

static void take(struct group *group, struct waiting *waiting)
{
	struct remembered *draft = &waiting->draft;
	const struct fact *of = &draft->fact;
	struct places *places = &group->places;
	struct remembered *fact;

	draft->source = counted(group, places_source(places, of, &waiting->approach));
	draft->service = counted(group, places_service(places, of, &waiting->approach));
	draft->host = counted(group, places_host(places, of, draft->service));
	places_count(places, draft->source, of);
	places_count(places, draft->service, of);
	places_count(places, draft->host, of);
	if (!(of->what & FACT_REMEMBERED))
		return;
	draft->target = places_target(&of->server, of->port);
	fact = remember(group, draft);
	if (!fact)
		return;
	for (unsigned i = 0; i < group->rule_count; i++) {
		const struct group_rule *rule = group->rules[i].entry->group;

		if (rule->add && (fact->fact.what & rule->wants))
			rule->add(group, fact);
	}
}

static void take_waiting(struct group *group, unsigned left)
{
	while (group->put - group->taken > left)
		take(group, &group->waiting[group->taken++ % WAITING]);
}

void group_add(struct group *group, const struct conn *conn, const struct judgement *judgement)
{
	take_waiting(group, WAITING - 1);
	for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (group->put - group->taken < steps[i])
			break;
		places_fetch(&group->places,
			     &group->waiting[(group->put - steps[i]) % WAITING].approach,
			     (enum places_fetch)i);
	}
	struct waiting *waiting = &group->waiting[group->put++ % WAITING];

	waiting->draft.taken = 0; /* the rest follows: take(), remember() */
	fact_of(conn, judgement, &waiting->draft.fact);
	places_approach(&group->places, &waiting->draft.fact, &waiting->approach);
}

uint64_t group_dropped(struct group *group)
{
	take_waiting(group, 0);
	return group->dropped;
}

/* Finds */

/* Where the place's newest find of a kind is named: each kind has one in the list. */
static uint32_t *find_link(struct group *group, struct place *place, enum find_kind kind)
{
	uint32_t *link = &place->find;

	while (*link && group->finds[*link - 1].kind != kind)
		link = &group->finds[*link - 1].next;
	return link;
}

struct find *gather_find(struct group *group, enum find_kind kind, uint32_t place)
{
	struct place *of = places_at(&group->places, place);
	uint32_t at = of ? *find_link(group, of, kind) : 0;

	return at ? &group->finds[at - 1] : NULL;
}

bool gather_find_room(struct group *group)
{
	bool room = group->find_count < FINDS_MOST;

	group->dropped += !room;
	return room;
}

struct find *gather_find_new(struct group *group, enum find_kind kind, uint32_t place)
{
	struct place *of = places_at(&group->places, place);

	if (!group->finds)
		group->finds = calloc(FINDS_MOST, sizeof(*group->finds));
	if (!group->finds || group->find_count == FINDS_MOST || !of) {
		group->dropped++;
		return NULL;
	}

	uint32_t *link = find_link(group, of, kind);
	struct find *find = &group->finds[group->find_count++];

	*find = (struct find){
		.kind = kind,
		.host = of->ip,
		.has_port = of->kind == PLACE_SERVICE,
		.port = of->port,
		.place = place,
		.next = *link ? group->finds[*link - 1].next : 0,
		.first_ns = TIME_NONE,
		.last_ns = TIME_NONE,
	};
	*link = group->find_count; /* the one before is never asked for again */
	return find;
}

static bool find_grow(struct find *find)
{
	size_t room = find->room ? 2 * find->room : 16;
	uint64_t *conns = realloc(find->conns, room * sizeof(*conns));

	if (!conns)
		return false;
	find->conns = conns;

	int64_t *measures = realloc(find->measures_ns, room * sizeof(*measures));

	if (!measures)
		return false;
	find->measures_ns = measures;
	find->room = room;
	return true;
}

/* Count a target if it is new; beyond the most, "at least" that many. */
static void find_target(struct find *find, uint32_t target)
{
	uint32_t mask = 2 * TARGETS_MOST - 1;
	uint32_t value = target ? target : 1;

	if (!find->targets)
		find->targets = calloc((size_t)2 * TARGETS_MOST, sizeof(*find->targets));
	if (!find->targets || find->target_count == TARGETS_MOST)
		return;
	for (uint32_t at = value & mask;; at = (at + 1) & mask) {
		if (find->targets[at] == value)
			return;
		if (find->targets[at])
			continue;
		find->targets[at] = value;
		find->target_count++;
		return;
	}
}

void gather_take(struct group *group, struct find *find, struct remembered *fact,
		 int64_t measure_ns)
{
	unsigned bit = 1u << find->kind;

	if (fact->taken & bit)
		return;
	fact->taken |= bit;
	find->first_ns = time_earlier(find->first_ns, fact->fact.start_ns);
	find->last_ns = time_later(find->last_ns, fact->fact.ended_ns);
	if (find->kind == FIND_SCAN)
		find_target(find, fact->target);
	find->total++;
	if (find->conn_count == GROUP_CONNS_MOST)
		return; /* counted, not listed */
	if (find->conn_count == find->room && !find_grow(find)) {
		group->dropped++;
		return;
	}
	find->conns[find->conn_count] = fact->fact.conn;
	find->measures_ns[find->conn_count++] = measure_ns;
}

void gather_narrow(struct find *find, int64_t least_ns, int64_t most_ns)
{
	size_t kept = 0;

	for (size_t i = 0; i < find->conn_count; i++) {
		if (find->measures_ns[i] < least_ns || find->measures_ns[i] > most_ns)
			continue;
		find->conns[kept] = find->conns[i];
		find->measures_ns[kept++] = find->measures_ns[i];
	}
	find->total -= find->conn_count - kept;
	find->conn_count = kept;
}

/* Verdicts */

static int by_place(const void *a, const void *b)
{
	const struct group_verdict *left = a, *right = b;
	int ip = memcmp(&left->host, &right->host, sizeof(left->host));

	if (ip)
		return ip;
	if (left->port != right->port)
		return left->port < right->port ? -1 : 1;
	if (left->first_ns != right->first_ns)
		return left->first_ns < right->first_ns ? -1 : 1;
	return left->conns[0] < right->conns[0] ? -1 : left->conns[0] > right->conns[0];
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

/* One find as a verdict of @entry, when it is one. */
static bool verdict_of(struct group *group, struct find *find, const struct entry *entry,
		       struct group_verdict *out)
{
	if (find->kind != entry->group->kind || !find->conn_count)
		return false;
	verdict_begin(&out->verdict, entry);
	if (!entry->group->holds(group, find, &out->verdict))
		return false;
	if (out->verdict.confidence > entry->wire_max)
		out->verdict.confidence = entry->wire_max;
	qsort(find->conns, find->conn_count, sizeof(*find->conns), by_number);
	for (size_t i = 0; i < find->conn_count && i < VERDICT_FRAMES; i++)
		verdict_cite(&out->verdict, find->conns[i]);
	out->host = find->host;
	out->has_port = find->has_port;
	out->port = find->port;
	out->conns = find->conns;
	out->conn_count = find->conn_count;
	out->conn_total = find->total;
	out->first_ns = find->first_ns;
	out->last_ns = find->last_ns;
	return true;
}

void group_finish(struct group *group, int64_t capture_end_ns, const struct group_sink *sink)
{
	take_waiting(group, 0);

	struct group_verdict *found =
		group->find_count ? calloc(group->find_count, sizeof(*found)) : NULL;

	(void)capture_end_ns;
	for (unsigned r = 0; found && r < group->rule_count; r++) {
		unsigned count = 0;

		if (group->rules[r].disabled)
			continue;
		for (unsigned i = 0; i < group->find_count; i++)
			count += verdict_of(group, &group->finds[i], group->rules[r].entry,
					    &found[count]);
		qsort(found, count, sizeof(*found), by_place);
		for (unsigned i = 0; i < count; i++)
			sink->found(sink->context, &found[i]);
	}
	free(found);
}
