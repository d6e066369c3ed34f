/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_REPORT_LOOK_H
#define TCPWHY_REPORT_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "judge/judge.h"
#include "report/out.h"

/*
 * What needs a look, gathered over the whole input: connections with the same verdict about the
 * same server stand together. Bounded: beyond the caps only numbers are kept.
 */
struct looks;

#define LOOK_EXAMPLES 3	   /* connections named per group */
#define LOOK_CONNS    4096 /* connection numbers kept per group, to file them under group verdicts */
#define LOOKS_MOST    4096 /* different (verdict, server) pairs kept */

struct looks *looks_new(void);
void looks_free(struct looks *looks);

/* A connection whose headline needs a look. */
void looks_add(struct looks *looks, const struct conn *conn, const struct verdict *verdict);

/* A group verdict: the connections it names are filed under it. */
void looks_add_group(struct looks *looks, const struct group_verdict *group);

/* "NEEDS A LOOK ..." and "WHAT TO DO ..." Nothing is printed where nothing needs a look. */
void looks_print(struct looks *looks, struct out *out);
void looks_print_advice(const struct looks *looks, struct out *out);

/* Connections that need a look, in all. */
uint64_t looks_total(const struct looks *looks);

/* Whether anything needs a look, several connections together included. */
bool looks_any(const struct looks *looks);

#endif /* TCPWHY_REPORT_LOOK_H */
