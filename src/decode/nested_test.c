/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets inside packets: what ICMP errors quote, what tunnels and samples leave in a segment. */
#include "decode/stack_test.h"

static struct stack stack;
static struct decoded decoded;

static int begin(void **state)
{
	(void)state;
	decoded_begin(&decoded, 0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	decoded_end(&decoded);
	return 0;
}

static const struct segment *decode_layers(const char *layers)
{
	stack_build(&stack, layers);
	decoded_stack(&decoded, &stack, 101);
	return &decoded.batch.segments[0];
}

static void errors_quote_and_other_messages_do_not(void **state)
{
	(void)state;
	for (unsigned type = 0; type < 256; type++) {
		bool v4 = type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
		bool v6 = type >= 1 && type <= 4;
		char layers[64];

		snprintf(layers, sizeof(layers), "ip4 1 | %02x01 0000 00000000 | ip4 6", type);
		assert_int_equal(decode_layers(layers)->what & SEGMENT_QUOTED,
				 v4 ? SEGMENT_QUOTED : 0);
		snprintf(layers, sizeof(layers), "ip6 58 | %02x01 0000 00000000 | ip6 6", type);
		assert_int_equal(decode_layers(layers)->what & SEGMENT_QUOTED,
				 v6 ? SEGMENT_QUOTED : 0);
	}
	assert_int_equal(decoded_count(&decoded, DECODE_QUOTED), 9);
	assert_int_equal(decoded_count(&decoded, DECODE_TCP), 0);
}

static void the_error_says_who_what_and_how_large(void **state)
{
	const struct segment *seg = decode_layers("ip4 1 | 0304 0000 0000 05b0 | ip4 6");

	(void)state;
	assert_non_null(seg->icmp);
	assert_int_equal(seg->icmp->version, 4);
	assert_int_equal(seg->icmp->type, 3);
	assert_int_equal(seg->icmp->code, 4);
	assert_int_equal(seg->icmp->mtu_bytes, 1456);
	assert_int_equal(seg->icmp->ttl, 64);
	assert_int_equal(seg->icmp->quoted_bytes, STACK_SEGMENT_BYTES);
	assert_int_equal(seg->icmp->sender.bytes[15], 1);
	assert_int_equal(seg->icmp->target.bytes[15], 2);
	assert_int_equal(seg->payload_bytes, STACK_PAYLOAD_BYTES);
	assert_false(seg->what & SEGMENT_TCP_SUM_KNOWN);

	seg = decode_layers("ip6 58 | 0200 0000 0000 0500 | ip6 6");
	assert_int_equal(seg->icmp->version, 6);
	assert_int_equal(seg->icmp->mtu_bytes, 1280);
}

/* Quote as much of the segment as @quoted bytes; the quoted IP length speaks of all of it. */
static const struct segment *decode_quote(size_t quoted)
{
	uint8_t whole[20 + STACK_SEGMENT_BYTES];

	stack_build(&stack, "ip4 6");
	memcpy(whole, stack.room + stack.start, sizeof(whole));
	stack.start = STACK_ROOM;
	stack_push(&stack, whole, 20 + quoted);
	stack_push_hex(&stack, "0b00 0000 00000000");
	stack_push_ip4(&stack, 1);
	decoded_stack(&decoded, &stack, 101);
	return &decoded.batch.segments[0];
}

static void eight_quoted_bytes_are_enough(void **state)
{
	(void)state;
	for (size_t quoted = 0; quoted <= STACK_SEGMENT_BYTES; quoted++) {
		const struct segment *seg = decode_quote(quoted);

		if (quoted < 8) {
			assert_int_equal(seg->what, SEGMENT_NOT_TCP);
			continue;
		}
		assert_true(seg->what & SEGMENT_QUOTED);
		assert_int_equal(seg->icmp->quoted_bytes, quoted);
		assert_int_equal(seg->src_port, 40000);
		assert_int_equal(seg->seq.raw, 1000);
		assert_int_equal(seg->ack.raw, quoted >= 12 ? 0x7d0 : quoted == 11 ? 0x700 : 0);
		assert_int_equal(!(seg->what & SEGMENT_HEADER_CUT), quoted >= 20);
		assert_int_equal(seg->header_bytes, quoted > 12 ? 20 : 0);
		assert_int_equal(seg->payload_bytes, quoted > 12 ? STACK_PAYLOAD_BYTES : 0);
	}
	assert_int_equal(decoded_count(&decoded, DECODE_TCP_CUT), 8);
}

/* RFC 4884: the quote is 24 bytes long (6 words), what follows belongs to the error. */
static void what_extends_the_error_is_not_quoted(void **state)
{
	const struct segment *seg =
		decode_layers("ip4 1 | 0b00 0000 00 06 0000 | "
			      "45 00 0200 0000 0000 4006 0000 0a000002 0a000001 | "
			      "0102 0304");

	(void)state;
	assert_int_equal(seg->what, SEGMENT_NOT_TCP);
	assert_int_equal(decoded_count(&decoded, DECODE_TCP_CUT), 1);
}

static void an_error_about_an_error_is_left(void **state)
{
	(void)state;
	decode_layers("ip4 1 | 0301 0000 00000000 | ip4 1 | 0301 0000 00000000 | ip4 6");
	assert_int_equal(decoded.batch.segments[0].what, SEGMENT_NOT_TCP);
	assert_int_equal(decoded.batch.icmp_count, 0);
}

/* Both directions of a tunnel: the same layers, the outer addresses swapped. */
static void decode_both_ways(const char *layers, struct segment got[2])
{
	for (int i = 0; i < 2; i++) {
		uint8_t swap[4];
		uint8_t *ip;

		stack_build(&stack, layers);
		ip = stack.room + stack.start;
		if (i == 1) {
			memcpy(swap, ip + 12, 4);
			memcpy(ip + 12, ip + 16, 4);
			memcpy(ip + 16, swap, 4);
		}
		decoded_stack(&decoded, &stack, 101);
		got[i] = decoded.batch.segments[0];
		assert_false(got[i].what & SEGMENT_NOT_TCP);
	}
}

static void a_path_is_the_same_for_both_directions(void **state)
{
	static const struct {
		const char *layers;
		bool one_encapsulation; /* for Zeek */
		bool foreign;
	} tunnels[] = {
		{ "ip4 4 | ip4 6", true, false },
		{ "ip4 47 | 00000800 | ip4 6", true, false },
		{ "ip4 17 | udp 4789 | 08000000 00000500 | eth 0800 | ip4 6", true, false },
		{ "ip4 17 | udp 6081 | 00006558 00000500 | eth 0800 | ip4 6", false, false },
		{ "ip4 17 | udp 2152 | 30ff 002d 00000001 | ip4 6", false, false },
		{ "ip4 17 | udp 3544 | ip6 6", false, false },
		{ "ip4 97 | 3000 | eth 0800 | ip4 6", false, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(tunnels) / sizeof(tunnels[0]); i++) {
		struct segment got[2];

		decode_both_ways(tunnels[i].layers, got);
		assert_int_not_equal(got[0].path >> 16, 0);
		assert_int_equal(got[0].path & 0xffff, 0);
		assert_int_equal(got[0].path, got[1].path);
		assert_int_not_equal(got[0].encapsulation, 0);
		assert_int_equal(got[0].encapsulation == got[1].encapsulation,
				 tunnels[i].one_encapsulation);
		assert_int_equal((got[0].encapsulation & SEGMENT_ENCAPSULATION_FOREIGN) != 0,
				 tunnels[i].foreign);
		assert_int_equal(got[0].encapsulation & SEGMENT_ENCAPSULATION_SAMPLED, 0);
	}
}

static uint32_t path_on_ethernet(const char *layers)
{
	stack_build(&stack, layers);
	decoded_stack(&decoded, &stack, 1);
	assert_false(decoded.batch.segments[0].what & SEGMENT_NOT_TCP);
	return decoded.batch.segments[0].path;
}

static void tags_make_another_path_but_no_tunnel(void **state)
{
	uint32_t plain = path_on_ethernet("eth 0800 | ip4 6");
	uint32_t five = path_on_ethernet("eth 8100 | 0005 0800 | ip4 6");
	uint32_t six = path_on_ethernet("eth 8100 | 0006 0800 | ip4 6");
	uint32_t both = path_on_ethernet("eth 88a8 | 0005 8100 0006 0800 | ip4 6");
	uint32_t label = path_on_ethernet("eth 8847 | 00010140 | ip4 6");

	(void)state;
	assert_int_equal(plain, 0);
	assert_true(five != 0 && five != six && five != both && six != both && label != 0);
	assert_int_equal((five | six | both | label) >> 16, 0);
	/* the priority is no part of the id, another label is no other path */
	assert_int_equal(path_on_ethernet("eth 8100 | e005 0800 | ip4 6"), five);
	assert_int_equal(path_on_ethernet("eth 8847 | 00020140 | ip4 6"), label);
}

/* An sFlow datagram of two samples with one header each, the second from another port. */
static void samples_come_in_order_and_are_marked(void **state)
{
	const struct segment *seg;
	uint8_t inner[59];

	(void)state;
	stack_build(&stack, "eth 0800 | ip4 6");
	assert_int_equal(stack_bytes(&stack), sizeof(inner));
	memcpy(inner, stack.room + stack.start, sizeof(inner));
	stack.start = STACK_ROOM;
	for (int i = 1; i >= 0; i--) { /* from the back */
		inner[35] = (uint8_t)(0x40 + i);
		stack_push(&stack, (const uint8_t *)"\0", 1); /* padding */
		stack_push(&stack, inner, sizeof(inner));
		stack_push_hex(&stack, "00000001 0000004c 00000001 00000400 00000004 0000003b");
		stack_push_hex(&stack, "00000001 00000074 00000001 00000001 00000001 00000001 "
				       "00000000 00000001 00000002 00000001");
	}
	stack_push_hex(&stack, "00000005 00000001 01020304 00000000 00000001 00000001 00000002");
	stack_push_udp(&stack, 6343);
	stack_push_ip4(&stack, 17);
	decoded_stack(&decoded, &stack, 101);

	assert_int_equal(decoded.batch.count, 2);
	for (unsigned i = 0; i < 2; i++) {
		seg = &decoded.batch.segments[i];
		assert_int_equal(seg->src_port, 40000 + i);
		assert_int_equal(seg->layer, i);
		assert_true(seg->encapsulation & SEGMENT_ENCAPSULATION_SAMPLED);
		assert_true(seg->encapsulation & SEGMENT_ENCAPSULATION_FOREIGN);
		assert_int_equal(seg->payload_bytes, STACK_PAYLOAD_BYTES);
	}
}

/* Two frames aggregated in one of 802.11. */
static void aggregated_frames_are_read_one_by_one(void **state)
{
	uint8_t inner[20 + STACK_SEGMENT_BYTES];

	(void)state;
	stack_build(&stack, "ip4 6");
	memcpy(inner, stack.room + stack.start, sizeof(inner));
	stack.start = STACK_ROOM;
	for (int i = 0; i < 2; i++) {
		if (i == 1)
			stack_push(&stack, (const uint8_t *)"\0\0\0", 1); /* 67 + 1 */
		stack_push(&stack, inner, sizeof(inner));
		stack_push_hex(&stack, "020000000001 020000000002 0035 aaaa03 000000 0800");
	}
	stack_push_hex(&stack, "8801 0000 020000000001 020000000002 020000000003 0000 8000");
	decoded_stack(&decoded, &stack, 105);
	assert_int_equal(decoded.batch.count, 2);
	assert_int_equal(decoded.batch.segments[0].src_port, 40000);
	assert_int_equal(decoded.batch.segments[1].src_port, 40000);
	assert_int_equal(decoded.batch.segments[1].layer, 1);
}

/* A frame of very many aggregated headers: the limit holds, the rest is counted. */
static void no_frame_gives_more_than_the_limit(void **state)
{
	uint8_t inner[20 + STACK_SEGMENT_BYTES];

	(void)state;
	stack_build(&stack, "ip4 6");
	memcpy(inner, stack.room + stack.start, sizeof(inner));
	stack.start = STACK_ROOM;
	for (int i = 0; i < SEGMENT_FRAME_MOST + 8; i++) {
		stack_push(&stack, (const uint8_t *)"\0\0\0", 1);
		stack_push(&stack, inner, sizeof(inner));
		stack_push_hex(&stack, "020000000001 020000000002 0035 aaaa03 000000 0800");
	}
	stack_push_hex(&stack, "8801 0000 020000000001 020000000002 020000000003 0000 8000");
	decoded_stack(&decoded, &stack, 105);
	assert_int_equal(decoded.batch.count, SEGMENT_FRAME_MOST);
	assert_int_equal(decoded_count(&decoded, DECODE_TOO_MANY), 8);
}

/* Source: IEEE 802.3br: the checksum tells a whole frame from a piece. */
static void a_piece_of_a_preempted_frame_is_left(void **state)
{
	static const struct {
		const char *preamble;
		bool good_sum;
		bool read;
	} cases[] = {
		{ "55555555555555d5", false, true },  /* express: its sum is nobody's business */
		{ "55555555555555e6", true, true },   /* could be preempted, was not */
		{ "55555555555555e6", false, false }, /* the first piece */
		{ "5555555555555561", true, false },  /* a later piece */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t inner[59], frame[59 + 4 + 8];
		uint32_t crc = UINT32_MAX;

		stack_build(&stack, "eth 0800 | ip4 6");
		memcpy(inner, stack.room + stack.start, sizeof(inner));
		for (size_t at = 0; at < sizeof(inner) * 8; at++) {
			bool bit = (crc ^ (uint32_t)inner[at / 8] >> at % 8) & 1;

			crc = crc >> 1 ^ (bit ? 0xedb88320 : 0);
		}
		crc = ~crc ^ (cases[i].good_sum ? 0 : 0xffff);
		stack.start = STACK_ROOM;
		for (int byte = 3; byte >= 0; byte--)
			stack_push(&stack, (uint8_t[]){ (uint8_t)(crc >> 8 * byte) }, 1);
		stack_push(&stack, inner, sizeof(inner));
		stack_push_hex(&stack, cases[i].preamble);
		assert_int_equal(stack_bytes(&stack), sizeof(frame));
		decoded_stack(&decoded, &stack, 274);
		assert_int_equal(!(decoded.batch.segments[0].what & SEGMENT_NOT_TCP),
				 cases[i].read);
	}
}

/* Headers of instruments, 802.11 checksums: the four bytes at the end are no payload. */
static void checksums_at_the_end_are_taken_off(void **state)
{
	static const struct {
		uint16_t link_type;
		const char *front;
	} cases[] = {
		{ 240, "00100000 020000000001 020000000002 0800" },
		{ 241, "00100000 55555555555555d5 020000000001 020000000002 0800" },
		{ 274, "55555555555555d5 020000000001 020000000002 0800" },
		{ 127, "00001100 03000000 0000000000000000 10 "
		       "0801 0000 020000000001 020000000002 020000000003 0000 aaaa03 000000 0800" },
		{ 192, "00002000 69000000 0200 1400 0000000000000000 0100 000000000000 00000000 "
		       "0801 0000 020000000001 020000000002 020000000003 0000 aaaa03 000000 0800" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		stack_build(&stack, "ip4 6");
		stack.room[stack.start + 2] = 0; /* no total length: the frame decides */
		stack.room[stack.start + 3] = 0;
		stack_push_hex(&stack, cases[i].front);
		decoded_stack(&decoded, &stack, cases[i].link_type);
		assert_false(decoded.batch.segments[0].what & SEGMENT_NOT_TCP);
		assert_int_equal(decoded.batch.segments[0].payload_bytes, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(errors_quote_and_other_messages_do_not, begin, end),
		cmocka_unit_test_setup_teardown(the_error_says_who_what_and_how_large, begin, end),
		cmocka_unit_test_setup_teardown(eight_quoted_bytes_are_enough, begin, end),
		cmocka_unit_test_setup_teardown(what_extends_the_error_is_not_quoted, begin, end),
		cmocka_unit_test_setup_teardown(an_error_about_an_error_is_left, begin, end),
		cmocka_unit_test_setup_teardown(a_path_is_the_same_for_both_directions, begin, end),
		cmocka_unit_test_setup_teardown(tags_make_another_path_but_no_tunnel, begin, end),
		cmocka_unit_test_setup_teardown(samples_come_in_order_and_are_marked, begin, end),
		cmocka_unit_test_setup_teardown(aggregated_frames_are_read_one_by_one, begin, end),
		cmocka_unit_test_setup_teardown(no_frame_gives_more_than_the_limit, begin, end),
		cmocka_unit_test_setup_teardown(a_piece_of_a_preempted_frame_is_left, begin, end),
		cmocka_unit_test_setup_teardown(checksums_at_the_end_are_taken_off, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
