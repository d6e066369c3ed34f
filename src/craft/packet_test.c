/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "craft/packet.h"
#include "decode/decode.h"
#include "tcp/option.h"

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

static struct dice dice_with_seed(void)
{
	const char *given = getenv("TCPWHY_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);

	print_message("seed %llu (TCPWHY_SEED)\n", (unsigned long long)seed);
	return (struct dice){ .state = seed * 2 + 1 };
}

/* A segment and the bytes that it borrows. */
struct sample {
	struct segment seg;
	struct packet packet;
	struct packet_icmp icmp;
	uint32_t vlans[NOTATION_VLANS_MOST];
	uint8_t options[40];
	uint8_t payload[1500];
};

static const struct {
	uint8_t bytes[12];
	uint8_t count;
	uint16_t seen;
} option_samples[] = {
	{ { 2, 4, 5, 0xb4 }, 4, TCP_HAS_MSS },
	{ { 3, 3, 9 }, 3, TCP_HAS_WINDOW_SCALE },
	{ { 4, 2 }, 2, TCP_HAS_SACK_PERMITTED },
	{ { 5, 10, 0, 0, 0, 1, 0, 0, 0, 9 }, 10, TCP_HAS_SACK },
	{ { 8, 10, 0, 0, 1, 2, 0, 0, 3, 4 }, 10, TCP_HAS_TIMESTAMPS },
	{ { 34, 6, 1, 2, 3, 4 }, 6, TCP_HAS_FAST_OPEN },
	{ { 29, 6, 1, 1, 7, 7 }, 6, TCP_HAS_AO },
	{ { 30, 4, 0x70, 0 }, 4, TCP_HAS_MPTCP },
	{ { 28, 4, 0, 9 }, 4, TCP_HAS_USER_TIMEOUT },
	{ { 1 }, 1, 0 },
};
#define OPTION_SAMPLES (sizeof(option_samples) / sizeof(option_samples[0]))

static void random_options(struct dice *dice, struct sample *sample)
{
	struct segment *seg = &sample->seg;

	for (uint32_t want = dice_roll(dice, 4); want > 0; want--) {
		uint32_t pick = dice_roll(dice, OPTION_SAMPLES);
		uint16_t seen = option_samples[pick].seen;

		if (seg->options_bytes + option_samples[pick].count > 40 ||
		    (seen & seg->options_seen))
			continue;
		memcpy(sample->options + seg->options_bytes, option_samples[pick].bytes,
		       option_samples[pick].count);
		seg->options_bytes = (uint8_t)(seg->options_bytes + option_samples[pick].count);
		seg->options_seen |= seen;
	}
	seg->options = sample->options;
	seg->header_bytes = (uint8_t)(20 + (seg->options_bytes + 3) / 4 * 4);
}

static void random_address(struct dice *dice, bool v6, struct ip_address *ip)
{
	for (unsigned i = 0; i < 16; i++)
		ip->bytes[i] = (uint8_t)dice_roll(dice, 256);
	ip->bytes[0] = 0x20; /* a unicast address in both families */
	if (!v6)
		*ip = ip_address_v4((const uint8_t[]){ 10, ip->bytes[1], ip->bytes[2], 1 });
}

static void random_segment(struct dice *dice, struct sample *sample)
{
	struct segment *seg = &sample->seg;
	bool v6 = dice_roll(dice, 2) != 0;

	memset(sample, 0, sizeof(*sample));
	random_address(dice, v6, &seg->src);
	random_address(dice, v6, &seg->dst);
	seg->src_port = (uint16_t)dice_roll(dice, 65536);
	seg->dst_port = (uint16_t)dice_roll(dice, 65536);
	seg->seq = seq_of(dice_roll(dice, UINT32_MAX));
	seg->ack = seq_of(dice_roll(dice, UINT32_MAX));
	seg->flags = (uint8_t)dice_roll(dice, 256);
	seg->flags_reserved = (uint8_t)dice_roll(dice, 16);
	seg->window = (uint16_t)dice_roll(dice, 65536);
	seg->urgent = (uint16_t)dice_roll(dice, 65536);
	seg->ttl = (uint8_t)dice_roll(dice, 256);
	seg->ip_tos = (uint8_t)dice_roll(dice, 256);
	seg->ip_id = v6 ? 0 : (uint16_t)dice_roll(dice, 65536);
	if (v6)
		seg->what = SEGMENT_IPV6 | SEGMENT_DONT_FRAGMENT;
	else if (dice_roll(dice, 2))
		seg->what = SEGMENT_DONT_FRAGMENT;
	if (!v6 && dice_roll(dice, 4) == 0)
		seg->what |= SEGMENT_IP_SUM_BAD;
	if (dice_roll(dice, 4) == 0)
		seg->what |= SEGMENT_TCP_SUM_BAD;
	if (segment_has(seg, SEGMENT_TCP_SUM_BAD) && dice_roll(dice, 2))
		seg->what |= SEGMENT_TCP_SUM_PARTIAL;
	random_options(dice, sample);
	seg->payload_bytes = dice_roll(dice, 2) ? dice_roll(dice, sizeof(sample->payload)) : 0;
	for (uint32_t i = 0; i < seg->payload_bytes; i++)
		sample->payload[i] = (uint8_t)dice_roll(dice, 256);
	seg->payload = sample->payload;
	sample->packet.segment = seg;
}

static void random_wrapping(struct dice *dice, struct sample *sample)
{
	static const uint16_t links[] = { CRAFT_LINK_NULL, CRAFT_LINK_ETHERNET, CRAFT_LINK_RAW,
					  CRAFT_LINK_SLL };

	sample->packet.link_type = links[dice_roll(dice, 4)];
	sample->packet.tunnel = (enum notation_tunnel)dice_roll(dice, NOTATION_TUNNELS);
	if (sample->packet.link_type == CRAFT_LINK_ETHERNET)
		sample->packet.vlan_count = dice_roll(dice, 3);
	for (unsigned i = 0; i < NOTATION_VLANS_MOST; i++)
		sample->vlans[i] = 1 + dice_roll(dice, 4094);
	sample->packet.vlans = sample->vlans;
}

/* Craft and decode; the frame lies in a block of just its size. Return: the block. */
static uint8_t *decode_crafted(const struct packet *packet, struct decoder *decoder,
			       struct segment_batch *batch)
{
	static uint8_t room[2048];
	size_t bytes = packet_craft(packet, room, sizeof(room), NULL);
	uint8_t *exact = malloc(bytes ? bytes : 1);
	struct frame frame = {
		.number = 1,
		.time_ns = 5,
		.bytes = exact,
		.captured_bytes = (uint32_t)bytes,
		.wire_bytes = (uint32_t)bytes,
		.link_type = packet->link_type,
	};

