/* SPDX-License-Identifier: BSD-2-Clause */
/* Pauses, and who kept the other waiting. Source of the thresholds: docs/precedence.md, section 6.
 */
#include "judge/ending.h"
#include "judge/themes.h"

/* A pause that people notice; shorter ones are recorded by the tracker and not called a stall. */
#define STALL_LOOK_NS (1 * NSEC_PER_SEC)

/* Who waits longer for an answer has given up: servers and proxies do after a minute at most. What
   comes then was not asked for by the last request but pushed. */
#define ANSWER_MOST_NS (60 * NSEC_PER_SEC)

/* Once is chance; a program that writes so does it with every request. */
#define NAGLE_LEAST 3

static bool stall_applies(const struct context *context)
{
	const struct stall *stalls = context->conn->stalls;
	uint64_t any = 0;

	for (unsigned kind = 0; kind < STALL_KINDS; kind++)
		any |= stalls[kind].count;
	return any != 0;
}

static void tell_stall(const struct stall *stall, struct verdict *out)
{
	out->by = actor_of((enum end)stall->who);
	verdict_cite(out, stall->first_frame);
	verdict_decided_by(out, stall->last_frame);
	verdict_value(out, "longest_ns", VALUE_NS, stall->longest_ns);
	verdict_value(out, "times", VALUE_COUNT, (int64_t)stall->count);
	verdict_value(out, "total_ns", VALUE_NS, stall->total_ns);
	out->cost_ns = stall->total_ns;
}

/* A few octets after a long silence and then the server's FIN: a close alert, a "timed out". */
#define GOODBYE_AFTER_NS (10 * NSEC_PER_SEC) /* "idle", docs/precedence.md section 6 */
#define GOODBYE_BYTES	 64

static bool says_goodbye(const struct conn *conn, const struct stall *stall)
{
	const struct half *server = conn_server(conn);

	return stall->longest_ns >= GOODBYE_AFTER_NS && conn->closed_first == END_SERVER &&
	       stall->last_frame == server->last_data.frame &&
	       server->last_data.payload_bytes <= GOODBYE_BYTES &&
	       server->closing->first.time_ns - server->last_data.time_ns < STALL_LOOK_NS;
}

static bool server_think(const struct context *context, struct verdict *out)
{
	const struct stall *stall = &context->conn->stalls[STALL_SERVER_THINK];

	if (stall->longest_ns < STALL_LOOK_NS || stall->longest_ns >= ANSWER_MOST_NS ||
	    says_goodbye(context->conn, stall))
		return false;
	tell_stall(stall, out);
	verdict_exclude(out, "life.retransmit.rto",
			"the request was acknowledged before the pause: nothing was lost",
			stall->first_frame);
	return true;
}

static bool client_think(const struct context *context, struct verdict *out)
{
	const struct stall *stall = &context->conn->stalls[STALL_CLIENT_THINK];

	if (!stall->count) /* a note: what the tracker records is enough */
		return false;
	tell_stall(stall, out);
	return true;
}

static bool nagle(const struct context *context, struct verdict *out)
{
	const struct stall *stall = &context->conn->stalls[STALL_NAGLE_DELACK];

	if (stall->count < NAGLE_LEAST && stall->total_ns < STALL_LOOK_NS)
		return false;
	tell_stall(stall, out);
	out->by = actor_of(end_other((enum end)stall->who)); /* who wrote, not who delayed */
	verdict_exclude(out, "life.stall.server-think",
			"the pause ends with a bare acknowledgement, not with an answer",
			stall->last_frame);
	return true;
}

static bool small_window(const struct context *context, struct verdict *out)
{
	const struct stall *stall = &context->conn->stalls[STALL_SMALL_WINDOW];

	if (stall->total_ns < STALL_LOOK_NS)
		return false;
	tell_stall(stall, out);
	verdict_exclude(out, "life.zero-window", "the window was full, not shut",
			stall->first_frame);
	return true;
}

/* Repeats that were never answered repaired nothing: they are the ending's to tell. */
static bool never_repaired(const struct conn *conn, const struct stall *stall)
{
	return ending_repeats_unanswered(conn, (enum end)stall->who) &&
	       stall->last_frame >= conn->half[stall->who].resend->first_frame;
}

