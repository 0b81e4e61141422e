/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What both targets check: the same bytes whole, one at a time and cut at random are
 * the same messages or the same refusal; and every message that was understood,
 * written again by our serialiser, is understood as the same and as exactly one.
 */
#ifndef RW_FUZZ_HTTP_MESSAGE_H
#define RW_FUZZ_HTTP_MESSAGE_H

#include "../unit/http/transcript.h"
#include "http/h1_impl.h"

/* Gathers messages as our serialiser would send them on. */
struct again {
	struct rw_buf out, head, body;
	unsigned status; /* 0: a request */
	bool chunked;
	bool head_only;
};

static inline bool is_framing(struct rw_slice name)
{
	return rw_slice_caseis(name, "content-length") || rw_slice_caseis(name, "expect") ||
	       rw_slice_caseis(name, "transfer-encoding") || rw_slice_caseis(name, "upgrade") ||
	       rw_slice_caseis(name, "connection");
}

/* Written at once: the parser's head does not outlive this call. */
static inline bool goes(const struct rw_h1_head *h, struct rw_slice name)
{
	(void)h;
	(void)name;
	return true;
}

/* What is passed on unread is what would be written of it. */
static inline void check_lines(const struct rw_h1_head *h)
{
	char *out = malloc(rw_h1_lines_room(h) + 1);
	struct rw_h1_lines lines = rw_h1_lines_of(h, goes, out);
	struct rw_buf want = {0};

	for (unsigned i = 0; i < h->n_headers; i++)
		if (!rw_h1_own_field(h->headers[i].name))
			RW_BUG_ON(rw_h1_put_header(&want, h->headers[i].name, h->headers[i].value));
	RW_BUG_ON(!rw_slice_eq(lines.bytes, rw_buf_slice(&want)));
	rw_buf_free(&want);
	free(out);
}

static inline int again_head(void *user, const struct rw_h1_head *h)
{
	struct again *a = user;
	struct rw_buf *b = &a->head;

	rw_buf_reset(b);
	rw_buf_reset(&a->body);
	a->status = h->status;
	a->chunked = h->chunked;
	if (h->status)
		RW_BUG_ON(rw_h1_put_status_line(b, h->status));
	else
		RW_BUG_ON(rw_h1_put_request_line(b, h->method, h->target));
	for (unsigned i = 0; i < h->n_headers; i++)
		if (!is_framing(h->headers[i].name))
			RW_BUG_ON(rw_h1_put_header(b, h->headers[i].name, h->headers[i].value));
	check_lines(h);
	return 0;
}

static inline int again_body(void *user, const char *data, size_t n)
{
	struct again *a = user;

	return rw_buf_add(&a->body, data, n);
}

static inline int again_end(void *user)
{
	struct again *a = user;
	struct rw_buf *b = &a->out;
	bool chunked = a->body.len && a->chunked;

	RW_BUG_ON(rw_buf_add_slice(b, rw_buf_slice(&a->head)));
	if (chunked)
		RW_BUG_ON(rw_h1_put_header(b, RW_SLICE("Transfer-Encoding"), RW_SLICE("chunked")));
	else if (!a->head_only && a->status != 204 && a->status != 304)
		RW_BUG_ON(rw_h1_put_header_num(b, "Content-Length", a->body.len));
	RW_BUG_ON(rw_h1_put_end(b));
	if (chunked) {
		RW_BUG_ON(rw_h1_put_chunk(b, a->body.p, a->body.len));
		RW_BUG_ON(rw_h1_put_last_chunk(b));
	} else {
		RW_BUG_ON(rw_buf_add_slice(b, rw_buf_slice(&a->body)));
	}
	return 0;
}

static const struct rw_h1_events again_events = {again_head, again_body, again_end};

/* What a message means without how it was framed: "GET /a [x=y] body". */
struct sense {
	struct rw_buf text;
	unsigned n;
};

