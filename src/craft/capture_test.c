/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/time.h"
#include "craft/capture.h"
#include "craft/packet.h"
#include "craft/pcap.h"
#include "decode/decode.h"
#include "decode/tcp_options.h"

#define FRAMES_MOST 64

/* A text compiled and decoded again: one entry per frame. */
struct result {
	struct craft_capture *capture;
	struct decoder *decoder;
	struct segment_batch *batch;
	const struct segment *seg[FRAMES_MOST + 1]; /* by frame number */
};

static struct result compile(const char *text)
{
	struct err err = { 0 };
	struct result result = { .capture = craft_capture_text("test", text, &err) };

	if (!result.capture)
		fail_msg("%s (%s)", err.what, err.where);
	result.decoder = decoder_new(0);
	result.batch = malloc(sizeof(*result.batch));
	assert_non_null(result.decoder);
	assert_non_null(result.batch);
	assert_true(result.capture->frame_count <= FRAMES_MOST);
	decode_batch_begin(result.decoder, result.batch);
	for (size_t i = 0; i < result.capture->frame_count; i++) {
		result.seg[i + 1] = &result.batch->segments[result.batch->count];
		decode_frame(result.decoder, &result.capture->frames[i], result.batch);
	}
	return result;
}

static void release(struct result *result)
{
	craft_capture_free(result->capture);
	decoder_free(result->decoder);
	free(result->batch);
}

/* What one Linux host sends: nothing but flags and numbers is written. */
static void what_is_left_out_is_what_linux_sends(void **state)
{
	struct result r = compile("0 C>S S 0\n"
				  "+0.001 S>C S. 0 ack 1\n"
				  "+0.001 C>S . 1 ack 1\n"
				  "+0.5 C>S P. 1:11(10) ack 1\n"
				  "+0.001 S>C . 1 ack 11\n"
				  "+0.001 S>C R. 1 ack 11\n"
				  "+0.001 C>S R 11\n");
	(void)state;

	assert_int_equal(r.capture->frame_count, 7);
	assert_int_equal(r.seg[1]->window, 64240);
	assert_int_equal(r.seg[1]->mss, 1460);
	assert_int_equal(r.seg[1]->window_scale, 7);
	assert_int_equal(r.seg[1]->options_seen, TCP_HAS_MSS | TCP_HAS_SACK_PERMITTED |
							 TCP_HAS_TIMESTAMPS | TCP_HAS_WINDOW_SCALE);
	assert_int_equal(r.seg[1]->seq.raw, 1000);
	assert_int_equal(r.seg[1]->ttl, 64);
	assert_int_equal(r.seg[2]->window, 65160);
	assert_int_equal(r.seg[2]->ip_id, 0);
	assert_int_equal(r.seg[2]->tsecr, r.seg[1]->tsval);
	assert_int_equal(r.seg[3]->window, 502);
	assert_int_equal(r.seg[3]->options_seen, TCP_HAS_TIMESTAMPS);
	assert_int_equal(r.seg[4]->ip_id, r.seg[3]->ip_id + 1);
	assert_int_equal(r.seg[4]->tsval, r.seg[3]->tsval + 500);
	assert_int_equal(r.seg[5]->window, 509);
	/* An abort of a live connection is no bare reply: options and window as ever. */
	assert_int_equal(r.seg[6]->options_seen, TCP_HAS_TIMESTAMPS);
	assert_int_equal(r.seg[6]->window, 509);
	assert_int_equal(r.seg[7]->options_seen, 0);
	assert_int_equal(r.seg[7]->window, 0);
	assert_int_equal(r.seg[7]->ip_id, 0);
	assert_int_equal(r.seg[7]->ack.raw, 0);
	for (unsigned i = 1; i <= 7; i++)
		assert_false(segment_has(r.seg[i], SEGMENT_IP_SUM_BAD | SEGMENT_TCP_SUM_BAD));
	release(&r);
}

/* The server's options are those the client offered. */
static void the_syn_decides_over_the_options(void **state)
{
	struct result r = compile("0 C>S S 0 <mss 1460,nop,ws 2>\n"
				  "0 S>C S. 0 ack 1\n"
				  "0 C>S . 1 ack 1 win 4096\n"
				  "0 S>C . 1 ack 1 raw-win 9\n");
	(void)state;

	assert_int_equal(r.seg[2]->options_seen, TCP_HAS_MSS | TCP_HAS_WINDOW_SCALE);
	assert_int_equal(r.seg[3]->options_seen, 0);
	assert_int_equal(r.seg[3]->window, 1024);
	assert_int_equal(r.seg[4]->window, 9);
	release(&r);
}

