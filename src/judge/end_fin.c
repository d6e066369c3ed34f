/* SPDX-License-Identifier: BSD-2-Clause */
#include "judge/ending.h"
#include "judge/themes.h"

/* How connections end by FIN. Source of the order: docs/precedence.md, section 4. */

/* No accepted reset, or one that merely confirms what half-only says. */
static bool fin_applies(const struct context *context)
{
	const struct conn *conn = context->conn;

	return conn->half[END_CLIENT].has_fin || conn->half[END_SERVER].has_fin;
}

static bool both_closed(const struct conn *conn)
{
	return conn->ending_reset < 0 && conn->half[END_CLIENT].has_fin &&
	       conn->half[END_SERVER].has_fin;
}

/* Who sent the first FIN, by the frames: conn.closed_first says "both" when they crossed. */
static enum end first_closer(const struct conn *conn)
{
	const struct half *client = conn_client(conn), *server = conn_server(conn);

	if (!client->has_fin)
		return END_SERVER;
	if (!server->has_fin)
		return END_CLIENT;
	return client->closing->first.frame <= server->closing->first.frame ? END_CLIENT
									    : END_SERVER;
}

/* The figures that show that a FIN takes a sequence number: the answer is one more. */
static void state_fin(struct verdict *out, const struct fin *fin, const char *seq_key,
		      const char *ack_key)
{
	verdict_value(out, seq_key, VALUE_COUNT, fin->seq);
	if (fin->acked.frame)
		verdict_value(out, ack_key, VALUE_COUNT, fin->acked.ack);
}

/* Both FINs in the order of the story, with their numbers; without the last ACK it is less sure. */
static void tell_close(const struct conn *conn, enum end first, struct verdict *out)
{
	const struct fin *one = conn->half[first].closing;
	const struct fin *two = conn->half[end_other(first)].closing;

	out->by = actor_of(first);
	verdict_cite(out, one->first.frame);
	verdict_cite(out, one->acked.frame);
	verdict_cite(out, two->first.frame);
	verdict_cite(out, two->acked.frame);
	state_fin(out, one, "fin_seq", "fin_ack");
	state_fin(out, two, "second_fin_seq", "second_fin_ack");
	if (!one->acked.frame || !two->acked.frame)
		verdict_lower(out);
}

static bool during_handshake(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;
	const struct fin *fin = conn_client(conn)->closing;

	if (!both_closed(conn) || !fin->completes_handshake || !fin->acked.frame)
		return false;
	tell_close(conn, first_closer(conn), out);
	out->by = ACTOR_CLIENT;
	verdict_decided_by(out, fin->first.frame);
	verdict_exclude(
		out, "end.fin.simultaneous",
		"the server could not close before this FIN had opened the connection for it",
		conn_server(conn)->closing->first.frame);
	return true;
}

static bool simultaneous(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;
	const struct fin *client = conn_client(conn)->closing;
	const struct fin *server = conn_server(conn)->closing;

	if (!both_closed(conn) || client->acks_peer_fin || server->acks_peer_fin)
		return false;
	/* The second closer may have acknowledged the first FIN before it sent its own. */
	const struct fin *one = conn->half[first_closer(conn)].closing;
	const struct fin *two = conn->half[end_other(first_closer(conn))].closing;

	if (one->acked.frame && one->acked.frame < two->first.frame)
		return false;
	tell_close(conn, first_closer(conn), out);
	out->by = ACTOR_BOTH;
	verdict_decided_by(out, two->first.frame);
	verdict_value(out, "apart_ns", VALUE_NS, two->first.time_ns - one->first.time_ns);
	verdict_exclude(out, "end.fin.three-segment",
			"the second FIN does not acknowledge the first one", two->first.frame);
	return true;
}

static bool three_segment(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;

	if (!both_closed(conn))
		return false;

	enum end first = first_closer(conn);
	const struct fin *one = conn->half[first].closing;
	const struct fin *two = conn->half[end_other(first)].closing;

	if (!one->acked.frame || one->acked.frame != two->first.frame)
		return false;
	tell_close(conn, first, out);
	verdict_decided_by(out, two->first.frame);
	verdict_value(out, "close_wait_ns", VALUE_NS, two->first.time_ns - one->first.time_ns);
	verdict_exclude(out, "end.fin.simultaneous",
			"the second FIN acknowledges the first: its sender had seen it",
			two->first.frame);
	return true;
}

