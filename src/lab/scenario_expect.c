/* SPDX-License-Identifier: BSD-2-Clause */
/* What must come of a scenario. */
#include "lab/scenario_parse.h"

#include <stdio.h>
#include <stdlib.h>

/* --- expect, forbid, ... -------------------------------------------------------------------- */

/* Where "at server" stands at the line's end; NULL: nowhere. Quoted text is no word of it. */
static const char *find_tap(const struct scan *in, enum end *tap)
{
	struct scan ahead = *in;
	const char *last = NULL;

	while (!scan_end(&ahead)) {
		const char *start = ahead.at;
		uint8_t text[CLAIM_TEXT_BYTES];
		size_t count = sizeof(text);

		if (*ahead.at == '"' && scan_quoted(&ahead, "value", text, &count, NULL))
			continue;
		if (word_is(scan_word(&ahead, ""), "at"))
			last = start;
	}
	if (!last)
		return NULL;
	ahead = (struct scan){ .line = in->line, .at = last };
	scan_word(&ahead, "");
	return take_end(&ahead, "at", tap, NULL) && scan_end(&ahead) ? last : NULL;
}

/* A connection is named by its client's port. */
static bool names_port(const struct claim *claim, struct err *err)
{
	struct scan in = scan_over(claim->conn);
	uint16_t port;

	if (!claim->conn[0] || take_port(&in, &port, NULL, NULL))
		return true;
	err_set(err, ERR_INPUT, "conn: \"%s\" is no port", claim->conn);
	err_fix(err, "name the connection by its client's port: conn 40001");
	return false;
}

bool expect_claim(struct reading *reading, struct scan *in)
{
	static const struct shelf shelf = { "lines with expect, forbid, ...",
					    SCENARIO_EXPECTED_MOST, sizeof(struct expected) };
	struct scenario *scenario = reading->scenario;
	struct expected *grown =
		one_more(reading, scenario->expected, scenario->expected_count, &shelf);
	char line[SCENARIO_LINE_MOST + 1];
	struct expected *expected;
	const char *tap;

	if (!grown)
		return false;
	scenario->expected = grown;
	expected = &grown[scenario->expected_count++];
	expected->tap = scenario->read;
	tap = find_tap(in, &expected->tap);
	expected->tap_said = tap != NULL;
	snprintf(line, sizeof(line), "%.*s",
		 (int)(tap ? (size_t)(tap - in->line) : strlen(in->line)), in->line);
	return claim_parse(line, reading->line, &expected->claim, reading->err) &&
	       names_port(&expected->claim, reading->err);
}

/* --- kernel, count -------------------------------------------------------------------------- */

bool expect_kernel(struct reading *reading, struct scan *in)
{
	static const struct shelf shelf = { "lines with kernel", SCENARIO_KERNELS_MOST,
					    sizeof(struct expected_kernel) };
	struct scenario *scenario = reading->scenario;
	struct expected_kernel *grown =
		one_more(reading, scenario->kernels, scenario->kernel_count, &shelf);
	struct expected_kernel *kernel;

	if (!grown)
		return false;
	scenario->kernels = grown;
	kernel = &grown[scenario->kernel_count++];
	kernel->line = reading->line;
	if (!take_end(in, "kernel", &kernel->end, reading->err))
		return false;
	do {
		if (kernel->count == CLAIM_STATES_MOST)
			return scan_fail(in, "kernel", "at most 16 states", reading->err);
		if (!take_state(in, &kernel->states[kernel->count++], reading->err))
			return false;
	} while (!scan_end(in));
	return true;
}

/* PATTERN OP N. */
static bool parse_expected_count(struct scan *in, struct expected_count *count, struct err *err)
{
	static const struct span span = { "count", 0, UINT32_MAX };
	uint32_t number = 0;

	if (!pattern_parse(in, &count->pattern, err) ||
	    !take_comparison(in, &count->compare, err) || !take_number(in, &span, &number, err))
		return false;
	count->number = number;
	return true;
}

