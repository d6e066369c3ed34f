/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_TCP_NOTATION_H
#define TCPWHY_TCP_NOTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/scan.h"
#include "base/text.h"
#include "tcp/segment.h"

/*
 * The one notation for a segment (docs/notation.md): the one parser, the one printer.
 *
 *     0.001 C>S P. 1:518(517) ack 1 win 64256 <nop,nop,ts 5 9> ttl 63
 *
 * A struct notation is a line taken apart: relative numbers, and only what the line says; what it
 * leaves out is filled in by craft/ (a golden capture) or known from the connection (a ladder).
 */

/* What a line says besides time, direction, flags and sequence number (bits of notation.said). */
enum notation_said {
	SAID_TIME_AFTER = 1 << 0, /* time_ns counts from the line before */
	SAID_ACK = 1 << 1,
	SAID_WINDOW = 1 << 2,
	SAID_RAW_WINDOW = 1 << 3,
	SAID_OPTIONS = 1 << 4, /* perhaps none at all */
	SAID_ABS_SEQ = 1 << 5,
	SAID_ABS_ACK = 1 << 6,
	SAID_TTL = 1 << 7,
	SAID_ID = 1 << 8,
	SAID_TOS = 1 << 9,
	SAID_NO_DF = 1 << 10,
	SAID_URGENT = 1 << 11,
	SAID_RESERVED = 1 << 12,
	SAID_HEADER_BYTES = 1 << 13,
	SAID_PAYLOAD = 1 << 14,
	SAID_SUM_BAD = 1 << 15,
	SAID_SUM_PARTIAL = 1 << 16,
	SAID_IP_SUM_BAD = 1 << 17,
	SAID_IP_LENGTH = 1 << 18,
	SAID_CUT = 1 << 19,
	SAID_VLAN = 1 << 20,
	SAID_TUNNEL = 1 << 21,
	SAID_STAMP = 1 << 22,
	SAID_LOST = 1 << 23,
	SAID_ICMP = 1 << 24,
	SAID_ICMP_MTU = 1 << 25,
	SAID_ICMP_QUOTE = 1 << 26,
	SAID_ICMP_TTL = 1 << 27,
};

enum notation_tunnel {
	NOTATION_NO_TUNNEL,
	NOTATION_VXLAN,
	NOTATION_GRE,
	NOTATION_IPIP,
	NOTATION_TUNNELS
};

#define NOTATION_OPTIONS_MOST 40 /* bytes that a TCP header can hold */
#define NOTATION_PAYLOAD_MOST 256
#define NOTATION_LENGTH_MOST  262144 /* octets of payload */
#define NOTATION_VLANS_MOST   4
#define NOTATION_TEXT_BYTES   2048 /* room for any printed line */

struct notation {
	int64_t time_ns;  /* since the start, or after the line before (SAID_TIME_AFTER) */
	int64_t stamp_ns; /* SAID_STAMP: since the start */
	uint32_t said;	  /* enum notation_said bits: which of the fields below hold */
	bool from_server; /* S>C */
	uint8_t flags;	  /* enum tcp_flag bits */
	bool ae;	  /* the AE (NS) flag */
	uint32_t seq;	  /* relative to the sender's ISN */
	uint32_t length;  /* octets of payload */
	uint32_t ack;	  /* relative to the peer's ISN */
	uint32_t abs_seq, abs_ack;
	uint32_t window; /* octets, as the sender means it */
	uint32_t raw_window, urgent, reserved, header_bytes;
	uint32_t ttl, id, tos, ip_length;
	uint32_t cut; /* captured bytes of the frame */
	enum notation_tunnel tunnel;
	struct ip_address icmp_from;
	uint32_t icmp_type, icmp_code, icmp_mtu, icmp_quote, icmp_ttl;
	uint32_t vlans[NOTATION_VLANS_MOST]; /* from outside inwards */
	uint32_t vlan_count;
	uint32_t option_bytes; /* at options, without the padding at their end */
	uint32_t payload_bytes;
	/* As in the header, but the edges of SACK blocks are relative to the peer's ISN. */
	uint8_t options[NOTATION_OPTIONS_MOST];
	uint8_t payload[NOTATION_PAYLOAD_MOST]; /* its first octets */
};

/**
 * notation_parse() - Take one line apart
 * @in:   at the line's start; everything but a comment is read
 * @out:  overwritten
 * @err:  what is wrong and at which column, as ERR_USAGE; the caller adds file and line
 */
bool notation_parse(struct scan *in, struct notation *out, struct err *err);

/* The same without TIME at its start ("C>S F. 1 ack 1"); time_ns is 0. */
bool notation_parse_untimed(struct scan *in, struct notation *out, struct err *err);

/**
 * notation_parse_words() - Read only words ("ttl 63 vlan 7"), as they follow SEQ
 * @out:  added to
 */
bool notation_parse_words(struct scan *in, struct notation *out, struct err *err);

/* Read the TIME at the start of a line: "0.5" or "+0.2". */
bool notation_parse_time(struct scan *in, int64_t *time_ns, bool *after, struct err *err);

/* Print a whole line; notation_parse() of it gives the same struct again. */
void notation_print(const struct notation *line, struct text *out);

/* Its parts, for tables and ladders. */
void notation_print_flags(uint8_t flags, bool ae, struct text *out);		     /* "S.", "-" */
void notation_print_options(const uint8_t *options, size_t bytes, struct text *out); /* "<...>" */

/**
 * notation_of_segment() - Say a captured segment in the notation
 * @seg:           with its options still borrowed
 * @isn:           the sender's ISN
 * @peer_isn:      the receiver's
 * @window_shift:  of the sender's window scale; -1 unknown: the raw window is given
 * @out:           overwritten; time and direction are the caller's to set
 *
 * Holds what the headers say: flags, numbers, window, options, TTL, IP ID, TOS.
 */
void notation_of_segment(const struct segment *seg, struct seq isn, struct seq peer_isn,
			 int window_shift, struct notation *out);

/* Add @isn to (or with @negative take it from) the edges of all SACK blocks in option bytes. */
void notation_shift_sack(uint8_t *options, size_t bytes, struct seq isn, bool negative);

/* How many option bytes are left without the zeros that only fill up the last header word. */
uint32_t notation_options_without_padding(const uint8_t *options, size_t bytes);

/* tcp/notation_options.c: what stands between < and >, the < taken already. */
bool notation_parse_options(struct scan *in, struct notation *out, struct err *err);

#endif /* TCPWHY_TCP_NOTATION_H */
