/* SPDX-License-Identifier: BSD-2-Clause */
/* What several connections tell of one server. */
#include <assert.h>

#include "judge/gather.h"
#include "judge/themes.h"

/* Precedence.md, section 6; the reasons stand there. */
#define QUEUE_RETRIED	      3u
#define QUEUE_WINDOW_NS	      (10 * NSEC_PER_SEC)
#define QUEUE_SUCCEEDED_NS    (60 * NSEC_PER_SEC) /* "others succeed": not longer before or after */
#define CHECKS_LEAST	      3u
#define CHECK_PERIOD_LEAST_NS (500 * NSEC_PER_MSEC) /* faster is a loop, not a check */
#define CLOSED_LEAST	      2u
#define CLOSED_WINDOW_NS      (10 * NSEC_PER_MSEC)
#define KILLED_LEAST	      3u
#define KILLED_WINDOW_NS      (50 * NSEC_PER_MSEC)
/* Equal silences of at least this before all closes: an idle limit, not a process that ends. */
#define IDLE_LIMIT_LEAST_NS   (4500 * NSEC_PER_MSEC)

#define LOOK_BACK 256u

static bool within(int64_t a, int64_t b, int64_t window_ns)
{
	return a - b <= window_ns && b - a <= window_ns;
}

static bool steady(int64_t period_ns, int64_t usual_ns)
{
	return within(period_ns, usual_ns, usual_ns / 10);
}

/* How many facts of the service have one of @bits around this one. */
struct around {
	unsigned bits;	 /* its rule wants just these */
	unsigned moment; /* index in struct served.latest_ns */
	bool by_end;	 /* compare when they ended, else when they started */
	int64_t window_ns;
};

static int64_t when(const struct remembered *fact, const struct around *around)
{
	return around->by_end ? fact->fact.ended_ns : fact->fact.start_ns;
}

static bool is_around(const struct remembered *at, const struct remembered *fact,
		      const struct around *around)
{
	return (at->fact.what & around->bits) &&
	       within(when(at, around), when(fact, around), around->window_ns);
}

/* What take() counts among the connections of a find. */
enum around_count {
	KILLED_BY_RESET,
	KILLED_UNSPOKEN,
	CLOSED_EMPTY,
	QUEUE_DATA_WAITED
};

static void take(struct group *group, struct find *find, struct remembered *fact)
{
	gather_take(group, find, fact, fact->fact.idle_ns);
	find->counts[KILLED_BY_RESET] += (fact->fact.what & FACT_BY_RESET) != 0;
	find->counts[QUEUE_DATA_WAITED] +=
		(fact->fact.what & (FACT_DATA_WAITED | FACT_RETRIED | FACT_OVERFLOW)) ==
		FACT_DATA_WAITED;
	find->counts[CLOSED_EMPTY] += (fact->fact.what & FACT_EMPTY) != 0;
	find->counts[KILLED_UNSPOKEN] += (fact->fact.what & FACT_ABORTED_EARLY) != 0;
}

/* Whether @earlier facts can lie around this one: spares the look back at most of them. */
static bool may_be_around(struct group *group, const struct remembered *fact,
			  const struct around *around, unsigned earlier)
{
	struct served *service = gather_served_of(group, fact->service);
	int64_t now = when(fact, around);

	assert(earlier > 0 && earlier <= PLACE_LATEST);
	if (!service)
		return true;
	int64_t *latest = service->latest_ns[around->moment];
	int64_t last = latest[earlier - 1];
	bool may = last != 0 && now - (last - 1) <= around->window_ns;

	if (latest[0] == 0 || now >= latest[0] - 1) {
		latest[1] = latest[0];
		latest[0] = now + 1;
	} else if (latest[1] == 0 || now >= latest[1]) {
		latest[1] = now + 1;
	}
	return may;
}

/* Add the fact and those around it to a find of its service, once there are enough of them. */
static void add_around(struct group *group, struct remembered *fact, enum find_kind kind,
		       const struct around *around, unsigned least)
{
	struct find *find = gather_find(group, kind, fact->service);
	unsigned count = 0, looked = 0;
	bool may = may_be_around(group, fact, around, least - 1);

	if (find && within(find->period_ns, when(fact, around), around->window_ns)) {
		if (!around->by_end)
			find->period_ns = when(fact, around);
		take(group, find, fact);
		return;
	}
	if (!may || !gather_find_room(group))
		return;
	for (struct remembered *at = gather_newest(group, fact->service); at && looked < LOOK_BACK;
	     at = gather_older_service(group, at), looked++)
		count += is_around(at, fact, around);
	if (count < least)
		return;
	find = gather_find_new(group, kind, fact->service);
	if (!find)
		return;
	find->period_ns = when(fact, around); /* where this cluster lies in time */
	looked = 0;
	for (struct remembered *at = gather_newest(group, fact->service); at && looked < LOOK_BACK;
	     at = gather_older_service(group, at), looked++) {
		if (!is_around(at, fact, around) || (at->taken & 1u << kind))
			continue;
		take(group, find, at);
	}
}

