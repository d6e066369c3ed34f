/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_TRACK_COLD_H
#define TCPWHY_TRACK_COLD_H

#include "base/pool.h"
#include "track/conn.h"
#include "track/flow.h"

/* What few connections need: chunks of a flow, made at the first use, zeroed. Insiders only. */

/* Remembered segments in order of capture: a list of chunks, oldest first. */
#define MARKS_PER_CHUNK 5
#define MARKS_PINNED	45 /* from the beginning: never dropped */
#define MARKS_MOST	90 /* of them and the latest; the middle is dropped */
struct mark_chunk {
	uint32_t next;
	uint16_t count;
	uint16_t last_pinned; /* set in the chunk after which dropping starts */
	struct mark marks[MARKS_PER_CHUNK];
};

/* The directory of a flow's chunks. */
struct extra {
	uint32_t loss[ENDS];
	uint32_t probes[ENDS];
	uint32_t states[ENDS];
	uint32_t closing;
	uint32_t stalls;
	uint32_t odd;
	uint32_t resets;
	uint32_t candidate;
};

struct more_states {
	uint64_t entries[STATE_ENTRIES_MOST - SIDE_STATES];
};

/* A hole in what was captured of one side. */
struct hole {
	uint32_t left, right;
	int64_t ns;	/* when the segment behind it was captured */
	uint32_t tsval; /* of that segment */
	uint16_t id;
	bool has_tsval, has_id;
};
#define HOLES_MOST 48

/* Octets that the peer reported to hold out of order. */
struct held {
	uint32_t left, right;
};
#define HELD_MOST 8

/* A repeat whose fate is still open: a D-SACK would show that it was not needed. */
struct repeat {
	uint32_t left, right;
	uint64_t frame;
	bool spurious;
};
#define REPEATS_MOST 8

struct loss {
	struct hole holes[HOLES_MOST];
	unsigned hole_count;
	uint64_t missing_dropped; /* octets of holes that had to be forgotten */
	struct held held[HELD_MOST];
	unsigned held_count;
	struct repeat repeats[REPEATS_MOST];
	unsigned repeat_next;
	uint64_t resent, resent_bytes, timer, fast, probe, spurious, reordered;
	uint64_t first_resent, first_timer, first_fast, first_probe, first_spurious,
		first_reordered;
	struct resend_run run, worst; /* seq as sent */
	bool run_active;
	bool run_stuck_df; /* the repeated segment carried DF */
	uint32_t recover;  /* nxt when loss recovery began */
	bool recovering;
};

struct probes {
	struct probe_run keepalive, window;
	struct shut_window shut;
	uint64_t keepalive_count, window_count, zero_windows, window_full;
	bool blocked;
};

struct closing_side {
	struct mark first, acked, first_after;
	uint32_t seq; /* as sent, of the FIN's octet */
	uint64_t repeats;
	int64_t last_ns, last_repeat_ns, last_gap_ns;
	int64_t silence_ns; /* before its first transmission */
	uint64_t last_repeat_frame;
	uint64_t acked_again, acked_again_frame;
	uint64_t after, after_acked;
	uint32_t after_end; /* highest octet sent after the peer's FIN, + 1 */
	uint32_t after_start;
	bool acks_peer_fin, completes_handshake;
	bool after_any;
	bool early; /* it came before octets below it: its receiver waits for those */
};

struct closing {
	struct closing_side side[ENDS];
};

struct stalls {
	struct stall stall[STALL_KINDS];
	int64_t longest_idle_ns, last_idle_ns;
	uint64_t longest_first, longest_last, last_idle_frame, last_idle_before;
	uint8_t idle_from; /* enum end of the segment that ended it, + 1 while it is not answered */
};

