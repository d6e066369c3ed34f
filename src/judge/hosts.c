/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "base/fetch.h"
#include "base/huge.h"
#include "base/pool.h"
#include "judge/hash.h"
#include "judge/hosts.h"

#define WAITING	 16u
#define HALF_WAY 8u /* its slot has come, the host is fetched */

struct host_table {
	struct pool hosts;
	struct tagged_slot *slots; /* owned; open addressing, linear probing, at most half full */
	size_t capacity;	   /* a power of two */
	uint64_t dropped;
	/* Noted and not in its slot yet, which is being fetched meanwhile: a ring. */
	struct waiting {
		struct host_sighting sighting;
		uint64_t hash; /* of its address */
	} waiting[WAITING];
	unsigned put, taken;
};

#define HOSTS_AT_FIRST 256

static struct tagged_slot *slot_of(const struct host_table *table, uint64_t hash)
{
	return &table->slots[(size_t)hash & (table->capacity - 1)];
}

static struct host *host_at(const struct host_table *table, uint32_t index)
{
	return pool_at(&table->hosts, index);
}

/* The host's slot, or the free one where it belongs. @hash: of @ip */
static struct tagged_slot *slot_find(const struct host_table *table, const struct ip_address *ip,
				     uint64_t hash)
{
	struct tagged_slot *slot = slot_of(table, hash);

	while (slot->index && (slot->tag != hash_tag(hash) ||
			       !ip_address_equal(&host_at(table, slot->index)->ip, ip)))
		slot = slot + 1 == table->slots + table->capacity ? table->slots : slot + 1;
	return slot;
}

static void slot_fill(const struct host_table *table, uint32_t index)
{
	const struct ip_address *ip = &host_at(table, index)->ip;
	uint64_t hash = address_hash(ip, 0);

	*slot_find(table, ip, hash) = (struct tagged_slot){ .tag = hash_tag(hash), .index = index };
}

struct host_table *host_table_new(void)
{
	struct host_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->capacity = HOSTS_AT_FIRST;
	table->slots = huge_alloc(tagged_slots_bytes(table->capacity));
	if (!table->slots || !pool_set_up(&table->hosts, sizeof(struct host), HOSTS_MOST)) {
		host_table_free(table);
		return NULL;
	}
	return table;
}

static bool grow(struct host_table *table)
{
	size_t capacity = 2 * table->capacity;
	struct tagged_slot *slots = huge_alloc(tagged_slots_bytes(capacity));

	if (!slots)
		return false;
	huge_free(table->slots, tagged_slots_bytes(table->capacity));
	table->slots = slots;
	table->capacity = capacity;
	for (uint32_t index = 1; index <= table->hosts.used; index++)
		slot_fill(table, index);
	return true;
}

/* A host that was not seen before. Return: NULL: no room. */
static struct host *host_add(struct host_table *table, const struct host_sighting *sighting)
{
	if (table->hosts.used >= table->capacity / 2 && !grow(table))
		return NULL;
	uint32_t index = pool_take(&table->hosts);

	if (!index)
		return NULL;
	struct host *host = host_at(table, index);

	*host = (struct host){
		.ip = sighting->ip,
		.ttl_frame = sighting->frame ? sighting->frame : 1,
		.answer_least_ns = TIME_NONE,
	};
	slot_fill(table, index);
	return host;
}

static void note_ttl(struct host *host, uint8_t ttl)
{
	for (unsigned i = 0; i < host->ttl_count; i++) {
		if (host->ttls[i] == ttl)
			return;
	}
	if (host->ttl_count < sizeof(host->ttls))
		host->ttls[host->ttl_count++] = ttl;
}

static void put_in_place(struct host_table *table, const struct waiting *waiting)
{
	const struct host_sighting *sighting = &waiting->sighting;
	uint32_t index = slot_find(table, &sighting->ip, waiting->hash)->index;
	struct host *host = index ? host_at(table, index) : host_add(table, sighting);

	if (!host) {
		table->dropped++;
		return;
	}
	note_ttl(host, sighting->ttl);
	if (sighting->answer_ns != TIME_NONE &&
	    (host->answer_least_ns == TIME_NONE || sighting->answer_ns < host->answer_least_ns))
		host->answer_least_ns = sighting->answer_ns;
}

static void take_waiting(struct host_table *table, unsigned left)
{
	while (table->put - table->taken > left)
		put_in_place(table, &table->waiting[table->taken++ % WAITING]);
}

void host_table_add(struct host_table *table, const struct host_sighting *sighting)
{
	uint64_t hash = address_hash(&sighting->ip, 0);

	fetch_line(slot_of(table, hash));
	if (table->put - table->taken >= HALF_WAY) {
		uint64_t half = table->waiting[(table->put - HALF_WAY) % WAITING].hash;

		fetch_line(host_at(table, slot_of(table, half)->index));
	}
	take_waiting(table, WAITING - 1);
	table->waiting[table->put++ % WAITING] =
		(struct waiting){ .sighting = *sighting, .hash = hash };
}

const struct host *host_find(struct host_table *table, const struct ip_address *ip)
{
	if (!table)
		return NULL;
	take_waiting(table, 0);

	uint32_t index = slot_find(table, ip, address_hash(ip, 0))->index;

	return index ? host_at(table, index) : NULL;
}

uint64_t host_table_dropped(struct host_table *table)
{
	take_waiting(table, 0);
	return table->dropped;
}

void host_table_free(struct host_table *table)
{
	if (!table)
		return;
	pool_tear_down(&table->hosts);
	huge_free(table->slots, tagged_slots_bytes(table->capacity));
	free(table);
}
