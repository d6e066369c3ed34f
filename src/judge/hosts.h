/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_JUDGE_HOSTS_H
#define TCPWHY_JUDGE_HOSTS_H

#include <stdint.h>

#include "judge/context.h"
#include "track/track.h"

/*
 * What packets told of each host (struct host, judge/context.h). Bounded: hosts beyond HOSTS_MOST
 * are not remembered and counted, so a rule about them has less to go by, never a wrong fact.
 */
struct host_table;

#define HOSTS_MOST (1u << 18)

/* Owned by the caller; NULL: out of memory. */
struct host_table *host_table_new(void);

/* Note a sighting; what memory does not hold is counted. */
void host_table_add(struct host_table *table, const struct host_sighting *sighting);

/* Sightings of hosts that were not remembered. */
uint64_t host_table_dropped(struct host_table *table);

void host_table_free(struct host_table *table);

#endif /* TCPWHY_JUDGE_HOSTS_H */
