/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_DECODE_STACK_TEST_H
#define TCPWHY_DECODE_STACK_TEST_H

/* For the tests of this folder: frames put together from inside out, and one frame decoded. */

#include <assert.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "decode/checksum.h"
#include "decode/decode.h"

#define STACK_ROOM 70000

/* A frame that grows at its front: the innermost part is put in first. */
struct stack {
	uint8_t room[STACK_ROOM];
	size_t start; /* of what is there; it ends with the room */
};

static inline size_t stack_bytes(const struct stack *stack)
{
	return STACK_ROOM - stack->start;
}

static inline void stack_push(struct stack *stack, const uint8_t *bytes, size_t count)
{
	assert(count <= stack->start);
	stack->start -= count;
	memcpy(stack->room + stack->start, bytes, count);
}

/* Hexadecimal digits, blanks between them as one likes. */
static inline void stack_push_hex(struct stack *stack, const char *hex)
{
	uint8_t bytes[256] = { 0 };
	size_t count = 0;

	for (hex += strspn(hex, " "); *hex; hex += strspn(hex, " ")) {
		char digits[3] = { hex[0], hex[1] };

		bytes[count++] = (uint8_t)strtoul(digits, NULL, 16);
		hex += 2;
	}
	stack_push(stack, bytes, count);
}

static inline void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* 10.0.0.1 to 10.0.0.2, id 7, DF, TTL 64, total length and checksum as they should be. */
static inline void stack_push_ip4(struct stack *stack, unsigned protocol)
{
	uint8_t h[20] = { 0x45, 0, 0,  0, 0, 7, 0x40, 0, 64, (uint8_t)protocol,
			  0,	0, 10, 0, 0, 1, 10,   0, 0,  2 };
	uint16_t sum;

	put16(h + 2, (unsigned)(stack_bytes(stack) + sizeof(h)));
	sum = (uint16_t)~checksum_fold(checksum_add(0, h, sizeof(h)));
	memcpy(h + 10, &sum, sizeof(sum));
	stack_push(stack, h, sizeof(h));
}

/* fd00::1 to fd00::2, hop limit 64. */
static inline void stack_push_ip6(struct stack *stack, unsigned next)
{
	uint8_t h[40] = { 0x60, [7] = 64, [8] = 0xfd, [23] = 1, [24] = 0xfd, [39] = 2 };

	put16(h + 4, (unsigned)stack_bytes(stack));
	h[6] = (uint8_t)next;
	stack_push(stack, h, sizeof(h));
}

static inline void stack_push_udp(struct stack *stack, unsigned port)
{
	uint8_t h[8] = { 0xc3, 0x50 };

	put16(h + 2, port);
	put16(h + 4, (unsigned)(stack_bytes(stack) + sizeof(h)));
	stack_push(stack, h, sizeof(h));
}

#define STACK_PAYLOAD_BYTES 5
#define STACK_SEGMENT_BYTES (20 + STACK_PAYLOAD_BYTES)

/* Port 40000 > 9000, seq 1000, ack 2000, PSH and ACK, window 512, five bytes "hello". */
static inline void stack_push_tcp(struct stack *stack)
{
	stack_push(stack, (const uint8_t *)"hello", STACK_PAYLOAD_BYTES);
	stack_push_hex(stack, "9c40 2328 000003e8 000007d0 5018 0200 0000 0000");
}

/*
 * Build a stack from a description, outermost first, behind it a TCP segment:
 *
 *     "0200... 0800 | ip4 47 | 00000800 | ip4 6"      numbers of protocols and ports are decimal
 *
 * "eth" stands for two Ethernet addresses.
 */
static inline void stack_build(struct stack *stack, const char *layers)
{
	char copy[512], *parts[32] = { NULL }, *state = NULL;
	unsigned count = 0;

	snprintf(copy, sizeof(copy), "%s", layers);
	for (char *part = strtok_r(copy, "|", &state); part; part = strtok_r(NULL, "|", &state))
		parts[count++] = part + strspn(part, " ");
	stack->start = STACK_ROOM;
	stack_push_tcp(stack);
	while (count-- > 0) {
		const char *part = parts[count];

		if (strncmp(part, "ip4", 3) == 0) {
			stack_push_ip4(stack, (unsigned)strtoul(part + 3, NULL, 10));
		} else if (strncmp(part, "ip6", 3) == 0) {
			stack_push_ip6(stack, (unsigned)strtoul(part + 3, NULL, 10));
		} else if (strncmp(part, "udp", 3) == 0) {
			stack_push_udp(stack, (unsigned)strtoul(part + 3, NULL, 10));
		} else if (strncmp(part, "eth", 3) == 0) {
			stack_push_hex(stack, part + 3);
			stack_push_hex(stack, "020000000001 020000000002");
		} else {
			stack_push_hex(stack, part);
		}
	}
}

/* One frame through a decoder of its own or a given one; its bytes lie in an exact block. */
struct decoded {
	struct decoder *decoder;
	struct segment_batch batch;
	uint8_t *exact; /* owned: the captured bytes, in a block of just their size */
};

static inline void decoded_begin(struct decoded *decoded, size_t fragment_bytes)
{
	decoded->decoder = decoder_new(fragment_bytes);
	assert_non_null(decoded->decoder);
	decoded->exact = NULL;
	decode_batch_begin(decoded->decoder, &decoded->batch);
}

/* Decode a frame of which @kept bytes were captured. The batch holds this frame's segments only. */
static inline void decoded_frame(struct decoded *decoded, struct frame frame, const uint8_t *bytes,
				 size_t kept)
{
	free(decoded->exact);
	decoded->exact = malloc(kept ? kept : 1);
	assert_non_null(decoded->exact);
	memcpy(decoded->exact, bytes, kept);
	frame.bytes = decoded->exact;
	frame.captured_bytes = (uint32_t)kept;
	decode_batch_begin(decoded->decoder, &decoded->batch);
	decode_frame(decoded->decoder, &frame, &decoded->batch);
	assert_true(decoded->batch.count >= 1);
}

static inline void decoded_stack(struct decoded *decoded, const struct stack *stack,
				 uint16_t link_type)
{
	struct frame frame = { .number = 1,
			       .time_ns = 1,
			       .wire_bytes = (uint32_t)stack_bytes(stack),
			       .link_type = link_type };

	decoded_frame(decoded, frame, stack->room + stack->start, stack_bytes(stack));
}

static inline uint64_t decoded_count(const struct decoded *decoded, enum decode_reason reason)
{
	return decoder_stats(decoded->decoder)->reasons[reason];
}

static inline void decoded_end(struct decoded *decoded)
{
	free(decoded->exact);
	decoder_free(decoded->decoder);
}

#endif /* TCPWHY_DECODE_STACK_TEST_H */
