/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/concept.h"

#include <stdio.h>
#include <stdlib.h>

#include "scan/concept_pack.h"
#include "scan/lexicon.h"

enum { LONG_WORD = 6 };

/* Ways in which a text may be turned about: how many hits tell, and fewer are chance. */
enum turn {
	BACKWARDS,
	ROTATED_LAST = 25, /* by 1 to 25 letters */
	MIRRORED,	   /* z for a */
	NUMBERED,	   /* 1 for a */
	SPELLED,	   /* Alfa for a */
	BROKEN,		   /* wo rds */
	PIECES,		   /* "combine" */
	TOGETHER,	   /* wordsthat */
	TURNS,
	TURNED_HITS = 2,
};

_Static_assert((unsigned)TURNS == (unsigned)RW_CONCEPT_TURNS, "each way has its count");

/* What the lexicon holds for that: a long one betrays it, two short ones do that are no further
 * apart than so many bytes of the view. */
enum { TURNED_NEAR = 2048, TURNED_BYTES = 24, SURE_BYTES = 8, NUMBERED_LETTERS = 6, SIGNS = 4 };

struct turned {
	char text[TURNED_BYTES];
	uint8_t turn, hits; /* as how many it counts */
};

static const char *const turned_words[] = {
	"ignore",   "previous",	  "instructions", "system",	  "prompt",	"password",
	"reveal",   "forget",	  "disregard",	  "rules",	  "above",	"directives",
	"output",   "respond",	  "pretend",	  "restrictions", "assistant",	"secret",
	"print",    "please",	  "write",	  "would",	  "there",	"their",
	"about",    "which",	  "answer",	  "question",	  "everything", "instead",
	"where",    "should",	  "because",	  "people",	  "message",	"following",
	"commands", "guidelines", "existing",	  "policies",	  "hidden",	"orders",
	"access",   "without",	  "developer",	  "attention",	  "context",	"conversation",
	"filters",  "everyone",	  "earlier",	  "current",	  "other",	"these",
	"could",    "never",	  "after",	  "before",	  "first",	"directions",
};

/* Pairs of letters that are frequent, in the words of radio. */
static const char *const spelled[] = {
	"tango hotel",	   "hotel echo",    "india november", "echo romeo",    "alpha november",
	"alfa november",   "romeo echo",    "oscar november", "echo november", "tango india",
	"india oscar",	   "sierra tango",  "oscar romeo",    "golf november", "november oscar",
	"november sierra", "romeo uniform", "uniform lima",   "papa romeo",    "oscar uniform",
};

/* What is left of a word where a space was put into it. */
static const char *const broken[] = {
	"nore",	   "gnore",    "ructions", "tructions", "structions", "ctions",	   "tions",
	"vious",   "evious",   "revious",  "ompt",	"rompt",      "trictions", "rictions",
	"sregard", "isregard", "rget all", "idelines",	"rective",    "irective",  "assword",
};

/* What asks for pieces to be put together. */
static const char *const pieces[] = {
	"concatenat",	"combine them",	     "combine these", "combine all", "combine the",
	"combined",	"combining",	     "join them",     "join the",    "join these",
	"put together", "put them together", "merge them",    "merge the",   "assemble",
};

/* What begins an attack whose words run together. */
static const char *const together[] = {
	"actas",	  "act_as",	      "bypassall",	 "bypassthe",
	"bypassyour",	  "disregardall",     "disregardany",	 "disregardprevious",
	"disregardthe",	  "disregardyour",    "disregard_",	 "disregard-",
	"donotfollow",	  "enterdan",	      "forgetall",	 "forgeteverything",
	"forgetprevious", "forgetthe",	      "forgetwhat",	 "forgetyour",
	"forget_",	  "forget-",	      "fromnowon",	 "giveme",
	"ignoreabove",	  "ignoreall",	      "ignoreany",	 "ignoreevery",
	"ignoreprevious", "ignoreprior",      "ignorethe",	 "ignorethese",
	"ignorewhat",	  "ignoreyour",	      "ignore_all",	 "ignore_prev",
	"ignore_the",	  "ignore_your",      "ignore-all",	 "ignore-prev",
	"ignore-the",	  "ignore-your",      "nowforget",	 "nowignore",
	"overrideall",	  "overridethe",      "overrideyour",	 "please_",
	"pleaseforget",	  "pleaseignore",     "please-",	 "pretendto",
	"pretendyou",	  "printall",	      "printeverything", "printthe",
	"printyour",	  "repeateverything", "repeatthe",	 "repeatyour",
	"revealall",	  "revealthe",	      "revealyour",	 "showme",
	"showyour",	  "show_me",	      "skipall",	 "stopfollowing",
	"tellme",	  "tell_me",	      "whatareyour",	 "whatisthe",
	"whatisyour",	  "writeall",	      "writeeverything", "youarenow",
	"youare",	  "you_are",
};

