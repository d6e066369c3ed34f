/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames in memory through decode, track and judge. */
#include "lab/found.h"

#include <stdlib.h>
#include <string.h>

#include "lab/retell.h"

static void take_conn(void *context, const struct conn *conn, const struct judgement *judgement,
		      const struct rows *rows)
{
	struct found *found = context;

	(void)rows;
	if (found->conn_count == found->conn_room) {
		size_t more = found->conn_room ? found->conn_room * 2 : 4;
		struct found_conn *conns = realloc(found->conns, more * sizeof(conns[0]));

		if (!conns) {
			found->out_of_memory = true;
			return;
		}
		found->conns = conns;
		found->conn_room = more;
	}

	struct found_conn *own = &found->conns[found->conn_count++];

	memset(own, 0, sizeof(*own));
	own->conn = conn->conn;
	own->layer = conn->layer;
	own->opening = conn->opening;
	own->judged_frame = conn->judged_frame;
	own->at_end = conn->at_end;
	own->reset_count = conn->reset_count;
	memcpy(own->resets, conn->resets, conn->reset_count * sizeof(own->resets[0]));
	for (unsigned end = 0; end < ENDS; end++) {
		const struct half *half = &conn->half[end];

		own->ip[end] = half->ip;
		own->port[end] = half->port;
		own->state[end] = half->state;
		own->state_count[end] = half->state_count;
		memcpy(own->states[end], half->states,
		       half->state_count * sizeof(own->states[end][0]));
	}
	own->judgement = *judgement;
}

static void take_group(void *context, const struct group_verdict *group)
{
	struct found *found = context;

	if (found->group_count == found->group_room) {
		size_t more = found->group_room ? found->group_room * 2 : 8;
		struct found_group *groups = realloc(found->groups, more * sizeof(groups[0]));

		if (!groups) {
			found->out_of_memory = true;
			return;
		}
		found->groups = groups;
		found->group_room = more;
	}
	found->groups[found->group_count++] = (struct found_group){
		.verdict = group->verdict,
		.host = group->host,
		.conn_total = group->conn_total,
	};
}

bool found_run(struct found *found, const struct frame *frames, size_t count, int64_t end_ns,
	       const char *disabled)
{
	const struct retell_options options = { .end_ns = end_ns, .disabled = disabled };
	const struct retell_sink sink = { .context = found,
					  .conn = take_conn,
					  .group = take_group };

	return retell(frames, count, &options, &sink) && !found->out_of_memory;
}

void found_clear(struct found *found)
{
	free(found->conns);
	free(found->groups);
	*found = (struct found){ 0 };
}

const struct found_conn *found_conn_at(const struct found *found, uint64_t conn)
{
	for (size_t i = 0; i < found->conn_count; i++)
		if (found->conns[i].conn == conn)
			return &found->conns[i];
	return NULL;
}

const struct verdict *judgement_verdict(const struct judgement *judgement, unsigned index)
{
	if (judgement->has_open) {
		if (index == 0)
			return &judgement->open;
		index--;
	}
	if (index < judgement->life_count)
		return &judgement->life[index];
	return index == judgement->life_count && judgement->has_end ? &judgement->end : NULL;
}
