/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_SOURCE_CAPTURE_BUILDER_H
#define TCPWHY_SOURCE_CAPTURE_BUILDER_H

/* For tests: captures written byte by byte, and what a source makes of them. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "source/source.h"

/* Bytes being put together; numbers go in by the byte order that is set. */
struct capture {
	uint8_t *bytes; /* owned */
	size_t count;
	size_t room;
	bool big_endian;
};

void capture_clear(struct capture *capture);
void capture_put(struct capture *capture, const void *bytes, size_t count);
void capture_put16(struct capture *capture, uint16_t value);
void capture_put32(struct capture *capture, uint32_t value);
void capture_put64(struct capture *capture, uint64_t value);

/* Bytes as a packet has them here: first, first + 1, first + 2, ... */
void capture_put_packet(struct capture *capture, uint8_t first, size_t count);
void capture_pad4(struct capture *capture);

/* A pcap file header of version 2.4. @link: the whole link type word. */
void pcap_begin(struct capture *capture, uint32_t magic, uint32_t link);

/* A pcap record at second 1700000000, the captured bytes being first, first + 1, ... */
void pcap_put(struct capture *capture, uint32_t fraction, uint8_t first, uint32_t captured_bytes,
	      uint32_t wire_bytes);

/* Start a pcapng block. Return: for block_end(). */
size_t block_begin(struct capture *capture, uint32_t type);

/* Pad, and write the length at both ends. */
void block_end(struct capture *capture, size_t start);

void option_put(struct capture *capture, uint16_t code, const void *value, uint16_t bytes);
void option_put64(struct capture *capture, uint16_t code, uint64_t value);
void option_put_end(struct capture *capture);

void section_put(struct capture *capture);

/* An interface description without options. */
void interface_put(struct capture *capture, uint16_t link_type, uint32_t snap_bytes);

/* An enhanced packet without options. */
void enhanced_put(struct capture *capture, uint32_t interface, uint64_t ticks, uint8_t first,
		  uint32_t captured_bytes);

/* A snoop file header and record (always big-endian, whatever is set). */
void snoop_begin(struct capture *capture, uint32_t datalink);
void snoop_put(struct capture *capture, uint32_t dropped, uint8_t first, uint32_t captured_bytes,
	       uint32_t wire_bytes);

#define READING_MOST 400

/* All that came out of a source. */
struct reading {
	struct err open_err; /* the source could not be opened */
	struct err err;	     /* it broke later */
	unsigned count;
	struct frame frames[READING_MOST]; /* their bytes point into `copies` */
	uint8_t *copies[READING_MOST];	   /* owned: exactly sized */
	struct source_stats stats;
	unsigned interface_count;
	struct source_interface interfaces[16]; /* without texts */
	char names[16][40];
};

/* Read a capture from a copy of exactly its size. */
void read_memory(struct reading *reading, const uint8_t *bytes, size_t count,
		 const struct source_options *options);

/* Read paths. */
void read_paths(struct reading *reading, const struct source_options *options);

/* Read the same bytes as a file. */
void read_as_file(struct reading *reading, const uint8_t *bytes, size_t count);

/* Read them from a pipe that gives them in up to 12 pieces; at most some 40,000 bytes. */
void read_as_pipe(struct reading *reading, const uint8_t *bytes, size_t count);

void reading_clear(struct reading *reading);

/* A file in memory with these bytes; "/dev/fd/N" goes to @path. Return: to be closed. */
int file_with(const uint8_t *bytes, size_t count, char path[static 32]);

/* Are the frames the same (the first @count of them)? */
bool frames_equal(const struct reading *a, const struct reading *b, unsigned count);

#endif /* TCPWHY_SOURCE_CAPTURE_BUILDER_H */
