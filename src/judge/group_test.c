/* SPDX-License-Identifier: BSD-2-Clause */
/* The figures of the group stage, each just reached and just missed, and its bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "judge/group.h"

static const struct fin no_fin;
static const struct probe_run no_probes;
static const struct resend_run no_resend;

static struct ip_address address(unsigned number)
{
	return ip_address_v4((const uint8_t[4]){ 10, (uint8_t)(number >> 16),
						 (uint8_t)(number >> 8), (uint8_t)number });
}

/* Connection number @conn of a client to a server, @at_ms after the start, 1 ms long. */
static struct conn conn_of(uint64_t number, unsigned client, unsigned server, int64_t at_ms)
{
	struct conn conn = {
		.conn = number,
		.first_ns = at_ms * NSEC_PER_MSEC,
		.last_ns = (at_ms + 1) * NSEC_PER_MSEC,
		.ending_reset = -1,
		.closed_first = -1,
	};

	conn.half[END_CLIENT].ip = address(client);
	conn.half[END_CLIENT].syn = 1;
	conn.half[END_SERVER].ip = address(server);
	conn.half[END_SERVER].port = 80;
	for (unsigned end = 0; end < ENDS; end++) {
		conn.half[end].closing = &no_fin;
		conn.half[end].keepalive = &no_probes;
		conn.half[end].resend = &no_resend;
	}
	return conn;
}

/* What the stage found, by id. */
struct counted {
	const char *id;
	unsigned found;
	size_t conns;
	uint64_t total, dropped;
};

static void count_found(void *context, const struct group_verdict *group)
{
	struct counted *counted = context;

	if (strcmp(group->verdict.entry->id, counted->id) != 0)
		return;
	counted->found++;
	counted->conns = group->conn_count;
	counted->total = group->conn_total;
	for (size_t i = 1; i < group->conn_count; i++)
		assert_true(group->conns[i - 1] < group->conns[i]);
}

static struct counted finish(struct group *group, const char *id)
{
	struct counted counted = { .id = id };
	struct group_sink sink = { .found = count_found, .context = &counted };

	group_finish(group, 0, &sink);
	counted.dropped = group_dropped(group);
	group_free(group);
	return counted;
}

static const struct judgement nothing_said;

static struct counted scan_of(unsigned targets, unsigned good, int64_t apart_ms)
{
	struct group *group = group_new();

	for (unsigned i = 0; i < targets; i++) {
		struct conn conn = conn_of(i + 1, 1, 100 + i, i * apart_ms);

		conn.opening = OPENING_REFUSED;
		group_add(group, &conn, &nothing_said);
		if (i < good) {
			conn = conn_of(1000 + i, 1, 100, i * apart_ms);
			conn.opening = OPENING_SUCCEEDED;
			conn.half[END_SERVER].payload_bytes = 10;
			group_add(group, &conn, &nothing_said);
		}
	}
	return finish(group, "group.scan.syn");
}

static void fifteen_targets_are_a_scan(void **state)
{
	(void)state;
	assert_int_equal(scan_of(14, 0, 10).found, 0);
	assert_int_equal(scan_of(15, 0, 10).found, 1);
	assert_int_equal(scan_of(15, 0, 10).conns, 15);
	/* one a minute: never fifteen within five minutes */
	assert_int_equal(scan_of(40, 0, 60000).found, 0);
	/* 20 in vain, 5 in order: 80 percent; one more is too much */
	assert_int_equal(scan_of(20, 5, 10).found, 1);
	assert_int_equal(scan_of(20, 6, 10).found, 0);
}

static struct counted flood_of(unsigned half_open, unsigned sources, unsigned completed)
{
	struct group *group = group_new();

	for (unsigned i = 0; i < half_open; i++) {
		struct conn conn = conn_of(i + 1, 500 + i % sources, 100, i);

		conn.opening = OPENING_HALF;
		conn.synack.frame = i + 1;
		group_add(group, &conn, &nothing_said);
		if (i < completed) {
			conn = conn_of(10000 + i, 2, 100, i);
			conn.opening = OPENING_SUCCEEDED;
			conn.half[END_SERVER].payload_bytes = 10;
			group_add(group, &conn, &nothing_said);
		}
	}
	return finish(group, "group.synflood");
}