enum {
	TURNED = sizeof(turned_words) / sizeof(turned_words[0]),
	SPELLED_ENTRIES = sizeof(spelled) / sizeof(spelled[0]),
	BROKEN_ENTRIES = sizeof(broken) / sizeof(broken[0]),
	PIECES_ENTRIES = sizeof(pieces) / sizeof(pieces[0]),
	TOGETHER_ENTRIES = sizeof(together) / sizeof(together[0]),
	TURNED_ENTRIES = (MIRRORED + 1 + SIGNS) * TURNED + SPELLED_ENTRIES + BROKEN_ENTRIES +
			 PIECES_ENTRIES + TOGETHER_ENTRIES,
};

struct rw_concepts {
	struct rw_concept_pack pack;
	struct turned turned[TURNED_ENTRIES];
};

static char turned_letter(char c, unsigned by)
{
	if (by == MIRRORED)
		return (char)('z' - (c - 'a'));
	return (char)('a' + ((unsigned)(c - 'a') + by) % 26);
}

static void turn(const char *word, unsigned by, struct turned *out)
{
	size_t n = strlen(word);

	for (size_t i = 0; i < n; i++)
		out->text[i] = by == BACKWARDS ? word[n - 1 - i] : turned_letter(word[i], by);
	out->text[n] = '\0';
	out->turn = (uint8_t)by;
	out->hits = n >= SURE_BYTES ? TURNED_HITS : 1;
}

/* The first letters of a word as numbers, with the sign between them. */
static void put_number(const char *word, const char *sign, struct turned *out)
{
	size_t n = 0;

	for (size_t i = 0; i < NUMBERED_LETTERS && word[i]; i++)
		n += (size_t)snprintf(out->text + n, sizeof(out->text) - n, "%s%d", i ? sign : "",
				      word[i] - 'a' + 1);
	out->turn = NUMBERED;
	out->hits = 1;
}

static struct turned *put_all(struct turned *at, const char *const *all, unsigned n, enum turn by)
{
	for (unsigned i = 0; i < n; i++, at++) {
		snprintf(at->text, sizeof(at->text), "%s", all[i]);
		at->turn = (uint8_t)by;
		at->hits = 1;
	}
	return at;
}

static void fill_turned(struct rw_concepts *c)
{
	static const char *const signs[SIGNS] = {" ", "-", ",", ", "};
	struct turned *at = c->turned;

	for (unsigned k = 0; k < TURNED; k++) {
		for (unsigned by = BACKWARDS; by <= MIRRORED; by++)
			turn(turned_words[k], by, at++);
		for (unsigned i = 0; i < SIGNS; i++)
			put_number(turned_words[k], signs[i], at++);
	}
	at = put_all(at, spelled, SPELLED_ENTRIES, SPELLED);
	at = put_all(at, broken, BROKEN_ENTRIES, BROKEN);
	at = put_all(at, pieces, PIECES_ENTRIES, PIECES);
	at = put_all(at, together, TOGETHER_ENTRIES, TOGETHER);
	RW_BUG_ON(at != c->turned + TURNED_ENTRIES);
}

unsigned rw_concepts_entries(const struct rw_concepts *c, uint32_t first,
			     struct rw_lexicon_entry *out)
{
	unsigned n = c->pack.n_words;

	for (unsigned i = 0; out && i < n; i++)
		out[i] = (struct rw_lexicon_entry){c->pack.words[i].text, c->pack.words[i].len,
						   first + i, true};
	for (unsigned k = 0; out && k < TURNED_ENTRIES; k++)
		out[n + k] = (struct rw_lexicon_entry){c->turned[k].text,
						       (uint32_t)strlen(c->turned[k].text),
						       first + n + k, false};
	return n + TURNED_ENTRIES;
}

struct rw_lexicon *rw_concepts_lexicon(const struct rw_concepts *c)
{
	unsigned n = rw_concepts_entries(c, 0, NULL);
	struct rw_lexicon_entry *all = calloc(n, sizeof(*all));
	struct rw_lexicon *out = NULL;

