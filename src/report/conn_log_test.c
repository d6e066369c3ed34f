/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "report/formats.h"

/* A log of these rows, as text. */
static void log_write(char *text, size_t room, const struct zeek_row *rows, size_t count)
{
	FILE *file = tmpfile();
	struct err err = { .kind = ERR_NONE };
	struct out out;
	struct report report = { .ops = &format_zeek, .out = &out };

	assert_non_null(file);
	assert_true(out_init(&out, fileno(file), &err));
	assert_true(report.ops->open(&report, &err));
	for (size_t i = 0; i < count; i++)
		report.ops->row(&report, &rows[i]);
	report.ops->finish(&report, NULL);
	assert_true(out_finish(&out, &err));
	report.ops->free(&report);
	out_clear(&out);
	rewind(file);
	text[fread(text, 1, room - 1, file)] = '\0';
	fclose(file);
}

#define HEAD(OPEN)                                                                                 \
	"#separator \\x09\n"                                                                       \
	"#set_separator\t,\n"                                                                      \
	"#empty_field\t(empty)\n"                                                                  \
	"#unset_field\t-\n"                                                                        \
	"#path\tconn\n"                                                                            \
	"#open\t" OPEN "\n"                                                                        \
	"#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration"   \
	"\torig_bytes\tresp_bytes\tconn_state\tlocal_orig\tlocal_resp\tmissed_bytes\thistory"      \
	"\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\ttunnel_parents\tip_proto\n"         \
	"#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tcount"       \
	"\tstring\tbool\tbool\tcount\tstring\tcount\tcount\tcount\tcount\tset[string]\tcount\n"

static const uint8_t client[4] = { 192, 168, 0, 4 };
static const uint8_t server[4] = { 212, 227, 15, 166 };

/* A row with everything, and a single packet over IPv6. */
static void rows_are_written_as_zeek_writes_them(void **state)
{
	struct zeek_row rows[2] = {
		{
			.first_frame = 13,
			.start_ns = INT64_C(1767345242000018000),
			.has_duration = true,
			.duration_ns = 163506000,
			.orig_ip = ip_address_v4(client),
			.resp_ip = ip_address_v4(server),
			.orig_port = 26272,
			.resp_port = 110,
			.state = "SF",
			.history = "ShAdDafF",
			.orig_bytes = 12,
			.resp_bytes = 175,
			.missed_bytes = 3,
			.orig_packets = 6,
			.orig_ip_bytes = 264,
			.resp_packets = 7,
			.resp_ip_bytes = 427,
		},
		{
			.first_frame = 1,
			.first_layer = 2,
			.start_ns = -1500000000,
			.orig_ip = { { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } },
			.resp_ip = { { 0x20, 0x01, 0x0d, 0xb8, [15] = 2 } },
			.orig_port = 1,
			.resp_port = 65535,
			.state = "OTH",
		},
	};
	char text[4096];

	(void)state;
	log_write(text, sizeof(text), rows, 2);
	assert_string_equal(
		text, HEAD("2026-01-02-09-14-02") "1767345242.000018\tC13\t192.168.0.4\t26272\t212."
						  "227.15.166\t110\ttcp\t-\t0.163506"
						  "\t12\t175\tSF\t-\t-"
						  "\t3\tShAdDafF\t6\t264\t7\t427\t-\t6\n"
						  "-1.500000\tC1L2\t2001:db8::1\t1\t2001:db8::"
						  "2\t65535\ttcp\t-\t-\t-\t-\tOTH\t-\t-"
						  "\t0\t-\t0\t0\t0\t0\t-\t6\n"
						  "#close\t2026-01-02-09-14-02\n");
}

static void a_log_without_rows_has_its_head(void **state)
{
	char text[4096];

	(void)state;
	log_write(text, sizeof(text), NULL, 0);
	assert_string_equal(text, HEAD("-") "#close\t-\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_written_as_zeek_writes_them),
		cmocka_unit_test(a_log_without_rows_has_its_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
