/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text against the table, a chunk at a time: where something may begin is gathered, sifted by
 * the filters 64 places at a time, and what is left is looked up. So no branch of the first two,
 * which see every word, is a guess.
 */
#include "scan/lanes.h"
#include "scan/lexicon_int.h"

enum {
	CHUNK = 1024,	   /* bytes of text */
	GROUP = 64,	   /* places that are sifted at once */
	BLOCK_STARTS = 16, /* places in a block; few have more */
	AHEAD = RW_BLOCK,  /* bytes behind a place that may be read */
};

/* Where something of a table may begin. */
struct place {
	uint64_t key; /* the bytes there that count */
	uint16_t at, table;
};

struct search {
	const struct rw_lexicon *w;
	const uint64_t *filter[TABLES];
	void (*found)(void *arg, uint32_t id, size_t start);
	void *arg;
	const char *p; /* the chunk; AHEAD bytes behind it can be read */
	size_t begun;  /* where in the text it is */
	size_t left;   /* bytes of the text from there on */
	/* Where something may begin; those past the last are 0, so that a whole group can be read.
	 */
	uint16_t at[CHUNK + GROUP];
	unsigned n;
};

/* --- where words begin -------------------------------------------------------------------------
 */

/* Of the 64 bytes at p a bit where something may begin; before: whether a word goes on into them,
 * and then whether one goes on behind. */
static inline uint64_t starts_of(const char *p, uint64_t *before)
{
	uint64_t word = 0, other = 0, starts;

	for (unsigned i = 0; i < RW_BLOCK / RW_LANES; i++) {
		rw_lanes x = rw_lanes_load(p + (size_t)i * RW_LANES);
		rw_lanes next = rw_lanes_load(p + (size_t)i * RW_LANES + 1);
		rw_lanes in = rw_lanes_word(x);
		rw_lanes sign = rw_lanes_within(x, '!', '~') & ~rw_lanes_equal(next, ' ');
		rw_lanes open = rw_lanes_equal(x, '[') | rw_lanes_equal(x, '<');
		rw_lanes lead = rw_lanes_within(x, 0xc0, 0xff);

		word |= rw_lanes_bits(in) << (i * RW_LANES);
		other |= rw_lanes_bits((sign & ~in) | open | lead) << (i * RW_LANES);
	}
	starts = (word & ~(word << 1 | *before)) | other;
	*before = word >> 63;
	return starts;
}

static inline void gather(struct search *s, size_t n, uint64_t *before)
{
	uint16_t *to = s->at;

	for (size_t at = 0; at < n; at += RW_BLOCK)
		to = rw_put_places(to, at, starts_of(s->p + at, before), BLOCK_STARTS);
	memset(to, 0, GROUP * sizeof(*to));
	s->n = (unsigned)(to - s->at);
}

/* --- what the filters let through --------------------------------------------------------------
 */

/* Of a group a bit for each place by table, and the keys of short texts; no more of a last one. */
struct sifted {
	uint64_t in[TABLES];
	uint64_t short_key[GROUP];
};

#if RW_LEVEL == 1

static void sift(const struct search *s, const uint16_t *at, unsigned n, struct sifted *out)
{
	memset(out->in, 0, sizeof(out->in));
	for (unsigned i = 0; i < n; i++) {
		uint64_t front = rw_load8(s->p + at[i]), key;

		key = key_of(front, short_key_bytes(s->p + at[i], RW_LEXICON_BYTES_MIN));
		out->in[LONG] |= may_be(s->filter[LONG], hash(front)) << i;
		out->in[MIDDLE] |= may_be(s->filter[MIDDLE], hash(key_of(front, MIDDLE_BYTES)))
				   << i;
		out->in[SHORT] |= may_be(s->filter[SHORT], hash(key)) << i;
		out->short_key[i] = key;
	}
}

#else

/* As may_be, a bit for each. */
static inline uint64_t may_be_each(const uint64_t *filter, rw_nums key)
{
	rw_nums h = key * RW_LEXICON_HASH, bits;
	uint16_t at[RW_NUMS];

	rw_nums_store16(at, h >> (64 - FILTER_BITS) << 3);
	bits = rw_nums_gather((const char *)filter, at, 1);
	bits = bits >> (h >> 40 & 63) & bits >> (h >> 34 & 63);
	return rw_nums_bits(bits << 63);
}

/* As short_key_bytes has them, all bits of the bytes that count. */
static inline rw_nums short_key_mask(rw_nums front)
{
	rw_nums first = front & 0xff, of_word, no_word;

	/* the lowest bit that is set is that of the first byte that is of no word, or the fifth */
	no_word = ~(rw_nums)rw_lanes_word((rw_lanes)front) | UINT64_C(1) << 32;
	of_word = (no_word & -no_word) - 1;
	return of_word |
	       ((rw_nums)(of_word == 0) & (((rw_nums)(first >= 0xc0) & 0xff0000) | 0xffff));
}

