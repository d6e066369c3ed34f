/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/record_json.h"

#include <string.h>

#include "report/community_id.h"
#include "report/formats.h"
#include "report/sentence.h"

static const char *end_name(enum end end)
{
	return end == END_CLIENT ? "client" : "server";
}

/* Room for a half's items: none takes more than its key, some punctuation and DIGITS_MOST. */
#define HALF_ITEMS_MOST 32
#define HALF_ROOM	((size_t)HALF_ITEMS_MOST * (40 + DIGITS_MOST))

static char *put_known(char *at, const char *key, bool known, uint64_t number)
{
	return known ? json_put_number(at, key, number) : json_put_fixed(at, key, NULL);
}

/* A yes or no of the SYN; null where that was not seen. */
static char *put_offered(char *at, const char *key, const struct half *half, bool offered)
{
	if (!half->parameters_known)
		return json_put_fixed(at, key, NULL);
	*at = ',';
	return json_put_bool(json_put_key(at + 1, key), offered);
}

static char *put_parameters(char *at, const struct half *half)
{
	at = put_known(at, "mss", half->mss >= 0, (uint64_t)half->mss);
	at = put_known(at, "window_scale", half->window_scale >= 0, (uint64_t)half->window_scale);
	at = put_offered(at, "sack_permitted", half, half->sack_permitted);
	at = put_offered(at, "timestamps", half, half->timestamps);
	*at = ',';
	at = json_put_key(at + 1, "ttl");
	*at++ = '[';
	for (unsigned i = 0; i < half->ttl_count; i++) {
		*at = ',';
		at = digits_put(at + (i > 0), half->ttls[i]);
	}
	*at++ = ']';
	at = put_known(at, "isn", half->isn_known, half->isn.raw);
	return json_put_fixed(at, "state",
			      half->state == STATE_UNKNOWN ? NULL : tcp_state_name(half->state));
}

static char *put_troubles(char *at, const struct half *half)
{
	at = json_put_count(at, "resent_segments", half->resent_segments);
	at = json_put_count(at, "resent_bytes", half->resent_bytes);
	at = json_put_count(at, "reordered_segments", half->reordered_segments);
	at = json_put_count(at, "duplicate_acks", half->duplicate_acks);
	at = json_put_count(at, "capture_duplicates", half->capture_duplicates);
	at = json_put_count(at, "missing_bytes", half->missing_bytes);
	at = json_put_count(at, "keepalive_probes", half->keepalive_probes);
	at = json_put_count(at, "window_probes", half->window_probes);
	at = json_put_count(at, "zero_windows", half->zero_windows);
	return json_put_count(at, "window_full", half->window_full);
}

/* Its many items are written with one look for room. */
static void put_half(struct json *json, const char *key, const struct half *half)
{
	json_key(json, key);
	json_open(json, '{');
	json_key(json, "ip");
	json_address(json, &half->ip);

	char *at = out_room(json->out, HALF_ROOM);

	at = json_put_number(at, "port", half->port);
	at = json_put_number(at, "packets", half->packets);
	at = json_put_number(at, "bytes", half->bytes);
	at = json_put_number(at, "payload_bytes", half->payload_bytes);
	at = json_put_number(at, "unique_bytes", half->unique_bytes);
	at = json_put_number(at, "syn", half->syn);
	at = json_put_number(at, "synack", half->synack);
	at = json_put_number(at, "fin", half->fin);
	at = json_put_number(at, "rst", half->rst);
	at = put_parameters(at, half);
	at = put_troubles(at, half);
	out_wrote(json->out, at);
	json_close(json, '}');
}

static void put_value(struct json *json, const struct verdict_value *value)
{
	switch (value->kind) {
	case VALUE_ADDRESS:
		json_address(json, &value->address);
		break;
	case VALUE_TEXT:
		json_text(json, value->text);
		break;
	case VALUE_COUNT:
	case VALUE_BYTES:
	case VALUE_NS:
	case VALUE_TIME:
	case VALUE_FRAME:
		json_i64(json, value->number);
		break;
	}
}

static bool key_came_before(const struct verdict *verdict, unsigned index)
{
	for (unsigned i = 0; i < index; i++)
		if (strcmp(verdict->values[i].key, verdict->values[index].key) == 0)
			return true;
	return false;
}

