/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "peers/zeek_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t client_ip[4] = { 10, 0, 0, 1 };
static const uint8_t server_ip[4] = { 10, 0, 0, 2 };

static void take_row(void *context, const struct zeek_row *row)
{
	struct world *world = context;

	if (world->silent)
		return;
	assert_true(world->count < 64);
	assert_true(row->history[ZEEK_HISTORY_BYTES - 1] == '\0' || strlen(row->history) > 0);
	snprintf(world->rows[world->count++], ROW_TEXT, "%c %s %s %llu/%llu %llu/%llu %llu",
		 row->orig_port == 40000 ? 'C' : 'S', row->state,
		 row->history[0] ? row->history : "-", (unsigned long long)row->orig_bytes,
		 (unsigned long long)row->resp_bytes, (unsigned long long)row->orig_packets,
		 (unsigned long long)row->resp_packets, (unsigned long long)row->missed_bytes);
	world->last = *row;
}

struct world *world_new(uint16_t port, const struct zeek_options *options)
{
	struct world *world = calloc(1, sizeof(*world));
	struct zeek_sink sink = { .context = world, .row = take_row };

	assert_non_null(world);
	world->server_port = port ? port : 9999;
	world->client_isn = ISN_CLIENT;
	world->zeek = zeek_new(options, &sink);
	assert_non_null(world->zeek);
	return world;
}

void world_free(struct world *world)
{
	zeek_free(world->zeek);
	free(world);
}

static uint8_t flags_of(const char *letters)
{
	static const char names[] = "FSRPAU";
	uint8_t flags = 0;

	for (; *letters && *letters != '-'; letters++) {
		const char *at = strchr(names, *letters);

		assert_non_null(at);
		flags |= (uint8_t)(1u << (at - names));
	}
	return flags;
}

struct segment world_segment(struct world *world, char who, double seconds)
{
	bool client = who == 'C';
	struct segment seg = {
		.src = ip_address_v4(client ? client_ip : server_ip),
		.dst = ip_address_v4(client ? server_ip : client_ip),
		.src_port = client ? 40000 : world->server_port,
		.dst_port = client ? world->server_port : 40000,
		.frame = ++world->frame,
		.time_ns = (int64_t)(seconds * 1e6 + 0.5) * NSEC_PER_USEC,
		.window = 1000,
		.header_bytes = 20,
		.what = who == 'X' ? SEGMENT_NOT_TCP : SEGMENT_TCP_SUM_KNOWN,
	};

	return seg;
}

static void word_apply(struct segment *seg, const char *word)
{
	if (strcmp(word, "w0") == 0)
		seg->window = 0;
	else if (strcmp(word, "bad") == 0)
		seg->what |= SEGMENT_TCP_SUM_BAD;
	else if (strcmp(word, "cut") == 0)
		seg->payload_captured = 0;
	else if (strncmp(word, "tunnel", 6) == 0)
		seg->encapsulation = (uint32_t)strtoul(word + 6, NULL, 10);
	else
		fail_msg("unknown word: %s", word);
}

/* The next word of a line, which has to be there. @line: NULL after the first */
static const char *word_next(char *line, char **rest)
{
	const char *word = strtok_r(line, " ", rest);

	if (!word)
		fail_msg("a segment is: time who flags number[+payload] [ack]");
	return word ? word : "";
}

static uint32_t number_of(uint32_t isn, const char *word)
{
	return isn + (uint32_t)strtoll(word, NULL, 10);
}

static void add_segment(struct world *world, char *line)
{
	char *rest = NULL;
	double seconds = strtod(word_next(line, &rest), NULL);
	char who = *word_next(NULL, &rest);
	struct segment seg = world_segment(world, who, seconds);
	uint32_t own = who == 'C' ? world->client_isn : ISN_SERVER;
	uint32_t other = who == 'C' ? ISN_SERVER : world->client_isn;

	if (who != 'X') {
		seg.flags = flags_of(word_next(NULL, &rest));

		const char *number = word_next(NULL, &rest);
		const char *plus = strchr(number, '+');

		seg.seq = seq_of(number_of(own, number));
		seg.payload_bytes = plus ? (uint32_t)strtoul(plus + 1, NULL, 10) : 0;
		if (seg.flags & TCP_ACK)
			seg.ack = seq_of(number_of(other, word_next(NULL, &rest)));
	}
	seg.payload_captured = seg.payload_bytes;
	seg.ip_bytes = 40 + seg.payload_bytes;
	for (char *word = strtok_r(NULL, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		word_apply(&seg, word);
	zeek_add(world->zeek, &seg);
}

void world_add(struct world *world, const char *lines)
{
	char copy[4096], *rest = NULL;

	assert_true((size_t)snprintf(copy, sizeof(copy), "%s", lines) < sizeof(copy));
	for (char *line = strtok_r(copy, ";", &rest); line; line = strtok_r(NULL, ";", &rest)) {
		if (strspn(line, " ") < strlen(line))
			add_segment(world, line);
	}
}

/* Compare word by word, as many as are expected. */
static bool row_is(const char *got, const char *expected)
{
	char g[ROW_TEXT], e[ROW_TEXT], *grest = NULL, *erest = NULL;

	snprintf(g, sizeof(g), "%s", got);
	snprintf(e, sizeof(e), "%s", expected);

	char *gw = strtok_r(g, " ", &grest);

	for (char *ew = strtok_r(e, " ", &erest); ew; ew = strtok_r(NULL, " ", &erest)) {
		if (!gw || (strcmp(ew, "*") != 0 && strcmp(ew, gw) != 0))
			return false;
		gw = strtok_r(NULL, " ", &grest);
	}
	return true;
}

void world_expect(const struct world *world, const char *what, const char *rows)
{
	char copy[1024], *rest = NULL;
	unsigned count = 0;

	snprintf(copy, sizeof(copy), "%s", rows);
	for (char *row = strtok_r(copy, ";", &rest); row; row = strtok_r(NULL, ";", &rest)) {
		if (count >= world->count)
			fail_msg("%s: no row %u (expected:%s)", what, count + 1, row);
		else if (!row_is(world->rows[count], row))
			fail_msg("%s: row %u is %s (expected: %s)", what, count + 1,
				 world->rows[count], row);
		count++;
	}
	if (count != world->count)
		fail_msg("%s: %u rows, the last: %s (expected: %s)", what, world->count,
			 world->rows[world->count - 1], rows);
}
