/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_JUDGE_PLACES_H
#define TCPWHY_JUDGE_PLACES_H

#include <stdbool.h>

#include "base/pool.h"
#include "judge/fact.h"
#include "judge/hash.h"

/*
 * The places of connections: sources, hosts and their services, with what is counted at each. For
 * group.c, which has them; the rules see them through gather.h.
 */

enum place_kind {
	PLACE_SOURCE,  /* a client's address */
	PLACE_SERVICE, /* a server's address and port */
	PLACE_HOST,    /* a server's address */
};

#define PLACE_MOMENTS 3 /* rules that compare in time: group_server.c */
#define PLACE_LATEST  2 /* as many facts as one of them wants besides a third, at the most */

struct place {
	struct ip_address ip;
	uint16_t port;
	uint8_t kind;	     /* enum place_kind */
	uint32_t remembered; /* facts of it that were remembered */
	uint64_t opened;     /* connections that opened at the first SYN */
	uint64_t newest;     /* its newest remembered fact; 0 none */
	uint32_t find;	     /* the first of its finds, one of each kind; 0: none */
	uint32_t served;     /* what a place that is connected to has besides; 0: it is a source */
};

/* Of services and hosts. Sources, which are many more, need none of it. */
struct served {
	/* Of a service: its host, and the service of that host that was there before; of a host:
	   its newest service. Indices of places, and 1 more; 0: none (yet). */
	uint32_t host, next;
	int64_t opened_first_ns, opened_last_ns;   /* starts of struct place.opened; TIME_NONE */
	int64_t retried_first_ns, retried_last_ns; /* of those that did not; TIME_NONE: none */
	int64_t lost_first_ns, lost_last_ns;	   /* of those that repeated data; likewise */
	int64_t answered_last_ns;		   /* the server's last segment; TIME_NONE: never */
	/* The connection on which the server sent payload last: when, and when it had begun. */
	int64_t spoke_last_ns, spoke_last_start_ns; /* TIME_NONE: never */
	int64_t survived_ns;			    /* longest idle time survived; 0 none */
	uint64_t survived_conn;
	/* The latest moments, the later one first, plus 1, at which facts lie that a rule compares
	   in time; 0: none. */
	int64_t latest_ns[PLACE_MOMENTS][PLACE_LATEST];
};

#define PLACE_NONE UINT32_MAX

struct places {
	struct pool pool;    /* none of them ever moves or goes */
	struct place *items; /* its first item */
	struct pool served;  /* of struct served */
	uint32_t count;
	/* Owned; open addressing, at most half full; of place + 1. */
	struct tagged_slot *slots;
	uint32_t slot_count;
};

/* Return: false: out of memory. A zeroed one may be torn down. */
bool places_set_up(struct places *places);
void places_tear_down(struct places *places);

/* A fact on its way to its places: where the search for two of them begins. */
struct approach {
	uint64_t source, service; /* hashes */
	uint32_t service_guess;	  /* the place that stands there, plus 1; 0: none did */
};

/* What is fetched of a fact's three places, each after the one before has come. */
enum places_fetch {
	FETCH_PLACES,	   /* the source and the service */
	FETCH_SERVED,	   /* what the service has besides */
	FETCH_HOST,	   /* the host of that */
	FETCH_HOST_SERVED, /* and what it has */
};

/* Begin to approach a fact's places: their slots are fetched. */
void places_approach(const struct places *places, const struct fact *fact,
		     struct approach *approach);
void places_fetch(const struct places *places, struct approach *approach, enum places_fetch what);

/* A fact's places, made where there are none yet; by index, PLACE_NONE: there is no room. */
uint32_t places_source(struct places *places, const struct fact *fact,
		       const struct approach *approach);
uint32_t places_service(struct places *places, const struct fact *fact,
			const struct approach *approach);
/* @service: the fact's, which is one of its host's from then on; may be PLACE_NONE. */
uint32_t places_host(struct places *places, const struct fact *fact, uint32_t service);

/* The place with an index; NULL for PLACE_NONE. */
static inline struct place *places_at(const struct places *places, uint32_t index)
{
	return index < places->count ? &places->items[index] : NULL;
}

/* What a service or a host has besides; NULL: it is neither. */
struct served *places_served(const struct places *places, uint32_t index);

/* Count a connection at one of its places. */
void places_count(const struct places *places, uint32_t index, const struct fact *fact);

/* What a service is told apart from others by. */
uint32_t places_target(const struct ip_address *ip, uint16_t port);

#endif /* TCPWHY_JUDGE_PLACES_H */
