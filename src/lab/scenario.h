/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_LAB_SCENARIO_H
#define TCPWHY_LAB_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "lab/claim.h"
#include "lab/socket.h"
#include "tcp/notation.h"
#include "tcp/state.h"
#include "track/conn.h"

/*
 * A scenario file (docs/scenarios.md) taken apart, nothing of it done yet. Everything keeps its
 * line, so that what fails at run time names it.
 */

/* Which segments of the wire a line means. */
enum pattern_kind {
	PATTERN_ANY,
	PATTERN_SYN,	 /* SYN without ACK */
	PATTERN_SYN_ACK, /* SYN with ACK */
	PATTERN_ACK,	 /* ACK alone: no payload, SYN, FIN, RST */
	PATTERN_DATA,	 /* payload */
	PATTERN_FIN,	 /* FIN, with or without payload */
	PATTERN_RST,
	PATTERN_KINDS
};

enum comparison_of {
	OF_NOTHING,
	OF_EQUAL,
	OF_NOT_EQUAL,
	OF_LESS,
	OF_AT_MOST,
	OF_MORE,
	OF_AT_LEAST,
};

struct pattern {
	enum pattern_kind kind;
	bool from_said; /* a direction was given: */
	enum end from;
	enum comparison_of length_compare; /* of the payload; OF_NOTHING: any */
	uint32_t length;
	uint16_t client_port, server_port; /* 0: any */
	/* Of those that match, counted from 1; first 0: all. */
	uint32_t first, last; /* last UINT32_MAX: and all after it */
};

enum cond_kind {
	COND_REACHED,	/* segment number count of pattern has reached the wire */
	COND_DELIVERED, /* ... has been delivered */
	COND_CALLED,	/* programs of end have finished step verb count times */
	COND_BLOCKED,	/* a program of end is inside a call that waits */
	COND_TIME,	/* after_ns since the start */
};

struct cond_part {
	enum cond_kind kind;
	struct pattern pattern; /* REACHED, DELIVERED: without first and last */
	uint32_t count;
	enum end end;
	unsigned verb; /* enum step_verb */
	int64_t after_ns;
};

#define COND_PARTS_MOST 6

/* All of its parts; no parts: holds at once. */
struct cond {
	unsigned count;
	struct cond_part parts[COND_PARTS_MOST];
	int64_t then_ns; /* and so long after that */
};

/* What a program does; docs/scenarios.md. The table of words is step_verbs[]. */
enum step_verb {
	STEP_LISTEN,
	STEP_ACCEPT,
	STEP_CONNECT,
	STEP_CONNECT_FAST,
	STEP_CONNECT_SELF,
	STEP_CONNECTED,
	STEP_BIND,
	STEP_SET,
	STEP_SEND,
	STEP_RECV,
	STEP_RECV_ALL,
	STEP_ECHO,
	STEP_SHUTDOWN,
	STEP_CLOSE,
	STEP_ABORT,
	STEP_STOP_LISTENING,
	STEP_EXIT,
	STEP_KILL,
	STEP_SLEEP,
	STEP_WAIT,
	STEP_REPEAT, /* goes round up to its STEP_AGAIN */
	STEP_AGAIN,
	STEP_VERBS
};

/* "connect", "recv all"; static. */
const char *step_verb_name(enum step_verb verb);

enum outcome_kind {
	OUTCOME_OK,	/* succeeds */
	OUTCOME_ERROR,	/* fails with this errno */
	OUTCOME_OCTETS, /* recv: so many */
	OUTCOME_END,	/* recv: end of file */
	OUTCOME_ANY,
};

#define SOCKET_NAME_BYTES 16
#define STEP_TEXT_BYTES	  256

