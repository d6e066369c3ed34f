/* SPDX-License-Identifier: BSD-2-Clause */
#include "judge/ending.h"
#include "judge/themes.h"

/* What is left when nothing ended the connection. Tried last of all. */

/* Longer than any delayed acknowledgement: what is still unacknowledged then is owed. */
#define ACK_OWED_NS (500 * NSEC_PER_MSEC)

static const char *how_it_stands(const struct conn *conn)
{
	for (unsigned end = 0; end < ENDS; end++) {
		const struct half *half = &conn->half[end];

		if (half->has_fin && !conn->half[end_other((enum end)end)].has_fin)
			return end == END_CLIENT ? "closed by the client only, so far"
						 : "closed by the server only, so far";
		if (conn->half[end].shut->shut_now && conn->half[end].shut->blocked_now)
			return end == END_CLIENT ? "the client's window was shut"
						 : "the server's window was shut";
	}
	for (unsigned end = 0; end < ENDS; end++) {
		const struct half *half = &conn->half[end];

		if (half->snd_una != half->snd_nxt && half->last_data.frame &&
		    half->last_data.time_ns + ACK_OWED_NS < conn->judged_ns)
			return end == END_CLIENT ? "the server owed an acknowledgement"
						 : "the client owed an acknowledgement";
	}
	return conn->judged_ns - conn->last_ns >= 10 * NSEC_PER_SEC ? "idle" : "active";
}

static bool still_open(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;

	verdict_cite(out, conn->last_frame);
	verdict_value(out, "idle_ns", VALUE_NS, conn->judged_ns - conn->last_ns);
	verdict_text(out, "state", how_it_stands(conn));
	if (conn->quality.evicted)
		verdict_text(out, "state", "no longer followed: too many connections at once");
	return true;
}

static const struct entry entries[] = {
	{
		.id = "end.open",
		.phase = PHASE_END,
		.look = false,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "Still open",
		.headline =
			"still open when the capture ended ({state}; last packet {idle_ns} before)",
		.grouped = "still open when the capture ended",
		.meaning = "Neither side had finished closing and nothing had reset the connection "
			   "when the capture ended. That is not an error: the capture was stopped "
			   "first.",
		.evidence = "No pair of FINs, no reset that the receiver would take, nothing "
			    "repeated often enough to call it dead.",
		.lookalikes =
			"Two or more repeats without an answer are end.dead.unfinished. A close "
			"that only one side made is end.fin.half-only once a minute has passed.",
		.kernel = "Both sockets exist; ss -ti shows how long ago each last sent and "
			  "received. Without keep-alive an idle connection stays for ever, also "
			  "when the other host is long gone.",
		.advice = "Nothing to do. If it should have ended, look at the last data and who "
			  "was to speak next.",
		.source = "RFC 9293, section 3.3.2 (ESTABLISHED)",
		.holds = still_open,
	},
};

const struct theme end_open_theme = {
	.name = "end_open",
	.entries = entries,
	.count = sizeof(entries) / sizeof(entries[0]),
};