	if (all) {
		rw_concepts_entries(c, 0, all);
		out = rw_lexicon_new(all, n);
	}
	free(all);
	return out;
}

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

/* last: the latest hit of each concept, plus one. */
struct joiner {
	struct rw_concept_hit *hits;
	unsigned n;
	uint16_t last[RW_CONCEPTS_MAX];
};

static void add(struct joiner *f, const struct rw_concept_word *w, size_t start)
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

void rw_concepts_begin(struct rw_concept_seen *seen)
{
	seen->n = 0;
	memset(seen->turns, 0, sizeof(seen->turns));
}

/* Hits that tell stand close together; in a long text chance has some that do not. */
static void note_turned(struct rw_concept_seen *seen, const struct turned *t, size_t start)
{
	struct rw_turned_seen *s = &seen->turns[t->turn];
	size_t apart = start > s->last ? start - s->last : s->last - start;

	if (apart > TURNED_NEAR && s->hits < TURNED_HITS)
		s->hits = 0;
	s->hits += t->hits;
	s->last = (uint16_t)start;
}

void rw_concepts_note(const struct rw_concepts *c, const struct rw_view *v, uint32_t id,
		      size_t start, struct rw_concept_seen *seen)
{
	const struct turned *turned;
	unsigned at;

	if (id >= c->pack.n_words) {
		turned = &c->turned[id - c->pack.n_words];
		note_turned(seen, turned, start);
		return;
	}
	if (seen->n == RW_CONCEPT_WORDS_SEEN || !stands_alone(v, &c->pack.words[id], start))
		return;
	/* Of those that begin in one place the long come by their numbers, then the short: so they
	 * did in the training, and features look back over a number of them. */
	at = seen->n++;
	for (; at && c->pack.words[id].len >= LONG_WORD && seen->at[at - 1].start == start &&
	       seen->at[at - 1].word > id;
	     at--)
		seen->at[at] = seen->at[at - 1];
	seen->at[at].start = (uint16_t)start;
	seen->at[at].word = (uint16_t)id;
}

unsigned rw_concepts_hits(const struct rw_concepts *c, const struct rw_concept_seen *seen,
			  struct rw_concept_hit hits[RW_CONCEPT_HITS_MAX])
{
	struct joiner f = {.hits = hits};

	for (unsigned i = 0; i < seen->n; i++)
		add(&f, &c->pack.words[seen->at[i].word], seen->at[i].start);
	return f.n;
}

struct rw_turned rw_concepts_turned(const struct rw_concept_seen *seen)
{
	struct rw_turned out = {
		.reversed = seen->turns[BACKWARDS].hits >= TURNED_HITS,
		.mirrored = seen->turns[MIRRORED].hits >= TURNED_HITS,
		.numbered = seen->turns[NUMBERED].hits >= TURNED_HITS,
		.spelled = seen->turns[SPELLED].hits >= TURNED_HITS,
		.broken = seen->turns[BROKEN].hits >= TURNED_HITS,
		.pieces = seen->turns[PIECES].hits > 0,
		.together = seen->turns[TOGETHER].hits > 0,
	};

	for (unsigned i = 1; i <= ROTATED_LAST; i++)
		if (seen->turns[i].hits >= TURNED_HITS &&
		    (!out.rotated || seen->turns[i].hits > seen->turns[out.rotated].hits))
			out.rotated = i;
	return out;
}

static uint32_t join(uint32_t a, uint32_t b)
{
	uint32_t h = (a ^ (a >> 15)) * 0x85ebca6bu + b;

	h = (h ^ (h >> 13)) * 0xc2b2ae35u;
	return h ^ (h >> 16);
}

/* The triples that end with a and last, whose pair's hash is given. They are behind n others; how
 * many there are then. */
static unsigned ask_row(const struct rw_concepts *c, int (*number)(void *arg, uint32_t feature),
			void *arg, unsigned a, unsigned last, struct rw_concept_row *row,
			uint16_t *triples, unsigned n)
{
	const struct rw_concept *all = c->pack.concepts;
	uint32_t pair = join(all[a].key, all[last].key);

	*row = (struct rw_concept_row){.first = n};
	for (unsigned b = 0; b < c->pack.n; b++) {
		int at = b == a || b == last ? -1 : number(arg, join(all[b].key, pair));

		if (at < 0)
			continue;
		row->in[b / 64] |= UINT64_C(1) << b % 64;
		triples[n++] = (uint16_t)(at + 1);
	}
	return n;
}

