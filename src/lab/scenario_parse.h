/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_LAB_SCENARIO_PARSE_H
#define TCPWHY_LAB_SCENARIO_PARSE_H

#include "base/scan.h"
#include "lab/scenario.h"

/*
 * The parts of the parser of scenario files, between themselves. Whatever is wrong goes to @err
 * without its place: scenario.c knows file and line.
 */

/* What is known while lines are read. */
struct reading {
	struct scenario *scenario;
	struct err *err;
	unsigned line;
	unsigned said;			 /* bit per head line that may stand only once */
	const struct scenario_line *row; /* of the last line that was not indented */
	unsigned told_line, verdict_line, title_line;
};

/* One kind of line at column 0. */
struct scenario_line {
	const char *word;
	bool once;
	/* Read it, the word itself taken. */
	bool (*read)(struct reading *reading, struct scan *in);
	/* Read an indented line below it; NULL: it has none. */
	bool (*inner)(struct reading *reading, struct scan *in);
};

/* scenario_words.c: words and numbers that stand in many lines. */

struct choice {
	const char *name;
	int value;
};

struct choices {
	const char *what; /* how errors call it */
	const struct choice *rows;
	size_t count;
};

/* Of a number: how errors call it, and its bounds. */
struct span {
	const char *what;
	uint64_t least, most;
};

/* Take one of some words, else suggest the nearest. */
bool take_choice(struct scan *in, const struct choices *choices, int *value, struct err *err);
/* The row of a word; NULL: none has it. */
const struct choice *choices_find(const struct choices *choices, struct word word);
/* Take the next word when it is @wanted. */
bool take_word(struct scan *in, const char *wanted);
bool next_is(const struct scan *in, const char *word);
bool take_number(struct scan *in, const struct span *span, uint32_t *value, struct err *err);
/* "300ms", "0". */
bool take_time(struct scan *in, const char *what, int64_t *ns, struct err *err);
/* A port; may end in + where @counts is given. */
bool take_port(struct scan *in, uint16_t *port, bool *counts, struct err *err);
bool take_end(struct scan *in, const char *what, enum end *end, struct err *err);
/* A name of @room bytes with its NUL: letters, digits and dashes, a letter first. */
bool take_name(struct scan *in, const char *what, char *name, size_t room, struct err *err);
/* Text up to a comment or the end of the line. */
bool take_text(struct scan *in, const char *what, char *text, size_t room, struct err *err);
bool take_comparison(struct scan *in, enum comparison_of *compare, struct err *err);
const char *comparison_text(enum comparison_of compare);
bool take_state(struct scan *in, enum tcp_state *state, struct err *err);
bool take_errno(struct scan *in, int *error, struct err *err);
/* The id of a verdict, exactly. */
bool take_verdict(struct scan *in, char id[static CLAIM_ID_BYTES], struct err *err);
/* A segment of the notation without TIME, up to one of the words in @stops (NULL at its end). */
bool take_segment(struct scan *in, const char *const *stops, struct notation **segment,
		  struct err *err);
bool line_ends(struct scan *in, const char *what, struct err *err);
/* Set @err to WHAT: "WORD" is not known, and suggest the nearest candidate. Return: false. */
bool refuse_word(struct scan *in, const char *what,
		 const char *(*candidate)(const void *context, size_t index), const void *context,
		 struct err *err);

/* What grows: how errors call it, how many at most, the size of one. */
struct shelf {
	const char *what;
	size_t most, bytes;
};

/* Make room for one more, zeroed. Return: the array, perhaps elsewhere; NULL with the error set:
   the old one stays. */
void *one_more(struct reading *reading, void *items, size_t count, const struct shelf *shelf);

/* scenario_cond.c */
bool pattern_parse(struct scan *in, struct pattern *pattern, struct err *err);
/* Which of the segments that match: N, N-M, N-; where none stands there nothing is taken. */
bool pattern_parse_range(struct scan *in, struct pattern *pattern, struct err *err);
bool cond_parse(struct scan *in, struct cond *cond, struct err *err);

/* scenario_steps.c */
bool step_parse(struct scan *in, struct step *step, struct err *err);
/* "connect", "recv all". */
bool step_verb_parse(struct scan *in, enum step_verb *verb, struct err *err);
/* The names one after the other, for options_nearest(). @context: NULL. */
const char *step_verb_name_at(const void *context, size_t index);
bool program_begin(struct reading *reading, struct scan *in);
bool program_line(struct reading *reading, struct scan *in);

/* scenario_head.c */
bool head_title(struct reading *reading, struct scan *in);
bool head_told(struct reading *reading, struct scan *in);
bool head_article(struct reading *reading, struct scan *in);
bool head_verdict(struct reading *reading, struct scan *in);
bool head_when(struct reading *reading, struct scan *in);
bool head_ipv6(struct reading *reading, struct scan *in);
bool head_sysctl(struct reading *reading, struct scan *in);
bool head_read(struct reading *reading, struct scan *in);
bool head_end(struct reading *reading, struct scan *in);
bool head_limit(struct reading *reading, struct scan *in);
/* Read one {...} of told, the braces taken off. @verb: the call it needs; STEP_VERBS: none. */
bool told_figure_parse(struct scan *in, enum step_verb *verb, struct err *err);

/* scenario_wire.c */
bool wire_begin(struct reading *reading, struct scan *in);
bool wire_line(struct reading *reading, struct scan *in);
bool capture_line(struct reading *reading, struct scan *in);

/* scenario_expect.c */
bool expect_claim(struct reading *reading, struct scan *in);
bool expect_kernel(struct reading *reading, struct scan *in);
bool expect_count(struct reading *reading, struct scan *in);
bool frames_begin(struct reading *reading, struct scan *in);
bool frames_line(struct reading *reading, struct scan *in);
bool common_begin(struct reading *reading, struct scan *in);
bool common_line(struct reading *reading, struct scan *in);

/* scenario_program.c, scenario_check.c: what only the whole scenario shows. They set reading->line
   to the line at fault. */
bool program_check(struct reading *reading, struct program *program);
bool scenario_check(struct reading *reading);

#endif /* TCPWHY_LAB_SCENARIO_PARSE_H */
