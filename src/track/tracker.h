/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_TRACK_TRACKER_H
#define TCPWHY_TRACK_TRACKER_H

#include "base/fetch.h"
#include "track/brief.h"
#include "track/cold.h"
#include "track/flow.h"
#include "track/ring.h"
#include "track/straight.h"
#include "track/table.h"
#include "track/track.h"

/* The tracker itself and the steps of its input path: for insiders of track/ only. */

#define RELEASE_AFTER_NS  (5 * NSEC_PER_SEC)	/* late segments still belong to it */
#define LAST_ACK_AFTER_NS (60 * NSEC_PER_SEC)	/* a repeated last FIN: its next slot */
#define SYN_GIVES_UP_NS	  (140 * NSEC_PER_SEC)	/* 135 s, the longest schedule, and slack */
#define SYN_LOOK_NS	  (500 * NSEC_PER_MSEC) /* nearly all are open by then */
#define SYN_GAP_MOST_NS	  (72 * NSEC_PER_SEC)	/* the longest gap inside a schedule, and slack */
#define TIME_WAIT_NS	  (60 * NSEC_PER_SEC)	/* Linux's and FreeBSD's; macOS has 30 s */
#define TOMB_KEPT_NS	  (120 * NSEC_PER_SEC)	/* TIME_WAIT of systems other than those */
#define COLD_AHEAD	  6			/* ... and their chunks ahead of the flow */
#define BATCH_AHEAD	  32			/* segments fetched ahead of the look-ups */

/*
 * What stays of a connection whose record was written. Its key is known by the whole keyed hash
 * (table.h): that of another key is the same once in 2^64 pairs, and nobody can choose one. With
 * its place in the table it has 50 bytes, and 60 just after the table has grown (table.c).
 */
struct tomb {
	uint64_t hash;
	int64_t end_ns;
	uint64_t known;	     /* tomb_known(); 0: it gave way to a later one */
	uint32_t snd_nxt[2]; /* as sent, by key order (a, b) */
	uint16_t unacked[2]; /* snd_nxt of the other - last ack sent; at most 0xffff */
	uint32_t next;	     /* in its row */
};
static_assert(sizeof(struct tomb) +
			      sizeof(struct bucket) / BUCKET_PLACES * 100 / (TABLE_LOAD_MOST / 2) <=
		      64,
	      "what an ended connection holds until its TIME_WAIT is over");

/* Tombstones in order of age, the oldest first. */
struct tomb_row {
	int64_t kept_ns; /* after the record */
	uint32_t first, last;
};

enum tomb_bit {
	TOMB_BOTH_FINS = 0x01,
	TOMB_RESET = 0x02,
	TOMB_NEVER_ENDED = 0x04,
	TOMB_WAIT_A = 0x08, /* TIME_WAIT is (or would be) held by the key's first end */
	TOMB_WAIT_B = 0x10,
	TOMB_EVICTED = 0x20, /* it lived: what comes is no late segment */
};
#define TOMB_BITS     0x3fu
#define RELEASED_MOST 0x3fffu /* four hours later nothing asks for it any more */

/* What a tombstone knows in one word: frames 44 | seconds 14 | bits 6. @released_s: when its record
   was written, after end_ns, rounded up; at most RELEASED_MOST */
static inline uint64_t tomb_known(uint64_t conn, uint64_t released_s, uint32_t bits)
{
	return conn << 20 | released_s << 6 | bits;
}

static inline uint64_t tomb_conn(const struct tomb *tomb)
{
	return tomb->known >> 20;
}

static inline int64_t tomb_released_ns(const struct tomb *tomb)
{
	return (int64_t)(tomb->known >> 6 & RELEASED_MOST) * NSEC_PER_SEC;
}

struct due_queue {
	uint32_t first, last; /* flow indexes */
};

struct evictor; /* evict.c */
struct teller;	/* tell.c */

/* Longer than any usual pause of a busy wire: perhaps nothing was captured in it. */
#define PAUSE_LEAST_NS (300 * NSEC_PER_SEC)
#define PAUSES_MOST    16

struct pause {
	int64_t from_ns, to_ns;
};

struct tracker {
	struct pools pools;
	struct table table;
	struct track_sink sink;
	struct track_stats stats;
	uint32_t flows_most;
	int64_t clock_ns;     /* latest time of any frame */
	uint64_t clock_frame; /* the frame being taken */
	int64_t frame_ns;     /* its time, and whether it was stamped before the one before */
	bool frame_back;
	bool in_time; /* no frame so far was later, and this one has a time */
	/* The latest times in which the capture holds no packet of anybody. */
	struct pause pauses[PAUSES_MOST];
	unsigned pause_count;	    /* all; the ring holds the latest */
	bool quiet;		    /* a candidate is fed again: sink.segment has seen it */
	bool replaying;		    /* a brief is unfolded: sink.host has seen it */
	bool at_once;		    /* no connection begins in brief */
	bool obvious;		    /* nor takes a segment the short way */
	bool outlines;		    /* are noted: somebody may want them */
	struct ring brief_syns;	    /* just begun: most are open when they are looked at */
	struct ring brief_unopened; /* ... and those that were not, until their SYN gives up */
	struct ring brief_fins;	    /* both ends closed, and not both know */
	struct ring brief_closed;   /* both do */
	int64_t next_due_ns;	    /* nothing is due before */
	struct due_queue due[2][DUE_LISTS]; /* [1]: of flows that a clock made of briefs */
	struct tomb_row tombs[2];	    /* [1]: those kept longer */
	uint32_t *release;		    /* owned: flows due at one frame */
	uint32_t release_count, release_capacity;
	struct evictor *evictor;
	struct teller *teller; /* owned; another thread may be using it */
	uint32_t handed;       /* connections that are due and not taken back yet */
};

