/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "tcp/notation.h"

#include "tcp/address.h"

/* Small random numbers of one seed (xorshift), the same on every machine. */
struct dice {
	uint64_t state;
};

static uint32_t dice_roll(struct dice *dice, uint32_t sides)
{
	dice->state ^= dice->state << 13;
	dice->state ^= dice->state >> 7;
	dice->state ^= dice->state << 17;
	return (uint32_t)(dice->state >> 16) % sides;
}

static bool parse(const char *line, struct notation *out, struct err *err)
{
	struct scan in = scan_over(line);

	return notation_parse(&in, out, err);
}

static void print(const struct notation *line, char text[static NOTATION_TEXT_BYTES])
{
	struct text out = text_over(text, NOTATION_TEXT_BYTES);

	notation_print(line, &out);
	assert_true(out.length < NOTATION_TEXT_BYTES);
}

/* Lines as a person writes them, in the printer's order: each prints as it was read. */
static void a_line_prints_as_it_was_written(void **state)
{
	static const char *const lines[] = {
		"0 C>S S 0 win 64240 <mss 1460,sackok,ts 1 0,nop,ws 7>",
		"0.0004 S>C S. 0 ack 1 win 65160 <mss 1460,sackok,ts 9 1,nop,ws 7>",
		"0.0005 C>S . 1 ack 1",
		"0.001 C>S P. 1:518(517) ack 1 payload \"GET / \\\"x\\\" HTTP/1.1\\r\\n\"",
		"60.3 S>C F. 4311 ack 518 win 0",
		"+0.2 S>C R. 0 ack 1 win 0 <> ttl 64 id 0",
		"0 C>S - 0",
		"0 C>S FSPUe 0 raw-win 1 tos 3 urg 7 reserved 5 doff 16",
		"0.000000001 C>S R 4294967295 abs-seq 7 abs-ack 4000000000 nodf sum bad ipsum bad",
		"1 S>C . 1 ack 1 <nop,nop,sack 1449:2897 4345:5793> sum partial iplen 0 cut 60",
		"1 S>C . 1 ack 1 <opt 77 0102,tfo,md5 000102030405060708090a0b0c0d0e0f,raw 02>",
		"1 C>S S 0 <mss 1460,tfo 0102030405060708,eol,raw 01>",
		"2 C>S EW 0 vlan 7 vlan 4095 tunnel vxlan stamp 1.5 lost",
		"2 C>S S 0 icmp 3/4 from 10.0.0.254 mtu 1400 quote 8 ttl 63",
		"2 C>S P. 1:3(2) ack 1 payload hex 00ff",
		"2 C>S P. 1:1449(1448) ack 1 icmp 2/0 from 2001:db8::1 mtu 1280",
	};
	(void)state;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct notation line;
		struct err err = { 0 };
		char text[NOTATION_TEXT_BYTES];

		if (!parse(lines[i], &line, &err))
			fail_msg("%s: %s", lines[i], err.what);
		print(&line, text);
		assert_string_equal(text, lines[i]);
	}
}

/* Other spellings of the same. */
static void spellings_mean_the_same(void **state)
{
	static const char *const pairs[][2] = {
		{ "  0.50   C>S .PF 1:3 ack 1   # a comment", "0.5 C>S FP. 1:3(2) ack 1" },
		{ "0 C>S S -5", "0 C>S S 4294967291" },
		{ "0 C>S P -1:1 ", "0 C>S P 4294967295:1(2)" },
		{ "0 C>S . 1 ttl 9 ack 1 < nop , nop , ts 5 9 >",
		  "0 C>S . 1 ack 1 <nop,nop,ts 5 9> ttl 9" },
		{ "0 C>S . 1 ack 1 <opt 2 05b4>", "0 C>S . 1 ack 1 <mss 1460>" },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct notation line;
		struct err err = { 0 };
		char text[NOTATION_TEXT_BYTES];

		if (!parse(pairs[i][0], &line, &err))
			fail_msg("%s: %s", pairs[i][0], err.what);
		print(&line, text);
		assert_string_equal(text, pairs[i][1]);
	}
}

