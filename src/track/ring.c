/* SPDX-License-Identifier: BSD-2-Clause */
#include "track/ring.h"

#include "base/huge.h"

#define CAPACITY_FIRST 1024u

static size_t entries_bytes(uint32_t capacity)
{
	return capacity * sizeof(struct ring_entry);
}

bool ring_room(struct ring *ring)
{
	if (ring->count < ring->capacity)
		return true;
	uint32_t capacity = ring->capacity ? ring->capacity * 2 : CAPACITY_FIRST;
	struct ring_entry *entries = huge_alloc(entries_bytes(capacity));

	if (!entries)
		return false;
	for (uint32_t i = 0; i < ring->count; i++)
		entries[i] = ring->entries[(ring->first + i) & (ring->capacity - 1)];
	huge_free(ring->entries, entries_bytes(ring->capacity));
	ring->entries = entries;
	ring->first = 0;
	ring->capacity = capacity;
	return true;
}

void ring_put(struct ring *ring, struct ring_entry entry)
{
	ring->entries[(ring->first + ring->count++) & (ring->capacity - 1)] = entry;
}

struct ring_entry ring_take(struct ring *ring)
{
	struct ring_entry entry = ring->entries[ring->first];

	ring->first = (ring->first + 1) & (ring->capacity - 1);
	ring->count--;
	return entry;
}

void ring_clear(struct ring *ring)
{
	huge_free(ring->entries, entries_bytes(ring->capacity));
	*ring = (struct ring){ .count = 0 };
}
