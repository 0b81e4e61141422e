/* SPDX-License-Identifier: Apache-2.0 */
/* The rate word against a plain token bucket, and by threads that race for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#include "limit/gcra.h"

#define MINUTE_NS UINT64_C(60000000000)

static uint64_t rng_state;

static uint64_t rng(void) /* splitmix64: a failing seed replays */
{
	uint64_t z = (rng_state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* The same rate told another way: a bucket of burst tokens that fills one each interval. */
struct bucket {
	uint64_t interval_ns, cap_ns, level_ns, at_ns;
};

static void bucket_init(struct bucket *b, uint32_t per_minute, uint32_t burst)
{
	b->interval_ns = (MINUTE_NS + per_minute - 1) / per_minute;
	b->cap_ns = b->interval_ns * burst;
	b->level_ns = b->cap_ns;
	b->at_ns = 0;
}

static bool bucket_take(struct bucket *b, uint64_t now_ns, uint64_t *retry_ns)
{
	b->level_ns += now_ns - b->at_ns;
	b->at_ns = now_ns;
	if (b->level_ns > b->cap_ns)
		b->level_ns = b->cap_ns;
	if (b->level_ns < b->interval_ns) {
		*retry_ns = b->interval_ns - b->level_ns;
		return false;
	}
	b->level_ns -= b->interval_ns;
	return true;
}

static void same_decisions(uint64_t seed)
{
	uint32_t per_minute, burst;
	uint64_t now, want_retry, got_retry;
	struct rw_gcra g = {0};
	struct bucket b;
	bool want, got;

	rng_state = seed;
	per_minute = 1 + (uint32_t)(rng() % (seed % 2 ? 100 : 1000000));
	burst = 1 + (uint32_t)(rng() % 40);
	now = rng() % (1000 * MINUTE_NS);
	bucket_init(&b, per_minute, burst);
	for (int i = 0; i < 400; i++) {
		/* Clumps, a pace near the rate, and pauses. */
		now += (uint64_t[]){0, rng() % (2 * b.interval_ns),
				    rng() % (4 * b.cap_ns)}[rng() % 3];
		want = bucket_take(&b, now, &want_retry);
		got = rw_gcra_take(&g, per_minute, burst, now, &got_retry);
		if (want != got || (!want && want_retry != got_retry))
			fail_msg("seed %lu step %d differs", (unsigned long)seed, i);
	}
}

/* The virtual scheduling and leaky bucket forms of I.371 must agree on every arrival. */
static void same_as_a_token_bucket_on_random_arrivals(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 500; seed++)
		same_decisions(seed);
}

/* Retry-After that is one too short makes a client retry into a second 429. */
static void retry_is_exact(void **state)
{
	struct rw_gcra g = {0};
	uint64_t now = 5, retry = 0;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_true(rw_gcra_take(&g, 60, 3, now, &retry));
	assert_false(rw_gcra_take(&g, 60, 3, now, &retry));
	assert_int_equal(retry, 1000000000);
	assert_false(rw_gcra_take(&g, 60, 3, now + retry - 1, NULL));
	assert_true(rw_gcra_take(&g, 60, 3, now + retry, NULL));
}

/* (2^32 - 1) x one minute passes 2^64: a wrapped tolerance would refuse everybody. */
static void huge_burst_does_not_wrap(void **state)
{
	struct rw_gcra g = {0};

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_true(rw_gcra_take(&g, 1, UINT32_MAX, 1, NULL));
}

/* An operator raises a key's limit: the debt of the old rate must not hold it for hours. */
static void a_faster_rate_heals_the_debt_of_a_slower(void **state)
{
	struct rw_gcra g = {0};
	uint64_t now = MINUTE_NS, retry;

	(void)state;
	for (int i = 0; i < 600; i++)
		assert_true(rw_gcra_take(&g, 1, 600, now, NULL)); /* ten hours of debt */
	assert_false(rw_gcra_take(&g, 60, 2, now, &retry));	  /* full debt of the new rate */
	assert_int_equal(retry, 1000000000);
	assert_false(rw_gcra_take(&g, 60, 2, now + retry - 1, NULL));
	assert_true(rw_gcra_take(&g, 60, 2, now + retry, NULL));
}

/* A burst of 0 from a configuration must not mean "never". */
static void burst_zero_admits_one(void **state)
{
	struct rw_gcra g = {0};

	(void)state;
	assert_true(rw_gcra_take(&g, 60, 0, 0, NULL));
	assert_false(rw_gcra_take(&g, 60, 0, 0, NULL));
}

static void rate_zero_is_unlimited(void **state)
{
	struct rw_gcra g = {0};

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_true(rw_gcra_take(&g, 0, 0, 0, NULL));
	assert_int_equal(atomic_load(&g.tat_ns), 0);
}

/* Loops read their clock once a turn: a thread with an older now must not gain by it. */
static void older_clock_gains_nothing(void **state)
{
	struct rw_gcra g = {0};

	(void)state;
	assert_true(rw_gcra_take(&g, 60, 1, MINUTE_NS, NULL));
	assert_false(rw_gcra_take(&g, 60, 1, MINUTE_NS - 900000000, NULL));
	assert_false(rw_gcra_take(&g, 60, 1, MINUTE_NS + 999999999, NULL));
	assert_true(rw_gcra_take(&g, 60, 1, MINUTE_NS + 1000000000, NULL));
}

enum { RACE_BURST = 1000, RACE_TRIES = 3000 };

struct racer {
	struct rw_gcra *g;
	pthread_barrier_t *start;
	unsigned admitted;
};

static void *race(void *arg)
{
	struct racer *r = arg;

	pthread_barrier_wait(r->start);
	for (int i = 0; i < RACE_TRIES; i++)
		r->admitted += rw_gcra_take(r->g, 1, RACE_BURST, 7, NULL);
	return NULL;
}

/* Load, then store instead of compare-and-swap admits a request twice: not one may be over. */
static void two_threads_share_one_burst(void **state)
{
	struct rw_gcra g;
	pthread_barrier_t start;
	struct racer r[2];
	pthread_t t[2];

	(void)state;
	for (int round = 0; round < 20; round++) {
		g = (struct rw_gcra){0};
		pthread_barrier_init(&start, NULL, 2);
		for (int i = 0; i < 2; i++) {
			r[i] = (struct racer){.g = &g, .start = &start};
			assert_int_equal(pthread_create(&t[i], NULL, race, &r[i]), 0);
		}
		for (int i = 0; i < 2; i++)
			pthread_join(t[i], NULL);
		pthread_barrier_destroy(&start);
		assert_int_equal(r[0].admitted + r[1].admitted, RACE_BURST);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_as_a_token_bucket_on_random_arrivals),
		cmocka_unit_test(retry_is_exact),
		cmocka_unit_test(huge_burst_does_not_wrap),
		cmocka_unit_test(a_faster_rate_heals_the_debt_of_a_slower),
		cmocka_unit_test(burst_zero_admits_one),
		cmocka_unit_test(rate_zero_is_unlimited),
		cmocka_unit_test(older_clock_gains_nothing),
		cmocka_unit_test(two_threads_share_one_burst),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
