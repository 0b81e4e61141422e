/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Injection: phrases and free text in the views of a text. The text is taken in blocks that overlap
 * by more than a phrase is long; what two blocks both see is one finding. A block is looked at as
 * it is and, where something in it asks for that, with its disguises undone.
 */
#include <stdlib.h>

#include "scan/decode.h"
#include "scan/match.h"

enum {
	DEPTH = 2,	   /* of disguises in each other */
	DERIVED_TIMES = 4, /* as many bytes of views beside the plain one as the text has, and */
	DERIVED_BYTES = 65536,
	/* Blocks overlap by so much of the view, so that what a pattern or the model's windows see
	 * is whole in one; but by no more of the text, where invisible characters stuff it. */
	OVERLAP_VIEW = 1024,
	OVERLAP_BYTES = 4096, /* and by this where a disguise is so near its end, and may go on */
	PUZZLE_BYTES = 4096,  /* of a block whose pieces are to be put together: no program */
	HIT_FINDINGS = 32,    /* of one pattern in one neighbourhood; more say nothing new */
	NEAR_BYTES = 512,     /* of the view: one neighbourhood */
	TAKE = 64,	      /* words that are sorted at once */
	BEHIND_BYTES = 16,    /* what a pattern may look at behind its match */
};

/*
 * Log-odds of a whole view under which a phrase in it is most likely harmless ("How do I override
 * the system prompt of my shell?"); its rule's score is lowered then, below the line of all presets
 * but strict. It goes with model.bin: under it fall 5 of the 713 attacks of the development set
 * that a rule finds; at -3.3 none does, and three times as many harmless questions are blocked.
 */
#define DOUBT (-3.0)
enum { DOUBT_COSTS = 25 };

_Static_assert(RW_VIEW_TEXT_BYTES / NEAR_BYTES < RW_BATCH_UNITS, "each pattern's hits have room");
_Static_assert((int)OVERLAP_VIEW >= (int)RW_INJECTION_WIDTH + BEHIND_BYTES,
	       "a match is whole in one block");
_Static_assert((int)RW_DECODED_NEAR >=
		       (int)RW_INJECTION_WIDTH + BEHIND_BYTES + (int)RW_DECODED_CELL,
	       "and one around what is new in one stretch");

struct rw_finding *rw_findings_add(struct rw_findings *out, const struct rw_rules *r,
				   struct rw_finding f)
{
	const struct rw_rule_info *info = &rw_rule_of(r, f.rule)->info;

	if (!f.score)
		f.score = (uint8_t)info->severity;
	if (f.score > out->score)
		out->score = f.score;
	if (f.score * 100 > out->evidence[info->category])
		out->evidence[info->category] = (uint16_t)(f.score * 100);
	if (out->n == RW_FINDINGS_MAX) {
		out->more++;
		return NULL;
	}
	out->at[out->n] = f;
	return &out->at[out->n++];
}

static int by_start(const void *a, const void *b)
{
	const struct rw_finding *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->end != y->end)
		return x->end > y->end ? -1 : 1;
	return x->rule < y->rule ? -1 : x->rule > y->rule;
}

void rw_findings_sort(struct rw_findings *f, unsigned first)
{
	qsort(f->at + first, f->n - first, sizeof(f->at[0]), by_start);
}

/* Notes that the pattern may match around at: one hit for places that lie close together. */
static void on_hit(struct rw_probe *p, unsigned pat, size_t at)
{
	struct rw_scanner *s = p->s;
	uint64_t *last = &s->marked[pat];
	struct rw_hit *hit = *last > s->numbered ? &s->hits[*last - s->numbered - 1] : NULL;

	if (hit && at - hit->last <= NEAR_BYTES) {
		hit->last = (uint32_t)at;
		return;
	}
	s->hits[s->n_hits++] =
		(struct rw_hit){.pat = (uint16_t)pat, .first = (uint32_t)at, .last = (uint32_t)at};
	*last = s->numbered + s->n_hits;
}

/*
 * Makes one finding, of the severest rule, of those at [first, n) that overlap: several rules know
 * one phrase, and blocks overlap.
 */
static void merge_overlaps(struct rw_findings *out, const struct rw_rules *r, unsigned first)
{
	unsigned n = first;

	rw_findings_sort(out, first);
	for (unsigned i = first; i < out->n; i++) {
		struct rw_finding f = out->at[i];
		struct rw_finding *last = n > first ? &out->at[n - 1] : NULL;

		if (!last || f.start >= last->end ||
		    rw_rule_of(r, f.rule)->info.category !=
			    rw_rule_of(r, last->rule)->info.category) {
			out->at[n++] = f;
			continue;
		}
		if (f.end > last->end)
			last->end = f.end;
		last->rule = rw_rule_stronger(r, last->rule, f.rule);
		if (f.score > last->score)
			last->score = f.score;
	}
	out->n = n;
}

