/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* Captures compressed, concatenated, cut at every byte, and read from memory, file and pipe. */
#include <lz4frame.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "source/capture_builder.h"

#define TICKS_US (UINT64_C(1700000000) * 1000000)

/* --- samples: three packets in each format ------------------------------------------------- */

static void pcap_sample(struct capture *capture)
{
	pcap_begin(capture, 0xa1b2c3d4, 1);
	for (uint8_t i = 0; i < 3; i++)
		pcap_put(capture, i, i, 20 + i, 40);
}

static void snoop_sample(struct capture *capture)
{
	snoop_begin(capture, 4);
	for (uint8_t i = 0; i < 3; i++)
		snoop_put(capture, 0, i, 20 + i, 40);
}

/* Two sections in both byte orders, and a skipped block between packets. */
static void pcapng_sample(struct capture *capture)
{
	for (uint8_t i = 0; i < 2; i++) {
		size_t start;

		capture->big_endian = i == 1;
		section_put(capture);
		interface_put(capture, 1, 0);
		enhanced_put(capture, 0, TICKS_US, i, 20 + i);
		start = block_begin(capture, 0x0000000a);
		capture_put_packet(capture, 0, 9);
		block_end(capture, start);
	}
	enhanced_put(capture, 0, TICKS_US, 2, 22);
}

/* --- compressors ---------------------------------------------------------------------------- */

typedef void compress_fn(struct capture *to, const uint8_t *bytes, size_t count);

