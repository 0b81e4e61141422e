/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/ngram.h"

#include <string.h>

#include "base/err.h"
#include "scan/swar.h"

enum { LANES = 16 };

typedef unsigned char lanes __attribute__((vector_size(LANES)));

static inline lanes within(lanes x, unsigned char first, unsigned char last)
{
	return (lanes)(x - first <= (unsigned char)(last - first));
}

/* A bit a lane whose bytes are all ones. */
static inline uint64_t bits_of(lanes x)
{
#ifdef __SSE2__
	typedef char chars __attribute__((vector_size(LANES)));

	return (unsigned)__builtin_ia32_pmovmskb128((chars)x) & 0xffff;
#else
	uint64_t out = 0;

	for (unsigned i = 0; i < LANES; i++)
		out |= (uint64_t)(x[i] >> 7) << i;
	return out;
#endif
}

/* For n bytes, at most 64, a bit each: it belongs to a word; it begins a letter that is a word. */
static void classify(const char *p, size_t n, uint64_t *word, uint64_t *lone)
{
	char copy[64] = "";

	if (n < sizeof(copy)) {
		memcpy(copy, p, n);
		p = copy;
	}
	*word = *lone = 0;
	for (unsigned i = 0; i < sizeof(copy) / LANES; i++) {
		lanes x;

		memcpy(&x, p + (size_t)i * LANES, LANES);
		*word |= bits_of(within(x, 'a', 'z') | within(x, '0', '9') | within(x, '_', '_') |
				 within(x, 0x80, 0xff))
			 << (i * LANES);
		*lone |= bits_of(within(x, RW_LONE_FIRST, RW_LONE_LAST)) << (i * LANES);
	}
}

void rw_words_init(struct rw_words *w, struct rw_slice view)
{
	size_t blocks = (view.n + 63) / 64;

	RW_BUG_ON(view.n > RW_VIEW_TEXT_BYTES);
	w->p = view.p;
	w->n = view.n;
	w->at = 0;
	w->before = w->before2 = 0;
	for (size_t i = 0; i < blocks; i++)
		classify(view.p + i * 64, view.n - i * 64, &w->word[i], &w->lone[i]);
	w->word[blocks] = w->lone[blocks] = 0;
}
