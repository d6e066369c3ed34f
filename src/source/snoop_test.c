/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/time.h"
#include "source/capture_builder.h"

static void read_capture(struct reading *reading, struct capture *capture)
{
	read_memory(reading, capture->bytes, capture->count, NULL);
	capture_clear(capture);
}

/* Lengths of every remainder by 4, so that padding of 0 to 3 bytes follows the packets. */
static void records_with_any_padding_are_read(void **state)
{
	struct capture capture = { 0 };
	struct reading got;

	(void)state;
	snoop_begin(&capture, 4);
	for (uint32_t i = 0; i < 8; i++)
		snoop_put(&capture, i / 2, (uint8_t)i, 60 + i, 66);
	read_capture(&got, &capture);
	assert_int_equal(got.err.kind, ERR_NONE);
	assert_int_equal(got.count, 8);
	for (uint32_t i = 0; i < 8; i++) {
		const struct frame *frame = &got.frames[i];

		assert_true(frame->time_ns ==
			    INT64_C(1700000000) * NSEC_PER_SEC + 5 * NSEC_PER_USEC);
		assert_int_equal(frame->number, i + 1);
		assert_int_equal(frame->captured_bytes, 60 + i);
		assert_int_equal(frame->wire_bytes, i < 7 ? 66 : 67);
		assert_int_equal(frame->bytes[59], 59 + i);
		assert_int_equal(frame->link_type, 1);
	}
	assert_int_equal(got.stats.dropped, 3); /* cumulative: the last one says it */
	assert_true(got.stats.drops_known);
	reading_clear(&got);
}

static void data_links_become_link_types(void **state)
{
	static const struct {
		uint32_t datalink;
		uint16_t link_type; /* 0: refused */
	} cases[] = { { 0, 1 }, { 2, 6 }, { 4, 1 }, { 8, 10 }, { 1, 0 }, { 9, 0 }, { 0x10000, 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct capture capture = { 0 };
		struct reading got;

		snoop_begin(&capture, cases[i].datalink);
		snoop_put(&capture, 0, 1, 60, 60);
		read_capture(&got, &capture);
		if (cases[i].link_type == 0)
			assert_int_equal(got.open_err.kind, ERR_INPUT);
		else
			assert_int_equal(got.frames[0].link_type, cases[i].link_type);
		reading_clear(&got);
	}
}

static void another_version_is_refused(void **state)
{
	struct capture capture = { 0 };
	struct reading got;

	(void)state;
	snoop_begin(&capture, 4);
	capture.bytes[11] = 3;
	read_capture(&got, &capture);
	assert_string_equal(got.open_err.what, "snoop version 3 is not known; it must be 2");
}

/* Offset 8 of a record is its length, offset 4 the captured length; 60 bytes are captured. */
static void lengths_that_do_not_fit_are_damage(void **state)
{
	static const struct {
		size_t at;
		uint32_t value;
		const char *what;
	} cases[] = {
		{ 8, 83, "packet 2 claims a record of 83 bytes for 60 captured bytes" },
		{ 8, 24 + 60 + 65, "packet 2 claims a record of 149 bytes for 60 captured bytes" },
		{ 8, UINT32_MAX,
		  "packet 2 claims a record of 4294967295 bytes for 60 captured bytes" },
		{ 4, 61, "packet 2 claims a record of 84 bytes for 61 captured bytes" },
		{ 4, 262145, "packet 2 claims 262145 captured bytes; the limit is 262144" },
		{ 8, 24 + 60 + 16, "the input ends inside a packet; 16 bytes are missing" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct capture capture = { 0 };
		struct reading got;
		size_t start, end;

		snoop_begin(&capture, 4);
		snoop_put(&capture, 0, 1, 60, 60);
		start = capture.count;
		snoop_put(&capture, 0, 1, 60, 60);
		end = capture.count;
		capture.count = start + cases[i].at;
		capture_put32(&capture, cases[i].value);
		capture.count = end;
		read_capture(&got, &capture);
		assert_int_equal(got.count, 1);
		assert_int_equal(got.err.kind, ERR_INPUT);
		assert_string_equal(got.err.what, cases[i].what);
		assert_string_equal(got.err.where, "memory, after packet 1, byte 100");
		reading_clear(&got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_with_any_padding_are_read),
		cmocka_unit_test(data_links_become_link_types),
		cmocka_unit_test(another_version_is_refused),
		cmocka_unit_test(lengths_that_do_not_fit_are_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
