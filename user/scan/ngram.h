/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folded view as words, and each word as features of the linear model: hashes of it alone,
 * with the one and the two words before it, and of its beginning.
 *
 * A word is a run of a-z, 0-9, _ and bytes beyond ASCII; a letter of a script that sets no spaces
 * (Chinese, Japanese, Korean) is one by itself; any number is one and the same word.
 */
#ifndef RW_SCAN_NGRAM_H
#define RW_SCAN_NGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "scan/level.h"
#include "scan/swar.h"
#include "scan/view.h"

enum {
	RW_NGRAM_BITS = 18, /* of a feature: the model has so many weights */
	RW_NGRAM_KINDS = 4, /* word, two words, three words, beginning */
};

struct rw_word {
	uint32_t start, end; /* in the view */
	bool letter_only;    /* one ASCII letter or digit */
	bool again;	     /* the same as the two words before it */
	/* Below 1 << RW_NGRAM_BITS. Feature 0 is none: a short word has no beginning. */
	uint32_t feature[RW_NGRAM_KINDS];
};

enum {
	RW_WORDS_MAX = RW_VIEW_TEXT_BYTES / 2 + 2,
	RW_WORDS_SLACK = 24, /* places behind the last that may be read or written */
	RW_WORDS_BLOCK = 64,
};

struct rw_words {
	const char *p;
	unsigned n, next;
	uint64_t before, before2;			  /* hashes of the last two words */
	uint16_t edge[2 * RW_WORDS_MAX + RW_WORDS_SLACK]; /* where each starts and ends, in turn */
	/* For every 64 bytes: a bit where a word starts, and how many start before them. */
	uint64_t starts[RW_VIEW_TEXT_BYTES / RW_WORDS_BLOCK + 1];
	uint16_t first[RW_VIEW_TEXT_BYTES / RW_WORDS_BLOCK + 1];
};

/* What lengths of words ask for. */
struct rw_word_hints {
	bool coded;  /* a long token, or a row of numbers */
	bool spaced; /* a row of single letters */
};

/* RW_VIEW_PAD bytes behind the view must be readable; it is at most RW_VIEW_TEXT_BYTES long. */
void rw_words_init(struct rw_words *w, struct rw_slice view);

/*
 * sums[i] becomes the sum of the weights, which are by feature (that of 0 is 0), of the first i
 * words' features; said over and over a word says nothing new, so it is not counted again. sums has
 * room for RW_WORDS_MAX + RW_WORDS_SLACK. After rw_words_init.
 */
void rw_words_weigh(struct rw_words *w, const int8_t *weights, int32_t *sums,
		    struct rw_word_hints *hints);

/* How many words start before the place, which is in the view. */
static inline unsigned rw_words_before(const struct rw_words *w, size_t at)
{
	uint64_t in_block = w->starts[at / RW_WORDS_BLOCK];

	return w->first[at / RW_WORDS_BLOCK] +
	       (unsigned)__builtin_popcountll(in_block &
					      ((UINT64_C(1) << at % RW_WORDS_BLOCK) - 1));
}

typedef void rw_words_init_fn(struct rw_words *w, struct rw_slice view);
typedef void rw_words_weigh_fn(struct rw_words *w, const int8_t *weights, int32_t *sums,
			       struct rw_word_hints *hints);
RW_AT_LEVELS(rw_words_init_fn, rw_words_init);
RW_AT_LEVELS(rw_words_weigh_fn, rw_words_weigh);

/* --- a word, inline: it is the inner loop --------------------------------------------------- */

/* What mixes hashes: odd numbers without a pattern, as of splitmix64. */
#define RW_MIX_A UINT64_C(0xbf58476d1ce4e5b9)
#define RW_MIX_B UINT64_C(0x94d049bb133111eb)
#define RW_MIX_C UINT64_C(0x9e3779b97f4a7c15)

/* Sequences of characters: of three to five bytes of the view each, whatever they are. */
enum { RW_CHARS_BITS = 18, RW_CHARS_LEAST = 3, RW_CHARS_MOST = 5, RW_CHARS_KINDS = 3 };

/* The feature of the n bytes at p, of which eight can be read; below 1 << RW_CHARS_BITS. */
static inline uint32_t rw_chars_feature(const char *p, unsigned n)
{
	uint64_t key = rw_load8(p) & rw_first8(n);

	return (uint32_t)((key + n) * RW_MIX_A >> (64 - RW_CHARS_BITS));
}

/* How many there are in so many bytes. */
static inline unsigned rw_chars_count(size_t bytes)
{
	size_t n = 0;

	for (size_t k = RW_CHARS_LEAST; k <= RW_CHARS_MOST; k++)
		n += bytes >= k ? bytes - k + 1 : 0;
	return (unsigned)n;
}

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

static inline uint64_t rw_hash_add(uint64_t h, uint64_t x)
{
	h = (h ^ x) * RW_MIX_A;
	return h ^ h >> 31;
}

/* n at least 1; words of up to 16 bytes, which are nearly all, without a branch. */
static inline uint64_t rw_hash_word(const char *p, size_t n)
{
	uint64_t h = rw_hash_add(RW_MIX_C, rw_load8(p) & rw_first8(n < 8 ? (unsigned)n : 8));
	uint64_t on;

	for (; __builtin_expect(n > 16, 0); n -= 8, p += 8)
		h = rw_hash_add(h, rw_load8(p + 8));
	on = rw_hash_add(h, rw_load8(p + 8) & rw_first8(n > 8 ? (unsigned)n - 8 : 1));
	return n > 8 ? on : h;
}

static inline bool rw_all_digits(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] < '0' || p[i] > '9')
			return false;
	return true;
}

/* What is hashed of the beginning of a word; 0: it has none. */
static inline uint64_t rw_word_stem(const char *p, size_t n)
{
	uint64_t x = rw_load8(p), front = x & rw_first8(RW_STEM_ASCII);

	if (__builtin_expect(!(front & RW_ALL8(0x80)), 1))
		return n > RW_STEM_ASCII ? front * RW_MIX_C : 0;
	return n > RW_STEM_BEYOND ? (x * RW_MIX_C) ^ rw_load8(p + RW_STEM_BEYOND - 8) : 0;
}

/* Whether it is a letter of a script without spaces. */
static inline bool rw_is_lone(const char *p)
{
	return (unsigned char)*p >= RW_LONE_FIRST && (unsigned char)*p <= RW_LONE_LAST;
}

struct rw_word_hash {
	uint64_t word, stem; /* stem 0: it has no beginning of its own */
};

/* n at least 1. */
static inline struct rw_word_hash rw_word_hash(const char *p, size_t n)
{
	if (*p <= '9' && *p >= '0' && rw_all_digits(p, n))
		return (struct rw_word_hash){RW_MIX_B, 0};
	return (struct rw_word_hash){rw_hash_word(p, n), rw_is_lone(p) ? 0 : rw_word_stem(p, n)};
}

/* The next word; false past the last. */
static inline bool rw_words_next(struct rw_words *w, struct rw_word *out)
{
	struct rw_word_hash hash;
	const char *p;
	uint64_t h, s;
	size_t n;

	if (w->next == w->n)
		return false;
	out->start = w->edge[2 * w->next];
	out->end = w->edge[2 * w->next++ + 1];
	p = w->p + out->start;
	n = out->end - out->start;
	out->letter_only = n == 1 && !(*p & (char)0x80);
	hash = rw_word_hash(p, n);
	h = hash.word;
	s = hash.stem;
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
