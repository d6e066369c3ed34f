/* SPDX-License-Identifier: BSD-2-Clause */
#include "craft/packet.h"

#include "decode/checksum.h"

#define TCP_HEADER_BYTES 20
#define TCP_CHECKSUM_AT	 16
#define IP_PROTOCOL_TCP	 6

static size_t padded(size_t bytes)
{
	return (bytes + 3) / 4 * 4;
}

size_t tcp_segment_bytes(const struct segment *seg)
{
	return TCP_HEADER_BYTES + padded(seg->options_bytes) + seg->payload_bytes;
}

/* The pseudo header's part of the sum, in the byte order of memory. */
static uint64_t pseudo_sum(const struct segment *seg, uint32_t tcp_bytes)
{
	bool v4 = ip_address_is_v4(&seg->src);
	size_t skip = v4 ? 12 : 0;
	const uint8_t tail[8] = {
		(uint8_t)(tcp_bytes >> 24),
		(uint8_t)(tcp_bytes >> 16),
		(uint8_t)(tcp_bytes >> 8),
		(uint8_t)tcp_bytes,
		0,
		0,
		0,
		IP_PROTOCOL_TCP,
	};
	uint64_t sum = checksum_add(0, seg->src.bytes + skip, 16 - skip);

	sum = checksum_add(sum, seg->dst.bytes + skip, 16 - skip);
	return checksum_add(sum, tail, sizeof(tail));
}

/* A sum kept in the byte order of memory as the number that stands in the header. */
static uint16_t field_of(uint16_t in_memory)
{
	uint8_t bytes[2];

	memcpy(bytes, &in_memory, sizeof(bytes));
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static uint16_t checksum_field(const struct segment *seg, const uint8_t *start, size_t bytes)
{
	uint64_t sum = pseudo_sum(seg, (uint32_t)bytes);

	if (segment_has(seg, SEGMENT_TCP_SUM_PARTIAL))
		return field_of(checksum_fold(sum));

	uint16_t right = field_of((uint16_t)~checksum_fold(checksum_add(sum, start, bytes)));

	return segment_has(seg, SEGMENT_TCP_SUM_BAD) ? (uint16_t)(right ^ 0x0fd2) : right;
}

void tcp_segment_craft(const struct segment *seg, struct writer *out)
{
	size_t start = out->used;
	size_t options = seg->options_bytes;

	out->header = "TCP";
	writer_put(out, "source port", seg->src_port, 2);
	writer_put(out, "destination port", seg->dst_port, 2);
	writer_put(out, "sequence number", seg->seq.raw, 4);
	writer_put(out, "acknowledgment number", seg->ack.raw, 4);
	writer_put(out, "data offset and reserved bits",
		   (uint32_t)(seg->header_bytes / 4) << 4 | (seg->flags_reserved & 0x0f), 1);
	writer_put(out, "control bits", seg->flags, 1);
	writer_put(out, "window", seg->window, 2);
	writer_put(out, "checksum", 0, 2);
	writer_put(out, "urgent pointer", seg->urgent, 2);
	writer_put_bytes(out, "options", seg->options, options);
	writer_put_zeros(out, "padding", padded(options) - options);
	writer_put_bytes(out, "data", seg->payload, seg->payload_bytes);
	if (!out->overflow)
		writer_patch16(out, start + TCP_CHECKSUM_AT,
			       checksum_field(seg, out->start + start, out->used - start));
}
