/* SPDX-License-Identifier: BSD-2-Clause */
/* Openings that somebody said no to. */
#include "judge/context.h"
#include "judge/icmp.h"
#include "judge/themes.h"

/* Windows sends a refused SYN again after about 500 ms; a lost first RST would show 1 s. */
#define WINDOWS_RETRY_LEAST_NS (400 * NSEC_PER_MSEC)
#define WINDOWS_RETRY_MOST_NS  (700 * NSEC_PER_MSEC)

static bool applies(const struct context *context)
{
	return context->conn->opening == OPENING_REFUSED || context->conn->icmp_count > 0;
}

/* The reset that answered the SYN. */
static const struct moment *refusal(const struct conn *conn)
{
	if (conn->ending_reset >= 0)
		return &conn->resets[conn->ending_reset].at;
	return moment_first(conn, END_SERVER, TCP_RST, 0);
}

/* The first SYN of this attempt that has not been answered before @answer. */
static const struct moment *syn_before(const struct conn *conn, const struct moment *answer)
{
	const struct moment *last = NULL;

	for (unsigned i = 0; i < conn->moment_count; i++) {
		const struct moment *at = &conn->moments[i];

		if (at->frame >= answer->frame)
			break;
		if (at->from == END_CLIENT && (at->flags & TCP_SYN))
			last = at;
	}
	return last ? last : &conn->syn;
}

static const struct icmp_fact *icmp_refusal(const struct conn *conn)
{
	for (unsigned i = 0; i < conn->icmp_count; i++) {
		const struct icmp_fact *icmp = &conn->icmp[i];

		if (icmp->quoted_from == END_CLIENT && icmp->quotes_syn &&
		    icmp_meaning_find(icmp->version, icmp->type, icmp->code))
			return icmp;
	}
	return NULL;
}

static bool icmp(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;
	const struct icmp_fact *fact;

	if (!conn->icmp_count || conn->synack.frame || conn->opening == OPENING_SUCCEEDED ||
	    conn->opening == OPENING_MID_CAPTURE)
		return false;
	fact = icmp_refusal(conn);
	if (!fact)
		return false;

	const struct icmp_meaning *meaning =
		icmp_meaning_find(fact->version, fact->type, fact->code);
	bool by_host = ip_address_equal(&fact->sender, &conn_server(conn)->ip);

	out->by = by_host ? ACTOR_SERVER : ACTOR_MIDDLE;
	verdict_cite(out, conn->syn.frame);
	verdict_decided_by(out, fact->frame);
	verdict_text(out, "says", meaning->says);
	verdict_address(out, "sender", &fact->sender);
	verdict_value(out, "icmp_type", VALUE_COUNT, fact->type);
	verdict_value(out, "icmp_code", VALUE_COUNT, fact->code);
	verdict_text(out, "linux_error", meaning->error);
	verdict_value(out, "syn_count", VALUE_COUNT, (int64_t)conn_client(conn)->syn);
	if (conn->syn.frame)
		out->cost_ns = fact->time_ns - conn->syn.time_ns;
	verdict_exclude(out, "open.unanswered.black-hole",
			"the ICMP error quotes this SYN's ports and sequence number", fact->frame);
	return true;
}

/* Pairs of a SYN and the reset that answers it, each SYN about 500 ms after the one before. */
static unsigned windows_pairs(const struct conn *conn, struct verdict *out)
{
	const struct moment *syn = NULL, *before = NULL;
	unsigned pairs = 0;

	for (unsigned i = 0; i < conn->moment_count; i++) {
		const struct moment *at = &conn->moments[i];

		if (at->from == END_CLIENT && (at->flags & TCP_SYN) &&
		    at->raw_seq == conn->syn.raw_seq) {
			syn = at;
			continue;
		}
		if (at->from != END_SERVER || !(at->flags & TCP_RST) || !syn)
			continue;
		if (before) {
			int64_t gap = syn->time_ns - before->time_ns;

			if (gap < WINDOWS_RETRY_LEAST_NS || gap > WINDOWS_RETRY_MOST_NS)
				return 0;
		}
		verdict_cite(out, syn->frame);
		verdict_decided_by(out, at->frame);
		before = syn;
		syn = NULL;
		pairs++;
	}
	return pairs;
}

static bool retried_by_windows(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;

	if (conn->opening != OPENING_REFUSED || conn_client(conn)->syn < 2)
		return false;

	unsigned pairs = windows_pairs(conn, out);

	if (pairs < 2)
		return false;
	out->by = ACTOR_SERVER;
	verdict_value(out, "syn_count", VALUE_COUNT, (int64_t)conn_client(conn)->syn);
	out->cost_ns = conn->last_ns - conn->first_ns;
	verdict_value(out, "took_ns", VALUE_NS, out->cost_ns);
	if (conn_client(conn)->ttl_count && ttl_start(conn_client(conn)->ttls[0]) != 128)
		verdict_lower(out); /* not what Windows starts with */
	verdict_exclude(out, "life.open.retried-syn",
			"each SYN was answered before the next one was sent", conn->syn.frame);
	return true;
}

