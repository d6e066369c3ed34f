/* SPDX-License-Identifier: BSD-2-Clause */
/* Openings that stopped half way: the server had answered. */
#include "judge/context.h"
#include "judge/synack.h"
#include "judge/themes.h"

/* Linux sends an unacknowledged SYN-ACK again after a second: a request that still waits shows. */
#define SYNACK_REPEAT_NS (1 * NSEC_PER_SEC)

static bool applies(const struct context *context)
{
	const struct conn *conn = context->conn;

	return conn->opening == OPENING_HALF ||
	       (conn->opening == OPENING_SUCCEEDED && conn->ending_reset >= 0);
}

static bool client_gone(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;

	if (conn->opening != OPENING_HALF || conn->handshake_ack.frame || !conn->synack.frame)
		return false;

	const struct moment *reset =
		moment_after(conn, &conn->synack, END_CLIENT, TCP_RST, TCP_SYN);

	while (reset && reset->raw_seq != conn->synack.raw_ack) /* those were not taken */
		reset = moment_after(conn, reset, END_CLIENT, TCP_RST, TCP_SYN);
	if (!reset)
		return false;
	out->by = ACTOR_CLIENT;
	verdict_cite(out, conn->syn.frame);
	verdict_cite(out, conn->synack.frame);
	verdict_decided_by(out, reset->frame);
	verdict_value(out, "answer_ns", VALUE_NS, reset->time_ns - conn->synack.time_ns);
	if (!conn->syn.frame || (reset->flags & TCP_ACK))
		verdict_lower(out); /* whose SYN it was, or what sent the reset, is less clear */
	verdict_exclude(out, "open.wrong-synack", "the SYN-ACK acknowledges this SYN",
			conn->synack.frame);
	return true;
}

/* The bare reset that ended a handshake of which the server never confirmed anything. */
static const struct reset *overflow_reset(const struct conn *conn)
{
	const struct half *server = conn_server(conn);

	if (conn->ending_reset < 0 || !conn->handshake_ack.frame || !conn->synack.frame)
		return NULL;

	const struct reset *reset = &conn->resets[conn->ending_reset];

	/* Linux alone does this; its bare resets have window 0. */
	if (reset->at.from != END_SERVER || reset->with_ack || reset->at.window ||
	    server->data_packets || server->has_fin ||
	    server->packets > server->syn + server->synack + server->rst)
		return NULL;
	return reset->at.raw_seq == conn->handshake_ack.raw_ack ? reset : NULL;
}

static bool abort_on_overflow(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;
	const struct reset *reset = overflow_reset(conn);
	bool sure;

	if (!reset)
		return false;

	int64_t limit = context_answer_limit_ns(context, END_SERVER, &sure);
	const struct moment *data = &conn_client(conn)->first_data;
	int64_t since_ack = reset->at.time_ns - conn->handshake_ack.time_ns;

	if (since_ack > limit) {
		/* Or the ACK was lost behind the tap and the first data met the full queue, as
		   long as the server's SYN-ACK was not yet due again. */
		if (!data->frame || data->frame > reset->at.frame ||
		    reset->at.time_ns - data->time_ns > limit ||
		    (reset->at.time_ns - conn->synack.time_ns > SYNACK_REPEAT_NS &&
		     conn_server(conn)->synack < 2))
			return false;
		verdict_lower(out);
	} else if (!sure) {
		verdict_lower(out);
	}
	out->by = ACTOR_SERVER;
	verdict_cite(out, conn->syn.frame);
	verdict_cite(out, conn->synack.frame);
	verdict_cite(out, conn->handshake_ack.frame);
	if (data->frame && data->frame < reset->at.frame)
		verdict_cite(out, data->frame);
	verdict_decided_by(out, reset->at.frame);
	verdict_exclude(out, "open.refused.port-closed",
			"the port had answered with a SYN-ACK before", conn->synack.frame);
	verdict_exclude(out, "end.rst.abort",
			"the reset has no ACK: no socket of the server's program sent it",
			reset->at.frame);
	return true;
}

