/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/fragment.h"

#include <stdlib.h>
#include <string.h>

#include "decode/finished.h"

#define DATAGRAM_BYTES_MOST 65535 /* offset and length that IP can express */
#define BLOCK_BYTES	    504	  /* of data; with its header 512 */
#define BLOCKS_LEAST	    (DATAGRAM_BYTES_MOST / BLOCK_BYTES + 2)
#define BLOCKS_PER_DATAGRAM 4 /* fewer blocks than that are seldom waiting */
#define NONE		    UINT32_MAX

/* Some bytes of a datagram: at most one fragment's, and no byte of it twice. */
struct block {
	uint32_t next; /* block behind it in the datagram or in the free list; NONE: last */
	uint16_t offset;
	uint16_t bytes;
	uint8_t data[BLOCK_BYTES];
};

struct datagram_key {
	struct ip_address src, dst;
	uint32_t id;
	uint32_t protocol;	      /* IPv4: the protocol; IPv6: 256 */
	uint32_t vlan_hash, reserved; /* copies mirrored from two VLANs are two datagrams */
};

/*
 * A datagram that waits. Its blocks are a list ordered by offset, without overlap:
 *
 *     first -> [0..504) -> [504..1480) -> ... -> last
 */
struct datagram {
	struct datagram_key key;
	int64_t since_ns;      /* when its first fragment came */
	uint32_t first, last;  /* blocks; NONE: no bytes yet */
	uint32_t held_bytes;   /* in all blocks */
	uint32_t total_bytes;  /* NONE: the last fragment has not come */
	uint32_t fragments;    /* how many came */
	uint32_t header_bytes; /* of the fragment at offset 0, as the next four */
	uint16_t what;	       /* IP's bits of any fragment */
	uint8_t protocol, ttl, tos;
	uint32_t chain;		 /* next of the same bucket, or of the free list */
	uint32_t older, younger; /* by time of arrival */
};

struct fragments {
	struct block *blocks;	    /* owned */
	struct datagram *datagrams; /* owned */
	uint32_t *buckets;	    /* owned: first datagram of each */
	uint32_t bucket_mask;
	/* Those beyond what was ever used are not touched: most captures have no fragments. */
	uint32_t block_count, datagram_count;
	uint32_t blocks_used, datagrams_used;
	uint32_t free_block, free_datagram; /* lists of those given back */
	uint32_t oldest, youngest;
	struct finished finished; /* complete datagrams, lent until the next batch */
};

static void pools_free(struct fragments *all)
{
	free(all->blocks);
	free(all->datagrams);
	free(all->buckets);
	all->blocks = NULL;
	all->datagrams = NULL;
	all->buckets = NULL;
}

/* Have the memory for fragments, with the first one: most captures have none. */
static bool pools_ready(struct fragments *all)
{
	uint32_t bucket_count = 1;

	if (all->buckets)
		return true;
	while (bucket_count < all->datagram_count)
		bucket_count *= 2;
	all->blocks = calloc(all->block_count, sizeof(*all->blocks));
	all->datagrams = calloc(all->datagram_count, sizeof(*all->datagrams));
	all->buckets = malloc(bucket_count * sizeof(*all->buckets));
	if (!all->blocks || !all->datagrams || !all->buckets) {
		pools_free(all);
		return false;
	}
	memset(all->buckets, 0xff, bucket_count * sizeof(*all->buckets)); /* NONE */
	all->bucket_mask = bucket_count - 1;
	return true;
}

struct fragments *fragments_new(size_t bytes)
{
	struct fragments *all = calloc(1, sizeof(*all));
	size_t blocks = bytes / (sizeof(struct block) +
				 sizeof(struct datagram) / BLOCKS_PER_DATAGRAM + sizeof(uint32_t));

	if (!all)
		return NULL;
	if (blocks < BLOCKS_LEAST)
		blocks = BLOCKS_LEAST;
	if (blocks > NONE / 2)
		blocks = NONE / 2;
	all->block_count = (uint32_t)blocks;
	all->datagram_count = (uint32_t)blocks / BLOCKS_PER_DATAGRAM;
	all->oldest = NONE;
	all->youngest = NONE;
	all->free_block = NONE;
	all->free_datagram = NONE;
	return all;
}

void fragments_free(struct fragments *fragments)
{
	if (!fragments)
		return;
	finished_clear(&fragments->finished);
	pools_free(fragments);
	free(fragments);
}

void fragments_batch_begin(struct fragments *fragments)
{
	finished_take_back(&fragments->finished);
}

