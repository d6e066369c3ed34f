/* SPDX-License-Identifier: BSD-2-Clause */
#include "craft/capture.h"

#include <stdlib.h>

#include "base/time.h"
#include "craft/ends.h"
#include "craft/packet.h"

/* An item that a later line copies: kept as it was made. */
struct kept {
	size_t order;
	const struct notation *line; /* borrowed from the script */
	struct made_segment made;
	struct kept *next; /* owned */
};

/* What is needed while frames are crafted. */
struct crafting {
	struct craft_capture *capture;
	struct ends *ends; /* per connection; owned */
	struct kept *kept; /* owned */
	uint8_t *room;	   /* PACKET_HEADERS_MOST + NOTATION_LENGTH_MOST bytes; owned */
	size_t frame_room, block_room;
};

#define ROOM_BYTES (PACKET_HEADERS_MOST + NOTATION_LENGTH_MOST)

static bool add_frame(struct crafting *crafting, const struct script_item *item,
		      const struct notation *line, size_t bytes, struct err *err)
{
	struct craft_capture *capture = crafting->capture;
	size_t captured = line && (line->said & SAID_CUT) && line->cut < bytes ? line->cut : bytes;
	int64_t since_ns = line && (line->said & SAID_STAMP) ? line->stamp_ns : item->time_ns;

	if (bytes == 0) {
		err_set(err, ERR_INPUT, "the packet is longer than its length field can say");
		err_fix(err, "fewer octets, or iplen 0 as segmentation offload leaves it");
		return false;
	}
	if (capture->script.start_ns + since_ns < 0)
		return err_set(err, ERR_INPUT, "a time before 1970");

	struct frame *frames = script_grow(capture->frames, capture->frame_count,
					   &crafting->frame_room, sizeof(*frames), err);

	if (!frames)
		return false;
	capture->frames = frames;

	uint8_t **blocks = script_grow(capture->blocks, capture->frame_count, &crafting->block_room,
				       sizeof(*blocks), err);

	if (!blocks)
		return false;
	capture->blocks = blocks;

	uint8_t *own = malloc(captured ? captured : 1);

	if (!own)
		return err_set(err, ERR_SYSTEM, "out of memory for a capture from text");
	memcpy(own, crafting->room, captured);
	capture->blocks[capture->frame_count] = own;
	capture->frames[capture->frame_count] = (struct frame){
		.number = capture->frame_count + 1,
		.time_ns = capture->script.start_ns + since_ns,
		.bytes = own,
		.captured_bytes = (uint32_t)captured,
		.wire_bytes = (uint32_t)bytes,
		.link_type = capture->script.link_type,
	};
	capture->frame_count++;
	return true;
}

static bool check_wrapping(const struct crafting *crafting, const struct notation *line,
			   struct err *err)
{
	if (line->vlan_count == 0 || crafting->capture->script.link_type == CRAFT_LINK_ETHERNET)
		return true;
	return err_set(err, ERR_INPUT, "vlan: only Ethernet has tags");
}

static struct packet_icmp icmp_of(const struct notation *line, const struct segment *seg)
{
	const uint32_t payload_quoted = 8;
	struct packet_icmp icmp = {
		.from = line->icmp_from,
		.type = (uint8_t)line->icmp_type,
		.code = (uint8_t)line->icmp_code,
		.ttl = (uint8_t)(line->said & SAID_ICMP_TTL ? line->icmp_ttl : 64),
		.mtu_bytes = line->icmp_mtu,
		.quote_bytes = line->said & SAID_ICMP_QUOTE
				       ? line->icmp_quote
				       : (uint32_t)tcp_segment_bytes(seg) - seg->payload_bytes +
						 payload_quoted,
	};

	return icmp;
}

