/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A parser's doings as one text, so that the same bytes cut differently can be
 * compared: "H GET / 1.1 keep [host=x] B abc E" and how it ended.
 */
#ifndef RW_TESTS_HTTP_TRANSCRIPT_H
#define RW_TESTS_HTTP_TRANSCRIPT_H

#include <stdlib.h>
#include <string.h>

#include "http/h1.h"

struct transcript {
	struct rw_buf text;
	unsigned heads, ends;
	bool in_body; /* spans of one body are joined: cuts must not show */
};

static inline int tr_head(void *user, const struct rw_h1_head *h)
{
	struct transcript *t = user;

	t->heads++;
	t->in_body = false;
	rw_buf_addf(&t->text, "H %.*s%.*s%u 1.%u%s%s%s", RW_SLICE_FMT(h->method),
		    RW_SLICE_FMT(h->target), h->status, h->minor, h->keep_alive ? " keep" : "",
		    h->expect_continue ? " expect" : "", h->chunked ? " chunked" : "");
	if (h->has_length)
		rw_buf_addf(&t->text, " %llu", (unsigned long long)h->length);
	rw_buf_add_str(&t->text, " [");
	for (unsigned i = 0; i < h->n_headers; i++)
		rw_buf_addf(&t->text, "%s%.*s=%.*s", i ? "|" : "", RW_SLICE_FMT(h->headers[i].name),
			    RW_SLICE_FMT(h->headers[i].value));
	rw_buf_add_str(&t->text, "]");
	return 0;
}

static inline int tr_body(void *user, const char *data, size_t n)
{
	struct transcript *t = user;

	if (!t->in_body)
		rw_buf_add_str(&t->text, " B ");
	t->in_body = true;
	rw_buf_add(&t->text, data, n);
	return 0;
}

static inline int tr_end(void *user)
{
	struct transcript *t = user;

	t->ends++;
	t->in_body = false;
	rw_buf_add_str(&t->text, " E\n");
	return 0;
}

static const struct rw_h1_events tr_events = {tr_head, tr_body, tr_end};

/* Where to cut: the length of the next piece out of n bytes. */
typedef size_t (*tr_cut)(void *arg, size_t n);

static inline size_t cut_whole(void *arg, size_t n)
{
	(void)arg;
	return n;
}

static inline size_t cut_bytes(void *arg, size_t n)
{
	(void)arg;
	(void)n;
	return 1;
}

/* Pieces of 1 to 8 bytes, now and then many, from a seed. */
static inline size_t cut_random(void *arg, size_t n)
{
	uint64_t *seed = arg;
	size_t k;

	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	k = 1 + (size_t)(*seed >> 33) % 8;
	if ((*seed >> 60) == 0)
		k *= 40;
	return k < n ? k : n;
}

/*
 * Runs data through a new parser and writes what it did to t->text, with "!rc" at
 * the end where it refused, also at EOF. Returns that rc.
 */
static inline int tr_run(struct transcript *t, enum rw_h1_side side,
			 const struct rw_h1_limits *limits, bool head_only, const char *data,
			 size_t n, tr_cut cut, void *arg)
{
	struct rw_h1 *p = rw_h1_new(side, limits, &tr_events, t);
	struct rw_error e = {0};
	int rc = 0;

	rw_h1_expect_head_only(p, head_only);
	while (n && !rc) {
		size_t k = cut(arg, n), used;
		/* A copy of its own, so that ASan sees a byte too far. */
		char *piece = malloc(k);

		memcpy(piece, data, k);
		rc = rw_h1_feed(p, piece, k, &used, &e);
		free(piece);
		data += used;
		n -= used;
		if (!rc && used == 0) {
			rc = 1; /* no progress: never */
			rw_fail(&e, rc, "no progress");
		}
	}
	if (!rc)
		rc = rw_h1_eof(p, &e);
	if (rc)
		rw_buf_addf(&t->text, "!%s(%u)", rw_err_name(rc), rw_h1_status(p));
	rw_buf_add(&t->text, "", 1);
	rw_h1_free(p);
	return rc;
}

static inline void tr_free(struct transcript *t)
{
	rw_buf_free(&t->text);
	*t = (struct transcript){0};
}

#endif
