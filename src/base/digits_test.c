/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>

#include "base/digits.h"
#include "base/time.h"

static void put_equals_printf(uint64_t number)
{
	char text[DIGITS_MOST + 1], wanted[DIGITS_MOST + 1];

	*digits_put(text, number) = '\0';
	snprintf(wanted, sizeof(wanted), "%" PRIu64, number);
	assert_string_equal(text, wanted);
}

static void numbers_are_written_as_printf_does(void **state)
{
	uint64_t power = 1;

	(void)state;
	for (uint64_t number = 0; number < 20000; number++)
		put_equals_printf(number);
	for (int digits = 1; digits < 20; digits++) {
		power *= 10;
		put_equals_printf(power - 1);
		put_equals_printf(power);
		put_equals_printf(power + 1);
		put_equals_printf(power * 7 / 3);
	}
	put_equals_printf(UINT64_MAX);
	put_equals_printf(INT64_MAX);
}

static void padding_is_zeros(void **state)
{
	char text[DIGITS_MOST + 1], wanted[DIGITS_MOST + 1];

	(void)state;
	for (int width = 1; width <= 19; width++) {
		*digits_put_padded(text, 7, (unsigned)width) = '\0';
		snprintf(wanted, sizeof(wanted), "%0*d", width, 7);
		assert_string_equal(text, wanted);
	}
	*digits_put_padded(text, 123456789, 9) = '\0';
	assert_string_equal(text, "123456789");
}

/* Against the C library's calendar, a day and some nanoseconds at a time over all of int64_t. */
static void moments_are_those_of_the_calendar(void **state)
{
	char text[TIME_TEXT_BYTES], date[TIME_TEXT_BYTES], wanted[2 * TIME_TEXT_BYTES];

	(void)state;
	for (int64_t day = -106751; day < 106751; day += 7) {
		int64_t ns = day * 86400 * NSEC_PER_SEC + day * 1000003;
		time_t seconds = (time_t)(ns / NSEC_PER_SEC - (ns % NSEC_PER_SEC < 0));
		struct tm tm;

		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &tm));
		snprintf(wanted, sizeof(wanted), "%s.%09" PRId64 "Z", date,
			 ns - (int64_t)seconds * NSEC_PER_SEC);
		time_format_utc(text, ns);
		assert_string_equal(text, wanted);
	}
	time_format_utc(text, TIME_NONE);
	assert_string_equal(text, "-");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_written_as_printf_does),
		cmocka_unit_test(padding_is_zeros),
		cmocka_unit_test(moments_are_those_of_the_calendar),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
