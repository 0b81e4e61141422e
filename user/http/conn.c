/* SPDX-License-Identifier: Apache-2.0 */
/* A client's connection: bytes to requests, and the deadlines. */
#include <stdlib.h>

#include "http/server_int.h"

/* A pipelined request waits here; beyond, the TCP window closes. */
enum { HELD_BYTES = 64 * 1024 };

static void on_deadline(void *arg);

/* --- deadlines ------------------------------------------------------------------------------ */

static void wait_for(struct rw_conn *c, enum rw_conn_wait what)
{
	const struct rw_http_server_config *cfg = &c->server->cfg;
	const uint64_t ns[] = {
		[RW_WAIT_HANDSHAKE] = cfg->handshake_ns,
		[RW_WAIT_HEAD] = cfg->header_ns,
		[RW_WAIT_BODY] = cfg->body_ns,
		[RW_WAIT_IDLE] = cfg->idle_ns,
	};

	c->wait = what;
	c->stalling = false;
	if (what == RW_WAIT_ANSWER)
		rw_timer_cancel(&c->deadline);
	else
		rw_timer_set(c->server->loop, &c->deadline, rw_loop_now(c->server->loop) + ns[what],
			     on_deadline, c);
}

static void tell_bad(struct rw_conn *c, enum rw_http_bad kind, const struct rw_error *why)
{
	if (c->told_bad)
		return;
	c->told_bad = true;
	if (c->server->handler.on_bad)
		c->server->handler.on_bad(c->server->user, &c->info.peer, kind, why);
}

void rw_conn_watch_stall(struct rw_conn *c)
{
	struct rw_http_server *s = c->server;

	if (c->wait != RW_WAIT_ANSWER || c->stalling || c->closing)
		return;
	c->stall_queued = rw_exchange_queued(&c->x);
	if (!c->stall_queued)
		return;
	c->stalling = true;
	rw_timer_set(s->loop, &c->deadline, rw_loop_now(s->loop) + s->cfg.write_stall_ns,
		     on_deadline, c);
}

/* No byte was taken since the clock began: the client is not reading. */
static void check_stall(struct rw_conn *c)
{
	size_t queued = rw_exchange_queued(&c->x);

	c->stalling = false;
	if (queued && queued >= c->stall_queued) {
		tell_bad(c, RW_HTTP_BAD_STALL,
			 &(struct rw_error){RW_ETIMEOUT, "the client does not take its answer"});
		rw_conn_close(c, true);
		return;
	}
	rw_conn_watch_stall(c);
}

static void on_deadline(void *arg)
{
	struct rw_conn *c = arg;

	switch (c->wait) {
	case RW_WAIT_HANDSHAKE:
		tell_bad(c, RW_HTTP_BAD_TLS,
			 &(struct rw_error){RW_ETIMEOUT, "the TLS handshake takes too long"});
		rw_conn_close(c, true);
		return;
	case RW_WAIT_HEAD:
	case RW_WAIT_BODY:
		tell_bad(c, RW_HTTP_BAD_SLOW,
			 &(struct rw_error){RW_ETIMEOUT, "the request comes too slowly"});
		rw_conn_refuse(c, 408, "The request took too long to arrive");
		return;
	case RW_WAIT_IDLE:
		rw_conn_close(c, false);
		return;
	case RW_WAIT_ANSWER:
		check_stall(c);
	}
}

/* --- requests ------------------------------------------------------------------------------- */

static int on_head(void *user, const struct rw_h1_head *head)
{
	struct rw_conn *c = user;

	if (c->refuse) {
		rw_conn_refuse(c, 503, "Too many connections; try again shortly");
		return RW_ECLOSED;
	}
	wait_for(c, RW_WAIT_BODY);
	rw_exchange_begin(c, head);
	return c->closing ? RW_ECLOSED : RW_OK;
}

static int on_body(void *user, const char *data, size_t n)
{
	struct rw_conn *c = user;

	if (c->x.active && !c->x.ended)
		c->server->handler.on_body(c->x.xuser, &c->x, data, n);
	return c->closing ? RW_ECLOSED : RW_OK;
}

static int on_end(void *user)
{
	struct rw_conn *c = user;

	c->x.body_whole = true;
	wait_for(c, RW_WAIT_ANSWER);
	if (c->x.active && !c->x.ended)
		c->server->handler.on_body_end(c->x.xuser, &c->x);
	return c->closing ? RW_ECLOSED : RW_OK;
}

static const struct rw_h1_events events = {on_head, on_body, on_end};

static void broken_input(struct rw_conn *c, int rc, const struct rw_error *e)
{
	bool limit = rc == RW_ELIMIT;
	unsigned status = !limit ? 400 : c->x.active ? 413 : 431;

	if (c->closing) /* a callback ended it, and that is what the parser says */
		return;
	tell_bad(c, limit ? RW_HTTP_BAD_LIMIT : RW_HTTP_BAD_MESSAGE, e);
	rw_conn_refuse(c, status, e->text);
}

static bool hold(struct rw_conn *c, const char *data, size_t n)
{
	if (rw_buf_add(&c->held, data, n)) {
		rw_conn_close(c, true);
		return false;
	}
	if (c->held.len >= HELD_BYTES)
		rw_stream_recv(c->stream, false);
	return true;
}

