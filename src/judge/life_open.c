/* SPDX-License-Identifier: BSD-2-Clause */
/* Repeats on the way to an opening that succeeded (or was refused in the end). */
#include "judge/context.h"
#include "judge/synack.h"
#include "judge/themes.h"

/* A SYN that comes again sooner answers something or comes from another program. */
#define SYN_REPEAT_LEAST_NS (200 * NSEC_PER_MSEC)

static bool applies(const struct context *context)
{
	return conn_client(context->conn)->syn > 1 || conn_server(context->conn)->synack > 1;
}

/* SYNs repeated by the timer before an answer; fills how long that took. */
static unsigned syn_repeats(const struct conn *conn, struct verdict *out, int64_t *waited_ns)
{
	const struct moment *syn = NULL;
	unsigned repeats = 0;
	int64_t first_ns = 0;

	for (unsigned i = 0; i < conn->moment_count; i++) {
		const struct moment *at = &conn->moments[i];

		if (conn->synack.frame && at->frame >= conn->synack.frame)
			break;
		if (at->notes & NOTE_CAPTURE_COPY)
			continue;
		if (at->from == END_SERVER) {
			syn = NULL; /* what follows is not by the timer alone */
			continue;
		}
		if ((at->flags & (TCP_SYN | TCP_ACK)) != TCP_SYN)
			continue;
		if (!syn)
			first_ns = at->time_ns;
		if (syn && at->raw_seq == syn->raw_seq &&
		    at->time_ns - syn->time_ns >= SYN_REPEAT_LEAST_NS) {
			verdict_cite(out, syn->frame);
			verdict_decided_by(out, at->frame);
			*waited_ns = at->time_ns - first_ns;
			repeats++;
		}
		syn = at;
	}
	return repeats;
}

static bool retried_syn(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;
	int64_t waited = 0;

	if (conn_client(conn)->syn < 2 ||
	    (conn->opening != OPENING_SUCCEEDED && conn->opening != OPENING_REFUSED))
		return false;

	unsigned repeats = syn_repeats(conn, out, &waited);

	if (!repeats)
		return false;
	out->by = ACTOR_CLIENT;
	out->cost_ns = waited;
	verdict_cite(out, conn->synack.frame);
	verdict_value(out, "syn_count", VALUE_COUNT, repeats + 1);
	verdict_value(out, "waited_ns", VALUE_NS, waited);
	return true;
}

/* Precedence.md section 2 in its order: ignored, deferred, lost. */
enum repeat_cause {
	REPEAT_NONE,
	REPEAT_IGNORED,
	REPEAT_DEFERRED,
	REPEAT_LOST
};

static enum repeat_cause why_repeated(const struct conn *conn, struct synack_repeats *repeats)
{
	const struct half *client = conn_client(conn);
	const struct half *server = conn_server(conn);

	if (server->synack < 2 || conn->opening != OPENING_SUCCEEDED)
		return REPEAT_NONE;
	synack_repeats_of(conn, repeats);
	if (!repeats->count)
		return REPEAT_NONE;
	if (repeats->data_ignored)
		return REPEAT_IGNORED;
	/* Repeated although acknowledged, the client had sent no data until then, and the server
	   says nothing before it has: a server that speaks first has accepted already. */
	if (repeats->after_ack &&
	    (!client->first_data.frame || client->first_data.frame > repeats->last->frame) &&
	    (!server->first_data.frame ||
	     (client->first_data.frame && server->first_data.frame > client->first_data.frame)))
		return REPEAT_DEFERRED;
	return REPEAT_LOST;
}

static bool final_ack_ignored(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;
	struct synack_repeats repeats;

	if (why_repeated(conn, &repeats) != REPEAT_IGNORED)
		return false;
	out->by = ACTOR_SERVER;
	verdict_cite(out, conn->handshake_ack.frame);
	verdict_cite(out, conn_client(conn)->first_data.frame);
	verdict_cite(out, conn_client(conn)->first_resent_frame);
	verdict_decided_by(out, repeats.first_after_ack->frame);
	verdict_cite(out, conn->opened.frame);
	if (conn->opened.frame && conn->opened.time_ns > conn->handshake_ack.time_ns)
		out->cost_ns = conn->opened.time_ns - conn->handshake_ack.time_ns;
	else
		out->cost_ns = repeats.last->time_ns - conn->handshake_ack.time_ns;
	verdict_value(out, "waited_ns", VALUE_NS, out->cost_ns);
	verdict_value(out, "synack_count", VALUE_COUNT, repeats.count + 1);
	verdict_exclude(out, "life.open.defer-accept",
			"the client's data was there and was not acknowledged",
			conn_client(conn)->first_data.frame);
	return true;
}

