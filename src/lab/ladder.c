/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/ladder.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/time.h"

#define STATE_COLUMNS 14
#define ARROW_COLUMNS 36
#define LABEL_BYTES   160

/* Longer ladders lose their middle. */
#define ROWS_MOST     60
#define ROWS_AT_EDGES 24

/* What is drawn in one row. */
struct drawn {
	const struct sighting *leaves, *arrives; /* one may be NULL */
	uint64_t leave_frame, arrive_frame;
};

struct drawing {
	struct out *out;
	const struct run *run;
	bool utf8;
	uint16_t conns; /* more than one connection: rows name the client's port */
};

/* Whether the kernel itself showed this state of a connection's end at any look. */
static bool was_seen(const struct run *run, enum end end, uint16_t local, uint16_t remote,
		     enum tcp_state state)
{
	for (size_t i = 0; i < run->kernel.entry_count; i++) {
		const struct kernel_entry *entry = &run->kernel.entries[i];

		if (entry->end == end && entry->local_port == local &&
		    entry->remote_port == remote && entry->state == state)
			return true;
	}
	/* No socket before the first: a closed port or a listener, which shows by its absence. */
	return state == STATE_CLOSED || state == STATE_LISTEN;
}

/* The state that an end entered with a frame of its own tap; STATE_UNKNOWN: it stayed. */
static enum tcp_state entered(const struct run *run, enum end end, const struct told_frame *told,
			      bool *seen)
{
	const struct found *found = &run->found[end];
	uint16_t local = end == END_CLIENT ? told->traits.client_port : told->traits.server_port;
	uint16_t remote = end == END_CLIENT ? told->traits.server_port : told->traits.client_port;
	enum tcp_state state = STATE_UNKNOWN;

	for (size_t i = 0; i < found->conn_count; i++) {
		const struct found_conn *conn = &found->conns[i];
		enum end own = conn->port[END_CLIENT] == local ? END_CLIENT : END_SERVER;

		if (conn->port[own] != local || conn->port[end_other(own)] != remote)
			continue;
		for (unsigned k = 0; k < conn->state_count[own]; k++)
			if (conn->states[own][k].frame == told->number)
				state = (enum tcp_state)conn->states[own][k].state;
	}
	*seen = state == STATE_UNKNOWN || was_seen(run, end, local, remote, state);
	return state;
}

static const struct told_frame *told_of(const struct run *run, enum end tap, uint64_t number)
{
	for (size_t i = 0; i < run->told[tap].count; i++)
		if (run->told[tap].frames[i].number == number)
			return &run->told[tap].frames[i];
	return NULL;
}

static void put_padded(struct out *out, const char *text, size_t columns)
{
	size_t used = strlen(text);

	out_text(out, text);
	out_spaces(out, columns > used ? columns - used : 1);
}

static void put_state(const struct drawing *drawing, enum end end, const struct told_frame *told)
{
	char text[32] = "";
	bool seen = true;
	enum tcp_state state = told ? entered(drawing->run, end, told, &seen) : STATE_UNKNOWN;

	if (state != STATE_UNKNOWN)
		snprintf(text, sizeof(text), seen ? "%s" : "(%s)", tcp_state_name(state));
	put_padded(drawing->out, text, STATE_COLUMNS);
}

static void label_of(const struct drawing *drawing, const struct told_frame *told,
		     char label[static LABEL_BYTES])
{
	struct notation line = told->said;
	char text[NOTATION_TEXT_BYTES];
	struct text said = text_over(text, sizeof(text));
	const char *at;

	line.said &= SAID_ACK | (told->said.flags & TCP_SYN ? SAID_WINDOW : 0);
	if (told->said.window == 0 && !(told->said.flags & TCP_RST))
		line.said |= SAID_WINDOW;
	notation_print(&line, &said);
	at = strstr(text, "C>S ");
	if (!at)
		at = strstr(text, "S>C ");
	at = at ? at + 4 : text;
	if (drawing->conns > 1)
		snprintf(label, LABEL_BYTES, "%u: %.100s", told->traits.client_port, at);
	else
		snprintf(label, LABEL_BYTES, "%.120s", at);
}

