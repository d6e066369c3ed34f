/* SPDX-License-Identifier: BSD-2-Clause */
/* Limits on idle time that something on the path, or the server, enforces. */
#include <stddef.h>
#include <stdlib.h>

#include "judge/gather.h"
#include "judge/themes.h"

/* Precedence.md, section 6, "idle limit (group)". */
#define FAILED_LEAST 2u
#define SAME_PERCENT 3

/* Well-known limits, to name whose default a measured one is. */
struct usual_limit {
	int64_t limit_ns;
	const char *whose;
};

static const struct usual_limit usual_limits[] = {
	{ 60 * NSEC_PER_SEC,
	  "the default of AWS application load balancers and of nginx as a proxy" },
	{ 240 * NSEC_PER_SEC, "the default of Azure load balancers" },
	{ 350 * NSEC_PER_SEC, "AWS network load balancers and NAT gateways" },
	{ 900 * NSEC_PER_SEC, "the default of Linux IPVS" },
	{ 3600 * NSEC_PER_SEC, "the default of several firewalls" },
	{ 432000 * NSEC_PER_SEC, "the default of Linux conntrack" },
};

static const char *whose_limit(int64_t idle_ns)
{
	for (size_t i = 0; i < sizeof(usual_limits) / sizeof(usual_limits[0]); i++) {
		int64_t limit = usual_limits[i].limit_ns;

		if (idle_ns >= limit - limit / 100 && idle_ns <= limit + limit * SAME_PERCENT / 100)
			return usual_limits[i].whose;
	}
	return NULL;
}

static void add(struct group *group, struct remembered *fact, enum find_kind kind, uint32_t place)
{
	struct find *find = gather_find(group, kind, place);

	if (!find)
		find = gather_find_new(group, kind, place);
	if (!find)
		return;
	gather_take(group, find, fact, fact->fact.idle_ns);
	find->counts[0] += (fact->fact.what & FACT_RESET_BY_SERVER) != 0;
}

static void silent_add(struct group *group, struct remembered *fact)
{
	add(group, fact, FIND_IDLE_SILENT, fact->host);
}

static void reset_add(struct group *group, struct remembered *fact)
{
	add(group, fact, FIND_IDLE_RESET, fact->service);
}