static uint32_t *bucket_of(struct fragments *all, const struct datagram_key *key)
{
	uint64_t words[sizeof(*key) / sizeof(uint64_t)];
	uint64_t hash = 0;

	memcpy(words, key, sizeof(words));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		hash = (hash ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 32;
	}
	return &all->buckets[(uint32_t)hash & all->bucket_mask];
}

static struct datagram *datagram_find(struct fragments *all, const struct datagram_key *key)
{
	for (uint32_t i = *bucket_of(all, key); i != NONE; i = all->datagrams[i].chain)
		if (memcmp(&all->datagrams[i].key, key, sizeof(*key)) == 0)
			return &all->datagrams[i];
	return NULL;
}

static uint32_t index_of(const struct fragments *all, const struct datagram *datagram)
{
	return (uint32_t)(datagram - all->datagrams);
}

static void age_unlink(struct fragments *all, const struct datagram *datagram)
{
	if (datagram->older == NONE)
		all->oldest = datagram->younger;
	else
		all->datagrams[datagram->older].younger = datagram->younger;
	if (datagram->younger == NONE)
		all->youngest = datagram->older;
	else
		all->datagrams[datagram->younger].older = datagram->older;
}

/* Forget a datagram and free its blocks. */
static void datagram_remove(struct fragments *all, struct datagram *datagram)
{
	uint32_t index = index_of(all, datagram);
	uint32_t *link = bucket_of(all, &datagram->key);

	while (*link != index)
		link = &all->datagrams[*link].chain;
	*link = datagram->chain;
	age_unlink(all, datagram);
	if (datagram->first != NONE) {
		all->blocks[datagram->last].next = all->free_block;
		all->free_block = datagram->first;
	}
	datagram->chain = all->free_datagram;
	all->free_datagram = index;
}

/* Give a datagram up: its fragments count as lost. */
static void datagram_give_up(struct walk *walk, struct datagram *datagram)
{
	walk->decoder->stats.reasons[DECODE_FRAGMENT_DROPPED] += datagram->fragments;
	datagram_remove(walk->decoder->fragments, datagram);
}

/* A free one, got by giving up the oldest if need be. */
static uint32_t datagram_take(struct walk *walk)
{
	struct fragments *all = walk->decoder->fragments;

	if (all->free_datagram == NONE && all->datagrams_used < all->datagram_count)
		return all->datagrams_used++;
	if (all->free_datagram == NONE)
		datagram_give_up(walk, &all->datagrams[all->oldest]);

	uint32_t index = all->free_datagram;

	all->free_datagram = all->datagrams[index].chain;
	return index;
}

static struct datagram *datagram_add(struct walk *walk, const struct datagram_key *key)
{
	struct fragments *all = walk->decoder->fragments;
	uint32_t index = datagram_take(walk);
	struct datagram *datagram = &all->datagrams[index];
	uint32_t *bucket = bucket_of(all, key); /* only now: giving up changes the chains */

	*datagram = (struct datagram){
		.key = *key,
		.since_ns = walk->frame->time_ns,
		.first = NONE,
		.last = NONE,
		.total_bytes = NONE,
		.chain = *bucket,
		.older = all->youngest,
		.younger = NONE,
	};
	*bucket = index;
	if (all->youngest == NONE)
		all->oldest = index;
	else
		all->datagrams[all->youngest].younger = index;
	all->youngest = index;
	return datagram;
}

/* Give up what has waited too long. Times that run backwards make nothing old. */
static void old_ones_give_up(struct walk *walk)
{
	struct fragments *all = walk->decoder->fragments;
	int64_t now_ns = walk->frame->time_ns;

	while (all->oldest != NONE && now_ns != TIME_NONE) {
		struct datagram *datagram = &all->datagrams[all->oldest];

		if (datagram->since_ns == TIME_NONE ||
		    (int64_t)((uint64_t)now_ns - (uint64_t)datagram->since_ns) <= FRAGMENT_LIFE_NS)
			return;
		datagram_give_up(walk, datagram);
	}
}

/* A free block, got by giving up older datagrams than this one if need be; NONE: there is none. */
static uint32_t block_take(struct walk *walk, const struct datagram *mine)
{
	struct fragments *all = walk->decoder->fragments;
	uint32_t index;

	if (all->free_block == NONE && all->blocks_used < all->block_count)
		return all->blocks_used++;
	while (all->free_block == NONE) {
		struct datagram *victim = &all->datagrams[all->oldest];

		if (victim == mine) {
			if (victim->younger == NONE)
				return NONE;
			victim = &all->datagrams[victim->younger];
		}
		datagram_give_up(walk, victim);
	}
	index = all->free_block;
	all->free_block = all->blocks[index].next;
	return index;
}

