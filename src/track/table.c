/* SPDX-License-Identifier: BSD-2-Clause */
#include "track/table.h"

#include <sys/random.h>
#include <time.h>

#include "base/huge.h"

#define PLACES_FIRST 4096u

static size_t slots_bytes(uint64_t places)
{
	return (size_t)places * sizeof(struct slot);
}

bool table_set_up(struct table *table, table_is_of *is_of, const void *owner)
{
	*table = (struct table){ .mask = PLACES_FIRST - 1, .is_of = is_of, .owner = owner };
	/* The secret changes no result: only where in memory a key stands. */
	if (getrandom(table->secret, sizeof(table->secret), GRND_NONBLOCK) !=
	    (ssize_t)sizeof(table->secret)) {
		struct timespec now;

		clock_gettime(CLOCK_MONOTONIC, &now);
		for (unsigned i = 0; i < 6; i++)
			table->secret[i] =
				(uint64_t)now.tv_nsec * 0x9e3779b97f4a7c15u * (2u * i + 1) ^
				(uintptr_t)table;
	}
	table->slots = huge_alloc(slots_bytes(PLACES_FIRST));
	return table->slots != NULL;
}

void table_empty(struct table *table)
{
	struct slot *slots = huge_alloc(slots_bytes(PLACES_FIRST));

	if (!slots)
		return;
	huge_free(table->slots, slots_bytes(table->mask + 1));
	table->slots = slots;
	table->mask = PLACES_FIRST - 1;
	table->used = 0;
}

void table_tear_down(struct table *table)
{
	huge_free(table->slots, slots_bytes(table->mask + 1));
	table->slots = NULL;
}

struct slot *table_find(const struct table *table, const struct tuple *tuple, uint64_t hash)
{
	uint32_t tag = table_tag(hash);

	for (uint64_t place = tag & table->mask;; place = (place + 1) & table->mask) {
		struct slot *slot = &table->slots[place];

		if (!slot->ref)
			return NULL;
		if (slot->tag == tag && table->is_of(table->owner, slot->ref, tuple, hash))
			return slot;
	}
}

static void slot_place(struct slot *slots, uint64_t mask, struct slot slot)
{
	uint64_t place = slot.tag & mask;

	while (slots[place].ref)
		place = (place + 1) & mask;
	slots[place] = slot;
}

static bool table_grow(struct table *table)
{
	uint64_t places = (table->mask + 1) * 2;
	struct slot *slots = huge_alloc(slots_bytes(places));

	if (!slots)
		return false;
	for (uint64_t i = 0; i <= table->mask; i++)
		if (table->slots[i].ref)
			slot_place(slots, places - 1, table->slots[i]);
	huge_free(table->slots, slots_bytes(table->mask + 1));
	table->slots = slots;
	table->mask = places - 1;
	return true;
}

bool table_add(struct table *table, uint64_t hash, uint32_t ref)
{
	if ((table->used + 1) * 100 > (table->mask + 1) * TABLE_LOAD_MOST && !table_grow(table) &&
	    table->used + 1 > table->mask)
		return false; /* one place must stay empty: it ends every search */
	slot_place(table->slots, table->mask, (struct slot){ .tag = table_tag(hash), .ref = ref });
	table->used++;
	return true;
}

void table_remove(struct table *table, struct slot *slot)
{
	uint64_t hole = (uint64_t)(slot - table->slots);

	table->used--;
	/* Move back whatever would not be found any more across the hole. */
	for (uint64_t at = (hole + 1) & table->mask; table->slots[at].ref;
	     at = (at + 1) & table->mask) {
		uint64_t home = table->slots[at].tag & table->mask;

		if (((at - home) & table->mask) < ((at - hole) & table->mask))
			continue;
		table->slots[hole] = table->slots[at];
		hole = at;
	}
	table->slots[hole].ref = 0;
}

struct slot *table_find_ref(const struct table *table, uint32_t ref, uint64_t hash)
{
	uint64_t place = table_tag(hash) & table->mask;

	while (table->slots[place].ref && table->slots[place].ref != ref)
		place = (place + 1) & table->mask;
	return table->slots[place].ref ? &table->slots[place] : NULL;
}
