/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser: two readers that must agree. A head is gathered whole, read
 * strictly by ours (h1_head.c), and what of it frames then by llhttp; a body's framing
 * is walked by ours, decoded by llhttp. Where the two see different messages,
 * the message is refused: so would two other implementations have.
 */
#include "http/h1.h"

#include <llhttp.h>
#include <stdlib.h>

#include "http/h1_impl.h"

enum {
	DEFAULT_HEAD_BYTES = 32768,
	DEFAULT_HEADERS = 100,
	KEEP_HEAD_BYTES = 16384, /* a larger head's memory is not kept for the next */
	MAX_SPARES = 64,
};

/* What a head needs while it comes and is told: its bytes and what they mean. */
struct message {
	struct message *next;
	struct rw_buf raw;
	struct rw_h1_head head;
};

struct rw_h1_store {
	struct message *spares;
	unsigned n;
};

enum state { IN_HEAD, IN_BODY, DEAD };

struct rw_h1 {
	llhttp_t ll;
	enum rw_h1_side side;
	enum state state;
	struct rw_h1_limits limits;
	struct rw_h1_events ev;
	void *user;
	struct rw_h1_store own, *store;
	struct message *msg; /* NULL between messages, and in a body */
	size_t line;	     /* where the line being gathered begins in msg->raw */
	bool blank_seen;     /* an empty line before the request: one is forgiven */
	bool head_only;
	bool ll_done; /* llhttp saw the end of the message */
	bool skipping;
	enum rw_h1_body body;
	uint64_t left;	/* of a body with Content-Length */
	uint64_t taken; /* of a body until EOF */
	struct rw_h1_chunks chunks;
	int cb_err;	 /* what a callback returned */
	unsigned status; /* see rw_h1_status */
};

/* --- memory ---------------------------------------------------------------------------------- */

static struct message *message_take(struct rw_h1_store *st)
{
	struct message *m = st->spares;

	if (!m)
		return calloc(1, sizeof *m);
	st->spares = m->next;
	st->n--;
	return m;
}

static void message_free(struct message *m)
{
	rw_buf_wipe(&m->raw);
	free(m);
}

/* Heads carry keys: nothing of them stays in memory that waits to be reused. */
static void message_put(struct rw_h1_store *st, struct message *m)
{
	if (st->n == MAX_SPARES) {
		message_free(m);
		return;
	}
	if (m->raw.cap > KEEP_HEAD_BYTES)
		rw_buf_wipe(&m->raw);
	else if (m->raw.len)
		explicit_bzero(m->raw.p, m->raw.len);
	rw_buf_reset(&m->raw);
	m->next = st->spares;
	st->spares = m;
	st->n++;
}

static void store_empty(struct rw_h1_store *st)
{
	while (st->spares) {
		struct message *m = st->spares;

		st->spares = m->next;
		message_free(m);
	}
	st->n = 0;
}

struct rw_h1_store *rw_h1_store_new(void)
{
	return calloc(1, sizeof(struct rw_h1_store));
}

void rw_h1_store_free(struct rw_h1_store *st)
{
	if (!st)
		return;
	store_empty(st);
	free(st);
}

void rw_h1_use_store(struct rw_h1 *p, struct rw_h1_store *st)
{
	RW_BUG_ON(p->msg);
	p->store = st ? st : &p->own;
}

/* --- llhttp ---------------------------------------------------------------------------------- */

static int ll_headers_complete(llhttp_t *ll)
{
	struct rw_h1 *p = ll->data;

	return p->head_only ? 1 : 0; /* 1: no body follows, whatever the headers say */
}

static int ll_body(llhttp_t *ll, const char *at, size_t n)
{
	struct rw_h1 *p = ll->data;

	if (n && !p->skipping)
		p->cb_err = p->ev.on_body(p->user, at, n);
	return p->cb_err ? -1 : 0;
}

static int ll_message_complete(llhttp_t *ll)
{
	struct rw_h1 *p = ll->data;

	p->ll_done = true;
	return HPE_PAUSED;
}

static const llhttp_settings_t ll_settings = {
	.on_headers_complete = ll_headers_complete,
	.on_body = ll_body,
	.on_message_complete = ll_message_complete,
};

static int fail_disagree(struct rw_h1 *p, struct rw_error *e)
{
	const char *why = llhttp_get_error_reason(&p->ll);

	return rw_fail(e, RW_EPROTO, "ambiguous framing: %s",
		       why && *why ? why : "two readers see different messages");
}