static uint32_t block_end(const struct block *block)
{
	return (uint32_t)block->offset + block->bytes;
}

/* Put one block's worth of new bytes behind the block prev (NONE: in front). */
static bool block_insert(struct walk *walk, struct datagram *datagram, uint32_t prev,
			 uint32_t offset, struct cursor data)
{
	struct fragments *all = walk->decoder->fragments;
	uint32_t index = block_take(walk, datagram);
	size_t bytes = cursor_left(&data);
	struct block *block;

	if (index == NONE)
		return false;
	block = &all->blocks[index];
	block->offset = (uint16_t)offset;
	block->bytes = (uint16_t)bytes;
	memcpy(block->data, cursor_skip(&data, bytes), bytes);
	block->next = prev == NONE ? datagram->first : all->blocks[prev].next;
	if (prev == NONE)
		datagram->first = index;
	else
		all->blocks[prev].next = index;
	if (block->next == NONE)
		datagram->last = index;
	datagram->held_bytes += (uint32_t)bytes;
	return true;
}

/* Put new bytes behind the block prev, in it as far as they follow on it and it has room. */
static bool bytes_insert(struct walk *walk, struct datagram *datagram, uint32_t prev,
			 uint32_t offset, struct cursor data)
{
	size_t bytes = cursor_left(&data);
	struct block *block;

	if (prev == NONE)
		return block_insert(walk, datagram, prev, offset, data);
	block = &walk->decoder->fragments->blocks[prev];
	if (block_end(block) != offset || bytes > (size_t)(BLOCK_BYTES - block->bytes))
		return block_insert(walk, datagram, prev, offset, data);
	memcpy(block->data + block->bytes, cursor_skip(&data, bytes), bytes);
	block->bytes = (uint16_t)(block->bytes + bytes);
	datagram->held_bytes += (uint32_t)bytes;
	return true;
}

/* How many bytes fit at an offset, behind the block prev: to the next block's, or to a block's end.
 */
static uint32_t room_at(const struct fragments *all, const struct datagram *datagram, uint32_t prev,
			uint32_t offset)
{
	uint32_t next = prev == NONE ? datagram->first : all->blocks[prev].next;
	uint32_t room = BLOCK_BYTES;

	if (prev != NONE && block_end(&all->blocks[prev]) == offset &&
	    all->blocks[prev].bytes < BLOCK_BYTES)
		room -= all->blocks[prev].bytes;
	if (next != NONE && all->blocks[next].offset - offset < room)
		room = all->blocks[next].offset - offset;
	return room;
}

/* Where to look for the place of an offset: mostly behind everything that came before. */
static uint32_t search_start(const struct fragments *all, const struct datagram *datagram,
			     uint32_t offset)
{
	if (datagram->last != NONE && block_end(&all->blocks[datagram->last]) <= offset)
		return datagram->last;
	return NONE;
}

/* Fill the holes that a fragment fills. Return: false when there is no memory. */
static bool holes_fill(struct walk *walk, struct datagram *datagram, uint32_t offset)
{
	struct fragments *all = walk->decoder->fragments;
	struct cursor data = walk->in;
	uint32_t prev = search_start(all, datagram, offset);
	uint32_t at = offset;
	bool overlap = false;

	while (cursor_left(&data)) {
		uint32_t next = prev == NONE ? datagram->first : all->blocks[prev].next;
		uint32_t room;

		if (next != NONE && all->blocks[next].offset <= at) { /* held already, or before */
			uint32_t end = block_end(&all->blocks[next]);
			uint32_t held = end > at ? end - at : 0;

			overlap |= held != 0;
			if (!cursor_skip(&data, held)) /* to the end of what came */
				break;
			at += held;
			prev = next;
			continue;
		}
		room = room_at(all, datagram, prev, at);
		if (cursor_left(&data) < room)
			room = (uint32_t)cursor_left(&data);
		if (!bytes_insert(walk, datagram, prev, at, cursor_take(&data, room)))
			return false;
		at += room;
		/* a new block follows prev now; bytes put into prev need no step */
		if (prev == NONE || block_end(&all->blocks[prev]) < at)
			prev = prev == NONE ? datagram->first : all->blocks[prev].next;
	}
	walk->decoder->stats.fragment_overlaps += overlap;
	return true;
}