static void queue_add(struct group *group, struct remembered *fact)
{
	static const struct around around = { .bits = FACT_RETRIED | FACT_OVERFLOW |
						      FACT_DATA_WAITED,
					      .moment = 0,
					      .window_ns = QUEUE_WINDOW_NS };

	add_around(group, fact, FIND_QUEUE_FULL, &around, QUEUE_RETRIED);
}

/* Whether something was going on from @first_ns to @last_ns near the time of a find; TIME_NONE: it
   never was. */
static bool was_then(const struct find *find, int64_t first_ns, int64_t last_ns)
{
	return first_ns != TIME_NONE && first_ns <= find->last_ns + QUEUE_WINDOW_NS &&
	       last_ns >= find->first_ns - QUEUE_WINDOW_NS;
}

/* Whether another port of the host saw repeated SYNs at that time: then it is the path. */
static bool other_ports_retry(const struct group *group, const struct find *find)
{
	for (uint32_t at = gather_service_first(group, find->place); at != PLACE_NONE;
	     at = gather_service_next(group, at)) {
		const struct served *service = gather_served(group, at);

		if (at != find->place &&
		    was_then(find, service->retried_first_ns, service->retried_last_ns))
			return true;
	}
	return false;
}

/* Whether data was lost at any port of the host at that time: then first data was, too. */
static bool loses_data(const struct group *group, const struct find *find)
{
	for (uint32_t at = gather_service_first(group, find->place); at != PLACE_NONE;
	     at = gather_service_next(group, at)) {
		const struct served *service = gather_served(group, at);

		if (was_then(find, service->lost_first_ns, service->lost_last_ns))
			return true;
	}
	return false;
}

static bool queue_full(struct group *group, struct find *find, struct verdict *out)
{
	const struct served *service = gather_served(group, find->place);
	uint64_t waited = find->counts[QUEUE_DATA_WAITED];
	uint64_t opened = gather_place(group, find->place)->opened;

	if (find->total < QUEUE_RETRIED || !opened ||
	    service->opened_first_ns > find->last_ns + QUEUE_SUCCEEDED_NS ||
	    service->opened_last_ns < find->first_ns - QUEUE_SUCCEEDED_NS ||
	    other_ports_retry(group, find))
		return false;
	bool alone = find->total - waited >= QUEUE_RETRIED; /* the SYNs tell enough */

	if (!alone && (opened <= waited || loses_data(group, find)))
		return false;
	out->by = ACTOR_SERVER;
	if (!alone)
		verdict_lower(out);
	verdict_value(out, "retried", VALUE_COUNT, (int64_t)find->total);
	verdict_value(out, "data_waited", VALUE_COUNT, (int64_t)waited);
	verdict_value(out, "succeeded", VALUE_COUNT, (int64_t)(opened - waited));
	verdict_value(out, "span_ns", VALUE_NS, find->last_ns - find->first_ns);
	return true;
}

/* The last connection without payload of the same client to the same service before this one. */
static struct remembered *check_before(struct group *group, const struct remembered *fact)
{
	struct remembered *at = gather_older_service(group, fact);

	for (unsigned looked = 0; at && looked < LOOK_BACK; looked++) {
		if ((at->fact.what & FACT_EMPTY) && at->source == fact->source)
			return at;
		at = gather_older_service(group, at);
	}
	return NULL;
}

static struct find *check_find(struct group *group, const struct remembered *fact)
{
	struct find *find = gather_find(group, FIND_HEALTH_CHECK, fact->service);

	return find && ip_address_equal(&find->client, &fact->fact.client) ? find : NULL;
}