/* How far the reset's TTL lies from all that the host's other packets had. */
enum ttl_verdict {
	TTL_NOT_KNOWN,
	TTL_SAME,
	TTL_NEAR,
	TTL_OTHER
};

static enum ttl_verdict ttl_against_host(const struct host *host, uint8_t ttl)
{
	enum ttl_verdict best = TTL_OTHER;

	if (!host || !host->ttl_count)
		return TTL_NOT_KNOWN;
	for (unsigned i = 0; i < host->ttl_count; i++) {
		if (host->ttls[i] == ttl)
			return TTL_SAME;
		if (!ttl_differs(host->ttls[i], ttl))
			best = TTL_NEAR;
	}
	return best;
}

static bool firewall_reset(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;
	const struct moment *reset;

	if (conn->opening != OPENING_REFUSED)
		return false;
	reset = refusal(conn);
	if (!reset)
		return false;

	const struct host *host = host_find(context->hosts, &conn_server(conn)->ip);

	switch (ttl_against_host(host, reset->ttl)) {
	case TTL_NOT_KNOWN:
		return false;
	case TTL_SAME:
		verdict_exclude(out, "open.refused.firewall-reset",
				"the reset has the TTL of the host's other packets",
				host->ttl_frame);
		return false;
	case TTL_NEAR: /* routes change by a hop or two */
		out->confidence = CONFIDENCE_POSSIBLE;
		break;
	case TTL_OTHER:
		verdict_exclude(out, "open.refused.port-closed",
				"the host's other packets have another TTL", host->ttl_frame);
		break;
	}
	out->by = ACTOR_MIDDLE;
	verdict_cite(out, syn_before(conn, reset)->frame);
	verdict_decided_by(out, reset->frame);
	verdict_cite(out, host->ttl_frame);
	verdict_value(out, "reset_ttl", VALUE_COUNT, reset->ttl);
	verdict_value(out, "host_ttl", VALUE_COUNT, host->ttls[0]);
	return true;
}

static bool port_closed(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;
	const struct moment *reset;

	if (conn->opening != OPENING_REFUSED)
		return false;
	reset = refusal(conn);
	if (!reset)
		return false;
	out->by = ACTOR_SERVER;

	const struct moment *syn = syn_before(conn, reset);

	verdict_cite(out, syn->frame);
	verdict_decided_by(out, reset->frame);
	verdict_value(out, "answer_ns", VALUE_NS, reset->time_ns - syn->time_ns);
	if (reset->raw_seq != 0 || reset->window != 0 || (reset->options & MOMENT_HAS_OPTIONS)) {
		/* Not what a closed port of the usual systems sends. */
		verdict_lower(out);
		verdict_text(out, "shape", "unusual");
	}
	return true;
}

