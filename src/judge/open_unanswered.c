/* SPDX-License-Identifier: BSD-2-Clause */
/* Openings that got no answer, or whose answer got none. */
#include "judge/context.h"
#include "judge/schedule.h"
#include "judge/themes.h"

/* An unacknowledged SYN-ACK is repeated after a second; shorter silence says nothing. */
#define SYNACK_REPEAT_NS (1 * NSEC_PER_SEC)

/* Fewer SYNs than this are no train that a verdict could rest on. */
#define TRAIN_LEAST 3

static bool applies(const struct context *context)
{
	return context->conn->opening != OPENING_SUCCEEDED &&
	       context->conn->opening != OPENING_MID_CAPTURE;
}

static bool return_path(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;

	if (conn->opening != OPENING_HALF || !conn->synack.frame || conn->handshake_ack.frame)
		return false;

	const struct moment *last = &conn->synack, *next;
	unsigned synacks = 1;

	verdict_cite(out, conn->syn.frame);
	verdict_cite(out, conn->synack.frame);

	while ((next = moment_after(conn, last, END_SERVER, TCP_SYN | TCP_ACK, TCP_RST)) != NULL) {
		last = next;
		synacks++;
		verdict_cite(out, next->frame);
	}
	if (synacks < 2 && conn->judged_ns - last->time_ns < SYNACK_REPEAT_NS)
		return false;
	out->by = ACTOR_NONE;
	verdict_decided_by(out, last->frame);
	verdict_value(out, "syn_count", VALUE_COUNT, (int64_t)conn_client(conn)->syn);
	verdict_value(out, "synack_count", VALUE_COUNT, synacks);
	if (synacks < 2 || conn_client(conn)->syn < 2) {
		verdict_lower(out);
		verdict_text(out, "not_told_from", "a forged source address");
		verdict_text(out, "not_told_from", "a client that went away");
		return true;
	}
	verdict_exclude(out, "open.half.client-gone",
			"the client goes on sending its SYN and resets nothing", conn->syn.frame);
	return true;
}

/* What the train says, in the verdict. */
static void tell_train(const struct syn_train *train, const struct schedule_fit *fit, unsigned rows,
		       struct verdict *out)
{
	unsigned cited = train->count < TRAIN_SYNS_MOST ? train->count : TRAIN_SYNS_MOST;

	for (unsigned i = 0; i < cited; i++)
		verdict_cite(out, train->frames[i]);
	out->by = ACTOR_NONE;
	verdict_value(out, "syn_count", VALUE_COUNT, train->count);
	verdict_value(out, "span_ns", VALUE_NS, train->last_ns - train->first_ns);
	if (fit->rows) {
		schedule_name(out, rows);
		verdict_value(out, "gives_up_ns", VALUE_NS, fit->gives_up_most_ns);
		if (fit->gives_up_least_ns != fit->gives_up_most_ns)
			verdict_value(out, "gives_up_earliest_ns", VALUE_NS,
				      fit->gives_up_least_ns);
	} else {
		verdict_text(out, "systems", "no known system");
	}
}

/* Whatever came back was nothing that a client in SYN_SENT may take for an answer. */
static void exclude_refusal(const struct conn *conn, struct verdict *out)
{
	const struct moment *reset = moment_first(conn, END_SERVER, TCP_RST, 0);

	if (reset)
		verdict_exclude(
			out, "open.refused.port-closed",
			"its reset does not acknowledge this SYN: the client must ignore it",
			reset->frame);
}

static bool cancelled(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;
	struct syn_train train;

	if (conn->opening != OPENING_SYN_ONLY || !conn->syn.frame)
		return false;
	syn_train_of(conn, &train);

	struct schedule_fit fit = schedule_match(&train, conn_client(conn));

	if (!fit.rows || fit.complete || conn->judged_ns - train.last_ns <= fit.next_latest_ns)
		return false;
	verdict_value(out, "gave_up_after_ns", VALUE_NS, train.last_ns - train.first_ns);
	verdict_value(out, "gave_up_before_ns", VALUE_NS,
		      train.last_ns - train.first_ns + fit.next_latest_ns);
	tell_train(&train, &fit, fit.rows, out);
	out->by = ACTOR_CLIENT;
	if (train.count > 1)
		out->cost_ns = train.last_ns - train.first_ns;
	verdict_exclude(out, "open.unanswered.black-hole",
			"every system that fits would have sent another SYN by then",
			train.count <= TRAIN_SYNS_MOST ? train.frames[train.count - 1] : 0);
	exclude_refusal(conn, out);
	return true;
}

