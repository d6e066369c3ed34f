/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_LAB_CLAIM_H
#define TCPWHY_LAB_CLAIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"
#include "lab/found.h"

/* Lines of golden captures and scenarios that say what must be found (docs/notation.md). */

enum claim_kind {
	CLAIM_EXPECT,
	CLAIM_FORBID,
	CLAIM_FORBID_LOOK,
	CLAIM_HEADLINE,
	CLAIM_STATES,
	CLAIM_CLOSED_FIRST,
	CLAIM_TIME_WAIT,
};

enum comparison {
	COMPARE_EQUAL,
	COMPARE_NOT_EQUAL,
	COMPARE_LESS,
	COMPARE_AT_MOST,
	COMPARE_MORE,
	COMPARE_AT_LEAST,
};

enum condition_kind {
	CONDITION_VALUE,
	CONDITION_CITES,
	CONDITION_DECIDED,
	CONDITION_EXCLUDES,
};

struct condition {
	enum condition_kind kind;
	char key[40];  /* of a value; the id that is excluded */
	char text[64]; /* what a text value is compared with; "" a number */
	enum comparison compare;
	int64_t number; /* value, in its own unit; frame */
};

#define CONDITIONS_MOST	  8
#define CLAIM_STATES_MOST 16
#define CLAIM_ANY_ACTOR	  (-1)
#define CLAIM_ID_BYTES	  64
#define CLAIM_CONN_BYTES  32
#define CLAIM_TEXT_BYTES  256

struct claim {
	enum claim_kind kind;
	unsigned line;
	char text[CLAIM_TEXT_BYTES]; /* as it stands in the file, for messages; perhaps cut */
	char id[CLAIM_ID_BYTES];
	char conn[CLAIM_CONN_BYTES]; /* "": any; where it must be one: the first */
	enum confidence confidence;  /* CONFIDENCE_NONE: any */
	int by;			     /* enum actor, or CLAIM_ANY_ACTOR */
	struct condition conditions[CONDITIONS_MOST];
	unsigned condition_count;
	unsigned end; /* of states: 0 client, 1 server */
	struct {
		uint8_t state; /* enum tcp_state */
		bool assumed;
	} states[CLAIM_STATES_MOST];
	unsigned state_count;
};

/* Read one such line. @err: as ERR_INPUT with what is wrong; the caller adds file and line, and
   looks whether there is a connection of that name. */
bool claim_parse(const char *text, unsigned line, struct claim *claim, struct err *err);

/* Whether a word begins such a line: "expect", "forbid", ... */
bool claim_word(const char *word, size_t length);

/* What a claim is checked against. */
struct claim_check {
	const struct found *found;
	uint64_t frames; /* of the capture: no verdict may cite a later one */
	/* The first frame of the connection of a name; "" the first connection; 0: there is none.
	 */
	uint64_t (*conn)(const void *context, const char *name);
	/* Gets a line per claim that does not hold, without end of line; @line of its claim, 0 for
	   what holds of every verdict. NULL: only the answer is wanted. */
	void (*complain)(void *context, unsigned line, const char *what);
	void *context;
};

/* Whether a claim holds; complains where it does not. */
bool claim_holds(const struct claim_check *check, const struct claim *claim);

/* What holds for every verdict of every capture: confidence up to wire_max, frames cited, ... */
bool found_is_sound(const struct claim_check *check);

#endif /* TCPWHY_LAB_CLAIM_H */
