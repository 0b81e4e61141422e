/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/lane.h"

#include "base/utf8.h"
#include "llm/text.h"

void rw_llm_tally_merge(struct rw_tally *into, const struct rw_tally *from)
{
	const unsigned max = sizeof(into->at) / sizeof(into->at[0]);

	for (unsigned i = 0; i < from->n; i++) {
		unsigned k = 0, sum;

		while (k < into->n && into->at[k].rule != from->at[i].rule)
			k++;
		if (k == max)
			continue;
		if (k == into->n) {
			into->at[into->n++] = (__typeof__(into->at[0])){.rule = from->at[i].rule};
		}
		sum = (unsigned)into->at[k].count + from->at[i].count;
		into->at[k].count = (uint16_t)(sum > UINT16_MAX ? UINT16_MAX : sum);
	}
	for (unsigned i = 0; i < from->n_places && into->n_places < RW_PLACES_MAX; i++)
		into->places[into->n_places++] = from->places[i];
	if (from->strongest > into->strongest)
		into->strongest = from->strongest;
}

int rw_llm_lane_begin(struct rw_llm_guard *g, struct rw_llm_lane *l)
{
	struct rw_guard guard = *g->g;

	if (g->g->in_answer) {
		guard.where = rw_field_forms[l->field].name;
		guard.index = (uint32_t)l->choice;
	}
	l->scan = rw_lane_new(g->s, g->r, &guard);
	l->high = 0;
	l->inner = (struct rw_inner){0};
	return l->scan ? RW_OK : RW_ENOMEM;
}

void rw_llm_lane_drop(struct rw_llm_guard *g, struct rw_llm_lane *l)
{
	if (l->scan)
		rw_llm_tally_merge(&g->ended, rw_lane_tally(l->scan));
	rw_lane_free(l->scan);
	l->scan = NULL;
}

size_t rw_llm_lane_held(const struct rw_llm_lane *l)
{
	return l->scan ? rw_lane_held(l->scan) + rw_inner_held(&l->inner) + (l->high ? 3 : 0) : 0;
}

static int feed(struct rw_llm_lane *l, struct rw_slice text, struct rw_buf *out)
{
	return rw_field_forms[l->field].json ? rw_inner_feed(&l->inner, l->scan, text, out)
					     : rw_lane_feed(l->scan, text, out);
}

static int feed_code_point(struct rw_llm_lane *l, uint32_t cp, struct rw_buf *out)
{
	char utf8[4];
	size_t n = rw_utf8_put(utf8, cp);

	return feed(l, rw_slice_of(utf8, n), out);
}

/* Feeds the surrogate that was kept, with its other half where text begins with that. */
static int feed_kept(struct rw_llm_lane *l, struct rw_slice *text, struct rw_buf *out)
{
	uint32_t low = rw_text_surrogate(text->p, text->n), cp = l->high;

	if (low >= 0xdc00) {
		cp = 0x10000 + ((l->high & 0x3ff) << 10 | (low & 0x3ff));
		text->p += 3;
		text->n -= 3;
	}
	l->high = 0;
	return feed_code_point(l, cp, out);
}

int rw_llm_lane_feed(struct rw_llm_lane *l, struct rw_slice text, struct rw_buf *out)
{
	uint32_t cp;
	int rc = RW_OK;

	if (text.n == 0)
		return RW_OK;
	if (l->high)
		rc = feed_kept(l, &text, out);
	cp = text.n >= 3 ? rw_text_surrogate(text.p + text.n - 3, 3) : 0;
	if (cp && cp < 0xdc00) {
		l->high = cp;
		text.n -= 3;
	}
	return rc || text.n == 0 ? rc : feed(l, text, out);
}

int rw_llm_lane_end(struct rw_llm_guard *g, struct rw_llm_lane *l, struct rw_buf *out)
{
	int rc = RW_OK;

	if (l->high)
		rc = feed_code_point(l, l->high, out);
	if (!rc)
		rc = rw_field_forms[l->field].json ? rw_inner_end(&l->inner, l->scan, out)
						   : rw_lane_end(l->scan, out);
	rw_llm_lane_drop(g, l);
	return rc;
}

int rw_llm_lane_late(struct rw_llm_lane *l, struct rw_buf *out)
{
	return rw_field_forms[l->field].json ? rw_inner_late(&l->inner, l->scan, out)
					     : rw_lane_late(l->scan, out);
}

int rw_llm_guard_text(struct rw_llm_guard *g, enum rw_field field, struct rw_slice text,
		      struct rw_buf *out)
{
	struct rw_llm_lane l = {.field = field};
	int rc = rw_llm_lane_begin(g, &l);

	if (rc)
		return rc;
	rw_lane_whole(l.scan);
	rc = rw_llm_lane_feed(&l, text, out);
	if (!rc)
		return rw_llm_lane_end(g, &l, out);
	rw_llm_lane_drop(g, &l);
	return rc;
}

int rw_arguments_guard(struct rw_scanner *s, struct rw_rules *r, const struct rw_guard *g,
		       struct rw_slice text, struct rw_buf *out, struct rw_tally *tally)
{
	struct rw_llm_guard guard = {.s = s, .r = r, .g = g};
	int rc = rw_llm_guard_text(&guard, RW_FIELD_TOOL_ARGUMENTS, text, out);

	rw_llm_tally_merge(tally, &guard.ended);
	return rc;
}