/* One text on its way. */
struct job {
	struct rw_scanner *s;
	const struct rw_rules *r;
	unsigned categories; /* of the rules whose findings count */
	struct rw_findings *out;
	bool model;	     /* the model is asked, and disguises are undone */
	bool doubt;	     /* nothing in the view at hand looks like an attack to the model */
	size_t from, to;     /* the block */
	size_t overlap;	     /* bytes at its end that the next one has, too */
	size_t derived_left; /* bytes of views beside the plain ones that are still allowed */
	unsigned score;	     /* of the strongest window so far, 0 to 10000 */
	struct rw_finding where;
};

/*
 * Bytes that are to be looked at, as they stand in the block or derived from it. map: the offsets
 * of what they came from, NULL: they are the block's; end: that of what stands behind them.
 */
struct bytes {
	struct rw_slice text;
	const uint16_t *map;
	size_t end;
	enum rw_via via;
	unsigned depth;
};

/* The bytes of the text that [start, end) of the view came from. */
static struct rw_finding locate(const struct job *j, const struct bytes *b, size_t start,
				size_t end, uint16_t rule)
{
	const struct rw_view *v = &j->s->view;
	size_t first = v->origin[start], last = v->origin[end - 1];
	size_t behind = end < v->n ? v->origin[end] : b->end;

	if (last < first || behind <= first) { /* of a view that runs backwards */
		behind = first + 1;
		first = last;
	}
	return (struct rw_finding){.start = (uint32_t)(j->from + first),
				   .end = (uint32_t)(j->from + behind),
				   .rule = rule,
				   .via = (uint8_t)b->via};
}

static void note(struct job *j, struct rw_finding f)
{
	const struct rw_rule_info *info = &rw_rule_of(j->r, f.rule)->info;
	unsigned severity = info->severity;

	if (j->doubt && info->category == RW_CAT_INJECTION)
		f.score = (uint8_t)(severity > DOUBT_COSTS ? severity - DOUBT_COSTS : 1);
	rw_findings_add(j->out, j->r, f);
}

/*
 * Finds where a pattern stands in the view: a match starts at most lead bytes before one of the
 * places that the prefilter saw, and not behind it.
 */
static int place(struct job *j, const struct bytes *b, const struct rw_hit *hit)
{
	struct rw_scanner *s = j->s;
	const struct rw_pat *pat = &j->r->pats[hit->pat];
	const size_t *at = pcre2_get_ovector_pointer(s->match);
	size_t from = hit->first > pat->lead ? hit->first - pat->lead : 0;
	size_t to = hit->last + pat->width + BEHIND_BYTES;

	if (to > s->view.n)
		to = s->view.n;
	for (unsigned i = 0; i < HIT_FINDINGS && from <= hit->last; i++) {
		int n;

		pcre2_set_offset_limit(s->context, hit->last);
		n = pcre2_match(pat->code, (PCRE2_SPTR)s->view.bytes, to, from, 0, s->match,
				s->context);

		pcre2_set_offset_limit(s->context, PCRE2_UNSET);
		if (n == PCRE2_ERROR_NOMATCH)
			return 0;
		if (n < 0)
			return RW_EIO;
		if (at[1] == at[0])
			return 0;
		note(j, locate(j, b, at[0], at[1], pat->rule));
		from = at[1];
	}
	return 0;
}

/* Steps back from the middle of a UTF-8 sequence. */
static size_t char_start(struct rw_slice text, size_t at)
{
	for (unsigned i = 0; i < 3 && at && at < text.n && (text.p[at] & 0xc0) == 0x80; i++)
		at--;
	return at;
}

/* What the words of a view lead to. First the probe: on_hit gets it. */
struct reading {
	struct rw_probe probe;
	bool model;
};

