/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/states.h"

#include <stdlib.h>
#include <string.h>

#include "base/time.h"

static bool same_tuple(const struct diag_socket *a, const struct diag_socket *b)
{
	return a->local_port == b->local_port && a->remote_port == b->remote_port &&
	       ip_address_equal(&a->remote, &b->remote) && ip_address_equal(&a->local, &b->local);
}

/* How much a socket tells where a connection has several: TIME_WAIT remains may lie beside a living
   one, and with Fast Open the request beside the socket that was made of it. */
static int tells(const struct diag_socket *socket)
{
	return socket->state == STATE_TIME_WAIT ? 0 : socket->state == STATE_SYN_RECEIVED ? 1 : 2;
}

/* A connection's socket; where there are several, the one that tells most. */
static const struct diag_socket *socket_like(const struct diag_sockets *in,
					     const struct diag_socket *like)
{
	const struct diag_socket *found = NULL;

	for (size_t i = 0; i < in->count; i++)
		if (in->sockets[i].state != STATE_LISTEN && same_tuple(&in->sockets[i], like) &&
		    (!found || tells(&in->sockets[i]) > tells(found)))
			found = &in->sockets[i];
	return found;
}

static void add_entry(struct kernel_log *log, enum end end, int64_t time_ns,
		      const struct diag_socket *socket, enum tcp_state state)
{
	if (log->entry_count == log->entry_room) {
		size_t more = log->entry_room ? log->entry_room * 2 : 64;
		struct kernel_entry *grown = realloc(log->entries, more * sizeof(*grown));

		if (!grown) {
			log->out_of_memory = true;
			return;
		}
		log->entries = grown;
		log->entry_room = more;
	}
	log->entries[log->entry_count++] = (struct kernel_entry){
		.time_ns = time_ns,
		.end = end,
		.local = socket->local,
		.remote = socket->remote,
		.local_port = socket->local_port,
		.remote_port = socket->remote_port,
		.state = state,
		.remains = socket->inode == 0 && socket->timer == DIAG_TIMER_TIME_WAIT,
		.timer = socket->timer,
		.timer_ms = socket->timer_ms,
		.send_queue = socket->send_queue,
		.retransmits = socket->retransmits,
	};
}

static void add_look(struct kernel_log *log, enum end end, int64_t time_ns)
{
	if (log->look_count == log->look_room) {
		size_t more = log->look_room ? log->look_room * 2 : 128;
		struct kernel_look *grown = realloc(log->looks, more * sizeof(*grown));

		if (!grown) {
			log->out_of_memory = true;
			return;
		}
		log->looks = grown;
		log->look_room = more;
	}
	log->looks[log->look_count++] = (struct kernel_look){
		.time_ns = time_ns,
		.end = end,
		.entries = log->entry_count,
	};
}

static bool changed(const struct diag_socket *was, const struct diag_socket *is)
{
	return was->state != is->state || was->timer != is->timer ||
	       was->send_queue != is->send_queue || (was->inode == 0) != (is->inode == 0);
}

void kernel_log_add(struct kernel_log *log, enum end end, int64_t time_ns,
		    const struct diag_sockets *now)
{
	struct diag_sockets *last = &log->last[end];

	for (size_t i = 0; i < last->count; i++)
		if (last->sockets[i].state != STATE_LISTEN && !socket_like(now, &last->sockets[i]))
			add_entry(log, end, time_ns, &last->sockets[i], STATE_CLOSED);
	for (size_t i = 0; i < now->count; i++) {
		const struct diag_socket *is = &now->sockets[i], *was;

		if (is->state == STATE_LISTEN || socket_like(now, is) != is)
			continue;
		was = socket_like(last, is);
		if (!was || changed(was, is))
			add_entry(log, end, time_ns, is, is->state);
	}
	last->count = now->count;
	memcpy(last->sockets, now->sockets, now->count * sizeof(now->sockets[0]));
	add_look(log, end, time_ns);
}

void kernel_log_clear(struct kernel_log *log)
{
	free(log->entries);
	free(log->looks);
	*log = (struct kernel_log){ .entry_count = 0 };
}

const struct kernel_entry *kernel_log_at(const struct kernel_log *log, enum end end,
					 uint16_t local_port, uint16_t remote_port, int64_t time_ns)
{
	const struct kernel_entry *found = NULL;

	for (size_t i = 0; i < log->entry_count && log->entries[i].time_ns <= time_ns; i++) {
		const struct kernel_entry *entry = &log->entries[i];

		if (entry->end == end && entry->local_port == local_port &&
		    entry->remote_port == remote_port)
			found = entry;
	}
	return found;
}

/* The order in which one segment is dealt with: its ACK before its FIN (RFC 9293, 3.10.7.4). */
static const enum tcp_event likely_events[] = {
	EVENT_RECEIVE_SYN_ACK,	  EVENT_RECEIVE_SYN,
	EVENT_SEND_SYN_ACK,	  EVENT_RECEIVE_ACK_OF_SYN,
	EVENT_RECEIVE_ACK_OF_FIN, EVENT_RECEIVE_FIN,
	EVENT_SEND_FIN,		  EVENT_RECEIVE_RST,
	EVENT_SEND_RST,		  EVENT_TIMEOUT,
	EVENT_TIME_WAIT_OVER,	  EVENT_SEND_SYN, /* nobody connects a listener */
};

/* The shortest way between two states by the transition table. Return: how many states lie between,
   put into @between; 0: none, or there is no way. */