int rw_concepts_ask(const struct rw_concepts *c, int (*number)(void *arg, uint32_t feature),
		    void *arg, struct rw_concept_asked *out)
{
	const struct rw_concept *all = c->pack.concepts;
	size_t n = c->pack.n, most = n * n;
	unsigned rows = 0, triples = 0;
	void *less;

	memset(out, 0, sizeof(*out));
	out->rows = malloc((most + 1) * sizeof(*out->rows));
	out->triples = malloc((most * n + 1) * sizeof(*out->triples));
	if (!out->rows || !out->triples)
		return RW_ENOMEM;
	for (unsigned last = 0; last < n; last++) {
		out->alone[last] = (uint16_t)(number(arg, all[last].key) + 1);
		for (unsigned a = 0; a < n; a++) {
			unsigned behind;

			if (a == last)
				continue;
			out->two[a][last].pair =
				(uint16_t)(number(arg, join(all[a].key, all[last].key)) + 1);
			behind = ask_row(c, number, arg, a, last, &out->rows[rows], out->triples,
					 triples);
			if (behind > triples)
				out->two[a][last].row = (uint16_t)++rows;
			triples = behind;
		}
	}
	/* What is not needed goes back; where it does not, all of it stays. */
	less = realloc(out->rows, (rows + 1) * sizeof(*out->rows));
	out->rows = less ? less : out->rows;
	less = realloc(out->triples, (triples + 1) * sizeof(*out->triples));
	out->triples = less ? less : out->triples;
	return RW_OK;
}

void rw_concepts_asked_free(struct rw_concept_asked *a)
{
	free(a->rows);
	free(a->triples);
}

/* Where features go. */
struct features {
	uint32_t *out;
	struct rw_concept_parts *parts;
	unsigned n;
};

static inline void put(struct features *f, uint32_t feature, struct rw_concept_parts parts)
{
	if (f->parts)
		f->parts[f->n] = parts;
	f->out[f->n++] = feature;
}

/* The number of three, where the row has it. */
static inline bool in_row(const struct rw_concept_asked *asked, unsigned row, unsigned b,
			  uint32_t *out)
{
	const struct rw_concept_row *r = &asked->rows[row - 1];
	uint64_t word = r->in[b / 64], bit = UINT64_C(1) << b % 64;
	unsigned at;

	if (!(word & bit))
		return false;
	at = r->first + (unsigned)__builtin_popcountll(word & (bit - 1));
	for (unsigned k = 0; k < b / 64; k++)
		at += (unsigned)__builtin_popcountll(r->in[k]);
	*out = asked->triples[at] - 1u;
	return true;
}

/* Three that end with hits[j] and hits[i], which are a pair. */
static inline void put_triples(struct features *f, const struct rw_concepts *c,
			       const struct rw_concept_asked *asked,
			       const struct rw_concept_hit *hits, unsigned i, unsigned j,
			       unsigned first)
{
	const struct rw_concept *all = c->pack.concepts;
	const struct rw_concept_hit *a = &hits[j], *last = &hits[i];
	unsigned row = asked ? asked->two[a->concept][last->concept].row : 0;
	uint32_t pair = asked ? 0 : join(all[a->concept].key, all[last->concept].key), feature;

	for (unsigned k = j; k-- > first;) {
		const struct rw_concept_hit *b = &hits[k];

		/* where one ends behind the other's start the difference is large */
		if (a->start - b->end > RW_CONCEPT_PAIR_GAP ||
		    last->start - b->end > RW_CONCEPT_TRIPLE_GAP || b->concept == a->concept ||
		    b->concept == last->concept)
			continue;
		feature = join(all[b->concept].key, pair);
		if (!asked || in_row(asked, row, b->concept, &feature))
			put(f, feature,
			    (struct rw_concept_parts){3,
						      {(uint8_t)b->concept, (uint8_t)a->concept,
						       (uint8_t)last->concept}});
	}
}

/* asked is known where this is compiled. */
static inline unsigned features_of(const struct rw_concepts *c,
				   const struct rw_concept_asked *asked,
				   const struct rw_concept_hit *hits, unsigned i, uint32_t *out,
				   struct rw_concept_parts *parts)
{
	const struct rw_concept *all = c->pack.concepts;
	unsigned last = hits[i].concept, first = i > RW_CONCEPT_BACK ? i - RW_CONCEPT_BACK : 0;
	struct features f = {out, parts, 0};

