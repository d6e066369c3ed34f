/* SPDX-License-Identifier: BSD-2-Clause */
#include "judge/ending.h"
#include "judge/themes.h"

/*
 * Resets that the end whose address they carry did not decide on by itself: forged on the path, or
 * made by Multipath TCP. Tried before the shapes. Source: docs/precedence.md, section 3.
 */

static bool reset_applies(const struct context *context)
{
	return ending_reset(context) != NULL;
}

/* Several resets of one end and one odd TTL at different places: somebody guesses the window. */
static unsigned guesses(const struct conn *conn, const struct reset *reset, struct verdict *out)
{
	unsigned count = 0;

	for (unsigned i = 0; i < conn->reset_count; i++) {
		const struct reset *other = &conn->resets[i];

		if (other->at.from != reset->at.from || other->at.ttl != reset->at.ttl)
			continue;
		if (other == reset || other->at.seq != reset->at.seq) {
			verdict_cite(out, other->at.frame);
			count++;
		}
	}
	return count;
}

/* Faster than that end ever answered, by more than what jitter does (a quarter). */
static bool too_fast(const struct conn *conn, const struct reset *reset)
{
	int64_t least = conn->half[reset->at.from].answer_least_ns;

	if (!reset->has_previous || least == TIME_NONE)
		return false;
	return reset->at.time_ns - reset->previous.time_ns < least - least / 4;
}

static bool injected(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;
	const struct reset *reset = ending_reset(context);

	if (!reset || !ending_reset_from_elsewhere(reset))
		return false;
	/* The route may have changed: then what follows has that TTL too. */
	if (reset->later_ttl && !ttl_differs(reset->at.ttl, reset->later_ttl))
		return false;

	bool guessed = guesses(conn, reset, out) >= 2;
	bool fast = too_fast(conn, reset);

	if (!reset->sender_went_on) {
		if (!guessed && !reset->seq_below_sent && !fast)
			return false;
		verdict_lower(out);
	}
	out->by = ACTOR_MIDDLE;
	verdict_decided_by(out, reset->at.frame);
	verdict_address(out, "carries", &conn->half[reset->at.from].ip);
	verdict_value(out, "ttl", VALUE_COUNT, reset->at.ttl);
	verdict_value(out, "usual_ttl", VALUE_COUNT, reset->usual_ttl);
	if (reset->sender_went_on)
		verdict_text(out, "sign", "that end went on sending as if it knew of no reset");
	if (guessed)
		verdict_text(out, "sign", "several resets try different sequence numbers");
	if (reset->seq_below_sent)
		verdict_text(out, "sign", "its number lies below what that end had already sent");
	if (fast)
		verdict_text(out, "sign", "it came sooner than that end ever answered");
	verdict_exclude(out, reset->with_ack ? "end.rst.abort" : "end.rst.no-socket",
			"another TTL than that end's other packets, and not by a route change",
			reset->at.frame);
	return true;
}

static bool fastclose(const struct context *context, struct verdict *out)
{
	const struct reset *reset = ending_reset(context);

	if (!reset || !(reset->at.options & MOMENT_HAS_FASTCLOSE))
		return false;
	out->by = actor_of((enum end)reset->at.from);
	if (reset->has_trigger)
		verdict_cite(out, reset->trigger.frame);
	verdict_decided_by(out, reset->at.frame);
	verdict_exclude(out, "end.rst.abort", "the reset carries MP_FASTCLOSE", reset->at.frame);
	return true;
}

