/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/pool.h"

#include <assert.h>
#include <string.h>

#include "base/fetch.h"
#include "base/huge.h"

#define SMALL_ITEMS 1024u /* fewer than that are of no use */

static size_t whole_words(size_t item_bytes)
{
	return (item_bytes + 7) & ~(size_t)7;
}

static size_t plan_bytes(const struct pool_plan *plan, unsigned halvings)
{
	uint32_t most = plan->most >> halvings;

	return huge_part_bytes(whole_words(plan->item_bytes) * ((size_t)most + 1));
}

static void set_up_part(const struct pool_plan *plan, unsigned halvings, unsigned char *at)
{
	size_t item_bytes = whole_words(plan->item_bytes);

	*plan->pool = (struct pool){
		.reserved_bytes = plan_bytes(plan, halvings),
		.item_bytes = (uint32_t)item_bytes,
		.grows_with = (uint32_t)(HUGE_PART_SMALL_BYTES / item_bytes),
		.most = plan->most >> halvings,
	};
	plan->pool->items = at;
}

bool pool_range_set_up(struct pool_range *range, const struct pool_plan *plans, unsigned count)
{
	uint32_t least = UINT32_MAX;

	*range = (struct pool_range){ .at = NULL };
	for (unsigned i = 0; i < count; i++)
		if (plans[i].most < least)
			least = plans[i].most;
	for (unsigned halvings = 0; least >> halvings >= SMALL_ITEMS; halvings++) {
		range->bytes = 0;
		for (unsigned i = 0; i < count; i++)
			range->bytes += plan_bytes(&plans[i], halvings);
		range->at = huge_reserve_parts(range->bytes);
		if (!range->at)
			continue;
		unsigned char *at = range->at;

		for (unsigned i = 0; i < count; i++) {
			set_up_part(&plans[i], halvings, at);
			at += plan_bytes(&plans[i], halvings);
		}
		return true;
	}
	return false;
}

bool pool_set_up(struct pool *pool, size_t item_bytes, uint32_t most)
{
	const struct pool_plan plan = { pool, item_bytes, most };
	struct pool_range range; /* the pool's own */

	*pool = (struct pool){ .items = NULL };
	return pool_range_set_up(&range, &plan, 1);
}

void pool_tear_down(struct pool *pool)
{
	huge_free(pool->items, pool->reserved_bytes);
	*pool = (struct pool){ .items = NULL };
}

/* It wants more than fits into small pages. */
static void pool_grows(struct pool *pool)
{
	huge_part_grows(pool->items, pool->reserved_bytes);
	pool->grows_with = 0;
}

void pool_range_tear_down(struct pool_range *range)
{
	huge_free(range->at, range->bytes);
	*range = (struct pool_range){ .at = NULL };
}

uint32_t pool_take_raw(struct pool *pool)
{
	uint32_t index = pool->free_first;

	if (index) {
		memcpy(&pool->free_first, pool_at(pool, index), sizeof(index));
		/* It says what follows it when it is taken: the next time. */
		fetch_line(pool_at(pool, pool->free_first));
	} else if (pool->used < pool->most) {
		index = ++pool->used;
		if (index == pool->grows_with)
			pool_grows(pool);
	} else {
		return 0;
	}
	pool->live++;
	return index;
}

uint32_t pool_take(struct pool *pool)
{
	bool zero = !pool->free_first; /* a fresh page */
	uint32_t index = pool_take_raw(pool);

	if (index && !zero)
		memset(pool_at(pool, index), 0, pool->item_bytes);
	return index;
}

void pool_give(struct pool *pool, uint32_t index)
{
	if (!index)
		return;
	assert(index <= pool->used && pool->live > 0);
	memcpy(pool_at(pool, index), &pool->free_first, sizeof(index));
	pool->free_first = index;
	pool->live--;
}

void pool_give_chain(struct pool *pool, uint32_t first, uint32_t last, uint32_t count)
{
	assert(last <= pool->used && pool->live >= count);
	memcpy(pool_at(pool, last), &pool->free_first, sizeof(first));
	pool->free_first = first;
	fetch_line(pool_at(pool, first)); /* as pool_take_raw() */
	pool->live -= count;
}
