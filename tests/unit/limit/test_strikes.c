/* SPDX-License-Identifier: Apache-2.0 */
/* Strikes: what adds up to a ban, how bans grow, what is forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "limit/strikes.h"

#define S UINT64_C(1000000000)

static const struct rw_strike_config ten = {.threshold = 10,
					    .window_ns = 60 * S,
					    .ban_ns = 30 * S,
					    .ban_max_ns = 200 * S,
					    .sources = 64};

static struct rw_source who(uint32_t n)
{
	struct rw_source s = {.n = 4};

	memcpy(s.bytes, &n, 4);
	return s;
}

static uint64_t add(struct rw_strikes *s, uint32_t n, uint64_t now_ns)
{
	const struct rw_source w = who(n);

	return rw_strikes_add(s, &w, RW_STRIKE_AUTH, now_ns).for_ns; /* weighs 2 */
}

static uint64_t add_n(struct rw_strikes *s, uint32_t n, unsigned times, uint64_t now_ns)
{
	uint64_t ban = 0;

	while (times--)
		ban = add(s, n, now_ns);
	return ban;
}

static void the_threshold_bans_and_not_before(void **state)
{
	struct rw_strikes *s = rw_strikes_new(&ten, 1);

	(void)state;
	assert_int_equal(add_n(s, 1, 4, S), 0);
	assert_int_equal(add(s, 2, S), 0); /* another source's strikes are its own */
	assert_int_equal(add(s, 1, S), 30 * S);
	rw_strikes_free(s);
}

/* A user who mistypes a key now and then for months must never be banned. */
static void weight_decays_to_nothing_over_the_window(void **state)
{
	struct rw_strikes *s = rw_strikes_new(&ten, 1);

	(void)state;
	assert_int_equal(add_n(s, 1, 4, S), 0); /* 8 */
	assert_int_equal(add(s, 1, 31 * S), 0); /* 8 / 2 + 2 = 6 */
	assert_int_equal(add(s, 1, 31 * S), 0); /* 8 */
	assert_int_equal(add(s, 1, 91 * S), 0); /* 2 */
	assert_int_equal(add_n(s, 1, 3, 91 * S), 0);
	assert_int_equal(add(s, 1, 91 * S), 30 * S);
	for (uint64_t t = 1; t < 1000; t++)
		assert_int_equal(add_n(s, 9, 4, t * 61 * S), 0);
	rw_strikes_free(s);
}

static void bans_double_up_to_the_bound(void **state)
{
	const uint64_t want[] = {30, 60, 120, 200, 200};
	struct rw_strikes *s = rw_strikes_new(&ten, 1);
	uint64_t now = S;

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		assert_int_equal(add_n(s, 1, 5, now), want[i] * S);
		now += want[i] * S; /* it comes back the moment the ban ends */
	}
	rw_strikes_free(s);
}

/* ban x 2^n wraps after 64 repeats: the worst offender would be let in. */
static void doubling_never_wraps(void **state)
{
	struct rw_strike_config c = ten;
	struct rw_strikes *s;
	uint64_t now = S, ban = 0;

	(void)state;
	c.ban_ns = 3;
	c.ban_max_ns = UINT64_MAX / 2;
	s = rw_strikes_new(&c, 1);
	for (int i = 0; i < 100; i++) {
		ban = add_n(s, 1, 5, now);
		now += 2 * S;
		assert_true(ban >= 3);
	}
	assert_int_equal(ban, UINT64_MAX / 2);
	rw_strikes_free(s);
}

static void repeats_are_forgotten_one_by_one(void **state)
{
	struct rw_strikes *s = rw_strikes_new(&ten, 1);
	uint64_t now = S;

	(void)state;
	assert_int_equal(add_n(s, 1, 5, now), 30 * S);
	now += 30 * S;
	assert_int_equal(add_n(s, 1, 5, now), 60 * S);
	now += 60 * S + 200 * S; /* one ban_max of quiet */
	assert_int_equal(add_n(s, 1, 5, now), 60 * S);
	now += 60 * S + 400 * S;
	assert_int_equal(add_n(s, 1, 5, now), 30 * S);
	rw_strikes_free(s);
}

/* A hundred connections of one burst each fail: one misdeed, one ban, not six doublings. */
static void strikes_in_flight_do_not_double_the_ban(void **state)
{
	struct rw_strikes *s = rw_strikes_new(&ten, 1);

	(void)state;
	assert_int_equal(add_n(s, 1, 5, S), 30 * S);
	assert_int_equal(add_n(s, 1, 100, S + S / 2), 0);
	assert_int_equal(add_n(s, 1, 5, 31 * S), 60 * S);
	rw_strikes_free(s);
}

/* The ban could not be carried out, or was lifted by hand: strikes count again. */
static void a_ban_that_does_not_hold_is_asked_for_again(void **state)
{
	struct rw_strikes *s = rw_strikes_new(&ten, 1);

	(void)state;
	assert_int_equal(add_n(s, 1, 5, S), 30 * S);
	assert_int_equal(add_n(s, 1, 5, 3 * S), 60 * S);
	rw_strikes_free(s);
}

