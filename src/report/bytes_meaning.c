/* SPDX-License-Identifier: BSD-2-Clause */
/* What each field of a crafted packet says, in the words of its specification. */
#include "report/bytes.h"

#include <string.h>

#include "tcp/address.h"
#include "tcp/segment.h"

#define QUOTED_MOST	 48 /* octets of data shown as text */
#define TCP_HEADER_BYTES 20

/* A field being explained. */
struct telling {
	const struct bytes_packet *packet;
	const struct field *field;
	uint32_t value; /* of fields of at most 4 bytes */
};

static uint32_t tcp_number(const struct telling *about, const char *name)
{
	return bytes_number(about->packet, bytes_find(about->packet, "TCP", name));
}

static uint32_t tcp_length(const struct telling *about, const char *name)
{
	const struct field *field = bytes_find(about->packet, "TCP", name);

	return field ? field->bytes : 0;
}

static bool has_flag(const struct telling *about, enum tcp_flag flag)
{
	return (tcp_number(about, "control bits") & flag) != 0;
}

static void tell_version(const struct telling *about, struct text *out)
{
	text_add(out,
		 ": version %u, the format of the internet header; length %u 32-bit words, so the "
		 "data begins after %u bytes",
		 about->value >> 4, about->value & 15, (about->value & 15) * 4);
}

static const char *ecn_name(uint32_t tos)
{
	static const char *const names[4] = {
		"not ECN-capable",
		"ECT(1), ECN-capable",
		"ECT(0), ECN-capable",
		"CE, congestion experienced",
	};

	return names[tos & 3];
}

static void tell_tos(const struct telling *about, struct text *out)
{
	text_add(out, ": differentiated services %u (RFC 2474); ECN %u, %s (RFC 3168)",
		 about->value >> 2, about->value & 3, ecn_name(about->value));
}

static void tell_total_length(const struct telling *about, struct text *out)
{
	const struct field *first = bytes_find(about->packet, "IPv4", "version and header length");
	size_t real = about->packet->count - (first ? first->offset : 0);

	text_add(out, ": %u octets, the length of the datagram, header and data", about->value);
	if (about->value != real)
		text_add(out, ". It lies: there are %zu", real);
}

static void tell_fragment(const struct telling *about, struct text *out)
{
	text_add(out, ": %s, %s; offset %u",
		 about->value & 0x4000 ? "DF, do not fragment" : "DF clear, may be fragmented",
		 about->value & 0x2000 ? "MF, more fragments" : "MF clear, no fragment follows",
		 about->value & 0x1fff);
}

static void tell_ttl(const struct telling *about, struct text *out)
{
	text_add(out,
		 ": %u, the most modules that may still pass it on; each takes 1 away, at 0 it is "
		 "destroyed",
		 about->value);
}

static void tell_protocol(const struct telling *about, struct text *out)
{
	text_add(out, ": %u, %s, what the data portion holds", about->value,
		 about->value == 6 ? "TCP" : "not TCP");
}

static void tell_address(const struct telling *about, struct text *out)
{
	const uint8_t *bytes = about->packet->bytes + about->field->offset;
	struct ip_address ip;
	char text[ADDRESS_TEXT_BYTES];

	if (about->field->bytes == 4)
		ip = ip_address_v4(bytes);
	else
		memcpy(ip.bytes, bytes, sizeof(ip.bytes));
	ip_address_print(&ip, text);
	text_add(out, ": %s", text);
}

static void tell_ip6_start(const struct telling *about, struct text *out)
{
	uint32_t tos = about->value >> 20 & 255;

	text_add(out, ": version %u; traffic class %u: differentiated services %u, ECN %u, %s; ",
		 about->value >> 28, tos, tos >> 2, tos & 3, ecn_name(tos));
	text_add(out, "flow label %u%s", about->value & 0xfffff,
		 about->value & 0xfffff ? "" : ", of no labelled flow");
}

