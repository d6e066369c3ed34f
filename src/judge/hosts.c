/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "judge/hash.h"
#include "judge/hosts.h"

/* Open addressing, linear probing, at most half full; ttl_frame 0 marks a free slot. */
struct host_table {
	struct host *slots; /* owned */
	size_t capacity;    /* a power of two */
	size_t count;
	uint64_t dropped;
};

#define HOSTS_AT_FIRST 256

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
	table->slots = calloc(table->capacity, sizeof(*table->slots));
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
	larger.slots = calloc(larger.capacity, sizeof(*larger.slots));
	if (!larger.slots)
		return false;
	for (size_t i = 0; i < table->capacity; i++) {
		if (table->slots[i].ttl_frame)
			*slot_find(&larger, &table->slots[i].ip) = table->slots[i];
	}
	free(table->slots);
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

void host_table_add(struct host_table *table, const struct host_sighting *sighting)
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

const struct host *host_find(const struct host_table *table, const struct ip_address *ip)
{
	if (!table)
		return NULL;

	const struct host *host = slot_find(table, ip);

	return host->ttl_frame ? host : NULL;
}

uint64_t host_table_dropped(const struct host_table *table)
{
	return table->dropped;
}

void host_table_free(struct host_table *table)
{
	if (!table)
		return;
	free(table->slots);
	free(table);
}
