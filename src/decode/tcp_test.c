/* SPDX-License-Identifier: BSD-2-Clause */
/* What a segment holds: lengths, cuts, odd offsets, checksums, and what IP said. */
#include "decode/stack_test.h"

#define ETHERNET_BYTES 14
#define IP4_BYTES      20
#define TCP_PLACE      (ETHERNET_BYTES + IP4_BYTES)

static struct stack stack;
static struct decoded decoded;

/* The plain frame: Ethernet, IPv4, TCP with five bytes. */
static uint8_t *plain(void)
{
	stack_build(&stack, "eth 0800 | ip4 6");
	return stack.room + stack.start;
}

static const struct segment *decode_plain(const uint8_t *frame, size_t captured, size_t wire)
{
	struct frame about = {
		.number = 3, .time_ns = 5, .wire_bytes = (uint32_t)wire, .link_type = 1
	};

	decoded_frame(&decoded, about, frame, captured);
	assert_int_equal(decoded.batch.count, 1);
	return &decoded.batch.segments[0];
}

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

static void every_field_comes_from_its_place(void **state)
{
	/* CWR and all other bits, AE and reserved bits, urgent pointer, ToS, fragment bits */
	static const uint8_t tcp[] = { 0x12, 0x34, 0x00, 0x50, 0xde, 0xad, 0xbe, 0xef, 0x01, 0x02,
				       0x03, 0x04, 0x5b, 0xff, 0xab, 0xcd, 0x55, 0xaa, 0x77, 0x88 };
	uint8_t *frame = plain();
	const struct segment *seg;

	(void)state;
	memcpy(frame + TCP_PLACE, tcp, sizeof(tcp));
	frame[15] = 0xb8;
	seg = decode_plain(frame, stack_bytes(&stack), stack_bytes(&stack));
	assert_int_equal(seg->src_port, 0x1234);
	assert_int_equal(seg->dst_port, 80);
	assert_int_equal(seg->seq.raw, 0xdeadbeef);
	assert_int_equal(seg->ack.raw, 0x01020304);
	assert_int_equal(seg->header_bytes, 20);
	assert_int_equal(seg->flags_reserved, 0x0b);
	assert_int_equal(seg->flags, 0xff);
	assert_int_equal(seg->window, 0xabcd);
	assert_int_equal(seg->tcp_checksum, 0x55aa);
	assert_int_equal(seg->urgent, 0x7788);
	assert_int_equal(seg->ip_tos, 0xb8);
	assert_int_equal(seg->ip_id, 7);
	assert_int_equal(seg->ttl, 64);
	assert_int_equal(seg->ip_bytes, 45);
	assert_int_equal(seg->frame, 3);
	assert_int_equal(seg->time_ns, 5);
	assert_int_equal(seg->layer, 0);
	assert_int_equal(seg->path, 0);
	assert_int_equal(seg->encapsulation, 0);
	assert_null(seg->icmp);
	assert_null(seg->options);
	assert_int_equal(seg->src.bytes[15], 1);
	assert_int_equal(seg->dst.bytes[15], 2);
	assert_true(ip_address_is_v4(&seg->src));
	assert_true(seg->what & SEGMENT_DONT_FRAGMENT);
	assert_true(seg->what & SEGMENT_IP_SUM_BAD); /* the ToS was changed */
}

static void padding_behind_the_ip_length_is_no_payload(void **state)
{
	uint8_t padded[80] = { 0 };
	const struct segment *seg;

	(void)state;
	memcpy(padded, plain(), stack_bytes(&stack));
	seg = decode_plain(padded, sizeof(padded), sizeof(padded));
	assert_int_equal(seg->payload_bytes, 5);
	assert_int_equal(seg->payload_captured, 5);
}

static void a_link_checksum_is_no_payload(void **state)
{
	uint8_t *frame = plain();
	struct frame about = { .number = 1,
			       .wire_bytes = (uint32_t)stack_bytes(&stack),
			       .link_type = 1,
			       .fcs_bytes = 4 };

	(void)state;
	put16(frame + 16, 0); /* no total length: the rest of the frame */
	decoded_frame(&decoded, about, frame, stack_bytes(&stack));
	assert_int_equal(decoded.batch.segments[0].payload_bytes, 1);
}

static void a_total_length_of_zero_is_the_rest_of_the_frame(void **state)
{
	uint8_t *frame = plain();
	const struct segment *seg;

	(void)state;
	put16(frame + 16, 0);
	seg = decode_plain(frame, stack_bytes(&stack), stack_bytes(&stack));
	assert_true(seg->what & SEGMENT_LENGTH_ZERO);
	assert_int_equal(seg->payload_bytes, 5);
	assert_int_equal(seg->ip_bytes, 45);
}

