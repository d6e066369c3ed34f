/* SPDX-License-Identifier: BSD-2-Clause */
#include "craft/pcapng.h"

#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "craft/writer.h"

/* Block types and option codes. */
#define SECTION_HEADER	     UINT32_C(0x0a0d0d0a)
#define INTERFACE	     1u
#define INTERFACE_STATISTICS 5u
#define ENHANCED_PACKET	     6u
#define BYTE_ORDER_MAGIC     UINT32_C(0x1a2b3c4d)

#define OPTION_END		 0u
#define OPTION_COMMENT		 1u
#define OPTION_SECTION_APPL	 4u
#define OPTION_INTERFACE_NAME	 2u
#define OPTION_INTERFACE_ABOUT	 3u
#define OPTION_INTERFACE_TSRESOL 9u
#define OPTION_STATISTICS_END	 3u
#define OPTION_STATISTICS_DROP	 5u

/* Fixed parts of a block: type, both lengths; and of any one of those written here. */
#define BLOCK_FIXED_BYTES  12
#define BLOCK_BODY_MOST	   20
/* The options that are written besides texts: at most a dozen words each. */
#define BLOCK_OPTION_BYTES 64

static size_t padded(size_t bytes)
{
	return (bytes + 3) & ~(size_t)3;
}

static size_t text_room(const char *text)
{
	return text ? padded(strlen(text)) + 4 : 0;
}

static size_t room_for(const struct pcapng *capture)
{
	const size_t block = BLOCK_FIXED_BYTES + BLOCK_BODY_MOST + BLOCK_OPTION_BYTES;
	size_t room = block + text_room(capture->application) + text_room(capture->comment);

	for (size_t i = 0; i < capture->interface_count; i++)
		room += 2 * block + text_room(capture->interfaces[i].name) +
			text_room(capture->interfaces[i].description);
	for (size_t i = 0; i < capture->frame_count; i++)
		room += block + padded(capture->frames[i].captured_bytes) +
			text_room(capture->comments ? capture->comments[i] : NULL);
	return room;
}

/* Begin a block. Return: where it begins, for block_end(). */
static size_t block_begin(struct writer *out, uint32_t type)
{
	size_t start = out->used;

	writer_put(out, NULL, type, 4);
	writer_put(out, NULL, 0, 4);
	return start;
}

static void block_end(struct writer *out, size_t start)
{
	size_t bytes = out->used + 4 - start;

	writer_put(out, NULL, (uint32_t)bytes, 4);
	writer_patch16(out, start + 4, (uint16_t)(bytes >> 16));
	writer_patch16(out, start + 6, (uint16_t)bytes);
}

static void put_padded(struct writer *out, const void *bytes, size_t count)
{
	writer_put_bytes(out, NULL, bytes, count);
	writer_put_zeros(out, NULL, padded(count) - count);
}

static void option_text(struct writer *out, unsigned code, const char *text)
{
	size_t length = text ? strlen(text) : 0;

	if (!text || length > UINT16_MAX)
		return;
	writer_put(out, NULL, code, 2);
	writer_put(out, NULL, (uint32_t)length, 2);
	put_padded(out, text, length);
}

static void option_u64(struct writer *out, unsigned code, uint64_t value)
{
	writer_put(out, NULL, code, 2);
	writer_put(out, NULL, 8, 2);
	writer_put(out, NULL, (uint32_t)(value >> 32), 4);
	writer_put(out, NULL, (uint32_t)value, 4);
}

static void options_end(struct writer *out)
{
	writer_put(out, NULL, OPTION_END, 2);
	writer_put(out, NULL, 0, 2);
}

static void put_time(struct writer *out, int64_t time_ns)
{
	writer_put(out, NULL, (uint32_t)((uint64_t)time_ns >> 32), 4);
	writer_put(out, NULL, (uint32_t)time_ns, 4);
}

static void put_section(struct writer *out, const struct pcapng *capture)
{
	size_t start = block_begin(out, SECTION_HEADER);

	writer_put(out, NULL, BYTE_ORDER_MAGIC, 4);
	writer_put(out, NULL, 1, 2);
	writer_put(out, NULL, 0, 2);
	writer_put(out, NULL, UINT32_MAX, 4); /* length of the section: not given */
	writer_put(out, NULL, UINT32_MAX, 4);
	option_text(out, OPTION_COMMENT, capture->comment);
	option_text(out, OPTION_SECTION_APPL, capture->application);
	options_end(out);
	block_end(out, start);
}

static void put_interface(struct writer *out, const struct pcapng_interface *interface)
{
	static const uint8_t nanoseconds[1] = { 9 };
	size_t start = block_begin(out, INTERFACE);

	writer_put(out, NULL, interface->link_type, 2);
	writer_put(out, NULL, 0, 2);
	writer_put(out, NULL, 0, 4); /* no snap length */
	option_text(out, OPTION_INTERFACE_NAME, interface->name);
	option_text(out, OPTION_INTERFACE_ABOUT, interface->description);
	writer_put(out, NULL, OPTION_INTERFACE_TSRESOL, 2);
	writer_put(out, NULL, sizeof(nanoseconds), 2);
	put_padded(out, nanoseconds, sizeof(nanoseconds));
	options_end(out);
	block_end(out, start);
}

static void put_frame(struct writer *out, const struct frame *frame, const char *comment)
{
	size_t start = block_begin(out, ENHANCED_PACKET);

	writer_put(out, NULL, frame->interface, 4);
	put_time(out, frame->time_ns);
	writer_put(out, NULL, frame->captured_bytes, 4);
	writer_put(out, NULL, frame->wire_bytes, 4);
	put_padded(out, frame->bytes, frame->captured_bytes);
	if (comment) {
		option_text(out, OPTION_COMMENT, comment);
		options_end(out);
	}
	block_end(out, start);
}

static void put_statistics(struct writer *out, const struct pcapng_interface *interface,
			   uint32_t number)
{
	size_t start = block_begin(out, INTERFACE_STATISTICS);
	uint64_t end_ns = (uint64_t)interface->end_ns;

	writer_put(out, NULL, number, 4);
	put_time(out, interface->end_ns);
	/* The option has the time stamps' two halves, in the interface's resolution. */
	option_u64(out, OPTION_STATISTICS_END, end_ns);
	option_u64(out, OPTION_STATISTICS_DROP, interface->dropped);
	options_end(out);
	block_end(out, start);
}

uint8_t *pcapng_craft(const struct pcapng *capture, size_t *bytes)
{
	size_t room = room_for(capture);
	struct writer out = { .start = malloc(room), .room = room };

	if (!out.start)
		return NULL;
	put_section(&out, capture);
	for (size_t i = 0; i < capture->interface_count; i++)
		put_interface(&out, &capture->interfaces[i]);
	for (size_t i = 0; i < capture->frame_count; i++)
		put_frame(&out, &capture->frames[i],
			  capture->comments ? capture->comments[i] : NULL);
	for (size_t i = 0; i < capture->interface_count; i++)
		if (capture->interfaces[i].end_ns != TIME_NONE)
			put_statistics(&out, &capture->interfaces[i], (uint32_t)i);
	*bytes = out.used;
	return out.start;
}