static bool four_way(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;

	if (!both_closed(conn))
		return false;

	enum end first = first_closer(conn);
	const struct fin *one = conn->half[first].closing;
	const struct fin *two = conn->half[end_other(first)].closing;

	if (!one->acked.frame && !two->acks_peer_fin)
		return false;
	tell_close(conn, first, out);
	verdict_decided_by(out, one->acked.frame);
	verdict_value(out, "close_wait_ns", VALUE_NS, two->first.time_ns - one->first.time_ns);
	verdict_exclude(out, "end.fin.simultaneous",
			"the first FIN was acknowledged before the second was sent",
			one->acked.frame);
	return true;
}

static bool unanswered(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;

	if (conn->ending_reset >= 0 || conn->quality.one_sided)
		return false;

	enum end end = first_closer(conn);
	const struct fin *fin = conn->half[end].closing;

	if (fin->acked.frame || fin->repeats < 2)
		return false;
	if (!context_slot_passed(context, fin->last_repeat_ns, fin->last_gap_ns)) {
		verdict_exclude(out, "end.fin.unanswered",
				"the capture ends before the next repeat was due",
				fin->last_repeat_frame);
		return false;
	}
	out->by = actor_of(end);
	verdict_cite(out, fin->first.frame);
	verdict_decided_by(out, fin->last_repeat_frame);
	verdict_value(out, "fin_seq", VALUE_COUNT, fin->seq);
	verdict_value(out, "repeats", VALUE_COUNT, (int64_t)fin->repeats);
	verdict_value(out, "span_ns", VALUE_NS, fin->last_repeat_ns - fin->first.time_ns);
	out->cost_ns = fin->last_repeat_ns - fin->first.time_ns;
	ending_weigh_pause(context, out);
	verdict_exclude(out, "end.fin.half-only", "the FIN was never acknowledged",
			fin->first.frame);
	verdict_exclude(out, "end.dead.unfinished",
			"the next repeat was due and did not come while the capture went on",
			fin->last_repeat_frame);
	return true;
}

/* How long the other side has said nothing since it acknowledged the FIN; TIME_NONE: it did. */
static int64_t half_only_silence(const struct context *context, enum end closer,
				 const struct reset *reset)
{
	const struct conn *conn = context->conn;
	const struct fin *fin = conn->half[closer].closing;
	const struct moment *data = &conn->half[end_other(closer)].last_data;
	int64_t since = fin->acked.time_ns;
	int64_t until = reset ? reset->trigger.time_ns : conn->judged_ns;

	if (data->frame && data->time_ns > since)
		since = data->time_ns;
	return until - since;
}

static bool half_only(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;
	const struct reset *reset = ending_reset(context);
	enum end closer = first_closer(conn);
	const struct fin *fin = conn->half[closer].closing;

	if (conn->half[end_other(closer)].has_fin || !fin->acked.frame || conn->quality.one_sided)
		return false;
	if (reset && !ending_reset_confirms_half_only(context, reset))
		return false;

	int64_t silence = half_only_silence(context, closer, reset);

	if (silence <= HALF_ONLY_NS)
		return false;
	out->by = actor_of(closer);
	verdict_cite(out, fin->first.frame);
	verdict_decided_by(out, fin->acked.frame);
	state_fin(out, fin, "fin_seq", "fin_ack");
	verdict_value(out, "silence_ns", VALUE_NS, silence);
	if (reset) {
		verdict_cite(out, reset->trigger.frame);
		verdict_cite(out, reset->at.frame);
		verdict_exclude(out, "end.rst.data-after-close",
				"the reset answers a segment without data: nothing was lost",
				reset->trigger.frame);
	} else {
		ending_weigh_pause(context, out);
		verdict_exclude(out, "end.fin.unanswered", "the FIN was acknowledged",
				fin->acked.frame);
	}
	return true;
}

