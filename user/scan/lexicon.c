/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/lexicon.h"

#include <stdlib.h>

#include "scan/lanes.h"
#include "scan/swar.h"

enum { FILTER_BITS = 10, BUCKET_BITS = 12, MIDDLE_BYTES = 6, LONG_BYTES = 8, PLACES = 320 };
enum { SHORT, MIDDLE, LONG, TABLES };

/* An entry, with its first eight bytes (zeros behind a shorter one) to compare at once. */
struct entry {
	uint64_t front;
	const char *text;
	uint32_t hash; /* the upper half: nearly all that is another's is seen by it */
	uint32_t id;
	uint32_t n;
	uint8_t table;
	bool whole;
};

/* Short texts, longer and long ones have a table each, by so much of their fronts. */
struct table {
	uint64_t filter[1 << FILTER_BITS];	 /* of each entry, two bits of one word */
	uint32_t bucket[(1 << BUCKET_BITS) + 1]; /* where its entries begin */
};

/* The entries by their tables. */
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
	return rw_begins_word((unsigned char)*text) || text[1] != ' ' || *text == '[' ||
	       *text == '<';
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
	unsigned table = from->n >= LONG_BYTES ? LONG : from->n >= MIDDLE_BYTES ? MIDDLE : SHORT;
	char front[8] = "";
	unsigned bytes;
	uint64_t h;

	memcpy(front, from->text, from->n < 8 ? from->n : 8);
	bytes = table == SHORT	? short_key_bytes(from->text, from->n)
		: table == LONG ? LONG_BYTES
				: MIDDLE_BYTES;
	h = hash(key_of(rw_load8(front), bytes));
	*e = (struct entry){
		.front = rw_load8(front),
		.text = from->text,
		.hash = (uint32_t)(h >> 32),
		.id = from->id,
		.n = from->n,
		.table = (uint8_t)table,
		.whole = run_of(from->text, from->n) == from->n && from->n < RW_LEXICON_BYTES_MIN,
	};
	w->tables[table].filter[h >> (64 - FILTER_BITS)] |= UINT64_C(1) << (h >> 40 & 63) |
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
			       w->entries[at].hash >> (32 - BUCKET_BITS) < b)
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
	uint64_t word, lead, sign, space, open;
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
		b.open |= rw_lanes_bits(rw_lanes_equal(x, '[') | rw_lanes_equal(x, '<')) << at;
	}
	return b;
}

struct search {
	const struct rw_lexicon *w;
	struct rw_slice text;
	void (*found)(void *arg, uint32_t id, size_t start);
	void *arg;
	/* Where something of a table may begin, which the bytes of its key tell: gathered first and
	 * looked at then, so that no branch of the gathering is a guess. */
	struct place {
		uint32_t at, bytes;
	} places[PLACES];
	unsigned n;
};

/* Whether what starts at p, of which left bytes are there, is the entry's text from its ninth byte
 * on. */
static inline bool goes_on(const struct entry *e, const char *p, size_t left)
{
	if (e->n > left)
		return false;
	if (e->n <= 8)
		return true;
	if (rw_load8(p + e->n - 8) != rw_load8(e->text + e->n - 8))
		return false;
	return e->n <= 16 || !memcmp(p + 8, e->text + 8, e->n - 16);
}

/* The entries that start at a place. */
static inline void look(const struct search *s, const struct place *at)
{
	unsigned table = at->bytes >= MIDDLE_BYTES ? at->bytes / 2 - 2 : SHORT;
	const uint32_t *bucket = s->w->tables[table].bucket;
	size_t left = s->text.n - at->at;
	const char *p = s->text.p + at->at;
	char last[8] = "";
	uint64_t front = rw_load8(left < 8 ? memcpy(last, p, left) : p);
	uint64_t h = hash(key_of(front, at->bytes));
	const struct entry *e = &s->w->entries[bucket[bucket_of(h)]];
	const struct entry *end = &s->w->entries[bucket[bucket_of(h) + 1]];

	for (; e < end; e++)
		if (e->hash == (uint32_t)(h >> 32) &&
		    (front & rw_first8(e->n < 8 ? e->n : 8)) == e->front &&
		    !(e->whole && e->n != at->bytes) && goes_on(e, p, left))
			s->found(s->arg, e->id, at->at);
}

static void look_all(struct search *s)
{
	for (unsigned i = 0; i < s->n; i++)
		look(s, &s->places[i]);
	s->n = 0;
}

/* Adds a place where it is one; the place for the next. */
static inline struct place *add_place(struct place *p, size_t at, unsigned bytes, uint64_t is_one)
{
	*p = (struct place){(uint32_t)at, bytes};
	return p + is_one;
}

/* Gathers places in the block at p, which is the text's at at, and is followed by eight bytes more;
 * behind: bytes of words there. */
static inline void gather(struct search *s, const char *p, size_t at, const struct block *b,
			  uint64_t starts, uint64_t behind)
{
	const struct table *tables = s->w->tables;
	struct place *to = s->places + s->n;

	while (starts) {
		unsigned i = (unsigned)__builtin_ctzll(starts), bytes;
		uint64_t front = rw_load8(p + i), run = b->word >> i | behind << 1 << (63 - i);

		starts &= starts - 1;
		bytes = (unsigned)__builtin_ctzll(~run | 1 << RW_LEXICON_BYTES_MIN) +
			key_bytes[(unsigned char)p[i]];
		to = add_place(to, at + i, LONG_BYTES, may_be(&tables[LONG], hash(front)));
		to = add_place(to, at + i, MIDDLE_BYTES,
			       may_be(&tables[MIDDLE], hash(key_of(front, MIDDLE_BYTES))));
		to = add_place(to, at + i, bytes,
			       may_be(&tables[SHORT], hash(key_of(front, bytes))));
	}
	s->n = (unsigned)(to - s->places);
	if (s->n > PLACES - TABLES * RW_BLOCK)
		look_all(s);
}

/* What the block before leaves: whether its last byte is of a word. */
static inline void gather_block(struct search *s, const char *p, size_t at, uint64_t *before,
				const struct block *b, const struct block *next)
{
	uint64_t spaces = b->space >> 1 | next->space << 63;
	uint64_t starts = (b->word & ~(b->word << 1 | *before)) | b->lead | (b->sign & ~spaces) |
			  b->open;

	*before = b->word >> 63;
	gather(s, p, at, b, starts, next->word);
}

void rw_lexicon_find(const struct rw_lexicon *w, struct rw_slice text,
		     void (*found)(void *arg, uint32_t id, size_t start), void *arg)
{
	struct search s;
	char rest[2 * RW_BLOCK + 2 * RW_LANES] = "";
	const struct block none = {0};
	struct block b, next;
	uint64_t before = 0;
	size_t at = 0;

	s.w = w;
	s.text = text;
	s.found = found;
	s.arg = arg;
	s.places[0] = (struct place){0};
	s.n = 0;
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
