/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/time.h"

#include <string.h>

#include "base/digits.h"

struct date {
	int64_t year;
	unsigned month; /* 1 to 12 */
	unsigned day;	/* 1 to 31 */
};

/* Days since 1970-01-01 to a date, counting years from March so that the leap day comes last. */
static struct date date_from_days(int64_t days)
{
	const int64_t days_per_era = 146097; /* 400 years */
	int64_t from_0000_03_01 = days + 719468;
	int64_t era =
		(from_0000_03_01 >= 0 ? from_0000_03_01 : from_0000_03_01 - (days_per_era - 1)) /
		days_per_era;
	int64_t day_of_era = from_0000_03_01 - era * days_per_era;
	int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 -
			       day_of_era / (days_per_era - 1)) /
			      365;
	int64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month_from_march = (5 * day_of_year + 2) / 153;
	struct date date = {
		.year = year_of_era + era * 400 + (month_from_march >= 10),
		.month = (unsigned)(month_from_march < 10 ? month_from_march + 3
							  : month_from_march - 9),
		.day = (unsigned)(day_of_year - (153 * month_from_march + 2) / 5 + 1),
	};

	return date;
}

void time_format_utc(char text[static TIME_TEXT_BYTES], int64_t time_ns)
{
	if (time_ns == TIME_NONE) {
		memcpy(text, "-", 2);
		return;
	}

	const int64_t seconds_per_day = 86400;
	int64_t seconds = time_ns / NSEC_PER_SEC;
	int64_t nanoseconds = time_ns % NSEC_PER_SEC;

	if (nanoseconds < 0) {
		nanoseconds += NSEC_PER_SEC;
		seconds--;
	}

	int64_t days = seconds / seconds_per_day;
	int64_t of_day = seconds % seconds_per_day;

	if (of_day < 0) {
		of_day += seconds_per_day;
		days--;
	}

	struct date date = date_from_days(days);

	text = digits_put_padded(text, (uint64_t)date.year, 4); /* 1677 to 2262 */
	*text++ = '-';
	text = digits_put_padded(text, date.month, 2);
	*text++ = '-';
	text = digits_put_padded(text, date.day, 2);
	*text++ = 'T';
	text = digits_put_padded(text, (uint64_t)of_day / 3600, 2);
	*text++ = ':';
	text = digits_put_padded(text, (uint64_t)of_day / 60 % 60, 2);
	*text++ = ':';
	text = digits_put_padded(text, (uint64_t)of_day % 60, 2);
	*text++ = '.';
	text = digits_put_padded(text, (uint64_t)nanoseconds, 9);
	memcpy(text, "Z", 2);
}

int64_t time_now_ns(clockid_t clock)
{
	struct timespec now = { .tv_sec = 0 };

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}