/* Feeds the parser up to the end of a message whose answer is still under way. */
static void feed(struct rw_conn *c, const char *data, size_t n)
{
	struct rw_error e = {0};
	size_t used;
	int rc;

	while (n && !c->closing) {
		if (c->x.active && (c->x.body_whole || c->paused)) {
			hold(c, data, n);
			return;
		}
		if (!c->x.active && c->wait == RW_WAIT_IDLE)
			wait_for(c, RW_WAIT_HEAD);
		c->feeding = true;
		rc = rw_h1_feed(c->parser, data, n, &used, &e);
		c->feeding = false;
		if (rc) {
			broken_input(c, rc, &e);
			return;
		}
		data += used;
		n -= used;
	}
}

static void feed_held(struct rw_conn *c)
{
	struct rw_buf held = c->held;

	if (!held.len || c->closing)
		return;
	c->held = (struct rw_buf){0};
	feed(c, held.p, held.len);
	rw_buf_free(&held);
	if (!c->closing && c->held.len < HELD_BYTES && !c->paused)
		rw_stream_recv(c->stream, true);
}

/* After a turn's callbacks: heads go out, ended exchanges are over, the next request begins. */
static void settle(void *arg)
{
	struct rw_conn *c = arg;
	bool keep;

	rw_timer_cancel(&c->later);
	if (c->x.active && c->x.head_sent)
		rw_exchange_flush_head(c);
	while (c->x.active && c->x.ended && !c->backlog.len && !c->closing) {
		keep = c->x.keep_alive;
		if (keep && !c->x.body_whole)
			break; /* the little that is left of the request is read away */
		rw_exchange_over(c, true);
		if (!keep) {
			rw_conn_close(c, false);
			return;
		}
		wait_for(c, RW_WAIT_IDLE);
		feed_held(c);
	}
	if (!c->closing)
		rw_conn_watch_stall(c);
}

void rw_conn_later(struct rw_conn *c)
{
	if (!c->feeding && !rw_timer_armed(&c->later))
		rw_timer_set(c->server->loop, &c->later, rw_loop_now(c->server->loop), settle, c);
}

bool rw_conn_idle(const struct rw_conn *c)
{
	return !c->x.active && !c->closing && rw_h1_idle(c->parser) && !c->held.len;
}

/* --- from the stream -------------------------------------------------------------------------- */

static void on_open(void *user)
{
	struct rw_conn *c = user;

	rw_stream_info(c->stream, &c->info);
	wait_for(c, RW_WAIT_HEAD);
}

static void on_data(void *user, const uint8_t *data, size_t n)
{
	struct rw_conn *c = user;

	if (c->closing)
		return;
	feed(c, (const char *)data, n);
	settle(c);
}

/*
 * SDKs cancel a stream by closing: an end while an answer is under way means that nobody reads it,
 * and generating it would cost money. Who half-closes after a request gets no answer.
 */
static void on_eof(void *user, bool clean)
{
	struct rw_conn *c = user;
	bool busy = c->x.active;

	(void)clean;
	if (busy)
		rw_exchange_over(c, false);
	rw_conn_close(c, busy);
}

static void on_drain(void *user)
{
	struct rw_conn *c = user;

	if (c->closing || !c->x.active || !rw_exchange_push(c))
		return;
	if (c->x.ended)
		rw_conn_later(c);
	else if (c->server->handler.on_drain)
		c->server->handler.on_drain(c->x.xuser, &c->x);
}

static void on_close(void *user, const struct rw_error *why)
{
	struct rw_conn *c = user;
	struct rw_http_server *s = c->server;

	if (c->wait == RW_WAIT_HANDSHAKE && why->code && why->code != RW_ECLOSED)
		tell_bad(c, RW_HTTP_BAD_TLS, why);
	c->closing = true;
	if (c->x.active)
		rw_exchange_over(c, false);
	rw_timer_cancel(&c->deadline);
	rw_timer_cancel(&c->later);
	LIST_REMOVE(c, link);
	s->n_conns--;
	rw_h1_free(c->parser);
	rw_buf_free(&c->held);
	rw_buf_free(&c->head);
	rw_buf_free(&c->backlog);
	free(c);
	rw_http_server_gone(s);
}

static const struct rw_stream_cb stream_cb = {on_open, on_data, on_eof, on_drain, on_close};

/* --- beginning and end --------------------------------------------------------------------------
 */

void rw_conn_open(struct rw_http_server *s, struct rw_sock *sock, bool refuse)
{
	struct rw_conn *c = calloc(1, sizeof(*c));

	if (c)
		c->parser = rw_h1_new(RW_H1_REQUESTS, &s->cfg.limits, &events, c);
	if (!c || !c->parser) {
		free(c);
		rw_sock_abort(sock);
		return;
	}
	c->server = s;
	c->refuse = refuse;
	c->stream = rw_stream_accept(s->loop, sock, s->tls, &stream_cb, c);
	if (!c->stream) {
		rw_h1_free(c->parser);
		free(c);
		return;
	}
	rw_stream_info(c->stream, &c->info);
	LIST_INSERT_HEAD(&s->conns, c, link);
	s->n_conns++;
	wait_for(c, RW_WAIT_HANDSHAKE);
}

void rw_conn_close(struct rw_conn *c, bool abort)
{
	if (c->closing && !abort)
		return;
	c->closing = true;
	rw_timer_cancel(&c->deadline);
	rw_timer_cancel(&c->later);
	if (abort)
		rw_stream_abort(c->stream);
	else
		rw_stream_finish(c->stream);
}
