/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entities: PII, secrets and markup in the runs of a text.
 *
 * What is found in a run is a function of the run, of RW_CONTEXT_BYTES before it
 * and of the byte behind it, and of nothing else: the prefilter only says
 * where looking is worth while. So a stream and a whole text agree.
 */
#include "scan/match.h"

#include "scan/valid.h"

enum { BATCH_GAP = 512 }; /* runs farther apart than this are scanned by themselves */

_Static_assert(RW_BATCH_UNITS <= 64, "a bit for each unit");

struct batch {
	struct rw_unit units[RW_BATCH_UNITS];
	unsigned n;
};

/* One pass over text, as rw_entities was called. */
struct pass {
	struct rw_probe probe; /* first: on_hit gets it */
	struct rw_scanner *s;
	const struct rw_rules *r;
	struct rw_slice text;
	unsigned categories;
	const struct rw_sink *sink;
	struct batch batch;
	/* while the prefilter runs */
	size_t base;
	unsigned cursor;
};

/* The bytes that a unit's findings depend on: [from, to) of the text. */
static size_t window_from(const struct rw_unit *u)
{
	return u->start > RW_CONTEXT_BYTES + 1 ? u->start - RW_CONTEXT_BYTES - 1 : 0;
}

static size_t window_to(const struct rw_unit *u, struct rw_slice text)
{
	return u->kind == RW_UNIT_STEP || u->end == text.n ? u->end : u->end + 1;
}

static bool wanted(const struct pass *p, unsigned pat)
{
	unsigned rule = p->r->pats[pat].rule;

	if (p->s->only >= 0)
		return (unsigned)p->s->only == rule;
	return p->categories & 1u << rw_rule_of(p->r, rule)->info.category;
}

static void note(struct pass *p, unsigned unit, unsigned pat)
{
	struct rw_scanner *s = p->s;
	uint64_t number = s->numbered + unit + 1;

	if (s->marked[pat] == number || !wanted(p, pat))
		return;
	s->marked[pat] = number;
	s->hits[s->n_hits++] = (struct rw_hit){.unit = (uint16_t)unit, .pat = (uint16_t)pat};
}

/* Words that lead a value end at end: the value may stand in each unit whose window has them. */
static void note_led(struct pass *p, unsigned pat, size_t end)
{
	struct rw_scanner *s = p->s;
	unsigned i = p->cursor;

	if (!s->led[pat])
		s->led_pats[s->n_led_pats++] = (uint16_t)pat;
	for (; i < p->batch.n && window_from(&p->batch.units[i]) < end; i++)
		if (end <= p->batch.units[i].end + 1)
			s->led[pat] |= UINT64_C(1) << i;
	if (!s->led[pat])
		s->n_led_pats--;
}

/* The units that have the shape of what the words in front of them lead. */
static void fit_led(struct pass *p)
{
	struct rw_scanner *s = p->s;

	for (unsigned i = 0; i < s->n_led_pats; i++) {
		unsigned pat = s->led_pats[i], unit;
		const struct rw_shape *shape = &p->r->led[p->r->pats[pat].led - 1];

		for (; s->led[pat]; s->led[pat] &= s->led[pat] - 1) {
			unit = (unsigned)__builtin_ctzll(s->led[pat]);
			if (rw_shape_fits(shape, &s->seen[unit]))
				note(p, unit, pat);
		}
	}
	s->n_led_pats = 0;
}

/* The prefilter's word that a pattern ends at to. Notes it once per unit. */
static void on_hit(struct rw_probe *probe, unsigned id, size_t to)
{
	struct pass *p = (struct pass *)probe;
	size_t end = p->base + to;
	const struct rw_unit *units = p->batch.units;

	while (p->cursor && end <= units[p->cursor - 1].end + 1)
		p->cursor--;
	while (p->cursor + 1 < p->batch.n && end > units[p->cursor].end + 1)
		p->cursor++;
	if (p->r->pats[id].led) {
		note_led(p, id, end);
		return;
	}
	if (end <= units[p->cursor].start || end > units[p->cursor].end + 1)
		return;
	note(p, p->cursor, id);
}

