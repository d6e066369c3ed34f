/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "track/tracker.h"

/* Fast structures against slow, obvious ones, over random steps; the seed is printed. */

static uint64_t seed;

static uint32_t random_next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 20);
}

static void seed_print(void)
{
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): a test has one thread */
	const char *given = getenv("TRACK_SEED");

	seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) * 2654435761u + 1;
	if (!seed)
		seed = 1;
	print_message("TRACK_SEED=%" PRIu64 "\n", seed);
}

#define KEYS 29500u /* three in seven are in the table: it grows twice and is then nearly full */

static struct tuple keys[KEYS + 1]; /* by reference */

static bool is_of(const void *owner, uint32_t ref, const struct tuple *tuple, uint64_t hash)
{
	(void)owner;
	(void)hash;
	return tuple_equal(&keys[ref], tuple);
}

static void the_table_finds_what_is_in_it_and_nothing_else(void **state)
{
	(void)state;
	struct table table;
	static bool present[KEYS + 1];
	uint64_t count = 0;

	seed_print();
	assert_true(table_set_up(&table, is_of, NULL));
	for (uint32_t ref = 1; ref <= KEYS; ref++) {
		keys[ref].ip_a.bytes[15] = (uint8_t)ref;
		keys[ref].port_a = (uint16_t)(ref >> 8);
	}
	for (unsigned step = 0; step < 4000000; step++) {
		uint32_t ref = 1 + random_next() % KEYS;
		uint64_t hash = table_hash(&table, &keys[ref]);
		uint32_t *place = table_find(&table, &keys[ref], hash);

		assert_int_equal(place != NULL, present[ref]);
		assert_ptr_equal(table_find_ref(&table, ref, hash), place);
		if (place)
			assert_int_not_equal(table_guess(&table, hash), 0);
		if (place) {
			assert_int_equal(*place, ref);
			table_remove(&table, place);
			count--;
		} else if (random_next() % 4) {
			assert_true(table_add(&table, hash, ref));
			count++;
		} else {
			continue;
		}
		present[ref] = !present[ref];
		assert_int_equal(table.used, count);
	}
	for (uint32_t ref = 1; ref <= KEYS; ref++)
		assert_int_equal(table_find(&table, &keys[ref], table_hash(&table, &keys[ref])) !=
					 NULL,
				 present[ref]);
	table_tear_down(&table);
}

static void a_bucket_compares_all_its_places(void **state)
{
	(void)state;
	seed_print();
	for (unsigned step = 0; step < 100000; step++) {
		uint32_t of[BUCKET_PLACES], value = random_next() % 4 * 0x40004001u;
		unsigned match;

		for (unsigned i = 0; i < BUCKET_PLACES; i++)
			of[i] = random_next() % 4 * 0x40004001u;
		match = bucket_match(of, value);
		for (unsigned i = 0; i < BUCKET_PLACES; i++)
			assert_int_equal(match >> i & 1, of[i] == value);
		assert_int_equal(match >> BUCKET_PLACES, 0);
	}
}

static void a_ring_is_first_in_first_out(void **state)
{
	(void)state;
	struct ring ring = { .count = 0 };
	uint32_t put = 0, taken = 0;

	seed_print();
	for (unsigned step = 0; step < 400000; step++) {
		/* More come than go, until it has grown some times; then as many. */
		if (put == taken || random_next() % 8 < (step < 50000 ? 6 : 4)) {
			assert_true(ring_room(&ring));
			ring_put(&ring, (struct ring_entry){ .ns = put, .index = ~put });
			put++;
		} else {
			struct ring_entry entry = ring_take(&ring);

			assert_int_equal(entry.ns, taken);
			assert_int_equal(entry.index, ~taken);
			taken++;
		}
		assert_int_equal(ring.count, put - taken);
		assert_int_equal(ring_next_ns(&ring), put == taken ? INT64_MAX : taken);
	}
	assert_true(taken > 2 * ring.capacity); /* it went round */
	assert_true(ring.capacity > 16384);
	ring_clear(&ring);
}

