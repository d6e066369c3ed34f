/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_CRAFT_CAPTURE_H
#define TCPWHY_CRAFT_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "craft/script.h"
#include "tcp/frame.h"

/* A capture crafted from text (docs/notation.md). */
struct craft_capture {
	struct script script; /* owned: title, connections, claims */
	struct frame *frames; /* owned */
	uint8_t **blocks;     /* owned: the frames' bytes, each in a block of just its size */
	size_t frame_count;
	/* Per connection of the script: the number of its first frame; 0: it has none. */
	uint64_t *first_frames;
};

/**
 * craft_capture_text() - Craft the capture that a text describes
 * @name:  of the text (its path), for errors; borrowed as long as the capture
 * @text:  NUL-terminated
 * @err:   ERR_INPUT with name, line and what to do; ERR_SYSTEM, out of memory
 *
 * Return: owned by the caller; NULL with @err set.
 */
struct craft_capture *craft_capture_text(const char *name, const char *text, struct err *err);

/* The connection of a name ("A", "B17"): the number of its first frame; 0: none. */
uint64_t craft_capture_conn(const struct craft_capture *capture, const char *name);

/**
 * craft_capture_append() - Put one capture behind another, as if they had followed each other
 * @to:      gets @more's frames, moved in time; it ends when they end
 * @more:    of the same link type; its frames are taken, it is still to be freed
 * @gap_ns:  between the last frame of one and the first of the other
 *
 * Claims and connections of @more are not taken; addresses and ports stay as they are.
 */
bool craft_capture_append(struct craft_capture *to, struct craft_capture *more, int64_t gap_ns,
			  struct err *err);

void craft_capture_free(struct craft_capture *capture);

#endif /* TCPWHY_CRAFT_CAPTURE_H */
