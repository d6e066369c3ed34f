/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_LAB_RECORD_H
#define TCPWHY_LAB_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "lab/scenario.h"
#include "tcp/frame.h"

/*
 * What both taps saw: an IP packet leaves one end at one time and reaches the other at another, or
 * never. Kept in memory while the scenario runs, put in order of time and numbered at its end.
 */
struct sighting {
	int64_t time_ns;
	enum end tap;
	bool leaves;	  /* this end sent it; else it arrives here */
	bool crafted;	  /* not by the other end's kernel */
	unsigned line;	  /* of the rule that dropped, changed or made it; 0 none */
	const char *fate; /* static: "dropped", "held", ...; NULL */
	uint32_t bytes, kept;
	uint8_t *packet; /* owned */
	uint64_t order;	 /* of arrival here: decides between equal times */
	uint64_t origin; /* of an arrival: 1 + order of its leaving; 0: crafted */
};

struct record {
	struct sighting *sightings; /* owned */
	size_t count, room;
	bool out_of_memory;
	int64_t end_ns; /* TIME_NONE until record_finish() */
	uint64_t dropped;

	/* After record_finish(): */
	struct frame *frames; /* owned, their bytes are the sightings' */
	char **comments;      /* owned: per frame; NULL none */
	size_t frame_count;
};

/* Note one packet. Return: an index for record_fate(); SIZE_MAX: out of memory (noted). */
size_t record_add(struct record *record, const struct sighting *sighting, const uint8_t *packet);

/* Say what a rule did to a packet. */
void record_fate(struct record *record, size_t index, unsigned line, const char *fate);

/* Put all in order and number them; again after sightings were added or taken away. */
bool record_finish(struct record *record, int64_t end_ns, struct err *err);

/* The frames of one tap, numbered as in the whole capture. Return: owned by the caller (free());
   NULL: out of memory. */
struct frame *record_tap(const struct record *record, enum end tap, size_t *count);

/* The whole as a pcapng with the interfaces client and server. Return: owned (free()). */
uint8_t *record_pcapng(const struct record *record, const struct scenario *scenario, size_t *bytes);

void record_clear(struct record *record);

#endif /* TCPWHY_LAB_RECORD_H */
