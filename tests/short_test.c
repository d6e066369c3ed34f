/* SPDX-License-Identifier: BSD-2-Clause */
/* The tracker's short cuts (connections in brief, track/brief.h; those that went straight,
   track/straight.h; ordinary segments, track/swift.c) against the slow and obvious way: the same
   records to the byte, and the same notes on every segment, over random traffic full of what cannot
   be cut short. In some rounds their records are made later, as another thread would (tell.c). */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/time.h"
#include "bench/conversation.h"
#include "conn_hash.h"
#include "decode/plain_bits_test.h"
#include "judge/judge.h"
#include "report/report.h"
#include "track/track.h"

#define ROUNDS	   200
#define TALKS	   40	/* at once, of one round */
#define SEGMENTS   4000 /* of one round */
#define PORTS	   30	/* few: they are used again and again */
#define CALM_PORTS 2000
#define ODD	   25	      /* one of so many segments is changed */
#define LEAP	   (1u << 22) /* frames of others */
#define LATE	   8192	      /* at most, that wait to be told */
#define FLOWS	   2048	      /* that a tracker has room for, at least (track.c) */

/* What the tracker said, to be told later. */
struct late {
	bool is_conn;
	struct track_due due;
	struct host_sighting host;
};

/* One of the two ways. */
struct way {
	struct judge *judge;
	struct judgement judgement;
	struct tracker *tracker;
	struct out out;
	struct report *report; /* NULL: of outlines none can be made */
	uint64_t records, straight, outlines;
	uint64_t notes;	  /* a hash of all that was said of segments */
	uint64_t facts;	  /* ... and of what stands in records, told in JSON or not */
	uint64_t counted; /* ... and of what is counted where an outline will do */
	struct late late[LATE];
	unsigned late_put, late_told;
	struct chance delay; /* how long it waits; state 0: until it has to be told */
	uint64_t settled;    /* how often memory was short */
};

static void take_conn(void *context, const struct conn *conn)
{
	struct way *way = context;

	way->records++;
	way->straight += conn->straight;
	way->outlines += conn->outline;
	judge_conn(way->judge, conn, &way->judgement);
	outline_hash(&way->counted, conn, &way->judgement);
	if (!way->report)
		return;
	conn_hash(&way->facts, conn);
	report_conn(way->report, conn, &way->judgement);
}

static void take_host(void *context, const struct host_sighting *host)
{
	judge_host(((struct way *)context)->judge, host);
}

/* Tell what waits, but for the last @left. */
static void tell_late(struct way *way, unsigned left)
{
	while (way->late_put - way->late_told > left) {
		const struct late *late = &way->late[way->late_told++ % LATE];

		if (!late->is_conn) {
			take_host(way, &late->host);
			continue;
		}
		take_conn(way, tracker_tell(way->tracker, &late->due));
		tracker_take_back(way->tracker, late->due.ref);
	}
}

static void put_late(struct way *way, const struct late *late)
{
	tell_late(way, LATE - 1);
	if (way->delay.state && chance_below(&way->delay, 100) == 0)
		tell_late(way, (unsigned)chance_below(&way->delay, 500));
	way->late[way->late_put++ % LATE] = *late;
}

static void take_due(void *context, const struct track_due *due)
{
	put_late(context, &(struct late){ .is_conn = true, .due = *due });
}

static void take_host_late(void *context, const struct host_sighting *host)
{
	put_late(context, &(struct late){ .host = *host });
}

static void settle_late(void *context)
{
	((struct way *)context)->settled++;
	tell_late(context, 0);
}

static void take_segment(void *context, const struct segment *seg, const struct track_note *note)
{
	struct way *way = context;

	hash_mix(&way->notes, seg->frame);
	hash_mix(&way->notes, note->conn);
	hash_mix(&way->notes, (uint64_t)note->notes << 8 | note->from);
	hash_mix(&way->notes, (uint64_t)note->seq << 32 | note->ack);
	hash_mix(&way->notes, (uint64_t)note->states[0] << 8 | (uint64_t)note->states[1]);
}

static void take_group(void *context, const struct group_verdict *group)
{
	struct way *way = context;

	hash_mix(&way->counted, group->conn_total);
	for (size_t i = 0; i < group->conn_count; i++)
		hash_mix(&way->counted, group->conns[i]);
	if (way->report)
		report_group(way->report, group);
}

static void fail(const char *what)
{
	fprintf(stderr, "short_test: %s\n", what);
	exit(1);
}

enum manner {
	SHORT,
	SHORT_LATE,
	OUTLINES,
	OBVIOUS
};
#define WAYS 3 /* at once: a short one, outlines, the obvious one */