/* First those of the rules, then those of concepts: which is which is a guess for each. */
static void on_words(void *arg, const struct rw_lexicon_hit *hits, unsigned n)
{
	struct reading *rd = arg;
	const struct rw_rules *r = rd->probe.r;
	struct rw_scanner *s = rd->probe.s;
	struct rw_lexicon_hit of_rules[TAKE], of_concepts[TAKE];

	for (unsigned from = 0, some; from < n; from += some) {
		unsigned rules = 0, concepts = 0;

		some = n - from < TAKE ? n - from : TAKE;
		for (unsigned i = from; i < from + some; i++) {
			of_rules[rules] = of_concepts[concepts] = hits[i];
			rules += hits[i].id < r->first_concept;
			concepts += hits[i].id >= r->first_concept;
		}
		for (unsigned i = 0; i < rules; i++)
			rw_probe_word(&rd->probe, of_rules[i].id, of_rules[i].start);
		for (unsigned i = 0; rd->model && i < concepts; i++)
			rw_concepts_note(r->concepts, &s->view,
					 of_concepts[i].id - r->first_concept, of_concepts[i].start,
					 &s->model.seen);
	}
}

/* Reads the view once: words of rules become hits, those of concepts, in the cells where they
 * matter, wait for the model. */
static int read_view(struct job *j, const uint64_t *concepts)
{
	struct rw_scanner *s = j->s;
	struct rw_slice view = {s->view.bytes, s->view.n};
	struct reading rd = {{s, j->r, view, on_hit}, j->model};
	int rc;

	s->n_hits = 0;
	rw_concepts_begin(&s->model.seen);
	rw_probe_begin(&rd.probe);
	rw_lexicon_find(j->r->lexicon, view, concepts, on_words, &rd);
	rw_meter_lap(s->meter, RW_PART_WORDS);
	rc = rw_probe_run(&rd.probe, RW_DB_INJECTION);
	s->numbered += s->n_hits;
	rw_meter_lap(s->meter, RW_PART_INJECTION);
	return rc;
}

/* Where the rules that hit match. */
static int match(struct job *j, const struct bytes *b)
{
	struct rw_scanner *s = j->s;
	int rc = 0;

	for (unsigned i = 0; !rc && i < s->n_hits; i++) {
		const struct rw_hit *hit = &s->hits[i];

		unsigned rule = j->r->pats[hit->pat].rule;

		if (s->only < 0 ? j->categories & 1u << rw_rule_of(j->r, rule)->info.category
				: (unsigned)s->only == rule)
			rc = place(j, b, hit);
	}
	rw_meter_lap(s->meter, RW_PART_PLACE);
	return rc;
}

static void explain(struct job *j, const struct rw_model_best *best)
{
	struct rw_concept_parts parts[RW_SIGNALS_MAX];
	unsigned n = rw_model_explain(j->r->model, j->r->concepts, &j->s->model, best, parts,
				      RW_SIGNALS_MAX);

	for (unsigned i = 0; i < n; i++) {
		j->out->signals[i].n = parts[i].n;
		memcpy(j->out->signals[i].concept, parts[i].concept, sizeof(parts[i].concept));
	}
	j->out->n_signals = n;
}

/* The model over the view, whose words it has seen. */
static void weigh(struct job *j, const struct bytes *b, struct rw_model_best *best)
{
	struct rw_scanner *s = j->s;
	unsigned score;

	rw_model_end(j->r->model, j->r->concepts, &s->view, &s->model, best);
	score = rw_model_score(best->z);
	if (s->view.n && score > j->score && j->r->found_by[RW_BY_MODEL] >= 0) {
		j->score = score;
		j->where = locate(j, b, best->start, best->end,
				  (uint16_t)j->r->found_by[RW_BY_MODEL]);
		if (score >= RW_INJECTION_STRICT * 100)
			explain(j, best);
	}
	j->doubt = best->z < DOUBT;
	rw_meter_lap(s->meter, RW_PART_MODEL);
}

static int look(struct job *j, const struct bytes *b);

/* Has the next block begin so many bytes before this one's end, at least; but half of it. */
static void overlap_by(struct job *j, size_t n)
{
	size_t most = (j->to - j->from) / 2;

	n = n < most ? n : most;
	if (n > j->overlap)
		j->overlap = n;
}

/* A disguise that comes near the block's end, in whichever direction it runs, may go on there. */
static void see_end(struct job *j, const uint16_t *origin, size_t n)
{
	size_t last = origin[0] > origin[n - 1] ? origin[0] : origin[n - 1];

	if (last + OVERLAP_BYTES > j->to - j->from)
		overlap_by(j, OVERLAP_BYTES);
}

