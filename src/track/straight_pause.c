/* SPDX-License-Identifier: BSD-2-Clause */
#include "track/straight_reading.h"

/* The pauses of a connection that went straight: what stall.c does where nothing was repeated. */

/* stall_add() of stall.c */
static void stall_note(struct reading *reading, enum end from, enum stall_kind kind)
{
	struct straight *out = reading->out;
	struct stall *stall = &out->stalls[kind];
	int64_t lasted_ns = reading->silence_ns;

	if (out->conn.stalls != out->stalls) {
		memset(out->stalls, 0, sizeof(out->stalls));
		out->conn.stalls = out->stalls;
	}
	stall->count++;
	stall->total_ns += lasted_ns;
	if (lasted_ns <= stall->longest_ns)
		return;
	stall->longest_ns = lasted_ns;
	stall->first_frame = reading->last_frame;
	stall->last_frame = reading->segs[from]->frame;
	stall->who = (uint8_t)from;
}

/* idle_step() and pause_step() of stall.c */
void straight_pause(struct reading *reading, enum end from, bool owed, bool acks_new)
{
	const struct segment *seg = reading->segs[from];
	struct conn *conn = &reading->out->conn;
	const struct half *half = &conn->half[from], *other = &conn->half[end_other(from)];
	const struct side_so_far *own = &reading->side[from];
	const struct side_so_far *peer = &reading->side[end_other(from)];
	bool first = reading->data_from == 0;

	if (reading->silence_ns >= STALL_IDLE_LEAST_NS && !owed && !own->fin && !peer->fin) {
		conn->last_idle_ns = reading->silence_ns;
		conn->last_idle_frame = seg->frame;
		reading->idle_before = reading->last_frame;
		reading->idle_from = (uint8_t)(from + 1);
	}
	if (reading->silence_ns < STALL_RTTS * ((int64_t)own->answer_ns + peer->answer_ns))
		return;
	if (seg->payload_bytes) {
		if (half->last_data.frame && own->acked != seg->seq.raw)
			return; /* it waits for an ACK, not for its program */
		if (from == END_CLIENT)
			stall_note(reading, from, STALL_CLIENT_THINK);
		else if (first || reading->data_from - 1u != (unsigned)from)
			stall_note(reading, from, STALL_SERVER_THINK);
	} else if (acks_new && !(seg->flags & TCP_FIN) && other->last_data.frame) {
		stall_note(reading, from, STALL_ACK_DELAY);
	}
}

/* idle_survived() of stall.c */
void straight_idle_answer(struct reading *reading, enum end from)
{
	struct conn *conn = &reading->out->conn;

	if (reading->idle_from - 1u == (unsigned)from)
		return;
	reading->idle_from = 0;
	if (conn->last_idle_ns <= conn->longest_idle_ns)
		return;
	conn->longest_idle_ns = conn->last_idle_ns;
	conn->longest_idle_first = reading->idle_before;
	conn->longest_idle_last = conn->last_idle_frame;
}

/* Of nagle_step() of stall.c: the least that it needs. */
bool straight_nagle_possible(const struct reading *reading, enum end from)
{
	const struct side_so_far *own = &reading->side[from];
	const struct moment *data = &reading->out->conn.half[from].last_data;
	int64_t waited = own->acked_ns - data->time_ns;
	int64_t rtt = (int64_t)own->answer_ns + reading->side[end_other(from)].answer_ns;

	return waited - rtt >= STALL_DELACK_LEAST_NS;
}