/* A flood of sources with one strike each must not make the table forget the offender. */
static void the_least_struck_is_forgotten(void **state)
{
	struct rw_strike_config c = ten;
	struct rw_strikes *s;

	(void)state;
	c.sources = 8; /* one set */
	s = rw_strikes_new(&c, 3);
	assert_int_equal(add_n(s, 1, 4, S), 0);
	assert_int_equal(add_n(s, 2, 5, S), 30 * S); /* banned: weight 0, one repeat */
	for (uint32_t n = 100; n < 5000; n++)
		assert_int_equal(add(s, n, S), 0);
	assert_int_equal(add(s, 1, S), 30 * S);
	assert_int_equal(add_n(s, 2, 5, 31 * S), 60 * S);
	rw_strikes_free(s);
}

static void configure_keeps_what_is_remembered(void **state)
{
	struct rw_strikes *s = rw_strikes_new(&ten, 1);
	struct rw_strike_config c = ten;

	(void)state;
	assert_int_equal(add_n(s, 1, 2, S), 0);
	c.threshold = 6;
	c.ban_ns = 5 * S;
	rw_strikes_configure(s, &c);
	assert_int_equal(add(s, 1, S), 5 * S);
	c.threshold = 0; /* off */
	rw_strikes_configure(s, &c);
	assert_int_equal(add_n(s, 1, 100, 100 * S), 0);
	rw_strikes_free(s);
}

/* A window of 0 divides by zero if the age is not looked at first. */
static void without_a_window_each_strike_stands_alone(void **state)
{
	struct rw_strike_config c = ten;
	struct rw_strikes *s;

	(void)state;
	c.window_ns = 0;
	s = rw_strikes_new(&c, 1);
	assert_int_equal(add_n(s, 1, 100, S), 0);
	rw_strikes_free(s);
}

static void nobody_cannot_be_struck(void **state)
{
	struct rw_strikes *s = rw_strikes_new(&ten, 1);
	const struct rw_source none = {.n = 0};

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_int_equal(rw_strikes_add(s, &none, RW_STRIKE_BLOCKED, S).for_ns, 0);
	rw_strikes_free(s);
}

static void every_kind_has_a_name_and_a_weight(void **state)
{
	struct rw_strike_config c = ten;
	struct rw_strikes *s;

	(void)state;
	c.threshold = 1;
	s = rw_strikes_new(&c, 1);
	for (unsigned k = 0; k < RW_STRIKE_KINDS; k++) {
		const struct rw_source w = who(k);

		assert_non_null(rw_strike_name((enum rw_strike)k));
		assert_int_equal(rw_strikes_add(s, &w, (enum rw_strike)k, S).for_ns, 30 * S);
	}
	rw_strikes_free(s);
}

/* 2001:db8:0:aaBB::/64 with bb as given. */
static struct rw_source net64(uint8_t aa, uint8_t bb)
{
	return (struct rw_source){.bytes = {0x20, 1, 0xd, 0xb8, 0, 0, aa, bb}, .n = 8};
}

static struct rw_punishment offend(struct rw_strikes *s, uint8_t aa, uint8_t bb, uint64_t now_ns)
{
	const struct rw_source w = net64(aa, bb);
	struct rw_punishment p = {0};

	for (int i = 0; i < 5 && !p.for_ns; i++)
		p = rw_strikes_add(s, &w, RW_STRIKE_AUTH, now_ns);
	return p;
}

static struct rw_strikes *of_three(void)
{
	struct rw_strike_config c = ten;

	c.nets = 3;
	return rw_strikes_new(&c, 7);
}

/* A customer has 256 /64s: banned one by one, he would have 256 tries at each length of ban. */
static void several_64s_of_a_56_ban_the_56(void **state)
{
	struct rw_strikes *s = of_three();
	struct rw_punishment p;

	(void)state;
	assert_int_equal(offend(s, 1, 1, S).who.n, 8);
	assert_int_equal(offend(s, 1, 2, S).who.n, 8);
	assert_int_equal(offend(s, 2, 3, S).who.n, 8); /* of the next /56 */
	p = offend(s, 1, 3, S);
	assert_int_equal(p.for_ns, 30 * S);
	assert_int_equal(p.nets, 3);
	assert_int_equal(p.who.n, 7);
	assert_memory_equal(p.who.bytes, net64(1, 0).bytes, 8);
	rw_strikes_free(s);
}

/* One /64 that comes back is one offender, however often. */
static void one_64_never_makes_a_56(void **state)
{
	struct rw_strikes *s = of_three();
	uint64_t now = S;

	(void)state;
	for (int i = 0; i < 20; i++, now += 200 * S)
		assert_int_equal(offend(s, 1, 1, now).who.n, 8);
	rw_strikes_free(s);
}

