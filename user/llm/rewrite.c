/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/rewrite.h"

#include "llm/text.h"

int rw_rewrite_read(struct rw_rewrite *w, struct rw_slice json, bool stream, struct rw_error *e)
{
	int rc = rw_buf_reserve(&w->fresh, 1); /* so that it can be pointed into */

	w->json = json;
	rw_buf_reset(&w->fresh);
	if (rc)
		return rc;
	return stream ? rw_repeat_read(&w->repeat, &w->chunk, json, &w->repeated, e)
		      : rw_chunk_read(&w->chunk, json, false, e);
}

int rw_rewrite_plain(struct rw_rewrite *w, const struct rw_spot *s, struct rw_slice *out)
{
	struct rw_slice raw = rw_slice_of(w->json.p + s->at.start, s->at.end - s->at.start);
	int rc;

	*out = raw;
	if (!s->at.escaped)
		return RW_OK;
	rw_buf_reset(&w->plain);
	rc = rw_buf_reserve(&w->plain, raw.n);
	if (rc)
		return rc;
	w->plain.len = rw_json_unescape(raw, w->plain.p);
	*out = rw_buf_slice(&w->plain);
	return RW_OK;
}

void rw_rewrite_set(struct rw_rewrite *w, struct rw_spot *s, struct rw_slice text, size_t start)
{
	s->new_start = start;
	s->new_end = w->fresh.len;
	s->changed = !rw_slice_eq(text, rw_slice_of(w->fresh.p + start, w->fresh.len - start));
	s->touched = s->changed;
}

int rw_rewrite_text(struct rw_rewrite *w, struct rw_spot *s)
{
	size_t start = w->fresh.len;
	struct rw_slice text;
	int rc = rw_rewrite_plain(w, s, &text);

	if (!rc)
		rc = rw_llm_guard_text(&w->guard, s->field, text, &w->fresh);
	if (!rc)
		rw_rewrite_set(w, s, text, start);
	return rc;
}

/* Spots of one choice stand together: [from, the index returned). */
static unsigned settle_choice(struct rw_chunk *c, unsigned from)
{
	bool touched = false;
	unsigned end = from;

	while (end < c->n && c->spots[end].choice == c->spots[from].choice)
		touched |= c->spots[end++].touched;
	for (unsigned i = from; i < end && touched; i++)
		c->spots[i].changed |= c->spots[i].kind == RW_SPOT_LOGPROBS;
	return end;
}

bool rw_rewrite_settle(struct rw_rewrite *w)
{
	bool changed = false;

	for (unsigned i = 0; i < w->chunk.n;)
		i = settle_choice(&w->chunk, i);
	for (unsigned i = 0; i < w->chunk.n; i++)
		changed |= w->chunk.spots[i].changed;
	return changed;
}

static int write_spot(struct rw_rewrite *w, const struct rw_spot *s, struct rw_buf *out)
{
	if (s->kind == RW_SPOT_LOGPROBS)
		return rw_buf_add_str(out, "null");
	return rw_text_write(out,
			     rw_slice_of(w->fresh.p + s->new_start, s->new_end - s->new_start));
}

int rw_rewrite_write(struct rw_rewrite *w, struct rw_buf *out)
{
	size_t at = 0;
	int rc = rw_buf_reserve(out, w->json.n);

	for (unsigned i = 0; i < w->chunk.n && !rc; i++) {
		const struct rw_spot *s = &w->chunk.spots[i];

		if (!s->changed)
			continue;
		rc = rw_buf_add(out, w->json.p + at, s->at.start - at);
		if (!rc)
			rc = write_spot(w, s, out);
		at = s->at.end;
	}
	return rc ? rc : rw_buf_add(out, w->json.p + at, w->json.n - at);
}

void rw_rewrite_free(struct rw_rewrite *w)
{
	rw_chunk_free(&w->chunk);
	rw_repeat_free(&w->repeat);
	rw_buf_wipe(&w->plain);
	rw_buf_wipe(&w->fresh);
}
