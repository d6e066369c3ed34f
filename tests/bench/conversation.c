/* SPDX-License-Identifier: BSD-2-Clause */
#include "conversation.h"

#include <math.h>
#include <string.h>

#include "base/time.h"
#include "tcp/segment.h"

#define TURN_NS	    (50 * NSEC_PER_USEC) /* a host's answer, and the next segment of a burst */
#define ANSWER_MOST 6			 /* segments */
#define PROBES_NS   (60 * NSEC_PER_SEC)

uint64_t chance_below(struct chance *chance, uint64_t limit)
{
	uint64_t z = chance->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return limit ? z % limit : 0;
}

bool chance_permille(struct chance *chance, int64_t permille)
{
	return (int64_t)chance_below(chance, 1000) < permille;
}

int64_t chance_about(struct chance *chance, int64_t mean)
{
	double draw = ((double)chance_below(chance, UINT32_MAX) + 1) / UINT32_MAX;

	return (int64_t)(-log(draw) * (double)mean);
}

/* A conversation while it is planned. */
struct planner {
	struct conversation *talk;
	const struct conversation_traits *traits;
	struct chance *chance;
	int64_t now_ns, rtt_ns;
	uint32_t next[2]; /* sequence numbers to send */
	uint32_t got[2];  /* what each end has of the other in order: its next ACK */
};

static struct planned *add(struct planner *planner, bool from_server, uint8_t flags,
			   int64_t payload)
{
	static struct planned nowhere;
	struct conversation *talk = planner->talk;
	struct planned *planned = talk->count < PLAN_MOST ? &talk->plan[talk->count++] : &nowhere;

	*planned = (struct planned){
		.time_ns = planner->now_ns,
		.seq = planner->next[from_server],
		.ack = flags & TCP_ACK ? planner->got[from_server] : 0,
		.payload = (uint16_t)payload,
		.flags = flags,
		.from_server = from_server,
		.options = flags & TCP_SYN ? PLANNED_SYN : 0,
	};
	planner->next[from_server] +=
		(uint32_t)payload + ((flags & TCP_SYN) != 0) + ((flags & TCP_FIN) != 0);
	return planned;
}

static void arrives(struct planner *planner, bool from_server)
{
	planner->got[!from_server] = planner->next[from_server];
}

static int64_t payload_of(struct planner *planner, int64_t most)
{
	return 1 + (int64_t)chance_below(planner->chance, (uint64_t)most);
}

static void open_up(struct planner *planner)
{
	add(planner, false, TCP_SYN, 0);
	arrives(planner, false);
	planner->now_ns += planner->rtt_ns;
	add(planner, true, TCP_SYN | TCP_ACK, 0);
	arrives(planner, true);
	planner->now_ns += TURN_NS;
	add(planner, false, TCP_ACK, 0);
}

static void request(struct planner *planner)
{
	int64_t most = planner->traits->payload_most < 500 ? planner->traits->payload_most : 500;
	int64_t payload = payload_of(planner, most);
	uint32_t before = planner->next[0];

	add(planner, false, TCP_PSH | TCP_ACK, payload);
	if (chance_permille(planner->chance, planner->traits->loss)) {
		/* Lost behind the tap: the timer sends it again. */
		planner->now_ns += 200 * NSEC_PER_MSEC + planner->rtt_ns;
		planner->next[0] = before;
		add(planner, false, TCP_PSH | TCP_ACK, payload);
	}
	arrives(planner, false);
	planner->now_ns += planner->rtt_ns + chance_about(planner->chance, 5 * NSEC_PER_MSEC);
}

/* A segment lost before the tap: those behind it are acknowledged as duplicates until it comes. */
static void answer_with_loss(struct planner *planner, const int64_t *payloads, unsigned count,
			     unsigned lost)
{
	uint32_t hole = planner->next[1];
	uint32_t right;

	for (unsigned i = 0; i < count; i++) {
		if (i == lost) {
			hole = planner->next[1];
			planner->next[1] += (uint32_t)payloads[i];
			continue;
		}
		add(planner, true, TCP_ACK, payloads[i]);
		planner->now_ns += TURN_NS;
		if (i < lost) {
			arrives(planner, true);
			add(planner, false, TCP_ACK, 0);
		} else {
			struct planned *ack = add(planner, false, TCP_ACK, 0);

			ack->options = PLANNED_SACK;
			ack->sack_left = hole + (uint32_t)payloads[lost];
			ack->sack_right = planner->next[1];
		}
	}
	planner->now_ns += planner->rtt_ns + (count - lost > 3 ? 0 : 200 * NSEC_PER_MSEC);
	right = planner->next[1];
	planner->next[1] = hole;
	add(planner, true, TCP_ACK, payloads[lost]);
	planner->next[1] = right;
	arrives(planner, true);
	planner->now_ns += TURN_NS;
	add(planner, false, TCP_ACK, 0);
}

