/* SPDX-License-Identifier: BSD-2-Clause */
/* Fragments, in any order, with overlaps, with too little memory, too late, or cut. */
#include "decode/stack_test.h"

#include "decode/fragment.h"

#define CONTENT_BYTES 120 /* TCP header of 20, payload of 100 that counts up */
#define MORE	      0x2000

static struct decoded decoded;
static uint8_t content[CONTENT_BYTES];
static uint64_t frame_number;

static int begin(void **state)
{
	static const uint8_t tcp[20] = { 0x9c, 0x40, 0x23, 0x28, [12] = 0x50, [13] = 0x10 };

	(void)state;
	decoded_begin(&decoded, 0);
	memcpy(content, tcp, sizeof(tcp));
	for (size_t i = sizeof(tcp); i < sizeof(content); i++)
		content[i] = (uint8_t)i;
	frame_number = 0;
	return 0;
}

static int end(void **state)
{
	(void)state;
	decoded_end(&decoded);
	return 0;
}

/* One IPv4 fragment on raw IP. */
struct piece {
	size_t offset, bytes;
	bool more;
	uint16_t id;
	int64_t time_ns;
	size_t cut; /* bytes at the end that were not captured */
};

/* Send bytes as a fragment. Return: the segment that came out; NULL: none. */
static const struct segment *send_bytes(const struct piece *piece, const uint8_t *bytes)
{
	uint8_t ip[20 + 2048] = { 0x45, [8] = 64, [9] = 6, 10, 0, [15] = 1, 10, 0, 0, 2 };
	struct frame frame = { .number = ++frame_number,
			       .time_ns = piece->time_ns,
			       .link_type = 101,
			       .wire_bytes = (uint32_t)(20 + piece->bytes) };

	ip[12] = 10;
	put16(ip + 2, (unsigned)(20 + piece->bytes));
	put16(ip + 4, piece->id);
	put16(ip + 6, (unsigned)(piece->offset / 8) | (piece->more ? MORE : 0));
	memcpy(ip + 20, bytes, piece->bytes);
	decoded_frame(&decoded, frame, ip, frame.wire_bytes - piece->cut);
	assert_int_equal(decoded.batch.count, 1);
	return decoded.batch.segments[0].what & SEGMENT_NOT_TCP ? NULL : &decoded.batch.segments[0];
}

static const struct segment *send_piece(struct piece piece)
{
	return send_bytes(&piece, content + piece.offset);
}

static const struct segment *send_part(size_t from, size_t to)
{
	return send_piece(
		(struct piece){ .offset = from, .bytes = to - from, .more = to < CONTENT_BYTES });
}

static void expect_whole(const struct segment *seg)
{
	assert_non_null(seg);
	assert_true(seg->what & SEGMENT_REASSEMBLED);
	assert_int_equal(seg->src_port, 40000);
	assert_int_equal(seg->payload_bytes, CONTENT_BYTES - 20);
	assert_int_equal(seg->payload_captured, CONTENT_BYTES - 20);
	assert_int_equal(seg->ip_bytes, CONTENT_BYTES + 20);
	assert_memory_equal(seg->payload, content + 20, CONTENT_BYTES - 20);
	assert_int_equal(seg->frame, frame_number);
	assert_int_equal(seg->ttl, 64);
}

static void all_orders_of_four_pieces_make_the_segment(void **state)
{
	static const size_t edges[] = { 0, 24, 48, 96, CONTENT_BYTES };

	(void)state;
	for (unsigned order = 0; order < 4 * 4 * 4 * 4; order++) {
		unsigned turn[4] = { order & 3, order >> 2 & 3, order >> 4 & 3, order >> 6 };
		unsigned sent = 1u << turn[0] | 1u << turn[1] | 1u << turn[2] | 1u << turn[3];

		if (sent != 0xf) /* not each of them once */
			continue;
		for (int i = 0; i < 3; i++)
			assert_null(send_part(edges[turn[i]], edges[turn[i] + 1]));
		expect_whole(send_part(edges[turn[3]], edges[turn[3] + 1]));
	}
	assert_int_equal(decoder_stats(decoded.decoder)->datagrams_reassembled, 24);
	assert_int_equal(decoded_count(&decoded, DECODE_FRAGMENT), 3 * 24);
	assert_int_equal(decoded_count(&decoded, DECODE_TCP), 24);
}

