/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/ngram.h"

#include "base/err.h"
#include "scan/decode.h"
#include "scan/lanes.h"

enum {
	BLOCK_EDGES = 24, /* of words in a block; few have more */
	BATCH_WORDS = 32, /* with as many before them their lengths fit a number's bits */
};

_Static_assert((int)RW_WORDS_SLACK >= 2 * RW_LANES / 8, "a step past the last word has room");
_Static_assert((int)RW_WORDS_SLACK >= (int)BLOCK_EDGES, "and so have the edges of a block");
_Static_assert(RW_CODED_RUN_MIN == 6, "runs of six are what shifted words are combined for");

/* --- where words are ---------------------------------------------------------------------------
 */

/* Of the 64 bytes at p, a bit each: it belongs to a word; it begins a letter that is a word. */
static inline void classify(const char *p, uint64_t *word, uint64_t *lone)
{
	*word = *lone = 0;
	for (unsigned i = 0; i < RW_BLOCK / RW_LANES; i++) {
		rw_lanes x = rw_lanes_load(p + (size_t)i * RW_LANES);

		*word |= rw_lanes_bits(rw_lanes_small_word(x) | x) << (i * RW_LANES);
		*lone |= rw_lanes_bits(rw_lanes_within(x, RW_LONE_FIRST, RW_LONE_LAST))
			 << (i * RW_LANES);
	}
}

static bool is_small_word_byte(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c >= 0x80;
}

/* The same where letters are words by themselves, byte by byte. */
static void find_lone(struct rw_words *w, size_t n)
{
	size_t i = 0;

	for (w->n = 0; i < n; w->edge[2 * w->n++ + 1] = (uint16_t)i) {
		while (i < n && !is_small_word_byte((unsigned char)w->p[i]))
			i++;
		if (i == n)
			return;
		w->edge[2 * w->n] = (uint16_t)i;
		if (rw_is_lone(w->p + i))
			i = i + RW_LONE_BYTES < n ? i + RW_LONE_BYTES : n;
		else
			while (i < n && is_small_word_byte((unsigned char)w->p[i]) &&
			       !rw_is_lone(w->p + i))
				i++;
	}
}

/* What the edges say, by blocks. */
static void mark_starts(struct rw_words *w, size_t n)
{
	unsigned before = 0;

	memset(w->starts, 0, (n / RW_BLOCK + 1) * sizeof(w->starts[0]));
	for (unsigned i = 0; i < w->n; i++)
		w->starts[w->edge[2 * i] / RW_BLOCK] |= UINT64_C(1) << w->edge[2 * i] % RW_BLOCK;
	for (size_t b = 0; b <= n / RW_BLOCK; b++) {
		w->first[b] = (uint16_t)before;
		before += (unsigned)__builtin_popcountll(w->starts[b]);
	}
}

/* Words begin and end in turn. False where letters are words by themselves. */
static bool find_words(struct rw_words *w, struct rw_slice view)
{
	uint16_t *edge = w->edge;
	uint64_t word, lone, before = 0, left;
	size_t block = 0;

	for (size_t at = 0; at < view.n; at += RW_BLOCK, block++) {
		classify(view.p + at, &word, &lone);
		left = view.n - at;
		if (left < RW_BLOCK) {
			word &= (UINT64_C(1) << left) - 1;
			lone &= word;
		}
		if (lone)
			return false;
		w->starts[block] = word & ~(word << 1 | before);
		w->first[block] = (uint16_t)((edge - w->edge + 1) / 2);
		edge = rw_put_places(edge, at, word ^ (word << 1 | before), BLOCK_EDGES);
		before = word >> 63;
	}
	if (before) /* the last word ends where the view does */
		*edge++ = (uint16_t)view.n;
	w->n = (unsigned)(edge - w->edge) / 2;
	return true;
}

void RW_HOT(rw_words_init)(struct rw_words *w, struct rw_slice view)
{
	RW_BUG_ON(view.n > RW_VIEW_TEXT_BYTES);
	w->p = view.p;
	w->n = w->next = 0;
	w->before = w->before2 = 0;
	if (!find_words(w, view)) {
		find_lone(w, view.n);
		mark_starts(w, view.n);
	}
	/* One step of the hashing may go past the last. */
	for (unsigned i = 0; i < 2 * RW_LANES / 8; i++)
		w->edge[2 * w->n + i] = i & 1;
}

/* --- what they weigh ---------------------------------------------------------------------------
 */

#if RW_LEVEL == 1

void RW_HOT(rw_words_weigh)(struct rw_words *w, const int8_t *weights, int32_t *sums,
			    struct rw_word_hints *hints)
{
	unsigned singles = 0, row = 0, n = 0, length, before = 0;
	int32_t sum = 0;
	struct rw_word at;

