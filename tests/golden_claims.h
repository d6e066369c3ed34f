/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_TESTS_GOLDEN_CLAIMS_H
#define TCPWHY_TESTS_GOLDEN_CLAIMS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "craft/capture.h"
#include "judge/judge.h"

/* The lines of a golden capture that say what must be found (docs/notation.md). */

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
#define CLAIM_ANY_ACTOR	  -1
#define CLAIM_ID_BYTES	  64

struct claim {
	enum claim_kind kind;
	unsigned line;
	const char *text; /* borrowed from the capture: as it stands in the file */
	char id[CLAIM_ID_BYTES];
	char conn[SCRIPT_NAME_BYTES]; /* "": any; where it must be one: the first */
	enum confidence confidence;   /* CONFIDENCE_NONE: any */
	int by;			      /* enum actor, or CLAIM_ANY_ACTOR */
	struct condition conditions[CONDITIONS_MOST];
	unsigned condition_count;
	unsigned end; /* of states: 0 client, 1 server */
	struct {
		uint8_t state; /* enum tcp_state */
		bool assumed;
	} states[CLAIM_STATES_MOST];
	unsigned state_count;
};

/* Read one such line. @err: as ERR_INPUT with file and line. */
bool claim_parse(const struct craft_capture *capture, const struct script_claim *from,
		 struct claim *claim, struct err *err);

#endif /* TCPWHY_TESTS_GOLDEN_CLAIMS_H */
