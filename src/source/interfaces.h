/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_SOURCE_INTERFACES_H
#define TCPWHY_SOURCE_INTERFACES_H

#include "base/err.h"
#include "source/source.h"

/* What is known of an interface beyond what the user of a source sees. */
struct interface {
	struct source_interface seen;
	char *name;		     /* owned; seen.name is the same */
	char *description;	     /* likewise */
	bool wanted;		     /* its frames pass --interface */
	bool statistics_known;	     /* a statistics block gave `statistics_dropped` */
	uint64_t statistics_dropped; /* the latest such figure */
	uint64_t packets_dropped;    /* sum of what single packets say was lost before them */
};

/* The interfaces of all files read as one, in order of appearance; frames name them by index. */
struct interface_list {
	struct interface *entries; /* owned */
	size_t count;
	size_t room;
	const char *wanted_name; /* borrowed: --interface; NULL: all */
};

#define INTERFACES_MOST 65536 /* frame.interface has 16 bits */

/* A text from a capture: not terminated, borrowed during the call; NULL for none. */
struct interface_text {
	const uint8_t *bytes;
	size_t count;
};

/**
 * interfaces_add() - Append an interface
 * @about:        link type and snap length; the rest is ignored
 * @name:         copied
 * @description:  copied
 * @err:          input: more than INTERFACES_MOST; system: no memory
 *
 * Return: its index; INTERFACES_MOST with @err set.
 */
size_t interfaces_add(struct interface_list *list, const struct source_interface *about,
		      struct interface_text name, struct interface_text description,
		      struct err *err);

/* A statistics block says that so many were lost from the start on; replaces what it said before.
 */
void interface_count_statistics(struct interface *interface, uint64_t dropped);

/* Until when all interfaces that gave frames recorded; TIME_NONE: one of them does not say. */
int64_t interfaces_end_ns(const struct interface_list *list);

/* A packet says that so many were lost since the one before it. */
void interface_count_lost_before(struct interface *interface, uint64_t dropped);

void interfaces_clear(struct interface_list *list);

#endif /* TCPWHY_SOURCE_INTERFACES_H */
