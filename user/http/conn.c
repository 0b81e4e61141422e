/* SPDX-License-Identifier: Apache-2.0 */
/* A client's connection: bytes to requests, and the deadlines. */
#include "http/server_int.h"

#include <stdlib.h>
#include <string.h>

static const uint64_t drain_open_ns = 2000000000;

/* --- deadlines ------------------------------------------------------------------------------ */

void rw_conn_tell_bad(struct rw_conn *c, enum rw_http_bad kind, const struct rw_error *why)
{
	const struct rw_http_server *s = c->server;

	if (c->told_bad || s->freeing)
		return;
	c->told_bad = true;
	if (s->handler.on_bad)
		s->handler.on_bad(s->user, &c->wire, kind, why);
}

static void too_slow(struct rw_conn *c)
{
	const struct rw_error why = {RW_ETIMEOUT, "the request comes too slowly"};

	rw_conn_tell_bad(c, RW_HTTP_BAD_SLOW, &why);
	if (c->wait == RW_WAIT_BODY && !c->x.active)
		rw_conn_close(c, false); /* it was answered already */
	else
		rw_conn_refuse(c, 408, "the request took too long to arrive");
}

static void on_deadline(void *arg)
{
	struct rw_conn *c = arg;
	const struct rw_error late = {RW_ETIMEOUT, "the TLS handshake takes too long"};

	switch (c->wait) {
	case RW_WAIT_HANDSHAKE:
		rw_conn_tell_bad(c, RW_HTTP_BAD_TLS, &late);
		rw_conn_close(c, true);
		break;
	case RW_WAIT_OPEN:
	case RW_WAIT_IDLE:
		rw_conn_close(c, false);
		break;
	case RW_WAIT_HEAD:
	case RW_WAIT_BODY:
		too_slow(c);
		break;
	case RW_WAIT_ANSWER:
		break;
	}
}

static void wait_for(struct rw_conn *c, enum rw_conn_wait what)
{
	const struct rw_http_server_config *cfg = &c->server->cfg;
	const uint64_t ns[] = {
		[RW_WAIT_HANDSHAKE] = cfg->handshake_ns,
		[RW_WAIT_OPEN] = c->server->draining ? drain_open_ns : cfg->header_ns,
		[RW_WAIT_HEAD] = cfg->header_ns,
		[RW_WAIT_BODY] = cfg->body_ns,
		[RW_WAIT_IDLE] = cfg->idle_ns,
	};
	struct rw_loop *l = c->server->loop;

	c->wait = what;
	c->wait_request = c->requests;
	if (what == RW_WAIT_ANSWER)
		rw_timer_cancel(&c->deadline);
	else
		rw_timer_set(l, &c->deadline, rw_loop_now(l) + ns[what], on_deadline, c);
}

/* Nothing of a request has come and no answer is owed. */
static bool idle(const struct rw_conn *c)
{
	return !c->x.active && !c->closing && rw_h1_idle(c->parser) && !c->held.len;
}

/*
 * What is waited for now? A deadline is absolute: it starts when its state is entered
 * and bytes do not move it. A request that comes whole in one piece costs no timer.
 */
static void update_wait(struct rw_conn *c)
{
	enum rw_conn_wait what;

	if (c->x.active)
		/* A handler that stopped reading, or answers early, is not the client's fault. */
		what = c->x.body_whole || c->paused || c->x.head_put ? RW_WAIT_ANSWER
								     : RW_WAIT_BODY;
	else if (!c->requests && rw_h1_idle(c->parser))
		what = RW_WAIT_OPEN;
	else if (idle(c))
		what = RW_WAIT_IDLE;
	else
		what = c->x.body_small ? RW_WAIT_BODY : RW_WAIT_HEAD;
	if (what != c->wait || c->wait_request != c->requests)
		wait_for(c, what);
}

/* --- requests ------------------------------------------------------------------------------- */

static int on_head(void *user, const struct rw_h1_head *head)
{
	struct rw_conn *c = user;

	c->requests++;
	if (c->refuse)
		rw_conn_refuse(c, 503, "too many connections; try again shortly");
	else
		rw_exchange_begin(c, head);
	return c->closing ? RW_ECLOSED : RW_OK;
}

static int on_body(void *user, const char *data, size_t n)
{
	struct rw_conn *c = user;

	c->x.wants_continue = false; /* it did not wait */
	if (c->x.active && !c->x.ended)
		c->server->handler.on_body(c->x.xuser, &c->x, data, n);
	return c->closing ? RW_ECLOSED : RW_OK;
}

static int on_end(void *user)
{
	struct rw_conn *c = user;

	c->x.body_whole = true;
	c->x.body_small = false;
	if (c->x.active && !c->x.ended)
		c->server->handler.on_body_end(c->x.xuser, &c->x);
	return c->closing ? RW_ECLOSED : RW_OK;
}

