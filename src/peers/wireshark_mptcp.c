/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include <openssl/sha.h>

#include "base/cursor.h"
#include "peers/wireshark_mptcp.h"
#include "tcp/option.h"

#define TOKENS_FIRST 64u
#define KEY_BYTES    8

/* Subtypes of the MPTCP option. Source: RFC 8684, section 8.2 (table 2). */
enum mptcp_subtype {
	MP_CAPABLE = 0,
	MP_JOIN = 1,
};

/* Which connection an end's token leads to; connection 0: a free slot. */
struct ws_token {
	uint32_t token;
	uint32_t connection;
};

static struct ws_mptcp *connection_at(const struct wireshark *ws, uint32_t index)
{
	return (struct ws_mptcp *)ws->connections.items + index;
}

uint16_t ws_mptcp_kinds(const struct wireshark *ws, const struct ws_stream *stream)
{
	return stream->mptcp ? connection_at(ws, stream->mptcp)->kinds : 0;
}

static struct ws_token *token_slot(struct ws_token *tokens, uint32_t slots, uint32_t token)
{
	uint32_t slot = token & (slots - 1); /* a token is a hash already */

	while (tokens[slot].connection && tokens[slot].token != token)
		slot = (slot + 1) & (slots - 1);
	return &tokens[slot];
}

static uint32_t token_find(const struct wireshark *ws, uint32_t token)
{
	if (!ws->tokens)
		return 0;
	return token_slot(ws->tokens, ws->token_slots, token)->connection;
}

/* Make room for one more token. Return: false, out of memory. */
static bool tokens_have_room(struct wireshark *ws)
{
	uint32_t slots = ws->token_slots ? ws->token_slots * 2 : TOKENS_FIRST;
	struct ws_token *tokens;

	if (ws->tokens && ws->token_used < ws->token_slots / 2)
		return true;
	tokens = slots ? calloc(slots, sizeof(*tokens)) : NULL;
	if (!tokens)
		return false;
	for (uint32_t i = 0; i < ws->token_slots; i++) {
		if (ws->tokens[i].connection)
			*token_slot(tokens, slots, ws->tokens[i].token) = ws->tokens[i];
	}
	free(ws->tokens);
	ws->tokens = tokens;
	ws->token_slots = slots;
	return true;
}

static void token_add(struct wireshark *ws, uint32_t token, uint32_t connection)
{
	struct ws_token *slot;

	if (!tokens_have_room(ws)) {
		ws->left_out++;
		return;
	}
	slot = token_slot(ws->tokens, ws->token_slots, token);
	ws->token_used += slot->connection == 0;
	slot->token = token;
	slot->connection = connection;
}

/* A connection of which nothing is known yet; its first end is the given side. */
static bool connection_new(struct wireshark *ws, struct ws_stream *stream, unsigned side)
{
	uint32_t index = ws_pool_take(&ws->connections, sizeof(struct ws_mptcp));

	if (!index) {
		ws->left_out++;
		return false;
	}
	stream->mptcp = index;
	stream->mptcp_end = (uint8_t)side;
	return true;
}

/* Which end of the MPTCP connection a side of the stream belongs to. */
static unsigned end_of(const struct ws_stream *stream, unsigned side)
{
	return side == stream->mptcp_end ? 0 : 1;
}

/* Lead a stream to the connection that the token of one of its sides names. */
static void join_by_token(struct wireshark *ws, struct ws_stream *stream, unsigned side,
			  unsigned forward, uint32_t token)
{
	uint32_t known;
	struct ws_mptcp *connection;

	if (stream->mptcp && connection_at(ws, stream->mptcp)->has_token[end_of(stream, side)])
		return;
	known = token_find(ws, token);
	if (known) {
		/* An end that belonged to another connection, or none, becomes the second one. */
		if (stream->mptcp != known || end_of(stream, side) == 1)
			stream->mptcp_end = (uint8_t)(1 - side);
		stream->mptcp = known;
		return;
	}
	if (!stream->mptcp) {
		if (!connection_new(ws, stream, forward))
			return;
	} else {
		connection = connection_at(ws, stream->mptcp);
		stream->mptcp_end = (uint8_t)(connection->has_token[0] ? 1 - side : side);
	}
	connection_at(ws, stream->mptcp)->has_token[end_of(stream, side)] = true;
	token_add(ws, token, stream->mptcp);
}

