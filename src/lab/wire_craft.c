/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/wire_craft.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/time.h"
#include "craft/packet.h"
#include "lab/wire.h"
#include "tcp/option.h"

#define DEFAULT_TTL	 64
#define DEFAULT_PORT	 7000
#define CRAFTED_ISN	 UINT32_C(1000000)
#define TIMESTAMPS_BYTES 12

/* The connection of two endpoints; made where it is new. NULL: out of memory. */
static struct wire_conn *conn_of(struct run *run, const struct wire_conn *like)
{
	struct wire_conn *conn;

	for (size_t i = run->conn_count; i-- > 0;) {
		conn = &run->conns[i];
		if (conn->port[END_CLIENT] == like->port[END_CLIENT] &&
		    conn->port[END_SERVER] == like->port[END_SERVER] &&
		    ip_address_equal(&conn->ip[END_CLIENT], &like->ip[END_CLIENT]))
			return conn;
	}
	if (run->conn_count == run->conn_room) {
		size_t more = run->conn_room ? run->conn_room * 2 : 16;
		struct wire_conn *grown = realloc(run->conns, more * sizeof(*grown));

		if (!grown) {
			run->out_of_memory = true;
			return NULL;
		}
		run->conns = grown;
		run->conn_room = more;
	}
	conn = &run->conns[run->conn_count++];
	*conn = *like;
	for (unsigned end = 0; end < ENDS; end++)
		conn->script.ends[end] = (struct script_end){
			.ip = like->ip[end],
			.port = like->port[end],
			.ttl = DEFAULT_TTL,
			.isn = CRAFTED_ISN + (uint32_t)run->conn_count * 1000,
		};
	ends_init(&conn->ends, &conn->script, (uint32_t)run->conn_count);
	return conn;
}

void wire_learn(struct run *run, const struct segment *seg, enum end from)
{
	struct wire_conn like = { 0 }, *conn;
	struct end_now *now;

	like.ip[from] = seg->src;
	like.ip[end_other(from)] = seg->dst;
	like.port[from] = seg->src_port;
	like.port[end_other(from)] = seg->dst_port;
	conn = conn_of(run, &like);
	if (!conn)
		return;
	now = &conn->ends.now[from];
	conn->script.ends[from].ttl = seg->ttl;
	now->sent_any = true;
	if (seg->options_seen & TCP_HAS_TIMESTAMPS)
		conn->tsval[from] = seg->tsval;
	if (!(seg->flags & TCP_SYN))
		return;
	conn->script.ends[from].isn = seg->seq.raw;
	conn->isn_known[from] = true;
	now->has_syn = true;
	now->syn_timestamps = (seg->options_seen & TCP_HAS_TIMESTAMPS) != 0;
	now->syn_scaled = (seg->options_seen & TCP_HAS_WINDOW_SCALE) != 0;
	now->syn_shift = seg->window_scale;
}

/* Write a segment as a packet and put it on its way. */
static void put_packet(struct run *run, const struct packet *packet, const struct parcel *how)
{
	struct parcel parcel = *how;
	size_t room = PACKET_HEADERS_MOST + packet->segment->payload_bytes;
	uint8_t *bytes = malloc(room);

	if (!bytes) {
		run->out_of_memory = true;
		return;
	}
	parcel.bytes = packet_craft(packet, bytes, room, NULL);
	if (parcel.bytes == 0)
		run_fail(run, parcel.line, "this segment can't be written as a packet");
	else
		wire_put(run, &parcel, bytes);
	free(bytes);
}

static void strip_option(uint8_t *options, size_t bytes, uint8_t kind)
{
	size_t at = 0;

	while (at < bytes && options[at] != TCP_OPTION_END) {
		size_t length = options[at] == TCP_OPTION_NOP ? 1
				: at + 1 < bytes	      ? options[at + 1]
							      : 0;

		if (length < 1 || (length < 2 && options[at] != TCP_OPTION_NOP) ||
		    at + length > bytes)
			return;
		if (options[at] == kind)
			memset(options + at, TCP_OPTION_NOP, length);
		at += length;
	}
}

