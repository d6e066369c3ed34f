/* SPDX-License-Identifier: BSD-2-Clause */
/* Random walks of two ends over one pair of addresses and ports, from plausible to absurd, with
   pauses from nothing to minutes: the tracker's short cuts against the slow and obvious way.
   Besides the records it compares when each was written: what a short cut leaves for later must not
   come later. short_test.c has many connections at once, but each goes much the same way. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "bench/conversation.h"
#include "conn_hash.h"
#include "decode/plain_bits_test.h"
#include "judge/judge.h"
#include "track/track.h"

#define WALKS	      150000
#define SEED	      14   /* these walks have found both kinds of what was ever found */
#define WALKS_AT_ONCE 1000 /* of one tracker: those that never end stay in it */
#define STEPS_MOST    24
#define QUIET_NS      (1000 * NSEC_PER_SEC) /* all is over by then, TIME_WAIT too */

enum way {
	SHORT,
	OBVIOUS,
	OUTLINES,
	WAYS
};

/* What one way said of a walk. */
struct said {
	uint64_t facts;	  /* hash: all records, and when they came */
	uint64_t counted; /* ... and of what is counted where an outline will do */
	uint64_t hosts;	  /* ... and of sightings */
	unsigned records, straight, outlines;
};

struct watcher {
	struct tracker *tracker;
	struct judge *judge;
	struct said said;
};

/* One end: where its numbers are. */
struct side {
	uint32_t isn, nxt, last_seq, last_octets;
	bool spoke, fin;
	uint8_t ttl;
	uint16_t ip_id;
};

struct walk {
	struct side side[2]; /* client, server */
	struct ip_address ip[2];
	uint16_t port[2];
	int64_t now_ns;
	uint64_t frame;
	bool stamps;
	unsigned talker; /* who sent payload last */
	struct segment_batch batch;
	uint8_t options[STEPS_MOST * 2][40];
};

static struct judgement judgement;

static void take_conn(void *context, const struct conn *conn)
{
	struct watcher *watcher = context;
	struct said *said = &watcher->said;

	said->records++;
	said->straight += conn->straight && !conn->outline;
	said->outlines += conn->outline;
	judge_conn(watcher->judge, conn, &judgement);
	outline_hash(&said->counted, conn, &judgement);
	hash_mix(&said->counted, conn->judged_frame);
	if (!conn->outline)
		conn_hash(&said->facts, conn);
	hash_mix(&said->facts, conn->judged_frame);
}

static void take_host(void *context, const struct host_sighting *host)
{
	struct said *said = &((struct watcher *)context)->said;

	hash_mix(&said->hosts, host->frame);
	hash_mix(&said->hosts, host->ip.bytes[15]);
	hash_mix(&said->hosts, (uint64_t)host->answer_ns);
}

static void watcher_open(struct watcher *watcher, enum way way)
{
	const struct track_limits limits = { .connections = 1 << 16,
					     .obvious = way == OBVIOUS,
					     .outlines = way == OUTLINES };
	const struct track_sink sink = { .context = watcher, .conn = take_conn, .host = take_host };

	*watcher = (struct watcher){ .tracker = tracker_new(&limits, &sink), .judge = judge_new() };
	if (!watcher->tracker || !watcher->judge)
		abort();
	if (way == OUTLINES)
		tracker_want_outlines(watcher->tracker);
}

static int64_t pause_ns(struct chance *chance)
{
	static const int64_t pauses[] = { 0,
					  10 * NSEC_PER_USEC,
					  NSEC_PER_MSEC,
					  NSEC_PER_MSEC,
					  12 * NSEC_PER_MSEC + 7,
					  50 * NSEC_PER_MSEC,
					  300 * NSEC_PER_MSEC,
					  NSEC_PER_SEC,
					  4 * NSEC_PER_SEC,
					  6 * NSEC_PER_SEC,
					  25 * NSEC_PER_SEC,
					  70 * NSEC_PER_SEC,
					  150 * NSEC_PER_SEC };
	/* Mostly short ones. */
	uint64_t most = chance_below(chance, 3) ? 6 : sizeof(pauses) / sizeof(pauses[0]);

	return pauses[chance_below(chance, most)];
}