/* A key that was given more than once is a list; VALUE_TEXT always is, so that its type stays. */
static void put_values(struct json *json, const struct verdict *verdict)
{
	json_key(json, "values");
	json_open(json, '{');
	for (unsigned i = 0; i < verdict->value_count; i++) {
		const struct verdict_value *value = &verdict->values[i];

		if (key_came_before(verdict, i))
			continue;
		json_key(json, value->key);
		if (value->kind != VALUE_TEXT) {
			put_value(json, value);
			continue;
		}
		json_open(json, '[');
		for (unsigned k = i; k < verdict->value_count; k++)
			if (strcmp(verdict->values[k].key, value->key) == 0)
				put_value(json, &verdict->values[k]);
		json_close(json, ']');
	}
	json_close(json, '}');
}

static void put_verdict(struct json *json, const struct verdict *verdict)
{
	json_open(json, '{');
	json_key_word(json, "id", verdict->entry->id);
	json_key_word(json, "confidence", confidence_name(verdict->confidence));
	json_key_word(json, "by", actor_name(verdict->by));
	json_key(json, "frames");
	json_open(json, '[');
	for (unsigned i = 0; i < verdict->frame_count; i++)
		json_u64(json, verdict->frames[i]);
	json_close(json, ']');
	if (verdict->decisive)
		json_key_u64(json, "decisive", verdict->decisive);
	put_values(json, verdict);
	json_key_ns(json, "cost_ns", verdict->cost_ns);
	json_key(json, "excluded");
	json_open(json, '[');
	for (unsigned i = 0; i < verdict->excluded_count; i++) {
		const struct exclusion *not = &verdict->excluded[i];

		json_open(json, '{');
		json_key_word(json, "id", not ->id);
		json_key_text(json, "because", not ->because);
		if (not ->frame)
			json_key_u64(json, "frame", not ->frame);
		json_close(json, '}');
	}
	json_close(json, ']');
	json_close(json, '}');
}

static void put_states(struct json *json, const struct conn *conn)
{
	json_key(json, "states");
	json_open(json, '{');
	for (enum end end = END_CLIENT; end < ENDS; end++) {
		const struct half *half = &conn->half[end];

		json_key(json, end_name(end));
		json_open(json, '[');
		for (unsigned i = 0; i < half->state_count; i++) {
			const struct state_entry *entry = &half->states[i];

			json_open(json, '[');
			json_word(json, tcp_state_name((enum tcp_state)entry->state));
			if (entry->frame)
				json_u64(json, entry->frame);
			else
				json_null(json);
			if (entry->assumed)
				json_word(json, "assumed");
			json_close(json, ']');
		}
		json_close(json, ']');
	}
	json_close(json, '}');
}

