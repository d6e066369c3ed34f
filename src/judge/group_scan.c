/* SPDX-License-Identifier: BSD-2-Clause */
/* One source that tries many targets, and many sources that flood one. */
#include "judge/gather.h"
#include "judge/themes.h"

/* Precedence.md, section 6, "scan": fewer targets are a client that tries again. */
#define SCAN_TARGETS	  15u
#define SCAN_WINDOW_NS	  (300 * NSEC_PER_SEC)
#define SCAN_FAILED_LEAST 80u  /* percent of what it tried */
#define SCAN_LOOK_BACK	  256u /* facts of the source */

/* "SYN flood": below the smallest usual backlog of 128 there is nothing to flood. */
#define FLOOD_HALF_OPEN	  64u
#define FLOOD_SOURCES	  16u
#define FLOOD_OPENED_MOST 10u		      /* percent */
#define FLOOD_WINDOW_NS	  (63 * NSEC_PER_SEC) /* as long as Linux keeps a half-open one */
#define FLOOD_LOOK_BACK	  256u

#define SCANNED (FACT_REFUSED | FACT_UNANSWERED | FACT_HALF_RESET | FACT_HALF_OPEN | FACT_DROPPED)

enum scan_count {
	SCAN_FAILED,
	SCAN_HALF,
	SCAN_EMPTY,
	SCAN_LIKE_A_SYSTEM
};

static bool within(int64_t a, int64_t b, int64_t window_ns)
{
	return a - b <= window_ns && b - a <= window_ns;
}

static void scan_take(struct group *group, struct find *find, struct remembered *fact)
{
	unsigned what = fact->fact.what;
	const struct place *source = gather_place(group, fact->source);

	if (fact->taken & 1u << FIND_SCAN)
		return;
	if (what & FACT_DROPPED)
		find->counts[SCAN_EMPTY]++;
	else if (what & FACT_HALF_RESET)
		find->counts[SCAN_HALF]++;
	else
		find->counts[SCAN_FAILED]++;
	if ((what & FACT_SYSTEM_SYN) && (what & FACT_SYN_AGAIN))
		find->counts[SCAN_LIKE_A_SYSTEM]++;
	if (!find->total || fact->source_opened < find->opened_least)
		find->opened_least = fact->source_opened;
	find->opened = source->opened;
	gather_take(group, find, fact, fact->fact.start_ns);
}

/* Whether enough different targets were tried in vain around this fact. */
static bool scan_seen(struct group *group, const struct remembered *fact)
{
	uint32_t targets[SCAN_TARGETS];
	unsigned count = 0, looked = 0;

	for (const struct remembered *at = gather_newest(group, fact->source);
	     at && looked < SCAN_LOOK_BACK; at = gather_older_source(group, at), looked++) {
		bool known = false;

		if (!(at->fact.what & SCANNED) ||
		    !within(at->fact.start_ns, fact->fact.start_ns, SCAN_WINDOW_NS))
			continue;
		for (unsigned i = 0; i < count && !known; i++)
			known = targets[i] == at->target;
		if (known)
			continue;
		targets[count++] = at->target;
		if (count == SCAN_TARGETS)
			return true;
	}
	return false;
}

static void scan_add(struct group *group, struct remembered *fact)
{
	struct find *find;
	unsigned looked = 0;

	if (gather_place(group, fact->source)->remembered < SCAN_TARGETS)
		return;
	find = gather_find(group, FIND_SCAN, fact->source);
	if (find && (within(find->first_ns, fact->fact.start_ns, SCAN_WINDOW_NS) ||
		     within(find->last_ns, fact->fact.start_ns, SCAN_WINDOW_NS))) {
		scan_take(group, find, fact);
		return;
	}
	if (!scan_seen(group, fact))
		return;
	find = gather_find_new(group, FIND_SCAN, fact->source);
	if (!find)
		return;
	for (struct remembered *at = gather_newest(group, fact->source);
	     at && looked < SCAN_LOOK_BACK; at = gather_older_source(group, at), looked++) {
		if ((at->fact.what & SCANNED) &&
		    within(at->fact.start_ns, fact->fact.start_ns, SCAN_WINDOW_NS))
			scan_take(group, find, at);
	}
}

