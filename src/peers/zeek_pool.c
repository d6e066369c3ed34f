/* SPDX-License-Identifier: BSD-2-Clause */
#include "peers/zeek_pool.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void zeek_pool_init(struct zeek_pool *pool, size_t item_bytes)
{
	assert(item_bytes >= sizeof(uint32_t));
	*pool = (struct zeek_pool){ .item_bytes = item_bytes, .first_free = UINT32_MAX };
}

void zeek_pool_clear(struct zeek_pool *pool)
{
	for (size_t i = 0; i < pool->slab_count; i++)
		free(pool->slabs[i]);
	free(pool->slabs);
	zeek_pool_init(pool, pool->item_bytes);
}

static bool grow(struct zeek_pool *pool)
{
	if (pool->used > UINT32_MAX - 2 * ZEEK_POOL_SLAB)
		return false;
	if (pool->slab_count == pool->slab_room) {
		size_t room = pool->slab_room ? 2 * pool->slab_room : 16;
		unsigned char **slabs = realloc(pool->slabs, room * sizeof(*slabs));

		if (!slabs)
			return false;
		pool->slabs = slabs;
		pool->slab_room = room;
	}

	/* On a cache line: the owner lays its items out for it. */
	unsigned char *slab = aligned_alloc(64, ZEEK_POOL_SLAB * pool->item_bytes);

	if (!slab)
		return false;
	pool->slabs[pool->slab_count++] = slab;
	return true;
}

bool zeek_pool_reserve(struct zeek_pool *pool)
{
	if (pool->first_free != UINT32_MAX || pool->used < pool->slab_count * ZEEK_POOL_SLAB)
		return true;
	return grow(pool);
}

uint32_t zeek_pool_take(struct zeek_pool *pool)
{
	uint32_t index = pool->first_free;

	if (index == UINT32_MAX) {
		assert(pool->used < pool->slab_count * ZEEK_POOL_SLAB);
		return pool->used++;
	}
	memcpy(&pool->first_free, zeek_pool_at(pool, index), sizeof(pool->first_free));
	return index;
}

void zeek_pool_give(struct zeek_pool *pool, uint32_t index)
{
	memcpy(zeek_pool_at(pool, index), &pool->first_free, sizeof(pool->first_free));
	pool->first_free = index;
}