static const struct entry entries[] = {
	{
		.id = "end.rst.injected",
		.phase = PHASE_END,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "Reset forged on the path",
		.headline = "reset by a device on the path: the packet carries the address "
			    "{carries} but came with TTL {ttl} where that host has {usual_ttl}",
		.grouped = "reset by a device on the path that forged {carries}",
		.meaning = "Somebody between the ends sent a reset in the name of one of them: a "
			   "firewall or intrusion prevention device, a censor, a load balancer "
			   "that wants to be rid of the connection, or an attacker. The end whose "
			   "address it carries decided nothing and knows nothing.",
		.evidence = "The reset's TTL is more than 2 away from that side's other packets "
			    "(or has another start value), and one of: that side goes on sending "
			    "in order afterwards; several resets try different sequence numbers; "
			    "the number lies below what that side had already sent; it came faster "
			    "than that side ever answered.",
		.lookalikes = "A changed route moves the TTL too, but then of the packets that "
			      "follow as well. IP ID 0 and window 0 prove nothing: Linux sends its "
			      "own bare resets so. Without one of the further signs a different "
			      "TTL alone only lowers the confidence of another verdict.",
		.kernel = "The supposed sender's kernel has no event: no tcp_send_reset, no "
			  "OutRsts count at that moment. The receiver cannot tell: it takes the "
			  "reset when the number fits (RFC 5961 makes guessing harder, not "
			  "listening) and gives ECONNRESET.",
		.advice = "Capture at both ends: a reset that arrives at one and never left the "
			  "other is proof. The TTL tells how far away the device is. Ask for the "
			  "policy of firewalls on the way, look whether certain contents or idle "
			  "times bring it about; encryption (IPsec, WireGuard) makes such resets "
			  "ineffective.",
		.source = "Weaver, Sommer, Paxson, Detecting Forged TCP Reset Packets (NDSS 2009); "
			  "RFC 5961, section 3; RFC 3360",
		.holds = injected,
	},
	{
		.id = "end.rst.conntrack-invalid",
		.phase = PHASE_END,
		.look = true,
		.decidable = DECIDABLE_TWO_CAPTURES,
		.wire_max = CONFIDENCE_NONE,
		.lab = LAB_NO,
		.first = 2,
		.title = "Reset after a translating firewall gave up a packet",
		.headline =
			"{by_role} reset the connection after a segment reached it untranslated",
		.grouped = "reset after segments passed a translating firewall untranslated",
		.meaning = "A firewall that translates addresses judged one segment not to belong "
			   "to the connection (out of its window, by its own count) and let it "
			   "pass without translation. The host that got it from an address it "
			   "never spoke to answered with a reset, and that reset, translated "
			   "again, ended the real connection.",
		.evidence =
			"Needs a capture on both sides of the translating host: a segment with the "
			"inner address where the outer one is expected, then a bare RST to it.",
		.lookalikes = "From one side alone it looks like end.rst.no-socket, or like a "
			      "forged reset; only the second capture shows that the offending "
			      "segment came untranslated.",
		.kernel = "Linux conntrack marks the segment INVALID (conntrack -S counts "
			  "'invalid'); the resetting host prints NO_SOCKET. Loss and large windows "
			  "make it more likely.",
		.advice = "Drop packets in conntrack state INVALID before they leave, or set "
			  "net.netfilter.nf_conntrack_tcp_be_liberal=1.",
		.source = "Linux nf_conntrack_proto_tcp.c; RFC 5382 (NAT requirements for TCP)",
		.holds = NULL,
	},
	{
		.id = "end.mptcp.fastclose",
		.phase = PHASE_END,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "Multipath TCP closed at once",
		.headline = "{by_role} closed the whole Multipath TCP connection at once "
			    "(MP_FASTCLOSE)",
		.grouped = "Multipath TCP connections closed at once",
		.meaning = "The whole multipath connection, with all its subflows, was aborted: "
			   "what a reset is to plain TCP. Data that was under way may be lost.",
		.evidence = "A reset that carries the MP_FASTCLOSE option with the peer's key.",
		.lookalikes = "A reset with MP_TCPRST ends one subflow only, the connection may "
			      "live on over others. A reset without either option on a subflow is "
			      "judged like any other.",
		.kernel = "Linux sends it when the program closes the multipath socket with data "
			  "unread or with SO_LINGER 0, or on disconnect; nstat shows "
			  "MPTcpExtMPFastcloseTx and MPFastcloseRx; the other program gets "
			  "ECONNRESET.",
		.advice = "As for an abort: look whether the program of {by_host} closes before it "
			  "has read everything, or sets SO_LINGER 0.",
		.source = "RFC 8684, section 3.5; Linux mptcp_do_fastclose()",
		.holds = fastclose,
	},
	{
		.id = "end.mptcp.tcprst",
		.phase = PHASE_END,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 2,
		.title = "Multipath TCP reset a subflow",
		.headline = "{by_role} reset this subflow of a Multipath TCP connection and gave a "
			    "reason code",
		.grouped = "Multipath TCP subflows reset with a reason code",
		.meaning = "One path of a multipath connection was given up, for a reason that the "
			   "reset itself names: lack of resources, forbidden by policy, too slow, "
			   "a middlebox that interferes. The connection may go on over its other "
			   "subflows.",
		.evidence = "A reset with the MP_TCPRST option; its reason code and the T bit "
			    "(transient or not) say why.",
		.lookalikes = "MP_FASTCLOSE ends the whole connection, not one subflow.",
		.kernel = "Linux reasons MPTCP_RST_E*; nstat MPTcpExtMPRstTx and MPRstRx; ip mptcp "
			  "monitor shows the subflow that went.",
		.advice = "Read the reason: 'administratively prohibited' is a limit of the path "
			  "manager (ip mptcp limits), 'middlebox interference' a device that "
			  "strips options.",
		.source = "RFC 8684, section 3.6",
		.holds = NULL,
	},
};

const struct theme end_rst_forged_theme = {
	.name = "end_rst_forged",
	.entries = entries,
	.count = sizeof(entries) / sizeof(entries[0]),
	.applies = reset_applies,
};
