/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's states against the engine's (docs/lab-states.md). */
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "decode/decode.h"
#include "lab/states.h"

/* A TCP segment at the tap, as far as the comparison needs it. */
struct passed {
	uint64_t number;
	int64_t time_ns;
	uint16_t local_port, remote_port;
	bool leaves; /* this end sent it */
	uint8_t flags;
};

struct passing {
	struct passed *segments; /* owned */
	size_t count;
};

/* Comparing one connection's end. */
struct comparing {
	const struct kernel_log *log;
	const struct found *found;
	/* Of this connection's end alone, in order of time: */
	struct passing passing;
	const struct kernel_entry **entries; /* owned */
	size_t entry_count;
	struct state_notes *notes;
	enum end end;
	uint16_t local_port, remote_port;
	const struct ip_address *local; /* of this end */
	bool no_timewait;		/* its host may keep none */
	/* The last look that agreed, or whose difference is explained and lasts. */
	int64_t agreed_ns;
	bool differs; /* off the wire, so: */
	enum tcp_state kernel, engine;
	enum state_difference noted; /* the last note, not to be repeated */
	bool has_noted;
	enum tcp_state noted_kernel, noted_engine;
};

static bool passing_read(struct passing *passing, const struct ip_address *local,
			 const struct frame *tap, size_t count)
{
	struct decoder *decoder = decoder_new(0);
	struct segment_batch *batch = malloc(sizeof(*batch));

	passing->segments = calloc(count + 1, sizeof(passing->segments[0]));
	for (size_t i = 0; decoder && batch && passing->segments && i < count; i++) {
		const struct segment *seg = &batch->segments[0];

		decode_batch_begin(decoder, batch);
		decode_frame(decoder, &tap[i], batch);
		if (segment_has(seg, SEGMENT_NOT_TCP | SEGMENT_QUOTED))
			continue;

		bool leaves = ip_address_equal(&seg->src, local);

		passing->segments[passing->count++] = (struct passed){
			.number = tap[i].number,
			.time_ns = tap[i].time_ns,
			.leaves = leaves,
			.local_port = leaves ? seg->src_port : seg->dst_port,
			.remote_port = leaves ? seg->dst_port : seg->src_port,
			.flags = seg->flags,
		};
	}

	bool ok = decoder && batch && passing->segments;

	decoder_free(decoder);
	free(batch);
	return ok;
}

static bool is_of(const struct comparing *comparing, const struct passed *segment)
{
	return segment->local_port == comparing->local_port &&
	       segment->remote_port == comparing->remote_port;
}

/* The last segment of this connection at or before a time. */
static const struct passed *last_before(const struct comparing *comparing, int64_t time_ns)
{
	const struct passed *found = NULL;

	for (size_t i = 0; i < comparing->passing.count; i++) {
		if (comparing->passing.segments[i].time_ns > time_ns)
			break;
		found = &comparing->passing.segments[i];
	}
	return found;
}

/* Whether this end sent a segment with these flags at or before a time. */
static bool has_sent(const struct comparing *comparing, uint8_t flags, int64_t time_ns)
{
	for (size_t i = 0; i < comparing->passing.count; i++) {
		const struct passed *segment = &comparing->passing.segments[i];

		if (segment->time_ns <= time_ns && segment->leaves &&
		    (segment->flags & flags) == flags)
			return true;
	}
	return false;
}

/* What the kernel had of it at a time; NULL: nothing ever. */
static const struct kernel_entry *entry_before(const struct comparing *comparing, int64_t time_ns)
{
	const struct kernel_entry *found = NULL;

	for (size_t i = 0; i < comparing->entry_count; i++) {
		if (comparing->entries[i]->time_ns > time_ns)
			break;
		found = comparing->entries[i];
	}
	return found;
}

/* What a record says of its end after a frame; STATE_UNKNOWN: nothing by then. */
static enum tcp_state state_by(const struct found_conn *conn, enum end own, uint64_t frame)
{
	enum tcp_state state = STATE_UNKNOWN;

	for (unsigned i = 0; i < conn->state_count[own]; i++)
		if (conn->states[own][i].frame != 0 && conn->states[own][i].frame <= frame)
			state = (enum tcp_state)conn->states[own][i].state;
	return state;
}

/* What the engine says of this end after a frame: the newest record of these ports that says
   anything. A SYN begins a record, but a living socket that only challenges it is the old one's. */
