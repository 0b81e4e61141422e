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
	HITS = 256,	   /* that are told at once */
};

/* Where something of a table may begin. */
struct place {
	uint64_t key; /* the bytes there that count */
	uint16_t at, table;
};

struct search {
	const struct rw_lexicon *w;
	const uint64_t *extra;	     /* where such entries are looked for; NULL: nowhere */
	const struct tables *tables; /* of the group that is looked at */
	rw_lexicon_found_fn *found;
	void *arg;
	const char *p; /* the chunk; AHEAD bytes behind it can be read */
	size_t begun;  /* where in the text it is */
	size_t left;   /* bytes of the text from there on */
	/* Where something may begin; those past the last are 0, so that a whole group can be read.
	 */
	uint16_t at[CHUNK + GROUP];
	unsigned n;
	/* What stands in the chunk and was not told yet: entries, and where. */
	struct rw_lexicon_hit hits[HITS + 2 * QUAD];
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

/* Of a group a bit for each place where a short text or another may be, and the keys of short ones;
 * bits behind the last place mean nothing. */
struct sifted {
	uint64_t in_short, no_short;
	uint64_t short_key[GROUP];
};

#if RW_LEVEL == 1

static void sift(const struct search *s, const uint16_t *at, unsigned n, struct sifted *out)
{
	out->in_short = out->no_short = 0;
	for (unsigned i = 0; i < n; i++) {
		uint64_t front = rw_load8(s->p + at[i]), key;

		key = key_of(front, short_key_bytes(s->p + at[i], RW_LEXICON_BYTES_MIN));
		out->no_short |= may_be(s->tables->no_short, hash(key_of(front, MIDDLE_BYTES)))
				 << i;
		out->in_short |= may_be(s->tables->of[SHORT].filter, hash(key)) << i;
		out->short_key[i] = key;
	}
}

#else

/* As may_be, a bit for each. */
static inline uint64_t may_be_each(const uint64_t *filter, rw_nums key)
{
	rw_nums h = key * RW_LEXICON_HASH, bits;

	bits = rw_nums_of(filter, h >> (64 - FILTER_BITS));
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
	out->in_short = out->no_short = 0;
	for (unsigned i = 0; i < n; i += RW_NUMS) {
		rw_nums front = rw_nums_gather(s->p, at + i, 1);
		rw_nums key = front & short_key_mask(front);

		out->no_short |= may_be_each(s->tables->no_short, front & rw_first8(MIDDLE_BYTES))
				 << i;
		out->in_short |= may_be_each(s->tables->of[SHORT].filter, key) << i;
		rw_nums_store(&out->short_key[i], key);
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
	uint64_t some = (in->in_short | in->no_short) & valid;

	for (; some; some &= some - 1) {
		unsigned i = (unsigned)__builtin_ctzll(some);
		uint64_t front = rw_load8(s->p + at[i]), middle = key_of(front, MIDDLE_BYTES);
		uint64_t no_short = in->no_short >> i;

		to = add_place(to, at[i], LONG, front,
			       no_short & may_be(s->tables->of[LONG].filter, hash(front)));
		to = add_place(to, at[i], MIDDLE, middle,
			       no_short & may_be(s->tables->of[MIDDLE].filter, hash(middle)));
		to = add_place(to, at[i], SHORT, in->short_key[i], in->in_short >> i);
	}
	return to;
}

/* Tells of the hits in front of last; of those of long texts what stands behind ENTRY_BYTES is
 * compared. */
static void tell(struct search *s, const struct rw_lexicon_hit *last)
{
	struct rw_lexicon_hit *to = s->hits;

	for (const struct rw_lexicon_hit *at = s->hits; at < last; at++) {
		struct rw_lexicon_hit hit = *at;
		size_t left = s->left - hit.start;

		*to = (struct rw_lexicon_hit){hit.id & WHAT_ID, (uint32_t)s->begun + hit.start};
		if (__builtin_expect(hit.id & WHAT_BEYOND, 0)) {
			const struct rw_lexicon_entry *e = &s->w->beyond[hit.id & WHAT_ID];

			if (e->n > left || memcmp(s->p + hit.start + ENTRY_BYTES,
						  e->text + ENTRY_BYTES, e->n - ENTRY_BYTES) != 0)
				continue;
			to->id = e->id;
		}
		to++;
	}
	if (to > s->hits)
		s->found(s->arg, s->hits, (unsigned)(to - s->hits));
}

/*
 * Adds a hit at at for each of the entries whose bytes stand in front of x; where the next goes. As
 * many as QUAD are written, whatever they are.
 */
#if RW_LEVEL == 1

static inline struct rw_lexicon_hit *compare(const struct quad *q, uint64_t x, unsigned at,
					     struct rw_lexicon_hit *to)
{
	for (unsigned k = 0; k < QUAD; k++) {
		unsigned bytes = q->what[k] >> WHAT_BYTES_SHIFT;

		*to = (struct rw_lexicon_hit){q->what[k], at};
		to += (bytes ? x & rw_first8(bytes) : 0) == q->bytes[k];
	}
	return to;
}

#else

static inline struct rw_lexicon_hit *compare(const struct quad *q, uint64_t x, unsigned at,
					     struct rw_lexicon_hit *to)
{
	typedef uint64_t nums __attribute__((vector_size(QUAD * 8)));
	nums what = (nums)_mm256_cvtepu32_epi64(_mm_loadu_si128((const __m128i *)q->what));
	nums bits = what >> WHAT_BYTES_SHIFT << 3;
	nums in = (nums)_mm256_srlv_epi64(_mm256_set1_epi64x(-1), (__m256i)(64 - bits)), is;
	unsigned same;

	memcpy(&is, q->bytes, sizeof(is));
	is = (nums)((in & x) == is);
	same = (unsigned)_mm256_movemask_pd((__m256d)is);
#if RW_LEVEL >= 4
	what |= (uint64_t)at << 32;
	_mm256_storeu_si256((__m256i *)to,
			    _mm256_maskz_compress_epi64((__mmask8)same, (__m256i)what));
	return to + __builtin_popcount(same);
#else
	for (; same; same &= same - 1)
		*to++ = (struct rw_lexicon_hit){q->what[__builtin_ctz(same)], at};
	return to;
#endif
}

#endif

/* Where the next hits go: to, unless there is no room behind it until those so far are told. */
static inline struct rw_lexicon_hit *room(struct search *s, struct rw_lexicon_hit *to)
{
	if (__builtin_expect(to <= s->hits + HITS, 1))
		return to;
	tell(s, to);
	return s->hits;
}

/* Adds the entries that start at a place. Behind the end of the text are zeros, which no entry has.
 */
static inline struct rw_lexicon_hit *look(struct search *s, const struct place *at,
					  struct rw_lexicon_hit *to)
{
	const struct table *t = &s->tables->of[at->table];
	const struct slot *slot = slot_of(t, slot_at(t, hash(at->key)), at->key);
	uint64_t x = rw_load8(s->p + at->at + (at->table == LONG ? LONG_BYTES : 0));

	to = compare(&slot->entries, x, at->at, to);
	for (unsigned n = QUAD; __builtin_expect(n < slot->n, 0); n += QUAD)
		to = compare(&s->w->more[slot->more + n / QUAD - 1], x, at->at, room(s, to));
	return room(s, to);
}

/* Whether extra entries are looked for in a cell of those from first to last. */
static inline bool wants_extra(const uint64_t *extra, size_t first, size_t last)
{
	uint64_t wants = 0;

	for (size_t cell = first; extra && cell <= last; cell++)
		wants |= extra[cell / 64] >> cell % 64 & 1;
	return wants;
}

/* A group has one way, so that its places do not branch: that of extra ones, if one place wants
 * them. */
static inline void choose(struct search *s, size_t first, size_t last)
{
	bool extra = wants_extra(s->extra, (s->begun + first) / RW_LEXICON_CELL_BYTES,
				 (s->begun + last) / RW_LEXICON_CELL_BYTES);

	s->tables = &s->w->tables[extra ? ALL : PLAIN];
}

static void find_chunk(struct search *s, size_t n, uint64_t *before)
{
	struct place places[TABLES * GROUP + 1], *end;
	struct rw_lexicon_hit *to = s->hits;
	struct sifted in;

	gather(s, n, before);
	for (unsigned i = 0; i < s->n; i += GROUP) {
		unsigned some = s->n - i < GROUP ? s->n - i : GROUP;

		choose(s, s->at[i], s->at[i + some - 1]);
		sift(s, s->at + i, some, &in);
		end = list_places(s, s->at + i, &in,
				  some < GROUP ? (UINT64_C(1) << some) - 1 : ~UINT64_C(0), places);
		for (const struct place *p = places; p < end; p++)
			to = look(s, p, to);
	}
	tell(s, to);
}

void RW_HOT(rw_lexicon_find)(const struct rw_lexicon *w, struct rw_slice text,
			     const uint64_t *extra, rw_lexicon_found_fn *found, void *arg)
{
	char rest[CHUNK + 3 * AHEAD];
	uint64_t before = 0;
	struct search s;
	size_t n;

	s.w = w;
	s.extra = extra;
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
