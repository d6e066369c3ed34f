/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_LAB_LIBRARY_H
#define TCPWHY_LAB_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "lab/scenario.h"

/*
 * The scenarios that come with the program: all files NAME.scn of one folder, in order of their
 * names. The folder is, in this order: what TCPWHY_SCENARIOS says, scenarios/ beside the folder
 * that the program was built in, where it was installed.
 */
struct library {
	char folder[256];
	struct scenario **scenarios; /* owned */
	size_t count;
	char *reasons; /* owned: the text of NOT_REPRODUCED, a line "ID<tab>REASON" each */
};

/* The file in the folder that says which verdicts no scenario reproduces, and why. */
#define NOT_REPRODUCED "not-reproduced.tsv"

/**
 * library_read() - Read all scenarios
 * @err:  ERR_SYSTEM: there is no such folder; ERR_INPUT: a scenario has a mistake (file and line)
 */
bool library_read(struct library *library, struct err *err);
void library_clear(struct library *library);

/* By name; NULL: none. */
const struct scenario *library_find(const struct library *library, const char *name);

/* The first scenario that reproduces a verdict; NULL: none. */
const struct scenario *library_find_verdict(const struct library *library, const char *id);

/* Why no scenario reproduces a verdict, in @reason; false: the file does not say. */
bool library_reason(const struct library *library, const char *id, char *reason, size_t room);

/* For options_nearest(): context is the library. */
const char *library_name_at(const void *context, size_t index);

#endif /* TCPWHY_LAB_LIBRARY_H */
