/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/huge.h"

#define HUGE_BYTES  ((size_t)2 << 20)
#define SMALL_BYTES ((size_t)128 << 10)

/* Whether an address is mapped: msync() refuses one that is not. */
static int is_mapped(const unsigned char *at)
{
	uintptr_t page = (uintptr_t)at & ~(uintptr_t)(sysconf(_SC_PAGESIZE) - 1);

	return msync((void *)page, 1, MS_ASYNC) == 0 || errno != ENOMEM;
}

/* All of it is there, zero at first, and nothing of it is left behind. */
static void use_and_free(unsigned char *at, size_t bytes)
{
	assert_non_null(at);
	for (size_t i = 0; i < bytes; i += 4096) {
		assert_int_equal(at[i], 0);
		at[i] = 1;
	}
	assert_int_equal(at[bytes - 1], bytes % 4096 == 1);
	at[bytes - 1] = 1;
	huge_free(at, bytes);
	assert_false(is_mapped(at));
	assert_false(is_mapped(at + bytes - 1));
}

static void tables_of_any_size_come_and_go(void **state)
{
	static const size_t sizes[] = { 1,	    4096,	    65537,   (512u << 10) - 1,
					512u << 10, (2u << 20) + 1, 5u << 20 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		use_and_free(huge_alloc(sizes[i]), sizes[i]);
}

/* Where a huge page can begin: else the kernel gives none for the first part. */
static void a_large_table_begins_with_a_huge_page(void **state)
{
	(void)state;
	for (size_t bytes = HUGE_BYTES / 4; bytes <= 2 * HUGE_BYTES; bytes += HUGE_BYTES / 4) {
		unsigned char *at = huge_alloc(bytes);

		assert_int_equal((uintptr_t)at % HUGE_BYTES, 0);
		use_and_free(at, bytes);
	}
}

static void a_range_begins_with_small_pages(void **state)
{
	size_t bytes = (size_t)1 << 40;
	unsigned char *at = huge_reserve(bytes);

	(void)state;
	assert_non_null(at);
	assert_int_equal(((uintptr_t)at + SMALL_BYTES) % HUGE_BYTES, 0);
	at[0] = 1;
	at[bytes - 1] = 1;
	huge_free(at, bytes);
	assert_false(is_mapped(at));
	assert_false(is_mapped(at + bytes - 1));
	use_and_free(huge_reserve(100), 100);
}

static void too_much_is_refused(void **state)
{
	(void)state;
	assert_null(huge_reserve((size_t)1 << 62));
	assert_null(huge_alloc((size_t)1 << 62));
	huge_free(NULL, 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_of_any_size_come_and_go),
		cmocka_unit_test(a_large_table_begins_with_a_huge_page),
		cmocka_unit_test(a_range_begins_with_small_pages),
		cmocka_unit_test(too_much_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
