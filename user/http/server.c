/* SPDX-License-Identifier: Apache-2.0 */
/* The server object: listening, bounds, drain, and the memory of connections. */
#include "http/server.h"

#include <inttypes.h>
#include <stdlib.h>

#include "http/server_int.h"
#include "tls/ctx.h"

enum { OUT_BOUND = 64 << 20, KEEP_OUT_BYTES = 32 << 10 };

static const struct rw_http_server_config defaults = {
	.handshake_ns = 10000000000,
	.header_ns = 10000000000,
	.body_ns = 60000000000,
	.idle_ns = 75000000000,
	.write_stall_ns = 30000000000,
	.max_conns = 1024,
};

static void set_config(struct rw_http_server *s, const struct rw_http_server_config *cfg)
{
	s->cfg = *cfg;
#define DEFAULT(field)     \
	if (!s->cfg.field) \
		s->cfg.field = defaults.field;
	DEFAULT(handshake_ns)
	DEFAULT(header_ns)
	DEFAULT(body_ns)
	DEFAULT(idle_ns)
	DEFAULT(write_stall_ns)
	DEFAULT(max_conns)
#undef DEFAULT
	s->hsts[0] = '\0';
	if (s->tls && s->cfg.hsts_s)
		snprintf(s->hsts, sizeof(s->hsts), "max-age=%" PRIu32, s->cfg.hsts_s);
}

struct rw_http_server *rw_http_server_new(struct rw_loop *l,
					  const struct rw_http_server_config *cfg,
					  struct rw_tls_ctx *tls, const struct rw_http_handler *h,
					  void *user)
{
	struct rw_http_server *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->store = rw_h1_store_new();
	if (!s->store) {
		free(s);
		return NULL;
	}
	s->loop = l;
	s->handler = *h;
	s->user = user;
	s->tls = tls ? rw_tls_ctx_ref(tls) : NULL;
	set_config(s, cfg);
	return s;
}

void rw_http_server_update(struct rw_http_server *s, const struct rw_http_server_config *cfg,
			   struct rw_tls_ctx *tls)
{
	struct rw_tls_ctx *old = s->tls;

	s->tls = tls ? rw_tls_ctx_ref(tls) : NULL;
	rw_tls_ctx_unref(old);
	set_config(s, cfg);
}

/*
 * A little above the bound clients are still told 503; further above, there is only
 * memory for the connections that are served.
 */
static void on_accept(void *user, struct rw_sock *sock, const struct rw_addr *peer)
{
	struct rw_http_server *s = user;
	unsigned max = s->cfg.max_conns;

	if (s->n_conns >= max + max / 8 + 1)
		rw_sock_abort(sock);
	else
		rw_conn_open(s, sock, peer, s->n_conns >= max);
}

int rw_http_server_listen(struct rw_http_server *s, const struct rw_addr *addr, struct rw_error *e)
{
	int rc = rw_listener_start(s->loop, addr, on_accept, s, &s->listener, e);

	if (!rc)
		s->addr = *rw_listener_addr(s->listener);
	return rc;
}

const struct rw_addr *rw_http_server_addr(const struct rw_http_server *s)
{
	return &s->addr;
}

int rw_http_server_fd(const struct rw_http_server *s)
{
	return rw_listener_fd(s->listener);
}

unsigned rw_http_server_conns(const struct rw_http_server *s)
{
	return s->n_conns;
}

void rw_http_server_drain(struct rw_http_server *s)
{
	struct rw_conn *c;

	s->draining = true;
	if (s->listener)
		rw_listener_drain(s->listener);
	for (c = LIST_FIRST(&s->conns); c; c = LIST_NEXT(c, link))
		rw_conn_drain(c);
}

bool rw_http_server_ended(const struct rw_http_server *s)
{
	return s->n_conns == 0 && (!s->listener || rw_listener_closed(s->listener));
}

/* --- memory ---------------------------------------------------------------------------------- */

static void conn_free(struct rw_conn *c)
{
	rw_h1_free(c->parser);
	free(c);
}

static void release(struct rw_http_server *s)
{
	struct rw_conn *c;

	while ((c = LIST_FIRST(&s->spares))) {
		LIST_REMOVE(c, link);
		conn_free(c);
	}
	while (s->n_out_spares)
		rw_buf_free(&s->out_spares[--s->n_out_spares]);
	rw_h1_store_free(s->store);
	rw_tls_ctx_unref(s->tls);
	free(s);
}

struct rw_conn *rw_conn_take(struct rw_http_server *s)
{
	struct rw_conn *c = LIST_FIRST(&s->spares);

	if (c) {
		LIST_REMOVE(c, link);
		s->n_spares--;
		rw_h1_set_limits(c->parser, &s->cfg.limits);
	} else {
		c = calloc(1, sizeof(*c));
		if (!c)
			return NULL;
		c->parser = rw_h1_new(RW_H1_REQUESTS, &s->cfg.limits, &rw_conn_events, c);
		if (!c->parser) {
			free(c);
			return NULL;
		}
		rw_h1_use_store(c->parser, s->store);
		c->server = s;
	}
	LIST_INSERT_HEAD(&s->conns, c, link);
	s->n_conns++;
	if (s->handler.on_conn)
		s->handler.on_conn(s->user, 1);
	return c;
}

void rw_conn_put(struct rw_conn *c)
{
	struct rw_http_server *s = c->server;
	struct rw_h1 *parser = c->parser;

	free(c->identity);
	rw_buf_free(&c->held);
	rw_buf_reset(&c->out);
	c->out_sent = 0;
	rw_conn_put_out(c);
	LIST_REMOVE(c, link);
	s->n_conns--;
	if (s->handler.on_conn)
		s->handler.on_conn(s->user, -1);
	if (s->n_spares == RW_CONN_SPARES || s->freeing) {
		conn_free(c);
	} else {
		rw_h1_reset(parser);
		*c = (struct rw_conn){.server = s, .parser = parser};
		LIST_INSERT_HEAD(&s->spares, c, link);
		s->n_spares++;
	}
	if (s->freeing && LIST_EMPTY(&s->conns))
		release(s);
}

struct rw_buf *rw_conn_out(struct rw_conn *c)
{
	struct rw_http_server *s = c->server;

	if (!c->out.p && s->n_out_spares)
		c->out = s->out_spares[--s->n_out_spares];
	c->out.max = OUT_BOUND;
	return &c->out;
}

void rw_conn_put_out(struct rw_conn *c)
{
	struct rw_http_server *s = c->server;

	if (!c->out.p || c->out.len)
		return;
	if (c->out.cap > KEEP_OUT_BYTES || s->n_out_spares == RW_OUT_SPARES)
		rw_buf_free(&c->out);
	else
		s->out_spares[s->n_out_spares++] = c->out;
	c->out = (struct rw_buf){0};
}

/*
 * Connections end when their last operation has; they hold the server until then, and
 * the loop's next turns (rw_loop_free makes some) bring that about.
 */
void rw_http_server_free(struct rw_http_server *s)
{
	struct rw_conn *c;

	if (!s)
		return;
	if (s->listener)
		rw_listener_stop(s->listener);
	s->draining = s->freeing = true;
	for (c = LIST_FIRST(&s->conns); c; c = LIST_NEXT(c, link)) {
		rw_conn_close(c, true);
		rw_task_cancel(&c->settle);
		if (c->x.active)
			rw_exchange_over(c, false);
	}
	if (LIST_EMPTY(&s->conns))
		release(s);
}
