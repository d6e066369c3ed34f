/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_PEERS_ZEEK_POOL_H
#define TCPWHY_PEERS_ZEEK_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Items of one size by index. They never move; a freed one is the next to be given out again.
 *
 *     slabs -> [ item 0 ... 255 ] [ item 256 ... 511 ] ...
 */
struct zeek_pool {
	unsigned char **slabs; /* owned */
	size_t slab_count, slab_room;
	size_t item_bytes;
	uint32_t used;	     /* indexes below it have been given out at least once */
	uint32_t first_free; /* chained through the items' first bytes; UINT32_MAX: none */
};

#define ZEEK_POOL_SLAB 256 /* items */

/* @item_bytes: at least 4, a multiple of the items' alignment */
void zeek_pool_init(struct zeek_pool *pool, size_t item_bytes);
void zeek_pool_clear(struct zeek_pool *pool);

/* Make sure that the next take succeeds. Return: false: no memory. */
bool zeek_pool_reserve(struct zeek_pool *pool);

/* Give out an item, its bytes undefined; after zeek_pool_reserve(). Return: its index. */
uint32_t zeek_pool_take(struct zeek_pool *pool);
void zeek_pool_give(struct zeek_pool *pool, uint32_t index);

static inline void *zeek_pool_at(const struct zeek_pool *pool, uint32_t index)
{
	return pool->slabs[index / ZEEK_POOL_SLAB] + (index % ZEEK_POOL_SLAB) * pool->item_bytes;
}

#endif /* TCPWHY_PEERS_ZEEK_POOL_H */
