/* SPDX-License-Identifier: Apache-2.0 */
/* Skipping prose, which is most of most texts: where nothing can be an entity. */
#include "scan/lanes.h"
#include "scan/seg.h"

_Static_assert(RW_SEG_LONG_TOKEN == 16,
	       "sixteen bits in a row are what shifted words are combined for");

/* The high bits of the bytes of x that are less than n (n <= 128); exact up to the first. */
#define LESS(x, n) (((x) - RW_ALL8(n)) & ~(x) & RW_ALL8(0x80))

/* Whether eight bytes have a digit, an @, a dash, a slash, or what an invisible character may begin
 * with. */
static bool is_hot(uint64_t x)
{
	/* a dash with its second bit set is a slash */
	if (LESS(x ^ RW_ALL8('0'), 10) || LESS(x ^ RW_ALL8('@'), 1) ||
	    LESS((x | RW_ALL8(2)) ^ RW_ALL8('/'), 1))
		return true;
	return x & RW_ALL8(0x80) && (LESS(x ^ RW_ALL8(0xe2), 1) || LESS(x ^ RW_ALL8(0xf3), 1));
}

/* The high bits of exactly those bytes of x that end a token for certain. */
static uint64_t breaks_of(uint64_t x)
{
	uint64_t above_space = (x & RW_ALL8(0x7f)) + RW_ALL8(0x80 - 0x21);

	return (~above_space | x) & RW_ALL8(0x80);
}

/* Eight bytes at a time; open: bytes of a token in front of at. */
static size_t skip_by_eight(const char *p, size_t at, size_t n, size_t open)
{
	uint64_t x, breaks;

	for (; at + sizeof(x) <= n; at += sizeof(x)) {
		x = rw_load8(p + at);
		if (is_hot(x))
			break;
		breaks = breaks_of(x);
		if (open + (breaks ? (unsigned)__builtin_ctzll(breaks) / 8 : 8) >=
		    RW_SEG_LONG_TOKEN)
			break;
		open = breaks ? (unsigned)__builtin_clzll(breaks) / 8 : open + sizeof(x);
	}
	return at - open;
}

#if RW_LEVEL == 1

size_t RW_HOT(rw_seg_skip)(const unsigned char *p, size_t from, size_t n)
{
	return skip_by_eight((const char *)p, from, n, 0);
}

#else

/* What ends a token, by rows of sixteen bytes, and what an entity has. */
enum {
	CONTROL_OR_WIDE = 1,
	SIGN_2 = 2,  /* space " ' , */
	SIGN_3 = 4,  /* ; < > */
	SIGN_5 = 8,  /* [ \ ] */
	SIGN_6 = 16, /* ` */
	SIGN_7 = 32, /* { | } and delete */
	BREAKS = 63,
	DIGIT_3 = 64,
	AT_4 = 128,
};

static const uint8_t by_low[16] = {
	[0] = CONTROL_OR_WIDE | SIGN_2 | SIGN_6 | DIGIT_3 | AT_4,
	[1] = CONTROL_OR_WIDE | DIGIT_3,
	[2] = CONTROL_OR_WIDE | DIGIT_3 | SIGN_2,
	[3 ... 6] = CONTROL_OR_WIDE | DIGIT_3,
	[7] = CONTROL_OR_WIDE | DIGIT_3 | SIGN_2,
	[8 ... 9] = CONTROL_OR_WIDE | DIGIT_3,
	[10] = CONTROL_OR_WIDE,
	[11] = CONTROL_OR_WIDE | SIGN_3 | SIGN_5 | SIGN_7,
	[12] = CONTROL_OR_WIDE | SIGN_2 | SIGN_3 | SIGN_5 | SIGN_7,
	[13] = CONTROL_OR_WIDE | SIGN_5 | SIGN_7,
	[14] = CONTROL_OR_WIDE | SIGN_3,
	[15] = CONTROL_OR_WIDE | SIGN_7,
};
static const uint8_t by_high[16] = {
	[0 ... 1] = CONTROL_OR_WIDE,
	[2] = SIGN_2,
	[3] = SIGN_3 | DIGIT_3,
	[4] = AT_4,
	[5] = SIGN_5,
	[6] = SIGN_6,
	[7] = SIGN_7,
	[8 ... 15] = CONTROL_OR_WIDE,
};

/* 64 bytes, a bit for each: digits and @; dashes and slashes, of which two are something; what an
 * invisible character begins with and goes on with; those that end a token. */
