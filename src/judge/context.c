/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "judge/context.h"

/* "Within one RTT" without any sample: below every retransmission timer. */
#define ANSWER_UNKNOWN_NS (200 * NSEC_PER_MSEC)
#define ANSWER_SLACK_NS	  (10 * NSEC_PER_MSEC)

#define SLOT_MOST_NS (120 * NSEC_PER_SEC) /* Linux's TCP_RTO_MAX */

int64_t context_answer_limit_ns(const struct context *context, enum end end, bool *sure)
{
	const struct conn *conn = context->conn;
	int64_t sample = end == END_CLIENT ? conn->to_client_rtt_ns : conn->to_server_rtt_ns;

	*sure = true;
	if (sample == TIME_NONE)
		sample = conn->half[end].answer_least_ns;
	if (sample == TIME_NONE) {
		const struct host *host = host_find(context->hosts, &conn->half[end].ip);

		if (host)
			sample = host->answer_least_ns;
	}
	if (sample == TIME_NONE || sample < 0) {
		*sure = false;
		return ANSWER_UNKNOWN_NS;
	}
	return 2 * sample + ANSWER_SLACK_NS;
}

uint8_t ttl_start(uint8_t ttl)
{
	if (ttl <= 32)
		return 32;
	if (ttl <= 64)
		return 64;
	return ttl <= 128 ? 128 : 255;
}

bool ttl_differs(uint8_t a, uint8_t b)
{
	return abs(a - b) > 2 || ttl_start(a) != ttl_start(b);
}

static const struct moment *moment_from(const struct conn *conn, unsigned start, enum end from,
					unsigned flags_set, unsigned flags_clear)
{
	for (unsigned i = start; i < conn->moment_count; i++) {
		const struct moment *moment = &conn->moments[i];

		if (moment->from == from && (moment->flags & flags_set) == flags_set &&
		    !(moment->flags & flags_clear))
			return moment;
	}
	return NULL;
}

const struct moment *moment_first(const struct conn *conn, enum end from, unsigned flags_set,
				  unsigned flags_clear)
{
	return moment_from(conn, 0, from, flags_set, flags_clear);
}

const struct moment *moment_after(const struct conn *conn, const struct moment *after,
				  enum end from, unsigned flags_set, unsigned flags_clear)
{
	unsigned start = 0;

	/* By frame, not by place: @after may be a copy, or one that is not remembered. */
	while (start < conn->moment_count && conn->moments[start].frame <= after->frame)
		start++;
	return moment_from(conn, start, from, flags_set, flags_clear);
}

const struct moment *moment_at(const struct conn *conn, uint64_t frame)
{
	for (unsigned i = 0; i < conn->moment_count; i++) {
		if (conn->moments[i].frame == frame)
			return &conn->moments[i];
	}
	return NULL;
}

bool context_slot_passed(const struct context *context, int64_t last_ns, int64_t gap_ns)
{
	int64_t slot = gap_ns >= SLOT_MOST_NS / 2 ? SLOT_MOST_NS : 2 * gap_ns;

	/* The widest slack that still counts as the same timer: 12.5 % and 10 ms. */
	slot += slot / 8 + ANSWER_SLACK_NS;
	return context->conn->judged_ns - last_ns >= slot;
}
