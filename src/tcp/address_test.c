/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses as text, against the C library's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <string.h>

#include "tcp/address.h"

#define ROUNDS 200000

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void check(const struct ip_address *address)
{
	char ours[ADDRESS_TEXT_BYTES], theirs[INET6_ADDRSTRLEN];

	memset(ours, 0x55, sizeof(ours));
	ip_address_print(address, ours);
	if (ip_address_is_v4(address))
		inet_ntop(AF_INET, address->bytes + 12, theirs, sizeof(theirs));
	else
		inet_ntop(AF_INET6, address->bytes, theirs, sizeof(theirs));
	assert_string_equal(ours, theirs);
}

/* Every pattern of groups that are zero, which "::" may stand for. */
static void every_run_of_zeros_is_shortened_as_by_inet_ntop(void **state)
{
	(void)state;
	for (unsigned zeros = 0; zeros < 256; zeros++) {
		struct ip_address address;

		for (unsigned i = 0; i < 8; i++) {
			address.bytes[2 * i] = 0;
			address.bytes[2 * i + 1] = zeros >> i & 1 ? 0 : (uint8_t)(i + 1);
		}
		check(&address);
	}
}

static void random_addresses_are_as_by_inet_ntop(void **state)
{
	uint64_t random = 88172645463325252u;

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct ip_address address;
		uint64_t few = random_next(&random); /* bytes that are there at all */

		for (unsigned i = 0; i < sizeof(address.bytes); i++)
			address.bytes[i] =
				few >> i & 1
					? (uint8_t)(random_next(&random) >> (few >> (16 + i) & 7))
					: 0;
		if (few >> 60 == 0) /* IPv4, mapped or "compatible" */
			memset(address.bytes, 0, 10 + 2 * (few >> 59 & 1));
		check(&address);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_run_of_zeros_is_shortened_as_by_inet_ntop),
		cmocka_unit_test(random_addresses_are_as_by_inet_ntop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