static void check_add(struct group *group, struct remembered *fact)
{
	struct remembered *second = check_before(group, fact);
	struct remembered *first = second ? check_before(group, second) : NULL;
	struct find *find;

	if (!first)
		return;

	int64_t period = fact->fact.start_ns - second->fact.start_ns;
	int64_t period_before = second->fact.start_ns - first->fact.start_ns;

	if (period < CHECK_PERIOD_LEAST_NS || !steady(period, period_before))
		return;
	find = check_find(group, fact);
	if (!find) {
		find = gather_find_new(group, FIND_HEALTH_CHECK, fact->service);
		if (!find)
			return;
		find->client = fact->fact.client;
		find->period_ns = period_before;
	}
	if (!steady(period, find->period_ns))
		return;
	gather_take(group, find, first, 0);
	gather_take(group, find, second, period_before);
	gather_take(group, find, fact, period);
}

static bool health_check(struct group *group, struct find *find, struct verdict *out)
{
	(void)group;
	if (find->total < CHECKS_LEAST)
		return false;
	out->by = ACTOR_CLIENT;
	verdict_address(out, "checker", &find->client);
	verdict_value(out, "checks", VALUE_COUNT, (int64_t)find->total);
	verdict_value(out, "period_ns", VALUE_NS, find->period_ns);
	return true;
}

static void closed_add(struct group *group, struct remembered *fact)
{
	static const struct around around = { .bits = FACT_ABORTED_EARLY,
					      .moment = 1,
					      .by_end = true,
					      .window_ns = CLOSED_WINDOW_NS };

	add_around(group, fact, FIND_LISTENER_CLOSED, &around, CLOSED_LEAST);
}

static bool listener_closed(struct group *group, struct find *find, struct verdict *out)
{
	(void)group;
	if (find->total < CLOSED_LEAST)
		return false;
	out->by = ACTOR_SERVER;
	verdict_value(out, "connections", VALUE_COUNT, (int64_t)find->total);
	verdict_value(out, "without_data", VALUE_COUNT, (int64_t)find->counts[CLOSED_EMPTY]);
	verdict_value(out, "at_ns", VALUE_TIME, find->period_ns);
	if (find->counts[CLOSED_EMPTY]) {
		verdict_text(out, "cause",
			     "its listener was closed with connections waiting to be accepted");
		verdict_exclude(out, "group.process-killed",
				"one that nothing was sent on was reset too: once accepted, the "
				"end of its process closes it with a FIN",
				0);
	} else {
		verdict_text(out, "cause",
			     "its listener was closed with connections waiting to be accepted, or "
			     "its process ended without having read from them");
		verdict_lower(out);
	}
	return true;
}

static void killed_add(struct group *group, struct remembered *fact)
{
	static const struct around around = { .bits = FACT_SERVER_ENDED,
					      .moment = 2,
					      .by_end = true,
					      .window_ns = KILLED_WINDOW_NS };

	if (fact->fact.what & FACT_SERVER_ENDED)
		add_around(group, fact, FIND_KILLED, &around, KILLED_LEAST);
}

/* Whether all were closed after the same silence: then a timer did it. */
static bool same_silence(const struct find *find)
{
	int64_t least = INT64_MAX, most = 0;

	for (size_t i = 0; i < find->conn_count; i++) {
		if (find->measures_ns[i] < least)
			least = find->measures_ns[i];
		if (find->measures_ns[i] > most)
			most = find->measures_ns[i];
	}
	return least >= IDLE_LIMIT_LEAST_NS && most - least <= least * 3 / 100;
}

static bool process_killed(struct group *group, struct find *find, struct verdict *out)
{
	const struct served *service = gather_served(group, find->place);

	if (find->total < KILLED_LEAST ||
	    find->counts[KILLED_UNSPOKEN] == find->total || /* its listener was closed */
	    (!find->counts[KILLED_BY_RESET] && same_silence(find)))
		return false;
	/* None left alive: one that was there before and still got something from the server. */
	if (service->spoke_last_ns != TIME_NONE && service->spoke_last_start_ns < find->period_ns &&
	    service->spoke_last_ns > find->period_ns + KILLED_WINDOW_NS)
		return false;
	out->by = ACTOR_SERVER;
	verdict_value(out, "connections", VALUE_COUNT, (int64_t)find->total);
	verdict_value(out, "by_reset", VALUE_COUNT, (int64_t)find->counts[KILLED_BY_RESET]);
	verdict_value(out, "at_ns", VALUE_TIME, find->period_ns);
	return true;
}

