/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/show_scenario.h"

#include <stdio.h>
#include <string.h>

#include "report/prose.h"

#define INDENT	      15
#define ARROW_COLUMNS 44

static void put_dashes(struct out *out, size_t count, bool utf8)
{
	for (size_t i = 0; i < count; i++)
		out_text(out, utf8 ? "\xe2\x94\x80" : "-");
}

/* "C>S F. 1 ack 1" as an arrow between the ends. */
static void put_segment(struct out *out, const struct notation *segment, bool utf8)
{
	char text[NOTATION_TEXT_BYTES];
	struct text said = text_over(text, sizeof(text));
	const char *label;
	size_t columns;

	notation_print(segment, &said);
	label = strstr(text, segment->from_server ? "S>C " : "C>S ");
	label = label ? label + 4 : text;
	columns = strlen(label);
	columns = columns + 3 < ARROW_COLUMNS ? ARROW_COLUMNS - columns - 2 : 1;
	out_spaces(out, INDENT);
	if (segment->from_server) {
		out_char(out, '<');
		put_dashes(out, columns, utf8);
		out_format(out, " %s\n", label);
	} else {
		out_format(out, "%s ", label);
		put_dashes(out, columns, utf8);
		out_text(out, ">\n");
	}
}

static void put_path(struct out *out, const struct expected_kernel *kernel)
{
	char line[512] = "";
	size_t used = 0;

	for (unsigned i = 0; i < kernel->count && used + 20 < sizeof(line); i++)
		used += (size_t)snprintf(line + used, sizeof(line) - used, "%s%s", i ? ", " : "",
					 tcp_state_name(kernel->states[i]));
	prose_item(out, kernel->end == END_CLIENT ? "  client" : "  server", INDENT, line);
}

void show_scenario_of(struct out *out, const struct library *library, const char *id, bool utf8)
{
	const struct scenario *scenario = library_find_verdict(library, id);
	char line[512];

	if (!scenario) {
		if (library_reason(library, id, line, sizeof(line)))
			prose_item(out, "not in the lab", INDENT, line);
		return;
	}
	snprintf(line, sizeof(line), "tcpwhy lab %s: %s", scenario->name, scenario->title);
	prose_item(out, "in the lab", INDENT, line);
	for (size_t i = 0; i < scenario->kernel_count; i++)
		put_path(out, &scenario->kernels[i]);
	if (scenario->frames_count == 0)
		return;
	prose_item(out, "  segments", INDENT,
		   scenario->frames[0].exactly ? "that pass, at that end's tap:"
					       : "among those that pass, at that end's tap:");
	out_spaces(out, INDENT);
	out_text(out, "client");
	out_spaces(out, ARROW_COLUMNS - strlen("clientserver"));
	out_text(out, "server\n");
	for (size_t i = 0; i < scenario->frames[0].count; i++)
		put_segment(out, &scenario->frames[0].segments[i], utf8);
}
