/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_LAB_PATTERN_H
#define TCPWHY_LAB_PATTERN_H

#include "lab/scenario.h"
#include "tcp/segment.h"

/* What of a segment patterns look at. */
struct traits {
	enum end from; /* which host's address it carries */
	uint8_t flags;
	uint32_t payload_bytes;
	uint16_t client_port, server_port;
};

/* The traits of a segment that host @from sends (or in whose name it is crafted). */
struct traits traits_of(const struct segment *seg, enum end from);

/* Whether a segment is such a one; which of them (first, last) is not looked at. */
bool pattern_matches(const struct pattern *pattern, const struct traits *traits);

/* Whether the @nth (from 1) of the segments that match is meant. */
bool pattern_means(const struct pattern *pattern, uint64_t nth);

/* @value OF @number. */
bool comparison_holds(enum comparison_of of, uint64_t value, uint64_t number);

#endif /* TCPWHY_LAB_PATTERN_H */
