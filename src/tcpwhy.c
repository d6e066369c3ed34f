/* SPDX-License-Identifier: BSD-2-Clause */
/* libtcpwhy: the stages put together behind include/tcpwhy.h. */
#include "tcpwhy.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "decode/decode.h"
#include "judge/judge.h"
#include "report/sentence.h"
#include "track/track.h"

/* A verdict with what its sentence speaks of. */
struct tcpwhy_verdict {
	struct sentence about; /* borrowed, as long as the verdict */
};

static_assert(SENTENCE_BYTES == TCPWHY_SENTENCE_BYTES, "a sentence fits the caller's room");

#define VERDICTS_MOST (JUDGEMENT_LIFE_MOST + 2)

struct tcpwhy_connection {
	const struct conn *conn; /* borrowed during the call */
	struct judgement judgement;
	struct tcpwhy_verdict verdicts[VERDICTS_MOST];
	struct tcpwhy_verdict headline;
	size_t verdict_count;
};

struct tcpwhy_group {
	const struct group_verdict *group; /* borrowed during the call */
	struct tcpwhy_verdict verdict;
};

struct tcpwhy {
	struct tcpwhy_options options;
	struct decoder *decoder;	      /* owned */
	struct tracker *tracker;	      /* owned */
	struct judge *judge;		      /* owned */
	struct segment_batch *batch;	      /* owned */
	struct tcpwhy_connection *connection; /* owned: the one that is being handed over */
	bool finished;
};

const char *tcpwhy_version(void)
{
	return TCPWHY_VERSION;
}

static void add_verdict(struct tcpwhy_connection *connection, const struct verdict *verdict)
{
	connection->verdicts[connection->verdict_count++].about = (struct sentence){
		.conn = connection->conn,
		.verdict = verdict,
	};
}

static void take_conn(void *context, const struct conn *conn)
{
	struct tcpwhy *why = context;
	struct tcpwhy_connection *connection = why->connection;
	const struct judgement *judgement = &connection->judgement;

	judge_conn(why->judge, conn, &connection->judgement);
	connection->conn = conn;
	connection->verdict_count = 0;
	if (judgement->has_open)
		add_verdict(connection, &judgement->open);
	for (unsigned i = 0; i < judgement->life_count; i++)
		add_verdict(connection, &judgement->life[i]);
	if (judgement->has_end)
		add_verdict(connection, &judgement->end);
	connection->headline.about = (struct sentence){
		.conn = conn,
		.verdict = judgement_headline(judgement),
	};
	if (why->options.connection)
		why->options.connection(why->options.context, connection);
}

static void take_host(void *context, const struct host_sighting *host)
{
	struct tcpwhy *why = context;

	judge_host(why->judge, host);
}

static void take_group(void *context, const struct group_verdict *group)
{
	struct tcpwhy *why = context;
	struct tcpwhy_group own = {
		.group = group,
		.verdict.about = { .verdict = &group->verdict, .group = group },
	};

	if (why->options.group)
		why->options.group(why->options.context, &own);
}

struct tcpwhy *tcpwhy_new(const struct tcpwhy_options *options)
{
	/* The first published form; a later, larger one must stay readable by its size. */
	struct tcpwhy *why = options->size >= sizeof(*options) ? calloc(1, sizeof(*why)) : NULL;

	if (!why)
		return NULL;
	why->options = *options;

	const struct track_limits limits = { .connections = options->connections };
	const struct track_sink sink = { .context = why, .conn = take_conn, .host = take_host };

	why->decoder = decoder_new(options->fragment_bytes);
	why->tracker = tracker_new(&limits, &sink);
	why->judge = judge_new();
	why->batch = malloc(sizeof(*why->batch));
	why->connection = calloc(1, sizeof(*why->connection));
	if (why->decoder && why->tracker && why->judge && why->batch && why->connection)
		return why;
	tcpwhy_free(why);
	return NULL;
}

