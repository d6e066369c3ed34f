/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/stack_test.h"

/* The slow and obvious one: 16-bit words in network order, carry added back. RFC 1071. */
static uint16_t obvious_sum(const uint8_t *bytes, size_t count)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < count; i++) {
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)sum;
}

/* Two ones' complement sums are equal when they differ by whole 0xffff: 0 is 0xffff. */
static unsigned normal(uint16_t sum)
{
	return sum == 0xffff ? 0 : sum;
}

static void the_fast_sum_is_the_obvious_one(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (size_t count = 0; count < 600; count++) {
		uint8_t *exact = malloc(count ? count : 1);
		uint16_t folded;
		uint8_t wire[2];

		assert_non_null(exact);
		for (size_t i = 0; i < count; i++) {
			seed = seed * 1103515245 + 12345;
			exact[i] = count % 3 ? (uint8_t)(seed >> 16) : 0xff; /* many carries */
		}
		folded = checksum_fold(checksum_add(0, exact, count));
		memcpy(wire, &folded, sizeof(wire));
		assert_int_equal(normal((uint16_t)(wire[0] << 8 | wire[1])),
				 normal(obvious_sum(exact, count)));
		free(exact);
	}
}

/* The checksum is worked out with the slow sum over a pseudo header that is written out here. */
static void a_right_checksum_is_good_for_both_versions(void **state)
{
	uint8_t segment[21] = {
		0x30, 0x39, 0x00, 0x50, [7] = 100, [12] = 0x50, [13] = 0x02, 0x20, 0x00, [20] = 0x80
	}; /* an odd length */
	static const uint8_t four[2][4] = { { 192, 168, 1, 1 }, { 192, 168, 1, 2 } };
	struct ip_address src[2] = { ip_address_v4(four[0]), { .bytes = { 0xfd, [15] = 1 } } };
	struct ip_address dst[2] = { ip_address_v4(four[1]), { .bytes = { 0xfd, [15] = 2 } } };

	(void)state;
	for (int v = 0; v < 2; v++) {
		uint8_t pseudo[40 + sizeof(segment)] = { 0 };
		unsigned sum;

		memcpy(pseudo, v ? src[v].bytes : src[v].bytes + 12, v ? 16 : 4);
		memcpy(pseudo + 16, v ? dst[v].bytes : dst[v].bytes + 12, v ? 16 : 4);
		pseudo[35] = sizeof(segment);
		pseudo[39] = 6;
		put16(segment + 16, 0);
		memcpy(pseudo + 40, segment, sizeof(segment));
		sum = (uint16_t)~obvious_sum(pseudo, sizeof(pseudo));
		put16(segment + 16, sum);
		assert_int_equal(checksum_tcp(&src[v], &dst[v], segment, sizeof(segment)),
				 CHECKSUM_GOOD);
		put16(segment + 16, sum + 1);
		assert_int_equal(checksum_tcp(&src[v], &dst[v], segment, sizeof(segment)),
				 CHECKSUM_BAD);
		put16(segment + 16, obvious_sum(pseudo, 40));
		assert_int_equal(checksum_tcp(&src[v], &dst[v], segment, sizeof(segment)),
				 CHECKSUM_PARTIAL);
		pseudo[35] = 0; /* large send offload leaves the length out */
		put16(segment + 16, obvious_sum(pseudo, 40));
		assert_int_equal(checksum_tcp(&src[v], &dst[v], segment, sizeof(segment)),
				 CHECKSUM_PARTIAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_fast_sum_is_the_obvious_one),
		cmocka_unit_test(a_right_checksum_is_good_for_both_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
