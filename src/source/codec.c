/* SPDX-License-Identifier: BSD-2-Clause */
#include "source/codec.h"

#include <limits.h>
#include <lz4frame.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

/* --- gzip: RFC 1952 ------------------------------------------------------------------------- */

static bool gzip_matches(const uint8_t *magic)
{
	return magic[0] == 0x1f && magic[1] == 0x8b;
}

static bool gzip_open(struct codec_run *run)
{
	const int gzip_only = 16; /* added to the window bits: zlib's way to ask for gzip */
	z_stream *zip = calloc(1, sizeof(*zip));

	if (!zip)
		return false;
	if (inflateInit2(zip, MAX_WBITS + gzip_only) != Z_OK) {
		free(zip);
		return false;
	}
	run->state = zip;
	return true;
}

static unsigned at_most_uint(size_t bytes)
{
	return bytes < UINT_MAX ? (unsigned)bytes : UINT_MAX;
}

/* Zeros after a member are padding (tapes, blocks), not the start of another. */
static void gzip_skip_padding(struct codec_run *run)
{
	while (run->between && run->in_bytes > 0 && run->in[0] == 0) {
		run->in++;
		run->in_bytes--;
	}
}

static const char *gzip_decode(struct codec_run *run)
{
	z_stream *zip = run->state;

	gzip_skip_padding(run);
	if (run->in_bytes == 0 && run->between)
		return NULL;

	unsigned in_bytes = at_most_uint(run->in_bytes);
	unsigned out_bytes = at_most_uint(run->out_bytes);

	zip->next_in = run->in; /* const by zconf.h's z_const, see meson.build */
	zip->avail_in = in_bytes;
	zip->next_out = run->out;
	zip->avail_out = out_bytes;
	run->between = false;

	int status = inflate(zip, Z_NO_FLUSH);

	run->in += in_bytes - zip->avail_in;
	run->in_bytes -= in_bytes - zip->avail_in;
	run->out += out_bytes - zip->avail_out;
	run->out_bytes -= out_bytes - zip->avail_out;
	if (status == Z_STREAM_END) {
		run->between = true;
		status = inflateReset(zip);
	}
	if (status == Z_OK || status == Z_BUF_ERROR) /* the latter: no room or no input, no harm */
		return NULL;
	return zip->msg ? zip->msg : "invalid data";
}

static void gzip_close(struct codec_run *run)
{
	if (run->state)
		inflateEnd(run->state);
	free(run->state);
}

/* --- Zstandard: RFC 8878 -------------------------------------------------------------------- */

static bool zstd_matches(const uint8_t *magic)
{
	static const uint8_t frame[] = { 0x28, 0xb5, 0x2f, 0xfd };
	static const uint8_t skippable_end[] = { 0x2a, 0x4d, 0x18 }; /* after 0x50 to 0x5f */

	return memcmp(magic, frame, sizeof(frame)) == 0 ||
	       ((magic[0] & 0xf0) == 0x50 &&
		memcmp(magic + 1, skippable_end, sizeof(skippable_end)) == 0);
}

static bool zstd_open(struct codec_run *run)
{
	run->state = ZSTD_createDStream();
	return run->state != NULL;
}

static const char *zstd_decode(struct codec_run *run)
{
	ZSTD_inBuffer in = { .src = run->in, .size = run->in_bytes, .pos = 0 };
	ZSTD_outBuffer out = { .dst = run->out, .size = run->out_bytes, .pos = 0 };

	if (run->in_bytes == 0 && run->between)
		return NULL;

	size_t status = ZSTD_decompressStream(run->state, &out, &in);

	run->in += in.pos;
	run->in_bytes -= in.pos;
	run->out += out.pos;
	run->out_bytes -= out.pos;
	if (ZSTD_isError(status))
		return ZSTD_getErrorName(status);
	run->between = status == 0;
	return NULL;
}

static void zstd_close(struct codec_run *run)
{
	ZSTD_freeDStream(run->state);
}

/* --- LZ4 frame format, version 1.6 ---------------------------------------------------------- */

static bool lz4_matches(const uint8_t *magic)
{
	static const uint8_t frame[] = { 0x04, 0x22, 0x4d, 0x18 };

	return memcmp(magic, frame, sizeof(frame)) == 0;
}

static bool lz4_open(struct codec_run *run)
{
	LZ4F_dctx *context = NULL;

	if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)))
		return false;
	run->state = context;
	return true;
}

static const char *lz4_decode(struct codec_run *run)
{
	size_t in_bytes = run->in_bytes;
	size_t out_bytes = run->out_bytes;

	if (in_bytes == 0 && run->between)
		return NULL;

	size_t status = LZ4F_decompress(run->state, run->out, &out_bytes, run->in, &in_bytes, NULL);

	if (LZ4F_isError(status))
		return LZ4F_getErrorName(status);
	run->in += in_bytes;
	run->in_bytes -= in_bytes;
	run->out += out_bytes;
	run->out_bytes -= out_bytes;
	run->between = status == 0;
	return NULL;
}

static void lz4_close(struct codec_run *run)
{
	LZ4F_freeDecompressionContext(run->state);
}

static const struct codec codecs[] = {
	{ "gzip", gzip_matches, gzip_open, gzip_decode, gzip_close },
	{ "zstd", zstd_matches, zstd_open, zstd_decode, zstd_close },
	{ "lz4", lz4_matches, lz4_open, lz4_decode, lz4_close },
};
#define CODECS (sizeof(codecs) / sizeof(codecs[0]))

const struct codec *codec_find(const uint8_t magic[static CODEC_MAGIC_BYTES])
{
	for (size_t i = 0; i < CODECS; i++)
		if (codecs[i].matches(magic))
			return &codecs[i];
	return NULL;
}