static void of_bytes_that_came_twice_the_first_stay(void **state)
{
	uint8_t other[64];

	(void)state;
	memset(other, 0xee, sizeof(other));
	assert_null(send_part(24, 48));
	assert_null(send_bytes(&(struct piece){ .offset = 16, .bytes = 40, .more = true }, other));
	/* 16 to 24 and 48 to 56 are the second one's now; what follows must not change them */
	assert_null(send_part(0, 56));

	const struct segment *seg = send_part(48, CONTENT_BYTES);

	assert_non_null(seg);
	for (size_t i = 20; i < CONTENT_BYTES; i++) {
		bool foreign = (i >= 16 && i < 24) || (i >= 48 && i < 56);

		assert_int_equal(seg->payload[i - 20], foreign ? 0xee : content[i]);
	}
	assert_int_equal(decoder_stats(decoded.decoder)->fragment_overlaps, 3);
}

static void a_datagram_can_come_again_after_it_was_complete(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_null(send_part(0, 64));
		expect_whole(send_part(64, CONTENT_BYTES));
	}
}

static void datagrams_with_other_ids_do_not_mix(void **state)
{
	(void)state;
	assert_null(send_piece((struct piece){ .bytes = 64, .more = true, .id = 1 }));
	assert_null(
		send_piece((struct piece){ .offset = 64, .bytes = CONTENT_BYTES - 64, .id = 2 }));
	expect_whole(
		send_piece((struct piece){ .offset = 64, .bytes = CONTENT_BYTES - 64, .id = 1 }));
}

static void a_first_fragment_that_was_cut_is_read_alone(void **state)
{
	const struct segment *seg =
		send_piece((struct piece){ .bytes = 64, .more = true, .cut = 20 });

	(void)state;
	assert_non_null(seg);
	assert_true(seg->what & SEGMENT_FRAGMENT_ALONE);
	assert_false(seg->what & SEGMENT_TCP_SUM_KNOWN);
	assert_int_equal(seg->payload_bytes, 44);
	assert_int_equal(seg->payload_captured, 24);
	assert_null(
		send_piece((struct piece){ .offset = 64, .bytes = CONTENT_BYTES - 64, .cut = 1 }));
	assert_int_equal(decoded_count(&decoded, DECODE_FRAGMENT_CUT), 1);
}

static void a_datagram_is_given_up_after_its_time(void **state)
{
	(void)state;
	assert_null(send_piece((struct piece){ .bytes = 64, .more = true, .time_ns = 1000 }));
	expect_whole(send_piece((struct piece){
		.offset = 64, .bytes = CONTENT_BYTES - 64, .time_ns = 1000 + FRAGMENT_LIFE_NS }));
	assert_null(send_piece((struct piece){ .bytes = 64, .more = true, .time_ns = 1000 }));
	assert_null(send_piece((struct piece){
		.offset = 64, .bytes = CONTENT_BYTES - 64, .time_ns = 1001 + FRAGMENT_LIFE_NS }));
	assert_int_equal(decoded_count(&decoded, DECODE_FRAGMENT_DROPPED), 1);
}

static void odd_times_give_nothing_up(void **state)
{
	(void)state;
	assert_null(send_piece((struct piece){ .bytes = 64, .more = true, .time_ns = INT64_MAX }));
	expect_whole(send_piece(
		(struct piece){ .offset = 64, .bytes = CONTENT_BYTES - 64, .time_ns = TIME_NONE }));
	assert_null(send_piece((struct piece){ .bytes = 64, .more = true, .time_ns = TIME_NONE }));
	expect_whole(send_piece(
		(struct piece){ .offset = 64, .bytes = CONTENT_BYTES - 64, .time_ns = INT64_MAX }));
	assert_null(send_piece((struct piece){ .bytes = 64, .more = true, .time_ns = 5000 }));
	expect_whole(send_piece(
		(struct piece){ .offset = 64, .bytes = CONTENT_BYTES - 64, .time_ns = -5000 }));
}

static void sizes_that_contradict_are_given_up(void **state)
{
	(void)state;
	assert_null(send_part(64, CONTENT_BYTES));
	/* another last fragment, ending elsewhere */
	assert_null(send_piece((struct piece){ .offset = 64, .bytes = 40 }));
	assert_int_equal(decoded_count(&decoded, DECODE_FRAGMENT_DROPPED), 2);
	/* bytes behind the last one */
	assert_null(send_piece((struct piece){ .offset = 0, .bytes = 120, .more = true }));
	assert_null(send_piece((struct piece){ .offset = 64, .bytes = 40 }));
	assert_int_equal(decoded_count(&decoded, DECODE_FRAGMENT_DROPPED), 4);
	/* beyond what a datagram can hold */
	static uint8_t zeros[2000];

	assert_null(
		send_bytes(&(struct piece){ .offset = 65528, .bytes = 8, .more = true }, zeros));
	assert_int_equal(decoded_count(&decoded, DECODE_FRAGMENT_DROPPED), 5);
}

