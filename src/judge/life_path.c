/* SPDX-License-Identifier: BSD-2-Clause */
/* What devices on the path do to segments: size limits, changed options, mixed clocks. */
#include "judge/context.h"
#include "judge/themes.h"

/*
 * No path that carries TCP has a smaller limit: RFC 9293 3.7.1 lets every host take 536 octets of
 * payload. What is smaller and vanishes did not vanish for its size.
 */
#define SIZE_THAT_MAY_STICK 536

static bool path_applies(const struct context *context)
{
	const struct half *half = context->conn->half;

	return context->conn->icmp_count != 0 ||
	       (half[END_CLIENT].smallest_stuck_bytes | half[END_SERVER].smallest_stuck_bytes) != 0;
}

/* The first "too big" that speaks of data of @end; NULL: none. */
static const struct icmp_fact *too_big(const struct conn *conn, enum end end)
{
	for (unsigned i = 0; i < conn->icmp_count; i++) {
		if (conn->icmp[i].mtu_bytes && conn->icmp[i].quoted_from == end)
			return &conn->icmp[i];
	}
	return NULL;
}

static bool mtu_blackhole(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;

	for (unsigned end = 0; end < ENDS; end++) {
		const struct half *half = &conn->half[end];
		const struct half *peer = &conn->half[end_other((enum end)end)];
		const struct resend_run *run = half->resend;
		bool heard = peer->last.frame > run->first_frame && !(peer->last.flags & TCP_RST);

		/* Without any smaller segment that got through it is silence, not a size; a reset
		   answers the large segment, so that one arrived. */
		if (half->smallest_stuck_bytes < SIZE_THAT_MAY_STICK ||
		    !half->largest_acked_bytes ||
		    half->largest_acked_bytes >= half->smallest_stuck_bytes ||
		    !half->stuck_dont_fragment || peer->shut->shut_now ||
		    too_big(conn, (enum end)end) || !heard)
			continue;
		out->by = ACTOR_MIDDLE;
		verdict_cite(out, run->original_frame);
		for (unsigned i = 0; i < run->frame_count && i < 4; i++)
			verdict_cite(out, run->frames[i]);
		verdict_value(out, "stuck_bytes", VALUE_BYTES, (int64_t)half->smallest_stuck_bytes);
		verdict_value(out, "passed_bytes", VALUE_BYTES, (int64_t)half->largest_acked_bytes);
		verdict_value(out, "repeats", VALUE_COUNT, run->repeats);
		if (run->original_ns != TIME_NONE) /* else its frame has no time */
			out->cost_ns = run->last_ns - run->original_ns;
		verdict_exclude(out, "end.dead.host-gone", "the other side still sends",
				peer->last.frame);
		return true;
	}
	return false;
}

static bool mtu_reduced(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;

	for (unsigned end = 0; end < ENDS; end++) {
		const struct half *half = &conn->half[end];
		const struct icmp_fact *icmp = too_big(conn, (enum end)end);

		if (!icmp || !half->mss_used_after_icmp ||
		    half->mss_used_after_icmp >= half->mss_used_before_icmp)
			continue;
		out->by = ACTOR_MIDDLE;
		verdict_decided_by(out, icmp->frame);
		verdict_address(out, "router", &icmp->sender);
		verdict_value(out, "mtu_bytes", VALUE_BYTES, icmp->mtu_bytes);
		verdict_value(out, "before_bytes", VALUE_BYTES, half->mss_used_before_icmp);
		verdict_value(out, "after_bytes", VALUE_BYTES, half->mss_used_after_icmp);
		verdict_exclude(out, "life.mtu-blackhole.icmp-ignored",
				"the segments after the message are smaller", icmp->frame);
		return true;
	}
	return false;
}

