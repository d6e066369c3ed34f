/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_JUDGE_VERDICT_H
#define TCPWHY_JUDGE_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"
#include "track/conn.h"

struct entry; /* judge/catalogue.h */

enum confidence {
	CONFIDENCE_NONE, /* may not be given from the wire at all */
	CONFIDENCE_POSSIBLE,
	CONFIDENCE_LIKELY,
	CONFIDENCE_PROVED,
};

/* Who did it. */
enum actor {
	ACTOR_NONE, /* nobody in particular, or unknown: null in JSON */
	ACTOR_CLIENT,
	ACTOR_SERVER,
	ACTOR_BOTH,
	ACTOR_MIDDLE, /* a device on the path */
};

static inline enum actor actor_of(enum end end)
{
	return end == END_CLIENT ? ACTOR_CLIENT : ACTOR_SERVER;
}

enum value_kind {
	VALUE_COUNT,
	VALUE_BYTES,
	VALUE_NS,   /* a duration */
	VALUE_TIME, /* a moment, nanoseconds since the epoch */
	VALUE_FRAME,
	VALUE_ADDRESS,
	VALUE_TEXT, /* static text; the same key given again makes a list */
};

/* One figure of a verdict. Keys are snake_case with the unit at the end ("idle_ns"). */
struct verdict_value {
	const char *key; /* static */
	enum value_kind kind;
	int64_t number;	  /* all but ADDRESS and TEXT */
	const char *text; /* static */
	struct ip_address address;
};

/* A look-alike that was ruled out. */
struct exclusion {
	const char *id;	     /* static: the catalogue's id */
	const char *because; /* static, plain words: "same TTL as the host's other packets" */
	uint64_t frame;	     /* the frame that shows it; 0 none */
};

#define VERDICT_FRAMES	   10
#define VERDICT_VALUES	   16
#define VERDICT_EXCLUSIONS 6

struct verdict {
	const struct entry *entry; /* static: its id, words and limits */
	enum confidence confidence;
	enum actor by;
	uint64_t frames[VERDICT_FRAMES]; /* evidence, in the order of the story */
	unsigned frame_count;
	uint64_t decisive; /* the frame that decides; 0: none alone does */
	int64_t cost_ns;   /* time it cost; TIME_NONE: none or unknown */
	struct verdict_value values[VERDICT_VALUES];
	unsigned value_count;
	struct exclusion excluded[VERDICT_EXCLUSIONS];
	unsigned excluded_count;
};

/* Make @verdict an empty one of @entry, as sure as the wire allows. */
void verdict_begin(struct verdict *verdict, const struct entry *entry);

/* One step less sure; possible stays possible. */
void verdict_lower(struct verdict *verdict);

/* Add evidence; 0 is left out, a frame already cited too, beyond the cap it is dropped. */
void verdict_cite(struct verdict *verdict, uint64_t frame);
void verdict_decided_by(struct verdict *verdict, uint64_t frame); /* cites it as well */
void verdict_value(struct verdict *verdict, const char *key, enum value_kind kind, int64_t number);
void verdict_text(struct verdict *verdict, const char *key, const char *text);
void verdict_address(struct verdict *verdict, const char *key, const struct ip_address *address);
void verdict_exclude(struct verdict *verdict, const char *id, const char *because, uint64_t frame);

#define JUDGEMENT_LIFE_MOST 28

/* When an end stays in TIME_WAIT, and until when. */
struct time_wait {
	bool held;
	int64_t from_ns, until_ns, duration_ns;
	const char *assumed; /* static: whose default the duration is ("linux") */
};

/* All that is said of one connection. */
struct judgement {
	bool has_open, has_end;
	struct verdict open, end;
	struct verdict life[JUDGEMENT_LIFE_MOST];
	unsigned life_count;
	int8_t closed_first; /* enum end; 2 both; -1 nobody: after a reset without FIN who reset */
	struct time_wait time_wait[ENDS];
};

/* The verdict that a person should see first: the worst look, else the end, else the opening. */
const struct verdict *judgement_headline(const struct judgement *judgement);

/* Whether any of its verdicts is a look. */
bool judgement_needs_look(const struct judgement *judgement);

#endif /* TCPWHY_JUDGE_VERDICT_H */
