/* SPDX-License-Identifier: BSD-2-Clause */
#include "judge/ending.h"
#include "judge/themes.h"

/*
 * Resets by which a system answers for a connection that it does not have (any more).
 * Source of the order: docs/precedence.md, section 3, "Reply RST".
 */

static bool reset_applies(const struct context *context)
{
	return ending_reset(context) != NULL;
}

/* The accepted reset if it answers the segment before it; a guess costs a step of confidence. */
static const struct reset *reply_reset(const struct context *context, struct verdict *out)
{
	const struct reset *reset = ending_reset(context);
	bool sure = true;

	if (!reset || ending_reset_shape(context, reset, &sure) != RESET_REPLY)
		return NULL;
	if (!sure || ending_reset_from_elsewhere(reset))
		verdict_lower(out);
	return reset;
}

/* Whom, what it answered, how fast, and what it is not. */
static void tell_reply(const struct reset *reset, const struct moment *answered,
		       struct verdict *out)
{
	out->by = actor_of((enum end)reset->at.from);
	verdict_cite(out, answered->frame);
	verdict_decided_by(out, reset->at.frame);
	verdict_value(out, "answered_after_ns", VALUE_NS, reset->at.time_ns - answered->time_ns);
	verdict_value(out, "idle_ns", VALUE_NS,
		      reset->silence_ns != TIME_NONE ? reset->silence_ns : 0);
	if (reset->usual_ttl && !ending_reset_from_elsewhere(reset))
		verdict_exclude(out, "end.rst.injected", "same TTL as that end's other packets",
				reset->at.frame);
	if (!reset->with_ack)
		verdict_exclude(out, "end.rst.abort",
				"no ACK, and its number is the one that the segment before it "
				"acknowledges: an answer, not a decision of its own",
				reset->at.frame);
}

static bool half_open_restart(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;
	const struct reset *reset = reply_reset(context, out);

	if (!reset || !conn->restarted_by_client || reset->trigger.payload_bytes)
		return false;
	verdict_cite(out, conn->replaced_by);
	verdict_cite(out, conn->syn_inside_frame);
	tell_reply(reset, &reset->trigger, out);
	verdict_exclude(out, "end.rst.no-socket",
			"the segment that it answers is the challenge to its own new SYN",
			reset->trigger.frame);
	return true;
}

/* The FIN that came before, and how long before the segment that was too late. */
static void tell_fin_before(const struct context *context, const struct reset *reset,
			    const struct moment *late, struct verdict *out)
{
	const struct fin *fin = context->conn->half[reset->at.from].closing;

	verdict_cite(out, fin->first.frame);
	verdict_cite(out, fin->acked.frame);
	verdict_value(out, "since_fin_ns", VALUE_NS,
		      late->frame > fin->first.frame ? late->time_ns - fin->first.time_ns : 0);
	verdict_value(out, "idle_before_close_ns", VALUE_NS,
		      fin->silence_ns != TIME_NONE ? fin->silence_ns : 0);
	verdict_text(out, "other_side",
		     fin->acked.frame && fin->acked.frame < late->frame
			     ? "had acknowledged the FIN before"
			     : "had not seen the FIN when it sent: they crossed");
}

static bool data_after_close(const struct context *context, struct verdict *out)
{
	const struct reset *reset = ending_reset(context);
	const struct moment *data = reset ? ending_data_after_fin(context, reset) : NULL;
	bool sure = true;

	if (!data)
		return false;

	enum reset_shape shape = ending_reset_shape(context, reset, &sure);

	if (shape != RESET_REPLY && shape != RESET_REPLY_WITH_ACK)
		return false;
	if (!sure || ending_reset_from_elsewhere(reset))
		verdict_lower(out);
	tell_fin_before(context, reset, data, out);
	tell_reply(reset, data, out);
	verdict_value(out, "lost_bytes", VALUE_BYTES, data->payload_bytes);
	if (shape == RESET_REPLY_WITH_ACK)
		verdict_text(out, "sender_system", "not Linux: the reset carries ACK and window 0");
	else
		verdict_exclude(out, "end.rst.unread-data",
				"that reset carries ACK and the sender's next number",
				reset->at.frame);
	return true;
}

