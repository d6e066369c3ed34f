/* SPDX-License-Identifier: BSD-2-Clause */
/* Patterns, conditions and steps as the file would say them; parsing it gives the same again. */
#include "lab/scenario.h"

#include <inttypes.h>
#include <sys/socket.h>

#include "base/time.h"
#include "lab/scenario_parse.h"

/* The largest unit that leaves a whole number. */
static void print_time(int64_t ns, struct text *out)
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = {
		{ "s", NSEC_PER_SEC },
		{ "ms", NSEC_PER_MSEC },
		{ "us", NSEC_PER_USEC },
		{ "ns", 1 },
	};
	size_t unit = 0;

	while (ns % units[unit].ns != 0)
		unit++;
	text_add(out, "%" PRId64 "%s", ns / units[unit].ns, units[unit].name);
}

static void print_range(const struct pattern *pattern, struct text *out)
{
	if (pattern->first == 0)
		return;
	text_add(out, " %" PRIu32, pattern->first);
	if (pattern->last == UINT32_MAX)
		text_add(out, "-");
	else if (pattern->last != pattern->first)
		text_add(out, "-%" PRIu32, pattern->last);
}

void pattern_print(const struct pattern *pattern, struct text *out)
{
	static const char *const kinds[] = {
		[PATTERN_ANY] = "any", [PATTERN_SYN] = "SYN",	[PATTERN_SYN_ACK] = "SYN-ACK",
		[PATTERN_ACK] = "ACK", [PATTERN_DATA] = "DATA", [PATTERN_FIN] = "FIN",
		[PATTERN_RST] = "RST",
	};
	static_assert(sizeof(kinds) / sizeof(kinds[0]) == PATTERN_KINDS, "a word per kind");

	if (pattern->from_said)
		text_add(out, "%s ", pattern->from == END_CLIENT ? "C>S" : "S>C");
	text_add(out, "%s", kinds[pattern->kind]);
	if (pattern->length_compare != OF_NOTHING)
		text_add(out, " len %s %" PRIu32, comparison_text(pattern->length_compare),
			 pattern->length);
	if (pattern->client_port)
		text_add(out, " port %u", pattern->client_port);
	if (pattern->server_port)
		text_add(out, " to %u", pattern->server_port);
	print_range(pattern, out);
}

static const char *end_word(enum end end)
{
	return end == END_CLIENT ? "client" : "server";
}

static void print_count(const struct cond_part *part, struct text *out)
{
	if (part->count != 1)
		text_add(out, " %" PRIu32, part->count);
}

static void print_part(const struct cond_part *part, struct text *out)
{
	switch (part->kind) {
	case COND_DELIVERED:
	case COND_REACHED:
		text_add(out, "%s", part->kind == COND_DELIVERED ? "delivered " : "");
		pattern_print(&part->pattern, out);
		print_count(part, out);
		return;
	case COND_CALLED:
		text_add(out, "%s %s", end_word(part->end),
			 step_verb_name((enum step_verb)part->verb));
		print_count(part, out);
		return;
	case COND_BLOCKED:
		text_add(out, "%s blocked", end_word(part->end));
		return;
	case COND_TIME:
		print_time(part->after_ns, out);
		return;
	}
}

void cond_print(const struct cond *cond, struct text *out)
{
	for (unsigned i = 0; i < cond->count; i++) {
		text_add(out, "%s", i ? " and " : "");
		print_part(&cond->parts[i], out);
	}
	if (cond->then_ns) {
		text_add(out, " +");
		print_time(cond->then_ns, out);
	}
}

static void print_port(const char *before, uint16_t port, bool counts, struct text *out)
{
	if (port)
		text_add(out, " %s%u%s", before, port, counts ? "+" : "");
}

static void print_connect(const struct step *step, struct text *out)
{
	if (step->verb == STEP_CONNECT_FAST) {
		text_add(out, " ");
		text_add_quoted(out, step->text, step->text_bytes);
	}
	print_port("", step->port, step->port_counts, out);
	print_port("from ", step->from_port, step->from_counts, out);
	if (step->time_ns) {
		text_add(out, " timeout ");
		print_time(step->time_ns, out);
	}
}

static void print_send(const struct step *step, struct text *out)
{
	text_add(out, " ");
	if (step->text_bytes)
		text_add_quoted(out, step->text, step->text_bytes);
	else
		text_add(out, "%" PRIu32, step->octets);
}

static void print_arguments(const struct step *step, struct text *out)
{
	char setting[SOCKET_SETTING_TEXT_BYTES];

	switch ((int)step->verb) {
	case STEP_CONNECT:
	case STEP_CONNECT_FAST:
	case STEP_CONNECT_SELF:
	case STEP_CONNECTED:
		print_connect(step, out);
		return;
	case STEP_SEND:
		print_send(step, out);
		return;
	case STEP_SET:
		socket_setting_print(&step->setting, setting);
		text_add(out, " %s", setting);
		return;
	case STEP_SLEEP:
		text_add(out, " ");
		print_time(step->time_ns, out);
		return;
	case STEP_WAIT:
		text_add(out, " ");
		cond_print(&step->cond, out);
		return;
	case STEP_SHUTDOWN:
		text_add(out, " %s",
			 step->how == SHUT_WR ? "write" : (step->how == SHUT_RD ? "read" : "both"));
		return;
	default: /* a port and numbers, as far as it has them */
		print_port("", step->port, step->port_counts, out);
		if (step->octets)
			text_add(out, " %" PRIu32, step->octets);
		if (step->backlog)
			text_add(out, " backlog %d", step->backlog);
		return;
	}
}

static void print_outcome(const struct step *step, struct text *out)
{
	switch (step->outcome) {
	case OUTCOME_OK:
		return;
	case OUTCOME_ERROR:
		text_add(out, " -> %s", errno_name((int)step->outcome_number));
		return;
	case OUTCOME_OCTETS:
		text_add(out, " -> %" PRId64, step->outcome_number);
		return;
	case OUTCOME_END:
		text_add(out, " -> end");
		return;
	case OUTCOME_ANY:
		text_add(out, " -> any");
		return;
	}
}

void step_print(const struct step *step, struct text *out)
{
	if (step->socket[0])
		text_add(out, "%s%s: ", step->socket, step->socket_counts ? "+" : "");
	text_add(out, "%s", step_verb_name(step->verb));
	print_arguments(step, out);
	if (step->started)
		text_add(out, " started");
	if (step->verb == STEP_REPEAT) {
		if (step->time_ns) {
			text_add(out, " every ");
			print_time(step->time_ns, out);
		}
		text_add(out, " {");
	}
	print_outcome(step, out);
}
