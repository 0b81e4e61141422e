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

	return rw_strikes_add(s, &w, RW_STRIKE_AUTH, now_ns); /* weighs 2 */
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
		assert_int_equal(rw_strikes_add(s, &none, RW_STRIKE_BLOCKED, S), 0);
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
		assert_int_equal(rw_strikes_add(s, &w, (enum rw_strike)k, S), 30 * S);
	}
	rw_strikes_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_threshold_bans_and_not_before),
		cmocka_unit_test(weight_decays_to_nothing_over_the_window),
		cmocka_unit_test(bans_double_up_to_the_bound),
		cmocka_unit_test(doubling_never_wraps),
		cmocka_unit_test(repeats_are_forgotten_one_by_one),
		cmocka_unit_test(strikes_in_flight_do_not_double_the_ban),
		cmocka_unit_test(a_ban_that_does_not_hold_is_asked_for_again),
		cmocka_unit_test(the_least_struck_is_forgotten),
		cmocka_unit_test(configure_keeps_what_is_remembered),
		cmocka_unit_test(without_a_window_each_strike_stands_alone),
		cmocka_unit_test(nobody_cannot_be_struck),
		cmocka_unit_test(every_kind_has_a_name_and_a_weight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