static const struct entry entries[] = {
	{
		.id = "end.fin.during-handshake",
		.phase = PHASE_END,
		.look = false,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "Closed before the server had seen the end of the handshake",
		.headline = "closed properly; the client's FIN (seq {fin_seq}) itself completed "
			    "the handshake",
		.grouped = "closed properly, the client's FIN completing the handshake",
		.meaning = "The client closed at once, and its FIN was the first segment with the "
			   "last acknowledgement of the handshake in it that the server got (the "
			   "separate ACK was lost, late or never sent). The FIN carries that "
			   "acknowledgement too, so it opens the connection and half closes it in "
			   "one step. Nothing is wrong: the program that accepts this connection "
			   "reads end-of-file at once.",
		.evidence = "SYN, SYN-ACK, then a FIN of the client before any other ACK of the "
			    "SYN-ACK, and the server acknowledges FIN seq + 1: it took both the "
			    "handshake and the FIN from one segment. Only then can the server's "
			    "own FIN follow.",
		.lookalikes = "A simultaneous close needs two FINs that cross; here the server had "
			      "no connection to close until this FIN came, so its FIN always "
			      "acknowledges the client's. If the lost ACK is repeated on its own "
			      "first, this is an ordinary close.",
		.kernel = "Linux keeps the half-open connection as a request socket (SYN_RECV in "
			  "ss); the FIN's ACK turns it into a socket that goes to CLOSE_WAIT in "
			  "the same moment. accept() returns it and read() returns 0. Only the "
			  "client holds TIME_WAIT.",
		.advice = "Nothing to repair. A server should treat read() == 0 directly after "
			  "accept() as an ordinary end and not log it as an error; health checks "
			  "and port probes look like this.",
		.source = "RFC 9293, sections 3.10.7.4 and 3.6; Linux tcp_check_req(), "
			  "tcp_rcv_state_process()",
		.holds = during_handshake,
	},
	{
		.id = "end.fin.simultaneous",
		.phase = PHASE_END,
		.look = false,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "Both ends closed at once",
		.headline = "closed by both ends at once: the FINs crossed {apart_ns} apart, and "
			    "both ends hold TIME_WAIT",
		.grouped = "closed by both ends at once",
		.meaning = "Each end sent its FIN before the other's had reached it. Both go from "
			   "FIN_WAIT_1 to CLOSING, and when the acknowledgements arrive, to "
			   "TIME_WAIT. The only difference to an ordinary close is that both ends, "
			   "not one, keep their port for the length of TIME_WAIT.",
		.evidence = "Two FINs, neither of which acknowledges the other in its first "
			    "transmission; then each side's ACK covers the other's FIN seq + 1. A "
			    "FIN sent again with the old ack number does not count.",
		.lookalikes =
			"In a three-segment close the second FIN acknowledges the first (ack = FIN "
			"seq + 1): its sender had seen it and merely answered fast. Close to one "
			"end the two FINs may look ordered in time; only the ack numbers decide.",
		.kernel =
			"ss shows CLOSING for as long as the ACKs are under way. On one host or a "
			"fast network two programs that close together rarely manage this: a round "
			"trip must lie between the FINs, so the usual result is three segments.",
		.advice = "Nothing to repair. If TIME_WAIT on the server side disturbs (a listener "
			  "restarted without SO_REUSEADDR, many short connections), let one side "
			  "wait for the other's end-of-file before it calls close().",
		.source = "RFC 9293, section 3.6, figure 13; states in section 3.3.2",
		.holds = simultaneous,
	},
	{
		.id = "end.fin.three-segment",
		.phase = PHASE_END,
		.look = false,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.straight = true,
		.title = "Closed in three segments",
		.headline = "closed by {by_role} first (FIN seq {fin_seq}); {other_role} answered "
			    "with its own FIN at once; {by_role} holds TIME_WAIT",
		.grouped = "closed in three segments (FIN, FIN with ACK, ACK)",
		.meaning = "One side closed; the other closed too before its separate "
			   "acknowledgement of that FIN was sent, so FIN and acknowledgement "
			   "travelled in one segment. Both directions were finished in an orderly "
			   "way. The side that closed first keeps the connection in TIME_WAIT.",
		.evidence =
			"FIN; then a FIN whose ack is the first FIN's seq + 1 and which is the "
			"first segment to acknowledge it; then an ACK of the second FIN's seq + 1. "
			"That both acknowledgements are one higher than the FIN's own number "
			"although no data went with it shows that a FIN takes a sequence number.",
		.lookalikes = "Crossing FINs (simultaneous close) do not acknowledge one another. "
			      "With a separate ACK before the second FIN it is the four-segment "
			      "form; which of the two it becomes is a matter of milliseconds "
			      "(delayed ACK), not of meaning.",
		.kernel = "Linux may delay the ACK of a FIN by up to 40 ms; a program that was "
			  "waiting in read() and closes within that time makes three segments of "
			  "four. First closer: FIN_WAIT_1, FIN_WAIT_2 (for no time at all), "
			  "TIME_WAIT for 60 s. Second: CLOSE_WAIT, LAST_ACK, closed. ss -o shows "
			  "the remaining time.",
		.advice = "Nothing to repair. TIME_WAIT belongs to the side that closes first: let "
			  "that be the side with more ports to spare, usually the client.",
		.source = "RFC 9293, sections 3.6 and 3.4 (SYN and FIN take one sequence number "
			  "each)",
		.holds = three_segment,
	},
	{
		.id = "end.fin.four-way",
		.phase = PHASE_END,
		.look = false,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.straight = true,
		.title = "Closed in four segments",
		.headline = "closed by {by_role} first (FIN seq {fin_seq}, acknowledged with one "
			    "more); {other_role} closed {close_wait_ns} later; {by_role} holds "
			    "TIME_WAIT",
		.grouped = "closed in four segments (FIN, ACK, FIN, ACK)",
		.meaning =
			"One side said that it has nothing more to send, the other acknowledged "
			"that, finished its own work and said the same. Everything that was sent "
			"was delivered. The side that closed first waits in TIME_WAIT so that it "
			"can acknowledge the last FIN again if its ACK gets lost, and so that late "
			"segments of this connection cannot be taken for a new one's.",
		.evidence = "FIN; an ACK of FIN seq + 1; some time later the other FIN; an ACK of "
			    "that FIN's seq + 1. The FIN has no payload, and still the "
			    "acknowledgement goes up by one: it took a sequence number.",
		.lookalikes =
			"If the second FIN itself is the first to acknowledge the first FIN, it is "
			"the three-segment form. If data follows the first FIN and is "
			"acknowledged, it is a half close (life.half-closed is then said besides).",
		.kernel = "First closer: FIN_WAIT_1, FIN_WAIT_2, TIME_WAIT (Linux: 60 s, not "
			  "adjustable). Second: CLOSE_WAIT until its program calls close(), then "
			  "LAST_ACK. The time between ACK and second FIN is the time that program "
			  "took. In ss a CLOSE_WAIT that stays is a program that forgot to close.",
		.advice = "Nothing to repair. If the pause before the second FIN is long, look at "
			  "the program of the second closer: read() returned 0 there and it did "
			  "not call close() yet.",
		.source = "RFC 9293, section 3.6, figure 12; section 3.4 (sequence numbers of SYN "
			  "and FIN)",
		.holds = four_way,
	},
	{
		.id = "end.fin.unanswered",
		.phase = PHASE_END,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 1,
		.rests_on_silence = true,
		.title = "FIN never acknowledged",
		.headline = "{by_role} closed and repeated its FIN {repeats} times over {span_ns}; "
			    "{other_role} never acknowledged it",
		.grouped = "closed, but the FIN was never acknowledged",
		.meaning = "One side tried to close and nothing confirmed it. The other host, or "
			   "the path to it, was gone by then. If the other side still lives, it "
			   "knows nothing of the close and keeps its half open until it sends "
			   "something or its keep-alive notices.",
		.evidence = "The same FIN two or more times with growing gaps, no acknowledgement "
			    "of its seq + 1, and the capture goes on past the time of the next "
			    "repeat without one.",
		.lookalikes =
			"With the FIN acknowledged and silence afterwards it is end.fin.half-only: "
			"there the system lived and the program did not close. When the capture "
			"simply ends too early it is end.dead.unfinished. A capture of one "
			"direction only shows the same and is not judged.",
		.kernel = "FIN_WAIT_1. A socket already closed by its program is an orphan: Linux "
			  "repeats about 8 times (net.ipv4.tcp_orphan_retries 0 means 8) and drops "
			  "it without sending a reset; TcpExtTCPAbortOnTimeout counts it. The "
			  "program learns nothing: close() had returned long before.",
		.advice = "Look why {other_host} disappeared: did other connections to it stop at "
			  "the same time? If the last data matters, shut down the sending side and "
			  "wait for the peer's end-of-file before close().",
		.source = "RFC 9293, section 3.6; Linux tcp_orphan_retries(), tcp_write_timeout()",
		.holds = unanswered,
	},
	{
		.id = "end.fin.half-only",
		.phase = PHASE_END,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.rests_on_silence = true,
		.title = "Closed by one side only",
		.headline = "{by_role} closed; {other_role} acknowledged it and then neither sent "
			    "nor closed for {silence_ns}",
		.grouped = "closed by one side only, the other never closed",
		.meaning = "One side finished. The other side's system took note of it (it "
			   "acknowledged the FIN), but its program did nothing: it sent no data "
			   "and did not close within a minute. Usually that program is not looking "
			   "at this connection, or forgot to close it: a leaked descriptor.",
		.evidence =
			"A FIN, an ACK of its seq + 1, and more than 60 s of capture in which the "
			"acknowledging side sends neither data nor a FIN. A bare reset of the "
			"first closer to a later probe only confirms that it had stopped waiting.",
		.lookalikes = "If data flowed after the FIN and was acknowledged, the half close "
			      "was in use (life.half-closed). If data came late and was reset, it "
			      "is end.rst.data-after-close. If the FIN itself was never "
			      "acknowledged, the host or the path was gone: end.fin.unanswered.",
		.kernel = "The closer is in FIN_WAIT_2; if its program has closed the socket, "
			  "Linux forgets it after net.ipv4.tcp_fin_timeout (60 s) and from then on "
			  "answers with a reset. The other side sits in CLOSE_WAIT for ever: ss "
			  "-tp state close-wait names the process. Only the kernel can say that "
			  "the leak is still there (end.leak.close-wait).",
		.advice = "On {other_host} look for sockets in CLOSE_WAIT: ss -tnp state "
			  "close-wait. In its program close the socket whenever read() returns 0, "
			  "also on error paths and in idle pools.",
		.source = "RFC 9293, section 3.6; Linux net.ipv4.tcp_fin_timeout, tcp_time_wait()",
		.holds = half_only,
	},
	{
		.id = "end.leak.close-wait",
		.phase = PHASE_END,
		.look = true,
		.decidable = DECIDABLE_KERNEL,
		.wire_max = CONFIDENCE_POSSIBLE,
		.lab = LAB_YES,
		.first = 2,
		.title = "CLOSE_WAIT leak",
		.headline = "{by_role} never closed although {other_role} had: its socket stays in "
			    "CLOSE_WAIT",
		.grouped = "sockets left in CLOSE_WAIT",
		.meaning = "The peer closed long ago, the system acknowledged it and told the "
			   "program (read() returns 0), and the program never called close(). Each "
			   "such connection holds a descriptor and memory until the process ends. "
			   "Many of them and accept() fails with EMFILE.",
		.evidence = "On the wire the same as end.fin.half-only: a FIN, its ACK, then "
			    "nothing. The proof is in the kernel of the side that did not close: "
			    "the socket still exists in CLOSE_WAIT, with a process that owns it.",
		.lookalikes = "A half close in use (the peer called shutdown() and still reads) "
			      "also shows CLOSE_WAIT; there data still flows. A CLOSE_WAIT of "
			      "milliseconds is ordinary.",
		.kernel = "CLOSE_WAIT has no time limit in any system: only the program's close(), "
			  "its exit, or a keep-alive that fails ends it. ss -tnpe state close-wait "
			  "shows process, descriptor and inode; Recv-Q 1 is the FIN that nobody "
			  "has read.",
		.advice =
			"Find the owner with ss -tnp state close-wait, then the code path that "
			"stops reading without closing: an error branch, a pool that never checks "
			"idle connections, a thread that waits elsewhere. SO_KEEPALIVE does not "
			"help: the peer's system answers or resets, but the program must act.",
		.source = "RFC 9293, sections 3.3.2 and 3.6 (CLOSE-WAIT waits for the local user)",
		.holds = NULL,
	},
};

const struct theme end_fin_theme = {
	.name = "end_fin",
	.entries = entries,
	.count = sizeof(entries) / sizeof(entries[0]),
	.applies = fin_applies,
};
