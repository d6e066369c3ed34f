/* SPDX-License-Identifier: BSD-2-Clause */
/* What the blocks of a pcapng file say. Source: draft-ietf-opsawg-pcapng, section 4. */
#include "source/pcapng_blocks.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/time.h"

/* --- options: section 3.5 ------------------------------------------------------------------- */

#define OPTION_END     0
#define OPTION_COMMENT 1

struct option {
	uint16_t code;
	struct cursor value;
};

enum option_result {
	OPTION_READ,
	OPTION_NO_MORE,
	OPTION_BAD, /* it does not fit; err is set */
};

/* A list that just stops, without an end mark, is allowed: many writers do that. */
static enum option_result option_next(struct input *input, struct cursor *in, struct option *option,
				      struct err *err)
{
	const struct pcapng_reader *reader = input->reader;

	if (cursor_left(in) < 4)
		return OPTION_NO_MORE;
	option->code = pcapng_u16(reader, in);

	uint16_t bytes = pcapng_u16(reader, in);

	if (option->code == OPTION_END)
		return OPTION_NO_MORE;
	if (bytes > cursor_left(in)) {
		err_set(err, ERR_INPUT,
			"an option (code %u) claims %u bytes; its block has %zu left", option->code,
			bytes, cursor_left(in));
		return OPTION_BAD;
	}
	option->value = cursor_take(in, bytes);
	if (bytes % 4 != 0 && cursor_left(in) > 0)
		cursor_take(in, 4 - bytes % 4u);
	if (option->code == OPTION_COMMENT)
		input->comments++;
	return OPTION_READ;
}

static bool option_has_bytes(const struct option *option, size_t bytes, struct err *err)
{
	if (cursor_left(&option->value) == bytes)
		return true;
	return err_set(err, ERR_INPUT, "an option (code %u) has %zu bytes instead of %zu",
		       option->code, cursor_left(&option->value), bytes);
}

static uint64_t get64(const struct pcapng_reader *reader, struct cursor in)
{
	uint64_t first = pcapng_u32(reader, &in);
	uint64_t second = pcapng_u32(reader, &in);

	return reader->big_endian ? first << 32 | second : second << 32 | first;
}

/* --- section header: section 4.1 ------------------------------------------------------------ */

static bool section_header_take(struct input *input, struct cursor body, struct frame_batch *batch,
				struct err *err)
{
	struct pcapng_reader *reader = input->reader;
	struct option option;
	enum option_result result;

	(void)batch;
	cursor_skip(&body, 4); /* byte-order magic */

	uint16_t major = pcapng_u16(reader, &body);
	uint16_t minor = pcapng_u16(reader, &body);

	cursor_skip(&body, 8); /* length of the section: the blocks say it as well */
	if (major != 1)
		return err_set(err, ERR_INPUT, "pcapng version %u.%u is not known; it must be 1.x",
			       major, minor);
	do /* only comments matter, and they are counted */
		result = option_next(input, &body, &option, err);
	while (result == OPTION_READ);
	reader->interface_count = 0;
	return result == OPTION_NO_MORE;
}

/* --- interface description: section 4.2 ----------------------------------------------------- */

#define IF_NAME	       2
#define IF_DESCRIPTION 3
#define IF_TSRESOL     9
#define IF_FCSLEN      13
#define IF_TSOFFSET    14

#define RESOLUTION_MICROSECONDS 6

struct interface_texts {
	struct interface_text name;
	struct interface_text description;
};

static struct interface_text option_text(const struct option *option)
{
	struct interface_text text = { option->value.at, cursor_left(&option->value) };

	return text;
}

/* The specification says bits, its example and Wireshark mean bytes: no FCS is 8 bits long. */
static uint8_t fcs_bytes_from(uint8_t length)
{
	return length > 8 ? length / 8 : length;
}

