/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Zeek's words. The first byte: bit 0, checksums are looked at; bit 1, the rest are short records
 * (below) instead of frames. A frame: 2 bytes length, 4 bytes nanoseconds since the last one in
 * units of 2^20, signed, then an IP packet. All numbers are big-endian.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/time.h"
#include "decode/decode.h"
#include "fuzz_target.h"
#include "peers/zeek.h"

#define LINKTYPE_RAW	101
#define INPUT_CHECKSUMS 0x01
#define INPUT_RECORDS	0x02

/* What must hold of all rows together. */
struct sums {
	uint64_t segments; /* given to zeek */
	uint64_t rows;
	uint64_t packets; /* in rows */
};

static void row_check(void *context, const struct zeek_row *row)
{
	struct sums *sums = context;

	if (!memchr(row->history, '\0', sizeof(row->history)) || !row->state ||
	    row->history[strspn(row->history, "SHFRIQDACTWGXshfriqdactwg^")] != '\0')
		abort();
	if (row->has_duration != (row->duration_ns > 0) || row->first_frame == 0)
		abort();
	sums->rows++;
	sums->packets += row->orig_packets + row->resp_packets;
}

/*
 * A short record, 12 bytes: flags; who (bit 0 from the server, bits 1-2 which pair of ends, bit 3
 * window 0, bit 4 checksum bad, bit 5 payload cut, bit 6 in a tunnel, bit 7 no TCP); time since the
 * last one in 10 ms, signed; number and acknowledgement relative to zero, signed; payload; a shift
 * of the number by 0 to 31; what is odd.
 */
static void record_take(struct cursor *in, struct segment *seg)
{
	static const uint16_t ports[4] = { 9999, 80, 22, 40000 };
	static const uint16_t odd[8] = { [1] = SEGMENT_OFFSET_SMALL, [2] = SEGMENT_OFFSET_LARGE,
					 [3] = SEGMENT_HEADER_CUT,   [4] = SEGMENT_LENGTH_ZERO,
					 [5] = SEGMENT_QUOTED,	     [6] = SEGMENT_FRAGMENT_ALONE,
					 [7] = SEGMENT_IP_SUM_BAD };
	uint8_t flags = cursor_u8(in), who = cursor_u8(in);
	int64_t ticks = (int16_t)cursor_be16(in);
	uint32_t seq = (uint32_t)(int16_t)cursor_be16(in);
	uint32_t ack = (uint32_t)(int16_t)cursor_be16(in);
	uint16_t payload_bytes = cursor_be16(in);
	unsigned shift = cursor_u8(in) & 31;
	bool server = who & 0x01;

	seg->frame++;
	seg->time_ns += ticks * 10 * NSEC_PER_MSEC;
	seg->src_port = server ? ports[(who >> 1) & 3] : 40000;
	seg->dst_port = server ? 40000 : ports[(who >> 1) & 3];
	seg->flags = flags;
	seg->seq = seq_of(seq << shift);
	seg->ack = seq_of(ack << shift);
	seg->payload_bytes = payload_bytes;
	seg->payload_captured = (who & 0x20) ? 0 : payload_bytes;
	seg->ip_bytes = 40u + payload_bytes;
	seg->window = (who & 0x08) ? 0 : 1000;
	seg->encapsulation = (who & 0x40) ? 1 : 0;
	seg->what = odd[cursor_u8(in) & 7];
	seg->what |= (uint16_t)((who & 0x10) ? SEGMENT_TCP_SUM_BAD : 0);
	seg->what |= (uint16_t)((who & 0x80) ? SEGMENT_NOT_TCP : 0);
	seg->options_seen = (who & 0x20) ? TCP_HAS_OPTIONS_CUT : 0;
}

static void records_feed(struct cursor *in, struct zeek *zeek, struct sums *sums)
{
	static const uint8_t host[4] = { 10, 0, 0, 1 };
	struct segment seg = { .src = ip_address_v4(host), .dst = ip_address_v4(host) };

	while (cursor_left(in) >= 12) {
		record_take(in, &seg);
		zeek_add(zeek, &seg);
		sums->segments++;
	}
}

static void frames_feed(struct cursor *in, struct zeek *zeek, struct sums *sums)
{
	struct decoder *decoder = decoder_new(65536);
	struct segment_batch *batch = malloc(sizeof(*batch));
	struct frame frame = { .link_type = LINKTYPE_RAW };

	if (!decoder || !batch)
		abort();
	while (cursor_left(in) >= 6) {
		size_t bytes = cursor_be16(in);
		int64_t ticks = (int32_t)cursor_be32(in);

		bytes = bytes < cursor_left(in) ? bytes : cursor_left(in);
		frame.number++;
		frame.time_ns += ticks * (1 << 20);
		frame.captured_bytes = frame.wire_bytes = (uint32_t)bytes;
		frame.bytes = cursor_skip(in, bytes);
		decode_batch_begin(decoder, batch);
		decode_frame(decoder, &frame, batch);
		zeek_add_batch(zeek, batch);
		sums->segments += batch->count;
	}
	free(batch);
	decoder_free(decoder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor in = cursor_over(data, size < 65536 ? size : 65536);
	uint8_t input = cursor_u8(&in);
	struct sums sums = { .segments = 0 };
	struct zeek_options options = { .checksums = input & INPUT_CHECKSUMS };
	struct zeek_sink sink = { .context = &sums, .row = row_check };
	struct zeek *zeek = zeek_new(&options, &sink);

	if (!zeek)
		abort();
	if (input & INPUT_RECORDS)
		records_feed(&in, zeek, &sums);
	else
		frames_feed(&in, zeek, &sums);
	zeek_finish(zeek);
	if (zeek_live(zeek) != 0 || sums.packets > sums.segments || sums.rows > sums.segments)
		abort();
	zeek_free(zeek);
	return 0;
}
