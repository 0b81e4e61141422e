/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/lexicon.h"

#include <stdlib.h>
#include <string.h>

enum { FILTER_BITS = 16, BUCKET_BITS = 12, LANES = 16, BLOCK = 64 };
enum { SHORT, LONG, TABLES };

/* Bytes of its front that a word is found by: short words and long ones have a table each. */
static const uint64_t keys[TABLES] = {UINT64_C(0xffffffff), UINT64_C(0xffffffffffff)};
enum { LONG_BYTES = 6 };

/* An entry, with its first eight bytes (fewer where it is shorter) to compare at once. */
struct entry {
	uint64_t front, mask;
	const char *text;
	uint32_t n, id, bucket;
};

struct table {
	uint64_t filter[(1 << FILTER_BITS) / 64];
	uint32_t bucket[(1 << BUCKET_BITS) + 1]; /* where its entries begin */
};

/* The entries of the short words, then those of the long ones. */
struct rw_lexicon {
	struct table tables[TABLES];
	unsigned n;
	struct entry entries[];
};

/* Eight bytes, of which as many count as there are. The first is the lowest. */
static inline uint64_t load8(const char *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? x : __builtin_bswap64(x);
}

/* Its high bits are good. */
static inline uint64_t hash(uint64_t front, unsigned table)
{
	return (front & keys[table]) * UINT64_C(0x9e3779b97f4a7c15);
}

static inline unsigned bucket_of(uint64_t front, unsigned table)
{
	return (unsigned)(hash(front, table) >> (64 - BUCKET_BITS));
}

static inline bool may_be(const struct table *t, uint64_t front, unsigned table)
{
	unsigned bit = (unsigned)(hash(front, table) >> (64 - FILTER_BITS));

	return t->filter[bit / 64] >> bit % 64 & 1;
}

static unsigned table_of(const struct entry *e)
{
	return e->n >= LONG_BYTES ? LONG : SHORT;
}

static int by_bucket(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (table_of(x) != table_of(y))
		return table_of(x) < table_of(y) ? -1 : 1;
	if (x->bucket != y->bucket)
		return x->bucket < y->bucket ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

struct rw_lexicon *rw_lexicon_new(const struct rw_lexicon_entry *entries, unsigned n)
{
	struct rw_lexicon *w = calloc(1, sizeof(*w) + n * sizeof(w->entries[0]));
	unsigned at = 0;

	if (!w)
		return NULL;
	w->n = n;
	for (unsigned i = 0; i < n; i++) {
		struct entry *e = &w->entries[i];
		char front[8] = "", mask[8] = "";
		size_t bytes = entries[i].n < 8 ? entries[i].n : 8;
		unsigned bit;

		*e = (struct entry){
			.text = entries[i].text, .n = entries[i].n, .id = entries[i].id};
		memcpy(front, e->text, bytes);
		memset(mask, 0xff, bytes);
		e->front = load8(front);
		e->mask = load8(mask);
		e->bucket = bucket_of(e->front, table_of(e));
		bit = (unsigned)(hash(e->front, table_of(e)) >> (64 - FILTER_BITS));
		w->tables[table_of(e)].filter[bit / 64] |= UINT64_C(1) << bit % 64;
	}
	qsort(w->entries, n, sizeof(w->entries[0]), by_bucket);
	for (unsigned t = 0; t < TABLES; t++) {
		for (unsigned b = 0; b <= 1 << BUCKET_BITS; b++) {
			while (at < n && table_of(&w->entries[at]) == t &&
			       w->entries[at].bucket < b)
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

typedef unsigned char lanes __attribute__((vector_size(LANES)));

/* The lanes whose bytes are in [first, last], all bits set. */
static inline lanes within(lanes x, unsigned char first, unsigned char last)
{
	return (lanes)(x - first <= (unsigned char)(last - first));
}

/* A bit a lane. */
static inline uint64_t bits_of(lanes x)
{
#ifdef __SSE2__
	typedef char chars __attribute__((vector_size(LANES)));

	return (unsigned)__builtin_ia32_pmovmskb128((chars)x) & 0xffff;
#else
	uint64_t out = 0;

	for (unsigned i = 0; i < LANES; i++)
		out |= (uint64_t)(x[i] >> 7) << i;
	return out;
#endif
}

/* For 64 bytes: which are of words, and which begin characters beyond ASCII. */
static inline void classify(const char *p, uint64_t *word, uint64_t *lead)
{
	*word = *lead = 0;
	for (unsigned i = 0; i < BLOCK / LANES; i++) {
		lanes x;

		memcpy(&x, p + (size_t)i * LANES, LANES);
		*word |= bits_of(within(x | 0x20, 'a', 'z') | within(x, '0', '9') |
				 within(x, '_', '_'))
			 << (i * LANES);
		*lead |= bits_of(within(x, 0xc0, 0xff)) << (i * LANES);
	}
}

struct search {
	const struct rw_lexicon *w;
	struct rw_slice text;
	void (*found)(void *arg, uint32_t id, size_t start);
	void *arg;
};

/* The words of one table that start at at, where its filter let them pass. */
static void look(const struct search *s, unsigned table, size_t at, uint64_t front)
{
	const uint32_t *bucket = &s->w->tables[table].bucket[bucket_of(front, table)];
	const char *p = s->text.p + at;
	size_t left = s->text.n - at;

	for (uint32_t i = bucket[0]; i < bucket[1]; i++) {
		const struct entry *e = &s->w->entries[i];

		if ((front & e->mask) == e->front && e->n <= left &&
		    (e->n <= 8 || !memcmp(p + 8, e->text + 8, e->n - 8)))
			s->found(s->arg, e->id, at);
	}
}

/* Looks at each place of the bits, which are of 64 bytes from at on. */
static void look_all(const struct search *s, size_t at, uint64_t starts)
{
	while (starts) {
		size_t i = at + (unsigned)__builtin_ctzll(starts);
		char last[8] = "";
		uint64_t front;

		starts &= starts - 1;
		if (i + sizeof(front) <= s->text.n) {
			front = load8(s->text.p + i);
		} else {
			memcpy(last, s->text.p + i, s->text.n - i);
			front = load8(last);
		}
		if (may_be(&s->w->tables[LONG], front, LONG))
			look(s, LONG, i, front);
		if (may_be(&s->w->tables[SHORT], front, SHORT))
			look(s, SHORT, i, front);
	}
}

void rw_lexicon_find(const struct rw_lexicon *w, struct rw_slice text,
		     void (*found)(void *arg, uint32_t id, size_t start), void *arg)
{
	const struct search s = {w, text, found, arg};
	uint64_t word, lead, before = 0;
	char rest[BLOCK] = "";
	size_t at = 0;

	for (; at + BLOCK <= text.n; at += BLOCK) {
		classify(text.p + at, &word, &lead);
		look_all(&s, at, (word & ~(word << 1 | before)) | lead);
		before = word >> 63;
	}
	if (at == text.n)
		return;
	memcpy(rest, text.p + at, text.n - at);
	classify(rest, &word, &lead);
	look_all(&s, at, (word & ~(word << 1 | before)) | lead);
}
