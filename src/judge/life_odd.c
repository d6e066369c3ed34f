/* SPDX-License-Identifier: BSD-2-Clause */
/* Segments that do not belong: resets and SYNs that nobody may take, impossible flags. */
#include "judge/context.h"
#include "judge/themes.h"

static bool odd_applies(const struct context *context)
{
	const struct conn *conn = context->conn;

	return (conn->resets_seen | conn->challenge_acks | conn->illegal_flags) != 0;
}

/* The challenge ended the connection after all when its answer was the reset of a restart. */
static bool lived_on(const struct conn *conn)
{
	return conn->ending_reset < 0 || !conn->restarted_by_client;
}

static bool challenge_ack(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;

	if (!conn->challenge_acks || !lived_on(conn) || conn->opening != OPENING_SUCCEEDED)
		return false;
	verdict_cite(out, conn->challenged_frame);
	verdict_decided_by(out, conn->challenge_frame);
	verdict_value(out, "challenges", VALUE_COUNT, (int64_t)conn->challenge_acks);

	const struct moment *answer = moment_at(conn, conn->challenge_frame);

	if (answer)
		out->by = actor_of((enum end)answer->from);
	verdict_exclude(out, "life.rst.ignored",
			"it lay inside the window: the receiver had to ask back",
			conn->challenge_frame);
	return true;
}

/* Whether anything but resets came of either end after a frame. */
static bool goes_on_after(const struct conn *conn, uint64_t frame)
{
	return conn->half[END_CLIENT].last.frame > frame ||
	       conn->half[END_SERVER].last.frame > frame;
}

/* One of several resets by which a side answers what was in flight when it had gone: they carry the
   numbers of what they answer, and the first that fits ends the connection. */
static bool announces_end(const struct conn *conn, const struct reset *reset)
{
	return conn->ending_reset >= 0 && !reset->sender_went_on &&
	       conn->resets[conn->ending_reset].at.from == reset->at.from;
}

static bool rst_ignored(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;
	uint64_t count = 0;

	for (unsigned i = 0; i < conn->reset_count; i++) {
		const struct reset *reset = &conn->resets[i];

		if (reset->fate != RESET_IGNORED || !goes_on_after(conn, reset->at.frame) ||
		    announces_end(conn, reset))
			continue;
		if (!count) {
			out->by = actor_of((enum end)reset->at.from);
			out->decisive = reset->at.frame;
			if (reset->usual_ttl && ttl_differs(reset->at.ttl, reset->usual_ttl))
				verdict_text(out, "sign",
					     "another TTL than that end's other packets");
		}
		verdict_cite(out, reset->at.frame);
		count++;
	}
	if (!count)
		return false;
	verdict_value(out, "resets", VALUE_COUNT, (int64_t)count);
	return true;
}

static bool rst_after_close(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;
	uint64_t count = 0;

	if (!conn->half[END_CLIENT].closing->acked.frame ||
	    !conn->half[END_SERVER].closing->acked.frame || conn->ending_reset >= 0)
		return false;
	for (unsigned i = 0; i < conn->reset_count; i++) {
		const struct reset *reset = &conn->resets[i];

		if (reset->fate != RESET_AFTER_CLOSE)
			continue;
		if (!count) {
			out->by = actor_of((enum end)reset->at.from);
			if (reset->has_trigger)
				verdict_cite(out, reset->trigger.frame);
			verdict_decided_by(out, reset->at.frame);
		}
		verdict_cite(out, reset->at.frame);
		count++;
	}
	if (!count)
		return false;
	verdict_value(out, "resets", VALUE_COUNT, (int64_t)count);
	verdict_exclude(out, "end.rst.data-after-close", "both sides had closed before",
			conn->half[END_SERVER].closing->acked.frame);
	return true;
}

/* The known combinations by their names, which is how tools and logs speak of them. */
static const char *flags_name(uint8_t flags)
{
	const unsigned control =
		flags & (TCP_FIN | TCP_SYN | TCP_RST | TCP_PSH | TCP_ACK | TCP_URG);

	if (control == 0)
		return "none at all (a null scan)";
	if (control == (TCP_FIN | TCP_PSH | TCP_URG))
		return "FIN, PSH and URG (an Xmas scan)";
	if ((control & (TCP_SYN | TCP_FIN)) == (TCP_SYN | TCP_FIN))
		return "SYN with FIN";
	if ((control & (TCP_SYN | TCP_RST)) == (TCP_SYN | TCP_RST))
		return "SYN with RST";
	if ((control & (TCP_FIN | TCP_RST)) == (TCP_FIN | TCP_RST))
		return "FIN with RST";
	if (control == TCP_FIN)
		return "FIN alone, without ACK";
	return "no ACK in a segment that needs it";
}

static bool flags_illegal(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;

	if (!conn->illegal_flags)
		return false;
	verdict_decided_by(out, conn->illegal_frame);
	verdict_value(out, "segments", VALUE_COUNT, (int64_t)conn->illegal_flags);
	verdict_text(out, "flags", flags_name(conn->illegal_flag_bits));

	const struct moment *moment = moment_at(conn, conn->illegal_frame);

	if (moment)
		out->by = actor_of((enum end)moment->from);
	return true;
}

