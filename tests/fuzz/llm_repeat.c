/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunks that repeat the one before, against reading each in full. Lines of the input are chunks;
 * one that begins with '#' is put in place of the text of the chunk before it, one with '%' in
 * place of its padding.
 */
#include <stdint.h>

#include "llm/repeat.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
	struct rw_repeat r;
	struct rw_chunk c, full;
	struct rw_buf last, json;
	bool read; /* last is a chunk with a single piece of text */
};

static bool same_span(struct rw_span a, struct rw_span b)
{
	return a.start == b.start && a.end == b.end && a.escaped == b.escaped;
}

static void compare(const struct rw_chunk *a, const struct rw_chunk *b)
{
	RW_BUG_ON(a->n != b->n || a->has_choices != b->has_choices);
	RW_BUG_ON(a->usage.known != b->usage.known ||
		  a->usage.prompt_tokens != b->usage.prompt_tokens ||
		  a->usage.completion_tokens != b->usage.completion_tokens);
	RW_BUG_ON(!same_span(a->padding, b->padding));
	for (unsigned i = 0; i < RW_ENVELOPE; i++)
		RW_BUG_ON(!same_span(a->envelope[i], b->envelope[i]));
	for (unsigned i = 0; i < a->n; i++) {
		const struct rw_spot *x = &a->spots[i], *y = &b->spots[i];

		RW_BUG_ON(!same_span(x->at, y->at) || x->kind != y->kind || x->field != y->field ||
			  x->choice != y->choice || x->index != y->index || x->changed ||
			  x->touched);
	}
}

static void put_in(struct run *run, struct rw_span at, struct rw_slice text)
{
	const char *p = run->last.p;

	RW_BUG_ON(rw_buf_add(&run->json, p, at.start));
	RW_BUG_ON(rw_buf_add_slice(&run->json, text));
	RW_BUG_ON(rw_buf_add(&run->json, p + at.end, run->last.len - at.end));
}

static void one(struct run *run, struct rw_slice line)
{
	struct rw_slice rest = rw_slice_of(line.p + 1, line.n ? line.n - 1 : 0);
	bool repeated;
	int rc;

	rw_buf_reset(&run->json);
	RW_BUG_ON(rw_buf_reserve(&run->json, 1));
	if (run->read && line.n && line.p[0] == '#')
		put_in(run, run->full.spots[0].at, rest);
	else if (run->read && line.n && line.p[0] == '%')
		put_in(run, run->full.padding, rest);
	else
		RW_BUG_ON(rw_buf_add_slice(&run->json, line));
	rc = rw_repeat_read(&run->r, &run->c, rw_buf_slice(&run->json), &repeated, NULL);
	RW_BUG_ON(rw_chunk_read(&run->full, rw_buf_slice(&run->json), true, NULL) != rc);
	if (!rc)
		compare(&run->c, &run->full);
	run->read = !rc && run->full.n == 1;
	rw_buf_reset(&run->last);
	RW_BUG_ON(rw_buf_add_slice(&run->last, rw_buf_slice(&run->json)));
	if (rc || !run->full.n)
		return;
	/* What a stream notes in a spot is nothing that the next one keeps. */
	run->c.spots[0].changed = run->c.spots[0].touched = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rw_slice in = rw_slice_of((const char *)data, size);
	struct run run = {.read = false};

	while (in.n) {
		const char *lf = memchr(in.p, '\n', in.n);
		size_t n = lf ? (size_t)(lf - in.p) : in.n;

		one(&run, rw_slice_of(in.p, n));
		in.p += n + (lf != NULL);
		in.n -= n + (lf != NULL);
	}
	rw_repeat_free(&run.r);
	rw_chunk_free(&run.c);
	rw_chunk_free(&run.full);
	rw_buf_free(&run.last);
	rw_buf_free(&run.json);
	return 0;
}
