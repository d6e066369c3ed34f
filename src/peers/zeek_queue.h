/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_PEERS_ZEEK_QUEUE_H
#define TCPWHY_PEERS_ZEEK_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Timers by due time, those of one moment in the order in which they were armed. Zeek knows few
 * delays, and a capture's clock hardly ever goes back: so there is a line for each delay, in which
 * the new one stands last, and a heap for those that would have to push in.
 *
 *     5 s    -> due 11.2  11.3  11.3  11.9
 *     6 s    -> due 11.1  12.4
 *     ...
 *     others -> a heap
 */
struct zeek_timer {
	int64_t due_us;
	uint64_t ticket; /* order in which they were armed */
	uint32_t conn;	 /* for the owner; as is what the ticket says besides */
};

#define ZEEK_LINES 6 /* delays that have a line of their own */

struct zeek_line {
	struct zeek_timer *timers; /* owned; a ring */
	size_t room;		   /* a power of two */
	size_t first, count;
};

struct zeek_queue {
	struct zeek_line lines[ZEEK_LINES];
	struct zeek_timer *heap; /* owned */
	size_t heap_count, heap_room;
	int64_t first_due_us; /* nothing is due before it; INT64_MAX: empty */
	uint32_t conn_soon;   /* of a timer that comes soon after the one popped last */
};

/* Make room for at least @more timers, whatever their delays. Return: false: no memory. */
bool zeek_queue_reserve(struct zeek_queue *queue, size_t more);
void zeek_queue_clear(struct zeek_queue *queue);

/* @which: line, 0 to ZEEK_LINES - 1, one for each delay. After zeek_queue_reserve(). */
void zeek_queue_push(struct zeek_queue *queue, unsigned which, struct zeek_timer timer);

/* Take the first one. Return: false: none is due by then. */
bool zeek_queue_pop(struct zeek_queue *queue, int64_t now_us, struct zeek_timer *timer);

size_t zeek_queue_count(const struct zeek_queue *queue);

/* Drop those that are not wanted any more. */
void zeek_queue_sweep(struct zeek_queue *queue,
		      bool (*wanted)(const void *context, const struct zeek_timer *timer),
		      const void *context);

#endif /* TCPWHY_PEERS_ZEEK_QUEUE_H */
