/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/stack_test.h"

#include "decode/tcp_options.h"

/* Decode options that stand in a block of just their size; the segment keeps it until freed. */
static uint8_t *decode_options(struct segment *seg, const char *hex)
{
	static struct stack stack;
	uint8_t *exact;
	size_t bytes;

	stack.start = STACK_ROOM;
	stack_push_hex(&stack, hex);
	bytes = stack_bytes(&stack);
	exact = malloc(bytes ? bytes : 1);
	assert_non_null(exact);
	memcpy(exact, stack.room + stack.start, bytes);
	*seg = (struct segment){ .options = exact, .options_bytes = (uint8_t)bytes };

	struct cursor in = cursor_over(exact, bytes);

	tcp_options_decode(&in, seg);
	return exact;
}

static const struct {
	const char *hex;
	unsigned seen;
} cases[] = {
	{ "", 0 },
	{ "01 01 01 01", 0 },
	{ "00 02 04 05 b4", 0 }, /* nothing counts behind the end */
	{ "02 04 05b4", TCP_HAS_MSS },
	{ "01 03 03 07", TCP_HAS_WINDOW_SCALE },
	{ "04 02 01 01", TCP_HAS_SACK_PERMITTED },
	{ "01 01 05 0a 00000001 00000002", TCP_HAS_SACK },
	{ "01 01 08 0a 00000001 00000002", TCP_HAS_TIMESTAMPS },
	{ "13 12 00000000000000000000000000000000", TCP_HAS_MD5 },
	{ "1c 04 8005", TCP_HAS_USER_TIMEOUT },
	{ "1d 10 0102 000000000000000000000000", TCP_HAS_AO },
	{ "1e 04 81 05", TCP_HAS_MPTCP },
	{ "22 02", TCP_HAS_FAST_OPEN },
	{ "22 0a 0102030405060708", TCP_HAS_FAST_OPEN },
	{ "fe 0c f989 0102030405060708", TCP_HAS_FAST_OPEN },
	{ "fd 04 f989", TCP_HAS_FAST_OPEN },
	{ "fe 04 e2d4", TCP_HAS_UNKNOWN },
	{ "ac 0b 000001 000001 000001", TCP_HAS_UNKNOWN }, /* accurate ECN has no bit */
	{ "99 04 0000", TCP_HAS_UNKNOWN },
	{ "02 03 05", TCP_HAS_MALFORMED }, /* a length that MSS cannot have */
	{ "03 04 0707", TCP_HAS_MALFORMED },
	{ "05 0b 00000000 00000000 00", TCP_HAS_MALFORMED }, /* not whole blocks */
	{ "02 00", TCP_HAS_MALFORMED },
	{ "02 01", TCP_HAS_MALFORMED },
	{ "02", TCP_HAS_MALFORMED },	     /* no length at all */
	{ "08 0a 0000", TCP_HAS_MALFORMED }, /* longer than what is there */
	{ "02 04 05b4 08 00", TCP_HAS_MSS | TCP_HAS_MALFORMED },
	{ "02 04 05b4 99 00 03 03 07", TCP_HAS_MSS | TCP_HAS_MALFORMED },
	{ "02 04 05b4 04 02 08 0a 00000001 00000002 01 03 03 07",
	  TCP_HAS_MSS | TCP_HAS_SACK_PERMITTED | TCP_HAS_TIMESTAMPS | TCP_HAS_WINDOW_SCALE },
};

static void each_option_sets_its_bit(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct segment seg;
		uint8_t *exact = decode_options(&seg, cases[i].hex);

		if (seg.options_seen != cases[i].seen)
			fail_msg("\"%s\" gives %#x, not %#x", cases[i].hex, seg.options_seen,
				 cases[i].seen);
		free(exact);
	}
}

static void values_are_read(void **state)
{
	struct segment seg;
	uint8_t *exact = decode_options(&seg, "02 04 0218 03 03 ff 08 0a 80000001 7fffffff "
					      "1e 04 81 05 1e 0c 01 81 0000000000000000");

	(void)state;
	assert_int_equal(seg.mss, 536);
	assert_int_equal(seg.window_scale, 255); /* as sent, however large */
	assert_int_equal(seg.tsval, 0x80000001);
	assert_int_equal(seg.tsecr, 0x7fffffff);
	assert_int_equal(seg.mptcp_subtypes, 1u << 8 | 1u << 0);
	free(exact);
}

static void sack_blocks_come_in_the_order_sent(void **state)
{
	struct sack_block blocks[SACK_BLOCKS_MOST];
	struct segment seg;
	uint8_t *exact = decode_options(&seg, "01 01 05 1a 00000001 00000002 fffffff0 00000010 "
					      "00000005 00000009");

	(void)state;
	assert_int_equal(segment_sack_blocks(&seg, blocks), 3);
	assert_int_equal(blocks[0].left.raw, 1);
	assert_int_equal(blocks[0].right.raw, 2);
	assert_int_equal(blocks[1].left.raw, 0xfffffff0);
	assert_int_equal(blocks[1].right.raw, 16);
	assert_int_equal(blocks[2].left.raw, 5);
	free(exact);

	exact = decode_options(&seg, "02 04 05b4");
	assert_int_equal(segment_sack_blocks(&seg, blocks), 0);
	free(exact);
}

static void a_reset_reason_is_found_behind_other_options(void **state)
{
	static const struct {
		const char *hex;
		int reason;
	} resets[] = {
		{ "1e 04 80 05", 5 },	     { "1e 08 20 00 00000000 01 1e 04 81 02", 2 },
		{ "1e 03 80", -1 }, /* no room for a reason */
		{ "1e 04 20 05", -1 },	     { "02 04 05b4", -1 },
		{ "1e 00 1e 04 80 05", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(resets) / sizeof(resets[0]); i++) {
		struct segment seg;
		uint8_t *exact = decode_options(&seg, resets[i].hex);

		assert_int_equal(segment_mptcp_reset_reason(&seg), resets[i].reason);
		free(exact);
	}
}

/* All pairs of kind and length in front of little: nothing outside is read, nothing hangs. */
static void no_kind_and_length_lead_outside(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < 256; kind++) {
		for (unsigned length = 0; length < 64; length++) {
			struct sack_block blocks[SACK_BLOCKS_MOST];
			char hex[64];
			struct segment seg;
			uint8_t *exact;

			snprintf(hex, sizeof(hex), "%02x %02x 0102030405060708", kind, length);
			exact = decode_options(&seg, hex);
			if (kind > 1 && (length < 2 || length > 10))
				assert_true(seg.options_seen & TCP_HAS_MALFORMED);
			assert_true(segment_sack_blocks(&seg, blocks) <= 1);
			assert_true(segment_mptcp_reset_reason(&seg) >= -1);
			free(exact);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_option_sets_its_bit),
		cmocka_unit_test(values_are_read),
		cmocka_unit_test(sack_blocks_come_in_the_order_sent),
		cmocka_unit_test(a_reset_reason_is_found_behind_other_options),
		cmocka_unit_test(no_kind_and_length_lead_outside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
