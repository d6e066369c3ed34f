/* SPDX-License-Identifier: BSD-2-Clause */
/* The short cut for plain frames against the walk: the same segments and counts, whatever comes. */
#include <stdlib.h>

#include "decode/checksum.h"
#include "decode/plain_bits_test.h"
#include "decode/stack_test.h"
#include "decode/walk.h"

#define FRAME_MOST 160
#define ROUNDS	   400000

struct made {
	uint8_t bytes[FRAME_MOST];
	size_t count;
	size_t ip; /* where its header starts */
};

struct shape {
	bool vlan, ipv6;
	const char *options; /* hexadecimal, whole words */
	unsigned payload;
};

static const struct shape shapes[] = {
	{ false, false, "", 0 },
	{ false, false, "", 30 },
	{ false, false, "0101080a0000000100000002", 12 },
	{ false, true, "0101080a0000000100000002", 0 },
	{ true, false, "020405b40402080a000000010000000001030307", 0 },
	{ true, true, "0101080a00000001000000020101050a0000100000002000", 7 },
	{ false, false, "1e0c008112345678000000001e08200011223344", 3 }, /* Multipath TCP */
};
#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

static void add(struct made *made, const void *bytes, size_t count)
{
	memcpy(made->bytes + made->count, bytes, count);
	made->count += count;
}

static size_t add_hex(struct made *made, const char *hex)
{
	size_t before = made->count;

	for (; hex[0] && hex[1]; hex += 2) {
		const char pair[3] = { hex[0], hex[1], '\0' };
		uint8_t byte = (uint8_t)strtoul(pair, NULL, 16);

		add(made, &byte, 1);
	}
	return made->count - before;
}

/* Set the checksum of an IPv4 header. */
static void sum_up_ip(struct made *made)
{
	uint16_t sum;

	memset(made->bytes + made->ip + 10, 0, sizeof(sum));
	sum = (uint16_t)~checksum_fold(checksum_add(0, made->bytes + made->ip, 20));
	memcpy(made->bytes + made->ip + 10, &sum, sizeof(sum));
}

/* IP header and length. @below: bytes of the TCP segment. */
static void add_ip(struct made *made, bool ipv6, uint16_t below)
{
	size_t at = made->ip = made->count;

	if (ipv6) {
		add_hex(made, "6003456700000640"
			      "20010db8000000000000000000000001"
			      "20010db8000000000000000000000002");
		made->bytes[at + 4] = (uint8_t)(below >> 8);
		made->bytes[at + 5] = (uint8_t)below;
		return;
	}
	add_hex(made, "45b8000012344000400600000a0000010a000002");
	made->bytes[at + 2] = (uint8_t)((below + 20) >> 8);
	made->bytes[at + 3] = (uint8_t)(below + 20);
	sum_up_ip(made);
}

/* Set the checksum of the TCP segment @at, to which the rest belongs. */
static void sum_up(struct made *made, size_t at, const struct shape *shape)
{
	size_t count = made->count - at, addresses = shape->ipv6 ? 32 : 8;
	uint8_t below[4] = { 0, 6, (uint8_t)(count >> 8), (uint8_t)count };
	uint64_t pseudo = checksum_add(checksum_add(0, below, sizeof(below)),
				       made->bytes + at - addresses, addresses);
	uint16_t sum = (uint16_t)~checksum_fold(checksum_add(pseudo, made->bytes + at, count));

	memcpy(made->bytes + at + 16, &sum, sizeof(sum));
}

static void make(struct made *made, const struct shape *shape)
{
	uint16_t options = (uint16_t)(strlen(shape->options) / 2);
	uint16_t bytes = (uint16_t)(20 + options + shape->payload);

	made->count = 0;
	add_hex(made, "020000000001020000000002");
	add_hex(made, shape->vlan ? "81006064" : "");
	add_hex(made, shape->ipv6 ? "86dd" : "0800");
	add_ip(made, shape->ipv6, bytes);

	size_t tcp = made->count;

	add_hex(made, "123400501122334455667788501800e700000000");
	made->bytes[tcp + 12] = (uint8_t)((20 + options) / 4 << 4);
	add_hex(made, shape->options);
	for (unsigned i = 0; i < shape->payload; i++)
		add(made, &(uint8_t){ (uint8_t)(i * 7) }, 1);
	sum_up(made, tcp, shape);
}

struct both {
	struct decoder *plain, *walked;
	struct segment_batch by_plain, by_walk;
};

