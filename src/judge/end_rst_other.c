/* SPDX-License-Identifier: BSD-2-Clause */
#include "judge/ending.h"
#include "judge/themes.h"

/* What is left when no shape fits. Tried after all other resets. */

static bool reset_applies(const struct context *context)
{
	return context->conn->resets_seen != 0;
}

/* What about the reset fits no family, in words. */
static void tell_why_not(const struct reset *reset, struct verdict *out)
{
	if (!reset->with_ack) {
		verdict_exclude(out, "end.rst.no-socket",
				reset->has_trigger
					? "the segment that it could answer came too long before"
					: "no segment of the other side acknowledges its number",
				reset->has_trigger ? reset->trigger.frame : reset->at.frame);
		verdict_exclude(out, "end.rst.abort", "a living Linux socket resets with ACK",
				reset->at.frame);
		return;
	}
	if (!reset->seq_is_snd_nxt)
		verdict_exclude(out, "end.rst.abort", "its number is not the next one of that side",
				reset->at.frame);
	else if (reset->at.window == 0 && reset->window_was_open)
		verdict_exclude(out, "end.rst.abort",
				"window 0 although it was open, right after a segment of the peer",
				reset->at.frame);
	else
		verdict_exclude(out, "end.rst.abort", "its ack is not what that side had received",
				reset->at.frame);
	verdict_exclude(out, "end.rst.no-socket", "such a reset carries no ACK", reset->at.frame);
}

/* Long enough for a challenge ACK, and for the peer to go on. */
#define LAST_WORD_NS (1 * NSEC_PER_SEC)

/* A reset inside the window but not exact, by what the capture shows; its receiver neither asked
   back nor went on, and its sender neither (decision 0011). */
static const struct reset *last_word(const struct conn *conn)
{
	if (conn->ending_reset >= 0 || conn->challenge_acks || conn->quality.one_sided)
		return NULL;
	for (unsigned i = 0; i < conn->reset_count; i++) {
		const struct reset *reset = &conn->resets[i];

		if (reset->fate == RESET_CHALLENGED &&
		    conn->half[END_CLIENT].last.frame <= reset->at.frame &&
		    conn->half[END_SERVER].last.frame <= reset->at.frame &&
		    conn->judged_ns - reset->at.time_ns >= LAST_WORD_NS)
			return reset;
	}
	return NULL;
}

static bool unexplained(const struct context *context, struct verdict *out)
{
	const struct reset *reset = ending_reset(context);

	if (reset && ending_reset_confirms_half_only(context, reset))
		return false;
	if (!reset) {
		reset = last_word(context->conn);
		if (!reset)
			return false;
		out->confidence = CONFIDENCE_POSSIBLE;
		verdict_text(
			out, "doubt",
			"by what was captured its number is not exact; but nobody spoke again");
	}
	out->by = actor_of((enum end)reset->at.from);
	if (reset->has_previous)
		verdict_cite(out, reset->previous.frame);
	verdict_decided_by(out, reset->at.frame);
	verdict_text(out, "shape", reset->with_ack ? "with ACK" : "bare");
	verdict_value(out, "window", VALUE_COUNT, reset->at.window);
	verdict_value(out, "idle_ns", VALUE_NS,
		      reset->silence_ns != TIME_NONE ? reset->silence_ns : 0);
	if (ending_reset_from_elsewhere(reset)) {
		verdict_value(out, "ttl", VALUE_COUNT, reset->at.ttl);
		verdict_value(out, "usual_ttl", VALUE_COUNT, reset->usual_ttl);
	}
	tell_why_not(reset, out);
	return true;
}

static const struct entry entries[] = {
	{
		.id = "end.rst.unexplained",
		.phase = PHASE_END,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "Reset without a known pattern",
		.headline = "{by_role} reset the connection after {idle_ns} of silence, in a form "
			    "that tells no cause",
		.grouped = "reset by {by_host} in a form that tells no cause",
		.meaning = "The receiver had to accept this reset and the connection is over, but "
			   "its form is neither that of a system which answers for a missing "
			   "connection nor that of a Linux socket which aborts. Load balancers, "
			   "firewalls, embedded systems and other operating systems have forms of "
			   "their own. What is proved is only that a valid reset ended it.",
		.evidence =
			"An acceptable RST; the verdict lists for each family what does not fit: "
			"its number, its ack, its window, or the time to the segment before it.",
		.lookalikes = "With a TTL that is not that host's and a further sign of forgery it "
			      "is end.rst.injected. With the numbers of a living socket it is "
			      "end.rst.abort.",
		.kernel = "If that host runs Linux 6.10 or newer, the tracepoint "
			  "tcp:tcp_send_reset prints the reason; if it prints nothing there, "
			  "another device sent this reset.",
		.advice = "Find out what {by_host} is (a load balancer, an appliance?) and look "
			  "into its log at this moment; compare the TTL and the time since the "
			  "last packet with other resets of it.",
		.source = "RFC 9293, section 3.10.7; RFC 5961, section 3.2",
		.holds = unexplained,
	},
	{
		.id = "end.rst.out-of-memory",
		.phase = PHASE_END,
		.look = true,
		.decidable = DECIDABLE_KERNEL,
		.wire_max = CONFIDENCE_NONE,
		.lab = LAB_NO,
		.first = 2,
		.title = "Aborted for lack of memory",
		.headline = "{by_role}'s system aborted the connection for lack of memory",
		.grouped = "aborted for lack of memory",
		.meaning = "The system had no memory left for TCP, or too many sockets without a "
			   "program, and threw this connection away.",
		.evidence = "The reset looks like any other abort of a living socket; only the "
			    "kernel can tell.",
		.lookalikes = "An abort by the program itself (end.rst.abort, "
			      "end.rst.unread-data): on the wire they are the same, and that is "
			      "all that is said without the kernel.",
		.kernel = "Linux reason TCP_ABORT_ON_MEMORY, counter TCPAbortOnMemory; log lines "
			  "'out of memory -- consider tuning tcp_mem' and 'too many orphaned "
			  "sockets'; /proc/net/sockstat shows mem and orphan.",
		.advice = "Look at /proc/net/sockstat against net.ipv4.tcp_mem and "
			  "net.ipv4.tcp_max_orphans, and why so many sockets hold data.",
		.source = "Linux tcp_check_oom(), tcp_out_of_resources()",
		.holds = NULL,
	},
};

const struct theme end_rst_other_theme = {
	.name = "end_rst_other",
	.entries = entries,
	.count = sizeof(entries) / sizeof(entries[0]),
	.applies = reset_applies,
};
