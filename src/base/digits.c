/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/digits.h"

const char digits_pairs[200] = "000102030405060708091011121314151617181920212223242526272829"
			       "303132333435363738394041424344454647484950515253545556575859"
			       "606162636465666768697071727374757677787980818283848586878889"
			       "90919293949596979899";

static unsigned digits_count(uint64_t number)
{
	unsigned count = 1;

	for (; number >= 10000; number /= 10000)
		count += 4;
	return count + (number >= 10) + (number >= 100) + (number >= 1000);
}

char *digits_put_padded(char *at, uint64_t number, unsigned width)
{
	unsigned left = width;

	for (; left >= 2; number /= 100)
		memcpy(at + (left -= 2), digits_pairs + 2 * (number % 100), 2);
	if (left)
		*at = (char)('0' + number % 10);
	return at + width;
}

char *digits_put_large(char *at, uint64_t number)
{
	return digits_put_padded(at, number, digits_count(number));
}