/* One segment on its way through the input path. */
struct step {
	struct tracker *tracker;
	struct pools *pools;
	const struct segment *seg;
	struct flow *flow;
	struct side *own, *peer; /* sender, receiver */
	uint32_t index;		 /* of the flow */
	enum end from;
	int64_t now;
	int64_t silence_ns;	/* since the flow's last segment; 0 for the first */
	int64_t own_silence_ns; /* since the sender's last; TIME_NONE: it is the first */
	uint32_t notes;
	struct seq seq, end; /* end: with payload, SYN and FIN */
	uint32_t octets;
	bool keep;	   /* remember it */
	bool new_octets;   /* carries some that were never seen */
	bool acks_new;	   /* moves the peer's acked */
	bool first_data;   /* of its side */
	bool owed;	   /* octets were outstanding before it */
	bool stray;	   /* not of this connection by its numbers: changes nothing */
	bool opened;	   /* the opening succeeded by it */
	uint8_t mark_bits; /* MARK_* */
	uint8_t moment_options;
	uint32_t acked_before; /* the peer's acked before this segment */
};

#define STALL_LEAST_NS	      (200 * NSEC_PER_MSEC) /* Linux's smallest RTO, the longest delayed ACK */
#define STALL_RTTS	      3
#define STALL_IDLE_LEAST_NS   (10 * NSEC_PER_SEC)  /* shorter than any usual idle limit */
#define STALL_DELACK_LEAST_NS (35 * NSEC_PER_MSEC) /* Linux delays an ACK by 40 ms */
#define COPY_NS		      (5 * NSEC_PER_MSEC)  /* a second copy comes within it */

/* input.c, swift.c */
void input_segment(struct step *step);
void update_last(struct step *step);

/* Take an ordinary segment in order. Return: false: it is none, nothing was changed. */
bool swift_step(struct step *step);
struct mark step_mark(const struct step *step);
void confirm_step(struct step *step);

/* How long nobody had spoken before this segment, in milliseconds. */
uint32_t step_quiet_ms(const struct step *step);
void flow_pair(struct tracker *tracker, struct step *step, const struct segment *seg,
	       uint32_t index, bool swapped);

/* begin.c: connections begin, and give way to later ones */
uint32_t flow_begin(struct tracker *tracker, const struct segment *seg, uint64_t hash,
		    const struct tuple *tuple, bool swapped);
/* The flow of a brief, which takes its @place in the table. Return: 0: no room. */
uint32_t flow_resume(struct tracker *tracker, const struct segment *seg, const struct tuple *tuple,
		     bool swapped, uint32_t *place);
enum begins {
	BEGINS_NOT,
	BEGINS_FRESH, /* with this segment */
	BEGINS_MOVED, /* with a SYN that came before: it has begun, this segment is its next */
};
enum begins begins_new(struct step *step);
void note_candidate(struct step *step);
void candidate_follow(struct step *step);

#define WINDOW_SCALE_MOST 14 /* RFC 7323, section 2.3 */

/* The window scale that a SYN's option stands for: a larger one is taken for the largest. */
static inline uint8_t scale_of_syn(const struct segment *seg)
{
	return seg->window_scale > WINDOW_SCALE_MOST ? WINDOW_SCALE_MOST : seg->window_scale;
}

/* opening.c */
void opening_syn(struct step *step);
void opening_syn_ack(struct step *step);
bool opening_other(struct step *step);
uint8_t option_order_kind(uint64_t order, unsigned at);
/* The kinds of a SYN's options in order, 0 behind the last one. */
#define OPTION_KINDS 12
void option_kinds(const struct segment *seg, uint8_t kinds[static OPTION_KINDS]);

/* sequence.c, ranges.c */
void sequence_step(struct step *step);
void payload_facts(struct step *step);
uint32_t holes_fill(struct step *step, struct seq left, struct seq right, struct hole *filled);
void holes_add(struct step *step, struct seq left, struct seq right);
uint64_t holes_octets(const struct loss *loss);
void held_add(struct loss *loss, struct seq left, struct seq right);
void held_acked(struct loss *loss, struct seq acked);
bool held_covers(const struct loss *loss, struct seq left, struct seq right);
bool held_above(const struct loss *loss, struct seq end);