static void put_dashes(const struct drawing *drawing, size_t count)
{
	for (size_t i = 0; i < count; i++)
		out_text(drawing->out, drawing->utf8 ? "\xe2\x94\x80" : "-");
}

/* What became of a segment that is drawn leaving only; "" where it simply arrives later. */
static void fate_of(const struct sighting *sighting, char fate[static 24])
{
	if (sighting->fate && strcmp(sighting->fate, "copied") != 0)
		snprintf(fate, 24, "%s", sighting->fate);
	else
		snprintf(fate, 24, "%s", "...");
}

/* The arrow: the label on the side where the segment is, the fate where it is lost. */
static void put_arrow(const struct drawing *drawing, const struct drawn *row,
		      const struct told_frame *told)
{
	char label[LABEL_BYTES], fate[24] = "";
	bool right = told->traits.from == END_CLIENT;
	size_t used, dashes;

	label_of(drawing, told, label);
	label[ARROW_COLUMNS - 3] = '\0';
	if (!row->arrives)
		fate_of(row->leaves, fate);
	used = strlen(label) + 2 + (fate[0] ? strlen(fate) + 1 : 0);
	if (used > ARROW_COLUMNS) { /* the label is worth more */
		fate[0] = '\0';
		used = strlen(label) + 2;
	}
	dashes = ARROW_COLUMNS > used ? ARROW_COLUMNS - used : 0;
	if (right) {
		out_text(drawing->out, label);
		out_char(drawing->out, ' ');
		put_dashes(drawing, dashes);
		out_text(drawing->out, fate[0] ? " " : ">");
		out_text(drawing->out, fate);
		if (fate[0])
			out_char(drawing->out, ' ');
	} else {
		if (fate[0]) {
			out_text(drawing->out, fate);
			out_char(drawing->out, ' ');
		}
		out_char(drawing->out, fate[0] ? ' ' : '<');
		put_dashes(drawing, dashes);
		out_char(drawing->out, ' ');
		out_text(drawing->out, label);
	}
}

/* A packet that is no TCP segment: an ICMP error. */
static void put_other(const struct drawing *drawing, const struct drawn *row, double seconds)
{
	const struct sighting *at = row->leaves ? row->leaves : row->arrives;

	out_format(drawing->out, "%9.4f ", seconds);
	out_spaces(drawing->out, STATE_COLUMNS);
	out_format(drawing->out, "an ICMP error %s the %s, frame %" PRIu64 "\n",
		   at->leaves ? "leaves" : "reaches", at->tap == END_CLIENT ? "client" : "server",
		   row->leaves ? row->leave_frame : row->arrive_frame);
}

static void put_row(const struct drawing *drawing, const struct drawn *row)
{
	const struct sighting *at = row->leaves ? row->leaves : row->arrives;
	uint64_t number = row->leaves ? row->leave_frame : row->arrive_frame;
	const struct told_frame *told = told_of(drawing->run, at->tap, number);
	double seconds = (double)(at->time_ns - drawing->run->record.sightings[0].time_ns) /
			 (double)NSEC_PER_SEC;
	const struct told_frame *at_end[ENDS] = { NULL, NULL };

	if (!told) {
		put_other(drawing, row, seconds);
		return;
	}
	if (row->leaves)
		at_end[row->leaves->tap] =
			told_of(drawing->run, row->leaves->tap, row->leave_frame);
	if (row->arrives)
		at_end[row->arrives->tap] =
			told_of(drawing->run, row->arrives->tap, row->arrive_frame);
	out_format(drawing->out, "%9.4f ", seconds);
	put_state(drawing, END_CLIENT, at_end[END_CLIENT]);
	put_arrow(drawing, row, told);
	out_char(drawing->out, ' ');
	put_state(drawing, END_SERVER, at_end[END_SERVER]);
	if (row->leaves)
		out_format(drawing->out, "%" PRIu64, row->leave_frame);
	if (row->leaves && row->arrives)
		out_char(drawing->out, ' ');
	if (row->arrives)
		out_format(drawing->out, "%" PRIu64, row->arrive_frame);
	if (at->crafted)
		out_text(drawing->out, "*");
	out_char(drawing->out, '\n');
}

