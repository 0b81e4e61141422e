/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/concept.h"

#include <stdlib.h>

#include "scan/concept_pack.h"
#include "scan/lexicon.h"

/*
 * Words that start where words do and are not too short are the lexicon's, which meets
 * everyday words at a tenth of Hyperscan's cost; the rest are Hyperscan's.
 */
struct rw_concepts {
	struct rw_concept_pack pack;
	struct rw_lexicon *lexicon;
	hs_database_t *db;
};

/* The words as their finders want them. */
struct literals {
	const char **text;
	size_t *len;
	unsigned *flags, *ids;
	unsigned n;
	struct rw_lexicon_entry *entries;
	unsigned n_entries;
};

static bool is_lexical(const struct rw_concept_word *w)
{
	unsigned char first = (unsigned char)*w->text;

	return w->len >= RW_LEXICON_BYTES_MIN &&
	       (first >= 0xc0 || (w->alone_before && rw_is_word_byte(first)));
}

static int compile(struct rw_concepts *c, struct rw_error *e)
{
	unsigned n = c->pack.n_words;
	struct literals l = {.text = calloc(n + 1, sizeof(*l.text)),
			     .len = calloc(n + 1, sizeof(*l.len)),
			     .flags = calloc(n + 1, sizeof(*l.flags)),
			     .ids = calloc(n + 1, sizeof(*l.ids)),
			     .entries = calloc(n + 1, sizeof(*l.entries))};
	hs_compile_error_t *he = NULL;
	int rc = 0;

	if (!l.text || !l.len || !l.flags || !l.ids || !l.entries) {
		rc = rw_fail(e, RW_ENOMEM, "no memory for the concepts");
		goto out;
	}
	for (unsigned i = 0; i < n; i++) {
		const struct rw_concept_word *w = &c->pack.words[i];

		if (is_lexical(w)) {
			l.entries[l.n_entries++] = (struct rw_lexicon_entry){w->text, w->len, i};
			continue;
		}
		l.text[l.n] = w->text;
		l.len[l.n] = w->len;
		l.ids[l.n++] = i;
	}
	c->lexicon = rw_lexicon_new(l.entries, l.n_entries);
	if (!c->lexicon)
		rc = rw_fail(e, RW_ENOMEM, "no memory for the concepts");
	else if (l.n && hs_compile_lit_multi(l.text, l.flags, l.ids, l.len, l.n, HS_MODE_BLOCK,
					     NULL, &c->db, &he) != HS_SUCCESS)
		rc = rw_fail(e, RW_EINVAL, "the concepts do not compile: %s",
			     he ? he->message : "unknown");
	hs_free_compile_error(he);
out:
	free(l.text);
	free(l.len);
	free(l.flags);
	free(l.ids);
	free(l.entries);
	return rc;
}

/* What a scan collects. last: the latest hit of each concept, plus one. */
struct finder {
	const struct rw_concepts *c;
	const struct rw_view *v;
	struct rw_concept_found *found;
	unsigned n_found, room;
	struct rw_concept_hit *hits;
	unsigned n;
	uint16_t last[RW_CONCEPTS_MAX];
};

