/* SPDX-License-Identifier: BSD-2-Clause */
/* From the command line of tcpwhy send to a crafted segment. */
#include "cmd/send.h"

#include <stdlib.h>
#include <strings.h>

#include "craft/packet.h"
#include "tcp/address.h"

#define LINE_ROOM 2048

/* What a line of the notation may say that is no part of one segment. */
#define OF_A_CAPTURE (SAID_CUT | SAID_VLAN | SAID_TUNNEL | SAID_STAMP | SAID_LOST | SAID_ICMP)

/* Options that are a number of the notation. */
static const struct {
	size_t option; /* offset in struct send_options: int64_t */
	size_t number; /* offset in struct notation: uint32_t */
	uint32_t said;
} numbers[] = {
	{ offsetof(struct send_options, seq), offsetof(struct notation, abs_seq), SAID_ABS_SEQ },
	{ offsetof(struct send_options, ack), offsetof(struct notation, abs_ack), SAID_ABS_ACK },
	{ offsetof(struct send_options, window), offsetof(struct notation, raw_window),
	  SAID_RAW_WINDOW },
	{ offsetof(struct send_options, urgent), offsetof(struct notation, urgent), SAID_URGENT },
	{ offsetof(struct send_options, reserved), offsetof(struct notation, reserved),
	  SAID_RESERVED },
	{ offsetof(struct send_options, doff), offsetof(struct notation, header_bytes),
	  SAID_HEADER_BYTES },
	{ offsetof(struct send_options, ttl), offsetof(struct notation, ttl), SAID_TTL },
	{ offsetof(struct send_options, ip_id), offsetof(struct notation, id), SAID_ID },
	{ offsetof(struct send_options, tos), offsetof(struct notation, tos), SAID_TOS },
	{ offsetof(struct send_options, ip_length), offsetof(struct notation, ip_length),
	  SAID_IP_LENGTH },
};

static const struct {
	const char *word;
	char letter;
} flag_words[] = {
	{ "fin", 'F' }, { "syn", 'S' }, { "rst", 'R' }, { "psh", 'P' }, { "ack", '.' },
	{ "urg", 'U' }, { "ece", 'E' }, { "cwr", 'W' }, { "ae", 'e' },
};
#define FLAG_WORDS (sizeof(flag_words) / sizeof(flag_words[0]))

/* "syn,ack" as "S."; false: it is no list of such words. */
static bool letters_of(const char *words, char letters[static FLAG_WORDS + 1])
{
	size_t count = 0;

	while (*words && count < FLAG_WORDS) {
		size_t length = strcspn(words, ",");
		size_t row = 0;

		while (row < FLAG_WORDS && (strlen(flag_words[row].word) != length ||
					    strncasecmp(flag_words[row].word, words, length) != 0))
			row++;
		if (row == FLAG_WORDS)
			return false;
		letters[count++] = flag_words[row].letter;
		words += length;
		words += *words == ',';
	}
	letters[count] = '\0';
	return *words == '\0' && count > 0;
}

static bool apply_flags(const char *flags, struct notation *line, struct err *err)
{
	char letters[FLAG_WORDS + 1], text[64];
	struct notation parsed;
	bool words = letters_of(flags, letters);
	int length = snprintf(text, sizeof(text), "0 C>S %s 0 abs-ack 0", words ? letters : flags);
	struct scan in = scan_over(text);
	struct err trouble = { .kind = ERR_NONE };

	if (strpbrk(flags, " \t#") || *flags == '\0' || length >= (int)sizeof(text) ||
	    !notation_parse(&in, &parsed, &trouble)) {
		err_set(err, ERR_USAGE, "--flags '%s' is no set of flags", flags);
		err_fix(err,
			"letters of the notation, each at most once (S. or F. or - for none: S F "
			"R P . U E W e), or words: syn,ack (fin syn rst psh ack urg ece cwr ae)");
		return false;
	}
	line->flags = parsed.flags;
	line->ae = parsed.ae;
	return true;
}

static bool apply_options(const char *options, struct notation *line, struct err *err)
{
	char text[LINE_ROOM];
	size_t length = strlen(options);
	bool closed = length > 0 && options[length - 1] == '>';
	bool opened = options[0] == '<';
	int needed = snprintf(text, sizeof(text), "%s%s", options + opened, closed ? "" : " >");
	struct scan in = scan_over(text);

	line->said |= SAID_OPTIONS;
	line->option_bytes = 0;
	if (needed >= (int)sizeof(text))
		return err_set(err, ERR_USAGE, "--options is too long");
	if (!notation_parse_options(&in, line, err)) {
		err_at(err, "--options '%s'", options);
		err_fix(err, "as in the notation: 'mss 1460,sackok,ts 1 0,nop,ws 7'; '' for none");
		return false;
	}
	if (!scan_end(&in))
		return scan_fail(&in, "--options", "nothing may follow the >", err);
	return true;
}