static void a_closed_port_answers_with_raw_zero(void **state)
{
	struct result r = compile("client 10.1.1.1:1234 isn 77\n"
				  "server 10.1.1.2:80 isn 99 ttl 57\n"
				  "0 C>S S 0\n"
				  "0 S>C R. 0 ack 1\n"
				  "tick 3\n");
	(void)state;

	assert_int_equal(r.seg[2]->seq.raw, 0);
	assert_int_equal(r.seg[2]->ack.raw, 78);
	assert_int_equal(r.seg[2]->ttl, 57);
	assert_int_equal(r.seg[2]->window, 0);
	assert_int_equal(r.seg[2]->options_bytes, 0);
	assert_true(segment_has(r.seg[3], SEGMENT_NOT_TCP));
	assert_int_equal(r.seg[3]->time_ns - r.seg[1]->time_ns, 3 * NSEC_PER_SEC);
	release(&r);
}

/* Lines in any order; the frames in order of time, "stamp" only changes what the record says. */
static void frames_are_ordered_by_time(void **state)
{
	struct result r = compile("conn B 10.0.0.9:1 > 10.0.0.2:2\n"
				  "1 C>S S 0\n"
				  "3 C>S S 0\n"
				  "B: 0 C>S S 0\n"
				  "B: 2 C>S S 0 stamp 0.5\n"
				  "2.5 C>S S 0 lost\n");
	(void)state;

	assert_int_equal(r.capture->frame_count, 4);
	assert_int_equal(r.seg[1]->src_port, 1);
	assert_int_equal(r.seg[2]->src_port, 50001);
	assert_int_equal(r.seg[3]->src_port, 1);
	assert_int_equal(r.seg[3]->time_ns - r.seg[1]->time_ns, NSEC_PER_SEC / 2);
	assert_int_equal(craft_capture_conn(r.capture, "A"), 2);
	assert_int_equal(craft_capture_conn(r.capture, "B"), 1);
	assert_int_equal(craft_capture_conn(r.capture, "C"), 0);
	/* The lost one was counted. */
	assert_int_equal(r.seg[4]->ip_id, r.seg[2]->ip_id + 2);
	release(&r);
}

static void a_copy_is_the_same_packet(void **state)
{
	struct result r = compile("0 C>S P. 1:5 ack 1 payload \"abcd\"\n"
				  "+0.00001 copy ttl 63 vlan 7 cut 60\n"
				  "+0.00001 copy\n");
	(void)state;

	assert_int_equal(r.capture->frame_count, 3);
	assert_int_equal(r.capture->frames[1].captured_bytes, 60);
	assert_int_equal(r.capture->frames[1].wire_bytes, r.capture->frames[0].wire_bytes + 4);
	assert_int_equal(r.seg[2]->ttl, 63);
	assert_int_equal(r.seg[2]->ip_id, r.seg[1]->ip_id);
	assert_int_equal(r.seg[2]->tcp_checksum, r.seg[1]->tcp_checksum);
	assert_int_equal(r.capture->frames[2].wire_bytes, r.capture->frames[0].wire_bytes);
	assert_memory_equal(r.capture->frames[2].bytes, r.capture->frames[0].bytes,
			    r.capture->frames[0].captured_bytes);
	assert_memory_equal(r.seg[1]->payload, "abcd", 4);
	release(&r);
}

/* A scan: one client, ports 80 to 84, each refused, 0.1 s apart. */
static void a_block_is_repeated(void **state)
{
	struct result r = compile("conn B 10.0.0.3:5000 > 10.0.0.2:80\n"
				  "repeat B 5 start 1 every 0.1 server-port +1 addr +1 {\n"
				  "  0 C>S S 0\n"
				  "  +0.01 S>C R. 0 ack 1\n"
				  "}\n"
				  "+0.5 C>S S 0\n");
	(void)state;

	assert_int_equal(r.capture->frame_count, 11);
	assert_int_equal(r.seg[1]->src_port, 50001); /* 0.5 s after the start: no line before it */
	for (unsigned copy = 0; copy < 5; copy++) {
		const struct segment *syn = r.seg[2 + 2 * copy];
		char name[8];

		assert_int_equal(syn->src_port, 5000);
		assert_int_equal(syn->dst_port, 80 + copy);
		assert_int_equal(syn->src.bytes[15], 3 + copy);
		assert_int_equal(syn->time_ns - r.capture->script.start_ns,
				 NSEC_PER_SEC + copy * (NSEC_PER_SEC / 10));
		assert_int_equal(r.seg[3 + 2 * copy]->ack.raw, syn->seq.raw + 1);
		snprintf(name, sizeof(name), "B%u", copy + 1);
		assert_int_equal(craft_capture_conn(r.capture, name), 2 + 2 * copy);
	}
	release(&r);
}