static void tell_payload_length(const struct telling *about, struct text *out)
{
	const struct field *last = bytes_find(about->packet, "IPv6", "destination address");
	size_t real = about->packet->count - (last ? last->offset + last->bytes : 0);

	text_add(out, ": %u octets, the rest of the packet behind this header", about->value);
	if (about->value != real)
		text_add(out, ". It lies: there are %zu", real);
}

static void tell_identification(const struct telling *about, struct text *out)
{
	text_add(out,
		 ": %u, a value of the sender's to aid in assembling the fragments of a datagram",
		 about->value);
}

static void tell_port(const struct telling *about, struct text *out)
{
	text_add(out, " number: %u", about->value);
}

static void tell_sequence(const struct telling *about, struct text *out)
{
	uint32_t data = tcp_length(about, "data");
	uint32_t next = about->value + data + has_flag(about, TCP_SYN) + has_flag(about, TCP_FIN);

	if (has_flag(about, TCP_SYN))
		text_add(out,
			 ": %u. SYN is set, so this is the initial sequence number (ISN), and the "
			 "first data octet is ISN+1 = %u",
			 about->value, about->value + 1);
	else
		text_add(out, ": %u, the sequence number of the first data octet in this segment",
			 about->value);
	if (next == about->value)
		text_add(out, "; it has none and takes no number");
	else if (next == about->value + 1)
		text_add(out, "; the segment takes number %u", about->value);
	else
		text_add(out, "; the segment takes numbers %u to %u", about->value, next - 1);
}

static void tell_acknowledgment(const struct telling *about, struct text *out)
{
	if (has_flag(about, TCP_ACK))
		text_add(out,
			 ": %u, the value of the next sequence number the sender of the segment is "
			 "expecting to receive",
			 about->value);
	else
		text_add(out, ": %u; the ACK bit is not set, so it says nothing", about->value);
}

static void tell_offset(const struct telling *about, struct text *out)
{
	uint32_t words = about->value >> 4, reserved = about->value >> 1 & 7;
	uint32_t real =
		TCP_HEADER_BYTES + tcp_length(about, "options") + tcp_length(about, "padding");

	text_add(out,
		 ": offset %u, the number of 32-bit words in the TCP header: the data begins after "
		 "%u bytes",
		 words, words * 4);
	if (words * 4 != real)
		text_add(out, ". It lies: the header has %u", real);
	text_add(out, ". Reserved for future use: %u%s", reserved,
		 reserved ? ", must be zero in generated segments" : "");
	text_add(out, about->value & 1 ? "; AE is set: accurate ECN (RFC 9768)" : "");
}

static void tell_control_bits(const struct telling *about, struct text *out)
{
	static const struct {
		enum tcp_flag flag;
		const char *words;
	} bits[] = {
		{ TCP_CWR, "CWR, congestion window reduced" },
		{ TCP_ECE, "ECE, ECN-echo" },
		{ TCP_URG, "URG, urgent pointer field is significant" },
		{ TCP_ACK, "ACK, acknowledgment field is significant" },
		{ TCP_PSH, "PSH, push function" },
		{ TCP_RST, "RST, reset the connection" },
		{ TCP_SYN, "SYN, synchronize sequence numbers" },
		{ TCP_FIN, "FIN, no more data from sender" },
	};
	const char *between = ": ";

	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		if (!(about->value & bits[i].flag))
			continue;
		text_add(out, "%s%s", between, bits[i].words);
		between = "; ";
	}
	if (about->value == 0)
		text_add(out, ": none");
}

static void tell_window(const struct telling *about, struct text *out)
{
	text_add(out,
		 ": %u, the data octets, beginning with the one in the acknowledgment field, that "
		 "the sender of this segment is willing to accept; %s",
		 about->value,
		 has_flag(about, TCP_SYN)
			 ? "never scaled in a SYN"
			 : "shifted by its window scale where both SYNs had the option");
}

