/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wireshark's words. The first byte: bit 0, the rest are short records (below) instead of frames.
 * A frame: 2 bytes length, 2 bytes that were cut from its end, 4 bytes nanoseconds since the last
 * one in units of 2^20, signed, then an IP packet. All numbers are big-endian.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "base/time.h"
#include "decode/decode.h"
#include "peers/wireshark.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINKTYPE_RAW  101
#define INPUT_RECORDS 0x01
#define RECORD_BYTES  16

/* What must hold of all streams together. */
struct sums {
	uint64_t taken; /* segments that took part */
	uint64_t packets;
	uint64_t next; /* numbers rise */
};

static void packet_check(const struct wireshark_packet *packet)
{
	const uint32_t again = WS_FAST_RETRANSMISSION | WS_SPURIOUS_RETRANSMISSION;

	if (packet->flags >= 1u << WIRESHARK_FLAGS || packet->completeness_before > 63 ||
	    packet->completeness_after > 63)
		abort();
	if ((packet->flags & again) && !(packet->flags & WS_RETRANSMISSION))
		abort();
	if ((packet->flags & WS_RETRANSMISSION) && (packet->flags & WS_OUT_OF_ORDER))
		abort();
	if (!(packet->flags & WS_DUPLICATE_ACK) != !packet->duplicate_ack_number)
		abort();
}

static void stream_check(void *context, const struct wireshark_stream *stream)
{
	struct sums *sums = context;

	if (stream->stream < sums->next || stream->first_frame == 0 || stream->completeness > 63 ||
	    stream->a.packets == 0)
		abort();
	for (unsigned bit = 0; bit < WIRESHARK_FLAGS; bit++) {
		if (stream->flags[bit] > stream->a.packets + stream->b.packets)
			abort();
	}
	sums->next = stream->stream + 1;
	sums->packets += stream->a.packets + stream->b.packets;
}

static void take(struct wireshark *ws, const struct segment *seg, struct sums *sums)
{
	struct wireshark_packet packet;

	if (!wireshark_add(ws, seg, &packet))
		return;
	sums->taken++;
	packet_check(&packet);
}

/*
 * A short record, 16 bytes: flags; who (bit 0 from the server, bits 1-2 which pair of ends, bit 3
 * IPv6, bit 4 a quote); time since the last one in microseconds, signed; number and
 * acknowledgement; payload; window.
 */
static void record_take(struct cursor *in, struct segment *seg, struct icmp_error *icmp)
{
	static const uint16_t odd[8] = { [5] = SEGMENT_OFFSET_SMALL,
					 [6] = SEGMENT_OFFSET_LARGE | SEGMENT_HEADER_CUT,
					 [7] = SEGMENT_FRAGMENT_ALONE };
	uint8_t flags = cursor_u8(in), who = cursor_u8(in);
	bool server = who & 0x01;

	seg->frame++;
	seg->time_ns += (int64_t)(int16_t)cursor_be16(in) * NSEC_PER_USEC * 10;
	seg->src_port = server ? (who >> 1) & 3 : 4000;
	seg->dst_port = server ? 4000 : (who >> 1) & 3;
	seg->flags = flags;
	seg->seq = seq_of(cursor_be32(in));
	seg->ack = seq_of(cursor_be32(in));
	seg->payload_bytes = cursor_be16(in);
	seg->window = cursor_be16(in);
	seg->header_bytes = 20;
	seg->what = odd[who >> 5];
	seg->what |= (uint16_t)((who & 0x08) ? SEGMENT_IPV6 : 0);
	seg->what |= (uint16_t)((who & 0x10) ? SEGMENT_QUOTED : 0);
	seg->icmp = (who & 0x10) ? icmp : NULL;
	seg->options_seen = (flags & TCP_SYN) && (seg->window & 1) ? TCP_HAS_WINDOW_SCALE : 0;
	seg->window_scale = (uint8_t)(seg->window & 15);
}

static void records_feed(struct cursor *in, struct wireshark *ws, struct sums *sums)
{
	static const uint8_t host[4] = { 10, 0, 0, 1 };
	struct segment seg = { .src = ip_address_v4(host), .dst = ip_address_v4(host) };
	struct icmp_error icmp = { .quoted_bytes = 20 };

	while (cursor_left(in) >= RECORD_BYTES) {
		record_take(in, &seg, &icmp);
		take(ws, &seg, sums);
	}
}

static void frames_feed(struct cursor *in, struct wireshark *ws, struct sums *sums)
{
	struct decoder *decoder = decoder_new(65536);
	struct segment_batch *batch = malloc(sizeof(*batch));
	struct frame frame = { .link_type = LINKTYPE_RAW };

	if (!decoder || !batch)
		abort();
	while (cursor_left(in) >= 8) {
		size_t bytes = cursor_be16(in);
		uint32_t cut = cursor_be16(in);
		int64_t ticks = (int32_t)cursor_be32(in);

		bytes = bytes < cursor_left(in) ? bytes : cursor_left(in);
		frame.number++;
		frame.time_ns += ticks * (1 << 20);
		frame.captured_bytes = (uint32_t)bytes;
		frame.wire_bytes = frame.captured_bytes + cut;
		frame.bytes = cursor_skip(in, bytes);
		decode_batch_begin(decoder, batch);
		decode_frame(decoder, &frame, batch);
		for (unsigned i = 0; i < batch->count; i++)
			take(ws, &batch->segments[i], sums);
	}
	free(batch);
	decoder_free(decoder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor in = cursor_over(data, size < 65536 ? size : 65536);
	uint8_t input = cursor_u8(&in);
	struct sums sums = { .taken = 0 };
	struct wireshark *ws = wireshark_new();

	if (!ws)
		abort();
	if (input & INPUT_RECORDS)
		records_feed(&in, ws, &sums);
	else
		frames_feed(&in, ws, &sums);
	wireshark_streams(ws, stream_check, &sums);
	if (sums.packets > sums.taken || wireshark_left_out(ws) != 0)
		abort();
	wireshark_free(ws);
	return 0;
}
