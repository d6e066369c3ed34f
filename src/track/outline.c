/* SPDX-License-Identifier: BSD-2-Clause */
#include "track/outline.h"

#include "track/straight_reading.h"

#define LOOK_NS                                                                                    \
	(1 * NSEC_PER_SEC) /* no shorter pause of the server is worth a look: life_stall.c */

static void note_syn(struct brief *brief, const struct segment *seg, bool swapped)
{
	struct outline *outline = &brief->outline;
	bool has_scale = seg->options_seen & TCP_HAS_WINDOW_SCALE;
	unsigned scale = scale_of_syn(seg);
	bool has_mss = (seg->options_seen & TCP_HAS_MSS) && seg->mss >= SMALL_MSS;

	if ((seg->flags & ~(unsigned)(TCP_ECE | TCP_CWR | TCP_ACK)) != TCP_SYN || !seg->window ||
	    (seg->options_seen & ~SYN_OPTIONS) || seg->time_ns <= 0)
		brief->course |= COURSE_EVENTFUL;
	outline->scale[swapped] =
		(uint8_t)((has_scale ? scale | OUTLINE_HAS_SCALE : 0) |
			  (seg->options_seen & TCP_HAS_TIMESTAMPS ? OUTLINE_HAS_STAMPS : 0));
	outline->payload_most[!swapped] = has_mss ? seg->mss : UINT16_MAX;
}

void outline_begin(struct brief *brief, const struct segment *seg, bool swapped)
{
	brief->outline.data_ns[0] = brief->outline.data_ns[1] = 0;
	note_syn(brief, seg, swapped);
}

void outline_answer(struct brief *brief, const struct segment *seg, bool swapped)
{
	uint8_t *scale = brief->outline.scale;

	note_syn(brief, seg, swapped);
	if (!(scale[0] & scale[1] & OUTLINE_HAS_SCALE)) {
		scale[0] &= OUTLINE_HAS_STAMPS;
		scale[1] &= OUTLINE_HAS_STAMPS;
	}
	brief->acked[!swapped] = seg->ack.raw;
	brief->outline.edge[!swapped] = seg->ack.raw + seg->window; /* a SYN's is not scaled */
	brief->acked[swapped] = seg->seq.raw; /* the handshake's ACK moves it */
}

/* The first FIN: what was sent until then is all, or more is an event. */
static void note_first_fin(struct brief *brief, const struct segment *seg, bool swapped)
{
	struct outline *outline = &brief->outline;
	bool by_client = swapped == ((brief->bits & BRIEF_CLIENT_B) != 0);

	if (!outline->data_ns[0] && !outline->data_ns[1])
		brief->course |= COURSE_EVENTFUL; /* closed without a byte */
	outline->silence_ns = seg->time_ns - brief->last_ns;
	if (!by_client)
		outline->data_ns[!swapped] = seg->time_ns;
}

void outline_unusual(struct brief *brief, const struct segment *seg, bool swapped)
{
	unsigned peers_fin = bit_of(BRIEF_FIN_A, !swapped);
	bool fins = brief->bits & BRIEF_FINS;

	if (!(brief->bits & BRIEF_UP) && (seg->flags != TCP_ACK || seg->payload_bytes))
		brief->course |= COURSE_EVENTFUL; /* only a bare ACK ends the handshake plainly */
	if (!fins) {
		outline_note(brief, seg, swapped);
		if (seg->flags & TCP_FIN)
			note_first_fin(brief, seg, swapped);
		return;
	}
	if (outline_odd(brief, seg, swapped) || seg->payload_bytes)
		brief->course |= COURSE_EVENTFUL;
	brief->acked[!swapped] = seg->ack.raw;
	if ((seg->flags & TCP_FIN) && (brief->bits & peers_fin))
		brief->outline.second_fin_ns = seg->time_ns;
}

bool outline_pause(const struct brief *brief, const struct segment *seg, bool swapped)
{
	int64_t since_ns = seg->time_ns - brief->last_ns;
	bool by_client = swapped == ((brief->bits & BRIEF_CLIENT_B) != 0);
	bool owed = brief->nxt[0] != brief->acked[0] || brief->nxt[1] != brief->acked[1];

	/* An idle time that may have been survived, or the server may have taken its time. */
	return (since_ns >= STALL_IDLE_LEAST_NS && !owed && !(seg->flags & TCP_FIN)) ||
	       (since_ns >= LOOK_NS && !by_client && seg->payload_bytes);
}

static void fill_half(struct half *half, const struct brief *brief, const struct segment *syn,
		      bool swapped)
{
	const struct tuple tuple = brief_tuple(brief);

	half->ip = swapped ? tuple.ip_b : tuple.ip_a;
	half->port = swapped ? tuple.port_b : tuple.port_a;
	half->ttls[0] = brief->ttl[swapped];
	half->syn_window = syn->window;
	option_kinds(syn, half->syn_option_order);
}

/* The times of the handshake. Return: false: straight.c would not measure them. */
static bool fill_opening(struct conn *conn, const int64_t since_ns[static 2])
{
	conn->to_server_rtt_ns = since_ns[0];
	conn->to_client_rtt_ns = since_ns[1];
	conn->handshake_rtt_ns = since_ns[0] + since_ns[1];
	return since_ns[0] < UINT32_MAX && since_ns[1] < UINT32_MAX;
}

const struct conn *outline_tell(struct straight *straight, const struct brief *brief,
				const struct track_due *due)
{
	const struct outline *outline = &brief->outline;
	struct conn *conn = &straight->conn;
	bool client_b = brief->bits & BRIEF_CLIENT_B, closer_b = brief->course & COURSE_CLOSED_BY_B;
	enum end closer = closer_b == client_b ? END_CLIENT : END_SERVER;
	struct half *server = &conn->half[END_SERVER];
	struct segment syns[ENDS];
	int64_t since_ns[2];

	stream_opening(brief, syns, since_ns);
	if (!fill_opening(conn, since_ns))
		return NULL;
	conn->outline = true;
	conn->conn = conn->first_frame = brief->first_frame;
	conn->first_ns = stream_first_ns(brief);
	conn->last_ns = brief->last_ns;
	conn->judged_ns = due->judged_ns;
	conn->judged_frame = due->judged_frame;
	conn->at_end = due->at_end;
	conn->ipv6 = brief->bits & BRIEF_IPV6;
	conn->closed_first = (int8_t)closer;
	fill_half(&conn->half[END_CLIENT], brief, &syns[END_CLIENT], client_b);
	fill_half(server, brief, &syns[END_SERVER], !client_b);
	server->last_data.frame = outline->data_ns[!client_b] != 0;
	server->last_data.time_ns = outline->data_ns[!client_b];
	conn->half[closer].state = STATE_TIME_WAIT;
	conn->half[end_other(closer)].state = STATE_CLOSED;
	straight->closing[closer].first.time_ns = outline->data_ns[client_b];
	straight->closing[closer].silence_ns = outline->silence_ns;
	straight->closing[end_other(closer)].first.time_ns = outline->second_fin_ns;
	/* The last segment acknowledges the second FIN, behind which its sender has said nothing.
	 */
	server->last.frame = 1;
	server->last.time_ns = closer == END_SERVER ? brief->last_ns : outline->second_fin_ns;
	conn->viewpoint = viewpoint_of(conn);
	return conn;
}
