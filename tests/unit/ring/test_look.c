/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a look before a sleep pays, on waits that are made up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ring/look.h"

#define US 1000ull

enum { CLIENT = 7, UPSTREAM = 9 };

struct run {
	struct rw_look look;
	uint64_t now_ns, worked_ns, looked_ns, vain_ns;
	unsigned looks, found;
};

static struct run begin(void)
{
	struct run r = {0};

	rw_look_init(&r.look, 100 * US);
	return r;
}

/* Something comes for slot after wait_ns; then that is worked on. */
static void wait_and_work(struct run *r, uint32_t slot, uint64_t wait_ns, uint64_t work_ns)
{
	uint64_t span = rw_look_span(&r->look, r->now_ns, UINT64_MAX);
	bool found = span >= wait_ns;
	uint64_t looked = found ? wait_ns : span;

	r->now_ns += wait_ns;
	r->looked_ns += looked;
	r->looks += span != 0;
	r->found += found;
	r->vain_ns += found ? 0 : looked;
	rw_look_learn(&r->look, r->now_ns, wait_ns, looked, found);
	rw_look_saw(&r->look, slot);
	r->now_ns += work_ns;
	r->worked_ns += work_ns;
}

/* One client that asks at once, an upstream that answers at once: from then on nobody sleeps. */
static void one_fast_client_is_looked_for(void **state)
{
	struct run r = begin();

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		wait_and_work(&r, i % 2 ? CLIENT : UPSTREAM, i % 2 ? 20 * US : 35 * US, 30 * US);
	assert_true(r.found > 900);
	assert_true(r.vain_ns < 200 * US);
}

/* The upstream is fast, its client thinks: the one is looked for and the other is not. */
static void alternating_waits_are_learnt_apart(void **state)
{
	struct run r = begin();

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		wait_and_work(&r, CLIENT, 5000 * US, 30 * US);
		wait_and_work(&r, UPSTREAM, 40 * US, 20 * US);
	}
	assert_true(r.found > 950);
	assert_true(r.looks - r.found < 10);
}

static void at_rest_nothing_is_looked_for(void **state)
{
	struct run r = begin();
	uint64_t before;

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		wait_and_work(&r, CLIENT, 10 * US, 10 * US);
	before = r.looked_ns;
	for (unsigned i = 0; i < 1000; i++)
		wait_and_work(&r, CLIENT, 1000 * US, 10 * US);
	assert_true(r.looked_ns - before < 1000 * US);
	before = r.looked_ns;
	for (unsigned i = 0; i < 1000; i++)
		wait_and_work(&r, CLIENT, 1000 * US, 10 * US);
	assert_int_equal(r.looked_ns, before);
}

/* Where many are under way a processor's time counts, however short the waits are. */
static void many_connections_are_not_looked_for(void **state)
{
	struct run r = begin();

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		wait_and_work(&r, i * 7 % 32, 5 * US, 10 * US);
	r.looks = 0;
	for (unsigned i = 0; i < 1000; i++)
		wait_and_work(&r, i * 7 % 32, 5 * US, 10 * US);
	assert_int_equal(r.looks, 0);
	/* When one is left, it is looked for again. */
	for (unsigned i = 0; i < 100; i++)
		wait_and_work(&r, CLIENT, 5 * US, 10 * US);
	assert_true(r.found > 50);
}

/* Waits that nobody could foresee: short and long by no rule. */
static void looks_in_vain_have_a_bound(void **state)
{
	struct run r = begin();
	uint64_t x = 1;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		x = x * 6364136223846793005ull + 1442695040888963407ull;
		wait_and_work(&r, CLIENT, (x >> 33) % 2 ? 90 * US : 130 * US, 5 * US);
	}
	assert_true(r.looks > 0);
	assert_true(r.vain_ns <= r.worked_ns / 8);
}

/*
 * On a processor that others want, each look ends in a preemption of milliseconds: with looks at
 * one connection half of the requests took 3 ms there, and 0.16 without.
 */
static void preempted_looks_are_given_up(void **state)
{
	struct run r = begin();
	unsigned preempted = 0;

	(void)state;
	for (unsigned i = 0; i < 10000; i++) {
		uint64_t span = rw_look_span(&r.look, r.now_ns, UINT64_MAX);
		uint64_t took = span ? 3000 * US : 40 * US;

		r.now_ns += took;
		preempted += span != 0;
		rw_look_learn(&r.look, r.now_ns, 40 * US, span ? took : 0, true);
		rw_look_saw(&r.look, CLIENT);
		r.now_ns += 100 * US;
	}
	assert_in_range(preempted, 1, 15);
	/* When it is left alone, it looks again, and at length forgets. */
	r.now_ns += 3000000 * US;
	r.found = 0;
	for (unsigned i = 0; i < 10000; i++)
		wait_and_work(&r, CLIENT, 40 * US, 30 * US);
	assert_true(r.found > 9000);
	assert_int_equal(r.look.paused_ns, 0);
}

static void a_look_ends_with_its_timeout(void **state)
{
	struct run r = begin();

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		wait_and_work(&r, CLIENT, 40 * US, 30 * US);
	assert_true(rw_look_span(&r.look, r.now_ns, UINT64_MAX) >= 40 * US);
	assert_int_equal(rw_look_span(&r.look, r.now_ns, 10 * US), 10 * US);
	assert_int_equal(rw_look_span(&r.look, r.now_ns, 0), 0);
}

static void without_a_bound_there_is_no_look(void **state)
{
	struct run r = begin();

	(void)state;
	rw_look_init(&r.look, 0);
	for (unsigned i = 0; i < 100; i++)
		wait_and_work(&r, CLIENT, 1 * US, 1 * US);
	assert_int_equal(r.looks, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_fast_client_is_looked_for),
		cmocka_unit_test(alternating_waits_are_learnt_apart),
		cmocka_unit_test(at_rest_nothing_is_looked_for),
		cmocka_unit_test(many_connections_are_not_looked_for),
		cmocka_unit_test(looks_in_vain_have_a_bound),
		cmocka_unit_test(preempted_looks_are_given_up),
		cmocka_unit_test(a_look_ends_with_its_timeout),
		cmocka_unit_test(without_a_bound_there_is_no_look),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
