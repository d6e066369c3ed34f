/* SPDX-License-Identifier: BSD-2-Clause */
#include "judge/catalogue.h"
#include "judge/fact.h"
#include "judge/system.h"

/* Shorter silences than this are no idle time (docs/precedence.md, section 6). */
#define IDLE_LEAST_NS (10 * NSEC_PER_SEC)

/* A close within this of the last segment belongs to an exchange, not to a process that ends. */
#define OUT_OF_SILENCE_NS (200 * NSEC_PER_MSEC)

/* A client that leaves sooner than this wanted nothing but to see the port open. */
#define DROPPED_WITHIN_NS (1 * NSEC_PER_SEC)

/* The first repeat of a SYN is due after a second; a little less is its timer's tick. */
#define SYN_REPEAT_NS (900 * NSEC_PER_MSEC)

static unsigned opening_bits(const struct conn *conn)
{
	bool retried =
		conn_client(conn)->syn > 1 &&
		(!conn->synack.frame || conn->synack.time_ns - conn->syn.time_ns >= SYN_REPEAT_NS);
	unsigned bits = retried ? FACT_RETRIED : 0;

	switch (conn->opening) {
	case OPENING_MID_CAPTURE:
		return 0;
	case OPENING_SYN_ONLY:
		return bits | FACT_UNANSWERED;
	case OPENING_REFUSED:
		return FACT_REFUSED; /* an answer, though repeated SYNs may have preceded it */
	case OPENING_HALF:
		if (conn->handshake_ack.frame)
			return FACT_OVERFLOW;
		return bits | (conn_client(conn)->rst ? FACT_HALF_RESET : FACT_HALF_OPEN);
	case OPENING_SUCCEEDED:
		return retried ? FACT_RETRIED : FACT_OPENED;
	}
	return 0;
}

/*
 * A listener with a full accept queue that used a SYN cookie has forgotten the handshake: it drops
 * the last ACK and repeats nothing, and the client's first data knocks until there is room.
 */
static unsigned repeated_bits(const struct conn *conn)
{
	const struct half *client = conn_client(conn), *server = conn_server(conn);
	const struct resend_run *run = client->worst_resend;

	if (!client->resent_segments && !server->resent_segments)
		return 0;
	if (conn->handshake_ack.frame && !server->resent_segments && run->seq == 1 &&
	    run->payload_bytes && client->resent_segments == run->repeats &&
	    run->original_frame == client->first_data.frame &&
	    (!server->first_data.frame || server->first_data.frame > run->last_frame))
		return FACT_DATA_WAITED;
	return client->data_packets || server->data_packets ? FACT_LOST : 0;
}

static const struct reset *ending(const struct conn *conn)
{
	return conn->ending_reset >= 0 ? &conn->resets[conn->ending_reset] : NULL;
}

static unsigned empty_bits(const struct conn *conn)
{
	const struct half *client = conn_client(conn);
	const struct half *server = conn_server(conn);
	const struct reset *reset = ending(conn);

	if (conn->opening != OPENING_SUCCEEDED || client->payload_bytes || server->payload_bytes ||
	    !(client->has_fin || server->has_fin || reset))
		return 0;

	bool by_client = reset ? reset->at.from == END_CLIENT || client->has_fin
			       : conn->closed_first == END_CLIENT;

	if (by_client && conn->last_ns - conn->first_ns <= DROPPED_WITHIN_NS)
		return FACT_EMPTY | FACT_DROPPED;
	return FACT_EMPTY;
}

/* Whether the server's side ended it by itself, and when. */
static unsigned server_end_bits(const struct conn *conn, struct fact *out)
{
	const struct half *server = conn_server(conn);
	const struct reset *reset = ending(conn);
	unsigned bits = 0;

	if (conn->opening != OPENING_SUCCEEDED && conn->opening != OPENING_MID_CAPTURE)
		return 0;
	if (reset && reset->at.from == END_SERVER && reset->with_ack && !server->has_fin) {
		out->ended_ns = reset->at.time_ns;
		if (!server->payload_bytes && conn->opening == OPENING_SUCCEEDED)
			bits |= FACT_ABORTED_EARLY;
		return bits | FACT_SERVER_ENDED | FACT_BY_RESET;
	}
	if (server->has_fin && conn->closed_first == END_SERVER &&
	    !server->closing->acks_peer_fin && server->closing->silence_ns >= OUT_OF_SILENCE_NS) {
		out->ended_ns = server->closing->first.time_ns;
		out->idle_ns = server->closing->silence_ns;
		bits |= FACT_SERVER_ENDED;
	}
	return bits;
}

