/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_LAB_FOUND_H
#define TCPWHY_LAB_FOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "judge/judge.h"
#include "tcp/frame.h"
#include "track/track.h"

/* One connection as it was found: what of its record is still wanted afterwards. */
struct found_conn {
	uint64_t conn;
	unsigned layer;
	struct ip_address ip[ENDS];
	uint16_t port[ENDS];
	enum opening opening;
	enum tcp_state state[ENDS];
	struct state_entry states[ENDS][STATE_ENTRIES_MOST];
	unsigned state_count[ENDS];
	struct reset resets[RESETS_MOST];
	unsigned reset_count;
	uint64_t judged_frame;
	bool at_end;
	struct judgement judgement;
};

struct found_group {
	struct verdict verdict;
	struct ip_address host;
	uint64_t conn_total;
};

/* Everything that decode, track and judge say of a capture. */
struct found {
	struct found_conn *conns; /* owned; in the order of their records */
	size_t conn_count, conn_room;
	struct found_group *groups; /* owned */
	size_t group_count, group_room;
	bool out_of_memory;
};

/**
 * found_run() - Decode, track and judge frames in memory
 * @found:     zeroed; to be cleared whatever comes back
 * @frames:    numbered from 1, in order
 * @end_ns:    when the recording ended, if after the last frame; TIME_NONE: not known
 * @disabled:  the id of a rule that is switched off; NULL: none
 *
 * Return: false, out of memory, or no such rule.
 */
bool found_run(struct found *found, const struct frame *frames, size_t count, int64_t end_ns,
	       const char *disabled);

void found_clear(struct found *found);

/* The record whose first segment has that frame number; NULL: none. */
const struct found_conn *found_conn_at(const struct found *found, uint64_t conn);

/* Go through an own judgement's verdicts: 0 the opening's, then life, then the end's. Return: NULL
   behind the last one. */
const struct verdict *judgement_verdict(const struct judgement *judgement, unsigned index);

#endif /* TCPWHY_LAB_FOUND_H */
