/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_JUDGE_THEMES_H
#define TCPWHY_JUDGE_THEMES_H

#include "judge/catalogue.h"

/* One per file of rules, named like it. Listed in their order in catalogue.c. */
extern const struct theme open_odd_theme;
extern const struct theme open_refused_theme;
extern const struct theme open_old_theme;
extern const struct theme open_half_theme;
extern const struct theme open_unanswered_theme;
extern const struct theme open_done_theme;

#endif /* TCPWHY_JUDGE_THEMES_H */
