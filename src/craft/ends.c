/* SPDX-License-Identifier: BSD-2-Clause */
#include "craft/ends.h"

#include <stdlib.h>

#include "base/time.h"
#include "tcp/option.h"

#define MSS_IPV4	 1460
#define MSS_IPV6	 1440
#define WINDOW_SYN	 64240
#define WINDOW_SYN_ACK	 65160
#define WINDOW_CLIENT	 64256 /* 502 x 128 */
#define WINDOW_SERVER	 65152 /* 509 x 128 */
#define SHIFT_LINUX	 7
#define TCP_HEADER_BYTES 20

void ends_init(struct ends *ends, const struct script_conn *conn, uint32_t index)
{
	*ends = (struct ends){ .conn = conn };
	for (uint32_t end = 0; end < 2; end++) {
		const struct script_end *said = &conn->ends[end];
		uint16_t own = (uint16_t)(4099 * (2 * index + end + 1) + 7);

		ends->now[end].next_id = said->id_said ? (uint16_t)said->id : own;
	}
}

/* The option of a kind in option bytes; NULL: none. */
static const uint8_t *find_option(const uint8_t *options, size_t bytes, uint8_t kind)
{
	size_t at = 0;

	while (at < bytes && options[at] != TCP_OPTION_END) {
		if (options[at] == kind)
			return options + at;
		if (options[at] == TCP_OPTION_NOP)
			at++;
		else if (at + 1 < bytes && options[at + 1] >= 2)
			at += options[at + 1];
		else
			return NULL;
	}
	return NULL;
}

void ends_expect(struct ends *ends, const struct notation *line)
{
	struct end_now *now = &ends->now[line->from_server];
	const struct end_now *peer = &ends->now[!line->from_server];

	if (!(line->flags & TCP_SYN) || (line->said & SAID_ICMP) || now->has_syn)
		return;
	now->has_syn = true;
	if (!(line->said & SAID_OPTIONS)) {
		bool answer = (line->flags & TCP_ACK) && peer->has_syn;

		now->syn_timestamps = !answer || peer->syn_timestamps;
		now->syn_sack = !answer || peer->syn_sack;
		now->syn_scaled = !answer || peer->syn_scaled;
		now->syn_shift = SHIFT_LINUX;
		return;
	}

	const uint8_t *scale =
		find_option(line->options, line->option_bytes, TCP_OPTION_WINDOW_SCALE);

	now->syn_timestamps =
		find_option(line->options, line->option_bytes, TCP_OPTION_TIMESTAMPS) != NULL;
	now->syn_scaled = scale != NULL && line->options + line->option_bytes - scale >= 3;
	now->syn_shift = now->syn_scaled ? scale[2] : 0;
}

static bool both_timestamps(const struct ends *ends)
{
	for (unsigned end = 0; end < 2; end++)
		if (ends->now[end].has_syn && !ends->now[end].syn_timestamps)
			return false;
	return true;
}

/* By how much an end's window field is shifted after the handshake. */
static unsigned window_shift(const struct ends *ends, unsigned end)
{
	const struct end_now *now = &ends->now[end];
	const struct end_now *peer = &ends->now[!end];

	if (peer->has_syn && !peer->syn_scaled)
		return 0;
	if (!now->has_syn)
		return ends->conn->ends[end].window_scale;
	return !now->syn_scaled ? 0 : now->syn_shift > 14 ? 14 : now->syn_shift;
}

/* The clock of a host's time stamps towards another: milliseconds from a start of its own. */
static uint32_t tsval_at(const struct ends *ends, unsigned end, int64_t time_ns)
{
	uint32_t start = 2166136261u;

	for (unsigned i = 0; i < 32; i++) {
		const struct script_end *of = &ends->conn->ends[i < 16 ? end : !end];

		start = (start ^ of->ip.bytes[i % 16]) * 16777619u;
	}
	return (start & 0x3fffffff) + (uint32_t)(time_ns / NSEC_PER_MSEC);
}

/* What a host sends without a socket for it: no options, no window, IP ID 0. */
static bool is_bare_reply(const struct ends *ends, const struct notation *line)
{
	if (!(line->flags & TCP_RST))
		return false;
	return !(line->flags & TCP_ACK) ||
	       (line->seq == 0 && !ends->now[line->from_server].sent_any);
}

struct option_writer {
	uint8_t *bytes;
	unsigned count;
};

static void put(struct option_writer *out, uint32_t value, unsigned bytes)
{
	while (bytes-- > 0)
		out->bytes[out->count++] = (uint8_t)(value >> (8 * bytes));
}