static int by_time(const void *a, const void *b)
{
	const int64_t *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

/* The idle times in ascending order; owned by the caller; NULL: out of memory. */
static int64_t *sorted_measures(const struct find *find)
{
	int64_t *sorted = malloc(find->conn_count * sizeof(*sorted));

	if (!sorted)
		return NULL;
	for (size_t i = 0; i < find->conn_count; i++)
		sorted[i] = find->measures_ns[i];
	qsort(sorted, find->conn_count, sizeof(*sorted), by_time);
	return sorted;
}

static void tell_limit(const struct served *served, int64_t failed_ns, struct verdict *out)
{
	const char *whose = whose_limit(failed_ns);

	verdict_value(out, "smallest_failed_ns", VALUE_NS, failed_ns);
	if (served->survived_ns) {
		verdict_value(out, "largest_survived_ns", VALUE_NS, served->survived_ns);
		verdict_value(out, "survived_conn", VALUE_FRAME, (int64_t)served->survived_conn);
	}
	if (whose)
		verdict_text(out, "usual_for", whose);
}

static bool idle_silent(struct group *group, struct find *find, struct verdict *out)
{
	const struct served *host = gather_served(group, find->place);
	int64_t least = INT64_MAX;

	/* Those that had been idle for no longer than one that lived died of something else. */
	gather_narrow(find, host->survived_ns + 1, INT64_MAX);
	if (find->conn_count < FAILED_LEAST)
		return false;
	for (size_t i = 0; i < find->conn_count; i++) {
		if (find->measures_ns[i] < least)
			least = find->measures_ns[i];
	}
	/* The host itself must be alive: it answered others after the first of these began. */
	if (host->answered_last_ns == TIME_NONE || host->answered_last_ns < find->first_ns)
		return false;
	out->by = ACTOR_MIDDLE;
	verdict_value(out, "connections", VALUE_COUNT, (int64_t)find->total);
	tell_limit(host, least, out);
	return true;
}

static bool idle_reset(struct group *group, struct find *find, struct verdict *out)
{
	const struct served *service = gather_served(group, find->place);
	int64_t *sorted = sorted_measures(find);
	size_t best = 0, best_count = 0;

	if (!sorted)
		return false;
	for (size_t i = 0; i < find->conn_count; i++) {
		size_t end = i;

		while (end < find->conn_count &&
		       sorted[end] - sorted[i] <= sorted[i] * SAME_PERCENT / 100)
			end++;
		if (end - i > best_count && sorted[i] > service->survived_ns) {
			best = i;
			best_count = end - i;
		}
	}

	int64_t least = best_count ? sorted[best] : 0;
	int64_t most = best_count ? sorted[best + best_count - 1] : 0;

	free(sorted);
	if (best_count < FAILED_LEAST)
		return false;
	if (find->counts[0] == find->total)
		out->by = ACTOR_SERVER;
	else
		out->by = find->counts[0] ? ACTOR_MIDDLE : ACTOR_CLIENT;
	gather_narrow(find, least, most);
	verdict_value(out, "connections", VALUE_COUNT, (int64_t)find->total);
	tell_limit(service, least, out);
	return true;
}

static const struct group_rule silent_rule = {
	.kind = FIND_IDLE_SILENT,
	.wants = FACT_DIED_SILENT,
	.add = silent_add,
	.holds = idle_silent,
};
static const struct group_rule reset_rule = {
	.kind = FIND_IDLE_RESET,
	.wants = FACT_RESET_IDLE,
	.add = reset_add,
	.holds = idle_reset,
};

static const struct entry entries[] = {
	{
		.id = "group.idle-limit.silent",
		.phase = PHASE_GROUP,
		.look = true,
		.decidable = DECIDABLE_GROUP,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 1,
		.title = "Something on the path forgets idle connections",
		.headline = "{connections} connections to {host} went dead after at least "
			    "{smallest_failed_ns} of silence, while others to it live: something "
			    "on the path forgets idle connections",
		.grouped = "connections to {host} that went dead after {smallest_failed_ns} of "
			   "silence or more, while others live: the path forgets them",
		.meaning = "Connections that had been silent for longer than a certain time got no "
			   "answer any more when somebody spoke again; those that had been silent "
			   "for less went on, and the host still answers others. A NAT, firewall "
			   "or load balancer between the ends keeps its entries only for so long "
			   "and then drops what it no longer knows, without telling anybody.",
		.evidence = "At least two connections of one host with a silence of at least T, "
			    "then data or probes repeated without any answer; no silence of T or "
			    "longer that was survived; packets of the same host on other "
			    "connections afterwards.",
		.lookalikes = "end.dead.host-gone: the host answers nobody any more. "
			      "group.idle-limit.reset: the limit is enforced with a reset. Loss on "
			      "the path does not ask how long a connection was idle.",
		.kernel = "Neither end knows: both sockets stay ESTABLISHED, the sender's runs "
			  "into its retransmission limit (15 minutes and more on Linux, "
			  "ETIMEDOUT), the other stays for ever without keep-alive.",
		.advice = "Turn on keep-alive with an idle time well below {smallest_failed_ns} "
			  "(TCP_KEEPIDLE, net.ipv4.tcp_keepalive_time, or the protocol's own "
			  "heartbeat), set TCP_USER_TIMEOUT so that the loss is noticed, or raise "
			  "the limit in the device.",
		.source = "RFC 5382, section 5 (NAT idle time-outs: at least 2 h 4 min); RFC 1122, "
			  "section 4.2.3.6",
		.group = &silent_rule,
	},
	{
		.id = "group.idle-limit.reset",
		.phase = PHASE_GROUP,
		.look = true,
		.decidable = DECIDABLE_GROUP,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 1,
		.title = "An idle limit resets connections",
		.headline = "{connections} connections of {server} were reset after the same "
			    "{smallest_failed_ns} of silence: an idle limit",
		.grouped = "connections of {server} reset after the same {smallest_failed_ns} of "
			   "silence: an idle limit",
		.meaning = "Whoever stands behind this address closes connections that have been "
			   "silent for a fixed time. A client that speaks just then loses its "
			   "request to the reset. Most often this is a load balancer's or proxy's "
			   "idle time-out that is shorter than the clients' own.",
		.evidence = "At least two connections of one address and port reset (or closed by "
			    "FIN and then reset when the client spoke) after a silence that is the "
			    "same within three percent, and no longer silence that was survived.",
		.lookalikes = "group.idle-limit.silent: no reset, no answer. end.rst.no-socket "
			      "after different silences: the server rebooted. A keep-alive that "
			      "gives up ends with probes before the reset.",
		.kernel = "The reset or FIN comes from a program's timer (or the load balancer's "
			  "table); kernels have no idle limit of their own.",
		.advice = "Make the clients' idle limit shorter than {smallest_failed_ns} so that "
			  "they close first, retry requests that fail on a reused connection, or "
			  "raise the limit at {server}. Keep-alive helps against a device's table, "
			  "not against a program's timer.",
		.source = "RFC 9112, section 9.5 (either side may close at any time); RFC 5382, "
			  "section 5",
		.group = &reset_rule,
	},
	{
		.id = "group.port-budget",
		.phase = PHASE_GROUP,
		.look = true,
		.decidable = DECIDABLE_GROUP,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 2,
		.title = "Running out of ports",
		.headline = "{host} opens connections to one server so fast that TIME_WAIT will "
			    "use up its ports",
		.grouped =
			"connections of {host} to one server within TIME_WAIT: its ports run out",
		.meaning =
			"Each connection that this client closes first keeps its port in TIME_WAIT "
			"for a minute (towards the same server). At this rate the range of "
			"ephemeral ports is used up, and then connect() fails with EADDRNOTAVAIL.",
		.evidence = "Openings of one client to one server address and port per minute come "
			    "near the size of its port range, and it closes first.",
		.lookalikes =
			"Many clients behind one NAT address share its ports in the same way. If "
			"the server closes first the TIME_WAITs are there and cost nothing.",
		.kernel = "Linux: net.ipv4.ip_local_port_range (28232 ports by default), TIME_WAIT "
			  "60 s, so about 470 a second to one destination; tcp_tw_reuse allows it "
			  "for outgoing ones with timestamps after a second.",
		.advice = "Reuse connections (pool, HTTP keep-alive), let the server close first, "
			  "widen the port range, or use more addresses.",
		.source =
			"RFC 6056, section 2.2; Linux ip-sysctl: ip_local_port_range, tcp_tw_reuse",
	},
	{
		.id = "group.timestamps-mixed",
		.phase = PHASE_GROUP,
		.look = true,
		.decidable = DECIDABLE_GROUP,
		.wire_max = CONFIDENCE_POSSIBLE,
		.lab = LAB_YES,
		.first = 2,
		.title = "Several timestamp clocks behind one address",
		.headline = "SYNs from {host} carry several timestamp clocks, and those with the "
			    "lower one fail",
		.grouped =
			"SYNs from {host} with several timestamp clocks, of which the lower fail",
		.meaning = "Several machines share one address by NAT, each with its own timestamp "
			   "clock, and the server judges timestamps per address: SYNs from the "
			   "machine with the lower clock are taken for old duplicates and dropped.",
		.evidence = "SYNs of one address with timestamp values of several clocks; the ones "
			    "below the last accepted value are unanswered, the others succeed.",
		.lookalikes = "Linux since 4.10 gives each connection its own random offset, so "
			      "differing clocks alone mean nothing. Plain loss does not ask for "
			      "the clock.",
		.kernel = "Old Linux servers with net.ipv4.tcp_tw_recycle=1 (removed in 4.12) did "
			  "this; PAWSPassive counts in nstat there.",
		.advice = "Switch tcp_tw_recycle off or update the server's kernel.",
		.source = "RFC 7323, section 5.8 and appendix B; Linux commit that removed "
			  "tcp_tw_recycle (4.12)",
	},
};

const struct theme group_idle_theme = {
	.name = "group_idle",
	.entries = entries,
	.count = sizeof(entries) / sizeof(entries[0]),
};
