/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose SYN schedule a train of SYNs is taken for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "judge/catalogue.h"
#include "judge/schedule.h"
#include "judge/verdict.h"

#define MS NSEC_PER_MSEC

/* SYNs at these milliseconds. */
static struct syn_train train_of(const int64_t *at_ms, unsigned count)
{
	struct syn_train train = { .count = count, .times_complete = true };

	for (unsigned i = 0; i < count; i++)
		train.times_ns[i] = at_ms[i] * MS;
	train.last_ns = at_ms[count - 1] * MS;
	return train;
}

#define TRAIN(...)                                                                                 \
	train_of((const int64_t[]){ __VA_ARGS__ },                                                 \
		 sizeof((const int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t))

/* Clients by what their SYN shows. */
static const struct half by_ttl_64 = { .ttls = { 61 }, .ttl_count = 1 };
static const struct half linux_now = { .ttls = { 64 },
				       .ttl_count = 1,
				       .parameters_known = true,
				       .syn_window = 64240,
				       .syn_option_order = { 2, 4, 8, 1, 3 } };
static const struct half linux_old = { .ttls = { 64 },
				       .ttl_count = 1,
				       .parameters_known = true,
				       .syn_window = 5840,
				       .syn_option_order = { 2, 4, 8, 1, 3 } };
static const struct half macos = { .ttls = { 58 },
				   .ttl_count = 1,
				   .parameters_known = true,
				   .syn_window = 65535,
				   .syn_option_order = { 2, 1, 3, 1, 1, 8, 4, 0 } };
static const struct half windows = { .ttls = { 128 },
				     .ttl_count = 1,
				     .parameters_known = true,
				     .syn_window = 64240,
				     .syn_option_order = { 2, 1, 3, 1, 1, 4 } };
static const struct half scanner = { .ttls = { 40 },
				     .ttl_count = 1,
				     .parameters_known = true,
				     .syn_window = 1024,
				     .syn_option_order = { 2 } };

/* Exactly the systems of @names, comma-free, in the table's order; NULL-ended. */
static void assert_systems(const struct schedule_fit *fit, const char *const *names)
{
	static struct verdict verdict;

	verdict_begin(&verdict, catalogue_find("open.unanswered.black-hole"));
	schedule_name(&verdict, fit->rows);
	for (unsigned i = 0; i < verdict.value_count; i++) {
		assert_non_null(names[i]);
		assert_string_equal(verdict.values[i].text, names[i]);
	}
	assert_null(names[verdict.value_count]);
}

#define SYSTEMS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define NO_SYSTEM    ((const char *const[]){ NULL })

static void a_whole_train_names_its_system_and_when_it_gives_up(void **state)
{
	struct syn_train train = TRAIN(0, 1010, 3030, 7130, 15300, 31700, 65000);
	struct schedule_fit fit = schedule_match(&train, &by_ttl_64);

	(void)state;
	assert_systems(&fit, SYSTEMS("Linux 3.1 to 6.4"));
	assert_int_equal(fit.complete, fit.rows);
	assert_int_equal(fit.next_latest_ns, 0);
	assert_int_equal(fit.gives_up_least_ns, 127 * NSEC_PER_SEC);
	assert_int_equal(fit.gives_up_most_ns, 127 * NSEC_PER_SEC);
}

static void a_prefix_names_all_that_fit_and_the_syn_narrows_them_down(void **state)
{
	struct syn_train train = TRAIN(0, 1000, 2000, 3000);
	struct schedule_fit fit = schedule_match(&train, &by_ttl_64);

	(void)state;
	assert_systems(&fit, SYSTEMS("Linux 6.5 or newer", "macOS", "FreeBSD"));
	assert_int_equal(fit.complete, 0);
	assert_int_equal(fit.gives_up_least_ns, 75 * NSEC_PER_SEC);
	assert_int_equal(fit.gives_up_most_ns, 131 * NSEC_PER_SEC);
	/* 1 s, an eighth of it and 10 ms */
	assert_int_equal(fit.next_latest_ns, 1135 * MS);
	fit = schedule_match(&train, &linux_now);
	assert_systems(&fit, SYSTEMS("Linux 6.5 or newer"));
	fit = schedule_match(&train, &macos);
	assert_systems(&fit, SYSTEMS("macOS"));
	fit = schedule_match(&train, &windows);
	assert_systems(&fit, NO_SYSTEM);
}

static void windows_is_complete_where_linux_goes_on(void **state)
{
	struct syn_train train = TRAIN(0, 1010, 3020, 7030, 15040);
	struct schedule_fit fit = schedule_match(&train, &windows);

	(void)state;
	assert_systems(&fit, SYSTEMS("Windows"));
	assert_int_equal(fit.complete, fit.rows);
	fit = schedule_match(&train, &linux_now);
	assert_systems(&fit, SYSTEMS("Linux 3.1 to 6.4"));
	assert_int_equal(fit.complete, 0);
}

static void a_base_of_three_seconds_is_an_old_system(void **state)
{
	struct syn_train train = TRAIN(0, 2995, 8990); /* Windows' ticks fire a little early */
	struct schedule_fit fit = schedule_match(&train, &windows);

	(void)state;
	assert_systems(&fit, SYSTEMS("Windows 7 or older"));
	fit = schedule_match(&train, &linux_old);
	assert_systems(&fit, NO_SYSTEM); /* no Linux is early */
	train = TRAIN(0, 3001, 9003);
	fit = schedule_match(&train, &linux_old);
	assert_systems(&fit, SYSTEMS("Linux before 3.1"));
	fit = schedule_match(&train, &linux_now);
	assert_systems(&fit, NO_SYSTEM); /* its window is too large for one that old */
}

static void gaps_are_compared_one_by_one(void **state)
{
	/* The timer wheel made 32 s a little over 34: measured on Linux 6.18. */
	struct syn_train train =
		TRAIN(0, 1005, 2029, 3053, 4077, 5109, 7121, 11281, 19469, 35601, 69649);
	struct schedule_fit fit = schedule_match(&train, &linux_now);

	(void)state;
	assert_systems(&fit, SYSTEMS("Linux 6.5 or newer"));
	train = TRAIN(0, 995); /* earlier than any timer */
	fit = schedule_match(&train, &linux_now);
	assert_systems(&fit, NO_SYSTEM);
	train = TRAIN(0, 1136); /* later than an eighth and 10 ms */
	fit = schedule_match(&train, &linux_now);
	assert_systems(&fit, NO_SYSTEM);
	train = TRAIN(0, 1134);
	fit = schedule_match(&train, &linux_now);
	assert_systems(&fit, SYSTEMS("Linux 6.5 or newer", "Linux 3.1 to 6.4"));
}

static void a_scanners_syn_is_no_systems(void **state)
{
	struct syn_train train = TRAIN(0);
	struct schedule_fit fit = schedule_match(&train, &scanner);

	(void)state;
	assert_systems(&fit, NO_SYSTEM);
	/* unless its gaps say otherwise */
	train = TRAIN(0, 1000, 3000, 7000);
	fit = schedule_match(&train, &scanner);
	assert_systems(&fit, SYSTEMS("Linux 3.1 to 6.4"));
}

static void missing_times_fit_nothing(void **state)
{
	struct syn_train train = TRAIN(0, 1000, 3000);
	struct schedule_fit fit;

	(void)state;
	train.times_complete = false;
	fit = schedule_match(&train, &linux_now);
	assert_int_equal(fit.rows, 0);
}

/* A client's segment of a connection, by flags. */
static struct moment segment(uint64_t frame, int64_t ms, uint8_t from, uint8_t flags)
{
	return (struct moment){
		.frame = frame, .time_ns = ms * MS, .raw_seq = 1000, .from = from, .flags = flags
	};
}

static void a_train_is_the_same_syn_again(void **state)
{
	struct moment moments[] = {
		segment(1, 0, END_CLIENT, TCP_SYN),
		segment(2, 5, END_SERVER, TCP_RST),
		segment(3, 1000, END_CLIENT, TCP_SYN),
		segment(4, 1001, END_CLIENT, TCP_SYN), /* a capture copy */
		segment(5, 2000, END_CLIENT, TCP_SYN), /* another ISN: another attempt */
		segment(6, 3000, END_CLIENT, TCP_SYN),
	};
	struct conn conn = { .moments = moments,
			     .moment_count = sizeof(moments) / sizeof(moments[0]) };
	struct syn_train train;

	(void)state;
	moments[3].notes = NOTE_CAPTURE_COPY;
	moments[4].raw_seq = 77;
	conn.syn = moments[0];
	syn_train_of(&conn, &train);
	assert_int_equal(train.count, 3);
	assert_int_equal(train.frames[1], 3);
	assert_int_equal(train.frames[2], 6);
	assert_int_equal(train.last_ns, 3000 * MS);
	assert_true(train.times_complete);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_train_names_its_system_and_when_it_gives_up),
		cmocka_unit_test(a_prefix_names_all_that_fit_and_the_syn_narrows_them_down),
		cmocka_unit_test(windows_is_complete_where_linux_goes_on),
		cmocka_unit_test(a_base_of_three_seconds_is_an_old_system),
		cmocka_unit_test(gaps_are_compared_one_by_one),
		cmocka_unit_test(a_scanners_syn_is_no_systems),
		cmocka_unit_test(missing_times_fit_nothing),
		cmocka_unit_test(a_train_is_the_same_syn_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
