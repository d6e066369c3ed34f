/* SPDX-License-Identifier: BSD-2-Clause */
/* What was found in a capture, for whoever has to find out why a claim does not hold. */
#include "golden_check.h"

#include <inttypes.h>

#include "tcp/address.h"
#include "tcp/state.h"

static const char *const openings[] = {
	[OPENING_MID_CAPTURE] = "mid capture", [OPENING_SYN_ONLY] = "SYN only",
	[OPENING_REFUSED] = "refused",	       [OPENING_HALF] = "half",
	[OPENING_SUCCEEDED] = "succeeded",
};

static const char *const fates[] = {
	[RESET_ACCEPTED] = "accepted",
	[RESET_CHALLENGED] = "challenged",
	[RESET_IGNORED] = "ignored",
	[RESET_AFTER_CLOSE] = "after close",
};

static void print_value(const struct verdict_value *value, FILE *to)
{
	char address[ADDRESS_TEXT_BYTES];

	fprintf(to, " %s=", value->key);
	if (value->kind == VALUE_TEXT) {
		fprintf(to, "\"%s\"", value->text);
	} else if (value->kind == VALUE_ADDRESS) {
		ip_address_print(&value->address, address);
		fputs(address, to);
	} else {
		fprintf(to, "%" PRId64, value->number);
	}
}

static void print_verdict(const struct verdict *verdict, FILE *to)
{
	const char *by = actor_name(verdict->by);

	fprintf(to, "#       %s %s%s%s", verdict->entry->id, confidence_name(verdict->confidence),
		by ? " by " : "", by ? by : "");
	for (unsigned i = 0; i < verdict->frame_count; i++)
		fprintf(to, "%s%" PRIu64, i ? "," : " frames ", verdict->frames[i]);
	if (verdict->decisive)
		fprintf(to, " decided %" PRIu64, verdict->decisive);
	for (unsigned i = 0; i < verdict->value_count; i++)
		print_value(&verdict->values[i], to);
	fputc('\n', to);
	for (unsigned i = 0; i < verdict->excluded_count; i++)
		fprintf(to, "#         not %s: %s\n", verdict->excluded[i].id,
			verdict->excluded[i].because);
}

static const char *name_of(const struct golden *golden, uint64_t conn)
{
	const struct craft_capture *capture = golden->capture;

	for (size_t i = 0; i < capture->script.conn_count; i++)
		if (capture->first_frames[i] == conn)
			return capture->script.conns[i].name;
	return "?";
}

static void print_states(const struct found_conn *conn, unsigned end, FILE *to)
{
	fprintf(to, "#       %s", end == END_CLIENT ? "client" : "server");
	for (unsigned i = 0; i < conn->state_count[end]; i++) {
		const struct state_entry *entry = &conn->states[end][i];

		fprintf(to, " %s%s(%" PRIu64 ")", tcp_state_name((enum tcp_state)entry->state),
			entry->assumed ? "?" : "", entry->frame);
	}
	fputc('\n', to);
}

static void print_conn(const struct golden *golden, const struct found_conn *conn, FILE *to)
{
	char client[ADDRESS_PORT_TEXT_BYTES];
	char server[ADDRESS_PORT_TEXT_BYTES];
	const struct verdict *verdict;

	ip_address_port_print(&conn->ip[END_CLIENT], conn->port[END_CLIENT], client);
	ip_address_port_print(&conn->ip[END_SERVER], conn->port[END_SERVER], server);
	fprintf(to,
		"#     connection %s, #%" PRIu64 " %s > %s, opening %s, record at frame %" PRIu64
		"%s\n",
		name_of(golden, conn->conn), conn->conn, client, server, openings[conn->opening],
		conn->judged_frame, conn->at_end ? " (end of input)" : "");
	print_states(conn, END_CLIENT, to);
	print_states(conn, END_SERVER, to);
	for (unsigned i = 0; i < conn->reset_count; i++)
		fprintf(to, "#       reset in frame %" PRIu64 ": %s\n", conn->resets[i].at.frame,
			fates[conn->resets[i].fate]);
	for (unsigned i = 0; (verdict = judgement_verdict(&conn->judgement, i)); i++)
		print_verdict(verdict, to);
}

void found_print(const struct golden *golden, const struct found *found, FILE *to)
{
	const size_t conns_most = 8; /* a flood looks the same in all of them */

	fprintf(to, "#   found in all:%s\n", found->conn_count ? "" : " nothing");
	for (size_t i = 0; i < found->conn_count && i < conns_most; i++)
		print_conn(golden, &found->conns[i], to);
	if (found->conn_count > conns_most)
		fprintf(to, "#     and %zu more connections\n", found->conn_count - conns_most);
	for (size_t i = 0; i < found->group_count; i++) {
		fprintf(to, "#     group of %" PRIu64 " connections\n",
			found->groups[i].conn_total);
		print_verdict(&found->groups[i].verdict, to);
	}
}
