/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_TRACK_CONN_H
#define TCPWHY_TRACK_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"
#include "tcp/segment.h"
#include "tcp/state.h"

/*
 * The facts of one finished connection: what track/ hands to judge/ and report/. No opinions and no
 * text. The tracker keeps a live connection in a compact form of its own and unfolds it into this
 * when its record is due, so fields here may be many and plain.
 *
 * Everything here is without capture duplicates (second copies of the same packet): those count in
 * half.capture_duplicates only. Times are nanoseconds since the epoch (TIME_NONE: not seen), frames
 * are frame numbers (0: none), sequence numbers are relative to that side's ISN (ISN = 0; without a
 * SYN the first octet seen = 1) and modulo 2^32.
 *
 * What is rare stands behind pointers, borrowed until the record has been used. They are never
 * NULL: what did not happen points to an all-zero one, so a rule reads without asking first.
 */

enum end {
	END_CLIENT,
	END_SERVER,
};
#define ENDS 2

static inline enum end end_other(enum end end)
{
	return end == END_CLIENT ? END_SERVER : END_CLIENT;
}

/* What one segment was (bits). Printed as "notes"; names in track/note.h. */
enum note {
	NOTE_RESENT = 1 << 0,	     /* carries octets (or SYN, FIN) that were seen before */
	NOTE_RESENT_TIMER = 1 << 1,  /* with RESENT: the retransmission timer ran out */
	NOTE_RESENT_FAST = 1 << 2,   /* with RESENT: duplicate or selective ACKs asked for it */
	NOTE_RESENT_PROBE = 1 << 3,  /* with RESENT: a tail loss probe */
	NOTE_SPURIOUS = 1 << 4,	     /* with RESENT: the receiver had it all already */
	NOTE_REORDERED = 1 << 5,     /* sent before segments that were captured earlier */
	NOTE_FILLS_GAP = 1 << 6,     /* octets below snd_nxt that were never seen before */
	NOTE_GAP_BEFORE = 1 << 7,    /* octets between snd_nxt and this segment were not seen */
	NOTE_ACKS_UNSEEN = 1 << 8,   /* acknowledges octets that were not captured */
	NOTE_DUPLICATE_ACK = 1 << 9, /* RFC 5681: same ack and window, no data, data outstanding */
	NOTE_KEEPALIVE = 1 << 10,    /* a keep-alive probe */
	NOTE_KEEPALIVE_ANSWER = 1 << 11,
	NOTE_WINDOW_PROBE = 1 << 12, /* a probe of a shut window */
	NOTE_WINDOW_PROBE_ANSWER = 1 << 13,
	NOTE_ZERO_WINDOW = 1 << 14,	/* shuts, or leaves shut, this side's window */
	NOTE_WINDOW_UPDATE = 1 << 15,	/* only the window changed */
	NOTE_WINDOW_FULL = 1 << 16,	/* fills the peer's window to its edge */
	NOTE_CAPTURE_COPY = 1 << 17,	/* a second copy of a captured packet; changes nothing */
	NOTE_CHALLENGE_ACK = 1 << 18,	/* answers an unacceptable RST or SYN (RFC 5961) */
	NOTE_RST_ACCEPTED = 1 << 19,	/* the receiver takes this reset */
	NOTE_RST_IGNORED = 1 << 20,	/* the receiver must not take it (outside, or no ACK) */
	NOTE_RST_CHALLENGED = 1 << 21,	/* inside the window, not exact: answered by a challenge */
	NOTE_RST_AFTER_CLOSE = 1 << 22, /* both FINs had been acknowledged, or a reset before */
	NOTE_ACKS_FIN = 1 << 23,	/* the first to acknowledge the peer's FIN */
	NOTE_HANDSHAKE_ACK = 1 << 24,	/* the first ACK of the SYN-ACK */
	NOTE_ILLEGAL_FLAGS = 1 << 25,	/* a combination that no TCP sends */
	NOTE_SYN_INSIDE = 1 << 26,	/* a SYN with another ISN in a connection that lives */
	NOTE_TIME_BACK = 1 << 27,	/* stamped earlier than the frame before it */
	NOTE_AFTER_CLOSE = 1 << 28,	/* data sent to a side that had closed and gone */
	NOTE_MISS = 1 << 29,		/* another packet of this tuple, of no connection */
	NOTE_PREVIOUS = 1 << 30, /* belongs to the tuple's former connection by its numbers */
};