static bool final_ack_ignored(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;
	struct synack_repeats repeats;

	if (conn->opening != OPENING_HALF || !conn->handshake_ack.frame)
		return false;
	synack_repeats_of(conn, &repeats);
	if (!repeats.after_ack)
		return false;
	out->by = ACTOR_SERVER;
	verdict_cite(out, conn->synack.frame);
	verdict_cite(out, conn->handshake_ack.frame);
	verdict_cite(out, conn_client(conn)->first_data.frame);
	verdict_cite(out, conn_client(conn)->first_resent_frame);
	verdict_decided_by(out, repeats.first_after_ack->frame);
	verdict_value(out, "synack_count", VALUE_COUNT, repeats.count + 1);
	verdict_value(out, "resent_segments", VALUE_COUNT,
		      (int64_t)conn_client(conn)->resent_segments);
	out->cost_ns = conn->last_ns - conn->handshake_ack.time_ns;
	verdict_value(out, "waited_ns", VALUE_NS, out->cost_ns);
	if (!repeats.data_ignored) {
		/* Without data of the client's a listener that waits for it looks the same, and
		   so does a path that loses every ACK. */
		out->confidence = CONFIDENCE_POSSIBLE;
		verdict_text(out, "not_told_from", "life.open.defer-accept");
		verdict_text(out, "not_told_from", "ACKs lost behind the capture");
		return true;
	}
	verdict_exclude(out, "life.open.defer-accept", "the client's data was not acknowledged",
			conn_client(conn)->first_data.frame);
	verdict_exclude(out, "life.open.retried-synack",
			"the data carries the same ACK and did not complete the handshake either",
			conn_client(conn)->first_resent_frame);
	return true;
}