static struct frame frame_of(const struct tcpwhy_frame *given)
{
	struct frame frame = {
		.number = given->number,
		.time_ns = given->time_ns,
		.bytes = given->bytes,
		.captured_bytes = given->captured_bytes,
		.wire_bytes = given->wire_bytes < given->captured_bytes ? given->captured_bytes
									: given->wire_bytes,
		.link_type = given->link_type,
	};

	return frame;
}

void tcpwhy_add(struct tcpwhy *why, const struct tcpwhy_frame *frames, size_t count)
{
	if (why->finished)
		return;
	decode_batch_begin(why->decoder, why->batch);
	for (size_t i = 0; i < count; i++) {
		const struct frame frame = frame_of(&frames[i]);

		if (!decode_batch_has_room(why->batch)) {
			tracker_add(why->tracker, why->batch);
			decode_batch_begin(why->decoder, why->batch);
		}
		decode_frame(why->decoder, &frame, why->batch);
	}
	tracker_add(why->tracker, why->batch);
	decode_batch_begin(why->decoder, why->batch); /* keep nothing that the caller owns */
}

void tcpwhy_finish(struct tcpwhy *why)
{
	if (why->finished)
		return;
	why->finished = true;
	tracker_finish(why->tracker);
	judge_groups(why->judge, tracker_stats(why->tracker)->last_ns, take_group, why);
}

void tcpwhy_free(struct tcpwhy *why)
{
	if (!why)
		return;
	tracker_free(why->tracker);
	decoder_free(why->decoder);
	judge_free(why->judge);
	free(why->batch);
	free(why->connection);
	free(why);
}

/* Hand over as much of a struct as the caller knows: its first member says how much. */
static void give(void *to, const void *from, size_t from_bytes)
{
	size_t known;

	memcpy(&known, to, sizeof(known));
	if (known > from_bytes)
		known = from_bytes;
	if (known > sizeof(known))
		memcpy((char *)to + sizeof(known), (const char *)from + sizeof(known),
		       known - sizeof(known));
}

void tcpwhy_read_stats(const struct tcpwhy *why, struct tcpwhy_stats *stats)
{
	static const enum decode_reason lost[] = {
		DECODE_LINK_UNKNOWN,	 DECODE_ENCAPSULATION_UNKNOWN,
		DECODE_ENCRYPTED,	 DECODE_LINK_CUT,
		DECODE_IP_CUT,		 DECODE_TCP_CUT,
		DECODE_IP_BAD,		 DECODE_TCP_BAD,
		DECODE_FRAGMENT_DROPPED, DECODE_TOO_DEEP,
		DECODE_TOO_MANY,	 DECODE_EMPTY,
	};
	const struct decode_stats *decode = decoder_stats(why->decoder);
	const struct track_stats *track = tracker_stats(why->tracker);
	struct tcpwhy_stats own = {
		.frames = decode->frames,
		.segments = track->segments,
		.connections = track->connections,
		.late_segments = track->late_segments,
		.copies = track->copies,
		.evicted = track->evicted,
	};

	for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++)
		own.not_decoded += decode->reasons[lost[i]];
	give(stats, &own, sizeof(own));
}

uint64_t tcpwhy_connection_number(const struct tcpwhy_connection *connection)
{
	return connection->conn->conn;
}

int64_t tcpwhy_connection_first_ns(const struct tcpwhy_connection *connection)
{
	return connection->conn->first_ns;
}

int64_t tcpwhy_connection_last_ns(const struct tcpwhy_connection *connection)
{
	return connection->conn->last_ns;
}

void tcpwhy_connection_side(const struct tcpwhy_connection *connection, enum tcpwhy_end end,
			    struct tcpwhy_side *side)
{
	const struct half *half =
		&connection->conn->half[end == TCPWHY_SERVER ? END_SERVER : END_CLIENT];
	struct tcpwhy_side own = {
		.port = half->port,
		.packets = half->packets,
		.payload_bytes = half->payload_bytes,
		.resent_segments = half->resent_segments,
		.state = tcp_state_name(half->state),
	};

	memcpy(own.address, half->ip.bytes, sizeof(own.address));
	give(side, &own, sizeof(own));
}

