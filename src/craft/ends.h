/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_CRAFT_ENDS_H
#define TCPWHY_CRAFT_ENDS_H

#include <stdbool.h>
#include <stdint.h>

#include "craft/script.h"
#include "tcp/segment.h"

/*
 * What a line of the notation leaves out is what one Linux host on one Ethernet would send. These
 * are the two ends of a connection as far as that needs them: who sent what so far.
 */
struct end_now {
	bool sent_any;
	uint16_t next_id, last_id;
	bool tsval_known;
	uint32_t newest_tsval;
	/* Of its first SYN anywhere in the text. */
	bool has_syn;
	bool syn_timestamps, syn_sack, syn_scaled;
	uint8_t syn_shift;
};

struct ends {
	const struct script_conn *conn; /* borrowed */
	struct end_now now[2];		/* client, server */
};

/* A segment with the bytes that it borrows. */
struct made_segment {
	struct segment seg;
	uint8_t options[NOTATION_OPTIONS_MOST];
	uint8_t *payload; /* owned; NULL: none */
};

/* Start a connection; @index makes its IP IDs differ from those of others. */
void ends_init(struct ends *ends, const struct script_conn *conn, uint32_t index);

/* Look at a SYN (in order of time, before any ends_make()): its options decide over later ones. */
void ends_expect(struct ends *ends, const struct notation *line);

/**
 * ends_make() - Fill in what a line leaves out
 * @line:     what is sent, or what an ICMP error quotes (then nothing is counted as sent)
 * @time_ns:  since the text's start: the clock of the time stamps
 * @made:     overwritten; made_clear() it
 * @err:      a window that the header cannot express, addresses of two families, out of memory
 */
bool ends_make(struct ends *ends, const struct notation *line, int64_t time_ns,
	       struct made_segment *made, struct err *err);

void made_clear(struct made_segment *made);

#endif /* TCPWHY_CRAFT_ENDS_H */