/* Each line is wrong in one way; the error names the part and the column. */
static void a_wrong_line_says_what_is_wrong(void **state)
{
	static const char *const wrong[][2] = {
		{ "", "time: seconds are wanted, but the line ends at column 1" },
		{ "x C>S S 0", "time: seconds are wanted, found \"x\" at column 1" },
		{ "0.0000000001 C>S S 0", "time: at most 9 decimals" },
		{ "0 C<S S 0", "direction: C>S or S>C is wanted, found \"C<S\" at column 3" },
		{ "0 C>S SX 0", "flags: each of S F R P . U E W e at most once, found \"SX\"" },
		{ "0 C>S SS 0", "flags: each of" },
		{ "0 C>S S", "sequence number: a number is wanted, but the line ends at column 8" },
		{ "0 C>S P 5:3", "sequence number: the end lies before the start" },
		{ "0 C>S P 1:5(3)", "length: 3 is written where 1:5 has 4 octets" },
		{ "0 C>S P 1:5(4", "length: 4 is written" },
		{ "0 C>S . 1", "ack: the flags have \".\" (ACK), but no ack is given" },
		{ "0 C>S S 0 ack 1", "ack: an ack is given, but the flags lack" },
		{ "0 C>S S 0 ttl 256", "ttl: the number is too large, found \"256\" at column 15" },
		{ "0 C>S S 0 ttl 6 ttl 7", "ttl: it was said before" },
		{ "0 C>S S 0 wim 5", "segment: no such word, found \"wim\" at column 11" },
		{ "0 C>S S 0 sum", "sum: bad or partial is wanted, but the line ends" },
		{ "0 C>S S 0 sum bad sum partial", "sum: it was said before" },
		{ "0 C>S S 0 tunnel tin", "tunnel: vxlan, gre or ipip is wanted" },
		{ "0 C>S S 0 vlan 4096", "vlan: the number is too large" },
		{ "0 C>S S 0 <mss>", "mss: a number is wanted" },
		{ "0 C>S S 0 <mss 5", "options: a comma or > is wanted, but the line ends" },
		{ "0 C>S S 0 <mzz 5>", "options: no such option, found \"mzz\"" },
		{ "0 C>S S 0 <md5 0102>", "md5: its length is not one that this option has" },
		{ "0 C>S S 0 <sack 1-2>", "sack: LEFT:RIGHT is wanted" },
		{ "0 C>S S 0 <sack 1:2 1:2 1:2 1:2 1:2>", "sack: at most 4 blocks fit" },
		{ "0 C>S S 0 <raw 0>", "raw: hexadecimal digits come in pairs" },
		{ "0 C>S S 0 payload \"x", "payload: an escape or a closing quote is wrong" },
		{ "0 C>S S 0 payload \"x\"", "payload: it has 1 octets, the segment 0" },
		{ "0 C>S S 0 icmp 3 from 1.2.3.4", "icmp: TYPE/CODE is wanted" },
		{ "0 C>S S 0 icmp 3/1 1.2.3.4", "icmp: \"from ADDRESS\" is wanted" },
		{ "0 C>S S 0 icmp 3/1 from 1.2.3", "icmp: an address is wanted" },
		{ "0 C>S S 0 icmp 3/1 from 1.2.3.4 id 3", "icmp: mtu, quote or ttl is wanted" },
		{ "0 C>S S 99999999999", "sequence number: the number is too large" },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct notation line;
		struct err err = { 0 };

		if (parse(wrong[i][0], &line, &err))
			fail_msg("\"%s\" was taken", wrong[i][0]);
		if (!strstr(err.what, wrong[i][1]))
			fail_msg("\"%s\" gave \"%s\"", wrong[i][0], err.what);
	}
}

/* A random option, well-formed or not, at most @room bytes. Return: its bytes. */
static uint32_t random_option(struct dice *dice, uint8_t *option, uint32_t room)
{
	static const uint8_t kinds[] = { 0, 1, 2, 3, 4, 5, 8, 19, 28, 29, 30, 34, 77, 172, 254 };

	option[0] = kinds[dice_roll(dice, sizeof(kinds))];
	if (option[0] < 2 || room < 2)
		return 1;

	uint32_t bytes = 2 + dice_roll(dice, room - 1);

	if (option[0] == 5 && room >= 10)
		bytes = 2 + 8 * (1 + dice_roll(dice, (room - 2) / 8));
	option[1] = (uint8_t)(dice_roll(dice, 10) ? bytes : dice_roll(dice, 256));
	for (uint32_t i = 2; i < bytes; i++)
		option[i] = (uint8_t)dice_roll(dice, 256);
	return bytes;
}

