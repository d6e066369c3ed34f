/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "tcp/option.h"
#include "tcp/segment.h"
#include "traffic.h"
#include "traffic_packet.h"

#define CONNECTIONS 4  /* of a scene, at the same time */
#define REMEMBERED  16 /* packets that may come again */

struct end {
	uint32_t isn, next, acked; /* next: to send; acked: of the other end's numbers */
	uint16_t window;
	int scale; /* -1: no option */
};

struct connection {
	struct end end[2];
	uint8_t host[2];
	uint16_t port[2];
	uint8_t version;
	bool mptcp;
	uint8_t mptcp_version;
	unsigned step; /* of the handshake; 3: done */
};

struct scene {
	uint64_t random;
	FILE *file;
	int64_t time_ns;
	uint16_t net;
	struct connection connections[CONNECTIONS];
	struct traffic_packet remembered[REMEMBERED];
	unsigned remembered_count;
	bool cuts; /* this scene has a snap length now and then */
	bool failed;
};

static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* A number from 0 to below. */
static unsigned upto(struct scene *scene, unsigned below)
{
	return (unsigned)(next_random(&scene->random) % below);
}

static bool one_in(struct scene *scene, unsigned times)
{
	return upto(scene, times) == 0;
}

static uint32_t pick(struct scene *scene, const uint32_t *values, unsigned count)
{
	return values[upto(scene, count)];
}
#define PICK(scene, values) pick(scene, values, sizeof(values) / sizeof(*(values)))

static void clock_moves(struct scene *scene)
{
	/* microseconds: around the limits of the rules, and far from them */
	static const uint32_t steps[] = { 0,	 1,	100,   1000,  2999,   3000,    9999, 10000,
					  10001, 19999, 20000, 50000, 300000, 1000000, 500,  500 };

	if (one_in(scene, 60))
		scene->time_ns -= 1000000;
	else
		scene->time_ns += (int64_t)PICK(scene, steps) * 1000;
	if (one_in(scene, 40))
		scene->time_ns += 1; /* nanoseconds count too */
}

static void write_bytes(struct scene *scene, const struct traffic_bytes *bytes)
{
	static const uint32_t tcp_kept[] = { 8,	 15, 16, 17, 18, 19, 20, 23,
					     24, 27, 28, 32, 40, 60, 100 };
	uint32_t kept = bytes->count;

	clock_moves(scene);
	if (scene->cuts && bytes->tcp && one_in(scene, 4))
		kept = bytes->tcp + PICK(scene, tcp_kept);
	if (!traffic_pcap_packet(scene->file, scene->time_ns, bytes, kept))
		scene->failed = true;
}

static void send(struct scene *scene, const struct traffic_packet *packet)
{
	struct traffic_bytes bytes;

	scene->remembered[scene->remembered_count++ % REMEMBERED] = *packet;
	if (one_in(scene, 25))
		return; /* lost before the capture */
	traffic_encode(&bytes, packet);
	write_bytes(scene, &bytes);
	if (one_in(scene, 40))
		write_bytes(scene, &bytes);
}

static void option_add(struct traffic_packet *packet, const uint8_t *option, unsigned count)
{
	if (packet->options_bytes + count > sizeof(packet->options))
		return;
	memcpy(packet->options + packet->options_bytes, option, count);
	packet->options_bytes = (uint8_t)(packet->options_bytes + count);
	while (packet->options_bytes % 4)
		packet->options[packet->options_bytes++] = TCP_OPTION_NOP;
}

static void add_scale(struct traffic_packet *packet, int scale)
{
	const uint8_t option[] = { TCP_OPTION_WINDOW_SCALE, 3, (uint8_t)scale };

	if (scale >= 0)
		option_add(packet, option, sizeof(option));
}

/* Keys that a connection's two ends keep; tokens of them lead other subflows to it. */
static void put_key(const struct connection *conn, unsigned side, uint8_t *key)
{
	memset(key, 0x40 + conn->host[side], 8);
	key[7] = (uint8_t)conn->port[side];
}

static void add_mptcp(struct scene *scene, const struct connection *conn, unsigned side,
		      struct traffic_packet *packet)
{
	static const uint8_t lengths[] = { 12, 12, 8, 8, 4, 3, 12, 12 };
	uint8_t option[24] = { TCP_OPTION_MPTCP, 12 };
	unsigned subtype = 2 + upto(scene, 6);

