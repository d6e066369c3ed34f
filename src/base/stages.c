/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/stages.h"

#include <assert.h>
#include <pthread.h>

/* What is known of a stage since anything was last done in another one. */
enum prospect {
	PROSPECT_OPEN,	/* it may go on */
	PROSPECT_SMALL, /* only eagerly */
	PROSPECT_NONE,
};

struct stages {
	const struct stage *stage; /* borrowed */
	unsigned count;
	void *context;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* With the lock: */
	unsigned long done; /* pieces, in all stages */
	bool busy[STAGES_MOST], ended[STAGES_MOST];
	enum prospect prospect[STAGES_MOST];
};

/* With the lock. Something was done: whoever waits is to look again. */
static void note_change(struct stages *stages)
{
	stages->done++;
	for (unsigned i = 0; i < stages->count; i++)
		stages->prospect[i] = PROSPECT_OPEN;
	pthread_cond_broadcast(&stages->changed);
}

static bool is_free(const struct stages *stages, int at, enum prospect prospect)
{
	return !stages->busy[at] && !stages->ended[at] && stages->prospect[at] == prospect;
}

/* With the lock. The last stage from @first on that nobody works on and that has this prospect.
   Return: -1: none. */
static int choose(const struct stages *stages, unsigned first, enum prospect prospect)
{
	for (int i = (int)stages->count; i-- > (int)first;)
		if (is_free(stages, i, prospect))
			return i;
	return -1;
}

/* With the lock, which is given up meanwhile. */
static void work_on(struct stages *stages, int at, bool eager)
{
	unsigned long before = stages->done;

	stages->busy[at] = true;
	pthread_mutex_unlock(&stages->lock);
	enum stage_did did = stages->stage[at].run(stages->context, stages, eager);

	pthread_mutex_lock(&stages->lock);
	stages->busy[at] = false;
	stages->ended[at] = did == STAGE_ENDED;
	if (did != STAGE_WAITS)
		note_change(stages);
	else if (stages->done == before)
		stages->prospect[at] = eager ? PROSPECT_NONE : PROSPECT_SMALL;
}

static bool all_ended(const struct stages *stages)
{
	for (unsigned i = 0; i < stages->count; i++)
		if (!stages->ended[i])
			return false;
	return true;
}

/*
 * With the lock. Do a piece, or sleep until somebody else has done one. @mine: the stage that this
 * thread worked on last, whose memory lies in its caches, so it stays there as long as it can; -1:
 * none. Return: what is so now.
 */
static int step(struct stages *stages, unsigned first, int mine)
{
	bool eager = false;

	if (mine < 0 || !is_free(stages, mine, PROSPECT_OPEN)) {
		mine = choose(stages, first, PROSPECT_OPEN);
		eager = mine < 0;
	}
	if (eager)
		mine = choose(stages, first, PROSPECT_SMALL);
	if (mine >= 0)
		work_on(stages, mine, eager);
	else
		pthread_cond_wait(&stages->changed, &stages->lock);
	return mine;
}

static void *work(void *context)
{
	struct stages *stages = context;
	int mine = -1;

	pthread_mutex_lock(&stages->lock);
	while (!all_ended(stages))
		mine = step(stages, 0, mine);
	pthread_mutex_unlock(&stages->lock);
	return NULL;
}

void stages_wait(struct stages *stages, unsigned at, bool (*met)(void *context), void *context)
{
	pthread_mutex_lock(&stages->lock);
	note_change(stages);
	while (!met(context))
		step(stages, at + 1, -1);
	pthread_mutex_unlock(&stages->lock);
}

void stages_run(const struct stage *stage, unsigned count, unsigned threads, void *context)
{
	struct stages stages = { .stage = stage, .count = count, .context = context };
	pthread_t others[STAGES_MOST - 1];
	unsigned begun = 0;

	assert(count <= STAGES_MOST);
	pthread_mutex_init(&stages.lock, NULL);
	pthread_cond_init(&stages.changed, NULL);
	while (begun + 1 < threads && begun + 1 < count &&
	       pthread_create(&others[begun], NULL, work, &stages) == 0)
		begun++;
	work(&stages);
	for (unsigned i = 0; i < begun; i++)
		pthread_join(others[i], NULL);
	pthread_cond_destroy(&stages.changed);
	pthread_mutex_destroy(&stages.lock);
}
