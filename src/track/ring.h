/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_TRACK_RING_H
#define TCPWHY_TRACK_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is due when, in order of time: first in, first out. Insiders of track/ only. */
struct ring_entry {
	int64_t ns; /* when it is due */
	uint32_t index;
	uint32_t tag; /* tells whether the index still means the same */
};

struct ring {
	struct ring_entry *entries;	 /* owned */
	uint32_t first, count, capacity; /* capacity: a power of two, or 0 */
};

/* Make room for one more. Return: false: out of memory. */
bool ring_room(struct ring *ring);

/* Add an entry, not earlier than the last one; ring_room() said that there is room. */
void ring_put(struct ring *ring, struct ring_entry entry);

/* Take the first entry off; there is one. */
struct ring_entry ring_take(struct ring *ring);

/* When the first entry is due; INT64_MAX: there is none. */
static inline int64_t ring_next_ns(const struct ring *ring)
{
	return ring->count ? ring->entries[ring->first].ns : INT64_MAX;
}

/* The entry that comes @after others, for fetching ahead; NULL: there is none. */
static inline const struct ring_entry *ring_ahead(const struct ring *ring, uint32_t after)
{
	if (after >= ring->count)
		return NULL;
	return &ring->entries[(ring->first + after) & (ring->capacity - 1)];
}

void ring_clear(struct ring *ring);

#endif /* TCPWHY_TRACK_RING_H */