static void way_open(struct way *way, enum manner manner, bool segments, size_t connections)
{
	const struct track_limits limits = { .connections = connections,
					     .outlines = manner == OUTLINES,
					     .obvious = manner == OBVIOUS };
	struct track_sink sink = { .context = way,
				   .conn = take_conn,
				   .segment = segments ? take_segment : NULL,
				   .host = take_host };
	const struct report_options options = { .conn = 0 };
	struct err err = { .kind = ERR_NONE };

	if (manner == SHORT_LATE) {
		sink.conn = NULL;
		sink.due = take_due;
		sink.settle = settle_late;
		sink.host = take_host_late;
	}
	*way = (struct way){ .judge = judge_new(), .tracker = tracker_new(&limits, &sink) };
	way->delay.state = connections;
	if (!way->judge || !way->tracker || !out_init(&way->out, memfd_create("way", 0), &err))
		fail("no memory");
	if (manner == OUTLINES)
		tracker_want_outlines(way->tracker);
	else
		way->report = report_new(formats_find("json"), &options, &way->out, &err);
	if (manner != OUTLINES && !way->report)
		fail("no report");
}

static void way_close(struct way *way)
{
	int fd = way->out.fd;

	report_free(way->report);
	out_clear(&way->out);
	close(fd);
	tracker_free(way->tracker);
	judge_free(way->judge);
}

/* Everything that was written; owned by the caller. */
static char *way_text(struct way *way, size_t *count)
{
	struct err err = { .kind = ERR_NONE };
	off_t bytes;
	char *text;

	tracker_finish(way->tracker);
	tell_late(way, 0);
	tracker_join(way->tracker);
	judge_groups(way->judge, tracker_stats(way->tracker)->last_ns, take_group, way);
	out_finish(&way->out, &err);
	bytes = lseek(way->out.fd, 0, SEEK_END);
	text = calloc(1, (size_t)bytes + 1);
	if (!text || pread(way->out.fd, text, (size_t)bytes, 0) != bytes)
		fail("cannot read the records back");
	*count = (size_t)bytes;
	return text;
}

struct talk {
	struct conversation plan;
	uint32_t number;
	uint16_t port;
	bool ipv6;
	bool bare; /* no options at all */
};

/* Room for the options that a segment borrows until the batch was taken. */
static uint8_t options[SEGMENT_BATCH][40];

static struct segment segment_of(const struct talk *talk, const struct planned *planned,
				 uint8_t room[static 40])
{
	static const uint8_t syn[20] = { 2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0,
					 0, 7, 0, 0,	0, 0, 1, 3,  3, 7 };
	static const uint8_t stamps[12] = { 1, 1, 8, 10 };
	struct ip_address ip[2] = {
		ip_address_v4((const uint8_t[]){ 10, 0, 0, (uint8_t)(talk->number % 3) }),
		ip_address_v4((const uint8_t[]){ 10, 0, 0, (uint8_t)(9 - talk->number % 2) }),
	};
	bool from_server = planned->from_server;
	bool is_syn = planned->options & PLANNED_SYN;
	struct segment seg = {
		.src = ip[from_server],
		.dst = ip[!from_server],
		.src_port = from_server ? 80 : talk->port,
		.dst_port = from_server ? talk->port : 80,
		.time_ns = planned->time_ns,
		.seq = seq_of(planned->seq),
		.ack = seq_of(planned->ack),
		.payload_bytes = planned->payload,
		.flags = planned->flags,
		.window = is_syn ? 64240 : 502,
		.ttl = from_server ? 55 : 64,
		.what = SEGMENT_DONT_FRAGMENT,
		.tsval = (uint32_t)(planned->time_ns / NSEC_PER_MSEC),
		.options = room,
		.options_bytes = is_syn ? sizeof(syn) : sizeof(stamps),
		.options_seen = TCP_HAS_TIMESTAMPS,
		.mss = is_syn ? 1460 : 0,
		.window_scale = is_syn ? 7 : 0,
	};

	if (talk->ipv6) {
		seg.src.bytes[0] = seg.dst.bytes[0] = 0x20;
		seg.what |= SEGMENT_IPV6;
	}
	if (is_syn)
		seg.options_seen |= TCP_HAS_MSS | TCP_HAS_SACK_PERMITTED | TCP_HAS_WINDOW_SCALE;
	if (talk->bare) {
		seg.options = NULL;
		seg.options_bytes = 0;
		seg.options_seen = 0;
		return seg;
	}
	memcpy(room, is_syn ? syn : stamps, seg.options_bytes);
	for (unsigned i = 0; i < 4; i++)
		room[(is_syn ? 8 : 4) + i] = (uint8_t)(seg.tsval >> (24 - 8 * i));
	return seg;
}