	*hints = (struct rw_word_hints){0};
	sums[0] = 0;
	while (rw_words_next(w, &at)) {
		int32_t weight = weights[at.feature[0]] + weights[at.feature[1]] +
				 weights[at.feature[2]] + weights[at.feature[3]];

		sum += at.again ? 0 : weight;
		sums[++n] = sum;
		length = at.end - at.start;
		singles = at.letter_only ? singles + 1 : 0;
		hints->spaced |= singles >= RW_CODED_RUN_MIN;
		row = (length == before) | ((before == 2) & (length == 3)) ? row + 1 : 0;
		before = length;
		hints->coded |= (length >= RW_CODED_BYTES_MIN) |
				((row >= RW_CODED_RUN_MIN) &
				 ((length == 2) | (length == 3) | (length == 8)));
	}
}

#else

/* Of as many words as numbers fit a vector: where they start, how long they are, their first 16
 * bytes. */
struct step {
	const char *p;
	const uint16_t *edge;
	rw_nums n, front, behind;
};

static inline void load_step(struct step *s, const char *p, const uint16_t *edge)
{
	rw_half_nums raw;
	rw_nums both;

	memcpy(&raw, edge, sizeof(raw));
	both = __builtin_convertvector(raw, rw_nums);
	s->p = p;
	s->edge = edge;
	s->n = (both >> 16) - (both & 0xffff);
	rw_nums_gather16(p, edge, 2, &s->front, &s->behind);
}

static inline rw_nums hash_add(rw_nums h, rw_nums x)
{
	h = (h ^ x) * RW_MIX_A;
	return h ^ h >> 31;
}

/* The highest bit of each byte that is no digit: exact for whether there is one. */
static inline rw_nums no_digits(rw_nums x)
{
	x ^= RW_ALL8('0');
	return ((x + RW_ALL8(0x76)) | x) & RW_ALL8(0x80);
}

/* The words that vectors do not tell right: long, or with a beginning beyond ASCII. */
static inline void hash_odd(const struct step *s, unsigned odd, rw_nums *h, rw_nums *stem)
{
	for (; odd; odd &= odd - 1) {
		unsigned k = (unsigned)__builtin_ctz(odd);
		const uint16_t *edge = s->edge + (size_t)2 * k;
		struct rw_word_hash one = rw_word_hash(s->p + edge[0], (size_t)edge[1] - edge[0]);

		(*h)[k] = one.word;
		(*stem)[k] = one.stem;
	}
}

/* As rw_word_hash, of each. */
static inline void hash_step(const struct step *s, rw_nums *h, rw_nums *stem)
{
	rw_nums is_long = (rw_nums)(s->n > 8),
		rest = rw_nums_select(is_long, s->n - 8, (rw_nums){0} + 1);
	rw_nums in_front = rw_nums_first(s->n), in_rest = rw_nums_first(rest);
	rw_nums one = hash_add((rw_nums){0} + RW_MIX_C, s->front & in_front);
	rw_nums two = hash_add(one, s->behind & in_rest), number, beyond, five;

	*h = rw_nums_select(is_long, two, one);
	five = s->front & rw_first8(RW_STEM_ASCII);
	*stem = (rw_nums)(s->n > RW_STEM_ASCII) & (five * RW_MIX_C);
	number = no_digits(rw_nums_select(in_front, s->front, (rw_nums){0} + RW_ALL8('0'))) |
		 no_digits(
			 rw_nums_select(in_rest & is_long, s->behind, (rw_nums){0} + RW_ALL8('0')));
	number = (rw_nums)(number == 0);
	*h = rw_nums_select(number, (rw_nums){0} + RW_MIX_B, *h);
	*stem &= ~number;
	beyond = (rw_nums)(s->n > RW_STEM_ASCII) & (rw_nums)((five & RW_ALL8(0x80)) != 0);
	hash_odd(s, rw_nums_bits((rw_nums)(s->n > 16) | beyond), h, stem);
}

static inline rw_nums feature_of(rw_nums mixed)
{
	mixed >>= 64 - RW_NGRAM_BITS;
	return mixed - (rw_nums)(mixed == 0);
}

/* What the steps before leave: the last one's hashes, also mixed, and lengths; the longest. */
struct carry {
	rw_nums h, mixed, n, longest;
	/* Of the last 64 words a bit each, that of the last the highest: it is a letter; it is as
	 * long as the one before, about; it is as long as a coded byte. */
	uint64_t singles, rows, codes;
};

