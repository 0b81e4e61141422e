/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folded view as words, and each word as features of the linear model: hashes of it alone,
 * with the one and the two words before it, and of its beginning. One pass, no memory.
 *
 * A word is a run of a-z, 0-9, _ and bytes beyond ASCII; a letter of a script that sets no spaces
 * (Chinese, Japanese, Korean) is one by itself; any number is one and the same word.
 */
#ifndef RW_SCAN_NGRAM_H
#define RW_SCAN_NGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "scan/swar.h"
#include "scan/view.h"

enum {
	RW_NGRAM_BITS = 18, /* of a feature: the model has so many weights */
	RW_NGRAM_KINDS = 4, /* word, two words, three words, beginning */
	RW_NGRAM_PAD = 8,   /* bytes that may be read past the end of the view */
};

struct rw_word {
	uint32_t start, end; /* in the view */
	bool letter_only;    /* one ASCII letter or digit */
	bool again;	     /* the same as the two words before it */
	/* Below 1 << RW_NGRAM_BITS. Feature 0 is none: a short word has no beginning. */
	uint32_t feature[RW_NGRAM_KINDS];
};

struct rw_words {
	const char *p;
	size_t n, at;
	uint64_t before, before2; /* hashes of the last two words */
	/* A bit a byte: it belongs to a word; it begins a letter that is a word by itself. */
	uint64_t word[RW_VIEW_TEXT_BYTES / 64 + 2], lone[RW_VIEW_TEXT_BYTES / 64 + 2];
};

/* RW_VIEW_PAD bytes behind the view must be readable; it is at most RW_VIEW_TEXT_BYTES long. */
void rw_words_init(struct rw_words *w, struct rw_slice view);

/* --- a word, inline: it is the inner loop --------------------------------------------------- */

/* What mixes hashes: odd numbers without a pattern, as of splitmix64. */
#define RW_MIX_A UINT64_C(0xbf58476d1ce4e5b9)
#define RW_MIX_B UINT64_C(0x94d049bb133111eb)
#define RW_MIX_C UINT64_C(0x9e3779b97f4a7c15)

enum {
	/* What letters of Chinese, Japanese and Korean begin with. */
	RW_LONE_FIRST = 0xe3,
	RW_LONE_LAST = 0xed,
	RW_LONE_BYTES = 3,
	RW_STEM_ASCII = 5,   /* bytes of a beginning, of words at least one longer */
	RW_STEM_BEYOND = 10, /* the same of words that start beyond ASCII: two bytes a letter */
};

/* h is mixed already: one multiplication spreads it to the high bits. */
static inline uint32_t rw_feature_of(uint64_t h)
{
	uint32_t f = (uint32_t)((h * RW_MIX_B) >> (64 - RW_NGRAM_BITS));

	return f ? f : 1;
}

/* The first byte from at on that belongs to a word; at least n: none does. */
static inline size_t rw_word_start(const struct rw_words *w, size_t at)
{
	size_t block = at / 64, last = w->n / 64;
	uint64_t m = w->word[block] >> at % 64;

	if (m)
		return at + (unsigned)__builtin_ctzll(m);
	while (block++ < last)
		if (w->word[block])
			return block * 64 + (unsigned)__builtin_ctzll(w->word[block]);
	return w->n;
}

/* The first byte from at on that does not go on with a word. */
static inline size_t rw_word_end(const struct rw_words *w, size_t at)
{
	size_t block = at / 64, last = w->n / 64;
	uint64_t m = (~w->word[block] | w->lone[block]) >> at % 64;

	if (m)
		return at + (unsigned)__builtin_ctzll(m);
	while (block++ < last) {
		m = ~w->word[block] | w->lone[block];
		if (m)
			return block * 64 + (unsigned)__builtin_ctzll(m);
	}
	return w->n;
}

static inline uint64_t rw_hash_add(uint64_t h, uint64_t x)
{
	h = (h ^ x) * RW_MIX_A;
	return h ^ h >> 31;
}

static inline uint64_t rw_hash_word(const char *p, size_t n)
{
	uint64_t h = RW_MIX_C;

	for (; n > 8; n -= 8, p += 8)
		h = rw_hash_add(h, rw_load8(p));
	return rw_hash_add(h, rw_load8(p) & rw_first8((unsigned)n));
}

static inline bool rw_all_digits(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] < '0' || p[i] > '9')
			return false;
	return true;
}

static inline uint64_t rw_word_stem(const struct rw_words *w, const struct rw_word *out)
{
	size_t n = out->end - out->start;
	uint64_t x = rw_load8(w->p + out->start), y;

	if (n > RW_STEM_ASCII && !(x & RW_ALL8(0x80) & rw_first8(RW_STEM_ASCII)))
		return (x & rw_first8(RW_STEM_ASCII)) * RW_MIX_C;
	if (n <= RW_STEM_BEYOND)
		return 0;
	y = rw_load8(w->p + out->start + RW_STEM_BEYOND - 8);
	return (x * RW_MIX_C) ^ y;
}

/* The next word; false past the last. */
static inline bool rw_words_next(struct rw_words *w, struct rw_word *out)
{
	uint64_t h, s = 0;
	size_t start, end;
	bool lone;

	if (w->at >= w->n)
		return false;
	start = rw_word_start(w, w->at);
	if (start >= w->n)
		return false;
	lone = w->lone[start / 64] >> start % 64 & 1;
	end = lone ? start + RW_LONE_BYTES : rw_word_end(w, start + 1);
	if (end > w->n)
		end = w->n;
	w->at = end;
	out->start = (uint32_t)start;
	out->end = (uint32_t)end;
	out->letter_only = end - start == 1 && !(w->p[start] & (char)0x80);
	if (w->p[start] <= '9' && w->p[start] >= '0' && rw_all_digits(w->p + start, end - start)) {
		h = RW_MIX_B;
	} else {
		h = rw_hash_word(w->p + start, end - start);
		s = lone ? 0 : rw_word_stem(w, out);
	}
	out->again = h == w->before && h == w->before2;
	out->feature[0] = rw_feature_of(h);
	out->feature[1] = rw_feature_of(h * RW_MIX_C + w->before);
	out->feature[2] = rw_feature_of(h * RW_MIX_B + w->before * RW_MIX_C + w->before2);
	out->feature[3] = s ? rw_feature_of(s ^ s >> 31) : 0;
	w->before2 = w->before;
	w->before = h;
	return true;
}

#endif
