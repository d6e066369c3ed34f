/* SPDX-License-Identifier: BSD-2-Clause */
#include "source/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PACKED_BYTES ((size_t)1 << 18) /* of compressed input, read at once */

static void end_with_memory_error(struct stream *stream)
{
	err_set(&stream->failed, ERR_SYSTEM, "out of memory for the input buffer");
	stream->ended = true;
}

/* One read(). Return: how many bytes came; 0 at the end and, with `failed` set, at an error. */
static size_t read_once(struct stream *stream, uint8_t *to, size_t most)
{
	ssize_t got;

	if (stream->fd < 0)
		return 0;
	do
		got = read(stream->fd, to, most);
	while (got < 0 && errno == EINTR);
	if (got >= 0)
		return (size_t)got;
	err_set(&stream->failed, ERR_SYSTEM, "cannot read: %s", strerror(errno));
	return 0;
}

/* Have compressed bytes at run.in; at the end of the input there are none. */
static void packed_fill(struct stream *stream)
{
	size_t got;

	if (stream->run.in_bytes > 0 || stream->packed_ended)
		return;
	got = read_once(stream, stream->packed, stream->packed ? PACKED_BYTES : 0);
	stream->run.in = stream->packed;
	stream->run.in_bytes = got;
	stream->packed_read += got;
	stream->packed_ended = got == 0;
}

static void end_damaged(struct stream *stream, const char *why)
{
	uint64_t at = stream->packed_read - stream->run.in_bytes;

	err_set(&stream->failed, ERR_INPUT, "the %s data is damaged near its byte %" PRIu64 ": %s",
		stream->run.codec->name, at, why);
	err_fix(&stream->failed, "copy or compress the file again; what came before was read");
	stream->ended = true;
}

static void end_packed(struct stream *stream)
{
	stream->ended = true;
	if (stream->run.between || stream->failed.kind != ERR_NONE)
		return;
	err_set(&stream->failed, ERR_INPUT, "the %s data is cut off after %" PRIu64 " bytes",
		stream->run.codec->name, stream->packed_read);
	err_fix(&stream->failed, "copy or compress the file again; what came before was read");
}

/* Decompress until there is at least one byte more, or the end. */
static size_t decode_some(struct stream *stream, uint8_t *to, size_t most)
{
	struct codec_run *run = &stream->run;

	run->out = to;
	run->out_bytes = most;
	while (run->out_bytes == most) {
		packed_fill(stream);

		size_t in_before = run->in_bytes;
		const char *why = run->codec->decode(run);

		if (why) {
			end_damaged(stream, why);
			break;
		}
		if (run->out_bytes == most && run->in_bytes == in_before && stream->packed_ended) {
			end_packed(stream);
			break;
		}
	}
	return most - run->out_bytes;
}

static void read_some(struct stream *stream, uint8_t *to, size_t most)
{
	size_t got;

	if (stream->run.codec) {
		got = decode_some(stream, to, most);
	} else {
		got = read_once(stream, to, most);
		stream->ended = got == 0;
	}
	stream->end += got;
}

/* Move what is unread to the front, and have room for so many bytes there. */
static bool make_room(struct stream *stream, size_t bytes)
{
	size_t left = stream_left(stream);
	size_t gone = (size_t)(stream->at - stream->start);

	if (gone > 0 && left > 0)
		memmove(stream->buffer, stream->at, left);
	stream->passed += gone;
	if (bytes > stream->capacity) {
		uint8_t *larger = realloc(stream->buffer, bytes);

		if (larger) {
			stream->buffer = larger;
			stream->capacity = bytes;
		} else {
			end_with_memory_error(stream);
		}
	}
	stream->start = stream->buffer;
	stream->at = stream->buffer;
	stream->end = stream->buffer + left;
	return !stream->ended;
}

bool stream_fill(struct stream *stream, size_t bytes)
{
	if (stream_left(stream) >= bytes)
		return true;
	if (stream->ended || !make_room(stream, bytes))
		return false;
	while (stream_left(stream) < bytes && !stream->ended) {
		size_t left = stream_left(stream);

		read_some(stream, stream->buffer + left, stream->capacity - left);
	}
	return stream_left(stream) >= bytes;
}

