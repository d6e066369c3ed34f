/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_TRACK_TABLE_H
#define TCPWHY_TRACK_TABLE_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "tcp/segment.h"

/*
 * From a pair of addresses and ports to what is known of it: a live flow, or the tombstone of one.
 * Open addressing with linear probing; keys are hashed with a secret, so that nobody can choose
 * packets that fall into one place.
 */

/* Addresses and ports in an order of their own, so that both directions are the same. */
struct tuple {
	struct ip_address ip_a, ip_b; /* (ip_a, port_a) is not above (ip_b, port_b) */
	uint16_t port_a, port_b;
};
static_assert(sizeof(struct tuple) == 36, "compared and hashed as bytes");

/* One place: what stands there, and enough of its hash to skip most others. */
struct slot {
	uint32_t tag; /* high half of the hash */
	uint32_t ref; /* 0: empty */
};
#define REF_TOMB  0x80000000u
#define REF_INDEX 0x7fffffffu

struct table {
	struct slot *slots; /* owned */
	uint64_t mask;	    /* places - 1 */
	uint64_t used;
	uint64_t secret[6];
	const struct tuple *(*tuple_of)(const void *owner, uint32_t ref); /* whose key it is */
	const void *owner;
};

/* Put a segment's addresses in order. Return: true when its source is the second one. */
bool tuple_of_segment(struct tuple *tuple, const struct segment *seg);

/**
 * table_set_up() - Make an empty table with a fresh secret
 * @tuple_of:  gives the key of a reference; called with @owner
 *
 * Return: false: out of memory.
 */
bool table_set_up(struct table *table,
		  const struct tuple *(*tuple_of)(const void *owner, uint32_t ref),
		  const void *owner);
void table_tear_down(struct table *table);

uint64_t table_hash(const struct table *table, const struct tuple *tuple);

/* Where @tuple stands. Return: NULL: nowhere. Valid until the table changes. */
struct slot *table_find(const struct table *table, const struct tuple *tuple, uint64_t hash);

/* Add a key that is not there yet. Return: false: out of memory. */
bool table_add(struct table *table, uint64_t hash, uint32_t ref);

/* Empty a place that table_find() gave. */
void table_remove(struct table *table, struct slot *slot);

/* What probably has this hash, by its tag alone: for fetching it ahead. 0: nothing. */
static inline uint32_t table_guess(const struct table *table, uint64_t hash)
{
	uint64_t place = hash & table->mask;

	while (table->slots[place].ref && table->slots[place].tag != (uint32_t)(hash >> 32))
		place = (place + 1) & table->mask;
	return table->slots[place].ref;
}

/* The place where a hash begins: for fetching it ahead. */
static inline const struct slot *table_place(const struct table *table, uint64_t hash)
{
	return &table->slots[hash & table->mask];
}

#endif /* TCPWHY_TRACK_TABLE_H */
