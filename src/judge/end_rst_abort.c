/* SPDX-License-Identifier: BSD-2-Clause */
#include "judge/ending.h"
#include "judge/keepalive.h"
#include "judge/themes.h"

/*
 * Resets that a living socket's system sent of its own accord, and the keep-alive that gave up,
 * which other systems may do without a reset. Source of the order: docs/precedence.md, section 3,
 * "Local abort", and section 5.
 */

/* The accepted reset if it is a local abort; a strange TTL costs a step of confidence. */
static const struct reset *abort_reset(const struct context *context, struct verdict *out)
{
	const struct reset *reset = ending_reset(context);
	bool sure = true;

	if (!reset || ending_reset_shape(context, reset, &sure) != RESET_ABORT)
		return NULL;
	if (ending_reset_from_elsewhere(reset))
		verdict_lower(out);
	return reset;
}

static void tell_abort(const struct reset *reset, struct verdict *out)
{
	out->by = actor_of((enum end)reset->at.from);
	verdict_decided_by(out, reset->at.frame);
	verdict_exclude(out, "end.rst.no-socket",
			"it carries ACK and that side's next number: the socket was alive",
			reset->at.frame);
	if (reset->usual_ttl && !ending_reset_from_elsewhere(reset))
		verdict_exclude(out, "end.rst.injected", "same TTL as that end's other packets",
				reset->at.frame);
	if (reset->at.window == 0 && reset->window_was_open)
		verdict_text(out, "sender_system", "not Linux: window 0 although it had been open");
}

/* Probes at equal distances: a timer, not a coincidence. Slack: docs/precedence.md, section 6. */
static bool equally_spaced(const struct probe_run *run)
{
	return run->gap_least_ns != TIME_NONE &&
	       run->gap_most_ns - run->gap_least_ns <= run->gap_least_ns / 8 + 10 * NSEC_PER_MSEC;
}

static void tell_probes(const struct probe_run *run, struct verdict *out)
{
	for (unsigned i = 0; i < run->frame_count && i < 6; i++)
		verdict_cite(out, run->frames[i]);
	verdict_cite(out, run->last_frame);
	verdict_value(out, "idle_ns", VALUE_NS, run->idle_ns == TIME_NONE ? 0 : run->idle_ns);
	verdict_value(out, "probes", VALUE_COUNT, run->unanswered);
	if (run->payload_bytes)
		verdict_text(out, "probe_form", "1 byte of old data, as Windows sends it");
}

/* Whether nothing but keep-alive can be at work: all was acknowledged, and the window is open. */
static bool only_idle(const struct conn *conn, enum end end)
{
	const struct half *half = &conn->half[end];

	return half->snd_una == half->snd_nxt && !conn->half[end_other(end)].shut->shut_now;
}

/* The interval: between the probes, or between a single one and the reset. */
static void tell_schedule(const struct probe_run *run, int64_t end_ns, struct verdict *out)
{
	int64_t interval = run->gap_most_ns;

	if (interval == TIME_NONE && end_ns != TIME_NONE)
		interval = end_ns - run->last_ns;
	if (interval != TIME_NONE)
		verdict_value(out, "interval_ns", VALUE_NS, interval);

	const char *habit = keepalive_habit(run->idle_ns, interval, run->unanswered);

	verdict_text(out, "schedule", habit ? habit : "set by the program");
	if (run->idle_ns != TIME_NONE)
		out->cost_ns = (end_ns != TIME_NONE ? end_ns : run->last_ns) - run->first_ns +
			       run->idle_ns;
}

static bool keepalive_reset(const struct context *context, const struct reset *reset,
			    struct verdict *out)
{
	enum end end = (enum end)reset->at.from;
	const struct probe_run *run = context->conn->half[end].keepalive;

