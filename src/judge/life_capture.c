/* SPDX-License-Identifier: BSD-2-Clause */
/* What the capture itself lacks or adds. Source: atlas, item 40; docs/precedence.md, section 0. */
#include "judge/context.h"
#include "judge/themes.h"

static bool capture_applies(const struct context *context)
{
	const struct quality *quality = &context->conn->quality;

	return (quality->unseen_acked | quality->copies | quality->time_back | quality->cut |
		quality->offload | (quality->one_sided ? 1 : 0)) != 0;
}

static bool tell(struct verdict *out, uint64_t count, uint64_t frame)
{
	if (!count)
		return false;
	verdict_decided_by(out, frame);
	verdict_value(out, "segments", VALUE_COUNT, (int64_t)count);
	return true;
}

static bool drops(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;

	if (conn->quality.one_sided ||
	    !tell(out, conn->quality.unseen_acked, conn->quality.unseen_acked_frame))
		return false;
	verdict_value(
		out, "missing_bytes", VALUE_BYTES,
		(int64_t)(conn_client(conn)->missing_bytes + conn_server(conn)->missing_bytes));
	return true;
}

static bool one_sided(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;

	if (!conn->quality.one_sided)
		return false;
	verdict_cite(out, conn->first_frame);
	verdict_text(out, "missing",
		     conn->quality.silent_end == END_CLIENT ? "the client" : "the server");
	return true;
}

static bool duplicates(const struct context *context, struct verdict *out)
{
	const struct quality *quality = &context->conn->quality;

	return tell(out, quality->copies, quality->copies_frame);
}

static bool reordered_timestamps(const struct context *context, struct verdict *out)
{
	const struct quality *quality = &context->conn->quality;

	return tell(out, quality->time_back, quality->time_back_frame);
}

static bool truncated(const struct context *context, struct verdict *out)
{
	const struct quality *quality = &context->conn->quality;

	return tell(out, quality->cut, quality->cut_frame);
}

static bool offload(const struct context *context, struct verdict *out)
{
	const struct quality *quality = &context->conn->quality;

	if (!tell(out, quality->offload, quality->offload_frame))
		return false;
	out->by = actor_of((enum end)quality->offload_end);
	return true;
}

