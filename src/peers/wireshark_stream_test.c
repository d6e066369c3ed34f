/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "peers/wireshark_stream.h"

/*
 * The list of segments that wait for an ACK against the slow one that it stands for: an array that
 * every ACK walks from the newest to the oldest.
 */

#define MODEL_MOST 4096

struct model {
	struct ws_unacked at[MODEL_MOST]; /* oldest first */
	unsigned count;
};

/* Return: the oldest segment that ends at the ACK, NULL: none; those that it covers go. */
static bool model_ack(struct model *model, uint32_t ack, struct ws_unacked *acked)
{
	unsigned kept = 0;
	bool found = false;

	for (unsigned i = model->count; i-- > 0;) {
		if (model->at[i].end == ack) {
			*acked = model->at[i]; /* an older one later in the walk replaces it */
			found = true;
		}
	}
	for (unsigned i = 0; i < model->count; i++) {
		if ((int32_t)(ack - model->at[i].end) < 0) /* it ends beyond the ACK */
			model->at[kept++] = model->at[i];
	}
	model->count = kept;
	return found;
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

struct lists {
	struct wireshark *ws;
	struct ws_unacked_list list;
	struct model model;
	uint64_t random;
	uint32_t next;
};

static void add_both(struct lists *lists, uint64_t frame)
{
	static const uint32_t jumps[] = { 1, 100, 100, 1460, 0x40000000, 0x7fffffff, 0x80000000 };
	uint64_t random = next_random(&lists->random);
	struct ws_unacked segment = { .frame = frame, .time_ns = (int64_t)frame };

	if (random % 8 == 0) /* again */
		segment.end = lists->next - (uint32_t)(random >> 8) % 3000;
	else
		segment.end = lists->next += jumps[(random >> 8) % (random % 50 ? 4 : 7)];
	if (lists->model.count == MODEL_MOST)
		return;
	lists->model.at[lists->model.count++] = segment;
	assert_true(ws_unacked_add(lists->ws, &lists->list, &segment));
}

static void ack_both(struct lists *lists)
{
	uint64_t random = next_random(&lists->random);
	uint32_t ack = lists->next - (uint32_t)(random >> 8) % 5000;
	struct ws_unacked mine, models;
	bool found;

	if (random % 4 == 0 && lists->model.count)
		ack = lists->model.at[(random >> 8) % lists->model.count].end;
	if (random % 100 == 1)
		ack = (uint32_t)(random >> 16);
	found = model_ack(&lists->model, ack, &models);
	assert_int_equal(ws_unacked_ack(lists->ws, &lists->list, ack, &mine), found);
	assert_int_equal(lists->list.count, lists->model.count);
	if (found)
		assert_int_equal(mine.frame, models.frame);
	if (lists->model.count)
		assert_int_equal(ws_unacked_at(lists->ws, lists->list.oldest)->frame,
				 lists->model.at[0].frame);
}

static void the_list_does_what_a_full_walk_would_do(void **state)
{
	struct lists *lists = calloc(1, sizeof(*lists));

	(void)state;
	assert_non_null(lists);
	lists->ws = wireshark_new();
	assert_non_null(lists->ws);
	for (uint64_t seed = 1; seed <= 20; seed++) {
		lists->random = seed;
		lists->next = (uint32_t)(0 - seed * 1000);
		for (uint64_t frame = 1; frame < 5000; frame++) {
			if (next_random(&lists->random) % 3)
				add_both(lists, frame);
			else
				ack_both(lists);
		}
	}
	wireshark_free(lists->ws);
	free(lists);
}

static void a_full_list_takes_no_more(void **state)
{
	struct wireshark *ws = wireshark_new();
	struct ws_unacked_list list = { 0 };
	struct ws_unacked segment = { .end = 100 }, acked;

	(void)state;
	assert_non_null(ws);
	for (unsigned i = 0; i < UNACKED_MOST; i++) {
		segment.frame = i + 1;
		segment.end += 100;
		assert_true(ws_unacked_add(ws, &list, &segment));
	}
	assert_false(ws_unacked_add(ws, &list, &segment));
	assert_true(ws_unacked_ack(ws, &list, segment.end, &acked));
	assert_int_equal(acked.frame, UNACKED_MOST);
	assert_int_equal(list.count, 0);
	assert_true(ws_unacked_add(ws, &list, &segment)); /* and what it held is free again */
	assert_int_equal(ws->unacked.used, UNACKED_MOST);
	wireshark_free(ws);
}

static void every_stream_keeps_its_number_while_the_table_grows(void **state)
{
	struct wireshark *ws = wireshark_new();
	struct segment seg = { .flags = TCP_SYN, .header_bytes = 20 };
	struct wireshark_packet packet;

	(void)state;
	assert_non_null(ws);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 20000; i++) {
			const uint8_t host[4] = { 10, 0, (uint8_t)(i >> 8), (uint8_t)i };

			seg.src = ip_address_v4(host);
			seg.src_port = (uint16_t)(i >> 4);
			seg.frame++;
			assert_true(wireshark_add(ws, &seg, &packet));
			assert_int_equal(packet.stream, i);
		}
	}
	assert_int_equal(wireshark_left_out(ws), 0);
	wireshark_free(ws);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_list_does_what_a_full_walk_would_do),
		cmocka_unit_test(a_full_list_takes_no_more),
		cmocka_unit_test(every_stream_keeps_its_number_while_the_table_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
