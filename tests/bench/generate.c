/* SPDX-License-Identifier: BSD-2-Clause */
/* generate: captures for measuring, deterministic by seed; see --help. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/options.h"
#include "base/time.h"
#include "conversation.h"
#include "craft/packet.h"

#define START_NS     (INT64_C(1700000000) * NSEC_PER_SEC)
#define CLIENTS	     50021 /* addresses; a prime, so that ports change last */
#define SERVERS	     997
#define FRAME_MOST   (65535 + 256)
#define OUTPUT_BYTES (1 << 20)
#define OPTIONS_SYN  20 /* bytes: mss, sackok, timestamps, nop, wscale */
#define OPTIONS_MOST 24 /* nop nop timestamps, nop nop SACK of one block */

enum file_format {
	FILE_PCAP,
	FILE_PCAPNG,
};

struct generate_options {
	int64_t seed, connections, live, snap_bytes, payload, exchanges, lifetime_ms;
	int64_t loss, reorder, reset, refused, unanswered, idle, open, flood, ipv6, vlan;
	int format;
	bool help;
};

#define FIELD(name) offsetof(struct generate_options, name)
#define NUMBER(word, field, value, above, text)                                                    \
	{                                                                                          \
		.name = (word), .kind = OPTION_INTEGER, .offset = FIELD(field), .argument = "N",   \
		.least = 0, .most = (above), .preset = (value), .help = (text)                     \
	}

static const struct option_choice formats[] = {
	{ "pcap", FILE_PCAP, "microseconds" },
	{ "pcapng", FILE_PCAPNG, "microseconds" },
};

static const struct option_row rows[] = {
	NUMBER("seed", seed, 1, INT64_MAX, "the same seed, the same capture"),
	NUMBER("connections", connections, 376000, INT64_C(1) << 32, "how many are opened"),
	NUMBER("live", live, 100000, 1 << 24, "how many of them at once"),
	NUMBER("snap", snap_bytes, 96, 65535, "bytes captured of a frame"),
	NUMBER("payload", payload, 1400, 16000, "bytes in a segment, at most"),
	NUMBER("exchanges", exchanges, 2, 1000, "mean number of requests"),
	NUMBER("lifetime", lifetime_ms, 16000, INT32_MAX, "mean, in milliseconds"),
	NUMBER("loss", loss, 5, 1000, "of 1000 segments with data, how many are lost"),
	NUMBER("reorder", reorder, 5, 1000, "... and how many pairs change places"),
	NUMBER("reset", reset, 30, 1000, "of 1000 connections, how many are aborted"),
	NUMBER("refused", refused, 15, 1000, "... and how many are refused"),
	NUMBER("unanswered", unanswered, 5, 1000, "... and how many are never answered"),
	NUMBER("idle", idle, 2, 1000, "... and how many live on with keep-alive"),
	NUMBER("open", open, 3, 1000, "... and how many stay open and silent after one exchange"),
	NUMBER("flood", flood, 0, INT64_C(1) << 32,
	       "SYNs to one server, each from another address, over the whole capture"),
	NUMBER("ipv6", ipv6, 100, 1000, "of 1000 connections, how many over IPv6"),
	NUMBER("vlan", vlan, 50, 1000, "... and how many in a VLAN"),
	{ .name = "format",
	  .kind = OPTION_CHOICE,
	  .offset = FIELD(format),
	  .argument = "FORMAT",
	  .choices = formats,
	  .choice_count = 2,
	  .preset = FILE_PCAP,
	  .help = "of the file" },
	{ .name = "help",
	  .letter = 'h',
	  .kind = OPTION_HELP,
	  .offset = FIELD(help),
	  .help = "show this and end" },
};

static const struct option_table table = {
	.command = "generate",
	.operands = "OUT.pcap",
	.summary = "Write a capture for measuring, as a tap near the clients would see it. '-' is "
		   "standard output.",
	.rows = rows,
	.row_count = sizeof(rows) / sizeof(rows[0]),
};

/* A connection that lives. */
struct live {
	uint64_t number; /* of all: gives its addresses */
	bool ipv6, vlan;
	struct conversation talk;
};

/* When a live connection speaks next. */
struct event {
	int64_t time_ns;
	uint32_t live;
};