static bool black_hole(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;
	struct syn_train train;

	if (conn->opening != OPENING_SYN_ONLY || !conn->syn.frame)
		return false;
	syn_train_of(conn, &train);
	if (!train.count)
		return false;

	struct schedule_fit fit = schedule_match(&train, conn_client(conn));
	bool complete = fit.complete && conn->judged_ns - train.first_ns >= fit.gives_up_least_ns;
	int64_t last_gap = train.count < 2 || train.count > TRAIN_SYNS_MOST
				   ? NSEC_PER_SEC
				   : train.last_ns - train.times_ns[train.count - 2];
	bool stopped = !fit.rows && context_slot_passed(context, train.last_ns, last_gap);

	if (!complete && !stopped && train.count < TRAIN_LEAST)
		return false;
	tell_train(&train, &fit, complete ? fit.complete : fit.rows, out);
	if (complete)
		out->cost_ns = fit.gives_up_least_ns;
	else if (train.count > 1)
		out->cost_ns = train.last_ns - train.first_ns;
	if (complete) {
		verdict_text(out, "train", "complete");
		verdict_exclude(out, "open.cancelled", "no further SYN was due",
				train.count <= TRAIN_SYNS_MOST ? train.frames[train.count - 1] : 0);
	} else {
		out->confidence = CONFIDENCE_POSSIBLE;
		verdict_text(out, "train", stopped ? "stopped" : "cut by the capture's end");
	}
	exclude_refusal(conn, out);
	return true;
}

/* The last resort of all openings that failed: every connection gets an opening verdict. */
static bool unfinished(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;

	verdict_decided_by(out, conn->syn.frame ? conn->syn.frame : conn->first_frame);
	verdict_cite(out, conn->synack.frame);
	verdict_value(out, "syn_count", VALUE_COUNT, (int64_t)conn_client(conn)->syn);
	verdict_value(out, "seen_ns", VALUE_NS, conn->judged_ns - conn->first_ns);
	if (!conn->at_end)
		out->confidence = CONFIDENCE_POSSIBLE;
	return true;
}

