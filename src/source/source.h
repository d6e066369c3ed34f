/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_SOURCE_SOURCE_H
#define TCPWHY_SOURCE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "tcp/frame.h"

/*
 * Where frames come from. A source is opened on one or several files (read as one: frames are
 * numbered as a merge by time would, comparing heads only), a pipe or standard input ("-");
 * the format (pcap, pcapng, snoop) and the compression (gzip, zstd, lz4) are found by content.
 */
struct source;

/* One interface of the capture, as far as the file tells. */
struct source_interface {
	const char *name;	 /* borrowed from the source; "" unknown */
	const char *description; /* likewise */
	uint16_t link_type;	 /* LINKTYPE_ number */
	uint32_t snap_bytes;	 /* 0: no limit given */
	uint64_t frames;	 /* delivered so far */
	uint64_t dropped;	 /* lost by interface or kernel, as statistics blocks say */
	bool drops_known;	 /* the capture says how many were dropped */
	int64_t end_ns;		 /* when its recording ended, as the latest statistics block says;
				    TIME_NONE: not known */
};

/* What the whole input has given so far. */
struct source_stats {
	uint64_t frames;	 /* delivered */
	uint64_t filtered;	 /* left out by --filter or --interface; their numbers are used */
	uint64_t bytes;		 /* of the input, after decompression */
	uint64_t comments;	 /* comments on packets, interfaces and sections */
	uint64_t blocks_skipped; /* pcapng blocks of unknown or irrelevant types */
	uint64_t no_time;	 /* frames without a time stamp (pcapng simple packets) */
	uint64_t cut_frames;	 /* captured_bytes < wire_bytes */
	uint64_t dropped;	 /* sum over interfaces, see drops_known */
	bool drops_known;
	int64_t end_ns; /* until when all interfaces that gave frames recorded; TIME_NONE: one
			   of them does not say */
};

struct source_options {
	const char *const *paths; /* borrowed during source_open(); "-" is standard input */
	size_t path_count;
	const char *filter;    /* libpcap filter, or NULL; borrowed likewise */
	const char *interface; /* only frames of this interface, or NULL; borrowed likewise */
};

/**
 * source_open() - Open the inputs and read as far as their first frames' headers
 * @options:  see there
 * @err:      usage (bad filter), input (not a capture, empty), system (cannot open)
 *
 * Return: the source, owned by the caller; NULL with @err set. Where one of several files is no
 * capture the others are read, and source_read() gives its error at their end; one that cannot be
 * opened is an error at once.
 */
struct source *source_open(const struct source_options *options, struct err *err);

/**
 * source_open_memory() - The same over one capture in memory, plain or compressed
 * @bytes:    stay as they are until source_free(); nothing outside them is read
 * @count:    how many
 * @options:  its paths are not looked at; NULL for no options
 * @err:      as source_open()
 */
struct source *source_open_memory(const uint8_t *bytes, size_t count,
				  const struct source_options *options, struct err *err);

/**
 * source_read() - Get the next frames
 * @src:    open
 * @batch:  filled with up to FRAME_BATCH frames; their bytes are borrowed until the next call
 * @err:    input: damaged or cut: what, file, packet and byte, what to do; usage: a filter that
 *          means nothing on a link type, no interface of the name that was asked for
 *
 * Where several files are read the others go on, and the first error comes at the end. Frames
 * before the damage are delivered first: a call that finds frames and then damage returns the
 * frames, the next call reports.
 *
 * Return: true with batch->count > 0; false with count 0 at the end of the input or, with @err
 * set, at damage.
 */
bool source_read(struct source *src, struct frame_batch *batch, struct err *err);

/* Borrowed until the next source_read(); interfaces are numbered as frame.interface counts. */
const struct source_interface *source_interface(const struct source *src, size_t index);
size_t source_interface_count(const struct source *src);

/* Figures of everything read so far. */
void source_stats(const struct source *src, struct source_stats *stats);

/* Release everything; NULL is allowed. */
void source_free(struct source *src);

#endif /* TCPWHY_SOURCE_SOURCE_H */
