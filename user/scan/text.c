/* SPDX-License-Identifier: Apache-2.0 */
/* A whole text: findings, verdict, mask, tally. */
#include "scan/match.h"
#include "scan/mask.h"
#include "scan/redact_int.h"

/* The sink of a whole text: into a list. */
struct list {
	struct rw_findings *out;
	const struct rw_rules *r;
	struct rw_finding *open[2]; /* a secret, and the link that it is in */
	unsigned n_open;
};

static int list_found(void *arg, const struct rw_finding *f, bool open)
{
	struct list *l = arg;
	struct rw_finding *at = rw_findings_add(l->out, l->r, *f);

	if (open && at) {
		at->swallowed = 1;
		l->open[l->n_open++] = at;
	}
	return 0;
}

static int list_closed(void *arg, size_t end)
{
	struct list *l = arg;

	while (l->n_open)
		l->open[--l->n_open]->end = (uint32_t)end;
	return 0;
}

int rw_scan_text(struct rw_scanner *s, const struct rw_rules *r, struct rw_slice text,
		 unsigned categories, struct rw_findings *out)
{
	struct list list = {.out = out, .r = r};
	const struct rw_sink sink = {list_found, list_closed, &list};
	struct rw_seg seg;
	int rc = 0;

	out->n = out->more = out->score = 0;
	out->n_signals = 0;
	memset(out->evidence, 0, sizeof(out->evidence));
	if (text.n > UINT32_MAX)
		return RW_EIO;
	/* First, so that no number of entities pushes it out of the list. */
	if (categories & RW_IN_VIEW)
		rc = rw_injections(s, r, text, categories, true, out);
	if (!rc && categories & RW_ENTITIES) {
		rw_seg_init(&seg, rw_seg_finds(s, r, categories));
		rc = rw_entities(s, r, &seg, text, true, categories, &sink);
	}
	rw_findings_sort(out, 0);
	return rc;
}

unsigned rw_guard_categories(const struct rw_guard *g)
{
	unsigned categories = 0;

	for (unsigned c = 0; c < RW_CAT_COUNT; c++)
		if (g->action[c] != RW_ACT_ALLOW)
			categories |= 1u << c;
	return categories;
}

enum rw_action rw_guard_action(const struct rw_guard *g, const struct rw_rules *r,
			       const struct rw_finding *f)
{
	return rw_action_of(g, r, f);
}

enum rw_action rw_guard_verdict(const struct rw_guard *g, const struct rw_rules *r,
				const struct rw_findings *f)
{
	enum rw_action strongest = RW_ACT_ALLOW;

	for (unsigned i = 0; i < f->n; i++)
		if (rw_action_of(g, r, &f->at[i]) > strongest)
			strongest = rw_action_of(g, r, &f->at[i]);
	return strongest;
}

int rw_mask_text(const struct rw_guard *g, const struct rw_rules *r, const struct rw_findings *f,
		 struct rw_slice text, struct rw_buf *out)
{
	struct rw_masker m = {.r = r, .g = g};
	int rc = 0;

	for (unsigned i = 0; !rc && i < f->n; i++)
		if (rw_action_of(g, r, &f->at[i]) >= RW_ACT_MASK)
			rc = rw_masker_put(&m, text, &f->at[i], out);
	return rc ? rc : rw_masker_copy(&m, text, text.n, out);
}

void rw_tally_rule(struct rw_tally *t, uint16_t rule, enum rw_action action)
{
	unsigned i = 0;

	if (action > t->strongest)
		t->strongest = action;
	while (i < t->n && t->at[i].rule != rule)
		i++;
	if (i == sizeof(t->at) / sizeof(t->at[0]))
		return;
	if (i == t->n)
		t->at[t->n++].rule = rule;
	if (t->at[i].count < UINT16_MAX)
		t->at[i].count++;
}

void rw_tally_place(struct rw_tally *t, const struct rw_guard *g, const struct rw_finding *f,
		    enum rw_action action)
{
	rw_tally_rule(t, f->rule, action);
	if (!g->where || t->n_places == RW_PLACES_MAX)
		return;
	t->places[t->n_places++] = (struct rw_place){
		.where = g->where,
		.index = g->index,
		.start = f->start,
		.end = f->end > f->start ? f->end : 0,
		.rule = f->rule,
		.action = (uint8_t)action,
		.as = (uint8_t)(f->swallowed ? RW_REDACT_MASK : rw_redactor_kind_in(g, f->rule)),
	};
}

void rw_tally_add(struct rw_tally *t, const struct rw_guard *g, const struct rw_rules *r,
		  const struct rw_findings *f)
{
	for (unsigned i = 0; i < f->n; i++) {
		enum rw_action action = rw_action_of(g, r, &f->at[i]);

		if (action != RW_ACT_ALLOW) /* below the guard's line */
			rw_tally_place(t, g, &f->at[i], action);
	}
}