/* What the bytes of a unit add up to: which patterns may match in it. */
static void fit(struct pass *p, unsigned unit)
{
	const struct rw_unit *u = &p->batch.units[unit];
	struct rw_shape_seen *seen = &p->s->seen[unit];
	const struct rw_shapes *shapes = &p->r->shapes;

	rw_shape_see(rw_slice_of(p->text.p + u->start, window_to(u, p->text) - u->start),
		     p->text.n - u->start, seen);
	for (unsigned i = 0;
	     i < shapes->n && shapes->at[i].least[RW_COUNT_DIGIT] <= seen->counts[RW_COUNT_DIGIT];
	     i += RW_SHAPES_STEP)
		for (uint64_t fit = rw_shapes_fit(shapes, i, seen); fit; fit &= fit - 1)
			note(p, unit, shapes->at[i + (unsigned)__builtin_ctzll(fit)].pat);
}

static int prefilter(struct pass *p)
{
	const struct rw_unit *last = &p->batch.units[p->batch.n - 1];
	int rc;

	p->base = window_from(&p->batch.units[0]);
	p->cursor = 0;
	p->s->n_hits = 0;
	p->probe.text = rw_slice_of(p->text.p + p->base, window_to(last, p->text) - p->base);
	for (unsigned i = 0; i < p->batch.n; i++)
		fit(p, i);
	rw_probe_begin(&p->probe);
	rc = rw_probe_run(&p->probe, RW_DB_ENTITY);
	fit_led(p);
	p->s->numbered += p->batch.n;
	return rc;
}

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Whether the word stands in text by itself, in any case of letters. ahead: the byte in front of
 * the text, or 0. */
static bool has_word(struct rw_slice text, char ahead, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= text.n; i++) {
		if (strncasecmp(text.p + i, word, n) != 0)
			continue;
		if ((!is_alpha(i ? text.p[i - 1] : ahead) || !is_alpha(*word)) &&
		    (i + n == text.n || !is_alpha(text.p[i + n])))
			return true;
	}
	return false;
}

static bool in_context(const struct rw_rule *rule, struct rw_slice before, char ahead)
{
	if (!rule->context.n)
		return true;
	for (unsigned i = 0; i < rule->context.n; i++)
		if (has_word(before, ahead, rule->context.at[i].text))
			return true;
	return false;
}

/* Whether [start, *end) of the subject is what the rule means; the end may come closer. */
static bool accept(const struct rw_rule *rule, struct rw_slice subject, size_t start, size_t *end)
{
	size_t from = start > RW_CONTEXT_BYTES ? start - RW_CONTEXT_BYTES : 0;
	struct rw_candidate c = {
		.value = rw_slice_of(subject.p + start, *end - start),
		.before = rw_slice_of(subject.p + from, start - from),
		.after = *end < subject.n ? (unsigned char)subject.p[*end] : -1,
	};

	if (rule->entropy_centibits && rw_entropy_centibits(c.value) < rule->entropy_centibits)
		return false;
	if (!in_context(rule, c.before, from ? subject.p[from - 1] : '\0') ||
	    (rule->validator && !rule->validator->ok(&c)))
		return false;
	*end = start + c.value.n;
	return true;
}

/* Whether the rule's validator may take something in the unit. */
static bool may_accept(const struct rw_validator *v, struct rw_slice run,
		       const struct rw_shape_seen *seen)
{
	return !v || (seen->counts[RW_COUNT_NUMBER] >= v->digits && (!v->may || v->may(run)));
}

/* Finds all of one pattern in one unit, into s->fresh. */
static int confirm(struct pass *p, unsigned unit, unsigned id)
{
	const struct rw_unit *u = &p->batch.units[unit];
	const struct rw_pat *pat = &p->r->pats[id];
	const struct rw_rule *rule = rw_rule_of(p->r, pat->rule);
	struct rw_spans *out = &p->s->fresh;
	size_t base = window_from(u), first = u->start - base, last = u->end - base;
	struct rw_slice subject = rw_slice_of(p->text.p + base, window_to(u, p->text) - base);
	const size_t *at = pcre2_get_ovector_pointer(p->s->match);
	size_t from = !pat->has_group		 ? first
		      : first > RW_CONTEXT_BYTES ? first - RW_CONTEXT_BYTES
						 : 0;

	out->n = 0;
	if (!may_accept(rule->validator, rw_slice_of(subject.p + first, last - first),
			&p->s->seen[unit]))
		return 0;
	while (from < last) {
		int n = pcre2_match(pat->code, (PCRE2_SPTR)subject.p, subject.n, from, 0,
				    p->s->match, p->s->context);
		size_t start, end;

		if (n == PCRE2_ERROR_NOMATCH)
			return 0;
		if (n < 0)
			return RW_EIO;
		start = at[n > 1 ? 2 : 0];
		end = at[n > 1 ? 3 : 1];
		if (end > last)
			end = last;
		from = at[0] + 1;
		if (start < first ||
		    (end < start + RW_VALUE_MIN && rule->info.category != RW_CAT_MARKUP) ||
		    !accept(rule, subject, start, &end))
			continue;
		out->at[out->n++] = (struct rw_finding){.start = (uint32_t)(base + start),
							.end = (uint32_t)(base + end),
							.rule = pat->rule};
		from = end;
	}
	return 0;
}