const struct rw_h1_events rw_conn_events = {on_head, on_body, on_end};

static void broken_input(struct rw_conn *c, int rc, const struct rw_error *e)
{
	if (c->closing) /* a callback ended it, and that is what the parser says */
		return;
	rw_conn_tell_bad(c, rc == RW_ELIMIT ? RW_HTTP_BAD_LIMIT : RW_HTTP_BAD_MESSAGE, e);
	if (c->x.body_small)
		rw_conn_close(c, false); /* it was answered already */
	else
		rw_conn_refuse(c, rw_h1_status(c->parser), e->text);
}

void rw_conn_update_recv(struct rw_conn *c)
{
	bool wants_none = c->paused && c->x.active && !c->x.body_whole;

	if (!c->closing)
		rw_stream_recv(c->stream, !wants_none && c->held.len < RW_HELD_BYTES);
}

/* Feeds the parser up to the end of a message whose answer is still under way. */
static void feed(struct rw_conn *c, const char *data, size_t n)
{
	struct rw_error e;
	size_t used;
	int rc;

	while (n && !c->closing) {
		if (c->x.active && c->x.body_whole) {
			if (rw_buf_add(&c->held, data, n))
				rw_conn_close(c, true);
			break;
		}
		rc = rw_h1_feed(c->parser, data, n, &used, &e);
		if (rc) {
			broken_input(c, rc, &e);
			return;
		}
		data += used;
		n -= used;
	}
	if (c->closing)
		return;
	rw_conn_update_recv(c);
	update_wait(c);
}

static void feed_held(struct rw_conn *c)
{
	struct rw_buf held = c->held;

	c->held = (struct rw_buf){0};
	feed(c, held.p, held.len);
	rw_buf_free(&held);
}

static bool is_lost(struct rw_conn *c)
{
	if (c->closing && c->x.active)
		rw_exchange_over(c, false);
	return c->closing;
}

/* The answer is on its way: the exchange ends, and the next request begins. */
static void end(void *arg)
{
	struct rw_conn *c = arg;
	bool keep;

	if (is_lost(c))
		return;
	keep = c->x.keep_alive && !c->server->draining;
	rw_exchange_over(c, true);
	if (c->closing)
		return;
	if (!keep)
		rw_conn_close(c, false);
	else
		feed_held(c);
}

/*
 * After a turn's callbacks: what the handler wrote goes out. One exchange of a connection ends a
 * turn, so that nobody starves.
 */
static void settle(void *arg)
{
	struct rw_conn *c = arg;

	if (is_lost(c))
		return;
	if (c->x.active && rw_exchange_push(c) && c->x.ended)
		rw_task_after(c->server->loop, &c->settle, end, c);
	else if (!c->closing)
		update_wait(c);
}

void rw_conn_later(struct rw_conn *c)
{
	rw_task_set(c->server->loop, &c->settle, settle, c);
}

void rw_conn_drain(struct rw_conn *c)
{
	if (!idle(c))
		return;
	if (c->requests)
		rw_conn_close(c, false);
	else if (c->wait == RW_WAIT_OPEN)
		wait_for(c, RW_WAIT_OPEN);
}

/* --- from the stream -------------------------------------------------------------------------- */

static void handshaken(struct rw_conn *c)
{
	const struct rw_http_server *s = c->server;

	if (c->handshaking && s->handler.on_handshaken)
		s->handler.on_handshaken(s->user, &c->client);
	c->handshaking = false;
}

/* Who the client is must outlive the record back-end that knows it. False: no memory. */
static bool keep_identity(struct rw_conn *c)
{
	if (c->info.identity[0]) {
		c->identity = strdup(c->info.identity);
		c->info.identity = c->identity ? c->identity : "";
		return c->identity != NULL;
	}
	c->info.identity = "";
	return true;
}

static void on_open(void *user)
{
	struct rw_conn *c = user;

	handshaken(c);
	rw_stream_info(c->stream, &c->info);
	c->info.peer = c->client;
	if (!keep_identity(c))
		rw_conn_close(c, true);
	else
		wait_for(c, RW_WAIT_OPEN);
}

static void on_data(void *user, const uint8_t *data, size_t n)
{
	struct rw_conn *c = user;

	if (!c->closing)
		feed(c, (const char *)data, n);
}

/*
 * SDKs cancel a call by closing, and a FIN does not tell that from a half-close: as long
 * as the answer is not all there it means that nobody reads it, and making it costs
 * money. What the handler has ended still goes out.
 */
static void on_eof(void *user, bool clean)
{
	struct rw_conn *c = user;

	(void)clean;
	if (c->closing)
		return;
	if (c->x.active && c->x.ended) {
		c->x.keep_alive = false;
		return;
	}
	rw_conn_close(c, c->x.active);
	if (c->x.active)
		rw_exchange_over(c, false);
}