static const struct entry entries[] = {
	{
		.id = "life.challenge-ack",
		.phase = PHASE_LIFE,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "A doubtful reset or SYN was challenged",
		.headline = "a reset or SYN that did not quite fit was answered with a challenge "
			    "ACK, and the connection lived on",
		.grouped = "doubtful resets or SYNs that were challenged",
		.meaning = "A reset, or a SYN, arrived whose number was inside the window but not "
			   "exactly the next one. The receiver did not believe it and asked back "
			   "with an ACK; a true sender would have answered that with an exact "
			   "reset. None came: so it was a forgery, a device that resets with stale "
			   "numbers, or a real reset that had overtaken data.",
		.evidence = "A RST (or SYN) with a number inside the receiver's window but not its "
			    "next one, at once a pure ACK of the receiver with its true numbers, "
			    "and traffic goes on.",
		.lookalikes = "A duplicate ACK that reports a hole looks like the challenge, but "
			      "follows data. If the challenge is answered with an exact reset, the "
			      "connection ends: end.rst.half-open-restart or another reset. A "
			      "reset outside the window gets no answer: life.rst.ignored.",
		.kernel = "Linux counts TCPChallengeACK, for SYNs TCPSYNChallenge, and sends at "
			  "most one per socket in half a second (net.ipv4.tcp_invalid_ratelimit; "
			  "TCPACKSkippedChallenge), so a second doubtful segment may get none.",
		.advice =
			"Compare the TTL of the doubtful segment with that side's others: a device "
			"on the path that resets idle connections with old numbers is common. If a "
			"host really restarted, see whether its next SYN got through.",
		.source = "RFC 5961, sections 3.2 and 4.2",
		.holds = challenge_ack,
	},
	{
		.id = "life.rst.ignored",
		.phase = PHASE_LIFE,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "A reset that must not be taken",
		.headline = "{resets} resets in the name of {by_role} could not be accepted; the "
			    "connection went on",
		.grouped = "resets that could not be accepted",
		.meaning =
			"A reset arrived whose number lies outside what the receiver expects (or, "
			"during the opening, that does not acknowledge the SYN). The receiver must "
			"ignore it, and it did: the connection went on. Blind attacks, devices "
			"with stale state and leftovers of older connections look like this.",
		.evidence = "A RST outside the receiver's window, or in SYN_SENT without an ACK of "
			    "the SYN; afterwards both sides go on.",
		.lookalikes = "Inside the window it is answered: life.challenge-ack. After both "
			      "FINs it is life.rst.after-close. Where the capture lacks packets, "
			      "the receiver's window may have been elsewhere than it seems.",
		.kernel = "Linux drops it (drop reasons TCP_RESET, TCP_INVALID_SEQUENCE, "
			  "TCP_INVALID_ACK_SEQUENCE) without a counter of its own.",
		.advice = "Nothing happened to the connection. If there are many, look where they "
			  "come from: TTL, MAC address, and whether their numbers belong to an "
			  "older connection of these ports.",
		.source = "RFC 9293, sections 3.5.3 and 3.10.7; RFC 5961, section 3.2",
		.holds = rst_ignored,
	},
	{
		.id = "life.rst.after-close",
		.phase = PHASE_LIFE,
		.look = false,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "A reset after the close",
		.headline = "{by_role} still sent a reset after both sides had closed properly; "
			    "nothing was lost",
		.grouped = "resets after a proper close",
		.meaning = "Both sides had closed and both FINs were acknowledged. A late segment "
			   "(a repeated FIN, an ACK that had been under way, a close notice of a "
			   "protocol above) then met a socket that was gone, and the system said "
			   "so. Firewalls that log every reset make this look alarming; it is not.",
		.evidence = "FINs of both sides, both acknowledged, then a reset.",
		.lookalikes = "If one FIN was missing or data came after it, the reset does decide "
			      "something: end.rst.data-after-close, end.rst.late-fin. A reset in "
			      "answer to TIME_WAIT's own ACK ends that TIME_WAIT early: "
			      "life.timewait.assassinated.",
		.kernel = "Reason NO_SOCKET, or none when the device on the path made it. The "
			  "programs on both sides notice nothing.",
		.advice = "Nothing to do: do not count such resets as failures.",
		.source = "RFC 9293, sections 3.6 and 3.10.7.1",
		.holds = rst_after_close,
	},
	{
		.id = "life.flags.illegal",
		.phase = PHASE_LIFE,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "Flags that no TCP sends",
		.headline = "{segments} segments carry flags that no TCP sends: {flags}",
		.grouped = "segments with flags that no TCP sends",
		.meaning = "The combination of control bits makes no sense, and no working system "
			   "produces it. It is a scanner that wants to see how a system reacts to "
			   "nonsense, a test tool, or damage.",
		.evidence =
			"The flags byte itself: none at all, SYN with FIN, SYN with RST, FIN with "
			"RST, FIN with URG and PSH and without ACK, or a FIN or data without ACK.",
		.lookalikes = "A first SYN without ACK, and a bare RST, are the only segments that "
			      "may lack the ACK bit. ECN bits (ECE, CWR) with SYN are legal.",
		.kernel = "Linux drops segments without flags and SYN with FIN for a listener "
			  "(drop reason TCP_FLAGS); a closed port answers everything but a reset "
			  "with a reset.",
		.advice = "Look at the source: one with many targets is a scan. Firewalls usually "
			  "drop such segments: nft ct state invalid drop.",
		.source = "RFC 9293, sections 3.1 and 3.10.7",
		.holds = flags_illegal,
	},
};

const struct theme life_odd_theme = {
	.name = "life_odd",
	.entries = entries,
	.count = sizeof(entries) / sizeof(entries[0]),
	.applies = odd_applies,
};