struct generator {
	struct generate_options options;
	struct conversation_traits traits;
	struct chance chance;
	struct live *lives;   /* owned */
	struct event *events; /* owned: a heap by time */
	uint32_t event_count;
	uint64_t begun, flooded;
	int64_t next_begin_ns, end_ns;
	FILE *out;
	uint64_t packets;
	uint8_t frame[FRAME_MOST];
	uint8_t payload[FRAME_MOST];
};

static void event_put(struct generator *generator, struct event event)
{
	struct event *heap = generator->events;
	uint32_t at = generator->event_count++;

	while (at > 0 && heap[(at - 1) / 2].time_ns > event.time_ns) {
		heap[at] = heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	heap[at] = event;
}

/* Put the heap's first event, whose time has changed, in its place. */
static void event_sift(struct generator *generator)
{
	struct event *heap = generator->events, event = heap[0];
	uint32_t at = 0, count = generator->event_count;

	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child >= count)
			break;
		if (child + 1 < count && heap[child + 1].time_ns < heap[child].time_ns)
			child++;
		if (heap[child].time_ns >= event.time_ns)
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = event;
}

static void event_drop(struct generator *generator)
{
	generator->events[0] = generator->events[--generator->event_count];
	if (generator->event_count)
		event_sift(generator);
}

static struct ip_address address(bool ipv6, uint8_t net, uint32_t host)
{
	uint8_t v4[4] = { net, (uint8_t)(host >> 16), (uint8_t)(host >> 8), (uint8_t)host };
	struct ip_address v6 = { .bytes = { 0x20, 0x01, 0x0d, 0xb8, net } };

	if (!ipv6)
		return ip_address_v4(v4);
	memcpy(v6.bytes + 12, v4, 4);
	return v6;
}