static void random_numbers(struct dice *dice, struct notation *line)
{
	line->raw_window = dice_roll(dice, 65536);
	line->abs_seq = dice_roll(dice, UINT32_MAX);
	line->abs_ack = dice_roll(dice, UINT32_MAX);
	line->ttl = dice_roll(dice, 256);
	line->id = dice_roll(dice, 65536);
	line->tos = dice_roll(dice, 256);
	line->urgent = dice_roll(dice, 65536);
	line->reserved = dice_roll(dice, 8);
	line->header_bytes = dice_roll(dice, 61);
	line->ip_length = dice_roll(dice, 65536);
	line->cut = dice_roll(dice, 2000);
	line->tunnel = (enum notation_tunnel)(1 + dice_roll(dice, NOTATION_TUNNELS - 1));
	line->stamp_ns = dice_roll(dice, 1000000000);
	line->vlan_count = 1 + dice_roll(dice, NOTATION_VLANS_MOST);
	for (uint32_t i = 0; i < line->vlan_count; i++)
		line->vlans[i] = dice_roll(dice, 4096);
}

static void random_icmp(struct dice *dice, struct notation *line)
{
	line->icmp_type = dice_roll(dice, 256);
	line->icmp_code = dice_roll(dice, 256);
	line->icmp_mtu = dice_roll(dice, 65536);
	line->icmp_quote = dice_roll(dice, 100);
	line->icmp_ttl = dice_roll(dice, 256);
	for (unsigned i = 0; i < 16; i++)
		line->icmp_from.bytes[i] = (uint8_t)dice_roll(dice, 256);
	if (dice_roll(dice, 2))
		line->icmp_from = ip_address_v4(line->icmp_from.bytes);
}

