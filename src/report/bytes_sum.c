/* SPDX-License-Identifier: BSD-2-Clause */
/* How the checksums of a crafted packet came to be, step by step. */
#include "report/bytes.h"

#include <string.h>

#include "base/cursor.h"
#include "report/prose.h"

#define LABEL_COLUMN  2
#define WORDS_COLUMN  26
#define SUM_COLUMN    68
#define ROW_BYTES     16 /* eight words */
#define DATA_ROWS     4	 /* of data shown word by word; the rest in one sum */
#define TCP_CHECKSUM  16
#define IPV4_CHECKSUM 10
#define IPV4_BYTES    20

/* A sum being built up before the reader's eyes; @out NULL: only worked out. */
struct adding {
	struct out *out;
	uint32_t sum;
};

/* Where the parts of the sum lie. */
struct parts {
	const uint8_t *src, *dst; /* borrowed */
	size_t address_bytes;
	const uint8_t *tcp; /* borrowed */
	size_t tcp_bytes, options_bytes, data_bytes;
};

/* One word, the last octet of an odd count filled up with zero. */
static uint16_t word_at(const uint8_t *bytes, size_t left)
{
	return left > 1 ? be16_at(bytes) : (uint16_t)(bytes[0] << 8);
}

static uint32_t sum_words(uint32_t sum, const uint8_t *bytes, size_t count)
{
	for (size_t at = 0; at < count; at += 2)
		sum += word_at(bytes + at, count - at);
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void put_sum(struct adding *adding, size_t column)
{
	out_spaces(adding->out, SUM_COLUMN - column);
	out_format(adding->out, "= %8x\n", adding->sum);
}

static void add_rest(struct adding *adding, const uint8_t *bytes, size_t count)
{
	char label[64];
	int length = snprintf(label, sizeof(label), "%*s... %zu more words", WORDS_COLUMN, "",
			      (count + 1) / 2);

	adding->sum = sum_words(adding->sum, bytes, count);
	out_text(adding->out, label);
	put_sum(adding, (size_t)length);
}

/* Add words, up to eight a line, each line with the sum so far. */
static void add(struct adding *adding, const char *label, const uint8_t *bytes, size_t count)
{
	size_t at = 0;

	if (!adding->out) {
		adding->sum = sum_words(adding->sum, bytes, count);
		return;
	}
	for (unsigned row = 0; at < count; row++) {
		size_t end = count - at < ROW_BYTES ? count : at + ROW_BYTES;
		size_t column = WORDS_COLUMN;

		if (row == DATA_ROWS && end < count) {
			add_rest(adding, bytes + at, count - at);
			return;
		}
		out_format(adding->out, "%*s%-*s", LABEL_COLUMN, "", WORDS_COLUMN - LABEL_COLUMN,
			   row ? "" : label);
		for (; at < end; at += 2, column += 5) {
			uint16_t word = word_at(bytes + at, count - at);

			adding->sum += word;
			out_format(adding->out, "%04x ", word);
		}
		put_sum(adding, column);
	}
}

static bool find_parts(const struct bytes_packet *packet, struct parts *parts)
{
	const struct field *tcp = bytes_find(packet, "TCP", "source port");
	const struct field *options = bytes_find(packet, "TCP", "options");
	const struct field *padding = bytes_find(packet, "TCP", "padding");
	const struct field *data = bytes_find(packet, "TCP", "data");
	const struct field *fields = packet->layout->fields;
	size_t first = tcp ? (size_t)(tcp - fields) : 0;

	if (first < 2 || strncmp(fields[first - 1].header, "IPv", 3) != 0)
		return false;
	*parts = (struct parts){
		.src = packet->bytes + fields[first - 2].offset,
		.dst = packet->bytes + fields[first - 1].offset,
		.address_bytes = fields[first - 1].bytes,
		.tcp = packet->bytes + tcp->offset,
		.tcp_bytes = packet->count - tcp->offset,
		.options_bytes = (options ? options->bytes : 0) + (padding ? padding->bytes : 0),
		.data_bytes = data ? data->bytes : 0,
	};
	return true;
}

static void add_pseudo(struct adding *adding, const struct parts *parts)
{
	const uint8_t length[4] = {
		(uint8_t)(parts->tcp_bytes >> 24),
		(uint8_t)(parts->tcp_bytes >> 16),
		(uint8_t)(parts->tcp_bytes >> 8),
		(uint8_t)parts->tcp_bytes,
	};
	const uint8_t protocol[4] = { 0, 0, 0, 6 };
	bool v4 = parts->address_bytes == 4;
	size_t skip = v4 ? 2 : 0; /* IPv4: one word each */
	char label[40];

	snprintf(label, sizeof(label), "TCP length %zu", parts->tcp_bytes);
	add(adding, "source address", parts->src, parts->address_bytes);
	add(adding, "destination address", parts->dst, parts->address_bytes);
	if (v4)
		add(adding, "zero, protocol 6", protocol + skip, sizeof(protocol) - skip);
	add(adding, label, length + skip, sizeof(length) - skip);
	if (!v4)
		add(adding, "zero, next header 6", protocol, sizeof(protocol));
}

static void add_segment(struct adding *adding, const struct parts *parts)
{
	static const char *const labels[] = {
		"ports",
		"sequence number",
		"acknowledgment number",
		"offset, bits, window",
	};
	const uint8_t cleared[4] = { 0, 0, parts->tcp[18], parts->tcp[19] };

	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
		add(adding, labels[i], parts->tcp + 4 * i, 4);
	add(adding, "checksum as 0, urgent", cleared, sizeof(cleared));
	add(adding, "options, padding", parts->tcp + 20, parts->options_bytes);
	add(adding, "data", parts->tcp + 20 + parts->options_bytes, parts->data_bytes);
}

static void finish(const struct parts *parts, struct bytes_tcp_sum *sum)
{
	sum->folded = fold(sum->all);
	sum->right = (uint16_t)~sum->folded;
	sum->field = be16_at(parts->tcp + TCP_CHECKSUM);
	sum->state = sum->field == sum->right	       ? CHECKSUM_GOOD
		     : sum->field == fold(sum->pseudo) ? CHECKSUM_PARTIAL
						       : CHECKSUM_BAD;
}

bool bytes_tcp_sum(const struct bytes_packet *packet, struct bytes_tcp_sum *sum)
{
	struct adding adding = { .out = NULL };
	struct parts parts;

	if (!find_parts(packet, &parts))
		return false;
	add_pseudo(&adding, &parts);
	sum->pseudo = adding.sum;
	add_segment(&adding, &parts);
	sum->all = adding.sum;
	finish(&parts, sum);
	return true;
}

static void put_label(struct out *out, const char *label)
{
	out_format(out, "%*s%-*s", LABEL_COLUMN, "", WORDS_COLUMN - LABEL_COLUMN, label);
}

/* "1 + c181 = c182", once or twice. */
static void put_folding(struct out *out, uint32_t sum)
{
	put_label(out, "fold the carry in");
	if (!(sum >> 16))
		out_format(out, "no carry above 16 bits: %04x", sum);
	for (const char *between = ""; sum >> 16; between = ", again ") {
		uint32_t folded = (sum & 0xffff) + (sum >> 16);

		out_format(out, "%s%x + %04x = %04x", between, sum >> 16, sum & 0xffff, folded);
		sum = folded;
	}
	out_char(out, '\n');
}

static void put_complement(struct out *out, uint16_t folded)
{
	put_label(out, "ones' complement");
	out_format(out, "ffff - %04x = %04x\n", folded, (uint16_t)~folded);
}

static void put_judgement(struct out *out, const struct bytes_tcp_sum *sum)
{
	char text[400];
	unsigned seen = fold((uint32_t)sum->folded + sum->field);

	switch (sum->state) {
	case CHECKSUM_GOOD:
		snprintf(text, sizeof(text),
			 "%04x, right: a receiver adds everything, this field too, and gets "
			 "%04x + %04x = ffff",
			 sum->field, sum->folded, sum->field);
		break;
	case CHECKSUM_PARTIAL:
		snprintf(text, sizeof(text),
			 "%04x: only the pseudo header's sum, folded, as a system leaves it to the "
			 "network card, which is to add the rest and write %04x",
			 sum->field, sum->right);
		break;
	case CHECKSUM_BAD:
		snprintf(text, sizeof(text),
			 "%04x, WRONG: a receiver adds everything, this field too, gets %04x + "
			 "%04x = %04x instead of ffff, and drops the segment without a word",
			 sum->field, sum->folded, sum->field, seen);
		break;
	}
	prose_item(out, "  the field holds", WORDS_COLUMN, text);
}

static void explain_tcp(struct out *out, const struct bytes_packet *packet)
{
	struct adding adding = { .out = out };
	struct bytes_tcp_sum sum;
	struct parts parts;

	if (!find_parts(packet, &parts))
		return;
	out_format(out, "\nHow the TCP checksum came to be (RFC 9293, section 3.1; %s)\n",
		   parts.address_bytes == 4 ? "RFC 1071" : "RFC 8200, section 8.1");
	prose_wrap(out, 0, 0,
		   "The 16-bit words of a pseudo header and of the segment are added up. All "
		   "numbers but lengths are hexadecimal; behind each line the sum so far.");
	out_text(out, "pseudo header: not sent, it ties the segment to its addresses\n");
	add_pseudo(&adding, &parts);
	sum.pseudo = adding.sum;
	out_text(out, "segment\n");
	add_segment(&adding, &parts);
	if (parts.data_bytes % 2)
		out_text(out, "  (a zero octet is thought behind the last one)\n");
	sum.all = adding.sum;
	finish(&parts, &sum);
	out_text(out, "result\n");
	put_folding(out, sum.all);
	put_complement(out, sum.folded);
	put_judgement(out, &sum);
}

static void explain_ipv4(struct out *out, const struct bytes_packet *packet)
{
	const struct field *first = bytes_find(packet, "IPv4", "version and header length");
	struct adding adding = { .out = out };
	uint8_t header[IPV4_BYTES];

	if (!first)
		return;
	memcpy(header, packet->bytes + first->offset, sizeof(header));

	uint16_t field = be16_at(header + IPV4_CHECKSUM);

	header[IPV4_CHECKSUM] = header[IPV4_CHECKSUM + 1] = 0;
	out_text(out, "\nHow the IPv4 header checksum came to be (RFC 791, section 3.1)\n");
	add(&adding, "the header, itself as 0", header, sizeof(header));

	uint16_t right = (uint16_t)~fold(adding.sum);

	put_folding(out, adding.sum);
	put_complement(out, fold(adding.sum));
	put_label(out, "the field holds");
	out_format(out, "%04x, %s\n", field,
		   field == right ? "right" : "WRONG: a receiver drops the packet");
}

void bytes_explain_sums(struct out *out, const struct bytes_packet *packet)
{
	explain_tcp(out, packet);
	explain_ipv4(out, packet);
	if (bytes_find(packet, "IPv6", "next header"))
		out_text(out, "\nThe IPv6 header has no checksum (RFC 8200, section 8.1).\n");
}
