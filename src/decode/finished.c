/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/finished.h"

#include <stdlib.h>

#define CHUNK_BYTES ((size_t)128 << 10)

struct finished_chunk {
	struct finished_chunk *next; /* owned */
	size_t used;
	uint8_t data[CHUNK_BYTES];
};

static struct finished_chunk *chunk_add(struct finished *finished)
{
	struct finished_chunk *chunk;

	if (finished->bytes + sizeof(*chunk) > FINISHED_BYTES_MOST)
		return NULL;
	chunk = malloc(sizeof(*chunk));
	if (!chunk)
		return NULL;
	chunk->next = NULL;
	chunk->used = 0;
	if (finished->current)
		finished->current->next = chunk;
	else
		finished->first = chunk;
	finished->bytes += sizeof(*chunk);
	return chunk;
}

uint8_t *finished_lend(struct finished *finished, size_t bytes)
{
	struct finished_chunk *chunk = finished->current;
	uint8_t *lent;

	if (bytes > CHUNK_BYTES)
		return NULL;
	if (!chunk || chunk->used + bytes > CHUNK_BYTES) {
		chunk = chunk && chunk->next ? chunk->next : chunk_add(finished);
		if (!chunk)
			return NULL;
		finished->current = chunk;
	}
	lent = chunk->data + chunk->used;
	chunk->used += bytes;
	return lent;
}

void finished_take_back(struct finished *finished)
{
	if (!finished->current)
		return;
	for (struct finished_chunk *chunk = finished->first; chunk; chunk = chunk->next)
		chunk->used = 0;
	finished->current = finished->first;
}

void finished_clear(struct finished *finished)
{
	while (finished->first) {
		struct finished_chunk *next = finished->first->next;

		free(finished->first);
		finished->first = next;
	}
	finished->current = NULL;
	finished->bytes = 0;
}