static enum tcp_state engine_at(const struct comparing *comparing, uint64_t frame)
{
	enum tcp_state state = STATE_UNKNOWN;
	uint64_t newest = 0;

	for (size_t i = 0; i < comparing->found->conn_count; i++) {
		const struct found_conn *conn = &comparing->found->conns[i];

		for (enum end end = END_CLIENT; end < ENDS; end++) {
			if (conn->port[end] != comparing->local_port ||
			    conn->port[end_other(end)] != comparing->remote_port ||
			    !ip_address_equal(&conn->ip[end], comparing->local) ||
			    conn->conn > frame || conn->conn < newest)
				continue;

			enum tcp_state said = state_by(conn, end, frame);

			if (said == STATE_UNKNOWN)
				continue;
			newest = conn->conn;
			state = said;
		}
	}
	return state;
}

/* No socket: nothing of this connection has begun here, or it is over. */
static bool is_none(enum tcp_state state)
{
	return state == STATE_UNKNOWN || state == STATE_CLOSED || state == STATE_LISTEN;
}

static bool agree(enum tcp_state kernel, enum tcp_state engine)
{
	return kernel == engine || (is_none(kernel) && is_none(engine));
}

static void note(struct comparing *comparing, enum state_difference difference, int64_t time_ns,
		 uint64_t frame)
{
	struct state_notes *notes = comparing->notes;

	if (comparing->has_noted && comparing->noted == difference &&
	    comparing->noted_kernel == comparing->kernel &&
	    comparing->noted_engine == comparing->engine)
		return;
	comparing->has_noted = true;
	comparing->noted = difference;
	comparing->noted_kernel = comparing->kernel;
	comparing->noted_engine = comparing->engine;
	if (notes->count == notes->room) {
		size_t more = notes->room ? notes->room * 2 : 16;
		struct state_note *grown = realloc(notes->notes, more * sizeof(*grown));

		if (!grown) {
			notes->out_of_memory = true;
			return;
		}
		notes->notes = grown;
		notes->room = more;
	}
	notes->notes[notes->count++] = (struct state_note){
		.difference = difference,
		.end = comparing->end,
		.local_port = comparing->local_port,
		.remote_port = comparing->remote_port,
		.time_ns = time_ns,
		.frame = frame,
		.kernel = comparing->kernel,
		.engine = comparing->engine,
	};
}

/* Differences that have nothing to do with time. */
static bool explained(const struct comparing *comparing, int64_t time_ns, uint32_t send_queue,
		      enum state_difference *difference)
{
	enum tcp_state kernel = comparing->kernel, engine = comparing->engine;
	bool closing = (kernel == STATE_FIN_WAIT_1 && engine == STATE_ESTABLISHED) ||
		       (kernel == STATE_LAST_ACK && engine == STATE_CLOSE_WAIT);

	if (closing && send_queue > 1 && !has_sent(comparing, TCP_FIN, time_ns)) {
		*difference = STATE_FIN_QUEUED;
		return true;
	}
	if (is_none(kernel) && engine == STATE_SYN_RECEIVED &&
	    has_sent(comparing, TCP_SYN | TCP_ACK, time_ns)) {
		*difference = STATE_NO_REQUEST;
		return true;
	}
	if (is_none(kernel) && comparing->no_timewait &&
	    (engine == STATE_FIN_WAIT_2 || engine == STATE_TIME_WAIT)) {
		*difference = STATE_NO_ROOM;
		return true;
	}
	if (kernel == STATE_SYN_RECEIVED && comparing->end == END_SERVER &&
	    (engine == STATE_ESTABLISHED || engine == STATE_CLOSE_WAIT)) {
		*difference = STATE_NOT_TAKEN;
		return true;
	}
	return false;
}

static bool arrived_between(const struct comparing *comparing, int64_t after_ns, int64_t until_ns)
{
	for (size_t i = 0; i < comparing->passing.count; i++) {
		const struct passed *segment = &comparing->passing.segments[i];

		if (!segment->leaves && segment->time_ns > after_ns && segment->time_ns <= until_ns)
			return true;
	}
	return false;
}

/* A busy kernel may take a delivered segment only after the look: whether one of the next looks
   agrees, and nothing more has arrived by then. */