static size_t states_between(enum tcp_state from, enum tcp_state to,
			     enum tcp_state between[static STATE_COUNT])
{
	enum tcp_state came[STATE_COUNT], queue[STATE_COUNT], way[STATE_COUNT];
	size_t head = 0, tail = 0, length = 0;
	bool seen[STATE_COUNT] = { false };

	queue[tail++] = from;
	seen[from] = true;
	while (head < tail && !seen[to]) {
		enum tcp_state at = queue[head++];

		for (size_t i = 0; i < sizeof(likely_events) / sizeof(likely_events[0]); i++) {
			enum tcp_state next = tcp_state_next(at, likely_events[i]);

			if (seen[next])
				continue;
			seen[next] = true;
			came[next] = at;
			queue[tail++] = next;
		}
	}
	if (!seen[to] || from == to)
		return 0;
	for (enum tcp_state at = came[to]; at != from; at = came[at])
		way[length++] = at;
	for (size_t i = 0; i < length; i++)
		between[i] = way[length - 1 - i];
	return length;
}

/* The states of this end in the engine's words, over all connections of these ports. */
struct engine_path {
	enum tcp_state states[KERNEL_PATH_MOST];
	int64_t times_ns[KERNEL_PATH_MOST]; /* of the frames that caused them */
	size_t count, at;
};

static int64_t time_of_frame(const struct told_frames *told, uint64_t number)
{
	for (size_t i = 0; i < told->count; i++)
		if (told->frames[i].number == number)
			return told->frames[i].time_ns;
	return INT64_MAX; /* no segment caused it */
}

static void engine_path_add(struct engine_path *engine, const struct state_entry *entry,
			    const struct told_frames *told)
{
	if (engine->count == KERNEL_PATH_MOST || entry->state == STATE_LISTEN)
		return;
	engine->times_ns[engine->count] = time_of_frame(told, entry->frame);
	engine->states[engine->count++] = (enum tcp_state)entry->state;
}

static void engine_path_read(struct engine_path *engine, const struct path_of *of)
{
	uint16_t local = of->end == END_CLIENT ? of->client_port : of->server_port;
	uint16_t remote = of->end == END_CLIENT ? of->server_port : of->client_port;

	engine->count = engine->at = 0;
	for (size_t i = 0; of->found && i < of->found->conn_count; i++) {
		const struct found_conn *conn = &of->found->conns[i];
		enum end own = conn->port[of->end] == local ? of->end : end_other(of->end);

		if (conn->port[own] != local || conn->port[end_other(own)] != remote)
			continue;
		for (unsigned k = 0; k < conn->state_count[own]; k++)
			engine_path_add(engine, &conn->states[own][k], of->told);
	}
}

/* The way to what a look found, as the engine had gone it by then, else the shortest one. Return:
   states in @between. */
static size_t way_to(struct engine_path *engine, enum tcp_state from,
		     const struct kernel_entry *entry, enum tcp_state between[static STATE_COUNT])
{
	size_t passed = 0;

	for (size_t at = engine->at; at < engine->count && at - engine->at < STATE_COUNT; at++) {
		/* The very next one may have been seen just before its segment left. */
		if (at > engine->at && engine->times_ns[at] > entry->time_ns)
			break;
		if (engine->states[at] == entry->state) {
			engine->at = at + 1;
			return passed;
		}
		between[passed++] = engine->states[at];
	}
	return states_between(from, entry->state, between);
}

size_t kernel_path(const struct kernel_log *log, const struct path_of *of,
		   struct kernel_step path[static KERNEL_PATH_MOST])
{
	uint16_t local = of->end == END_CLIENT ? of->client_port : of->server_port;
	uint16_t remote = of->end == END_CLIENT ? of->server_port : of->client_port;
	enum tcp_state at = of->end == END_CLIENT ? STATE_CLOSED : STATE_LISTEN;
	struct engine_path engine;
	size_t count = 0;

	engine_path_read(&engine, of);
	for (size_t i = 0; i < log->entry_count; i++) {
		const struct kernel_entry *entry = &log->entries[i];
		enum tcp_state between[STATE_COUNT];
		size_t passed;

		if (entry->end != of->end || entry->local_port != local ||
		    entry->remote_port != remote || entry->state == at)
			continue;
		passed = way_to(&engine, at, entry, between);
		for (size_t k = 0; k < passed && count < KERNEL_PATH_MOST; k++)
			path[count++] = (struct kernel_step){ between[k], true, entry->time_ns };
		if (count < KERNEL_PATH_MOST)
			path[count++] = (struct kernel_step){ entry->state, false, entry->time_ns };
		at = entry->state;
	}
	return count;
}

static const char *const difference_names[] = {
	[STATE_OFF_WIRE] = "off the wire",
	[STATE_FIN_QUEUED] = "its FIN waits behind data",
	[STATE_NO_REQUEST] = "SYN cookie: no request is kept",
	[STATE_NOT_TAKEN] = "the ACK of its SYN-ACK was not taken",
	[STATE_NO_ROOM] = "no room for TIME_WAIT or FIN_WAIT_2",
	[STATE_DISAGREES] = "disagrees",
};

const char *state_difference_name(enum state_difference difference)
{
	return difference_names[difference];
}

void state_notes_clear(struct state_notes *notes)
{
	free(notes->notes);
	*notes = (struct state_notes){ .count = 0 };
}
