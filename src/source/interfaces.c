/* SPDX-License-Identifier: BSD-2-Clause */
#include "source/interfaces.h"

#include <stdlib.h>
#include <string.h>

#include "base/time.h"

static char *text_copy(struct interface_text text)
{
	char *copy = malloc(text.count + 1);

	if (!copy)
		return NULL;
	if (text.count > 0)
		memcpy(copy, text.bytes, text.count);
	copy[text.count] = '\0'; /* some writers count the final NUL in, some do not */
	return copy;
}

static bool make_room(struct interface_list *list)
{
	if (list->count < list->room)
		return true;

	size_t room = list->room ? list->room * 2 : 8;
	struct interface *larger = realloc(list->entries, room * sizeof(*larger));

	if (!larger)
		return false;
	list->entries = larger;
	list->room = room;
	return true;
}

static void interface_clear(struct interface *interface)
{
	free(interface->name);
	free(interface->description);
}

size_t interfaces_add(struct interface_list *list, const struct source_interface *about,
		      struct interface_text name, struct interface_text description,
		      struct err *err)
{
	if (list->count == INTERFACES_MOST) {
		err_set(err, ERR_INPUT, "more than %d interfaces in one input", INTERFACES_MOST);
		return INTERFACES_MOST;
	}

	struct interface added = {
		.name = text_copy(name),
		.description = text_copy(description),
		.seen = { .link_type = about->link_type,
			  .snap_bytes = about->snap_bytes,
			  .end_ns = TIME_NONE },
	};

	added.seen.name = added.name;
	added.seen.description = added.description;
	if (!added.name || !added.description || !make_room(list)) {
		interface_clear(&added);
		err_set(err, ERR_SYSTEM, "out of memory for the list of interfaces");
		return INTERFACES_MOST;
	}
	added.wanted = !list->wanted_name || strcmp(list->wanted_name, added.seen.name) == 0;
	list->entries[list->count] = added;
	return list->count++;
}

static void show_dropped(struct interface *interface)
{
	interface->seen.drops_known = true;
	interface->seen.dropped = interface->statistics_known ? interface->statistics_dropped
							      : interface->packets_dropped;
}

void interface_count_statistics(struct interface *interface, uint64_t dropped)
{
	interface->statistics_known = true;
	interface->statistics_dropped = dropped;
	show_dropped(interface);
}

void interface_count_lost_before(struct interface *interface, uint64_t dropped)
{
	interface->packets_dropped += dropped;
	show_dropped(interface);
}

int64_t interfaces_end_ns(const struct interface_list *list)
{
	int64_t end_ns = TIME_NONE;

	for (size_t i = 0; i < list->count; i++) {
		const struct source_interface *seen = &list->entries[i].seen;

		if (seen->frames == 0 || !list->entries[i].wanted)
			continue;
		if (seen->end_ns == TIME_NONE)
			return TIME_NONE;
		if (end_ns == TIME_NONE || seen->end_ns < end_ns)
			end_ns = seen->end_ns;
	}
	return end_ns;
}

void interfaces_clear(struct interface_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		interface_clear(&list->entries[i]);
	free(list->entries);
	*list = (struct interface_list){ 0 };
}
