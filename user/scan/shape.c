/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/shape.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "scan/lanes.h"
#include "scan/lexicon.h"

enum { RUN_MAX = 240 /* bytes of a run that is counted; a longer one may be anything */ };

enum {
	DIGIT = 1,
	LETTER = 2,
	BETWEEN = 4,
	WORD = 8,
};

static const uint8_t kinds[256] = {
	['0' ... '9'] = DIGIT | WORD,
	['a' ... 'z'] = LETTER | WORD,
	['A' ... 'Z'] = LETTER | WORD,
	['_'] = WORD,
	[' '] = BETWEEN,
	['-'] = BETWEEN,
	['.'] = BETWEEN,
	['/'] = BETWEEN,
	['('] = BETWEEN,
	[')'] = BETWEEN,
	['+'] = BETWEEN,
};

/* What a byte adds to the first counts: a byte of the number each, in their order. */
#define ADDS(count) (UINT64_C(1) << 8 * (count))
static const uint64_t adds[256] = {
	['0' ... '9'] = ADDS(RW_COUNT_DIGIT),
	['A' ... 'Z'] = ADDS(RW_COUNT_UPPER),
	['@'] = ADDS(RW_COUNT_AT),
	[':'] = ADDS(RW_COUNT_COLON),
	['.'] = ADDS(RW_COUNT_DOT),
	['-'] = ADDS(RW_COUNT_DASH),
};
_Static_assert(RUN_MAX < 256, "a count is a byte");

static unsigned longer(unsigned a, unsigned b)
{
	return a > b ? a : b;
}

void rw_shape_see(struct rw_slice run, struct rw_shape_seen *out)
{
	unsigned digits = 0, group = 0, alnum = 0, spaced = 0;
	unsigned most_digits = 0, most_group = 0, most_alnum = 0, most_spaced = 0;
	uint64_t sum = 0;

	*out = (struct rw_shape_seen){.run = run};
	if (run.n > RUN_MAX) {
		memset(out->counts, 0xff, sizeof(out->counts));
		return;
	}
	for (size_t i = 0; i < run.n; i++) {
		unsigned char c = (unsigned char)run.p[i];
		unsigned kind = kinds[c], digit = kind & DIGIT, plain = kind & (DIGIT | LETTER);

		sum += adds[c];
		digits = digit ? digits + 1 : 0;
		group = kind & (DIGIT | BETWEEN) ? group + digit : 0;
		alnum = plain ? alnum + 1 : 0;
		spaced = plain ? spaced + 1 : c == ' ' ? spaced : 0;
		most_digits = longer(most_digits, digits);
		most_group = longer(most_group, group);
		most_alnum = longer(most_alnum, alnum);
		most_spaced = longer(most_spaced, spaced);
	}
	memcpy(out->counts, &sum, sizeof(sum)); /* processors here are little-endian */
	out->counts[RW_COUNT_BYTES] = (uint8_t)run.n;
	out->counts[RW_COUNT_RUN] = (uint8_t)most_digits;
	out->counts[RW_COUNT_GROUP] = (uint8_t)most_group;
	out->counts[RW_COUNT_ALNUM] = (uint8_t)most_alnum;
	out->counts[RW_COUNT_SPACED] = (uint8_t)most_spaced;
}

static void make_sets(struct rw_shape_seen *seen)
{
	unsigned before = 0;

	seen->known = true;
	if (seen->run.n > RUN_MAX) {
		rw_byte_set_put_range(&seen->bytes, 0, 255);
		rw_byte_set_put_range(&seen->starts, 0, 255);
		return;
	}
	for (size_t i = 0; i < seen->run.n; i++) {
		unsigned char c = (unsigned char)seen->run.p[i];

		rw_byte_set_put(&seen->bytes, c);
		if (!(before & WORD))
			rw_byte_set_put(&seen->starts, c);
		before = kinds[c];
	}
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

_Static_assert((int)RW_SHAPES_STEP == (int)RW_LANES, "a step is a vector");

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
	unsigned left = s->n - from;
	rw_lanes less = {0};
	uint64_t fit, maybe;

	for (unsigned c = 0; c < RW_COUNTS; c++)
		less |= (rw_lanes)(rw_lanes_load((const char *)s->least + c * s->room + from) >
				   seen->counts[c]);
	fit = maybe = ~rw_lanes_bits(less) &
		      (left < RW_LANES ? (UINT64_C(1) << left) - 1 : (UINT64_C(1) << RW_LANES) - 1);
	for (; maybe; maybe &= maybe - 1)
		if (!begins(&s->at[from + (unsigned)__builtin_ctzll(maybe)], seen))
			fit &= ~(maybe & -maybe);
	return fit;
}
