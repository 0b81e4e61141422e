/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Injection: phrases in the views of a text. The text is taken in blocks that overlap
 * by more than a phrase is long; what two blocks both see is one finding.
 */
#include <stdlib.h>

#include "scan/match.h"

enum {
	OVERLAP_BYTES = 4096, /* of text: room for phrases stuffed with invisible characters */
	HIT_FINDINGS = 32,    /* of one pattern in one neighbourhood; more say nothing new */
	NEAR_BYTES = 512,     /* of the view: one neighbourhood */
	BEHIND_BYTES = 16,    /* what a pattern may look at behind its match */
};

_Static_assert(RW_VIEW_TEXT_BYTES / NEAR_BYTES < RW_BATCH_UNITS, "each pattern's hits have room");

/* The strongest window of a text, for the model. */
struct rw_weak {
	unsigned score; /* 0 to 10000 */
	struct rw_finding where;
};

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

		if (!last || f.start >= last->end) {
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

/* The bytes of the text that [start, end) of the view came from. */
static struct rw_finding locate(const struct rw_view *v, size_t block, size_t text_end,
				size_t start, size_t end, uint16_t rule)
{
	size_t behind = end < v->n ? block + v->origin[end] : text_end;

	return (struct rw_finding){.start = (uint32_t)(block + v->origin[start]),
				   .end = (uint32_t)behind,
				   .rule = rule};
}

/*
 * Finds where a pattern stands in the view: a match starts at most lead bytes before one of the
 * places that the prefilter saw, and not behind it.
 */
static int place(struct rw_scanner *s, const struct rw_rules *r, const struct rw_hit *hit,
		 size_t block, size_t text_end, struct rw_findings *out)
{
	const struct rw_pat *pat = &r->pats[hit->pat];
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
		rw_findings_add(out, r, locate(&s->view, block, text_end, at[0], at[1], pat->rule));
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

/* The model over the view of a block; *best is the strongest window of the text so far. */
static int look(struct rw_scanner *s, const struct rw_rules *r, size_t block, size_t text_end,
		struct rw_weak *best)
{
	struct rw_model_best b;
	int rc = rw_model_look(r->model, r->concepts, s->scratch, &s->view, &s->model, &b);
	unsigned score = rw_model_score(b.z);

	if (!rc && s->view.n && score > best->score) {
		best->score = score;
		best->where = locate(&s->view, block, text_end, b.start, b.end,
				     (uint16_t)r->model_rule);
	}
	rw_meter_lap(s->meter, RW_PART_MODEL);
	return rc;
}

/* What the model saw becomes a finding, or makes one surer that a rule made there. */
static void take(struct rw_findings *out, const struct rw_rules *r, unsigned first,
		 const struct rw_weak *best)
{
	struct rw_finding f = best->where;

	if (best->score > out->evidence[RW_CAT_INJECTION])
		out->evidence[RW_CAT_INJECTION] = (uint16_t)best->score;
	f.score = (uint8_t)(best->score / 100);
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
	rw_findings_add(out, r, f);
	rw_findings_sort(out, first);
}

static int scan_block(struct rw_scanner *s, const struct rw_rules *r, struct rw_slice text,
		      size_t from, size_t to, struct rw_findings *out)
{
	struct rw_probe probe = {s, r, {NULL, 0}, on_hit};
	int rc;

	rw_view_fold(&s->view, rw_slice_of(text.p + from, to - from));
	rw_meter_lap(s->meter, RW_PART_FOLD);
	s->n_hits = 0;
	probe.text = rw_slice_of(s->view.bytes, s->view.n);
	rc = rw_probe_run(&probe, RW_DB_INJECTION);
	s->numbered += s->n_hits;
	rw_meter_lap(s->meter, RW_PART_INJECTION);
	for (unsigned i = 0; !rc && i < s->n_hits; i++) {
		const struct rw_hit *hit = &s->hits[i];

		if (s->only < 0 || s->only == r->pats[hit->pat].rule)
			rc = place(s, r, hit, from, to, out);
	}
	rw_meter_lap(s->meter, RW_PART_PLACE);
	return rc;
}

int rw_injections(struct rw_scanner *s, const struct rw_rules *r, struct rw_slice text, bool model,
		  struct rw_findings *out)
{
	size_t from = 0, to = 0;
	unsigned first = out->n;
	struct rw_weak best = {.score = 0};
	int rc = 0;

	model = model && r->model_rule >= 0 && (s->only < 0 || s->only == r->model_rule);

	if (!model && !r->db[RW_DB_INJECTION] && !r->words[RW_DB_INJECTION])
		return 0;
	while (!rc && to < text.n) {
		to = text.n - from > RW_VIEW_TEXT_BYTES
			     ? char_start(text, from + RW_VIEW_TEXT_BYTES)
			     : text.n;
		rc = scan_block(s, r, text, from, to, out);
		if (!rc && model)
			rc = look(s, r, from, to, &best);
		merge_overlaps(out, r, first);
		from = char_start(text, to - (to > OVERLAP_BYTES ? OVERLAP_BYTES : to));
	}
	if (!rc && model)
		take(out, r, first, &best);
	return rc;
}
