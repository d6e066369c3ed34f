/* SPDX-License-Identifier: BSD-2-Clause */
/* Options and data in the SYN, and what became of them. */
#include "judge/context.h"
#include "judge/themes.h"

static bool applies(const struct context *context)
{
	return context->conn->syn_payload_bytes && context->conn->opening == OPENING_SUCCEEDED;
}

static bool tfo_accepted(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;

	if (!conn->syn_payload_acked_bytes)
		return false;
	out->by = ACTOR_SERVER;
	verdict_cite(out, conn->syn.frame);
	verdict_decided_by(out, conn->synack.frame);
	verdict_value(out, "syn_bytes", VALUE_BYTES, conn->syn_payload_bytes);
	verdict_value(out, "accepted_bytes", VALUE_BYTES, conn->syn_payload_acked_bytes);
	if (conn->handshake_rtt_ns != TIME_NONE)
		verdict_value(out, "saved_ns", VALUE_NS, conn->handshake_rtt_ns);
	return true;
}

static bool tfo_ignored(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;

	if (conn->syn_payload_acked_bytes || !conn->synack.frame)
		return false;
	out->by = ACTOR_SERVER;
	verdict_cite(out, conn->syn.frame);
	verdict_decided_by(out, conn->synack.frame);
	verdict_cite(out, conn->syn_payload_resent_frame);
	verdict_value(out, "syn_bytes", VALUE_BYTES, conn->syn_payload_bytes);
	if (!conn->syn_payload_resent_frame)
		verdict_lower(out); /* the repeat of the data was not captured (or never sent) */
	return true;
}

static const struct entry entries[] = {
	{
		.id = "life.open.tfo.accepted",
		.phase = PHASE_LIFE,
		.look = false,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "Fast Open: data in the SYN was accepted",
		.headline = "{server} accepted {accepted_bytes} of data in the SYN of {client}: "
			    "one round trip saved by TCP Fast Open",
		.grouped = "data in the SYN accepted by {server} (TCP Fast Open)",
		.meaning = "The client knew a cookie of this server from an earlier connection and "
			   "sent its first data with the SYN; the server took it without waiting "
			   "for the handshake to finish.",
		.evidence = "C>S S with payload (and usually the Fast Open option), S>C S. whose "
			    "ack is 1 plus the length of that data.",
		.lookalikes =
			"life.open.tfo.ignored: the SYN-ACK acknowledges the SYN only. An option "
			"without data is the request for a cookie and saves nothing yet.",
		.kernel = "TCPFastOpenActive and TCPFastOpenPassive in nstat; the server's program "
			  "may answer in SYN-RECV before the last ACK of the handshake came.",
		.advice = "Nothing. Requests that arrive this way may arrive twice: only what is "
			  "safe to repeat belongs into a SYN.",
		.source = "RFC 7413, sections 2 and 4.2; Linux tcp_try_fastopen()",
		.holds = tfo_accepted,
	},
	{
		.id = "life.open.tfo.ignored",
		.phase = PHASE_LIFE,
		.look = false,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "Fast Open: data in the SYN was not accepted",
		.headline = "{server} did not take the {syn_bytes} of data in the SYN of "
			    "{client}; "
			    "they were sent again after the handshake",
		.grouped = "data in the SYN not accepted by {server} (TCP Fast Open)",
		.meaning = "The client tried to save a round trip with data in the SYN, but the "
			   "server acknowledged the SYN alone: its cookie was too old, Fast Open "
			   "is switched off there, or a device removed the option. The data was "
			   "sent again, so only the saving is lost.",
		.evidence = "C>S S with payload, S>C S. ack 1, then C>S P. from seq 1 with the "
			    "same data.",
		.lookalikes = "life.open.tfo.accepted: the SYN-ACK covers the data. "
			      "life.open.tfo.blackholed: the SYN with data is not answered at all.",
		.kernel = "TCPFastOpenActiveFail on the client, TCPFastOpenPassiveFail or "
			  "TCPFastOpenListenOverflow on the server; net.ipv4.tcp_fastopen must "
			  "have bit 2 (value 2) set there.",
		.advice = "On {server_host}: sysctl net.ipv4.tcp_fastopen, and whether the program "
			  "sets TCP_FASTOPEN on its listener. A farm of servers must share the key "
			  "(tcp_fastopen_key).",
		.source = "RFC 7413, section 4.2.2; Linux tcp_fastopen_create_child(), "
			  "tcp_rcv_fastopen_synack()",
		.holds = tfo_ignored,
	},
	{
		.id = "life.open.tfo.blackholed",
		.phase = PHASE_LIFE,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 2,
		.title = "Fast Open is dropped on the path",
		.headline = "SYNs of {client} with Fast Open got no answer from {server}, a plain "
			    "one did: something on the path drops them",
		.grouped = "SYNs with Fast Open to {server} that something drops",
		.meaning =
			"The SYN that carried the Fast Open option or data vanished, and the same "
			"SYN without it was answered at once. A firewall on the path does not like "
			"the option or data in a SYN, and every connection pays a second for it.",
		.evidence = "C>S S with option 34 or payload and no answer, C>S S a second later "
			    "without both, S>C S. ack 1.",
		.lookalikes =
			"Ordinary loss (life.open.retried-syn) hits plain SYNs as often. "
			"life.open.tfo.ignored: the SYN was answered, only its data was not taken.",
		.kernel = "Linux notices by itself: it leaves the option off after a lost SYN and "
			  "switches Fast Open off for an hour (TCPFastOpenBlackhole, "
			  "tcp_fastopen_blackhole_timeout_sec).",
		.advice =
			"Switch Fast Open off for this path, or have the firewall pass option 34.",
		.source = "RFC 7413, section 7.1; Linux tcp_fastopen_active_detect_blackhole()",
	},
	{
		.id = "life.open.option-stripped",
		.phase = PHASE_LIFE,
		.look = true,
		.decidable = DECIDABLE_TWO_CAPTURES,
		.wire_max = CONFIDENCE_POSSIBLE,
		.lab = LAB_YES,
		.first = 2,
		.title = "An option was removed on the path",
		.headline = "an option of the SYN between {client} and {server} was removed or "
			    "changed on the path",
		.grouped = "SYNs to {server} whose options were changed on the path",
		.meaning = "What one end announced in its SYN did not reach the other as it was "
			   "sent: a device took out or rewrote an option (window scale, SACK, "
			   "timestamps, MSS). Lowering the MSS is common and harmless; a removed "
			   "window scale makes transfers slow or stalls them.",
		.evidence = "The SYN at the client's capture carries an option that the same SYN "
			    "at the server's capture lacks or has with another value.",
		.lookalikes = "A host that simply does not support the option does not answer it; "
			      "with one capture that cannot be told from a device on the path.",
		.kernel = "Nothing tells the host; ss -i shows what was agreed on (wscale, sack, "
			  "ts, mss).",
		.advice = "Capture at both ends and compare the SYNs; then walk the path "
			  "(firewall, VPN, load balancer) for one that rewrites TCP options.",
		.source = "RFC 7323, section 2.2; RFC 9293, section 3.1 (options)",
	},
};

const struct theme life_syn_data_theme = {
	.name = "life_syn_data",
	.applies = applies,
	.entries = entries,
	.count = sizeof(entries) / sizeof(entries[0]),
};
