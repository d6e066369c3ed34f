/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/time.h"
#include "source/capture_builder.h"

#define SECOND_NS (INT64_C(1700000000) * NSEC_PER_SEC)
#define TICKS_US  (UINT64_C(1700000000) * 1000000)

static void read_capture(struct reading *reading, struct capture *capture)
{
	read_memory(reading, capture->bytes, capture->count, NULL);
	capture_clear(capture);
}

/* An interface description that takes options until block_end(). */
static size_t interface_begin(struct capture *capture, uint16_t link_type, uint32_t snap_bytes)
{
	size_t start = block_begin(capture, 1);

	capture_put16(capture, link_type);
	capture_put16(capture, 0);
	capture_put32(capture, snap_bytes);
	return start;
}

/* An enhanced packet of 21 bytes that takes options until block_end(). */
static size_t enhanced_begin(struct capture *capture, uint32_t interface)
{
	size_t start = block_begin(capture, 6);

	capture_put32(capture, interface);
	capture_put32(capture, (uint32_t)(TICKS_US >> 32));
	capture_put32(capture, (uint32_t)TICKS_US);
	capture_put32(capture, 21);
	capture_put32(capture, 90);
	capture_put_packet(capture, 5, 21);
	capture_pad4(capture);
	return start;
}

static void option_put32(struct capture *capture, uint16_t code, uint32_t value)
{
	capture_put16(capture, code);
	capture_put16(capture, 4);
	capture_put32(capture, value);
}

static void a_named_interface_and_a_packet_are_read(void **state)
{
	(void)state;
	for (int order = 0; order < 2; order++) {
		struct capture capture = { .big_endian = order == 1 };
		struct reading got;
		size_t start;

		section_put(&capture);
		start = interface_begin(&capture, 113, 96);
		option_put(&capture, 2, "eth0", 4);
		option_put(&capture, 3, "uplink", 7); /* some count the final NUL in */
		option_put(&capture, 11, "\0tcp", 4);
		option_put(&capture, 1, "a comment", 9);
		option_put_end(&capture);
		block_end(&capture, start);
		start = enhanced_begin(&capture, 0);
		option_put(&capture, 1, "another", 7);
		option_put_end(&capture);
		block_end(&capture, start);
		read_capture(&got, &capture);
		assert_int_equal(got.err.kind, ERR_NONE);
		assert_int_equal(got.count, 1);
		assert_true(got.frames[0].time_ns == SECOND_NS);
		assert_int_equal(got.frames[0].captured_bytes, 21);
		assert_int_equal(got.frames[0].wire_bytes, 90);
		assert_int_equal(got.frames[0].bytes[20], 25);
		assert_int_equal(got.frames[0].link_type, 113);
		assert_string_equal(got.names[0], "eth0|uplink");
		assert_int_equal(got.interfaces[0].snap_bytes, 96);
		assert_int_equal(got.interfaces[0].link_type, 113);
		assert_int_equal(got.stats.comments, 2);
		assert_false(got.stats.drops_known);
		reading_clear(&got);
	}
}