/*
 * Adds s->fresh to a category's spans. What overlaps becomes one span with all the bytes of both,
 * so that no part of either stays when it is masked.
 */
static void merge(struct pass *p, struct rw_spans *into)
{
	const struct rw_spans *fresh = &p->s->fresh;
	struct rw_spans *out = &p->s->merged;
	unsigned a = 0, b = 0;

	out->n = 0;
	while (a < into->n || b < fresh->n) {
		bool old = b == fresh->n ||
			   (a < into->n && into->at[a].start <= fresh->at[b].start);
		struct rw_finding f = old ? into->at[a++] : fresh->at[b++];
		struct rw_finding *last = out->n ? &out->at[out->n - 1] : NULL;

		if (!last || f.start >= last->end) {
			out->at[out->n++] = f;
			continue;
		}
		if (f.end > last->end)
			last->end = f.end;
		last->rule = rw_rule_stronger(p->r, last->rule, f.rule);
	}
	into->n = out->n;
	memcpy(into->at, out->at, out->n * sizeof(out->at[0]));
}

/* The spans of one unit, from the hits [*hit, ...) that belong to it. */
static int judge(struct pass *p, unsigned unit, unsigned *hit)
{
	struct rw_scanner *s = p->s;
	int rc = 0;

	for (unsigned c = 0; c < RW_CAT_COUNT; c++)
		s->spans[c].n = 0;
	for (; !rc && *hit < s->n_hits && s->hits[*hit].unit == unit; ++*hit) {
		unsigned pat = s->hits[*hit].pat;

		rc = confirm(p, unit, pat);
		if (!rc && s->fresh.n)
			merge(p, &s->spans[rw_rule_of(p->r, p->r->pats[pat].rule)->info.category]);
	}
	return rc;
}

/* Takes out of spans what lies within a span of other; equal ones only where asked. */
static void drop_inner(struct rw_spans *spans, const struct rw_spans *other, bool equal)
{
	unsigned k = 0, j = 0;

	for (unsigned i = 0; i < spans->n; i++) {
		const struct rw_finding f = spans->at[i];
		const struct rw_finding *o;

		while (j < other->n && other->at[j].end <= f.start)
			j++;
		o = j < other->n ? &other->at[j] : NULL;
		if (o && o->start <= f.start && f.end <= o->end &&
		    (equal || f.end - f.start < o->end - o->start))
			continue;
		spans->at[k++] = f;
	}
	spans->n = k;
}

/* Whether a finding comes before another: as rw_findings_sort has it. */
static bool is_before(const struct rw_finding *a, const struct rw_finding *b)
{
	if (a->start != b->start)
		return a->start < b->start;
	return a->end != b->end ? a->end > b->end : a->rule < b->rule;
}

/* Takes the first of what is left in the spans, of which at counts what was taken; *c: whose. */
static const struct rw_finding *take(const struct rw_spans *spans, unsigned at[RW_CAT_COUNT],
				     unsigned *c)
{
	const struct rw_finding *best = NULL;

	for (unsigned i = 0; i < RW_CAT_COUNT; i++) {
		const struct rw_finding *f = &spans[i].at[at[i]];

		if (at[i] == spans[i].n || (best && !is_before(f, best)))
			continue;
		best = f;
		*c = i;
	}
	if (best)
		at[*c]++;
	return best;
}

/*
 * Hands the unit's findings that start before *to, or overlap one that does, to the sink.
 * *to: how far they reach then; *open: a secret or a link reaches the end of the unit and may go
 * on.
 */
static int emit(struct pass *p, const struct rw_unit *u, size_t *to, bool *open)
{
	struct rw_spans *spans = p->s->spans;
	unsigned at[RW_CAT_COUNT] = {0}, c = 0;
	const struct rw_finding *f;
	int rc = 0;

	drop_inner(&spans[RW_CAT_PII], &spans[RW_CAT_SECRET], true);
	drop_inner(&spans[RW_CAT_SECRET], &spans[RW_CAT_PII], false);
	while (!rc && (f = take(spans, at, &c))) {
		if (f->start >= *to)
			break;
		if (f->end > *to)
			*to = f->end;
		*open |= c != RW_CAT_PII && u->kind == RW_UNIT_STEP && f->end == u->end;
		rc = p->sink->found(p->sink->arg, f,
				    c != RW_CAT_PII && u->kind == RW_UNIT_STEP && f->end == u->end);
	}
	return rc;
}

