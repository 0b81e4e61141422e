/* SPDX-License-Identifier: Apache-2.0 */
/* Chunks of send queues: what of a burst is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "ring/internal.h"

enum { BURST = 1000 };

static void fill(struct rw_sendq *q, struct rw_chunk_pool *p, unsigned chunks)
{
	static const uint8_t bytes[RW_CHUNK_BYTES];

	for (unsigned i = 0; i < chunks; i++)
		assert_int_equal(rw_sendq_add(q, p, bytes, sizeof(bytes)), RW_OK);
}

/* A flood's send queues stayed in the pool for good: 64 MiB of a loop. */
static void a_bursts_chunks_are_given_back(void **state)
{
	struct rw_chunk_pool p;
	struct rw_sendq q = {0};

	(void)state;
	rw_chunk_pool_init(&p, 64u << 20);
	fill(&q, &p, BURST);
	assert_int_equal(p.chunks, BURST);
	rw_sendq_drop(&q, &p);
	assert_in_range(p.chunks, 1, 100);
	assert_int_equal(p.free_chunks, p.chunks);
	rw_chunk_pool_free(&p);
}

/* But not those that the next turn takes again. */
static void a_small_loads_chunks_go_round(void **state)
{
	struct rw_chunk_pool p;
	struct rw_sendq q = {0};

	(void)state;
	rw_chunk_pool_init(&p, 64u << 20);
	for (unsigned i = 0; i < 10; i++) {
		fill(&q, &p, 50);
		rw_sendq_drop(&q, &p);
		assert_int_equal(p.chunks, 50);
		assert_int_equal(p.free_chunks, 50);
	}
	rw_chunk_pool_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bursts_chunks_are_given_back),
		cmocka_unit_test(a_small_loads_chunks_go_round),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