static const struct entry entries[] = {
	{
		.id = "open.unanswered.return-path",
		.phase = PHASE_OPEN,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 1,
		.rests_on_silence = true,
		.title = "The server's answers do not arrive",
		.headline = "{server} answered {client} {synack_count} times, but no ACK ever came "
			    "back: its answers do not arrive",
		.grouped = "answers of {server} that never got an ACK",
		.meaning = "The SYN reached the server and the server said yes, again and again, "
			   "but the client behaves as if it had heard nothing: it repeats its SYN "
			   "and acknowledges nothing. The way back is broken: another route with a "
			   "filter in it, a missing NAT entry, a security group, or a filter on "
			   "the client itself.",
		.evidence = "C>S S and S>C S. ack 1, both repeated, and never C>S . or C>S R. With "
			    "a single SYN or SYN-ACK it is possible only.",
		.lookalikes =
			"A SYN flood with forged addresses and a client that vanished leave the "
			"same SYN-ACKs, but the SYN is not repeated. open.half.client-gone: a "
			"reset came back. open.unanswered.black-hole: seen from the client's side "
			"of the broken place the very same case has no SYN-ACKs at all.",
		.kernel = "On the server the request sits in SYN-RECV; Linux repeats the SYN-ACK "
			  "after 1, 3, 7, 15 and 31 s (tcp_synack_retries) and drops it at 63 s. "
			  "The client is in SYN_SENT and fails with ETIMEDOUT. Drop reasons to "
			  "look for: IP_RPFILTER, NETFILTER_DROP.",
		.advice = "Capture at the client as well. If the SYN-ACK is not there: compare the "
			  "routes of both directions (ip route get {client_host} on the server), "
			  "stateful firewalls and NAT. If it is there: rp_filter and the packet "
			  "filter of {client_host}.",
		.source = "RFC 9293, section 3.8.1; Linux inet_rsk_timer: tcp_synack_retries; RFC "
			  "3704 (reverse path filtering)",
		.holds = return_path,
	},
	{
		.id = "open.unanswered.local-arp",
		.phase = PHASE_OPEN,
		.look = true,
		.decidable = DECIDABLE_KERNEL,
		.wire_max = CONFIDENCE_NONE,
		.lab = LAB_YES,
		.first = 2,
		.title = "The next hop does not answer ARP",
		.headline = "no SYN from {client} to {server} ever left: the next hop did not "
			    "answer ARP or neighbour discovery",
		.grouped = "connects that failed because the next hop is not there",
		.meaning = "The client could not even send its SYN, because nobody on the local "
			   "network answered for the address of the next hop (the server itself on "
			   "the same network, else the router): wrong address, wrong VLAN, or the "
			   "machine is off.",
		.evidence = "ARP who-has or ICMPv6 neighbour solicitations three times a second "
			    "apart without an answer, and no TCP segment at all.",
		.lookalikes = "open.unanswered.black-hole: the SYN is on the wire. A host that "
			      "answers ARP but drops SYNs has its filter to blame.",
		.kernel = "Linux: neighbour state INCOMPLETE, then FAILED (ip neigh); after about "
			  "three seconds connect() fails with EHOSTUNREACH; drop reason "
			  "NEIGH_FAILED.",
		.advice = "ip neigh show, ip route get ADDRESS, check VLAN and netmask; arping the "
			  "next hop.",
		.source = "RFC 826; RFC 4861, section 7.2; Linux neigh_timer_handler()",
	},
	{
		.id = "open.cancelled",
		.phase = PHASE_OPEN,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 1,
		.rests_on_silence = true,
		.title = "Given up before the system's own limit",
		.headline = "unanswered: {client} gave up on {server} within {gave_up_before_ns} "
			    "(SYNs sent: {syn_count}), earlier than {systems} would by itself",
		.grouped = "unanswered by {server}, and the clients gave up early",
		.meaning = "Nothing came back from the server, and the client stopped before its "
			   "system would have: the program has a connect timeout of its own, was "
			   "ended, or had another address that worked. The reason for the silence "
			   "is the same as for a black hole: host down, packets dropped, or an "
			   "accept queue that is full.",
		.evidence =
			"C>S S one or more times on a system's schedule, then nothing, although "
			"the capture goes on beyond the next slot of every schedule that fits; "
			"nothing acceptable from the server. close() in SYN_SENT sends no packet.",
		.lookalikes =
			"open.unanswered.black-hole: the train is complete. open.unfinished: "
			"the capture ends before the next SYN was due. A single SYN that looks "
			"like no system's (a port scanner's) is a black hole, possible only.",
		.kernel = "Linux ends a socket in SYN_SENT without a segment; TCP_USER_TIMEOUT, "
			  "TCP_SYNCNT or net.ipv4.tcp_syn_retries shorten the train as a program's "
			  "own timer does. The error is whatever the program makes of it.",
		.advice = "Find out why nothing answers (ping, traceroute -T -p {server_port} "
			  "{server_host}, a capture at the server). Then decide whether the "
			  "client's timeout fits: below one second a single lost SYN already fails "
			  "the connection.",
		.source = "RFC 9293, section 3.10.4; RFC 6298, section 2.1; Linux tcp_close(), "
			  "ip-sysctl: tcp_syn_retries, tcp_syn_linear_timeouts",
		.holds = cancelled,
	},
	{
		.id = "open.unanswered.black-hole",
		.phase = PHASE_OPEN,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 1,
		.rests_on_silence = true,
		.title = "Nothing ever answered",
		.headline = "unanswered: nothing came back from {server} to {client}; SYNs sent: "
			    "{syn_count} over {span_ns}, on the schedule of {systems}",
		.grouped = "unanswered: nothing came back from {server}",
		.meaning = "The client asked as often as its system asks, and nobody said yes or "
			   "no. The host is down, the address is wrong or not routed, a firewall "
			   "drops the packets without a word, or the server's accept queue is "
			   "full, in which case Linux drops SYNs silently. Which of these it is "
			   "cannot be seen from this place.",
		.evidence = "C>S S again and again with the same sequence number at the seconds of "
			    "a known schedule (Linux 6.5 and newer: 0 1 2 3 4 5 7 11 19 35 67; "
			    "before: 0 1 3 7 15 31 63; Windows: 0 1 3 7 15), complete, and nothing "
			    "acceptable from the server.",
		.lookalikes =
			"open.cancelled: the train stops early. open.unanswered.return-path: "
			"captured nearer to the server one sees its SYN-ACKs. "
			"group.accept-queue-full: other connections to the same port succeed while "
			"these fail. life.capture.one-sided: the answers were not captured.",
		.kernel = "connect() fails with ETIMEDOUT after the whole train (Linux 131 to 135 "
			  "s or 127 s, Windows 21 s, macOS 75 s); TCPTimeouts and TCPSynRetrans "
			  "count in nstat. ss shows SYN-SENT with a running timer.",
		.advice = "traceroute -T -p {server_port} {server_host} shows how far SYNs get; "
			  "capture at the server. If they arrive: look at ss -ltn there (Recv-Q "
			  "above Send-Q: queue full) and at its packet filter. If not: route, "
			  "firewall or security group on the way.",
		.source = "RFC 9293, section 3.8.3; RFC 6298; Linux tcp_retransmit_timer(), "
			  "tcp_syn_linear_timeouts",
		.holds = black_hole,
	},
	{
		.id = "open.unfinished",
		.phase = PHASE_OPEN,
		.look = false,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "Opening not finished in the capture",
		.headline = "the capture ends {seen_ns} after the first SYN of {client} to "
			    "{server}: too early to tell what became of it",
		.grouped = "openings that were under way when the capture ended",
		.meaning = "The connection was being opened when the capture stopped. Whether it "
			   "succeeded or failed cannot be known: the next SYN, or the ACK of the "
			   "SYN-ACK, was not due yet.",
		.evidence = "C>S S once or twice, perhaps S>C S. less than a second before the "
			    "end, and then the capture's end.",
		.lookalikes = "open.cancelled and open.unanswered.black-hole need a capture that "
			      "lasts longer than the next SYN's time. If segments without SYN "
			      "follow, it is open.handshake.",
		.kernel = "The client is in SYN_SENT, the server in SYN-RECV if the SYN arrived; "
			  "their timers go on after the capture.",
		.advice = "Nothing, or capture longer: some seconds tell whether the SYN is "
			  "repeated.",
		.source = "RFC 6298, section 2.1 (first retransmission after one second)",
		.holds = unfinished,
	},
};

const struct theme open_unanswered_theme = {
	.name = "open_unanswered",
	.applies = applies,
	.entries = entries,
	.count = sizeof(entries) / sizeof(entries[0]),
};
