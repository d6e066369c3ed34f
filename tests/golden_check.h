/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_TESTS_GOLDEN_CHECK_H
#define TCPWHY_TESTS_GOLDEN_CHECK_H

#include <stdbool.h>
#include <stdio.h>

#include "craft/capture.h"
#include "lab/claim.h"
#include "lab/found.h"

/* A golden capture: compiled, and its claims read. */
struct golden {
	struct craft_capture *capture; /* owned */
	struct claim *claims;	       /* owned */
	size_t claim_count;
};

/**
 * golden_check() - Hold what was found against what is claimed, and against the catalogue
 * @to:  gets a line per claim that does not hold, with what was found instead, each line after
 *       "# "; NULL: only the answer is wanted
 *
 * Return: whether everything holds.
 */
bool golden_check(const struct golden *golden, const struct found *found, FILE *to);

/* The first frame of the connection of a name; "" the first connection that has one; 0: none. */
uint64_t golden_conn(const struct golden *golden, const char *name);

/* Print everything that was found, each line after "# ". */
void found_print(const struct golden *golden, const struct found *found, FILE *to);

#endif /* TCPWHY_TESTS_GOLDEN_CHECK_H */
