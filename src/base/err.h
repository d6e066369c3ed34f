/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_BASE_ERR_H
#define TCPWHY_BASE_ERR_H

#include <stdbool.h>
#include <stdio.h>

/* What kind of trouble; gives the exit status (0 done; 1 is --fail-on). */
enum err_kind {
	ERR_NONE,
	ERR_USAGE,  /* exit 2: the command line */
	ERR_INPUT,  /* exit 3: a capture that is damaged, cut, empty or not a capture */
	ERR_SYSTEM, /* exit 4: the system said no: permission, memory, disk */
};

/*
 * An error on its way up. Fixed buffers, so that the failure path allocates nothing.
 *
 *   tcpwhy read: packet 1042 claims 4026531840 captured bytes; the limit is 262144
 *     in:  trace.pcap, byte 1193044
 *     try: the file is damaged from here; what came before it is explained above
 */
struct err {
	enum err_kind kind; /* ERR_NONE: no error, the rest is empty */
	char what[256];	    /* what failed, with the values */
	char where[320];    /* file, packet, byte; or scenario line; "" where there is no place */
	char fix[256];	    /* what to do next; "" only where nothing can be done */
};

/**
 * err_set() - Record what failed; the first error stays, later calls on it do nothing
 * @err:   zeroed before its first use; NULL: the caller does not want to know
 * @kind:  not ERR_NONE
 *
 * Return: false always, so that a caller can write "return err_set(...)".
 */
bool err_set(struct err *err, enum err_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Record where in the input, by the level that knows it; the innermost place stays. */
void err_at(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Record what the user can do; the first advice stays. */
void err_fix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/**
 * err_print() - Write an error for people, control characters escaped
 * @to:   where to
 * @who:  "tcpwhy read"
 */
void err_print(FILE *to, const char *who, const struct err *err);

/* The exit status that an error asks for: 0, 2, 3 or 4. */
int err_exit_status(const struct err *err);

#endif /* TCPWHY_BASE_ERR_H */
