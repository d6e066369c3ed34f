/* SPDX-License-Identifier: BSD-2-Clause */
#include "tcp/notation.h"

#include "tcp/address.h"

struct flag_letter {
	char letter;
	uint8_t flag;
};

/* In the order in which tcpdump prints them. */
static const struct flag_letter flag_letters[] = {
	{ 'F', TCP_FIN }, { 'S', TCP_SYN }, { 'R', TCP_RST }, { 'P', TCP_PSH },
	{ '.', TCP_ACK }, { 'U', TCP_URG }, { 'E', TCP_ECE }, { 'W', TCP_CWR },
};
#define FLAG_LETTERS (sizeof(flag_letters) / sizeof(flag_letters[0]))

static const char *const tunnel_names[] = {
	[NOTATION_NO_TUNNEL] = "",
	[NOTATION_VXLAN] = "vxlan",
	[NOTATION_GRE] = "gre",
	[NOTATION_IPIP] = "ipip",
};
static_assert(sizeof(tunnel_names) / sizeof(tunnel_names[0]) == NOTATION_TUNNELS,
	      "a name per tunnel");

/*
 * The words, in the order in which they are printed. A number stands at @offset (uint32_t); words
 * without one (offset 0) are marks, or have functions of their own.
 */
struct notation_word {
	const char *name;
	size_t offset; /* in struct notation; 0: no plain number */
	uint32_t said;
	uint32_t most;
	bool (*parse)(struct scan *in, struct notation *out, struct err *err);
	void (*print)(const struct notation *line, struct text *out);
};

static bool parse_options(struct scan *in, struct notation *out, struct err *err);
static bool parse_payload(struct scan *in, struct notation *out, struct err *err);
static bool parse_sum(struct scan *in, struct notation *out, struct err *err);
static bool parse_ip_sum(struct scan *in, struct notation *out, struct err *err);
static bool parse_vlan(struct scan *in, struct notation *out, struct err *err);
static bool parse_tunnel(struct scan *in, struct notation *out, struct err *err);
static bool parse_stamp(struct scan *in, struct notation *out, struct err *err);
static bool parse_icmp(struct scan *in, struct notation *out, struct err *err);
static void print_options(const struct notation *line, struct text *out);
static void print_payload(const struct notation *line, struct text *out);
static void print_sum(const struct notation *line, struct text *out);
static void print_ip_sum(const struct notation *line, struct text *out);
static void print_vlan(const struct notation *line, struct text *out);
static void print_tunnel(const struct notation *line, struct text *out);
static void print_stamp(const struct notation *line, struct text *out);
static void print_icmp(const struct notation *line, struct text *out);