static void swap(struct planned *a, struct planned *b)
{
	struct planned kept = *a;
	int64_t time_ns = a->time_ns;

	*a = *b;
	a->time_ns = time_ns;
	time_ns = b->time_ns;
	*b = kept;
	b->time_ns = time_ns;
}

static void answer(struct planner *planner)
{
	unsigned count = 1 + (unsigned)chance_below(planner->chance, ANSWER_MOST) *
				     (unsigned)chance_below(planner->chance, 2);
	int64_t payloads[ANSWER_MOST];
	unsigned lost = count;

	for (unsigned i = 0; i < count; i++) {
		payloads[i] = i + 1 < count ? planner->traits->payload_most
					    : payload_of(planner, planner->traits->payload_most);
		if (chance_permille(planner->chance, planner->traits->loss))
			lost = i;
	}
	if (lost < count) {
		answer_with_loss(planner, payloads, count, lost);
		return;
	}
	for (unsigned i = 0; i < count; i++) {
		struct planned *one = add(planner, true, TCP_ACK | TCP_PSH, payloads[i]);

		planner->now_ns += TURN_NS;
		if (i % 2 == 1 || i + 1 == count) {
			arrives(planner, true);
			add(planner, false, TCP_ACK, 0);
		}
		/* The second of a pair may overtake the first: the hole is too short for an ACK. */
		if (i % 2 == 1 && chance_permille(planner->chance, planner->traits->reorder))
			swap(one - 1, one);
	}
}

static void close_down(struct planner *planner)
{
	bool first = chance_below(planner->chance, 4) == 0; /* the server, now and then */

	add(planner, first, TCP_FIN | TCP_ACK, 0);
	arrives(planner, first);
	planner->now_ns += first ? TURN_NS : planner->rtt_ns;
	add(planner, !first, TCP_FIN | TCP_ACK, 0);
	arrives(planner, !first);
	planner->now_ns += first ? planner->rtt_ns : TURN_NS;
	add(planner, first, TCP_ACK, 0);
}

static void talk_normal(struct planner *planner)
{
	const struct conversation_traits *traits = planner->traits;
	int64_t exchanges = 1 + chance_about(planner->chance, traits->exchanges - 1);
	int64_t pause = chance_about(planner->chance, traits->lifetime_ns) / (exchanges + 1);

	open_up(planner);
	planner->now_ns += TURN_NS;
	for (int64_t i = 0; i < exchanges && planner->talk->count < PLAN_MOST - 32; i++) {
		request(planner);
		answer(planner);
		planner->now_ns += pause;
	}
	if (planner->talk->kind == TALK_RESET)
		add(planner, false, TCP_RST | TCP_ACK, 0);
	else
		close_down(planner);
}

void conversation_plan(struct conversation *talk, const struct conversation_traits *traits,
		       struct chance *chance, int64_t time_ns)
{
	struct planner planner = {
		.talk = talk, .traits = traits, .chance = chance, .now_ns = time_ns
	};

	talk->count = talk->next = 0;
	for (unsigned end = 0; end < 2; end++)
		planner.next[end] = talk->isn[end] = (uint32_t)chance_below(chance, UINT32_MAX);
	planner.rtt_ns = 200 * NSEC_PER_USEC + chance_about(chance, 20 * NSEC_PER_MSEC);
	switch (talk->kind) {
	case TALK_NORMAL:
	case TALK_RESET:
		talk_normal(&planner);
		break;
	case TALK_REFUSED:
		add(&planner, false, TCP_SYN, 0);
		arrives(&planner, false);
		planner.now_ns += planner.rtt_ns;
		planner.next[1] = 0;
		add(&planner, true, TCP_RST | TCP_ACK, 0);
		break;
	case TALK_UNANSWERED:
		for (unsigned i = 0; i < 3; i++) {
			add(&planner, false, TCP_SYN, 0);
			planner.next[0]--;
			planner.now_ns += NSEC_PER_SEC << i;
		}
		break;
	case TALK_OPEN:
	case TALK_IDLE:
		open_up(&planner);
		planner.now_ns += TURN_NS;
		request(&planner);
		answer(&planner);
		break;
	}
}

bool conversation_go_on(struct conversation *talk)
{
	struct planned last;
	struct planned *probe = &talk->plan[0], *reply = &talk->plan[1];

	if (talk->kind != TALK_IDLE || talk->count == 0)
		return false;
	last = talk->plan[talk->count - 1]; /* the client's last ACK, or the answer to a probe */
	bool again = last.from_server;

	*probe = (struct planned){
		.time_ns = last.time_ns + PROBES_NS,
		.seq = (again ? last.ack : last.seq) - 1,
		.ack = again ? last.seq : last.ack,
		.flags = TCP_ACK,
	};
	*reply = (struct planned){
		.time_ns = probe->time_ns + NSEC_PER_MSEC,
		.seq = probe->ack,
		.ack = probe->seq + 1,
		.flags = TCP_ACK,
		.from_server = true,
	};
	talk->count = 2;
	talk->next = 0;
	return true;
}
