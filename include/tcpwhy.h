/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_H
#define TCPWHY_H

/*
 * libtcpwhy: feed it the frames of a capture, get what TCP did and why.
 *
 *     struct tcpwhy_options options = TCPWHY_OPTIONS;
 *     options.connection = my_function;
 *     struct tcpwhy *why = tcpwhy_new(&options);
 *     tcpwhy_add(why, frames, count);    as often as there are frames
 *     tcpwhy_finish(why);                the functions have been called for everything
 *     tcpwhy_free(why);
 *
 * An analysis belongs to one thread at a time; there may be any number of them. The library does no
 * input or output and keeps nothing outside an analysis. Texts are UTF-8 and never NULL; a pointer
 * is borrowed until the call it was handed to returns, catalogue texts are static. Times are
 * nanoseconds since 1970-01-01 UTC.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TCPWHY_VERSION_MAJOR 0
#define TCPWHY_VERSION_MINOR 1
#define TCPWHY_VERSION_PATCH 0

#if defined(__GNUC__)
#define TCPWHY_API __attribute__((visibility("default")))
#else
#define TCPWHY_API
#endif

/* The version of the library that was loaded, "0.1.0"; this header's is in the numbers above. */
TCPWHY_API const char *tcpwhy_version(void);

struct tcpwhy;		  /* one analysis */
struct tcpwhy_connection; /* one finished connection and what is said of it */
struct tcpwhy_group;	  /* something that several connections show together */
struct tcpwhy_verdict;	  /* one thing that happened, and why */

/* A frame, as a capture file or libpcap hands it over. */
struct tcpwhy_frame {
	uint64_t number; /* what verdicts cite: 1 for the first, growing */
	int64_t time_ns;
	const uint8_t *bytes;	 /* read during tcpwhy_add() only */
	uint32_t captured_bytes; /* at bytes */
	uint32_t wire_bytes;	 /* how long the frame was; at least captured_bytes */
	uint16_t link_type;	 /* LINKTYPE_ number: 1 is Ethernet */
};

struct tcpwhy_options {
	size_t size;	       /* of this struct, as the caller knows it */
	size_t connections;    /* live at once; 0: by the machine's memory */
	size_t fragment_bytes; /* memory for IP fragments; 0: 4 MiB */
	void *context;	       /* handed to the functions */
	/* A connection has ended, or the input has. */
	void (*connection)(void *context, const struct tcpwhy_connection *connection);
	/* At the end: what groups of connections show (scans, a full accept queue). May be NULL. */
	void (*group)(void *context, const struct tcpwhy_group *group);
};
#define TCPWHY_OPTIONS                                                                             \
	{                                                                                          \
		sizeof(struct tcpwhy_options), 0, 0, NULL, NULL, NULL                              \
	}

/* Start an analysis. @options: copied. Return: the caller's; NULL: out of memory, or no options of
   a size that this library knows. */
TCPWHY_API struct tcpwhy *tcpwhy_new(const struct tcpwhy_options *options);

/* Take frames, in the capture's order; many at once are faster. */
TCPWHY_API void tcpwhy_add(struct tcpwhy *why, const struct tcpwhy_frame *frames, size_t count);

/* The input has ended: connections that are left, then groups, are handed over. Once. */
TCPWHY_API void tcpwhy_finish(struct tcpwhy *why);

TCPWHY_API void tcpwhy_free(struct tcpwhy *why); /* NULL is allowed */

/* What was taken so far, and what was not. */
struct tcpwhy_stats {
	size_t size; /* of this struct: set before the call */
	uint64_t frames, segments, connections;
	uint64_t not_decoded;	/* frames of unknown or damaged encapsulation */
	uint64_t late_segments; /* of connections that had ended */
	uint64_t copies;	/* packets captured twice */
	uint64_t evicted;	/* connections pushed out by the limit */
};
TCPWHY_API void tcpwhy_read_stats(const struct tcpwhy *why, struct tcpwhy_stats *stats);

enum tcpwhy_end {
	TCPWHY_CLIENT,
	TCPWHY_SERVER,
};

/* One end of a connection. */
struct tcpwhy_side {
	size_t size;	     /* of this struct: set before the call */
	uint8_t address[16]; /* IPv4 as ::ffff:a.b.c.d */
	uint16_t port;
	uint64_t packets, payload_bytes, resent_segments;
	const char *state; /* RFC 9293's name, "TIME_WAIT" */
};

