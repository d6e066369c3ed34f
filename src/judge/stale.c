/* SPDX-License-Identifier: BSD-2-Clause */
#include "judge/context.h"
#include "judge/stale.h"

static bool answers_elsewhere(const struct moment *syn, const struct moment *at, unsigned with_syn)
{
	uint32_t acked = at->raw_ack - syn->raw_seq; /* 1: the SYN; more: data in it as well */

	return (at->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == (with_syn | TCP_ACK) &&
	       (acked < 1 || acked > 1 + syn->payload_bytes);
}

bool stale_answer_find(const struct conn *conn, unsigned with_syn, struct stale_answer *out)
{
	const struct moment *syn = NULL;

	*out = (struct stale_answer){ 0 };
	for (unsigned i = 0; i < conn->moment_count; i++) {
		const struct moment *at = &conn->moments[i];

		if (conn->synack.frame && at->frame >= conn->synack.frame)
			break;
		if (at->from == END_CLIENT && (at->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN) {
			syn = at;
		} else if (at->from == END_CLIENT) {
			if (out->answer && !out->reset && (at->flags & TCP_RST) &&
			    at->raw_seq == out->answer->raw_ack)
				out->reset = at;
		} else if (syn && answers_elsewhere(syn, at, with_syn)) {
			if (!out->answer) {
				out->syn = syn;
				out->answer = at;
			}
			out->rounds++;
		}
	}
	return out->answer != NULL;
}