static const struct entry entries[] = {
	{
		.id = "life.capture.drops",
		.phase = PHASE_LIFE,
		.look = false,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "The capture lacks packets",
		.headline = "the capture lacks packets: {segments} times octets were acknowledged "
			    "that it does not hold",
		.grouped = "packets missing from the capture",
		.meaning = "The receiver acknowledged data that the capture never saw, so that "
			   "data existed: the capture lost it, not the network. What rests on "
			   "something not seen is less sure in this connection.",
		.evidence =
			"An acknowledgement beyond everything that was captured of the other side.",
		.lookalikes = "Data that is never acknowledged and comes again was lost on the "
			      "network (life.retransmit.*). A capture that begins in the middle "
			      "lacks the beginning without having lost anything.",
		.kernel = "tcpdump says at its end how many packets the kernel dropped; pcapng "
			  "holds it as if_drop.",
		.advice = "Capture again with a larger buffer (tcpdump -B 65536), a smaller snap "
			  "length (-s 128), a filter, and to a fast disk; on a mirror port look "
			  "for an overloaded switch.",
		.source = "RFC 9293, section 3.4 (only received octets are acknowledged)",
		.holds = drops,
	},
	{
		.id = "life.capture.one-sided",
		.phase = PHASE_LIFE,
		.look = false,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "Only one direction was captured",
		.headline = "only one direction was captured: {missing} is not heard, although it "
			    "was answered",
		.grouped = "captured in one direction only",
		.meaning = "Segments of one side only are in the capture, but their "
			   "acknowledgements move on: the other side did send. A mirror port of "
			   "one direction, asymmetric routing, or a capture filter. What the "
			   "missing side did is read off the acknowledgements.",
		.evidence = "One side sends no packet at all, while the other's acknowledgement "
			    "numbers grow.",
		.lookalikes =
			"When the acknowledgements do not move, the other side was really silent.",
		.kernel = "Nothing: it is a matter of where the capture was taken.",
		.advice = "Capture on one of the two hosts, or mirror both directions; look at the "
			  "filter (src and dst).",
		.source = "RFC 9293, section 3.4",
		.holds = one_sided,
	},
	{
		.id = "life.capture.duplicates",
		.phase = PHASE_LIFE,
		.look = false,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 1,
		.title = "Packets captured twice",
		.headline = "{segments} packets are in the capture twice; they are counted once",
		.grouped = "packets captured twice",
		.meaning = "The same packet passed the capture point twice: at both sides of a "
			   "bridge or router, on a mirror port that mirrors in and out, or on the "
			   "interface 'any'. They are no retransmissions.",
		.evidence = "The same IP ID, numbers, flags, length and checksum within a few "
			    "milliseconds; the TTL may be one less.",
		.lookalikes =
			"A retransmission has a new IP ID and waits for a timeout or for duplicate "
			"ACKs. With IP ID 0 only identical bytes within a millisecond count.",
		.kernel = "On Linux 'any' shows a packet on the bridge and on its port; name one "
			  "interface instead.",
		.advice = "Nothing to repair in the network. editcap -d removes them, or capture "
			  "on one interface.",
		.source = "RFC 6864 (meaning of the IP ID)",
		.holds = duplicates,
	},
	{
		.id = "life.capture.reordered-timestamps",
		.phase = PHASE_LIFE,
		.look = false,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_NO,
		.first = 1,
		.title = "Time goes backwards in the capture",
		.headline = "{segments} packets are stamped earlier than the packet before them",
		.grouped = "packets stored in another order than their times",
		.meaning = "The capture's packets do not stand in the order of their time stamps: "
			   "several queues or interfaces were written by turns, or files were "
			   "joined without sorting, or the clock was set back. Times between such "
			   "packets mean little.",
		.evidence = "A packet whose time stamp is lower than that of the one before it in "
			    "the file.",
		.lookalikes = "Segments that overtook each other on the path have rising times: "
			      "life.reordered.",
		.kernel = "Multi-queue cards deliver to several CPUs; the capture takes them as "
			  "they come.",
		.advice = "reordercap sorts a file by time; for captures on several interfaces use "
			  "mergecap.",
		.source = "pcapng specification, section 4.3 (packets need not be in order)",
		.holds = reordered_timestamps,
	},
	{
		.id = "life.capture.truncated",
		.phase = PHASE_LIFE,
		.look = false,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.straight = true,
		.title = "Packets cut by the snap length",
		.headline = "{segments} packets were cut by the snap length: their payload cannot "
			    "be looked at",
		.grouped = "packets cut by the snap length",
		.meaning = "Only the beginning of each packet was stored. Lengths and numbers are "
			   "known from the headers; payload, some options and checksums are not.",
		.evidence = "The captured length is smaller than the length on the wire.",
		.lookalikes = "A damaged file also ends early, but then nothing follows.",
		.kernel = "tcpdump -s sets the snap length; 0 means all.",
		.advice = "Nothing for what is judged here. To see payload capture with -s 0.",
		.source = "pcapng specification, section 4.3 (captured and original length)",
		.holds = truncated,
	},
	{
		.id = "life.capture.offload",
		.phase = PHASE_LIFE,
		.look = false,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 1,
		.straight = true,
		.title = "Captured before the network card finished",
		.headline = "{segments} segments of {by_role} are larger than the wire allows or "
			    "have unfinished checksums: captured on that host",
		.grouped = "captured before the network card finished the segments",
		.meaning =
			"The capture was taken on the sending host, above its network card. There "
			"segments are still large (the card will cut them) and checksums "
			"unfinished (the card will fill them in). On the wire they were in order.",
		.evidence = "Payload larger than the other side's MSS, an IP length of 0, or a TCP "
			    "checksum that is exactly that of the pseudo header.",
		.lookalikes = "A checksum that is wrong in another way is damage. Large segments "
			      "of the other side are joined by the receiving card (GRO, LRO).",
		.kernel = "ethtool -k shows tx-checksumming, tcp-segmentation-offload, "
			  "generic-receive-offload.",
		.advice = "Nothing to repair. To see packets as on the wire capture elsewhere, or "
			  "switch it off for the test: ethtool -K eth0 tso off gso off gro off tx "
			  "off.",
		.source = "Linux Documentation/networking/segmentation-offloads.rst, "
			  "checksum-offloads.rst",
		.holds = offload,
	},
};

const struct theme life_capture_theme = {
	.name = "life_capture",
	.entries = entries,
	.count = sizeof(entries) / sizeof(entries[0]),
	.applies = capture_applies,
};
