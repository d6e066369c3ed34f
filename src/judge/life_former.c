/* SPDX-License-Identifier: BSD-2-Clause */
/* What the former connection of the same addresses and ports did to this opening. */
#include "judge/context.h"
#include "judge/stale.h"
#include "judge/system.h"
#include "judge/themes.h"

static bool applies(const struct context *context)
{
	const struct conn *conn = context->conn;

	return conn->opening == OPENING_SUCCEEDED &&
	       (conn->former.known || conn_client(conn)->syn > 1);
}

/* A SYN that was answered by something stale, reset, and got through in the end. */
static bool overcome(const struct conn *conn, unsigned with_syn, struct verdict *out)
{
	struct stale_answer stale;

	if (conn_client(conn)->syn < 2 || !stale_answer_find(conn, with_syn, &stale) ||
	    !stale.reset)
		return false;
	out->by = ACTOR_SERVER;
	verdict_cite(out, stale.syn->frame);
	verdict_decided_by(out, stale.answer->frame);
	verdict_cite(out, stale.reset->frame);
	verdict_cite(out, conn->synack.frame);
	verdict_value(out, "rounds", VALUE_COUNT, stale.rounds);
	if (conn->synack.frame) {
		out->cost_ns = conn->synack.time_ns - stale.syn->time_ns;
		verdict_value(out, "waited_ns", VALUE_NS, out->cost_ns);
	}
	return true;
}

static bool old_connection(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;

	if (!overcome(conn, 0, out))
		return false;
	if (conn->former.known)
		verdict_value(out, "former_conn", VALUE_FRAME, (int64_t)conn->former.conn);
	return true;
}

static bool wrong_synack(const struct context *context, struct verdict *out)
{
	return overcome(context->conn, TCP_SYN, out);
}

/* How long the former connection's numbers must not come back: its TIME_WAIT. */
static int64_t quiet_time_ns(const struct conn *conn)
{
	const char *assumed;
	enum end holder = conn->former.time_wait_end == END_SERVER ? END_SERVER : END_CLIENT;

	return system_time_wait_ns(&conn->half[holder], &assumed);
}

static bool port_reuse(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;
	const struct former *former = &conn->former;

	if (!former->known || former->never_ended || !conn->syn.frame)
		return false;

	int64_t since = conn->syn.time_ns - former->end_ns;

	if (since < 0 || since >= quiet_time_ns(conn))
		return false;
	out->by = ACTOR_CLIENT;
	verdict_decided_by(out, conn->syn.frame);
	verdict_cite(out, conn->synack.frame);
	verdict_value(out, "since_ns", VALUE_NS, since);
	verdict_value(out, "former_conn", VALUE_FRAME, (int64_t)former->conn);
	if (former->time_wait_end >= 0)
		verdict_text(out, "time_wait",
			     former->time_wait_end == END_CLIENT   ? "client"
			     : former->time_wait_end == END_SERVER ? "server"
								   : "both");
	return true;
}

