/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/time.h"
#include "peers/wireshark.h"

/*
 * The main rules, one by one, on segments made by hand. Every rule and its limits in whole
 * captures: tests/peers, where the corpus and tshark are at hand.
 */

/* Who sent it: the client 10.0.0.1:50001, or the server 10.0.0.2:30001. */
enum from {
	C,
	S,
};

/* One segment and what Wireshark should say of it. */
struct step {
	enum from from;
	unsigned flags;
	uint32_t seq, ack, payload, window;
	int64_t after_us; /* the one before it */
	uint32_t expected;
};

static struct segment segment_of(const struct step *step)
{
	static const uint8_t hosts[2][4] = { { 10, 0, 0, 1 }, { 10, 0, 0, 2 } };
	static const uint16_t ports[2] = { 50001, 30001 };

	return (struct segment){
		.src = ip_address_v4(hosts[step->from]),
		.dst = ip_address_v4(hosts[1 - step->from]),
		.src_port = ports[step->from],
		.dst_port = ports[1 - step->from],
		.seq = seq_of(step->seq),
		.ack = seq_of(step->ack),
		.flags = (uint8_t)step->flags,
		.payload_bytes = step->payload,
		.window = (uint16_t)step->window,
		.header_bytes = 20,
	};
}

/* A world in which segments follow one another. */
struct world {
	struct wireshark *ws;
	uint64_t frame;
	int64_t time_ns;
	struct wireshark_packet packet; /* what was said of the last segment */
};

static struct world world_new(void)
{
	struct world world = { .ws = wireshark_new(), .time_ns = 1000 * NSEC_PER_SEC };

	assert_non_null(world.ws);
	return world;
}

static bool world_take(struct world *world, struct segment *seg, int64_t after_us)
{
	world->time_ns += after_us * NSEC_PER_USEC;
	seg->frame = ++world->frame;
	seg->time_ns = world->time_ns;
	return wireshark_add(world->ws, seg, &world->packet);
}

static void world_run(struct world *world, const struct step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct segment seg = segment_of(&steps[i]);

		assert_true(world_take(world, &seg, steps[i].after_us));
		if (world->packet.flags != steps[i].expected)
			fail_msg("frame %u: flags %#x, expected %#x", (unsigned)world->frame,
				 world->packet.flags, steps[i].expected);
	}
}
#define RUN(world, steps) world_run(world, steps, sizeof(steps) / sizeof(*(steps)))

/* SYN, SYN-ACK, ACK in 10 ms: the initial RTT; ISNs 1000 and 5000. */
static const struct step handshake[] = {
	{ C, TCP_SYN, 1000, 0, 0, 1000, 0, 0 },
	{ S, TCP_SYN | TCP_ACK, 5000, 1001, 0, 1000, 5000, 0 },
	{ C, TCP_ACK, 1001, 5001, 0, 1000, 5000, 0 },
};

static struct world world_open(void)
{
	struct world world = world_new();

	RUN(&world, handshake);
	return world;
}

static void keep_stream(void *context, const struct wireshark_stream *stream)
{
	*(struct wireshark_stream *)context = *stream;
}

static struct wireshark_stream last_stream(const struct world *world)
{
	struct wireshark_stream stream = { 0 };

	wireshark_streams(world->ws, keep_stream, &stream);
	return stream;
}

static void a_missing_segment_filled_within_the_initial_rtt_is_out_of_order(void **state)
{
	static const struct step steps[] = {
		{ C, TCP_ACK, 1101, 5001, 100, 1000, 1000, WS_LOST_SEGMENT },
		{ C, TCP_ACK, 1001, 5001, 100, 1000, 9999, WS_OUT_OF_ORDER },
	};
	struct world world = world_open();

	(void)state;
	RUN(&world, steps);
	wireshark_free(world.ws);
}

static void at_the_initial_rtt_it_is_a_retransmission(void **state)
{
	static const struct step steps[] = {
		{ C, TCP_ACK, 1101, 5001, 100, 1000, 1000, WS_LOST_SEGMENT },
		{ C, TCP_ACK, 1001, 5001, 100, 1000, 10000, WS_RETRANSMISSION },
	};
	struct world world = world_open();

	(void)state;
	RUN(&world, steps);
	assert_int_equal(world.packet.rto_frame, 4);
	assert_int_equal(world.packet.rto_ns, 10 * NSEC_PER_MSEC);
	wireshark_free(world.ws);
}

