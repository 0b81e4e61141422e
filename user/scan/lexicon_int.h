/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the lexicon: the table, and how what begins somewhere is looked for in it.
 */
#ifndef RW_SCAN_LEXICON_INT_H
#define RW_SCAN_LEXICON_INT_H

#include "scan/lexicon.h"
#include "scan/swar.h"

enum { FILTER_BITS = 10, MIDDLE_BYTES = 6, LONG_BYTES = 8 };
enum { SHORT, MIDDLE, LONG, TABLES };
enum { PLAIN, ALL, WANTS }; /* without extra entries, and with */

/*
 * Entries side by side, so that as many are compared at once. What is compared: of a long one the
 * eight bytes behind its key, else its first eight; zeros behind its end. What it is: how many
 * bytes of these count, and its id. Of more than ENTRY_BYTES all count, and instead of its id
 * stands its number among such. An entry of which no bytes count but some are there is none.
 */
enum { QUAD = 4 };
struct quad {
	uint64_t bytes[QUAD];
	uint32_t what[QUAD];
};
enum { ENTRY_BYTES = 16 };
enum { WHAT_ID = 0xffffff, WHAT_BEYOND = 1 << 24, WHAT_BYTES_SHIFT = 28 };

/* The entries that have one key, by their ids, in one line of the cache: the first, and where in
 * more[] those behind them stand, n of them in all. n is 0 in a free slot, whose entries are none;
 * where one is taken the next is tried. */
struct slot {
	struct quad entries;
	uint64_t key;
	uint32_t more, n;
} __attribute__((aligned(64)));

/* Short texts, longer and long ones have a table each, by so much of their fronts. */
struct table {
	uint64_t filter[1 << FILTER_BITS]; /* of each key, two bits of one word */
	struct slot *slots;
	unsigned bits; /* 1 << bits slots */
};

/* Plain entries, few beside the others, have tables of their own, which take less of the cache. */
struct tables {
	struct table of[TABLES];
	/* Of what is not short, by as much as a middle one's key: where two tables need not be
	 * asked. */
	uint64_t no_short[1 << FILTER_BITS];
};

struct rw_lexicon {
	struct tables tables[WANTS];
	struct quad *more;
	unsigned n_more;
	struct rw_lexicon_entry *beyond; /* those of more than ENTRY_BYTES */
	unsigned n_beyond;
	size_t bytes; /* of all but the slots */
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

static inline unsigned slot_at(const struct table *t, uint64_t h)
{
	return (unsigned)(h >> (64 - t->bits));
}

/* Where the key is, from there on, or a free slot for it. Which of the two is no branch. */
static inline struct slot *slot_of(const struct table *t, unsigned at, uint64_t key)
{
	while (__builtin_expect((t->slots[at].n != 0) & (t->slots[at].key != key), 0))
		at = (at + 1) & ((1u << t->bits) - 1);
	return &t->slots[at];
}

/* Adds a key with this hash to a filter. */
static inline void let_through(uint64_t *filter, uint64_t h)
{
	filter[h >> (64 - FILTER_BITS)] |= UINT64_C(1) << (h >> 40 & 63) |
					   UINT64_C(1) << (h >> 34 & 63);
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
