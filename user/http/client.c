/* SPDX-License-Identifier: Apache-2.0 */
/* Fetches: one request to an upstream, its answer, its deadlines, its one retry. */
#include "http/client.h"

#include <stdlib.h>
#include <string.h>

#include "http/h1_impl.h"
#include "http/pool.h"

/* A request's head and as much of its body as goes along in the first TLS record. */
enum { FIRST_BYTES = 16 << 10 };

static void on_deadline(void *arg);

/* --- memory --------------------------------------------------------------------------------- */

static struct rw_fetch *fetch_take(struct rw_pool *p)
{
	struct rw_fetch *f = LIST_FIRST(&p->spare_fetches);

	if (f) {
		LIST_REMOVE(f, link);
		p->n_spare_fetches--;
	} else {
		f = calloc(1, sizeof(*f));
		if (!f)
			return NULL;
		f->pool = p;
	}
	LIST_INSERT_HEAD(&p->fetches, f, link);
	return f;
}

void rw_fetch_free(struct rw_fetch *f)
{
	rw_buf_wipe(&f->head);
	free(f);
}

static void wipe(struct rw_buf *b)
{
	if (b->len)
		explicit_bzero(b->p, b->len);
	rw_buf_reset(b);
}

static void fetch_put(struct rw_fetch *f)
{
	struct rw_pool *p = f->pool;
	struct rw_buf head;

	rw_timer_cancel(&f->deadline);
	rw_task_cancel(&f->task);
	LIST_REMOVE(f, link);
	if (p->n_spare_fetches == RW_FETCH_SPARES) {
		rw_fetch_free(f);
		return;
	}
	wipe(&f->head);
	head = f->head;
	*f = (struct rw_fetch){.pool = p, .head = head};
	LIST_INSERT_HEAD(&p->spare_fetches, f, link);
	p->n_spare_fetches++;
}

/* --- ends ----------------------------------------------------------------------------------- */

/* The last thing a fetch does. Its connection has left it. */
static void finish(struct rw_fetch *f, const struct rw_error *why)
{
	const struct rw_error e = *why;
	struct rw_fetch_cb cb = f->cb;
	struct rw_pool *p = f->pool;
	void *user = f->user;

	rw_pool_hold(p);
	fetch_put(f);
	cb.on_done(user, &e);
	rw_pool_unhold(p);
}

static void fail(struct rw_fetch *f, int code, const char *text)
{
	struct rw_error e;

	rw_fail(&e, code, "upstream %s: %s", f->pool->host, text);
	finish(f, &e);
}

static void tell_failure(void *arg)
{
	struct rw_fetch *f = arg;

	finish(f, &f->why);
}

/* From inside a call of the user's: told when that is over. */
static void fail_later(struct rw_fetch *f, int code, const char *text)
{
	struct rw_upconn *c = f->conn;

	rw_fail(&f->why, code, "upstream %s: %s", f->pool->host, text);
	f->state = RW_FETCH_FAILED;
	f->conn = NULL;
	rw_timer_cancel(&f->deadline);
	if (c)
		rw_upconn_close(c, true);
	rw_task_set(f->pool->loop, &f->task, tell_failure, f);
}

static uint64_t now(const struct rw_fetch *f)
{
	return rw_loop_now(f->pool->loop);
}

static void arm(struct rw_fetch *f, uint64_t ns)
{
	rw_timer_set(f->pool->loop, &f->deadline, now(f) + ns, on_deadline, f);
}

static unsigned addr_of(const struct rw_fetch *f)
{
	return (f->first_addr + f->tried) % f->pool->n_addrs;
}

static int connect_on(struct rw_fetch *f, struct rw_error *e)
{
	int rc = rw_pool_connect(f->pool, f, addr_of(f), e);

	if (rc)
		return rc;
	f->state = RW_FETCH_CONNECTING;
	arm(f, f->pool->cfg.connect_ns);
	return RW_OK;
}

/*
 * An idle connection may have been closed by the upstream just as we took it: such a
 * request was not answered in any part, and goes out once more on a new one. An
 * address that cannot be connected to gives way to the next.
 */