static void a_total_length_beyond_the_frame_is_limited_to_it(void **state)
{
	uint8_t *frame = plain();
	const struct segment *seg;

	(void)state;
	put16(frame + 16, 1500);
	seg = decode_plain(frame, stack_bytes(&stack), stack_bytes(&stack));
	assert_true(seg->what & SEGMENT_LENGTH_OVER);
	assert_false(seg->what & SEGMENT_TCP_SUM_KNOWN);
	assert_int_equal(seg->payload_bytes, 5);
	assert_int_equal(seg->ip_bytes, 1500);
}

static void ipv6_without_payload_length_is_no_tcp(void **state)
{
	(void)state;
	stack_build(&stack, "eth 86dd | ip6 6");
	put16(stack.room + stack.start + ETHERNET_BYTES + 4, 0);
	decoded_stack(&decoded, &stack, 1);
	assert_int_equal(decoded_count(&decoded, DECODE_IP_BAD), 1);
	assert_int_equal(decoded.batch.segments[0].what, SEGMENT_NOT_TCP);
}

static void an_ipv4_header_with_options_is_passed_over(void **state)
{
	const struct segment *seg;

	(void)state;
	/* length 49, header of 6 words, router alert, checksum left 0 */
	stack_build(&stack,
		    "eth 0800 | 46 00 0031 0000 0000 40 06 0000 0a000001 0a000002 94040000");
	decoded_stack(&decoded, &stack, 1);
	seg = &decoded.batch.segments[0];
	assert_int_equal(seg->src_port, 40000);
	assert_int_equal(seg->payload_bytes, 5);
	assert_true(seg->what & SEGMENT_IP_SUM_BAD);
	assert_int_equal(decoder_stats(decoded.decoder)->ip_checksum_bad, 1);
}

static void a_home_address_replaces_the_source(void **state)
{
	(void)state;
	stack_build(&stack, "eth 86dd | ip6 60 | 0602 0102 0000 c910 "
			    "fd0000000000000000000000000000aa");
	decoded_stack(&decoded, &stack, 1);
	assert_int_equal(decoded.batch.segments[0].src.bytes[15], 0xaa);
	assert_int_equal(decoded.batch.segments[0].dst.bytes[15], 2);
}

static void segments_left_replace_the_destination(void **state)
{
	static const struct {
		const char *header;
		uint8_t last; /* byte of the destination */
	} cases[] = {
		{ "0602 00 01 00000000", 0xaa }, /* type 0 */
		{ "0602 02 01 00000000", 0xaa }, /* mobile */
		{ "0602 04 01 00000000", 0xaa }, /* segment routing */
		{ "0602 00 00 00000000", 2 },	 /* none left: it has arrived */
		{ "0602 00 02 00000000", 2 },	 /* more left than there are */
		{ "0602 01 01 00000000", 2 },	 /* another type */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char layers[256];

		snprintf(layers, sizeof(layers), "eth 86dd | ip6 43 | %s %s", cases[i].header,
			 "fd0000000000000000000000000000aa");
		stack_build(&stack, layers);
		decoded_stack(&decoded, &stack, 1);
		assert_int_equal(decoded.batch.segments[0].dst.bytes[15], cases[i].last);
	}
}

static void a_jumbo_payload_is_as_long_as_its_option_says(void **state)
{
	/* next header TCP; jumbo option with 66028: this header, TCP, payload */
	static const uint8_t jumbo[8] = { 6, 0, 0xc2, 4, 0, 1, 1, 0xec };
	static uint8_t frame[ETHERNET_BYTES + 40 + 8 + 20 + 66000];
	const struct segment *seg;
	uint8_t *ip = frame + ETHERNET_BYTES;

	(void)state;
	put16(frame + 12, 0x86dd);
	ip[0] = 0x60; /* length 0, hop-by-hop, 64 hops */
	ip[7] = 64;
	memcpy(ip + 40, jumbo, sizeof(jumbo));
	ip[48 + 12] = 0x50;
	seg = decode_plain(frame, sizeof(frame), sizeof(frame));
	assert_int_equal(seg->payload_bytes, 66000);
	assert_int_equal(seg->ip_bytes, 40 + 66028);
}

static void an_offset_below_five_words_is_flagged(void **state)
{
	(void)state;
	for (unsigned words = 0; words < 5; words++) {
		uint8_t *frame = plain();
		const struct segment *seg;

		frame[TCP_PLACE + 12] = (uint8_t)(words << 4);
		seg = decode_plain(frame, stack_bytes(&stack), stack_bytes(&stack));
		assert_true(seg->what & SEGMENT_OFFSET_SMALL);
		assert_int_equal(seg->header_bytes, words * 4);
		assert_int_equal(seg->payload_bytes, STACK_SEGMENT_BYTES - words * 4);
		assert_int_equal(seg->options_bytes, 0);
	}
}

