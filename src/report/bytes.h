/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_REPORT_BYTES_H
#define TCPWHY_REPORT_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "craft/writer.h"
#include "decode/checksum.h"
#include "report/out.h"

/*
 * A crafted packet explained: every field with its bytes, its place and its meaning, and how the
 * checksums came to be. Everything is read from the bytes and the layout, nothing from what was
 * asked for: what is explained is what was made.
 */
struct bytes_packet {
	const uint8_t *bytes; /* borrowed */
	size_t count;
	const struct layout *layout; /* borrowed; from packet_craft() of the same bytes */
};

/* The TCP checksum in steps. */
struct bytes_tcp_sum {
	uint32_t pseudo; /* the pseudo header's 16-bit words added up */
	uint32_t all;	 /* the segment's added too, its checksum field counted as 0 */
	uint16_t folded; /* the carries added to the lower 16 bits */
	uint16_t right;	 /* the complement: what the field should hold */
	uint16_t field;	 /* what it holds */
	enum checksum_state state;
};

/* Write the fields of every header in the packet, then the checksums; at most 80 columns. */
void bytes_explain(struct out *out, const struct bytes_packet *packet);

/**
 * bytes_tcp_sum() - Work out the TCP checksum as a person would, word by word
 * @packet:  with an IPv4 or IPv6 header right before its TCP header
 *
 * Return: false: there is no such TCP header.
 * Source: RFC 9293, section 3.1; RFC 8200, section 8.1; RFC 1071, section 1.
 */
bool bytes_tcp_sum(const struct bytes_packet *packet, struct bytes_tcp_sum *sum);

/* The last field of a name in the last header of a name (the innermost); NULL: none. */
const struct field *bytes_find(const struct bytes_packet *packet, const char *header,
			       const char *name);

/* A field of at most 4 bytes as a number in host order; NULL: 0. */
uint32_t bytes_number(const struct bytes_packet *packet, const struct field *field);

/* report/bytes_sum.c: the checksums' part of bytes_explain(). */
void bytes_explain_sums(struct out *out, const struct bytes_packet *packet);

/* report/bytes_meaning.c: what a field says, as a phrase; "" where the name says it all. */
void bytes_meaning(const struct bytes_packet *packet, const struct field *field, struct text *out);

#endif /* TCPWHY_REPORT_BYTES_H */