void rw_fetch_lost(struct rw_fetch *f, const struct rw_error *why)
{
	struct rw_pool *p = f->pool;
	struct rw_upconn *c = f->conn;
	bool connecting = f->state == RW_FETCH_CONNECTING;
	struct rw_error e;

	f->conn = NULL;
	/* The stream's own errors name the address. */
	rw_fail(&e, why->code ? (int)why->code : RW_ECLOSED, "upstream %s: %.400s", p->host,
		why->code ? why->text : "the connection was closed");
	if (connecting && ++f->tried >= p->n_addrs) {
		finish(f, &e);
		return;
	}
	if (!connecting && (!c->reused || c->answered || f->retried)) {
		finish(f, &e);
		return;
	}
	if (!connecting) {
		f->retried = true;
		f->first_addr = p->addr;
		f->tried = 0;
	}
	if (connect_on(f, &e))
		finish(f, &e);
}

void rw_fetch_broken(struct rw_fetch *f, int code, const char *text)
{
	f->conn = NULL;
	fail(f, code, text);
}

void rw_fetch_end(struct rw_fetch *f)
{
	static const struct rw_error ok;

	f->conn = NULL;
	finish(f, &ok);
}

/* --- deadlines ------------------------------------------------------------------------------ */

static void on_deadline(void *arg)
{
	static const char *const late[] = {
		[RW_FETCH_CONNECTING] = "no connection in time",
		[RW_FETCH_SENT] = "no answer in time",
		[RW_FETCH_ANSWER] = "the answer stalled",
	};
	struct rw_fetch *f = arg;
	struct rw_upconn *c = f->conn;
	struct rw_error e;

	if (f->passing && rw_exchange_queued(f->pass_to)) {
		arm(f, f->pool->cfg.between_ns); /* it is the client that is waited for */
		return;
	}
	/* Bytes do not move the timer, they are noted: it is set on to where they lead. */
	if (f->state == RW_FETCH_ANSWER && now(f) - f->last_ns < f->pool->cfg.between_ns) {
		arm(f, f->last_ns + f->pool->cfg.between_ns - now(f));
		return;
	}
	rw_upconn_close(c, true);
	if (f->state != RW_FETCH_CONNECTING) {
		rw_fetch_broken(f, RW_ETIMEOUT, late[f->state]);
		return;
	}
	rw_upconn_error(c, &e, RW_ETIMEOUT, late[f->state]);
	rw_fetch_lost(f, &e);
}

/* --- sending -------------------------------------------------------------------------------- */

/* As much of the body as the stream takes without queueing more than its mark. */
void rw_fetch_push(struct rw_fetch *f)
{
	struct rw_stream *st = f->conn->stream;
	size_t queued, high = rw_sock_high_mark(), n;
	int rc;

	while (f->sent < f->body.n) {
		queued = rw_stream_queued(st);
		if (queued >= high)
			return;
		n = f->body.n - f->sent;
		n = n < high - queued ? n : high - queued;
		rc = rw_stream_write(st, f->body.p + f->sent, n);
		if (rc == RW_ECLOSED)
			return; /* the stream is ending: its on_close tells */
		if (rc) {
			fail_later(f, rc, "the request could not be sent: out of memory");
			return;
		}
		f->sent += n;
	}
	if (f->state == RW_FETCH_SENT)
		arm(f, f->pool->cfg.first_byte_ns); /* it counts from when all is sent */
}

void rw_fetch_begin(struct rw_fetch *f)
{
	struct rw_buf *first = &f->pool->first;
	struct rw_stream *st = f->conn->stream;
	size_t n = f->body.n;
	int rc;

	/* Which address answers is remembered: the next fetch does not try the dead one first. */
	if (!f->conn->reused)
		rw_pool_remember(f->pool, &f->conn->peer);
	f->state = RW_FETCH_SENT;
	rw_h1_expect_head_only(f->conn->parser, f->head_only);
	rw_stream_recv(st, !f->paused);
	if (f->head.len + n > FIRST_BYTES)
		n = f->head.len < FIRST_BYTES ? FIRST_BYTES - f->head.len : 0;
	rc = rw_buf_add_slice(first, rw_buf_slice(&f->head));
	if (!rc)
		rc = rw_buf_add(first, f->body.p, n);
	if (!rc)
		rc = rw_stream_write(st, first->p, first->len);
	wipe(first);
	if (rc || n < f->body.n) /* else it is armed where all is sent, below */
		arm(f, f->pool->cfg.first_byte_ns);
	f->sent = n;
	if (!rc)
		rw_fetch_push(f);
	else if (rc != RW_ECLOSED)
		fail_later(f, rc, "the request could not be sent: out of memory");
}