static const struct notation_word words[] = {
	{ .name = "ack",
	  .said = SAID_ACK,
	  .offset = offsetof(struct notation, ack),
	  .most = UINT32_MAX },
	{ .name = "win",
	  .said = SAID_WINDOW,
	  .offset = offsetof(struct notation, window),
	  .most = UINT16_MAX * (UINT32_C(1) << 14) },
	{ .name = "<", .said = SAID_OPTIONS, .parse = parse_options, .print = print_options },
	{ .name = "raw-win",
	  .said = SAID_RAW_WINDOW,
	  .offset = offsetof(struct notation, raw_window),
	  .most = UINT16_MAX },
	{ .name = "abs-seq",
	  .said = SAID_ABS_SEQ,
	  .offset = offsetof(struct notation, abs_seq),
	  .most = UINT32_MAX },
	{ .name = "abs-ack",
	  .said = SAID_ABS_ACK,
	  .offset = offsetof(struct notation, abs_ack),
	  .most = UINT32_MAX },
	{ .name = "ttl",
	  .said = SAID_TTL,
	  .offset = offsetof(struct notation, ttl),
	  .most = UINT8_MAX },
	{ .name = "id",
	  .said = SAID_ID,
	  .offset = offsetof(struct notation, id),
	  .most = UINT16_MAX },
	{ .name = "tos",
	  .said = SAID_TOS,
	  .offset = offsetof(struct notation, tos),
	  .most = UINT8_MAX },
	{ .name = "nodf", .said = SAID_NO_DF },
	{ .name = "urg",
	  .said = SAID_URGENT,
	  .offset = offsetof(struct notation, urgent),
	  .most = UINT16_MAX },
	{ .name = "reserved",
	  .said = SAID_RESERVED,
	  .offset = offsetof(struct notation, reserved),
	  .most = 7 },
	{ .name = "doff",
	  .said = SAID_HEADER_BYTES,
	  .offset = offsetof(struct notation, header_bytes),
	  .most = 60 },
	{ .name = "payload", .said = SAID_PAYLOAD, .parse = parse_payload, .print = print_payload },
	{ .name = "sum",
	  .said = SAID_SUM_BAD | SAID_SUM_PARTIAL,
	  .parse = parse_sum,
	  .print = print_sum },
	{ .name = "ipsum", .said = SAID_IP_SUM_BAD, .parse = parse_ip_sum, .print = print_ip_sum },
	{ .name = "iplen",
	  .said = SAID_IP_LENGTH,
	  .offset = offsetof(struct notation, ip_length),
	  .most = UINT16_MAX },
	{ .name = "cut",
	  .said = SAID_CUT,
	  .offset = offsetof(struct notation, cut),
	  .most = UINT32_MAX },
	{ .name = "vlan", .said = SAID_VLAN, .parse = parse_vlan, .print = print_vlan },
	{ .name = "tunnel", .said = SAID_TUNNEL, .parse = parse_tunnel, .print = print_tunnel },
	{ .name = "stamp", .said = SAID_STAMP, .parse = parse_stamp, .print = print_stamp },
	{ .name = "lost", .said = SAID_LOST },
	{ .name = "icmp", .said = SAID_ICMP, .parse = parse_icmp, .print = print_icmp },
};
#define WORDS (sizeof(words) / sizeof(words[0]))

static uint32_t *number_of(struct notation *line, const struct notation_word *row)
{
	return (uint32_t *)(void *)((char *)line + row->offset);
}

static uint32_t number_in(const struct notation *line, const struct notation_word *row)
{
	uint32_t number;

	memcpy(&number, (const char *)line + row->offset, sizeof(number));
	return number;
}

static bool parse_u32(struct scan *in, const char *what, uint32_t most, uint32_t *value,
		      struct err *err)
{
	uint64_t wide = 0;

	if (!scan_u64(in, what, most, &wide, err))
		return false;
	*value = (uint32_t)wide;
	return true;
}

static bool parse_options(struct scan *in, struct notation *out, struct err *err)
{
	return notation_parse_options(in, out, err);
}

static void print_options(const struct notation *line, struct text *out)
{
	text_add(out, " ");
	notation_print_options(line->options, line->option_bytes, out);
}

static bool parse_payload(struct scan *in, struct notation *out, struct err *err)
{
	size_t count = sizeof(out->payload);
	bool ok;

	if (word_is(scan_peek(in, ""), "hex")) {
		scan_word(in, "");
		ok = scan_hex(in, "payload", out->payload, &count, err);
	} else {
		ok = scan_quoted(in, "payload", out->payload, &count, err);
	}
	out->payload_bytes = (uint32_t)count;
	return ok;
}

static bool is_text(const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if ((bytes[i] < 0x20 || bytes[i] > 0x7e) && !strchr("\r\n\t", bytes[i]))
			return false;
	return true;
}

static void print_payload(const struct notation *line, struct text *out)
{
	text_add(out, " payload ");
	if (is_text(line->payload, line->payload_bytes)) {
		text_add_quoted(out, line->payload, line->payload_bytes);
		return;
	}
	text_add(out, "hex ");
	text_add_hex(out, line->payload, line->payload_bytes);
}