struct step {
	unsigned line;
	enum step_verb verb;
	char socket[SOCKET_NAME_BYTES]; /* "" the unnamed one */
	bool socket_counts;	  /* its name ends in +: the round's number, from 0, is added */
	uint16_t port, from_port; /* 0: not said */
	bool port_counts, from_counts; /* likewise: 7100+ is 7100, 7101, ... */
	int backlog;		       /* 0: not said, 16 */
	int64_t time_ns;	       /* sleep; timeout of connect (0: none); every of repeat */
	bool started;
	uint32_t octets; /* send, recv: 0 not said; repeat: rounds */
	uint8_t text[STEP_TEXT_BYTES];
	uint32_t text_bytes; /* send "TEXT" */
	int how;	     /* shutdown: SHUT_RD, SHUT_WR, SHUT_RDWR */
	struct socket_setting setting;
	struct cond cond; /* wait */
	size_t other;	  /* repeat: index of its again; again: of its repeat */
	enum outcome_kind outcome;
	int64_t outcome_number; /* errno or octets */
};

#define PROGRAM_STEPS_MOST 64
#define REPEAT_ROUNDS_MOST 9999
#define STEP_OCTETS_MOST   (UINT32_C(1) << 30)

struct program {
	unsigned line;
	enum end end;
	char name[SOCKET_NAME_BYTES]; /* "" the end's first */
	size_t step_count;
	struct step *steps; /* owned */
};

enum rule_kind {
	RULE_DROP,
	RULE_HOLD,
	RULE_DELAY,
	RULE_COPY,
	RULE_EDIT,
	RULE_ANSWER,
	RULE_ANSWER_ICMP,
	RULE_INJECT,
	RULE_REBOOT,
};

/* What edit changes. */
enum edit_kind {
	EDIT_TTL,
	EDIT_WINDOW, /* raw field */
	EDIT_STRIP,  /* number: option kind; its bytes become NOPs */
	EDIT_ACK,    /* number is added */
	EDIT_SEQ,
	EDIT_TSVAL,
	EDIT_SUM_BAD,
};

#define EDITS_MOST 4

struct rule {
	unsigned line;
	enum rule_kind kind;
	struct pattern pattern;
	struct cond until; /* hold: released then; else: the rule rests then */
	bool optional;	   /* it need not take a segment */
	struct cond after; /* no parts: from the start */
	int64_t time_ns;   /* delay, copy */
	struct {
		enum edit_kind kind;
		int64_t number;
	} edits[EDITS_MOST];
	unsigned edit_count;
	struct notation *segment; /* owned: answer, inject */
	/* inject */
	bool from_said;
	struct ip_address from_address;
	uint16_t from_port, to_port; /* 0: of the newest connection */
	bool address_counts, from_counts, to_counts;
	uint32_t times;
	int64_t every_ns;
	/* answer with icmp */
	uint8_t icmp_type, icmp_code;
	uint32_t icmp_mtu;
	struct ip_address icmp_from;
	enum end end; /* reboot */
};

/* What the record lacks on purpose. */
enum flaw_kind {
	FLAW_MISS,
	FLAW_TWICE,
	FLAW_CUT,   /* number: bytes kept */
	FLAW_FROM,  /* recorded only from cond on */
	FLAW_UNTIL, /* ... until cond */
};

struct flaw {
	unsigned line;
	enum flaw_kind kind;
	struct pattern pattern;
	uint32_t number;
	struct cond cond;
};

struct sysctl {
	unsigned line;
	bool end[ENDS]; /* for whom */
	bool optional;
	char name[64], value[64];
};

/* expect, forbid, ... of the notation of golden captures. */
struct expected {
	struct claim claim;
	enum end tap; /* whose tap; that which is read where the line names none */
	bool tap_said;
};

struct expected_kernel {
	unsigned line;
	enum end end;
	unsigned count;
	enum tcp_state states[CLAIM_STATES_MOST];
};

struct expected_frames {
	unsigned line;
	enum end tap; /* likewise */
	bool tap_said;
	bool exactly;
	size_t count;
	struct notation *segments; /* owned */
	unsigned *lines;	   /* owned: of each */
};

struct expected_count {
	unsigned line;
	struct pattern pattern;
	enum comparison_of compare;
	uint64_t number;
};