static void both_directions_have_one_key(void **state)
{
	struct table table;

	(void)state;
	seed_print();
	assert_true(table_set_up(&table, is_of, NULL));
	for (unsigned step = 0; step < 10000; step++) {
		struct segment there = { .src_port = (uint16_t)(random_next() % 3),
					 .dst_port = (uint16_t)(random_next() % 3) };
		struct segment back;

		there.src.bytes[15] = (uint8_t)(random_next() % 3);
		there.dst.bytes[15] = (uint8_t)(random_next() % 3);
		back = there;
		back.src = there.dst;
		back.dst = there.src;
		back.src_port = there.dst_port;
		back.dst_port = there.src_port;
		bool swapped = segment_swapped(&there), back_swapped = segment_swapped(&back);
		bool same = ip_address_equal(&there.src, &there.dst) &&
			    there.src_port == there.dst_port;
		struct tuple a = tuple_of_segment(&there, swapped);
		struct tuple b = tuple_of_segment(&back, back_swapped);
		struct tuple other = a;

		assert_int_equal(back_swapped, same ? swapped : !swapped);
		assert_memory_equal(&a, &b, sizeof(a));
		assert_true(table_hash(&table, &a) == table_hash_segment(&table, &there, swapped));
		assert_true(table_hash(&table, &a) ==
			    table_hash_segment(&table, &back, back_swapped));
		assert_true(tuple_equal(&a, &b));
		((uint8_t *)&other)[random_next() % sizeof(other)] ^= (uint8_t)(1 + step % 255);
		assert_false(tuple_equal(&other, &a));
		assert_false(table_hash(&table, &other) == table_hash(&table, &a));
	}
	table_tear_down(&table);
}

#define SPACE 400u /* octets of the model's sequence space */

struct hole_world {
	struct pools pools;
	struct flow *flow;
	struct step step;
	struct segment seg;
	bool missing[SPACE];
	uint32_t base; /* so that numbers go round */
};

static unsigned world_missing(const struct hole_world *world)
{
	unsigned count = 0;

	for (unsigned i = 0; i < SPACE; i++)
		count += world->missing[i];
	return count;
}

/* One pass: holes are made from the left, filled anywhere. */
static void holes_pass(struct hole_world *world)
{
	unsigned top = 0;

	while (top + 1 < SPACE) {
		if (random_next() % 3) {
			unsigned left = top + 1 + random_next() % 8;
			unsigned right = left + 1 + random_next() % 8;

			if (right > SPACE)
				break;
			for (unsigned i = left; i < right; i++)
				world->missing[i] = true;
			holes_add(&world->step, seq_of(world->base + left),
				  seq_of(world->base + right));
			top = right;
		} else if (top) {
			unsigned left = random_next() % top;
			unsigned right = left + 1 + random_next() % (top - left);
			unsigned expected = 0;

			for (unsigned i = left; i < right; i++) {
				expected += world->missing[i];
				world->missing[i] = false;
			}
			assert_int_equal(holes_fill(&world->step, seq_of(world->base + left),
						    seq_of(world->base + right), NULL),
					 expected);
		}
		const struct loss *loss = flow_loss(&world->pools, world->flow, END_CLIENT);

		if (loss) {
			if (loss->missing_dropped) /* the cap was reached: another story */
				return;
			assert_int_equal(holes_octets(loss), world_missing(world));
		}
	}
}

static void holes_are_the_octets_that_were_not_seen(void **state)
{
	(void)state;
	struct hole_world world = { .base = 0 };

	seed_print();
	assert_true(pools_set_up(&world.pools, 2048));
	for (unsigned pass = 0; pass < 5000; pass++) {
		uint32_t index = pool_take(&world.pools.flows);

		world.flow = pool_at(&world.pools.flows, index);
		world.step = (struct step){ .pools = &world.pools,
					    .flow = world.flow,
					    .seg = &world.seg };
		world.base = random_next() << 12 | random_next();
		memset(world.missing, 0, sizeof(world.missing));
		holes_pass(&world);
		cold_free(&world.pools, index);
	}
	assert_int_equal(world.pools.losses.live, 0);
	pools_tear_down(&world.pools);
}

static void held_is_what_was_reported_above_the_ack(void **state)
{
	(void)state;
	seed_print();
	for (unsigned pass = 0; pass < 5000; pass++) {
		static struct loss loss;
		bool held[SPACE] = { false };
		uint32_t base = random_next() << 12;
		unsigned acked = 0;

		memset(&loss, 0, sizeof(loss));
		for (unsigned i = 0; i < 30 && loss.held_count < HELD_MOST; i++) {
			unsigned left = random_next() % (SPACE - 20);
			unsigned right = left + 1 + random_next() % 19;

			if (random_next() % 4) {
				held_add(&loss, seq_of(base + left), seq_of(base + right));
				memset(held + left, true, right - left);
			} else if (left > acked) {
				acked = left;
				held_acked(&loss, seq_of(base + acked));
				memset(held, false, acked);
			}
			bool all = true;

			for (unsigned at = left; at < right; at++)
				all = all && held[at];
			assert_int_equal(
				held_covers(&loss, seq_of(base + left), seq_of(base + right)), all);
		}
	}
}