static bool parse_sum(struct scan *in, struct notation *out, struct err *err)
{
	struct scan ahead = *in;
	struct word word = scan_word(&ahead, "");

	if (word_is(word, "bad"))
		out->said |= SAID_SUM_BAD;
	else if (word_is(word, "partial"))
		out->said |= SAID_SUM_PARTIAL;
	else
		return scan_fail(in, "sum", "bad or partial is wanted", err);
	*in = ahead;
	return true;
}

static void print_sum(const struct notation *line, struct text *out)
{
	text_add(out, line->said & SAID_SUM_BAD ? " sum bad" : " sum partial");
}

static bool parse_ip_sum(struct scan *in, struct notation *out, struct err *err)
{
	(void)out;
	if (!word_is(scan_peek(in, ""), "bad"))
		return scan_fail(in, "ipsum", "bad is wanted", err);
	scan_word(in, "");
	return true;
}

static void print_ip_sum(const struct notation *line, struct text *out)
{
	(void)line;
	text_add(out, " ipsum bad");
}

static bool parse_vlan(struct scan *in, struct notation *out, struct err *err)
{
	if (out->vlan_count == NOTATION_VLANS_MOST)
		return scan_fail(in, "vlan", "at most 4 tags", err);
	return parse_u32(in, "vlan", 4095, &out->vlans[out->vlan_count++], err);
}

static void print_vlan(const struct notation *line, struct text *out)
{
	for (uint32_t i = 0; i < line->vlan_count; i++)
		text_add(out, " vlan %u", line->vlans[i]);
}

static bool parse_tunnel(struct scan *in, struct notation *out, struct err *err)
{
	struct word word = scan_peek(in, "");

	for (int tunnel = NOTATION_NO_TUNNEL + 1; tunnel < NOTATION_TUNNELS; tunnel++) {
		if (word_is(word, tunnel_names[tunnel])) {
			scan_word(in, "");
			out->tunnel = (enum notation_tunnel)tunnel;
			return true;
		}
	}
	return scan_fail(in, "tunnel", "vxlan, gre or ipip is wanted", err);
}

static void print_tunnel(const struct notation *line, struct text *out)
{
	text_add(out, " tunnel %s", tunnel_names[line->tunnel]);
}

static bool parse_stamp(struct scan *in, struct notation *out, struct err *err)
{
	return scan_seconds(in, "stamp", &out->stamp_ns, err);
}

static void print_stamp(const struct notation *line, struct text *out)
{
	text_add(out, " stamp ");
	text_add_seconds(out, line->stamp_ns);
}

/* What may follow "icmp TYPE/CODE from ADDR". */
static const struct notation_word icmp_words[] = {
	{ .name = "mtu",
	  .said = SAID_ICMP_MTU,
	  .offset = offsetof(struct notation, icmp_mtu),
	  .most = UINT32_MAX },
	{ .name = "quote",
	  .said = SAID_ICMP_QUOTE,
	  .offset = offsetof(struct notation, icmp_quote),
	  .most = UINT16_MAX },
	{ .name = "ttl",
	  .said = SAID_ICMP_TTL,
	  .offset = offsetof(struct notation, icmp_ttl),
	  .most = UINT8_MAX },
};
#define ICMP_WORDS (sizeof(icmp_words) / sizeof(icmp_words[0]))

static const struct notation_word *find_word(const struct notation_word *table, size_t count,
					     struct word word)
{
	for (size_t i = 0; i < count; i++)
		if (word_is(word, table[i].name))
			return &table[i];
	return NULL;
}

static bool parse_word(struct scan *in, const struct notation_word *row, struct notation *out,
		       struct err *err)
{
	if ((out->said & row->said) && row->said != SAID_VLAN)
		return scan_fail(in, row->name, "it was said before", err);
	if (row->offset && !parse_u32(in, row->name, row->most, number_of(out, row), err))
		return false;
	if (row->parse && !row->parse(in, out, err))
		return false;
	if (!(row->said & SAID_SUM_BAD)) /* parse_sum() says which */
		out->said |= row->said;
	return true;
}