static void sack_edges_are_the_peers(void **state)
{
	struct result r = compile("0 C>S . 1 ack 1 <nop,nop,sack 101:201 301:401>\n");
	struct sack_block blocks[SACK_BLOCKS_MOST];
	(void)state;

	assert_int_equal(segment_sack_blocks(r.seg[1], blocks), 2);
	assert_int_equal(blocks[0].left.raw, 5101);
	assert_int_equal(blocks[1].right.raw, 5401);
	release(&r);
}

/* A repeat has the same octets as the first transmission, whatever way it is cut up. */
static void the_payload_depends_on_its_place(void **state)
{
	struct result r = compile("0 C>S . 1:101 ack 1\n"
				  "1 C>S . 51:101 ack 1\n");
	(void)state;

	assert_memory_equal(r.seg[1]->payload + 50, r.seg[2]->payload, 50);
	release(&r);
}

static void an_error_quotes_what_was_sent(void **state)
{
	struct result r = compile("0 C>S S 0\n"
				  "0.1 C>S S 0 icmp 3/1 from 10.0.0.254\n"
				  "0.2 S>C S 0 icmp 3/4 from 10.0.0.254 mtu 1400 quote 8 ttl 60\n");
	(void)state;

	assert_true(segment_has(r.seg[2], SEGMENT_QUOTED));
	assert_int_equal(r.seg[2]->seq.raw, 1000);
	assert_int_equal(r.seg[2]->ip_id, r.seg[1]->ip_id);
	assert_int_equal(r.seg[2]->icmp->type, 3);
	assert_int_equal(r.seg[2]->icmp->code, 1);
	assert_memory_equal(&r.seg[2]->icmp->target, &r.seg[1]->src, 16);
	release(&r);
}

static void claims_are_kept_and_not_read(void **state)
{
	struct result r = compile("title Two words  \n"
				  "start 2000-02-29T23:59:59.5Z\n"
				  "0 C>S S 0\n"
				  "expect open.unfinished proved # why\n"
				  "forbid look\n");
	char start[TIME_TEXT_BYTES];
	(void)state;

	assert_int_equal(r.capture->script.claim_count, 2);
	assert_string_equal(r.capture->script.claims[0].text, "expect open.unfinished proved");
	assert_int_equal(r.capture->script.claims[0].line, 4);
	assert_string_equal(r.capture->script.claims[1].text, "forbid look");
	time_format_utc(start, r.capture->frames[0].time_ns);
	assert_string_equal(start, "2000-02-29T23:59:59.500000000Z");
	release(&r);
}

/* Every text is wrong in its last line; the error names the line and what is wrong. */
static void a_wrong_text_says_where(void **state)
{
	static const char *const wrong[][3] = {
		{ "0 C>S S 0\nnonsense", "line: a line of the notation is wanted", "line 2" },
		{ "B: 0 C>S S 0", "line: a line of the notation is wanted", "line 1" },
		{ "conn A 1.1.1.1:1 > 1.1.1.2:2", "conn: a new name such as B is wanted",
		  "line 1" },
		{ "conn B 1.1.1.1 > 1.1.1.2:2", "connection: ADDRESS:PORT is wanted", "line 1" },
		{ "conn B 1.1.1.1:1 ttl 7", "conn: > and the server's", "line 1" },
		{ "client 1.1.1.1:1 foo 7", "connection: isn, ttl, id, ws or win", "line 1" },
		{ "link arcnet", "link: ethernet, raw, null or sll is wanted", "line 1" },
		{ "start yesterday", "start: a number is wanted", "line 1" },
		{ "0 copy", "copy: no segment stands on the line before", "line 1" },
		{ "0 C>S S 0\n1 copy id 7", "copy: only ttl, vlan,", "line 2" },
		{ "repeat Z 3 {", "repeat: the name of a connection (A) is wanted", "line 1" },
		{ "repeat A 3", "repeat: the line ends with {", "line 1" },
		{ "repeat A 3 {\n0 C>S S 0", "repeat: the block is not closed", "line 2" },
		{ "repeat A 1000000 {\n0 C>S S 0\n0 C>S S 0\n}", "repeat: more than", "line 4" },
		{ "}", "}: no block was begun", "line 1" },
		{ "0 C>S S 0\n1 C>S . 1 ack 1 win 100", "win 100 is no multiple of 128", "line 2" },
		{ "client [::1]:5\n0 C>S S 0", "one end has an IPv4 address", "line 2" },
		{ "0 C>S . 1:70000 ack 1", "the packet is longer than its length field", "line 1" },
		{ "link raw\n0 C>S S 0 vlan 3", "vlan: only Ethernet has tags", "line 2" },
		{ "0 C>S S 0 icmp 1/1 from ::1", "icmp: its sender and the segment", "line 1" },
		{ "0 C>S S 0\n-1 copy", "copy: it comes before what it copies", "line 2" },
	};
	(void)state;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct err err = { 0 };

		if (craft_capture_text("test", wrong[i][0], &err))
			fail_msg("\"%s\" was taken", wrong[i][0]);
		if (!strstr(err.what, wrong[i][1]) || !strstr(err.where, wrong[i][2]))
			fail_msg("\"%s\" gave \"%s\" at \"%s\"", wrong[i][0], err.what, err.where);
		assert_int_equal(err.kind, ERR_INPUT);
	}
}