/* Gives llhttp bytes that ours found good; end: ours says that the message ends with them. */
static int ll_feed(struct rw_h1 *p, const char *data, size_t n, bool end, struct rw_error *e)
{
	enum llhttp_errno rc = llhttp_execute(&p->ll, data, n);

	if (p->cb_err)
		return rw_fail(e, p->cb_err, "the message was refused by its reader");
	if (end != p->ll_done || rc != (end ? HPE_PAUSED : HPE_OK) ||
	    (end && llhttp_get_error_pos(&p->ll) != data + n))
		return fail_disagree(p, e);
	return RW_OK;
}

/*
 * Gives llhttp the first line and the fields that frame. Of every other line ours has seen that it
 * is a token, a colon and visible text up to its CRLF: to no reader does it say more.
 */
static int ll_head(struct rw_h1 *p, bool end, struct rw_error *e)
{
	const struct rw_buf *raw = &p->msg->raw;
	const struct rw_h1_head *h = &p->msg->head;
	const char *from = raw->p, *blank = raw->p + raw->len - 2;
	int rc = RW_OK;

	for (unsigned i = 0; !rc && i < h->n_headers; i++) {
		const char *line = h->headers[i].name.p;

		if (rw_h1_frames(h->headers[i].name))
			continue;
		if (line > from)
			rc = ll_feed(p, from, (size_t)(line - from), false, e);
		from = i + 1 < h->n_headers ? h->headers[i + 1].name.p : blank;
	}
	return rc ? rc : ll_feed(p, from, (size_t)(raw->p + raw->len - from), end, e);
}

/* Both read the same head? */
static bool ll_agrees(struct rw_h1 *p)
{
	const struct rw_h1_head *h = &p->msg->head;
	bool chunked = p->ll.flags & F_CHUNKED;

	if (p->ll.http_major != 1 || p->ll.http_minor != h->minor || p->ll.upgrade)
		return false;
	if (p->side == RW_H1_REQUESTS
		    ? !rw_slice_is(h->method, llhttp_method_name((llhttp_method_t)p->ll.method))
		    : p->ll.status_code != h->status)
		return false;
	switch (p->body) {
	case RW_H1_NO_BODY:
		return p->ll_done;
	case RW_H1_LENGTH:
		return !chunked && p->ll.content_length == p->left;
	case RW_H1_CHUNKED:
		return chunked;
	case RW_H1_UNTIL_EOF:
		return llhttp_message_needs_eof(&p->ll);
	}
	return false;
}

/* --- the head -------------------------------------------------------------------------------- */

static int message_end(struct rw_h1 *p, bool told)
{
	int rc = told ? p->ev.on_end(p->user) : 0;

	p->line = 0;
	p->blank_seen = false;
	p->ll_done = false;
	p->state = IN_HEAD;
	llhttp_reset(&p->ll);
	return rc;
}

static int check_length(struct rw_h1 *p, struct rw_error *e)
{
	const struct rw_h1_head *h = &p->msg->head;

	p->left = h->length;
	p->taken = 0;
	rw_h1_chunks_init(&p->chunks, p->limits.body_bytes);
	if (p->body != RW_H1_LENGTH || !p->limits.body_bytes || h->length <= p->limits.body_bytes)
		return RW_OK;
	p->status = 413;
	return rw_fail(e, RW_ELIMIT, "the body of %llu bytes is larger than %llu bytes",
		       (unsigned long long)h->length, (unsigned long long)p->limits.body_bytes);
}

static int head_whole(struct rw_h1 *p, bool *end, struct rw_error *e)
{
	struct message *m = p->msg;
	bool none, final;
	int rc;

	rc = rw_h1_head_read(p->side, m->raw.p, m->raw.len, p->limits.headers, p->head_only,
			     &m->head, &p->body, e);
	if (rc)
		return rc;
	rc = check_length(p, e);
	if (rc)
		return rc;
	none = p->body == RW_H1_NO_BODY || (p->body == RW_H1_LENGTH && !p->left);
	rc = ll_head(p, none, e);
	if (rc)
		return rc;
	if (!ll_agrees(p))
		return fail_disagree(p, e);
	m->head.keep_alive &= p->body != RW_H1_UNTIL_EOF;
	p->state = IN_BODY;
	final = p->side == RW_H1_REQUESTS || m->head.status >= 200;
	rc = p->ev.on_head(p->user, &m->head);
	message_put(p->store, m);
	p->msg = NULL;
	if (!rc && none) {
		rc = message_end(p, final);
		*end = final;
	}
	return rc ? rw_fail(e, rc, "the message was refused by its reader") : RW_OK;
}

