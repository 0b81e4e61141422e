/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/lexicon.h"

#include <stdlib.h>

#include "scan/lanes.h"
#include "scan/swar.h"

enum { FILTER_BITS = 10, BUCKET_BITS = 12, LONG_BYTES = 6, PLACES = 128 };
enum { SHORT, LONG, TABLES };

/* An entry, with its first eight bytes (fewer where it is shorter) to compare at once. */
struct entry {
	uint64_t front, mask, hash;
	const char *text;
	uint32_t n, id;
	uint8_t table;
};

/* Short texts and long ones have a table each, by so much of their fronts. */
struct table {
	uint64_t filter[1 << FILTER_BITS];	 /* of each entry, two bits of one word */
	uint32_t bucket[(1 << BUCKET_BITS) + 1]; /* where its entries begin */
};

/* The entries of the short words, then those of the long ones. */
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

/* Its high bits are good. */
static inline uint64_t hash(uint64_t key)
{
	return key * UINT64_C(0x9e3779b97f4a7c15);
}

static inline unsigned bucket_of(uint64_t h)
{
	return (unsigned)(h >> (64 - BUCKET_BITS));
}

static inline uint64_t may_be(const struct table *t, uint64_t h)
{
	uint64_t bits = t->filter[h >> (64 - FILTER_BITS)];

	return bits >> (h >> 40 & 63) & bits >> (h >> 34 & 63) & 1;
}

/* Bytes of words at the front of the text, at most RW_LEXICON_BYTES_MIN. */
static unsigned run_of(const char *text, size_t n)
{
	unsigned run = 0;

	while (run < n && run < RW_LEXICON_BYTES_MIN && rw_is_word_byte((unsigned char)text[run]))
		run++;
	return run;
}

static unsigned short_key_bytes(const char *text, size_t n)
{
	return run_of(text, n) + key_bytes[(unsigned char)*text];
}

bool rw_lexicon_holds(const char *text, size_t n)
{
	unsigned bytes = n ? short_key_bytes(text, n) : 0;

	if (!bytes || bytes > n)
		return false;
	return rw_begins_word((unsigned char)*text) || text[1] != ' ';
}

static int by_hash(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->table != y->table)
		return x->table < y->table ? -1 : 1;
	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static void fill(struct rw_lexicon *w, struct entry *e, const struct rw_lexicon_entry *from)
{
	char front[8] = "", mask[8] = "";
	size_t bytes = from->n < 8 ? from->n : 8;
	uint64_t h;

	*e = (struct entry){.text = from->text,
			    .n = from->n,
			    .id = from->id,
			    .table = from->n >= LONG_BYTES ? LONG : SHORT};
	memcpy(front, e->text, bytes);
	memset(mask, 0xff, bytes);
	e->front = rw_load8(front);
	e->mask = rw_load8(mask);
	h = hash(key_of(e->front, e->table == LONG ? LONG_BYTES : short_key_bytes(e->text, e->n)));
	e->hash = h;
	w->tables[e->table].filter[h >> (64 - FILTER_BITS)] |= UINT64_C(1) << (h >> 40 & 63) |
							       UINT64_C(1) << (h >> 34 & 63);
}

struct rw_lexicon *rw_lexicon_new(const struct rw_lexicon_entry *entries, unsigned n)
{
	struct rw_lexicon *w = calloc(1, sizeof(*w) + n * sizeof(w->entries[0]));
	unsigned at = 0;

	if (!w)
		return NULL;
	w->n = n;
	for (unsigned i = 0; i < n; i++)
		fill(w, &w->entries[i], &entries[i]);
	qsort(w->entries, n, sizeof(w->entries[0]), by_hash);
	for (unsigned t = 0; t < TABLES; t++) {
		for (unsigned b = 0; b <= 1 << BUCKET_BITS; b++) {
			while (at < n && w->entries[at].table == t &&
			       bucket_of(w->entries[at].hash) < b)
				at++;
			w->tables[t].bucket[b] = at;
		}
	}
	return w;
}

void rw_lexicon_free(struct rw_lexicon *w)
{
	free(w);
}

/* --- where words begin --------------------------------------------------------------------- */

/* 64 bytes: which are of words, and where else something may begin. */
struct block {
	uint64_t word, lead, sign, space;
};

static inline struct block classify(const char *p)
{
	struct block b = {0};

	for (unsigned i = 0; i < RW_BLOCK / RW_LANES; i++) {
		rw_lanes x = rw_lanes_load(p + (size_t)i * RW_LANES), word = rw_lanes_word(x);
		unsigned at = i * RW_LANES;

		b.word |= rw_lanes_bits(word) << at;
		b.lead |= rw_lanes_bits(rw_lanes_within(x, 0xc0, 0xff)) << at;
		b.sign |= rw_lanes_bits(rw_lanes_within(x, '!', '~') & ~word) << at;
		b.space |= rw_lanes_bits(rw_lanes_equal(x, ' ')) << at;
	}
	return b;
}

