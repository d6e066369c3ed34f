/* SPDX-License-Identifier: BSD-2-Clause */
/* What is written for machines and people: JSON, UTF-8, prose, durations, Community ID. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"
#include "report/community_id.h"
#include "report/json.h"
#include "report/prose.h"
#include "report/sentence.h"
#include "base/utf8.h"

/* An output into a temporary file that can be read back. */
struct sheet {
	FILE *file;
	struct out out;
	char text[8192];
};

static void sheet_open(struct sheet *sheet)
{
	sheet->file = tmpfile();
	assert_non_null(sheet->file);
	assert_true(out_init(&sheet->out, fileno(sheet->file), NULL));
}

static const char *sheet_close(struct sheet *sheet)
{
	assert_true(out_finish(&sheet->out, NULL));
	rewind(sheet->file);
	size_t length = fread(sheet->text, 1, sizeof(sheet->text) - 1, sheet->file);

	sheet->text[length] = '\0';
	fclose(sheet->file);
	out_clear(&sheet->out);
	return sheet->text;
}

static void json_text_is_valid_utf8_whatever_it_is_given(void **state)
{
	static const struct {
		const char *given, *written;
	} cases[] = {
		{ "plain", "\"plain\"" },
		{ "quote \" and \\", "\"quote \\\" and \\\\\"" },
		{ "line\nescape\033", "\"line\\nescape\\u001b\"" },
		{ "\xc3\xa4", "\"\xc3\xa4\"" },
		{ "\xff", "\"\xef\xbf\xbd\"" },			/* never part of UTF-8 */
		{ "\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\"" }, /* overlong "/" */
		{ "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" }, /* surrogate */
		{ "\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },			/* cut euro sign */
		{ "\xc2\x9b\x7f", "\"\\u009b\\u007f\"" }, /* C1 and DEL steer terminals */
		{ "\xe2\x80\xae", "\"\\u202e\"" },	  /* turns the writing direction */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sheet sheet;
		struct json json = { .out = &sheet.out };

		sheet_open(&sheet);
		json_text(&json, cases[i].given);
		assert_string_equal(sheet_close(&sheet), cases[i].written);
	}
}

/* Text is looked at eight bytes at a time: every byte at every place among them. */
static void json_text_escapes_a_byte_wherever_it_stands(void **state)
{
	(void)state;
	for (unsigned byte = 1; byte < 256; byte++) {
		char alone[16], given[64], wanted[128];
		struct sheet sheet;
		struct json json = { .out = &sheet.out };

		sheet_open(&sheet);
		json_text(&json, (const char[]){ (char)byte, '\0' });
		snprintf(alone, sizeof(alone), "%.15s", sheet_close(&sheet) + 1);
		alone[strlen(alone) - 1] = '\0'; /* the quotes */
		for (int at = 0; at < 20; at++) {
			snprintf(given, sizeof(given), "%.*s%c%.*s", at, "~ !#[]^abcdefghijklm",
				 byte, 20 - at, "ABCDEFGHIJKLMNOPQRST");
			snprintf(wanted, sizeof(wanted), "\"%.*s%s%.*s\"", at,
				 "~ !#[]^abcdefghijklm", alone, 20 - at, "ABCDEFGHIJKLMNOPQRST");
			json.comma = false;
			sheet_open(&sheet);
			json_text(&json, given);
			assert_string_equal(sheet_close(&sheet), wanted);
		}
	}
}

static void commas_stand_between_items_only(void **state)
{
	struct sheet sheet;
	struct json json = { .out = &sheet.out };

	(void)state;
	sheet_open(&sheet);
	json_open(&json, '{');
	json_key(&json, "empty");
	json_open(&json, '[');
	json_close(&json, ']');
	json_key(&json, "list");
	json_open(&json, '[');
	json_u64(&json, UINT64_MAX);
	json_i64(&json, INT64_MIN);
	json_null(&json);
	json_close(&json, ']');
	json_key_count(&json, "left_out", 0);
	json_key_bool(&json, "last", true);
	json_close(&json, '}');
	json_end_line(&json);
	json_open(&json, '{');
	json_close(&json, '}');
	assert_string_equal(sheet_close(&sheet), "{\"empty\":[],\"list\":[18446744073709551615,"
						 "-9223372036854775808,null],\"last\":true}\n{}");
}

static void foreign_text_cannot_steer_a_terminal(void **state)
{
	struct sheet sheet;

	(void)state;
	sheet_open(&sheet);
	/* escape, C1 control, right-to-left override, broken UTF-8, and an honest umlaut */
	out_foreign(&sheet.out, "a\033[2J\xc2\x9b\xe2\x80\xae\xfe\xc3\xa4");
	assert_string_equal(sheet_close(&sheet), "a\\x1b[2J\\xc2\\x9b\\xe2\\x80\\xae\\xfe\xc3\xa4");
}

static void prose_keeps_to_its_columns(void **state)
{
	struct sheet sheet;
	char words[2000] = "";

	(void)state;
	for (unsigned i = 0; i < 150; i++)
		strcat(words, i % 3 ? "na\xc3\xafve " : "word-of-text ");
	sheet_open(&sheet);
	prose_item(&sheet.out, "  label", 12, words);

	char *text = strdup(sheet_close(&sheet)), *rest = text;
	unsigned lines = 0;

	for (char *line = strsep(&rest, "\n"); line && *line; line = strsep(&rest, "\n"), lines++) {
		assert_true(prose_columns(line) <= PROSE_COLUMNS);
		assert_true(prose_columns(line) > PROSE_COLUMNS / 2 || !rest || !*rest);
		assert_memory_equal(line, lines ? "            " : "  label     ", 12);
	}
	assert_true(lines > 10);
	free(text);
}

static void durations_read_well(void **state)
{
	static const struct {
		int64_t ns;
		const char *words;
	} cases[] = {
		{ 0, "0.000 ms" },
		{ 4100, "0.004 ms" },
		{ 200 * NSEC_PER_USEC, "0.20 ms" },
		{ 40 * NSEC_PER_MSEC, "40 ms" },
		{ 999 * NSEC_PER_MSEC + 600 * NSEC_PER_USEC, "1.0 s" },
		{ 60 * NSEC_PER_SEC, "60.0 s" },
		{ 252 * NSEC_PER_SEC, "4 min 12 s" },
		{ 7875 * NSEC_PER_SEC, "2 h 11 min" },
		{ -2 * NSEC_PER_SEC, "-2.0 s" },
	};
	char text[DURATION_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		duration_format(text, cases[i].ns);
		assert_string_equal(text, cases[i].words);
	}
}

static void placeholders_are_filled_from_the_verdict(void **state)
{
	struct verdict verdict = { .by = ACTOR_CLIENT };
	struct conn conn = { .conn = 1 };
	struct sentence about = { .conn = &conn, .verdict = &verdict };
	char text[SENTENCE_BYTES];

	(void)state;
	conn.half[END_CLIENT].ip = ip_address_v4((const uint8_t[]){ 10, 0, 0, 1 });
	conn.half[END_CLIENT].port = 50001;
	conn.half[END_SERVER].ip = ip_address_v4((const uint8_t[]){ 10, 0, 0, 2 });
	conn.half[END_SERVER].port = 9000;
	verdict_value(&verdict, "idle_ns", VALUE_NS, 60 * NSEC_PER_SEC);
	verdict_text(&verdict, "systems", "Linux");
	verdict_text(&verdict, "systems", "macOS");
	sentence_format(text,
			"{by} = {by_role} {client_host}, {other_role}:{server_port} {idle_ns} "
			"{systems} {nothing} {open",
			&about);
	assert_string_equal(text, "10.0.0.1:50001 = the client 10.0.0.1, the server:9000 60.0 s "
				  "Linux, macOS ? {open");
}

static void a_count_of_one_is_said_in_the_singular(void **state)
{
	static const struct {
		const char *template, *one, *two;
	} cases[] = {
		{ "{n} segments were sent again", "1 segment was sent again",
		  "2 segments were sent again" },
		{ "repeated its FIN {n} times because", "repeated its FIN once because",
		  "repeated its FIN 2 times because" },
		{ "({n} times)", "(once)", "(2 times)" },
		{ "{n} of {n} keep-alive probes", "1 of 1 keep-alive probes",
		  "2 of 2 keep-alive probes" },
		{ "{n} packets are cut", "1 packet is cut", "2 packets are cut" },
	};
	char text[SENTENCE_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int64_t n = 1; n <= 2; n++) {
			struct verdict verdict = { .value_count = 0 };

			verdict_value(&verdict, "n", VALUE_COUNT, n);
			sentence_format(text, cases[i].template,
					&(struct sentence){ .verdict = &verdict });
			assert_string_equal(text, n == 1 ? cases[i].one : cases[i].two);
		}
	}
}

