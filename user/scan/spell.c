/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/spell.h"

#include <stdlib.h>

enum { FIRST = 16 };

int rw_spells_add(struct rw_spells *s, const struct rw_spell *one)
{
	unsigned cap = s->cap ? s->cap * 2 : FIRST;
	struct rw_spell *more;

	if (s->n == s->cap && s->first) {
		memmove(s->list, s->list + s->first, (s->n - s->first) * sizeof(*s->list));
		s->n -= s->first;
		s->first = 0;
	}
	if (s->n == s->cap) {
		more = realloc(s->list, cap * sizeof(*more));
		if (!more)
			return RW_ENOMEM;
		s->list = more;
		s->cap = cap;
	}
	s->list[s->n++] = *one;
	return RW_OK;
}

void rw_spells_cut(struct rw_spells *s, size_t at)
{
	while (s->n > s->first && s->list[s->n - 1].at >= at)
		s->n--;
}

size_t rw_spells_source(const struct rw_spells *s, size_t at)
{
	size_t source = s->dropped + at;

	for (unsigned i = s->first; i < s->n && s->list[i].at < at; i++)
		source += s->list[i].source - s->list[i].n;
	return source;
}

void rw_spells_rebase(struct rw_spells *s, size_t n)
{
	s->dropped = rw_spells_source(s, n);
	while (s->first < s->n && s->list[s->first].at < n)
		s->first++;
	for (unsigned i = s->first; i < s->n; i++)
		s->list[i].at -= (uint32_t)n;
}

void rw_spells_reset(struct rw_spells *s)
{
	s->first = s->n = 0;
	s->dropped = 0;
}

void rw_spells_free(struct rw_spells *s)
{
	free(s->list);
	*s = (struct rw_spells){0};
}

static int write_text(struct rw_slice text, const struct rw_writer *w, struct rw_buf *out)
{
	if (text.n == 0)
		return RW_OK;
	return w ? w->text(w->arg, text, out) : rw_buf_add_slice(out, text);
}

static int write_one(const struct rw_spell *one, const struct rw_writer *w, struct rw_buf *out)
{
	if (!one->put)
		return write_text(rw_slice_of(one->raw, one->raw_n), w, out);
	return w ? w->put(w->arg, one->written, out) : rw_buf_add_slice(out, one->written);
}

/* The first that is not before from. */
static unsigned find(const struct rw_spells *s, size_t from)
{
	unsigned lo = s->first, hi = s->n;

	while (lo < hi) {
		unsigned mid = lo + (hi - lo) / 2;

		if (s->list[mid].at < from)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int rw_spells_write(const struct rw_spells *s, struct rw_slice text, size_t from, size_t to,
		    const struct rw_writer *w, struct rw_buf *out)
{
	int rc = RW_OK;

	if (s && s->n > s->first)
		for (unsigned i = find(s, from); !rc && i < s->n && s->list[i].at < to; i++) {
			const struct rw_spell *one = &s->list[i];

			rc = write_text(rw_slice_of(text.p + from, one->at - from), w, out);
			if (!rc)
				rc = write_one(one, w, out);
			from = one->at + one->n;
		}
	if (rc || from >= to)
		return rc;
	return write_text(rw_slice_of(text.p + from, to - from), w, out);
}