/* Looks at what is new in what was derived from b, where the bound allows. */
static int look_derived(struct job *j, const struct bytes *b, struct rw_decoded *d, enum rw_via via)
{
	size_t at = 0, from, to;
	int rc = 0;

	for (size_t i = 0; b->map && i < d->n; i++)
		d->origin[i] = b->map[d->origin[i]];
	rw_meter_lap(j->s->meter, RW_PART_UNDO);
	while (!rc && rw_decoded_next_news(d, &at, &from, &to)) {
		const struct bytes next = {.text = rw_slice_of(d->bytes + from, to - from),
					   .map = d->origin + from,
					   .end = to < d->n ? d->origin[to] : b->end,
					   .via = via,
					   .depth = b->depth + 1};

		if (to - from > j->derived_left)
			return 0;
		j->derived_left -= to - from;
		see_end(j, next.map, next.text.n);
		rc = look(j, &next);
	}
	return rc;
}

/* Undoes what the view's words betray. */
static int undo_turned(struct job *j, const struct bytes *b, struct rw_turned t)
{
	struct rw_decoded *d = &j->s->decoded[b->depth];
	int rc = 0;

	if (t.rotated) {
		rw_decode_rotated(d, b->text, t.rotated);
		rc = look_derived(j, b, d, RW_VIA_ROTATED);
	}
	for (unsigned words = 0; !rc && t.reversed && words < 2; words++) {
		rw_decode_reversed(d, b->text, words);
		rc = look_derived(j, b, d, RW_VIA_REVERSED);
	}
	if (!rc && t.mirrored) {
		rw_decode_mirrored(d, b->text);
		rc = look_derived(j, b, d, RW_VIA_ROTATED);
	}
	if (!rc && t.numbered) {
		rw_decode_numbered(d, b->text);
		rc = look_derived(j, b, d, RW_VIA_DECODED);
	}
	if (!rc && t.spelled) {
		rw_decode_spelled(d, b->text);
		rc = look_derived(j, b, d, RW_VIA_DECODED);
	}
	if (!rc && t.broken) {
		rw_decode_unbroken(d, b->text);
		rc = look_derived(j, b, d, RW_VIA_JOINED);
	}
	return rc;
}

static void count_hits(void *arg, const struct rw_lexicon_hit *hits, unsigned n)
{
	(void)hits;
	*(unsigned *)arg += n;
}

/* For struct rw_glue; arg: the table of words. */
static bool begins_more(void *arg, struct rw_slice token, size_t left)
{
	unsigned alone = 0, glued = 0;

	rw_lexicon_find(arg, rw_slice_of(token.p, left), rw_lexicon_everywhere, count_hits, &alone);
	rw_lexicon_find(arg, token, rw_lexicon_everywhere, count_hits, &glued);
	return glued > alone;
}

/* Whether something is to be undone but that turns stand apart. What is not in here must not put
 * together what stands far apart: rw_scan_turns would not read it again. */
static bool is_disguised(const struct rw_hints *h, const struct rw_decode_hints *raw, unsigned ways)
{
	const struct rw_turned *t = &h->turned;

	return h->words.coded || h->words.spaced || raw->coded || raw->sum || t->rotated ||
	       t->reversed || t->mirrored || t->numbered || t->spelled || t->broken || t->pieces ||
	       t->together || ways & (1u << RW_TURNS_QUOTED | 1u << RW_TURNS_QUOTED_GLUED);
}

/* Undoes the disguises that b or its view hinted at. */
static int undo(struct job *j, const struct bytes *b, const struct rw_hints *hints)
{
	struct rw_decoded *d = &j->s->decoded[b->depth];
	struct rw_decode_hints raw = rw_decode_hints_at[rw_level_here()](b->text);
	const struct rw_glue glue = {begins_more, j->r->lexicon};
	bool turns = b->via == RW_VIA_PLAIN && raw.turns, pieces = hints->turned.pieces;
	unsigned ways;
	bool together = b->depth || hints->turned.together;
	int rc = 0;

	rw_meter_lap(j->s->meter, RW_PART_HINTS);
	ways = turns ? rw_decode_turns_ways(b->text) : 0;
	j->s->disguised |= is_disguised(hints, &raw, ways);
	if (hints->words.coded || raw.coded)
		if (rw_decode(d, b->text, !b->map && j->from))
			rc = look_derived(j, b, d, RW_VIA_DECODED);
	if (!rc && together && hints->words.coded && rw_decode_together(d, b->text)) {
		rc = look_derived(j, b, d, RW_VIA_DECODED);
		if (d->n == sizeof(d->bytes)) /* it was cut off there */
			overlap_by(j, j->to - j->from - d->origin[d->n - 1] + OVERLAP_VIEW);
	}
	for (unsigned way = 0; !rc && way < RW_TURNS_WAYS; way++)
		if (ways & 1u << way && rw_decode_turns(d, b->text, (enum rw_turns)way, &glue))
			rc = look_derived(j, b, d, RW_VIA_TURNS);
	if (!rc && (raw.sum || pieces) && j->to - j->from <= PUZZLE_BYTES &&
	    rw_decode_joined(d, b->text, pieces, false)) {
		rc = look_derived(j, b, d, RW_VIA_JOINED);
		if (!rc && rw_decode_joined(d, b->text, pieces, true))
			rc = look_derived(j, b, d, RW_VIA_JOINED);
	}
	if (!rc && hints->words.spaced && rw_decode_spaced(d, b->text))
		rc = look_derived(j, b, d, RW_VIA_SPACED);
	return rc ? rc : undo_turned(j, b, hints->turned);
}

