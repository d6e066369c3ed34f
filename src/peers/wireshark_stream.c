/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <sys/random.h>

#include "peers/wireshark_mptcp.h"
#include "peers/wireshark_stream.h"

#define TABLE_FIRST 4096u

/* Address space, not memory: what is not used costs nothing. */
#define STREAMS_MOST	 (UINT32_C(1) << 25)
#define SEGMENTS_MOST	 (UINT32_C(1) << 27)
#define CONNECTIONS_MOST (UINT32_C(1) << 24)

bool ws_table_init(struct wireshark *ws)
{
	ws->table = calloc(TABLE_FIRST, sizeof(*ws->table));
	ws->table_slots = TABLE_FIRST;
	/* Without a seed a hostile capture could put all its streams into one slot. */
	if (getrandom(ws->hash_seed, sizeof(ws->hash_seed), GRND_NONBLOCK) < 0)
		ws->hash_seed[0] = (uint64_t)(uintptr_t)ws->table;
	return ws->table && pool_set_up(&ws->streams, sizeof(struct ws_stream), STREAMS_MOST) &&
	       pool_set_up(&ws->unacked, sizeof(struct ws_unacked), SEGMENTS_MOST) &&
	       pool_set_up(&ws->counts, sizeof(struct ws_counts), STREAMS_MOST) &&
	       pool_set_up(&ws->connections, sizeof(struct ws_mptcp), CONNECTIONS_MOST);
}

void ws_table_free(struct wireshark *ws)
{
	pool_tear_down(&ws->streams);
	pool_tear_down(&ws->unacked);
	pool_tear_down(&ws->counts);
	pool_tear_down(&ws->connections);
	free(ws->table);
}

/* Both ends of a stream in the order of their addresses, then ports. */
struct key {
	struct ip_address ip[2];
	struct ip_address shown[2];
	uint16_t port[2];
	uint8_t version;
};

/*
 * A mobile node's stream is found by its home address, in both directions, but ipv6.src, which a
 * stream is shown by, is the header's source also where an option names a home address.
 */
static struct ip_address shown_source(const struct segment *seg)
{
	struct ip_address source = seg->src;

	if (seg->care_of)
		memcpy(source.bytes, seg->care_of, sizeof(source.bytes));
	return source;
}

/* Return: the sender's place in the key, 1 when its address (then its port) is the larger one. */
static unsigned key_of(const struct segment *seg, struct key *key)
{
	int order = memcmp(seg->src.bytes, seg->dst.bytes, sizeof(seg->src.bytes));
	unsigned sender;

	if (order == 0)
		order = (int)seg->src_port - (int)seg->dst_port;
	sender = order > 0;
	key->ip[sender] = seg->src;
	key->ip[1 - sender] = seg->dst;
	key->shown[sender] = shown_source(seg);
	key->shown[1 - sender] = seg->dst;
	key->port[sender] = seg->src_port;
	key->port[1 - sender] = seg->dst_port;
	key->version = segment_has(seg, SEGMENT_IPV6) ? 6 : 4;
	return sender;
}

static bool key_matches(const struct key *key, const struct ws_stream *stream)
{
	return key->port[0] == stream->port[0] && key->port[1] == stream->port[1] &&
	       ip_address_equal(&key->ip[0], &stream->ip[0]) &&
	       ip_address_equal(&key->ip[1], &stream->ip[1]) && key->version == stream->version;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0x9fb21c651e98df25);
	return hash ^ (hash >> 32);
}

static uint64_t hash_end(const struct wireshark *ws, const struct ip_address *ip, uint16_t port)
{
	uint64_t words[2];

	static_assert(sizeof(words) == sizeof(*ip), "the address, nothing else");
	memcpy(words, ip, sizeof(words));
	return mix(mix(mix(ws->hash_seed[0], words[0]), words[1]), ws->hash_seed[1] + port);
}

uint32_t ws_stream_hash(const struct wireshark *ws, const struct segment *seg)
{
	uint64_t both =
		hash_end(ws, &seg->src, seg->src_port) + hash_end(ws, &seg->dst, seg->dst_port);

	return (uint32_t)(mix(both, ws->hash_seed[1]) >> 16);
}