/* A 56's ban must not be shorter than that of the /64 which tipped it, and grows by itself. */
static void ban_of_a_56_grows_as_that_of_a_64_does(void **state)
{
	struct rw_strikes *s = of_three();

	(void)state;
	offend(s, 1, 1, S);
	offend(s, 1, 1, 31 * S); /* its second: 60 s */
	offend(s, 1, 2, S);
	assert_int_equal(offend(s, 1, 3, 92 * S).for_ns, 30 * S);
	assert_int_equal(offend(s, 1, 1, 125 * S).for_ns, 120 * S);
	assert_int_equal(offend(s, 1, 1, 125 * S + 1).for_ns, 0); /* in flight */
	assert_int_equal(offend(s, 1, 9, 125 * S + 1).for_ns, 0); /* from another /64 of it, too */
	assert_int_equal(offend(s, 1, 9, 250 * S).who.n, 7);
	rw_strikes_free(s);
}

static void offences_of_long_ago_do_not_make_a_56(void **state)
{
	struct rw_strikes *s = of_three();

	(void)state;
	offend(s, 1, 1, S);
	offend(s, 1, 2, S);
	assert_int_equal(offend(s, 1, 3, 202 * S).who.n, 8); /* ban_max is 200 s */
	assert_int_equal(offend(s, 1, 4, 402 * S).who.n, 8);
	assert_int_equal(offend(s, 1, 5, 402 * S).who.n, 7);
	rw_strikes_free(s);
}

static void ipv4_has_no_56(void **state)
{
	struct rw_strikes *s = of_three();

	(void)state;
	for (uint32_t n = 0; n < 50; n++)
		assert_int_equal(add_n(s, n, 5, S), 30 * S);
	rw_strikes_free(s);
}

static void escalation_can_be_off(void **state)
{
	struct rw_strikes *s = rw_strikes_new(&ten, 7);

	(void)state;
	for (int i = 0; i < 256; i++)
		assert_int_equal(offend(s, 1, (uint8_t)i, S).who.n, 8);
	rw_strikes_free(s);
}

/* After a reboot a repeat offender was a first one again. */
static void a_ban_of_before_the_boot_counts_as_one_of_ours(void **state)
{
	struct rw_strikes *ours = rw_strikes_new(&ten, 1);
	uint64_t now = 10 * S, then[3];

	(void)state;
	for (unsigned n = 0; n < 3; n++) /* 30 s, 60 s, 120 s: the last was the second repeat */
		then[n] = add_n(ours, 1, 5, now += 300 * S / 2);
	assert_int_equal(then[2], 120 * S);
	/* Live, over for a moment, over for one bound and for two, and for longer than this boot.
	 */
	const struct {
		uint64_t left, ago, now, next;
	} cases[] = {
		{60 * S, 0, 100 * S, 200 * S},	  {0, 5 * S, 100 * S, 200 * S},
		{0, 5 * S, 1 * S, 200 * S},	  {0, 201 * S, 1 * S, 120 * S},
		{0, 401 * S, 100 * S, 60 * S},	  {0, 601 * S, 100 * S, 30 * S},
		{0, UINT64_MAX, 100 * S, 30 * S},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rw_strikes *s = rw_strikes_new(&ten, 1);
		const struct rw_source w = who(7);

		rw_strikes_recall(s, &w, 2, cases[i].left, cases[i].ago, cases[i].now);
		assert_int_equal(add_n(s, 7, 5, cases[i].now), cases[i].next);
		rw_strikes_free(s);
	}
	rw_strikes_free(ours);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_threshold_bans_and_not_before),
		cmocka_unit_test(weight_decays_to_nothing_over_the_window),
		cmocka_unit_test(bans_double_up_to_the_bound),
		cmocka_unit_test(doubling_never_wraps),
		cmocka_unit_test(a_ban_of_before_the_boot_counts_as_one_of_ours),
		cmocka_unit_test(repeats_are_forgotten_one_by_one),
		cmocka_unit_test(strikes_in_flight_do_not_double_the_ban),
		cmocka_unit_test(a_ban_that_does_not_hold_is_asked_for_again),
		cmocka_unit_test(the_least_struck_is_forgotten),
		cmocka_unit_test(configure_keeps_what_is_remembered),
		cmocka_unit_test(without_a_window_each_strike_stands_alone),
		cmocka_unit_test(nobody_cannot_be_struck),
		cmocka_unit_test(every_kind_has_a_name_and_a_weight),
		cmocka_unit_test(several_64s_of_a_56_ban_the_56),
		cmocka_unit_test(one_64_never_makes_a_56),
		cmocka_unit_test(ban_of_a_56_grows_as_that_of_a_64_does),
		cmocka_unit_test(offences_of_long_ago_do_not_make_a_56),
		cmocka_unit_test(ipv4_has_no_56),
		cmocka_unit_test(escalation_can_be_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
