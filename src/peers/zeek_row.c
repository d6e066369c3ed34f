/* SPDX-License-Identifier: BSD-2-Clause */
/* From what was seen to what conn.log prints. */
#include <string.h>

#include "peers/zeek_conn.h"

uint64_t zeek_size(const struct zeek_end *e, const struct zeek_end *p)
{
	uint64_t last = zeek_full(e->last, e->last_wraps);
	uint64_t ack = zeek_full(e->ack, e->ack_wraps);
	uint64_t size = (last > ack ? last : ack) - e->start.raw;

	/* A half-open connection found by a SYN: its numbers mislead. */
	if (e->previous == ZEEK_SYN_SENT && e->state == ZEEK_RESET && p->state == ZEEK_INACTIVE &&
	    !zeek_nothing_acked(e))
		return 0;
	if (size > 0)
		size--; /* the SYN */
	if (size > 0 && e->fin_seen)
		size--;
	return size;
}

static bool is_idle(const struct zeek_end *e)
{
	return e->state == ZEEK_INACTIVE || e->state == ZEEK_PARTIAL;
}

/* A SYN, then nothing of the originator but an RST. */
static bool is_syn_then_rst(const char *history)
{
	if (*history == '^')
		history++;
	if (*history != 'S')
		return false;
	history += strcspn(history, "HAFGIQR");
	return *history == 'R';
}

static const char *state_after_resp_reset(const struct zeek_end *orig, const struct zeek_end *resp)
{
	if (orig->state == ZEEK_SYN_SENT || orig->state == ZEEK_SYN_ACK_SENT)
		return "REJ";
	if (orig->state == ZEEK_RESET && zeek_size(orig, resp) == 0 && zeek_size(resp, orig) == 0)
		return "REJ";
	return is_idle(orig) ? "RSTRH" : "RSTR";
}

static const char *conn_state(const struct zeek *zeek, const struct zeek_conn *conn)
{
	const struct zeek_end *orig = &conn->ends[conn->orig];
	const struct zeek_end *resp = &conn->ends[!conn->orig];

	if (resp->state == ZEEK_RESET)
		return state_after_resp_reset(orig, resp);
	if (orig->state == ZEEK_RESET) {
		if (!is_idle(resp))
			return "RSTO";
		return is_syn_then_rst(zeek_history_text(zeek, conn)) ? "RSTOS0" : "OTH";
	}
	if (orig->state == ZEEK_CLOSED && resp->state == ZEEK_CLOSED)
		return "SF";
	if (orig->state == ZEEK_CLOSED)
		return is_idle(resp) ? "SH" : "S2";
	if (resp->state == ZEEK_CLOSED)
		return is_idle(orig) ? "SHR" : "S3";
	if (orig->state == ZEEK_SYN_SENT && resp->state == ZEEK_INACTIVE)
		return "S0";
	if (orig->state == ZEEK_ESTABLISHED && resp->state == ZEEK_ESTABLISHED)
		return "S1";
	return "OTH";
}

void zeek_write(struct zeek *zeek, struct zeek_conn *conn)
{
	const struct zeek_end *orig = &conn->ends[conn->orig];
	const struct zeek_end *resp = &conn->ends[!conn->orig];
	int64_t duration_us = conn->last_us - conn->start_us;
	struct zeek_row row = {
		.first_frame = conn->first_frame,
		.first_layer = conn->first_layer,
		.start_ns = conn->start_us * NSEC_PER_USEC,
		.has_duration = duration_us > 0,
		.duration_ns = duration_us > 0 ? duration_us * NSEC_PER_USEC : 0,
		.orig_ip = conn->ips[conn->orig],
		.resp_ip = conn->ips[!conn->orig],
		.orig_port = conn->ports[conn->orig],
		.resp_port = conn->ports[!conn->orig],
		.state = conn_state(zeek, conn),
		.orig_bytes = zeek_size(orig, resp),
		.resp_bytes = zeek_size(resp, orig),
		.missed_bytes = conn->missed_bytes,
		.orig_packets = orig->packets,
		.orig_ip_bytes = orig->ip_bytes,
		.resp_packets = resp->packets,
		.resp_ip_bytes = resp->ip_bytes,
	};

	memcpy(row.history, zeek_history_text(zeek, conn), conn->history_length + 1u);
	if (zeek->sink.row)
		zeek->sink.row(zeek->sink.context, &row);
	zeek_conn_free(zeek, conn);
}
