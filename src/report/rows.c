/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/rows.h"

#include <stdlib.h>
#include <string.h>

/* One connection's segments in a hash chain. */
struct shelf {
	struct shelf *next; /* owned: same bucket */
	uint64_t conn;
	unsigned layer;
	size_t room;
	struct rows rows;
};

struct collector {
	struct shelf **buckets; /* owned */
	size_t bucket_count;	/* a power of two */
	size_t shelves;
};

#define FIRST_BUCKETS 1024
#define FIRST_ROWS    16

struct collector *collector_new(void)
{
	struct collector *collector = calloc(1, sizeof(*collector));

	if (!collector)
		return NULL;
	collector->bucket_count = FIRST_BUCKETS;
	collector->buckets = calloc(FIRST_BUCKETS, sizeof(struct shelf *));
	if (!collector->buckets) {
		free(collector);
		return NULL;
	}
	return collector;
}

static void shelf_free(struct shelf *shelf)
{
	free(shelf->rows.rows);
	free(shelf);
}

void collector_free(struct collector *collector)
{
	if (!collector)
		return;
	for (size_t i = 0; i < collector->bucket_count; i++) {
		for (struct shelf *shelf = collector->buckets[i], *next; shelf; shelf = next) {
			next = shelf->next;
			shelf_free(shelf);
		}
	}
	free(collector->buckets);
	free(collector);
}

/* Connection numbers are ascending frame numbers: spread them by a multiplication. */
static size_t bucket_of(const struct collector *collector, uint64_t conn)
{
	return (size_t)((conn * UINT64_C(0x9e3779b97f4a7c15)) >> 32) &
	       (collector->bucket_count - 1);
}

static struct shelf **find(const struct collector *collector, uint64_t conn, unsigned layer)
{
	struct shelf **at = &collector->buckets[bucket_of(collector, conn)];

	while (*at && ((*at)->conn != conn || (*at)->layer != layer))
		at = &(*at)->next;
	return at;
}

static void grow(struct collector *collector)
{
	struct collector bigger = { .bucket_count = collector->bucket_count * 2 };

	bigger.buckets = calloc(bigger.bucket_count, sizeof(struct shelf *));
	if (!bigger.buckets)
		return; /* longer chains, nothing worse */
	for (size_t i = 0; i < collector->bucket_count; i++) {
		for (struct shelf *shelf = collector->buckets[i], *next; shelf; shelf = next) {
			size_t to = bucket_of(&bigger, shelf->conn);

			next = shelf->next;
			shelf->next = bigger.buckets[to];
			bigger.buckets[to] = shelf;
		}
	}
	free(collector->buckets);
	collector->buckets = bigger.buckets;
	collector->bucket_count = bigger.bucket_count;
}

static struct shelf *shelf_for(struct collector *collector, uint64_t conn, unsigned layer)
{
	if (collector->shelves > collector->bucket_count)
		grow(collector);

	struct shelf **at = find(collector, conn, layer);

	struct shelf *shelf = *at;

	if (shelf)
		return shelf;
	shelf = calloc(1, sizeof(*shelf));
	if (!shelf)
		return NULL;
	shelf->conn = conn;
	shelf->layer = layer;
	collector->shelves++;
	*at = shelf;
	return shelf;
}

/* Room for one more row, or NULL (counted). */
static struct row *next_row(struct shelf *shelf)
{
	if (shelf->rows.count == shelf->room) {
		size_t room = shelf->room ? shelf->room * 2 : FIRST_ROWS;
		struct row *rows = shelf->rows.count < ROWS_MOST
					   ? realloc(shelf->rows.rows, room * sizeof(*rows))
					   : NULL;

		if (!rows) {
			shelf->rows.dropped++;
			return NULL;
		}
		shelf->rows.rows = rows;
		shelf->room = room;
	}
	return &shelf->rows.rows[shelf->rows.count++];
}

void collector_add(struct collector *collector, const struct segment *seg,
		   const struct track_note *note)
{
	if (note->conn == 0)
		return;

	struct shelf *shelf = shelf_for(collector, note->conn, note->layer);
	struct row *row = shelf ? next_row(shelf) : NULL;

	if (!row)
		return;
	*row = (struct row){
		.frame = seg->frame,
		.time_ns = seg->time_ns,
		.seq = note->seq,
		.ack = note->ack,
		.payload_bytes = seg->payload_bytes,
		.notes = note->notes,
		.window = seg->window,
		.flags = seg->flags,
		.from = note->from,
		.ttl = seg->ttl,
		.states = { (uint8_t)note->states[END_CLIENT], (uint8_t)note->states[END_SERVER] },
		.quoted = segment_has(seg, SEGMENT_QUOTED),
	};
	if (seg->flags & TCP_SYN && seg->options && seg->options_bytes <= sizeof(row->options)) {
		memcpy(row->options, seg->options, seg->options_bytes);
		row->option_bytes = seg->options_bytes;
	}
	if (seg->icmp) {
		row->icmp_type = seg->icmp->type;
		row->icmp_code = seg->icmp->code;
		row->icmp_sender = seg->icmp->sender;
	}
}

void collector_move(struct collector *collector, uint64_t frame, uint64_t old, uint64_t fresh)
{
	struct shelf *from = NULL;

	for (unsigned layer = 0; layer < 4 && !from; layer++) /* almost always the innermost */
		from = *find(collector, old, layer);
	if (!from)
		return;
	for (size_t i = from->rows.count; i-- > 0;) {
		struct row moved = from->rows.rows[i];

		if (moved.frame != frame)
			continue;

		struct shelf *shelf = shelf_for(collector, fresh, from->layer);
		struct row *row = shelf ? next_row(shelf) : NULL;

		memmove(&from->rows.rows[i], &from->rows.rows[i + 1],
			(from->rows.count - i - 1) * sizeof(moved));
		from->rows.count--;
		if (row)
			*row = moved;
		return;
	}
}

struct rows collector_find(const struct collector *collector, uint64_t conn, unsigned layer)
{
	struct shelf *shelf = *find(collector, conn, layer);

	return shelf ? shelf->rows : (struct rows){ .rows = NULL };
}

void collector_drop(struct collector *collector, uint64_t conn, unsigned layer)
{
	struct shelf **at = find(collector, conn, layer), *shelf = *at;

	if (!shelf)
		return;
	*at = shelf->next;
	collector->shelves--;
	shelf_free(shelf);
}

static void drop_chain(struct collector *collector, struct shelf **at, uint64_t keep)
{
	while (*at) {
		struct shelf *shelf = *at;

		if (shelf->conn == keep) {
			at = &shelf->next;
			continue;
		}
		*at = shelf->next;
		collector->shelves--;
		shelf_free(shelf);
	}
}

void collector_drop_others(struct collector *collector, uint64_t keep)
{
	for (size_t i = 0; i < collector->bucket_count; i++)
		drop_chain(collector, &collector->buckets[i], keep);
}
