/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/ngram.h"

void rw_words_init(struct rw_words *w, struct rw_slice view)
{
	rw_words_init_at[rw_level_here()](w, view);
}

void rw_words_weigh(struct rw_words *w, const int8_t *weights, int32_t *sums,
		    struct rw_word_hints *hints)
{
	rw_words_weigh_at[rw_level_here()](w, weights, sums, hints);
}
