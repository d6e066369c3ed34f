/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_TRACK_BRIEF_H
#define TCPWHY_TRACK_BRIEF_H

#include "base/pool.h"
#include "track/table.h"

struct pools;
struct tracker;
struct segment;

/*
 * A connection in brief. Most connections are short and plain, and all that is asked of them is
 * asked when they are over. So their segments are only written down (some 20 bytes each, behind one
 * look-up and in three cache lines), and the tracker reads them in one go when the connection is
 * due, when something happens that cannot wait, or when there are many of them. Then the connection
 * is a struct flow, as if it had been one from the start: what comes out is the same to the byte.
 *
 *     SYN       -> brief_begin()   a brief
 *     segments  -> brief_take()    written down, or refused: it cannot wait
 *     ... 5 s after both FINs, 140 s after an unanswered SYN, refused, the capture's end
 *               -> brief_unfold()  a flow that has seen them all
 *
 * Insiders of track/ only.
 */

#define BRIEF_SEGMENTS_MOST 40 /* longer ones are no longer cheaper than a flow */
#define BRIEF_CHUNK_BYTES   60
#define BRIEF_START_BYTES   216

#define BRIEF_LINE 64 /* a cache line: its size is a multiple, and a pool begins with one */

/* What was written down, as one stream: in the brief itself, then through a ring of chunks. */
struct brief_chunk {
	uint32_t next; /* of the last one: the first; here because pool_give_chain() wants it */
	uint8_t bytes[BRIEF_CHUNK_BYTES];
};
static_assert(sizeof(struct brief_chunk) == 64, "one cache line");

enum brief_bit {
	BRIEF_CLIENT_B = 0x01, /* the client is the key's second end */
	BRIEF_SYN_ACK = 0x02,  /* it was answered */
	BRIEF_UP = 0x04,       /* ... and that was acknowledged */
	BRIEF_IPV6 = 0x08,
	BRIEF_FIN_A = 0x10,	  /* the key's first end closed */
	BRIEF_FIN_B = 0x20,	  /* the second one did */
	BRIEF_FIN_A_ACKED = 0x40, /* ... and the other has acknowledged that */
	BRIEF_FIN_B_ACKED = 0x80,
};

/* The bit that stands for one end, by key order, where each end has one: from the first end's. */
static inline unsigned bit_of(unsigned first, bool second)
{
	return first << second;
}
static_assert(BRIEF_FIN_B == BRIEF_FIN_A << 1 && BRIEF_FIN_B_ACKED == BRIEF_FIN_A_ACKED << 1,
	      "bit_of()");

#define BRIEF_FINS (BRIEF_FIN_A | BRIEF_FIN_B)

/* What shows whether both ends closed by the rules, so that nothing keeps the connection. */
enum course_bit {
	COURSE_IRREGULAR = 0x01,    /* brief_regular() is not to be said of it */
	COURSE_CLOSED_BY_B = 0x02,  /* the key's second end closed first */
	COURSE_RELEASED = 0x04,	    /* it is due: no segment is of it any more */
	COURSE_EVENTFUL = 0x08,	    /* an outline will not do: outline.h */
	COURSE_LAST_DATA_A = 0x10,  /* the last segment of the key's first end had payload */
	COURSE_LAST_DATA_B = 0x20,  /* ... of the second one */
	COURSE_ACKED_LATE_A = 0x40, /* since that it was acknowledged, after a delayed ACK's time */
	COURSE_ACKED_LATE_B = 0x80,
};
static_assert(COURSE_LAST_DATA_B == COURSE_LAST_DATA_A << 1 &&
		      COURSE_ACKED_LATE_B == COURSE_ACKED_LATE_A << 1,
	      "bit_of()");

/* What an outline (outline.h) notes besides. Ends by key order. */
struct outline {
	union {
		uint32_t edge[2];   /* up to where each end may send; until the first FIN */
		int64_t silence_ns; /* before that */
	};
	int64_t data_ns[2];    /* of each end's last payload; 0: none yet. Where the server closes
				  first the client's is then the time of that FIN */
	int64_t second_fin_ns; /* of the FIN of who closed last */
	uint16_t payload_most[2]; /* each end may have: the other's MSS */
	uint8_t scale[2];	  /* of each end's SYN: outline.h */
};

/*
 * Ends by key order: 0 is (ip_a, port_a). Every segment touches the first two cache lines, and the
 * one to which the stream has come. As a tombstone (tracker.h) it knows its key by the hash.
 */
