/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folded view as words, and each word as features of the linear model: hashes of it alone,
 * with the one and the two words before it, and of its beginning. One pass, no memory.
 *
 * A word is a run of a-z, 0-9, _ and bytes beyond ASCII; a letter of a script that sets no spaces
 * (Chinese, Japanese, Korean, Thai) is one by itself; any number is one and the same word.
 */
#ifndef RW_SCAN_NGRAM_H
#define RW_SCAN_NGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum {
	RW_NGRAM_BITS = 18, /* of a feature: the model has so many weights */
	RW_NGRAM_KINDS = 4, /* word, two words, three words, beginning */
	RW_NGRAM_PAD = 8,   /* bytes that may be read past the end of the view */
};

struct rw_word {
	uint32_t start, end; /* in the view */
	bool letter_only;    /* one ASCII letter or digit */
	/* Below 1 << RW_NGRAM_BITS. Feature 0 is none: a short word has no beginning. */
	uint32_t feature[RW_NGRAM_KINDS];
};

struct rw_words {
	const char *p;
	size_t n, at;
	uint64_t before, before2; /* hashes of the last two words */
};

/* RW_NGRAM_PAD bytes behind view must be readable. */
static inline void rw_words_init(struct rw_words *w, struct rw_slice view)
{
	*w = (struct rw_words){view.p, view.n, 0, 0, 0};
}

/* The next word; false past the last. */
bool rw_words_next(struct rw_words *w, struct rw_word *out);

#endif
