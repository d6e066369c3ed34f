/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/atlas.h"

#include <stdio.h>
#include <string.h>

#include "report/prose.h"

#define PAGE_INDENT 15
#define LIST_INDENT 34

/* Placeholders stand in catalogue texts for a connection's own values: here they are only named. */
static void put_text(struct out *out, const char *label, const char *text)
{
	char plain[4096];
	size_t used = 0;

	for (; *text && used + 1 < sizeof(plain); text++) {
		char c = *text;

		if (c == '{')
			c = '<';
		if (c == '}')
			c = '>';
		plain[used++] = c;
	}
	plain[used] = '\0';
	prose_item(out, label, PAGE_INDENT, plain);
}

static const char *decided_from(const struct entry *entry)
{
	static const char *const words[] = {
		[DECIDABLE_WIRE] = "one connection's packets",
		[DECIDABLE_GROUP] = "several connections together",
		[DECIDABLE_TWO_CAPTURES] = "two captures, one at each end",
		[DECIDABLE_KERNEL] = "the kernel's own word, not the wire alone",
	};

	return words[entry->decidable];
}

static const char *how_sure(const struct entry *entry)
{
	switch (entry->wire_max) {
	case CONFIDENCE_PROVED:
		return "up to proved from packets alone";
	case CONFIDENCE_LIKELY:
		return "at most likely from packets alone";
	case CONFIDENCE_POSSIBLE:
		return "at most possible from packets alone";
	case CONFIDENCE_NONE:
		break;
	}
	return "never from packets alone";
}

static bool is_planned(const struct entry *entry)
{
	return entry->first != 1;
}

void atlas_page(struct out *out, const struct entry *entry)
{
	char line[256];

	out_format(out, "%s\n%s\n\n", entry->id, entry->title);
	put_text(out, "meaning", entry->meaning);
	put_text(out, "on the wire", entry->evidence);
	put_text(out, "looks alike", entry->lookalikes);
	put_text(out, "the kernel", entry->kernel);
	put_text(out, "what to do", entry->advice);
	put_text(out, "source", entry->source);
	snprintf(line, sizeof(line), "%s: %s", decided_from(entry), how_sure(entry));
	put_text(out, "decided from", line);
	put_text(out, "shown as",
		 entry->look ? "a look: it needs attention" : "a note: it is no trouble by itself");
	if (is_planned(entry))
		put_text(out, "planned",
			 "there is no rule for it yet: tcpwhy does not give this verdict");
}

size_t atlas_list(struct out *out, const char *prefix)
{
	size_t theme_count, found = 0;
	const struct theme *const *themes = catalogue_themes(&theme_count);

	for (size_t i = 0; i < theme_count; i++) {
		for (size_t k = 0; k < themes[i]->count; k++) {
			const struct entry *entry = &themes[i]->entries[k];
			char line[512];

			if (prefix && !catalogue_id_below(entry->id, prefix))
				continue;
			snprintf(line, sizeof(line), "%s%s", entry->title,
				 is_planned(entry) ? " (planned)" : "");
			prose_item(out, entry->id, LIST_INDENT, line);
			found++;
		}
	}
	return found;
}
