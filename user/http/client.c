/* SPDX-License-Identifier: Apache-2.0 */
/* Fetches: one request to an upstream, its answer, its deadlines, its one retry. */
#include "http/client.h"

#include <stdlib.h>
#include <string.h>

#include "http/pool.h"

static void on_deadline(void *arg);

/* --- ends ---------------------------------------------------------------------------------- */

/* The last thing a fetch does. */
static void finish(struct rw_fetch *f, const struct rw_error *why)
{
	const struct rw_fetch_cb *cb = f->cb;
	void *user = f->user;

	rw_timer_cancel(&f->deadline);
	if (f->conn)
		f->conn->fetch = NULL;
	rw_buf_wipe(&f->head); /* holds the provider's key */
	free(f);
	cb->on_done(user, why);
}

static int explain(struct rw_fetch *f, struct rw_error *e, int code, const char *text)
{
	return rw_fail(e, code, "upstream %s: %s", f->pool->host, text);
}

static void fail(struct rw_fetch *f, int code, const char *text)
{
	struct rw_error e;
	struct rw_upconn *c = f->conn;

	explain(f, &e, code, text);
	if (c) {
		c->fetch = NULL;
		f->conn = NULL;
		rw_upconn_close(c, true);
	}
	finish(f, &e);
}

static void arm(struct rw_fetch *f, uint64_t ns)
{
	rw_timer_set(f->pool->loop, &f->deadline, rw_loop_now(f->pool->loop) + ns, on_deadline, f);
}

static void on_deadline(void *arg)
{
	static const char *const late[] = {
		[RW_FETCH_CONNECTING] = "no connection in time",
		[RW_FETCH_SENT] = "no answer in time",
		[RW_FETCH_ANSWER] = "the answer stalled",
	};
	struct rw_fetch *f = arg;

	if (f->state == RW_FETCH_DOOMED) {
		struct rw_error e = f->why;

		finish(f, &e);
		return;
	}
	fail(f, RW_ETIMEOUT, late[f->state]);
}

/* --- sending --------------------------------------------------------------------------------- */

/* As much of the body as the socket takes without queueing more than its mark. */
void rw_fetch_push(struct rw_fetch *f)
{
	size_t room, n;

	while (f->sent < f->body.n) {
		room = rw_stream_queued(f->conn->stream);
		if (room >= rw_sock_high_mark())
			return;
		room = rw_sock_high_mark() - room;
		n = f->body.n - f->sent < room ? f->body.n - f->sent : room;
		if (rw_stream_write(f->conn->stream, f->body.p + f->sent, n))
			return; /* the stream is ending: its on_close tells */
		f->sent += n;
	}
}

void rw_fetch_begin(struct rw_fetch *f)
{
	struct rw_stream *st = f->conn->stream;

	f->state = RW_FETCH_SENT;
	f->sent = 0;
	rw_h1_expect_head_only(f->conn->parser, f->head_only);
	rw_stream_cork(st, true); /* head and body in one record where they fit */
	if (rw_stream_write(st, f->head.p, f->head.len) == RW_OK)
		rw_fetch_push(f);
	rw_stream_cork(st, false);
	arm(f, f->pool->cfg.first_byte_ns);
}

/* --- answers ---------------------------------------------------------------------------------- */

void rw_fetch_bytes(struct rw_fetch *f)
{
	f->conn->answered = true;
	arm(f, f->state == RW_FETCH_ANSWER ? f->pool->cfg.between_ns : f->pool->cfg.first_byte_ns);
}

int rw_fetch_head(struct rw_fetch *f, const struct rw_h1_head *head)
{
	if (head->status == 101)
		return RW_EPROTO; /* nobody asked for another protocol */
	if (head->status < 200)
		return RW_OK;
	f->state = RW_FETCH_ANSWER;
	f->conn->keep = head->keep_alive && f->sent == f->body.n;
	arm(f, f->pool->cfg.between_ns);
	f->cb->on_head(f->user, head);
	return RW_OK;
}

/* The answer is whole. */
void rw_fetch_end(struct rw_fetch *f)
{
	struct rw_error ok = {0};

	finish(f, &ok);
}

