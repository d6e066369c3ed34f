/* SPDX-License-Identifier: BSD-2-Clause */
/* What happens around the close besides how it ends. Source: docs/precedence.md, section 4. */
#include "judge/context.h"
#include "judge/themes.h"

static bool close_applies(const struct context *context)
{
	const struct half *half = context->conn->half;

	return half[END_CLIENT].has_fin || half[END_SERVER].has_fin;
}

static bool half_closed(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;

	for (unsigned end = 0; end < ENDS; end++) {
		const struct half *half = &conn->half[end];
		enum end closer = end_other((enum end)end);
		const struct fin *fin = conn->half[closer].closing;

		if (!half->data_after_peer_fin_acked)
			continue;
		out->by = actor_of(closer);
		verdict_cite(out, fin->first.frame);
		verdict_cite(out, fin->acked.frame);
		verdict_decided_by(out, half->first_data_after_peer_fin.frame);
		verdict_value(out, "after_fin_bytes", VALUE_BYTES,
			      (int64_t)half->data_after_peer_fin_acked);
		verdict_value(out, "fin_seq", VALUE_COUNT, fin->seq);
		verdict_exclude(out, "end.rst.data-after-close",
				"the data was acknowledged: the closer was still reading",
				half->first_data_after_peer_fin.frame);
		return true;
	}
	return false;
}

/* The FIN that TIME_WAIT has to acknowledge again is the second one; of crossing ones, either. */
static bool lastack_lost(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;

	for (unsigned end = 0; end < ENDS; end++) {
		const struct fin *fin = conn->half[end].closing;

		if (fin->last_repeat_frame < fin->acked.frame || !fin->acked_again ||
		    conn->closed_first == (int8_t)end ||
		    !conn->half[end_other((enum end)end)].has_fin)
			continue;
		out->by = actor_of((enum end)end);
		verdict_cite(out, fin->first.frame);
		verdict_cite(out, fin->acked.frame);
		verdict_decided_by(out, fin->last_repeat_frame);
		verdict_cite(out, fin->acked_again_frame);
		verdict_value(out, "repeats", VALUE_COUNT, (int64_t)fin->repeats);
		verdict_value(out, "fin_seq", VALUE_COUNT, fin->seq);
		verdict_exclude(out, "end.fin.unanswered", "the repeat was acknowledged",
				fin->acked_again_frame);
		return true;
	}
	return false;
}

static bool assassinated(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;

	if (!conn->time_wait_killed_frame)
		return false;
	verdict_decided_by(out, conn->time_wait_killed_frame);
	for (unsigned i = 0; i < conn->reset_count; i++) {
		const struct reset *reset = &conn->resets[i];

		if (reset->at.frame != conn->time_wait_killed_frame)
			continue;
		out->by = actor_of((enum end)reset->at.from);
		if (reset->has_trigger)
			verdict_cite(out, reset->trigger.frame);
	}
	return true;
}