bool expect_count(struct reading *reading, struct scan *in)
{
	static const struct shelf shelf = { "lines with count", SCENARIO_COUNTS_MOST,
					    sizeof(struct expected_count) };
	struct scenario *scenario = reading->scenario;
	struct expected_count *grown =
		one_more(reading, scenario->counts, scenario->counts_count, &shelf);
	struct expected_count *count;

	if (!grown)
		return false;
	scenario->counts = grown;
	count = &grown[scenario->counts_count++];
	count->line = reading->line;
	return parse_expected_count(in, count, reading->err) &&
	       line_ends(in, "count", reading->err);
}

/* --- frames --------------------------------------------------------------------------------- */

bool frames_begin(struct reading *reading, struct scan *in)
{
	static const struct shelf shelf = { "blocks of frames", SCENARIO_FRAMES_MOST,
					    sizeof(struct expected_frames) };
	struct scenario *scenario = reading->scenario;
	struct expected_frames *grown =
		one_more(reading, scenario->frames, scenario->frames_count, &shelf);
	struct expected_frames *frames;

	if (!grown)
		return false;
	scenario->frames = grown;
	frames = &grown[scenario->frames_count++];
	frames->line = reading->line;
	frames->tap_said = next_is(in, "client") || next_is(in, "server");
	if (frames->tap_said && !take_end(in, "frames", &frames->tap, reading->err))
		return false;
	frames->exactly = take_word(in, "exactly");
	return line_ends(in, "frames", reading->err);
}

bool frames_line(struct reading *reading, struct scan *in)
{
	static const char *const no_stops[] = { NULL };
	static const struct shelf of_segments = { "segments in a block of frames",
						  SCENARIO_SEGMENTS_MOST, sizeof(struct notation) };
	static const struct shelf of_lines = { "segments in a block of frames",
					       SCENARIO_SEGMENTS_MOST, sizeof(unsigned) };
	struct scenario *scenario = reading->scenario;
	struct expected_frames *frames = &scenario->frames[scenario->frames_count - 1];
	struct notation *segments =
		one_more(reading, frames->segments, frames->count, &of_segments);
	struct notation *segment = NULL;
	unsigned *lines;
	bool ok;

	if (!segments)
		return false;
	frames->segments = segments;
	lines = one_more(reading, frames->lines, frames->count, &of_lines);
	if (!lines)
		return false;
	frames->lines = lines;
	ok = take_segment(in, no_stops, &segment, reading->err);
	if (ok) {
		segments[frames->count] = *segment;
		lines[frames->count++] = reading->line;
	}
	free(segment);
	return ok;
}

/* --- common claims -------------------------------------------------------------------------- */

static bool fact_frame(struct scan *in, struct fact_of *fact, struct err *err)
{
	static const char *const stops[] = { "and", NULL };

	return take_segment(in, stops, &fact->segment, err);
}

static bool fact_count(struct scan *in, struct fact_of *fact, struct err *err)
{
	return parse_expected_count(in, &fact->count, err);
}

static bool fact_kernel(struct scan *in, struct fact_of *fact, struct err *err)
{
	return take_end(in, "kernel", &fact->end, err) && take_state(in, &fact->state, err);
}

static bool fact_found(struct scan *in, struct fact_of *fact, struct err *err)
{
	return take_verdict(in, fact->id, err);
}

/* call END CALL ERRNO; "ok" in the place of ERRNO: it succeeded. */
static bool fact_call(struct scan *in, struct fact_of *fact, struct err *err)
{
	enum step_verb verb = STEP_LISTEN;

	if (!take_end(in, "call", &fact->end, err) || !step_verb_parse(in, &verb, err))
		return false;
	fact->verb = verb;
	return take_word(in, "ok") || take_errno(in, &fact->error, err);
}