static void an_offset_beyond_the_segment_is_flagged(void **state)
{
	uint8_t *frame = plain();
	const struct segment *seg;

	(void)state;
	frame[TCP_PLACE + 12] = 0xf0;
	seg = decode_plain(frame, stack_bytes(&stack), stack_bytes(&stack));
	assert_true(seg->what & SEGMENT_OFFSET_LARGE);
	assert_int_equal(seg->payload_bytes, 0);
	assert_null(seg->payload);
}

/* 16 bytes or more by the IP length, but fewer than 20: as if cut, and the offset cannot be right.
 */
static void a_segment_shorter_than_a_header_is_flagged_or_refused(void **state)
{
	(void)state;
	for (unsigned bytes = 0; bytes < 20; bytes++) {
		uint8_t *frame = plain();
		const struct segment *seg;

		put16(frame + 16, IP4_BYTES + bytes);
		seg = decode_plain(frame, stack_bytes(&stack), stack_bytes(&stack));
		if (bytes < 16) {
			assert_int_equal(seg->what, SEGMENT_NOT_TCP);
			continue;
		}
		assert_true(seg->what & SEGMENT_OFFSET_LARGE);
		assert_true(seg->what & SEGMENT_HEADER_CUT);
		assert_null(seg->options);
	}
	assert_int_equal(decoded_count(&decoded, DECODE_TCP_BAD), 16);
}

/* A SYN with MSS, SACK permitted, time stamps and window scale: 40 header bytes. */
static const uint8_t syn[] = {
	0x9c, 0x40, 0x23, 0x28, 0x00, 0x00, 0x03, 0xe8, 0x00, 0x00, 0x00, 0x00, 0xa0, 0x02,
	0xfa, 0xf0, 0x00, 0x00, 0x00, 0x00, 0x02, 0x04, 0x05, 0xb4, 0x04, 0x02, 0x08, 0x0a,
	0x00, 0x00, 0x00, 0x64, 0x00, 0x00, 0x00, 0x00, 0x01, 0x03, 0x03, 0x07,
};

/* The options that end at or before a number of header bytes have been read, no other. */
static void options_before_a_cut_are_kept(void **state)
{
	uint8_t frame[TCP_PLACE + sizeof(syn)];

	(void)state;
	memcpy(frame, plain(), TCP_PLACE);
	put16(frame + 16, IP4_BYTES + sizeof(syn));
	memcpy(frame + TCP_PLACE, syn, sizeof(syn));
	for (size_t kept = 16; kept <= sizeof(syn); kept++) {
		const struct segment *seg = decode_plain(frame, TCP_PLACE + kept, sizeof(frame));
		unsigned expected = (kept >= 24 ? TCP_HAS_MSS : 0u) |
				    (kept >= 26 ? TCP_HAS_SACK_PERMITTED : 0u) |
				    (kept >= 36 ? TCP_HAS_TIMESTAMPS : 0u) |
				    (kept >= 40 ? TCP_HAS_WINDOW_SCALE : 0u) |
				    (kept >= 20 && kept < 40 ? TCP_HAS_OPTIONS_CUT : 0u);

		assert_int_equal(seg->options_seen, expected);
		assert_int_equal(!(seg->what & SEGMENT_HEADER_CUT), kept == sizeof(syn));
		assert_int_equal(seg->header_bytes, 40);
		assert_int_equal(seg->options == NULL, kept < 20);
		assert_int_equal(seg->options_bytes, kept < 20 ? 0 : kept - 20);
		assert_int_equal(seg->payload_bytes, 0);
		assert_int_equal(seg->mss, kept >= 24 ? 1460 : 0);
		assert_int_equal(seg->window_scale, kept >= 40 ? 7 : 0);
		assert_int_equal(seg->tsval, kept >= 36 ? 100 : 0);
	}
	assert_int_equal(decoder_stats(decoded.decoder)->header_cut, sizeof(syn) - 16);
}

/* The checksum that the plain frame's bytes ask for, found by trying. */
static unsigned right_checksum(uint8_t *frame)
{
	for (unsigned sum = 0; sum < 0x10000; sum++) {
		struct ip_address src = ip_address_v4(frame + 26), dst = ip_address_v4(frame + 30);

		put16(frame + TCP_PLACE + 16, sum);
		if (checksum_tcp(&src, &dst, frame + TCP_PLACE, STACK_SEGMENT_BYTES) ==
		    CHECKSUM_GOOD)
			return sum;
	}
	fail_msg("no checksum is right");
	return 0;
}