/* Changes that no segment caused, up to a moment. */
static void put_silent(const struct drawing *drawing, size_t *next, int64_t until_ns)
{
	const struct run *run = drawing->run;

	for (; *next < run->notes.count; (*next)++) {
		const struct state_note *note = &run->notes.notes[*next];
		double seconds = (double)(note->time_ns - run->record.sightings[0].time_ns) /
				 (double)NSEC_PER_SEC;

		if (note->time_ns > until_ns)
			return;
		out_format(drawing->out, "%9.4f ", seconds);
		put_padded(drawing->out,
			   note->end == END_CLIENT ? tcp_state_name(note->kernel) : "",
			   STATE_COLUMNS);
		put_padded(drawing->out,
			   note->difference == STATE_OFF_WIRE
				   ? "  (no segment: a timer or the program)"
				   : state_difference_name(note->difference),
			   ARROW_COLUMNS + 1);
		if (note->end == END_SERVER)
			out_text(drawing->out, tcp_state_name(note->kernel));
		out_char(drawing->out, '\n');
	}
}

static void put_head(const struct drawing *drawing)
{
	char address[ENDS][ADDRESS_TEXT_BYTES], line[96];

	for (unsigned end = 0; end < ENDS; end++)
		ip_address_print(&drawing->run->net.address[end], address[end]);
	snprintf(line, sizeof(line), "%-*s%*s", ARROW_COLUMNS / 2, address[END_CLIENT],
		 ARROW_COLUMNS - ARROW_COLUMNS / 2, address[END_SERVER]);
	out_text(drawing->out, "  seconds ");
	put_padded(drawing->out, "client", STATE_COLUMNS);
	out_text(drawing->out, line);
	out_char(drawing->out, ' ');
	put_padded(drawing->out, "server", STATE_COLUMNS);
	out_text(drawing->out, "frames\n");
}

/* How many connections passed. */
static uint16_t count_conns(const struct run *run)
{
	uint16_t ports[2] = { 0, 0 };
	uint16_t count = 0;

	for (size_t i = 0; i < run->on_wire_count && count < 2; i++) {
		uint16_t port = run->on_wire[i].traits.client_port;

		if (port != ports[0] && port != ports[1])
			ports[count++] = port;
	}
	return count;
}

void lab_ladder_draw(struct out *out, const struct run *run, bool utf8)
{
	const struct record *record = &run->record;
	struct drawing drawing = { .out = out, .run = run, .utf8 = utf8 };
	size_t next = 0, drawn = 0, left = 0;

	if (record->count == 0)
		return;
	drawing.conns = count_conns(run);
	put_head(&drawing);
	for (size_t i = 0; i < record->count; i++) {
		const struct sighting *at = &record->sightings[i];
		struct drawn row = { .leaves = at->leaves ? at : NULL,
				     .arrives = at->leaves ? NULL : at,
				     .leave_frame = i + 1,
				     .arrive_frame = i + 1 };

		put_silent(&drawing, &next, at->time_ns);
		if (at->leaves && i + 1 < record->count && !record->sightings[i + 1].leaves &&
		    record->sightings[i + 1].origin == at->order + 1) {
			row.arrives = &record->sightings[++i];
			row.arrive_frame = i + 1;
		}
		if (record->count > ROWS_MOST && drawn >= ROWS_AT_EDGES &&
		    i + ROWS_AT_EDGES < record->count) {
			left++;
			continue;
		}
		if (left > 0)
			out_format(out, "      ... %zu rows\n", left);
		left = 0;
		put_row(&drawing, &row);
		drawn++;
	}
	put_silent(&drawing, &next, INT64_MAX);
}
