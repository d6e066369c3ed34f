/* SPDX-License-Identifier: BSD-2-Clause */
#include "golden_check.h"

/* Whom to tell of claims that do not hold. */
struct telling {
	const struct golden *golden;
	FILE *to; /* NULL: silent */
};

uint64_t golden_conn(const struct golden *golden, const char *name)
{
	const struct craft_capture *capture = golden->capture;
	uint64_t number = craft_capture_conn(capture, name[0] ? name : "A");

	for (size_t i = 0; number == 0 && !name[0] && i < capture->script.conn_count; i++)
		number = capture->first_frames[i];
	return number;
}

static uint64_t conn_of(const void *context, const char *name)
{
	const struct telling *telling = context;

	return golden_conn(telling->golden, name);
}

static void tell(void *context, unsigned line, const char *what)
{
	const struct telling *telling = context;

	if (!telling->to)
		return;
	if (line)
		fprintf(telling->to, "#   line %u: %s\n", line, what);
	else
		fprintf(telling->to, "#   %s\n", what);
}

bool golden_check(const struct golden *golden, const struct found *found, FILE *to)
{
	struct telling telling = { .golden = golden, .to = to };
	const struct claim_check check = {
		.found = found,
		.frames = golden->capture->frame_count,
		.conn = conn_of,
		.complain = tell,
		.context = &telling,
	};
	bool ok = true;

	for (size_t i = 0; i < golden->claim_count; i++)
		ok &= claim_holds(&check, &golden->claims[i]);
	ok &= found_is_sound(&check);
	if (!ok && to)
		found_print(golden, found, to);
	return ok;
}