/* Where an option's bytes begin; NULL: it is not there. */
static uint8_t *find_option(uint8_t *options, size_t bytes, uint8_t kind, size_t least)
{
	size_t at = 0;

	while (at < bytes && options[at] != TCP_OPTION_END) {
		size_t length = options[at] == TCP_OPTION_NOP ? 1
				: at + 1 < bytes	      ? options[at + 1]
							      : 0;

		if (length == 0 || at + length > bytes)
			return NULL;
		if (options[at] == kind)
			return length >= least ? options + at : NULL;
		at += length;
	}
	return NULL;
}

static void shift_tsval(uint8_t *options, size_t bytes, int64_t by)
{
	uint8_t *at = find_option(options, bytes, TCP_OPTION_TIMESTAMPS, 10);
	uint32_t value;

	if (!at)
		return;
	value = (uint32_t)at[2] << 24 | (uint32_t)at[3] << 16 | (uint32_t)at[4] << 8 | at[5];
	value += (uint32_t)by;
	for (unsigned i = 0; i < 4; i++)
		at[2 + i] = (uint8_t)(value >> (24 - 8 * i));
}

void wire_edit(struct run *run, const struct rule *rule, const struct segment *seg,
	       const struct parcel *parcel)
{
	struct segment changed = *seg;
	uint8_t options[NOTATION_OPTIONS_MOST];
	struct parcel how = *parcel;

	memset(options, 0, sizeof(options));
	if (seg->options)
		memcpy(options, seg->options, seg->options_bytes);
	changed.options = options;
	changed.what &= SEGMENT_DONT_FRAGMENT | SEGMENT_IPV6;
	for (unsigned i = 0; i < rule->edit_count; i++) {
		int64_t number = rule->edits[i].number;

		switch (rule->edits[i].kind) {
		case EDIT_TTL:
			changed.ttl = (uint8_t)number;
			break;
		case EDIT_WINDOW:
			changed.window = (uint16_t)number;
			break;
		case EDIT_STRIP:
			strip_option(options, changed.options_bytes, (uint8_t)number);
			break;
		case EDIT_ACK:
			changed.ack = seq_add(changed.ack, (uint32_t)number);
			break;
		case EDIT_SEQ:
			changed.seq = seq_add(changed.seq, (uint32_t)number);
			break;
		case EDIT_TSVAL:
			shift_tsval(options, changed.options_bytes, number);
			break;
		case EDIT_SUM_BAD:
			changed.what |= SEGMENT_TCP_SUM_BAD;
			break;
		}
	}
	how.line = rule->line;
	how.crafted = true;
	put_packet(run, &(struct packet){ .segment = &changed, .link_type = CRAFT_LINK_RAW }, &how);
}

/* The options that a kernel would put: time stamps that the receiver will not call old. */
static void put_timestamps(const struct wire_conn *conn, struct notation *line)
{
	enum end from = line->from_server ? END_SERVER : END_CLIENT;
	uint32_t numbers[2] = { conn->tsval[from], conn->tsval[end_other(from)] };

	line->said |= SAID_OPTIONS;
	line->option_bytes = TIMESTAMPS_BYTES;
	line->options[0] = line->options[1] = TCP_OPTION_NOP;
	line->options[2] = TCP_OPTION_TIMESTAMPS;
	line->options[3] = 10;
	for (unsigned i = 0; i < 8; i++)
		line->options[4 + i] = (uint8_t)(numbers[i / 4] >> (24 - 8 * (i % 4)));
}

/* Craft what a line says in a connection, and put it on its way to the other end. */
static void put_line(struct run *run, struct wire_conn *conn, const struct notation *said,
		     unsigned rule_line)
{
	struct notation line = *said;
	enum end from = line.from_server ? END_SERVER : END_CLIENT;
	struct made_segment made;
	struct err err = { .kind = ERR_NONE };
	struct parcel how = { .to = end_other(from),
			      .crafted = true,
			      .due_ns = run->now_ns,
			      .on_wire = SIZE_MAX,
			      .sighting = SIZE_MAX,
			      .line = rule_line };
	bool stamps = conn->ends.now[END_CLIENT].syn_timestamps &&
		      conn->ends.now[END_SERVER].syn_timestamps;

	conn->ends.conn = &conn->script; /* the array may have moved */
	if (stamps && !(line.said & SAID_OPTIONS) && !(line.flags & (TCP_SYN | TCP_RST)))
		put_timestamps(conn, &line);
	if (!ends_make(&conn->ends, &line, run->now_ns - run->start_ns, &made, &err))
		run_fail(run, rule_line, "%s", err.what);
	else {
		how.on_wire =
			wire_note(run, &(struct on_wire){ .traits = traits_of(&made.seg, from),
							  .crafted = true,
							  .reached_ns = TIME_NONE,
							  .delivered_ns = TIME_NONE });
		put_packet(run,
			   &(struct packet){ .segment = &made.seg, .link_type = CRAFT_LINK_RAW },
			   &how);
	}
	if (line.flags & TCP_SYN)
		conn->isn_known[from] = true;
	made_clear(&made);
}

