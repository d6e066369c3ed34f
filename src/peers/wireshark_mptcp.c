/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include <openssl/sha.h>

#include "peers/wireshark_mptcp.h"

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
	return pool_at(&ws->connections, index);
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
	for (uint32_t i = 0; ws->tokens && i < ws->token_slots; i++) {
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

/* One segment of one stream, while its options are read. */
struct subflow {
	struct wireshark *ws;
	struct ws_stream *stream;
	unsigned forward; /* side of the sender */
};

/* A connection of which nothing is known yet; its first end is the sender's. */
static bool connection_new(const struct subflow *flow)
{
	uint32_t index = pool_take(&flow->ws->connections);

	if (!index) {
		flow->ws->left_out++;
		return false;
	}
	flow->stream->mptcp = index;
	flow->stream->mptcp_end = (uint8_t)flow->forward;
	return true;
}

/* Which end of the MPTCP connection a side of the stream belongs to. */
static unsigned end_of(const struct ws_stream *stream, unsigned side)
{
	return side == stream->mptcp_end ? 0 : 1;
}

/* Find a connection for a token that leads nowhere yet. Return: as join_by_token(). */
static bool connection_for(const struct subflow *flow, unsigned side)
{
	struct ws_stream *stream = flow->stream;
	const struct ws_mptcp *connection;

	if (!stream->mptcp)
		return connection_new(flow);
	connection = connection_at(flow->ws, stream->mptcp);
	if (!connection->has_token[0] && !connection->has_token[1])
		return false;
	stream->mptcp_end = (uint8_t)(connection->has_token[0] ? 1 - side : side);
	return true;
}

/*
 * Lead a stream to the connection that the token of one of its sides names.
 *
 * Return: false where Wireshark fails an assertion: the connection began without keys.
 */
static bool join_by_token(const struct subflow *flow, unsigned side, uint32_t token)
{
	struct wireshark *ws = flow->ws;
	struct ws_stream *stream = flow->stream;
	uint32_t known;

	if (stream->mptcp && connection_at(ws, stream->mptcp)->has_token[end_of(stream, side)])
		return true;
	known = token_find(ws, token);
	if (known) {
		/* A side that belonged to another connection, or none, becomes the second end. */
		if (stream->mptcp != known || end_of(stream, side) == 1)
			stream->mptcp_end = (uint8_t)(1 - side);
		stream->mptcp = known;
		return true;
	}
	if (!connection_for(flow, side))
		return false;
	connection_at(ws, stream->mptcp)->has_token[end_of(stream, side)] = true;
	token_add(ws, token, stream->mptcp);
	return true;
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

/* Read the key of one side. Return: false, it is not there whole, or an assertion failed. */
static bool take_key(const struct subflow *flow, unsigned side, struct ws_option *option,
		     unsigned version)
{
	const uint8_t *key = cursor_skip(&option->in, KEY_BYTES);
	struct ws_stream *stream = flow->stream;

	if (!key)
		return false;
	if (stream->mptcp && connection_at(flow->ws, stream->mptcp)->has_key[end_of(stream, side)])
		return true;
	if (!join_by_token(flow, side, token_of(key, version)))
		return false;
	connection_at(flow->ws, stream->mptcp)->has_key[end_of(stream, side)] = true;
	return true;
}

/*
 * MP_CAPABLE: 12 bytes carry the sender's key, 20 both keys; 22 and 24 data length and checksum
 * besides. Source: RFC 6824, section 3.1; RFC 8684, section 3.1.
 */
static bool capable(const struct subflow *flow, struct ws_option *option)
{
	unsigned length = option->length;
	unsigned version = cursor_u8(&option->in) & 0x0f;

	if (length != 12 && length != 20 && length != 22 && length != 24)
		return true;
	cursor_skip(&option->in, 1); /* flags */
	if (!take_key(flow, flow->forward, option, version))
		return false;
	return length == 12 || take_key(flow, 1 - flow->forward, option, version);
}

/* MP_JOIN: on a SYN (12 bytes) it names the receiver's token. Source: RFC 8684, section 3.2. */
static bool join(const struct subflow *flow, struct ws_option *option)
{
	uint32_t token;

	if (option->length != 12)
		return flow->stream->mptcp || connection_new(flow);
	cursor_skip(&option->in, 2); /* subtype and flags, address id */
	token = cursor_be32(&option->in);
	return !option->in.overrun && join_by_token(flow, 1 - flow->forward, token);
}

bool ws_mptcp_option(struct wireshark *ws, struct ws_stream *stream, unsigned forward,
		     struct ws_option *option)
{
	const struct subflow flow = { .ws = ws, .stream = stream, .forward = forward };
	const uint8_t *first = cursor_peek(&option->in, 0, 1);
	unsigned subtype;
	bool done = true;

	if (!first)
		return false;
	subtype = *first >> 4;
	if (subtype == MP_CAPABLE)
		done = capable(&flow, option);
	else if (subtype == MP_JOIN)
		done = join(&flow, option);
	else if (!stream->mptcp)
		done = connection_new(&flow);
	return done && option->whole;
}

void ws_mptcp_kinds_add(struct wireshark *ws, const struct ws_stream *stream, unsigned kinds)
{
	if (stream->mptcp)
		connection_at(ws, stream->mptcp)->kinds |= (uint16_t)(kinds & WS_MPTCP_KINDS);
}

void ws_mptcp_free(struct wireshark *ws)
{
	free(ws->tokens);
}