/* A segment worth remembering. */
struct moment {
	uint64_t frame;
	int64_t time_ns;
	uint32_t seq; /* relative */
	uint32_t ack; /* relative to the peer's ISN; 0 without the ACK bit */
	uint32_t payload_bytes;
	uint32_t notes;	 /* enum note bits */
	uint16_t window; /* raw header field */
	uint16_t ip_id;
	uint8_t flags; /* enum tcp_flag bits */
	uint8_t from;  /* enum end */
	uint8_t ttl;
	uint8_t options;  /* enum moment_option bits */
	uint32_t raw_ack; /* the ack field as it was sent */
	uint32_t raw_seq;
};

enum moment_option {
	MOMENT_HAS_OPTIONS = 1, /* any option but padding */
	MOMENT_HAS_FAST_OPEN = 2,
	MOMENT_HAS_FASTCLOSE = 4, /* MPTCP MP_FASTCLOSE */
	MOMENT_HAS_TCPRST = 8,	  /* MPTCP MP_TCPRST */
	MOMENT_HAS_TIMESTAMPS = 16,
	MOMENT_HAS_SACK = 32,
	MOMENT_HAS_DSACK = 64, /* its first SACK block reports a duplicate (RFC 2883) */
	MOMENT_IS_IPV6 = 128,
};

/* One entry of an end's state history. */
struct state_entry {
	uint64_t frame; /* that caused it; 0: no frame (TIME_WAIT's end) */
	uint8_t state;	/* enum tcp_state */
	bool assumed;	/* nothing seen afterwards confirmed it */
};
#define STATE_ENTRIES_MOST 24

/* What became of a reset. */
enum reset_fate {
	RESET_ACCEPTED,	   /* the receiver takes it: the connection (or opening) is over */
	RESET_CHALLENGED,  /* in the window, not exact: RFC 5961 asks for a challenge ACK */
	RESET_IGNORED,	   /* not acceptable */
	RESET_AFTER_CLOSE, /* both had closed, or a reset had ended it already */
};

/* One RST with what the tap can know about it. */
struct reset {
	struct moment at; /* at.from: whose address it carries */
	enum reset_fate fate;
	bool with_ack;		  /* R. rather than R */
	bool seq_is_snd_nxt;	  /* seq = that side's highest octet sent + 1 (or its FIN's) */
	bool seq_is_rcv_nxt;	  /* seq = what the receiver last acknowledged */
	bool seq_below_sent;	  /* seq < what that side had already sent (Weaver et al., 2009) */
	bool ack_is_rcv_nxt;	  /* with_ack, and ack = the peer's highest octet in order + 1 */
	bool window_was_open;	  /* that side's last window before it was not zero */
	bool window_same_class;	  /* window field = that side's usual one (not 0, not odd) */
	bool peer_payload_acked;  /* all payload of the peer is acknowledged (by the RST at latest)
				   */
	bool sender_answered;	  /* that side sent payload after the peer's last payload */
	bool sender_sent_payload; /* that side ever sent payload */
	bool sender_sent_fin;	  /* a FIN of that side came before */
	bool peer_sent_fin;
	bool sender_went_on;   /* that side sent in-order segments after it as if nothing was */
	uint8_t usual_ttl;     /* of that side's other packets; 0: none seen */
	uint8_t later_ttl;     /* of that side's first packet after the reset; 0: none seen */
	bool has_trigger;      /* the peer's segment that it answers: its ack (or end) = this seq */
	struct moment trigger; /* valid with has_trigger */
	bool has_previous;
	struct moment previous; /* the peer's last segment before it, trigger or not */
	bool previous_acked;	/* that side had acknowledged all of it in a segment of its own */
	int64_t silence_ns;	/* of both ends before the trigger (to a millisecond), else
				   before the reset; TIME_NONE: none before */
	int64_t own_rtt_ns;	/* resetter's half of the handshake RTT at the tap; TIME_NONE */
	int mptcp_reason;	/* of MP_TCPRST; -1 without */
};
#define RESETS_MOST 6 /* kept: the first accepted one always is */