static int64_t silence_before_death(const struct conn *conn)
{
	for (unsigned end = 0; end < ENDS; end++) {
		const struct half *half = &conn->half[end];

		if (half->resend->repeats && !half->resend->answered)
			return half->resend->silence_before_ns;
		if (half->keepalive->unanswered)
			return half->keepalive->idle_ns;
	}
	return 0;
}

/* Resets and deaths that followed a silence. */
static unsigned idle_bits(const struct conn *conn, const struct judgement *judgement,
			  struct fact *out)
{
	const struct reset *reset = ending(conn);

	if (!judgement->has_end || !judgement->end.entry->look)
		return 0;
	if (catalogue_id_below(judgement->end.entry->id, "end.dead")) {
		int64_t idle = silence_before_death(conn);

		if (idle < IDLE_LEAST_NS)
			return 0;
		out->idle_ns = idle;
		return FACT_DIED_SILENT;
	}
	if (!reset)
		return 0;

	/* A request that waits for its answer is no idle time: somebody lost patience. */
	const struct moment *asked = &conn_client(conn)->last_data;
	const struct moment *said = &conn_server(conn)->last_data;

	if (!reset->has_trigger && !conn->half[reset->at.from].has_fin && asked->frame &&
	    (!said->frame || asked->time_ns > said->time_ns))
		return 0;

	/* Who resets after a FIN of his own had decided when that left. */
	const struct half *resetter = &conn->half[reset->at.from];
	int64_t idle = resetter->has_fin ? resetter->closing->silence_ns : reset->silence_ns;

	if (idle < IDLE_LEAST_NS)
		return 0;
	out->idle_ns = idle;
	return FACT_RESET_IDLE | (reset->at.from == END_SERVER ? FACT_RESET_BY_SERVER : 0);
}

/* What an outline cannot have. */
static unsigned whole_bits(const struct conn *conn)
{
	unsigned bits = conn_client(conn)->syn > 1 ? FACT_SYN_AGAIN : 0;

	return bits | repeated_bits(conn) | opening_bits(conn) | empty_bits(conn);
}

void fact_of(const struct conn *conn, const struct judgement *judgement, struct fact *out)
{
	out->conn = conn->conn;
	out->start_ns = conn->first_ns;
	out->ended_ns = conn->last_ns;
	out->idle_ns = 0;
	out->survived_ns = conn->longest_idle_ns;
	out->server_last_ns =
		conn_server(conn)->last.frame ? conn_server(conn)->last.time_ns : TIME_NONE;
	out->server_data_ns = conn_server(conn)->last_data.frame
				      ? conn_server(conn)->last_data.time_ns
				      : TIME_NONE;
	out->client = conn_client(conn)->ip;
	out->server = conn_server(conn)->ip;
	out->port = conn_server(conn)->port;
	out->what = conn->outline ? FACT_OPENED : whole_bits(conn);
	out->what |= server_end_bits(conn, out) | idle_bits(conn, judgement, out);
	if (judgement->has_open && judgement->open.entry->look &&
	    catalogue_id_below(judgement->open.entry->id, "open.half.abort-on-overflow"))
		out->what |= FACT_OVERFLOW;
	for (unsigned i = 0; i < judgement->life_count; i++) {
		if (catalogue_id_below(judgement->life[i].entry->id, "life.open.final-ack-ignored"))
			out->what |= FACT_OVERFLOW;
	}
	if ((out->what & FACT_REMEMBERED) && system_syn_known(conn_client(conn)))
		out->what |= FACT_SYSTEM_SYN;
}
