/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/brief.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "report/prose.h"

#define BRIEF_INDENT 8

static void add_sentence(struct brief *brief, const struct conn *conn,
			 const struct verdict *verdict)
{
	if (brief->sentence_count == BRIEF_SENTENCES)
		return;
	sentence_format(brief->sentences[brief->sentence_count++], verdict->entry->headline,
			&(struct sentence){ .conn = conn, .verdict = verdict });
}

static void add_time_wait(struct brief *brief, const struct judgement *judgement)
{
	struct text line = text_over(brief->time_wait, sizeof(brief->time_wait));

	for (unsigned end = 0; end < ENDS; end++) {
		const struct time_wait *wait = &judgement->time_wait[end];
		char until[TIME_TEXT_BYTES];

		if (!wait->held)
			continue;
		time_format_utc(until, wait->until_ns);
		until[10] = ' ';
		until[19] = '\0';
		text_add(&line, "%sthe %s until %s UTC", line.length ? ", " : "TIME_WAIT: ",
			 end == END_CLIENT ? "client" : "server", until);
	}
}

/* Quality notes about the capture stand at its head already. */
static bool is_about_capture(const struct verdict *verdict)
{
	return catalogue_id_below(verdict->entry->id, "life.capture");
}

void brief_of(struct brief *brief, const struct conn *conn, const struct judgement *judgement)
{
	const struct verdict *headline = judgement_headline(judgement);

	*brief = (struct brief){ .conn = conn->conn,
				 .direction_known = conn->direction_known,
				 .look = judgement_needs_look(judgement) };
	for (unsigned end = 0; end < ENDS; end++) {
		brief->ips[end] = conn->half[end].ip;
		brief->ports[end] = conn->half[end].port;
	}
	if (headline)
		add_sentence(brief, conn, headline);
	for (unsigned i = 0; i < judgement->life_count; i++)
		if (&judgement->life[i] != headline && !is_about_capture(&judgement->life[i]))
			add_sentence(brief, conn, &judgement->life[i]);
	if (judgement->has_end && &judgement->end != headline)
		add_sentence(brief, conn, &judgement->end);
	add_time_wait(brief, judgement);
}

void brief_print(const struct brief *brief, struct out *out)
{
	char label[32], client[ADDRESS_PORT_TEXT_BYTES], server[ADDRESS_PORT_TEXT_BYTES];
	char line[2 * ADDRESS_PORT_TEXT_BYTES + 16];

	snprintf(label, sizeof(label), "  #%-4" PRIu64 " ", brief->conn);
	ip_address_port_print(&brief->ips[END_CLIENT], brief->ports[END_CLIENT], client);
	ip_address_port_print(&brief->ips[END_SERVER], brief->ports[END_SERVER], server);
	snprintf(line, sizeof(line), "%s %c %s%s", client, brief->direction_known ? '>' : '-',
		 server, brief->look ? " LOOK" : "");
	prose_item(out, label, BRIEF_INDENT, line);
	for (unsigned i = 0; i < brief->sentence_count; i++) {
		out_spaces(out, BRIEF_INDENT);
		prose_wrap(out, BRIEF_INDENT, BRIEF_INDENT + 2, brief->sentences[i]);
	}
	if (brief->time_wait[0]) {
		out_spaces(out, BRIEF_INDENT);
		prose_wrap(out, BRIEF_INDENT, BRIEF_INDENT + 2, brief->time_wait);
	}
}