static bool craft_made(struct crafting *crafting, const struct script_item *item,
		       const struct notation *line, const struct segment *seg, struct err *err)
{
	struct packet_icmp icmp;
	struct packet packet = {
		.segment = seg,
		.link_type = crafting->capture->script.link_type,
		.vlan_count = line->vlan_count,
		.vlans = line->vlans,
		.tunnel = line->tunnel,
		.tunnel_back = line->from_server != ((line->said & SAID_ICMP) != 0),
		.ip_length_said = (line->said & SAID_IP_LENGTH) != 0,
		.ip_length = (uint16_t)line->ip_length,
	};

	if (!check_wrapping(crafting, line, err))
		return false;
	if (line->said & SAID_ICMP) {
		if (ip_address_is_v4(&line->icmp_from) != ip_address_is_v4(&seg->src))
			return err_set(err, ERR_INPUT,
				       "icmp: its sender and the segment differ in IP version");
		icmp = icmp_of(line, seg);
		packet.icmp = &icmp;
	}
	return add_frame(crafting, item, line,
			 packet_craft(&packet, crafting->room, ROOM_BYTES, NULL), err);
}

/* Keep a made segment for its copies. Takes its payload. */
static bool keep(struct crafting *crafting, const struct script_item *item,
		 struct made_segment *made, struct err *err)
{
	struct kept *kept = malloc(sizeof(*kept));

	if (!kept)
		return err_set(err, ERR_SYSTEM, "out of memory for a capture from text");
	*kept = (struct kept){ .order = item->order,
			       .line = &crafting->capture->script.notations[item->notation],
			       .made = *made,
			       .next = crafting->kept };
	kept->made.seg.options = kept->made.options;
	made->payload = NULL;
	crafting->kept = kept;
	return true;
}

static bool craft_segment(struct crafting *crafting, const struct script_item *item,
			  struct err *err)
{
	struct craft_capture *capture = crafting->capture;
	const struct notation *line = &capture->script.notations[item->notation];
	struct made_segment made;
	bool ok = ends_make(&crafting->ends[item->conn], line, item->time_ns, &made, err);

	if (ok && !(line->said & SAID_LOST)) {
		ok = craft_made(crafting, item, line, &made.seg, err);
		if (ok && capture->first_frames[item->conn] == 0 && !(line->said & SAID_ICMP))
			capture->first_frames[item->conn] = capture->frame_count;
	}
	if (ok && item->copied)
		ok = keep(crafting, item, &made, err);
	made_clear(&made);
	return ok;
}

/* The line of the original, with what the copy's line says otherwise. */
static struct notation line_of_copy(const struct notation *original, const struct notation *copy)
{
	const uint32_t of_place = SAID_VLAN | SAID_TUNNEL | SAID_CUT | SAID_STAMP;
	struct notation line = *original;

	line.said = (original->said & ~(of_place | SAID_LOST)) | copy->said;
	line.vlan_count = copy->vlan_count;
	memcpy(line.vlans, copy->vlans, sizeof(line.vlans));
	line.tunnel = copy->tunnel;
	line.cut = copy->cut;
	line.stamp_ns = copy->stamp_ns;
	return line;
}

static bool craft_copy(struct crafting *crafting, const struct script_item *item, struct err *err)
{
	const struct script *script = &crafting->capture->script;
	const struct notation *copy = &script->notations[item->notation];
	const struct kept *kept = crafting->kept;

	while (kept && kept->order != item->original)
		kept = kept->next;
	if (!kept)
		return err_set(err, ERR_INPUT, "copy: it comes before what it copies");

	struct notation line = line_of_copy(kept->line, copy);
	struct segment seg = kept->made.seg;

	if (copy->said & SAID_TTL)
		seg.ttl = (uint8_t)copy->ttl;
	if (copy->said & SAID_IP_SUM_BAD)
		seg.what |= SEGMENT_IP_SUM_BAD;
	return craft_made(crafting, item, &line, &seg, err);
}

static bool craft_item(struct crafting *crafting, const struct script_item *item, struct err *err)
{
	switch (item->kind) {
	case SCRIPT_SEGMENT:
		return craft_segment(crafting, item, err);
	case SCRIPT_COPY:
		return craft_copy(crafting, item, err);
	case SCRIPT_TICK:
		break;
	}
	return add_frame(
		crafting, item, NULL,
		packet_craft_idle(crafting->capture->script.link_type, crafting->room, ROOM_BYTES),
		err);
}