static bool defer_accept(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;
	struct synack_repeats repeats;

	if (why_repeated(conn, &repeats) != REPEAT_DEFERRED)
		return false;
	out->by = ACTOR_SERVER;
	verdict_cite(out, conn->handshake_ack.frame);
	verdict_decided_by(out, repeats.first_after_ack->frame);
	verdict_cite(out, conn_client(conn)->first_data.frame);
	verdict_value(out, "synack_count", VALUE_COUNT, repeats.count + 1);
	if (repeats.after_ack < 2 || !conn_client(conn)->first_data.frame) {
		/* One lost ACK of the client's does the same, and no data decides nothing. */
		verdict_lower(out);
		verdict_text(out, "not_told_from", "life.open.retried-synack");
	}
	return true;
}

static bool retried_synack(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;
	struct synack_repeats repeats;

	if (why_repeated(conn, &repeats) != REPEAT_LOST)
		return false;
	out->by = ACTOR_SERVER;
	verdict_cite(out, conn->synack.frame);
	verdict_decided_by(out, repeats.first->frame);
	verdict_cite(out, conn->opened.frame);
	out->cost_ns = repeats.last->time_ns - conn->synack.time_ns;
	verdict_value(out, "synack_count", VALUE_COUNT, repeats.count + 1);
	verdict_value(out, "waited_ns", VALUE_NS, out->cost_ns);
	if (repeats.after_ack)
		verdict_text(out, "lost", "the client's ACK, behind the capture");
	return true;
}

