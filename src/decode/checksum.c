/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/checksum.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/cursor.h"

#define TCP_PROTOCOL	   6
#define TCP_CHECKSUM_PLACE 16 /* of the field in the header */

/* Both halves of an address. */
static inline uint64_t address_sum(const struct ip_address *ip)
{
	return checksum_halves(checksum_load(ip->bytes)) +
	       checksum_halves(checksum_load(ip->bytes + 8));
}

/* The last bytes, fewer than eight; the odd one stands first of its pair in memory. */
static uint64_t tail_sum(struct cursor in)
{
	uint64_t sum = 0;
	uint32_t word;
	uint16_t pair;

	if (cursor_left(&in) >= 4) {
		memcpy(&word, cursor_skip(&in, 4), sizeof(word));
		sum += word;
	}
	if (cursor_left(&in) >= 2) {
		memcpy(&pair, cursor_skip(&in, 2), sizeof(pair));
		sum += pair;
	}
	if (cursor_left(&in))
		sum += htons((uint16_t)(cursor_u8(&in) << 8));
	return sum;
}

/* A 64-bit ones' complement sum: what overflows is counted, and worth 1 each. */
struct wide_sum {
	uint64_t sum, carries;
};

static inline void wide_add(struct wide_sum *wide, uint64_t word)
{
	wide->sum += word;
	wide->carries += wide->sum < word;
}

uint64_t checksum_add(uint64_t sum, const uint8_t *bytes, size_t count)
{
	struct cursor in = cursor_over(bytes, count);
	struct wide_sum even = { 0, 0 }, odd = { 0, 0 }; /* two chains of additions run at once */

	while (cursor_left(&in) >= 32) {
		const uint8_t *b = cursor_skip(&in, 32);

		wide_add(&even, checksum_load(b));
		wide_add(&odd, checksum_load(b + 8));
		wide_add(&even, checksum_load(b + 16));
		wide_add(&odd, checksum_load(b + 24));
	}
	while (cursor_left(&in) >= 8)
		wide_add(&even, checksum_load(cursor_skip(&in, 8)));
	return sum + checksum_halves(even.sum) + checksum_halves(odd.sum) + even.carries +
	       odd.carries + tail_sum(in);
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
	uint64_t addresses = address_sum(src) + address_sum(dst) + htonl(TCP_PROTOCOL);
	uint64_t pseudo = addresses + htonl((uint32_t)count);
	uint16_t field;

	if (checksum_right(checksum_add(pseudo, bytes, count)))
		return CHECKSUM_GOOD;

	memcpy(&field, bytes + TCP_CHECKSUM_PLACE, sizeof(field));
	return partial_matches(pseudo, field) || partial_matches(addresses, field)
		       ? CHECKSUM_PARTIAL
		       : CHECKSUM_BAD;
}