static bool interface_option_take(const struct pcapng_reader *reader, struct option *option,
				  struct pcapng_interface *interface, struct interface_texts *texts,
				  struct err *err)
{
	switch (option->code) {
	case IF_NAME:
		texts->name = option_text(option);
		return true;
	case IF_DESCRIPTION:
		texts->description = option_text(option);
		return true;
	case IF_TSRESOL:
		if (!option_has_bytes(option, 1, err))
			return false;
		interface->resolution = cursor_u8(&option->value);
		return true;
	case IF_FCSLEN:
		if (!option_has_bytes(option, 1, err))
			return false;
		interface->fcs_bytes = fcs_bytes_from(cursor_u8(&option->value));
		return true;
	case IF_TSOFFSET:
		if (!option_has_bytes(option, 8, err))
			return false;
		interface->offset_seconds = (int64_t)get64(reader, option->value);
		return true;
	default:
		return true;
	}
}

static bool interface_make_room(struct pcapng_reader *reader, struct err *err)
{
	if (reader->interface_count < reader->interface_room)
		return true;

	size_t room = reader->interface_room ? reader->interface_room * 2 : 8;
	struct pcapng_interface *larger = realloc(reader->interfaces, room * sizeof(*larger));

	if (!larger)
		return err_set(err, ERR_SYSTEM, "out of memory for the list of interfaces");
	reader->interfaces = larger;
	reader->interface_room = room;
	return true;
}

static bool interface_take(struct input *input, struct cursor body, struct frame_batch *batch,
			   struct err *err)
{
	struct pcapng_reader *reader = input->reader;
	struct pcapng_interface added = { .resolution = RESOLUTION_MICROSECONDS };
	struct interface_texts texts = { 0 };
	struct option option;
	enum option_result result;

	(void)batch;
	added.link_type = pcapng_u16(reader, &body);
	cursor_skip(&body, 2);
	added.snap_bytes = pcapng_u32(reader, &body);
	added.captured_most = captured_bytes_most(added.link_type);
	while ((result = option_next(input, &body, &option, err)) == OPTION_READ)
		if (!interface_option_take(reader, &option, &added, &texts, err))
			return false;
	if (result == OPTION_BAD || !interface_make_room(reader, err))
		return false;

	struct source_interface about = { .link_type = added.link_type,
					  .snap_bytes = added.snap_bytes };
	size_t index =
		interfaces_add(input->interfaces, &about, texts.name, texts.description, err);

	if (index == INTERFACES_MOST)
		return false;
	added.index = (uint16_t)index;
	reader->interfaces[reader->interface_count++] = added;
	return true;
}

static const struct pcapng_interface *interface_find(const struct input *input, uint32_t id,
						     struct err *err)
{
	const struct pcapng_reader *reader = input->reader;

	if (id < reader->interface_count)
		return &reader->interfaces[id];
	err_set(err, ERR_INPUT,
		"packet %" PRIu64 " names interface %" PRIu32 " of a section with %zu",
		input->packets + 1, id, reader->interface_count);
	return NULL;
}

/* --- packets: sections 4.3, 4.4 and appendix A ---------------------------------------------- */

#define EPB_FLAGS     2
#define EPB_DROPCOUNT 4

#define FLAGS_FCS_SHIFT 5
#define FLAGS_FCS_MASK	0xfu

#define DROPS_UNKNOWN UINT16_C(0xffff)

/* Any resolution and offset. */
static int64_t time_from_any(const struct pcapng_interface *interface, uint64_t ticks)
{
	unsigned exponent = interface->resolution & 0x7fu;
	__extension__ unsigned __int128 nanoseconds = ticks;
	__extension__ __int128 time_ns;

	if (interface->resolution & 0x80) {
		nanoseconds = nanoseconds * (uint64_t)NSEC_PER_SEC >> exponent;
	} else {
		for (; exponent < 9; exponent++)
			nanoseconds *= 10;
		for (; exponent > 9; exponent--)
			nanoseconds /= 10;
	}
	if (nanoseconds > UINT64_MAX)
		return TIME_NONE;
	time_ns = interface->offset_seconds;
	time_ns = time_ns * NSEC_PER_SEC + (uint64_t)nanoseconds;
	if (time_ns < -TIME_FURTHEST_NS || time_ns > TIME_FURTHEST_NS)
		return TIME_NONE;
	return (int64_t)time_ns;
}