static void sixty_four_half_open_ones_are_a_flood(void **state)
{
	(void)state;
	assert_int_equal(flood_of(63, 63, 0).found, 0);
	assert_int_equal(flood_of(64, 64, 0).found, 1);
	assert_int_equal(flood_of(64, 15, 0).found, 0); /* too few sources */
	assert_int_equal(flood_of(64, 16, 0).found, 1);
	assert_int_equal(flood_of(64, 64, 7).found, 1); /* 7 of 71: below a tenth */
	assert_int_equal(flood_of(64, 64, 8).found, 0); /* 8 of 72: above */
}

/* All are counted; that a list ends is no loss for want of memory. */
static void a_flood_is_counted_beyond_what_is_listed(void **state)
{
	(void)state;
	struct counted flood = flood_of(3000, 3000, 0);

	assert_int_equal(flood.found, 1);
	assert_int_equal(flood.conns, GROUP_CONNS_MOST);
	assert_int_equal(flood.total, 3000);
	assert_int_equal(flood.dropped, 0);
}

/* A connection to port 80 of 100 that the server ended. @fin: where that is told */
static struct conn ended_conn(unsigned number, int64_t at_ms, struct fin *fin)
{
	struct conn conn = conn_of(number + 1, 1, 100, number);

	*fin = (struct fin){ .first = { .frame = 10 + number, .time_ns = at_ms * NSEC_PER_MSEC },
			     .silence_ns = (1000 + 100 * number) * NSEC_PER_MSEC };
	conn.opening = OPENING_SUCCEEDED;
	conn.closed_first = END_SERVER;
	conn.half[END_SERVER].has_fin = true;
	conn.half[END_SERVER].closing = fin;
	conn.half[END_SERVER].payload_bytes = 10;
	return conn;
}

static struct counted killed_of(unsigned conns, int64_t apart_ms)
{
	struct group *group = group_new();

	for (unsigned i = 0; i < conns; i++) {
		struct fin fin;
		struct conn conn = ended_conn(i, 5000 + i * apart_ms, &fin);

		group_add(group, &conn, &nothing_said);
	}
	return finish(group, "group.process-killed");
}

static void three_ends_within_50_ms_are_a_process(void **state)
{
	(void)state;
	assert_int_equal(killed_of(2, 1).found, 0);
	assert_int_equal(killed_of(3, 1).found, 1);
	assert_int_equal(killed_of(3, 25).found, 1); /* 50 ms from first to last */
	assert_int_equal(killed_of(3, 26).found, 0);
}

static struct counted killed_at(const int64_t *at_ms, unsigned count)
{
	struct group *group = group_new();

	for (unsigned i = 0; i < count; i++) {
		struct fin fin;
		struct conn conn = ended_conn(i, at_ms[i], &fin);

		group_add(group, &conn, &nothing_said);
	}
	return finish(group, "group.process-killed");
}

static void ends_are_told_in_any_order_and_at_any_time(void **state)
{
	static const int64_t later_between[] = { 5000, 9000, 5020, 5040 };
	static const int64_t earlier_between[] = { 5000, 1000, 5020, 1010, 5040 };
	static const int64_t too_few[] = { 5000, 9000, 5020, 9020 };
	static const int64_t backwards[] = { 5040, 5020, 5000 };
	static const int64_t before_1970[] = { -5040, -5020, -5000 };

	(void)state;
	assert_int_equal(killed_at(later_between, 4).found, 1);
	assert_int_equal(killed_at(earlier_between, 5).found, 1);
	assert_int_equal(killed_at(too_few, 4).found, 0);
	assert_int_equal(killed_at(backwards, 3).found, 1);
	assert_int_equal(killed_at(before_1970, 3).found, 1);
}

/* Three ends at each of many servers, which all have a find of their own. */
static void each_of_a_thousand_servers_is_found(void **state)
{
	struct group *group = group_new();

	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		struct fin fin;
		struct conn conn = ended_conn(i % 3, 5000, &fin);

		conn.conn = i + 1;
		conn.half[END_SERVER].ip = address(100 + i / 3);
		group_add(group, &conn, &nothing_said);
	}
	assert_int_equal(group_dropped(group), 0);
	assert_int_equal(finish(group, "group.process-killed").found, 1000);
}