/* The features of each word, as rw_words_next has them; none of a word said twice before. */
static inline void features_of(struct carry *c, const struct step *s,
			       rw_half_nums f[RW_NGRAM_KINDS])
{
	rw_nums h, stem, b, mixed, before, before2, counts;

	hash_step(s, &h, &stem);
	b = h * RW_MIX_B;
	mixed = h * RW_MIX_C;
	before = rw_nums_after1(c->h, h);
	before2 = rw_nums_after2(c->h, h);
	counts = (rw_nums)(h != before) | (rw_nums)(h != before2);
	f[0] = rw_nums_low(counts & feature_of(b));
	f[1] = rw_nums_low(counts & feature_of((mixed + before) * RW_MIX_B));
	f[2] = rw_nums_low(counts &
			   feature_of((b + rw_nums_after1(c->mixed, mixed) + before2) * RW_MIX_B));
	f[3] = rw_nums_low(counts & (rw_nums)(stem != 0) &
			   feature_of((stem ^ stem >> 31) * RW_MIX_B));
	c->h = h;
	c->mixed = mixed;
}

/* The bits that end six in a row. */
static inline uint64_t sixes(uint64_t bits)
{
	uint64_t two = bits & bits << 1, four = two & two << 2;

	return four & two << 4;
}

static inline uint64_t shift_in(uint64_t bits, rw_nums of, unsigned valid)
{
	return bits >> RW_NUMS | (uint64_t)(rw_nums_bits(of) & valid) << (64 - RW_NUMS);
}

/* n: words of the step; those behind them are letters. */
static inline void note_lengths(struct carry *c, const struct step *s, unsigned n)
{
	rw_nums before = rw_nums_after1(c->n, s->n);
	unsigned valid = n < RW_NUMS ? (1u << n) - 1 : (1u << RW_NUMS) - 1;

	c->singles = shift_in(c->singles, (rw_nums)(s->n == 1) & (rw_nums)((s->front & 0x80) == 0),
			      valid);
	c->rows = shift_in(
		c->rows,
		(rw_nums)(s->n == before) | ((rw_nums)(before == 2) & (rw_nums)(s->n == 3)), valid);
	c->codes = shift_in(c->codes,
			    (rw_nums)(s->n == 2) | (rw_nums)(s->n == 3) | (rw_nums)(s->n == 8),
			    valid);
	c->longest = rw_nums_select((rw_nums)(s->n > c->longest), s->n, c->longest);
	c->n = s->n;
}

/* What the lengths of the last 64 words ask for: of any that six are seen of is the row. */
static inline void see_lengths(const struct carry *c, struct rw_word_hints *hints)
{
	hints->spaced |= sixes(c->singles) != 0;
	hints->coded |= (sixes(c->rows) & c->codes) != 0;
}

/* Writes the sum of the weights up to each word of a step, to that of those before; the last. */
static inline int32_t sum_step(const int8_t *weights, const rw_half_nums f[RW_NGRAM_KINDS],
			       int32_t sum, int32_t *sums)
{
	for (unsigned k = 0; k < RW_NUMS; k++) {
		sum += weights[f[0][k]] + weights[f[1][k]] + weights[f[2][k]] + weights[f[3][k]];
		sums[k] = sum;
	}
	return sum;
}

/*
 * Features first, for some words, then their weights: the latter wait for the second cache, and
 * what is computed meanwhile should not be far away.
 */
void RW_HOT(rw_words_weigh)(struct rw_words *w, const int8_t *weights, int32_t *sums,
			    struct rw_word_hints *hints)
{
	rw_half_nums f[BATCH_WORDS / RW_NUMS][RW_NGRAM_KINDS];
	struct carry c = {0};
	int32_t sum = 0;
	struct step s;

	*hints = (struct rw_word_hints){0};
	*sums++ = 0;
	for (unsigned from = 0; from < w->n; from += BATCH_WORDS, sums += BATCH_WORDS) {
		unsigned some = w->n - from < BATCH_WORDS ? w->n - from : BATCH_WORDS;

		for (unsigned at = 0; at < some; at += RW_NUMS) {
			load_step(&s, w->p, w->edge + 2 * ((size_t)from + at));
			features_of(&c, &s, f[at / RW_NUMS]);
			note_lengths(&c, &s, some - at);
		}
		see_lengths(&c, hints);
		for (unsigned at = 0; at < some; at += RW_NUMS)
			sum = sum_step(weights, f[at / RW_NUMS], sum, sums + at);
	}
	hints->coded |= rw_nums_bits((rw_nums)(c.longest >= RW_CODED_BYTES_MIN)) != 0;
}

#endif
