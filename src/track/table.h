/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_TRACK_TABLE_H
#define TCPWHY_TRACK_TABLE_H

#include <assert.h>
#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "tcp/segment.h"

/*
 * From a pair of addresses and ports to what is known of it: a live flow, a brief (brief.h), or the
 * tombstone of one.
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
#define REF_TOMB  0x80000000u /* the index is one of a tombstone */
#define REF_BRIEF 0x40000000u /* ... of a brief; of a flow without both */
#define REF_INDEX 0x3fffffffu

/* Whether a reference is to this key; @hash: of @tuple. */
typedef bool table_is_of(const void *owner, uint32_t ref, const struct tuple *tuple, uint64_t hash);

struct table {
	struct slot *slots; /* owned */
	uint64_t mask;	    /* places - 1 */
	uint64_t used;
	uint64_t secret[6];
	table_is_of *is_of;
	const void *owner;
};

/* What follows is inline because every segment passes it: called, it costs half as much again. */

/* Whether an address comes behind another one, byte by byte. */
static inline bool address_behind(const struct ip_address *a, const struct ip_address *b)
{
	uint64_t of_a[2], of_b[2];

	memcpy(of_a, a->bytes, sizeof(of_a));
	memcpy(of_b, b->bytes, sizeof(of_b));
	if (of_a[0] != of_b[0])
		return be64toh(of_a[0]) > be64toh(of_b[0]);
	return be64toh(of_a[1]) > be64toh(of_b[1]);
}

/* Put a segment's addresses in order. Return: true when its source is the second one. */
static inline bool tuple_of_segment(struct tuple *tuple, const struct segment *seg)
{
	bool second = ip_address_equal(&seg->src, &seg->dst) ? seg->src_port > seg->dst_port
							     : address_behind(&seg->src, &seg->dst);

	tuple->ip_a = second ? seg->dst : seg->src;
	tuple->ip_b = second ? seg->src : seg->dst;
	tuple->port_a = second ? seg->dst_port : seg->src_port;
	tuple->port_b = second ? seg->src_port : seg->dst_port;
	return second;
}

/* In five words without a branch: the first difference is in no place that could be guessed. */
static inline bool tuple_equal(const struct tuple *a, const struct tuple *b)
{
	uint64_t of_a[4], of_b[4];
	uint32_t ports_a, ports_b;

	memcpy(of_a, a, sizeof(of_a));
	memcpy(of_b, b, sizeof(of_b));
	memcpy(&ports_a, &a->port_a, sizeof(ports_a));
	memcpy(&ports_b, &b->port_a, sizeof(ports_b));
	return ((of_a[0] ^ of_b[0]) | (of_a[1] ^ of_b[1]) | (of_a[2] ^ of_b[2]) |
		(of_a[3] ^ of_b[3]) | (ports_a ^ ports_b)) == 0;
}

/**
 * table_set_up() - Make an empty table with a fresh secret
 * @is_of:  called with @owner
 *
 * Return: false: out of memory.
 */
bool table_set_up(struct table *table, table_is_of *is_of, const void *owner);
void table_tear_down(struct table *table);

/* The two halves of a 128-bit product, folded: every bit of both factors reaches every bit. */
static inline uint64_t table_fold(uint64_t a, uint64_t b)
{
	__extension__ typedef unsigned __int128 wide;
	wide product = (wide)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t table_hash(const struct table *table, const struct tuple *tuple)
{
	const uint64_t *secret = table->secret;
	uint64_t word[4];
	uint32_t ports;

	memcpy(word, tuple, sizeof(word));
	memcpy(&ports, &tuple->port_a, sizeof(ports));
	uint64_t low = table_fold(word[0] ^ secret[0], word[1] ^ secret[1]);
	uint64_t high = table_fold(word[2] ^ secret[2], word[3] ^ secret[3]);

	return table_fold(low ^ ports ^ secret[4], high ^ secret[5]);
}

/* What a slot keeps of its key's hash: where the search for it begins, and most of what tells it
   from others there. So keys move within the table without being looked at. */
static inline uint32_t table_tag(uint64_t hash)
{
	return (uint32_t)(hash >> 32);
}

/* Where @tuple stands. Return: NULL: nowhere. Valid until the table changes. */
struct slot *table_find(const struct table *table, const struct tuple *tuple, uint64_t hash);

/* Where a reference stands, whose key has this hash. Return: NULL: nowhere. */
struct slot *table_find_ref(const struct table *table, uint32_t ref, uint64_t hash);

/* Add a key that is not there yet. Return: false: out of memory. */
bool table_add(struct table *table, uint64_t hash, uint32_t ref);

/* Empty a place that table_find() gave. */
void table_remove(struct table *table, struct slot *slot);

/* What probably has this hash, by its tag alone: for fetching it ahead. 0: nothing. */
static inline uint32_t table_guess(const struct table *table, uint64_t hash)
{
	uint32_t tag = table_tag(hash);
	uint64_t place = tag & table->mask;

	while (table->slots[place].ref && table->slots[place].tag != tag)
		place = (place + 1) & table->mask;
	return table->slots[place].ref;
}

/* The place where a hash begins: for fetching it ahead. */
static inline const struct slot *table_place(const struct table *table, uint64_t hash)
{
	return &table->slots[table_tag(hash) & table->mask];
}

#endif /* TCPWHY_TRACK_TABLE_H */
