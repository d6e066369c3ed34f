/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_CRAFT_SCRIPT_H
#define TCPWHY_CRAFT_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "tcp/notation.h"

/*
 * A capture kept as text (docs/notation.md), taken apart but not yet crafted: connections, and
 * what happens in order of time. Repeated blocks are unrolled.
 */

#define SCRIPT_NAME_BYTES 32
#define SCRIPT_ITEMS_MOST 1000000 /* segments of one text, after unrolling */

struct script_end {
	struct ip_address ip;
	uint16_t port;
	bool id_said, window_said;
	uint32_t isn, ttl;
	uint32_t id;	       /* first IP ID; valid with id_said */
	uint32_t window_scale; /* where its SYN is not in the text */
	uint32_t window;       /* octets; valid with window_said */
};

struct script_conn {
	char name[SCRIPT_NAME_BYTES]; /* "A", "B", "A17" */
	struct script_end ends[2];    /* client, server */
};

enum script_item_kind {
	SCRIPT_SEGMENT, /* conn sends (or an ICMP error quotes) notation */
	SCRIPT_COPY,	/* the frame of @original again, as far as notation says otherwise */
	SCRIPT_TICK,	/* a frame without TCP */
};

struct script_item {
	enum script_item_kind kind;
	unsigned line;
	bool copied;	 /* a later item is a copy of it */
	int64_t time_ns; /* since the start of the text */
	size_t order;	 /* in the text: decides between equal times */
	size_t original; /* of a copy: the order of what it copies */
	size_t conn;	 /* in script.conns */
	size_t notation; /* in script.notations */
};

/* A line that says what must be found; craft/ only keeps it. */
struct script_claim {
	unsigned line;
	char *text; /* owned by the script: "expect open.handshake proved", comment cut off */
};

struct script {
	const char *name; /* borrowed: for errors */
	char title[128];
	int64_t start_ns;
	uint16_t link_type; /* enum craft_link */
	struct script_conn *conns;
	size_t conn_count, conn_room;
	struct script_item *items; /* by time, then order */
	size_t item_count, item_room;
	struct notation *notations;
	size_t notation_count, notation_room;
	struct script_claim *claims;
	size_t claim_count, claim_room;
};

/**
 * script_parse() - Take a text apart
 * @script:  zeroed; to be cleared whatever comes back
 * @name:    of the text, for errors; borrowed as long as the script
 * @text:    NUL-terminated; not needed afterwards
 * @err:     ERR_INPUT with the line and what to do; ERR_SYSTEM, out of memory
 */
bool script_parse(struct script *script, const char *name, const char *text, struct err *err);

void script_clear(struct script *script);

/* craft/script_conn.c: the lines about connections. */
bool script_init_conn(struct script *script, const char *name, struct err *err);
bool script_parse_end(struct scan *in, struct script_end *end, struct err *err);
bool script_parse_conn(struct scan *in, struct script *script, struct err *err);
size_t script_find_conn(const struct script *script, struct word name); /* SIZE_MAX: none */

/* A repeated block: what its first line says. */
struct script_repeat {
	size_t conn; /* the connection that the others are like */
	uint64_t count;
	int64_t start_ns, every_ns;
	uint32_t addr, port, server_addr, server_port; /* added per copy */
	size_t first_item;			       /* of the block's lines */
};

bool script_parse_repeat(struct scan *in, const struct script *script, struct script_repeat *repeat,
			 struct err *err);

/* Replace the block's items by those of all its copies. */
bool script_unroll(struct script *script, const struct script_repeat *repeat, struct err *err);

/* Make room for one more item in a growing array; new ones are zeroed. Return: the array, perhaps
   elsewhere; NULL: out of memory, the old one stays. */
void *script_grow(void *items, size_t count, size_t *room, size_t item_bytes, struct err *err);

#endif /* TCPWHY_CRAFT_SCRIPT_H */