void rw_fetch_broken(struct rw_fetch *f, int code, const char *text)
{
	fail(f, code, text);
}

/*
 * The connection ended under the fetch. An idle one may have been closed by the
 * upstream just as we took it: such a request was not seen, and goes out once more.
 */
void rw_fetch_lost(struct rw_fetch *f, const struct rw_error *why)
{
	bool unseen = f->conn->reused && !f->conn->answered && !f->retried;
	bool connecting = f->state == RW_FETCH_CONNECTING;
	struct rw_error e;

	f->conn = NULL;
	if (unseen)
		f->retried = true;
	else if (connecting && ++f->tried < f->pool->n_addrs)
		f->pool->next_addr++;
	else {
		explain(f, &e, why->code ? why->code : RW_ECLOSED,
			why->code ? why->text : "closed before the answer was whole");
		finish(f, &e);
		return;
	}
	if (rw_pool_connect(f->pool, f, &e))
		finish(f, &e);
	else
		arm(f, f->pool->cfg.connect_ns);
}

/* --- the way in ----------------------------------------------------------------------------------
 */

static int put_head(struct rw_fetch *f, const struct rw_fetch_request *rq)
{
	struct rw_buf *b = &f->head;
	int rc;

	/* Room first: growing would leave copies of the provider's key behind. */
	size_t need = 256 + rq->target.n + strlen(f->pool->host);

	for (size_t i = 0; i < rq->n_fields; i++)
		need += rq->fields[i].name.n + rq->fields[i].value.n + 4;
	rc = rw_buf_reserve(b, need);
	if (!rc)
		rc = rw_h1_put_request_line(b, rq->method, rq->target);
	if (!rc)
		rc = rw_h1_put_header(b, RW_SLICE("host"), rw_slice_str(f->pool->host));
	for (size_t i = 0; !rc && i < rq->n_fields; i++)
		rc = rw_h1_put_header(b, rq->fields[i].name, rq->fields[i].value);
	if (!rc && (rq->body.n || rw_slice_is(rq->method, "POST")))
		rc = rw_h1_put_header_num(b, "content-length", rq->body.n);
	return rc ? rc : rw_h1_put_end(b);
}

struct rw_fetch *rw_fetch_start(struct rw_pool *p, const struct rw_fetch_request *rq,
				const struct rw_fetch_cb *cb, void *user, struct rw_error *e)
{
	struct rw_fetch *f = calloc(1, sizeof(*f));
	struct rw_upconn *c;

	if (!f) {
		rw_fail(e, RW_ENOMEM, "upstream %s: out of memory", p->host);
		return NULL;
	}
	f->pool = p;
	f->cb = cb;
	f->user = user;
	f->body = rq->body;
	f->head_only = rw_slice_is(rq->method, "HEAD");
	if (put_head(f, rq)) {
		rw_fail(e, RW_EINVAL, "upstream %s: the request cannot be written", p->host);
		rw_buf_wipe(&f->head);
		free(f);
		return NULL;
	}
	c = rw_pool_take(p);
	if (c) {
		c->fetch = f;
		f->conn = c;
		rw_fetch_begin(f);
		return f;
	}
	if (rw_pool_connect(p, f, &f->why)) {
		f->state = RW_FETCH_DOOMED; /* told by the timer: never from inside this call */
		arm(f, 0);
		return f;
	}
	arm(f, p->cfg.connect_ns);
	return f;
}

void rw_fetch_recv(struct rw_fetch *f, bool on)
{
	if (f->conn)
		rw_stream_recv(f->conn->stream, on);
	/* What the client does not take is not the upstream's fault. */
	if (f->state != RW_FETCH_ANSWER)
		return;
	if (on)
		arm(f, f->pool->cfg.between_ns);
	else
		rw_timer_cancel(&f->deadline);
}

void rw_fetch_cancel(struct rw_fetch *f)
{
	struct rw_upconn *c = f->conn;

	rw_timer_cancel(&f->deadline);
	if (c) {
		c->fetch = NULL;
		rw_upconn_close(c, true);
	}
	rw_buf_wipe(&f->head);
	free(f);
}