/* Decode a copy of just the captured bytes, so that a sanitizer sees what is read behind them. */
static void compare(struct both *both, const struct made *made, size_t captured, size_t wire)
{
	uint8_t *bytes = malloc(captured ? captured : 1);
	struct frame frame = { .number = 9,
			       .time_ns = 5,
			       .bytes = bytes,
			       .captured_bytes = (uint32_t)captured,
			       .wire_bytes = (uint32_t)wire,
			       .link_type = 1 };

	assert_non_null(bytes);
	memcpy(bytes, made->bytes, captured);
	decode_batch_begin(both->plain, &both->by_plain);
	decode_batch_begin(both->walked, &both->by_walk);
	memset(&both->by_plain.segments[0], 0xa5, sizeof(struct segment));
	memset(&both->by_walk.segments[0], 0xa5, sizeof(struct segment));
	decode_frame(both->plain, &frame, &both->by_plain);
	both->walked->stats.frames++;
	walk_frame(both->walked, &frame, &both->by_walk);
	assert_int_equal(both->by_plain.count, both->by_walk.count);
	for (unsigned i = 0; i < both->by_plain.count; i++) {
		struct segment a = both->by_plain.segments[i], b = both->by_walk.segments[i];

		a.icmp = b.icmp = NULL;		    /* each of its own batch */
		if (a.what & SEGMENT_REASSEMBLED) { /* ... in its own memory */
			a.payload = b.payload;
			a.options = b.options;
		}
		if (!(a.what & SEGMENT_NOT_TCP)) {
			if (a.plain)
				assert_int_equal(a.plain, plain_bits(&a));
			assert_int_equal(b.plain, 0);
			a.plain = 0;
			assert_memory_equal(&a, &b, sizeof(a));
		}
		assert_int_equal(a.what, b.what);
	}
	assert_memory_equal(decoder_stats(both->plain), decoder_stats(both->walked),
			    sizeof(struct decode_stats));
	free(bytes);
}

static int begin(void **state)
{
	struct both *both = calloc(1, sizeof(*both));

	assert_non_null(both);
	both->plain = decoder_new(0);
	both->walked = decoder_new(0);
	assert_true(both->plain && both->walked);
	*state = both;
	return 0;
}

static int end(void **state)
{
	struct both *both = *state;

	decoder_free(both->plain);
	decoder_free(both->walked);
	free(both);
	return 0;
}

static void plain_shapes_take_the_short_cut(void **state)
{
	struct both *both = *state;

	for (size_t i = 0; i < SHAPES; i++) {
		struct made made;

		make(&made, &shapes[i]);
		struct frame frame = { .bytes = made.bytes,
				       .captured_bytes = (uint32_t)made.count,
				       .wire_bytes = (uint32_t)made.count,
				       .link_type = 1 };

		decode_batch_begin(both->plain, &both->by_plain);
		assert_true(plain_decode(both->plain, &frame, &both->by_plain.segments[0]));
		assert_int_equal(both->by_plain.segments[0].plain,
				 plain_bits(&both->by_plain.segments[0]));
	}
}

static void whole_and_cut_frames_are_the_same_both_ways(void **state)
{
	for (size_t i = 0; i < SHAPES; i++) {
		struct made made;

		make(&made, &shapes[i]);
		for (size_t captured = 0; captured <= made.count; captured++)
			for (size_t more = 0; more < 3; more++)
				compare(*state, &made, captured, captured + more * 40);
	}
}

static void changed_frames_are_the_same_both_ways(void **state)
{
	uint64_t random = 88172645463325252u;

	for (unsigned round = 0; round < ROUNDS; round++) {
		struct made made;

		make(&made, &shapes[round % SHAPES]);
		for (unsigned changes = round % 4; changes-- > 0;) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			made.bytes[(random >> 8) % made.count] = (uint8_t)random;
		}
		if (random & 1 && !shapes[round % SHAPES].ipv6)
			sum_up_ip(&made); /* what was changed looks meant */
		size_t captured = random % 5 ? made.count : (random >> 32) % (made.count + 1);

		compare(*state, &made, captured, captured + (random >> 16) % 3 * 20);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(plain_shapes_take_the_short_cut, begin, end),
		cmocka_unit_test_setup_teardown(whole_and_cut_frames_are_the_same_both_ways, begin,
						end),
		cmocka_unit_test_setup_teardown(changed_frames_are_the_same_both_ways, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
