/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * explain FILE: what TCP did in a capture, one line per connection, with libtcpwhy and libpcap.
 *
 *     cc explain.c $(pkg-config --cflags --libs tcpwhy libpcap) -o explain
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdio.h>

#include <tcpwhy.h>

static void print_end(const struct tcpwhy_connection *connection, enum tcpwhy_end end)
{
	static const uint8_t ipv4[12] = { [10] = 0xff, [11] = 0xff };
	struct tcpwhy_side side = { .size = sizeof(side) };
	char address[INET6_ADDRSTRLEN];
	int family = AF_INET;

	tcpwhy_connection_side(connection, end, &side);
	for (size_t i = 0; i < sizeof(ipv4); i++)
		if (side.address[i] != ipv4[i])
			family = AF_INET6;
	inet_ntop(family, side.address + (family == AF_INET ? sizeof(ipv4) : 0), address,
		  sizeof(address));
	printf(family == AF_INET ? "%s:%u" : "[%s]:%u", address, side.port);
}

static void print_connection(void *context, const struct tcpwhy_connection *connection)
{
	static const char *const sure[] = {
		[TCPWHY_POSSIBLE] = "possible",
		[TCPWHY_LIKELY] = "likely",
		[TCPWHY_PROVED] = "proved",
	};
	const struct tcpwhy_verdict *headline = tcpwhy_connection_headline(connection);
	char sentence[TCPWHY_SENTENCE_BYTES];
	uint64_t *connections = context;

	(*connections)++;
	printf("#%" PRIu64 " ", tcpwhy_connection_number(connection));
	print_end(connection, TCPWHY_CLIENT);
	printf(" -> ");
	print_end(connection, TCPWHY_SERVER);
	if (headline) {
		tcpwhy_verdict_sentence(headline, sentence);
		printf(": %s\n  %s, %s\n", sentence, tcpwhy_verdict_id(headline),
		       sure[tcpwhy_verdict_confidence(headline)]);
	}
}

/* libpcap counts some link types of its own; files, and libtcpwhy, use LINKTYPE_ numbers. */
static uint16_t link_type_of(pcap_t *file)
{
	return (uint16_t)(pcap_datalink(file) == DLT_RAW ? 101 : pcap_datalink(file));
}

static void read_frames(pcap_t *file, struct tcpwhy *why)
{
	struct pcap_pkthdr *header;
	const u_char *bytes;
	uint64_t number = 0;

	while (pcap_next_ex(file, &header, &bytes) == 1) {
		number++;

		struct tcpwhy_frame frame = {
			.number = number,
			/* asked for nanoseconds below: tv_usec holds them */
			.time_ns = (int64_t)header->ts.tv_sec * 1000000000 + header->ts.tv_usec,
			.bytes = bytes,
			.captured_bytes = header->caplen,
			.wire_bytes = header->len,
			.link_type = link_type_of(file),
		};

		tcpwhy_add(why, &frame, 1);
	}
}

int main(int argc, char **argv)
{
	char error[PCAP_ERRBUF_SIZE];
	uint64_t connections = 0;
	struct tcpwhy_options options = TCPWHY_OPTIONS;
	struct tcpwhy *why;
	pcap_t *file;

	if (argc != 2) {
		fprintf(stderr, "usage: explain FILE\n");
		return 2;
	}
	file = pcap_open_offline_with_tstamp_precision(argv[1], PCAP_TSTAMP_PRECISION_NANO, error);
	if (!file) {
		fprintf(stderr, "explain: %s\n", error);
		return 3;
	}
	options.context = &connections;
	options.connection = print_connection;
	why = tcpwhy_new(&options);
	if (why) {
		read_frames(file, why);
		tcpwhy_finish(why);
		printf("%" PRIu64 " connections, libtcpwhy %s\n", connections, tcpwhy_version());
		tcpwhy_free(why);
	}
	pcap_close(file);
	return why ? 0 : 4;
}
