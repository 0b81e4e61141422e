/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/needles.h"

#include <ctype.h>
#include <stdlib.h>

#include "scan/factor.h"
#include "scan/prefilter.h"
#include "scan/valid.h"

enum {
	SETS_OF_PATTERN = 2, /* words to wait for, one behind the other */
	COST_MAX = 6000,     /* sets that are met more often than this are not worth it */
	ENDS = 1,	     /* flag of a word: words end where it does */
	LITERAL_BYTES = 3,
	LONG_BYTES = 32, /* of a run that is no word */
};

/* A word or pattern, and who waits for it. */
struct rw_waiting {
	const char *text;
	unsigned n; /* bytes of a word; 0: text is a pattern */
	unsigned flags;
	uint32_t piece;
};

void rw_sack_free(struct rw_sack *s)
{
	free(s->waiting);
	free(s->sources);
	free(s->flags);
	free(s->words);
	rw_arena_free(&s->scratch);
	*s = (struct rw_sack){0};
}

static int wait_for(struct rw_sack *s, const char *text, unsigned n, unsigned flags)
{
	if (s->n_waiting == s->cap) {
		unsigned cap = s->cap ? s->cap * 2 : 1024;
		struct rw_waiting *p = realloc(s->waiting, cap * sizeof(*p));

		if (!p)
			return RW_ENOMEM;
		s->waiting = p;
		s->cap = cap;
	}
	s->waiting[s->n_waiting++] = (struct rw_waiting){text, n, flags, s->r->n_pieces - 1};
	return RW_OK;
}

static int add_piece(struct rw_sack *s, const struct rw_piece *piece)
{
	struct rw_rules *r = s->r;

	if ((r->n_pieces & (r->n_pieces - 1)) == 0) { /* full at each power of two */
		struct rw_piece *p = realloc(r->pieces,
					     (r->n_pieces ? 2 * r->n_pieces : 1) * sizeof(*p));

		if (!p)
			return RW_ENOMEM;
		r->pieces = p;
	}
	r->pieces[r->n_pieces++] = *piece;
	return RW_OK;
}

/* Whether the table of words finds the text, where it stands in a match. begins: at a boundary of
 * words; ends: and so is its end. */
static bool is_found(const struct rw_factor_word *w, bool begins, bool ends)
{
	bool whole = w->n < RW_LEXICON_BYTES_MIN;

	if (!rw_lexicon_holds(w->text, w->n) ||
	    (rw_is_word_byte((unsigned char)*w->text) && !begins))
		return false;
	for (uint32_t i = 0; i < w->n; i++)
		whole &= rw_is_word_byte((unsigned char)w->text[i]);
	return ends || !whole;
}

/*
 * The part of a word from a place on where the table of words finds it: its beginning, or behind
 * a byte that is of no word.
 */
static bool anchor(struct rw_factor_word *w, bool begins, bool ends)
{
	struct rw_factor_word at = *w;

	begins |= at.begins;
	for (; at.n && !is_found(&at, begins, ends); at.n--)
		begins = !rw_is_word_byte((unsigned char)*at.text++);
	*w = at;
	return at.n > 0;
}

/* The set as the table of words finds it. False: not at all. */
static bool anchor_set(const struct rw_word_set *from, struct rw_word_set *out)
{
	*out = (struct rw_word_set){.begins = from->begins, .ends = from->ends};
	for (unsigned i = 0; i < from->n; i++) {
		struct rw_factor_word w = from->at[i];

		if (!anchor(&w, from->begins, from->ends))
			return false;
		rw_word_set_add(out, w);
	}
	return rw_word_set_cost(out) < COST_MAX;
}

static unsigned longest(const struct rw_word_set *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->n; i++)
		if (s->at[i].n > n)
			n = s->at[i].n;
	return n;
}

/* Chooses the rarest sets; chosen[i] is then how the i-th is found, or NULL. Their number. */
static unsigned choose(const struct rw_factors *f, struct rw_arena *arena,
		       struct rw_word_set *chosen[RW_FACTOR_SETS_MAX])
{
	struct rw_word_set *sets[RW_FACTOR_SETS_MAX] = {NULL};
	unsigned n = 0;

	for (unsigned i = 0; i < f->n; i++) {
		struct rw_word_set *set = rw_arena_alloc(arena, sizeof(*set));

		if (set && anchor_set(f->sets[i], set))
			sets[i] = set;
	}
	for (; n < SETS_OF_PATTERN; n++) {
		int best = -1;

		for (unsigned i = 0; i < f->n; i++)
			if (sets[i] && !chosen[i] &&
			    (best < 0 || rw_word_set_cost(sets[i]) < rw_word_set_cost(sets[best])))
				best = (int)i;
		if (best < 0)
			break;
		chosen[best] = sets[best];
	}
	return n;
}

/* Adds the chosen sets; what stands between two of them makes the way longer. */
static int add_sets(struct rw_sack *s, unsigned pat, const struct rw_factors *f,
		    struct rw_word_set *const chosen[RW_FACTOR_SETS_MAX])
{
	uint64_t reach = 0, lead = 0;
	bool first = true;
	int rc = 0;