static void two_duplicate_acks_and_less_than_20_ms_make_it_fast(void **state)
{
	static const struct step steps[] = {
		{ C, TCP_ACK, 1001, 5001, 100, 1000, 1000, 0 },
		{ C, TCP_ACK, 1101, 5001, 100, 1000, 1000, 0 },
		{ S, TCP_ACK, 5001, 1001, 0, 1000, 1000, WS_DUPLICATE_ACK },
		{ S, TCP_ACK, 5001, 1001, 0, 1000, 1000, WS_DUPLICATE_ACK },
		{ C, TCP_ACK, 1001, 5001, 100, 1000, 19999,
		  WS_FAST_RETRANSMISSION | WS_RETRANSMISSION },
	};
	struct world world = world_open();

	(void)state;
	RUN(&world, steps);
	wireshark_free(world.ws);
}

static void a_duplicate_ack_has_a_number_and_names_the_first_frame(void **state)
{
	static const struct step steps[] = {
		{ C, TCP_ACK, 1001, 5001, 100, 1000, 1000, 0 },
		{ S, TCP_ACK, 5001, 1101, 0, 1000, 1000, 0 }, /* frame 5 */
		{ S, TCP_ACK, 5001, 1101, 0, 1000, 1000, WS_DUPLICATE_ACK },
		{ S, TCP_ACK, 5001, 1101, 0, 1000, 1000, WS_DUPLICATE_ACK },
	};
	struct world world = world_open();

	(void)state;
	RUN(&world, steps);
	assert_int_equal(world.packet.duplicate_ack_number, 2);
	assert_int_equal(world.packet.duplicate_ack_frame, 5);
	wireshark_free(world.ws);
}

static void data_that_was_acknowledged_is_a_spurious_retransmission(void **state)
{
	static const struct step steps[] = {
		{ C, TCP_ACK, 1001, 5001, 100, 1000, 1000, 0 },
		{ S, TCP_ACK, 5001, 1101, 0, 1000, 1000, 0 },
		{ C, TCP_ACK, 1001, 5001, 100, 1000, 1000,
		  WS_SPURIOUS_RETRANSMISSION | WS_RETRANSMISSION },
	};
	struct world world = world_open();

	(void)state;
	RUN(&world, steps);
	wireshark_free(world.ws);
}

static void an_ack_of_unseen_data_is_said_once(void **state)
{
	static const struct step steps[] = {
		{ S, TCP_ACK, 5001, 1101, 0, 1000, 1000, WS_ACK_LOST_SEGMENT },
		{ S, TCP_ACK, 5001, 1201, 0, 1000, 1000, 0 },
		{ C, TCP_ACK, 1201, 5001, 100, 1000, 1000, WS_LOST_SEGMENT },
	};
	struct world world = world_open();

	(void)state;
	RUN(&world, steps);
	wireshark_free(world.ws);
}

static void one_below_and_empty_is_a_keep_alive_and_its_answer_is_told(void **state)
{
	static const struct step steps[] = {
		{ S, TCP_ACK, 5001, 1001, 0, 1000, 1000, WS_DUPLICATE_ACK },
		{ C, TCP_ACK, 1000, 5001, 0, 1000, 7200000000, WS_KEEP_ALIVE },
		{ S, TCP_ACK, 5001, 1001, 0, 1000, 1000, WS_KEEP_ALIVE_ACK },
	};
	struct world world = world_open();

	(void)state;
	RUN(&world, steps);
	wireshark_free(world.ws);
}

