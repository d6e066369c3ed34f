/* SPDX-License-Identifier: BSD-2-Clause */
#include "cmd/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"

#define STEPS_PER_LOOK 1000 /* batches between looks at the clock */
#define FIRST_NS       (2 * NSEC_PER_SEC)
#define AGAIN_NS       (NSEC_PER_SEC / 4)

void progress_start(struct progress *progress)
{
	*progress = (struct progress){ .wanted = isatty(STDERR_FILENO) };
	if (progress->wanted)
		progress->next_ns = time_now_ns(CLOCK_MONOTONIC) + FIRST_NS;
}

void progress_step(struct progress *progress, unsigned frames)
{
	progress->frames += frames;
	if (!progress->wanted || ++progress->steps < STEPS_PER_LOOK)
		return;
	progress->steps = 0;

	int64_t now = time_now_ns(CLOCK_MONOTONIC);

	if (now < progress->next_ns)
		return;
	progress->next_ns = now + AGAIN_NS;
	progress->shown = true;
	fprintf(stderr, "\r%" PRIu64 " frames read ", progress->frames);
	fflush(stderr);
}

void progress_end(struct progress *progress)
{
	if (progress->shown)
		fputs("\r                                        \r", stderr);
	progress->shown = false;
}
