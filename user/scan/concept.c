/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/concept.h"

#include <stdlib.h>

#include "scan/concept_pack.h"
#include "scan/lexicon.h"

enum { SHORT_BITS = 9, SHORTS = 1 << SHORT_BITS, SHORTS_MAX = 200 };
enum { TURNED_BYTES = 16 };

struct rw_concepts {
	struct rw_concept_pack pack;
	hs_database_t *db; /* of signs */
	struct rw_lexicon *lexicon;
	char (*turned)[TURNED_BYTES];
	unsigned n_short;
	uint16_t shorts[SHORTS]; /* words by their bytes: index + 1 */
};

/*
 * Words that betray a text turned about: each stands in the matcher backwards and rotated by 1 to
 * 25, as id n_words + turn * TURNED + word; turn 0 is backwards.
 */
static const char *const turned_words[] = {
	"ignore", "previous", "instructions", "system",	      "prompt",	    "password",
	"reveal", "forget",   "disregard",    "rules",	      "above",	    "directives",
	"output", "respond",  "pretend",      "restrictions", "assistant",  "secret",
	"print",  "please",   "write",	      "would",	      "there",	    "their",
	"about",  "which",    "answer",	      "question",     "everything", "instead",
	"where",  "should",   "because",      "people",
};

enum {
	TURNED = sizeof(turned_words) / sizeof(turned_words[0]),
	TURNS = 26,
	TURNED_HITS = 2, /* fewer are chance */
};

static void turn(const char *word, unsigned by, char out[TURNED_BYTES])
{
	size_t n = strlen(word);

	for (size_t i = 0; i < n; i++)
		out[i] = by ? (char)('a' + ((unsigned)(word[i] - 'a') + by) % 26) : word[n - 1 - i];
	out[n] = '\0';
}

static bool is_short(const struct rw_concept_word *w)
{
	return w->len < RW_LEXICON_BYTES_MIN && w->alone_before && w->alone_behind;
}

static unsigned short_slot(const char *p, unsigned n)
{
	uint32_t key = 0;

	memcpy(&key, p, n);
	return (key * 0x9e3779b1u) >> (32 - SHORT_BITS);
}

/* Short words into a table of their own. */
static int fill_short(struct rw_concepts *c, struct rw_error *e)
{
	for (unsigned i = 0; i < c->pack.n_words; i++) {
		const struct rw_concept_word *w = &c->pack.words[i];
		unsigned slot = short_slot(w->text, w->len < 4 ? w->len : 4);

		if (!is_short(w))
			continue;
		if (c->n_short++ == SHORTS_MAX)
			return rw_fail(e, RW_ELIMIT, "too many short words in the concepts");
		while (c->shorts[slot])
			slot = (slot + 1) % SHORTS;
		c->shorts[slot] = (uint16_t)(i + 1);
	}
	return 0;
}

/* What begins as words begin goes to the lexicon. Lives until its pack is freed. */
static int fill_lexicon(struct rw_concepts *c, struct rw_error *e)
{
	unsigned n = 0;
	struct rw_lexicon_entry *all = calloc(c->pack.n_words + TURNS * TURNED, sizeof(*all));

	c->turned = calloc(TURNS * TURNED, sizeof(*c->turned));
	if (!all || !c->turned) {
		free(all);
		return rw_fail(e, RW_ENOMEM, "no memory for the concepts");
	}
	for (unsigned i = 0; i < c->pack.n_words; i++) {
		const struct rw_concept_word *w = &c->pack.words[i];

		if (w->len >= RW_LEXICON_BYTES_MIN && rw_begins_word((unsigned char)*w->text))
			all[n++] = (struct rw_lexicon_entry){w->text, w->len, i};
	}
	for (unsigned k = 0; k < TURNS * TURNED; k++) {
		turn(turned_words[k % TURNED], k / TURNED, c->turned[k]);
		all[n++] = (struct rw_lexicon_entry){c->turned[k], (uint32_t)strlen(c->turned[k]),
						     c->pack.n_words + k};
	}
	c->lexicon = rw_lexicon_new(all, n);
	free(all);
	return c->lexicon ? 0 : rw_fail(e, RW_ENOMEM, "no memory for the concepts");
}

