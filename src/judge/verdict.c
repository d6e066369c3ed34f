/* SPDX-License-Identifier: BSD-2-Clause */
#include "judge/catalogue.h"
#include "judge/verdict.h"

void verdict_begin(struct verdict *verdict, const struct entry *entry)
{
	/* Not the arrays: their counts say what of them holds, and they are large. */
	verdict->entry = entry;
	verdict->confidence = entry->wire_max;
	verdict->by = ACTOR_NONE;
	verdict->frame_count = 0;
	verdict->decisive = 0;
	verdict->cost_ns = TIME_NONE;
	verdict->value_count = 0;
	verdict->excluded_count = 0;
}

void verdict_lower(struct verdict *verdict)
{
	if (verdict->confidence > CONFIDENCE_POSSIBLE)
		verdict->confidence--;
}

void verdict_cite(struct verdict *verdict, uint64_t frame)
{
	if (!frame || verdict->frame_count == VERDICT_FRAMES)
		return;
	for (unsigned i = 0; i < verdict->frame_count; i++) {
		if (verdict->frames[i] == frame)
			return;
	}
	verdict->frames[verdict->frame_count++] = frame;
}

void verdict_decided_by(struct verdict *verdict, uint64_t frame)
{
	verdict_cite(verdict, frame);
	verdict->decisive = frame;
}

/* The next free value, or NULL when there are enough. */
static struct verdict_value *value_next(struct verdict *verdict, const char *key,
					enum value_kind kind)
{
	if (verdict->value_count == VERDICT_VALUES)
		return NULL;

	struct verdict_value *value = &verdict->values[verdict->value_count++];

	*value = (struct verdict_value){ .key = key, .kind = kind };
	return value;
}

void verdict_value(struct verdict *verdict, const char *key, enum value_kind kind, int64_t number)
{
	struct verdict_value *value = value_next(verdict, key, kind);

	if (value)
		value->number = number;
}

void verdict_text(struct verdict *verdict, const char *key, const char *text)
{
	struct verdict_value *value = value_next(verdict, key, VALUE_TEXT);

	if (value)
		value->text = text;
}

void verdict_address(struct verdict *verdict, const char *key, const struct ip_address *address)
{
	struct verdict_value *value = value_next(verdict, key, VALUE_ADDRESS);

	if (value)
		value->address = *address;
}

void verdict_exclude(struct verdict *verdict, const char *id, const char *because, uint64_t frame)
{
	if (verdict->excluded_count == VERDICT_EXCLUSIONS)
		return;
	verdict->excluded[verdict->excluded_count++] =
		(struct exclusion){ .id = id, .because = because, .frame = frame };
}

/* The look of the connection's life that cost most; among those without a cost the first. */
static const struct verdict *worst_life(const struct judgement *judgement)
{
	const struct verdict *worst = NULL;

	for (unsigned i = 0; i < judgement->life_count; i++) {
		const struct verdict *verdict = &judgement->life[i];

		if (!verdict->entry->look)
			continue;
		if (!worst || verdict->entry->explains_end > worst->entry->explains_end ||
		    (verdict->entry->explains_end == worst->entry->explains_end &&
		     verdict->cost_ns > worst->cost_ns))
			worst = verdict;
	}
	return worst;
}

const struct verdict *judgement_headline(const struct judgement *judgement)
{
	const struct verdict *life = worst_life(judgement);

	if (judgement->has_open && judgement->open.entry->look)
		return &judgement->open;
	if (judgement->has_end && judgement->end.entry->look &&
	    !(life && life->entry->explains_end && !judgement->end.entry->explains_end))
		return &judgement->end;
	if (life)
		return life;
	if (judgement->has_end)
		return &judgement->end;
	return judgement->has_open ? &judgement->open : NULL;
}

bool judgement_needs_look(const struct judgement *judgement)
{
	const struct verdict *headline = judgement_headline(judgement);

	return headline && headline->entry->look;
}
