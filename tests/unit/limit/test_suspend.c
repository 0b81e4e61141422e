/* SPDX-License-Identifier: Apache-2.0 */
/* Suspensions: who is, for how long, and who makes way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "limit/suspend.h"

#define S UINT64_C(1000000000)

static void suspension_ends_by_itself_and_is_one_identitys(void **state)
{
	struct rw_suspended *s = rw_suspended_new();

	(void)state;
	rw_suspend(s, 7, 10 * S, S);
	assert_int_equal(rw_suspended_left(s, 7, 4 * S), 6 * S);
	assert_int_equal(rw_suspended_left(s, 7, 10 * S), 0);
	assert_int_equal(rw_suspended_left(s, 7, 11 * S), 0);
	for (uint64_t id = 8; id < 5000; id++)
		assert_int_equal(rw_suspended_left(s, id, S), 0);
	rw_suspended_free(s);
}

static void suspending_again_moves_the_end(void **state)
{
	struct rw_suspended *s = rw_suspended_new();

	(void)state;
	rw_suspend(s, 7, 10 * S, S);
	rw_suspend(s, 7, 30 * S, 2 * S);
	assert_int_equal(rw_suspended_left(s, 7, 20 * S), 10 * S);
	rw_suspended_free(s);
}

/* Whoever floods the table with keys of his own must not free the one that attacks longest. */
static void the_one_that_ends_first_makes_way(void **state)
{
	struct rw_suspended *s = rw_suspended_new();
	unsigned held = 0;

	(void)state;
	rw_suspend(s, 1, 1000000 * S, S);
	for (uint64_t id = 2; id < 100000; id++)
		rw_suspend(s, id, 100 * S + id, S);
	assert_true(rw_suspended_left(s, 1, S) > 0);
	for (uint64_t id = 2; id < 100000; id++)
		held += rw_suspended_left(s, id, S) > 0;
	assert_int_equal(held, 128 * 8 - 1);
	rw_suspended_free(s);
}

static void what_is_over_makes_way_before_what_is_not(void **state)
{
	struct rw_suspended *s = rw_suspended_new();

	(void)state;
	for (uint64_t id = 1; id < 100000; id++)
		rw_suspend(s, id, 50 * S, S);
	for (uint64_t id = 200000; id < 200200; id++)
		rw_suspend(s, id, 61 * S, 60 * S); /* over soonest, but not over */
	for (uint64_t id = 200000; id < 200200; id++)
		assert_int_equal(rw_suspended_left(s, id, 60 * S), S);
	rw_suspended_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(suspension_ends_by_itself_and_is_one_identitys),
		cmocka_unit_test(suspending_again_moves_the_end),
		cmocka_unit_test(the_one_that_ends_first_makes_way),
		cmocka_unit_test(what_is_over_makes_way_before_what_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
