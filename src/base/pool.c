/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/pool.h"

#include <assert.h>
#include <string.h>

#include "base/fetch.h"
#include "base/huge.h"

#define SMALL_ITEMS 1024u /* fewer than that are of no use */

bool pool_set_up(struct pool *pool, size_t item_bytes, uint32_t most)
{
	item_bytes = (item_bytes + 7) & ~(size_t)7;
	*pool = (struct pool){ .item_bytes = (uint32_t)item_bytes };
	for (; most >= SMALL_ITEMS; most /= 2) {
		size_t bytes = item_bytes * ((size_t)most + 1);

		pool->items = huge_reserve(bytes);
		if (pool->items) {
			pool->reserved_bytes = bytes;
			pool->most = most;
			return true;
		}
	}
	return false;
}

void pool_tear_down(struct pool *pool)
{
	huge_free(pool->items, pool->reserved_bytes);
	*pool = (struct pool){ 0 };
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
	pool->live -= count;
}
