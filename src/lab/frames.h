/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_LAB_FRAMES_H
#define TCPWHY_LAB_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lab/pattern.h"
#include "tcp/frame.h"
#include "tcp/notation.h"

/* One TCP segment of a tap, said in the notation with numbers relative to its connection's. */
struct told_frame {
	uint64_t number;
	int64_t time_ns;
	struct notation said;
	struct traits traits;
};

/* The TCP segments of a tap, in order. */
struct told_frames {
	struct told_frame *frames; /* owned */
	size_t count;
};

/**
 * told_frames_read() - Say what passed at a tap
 * @frames:  of the tap
 * @client:  the client's host: what it sends goes C>S
 *
 * Return: false, out of memory.
 */
bool told_frames_read(struct told_frames *told, const struct frame *frames, size_t count,
		      const struct ip_address *client);
void told_frames_clear(struct told_frames *told);

/* Whether a segment is what a line says; what the line does not say is not compared, nor is PSH
   where the line has none. */
bool told_frame_is(const struct told_frame *frame, const struct notation *line);

/* The first such segment from index @from on. Return: its index; SIZE_MAX: none. */
size_t told_frames_find(const struct told_frames *told, size_t from, const struct notation *line);

/* How many segments are like this. */
uint64_t told_frames_count(const struct told_frames *told, const struct pattern *pattern);

#endif /* TCPWHY_LAB_FRAMES_H */
