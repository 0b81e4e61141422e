/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/shape.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "scan/lanes.h"

_Static_assert((int)RW_COUNT_LANES == (int)RW_LANES, "a shape's counts are a vector here");

/* Of a run that is too long to be counted: the digits that no letter is between, at most 255. */
static uint8_t number_of(struct rw_slice run)
{
	unsigned n = 0, most = 0;

	for (size_t i = 0; i < run.n && most < UINT8_MAX; i++) {
		unsigned char c = (unsigned char)run.p[i];

		n = c >= '0' && c <= '9' ? n + 1 : (c | 0x20) >= 'a' && (c | 0x20) <= 'z' ? 0 : n;
		most = n > most ? n : most;
	}
	return (uint8_t)most;
}

void rw_shape_see(struct rw_slice run, size_t readable, struct rw_shape_seen *out)
{
	*out = (struct rw_shape_seen){.run = run};
	if (run.n > RW_SHAPE_RUN_MAX) {
		memset(out->counts, UINT8_MAX, sizeof(out->counts));
		out->counts[RW_COUNT_NUMBER] = number_of(run);
	} else {
		rw_shape_count_at[rw_level_here()](run, readable, out->counts);
	}
}

/* In registers what ASCII adds, which is nearly all: a set in memory waits for itself at each byte.
 */
static void make_sets(struct rw_shape_seen *seen)
{
	uint64_t low = 0, high = 0, low_starts = 0, high_starts = 0;
	uint64_t behind_word = 0;

	seen->known = true;
	if (seen->run.n > RW_SHAPE_RUN_MAX) {
		rw_byte_set_put_range(&seen->bytes, 0, 255);
		rw_byte_set_put_range(&seen->starts, 0, 255);
		return;
	}
	for (size_t i = 0; i < seen->run.n; i++) {
		unsigned char c = (unsigned char)seen->run.p[i];
		uint64_t bit = UINT64_C(1) << c % 64, in_low = c < 64 ? bit : 0,
			 in_high = bit ^ in_low;

		if (c >= 128) {
			rw_byte_set_put(&seen->bytes, c);
			if (!behind_word)
				rw_byte_set_put(&seen->starts, c);
			in_high = 0;
		}
		low |= in_low;
		high |= in_high;
		low_starts |= in_low & ~behind_word;
		high_starts |= in_high & ~behind_word;
		behind_word = -(uint64_t)rw_is_word_byte(c);
	}
	seen->bytes.in[0] = low;
	seen->bytes.in[1] = high;
	seen->starts.in[0] = low_starts;
	seen->starts.in[1] = high_starts;
}

static bool meet(const struct rw_byte_set *a, const struct rw_byte_set *b)
{
	return (a->in[0] & b->in[0]) | (a->in[1] & b->in[1]) | (a->in[2] & b->in[2]) |
	       (a->in[3] & b->in[3]);
}

static bool begins(const struct rw_shape *s, struct rw_shape_seen *seen)
{
	if (!seen->known)
		make_sets(seen);
	return meet(&s->first, s->at_word ? &seen->starts : &seen->bytes);
}

bool rw_shape_fits(const struct rw_shape *s, struct rw_shape_seen *seen)
{
	rw_lanes least, counts;

	memcpy(&least, s->least, sizeof(least));
	memcpy(&counts, seen->counts, sizeof(counts));
	if (rw_lanes_bits((rw_lanes)(counts < least)))
		return false;
	return begins(s, seen);
}

/* Runs with few digits are asked about few shapes. */
static int by_digits(const void *a, const void *b)
{
	const struct rw_shape *x = a, *y = b;
	int c = x->least[RW_COUNT_DIGIT] - y->least[RW_COUNT_DIGIT];

	return c ? c : x->pat - y->pat;
}

int rw_shapes_close(struct rw_shapes *s)
{
	s->room = (s->n + RW_SHAPES_STEP - 1) / RW_SHAPES_STEP * RW_SHAPES_STEP;
	s->least = calloc(RW_COUNTS, s->room + 1);
	if (!s->least)
		return RW_ENOMEM;
	if (s->n)
		qsort(s->at, s->n, sizeof(*s->at), by_digits);
	for (unsigned i = 0; i < s->n; i++)
		for (unsigned c = 0; c < RW_COUNTS; c++)
			s->least[c * s->room + i] = s->at[i].least[c];
	return RW_OK;
}

void rw_shapes_free(struct rw_shapes *s)
{
	free(s->at);
	free(s->least);
}

uint64_t rw_shapes_fit(const struct rw_shapes *s, unsigned from, struct rw_shape_seen *seen)
{
	uint64_t fit = rw_shapes_reach_at[rw_level_here()](s, from, seen->counts);

	if (s->n - from < RW_SHAPES_STEP)
		fit &= (UINT64_C(1) << (s->n - from)) - 1;
	for (uint64_t maybe = fit; maybe; maybe &= maybe - 1)
		if (!begins(&s->at[from + (unsigned)__builtin_ctzll(maybe)], seen))
			fit &= ~(maybe & -maybe);
	return fit;
}