static bool parse_icmp(struct scan *in, struct notation *out, struct err *err)
{
	const char *what = "icmp";

	if (!parse_u32(in, what, UINT8_MAX, &out->icmp_type, err))
		return false;
	if (!scan_char(in, '/'))
		return scan_fail(in, what, "TYPE/CODE is wanted", err);
	if (!parse_u32(in, what, UINT8_MAX, &out->icmp_code, err))
		return false;
	if (!word_is(scan_peek(in, ""), "from"))
		return scan_fail(in, what, "\"from ADDRESS\" is wanted", err);
	scan_word(in, "");

	struct word address = scan_peek(in, "");

	if (!ip_address_parse(address.text, address.length, &out->icmp_from))
		return scan_fail(in, what, "an address is wanted", err);
	scan_word(in, "");
	while (!scan_end(in)) {
		const struct notation_word *row =
			find_word(icmp_words, ICMP_WORDS, scan_peek(in, ""));

		if (!row)
			return scan_fail(in, what, "mtu, quote or ttl is wanted", err);
		scan_word(in, "");
		if (!parse_word(in, row, out, err))
			return false;
	}
	return true;
}

static void print_words(const struct notation_word *table, size_t count,
			const struct notation *line, struct text *out)
{
	for (size_t i = 0; i < count; i++) {
		const struct notation_word *row = &table[i];

		if (!(line->said & row->said))
			continue;
		if (row->print)
			row->print(line, out);
		else if (row->offset)
			text_add(out, " %s %u", row->name, number_in(line, row));
		else
			text_add(out, " %s", row->name);
	}
}

static void print_icmp(const struct notation *line, struct text *out)
{
	char from[ADDRESS_TEXT_BYTES];

	ip_address_print(&line->icmp_from, from);
	text_add(out, " icmp %u/%u from %s", line->icmp_type, line->icmp_code, from);
	print_words(icmp_words, ICMP_WORDS, line, out);
}

bool notation_parse_words(struct scan *in, struct notation *out, struct err *err)
{
	while (!scan_end(in)) {
		const struct notation_word *row;

		if (*in->at == '<') {
			in->at++;
			row = find_word(words, WORDS, (struct word){ "<", 1 });
		} else {
			row = find_word(words, WORDS, scan_peek(in, ""));
			if (!row)
				return scan_fail(in, "segment", "no such word", err);
			scan_word(in, "");
		}
		if (!parse_word(in, row, out, err))
			return false;
	}
	return true;
}

bool notation_parse_time(struct scan *in, int64_t *time_ns, bool *after, struct err *err)
{
	struct scan ahead = *in;

	scan_end(&ahead);
	*after = scan_char(&ahead, '+');
	if (*after && *ahead.at == '-')
		return scan_fail(in, "time", "seconds are wanted after the plus", err);
	if (!scan_seconds(*after ? &ahead : in, "time", time_ns, err))
		return false;
	if (*after)
		*in = ahead;
	return true;
}

static bool parse_direction(struct scan *in, struct notation *out, struct err *err)
{
	struct word word = scan_peek(in, "");

	if (!word_is(word, "C>S") && !word_is(word, "S>C"))
		return scan_fail(in, "direction", "C>S or S>C is wanted", err);
	out->from_server = word_is(word, "S>C");
	scan_word(in, "");
	return true;
}

static bool parse_flags(struct scan *in, struct notation *out, struct err *err)
{
	struct word word = scan_peek(in, "");

	for (size_t i = 0; i < word.length && !word_is(word, "-"); i++) {
		uint8_t flag = 0;

		for (size_t row = 0; row < FLAG_LETTERS; row++)
			if (flag_letters[row].letter == word.text[i])
				flag = flag_letters[row].flag;
		if (word.text[i] == 'e' && !out->ae)
			out->ae = true;
		else if (flag == 0 || (out->flags & flag))
			return scan_fail(in, "flags", "each of S F R P . U E W e at most once",
					 err);
		out->flags |= flag;
	}
	if (word.length == 0)
		return scan_fail(in, "flags", "S F R P . U E W or - is wanted", err);
	scan_word(in, "");
	return true;
}

