/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "craft/pcapng.h"

#define LINK_TYPE_RAW 101 /* LINKTYPE_RAW: the packet begins with its IP header */
#define COMMENT_BYTES 96

size_t record_add(struct record *record, const struct sighting *sighting, const uint8_t *packet)
{
	if (record->count == record->room) {
		size_t more = record->room ? record->room * 2 : 64;
		struct sighting *grown = realloc(record->sightings, more * sizeof(*grown));

		if (!grown) {
			record->out_of_memory = true;
			return SIZE_MAX;
		}
		record->sightings = grown;
		record->room = more;
	}

	struct sighting *own = &record->sightings[record->count];

	*own = *sighting;
	own->order = record->count;
	own->kept = own->bytes;
	own->packet = malloc(own->bytes ? own->bytes : 1);
	if (!own->packet) {
		record->out_of_memory = true;
		return SIZE_MAX;
	}
	memcpy(own->packet, packet, own->bytes);
	return record->count++;
}

void record_fate(struct record *record, size_t index, unsigned line, const char *fate)
{
	if (index == SIZE_MAX)
		return;
	record->sightings[index].line = line;
	record->sightings[index].fate = fate;
}

static int by_time(const void *a, const void *b)
{
	const struct sighting *one = a, *other = b;

	if (one->time_ns != other->time_ns)
		return one->time_ns < other->time_ns ? -1 : 1;
	return one->order < other->order ? -1 : 1;
}

static char *comment_of(const struct sighting *sighting)
{
	char text[COMMENT_BYTES];

	if (sighting->fate)
		snprintf(text, sizeof(text), "%s by line %u", sighting->fate, sighting->line);
	else if (sighting->crafted)
		snprintf(text, sizeof(text), "crafted by line %u", sighting->line);
	else
		return NULL;
	return strdup(text);
}

static void forget_frames(struct record *record)
{
	for (size_t i = 0; record->comments && i < record->frame_count; i++)
		free(record->comments[i]);
	free(record->frames);
	free(record->comments);
	record->frames = NULL;
	record->comments = NULL;
	record->frame_count = 0;
}

bool record_finish(struct record *record, int64_t end_ns, struct err *err)
{
	size_t count = record->count;

	forget_frames(record);
	record->end_ns = end_ns;
	if (count > 0)
		qsort(record->sightings, count, sizeof(record->sightings[0]), by_time);
	record->frames = calloc(count ? count : 1, sizeof(record->frames[0]));
	record->comments = calloc(count ? count : 1, sizeof(record->comments[0]));
	if (!record->frames || !record->comments || record->out_of_memory)
		return err_set(err, ERR_SYSTEM, "no memory to keep what the taps saw");
	record->frame_count = count;
	for (size_t i = 0; i < count; i++) {
		const struct sighting *sighting = &record->sightings[i];

		record->frames[i] = (struct frame){
			.number = i + 1,
			.time_ns = sighting->time_ns,
			.bytes = sighting->packet,
			.captured_bytes = sighting->kept,
			.wire_bytes = sighting->bytes,
			.link_type = LINK_TYPE_RAW,
			.interface = (uint16_t)sighting->tap,
		};
		record->comments[i] = comment_of(sighting);
	}
	return true;
}

struct frame *record_tap(const struct record *record, enum end tap, size_t *count)
{
	struct frame *frames = calloc(record->frame_count + 1, sizeof(frames[0]));

	*count = 0;
	for (size_t i = 0; frames && i < record->frame_count; i++)
		if (record->sightings[i].tap == tap)
			frames[(*count)++] = record->frames[i];
	return frames;
}

uint8_t *record_pcapng(const struct record *record, const struct scenario *scenario, size_t *bytes)
{
	const struct pcapng_interface interfaces[ENDS] = {
		{ .name = "client",
		  .description = "what leaves and reaches the client's host",
		  .link_type = LINK_TYPE_RAW,
		  .end_ns = record->end_ns,
		  .dropped = record->dropped },
		{ .name = "server",
		  .description = "what leaves and reaches the server's host",
		  .link_type = LINK_TYPE_RAW,
		  .end_ns = record->end_ns,
		  .dropped = record->dropped },
	};
	char comment[256];

	snprintf(comment, sizeof(comment), "scenario %s: %s", scenario->name, scenario->title);
	return pcapng_craft(
		&(struct pcapng){
			.application = "tcpwhy " TCPWHY_VERSION " lab",
			.comment = comment,
			.interfaces = interfaces,
			.interface_count = ENDS,
			.frames = record->frames,
			.comments = (const char *const *)record->comments,
			.frame_count = record->frame_count,
		},
		bytes);
}

void record_clear(struct record *record)
{
	for (size_t i = 0; i < record->count; i++)
		free(record->sightings[i].packet);
	forget_frames(record);
	free(record->sightings);
	*record = (struct record){ .end_ns = TIME_NONE };
}
