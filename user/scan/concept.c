/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/concept.h"

#include <stdlib.h>

#include "scan/concept_pack.h"

struct rw_concepts {
	struct rw_concept_pack pack;
	hs_database_t *db;
};

/* The word at hand as the matcher wants it. */
struct literals {
	const char **text;
	size_t *len;
	unsigned *flags, *ids;
};

static int compile(struct rw_concepts *c, struct rw_error *e)
{
	unsigned n = c->pack.n_words;
	struct literals l = {calloc(n, sizeof(*l.text)), calloc(n, sizeof(*l.len)),
			     calloc(n, sizeof(*l.flags)), calloc(n, sizeof(*l.ids))};
	hs_compile_error_t *he = NULL;
	int rc = 0;

	if (!l.text || !l.len || !l.flags || !l.ids) {
		rc = rw_fail(e, RW_ENOMEM, "no memory for the concepts");
		goto out;
	}
	for (unsigned i = 0; i < n; i++) {
		l.text[i] = c->pack.words[i].text;
		l.len[i] = c->pack.words[i].len;
		l.ids[i] = i;
	}
	if (hs_compile_lit_multi(l.text, l.flags, l.ids, l.len, n, HS_MODE_BLOCK, NULL, &c->db,
				 &he) != HS_SUCCESS)
		rc = rw_fail(e, RW_EINVAL, "the concepts do not compile: %s",
			     he ? he->message : "unknown");
	hs_free_compile_error(he);
out:
	free(l.text);
	free(l.len);
	free(l.flags);
	free(l.ids);
	return rc;
}

/* What a scan collects. last: the latest hit of each concept, plus one. */
struct finder {
	const struct rw_concepts *c;
	const struct rw_view *v;
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

static int on_word(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
		   void *arg)
{
	struct finder *f = arg;
	const struct rw_concept_word *w = &f->c->pack.words[id];
	uint32_t end = (uint32_t)to, start = end - w->len;
	struct rw_concept_hit *last = f->last[w->concept] ? &f->hits[f->last[w->concept] - 1]
							  : NULL;

	(void)from;
	(void)flags;
	if ((w->alone_before && joined_before(f->v, start)) ||
	    (w->alone_behind && joined_behind(f->v, end)))
		return 0;
	if (last && start < last->end) {
		if (f->last[w->concept] == f->n) { /* nothing else since: it grows */
			last->end = end;
			if (start < last->start)
				last->start = start;
		}
		return 0;
	}
	if (f->n == RW_CONCEPT_HITS_MAX)
		return 1;
	f->hits[f->n++] = (struct rw_concept_hit){start, end, w->concept};
	f->last[w->concept] = (uint16_t)f->n;
	return 0;
}

int rw_concepts_find(const struct rw_concepts *c, hs_scratch_t *scratch, const struct rw_view *v,
		     struct rw_concept_hit hits[RW_CONCEPT_HITS_MAX])
{
	struct finder f = {.c = c, .v = v, .hits = hits};
	hs_error_t hs = hs_scan(c->db, v->bytes, (unsigned)v->n, 0, scratch, on_word, &f);

	return hs == HS_SUCCESS || hs == HS_SCAN_TERMINATED ? (int)f.n : RW_EIO;
}

static uint32_t join(uint32_t a, uint32_t b)
{
	uint32_t h = (a ^ (a >> 15)) * 0x85ebca6bu + b;

	h = (h ^ (h >> 13)) * 0xc2b2ae35u;
	return h ^ (h >> 16);
}

unsigned rw_concepts_features(const struct rw_concepts *c, const struct rw_concept_hit *hits,
			      unsigned i, uint32_t out[RW_CONCEPT_FEATURES])
{
	const struct rw_concept *all = c->pack.concepts;
	uint32_t key = all[hits[i].concept].key;
	unsigned n = 0, first = i > RW_CONCEPT_BACK ? i - RW_CONCEPT_BACK : 0;

	out[n++] = key;
	for (unsigned j = i; j-- > first;) {
		const struct rw_concept_hit *a = &hits[j];
		uint32_t pair;

		if (a->concept == hits[i].concept || a->end > hits[i].start ||
		    hits[i].start - a->end > RW_CONCEPT_PAIR_GAP)
			continue;
		pair = join(all[a->concept].key, key);
		out[n++] = pair;
		for (unsigned k = j; k-- > first;) {
			const struct rw_concept_hit *b = &hits[k];

			if (b->concept == a->concept || b->concept == hits[i].concept ||
			    b->end > a->start || a->start - b->end > RW_CONCEPT_PAIR_GAP ||
			    hits[i].start - b->end > RW_CONCEPT_TRIPLE_GAP)
				continue;
			out[n++] = join(all[b->concept].key, pair);
		}
	}
	return n;
}

/* Runs one case; *found tells whether the concept was among its hits. */
static int run_case(struct rw_concepts *c, unsigned concept, const char *text,
		    hs_scratch_t *scratch, struct rw_view *v, struct rw_concept_hit *hits,
		    bool *found)
{
	int n;

	rw_view_fold(v, rw_slice_str(text));
	n = rw_concepts_find(c, scratch, v, hits);
	*found = false;
	for (int i = 0; i < n; i++)
		*found |= hits[i].concept == concept;
	return n < 0 ? n : 0;
}

static int check(struct rw_concepts *c, struct rw_error *e)
{
	struct rw_view *v = malloc(sizeof(*v));
	struct rw_concept_hit *hits = calloc(RW_CONCEPT_HITS_MAX, sizeof(*hits));
	hs_scratch_t *scratch = NULL;
	bool found = false;
	int rc = 0;

	if (!v || !hits || hs_alloc_scratch(c->db, &scratch) != HS_SUCCESS)
		rc = rw_fail(e, RW_ENOMEM, "no memory for the concepts");
	for (unsigned i = 0; !rc && i < c->pack.n_cases; i++) {
		const struct rw_concept_case *at = &c->pack.cases[i];

		rc = run_case(c, at->concept, at->text, scratch, v, hits, &found);
		if (rc || found != at->must)
			rc = rw_fail(e, RW_EINVAL, "concepts.yaml:%u: concept %s: %s", at->line,
				     c->pack.concepts[at->concept].id,
				     at->must ? "its match case is not found"
					      : "its no_match case is found");
	}
	hs_free_scratch(scratch);
	free(hits);
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
