/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_TRACK_TABLE_H
#define TCPWHY_TRACK_TABLE_H

#include <assert.h>
#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "tcp/segment.h"

/*
 * From a pair of addresses and ports to what is known of it: a live flow, a brief (brief.h), or the
 * tombstone of one.
 * Open addressing by buckets of eight places, all of which are compared at once: which of them it
 * is cannot be guessed, and a wrong guess would wait for memory. Keys are hashed with a secret, so
 * that nobody can choose packets that fall into one place.
 */

/* Addresses and ports in an order of their own, so that both directions are the same. */
struct tuple {
	struct ip_address ip_a, ip_b; /* (ip_a, port_a) is not above (ip_b, port_b) */
	uint16_t port_a, port_b;
};
static_assert(sizeof(struct tuple) == 36, "compared and hashed as bytes");

/*
 * Places that one cache line holds: what stands in each, and enough of its hash to skip most
 * others. A key stands in the bucket where its hash begins, or behind it with none but full ones
 * between.
 */
#define BUCKET_PLACES 8u

struct bucket {
	uint32_t tags[BUCKET_PLACES]; /* high half of the hash */
	uint32_t refs[BUCKET_PLACES]; /* 0: empty, and so is the tag */
};
static_assert(sizeof(struct bucket) == 64, "one cache line");

/* Of a live flow, a brief or a tombstone: what a place holds. */
#define REF_TOMB  0x80000000u /* the index is one of a tombstone */
#define REF_BRIEF 0x40000000u /* ... of a brief; of a flow without both */
#define REF_INDEX 0x3fffffffu

/* Whether a reference is to this key; @hash: of @tuple. */
typedef bool table_is_of(const void *owner, uint32_t ref, const struct tuple *tuple, uint64_t hash);

struct table {
	struct bucket *buckets; /* owned */
	uint64_t mask;		/* buckets - 1 */
	uint64_t used;		/* places */
	uint64_t secret[6];
	table_is_of *is_of;
	const void *owner;
};

/* What follows is inline because every segment passes it: called, it costs half as much again. */

/* Whether a segment's source is the second end of its key: (address, port) in order, byte by byte.
 */
static inline bool segment_swapped(const struct segment *seg)
{
	uint64_t of_src[2], of_dst[2];

	memcpy(of_src, seg->src.bytes, sizeof(of_src));
	memcpy(of_dst, seg->dst.bytes, sizeof(of_dst));
	if (of_src[0] != of_dst[0])
		return be64toh(of_src[0]) > be64toh(of_dst[0]);
	if (of_src[1] != of_dst[1])
		return be64toh(of_src[1]) > be64toh(of_dst[1]);
	return seg->src_port > seg->dst_port;
}

/* A segment's addresses and ports in order; @swapped: segment_swapped(). */
static inline struct tuple tuple_of_segment(const struct segment *seg, bool swapped)
{
	return (struct tuple){
		.ip_a = swapped ? seg->dst : seg->src,
		.ip_b = swapped ? seg->src : seg->dst,
		.port_a = swapped ? seg->dst_port : seg->src_port,
		.port_b = swapped ? seg->src_port : seg->dst_port,
	};
}

/*
 * The same without a copy, and without a branch or a choice: which end is the first cannot be
 * guessed. @second: the key's second address, else its first one.
 */
static inline const struct ip_address *segment_ip(const struct segment *seg, bool swapped,
						  bool second)
{
	size_t apart = offsetof(struct segment, dst) - offsetof(struct segment, src);
	const uint8_t *first = (const uint8_t *)seg + offsetof(struct segment, src);

	return (const struct ip_address *)(first + (swapped ^ second) * apart);
}

/* Both ports, as they lie in the tuple of a segment. */
static inline uint32_t segment_ports(const struct segment *seg, bool swapped)
{
	uint32_t ports, turn = swapped * 16u;

	static_assert(offsetof(struct segment, dst_port) ==
			      offsetof(struct segment, src_port) + sizeof(seg->src_port),
		      "src_port, then dst_port");
	memcpy(&ports, &seg->src_port, sizeof(ports));
	return ports << turn | ports >> (-turn & 31);
}

static inline uint32_t tuple_ports(const struct tuple *tuple)
{
	uint32_t ports;

	memcpy(&ports, &tuple->port_a, sizeof(ports));
	return ports;
}