/* A FIN of one side. */
struct fin {
	struct moment first;	/* its first transmission */
	uint32_t seq;		/* relative, of the FIN's own octet (seq + payload) */
	uint64_t repeats;	/* how often it was sent again */
	int64_t last_repeat_ns; /* TIME_NONE: never */
	uint64_t last_repeat_frame;
	int64_t last_gap_ns;	    /* between its last two transmissions */
	struct moment acked;	    /* first segment that acknowledges it; acked.frame 0: none */
	uint64_t acked_again;	    /* acknowledged again after a repeat */
	uint64_t acked_again_frame; /* the first such */
	bool acks_peer_fin;	    /* its first transmission acknowledges the peer's FIN */
	bool completes_handshake;   /* no other ACK of the SYN-ACK came before it */
	int64_t silence_ns; /* of both ends before its first transmission; TIME_NONE: none before */
};

/* Probes of one side: keep-alive, or of a shut window. The latest run, and totals. */
struct probe_run {
	uint64_t total;	   /* probes of this kind in the connection */
	uint64_t answered; /* of them */
	uint64_t first_frame_ever;
	uint64_t first_answer_frame;
	unsigned unanswered;		   /* in the last run: since the peer's last segment */
	uint64_t first_frame, last_frame;  /* of the last run */
	int64_t first_ns, last_ns;	   /* likewise */
	int64_t idle_ns;		   /* silence before the run's first probe; TIME_NONE */
	int64_t gap_least_ns, gap_most_ns; /* between probes of the run; TIME_NONE with one probe */
	int64_t typical_gap_ns;	 /* answered or not: the latest gap between two probes; TIME_NONE */
	int64_t typical_idle_ns; /* silence before an answered probe; TIME_NONE */
	uint8_t payload_bytes;	 /* 0 or 1 (Windows, old systems) */
	uint64_t frames[8];	 /* the last run's first frames */
	unsigned frame_count;
};

/* The same octets sent again without progress: the latest run of one side. */
struct resend_run {
	unsigned repeats;	/* since the last progress (ack that moved snd_una) */
	uint32_t seq;		/* relative, of what is repeated */
	uint32_t payload_bytes; /* of the first copy; 0: SYN or FIN only */
	bool is_syn, is_fin;
	uint64_t original_frame, first_frame, last_frame; /* first copy seen; first, last repeat */
	int64_t original_ns, first_ns, last_ns;
	int64_t last_gap_ns;	   /* before the last repeat */
	bool gaps_grow;		   /* each gap at least 1.5 times the one before (or capped) */
	bool answered;		   /* anything came from the peer after the first repeat */
	int64_t silence_before_ns; /* idle before the original was sent */
	uint64_t frames[12];	   /* of the first repeats */
	unsigned frame_count;
};

/* Spells of a shut window that this side advertised. */
struct shut_window {
	uint64_t spells;
	int64_t longest_ns; /* from shut to reopened, data waiting or not */
	uint64_t longest_first_frame, longest_last_frame;
	bool longest_blocked; /* the peer had sent up to the edge or probed: it waited */
	bool shut_now;	      /* not reopened in the capture */
	int64_t since_ns;     /* of the spell that lasts */
	uint64_t since_frame;
	bool blocked_now; /* the peer probed or had filled the window */
	unsigned probes;  /* in the longest (or lasting) spell */
};

