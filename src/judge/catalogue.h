/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_JUDGE_CATALOGUE_H
#define TCPWHY_JUDGE_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>

#include "judge/verdict.h"

enum phase {
	PHASE_OPEN,
	PHASE_LIFE,
	PHASE_END,
	PHASE_GROUP,
};

enum decidable {
	DECIDABLE_WIRE,
	DECIDABLE_GROUP,
	DECIDABLE_TWO_CAPTURES,
	DECIDABLE_KERNEL,
};

enum lab_support {
	LAB_YES,   /* the lab makes it happen on this kernel */
	LAB_MODEL, /* another system does it: shown from a model */
	LAB_NO,
};

struct context;	   /* judge/context.h: the connection, its hosts, the clock */
struct group_rule; /* judge/gather.h */

/*
 * One entry of the atlas: everything about a verdict in one place. Rows stand in the file of their
 * theme, in the order in which they are tried (docs/precedence.md); judge/catalogue.c lists the
 * themes.
 *
 * Words are plain sentences for people, without markup. In headline and advice these placeholders
 * are filled by report/: {client} {server} (address:port), {client_host} {server_host} (address),
 * {server_port}, {by} (address:port of who did it), {by_host}, {by_role} ("the client"), {other},
 * {other_host}, {other_role}, and {key} for any value of the verdict, durations as "60.0 s",
 * sizes as "31 bytes". " after {key} of silence" is left out below 200 ms. In a group verdict
 * {server} is its host and port, {host} its host.
 */
struct entry {
	const char *id;
	enum phase phase;
	bool look; /* needs attention; else a note */
	enum decidable decidable;
	enum confidence wire_max; /* CONFIDENCE_NONE: never from the wire alone */
	enum lab_support lab;
	unsigned char first;   /* 1: has a rule from the first release on; 2: planned */
	bool rests_on_silence; /* on something not seen: one step less sure when the capture has
				  holes or one direction only (judge.c does it) */
	bool explains_end;     /* a life verdict that is worth more to a reader than a bad end; an
				     end that says as much itself */
	bool straight; /* may hold for a connection that went straight (conn.straight); the others
			  are not tried there */

	const char *title;	/* "Refused: port closed" */
	const char *headline;	/* one sentence for one connection, with placeholders */
	const char *grouped;	/* the same for many: "refused: nothing listens on {server}" */
	const char *meaning;	/* what it means */
	const char *evidence;	/* the pattern on the wire that shows it */
	const char *lookalikes; /* what looks the same, and how it is told apart */
	const char *kernel;	/* what the kernel does, counts and tells */
	const char *advice;	/* what to do */
	const char *source;	/* RFC and section, kernel function, document */

	/* Whether it holds; fills @out (by, evidence, values, exclusions). Its entry is set already
	   and its confidence to wire_max: a rule that is less sure lowers it. An exclusion that an
	   opening or ending rule adds is kept when it does not hold ("nearly fitted"). NULL:
	   planned, or found by the group stage. */
	bool (*holds)(const struct context *context, struct verdict *out);

	/* Of the group phase: its rule over several connections; static. */
	const struct group_rule *group;
};

/* The entries of one theme; all of one phase, in the order in which they are tried. */
struct theme {
	const char *name;
	/* False: none of its rules can hold (the cheap test before all of them). NULL: always. */
	bool (*applies)(const struct context *context);
	const struct entry *entries;
	size_t count;
};

/* All themes, in the order in which their rules are tried. Static. */
const struct theme *const *catalogue_themes(size_t *count);

/* Find an entry by its id; NULL: none. */
const struct entry *catalogue_find(const char *id);

/* The ids one after the other: @index from 0; NULL after the last. @context is not used (so that
   options_nearest() can take it). */
const char *catalogue_id_at(const void *context, size_t index);

/* Whether @id is @prefix or below it ("end.rst" covers "end.rst.abort"; "end.r" does not). */
bool catalogue_id_below(const char *id, const char *prefix);

/* "proved", "likely", "possible"; "open", ...; static storage. */
const char *confidence_name(enum confidence confidence);
const char *phase_name(enum phase phase);
const char *decidable_name(enum decidable decidable);
const char *actor_name(enum actor actor); /* NULL for ACTOR_NONE */

#endif /* TCPWHY_JUDGE_CATALOGUE_H */
