/* SPDX-License-Identifier: BSD-2-Clause */
/* The record made worse, as real captures are: the scenario's `capture` block. */
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "lab/run.h"

/* A copy of a captured packet comes this much later, as from a mirror port. */
#define COPY_AFTER_NS (20 * NSEC_PER_USEC)

/* A sighting's traits; false: no TCP segment. */
static bool traits_at(const struct run *run, enum end tap, uint64_t number, struct traits *traits)
{
	for (size_t i = 0; i < run->told[tap].count; i++) {
		if (run->told[tap].frames[i].number != number)
			continue;
		*traits = run->told[tap].frames[i].traits;
		return true;
	}
	return false;
}

static void drop_sighting(struct record *record, size_t at)
{
	free(record->sightings[at].packet);
	memmove(&record->sightings[at], &record->sightings[at + 1],
		(record->count - at - 1) * sizeof(record->sightings[0]));
	record->count--;
}

/* What one flaw asks of a sighting that its pattern and its times mean. */
static void spoil(struct run *run, const struct flaw *flaw, size_t at, bool *gone)
{
	struct sighting *sighting = &run->record.sightings[at];
	struct sighting copy = *sighting;

	switch (flaw->kind) {
	case FLAW_CUT:
		if (sighting->kept > flaw->number)
			sighting->kept = flaw->number;
		return;
	case FLAW_TWICE:
		copy.time_ns += COPY_AFTER_NS;
		copy.origin = 0;
		record_add(&run->record, &copy, sighting->packet);
		return;
	case FLAW_MISS:
	case FLAW_FROM:
	case FLAW_UNTIL:
		*gone = true;
		return;
	}
}

/* Whether a flaw takes a sighting; @matched counts those like its pattern. */
static bool takes(const struct run *run, const struct flaw *flaw, const struct sighting *sighting,
		  const struct traits *traits, uint64_t *matched)
{
	int64_t since;

	switch (flaw->kind) {
	case FLAW_CUT:
		return true;
	case FLAW_MISS:
	case FLAW_TWICE:
		return traits && pattern_matches(&flaw->pattern, traits) &&
		       pattern_means(&flaw->pattern, ++*matched);
	case FLAW_FROM:
		since = cond_since(run, &flaw->cond);
		return since == TIME_NONE || sighting->time_ns < since;
	case FLAW_UNTIL:
		break;
	}
	since = cond_since(run, &flaw->cond);
	return since != TIME_NONE && sighting->time_ns >= since;
}

static void apply(struct run *run, const struct flaw *flaw)
{
	enum end tap = run->scenario->read;
	uint64_t matched = 0, taken = 0;
	size_t count = run->record.count;
	bool *gone = calloc(count + 1, sizeof(gone[0]));

	for (size_t i = 0; gone && i < count; i++) {
		const struct sighting *sighting = &run->record.sightings[i];
		struct traits traits;
		bool tcp = traits_at(run, tap, i + 1, &traits);

		if (sighting->tap != tap ||
		    !takes(run, flaw, sighting, tcp ? &traits : NULL, &matched))
			continue;
		taken++;
		spoil(run, flaw, i, &gone[i]);
	}
	for (size_t i = count; gone && i-- > 0;)
		if (gone[i])
			drop_sighting(&run->record, i);
	if (!gone)
		run->out_of_memory = true;
	free(gone);
	if (taken == 0)
		run_fail(run, flaw->line, "this flaw of the capture never took a segment");
	if (flaw->kind == FLAW_UNTIL) {
		int64_t since = cond_since(run, &flaw->cond);

		if (since != TIME_NONE && since < run->record.end_ns)
			run->record.end_ns = since;
	}
}

bool run_spoil(struct run *run)
{
	struct err err = { .kind = ERR_NONE };

	for (size_t i = 0; i < run->scenario->flaw_count; i++) {
		apply(run, &run->scenario->flaws[i]);
		/* The next flaw counts what this one left. */
		if (!record_finish(&run->record, run->record.end_ns, &err) ||
		    !run_tell(run, END_CLIENT) || !run_tell(run, END_SERVER)) {
			run_fail(run, 0, "out of memory");
			return false;
		}
	}
	return true;
}
