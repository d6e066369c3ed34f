/* SPDX-License-Identifier: BSD-2-Clause */
/* A crafted packet explained: every byte is shown, every sum is right, every line fits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "craft/packet.h"
#include "report/bytes.h"
#include "report/prose.h"

#define PACKET_ROOM 512

/* A packet in a block of just its size, so that a sanitizer sees a byte too far. */
struct sample {
	struct segment seg;
	uint8_t options[40], payload[64];
	struct packet packet;
	struct layout layout;
	uint8_t *bytes; /* owned */
	struct bytes_packet view;
};

static void craft(struct sample *sample)
{
	uint8_t room[PACKET_ROOM];

	sample->seg.options = sample->options;
	sample->seg.payload = sample->payload;
	sample->packet.segment = &sample->seg;
	sample->view.count = packet_craft(&sample->packet, room, sizeof(room), &sample->layout);
	assert_true(sample->view.count > 0);
	sample->bytes = malloc(sample->view.count);
	assert_non_null(sample->bytes);
	memcpy(sample->bytes, room, sample->view.count);
	sample->view.bytes = sample->bytes;
	sample->view.layout = &sample->layout;
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static void fill(uint8_t *bytes, size_t count, uint32_t *random)
{
	for (size_t i = 0; i < count; i++)
		bytes[i] = (uint8_t)next_random(random);
}

/* Any segment: IPv4 or IPv6, any fields, option bytes and data, any kind of checksum. */
static void sample_random(struct sample *sample, uint32_t *random)
{
	static const uint16_t sums[] = {
		0,
		SEGMENT_TCP_SUM_BAD,
		SEGMENT_TCP_SUM_BAD | SEGMENT_TCP_SUM_PARTIAL,
		SEGMENT_IP_SUM_BAD,
	};
	bool v4 = next_random(random) % 2;
	uint8_t four[4];

	*sample = (struct sample){ .packet = { .link_type = CRAFT_LINK_RAW } };
	fill(sample->options, sizeof(sample->options), random);
	fill(sample->payload, sizeof(sample->payload), random);
	fill(sample->seg.src.bytes, 16, random);
	fill(sample->seg.dst.bytes, 16, random);
	if (v4) {
		fill(four, sizeof(four), random);
		sample->seg.src = ip_address_v4(four);
		fill(four, sizeof(four), random);
		sample->seg.dst = ip_address_v4(four);
	}
	sample->seg.src_port = (uint16_t)next_random(random);
	sample->seg.dst_port = (uint16_t)next_random(random);
	sample->seg.seq = seq_of(next_random(random) << 8);
	sample->seg.ack = seq_of(next_random(random) << 8);
	sample->seg.flags = (uint8_t)next_random(random);
	sample->seg.flags_reserved = (uint8_t)(next_random(random) % 16);
	sample->seg.window = (uint16_t)next_random(random);
	sample->seg.urgent = (uint16_t)next_random(random);
	sample->seg.ttl = (uint8_t)next_random(random);
	sample->seg.ip_tos = (uint8_t)next_random(random);
	sample->seg.header_bytes = (uint8_t)(next_random(random) % 16 * 4);
	sample->seg.options_bytes = (uint8_t)(next_random(random) % 41);
	sample->seg.payload_bytes = next_random(random) % 65;
	sample->seg.what = sums[next_random(random) % 4];
	if (next_random(random) % 2) { /* half of them with options that begin soundly */
		static const uint8_t sound[] = { 2, 4, 5, 180, 4, 2, 3, 3, 7, 8, 10 };

		memcpy(sample->options, sound, sizeof(sound));
	}
	craft(sample);
}

static char *explained(const struct bytes_packet *packet)
{
	FILE *file = tmpfile();
	struct out out;
	char *text = calloc(1, 65536);

	assert_non_null(file);
	assert_non_null(text);
	assert_true(out_init(&out, fileno(file), NULL));
	bytes_explain(&out, packet);
	assert_true(out_finish(&out, NULL));
	out_clear(&out);
	rewind(file);
	assert_true(fread(text, 1, 65535, file) < 65535);
	fclose(file);
	return text;
}

/* decode/ sums in another way: 8 bytes at once, in the byte order of memory. */
static void sums_equal_those_of_the_decoder(void **state)
{
	uint32_t random = 9293;
	unsigned found[3] = { 0 };

	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		struct sample sample;
		struct bytes_tcp_sum sum;

		sample_random(&sample, &random);
		size_t at = ip_address_is_v4(&sample.seg.src) ? 20 : 40;

		assert_true(bytes_tcp_sum(&sample.view, &sum));
		enum checksum_state judged =
			checksum_tcp(&sample.seg.src, &sample.seg.dst, sample.bytes + at,
				     sample.view.count - at);

		/* A wrong one may by chance be one of the decoder's other forms of partial. */
		assert_int_equal(sum.state == CHECKSUM_GOOD, judged == CHECKSUM_GOOD);
		assert_int_equal(sum.state == CHECKSUM_PARTIAL,
				 segment_has(&sample.seg, SEGMENT_TCP_SUM_PARTIAL));
		found[sum.state]++;
		assert_int_equal(sum.field, sample.bytes[at + 16] << 8 | sample.bytes[at + 17]);

		/* With what is said to be right in its field the packet must be right. */
		sample.bytes[at + 16] = (uint8_t)(sum.right >> 8);
		sample.bytes[at + 17] = (uint8_t)sum.right;
		assert_int_equal(checksum_tcp(&sample.seg.src, &sample.seg.dst, sample.bytes + at,
					      sample.view.count - at),
				 CHECKSUM_GOOD);
		free(sample.bytes);
	}
	for (unsigned i = 0; i < 3; i++)
		assert_true(found[i] > 300);
}

