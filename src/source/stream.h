/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_SOURCE_STREAM_H
#define TCPWHY_SOURCE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "source/codec.h"

/*
 * A stream of bytes from a file, a pipe or memory, decompressed where the content says so.
 *
 *     buffer                at                 end        buffer + capacity
 *       |---- read before ---|----- unread -----|---- room ----|
 *       ^ this byte is number `passed` of the decompressed input
 *
 * Readers look at the bytes in place. Bytes stay where they are until the next stream_fill() or
 * stream_pass(), which may move them to the front of the buffer and overwrite the rest.
 */
struct stream {
	const uint8_t *at;    /* borrowed until the next fill: first unread byte */
	const uint8_t *end;   /* likewise: one past the last unread byte */
	const uint8_t *start; /* byte number `passed`; the buffer, or the memory given at opening */
	uint64_t passed;      /* decompressed bytes before `start` */
	int fd;		      /* owned; -1: memory, or closed */
	bool ended;	      /* nothing comes any more: end of the input, or `failed` */
	struct err failed;    /* why it ended early; ERR_NONE: a real end */
	uint8_t *buffer;      /* owned; NULL while uncompressed memory is read in place */
	size_t capacity;      /* bytes of `buffer` */
	struct codec_run run; /* decompression; run.codec NULL: plain bytes */
	uint8_t *packed;      /* owned: room for compressed bytes; NULL: plain, or memory */
	uint64_t packed_read; /* compressed bytes taken from the input so far */
	bool packed_ended;    /* the compressed input is at its end */
};

#define STREAM_READ_BYTES                                                                          \
	((size_t)1 << 20) /* asked of the system at once, where few files are read */

/**
 * stream_open() - Open a file, or standard input, and find out how it is compressed
 * @stream:      filled; to be closed by the caller also after a failure
 * @path:        "-" is standard input
 * @read_bytes:  size of the buffer to begin with
 * @err:         system: cannot be opened or read, a directory, no memory
 */
bool stream_open(struct stream *stream, const char *path, size_t read_bytes, struct err *err);

/**
 * stream_open_memory() - The same over bytes in memory, which must stay as long as the stream
 *
 * Plain bytes are read where they are, so that a sanitizer sees a read past their end.
 */
bool stream_open_memory(struct stream *stream, const uint8_t *bytes, size_t count, struct err *err);

/**
 * stream_fill() - Have at least so many unread bytes in one piece
 *
 * Waits for a pipe no longer than it takes to have them. Return: false when fewer are left before
 * the end of the input (they stay unread); stream->failed says whether that is the real end.
 */
bool stream_fill(struct stream *stream, size_t bytes);

/* Pass over bytes, however many. Return: false when the input ends before. */
bool stream_pass(struct stream *stream, uint64_t bytes);

void stream_close(struct stream *stream);

static inline size_t stream_left(const struct stream *stream)
{
	return (size_t)(stream->end - stream->at);
}

/* Number of the next unread byte in the decompressed input, from 0. */
static inline uint64_t stream_offset(const struct stream *stream)
{
	return stream->passed + (uint64_t)(stream->at - stream->start);
}

#endif /* TCPWHY_SOURCE_STREAM_H */
