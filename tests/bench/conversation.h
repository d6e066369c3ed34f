/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_TESTS_BENCH_CONVERSATION_H
#define TCPWHY_TESTS_BENCH_CONVERSATION_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What the connections of a generated capture do, as a tap near the client sees it: plans of
 * segments, drawn from a seed. The two ends keep to TCP; the path loses and reorders.
 */

struct chance {
	uint64_t state;
};

/* The next draw of a sequence (splitmix64), below @limit. */
uint64_t chance_below(struct chance *chance, uint64_t limit);
bool chance_permille(struct chance *chance, int64_t permille);
/* Exponentially distributed about @mean. */
int64_t chance_about(struct chance *chance, int64_t mean);

enum conversation_kind {
	TALK_NORMAL,
	TALK_RESET,	 /* the client aborts */
	TALK_REFUSED,	 /* the server's RST answers the SYN */
	TALK_UNANSWERED, /* three SYNs */
	TALK_OPEN,	 /* one request and answer, then silence to the end */
	TALK_IDLE,	 /* the same, and a keep-alive probe every minute */
};

struct conversation_traits {
	int64_t payload_most;  /* bytes in a segment */
	int64_t exchanges;     /* mean number of requests */
	int64_t lifetime_ns;   /* mean */
	int64_t loss, reorder; /* per 1000 segments with data */
};

enum planned_option {
	PLANNED_SYN = 1,  /* the options of a SYN */
	PLANNED_SACK = 2, /* one block: sack_left to sack_right */
};

struct planned {
	int64_t time_ns;
	uint32_t seq, ack; /* as sent */
	uint32_t sack_left, sack_right;
	uint16_t payload;
	uint8_t flags;
	bool from_server;
	uint8_t options; /* enum planned_option */
};

#define PLAN_MOST 96

struct conversation {
	enum conversation_kind kind;
	uint32_t isn[2]; /* client's, server's */
	uint32_t count, next;
	struct planned plan[PLAN_MOST]; /* by time */
};

/* Draw a conversation that begins at @time_ns. */
void conversation_plan(struct conversation *talk, const struct conversation_traits *traits,
		       struct chance *chance, int64_t time_ns);

/* Plan what an idle connection does in the next minute. Return: false: nothing more comes. */
bool conversation_go_on(struct conversation *talk);

#endif /* TCPWHY_TESTS_BENCH_CONVERSATION_H */
