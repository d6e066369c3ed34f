/* SPDX-License-Identifier: BSD-2-Clause */
/* Receivers that did not read. Source of the thresholds: docs/precedence.md, section 6. */
#include "judge/context.h"
#include "judge/themes.h"

/* Shorter ones are ordinary flow control; a second is what people notice. */
#define SHUT_WORTH_NAMING_NS (1 * NSEC_PER_SEC)

static bool window_applies(const struct context *context)
{
	const struct half *half = context->conn->half;

	return (half[END_CLIENT].zero_windows | half[END_SERVER].zero_windows) != 0;
}

static bool zero_window(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;

	for (unsigned end = 0; end < ENDS; end++) {
		const struct shut_window *shut = conn->half[end].shut;

		if (shut->longest_ns < SHUT_WORTH_NAMING_NS || !shut->longest_blocked)
			continue;
		out->by = actor_of((enum end)end);
		verdict_decided_by(out, shut->longest_first_frame);
		verdict_cite(out,
			     conn->half[end_other((enum end)end)].window_probe->first_frame_ever);
		verdict_cite(out, shut->longest_last_frame);
		verdict_value(out, "shut_ns", VALUE_NS, shut->longest_ns);
		verdict_value(out, "spells", VALUE_COUNT, (int64_t)shut->spells);
		verdict_value(out, "probes", VALUE_COUNT, shut->probes);
		out->cost_ns = shut->longest_ns;
		verdict_exclude(out, "life.zero-window.forever", "the window opened again",
				shut->longest_last_frame);
		return true;
	}
	return false;
}

static bool forever(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;

	for (unsigned end = 0; end < ENDS; end++) {
		const struct shut_window *shut = conn->half[end].shut;
		const struct probe_run *run = conn->half[end_other((enum end)end)].window_probe;

		if (!shut->shut_now || !shut->blocked_now)
			continue;

		int64_t lasted = conn->last_ns - shut->since_ns;

		if (conn->judged_ns - shut->since_ns < SHUT_WORTH_NAMING_NS)
			continue;
		out->by = actor_of((enum end)end);
		verdict_decided_by(out, shut->since_frame);
		if (run->last_frame > shut->since_frame) {
			verdict_cite(out, run->first_frame);
			verdict_cite(out, run->last_frame);
		}
		verdict_value(out, "shut_ns", VALUE_NS, lasted);
		verdict_value(out, "probes", VALUE_COUNT, shut->probes);
		out->cost_ns = lasted;
		return true;
	}
	return false;
}

static const struct entry entries[] = {
	{
		.id = "life.zero-window",
		.phase = PHASE_LIFE,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "The receiver did not read",
		.headline = "stalled {shut_ns}: {by_role}'s receive window was zero, its program "
			    "did not read",
		.grouped = "stalled because {by_host} did not read",
		.meaning = "The receiver's buffer was full because its program did not take the "
			   "data out. Its system told the sender to stop (window 0), and the "
			   "sender had to wait and to ask from time to time until there was room "
			   "again. The network is not to blame.",
		.evidence =
			"A segment of the receiver with window 0, the sender stops at that edge "
			"and sends probes; the spell ends with a segment that opens the window (a "
			"window update). Which side announces 0 is the side whose program is slow.",
		.lookalikes = "A sender that pauses with the window open is waiting for its own "
			      "program (life.stall.server-think, client-think). A window that is "
			      "small but not zero is life.stall.small-window. Window 0 in a reset "
			      "or after a FIN means nothing.",
		.kernel = "Linux: Recv-Q in ss fills up to the socket's buffer (net.ipv4.tcp_rmem, "
			  "SO_RCVBUF); counters TCPToZeroWindowAdv, TCPFromZeroWindowAdv, "
			  "TCPZeroWindowDrop. The sender's timer is shown as timer:(persist,...).",
		.advice = "Look at the program on {by_host}: is it busy (CPU, disk, lock, garbage "
			  "collection), single-threaded, or waiting for something else? Reading "
			  "faster or in a thread of its own helps; a larger SO_RCVBUF only hides "
			  "short pauses.",
		.source = "RFC 9293, sections 3.8.6 and 3.8.6.1",
		.holds = zero_window,
	},
	{
		.id = "life.zero-window.forever",
		.phase = PHASE_LIFE,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.rests_on_silence = true,
		.explains_end = true,
		.title = "The receiver never read again",
		.headline = "{by_role}'s receive window was zero for the last {shut_ns}: its "
			    "program had stopped reading",
		.grouped = "stuck because {by_host} had stopped reading",
		.meaning = "From one moment on the receiving program took nothing out of its "
			   "buffer any more, up to the end of what was captured. Its system is "
			   "alive and answers probes; the program hangs, is stopped, or waits for "
			   "something that will not come, perhaps for this very peer.",
		.evidence = "Window 0, data waiting at the sender (probes, or the window filled to "
			    "its edge), and no segment that opens it until the end.",
		.lookalikes = "If it opened later it is life.zero-window. If probes are not "
			      "answered either, the host may be gone: see the ending.",
		.kernel = "Probing goes on for ever as long as it is answered, every 2 minutes at "
			  "last, unless TCP_USER_TIMEOUT is set. ss -tnp on the reader: Recv-Q "
			  "full; on the sender: Send-Q full, timer:(persist,...).",
		.advice = "Find the process on {by_host} (ss -tnp) and where it hangs (its stack: "
			  "gdb, py-spy, jstack). Typical: both sides write and neither reads, so "
			  "that both buffers are full.",
		.source = "RFC 9293, section 3.8.6.1; RFC 6429",
		.holds = forever,
	},
};

const struct theme life_window_theme = {
	.name = "life_window",
	.entries = entries,
	.count = sizeof(entries) / sizeof(entries[0]),
	.applies = window_applies,
};
