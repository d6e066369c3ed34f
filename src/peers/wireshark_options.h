/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_PEERS_WIRESHARK_OPTIONS_H
#define TCPWHY_PEERS_WIRESHARK_OPTIONS_H

#include "base/cursor.h"
#include "tcp/segment.h"

/*
 * The options of a segment one by one, as far as they were captured: how far Wireshark gets
 * decides what it shows. For wireshark*.c only.
 */
struct ws_option {
	uint8_t kind;
	bool whole;	  /* nothing of it is missing */
	unsigned length;  /* as it says itself, at least 2 */
	struct cursor in; /* behind kind and length */
};

struct ws_options {
	struct cursor in;
	unsigned left; /* bytes of options by the header, also those that were not captured */
};

enum ws_options_step {
	WS_OPTIONS_ONE, /* an option was found */
	WS_OPTIONS_END, /* there are no more, or they make no sense from here on */
	WS_OPTIONS_CUT, /* the captured or quoted bytes end before the options do */
};

struct ws_options ws_options_of(const struct segment *seg);

/* Find the next option; END and NOP are passed over. @option: filled for WS_OPTIONS_ONE. */
enum ws_options_step ws_options_next(struct ws_options *options, struct ws_option *option);

#endif /* TCPWHY_PEERS_WIRESHARK_OPTIONS_H */
