/* SPDX-License-Identifier: BSD-2-Clause */
/* Openings that met an older connection, a stranger's state, or their answer came too late. */
#include "judge/context.h"
#include "judge/schedule.h"
#include "judge/stale.h"
#include "judge/system.h"
#include "judge/themes.h"

/* "Late" begins where the first repeat of a SYN would have been due. */
#define LATE_SYNACK_NS (1 * NSEC_PER_SEC)

static bool applies(const struct context *context)
{
	return context->conn->opening == OPENING_SYN_ONLY || context->conn->opening == OPENING_HALF;
}

static bool challenge(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;
	struct stale_answer stale;

	if (conn->synack.frame || !stale_answer_find(conn, 0, &stale))
		return false;
	out->by = ACTOR_SERVER;
	verdict_cite(out, stale.syn->frame);
	verdict_decided_by(out, stale.answer->frame);
	if (stale.reset)
		verdict_cite(out, stale.reset->frame);
	verdict_value(out, "rounds", VALUE_COUNT, stale.rounds);
	if (conn->former.known && stale.answer->raw_ack == conn->former.client_snd_nxt)
		verdict_value(out, "former_conn", VALUE_FRAME, (int64_t)conn->former.conn);
	else
		verdict_lower(out); /* the older connection itself is not in the capture */
	verdict_exclude(out, "open.wrong-synack", "the answer is no SYN-ACK", stale.answer->frame);
	return true;
}

static bool wrong_synack(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;
	struct stale_answer stale;

	if (conn->synack.frame || !stale_answer_find(conn, TCP_SYN, &stale))
		return false;
	out->by = ACTOR_SERVER;
	verdict_cite(out, stale.syn->frame);
	verdict_decided_by(out, stale.answer->frame);
	if (stale.reset)
		verdict_cite(out, stale.reset->frame);
	else
		verdict_lower(out); /* the client's own word on it is missing */
	verdict_value(out, "rounds", VALUE_COUNT, stale.rounds);
	return true;
}

/* The client's last SYN before its answer came, and when the next one was due at the latest. */
static bool syn_was_due(const struct conn *conn, const struct moment *synack)
{
	struct syn_train train;
	struct schedule_fit fit;

	syn_train_of(conn, &train);
	while (train.count && train.count <= TRAIN_SYNS_MOST &&
	       train.frames[train.count - 1] > synack->frame)
		train.count--;
	if (!train.count || train.count > TRAIN_SYNS_MOST)
		return false;
	fit = schedule_match(&train, conn_client(conn));

	int64_t waited = synack->time_ns - train.times_ns[train.count - 1];

	if (waited < LATE_SYNACK_NS)
		return false;
	if (!fit.rows)
		return true; /* no schedule to go by: a second is what all wait at least */
	if (fit.complete)
		return synack->time_ns - train.first_ns > fit.gives_up_most_ns;
	return waited > fit.next_latest_ns;
}

static bool late_synack(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;

	if (!conn->synack.frame || conn->handshake_ack.frame)
		return false;

	const struct moment *reset =
		moment_after(conn, &conn->synack, END_CLIENT, TCP_RST, TCP_SYN);

	if (!reset || reset->raw_seq != conn->synack.raw_ack || !syn_was_due(conn, &conn->synack))
		return false;
	out->by = ACTOR_SERVER;
	verdict_cite(out, conn->syn.frame);
	verdict_cite(out, conn->synack.frame);
	verdict_decided_by(out, reset->frame);
	out->cost_ns = conn->synack.time_ns - conn->syn.time_ns;
	verdict_value(out, "answer_ns", VALUE_NS, out->cost_ns);
	verdict_value(out, "syn_count", VALUE_COUNT, (int64_t)conn_client(conn)->syn);
	verdict_exclude(
		out, "open.half.client-gone",
		"another SYN was due before the SYN-ACK came: the client had given up by then",
		conn->synack.frame);
	return true;
}

