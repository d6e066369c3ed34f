/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "traffic_packet.h"

#define PROTOCOL_ICMP	1
#define PROTOCOL_TCP	6
#define PROTOCOL_ICMPV6 58
#define LINKTYPE_RAW	101
#define ROUTER		200 /* last byte of its address */

static void put8(struct traffic_bytes *bytes, unsigned value)
{
	if (bytes->count < sizeof(bytes->at))
		bytes->at[bytes->count++] = (uint8_t)value;
}

static void put16(struct traffic_bytes *bytes, unsigned value)
{
	put8(bytes, value >> 8);
	put8(bytes, value & 0xff);
}

static void put32(struct traffic_bytes *bytes, uint32_t value)
{
	put16(bytes, value >> 16);
	put16(bytes, value & 0xffff);
}

static void put_zeros(struct traffic_bytes *bytes, unsigned count)
{
	while (count--)
		put8(bytes, 0);
}

static void put_address(struct traffic_bytes *bytes, const struct traffic_packet *packet,
			uint8_t last)
{
	if (packet->version == 6) {
		put32(bytes, 0x20010db8);
		put_zeros(bytes, 8);
	} else {
		put8(bytes, 10);
	}
	if (packet->version == 6)
		put8(bytes, 0);
	put16(bytes, packet->net);
	put8(bytes, last);
}

/* Checksums stay 0: neither side looks at them. */
static void put_ip(struct traffic_bytes *bytes, const struct traffic_packet *packet,
		   unsigned protocol, unsigned payload)
{
	bool icmp = protocol != PROTOCOL_TCP;

	if (packet->version == 6) {
		put32(bytes, 0x60000000);
		put16(bytes, payload);
		put8(bytes, protocol);
		put8(bytes, 64);
	} else {
		put16(bytes, 0x4500);
		put16(bytes, payload + 20);
		put32(bytes, 0x00014000);
		put8(bytes, 64);
		put8(bytes, protocol);
		put16(bytes, 0);
	}
	put_address(bytes, packet, icmp ? ROUTER : packet->src);
	put_address(bytes, packet, icmp ? packet->src : packet->dst);
}

static void put_tcp(struct traffic_bytes *bytes, const struct traffic_packet *packet)
{
	unsigned offset = packet->offset ? packet->offset : 5u + packet->options_bytes / 4u;

	bytes->tcp = bytes->count;
	put16(bytes, packet->src_port);
	put16(bytes, packet->dst_port);
	put32(bytes, packet->seq);
	put32(bytes, packet->ack);
	put8(bytes, offset << 4);
	put8(bytes, packet->flags);
	put16(bytes, packet->window);
	put32(bytes, 0);
	for (unsigned i = 0; i < packet->options_bytes; i++)
		put8(bytes, packet->options[i]);
	for (unsigned i = 0; i < packet->payload_bytes; i++)
		put8(bytes, 'x');
}

static unsigned tcp_bytes(const struct traffic_packet *packet)
{
	return 20u + packet->options_bytes + packet->payload_bytes;
}

void traffic_encode(struct traffic_bytes *bytes, const struct traffic_packet *packet)
{
	bytes->count = 0;
	put_ip(bytes, packet, PROTOCOL_TCP, tcp_bytes(packet));
	put_tcp(bytes, packet);
}

void traffic_quote(struct traffic_bytes *bytes, const struct traffic_packet *packet,
		   uint32_t quoted)
{
	struct traffic_bytes inner;
	unsigned header;

	traffic_encode(&inner, packet);
	header = inner.tcp;
	if (header + quoted < inner.count)
		inner.count = header + quoted;
	bytes->count = 0;
	put_ip(bytes, packet, packet->version == 6 ? PROTOCOL_ICMPV6 : PROTOCOL_ICMP,
	       8 + inner.count);
	put8(bytes, packet->version == 6 ? 1 : 3); /* destination unreachable */
	put8(bytes, 0);
	put16(bytes, 0);
	put32(bytes, 0);
	bytes->tcp = bytes->count + inner.tcp;
	for (uint32_t i = 0; i < inner.count; i++)
		put8(bytes, inner.at[i]);
}

static bool write_words(FILE *file, const uint32_t *words, size_t count)
{
	return fwrite(words, sizeof(*words), count, file) == count;
}

/* In the byte order of this machine: the magic tells. Source: pcap file format, section 4. */
bool traffic_pcap_header(FILE *file)
{
	const uint16_t version[2] = { 2, 4 };
	uint32_t words[6] = { 0xa1b23c4d, 0, 0, 0, 262144, LINKTYPE_RAW };

	memcpy(&words[1], version, sizeof(version));
	return write_words(file, words, 6);
}

bool traffic_pcap_packet(FILE *file, int64_t time_ns, const struct traffic_bytes *bytes,
			 uint32_t captured)
{
	uint32_t kept = captured < bytes->count ? captured : bytes->count;
	const uint32_t words[4] = {
		(uint32_t)(time_ns / 1000000000),
		(uint32_t)(time_ns % 1000000000),
		kept,
		bytes->count,
	};

	return write_words(file, words, 4) && fwrite(bytes->at, 1, kept, file) == kept;
}