struct brief {
	uint64_t hash;	      /* of its key: table_hash() */
	uint64_t first_frame; /* 0: this place is free */
	int64_t last_ns;      /* of the last segment, which is the latest */
	uint32_t nxt[2];      /* what each end sends next */
	uint32_t tsval[2];    /* of each end's last one that had a time stamp */
	uint32_t acked[2];    /* how far each end's octets are: while an outline will do */
	uint32_t last;	      /* chunk; 0: the stream still has room in start */
	uint32_t path;
	uint8_t used;	/* bytes in the last chunk, or in start */
	uint8_t count;	/* segments */
	uint8_t bits;	/* enum brief_bit */
	uint8_t course; /* enum course_bit */
	uint8_t ttl[2]; /* of each end's last segment */
	uint8_t chunks; /* in the ring */
	struct outline outline;
	uint8_t start[BRIEF_START_BYTES]; /* the key, then the stream: as much as many ever have */
};
static_assert(sizeof(struct brief) == 320, "a live connection is to stay small");
static_assert(offsetof(struct brief, outline) == BRIEF_LINE, "what every segment touches");

/*
 * What a clock asks of a brief, apart from it: nearly always that is all, and the brief need not
 * come from memory. In a word stand the bits of so many briefs.
 */
enum glance {
	GLANCE_NOTHING = 0,
	GLANCE_UP = 0x1,     /* as BRIEF_UP */
	GLANCE_CLOSED = 0x2, /* brief_closed() */
};
#define GLANCE_BITS 2u
#define GLANCES	    (64 / GLANCE_BITS)

/**
 * brief_begin() - Begin a connection in brief
 * @hash:     of @tuple, which is in no place of the table
 * @swapped:  the segment's source is the key's second end
 *
 * Return: false: it is no plain SYN, or there is no room: to be a flow at once.
 */
bool brief_begin(struct tracker *tracker, const struct segment *seg, uint64_t hash,
		 const struct tuple *tuple, bool swapped);

/* Write a segment of a brief down. Return: false: it cannot wait, the brief is to be unfolded. */
bool brief_take(struct tracker *tracker, uint32_t index, const struct segment *seg, bool swapped);

/* Make a flow of a brief; @late: a clock asked for it (due_settle()). Return: its index; 0: no room
   (the brief is gone). */
uint32_t brief_unfold(struct tracker *tracker, uint32_t index, bool late);

/* Whether both ends have closed, and both know. */
static inline bool bits_closed(unsigned bits)
{
	unsigned both = BRIEF_FIN_A_ACKED | BRIEF_FIN_B_ACKED;

	return (bits & both) == both;
}

static inline bool brief_closed(const struct brief *brief)
{
	return bits_closed(brief->bits);
}

/*
 * Whether a flow that saw these segments has ended, once and with the last of them: handshake, all
 * in order and once, no ACK of what was not seen, FINs that did not cross, acknowledged. Then the
 * brief is released as it is, and whoever makes the record need not ask the tracker (tell.c).
 */
static inline bool brief_regular(const struct brief *brief)
{
	return brief_closed(brief) && !(brief->course & COURSE_IRREGULAR);
}

/* Show a flow all segments of a brief, each at its time. @into: gets the flow; @from: where the
   brief is; @place: gets the flow's index, and stays as it was where there is no room. */
void brief_replay(struct tracker *into, const struct pools *from, const struct brief *brief,
		  uint32_t *place);

/* Start fetching a part of what reading a brief will touch, each after the one before has come: the
   brief, its last chunk, the first one, the second... */
#define BRIEF_FETCH_LEVELS 6
void brief_fetch(const struct pools *pools, uint32_t index, unsigned level);

/* Whether a brief, which may be gone since somebody named it, is the one of this key now. */
static inline bool brief_is_of(const struct brief *brief, uint64_t hash)
{
	return brief->hash == hash && brief->first_frame && !(brief->course & COURSE_RELEASED);
}

/* Its key, which lies before the stream. */
struct tuple brief_tuple(const struct brief *brief);

/* Give a brief back; its place in the table is the caller's. */
void brief_give(struct tracker *tracker, uint32_t index);

/* Start fetching what that will touch: @level 0 the brief, then 1 its last chunk. */
void brief_fetch_to_give(const struct pools *pools, uint32_t index, unsigned level);

/* Unfold all of them and begin no more: the limit of connections is reached. */
void briefs_unfold_all(struct tracker *tracker);

/* Have those released that are due by the capture's clock, or unfold them where they are not yet.
 */
void briefs_wake(struct tracker *tracker);

/* When the next one is due; INT64_MAX: never. */
int64_t briefs_next_ns(const struct tracker *tracker);

#endif /* TCPWHY_TRACK_BRIEF_H */
