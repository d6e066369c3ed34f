/* SPDX-License-Identifier: BSD-2-Clause */
/* Segments sent again, and segments that overtook each other. Source: atlas, item 33. */
#include "judge/context.h"
#include "judge/themes.h"

static bool loss_applies(const struct context *context)
{
	const struct half *half = context->conn->half;

	return (half[END_CLIENT].resent_segments | half[END_SERVER].resent_segments |
		half[END_CLIENT].reordered_segments | half[END_SERVER].reordered_segments) != 0;
}

/* Whose segments, how many, and the first of each side; false: none. */
static bool tell_counts(struct verdict *out, const uint64_t count[ENDS],
			const uint64_t first_frame[ENDS])
{
	if (!(count[END_CLIENT] | count[END_SERVER]))
		return false;
	if (count[END_CLIENT] && count[END_SERVER])
		out->by = ACTOR_BOTH;
	else
		out->by = actor_of(count[END_CLIENT] ? END_CLIENT : END_SERVER);
	verdict_value(out, "segments", VALUE_COUNT,
		      (int64_t)(count[END_CLIENT] + count[END_SERVER]));
	for (unsigned end = 0; end < ENDS; end++) {
		if (count[end])
			verdict_cite(out, first_frame[end]);
	}
	return true;
}

/* Repeats of one kind without those of SYN and SYN-ACK, which life.open tells of. *first_frame:
   that of the first of all, then of the first that is left. */
static uint64_t repeats_left(const struct conn *conn, enum end end, enum note kind, uint64_t count,
			     uint64_t *first_frame)
{
	const struct half *half = &conn->half[end];
	uint64_t first_of_all = *first_frame;

	if (!count || half->syn + half->synack < 2)
		return count;
	*first_frame = 0;
	for (unsigned i = 0; i < conn->moment_count; i++) {
		const struct moment *at = &conn->moments[i];

		if (at->from != end || !(at->notes & kind))
			continue;
		if ((at->flags & TCP_SYN) && count > 0)
			count--;
		else if (!(at->flags & TCP_SYN) && !*first_frame)
			*first_frame = at->frame;
	}
	if (!*first_frame) /* its moment was among those that a long story drops */
		*first_frame = first_of_all;
	return count;
}

static bool by_timer(const struct context *context, struct verdict *out)
{
	uint64_t counts[ENDS], frames[ENDS];

	for (unsigned end = 0; end < ENDS; end++) {
		const struct half *half = &context->conn->half[end];

		frames[end] = half->first_timer_frame;
		counts[end] = repeats_left(context->conn, (enum end)end, NOTE_RESENT_TIMER,
					   half->resent_timer, &frames[end]);
	}
	if (!tell_counts(out, counts, frames))
		return false;

	int64_t waited = context->conn->stalls[STALL_RETRANSMIT].total_ns +
			 context->conn->stalls[STALL_TAIL_LOSS].total_ns;

	if (waited > 0)
		out->cost_ns = waited;
	return true;
}

static bool fast(const struct context *context, struct verdict *out)
{
	const struct half *client = conn_client(context->conn);
	const struct half *server = conn_server(context->conn);

	return tell_counts(out, (uint64_t[ENDS]){ client->resent_fast, server->resent_fast },
			   (uint64_t[ENDS]){ client->first_fast_frame, server->first_fast_frame });
}

static bool tail_probe(const struct context *context, struct verdict *out)
{
	const struct half *client = conn_client(context->conn);
	const struct half *server = conn_server(context->conn);

	return tell_counts(
		out, (uint64_t[ENDS]){ client->resent_probe, server->resent_probe },
		(uint64_t[ENDS]){ client->first_probe_frame, server->first_probe_frame });
}

