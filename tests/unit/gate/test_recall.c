/* SPDX-License-Identifier: Apache-2.0 */
/* What is remembered of detectors' answers: by the whole key, for its time, within its bound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gate/recall.h"

static struct rw_text_hash ours, others;

static struct rw_text_key key_by(struct rw_text_hash *h, const char *a, const char *b)
{
	const struct rw_slice parts[] = {rw_slice_str(a), rw_slice_str(b)};

	return rw_text_key_of(h, parts, 2);
}

static struct rw_text_key key(const char *a, const char *b)
{
	return key_by(&ours, a, b);
}

static const char zeros[100];

/* Of so many zeros, between two parts that stay. */
static struct rw_text_key key_of_n(size_t n)
{
	const struct rw_slice parts[] = {rw_slice_str("a"), rw_slice_of(zeros, n),
					 rw_slice_str("b")};

	return rw_text_key_of(&ours, parts, 3);
}

static void parts_do_not_run_into_each_other_and_keys_are_secret(void **state)
{
	struct rw_text_key a = key("ab", "c"), again = key("ab", "c");
	struct rw_text_key b = key("a", "bc"), theirs = key_by(&others, "ab", "c");

	(void)state;
	assert_memory_equal(&a, &again, sizeof(a));
	assert_memory_not_equal(&a, &b, sizeof(a));
	assert_memory_not_equal(&a, &theirs, sizeof(a));
	/* Lengths of blocks, around them, and none. */
	for (size_t n = 0; n < sizeof(zeros) - 1; n++) {
		a = key_of_n(n);
		b = key_of_n(n + 1);
		again = key_of_n(n);
		assert_memory_equal(&a, &again, sizeof(a));
		assert_memory_not_equal(&a, &b, sizeof(a));
	}
	rw_recall_free(NULL);
}

static void an_answer_is_there_until_its_time(void **state)
{
	const struct rw_finding said[2] = {{.start = 1, .end = 2, .rule = 3, .score = 90},
					   {.start = 5, .end = 9, .rule = 4, .score = 50}};
	struct rw_finding got[RW_RECALL_FINDINGS], many[RW_RECALL_FINDINGS + 1] = {{0}};
	struct rw_recall *c = rw_recall_new();
	struct rw_text_key a = key("a", ""), b = key("b", ""), full = key("c", "");
	unsigned n = 99;

	(void)state;
	assert_false(rw_recall_get(c, &a, 1, got, &n));
	rw_recall_put(c, &a, 100, said, 2);
	rw_recall_put(c, &b, 100, NULL, 0);
	assert_true(rw_recall_get(c, &a, 99, got, &n));
	assert_int_equal(n, 2);
	assert_memory_equal(got, said, sizeof(said));
	assert_true(rw_recall_get(c, &b, 99, got, &n));
	assert_int_equal(n, 0);
	assert_false(rw_recall_get(c, &a, 100, got, &n));
	rw_recall_put(c, &a, 200, said, 1);
	assert_true(rw_recall_get(c, &a, 150, got, &n));
	assert_int_equal(n, 1);
	rw_recall_put(c, &full, 100, many, RW_RECALL_FINDINGS + 1);
	assert_false(rw_recall_get(c, &full, 1, got, &n));
	rw_recall_put(c, &full, 100, many, RW_RECALL_FINDINGS);
	assert_true(rw_recall_get(c, &full, 1, got, &n));
	rw_recall_free(c);
}

/* Of many, as many as there is room for stay, and the youngest is among them. */
static void the_oldest_gives_way(void **state)
{
	enum { MANY = 8 * RW_RECALL_ENTRIES };
	struct rw_finding got[RW_RECALL_FINDINGS];
	struct rw_recall *c = rw_recall_new();
	unsigned kept = 0, n;
	char text[32];

	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		struct rw_text_key k;

		snprintf(text, sizeof(text), "%u", i);
		k = key(text, "");
		rw_recall_put(c, &k, 1000 + i, NULL, 0);
		assert_true(rw_recall_get(c, &k, 1, got, &n));
	}
	for (unsigned i = 0; i < MANY; i++) {
		struct rw_text_key k;

		snprintf(text, sizeof(text), "%u", i);
		k = key(text, "");
		if (!rw_recall_get(c, &k, 1, got, &n))
			continue;
		kept++;
		assert_true(i >= MANY / 4);
	}
	assert_true(kept > RW_RECALL_ENTRIES * 9 / 10 && kept <= RW_RECALL_ENTRIES);
	rw_recall_free(c);
}

static int make_secrets(void **state)
{
	(void)state;
	return rw_text_hash_init(&ours) || rw_text_hash_init(&others) ? -1 : 0;
}

static int wipe_secrets(void **state)
{
	(void)state;
	rw_text_hash_free(&ours);
	rw_text_hash_free(&others);
	rw_text_hash_free(&others);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_do_not_run_into_each_other_and_keys_are_secret),
		cmocka_unit_test(an_answer_is_there_until_its_time),
		cmocka_unit_test(the_oldest_gives_way),
	};

	return cmocka_run_group_tests(tests, make_secrets, wipe_secrets);
}