/* A segment larger than IP can say: only where the length field is left out (offload). */
static void an_offloaded_segment_may_be_large(void **state)
{
	struct result r = compile("0 C>S . 1:100001 ack 1 iplen 0\n");
	(void)state;

	assert_int_equal(r.seg[1]->payload_bytes, 100000);
	assert_true(segment_has(r.seg[1], SEGMENT_LENGTH_ZERO));
	release(&r);
}

/* The indented lines of docs/notation.md, block by block: each is a capture of its own. */
static void the_examples_of_the_page_are_right(void **state)
{
	FILE *page = fopen(*state, "r");
	char line[512];
	char block[8192] = "";
	unsigned blocks = 0;

	if (!page)
		fail_msg("cannot open %s", (const char *)*state);
	while (fgets(line, sizeof(line), page)) {
		bool indented = strncmp(line, "    ", 4) == 0;
		struct err err = { 0 };

		if (indented && !strstr(line, "TIME DIR FLAGS")) { /* the form, no example */
			strcat(block, line);
		} else if (block[0]) {
			struct craft_capture *capture = craft_capture_text("page", block, &err);

			if (!capture)
				fail_msg("%s in:\n%s", err.what, block);
			assert_true(capture->frame_count >= 3);
			craft_capture_free(capture);
			block[0] = '\0';
			blocks++;
		}
	}
	fclose(page);
	assert_int_equal(blocks, 2);
}

static void captures_follow_each_other(void **state)
{
	struct err err = { 0 };
	struct craft_capture *one = craft_capture_text("one", "0 C>S S 0\n1 C>S S 0\n", &err);
	struct craft_capture *two = craft_capture_text("two", "7 S>C S 0\n", &err);
	size_t bytes = 0;
	(void)state;

	assert_non_null(one);
	assert_non_null(two);
	assert_true(craft_capture_append(one, two, 2 * NSEC_PER_SEC, &err));
	assert_int_equal(one->frame_count, 3);
	assert_int_equal(one->frames[2].number, 3);
	assert_int_equal(one->frames[2].time_ns - one->frames[1].time_ns, 2 * NSEC_PER_SEC);

	uint8_t *file = pcap_craft(one->frames, one->frame_count, one->script.link_type, &bytes);

	assert_non_null(file);
	assert_int_equal(bytes, 24 + 3 * (16 + 74));
	assert_int_equal(file[3], 0x4d);
	free(file);
	craft_capture_free(two);
	craft_capture_free(one);
}

int main(int argc, char **argv)
{
	static char default_page[] = "docs/notation.md";
	char *page = argc > 1 ? argv[1] : default_page;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_left_out_is_what_linux_sends),
		cmocka_unit_test(the_syn_decides_over_the_options),
		cmocka_unit_test(a_closed_port_answers_with_raw_zero),
		cmocka_unit_test(frames_are_ordered_by_time),
		cmocka_unit_test(a_copy_is_the_same_packet),
		cmocka_unit_test(a_block_is_repeated),
		cmocka_unit_test(sack_edges_are_the_peers),
		cmocka_unit_test(the_payload_depends_on_its_place),
		cmocka_unit_test(an_error_quotes_what_was_sent),
		cmocka_unit_test(claims_are_kept_and_not_read),
		cmocka_unit_test(a_wrong_text_says_where),
		cmocka_unit_test(an_offloaded_segment_may_be_large),
		cmocka_unit_test(captures_follow_each_other),
		cmocka_unit_test_prestate(the_examples_of_the_page_are_right, page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
