/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "judge/catalogue.h"
#include "judge/themes.h"

/* The order is the order in which rules are tried: docs/precedence.md, sections 1 to 6. */
static const struct theme *const themes[] = {
	/* openings */
	&open_odd_theme,
	&open_refused_theme,
	&open_old_theme,
	&open_half_theme,
	&open_unanswered_theme,
	&open_done_theme,
	/* what happened on the way */
	&life_open_theme,
	&life_former_theme,
	&life_syn_data_theme,
	&life_loss_theme,
	&life_window_theme,
	&life_stall_theme,
	&life_path_theme,
	&life_odd_theme,
	&life_close_theme,
	&life_keepalive_theme,
	&life_capture_theme,
	/* endings */
	&end_rst_forged_theme,
	&end_rst_reply_theme,
	&end_rst_abort_theme,
	&end_rst_other_theme,
	&end_fin_theme,
	&end_dead_theme,
	&end_open_theme,
	/* several connections together */
	&group_scan_theme,
	&group_server_theme,
	&group_idle_theme,
};

const struct theme *const *catalogue_themes(size_t *count)
{
	*count = sizeof(themes) / sizeof(themes[0]);
	return themes;
}

const struct entry *catalogue_find(const char *id)
{
	for (size_t t = 0; t < sizeof(themes) / sizeof(themes[0]); t++) {
		for (size_t e = 0; e < themes[t]->count; e++) {
			if (strcmp(themes[t]->entries[e].id, id) == 0)
				return &themes[t]->entries[e];
		}
	}
	return NULL;
}

const char *catalogue_id_at(const void *context, size_t index)
{
	(void)context;
	for (size_t t = 0; t < sizeof(themes) / sizeof(themes[0]); t++) {
		if (index < themes[t]->count)
			return themes[t]->entries[index].id;
		index -= themes[t]->count;
	}
	return NULL;
}

bool catalogue_id_below(const char *id, const char *prefix)
{
	size_t length = strlen(prefix);

	return strncmp(id, prefix, length) == 0 && (id[length] == '\0' || id[length] == '.');
}

const char *confidence_name(enum confidence confidence)
{
	static const char *const names[] = {
		[CONFIDENCE_NONE] = "none",
		[CONFIDENCE_POSSIBLE] = "possible",
		[CONFIDENCE_LIKELY] = "likely",
		[CONFIDENCE_PROVED] = "proved",
	};

	return names[confidence];
}

const char *phase_name(enum phase phase)
{
	static const char *const names[] = {
		[PHASE_OPEN] = "open",
		[PHASE_LIFE] = "life",
		[PHASE_END] = "end",
		[PHASE_GROUP] = "group",
	};

	return names[phase];
}

const char *decidable_name(enum decidable decidable)
{
	static const char *const names[] = {
		[DECIDABLE_WIRE] = "wire",
		[DECIDABLE_GROUP] = "group",
		[DECIDABLE_TWO_CAPTURES] = "two",
		[DECIDABLE_KERNEL] = "kernel",
	};

	return names[decidable];
}

const char *actor_name(enum actor actor)
{
	static const char *const names[] = {
		[ACTOR_NONE] = NULL,   [ACTOR_CLIENT] = "client", [ACTOR_SERVER] = "server",
		[ACTOR_BOTH] = "both", [ACTOR_MIDDLE] = "middle",
	};

	return names[actor];
}