static void settle(struct segment *seg)
{
	seg->header_bytes = (uint8_t)(20 + seg->options_bytes);
	seg->ip_bytes = (segment_has(seg, SEGMENT_IPV6) ? 40u : 20u) + seg->header_bytes +
			seg->payload_bytes;
	seg->plain = seg->ip_id % 5 ? plain_bits(seg) : 0; /* the decoder's long way says nothing */
}

/* What cannot wait, or only looks as if it could. */
static void make_odd(struct segment *seg, struct chance *chance)
{
	static const uint8_t flags[] = {
		TCP_RST,	   TCP_RST | TCP_ACK, TCP_SYN, TCP_SYN | TCP_ACK,
		TCP_FIN | TCP_ACK, TCP_ACK,	      0,       TCP_SYN | TCP_FIN
	};

	switch (chance_below(chance, 12)) {
	case 0:
	case 1:
		seg->flags = flags[chance_below(chance, sizeof(flags))];
		break;
	case 2:
		seg->seq.raw += (uint32_t)chance_below(chance, 3000) - 1500;
		break;
	case 3:
		seg->ack.raw += (uint32_t)chance_below(chance, 3000) - 1500;
		break;
	case 4:
		seg->window = (uint16_t)chance_below(chance, chance_below(chance, 2) ? 3 : 1000);
		break;
	case 5:
		seg->time_ns -= (int64_t)chance_below(chance, NSEC_PER_SEC);
		break;
	case 6:
		seg->path = 1 + (uint32_t)chance_below(chance, 2);
		break;
	case 7:
		seg->what ^= SEGMENT_TCP_SUM_BAD;
		break;
	case 8:
		seg->ttl = (uint8_t)chance_below(chance, 256);
		break;
	case 9:
		seg->options_bytes = 0;
		seg->options = NULL;
		seg->options_seen = 0;
		break;
	case 10:
		seg->time_ns = TIME_NONE;
		break;
	default:
		seg->payload_bytes = (uint32_t)chance_below(chance, 70000);
		break;
	}
}

/* @calm: nothing goes wrong on the way */
static void begin(struct talk *talk, struct chance *chance, int64_t time_ns, bool calm)
{
	static const enum conversation_kind kinds[] = { TALK_NORMAL,  TALK_NORMAL,     TALK_NORMAL,
							TALK_NORMAL,  TALK_RESET,      TALK_OPEN,
							TALK_REFUSED, TALK_UNANSWERED, TALK_IDLE };
	const struct conversation_traits traits = {
		.payload_most = chance_below(chance, 4) ? 1400 : 4000, /* the MSS is 1460 */
		.exchanges = 1 + (int64_t)chance_below(chance, 6),
		.lifetime_ns = (1 + (int64_t)chance_below(chance, 60)) * NSEC_PER_SEC,
		.loss = calm ? 0 : 30,
		.reorder = calm ? 0 : 30,
	};

	talk->number = (uint32_t)chance_below(chance, calm ? CALM_PORTS : 1000);
	talk->port = (uint16_t)(5000 + talk->number % (calm ? CALM_PORTS : PORTS));
	talk->ipv6 = chance_below(chance, 5) == 0;
	talk->bare = chance_below(chance, 5) == 0;
	talk->plan.kind = kinds[chance_below(chance, sizeof(kinds) / sizeof(kinds[0]))];
	conversation_plan(&talk->plan, &traits, chance, time_ns);
	if (chance_below(chance, 6) == 0) /* nothing more is seen of it */
		talk->plan.count = 1 + (uint32_t)chance_below(chance, talk->plan.count);
}

/* The talk whose next segment comes first. */
static struct talk *earliest(struct talk *talks)
{
	struct talk *best = NULL;

	for (unsigned i = 0; i < TALKS; i++) {
		const struct conversation *plan = &talks[i].plan;

		if (plan->next < plan->count &&
		    (!best ||
		     plan->plan[plan->next].time_ns < best->plan.plan[best->plan.next].time_ns))
			best = &talks[i];
	}
	return best;
}

/* Somebody takes his time: what is still to come of a talk comes later. */
static void pause_talk(struct conversation *plan, struct chance *chance)
{
	static const int64_t pauses_ns[] = { 40 * NSEC_PER_MSEC, 300 * NSEC_PER_MSEC,
					     2 * NSEC_PER_SEC, 11 * NSEC_PER_SEC };
	int64_t pause_ns = pauses_ns[chance_below(chance, 4)] + (int64_t)chance_below(chance, 1000);

	for (uint32_t i = plan->next; i < plan->count; i++)
		plan->plan[i].time_ns += pause_ns;
}

