/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/time.h"
#include "judge/synack.h"

/* Sooner than this no timer sends a SYN-ACK again: it answers a SYN, or the network doubled it. */
#define TIMER_LEAST_NS (200 * NSEC_PER_MSEC)

void synack_repeats_of(const struct conn *conn, struct synack_repeats *out)
{
	int64_t silent_since = conn->synack.time_ns; /* last SYN or SYN-ACK */
	bool acked = false;
	unsigned data_sent = 0;

	*out = (struct synack_repeats){ 0 };
	for (unsigned i = 0; i < conn->moment_count; i++) {
		const struct moment *at = &conn->moments[i];
		bool is_synack = at->from == END_SERVER && !(at->flags & TCP_RST) &&
				 (at->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK);

		if (at->notes & NOTE_CAPTURE_COPY)
			continue;
		if (is_synack && at->frame > conn->synack.frame &&
		    at->raw_seq == conn->synack.raw_seq &&
		    at->time_ns - silent_since >= TIMER_LEAST_NS) {
			out->count++;
			if (!out->first)
				out->first = at;
			out->last = at;
			if (acked && !out->first_after_ack)
				out->first_after_ack = at;
			out->after_ack += acked;
		}
		if (at->from == END_CLIENT && at->frame >= conn->handshake_ack.frame &&
		    conn->handshake_ack.frame && !(at->flags & (TCP_SYN | TCP_RST))) {
			acked = true;
			/* The same first octets again: nothing of them was acknowledged. */
			if (at->payload_bytes && at->seq == 1)
				data_sent++;
		}
		if (at->frame >= conn->synack.frame && (at->flags & TCP_SYN))
			silent_since = at->time_ns;
	}
	out->data_ignored = data_sent >= 2 && out->after_ack;
}