	if (!asked || asked->alone[last])
		put(&f, asked ? asked->alone[last] - 1u : all[last].key,
		    (struct rw_concept_parts){1, {(uint8_t)last}});
	for (unsigned j = i; j-- > first;) {
		const struct rw_concept_hit *a = &hits[j];
		unsigned pair = asked ? asked->two[a->concept][last].pair : 1;
		unsigned row = asked ? asked->two[a->concept][last].row : 1;

		if (a->concept == last || !(pair | row) ||
		    hits[i].start - a->end > RW_CONCEPT_PAIR_GAP)
			continue;
		if (pair)
			put(&f, asked ? pair - 1 : join(all[a->concept].key, all[last].key),
			    (struct rw_concept_parts){2, {(uint8_t)a->concept, (uint8_t)last}});
		if (row)
			put_triples(&f, c, asked, hits, i, j, first);
	}
	return f.n;
}

unsigned rw_concepts_features(const struct rw_concepts *c, const struct rw_concept_asked *asked,
			      const struct rw_concept_hit *hits, unsigned i,
			      uint32_t out[RW_CONCEPT_FEATURES],
			      struct rw_concept_parts parts[RW_CONCEPT_FEATURES])
{
	if (!asked)
		return features_of(c, NULL, hits, i, out, parts);
	return parts ? features_of(c, asked, hits, i, out, parts)
		     : features_of(c, asked, hits, i, out, NULL);
}

/* What the cases are looked at with. */
struct bench {
	const struct rw_concepts *c;
	struct rw_view view;
	struct rw_concept_seen seen;
	struct rw_concept_hit hits[RW_CONCEPT_HITS_MAX];
};

static void on_words(void *arg, const struct rw_lexicon_hit *hits, unsigned n)
{
	struct bench *b = arg;

	for (unsigned i = 0; i < n; i++)
		rw_concepts_note(b->c, &b->view, hits[i].id, hits[i].start, &b->seen);
}

/* Whether a case's concept is among its hits. */
static bool found_in(struct bench *b, const struct rw_lexicon *lexicon,
		     const struct rw_concept_case *at)
{
	unsigned n;

	rw_view_fold(&b->view, rw_slice_str(at->text));
	rw_concepts_begin(&b->seen);
	rw_lexicon_find(lexicon, rw_slice_of(b->view.bytes, b->view.n), rw_lexicon_everywhere,
			on_words, b);
	n = rw_concepts_hits(b->c, &b->seen, b->hits);
	for (unsigned i = 0; i < n; i++)
		if (b->hits[i].concept == at->concept)
			return true;
	return false;
}

/* Whether the lexicon can hold every word, and every case is right. */
static int check(const struct rw_concepts *c, struct rw_error *e)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct rw_lexicon *lexicon = rw_concepts_lexicon(c);
	int rc = 0;

	if (!b || !lexicon)
		rc = rw_fail(e, RW_ENOMEM, "no memory for the concepts");
	else
		b->c = c;
	for (unsigned i = 0; !rc && i < c->pack.n_words; i++) {
		const struct rw_concept_word *w = &c->pack.words[i];

		if (!rw_lexicon_holds(w->text, w->len))
			rc = rw_fail(e, RW_EINVAL, "concepts.yaml: %s: '%s' is too short a word",
				     c->pack.concepts[w->concept].id, w->text);
	}
	for (unsigned i = 0; !rc && i < c->pack.n_cases; i++) {
		const struct rw_concept_case *at = &c->pack.cases[i];

		if (found_in(b, lexicon, at) != at->must)
			rc = rw_fail(e, RW_EINVAL, "concepts.yaml:%u: concept %s: %s", at->line,
				     c->pack.concepts[at->concept].id,
				     at->must ? "its match case is not found"
					      : "its no_match case is found");
	}
	rw_lexicon_free(lexicon);
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
	fill_turned(c);
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
	rw_concept_pack_free(&c->pack);
	free(c);
}

unsigned rw_concepts_count(const struct rw_concepts *c)
{
	return c->pack.n;
}

const char *rw_concepts_id(const struct rw_concepts *c, unsigned concept)
{
	return c->pack.concepts[concept].id;
}