static void a_checksum_is_judged_only_when_all_bytes_are_there(void **state)
{
	uint8_t *frame = plain();
	unsigned good = right_checksum(frame);
	const struct segment *seg;
	size_t bytes = stack_bytes(&stack);

	(void)state;
	/* 0x0a00 + 1, 0x0a00 + 2, 6, 25: what Linux leaves for the card to finish */
	const unsigned partial = 0x0a00 + 1 + 0x0a00 + 2 + 6 + 25;

	put16(frame + TCP_PLACE + 16, good);
	seg = decode_plain(frame, bytes, bytes);
	assert_int_equal(seg->what & (SEGMENT_TCP_SUM_KNOWN | SEGMENT_TCP_SUM_BAD),
			 SEGMENT_TCP_SUM_KNOWN);
	seg = decode_plain(frame, bytes - 1, bytes);
	assert_false(seg->what & SEGMENT_TCP_SUM_KNOWN);

	put16(frame + TCP_PLACE + 16, good ^ 0x0101);
	seg = decode_plain(frame, bytes, bytes);
	assert_int_equal(seg->what & (SEGMENT_TCP_SUM_BAD | SEGMENT_TCP_SUM_PARTIAL),
			 SEGMENT_TCP_SUM_BAD);

	put16(frame + TCP_PLACE + 16, partial);
	seg = decode_plain(frame, bytes, bytes);
	assert_true(seg->what & SEGMENT_TCP_SUM_BAD);
	assert_true(seg->what & SEGMENT_TCP_SUM_PARTIAL);
	put16(frame + TCP_PLACE + 16, ~partial);
	assert_true(decode_plain(frame, bytes, bytes)->what & SEGMENT_TCP_SUM_PARTIAL);
	assert_int_equal(decoder_stats(decoded.decoder)->tcp_checksum_bad, 3);
	assert_int_equal(decoder_stats(decoded.decoder)->tcp_checksum_partial, 2);
}

/*
 * The short way of plain segments against the long one: a segment whose options are padded time
 * stamps, and the same with the two NOPs behind them, must come out alike but for the options.
 */
static void the_short_way_and_the_long_one_agree(void **state)
{
	static const uint8_t options[2][12] = {
		{ 1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8 },
		{ 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1 },
	};
	struct segment got[2];

	(void)state;
	for (size_t payload = 0; payload < 40; payload++) {
		for (int i = 0; i < 2; i++) {
			uint8_t frame[TCP_PLACE + 32 + 40] = { 0 };

			memcpy(frame, plain(), TCP_PLACE + 20);
			put16(frame + 16, (unsigned)(IP4_BYTES + 32 + payload));
			frame[TCP_PLACE + 12] = 0x80;
			memcpy(frame + TCP_PLACE + 20, options[i], 12);
			got[i] = *decode_plain(frame, TCP_PLACE + 32 + payload,
					       TCP_PLACE + 32 + payload);
			assert_int_equal(got[i].payload == NULL, payload == 0);
			assert_int_equal(got[i].options_bytes, 12);
			got[i].payload = NULL;
			got[i].options = NULL;
		}
		assert_int_equal(got[0].tsval, 0x01020304);
		assert_int_equal(got[0].payload_bytes, payload);
		assert_memory_equal(&got[0], &got[1], offsetof(struct segment, payload));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_field_comes_from_its_place, begin, end),
		cmocka_unit_test_setup_teardown(padding_behind_the_ip_length_is_no_payload, begin,
						end),
		cmocka_unit_test_setup_teardown(a_link_checksum_is_no_payload, begin, end),
		cmocka_unit_test_setup_teardown(a_total_length_of_zero_is_the_rest_of_the_frame,
						begin, end),
		cmocka_unit_test_setup_teardown(a_total_length_beyond_the_frame_is_limited_to_it,
						begin, end),
		cmocka_unit_test_setup_teardown(ipv6_without_payload_length_is_no_tcp, begin, end),
		cmocka_unit_test_setup_teardown(an_ipv4_header_with_options_is_passed_over, begin,
						end),
		cmocka_unit_test_setup_teardown(a_home_address_replaces_the_source, begin, end),
		cmocka_unit_test_setup_teardown(segments_left_replace_the_destination, begin, end),
		cmocka_unit_test_setup_teardown(a_jumbo_payload_is_as_long_as_its_option_says,
						begin, end),
		cmocka_unit_test_setup_teardown(an_offset_below_five_words_is_flagged, begin, end),
		cmocka_unit_test_setup_teardown(an_offset_beyond_the_segment_is_flagged, begin,
						end),
		cmocka_unit_test_setup_teardown(
			a_segment_shorter_than_a_header_is_flagged_or_refused, begin, end),
		cmocka_unit_test_setup_teardown(options_before_a_cut_are_kept, begin, end),
		cmocka_unit_test_setup_teardown(a_checksum_is_judged_only_when_all_bytes_are_there,
						begin, end),
		cmocka_unit_test_setup_teardown(the_short_way_and_the_long_one_agree, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