static void sift(const struct search *s, const uint16_t *at, unsigned n, struct sifted *out)
{
	memset(out->in, 0, sizeof(out->in));
	for (unsigned i = 0; i < n; i += RW_NUMS) {
		rw_nums front = rw_nums_gather(s->p, at + i, 1);
		rw_nums key = front & short_key_mask(front);

		out->in[LONG] |= may_be_each(s->filter[LONG], front) << i;
		out->in[MIDDLE] |= may_be_each(s->filter[MIDDLE], front & rw_first8(MIDDLE_BYTES))
				   << i;
		out->in[SHORT] |= may_be_each(s->filter[SHORT], key) << i;
		memcpy(&out->short_key[i], &key, sizeof(key));
	}
}

#endif

/* --- what is in the table ----------------------------------------------------------------------
 */

/* Adds a place where it is one; the place for the next. */
static inline struct place *add_place(struct place *to, uint16_t at, unsigned table, uint64_t key,
				      uint64_t is_one)
{
	*to = (struct place){key, at, (uint16_t)table};
	return to + (is_one & 1);
}

/* The places of a group, by where they are and there those of long texts first. */
static struct place *list_places(const struct search *s, const uint16_t *at,
				 const struct sifted *in, uint64_t valid, struct place *to)
{
	uint64_t some = (in->in[LONG] | in->in[MIDDLE] | in->in[SHORT]) & valid;

	for (; some; some &= some - 1) {
		unsigned i = (unsigned)__builtin_ctzll(some);
		uint64_t front = rw_load8(s->p + at[i]);

		to = add_place(to, at[i], LONG, front, in->in[LONG] >> i);
		to = add_place(to, at[i], MIDDLE, key_of(front, MIDDLE_BYTES), in->in[MIDDLE] >> i);
		to = add_place(to, at[i], SHORT, in->short_key[i], in->in[SHORT] >> i);
	}
	return to;
}

/* Whether what starts at p, of which left bytes are there, goes on as the entry's text does from
 * its 17th byte on. */
static bool goes_on(const struct entry *e, const char *p, size_t left)
{
	return e->n <= left && !memcmp(p + 16, e->text + 16, e->n - 16);
}

#define FIRST(n) (~UINT64_C(0) >> (64 - 8 * (n)))

/* From 16 - n on: all bits of the first n of eight bytes, and eight further on those of the first
 * n - 8 of the next eight. */
static const uint64_t first_bytes[8 + 17] = {
	FIRST(8), FIRST(8), FIRST(8), FIRST(8), FIRST(8), FIRST(8), FIRST(8), FIRST(8),
	FIRST(8), FIRST(7), FIRST(6), FIRST(5), FIRST(4), FIRST(3), FIRST(2), FIRST(1),
};

/* The entries that start at a place. Behind the end of the text are zeros, which no entry has. */
static inline void look(const struct search *s, const struct place *at)
{
	const struct table *t = &s->w->tables[at->table];
	uint64_t h = hash(at->key), front, behind;
	const struct slot *slot = slot_of(t, slot_at(t, h), tag_of(at->table, at->key, h));
	const struct entry *e = &s->w->entries[slot->first], *end = e + slot->n;
	const char *p = s->p + at->at;

	front = rw_load8(p);
	behind = rw_load8(p + 8);
	for (; e < end; e++) {
		const uint64_t *mask = &first_bytes[e->n < 16 ? 16 - e->n : 0];
		uint64_t differs = ((front & mask[0]) ^ e->front) |
				   ((behind & mask[8]) ^ e->behind);

		if (!differs && (e->n <= 16 || goes_on(e, p, s->left - at->at)))
			s->found(s->arg, e->id, s->begun + at->at);
	}
}

static void find_chunk(struct search *s, size_t n, uint64_t *before)
{
	struct place places[TABLES * GROUP + 1], *end;
	struct sifted in;

	gather(s, n, before);
	for (unsigned i = 0; i < s->n; i += GROUP) {
		unsigned some = s->n - i < GROUP ? s->n - i : GROUP;

		sift(s, s->at + i, some, &in);
		end = list_places(s, s->at + i, &in,
				  some < GROUP ? (UINT64_C(1) << some) - 1 : ~UINT64_C(0), places);
		for (const struct place *p = places; p < end; p++)
			look(s, p);
	}
}

void RW_HOT(rw_lexicon_find)(const struct rw_lexicon *w, struct rw_slice text,
			     enum rw_lexicon_want want,
			     void (*found)(void *arg, uint32_t id, size_t start), void *arg)
{
	char rest[CHUNK + 3 * AHEAD];
	uint64_t before = 0;
	struct search s;
	size_t n;

	s.w = w;
	for (unsigned t = 0; t < TABLES; t++)
		s.filter[t] = w->tables[t].filters[want];
	s.found = found;
	s.arg = arg;
	s.begun = 0;
	for (; (s.left = text.n - s.begun) >= CHUNK + AHEAD + RW_LANES; s.begun += CHUNK) {
		s.p = text.p + s.begun;
		find_chunk(&s, CHUNK, &before);
	}
	/* What is left is followed by zeros here. */
	for (s.p = rest; s.begun < text.n; s.begun += n, s.left -= n) {
		n = s.left < CHUNK ? s.left : CHUNK;
		memset(mempcpy(rest, text.p + s.begun, s.left), 0, sizeof(rest) - s.left);
		find_chunk(&s, n, &before);
	}
}
