/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdatomic.h>

#include "base/stages.h"

#define ITEMS 50000u
#define ROOM  64u

/* Numbers go from stage to stage; the second one has one ring behind it that may be full. */
struct line {
	unsigned first[ROOM], second[ROOM];
	atomic_uint made, passed, sent, seen;
	atomic_bool all_made, all_sent;
	atomic_int inside[3]; /* threads in each stage */
	unsigned wrong[3];    /* found in each */
	uint32_t chance;
	unsigned waits; /* of the second stage, for room */
};

static unsigned some(uint32_t *chance, unsigned most)
{
	*chance = *chance * 1664525u + 1013904223u;
	return 1 + (*chance >> 16) % most;
}

static void enter(struct line *line, unsigned stage)
{
	line->wrong[stage] += atomic_fetch_add(&line->inside[stage], 1) != 0;
}

static enum stage_did leave(struct line *line, unsigned stage, enum stage_did did)
{
	atomic_fetch_sub(&line->inside[stage], 1);
	return did;
}

static enum stage_did make(void *context, struct stages *stages, bool eager)
{
	struct line *line = context;
	unsigned made = atomic_load(&line->made);
	unsigned room = ROOM - (made - atomic_load(&line->passed));

	(void)stages;
	(void)eager;
	enter(line, 0);
	if (room == 0)
		return leave(line, 0, STAGE_WAITS);
	for (unsigned i = 0; i < room && made < ITEMS; i++, made++)
		line->first[made % ROOM] = made;
	atomic_store(&line->made, made);
	if (made < ITEMS)
		return leave(line, 0, STAGE_WORKED);
	atomic_store(&line->all_made, true);
	return leave(line, 0, STAGE_ENDED);
}

static bool has_room(void *context)
{
	struct line *line = context;

	return atomic_load(&line->sent) - atomic_load(&line->seen) < ROOM;
}

/* Three out of one: it runs out of room in the middle of its work. */
static void send(struct line *line, struct stages *stages, unsigned number)
{
	for (unsigned copy = 0; copy < 3; copy++) {
		if (!has_room(line)) {
			line->waits++;
			stages_wait(stages, 1, has_room, line);
		}
		unsigned sent = atomic_load(&line->sent);

		line->second[sent % ROOM] = 3 * number + copy;
		atomic_store(&line->sent, sent + 1);
	}
}

static enum stage_did pass(void *context, struct stages *stages, bool eager)
{
	struct line *line = context;
	bool all = atomic_load(&line->all_made);
	unsigned passed = atomic_load(&line->passed), left = atomic_load(&line->made) - passed;

	(void)eager;
	enter(line, 1);
	if (left == 0) {
		atomic_store(&line->all_sent, all);
		return leave(line, 1, all ? STAGE_ENDED : STAGE_WAITS);
	}
	for (unsigned most = some(&line->chance, left); most > 0; most--) {
		unsigned number = line->first[passed % ROOM];

		line->wrong[1] += number != passed;
		send(line, stages, number);
		atomic_store(&line->passed, ++passed);
	}
	return leave(line, 1, STAGE_WORKED);
}

static enum stage_did see(void *context, struct stages *stages, bool eager)
{
	struct line *line = context;
	bool all = atomic_load(&line->all_sent);
	unsigned seen = atomic_load(&line->seen), left = atomic_load(&line->sent) - seen;

	(void)stages;
	enter(line, 2);
	if (left == 0)
		return leave(line, 2, all ? STAGE_ENDED : STAGE_WAITS);
	if (left < ROOM / 2 && !all && !eager)
		return leave(line, 2, STAGE_WAITS);
	for (; left > 0; left--, seen++)
		line->wrong[2] += line->second[seen % ROOM] != seen;
	atomic_store(&line->seen, seen);
	return leave(line, 2, STAGE_WORKED);
}

static void everything_comes_once_and_in_order_with_any_number_of_threads(void **state)
{
	static const struct stage stages[] = { { make }, { pass }, { see } };
	unsigned waits = 0;

	(void)state;
	for (unsigned threads = 1; threads <= 4; threads++) {
		struct line line = { .chance = threads };

		stages_run(stages, 3, threads, &line);
		assert_int_equal(line.wrong[0] + line.wrong[1] + line.wrong[2], 0);
		assert_int_equal(line.made, ITEMS);
		assert_int_equal(line.seen, 3 * ITEMS);
		waits += line.waits;
	}
	assert_true(waits > 0);
}

static enum stage_did one_piece(void *context, struct stages *stages, bool eager)
{
	(void)stages;
	(void)eager;
	++*(unsigned *)context;
	return STAGE_ENDED;
}

static void a_single_stage_ends(void **state)
{
	static const struct stage stages[] = { { one_piece } };
	unsigned pieces = 0;

	(void)state;
	stages_run(stages, 1, 4, &pieces);
	assert_int_equal(pieces, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_comes_once_and_in_order_with_any_number_of_threads),
		cmocka_unit_test(a_single_stage_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