/* A connection's number: that of the frame with its first segment. */
TCPWHY_API uint64_t tcpwhy_connection_number(const struct tcpwhy_connection *connection);
TCPWHY_API int64_t tcpwhy_connection_first_ns(const struct tcpwhy_connection *connection);
TCPWHY_API int64_t tcpwhy_connection_last_ns(const struct tcpwhy_connection *connection);
TCPWHY_API void tcpwhy_connection_side(const struct tcpwhy_connection *connection,
				       enum tcpwhy_end end, struct tcpwhy_side *side);

/* What is said of it: the opening first, then what happened, then the end. */
TCPWHY_API size_t tcpwhy_connection_verdicts(const struct tcpwhy_connection *connection);
TCPWHY_API const struct tcpwhy_verdict *
tcpwhy_connection_verdict(const struct tcpwhy_connection *connection, size_t index);

/* Of them, what a person should see first. */
TCPWHY_API const struct tcpwhy_verdict *
tcpwhy_connection_headline(const struct tcpwhy_connection *connection);

TCPWHY_API const struct tcpwhy_verdict *tcpwhy_group_verdict(const struct tcpwhy_group *group);
/* The connections it names, ascending, and how many it explains in all. */
TCPWHY_API const uint64_t *tcpwhy_group_connections(const struct tcpwhy_group *group,
						    size_t *listed, uint64_t *total);

enum tcpwhy_confidence {
	TCPWHY_POSSIBLE = 1,
	TCPWHY_LIKELY,
	TCPWHY_PROVED,
};

/* Who did it. */
enum tcpwhy_actor {
	TCPWHY_BY_NOBODY, /* or unknown */
	TCPWHY_BY_CLIENT,
	TCPWHY_BY_SERVER,
	TCPWHY_BY_BOTH,
	TCPWHY_BY_MIDDLE, /* a device on the path */
};

TCPWHY_API const char *tcpwhy_verdict_id(const struct tcpwhy_verdict *verdict);
TCPWHY_API enum tcpwhy_confidence tcpwhy_verdict_confidence(const struct tcpwhy_verdict *verdict);
TCPWHY_API enum tcpwhy_actor tcpwhy_verdict_by(const struct tcpwhy_verdict *verdict);
/* Whether it needs attention; else it is a note. */
TCPWHY_API bool tcpwhy_verdict_needs_look(const struct tcpwhy_verdict *verdict);
/* The evidence: frame numbers in the order of the story. */
TCPWHY_API size_t tcpwhy_verdict_frames(const struct tcpwhy_verdict *verdict,
					const uint64_t **frames);

/* Room for any sentence. */
#define TCPWHY_SENTENCE_BYTES 512
/* One sentence that says it, and what to do; text gets at most TCPWHY_SENTENCE_BYTES. */
TCPWHY_API void tcpwhy_verdict_sentence(const struct tcpwhy_verdict *verdict, char *text);
TCPWHY_API void tcpwhy_verdict_advice(const struct tcpwhy_verdict *verdict, char *text);

/* A figure of a verdict; its unit is at the end of its key ("idle_ns"). */
struct tcpwhy_value {
	size_t size; /* of this struct: set before the call */
	const char *key;
	int64_t number;
	const char *text;	/* NULL: it is no text */
	const uint8_t *address; /* 16 bytes as in struct tcpwhy_side; NULL: it is none */
};
TCPWHY_API size_t tcpwhy_verdict_values(const struct tcpwhy_verdict *verdict);
TCPWHY_API void tcpwhy_verdict_value(const struct tcpwhy_verdict *verdict, size_t index,
				     struct tcpwhy_value *value);

/* What the catalogue says of a verdict id, in plain words. */
struct tcpwhy_entry {
	size_t size; /* of this struct: set before the call */
	const char *title, *meaning, *evidence, *lookalikes, *kernel, *advice, *source;
};
/* Return: false: no such id. */
TCPWHY_API bool tcpwhy_explain(const char *id, struct tcpwhy_entry *entry);

#ifdef __cplusplus
}
#endif

#endif /* TCPWHY_H */
