/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_REPORT_COMMUNITY_ID_H
#define TCPWHY_REPORT_COMMUNITY_ID_H

#include <stdint.h>

#include "tcp/segment.h"

#define COMMUNITY_ID_BYTES 32 /* "1:" and 28 characters of base64, and NUL */

/**
 * community_id() - The flow's name as Zeek, Suricata and Arkime compute it
 * @text:  gets it; "" when the system's library has no SHA-1
 *
 * Version 1 with seed 0, for TCP. Either order of the two ends gives the same.
 * Source: Corelight's "Community ID Flow Hashing" specification, version 1.
 */
void community_id(char text[static COMMUNITY_ID_BYTES], const struct ip_address *a, uint16_t a_port,
		  const struct ip_address *b, uint16_t b_port);

#endif /* TCPWHY_REPORT_COMMUNITY_ID_H */