static void gzip_put(struct capture *to, const uint8_t *bytes, size_t count)
{
	uint8_t out[4096];
	z_stream zip = { 0 };

	assert_true(count < sizeof(out) / 2);
	assert_int_equal(deflateInit2(&zip, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	zip.next_in = bytes;
	zip.avail_in = (unsigned)count;
	zip.next_out = out;
	zip.avail_out = sizeof(out);
	assert_int_equal(deflate(&zip, Z_FINISH), Z_STREAM_END);
	capture_put(to, out, sizeof(out) - zip.avail_out);
	deflateEnd(&zip);
}

static void zstd_put(struct capture *to, const uint8_t *bytes, size_t count)
{
	uint8_t out[4096];
	size_t made = ZSTD_compress(out, sizeof(out), bytes, count, 3);

	assert_false(ZSTD_isError(made));
	capture_put(to, out, made);
}

static void lz4_put(struct capture *to, const uint8_t *bytes, size_t count)
{
	uint8_t out[4096];
	size_t made = LZ4F_compressFrame(out, sizeof(out), bytes, count, NULL);

	assert_false(LZ4F_isError(made));
	capture_put(to, out, made);
}

static const struct {
	const char *name;
	compress_fn *put;
	size_t method_at; /* a byte that says how it was compressed */
} compressors[] = { { "gzip", gzip_put, 2 }, { "zstd", zstd_put, 4 }, { "lz4", lz4_put, 4 } };
#define COMPRESSORS (sizeof(compressors) / sizeof(compressors[0]))

static void (*const samples[])(struct capture *capture) = { pcap_sample, snoop_sample,
							    pcapng_sample };
#define SAMPLES (sizeof(samples) / sizeof(samples[0]))

/* --- tests ---------------------------------------------------------------------------------- */

static void assert_reads_as(const struct reading *want, const struct capture *capture)
{
	struct reading got;

	read_memory(&got, capture->bytes, capture->count, NULL);
	assert_int_equal(got.err.kind, ERR_NONE);
	assert_int_equal(got.count, want->count);
	assert_true(frames_equal(&got, want, want->count));
	assert_int_equal(got.stats.bytes, want->stats.bytes);
	reading_clear(&got);
	read_as_file(&got, capture->bytes, capture->count);
	assert_int_equal(got.err.kind, ERR_NONE);
	assert_true(frames_equal(&got, want, want->count));
	reading_clear(&got);
	read_as_pipe(&got, capture->bytes, capture->count);
	assert_int_equal(got.err.kind, ERR_NONE);
	assert_true(frames_equal(&got, want, want->count));
	reading_clear(&got);
}

static void compressed_captures_read_as_the_plain_ones(void **state)
{
	(void)state;
	for (size_t i = 0; i < SAMPLES; i++) {
		struct capture plain = { 0 };
		struct reading want;

		samples[i](&plain);
		read_memory(&want, plain.bytes, plain.count, NULL);
		assert_int_equal(want.count, 3);
		assert_reads_as(&want, &plain);
		for (size_t j = 0; j < COMPRESSORS; j++) {
			struct capture packed = { 0 };

			compressors[j].put(&packed, plain.bytes, plain.count);
			assert_reads_as(&want, &packed);
			capture_clear(&packed);
		}
		capture_clear(&plain);
		reading_clear(&want);
	}
}

/* Cut in the middle of a packet, each half compressed for itself, one of them empty, too. */
static void concatenated_members_are_one_capture(void **state)
{
	struct capture plain = { 0 };
	struct reading want;

	(void)state;
	pcap_sample(&plain);
	read_memory(&want, plain.bytes, plain.count, NULL);
	for (size_t j = 0; j < COMPRESSORS; j++) {
		struct capture packed = { 0 };

		compressors[j].put(&packed, plain.bytes, 70);
		compressors[j].put(&packed, plain.bytes, 0);
		compressors[j].put(&packed, plain.bytes + 70, plain.count - 70);
		assert_reads_as(&want, &packed);
		capture_clear(&packed);
	}
	capture_clear(&plain);
	reading_clear(&want);
}

static void zeros_after_gzip_are_padding_other_bytes_are_not(void **state)
{
	struct capture plain = { 0 };
	struct capture packed = { 0 };
	struct reading want, got;

	(void)state;
	pcap_sample(&plain);
	read_memory(&want, plain.bytes, plain.count, NULL);
	gzip_put(&packed, plain.bytes, plain.count);
	capture_put64(&packed, 0);
	assert_reads_as(&want, &packed);
	capture_put(&packed, "x", 1);
	read_memory(&got, packed.bytes, packed.count, NULL);
	assert_int_equal(got.count, 3);
	assert_int_equal(got.err.kind, ERR_INPUT);
	reading_clear(&got);
	reading_clear(&want);
	capture_clear(&plain);
	capture_clear(&packed);
}

static void compression_inside_compression_is_not_undone(void **state)
{
	struct capture plain = { 0 };
	struct capture once = { 0 };
	struct capture twice = { 0 };
	struct reading got;

	(void)state;
	pcap_sample(&plain);
	gzip_put(&once, plain.bytes, plain.count);
	gzip_put(&twice, once.bytes, once.count);
	read_memory(&got, twice.bytes, twice.count, NULL);
	assert_int_equal(got.open_err.kind, ERR_INPUT);
	assert_memory_equal(got.open_err.what, "not a capture: it begins with 1f 8b", 35);
	capture_clear(&plain);
	capture_clear(&once);
	capture_clear(&twice);
}

static void assert_is_input_error(const struct err *err)
{
	assert_int_equal(err->kind, ERR_INPUT);
	assert_true(err->what[0] != '\0');
	assert_true(err->where[0] != '\0');
	assert_true(err->fix[0] != '\0');
}

/*
 * What a cut capture gives, whichever way it is read: a prefix of the packets, the same error.
 * Return: whether there was one.
 */
static bool check_cut(const struct reading *whole, const uint8_t *bytes, size_t count)
{
	static void (*const ways[])(struct reading *, const uint8_t *, size_t) = { read_as_file,
										   read_as_pipe };
	struct reading first;
	bool failed;

	read_memory(&first, bytes, count, NULL);
	failed = first.open_err.kind != ERR_NONE || first.err.kind != ERR_NONE;
	assert_true(frames_equal(&first, whole, first.count));
	if (failed)
		assert_is_input_error(first.open_err.kind ? &first.open_err : &first.err);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct reading got;

		ways[i](&got, bytes, count);
		assert_int_equal(got.count, first.count);
		assert_true(frames_equal(&got, whole, got.count));
		assert_int_equal(got.err.kind, first.err.kind);
		assert_string_equal(got.err.what, first.err.what);
		assert_string_equal(got.open_err.what, first.open_err.what);
		reading_clear(&got);
	}
	reading_clear(&first);
	return failed;
}

/* Where each sample may end without being damaged, but for its very end. */
static const size_t boundaries[SAMPLES][8] = {
	{ 24, 60, 97 },				 /* after the header, after each packet */
	{ 16, 60, 108 },			 /* likewise */
	{ 28, 48, 100, 124, 152, 172, 228, 252 } /* after each block */
};

static void a_capture_cut_anywhere_gives_what_is_before_the_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < SAMPLES; i++) {
		struct capture plain = { 0 };
		struct reading whole;

		samples[i](&plain);
		read_memory(&whole, plain.bytes, plain.count, NULL);
		for (size_t cut = 0; cut < plain.count; cut++) {
			bool whole_record = false;

			for (size_t k = 0; k < 8; k++)
				whole_record |= cut > 0 && boundaries[i][k] == cut;
			assert_int_equal(check_cut(&whole, plain.bytes, cut), !whole_record);
		}
		capture_clear(&plain);
		reading_clear(&whole);
	}
}

