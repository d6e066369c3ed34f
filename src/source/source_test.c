/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* What all formats have in common: several files as one, filters, interfaces, what cannot be read.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"
#include "source/capture_builder.h"

#define SECOND_NS  (INT64_C(1700000000) * NSEC_PER_SEC)
#define FILES_MOST 40

/* Captures as files, to be read together. */
struct files {
	size_t count;
	int fds[FILES_MOST];
	char names[FILES_MOST][32];
	const char *paths[FILES_MOST];
};

static void files_add(struct files *files, struct capture *capture)
{
	size_t i = files->count++;

	assert_true(i < FILES_MOST);
	files->fds[i] = file_with(capture->bytes, capture->count, files->names[i]);
	files->paths[i] = files->names[i];
	capture_clear(capture);
}

/* A pcap file of packets of 40 + k bytes at these microseconds, the first byte being @name. */
static void files_add_pcap(struct files *files, uint8_t name, const uint32_t *times, size_t count)
{
	struct capture capture = { 0 };

	pcap_begin(&capture, 0xa1b2c3d4, name);
	for (size_t k = 0; k < count; k++)
		pcap_put(&capture, times[k], name, 40 + (uint32_t)k, 40 + (uint32_t)k);
	files_add(files, &capture);
}

static void files_read(struct files *files, struct reading *reading)
{
	struct source_options options = { .paths = files->paths, .path_count = files->count };

	read_paths(reading, &options);
	for (size_t i = 0; i < files->count; i++)
		close(files->fds[i]);
}

/* "AABA": the first bytes of the packets in the order they came. */
static void order_of(const struct reading *reading, char *text)
{
	for (unsigned i = 0; i < reading->count; i++)
		text[i] = (char)reading->frames[i].bytes[0];
	text[reading->count] = '\0';
}

/*
 * A is not sorted in itself: its 5 holds back its 2, and is not moved before it. At equal times
 * the file named first comes first.
 */
static void files_are_merged_by_the_times_of_their_heads(void **state)
{
	static const uint32_t a[] = { 1, 5, 2, 9 };
	static const uint32_t b[] = { 1, 3, 5, 20, 21 };
	static const uint32_t c[] = { 0 };
	struct files files = { 0 };
	struct reading got;
	char order[READING_MOST + 1];

	(void)state;
	files_add_pcap(&files, 'A', a, 4);
	files_add_pcap(&files, 'B', b, 5);
	files_add_pcap(&files, 'C', c, 1);
	files_add_pcap(&files, 'D', NULL, 0);
	files_read(&files, &got);
	assert_int_equal(got.err.kind, ERR_NONE);
	order_of(&got, order);
	/* C0 A1 B1 B3 A5 A2 B5 A9 B20 B21 */
	assert_string_equal(order, "CABBAABABB");
	for (unsigned i = 0; i < got.count; i++) {
		assert_int_equal(got.frames[i].number, i + 1);
		assert_int_equal(got.frames[i].link_type, order[i]);
		assert_int_equal(got.frames[i].interface, order[i] - 'A');
	}
	assert_int_equal(got.interface_count, 4);
	assert_int_equal(got.interfaces[1].frames, 5);
	assert_int_equal(got.stats.frames, 10);
	reading_clear(&got);
}

/* Each file has more packets than a batch, so that all are refilled in turn. */
static void long_files_are_merged_whole(void **state)
{
	enum {
		EACH = 130
	};
	struct files files = { 0 };
	struct reading got;
	uint32_t times[EACH];

	(void)state;
	for (uint32_t file = 0; file < 3; file++) {
		for (uint32_t k = 0; k < EACH; k++)
			times[k] = k * 3 + file;
		files_add_pcap(&files, (uint8_t)file, times, EACH);
	}
	files_read(&files, &got);
	assert_int_equal(got.count, 3 * EACH);
	for (uint32_t i = 0; i < got.count; i++) {
		assert_true(got.frames[i].time_ns == SECOND_NS + i * NSEC_PER_USEC);
		assert_int_equal(got.frames[i].bytes[0], i % 3);
		assert_int_equal(got.frames[i].captured_bytes, 40 + i / 3);
	}
	reading_clear(&got);
}

static void many_small_files_are_read(void **state)
{
	struct files files = { 0 };
	struct reading got;

	(void)state;
	for (uint32_t i = 0; i < FILES_MOST; i++) {
		uint32_t time = FILES_MOST - i;

		files_add_pcap(&files, (uint8_t)i, &time, 1);
	}
	files_read(&files, &got);
	assert_int_equal(got.count, FILES_MOST);
	for (unsigned i = 0; i < FILES_MOST; i++)
		assert_int_equal(got.frames[i].bytes[0], FILES_MOST - 1 - i);
	reading_clear(&got);
}