/* Text as the notation quotes it, with or without its quotes. */
static bool parse_text(const char *payload, struct notation *line, struct err *err)
{
	char quoted[LINE_ROOM];
	size_t used = 0, count = sizeof(line->payload);

	quoted[used++] = '"';
	for (const char *at = payload; *at && used + 4 < sizeof(quoted); at++) {
		if (*at == '"')
			quoted[used++] = '\\';
		quoted[used++] = *at;
		if (*at == '\\' && at[1])
			quoted[used++] = *++at;
	}
	quoted[used++] = '"';
	quoted[used] = '\0';

	struct scan in = scan_over(quoted);

	if (!scan_quoted(&in, "--payload", line->payload, &count, err) || !scan_end(&in)) {
		err_set(err, ERR_USAGE, "--payload cannot be read");
		err_fix(err,
			"at most %d octets, escapes \\r \\n \\t \\\\ \\xHH; more with "
			"--payload-length",
			NOTATION_PAYLOAD_MOST);
		return false;
	}
	line->payload_bytes = (uint32_t)count;
	return true;
}

static bool parse_hex(const char *payload, struct notation *line, struct err *err)
{
	struct scan in = scan_over(payload);
	size_t count = sizeof(line->payload);

	if (!scan_hex(&in, "--payload-hex", line->payload, &count, err))
		return false;
	if (!scan_end(&in))
		return scan_fail(&in, "--payload-hex", "hexadecimal digits are wanted", err);
	line->payload_bytes = (uint32_t)count;
	return true;
}

static bool apply_payload(const struct send_options *options, struct notation *line,
			  struct err *err)
{
	if (options->payload && options->payload_hex)
		return err_set(err, ERR_USAGE, "--payload and --payload-hex exclude each other");
	if (options->payload && !parse_text(options->payload, line, err))
		return false;
	if (options->payload_hex && !parse_hex(options->payload_hex, line, err))
		return false;
	if (options->payload || options->payload_hex) {
		line->said |= SAID_PAYLOAD;
		line->length = line->payload_bytes;
	}
	if (options->payload_length == SEND_UNSAID)
		return true;
	line->length = (uint32_t)options->payload_length;
	if (line->payload_bytes <= line->length)
		return true;
	err_set(err, ERR_USAGE, "the payload has %u octets, --payload-length says %u",
		line->payload_bytes, line->length);
	err_fix(err, "--payload-length %u, or leave it out", line->payload_bytes);
	return false;
}

static void apply_checksums(const struct send_options *options, struct notation *line)
{
	if (options->checksum != SEND_UNSAID)
		line->said &= ~(uint32_t)(SAID_SUM_BAD | SAID_SUM_PARTIAL);
	if (options->checksum == SEND_SUM_BAD)
		line->said |= SAID_SUM_BAD;
	if (options->checksum == SEND_SUM_PARTIAL)
		line->said |= SAID_SUM_PARTIAL;
	if (options->ip_checksum != SEND_UNSAID)
		line->said &= ~(uint32_t)SAID_IP_SUM_BAD;
	if (options->ip_checksum == SEND_SUM_BAD)
		line->said |= SAID_IP_SUM_BAD;
}

/* What the options say holds over what the line says. */
static bool apply(const struct send_options *options, struct notation *line, struct err *err)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		int64_t given;

		memcpy(&given, (const char *)options + numbers[i].option, sizeof(given));
		if (given == SEND_UNSAID)
			continue;

		uint32_t number = (uint32_t)given;

		memcpy((char *)line + numbers[i].number, &number, sizeof(number));
		line->said |= numbers[i].said;
	}
	if (options->no_df)
		line->said |= SAID_NO_DF;
	apply_checksums(options, line);
	if (options->doff != SEND_UNSAID && options->doff % 4)
		return err_set(err, ERR_USAGE, "--doff is in bytes, whole words of 4");
	return (!options->flags || apply_flags(options->flags, line, err)) &&
	       (!options->options || apply_options(options->options, line, err)) &&
	       apply_payload(options, line, err);
}