enum stall_kind {
	STALL_SERVER_THINK, /* all the client sent was acknowledged; the server's data came late */
	STALL_CLIENT_THINK, /* nothing was owed to the client; its next data came late */
	STALL_ZERO_WINDOW,  /* the sender waited for a shut window */
	STALL_SMALL_WINDOW, /* the sender had filled the window and waited for it to move */
	STALL_TAIL_LOSS,    /* the last segments of a burst were repaired by a timer */
	STALL_RETRANSMIT,   /* other loss repaired by a timer */
	STALL_NAGLE_DELACK, /* a small segment waited for a delayed ACK of the one before */
	STALL_ACK_DELAY,    /* the sender waited for an ACK that came late */
	STALL_KINDS
};

/* The longest pause of one kind, and how many there were. */
struct stall {
	uint64_t count; /* of at least 200 ms and 3 RTT (NAGLE: of at least 35 ms) */
	int64_t total_ns;
	int64_t longest_ns;		  /* 0: none */
	uint64_t first_frame, last_frame; /* before and after the longest pause */
	uint8_t who;			  /* enum end: who kept the other waiting */
};

/* An ICMP error that quotes a segment of this connection. */
struct icmp_fact {
	uint64_t frame;
	int64_t time_ns;
	struct ip_address sender;
	uint8_t version, type, code, ttl;
	uint8_t quoted_from; /* enum end: whose segment is quoted */
	bool quotes_syn;     /* its sequence number is the SYN's */
	bool in_window;	     /* its sequence number is outstanding data (RFC 5927) */
	uint32_t mtu_bytes;  /* 0: not such an error */
	uint32_t quoted_seq; /* relative */
};
#define ICMP_MOST 6

/* What a tuple's former connection left behind. */
struct former {
	bool known;
	uint64_t conn;		  /* its number */
	int64_t end_ns;		  /* time of its last own segment */
	bool both_fins, reset;	  /* how it ended */
	bool never_ended;	  /* it was replaced alive */
	int8_t time_wait_end;	  /* enum end as of THIS connection's roles; -1 none, 2 both */
	uint32_t client_snd_nxt;  /* raw, of the end that is the client now */
	uint32_t client_last_ack; /* raw */
};

/* Capture quality as far as this connection shows it. */
struct quality {
	bool mid_stream;	     /* neither SYN nor SYN-ACK was captured */
	bool no_syn;		     /* SYN-ACK captured, its SYN not */
	bool one_sided;		     /* one end sent nothing although the other's ACKs move */
	uint8_t silent_end;	     /* enum end: that one */
	uint64_t unseen_acked;	     /* times that octets were acknowledged but never captured */
	uint64_t unseen_acked_frame; /* the first */
	uint64_t copies, copies_frame;
	uint64_t time_back, time_back_frame;
	uint64_t cut, cut_frame;	 /* payload or options cut by the snap length */
	uint64_t offload, offload_frame; /* larger than the MSS, or checksum left unfinished */
	uint8_t offload_end;		 /* enum end: whose segments these are */
	uint64_t checksum_bad, checksum_bad_frame; /* really wrong */
	bool two_paths; /* its segments were captured on two VLANs or tunnels */
	bool evicted;	/* pushed out by the connection limit before it ended */
	uint64_t moments_dropped, states_dropped, ranges_dropped; /* caps reached */
};

struct rtt {
	uint64_t samples;
	int64_t least_ns, most_ns, total_ns; /* valid with samples > 0 */
};

/* One end. */
struct half {
	struct ip_address ip;
	uint16_t port;

	uint64_t packets, bytes;	      /* segments; sum of IP total lengths */
	uint64_t payload_bytes, unique_bytes; /* with and without what was sent twice */
	uint64_t syn, synack, fin, rst;	      /* segments with that flag (syn: without ACK) */
	uint64_t data_packets;