void wire_answer(struct run *run, const struct rule *rule, const struct segment *seg, enum end from)
{
	struct wire_conn like = { 0 }, *conn;
	struct parcel back = { .to = from,
			       .crafted = true,
			       .due_ns = run->now_ns,
			       .on_wire = SIZE_MAX,
			       .sighting = SIZE_MAX,
			       .line = rule->line };
	struct packet_icmp icmp = { .from = rule->icmp_from,
				    .type = rule->icmp_type,
				    .code = rule->icmp_code,
				    .ttl = DEFAULT_TTL - 1,
				    .mtu_bytes = rule->icmp_mtu,
				    .quote_bytes = UINT32_MAX };
	struct segment quoted = *seg;

	if (rule->kind == RULE_ANSWER_ICMP) {
		quoted.what &= SEGMENT_DONT_FRAGMENT | SEGMENT_IPV6;
		icmp.quote_bytes =
			seg->header_bytes + (seg->payload_bytes > 8 ? 8 : seg->payload_bytes);
		put_packet(run,
			   &(struct packet){
				   .segment = &quoted, .link_type = CRAFT_LINK_RAW, .icmp = &icmp },
			   &back);
		return;
	}
	like.ip[from] = seg->src;
	like.ip[end_other(from)] = seg->dst;
	like.port[from] = seg->src_port;
	like.port[end_other(from)] = seg->dst_port;
	conn = conn_of(run, &like);
	if (conn)
		put_line(run, conn, rule->segment, rule->line);
}

static struct ip_address counted_address(struct ip_address address, uint64_t by)
{
	for (unsigned i = sizeof(address.bytes); i-- > 0 && by > 0;) {
		by += address.bytes[i];
		address.bytes[i] = (uint8_t)by;
		by >>= 8;
	}
	return address;
}

static void inject(struct run *run, const struct rule *rule, uint64_t nth)
{
	struct wire_conn like = { 0 }, *conn;

	like.ip[END_CLIENT] = run->net.address[END_CLIENT];
	like.ip[END_SERVER] = run->net.address[END_SERVER];
	if (!rule->from_said && !rule->from_port && !rule->to_port && run->conn_count > 0) {
		put_line(run, &run->conns[run->conn_count - 1], rule->segment, rule->line);
		return;
	}
	if (rule->from_said)
		like.ip[END_CLIENT] =
			counted_address(rule->from_address, rule->address_counts ? nth : 0);
	like.port[END_CLIENT] = (uint16_t)(rule->from_port + (rule->from_counts ? nth : 0));
	like.port[END_SERVER] = (uint16_t)((rule->to_port ? rule->to_port : DEFAULT_PORT) +
					   (rule->to_counts ? nth : 0));
	conn = conn_of(run, &like);
	if (conn)
		put_line(run, conn, rule->segment, rule->line);
}

static void reboot(struct run *run, const struct rule *rule)
{
	struct err err = { .kind = ERR_NONE };

	if (!run_reboot(run, rule->end, &err))
		run_fail(run, rule->line, "the host can't be started again: %s", err.what);
	run->rebooted_ns = time_now_ns(CLOCK_REALTIME);
	run->rebooting = rule;
	wire_take(run); /* what came meanwhile */
	run->rebooting = NULL;
}

void wire_inject_due(struct run *run)
{
	for (size_t i = 0; i < run->scenario->rule_count; i++) {
		const struct rule *rule = &run->scenario->rules[i];
		struct rule_state *state = &run->rules[i];

		if (!state->active)
			continue;
		if (rule->kind == RULE_REBOOT && state->done == 0) {
			state->done = 1;
			reboot(run, rule);
		}
		while (rule->kind == RULE_INJECT && state->done < rule->times &&
		       state->active_ns + (int64_t)state->done * rule->every_ns <= run->now_ns)
			inject(run, rule, state->done++);
	}
}