void ws_slot_prefetch(const struct wireshark *ws, uint32_t hash)
{
	__builtin_prefetch(&ws->table[hash & (ws->table_slots - 1)]);
}

#define CACHE_LINE 64

void ws_stream_prefetch(const struct wireshark *ws, uint32_t hash)
{
	uint32_t mask = ws->table_slots - 1;
	uint32_t slot = hash & mask;

	while (ws->table[slot].stream && ws->table[slot].hash != hash)
		slot = (slot + 1) & mask;
	if (!ws->table[slot].stream)
		return;

	const char *stream = pool_at(&ws->streams, ws->table[slot].stream);

	for (size_t at = 0; at < sizeof(struct ws_stream); at += CACHE_LINE)
		__builtin_prefetch(stream + at);
}

static uint32_t slot_of(const struct wireshark *ws, const struct key *key, uint32_t hash)
{
	uint32_t mask = ws->table_slots - 1;
	uint32_t slot = hash & mask;

	while (ws->table[slot].stream &&
	       (ws->table[slot].hash != hash ||
		!key_matches(key, ws_stream_at(ws, ws->table[slot].stream))))
		slot = (slot + 1) & mask;
	return slot;
}

/* Double the table when it is half full. Return: false, out of memory and no slot to spare. */
static bool table_has_room(struct wireshark *ws)
{
	uint32_t slots = ws->table_slots * 2;
	struct ws_slot *table;

	if (ws->table_used < ws->table_slots / 2)
		return true;
	table = slots ? calloc(slots, sizeof(*table)) : NULL;
	if (!table)
		return ws->table_used < ws->table_slots - 1;
	for (uint32_t i = 0; i < ws->table_slots; i++) {
		uint32_t slot = ws->table[i].hash & (slots - 1);

		if (!ws->table[i].stream)
			continue;
		while (table[slot].stream)
			slot = (slot + 1) & (slots - 1);
		table[slot] = ws->table[i];
	}
	free(ws->table);
	ws->table = table;
	ws->table_slots = slots;
	return true;
}

static void side_init(struct ws_side *side)
{
	side->window = WS_WINDOW_UNKNOWN;
	side->scale = WS_SCALE_UNKNOWN;
}

static uint32_t stream_new(struct wireshark *ws, const struct key *key)
{
	uint32_t index = pool_take(&ws->streams);
	struct ws_stream *stream;

	if (!index)
		return 0;
	stream = ws_stream_at(ws, index);
	for (int i = 0; i < 2; i++) {
		stream->ip[i] = key->ip[i];
		stream->shown[i] = key->shown[i];
		stream->port[i] = key->port[i];
		side_init(&stream->side[i]);
	}
	stream->version = key->version;
	return index;
}

struct ws_place ws_stream_find(struct wireshark *ws, const struct segment *seg, uint32_t hash)
{
	struct key key;
	struct ws_place place = { .forward = key_of(seg, &key) };

	place.slot = slot_of(ws, &key, hash);
	place.stream = ws->table[place.slot].stream;
	if (place.stream || !table_has_room(ws))
		return place;
	place.stream = stream_new(ws, &key);
	if (!place.stream)
		return place;
	place.slot = slot_of(ws, &key, hash); /* the table may have grown */
	place.is_new = true;
	ws->table[place.slot] = (struct ws_slot){ .stream = place.stream, .hash = hash };
	ws->table_used++;
	return place;
}

bool ws_stream_renew(struct wireshark *ws, const struct segment *seg, struct ws_place *place)
{
	struct key key;
	uint32_t index;

	key_of(seg, &key);
	index = stream_new(ws, &key);
	if (!index)
		return false;
	ws->table[place->slot].stream = index;
	place->stream = index;
	return true;
}

void ws_count_flags(struct wireshark *ws, struct ws_stream *stream, uint32_t flags)
{
	struct ws_counts *counts;

	if (!flags)
		return;
	if (!stream->counts)
		stream->counts = pool_take(&ws->counts);
	if (!stream->counts) {
		ws->left_out++;
		return;
	}
	counts = pool_at(&ws->counts, stream->counts);
	for (unsigned bit = 0; bit < WIRESHARK_FLAGS; bit++)
		counts->of[bit] += (flags >> bit) & 1;
}