static const struct choice fact_rows[] = {
	{ "frame", FACT_FRAME }, { "count", FACT_COUNT }, { "kernel", FACT_KERNEL },
	{ "found", FACT_FOUND }, { "call", FACT_CALL },
};
static const struct choices facts = { "fact", fact_rows, sizeof(fact_rows) / sizeof(fact_rows[0]) };

static bool parse_fact(struct reading *reading, struct scan *in, struct fact_of *fact)
{
	static bool (*const parse[])(struct scan * in, struct fact_of * fact, struct err * err) = {
		[FACT_FRAME] = fact_frame, [FACT_COUNT] = fact_count, [FACT_KERNEL] = fact_kernel,
		[FACT_FOUND] = fact_found, [FACT_CALL] = fact_call,
	};
	int kind = 0;

	if (!take_choice(in, &facts, &kind, reading->err))
		return false;
	fact->kind = (enum fact_kind)kind;
	fact->count.line = reading->line;
	return parse[kind](in, fact, reading->err);
}

bool common_begin(struct reading *reading, struct scan *in)
{
	static const struct shelf shelf = { "claims", SCENARIO_CLAIMS_MOST,
					    sizeof(struct common_claim) };
	struct scenario *scenario = reading->scenario;
	struct common_claim *grown =
		one_more(reading, scenario->claims, scenario->claim_count, &shelf);
	struct common_claim *claim;

	if (!grown)
		return false;
	scenario->claims = grown;
	claim = &grown[scenario->claim_count++];
	claim->line = reading->line;
	return take_text(in, "claim", claim->text, sizeof(claim->text), reading->err);
}

/* yes, no, or other words in quotes. */
static bool parse_answer_words(struct scan *in, struct claim_answer *answer, struct err *err)
{
	size_t count = sizeof(answer->words) - 1;

	if (next_is(in, "yes") || next_is(in, "no")) {
		struct word word = scan_word(in, "");

		snprintf(answer->words, sizeof(answer->words), "%.*s", (int)word.length, word.text);
		return true;
	}
	scan_end(in);
	if (*in->at != '"') {
		scan_fail(in, "claim", "yes, no or other words in quotes are wanted", err);
		err_fix(err, "write: no when kernel client TIME_WAIT");
		return false;
	}
	if (!scan_quoted(in, "claim", (uint8_t *)answer->words, &count, err))
		return false;
	answer->words[count] = '\0';
	for (size_t i = 0; i < count; i++)
		if ((unsigned char)answer->words[i] < ' ' || answer->words[i] == 0x7f)
			return err_set(err, ERR_INPUT, "claim: the words hold a control character");
	return count > 0 || err_set(err, ERR_INPUT, "claim: the words are empty");
}

bool common_line(struct reading *reading, struct scan *in)
{
	struct common_claim *claim = &reading->scenario->claims[reading->scenario->claim_count - 1];
	struct claim_answer *answer = &claim->answers[claim->answer_count];

	if (claim->answer_count == CLAIM_ANSWERS_MOST)
		return err_set(reading->err, ERR_INPUT, "claim: more than %d answers",
			       CLAIM_ANSWERS_MOST);
	claim->answer_count++;
	answer->line = reading->line;
	if (!parse_answer_words(in, answer, reading->err))
		return false;
	if (!take_word(in, "when")) {
		scan_fail(in, "claim", "\"when\" and a fact are wanted", reading->err);
		err_fix(reading->err, "write: no when kernel client TIME_WAIT");
		return false;
	}
	do {
		if (answer->fact_count == ANSWER_FACTS_MOST)
			return err_set(reading->err, ERR_INPUT, "claim: more than %d facts",
				       ANSWER_FACTS_MOST);
		if (!parse_fact(reading, in, &answer->facts[answer->fact_count++]))
			return false;
	} while (take_word(in, "and"));
	return line_ends(in, "claim", reading->err);
}