/* Every value of the last word, over a sum with one carry and over one that comes to 1ffff. */
static void carries_of_carries_are_folded_in(void **state)
{
	struct sample sample = {
		.seg = { .src = ip_address_v4((const uint8_t[]){ 255, 255, 0, 0 }),
			 .dst = ip_address_v4((const uint8_t[]){ 10, 0, 0, 2 }),
			 .header_bytes = 20,
			 .payload_bytes = 2 },
		.packet = { .link_type = CRAFT_LINK_RAW },
	};

	(void)state;
	craft(&sample);
	for (unsigned value = 0; value <= UINT16_MAX; value++) {
		struct bytes_tcp_sum sum;

		sample.bytes[40] = (uint8_t)(value >> 8);
		sample.bytes[41] = (uint8_t)value;
		assert_true(bytes_tcp_sum(&sample.view, &sum));
		sample.bytes[36] = (uint8_t)(sum.right >> 8);
		sample.bytes[37] = (uint8_t)sum.right;
		assert_int_equal(checksum_tcp(&sample.seg.src, &sample.seg.dst, sample.bytes + 20,
					      sample.view.count - 20),
				 CHECKSUM_GOOD);
	}
	free(sample.bytes);
}

/* Take the bytes out of the rows "    40  02 04 05 b4  ..." again. Return: how many. */
static size_t bytes_of(const char *text, uint8_t *bytes)
{
	const char *end = strstr(text, "\nHow the TCP checksum");
	size_t count = 0;

	for (const char *line = text; line && line < end; line = strchr(line, '\n')) {
		unsigned value[4], offset;

		line += *line == '\n';
		if (strspn(line, " ") >= 8 || strspn(line, " 0123456789") < 8)
			continue;

		char hex[12];

		snprintf(hex, sizeof(hex), "%.11s", line + 8);
		hex[strcspn(hex, "\n")] = '\0';
		assert_int_equal(sscanf(line, "%6u", &offset), 1);
		assert_int_equal(offset, count);

		int some = sscanf(hex, "%2x %2x %2x %2x", value, value + 1, value + 2, value + 3);

		for (int i = 0; i < some; i++)
			bytes[count++] = (uint8_t)value[i];
	}
	return count;
}

static void every_byte_is_shown_once_in_its_place(void **state)
{
	uint32_t random = 791;

	(void)state;
	for (unsigned i = 0; i < 500; i++) {
		struct sample sample;
		uint8_t shown[PACKET_ROOM * 2];

		sample_random(&sample, &random);

		char *text = explained(&sample.view);

		assert_int_equal(bytes_of(text, shown), sample.view.count);
		assert_memory_equal(shown, sample.bytes, sample.view.count);
		free(text);
		free(sample.bytes);
	}
}

