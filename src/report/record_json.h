/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_REPORT_RECORD_JSON_H
#define TCPWHY_REPORT_RECORD_JSON_H

#include "report/report.h"

/* One line each, by docs/record.schema.json. */
void record_json_conn(struct json *json, const struct conn *conn,
		      const struct judgement *judgement);
void record_json_group(struct json *json, const struct group_verdict *group);

/* The same objects inside of others. */
void record_json_conn_value(struct json *json, const struct conn *conn,
			    const struct judgement *judgement);
void record_json_group_value(struct json *json, const struct group_verdict *group);

void record_json_summary(struct json *json, const struct summary *summary,
			 const struct tally *tally);

#endif /* TCPWHY_REPORT_RECORD_JSON_H */