static const struct entry entries[] = {
	{
		.id = "life.half-closed",
		.phase = PHASE_LIFE,
		.look = false,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "Half closed on purpose",
		.headline = "{by_role} finished sending (FIN seq {fin_seq}) and still took "
			    "{after_fin_bytes} from {other_role}: a half close",
		.grouped = "half closed on purpose",
		.meaning =
			"One side said that it will send nothing more, and went on reading what "
			"the other still had to say. That is what shutdown(SHUT_WR) is for: 'that "
			"was my whole request'. Each direction of a TCP connection ends by itself.",
		.evidence = "A FIN, its acknowledgement, then payload of the other side, and the "
			    "closer acknowledges that payload.",
		.lookalikes = "If the closer answers such payload with a reset, it had closed "
			      "altogether: end.rst.data-after-close. Data that was under way when "
			      "the FIN came does not count: only what is sent after the FIN's "
			      "acknowledgement.",
		.kernel =
			"The closer stays in FIN_WAIT_2 as long as its program holds the socket "
			"(tcp_fin_timeout counts only once it is closed); the other side is in "
			"CLOSE_WAIT and may send as long as it likes. There read() has returned 0.",
		.advice = "Nothing to repair. Firewalls and load balancers often have a short "
			  "limit for half-closed connections; if answers break off after a pause, "
			  "look there.",
		.source = "RFC 9293, section 3.6; RFC 1122, section 4.2.2.13",
		.holds = half_closed,
	},
	{
		.id = "life.shutdown-rd",
		.phase = PHASE_LIFE,
		.look = false,
		.decidable = DECIDABLE_KERNEL,
		.wire_max = CONFIDENCE_NONE,
		.lab = LAB_YES,
		.first = 2,
		.title = "Shut down for reading",
		.headline = "a program shut down its reading side, of which the wire shows nothing",
		.grouped = "reading sides shut down",
		.meaning = "shutdown(SHUT_RD) only tells the own system that the program will not "
			   "read. TCP has no message for that, so the peer cannot know.",
		.evidence = "None: no packet is sent. What still arrives is acknowledged as ever.",
		.lookalikes = "Everything: an ordinary connection looks the same.",
		.kernel = "On Linux data that arrives after SHUT_RD is still acknowledged and can "
			  "even be read; read() gives end-of-file once the buffer is empty.",
		.advice = "Do not use it to tell the peer to stop; close the connection, or say so "
			  "in the protocol above.",
		.source = "shutdown(2); Linux tcp_recvmsg()",
		.holds = NULL,
	},
	{
		.id = "life.fin.lastack-lost",
		.phase = PHASE_LIFE,
		.look = false,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "The last ACK was lost",
		.headline = "{by_role} repeated its FIN {repeats} times because the last ACK was "
			    "lost; TIME_WAIT acknowledged it again",
		.grouped = "last ACKs lost and repaired by TIME_WAIT",
		.meaning =
			"The acknowledgement of the second FIN did not arrive. Its sender, in "
			"LAST_ACK, repeated the FIN, and the side in TIME_WAIT acknowledged it "
			"once more. This is one of the two things that TIME_WAIT exists for; "
			"without it the repeated FIN would have met a closed port and been reset.",
		.evidence = "The second FIN again, about a timeout later, and a further ACK of its "
			    "seq + 1.",
		.lookalikes = "If the first FIN is repeated, its ACK was lost on the way to the "
			      "first closer: no TIME_WAIT is involved. A repeat without any answer "
			      "is end.fin.unanswered; one answered with a reset means that "
			      "TIME_WAIT was already over.",
		.kernel = "The ACK from TIME_WAIT has IP ID 0 on Linux; each repeated FIN restarts "
			  "its 60 s.",
		.advice = "Nothing to do: it was repaired.",
		.source = "RFC 9293, section 3.6.1; section 3.10.7.4 (FIN in TIME-WAIT)",
		.holds = lastack_lost,
	},
	{
		.id = "life.timewait.assassinated",
		.phase = PHASE_LIFE,
		.look = false,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 1,
		.title = "TIME_WAIT ended early by a reset",
		.headline = "{by_role} answered TIME_WAIT's own ACK with a reset, which ended the "
			    "TIME_WAIT early",
		.grouped = "TIME_WAITs ended early by a reset",
		.meaning = "An old segment reached the side in TIME_WAIT, which acknowledged it as "
			   "it should; the other side had forgotten the connection and answered "
			   "that ACK with a reset. The reset fits and ends the TIME_WAIT before "
			   "its time: from then on a late segment could meet a new connection on "
			   "these ports. It rarely does harm.",
		.evidence = "After the close: a repeated FIN or another old segment, the ACK of "
			    "the side in TIME_WAIT, then a bare reset with exactly the number that "
			    "this ACK acknowledges.",
		.lookalikes =
			"A reset after the close that answers anything else, or comes from the "
			"side in TIME_WAIT, is only life.rst.after-close. Whether the TIME_WAIT "
			"really ended depends on net.ipv4.tcp_rfc1337, which no packet shows.",
		.kernel =
			"With net.ipv4.tcp_rfc1337=0 (the default) Linux removes the TIME_WAIT "
			"entry; with 1 it ignores the reset. The other side's reason is NO_SOCKET.",
		.advice = "Harmless in most cases. Where old duplicates could hurt (long, lossy "
			  "paths; ports reused at once): net.ipv4.tcp_rfc1337=1.",
		.source =
			"RFC 1337; RFC 9293, section 3.10.7.4; Linux tcp_timewait_state_process()",
		.holds = assassinated,
	},
};

const struct theme life_close_theme = {
	.name = "life_close",
	.entries = entries,
	.count = sizeof(entries) / sizeof(entries[0]),
	.applies = close_applies,
};