static void a_zero_window_its_probe_and_the_answers_are_told(void **state)
{
	static const struct step steps[] = {
		{ C, TCP_ACK, 1001, 5001, 100, 1000, 1000, 0 },
		{ S, TCP_ACK, 5001, 1101, 0, 0, 1000, WS_ZERO_WINDOW },
		{ C, TCP_ACK, 1101, 5001, 1, 1000, 1000, WS_ZERO_WINDOW_PROBE },
		{ S, TCP_ACK, 5001, 1101, 0, 0, 1000, WS_ZERO_WINDOW | WS_ZERO_WINDOW_PROBE_ACK },
		{ S, TCP_ACK, 5001, 1101, 0, 500, 1000, WS_WINDOW_UPDATE },
	};
	struct world world = world_open();

	(void)state;
	RUN(&world, steps);
	wireshark_free(world.ws);
}

static void data_up_to_the_edge_of_the_window_fills_it(void **state)
{
	static const struct step steps[] = {
		{ C, TCP_ACK, 1001, 5001, 999, 1000, 1000, 0 },
		{ C, TCP_ACK, 2000, 5001, 1, 1000, 1000, WS_WINDOW_FULL },
		{ C, TCP_ACK, 2001, 5001, 1, 1000, 1000, 0 },
	};
	struct world world = world_open();

	(void)state;
	RUN(&world, steps); /* neither SYN had a window scale option, so the window counts as is */
	wireshark_free(world.ws);
}

static void the_windows_scale_counts_after_the_handshake(void **state)
{
	static const struct step steps[] = {
		{ S, TCP_ACK, 5001, 1001, 0, 10, 1000, WS_WINDOW_UPDATE },
		{ C, TCP_ACK, 1001, 5001, 80, 1000, 1000, WS_WINDOW_FULL },
	};
	struct world world = world_new();

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct segment seg = segment_of(&handshake[i]);

		seg.options_seen = i < 2 ? TCP_HAS_WINDOW_SCALE : 0;
		seg.window_scale = 3;
		assert_true(world_take(&world, &seg, handshake[i].after_us));
	}
	RUN(&world, steps);
	wireshark_free(world.ws);
}

static void another_isn_on_the_same_ports_is_a_new_stream(void **state)
{
	static const struct step steps[] = {
		{ C, TCP_SYN, 9000, 0, 0, 1000, 1000, WS_REUSED_PORTS },
	};
	struct world world = world_open();

	(void)state;
	assert_int_equal(world.packet.stream, 0);
	RUN(&world, steps);
	assert_int_equal(world.packet.stream, 1);
	assert_int_equal(world.packet.completeness_before, 1);
	wireshark_free(world.ws);
}

static void the_same_isn_is_not_even_after_a_reset(void **state)
{
	static const struct step steps[] = {
		{ S, TCP_RST, 5001, 0, 0, 0, 1000, 0 },
		{ C, TCP_SYN, 1000, 0, 0, 1000, 50000, WS_RETRANSMISSION },
	};
	struct world world = world_open();

	(void)state;
	RUN(&world, steps);
	assert_int_equal(world.packet.stream, 0);
	wireshark_free(world.ws);
}

static void completeness_lags_by_one_segment_in_one_pass(void **state)
{
	static const struct step steps[] = {
		{ C, TCP_ACK | TCP_PSH, 1001, 5001, 100, 1000, 1000, 0 },
		{ S, TCP_RST | TCP_ACK, 5001, 1101, 0, 0, 1000, 0 },
	};
	struct world world = world_open();
	struct wireshark_stream stream;

	(void)state;
	RUN(&world, steps);
	assert_int_equal(world.packet.completeness_before, 1 | 2 | 4 | 8);
	stream = last_stream(&world);
	assert_int_equal(stream.completeness, 1 | 2 | 4 | 8 | 32);
	wireshark_free(world.ws);
}

static void a_first_packet_that_is_no_syn_counts_in_the_second_pass_only(void **state)
{
	static const struct step first[] = { { C, TCP_ACK, 1001, 5001, 100, 1000, 0, 0 } };
	static const struct step second[] = { { S, TCP_ACK, 5001, 1101, 0, 1000, 1000, 0 } };
	struct world world = world_new();
	struct wireshark_stream stream;

	(void)state;
	RUN(&world, first);
	stream = last_stream(&world);
	assert_int_equal(stream.completeness, 0);
	RUN(&world, second);
	assert_int_equal(world.packet.completeness_before, 0);
	stream = last_stream(&world);
	assert_int_equal(stream.completeness, 8 | 4);
	wireshark_free(world.ws);
}