static void no_silence_to_speak_of_is_left_out(void **state)
{
	static const char template[] = "{by_role} closed after {idle_ns} of silence; data came";
	char text[SENTENCE_BYTES];

	(void)state;
	for (int64_t ms = 199; ms <= 200; ms++) {
		struct verdict verdict = { .by = ACTOR_BOTH };

		verdict_value(&verdict, "idle_ns", VALUE_NS, ms * NSEC_PER_MSEC);
		sentence_format(text, template, &(struct sentence){ .verdict = &verdict });
		assert_string_equal(
			text, ms < 200 ? "both ends closed; data came"
				       : "both ends closed after 200 ms of silence; data came");
	}
}

static void a_reader_that_went_away_is_no_error(void **state)
{
	struct out out;
	struct err err = { .kind = ERR_NONE };
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	assert_true(out_init(&out, ends[1], &err));
	out_text(&out, "nobody reads this");
	assert_true(out_finish(&out, &err));
	assert_true(out_useless(&out));
	assert_int_equal(err.kind, ERR_NONE);
	close(ends[1]);
	out_clear(&out);
}

static void a_full_disk_is_an_error(void **state)
{
	struct out out;
	struct err err = { .kind = ERR_NONE };
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	if (!full)
		skip();
	assert_true(out_init(&out, fileno(full), &err));
	out_text(&out, "this has no room");
	assert_false(out_finish(&out, &err));
	assert_int_equal(err_exit_status(&err), 4);
	fclose(full);
	out_clear(&out);
}

