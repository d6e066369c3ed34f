/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/checksum.h"

#include <string.h>

#include "base/cursor.h"

#define TCP_PROTOCOL	   6
#define TCP_CHECKSUM_PLACE 16 /* of the field in the header */

/* 8 bytes as they lie in memory, as two halves, so that no carry is lost. */
static inline uint64_t halves(const uint8_t *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return (word & UINT32_MAX) + (word >> 32);
}

uint64_t checksum_add(uint64_t sum, const uint8_t *bytes, size_t count)
{
	struct cursor in = cursor_over(bytes, count);
	uint64_t second = 0; /* a sum of its own, so that two chains of additions run at once */
	const uint8_t *b;

	while (cursor_left(&in) >= 32) {
		b = cursor_skip(&in, 32);
		sum += halves(b) + halves(b + 8);
		second += halves(b + 16) + halves(b + 24);
	}
	sum += second;
	while (cursor_left(&in) >= 4) {
		uint32_t word;

		memcpy(&word, cursor_skip(&in, 4), sizeof(word));
		sum += word;
	}

	uint8_t tail[4] = { 0 };
	size_t left = cursor_left(&in);

	if (left) {
		uint32_t word;

		memcpy(tail, cursor_skip(&in, left), left);
		memcpy(&word, tail, sizeof(word));
		sum += word;
	}
	return sum;
}

uint16_t checksum_fold(uint64_t sum)
{
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* The sum of a small number as a 32-bit field of the packet. */
static uint64_t sum_of_number(uint32_t value)
{
	uint8_t bytes[4] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
			     (uint8_t)value };
	uint32_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

static bool partial_matches(uint64_t pseudo, uint16_t field)
{
	uint16_t folded = checksum_fold(pseudo);

	return field == folded || (field ^ folded) == 0xffff;
}

enum checksum_state checksum_tcp(const struct ip_address *src, const struct ip_address *dst,
				 const uint8_t *bytes, size_t count)
{
	/* IPv4: the mapped prefix ::ffff sums to 0xffff on each side, which is zero */
	uint64_t addresses = halves(src->bytes) + halves(src->bytes + 8) + halves(dst->bytes) +
			     halves(dst->bytes + 8) + sum_of_number(TCP_PROTOCOL);
	uint64_t pseudo = addresses + sum_of_number((uint32_t)count);
	uint16_t field;

	if (checksum_fold(checksum_add(pseudo, bytes, count)) == 0xffff)
		return CHECKSUM_GOOD;

	memcpy(&field, bytes + TCP_CHECKSUM_PLACE, sizeof(field));
	return partial_matches(pseudo, field) || partial_matches(addresses, field)
		       ? CHECKSUM_PARTIAL
		       : CHECKSUM_BAD;
}