/* What most of its attempts came to. */
static enum scan_count scan_kind(const struct find *find)
{
	if (2 * find->counts[SCAN_FAILED] >= find->total)
		return SCAN_FAILED;
	return find->counts[SCAN_HALF] >= find->counts[SCAN_EMPTY] ? SCAN_HALF : SCAN_EMPTY;
}

static bool scan_holds(const struct find *find, enum scan_count kind, struct verdict *out)
{
	uint64_t good = find->opened - find->opened_least;

	/* Connections that were opened and dropped are counted as opened, too. */
	good = good > find->counts[SCAN_EMPTY] ? good - find->counts[SCAN_EMPTY] : 0;
	if (scan_kind(find) != kind || find->target_count < SCAN_TARGETS ||
	    find->total * 100 < (find->total + good) * SCAN_FAILED_LEAST)
		return false;
	out->by = ACTOR_CLIENT;
	verdict_value(out, "targets", VALUE_COUNT, find->target_count);
	verdict_value(out, "attempts", VALUE_COUNT, (int64_t)find->total);
	verdict_value(out, "refused_or_unanswered", VALUE_COUNT,
		      (int64_t)find->counts[SCAN_FAILED]);
	verdict_value(out, "reset_after_synack", VALUE_COUNT, (int64_t)find->counts[SCAN_HALF]);
	verdict_value(out, "opened_and_dropped", VALUE_COUNT, (int64_t)find->counts[SCAN_EMPTY]);
	verdict_value(out, "span_ns", VALUE_NS, find->last_ns - find->first_ns);
	if (2 * find->counts[SCAN_LIKE_A_SYSTEM] >= find->total) {
		/* A scanner seldom tries twice; a program with many dead peers does. */
		verdict_lower(out);
		verdict_text(out, "not_told_from", "a program with many dead peers");
	}
	return true;
}

static bool scan_syn(struct group *group, struct find *find, struct verdict *out)
{
	(void)group;
	return scan_holds(find, SCAN_FAILED, out);
}

static bool scan_half(struct group *group, struct find *find, struct verdict *out)
{
	(void)group;
	return scan_holds(find, SCAN_HALF, out);
}

static bool scan_connect(struct group *group, struct find *find, struct verdict *out)
{
	(void)group;
	return scan_holds(find, SCAN_EMPTY, out);
}

enum flood_count {
	FLOOD_ANSWERED,
	FLOOD_FROM
};

/* Real clients repeat their SYN; forged ones cannot. */
static bool is_flood(const struct remembered *fact)
{
	return (fact->fact.what & (FACT_HALF_OPEN | FACT_UNANSWERED)) &&
	       !(fact->fact.what & FACT_SYN_AGAIN);
}

static void flood_take(struct group *group, struct find *find, struct remembered *fact)
{
	if (fact->taken & 1u << FIND_FLOOD)
		return;
	if (fact->fact.what & FACT_HALF_OPEN)
		find->counts[FLOOD_ANSWERED]++;
	if (!find->total || fact->service_opened < find->opened_least)
		find->opened_least = fact->service_opened;
	find->opened = gather_place(group, fact->service)->opened;
	gather_take(group, find, fact, fact->fact.start_ns);
}

static bool flood_seen(struct group *group, const struct remembered *fact)
{
	uint32_t sources[FLOOD_SOURCES];
	unsigned count = 0, half_open = 0, looked = 0;

	for (const struct remembered *at = gather_newest(group, fact->service);
	     at && looked < FLOOD_LOOK_BACK; at = gather_older_service(group, at), looked++) {
		bool known = false;

		if (!is_flood(at) ||
		    !within(at->fact.start_ns, fact->fact.start_ns, FLOOD_WINDOW_NS))
			continue;
		half_open++;
		for (unsigned i = 0; i < count && !known; i++)
			known = sources[i] == at->source;
		if (!known && count < FLOOD_SOURCES)
			sources[count++] = at->source;
		if (count == FLOOD_SOURCES && half_open >= FLOOD_HALF_OPEN)
			return true;
	}
	return false;
}