/* SEQ, SEQ:END or SEQ:END(LEN); END is SEQ + LEN. */
static bool parse_numbers(struct scan *in, struct notation *out, struct err *err)
{
	const char *what = "sequence number";
	int64_t number = 0;
	uint32_t said_length = 0;

	if (!scan_s64(in, what, &number, err))
		return false;
	out->seq = (uint32_t)number;
	if (!scan_char(in, ':'))
		return true;
	if (!scan_s64(in, what, &number, err))
		return false;
	out->length = (uint32_t)number - out->seq;
	if (out->length > NOTATION_LENGTH_MOST)
		return scan_fail(in, what, "the end lies before the start or too far behind it",
				 err);
	if (!scan_char(in, '('))
		return true;
	if (!parse_u32(in, "length", NOTATION_LENGTH_MOST, &said_length, err))
		return false;
	if (!scan_char(in, ')') || said_length != out->length) {
		err_set(err, ERR_USAGE, "length: %u is written where %u:%u has %u octets",
			said_length, out->seq, out->seq + out->length, out->length);
		err_fix(err, "write %u:%u(%u), or leave the length out", out->seq,
			out->seq + out->length, out->length);
		return false;
	}
	return true;
}

/* What only the whole line can tell. */
static bool check(const struct notation *line, struct err *err)
{
	bool has_ack = (line->said & (SAID_ACK | SAID_ABS_ACK)) != 0;

	if ((line->flags & TCP_ACK) && !has_ack) {
		err_set(err, ERR_USAGE, "ack: the flags have \".\" (ACK), but no ack is given");
		err_fix(err, "add \"ack N\", or take the \".\" from the flags");
		return false;
	}
	if (!(line->flags & TCP_ACK) && (line->said & SAID_ACK)) {
		err_set(err, ERR_USAGE, "ack: an ack is given, but the flags lack \".\" (ACK)");
		err_fix(err,
			"add \".\" to the flags; \"abs-ack N\" fills the field without the flag");
		return false;
	}
	if (line->payload_bytes > line->length) {
		err_set(err, ERR_USAGE, "payload: it has %u octets, the segment %u",
			line->payload_bytes, line->length);
		err_fix(err, "write %u:%u", line->seq, line->seq + line->payload_bytes);
		return false;
	}
	return true;
}

/* What follows TIME. */
static bool parse_segment(struct scan *in, struct notation *out, struct err *err)
{
	return parse_direction(in, out, err) && parse_flags(in, out, err) &&
	       parse_numbers(in, out, err) && notation_parse_words(in, out, err) && check(out, err);
}

bool notation_parse(struct scan *in, struct notation *out, struct err *err)
{
	bool after = false;

	memset(out, 0, sizeof(*out));
	if (!notation_parse_time(in, &out->time_ns, &after, err))
		return false;
	if (after)
		out->said |= SAID_TIME_AFTER;
	return parse_segment(in, out, err);
}

bool notation_parse_untimed(struct scan *in, struct notation *out, struct err *err)
{
	memset(out, 0, sizeof(*out));
	return parse_segment(in, out, err);
}

void notation_print_flags(uint8_t flags, bool ae, struct text *out)
{
	for (size_t row = 0; row < FLAG_LETTERS; row++)
		if (flags & flag_letters[row].flag)
			text_add(out, "%c", flag_letters[row].letter);
	if (ae)
		text_add(out, "e");
	if (flags == 0 && !ae)
		text_add(out, "-");
}

void notation_print(const struct notation *line, struct text *out)
{
	if (line->said & SAID_TIME_AFTER)
		text_add(out, "+");
	text_add_seconds(out, line->time_ns);
	text_add(out, line->from_server ? " S>C " : " C>S ");
	notation_print_flags(line->flags, line->ae, out);
	text_add(out, " %u", line->seq);
	if (line->length)
		text_add(out, ":%u(%u)", line->seq + line->length, line->length);
	print_words(words, WORDS, line, out);
}