/* What is left, signs mostly, to Hyperscan. */
static int fill_signs(struct rw_concepts *c, struct rw_error *e)
{
	unsigned n = 0, most = c->pack.n_words;
	const char **text = calloc(most, sizeof(*text));
	size_t *len = calloc(most, sizeof(*len));
	unsigned *flags = calloc(most, sizeof(*flags)), *ids = calloc(most, sizeof(*ids));
	hs_compile_error_t *he = NULL;
	int rc = 0;

	if (!text || !len || !flags || !ids)
		rc = rw_fail(e, RW_ENOMEM, "no memory for the concepts");
	for (unsigned i = 0; !rc && i < most; i++) {
		const struct rw_concept_word *w = &c->pack.words[i];

		if (is_short(w) ||
		    (w->len >= RW_LEXICON_BYTES_MIN && rw_begins_word((unsigned char)*w->text)))
			continue;
		text[n] = w->text;
		len[n] = w->len;
		ids[n++] = i;
	}
	if (!rc && hs_compile_lit_multi(text, flags, ids, len, n, HS_MODE_BLOCK, NULL, &c->db,
					&he) != HS_SUCCESS)
		rc = rw_fail(e, RW_EINVAL, "the concepts do not compile: %s",
			     he ? he->message : "unknown");
	hs_free_compile_error(he);
	free(text);
	free(len);
	free(flags);
	free(ids);
	return rc;
}

/*
 * What a scan collects, by start. waiting: what was found before the lexicon is asked. last: the
 * latest hit of each concept, plus one.
 */
struct finder {
	const struct rw_concepts *c;
	const struct rw_view *v;
	struct rw_concept_hit *hits;
	struct rw_concept_waiting *waiting;
	unsigned n, next;
	uint16_t last[RW_CONCEPTS_MAX];
	unsigned turns[TURNS];
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

static bool stands_alone(const struct rw_view *v, const struct rw_concept_word *w, size_t start)
{
	return !(w->alone_before && joined_before(v, start)) &&
	       !(w->alone_behind && joined_behind(v, start + w->len));
}

static void add(struct finder *f, const struct rw_concept_word *w, size_t start)
{
	struct rw_concept_hit *last = f->last[w->concept] ? &f->hits[f->last[w->concept] - 1]
							  : NULL;
	uint32_t end = (uint32_t)start + w->len;

	if (last && start < last->end) {
		if (end > last->end)
			last->end = end;
		return;
	}
	if (f->n == RW_CONCEPT_HITS_MAX)
		return;
	f->hits[f->n++] = (struct rw_concept_hit){(uint32_t)start, end, w->concept};
	f->last[w->concept] = (uint16_t)f->n;
}

/* Adds what waits and starts before start. */
static void flush(struct finder *f, size_t start)
{
	const struct rw_concept_waiting *w = f->waiting;

	for (; f->next < w->n && w->at[f->next].start < start; f->next++)
		add(f, &f->c->pack.words[w->at[f->next].word], w->at[f->next].start);
}

static void on_word(void *arg, uint32_t id, size_t start)
{
	struct finder *f = arg;
	const struct rw_concept_word *w;

	if (id >= f->c->pack.n_words) {
		f->turns[(id - f->c->pack.n_words) / TURNED]++;
		return;
	}
	w = &f->c->pack.words[id];
	if (!stands_alone(f->v, w, start))
		return;
	flush(f, start);
	add(f, w, start);
}

/* Puts a word to what waits, by start: they come nearly so. */
static void wait_for(struct rw_concept_waiting *w, unsigned word, size_t start)
{
	unsigned at = w->n;

	if (w->n == RW_CONCEPT_WAITING_MAX)
		return;
	for (w->n++; at && w->at[at - 1].start > start; at--)
		w->at[at] = w->at[at - 1];
	w->at[at].start = (uint16_t)start;
	w->at[at].word = (uint16_t)word;
}

static int on_sign(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
		   void *arg)
{
	struct finder *f = arg;
	const struct rw_concept_word *w = &f->c->pack.words[id];

	(void)from;
	(void)flags;
	if (stands_alone(f->v, w, to - w->len))
		wait_for(f->waiting, id, to - w->len);
	return 0;
}

void rw_concepts_short(const struct rw_concepts *c, const struct rw_view *v,
		       const struct rw_word *word, struct rw_concept_waiting *w)
{
	unsigned n = word->end - word->start, slot;

	if (n >= RW_LEXICON_BYTES_MIN)
		return;
	slot = short_slot(v->bytes + word->start, n);
	for (; c->shorts[slot]; slot = (slot + 1) % SHORTS) {
		const struct rw_concept_word *at = &c->pack.words[c->shorts[slot] - 1];

		if (at->len == n && !memcmp(at->text, v->bytes + word->start, n))
			wait_for(w, c->shorts[slot] - 1u, word->start);
	}
}

int rw_concepts_find(const struct rw_concepts *c, hs_scratch_t *scratch, const struct rw_view *v,
		     struct rw_concept_waiting *waiting,
		     struct rw_concept_hit hits[RW_CONCEPT_HITS_MAX], struct rw_turned *turned)
{
	struct finder f = {.c = c, .v = v, .hits = hits, .waiting = waiting};

