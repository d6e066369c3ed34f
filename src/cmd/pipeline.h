/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_CMD_PIPELINE_H
#define TCPWHY_CMD_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/options.h"
#include "report/report.h"
#include "source/source.h"

/* What goes through the one way from a source to a report. */
struct pipeline_options {
	struct source_options source;
	const struct report_ops *format;
	struct report_options report;
	unsigned jobs;			      /* threads at work; 0 as 1 */
	size_t max_connections;		      /* 0: by memory */
	bool zeek_checksums;		      /* as Zeek's default instead of "zeek -C" */
	const struct option_strings *fail_on; /* each ids, by commas; NULL: none */
};

struct pipeline_result {
	bool fail_on_met;  /* a verdict named by fail_on occurred */
	uint64_t left_out; /* by a stage, for want of memory: the results lack something */
	struct err damage; /* the input was damaged; what came before it has been reported */
};

/**
 * pipeline_run() - Read the input to its end and report on it
 * @options:  borrowed
 * @out:      where the report goes
 * @result:   filled also when false is returned
 * @err:      the input could not be opened, or there is no memory; a damaged input is no error
 *            here, it stands in @result
 */
bool pipeline_run(const struct pipeline_options *options, struct out *out,
		  struct pipeline_result *result, struct err *err);

#endif /* TCPWHY_CMD_PIPELINE_H */
