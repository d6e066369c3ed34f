/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_DECODE_CHECKSUM_H
#define TCPWHY_DECODE_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tcp/segment.h"

/* How a TCP checksum field compares with what the bytes ask for. */
enum checksum_state {
	CHECKSUM_GOOD,
	CHECKSUM_BAD,
	CHECKSUM_PARTIAL, /* only the pseudo header's sum: the network card was to do the rest */
};

/**
 * checksum_add() - Add bytes to a ones' complement sum
 * @sum:    what was added before; 0 to start
 * @bytes:  borrowed; from an even offset of what is summed
 * @count:  may be odd for the last piece: a zero byte is thought behind it
 *
 * The sum is kept in the byte order of memory, as the bytes lie; compare it with a field read the
 * same way, or with 0xffff. Source: RFC 1071, sections 1 and 2.
 */
uint64_t checksum_add(uint64_t sum, const uint8_t *bytes, size_t count);

/* Fold a sum to 16 bits, still in the byte order of memory; 0xffff: what was summed is right. */
static inline uint16_t checksum_fold(uint64_t sum)
{
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* Whether what was summed, with its checksum, is right: then the sum folds to 0xffff. It need not
   be folded for that: it is no zero and 0xffff divides it. */
static inline bool checksum_right(uint64_t sum)
{
	return sum && sum % 0xffff == 0;
}

/* 8 bytes as they lie in memory. */
static inline uint64_t checksum_load(const uint8_t bytes[static 8])
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

/* Such a word as the sum of its two halves, so that no carry is lost. */
static inline uint64_t checksum_halves(uint64_t word)
{
	return (word & UINT32_MAX) + (word >> 32);
}

/* The same sum of the 20 bytes that nearly every IPv4 header has: it is taken of each frame. */
static inline uint64_t checksum_of_20(const uint8_t bytes[static 20])
{
	uint32_t last;

	memcpy(&last, bytes + 16, sizeof(last));
	return checksum_halves(checksum_load(bytes)) + checksum_halves(checksum_load(bytes + 8)) +
	       last;
}

/**
 * checksum_tcp() - Judge a TCP checksum
 * @src, @dst:  the addresses that the sender used: the final destination
 * @bytes:      the whole TCP segment, borrowed
 * @count:      20 or more
 *
 * Source: RFC 9293, section 3.1; RFC 8200, section 8.1; for CHECKSUM_PARTIAL what Linux and
 * Windows leave in a segment that the network card is to finish: the folded sum of the pseudo
 * header with or without the length, or the complement of one.
 */
enum checksum_state checksum_tcp(const struct ip_address *src, const struct ip_address *dst,
				 const uint8_t *bytes, size_t count);

#endif /* TCPWHY_DECODE_CHECKSUM_H */
