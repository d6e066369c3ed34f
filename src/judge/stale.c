/* SPDX-License-Identifier: BSD-2-Clause */
#include "judge/context.h"
#include "judge/stale.h"

static bool answers_elsewhere(const struct moment *syn, const struct moment *at, unsigned with_syn)
{
	uint32_t acked = at->raw_ack - syn->raw_seq; /* 1: the SYN; more: data in it as well */

	return (at->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == (with_syn | TCP_ACK) &&
	       (acked < 1 || acked > 1 + syn->payload_bytes);
}

/* A segment of the client: its SYNs, and its reset of such an answer. */
static void take_client(const struct moment *at, const struct moment **syn,
			struct stale_answer *out)
{
	if ((at->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN)
		*syn = at;
	else if (out->answer && !out->reset && (at->flags & TCP_RST) &&
		 at->raw_seq == out->answer->raw_ack)
		out->reset = at;
}

bool stale_answer_find(const struct conn *conn, unsigned with_syn, struct stale_answer *out)
{
	const struct moment *syn = NULL;

	*out = (struct stale_answer){ 0 };
	for (unsigned i = 0; i < conn->moment_count; i++) {
		const struct moment *at = &conn->moments[i];

		if (conn->synack.frame && at->frame >= conn->synack.frame)
			break;
		if (at->from == END_CLIENT) {
			take_client(at, &syn, out);
			continue;
		}
		if (!syn || !answers_elsewhere(syn, at, with_syn))
			continue;
		if (!out->answer) {
			out->syn = syn;
			out->answer = at;
		}
		out->rounds++;
	}
	return out->answer != NULL;
}
