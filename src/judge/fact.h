/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_JUDGE_FACT_H
#define TCPWHY_JUDGE_FACT_H

#include <stdint.h>

#include "judge/verdict.h"
#include "track/conn.h"

/* What one connection tells the rules about groups (bits of fact.what). */
enum fact_bit {
	FACT_OPENED = 1,		/* opened without a repeated SYN */
	FACT_REFUSED = 2,		/* by a reset */
	FACT_UNANSWERED = 4,		/* nothing came back, or an ICMP error */
	FACT_HALF_RESET = 8,		/* the client's system reset the SYN-ACK */
	FACT_HALF_OPEN = 0x10,		/* SYN-ACK, and neither ACK nor reset ever */
	FACT_EMPTY = 0x20,		/* opened and closed without a byte of payload */
	FACT_DROPPED = 0x40,		/* with EMPTY: by the client, within a second */
	FACT_RETRIED = 0x80,		/* the SYN was repeated before any answer */
	FACT_OVERFLOW = 0x100,		/* a full accept queue showed itself in the handshake */
	FACT_ABORTED_EARLY = 0x200,	/* reset by the server's socket before it sent a byte */
	FACT_SERVER_ENDED = 0x400,	/* by the server's own FIN or reset, out of silence */
	FACT_BY_RESET = 0x800,		/* with SERVER_ENDED: it was a reset */
	FACT_DIED_SILENT = 0x1000,	/* after idle_ns nothing was answered any more */
	FACT_RESET_IDLE = 0x2000,	/* reset or closed after idle_ns of silence */
	FACT_RESET_BY_SERVER = 0x10000, /* with RESET_IDLE: it carries the server's address */
	FACT_DATA_WAITED = 0x20000,	/* only the client's first data was repeated, unanswered */
	FACT_LOST = 0x40000,		/* other segments were repeated too */
	FACT_SYN_AGAIN = 0x8000,	/* the SYN was repeated, answered or not: a real client's */
	FACT_SYSTEM_SYN = 0x4000,	/* its SYN looks like a real system's */
};

/* Those that make a fact worth remembering one by one; the others are only counted. */
#define FACT_REMEMBERED                                                                            \
	(FACT_REFUSED | FACT_UNANSWERED | FACT_HALF_RESET | FACT_HALF_OPEN | FACT_EMPTY |          \
	 FACT_RETRIED | FACT_OVERFLOW | FACT_ABORTED_EARLY | FACT_SERVER_ENDED |                   \
	 FACT_DIED_SILENT | FACT_RESET_IDLE | FACT_DATA_WAITED)

struct fact {
	uint64_t conn;
	int64_t start_ns;
	int64_t ended_ns;	/* the server's FIN or reset, else the last segment */
	int64_t idle_ns;	/* silence before it died, was reset or closed; 0 none */
	int64_t survived_ns;	/* longest silence that it survived; 0 below 10 s */
	int64_t server_last_ns; /* the server's last segment; TIME_NONE */
	int64_t server_data_ns; /* its last payload; TIME_NONE */
	struct ip_address client, server;
	uint16_t port; /* the server's */
	unsigned what; /* enum fact_bit bits */
};

/* Derive the fact of one finished connection. */
void fact_of(const struct conn *conn, const struct judgement *judgement, struct fact *out);

#endif /* TCPWHY_JUDGE_FACT_H */