/* How much of the block the end of its view is made of. */
static size_t overlap_of(const struct rw_view *v, size_t n)
{
	size_t text = v->n > OVERLAP_VIEW ? n - v->origin[v->n - OVERLAP_VIEW] : n;

	return text < OVERLAP_BYTES ? text : OVERLAP_BYTES;
}

static int look(struct job *j, const struct bytes *b)
{
	struct rw_view *v = &j->s->view;
	struct rw_hints hints = {0};
	struct rw_model_best best;
	bool near;
	int rc;

	rw_view_fold(v, b->text);
	if (b->via == RW_VIA_PLAIN)
		j->overlap = overlap_of(v, b->text.n);
	j->s->looked += b->text.n;
	for (size_t i = 0; b->map && i < v->n; i++)
		v->origin[i] = b->map[v->origin[i]];
	rw_meter_lap(j->s->meter, RW_PART_FOLD);
	j->doubt = false;
	near = j->model && rw_model_begin(j->r->model, v, &j->s->model, &best);
	rw_meter_lap(j->s->meter, RW_PART_MODEL);
	rc = read_view(j, near ? j->s->model.sought : NULL);
	if (j->model) {
		weigh(j, b, &best);
		hints = j->s->model.hints;
	}
	if (!rc)
		rc = match(j, b);
	if (!rc && j->model && b->depth < DEPTH)
		rc = undo(j, b, &hints);
	rw_meter_lap(j->s->meter, RW_PART_UNDO);
	return rc;
}

/* What the model saw becomes a finding, or makes one surer that a rule made there. */
static void take(struct job *j, unsigned first)
{
	struct rw_findings *out = j->out;
	struct rw_finding f = j->where;

	if (j->score > out->evidence[RW_CAT_INJECTION])
		out->evidence[RW_CAT_INJECTION] = (uint16_t)j->score;
	f.score = (uint8_t)(j->score / 100);
	if (f.score < RW_INJECTION_STRICT)
		return;
	for (unsigned i = first; i < out->n; i++) {
		struct rw_finding *at = &out->at[i];

		if (at->start >= f.end || at->end <= f.start)
			continue;
		if (f.score > at->score)
			at->score = f.score;
		if (f.score > out->score)
			out->score = f.score;
		return;
	}
	rw_findings_add(out, j->r, f);
	rw_findings_sort(out, first);
}

int rw_injections(struct rw_scanner *s, const struct rw_rules *r, struct rw_slice text,
		  unsigned categories, bool model, struct rw_findings *out)
{
	struct job j = {.s = s, .r = r, .categories = categories, .out = out};
	unsigned first = out->n;
	int rc = 0;

	model = model && categories & 1u << RW_CAT_INJECTION;
	if (!(categories & 1u << RW_CAT_INJECTION) && !r->topics)
		return 0;
	j.model = model && (s->only < 0 || s->only == r->found_by[RW_BY_MODEL]);
	j.derived_left = DERIVED_TIMES * text.n + DERIVED_BYTES;
	while (!rc && j.to < text.n) {
		struct bytes plain = {.via = RW_VIA_PLAIN};

		j.to = text.n - j.from > RW_VIEW_TEXT_BYTES
			       ? char_start(text, j.from + RW_VIEW_TEXT_BYTES)
			       : text.n;
		plain.text = rw_slice_of(text.p + j.from, j.to - j.from);
		plain.end = plain.text.n;
		rc = look(&j, &plain);
		merge_overlaps(out, r, first);
		j.from = char_start(text, j.to - (j.to > j.overlap ? j.overlap : j.to));
	}
	if (!rc && j.model)
		take(&j, first);
	return rc;
}