/* Hits of one unit side by side, in the order of the units. Mostly they are. */
static void sort_hits(struct rw_hit *hits, unsigned n)
{
	for (unsigned i = 1; i < n; i++) {
		struct rw_hit h = hits[i];
		unsigned k = i;

		for (; k && hits[k - 1].unit > h.unit; k--)
			hits[k] = hits[k - 1];
		hits[k] = h;
	}
}

/* Looks at the units gathered. to and open are those of the last. */
static int flush(struct pass *p, size_t *to, bool *open)
{
	unsigned hit = 0;
	int rc;

	rw_meter_lap(p->s->meter, RW_PART_SEGMENT);
	rc = p->batch.n ? prefilter(p) : 0;
	rw_meter_lap(p->s->meter, RW_PART_PREFILTER);
	if (!rc && p->batch.n)
		sort_hits(p->s->hits, p->s->n_hits);
	for (unsigned i = 0; !rc && i < p->batch.n; i++) {
		*to = p->batch.units[i].limit;
		*open = false;
		if (hit == p->s->n_hits || p->s->hits[hit].unit != i)
			continue; /* nothing in it, as in most */
		rc = judge(p, i, &hit);
		if (!rc)
			rc = emit(p, &p->batch.units[i], to, open);
	}
	rw_meter_lap(p->s->meter, RW_PART_CONFIRM);
	p->batch.n = 0;
	return rc;
}

static int gather(struct pass *p, const struct rw_unit *u)
{
	const struct batch *b = &p->batch;
	size_t to;
	bool open;
	int rc = 0;

	if (b->n == RW_BATCH_UNITS || (b->n && (u->end - b->units[0].start > RW_BATCH_BYTES ||
						u->start - b->units[b->n - 1].end > BATCH_GAP)))
		rc = flush(p, &to, &open);
	p->batch.units[p->batch.n++] = *u;
	return rc;
}

/* A window of a long run is decided before the segmenter goes on. */
static int step(struct pass *p, struct rw_seg *seg, const struct rw_unit *u)
{
	size_t to = u->limit;
	bool open = false;
	int rc = flush(p, &to, &open);

	if (rc)
		return rc;
	p->batch.units[p->batch.n++] = *u;
	rc = flush(p, &to, &open);
	if (!rc)
		rw_seg_step(seg, to, open);
	return rc;
}

/* What the segmenter found by itself. */
static int tell(const struct pass *p, const struct rw_unit *u)
{
	bool street = u->kind == RW_UNIT_STREET;
	struct rw_finding f = {
		.start = (uint32_t)u->start,
		.end = (uint32_t)(street ? u->end : u->start),
		.rule = (uint16_t)(street ? p->r->found_by[RW_BY_STREET]
					  : p->r->found_by[RW_BY_PEM]),
	};

	if (u->kind == RW_UNIT_CLOSE)
		return p->sink->closed(p->sink->arg, u->end);
	return p->sink->found(p->sink->arg, &f, !street);
}

int rw_entities(struct rw_scanner *s, const struct rw_rules *r, struct rw_seg *seg,
		struct rw_slice text, bool eof, unsigned categories, const struct rw_sink *sink)
{
	struct rw_unit u;
	struct pass p;
	size_t to;
	bool open;
	int rc = 0;

	/* Member by member: the batch is large, and most pieces of a stream have nothing for it. */
	p.probe = (struct rw_probe){s, r, {NULL, 0}, on_hit};
	p.s = s;
	p.r = r;
	p.text = text;
	p.categories = categories;
	p.sink = sink;
	p.batch.n = 0;
	while (!rc && rw_seg_next(seg, text, eof, &u)) {
		if (u.kind == RW_UNIT_RUN) {
			rc = gather(&p, &u);
			continue;
		}
		if (u.kind == RW_UNIT_STEP) {
			rc = step(&p, seg, &u);
			continue;
		}
		rc = flush(&p, &to, &open);
		if (!rc)
			rc = tell(&p, &u);
	}
	return rc ? rc : flush(&p, &to, &open);
}
