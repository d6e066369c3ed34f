/* SPDX-License-Identifier: BSD-2-Clause */
#include "judge/ending.h"
#include "judge/themes.h"

/*
 * Connections that neither a FIN pair nor a reset ended: given up in silence, or replaced.
 * Source of the order: docs/precedence.md, section 5 (keep-alive: end_rst_abort.c).
 */

static bool silence_applies(const struct context *context)
{
	const struct conn *conn = context->conn;

	return conn->ending_reset < 0;
}

/* Fewer repeats than this may as well be the last packets before a capture's or a program's end. */
#define REPEATS_SURE 3

/* The first repeat may be a probe after two short round trips; the timer is never as short. */
#define TIMER_LEAST_NS (200 * NSEC_PER_MSEC)

static bool repeat_is_overdue(const struct context *context, const struct resend_run *run)
{
	return context_slot_passed(context, run->last_ns,
				   run->last_gap_ns > TIMER_LEAST_NS ? run->last_gap_ns
								     : TIMER_LEAST_NS);
}

static bool replaced(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;

	if (!conn->replaced)
		return false;
	out->by = conn->restarted_by_client ? ACTOR_CLIENT : ACTOR_NONE;
	verdict_cite(out, conn->last_frame);
	verdict_decided_by(out, conn->replaced_by);
	verdict_value(out, "replaced_by", VALUE_FRAME, (int64_t)conn->replaced_by);
	verdict_value(out, "idle_ns", VALUE_NS, conn->judged_ns - conn->last_ns);
	verdict_exclude(out, "end.rst.half-open-restart",
			"the new SYN was accepted at once, without a challenge and a reset",
			conn->replaced_by);
	return true;
}

/* The probing of a shut window that stopped without the window having opened. */
static bool dead_zero_window(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;

	for (unsigned end = 0; end < ENDS; end++) {
		const struct probe_run *run = conn->half[end].window_probe;
		enum end reader = end_other((enum end)end);
		const struct shut_window *shut = conn->half[reader].shut;

		if (!shut->shut_now || !run->total || run->last_frame < shut->since_frame)
			continue;

		int64_t gap = run->typical_gap_ns != TIME_NONE ? run->typical_gap_ns
							       : run->last_ns - shut->since_ns;

		if (!context_slot_passed(context, run->last_ns, gap)) {
			verdict_exclude(out, "end.dead.zero-window",
					"the window is being probed up to the end of the capture",
					run->last_frame);
			return false;
		}
		out->by = actor_of((enum end)end);
		verdict_cite(out, shut->since_frame);
		verdict_cite(out, run->first_frame);
		verdict_decided_by(out, run->last_frame);
		verdict_value(out, "shut_ns", VALUE_NS, run->last_ns - shut->since_ns);
		verdict_value(out, "probes", VALUE_COUNT, shut->probes);
		out->cost_ns = run->last_ns - shut->since_ns;
		verdict_text(out, "reader",
			     run->unanswered ? "no longer answers the probes"
					     : "answers the probes: its system lives");
		ending_weigh_pause(context, out);
		verdict_exclude(out, "end.dead.keepalive-timeout",
				"the window was shut: these probes ask for it", shut->since_frame);
		return true;
	}
	return false;
}

/* What is common to giving up and to being cut off while repeating. */
static void tell_repeats(const struct conn *conn, enum end end, struct verdict *out)
{
	const struct half *half = &conn->half[end];
	const struct resend_run *run = half->resend;
	const struct moment *heard = &conn->half[end_other(end)].last;
	int64_t since = run->original_ns != TIME_NONE ? run->original_ns : run->first_ns;

	out->by = actor_of(end);
	verdict_cite(out, heard->frame);
	verdict_cite(out, run->original_frame);
	for (unsigned i = 0; i < run->frame_count && i < 6; i++)
		verdict_cite(out, run->frames[i]);
	verdict_decided_by(out, run->last_frame);
	verdict_value(out, "repeats", VALUE_COUNT, ending_repeats_unanswered(conn, end));
	verdict_value(out, "span_ns", VALUE_NS, run->last_ns - since);
	verdict_value(out, "unacknowledged_bytes", VALUE_BYTES,
		      (int64_t)(uint32_t)(half->snd_nxt - half->snd_una));
	if (heard->frame)
		verdict_value(out, "unheard_ns", VALUE_NS, run->last_ns - heard->time_ns);
	if (run->silence_before_ns > 0)
		verdict_value(out, "idle_ns", VALUE_NS, run->silence_before_ns);
	out->cost_ns = run->last_ns - since;
}

