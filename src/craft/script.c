/* SPDX-License-Identifier: BSD-2-Clause */
#include "craft/script.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/time.h"
#include "craft/packet.h"

/* What is known while lines are read. */
struct reading {
	struct script *script;
	unsigned line;
	int64_t last_ns; /* time of the line before */
	bool in_block;
	int64_t before_block_ns;
	struct script_repeat repeat;
};

#define START_DEFAULT_NS (INT64_C(1767344400) * NSEC_PER_SEC) /* 2026-01-02T09:00:00Z */

static bool wants_end(struct scan *in, const char *what, struct err *err)
{
	return scan_end(in) || scan_fail(in, what, "the line should end here", err);
}

static bool line_title(struct reading *reading, struct scan *in, struct err *err)
{
	char *title = reading->script->title;

	(void)err;
	scan_end(in);
	snprintf(title, sizeof(reading->script->title), "%s", in->at);
	title[strcspn(title, "\r\n")] = '\0';
	return true;
}

static bool number(struct scan *in, uint64_t most, int *value, struct err *err)
{
	uint64_t wide = 0;

	if (!scan_u64(in, "start", most, &wide, err))
		return false;
	*value = (int)wide;
	return true;
}

static bool line_start(struct reading *reading, struct scan *in, struct err *err)
{
	static const char form[] = "--T::";
	static const uint64_t most[] = { 9999, 12, 31, 23, 59, 60 };
	int parts[6] = { 0 };
	int64_t fraction_ns = 0;

	for (unsigned i = 0; i < 6; i++) {
		if (i > 0 && !scan_char(in, form[i - 1]))
			return scan_fail(in, "start", "2026-01-02T09:00:00Z is wanted", err);
		if (!number(in, most[i], &parts[i], err))
			return false;
	}
	if (*in->at == '.') {
		char seconds[16];

		snprintf(seconds, sizeof(seconds), "0.%.*s", (int)strspn(in->at + 1, "0123456789"),
			 in->at + 1);

		struct scan digits = scan_over(seconds);

		if (!scan_seconds(&digits, "start", &fraction_ns, err))
			return false;
		in->at += 1 + strspn(in->at + 1, "0123456789");
	}
	if (!scan_char(in, 'Z'))
		return scan_fail(in, "start", "Z (UTC) is wanted", err);

	struct tm date = { .tm_year = parts[0] - 1900,
			   .tm_mon = parts[1] - 1,
			   .tm_mday = parts[2],
			   .tm_hour = parts[3],
			   .tm_min = parts[4],
			   .tm_sec = parts[5] };

	reading->script->start_ns = (int64_t)timegm(&date) * NSEC_PER_SEC + fraction_ns;
	return wants_end(in, "start", err);
}

static bool line_link(struct reading *reading, struct scan *in, struct err *err)
{
	static const struct {
		const char *name;
		uint16_t link_type;
	} links[] = {
		{ "ethernet", CRAFT_LINK_ETHERNET },
		{ "raw", CRAFT_LINK_RAW },
		{ "null", CRAFT_LINK_NULL },
		{ "sll", CRAFT_LINK_SLL },
	};
	struct word word = scan_peek(in, "");

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		if (word_is(word, links[i].name)) {
			reading->script->link_type = links[i].link_type;
			scan_word(in, "");
			return wants_end(in, "link", err);
		}
	}
	return scan_fail(in, "link", "ethernet, raw, null or sll is wanted", err);
}

static bool line_client(struct reading *reading, struct scan *in, struct err *err)
{
	return script_parse_end(in, &reading->script->conns[0].ends[0], err) &&
	       wants_end(in, "client", err);
}

static bool line_server(struct reading *reading, struct scan *in, struct err *err)
{
	return script_parse_end(in, &reading->script->conns[0].ends[1], err) &&
	       wants_end(in, "server", err);
}

static bool line_conn(struct reading *reading, struct scan *in, struct err *err)
{
	return script_parse_conn(in, reading->script, err);
}

static bool line_repeat(struct reading *reading, struct scan *in, struct err *err)
{
	if (reading->in_block)
		return err_set(err, ERR_INPUT, "repeat: a block inside a block");
	if (!script_parse_repeat(in, reading->script, &reading->repeat, err))
		return false;
	reading->in_block = true;
	reading->before_block_ns = reading->last_ns;
	reading->last_ns = 0;
	return true;
}