/* Has an ACK reached this end? Half the circle counts as "not yet", as in Wireshark. */
static bool covers(uint32_t ack, uint32_t end)
{
	return seq_at_or_after(seq_of(ack), seq_of(end));
}

/* Take one more end into what is known of the list's ends; it comes after all the others. */
static void list_note(struct ws_unacked_list *list, uint32_t newest_end, uint32_t end)
{
	if (!list->count) {
		list->lowest = list->highest = end;
		list->ordered = list->bounded = true;
		return;
	}
	if (!covers(end, newest_end))
		list->ordered = false;
	if (end - list->lowest <= list->highest - list->lowest)
		return;
	if (covers(end, list->highest))
		list->highest = end;
	else
		list->lowest = end;
	if (list->highest - list->lowest > INT32_MAX)
		list->bounded = false;
}

bool ws_unacked_add(struct wireshark *ws, struct ws_unacked_list *list,
		    const struct ws_unacked *segment)
{
	uint32_t newest_end = 0;
	uint32_t index;

	if (list->count >= UNACKED_MOST)
		return false;
	index = pool_take(&ws->unacked);
	if (!index) {
		ws->left_out++;
		return false;
	}
	*ws_unacked_at(ws, index) = *segment;
	ws_unacked_at(ws, index)->next = 0;
	if (list->count) {
		newest_end = ws_unacked_at(ws, list->newest)->end;
		ws_unacked_at(ws, list->newest)->next = index;
	} else {
		list->oldest = index;
	}
	list_note(list, newest_end, segment->end);
	list->newest = index;
	list->count++;
	return true;
}

/* Take the oldest segments up to the first that the ACK does not cover. */
static bool take_prefix(struct wireshark *ws, struct ws_unacked_list *list, uint32_t ack,
			struct ws_unacked *acked)
{
	bool found = false;

	while (list->count) {
		uint32_t index = list->oldest;
		const struct ws_unacked *oldest = ws_unacked_at(ws, index);

		if (!covers(ack, oldest->end)) {
			list->lowest = oldest->end;
			break;
		}
		if (oldest->end == ack && !found) {
			*acked = *oldest;
			found = true;
		}
		list->oldest = oldest->next;
		list->count--;
		pool_give(&ws->unacked, index);
	}
	return found;
}

/* Look at every segment; those that stay are linked and measured again. */
static bool take_covered(struct wireshark *ws, struct ws_unacked_list *list, uint32_t ack,
			 struct ws_unacked *acked)
{
	struct ws_unacked_list kept = { 0 };
	bool found = false;
	uint32_t next;

	for (uint32_t index = list->oldest; index; index = next) {
		struct ws_unacked *segment = ws_unacked_at(ws, index);

		next = segment->next;
		if (covers(ack, segment->end)) {
			if (segment->end == ack && !found) {
				*acked = *segment;
				found = true;
			}
			pool_give(&ws->unacked, index);
			continue;
		}
		list_note(&kept, kept.count ? ws_unacked_at(ws, kept.newest)->end : 0,
			  segment->end);
		if (kept.count++)
			ws_unacked_at(ws, kept.newest)->next = index;
		else
			kept.oldest = index;
		kept.newest = index;
		segment->next = 0;
	}
	*list = kept;
	return found;
}

bool ws_unacked_ack(struct wireshark *ws, struct ws_unacked_list *list, uint32_t ack,
		    struct ws_unacked *acked)
{
	bool lowest, highest;

	if (!list->count)
		return false;
	if (!list->bounded)
		return take_covered(ws, list, ack, acked);
	lowest = covers(ack, list->lowest);
	highest = covers(ack, list->highest);
	if (!lowest && !highest)
		return false; /* all ends lie ahead of the ACK */
	if (lowest && list->ordered)
		return take_prefix(ws, list, ack, acked);
	return take_covered(ws, list, ack, acked);
}
