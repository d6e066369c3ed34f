/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_SOURCE_INPUT_H
#define TCPWHY_SOURCE_INPUT_H

#include "base/err.h"
#include "source/interfaces.h"
#include "source/stream.h"
#include "tcp/frame.h"

struct input;

#define SOURCE_MAGIC_BYTES 8 /* that an input begins with, and that tell its format */

/* A file format. To add one: a file with such a struct, and a row in sources.c. */
struct source_ops {
	const char *name; /* for messages: "pcap" */

	/* Does an input that begins with these bytes have this format? Missing ones are zero. */
	bool (*matches)(const uint8_t magic[static SOURCE_MAGIC_BYTES]);

	/* Read the file header, make input->reader, and add the interfaces known by then. */
	bool (*open)(struct input *input, struct err *err);

	/*
	 * Fill the batch from what is unread, refilling only while it is empty (its frames
	 * point into the stream). Instead of its number a frame gets how many records without a
	 * frame stood before it that use up a number (0 but in pcapng). As source_read(): true
	 * with frames; false at the end or, with err set, at damage.
	 */
	bool (*read)(struct input *input, struct frame_batch *batch, struct err *err);

	void (*close)(struct input *input);
};

/* The formats, in the order they are tried; *count gets how many. */
const struct source_ops *const *source_formats(size_t *count);

/* One file being read. */
struct input {
	char *name; /* owned: the path, or "standard input" */
	struct stream stream;
	const struct source_ops *ops;
	void *reader;			   /* owned: the format's own state */
	struct interface_list *interfaces; /* borrowed: of all files */
	uint64_t packets;		   /* records with a number read so far, delivered or not */
	uint64_t comments;
	uint64_t blocks_skipped;
	uint64_t no_time;
	struct frame_batch ahead; /* frames read but not yet given out; only with several files */
	unsigned ahead_next;	  /* index of the first of them */
	bool done;		  /* at its end, or broken */
};

/*
 * What a capture of this link type can hold in one packet at the most; more is damage.
 * Source: the limits of libpcap, which most writers share.
 */
uint32_t captured_bytes_most(uint16_t link_type);

/* Times further than this from 1970 are nonsense; any two within differ by less than INT64_MAX. */
#define TIME_FURTHEST_NS (INT64_C(1) << 62)

/* A message about the packet being read: where it is, and that what came before stays. */
bool input_damaged(const struct input *input, struct err *err);

/* The input ended inside a packet or block: by a read or decompression error, or a cut. */
bool input_cut(const struct input *input, const char *inside, uint64_t missing_bytes,
	       struct err *err);

/* Refuse a packet that claims more than captured_bytes_most(). */
bool input_too_long(const struct input *input, uint32_t captured_bytes, uint32_t most,
		    struct err *err);

#endif /* TCPWHY_SOURCE_INPUT_H */
