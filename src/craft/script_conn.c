/* SPDX-License-Identifier: BSD-2-Clause */
/* The lines of a text that make connections: client, server, conn, repeat. */
#include "craft/script.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tcp/address.h"

/* Connections of one text are told apart by their numbers too. */
#define ISN_CLIENT	   1000
#define ISN_SERVER	   5000
#define ISN_STEP_CONN	   1000000
#define ISN_STEP_REPEAT	   100000
#define TTL_LINUX	   64
#define WINDOW_SCALE_LINUX 7

void *script_grow(void *items, size_t count, size_t *room, size_t item_bytes, struct err *err)
{
	if (count < *room)
		return items;

	size_t more = *room ? *room * 2 : 16;
	char *grown = realloc(items, more * item_bytes);

	if (!grown) {
		err_set(err, ERR_SYSTEM, "out of memory for a capture from text");
		return NULL;
	}
	memset(grown + *room * item_bytes, 0, (more - *room) * item_bytes);
	*room = more;
	return grown;
}

size_t script_find_conn(const struct script *script, struct word name)
{
	for (size_t i = 0; i < script->conn_count; i++)
		if (word_is(name, script->conns[i].name))
			return i;
	return SIZE_MAX;
}

static struct script_end default_end(const uint8_t ip[static 4], uint16_t port, uint32_t isn)
{
	struct script_end end = {
		.ip = ip_address_v4(ip),
		.port = port,
		.isn = isn,
		.ttl = TTL_LINUX,
		.window_scale = WINDOW_SCALE_LINUX,
	};

	return end;
}

bool script_init_conn(struct script *script, const char *name, struct err *err)
{
	uint32_t step = (uint32_t)script->conn_count * ISN_STEP_CONN;

	struct script_conn *conns = script_grow(script->conns, script->conn_count,
						&script->conn_room, sizeof(*conns), err);

	if (!conns)
		return false;
	script->conns = conns;

	struct script_conn *conn = &script->conns[script->conn_count++];

	snprintf(conn->name, sizeof(conn->name), "%s", name);
	conn->ends[0] = default_end((const uint8_t[]){ 10, 0, 0, 1 }, 50001, ISN_CLIENT + step);
	conn->ends[1] = default_end((const uint8_t[]){ 10, 0, 0, 2 }, 9000, ISN_SERVER + step);
	return true;
}

static const struct {
	const char *name;
	size_t offset;
	uint32_t most;
} attributes[] = {
	{ "isn", offsetof(struct script_end, isn), UINT32_MAX },
	{ "ttl", offsetof(struct script_end, ttl), UINT8_MAX },
	{ "id", offsetof(struct script_end, id), UINT16_MAX },
	{ "ws", offsetof(struct script_end, window_scale), 14 },
	{ "win", offsetof(struct script_end, window), UINT32_C(1) << 30 },
};
#define ATTRIBUTES (sizeof(attributes) / sizeof(attributes[0]))

static bool parse_attribute(struct scan *in, struct script_end *end, struct err *err)
{
	struct word name = scan_peek(in, "");

	for (size_t i = 0; i < ATTRIBUTES; i++) {
		uint64_t value = 0;

		if (!word_is(name, attributes[i].name))
			continue;
		scan_word(in, "");
		if (!scan_u64(in, attributes[i].name, attributes[i].most, &value, err))
			return false;
		*(uint32_t *)(void *)((char *)end + attributes[i].offset) = (uint32_t)value;
		end->id_said |= word_is(name, "id");
		end->window_said |= word_is(name, "win");
		return true;
	}
	return scan_fail(in, "connection", "isn, ttl, id, ws or win is wanted", err);
}

bool script_parse_end(struct scan *in, struct script_end *end, struct err *err)
{
	struct word address = scan_peek(in, "");

	if (!ip_address_port_parse(address.text, address.length, &end->ip, &end->port)) {
		scan_fail(in, "connection", "ADDRESS:PORT is wanted", err);
		err_fix(err, "write 10.0.0.1:50001 or [2001:db8::1]:50001");
		return false;
	}
	scan_word(in, "");
	while (!scan_end(in) && *in->at != '>')
		if (!parse_attribute(in, end, err))
			return false;
	return true;
}

static bool is_name(struct word word)
{
	if (word.length == 0 || word.length > 8)
		return false;
	for (size_t i = 0; i < word.length; i++) {
		char c = word.text[i];
		bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');

		if (!letter && (i == 0 || c < '0' || c > '9'))
			return false;
	}
	return true;
}

bool script_parse_conn(struct scan *in, struct script *script, struct err *err)
{
	struct word word = scan_peek(in, "");
	char name[SCRIPT_NAME_BYTES];

	if (!is_name(word) || script_find_conn(script, word) != SIZE_MAX)
		return scan_fail(in, "conn", "a new name such as B is wanted", err);
	snprintf(name, sizeof(name), "%.*s", (int)word.length, word.text);
	scan_word(in, "");
	if (!script_init_conn(script, name, err))
		return false;

	struct script_conn *conn = &script->conns[script->conn_count - 1];

	if (!script_parse_end(in, &conn->ends[0], err))
		return false;
	if (!scan_char(in, '>'))
		return scan_fail(in, "conn", "> and the server's ADDRESS:PORT are wanted", err);
	if (!script_parse_end(in, &conn->ends[1], err))
		return false;
	return scan_end(in) || scan_fail(in, "conn", "the line should end here", err);
}

