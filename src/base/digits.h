/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_BASE_DIGITS_H
#define TCPWHY_BASE_DIGITS_H

#include <stdint.h>
#include <string.h>

/* Decimal digits without a format string and without a final NUL: for output of millions of
   records. Each function returns the place behind what it wrote. */
#define DIGITS_MOST 20 /* of a uint64_t */

/* "00" to "99" */
extern const char digits_pairs[200];

char *digits_put_large(char *at, uint64_t number); /* for digits_put() */

/* @at: room for DIGITS_MOST */
static inline char *digits_put(char *at, uint64_t number)
{
	if (number < 10) {
		*at = (char)('0' + number);
		return at + 1;
	}
	if (number < 100) {
		memcpy(at, digits_pairs + 2 * number, 2);
		return at + 2;
	}
	return digits_put_large(at, number);
}

/* @at: room for one more, the sign */
static inline char *digits_put_signed(char *at, int64_t number)
{
	uint64_t size = (uint64_t)number;

	if (number < 0) {
		*at++ = '-';
		size = 0 - size;
	}
	return digits_put(at, size);
}

/* Exactly @width digits, with zeros in front; @number has no more. */
char *digits_put_padded(char *at, uint64_t number, unsigned width);

#endif /* TCPWHY_BASE_DIGITS_H */
