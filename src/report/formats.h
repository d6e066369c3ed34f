/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_REPORT_FORMATS_H
#define TCPWHY_REPORT_FORMATS_H

#include "report/report.h"

/* The formats, each in the file of its name; report/formats.c lists them. */
extern const struct report_ops format_text;
extern const struct report_ops format_json;
extern const struct report_ops format_packets;
extern const struct report_ops format_csv;
extern const struct report_ops format_ladder;
extern const struct report_ops format_mermaid;
extern const struct report_ops format_wireshark;
extern const struct report_ops format_zeek; /* conn_log.c */

#endif /* TCPWHY_REPORT_FORMATS_H */
