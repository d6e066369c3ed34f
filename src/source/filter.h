/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_SOURCE_FILTER_H
#define TCPWHY_SOURCE_FILTER_H

#include <stdbool.h>

#include "base/err.h"
#include "tcp/frame.h"

/*
 * A capture filter in libpcap's language, see pcap-filter(7). What it compiles to depends on the
 * link type, so there is one program per link type, made when its first frame comes.
 */
struct filter;

enum filter_result {
	FILTER_PASSES,
	FILTER_HOLDS_BACK,
	FILTER_IMPOSSIBLE, /* the filter means nothing on this link type */
};

/* Return: owned by the caller; NULL: out of memory. @expression is copied. */
struct filter *filter_new(const char *expression);

/**
 * filter_check() - Does the filter compile for a link type?
 * @err:  usage, with libpcap's words
 */
bool filter_check(struct filter *filter, uint16_t link_type, struct err *err);

/* The same where no link type is known yet: it must compile for one of the usual ones. */
bool filter_check_any(struct filter *filter, struct err *err);

/* May a frame pass? Sets @err with FILTER_IMPOSSIBLE only. */
enum filter_result filter_try(struct filter *filter, const struct frame *frame, struct err *err);

void filter_free(struct filter *filter);

#endif /* TCPWHY_SOURCE_FILTER_H */