/* One VARY +N. */
static bool parse_vary(struct scan *in, struct script_repeat *repeat, struct err *err)
{
	const struct {
		const char *name;
		uint32_t *field;
	} rows[] = {
		{ "addr", &repeat->addr },
		{ "port", &repeat->port },
		{ "server-addr", &repeat->server_addr },
		{ "server-port", &repeat->server_port },
	};
	struct word name = scan_peek(in, "");

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t value = 0;

		if (!word_is(name, rows[i].name))
			continue;
		scan_word(in, "");
		scan_end(in);
		scan_char(in, '+');
		if (!scan_u64(in, rows[i].name, UINT16_MAX, &value, err))
			return false;
		*rows[i].field = (uint32_t)value;
		return true;
	}
	return scan_fail(in, "repeat", "start, every, port, addr, server-port, server-addr or {",
			 err);
}

bool script_parse_repeat(struct scan *in, const struct script *script, struct script_repeat *repeat,
			 struct err *err)
{
	*repeat = (struct script_repeat){
		.every_ns = 1000000,
		.conn = script_find_conn(script, scan_peek(in, "")),
		.first_item = script->item_count,
	};
	if (repeat->conn == SIZE_MAX)
		return scan_fail(in, "repeat", "the name of a connection (A) is wanted", err);
	scan_word(in, "");
	if (!scan_u64(in, "repeat", SCRIPT_ITEMS_MOST, &repeat->count, err))
		return false;
	while (!scan_end(in) && *in->at != '{') {
		struct word word = scan_peek(in, "");
		bool start = word_is(word, "start");
		bool ok;

		if (start || word_is(word, "every")) {
			scan_word(in, "");
			ok = scan_seconds(in, "repeat",
					  start ? &repeat->start_ns : &repeat->every_ns, err);
		} else {
			ok = parse_vary(in, repeat, err);
		}
		if (!ok)
			return false;
	}
	if (!scan_char(in, '{') || !scan_end(in))
		return scan_fail(in, "repeat", "the line ends with {", err);
	if (!repeat->addr && !repeat->port && !repeat->server_addr && !repeat->server_port)
		repeat->port = 1;
	return true;
}

static void add_to_address(struct ip_address *ip, uint64_t more)
{
	for (unsigned i = 16; i-- > 12; more >>= 8) {
		more += ip->bytes[i];
		ip->bytes[i] = (uint8_t)more;
	}
}

static bool add_conn_like(struct script *script, const struct script_repeat *repeat, uint64_t copy,
			  struct err *err)
{
	char name[SCRIPT_NAME_BYTES];

	snprintf(name, sizeof(name), "%.8s%" PRIu64, script->conns[repeat->conn].name, copy + 1);
	if (script_find_conn(script, (struct word){ name, strlen(name) }) != SIZE_MAX) {
		err_set(err, ERR_INPUT, "repeat: there is a connection %s already", name);
		err_fix(err, "give the block a connection of another name");
		return false;
	}
	if (!script_init_conn(script, name, err))
		return false;

	struct script_conn *conn = &script->conns[script->conn_count - 1];

	memcpy(conn->ends, script->conns[repeat->conn].ends, sizeof(conn->ends));
	conn->ends[0].isn += (uint32_t)(copy + 1) * ISN_STEP_REPEAT;
	conn->ends[1].isn += (uint32_t)(copy + 1) * ISN_STEP_REPEAT;
	conn->ends[0].port = (uint16_t)(conn->ends[0].port + copy * repeat->port);
	conn->ends[1].port = (uint16_t)(conn->ends[1].port + copy * repeat->server_port);
	add_to_address(&conn->ends[0].ip, copy * repeat->addr);
	add_to_address(&conn->ends[1].ip, copy * repeat->server_addr);
	return true;
}

/* The lines of a block, and which copy of them is being made. */
struct block {
	const struct script_repeat *repeat;
	struct script_item *items;
	size_t count;
	uint64_t copy;
};

static bool add_items(struct script *script, const struct block *block, struct err *err)
{
	const struct script_repeat *repeat = block->repeat;
	size_t first = script->item_count;

	for (size_t i = 0; i < block->count; i++) {
		struct script_item *items = script_grow(script->items, script->item_count,
							&script->item_room, sizeof(*items), err);

		if (!items)
			return false;
		script->items = items;

		struct script_item *item = &script->items[script->item_count];

		*item = block->items[i];
		item->order = script->item_count++;
		item->conn = script->conn_count - 1;
		item->original = first + (block->items[i].original - repeat->first_item);
		item->time_ns += repeat->start_ns + (int64_t)block->copy * repeat->every_ns;
	}
	return true;
}

bool script_unroll(struct script *script, const struct script_repeat *repeat, struct err *err)
{
	struct block block = {
		.repeat = repeat,
		.count = script->item_count - repeat->first_item,
	};
	bool ok = true;

	if (block.count == 0)
		return true;
	if (repeat->count > (SCRIPT_ITEMS_MOST - script->item_count) / block.count)
		return err_set(err, ERR_INPUT, "repeat: more than %d segments come of it",
			       SCRIPT_ITEMS_MOST);
	block.items = malloc(block.count * sizeof(block.items[0]));
	if (!block.items)
		return err_set(err, ERR_SYSTEM, "out of memory for a capture from text");
	memcpy(block.items, script->items + repeat->first_item,
	       block.count * sizeof(block.items[0]));
	script->item_count = repeat->first_item;
	for (; ok && block.copy < repeat->count; block.copy++)
		ok = add_conn_like(script, repeat, block.copy, err) &&
		     add_items(script, &block, err);
	free(block.items);
	return ok;
}
