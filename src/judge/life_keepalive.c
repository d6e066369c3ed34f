/* SPDX-License-Identifier: BSD-2-Clause */
/* Keep-alive that is answered. That which is not: end_rst_abort.c. */
#include "judge/context.h"
#include "judge/keepalive.h"
#include "judge/themes.h"

static bool keepalive_applies(const struct context *context)
{
	const struct half *half = context->conn->half;

	return (half[END_CLIENT].keepalive->answered | half[END_SERVER].keepalive->answered) != 0;
}

static bool keepalive_ok(const struct context *context, struct verdict *out)
{
	const struct conn *conn = context->conn;
	const struct probe_run *client = conn_client(conn)->keepalive;
	const struct probe_run *server = conn_server(conn)->keepalive;
	const struct probe_run *run = client->answered >= server->answered ? client : server;

	if (client->answered && server->answered)
		out->by = ACTOR_BOTH;
	else
		out->by = actor_of(run == client ? END_CLIENT : END_SERVER);
	verdict_cite(out, run->first_frame_ever);
	verdict_decided_by(out, run->first_answer_frame);
	verdict_cite(out, run->last_frame);
	int64_t idle = run->typical_idle_ns != TIME_NONE ? run->typical_idle_ns : run->idle_ns;

	verdict_value(out, "idle_ns", VALUE_NS, idle != TIME_NONE ? idle : 0);
	if (run->typical_gap_ns != TIME_NONE)
		verdict_value(out, "interval_ns", VALUE_NS, run->typical_gap_ns);
	verdict_value(out, "probes", VALUE_COUNT, (int64_t)(client->total + server->total));
	verdict_value(out, "answered", VALUE_COUNT, (int64_t)(client->answered + server->answered));
	if (run->payload_bytes)
		verdict_text(out, "probe_form", "1 byte of old data, as Windows sends it");

	const char *habit = keepalive_habit(run->typical_idle_ns, TIME_NONE, 0);

	verdict_text(out, "schedule", habit ? habit : "set by the program");
	verdict_exclude(out, "life.zero-window", "the window was open: nothing was waiting",
			run->first_frame_ever);
	return true;
}

static const struct entry entries[] = {
	{
		.id = "life.keepalive.ok",
		.phase = PHASE_LIFE,
		.look = false,
		.decidable = DECIDABLE_WIRE,
		.wire_max = CONFIDENCE_PROVED,
		.lab = LAB_YES,
		.first = 1,
		.title = "Keep-alive, answered",
		.headline =
			"{by_role} probed the silent connection, the first time after {idle_ns}: "
			"{answered} of {probes} keep-alive probes answered",
		.grouped = "kept alive by probes that were answered",
		.meaning =
			"The connection was idle, and one side's system asked now and then whether "
			"the other is still there. It answered: host, path and every state table "
			"between them still know the connection. It says nothing of the program on "
			"the other side: its system answers even if the program hangs.",
		.evidence = "An empty segment (Windows: one byte of old data) with the number just "
			    "before the next one, which forces an ACK; the ACK comes at once, "
			    "within a round trip. Between answered probes lies the idle time.",
		.lookalikes =
			"Probes of a shut window look the same but the receiver's window is 0 and "
			"data waits. A heartbeat of the program is real data with new numbers.",
		.kernel = "Off unless the program sets SO_KEEPALIVE. Linux: TCP_KEEPIDLE "
			  "(tcp_keepalive_time, 7200 s), TCP_KEEPINTVL (75 s), TCP_KEEPCNT (9); "
			  "counter TCPKeepAlive; ss -to shows timer:(keepalive,...). An answer "
			  "starts the idle time again; the interval is seen only when one stays "
			  "unanswered.",
		.advice = "Nothing to do. To keep a NAT or firewall entry alive the idle time must "
			  "be shorter than its limit (often 300 s or less); the default of two "
			  "hours is not.",
		.source = "RFC 1122, section 4.2.3.6; RFC 9293, section 3.8.4; Linux tcp(7)",
		.holds = keepalive_ok,
	},
	{
		.id = "life.keepalive.missing",
		.phase = PHASE_LIFE,
		.look = true,
		.decidable = DECIDABLE_GROUP,
		.wire_max = CONFIDENCE_POSSIBLE,
		.lab = LAB_YES,
		.first = 2,
		.title = "Idle for too long without keep-alive",
		.headline =
			"idle without keep-alive for longer than something on the path remembers",
		.grouped = "idle for too long without keep-alive",
		.meaning = "A device on the path forgets connections that are silent for some "
			   "time. This one was silent for longer and sent no keep-alive, so it is "
			   "dead without knowing it.",
		.evidence = "An idle time beyond the limit that other connections of the capture "
			    "show (group.idle-limit.silent), and no probe in it.",
		.lookalikes = "Without other connections to compare with, the peer may just as "
			      "well be gone.",
		.kernel = "SO_KEEPALIVE is off by default, and 7200 s by default when it is on.",
		.advice = "setsockopt(SO_KEEPALIVE) with TCP_KEEPIDLE below the limit.",
		.source = "RFC 5382, section 5 (idle limit of NATs); RFC 1122, section 4.2.3.6",
		.holds = NULL,
	},
};

const struct theme life_keepalive_theme = {
	.name = "life_keepalive",
	.entries = entries,
	.count = sizeof(entries) / sizeof(entries[0]),
	.applies = keepalive_applies,
};