static bool catches_up(const struct comparing *comparing, const struct kernel_look *look)
{
	const struct kernel_log *log = comparing->log;
	const struct kernel_look *end = log->looks + log->look_count;

	for (const struct kernel_look *next = look + 1; next < end; next++) {
		const struct kernel_entry *entry = entry_before(comparing, next->time_ns);
		const struct passed *last = last_before(comparing, next->time_ns);

		if (next->end != comparing->end)
			continue;
		if (arrived_between(comparing, look->time_ns, next->time_ns))
			return false;
		if (entry && last && agree(entry->state, engine_at(comparing, last->number)))
			return true;
	}
	return false;
}

static void compare_look(struct comparing *comparing, const struct kernel_look *look)
{
	const struct kernel_entry *entry = entry_before(comparing, look->time_ns);
	const struct passed *last = last_before(comparing, look->time_ns);
	enum tcp_state kernel = entry ? entry->state : STATE_UNKNOWN;
	enum tcp_state engine = last ? engine_at(comparing, last->number) : STATE_UNKNOWN;
	bool silent = !last || last->time_ns <= comparing->agreed_ns;
	bool lasts =
		comparing->differs && comparing->kernel == kernel && comparing->engine == engine;
	enum state_difference difference = STATE_DISAGREES;

	comparing->notes->compared++;
	comparing->kernel = kernel;
	comparing->engine = engine;
	/* Its SYN is on its way to the tap. */
	if (agree(kernel, engine) || (!last && kernel == STATE_SYN_SENT)) {
		comparing->agreed_ns = look->time_ns;
		comparing->differs = false;
		comparing->has_noted = false;
		return;
	}
	if (lasts)
		return;
	if (!silent && catches_up(comparing, look))
		return;
	if (explained(comparing, look->time_ns, entry ? entry->send_queue : 0, &difference)) {
		comparing->agreed_ns = look->time_ns;
	} else if (silent) {
		difference = STATE_OFF_WIRE;
		comparing->differs = true;
		comparing->agreed_ns = look->time_ns;
	}
	note(comparing, difference, look->time_ns, last ? last->number : 0);
}

/* Pick what is this connection's out of everything. Return: false, out of memory. */
static bool pick(struct comparing *comparing, const struct passing *all)
{
	const struct kernel_log *log = comparing->log;

	comparing->passing.segments = calloc(all->count + 1, sizeof(all->segments[0]));
	comparing->entries = calloc(log->entry_count + 1, sizeof(struct kernel_entry *));
	if (!comparing->passing.segments || !comparing->entries)
		return false;
	for (size_t i = 0; i < all->count; i++)
		if (is_of(comparing, &all->segments[i]))
			comparing->passing.segments[comparing->passing.count++] = all->segments[i];
	for (size_t i = 0; i < log->entry_count; i++) {
		const struct kernel_entry *entry = &log->entries[i];

		if (entry->end == comparing->end && entry->local_port == comparing->local_port &&
		    entry->remote_port == comparing->remote_port)
			comparing->entries[comparing->entry_count++] = entry;
	}
	return true;
}

static void compare_conn(struct comparing *comparing)
{
	comparing->agreed_ns = INT64_MIN;
	for (size_t i = 0; i < comparing->log->look_count; i++)
		if (comparing->log->looks[i].end == comparing->end)
			compare_look(comparing, &comparing->log->looks[i]);
}

/* Whether a segment is the first of its connection at this tap. */
static bool is_first(const struct passing *passing, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (passing->segments[i].local_port == passing->segments[at].local_port &&
		    passing->segments[i].remote_port == passing->segments[at].remote_port)
			return false;
	return true;
}

void states_compare(const struct states_input *input, struct state_notes *notes)
{
	struct passing passing = { .count = 0 };

	if (!passing_read(&passing, input->local, input->tap, input->tap_count))
		notes->out_of_memory = true;
	for (size_t i = 0; i < passing.count; i++) {
		const struct passed *segment = &passing.segments[i];
		struct comparing comparing = {
			.log = input->log,
			.found = input->found,
			.notes = notes,
			.end = input->end,
			.local = input->local,
			.no_timewait = input->no_timewait,
			.local_port = segment->local_port,
			.remote_port = segment->remote_port,
		};

		/* A connection of the host with itself has both ends here: one socket. */
		if (!is_first(&passing, i) || segment->local_port == segment->remote_port)
			continue;
		if (pick(&comparing, &passing))
			compare_conn(&comparing);
		else
			notes->out_of_memory = true;
		free(comparing.passing.segments);
		free(comparing.entries);
	}
	free(passing.segments);
}
