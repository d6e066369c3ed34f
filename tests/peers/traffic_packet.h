/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_TESTS_PEERS_TRAFFIC_PACKET_H
#define TCPWHY_TESTS_PEERS_TRAFFIC_PACKET_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define TRAFFIC_BYTES 4096

/* One TCP segment in fields, before it becomes bytes. */
struct traffic_packet {
	uint8_t version;  /* 4 or 6 */
	uint8_t src, dst; /* last byte of the addresses */
	uint16_t net;	  /* middle bytes of both */
	uint16_t src_port, dst_port;
	uint32_t seq, ack;
	uint16_t window;
	uint8_t flags;
	uint8_t options[40];
	uint8_t options_bytes; /* a multiple of 4 */
	uint8_t offset;	       /* words; 0: as it should be */
	uint16_t payload_bytes;
};

struct traffic_bytes {
	uint8_t at[TRAFFIC_BYTES];
	uint32_t count;
	uint32_t tcp; /* where the TCP header starts */
};

void traffic_encode(struct traffic_bytes *bytes, const struct traffic_packet *packet);

/* An ICMP error to the sender that quotes the TCP header up to so many bytes. */
void traffic_quote(struct traffic_bytes *bytes, const struct traffic_packet *packet,
		   uint32_t quoted);

/* Write a nanosecond pcap's header, and one packet of it. */
bool traffic_pcap_header(FILE *file);
bool traffic_pcap_packet(FILE *file, int64_t time_ns, const struct traffic_bytes *bytes,
			 uint32_t captured);

#endif /* TCPWHY_TESTS_PEERS_TRAFFIC_PACKET_H */
