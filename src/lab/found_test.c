/* SPDX-License-Identifier: BSD-2-Clause */
/* Captures in memory, what is found in them, and claims held against that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "base/time.h"
#include "craft/capture.h"
#include "lab/claim.h"

/* A client that gives up: only the time after its last SYN shows that no further one came. */
#define SYNS	"0 C>S S 0\n1 C>S S 0\n3 C>S S 0\n"
#define REFUSED "0 C>S S 0\n+0.001 S>C R. 0 ack 1\n"

/* What was complained of. */
struct complaints {
	unsigned count, line;
	char what[512];
};

static void complain(void *context, unsigned line, const char *what)
{
	struct complaints *complaints = context;

	complaints->count++;
	complaints->line = line;
	snprintf(complaints->what, sizeof(complaints->what), "%s", what);
}

/* There is one connection, and it begins with frame 1. */
static uint64_t first_conn(const void *context, const char *name)
{
	(void)context;
	return name[0] == '\0' || strcmp(name, "A") == 0;
}

static struct craft_capture *craft(const char *text)
{
	struct err err = { 0 };
	struct craft_capture *capture = craft_capture_text("test", text, &err);

	assert_string_equal(err.what, "");
	assert_non_null(capture);
	return capture;
}

/* Whether a claim holds of a capture whose recording ended @after_ns behind its last frame. */
static bool holds(const char *text, int64_t after_ns, const char *line, struct complaints *told)
{
	struct craft_capture *capture = craft(text);
	struct found found = { 0 };
	struct claim claim;
	struct err err = { 0 };
	const struct claim_check check = { .found = &found,
					   .frames = capture->frame_count,
					   .conn = first_conn,
					   .complain = complain,
					   .context = told };

	*told = (struct complaints){ 0 };
	assert_true(claim_parse(line, 7, &claim, &err));
	assert_true(found_run(&found, capture->frames, capture->frame_count,
			      capture->frames[capture->frame_count - 1].time_ns + after_ns, NULL));
	assert_true(found_is_sound(&check));

	bool ok = claim_holds(&check, &claim);

	found_clear(&found);
	craft_capture_free(capture);
	return ok;
}

static void silence_after_the_last_frame_counts(void **state)
{
	(void)state;
	struct complaints told;

	assert_false(holds(SYNS, 0, "expect open.cancelled", &told));
	assert_true(holds(SYNS, 60 * NSEC_PER_SEC, "expect open.cancelled", &told));
	assert_true(holds(SYNS "tick 63\n", 0, "expect open.cancelled", &told));
}

static void a_claim_that_does_not_hold_says_why(void **state)
{
	(void)state;
	static const struct {
		const char *claim, *told;
	} cases[] = {
		{ "expect open.handshake", "expect open.handshake: it was not found" },
		{ "expect open.refused.port-closed by client # so?",
		  "expect open.refused.port-closed by client: it was found, but who did it "
		  "differs" },
		{ "expect open.refused.port-closed decided 1",
		  "expect open.refused.port-closed decided 1: it was found, but the frame that "
		  "decides differs" },
		{ "forbid open.refused",
		  "forbid open.refused: open.refused.port-closed was found" },
		{ "headline open.handshake",
		  "headline open.handshake: the headline is open.refused.port-closed" },
		{ "states client SYN_SENT", "states client SYN_SENT: the states are others" },
		{ "time-wait both", "time-wait both: TIME_WAIT is held by nobody" },
		{ "headline open.handshake conn B",
		  "headline open.handshake conn B: there is no such connection" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct complaints told;

		assert_false(holds(REFUSED, 0, cases[i].claim, &told));
		assert_string_equal(told.what, cases[i].told);
		assert_int_equal(told.line, 7);
	}
}

static void a_claim_that_holds_is_silent(void **state)
{
	(void)state;
	static const char *const claims[] = {
		"expect open.refused.port-closed by server conn A decided 2",
		"forbid open.refused conn B",
		"headline open.refused.port-closed",
		"states client SYN_SENT CLOSED",
		"time-wait nobody",
	};

	for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
		struct complaints told;

		assert_true(holds(REFUSED, 0, claims[i], &told));
		assert_int_equal(told.count, 0);
	}
}

/* A verdict that cites what is not there is unsound. */
static void frames_beyond_the_capture_are_noticed(void **state)
{
	(void)state;
	struct complaints told = { 0 };
	struct craft_capture *capture = craft(REFUSED);
	struct found found = { 0 };
	const struct claim_check check = {
		.found = &found, .frames = 1, .complain = complain, .context = &told
	};

	assert_true(found_run(&found, capture->frames, capture->frame_count, TIME_NONE, NULL));
	assert_false(found_is_sound(&check));
	assert_string_equal(told.what, "open.refused.port-closed cites frame 2 of 1");
	assert_int_equal(told.line, 0);
	found_clear(&found);
	craft_capture_free(capture);
}

static void a_wrong_claim_says_what_is_wrong(void **state)
{
	(void)state;
	static const struct {
		const char *claim, *what, *fix;
	} cases[] = {
		{ "expect open.handshak", "no verdict is called open.handshak",
		  "did you mean open.handshake?" },
		{ "expect open.handshake possibly",
		  "expect: a confidence, by, conn, value, cites, decided or excludes, found "
		  "\"possibly\" at column 23",
		  "docs/notation.md describes the claims" },
		{ "hope",
		  "claim: expect, forbid, headline, states, closed-first or time-wait, found "
		  "\"hope\" at column 1",
		  "docs/notation.md describes the claims" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct claim claim;
		struct err err = { 0 };

		assert_false(claim_parse(cases[i].claim, 1, &claim, &err));
		assert_int_equal(err.kind, ERR_INPUT);
		assert_string_equal(err.what, cases[i].what);
		assert_string_equal(err.fix, cases[i].fix);
	}
	assert_true(claim_word("closed-first", 12));
	assert_false(claim_word("close", 5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(silence_after_the_last_frame_counts),
		cmocka_unit_test(a_claim_that_does_not_hold_says_why),
		cmocka_unit_test(a_claim_that_holds_is_silent),
		cmocka_unit_test(frames_beyond_the_capture_are_noticed),
		cmocka_unit_test(a_wrong_claim_says_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