static void put_timestamps(struct option_writer *out, uint32_t tsval, uint32_t tsecr)
{
	put(out, TCP_OPTION_TIMESTAMPS, 1);
	put(out, 10, 1);
	put(out, tsval, 4);
	put(out, tsecr, 4);
}

/* Linux: mss, sackok, ts, nop, ws; what is missing is filled up with nop. */
static void put_syn_options(const struct ends *ends, unsigned end, uint32_t tsval, uint32_t tsecr,
			    struct option_writer *out)
{
	const struct end_now *now = &ends->now[end];
	bool v4 = ip_address_is_v4(&ends->conn->ends[end].ip);

	put(out, TCP_OPTION_MSS << 8 | 4, 2);
	put(out, v4 ? MSS_IPV4 : MSS_IPV6, 2);
	if (now->syn_sack)
		put(out, TCP_OPTION_SACK_PERMITTED << 8 | 2, 2);
	else if (now->syn_timestamps)
		put(out, TCP_OPTION_NOP << 8 | TCP_OPTION_NOP, 2);
	if (now->syn_timestamps)
		put_timestamps(out, tsval, tsecr);
	else if (now->syn_sack)
		put(out, TCP_OPTION_NOP << 8 | TCP_OPTION_NOP, 2);
	if (now->syn_scaled)
		put(out,
		    (uint32_t)TCP_OPTION_NOP << 24 | TCP_OPTION_WINDOW_SCALE << 16 | 3 << 8 |
			    now->syn_shift,
		    4);
}

static void make_options(struct ends *ends, const struct notation *line, int64_t time_ns,
			 struct made_segment *made)
{
	unsigned end = line->from_server;
	const struct end_now *peer = &ends->now[!end];
	uint32_t tsval = tsval_at(ends, end, time_ns);
	uint32_t tsecr = peer->tsval_known ? peer->newest_tsval
			 : peer->has_syn || (line->flags & TCP_SYN && !(line->flags & TCP_ACK))
				 ? 0
				 : tsval_at(ends, !end, time_ns);
	struct option_writer out = { .bytes = made->options, .count = 0 };

	made->seg.options = made->options;
	if (line->said & SAID_OPTIONS) {
		memcpy(made->options, line->options, line->option_bytes);
		notation_shift_sack(made->options, line->option_bytes,
				    seq_of(ends->conn->ends[!end].isn), false);
		out.count = line->option_bytes;
	} else if (line->flags & TCP_SYN) {
		put_syn_options(ends, end, tsval, line->flags & TCP_ACK ? tsecr : 0, &out);
	} else if (!is_bare_reply(ends, line) && both_timestamps(ends)) {
		put(&out, TCP_OPTION_NOP << 8 | TCP_OPTION_NOP, 2);
		put_timestamps(&out, tsval, tsecr);
	}
	made->seg.options_bytes = (uint8_t)out.count;
}

static void note_tsval(struct ends *ends, unsigned end, const struct made_segment *made)
{
	const uint8_t *option =
		find_option(made->options, made->seg.options_bytes, TCP_OPTION_TIMESTAMPS);

	if (!option || made->options + made->seg.options_bytes - option < 10)
		return;
	ends->now[end].tsval_known = true;
	ends->now[end].newest_tsval = (uint32_t)option[2] << 24 | (uint32_t)option[3] << 16 |
				      (uint32_t)option[4] << 8 | option[5];
}

static bool make_window(const struct ends *ends, const struct notation *line,
			struct made_segment *made, struct err *err)
{
	unsigned end = line->from_server;
	const struct script_end *said = &ends->conn->ends[end];
	bool syn = (line->flags & TCP_SYN) != 0;
	unsigned shift = syn ? 0 : window_shift(ends, end);
	uint32_t window;

	if (line->said & SAID_RAW_WINDOW) {
		made->seg.window = (uint16_t)line->raw_window;
		return true;
	}
	if (line->said & SAID_WINDOW)
		window = line->window;
	else if (is_bare_reply(ends, line))
		window = 0;
	else if (said->window_said)
		window = said->window;
	else if (syn)
		window = line->flags & TCP_ACK ? WINDOW_SYN_ACK : WINDOW_SYN;
	else
		window = line->from_server ? WINDOW_SERVER : WINDOW_CLIENT;

	made->seg.window = (uint16_t)(window >> shift);
	if (!(line->said & SAID_WINDOW))
		return true;
	if (window >> shift > UINT16_MAX) {
		err_set(err, ERR_INPUT, "win %u does not fit: the scale is %u", window, shift);
		err_fix(err, "at most %u; or give its SYN a larger ws", UINT16_MAX << shift);
		return false;
	}
	if ((uint32_t)made->seg.window << shift != window) {
		err_set(err, ERR_INPUT, "win %u is no multiple of %u, as the scale %u asks", window,
			1u << shift, shift);
		err_fix(err, "write win %u, or raw-win for the header's field",
			(uint32_t)made->seg.window << shift);
		return false;
	}
	return true;
}