/* Two of three files are cut after a packet of theirs; the first to break is reported. */
static void the_others_go_on_where_one_file_breaks(void **state)
{
	static const uint32_t times[3][3] = { { 1, 2, 3 }, { 10, 20, 30 }, { 4, 5, 6 } };
	struct files files = { 0 };
	struct reading got;
	char order[READING_MOST + 1];

	(void)state;
	for (uint8_t i = 0; i < 3; i++) {
		struct capture capture = { 0 };

		pcap_begin(&capture, 0xa1b2c3d4, 1);
		for (int k = 0; k < 3; k++)
			pcap_put(&capture, times[i][k], 'A' + i, 40, 40);
		if (i != 1)
			capture.count -= 7;
		files_add(&files, &capture);
	}
	files_read(&files, &got);
	order_of(&got, order);
	assert_string_equal(order, "AACCBBB");
	assert_int_equal(got.err.kind, ERR_INPUT);
	assert_string_equal(got.err.what, "the input ends inside a packet; 7 bytes are missing");
	assert_memory_equal(got.err.where, files.names[0], strlen(files.names[0]));
	reading_clear(&got);
}

static void one_that_is_no_capture_spares_the_others(void **state)
{
	static const uint32_t times[] = { 1 };
	struct files files = { 0 };
	struct capture text = { 0 };
	struct reading got;

	(void)state;
	capture_put(&text, "no capture at all", 17);
	files_add(&files, &text);
	files_add_pcap(&files, 'A', times, 1);
	files_read(&files, &got);
	assert_int_equal(got.open_err.kind, ERR_NONE);
	assert_int_equal(got.count, 1);
	assert_int_equal(got.err.kind, ERR_INPUT);
	assert_string_equal(got.err.what, "not a capture: it begins with 6e 6f 20 63");
	assert_memory_equal(got.err.where, files.names[0], strlen(files.names[0]));
	reading_clear(&got);
}

/* A pcapng packet without a time, and a custom block that uses up a number, among pcap packets. */
static void numbers_count_over_all_files(void **state)
{
	static const uint32_t times[] = { 1, 3 };
	struct files files = { 0 };
	struct capture capture = { 0 };
	struct reading got;
	size_t start;

	(void)state;
	files_add_pcap(&files, 'A', times, 2);
	section_put(&capture);
	interface_put(&capture, 1, 0);
	start = block_begin(&capture, 3);
	capture_put32(&capture, 20);
	capture_put_packet(&capture, 'S', 20);
	block_end(&capture, start);
	start = block_begin(&capture, 0xbad);
	capture_put32(&capture, 32473);
	block_end(&capture, start);
	enhanced_put(&capture, 0, UINT64_C(1700000000) * 1000000 + 2, 'E', 20);
	files_add(&files, &capture);
	files_read(&files, &got);
	assert_int_equal(got.count, 4);
	assert_int_equal(got.frames[0].bytes[0], 'S');
	assert_int_equal(got.frames[0].number, 1);
	assert_int_equal(got.frames[1].bytes[0], 'A');
	assert_int_equal(got.frames[1].number, 2);
	assert_int_equal(got.frames[2].bytes[0], 'E');
	assert_int_equal(got.frames[2].number, 4);
	assert_int_equal(got.frames[3].number, 5);
	reading_clear(&got);
}

/* --- what cannot be read -------------------------------------------------------------------- */

static void what_cannot_be_opened_is_a_system_error(void **state)
{
	static const char *const paths[] = { "/nonexistent/x.pcap", "/" };
	static const char *const what[] = { "cannot open: No such file or directory",
					    "cannot read a directory" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct source_options options = { .paths = &paths[i], .path_count = 1 };
		struct reading got;

		read_paths(&got, &options);
		assert_int_equal(got.open_err.kind, ERR_SYSTEM);
		assert_string_equal(got.open_err.what, what[i]);
		assert_string_equal(got.open_err.where, paths[i]);
		assert_true(got.open_err.fix[0] != '\0');
	}
}