static void flood_add(struct group *group, struct remembered *fact)
{
	struct find *find;
	unsigned looked = 0;

	if (!is_flood(fact) || gather_place(group, fact->service)->remembered < FLOOD_HALF_OPEN)
		return;
	find = gather_find(group, FIND_FLOOD, fact->service);
	if (find && (within(find->first_ns, fact->fact.start_ns, FLOOD_WINDOW_NS) ||
		     within(find->last_ns, fact->fact.start_ns, FLOOD_WINDOW_NS))) {
		flood_take(group, find, fact);
		return;
	}
	if (!flood_seen(group, fact))
		return;
	find = gather_find_new(group, FIND_FLOOD, fact->service);
	if (!find)
		return;
	for (struct remembered *at = gather_newest(group, fact->service);
	     at && looked < FLOOD_LOOK_BACK; at = gather_older_service(group, at), looked++) {
		if (is_flood(at) && within(at->fact.start_ns, fact->fact.start_ns, FLOOD_WINDOW_NS))
			flood_take(group, find, at);
	}
}

static bool flood(struct group *group, struct find *find, struct verdict *out)
{
	const struct place *service = gather_place(group, find->place);
	uint64_t opened = find->opened - find->opened_least;

	if (opened * 100 >= (find->total + opened) * FLOOD_OPENED_MOST)
		return false;
	/* A host that never answers anybody is down, not flooded. */
	if (!find->counts[FLOOD_ANSWERED] && !service->opened)
		return false;
	out->by = ACTOR_CLIENT;
	verdict_value(out, "half_open", VALUE_COUNT, (int64_t)find->total);
	verdict_value(out, "completed", VALUE_COUNT, (int64_t)opened);
	verdict_value(out, "span_ns", VALUE_NS, find->last_ns - find->first_ns);
	return true;
}

static const struct group_rule scan_syn_rule = {
	.kind = FIND_SCAN,
	.wants = SCANNED,
	.add = scan_add,
	.holds = scan_syn,
};
static const struct group_rule scan_half_rule = { .kind = FIND_SCAN, .holds = scan_half };
static const struct group_rule scan_connect_rule = { .kind = FIND_SCAN, .holds = scan_connect };
static const struct group_rule flood_rule = {
	.kind = FIND_FLOOD,
	.wants = FACT_HALF_OPEN | FACT_UNANSWERED,
	.add = flood_add,
	.holds = flood,
};