/* --- answers -------------------------------------------------------------------------------- */

void rw_fetch_bytes(struct rw_fetch *f)
{
	f->last_ns = now(f);
}

int rw_fetch_head(struct rw_fetch *f, const struct rw_h1_head *head)
{
	struct rw_upconn *c = f->conn;

	if (head->status < 200)
		return RW_OK;
	/* An answer to half a request: the other half would be taken for the next one. */
	c->keep = head->keep_alive && f->sent == f->body.n && !rw_stream_queued(c->stream);
	f->state = RW_FETCH_ANSWER;
	if (f->paused)
		rw_timer_cancel(&f->deadline);
	else
		arm(f, f->pool->cfg.between_ns);
	f->cb.on_head(f->user, head);
	return RW_OK;
}

/* --- the way in ----------------------------------------------------------------------------- */

/* RFC 9110 8.6: a method that is expected to have a body says so when it has none. */
static bool tells_length(const struct rw_fetch_request *rq)
{
	return rq->body.n || rw_slice_is(rq->method, "POST") || rw_slice_is(rq->method, "PUT") ||
	       rw_slice_is(rq->method, "PATCH");
}

static int put_head(struct rw_fetch *f, const struct rw_fetch_request *rq)
{
	struct rw_buf *b = &f->head;
	/* Room first: growing would leave copies of the provider's key behind. */
	size_t need = 256 + rq->target.n + strlen(f->pool->host) + rq->lines.bytes.n;
	int rc;

	for (size_t i = 0; i < rq->n_fields; i++)
		need += rq->fields[i].name.n + rq->fields[i].value.n + 4;
	rc = rw_buf_reserve(b, need);
	if (!rc)
		rc = rw_h1_put_request_line(b, rq->method, rq->target);
	if (!rc)
		rc = rw_h1_put_header(b, RW_SLICE("host"), rw_slice_str(f->pool->host));
	if (!rc)
		rc = rw_buf_add_slice(b, rq->lines.bytes);
	for (size_t i = 0; !rc && i < rq->n_fields; i++) {
		if (rw_h1_own_field(rq->fields[i].name))
			return RW_EINVAL;
		rc = rw_h1_put_header(b, rq->fields[i].name, rq->fields[i].value);
	}
	if (!rc && tells_length(rq))
		rc = rw_h1_put_header_num(b, "content-length", rq->body.n);
	return rc ? rc : rw_h1_put_end(b);
}

struct rw_fetch *rw_fetch_start(struct rw_pool *p, const struct rw_fetch_request *rq,
				const struct rw_fetch_cb *cb, void *user, struct rw_error *e)
{
	struct rw_fetch *f = fetch_take(p);
	int rc;

	if (!f) {
		rw_fail(e, RW_ENOMEM, "upstream %s: out of memory", p->host);
		return NULL;
	}
	f->cb = *cb;
	f->user = user;
	f->body = rq->body;
	f->head_only = rw_slice_is(rq->method, "HEAD");
	rc = put_head(f, rq);
	if (rc) {
		rw_fail(e, rc, "upstream %s: the request cannot be written as HTTP", p->host);
		fetch_put(f);
		return NULL;
	}
	f->conn = rw_pool_take(p);
	if (f->conn) {
		f->conn->fetch = f;
		rw_fetch_begin(f);
		return f;
	}
	f->first_addr = p->addr;
	if (connect_on(f, e) == RW_OK)
		return f;
	fetch_put(f);
	return NULL;
}

void rw_fetch_recv(struct rw_fetch *f, bool on)
{
	if (f->paused == !on)
		return;
	f->paused = !on;
	if (f->conn && f->conn->open)
		rw_stream_recv(f->conn->stream, on);
	/* What the client does not take is not the upstream's fault. */
	if (f->state != RW_FETCH_ANSWER)
		return;
	f->last_ns = now(f);
	if (!on) {
		rw_timer_cancel(&f->deadline);
		return;
	}
	arm(f, f->pool->cfg.between_ns);
	rw_fetch_consider(f);
}

void rw_fetch_cancel(struct rw_fetch *f)
{
	struct rw_pool *p = f->pool;
	struct rw_upconn *c = f->conn;

	rw_pool_hold(p);
	fetch_put(f);
	if (c)
		rw_upconn_close(c, true);
	rw_pool_unhold(p);
}
