/* SPDX-License-Identifier: BSD-2-Clause */
/* A golden text: whatever it holds, frames or an error; and each of its lines, printed and read
   again, stays what it was. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "craft/capture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXT_MOST 4096 /* longer ones repeat what shorter ones can */

static void lines_stay_what_they_are(const struct script *script)
{
	for (size_t i = 0; i < script->notation_count; i++) {
		char printed[NOTATION_TEXT_BYTES];
		struct text text = text_over(printed, sizeof(printed));
		struct notation again;
		struct scan in = scan_over(printed);

		if (script->notations[i].flags == 0 && script->notations[i].seq == 0)
			continue; /* the words of a copy: no whole line */
		notation_print(&script->notations[i], &text);
		/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): both were zeroed whole */
		if (!notation_parse(&in, &again, NULL) ||
		    memcmp(&again, &script->notations[i], sizeof(again)) != 0)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = { 0 };
	char *text;

	/* A block of a million segments is right, but slow. */
	if (size > TEXT_MOST || memmem(data, size, "repeat", 6))
		return 0;
	text = malloc(size + 1);
	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';

	struct craft_capture *capture = craft_capture_text("fuzz", text, &err);

	if (!capture && (err.kind != ERR_INPUT || err.what[0] == '\0' || err.where[0] == '\0'))
		abort();
	if (capture)
		lines_stay_what_they_are(&capture->script);
	craft_capture_free(capture);
	free(text);
	return 0;
}
