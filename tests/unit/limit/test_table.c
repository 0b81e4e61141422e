/* SPDX-License-Identifier: Apache-2.0 */
/* Rate cells by identity: who shares one, who loses one, what a race may cost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>

#include "limit/table.h"

static bool take(struct rw_limits *t, uint32_t who, uint32_t burst, uint64_t now_ns)
{
	return rw_limits_take(t, rw_slice_of((const char *)&who, sizeof(who)), 60, burst, now_ns,
			      NULL);
}

static struct rw_source source6(const char *text)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6};

	assert_int_equal(inet_pton(AF_INET6, text, &a.sin6_addr), 1);
	return rw_source_of((struct sockaddr *)&a);
}

static struct rw_source source4(const char *text)
{
	struct sockaddr_in a = {.sin_family = AF_INET};

	assert_int_equal(inet_pton(AF_INET, text, &a.sin_addr), 1);
	return rw_source_of((struct sockaddr *)&a);
}

static bool same(struct rw_source a, struct rw_source b)
{
	return rw_slice_eq(rw_source_slice(&a), rw_source_slice(&b));
}

/* A dual-stack listener shows IPv4 callers as ::ffff:a.b.c.d: two rates for one caller. */
static void v4_mapped_is_the_ipv4_address(void **state)
{
	(void)state;
	assert_true(same(source6("::ffff:192.0.2.7"), source4("192.0.2.7")));
	assert_false(same(source6("::ffff:192.0.2.7"), source6("::ffff:192.0.2.8")));
}

/* One subscriber owns a /64: a rate per /128 is no rate. */
static void ipv6_counts_as_its_64(void **state)
{
	(void)state;
	assert_true(same(source6("2001:db8:1:2::1"), source6("2001:db8:1:2:ffff::9")));
	assert_false(same(source6("2001:db8:1:2::1"), source6("2001:db8:1:3::1")));
}

static void other_families_have_no_source(void **state)
{
	struct sockaddr sa = {.sa_family = AF_UNIX};

	(void)state;
	assert_int_equal(rw_source_of(&sa).n, 0);
}

static void sources_do_not_share(void **state)
{
	struct rw_limits *t = rw_limits_new(4096, 1);
	uint64_t retry = 0;

	(void)state;
	assert_non_null(t);
	for (uint32_t who = 0; who < 500; who++)
		assert_true(take(t, who, 1, 100));
	for (uint32_t who = 0; who < 500; who++)
		assert_false(take(t, who, 1, 100));
	assert_false(rw_limits_take(t, rw_slice_of("\0\0\0\0", 4), 60, 1, 100, &retry));
	assert_int_equal(retry, 1000000000);
	assert_true(rw_limits_take(t, rw_slice_of("\0\0\0\0", 4), 0, 1, 100, NULL));
	rw_limits_free(t);
}

/* A newcomer that took the busiest cell would let a flood wash its own debt away. */
static void newcomer_takes_the_cell_conforming_longest(void **state)
{
	struct rw_limits *t = rw_limits_new(8, 1); /* one set: the order is certain */

	(void)state;
	assert_non_null(t);
	for (uint32_t who = 0; who < 8; who++) /* 0 is in debt deepest, 7 least */
		for (uint32_t n = 0; n < 20 - who; n++)
			assert_true(take(t, who, 20, 100));
	for (uint32_t n = 0; n < 13; n++)
		assert_true(take(t, 8, 13, 100)); /* a clean start, not 7's debt */
	assert_false(take(t, 8, 13, 100));
	for (uint32_t who = 0; who < 7; who++) { /* all but 7 are remembered */
		for (uint32_t n = 0; n < who; n++)
			assert_true(take(t, who, 20, 100));
		assert_false(take(t, who, 20, 100));
	}
	rw_limits_free(t);
}

/* Fewer cells than sources: a source that comes often keeps its cell. */
static void the_busy_source_survives_a_scan(void **state)
{
	struct rw_limits *t = rw_limits_new(64, 9);
	unsigned admitted = 0;

	(void)state;
	assert_non_null(t);
	for (uint32_t i = 0; i < 10000; i++) {
		admitted += take(t, UINT32_MAX, 50, 1000);
		take(t, i, 50, 1000);
	}
	assert_int_equal(admitted, 50);
	rw_limits_free(t);
}

enum { NEW_KEYS = 2000, RACE_BURST = 4, KEY_TRIES = 6 };

struct racer {
	struct rw_limits *t;
	pthread_barrier_t *start;
	uint32_t churn; /* 0, or the first of this thread's own stream of newcomers */
	unsigned char admitted[NEW_KEYS];
};

static void *race(void *arg)
{
	struct racer *r = arg;

	pthread_barrier_wait(r->start);
	for (uint32_t who = 0; who < NEW_KEYS; who++)
		for (int i = 0; i < KEY_TRIES; i++) {
			r->admitted[who] =
				(unsigned char)(r->admitted[who] + take(r->t, who, RACE_BURST, 7));
			if (r->churn)
				take(r->t, r->churn++, RACE_BURST, 7);
		}
	return NULL;
}

static unsigned most_admitted(uint32_t cells, bool churn)
{
	static struct racer r[2];
	struct rw_limits *t = rw_limits_new(cells, 5);
	pthread_barrier_t start;
	pthread_t th[2];
	unsigned most = 0;

	assert_non_null(t);
	pthread_barrier_init(&start, NULL, 2);
	for (uint32_t i = 0; i < 2; i++) {
		r[i] = (struct racer){.t = t, .start = &start, .churn = churn ? (i + 1) << 24 : 0};
		assert_int_equal(pthread_create(&th[i], NULL, race, &r[i]), 0);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(th[i], NULL);
	for (unsigned k = 0; k < NEW_KEYS; k++)
		if ((unsigned)r[0].admitted[k] + r[1].admitted[k] > most)
			most = (unsigned)r[0].admitted[k] + r[1].admitted[k];
	pthread_barrier_destroy(&start);
	rw_limits_free(t);
	return most;
}

/* Two workers see the same new key at once: with a cell each the burst would double. */
static void two_threads_bring_the_same_newcomer(void **state)
{
	(void)state;
	assert_in_range(most_admitted(1u << 16, false), RACE_BURST, 2 * RACE_BURST);
}

/* The same while every set is being evicted: the tries bound it, nothing else is promised. */
static void churn_forgets_but_stays_whole(void **state)
{
	(void)state;
	assert_in_range(most_admitted(64, true), RACE_BURST, 2 * KEY_TRIES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(v4_mapped_is_the_ipv4_address),
		cmocka_unit_test(ipv6_counts_as_its_64),
		cmocka_unit_test(other_families_have_no_source),
		cmocka_unit_test(sources_do_not_share),
		cmocka_unit_test(newcomer_takes_the_cell_conforming_longest),
		cmocka_unit_test(the_busy_source_survives_a_scan),
		cmocka_unit_test(two_threads_bring_the_same_newcomer),
		cmocka_unit_test(churn_forgets_but_stays_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
