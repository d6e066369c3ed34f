/* SPDX-License-Identifier: BSD-2-Clause */
#include "conn_hash.h"

#include "judge/fact.h"

void hash_mix(uint64_t *hash, uint64_t value)
{
	*hash = (*hash ^ value) * UINT64_C(0x100000001b3);
	*hash ^= *hash >> 29;
}

static void hash_moment(uint64_t *hash, const struct moment *moment)
{
	hash_mix(hash, moment->frame);
	hash_mix(hash, (uint64_t)moment->time_ns);
	hash_mix(hash, (uint64_t)moment->seq << 32 | moment->ack);
	hash_mix(hash, (uint64_t)moment->raw_seq << 32 | moment->raw_ack);
	hash_mix(hash, (uint64_t)moment->payload_bytes << 32 | moment->notes);
	hash_mix(hash, (uint64_t)moment->window << 48 | (uint64_t)moment->ip_id << 32 |
			       (uint64_t)moment->flags << 24 | (uint64_t)moment->from << 16 |
			       (uint64_t)moment->ttl << 8 | moment->options);
}

static void hash_fin(uint64_t *hash, const struct fin *fin)
{
	hash_moment(hash, &fin->first);
	hash_moment(hash, &fin->acked);
	hash_mix(hash, fin->seq);
	hash_mix(hash, fin->repeats);
	hash_mix(hash, (uint64_t)fin->last_repeat_ns);
	hash_mix(hash, fin->last_repeat_frame);
	hash_mix(hash, (uint64_t)fin->last_gap_ns);
	hash_mix(hash, fin->acked_again);
	hash_mix(hash, fin->acked_again_frame);
	hash_mix(hash, (uint64_t)fin->acks_peer_fin << 1 | fin->completes_handshake);
	hash_mix(hash, (uint64_t)fin->silence_ns);
}

static void hash_half(uint64_t *hash, const struct half *half)
{
	hash_mix(hash, half->packets << 32 | half->data_packets);
	hash_mix(hash, half->bytes);
	hash_mix(hash, half->payload_bytes);
	hash_mix(hash, half->unique_bytes);
	hash_mix(hash, (uint64_t)half->snd_una << 32 | half->snd_nxt);
	hash_mix(hash, half->largest_acked_bytes);
	hash_mix(hash, half->syn_window);
	for (unsigned i = 0; i < sizeof(half->syn_option_order); i++)
		hash_mix(hash, half->syn_option_order[i]);
	hash_mix(hash, half->tsval_known);
	hash_mix(hash, (uint64_t)half->first_tsval << 32 | half->last_tsval);
	hash_mix(hash, (uint64_t)half->first_tsval_ns);
	hash_mix(hash, (uint64_t)half->last_tsval_ns);
	hash_mix(hash, half->rtt.samples);
	hash_mix(hash, (uint64_t)half->rtt.least_ns);
	hash_mix(hash, (uint64_t)half->rtt.most_ns);
	hash_mix(hash, (uint64_t)half->rtt.total_ns);
	hash_mix(hash, (uint64_t)half->answer_least_ns);
	hash_mix(hash, half->data_after_peer_fin);
	hash_moment(hash, &half->first_data);
	hash_moment(hash, &half->last_data);
	hash_moment(hash, &half->last);
	hash_fin(hash, half->closing);
	for (unsigned i = 0; i < half->state_count; i++)
		hash_mix(hash, half->states[i].frame << 8 | half->states[i].state << 1 |
				       half->states[i].assumed);
}

void conn_hash(uint64_t *hash, const struct conn *conn)
{
	hash_half(hash, &conn->half[END_CLIENT]);
	hash_half(hash, &conn->half[END_SERVER]);
	hash_mix(hash, (uint64_t)conn->judged_ns);
	hash_mix(hash, conn->judged_frame);
	hash_mix(hash, (uint64_t)conn->capture_pause_ns);
	hash_mix(hash, (uint64_t)conn->at_end << 9 | (uint64_t)conn->ipv6 << 8 | conn->viewpoint);
	hash_moment(hash, &conn->syn);
	hash_moment(hash, &conn->synack);
	hash_moment(hash, &conn->handshake_ack);
	hash_moment(hash, &conn->opened);
	for (unsigned i = 0; i < conn->moment_count; i++)
		hash_moment(hash, &conn->moments[i]);
	for (unsigned kind = 0; kind < STALL_KINDS; kind++) {
		const struct stall *stall = &conn->stalls[kind];

		hash_mix(hash, stall->count << 8 | stall->who);
		hash_mix(hash, (uint64_t)stall->total_ns);
		hash_mix(hash, (uint64_t)stall->longest_ns);
		hash_mix(hash, stall->first_frame << 32 | stall->last_frame);
	}
	hash_mix(hash, (uint64_t)conn->longest_idle_ns);
	hash_mix(hash, conn->longest_idle_first << 32 | conn->longest_idle_last);
	hash_mix(hash, (uint64_t)conn->last_idle_ns);
	hash_mix(hash, conn->last_idle_frame);
	hash_mix(hash, conn->quality.cut << 32 | conn->quality.offload);
	hash_mix(hash, conn->quality.cut_frame << 32 | conn->quality.offload_frame);
	hash_mix(hash, conn->quality.offload_end);
}

static void hash_address(uint64_t *hash, const struct ip_address *ip)
{
	for (unsigned i = 0; i < sizeof(ip->bytes); i++)
		hash_mix(hash, ip->bytes[i]);
}

void outline_hash(uint64_t *hash, const struct conn *conn, const struct judgement *judgement)
{
	struct fact fact;

	fact_of(conn, judgement, &fact);
	hash_mix(hash, fact.conn);
	hash_mix(hash, (uint64_t)fact.start_ns);
	hash_mix(hash, (uint64_t)fact.ended_ns);
	hash_mix(hash, (uint64_t)fact.idle_ns);
	hash_mix(hash, (uint64_t)fact.survived_ns);
	hash_mix(hash, (uint64_t)fact.server_last_ns);
	hash_mix(hash, (uint64_t)fact.server_data_ns);
	hash_address(hash, &fact.client);
	hash_address(hash, &fact.server);
	hash_mix(hash, (uint64_t)fact.port << 32 | fact.what);
	hash_mix(hash, (uint64_t)conn->opening << 16 | (uint64_t)conn->viewpoint << 8 |
			       (uint8_t)judgement->closed_first);
	hash_mix(hash, (uint64_t)conn->handshake_rtt_ns);
	hash_mix(hash, judgement_needs_look(judgement));
	for (unsigned end = 0; end < ENDS; end++) {
		hash_mix(hash, judgement->time_wait[end].held);
		hash_mix(hash, (uint64_t)judgement->time_wait[end].from_ns);
		hash_mix(hash, (uint64_t)judgement->time_wait[end].until_ns);
	}
}