static bool host_gone(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;

	if (conn->quality.one_sided)
		return false;
	for (unsigned end = 0; end < ENDS; end++) {
		const struct resend_run *run = conn->half[end].resend;

		unsigned repeats = ending_repeats_unanswered(conn, (enum end)end);

		if (!repeats || !run->payload_bytes ||
		    (repeats < REPEATS_SURE && context->capture_suspect))
			continue;
		if (!repeat_is_overdue(context, run)) {
			verdict_exclude(out, "end.dead.host-gone",
					"the capture ends before the next repeat was due",
					run->last_frame);
			return false;
		}
		if (repeats < REPEATS_SURE)
			out->confidence = CONFIDENCE_POSSIBLE;
		tell_repeats(conn, (enum end)end, out);
		ending_weigh_pause(context, out);
		verdict_exclude(out, "end.rst.user-timeout", "no reset was sent", run->last_frame);
		verdict_exclude(
			out, "end.dead.unfinished",
			"the next repeat was due and did not come while the capture went on",
			run->last_frame);
		return true;
	}
	return false;
}

static bool unfinished_probes(const struct context *context, enum end end, struct verdict *out)
{
	const struct probe_run *run = ending_probes_unanswered(context->conn, end, 2);

	if (!run || context_slot_passed(context, run->last_ns,
					run->gap_most_ns == TIME_NONE ? 0 : run->gap_most_ns))
		return false;
	out->by = actor_of(end);
	for (unsigned i = 0; i < run->frame_count && i < 6; i++)
		verdict_cite(out, run->frames[i]);
	verdict_decided_by(out, run->last_frame);
	verdict_text(out, "what",
		     run == context->conn->half[end].keepalive ? "keep-alive probes"
							       : "probes of a shut window");
	verdict_value(out, "repeats", VALUE_COUNT, run->unanswered);
	verdict_value(out, "span_ns", VALUE_NS, run->last_ns - run->first_ns);
	return true;
}

static bool unfinished_fin(const struct context *context, enum end end, struct verdict *out)
{
	const struct fin *fin = context->conn->half[end].closing;

	if (fin->repeats < 2 || fin->acked.frame ||
	    context_slot_passed(context, fin->last_repeat_ns, fin->last_gap_ns))
		return false;
	out->by = actor_of(end);
	verdict_cite(out, fin->first.frame);
	verdict_decided_by(out, fin->last_repeat_frame);
	verdict_text(out, "what", "its FIN");
	verdict_value(out, "repeats", VALUE_COUNT, (int64_t)fin->repeats);
	verdict_value(out, "span_ns", VALUE_NS, fin->last_repeat_ns - fin->first.time_ns);
	return true;
}

static bool unfinished(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;

	if (conn->quality.one_sided)
		return false;
	for (unsigned end = 0; end < ENDS; end++) {
		const struct resend_run *run = conn->half[end].resend;

		if (ending_repeats_unanswered(conn, (enum end)end) >= 2 && run->payload_bytes &&
		    !repeat_is_overdue(context, run)) {
			verdict_text(out, "what", "its data");
			tell_repeats(conn, (enum end)end, out);
			return true;
		}
		if (unfinished_probes(context, (enum end)end, out) ||
		    unfinished_fin(context, (enum end)end, out))
			return true;
	}
	return false;
}