/* The token of a key. Source: RFC 6824, section 3.2 (SHA-1); RFC 8684, section 3.2 (SHA-256). */
static uint32_t token_of(const uint8_t key[static KEY_BYTES], unsigned version)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	struct cursor in = cursor_over(digest, sizeof(digest));

	if (version == 0)
		SHA1(key, KEY_BYTES, digest);
	else
		SHA256(key, KEY_BYTES, digest);
	return cursor_be32(&in);
}

static void key_seen(struct wireshark *ws, struct ws_stream *stream, unsigned side,
		     unsigned forward, uint32_t token)
{
	if (stream->mptcp && connection_at(ws, stream->mptcp)->has_key[end_of(stream, side)])
		return;
	join_by_token(ws, stream, side, forward, token);
	if (stream->mptcp)
		connection_at(ws, stream->mptcp)->has_key[end_of(stream, side)] = true;
}

/*
 * MP_CAPABLE: 12 bytes carry the sender's key, 20 both keys; 22 and 24 data length and checksum
 * besides. Source: RFC 6824, section 3.1; RFC 8684, section 3.1.
 */
static void capable(struct wireshark *ws, struct ws_stream *stream, unsigned forward,
		    struct cursor option)
{
	size_t length = cursor_left(&option) + 2;
	unsigned version = cursor_u8(&option) & 0x0f;
	const uint8_t *key;

	if (length != 12 && length != 20 && length != 22 && length != 24)
		return;
	cursor_skip(&option, 1); /* flags */
	key = cursor_skip(&option, KEY_BYTES);
	if (key)
		key_seen(ws, stream, forward, forward, token_of(key, version));
	key = cursor_skip(&option, KEY_BYTES);
	if (key)
		key_seen(ws, stream, 1 - forward, forward, token_of(key, version));
}

/* MP_JOIN: on a SYN (12 bytes) it names the receiver's token. Source: RFC 8684, section 3.2. */
static void join(struct wireshark *ws, struct ws_stream *stream, unsigned forward,
		 struct cursor option)
{
	if (cursor_left(&option) + 2 != 12) {
		if (!stream->mptcp)
			connection_new(ws, stream, forward);
		return;
	}
	cursor_skip(&option, 2); /* subtype and flags, address id */
	join_by_token(ws, stream, 1 - forward, forward, cursor_be32(&option));
}

static void mptcp_option(struct wireshark *ws, struct ws_stream *stream, unsigned forward,
			 struct cursor option)
{
	const uint8_t *first = cursor_peek(&option, 0, 1);
	unsigned subtype;

	if (!first)
		return;
	subtype = *first >> 4;
	if (subtype == MP_CAPABLE)
		capable(ws, stream, forward, option);
	else if (subtype == MP_JOIN)
		join(ws, stream, forward, option);
	else if (!stream->mptcp)
		connection_new(ws, stream, forward);
	if (stream->mptcp)
		connection_at(ws, stream->mptcp)->kinds |= (1u << subtype) & WS_MPTCP_KINDS;
}

void ws_mptcp_options(struct wireshark *ws, uint32_t stream, unsigned forward,
		      const struct segment *seg)
{
	struct cursor in = cursor_over(seg->options, seg->options_bytes);

	while (cursor_left(&in)) {
		uint8_t kind = cursor_u8(&in);
		uint8_t length;
		struct cursor option;

		if (kind == TCP_OPTION_END)
			return;
		if (kind == TCP_OPTION_NOP)
			continue;
		length = cursor_u8(&in);
		if (length < 2)
			return;
		option = cursor_take(&in, length - 2u);
		if (in.overrun)
			return;
		if (kind == TCP_OPTION_MPTCP)
			mptcp_option(ws, ws_stream_at(ws, stream), forward, option);
	}
}

void ws_mptcp_free(struct wireshark *ws)
{
	free(ws->connections.items);
	free(ws->tokens);
}