static void set_options(struct walk *walk, struct segment *seg)
{
	static const uint8_t syn[20] = { 2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0,
					 0, 7, 0, 0,	0, 0, 1, 3,  3, 7 };
	static const uint8_t stamps[12] = { 1, 1, 8, 10 };
	uint8_t *room = walk->options[walk->batch.count];
	bool is_syn = seg->flags & TCP_SYN;

	if (!walk->stamps)
		return;
	seg->options = room;
	seg->options_bytes = is_syn ? sizeof(syn) : sizeof(stamps);
	seg->options_seen = TCP_HAS_TIMESTAMPS;
	if (is_syn) {
		seg->options_seen |= TCP_HAS_MSS | TCP_HAS_SACK_PERMITTED | TCP_HAS_WINDOW_SCALE;
		seg->mss = 1460;
		seg->window_scale = 7;
	}
	memcpy(room, is_syn ? syn : stamps, seg->options_bytes);
	seg->tsval = (uint32_t)(seg->time_ns / NSEC_PER_MSEC);
	for (unsigned i = 0; i < 4; i++)
		room[(is_syn ? 8 : 4) + i] = (uint8_t)(seg->tsval >> (24 - 8 * i));
}

/* A segment of one end. @flags, @octets: and with the next number and ACK, but for @odd. */
static void speak(struct walk *walk, struct chance *chance, unsigned from, uint8_t flags,
		  uint32_t octets, bool odd)
{
	static const uint32_t shifts[] = { 0,		1,	     1u << 16,	 100,
					   0xffffffffu, 0xffffff9cu, 0x80000000u };
	struct side *own = &walk->side[from], *peer = &walk->side[!from];
	struct segment *seg = &walk->batch.segments[walk->batch.count];
	uint32_t seq = flags & TCP_SYN ? own->isn : own->nxt;

	*seg = (struct segment){
		.src = walk->ip[from],
		.dst = walk->ip[!from],
		.src_port = walk->port[from],
		.dst_port = walk->port[!from],
		.frame = ++walk->frame,
		.time_ns = walk->now_ns,
		.payload_bytes = octets,
		.flags = flags,
		.window = flags & TCP_SYN ? 64240 : 502,
		.ttl = own->ttl,
		.ip_id = ++own->ip_id,
		.what = SEGMENT_DONT_FRAGMENT,
	};
	seg->seq = seq_of(seq);
	seg->ack = seq_of(flags & TCP_ACK ? peer->nxt : 0);
	if (odd) {
		switch (chance_below(chance, 7)) {
		case 0:
			seg->seq.raw += shifts[chance_below(chance, 7)];
			break;
		case 1:
			seg->ack.raw += shifts[chance_below(chance, 7)];
			break;
		case 2:
			seg->window = (uint16_t)chance_below(chance, 2);
			break;
		case 3:
			seg->seq = seq_of(own->last_seq); /* once more */
			seg->payload_bytes = own->last_octets;
			break;
		case 4:
			seg->ttl++;
			break;
		case 5:
			seg->path = 5;
			break;
		default:
			seg->time_ns -= NSEC_PER_SEC;
			break;
		}
	}
	set_options(walk, seg);
	seg->header_bytes = (uint8_t)(20 + seg->options_bytes);
	seg->ip_bytes = 20u + seg->header_bytes + seg->payload_bytes;
	seg->plain = seg->ip_id % 4 ? plain_bits(seg) : 0;
	own->last_seq = seg->seq.raw;
	own->last_octets = seg->payload_bytes;
	own->spoke = true;
	own->fin |= (flags & TCP_FIN) != 0;
	if (!odd || chance_below(chance, 2))
		own->nxt = segment_end(seg).raw;
	walk->batch.count++;
}

/* What comes next: mostly what may, now and then anything; one of @one_of is amiss. */
static void step(struct walk *walk, struct chance *chance, uint64_t one_of)
{
	static const uint8_t any[] = {
		TCP_SYN,	   TCP_SYN | TCP_ACK, TCP_ACK, TCP_FIN | TCP_ACK, TCP_RST,
		TCP_RST | TCP_ACK, TCP_FIN,	      0,       TCP_ACK | TCP_PSH
	};
	unsigned from = (unsigned)chance_below(chance, 2);
	bool odd = chance_below(chance, one_of) == 0;
	struct side *client = &walk->side[0], *server = &walk->side[1];

	if (chance_below(chance, 24) == 0) {
		speak(walk, chance, from, any[chance_below(chance, sizeof(any))],
		      chance_below(chance, 3) ? 0 : 100, odd);
	} else if (!client->spoke) {
		speak(walk, chance, 0, TCP_SYN, 0, odd);
	} else if (!server->spoke) {
		if (chance_below(chance, 8))
			speak(walk, chance, 1, TCP_SYN | TCP_ACK, 0, odd);
		else
			speak(walk, chance, 0, TCP_SYN, 0, odd);
	} else if (walk->batch.count == 2 && chance_below(chance, 8)) {
		speak(walk, chance, 0, TCP_ACK, 0, odd);
	} else {
		uint64_t what = chance_below(chance, 8);

		if (what < 3 && !walk->side[from].fin)
			speak(walk, chance, from, TCP_ACK | TCP_PSH,
			      1 + (uint32_t)chance_below(chance, 1600), odd);
		else if (what < 5 && !walk->side[from].fin)
			speak(walk, chance, from, TCP_FIN | TCP_ACK, 0, odd);
		else
			speak(walk, chance, from, TCP_ACK, 0, odd);
	}
}