/* Letters that depend on the place in the stream: the same octets whenever they are sent. */
static bool make_payload(const struct notation *line, struct made_segment *made, struct err *err)
{
	made->seg.payload_bytes = line->length;
	made->seg.payload_captured = line->length;
	if (line->length == 0)
		return true;
	made->payload = malloc(line->length);
	if (!made->payload)
		return err_set(err, ERR_SYSTEM, "out of memory for a segment from text");
	for (uint32_t i = 0; i < line->length; i++)
		made->payload[i] = (uint8_t)('a' + (line->seq + i) % 26);
	memcpy(made->payload, line->payload, line->payload_bytes);
	made->seg.payload = made->payload;
	return true;
}

static uint16_t make_id(struct end_now *now, const struct notation *line, bool bare)
{
	if (line->said & SAID_ID)
		return (uint16_t)line->id;
	if (line->said & SAID_ICMP)
		return now->last_id;
	if (bare || (line->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK))
		return 0;
	now->last_id = now->next_id++;
	return now->last_id;
}

static void make_numbers(const struct ends *ends, const struct notation *line, bool bare,
			 struct segment *seg)
{
	const struct script_end *end = &ends->conn->ends[line->from_server];
	const struct script_end *peer = &ends->conn->ends[!line->from_server];
	bool raw = bare && (line->flags & TCP_ACK); /* a closed port knows no ISN */

	seg->seq = seq_of(raw ? 0 : end->isn + line->seq);
	if (line->said & SAID_ABS_SEQ)
		seg->seq = seq_of(line->abs_seq);
	if (line->said & SAID_ACK)
		seg->ack = seq_of(peer->isn + line->ack);
	if (line->said & SAID_ABS_ACK)
		seg->ack = seq_of(line->abs_ack);
}

static uint16_t make_what(const struct notation *line, bool v4)
{
	unsigned what = 0;

	if (!v4)
		what |= SEGMENT_IPV6;
	if (!(line->said & SAID_NO_DF))
		what |= SEGMENT_DONT_FRAGMENT;
	if (line->said & SAID_SUM_BAD)
		what |= SEGMENT_TCP_SUM_BAD;
	if (line->said & SAID_SUM_PARTIAL)
		what |= SEGMENT_TCP_SUM_BAD | SEGMENT_TCP_SUM_PARTIAL;
	if (line->said & SAID_IP_SUM_BAD)
		what |= SEGMENT_IP_SUM_BAD;
	return (uint16_t)what;
}

bool ends_make(struct ends *ends, const struct notation *line, int64_t time_ns,
	       struct made_segment *made, struct err *err)
{
	const struct script_end *from = &ends->conn->ends[line->from_server];
	const struct script_end *to = &ends->conn->ends[!line->from_server];
	struct end_now *now = &ends->now[line->from_server];
	bool bare = is_bare_reply(ends, line);
	bool v4 = ip_address_is_v4(&from->ip);

	*made = (struct made_segment){ .payload = NULL };
	if (v4 != ip_address_is_v4(&to->ip))
		return err_set(err, ERR_INPUT,
			       "connection %s: one end has an IPv4 address, the other an IPv6 one",
			       ends->conn->name);
	made->seg.src = from->ip;
	made->seg.dst = to->ip;
	made->seg.src_port = from->port;
	made->seg.dst_port = to->port;
	made->seg.flags = line->flags;
	made->seg.flags_reserved = (uint8_t)(line->reserved << 1 | line->ae);
	made->seg.urgent = (uint16_t)line->urgent;
	made->seg.ttl = (uint8_t)(line->said & SAID_TTL ? line->ttl : from->ttl);
	made->seg.ip_tos = (uint8_t)line->tos;
	made->seg.what = make_what(line, v4);
	make_numbers(ends, line, bare, &made->seg);
	make_options(ends, line, time_ns, made);
	made->seg.header_bytes =
		(uint8_t)(TCP_HEADER_BYTES + (made->seg.options_bytes + 3) / 4 * 4);
	if (line->said & SAID_HEADER_BYTES)
		made->seg.header_bytes = (uint8_t)line->header_bytes;
	if (!make_window(ends, line, made, err) || !make_payload(line, made, err))
		return false;
	made->seg.ip_id = make_id(now, line, bare);
	if (line->said & SAID_ICMP)
		return true;
	note_tsval(ends, line->from_server, made);
	now->sent_any = true;
	return true;
}

void made_clear(struct made_segment *made)
{
	free(made->payload);
	made->payload = NULL;
}