static void the_stream_counts_both_sides_and_knows_the_initial_rtt(void **state)
{
	static const struct step steps[] = {
		{ C, TCP_ACK | TCP_PSH, 1001, 5001, 100, 1000, 1000, 0 },
		{ C, TCP_FIN | TCP_ACK, 1101, 5001, 0, 1000, 1000, 0 },
		{ S, TCP_RST | TCP_ACK, 5001, 1102, 0, 0, 1000, 0 },
	};
	struct world world = world_open();
	struct wireshark_stream stream;

	(void)state;
	RUN(&world, steps);
	stream = last_stream(&world);
	assert_int_equal(stream.a.port, 50001);
	assert_int_equal(stream.a.packets, 4);
	assert_int_equal(stream.a.payload_bytes, 100);
	assert_int_equal(stream.a.syn, 1);
	assert_int_equal(stream.a.fin, 1);
	assert_int_equal(stream.b.synack, 1);
	assert_int_equal(stream.b.rst, 1);
	assert_int_equal(stream.first_frame, 1);
	assert_int_equal(stream.last_frame, 6);
	assert_true(stream.irtt_known);
	assert_int_equal(stream.initial_rtt_ns, 10 * NSEC_PER_MSEC);
	wireshark_free(world.ws);
}

static void an_ack_times_the_first_transmission(void **state)
{
	static const struct step steps[] = {
		{ C, TCP_ACK, 1001, 5001, 100, 1000, 1000, 0 }, /* frame 4 */
		{ C, TCP_ACK, 1001, 5001, 100, 1000, 30000, WS_RETRANSMISSION },
		{ S, TCP_ACK, 5001, 1101, 0, 1000, 2000, 0 },
	};
	struct world world = world_open();

	(void)state;
	RUN(&world, steps);
	assert_int_equal(world.packet.acks_frame, 4);
	assert_int_equal(world.packet.ack_rtt_ns, 32 * NSEC_PER_MSEC);
	wireshark_free(world.ws);
}

static void a_quote_of_16_bytes_takes_part_and_one_of_15_does_not(void **state)
{
	static const struct step fin = { C, TCP_FIN | TCP_ACK, 1001, 5001, 0, 1000, 0, 0 };
	struct icmp_error icmp = { .quoted_bytes = 15 };
	struct world world = world_open();
	struct segment seg = segment_of(&fin);
	struct wireshark_stream stream;

	(void)state;
	seg.what = SEGMENT_QUOTED | SEGMENT_HEADER_CUT;
	seg.icmp = &icmp;
	assert_false(world_take(&world, &seg, 1000));
	icmp.quoted_bytes = 16;
	assert_true(world_take(&world, &seg, 1000));
	stream = last_stream(&world);
	assert_int_equal(stream.completeness, 1 | 2 | 4 | 16);
	assert_int_equal(stream.last_frame, 3); /* a quote is no packet of the stream */
	assert_int_equal(stream.a.fin, 0);
	wireshark_free(world.ws);
}

static void headers_that_wireshark_does_not_read_make_no_stream(void **state)
{
	static const struct step syn = { C, TCP_SYN, 1000, 0, 0, 1000, 0, 0 };
	struct icmp_error redirect = { .version = 4, .type = 5, .quoted_bytes = 20 };
	struct wireshark *ws = wireshark_new();
	struct segment seg = segment_of(&syn);

	(void)state;
	assert_non_null(ws);
	seg.what = SEGMENT_QUOTED;
	seg.icmp = &redirect;
	assert_false(wireshark_add(ws, &seg, NULL));
	seg.icmp = NULL;
	seg.what = SEGMENT_IPV6 | SEGMENT_FRAGMENT_ALONE;
	assert_false(wireshark_add(ws, &seg, NULL));
	seg.what = SEGMENT_FRAGMENT_ALONE; /* an IPv4 one it reads */
	assert_true(wireshark_add(ws, &seg, NULL));
	wireshark_free(ws);
}

/* The node's segment names its home, the answer is routed there: one stream, shown as the first
 * packet's header has it. */
