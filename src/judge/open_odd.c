/* SPDX-License-Identifier: BSD-2-Clause */
/* Openings without a server in the usual sense: to oneself, or by both ends at once. */
#include "judge/context.h"
#include "judge/themes.h"

static bool self_connect(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;
	const struct half *client = conn_client(conn);
	const struct half *server = conn_server(conn);

	if (client->port != server->port || !ip_address_equal(&client->ip, &server->ip))
		return false;
	out->by = ACTOR_CLIENT;
	verdict_decided_by(out, conn->first_frame);
	verdict_cite(out, conn->synack.frame);
	if (!conn->syn.frame)
		out->confidence = CONFIDENCE_POSSIBLE; /* may be a forged packet as well */
	return true;
}

static bool simultaneous(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;

	if (!conn->simultaneous_open && !conn->split_handshake)
		return false;

	const struct moment *theirs = moment_first(conn, END_SERVER, TCP_SYN, TCP_ACK);
	const struct moment *ours = moment_first(conn, END_CLIENT, TCP_SYN | TCP_ACK, 0);

	out->by = ACTOR_BOTH;
	verdict_cite(out, conn->syn.frame);
	if (theirs)
		verdict_decided_by(out, theirs->frame);
	verdict_cite(out, conn->synack.frame);
	if (ours)
		verdict_cite(out, ours->frame);
	if (conn->split_handshake) {
		/* The server answered our SYN with its own and never with a SYN-ACK. */
		verdict_lower(out);
		verdict_text(out, "shape", "split handshake");
	}
	return true;
}

static const struct entry entries[] = {
	{
		.id = "open.self-connect",
		.phase = PHASE_OPEN,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "Connected to itself",
		.headline = "the socket of {client} connected to itself: source and destination "
			    "are the same address and port",
		.grouped = "sockets connected to themselves at {server}",
		.meaning =
			"A program tried to reach a server on its own machine, nobody listened "
			"there, and by chance the kernel gave the new socket the very port that it "
			"was connecting to. The SYN came back to its sender, which took it for a "
			"simultaneous open. The program now talks to itself: it reads what it "
			"writes, and the real server cannot start because the port is taken.",
		.evidence = "A SYN whose source address and port equal its destination's, then S. "
			    "from the same address and port with the same sequence number.",
		.lookalikes = "open.simultaneous has the same exchange between two different "
			      "addresses or ports. A LAND attack packet is one forged SYN of this "
			      "kind that comes in from outside; nothing follows it.",
		.kernel = "Linux allows it: SYN_SENT, then SYN_RECV by its own SYN, then "
			  "ESTABLISHED; connect() returns success. ss shows the same local and "
			  "peer address. The port came from net.ipv4.ip_local_port_range. "
			  "close() sends the FIN to itself: FIN_WAIT_1, CLOSING, TIME_WAIT "
			  "(end.fin.simultaneous).",
		.advice = "Do not let a client retry in a loop against a local port of the "
			  "ephemeral range ({server_port}): listen on a port outside of "
			  "net.ipv4.ip_local_port_range or reserve it "
			  "(net.ipv4.ip_local_reserved_ports), and compare getsockname() with "
			  "getpeername() after connect().",
		.source = "RFC 9293, section 3.5 (simultaneous open); Linux tcp_v4_connect(), "
			  "inet_hash_connect()",
		.holds = self_connect,
	},
	{
		.id = "open.simultaneous",
		.phase = PHASE_OPEN,
		.look = false,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "Opened by both ends at once",
		.headline = "{client} and {server} opened the connection at the same time, each "
			    "with a SYN of its own",
		.grouped = "opened by both ends at the same time",
		.meaning = "Both programs called connect() to each other from agreed ports, and "
			   "their SYNs crossed on the way. TCP makes one connection of that, "
			   "without a listening server. It is rare and legal; programs that pass "
			   "through NAT boxes (hole punching) do it on purpose.",
		.evidence = "C>S S seq 0 and S>C S seq 0, neither with an ACK; then each side's S. "
			    "seq 0 ack 1 with the sequence number of its SYN. Linux adds a pure "
			    "ACK from each side. A split handshake (the server answers the SYN by "
			    "a SYN of its own) is reported here as likely.",
		.lookalikes = "open.self-connect: both ends are the same address and port. Two "
			      "connections between the same hosts in opposite directions have "
			      "different ports. The usual handshake has only one SYN without ACK.",
		.kernel = "Both sockets go from SYN_SENT to SYN_RECV and then to ESTABLISHED; "
			  "connect() succeeds at both ends and nobody calls accept().",
		.advice = "Nothing to do if both programs mean it. Otherwise one side binds its "
			  "local port to the other's service port: look for a bind() before "
			  "connect().",
		.source = "RFC 9293, section 3.5, figure 7; Linux tcp_rcv_synsent_state_process()",
		.holds = simultaneous,
	},
};

const struct theme open_odd_theme = {
	.name = "open_odd",
	.entries = entries,
	.count = sizeof(entries) / sizeof(entries[0]),
};
