/* SPDX-License-Identifier: BSD-2-Clause */
#include "judge/places.h"

#include <assert.h>
#include <stdlib.h>

#include "base/fetch.h"
#include "base/huge.h"
#include "base/time.h"

#define PLACES_AT_FIRST 1024u
#define PLACES_MOST	(1u << 18)
#define SERVED_MOST	(1u << 17) /* of them that are no sources */

static_assert(sizeof(struct place) % 8 == 0, "a pool holds them as an array");

bool places_set_up(struct places *places)
{
	*places = (struct places){ .slot_count = 2 * PLACES_AT_FIRST };
	places->slots = huge_alloc(tagged_slots_bytes(places->slot_count));
	if (!places->slots || !pool_set_up(&places->pool, sizeof(struct place), PLACES_MOST) ||
	    !pool_set_up(&places->served, sizeof(struct served), SERVED_MOST)) {
		places_tear_down(places);
		return false;
	}
	places->items = pool_at(&places->pool, 1);
	return true;
}

void places_tear_down(struct places *places)
{
	pool_tear_down(&places->served);
	pool_tear_down(&places->pool);
	huge_free(places->slots, tagged_slots_bytes(places->slot_count));
	*places = (struct places){ .count = 0 };
}

static uint64_t hash_of(const struct ip_address *ip, uint16_t port, unsigned kind)
{
	return address_hash(ip, (uint64_t)port << 8 | kind);
}

/* The slot of a place, or the free one where it belongs. @hash: hash_of() the rest */
static struct tagged_slot *slot_of(const struct places *places, const struct ip_address *ip,
				   uint16_t port, unsigned kind, uint64_t hash)
{
	uint32_t mask = places->slot_count - 1, at = (uint32_t)hash & mask;

	for (; places->slots[at].index; at = (at + 1) & mask) {
		const struct place *place = &places->items[places->slots[at].index - 1];

		if (places->slots[at].tag == hash_tag(hash) && place->kind == kind &&
		    place->port == port && ip_address_equal(&place->ip, ip))
			break;
	}
	return &places->slots[at];
}

static void slot_fill(const struct places *places, uint32_t place)
{
	const struct place *of = &places->items[place];
	uint64_t hash = hash_of(&of->ip, of->port, of->kind);

	*slot_of(places, &of->ip, of->port, of->kind, hash) = (struct tagged_slot){
		.tag = hash_tag(hash),
		.index = place + 1,
	};
}

/* Where the search for a hash begins. */
static const struct tagged_slot *first_slot(const struct places *places, uint64_t hash)
{
	return &places->slots[(uint32_t)hash & (places->slot_count - 1)];
}

void places_approach(const struct places *places, const struct fact *fact,
		     struct approach *approach)
{
	*approach = (struct approach){
		.source = hash_of(&fact->client, 0, PLACE_SOURCE),
		.service = hash_of(&fact->server, fact->port, PLACE_SERVICE),
	};
	fetch_line(first_slot(places, approach->source));
	fetch_line(first_slot(places, approach->service));
}

static void fetch_place(const struct places *places, uint32_t index)
{
	const struct place *place = places_at(places, index);

	if (!place)
		return;
	fetch_line(place);
	fetch_line(&place->served);
}

static void fetch_served(const struct places *places, uint32_t index)
{
	const char *served = (const char *)places_served(places, index);

	if (!served)
		return;
	fetch_line(served);
	fetch_line(served + sizeof(struct served) - 1);
}

/* The host of a service that may be it; PLACE_NONE: it is none. */
static uint32_t host_of(const struct places *places, uint32_t service)
{
	const struct served *served = places_served(places, service);

	return served ? served->host - 1 : PLACE_NONE;
}

void places_fetch(const struct places *places, struct approach *approach, enum places_fetch what)
{
	uint32_t service = approach->service_guess - 1; /* PLACE_NONE for 0 */

	switch (what) {
	case FETCH_PLACES:
		approach->service_guess = first_slot(places, approach->service)->index;
		fetch_place(places, first_slot(places, approach->source)->index - 1);
		fetch_place(places, approach->service_guess - 1);
		break;
	case FETCH_SERVED:
		fetch_served(places, service);
		break;
	case FETCH_HOST:
		fetch_place(places, host_of(places, service));
		break;
	case FETCH_HOST_SERVED:
		fetch_served(places, host_of(places, service));
		break;
	}
}

static bool slots_grow(struct places *places)
{
	if (places->slot_count / 2 == PLACES_MOST)
		return false;

	struct tagged_slot *slots = huge_alloc(tagged_slots_bytes(2 * (size_t)places->slot_count));

	if (!slots)
		return false;
	huge_free(places->slots, tagged_slots_bytes(places->slot_count));
	places->slots = slots;
	places->slot_count *= 2;
	for (uint32_t i = 0; i < places->count; i++)
		slot_fill(places, i);
	return true;
}