	if (packet->flags & TCP_SYN) {
		if (conn->mptcp_version && !(packet->flags & TCP_ACK))
			option[1] = 4;
		option[2] = conn->mptcp_version;
		option[3] = 0x81;
		put_key(conn, side, option + 4);
	} else if (conn->step < 3) {
		option[1] = 20;
		option[2] = conn->mptcp_version;
		option[3] = 0x81;
		put_key(conn, side, option + 4);
		put_key(conn, 1 - side, option + 12);
	} else if (one_in(scene, 3)) {
		option[1] = lengths[subtype];
		option[2] = (uint8_t)(subtype << 4);
		if (subtype == 2)
			option[3] = 0x01; /* a data ACK of four bytes */
		if (subtype == 3)
			option[2] |= 4;
	} else {
		return;
	}
	option_add(packet, option, option[1]);
}

static struct traffic_packet packet_of(struct scene *scene, struct connection *conn, unsigned side,
				       uint8_t flags)
{
	const struct end *end = &conn->end[side];
	static const uint8_t stamps[] = {
		TCP_OPTION_NOP, TCP_OPTION_NOP, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2
	};
	struct traffic_packet packet = {
		.version = conn->version,
		.src = conn->host[side],
		.dst = conn->host[1 - side],
		.net = scene->net,
		.src_port = conn->port[side],
		.dst_port = conn->port[1 - side],
		.seq = end->next,
		.ack = flags & TCP_ACK ? end->acked : 0,
		.window = end->window,
		.flags = flags,
	};

	if (flags & TCP_SYN)
		add_scale(&packet, end->scale);
	if (conn->mptcp)
		add_mptcp(scene, conn, side, &packet);
	if (scene->cuts && !conn->mptcp)
		option_add(&packet, stamps, sizeof(stamps));
	return packet;
}

static void fresh_end(struct scene *scene, struct end *end)
{
	static const uint32_t isns[] = { 1000, 5000, 0xffffff00, 0xfffffffe, 0xffffffff,
					 0,    1,    0x7fffff00, 0x80000000 };
	static const uint32_t windows[] = { 0, 1, 10, 100, 1000, 65535, 65535, 65535, 512 };
	static const uint32_t scales[] = { 0, 1, 3, 7, 14, 15, 200, 200 };
	uint32_t scale = PICK(scene, scales);

	end->isn = one_in(scene, 2) ? (uint32_t)next_random(&scene->random) : PICK(scene, isns);
	end->next = end->isn;
	end->acked = 0;
	end->window = (uint16_t)PICK(scene, windows);
	end->scale = scale == 200 ? -1 : (int)scale;
}

static void fresh_connection(struct scene *scene, struct connection *conn, bool same_ports)
{
	fresh_end(scene, &conn->end[0]);
	fresh_end(scene, &conn->end[1]);
	conn->step = 0;
	if (!same_ports) {
		conn->host[0] = (uint8_t)(1 + upto(scene, 2));
		conn->host[1] = (uint8_t)(1 + upto(scene, 3));
		conn->port[0] = (uint16_t)(50001 + upto(scene, 3));
		conn->port[1] = (uint16_t)(30001 + upto(scene, 2));
		conn->version = one_in(scene, 5) ? 6 : 4;
		if (one_in(scene, 30))
			conn->port[1] = conn->port[0];
		conn->mptcp = one_in(scene, 5);
		conn->mptcp_version = (uint8_t)upto(scene, 2);
	}
	if (one_in(scene, 5)) { /* the capture starts in the middle */
		conn->step = 3;
		conn->end[0].acked = conn->end[1].next;
		conn->end[1].acked = conn->end[0].next;
	}
}

static void shake_hands(struct scene *scene, struct connection *conn)
{
	static const uint8_t flags[] = { TCP_SYN, TCP_SYN | TCP_ACK, TCP_ACK };
	unsigned side = conn->step == 1;
	struct end *end = &conn->end[side];
	struct traffic_packet packet;

	if (conn->step > 0)
		end->acked = conn->end[1 - side].isn + 1;
	packet = packet_of(scene, conn, side, flags[conn->step]);
	if (conn->step < 2)
		packet.seq = end->isn;
	if (one_in(scene, 20))
		packet.payload_bytes = (uint16_t)(1 + upto(scene, 50));
	end->next = packet.seq + packet.payload_bytes + (conn->step < 2);
	send(scene, &packet);
	if (!one_in(scene, 10)) /* or again */
		conn->step++;
}

