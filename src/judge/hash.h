/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_JUDGE_HASH_H
#define TCPWHY_JUDGE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tcp/segment.h"

/* A hash of an address for tables here; every bit of it reaches every bit of the result. */
static inline uint64_t address_hash(const struct ip_address *ip, uint64_t salt)
{
	uint64_t high, low;

	memcpy(&high, ip->bytes, sizeof(high));
	memcpy(&low, ip->bytes + 8, sizeof(low));

	/* The finalizer of MurmurHash3: folds high bits down before each multiplication. */
	uint64_t mixed = (high ^ salt) * UINT64_C(0x9e3779b97f4a7c15) + low;

	mixed ^= mixed >> 33;
	mixed *= UINT64_C(0xff51afd7ed558ccd);
	mixed ^= mixed >> 33;
	mixed *= UINT64_C(0xc4ceb9fe1a85ec53);
	return mixed ^ mixed >> 33;
}

/* One place of such a table: who stands there, and what tells it from most others without a look.
 */
struct tagged_slot {
	uint32_t tag;	/* high half of the hash */
	uint32_t index; /* 0: free */
};

/* Of so many places: for huge_alloc(). */
static inline size_t tagged_slots_bytes(size_t count)
{
	return count * sizeof(struct tagged_slot);
}

static inline uint32_t hash_tag(uint64_t hash)
{
	return (uint32_t)(hash >> 32);
}

#endif /* TCPWHY_JUDGE_HASH_H */