static const struct entry entries[] = {
	{
		.id = "group.scan.syn",
		.phase = PHASE_GROUP,
		.look = true,
		.decidable = DECIDABLE_GROUP,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 1,
		.title = "Port scan",
		.headline = "{host} tried {targets} ports or hosts in {span_ns}; "
			    "{refused_or_unanswered} of {attempts} attempts were refused or "
			    "unanswered: a scan",
		.grouped = "attempts of {host} on {targets} ports or hosts, nearly all in vain: a "
			   "scan",
		.meaning = "One machine asked many ports or many hosts within minutes, and nearly "
			   "all of them said no or nothing. That is somebody (or a monitoring tool "
			   "of your own) looking for what is open, not a client of a service. The "
			   "single refusals and silences need no look of their own.",
		.evidence = "At least 15 different targets (address and port) of one source within "
			    "five minutes, at least 80 percent of the attempts refused, "
			    "unanswered, reset half way, or opened and dropped without data; most "
			    "of them refused or unanswered.",
		.lookalikes =
			"A client that keeps trying one dead server has one target. A peer-to-peer "
			"program with many dead peers reaches as many targets, but its system "
			"repeats each SYN by its schedule; then this is possible only. "
			"group.scan.half and group.scan.connect: most targets answered.",
		.kernel = "On the scanned host OutRsts rises in nstat, one per closed port; no "
			  "program notices. A raw-socket scanner's SYNs carry options that no "
			  "system sends, often the MSS alone.",
		.advice = "Find out whose machine {host} is. If it is none of yours: limit or drop "
			  "it at the edge; if it is, it may be taken over, or it is an inventory "
			  "tool. The list of ports that answered is what it knows now.",
		.source = "RFC 9293, section 3.10.7.1 (closed ports answer); thresholds: own, as "
			  "given",
		.group = &scan_syn_rule,
	},
	{
		.id = "group.scan.half",
		.phase = PHASE_GROUP,
		.look = true,
		.decidable = DECIDABLE_GROUP,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 1,
		.title = "Half-open scan",
		.headline = "{host} got SYN-ACKs from {targets} ports or hosts and reset every "
			    "one: a half-open scan",
		.grouped =
			"SYN-ACKs that {host} reset at {targets} ports or hosts: a half-open scan",
		.meaning = "The source sent SYNs, and whenever a port answered it reset the answer "
			   "at once instead of opening the connection. It wanted to know which "
			   "ports are open without any program seeing a connection.",
		.evidence = "At least 15 different targets of one source within five minutes, most "
			    "of them C>S S, S>C S., C>S R.",
		.lookalikes =
			"open.half.client-gone now and then is a cancelled connect. Backscatter of "
			"a flood with forged sources looks alike from the victim of the forgery: "
			"it never sent the SYNs (capture there to tell).",
		.kernel = "The reset comes from the scanner's own kernel, which knows of no such "
			  "socket; the scanned hosts count EmbryonicRsts, and their programs never "
			  "see it in accept().",
		.advice = "As for any scan: whose machine is {host}, and should those ports be "
			  "reachable from there? Your services' logs will not show it; the "
			  "firewall's may.",
		.source = "RFC 9293, section 3.5.2, group 2; thresholds: own, as given",
		.group = &scan_half_rule,
	},
	{
		.id = "group.scan.connect",
		.phase = PHASE_GROUP,
		.look = true,
		.decidable = DECIDABLE_GROUP,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 1,
		.title = "Connect scan",
		.headline = "{host} opened connections to {targets} ports or hosts and dropped "
			    "them at once without a byte: a connect scan",
		.grouped = "connections that {host} opened to {targets} ports or hosts and dropped "
			   "at once: a connect scan",
		.meaning =
			"The source completed handshakes with many ports or hosts and closed each "
			"connection within a second without sending anything. A program without "
			"raw sockets scans like that; so do inventory and monitoring tools.",
		.evidence = "At least 15 different targets of one source within five minutes, most "
			    "of them opened by a full handshake and closed or reset by the client "
			    "within a second, no payload in either direction.",
		.lookalikes = "group.health-check: one target, again and again at a steady pace. A "
			      "load balancer that checks many servers at once reaches many "
			      "targets, too, but keeps its pace.",
		.kernel = "accept() on each server returns a connection whose first read() gives "
			  "end of file or ECONNRESET; services that log connections show them "
			  "without a request.",
		.advice = "Whose machine is {host}? Services that log \"client closed without a "
			  "request\" at the same moments confirm it.",
		.source = "RFC 9293, section 3.5; thresholds: own, as given",
		.group = &scan_connect_rule,
	},
	{
		.id = "group.scan.xmas",
		.phase = PHASE_GROUP,
		.look = true,
		.decidable = DECIDABLE_GROUP,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 2,
		.title = "Xmas scan",
		.headline =
			"{host} sent segments with FIN, PSH and URG to many ports: an Xmas scan",
		.grouped = "segments with FIN, PSH and URG from {host} to many ports: an Xmas scan",
		.meaning = "The source sent segments lit up like a tree, FIN, PSH and URG set and "
			   "no ACK, to many ports. No TCP sends that. Some systems stay silent on "
			   "open ports and reset on closed ones, which is what the scanner reads.",
		.evidence = "C>S FPU without ACK to many ports; R. from closed ports, nothing from "
			    "open ones (not on Windows).",
		.lookalikes = "A damaged header can show any flags once; its checksum is wrong "
			      "then. group.scan.fin and group.scan.null have other flags.",
		.kernel = "Linux drops such a segment on a listening port without a word (drop "
			  "reason TCP_FLAGS) and resets it on a closed one.",
		.advice = "Drop segments without SYN, ACK or RST at the edge; find out whose "
			  "machine {host} is.",
		.source = "RFC 9293, section 3.10.7.2; nmap reference guide, -sX",
	},
	{
		.id = "group.scan.null",
		.phase = PHASE_GROUP,
		.look = true,
		.decidable = DECIDABLE_GROUP,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 2,
		.title = "Null scan",
		.headline = "{host} sent segments without any flag to many ports: a null scan",
		.grouped = "segments without any flag from {host} to many ports: a null scan",
		.meaning = "The source sent segments that carry no flag at all to many ports. No "
			   "TCP sends that; closed ports answer with a reset and open ones stay "
			   "silent, and the scanner reads the difference.",
		.evidence = "C>S segments with flags 0 to many ports; R. from the closed ones.",
		.lookalikes = "Only a scanner or a broken device makes these; group.scan.xmas and "
			      "group.scan.fin set other flags.",
		.kernel = "Linux: silent drop on a listening port (drop reason TCP_FLAGS), a reset "
			  "with ACK on a closed one because the segment has none.",
		.advice = "Drop segments without flags at the edge; find out whose machine {host} "
			  "is, they are never legitimate.",
		.source = "RFC 9293, section 3.10.7.2; nmap reference guide, -sN",
	},
	{
		.id = "group.scan.fin",
		.phase = PHASE_GROUP,
		.look = true,
		.decidable = DECIDABLE_GROUP,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 2,
		.title = "FIN scan",
		.headline = "{host} sent bare FINs of no connection to many ports: a FIN scan",
		.grouped = "bare FINs of no connection from {host} to many ports: a FIN scan",
		.meaning = "The source sent FIN segments without ACK to many ports with which it "
			   "had no connection. Closed ports reset them, open ones ignore them.",
		.evidence = "C>S F without ACK, no connection before, to many ports; R. from the "
			    "closed ones.",
		.lookalikes = "A FIN of an old connection has ACK set and the right numbers. After "
			      "a capture's start such FINs of ordinary connections appear once "
			      "each, with ACK.",
		.kernel = "Linux ignores a FIN without ACK on a listening port and resets it on a "
			  "closed one.",
		.advice = "As for other scans; a stateful firewall drops these because they belong "
			  "to no connection.",
		.source = "RFC 9293, section 3.10.7.2; nmap reference guide, -sF",
	},
	{
		.id = "group.synflood",
		.phase = PHASE_GROUP,
		.look = true,
		.decidable = DECIDABLE_GROUP,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 1,
		.title = "SYN flood",
		.headline = "{half_open} SYNs from many sources to {server} within {span_ns} were "
			    "never completed ({completed} were): a SYN flood",
		.grouped =
			"SYNs to {server} from many sources that were never completed: a SYN flood",
		.meaning = "Many addresses sent one SYN each to the same port and none of them "
			   "went on when the server answered. The addresses are probably forged. "
			   "The server must remember each half-open connection for a minute, until "
			   "it runs out of room and real clients get no answer.",
		.evidence = "At least 64 openings of one port under way at once (within 63 s) from "
			    "at least 16 sources, each with a SYN that is not repeated, fewer than "
			    "10 percent of the openings completed.",
		.lookalikes =
			"group.accept-queue-full: clients complete the handshake or repeat their "
			"SYN. A server whose answers do not arrive (open.unanswered.return-path): "
			"real clients repeat their SYNs. A host that is down answers nobody.",
		.kernel = "Linux: SYN-RECV sockets up to the backlog, then SYN cookies "
			  "(TcpExtSyncookiesSent, TCPReqQFullDoCookies; log line \"possible SYN "
			  "flooding on port\") or drops (TCPReqQFullDrop).",
		.advice = "sysctl net.ipv4.tcp_syncookies (1 or 2), a larger "
			  "net.ipv4.tcp_max_syn_backlog; filter or rate-limit upstream. ss -n "
			  "state syn-recv 'sport = :{server_port}' shows the sources.",
		.source = "RFC 4987; Linux tcp_conn_request(), tcp_syn_flood_action()",
		.group = &flood_rule,
	},
};

const struct theme group_scan_theme = {
	.name = "group_scan",
	.entries = entries,
	.count = sizeof(entries) / sizeof(entries[0]),
};
