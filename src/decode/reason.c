/* SPDX-License-Identifier: BSD-2-Clause */
#include <assert.h>

#include "decode/decode.h"

struct reason_words {
	const char *key;
	const char *text;
};

static const struct reason_words words[] = {
	[DECODE_TCP] = { "tcp", "TCP segments" },
	[DECODE_QUOTED] = { "quoted", "TCP headers quoted in ICMP errors" },
	[DECODE_NOT_IP] = { "not_ip", "not IP (ARP, LLDP, spanning tree, ...)" },
	[DECODE_NOT_TCP] = { "not_tcp", "IP, but not TCP (UDP, ICMP, OSPF, ...)" },
	[DECODE_LINK_UNKNOWN] = { "link_unknown", "link type not decoded" },
	[DECODE_ENCAPSULATION_UNKNOWN] = { "encapsulation_unknown", "encapsulation not decoded" },
	[DECODE_ENCRYPTED] = { "encrypted", "encrypted below TCP (ESP, protected 802.11, MACsec)" },
	[DECODE_LINK_CUT] = { "link_cut", "cut inside the link header" },
	[DECODE_IP_CUT] = { "ip_cut", "cut inside the IP header" },
	[DECODE_TCP_CUT] = { "tcp_cut", "cut inside the TCP header" },
	[DECODE_IP_BAD] = { "ip_bad", "IP header that makes no sense" },
	[DECODE_TCP_BAD] = { "tcp_bad", "shorter than a TCP header" },
	[DECODE_FRAGMENT] = { "fragment", "IP fragments kept for reassembly" },
	[DECODE_FRAGMENT_DROPPED] = { "fragment_dropped", "IP fragments given up" },
	[DECODE_FRAGMENT_CUT] = { "fragment_cut", "IP fragments cut by the snap length" },
	[DECODE_TOO_DEEP] = { "too_deep", "headers nested too deep" },
	[DECODE_TOO_MANY] = { "too_many", "more TCP headers in a frame than are read" },
	[DECODE_EMPTY] = { "empty", "frames without bytes" },
};
static_assert(sizeof(words) / sizeof(words[0]) == DECODE_REASONS, "every reason has its words");

const char *decode_reason_text(enum decode_reason reason)
{
	return reason < DECODE_REASONS ? words[reason].text : "unknown";
}

const char *decode_reason_key(enum decode_reason reason)
{
	return reason < DECODE_REASONS ? words[reason].key : "unknown";
}