static bool late_fin(const struct context *context, struct verdict *out)
{
	const struct reset *reset = reply_reset(context, out);

	if (!reset || !reset->sender_sent_fin || !(reset->trigger.flags & TCP_FIN) ||
	    reset->trigger.payload_bytes)
		return false;
	tell_fin_before(context, reset, &reset->trigger, out);
	tell_reply(reset, &reset->trigger, out);
	verdict_exclude(out, "end.rst.data-after-close", "the late segment carries no data",
			reset->trigger.frame);
	return true;
}

static bool no_socket(const struct context *context, struct verdict *out)
{
	const struct reset *reset = reply_reset(context, out);

	if (!reset || ending_reset_confirms_half_only(context, reset))
		return false;
	tell_reply(reset, &reset->trigger, out);
	if (reset->sender_sent_fin)
		tell_fin_before(context, reset, &reset->trigger, out);
	else
		verdict_exclude(out, "end.rst.data-after-close", "no FIN of that side came before",
				reset->at.frame);
	if (ending_reset_from_elsewhere(reset)) {
		verdict_value(out, "ttl", VALUE_COUNT, reset->at.ttl);
		verdict_value(out, "usual_ttl", VALUE_COUNT, reset->usual_ttl);
	}
	return true;
}

static const struct entry entries[] = {
	{
		.id = "end.rst.half-open-restart",
		.phase = PHASE_END,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "Old connection found and reset by a new start",
		.headline = "{by_role} started anew on the same ports, met this old connection at "
			    "{other} and reset it",
		.grouped = "old connections met and reset by a new start on the same ports",
		.meaning = "One end had lost this connection (it crashed, was restarted, or a "
			   "translating device gave its port away) while the other end still held "
			   "it. When a new connection with the same addresses and ports was tried, "
			   "the old one answered, and the newcomer, who knows nothing of it, reset "
			   "it. This is the protocol cleaning up; what matters is that the old "
			   "connection had been dead on one side before.",
		.evidence = "A SYN with a new initial number inside a living connection; the other "
			    "side answers it with a plain ACK of the old numbers (a challenge "
			    "ACK); the sender of the SYN answers that with a bare RST whose number "
			    "is exactly that ack. The next SYN then gets through.",
		.lookalikes = "end.rst.no-socket: there the reset answers ordinary data or a "
			      "probe, here the challenge to a SYN. If the SYN is accepted at once, "
			      "without challenge and reset, it is end.replaced.",
		.kernel = "The side that is reset gives its program ECONNRESET. Linux counts "
			  "TCPSYNChallenge and TCPChallengeACK there; the newcomer's connect() is "
			  "only delayed, by a few milliseconds on Linux, by a whole SYN interval "
			  "on others.",
		.advice = "Look why {by_host} lost the connection: a crash or restart with a fixed "
			  "source port, a container moved, NAT reusing a port too early. Shorter "
			  "keep-alive on {other_host} would have found the dead connection before.",
		.source = "RFC 9293, section 3.5.1, figure 9 (half-open connections); RFC "
			  "5961, section 4",
		.holds = half_open_restart,
	},
	{
		.id = "end.rst.data-after-close",
		.phase = PHASE_END,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 1,
		.title = "Data met a closed side",
		.headline = "{by_role} closed after {idle_before_close_ns} of silence; "
			    "{other_role} still sent {lost_bytes}, {since_fin_ns} later, and was "
			    "answered with a reset: they are lost",
		.grouped =
			"reset by {by_host}, which had closed, when the other side still sent data",
		.meaning = "One side called close(): it will neither send nor read any more. The "
			   "other side still sent data, perhaps before it looked whether the "
			   "connection was over. Nobody is there to read it, so the system says so "
			   "with a reset. The data is lost and the sender usually learns it one "
			   "call too late.",
		.evidence = "A FIN of one side; payload from the other side; within one round trip "
			    "a bare RST with the sequence number that the payload segment "
			    "acknowledged, window 0 and no options. The socket was gone: the reset "
			    "is made from the offending segment alone.",
		.lookalikes = "Unread data at close (end.rst.unread-data): that reset comes by "
			      "itself, carries ACK and the next sequence number, and no FIN "
			      "precedes it. A half close (shutdown) looks the same up to the data, "
			      "but there the data is acknowledged. A late FIN without data is "
			      "end.rst.late-fin: nothing is lost there.",
		.kernel = "Linux: data for a closed socket in FIN_WAIT_2 or TIME_WAIT gets a reset "
			  "with reason TCP_TIMEWAIT_SOCKET, in FIN_WAIT_1 TCP_ABORT_ON_DATA, later "
			  "NO_SOCKET. At the sender the first send() succeeds; then read() gives "
			  "end-of-file and the next send() EPIPE, because its socket was in "
			  "CLOSE_WAIT.",
		.advice =
			"On {other_host}: check for end-of-file before reusing an idle connection, "
			"and repeat a request that fails this way if it may be repeated. Keep the "
			"client's idle limit shorter than the server's. On {by_host}: if data may "
			"still come, shutdown(SHUT_WR), read to end-of-file, then close(). TCP "
			"keep-alive is no help: the program closed, not the host. A few dozen lost "
			"octets of TLS are its close alert: harmless.",
		.source = "RFC 9293, section 3.6.1 (data after CLOSE is answered with RST); RFC "
			  "1122, section 4.2.2.13; Linux tcp_timewait_state_process()",
		.holds = data_after_close,
	},
	{
		.id = "end.rst.late-fin",
		.phase = PHASE_END,
		.look = false,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 1,
		.title = "Late FIN met a forgotten connection",
		.headline = "{by_role} had closed and forgotten the connection; the FIN of "
			    "{other_role}, {since_fin_ns} later, was answered with a reset; no "
			    "data was lost",
		.grouped = "closed properly by one side, the other's FIN came after it had been "
			   "forgotten",
		.meaning =
			"The second side closed too, but so late that the first had already given "
			"up waiting and dropped the connection. The reset tells the late side that "
			"nobody remembers it. Both programs had finished; nothing was lost.",
		.evidence = "A FIN of one side, acknowledged; much later the other side's FIN "
			    "without data; within one round trip a bare RST whose number is the "
			    "ack of that FIN.",
		.lookalikes = "With payload in the late segment it is end.rst.data-after-close and "
			      "that payload is lost. A reset after both FINs were acknowledged is "
			      "only life.rst.after-close.",
		.kernel =
			"Linux drops a closed socket in FIN_WAIT_2 after net.ipv4.tcp_fin_timeout "
			"(60 s); what comes then finds no socket (reason NO_SOCKET). At the late "
			"side close() had long returned, so its program notices nothing.",
		.advice =
			"Nothing was lost. If {other_host} often closes a minute late, its program "
			"leaves sockets in CLOSE_WAIT: close as soon as read() returns 0.",
		.source = "RFC 9293, section 3.10.7.1 (reset for a connection that does not "
			  "exist); Linux net.ipv4.tcp_fin_timeout",
		.holds = late_fin,
	},
	{
		.id = "end.rst.linger2",
		.phase = PHASE_END,
		.look = false,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 2,
		.title = "Reset as soon as the FIN was acknowledged",
		.headline = "{by_role} closed and reset the connection as soon as its FIN was "
			    "acknowledged",
		.grouped = "closed, then reset as soon as the FIN was acknowledged",
		.meaning = "The closing side did not want to wait for the other's FIN at all. "
			   "Either its program asked for that (TCP_LINGER2 below zero) or its "
			   "system had too many orphaned sockets to keep another one.",
		.evidence = "A FIN; the pure ACK of it; within one round trip a bare RST of the "
			    "closer at FIN seq + 1.",
		.lookalikes = "If the segment that is answered carries data it is "
			      "end.rst.data-after-close. A reset much later, in answer to a probe, "
			      "only confirms end.fin.half-only.",
		.kernel = "Linux sends it from tcp_rcv_state_process() when FIN_WAIT_2 would "
			  "begin; the reason printed is TCP_ABORT_ON_DATA, or TCP_ABORT_ON_LINGER "
			  "from the close path, and TCPAbortOnLinger counts it. /proc/net/sockstat "
			  "shows the orphans, the log says 'too many orphaned sockets'.",
		.advice = "Look for setsockopt(TCP_LINGER2, -1) in the program of {by_host}; if "
			  "there is none, look at net.ipv4.tcp_max_orphans and /proc/net/sockstat.",
		.source = "Linux tcp(7) TCP_LINGER2; tcp_rcv_state_process(), tcp_close()",
		.holds = NULL,
	},
	{
		.id = "end.rst.protocol-error",
		.phase = PHASE_END,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 2,
		.title = "Reset because of a broken segment",
		.headline = "{by_role} reset the connection because a segment of {other_role} "
			    "broke the protocol",
		.grouped = "reset because a segment broke the protocol",
		.meaning = "The segment that was answered could not belong to this connection: it "
			   "acknowledged something that was never sent, or its signature (MD5, "
			   "TCP-AO) was missing or wrong.",
		.evidence = "A bare RST within one round trip after a segment whose ack is beyond "
			    "everything its receiver ever sent, or which carries no or a different "
			    "signature option than the ones before.",
		.lookalikes = "In an established connection current systems answer an impossible "
			      "ack with an ACK, not with a reset. A missing socket "
			      "(end.rst.no-socket) resets correct segments too.",
		.kernel = "Linux reasons TCP_ACK_UNSENT_DATA, TCP_INVALID_ACK_SEQUENCE, "
			  "TCP_TOO_OLD_ACK; wrong signatures are dropped and counted "
			  "(TCPMD5Failure, TCPAOBad) rather than reset.",
		.advice = "Compare both ends' captures: a device that rewrites sequence numbers, "
			  "or a stale segment of an older connection. For signatures compare the "
			  "keys on both routers.",
		.source = "RFC 9293, section 3.10.7.4; RFC 5961, section 5; RFC 2385; RFC 5925",
		.holds = NULL,
	},
	{
		.id = "end.rst.no-socket",
		.phase = PHASE_END,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 1,
		.title = "The host no longer knows the connection",
		.headline = "{by_host} answered a segment of this living connection with a reset: "
			    "it no longer knows the connection",
		.grouped = "reset by {by_host}, which no longer knows the connections",
		.meaning = "A segment of a living connection reached a system that has no such "
			   "connection: it was rebooted or replaced since (another machine took "
			   "over its address, a container was started anew), or had given the "
			   "connection up in silence. The reset is made from that segment alone.",
		.evidence = "A bare RST, sequence number = the ack of the segment just before it, "
			    "window 0, no options, within one round trip; that side had sent no "
			    "FIN. Often after a pause, in which nobody noticed.",
		.lookalikes = "If that side had sent a FIN before, it is end.rst.data-after-close "
			      "or end.rst.late-fin. A device that forgot the connection and forged "
			      "the reset shows another TTL (end.rst.injected). A decision of the "
			      "living socket carries ACK (end.rst.abort).",
		.kernel = "Linux reason NO_SOCKET (or TCP_FLAGS when a listener exists on that "
			  "port); no socket, so no process to ask. The other side gets ECONNRESET. "
			  "A system that gave up on retransmissions forgets without a packet and "
			  "answers like this later.",
		.advice =
			"Ask what happened to {by_host} before: uptime, restarts, failover of the "
			"address, a load balancer that sent the segment to another server. The "
			"peer should reconnect; keep-alive shortens the time until it notices.",
		.source = "RFC 9293, section 3.10.7.1 (segment for a CLOSED connection); Linux "
			  "tcp_v4_send_reset()",
		.holds = no_socket,
	},
};

const struct theme end_rst_reply_theme = {
	.name = "end_rst_reply",
	.entries = entries,
	.count = sizeof(entries) / sizeof(entries[0]),
	.applies = reset_applies,
};
