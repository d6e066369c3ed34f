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
extern const struct theme life_open_theme;
extern const struct theme life_former_theme;
extern const struct theme life_syn_data_theme;
extern const struct theme end_rst_forged_theme;
extern const struct theme end_rst_reply_theme;
extern const struct theme end_rst_abort_theme;
extern const struct theme end_rst_other_theme;
extern const struct theme end_fin_theme;
extern const struct theme end_dead_theme;
extern const struct theme end_open_theme;
extern const struct theme life_loss_theme;
extern const struct theme life_window_theme;
extern const struct theme life_stall_theme;
extern const struct theme life_path_theme;
extern const struct theme life_odd_theme;
extern const struct theme life_close_theme;
extern const struct theme life_keepalive_theme;
extern const struct theme life_capture_theme;
extern const struct theme group_scan_theme;
extern const struct theme group_server_theme;
extern const struct theme group_idle_theme;

#endif /* TCPWHY_JUDGE_THEMES_H */