/* A mirror port shows the last segment once more, on another path or on the same. */
static void add_copy(struct segment_batch *batch, uint64_t frame, bool same)
{
	struct segment *copy = &batch->segments[batch->count];

	*copy = batch->segments[batch->count - 1];
	copy->frame = frame;
	if (!same) {
		copy->path = 7;
		copy->ttl--;
	}
	batch->count++;
}

/* The sender of the last segment opens its window, and says nothing else. */
static void add_update(struct segment_batch *batch, uint64_t frame)
{
	struct segment *update = &batch->segments[batch->count];

	*update = batch->segments[batch->count - 1];
	update->seq = segment_end(update);
	update->frame = frame;
	update->flags = TCP_ACK;
	update->payload_bytes = 0;
	update->ip_id ^= 0x8000;
	update->window = (uint16_t)(update->window + 100);
	settle(update);
	batch->count++;
}

/* The last segment of the batch, a FIN, is preceded by one that only acknowledges. Return: it. */
static struct segment *ack_first(struct segment_batch *batch, uint64_t frame)
{
	struct segment *ack = &batch->segments[batch->count++], *fin = ack + 1;

	*fin = *ack;
	ack->frame = frame;
	ack->flags = TCP_ACK;
	ack->payload_bytes = 0;
	ack->ip_id ^= 0x8000;
	settle(ack);
	return fin;
}

/* The last segment of the batch, a FIN, was sent before the other end's FIN came. Return: the ACK
   of that. */
static struct segment *cross(struct segment_batch *batch, uint64_t frame)
{
	struct segment *fin = &batch->segments[batch->count++], *ack = fin + 1;

	*ack = *fin;
	ack->seq = segment_end(fin);
	ack->flags = TCP_ACK;
	ack->payload_bytes = 0;
	ack->ip_id ^= 0x8000;
	settle(ack);
	fin->ack.raw--;
	fin->frame = frame;
	return ack;
}

static void all_take(struct way ways[static WAYS], struct segment_batch *batch)
{
	for (unsigned i = 0; i < WAYS; i++)
		tracker_add(ways[i].tracker, batch);
	batch->count = 0;
}

static void feed(struct way ways[static WAYS], struct chance *chance, bool calm, uint64_t segments)
{
	static struct segment_batch batch;
	static struct talk talks[TALKS];
	const int64_t start_ns = 1000 * NSEC_PER_SEC;
	unsigned odd = calm ? 40 * ODD : chance_below(chance, 3) ? ODD : 1000000;
	unsigned copies = calm ? 1000000 : 60, updates = calm ? 1000000 : 30;
	unsigned leaps = calm ? 1000000 : 200;

	batch.count = 0;
	for (unsigned i = 0; i < TALKS; i++)
		begin(&talks[i], chance, start_ns + (int64_t)chance_below(chance, NSEC_PER_SEC),
		      calm);
	for (uint64_t taken = 0, frame = 1; taken < segments; taken++, frame++) {
		struct talk *talk = earliest(talks);
		struct conversation *plan = &talk->plan;

		if (chance_below(chance, leaps) == 0)
			frame += LEAP;
		if (calm && chance_below(chance, 12) == 0) {
			pause_talk(plan, chance);
			continue;
		}
		const struct planned *planned = &plan->plan[plan->next++];
		struct segment *seg = &batch.segments[batch.count];

		*seg = segment_of(talk, planned, options[batch.count]);
		seg->ip_id = (uint16_t)frame;
		if (seg->payload_bytes > 1000 && talk->number % 4 == 0)
			seg->what |= SEGMENT_PAYLOAD_CUT;
		settle(seg);
		if (chance_below(chance, odd) == 0) {
			make_odd(seg, chance);
			settle(seg);
		}
		if (calm && plan->next + 1 == plan->count && (seg->flags & TCP_FIN) &&
		    batch.count + 1 < SEGMENT_BATCH)
			seg = talk->number % 8 ? ack_first(&batch, frame++)
					       : cross(&batch, frame++);
		seg->frame = frame;
		batch.count++;
		if (chance_below(chance, copies) == 0 && batch.count < SEGMENT_BATCH)
			add_copy(&batch, ++frame, talk->number % 2);
		else if (chance_below(chance, updates) == 0 && batch.count < SEGMENT_BATCH &&
			 !(seg->flags & (TCP_SYN | TCP_FIN | TCP_RST)))
			add_update(&batch, ++frame);
		if (plan->next == plan->count &&
		    (chance_below(chance, 8) == 0 || !conversation_go_on(plan)))
			begin(talk, chance, planned->time_ns + NSEC_PER_MSEC, calm);
		if (batch.count == SEGMENT_BATCH || chance_below(chance, 50) == 0)
			all_take(ways, &batch);
	}
	all_take(ways, &batch);
}

