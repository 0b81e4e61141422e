/* SPDX-License-Identifier: Apache-2.0 */
/* A text cut anyhow, masked as the whole of it. */
#ifndef TESTS_UNIT_SCAN_CUTS_H
#define TESTS_UNIT_SCAN_CUTS_H

#include "scan_test.h"

enum { CUTS_MAX = 9 }; /* of a text, at random */

/* A deterministic stream of numbers: tests replay. */
static inline uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static inline int by_size(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;

	return x < y ? -1 : x > y;
}

/* Some places in a text of so many bytes, ascending; how many: from one to most. */
static inline size_t random_cuts(uint32_t *seed, size_t bytes, size_t *cuts, size_t most)
{
	size_t n = 1 + next_random(seed) % most;

	for (size_t i = 0; i < n; i++)
		cuts[i] = next_random(seed) % (bytes + 1);
	qsort(cuts, n, sizeof(*cuts), by_size);
	return n;
}

/* The text whole, byte by byte and with random cuts, so often; whether anything of it is masked. */
static inline bool check_cuts_often(struct rw_slice text, uint32_t seed, unsigned rounds)
{
	struct rw_buf whole = {0}, out = {0};
	size_t *cuts = calloc(text.n + CUTS_MAX, sizeof(*cuts));
	bool masked;

	mask_whole(text, &whole);
	for (size_t i = 0; i < text.n; i++)
		cuts[i] = i;
	mask_cut(text, cuts, text.n, &out);
	assert_memory_equal_n(&out, rw_buf_slice(&whole));
	for (unsigned round = 0; round < rounds; round++) {
		mask_cut(text, cuts, random_cuts(&seed, text.n, cuts, CUTS_MAX), &out);
		assert_memory_equal_n(&out, rw_buf_slice(&whole));
	}
	masked = !rw_slice_eq(rw_buf_slice(&whole), text);
	free(cuts);
	rw_buf_free(&whole);
	rw_buf_free(&out);
	return masked;
}

#endif
