/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/time.h"
#include "source/capture_builder.h"
#include "source/input.h"

#define MICROSECONDS UINT32_C(0xa1b2c3d4)
#define NANOSECONDS  UINT32_C(0xa1b23c4d)
#define MODIFIED     UINT32_C(0xa1b2cd34)
#define SECOND_NS    (INT64_C(1700000000) * NSEC_PER_SEC) /* of all packets made here */

static void read_capture(struct reading *reading, struct capture *capture)
{
	read_memory(reading, capture->bytes, capture->count, NULL);
	capture_clear(capture);
}

static void each_byte_order_and_time_unit_is_read(void **state)
{
	static const struct {
		uint32_t magic;
		bool big_endian;
		int64_t time_ns;
	} cases[] = {
		{ MICROSECONDS, false, SECOND_NS + 123456000 },
		{ MICROSECONDS, true, SECOND_NS + 123456000 },
		{ NANOSECONDS, false, SECOND_NS + 123456 },
		{ NANOSECONDS, true, SECOND_NS + 123456 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct capture capture = { .big_endian = cases[i].big_endian };
		struct reading got;

		pcap_begin(&capture, cases[i].magic, 113);
		pcap_put(&capture, 123456, 7, 60, 1500);
		read_capture(&got, &capture);
		assert_int_equal(got.err.kind, ERR_NONE);
		assert_int_equal(got.count, 1);
		assert_int_equal(got.frames[0].number, 1);
		assert_true(got.frames[0].time_ns == cases[i].time_ns);
		assert_int_equal(got.frames[0].captured_bytes, 60);
		assert_int_equal(got.frames[0].wire_bytes, 1500);
		assert_int_equal(got.frames[0].link_type, 113);
		assert_int_equal(got.frames[0].fcs_bytes, 0);
		assert_int_equal(got.frames[0].bytes[0], 7);
		assert_int_equal(got.frames[0].bytes[59], 66);
		assert_int_equal(got.stats.cut_frames, 1);
		assert_int_equal(got.interfaces[0].snap_bytes, 65535);
		assert_int_equal(got.interfaces[0].frames, 1);
		assert_string_equal(got.names[0], "|");
		reading_clear(&got);
	}
}

static void seconds_after_2038_are_not_negative(void **state)
{
	struct capture capture = { 0 };
	struct reading got;

	(void)state;
	pcap_begin(&capture, MICROSECONDS, 1);
	capture_put32(&capture, UINT32_MAX);
	capture_put32(&capture,
		      UINT32_MAX); /* more than a second of microseconds: taken as it is */
	capture_put32(&capture, 0);
	capture_put32(&capture, 0);
	read_capture(&got, &capture);
	assert_true(got.frames[0].time_ns ==
		    UINT32_MAX * NSEC_PER_SEC + UINT32_MAX * NSEC_PER_USEC);
	assert_int_equal(got.frames[0].captured_bytes, 0);
	reading_clear(&got);
}

static void modified_records_have_eight_bytes_more(void **state)
{
	struct capture capture = { 0 };
	struct reading got;

	(void)state;
	pcap_begin(&capture, MODIFIED, 1);
	for (int i = 0; i < 2; i++) {
		capture_put32(&capture, 1700000000);
		capture_put32(&capture, 1);
		capture_put32(&capture, 20);
		capture_put32(&capture, 20);
		capture_put64(&capture, UINT64_MAX); /* interface, protocol, packet type */
		capture_put_packet(&capture, 40, 20);
	}
	read_capture(&got, &capture);
	assert_int_equal(got.err.kind, ERR_NONE);
	assert_int_equal(got.count, 2);
	assert_int_equal(got.frames[1].bytes[0], 40);
	reading_clear(&got);
}

static void old_versions_may_have_the_lengths_swapped(void **state)
{
	(void)state;
	for (uint8_t minor = 0; minor <= 4; minor++) {
		struct capture capture = { 0 };
		struct reading got;

		pcap_begin(&capture, MICROSECONDS, 1);
		capture.bytes[6] = minor;
		for (int i = 0; i < 2; i++) { /* first swapped, then not */
			capture_put32(&capture, 1700000000);
			capture_put32(&capture, 0);
			capture_put32(&capture, i == 0 ? 90 : 30);
			capture_put32(&capture, i == 0 ? 30 : 90);
			capture_put_packet(&capture, 1, 30);
		}
		read_capture(&got, &capture);
		if (minor <= 3) {
			assert_int_equal(got.err.kind, ERR_NONE);
			assert_int_equal(got.count, 2);
			assert_int_equal(got.frames[0].captured_bytes, 30);
			assert_int_equal(got.frames[0].wire_bytes, 90);
			assert_int_equal(got.frames[1].captured_bytes, 30);
		} else { /* 90 bytes are taken, and the rest is no record */
			assert_int_equal(got.err.kind, ERR_INPUT);
			assert_int_equal(got.count, 0);
		}
		reading_clear(&got);
	}
}

static void more_captured_than_on_the_wire_is_tolerated(void **state)
{
	struct capture capture = { 0 };
	struct reading got;

	(void)state;
	pcap_begin(&capture, MICROSECONDS, 1);
	pcap_put(&capture, 0, 1, 60, 40);
	read_capture(&got, &capture);
	assert_int_equal(got.frames[0].captured_bytes, 60);
	assert_int_equal(got.frames[0].wire_bytes, 60);
	assert_int_equal(got.stats.cut_frames, 0);
	reading_clear(&got);
}

static void the_link_word_gives_type_and_fcs(void **state)
{
	static const struct {
		uint32_t word;
		unsigned link_type, fcs_bytes;
		const char *what;
	} cases[] = {
		{ 0x00000001, 1, 0, NULL },
		{ 0x24000001, 1, 4, NULL },
		{ 0x20000001, 1, 0, NULL }, /* a length that is not said to be there */
		{ 0xf4000114, 276, 30, NULL },
		{ 0x0000ffff, 65535, 0, NULL },
		{ 0x00300000, 0, 0,
		  "the reserved bits of the link type are not zero (0x00300000)" },
		{ 0x02000001, 0, 0,
		  "the reserved bits of the link type are not zero (0x02000000)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct capture capture = { 0 };
		struct reading got;

		pcap_begin(&capture, MICROSECONDS, cases[i].word);
		pcap_put(&capture, 0, 1, 60, 60);
		read_capture(&got, &capture);
		if (cases[i].what) {
			assert_int_equal(got.open_err.kind, ERR_INPUT);
			assert_string_equal(got.open_err.what, cases[i].what);
		} else {
			assert_int_equal(got.frames[0].link_type, cases[i].link_type);
			assert_int_equal(got.frames[0].fcs_bytes, cases[i].fcs_bytes);
		}
		reading_clear(&got);
	}
}

static void other_major_versions_are_refused(void **state)
{
	struct capture capture = { .big_endian = true };
	struct reading got;

	(void)state;
	pcap_begin(&capture, MICROSECONDS, 1);
	capture.bytes[5] = 1;
	read_capture(&got, &capture);
	assert_int_equal(got.open_err.kind, ERR_INPUT);
	assert_string_equal(got.open_err.what, "pcap version 1.4 is not known; it must be 2.x");
	assert_string_equal(got.open_err.where, "memory, byte 0");
}

/* The limit itself is read, one byte more is damage; USB captures may hold more. */
static void the_captured_length_has_a_limit(void **state)
{
	static const struct {
		uint16_t link_type;
		uint32_t most;
	} cases[] = { { 1, 262144 }, { 249, 134217728 }, { 279, 8388608 } };

	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(captured_bytes_most(cases[i].link_type), cases[i].most);

	struct capture capture = { 0 };
	struct reading got;

	pcap_begin(&capture, MICROSECONDS, 1);
	pcap_put(&capture, 0, 1, 262144, 262144);
	pcap_put(&capture, 0, 1, 10, 10);
	pcap_put(&capture, 0, 1, 262145, 262145);
	read_capture(&got, &capture);
	assert_int_equal(got.count, 2);
	assert_int_equal(got.frames[0].captured_bytes, 262144);
	assert_int_equal(got.err.kind, ERR_INPUT);
	assert_string_equal(got.err.what,
			    "packet 3 claims 262145 captured bytes; the limit is 262144");
	assert_string_equal(got.err.where, "memory, after packet 2, byte 262210");
	assert_string_equal(got.err.fix,
			    "the file is damaged from here; what came before was read");
	reading_clear(&got);
}

static void a_packet_larger_than_the_buffer_is_read(void **state)
{
	struct capture capture = { 0 };
	struct reading got;

	(void)state;
	pcap_begin(&capture, MICROSECONDS, 249);
	pcap_put(&capture, 0, 1, 10, 10);
	pcap_put(&capture, 0, 2, 3000000, 3000000);
	pcap_put(&capture, 0, 3, 10, 10);
	read_as_file(&got, capture.bytes, capture.count);
	assert_int_equal(got.err.kind, ERR_NONE);
	assert_int_equal(got.count, 3);
	assert_int_equal(got.frames[1].bytes[2999999], (2 + 2999999) & 0xff);
	assert_int_equal(got.frames[2].bytes[9], 12);
	capture_clear(&capture);
	reading_clear(&got);
}

/* 300 packets are more than a batch, so their order over batches shows too. */
static void many_packets_keep_their_order(void **state)
{
	struct capture capture = { 0 };
	struct reading got;

	(void)state;
	pcap_begin(&capture, NANOSECONDS, 1);
	for (uint32_t i = 0; i < 300; i++)
		pcap_put(&capture, i, (uint8_t)i, i % 70, 70);
	read_capture(&got, &capture);
	assert_int_equal(got.count, 300);
	for (uint32_t i = 0; i < 300; i++) {
		assert_int_equal(got.frames[i].number, i + 1);
		assert_true(got.frames[i].time_ns == SECOND_NS + i);
		assert_int_equal(got.frames[i].captured_bytes, i % 70);
		if (i % 70 > 0)
			assert_int_equal(got.frames[i].bytes[0], (uint8_t)i);
	}
	assert_int_equal(got.stats.frames, 300);
	reading_clear(&got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_byte_order_and_time_unit_is_read),
		cmocka_unit_test(seconds_after_2038_are_not_negative),
		cmocka_unit_test(modified_records_have_eight_bytes_more),
		cmocka_unit_test(old_versions_may_have_the_lengths_swapped),
		cmocka_unit_test(more_captured_than_on_the_wire_is_tolerated),
		cmocka_unit_test(the_link_word_gives_type_and_fcs),
		cmocka_unit_test(other_major_versions_are_refused),
		cmocka_unit_test(the_captured_length_has_a_limit),
		cmocka_unit_test(a_packet_larger_than_the_buffer_is_read),
		cmocka_unit_test(many_packets_keep_their_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