static const struct group_rule queue_rule = {
	.kind = FIND_QUEUE_FULL,
	.wants = FACT_RETRIED | FACT_OVERFLOW | FACT_DATA_WAITED,
	.add = queue_add,
	.holds = queue_full,
};
static const struct group_rule check_rule = {
	.kind = FIND_HEALTH_CHECK,
	.wants = FACT_EMPTY,
	.add = check_add,
	.holds = health_check,
};
static const struct group_rule closed_rule = {
	.kind = FIND_LISTENER_CLOSED,
	.wants = FACT_ABORTED_EARLY,
	.add = closed_add,
	.holds = listener_closed,
};
static const struct group_rule killed_rule = {
	.kind = FIND_KILLED,
	.wants = FACT_SERVER_ENDED,
	.add = killed_add,
	.holds = process_killed,
};

static const struct entry entries[] = {
	{
		.id = "group.accept-queue-full",
		.phase = PHASE_GROUP,
		.look = true,
		.decidable = DECIDABLE_GROUP,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 1,
		.title = "Accept queue full",
		.headline = "{server} kept {retried} connections waiting while {succeeded} others "
			    "got through at once: its accept queue is full",
		.grouped = "connections that {server} let wait while others got through: its "
			   "accept queue is full",
		.meaning = "Several clients had to repeat their SYN (or their handshake was "
			   "ignored) at one port, while others to the same port got through and no "
			   "other port of the host had such trouble. The packets were not lost on "
			   "the path; the server's kernel dropped them because its program does "
			   "not accept new connections fast enough.",
		.evidence =
			"At least three openings of one address and port within ten seconds "
			"with repeated SYNs or an ignored last ACK, others to it completed, "
			"and no repeated SYN at the host's other ports at that time. Handshakes "
			"that looked complete count when nothing but the client's first data "
			"was repeated, without an answer: a listener that used SYN cookies "
			"drops the last ACK and then repeats no SYN-ACK. Where it rests on "
			"these it is possible at best, and not given when other data was "
			"repeated at that host.",
		.lookalikes = "Loss on the path hits all ports of the host alike. A host that is "
			      "down lets none through. group.synflood: the openings are never "
			      "completed and the SYNs not repeated. A rate limit per port in a "
			      "firewall looks just the same.",
		.kernel = "Linux drops the SYN when the accept queue is over its limit, "
			  "min(backlog, net.core.somaxconn): TcpExtListenOverflows and "
			  "TcpExtListenDrops rise together; ss -ltn shows Recv-Q above Send-Q.",
		.advice = "On {host}: ss -ltn 'sport = :{server_port}' and nstat -az "
			  "TcpExtListenOverflows while it happens. Make the program accept in a "
			  "loop or in more threads, and raise both listen()'s backlog and "
			  "net.core.somaxconn.",
		.source = "Linux tcp_conn_request(), sk_acceptq_is_full(); listen(2)",
		.group = &queue_rule,
	},
	{
		.id = "group.health-check",
		.phase = PHASE_GROUP,
		.look = false,
		.decidable = DECIDABLE_GROUP,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 1,
		.title = "Health check",
		.headline = "{checker} opens and closes a connection to {server} without data "
			    "every {period_ns} ({checks} times): a health check",
		.grouped = "connections of a health check at {server}, one every {period_ns}",
		.meaning = "A load balancer, orchestrator or monitoring system looks whether the "
			   "port still accepts connections, at a steady pace, and sends nothing. "
			   "Nothing is wrong with these connections; they are only in the way when "
			   "one looks for others.",
		.evidence = "At least three openings of one client at one address and port, "
			    "without payload in either direction, the times between them equal "
			    "within ten percent.",
		.lookalikes = "group.scan.connect: many targets instead of one. A client that "
			      "crashes right after connecting and is restarted by its supervisor "
			      "may be as regular; it usually backs off.",
		.kernel = "The program gets a connection from accept() whose first read() returns "
			  "0, or ECONNRESET when the checker resets instead of closing.",
		.advice = "Nothing. Leave the checker {checker} out of statistics; if the program "
			  "logs each check as an error, let it treat an immediate end of file "
			  "quietly.",
		.source = "RFC 9293, section 3.5; thresholds: own, as given",
		.group = &check_rule,
	},
	{
		.id = "group.listener-closed",
		.phase = PHASE_GROUP,
		.look = true,
		.decidable = DECIDABLE_GROUP,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 1,
		.title = "Listener closed with connections queued",
		.headline =
			"{server} reset {connections} connections together before sending a byte "
			"on any: {cause}",
		.grouped = "connections that {server} reset together before sending a byte on any: "
			   "{cause}",
		.meaning =
			"The clients were connected as far as they could tell, but the server's "
			"program had not accepted them yet when it closed its listening socket (it "
			"stopped, restarted or crashed). The kernel then resets everything that "
			"still waits in the accept queue, and what the clients had sent is lost. "
			"Where every client had sent something, connections that were accepted and "
			"not yet read from look just the same when the process ends.",
		.evidence = "At least two connections of one address and port get S>C R. with seq "
			    "1 within 10 ms of each other; the server had sent nothing but the "
			    "SYN-ACK and ACKs on them. Likely when the client of at least one had "
			    "sent nothing either, for what was accepted gets a FIN then; possible "
			    "when all had.",
		.lookalikes = "end.rst.unread-data and end.rst.abort explain one such connection "
			      "by itself: a program that closes without reading. "
			      "group.process-killed: the server had spoken on the connections, or "
			      "had accepted them and not read what they sent: that cannot be told "
			      "from a closed listener when every client had sent something.",
		.kernel = "Linux: inet_csk_listen_stop() resets each child that was not accepted; "
			  "reset reason TCP_STATE. The clients see ECONNRESET although connect() "
			  "had succeeded.",
		.advice = "Before stopping the server on {host}, take it out of the load balancer "
			  "and let it accept what is queued; or hand the listening socket over "
			  "(socket activation, SO_REUSEPORT with net.ipv4.tcp_migrate_req=1).",
		.source = "Linux inet_csk_listen_stop(); RFC 9293, section 3.10.4 (ABORT on queued "
			  "connections)",
		.group = &closed_rule,
	},
	{
		.id = "group.process-killed",
		.phase = PHASE_GROUP,
		.look = true,
		.decidable = DECIDABLE_GROUP,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 1,
		.title = "Server process ended",
		.headline = "all {connections} connections of {server} ended within one instant "
			    "({by_reset} by reset): its process ended",
		.grouped =
			"connections of {server} that ended within one instant: its process ended",
		.meaning = "When a process exits, crashes or is killed, the kernel closes all its "
			   "sockets at once: those whose received data had been read get an "
			   "ordinary FIN, those with unread data a reset. Seen together this is "
			   "one event, a program that ended, not many clients' trouble. On the "
			   "wire a crash looks as clean as an exit.",
		.evidence = "At least three connections of one server are ended by it within 50 "
			    "ms, by F. after a silence or by R. at its own next number, and none "
			    "that was open before lives on.",
		.lookalikes = "A server that closes idle connections by a timer: all had been "
			      "silent for the same time (group.idle-limit.reset where it resets). "
			      "A graceful restart lets running requests finish first. "
			      "group.listener-closed: the server never sent a byte on them.",
		.kernel = "exit and SIGKILL alike run close() on each socket (FIN, or "
			  "TCP_ABORT_ON_CLOSE with unread data); Windows resets all of them. New "
			  "SYNs are refused until the process is back.",
		.advice = "Look for the end of the process on {host}: journalctl, dmesg (OOM "
			  "killer), the supervisor's log at that second; a planned deploy should "
			  "drain first.",
		.source = "Linux __tcp_close(); RFC 2525, section 2.17; exit(3)",
		.group = &killed_rule,
	},
	{
		.id = "group.failover",
		.phase = PHASE_GROUP,
		.look = true,
		.decidable = DECIDABLE_GROUP,
		.wire_max = CONFIDENCE_LIKELY,
		.lab = LAB_YES,
		.first = 2,
		.title = "The address moved to another machine",
		.headline = "{host} is another machine since then: it resets the connections that "
			    "it does not know",
		.grouped = "connections reset because {host} is another machine now",
		.meaning = "An address was taken over by another machine (a cluster's failover, a "
			   "replaced container, a moved virtual machine). The new owner knows "
			   "nothing of the old connections and answers each of them with a reset.",
		.evidence = "Bare resets on several connections of one host, and from that moment "
			    "on another TTL, MAC address or timestamp clock in all its packets.",
		.lookalikes = "A reboot of the same machine restarts the timestamp clock as well, "
			      "but keeps TTL and MAC, and takes longer. end.rst.injected: the "
			      "host's own packets go on besides.",
		.kernel = "The new machine has no socket for these segments (reset reason "
			  "NO_SOCKET).",
		.advice = "Look at the cluster's log for the moment. Clients must reconnect; state "
			  "that should survive needs to be replicated.",
		.source = "RFC 9293, section 3.5.2, group 1; RFC 5227, section 2.4",
	},
};

const struct theme group_server_theme = {
	.name = "group_server",
	.entries = entries,
	.count = sizeof(entries) / sizeof(entries[0]),
};