static void a_pool_gives_distinct_zeroed_items(void **state)
{
	(void)state;
	struct pool pool;
	static uint32_t taken[4000];
	unsigned count = 0;

	seed_print();
	assert_true(pool_set_up(&pool, 20, 4000));
	for (unsigned step = 0; step < 200000; step++) {
		if (count < 4000 && random_next() % 2) {
			uint32_t index = pool_take(&pool);
			unsigned char *item = pool_at(&pool, index);

			assert_int_not_equal(index, 0);
			for (unsigned i = 0; i < 20; i++)
				assert_int_equal(item[i], 0);
			memcpy(item, &index, sizeof(index));
			memset(item + 4, 0xaa, 16);
			taken[count++] = index;
		} else if (count) {
			unsigned at = random_next() % count;
			uint32_t index;

			memcpy(&index, pool_at(&pool, taken[at]), sizeof(index));
			assert_int_equal(index, taken[at]); /* nobody else wrote there */
			pool_give(&pool, index);
			taken[at] = taken[--count];
		}
		assert_int_equal(pool.live, count);
	}
	while (pool.live < pool.most)
		assert_int_not_equal(pool_take(&pool), 0);
	assert_int_equal(pool_take(&pool), 0);
	pool_tear_down(&pool);
}

/* Two pools in one range, one of which grows out of its small pages: nobody writes into the other.
 */
static void pools_of_a_range_do_not_overlap(void **state)
{
	(void)state;
	struct pool_range range;
	struct pool words, lines;
	const struct pool_plan plans[] = { { &words, 8, 2000 }, { &lines, 64, 20000 } };

	assert_true(pool_range_set_up(&range, plans, 2));
	assert_int_equal(words.most, 2000);
	assert_int_equal(lines.most, 20000);
	for (uint32_t i = 1; i <= 20000; i++) {
		assert_int_equal(pool_take(&lines), i);
		memset(pool_at(&lines, i), 0xee, 64);
		if (i > 2000)
			continue;
		assert_int_equal(pool_take(&words), i);
		memcpy(pool_at(&words, i), &i, sizeof(i));
	}
	assert_int_equal(pool_take(&words), 0);
	assert_int_equal(pool_take(&lines), 0);
	for (uint32_t i = 1; i <= 2000; i++)
		assert_memory_equal(pool_at(&words, i), &i, sizeof(i));
	for (uint32_t i = 1; i <= 20000; i++)
		for (unsigned byte = 0; byte < 64; byte++)
			assert_int_equal(((unsigned char *)pool_at(&lines, i))[byte], 0xee);
	pool_range_tear_down(&range);
	pool_range_tear_down(&range);
}

static void a_range_is_as_large_as_the_system_allows(void **state)
{
	(void)state;
	struct pool_range range;
	struct pool many, few;
	/* 2^49 bytes: more than any process has addresses here. */
	const struct pool_plan plans[] = { { &many, 1 << 20, 1u << 29 }, { &few, 8, 1u << 24 } };

	if (!pool_range_set_up(&range, plans, 2))
		skip();
	assert_in_range(many.most, 1024, (1u << 29) - 1);
	assert_int_equal((1u << 29) / many.most, (1u << 24) / few.most);
	assert_int_equal(pool_take(&few), 1);
	pool_range_tear_down(&range);
	const struct pool_plan too_few[] = { { &few, 8, 100 } };

	assert_false(pool_range_set_up(&range, too_few, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_finds_what_is_in_it_and_nothing_else),
		cmocka_unit_test(a_bucket_compares_all_its_places),
		cmocka_unit_test(a_ring_is_first_in_first_out),
		cmocka_unit_test(both_directions_have_one_key),
		cmocka_unit_test(holes_are_the_octets_that_were_not_seen),
		cmocka_unit_test(held_is_what_was_reported_above_the_ack),
		cmocka_unit_test(a_pool_gives_distinct_zeroed_items),
		cmocka_unit_test(pools_of_a_range_do_not_overlap),
		cmocka_unit_test(a_range_is_as_large_as_the_system_allows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