static bool spurious(const struct context *context, struct verdict *out)
{
	uint64_t counts[ENDS], frames[ENDS];

	for (unsigned end = 0; end < ENDS; end++) {
		const struct half *half = &context->conn->half[end];

		frames[end] = half->first_spurious_frame;
		counts[end] = repeats_left(context->conn, (enum end)end, NOTE_SPURIOUS,
					   half->resent_spurious, &frames[end]);
	}
	return tell_counts(out, counts, frames);
}

static bool reordered(const struct context *context, struct verdict *out)
{
	const struct half *client = conn_client(context->conn);
	const struct half *server = conn_server(context->conn);

	return tell_counts(
		out, (uint64_t[ENDS]){ client->reordered_segments, server->reordered_segments },
		(uint64_t[ENDS]){ client->first_reordered_frame, server->first_reordered_frame });
}

static const struct entry entries[] = {
	{
		.id = "life.retransmit.rto",
		.phase = PHASE_LIFE,
		.look = false,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "Sent again after the timer ran out",
		.headline = "{segments} segments were sent again after the retransmission timer "
			    "ran out",
		.grouped = "segments sent again after a timer",
		.meaning = "Data, or the acknowledgement of it, was lost, and the sender noticed "
			   "only because its timer ran out. That costs a fifth of a second or more "
			   "each time, and afterwards the sender begins slowly again. Some loss is "
			   "ordinary on a busy or wireless path; much of it is what people call a "
			   "slow network.",
		.evidence = "Octets that were captured before come again, a fifth of a second or "
			    "more after the first copy and without enough duplicate or selective "
			    "ACKs to ask for them. Where the first copy was captured the loss lies "
			    "behind the capture point, else before it.",
		.lookalikes = "A repeat that duplicate or selective ACKs asked for is "
			      "life.retransmit.fast; the last segment again after about two round "
			      "trips is a probe (life.retransmit.tlp); what the receiver already "
			      "had is life.retransmit.spurious. A second capture copy of one "
			      "packet (same IP ID) is no repeat at all.",
		.kernel = "Linux: timeout is the smoothed round trip plus four deviations, at "
			  "least 200 ms, doubled each time. Counters TCPTimeouts and RetransSegs; "
			  "ss -ti shows rto, backoff and retrans; the tracepoint "
			  "tcp:tcp_retransmit_skb prints each.",
		.advice = "If it costs noticeable time, find where packets are lost: capture at "
			  "both ends and compare, look at interface errors and drops (ip -s link, "
			  "ethtool -S), and at queues that overflow on the way.",
		.source = "RFC 6298; RFC 9293, section 3.8.1",
		.holds = by_timer,
	},
	{
		.id = "life.retransmit.fast",
		.phase = PHASE_LIFE,
		.look = false,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "Sent again on request",
		.headline = "{segments} segments were sent again because duplicate or selective "
			    "ACKs asked for them",
		.grouped = "segments sent again on request",
		.meaning = "A segment was lost, the ones behind it arrived, and the receiver's "
			   "ACKs told the sender what was missing. It was repaired in about one "
			   "round trip, the cheap way.",
		.evidence = "Three duplicate ACKs, or selective ACKs that name what arrived above "
			    "a hole; then the octets of the hole again, at once.",
		.lookalikes = "If the segment had only been overtaken on the way it is "
			      "life.reordered: a late copy with an earlier IP ID and no second "
			      "one. A repeat after a timer has no such ACKs just before it.",
		.kernel = "Linux marks losses by RACK and selective ACKs rather than by counting "
			  "to three. Counters TCPFastRetrans, TCPSackRecovery, TCPLostRetransmit; "
			  "ss -ti shows lost, sacked, reord_seen.",
		.advice = "Nothing by itself. Steady loss limits the speed: look for its place as "
			  "with timeouts.",
		.source = "RFC 5681, section 3.2; RFC 6675; RFC 8985",
		.holds = fast,
	},
	{
		.id = "life.retransmit.tlp",
		.phase = PHASE_LIFE,
		.look = false,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 1,
		.title = "Tail loss probe",
		.headline = "the last segment was sent again early as a tail loss probe "
			    "({segments} times)",
		.grouped = "tail loss probes",
		.meaning = "After the last segment of a burst no more ACKs come that could show a "
			   "loss, so modern systems send it a second time after about two round "
			   "trips, to provoke an ACK before the slow timer runs out.",
		.evidence =
			"The highest segment sent so far comes again, alone, about two round trips "
			"after it and well before a fifth of a second plus the round trip.",
		.lookalikes = "A repeat by timer comes later and doubles its gaps. Whether the "
			      "first copy was lost shows the answer: a selective ACK of a "
			      "duplicate means it was not.",
		.kernel =
			"Linux net.ipv4.tcp_early_retrans (3 by default); counters TCPLossProbes, "
			"TCPLossProbeRecovery; ss -to shows timer:(lossprobe,...).",
		.advice = "Nothing to do: the probe saves time. Many of them say that the path's "
			  "round trip is uneven or its tail is lost often.",
		.source = "RFC 8985, section 7",
		.holds = tail_probe,
	},
	{
		.id = "life.retransmit.spurious",
		.phase = PHASE_LIFE,
		.look = false,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "Sent again needlessly",
		.headline = "{segments} segments were sent again although the receiver had them "
			    "already",
		.grouped = "segments sent again needlessly",
		.meaning = "The data had arrived; only its acknowledgement was late or lost, or "
			   "segments had overtaken each other. Nothing was lost but a little "
			   "bandwidth, and the sender may have slowed down for nothing.",
		.evidence = "The repeated octets had been acknowledged in the capture before they "
			    "were repeated, or the receiver answers with a selective ACK that "
			    "reports a duplicate.",
		.lookalikes = "A keep-alive probe with one byte of old data repeats an octet on "
			      "purpose. A second capture copy of one packet is no repeat.",
		.kernel = "The receiver answers with a duplicate selective ACK (TCPDSACKOldSent "
			  "there, TCPDSACKRecv at the sender, which then undoes its slow-down: "
			  "TCPDSACKUndo, TCPSpuriousRTOs).",
		.advice = "If there are many: look for a path with sudden delays (mobile, sleeping "
			  "radios, a bloated queue), or lost ACKs on the way back.",
		.source = "RFC 2883; RFC 3708; RFC 5682",
		.holds = spurious,
	},
	{
		.id = "life.reordered",
		.phase = PHASE_LIFE,
		.look = false,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 1,
		.title = "Segments overtook each other",
		.headline =
			"{segments} segments were overtaken on the path; nothing was lost by it",
		.grouped = "segments that were overtaken on the path",
		.meaning = "Segments arrived at the capture point in another order than they were "
			   "sent: several parallel paths or queues, a multi-queue network card, or "
			   "a capture that mixes two interfaces. The receiver puts them in order; "
			   "a little reordering is harmless.",
		.evidence = "Octets below the highest already seen, never captured before, within "
			    "a fraction of the round trip, with the IP ID or timestamp of a "
			    "segment that was sent before its overtakers.",
		.lookalikes = "A lost segment that is repeated fills the hole too, but about a "
			      "round trip later and with a newer IP ID or timestamp: "
			      "life.retransmit.fast. When the time stamps of the capture itself go "
			      "backwards it is life.capture.reordered-timestamps.",
		.kernel = "The receiver sends duplicate or selective ACKs meanwhile (TCPOFOQueue "
			  "counts); the sender learns to wait longer before it repeats (reordering "
			  "in ss -ti, TCPSACKReorder).",
		.advice = "Only if there is much of it: look for per-packet load balancing on the "
			  "path; it should keep a connection on one path.",
		.source = "RFC 4737; RFC 8985, section 4",
		.holds = reordered,
	},
};

const struct theme life_loss_theme = {
	.name = "life_loss",
	.entries = entries,
	.count = sizeof(entries) / sizeof(entries[0]),
	.applies = loss_applies,
};