static bool parse_line(const char *text, struct notation *line, struct err *err)
{
	char timed[LINE_ROOM];
	bool has_time = text[strspn(text, " \t")] == '+' ||
			strspn(text + strspn(text, " \t"), "0123456789") > 0;
	int needed = snprintf(timed, sizeof(timed), "%s%s", has_time ? "" : "0 ", text);
	struct scan in = scan_over(timed);

	if (needed >= (int)sizeof(timed))
		return err_set(err, ERR_USAGE, "the segment's line is too long");
	if (!has_time)
		in.line = timed + 2; /* columns count in what was written */
	if (!notation_parse(&in, line, err)) {
		err_at(err, "'%s'", text);
		err_fix(err, "as in tcpwhy send 'C>S S 0 win 64240 <mss 1460>'");
		return false;
	}
	if (!(line->said & OF_A_CAPTURE))
		return true;
	err_set(err, ERR_USAGE, "cut, vlan, tunnel, stamp, lost and icmp are no part of a segment");
	err_at(err, "'%s'", text);
	err_fix(err, "leave the word out: they are for captures kept as text");
	return false;
}

static bool parse_address(const char *name, const char *text, struct script_end *end,
			  struct err *err)
{
	if (ip_address_port_parse(text, strlen(text), &end->ip, &end->port))
		return true;
	err_set(err, ERR_USAGE, "%s '%s' is no address with a port", name, text);
	err_fix(err, "as 127.0.0.1:9000 or [::1]:9000; names are not looked up");
	return false;
}

/* The end that the notation has by itself: 10.0.0.1:50001 and 10.0.0.2:9000. */
static struct script_end preset_end(bool server, bool v4)
{
	struct script_end end = {
		.port = server ? 9000 : 50001,
		.ttl = 64,
		.window_scale = 7,
		.ip = { .bytes = { 0x20, 0x01, 0x0d, 0xb8, [15] = server ? 2 : 1 } },
	};

	if (v4)
		end.ip = ip_address_v4((const uint8_t[]){ 10, 0, 0, server ? 2 : 1 });
	return end;
}

static bool set_ends(struct send_segment *segment, const struct send_options *options,
		     struct err *err)
{
	bool server = segment->line.from_server;
	const char *far = options->to ? options->to : options->dst;
	const char *hint = far ? far : options->src;
	bool v4 = !hint || hint[0] != '[';
	struct script_end *src = &segment->conn.ends[server], *dst = &segment->conn.ends[!server];

	*src = preset_end(server, v4);
	*dst = preset_end(!server, v4);
	src->isn = (uint32_t)options->isn;
	dst->isn = (uint32_t)options->peer_isn;
	if (far && !parse_address(options->to ? "--to" : "--dst", far, dst, err))
		return false;
	if (options->src && !parse_address("--src", options->src, src, err))
		return false;
	if (options->to && !options->src && !raw_source_for(&dst->ip, &src->ip))
		src->ip = dst->ip; /* no route: sending will say so, after what is to be checked */
	if (ip_address_is_v4(&src->ip) == ip_address_is_v4(&dst->ip))
		return true;
	err_set(err, ERR_USAGE, "one address is IPv4, the other IPv6");
	err_fix(err, "give --src and %s of one family", options->to ? "--to" : "--dst");
	return false;
}

static bool craft(struct send_segment *segment, struct err *err)
{
	const struct notation *line = &segment->line;
	struct ends ends;
	struct packet packet = {
		.segment = &segment->made.seg,
		.link_type = CRAFT_LINK_RAW,
		.ip_length_said = (line->said & SAID_IP_LENGTH) != 0,
		.ip_length = (uint16_t)line->ip_length,
	};

	ends_init(&ends, &segment->conn, 0);
	ends_expect(&ends, line);
	if (!ends_make(&ends, line, 0, &segment->made, err)) {
		if (err->kind == ERR_INPUT) /* here the input is the command line */
			err->kind = ERR_USAGE;
		return false;
	}

	size_t room = PACKET_HEADERS_MOST + segment->made.seg.payload_bytes;

	segment->bytes = malloc(room);
	if (!segment->bytes)
		return err_set(err, ERR_SYSTEM, "out of memory for a segment");
	segment->count = packet_craft(&packet, segment->bytes, room, &segment->layout);
	if (segment->count > 0)
		return true;
	err_set(err, ERR_USAGE, "the packet is longer than its IP length field can say");
	err_fix(err, "less data, or --ip-length 0 as segmentation offload leaves it");
	return false;
}

bool send_segment_init(struct send_segment *segment, const struct send_options *options,
		       const char *text, struct err *err)
{
	*segment = (struct send_segment){ .bytes = NULL };
	return parse_line(text ? text : "C>S S 0", &segment->line, err) &&
	       apply(options, &segment->line, err) && set_ends(segment, options, err) &&
	       craft(segment, err);
}

void send_segment_clear(struct send_segment *segment)
{
	made_clear(&segment->made);
	free(segment->bytes);
	segment->bytes = NULL;
}
