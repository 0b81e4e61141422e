/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of one lifetime: its bound, its alignment, what a reset keeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "base/arena.h"

static void memory_is_zeroed_also_when_it_is_used_again(void **state)
{
	struct rw_arena a;
	char *p;

	(void)state;
	rw_arena_init(&a, 0);
	for (int round = 0; round < 3; round++) {
		p = rw_arena_alloc(&a, 1000);
		assert_non_null(p);
		for (int i = 0; i < 1000; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xaa, 1000);
		rw_arena_reset(&a);
	}
	rw_arena_free(&a);
}

static void every_allocation_is_aligned_and_its_own(void **state)
{
	unsigned char *p[600];
	struct rw_arena a;

	(void)state;
	rw_arena_init(&a, 0);
	for (size_t i = 0; i < 600; i++) {
		p[i] = rw_arena_alloc(&a, i);
		assert_non_null(p[i]);
		assert_int_equal((uintptr_t)p[i] % _Alignof(max_align_t), 0);
		memset(p[i], (int)i, i);
	}
	for (size_t i = 0; i < 600; i++)
		for (size_t j = 0; j < i; j++)
			assert_int_equal(p[i][j], (unsigned char)i);
	rw_arena_free(&a);
}

/* A bound below one chunk (4 KiB) made every allocation fail, however small. */
static void a_bound_smaller_than_a_chunk_is_usable(void **state)
{
	struct rw_arena a;

	(void)state;
	rw_arena_init(&a, 1000);
	for (int i = 0; i < 62; i++)
		assert_non_null(rw_arena_alloc(&a, 16));
	assert_null(rw_arena_alloc(&a, 16));
	assert_true(a.used_bytes <= 1000);
	rw_arena_reset(&a);
	assert_non_null(rw_arena_alloc(&a, 900));
	rw_arena_free(&a);
}

/* What is left under the bound is less than a chunk, and still to be had. */
static void the_rest_below_the_bound_can_be_used(void **state)
{
	struct rw_arena a;
	size_t got = 0;

	(void)state;
	rw_arena_init(&a, 10000);
	while (rw_arena_alloc(&a, 64))
		got += 64;
	assert_in_range(got, 9800, 10000);
	assert_true(a.used_bytes <= 10000);
	assert_null(rw_arena_copy(&a, RW_SLICE("a text of more than fifty bytes, which is "
					       "more than what can be left over here by now")));
	rw_arena_free(&a);
}

static void a_size_that_wraps_is_refused(void **state)
{
	struct rw_arena a;

	(void)state;
	rw_arena_init(&a, 0);
	assert_null(rw_arena_alloc(&a, SIZE_MAX));
	assert_null(rw_arena_alloc(&a, SIZE_MAX - 8));
	assert_null(rw_arena_copy(&a, (struct rw_slice){"", SIZE_MAX}));
	rw_arena_free(&a);
}

/* A keep-alive connection with one large body must not hold that memory for ever. */
static void reset_keeps_the_small_chunk_not_the_large(void **state)
{
	struct rw_arena a;
	const char *first;

	(void)state;
	rw_arena_init(&a, 0);
	first = rw_arena_alloc(&a, 16);
	assert_non_null(rw_arena_alloc(&a, 1 << 20));
	assert_ptr_equal(rw_arena_alloc(&a, 16), first + 16); /* the chunk goes on being filled */
	rw_arena_reset(&a);
	assert_int_equal(a.used_bytes, 4096);
	assert_ptr_equal(rw_arena_alloc(&a, 16), first);
	rw_arena_free(&a);
	assert_int_equal(a.used_bytes, 0);
	rw_arena_reset(&a); /* empty: nothing to keep */
	assert_null(a.chunks);
}

static void copies_are_terminated(void **state)
{
	struct rw_arena a;
	char *dirty;

	(void)state;
	rw_arena_init(&a, 0);
	dirty = rw_arena_alloc(&a, 64);
	assert_non_null(dirty);
	memset(dirty, 'x', 64);
	rw_arena_reset(&a);
	assert_string_equal(rw_arena_copy(&a, RW_SLICE("key")), "key");
	assert_string_equal(rw_arena_copy(&a, (struct rw_slice){NULL, 0}), "");
	assert_string_equal(rw_arena_printf(&a, "%s-%d", "n", 7), "n-7");
	rw_arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_zeroed_also_when_it_is_used_again),
		cmocka_unit_test(every_allocation_is_aligned_and_its_own),
		cmocka_unit_test(a_bound_smaller_than_a_chunk_is_usable),
		cmocka_unit_test(the_rest_below_the_bound_can_be_used),
		cmocka_unit_test(a_size_that_wraps_is_refused),
		cmocka_unit_test(reset_keeps_the_small_chunk_not_the_large),
		cmocka_unit_test(copies_are_terminated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