	assert_true(bytes > 0);
	assert_non_null(exact);
	memcpy(exact, room, bytes);
	decode_batch_begin(decoder, batch);
	decode_frame(decoder, &frame, batch);
	return exact;
}

static void assert_same(const struct segment *in, const struct segment *out)
{
	uint16_t compared = SEGMENT_NOT_TCP | SEGMENT_IPV6 | SEGMENT_HEADER_CUT |
			    SEGMENT_PAYLOAD_CUT | SEGMENT_DONT_FRAGMENT | SEGMENT_IP_SUM_BAD |
			    SEGMENT_TCP_SUM_BAD | SEGMENT_TCP_SUM_PARTIAL;

	/* A sum that is just wrong may happen to be what a network card is left with. */
	if ((in->what & (SEGMENT_TCP_SUM_BAD | SEGMENT_TCP_SUM_PARTIAL)) == SEGMENT_TCP_SUM_BAD)
		compared &= (uint16_t)~SEGMENT_TCP_SUM_PARTIAL;
	assert_memory_equal(&in->src, &out->src, sizeof(in->src));
	assert_memory_equal(&in->dst, &out->dst, sizeof(in->dst));
	assert_int_equal(in->src_port, out->src_port);
	assert_int_equal(in->dst_port, out->dst_port);
	assert_int_equal(in->seq.raw, out->seq.raw);
	assert_int_equal(in->ack.raw, out->ack.raw);
	assert_int_equal(in->flags, out->flags);
	assert_int_equal(in->flags_reserved, out->flags_reserved);
	assert_int_equal(in->window, out->window);
	assert_int_equal(in->urgent, out->urgent);
	assert_int_equal(in->ttl, out->ttl);
	assert_int_equal(in->ip_tos, out->ip_tos);
	assert_int_equal(in->ip_id, out->ip_id);
	assert_int_equal(in->header_bytes, out->header_bytes);
	assert_int_equal(in->payload_bytes, out->payload_bytes);
	assert_int_equal(in->what & compared, out->what & compared);
	assert_int_equal(in->options_seen, out->options_seen);
	assert_memory_equal(in->options, out->options, in->options_bytes);
	assert_memory_equal(in->payload, out->payload, in->payload_bytes);
}

/* What a network card is left with is the right sum where all the rest adds up to nothing: once in
   65,536 times. @field: what was crafted */
static bool is_right_by_chance(const struct sample *sample, uint16_t field, struct decoder *decoder)
{
	struct segment_batch *batch = malloc(sizeof(*batch));
	struct segment right = sample->seg;
	struct packet packet = sample->packet;

	assert_non_null(batch);
	right.what &= (uint16_t) ~(SEGMENT_TCP_SUM_BAD | SEGMENT_TCP_SUM_PARTIAL);
	packet.segment = &right;
	free(decode_crafted(&packet, decoder, batch));

	bool same = batch->segments[0].tcp_checksum == field;

	free(batch);
	return same;
}

/* What craft writes is what decode reads, in every wrapping. */
static void decoding_undoes_crafting(void **state)
{
	struct dice dice = dice_with_seed();
	struct decoder *decoder = decoder_new(0);
	struct segment_batch *batch = malloc(sizeof(*batch));
	(void)state;

	assert_non_null(decoder);
	assert_non_null(batch);
	for (unsigned round = 0; round < 3000; round++) {
		static struct sample sample;

		random_segment(&dice, &sample);
		random_wrapping(&dice, &sample);

		uint8_t *bytes = decode_crafted(&sample.packet, decoder, batch);

		assert_int_equal(batch->count, 1);
		if (segment_has(&sample.seg, SEGMENT_TCP_SUM_PARTIAL) &&
		    is_right_by_chance(&sample, batch->segments[0].tcp_checksum, decoder))
			sample.seg.what &=
				(uint16_t) ~(SEGMENT_TCP_SUM_BAD | SEGMENT_TCP_SUM_PARTIAL);
		assert_same(&sample.seg, &batch->segments[0]);
		assert_true(batch->segments[0].what & SEGMENT_TCP_SUM_KNOWN);
		free(bytes);
	}
	free(batch);
	decoder_free(decoder);
}

/* An error of a router that quotes the segment's header and 8 octets of its payload. */
static void an_icmp_error_quotes_the_segment(void **state)
{
	struct dice dice = dice_with_seed();
	struct decoder *decoder = decoder_new(0);
	struct segment_batch *batch = malloc(sizeof(*batch));
	(void)state;

	assert_non_null(decoder);
	assert_non_null(batch);
	for (unsigned round = 0; round < 300; round++) {
		static struct sample sample;
		bool v6;

		random_segment(&dice, &sample);
		sample.seg.what &= (uint16_t)~SEGMENT_IP_SUM_BAD;
		v6 = !ip_address_is_v4(&sample.seg.src);
		sample.packet.link_type = CRAFT_LINK_ETHERNET;
		sample.packet.icmp = &sample.icmp;
		sample.icmp = (struct packet_icmp){ .type = v6 ? 2 : 3,
						    .code = v6 ? 0 : 4,
						    .ttl = 61,
						    .mtu_bytes = 1300,
						    .quote_bytes = sample.seg.header_bytes + 8u };
		random_address(&dice, v6, &sample.icmp.from);

		uint8_t *bytes = decode_crafted(&sample.packet, decoder, batch);
		const struct segment *out = &batch->segments[0];

		assert_int_equal(batch->count, 1);
		assert_true(segment_has(out, SEGMENT_QUOTED));
		assert_int_equal(out->seq.raw, sample.seg.seq.raw);
		assert_int_equal(out->src_port, sample.seg.src_port);
		assert_memory_equal(&out->icmp->sender, &sample.icmp.from, 16);
		assert_memory_equal(&out->icmp->target, &sample.seg.src, 16);
		assert_int_equal(out->icmp->mtu_bytes, 1300);
		assert_int_equal(out->icmp->ttl, 61);
		free(bytes);
	}
	free(batch);
	decoder_free(decoder);
}

/* The fields of a layout lie one behind the other and fill the frame. */
static void a_layout_covers_every_byte(void **state)
{
	struct dice dice = dice_with_seed();
	(void)state;

	for (unsigned round = 0; round < 300; round++) {
		static struct sample sample;
		static uint8_t room[2048];
		struct layout layout;
		size_t at = 0;

		random_segment(&dice, &sample);
		random_wrapping(&dice, &sample);
		sample.packet.link_type = CRAFT_LINK_ETHERNET; /* cooked has bytes of no field */

		size_t bytes = packet_craft(&sample.packet, room, sizeof(room), &layout);

		for (unsigned i = 0; i < layout.count; i++) {
			assert_int_equal(layout.fields[i].offset, at);
			at += layout.fields[i].bytes;
		}
		assert_int_equal(at, bytes);
	}
}

/* A frame that does not fit its room is refused, at every size below its own. */
static void a_frame_without_room_is_refused(void **state)
{
	struct dice dice = dice_with_seed();
	static struct sample sample;
	static uint8_t room[2048];
	(void)state;

	random_segment(&dice, &sample);
	sample.packet.link_type = CRAFT_LINK_ETHERNET;
	sample.packet.tunnel = NOTATION_VXLAN;

	size_t whole = packet_craft(&sample.packet, room, sizeof(room), NULL);

	for (size_t less = 0; less < whole; less++) {
		uint8_t *exact = malloc(less ? less : 1);

		assert_int_equal(packet_craft(&sample.packet, exact, less, NULL), 0);
		free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decoding_undoes_crafting),
		cmocka_unit_test(an_icmp_error_quotes_the_segment),
		cmocka_unit_test(a_layout_covers_every_byte),
		cmocka_unit_test(a_frame_without_room_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