/* Memory for about one datagram: the oldest go first, the newest is completed, all is counted. */
static void the_oldest_datagram_makes_room(void **state)
{
	(void)state;
	decoded_end(&decoded);
	decoded_begin(&decoded, 1);
	for (unsigned i = 0; i < 1000; i++)
		assert_null(
			send_piece((struct piece){ .bytes = 64, .more = true, .id = (uint16_t)i }));
	uint64_t dropped = decoded_count(&decoded, DECODE_FRAGMENT_DROPPED);

	assert_true(dropped > 900 && dropped < 1000);
	expect_whole(
		send_piece((struct piece){ .offset = 64, .bytes = CONTENT_BYTES - 64, .id = 999 }));
	/* it is gone, and has left its room */
	assert_null(
		send_piece((struct piece){ .offset = 64, .bytes = CONTENT_BYTES - 64, .id = 0 }));
	assert_int_equal(decoded_count(&decoded, DECODE_FRAGMENT_DROPPED), dropped);
}

#define PIECE_BYTES	   ((size_t)2000) /* four blocks of memory */
#define PIECES		   8
#define LARGE_ONES_AT_ONCE 4 /* in memory for 64 KiB and a little */

static void send_large(unsigned id)
{
	static uint8_t zeros[PIECE_BYTES];

	for (size_t piece = 0; piece < PIECES; piece++)
		assert_null(send_bytes(&(struct piece){ .offset = piece * PIECE_BYTES,
							.bytes = PIECE_BYTES,
							.more = true,
							.id = (uint16_t)id },
				       zeros));
}

/* A few datagrams with many bytes fill the memory, too. */
static void the_oldest_bytes_make_room(void **state)
{
	(void)state;
	decoded_end(&decoded);
	decoded_begin(&decoded, 1);
	for (unsigned id = 1; id <= LARGE_ONES_AT_ONCE; id++)
		send_large(id);
	assert_int_equal(decoded_count(&decoded, DECODE_FRAGMENT_DROPPED), 0);
	for (unsigned id = 5; id <= 100; id++) {
		send_large(id);
		assert_int_equal(decoded_count(&decoded, DECODE_FRAGMENT_DROPPED),
				 (id - LARGE_ONES_AT_ONCE) * PIECES);
	}
}

/* The largest datagram fits in the least memory, also when it comes in the smallest pieces. */
static void a_full_datagram_always_fits(void **state)
{
	static uint8_t zeros[2000];
	const struct segment *seg = NULL;

	(void)state;
	decoded_end(&decoded);
	decoded_begin(&decoded, 1);
	memcpy(zeros, content, 20);
	for (size_t at = 0; at < 65528; at += 1480) {
		struct piece piece = { .offset = at, .bytes = 1480, .more = true };

		if (at + 1480 > 65528) {
			piece.bytes = 65528 - at;
			piece.more = false;
		}
		seg = send_bytes(&piece, at ? zeros + 20 : zeros);
	}
	assert_non_null(seg);
	assert_int_equal(seg->payload_bytes, 65528 - 20);
}

/* Several datagrams complete in one batch: what was lent stays until the next batch. */
static void what_is_lent_stays_for_the_batch(void **state)
{
	static struct segment_batch batch;
	static const uint8_t header[20] = {
		0x45, 0, 0x1f, 0x54, [8] = 64, [9] = 6, [12] = 10, [15] = 1, [16] = 10, [19] = 2
	};
	static uint8_t frames[2][8020];
	unsigned lent = 0;

	(void)state;
	decode_batch_begin(decoded.decoder, &batch);
	for (unsigned id = 0; id < 100; id++) {
		for (int part = 0; part < 2; part++) {
			uint8_t *ip = frames[part];
			struct frame frame = { .number = 1,
					       .link_type = 101,
					       .bytes = ip,
					       .captured_bytes = 8020,
					       .wire_bytes = 8020 };

			memset(ip, (int)id, sizeof(frames[0]));
			memcpy(ip, header, sizeof(header));
			put16(ip + 4, id);
			put16(ip + 6, part ? 1000 : MORE);
			if (part == 0)
				memcpy(ip + 20, content, 20);
			decode_frame(decoded.decoder, &frame, &batch);
		}
	}
	for (unsigned i = 0; i < batch.count; i++) {
		const struct segment *seg = &batch.segments[i];

		if (seg->what & SEGMENT_NOT_TCP)
			continue;
		for (uint32_t at = 0; at < seg->payload_captured; at++)
			assert_int_equal(seg->payload[at], lent);
		assert_int_equal(seg->payload_captured, 15980);
		lent++;
	}
	assert_int_equal(lent, 100);
}