static bool tail_loss(const struct context *context, struct verdict *out)
{
	const struct stall *stall = &context->conn->stalls[STALL_TAIL_LOSS];

	if (stall->total_ns < STALL_LOOK_NS || never_repaired(context->conn, stall))
		return false;
	tell_stall(stall, out);
	return true;
}

static const struct entry entries[] = {
	{
		.id = "life.stall.server-think",
		.phase = PHASE_LIFE,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.straight = true,
		.title = "The server took its time",
		.headline = "the server had the whole request and was silent for {longest_ns} "
			    "before it answered",
		.grouped = "{by} slow to answer",
		.meaning =
			"Everything the client had sent was acknowledged, so the server's system "
			"had it; its program then needed that long for its first bytes of answer. "
			"The network carried nothing in that time and is not to blame.",
		.evidence = "The client's data, its acknowledgement, a pause of a second or more "
			    "without anything outstanding, then data of the server.",
		.lookalikes =
			"If the request had to be repeated the time was lost on the path "
			"(life.retransmit.rto). If the client's window was shut the server was not "
			"allowed to send (life.zero-window). A pause before the client's next "
			"request is life.stall.client-think. Protocols in which the server pushes "
			"when it pleases (chat, long polling) pause like this by design.",
		.kernel = "Nothing to see in TCP: ss shows lastrcv and lastsnd growing apart on "
			  "the server, Recv-Q empty if the program had read the request, full if "
			  "it had not even done that.",
		.advice = "Look at the program on {server_host}: its own log of that request, a "
			  "database or an upstream that it waited for, a queue of requests before "
			  "a busy worker.",
		.source = "Zhou et al., Demystifying and Mitigating TCP Stalls at the Server Side "
			  "(CoNEXT 2015)",
		.holds = server_think,
	},
	{
		.id = "life.stall.client-think",
		.phase = PHASE_LIFE,
		.look = false,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.straight = true,
		.title = "The client took its time",
		.headline = "the client owed the next bytes and was silent for {longest_ns}",
		.grouped = "clients that paused",
		.meaning = "Nothing was on its way to the client and nothing was missing; it "
			   "simply did not speak. A person was reading, a pooled connection was "
			   "waiting for its next request, or a batch was being prepared.",
		.evidence = "All data of both sides acknowledged, a pause (at least 200 ms and "
			    "three round trips), then data of the client.",
		.lookalikes = "A pause before the server's data is life.stall.server-think. "
			      "Keep-alive probes in the pause do not end it.",
		.kernel = "Nothing happens in TCP. After an idle time Linux may begin slowly again "
			  "(net.ipv4.tcp_slow_start_after_idle).",
		.advice = "Nothing by itself. If such pauses come near an idle limit of the server "
			  "or of a device on the path, the next request may meet a closed "
			  "connection.",
		.source = "RFC 9293, section 3.8; RFC 2861",
		.holds = client_think,
	},
	{
		.id = "life.stall.ack-delay",
		.phase = PHASE_LIFE,
		.look = false,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 2,
		.title = "A late acknowledgement held up the sender",
		.headline = "the sender waited for an acknowledgement that the receiver delayed",
		.grouped = "senders that waited for delayed acknowledgements",
		.meaning = "The sender could not go on before its data was acknowledged, and the "
			   "receiver let that acknowledgement wait in the hope of sending it "
			   "together with data.",
		.evidence = "A pause that ends with a pure ACK, some tens to two hundred "
			    "milliseconds after the data, whereupon the sender goes on at once.",
		.lookalikes = "With a small segment waiting behind it, it is Nagle's algorithm "
			      "(life.stall.nagle-delack). A long round trip delays every ACK, not "
			      "only some.",
		.kernel = "Linux delays between 40 and 200 ms and adapts; TCP_QUICKACK switches it "
			  "off for a while; counters DelayedACKs, DelayedACKLocked.",
		.advice = "On the receiver: TCP_QUICKACK after each read, or a smaller delay (ip "
			  "route ... quickack 1).",
		.source = "RFC 9293, section 3.8.6.3; RFC 1122, section 4.2.3.2",
		.holds = NULL,
	},
	{
		.id = "life.stall.nagle-delack",
		.phase = PHASE_LIFE,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 1,
		.title = "Nagle's algorithm against delayed ACK",
		.headline = "{by_role} held small writes back {times} times, up to {longest_ns} "
			    "each, until a delayed ACK came (Nagle's algorithm)",
		.grouped = "small writes held back by Nagle's algorithm and delayed ACKs",
		.meaning = "The program writes a message in two or more small pieces. The first "
			   "goes out at once; the second waits, by Nagle's algorithm, until the "
			   "first is acknowledged, while the receiver delays that acknowledgement "
			   "because it has nothing to say yet. Both sides wait for each other for "
			   "40 to 200 ms, with every message.",
		.evidence =
			"A small segment, a pause of about 40, 100 or 200 ms ended by a pure ACK, "
			"and at once the next small segment of the same side; again and again.",
		.lookalikes =
			"If the pause ends with data instead of an ACK, a program was thinking. "
			"With full-sized segments the window or congestion control is at work.",
		.kernel = "Linux: Nagle's test in tcp_nagle_check(), delayed ACK 40 ms and more; "
			  "TCP_NODELAY ends the holding back, TCP_CORK and MSG_MORE join pieces on "
			  "purpose; TCPAutoCorking is something else.",
		.advice = "In the program of {by_host}: write each message with one call (a "
			  "buffer, writev, MSG_MORE), or setsockopt(TCP_NODELAY). The first is "
			  "better: it also saves packets.",
		.source =
			"RFC 896; RFC 9293, section 3.7.4; RFC 1122, sections 4.2.3.2 and 4.2.3.4",
		.holds = nagle,
	},
	{
		.id = "life.stall.small-window",
		.phase = PHASE_LIFE,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "The window was too small",
		.headline = "{by_role}'s receive window was full {times} times and held the sender "
			    "up for {total_ns} in all",
		.grouped = "held up by the small window of {by_host}",
		.meaning =
			"The sender had sent as much as the receiver had allowed and stood still "
			"until more was allowed. Either the window is too small for the distance "
			"(bandwidth times round trip), or the reader empties it slowly.",
		.evidence = "Segments that end exactly at the edge of the announced window, then a "
			    "pause that ends with an ACK which moves that edge, whereupon data "
			    "flows again; or a pause before a segment that is smaller than others "
			    "could be and ends just there.",
		.lookalikes = "A window of zero is life.zero-window. A sender that stops short of "
			      "the edge is limited by congestion control or by its own program.",
		.kernel = "Linux lets the window grow with what the program reads, up to "
			  "net.ipv4.tcp_rmem's third figure; an SO_RCVBUF set by hand switches "
			  "that growth off. ss -ti: rwnd_limited at the sender says how much of "
			  "the time was lost so.",
		.advice = "On {by_host}: do not set SO_RCVBUF, raise net.ipv4.tcp_rmem if the path "
			  "is long and fast, look whether the SYN offered window scaling, and "
			  "whether the program reads fast enough.",
		.source = "RFC 9293, section 3.8.6; RFC 7323, section 2",
		.holds = small_window,
	},
	{
		.id = "life.stall.tail-loss",
		.phase = PHASE_LIFE,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 1,
		.title = "The end of a burst was lost",
		.headline = "the last segments of a burst were lost; only a timer could repair "
			    "that, which cost {total_ns}",
		.grouped = "stalled because the end of a burst was lost",
		.meaning = "The last segments of an answer or request got lost. Nothing came "
			   "behind them that could have shown the loss to the receiver, so no "
			   "duplicate ACK asked for them and the sender had to wait for its timer.",
		.evidence = "The highest segments sent so far are repeated after a timeout; before "
			    "it no duplicate or selective ACK, after it the acknowledgement jumps.",
		.lookalikes = "If later segments had arrived, selective ACKs would have asked for "
			      "the missing ones (life.retransmit.fast). When the peer never "
			      "answers again it is end.dead.host-gone. The first data of several "
			      "connections to one listener: group.accept-queue-full.",
		.kernel = "Linux sends a tail loss probe after two round trips first "
			  "(TCPLossProbes); the timer follows only when that is lost as well. RTO "
			  "at least 200 ms, doubled each time.",
		.advice = "Look for the loss on the path; bursts that overflow a shallow queue "
			  "lose exactly their end (pacing helps: net.core.default_qdisc=fq).",
		.source = "RFC 8985, section 7; RFC 6298",
		.holds = tail_loss,
	},
};

const struct theme life_stall_theme = {
	.name = "life_stall",
	.entries = entries,
	.count = sizeof(entries) / sizeof(entries[0]),
	.applies = stall_applies,
};