static void a_file_without_permission_is_a_system_error(void **state)
{
	char path[] = "/tmp/source-test-XXXXXX";
	const char *paths[] = { path };
	struct source_options options = { .paths = paths, .path_count = 1 };
	struct reading got;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, 0), 0);
	close(fd);
	read_paths(&got, &options);
	unlink(path);
	if (geteuid() == 0) { /* who may read everything: then it is an empty file */
		assert_int_equal(got.open_err.kind, ERR_INPUT);
		return;
	}
	assert_int_equal(got.open_err.kind, ERR_SYSTEM);
	assert_string_equal(got.open_err.what, "cannot open: Permission denied");
}

static void an_empty_input_and_no_input_are_told_apart(void **state)
{
	struct source_options none = { .path_count = 0 };
	struct reading got;

	(void)state;
	read_as_file(&got, NULL, 0);
	assert_int_equal(got.open_err.kind, ERR_INPUT);
	assert_string_equal(got.open_err.what, "the input is empty");
	read_memory(&got, NULL, 0, NULL);
	assert_string_equal(got.open_err.what, "the input is empty");
	read_paths(&got, &none);
	assert_int_equal(got.open_err.kind, ERR_USAGE);
}

static void inputs_shorter_than_any_magic_are_no_captures(void **state)
{
	struct reading got;

	(void)state;
	for (size_t count = 1; count < 4; count++) {
		read_as_file(&got, (const uint8_t *)"\xd4\xc3\xb2", count);
		assert_int_equal(got.open_err.kind, ERR_INPUT);
		assert_true(got.open_err.where[0] && got.open_err.fix[0]);
	}
}

static void standard_input_is_a_dash(void **state)
{
	static const char *const dash = "-";
	struct source_options options = { .paths = &dash, .path_count = 1 };
	struct capture capture = { 0 };
	struct reading got;
	char path[32];
	int before = dup(STDIN_FILENO);
	int fd;

	(void)state;
	pcap_begin(&capture, 0xa1b2c3d4, 1);
	pcap_put(&capture, 0, 1, 40, 40);
	capture.count -= 1;
	fd = file_with(capture.bytes, capture.count, path);
	lseek(fd, 0, SEEK_SET);
	dup2(fd, STDIN_FILENO);
	read_paths(&got, &options);
	if (before >= 0)
		dup2(before, STDIN_FILENO);
	close(before);
	close(fd);
	assert_int_equal(got.count, 0);
	assert_string_equal(got.err.where, "standard input, byte 24");
	capture_clear(&capture);
	reading_clear(&got);
}

/* --- filter and interface ------------------------------------------------------------------- */

/* An Ethernet frame with an IPv4 UDP header from or to a port, and nothing else in it. */
static void put_udp(struct capture *capture, uint16_t to_port)
{
	uint8_t frame[42] = { [12] = 0x08, [14] = 0x45, [17] = 28, [22] = 64, [23] = 17, [39] = 8 };

	frame[36] = (uint8_t)(to_port >> 8);
	frame[37] = (uint8_t)to_port;
	capture_put32(capture, 1700000000);
	capture_put32(capture, to_port);
	capture_put32(capture, sizeof(frame));
	capture_put32(capture, sizeof(frame));
	capture_put(capture, frame, sizeof(frame));
}

static void udp_capture(struct capture *capture)
{
	pcap_begin(capture, 0xa1b2c3d4, 1);
	for (uint16_t i = 0; i < 200; i++)
		put_udp(capture, 100 + i % 4);
}

static void frames_that_pass_the_filter_keep_their_numbers(void **state)
{
	struct source_options options = { .filter = "udp dst port 102" };
	struct capture capture = { 0 };
	struct reading got;

	(void)state;
	udp_capture(&capture);
	read_memory(&got, capture.bytes, capture.count, &options);
	assert_int_equal(got.err.kind, ERR_NONE);
	assert_int_equal(got.count, 50);
	for (unsigned i = 0; i < got.count; i++) {
		assert_int_equal(got.frames[i].number, 4 * i + 3);
		assert_int_equal(got.frames[i].bytes[37], 102);
	}
	assert_int_equal(got.stats.frames, 50);
	assert_int_equal(got.stats.filtered, 150);
	assert_int_equal(got.interfaces[0].frames, 50);
	reading_clear(&got);
	options.filter = "udp dst port 7";
	read_memory(&got, capture.bytes, capture.count, &options);
	assert_int_equal(got.err.kind, ERR_NONE);
	assert_int_equal(got.count, 0);
	assert_int_equal(got.stats.filtered, 200);
	capture_clear(&capture);
}

