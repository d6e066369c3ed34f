/* SPDX-License-Identifier: BSD-2-Clause */
#include "track/table.h"

#include <sys/random.h>
#include <time.h>

#include "base/huge.h"

#define BUCKETS_FIRST 512u

static size_t buckets_bytes(uint64_t buckets)
{
	return (size_t)buckets * sizeof(struct bucket);
}

bool table_set_up(struct table *table, table_is_of *is_of, const void *owner)
{
	*table = (struct table){ .mask = BUCKETS_FIRST - 1, .is_of = is_of, .owner = owner };
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
	table->buckets = huge_alloc(buckets_bytes(BUCKETS_FIRST));
	return table->buckets != NULL;
}

void table_empty(struct table *table)
{
	struct bucket *buckets = huge_alloc(buckets_bytes(BUCKETS_FIRST));

	if (!buckets)
		return;
	huge_free(table->buckets, buckets_bytes(table->mask + 1));
	table->buckets = buckets;
	table->mask = BUCKETS_FIRST - 1;
	table->used = 0;
}

void table_tear_down(struct table *table)
{
	huge_free(table->buckets, buckets_bytes(table->mask + 1));
	table->buckets = NULL;
}

uint32_t *table_find(const struct table *table, const struct tuple *tuple, uint64_t hash)
{
	uint32_t tag = table_tag(hash);

	for (uint64_t at = tag & table->mask;; at = (at + 1) & table->mask) {
		struct bucket *bucket = &table->buckets[at];
		unsigned empty = bucket_match(bucket->refs, 0);
		unsigned match = bucket_match(bucket->tags, tag) & ~empty;

		for (; match; match &= match - 1) {
			uint32_t *ref = &bucket->refs[bucket_first(match)];

			if (table->is_of(table->owner, *ref, tuple, hash))
				return ref;
		}
		if (empty)
			return NULL;
	}
}

uint32_t *table_find_ref(const struct table *table, uint32_t ref, uint64_t hash)
{
	for (uint64_t at = table_tag(hash) & table->mask;; at = (at + 1) & table->mask) {
		struct bucket *bucket = &table->buckets[at];
		unsigned match = bucket_match(bucket->refs, ref);

		if (match)
			return &bucket->refs[bucket_first(match)];
		if (!bucket_full(bucket))
			return NULL;
	}
}

static void put(struct bucket *buckets, uint64_t mask, uint32_t tag, uint32_t ref)
{
	uint64_t at = tag & mask;
	unsigned empty;

	while (!(empty = bucket_match(buckets[at].refs, 0)))
		at = (at + 1) & mask;
	buckets[at].tags[bucket_first(empty)] = tag;
	buckets[at].refs[bucket_first(empty)] = ref;
}

static bool table_grow(struct table *table)
{
	uint64_t count = (table->mask + 1) * 2;
	struct bucket *buckets = huge_alloc(buckets_bytes(count));

	if (!buckets)
		return false;
	for (uint64_t at = 0; at <= table->mask; at++) {
		const struct bucket *old = &table->buckets[at];

		for (unsigned i = 0; i < BUCKET_PLACES; i++)
			if (old->refs[i])
				put(buckets, count - 1, old->tags[i], old->refs[i]);
	}
	huge_free(table->buckets, buckets_bytes(table->mask + 1));
	table->buckets = buckets;
	table->mask = count - 1;
	return true;
}

bool table_add(struct table *table, uint64_t hash, uint32_t ref)
{
	uint64_t places = (table->mask + 1) * BUCKET_PLACES;

	if ((table->used + 1) * 100 > places * TABLE_LOAD_MOST && !table_grow(table) &&
	    table->used + 1 >= places)
		return false; /* one place must stay empty: it ends every search */
	put(table->buckets, table->mask, table_tag(hash), ref);
	table->used++;
	return true;
}

/* The first place in the bucket @at whose key is looked for from @hole or before. Return:
   BUCKET_PLACES: there is none. */
static unsigned begins_before(const struct table *table, uint64_t at, uint64_t hole)
{
	const struct bucket *bucket = &table->buckets[at];

	unsigned i = 0;

	for (; i < BUCKET_PLACES; i++) {
		uint64_t home = bucket->tags[i] & table->mask;

		if (bucket->refs[i] && ((at - home) & table->mask) >= ((at - hole) & table->mask))
			break;
	}
	return i;
}

void table_remove(struct table *table, const uint32_t *place)
{
	uint64_t hole = (uint64_t)((const char *)place - (const char *)table->buckets) /
			sizeof(struct bucket);
	struct bucket *bucket = &table->buckets[hole];
	unsigned empty = (unsigned)(place - bucket->refs);
	bool was_full = bucket_full(bucket);

	table->used--;
	/* Move back whatever would not be found any more across the hole. */
	for (uint64_t at = (hole + 1) & table->mask; was_full; at = (at + 1) & table->mask) {
		struct bucket *behind = &table->buckets[at];
		unsigned moves = begins_before(table, at, hole);

		was_full = bucket_full(behind);
		if (moves == BUCKET_PLACES)
			continue;
		bucket->tags[empty] = behind->tags[moves];
		bucket->refs[empty] = behind->refs[moves];
		bucket = behind;
		empty = moves;
		hole = at;
	}
	bucket->tags[empty] = 0;
	bucket->refs[empty] = 0;
}
