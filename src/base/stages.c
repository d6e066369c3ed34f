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

/* With the lock. The last stage from @first on that nobody works on and that has this prospect.
   Return: -1: none. */
static int choose(const struct stages *stages, unsigned first, enum prospect prospect)
{
	for (unsigned i = stages->count; i-- > first;)
		if (!stages->busy[i] && !stages->ended[i] && stages->prospect[i] == prospect)
			return (int)i;
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

/* With the lock. Do a piece, or sleep until somebody else has done one. */
static void step(struct stages *stages, unsigned first)
{
	int at = choose(stages, first, PROSPECT_OPEN), small;

	if (at >= 0)
		work_on(stages, at, false);
	else if ((small = choose(stages, first, PROSPECT_SMALL)) >= 0)
		work_on(stages, small, true);
	else
		pthread_cond_wait(&stages->changed, &stages->lock);
}

static void *work(void *context)
{
	struct stages *stages = context;

	pthread_mutex_lock(&stages->lock);
	while (!all_ended(stages))
		step(stages, 0);
	pthread_mutex_unlock(&stages->lock);
	return NULL;
}

void stages_wait(struct stages *stages, unsigned at, bool (*met)(void *context), void *context)
{
	pthread_mutex_lock(&stages->lock);
	note_change(stages);
	while (!met(context))
		step(stages, at + 1);
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