static bool line_block_end(struct reading *reading, struct scan *in, struct err *err)
{
	if (!reading->in_block)
		return err_set(err, ERR_INPUT, "}: no block was begun");
	reading->in_block = false;
	reading->last_ns = reading->before_block_ns;
	return wants_end(in, "}", err) && script_unroll(reading->script, &reading->repeat, err);
}

/* Keep the line as it stands, its comment cut off. */
static bool line_claim(struct reading *reading, struct scan *in, struct err *err)
{
	struct script *script = reading->script;
	struct script_claim *claims = script_grow(script->claims, script->claim_count,
						  &script->claim_room, sizeof(*claims), err);

	if (!claims)
		return false;
	script->claims = claims;

	size_t length = strcspn(in->line, "#\r\n");
	char *text = strndup(in->line, length);

	if (!text)
		return err_set(err, ERR_SYSTEM, "out of memory for a capture from text");
	while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t'))
		text[--length] = '\0';
	script->claims[script->claim_count++] =
		(struct script_claim){ .line = reading->line, .text = text };
	return true;
}

/* Add an item at the time that stands at the line's start. */
static struct script_item *add_item(struct reading *reading, int64_t time_ns, bool after,
				    struct err *err)
{
	struct script *script = reading->script;

	if (script->item_count == SCRIPT_ITEMS_MOST) {
		err_set(err, ERR_INPUT, "more than %d segments", SCRIPT_ITEMS_MOST);
		return NULL;
	}

	struct script_item *items = script_grow(script->items, script->item_count,
						&script->item_room, sizeof(*items), err);

	if (!items)
		return NULL;
	script->items = items;

	struct script_item *item = &script->items[script->item_count];

	*item = (struct script_item){
		.line = reading->line,
		.order = script->item_count,
		.original = script->item_count,
		.time_ns = after ? reading->last_ns + time_ns : time_ns,
		.conn = reading->in_block ? reading->repeat.conn : 0,
	};
	script->item_count++;
	reading->last_ns = item->time_ns;
	return item;
}

static struct notation *add_notation(struct script *script, struct script_item *item,
				     struct err *err)
{
	struct notation *notations = script_grow(script->notations, script->notation_count,
						 &script->notation_room, sizeof(*notations), err);

	if (!notations)
		return NULL;
	script->notations = notations;
	item->notation = script->notation_count;
	return &script->notations[script->notation_count++];
}

static bool line_tick(struct reading *reading, struct scan *in, struct err *err)
{
	int64_t time_ns = 0;
	bool after = false;

	if (!notation_parse_time(in, &time_ns, &after, err))
		return false;

	struct script_item *item = add_item(reading, time_ns, after, err);

	if (!item)
		return false;
	item->kind = SCRIPT_TICK;
	return wants_end(in, "tick", err);
}

/* TIME copy [words]: what may differ is what devices on the way change. */
static bool line_copy(struct reading *reading, struct scan *in, struct err *err)
{
	const uint32_t may_differ =
		SAID_TTL | SAID_VLAN | SAID_TUNNEL | SAID_CUT | SAID_STAMP | SAID_IP_SUM_BAD;
	struct script *script = reading->script;
	size_t block_start = reading->in_block ? reading->repeat.first_item : 0;
	int64_t time_ns = 0;
	bool after = false;

	if (script->item_count == block_start ||
	    script->items[script->item_count - 1].kind == SCRIPT_TICK)
		return err_set(err, ERR_INPUT, "copy: no segment stands on the line before");
	if (!notation_parse_time(in, &time_ns, &after, err))
		return false;
	scan_word(in, ""); /* "copy" */

	struct script_item *item = add_item(reading, time_ns, after, err);
	struct notation *words = item ? add_notation(script, item, err) : NULL;

	if (!item || !words || !notation_parse_words(in, words, err))
		return false;
	if (words->said & ~may_differ)
		return err_set(err, ERR_INPUT,
			       "copy: only ttl, vlan, tunnel, cut, stamp and ipsum may differ");
	item->kind = SCRIPT_COPY;
	item->original = item[-1].original;
	item->conn = item[-1].conn;
	script->items[item->original].copied = true;
	return true;
}

/* [NAME:] TIME DIR FLAGS ... */
static bool line_segment(struct reading *reading, struct scan *in, size_t conn, struct err *err)
{
	struct script *script = reading->script;
	struct notation line;

	if (!notation_parse(in, &line, err))
		return false;

	struct script_item *item =
		add_item(reading, line.time_ns, (line.said & SAID_TIME_AFTER) != 0, err);
	struct notation *kept = item ? add_notation(script, item, err) : NULL;

	if (!kept)
		return false;
	*kept = line;
	item->kind = SCRIPT_SEGMENT;
	if (!reading->in_block)
		item->conn = conn;
	return true;
}