static void send_data(struct scene *scene, struct connection *conn, unsigned side)
{
	static const uint32_t lengths[] = { 1, 1, 2, 10, 80, 100, 100, 100, 512, 1000 };
	struct traffic_packet packet = packet_of(scene, conn, side, TCP_ACK | TCP_PSH);

	packet.payload_bytes = (uint16_t)PICK(scene, lengths);
	if (one_in(scene, 15))
		packet.flags |= TCP_FIN;
	if (one_in(scene, 100))
		packet.flags &= (uint8_t)~TCP_ACK;
	conn->end[side].next += packet.payload_bytes + ((packet.flags & TCP_FIN) != 0);
	send(scene, &packet);
}

/* Exactly up to the edge of the window that the other end last announced, or one beside it. */
static void fill_window(struct scene *scene, struct connection *conn, unsigned side)
{
	const struct end *other = &conn->end[1 - side];
	unsigned shift = other->scale > 14 ? 14 : other->scale < 0 ? 0 : (unsigned)other->scale;
	uint32_t edge = other->acked + ((uint32_t)other->window << shift);
	uint32_t length = edge - conn->end[side].next + upto(scene, 3) - 1;
	struct traffic_packet packet = packet_of(scene, conn, side, TCP_ACK);

	if (length == 0 || length > 3000)
		return;
	packet.payload_bytes = (uint16_t)length;
	conn->end[side].next += length;
	send(scene, &packet);
}

static void send_ack(struct scene *scene, struct connection *conn, unsigned side)
{
	struct end *end = &conn->end[side];
	struct traffic_packet packet;

	if (one_in(scene, 2))
		end->acked = conn->end[1 - side].next;
	else if (one_in(scene, 4))
		end->acked -= upto(scene, 200);
	else if (one_in(scene, 8))
		end->acked += upto(scene, 200);
	packet = packet_of(scene, conn, side, TCP_ACK);
	for (unsigned copies = one_in(scene, 3) ? 1 + upto(scene, 4) : 1; copies; copies--)
		send(scene, &packet);
}

static void change_window(struct scene *scene, struct connection *conn, unsigned side)
{
	static const uint32_t windows[] = { 0, 0, 1, 10, 100, 101, 500, 65535 };
	struct traffic_packet packet;

	conn->end[side].window = (uint16_t)PICK(scene, windows);
	packet = packet_of(scene, conn, side, TCP_ACK);
	send(scene, &packet);
	if (conn->end[side].window == 0 && one_in(scene, 2)) {
		packet = packet_of(scene, conn, 1 - side, TCP_ACK);
		packet.payload_bytes = 1;
		packet.seq -= one_in(scene, 4);
		send(scene, &packet);
		packet = packet_of(scene, conn, side, TCP_ACK);
		packet.ack += one_in(scene, 4);
		send(scene, &packet);
	}
}

static void keep_alive(struct scene *scene, struct connection *conn, unsigned side)
{
	struct traffic_packet packet = packet_of(scene, conn, side, TCP_ACK);

	packet.seq--;
	packet.payload_bytes = (uint16_t)upto(scene, 3);
	send(scene, &packet);
	packet = packet_of(scene, conn, 1 - side, TCP_ACK);
	if (!one_in(scene, 4))
		send(scene, &packet);
}

static void jump_ahead(struct scene *scene, struct connection *conn, unsigned side)
{
	static const uint32_t holes[] = { 1, 10, 100, 100, 1000, 0x40000000, 0x80000000 };

	conn->end[side].next += PICK(scene, holes);
	if (one_in(scene, 2))
		send_data(scene, conn, side);
}

/* An older packet again: the same, or its numbers moved a little, or with other bits. */
static void send_again(struct scene *scene, struct connection *conn, unsigned side)
{
	unsigned known =
		scene->remembered_count < REMEMBERED ? scene->remembered_count : REMEMBERED;
	struct traffic_packet packet;

	(void)conn;
	(void)side;
	if (!known)
		return;
	packet = scene->remembered[upto(scene, known)];
	if (one_in(scene, 6))
		packet.seq += upto(scene, 5) - 2;
	if (one_in(scene, 6))
		packet.payload_bytes = (uint16_t)upto(scene, 300);
	if (one_in(scene, 20))
		packet.flags = (uint8_t)upto(scene, 256);
	if (one_in(scene, 60))
		packet.offset = (uint8_t)(1 + upto(scene, 15));
	if (one_in(scene, 12))
		packet.seq += upto(scene, 1000);
	send(scene, &packet);
}

