/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_SOURCE_CODEC_H
#define TCPWHY_SOURCE_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct codec_run;

/* A compression format; the rows are in codec.c. */
struct codec {
	const char *name; /* for messages: "gzip" */

	/* Does an input that begins with these bytes (CODEC_MAGIC_BYTES of them) have it? */
	bool (*matches)(const uint8_t *magic);

	/* Get ready; false: out of memory. */
	bool (*open)(struct codec_run *run);

	/*
	 * Decompress from run->in to run->out as far as possible and advance both; sets
	 * run->between. Return: NULL, or what is wrong with the data (static storage).
	 */
	const char *(*decode)(struct codec_run *run);

	void (*close)(struct codec_run *run);
};

#define CODEC_MAGIC_BYTES 4

/* One decompression. Members or frames that follow each other are one run of bytes. */
struct codec_run {
	const struct codec *codec; /* NULL: none */
	void *state;		   /* owned: the library's */
	const uint8_t *in;	   /* borrowed: next compressed byte */
	size_t in_bytes;
	uint8_t *out; /* borrowed: where the next decompressed byte goes */
	size_t out_bytes;
	bool between; /* not inside a member or frame: the input may end here */
};

/* The codec for an input that begins with these bytes; NULL: not compressed. */
const struct codec *codec_find(const uint8_t magic[static CODEC_MAGIC_BYTES]);

#endif /* TCPWHY_SOURCE_CODEC_H */
