/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "peers/zeek_queue.h"

#define SEED   20260102u
#define STEPS  20000
#define WANTED 7 /* a sweep keeps conns that this does not divide */

/* The slow twin: all timers in a heap of nothing, searched from end to end. */
struct twin {
	struct zeek_timer timers[STEPS];
	size_t count;
};

static uint32_t random_next(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static size_t twin_first(const struct twin *twin)
{
	size_t first = 0;

	for (size_t i = 1; i < twin->count; i++) {
		const struct zeek_timer *a = &twin->timers[i], *b = &twin->timers[first];

		if (a->due_us < b->due_us || (a->due_us == b->due_us && a->ticket < b->ticket))
			first = i;
	}
	return first;
}

static bool is_wanted(const void *context, const struct zeek_timer *timer)
{
	(void)context;
	return timer->conn % WANTED != 0;
}

static void twin_sweep(struct twin *twin)
{
	size_t kept = 0;

	for (size_t i = 0; i < twin->count; i++) {
		if (is_wanted(NULL, &twin->timers[i]))
			twin->timers[kept++] = twin->timers[i];
	}
	twin->count = kept;
}

static void pop_both(struct zeek_queue *queue, struct twin *twin, int64_t now_us)
{
	struct zeek_timer timer;

	while (zeek_queue_pop(queue, now_us, &timer)) {
		assert_true(twin->count > 0);

		size_t first = twin_first(twin);

		assert_int_equal(timer.ticket, twin->timers[first].ticket);
		assert_int_equal(timer.due_us, twin->timers[first].due_us);
		twin->timers[first] = twin->timers[--twin->count];
	}
	if (twin->count > 0)
		assert_true(twin->timers[twin_first(twin)].due_us > now_us);
}

/* Any delay in any line, a clock that goes back now and then, and sweeps. */
static void timers_come_out_in_the_order_of_a_slow_twin(void **state)
{
	static const int64_t delays[ZEEK_LINES] = { 50, 60, 600, 3000, 9000, 70 };
	struct zeek_queue queue = { .first_due_us = INT64_MAX };
	struct twin *twin = calloc(1, sizeof(*twin));
	uint32_t random = SEED;
	int64_t now_us = 0;

	(void)state;
	assert_non_null(twin);
	for (unsigned step = 0; step < STEPS; step++) {
		unsigned line = random_next(&random) % ZEEK_LINES;
		int64_t back_us = random_next(&random) % 16 == 0 ? random_next(&random) % 500 : 0;
		/* longer with time, so that lines grow while they are in use */
		int64_t delay_us = delays[line] * (1 + step / 4000);
		struct zeek_timer timer = { .due_us = now_us + delay_us - back_us,
					    .ticket = step,
					    .conn = random_next(&random) };

		assert_true(zeek_queue_reserve(&queue, 1));
		zeek_queue_push(&queue, line, timer);
		twin->timers[twin->count++] = timer;
		assert_int_equal(zeek_queue_count(&queue), twin->count);
		now_us += random_next(&random) % 8;
		if (random_next(&random) % 4 == 0)
			pop_both(&queue, twin, now_us);
		if (random_next(&random) % 1024 == 0) {
			zeek_queue_sweep(&queue, is_wanted, NULL);
			twin_sweep(twin);
		}
	}
	pop_both(&queue, twin, INT64_MAX);
	assert_int_equal(twin->count, 0);
	zeek_queue_clear(&queue);
	free(twin);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_come_out_in_the_order_of_a_slow_twin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
