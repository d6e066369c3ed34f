/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_BASE_CURSOR_H
#define TCPWHY_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A cursor owns the bounds of captured bytes: the only place with arithmetic on packet pointers.
 *
 *     start        at                     end
 *       |-- read --|------- left ----------|
 *
 * A read past the end gives zeros (or NULL), puts the cursor at its end and sets overrun, which
 * stays set: a parser may read a whole header and check once.
 */
struct cursor {
	const uint8_t *at;  /* borrowed: next byte to read */
	const uint8_t *end; /* borrowed: one past the last byte that may be read */
	bool overrun;	    /* a read wanted more than was left */
};

static inline struct cursor cursor_over(const uint8_t *bytes, size_t count)
{
	struct cursor cursor = { .at = bytes, .end = bytes + count, .overrun = false };

	return cursor;
}

static inline size_t cursor_left(const struct cursor *in)
{
	return (size_t)(in->end - in->at);
}

/* Pass over bytes. Return: where they start, borrowed; NULL when fewer are left. */
static inline const uint8_t *cursor_skip(struct cursor *in, size_t bytes)
{
	const uint8_t *start = in->at;

	if (bytes > (size_t)(in->end - in->at)) { /* not at + bytes > end: that may wrap */
		in->at = in->end;
		in->overrun = true;
		return NULL;
	}
	in->at += bytes;
	return start;
}

/* Look ahead without moving: NULL when fewer than offset + bytes are left; never sets overrun. */
static inline const uint8_t *cursor_peek(const struct cursor *in, size_t offset, size_t bytes)
{
	size_t left = (size_t)(in->end - in->at);

	if (offset > left || bytes > left - offset)
		return NULL;
	return in->at + offset;
}

/* Cut the next bytes off into a cursor of their own; overrun on both when fewer are left. */
static inline struct cursor cursor_take(struct cursor *in, size_t bytes)
{
	const uint8_t *start = cursor_skip(in, bytes);
	struct cursor part = { .at = start ? start : in->end,
			       .end = in->at,
			       .overrun = start == NULL };

	return part;
}

/* Forget everything after the next bytes (a length field said so); more than left: no change. */
static inline void cursor_limit(struct cursor *in, size_t bytes)
{
	if (bytes < (size_t)(in->end - in->at))
		in->end = in->at + bytes;
}

/* Values in bytes that cursor_skip() or cursor_peek() gave: the caller asked for enough of them. */
static inline uint16_t be16_at(const uint8_t bytes[static 2])
{
	return (uint16_t)((bytes[0] << 8) | bytes[1]);
}

static inline uint32_t be32_at(const uint8_t bytes[static 4])
{
	return ((uint32_t)bytes[0] << 24) | ((uint32_t)bytes[1] << 16) | ((uint32_t)bytes[2] << 8) |
	       bytes[3];
}

static inline uint16_t le16_at(const uint8_t bytes[static 2])
{
	return (uint16_t)((bytes[1] << 8) | bytes[0]);
}

static inline uint32_t le32_at(const uint8_t bytes[static 4])
{
	return ((uint32_t)bytes[3] << 24) | ((uint32_t)bytes[2] << 16) | ((uint32_t)bytes[1] << 8) |
	       bytes[0];
}

static inline uint8_t cursor_u8(struct cursor *in)
{
	const uint8_t *b = cursor_skip(in, 1);

	return b ? b[0] : 0;
}

static inline uint16_t cursor_be16(struct cursor *in)
{
	const uint8_t *b = cursor_skip(in, 2);

	if (!b)
		return 0;
	return (uint16_t)((b[0] << 8) | b[1]);
}

static inline uint32_t cursor_be32(struct cursor *in)
{
	const uint8_t *b = cursor_skip(in, 4);

	if (!b)
		return 0;
	return ((uint32_t)b[0] << 24) | ((uint32_t)b[1] << 16) | ((uint32_t)b[2] << 8) | b[3];
}

static inline uint64_t cursor_be64(struct cursor *in)
{
	uint64_t high = cursor_be32(in);

	return (high << 32) | cursor_be32(in);
}

static inline uint16_t cursor_le16(struct cursor *in)
{
	const uint8_t *b = cursor_skip(in, 2);

	if (!b)
		return 0;
	return (uint16_t)((b[1] << 8) | b[0]);
}

static inline uint32_t cursor_le32(struct cursor *in)
{
	const uint8_t *b = cursor_skip(in, 4);

	if (!b)
		return 0;
	return ((uint32_t)b[3] << 24) | ((uint32_t)b[2] << 16) | ((uint32_t)b[1] << 8) | b[0];
}

#endif /* TCPWHY_BASE_CURSOR_H */
