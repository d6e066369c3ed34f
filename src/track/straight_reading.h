/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_TRACK_STRAIGHT_READING_H
#define TCPWHY_TRACK_STRAIGHT_READING_H

#include "track/brief_stream.h"
#include "track/straight.h"
#include "track/tracker.h"

/* Reading a brief that went straight: for straight.c and straight_pause.c alone. */

#define SYN_OPTIONS                                                                                \
	(TCP_HAS_MSS | TCP_HAS_WINDOW_SCALE | TCP_HAS_SACK_PERMITTED | TCP_HAS_TIMESTAMPS)
#define SMALL_MSS 88 /* quality.c: below it nothing is said about large segments */

#define MOMENTS_MOST (3 + 2 + 4) /* the handshake, the first data, the close */
#define STATES_MOST  5		 /* each end enters so many, whoever closes first */

struct straight {
	struct conn conn;
	struct moment moments[MOMENTS_MOST];
	struct state_entry states[ENDS][STATES_MOST];
	struct fin closing[ENDS];
	struct stall stalls[STALL_KINDS];
	/* what did not happen: never written */
	const struct stall no_stalls[STALL_KINDS];
	const struct moment no_moment;
	const struct probe_run no_probes;
	const struct resend_run no_resend;
	const struct shut_window no_shut;
	const struct icmp_fact no_icmp;
	const struct reset no_reset;
};

/* One end while its segments are read. */
struct side_so_far {
	uint32_t isn, nxt, acked;
	uint32_t window; /* in octets */
	uint32_t timed_end;
	int64_t timed_ns; /* TIME_NONE: no RTT is being measured */
	int64_t acked_ns;
	uint64_t bytes, payload;
	struct rtt_so_far rtt;
	uint32_t answer_ns;
	uint32_t packets, data_packets, largest_sent, largest_acked;
	uint32_t last_notes;
	uint16_t options; /* of its SYN: enum tcp_option_bit */
	uint16_t mss;
	uint8_t scale; /* that counts: 0 where one end has none */
	bool fin, fin_acked;
	bool last_is_data;
};

struct reading {
	struct straight *out;
	struct brief_reader reader;
	struct segment *segs[ENDS]; /* of the stream, by role: each end's last one */
	struct side_so_far side[ENDS];
	int64_t last_ns; /* of the last segment */
	uint64_t last_frame;
	int64_t silence_ns; /* before the one that is read */
	unsigned moments;
	uint8_t idle_from; /* enum end + 1 of who broke a silence; 0: that was answered */
	uint64_t idle_before;
	uint8_t data_from; /* enum end of the last payload + 1; 0: none yet */
};

/**
 * straight_pause() - Note a pause before a segment that was just read
 * @owed:      octets were outstanding before it
 * @acks_new:  it acknowledges some
 */
void straight_pause(struct reading *reading, enum end from, bool owed, bool acks_new);

/* Note that somebody speaks after a silence that the other end broke. */
void straight_idle_answer(struct reading *reading, enum end from);

/* Whether Nagle's algorithm may have held this payload back: that is for the long way to say. */
bool straight_nagle_possible(const struct reading *reading, enum end from);

#endif /* TCPWHY_TRACK_STRAIGHT_READING_H */