static void a_compressed_capture_cut_anywhere_is_an_error(void **state)
{
	struct capture plain = { 0 };
	struct reading whole;

	(void)state;
	pcap_sample(&plain);
	read_memory(&whole, plain.bytes, plain.count, NULL);
	for (size_t j = 0; j < COMPRESSORS; j++) {
		struct capture packed = { 0 };
		size_t second_at;

		compressors[j].put(&packed, plain.bytes, 60); /* up to the end of packet 1 */
		second_at = packed.count;
		compressors[j].put(&packed, plain.bytes + 60, plain.count - 60);
		for (size_t cut = 0; cut < packed.count; cut++)
			assert_int_equal(check_cut(&whole, packed.bytes, cut), cut != second_at);
		capture_clear(&packed);
	}
	capture_clear(&plain);
	reading_clear(&whole);
}

static void an_unknown_method_of_compression_is_damage(void **state)
{
	struct capture plain = { 0 };

	(void)state;
	pcap_sample(&plain);
	for (size_t j = 0; j < COMPRESSORS; j++) {
		struct capture packed = { 0 };
		struct reading got;
		char begins[60];

		compressors[j].put(&packed, plain.bytes, plain.count);
		packed.bytes[compressors[j].method_at] ^= 0xff;
		read_memory(&got, packed.bytes, packed.count, NULL);
		assert_is_input_error(&got.open_err);
		snprintf(begins, sizeof(begins), "the %s data is damaged near its byte ",
			 compressors[j].name);
		assert_memory_equal(got.open_err.what, begins, strlen(begins));
		capture_clear(&packed);
	}
	capture_clear(&plain);
}

/* Each single byte of compressed captures changed: no crash, and packets read before are right. */
static void damaged_compression_is_an_error_not_a_crash(void **state)
{
	struct capture plain = { 0 };

	(void)state;
	pcap_sample(&plain);
	for (size_t j = 0; j < COMPRESSORS; j++) {
		struct capture packed = { 0 };
		unsigned errors = 0;

		compressors[j].put(&packed, plain.bytes, plain.count);
		for (size_t at = 0; at < packed.count; at++) {
			struct reading got;

			packed.bytes[at] ^= 0xff;
			read_memory(&got, packed.bytes, packed.count, NULL);
			errors += got.open_err.kind != ERR_NONE || got.err.kind != ERR_NONE;
			packed.bytes[at] ^= 0xff;
			reading_clear(&got);
		}
		assert_true(errors > packed.count / 2);
		capture_clear(&packed);
	}
	capture_clear(&plain);
}

/* More than the buffers hold, so that decompression goes on where it stopped for lack of room. */
static void a_capture_larger_than_the_buffers_is_decompressed(void **state)
{
	enum {
		LARGE_PACKETS = 300
	};
	struct capture plain = { 0 };
	struct reading want, got;
	size_t room;
	uint8_t *out;

	(void)state;
	pcap_begin(&plain, 0xa1b2c3d4, 1);
	for (unsigned i = 0; i < LARGE_PACKETS; i++) {
		pcap_put(&plain, i, 0, 10000, 10000);
		for (unsigned k = 0; k < 10000; k++) /* does not compress: an LCG's upper bits */
			plain.bytes[plain.count - 1 - k] =
				(uint8_t)((i * 10000 + k) * UINT32_C(2654435761) >> 13);
	}
	read_memory(&want, plain.bytes, plain.count, NULL);
	assert_int_equal(want.count, LARGE_PACKETS);
	room = ZSTD_compressBound(plain.count);
	out = malloc(room);
	assert_non_null(out);
	room = ZSTD_compress(out, room, plain.bytes, plain.count, 1);
	read_as_file(&got, out, room);
	assert_int_equal(got.err.kind, ERR_NONE);
	assert_int_equal(got.count, LARGE_PACKETS);
	assert_true(frames_equal(&got, &want, LARGE_PACKETS));
	free(out);
	capture_clear(&plain);
	reading_clear(&want);
	reading_clear(&got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compressed_captures_read_as_the_plain_ones),
		cmocka_unit_test(concatenated_members_are_one_capture),
		cmocka_unit_test(zeros_after_gzip_are_padding_other_bytes_are_not),
		cmocka_unit_test(compression_inside_compression_is_not_undone),
		cmocka_unit_test(a_capture_cut_anywhere_gives_what_is_before_the_cut),
		cmocka_unit_test(a_compressed_capture_cut_anywhere_is_an_error),
		cmocka_unit_test(an_unknown_method_of_compression_is_damage),
		cmocka_unit_test(damaged_compression_is_an_error_not_a_crash),
		cmocka_unit_test(a_capture_larger_than_the_buffers_is_decompressed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