static const struct entry entries[] = {
	{
		.id = "end.replaced",
		.phase = PHASE_END,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "Replaced by a new connection",
		.headline = "never closed: a new connection on the same addresses and ports "
			    "replaced it (frame {replaced_by})",
		.grouped = "never closed, replaced by new connections on the same ports",
		.meaning = "The same client address and port connected to the same server port "
			   "again, and the server accepted it, although neither a complete close "
			   "nor a reset of the old connection was seen. Either both sides had "
			   "forgotten it (a crash, an idle limit), its end was not captured, or "
			   "the server had closed its side and waited only for the rest.",
		.evidence = "A SYN with another initial number on the same four addresses and "
			    "ports, and a SYN-ACK that acknowledges exactly that number.",
		.lookalikes =
			"If the server still held the old connection it would answer with a plain "
			"ACK and be reset (end.rst.half-open-restart). After a complete close it "
			"is an ordinary reuse of the port (life.open.port-reuse).",
		.kernel = "A Linux server takes a new SYN on an old connection only in TIME_WAIT "
			  "(with a higher timestamp or number) or when it has no socket for it any "
			  "more; in all other states it sends a challenge ACK.",
		.advice = "Look how the old connection ended on each side: an idle limit that "
			  "drops without a packet, a restart, a NAT that gives the same port out "
			  "again within minutes.",
		.source = "RFC 9293, section 3.10.7.4; RFC 1122, section 4.2.2.13; RFC 6191",
		.holds = replaced,
	},
	{
		.id = "end.dead.zero-window",
		.phase = PHASE_END,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 1,
		.rests_on_silence = true,
		.explains_end = true,
		.title = "Gave up on a reader that does not read",
		.headline = "{by_role} stopped probing after {shut_ns}: {other_role}'s window "
			    "never reopened, its program did not read",
		.grouped = "given up on {other_host}, which did not read",
		.meaning = "The receiver's buffer was full and its program read nothing any more. "
			   "The sender asked again and again whether there was room, and then "
			   "stopped: its limit was reached, or its program gave up.",
		.evidence = "A window of zero, probes with growing gaps, no window update; then no "
			    "further probe although one was due and the capture went on.",
		.lookalikes = "While the probes go on it is only life.zero-window.forever. If the "
			      "probes were no longer answered at all, the host may be gone as "
			      "well; the verdict says which. Keep-alive probes come at equal "
			      "distances and with an open window.",
		.kernel =
			"Linux goes on probing as long as probes are answered, up to every 120 s, "
			"unless TCP_USER_TIMEOUT is set or the socket is an orphan; unanswered "
			"ones count against tcp_retries2. It gives up without a reset; the program "
			"gets ETIMEDOUT. On the reader's side Recv-Q in ss is full.",
		.advice = "The cause is the program on {other_host}: blocked, deadlocked, stopped, "
			  "or waiting for its own output to be read. ss -tnp there shows Recv-Q "
			  "and the process. A sender that must not hang sets TCP_USER_TIMEOUT.",
		.source = "RFC 9293, section 3.8.6.1; RFC 6429; Linux tcp_probe_timer()",
		.holds = dead_zero_window,
	},
	{
		.id = "end.dead.host-gone",
		.phase = PHASE_END,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 1,
		.rests_on_silence = true,
		.title = "The peer stopped answering",
		.headline = "{other_role} stopped answering: {by_role} repeated its data {repeats} "
			    "times over {span_ns} and gave up in silence",
		.grouped = "{other_host} stopped answering, repeats went unacknowledged",
		.meaning = "Data was sent, nothing came back, and the sender repeated it with "
			   "growing pauses until it stopped. The other host, or the path to it, "
			   "was gone: power, cable, a crash, or a firewall or NAT that had "
			   "forgotten the connection and drops its packets without a word.",
		.evidence =
			"The same octets again and again, each pause about twice the one before, "
			"no acknowledgement; after the last one the next is due and does not come "
			"although the capture goes on. No reset: Linux gives up in silence.",
		.lookalikes =
			"A reset by the same side at the end is end.rst.user-timeout (BSD, macOS, "
			"Windows). When the capture ends before the next repeat it is "
			"end.dead.unfinished. If small segments still get through, it is "
			"life.mtu-blackhole. After a long pause, with the same peer answering "
			"others, suspect an idle limit on the path (group.idle-limit.silent).",
		.kernel = "Linux repeats for some 15 minutes (tcp_retries2 = 15, a time, not a "
			  "count) or TCP_USER_TIMEOUT, then gives the program ETIMEDOUT; an ICMP "
			  "error on the way may turn that into EHOSTUNREACH. ss -to shows "
			  "timer:(on,...,n). TCPTimeouts and TCPAbortOnTimeout count it. "
			  "Keep-alive is off for as long as data is unacknowledged.",
		.advice = "Look what became of {other_host} at the time of the first repeat, and "
			  "whether other connections to it lived on: if so, look for an idle limit "
			  "or a state table on the path. To notice in seconds instead of minutes: "
			  "setsockopt(TCP_USER_TIMEOUT), or a deadline in the program.",
		.source = "RFC 9293, section 3.8.3; RFC 6298; Linux tcp_write_timeout()",
		.holds = host_gone,
	},
	{
		.id = "end.dead.unfinished",
		.phase = PHASE_END,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "Repeating without an answer when the capture ended",
		.headline = "{other_role} does not answer: {by_role} had repeated {what} {repeats} "
			    "times over {span_ns} when the capture ended",
		.grouped = "repeating to {other_host} without an answer when the capture ended",
		.meaning = "One side was asking or repeating and got nothing back, and the capture "
			   "stops before any system would have given up. It may have recovered a "
			   "moment later, or not.",
		.evidence = "Two or more repeats or probes in a row without any answer, the last "
			    "so late that the next was not yet due when the capture ended.",
		.lookalikes =
			"With a capture that outlasts the next repeat it would be "
			"end.dead.host-gone, end.dead.keepalive-timeout or end.fin.unanswered. A "
			"single repeat proves nothing and stays end.open.",
		.kernel = "The timer is still running there: ss -to shows timer:(on,...) for "
			  "repeats, timer:(keepalive,...) for keep-alive.",
		.advice = "Capture longer if you can: Linux needs up to 15 minutes to give up. "
			  "Look at {other_host} and the path now.",
		.source = "RFC 6298; RFC 9293, section 3.8.3",
		.holds = unfinished,
	},
};

const struct theme end_dead_theme = {
	.name = "end_dead",
	.entries = entries,
	.count = sizeof(entries) / sizeof(entries[0]),
	.applies = silence_applies,
};