/* One of the segments of a conversation that goes as it should; the rest is the caller's. */
static void course_step(struct walk *walk, struct chance *chance, uint64_t at, uint64_t exchanges,
			bool odd)
{
	unsigned closer = walk->port[0] % 2, talker = (unsigned)chance_below(chance, 2);
	uint64_t closing = 3 + 2 * exchanges;

	if (at == 0)
		speak(walk, chance, 0, TCP_SYN, 0, odd);
	else if (at == 1)
		speak(walk, chance, 1, TCP_SYN | TCP_ACK, 0, odd);
	else if (at == 2)
		speak(walk, chance, 0, TCP_ACK, 0, odd);
	else if (at < closing && at % 2)
		speak(walk, chance, walk->talker = talker, TCP_ACK | TCP_PSH,
		      1 + (uint32_t)chance_below(chance, 1440), odd);
	else if (at < closing)
		speak(walk, chance, !walk->talker, TCP_ACK, 0, odd);
	else if (at == closing)
		speak(walk, chance, closer, TCP_FIN | TCP_ACK, 0, odd);
	else if (at == closing + 1)
		speak(walk, chance, !closer, TCP_FIN | TCP_ACK, 0, odd);
	else
		speak(walk, chance, closer, TCP_ACK, 0, odd);
}

/* A frame of somebody else: time goes by. */
static void tick(struct walk *walk)
{
	walk->batch.segments[walk->batch.count++] = (struct segment){ .frame = ++walk->frame,
								      .time_ns = walk->now_ns,
								      .what = SEGMENT_NOT_TCP };
}

static void begin(struct walk *walk, struct chance *chance)
{
	unsigned low = (unsigned)chance_below(chance, 2); /* whose address is the first one */

	walk->batch.count = 0;
	walk->ip[low] = ip_address_v4((const uint8_t[]){ 10, 0, 0, 1 });
	walk->ip[!low] = ip_address_v4((const uint8_t[]){ 10, 0, 0, 2 });
	walk->port[0] = (uint16_t)(1024 + chance_below(chance, 60000));
	walk->port[1] = 80;
	walk->stamps = chance_below(chance, 4);
	for (unsigned end = 0; end < 2; end++) {
		uint32_t isn = (uint32_t)chance_below(chance, UINT64_C(1) << 32);

		walk->side[end] = (struct side){ .isn = isn,
						 .nxt = isn + 1,
						 .last_seq = isn,
						 .ttl = end ? 55 : 64,
						 .ip_id = (uint16_t)chance_below(chance, 65536) };
	}
}

static void plan(struct walk *walk, struct chance *chance)
{
	bool on_course = chance_below(chance, 2);
	uint64_t exchanges = chance_below(chance, 8), at = 0;
	uint64_t steps = on_course ? 6 + 2 * exchanges : 2 + chance_below(chance, STEPS_MOST - 2);
	uint64_t odd = chance_below(chance, 2 * STEPS_MOST); /* the step that is amiss, if any */

	begin(walk, chance);
	for (uint64_t i = 0; i < steps; i++) {
		walk->now_ns += pause_ns(chance);
		if (chance_below(chance, on_course ? 40 : 10) == 0)
			tick(walk);
		else if (on_course)
			course_step(walk, chance, at++, exchanges, i == odd);
		else
			step(walk, chance, 16);
	}
	for (uint64_t i = chance_below(chance, 10); on_course && i > 0 && i < 6; i--) {
		walk->now_ns += pause_ns(chance);
		step(walk, chance, 2); /* when all is, or seems to be, over */
	}
	/* So that it shows when its record is written. */
	for (unsigned i = 0; i < STEPS_MOST; i++) {
		walk->now_ns += 7 * NSEC_PER_SEC;
		tick(walk);
	}
	walk->now_ns += QUIET_NS;
	tick(walk);
}

