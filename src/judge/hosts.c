/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "base/huge.h"
#include "judge/hash.h"
#include "judge/hosts.h"

#define WAITING 16u

/* Open addressing, linear probing, at most half full; ttl_frame 0 marks a free slot. */
struct host_table {
	struct host *slots; /* owned */
	size_t capacity;    /* a power of two */
	size_t count;
	uint64_t dropped;
	/* Noted and not in its slot yet, which is being fetched meanwhile: a ring. */
	struct host_sighting waiting[WAITING];
	unsigned put, taken;
};

#define HOSTS_AT_FIRST 256

static size_t slots_bytes(size_t capacity)
{
	return capacity * sizeof(struct host);
}

static size_t slot_of(const struct host_table *table, const struct ip_address *ip)
{
	return (size_t)address_hash(ip, 0) & (table->capacity - 1);
}

/* The host's slot, or the free one where it belongs. */
static struct host *slot_find(const struct host_table *table, const struct ip_address *ip)
{
	size_t at = slot_of(table, ip);

	while (table->slots[at].ttl_frame && !ip_address_equal(&table->slots[at].ip, ip))
		at = (at + 1) & (table->capacity - 1);
	return &table->slots[at];
}

struct host_table *host_table_new(void)
{
	struct host_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->capacity = HOSTS_AT_FIRST;
	table->slots = huge_alloc(slots_bytes(table->capacity));
	if (!table->slots) {
		free(table);
		return NULL;
	}
	return table;
}

static bool grow(struct host_table *table)
{
	struct host_table larger = *table;

	larger.capacity *= 2;
	larger.slots = huge_alloc(slots_bytes(larger.capacity));
	if (!larger.slots)
		return false;
	for (size_t i = 0; i < table->capacity; i++) {
		if (table->slots[i].ttl_frame)
			*slot_find(&larger, &table->slots[i].ip) = table->slots[i];
	}
	huge_free(table->slots, slots_bytes(table->capacity));
	*table = larger;
	return true;
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

static void put_in_place(struct host_table *table, const struct host_sighting *sighting)
{
	struct host *host = slot_find(table, &sighting->ip);

	if (!host->ttl_frame) {
		if (table->count == HOSTS_MOST ||
		    (table->count >= table->capacity / 2 && !grow(table))) {
			table->dropped++;
			return;
		}
		host = slot_find(table, &sighting->ip);
		*host = (struct host){
			.ip = sighting->ip,
			.ttl_frame = sighting->frame ? sighting->frame : 1,
			.answer_least_ns = TIME_NONE,
		};
		table->count++;
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
	const struct host *slot = &table->slots[slot_of(table, &sighting->ip)];

	__builtin_prefetch(slot, 1);
	__builtin_prefetch((const char *)(slot + 1) - 1, 1);
	take_waiting(table, WAITING - 1);
	table->waiting[table->put++ % WAITING] = *sighting;
}

const struct host *host_find(struct host_table *table, const struct ip_address *ip)
{
	if (!table)
		return NULL;
	take_waiting(table, 0);

	const struct host *host = slot_find(table, ip);

	return host->ttl_frame ? host : NULL;
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
	huge_free(table->slots, slots_bytes(table->capacity));
	free(table);
}
