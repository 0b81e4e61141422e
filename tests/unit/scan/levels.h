/* SPDX-License-Identifier: Apache-2.0 */
/* What the hot code of each level gives of a text. */
#ifndef TESTS_UNIT_SCAN_LEVELS_H
#define TESTS_UNIT_SCAN_LEVELS_H

#include "scan_test.h"
#include "scan/match.h"
#include "scan/packs.h"

/* A view has more hits than bytes nowhere in what the tests make. */
enum { TEXT = 3 * RW_VIEW_TEXT_BYTES / 4 };

struct given {
	struct rw_view view;
	struct rw_words words;
	int32_t sums[RW_WORDS_MAX + RW_WORDS_SLACK];
	struct rw_word_hints hints;
	uint32_t ids[RW_VIEW_TEXT_BYTES];
	size_t starts[RW_VIEW_TEXT_BYTES];
	unsigned n;
};

static struct given least, other;

static inline void note(void *arg, const struct rw_lexicon_hit *hits, unsigned n)
{
	struct given *g = arg;

	assert_true(g->n + n <= RW_VIEW_TEXT_BYTES);
	for (unsigned i = 0; i < n; i++) {
		g->ids[g->n] = hits[i].id;
		g->starts[g->n++] = hits[i].start;
	}
}

static inline void look(struct given *g, unsigned level, struct rw_slice text,
			const uint64_t *extra)
{
	struct rw_slice model = rw_pack_model(), view;
	const int8_t *weights = (const int8_t *)model.p + model.n - (1u << RW_NGRAM_BITS) -
				(1u << RW_CHARS_BITS);

	rw_view_fold_with(rw_fold_plain_at[level], &g->view, text);
	view = rw_slice_of(g->view.bytes, g->view.n);
	rw_words_init_at[level](&g->words, view);
	rw_words_weigh_at[level](&g->words, weights, g->sums, &g->hints);
	g->n = 0;
	rw_lexicon_find_at[level](rules->lexicon, view, extra, note, g);
}

static inline void compare(const struct given *a, const struct given *b)
{
	assert_int_equal(a->view.n, b->view.n);
	assert_memory_equal(a->view.bytes, b->view.bytes, a->view.n);
	assert_memory_equal(a->view.origin, b->view.origin, a->view.n * sizeof(a->view.origin[0]));
	assert_int_equal(a->words.n, b->words.n);
	assert_memory_equal(a->words.edge, b->words.edge, 2 * a->words.n * sizeof(uint16_t));
	for (size_t at = 0; at < a->view.n; at++)
		assert_int_equal(rw_words_before(&a->words, at), rw_words_before(&b->words, at));
	assert_memory_equal(a->sums, b->sums, (a->words.n + 1) * sizeof(a->sums[0]));
	assert_int_equal(a->hints.coded, b->hints.coded);
	assert_int_equal(a->hints.spaced, b->hints.spaced);
	assert_int_equal(a->n, b->n);
	assert_memory_equal(a->ids, b->ids, a->n * sizeof(a->ids[0]));
	assert_memory_equal(a->starts, b->starts, a->n * sizeof(a->starts[0]));
}

/* Of at most TEXT bytes: every level of this processor gives what the least does, which is in
 * least. */
static inline void check_levels(struct rw_slice text, const uint64_t *extra)
{
	look(&least, 0, text, extra);
	for (unsigned level = 1; level <= rw_level_here(); level++) {
		look(&other, level, text, extra);
		compare(&least, &other);
	}
}

#endif