static int first_byte(struct rw_h1 *p, char ch, struct rw_error *e)
{
	bool ok;

	if (p->side == RW_H1_RESPONSES)
		ok = ch == 'H';
	else
		ok = (ch >= 'A' && ch <= 'Z') || ch == '\r';
	return ok ? RW_OK : rw_fail(e, RW_EPROTO, "this does not begin like HTTP/1.1");
}

static int head_too_large(struct rw_h1 *p, struct rw_error *e)
{
	p->status = 431;
	return rw_fail(e, RW_ELIMIT, "the head is larger than %u bytes", p->limits.head_bytes);
}

/*
 * Looks for the line end after `from` in what was gathered and data together; *k tells
 * how many bytes of data go to it. *line is its length with CR and LF, 0: it has not come.
 */
static int find_line(struct rw_h1 *p, const char *data, size_t n, size_t *k, size_t *line,
		     struct rw_error *e)
{
	const struct rw_buf *raw = &p->msg->raw;
	const char *lf = memchr(data + *k, '\n', n - *k);
	size_t end = lf ? (size_t)(lf - data) : n;

	*k = end + (lf != NULL);
	*line = 0;
	if (*k > p->limits.head_bytes - raw->len)
		return head_too_large(p, e);
	if (!lf)
		return RW_OK;
	if (end ? lf[-1] != '\r' : !raw->len || raw->p[raw->len - 1] != '\r')
		return rw_fail(e, RW_EPROTO, "a line ends in LF without CR");
	*line = raw->len + *k - p->line;
	return RW_OK;
}

/* RFC 9112 2.2: one empty line before a request is forgiven. */
static int skip_blank(struct rw_h1 *p, struct rw_error *e)
{
	if (p->side != RW_H1_REQUESTS || p->blank_seen)
		return rw_fail(e, RW_EPROTO, "empty lines where a message should begin");
	p->blank_seen = true;
	message_put(p->store, p->msg);
	p->msg = NULL;
	return RW_OK;
}

/* Gathers lines up to the empty one (*whole), or what there is of them. */
static int take_lines(struct rw_h1 *p, const char *data, size_t n, size_t *used, bool *whole,
		      struct rw_error *e)
{
	struct rw_buf *raw = &p->msg->raw;
	size_t k = 0, line = 0;
	int rc;

	do {
		p->line += line;
		rc = find_line(p, data, n, &k, &line, e);
		if (rc)
			return rc;
	} while (line > 2);
	*used += k;
	if (line && !p->line)
		return skip_blank(p, e);
	*whole = line != 0;
	return rw_buf_add(raw, data, k) ? rw_fail(e, RW_ENOMEM, "out of memory for a head") : RW_OK;
}

static int feed_head(struct rw_h1 *p, const char *data, size_t n, size_t *used, bool *end,
		     struct rw_error *e)
{
	bool whole = false;
	int rc = RW_OK;

	if (!p->msg) {
		rc = first_byte(p, data[0], e);
		if (rc)
			return rc;
		p->msg = message_take(p->store);
		if (!p->msg)
			return rw_fail(e, RW_ENOMEM, "out of memory for a head");
	}
	rc = take_lines(p, data, n, used, &whole, e);
	if (!rc && whole) {
		rc = head_whole(p, end, e);
		if (rc == RW_ELIMIT && !p->status)
			p->status = 431;
	}
	return rc;
}

/* --- the body -------------------------------------------------------------------------------- */

static int feed_until_eof(struct rw_h1 *p, const char *data, size_t n, size_t *used,
			  struct rw_error *e)
{
	uint64_t room = p->limits.body_bytes ? p->limits.body_bytes - p->taken : UINT64_MAX;
	size_t k = n < room ? n : (size_t)room;
	int rc = k ? ll_feed(p, data, k, false, e) : RW_OK;

	if (rc)
		return rc;
	p->taken += k;
	*used += k;
	if (k == n)
		return RW_OK;
	p->status = 413;
	return rw_fail(e, RW_ELIMIT, "the body is larger than %llu bytes",
		       (unsigned long long)p->limits.body_bytes);
}

static int feed_body(struct rw_h1 *p, const char *data, size_t n, size_t *used, bool *end,
		     struct rw_error *e)
{
	struct rw_error bad;
	size_t k = n;
	int walked = RW_OK, rc;

	if (p->body == RW_H1_UNTIL_EOF)
		return feed_until_eof(p, data, n, used, e);
	if (p->body == RW_H1_CHUNKED) {
		walked = rw_h1_chunks_walk(&p->chunks, data, n, &k, end, &bad);
	} else {
		if (k > p->left)
			k = (size_t)p->left;
		p->left -= k;
		*end = !p->left;
	}
	/* What is good before an error is handed over, however the bytes were cut. */
	rc = k ? ll_feed(p, data, k, *end, e) : RW_OK;
	if (rc)
		return rc;
	*used += k;
	if (walked == RW_ELIMIT)
		p->status = 413;
	if (walked)
		return rw_fail(e, walked, "%s", bad.text);
	if (!*end)
		return RW_OK;
	rc = message_end(p, true);
	return rc ? rw_fail(e, rc, "the message was refused by its reader") : RW_OK;
}