/* resend.c */
void resend_note(struct step *step, uint32_t seen_octets);
void resend_progress(struct step *step);
void resend_dsack(struct step *step, struct seq left, struct seq right);

/* acks.c, window.c, probe.c */
void ack_step(struct step *step);
void ack_moves(struct step *step);
void answer_time(struct side *own, int64_t gap_ns);
void window_step(struct step *step);
bool probe_step(struct step *step);
void probe_answer(struct step *step);
uint32_t side_window_octets(const struct flow *flow, const struct side *side, bool *known);

/* fin.c, reset.c, states.c */
void fin_step(struct step *step);
void fin_acked(struct step *step);
void fin_data_after(struct step *step);
void fin_check_end(struct step *step);
void reset_step(struct step *step);
void reset_went_on(struct step *step);
void state_event(struct step *step, enum end end, enum tcp_event event, uint32_t bits);
void state_event_at(struct step *step, enum end end, enum tcp_event event, uint32_t bits,
		    uint64_t frame);
void state_assume(struct step *step, enum end end, enum tcp_state state);
void state_confirm(struct step *step, enum end end);
uint64_t state_withdraw(struct step *step, enum end end, enum tcp_state state);
unsigned states_unfold(const struct pools *pools, const struct flow *flow, enum end end,
		       struct state_entry entries[static STATE_ENTRIES_MOST]);

/* copies.c, quality.c, stall.c, icmp.c */
bool copy_step(struct step *step);

/* Whether the sender's last segment came so shortly before that this may be a copy of one. */
static inline bool copy_near(const struct step *step)
{
	int64_t apart = step->now - step->own->last.ns;

	return step->own->last.frame && apart <= COPY_NS && apart >= -COPY_NS;
}
void copy_remember(struct step *step);
void quality_step(struct step *step);
void stall_step(struct step *step);
void stall_add(struct step *step, enum stall_kind kind, int64_t lasted_ns, uint64_t first_frame,
	       enum end who);
void icmp_not_minded(struct step *step);
void icmp_take(struct tracker *tracker, const struct segment *seg, uint64_t hash,
	       const struct tuple *tuple, bool swapped);

/* lists.c: what is due when */
void due_join(struct tracker *tracker, uint32_t index, enum due_list list);
void due_leave(struct tracker *tracker, uint32_t index);
void due_run(struct tracker *tracker);
void due_settle(struct tracker *tracker, uint32_t index, bool late);
/* Have a flow, or a brief with REF_BRIEF, released at this frame in its turn. Return: false: out of
   memory. */
bool release_note(struct tracker *tracker, uint32_t ref);
void flow_ended(struct step *step);

/* tomb.c */
void tomb_put(struct tracker *tracker, uint32_t index); /* of a flow */
void tomb_put_brief(struct tracker *tracker, uint32_t index);
void tombs_expire(struct tracker *tracker);
int64_t tombs_next_ns(const struct tracker *tracker); /* when the next one is over */
void former_of_flow(const struct flow *flow, struct former *former, bool client_is_b);
void former_of_tomb(const struct tomb *tomb, struct former *former, bool client_is_b);

/* evict.c */
void evict_one(struct tracker *tracker);
void evictor_free(struct evictor *evictor);

/* How many are live: not those that are due. */
static inline uint32_t live_now(const struct tracker *tracker)
{
	return tracker->pools.flows.live + tracker->pools.briefs.live - tracker->handed;
}

/* release.c, tell.c, unfold.c */
void release_flow(struct tracker *tracker, uint32_t index, bool at_end);
/* Release a brief as it is: nothing keeps it, or the input ended. */
void release_as_brief(struct tracker *tracker, uint32_t index, bool at_end);
/* Have all that was due taken back; likewise, where a pool may run short by it: so that what they
   hold never changes a result. */
void settle(struct tracker *tracker);
void settle_if_tight(struct tracker *tracker);
struct tracker *tracker_make(const struct track_limits *limits, const struct track_sink *sink,
			     bool aside); /* tracker_new(); @aside: for a teller's use */
struct teller *teller_new(const struct pools *pools, bool aside);
void teller_free(struct teller *teller);
struct unfolded;
struct unfolded *unfolded_new(void);
void unfolded_free(struct unfolded *unfolded);
const struct conn *unfold(struct unfolded *out, const struct pools *pools, const struct flow *flow,
			  const struct track_due *due);
/* Where the capture was taken, by what else the record holds. */
enum viewpoint viewpoint_of(const struct conn *conn);
/* The longest time behind a connection's last segment in which nothing was captured at all. */
int64_t pause_after(const struct tracker *tracker, int64_t last_ns);

/* Take one look at an RTT of this connection; TIME_NONE: unknown. */
int64_t flow_rtt_ns(const struct tracker *tracker, const struct flow *flow);

#endif /* TCPWHY_TRACK_TRACKER_H */
