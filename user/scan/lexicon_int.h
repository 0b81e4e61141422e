/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the lexicon: the table, and how what begins somewhere is looked for in it.
 */
#ifndef RW_SCAN_LEXICON_INT_H
#define RW_SCAN_LEXICON_INT_H

#include "scan/lexicon.h"
#include "scan/swar.h"

enum { FILTER_BITS = 10, MIDDLE_BYTES = 6, LONG_BYTES = 8 };
enum { SHORT, MIDDLE, LONG, TABLES };

/* An entry: its first eight bytes and the eight behind (zeros behind a shorter one), and its text
 * for what is longer. */
struct entry {
	uint64_t front, behind;
	const char *text;
	uint32_t n, id;
};

/* The entries that have one tag: n of them from first on, by their ids. n is 0 in a free slot;
 * where one is taken the next is tried. */
struct slot {
	uint32_t tag;
	uint16_t first, n;
};

/* Short texts, longer and long ones have a table each, by so much of their fronts. */
struct table {
	/* By what is wanted: of each key, two bits of one word. */
	uint64_t filters[RW_LEXICON_WANTS][1 << FILTER_BITS];
	struct slot *slots;
	unsigned bits; /* 1 << bits slots */
};

/* The entries by their tables and tags. */
struct rw_lexicon {
	struct table tables[TABLES];
	unsigned n;
	struct entry entries[];
};

/* How many bytes of a text that begins with the byte are the key of a short one; 0: as many as go
 * on with its word, at most RW_LEXICON_BYTES_MIN. */
static const uint8_t key_bytes[256] = {
	['!' ... '/'] = 2, [':' ... '@'] = 2, ['[' ... '^'] = 2,
	['`'] = 2,	   ['{' ... '~'] = 2, [0xc0 ... 0xff] = 3,
};

/* n at least 1. */
static inline uint64_t key_of(uint64_t front, unsigned n)
{
	return front & rw_first8(n);
}

#define RW_LEXICON_HASH UINT64_C(0x9e3779b97f4a7c15)

/* Its high bits are good. */
static inline uint64_t hash(uint64_t key)
{
	return key * RW_LEXICON_HASH;
}

/* What a key is known by in its table. That of a short one is the key itself; what else has that
 * of a longer one, a look at the entries tells. */
static inline uint32_t tag_of(unsigned table, uint64_t key, uint64_t h)
{
	return table == SHORT ? (uint32_t)key : (uint32_t)(h >> 32);
}

static inline unsigned slot_at(const struct table *t, uint64_t h)
{
	return (unsigned)(h >> (64 - t->bits));
}

/* Where the tag is, from there on, or a free slot for it. */
static inline struct slot *slot_of(const struct table *t, unsigned at, uint32_t tag)
{
	while (t->slots[at].n && t->slots[at].tag != tag)
		at = (at + 1) & ((1u << t->bits) - 1);
	return &t->slots[at];
}

/* Whether a key of the filter may have this hash. */
static inline uint64_t may_be(const uint64_t *filter, uint64_t h)
{
	uint64_t bits = filter[h >> (64 - FILTER_BITS)];

	return bits >> (h >> 40 & 63) & bits >> (h >> 34 & 63) & 1;
}

/* Bytes of words at the front of the text, at most RW_LEXICON_BYTES_MIN. */
static inline unsigned run_of(const char *text, size_t n)
{
	unsigned run = 0;

	while (run < n && run < RW_LEXICON_BYTES_MIN && rw_is_word_byte((unsigned char)text[run]))
		run++;
	return run;
}

/* What is the key of a text of n bytes, were it a short one. */
static inline unsigned short_key_bytes(const char *text, size_t n)
{
	return run_of(text, n) + key_bytes[(unsigned char)*text];
}

#endif