/* --- public ---------------------------------------------------------------------------------- */

struct rw_h1 *rw_h1_new(enum rw_h1_side side, const struct rw_h1_limits *limits,
			const struct rw_h1_events *ev, void *user)
{
	struct rw_h1 *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	p->side = side;
	p->store = &p->own;
	p->ev = *ev;
	p->user = user;
	rw_h1_set_limits(p, limits);
	llhttp_init(&p->ll, side == RW_H1_REQUESTS ? HTTP_REQUEST : HTTP_RESPONSE, &ll_settings);
	p->ll.data = p;
	return p;
}

void rw_h1_set_limits(struct rw_h1 *p, const struct rw_h1_limits *limits)
{
	p->limits = *limits;
	if (!p->limits.head_bytes)
		p->limits.head_bytes = DEFAULT_HEAD_BYTES;
	if (!p->limits.headers)
		p->limits.headers = DEFAULT_HEADERS;
	if (p->limits.headers > RW_H1_MAX_HEADERS)
		p->limits.headers = RW_H1_MAX_HEADERS;
}

void rw_h1_reset(struct rw_h1 *p)
{
	if (p->msg)
		message_put(p->store, p->msg);
	p->msg = NULL;
	p->state = IN_HEAD;
	p->line = 0;
	p->blank_seen = p->head_only = p->ll_done = false;
	p->cb_err = 0;
	p->status = 0;
	llhttp_reset(&p->ll);
}

void rw_h1_free(struct rw_h1 *p)
{
	if (!p)
		return;
	if (p->msg)
		message_free(p->msg);
	store_empty(&p->own);
	free(p);
}

void rw_h1_expect_head_only(struct rw_h1 *p, bool on)
{
	p->head_only = on;
}

int rw_h1_feed(struct rw_h1 *p, const char *data, size_t n, size_t *used, struct rw_error *e)
{
	bool end = false;
	int rc = RW_OK;

	*used = 0;
	if (p->state == DEAD)
		return rw_fail(e, RW_EPROTO, "the connection's framing was lost before");
	while (*used < n && !rc && !end) {
		if (p->state == IN_HEAD)
			rc = feed_head(p, data + *used, n - *used, used, &end, e);
		else
			rc = feed_body(p, data + *used, n - *used, used, &end, e);
	}
	if (rc) {
		p->state = DEAD;
		if (!p->status)
			p->status = 400;
	}
	return rc;
}

uint64_t rw_h1_run(const struct rw_h1 *p)
{
	if (p->state != IN_BODY)
		return 0;
	return p->body == RW_H1_LENGTH	  ? p->left
	       : p->body == RW_H1_CHUNKED ? rw_h1_chunks_run(&p->chunks)
					  : 0;
}

/* Both readers count a body's bytes and look at none: any will do. */
int rw_h1_skip(struct rw_h1 *p, uint64_t n, struct rw_error *e)
{
	static const char any[16384];
	size_t used;
	int rc = RW_OK;

	RW_BUG_ON(n > rw_h1_run(p));
	p->skipping = true;
	for (; n && !rc; n -= used)
		rc = rw_h1_feed(p, any, n < sizeof(any) ? (size_t)n : sizeof(any), &used, e);
	p->skipping = false;
	return rc;
}

int rw_h1_eof(struct rw_h1 *p, struct rw_error *e)
{
	int rc;

	if (p->state == DEAD)
		return rw_fail(e, RW_EPROTO, "the connection's framing was lost before");
	if (rw_h1_idle(p))
		return RW_OK;
	if (p->state == IN_BODY && p->body == RW_H1_UNTIL_EOF) {
		rc = message_end(p, true);
		if (rc)
			p->state = DEAD;
		return rc ? rw_fail(e, rc, "the message was refused by its reader") : RW_OK;
	}
	rc = rw_fail(e, RW_EPROTO, "the connection was closed inside a message's %s",
		     p->state == IN_BODY ? "body" : "head");
	p->state = DEAD;
	p->status = 400;
	return rc;
}

bool rw_h1_idle(const struct rw_h1 *p)
{
	return p->state == IN_HEAD && !p->msg;
}

unsigned rw_h1_status(const struct rw_h1 *p)
{
	return p->status;
}