	for (unsigned i = 0; !rc && i < f->n; i++) {
		const struct rw_word_set *set = chosen[i];

		reach += f->sets[i]->reach;
		lead += f->sets[i]->reach;
		if (!set)
			continue;
		s->r->pats[pat].lead = lead < s->r->pats[pat].width ? (uint32_t)lead
								    : s->r->pats[pat].width;
		if (!first)
			s->r->pieces[s->r->n_pieces - 1].last = false;
		rc = add_piece(s,
			       &(struct rw_piece){.pat = (uint16_t)pat,
						  .first = first,
						  .last = true,
						  .reach = reach > RW_REACH_FAR ? RW_REACH_FAR
										: (uint32_t)reach});
		for (unsigned k = 0; !rc && k < set->n; k++) {
			bool ends =
				set->ends &&
				rw_is_word_byte((unsigned char)set->at[k].text[set->at[k].n - 1]);

			rc = wait_for(s, set->at[k].text, set->at[k].n, ends ? ENDS : 0);
		}
		/* Starts are told, so the way begins with the word itself. */
		reach = longest(f->sets[i]);
		first = false;
	}
	return rc;
}

/* Whether it has nothing but what Hyperscan knows: no looking around, no references, no group that
 * keeps what it has. */
static bool is_plain(const char *p)
{
	for (; *p; p++) {
		if (*p == '(' && (p[1] == '*' || (p[1] == '?' && !strchr(":i-", p[2]))))
			return false;
		if ((*p == '*' || *p == '+' || *p == '?' || *p == '}') && p[1] == '+')
			return false;
		if (*p != '\\' || !p[1])
			continue;
		p++;
		if (isalnum((unsigned char)*p) && !strchr("bdDwWsSntrfvax", *p))
			return false;
	}
	return true;
}

/* What Hyperscan can find only roughly has to be marked so. To ask it takes an eighth of a load. */
static unsigned flags_of(const char *source)
{
	hs_compile_error_t *he = NULL;
	hs_expr_info_t *info = NULL;
	unsigned flags = HS_FLAG_DOTALL;

	if (is_plain(source))
		return flags;
	if (hs_expression_info(source, flags, &info, &he) != HS_SUCCESS)
		flags |= HS_FLAG_PREFILTER;
	hs_free_compile_error(he);
	free(info);
	return flags;
}

/* Hyperscan looks for the source. */
static int add_source(struct rw_sack *s, unsigned pat, const char *source)
{
	const char *text = rw_arena_copy(&s->scratch, rw_slice_str(source));

	if (!text ||
	    add_piece(s, &(struct rw_piece){.pat = (uint16_t)pat, .first = true, .last = true}))
		return RW_ENOMEM;
	return wait_for(s, text, 0, flags_of(text));
}

static int add_whole(struct rw_sack *s, unsigned pat, const char *source)
{
	char loose[RW_PATTERN_MAX];

	rw_prefilter_source(source, loose);
	rw_prefilter_after(&rw_rule_of(s->r, s->r->pats[pat].rule)->context, loose);
	return add_source(s, pat, loose);
}

/* Whether Hyperscan finds the word cheaply: numbers and dates are full of digits and signs. */
static bool is_literal(const struct rw_factor_word *w)
{
	bool letter = false;

	for (uint32_t i = 0; i < w->n; i++)
		letter |= isalpha((unsigned char)w->text[i]) || w->text[i] & 0x80;
	return w->n >= LITERAL_BYTES && letter;
}

/* Whether there is a set of nothing but such words. */
static bool has_literal(const struct rw_factors *f)
{
	for (unsigned i = 0; i < f->n; i++) {
		unsigned k = 0;

		while (k < f->sets[i]->n && is_literal(&f->sets[i]->at[k]))
			k++;
		if (k && k == f->sets[i]->n)
			return true;
	}
	return false;
}

/* Whether what a pattern counts tells it from everyday text: numbers, codes, addresses. */
static bool has_shape(const struct rw_factors *f)
{
	return f->need[RW_COUNT_BYTES] >= LONG_BYTES || f->need[RW_COUNT_DIGIT] >= 3 ||
	       f->need[RW_COUNT_AT] || f->need[RW_COUNT_COLON] >= 2 ||
	       f->need[RW_COUNT_UPPER] >= 6 ||
	       (f->need[RW_COUNT_UPPER] >= 2 && f->need[RW_COUNT_DIGIT] >= 2) ||
	       f->need[RW_COUNT_ALNUM] >= 15;
}

static int add_shape(const struct rw_rules *r, struct rw_shape **shapes, unsigned *n, unsigned pat,
		     const struct rw_factors *f)
{
	const struct rw_validator *validator = rw_rule_of(r, r->pats[pat].rule)->validator;
	struct rw_shape *more = realloc(*shapes, (*n + 1) * sizeof(*more));
	struct rw_shape *shape;

	if (!more)
		return RW_ENOMEM;
	*shapes = more;
	shape = &more[(*n)++];
	*shape = (struct rw_shape){.first = f->first, .at_word = f->bounded, .pat = (uint16_t)pat};
	memcpy(shape->least, f->need, sizeof(f->need));
	shape->least[RW_COUNT_NUMBER] = validator ? validator->digits : 0;
	for (unsigned c = 0; c < 256; c++) /* \b in front of a sign: a word ends there */
		if (rw_byte_set_has(&f->first, c) && !rw_is_word_byte((unsigned char)c))
			shape->at_word = false;
	return RW_OK;
}