	bool isn_known;
	struct seq isn;	       /* as sent; without SYN: one below the first octet seen */
	bool parameters_known; /* its SYN or SYN-ACK was captured with its options */
	int32_t mss;	       /* announced; -1 none */
	int8_t window_scale;   /* shift announced (at most 14); -1 none */
	bool sack_permitted, timestamps, fast_open, mptcp, ecn;
	uint16_t syn_window;	      /* raw window of its SYN or SYN-ACK */
	uint8_t syn_option_order[12]; /* option kinds of its SYN in order, 0-ended where shorter */
	uint8_t ttls[4];	      /* values seen, in order of appearance */
	unsigned ttl_count;
	bool tsval_known;
	uint32_t first_tsval, last_tsval;
	int64_t first_tsval_ns, last_tsval_ns;

	uint64_t resent_segments, resent_bytes;
	uint64_t resent_timer, resent_fast, resent_probe, resent_spurious; /* of them */
	uint64_t reordered_segments, duplicate_acks, capture_duplicates;
	uint64_t missing_bytes; /* holes in what was captured of this side */
	uint64_t keepalive_probes, window_probes, zero_windows, window_full;
	uint64_t first_resent_frame, first_timer_frame, first_fast_frame, first_probe_frame,
		first_spurious_frame, first_reordered_frame;

	uint32_t snd_una;	       /* relative: highest octet the peer acknowledged + 1 */
	uint32_t snd_nxt;	       /* relative: highest octet sent + 1 */
	uint64_t largest_acked_bytes;  /* payload of the largest segment that was acknowledged */
	uint64_t smallest_stuck_bytes; /* smallest payload resent >= 2 times and never acknowledged;
					  0 none */
	bool stuck_dont_fragment;      /* those carried DF */
	uint32_t mss_used_before_icmp, mss_used_after_icmp; /* largest payload; 0 unknown */

	enum tcp_state state;		  /* where it ended up */
	const struct state_entry *states; /* its history, at most STATE_ENTRIES_MOST */
	unsigned state_count;

	bool has_fin;
	const struct fin *closing; /* its FIN; all zero without has_fin */
	const struct probe_run *keepalive, *window_probe;
	const struct resend_run *resend;       /* the latest run of repeats without progress */
	const struct resend_run *worst_resend; /* the run with most repeats */
	const struct shut_window *shut;	       /* windows that THIS end shut */

	struct moment first_data, last_data; /* frame 0: none */
	struct moment last;		     /* its last segment of any kind; frame 0: none */
	uint64_t data_after_peer_fin;	    /* payload octets sent after acknowledging peer's FIN */
	uint64_t data_after_peer_fin_acked; /* of them, acknowledged by the peer */
	struct moment first_data_after_peer_fin;
	struct rtt rtt;		 /* tap -> this end -> tap: data to its ACK (Karn: not of resent) */
	int64_t answer_least_ns; /* smallest gap from a peer's segment to an answer that only a
				    kernel gives (SYN-ACK, ACK, RST); TIME_NONE */
};

enum viewpoint {
	VIEW_UNKNOWN,
	VIEW_CLIENT, /* captured at (or next to) the client */
	VIEW_SERVER,
	VIEW_MIDDLE,
};

/* How the opening went, in the tracker's words (no opinion on why). */
enum opening {
	OPENING_MID_CAPTURE, /* no SYN, no SYN-ACK */
	OPENING_SYN_ONLY,  /* SYN(s), nothing of the other end but perhaps unacceptable segments */
	OPENING_REFUSED,   /* an acceptable RST answered the SYN */
	OPENING_HALF,	   /* SYN-ACK seen, the opening never succeeded */
	OPENING_SUCCEEDED, /* docs/precedence.md section 0 */
};