/* Lend the whole content of a complete datagram to the walk. */
static bool content_lend(struct walk *walk, struct datagram *datagram)
{
	struct fragments *all = walk->decoder->fragments;
	uint8_t *content = finished_lend(&all->finished, datagram->total_bytes);

	if (!content)
		return false;
	for (uint32_t i = datagram->first; i != NONE; i = all->blocks[i].next)
		memcpy(content + all->blocks[i].offset, all->blocks[i].data, all->blocks[i].bytes);
	walk->in = cursor_over(content, datagram->total_bytes);
	walk->wire_bytes = datagram->total_bytes;
	return true;
}

static enum fragment_result datagram_complete(struct walk *walk, struct datagram *datagram,
					      struct fragment *fragment)
{
	if (!content_lend(walk, datagram)) {
		datagram_give_up(walk, datagram);
		return FRAGMENT_KEPT;
	}
	fragment->protocol = datagram->protocol;
	fragment->header_bytes = datagram->header_bytes;
	walk->ip.what = (datagram->what & ~SEGMENT_DONT_FRAGMENT) | SEGMENT_REASSEMBLED;
	walk->ip.bytes = datagram->header_bytes + datagram->total_bytes;
	walk->ip.ttl = datagram->ttl;
	walk->ip.tos = datagram->tos;
	walk->decoder->stats.datagrams_reassembled++;
	datagram_remove(walk->decoder->fragments, datagram);
	return FRAGMENT_COMPLETE;
}

/* Whether a fragment fits what is known of its datagram's size; notes the size. */
static bool size_fits(struct fragments *all, struct datagram *datagram,
		      const struct fragment *fragment, uint32_t end)
{
	uint32_t known = datagram->last == NONE ? 0 : block_end(&all->blocks[datagram->last]);

	if (datagram->total_bytes != NONE)
		return fragment->more ? end <= datagram->total_bytes : end == datagram->total_bytes;
	if (fragment->more)
		return true;
	if (known > end)
		return false;
	datagram->total_bytes = end;
	return true;
}

static enum fragment_result fragment_keep(struct walk *walk, struct fragment *fragment)
{
	struct fragments *all = walk->decoder->fragments;
	struct datagram_key key = {
		.src = walk->ip.src,
		.dst = walk->ip.dst,
		.id = fragment->id,
		.protocol = walk->ip.what & SEGMENT_IPV6 ? 256 : fragment->protocol,
		.vlan_hash = walk->vlan_hash,
	};
	struct datagram *datagram;

	old_ones_give_up(walk);
	datagram = datagram_find(all, &key);
	if (!datagram)
		datagram = datagram_add(walk, &key);
	datagram->fragments++;
	if (!size_fits(all, datagram, fragment, fragment->offset + walk->wire_bytes) ||
	    !holes_fill(walk, datagram, fragment->offset)) {
		datagram_give_up(walk, datagram);
		return FRAGMENT_KEPT;
	}
	datagram->what |= walk->ip.what;
	if (fragment->offset == 0) {
		datagram->header_bytes = fragment->header_bytes;
		datagram->protocol = fragment->protocol;
		datagram->ttl = walk->ip.ttl;
		datagram->tos = walk->ip.tos;
	}
	if (datagram->held_bytes == datagram->total_bytes)
		return datagram_complete(walk, datagram, fragment);
	walk_count(walk, DECODE_FRAGMENT);
	return FRAGMENT_KEPT;
}

enum fragment_result fragment_take(struct walk *walk, struct fragment *fragment)
{
	bool whole = cursor_left(&walk->in) == walk->wire_bytes &&
		     !(walk->ip.what & SEGMENT_LENGTH_OVER);

	if (!walk->icmp && whole && walk->wire_bytes > 0) {
		if (fragment->offset + walk->wire_bytes <= DATAGRAM_BYTES_MOST &&
		    pools_ready(walk->decoder->fragments))
			return fragment_keep(walk, fragment);
		walk_count(walk, DECODE_FRAGMENT_DROPPED);
		return FRAGMENT_KEPT;
	}
	if (fragment->offset == 0) {
		walk->ip.what |= SEGMENT_FRAGMENT_ALONE;
		return FRAGMENT_ALONE;
	}
	walk_count(walk, walk->icmp ? DECODE_NOT_TCP : DECODE_FRAGMENT_CUT);
	return FRAGMENT_KEPT;
}