struct search {
	const struct rw_lexicon *w;
	struct rw_slice text;
	void (*found)(void *arg, uint32_t id, size_t start);
	void *arg;
	/* Where something of the tables may begin: gathered first and looked at then, so that no
	 * branch of the gathering is a guess. */
	uint32_t places[PLACES];
	unsigned n;
};

/* The entries of one bucket that start at at. */
static void look(const struct search *s, unsigned table, uint64_t h, size_t at, uint64_t front)
{
	const uint32_t *bucket = &s->w->tables[table].bucket[bucket_of(h)];
	const char *p = s->text.p + at;
	size_t left = s->text.n - at;

	for (uint32_t i = bucket[0]; i < bucket[1]; i++) {
		const struct entry *e = &s->w->entries[i];

		if (e->hash == h && (front & e->mask) == e->front && e->n <= left &&
		    (e->n <= 8 || !memcmp(p + 8, e->text + 8, e->n - 8)))
			s->found(s->arg, e->id, at);
	}
}

static void look_all(struct search *s)
{
	const struct table *tables = s->w->tables;

	for (unsigned i = 0; i < s->n; i++) {
		size_t at = s->places[i], left = s->text.n - at;
		const char *p = s->text.p + at;
		char last[8] = "";
		uint64_t front, h;

		front = rw_load8(left < 8 ? memcpy(last, p, left) : p);
		h = hash(key_of(front, LONG_BYTES));
		if (may_be(&tables[LONG], h))
			look(s, LONG, h, at, front);
		h = hash(key_of(front, short_key_bytes(p, left)));
		if (may_be(&tables[SHORT], h))
			look(s, SHORT, h, at, front);
	}
	s->n = 0;
}

/* Gathers places in the block at p, which is the text's at at, and is followed by eight bytes more;
 * behind: bytes of words there. */
static inline void gather(struct search *s, const char *p, size_t at, const struct block *b,
			  uint64_t starts, uint64_t behind)
{
	const struct table *tables = s->w->tables;
	unsigned n = s->n;

	while (starts) {
		unsigned i = (unsigned)__builtin_ctzll(starts), bytes;
		uint64_t front = rw_load8(p + i), run = b->word >> i | behind << 1 << (63 - i);

		starts &= starts - 1;
		bytes = (unsigned)__builtin_ctzll(~run | 1 << RW_LEXICON_BYTES_MIN) +
			key_bytes[(unsigned char)p[i]];
		s->places[n] = (uint32_t)(at + i);
		n += (unsigned)(may_be(&tables[LONG], hash(key_of(front, LONG_BYTES))) |
				may_be(&tables[SHORT], hash(key_of(front, bytes))));
	}
	s->n = n;
	if (n > PLACES - RW_BLOCK)
		look_all(s);
}

/* What the block before leaves: whether its last byte is of a word. */
static inline void gather_block(struct search *s, const char *p, size_t at, uint64_t *before,
				const struct block *b, const struct block *next)
{
	uint64_t spaces = b->space >> 1 | next->space << 63;
	uint64_t starts = (b->word & ~(b->word << 1 | *before)) | b->lead | (b->sign & ~spaces);

	*before = b->word >> 63;
	gather(s, p, at, b, starts, next->word);
}

void rw_lexicon_find(const struct rw_lexicon *w, struct rw_slice text,
		     void (*found)(void *arg, uint32_t id, size_t start), void *arg)
{
	struct search s = {.w = w, .text = text, .found = found, .arg = arg};
	char rest[2 * RW_BLOCK + 2 * RW_LANES] = "";
	const struct block none = {0};
	struct block b, next;
	uint64_t before = 0;
	size_t at = 0;

	if (text.n >= 2 * RW_BLOCK)
		for (b = classify(text.p); at + 2 * RW_BLOCK <= text.n; at += RW_BLOCK, b = next) {
			next = classify(text.p + at + RW_BLOCK);
			gather_block(&s, text.p + at, at, &before, &b, &next);
		}
	/* What is left is less than two blocks, and is followed by zeros here. */
	memcpy(rest, text.p + at, text.n - at);
	b = classify(rest);
	next = classify(rest + RW_BLOCK);
	gather_block(&s, rest, at, &before, &b, &next);
	gather_block(&s, rest + RW_BLOCK, at + RW_BLOCK, &before, &next, &none);
	look_all(&s);
}