	if (hs_scan(c->db, v->bytes, (unsigned)v->n, 0, scratch, on_sign, &f) != HS_SUCCESS)
		return RW_EIO;
	rw_lexicon_find(c->lexicon, rw_slice_of(v->bytes, v->n), on_word, &f);
	flush(&f, v->n);
	*turned = (struct rw_turned){.reversed = f.turns[0] >= TURNED_HITS};
	for (unsigned i = 1; i < TURNS; i++)
		if (f.turns[i] >= TURNED_HITS &&
		    (!turned->rotated || f.turns[i] > f.turns[turned->rotated]))
			turned->rotated = i;
	return (int)f.n;
}

static uint32_t join(uint32_t a, uint32_t b)
{
	uint32_t h = (a ^ (a >> 15)) * 0x85ebca6bu + b;

	h = (h ^ (h >> 13)) * 0xc2b2ae35u;
	return h ^ (h >> 16);
}

unsigned rw_concepts_features(const struct rw_concepts *c, const struct rw_concept_hit *hits,
			      unsigned i, uint32_t out[RW_CONCEPT_FEATURES],
			      struct rw_concept_parts parts[RW_CONCEPT_FEATURES])
{
	const struct rw_concept *all = c->pack.concepts;
	uint32_t key = all[hits[i].concept].key;
	unsigned n = 0, first = i > RW_CONCEPT_BACK ? i - RW_CONCEPT_BACK : 0;

	if (parts)
		parts[n] = (struct rw_concept_parts){1, {(uint8_t)hits[i].concept}};
	out[n++] = key;
	for (unsigned j = i; j-- > first;) {
		const struct rw_concept_hit *a = &hits[j];
		uint32_t pair;

		if (a->concept == hits[i].concept || a->end > hits[i].start ||
		    hits[i].start - a->end > RW_CONCEPT_PAIR_GAP)
			continue;
		pair = join(all[a->concept].key, key);
		if (parts)
			parts[n] = (struct rw_concept_parts){
				2, {(uint8_t)a->concept, (uint8_t)hits[i].concept}};
		out[n++] = pair;
		for (unsigned k = j; k-- > first;) {
			const struct rw_concept_hit *b = &hits[k];

			if (b->concept == a->concept || b->concept == hits[i].concept ||
			    b->end > a->start || a->start - b->end > RW_CONCEPT_PAIR_GAP ||
			    hits[i].start - b->end > RW_CONCEPT_TRIPLE_GAP)
				continue;
			if (parts)
				parts[n] = (struct rw_concept_parts){3,
								     {(uint8_t)b->concept,
								      (uint8_t)a->concept,
								      (uint8_t)hits[i].concept}};
			out[n++] = join(all[b->concept].key, pair);
		}
	}
	return n;
}

/* What the cases are looked at with. */
struct bench {
	struct rw_view view;
	struct rw_concept_waiting waiting;
	struct rw_concept_hit hits[RW_CONCEPT_HITS_MAX];
	hs_scratch_t *scratch;
};

/* Runs one case; *found tells whether the concept was among its hits. */
static int run_case(const struct rw_concepts *c, struct bench *b, const struct rw_concept_case *at,
		    bool *found)
{
	struct rw_words words;
	struct rw_word word;
	struct rw_turned turned;
	int n;

	rw_view_fold(&b->view, rw_slice_str(at->text));
	rw_words_init(&words, rw_slice_of(b->view.bytes, b->view.n));
	b->waiting.n = 0;
	while (rw_words_next(&words, &word))
		rw_concepts_short(c, &b->view, &word, &b->waiting);
	n = rw_concepts_find(c, b->scratch, &b->view, &b->waiting, b->hits, &turned);
	*found = false;
	for (int i = 0; i < n; i++)
		*found |= b->hits[i].concept == at->concept;
	return n < 0 ? n : 0;
}

static int check(const struct rw_concepts *c, struct rw_error *e)
{
	struct bench *b = calloc(1, sizeof(*b));
	bool found = false;
	int rc = 0;

	if (!b || hs_alloc_scratch(c->db, &b->scratch) != HS_SUCCESS)
		rc = rw_fail(e, RW_ENOMEM, "no memory for the concepts");
	for (unsigned i = 0; !rc && i < c->pack.n_cases; i++) {
		const struct rw_concept_case *at = &c->pack.cases[i];

		rc = run_case(c, b, at, &found);
		if (rc || found != at->must)
			rc = rw_fail(e, RW_EINVAL, "concepts.yaml:%u: concept %s: %s", at->line,
				     c->pack.concepts[at->concept].id,
				     at->must ? "its match case is not found"
					      : "its no_match case is found");
	}
	if (b)
		hs_free_scratch(b->scratch);
	free(b);
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
		rc = fill_short(c, e);
	if (!rc)
		rc = fill_lexicon(c, e);
	if (!rc)
		rc = fill_signs(c, e);
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
	free(c->turned);
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
