/* SPDX-License-Identifier: BSD-2-Clause */
/* The options of a segment in the notation: <mss 1460,sackok,ts 1 0,nop,ws 7>. */
#include "tcp/notation.h"
#include "tcp/option.h"

#define OPTION_HEAD_BYTES 2 /* kind and length */
#define SACK_BLOCK_BYTES  8

/* Where an option is put together before it is known to fit. */
struct draft {
	uint8_t bytes[NOTATION_OPTIONS_MOST];
	size_t count; /* so far, kind and length included */
};

static bool draft_put(struct draft *draft, uint32_t value, size_t bytes)
{
	if (draft->count + bytes > sizeof(draft->bytes))
		return false;
	for (size_t i = bytes; i-- > 0;)
		draft->bytes[draft->count++] = (uint8_t)(value >> (8 * i));
	return true;
}

static uint32_t be32_at(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

static bool parse_value(struct scan *in, const char *name, size_t bytes, struct draft *draft,
			struct err *err)
{
	uint64_t value = 0;
	uint64_t most = bytes == 4 ? UINT32_MAX : bytes == 2 ? UINT16_MAX : UINT8_MAX;

	return scan_u64(in, name, most, &value, err) && draft_put(draft, (uint32_t)value, bytes);
}

/* One or several L:R. */
static bool parse_blocks(struct scan *in, struct draft *draft, struct err *err)
{
	do {
		int64_t left = 0;
		int64_t right = 0;

		if (!scan_s64(in, "sack", &left, err))
			return false;
		if (!scan_char(in, ':'))
			return scan_fail(in, "sack", "LEFT:RIGHT is wanted", err);
		if (!scan_s64(in, "sack", &right, err))
			return false;
		bool fits = draft_put(draft, (uint32_t)left, 4);

		if (!fits || !draft_put(draft, (uint32_t)right, 4))
			return scan_fail(in, "sack", "at most 4 blocks fit", err);
	} while (!scan_end(in) && *in->at != ',' && *in->at != '>');
	return true;
}

static bool parse_tail(struct scan *in, const char *name, struct draft *draft, struct err *err)
{
	size_t count = sizeof(draft->bytes) - draft->count;

	if (!scan_hex(in, name, draft->bytes + draft->count, &count, err))
		return false;
	draft->count += count;
	return true;
}

/* What follows the name of a known option. */
static bool parse_known(struct scan *in, const struct tcp_option_kind *row, struct draft *draft,
			struct err *err)
{
	switch (row->kind) {
	case TCP_OPTION_MSS:
		return parse_value(in, row->name, 2, draft, err);
	case TCP_OPTION_WINDOW_SCALE:
		return parse_value(in, row->name, 1, draft, err);
	case TCP_OPTION_SACK:
		return parse_blocks(in, draft, err);
	case TCP_OPTION_TIMESTAMPS:
		return parse_value(in, "ts VAL", 4, draft, err) &&
		       parse_value(in, "ts ECR", 4, draft, err);
	default:
		return parse_tail(in, row->name, draft, err);
	}
}

static bool check_length(const struct scan *in, const struct tcp_option_kind *row, size_t bytes,
			 struct err *err)
{
	if (bytes >= row->length_least && bytes <= row->length_most)
		return true;
	scan_fail(in, row->name, "its length is not one that this option has", err);
	err_fix(err, "write \"opt %u HEX\" for an option of a wrong length", row->kind);
	return false;
}

static bool add_draft(const struct scan *in, const struct draft *draft, struct notation *out,
		      struct err *err)
{
	if (draft->count > sizeof(out->options) - out->option_bytes)
		return scan_fail(in, "options", "more than 40 bytes do not fit", err);
	memcpy(out->options + out->option_bytes, draft->bytes, draft->count);
	out->option_bytes += (uint32_t)draft->count;
	return true;
}

static bool parse_one(struct scan *in, struct notation *out, struct err *err)
{
	struct draft draft = { .count = 0 };
	struct word name = scan_peek(in, ",>");
	const struct tcp_option_kind *row = tcp_option_find_name(name.text, name.length);
	bool raw = word_is(name, "raw");

	if (!row && !raw && !word_is(name, "opt"))
		return scan_fail(in, "options", "no such option", err);
	scan_word(in, ",>");
	if (raw)
		return parse_tail(in, "raw", &draft, err) && add_draft(in, &draft, out, err);
	if (row && row->length_most == 1) {
		draft_put(&draft, row->kind, 1);
		return add_draft(in, &draft, out, err);
	}
	if (row)
		draft_put(&draft, row->kind, 1);
	else if (!parse_value(in, "opt", 1, &draft, err))
		return false;
	draft_put(&draft, 0, 1);
	if (row ? !parse_known(in, row, &draft, err) : !parse_tail(in, "opt", &draft, err))
		return false;
	draft.bytes[1] = (uint8_t)draft.count;
	return (!row || check_length(in, row, draft.count, err)) && add_draft(in, &draft, out, err);
}

bool notation_parse_options(struct scan *in, struct notation *out, struct err *err)
{
	scan_end(in);
	if (scan_char(in, '>'))
		return true;
	for (;;) {
		if (!parse_one(in, out, err))
			return false;
		scan_end(in);
		if (scan_char(in, '>'))
			return true;
		if (!scan_char(in, ','))
			return scan_fail(in, "options", "a comma or > is wanted", err);
	}
}

/* The length of the option at the start of some bytes; 0: no well-formed one. */
static size_t option_length(const uint8_t *bytes, size_t left)
{
	if (bytes[0] == TCP_OPTION_END || bytes[0] == TCP_OPTION_NOP)
		return 1;
	if (left < OPTION_HEAD_BYTES || bytes[1] < OPTION_HEAD_BYTES || bytes[1] > left)
		return 0;
	return bytes[1];
}

static bool is_sack(const uint8_t *option, size_t length)
{
	return option[0] == TCP_OPTION_SACK && length > OPTION_HEAD_BYTES &&
	       (length - OPTION_HEAD_BYTES) % SACK_BLOCK_BYTES == 0;
}

static void print_known(const uint8_t *option, size_t length, const struct tcp_option_kind *row,
			struct text *out)
{
	const uint8_t *value = option + OPTION_HEAD_BYTES;

	text_add(out, "%s", row->name);
	switch (row->kind) {
	case TCP_OPTION_MSS:
		text_add(out, " %u", value[0] << 8 | value[1]);
		return;
	case TCP_OPTION_WINDOW_SCALE:
		text_add(out, " %u", value[0]);
		return;
	case TCP_OPTION_TIMESTAMPS:
		text_add(out, " %u %u", be32_at(value), be32_at(value + 4));
		return;
	case TCP_OPTION_SACK:
		for (; length > OPTION_HEAD_BYTES; length -= SACK_BLOCK_BYTES, value += 8)
			text_add(out, " %u:%u", be32_at(value), be32_at(value + 4));
		return;
	default:
		break;
	}
	if (length > OPTION_HEAD_BYTES) {
		text_add(out, " ");
		text_add_hex(out, value, length - OPTION_HEAD_BYTES);
	}
}

static void print_option(const uint8_t *option, size_t length, struct text *out)
{
	const struct tcp_option_kind *row = tcp_option_find(option[0]);
	bool known = row && length >= row->length_least && length <= row->length_most;

	if (known && (option[0] != TCP_OPTION_SACK || is_sack(option, length))) {
		if (length == 1)
			text_add(out, "%s", row->name);
		else
			print_known(option, length, row, out);
		return;
	}
	text_add(out, "opt %u", option[0]);
	if (length > OPTION_HEAD_BYTES) {
		text_add(out, " ");
		text_add_hex(out, option + OPTION_HEAD_BYTES, length - OPTION_HEAD_BYTES);
	}
}

/* Zeros up to the end of a header word: craft/ puts them there again. */
static bool is_padding(const uint8_t *bytes, size_t left)
{
	static const uint8_t zeros[3] = { 0 };

	return left <= sizeof(zeros) && memcmp(bytes, zeros, left) == 0;
}

void notation_print_options(const uint8_t *options, size_t bytes, struct text *out)
{
	size_t at = 0;

	text_add(out, "<");
	while (at < bytes) {
		size_t length = option_length(options + at, bytes - at);

		if (at > 0)
			text_add(out, ",");
		if (length == 0) {
			text_add(out, "raw ");
			text_add_hex(out, options + at, bytes - at);
			break;
		}
		print_option(options + at, length, out);
		at += length;
		if (length == 1 && options[at - 1] == TCP_OPTION_END && at < bytes) {
			text_add(out, ",raw ");
			text_add_hex(out, options + at, bytes - at);
			break;
		}
	}
	text_add(out, ">");
}

uint32_t notation_options_without_padding(const uint8_t *options, size_t bytes)
{
	size_t at = 0;

	while (at < bytes) {
		size_t length = option_length(options + at, bytes - at);

		if (length == 0)
			break;
		at += length;
		if (length != 1 || options[at - 1] != TCP_OPTION_END)
			continue;
		if (bytes % 4 == 0 && is_padding(options + at, bytes - at))
			return (uint32_t)at;
		break;
	}
	return (uint32_t)bytes;
}

static void shift_edge(uint8_t *edge, struct seq isn, bool negative)
{
	uint32_t value = negative ? be32_at(edge) - isn.raw : be32_at(edge) + isn.raw;

	for (unsigned i = 0; i < 4; i++)
		edge[i] = (uint8_t)(value >> (24 - 8 * i));
}

void notation_shift_sack(uint8_t *options, size_t bytes, struct seq isn, bool negative)
{
	size_t at = 0;

	while (at < bytes) {
		size_t length = option_length(options + at, bytes - at);

		if (length == 0 || options[at] == TCP_OPTION_END)
			return;
		if (is_sack(options + at, length))
			for (size_t edge = OPTION_HEAD_BYTES; edge < length; edge += 4)
				shift_edge(options + at + edge, isn, negative);
		at += length;
	}
}
