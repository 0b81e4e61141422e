/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/repeat.h"

/* Bytes of a chunk that were not compared yet: in the one before, and in this one. */
struct walk {
	struct rw_json j; /* this one */
	struct rw_slice last;
	uint32_t at; /* in the one before */
};

/* Goes on over what both have, up to a place in the one before. */
static bool same_to(struct walk *w, uint32_t to)
{
	size_t n = to - w->at;

	if (n > (size_t)(w->j.end - w->j.p) || memcmp(w->j.p, w->last.p + w->at, n) != 0)
		return false;
	w->j.p += n;
	w->at = to;
	return true;
}

/* Goes on over a string, which was `was`: up to its closing quote in both. */
static bool other_string(struct walk *w, struct rw_span was, struct rw_span *is)
{
	if (!same_to(w, was.start))
		return false;
	w->j.p--; /* its opening quote */
	if (rw_json_string(&w->j, is))
		return false;
	w->j.p--;
	w->at = was.end;
	return true;
}

/* What stands behind a string that has become longer or shorter has moved. */
static void move(struct rw_span *v, struct rw_span was, struct rw_span is)
{
	v->start += is.end - was.end;
	v->end += is.end - was.end;
}

static void take_over(struct rw_chunk *c, const struct rw_repeat *r, struct rw_span text,
		      struct rw_span padding)
{
	const struct rw_spot *s = &c->spots[0];
	struct rw_span was = s->at, pad = r->padding.end ? c->padding : (struct rw_span){0};

	for (unsigned i = 0; i < RW_ENVELOPE; i++) {
		struct rw_span *v = &c->envelope[i];

		if (pad.end && v->start > pad.end)
			move(v, pad, padding);
		else if (v->start > was.end)
			move(v, was, text);
	}
	if (pad.end)
		c->padding = padding;
	c->spots[0] = (struct rw_spot){.kind = s->kind,
				       .field = s->field,
				       .at = text,
				       .choice = s->choice,
				       .index = s->index};
}

static bool repeats(const struct rw_repeat *r, struct rw_chunk *c, struct rw_slice json)
{
	struct walk w = {.last = rw_buf_slice(&r->last)};
	struct rw_span text, padding = {0};

	if (!r->last.len || rw_json_init(&w.j, json, 0, NULL))
		return false;
	if (!other_string(&w, r->text, &text))
		return false;
	if (r->padding.end && !other_string(&w, r->padding, &padding))
		return false;
	if (!same_to(&w, (uint32_t)w.last.n) || w.j.p != w.j.end)
		return false;
	take_over(c, r, text, padding);
	return true;
}

/* Keeps the chunk, if one piece of text is all that it brings. */
static int learn(struct rw_repeat *r, const struct rw_chunk *c, struct rw_slice json)
{
	if (!c->has_choices || c->n != 1 || c->spots[0].kind != RW_SPOT_LANE)
		return RW_OK;
	r->text = c->spots[0].at;
	r->padding = c->padding.start > r->text.end ? c->padding : (struct rw_span){0};
	return rw_buf_add_slice(&r->last, json);
}

int rw_repeat_read(struct rw_repeat *r, struct rw_chunk *c, struct rw_slice json, bool *repeated,
		   struct rw_error *e)
{
	int rc;

	*repeated = repeats(r, c, json);
	if (*repeated)
		return RW_OK;
	rw_buf_reset(&r->last);
	rc = rw_chunk_read(c, json, true, e);
	return rc ? rc : learn(r, c, json);
}

void rw_repeat_free(struct rw_repeat *r)
{
	rw_buf_wipe(&r->last);
	*r = (struct rw_repeat){0};
}
