/* SPDX-License-Identifier: BSD-2-Clause */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "judge/context.h"
#include "judge/group.h"
#include "judge/hosts.h"
#include "judge/judge.h"
#include "judge/timewait.h"

#define THEMES_MOST 48

struct judge {
	struct host_table *hosts; /* owned */
	struct group *group;	  /* owned */
	/* Per theme a bit for each of its entries; tests switch rules off with it. */
	uint64_t disabled[THEMES_MOST];
};

struct judge *judge_new(void)
{
	struct judge *judge = calloc(1, sizeof(*judge));

	if (!judge)
		return NULL;
	judge->hosts = host_table_new();
	judge->group = group_new();
	if (!judge->hosts || !judge->group) {
		judge_free(judge);
		return NULL;
	}
	return judge;
}

void judge_free(struct judge *judge)
{
	if (!judge)
		return;
	group_free(judge->group);
	host_table_free(judge->hosts);
	free(judge);
}

bool judge_disable(struct judge *judge, const char *id)
{
	size_t count;
	const struct theme *const *themes = catalogue_themes(&count);

	for (size_t t = 0; t < count; t++) {
		for (size_t e = 0; e < themes[t]->count; e++) {
			if (strcmp(themes[t]->entries[e].id, id) != 0)
				continue;
			judge->disabled[t] |= UINT64_C(1) << e;
			group_disable(judge->group, id);
			return true;
		}
	}
	return false;
}

void judge_host(struct judge *judge, const struct host_sighting *host)
{
	host_table_add(judge->hosts, host);
}

/* What holds for every verdict, whatever its rule said. */
static void settle(const struct context *context, struct verdict *verdict)
{
	assert(verdict->confidence <= verdict->entry->wire_max);
	if (verdict->confidence > verdict->entry->wire_max)
		verdict->confidence = verdict->entry->wire_max;
	if (verdict->entry->rests_on_silence && context->capture_suspect)
		verdict_lower(verdict);
}

static bool theme_of(const struct theme *theme, enum phase phase, const struct context *context)
{
	return theme->count && theme->entries[0].phase == phase &&
	       (!theme->applies || theme->applies(context));
}

/* Opening or ending: the first rule that holds. */
static bool judge_one(const struct judge *judge, const struct context *context, enum phase phase,
		      struct verdict *out)
{
	size_t count;
	const struct theme *const *themes = catalogue_themes(&count);
	unsigned nearly = 0; /* exclusions of the rules that nearly fitted */

	for (size_t t = 0; t < count; t++) {
		if (!theme_of(themes[t], phase, context))
			continue;
		for (size_t e = 0; e < themes[t]->count; e++) {
			const struct entry *entry = &themes[t]->entries[e];

			if (!entry->holds || (judge->disabled[t] >> e & 1))
				continue;
			verdict_begin(out, entry);
			out->excluded_count = nearly;
			if (entry->holds(context, out)) {
				settle(context, out);
				return true;
			}
			nearly = out->excluded_count;
		}
	}
	return false;
}

/* What happened on the way: every rule that holds. */
static void judge_life(const struct judge *judge, const struct context *context,
		       struct judgement *out)
{
	size_t count;
	const struct theme *const *themes = catalogue_themes(&count);

	for (size_t t = 0; t < count; t++) {
		if (!theme_of(themes[t], PHASE_LIFE, context))
			continue;
		for (size_t e = 0; e < themes[t]->count; e++) {
			const struct entry *entry = &themes[t]->entries[e];
			struct verdict *verdict = &out->life[out->life_count];

			if (!entry->holds || (judge->disabled[t] >> e & 1))
				continue;
			if (out->life_count == JUDGEMENT_LIFE_MOST)
				return;
			verdict_begin(verdict, entry);
			if (entry->holds(context, verdict)) {
				settle(context, verdict);
				out->life_count++;
			}
		}
	}
}

/* An opening that failed has no end. */
static bool has_ending(const struct conn *conn, const struct judgement *out)
{
	if (out->has_open && out->open.entry->look &&
	    catalogue_id_below(out->open.entry->id, "open.half"))
		return false;
	return conn->opening == OPENING_SUCCEEDED || conn->opening == OPENING_MID_CAPTURE;
}

static int8_t closed_first(const struct conn *conn, const struct judgement *out)
{
	if (!out->has_end || conn->closed_first >= 0)
		return out->has_end ? conn->closed_first : -1;
	if (conn->ending_reset < 0 || out->end.by == ACTOR_MIDDLE)
		return -1;
	return (int8_t)conn->resets[conn->ending_reset].at.from;
}

void judge_conn(struct judge *judge, const struct conn *conn, struct judgement *out)
{
	struct context context = {
		.conn = conn,
		.hosts = judge->hosts,
		.so_far = out,
		.capture_suspect = conn->quality.one_sided || conn->quality.unseen_acked > 0,
	};

	out->has_end = false;
	out->life_count = 0;
	out->has_open = judge_one(judge, &context, PHASE_OPEN, &out->open);
	if (has_ending(conn, out))
		out->has_end = judge_one(judge, &context, PHASE_END, &out->end);
	judge_life(judge, &context, out);
	out->closed_first = closed_first(conn, out);
	for (unsigned end = 0; end < ENDS; end++)
		timewait_judge(conn, (enum end)end, &out->time_wait[end]);
	group_add(judge->group, conn, out);
}

void judge_groups(struct judge *judge, int64_t capture_end_ns,
		  void (*found)(void *context, const struct group_verdict *group), void *context)
{
	struct group_sink sink = { .found = found, .context = context };

	group_finish(judge->group, capture_end_ns, &sink);
}