static void put32(uint8_t *at, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static unsigned options_fill(const struct planned *planned, uint8_t bytes[static OPTIONS_MOST])
{
	static const uint8_t syn[OPTIONS_SYN] = { 2, 4, 5, 0xb4, 4, 2, 8, 10, [16] = 1, 3, 3, 7 };
	static const uint8_t plain[12] = { 1, 1, 8, 10 };
	uint32_t now = (uint32_t)(planned->time_ns / NSEC_PER_MSEC);
	uint32_t echo = planned->flags & TCP_ACK ? now - 1 : 0;
	bool is_syn = planned->options & PLANNED_SYN;

	memcpy(bytes, is_syn ? syn : plain, is_syn ? sizeof(syn) : sizeof(plain));
	put32(bytes + (is_syn ? 8 : 4), now);
	put32(bytes + (is_syn ? 12 : 8), echo);
	if (is_syn)
		return OPTIONS_SYN;
	if (!(planned->options & PLANNED_SACK))
		return 12;
	memcpy(bytes + 12, (const uint8_t[]){ 1, 1, 5, 10 }, 4);
	put32(bytes + 16, planned->sack_left);
	put32(bytes + 20, planned->sack_right);
	return 24;
}

/* One record of the file. */
static void write_frame(struct generator *generator, int64_t time_ns, size_t bytes)
{
	uint64_t us = (uint64_t)(time_ns / NSEC_PER_USEC);
	uint32_t snap = (uint32_t)generator->options.snap_bytes;
	uint32_t kept = bytes < snap ? (uint32_t)bytes : snap;
	uint32_t padded = (kept + 3) & ~3u;

	if (generator->options.format == FILE_PCAP) {
		uint32_t head[4] = { (uint32_t)(us / 1000000), (uint32_t)(us % 1000000), kept,
				     (uint32_t)bytes };

		fwrite(head, sizeof(head), 1, generator->out);
		fwrite(generator->frame, kept, 1, generator->out);
	} else {
		uint32_t head[7] = { 6,	   32 + padded,	   0, (uint32_t)(us >> 32), (uint32_t)us,
				     kept, (uint32_t)bytes };

		memset(generator->frame + kept, 0, padded - kept);
		fwrite(head, sizeof(head), 1, generator->out);
		fwrite(generator->frame, padded, 1, generator->out);
		fwrite(&head[1], 4, 1, generator->out);
	}
	generator->packets++;
}

static void write_head(struct generator *generator)
{
	uint32_t snap = (uint32_t)generator->options.snap_bytes;
	uint32_t pcap[6] = { 0xa1b2c3d4, 4u << 16 | 2, 0, 0, snap, CRAFT_LINK_ETHERNET };
	uint32_t section[7] = { 0x0a0d0d0a, 28, 0x1a2b3c4d, 1, UINT32_MAX, UINT32_MAX, 28 };
	uint32_t interface[5] = { 1, 20, CRAFT_LINK_ETHERNET, snap, 20 };

	if (generator->options.format == FILE_PCAP) {
		fwrite(pcap, sizeof(pcap), 1, generator->out);
	} else {
		fwrite(section, sizeof(section), 1, generator->out);
		fwrite(interface, sizeof(interface), 1, generator->out);
	}
}

static void write_segment(struct generator *generator, const struct live *live,
			  const struct planned *planned)
{
	uint8_t options[OPTIONS_MOST];
	unsigned options_bytes = options_fill(planned, options);
	uint64_t number = live->number;
	struct ip_address client = address(live->ipv6, 10, (uint32_t)(number % CLIENTS) + 1);
	struct ip_address server = address(live->ipv6, 172, (uint32_t)(number % SERVERS) + 1);
	uint16_t client_port = (uint16_t)(1024 + number / CLIENTS % 64000);
	uint16_t server_port = number % 3 ? 443 : 80;
	struct segment segment = {
		.src = planned->from_server ? server : client,
		.dst = planned->from_server ? client : server,
		.src_port = planned->from_server ? server_port : client_port,
		.dst_port = planned->from_server ? client_port : server_port,
		.seq = seq_of(planned->seq),
		.ack = seq_of(planned->ack),
		.flags = planned->flags,
		.window = planned->options & PLANNED_SYN ? 64240 : 502,
		.header_bytes = (uint8_t)(20 + options_bytes),
		.options = options,
		.options_bytes = (uint8_t)options_bytes,
		.payload = generator->payload,
		.payload_bytes = planned->payload,
		.payload_captured = planned->payload,
		.ttl = planned->from_server ? 55 : 64,
		.ip_id = (uint16_t)generator->packets,
		.what = live->ipv6 ? SEGMENT_IPV6 : SEGMENT_DONT_FRAGMENT,
	};
	static const uint32_t vlan = 42;
	struct packet packet = {
		.segment = &segment,
		.link_type = CRAFT_LINK_ETHERNET,
		.vlan_count = live->vlan,
		.vlans = &vlan,
	};
	size_t bytes = packet_craft(&packet, generator->frame, FRAME_MOST, NULL);

	write_frame(generator, planned->time_ns, bytes);
}

static enum conversation_kind draw_kind(struct generator *generator)
{
	const struct generate_options *options = &generator->options;
	int64_t draw = (int64_t)chance_below(&generator->chance, 1000);
	const struct {
		int64_t share;
		enum conversation_kind kind;
	} kinds[] = {
		{ options->reset, TALK_RESET },
		{ options->refused, TALK_REFUSED },
		{ options->unanswered, TALK_UNANSWERED },
		{ options->idle, TALK_IDLE },
		{ options->open, TALK_OPEN },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (draw < kinds[i].share)
			return kinds[i].kind;
		draw -= kinds[i].share;
	}
	return TALK_NORMAL;
}

/* A new connection in a place of the live ones. */
static void begin(struct generator *generator, struct live *live, int64_t time_ns)
{
	live->number = generator->begun++;
	live->ipv6 = chance_permille(&generator->chance, generator->options.ipv6);
	live->vlan = chance_permille(&generator->chance, generator->options.vlan);
	live->talk.kind = draw_kind(generator);
	conversation_plan(&live->talk, &generator->traits, &generator->chance, time_ns);
}

static void flood_one(struct generator *generator, int64_t time_ns)
{
	uint64_t bits = generator->flooded++;
	/* From addresses that no client has. */
	struct segment segment = {
		.src = address(false, (uint8_t)(11 + (bits >> 24) % 100),
			       (uint32_t)bits & 0xffffff),
		.dst = address(false, 172, 1),
		.src_port = (uint16_t)(1024 + chance_below(&generator->chance, 60000)),
		.dst_port = 443,
		.seq = seq_of((uint32_t)chance_below(&generator->chance, UINT32_MAX)),
		.flags = TCP_SYN,
		.window = 64240,
		.header_bytes = 20,
		.ttl = 60,
	};
	struct packet packet = { .segment = &segment, .link_type = CRAFT_LINK_ETHERNET };

	write_frame(generator, time_ns, packet_craft(&packet, generator->frame, FRAME_MOST, NULL));
}

/* The flood's SYNs up to a moment, evenly over the capture. */
static void flood_until(struct generator *generator, int64_t time_ns)
{
	int64_t length_ns = generator->end_ns - START_NS;
	int64_t total = generator->options.flood;

	while ((int64_t)generator->flooded < total) {
		int64_t at = START_NS + (int64_t)((double)length_ns / (double)total *
						  (double)generator->flooded);

		if (at > time_ns)
			return;
		flood_one(generator, at);
	}
}

/* A connection is over: another one takes its place, or the place stays empty. */
static void replace(struct generator *generator, struct live *live)
{
	int64_t time_ns = generator->events[0].time_ns;

	if (generator->begun >= (uint64_t)generator->options.connections ||
	    generator->event_count == 0) {
		event_drop(generator);
		return;
	}
	begin(generator, live, time_ns + NSEC_PER_MSEC);
	generator->events[0].time_ns = live->talk.plan[0].time_ns;
	event_sift(generator);
}

static bool generate(struct generator *generator)
{
	const struct generate_options *options = &generator->options;
	uint32_t live = (uint32_t)(options->live < options->connections ? options->live
									: options->connections);
	int64_t rounds = live ? (options->connections + live - 1) / live : 1;

	generator->lives = calloc(live ? live : 1, sizeof(*generator->lives));
	generator->events = calloc(live ? live : 1, sizeof(*generator->events));
	if (!generator->lives || !generator->events)
		return false;
	generator->end_ns = START_NS + NSEC_PER_SEC + rounds * generator->traits.lifetime_ns;
	write_head(generator);
	/* The first ones come within a lifetime, so that they do not end together either. */
	for (uint32_t i = 0; i < live; i++) {
		int64_t at = START_NS +
			     (int64_t)chance_below(&generator->chance, (uint64_t)NSEC_PER_SEC);

		begin(generator, &generator->lives[i], at);
		event_put(generator, (struct event){ at, i });
	}
	while (generator->event_count > 0) {
		struct event *event = &generator->events[0];
		struct live *speaker = &generator->lives[event->live];
		struct conversation *talk = &speaker->talk;

		flood_until(generator, event->time_ns);
		if (talk->next < talk->count)
			write_segment(generator, speaker, &talk->plan[talk->next++]);
		if (talk->next == talk->count &&
		    (event->time_ns > generator->end_ns || !conversation_go_on(talk))) {
			replace(generator, speaker);
			continue;
		}
		event->time_ns = talk->plan[talk->next].time_ns;
		event_sift(generator);
	}
	flood_until(generator, INT64_MAX);
	return true;
}

int main(int argc, char **argv)
{
	static struct generator generator;
	struct err err = { .kind = ERR_NONE };
	struct generate_options *options = &generator.options;
	static char buffer[OUTPUT_BYTES];

	if (!options_parse(&table, &argc, argv, options, &err)) {
		err_print(stderr, "generate", &err);
		return 2;
	}
	if (options->help || argc != 2) {
		options_help(options->help ? stdout : stderr, &table);
		return options->help ? 0 : 2;
	}
	generator.out = strcmp(argv[1], "-") == 0 ? stdout : fopen(argv[1], "w");
	if (!generator.out) {
		fprintf(stderr, "generate: %s: %s\n", argv[1], strerror(errno));
		return 4;
	}
	setvbuf(generator.out, buffer, _IOFBF, sizeof(buffer));
	generator.chance.state = (uint64_t)options->seed;
	generator.traits = (struct conversation_traits){
		.payload_most = options->payload ? options->payload : 1,
		.exchanges = options->exchanges ? options->exchanges : 1,
		.lifetime_ns = options->lifetime_ms * NSEC_PER_MSEC,
		.loss = options->loss,
		.reorder = options->reorder,
	};
	for (size_t i = 0; i < sizeof(generator.payload); i++)
		generator.payload[i] = (uint8_t)i;
	if (!generate(&generator) || fclose(generator.out) != 0) {
		fprintf(stderr, "generate: %s: %s\n", argv[1], strerror(errno));
		return 4;
	}
	fprintf(stderr, "%llu packets, %llu connections, %llu SYNs of the flood\n",
		(unsigned long long)generator.packets, (unsigned long long)generator.begun,
		(unsigned long long)generator.flooded);
	return 0;
}