static const struct entry entries[] = {
	{
		.id = "open.refused.icmp",
		.phase = PHASE_OPEN,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "Refused by an ICMP error",
		.headline = "refused by ICMP: {sender} says \"{says}\" about the SYN to {server}",
		.grouped = "refused by an ICMP error on the way to {server}",
		.meaning =
			"A router, a filter or the host itself answered the SYN with an ICMP error "
			"that quotes it. The message names its author and the reason: no route, "
			"host not there, or prohibited by an administrator. A port-unreachable "
			"message from the server's own address is usually a REJECT rule of its "
			"packet filter, because a closed TCP port answers with a reset.",
		.evidence = "C>S S, then an ICMP destination-unreachable or time-exceeded message "
			    "(ICMPv6 types 1 and 3) that quotes these ports and this SYN's "
			    "sequence number; no SYN-ACK.",
		.lookalikes =
			"An ICMP error for an earlier attempt quotes another sequence number. "
			"Fragmentation needed and packet too big do not refuse anything. After the "
			"handshake such a message is only a hint to TCP and ends nothing.",
		.kernel = "Linux fails connect() at once, with ECONNREFUSED, EHOSTUNREACH or "
			  "ENETUNREACH by type and code; other systems keep it as a soft error and "
			  "go on sending the SYN until their own limit. IcmpMsgInType3 and "
			  "IcmpMsgInType11 in nstat count what came in.",
		.advice = "Ask the owner of {sender}: that machine decided. Check the route (ip "
			  "route get, traceroute -T -p {server_port}) and, where it is the server, "
			  "its packet filter (nft list ruleset).",
		.source = "RFC 1122, section 4.2.3.9; RFC 5461; RFC 1812, section 5.2.7; Linux "
			  "tcp_v4_err(), icmp_err_convert[]",
		.holds = icmp,
	},
	{
		.id = "open.refused.retried-by-windows",
		.phase = PHASE_OPEN,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_MODEL,
		.first = 1,
		.title = "Refused, and tried again by Windows",
		.headline = "refused: nothing listens on {server}; the client's Windows tried "
			    "{syn_count} times, which took {took_ns}",
		.grouped = "refused: nothing listens on {server} (Windows tried several times)",
		.meaning =
			"The server's host refused the SYN with a reset. Windows does not believe "
			"the first refusal: it sends the same SYN again a few times, half a second "
			"apart, and only then tells the program. A refused connect therefore takes "
			"one to two seconds on Windows, and none of these SYNs was lost.",
		.evidence = "At least two pairs of C>S S and S>C R. seq 0 ack 1 with the same "
			    "ports and the same sequence number, the SYNs 0.4 to 0.7 s apart; the "
			    "client's TTL usually starts at 128.",
		.lookalikes =
			"open.refused.port-closed after a lost reset: then the second SYN comes "
			"one second after the first, which got no answer. A program that tries "
			"again uses another source port and another sequence number.",
		.kernel = "Windows only: TcpMaxConnectRetransmissions governs how often, and "
			  "connect() fails with WSAECONNREFUSED (10061). Linux, BSD and macOS give "
			  "up at the first valid reset, as the standard says.",
		.advice = "Start the server on {server_host} or look where it is bound (netstat "
			  "-ano there, ss -ltn on Linux). If only the delay hurts: connect to the "
			  "address that is served (127.0.0.1 or ::1, not both in turn), or ask for "
			  "no repeats on this socket (the SIO_TCP_INITIAL_RTO ioctl with "
			  "TCP_INITIAL_RTO_NO_SYN_RETRANSMISSIONS).",
		.source = "RFC 9293, section 3.10.7.3; Microsoft KB 175523",
		.holds = retried_by_windows,
	},
	{
		.id = "open.refused.firewall-reset",
		.phase = PHASE_OPEN,
		.look = true,
		.decidable = DECIDABLE_GROUP,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 1,
		.title = "Refused by a firewall's reset",
		.headline = "refused: a reset in the name of {server}, but not from that host (TTL "
			    "{reset_ttl} instead of {host_ttl})",
		.grouped = "refused by a firewall's reset in the name of {server}",
		.meaning =
			"The SYN was refused with a reset, but the reset had another number of "
			"hops behind it than this host's other packets. So another machine on the "
			"path sent it in the server's name: a firewall with a rule that rejects "
			"with a TCP reset. The server's program may be running perfectly well.",
		.evidence = "C>S S, S>C R. ack 1, and the reset's TTL is more than two away from "
			    "the TTL of this host's other packets in the capture (or belongs to "
			    "another start value: 64, 128, 255). A difference of one or two makes "
			    "it possible only.",
		.lookalikes =
			"open.refused.port-closed: the reset has the TTL of the host's other "
			"packets. Where no other packet of the host was seen the two cannot be "
			"told apart on the wire, and neither can a REJECT rule on the host itself.",
		.kernel = "On the server nothing happens: no tcp:tcp_send_reset event, no OutRsts. "
			  "The client sees ECONNREFUSED as always. Firewalls: iptables REJECT "
			  "--reject-with tcp-reset, nft reject with tcp reset.",
		.advice = "Ask who runs the firewall in front of {server_host} about port "
			  "{server_port}. To find its place, count the hops: traceroute -T -p "
			  "{server_port} {server_host} and compare with the reset's TTL.",
		.source = "RFC 3360 (inappropriate resets); Linux nf_send_reset()",
		.holds = firewall_reset,
	},
	{
		.id = "open.refused.port-closed",
		.phase = PHASE_OPEN,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 1,
		.title = "Refused: port closed",
		.headline = "refused: nothing listens on {server}",
		.grouped = "refused: nothing listens on {server}",
		.meaning = "The host is there and answered, but no program listens on that address "
			   "and port: not started, crashed, bound to another address (127.0.0.1 "
			   "only, IPv6 only), or in another container or network namespace. The "
			   "client knows at once; a SYN that is refused is not sent again (except "
			   "by Windows).",
		.evidence = "C>S S seq 0, answered within a round trip by S>C R. seq 0 ack 1 win 0 "
			    "without options (the acknowledgement covers data in the SYN too).",
		.lookalikes = "A REJECT rule on the host itself sends the same segment, so this is "
			      "never more than likely. open.refused.firewall-reset: the reset has "
			      "another TTL than the host's other packets. A full accept queue on "
			      "Windows servers also answers like this.",
		.kernel = "Linux finds no socket and answers from the stack (reset reason "
			  "NO_SOCKET, no state, IP ID 0; OutRsts counts it); connect() fails with "
			  "ECONNREFUSED after one round trip.",
		.advice = "Start the server on {server_host}, or look where it is bound: ss -ltn "
			  "'sport = :{server_port}'. If it listens there, look for a REJECT rule "
			  "(nft list ruleset) and for the right address family.",
		.source = "RFC 9293, section 3.5.2, group 1, and section 3.10.7.1; Linux "
			  "tcp_v4_send_reset()",
		.holds = port_closed,
	},
};

const struct theme open_refused_theme = {
	.name = "open_refused",
	.applies = applies,
	.entries = entries,
	.count = sizeof(entries) / sizeof(entries[0]),
};