/* Return: an index; 0: there is no room. */
static uint32_t served_new(struct places *places)
{
	uint32_t index = pool_take(&places->served);

	if (!index)
		return 0;
	*(struct served *)pool_at(&places->served, index) = (struct served){
		.opened_first_ns = TIME_NONE,
		.opened_last_ns = TIME_NONE,
		.retried_first_ns = TIME_NONE,
		.retried_last_ns = TIME_NONE,
		.lost_first_ns = TIME_NONE,
		.lost_last_ns = TIME_NONE,
		.answered_last_ns = TIME_NONE,
		.spoke_last_ns = TIME_NONE,
		.spoke_last_start_ns = TIME_NONE,
	};
	return index;
}

static uint32_t place_of(struct places *places, const struct ip_address *ip, uint16_t port,
			 enum place_kind kind, uint64_t hash)
{
	uint32_t known = slot_of(places, ip, port, kind, hash)->index, served = 0;

	if (known)
		return known - 1;
	if ((places->count == places->slot_count / 2 && !slots_grow(places)) ||
	    (kind != PLACE_SOURCE && !(served = served_new(places))) || !pool_take(&places->pool)) {
		pool_give(&places->served, served);
		return PLACE_NONE;
	}
	places->items[places->count] = (struct place){
		.ip = *ip,
		.port = port,
		.kind = (uint8_t)kind,
		.served = served,
	};
	slot_fill(places, places->count);
	return places->count++;
}

uint32_t places_source(struct places *places, const struct fact *fact,
		       const struct approach *approach)
{
	return place_of(places, &fact->client, 0, PLACE_SOURCE, approach->source);
}

uint32_t places_service(struct places *places, const struct fact *fact,
			const struct approach *approach)
{
	return place_of(places, &fact->server, fact->port, PLACE_SERVICE, approach->service);
}

uint32_t places_host(struct places *places, const struct fact *fact, uint32_t service)
{
	struct served *of_service = places_served(places, service);

	if (of_service && of_service->host)
		return of_service->host - 1;
	uint32_t host = place_of(places, &fact->server, 0, PLACE_HOST,
				 hash_of(&fact->server, 0, PLACE_HOST));
	struct served *of_host = places_served(places, host);

	if (of_service && of_host) {
		of_service->host = host + 1;
		of_service->next = of_host->next;
		of_host->next = service + 1;
	}
	return host;
}

static void served_count(struct served *served, const struct fact *fact)
{
	if (fact->what & FACT_OPENED) {
		served->opened_first_ns = time_earlier(served->opened_first_ns, fact->start_ns);
		served->opened_last_ns = time_later(served->opened_last_ns, fact->start_ns);
	}
	if (fact->what & (FACT_RETRIED | FACT_OVERFLOW)) {
		served->retried_first_ns = time_earlier(served->retried_first_ns, fact->start_ns);
		served->retried_last_ns = time_later(served->retried_last_ns, fact->start_ns);
	}
	if (fact->what & FACT_LOST) {
		served->lost_first_ns = time_earlier(served->lost_first_ns, fact->start_ns);
		served->lost_last_ns = time_later(served->lost_last_ns, fact->ended_ns);
	}
	if (fact->server_last_ns != TIME_NONE && !(fact->what & FACT_DIED_SILENT))
		served->answered_last_ns =
			time_later(served->answered_last_ns, fact->server_last_ns);
	if (fact->server_data_ns != TIME_NONE &&
	    (served->spoke_last_ns == TIME_NONE || fact->server_data_ns > served->spoke_last_ns)) {
		served->spoke_last_ns = fact->server_data_ns;
		served->spoke_last_start_ns = fact->start_ns;
	}
	if (fact->survived_ns > served->survived_ns) {
		served->survived_ns = fact->survived_ns;
		served->survived_conn = fact->conn;
	}
}

struct served *places_served(const struct places *places, uint32_t index)
{
	const struct place *place = places_at(places, index);

	return place && place->served ? pool_at(&places->served, place->served) : NULL;
}

void places_count(const struct places *places, uint32_t index, const struct fact *fact)
{
	struct place *place = places_at(places, index);
	struct served *served = places_served(places, index);

	if (place)
		place->opened += (fact->what & FACT_OPENED) != 0;
	if (served)
		served_count(served, fact);
}

uint32_t places_target(const struct ip_address *ip, uint16_t port)
{
	return (uint32_t)hash_of(ip, port, PLACE_SERVICE);
}
