/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_TESTS_FUZZ_SOURCE_DRAIN_H
#define TCPWHY_TESTS_FUZZ_SOURCE_DRAIN_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "fuzz_target.h"
#include "source/source.h"

/* What every frame promises, whatever the input was; all its bytes are looked at. */
static inline void frame_hold_to_promises(const struct source *src, const struct frame *frame)
{
	unsigned sum = 0;

	for (uint32_t i = 0; i < frame->captured_bytes; i++)
		sum += frame->bytes[i];
	if (frame->wire_bytes < frame->captured_bytes ||
	    frame->interface >= source_interface_count(src) || (sum > 0 && !frame->bytes))
		abort();
	if (frame->time_ns != TIME_NONE &&
	    (frame->time_ns > INT64_MAX / 2 + 1 || frame->time_ns < -(INT64_MAX / 2 + 1)))
		abort();
}

/* Read all of a capture in memory. */
static inline void source_drain(const uint8_t *data, size_t size)
{
	struct err err = { 0 };
	struct frame_batch *batch = malloc(sizeof(*batch));
	struct source *src = source_open_memory(data, size, NULL, &err);
	struct source_stats stats;
	uint64_t number = 0, frames = 0;

	if (!batch || (src == NULL) != (err.kind != ERR_NONE))
		abort();
	while (src && source_read(src, batch, &err)) {
		if (batch->count == 0 || batch->count > FRAME_BATCH || err.kind != ERR_NONE)
			abort();
		for (unsigned i = 0; i < batch->count; i++) {
			if (batch->frames[i].number <= number)
				abort();
			number = batch->frames[i].number;
			frame_hold_to_promises(src, &batch->frames[i]);
			frames++;
		}
	}
	if (err.kind == ERR_USAGE || (err.kind == ERR_INPUT && (!err.where[0] || !err.fix[0])))
		abort();
	if (src) {
		source_stats(src, &stats);
		if (stats.frames != frames)
			abort();
		for (size_t i = 0; i < source_interface_count(src); i++)
			if (!source_interface(src, i)->name ||
			    !source_interface(src, i)->description)
				abort();
	}
	source_free(src);
	free(batch);
}

/* Do the first bytes have one of these forms? Others would only be fuzzed twice. */
static inline int begins_with(const uint8_t *data, size_t size, const char *magic, size_t bytes)
{
	return size >= bytes && memcmp(data, magic, bytes) == 0;
}

#endif /* TCPWHY_TESTS_FUZZ_SOURCE_DRAIN_H */