static const struct {
	const char *name;
	bool (*read)(struct reading *reading, struct scan *in, struct err *err);
} line_kinds[] = {
	{ "title", line_title },   { "start", line_start },	   { "link", line_link },
	{ "client", line_client }, { "server", line_server },	   { "conn", line_conn },
	{ "repeat", line_repeat }, { "}", line_block_end },	   { "tick", line_tick },
	{ "expect", line_claim },  { "headline", line_claim },	   { "forbid", line_claim },
	{ "states", line_claim },  { "closed-first", line_claim }, { "time-wait", line_claim },
};
#define LINE_KINDS (sizeof(line_kinds) / sizeof(line_kinds[0]))

static bool is_time(struct word word)
{
	return word.length > 0 && strchr("+-0123456789", word.text[0]) != NULL;
}

static bool read_prefixed(struct reading *reading, struct scan *in, struct err *err)
{
	struct word name = scan_peek(in, ":");
	size_t conn = script_find_conn(reading->script, name);

	if (conn == SIZE_MAX) {
		scan_fail(in, "line", "a line of the notation is wanted", err);
		err_fix(err, "a connection is made by a line before: conn B 10.0.0.3:50002 > "
			     "10.0.0.2:80");
		return false;
	}
	if (reading->in_block)
		return scan_fail(in, "repeat", "lines of a block have no name before them", err);
	scan_word(in, ":");
	if (!scan_char(in, ':'))
		return scan_fail(in, "line", "a colon is wanted after the connection's name", err);
	return line_segment(reading, in, conn, err);
}

static bool read_line(struct reading *reading, const char *line, struct err *err)
{
	struct scan in = scan_over(line);
	struct scan ahead = in;

	if (scan_end(&in))
		return true;

	struct word first = scan_word(&ahead, "");

	for (size_t i = 0; i < LINE_KINDS; i++) {
		if (word_is(first, line_kinds[i].name)) {
			scan_word(&in, "");
			scan_end(&in);
			return line_kinds[i].read(reading, &in, err);
		}
	}
	if (is_time(first))
		return word_is(scan_peek(&ahead, ""), "copy") ? line_copy(reading, &in, err)
							      : line_segment(reading, &in, 0, err);
	return read_prefixed(reading, &in, err);
}

static int by_time(const void *a, const void *b)
{
	const struct script_item *one = a;
	const struct script_item *two = b;

	if (one->time_ns != two->time_ns)
		return one->time_ns < two->time_ns ? -1 : 1;
	return one->order < two->order ? -1 : one->order > two->order;
}

static bool read_lines(struct reading *reading, char *text, struct err *err)
{
	char *next = text;

	while (next) {
		char *line = next;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		reading->line++;
		if (!read_line(reading, line, err)) {
			err_at(err, "%s, line %u", reading->script->name, reading->line);
			return false;
		}
	}
	if (!reading->in_block)
		return true;
	err_set(err, ERR_INPUT, "repeat: the block is not closed");
	err_at(err, "%s, line %u", reading->script->name, reading->line);
	err_fix(err, "add a line with }");
	return false;
}

bool script_parse(struct script *script, const char *name, const char *text, struct err *err)
{
	struct reading reading = { .script = script };
	char *copy = strdup(text);

	script->name = name;
	script->start_ns = START_DEFAULT_NS;
	script->link_type = CRAFT_LINK_ETHERNET;

	bool ok = copy && script_init_conn(script, "A", err) && read_lines(&reading, copy, err);

	free(copy);
	if (!ok) {
		err_set(err, ERR_SYSTEM, "out of memory for a capture from text");
		if (err && err->kind == ERR_USAGE) /* a line, not the command line */
			err->kind = ERR_INPUT;
		err_fix(err, "docs/notation.md describes the lines");
		return false;
	}
	qsort(script->items, script->item_count, sizeof(script->items[0]), by_time);
	return true;
}

void script_clear(struct script *script)
{
	for (size_t i = 0; i < script->claim_count; i++)
		free(script->claims[i].text);
	free(script->claims);
	free(script->conns);
	free(script->items);
	free(script->notations);
	*script = (struct script){ 0 };
}