/* The first TCP flow of the test vectors that come with the specification. */
static void community_id_equals_the_specifications_vector(void **state)
{
	struct ip_address a = ip_address_v4((const uint8_t[]){ 128, 232, 110, 120 });
	struct ip_address b = ip_address_v4((const uint8_t[]){ 66, 35, 250, 204 });
	char one[COMMUNITY_ID_BYTES], two[COMMUNITY_ID_BYTES];

	(void)state;
	community_id(one, &a, 34855, &b, 80);
	community_id(two, &b, 80, &a, 34855);
	assert_string_equal(one, "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
	assert_string_equal(two, one);
}

static void times_are_written_in_utc(void **state)
{
	static const struct {
		int64_t ns;
		const char *text;
	} cases[] = {
		{ 0, "1970-01-01T00:00:00.000000000Z" },
		{ -1, "1969-12-31T23:59:59.999999999Z" },
		{ INT64_C(951782400) * NSEC_PER_SEC, "2000-02-29T00:00:00.000000000Z" },
		{ INT64_C(2147483648) * NSEC_PER_SEC + 5, "2038-01-19T03:14:08.000000005Z" },
		{ INT64_MAX, "2262-04-11T23:47:16.854775807Z" },
		{ TIME_NONE, "-" },
	};
	char text[TIME_TEXT_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		time_format_utc(text, cases[i].ns);
		assert_string_equal(text, cases[i].text);
	}
}

static int ignore_pipe_signal(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_text_is_valid_utf8_whatever_it_is_given),
		cmocka_unit_test(json_text_escapes_a_byte_wherever_it_stands),
		cmocka_unit_test(commas_stand_between_items_only),
		cmocka_unit_test(foreign_text_cannot_steer_a_terminal),
		cmocka_unit_test(prose_keeps_to_its_columns),
		cmocka_unit_test(durations_read_well),
		cmocka_unit_test(placeholders_are_filled_from_the_verdict),
		cmocka_unit_test(a_count_of_one_is_said_in_the_singular),
		cmocka_unit_test(no_silence_to_speak_of_is_left_out),
		cmocka_unit_test(a_reader_that_went_away_is_no_error),
		cmocka_unit_test(a_full_disk_is_an_error),
		cmocka_unit_test(community_id_equals_the_specifications_vector),
		cmocka_unit_test(times_are_written_in_utc),
	};

	return cmocka_run_group_tests(tests, ignore_pipe_signal, NULL);
}
