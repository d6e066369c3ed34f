/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_DECODE_FINISHED_H
#define TCPWHY_DECODE_FINISHED_H

#include <stddef.h>
#include <stdint.h>

#define FINISHED_BYTES_MOST ((size_t)32 << 20) /* lent at once; a batch cannot need more */

struct finished_chunk;

/*
 * Memory for datagrams that are complete, lent until the batch that borrows them is over. It grows
 * as the fullest batch so far needed, in chunks that are used again.
 */
struct finished {
	struct finished_chunk *first;	/* owned list */
	struct finished_chunk *current; /* borrowed from the list: the one in use */
	size_t bytes;			/* in all chunks */
};

/* Lend bytes, at most 65535; NULL: out of memory, or FINISHED_BYTES_MOST reached. */
uint8_t *finished_lend(struct finished *finished, size_t bytes);

/* Take everything back; what was lent may be lent again. */
void finished_take_back(struct finished *finished);

/* Release the memory. */
void finished_clear(struct finished *finished);

#endif /* TCPWHY_DECODE_FINISHED_H */
