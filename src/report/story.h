/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_REPORT_STORY_H
#define TCPWHY_REPORT_STORY_H

#include "report/ladder.h"

/* The whole story of one connection for people: what happened, why, the proof, what to do, and the
   ladder. */
void story_tell(struct out *out, const struct ladder *ladder);

/* Its words alone, without title and ladder. */
void story_words(struct out *out, const struct ladder *ladder);

/* "#2210  10.0.3.17:50871 -> 10.0.0.2:443   09:14:02.118 UTC for 61.2 s, 22 frames" */
void story_title(struct out *out, const struct conn *conn);

#endif /* TCPWHY_REPORT_STORY_H */
