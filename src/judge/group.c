/* SPDX-License-Identifier: BSD-2-Clause */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/fetch.h"
#include "base/pool.h"
#include "judge/gather.h"
#include "judge/group.h"
#include "judge/hash.h"

#define PLACES_AT_FIRST 1024u
#define PLACES_MOST	(1u << 17)
#define FACTS_MOST	(1u << 16)
#define FINDS_MOST	512u
#define TARGETS_MOST	4096u /* distinct ones counted; twice as many slots */

static_assert(sizeof(struct place) % 8 == 0, "a pool holds them as an array");

#define RULES_MOST 24
#define WAITING	   16u
#define HALF_WAY   8u

struct group {
	struct pool pool;     /* of places: none of them ever moves or goes */
	struct place *places; /* its first item */
	/* Owned; open addressing, at most half full; of place + 1. */
	struct tagged_slot *slots;
	uint32_t place_count, slot_count;
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
	struct remembered waiting[WAITING];
	unsigned put, taken;
};

static const struct place no_place;

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
	group->slot_count = 2 * PLACES_AT_FIRST;
	group->slots = calloc(group->slot_count, sizeof(*group->slots));
	if (!group->slots || !pool_set_up(&group->pool, sizeof(struct place), PLACES_MOST)) {
		group_free(group);
		return NULL;
	}
	group->places = pool_at(&group->pool, 1);
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
	free(group->facts);
	pool_tear_down(&group->pool);
	free(group->slots);
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

static uint64_t hash_of(const struct ip_address *ip, uint16_t port, unsigned kind)
{
	return address_hash(ip, (uint64_t)port << 8 | kind);
}

/* The slot of a place, or the free one where it belongs. */
static struct tagged_slot *slot_of(const struct group *group, const struct ip_address *ip,
				   uint16_t port, unsigned kind)
{
	uint64_t hash = hash_of(ip, port, kind);
	uint32_t mask = group->slot_count - 1, at = (uint32_t)hash & mask;

	for (; group->slots[at].index; at = (at + 1) & mask) {
		const struct place *place = &group->places[group->slots[at].index - 1];

		if (group->slots[at].tag == hash_tag(hash) && place->kind == kind &&
		    place->port == port && ip_address_equal(&place->ip, ip))
			break;
	}
	return &group->slots[at];
}

static void slot_fill(const struct group *group, uint32_t place)
{
	const struct place *of = &group->places[place];

	*slot_of(group, &of->ip, of->port, of->kind) = (struct tagged_slot){
		.tag = hash_tag(hash_of(&of->ip, of->port, of->kind)),
		.index = place + 1,
	};
}

/* The slots where the search for a fact's three places begins. */
static void first_slots(const struct group *group, const struct fact *fact,
			struct tagged_slot *slots[3])
{
	uint32_t mask = group->slot_count - 1;

	slots[0] = &group->slots[hash_of(&fact->client, 0, PLACE_SOURCE) & mask];
	slots[1] = &group->slots[hash_of(&fact->server, fact->port, PLACE_SERVICE) & mask];
	slots[2] = &group->slots[hash_of(&fact->server, 0, PLACE_HOST) & mask];
}

static void fetch_slots(const struct group *group, const struct fact *fact)
{
	struct tagged_slot *slots[3];

	first_slots(group, fact, slots);
	for (unsigned i = 0; i < 3; i++)
		fetch_line(slots[i]);
}

static void fetch_places(const struct group *group, const struct fact *fact)
{
	struct tagged_slot *slots[3];

	first_slots(group, fact, slots);
	for (unsigned i = 0; i < 3; i++) {
		const char *place;

		if (!slots[i]->index)
			continue;
		place = (const char *)&group->places[slots[i]->index - 1];
		fetch_line(place);
		fetch_line(place + 64);
	}
}

static bool slots_grow(struct group *group)
{
	if (group->slot_count / 2 == PLACES_MOST)
		return false;

	struct tagged_slot *slots = calloc(2 * (size_t)group->slot_count, sizeof(*slots));

	if (!slots)
		return false;
	free(group->slots);
	group->slots = slots;
	group->slot_count *= 2;
	for (uint32_t i = 0; i < group->place_count; i++)
		slot_fill(group, i);
	return true;
}

static uint32_t place_of(struct group *group, const struct ip_address *ip, uint16_t port,
			 enum place_kind kind)
{
	uint32_t known = slot_of(group, ip, port, kind)->index;

	if (known)
		return known - 1;
	if ((group->place_count == group->slot_count / 2 && !slots_grow(group)) ||
	    !pool_take(&group->pool)) {
		group->dropped++;
		return PLACE_NONE;
	}
	group->places[group->place_count] = (struct place){
		.ip = *ip,
		.port = port,
		.kind = (uint8_t)kind,
		.used = true,
		.retried_first_ns = TIME_NONE,
		.retried_last_ns = TIME_NONE,
		.lost_first_ns = TIME_NONE,
		.lost_last_ns = TIME_NONE,
		.answered_last_ns = TIME_NONE,
		.spoke_last_ns = TIME_NONE,
		.spoke_last_start_ns = TIME_NONE,
	};
	slot_fill(group, group->place_count);
	return group->place_count++;
}