static void put_time_wait(struct json *json, const struct judgement *judgement)
{
	json_key(json, "time_wait");
	json_open(json, '[');
	for (enum end end = END_CLIENT; end < ENDS; end++) {
		const struct time_wait *wait = &judgement->time_wait[end];

		if (!wait->held)
			continue;
		json_open(json, '{');
		json_key_word(json, "end", end_name(end));
		json_key_moment(json, "until", "until_ns", wait->until_ns);
		json_key_ns(json, "duration_ns", wait->duration_ns);
		json_key_word(json, "assumed", wait->assumed);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void put_identity(struct json *json, const struct conn *conn)
{
	static const char *const viewpoints[] = { [VIEW_UNKNOWN] = NULL,
						  [VIEW_CLIENT] = "client",
						  [VIEW_SERVER] = "server",
						  [VIEW_MIDDLE] = "middle" };
	char id[COMMUNITY_ID_BYTES];
	const struct half *client = conn_client(conn), *server = conn_server(conn);

	community_id(id, &client->ip, client->port, &server->ip, server->port);
	json_key_word(json, "type", "connection");
	json_key_u64(json, "conn", conn->conn);
	json_key_u64(json, "layer", conn->layer);
	json_key_word(json, "community_id", id[0] ? id : NULL);
	json_key_moment(json, "start", "start_ns", conn->first_ns);
	if (conn->first_ns == TIME_NONE || conn->last_ns == TIME_NONE)
		json_key_null(json, "duration_ns");
	else
		json_key_i64(json, "duration_ns", conn->last_ns - conn->first_ns);
	json_key_u64(json, "last_frame", conn->last_frame);
	json_key_word(json, "direction", conn->direction_known ? "syn" : "inferred");
	json_key_word(json, "viewpoint", viewpoints[conn->viewpoint]);
	if (conn->continues)
		json_key_u64(json, "continues", conn->continues);
	else
		json_key_null(json, "continues");
}

static void put_headline(struct json *json, const struct conn *conn,
			 const struct judgement *judgement)
{
	const struct verdict *verdict = judgement_headline(judgement);
	char text[SENTENCE_BYTES];

	if (!verdict) {
		json_key_null(json, "headline");
		return;
	}
	sentence_format(text, verdict->entry->headline,
			&(struct sentence){ .conn = conn, .verdict = verdict });
	json_key_text(json, "headline", text);
}

static void put_verdicts(struct json *json, const struct judgement *judgement)
{
	json_key(json, "open");
	if (judgement->has_open)
		put_verdict(json, &judgement->open);
	else
		json_null(json);
	json_key(json, "life");
	json_open(json, '[');
	for (unsigned i = 0; i < judgement->life_count; i++)
		put_verdict(json, &judgement->life[i]);
	json_close(json, ']');
	json_key(json, "end");
	if (judgement->has_end)
		put_verdict(json, &judgement->end);
	else
		json_null(json);
}

static void put_rtt(struct json *json, const struct conn *conn)
{
	int64_t to_client = conn->to_client_rtt_ns, to_server = conn->to_server_rtt_ns;

	json_key(json, "rtt_ns");
	json_open(json, '{');
	json_key_ns(json, "handshake", conn->handshake_rtt_ns);
	json_key_ns(json, "to_client", to_client);
	json_key_ns(json, "to_server", to_server);
	json_close(json, '}');
}

void record_json_conn_value(struct json *json, const struct conn *conn,
			    const struct judgement *judgement)
{
	static const char *const closers[] = { "client", "server", "both" };

	json_open(json, '{');
	put_identity(json, conn);
	put_half(json, "client", conn_client(conn));
	put_half(json, "server", conn_server(conn));
	put_headline(json, conn, judgement);
	json_key_bool(json, "look", judgement_needs_look(judgement));
	put_verdicts(json, judgement);
	json_key_word(json, "closed_first",
		      judgement->closed_first >= 0 ? closers[judgement->closed_first] : NULL);
	put_time_wait(json, judgement);
	put_states(json, conn);
	put_rtt(json, conn);
	if (conn->quality.evicted)
		json_key_bool(json, "evicted", true);
	json_close(json, '}');
}

void record_json_conn(struct json *json, const struct conn *conn, const struct judgement *judgement)
{
	record_json_conn_value(json, conn, judgement);
	json_end_line(json);
}

void record_json_group_value(struct json *json, const struct group_verdict *group)
{
	char text[SENTENCE_BYTES];

	sentence_format(text, group->verdict.entry->headline,
			&(struct sentence){ .verdict = &group->verdict, .group = group });
	json_open(json, '{');
	json_key_word(json, "type", "group");
	json_key_word(json, "id", group->verdict.entry->id);
	json_key_text(json, "headline", text);
	json_key(json, "host");
	json_address(json, &group->host);
	if (group->has_port)
		json_key_u64(json, "port", group->port);
	else
		json_key_null(json, "port");
	json_key(json, "verdict");
	put_verdict(json, &group->verdict);
	json_key_u64(json, "connections", group->conn_total);
	json_key(json, "conns");
	json_open(json, '[');
	for (size_t i = 0; i < group->conn_count; i++)
		json_u64(json, group->conns[i]);
	json_close(json, ']');
	json_key_moment(json, "first", "first_ns", group->first_ns);
	json_key_moment(json, "last", "last_ns", group->last_ns);
	json_close(json, '}');
}

void record_json_group(struct json *json, const struct group_verdict *group)
{
	record_json_group_value(json, group);
	json_end_line(json);
}

static void put_input(struct json *json, const struct input_figures *input)
{
	json_key_u64(json, "frames", input->frames);
	json_key_count(json, "filtered", input->filtered);
	json_key_count(json, "cut_frames", input->cut_frames);
	json_key_count(json, "frames_without_time", input->no_time);
	json_key_count(json, "comments", input->comments);
	json_key_count(json, "blocks_skipped", input->blocks_skipped);
	json_key_u64(json, "interfaces", input->interfaces);
	if (input->drops_known)
		json_key_u64(json, "dropped", input->dropped);
	else
		json_key_null(json, "dropped");
}

static void put_decoded(struct json *json, const struct decode_stats *decode)
{
	json_key(json, "decoded");
	json_open(json, '{');
	for (unsigned i = 0; i < DECODE_REASONS; i++)
		json_key_count(json, decode_reason_key((enum decode_reason)i), decode->reasons[i]);
	json_close(json, '}');
	json_key_count(json, "headers_cut", decode->header_cut);
	json_key_count(json, "payloads_cut", decode->payload_cut);
	json_key_count(json, "datagrams_reassembled", decode->datagrams_reassembled);
	json_key_count(json, "ip_checksums_bad", decode->ip_checksum_bad);
	json_key_count(json, "tcp_checksums_bad", decode->tcp_checksum_bad);
	json_key_count(json, "tcp_checksums_partial", decode->tcp_checksum_partial);
}

static void put_tracked(struct json *json, const struct track_stats *track)
{
	json_key_u64(json, "segments", track->segments);
	json_key_u64(json, "connections", track->connections);
	json_key_u64(json, "live_most", track->live_most);
	json_key_u64(json, "evicted", track->evicted);
	json_key_u64(json, "late_segments", track->late_segments);
	json_key_count(json, "capture_duplicates", track->copies);
	json_key_count(json, "time_back", track->time_back);
	json_key_count(json, "moments_dropped", track->moments_dropped);
	json_key_count(json, "states_dropped", track->states_dropped);
	json_key_count(json, "ranges_dropped", track->ranges_dropped);
	json_key_count(json, "icmp_unmatched", track->icmp_unmatched);
	json_key_moment(json, "start", "start_ns", track->first_ns);
	json_key_moment(json, "end", "end_ns", track->last_ns);
}

static void put_tally(struct json *json, const struct tally *tally)
{
	size_t theme_count;
	const struct theme *const *themes = catalogue_themes(&theme_count);

	json_key(json, "verdicts");
	json_open(json, '{');
	for (size_t i = 0; i < theme_count; i++)
		for (size_t k = 0; k < themes[i]->count; k++)
			json_key_count(json, themes[i]->entries[k].id,
				       tally_count(tally, &themes[i]->entries[k]));
	json_close(json, '}');
}

static void put_damage(struct json *json, const struct err *damage)
{
	json_key_bool(json, "complete", damage->kind == ERR_NONE);
	json_key(json, "error");
	if (damage->kind == ERR_NONE) {
		json_null(json);
		return;
	}
	json_open(json, '{');
	json_key_text(json, "what", damage->what);
	json_key_text(json, "where", damage->where);
	json_key_text(json, "fix", damage->fix);
	json_close(json, '}');
}

void record_json_summary(struct json *json, const struct summary *summary,
			 const struct tally *tally)
{
	json_open(json, '{');
	json_key_word(json, "type", "summary");
	put_input(json, &summary->input);
	put_decoded(json, summary->decode);
	if (summary->track)
		put_tracked(json, summary->track);
	json_key_count(json, "left_out", summary->left_out);
	put_tally(json, tally);
	put_damage(json, summary->damage);
	json_close(json, '}');
	json_end_line(json);
}

static void conn_line(struct report *report, const struct conn *conn,
		      const struct judgement *judgement)
{
	if (report_wants(report, conn))
		record_json_conn(&report->json, conn, judgement);
}

static void group_line(struct report *report, const struct group_verdict *group)
{
	record_json_group(&report->json, group);
}

static void summary_line(struct report *report, const struct summary *summary)
{
	record_json_summary(&report->json, summary, report->tally);
}

const struct report_ops format_json = {
	.name = "json",
	.help = "one JSON object per connection, group and input (JSON Lines)",
	.needs = NEEDS_CONNS,
	.tells_unopened = true,
	.conn = conn_line,
	.group = group_line,
	.finish = summary_line,
};