static inline bool tuple_equal(const struct tuple *a, const struct tuple *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* Of a hundred places so many are in use when the table grows to twice as many. */
#define TABLE_LOAD_MOST 80u

/**
 * table_set_up() - Make an empty table with a fresh secret
 * @is_of:  called with @owner
 *
 * Return: false: out of memory.
 */
bool table_set_up(struct table *table, table_is_of *is_of, const void *owner);
void table_tear_down(struct table *table);

/* Take all keys out and give what it needed for them back; out of memory: all stays. */
void table_empty(struct table *table);

/* The two halves of a 128-bit product, folded: every bit of both factors reaches every bit. */
static inline uint64_t table_fold(uint64_t a, uint64_t b)
{
	__extension__ typedef unsigned __int128 wide;
	wide product = (wide)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Of a tuple of these addresses and ports. */
static inline uint64_t table_hash_of(const struct table *table, const struct ip_address *ip_a,
				     const struct ip_address *ip_b, uint32_t ports)
{
	const uint64_t *secret = table->secret;
	uint64_t a[2], b[2];

	memcpy(a, ip_a, sizeof(a));
	memcpy(b, ip_b, sizeof(b));
	uint64_t low = table_fold(a[0] ^ secret[0], a[1] ^ secret[1]);
	uint64_t high = table_fold(b[0] ^ secret[2], b[1] ^ secret[3]);

	return table_fold(low ^ ports ^ secret[4], high ^ secret[5]);
}

static inline uint64_t table_hash(const struct table *table, const struct tuple *tuple)
{
	return table_hash_of(table, &tuple->ip_a, &tuple->ip_b, tuple_ports(tuple));
}

/* Of a segment's tuple; @swapped: segment_swapped(). */
static inline uint64_t table_hash_segment(const struct table *table, const struct segment *seg,
					  bool swapped)
{
	return table_hash_of(table, segment_ip(seg, swapped, false), segment_ip(seg, swapped, true),
			     segment_ports(seg, swapped));
}

/* What a place keeps of its key's hash: where the search for it begins, and most of what tells it
   from others there. So keys move within the table without being looked at. */
static inline uint32_t table_tag(uint64_t hash)
{
	return (uint32_t)(hash >> 32);
}

/* Which of a bucket's tags, or refs, have a value: bit n stands for the place n. */
static inline unsigned bucket_match(const uint32_t of[static BUCKET_PLACES], uint32_t value)
{
#ifdef __SSE2__
	const void *first_four = of, *last_four = of + BUCKET_PLACES / 2;
	__m128i wanted = _mm_set1_epi32((int)value);
	__m128i low = _mm_cmpeq_epi32(_mm_loadu_si128(first_four), wanted);
	__m128i high = _mm_cmpeq_epi32(_mm_loadu_si128(last_four), wanted);
	__m128i narrow = _mm_packs_epi16(_mm_packs_epi32(low, high), _mm_setzero_si128());

	return (unsigned)_mm_movemask_epi8(narrow);
#else
	unsigned match = 0;

	for (unsigned i = 0; i < BUCKET_PLACES; i++)
		match |= (unsigned)(of[i] == value) << i;
	return match;
#endif
}

/* The place of the lowest bit of a match, of which one is set. */
static inline unsigned bucket_first(unsigned match)
{
	return (unsigned)__builtin_ctz(match);
}

static inline bool bucket_full(const struct bucket *bucket)
{
	return !bucket_match(bucket->refs, 0);
}

/* The reference to @tuple, in its place. Return: NULL: there is none. Valid until the table
   changes. */
uint32_t *table_find(const struct table *table, const struct tuple *tuple, uint64_t hash);

/* The place of a reference, whose key has this hash. Return: NULL: nowhere. */
uint32_t *table_find_ref(const struct table *table, uint32_t ref, uint64_t hash);

/* Add a key that is not there yet. Return: false: out of memory. */
bool table_add(struct table *table, uint64_t hash, uint32_t ref);

/* Empty a place that table_find() gave. */
void table_remove(struct table *table, const uint32_t *place);

/* What probably has this hash, by its tag alone: for fetching it ahead. 0: nothing. */
static inline uint32_t table_guess(const struct table *table, uint64_t hash)
{
	uint32_t tag = table_tag(hash);

	for (uint64_t at = tag & table->mask;; at = (at + 1) & table->mask) {
		const struct bucket *bucket = &table->buckets[at];
		unsigned match = bucket_match(bucket->tags, tag);

		if (match)
			return bucket->refs[bucket_first(match)];
		if (!bucket_full(bucket))
			return 0;
	}
}

/* Where the search for a hash begins: for fetching it ahead. */
static inline const struct bucket *table_place(const struct table *table, uint64_t hash)
{
	return &table->buckets[table_tag(hash) & table->mask];
}

#endif /* TCPWHY_TRACK_TABLE_H */