/* What the datagram holds by the obvious way: a byte belongs to whoever brought it first. */
struct model {
	int16_t bytes[CONTENT_BYTES]; /* -1: nobody yet */
	size_t held;
	bool last; /* the last fragment has come */
};

/* A random piece, also put into the model. The TCP header is right in every piece. */
static const struct segment *send_random(struct model *model, uint32_t random, uint16_t id)
{
	size_t from = (size_t)(random >> 8) % (CONTENT_BYTES / 8) * 8;
	size_t to = from + 8 + (size_t)(random >> 20) % 6 * 8;
	uint8_t bytes[CONTENT_BYTES];

	if (to > CONTENT_BYTES)
		to = CONTENT_BYTES;
	for (size_t i = from; i < to; i++) {
		bytes[i - from] = i < 20 ? content[i] : (uint8_t)(random >> 24);
		if (model->bytes[i] >= 0)
			continue;
		model->bytes[i] = bytes[i - from];
		model->held++;
	}
	model->last |= to == CONTENT_BYTES;
	return send_bytes(
		&(struct piece){
			.offset = from, .bytes = to - from, .more = to < CONTENT_BYTES, .id = id },
		bytes);
}

static void random_pieces_come_out_as_in_the_obvious_model(void **state)
{
	uint32_t random = 20260102;

	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		struct model model = { .held = 0 };
		const struct segment *seg = NULL;

		memset(model.bytes, 0xff, sizeof(model.bytes));
		while (model.held < CONTENT_BYTES || !model.last) {
			assert_null(seg);
			random = random * 1664525 + 1013904223;
			seg = send_random(&model, random, (uint16_t)round);
		}
		assert_non_null(seg);
		for (size_t i = 20; i < CONTENT_BYTES; i++)
			assert_int_equal(seg->payload[i - 20], model.bytes[i]);
	}
}

static const struct segment *send_v6(const char *header, size_t from, size_t to, size_t cut)
{
	static struct stack stack;
	struct frame frame = { .number = ++frame_number, .link_type = 101 };

	stack.start = STACK_ROOM;
	stack_push(&stack, content + from, to - from);
	stack_push_hex(&stack, header);
	stack_push_ip6(&stack, 44);
	frame.wire_bytes = (uint32_t)stack_bytes(&stack);
	decoded_frame(&decoded, frame, stack.room + stack.start, stack_bytes(&stack) - cut);
	return decoded.batch.segments[0].what & SEGMENT_NOT_TCP ? NULL : &decoded.batch.segments[0];
}

static void ipv6_takes_the_protocol_of_the_first_fragment(void **state)
{
	const struct segment *seg;

	(void)state;
	assert_null(send_v6("1100 0040 00000009", 64, CONTENT_BYTES, 0)); /* says UDP */
	seg = send_v6("0600 0001 00000009", 0, 64, 0);
	assert_non_null(seg);
	assert_true(seg->what & SEGMENT_REASSEMBLED);
	assert_true(seg->what & SEGMENT_IPV6);
	assert_int_equal(seg->payload_bytes, 100);
	assert_int_equal(seg->ip_bytes, 40 + CONTENT_BYTES);
	seg = send_v6("0600 0001 0000000a", 0, 64, 4);
	assert_non_null(seg);
	assert_true(seg->what & SEGMENT_FRAGMENT_ALONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_orders_of_four_pieces_make_the_segment, begin,
						end),
		cmocka_unit_test_setup_teardown(of_bytes_that_came_twice_the_first_stay, begin,
						end),
		cmocka_unit_test_setup_teardown(a_datagram_can_come_again_after_it_was_complete,
						begin, end),
		cmocka_unit_test_setup_teardown(datagrams_with_other_ids_do_not_mix, begin, end),
		cmocka_unit_test_setup_teardown(a_first_fragment_that_was_cut_is_read_alone, begin,
						end),
		cmocka_unit_test_setup_teardown(a_datagram_is_given_up_after_its_time, begin, end),
		cmocka_unit_test_setup_teardown(odd_times_give_nothing_up, begin, end),
		cmocka_unit_test_setup_teardown(sizes_that_contradict_are_given_up, begin, end),
		cmocka_unit_test_setup_teardown(the_oldest_datagram_makes_room, begin, end),
		cmocka_unit_test_setup_teardown(the_oldest_bytes_make_room, begin, end),
		cmocka_unit_test_setup_teardown(a_full_datagram_always_fits, begin, end),
		cmocka_unit_test_setup_teardown(what_is_lent_stays_for_the_batch, begin, end),
		cmocka_unit_test_setup_teardown(random_pieces_come_out_as_in_the_obvious_model,
						begin, end),
		cmocka_unit_test_setup_teardown(ipv6_takes_the_protocol_of_the_first_fragment,
						begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
