/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_TCP_SEQ_H
#define TCPWHY_TCP_SEQ_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A sequence number is a place on a circle of 2^32, not an integer: two of them are compared by
 * their signed distance. The type makes "<" on two of them impossible to compile.
 * Source: RFC 9293, section 3.4.
 */
struct seq {
	uint32_t raw;
};

static inline struct seq seq_of(uint32_t raw)
{
	return (struct seq){ .raw = raw };
}

static inline struct seq seq_add(struct seq a, uint32_t octets)
{
	return seq_of(a.raw + octets);
}

/* How far a lies after b, in octets: negative when it lies before; exact below 2^31. */
static inline int32_t seq_distance(struct seq a, struct seq b)
{
	return (int32_t)(a.raw - b.raw);
}

static inline bool seq_equal(struct seq a, struct seq b)
{
	return a.raw == b.raw;
}

static inline bool seq_before(struct seq a, struct seq b)
{
	return seq_distance(a, b) < 0;
}

static inline bool seq_after(struct seq a, struct seq b)
{
	return seq_distance(a, b) > 0;
}

static inline bool seq_at_or_before(struct seq a, struct seq b)
{
	return seq_distance(a, b) <= 0;
}

static inline bool seq_at_or_after(struct seq a, struct seq b)
{
	return seq_distance(a, b) >= 0;
}

static inline struct seq seq_later(struct seq a, struct seq b)
{
	return seq_after(a, b) ? a : b;
}

#endif /* TCPWHY_TCP_SEQ_H */