static void every_line_is_plain_text_that_fits(void **state)
{
	uint32_t random = 8200;

	(void)state;
	for (unsigned i = 0; i < 500; i++) {
		struct sample sample;

		sample_random(&sample, &random);

		char *text = explained(&sample.view), *rest = text;

		for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
			assert_true(strlen(line) <= PROSE_COLUMNS);
			for (const char *at = line; *at; at++)
				assert_in_range((unsigned char)*at, 0x20, 0x7e);
		}
		free(text);
		free(sample.bytes);
	}
}

/* What an explanation says, its line breaks taken as blanks. */
static void says(const char *text, const char *words)
{
	char flat[65536];
	size_t used = 0;

	for (; *text; text++) {
		bool blank = *text == ' ' || *text == '\n';

		if (blank && used > 0 && flat[used - 1] == ' ')
			continue;
		flat[used++] = blank ? ' ' : *text;
	}
	flat[used] = '\0';
	if (!strstr(flat, words))
		fail_msg("\"%s\" is not said in: %s", words, flat);
}

/* The steps of one segment, added by hand. */
static void the_steps_can_be_followed(void **state)
{
	static const char *const steps[] = {
		"source address 0a00 0001 = a01",
		"destination address 0a00 0002 = 1403",
		"zero, protocol 6 0006 = 1409",
		"TCP length 23 0017 = 1420",
		"ports ffff ffff = 2141e",
		"offset, bits, window 5004 0000 = 26422",
		"checksum as 0, urgent 0000 0000 = 26422",
		"data 6162 6300 = 32884",
		"fold the carry in 3 + 2884 = 2887",
		"ones' complement ffff - 2887 = d778",
		"the field holds d778, right",
	};
	struct sample sample = {
		.seg = { .src = ip_address_v4((const uint8_t[]){ 10, 0, 0, 1 }),
			 .dst = ip_address_v4((const uint8_t[]){ 10, 0, 0, 2 }),
			 .src_port = 0xffff, /* so that a carry has to be folded in */
			 .dst_port = 0xffff,
			 .flags = TCP_RST,
			 .header_bytes = 20,
			 .payload_bytes = 3 },
		.payload = "abc",
		.packet = { .link_type = CRAFT_LINK_RAW },
	};

	(void)state;
	craft(&sample);

	char *text = explained(&sample.view);

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		says(text, steps[i]);
	free(text);
	free(sample.bytes);
}

static void what_lies_is_called_a_lie(void **state)
{
	struct sample sample = {
		.seg = { .src = ip_address_v4((const uint8_t[]){ 10, 0, 0, 1 }),
			 .dst = ip_address_v4((const uint8_t[]){ 10, 0, 0, 2 }),
			 .seq = seq_of(UINT32_MAX),
			 .ack = seq_of(7),
			 .flags = TCP_SYN | TCP_FIN,
			 .header_bytes = 60,
			 .options_bytes = 7,
			 .what = SEGMENT_TCP_SUM_BAD | SEGMENT_IP_SUM_BAD },
		.options = { 1, 2, 3, 1, 99, 9, 0 },
		.packet = { .link_type = CRAFT_LINK_RAW,
			    .ip_length_said = true,
			    .ip_length = 1500 },
	};
	static const char *const words[] = {
		"total length: 1500 octets",
		"It lies: there are 48",
		"ISN+1 = 0; the segment takes numbers 4294967295 to 0",
		"acknowledgment number: 7; the ACK bit is not set, so it says nothing",
		"begins after 60 bytes. It lies: the header has 28",
		"option opt 2 01: of a wrong length; maximum segment size",
		"option raw 630900: its length does not fit",
		"WRONG: a receiver adds everything",
		"WRONG: a receiver drops the packet",
	};

	(void)state;
	craft(&sample);

	char *text = explained(&sample.view);

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		says(text, words[i]);
	free(text);
	free(sample.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_equal_those_of_the_decoder),
		cmocka_unit_test(carries_of_carries_are_folded_in),
		cmocka_unit_test(every_byte_is_shown_once_in_its_place),
		cmocka_unit_test(every_line_is_plain_text_that_fits),
		cmocka_unit_test(the_steps_can_be_followed),
		cmocka_unit_test(what_lies_is_called_a_lie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