/* Zero what the line does not say, so that two of them can be compared as bytes. */
static void forget_unsaid(struct notation *line)
{
	struct {
		uint32_t said;
		uint32_t *field;
	} fields[] = {
		{ SAID_ACK, &line->ack },
		{ SAID_WINDOW, &line->window },
		{ SAID_RAW_WINDOW, &line->raw_window },
		{ SAID_ABS_SEQ, &line->abs_seq },
		{ SAID_ABS_ACK, &line->abs_ack },
		{ SAID_TTL, &line->ttl },
		{ SAID_ID, &line->id },
		{ SAID_TOS, &line->tos },
		{ SAID_URGENT, &line->urgent },
		{ SAID_RESERVED, &line->reserved },
		{ SAID_HEADER_BYTES, &line->header_bytes },
		{ SAID_IP_LENGTH, &line->ip_length },
		{ SAID_CUT, &line->cut },
		{ SAID_ICMP_MTU, &line->icmp_mtu },
		{ SAID_ICMP_QUOTE, &line->icmp_quote },
		{ SAID_ICMP_TTL, &line->icmp_ttl },
		{ SAID_ICMP, &line->icmp_type },
		{ SAID_ICMP, &line->icmp_code },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (!(line->said & fields[i].said))
			*fields[i].field = 0;
	if (!(line->said & SAID_VLAN)) {
		line->vlan_count = 0;
		memset(line->vlans, 0, sizeof(line->vlans));
	}
	if (!(line->said & SAID_TUNNEL))
		line->tunnel = NOTATION_NO_TUNNEL;
	if (!(line->said & SAID_STAMP))
		line->stamp_ns = 0;
	if (!(line->said & SAID_ICMP))
		memset(&line->icmp_from, 0, sizeof(line->icmp_from));
}

static void random_line(struct dice *dice, struct notation *line)
{
	memset(line, 0, sizeof(*line));
	line->said =
		dice_roll(dice, UINT32_MAX) & dice_roll(dice, UINT32_MAX) & (SAID_ICMP_TTL * 2 - 1);
	line->time_ns = (int64_t)dice_roll(dice, 1000000000) * (1 + dice_roll(dice, 100));
	line->from_server = dice_roll(dice, 2) != 0;
	line->flags = (uint8_t)dice_roll(dice, 256);
	line->ae = dice_roll(dice, 4) == 0;
	line->seq = dice_roll(dice, UINT32_MAX);
	line->length = dice_roll(dice, 2) ? dice_roll(dice, 3000) : 0;
	if (line->flags & TCP_ACK)
		line->said |= SAID_ACK;
	else
		line->said &= ~(uint32_t)SAID_ACK;
	line->ack = dice_roll(dice, UINT32_MAX);
	line->window = dice_roll(dice, 1 << 20);
	random_numbers(dice, line);
	if (line->said & SAID_SUM_BAD)
		line->said &= ~(uint32_t)SAID_SUM_PARTIAL;
	if (line->said & SAID_ICMP)
		random_icmp(dice, line);
	else
		line->said &= ~(uint32_t)(SAID_ICMP_MTU | SAID_ICMP_QUOTE | SAID_ICMP_TTL);
	while ((line->said & SAID_OPTIONS) && line->option_bytes < NOTATION_OPTIONS_MOST &&
	       dice_roll(dice, 4))
		line->option_bytes += random_option(dice, line->options + line->option_bytes,
						    NOTATION_OPTIONS_MOST - line->option_bytes);
	if (line->said & SAID_PAYLOAD) {
		uint32_t most =
			line->length < NOTATION_PAYLOAD_MOST ? line->length : NOTATION_PAYLOAD_MOST;

		line->payload_bytes = dice_roll(dice, most + 1);
		for (uint32_t i = 0; i < line->payload_bytes; i++)
			line->payload[i] = (uint8_t)dice_roll(dice, 256);
	}
	forget_unsaid(line);
}

/* The parser and the printer are inverse, for whatever a line may say. */
static void parsing_undoes_printing(void **state)
{
	const char *given = getenv("TCPWHY_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	struct dice dice = { .state = seed * 2 + 1 };
	(void)state;

	print_message("seed %llu (TCPWHY_SEED)\n", (unsigned long long)seed);
	for (unsigned round = 0; round < 20000; round++) {
		struct notation line;
		struct notation again;
		struct err err = { 0 };
		char text[NOTATION_TEXT_BYTES];

		random_line(&dice, &line);
		print(&line, text);
		if (!parse(text, &again, &err))
			fail_msg("round %u: %s: %s", round, text, err.what);
		if (memcmp(&line, &again, sizeof(line)) != 0)
			fail_msg("round %u: %s was read as something else", round, text);
	}
}

/* Option bytes of a SYN-ACK with SACK blocks 5101..5201 where the peer's ISN is 5000. */
static void a_segment_is_said_with_relative_numbers(void **state)
{
	static const uint8_t options[] = { 1, 1, 5, 10, 0, 0, 0x13, 0xed, 0, 0, 0x14, 0x51 };
	struct segment seg = {
		.seq = { 1001 },
		.ack = { 5001 },
		.flags = TCP_ACK | TCP_PSH,
		.window = 502,
		.payload_bytes = 10,
		.ttl = 63,
		.ip_id = 7,
		.what = SEGMENT_DONT_FRAGMENT,
		.options = options,
		.options_bytes = sizeof(options),
	};
	struct notation line;
	char text[NOTATION_TEXT_BYTES];
	(void)state;

	notation_of_segment(&seg, seq_of(1000), seq_of(5000), 7, &line);
	print(&line, text);
	assert_string_equal(text, "0 C>S P. 1:11(10) ack 1 win 64256 <nop,nop,sack 101:201> "
				  "ttl 63 id 7 tos 0");
	notation_of_segment(&seg, seq_of(1000), seq_of(5000), -1, &line);
	print(&line, text);
	assert_non_null(strstr(text, "raw-win 502"));
}

/* MSS, then END and two zeros up to the end of the word: the zeros go without saying. */
static void padding_goes_without_saying(void **state)
{
	static const uint8_t padded[] = { 4, 2, 0, 0 };
	static const uint8_t longer[] = { 4, 2, 0, 0, 0, 0, 0, 0 };
	static const uint8_t odd[] = { 4, 2, 0, 9 };
	(void)state;

	assert_int_equal(notation_options_without_padding(padded, sizeof(padded)), 3);
	assert_int_equal(notation_options_without_padding(longer, sizeof(longer)), 8);
	assert_int_equal(notation_options_without_padding(odd, sizeof(odd)), 4);
}

static void addresses_are_read_and_printed(void **state)
{
	static const char *const texts[] = { "10.0.0.1:80", "[2001:db8::1]:65535", "[::]:0" };
	static const char *const wrong[] = { "10.0.0.1", "10.0.0.1:65536",
					     "::1:80",	 "[10.0.0.1]:1",
					     "10.0.0:1", ":80",
					     "",	 "1.2.3.4:" };
	struct ip_address address;
	uint16_t port = 0;
	(void)state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char text[ADDRESS_PORT_TEXT_BYTES];

		assert_true(ip_address_port_parse(texts[i], strlen(texts[i]), &address, &port));
		ip_address_port_print(&address, port, text);
		assert_string_equal(text, texts[i]);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(ip_address_port_parse(wrong[i], strlen(wrong[i]), &address, &port));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_prints_as_it_was_written),
		cmocka_unit_test(spellings_mean_the_same),
		cmocka_unit_test(a_wrong_line_says_what_is_wrong),
		cmocka_unit_test(parsing_undoes_printing),
		cmocka_unit_test(a_segment_is_said_with_relative_numbers),
		cmocka_unit_test(padding_goes_without_saying),
		cmocka_unit_test(addresses_are_read_and_printed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