static const struct entry entries[] = {
	{
		.id = "life.mtu-blackhole",
		.phase = PHASE_LIFE,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 1,
		.rests_on_silence = true,
		.explains_end = true,
		.title = "Large segments vanish on the path",
		.headline = "segments of {stuck_bytes} vanish on the path, up to {passed_bytes} "
			    "get through: no ICMP message says why",
		.grouped = "large segments vanish on the path",
		.meaning = "The handshake and small segments pass, every large one is lost however "
			   "often it is repeated. Somewhere on the path packets may not be that "
			   "large (a tunnel, PPPoE, a VPN), and the router there either says "
			   "nothing or its ICMP message is filtered. Typical sight: connecting "
			   "works, the first page or certificate hangs.",
		.evidence = "The same large segment, with DF set, repeated two or more times and "
			    "never acknowledged, while smaller ones of the same side are; no ICMP "
			    "'fragmentation needed' ('packet too big') quotes it.",
		.lookalikes = "If nothing at all is acknowledged any more, small segments "
			      "included, it may be the host that is gone (end.dead.host-gone): "
			      "without a later sign of life the verdict is only possible. A shut "
			      "window repeats nothing large. With the ICMP message in the capture "
			      "it is life.mtu-reduced or .icmp-ignored.",
		.kernel = "Linux keeps repeating the large segment; with "
			  "net.ipv4.tcp_mtu_probing=1 it tries smaller ones after some timeouts "
			  "(TCPMTUPFail, TCPMTUPSuccess). The sizes learned stand in ip route get.",
		.advice = "Find the size that passes: ping -M do -s 1472 {other_host}, then "
			  "smaller. Then allow ICMP type 3 code 4 (ICMPv6 type 2) through every "
			  "filter, or clamp the MSS at the tunnel: nft ... tcp option maxseg size "
			  "set rt mtu. As first aid: net.ipv4.tcp_mtu_probing=1.",
		.source = "RFC 2923; RFC 4821; RFC 8201; RFC 1191",
		.holds = mtu_blackhole,
	},
	{
		.id = "life.mtu-blackhole.icmp-ignored",
		.phase = PHASE_LIFE,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 2,
		.title = "A router's size limit was ignored",
		.headline = "a router said that segments must be smaller, and the sender kept "
			    "sending the old size",
		.grouped = "size limits of routers that were ignored",
		.meaning =
			"The message reached the capture point, but the sending system did not act "
			"on it: it was filtered closer to the host, or the system distrusts it.",
		.evidence = "ICMP 'fragmentation needed' that quotes a segment of this connection, "
			    "then the same large segments again.",
		.lookalikes = "If segments get smaller afterwards it is life.mtu-reduced. Segments "
			      "that were under way when the message came do not count.",
		.kernel =
			"Linux ignores the message when the quoted number is outside the window, "
			"when net.ipv4.ip_no_pmtu_disc is set, or when the route has a locked mtu.",
		.advice = "Look at firewalls on the host itself, and at ip route get and "
			  "net.ipv4.ip_no_pmtu_disc.",
		.source = "RFC 1191; RFC 8201; RFC 5927, section 7",
		.holds = NULL,
	},
	{
		.id = "life.mtu-reduced",
		.phase = PHASE_LIFE,
		.look = false,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "Segments became smaller on a router's word",
		.headline = "{router} said that packets may have at most {mtu_bytes}; segments "
			    "went from {before_bytes} to {after_bytes}",
		.grouped = "path MTU discovery at work",
		.meaning = "A router on the path could not pass such large packets on and said so; "
			   "the sender listened and went on with smaller ones. That is how path "
			   "MTU discovery should work; it costs one round trip once.",
		.evidence = "ICMP 'fragmentation needed' (ICMPv6 'packet too big') that quotes a "
			    "segment of this connection, and the same octets again in smaller "
			    "segments.",
		.lookalikes = "Repeats of the old size after the message mean that it was ignored "
			      "(life.mtu-blackhole.icmp-ignored).",
		.kernel = "Linux repeats at once with the new size and remembers it for the "
			  "destination for 10 minutes (ip route get shows mtu).",
		.advice = "Nothing to do. If the smaller size is permanent, set the MTU of the "
			  "route or clamp the MSS to save the round trip.",
		.source = "RFC 1191; RFC 8201",
		.holds = mtu_reduced,
	},
	{
		.id = "life.wscale-mismatch",
		.phase = PHASE_LIFE,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_POSSIBLE,
		.lab = LAB_YES,
		.first = 2,
		.title = "The ends disagree on the window scale",
		.headline = "the ends seem to disagree on the window scale: a device changed the "
			    "option",
		.grouped = "disagreement on the window scale",
		.meaning = "One end multiplies the announced windows and the other does not, "
			   "because a device removed or changed the option in one SYN only. One "
			   "side then sends far too little, or more than is allowed.",
		.evidence = "A sender that always stops at the unscaled window, or data beyond the "
			    "announced one that is dropped.",
		.lookalikes =
			"A slow program or a small congestion window also sends little. Only both "
			"ends' captures prove a changed option (life.open.option-stripped).",
		.kernel = "ss -ti shows wscale:x,y on each end: the pairs must mirror each other.",
		.advice =
			"Compare the SYNs at both ends; switch the 'TCP normalisation' of the "
			"firewall between them off, or net.ipv4.tcp_window_scaling=0 as first aid.",
		.source = "RFC 7323, section 2",
		.holds = NULL,
	},
	{
		.id = "life.paws-drop",
		.phase = PHASE_LIFE,
		.look = true,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 2,
		.title = "Dropped because of an old timestamp",
		.headline =
			"a segment was dropped because its timestamp was older than the last one",
		.grouped = "segments dropped because of old timestamps",
		.meaning = "The receiver protects itself against segments of the past by their "
			   "timestamps; this one's clock stood behind the one it had seen before. "
			   "A translating device that mixes several hosts' clocks, or a host whose "
			   "clock restarted, brings that about.",
		.evidence = "A segment with a lower timestamp value than the last of the same "
			    "side, answered by a bare ACK or not at all, and repeated.",
		.lookalikes = "A segment that was merely overtaken has an older timestamp too, but "
			      "nothing of it is missing afterwards.",
		.kernel = "Counters PAWSEstab, PAWSActive, PAWSTimewait; drop reasons "
			  "TCP_RFC7323_PAWS.",
		.advice = "Look for a load balancer or NAT that shares one address among several "
			  "hosts; on old kernels net.ipv4.tcp_tw_recycle must be 0.",
		.source = "RFC 7323, section 5",
		.holds = NULL,
	},
};

const struct theme life_path_theme = {
	.name = "life_path",
	.entries = entries,
	.count = sizeof(entries) / sizeof(entries[0]),
	.applies = path_applies,
};
