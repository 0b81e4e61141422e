/* SPDX-License-Identifier: Apache-2.0 */
#include "http/server.h"

#include <stdlib.h>

#include "http/server_int.h"

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
}

struct rw_http_server *rw_http_server_new(struct rw_loop *l,
					  const struct rw_http_server_config *cfg,
					  struct rw_tls_ctx *tls, const struct rw_http_handler *h,
					  void *user)
{
	struct rw_http_server *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->loop = l;
	s->handler = *h;
	s->user = user;
	s->tls = tls ? rw_tls_ctx_ref(tls) : NULL;
	LIST_INIT(&s->conns);
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

	(void)peer;
	if (s->draining || s->n_conns >= max + max / 8 + 1)
		rw_sock_abort(sock);
	else
		rw_conn_open(s, sock, s->n_conns >= max);
}

int rw_http_server_listen(struct rw_http_server *s, const struct rw_addr *addr, struct rw_error *e)
{
	return rw_listener_start(s->loop, addr, on_accept, s, &s->listener, e);
}

const struct rw_addr *rw_http_server_addr(const struct rw_http_server *s)
{
	return rw_listener_addr(s->listener);
}

unsigned rw_http_server_conns(const struct rw_http_server *s)
{
	return s->n_conns;
}

static void stop_listening(struct rw_http_server *s)
{
	if (s->listener)
		rw_listener_stop(s->listener);
	s->listener = NULL;
}

void rw_http_server_drain(struct rw_http_server *s)
{
	struct rw_conn *c, *next;

	s->draining = true;
	stop_listening(s);
	for (c = LIST_FIRST(&s->conns); c; c = next) {
		next = LIST_NEXT(c, link);
		if (rw_conn_idle(c))
			rw_conn_close(c, false);
	}
}

static void release(struct rw_http_server *s)
{
	rw_tls_ctx_unref(s->tls);
	free(s);
}

/*
 * Connections end when their last operation has; they hold the server until then, and
 * the loop's next turns (rw_loop_free makes some) bring that about.
 */
void rw_http_server_free(struct rw_http_server *s)
{
	struct rw_conn *c;

	stop_listening(s);
	s->draining = s->freeing = true;
	LIST_FOREACH(c, &s->conns, link)
	{
		rw_conn_close(c, true);
		if (c->x.active)
			rw_exchange_over(c, false);
	}
	if (LIST_EMPTY(&s->conns))
		release(s);
}

void rw_http_server_gone(struct rw_http_server *s)
{
	if (s->freeing && LIST_EMPTY(&s->conns))
		release(s);
}
