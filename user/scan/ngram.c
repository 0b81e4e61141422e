/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/ngram.h"

#include "base/err.h"
#include "scan/lanes.h"

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

/* The places of the bits, at added. Up to eight more are written; where the last was. */
static inline uint16_t *put_places(uint16_t *out, size_t at, uint64_t bits)
{
	uint16_t *end = out + __builtin_popcountll(bits);

	while (bits) {
		for (unsigned k = 0; k < 8; k++) {
			*out++ = (uint16_t)(at +
					    (unsigned)__builtin_ctzll(bits | UINT64_C(1) << 63));
			bits &= bits - 1;
		}
	}
	return end;
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

void rw_words_init(struct rw_words *w, struct rw_slice view)
{
	uint16_t *edge = w->edge;
	uint64_t word, lone, before = 0, left;

	RW_BUG_ON(view.n > RW_VIEW_TEXT_BYTES);
	w->p = view.p;
	w->n = w->next = 0;
	w->before = w->before2 = 0;
	/* Words begin and end in turn. */
	for (size_t at = 0; at < view.n; at += RW_BLOCK) {
		classify(view.p + at, &word, &lone);
		left = view.n - at;
		if (left < RW_BLOCK) {
			word &= (UINT64_C(1) << left) - 1;
			lone &= word;
		}
		if (lone) {
			find_lone(w, view.n);
			return;
		}
		edge = put_places(edge, at, word ^ (word << 1 | before));
		before = word >> 63;
	}
	if (before) /* the last word ends where the view does */
		*edge++ = (uint16_t)view.n;
	w->n = (unsigned)(edge - w->edge) / 2;
}