static const struct entry entries[] = {
	{
		.id = "life.open.retried-syn",
		.phase = PHASE_LIFE,
		.look = false,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "The SYN had to be sent again",
		.headline = "opening took {waited_ns} longer: {client} had to send its SYN to "
			    "{server} {syn_count} times",
		.grouped = "SYNs to {server} that had to be sent again",
		.meaning =
			"The first SYN got no answer in time, so the client's system sent it again "
			"after its timer, which starts at one second (three on old systems). "
			"Either the SYN or the SYN-ACK was lost, or the server dropped the SYN "
			"because its accept queue was full. A connect that takes 1, 2, 3 or 7 "
			"seconds instead of milliseconds has this as its reason.",
		.evidence = "C>S S twice or more with the same sequence number, a second apart "
			    "(then by the system's schedule), before the S>C S. that was answered.",
		.lookalikes = "A second copy of the same packet in the capture has the same IP ID "
			      "and comes within milliseconds. Two attempts of a program have two "
			      "sequence numbers. open.refused.retried-by-windows: each SYN had "
			      "been answered with a reset. life.open.old-connection: the SYN is "
			      "repeated at once, after a reset.",
		.kernel = "TCPSynRetrans and TCPTimeouts in nstat; getsockopt(TCP_INFO) "
			  "tcpi_total_retrans on the socket. On a server whose queue is full "
			  "TcpExtListenDrops counts the SYN.",
		.advice = "Capture at the server: if the first SYN is missing there it was lost on "
			  "the way; if its SYN-ACK is there, on the way back; if the SYN is there "
			  "and was not answered, look at ss -ltn (Recv-Q against Send-Q).",
		.source = "RFC 6298, section 2.1; RFC 9293, section 3.8.1; Linux "
			  "tcp_retransmit_timer()",
		.holds = retried_syn,
	},
	{
		.id = "life.open.final-ack-ignored",
		.phase = PHASE_LIFE,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 1,
		.title = "The server left the handshake open for a while",
		.headline = "{server} ignored the end of the handshake for {waited_ns} and "
			    "completed it later: its accept queue was full",
		.grouped = "handshakes that {server} completed late: its accept queue was full",
		.meaning =
			"The client had finished the handshake and sent data, but the server went "
			"on as if the last ACK had not come, repeated its SYN-ACK, and took the "
			"connection only when its program had accepted others and made room in the "
			"queue. The client lost that time without any packet being lost.",
		.evidence = "C>S . ack 1, C>S P. repeated, S>C S. again in between, and at last "
			    "S>C . with an acknowledgement of that data.",
		.lookalikes = "open.half.final-ack-ignored: the same, and it never succeeded. "
			      "life.open.defer-accept: there was no data yet when the SYN-ACK was "
			      "repeated. life.open.retried-synack: the ACK was lost, the first "
			      "data was acknowledged at once.",
		.kernel = "Linux drops the final ACK when the accept queue is full "
			  "(TcpExtListenOverflows, TcpExtListenDrops; drop reason "
			  "TCP_LISTEN_OVERFLOW); the request stays in SYN-RECV and a later segment "
			  "of the client completes it.",
		.advice = "ss -ltn 'sport = :{server_port}' on {server_host} while it happens; "
			  "accept() faster, and raise the backlog of listen() together with "
			  "net.core.somaxconn.",
		.source = "Linux tcp_v4_syn_recv_sock(), tcp_check_req(); precise timing: "
			  "tcp_synack_retries",
		.holds = final_ack_ignored,
	},
	{
		.id = "life.open.defer-accept",
		.phase = PHASE_LIFE,
		.look = false,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 1,
		.title = "The listener waits for data",
		.headline = "{server} repeated its SYN-ACK until the first data of {client} came, "
			    "as a listener with TCP_DEFER_ACCEPT does",
		.grouped = "handshakes that {server} left open until data came (TCP_DEFER_ACCEPT)",
		.meaning = "The listening socket asked its kernel to report a connection only when "
			   "data is there. Until then the server treats the last ACK as not yet "
			   "seen and repeats its SYN-ACK on its timer. Nothing is lost and nothing "
			   "is wrong, unless the protocol wants the server to speak first.",
		.evidence = "C>S S, S>C S., C>S ., then S>C S. again although the ACK was there, "
			    "answered by C>S . each time; the client's first data is acknowledged "
			    "at once.",
		.lookalikes = "life.open.retried-synack: the ACK was lost behind the capture; with "
			      "one repeat only the two are hard to tell apart, so it is possible "
			      "then. life.open.final-ack-ignored: data was there and was ignored.",
		.kernel = "Linux keeps the request socket, marked as acknowledged, and does not "
			  "count these ACKs as errors; after the time given with TCP_DEFER_ACCEPT "
			  "the last SYN-ACK's answer completes the connection without data.",
		.advice = "Nothing, where the client speaks first. If the server should greet "
			  "(SMTP, SSH, FTP), take TCP_DEFER_ACCEPT off its listener.",
		.source = "tcp(7), TCP_DEFER_ACCEPT; Linux tcp_check_req(), syn_ack_recalc()",
		.holds = defer_accept,
	},
	{
		.id = "life.open.retried-synack",
		.phase = PHASE_LIFE,
		.look = false,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "The SYN-ACK had to be sent again",
		.headline = "{server} had to send its SYN-ACK {synack_count} times before {client} "
			    "completed the handshake",
		.grouped = "SYN-ACKs of {server} that had to be sent again",
		.meaning = "The server got no ACK for its SYN-ACK in time and sent it again after "
			   "a second. The SYN-ACK or the client's ACK was lost, or came late. The "
			   "client may have noticed nothing: its connect() returned with the first "
			   "SYN-ACK that arrived.",
		.evidence = "S>C S. twice or more with the same sequence number at about 0, 1, 3 "
			    "and 7 s, not as an answer to a repeated SYN; C>S . ack 1 comes after "
			    "the repeat, or the client's first data completes the handshake.",
		.lookalikes = "A server that answers a repeated SYN sends its SYN-ACK again, too: "
			      "that is life.open.retried-syn. life.open.defer-accept and "
			      "life.open.final-ack-ignored: the ACK was there and the server did "
			      "not want it.",
		.kernel = "tcp_synack_retries (5) limits it on Linux; tracepoint "
			  "tcp:tcp_retransmit_synack; the request socket is in SYN-RECV meanwhile.",
		.advice = "Single cases are ordinary loss. If it happens often, look for loss from "
			  "{server_host} to {client_host}, or for asymmetric routes.",
		.source = "RFC 9293, section 3.8.1; RFC 6298; Linux reqsk_timer_handler()",
		.holds = retried_synack,
	},
};

const struct theme life_open_theme = {
	.name = "life_open",
	.applies = applies,
	.entries = entries,
	.count = sizeof(entries) / sizeof(entries[0]),
};