static const struct entry entries[] = {
	{
		.id = "life.open.old-connection",
		.phase = PHASE_LIFE,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "An older connection stood in the way",
		.headline = "{server} still held an older connection of the same ports; {client} "
			    "reset it and got through after {waited_ns}",
		.grouped = "openings that first met an older connection at {server}",
		.meaning = "The server took the first SYN for a stray packet of a connection that "
			   "it still held, and acknowledged what it knew. The client's system saw "
			   "that this was none of its own, reset it, sent its SYN again and got "
			   "through. This is TCP's recovery from half-open connections at work, "
			   "typically after the client's machine was switched off or its NAT gave "
			   "the port out anew.",
		.evidence = "C>S S, S>C . with a foreign acknowledgement, C>S R with seq equal to "
			    "it, C>S S again (on Linux within milliseconds), S>C S. ack 1.",
		.lookalikes = "open.old-connection.challenge: the same without success. "
			      "life.open.wrong-synack: the foreign acknowledgement came in a "
			      "SYN-ACK. end.rst.half-open-restart is what happened to the older "
			      "connection at the same moment.",
		.kernel = "The server counts TCPSYNChallenge, then gives its old socket "
			  "ECONNRESET; the client's stack resets without the program knowing, "
			  "connect() succeeds.",
		.advice = "Harmless once. If it repeats, clients disappear without closing (crash, "
			  "sleep, NAT time-out): keep-alive on {server_host} finds them earlier.",
		.source = "RFC 9293, section 3.5.1 and figures 9 and 10; RFC 5961, section 4.2",
		.holds = old_connection,
	},
	{
		.id = "life.open.wrong-synack",
		.phase = PHASE_LIFE,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "A wrong SYN-ACK came first",
		.headline = "the first SYN-ACK from {server} acknowledged something else; {client} "
			    "reset it and got through after {waited_ns}",
		.grouped = "openings of {server} with a wrong SYN-ACK first",
		.meaning = "The first answer did not fit this SYN. The client reset it, as it "
			   "must, and the next SYN was answered properly. A half-open attempt with "
			   "the same ports on the server explains it, and so does a protection "
			   "device that checks with a deliberately wrong number whether the "
			   "client's stack is a real one.",
		.evidence = "C>S S, S>C S. whose ack is not 1, C>S R with seq equal to that ack, "
			    "C>S S again, S>C S. ack 1, C>S . ack 1.",
		.lookalikes = "open.wrong-synack: no later try got through. "
			      "life.open.old-connection: the foreign answer had no SYN flag. A "
			      "repeated SYN-ACK has the right number both times.",
		.kernel = "Linux answers from SYN_SENT with a reset (TCP_INVALID_ACK_SEQUENCE) and "
			  "sends the SYN again after some 8 ms; the server's request socket is "
			  "removed by the reset.",
		.advice = "If every first connection of a client shows this, a device in front of "
			  "{server_host} challenges clients (anti-flood); it costs one round trip "
			  "and no more.",
		.source = "RFC 9293, section 3.10.7.3 and figure 8; RFC 4987, section 3.7",
		.holds = wrong_synack,
	},
	{
		.id = "life.open.port-reuse",
		.phase = PHASE_LIFE,
		.look = false,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "Same ports again within TIME_WAIT",
		.headline = "{client} used the same port again {since_ns} after its last "
			    "connection to {server}, and it was accepted",
		.grouped = "ports used again soon after the last connection to {server}",
		.meaning = "Addresses and ports are the same as those of a connection that ended "
			   "less than a TIME_WAIT ago. It worked, because the new sequence number "
			   "or timestamp is higher than the old one's. Captures with such pairs "
			   "confuse tools that take both for one connection; here they are two.",
		.evidence = "The last segment of one connection, then within its TIME_WAIT C>S S "
			    "between the same addresses and ports with another sequence number, "
			    "answered by S>C S.",
		.lookalikes = "end.replaced: the earlier connection had never ended. A repeated "
			      "SYN has the same sequence number. open.old-connection.challenge: "
			      "the server did not accept it.",
		.kernel = "Linux lets a SYN with a higher sequence number or timestamp take over a "
			  "TIME_WAIT socket on the server; on the client tcp_tw_reuse or a port "
			  "bound explicitly does it (TWRecycled in nstat).",
		.advice = "Nothing by itself. If it becomes frequent the client is running out of "
			  "ports: reuse connections, let the server close first, or widen "
			  "net.ipv4.ip_local_port_range.",
		.source = "RFC 9293, section 3.6.1; RFC 6191; Linux tcp_timewait_state_process()",
		.holds = port_reuse,
	},
};

const struct theme life_former_theme = {
	.name = "life_former",
	.applies = applies,
	.entries = entries,
	.count = sizeof(entries) / sizeof(entries[0]),
};