/* The usual resolutions, and times within 1970 and 2116, without the long way round. */
static inline int64_t time_from(const struct pcapng_interface *interface, uint64_t ticks)
{
	uint64_t tick_ns = interface->resolution == 9 ? 1 : 1000;
	uint64_t nanoseconds;

	if ((interface->resolution == 6 || interface->resolution == 9) &&
	    interface->offset_seconds == 0 &&
	    !__builtin_mul_overflow(ticks, tick_ns, &nanoseconds) &&
	    nanoseconds <= (uint64_t)TIME_FURTHEST_NS)
		return (int64_t)nanoseconds;
	return time_from_any(interface, ticks);
}

static bool packet_options_take(struct input *input, struct cursor *in,
				const struct pcapng_interface *interface, struct frame *frame,
				struct err *err)
{
	const struct pcapng_reader *reader = input->reader;
	struct option option;
	enum option_result result;

	while ((result = option_next(input, in, &option, err)) == OPTION_READ) {
		if (option.code == EPB_FLAGS && cursor_left(&option.value) == 4) {
			unsigned fcs = pcapng_u32(reader, &option.value) >> FLAGS_FCS_SHIFT;

			if (fcs & FLAGS_FCS_MASK)
				frame->fcs_bytes = fcs & FLAGS_FCS_MASK;
		} else if (option.code == EPB_DROPCOUNT && cursor_left(&option.value) == 8) {
			interface_count_lost_before(&input->interfaces->entries[interface->index],
						    get64(reader, option.value));
		}
	}
	return result == OPTION_NO_MORE;
}

/* Cut the packet's bytes off @in and fill what all kinds of packets have in common; all of @frame
 * but number, time and lengths. */
static bool packet_bytes_take(struct input *input, struct cursor *in,
			      const struct pcapng_interface *interface, struct frame *frame,
			      struct err *err)
{
	uint32_t captured_bytes = frame->captured_bytes;

	if (captured_bytes > interface->captured_most)
		return input_too_long(input, captured_bytes, interface->captured_most, err);
	if (captured_bytes > cursor_left(in))
		return err_set(err, ERR_INPUT,
			       "packet %" PRIu64 " claims %" PRIu32
			       " captured bytes; its block has room for %zu",
			       input->packets + 1, captured_bytes, cursor_left(in));
	frame->bytes = cursor_skip(in, captured_bytes);
	if (captured_bytes % 4 != 0 && cursor_left(in) > 0)
		cursor_take(in, 4 - captured_bytes % 4);
	if (frame->wire_bytes < captured_bytes)
		frame->wire_bytes = captured_bytes;
	frame->link_type = interface->link_type;
	frame->interface = interface->index;
	frame->fcs_bytes = interface->fcs_bytes;
	return true;
}

/* The batch's next frame is complete. */
static void packet_done(struct input *input, struct frame_batch *batch)
{
	struct pcapng_reader *reader = input->reader;

	if (batch->frames[batch->count].time_ns == TIME_NONE)
		input->no_time++;
	reader->numbered_skipped = 0;
	input->packets++;
	batch->count++;
}

/* What the enhanced and the obsolete block have in common: from the time on. */
static bool timed_packet_take(struct input *input, struct cursor *in, uint32_t interface_id,
			      struct frame_batch *batch, struct err *err)
{
	const struct pcapng_reader *reader = input->reader;
	const struct pcapng_interface *interface = interface_find(input, interface_id, err);
	struct frame *frame = &batch->frames[batch->count];

	if (!interface)
		return false;

	uint64_t ticks_high = pcapng_u32(reader, in);
	uint64_t ticks = ticks_high << 32 | pcapng_u32(reader, in);

	frame->number = reader->numbered_skipped;
	frame->time_ns = time_from(interface, ticks);
	frame->captured_bytes = pcapng_u32(reader, in);
	frame->wire_bytes = pcapng_u32(reader, in);
	if (!packet_bytes_take(input, in, interface, frame, err) ||
	    !packet_options_take(input, in, interface, frame, err))
		return false;
	packet_done(input, batch);
	return true;
}

static bool enhanced_packet_take(struct input *input, struct cursor body, struct frame_batch *batch,
				 struct err *err)
{
	uint32_t interface_id = pcapng_u32(input->reader, &body);

	return timed_packet_take(input, &body, interface_id, batch, err);
}

static bool obsolete_packet_take(struct input *input, struct cursor body, struct frame_batch *batch,
				 struct err *err)
{
	uint16_t interface_id = pcapng_u16(input->reader, &body);
	uint16_t drops = pcapng_u16(input->reader, &body);

