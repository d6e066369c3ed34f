/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows that are being made, found by their two ends. */
#include <stdlib.h>
#include <string.h>

#include "peers/zeek_conn.h"

#define SLOTS_FIRST 1024

static uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t x = (a ^ b) * UINT64_C(0x9e3779b97f4a7c15);

	return x ^ (x >> 29);
}

static uint64_t hash_side(const struct ip_address *ip, uint16_t port)
{
	uint64_t words[2];

	memcpy(words, ip->bytes, sizeof(words));
	return mix(mix(words[0], port), words[1]);
}

/* The same for both directions. */
uint32_t zeek_hash(const struct segment *seg)
{
	uint64_t a = hash_side(&seg->src, seg->src_port);
	uint64_t b = hash_side(&seg->dst, seg->dst_port);

	return (uint32_t)(mix(a + b, a ^ b) >> 16);
}

static bool is_side(const struct zeek_conn *conn, unsigned side, const struct ip_address *ip,
		    uint16_t port)
{
	return conn->ports[side] == port && ip_address_equal(&conn->ips[side], ip);
}

static bool is_conn(const struct zeek_conn *conn, const struct segment *seg)
{
	if (is_side(conn, 0, &seg->src, seg->src_port) &&
	    is_side(conn, 1, &seg->dst, seg->dst_port))
		return true;
	return is_side(conn, 1, &seg->src, seg->src_port) &&
	       is_side(conn, 0, &seg->dst, seg->dst_port);
}

void zeek_slot_prefetch(const struct zeek *zeek, uint32_t hash)
{
	if (zeek->slot_count > 0)
		__builtin_prefetch(&zeek->slots[hash & (zeek->slot_count - 1)]);
}

void zeek_conn_prefetch(const struct zeek *zeek, uint32_t hash)
{
	size_t mask = zeek->slot_count - 1;

	if (zeek->slot_count == 0)
		return;
	for (size_t i = hash & mask; zeek->slots[i].conn != ZEEK_NONE; i = (i + 1) & mask) {
		if (zeek->slots[i].hash != hash)
			continue;

		const struct zeek_conn *conn = zeek_conn_at(zeek, zeek->slots[i].conn);

		__builtin_prefetch(conn);
		__builtin_prefetch(&conn->ends[0]);
		__builtin_prefetch(&conn->ends[1]);
		return;
	}
}

struct zeek_conn *zeek_find(const struct zeek *zeek, const struct segment *seg, uint32_t hash)
{
	size_t mask = zeek->slot_count - 1;

	if (zeek->slot_count == 0)
		return NULL;
	for (size_t i = hash & mask; zeek->slots[i].conn != ZEEK_NONE; i = (i + 1) & mask) {
		if (zeek->slots[i].hash != hash)
			continue;

		struct zeek_conn *conn = zeek_conn_at(zeek, zeek->slots[i].conn);

		if (is_conn(conn, seg))
			return conn;
	}
	return NULL;
}

static void put(struct zeek_slot *slots, size_t mask, struct zeek_slot slot)
{
	size_t i = slot.hash & mask;

	while (slots[i].conn != ZEEK_NONE)
		i = (i + 1) & mask;
	slots[i] = slot;
}

static bool grow(struct zeek *zeek)
{
	size_t count = zeek->slot_count ? 2 * zeek->slot_count : SLOTS_FIRST;
	struct zeek_slot *slots = malloc(count * sizeof(*slots));

	if (!slots)
		return false;
	memset(slots, 0xff, count * sizeof(*slots)); /* every conn is ZEEK_NONE */
	for (size_t i = 0; i < zeek->slot_count; i++) {
		if (zeek->slots[i].conn != ZEEK_NONE)
			put(slots, count - 1, zeek->slots[i]);
	}
	free(zeek->slots);
	zeek->slots = slots;
	zeek->slot_count = count;
	return true;
}

bool zeek_reserve(struct zeek *zeek)
{
	if (4 * (zeek->live + 1) > 3 * zeek->slot_count && !grow(zeek))
		return false;
	return zeek_pool_reserve(&zeek->conns) && zeek_pool_reserve(&zeek->ranges);
}

struct zeek_conn *zeek_begin(struct zeek *zeek, const struct segment *seg, uint32_t hash,
			     int64_t time_us)
{
	uint32_t index = zeek_pool_take(&zeek->conns);
	struct zeek_conn *conn = zeek_conn_at(zeek, index);

	memset(conn, 0, sizeof(*conn));
	conn->ips[0] = seg->src;
	conn->ips[1] = seg->dst;
	conn->ports[0] = seg->src_port;
	conn->ports[1] = seg->dst_port;
	for (unsigned side = 0; side < 2; side++) {
		conn->ends[side].next = 1;
		conn->ends[side].trim = 1;
		conn->ends[side].ranges = ZEEK_NONE;
		for (unsigned what = 0; what < ZEEK_COUNTED; what++)
			conn->rare[side].show_next[what] = 1;
	}
	conn->serial = ++zeek->serial;
	conn->index = index;
	conn->first_frame = seg->frame;
	conn->first_layer = seg->layer;
	conn->start_us = time_us;
	conn->last_us = time_us;
	conn->hash = hash;
	conn->long_history = ZEEK_NONE;
	conn->active = true;
	put(zeek->slots, zeek->slot_count - 1, (struct zeek_slot){ .hash = hash, .conn = index });
	zeek->live++;
	return conn;
}

/* Take a slot out, and close the hole so that no search stops at it. */
static void slot_free(struct zeek *zeek, size_t hole)
{
	size_t mask = zeek->slot_count - 1;

	for (size_t i = (hole + 1) & mask; zeek->slots[i].conn != ZEEK_NONE; i = (i + 1) & mask) {
		size_t home = zeek->slots[i].hash & mask;

		if (((i - home) & mask) >= ((i - hole) & mask)) {
			zeek->slots[hole] = zeek->slots[i];
			hole = i;
		}
	}
	zeek->slots[hole].conn = ZEEK_NONE;
}

void zeek_conn_free(struct zeek *zeek, struct zeek_conn *conn)
{
	size_t mask = zeek->slot_count - 1;
	size_t i = conn->hash & mask;

	while (zeek->slots[i].conn != conn->index)
		i = (i + 1) & mask;
	slot_free(zeek, i);
	zeek->live--;
	for (unsigned kind = 0; kind < ZEEK_TIMERS; kind++)
		zeek_timer_cancel(zeek, conn, kind);
	zeek_ranges_drop(zeek, &conn->ends[0]);
	zeek_ranges_drop(zeek, &conn->ends[1]);
	if (conn->long_history != ZEEK_NONE)
		zeek_pool_give(&zeek->histories, conn->long_history);
	zeek_pool_give(&zeek->conns, conn->index);
}
