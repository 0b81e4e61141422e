/* SPDX-License-Identifier: Apache-2.0 */
/* The timer wheel against a plain list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ring/internal.h"

enum { MS = 1000000 };

static struct rw_wheel wheel;
static uint64_t now;

struct probe {
	struct rw_timer t;
	unsigned fired;
	uint64_t at;
	void (*then)(struct probe *p);
	struct probe *other;
};

static void on_probe(void *arg)
{
	struct probe *p = arg;

	p->fired++;
	p->at = now;
	if (p->then)
		p->then(p);
}

static void set(struct probe *p, uint64_t when_ns)
{
	p->t.fn = on_probe;
	p->t.arg = p;
	rw_wheel_set(&wheel, &p->t, when_ns);
}

static void go(uint64_t to_ns)
{
	now = to_ns;
	rw_wheel_fire(&wheel, now);
}

static int begin(void **state)
{
	(void)state;
	now = 123456789012345;
	rw_wheel_init(&wheel, now);
	return 0;
}

static uint64_t random_state = 42;

static uint64_t chance(uint64_t n)
{
	random_state = random_state * 6364136223846793005 + 1442695040888963407;
	return (random_state >> 33) % n;
}

/* Never early, at most a grain late, whatever the distance and the steps of the clock. */
static void random_timers_fire_in_their_grain(void **state)
{
	enum { N = 300 };
	static struct probe p[N];

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		struct probe *x = &p[chance(N)];
		uint64_t span = (uint64_t)1 << chance(44);

		set(x, now + chance(span));
		x->fired = 0;
		x = &p[chance(N)];
		rw_timer_cancel(&x->t);
		for (unsigned i = 0; i < N; i++)
			assert_true(!rw_timer_armed(&p[i].t) || p[i].fired == 0);
		now += chance((uint64_t)1 << chance(42));
		rw_wheel_fire(&wheel, now);
		for (unsigned i = 0; i < N; i++) {
			if (rw_timer_armed(&p[i].t))
				assert_true(p[i].t.when_ns > now - now % MS);
			if (p[i].fired)
				assert_true(p[i].at >= p[i].t.when_ns);
		}
	}
	for (unsigned i = 0; i < N; i++)
		rw_timer_cancel(&p[i].t);
}

/* Sleeping until rw_wheel_next_ns, again and again, meets every timer and soon. */
static void next_is_never_too_late(void **state)
{
	static const uint64_t spans[] = {0,	    1,		63,	     64,
					 65,	    4095,	4096,	     4097,
					 262143,    262144,	16777216,    86400000,
					 604800000, 1073741824, 40000000000, 80000000000};
	unsigned wakes;

	for (unsigned i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
		struct probe p = {0};
		uint64_t when;

		begin(state);
		when = now + spans[i] * MS;
		set(&p, when);
		for (wakes = 0; !p.fired; wakes++) {
			uint64_t next = rw_wheel_next_ns(&wheel);

			assert_true(wakes < 2 * RW_WHEEL_LEVELS + 2);
			assert_true(next != UINT64_MAX && next > now);
			go(next);
		}
		assert_in_range(p.at, when, when + 2 * MS);
		assert_true(rw_wheel_next_ns(&wheel) == UINT64_MAX);
	}
}

static void rearm(struct probe *p)
{
	if (p->fired < 3)
		set(p, now);
}

/* A timer that sets itself to "now" comes with the next tick: the wheel must not spin. */
static void self_set_to_now_does_not_spin(void **state)
{
	struct probe p = {.then = rearm};

	(void)state;
	set(&p, now);
	go(now + MS);
	assert_int_equal(p.fired, 1);
	go(now + MS);
	go(now + MS);
	go(now + MS);
	assert_int_equal(p.fired, 3);
}

static void cancel_other(struct probe *p)
{
	rw_timer_cancel(&p->other->t);
}

/* Of two due in the same tick, the first cancels the second. */
static void cancel_of_one_that_is_due_too(void **state)
{
	struct probe a = {.then = cancel_other}, b = {.then = cancel_other};

	(void)state;
	a.other = &b;
	b.other = &a;
	set(&a, now + 5 * MS);
	set(&b, now + 5 * MS);
	go(now + 10 * MS);
	assert_int_equal(a.fired + b.fired, 1);
}

/* An idle timeout moved at every request must not fire at its old time. */
static void set_again_moves(void **state)
{
	struct probe p = {0};

	(void)state;
	set(&p, now + 10 * MS);
	for (unsigned i = 0; i < 1000; i++) {
		set(&p, now + 10 * MS);
		go(now + 7 * MS);
		assert_int_equal(p.fired, 0);
	}
	go(now + 12 * MS);
	assert_int_equal(p.fired, 1);
	assert_false(rw_timer_armed(&p.t));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(random_timers_fire_in_their_grain, begin),
		cmocka_unit_test_setup(next_is_never_too_late, begin),
		cmocka_unit_test_setup(self_set_to_now_does_not_spin, begin),
		cmocka_unit_test_setup(cancel_of_one_that_is_due_too, begin),
		cmocka_unit_test_setup(set_again_moves, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
