/* SPDX-License-Identifier: BSD-2-Clause */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "judge/context.h"
#include "judge/group.h"
#include "judge/hosts.h"
#include "judge/judge.h"
#include "judge/timewait.h"

/* Rules of one phase, as the catalogue orders them: compact, because every connection walks it. */
#define GATES_MOST 48
#define RULES_MOST 128

struct gate {
	bool (*applies)(const struct context *context); /* NULL: always */
	unsigned first, end;				/* its rules */
};

struct rule {
	bool (*holds)(const struct context *context, struct verdict *out);
	const struct entry *entry;
};

struct phase_rules {
	struct gate gates[GATES_MOST];
	struct rule rules[RULES_MOST];
	unsigned gate_count, rule_count;
};

struct judge {
	struct host_table *hosts;		  /* owned */
	struct group *group;			  /* owned */
	struct phase_rules rules[PHASE_GROUP];	  /* by enum phase */
	struct phase_rules straight[PHASE_GROUP]; /* those that may hold for conn.straight */
};

/* @straight: only what may hold for a connection that went straight */
static void add_theme(struct phase_rules *to, const struct theme *theme, bool straight)
{
	struct gate *gate = &to->gates[to->gate_count];

	assert(to->gate_count < GATES_MOST && to->rule_count + theme->count <= RULES_MOST);
	gate->applies = theme->applies;
	gate->first = to->rule_count;
	for (size_t e = 0; e < theme->count; e++) {
		const struct entry *entry = &theme->entries[e];

		if (entry->holds && (!straight || entry->straight))
			to->rules[to->rule_count++] =
				(struct rule){ .holds = entry->holds, .entry = entry };
	}
	gate->end = to->rule_count;
	to->gate_count += gate->end > gate->first;
}

struct judge *judge_new(void)
{
	struct judge *judge = calloc(1, sizeof(*judge));
	size_t count;
	const struct theme *const *themes = catalogue_themes(&count);

	if (!judge)
		return NULL;
	judge->hosts = host_table_new();
	judge->group = group_new();
	if (!judge->hosts || !judge->group) {
		judge_free(judge);
		return NULL;
	}
	for (size_t t = 0; t < count; t++) {
		unsigned phase = themes[t]->count ? themes[t]->entries[0].phase : PHASE_GROUP;

		if (phase == PHASE_GROUP)
			continue;
		add_theme(&judge->rules[phase], themes[t], false);
		add_theme(&judge->straight[phase], themes[t], true);
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

static bool never(const struct context *context, struct verdict *out)
{
	(void)context;
	(void)out;
	return false;
}

uint64_t judge_dropped(const struct judge *judge)
{
	return host_table_dropped(judge->hosts) + group_dropped(judge->group);
}

static void disable(struct phase_rules *rules, const struct entry *entry)
{
	for (unsigned i = 0; i < rules->rule_count; i++) {
		if (rules->rules[i].entry == entry)
			rules->rules[i].holds = never;
	}
}

bool judge_disable(struct judge *judge, const char *id)
{
	const struct entry *entry = catalogue_find(id);

	if (!entry)
		return false;
	group_disable(judge->group, id);
	for (unsigned phase = 0; phase < PHASE_GROUP; phase++) {
		disable(&judge->rules[phase], entry);
		disable(&judge->straight[phase], entry);
	}
	return true;
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

/* The next rule from @at on that stands behind an open gate; rule_count: none is left. */
static unsigned rule_next(const struct phase_rules *rules, const struct context *context,
			  unsigned *gate, unsigned at)
{
	for (; *gate < rules->gate_count; (*gate)++) {
		const struct gate *of = &rules->gates[*gate];

		if (at > of->first && at < of->end)
			return at; /* inside: it was found open before */
		if (at <= of->first && (!of->applies || of->applies(context)))
			return of->first;
	}
	return rules->rule_count;
}

/* Opening or ending: the first rule that holds. */
static bool judge_one(const struct phase_rules *rules, const struct context *context,
		      struct verdict *out)
{
	unsigned nearly = 0; /* exclusions of the rules that nearly fitted */
	unsigned gate = 0, i = 0;

	while ((i = rule_next(rules, context, &gate, i)) < rules->rule_count) {
		verdict_begin(out, rules->rules[i].entry);
		out->excluded_count = nearly;
		if (rules->rules[i++].holds(context, out)) {
			settle(context, out);
			return true;
		}
		nearly = out->excluded_count;
	}
	return false;
}

/* What happened on the way: every rule that holds. */
static void judge_life(const struct phase_rules *rules, const struct context *context,
		       struct judgement *out)
{
	unsigned gate = 0, i = 0;

	while (out->life_count < JUDGEMENT_LIFE_MOST &&
	       (i = rule_next(rules, context, &gate, i)) < rules->rule_count) {
		struct verdict *verdict = &out->life[out->life_count];

		verdict_begin(verdict, rules->rules[i].entry);
		if (!rules->rules[i++].holds(context, verdict))
			continue;
		settle(context, verdict);
		out->life_count++;
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
	if (!out->has_end)
		return -1;
	if (conn->closed_first >= 0)
		return conn->closed_first;
	if (conn->ending_reset < 0 || out->end.by == ACTOR_MIDDLE)
		return -1;
	return (int8_t)conn->resets[conn->ending_reset].at.from;
}

/* Nothing happened, and nobody asks how it went: rules have nothing to look at. */
static void judge_outline(struct judge *judge, const struct conn *conn, struct judgement *out)
{
	out->has_open = out->has_end = false;
	out->life_count = 0;
	out->closed_first = conn->closed_first;
	for (unsigned end = 0; end < ENDS; end++)
		timewait_judge(conn, (enum end)end, &out->time_wait[end]);
	group_add(judge->group, conn, out);
}

void judge_conn(struct judge *judge, const struct conn *conn, struct judgement *out)
{
	struct context context = {
		.conn = conn,
		.hosts = judge->hosts,
		.so_far = out,
		.capture_suspect = conn->quality.one_sided || conn->quality.unseen_acked > 0,
	};

	const struct phase_rules *rules = conn->straight ? judge->straight : judge->rules;

	if (conn->outline) {
		judge_outline(judge, conn, out);
		return;
	}
	out->has_end = false;
	out->life_count = 0;
	out->has_open = judge_one(&rules[PHASE_OPEN], &context, &out->open);
	if (has_ending(conn, out))
		out->has_end = judge_one(&rules[PHASE_END], &context, &out->end);
	judge_life(&rules[PHASE_LIFE], &context, out);
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
