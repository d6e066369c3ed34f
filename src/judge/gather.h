/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_JUDGE_GATHER_H
#define TCPWHY_JUDGE_GATHER_H

#include <stdbool.h>
#include <stdint.h>

#include "judge/catalogue.h"
#include "judge/fact.h"
#include "judge/places.h"

/*
 * What the rules about groups share: places (hosts and services) with their counters, the facts
 * remembered last, linked per place, and the finds that rules build up while facts come in.
 *
 *   fact --> newest of its source --> older --> older ...
 *        \-> newest of its service --> older --> older ...
 */
struct group;

/* A fact that is remembered for a while. */
struct remembered {
	struct fact fact;
	uint64_t number;			/* counted from 1 */
	uint64_t older_source, older_service;	/* numbers; 0 none */
	uint64_t source_opened, service_opened; /* the places' counters when it came */
	uint32_t source, service, host;		/* places, by index */
	uint32_t target;			/* hash of the server's address and port */
	unsigned taken;				/* bits: enum find_kind that hold it already */
};

enum find_kind {
	FIND_SCAN,
	FIND_FLOOD,
	FIND_QUEUE_FULL,
	FIND_HEALTH_CHECK,
	FIND_LISTENER_CLOSED,
	FIND_KILLED,
	FIND_IDLE_SILENT,
	FIND_IDLE_RESET,
};

/* Some connections that a rule holds together. */
struct find {
	enum find_kind kind;
	struct ip_address host;
	bool has_port;
	uint16_t port;
	struct ip_address client; /* of a health check */
	uint32_t place;		  /* index of the place it belongs to */
	uint32_t next;		  /* the place's newest of another kind; 0: no more */
	int64_t first_ns, last_ns;
	uint64_t *conns;      /* owned; at most GROUP_CONNS_MOST */
	int64_t *measures_ns; /* owned; one for each of conns: what the rule compares */
	size_t conn_count, room;
	uint64_t total;
	uint32_t *targets; /* owned; distinct target hashes, NULL until asked for */
	unsigned target_count;
	uint64_t counts[4];	       /* the rule's own */
	uint64_t opened_least, opened; /* the place's counter before the first, at the last */
	int64_t period_ns;	       /* of a health check */
};

/* A rule about groups; one of its entry's row. */
struct group_rule {
	enum find_kind kind;
	unsigned wants; /* enum fact_bit: add() is called for facts with any of them */
	void (*add)(struct group *group, struct remembered *fact); /* NULL: another row's does it */
	/* The input ended: whether the find is one of this entry; fills @out but its frames. */
	bool (*holds)(struct group *group, struct find *find, struct verdict *out);
};

/* Borrowed until the next fact is added; NULL: none, or no longer remembered. */
struct remembered *gather_newest(struct group *group, uint32_t place);
struct remembered *gather_older_source(struct group *group, const struct remembered *fact);
struct remembered *gather_older_service(struct group *group, const struct remembered *fact);

/* The same, to keep something in it; NULL for PLACE_NONE. */
struct served *gather_served_of(struct group *group, uint32_t index);

/* Borrowed; for PLACE_NONE (the table was full) one that is all zero. */
const struct place *gather_place(const struct group *group, uint32_t index);
const struct served *gather_served(const struct group *group, uint32_t index);

/* The first service of the host that a service is of, and the one behind another; PLACE_NONE: there
   is no more. */
uint32_t gather_service_first(const struct group *group, uint32_t service);
uint32_t gather_service_next(const struct group *group, uint32_t service);

/* The latest find of a kind at a place; NULL: none. Borrowed until the next is made. */
struct find *gather_find(struct group *group, enum find_kind kind, uint32_t place);

/* Whether there is room for a new one; else counts what might have made one. */
bool gather_find_room(struct group *group);

/* A new, empty one; NULL: there are too many already (counted). */
struct find *gather_find_new(struct group *group, enum find_kind kind, uint32_t place);

/* Add a connection once; @measure_ns is what the rule compares among them. */
void gather_take(struct group *group, struct find *find, struct remembered *fact,
		 int64_t measure_ns);

/* Keep only those connections whose measure lies in a range. */
void gather_narrow(struct find *find, int64_t least_ns, int64_t most_ns);

#endif /* TCPWHY_JUDGE_GATHER_H */
