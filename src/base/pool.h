/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_BASE_POOL_H
#define TCPWHY_BASE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Items of one size, named by index: half as long as a pointer, and an item never moves. A range of
 * addresses is reserved at the start and filled by the kernel on first touch (base/huge.h), so
 * taking an item calls neither the heap nor the kernel. Index 0 is no item.
 */
struct pool {
	unsigned char *items;  /* owned, or a part of a pool_range; NULL: not set up */
	size_t reserved_bytes; /* of address space */
	uint32_t item_bytes;   /* a multiple of 8 */
	uint32_t grows_with;   /* this index: huge_part_grows(); 0: never */
	uint32_t most;	       /* highest index */
	uint32_t used;	       /* highest index ever taken */
	uint32_t free_first;   /* list through the items' first four bytes; 0 empty */
	uint32_t live;	       /* taken now */
};

/**
 * pool_set_up() - Reserve addresses for items
 * @pool:        overwritten
 * @item_bytes:  size of one, rounded up to a multiple of 8
 * @most:        how many at once, at the most; fewer where the system reserves less
 *
 * Return: false: not even a small range could be reserved.
 */
bool pool_set_up(struct pool *pool, size_t item_bytes, uint32_t most);

/* Give everything back to the system; a zeroed pool is allowed, one of a pool_range is not. */
void pool_tear_down(struct pool *pool);

/* Addresses that several pools share. */
struct pool_range {
	void *at; /* owned */
	size_t bytes;
};

/* What pool_set_up() would be given. */
struct pool_plan {
	struct pool *pool;
	size_t item_bytes;
	uint32_t most;
};

/**
 * pool_range_set_up() - Reserve addresses for several pools with one call to the kernel
 * @range:  overwritten
 * @plans:  each with a @most of 1024 or more; where the system reserves less, all get less
 *
 * Return: false: not even a small range could be reserved.
 */
bool pool_range_set_up(struct pool_range *range, const struct pool_plan *plans, unsigned count);

/* Give everything of its pools back to the system; a zeroed range is allowed. */
void pool_range_tear_down(struct pool_range *range);

/* Take an item, zeroed. Return: its index; 0: none left. */
uint32_t pool_take(struct pool *pool);

/* The same, with anything in it. */
uint32_t pool_take_raw(struct pool *pool);

/* Put an item back; 0 is allowed and does nothing. */
void pool_give(struct pool *pool, uint32_t index);

/* Put @count items back at once, which are chained through their first four bytes from @first to
   @last. */
void pool_give_chain(struct pool *pool, uint32_t first, uint32_t last, uint32_t count);

/* Where an item lives; index 0 < index <= used. */
static inline void *pool_at(const struct pool *pool, uint32_t index)
{
	return pool->items + (size_t)index * pool->item_bytes;
}

#endif /* TCPWHY_BASE_POOL_H */
