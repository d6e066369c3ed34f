/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose defaults a keep-alive schedule is taken for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/time.h"
#include "judge/keepalive.h"

static void expect_habit(int64_t idle_ns, int64_t interval_ns, unsigned probes, const char *whose)
{
	const char *words = keepalive_habit(idle_ns, interval_ns, probes);

	if (!whose) {
		assert_null(words);
		return;
	}
	assert_non_null(words);
	assert_non_null(strstr(words, whose));
}

/* The only thing that tells Linux from the BSDs is the number of probes. */
static void the_count_tells_linux_from_freebsd(void **state)
{
	(void)state;
	expect_habit(7200 * NSEC_PER_SEC, 75 * NSEC_PER_SEC, 9, "Linux's");
	expect_habit(7200 * NSEC_PER_SEC, 75 * NSEC_PER_SEC, 8, "FreeBSD's");
	expect_habit(7200 * NSEC_PER_SEC, 75 * NSEC_PER_SEC, 5, "Linux, macOS and FreeBSD");
	expect_habit(7200 * NSEC_PER_SEC, 1 * NSEC_PER_SEC, 10, "Windows's");
}

/* Answered probes show no interval, and the count is unknown. */
static void an_answered_schedule_shows_its_idle_time_only(void **state)
{
	(void)state;
	expect_habit(7203 * NSEC_PER_SEC, TIME_NONE, 0, "every system");
	expect_habit(15 * NSEC_PER_SEC, TIME_NONE, 0, "Go's");
	expect_habit(60 * NSEC_PER_SEC, TIME_NONE, 0, NULL);
}

/* A timer wheel is late by up to an eighth, and early by a tick at most. */
static void late_timers_fit_and_early_ones_do_not(void **state)
{
	(void)state;
	expect_habit(60 * NSEC_PER_SEC, 1024 * NSEC_PER_MSEC, 10, "Node.js");
	expect_habit(60 * NSEC_PER_SEC, 1200 * NSEC_PER_MSEC, 10, NULL);
	expect_habit(60 * NSEC_PER_SEC, 997 * NSEC_PER_MSEC, 10, "Node.js");
	expect_habit(60 * NSEC_PER_SEC, 990 * NSEC_PER_MSEC, 10, NULL);
	expect_habit(7000 * NSEC_PER_SEC, TIME_NONE, 0, NULL);
}

static void nothing_known_is_nobodys(void **state)
{
	(void)state;
	expect_habit(TIME_NONE, TIME_NONE, 0, NULL);
	expect_habit(TIME_NONE, 75 * NSEC_PER_SEC, 3, "75 s between probes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_count_tells_linux_from_freebsd),
		cmocka_unit_test(an_answered_schedule_shows_its_idle_time_only),
		cmocka_unit_test(late_timers_fit_and_early_ones_do_not),
		cmocka_unit_test(nothing_known_is_nobodys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