/* Things that should not happen, ICMP errors and capture quality. */
struct odd {
	struct icmp_fact icmp[ICMP_MOST];
	unsigned icmp_count;
	uint64_t icmp_seen;
	uint64_t challenge_acks, challenge_frame, challenged_frame;
	uint64_t illegal, illegal_frame;
	uint8_t illegal_bits;
	bool challengeable;	/* an RST or SYN that asks for a challenge has come */
	uint8_t challenge_from; /* enum end that should send it */
	uint64_t syn_inside, syn_inside_frame;
	uint64_t replaced_by, continues, time_wait_killed;
	uint64_t unseen_acked, unseen_acked_frame;
	uint64_t copies_frame, time_back, time_back_frame, checksum_bad, checksum_bad_frame;
	uint64_t copies[ENDS], duplicate_acks[ENDS];
	uint64_t marks_dropped, states_dropped, ranges_dropped;
	uint64_t loose[ENDS];	   /* payload that has no place in the sequence */
	uint64_t carried[ENDS][4]; /* syn, synack, fin, rst: what 16 bits do not hold */
	uint32_t syn_payload;
	uint64_t syn_payload_resent_frame;
	uint32_t mss_before_icmp[ENDS], mss_after_icmp[ENDS];
	struct former former;
};

struct kept_reset {
	struct mark at, trigger, previous;
	struct reset facts; /* but for at, trigger, previous */
};

struct resets {
	struct kept_reset reset[RESETS_MOST];
	unsigned count;
	uint64_t seen;
	int ending; /* index + 1; 0 none */
	int64_t ended_ns;
};

/* A SYN with another ISN inside a connection: the first segment of the next one, perhaps. */
#define CANDIDATE_MARKS 6
struct candidate {
	struct segment seg; /* its options point into here */
	uint8_t options[40];
	uint8_t from; /* enum end */
	unsigned mark_count;
	bool challenged; /* a pure ACK answered it */
	uint32_t challenge_ack;
	struct mark marks[CANDIDATE_MARKS]; /* what followed it */
	uint8_t mark_from_key_b[CANDIDATE_MARKS];
};

struct pools {
	struct pool flows, marks, extras, losses, probes, states, closings, stalls, odds, resets,
		candidates, tombs, briefs, brief_chunks, glances;
	struct pool_range range; /* theirs */
};

bool pools_set_up(struct pools *pools, uint32_t flows);
void pools_tear_down(struct pools *pools);

/* Get a chunk of a flow, made when missing; NULL: the pool is empty (what it held is lost). */
struct extra *cold_extra(struct pools *pools, struct flow *flow);
struct loss *cold_loss(struct pools *pools, struct flow *flow, enum end end);
struct probes *cold_probes(struct pools *pools, struct flow *flow, enum end end);
struct more_states *cold_states(struct pools *pools, struct flow *flow, enum end end);
struct closing *cold_closing(struct pools *pools, struct flow *flow);
struct stalls *cold_stalls(struct pools *pools, struct flow *flow);
struct odd *cold_odd(struct pools *pools, struct flow *flow);
struct resets *cold_resets(struct pools *pools, struct flow *flow);
struct candidate *cold_candidate(struct pools *pools, struct flow *flow);

/* Look at a chunk that may be missing: NULL then. */
const struct extra *flow_extra(const struct pools *pools, const struct flow *flow);
struct loss *flow_loss(const struct pools *pools, const struct flow *flow, enum end end);
struct probes *flow_probes(const struct pools *pools, const struct flow *flow, enum end end);
struct more_states *flow_states(const struct pools *pools, const struct flow *flow, enum end end);
struct closing *flow_closing(const struct pools *pools, const struct flow *flow);
struct stalls *flow_stalls(const struct pools *pools, const struct flow *flow);
struct odd *flow_odd(const struct pools *pools, const struct flow *flow);
struct resets *flow_resets(const struct pools *pools, const struct flow *flow);
struct candidate *flow_candidate(const struct pools *pools, const struct flow *flow);

/* Give every chunk of a flow back, and the flow. */
void cold_free(struct pools *pools, uint32_t index);
void cold_drop_candidate(struct pools *pools, struct flow *flow);

/* Add a segment to the remembered ones. */
void marks_add(struct pools *pools, struct flow *flow, const struct mark *mark);

/* Change the notes of a remembered segment. */
struct mark *marks_find(const struct pools *pools, const struct flow *flow, uint64_t frame);

#endif /* TCPWHY_TRACK_COLD_H */