struct conn {
	uint64_t conn;	/* frame number of the first segment: its identity */
	unsigned layer; /* 0: innermost TCP header of that frame */
	uint64_t first_frame, last_frame;
	int64_t first_ns, last_ns;
	int64_t judged_ns; /* the capture's clock when this record was written */
	uint64_t judged_frame;
	int64_t capture_pause_ns; /* the longest time between last_ns and judged_ns in which the
				     capture holds no packet at all; 0 below 5 minutes */
	bool at_end;		  /* written because the input ended, not because it was released */
	bool straight; /* opened by a handshake, all in order and once, closed by one end, then by
			  the other, all of it captured: nothing else happened */
	/* With straight, where nobody asked for more (tracker_want_outlines()): nothing happened
	   but the opening and the close, some payload was sent, and only this holds: conn, times,
	   viewpoint, opening, closed_first, the handshake's times, the longest idle time; of the
	   ends addresses, state and system; when the server sent payload and anything last; of the
	   FINs the second one's time, and the first one's with the silence before it where the
	   server closed first. */
	bool outline;
	bool direction_known; /* a SYN (or SYN-ACK) told who the client is */
	bool ipv6;
	enum viewpoint viewpoint;

	struct half half[ENDS];

	enum opening opening;
	bool simultaneous_open; /* SYNs of both ends, neither acknowledging, one connection of it */
	bool split_handshake;	/* the server answered with a SYN of its own after ours */
	struct moment syn, synack, handshake_ack; /* first good ones; frame 0: not seen */
	struct moment opened; /* the segment by which the opening succeeded; frame 0: it did not */
	uint32_t syn_payload_bytes;	   /* data in the first SYN that carried some */
	uint32_t syn_payload_acked_bytes;  /* of it, acknowledged by the SYN-ACK */
	uint64_t syn_payload_resent_frame; /* first repeat of that data after the handshake; 0 */
	int64_t handshake_rtt_ns, to_server_rtt_ns, to_client_rtt_ns; /* SYN..ACK, SYN..SYN-ACK,
						SYN-ACK..ACK as the tap saw them; TIME_NONE */

	/* Remembered segments in order: all until the opening succeeded (at most 40), later the
	   notable ones; when there are too many the middle is dropped and counted. */
	const struct moment *moments; /* borrowed until the record has been used */
	unsigned moment_count;

	const struct reset *resets; /* the first accepted one is always among them */
	unsigned reset_count;
	uint64_t resets_seen;
	int ending_reset;    /* index of the accepted reset that ended it; -1 none */
	int8_t closed_first; /* enum end that sent the first FIN; 2: crossing FINs; -1 no FIN */

	const struct stall *stalls; /* STALL_KINDS of them, all zero where there was none */
	int64_t longest_idle_ns;    /* survived, with nothing owed; 0 below 10 s */
	uint64_t longest_idle_first, longest_idle_last; /* frames around it */
	int64_t last_idle_ns;	  /* silence, nothing owed, before the last activity */
	uint64_t last_idle_frame; /* the segment that ended it */

	const struct icmp_fact *icmp; /* the first ICMP_MOST */
	unsigned icmp_count;
	uint64_t icmp_seen;

	uint64_t challenge_acks, challenge_frame, challenged_frame;
	uint64_t illegal_flags, illegal_frame;
	uint8_t illegal_flag_bits;
	uint64_t syn_inside; /* SYNs with another ISN that were not taken */
	uint64_t syn_inside_frame;
	bool replaced;			 /* a new SYN was taken although this one lived */
	uint64_t replaced_by;		 /* that connection's number */
	bool restarted_by_client;	 /* replaced, or reset after a challenge to a new SYN */
	uint64_t time_wait_killed_frame; /* RST in answer to TIME_WAIT's own ACK; 0 */

	uint64_t continues; /* earlier conn whose late segment this is; 0 */
	struct former former;
	struct quality quality;
};

/* The half that speaks first in a verdict's sentence: shorthand. */
static inline const struct half *conn_client(const struct conn *conn)
{
	return &conn->half[END_CLIENT];
}

static inline const struct half *conn_server(const struct conn *conn)
{
	return &conn->half[END_SERVER];
}

#endif /* TCPWHY_TRACK_CONN_H */