	if (!run->unanswered || run->last_frame > reset->at.frame || !only_idle(context->conn, end))
		return false;
	if (run->unanswered >= 2) {
		int64_t last = reset->at.time_ns - run->last_ns;

		if (!equally_spaced(run) ||
		    last > run->gap_most_ns + run->gap_most_ns / 8 + 10 * NSEC_PER_MSEC ||
		    last < run->gap_least_ns - run->gap_least_ns / 8 - 10 * NSEC_PER_MSEC)
			return false;
	} else {
		verdict_lower(out);
	}
	tell_probes(run, out);
	tell_schedule(run, reset->at.time_ns, out);
	tell_abort(reset, out);
	return true;
}

static bool keepalive_timeout(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;

	if (conn->ending_reset >= 0) {
		const struct reset *reset = abort_reset(context, out);

		return reset && keepalive_reset(context, reset, out);
	}
	if (conn->replaced || conn->half[END_CLIENT].has_fin || conn->half[END_SERVER].has_fin)
		return false;
	for (unsigned end = 0; end < ENDS; end++) {
		const struct probe_run *run = conn->half[end].keepalive;

		if (run->unanswered < 3 || !only_idle(conn, (enum end)end) || !equally_spaced(run))
			continue;
		if (!context_slot_passed(context, run->last_ns, run->gap_most_ns)) {
			verdict_exclude(out, "end.dead.keepalive-timeout",
					"the capture ends before the next probe was due",
					run->last_frame);
			return false;
		}
		verdict_lower(out);
		out->by = actor_of((enum end)end);
		tell_probes(run, out);
		tell_schedule(run, TIME_NONE, out);
		ending_weigh_pause(context, out);
		verdict_exclude(out, "end.dead.unfinished",
				"no further probe came although one was due", run->last_frame);
		return true;
	}
	return false;
}

static bool user_timeout(const struct context *context, struct verdict *out)
{
	const struct reset *reset = abort_reset(context, out);

	if (!reset)
		return false;

	enum end end = (enum end)reset->at.from;
	const struct resend_run *run = context->conn->half[end].resend;

	if (ending_repeats_unanswered(context->conn, end) < 3 || !run->gaps_grow ||
	    !run->payload_bytes || run->last_frame > reset->at.frame)
		return false;
	verdict_cite(out, run->original_frame);
	for (unsigned i = 0; i < run->frame_count && i < 6; i++)
		verdict_cite(out, run->frames[i]);
	tell_abort(reset, out);
	verdict_value(out, "repeats", VALUE_COUNT, run->repeats);
	verdict_value(out, "span_ns", VALUE_NS, reset->at.time_ns - run->original_ns);
	out->cost_ns = reset->at.time_ns - run->original_ns;
	verdict_exclude(out, "end.dead.host-gone",
			"the sender said with a reset that it gave up; Linux gives up in silence",
			reset->at.frame);
	return true;
}

/* What the wire cannot tell apart behind an abort, less what it does exclude. */
static void tell_causes(const struct conn *conn, const struct reset *reset, bool unread,
			struct verdict *out)
{
	enum end end = (enum end)reset->at.from;
	bool silent_server = end == END_SERVER && !reset->sender_sent_payload;

	if (unread || conn->half[end_other(end)].last_data.frame)
		verdict_text(out, "cause", "closed before everything received was read");
	verdict_text(out, "cause", "SO_LINGER 0");
	verdict_text(out, "cause",
		     conn->half[end].ttl_count && ttl_start(conn->half[end].ttls[0]) == 128
			     ? "the process was killed (TTL 128: Windows resets then)"
			     : "the process ended with data unread");
	if (silent_server)
		verdict_text(out, "cause", "the listener was closed before accept()");
	if (!unread)
		verdict_text(out, "cause", "lack of memory");
}

static void tell_before(const struct conn *conn, const struct reset *reset, struct verdict *out)
{
	const struct half *peer = &conn->half[end_other((enum end)reset->at.from)];

	if (peer->last_data.frame && peer->last_data.frame < reset->at.frame)
		verdict_cite(out, peer->last_data.frame);
	else if (reset->has_previous)
		verdict_cite(out, reset->previous.frame);
	verdict_value(out, "idle_ns", VALUE_NS,
		      reset->silence_ns != TIME_NONE ? reset->silence_ns : 0);
}

