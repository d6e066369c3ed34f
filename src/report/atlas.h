/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_REPORT_ATLAS_H
#define TCPWHY_REPORT_ATLAS_H

#include "judge/catalogue.h"
#include "report/out.h"

/* The whole page of one entry: pattern, look-alikes, kernel facts, advice, source. */
void atlas_page(struct out *out, const struct entry *entry);

/* A line per entry whose id is @prefix or below it; NULL: all. Return: how many. */
size_t atlas_list(struct out *out, const char *prefix);

#endif /* TCPWHY_REPORT_ATLAS_H */