enum fact_kind {
	FACT_FRAME,
	FACT_COUNT,
	FACT_KERNEL,
	FACT_FOUND,
	FACT_CALL,
};

struct fact_of {
	enum fact_kind kind;
	struct notation *segment; /* owned: FRAME */
	struct expected_count count;
	enum end end; /* KERNEL, CALL */
	enum tcp_state state;
	char id[CLAIM_ID_BYTES];
	unsigned verb; /* CALL */
	int error;     /* CALL: 0 success */
};

#define ANSWER_FACTS_MOST  6
#define CLAIM_ANSWERS_MOST 4

struct common_claim {
	unsigned line;
	char text[96];
	unsigned answer_count;
	struct claim_answer {
		unsigned line;
		char words[64]; /* "yes", "no", or other words */
		unsigned fact_count;
		struct fact_of facts[ANSWER_FACTS_MOST];
	} answers[CLAIM_ANSWERS_MOST];
};

#define SCENARIO_VERDICTS_MOST 16
#define SCENARIO_NAME_BYTES    64

/* How many of each a scenario may have. */
#define SCENARIO_PROGRAMS_MOST 16
#define SCENARIO_RULES_MOST    64
#define SCENARIO_FLAWS_MOST    16
#define SCENARIO_SYSCTLS_MOST  32
#define SCENARIO_EXPECTED_MOST 64
#define SCENARIO_KERNELS_MOST  16
#define SCENARIO_FRAMES_MOST   16 /* blocks */
#define SCENARIO_SEGMENTS_MOST 64 /* of a block of frames */
#define SCENARIO_COUNTS_MOST   32
#define SCENARIO_CLAIMS_MOST   16
#define SCENARIO_LINE_MOST     1024 /* characters of a line */

struct scenario {
	char name[SCENARIO_NAME_BYTES]; /* of the file, without folder and .scn */
	char path[256];
	char title[128], told[160];
	char article[8];     /* "5a"; "" none of the six */
	char article_of[80]; /* the case's heading */
	char verdicts[SCENARIO_VERDICTS_MOST][CLAIM_ID_BYTES];
	unsigned verdict_count;
	unsigned kernel_major, kernel_minor; /* 0 0: any */
	unsigned kernel_line;
	bool ipv6;
	enum end read; /* whose tap is explained */
	bool has_end;
	struct cond end;
	unsigned end_line;
	int64_t limit_ns;
	/* All owned. */
	struct sysctl *sysctls;
	size_t sysctl_count;
	struct program *programs;
	size_t program_count;
	struct rule *rules;
	size_t rule_count;
	struct flaw *flaws;
	size_t flaw_count;
	struct expected *expected;
	size_t expected_count;
	struct expected_kernel *kernels;
	size_t kernel_count;
	struct expected_frames *frames;
	size_t frames_count;
	struct expected_count *counts;
	size_t counts_count;
	struct common_claim *claims;
	size_t claim_count;
};

/**
 * scenario_parse() - Take a scenario apart and check that it can be done at all
 * @path:  for errors and the name; copied
 * @text:  NUL-terminated
 * @err:   ERR_INPUT with file, line and what to do: unknown word (nearest suggested), a step that
 *         can't be (accept without listen, a socket that nothing made), a verdict that is not
 *         expected, no program at all; ERR_SYSTEM, out of memory
 *
 * Return: owned by the caller; NULL with @err set.
 */
struct scenario *scenario_parse(const char *path, const char *text, struct err *err);

/* The same from a file. */
struct scenario *scenario_read(const char *path, struct err *err);

void scenario_free(struct scenario *scenario);

/* Say a pattern, a condition, a step as the file would: for messages. */
#define SCENARIO_TEXT_BYTES 1536 /* room for the longest; and parsing it gives the same again */
void pattern_print(const struct pattern *pattern, struct text *out);
void cond_print(const struct cond *cond, struct text *out);
void step_print(const struct step *step, struct text *out);

#endif /* TCPWHY_LAB_SCENARIO_H */