static bool unread_data(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;
	const struct reset *reset = abort_reset(context, out);

	if (!reset)
		return false;

	const struct half *peer = &conn->half[end_other((enum end)reset->at.from)];

	if (!peer->last_data.frame || !reset->peer_payload_acked || reset->sender_answered)
		return false;
	tell_before(conn, reset, out);
	tell_abort(reset, out);
	verdict_value(out, "unread_at_most_bytes", VALUE_BYTES, (int64_t)peer->unique_bytes);
	tell_causes(conn, reset, true, out);
	verdict_exclude(out, "end.rst.data-after-close",
			"that reset is bare and answers the data at once", reset->at.frame);
	return true;
}

static bool local_abort(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;
	const struct reset *reset = abort_reset(context, out);

	if (!reset)
		return false;

	const struct half *peer = &conn->half[end_other((enum end)reset->at.from)];

	tell_before(conn, reset, out);
	tell_abort(reset, out);
	tell_causes(conn, reset, false, out);
	if (!peer->last_data.frame)
		verdict_exclude(out, "end.rst.unread-data", "the other side never sent data",
				reset->at.frame);
	else if (reset->sender_answered)
		verdict_exclude(out, "end.rst.unread-data",
				"that side had sent payload after the last data that it got",
				reset->at.frame);
	else
		verdict_exclude(out, "end.rst.unread-data",
				"the other side's last data had not reached it",
				peer->last_data.frame);
	return true;
}