size_t tcpwhy_connection_verdicts(const struct tcpwhy_connection *connection)
{
	return connection->verdict_count;
}

const struct tcpwhy_verdict *tcpwhy_connection_verdict(const struct tcpwhy_connection *connection,
						       size_t index)
{
	return index < connection->verdict_count ? &connection->verdicts[index] : NULL;
}

const struct tcpwhy_verdict *tcpwhy_connection_headline(const struct tcpwhy_connection *connection)
{
	return connection->headline.about.verdict ? &connection->headline : NULL;
}

const struct tcpwhy_verdict *tcpwhy_group_verdict(const struct tcpwhy_group *group)
{
	return &group->verdict;
}

const uint64_t *tcpwhy_group_connections(const struct tcpwhy_group *group, size_t *listed,
					 uint64_t *total)
{
	*listed = group->group->conn_count;
	*total = group->group->conn_total;
	return group->group->conns;
}

const char *tcpwhy_verdict_id(const struct tcpwhy_verdict *verdict)
{
	return verdict->about.verdict->entry->id;
}

enum tcpwhy_confidence tcpwhy_verdict_confidence(const struct tcpwhy_verdict *verdict)
{
	static const enum tcpwhy_confidence outside[] = {
		[CONFIDENCE_NONE] = TCPWHY_POSSIBLE,
		[CONFIDENCE_POSSIBLE] = TCPWHY_POSSIBLE,
		[CONFIDENCE_LIKELY] = TCPWHY_LIKELY,
		[CONFIDENCE_PROVED] = TCPWHY_PROVED,
	};

	return outside[verdict->about.verdict->confidence];
}

enum tcpwhy_actor tcpwhy_verdict_by(const struct tcpwhy_verdict *verdict)
{
	static const enum tcpwhy_actor outside[] = {
		[ACTOR_NONE] = TCPWHY_BY_NOBODY,   [ACTOR_CLIENT] = TCPWHY_BY_CLIENT,
		[ACTOR_SERVER] = TCPWHY_BY_SERVER, [ACTOR_BOTH] = TCPWHY_BY_BOTH,
		[ACTOR_MIDDLE] = TCPWHY_BY_MIDDLE,
	};

	return outside[verdict->about.verdict->by];
}

bool tcpwhy_verdict_needs_look(const struct tcpwhy_verdict *verdict)
{
	return verdict->about.verdict->entry->look;
}

size_t tcpwhy_verdict_frames(const struct tcpwhy_verdict *verdict, const uint64_t **frames)
{
	*frames = verdict->about.verdict->frames;
	return verdict->about.verdict->frame_count;
}

void tcpwhy_verdict_sentence(const struct tcpwhy_verdict *verdict, char *text)
{
	sentence_format(text, verdict->about.verdict->entry->headline, &verdict->about);
}

void tcpwhy_verdict_advice(const struct tcpwhy_verdict *verdict, char *text)
{
	sentence_format(text, verdict->about.verdict->entry->advice, &verdict->about);
}

size_t tcpwhy_verdict_values(const struct tcpwhy_verdict *verdict)
{
	return verdict->about.verdict->value_count;
}

void tcpwhy_verdict_value(const struct tcpwhy_verdict *verdict, size_t index,
			  struct tcpwhy_value *value)
{
	const struct verdict_value *from = &verdict->about.verdict->values[index];
	struct tcpwhy_value own = { .key = from->key, .number = from->number };

	if (from->kind == VALUE_TEXT)
		own.text = from->text;
	if (from->kind == VALUE_ADDRESS)
		own.address = from->address.bytes;
	give(value, &own, sizeof(own));
}

bool tcpwhy_explain(const char *id, struct tcpwhy_entry *entry)
{
	const struct entry *from = catalogue_find(id);

	if (!from)
		return false;

	struct tcpwhy_entry own = {
		.title = from->title,
		.meaning = from->meaning,
		.evidence = from->evidence,
		.lookalikes = from->lookalikes,
		.kernel = from->kernel,
		.advice = from->advice,
		.source = from->source,
	};

	give(entry, &own, sizeof(own));
	return true;
}