static void show(const struct walk *walk)
{
	for (unsigned i = 0; i < walk->batch.count; i++) {
		const struct segment *seg = &walk->batch.segments[i];
		bool server = ip_address_equal(&seg->src, &walk->ip[1]);
		double at = (double)(seg->time_ns - walk->batch.segments[0].time_ns) / 1e9;

		if (segment_has(seg, SEGMENT_NOT_TCP)) {
			fprintf(stderr, "%3u %12.6f\n", i, at);
			continue;
		}
		fprintf(stderr,
			"%3u %12.6f %c flags %02x seq %" PRIu32 " ack %" PRIu32 " len %" PRIu32
			" win %u ttl %u path %" PRIu32 " plain %u\n",
			i, at, server ? 'S' : 'C', seg->flags,
			seg->seq.raw - walk->side[server].isn,
			seg->ack.raw - walk->side[!server].isn, seg->payload_bytes, seg->window,
			seg->ttl, seg->path, seg->plain);
	}
}

/* Return: what is not the same; NULL: nothing. */
static const char *difference(const struct watcher watchers[static WAYS])
{
	const struct said *cut = &watchers[SHORT].said, *slow = &watchers[OBVIOUS].said;
	const struct said *outlined = &watchers[OUTLINES].said;

	if (cut->records != slow->records || outlined->records != slow->records)
		return "the number of records";
	if (cut->facts != slow->facts)
		return "records, or when they were written";
	if (cut->counted != slow->counted || outlined->counted != slow->counted)
		return "what is counted";
	if (cut->hosts != slow->hosts || outlined->hosts != slow->hosts)
		return "sightings";
	if (memcmp(tracker_stats(watchers[SHORT].tracker), tracker_stats(watchers[OBVIOUS].tracker),
		   sizeof(struct track_stats)) != 0)
		return "figures";
	return NULL;
}

/* Return: whether all ways say the same, of a walk or of the end behind it. */
static bool compare(struct watcher watchers[static WAYS], unsigned number, const struct walk *walk)
{
	const char *differs = difference(watchers);

	if (differs) {
		fprintf(stderr, "walk %u differs in %s\n", number, differs);
		show(walk);
	}
	return !differs;
}

/* Walks with trackers of their own. Return: false: they differ. @sum: of one way or another */
static bool walk_all(struct chance *chance, unsigned first, struct said *sum)
{
	static struct watcher watchers[WAYS];
	static struct walk walk;
	bool same = true;

	walk.now_ns = 1000 * NSEC_PER_SEC;
	walk.frame = 0;
	for (unsigned i = 0; i < WAYS; i++)
		watcher_open(&watchers[i], (enum way)i);
	for (unsigned number = 0; same && number <= WALKS_AT_ONCE; number++) {
		bool last = number == WALKS_AT_ONCE;

		plan(&walk, chance);
		for (unsigned i = 0; i < WAYS; i++) {
			watchers[i].said = (struct said){ .records = 0 };
			if (last)
				tracker_finish(watchers[i].tracker);
			else
				tracker_add(watchers[i].tracker, &walk.batch);
		}
		same = compare(watchers, first + number, &walk);
		sum->records += watchers[SHORT].said.records;
		sum->straight += watchers[SHORT].said.straight;
		sum->outlines += watchers[OUTLINES].said.outlines;
	}
	for (unsigned i = 0; i < WAYS; i++) {
		tracker_free(watchers[i].tracker);
		judge_free(watchers[i].judge);
	}
	return same;
}

int main(int argc, char **argv)
{
	struct chance chance = { .state = argc > 1 ? strtoull(argv[1], NULL, 10) : SEED };
	struct said sum = { .records = 0 };

	for (unsigned first = 0; first < WALKS; first += WALKS_AT_ONCE)
		if (!walk_all(&chance, first, &sum))
			return 1;
	printf("%u records, %u straight, %u in outline: all ways the same\n", sum.records,
	       sum.straight, sum.outlines);
	return sum.records > WALKS && sum.straight > WALKS / 20 && sum.outlines > WALKS / 50 ? 0
											     : 1;
}