static const struct entry entries[] = {
	{
		.id = "end.dead.keepalive-timeout",
		.phase = PHASE_END,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.rests_on_silence = true,
		.title = "Keep-alive gave up",
		.headline = "{by_role} gave up: {probes} keep-alive probes {interval_ns} "
			    "apart, after {idle_ns} of silence, went unanswered",
		.grouped = "given up after unanswered keep-alive probes to {other_host}",
		.meaning = "The connection had nothing to say for a while, so one side asked "
			   "whether the other is still there. No answer came to any of its probes, "
			   "and it gave the connection up. The other host, or the path to it, was "
			   "gone by then, perhaps long before the first probe.",
		.evidence = "Nothing unacknowledged, the window open, then probes at equal "
			    "distances: empty segments (or one byte) with the number just before "
			    "the next one. No answer to any; one more interval later a reset with "
			    "ACK (Linux, BSD, macOS, Windows), or nothing.",
		.lookalikes = "A shut window is probed in the same form, but with growing gaps and "
			      "while data waits: end.dead.zero-window. Data that is repeated is "
			      "end.dead.host-gone: keep-alive does not run while something is "
			      "unacknowledged. When the capture ends before the next probe was due "
			      "it is end.dead.unfinished.",
		.kernel = "Linux: idle tcp_keepalive_time (7200 s), interval tcp_keepalive_intvl "
			  "(75 s), tcp_keepalive_probes (9), each overridden by TCP_KEEPIDLE, "
			  "TCP_KEEPINTVL, TCP_KEEPCNT; TCP_USER_TIMEOUT replaces the count. The "
			  "program gets ETIMEDOUT, the reset's reason is TCP_KEEPALIVE_TIMEOUT, "
			  "TCPAbortOnTimeout counts it. If the reset reaches a living peer, that "
			  "one gets ECONNRESET.",
		.advice = "Look what became of {other_host} or of a firewall's table on the way "
			  "(idle {idle_ns}). To notice sooner: setsockopt TCP_KEEPIDLE 60, "
			  "TCP_KEEPINTVL 10, TCP_KEEPCNT 3, and below the smallest idle limit on "
			  "the path. It stops probing while data is under way: set "
			  "TCP_USER_TIMEOUT for that.",
		.source = "RFC 1122, section 4.2.3.6; RFC 9293, section 3.8.4; Linux "
			  "tcp_keepalive_timer()",
		.holds = keepalive_timeout,
	},
	{
		.id = "end.rst.user-timeout",
		.phase = PHASE_END,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_MODEL,
		.first = 1,
		.title = "Gave up repeating, and said so",
		.headline = "{by_role} repeated its data {repeats} times in {span_ns} without an "
			    "answer and gave up with a reset",
		.grouped = "given up with a reset after repeats to {other_host} went unanswered",
		.meaning = "One side's data was not acknowledged. It repeated the data with "
			   "growing pauses, reached its limit and aborted the connection. The "
			   "other host or the path to it was gone.",
		.evidence = "The same octets three or more times with growing gaps and no "
			    "acknowledgement since, then a reset with ACK of that same side at its "
			    "own next number.",
		.lookalikes = "Linux stops repeating without any packet: that is "
			      "end.dead.host-gone. With empty probes instead of data it is "
			      "end.dead.keepalive-timeout. A program that lost patience and closed "
			      "with SO_LINGER 0 during the repeats looks the same.",
		.kernel = "BSD and macOS drop the connection after 12 repeats (some 9 minutes), "
			  "Windows after 5, with a reset; the program gets ETIMEDOUT (10060 on "
			  "Windows). Linux: tcp_retries2 or TCP_USER_TIMEOUT, and no reset.",
		.advice = "Look what became of {other_host}, or of the path, {span_ns} before the "
			  "reset. The data that was repeated never got an acknowledgement; whether "
			  "it was read is unknown.",
		.source = "RFC 9293, section 3.8.3 (R2); RFC 1122, section 4.2.3.5; RFC 5482",
		.holds = user_timeout,
	},
	{
		.id = "end.rst.unread-data",
		.phase = PHASE_END,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 1,
		.title = "Closed with data unread",
		.headline = "{by_role} aborted the connection after data that it never answered: "
			    "closed with that unread, or on purpose",
		.grouped = "aborted by {by_host} after data that it never answered",
		.meaning = "The aborting side's system had taken the other's data and acknowledged "
			   "it; its program sent nothing since, and then the socket was closed "
			   "with a reset instead of a FIN. Systems do that when a program closes "
			   "before it has read everything, so that the sender learns that its data "
			   "was not read. A killed process, SO_LINGER 0 or a closed listener give "
			   "the same packets here: the wire cannot tell them apart.",
		.evidence = "The other side's last payload is acknowledged (by the reset itself at "
			    "the latest), no payload of the resetter follows it, and a reset with "
			    "ACK comes at the resetter's next number, with its usual window, "
			    "without a segment that asked for it.",
		.lookalikes =
			"If the resetter had answered the last data, unread data is unlikely: "
			"end.rst.abort. A bare reset right after data means that no socket was "
			"there: end.rst.data-after-close (after its FIN) or end.rst.no-socket.",
		.kernel = "Linux tcp_close() finds the receive queue not empty: reset with reason "
			  "TCP_ABORT_ON_CLOSE, counter TCPAbortOnClose. With SO_LINGER 0 or an "
			  "unaccepted connection of a closed listener the reason is TCP_STATE. The "
			  "peer's read() gives ECONNRESET, and what it had not read yet of an "
			  "earlier answer is lost as well.",
		.advice = "In the program of {by_host}: read to end-of-file before close(), or "
			  "shutdown(SHUT_WR) first and drain. A server that refuses a request (too "
			  "large, not authorised) must read the rest of it, or its answer may be "
			  "destroyed by this reset. Was the process killed or restarted at this "
			  "moment?",
		.source = "RFC 1122, section 4.2.2.13; RFC 2525, section 2.17; Linux tcp_close()",
		.holds = unread_data,
	},
	{
		.id = "end.rst.abort",
		.phase = PHASE_END,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "Aborted by one side",
		.headline = "{by_role} aborted the living connection by itself after {idle_ns} of "
			    "silence; the wire cannot tell which of several causes",
		.grouped = "aborted by {by_host} of its own accord",
		.meaning = "One side's system ended the connection at once, without the orderly "
			   "FIN, and nothing that it received asked for it. Causes that look the "
			   "same on the wire: the program closed with SO_LINGER 0, or called "
			   "disconnect; it closed or was killed with data unread; its listener was "
			   "closed before it had accepted the connection; the system lacked "
			   "memory. What was under way in both directions may be lost.",
		.evidence = "A reset with ACK at that side's next sequence number, acknowledging "
			    "what it had received, with the window it had advertised; no segment "
			    "just before it that would have called for it.",
		.lookalikes = "Bare resets answer a segment and come from a system without that "
			      "connection (end.rst.no-socket, end.rst.data-after-close). After "
			      "unanswered probes it is end.dead.keepalive-timeout, after "
			      "unanswered repeats end.rst.user-timeout, with the peer's data never "
			      "answered rather end.rst.unread-data.",
		.kernel = "Linux reasons TCP_STATE (SO_LINGER 0, closed listener, disconnect), "
			  "TCP_ABORT_ON_CLOSE (unread data), TCP_ABORT_ON_MEMORY; counters "
			  "TCPAbortOnData, TCPAbortOnClose, TCPAbortOnMemory, and OutRsts for all. "
			  "The other side gets ECONNRESET, once. Nobody holds TIME_WAIT.",
		.advice = "Look for SO_LINGER with 0 in the program of {by_host} (clients do it to "
			  "avoid TIME_WAIT), for restarts at this moment, and for close() on error "
			  "paths. nstat -z 'TcpExtTCPAbort*' before and after narrows it down; the "
			  "tracepoint tcp:tcp_send_reset names the reason.",
		.source = "RFC 9293, section 3.10.5 (ABORT); Linux tcp_send_active_reset()",
		.holds = local_abort,
	},
	{
		.id = "end.rst.linger0",
		.phase = PHASE_END,
		.look = true,
		.decidable = DECIDABLE_KERNEL,
		.wire_max = CONFIDENCE_POSSIBLE,
		.lab = LAB_YES,
		.first = 2,
		.title = "Aborted on purpose with SO_LINGER 0",
		.headline = "{by_role}'s program aborted the connection on purpose (SO_LINGER 0)",
		.grouped = "aborted on purpose with SO_LINGER 0",
		.meaning = "The program had set SO_LINGER to 0 seconds, so that close() throws "
			   "away what is unsent and resets the connection. It is often done to "
			   "avoid TIME_WAIT, at the price of data that may be lost without notice.",
		.evidence = "The reset of a living socket, as end.rst.abort; that it was this "
			    "option only the kernel or the program can say.",
		.lookalikes = "Unread data, a closed listener, a killed process, disconnect: all "
			      "the same on the wire.",
		.kernel = "Linux reason TCP_STATE (not TCP_ABORT_ON_LINGER, which means a negative "
			  "TCP_LINGER2), counter TCPAbortOnData; strace shows "
			  "setsockopt(SO_LINGER, l_onoff 1, l_linger 0).",
		.advice = "Remove the option. If TIME_WAIT was the reason, let the other side "
			  "close first, or allow reuse (SO_REUSEADDR on listeners, "
			  "net.ipv4.tcp_tw_reuse for clients).",
		.source = "socket(7) SO_LINGER; Linux tcp_close(); RFC 1122, section 4.2.2.13",
		.holds = NULL,
	},
};

/* Besides resets: keep-alive probes that nobody answered end a connection without one. */
static bool abort_applies(const struct context *context)
{
	const struct conn *conn = context->conn;

	return conn->ending_reset >= 0 || conn_client(conn)->keepalive->unanswered ||
	       conn_server(conn)->keepalive->unanswered;
}

const struct theme end_rst_abort_theme = {
	.name = "end_rst_abort",
	.applies = abort_applies,
	.entries = entries,
	.count = sizeof(entries) / sizeof(entries[0]),
};
