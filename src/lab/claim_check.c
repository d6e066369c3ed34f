/* SPDX-License-Identifier: BSD-2-Clause */
/* Claims held against what was found. */
#include "lab/claim.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tcp/state.h"

/* Where a claim is being checked. */
struct checking {
	const struct claim_check *check;
	const struct claim *claim; /* NULL: what holds for every verdict */
	bool ok;
};

static void complain(struct checking *checking, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void complain(struct checking *checking, const char *format, ...)
{
	const struct claim *claim = checking->claim;
	char what[CLAIM_TEXT_BYTES + 256];
	int used = 0;
	va_list args;

	checking->ok = false;
	if (!checking->check->complain)
		return;
	if (claim)
		used = snprintf(what, sizeof(what), "%s: ", claim->text);
	va_start(args, format);
	vsnprintf(what + used, sizeof(what) - (size_t)used, format, args);
	va_end(args);
	checking->check->complain(checking->check->context, claim ? claim->line : 0, what);
}

/* Every verdict, with the connection it is about (NULL: a group's). */
struct walk {
	const struct found *found;
	size_t conn, group;
	unsigned verdict;
	const struct found_conn *at; /* of the verdict that was returned last */
};

static const struct verdict *walk_next(struct walk *walk)
{
	while (walk->conn < walk->found->conn_count) {
		const struct verdict *verdict;

		walk->at = &walk->found->conns[walk->conn];
		verdict = judgement_verdict(&walk->at->judgement, walk->verdict++);
		if (verdict)
			return verdict;
		walk->conn++;
		walk->verdict = 0;
	}
	walk->at = NULL;
	return walk->group < walk->found->group_count ? &walk->found->groups[walk->group++].verdict
						      : NULL;
}

static bool compares(int64_t value, enum comparison compare, int64_t with)
{
	switch (compare) {
	case COMPARE_EQUAL:
		return value == with;
	case COMPARE_NOT_EQUAL:
		return value != with;
	case COMPARE_LESS:
		return value < with;
	case COMPARE_AT_MOST:
		return value <= with;
	case COMPARE_MORE:
		return value > with;
	case COMPARE_AT_LEAST:
		break;
	}
	return value >= with;
}

/* A key that was given several times is a list: one of them is enough, but all must differ. */
static bool value_holds(const struct verdict *verdict, const struct condition *condition)
{
	bool differ = condition->compare == COMPARE_NOT_EQUAL;
	bool known = false;

	for (unsigned i = 0; i < verdict->value_count; i++) {
		const struct verdict_value *value = &verdict->values[i];
		bool text = value->kind == VALUE_TEXT;
		bool holds;

		if (strcmp(value->key, condition->key) != 0)
			continue;
		known = true;
		if (text)
			holds = (strcmp(value->text, condition->text) == 0) != differ;
		else
			holds = compares(value->number, condition->compare, condition->number);
		if (holds != differ)
			return holds;
	}
	return known && differ;
}

static bool condition_holds(const struct verdict *verdict, const struct condition *condition)
{
	switch (condition->kind) {
	case CONDITION_VALUE:
		return value_holds(verdict, condition);
	case CONDITION_DECIDED:
		return verdict->decisive == (uint64_t)condition->number;
	case CONDITION_CITES:
		for (unsigned i = 0; i < verdict->frame_count; i++)
			if (verdict->frames[i] == (uint64_t)condition->number)
				return true;
		return false;
	case CONDITION_EXCLUDES:
		break;
	}
	for (unsigned i = 0; i < verdict->excluded_count; i++)
		if (strcmp(verdict->excluded[i].id, condition->key) == 0)
			return true;
	return false;
}

/* What of a claim a verdict of the right id does not meet; NULL: it meets all. */
static const char *unmet(const struct claim *claim, const struct verdict *verdict)
{
	static const char *const parts[] = {
		[CONDITION_VALUE] = "its value",
		[CONDITION_CITES] = "the frames it cites",
		[CONDITION_DECIDED] = "the frame that decides",
		[CONDITION_EXCLUDES] = "what it excludes",
	};

	if (claim->confidence != CONFIDENCE_NONE && verdict->confidence != claim->confidence)
		return "its confidence";
	if (claim->by != CLAIM_ANY_ACTOR && (int)verdict->by != claim->by)
		return "who did it";
	for (unsigned i = 0; i < claim->condition_count; i++)
		if (!condition_holds(verdict, &claim->conditions[i]))
			return parts[claim->conditions[i].kind];
	return NULL;
}

static uint64_t number_of(const struct checking *checking)
{
	return checking->check->conn(checking->check->context, checking->claim->conn);
}

/* Whether the claim speaks of a connection: its record, or a group when it names none. */
static bool speaks_of(const struct checking *checking, const struct found_conn *conn)
{
	if (!checking->claim->conn[0])
		return true;
	return conn && conn->conn == number_of(checking);
}

static void check_expect(struct checking *checking, const struct claim *claim)
{
	struct walk walk = { .found = checking->check->found };
	const struct verdict *verdict;
	const char *reason = NULL;

	while ((verdict = walk_next(&walk))) {
		const char *part;

		if (strcmp(verdict->entry->id, claim->id) != 0 || !speaks_of(checking, walk.at))
			continue;
		part = unmet(claim, verdict);
		if (!part)
			return;
		reason = part;
	}
	if (reason)
		complain(checking, "it was found, but %s differs", reason);
	else
		complain(checking, "it was not found");
}

static void check_forbid(struct checking *checking, const struct claim *claim)
{
	struct walk walk = { .found = checking->check->found };
	const struct verdict *verdict;

	while ((verdict = walk_next(&walk))) {
		bool hit = claim->kind == CLAIM_FORBID_LOOK
				   ? verdict->entry->look
				   : catalogue_id_below(verdict->entry->id, claim->id);

		if (hit && speaks_of(checking, walk.at))
			complain(checking, "%s was found", verdict->entry->id);
	}
}

/* The one record that a claim about a connection is about. */
static const struct found_conn *record_of(struct checking *checking)
{
	uint64_t number = number_of(checking);
	const struct found_conn *conn = found_conn_at(checking->check->found, number);

	if (!conn && number == 0)
		complain(checking, "there is no such connection");
	else if (!conn)
		complain(checking, "no connection starts with frame %" PRIu64, number);
	return conn;
}

static void check_headline(struct checking *checking, const struct claim *claim)
{
	const struct found_conn *conn = record_of(checking);
	const struct verdict *headline = conn ? judgement_headline(&conn->judgement) : NULL;

	if (conn && (!headline || strcmp(headline->entry->id, claim->id) != 0))
		complain(checking, "the headline is %s", headline ? headline->entry->id : "none");
}

static void check_states(struct checking *checking, const struct claim *claim)
{
	const struct found_conn *conn = record_of(checking);

	if (!conn)
		return;

	bool same = conn->state_count[claim->end] == claim->state_count;

	for (unsigned i = 0; same && i < claim->state_count; i++)
		same = conn->states[claim->end][i].state == claim->states[i].state &&
		       conn->states[claim->end][i].assumed == claim->states[i].assumed;
	if (!same)
		complain(checking, "the states are others");
}

static void check_closed_first(struct checking *checking, const struct claim *claim)
{
	static const int actors[] = { ACTOR_NONE, ACTOR_CLIENT, ACTOR_SERVER, ACTOR_BOTH };
	const struct found_conn *conn = record_of(checking);

	if (!conn || actors[conn->judgement.closed_first + 1] == claim->by)
		return;

	const char *name = actor_name((enum actor)actors[conn->judgement.closed_first + 1]);

	complain(checking, "it was %s", name ? name : "nobody");
}

static void check_time_wait(struct checking *checking, const struct claim *claim)
{
	static const int actors[2][2] = { { ACTOR_NONE, ACTOR_SERVER },
					  { ACTOR_CLIENT, ACTOR_BOTH } };
	const struct found_conn *conn = record_of(checking);

	if (!conn)
		return;

	const struct time_wait *held = conn->judgement.time_wait;
	int who = actors[held[END_CLIENT].held][held[END_SERVER].held];
	const char *name = actor_name((enum actor)who);

	if (who != claim->by)
		complain(checking, "TIME_WAIT is held by %s", name ? name : "nobody");
}

/* What holds for every verdict of every capture. */
static void check_verdict(struct checking *checking, const struct verdict *verdict)
{
	uint64_t frames = checking->check->frames;
	const char *id = verdict->entry->id;
	bool decisive_cited = verdict->decisive == 0;

	if (verdict->confidence == CONFIDENCE_NONE ||
	    verdict->confidence > verdict->entry->wire_max)
		complain(checking, "%s is %s; its wire_max is %s", id,
			 confidence_name(verdict->confidence),
			 confidence_name(verdict->entry->wire_max));
	if (verdict->frame_count == 0)
		complain(checking, "%s cites no frame", id);
	for (unsigned i = 0; i < verdict->frame_count; i++) {
		if (verdict->frames[i] == 0 || verdict->frames[i] > frames)
			complain(checking, "%s cites frame %" PRIu64 " of %" PRIu64, id,
				 verdict->frames[i], frames);
		decisive_cited |= verdict->frames[i] == verdict->decisive;
	}
	if (!decisive_cited)
		complain(checking, "%s is decided by frame %" PRIu64 ", which it does not cite", id,
			 verdict->decisive);
}

static void check_judgement(struct checking *checking, const struct found_conn *conn)
{
	const struct judgement *judgement = &conn->judgement;

	if (!judgement->has_open)
		complain(checking, "connection #%" PRIu64 " has no opening", conn->conn);
	else if (judgement->open.entry->phase != PHASE_OPEN)
		complain(checking, "the opening is %s", judgement->open.entry->id);
	if (judgement->has_end && judgement->end.entry->phase != PHASE_END)
		complain(checking, "the end is %s", judgement->end.entry->id);
	for (unsigned i = 0; i < judgement->life_count; i++)
		if (judgement->life[i].entry->phase != PHASE_LIFE)
			complain(checking, "in life stands %s", judgement->life[i].entry->id);
}

static void check_all(struct checking *checking)
{
	struct walk walk = { .found = checking->check->found };
	const struct verdict *verdict;

	while ((verdict = walk_next(&walk)))
		check_verdict(checking, verdict);
	for (size_t i = 0; i < checking->check->found->conn_count; i++)
		check_judgement(checking, &checking->check->found->conns[i]);
}

static void check_claim(struct checking *checking, const struct claim *claim)
{
	switch (claim->kind) {
	case CLAIM_EXPECT:
		check_expect(checking, claim);
		return;
	case CLAIM_FORBID:
	case CLAIM_FORBID_LOOK:
		check_forbid(checking, claim);
		return;
	case CLAIM_HEADLINE:
		check_headline(checking, claim);
		return;
	case CLAIM_STATES:
		check_states(checking, claim);
		return;
	case CLAIM_CLOSED_FIRST:
		check_closed_first(checking, claim);
		return;
	case CLAIM_TIME_WAIT:
		check_time_wait(checking, claim);
		return;
	}
}

bool claim_holds(const struct claim_check *check, const struct claim *claim)
{
	struct checking checking = { .check = check, .claim = claim, .ok = true };

	check_claim(&checking, claim);
	return checking.ok;
}

bool found_is_sound(const struct claim_check *check)
{
	struct checking checking = { .check = check, .ok = true };

	check_all(&checking);
	return checking.ok;
}
