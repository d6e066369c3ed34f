/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/report.h"

#include <stdlib.h>

#define RECENT 64u

/* Where an entry's count was found before: most verdicts are of a few kinds. */
struct recent {
	const struct entry *entry;
	size_t index;
};

/* Counts stand side by side in the catalogue's order: theme by theme, entry by entry. */
struct tally {
	const struct theme *const *themes; /* static */
	size_t theme_count;
	struct recent recent[RECENT]; /* by the entry's place in memory */
	uint64_t counts[];
};

struct tally *tally_new(void)
{
	size_t theme_count, entries = 0;
	const struct theme *const *themes = catalogue_themes(&theme_count);

	for (size_t i = 0; i < theme_count; i++)
		entries += themes[i]->count;

	struct tally *tally = calloc(1, sizeof(*tally) + entries * sizeof(tally->counts[0]));

	if (!tally)
		return NULL;
	tally->themes = themes;
	tally->theme_count = theme_count;
	return tally;
}

void tally_free(struct tally *tally)
{
	free(tally);
}

static bool find(const struct tally *tally, const struct entry *entry, size_t *index)
{
	size_t before = 0;

	for (size_t i = 0; i < tally->theme_count; i++) {
		const struct theme *theme = tally->themes[i];

		uintptr_t offset = (uintptr_t)entry - (uintptr_t)theme->entries;

		if (offset < theme->count * sizeof(*entry)) { /* wraps to huge when below */
			*index = before + offset / sizeof(*entry);
			return true;
		}
		before += theme->count;
	}
	return false;
}

void tally_add(struct tally *tally, const struct verdict *verdict)
{
	const struct entry *entry = verdict->entry;
	struct recent *recent = &tally->recent[(uintptr_t)entry / sizeof(*entry) % RECENT];
	size_t index;

	if (entry && recent->entry == entry) {
		tally->counts[recent->index]++;
	} else if (entry && find(tally, entry, &index)) {
		tally->counts[index]++;
		*recent = (struct recent){ .entry = entry, .index = index };
	}
}

uint64_t tally_count(const struct tally *tally, const struct entry *entry)
{
	size_t index;

	return find(tally, entry, &index) ? tally->counts[index] : 0;
}
