/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/ngram.h"

#include <string.h>

#include "scan/swar.h"

/* What mixes hashes: odd numbers without a pattern, as of splitmix64. */
#define MIX_A UINT64_C(0xbf58476d1ce4e5b9)
#define MIX_B UINT64_C(0x94d049bb133111eb)
#define MIX_C UINT64_C(0x9e3779b97f4a7c15)

enum {
	STEM_ASCII = 5,	 /* bytes of a beginning, of words at least one longer */
	STEM_BEYOND = 10 /* the same of words that start beyond ASCII: two bytes a letter */
};

static uint64_t mix(uint64_t h)
{
	h = (h ^ h >> 29) * MIX_A;
	return (h ^ h >> 32) * MIX_B;
}

static uint32_t feature_of(uint64_t h)
{
	uint32_t f = (uint32_t)(mix(h) >> (64 - RW_NGRAM_BITS));

	return f ? f : 1;
}

/* The high bit of each byte of x that belongs to a word. */
static uint64_t word_bytes(uint64_t x)
{
	uint64_t low = x & ~RW_ALL8(0x80);

	return rw_between8(low, 'a', 'z') | rw_between8(low, '0', '9') |
	       rw_between8(low, '_', '_') | (x & RW_ALL8(0x80));
}

/* Whether the sequence that c begins is a letter that is a word: CJK, kana, hangul, Thai. */
static unsigned lone_letter(const char *p, size_t n)
{
	unsigned char c = (unsigned char)*p;

	if (n < 3 || c < 0xe0 || c > 0xed)
		return 0;
	if (c >= 0xe3)
		return 3;
	return c == 0xe0 && ((unsigned char)p[1] == 0xb8 || (unsigned char)p[1] == 0xb9) ? 3 : 0;
}

/* Skips what is between words; false at the end. */
static bool skip(struct rw_words *w)
{
	while (w->at < w->n) {
		uint64_t m = word_bytes(rw_load8(w->p + w->at));

		if (m) {
			w->at += (unsigned)__builtin_ctzll(m) / 8;
			return w->at < w->n;
		}
		w->at += 8;
	}
	return false;
}

/* The end of the word at from, and its hash; *digits: it has nothing else. */
static size_t take(const struct rw_words *w, size_t from, uint64_t *hash, bool *digits)
{
	uint64_t h = MIX_C, x, in, beyond;
	size_t at = from;
	unsigned len = 8;

	*digits = true;
	do {
		x = rw_load8(w->p + at);
		in = ~word_bytes(x) & RW_ALL8(0x80);
		len = in ? (unsigned)__builtin_ctzll(in) / 8 : 8;
		if (at + len > w->n)
			len = (unsigned)(w->n - at);
		beyond = x & RW_ALL8(0x80) & rw_first8(len);
		if (beyond) { /* up to a letter that is a word by itself */
			for (unsigned i = (unsigned)__builtin_ctzll(beyond) / 8; i < len; i++) {
				if (!lone_letter(w->p + at + i, w->n - at - i))
					continue;
				len = i;
				in = 1;
				break;
			}
		}
		x &= rw_first8(len);
		if (len) {
			h = (h ^ x) * MIX_A;
			h ^= h >> 31;
		}
		if (rw_between8(x & ~RW_ALL8(0x80), '0', '9') != (RW_ALL8(0x80) & rw_first8(len)) ||
		    beyond)
			*digits = false;
		at += len;
	} while (!in && len == 8 && at < w->n);
	*hash = h;
	return at;
}

static uint64_t stem(const struct rw_words *w, const struct rw_word *out)
{
	size_t n = out->end - out->start;
	uint64_t x = rw_load8(w->p + out->start), y;

	if (n > STEM_ASCII && !(x & RW_ALL8(0x80) & rw_first8(STEM_ASCII)))
		return (x & rw_first8(STEM_ASCII)) * MIX_C;
	if (n <= STEM_BEYOND)
		return 0;
	y = rw_load8(w->p + out->start + STEM_BEYOND - 8);
	return (x * MIX_C) ^ y;
}

bool rw_words_next(struct rw_words *w, struct rw_word *out)
{
	uint64_t h, s;
	bool digits;
	unsigned lone;

	if (!skip(w))
		return false;
	lone = lone_letter(w->p + w->at, w->n - w->at);
	out->start = (uint32_t)w->at;
	if (lone) {
		h = ((rw_load8(w->p + w->at) & rw_first8(lone)) ^ MIX_B) * MIX_A;
		h ^= h >> 31;
		digits = false;
		w->at += lone;
	} else {
		w->at = take(w, w->at, &h, &digits);
	}
	out->end = (uint32_t)w->at;
	out->letter_only = w->at - out->start == 1 && !(w->p[out->start] & (char)0x80);
	if (digits)
		h = MIX_B;
	s = digits || lone ? 0 : stem(w, out);
	out->feature[0] = feature_of(h);
	out->feature[1] = feature_of(h * MIX_C + w->before);
	out->feature[2] = feature_of(h * MIX_B + w->before * MIX_C + w->before2);
	out->feature[3] = s ? feature_of(s + 1) : 0;
	w->before2 = w->before;
	w->before = h;
	return true;
}