static void a_wrong_filter_is_a_usage_error_in_libpcaps_words(void **state)
{
	struct source_options options = { .filter = "tcp port" };
	struct capture capture = { 0 };
	struct reading got;

	(void)state;
	udp_capture(&capture);
	read_memory(&got, capture.bytes, capture.count, &options);
	assert_int_equal(got.open_err.kind, ERR_USAGE);
	assert_non_null(strstr(got.open_err.what, "the filter 'tcp port' cannot be used on link "
						  "type EN10MB: "));
	assert_non_null(strstr(got.open_err.what, "syntax error"));
	capture_clear(&capture);
	section_put(&capture); /* pcapng: no link type is known when it is opened */
	read_memory(&got, capture.bytes, capture.count, &options);
	assert_int_equal(got.open_err.kind, ERR_USAGE);
	capture_clear(&capture);
}

/* "wlan" means nothing on Ethernet: found out when the first such frame comes, after others. */
static void a_filter_that_fits_only_some_link_types_stops_at_the_others(void **state)
{
	struct source_options options = { .filter = "wlan type mgt or less 100" };
	struct capture capture = { 0 };
	struct reading got;

	(void)state;
	section_put(&capture);
	interface_put(&capture, 105, 0);
	interface_put(&capture, 1, 0);
	enhanced_put(&capture, 0, 1, 0, 20);
	enhanced_put(&capture, 1, 2, 0, 20);
	enhanced_put(&capture, 0, 3, 0, 20);
	read_memory(&got, capture.bytes, capture.count, &options);
	assert_int_equal(got.count, 1);
	assert_int_equal(got.err.kind, ERR_USAGE);
	assert_int_equal(got.stats.filtered, 0);
	capture_clear(&capture);
	reading_clear(&got);
}

static void named_interface_put(struct capture *capture, const char *name)
{
	size_t start = block_begin(capture, 1);

	capture_put32(capture, 0);
	capture_put32(capture, 0);
	option_put(capture, 2, name, (uint16_t)strlen(name));
	block_end(capture, start);
	capture->bytes[start + 8] = 1;
}

static void only_frames_of_the_wanted_interface_come(void **state)
{
	struct source_options options = { .interface = "eth1" };
	struct capture capture = { 0 };
	struct reading got;

	(void)state;
	section_put(&capture);
	named_interface_put(&capture, "eth0");
	named_interface_put(&capture, "eth1");
	for (uint8_t i = 0; i < 9; i++)
		enhanced_put(&capture, i % 3 == 2, i, i, 20);
	read_memory(&got, capture.bytes, capture.count, &options);
	assert_int_equal(got.err.kind, ERR_NONE);
	assert_int_equal(got.count, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(got.frames[i].number, 3 * i + 3);
	assert_int_equal(got.stats.filtered, 6);
	assert_int_equal(got.interfaces[0].frames, 0);
	reading_clear(&got);
	options.interface = "eth";
	read_memory(&got, capture.bytes, capture.count, &options);
	assert_int_equal(got.count, 0);
	assert_int_equal(got.err.kind, ERR_USAGE);
	assert_string_equal(got.err.what, "no interface of the capture is called 'eth'");
	assert_string_equal(got.err.fix, "it has eth0, eth1");
	capture_clear(&capture);
	udp_capture(&capture);
	read_memory(&got, capture.bytes, capture.count, &options);
	assert_string_equal(got.err.fix,
			    "leave --interface out: the capture does not name its interfaces");
	capture_clear(&capture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_merged_by_the_times_of_their_heads),
		cmocka_unit_test(long_files_are_merged_whole),
		cmocka_unit_test(many_small_files_are_read),
		cmocka_unit_test(the_others_go_on_where_one_file_breaks),
		cmocka_unit_test(one_that_is_no_capture_spares_the_others),
		cmocka_unit_test(numbers_count_over_all_files),
		cmocka_unit_test(what_cannot_be_opened_is_a_system_error),
		cmocka_unit_test(a_file_without_permission_is_a_system_error),
		cmocka_unit_test(an_empty_input_and_no_input_are_told_apart),
		cmocka_unit_test(inputs_shorter_than_any_magic_are_no_captures),
		cmocka_unit_test(standard_input_is_a_dash),
		cmocka_unit_test(frames_that_pass_the_filter_keep_their_numbers),
		cmocka_unit_test(a_wrong_filter_is_a_usage_error_in_libpcaps_words),
		cmocka_unit_test(a_filter_that_fits_only_some_link_types_stops_at_the_others),
		cmocka_unit_test(only_frames_of_the_wanted_interface_come),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