static inline int sense_head(void *user, const struct rw_h1_head *h)
{
	struct sense *s = user;

	if (h->status && h->status < 200)
		return 0;
	s->n++;
	rw_buf_addf(&s->text, "\n%.*s %.*s %u", RW_SLICE_FMT(h->method), RW_SLICE_FMT(h->target),
		    h->status);
	for (unsigned i = 0; i < h->n_headers; i++)
		if (!is_framing(h->headers[i].name))
			rw_buf_addf(&s->text, "[%.*s=%.*s]", RW_SLICE_FMT(h->headers[i].name),
				    RW_SLICE_FMT(h->headers[i].value));
	rw_buf_add(&s->text, " ", 1);
	return 0;
}

static inline int sense_body(void *user, const char *data, size_t n)
{
	struct sense *s = user;

	return rw_buf_add(&s->text, data, n);
}

static inline int sense_end(void *user)
{
	(void)user;
	return 0;
}

static const struct rw_h1_events sense_events = {sense_head, sense_body, sense_end};

/* What is written again has one header more: how its body is framed. */
enum { HEADERS_FIRST = RW_H1_MAX_HEADERS - 1, HEADERS_AGAIN = RW_H1_MAX_HEADERS };

/* Feeds all of data with ev; the first error, or 0. */
static inline int feed_all(enum rw_h1_side side, bool head_only, unsigned headers, const char *data,
			   size_t n, const struct rw_h1_events *ev, void *user)
{
	const struct rw_h1_limits limits = {.headers = headers};
	struct rw_h1 *p = rw_h1_new(side, &limits, ev, user);
	struct rw_error e;
	size_t used;
	int rc = 0;

	rw_h1_expect_head_only(p, head_only);
	while (n && !rc) {
		rc = rw_h1_feed(p, data, n, &used, &e);
		data += used;
		n -= used;
	}
	if (!rc)
		rc = rw_h1_eof(p, &e);
	rw_h1_free(p);
	return rc;
}

static inline void check_cuts(enum rw_h1_side side, bool head_only,
			      const struct rw_h1_limits *limits, const char *data, size_t n)
{
	uint64_t seed = n * 2654435761u;
	struct transcript whole = {0}, cut = {0};

	tr_run(&whole, side, limits, head_only, data, n, cut_whole, NULL);
	tr_run(&cut, side, limits, head_only, data, n, cut_bytes, NULL);
	RW_BUG_ON(whole.text.len != cut.text.len ||
		  memcmp(whole.text.p, cut.text.p, whole.text.len) != 0);
	tr_free(&cut);
	tr_run(&cut, side, limits, head_only, data, n, cut_random, &seed);
	RW_BUG_ON(whole.text.len != cut.text.len ||
		  memcmp(whole.text.p, cut.text.p, whole.text.len) != 0);
	tr_free(&cut);
	tr_free(&whole);
}

static inline void check_again(enum rw_h1_side side, bool head_only, const char *data, size_t n)
{
	struct again a = {.head_only = head_only};
	struct sense before = {0}, after = {0};

	/* Whole messages only: where the last one is cut or refused, those before it count. */
	feed_all(side, head_only, HEADERS_FIRST, data, n, &again_events, &a);
	if (feed_all(side, head_only, HEADERS_FIRST, data, n, &sense_events, &before) == 0) {
		RW_BUG_ON(feed_all(side, head_only, HEADERS_AGAIN, a.out.p, a.out.len,
				   &sense_events, &after));
		RW_BUG_ON(before.n != after.n || before.text.len != after.text.len ||
			  (before.text.len &&
			   memcmp(before.text.p, after.text.p, before.text.len) != 0));
	}
	rw_buf_free(&before.text);
	rw_buf_free(&after.text);
	rw_buf_free(&a.out);
	rw_buf_free(&a.head);
	rw_buf_free(&a.body);
}

#endif