/* One packet per resolution and offset; what does not fit into 64-bit nanoseconds has no time. */
static void times_follow_resolution_and_offset(void **state)
{
	static const struct {
		uint8_t resolution;
		int64_t offset_seconds;
		uint64_t ticks;
		int64_t time_ns;
	} cases[] = {
		{ 6, 0, TICKS_US + 1, SECOND_NS + 1000 },
		{ 9, 0, 1700000000000000001, SECOND_NS + 1 },
		{ 0, 0, 1700000000, SECOND_NS },
		{ 3, 0, 1700000000123, SECOND_NS + 123000000 },
		{ 12, 0, 1700000000001999, 1700000000001 },
		{ 19, 0, UINT64_MAX, 1844674407 },
		{ 127, 0, UINT64_MAX, 0 },
		{ 0x80, 0, 1700000000, SECOND_NS },
		{ 0x80 | 1, 0, 3, 1500000000 },
		{ 0x80 | 20, 0, UINT64_C(1700000000) << 20 | 1, SECOND_NS + 953 },
		{ 0x80 | 32, 0, UINT64_C(1700000000) << 32 | UINT64_C(0x80000000),
		  SECOND_NS + 500000000 },
		{ 0x80 | 63, 0, UINT64_C(3) << 62, 1500000000 },
		{ 0x80 | 127, 0, UINT64_MAX, 0 },
		{ 6, 3600, 5, 3600 * NSEC_PER_SEC + 5000 },
		{ 6, -1, 1000, -NSEC_PER_SEC + NSEC_PER_MSEC },
		{ 6, 0, UINT64_MAX, TIME_NONE },
		{ 0, 0, UINT64_C(1) << 33, TIME_NONE },
		{ 0, 0, UINT64_C(1) << 63, TIME_NONE }, /* 0 in the lower 64 bits of nanoseconds */
		{ 6, INT64_MAX, 0, TIME_NONE },
		{ 6, INT64_MIN, 0, TIME_NONE },
		{ 0x80, 0, UINT64_MAX, TIME_NONE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct capture capture = { .big_endian = i % 2 == 1 };
		struct reading got;
		size_t start;

		section_put(&capture);
		start = interface_begin(&capture, 1, 0);
		option_put(&capture, 9, &cases[i].resolution, 1);
		option_put64(&capture, 14, (uint64_t)cases[i].offset_seconds);
		block_end(&capture, start);
		enhanced_put(&capture, 0, cases[i].ticks, 1, 20);
		read_capture(&got, &capture);
		assert_int_equal(got.count, 1);
		if (got.frames[0].time_ns != cases[i].time_ns)
			fail_msg("case %zu gives %lld", i, (long long)got.frames[0].time_ns);
		assert_int_equal(got.stats.no_time, cases[i].time_ns == TIME_NONE);
		reading_clear(&got);
	}
}

static void the_fcs_length_comes_from_interface_or_packet(void **state)
{
	static const struct {
		uint8_t interface_fcs; /* if_fcslen: bits by the text, bytes by usage */
		uint32_t packet_flags;
		unsigned fcs_bytes;
	} cases[] = {
		{ 0, 0, 0 },	   { 4, 0, 4 },	     { 32, 0, 4 },
		{ 16, 0, 2 },	   { 4, 2 << 5, 2 }, { 0, 4 << 5 | 0xfe1f, 4 },
		{ 32, 0xfe1f, 4 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct capture capture = { 0 };
		struct reading got;
		size_t start;

		section_put(&capture);
		start = interface_begin(&capture, 1, 0);
		option_put(&capture, 13, &cases[i].interface_fcs, 1);
		block_end(&capture, start);
		start = enhanced_begin(&capture, 0);
		option_put32(&capture, 2, cases[i].packet_flags);
		block_end(&capture, start);
		read_capture(&got, &capture);
		assert_int_equal(got.frames[0].fcs_bytes, cases[i].fcs_bytes);
		reading_clear(&got);
	}
}

static void simple_packets_have_no_time_and_the_first_interface(void **state)
{
	static const struct {
		uint32_t snap_bytes, wire_bytes, in_block, captured_bytes;
	} cases[] = {
		{ 0, 33, 36, 33 },    /* all of it */
		{ 20, 33, 20, 20 },   /* cut by the snap length */
		{ 1000, 33, 20, 20 }, /* cut, though the interface does not say so */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct capture capture = { 0 };
		struct reading got;
		size_t start;

		section_put(&capture);
		interface_put(&capture, 101, cases[i].snap_bytes);
		interface_put(&capture, 1, 0);
		start = block_begin(&capture, 3);
		capture_put32(&capture, cases[i].wire_bytes);
		capture_put_packet(&capture, 9, cases[i].in_block);
		block_end(&capture, start);
		read_capture(&got, &capture);
		assert_int_equal(got.err.kind, ERR_NONE);
		assert_int_equal(got.count, 1);
		assert_true(got.frames[0].time_ns == TIME_NONE);
		assert_int_equal(got.frames[0].captured_bytes, cases[i].captured_bytes);
		assert_int_equal(got.frames[0].wire_bytes, 33);
		assert_int_equal(got.frames[0].link_type, 101);
		assert_int_equal(got.stats.no_time, 1);
		reading_clear(&got);
	}
}

/* Two obsolete blocks: 3 packets lost before the first, unknown (0xffff) before the second. */
static void obsolete_packets_are_read_with_their_drops(void **state)
{
	struct capture capture = { .big_endian = true };
	struct reading got;

	(void)state;
	section_put(&capture);
	interface_put(&capture, 1, 0);
	interface_put(&capture, 9, 0);
	for (int i = 0; i < 2; i++) {
		size_t start = block_begin(&capture, 2);

		capture_put16(&capture, 1);
		capture_put16(&capture, i == 0 ? 3 : 0xffff);
		capture_put32(&capture, (uint32_t)(TICKS_US >> 32));
		capture_put32(&capture, (uint32_t)TICKS_US);
		capture_put32(&capture, 13);
		capture_put32(&capture, 14);
		capture_put_packet(&capture, 1, 13);
		capture_pad4(&capture);
		option_put(&capture, 1, "x", 1);
		block_end(&capture, start);
	}
	read_capture(&got, &capture);
	assert_int_equal(got.err.kind, ERR_NONE);
	assert_int_equal(got.count, 2);
	assert_int_equal(got.frames[1].link_type, 9);
	assert_int_equal(got.frames[1].wire_bytes, 14);
	assert_true(got.frames[1].time_ns == SECOND_NS);
	assert_int_equal(got.stats.comments, 2);
	assert_true(got.stats.drops_known);
	assert_int_equal(got.stats.dropped, 3);
	assert_false(got.interfaces[0].drops_known);
	assert_int_equal(got.interfaces[1].dropped, 3);
	reading_clear(&got);
}

/* The latest statistics count, and outweigh what single packets said; no counters, no drops. */
static void statistics_say_what_was_dropped(void **state)
{
	struct capture capture = { 0 };
	struct reading got;
	size_t start;

	(void)state;
	section_put(&capture);
	interface_put(&capture, 1, 0);
	interface_put(&capture, 1, 0);
	interface_put(&capture, 1, 0);
	start = enhanced_begin(&capture, 0);
	option_put64(&capture, 4, 5);
	block_end(&capture, start);
	start = enhanced_begin(&capture, 2);
	option_put64(&capture, 4, 5);
	option_put64(&capture, 4, 6);
	block_end(&capture, start);
	for (uint64_t dropped = 1; dropped <= 2; dropped++) {
		start = block_begin(&capture, 5);
		capture_put32(&capture, 0);
		capture_put64(&capture, 0);
		capture_put16(&capture, 3); /* until when: two words, the high one first */
		capture_put16(&capture, 8);
		capture_put32(&capture, 0);
		capture_put32(&capture, (uint32_t)(60000000 + dropped));
		option_put64(&capture, 4, 1000); /* received */
		option_put64(&capture, 5, dropped * 10);
		option_put64(&capture, 7, dropped);
		option_put_end(&capture);
		block_end(&capture, start);
	}
	start = block_begin(&capture, 5);
	capture_put32(&capture, 1);
	capture_put64(&capture, 0);
	block_end(&capture, start);
	read_capture(&got, &capture);
	assert_int_equal(got.err.kind, ERR_NONE);
	assert_int_equal(got.interfaces[0].dropped, 22);
	assert_true(got.interfaces[0].drops_known);
	assert_false(got.interfaces[1].drops_known);
	assert_int_equal(got.interfaces[2].dropped, 11);
	assert_int_equal(got.stats.dropped, 33);
	assert_int_equal(got.interfaces[0].end_ns, INT64_C(60000002000)); /* the latest */
	assert_int_equal(got.interfaces[1].end_ns, TIME_NONE);
	assert_int_equal(got.stats.end_ns, TIME_NONE); /* one that gave frames does not say */
	reading_clear(&got);
}

/*
 * Blocks that are no packets stand between packets, one type after the other. Those that Wireshark
 * numbers use up a frame number.
 */
static void other_blocks_are_skipped_and_counted(void **state)
{
	static const struct {
		uint32_t type;
		bool numbered;
	} cases[] = {
		{ 0x00000004, false }, /* name resolution */
		{ 0x00000007, false }, /* IRIG time stamp */
		{ 0x00000008, false }, /* ARINC 429 */
		{ 0x00000009, true },  /* systemd journal */
		{ 0x0000000a, false }, /* decryption secrets */
		{ 0x00000101, false }, /* Hone project */
		{ 0x00000202, false }, /* Sysdig process list */
		{ 0x00000204, true },  /* Sysdig event */
		{ 0x00000216, true },  { 0x00000221, true },
		{ 0x00000bad, true },  /* custom, to be copied */
		{ 0x40000bad, true },  /* custom, not to be copied */
		{ 0x80000001, false }, /* process information, local use */
		{ 0xffffffff, false },
	};
	struct capture capture = { 0 };
	struct reading got;
	uint64_t number = 0;

	(void)state;
	section_put(&capture);
	interface_put(&capture, 1, 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t start = block_begin(&capture, cases[i].type);

		capture_put_packet(&capture, 0, i * 7);
		block_end(&capture, start);
		enhanced_put(&capture, 0, TICKS_US, (uint8_t)i, 20);
	}
	read_capture(&got, &capture);
	assert_int_equal(got.err.kind, ERR_NONE);
	assert_int_equal(got.count, sizeof(cases) / sizeof(cases[0]));
	assert_int_equal(got.stats.blocks_skipped, sizeof(cases) / sizeof(cases[0]));
	for (unsigned i = 0; i < got.count; i++) {
		number += cases[i].numbered ? 2 : 1;
		assert_int_equal(got.frames[i].number, number);
		assert_int_equal(got.frames[i].bytes[0], i);
	}
	reading_clear(&got);
}

/* A skipped block of 3 MB, more than the buffer holds, from a file. */
static void large_blocks_are_skipped_without_holding_them(void **state)
{
	struct capture capture = { 0 };
	struct reading got;
	size_t start;

	(void)state;
	section_put(&capture);
	interface_put(&capture, 1, 0);
	start = block_begin(&capture, 0x0000000a);
	capture_put_packet(&capture, 0, 3000000);
	block_end(&capture, start);
	enhanced_put(&capture, 0, TICKS_US, 3, 20);
	read_as_file(&got, capture.bytes, capture.count);
	assert_int_equal(got.err.kind, ERR_NONE);
	assert_int_equal(got.count, 1);
	assert_int_equal(got.frames[0].bytes[0], 3);
	assert_int_equal(got.stats.bytes, capture.count);
	reading_clear(&got);
	capture.bytes[start + 8 + 3000000] ^= 1; /* its length at the end */
	read_as_file(&got, capture.bytes, capture.count);
	assert_int_equal(got.err.kind, ERR_INPUT);
	assert_int_equal(got.count, 0);
	capture_clear(&capture);
	reading_clear(&got);
}

/* Each section has a byte order and interfaces of its own; the list keeps all of them. */
static void sections_start_afresh(void **state)
{
	struct capture capture = { 0 };
	struct reading got;

	(void)state;
	for (uint16_t i = 0; i < 3; i++) {
		capture.big_endian = i == 1;
		section_put(&capture);
		interface_put(&capture, 100 + i, 0);
		enhanced_put(&capture, 0, TICKS_US + i, (uint8_t)i, 20);
	}
	section_put(&capture);
	enhanced_put(&capture, 0, TICKS_US, 0, 20); /* the old interface is gone */
	read_capture(&got, &capture);
	assert_int_equal(got.count, 3);
	assert_int_equal(got.interface_count, 3);
	for (uint16_t i = 0; i < 3; i++) {
		assert_int_equal(got.frames[i].interface, i);
		assert_int_equal(got.frames[i].link_type, 100 + i);
		assert_int_equal(got.frames[i].number, i + 1);
		assert_true(got.frames[i].time_ns == SECOND_NS + i * NSEC_PER_USEC);
	}
	assert_int_equal(got.err.kind, ERR_INPUT);
	assert_string_equal(got.err.what, "packet 4 names interface 0 of a section with 0");
	reading_clear(&got);
}

/* Old writers leave the padding out of the length; the next block still starts after it. */
static void lengths_without_padding_are_understood(void **state)
{
	struct capture capture = { 0 };
	struct reading got;
	size_t start;

	(void)state;
	section_put(&capture);
	interface_put(&capture, 1, 0);
	start = capture.count;
	enhanced_put(&capture, 0, TICKS_US, 1, 21);
	capture.bytes[start + 4] -= 3;
	capture.bytes[capture.count - 4] -= 3;
	enhanced_put(&capture, 0, TICKS_US, 2, 21);
	read_capture(&got, &capture);
	assert_int_equal(got.err.kind, ERR_NONE);
	assert_int_equal(got.count, 2);
	reading_clear(&got);
}

/* One damage each, at an offset from the start of a block of 21 captured bytes without options. */
static void damage_is_named_after_what_came_before(void **state)
{
	static const struct {
		size_t at;
		uint32_t value;
		const char *what;
	} cases[] = {
		{ 4, 11, "a block of type 0x00000006 claims 11 bytes; it may have 32 to 16777216" },
		{ 4, 31, "a block of type 0x00000006 claims 31 bytes; it may have 32 to 16777216" },
		{ 4, 0xfffffff0,
		  "a block of type 0x00000006 claims 4294967280 bytes; "
		  "it may have 32 to 16777216" },
		{ 4, 1000, "the input ends inside a block; 872 bytes are missing" },
		{ 8, 1, "packet 2 names interface 1 of a section with 1" },
		{ 20, 25, "packet 2 claims 25 captured bytes; its block has room for 24" },
		{ 20, 262145, "packet 2 claims 262145 captured bytes; the limit is 262144" },
		{ 20, 0, "an option (code 513) claims 1027 bytes; its block has 20 left" },
		{ 52, 57,
		  "a block of type 0x00000006 has the length 56 at its start and 57 at its "
		  "end" },
		{ 0, 0x0a0d0d0a,
		  "a section header has the byte-order magic 0x00000000 instead of 0x1a2b3c4d" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct capture capture = { 0 };
		struct reading got;
		size_t start, end;

		section_put(&capture);
		interface_put(&capture, 1, 0);
		enhanced_put(&capture, 0, TICKS_US, 1, 20);
		start = capture.count;
		enhanced_put(&capture, 0, TICKS_US, 1, 21);
		enhanced_put(&capture, 0, TICKS_US, 9, 40);
		end = capture.count;
		capture.count = start + cases[i].at;
		capture_put32(&capture, cases[i].value);
		capture.count = end;
		read_capture(&got, &capture);
		assert_int_equal(got.count, 1);
		assert_int_equal(got.err.kind, ERR_INPUT);
		assert_string_equal(got.err.what, cases[i].what);
		assert_string_equal(got.err.where, "memory, after packet 1, byte 100");
		assert_true(got.err.fix[0] != '\0');
		reading_clear(&got);
	}
}

/* Each option stands in an interface description; its length does not fit what it is. */
static void options_of_a_wrong_length_are_damage(void **state)
{
	static const struct {
		uint16_t code, bytes;
	} cases[] = { { 9, 2 }, { 9, 0 }, { 13, 4 }, { 14, 4 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct capture capture = { 0 };
		struct reading got;
		size_t start;

		section_put(&capture);
		start = interface_begin(&capture, 1, 0);
		option_put(&capture, cases[i].code, "\0\0\0\0\0\0\0", cases[i].bytes);
		block_end(&capture, start);
		read_capture(&got, &capture);
		assert_int_equal(got.err.kind, ERR_INPUT);
		assert_string_equal(got.err.where, "memory, byte 28");
		reading_clear(&got);
	}
}

static void other_versions_and_headless_files_are_refused(void **state)
{
	struct capture capture = { 0 };
	struct reading got;

	(void)state;
	section_put(&capture);
	capture.bytes[12] = 2;
	read_capture(&got, &capture);
	assert_string_equal(got.open_err.what, "pcapng version 2.0 is not known; it must be 1.x");
	interface_put(&capture, 1, 0);
	read_capture(&got, &capture);
	assert_int_equal(got.open_err.kind, ERR_INPUT);
	assert_string_equal(got.open_err.what, "not a capture: it begins with 01 00 00 00");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_named_interface_and_a_packet_are_read),
		cmocka_unit_test(times_follow_resolution_and_offset),
		cmocka_unit_test(the_fcs_length_comes_from_interface_or_packet),
		cmocka_unit_test(simple_packets_have_no_time_and_the_first_interface),
		cmocka_unit_test(obsolete_packets_are_read_with_their_drops),
		cmocka_unit_test(statistics_say_what_was_dropped),
		cmocka_unit_test(other_blocks_are_skipped_and_counted),
		cmocka_unit_test(large_blocks_are_skipped_without_holding_them),
		cmocka_unit_test(sections_start_afresh),
		cmocka_unit_test(lengths_without_padding_are_understood),
		cmocka_unit_test(damage_is_named_after_what_came_before),
		cmocka_unit_test(options_of_a_wrong_length_are_damage),
		cmocka_unit_test(other_versions_and_headless_files_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