static void tell_tcp_checksum(const struct telling *about, struct text *out)
{
	static const char *const words[] = {
		[CHECKSUM_GOOD] = "right",
		[CHECKSUM_BAD] = "WRONG",
		[CHECKSUM_PARTIAL] = "the pseudo header's sum only, left to the network card",
	};
	struct bytes_tcp_sum sum;

	text_add(
		out,
		": 0x%04x, the ones' complement of the ones' complement sum of all 16-bit words in "
		"pseudo header, header and data",
		about->value);
	if (bytes_tcp_sum(about->packet, &sum))
		text_add(out, "; %s (see below)", words[sum.state]);
}

static void tell_urgent(const struct telling *about, struct text *out)
{
	if (has_flag(about, TCP_URG))
		text_add(out,
			 ": %u, a positive offset from the sequence number: number %u follows the "
			 "urgent data",
			 about->value, tcp_number(about, "sequence number") + about->value);
	else
		text_add(out, ": %u; the URG bit is not set, so it says nothing", about->value);
}

static void tell_padding(const struct telling *about, struct text *out)
{
	(void)about;
	text_add(out, ": zeros, so that the header ends and data begins on a 32-bit boundary");
}

static void tell_data(const struct telling *about, struct text *out)
{
	uint32_t count = about->field->bytes;

	text_add(out, ": %u octet%s, ", count, count == 1 ? "" : "s");
	text_add_quoted(out, about->packet->bytes + about->field->offset,
			count < QUOTED_MOST ? count : QUOTED_MOST);
	if (count > QUOTED_MOST)
		text_add(out, " ...");
}

static void tell_ip_checksum(const struct telling *about, struct text *out)
{
	text_add(out, ": 0x%04x, a checksum on the header only (see below)", about->value);
}

static const struct {
	const char *header, *name;
	void (*tell)(const struct telling *about, struct text *out);
} meanings[] = {
	{ "IPv4", "version and header length", tell_version },
	{ "IPv4", "type of service", tell_tos },
	{ "IPv4", "total length", tell_total_length },
	{ "IPv4", "identification", tell_identification },
	{ "IPv4", "flags and fragment offset", tell_fragment },
	{ "IPv4", "time to live", tell_ttl },
	{ "IPv4", "protocol", tell_protocol },
	{ "IPv4", "header checksum", tell_ip_checksum },
	{ "IPv4", "source address", tell_address },
	{ "IPv4", "destination address", tell_address },
	{ "IPv6", "version, traffic class and flow label", tell_ip6_start },
	{ "IPv6", "payload length", tell_payload_length },
	{ "IPv6", "next header", tell_protocol },
	{ "IPv6", "hop limit", tell_ttl },
	{ "IPv6", "source address", tell_address },
	{ "IPv6", "destination address", tell_address },
	{ "TCP", "source port", tell_port },
	{ "TCP", "destination port", tell_port },
	{ "TCP", "sequence number", tell_sequence },
	{ "TCP", "acknowledgment number", tell_acknowledgment },
	{ "TCP", "data offset and reserved bits", tell_offset },
	{ "TCP", "control bits", tell_control_bits },
	{ "TCP", "window", tell_window },
	{ "TCP", "checksum", tell_tcp_checksum },
	{ "TCP", "urgent pointer", tell_urgent },
	{ "TCP", "padding", tell_padding },
	{ "TCP", "data", tell_data },
};

void bytes_meaning(const struct bytes_packet *packet, const struct field *field, struct text *out)
{
	struct telling about = { .packet = packet, .field = field };

	if (field->bytes <= 4)
		about.value = bytes_number(packet, field);
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		if (strcmp(meanings[i].header, field->header) == 0 &&
		    strcmp(meanings[i].name, field->name) == 0) {
			meanings[i].tell(&about, out);
			return;
		}
	}
	if (field->bytes <= 4) /* a header around it: no words of its own yet */
		text_add(out, ": %u", about.value);
}