bool stream_pass(struct stream *stream, uint64_t bytes)
{
	while (bytes > stream_left(stream)) {
		bytes -= stream_left(stream);
		stream->at = stream->end;
		if (!stream_fill(stream, 1))
			return false;
	}
	stream->at += bytes;
	return true;
}

/* The first bytes are there: see whether they are compressed, and if so start over behind it. */
static bool find_codec(struct stream *stream, struct err *err)
{
	const uint8_t *first = stream->at;
	size_t count = stream_left(stream);
	const struct codec *codec = count < CODEC_MAGIC_BYTES ? NULL : codec_find(first);

	if (!codec)
		return true;
	stream->run.between = true;
	stream->run.in = first;
	stream->run.in_bytes = count;
	stream->packed_read = count;
	stream->ended = false;
	if (stream->buffer) { /* read from a file: the buffer is for decompressed bytes */
		size_t packed_bytes = count < PACKED_BYTES ? PACKED_BYTES : count;

		stream->packed = malloc(packed_bytes);
		if (!stream->packed)
			return err_set(err, ERR_SYSTEM, "out of memory for decompression");
		memcpy(stream->packed, first, count);
		stream->run.in = stream->packed;
	} else {
		stream->packed_ended = true;
		stream->buffer = malloc(STREAM_READ_BYTES);
		stream->capacity = STREAM_READ_BYTES;
	}
	if (!stream->buffer || !codec->open(&stream->run))
		return err_set(err, ERR_SYSTEM, "out of memory for decompression");
	stream->run.codec = codec;
	stream->start = stream->buffer;
	stream->at = stream->buffer;
	stream->end = stream->buffer;
	return true;
}

static const char *open_advice(int error)
{
	switch (error) {
	case ENOENT:
		return "check the name of the file";
	case EACCES:
		return "ask for the right to read it, or copy it where you may";
	case EMFILE:
		return "read fewer files at once, or raise the limit (ulimit -n)";
	default:
		return "check that the file can be read with other programs";
	}
}

static bool open_file(struct stream *stream, const char *path, struct err *err)
{
	struct stat about;

	stream->fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
					    : open(path, O_RDONLY | O_CLOEXEC);
	if (stream->fd < 0 || fstat(stream->fd, &about) < 0) {
		int error = errno;

		err_set(err, ERR_SYSTEM, "cannot open: %s", strerror(error));
		err_fix(err, "%s", open_advice(error));
		return false;
	}
	if (S_ISDIR(about.st_mode)) {
		err_set(err, ERR_SYSTEM, "cannot read a directory");
		err_fix(err, "name the capture files in it");
		return false;
	}
	posix_fadvise(stream->fd, 0, 0, POSIX_FADV_SEQUENTIAL); /* a hint; pipes refuse it */
	return true;
}

bool stream_open(struct stream *stream, const char *path, size_t read_bytes, struct err *err)
{
	*stream = (struct stream){ .fd = -1 };
	if (!open_file(stream, path, err))
		return false;
	stream->buffer = malloc(read_bytes);
	if (!stream->buffer)
		return err_set(err, ERR_SYSTEM, "out of memory for the input buffer");
	stream->capacity = read_bytes;
	stream->start = stream->buffer;
	stream->at = stream->buffer;
	stream->end = stream->buffer;
	stream_fill(stream, CODEC_MAGIC_BYTES);
	if (stream->failed.kind != ERR_NONE) {
		*err = stream->failed;
		return false;
	}
	return find_codec(stream, err);
}

bool stream_open_memory(struct stream *stream, const uint8_t *bytes, size_t count, struct err *err)
{
	*stream = (struct stream){
		.fd = -1,
		.start = bytes,
		.at = bytes,
		.end = bytes + count,
		.ended = true,
	};
	return find_codec(stream, err);
}

void stream_close(struct stream *stream)
{
	if (stream->run.codec)
		stream->run.codec->close(&stream->run);
	if (stream->fd >= 0)
		close(stream->fd);
	free(stream->packed);
	free(stream->buffer);
	*stream = (struct stream){ .fd = -1 };
}