/* Where two texts differ, for people. */
static void show_difference(const char *a, const char *b)
{
	size_t at = 0, line = 0;

	for (; a[at] && a[at] == b[at]; at++)
		if (a[at] == '\n')
			line = at + 1;
	fprintf(stderr, "short: %.1500s\n\nobvious: %.1500s\n", a + line, b + line);
}

static bool same_figures(const struct way *a, const struct way *b)
{
	return memcmp(tracker_stats(a->tracker), tracker_stats(b->tracker),
		      sizeof(struct track_stats)) == 0;
}

static void ways_open(struct way ways[static WAYS], bool late, bool segments, size_t connections)
{
	way_open(&ways[0], late ? SHORT_LATE : SHORT, segments, connections);
	way_open(&ways[1], OBVIOUS, segments, connections);
	way_open(&ways[2], OUTLINES, false, connections);
}

/* Return: false: they differ. */
static bool compare(struct way ways[static WAYS], unsigned round)
{
	size_t counts[WAYS];
	char *texts[WAYS];
	bool same = false;

	for (unsigned i = 0; i < WAYS; i++)
		texts[i] = way_text(&ways[i], &counts[i]);
	if (counts[0] != counts[1] || memcmp(texts[0], texts[1], counts[0]) != 0) {
		fprintf(stderr, "round %u differs\n", round);
		show_difference(texts[0], texts[1]);
	} else if (ways[0].notes != ways[1].notes) {
		fprintf(stderr, "round %u: other notes on segments\n", round);
	} else if (ways[0].facts != ways[1].facts || ways[0].counted != ways[1].counted) {
		fprintf(stderr, "round %u: other facts\n", round);
	} else if (ways[2].counted != ways[1].counted) {
		fprintf(stderr, "round %u: outlines say something else\n", round);
	} else if (!same_figures(&ways[0], &ways[1]) || !same_figures(&ways[2], &ways[1])) {
		fprintf(stderr, "round %u: other figures\n", round);
	} else {
		same = true;
	}
	if (ways[1].straight || ways[1].outlines)
		fail("the obvious way took a short cut");
	for (unsigned i = 0; i < WAYS; i++) {
		free(texts[i]);
		way_close(&ways[i]);
	}
	return same;
}

/* Nothing is told before memory is short: what waits must not take what the living need. */
static uint64_t never_told_early(void)
{
	static struct way ways[WAYS];
	struct chance chance = { .state = 7 };

	ways_open(ways, true, false, FLOWS);
	ways[0].delay.state = 0;
	feed(ways, &chance, true, 25 * SEGMENTS);
	if (!compare(ways, 0))
		exit(1);
	return ways[0].settled;
}

int main(void)
{
	uint64_t records = 0, straight = 0, outlines = 0, short_of = 0;
	uint64_t settled = never_told_early();

	for (unsigned round = 1; round <= ROUNDS; round++) {
		struct chance chance = { .state = round };
		bool tight = round % 8 == 0 || round % 8 == 3; /* there is no room */
		size_t connections = tight ? 24 : 4096;
		bool segments = round % 2; /* somebody wants them: nothing begins in brief */
		bool late = !segments && round % 3 == 0;
		static struct way ways[WAYS];

		ways_open(ways, late, segments, connections);
		/* In calm rounds nobody wants its segments. */
		feed(ways, &chance, round % 4 == 2, SEGMENTS);
		if (!compare(ways, round))
			return 1;
		records += ways[0].records;
		straight += ways[0].straight;
		outlines += ways[2].outlines;
		short_of += ways[0].settled;
	}
	printf("%llu connections, all ways the same; %llu went straight, %llu in outline; memory "
	       "was short %llu times, and %llu times where it is roomy\n",
	       (unsigned long long)records, (unsigned long long)straight,
	       (unsigned long long)outlines, (unsigned long long)short_of,
	       (unsigned long long)settled);
	bool enough = records > ROUNDS * 100u && straight > ROUNDS * 10u && outlines > ROUNDS;

	return enough && short_of > ROUNDS && settled > 1 ? 0 : 1;
}
