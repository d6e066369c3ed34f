/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "judge/group.h"

struct group {
	uint64_t connections;
};

struct group *group_new(void)
{
	return calloc(1, sizeof(struct group));
}

void group_disable(struct group *group, const char *id)
{
	(void)group;
	(void)id;
}

void group_add(struct group *group, const struct conn *conn, const struct judgement *judgement)
{
	(void)conn;
	(void)judgement;
	group->connections++;
}

void group_finish(struct group *group, int64_t capture_end_ns, const struct group_sink *sink)
{
	(void)group;
	(void)capture_end_ns;
	(void)sink;
}

void group_free(struct group *group)
{
	free(group);
}