/*
 * A pattern that words in front of its value tell, within its window. To find the words alone is
 * cheap; with the value behind any gap, Hyperscan would be awake from the first of them on.
 */
static int add_led(struct rw_sack *s, unsigned pat, const char *words,
		   const struct rw_factors *value)
{
	struct rw_rules *r = s->r;
	int rc = add_shape(r, &r->led, &r->n_led, pat, value);

	r->pats[pat].led = (uint16_t)r->n_led;
	return rc ? rc : add_source(s, pat, words);
}

int rw_sack_add(struct rw_sack *s, unsigned pat, const struct rw_pack_str *p, const char *source,
		bool words)
{
	struct rw_word_set *chosen[RW_FACTOR_SETS_MAX] = {NULL};
	const struct rw_rule *rule = rw_rule_of(s->r, s->r->pats[pat].rule);
	char context[RW_PATTERN_MAX];
	struct rw_factors f;
	bool known;

	if (p->names && rw_factors_of(p->value, &s->scratch, &f))
		return add_led(s, pat, p->names, &f);
	known = rw_factors_of(source, &s->scratch, &f);

	if (words && known && !f.caseless && choose(&f, &s->scratch, chosen))
		return add_sets(s, pat, &f, chosen);
	/* A pattern that looks in front of its run, for a name or words, is not the run's shape. */
	if (!words && known && !f.captures && !rule->context.n && !has_literal(&f) && has_shape(&f))
		return add_shape(s->r, &s->r->shapes.at, &s->r->shapes.n, pat, &f);
	if (!words && known && !f.captures && rw_prefilter_words(&rule->context, context))
		return add_led(s, pat, context, &f);
	return add_whole(s, pat, source);
}

/* Of two words of one length, or two patterns. */
static int compare_text(const struct rw_waiting *a, const struct rw_waiting *b)
{
	return a->n ? memcmp(a->text, b->text, a->n) : strcmp(a->text, b->text);
}

static int by_text(const void *a, const void *b)
{
	const struct rw_waiting *x = a, *y = b;
	int c;

	if (x->flags != y->flags)
		return x->flags < y->flags ? -1 : 1;
	if (x->n != y->n)
		return x->n < y->n ? -1 : 1;
	c = compare_text(x, y);
	if (c)
		return c;
	return x->piece < y->piece ? -1 : x->piece > y->piece;
}

/* The needle of waiting[i], unless it is that of the one before. */
static int add_needle(struct rw_sack *s, unsigned i)
{
	const struct rw_waiting *w = &s->waiting[i];
	struct rw_rules *r = s->r;
	const char *word;
	bool same = i && w->n == w[-1].n && w->flags == w[-1].flags && !compare_text(w, w - 1);

	r->links[r->n_links++] = w->piece;
	if (same) {
		r->needles[r->n_needles - 1].n_links++;
		return RW_OK;
	}
	r->needles[r->n_needles] = (struct rw_needle){
		.links = r->n_links - 1,
		.n_links = 1,
		.n = (uint16_t)(w->n && w->flags & ENDS ? w->n : 0),
	};
	if (w->n) {
		word = rw_arena_copy(&r->set.arena, rw_slice_of(w->text, w->n));
		s->words[s->n_words++] = (struct rw_lexicon_entry){word, w->n, r->n_needles++,
								   false};
		return word ? RW_OK : RW_ENOMEM;
	}
	s->sources[s->n] = w->text;
	s->flags[s->n] = w->flags;
	s->pats[s->n] = r->pieces[w->piece].pat;
	s->ids[s->n++] = r->n_needles++;
	return RW_OK;
}

int rw_sack_close(struct rw_sack *s)
{
	size_t n = s->n_waiting;
	struct rw_rules *r = s->r;
	struct rw_needle *needles = realloc(r->needles, (r->n_needles + n + 1) * sizeof(*needles));
	uint32_t *links = realloc(r->links, (r->n_links + n + 1) * sizeof(*links));
	int rc = RW_OK;

	r->needles = needles ? needles : r->needles;
	r->links = links ? links : r->links;
	s->sources = calloc(n + 1, sizeof(*s->sources));
	s->flags = calloc(3 * (n + 1), sizeof(*s->flags));
	s->words = calloc(n + 1, sizeof(*s->words));
	if (!needles || !links || !s->sources || !s->flags || !s->words)
		return RW_ENOMEM;
	s->ids = s->flags + n + 1;
	s->pats = s->ids + n + 1;
	if (n)
		qsort(s->waiting, n, sizeof(*s->waiting), by_text);
	for (unsigned i = 0; !rc && i < n; i++)
		rc = add_needle(s, i);
	return rc;
}