static void quote(struct scene *scene, struct connection *conn, unsigned side)
{
	static const uint32_t quoted[] = { 8, 15, 16, 17, 18, 19, 20, 24, 28, 32, 60, 1000, 1000 };
	unsigned known =
		scene->remembered_count < REMEMBERED ? scene->remembered_count : REMEMBERED;
	struct traffic_packet packet;
	struct traffic_bytes bytes;

	(void)conn;
	(void)side;
	if (!known || !one_in(scene, 3))
		return;
	packet = scene->remembered[upto(scene, known)];
	if (one_in(scene, 10))
		packet.flags = (uint8_t)upto(scene, 64);
	if (one_in(scene, 10))
		packet.seq += upto(scene, 100);
	traffic_quote(&bytes, &packet, PICK(scene, quoted));
	write_bytes(scene, &bytes);
}

static void finish(struct scene *scene, struct connection *conn, unsigned side)
{
	static const uint32_t ends[] = { TCP_FIN | TCP_ACK, TCP_FIN | TCP_ACK,
					 TCP_RST,	    TCP_RST | TCP_ACK,
					 TCP_FIN,	    TCP_FIN | TCP_PSH | TCP_ACK };
	struct traffic_packet packet = packet_of(scene, conn, side, (uint8_t)PICK(scene, ends));

	if (one_in(scene, 8))
		packet.seq += upto(scene, 100);
	if (one_in(scene, 8))
		packet.payload_bytes = (uint16_t)upto(scene, 100);
	conn->end[side].next = packet.seq + packet.payload_bytes + ((packet.flags & TCP_FIN) != 0);
	send(scene, &packet);
}

static void open_again(struct scene *scene, struct connection *conn, unsigned side)
{
	struct traffic_packet packet;

	if (one_in(scene, 2)) {
		fresh_connection(scene, conn, one_in(scene, 2));
		return;
	}
	packet = packet_of(scene, conn, side,
			   one_in(scene, 2) ? TCP_SYN : (uint8_t)(TCP_SYN | TCP_ACK));
	packet.seq = conn->end[side].isn + (one_in(scene, 3) ? upto(scene, 1000) : 0);
	send(scene, &packet);
}

static void step(struct scene *scene)
{
	static void (*const actions[])(struct scene *, struct connection *, unsigned) = {
		send_data,  send_data,	   send_data,	send_ack,   send_ack,
		send_ack,   change_window, keep_alive,	jump_ahead, send_again,
		send_again, quote,	   fill_window, send_data,  send_ack,
	};
	struct connection *conn = &scene->connections[upto(scene, CONNECTIONS)];
	unsigned side = upto(scene, 2);

	if (conn->step < 3)
		shake_hands(scene, conn);
	else if (one_in(scene, 25))
		finish(scene, conn, side);
	else if (one_in(scene, 30))
		open_again(scene, conn, side);
	else
		actions[upto(scene, sizeof(actions) / sizeof(*actions))](scene, conn, side);
}

bool traffic_write(const char *path, const struct traffic_options *options)
{
	FILE *file = fopen(path, "wb");
	bool done = file && traffic_pcap_header(file);

	for (unsigned i = 0; done && i < options->scenes; i++) {
		struct scene scene = {
			.random = options->seed * 1000003 + i,
			.file = file,
			.time_ns = INT64_C(1700000000000000000) + i * INT64_C(86400000000000),
			.net = (uint16_t)(i + 1),
		};

		if (options->only >= 0 && (unsigned)options->only != i)
			continue;
		scene.cuts = one_in(&scene, 4);
		for (unsigned c = 0; c < CONNECTIONS; c++)
			fresh_connection(&scene, &scene.connections[c], false);
		for (unsigned p = 0; p < options->packets; p++)
			step(&scene);
		done = !scene.failed;
	}
	return file && fclose(file) == 0 && done;
}