/* At one service: three ends, three repeated SYNs, three more ends 4 s later, one more such SYN. */
static struct counted taking_turns(const char *id)
{
	struct group *group = group_new();

	for (unsigned i = 0; i < 10; i++) {
		struct fin fin;
		struct conn conn = ended_conn(i, i < 3 ? 5000 : 9000, &fin);

		if (i / 3 % 2) {
			conn = conn_of(i + 1, 1, 100, i);
			conn.opening = OPENING_SUCCEEDED;
			conn.half[END_CLIENT].syn = 2;
		}
		group_add(group, &conn, &nothing_said);
	}
	return finish(group, id);
}

static void finds_of_two_rules_at_one_service_go_on(void **state)
{
	(void)state;
	assert_int_equal(taking_turns("group.process-killed").found, 2);
	assert_int_equal(taking_turns("group.process-killed").conns, 3);
	assert_int_equal(taking_turns("group.accept-queue-full").found, 1);
	assert_int_equal(taking_turns("group.accept-queue-full").conns, 4);
}

/* Three repeated SYNs to a port that others open; and some to another port, of that host or not. */
static struct counted queue_of(unsigned other_host, int64_t other_at_ms)
{
	struct group *group = group_new();

	for (unsigned i = 0; i < 9; i++) {
		bool is_other = i % 3 == 0;
		struct conn conn = conn_of(i + 1, 1 + i, is_other ? other_host : 100,
					   is_other ? other_at_ms : i * 10);

		conn.opening = OPENING_SUCCEEDED;
		conn.half[END_SERVER].payload_bytes = 10;
		conn.half[END_SERVER].port = is_other ? 81 : 80;
		conn.half[END_CLIENT].syn = i % 3 == 2 ? 1 : 2;
		group_add(group, &conn, &nothing_said);
	}
	return finish(group, "group.accept-queue-full");
}

static void syns_repeated_at_other_ports_of_the_host_blame_the_path(void **state)
{
	(void)state;
	assert_int_equal(queue_of(101, 50).found, 1); /* another host's */
	assert_int_equal(queue_of(100, 50).found, 0);
	assert_int_equal(queue_of(100, 10050).found, 0);
	assert_int_equal(queue_of(100, 10081).found, 1); /* 10 s after the last: not then */
}

static void what_does_not_fit_is_counted(void **state)
{
	struct group *group = group_new();

	(void)state;
	/* 100,000 clients of as many servers: three places each, more than there is room for. */
	for (unsigned i = 0; i < 100000; i++) {
		struct conn conn = conn_of(i + 1, i, 1000000 + i, i);

		conn.opening = OPENING_REFUSED;
		group_add(group, &conn, &nothing_said);
	}
	assert_true(group_dropped(group) > 0);
	assert_int_equal(finish(group, "group.scan.syn").found, 0);
}

static void a_disabled_rule_finds_nothing(void **state)
{
	struct group *group = group_new();

	(void)state;
	group_disable(group, "group.scan.syn");
	for (unsigned i = 0; i < 20; i++) {
		struct conn conn = conn_of(i + 1, 1, 100 + i, i);

		conn.opening = OPENING_REFUSED;
		group_add(group, &conn, &nothing_said);
	}
	assert_int_equal(finish(group, "group.scan.syn").found, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fifteen_targets_are_a_scan),
		cmocka_unit_test(sixty_four_half_open_ones_are_a_flood),
		cmocka_unit_test(a_flood_is_counted_beyond_what_is_listed),
		cmocka_unit_test(three_ends_within_50_ms_are_a_process),
		cmocka_unit_test(ends_are_told_in_any_order_and_at_any_time),
		cmocka_unit_test(each_of_a_thousand_servers_is_found),
		cmocka_unit_test(finds_of_two_rules_at_one_service_go_on),
		cmocka_unit_test(syns_repeated_at_other_ports_of_the_host_blame_the_path),
		cmocka_unit_test(what_does_not_fit_is_counted),
		cmocka_unit_test(a_disabled_rule_finds_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
