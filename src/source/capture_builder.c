/* SPDX-License-Identifier: BSD-2-Clause */
#include "source/capture_builder.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PACKET_SECONDS 1700000000

/* A test that cannot be set up ends at once. */
static void must(bool done, const char *what)
{
	if (done)
		return;
	perror(what);
	abort();
}

void capture_clear(struct capture *capture)
{
	free(capture->bytes);
	*capture = (struct capture){ 0 };
}

void capture_put(struct capture *capture, const void *bytes, size_t count)
{
	if (capture->count + count > capture->room) {
		capture->room = (capture->count + count) * 2;
		capture->bytes = realloc(capture->bytes, capture->room);
		must(capture->bytes != NULL, "realloc");
	}
	if (count > 0)
		memcpy(capture->bytes + capture->count, bytes, count);
	capture->count += count;
}

static void put_number(struct capture *capture, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++) {
		unsigned shift = 8 * (capture->big_endian ? bytes - 1 - i : i);
		uint8_t byte = (uint8_t)(value >> shift);

		capture_put(capture, &byte, 1);
	}
}

void capture_put16(struct capture *capture, uint16_t value)
{
	put_number(capture, value, 2);
}

void capture_put32(struct capture *capture, uint32_t value)
{
	put_number(capture, value, 4);
}

void capture_put64(struct capture *capture, uint64_t value)
{
	put_number(capture, value, 8);
}

void capture_put_packet(struct capture *capture, uint8_t first, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint8_t byte = (uint8_t)(first + i);

		capture_put(capture, &byte, 1);
	}
}

void capture_pad4(struct capture *capture)
{
	static const uint8_t zeros[3];

	capture_put(capture, zeros, -capture->count & 3);
}

void pcap_begin(struct capture *capture, uint32_t magic, uint32_t link)
{
	capture_put32(capture, magic);
	capture_put16(capture, 2);
	capture_put16(capture, 4);
	capture_put64(capture, 0);
	capture_put32(capture, 65535);
	capture_put32(capture, link);
}

void pcap_put(struct capture *capture, uint32_t fraction, uint8_t first, uint32_t captured_bytes,
	      uint32_t wire_bytes)
{
	capture_put32(capture, PACKET_SECONDS);
	capture_put32(capture, fraction);
	capture_put32(capture, captured_bytes);
	capture_put32(capture, wire_bytes);
	capture_put_packet(capture, first, captured_bytes);
}

size_t block_begin(struct capture *capture, uint32_t type)
{
	size_t start = capture->count;

	capture_put32(capture, type);
	capture_put32(capture, 0); /* the length, known at the end */
	return start;
}

void block_end(struct capture *capture, size_t start)
{
	capture_pad4(capture);

	uint32_t bytes = (uint32_t)(capture->count - start + 4);
	size_t end = capture->count;

	capture->count = start + 4;
	capture_put32(capture, bytes);
	capture->count = end;
	capture_put32(capture, bytes);
}

void option_put(struct capture *capture, uint16_t code, const void *value, uint16_t bytes)
{
	capture_put16(capture, code);
	capture_put16(capture, bytes);
	capture_put(capture, value, bytes);
	capture_pad4(capture);
}

void option_put64(struct capture *capture, uint16_t code, uint64_t value)
{
	capture_put16(capture, code);
	capture_put16(capture, 8);
	capture_put64(capture, value);
}

void option_put_end(struct capture *capture)
{
	option_put(capture, 0, NULL, 0);
}

void section_put(struct capture *capture)
{
	size_t start = block_begin(capture, 0x0a0d0d0a);

	capture_put32(capture, 0x1a2b3c4d);
	capture_put16(capture, 1);
	capture_put16(capture, 0);
	capture_put64(capture, UINT64_MAX); /* section length not given */
	block_end(capture, start);
}

void interface_put(struct capture *capture, uint16_t link_type, uint32_t snap_bytes)
{
	size_t start = block_begin(capture, 1);

	capture_put16(capture, link_type);
	capture_put16(capture, 0);
	capture_put32(capture, snap_bytes);
	block_end(capture, start);
}

void enhanced_put(struct capture *capture, uint32_t interface, uint64_t ticks, uint8_t first,
		  uint32_t captured_bytes)
{
	size_t start = block_begin(capture, 6);

	capture_put32(capture, interface);
	capture_put32(capture, (uint32_t)(ticks >> 32));
	capture_put32(capture, (uint32_t)ticks);
	capture_put32(capture, captured_bytes);
	capture_put32(capture, captured_bytes);
	capture_put_packet(capture, first, captured_bytes);
	block_end(capture, start);
}

void snoop_begin(struct capture *capture, uint32_t datalink)
{
	capture->big_endian = true;
	capture_put(capture, "snoop\0\0", 8);
	capture_put32(capture, 2);
	capture_put32(capture, datalink);
}