static const struct entry entries[] = {
	{
		.id = "open.half.client-gone",
		.phase = PHASE_OPEN,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 1,
		.title = "The client took it back",
		.headline = "{server} answered, but the client's system {client_host} reset the "
			    "SYN-ACK: it knew of no such connection (any more)",
		.grouped = "SYN-ACKs of {server} reset by the client's system",
		.meaning = "The server's SYN-ACK was right and came in time, yet the client's "
			   "machine answered it with a reset because no socket waited for it. "
			   "Three things look like this: the program cancelled its connect() (a "
			   "race of two addresses as browsers run it is usual), somebody forged "
			   "the SYN with this source address, or a port scanner wanted to know "
			   "whether the port is open and nothing else.",
		.evidence = "C>S S seq 0, S>C S. seq 0 ack 1, C>S R seq 1 (bare, window 0, no "
			    "options); no ACK of the client before.",
		.lookalikes =
			"group.scan.half: many ports or hosts of one source end like this, then it "
			"is a scan. open.late-synack: the answer came when another SYN was "
			"overdue. open.wrong-synack: the acknowledgement was not this SYN's.",
		.kernel = "The client's stack finds no socket (reset reason NO_SOCKET); a "
			  "raw-socket scanner gets this for free. On the server the request socket "
			  "goes away (EmbryonicRsts in nstat), accept() never sees it.",
		.advice = "Single cases are harmless. Many from one source: see group.scan.half. "
			  "If clients of your own do it, look at their connect timeout and at "
			  "parallel attempts to several addresses (Happy Eyeballs, RFC 8305).",
		.source = "RFC 9293, figure 8 (old duplicate SYN) and section 3.5.2, group 2; "
			  "Linux tcp_check_req()",
		.holds = client_gone,
	},
	{
		.id = "open.half.abort-on-overflow",
		.phase = PHASE_OPEN,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 1,
		.title = "Handshake reset: accept queue full",
		.headline = "{server} reset the handshake that {client} had completed: its accept "
			    "queue was full (tcp_abort_on_overflow)",
		.grouped = "completed handshakes reset by {server}: its accept queue was full",
		.meaning = "The handshake went through, the client held the connection for open, "
			   "and then the server's kernel threw it away with a reset, because the "
			   "queue of connections that its program had not yet accepted was full "
			   "and the administrator asked for a reset in that case. The program on "
			   "the server accepts too slowly, or its backlog is too small.",
		.evidence =
			"C>S S, S>C S., C>S ., then within a round trip S>C R with seq equal to "
			"the client's ack (bare, window 0); nothing else came from the server.",
		.lookalikes =
			"A refused port answers the SYN itself, with R. seq 0. A program that "
			"closes the connection at once sends R. with its own next sequence number "
			"(end.rst.abort). A server that forgot the connection (end.rst.no-socket) "
			"answers some later segment; when the reset answers the first data instead "
			"of the ACK the two are hard to tell apart and this is possible only.",
		.kernel = "Linux with net.ipv4.tcp_abort_on_overflow=1: reset reason INVALID_SYN "
			  "from state LISTEN, TcpExtListenOverflows and ListenDrops count. The "
			  "client sees ECONNRESET on its first read or write, not on connect().",
		.advice = "On {server_host}: ss -ltn 'sport = :{server_port}' shows the queue "
			  "(Recv-Q) against its limit (Send-Q). Make the program accept faster, "
			  "raise its listen() backlog and net.core.somaxconn; leave "
			  "tcp_abort_on_overflow at 0 unless clients can handle resets.",
		.source = "Linux tcp_check_req(), ip-sysctl: tcp_abort_on_overflow",
		.holds = abort_on_overflow,
	},
	{
		.id = "open.half.final-ack-ignored",
		.phase = PHASE_OPEN,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 1,
		.rests_on_silence = true,
		.title = "The handshake's last ACK was ignored",
		.headline = "{server} sent its SYN-ACK {synack_count} times although {client} had "
			    "acknowledged it: its accept queue was full",
		.grouped = "handshakes that {server} did not complete: its accept queue was full",
		.meaning = "The client is through with the handshake and sends its request; the "
			   "server behaves as if the last ACK had never come, repeats its SYN-ACK "
			   "and acknowledges no data. That is what Linux does when the queue of "
			   "connections not yet accepted became full while this handshake was "
			   "under way. The client's program believes it is connected and waits.",
		.evidence =
			"C>S S, S>C S., C>S ., C>S P. repeated without acknowledgement, and S>C S. "
			"again about 1, 3 and 7 s after the first, each answered by C>S . ack 1.",
		.lookalikes =
			"life.open.retried-synack: the ACK was really lost, and the next segment "
			"of the client completes the handshake at once. life.open.defer-accept: no "
			"data had been sent yet; the first data is acknowledged. With SYN cookies "
			"the SYN-ACK is not even repeated (open.half.final-ack-ignored.cookie). "
			"Where the client sent no data this stays possible only.",
		.kernel = "The server keeps a request socket in SYN-RECV marked as acknowledged; "
			  "each ACK or data that meets the full queue is dropped (drop reason "
			  "TCP_LISTEN_OVERFLOW, TcpExtListenOverflows and ListenDrops). The client "
			  "is ESTABLISHED and retransmits.",
		.advice = "On {server_host}: ss -ltn 'sport = :{server_port}' (Recv-Q above Send-Q "
			  "is the overflow), nstat -az TcpExtListenOverflows. Let the program "
			  "accept() faster or in more threads, and raise both its listen() backlog "
			  "and net.core.somaxconn.",
		.source = "Linux tcp_v4_syn_recv_sock(), tcp_check_req(), inet_csk_reqsk_queue; "
			  "RFC 9293, section 3.10.7.4",
		.holds = final_ack_ignored,
	},
	{
		.id = "open.half.final-ack-ignored.cookie",
		.phase = PHASE_OPEN,
		.look = true,
		.decidable = DECIDABLE_KERNEL,
		.wire_max = CONFIDENCE_POSSIBLE,
		.lab = LAB_YES,
		.first = 2,
		.title = "The last ACK was ignored after a SYN cookie",
		.headline = "{server} answered {client} with a SYN cookie and then forgot the "
			    "handshake: its accept queue was full",
		.grouped = "handshakes by SYN cookie that {server} did not complete",
		.meaning =
			"The server was so busy that it answered the SYN with a cookie instead of "
			"keeping state. When the last ACK met a full accept queue nothing was left "
			"to repeat the SYN-ACK from, so the client is connected to a server that "
			"knows nothing of it until one of its retransmissions is let in.",
		.evidence = "C>S S, S>C S., C>S ., C>S P. repeated without any answer and without "
			    "a repeated SYN-ACK.",
		.lookalikes =
			"On the wire this is end.dead.host-gone or end.dead.unfinished after a "
			"complete handshake; only the server's own counters tell that cookies were "
			"in use. With a repeated SYN-ACK it is open.half.final-ack-ignored.",
		.kernel = "TcpExtTCPReqQFullDoCookies and SyncookiesSent count on the server, "
			  "SyncookiesRecv when a later segment with the cookie's ack creates the "
			  "socket after all; ss shows no SYN-RECV entry.",
		.advice = "Watch nstat -az 'TcpExtSyncookies*' on the server, and treat it like a "
			  "full accept queue: accept faster, larger backlog (with backlog 0 the "
			  "SYN queue counts as full, too).",
		.source = "Linux cookie_v4_check(), tcp_conn_request(); RFC 4987, section 3.6",
	},
};

const struct theme open_half_theme = {
	.name = "open_half",
	.applies = applies,
	.entries = entries,
	.count = sizeof(entries) / sizeof(entries[0]),
};