static bool prepare(struct crafting *crafting, struct err *err)
{
	struct craft_capture *capture = crafting->capture;
	const struct script *script = &capture->script;

	capture->first_frames = calloc(script->conn_count, sizeof(capture->first_frames[0]));
	crafting->ends = calloc(script->conn_count, sizeof(crafting->ends[0]));
	crafting->room = malloc(ROOM_BYTES);
	if (!capture->first_frames || !crafting->ends || !crafting->room)
		return err_set(err, ERR_SYSTEM, "out of memory for a capture from text");
	for (size_t i = 0; i < script->conn_count; i++)
		ends_init(&crafting->ends[i], &script->conns[i], (uint32_t)i);
	for (size_t i = 0; i < script->item_count; i++) {
		const struct script_item *item = &script->items[i];

		if (item->kind == SCRIPT_SEGMENT)
			ends_expect(&crafting->ends[item->conn],
				    &script->notations[item->notation]);
	}
	return true;
}

static bool craft_all(struct crafting *crafting, struct err *err)
{
	const struct script *script = &crafting->capture->script;

	if (!prepare(crafting, err))
		return false;
	for (size_t i = 0; i < script->item_count; i++) {
		if (!craft_item(crafting, &script->items[i], err)) {
			err_at(err, "%s, line %u", script->name, script->items[i].line);
			return false;
		}
	}
	return true;
}

static void forget_kept(struct kept *kept)
{
	while (kept) {
		struct kept *next = kept->next;

		made_clear(&kept->made);
		free(kept);
		kept = next;
	}
}

struct craft_capture *craft_capture_text(const char *name, const char *text, struct err *err)
{
	struct craft_capture *capture = calloc(1, sizeof(*capture));
	struct crafting crafting = { .capture = capture };

	if (!capture) {
		err_set(err, ERR_SYSTEM, "out of memory for a capture from text");
		return NULL;
	}

	bool ok = script_parse(&capture->script, name, text, err) && craft_all(&crafting, err);

	forget_kept(crafting.kept);
	free(crafting.ends);
	free(crafting.room);
	if (ok)
		return capture;
	craft_capture_free(capture);
	return NULL;
}

uint64_t craft_capture_conn(const struct craft_capture *capture, const char *name)
{
	size_t conn = script_find_conn(&capture->script, (struct word){ name, strlen(name) });

	return conn == SIZE_MAX ? 0 : capture->first_frames[conn];
}

bool craft_capture_append(struct craft_capture *to, struct craft_capture *more, int64_t gap_ns,
			  struct err *err)
{
	size_t total = to->frame_count + more->frame_count;
	struct frame *frames = realloc(to->frames, (total ? total : 1) * sizeof(*frames));
	int64_t shift_ns = 0;

	if (!frames)
		return err_set(err, ERR_SYSTEM, "out of memory for a capture from text");
	to->frames = frames;

	uint8_t **blocks = realloc(to->blocks, (total ? total : 1) * sizeof(*blocks));

	if (!blocks)
		return err_set(err, ERR_SYSTEM, "out of memory for a capture from text");
	to->blocks = blocks;
	if (to->script.link_type != more->script.link_type)
		return err_set(err, ERR_INPUT, "%s and %s differ in their link type",
			       to->script.name, more->script.name);
	if (to->frame_count && more->frame_count)
		shift_ns = frames[to->frame_count - 1].time_ns + gap_ns - more->frames[0].time_ns;
	for (size_t i = 0; i < more->frame_count; i++) {
		struct frame *frame = &frames[to->frame_count];

		blocks[to->frame_count++] = more->blocks[i];

		*frame = more->frames[i];
		frame->number = to->frame_count;
		frame->time_ns += shift_ns;
	}
	more->frame_count = 0;
	return true;
}

void craft_capture_free(struct craft_capture *capture)
{
	if (!capture)
		return;
	for (size_t i = 0; i < capture->frame_count; i++)
		free(capture->blocks[i]);
	free(capture->frames);
	free(capture->blocks);
	free(capture->first_frames);
	script_clear(&capture->script);
	free(capture);
}
