/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_LAB_SHOW_SCENARIO_H
#define TCPWHY_LAB_SHOW_SCENARIO_H

#include "lab/library.h"
#include "report/out.h"

/* How the lab makes a verdict happen: the scenario's name, what it does, and the segments that must
   pass, as a ladder; or why no scenario does. */
void show_scenario_of(struct out *out, const struct library *library, const char *id, bool utf8);

#endif /* TCPWHY_LAB_SHOW_SCENARIO_H */