struct classes {
	uint64_t entity, dash, slash, lead, second, third, breaks;
};

static inline void classify(const char *p, struct classes *of)
{
	uint64_t wide = 0;

	*of = (struct classes){0};
	for (unsigned i = 0; i < RW_BLOCK / RW_LANES; i++) {
		rw_lanes x = rw_lanes_load(p + (size_t)i * RW_LANES);
		rw_lanes k = rw_lanes_look_up(x, by_low, by_high);
		unsigned at = i * RW_LANES;

		of->entity |= rw_lanes_bits((rw_lanes)((k & (DIGIT_3 | AT_4)) != 0)) << at;
		of->breaks |= rw_lanes_bits((rw_lanes)((k & BREAKS) != 0)) << at;
		of->dash |= rw_lanes_bits(rw_lanes_equal(x, '-')) << at;
		of->slash |= rw_lanes_bits(rw_lanes_equal(x, '/')) << at;
		wide |= rw_lanes_bits(x) << at;
	}
	if (!wide)
		return;
	for (unsigned i = 0; i < RW_BLOCK / RW_LANES; i++) {
		rw_lanes x = rw_lanes_load(p + (size_t)i * RW_LANES);
		unsigned at = i * RW_LANES;

		of->lead |= rw_lanes_bits(rw_lanes_within(x, 0xe2, 0xe2)) << at;
		of->second |= rw_lanes_bits(rw_lanes_within(x, 0x80, 0x81)) << at;
		of->third |= rw_lanes_bits(rw_lanes_within(x, 0x8b, 0x8f) |
					   rw_lanes_within(x, 0xa0, 0xaf))
			     << at;
		of->entity |= rw_lanes_bits(rw_lanes_within(x, 0xf3, 0xf3)) << at;
	}
}

/* The bits of what is_hot knows, more exactly: of dashes and slashes the second of two, of quotes
 * and dashes beyond ASCII, which begin as invisible characters do, none. before: the block in
 * front. */
static inline uint64_t hot_of(const struct classes *c, const struct classes *before)
{
	const uint64_t last = UINT64_C(3) << 62; /* what follows is not seen here */
	uint64_t pairs = (c->dash & (c->dash << 1 | before->dash >> 63)) |
			 (c->slash & (c->slash << 1 | before->slash >> 63));

	return c->entity | pairs | (c->lead & ((c->second >> 1 & c->third >> 2) | last));
}

/* The capitals in tokens of RW_SEG_LONG_TOKEN bytes or more, as far as the block at p has these. */
static inline uint64_t long_capitals(const char *p, uint64_t breaks)
{
	uint64_t rows = ~breaks, capitals = 0;

	rows &= rows >> 1;
	rows &= rows >> 2;
	rows &= rows >> 4;
	rows &= rows >> 8;
	if (!rows)
		return 0;
	rows |= rows << 1;
	rows |= rows << 2;
	rows |= rows << 4;
	rows |= rows << 8;
	for (unsigned i = 0; i < RW_BLOCK / RW_LANES; i++) {
		rw_lanes x = rw_lanes_load(p + (size_t)i * RW_LANES);

		capitals |= rw_lanes_bits(rw_lanes_within(x, 'A', 'Z')) << (i * RW_LANES);
	}
	return rows & capitals;
}

/* Here a token ends where the segmenter's does, and of long ones those have more to them that have
 * a capital, or that are not whole in a block. */
size_t RW_HOT(rw_seg_skip)(const unsigned char *bytes, size_t from, size_t n)
{
	const char *p = (const char *)bytes;
	size_t at = from, open = 0; /* bytes since the last end of a token */
	struct classes of, last = {0};

	for (; at + RW_BLOCK <= n; at += RW_BLOCK, last = of) {
		uint64_t odd, before;

		classify(p + at, &of);
		if (open + (of.breaks ? (unsigned)__builtin_ctzll(of.breaks) : RW_BLOCK) >=
		    RW_SEG_LONG_TOKEN)
			return at - open;
		odd = hot_of(&of, &last) | long_capitals(p + at, of.breaks);
		if (odd) {
			before = of.breaks & ((odd & -odd) - 1);
			return before ? at + RW_BLOCK - (unsigned)__builtin_clzll(before)
				      : at - open;
		}
		open = of.breaks ? (unsigned)__builtin_clzll(of.breaks) : open + RW_BLOCK;
	}
	return skip_by_eight(p, at, n, open);
}

#endif
