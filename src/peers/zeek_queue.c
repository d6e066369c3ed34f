/* SPDX-License-Identifier: BSD-2-Clause */
#include "peers/zeek_queue.h"

#include <assert.h>
#include <stdlib.h>

#define ROOM_FIRST 1024 /* timers; a power of two */
#define SOON	   4	/* timers ahead, for conn_soon */

static bool is_before(const struct zeek_timer *a, const struct zeek_timer *b)
{
	return a->due_us != b->due_us ? a->due_us < b->due_us : a->ticket < b->ticket;
}

static struct zeek_timer *at(const struct zeek_line *line, size_t i)
{
	return &line->timers[(line->first + i) & (line->room - 1)];
}

static bool line_grow(struct zeek_line *line)
{
	struct zeek_line bigger = { .room = line->room ? 2 * line->room : ROOM_FIRST,
				    .count = line->count };

	bigger.timers = malloc(bigger.room * sizeof(*bigger.timers));
	if (!bigger.timers)
		return false;
	for (size_t i = 0; i < line->count; i++)
		bigger.timers[i] = *at(line, i);
	free(line->timers);
	*line = bigger;
	return true;
}

static bool heap_grow(struct zeek_queue *queue)
{
	size_t room = queue->heap_room ? 2 * queue->heap_room : ROOM_FIRST;
	struct zeek_timer *heap = realloc(queue->heap, room * sizeof(*heap));

	if (!heap)
		return false;
	queue->heap = heap;
	queue->heap_room = room;
	return true;
}

bool zeek_queue_reserve(struct zeek_queue *queue, size_t more)
{
	for (unsigned i = 0; i < ZEEK_LINES; i++) {
		struct zeek_line *line = &queue->lines[i];

		while (line->count + more > line->room) {
			if (!line_grow(line))
				return false;
		}
	}
	while (queue->heap_count + more > queue->heap_room) {
		if (!heap_grow(queue))
			return false;
	}
	return true;
}

void zeek_queue_clear(struct zeek_queue *queue)
{
	for (unsigned i = 0; i < ZEEK_LINES; i++)
		free(queue->lines[i].timers);
	free(queue->heap);
	*queue = (struct zeek_queue){ .first_due_us = INT64_MAX };
}

static void sift_up(struct zeek_timer *heap, size_t place, struct zeek_timer timer)
{
	while (place > 0 && is_before(&timer, &heap[(place - 1) / 2])) {
		heap[place] = heap[(place - 1) / 2];
		place = (place - 1) / 2;
	}
	heap[place] = timer;
}

static void sift_down(struct zeek_timer *heap, size_t count, size_t place, struct zeek_timer timer)
{
	for (;;) {
		size_t child = 2 * place + 1;

		if (child >= count)
			break;
		if (child + 1 < count && is_before(&heap[child + 1], &heap[child]))
			child++;
		if (!is_before(&heap[child], &timer))
			break;
		heap[place] = heap[child];
		place = child;
	}
	heap[place] = timer;
}

void zeek_queue_push(struct zeek_queue *queue, unsigned which, struct zeek_timer timer)
{
	struct zeek_line *line = &queue->lines[which];

	if (timer.due_us < queue->first_due_us)
		queue->first_due_us = timer.due_us;
	if (line->count > 0 && is_before(&timer, at(line, line->count - 1))) {
		assert(queue->heap_count < queue->heap_room);
		sift_up(queue->heap, queue->heap_count++, timer);
		return;
	}
	assert(line->count < line->room);
	*at(line, line->count) = timer;
	line->count++;
}

/* The line whose first timer is the first of all; NULL: it is the heap's, or there is none. */
static struct zeek_line *first_line(struct zeek_queue *queue, const struct zeek_timer **first)
{
	struct zeek_line *found = NULL;

	*first = queue->heap_count > 0 ? &queue->heap[0] : NULL;
	for (unsigned i = 0; i < ZEEK_LINES; i++) {
		struct zeek_line *line = &queue->lines[i];

		if (line->count > 0 && (!*first || is_before(at(line, 0), *first))) {
			*first = at(line, 0);
			found = line;
		}
	}
	return found;
}

bool zeek_queue_pop(struct zeek_queue *queue, int64_t now_us, struct zeek_timer *timer)
{
	const struct zeek_timer *first;
	struct zeek_line *line;

	if (now_us < queue->first_due_us)
		return false;
	line = first_line(queue, &first);
	queue->first_due_us = first ? first->due_us : INT64_MAX;
	if (!first || now_us < first->due_us)
		return false;
	*timer = *first;
	queue->conn_soon = timer->conn;
	if (line) {
		queue->conn_soon = at(line, line->count > SOON ? SOON : line->count - 1)->conn;
		line->first = (line->first + 1) & (line->room - 1);
		line->count--;
	} else if (--queue->heap_count > 0) {
		sift_down(queue->heap, queue->heap_count, 0, queue->heap[queue->heap_count]);
	}
	return true;
}

size_t zeek_queue_count(const struct zeek_queue *queue)
{
	size_t count = queue->heap_count;

	for (unsigned i = 0; i < ZEEK_LINES; i++)
		count += queue->lines[i].count;
	return count;
}

void zeek_queue_sweep(struct zeek_queue *queue,
		      bool (*wanted)(const void *context, const struct zeek_timer *timer),
		      const void *context)
{
	size_t kept;

	for (unsigned i = 0; i < ZEEK_LINES; i++) {
		struct zeek_line *line = &queue->lines[i];

		kept = 0;
		for (size_t k = 0; k < line->count; k++) {
			if (wanted(context, at(line, k)))
				*at(line, kept++) = *at(line, k);
		}
		line->count = kept;
	}
	kept = 0;
	for (size_t i = 0; i < queue->heap_count; i++) {
		if (wanted(context, &queue->heap[i]))
			queue->heap[kept++] = queue->heap[i];
	}
	queue->heap_count = kept;
	for (size_t i = kept / 2; i-- > 0;)
		sift_down(queue->heap, kept, i, queue->heap[i]);
}