const struct place *gather_place(const struct group *group, uint32_t index)
{
	return index < group->place_count ? &group->places[index] : &no_place;
}

struct place *gather_place_of(struct group *group, uint32_t index)
{
	return index < group->place_count ? &group->places[index] : NULL;
}

const struct place *gather_place_next(const struct group *group, uint32_t *index)
{
	return *index < group->place_count ? &group->places[(*index)++] : NULL;
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

static int64_t least(int64_t a, int64_t b)
{
	return a == TIME_NONE || b < a ? b : a;
}

static int64_t most(int64_t a, int64_t b)
{
	return a == TIME_NONE || b > a ? b : a;
}

/* Count a connection at one of its places. */
static void place_count(struct group *group, uint32_t index, const struct fact *fact)
{
	if (index == PLACE_NONE)
		return;

	struct place *place = &group->places[index];

	if (fact->what & FACT_OPENED) {
		place->opened_first_ns =
			least(place->opened ? place->opened_first_ns : TIME_NONE, fact->start_ns);
		place->opened_last_ns =
			most(place->opened ? place->opened_last_ns : TIME_NONE, fact->start_ns);
		place->opened++;
	}
	if (fact->what & (FACT_RETRIED | FACT_OVERFLOW)) {
		place->retried_first_ns = least(place->retried_first_ns, fact->start_ns);
		place->retried_last_ns = most(place->retried_last_ns, fact->start_ns);
	}
	if (fact->what & FACT_LOST) {
		place->lost_first_ns = least(place->lost_first_ns, fact->start_ns);
		place->lost_last_ns = most(place->lost_last_ns, fact->ended_ns);
	}
	if (fact->server_last_ns != TIME_NONE && !(fact->what & FACT_DIED_SILENT))
		place->answered_last_ns = most(place->answered_last_ns, fact->server_last_ns);
	if (fact->server_data_ns != TIME_NONE &&
	    (place->spoke_last_ns == TIME_NONE || fact->server_data_ns > place->spoke_last_ns)) {
		place->spoke_last_ns = fact->server_data_ns;
		place->spoke_last_start_ns = fact->start_ns;
	}
	if (fact->survived_ns > place->survived_ns) {
		place->survived_ns = fact->survived_ns;
		place->survived_conn = fact->conn;
	}
}

static void place_link(struct group *group, uint32_t index, const struct remembered *fact)
{
	if (index == PLACE_NONE)
		return;
	group->places[index].newest = fact->number;
	group->places[index].remembered++;
}

static struct remembered *remember(struct group *group, const struct remembered *draft)
{
	struct remembered *fact;

	if (!group->facts)
		group->facts = calloc(FACTS_MOST, sizeof(*group->facts));
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

static void take(struct group *group, struct remembered *draft)
{
	const struct fact *of = &draft->fact;
	struct remembered *fact;

	draft->source = place_of(group, &of->client, 0, PLACE_SOURCE);
	draft->service = place_of(group, &of->server, of->port, PLACE_SERVICE);
	draft->host = place_of(group, &of->server, 0, PLACE_HOST);
	place_count(group, draft->source, of);
	place_count(group, draft->service, of);
	place_count(group, draft->host, of);
	if (!(of->what & FACT_REMEMBERED))
		return;
	draft->target = (uint32_t)hash_of(&of->server, of->port, PLACE_SERVICE);
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
	if (group->put - group->taken >= HALF_WAY)
		fetch_places(group, &group->waiting[(group->put - HALF_WAY) % WAITING].fact);
	struct remembered *draft = &group->waiting[group->put++ % WAITING];

	*draft = (struct remembered){ 0 };
	fact_of(conn, judgement, &draft->fact);
	fetch_slots(group, &draft->fact);
}

uint64_t group_dropped(struct group *group)
{
	take_waiting(group, 0);
	return group->dropped;
}

/* Finds */

struct find *gather_find(struct group *group, enum find_kind kind, uint32_t place)
{
	for (unsigned i = group->find_count; i > 0; i--) {
		struct find *find = &group->finds[i - 1];

		if (find->kind == kind && find->place == place)
			return find;
	}
	return NULL;
}

struct find *gather_find_new(struct group *group, enum find_kind kind, uint32_t place)
{
	const struct place *of = gather_place(group, place);

	if (!group->finds)
		group->finds = calloc(FINDS_MOST, sizeof(*group->finds));
	if (!group->finds || group->find_count == FINDS_MOST || !of->used) {
		group->dropped++;
		return NULL;
	}

	struct find *find = &group->finds[group->find_count++];

	*find = (struct find){
		.kind = kind,
		.host = of->ip,
		.has_port = of->kind == PLACE_SERVICE,
		.port = of->port,
		.place = place,
		.first_ns = TIME_NONE,
		.last_ns = TIME_NONE,
	};
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
	find->first_ns = least(find->first_ns, fact->fact.start_ns);
	find->last_ns = most(find->last_ns, fact->fact.ended_ns);
	if (find->kind == FIND_SCAN)
		find_target(find, fact->target);
	find->total++;
	if (find->conn_count == GROUP_CONNS_MOST ||
	    (find->conn_count == find->room && !find_grow(find))) {
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