static const struct entry entries[] = {
	{
		.id = "open.blocked-by-timewait",
		.phase = PHASE_OPEN,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 2,
		.title = "Blocked by an old connection's remains",
		.headline = "{client} could not open a connection to {server}: the old one on the "
			    "same ports would not go away",
		.grouped = "blocked by remains of an old connection at {server}",
		.meaning = "Every SYN met the remains of the last connection between these ports, "
			   "and the reset that the client sent to clear them changed nothing: the "
			   "server ignores resets in TIME_WAIT, or a firewall swallows them. There "
			   "is no way in with this source port until the TIME_WAIT has run out.",
		.evidence = "At least two rounds of C>S S, S>C . with the old connection's "
			    "acknowledgement, C>S R; never a SYN-ACK.",
		.lookalikes = "open.old-connection.challenge is one such round, after which the "
			      "reset usually clears the way. open.refused: the answer is a reset.",
		.kernel =
			"Linux keeps TIME_WAIT through resets with net.ipv4.tcp_rfc1337=1 only; it "
			"also takes a SYN with a higher sequence number or timestamp in TIME_WAIT "
			"as a new connection. Small stacks on devices often do neither.",
		.advice = "Let the client use another source port (do not bind one), let the "
			  "client close first so that TIME_WAIT is held there, or update the "
			  "device's TCP stack.",
		.source = "RFC 1337; RFC 9293, section 3.10.7.4; RFC 6191",
	},
	{
		.id = "open.old-connection.challenge",
		.phase = PHASE_OPEN,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "Met an older connection of the same ports",
		.headline =
			"{server} still held an older connection of the same ports and answered "
			"the SYN of {client} with its ACK; no new connection came of it",
		.grouped = "SYNs that met an older connection at {server}",
		.meaning = "For the server the connection of these addresses and ports was still "
			   "alive, so it did not take the SYN as a new one but acknowledged what "
			   "it knew (a challenge ACK). Usually the client answers with a reset, "
			   "the server forgets the old connection and the next SYN gets through; "
			   "here that did not happen. Behind it is a client that rebooted or lost "
			   "its state, or a NAT that gave a port out again too early.",
		.evidence = "C>S S, answered by S>C . (no SYN) whose acknowledgement is not this "
			    "SYN's; then C>S R with just that number, and no SYN-ACK afterwards. "
			    "It is proved where the older connection is in the capture and the "
			    "acknowledgement is its next number.",
		.lookalikes =
			"open.wrong-synack: the answer has SYN set. life.open.old-connection: the "
			"same, but a later SYN got through. A delayed ACK of the old connection "
			"that happens to arrive after the SYN looks the same once.",
		.kernel = "Linux answers a SYN on a live connection with an ACK (TCPSYNChallenge "
			  "and TCPChallengeACK in nstat, drop reason TCP_INVALID_SYN), at most "
			  "once per 500 ms and socket. The client's system answers that with a "
			  "reset by itself and sends its SYN again at once.",
		.advice = "If the reset does not reach the server, a firewall drops it: let resets "
			  "pass. Else let the server notice dead peers earlier (keep-alive), and "
			  "give the client or NAT a wider port range.",
		.source = "RFC 9293, section 3.5.1 and figure 9 (half-open connections); RFC 5961, "
			  "section 4; Linux tcp_send_challenge_ack()",
		.holds = challenge,
	},
	{
		.id = "open.wrong-synack",
		.phase = PHASE_OPEN,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "SYN-ACK for another SYN",
		.headline = "the SYN-ACK from {server} acknowledged a number that {client} had not "
			    "sent, and was reset",
		.grouped = "wrong SYN-ACKs from {server}, reset by the clients",
		.meaning = "An answer came that belongs to another SYN than this one: the server's "
			   "half-open state from an earlier attempt, somebody who guesses, or a "
			   "protection device that answers with a wrong number on purpose to see "
			   "whether the client sends the reset that the standard asks for.",
		.evidence = "C>S S seq 0, S>C S. whose ack is not 1 (nor covers the SYN's data), "
			    "C>S R with seq equal to that ack; no right SYN-ACK afterwards.",
		.lookalikes =
			"open.old-connection.challenge: the answer has no SYN. "
			"open.half.client-gone: the acknowledgement is right and the reset comes "
			"all the same. life.open.wrong-synack: a later try got through.",
		.kernel = "In SYN_SENT Linux resets a wrong acknowledgement (reset reason "
			  "TCP_INVALID_ACK_SEQUENCE) and sends its SYN again some milliseconds "
			  "later, not after a second.",
		.advice =
			"Capture on the server as well: if the wrong SYN-ACK is not sent there, a "
			"device on the path makes it. Otherwise wait until the server's half-open "
			"state has run out (about a minute), or use another source port.",
		.source = "RFC 9293, section 3.10.7.3, first check, and figure 8; Linux "
			  "tcp_rcv_synsent_state_process()",
		.holds = wrong_synack,
	},
	{
		.id = "open.late-synack",
		.phase = PHASE_OPEN,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 1,
		.rests_on_silence = true,
		.title = "SYN-ACK came too late",
		.headline = "{server} answered the SYN only after {answer_ns}; {client} had given "
			    "up by then and reset it",
		.grouped = "answered too late by {server}: the clients had given up",
		.meaning = "The server did answer, but after the client's program had lost "
			   "patience and closed its socket. The client's system no longer knew the "
			   "connection and reset the answer. The fault is in the waiting: an "
			   "overloaded server, a long queue on the path, or a connect timeout that "
			   "is shorter than the path needs.",
		.evidence = "C>S S (perhaps several), a pause in which the client's next SYN was "
			    "due and did not come, S>C S. ack 1 at least one second after the last "
			    "SYN, C>S R with seq equal to that ack.",
		.lookalikes = "open.half.client-gone: the SYN-ACK came in time, before another SYN "
			      "was due. open.cancelled: no answer came at all. open.wrong-synack: "
			      "the acknowledgement is not this SYN's.",
		.kernel = "close() of a socket in SYN_SENT sends nothing, so the SYNs just stop. A "
			  "SYN-ACK without a socket is answered by the stack with a bare reset "
			  "(reason NO_SOCKET); the server counts EmbryonicRsts.",
		.advice = "Raise the client's connect timeout above {answer_ns}, or find what "
			  "holds the answer back: load on {server_host}, its SYN queue (ss -n "
			  "state syn-recv), a satellite or overloaded link.",
		.source = "RFC 9293, sections 3.10.4 (CLOSE in SYN-SENT) and 3.10.7.1; Linux "
			  "tcp_v4_send_reset()",
		.holds = late_synack,
	},
};

const struct theme open_old_theme = {
	.name = "open_old",
	.applies = applies,
	.entries = entries,
	.count = sizeof(entries) / sizeof(entries[0]),
};
