/* SPDX-License-Identifier: Apache-2.0 */
/* Counting a run's bytes, and which shapes need no more: every token with a digit comes by here. */
#include "scan/lanes.h"
#include "scan/shape.h"

enum {
	DIGIT = 1,
	LETTER = 2,
	BETWEEN = 4,
};

static const uint8_t kinds[256] = {
	['0' ... '9'] = DIGIT, ['a' ... 'z'] = LETTER, ['A' ... 'Z'] = LETTER, [' '] = BETWEEN,
	['-'] = BETWEEN,       ['.'] = BETWEEN,	       ['/'] = BETWEEN,	       ['('] = BETWEEN,
	[')'] = BETWEEN,       ['+'] = BETWEEN,
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
_Static_assert(RW_SHAPE_RUN_MAX < 256, "a count is a byte");

static unsigned longer(unsigned a, unsigned b)
{
	return a > b ? a : b;
}

static void count_each(struct rw_slice run, uint8_t counts[RW_COUNT_LANES])
{
	unsigned digits = 0, group = 0, alnum = 0, spaced = 0, number = 0;
	unsigned most_digits = 0, most_group = 0, most_alnum = 0, most_spaced = 0, most_number = 0;
	uint64_t sum = 0;

	for (size_t i = 0; i < run.n; i++) {
		unsigned char c = (unsigned char)run.p[i];
		unsigned kind = kinds[c], digit = kind & DIGIT, plain = kind & (DIGIT | LETTER);

		sum += adds[c];
		digits = digit ? digits + 1 : 0;
		group = kind & (DIGIT | BETWEEN) ? group + digit : 0;
		alnum = plain ? alnum + 1 : 0;
		spaced = plain ? spaced + 1 : c == ' ' ? spaced : 0;
		number = kind & LETTER ? 0 : number + digit;
		most_digits = longer(most_digits, digits);
		most_group = longer(most_group, group);
		most_alnum = longer(most_alnum, alnum);
		most_spaced = longer(most_spaced, spaced);
		most_number = longer(most_number, number);
	}
	memcpy(counts, &sum, sizeof(sum)); /* processors here are little-endian */
	counts[RW_COUNT_BYTES] = (uint8_t)run.n;
	counts[RW_COUNT_RUN] = (uint8_t)most_digits;
	counts[RW_COUNT_GROUP] = (uint8_t)most_group;
	counts[RW_COUNT_ALNUM] = (uint8_t)most_alnum;
	counts[RW_COUNT_SPACED] = (uint8_t)most_spaced;
	counts[RW_COUNT_NUMBER] = (uint8_t)most_number;
}

#if RW_LEVEL == 1

void RW_HOT(rw_shape_count)(struct rw_slice run, size_t readable, uint8_t counts[RW_COUNT_LANES])
{
	(void)readable;
	count_each(run, counts);
}

#else

/* The longest stretch of ones, which mostly are short. */
static inline unsigned longest_row(uint64_t bits)
{
	unsigned n = 0;

	for (; bits; bits &= bits >> 1)
		n++;
	return n;
}

/* The same where few are long: one after the other. */
static inline unsigned most_row(uint64_t bits)
{
	unsigned most = 0;

	while ((unsigned)__builtin_popcountll(bits) > most) {
		uint64_t rest = bits & (bits + (bits & -bits)); /* without its lowest */

		most = longer(most, (unsigned)__builtin_popcountll(bits & ~rest));
		bits = rest;
	}
	return most;
}

/*
 * The most bits of what that stand in one stretch of ones of what and between; alone: in one of
 * what alone. So only stretches that have something between are looked at.
 */
static inline unsigned most_in(uint64_t what, uint64_t between, unsigned alone)
{
	uint64_t in = what | between;
	unsigned most = alone;

	while (between) {
		uint64_t ends = ~in & ((between & -between) - 1);
		uint64_t first = ends ? UINT64_C(2) << (63 - __builtin_clzll(ends)) : 1;
		uint64_t from = in & -first, rest = from & (from + first);

		most = longer(most, (unsigned)__builtin_popcountll(what & from & ~rest));
		between &= rest;
	}
	return most;
}

/* 64 bytes, a bit for each: what they are. */
struct classes {
	uint64_t digit, upper, letter, space, between, at, colon, dot, dash;
};

static inline void classify(const char *p, struct classes *of)
{
	*of = (struct classes){0};
	for (unsigned i = 0; i < RW_BLOCK / RW_LANES; i++) {
		rw_lanes x = rw_lanes_load(p + (size_t)i * RW_LANES);
		unsigned at = i * RW_LANES;
		rw_lanes dot = rw_lanes_equal(x, '.'), dash = rw_lanes_equal(x, '-'),
			 space = rw_lanes_equal(x, ' ');
		rw_lanes between = dot | dash | space | rw_lanes_equal(x, '/') |
				   rw_lanes_within(x, '(', ')') | rw_lanes_equal(x, '+');

		of->digit |= rw_lanes_bits(rw_lanes_within(x, '0', '9')) << at;
		of->upper |= rw_lanes_bits(rw_lanes_within(x, 'A', 'Z')) << at;
		of->letter |= rw_lanes_bits(rw_lanes_within(x | 0x20, 'a', 'z')) << at;
		of->space |= rw_lanes_bits(space) << at;
		of->between |= rw_lanes_bits(between) << at;
		of->at |= rw_lanes_bits(rw_lanes_equal(x, '@')) << at;
		of->colon |= rw_lanes_bits(rw_lanes_equal(x, ':')) << at;
		of->dot |= rw_lanes_bits(dot) << at;
		of->dash |= rw_lanes_bits(dash) << at;
	}
}

void RW_HOT(rw_shape_count)(struct rw_slice run, size_t readable, uint8_t counts[RW_COUNT_LANES])
{
	char copy[RW_BLOCK] = "";
	struct classes of;
	unsigned row, alone;
	uint64_t in, alnum;

	if (run.n > RW_BLOCK) {
		count_each(run, counts);
		return;
	}
	if (readable < RW_BLOCK)
		run.p = memcpy(copy, run.p, run.n);
	classify(run.p, &of);
	in = run.n < RW_BLOCK ? (UINT64_C(1) << run.n) - 1 : ~UINT64_C(0);
	of.digit &= in;
	of.letter &= in;
	alnum = of.digit | of.letter;
	row = longest_row(of.digit);
	alone = most_row(alnum);
	counts[RW_COUNT_DIGIT] = (uint8_t)__builtin_popcountll(of.digit);
	counts[RW_COUNT_AT] = (uint8_t)__builtin_popcountll(of.at & in);
	counts[RW_COUNT_COLON] = (uint8_t)__builtin_popcountll(of.colon & in);
	counts[RW_COUNT_DOT] = (uint8_t)__builtin_popcountll(of.dot & in);
	counts[RW_COUNT_UPPER] = (uint8_t)__builtin_popcountll(of.upper & in);
	counts[RW_COUNT_DASH] = (uint8_t)__builtin_popcountll(of.dash & in);
	counts[RW_COUNT_BYTES] = (uint8_t)run.n;
	counts[RW_COUNT_RUN] = (uint8_t)row;
	counts[RW_COUNT_GROUP] = (uint8_t)most_in(of.digit, of.between & in, row);
	counts[RW_COUNT_ALNUM] = (uint8_t)alone;
	counts[RW_COUNT_SPACED] = (uint8_t)most_in(alnum, of.space & in, alone);
	counts[RW_COUNT_NUMBER] = (uint8_t)most_in(of.digit, in & ~alnum, row);
}

#endif

uint64_t RW_HOT(rw_shapes_reach)(const struct rw_shapes *s, unsigned from,
				 const uint8_t counts[RW_COUNT_LANES])
{
	const char *least = (const char *)s->least + from;
	uint64_t more = 0;

	for (unsigned at = 0; at < RW_SHAPES_STEP; at += RW_LANES) {
		rw_lanes beyond = {0};

		for (unsigned c = 0; c < RW_COUNTS; c++)
			beyond |= (rw_lanes)(rw_lanes_load(least + (size_t)c * s->room + at) >
					     counts[c]);
		more |= rw_lanes_bits(beyond) << at;
	}
	return ~more;
}