static void a_mobile_node_has_one_stream_for_both_directions(void **state)
{
	static const uint8_t care_of[16] = { 0xfd, [15] = 9 };
	static const struct step there = { C, TCP_SYN, 1000, 0, 0, 1000, 0, 0 };
	static const struct step back = { S, TCP_SYN | TCP_ACK, 5000, 1001, 0, 1000, 0, 0 };
	struct wireshark *ws = wireshark_new();
	struct segment first = segment_of(&there), second = segment_of(&back);
	struct wireshark_packet packet;

	(void)state;
	assert_non_null(ws);
	first.care_of = care_of;
	assert_true(wireshark_add(ws, &first, &packet));
	assert_int_equal(packet.stream, 0);
	assert_true(wireshark_add(ws, &second, &packet));
	assert_int_equal(packet.stream, 0);
	wireshark_free(ws);
}

static void a_cut_header_moves_the_state_and_shows_nothing(void **state)
{
	static const struct step data = { C, TCP_ACK, 1101, 5001, 100, 1000, 0, 0 };
	struct world world = world_open();
	struct segment seg = segment_of(&data);
	struct wireshark_stream stream;

	(void)state;
	seg.what = SEGMENT_HEADER_CUT;
	assert_true(world_take(&world, &seg, 1000));
	assert_int_equal(world.packet.flags, WS_LOST_SEGMENT);
	assert_false(world.packet.shown);
	stream = last_stream(&world);
	assert_int_equal(stream.flags[5], 0); /* lost_segment */
	assert_int_equal(stream.a.payload_bytes, 100);
	wireshark_free(world.ws);
}

static void what_is_no_tcp_takes_no_part(void **state)
{
	struct world world = world_new();
	struct segment seg = { .what = SEGMENT_NOT_TCP };

	(void)state;
	assert_false(world_take(&world, &seg, 0));
	wireshark_free(world.ws);
}

static void every_flag_has_wiresharks_name(void **state)
{
	(void)state;
	assert_string_equal(wireshark_flag_name(0), "retransmission");
	assert_string_equal(wireshark_flag_name(14), "reused_ports");
	assert_string_equal(wireshark_flag_name(15), "");
	assert_int_equal(WS_REUSED_PORTS, 1 << 14);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_missing_segment_filled_within_the_initial_rtt_is_out_of_order),
		cmocka_unit_test(at_the_initial_rtt_it_is_a_retransmission),
		cmocka_unit_test(two_duplicate_acks_and_less_than_20_ms_make_it_fast),
		cmocka_unit_test(a_duplicate_ack_has_a_number_and_names_the_first_frame),
		cmocka_unit_test(data_that_was_acknowledged_is_a_spurious_retransmission),
		cmocka_unit_test(an_ack_of_unseen_data_is_said_once),
		cmocka_unit_test(one_below_and_empty_is_a_keep_alive_and_its_answer_is_told),
		cmocka_unit_test(a_zero_window_its_probe_and_the_answers_are_told),
		cmocka_unit_test(data_up_to_the_edge_of_the_window_fills_it),
		cmocka_unit_test(the_windows_scale_counts_after_the_handshake),
		cmocka_unit_test(another_isn_on_the_same_ports_is_a_new_stream),
		cmocka_unit_test(the_same_isn_is_not_even_after_a_reset),
		cmocka_unit_test(completeness_lags_by_one_segment_in_one_pass),
		cmocka_unit_test(a_first_packet_that_is_no_syn_counts_in_the_second_pass_only),
		cmocka_unit_test(the_stream_counts_both_sides_and_knows_the_initial_rtt),
		cmocka_unit_test(an_ack_times_the_first_transmission),
		cmocka_unit_test(a_quote_of_16_bytes_takes_part_and_one_of_15_does_not),
		cmocka_unit_test(headers_that_wireshark_does_not_read_make_no_stream),
		cmocka_unit_test(a_mobile_node_has_one_stream_for_both_directions),
		cmocka_unit_test(a_cut_header_moves_the_state_and_shows_nothing),
		cmocka_unit_test(what_is_no_tcp_takes_no_part),
		cmocka_unit_test(every_flag_has_wiresharks_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
