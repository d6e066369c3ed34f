/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_JUDGE_ICMP_H
#define TCPWHY_JUDGE_ICMP_H

#include <stdint.h>

/* What an ICMP error says to a connection that is being opened. */
struct icmp_meaning {
	uint8_t version, type, code;
	const char *says;  /* "host unreachable" */
	const char *error; /* what Linux's connect() then fails with */
};

/**
 * icmp_meaning_find() - What an ICMP (4) or ICMPv6 (6) error means to a SYN
 *
 * Return: static; NULL: not an error that says "you can not get there" (it may be about the size of
 * a segment, say).
 * Source: RFC 792, RFC 1812 section 5.2.7.1, RFC 4443 section 3; Linux icmp_err_convert[] and
 * tab_unreach[].
 */
const struct icmp_meaning *icmp_meaning_find(uint8_t version, uint8_t type, uint8_t code);

#endif /* TCPWHY_JUDGE_ICMP_H */