void snoop_put(struct capture *capture, uint32_t dropped, uint8_t first, uint32_t captured_bytes,
	       uint32_t wire_bytes)
{
	capture_put32(capture, wire_bytes);
	capture_put32(capture, captured_bytes);
	capture_put32(capture, 24 + ((captured_bytes + 3) & ~UINT32_C(3)));
	capture_put32(capture, dropped);
	capture_put32(capture, PACKET_SECONDS);
	capture_put32(capture, 5);
	capture_put_packet(capture, first, captured_bytes);
	capture_pad4(capture);
}

/* --- reading -------------------------------------------------------------------------------- */

static void keep_frame(struct reading *reading, const struct frame *frame)
{
	uint8_t *copy = malloc(frame->captured_bytes ? frame->captured_bytes : 1);

	must(copy && reading->count < READING_MOST, "too many frames for a test");
	if (frame->captured_bytes > 0)
		memcpy(copy, frame->bytes, frame->captured_bytes);
	reading->copies[reading->count] = copy;
	reading->frames[reading->count] = *frame;
	reading->frames[reading->count].bytes = copy;
	reading->count++;
}

static void read_all(struct reading *reading, struct source *src)
{
	struct frame_batch *batch = malloc(sizeof(*batch));

	must(batch != NULL, "malloc");
	while (source_read(src, batch, &reading->err))
		for (unsigned i = 0; i < batch->count; i++)
			keep_frame(reading, &batch->frames[i]);
	source_stats(src, &reading->stats);
	reading->interface_count = (unsigned)source_interface_count(src);
	for (unsigned i = 0; i < reading->interface_count && i < 16; i++) {
		const struct source_interface *interface = source_interface(src, i);

		reading->interfaces[i] = *interface;
		snprintf(reading->names[i], sizeof(reading->names[i]), "%s|%s", interface->name,
			 interface->description);
	}
	source_free(src);
	free(batch);
}

void read_memory(struct reading *reading, const uint8_t *bytes, size_t count,
		 const struct source_options *options)
{
	uint8_t *exact = malloc(count ? count : 1);
	struct source *src;

	must(exact != NULL, "malloc");
	if (count > 0)
		memcpy(exact, bytes, count);
	memset(reading, 0, sizeof(*reading));
	src = source_open_memory(exact, count, options, &reading->open_err);
	if (src)
		read_all(reading, src);
	free(exact);
}

void read_paths(struct reading *reading, const struct source_options *options)
{
	struct source *src;

	memset(reading, 0, sizeof(*reading));
	src = source_open(options, &reading->open_err);
	if (src)
		read_all(reading, src);
}

int file_with(const uint8_t *bytes, size_t count, char path[static 32])
{
	int fd = memfd_create("capture", 0);

	must(fd >= 0 && write(fd, bytes, count) == (ssize_t)count, "memfd");
	snprintf(path, 32, "/dev/fd/%d", fd);
	return fd;
}

static void read_path(struct reading *reading, const char *path)
{
	struct source_options options = { .paths = &path, .path_count = 1 };

	read_paths(reading, &options);
}

void read_as_file(struct reading *reading, const uint8_t *bytes, size_t count)
{
	char path[32];
	int fd = file_with(bytes, count, path);

	read_path(reading, path);
	close(fd);
}

void read_as_pipe(struct reading *reading, const uint8_t *bytes, size_t count)
{
	size_t piece = count / 12 + 1;
	int ends[2];
	char path[32];

	/* O_DIRECT: what was written at once is read at once, however large the read is */
	must(pipe2(ends, O_DIRECT) == 0, "pipe2");
	for (size_t at = 0; at < count; at += piece) {
		size_t now = count - at < piece ? count - at : piece;

		must(write(ends[1], bytes + at, now) == (ssize_t)now, "write");
	}
	close(ends[1]);
	snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
	read_path(reading, path);
	close(ends[0]);
}

void reading_clear(struct reading *reading)
{
	for (unsigned i = 0; i < reading->count; i++)
		free(reading->copies[i]);
	memset(reading, 0, sizeof(*reading));
}

bool frames_equal(const struct reading *a, const struct reading *b, unsigned count)
{
	if (a->count < count || b->count < count)
		return false;
	for (unsigned i = 0; i < count; i++) {
		const struct frame *x = &a->frames[i];
		const struct frame *y = &b->frames[i];

		if (x->number != y->number || x->time_ns != y->time_ns ||
		    x->captured_bytes != y->captured_bytes || x->wire_bytes != y->wire_bytes ||
		    x->link_type != y->link_type || x->interface != y->interface ||
		    x->fcs_bytes != y->fcs_bytes ||
		    memcmp(x->bytes, y->bytes, x->captured_bytes) != 0)
			return false;
	}
	return true;
}
