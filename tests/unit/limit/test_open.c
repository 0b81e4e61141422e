/* SPDX-License-Identifier: Apache-2.0 */
/* What sources have open: bounds of each and of all, and a table that must not lose anybody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "limit/open.h"

static struct rw_source source(uint32_t n)
{
	struct rw_source s = {.n = 4};

	memcpy(s.bytes, &n, sizeof(n));
	return s;
}

static void each_and_all_are_bounded(void **state)
{
	struct rw_open *o = rw_open_new(100, 1);
	struct rw_source a = source(1), b = source(2), c = source(3);

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		assert_true(rw_open_begin(o, &a, 3, 6));
	assert_false(rw_open_begin(o, &a, 3, 6));
	assert_true(rw_open_begin(o, &b, 3, 6));
	assert_true(rw_open_begin(o, &b, 3, 6));
	assert_true(rw_open_begin(o, &c, 3, 6));
	assert_false(rw_open_begin(o, &c, 3, 6)); /* all */
	rw_open_end(o, &a);
	assert_false(rw_open_begin(o, &b, 3, 6)); /* more than what is left is worth */
	rw_open_end(o, &c);
	assert_true(rw_open_begin(o, &c, 3, 6));
	assert_int_equal(rw_open_count(o), 5);
	rw_open_free(o);
}

/* Seven sources that each stay below their bound filled the table, and honest ones were refused. */
static void a_few_that_take_all_they_get_leave_room(void **state)
{
	(void)state;
	for (uint32_t n = 2; n <= 1000; n = n * 7 / 2) {
		struct rw_open *o = rw_open_new(4096, 1);
		struct rw_source next = source(n);

		for (unsigned round = 0; round < 300; round++)
			for (uint32_t i = 0; i < n; i++) {
				struct rw_source s = source(i);

				rw_open_begin(o, &s, 256, 1024);
			}
		assert_in_range(rw_open_count(o), 512, 1023);
		assert_true(rw_open_begin(o, &next, 256, 1024));
		rw_open_free(o);
	}
}

/* A lower bound after a reload: what is open stays, nothing new begins. */
static void a_lower_bound_waits_for_the_ends(void **state)
{
	struct rw_open *o = rw_open_new(10, 1);
	struct rw_source a = source(1);

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		assert_true(rw_open_begin(o, &a, 100, 100));
	assert_false(rw_open_begin(o, &a, 100, 100)); /* the table's own */
	for (unsigned i = 0; i < 9; i++) {
		assert_false(rw_open_begin(o, &a, 3, 3));
		rw_open_end(o, &a);
	}
	assert_true(rw_open_begin(o, &a, 3, 3));
	rw_open_free(o);
}

/* Against counts that are kept plainly: cells that move when others become free are not lost. */
static void random_orders_are_counted_exactly(void **state)
{
	enum { SOURCES = 64, MOST = 48 };

	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct rw_open *o = rw_open_new(MOST, seed);
		uint32_t want[SOURCES] = {0}, all = 0;
		uint64_t x = seed;

		for (unsigned step = 0; step < 2000; step++) {
			struct rw_source s;
			uint32_t who;

			x = x * 6364136223846793005 + 1442695040888963407;
			who = (uint32_t)(x >> 33) % SOURCES;
			s = source(who);
			if (x >> 63 && want[who]) {
				rw_open_end(o, &s);
				want[who]--;
				all--;
			} else {
				uint32_t each = 8 * (MOST - all) / MOST;
				bool may = all < MOST && (!want[who] || want[who] < each) &&
					   want[who] < 4;

				if (rw_open_begin(o, &s, 4, 1000) != may)
					fail_msg("seed %lu, step %u", (unsigned long)seed, step);
				want[who] += may;
				all += may;
			}
			assert_int_equal(rw_open_count(o), all);
		}
		rw_open_free(o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_and_all_are_bounded),
		cmocka_unit_test(a_few_that_take_all_they_get_leave_room),
		cmocka_unit_test(a_lower_bound_waits_for_the_ends),
		cmocka_unit_test(random_orders_are_counted_exactly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