static void on_drain(void *user)
{
	struct rw_conn *c = user;

	if (c->closing)
		return;
	rw_exchange_watch(c);
	if (!c->x.active || !c->x.head_put || !rw_exchange_push(c))
		return;
	if (c->x.ended)
		rw_conn_later(c);
	else if (c->server->handler.on_drain)
		c->server->handler.on_drain(c->x.xuser, &c->x);
}

static void gone(struct rw_conn *c)
{
	handshaken(c);
	c->closing = true;
	if (c->x.active)
		rw_exchange_over(c, false);
	rw_task_cancel(&c->settle);
	rw_timer_cancel(&c->deadline);
	rw_timer_cancel(&c->stall);
	rw_conn_put(c);
}

static void on_close(void *user, const struct rw_error *why)
{
	struct rw_conn *c = user;

	if (c->wait == RW_WAIT_HANDSHAKE && why->code && why->code != RW_ECLOSED)
		rw_conn_tell_bad(c, RW_HTTP_BAD_TLS, why);
	gone(c);
}

static const struct rw_stream_cb stream_cb = {
	.on_open = on_open,
	.on_data = on_data,
	.on_eof = on_eof,
	.on_drain = on_drain,
	.on_close = on_close,
};

/* The handler's bounds, which are the real client's also behind a balancer. */
static bool may_handshake(struct rw_conn *c)
{
	const struct rw_http_server *s = c->server;

	if (!s->tls || !s->handler.on_handshake)
		return true;
	c->handshaking = s->handler.on_handshake(s->user, &c->client);
	return c->handshaking;
}

static bool begin_stream(struct rw_conn *c, struct rw_sock *sock)
{
	struct rw_http_server *s = c->server;

	c->stream = rw_stream_accept(s->loop, sock, s->tls, &stream_cb, c);
	if (c->stream)
		rw_stream_take_turns(c->stream, s->cfg.turns);
	return c->stream != NULL;
}

/* --- from a balancer's socket ------------------------------------------------------------------
 */

static void on_proxy_data(void *user, const uint8_t *data, size_t n)
{
	struct rw_conn *c = user;
	struct rw_error e = {0};
	size_t used;
	int rc;

	if (c->closing)
		return;
	rc = rw_proxy_feed(&c->proxy, data, n, &used, &c->client, &e);
	if (rc == RW_EAGAIN)
		return;
	if (rc) {
		rw_conn_tell_bad(c, RW_HTTP_BAD_MESSAGE, &e);
		rw_conn_close(c, true);
		return;
	}
	c->info.peer = c->client;
	if (!may_handshake(c)) {
		rw_conn_close(c, true);
		return;
	}
	if (!begin_stream(c, c->sock)) {
		c->closing = true; /* the socket is on its way out, and says so when it is */
		return;
	}
	c->sock = NULL;
	if (used < n)
		rw_stream_take(c->stream, data + used, n - used);
}

static void on_proxy_eof(void *user)
{
	rw_conn_close(user, true);
}

static void on_proxy_close(void *user, int err)
{
	(void)err;
	gone(user);
}

static const struct rw_sock_cb proxy_cb = {
	.on_data = on_proxy_data,
	.on_eof = on_proxy_eof,
	.on_close = on_proxy_close,
};

/* --- beginning and end --------------------------------------------------------------------- */

static bool is_believed(const struct rw_http_server *s, const struct rw_addr *peer)
{
	return s->handler.on_proxy && s->handler.on_proxy(s->user, peer);
}

void rw_conn_open(struct rw_http_server *s, struct rw_sock *sock, const struct rw_addr *peer,
		  bool refuse)
{
	struct rw_conn *c = s->cfg.proxy && !is_believed(s, peer) ? NULL : rw_conn_take(s);

	if (!c) {
		rw_sock_abort(sock);
		return;
	}
	c->refuse = refuse;
	c->info = (struct rw_stream_info){.peer = *peer, .identity = ""};
	c->wire = c->client = *peer;
	if (s->cfg.proxy) {
		c->sock = sock;
		rw_sock_bind(sock, &proxy_cb, c);
		wait_for(c, RW_WAIT_HANDSHAKE);
		return;
	}
	if (!may_handshake(c)) {
		rw_sock_abort(sock);
		rw_conn_put(c);
	} else if (begin_stream(c, sock)) {
		wait_for(c, RW_WAIT_HANDSHAKE);
	} else {
		handshaken(c);
		rw_conn_put(c);
	}
}

void rw_conn_close(struct rw_conn *c, bool abort)
{
	if (c->closing && !abort)
		return;
	c->closing = true;
	rw_timer_cancel(&c->deadline);
	rw_timer_cancel(&c->stall);
	if (c->x.active)
		rw_conn_later(c);
	if (c->sock)
		rw_sock_abort(c->sock);
	else if (abort)
		rw_stream_abort(c->stream);
	else
		rw_stream_finish(c->stream);
}