/* A byte of a letter or digit of a script that sets spaces; the view holds no capitals. */
static bool in_word(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* Whether the character that ends before at goes on into what starts there. */
static bool joined_before(const struct rw_view *v, size_t at)
{
	const unsigned char *p = (const unsigned char *)v->bytes + at;
	size_t back = 1;

	if (!at)
		return false;
	if (p[-1] < 0x80)
		return in_word(p[-1]);
	while (back < 4 && back < at && (p[-(ptrdiff_t)back] & 0xc0) == 0x80)
		back++;
	return p[-(ptrdiff_t)back] >= 0xc3 && p[-(ptrdiff_t)back] <= 0xe1;
}

static bool joined_behind(const struct rw_view *v, size_t at)
{
	unsigned char c = at < v->n ? (unsigned char)v->bytes[at] : ' ';

	return c < 0x80 ? in_word(c) : c >= 0xc3 && c <= 0xe1;
}

/* Whether a word that ends at end comes before another: of those that end together, the first in
 * the pack. */
static bool before(uint32_t end, unsigned word, const struct rw_concept_found *other)
{
	return end != other->end ? end < other->end : word < other->word;
}

/* Notes the word that ends at end. They come nearly in order: those of a finder are sorted. */
static bool note(struct finder *f, unsigned word, uint32_t end)
{
	const struct rw_concept_word *w = &f->c->pack.words[word];
	unsigned k = f->n_found;

	if ((w->alone_before && joined_before(f->v, end - w->len)) ||
	    (w->alone_behind && joined_behind(f->v, end)))
		return true;
	if (f->n_found == f->room)
		return false;
	for (; k && before(end, word, &f->found[k - 1]); k--)
		f->found[k] = f->found[k - 1];
	f->found[k] = (struct rw_concept_found){end, word};
	f->n_found++;
	return true;
}

static void on_lexical(void *arg, uint32_t word, size_t start)
{
	struct finder *f = arg;

	note(f, word, (uint32_t)start + f->c->pack.words[word].len);
}

static int on_literal(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
		      void *arg)
{
	(void)from;
	(void)flags;
	return !note(arg, id, (uint32_t)to);
}

/* Makes hits of words: several of one concept that touch are one. False: the hits are full. */
static bool take(struct finder *f, const struct rw_concept_found *found)
{
	const struct rw_concept_word *w = &f->c->pack.words[found->word];
	uint32_t end = found->end, start = end - w->len;
	struct rw_concept_hit *last = f->last[w->concept] ? &f->hits[f->last[w->concept] - 1]
							  : NULL;

	if (last && start < last->end) {
		if (f->last[w->concept] == f->n) { /* nothing else since: it grows */
			last->end = end;
			if (start < last->start)
				last->start = start;
		}
		return true;
	}
	if (f->n == RW_CONCEPT_HITS_MAX)
		return false;
	f->hits[f->n++] = (struct rw_concept_hit){start, end, w->concept};
	f->last[w->concept] = (uint16_t)f->n;
	return true;
}

/* Takes the words of two sorted lists in order. */
static void take_all(struct finder *f, unsigned first)
{
	const struct rw_concept_found *a = f->found, *b = a + first, *end = a + f->n_found;
	const struct rw_concept_found *middle = b;

	while (a < middle || b < end) {
		bool one = b == end || (a < middle && before(a->end, a->word, b));

		if (!take(f, one ? a++ : b++))
			return;
	}
}

int rw_concepts_find(const struct rw_concepts *c, hs_scratch_t *scratch, const struct rw_view *v,
		     struct rw_concept_found found[RW_CONCEPT_FOUND_MAX],
		     struct rw_concept_hit hits[RW_CONCEPT_HITS_MAX])
{
	struct finder f = {
		.c = c, .v = v, .found = found, .room = RW_CONCEPT_FOUND_MAX, .hits = hits};
	hs_error_t hs = HS_SUCCESS;
	unsigned first;

	rw_lexicon_find(c->lexicon, rw_slice_of(v->bytes, v->n), on_lexical, &f);
	first = f.n_found;
	/* Another list: its words are sorted among themselves. */
	f.found = found + first;
	f.n_found = 0;
	f.room -= first;
	if (c->db)
		hs = hs_scan(c->db, v->bytes, (unsigned)v->n, 0, scratch, on_literal, &f);
	f.found = found;
	f.n_found += first;
	if (hs != HS_SUCCESS && hs != HS_SCAN_TERMINATED)
		return RW_EIO;
	take_all(&f, first);
	return (int)f.n;
}

static uint32_t join(uint32_t a, uint32_t b)
{
	uint32_t h = (a ^ (a >> 15)) * 0x85ebca6bu + b;

	h = (h ^ (h >> 13)) * 0xc2b2ae35u;
	return h ^ (h >> 16);
}

uint32_t rw_concepts_pair(const struct rw_concepts *c, unsigned a, unsigned b)
{
	return join(c->pack.concepts[a].key, c->pack.concepts[b].key);
}

uint32_t rw_concepts_triple(const struct rw_concepts *c, unsigned first, uint32_t pair)
{
	return join(c->pack.concepts[first].key, pair);
}

/* Appends the triples that end with hits[j] and hits[i]; the new number. */
static unsigned add_triples(const struct rw_concepts *c, const struct rw_concept_hit *hits,
			    unsigned first, unsigned j, unsigned i, uint32_t *out, unsigned n)
{
	const struct rw_concept_hit *a = &hits[j];
	uint32_t pair = rw_concepts_pair(c, a->concept, hits[i].concept);

	for (unsigned k = j; k-- > first;) {
		const struct rw_concept_hit *b = &hits[k];

		if (b->concept == a->concept || b->concept == hits[i].concept ||
		    b->end > a->start || a->start - b->end > RW_CONCEPT_PAIR_GAP ||
		    hits[i].start - b->end > RW_CONCEPT_TRIPLE_GAP)
			continue;
		out[n++] = rw_concepts_triple(c, b->concept, pair);
	}
	return n;
}

unsigned rw_concepts_features(const struct rw_concepts *c, const struct rw_concept_wanted *wanted,
			      const struct rw_concept_hit *hits, unsigned i,
			      uint32_t out[RW_CONCEPT_FEATURES])
{
	unsigned n = 0, first = i > RW_CONCEPT_BACK ? i - RW_CONCEPT_BACK : 0;

	out[n++] = c->pack.concepts[hits[i].concept].key;
	for (unsigned j = i; j-- > first;) {
		const struct rw_concept_hit *a = &hits[j];
		unsigned want = RW_WANTED_PAIR | RW_WANTED_TRIPLE;

		if (a->concept == hits[i].concept || a->end > hits[i].start ||
		    hits[i].start - a->end > RW_CONCEPT_PAIR_GAP)
			continue;
		if (wanted)
			want = wanted->pair[a->concept][hits[i].concept];
		if (want & RW_WANTED_PAIR)
			out[n++] = rw_concepts_pair(c, a->concept, hits[i].concept);
		if (want & RW_WANTED_TRIPLE)
			n = add_triples(c, hits, first, j, i, out, n);
	}
	return n;
}

/* Runs one case; *found tells whether the concept was among its hits. */
static int run_case(struct rw_concepts *c, unsigned concept, const char *text,
		    hs_scratch_t *scratch, struct rw_view *v, struct rw_concept_found *words,
		    struct rw_concept_hit *hits, bool *found)
{
	int n;

	rw_view_fold(v, rw_slice_str(text));
	n = rw_concepts_find(c, scratch, v, words, hits);
	*found = false;
	for (int i = 0; i < n; i++)
		*found |= hits[i].concept == concept;
	return n < 0 ? n : 0;
}

static int check(struct rw_concepts *c, struct rw_error *e)
{
	struct rw_view *v = malloc(sizeof(*v));
	struct rw_concept_found *words = calloc(RW_CONCEPT_FOUND_MAX, sizeof(*words));
	struct rw_concept_hit *hits = calloc(RW_CONCEPT_HITS_MAX, sizeof(*hits));
	hs_scratch_t *scratch = NULL;
	bool found = false;
	int rc = 0;

	if (!v || !words || !hits || (c->db && hs_alloc_scratch(c->db, &scratch) != HS_SUCCESS))
		rc = rw_fail(e, RW_ENOMEM, "no memory for the concepts");
	for (unsigned i = 0; !rc && i < c->pack.n_cases; i++) {
		const struct rw_concept_case *at = &c->pack.cases[i];

		rc = run_case(c, at->concept, at->text, scratch, v, words, hits, &found);
		if (rc || found != at->must)
			rc = rw_fail(e, RW_EINVAL, "concepts.yaml:%u: concept %s: %s", at->line,
				     c->pack.concepts[at->concept].id,
				     at->must ? "its match case is not found"
					      : "its no_match case is found");
	}
	hs_free_scratch(scratch);
	free(hits);
	free(words);
	free(v);
	return rc;
}

int rw_concepts_load(struct rw_concepts **out, struct rw_error *e)
{
	struct rw_concepts *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return rw_fail(e, RW_ENOMEM, "no memory for the concepts");
	rc = rw_concept_pack_read(&c->pack, e);
	if (!rc)
		rc = compile(c, e);
	if (!rc)
		rc = check(c, e);
	if (rc) {
		rw_concepts_free(c);
		return rc;
	}
	*out = c;
	return 0;
}

void rw_concepts_free(struct rw_concepts *c)
{
	if (!c)
		return;
	hs_free_database(c->db);
	rw_lexicon_free(c->lexicon);
	rw_concept_pack_free(&c->pack);
	free(c);
}

const hs_database_t *rw_concepts_db(const struct rw_concepts *c)
{
	return c->db;
}

unsigned rw_concepts_count(const struct rw_concepts *c)
{
	return c->pack.n;
}

const char *rw_concepts_id(const struct rw_concepts *c, unsigned concept)
{
	return c->pack.concepts[concept].id;
}
