/* SPDX-License-Identifier: BSD-2-Clause */
/* Openings that went well, or that the capture does not hold. Tried last. */
#include "judge/context.h"
#include "judge/themes.h"

/* A SYN-ACK whose ACK was lost is sent again after a second (Linux, Windows, BSD alike). */
#define SYNACK_REPEAT_NS (1 * NSEC_PER_SEC)

/* Whether the server showed by anything but a SYN-ACK or a reset that it has the connection. */
static bool server_confirms(const struct conn *conn)
{
	const struct half *server = conn_server(conn);

	return server->packets > server->syn + server->synack + server->rst;
}

static bool handshake(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;

	if (conn->opening != OPENING_SUCCEEDED)
		return false;
	verdict_cite(out, conn->syn.frame);
	verdict_cite(out, conn->synack.frame);
	verdict_cite(out, conn->handshake_ack.frame);
	if (conn->opened.frame)
		verdict_decided_by(out, conn->opened.frame);
	if (conn->handshake_rtt_ns != TIME_NONE)
		verdict_value(out, "handshake_rtt_ns", VALUE_NS, conn->handshake_rtt_ns);
	if (!conn->syn.frame || !conn->synack.frame) {
		verdict_lower(out);
		return true;
	}
	if (!server_confirms(conn) &&
	    conn->judged_ns - conn->handshake_ack.time_ns < SYNACK_REPEAT_NS) {
		verdict_lower(out);
		verdict_exclude(out, "open.half.final-ack-ignored",
				"the SYN-ACK is not repeated in what was captured, "
				"which ends less than a second later",
				0);
	}
	return true;
}

static bool mid_capture(const struct context *context, struct verdict *out)
{
	if (context->conn->opening != OPENING_MID_CAPTURE)
		return false;
	verdict_decided_by(out, context->conn->first_frame);
	return true;
}

static const struct entry entries[] = {
	{
		.id = "open.handshake",
		.phase = PHASE_OPEN,
		.look = false,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.straight = true,
		.title = "Opened by the three-way handshake",
		.headline = "opened: {client} and {server} completed the three-way handshake",
		.grouped = "opened by the three-way handshake",
		.meaning =
			"Both ends agreed on a connection: each told the other its first sequence "
			"number and got it acknowledged. This is the normal opening. It says that "
			"the two systems talk to each other, not that the server's program has "
			"accepted the connection: the kernel completes the handshake by itself.",
		.evidence =
			"C>S S seq 0; S>C S. seq 0 ack 1; C>S . seq 1 ack 1. The SYN takes one "
			"sequence number, so both acknowledgements say 1. Opened it is when the "
			"server sends anything without SYN that acknowledges the SYN, or when "
			"the client's ACK was seen and no SYN-ACK comes again.",
		.lookalikes =
			"open.half.final-ack-ignored: the client has sent its ACK as here, but the "
			"SYN-ACK is repeated and the client's data is not acknowledged. "
			"open.wrong-synack: the SYN-ACK acknowledges another number than this "
			"SYN's. Without the SYN in the capture it is likely only.",
		.kernel = "The client is ESTABLISHED when the SYN-ACK arrives, the server when the "
			  "ACK of it does; until then Linux keeps only a small request socket "
			  "(SYN-RECV in ss). accept() sends nothing. Counted as ActiveOpens and "
			  "PassiveOpens (nstat).",
		.advice = "Nothing to do. The two parts of the handshake's time (SYN to SYN-ACK, "
			  "SYN-ACK to ACK) show how far each end is from where the capture was "
			  "taken.",
		.source = "RFC 9293, section 3.5; Linux tcp_rcv_synsent_state_process(), "
			  "tcp_check_req()",
		.holds = handshake,
	},
	{
		.id = "open.mid-capture",
		.phase = PHASE_OPEN,
		.look = false,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "Opening not captured",
		.headline = "the capture begins after {client} and {server} had opened their "
			    "connection",
		.grouped = "opened before the capture began",
		.meaning = "No SYN of this connection is in the capture: it was opened earlier, or "
			   "its "
			   "first packets were not captured. What SYNs announce is unknown: the "
			   "window "
			   "scale, the largest segment, which options both ends agreed on. Window "
			   "sizes "
			   "are therefore shown as the header has them, and who is the client is "
			   "inferred.",
		.evidence = "The first segment between these two addresses and ports has no SYN, "
			    "and none follows before the end.",
		.lookalikes =
			"A reset or an ACK that never belonged to a connection (answers to "
			"forged packets, the rest of one that ended earlier) begins without SYN "
			"as well; then nothing but that segment is there.",
		.kernel = "Nothing happens in the kernel; both ends are taken to be ESTABLISHED "
			  "until they show otherwise.",
		.advice = "Start the capture before the program, or make one side connect again, "
			  "when window sizes or the opening matter.",
		.source = "RFC 7323, section 2.2 (the scale is sent in SYN segments only)",
		.holds = mid_capture,
	},
};

const struct theme open_done_theme = {
	.name = "open_done",
	.entries = entries,
	.count = sizeof(entries) / sizeof(entries[0]),
};