	if (!timed_packet_take(input, &body, interface_id, batch, err))
		return false;
	if (drops != DROPS_UNKNOWN) {
		uint16_t index = batch->frames[batch->count - 1].interface;

		interface_count_lost_before(&input->interfaces->entries[index], drops);
	}
	return true;
}

/* No time, no captured length, no options; always the section's first interface. */
static bool simple_packet_take(struct input *input, struct cursor body, struct frame_batch *batch,
			       struct err *err)
{
	const struct pcapng_reader *reader = input->reader;
	const struct pcapng_interface *interface = interface_find(input, 0, err);
	struct frame *frame = &batch->frames[batch->count];

	if (!interface)
		return false;
	frame->number = reader->numbered_skipped;
	frame->time_ns = TIME_NONE;
	frame->wire_bytes = pcapng_u32(reader, &body);
	frame->captured_bytes = frame->wire_bytes;
	if (interface->snap_bytes > 0 && frame->captured_bytes > interface->snap_bytes)
		frame->captured_bytes = interface->snap_bytes;
	if (frame->captured_bytes > cursor_left(&body))
		frame->captured_bytes = (uint32_t)cursor_left(&body);
	if (!packet_bytes_take(input, &body, interface, frame, err))
		return false;
	packet_done(input, batch);
	return true;
}

/* --- interface statistics: section 4.6 ------------------------------------------------------ */

#define ISB_ENDTIME 3
#define ISB_IFDROP  5
#define ISB_OSDROP  7

/* Time stamps are two words, the high one first, in either byte order. */
static int64_t time_of_option(const struct pcapng_reader *reader,
			      const struct pcapng_interface *interface, struct cursor value)
{
	uint64_t high = pcapng_u32(reader, &value);

	return time_from(interface, high << 32 | pcapng_u32(reader, &value));
}

static bool statistics_take(struct input *input, struct cursor body, struct frame_batch *batch,
			    struct err *err)
{
	const struct pcapng_reader *reader = input->reader;
	const struct pcapng_interface *interface =
		interface_find(input, pcapng_u32(reader, &body), err);
	struct option option;
	enum option_result result;
	bool known = false;
	uint64_t dropped = 0;

	(void)batch;
	if (!interface)
		return false;
	cursor_skip(&body, 8); /* when it was counted */
	while ((result = option_next(input, &body, &option, err)) == OPTION_READ) {
		if (option.code != ISB_IFDROP && option.code != ISB_OSDROP &&
		    option.code != ISB_ENDTIME)
			continue;
		if (!option_has_bytes(&option, 8, err))
			return false;
		if (option.code == ISB_ENDTIME) {
			input->interfaces->entries[interface->index].seen.end_ns =
				time_of_option(reader, interface, option.value);
			continue;
		}
		dropped += get64(reader, option.value);
		known = true;
	}
	if (result == OPTION_BAD)
		return false;
	if (known)
		interface_count_statistics(&input->interfaces->entries[interface->index], dropped);
	return true;
}

static const struct pcapng_block_kind kinds[] = {
	{ 0x00000006, 32, enhanced_packet_take }, /* first: nearly all blocks are of this kind */
	{ 0x00000003, 16, simple_packet_take },	  { 0x00000002, 32, obsolete_packet_take },
	{ 0x00000005, 24, statistics_take },	  { 0x00000001, 20, interface_take },
	{ 0x0a0d0d0a, 28, section_header_take },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

const struct pcapng_block_kind *pcapng_block_find(uint32_t type)
{
	for (size_t i = 0; i < KINDS; i++)
		if (kinds[i].type == type)
			return &kinds[i];
	return NULL;
}

static const uint32_t numbered_types[] = {
	0x00000009,			    /* systemd journal export */
	0x00000204,			    /* Sysdig event, and its versions 2 and 2 large */
	0x00000216, 0x00000221, 0x00000bad, /* custom, to be copied by editors or not */
	0x40000bad,
};
#define NUMBERED_TYPES (sizeof(numbered_types) / sizeof(numbered_types[0]))

bool pcapng_block_is_numbered(uint32_t type)
{
	for (size_t i = 0; i < NUMBERED_TYPES; i++)
		if (numbered_types[i] == type)
			return true;
	return false;
}
