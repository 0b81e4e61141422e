/* SPDX-License-Identifier: Apache-2.0 */
/* An upstream's connections, of one worker: made, kept warm, given away, closed. */
#include "http/pool.h"

#include <stdlib.h>
#include <string.h>

static const struct rw_pool_config defaults = {
	.connect_ns = 5000000000,
	.first_byte_ns = 120000000000,
	.between_ns = 60000000000,
	.idle_ns = 30000000000,
	.max_idle = 64,
	.max_conns = 1024,
};

/* --- the pool ------------------------------------------------------------------------------- */

/* "name:port", "[v6]:port", "name": the part that a certificate names. */
static void name_of(const char *host, char out[280])
{
	const char *colon = strrchr(host, ':');
	size_t n = strlen(host);

	if (host[0] == '[') {
		host++;
		n = strcspn(host, "]");
	} else if (colon) {
		n = (size_t)(colon - host);
	}
	snprintf(out, 280, "%.*s", (int)n, host);
}

struct rw_pool *rw_pool_new(struct rw_loop *l, const struct rw_pool_config *cfg,
			    const struct rw_addr *addrs, unsigned n_addrs, const char *host,
			    struct rw_tls_ctx *tls)
{
	struct rw_pool *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->loop = l;
	p->cfg = *cfg;
#define DEFAULT(field)     \
	if (!p->cfg.field) \
		p->cfg.field = defaults.field;
	DEFAULT(connect_ns)
	DEFAULT(first_byte_ns)
	DEFAULT(between_ns)
	DEFAULT(idle_ns)
	DEFAULT(max_idle)
	DEFAULT(max_conns)
#undef DEFAULT
	p->n_addrs = n_addrs < RW_POOL_ADDRS ? n_addrs : RW_POOL_ADDRS;
	memcpy(p->addrs, addrs, p->n_addrs * sizeof(*addrs));
	snprintf(p->host, sizeof(p->host), "%s", host);
	name_of(host, p->name);
	p->tls = tls ? rw_tls_ctx_ref(tls) : NULL;
	LIST_INIT(&p->all);
	LIST_INIT(&p->idle);
	return p;
}

static void free_if_done(struct rw_pool *p)
{
	if (!p->released || p->n_conns)
		return;
	rw_tls_ctx_unref(p->tls);
	free(p);
}

void rw_pool_release(struct rw_pool *p)
{
	struct rw_upconn *c, *next;

	p->released = true;
	for (c = LIST_FIRST(&p->idle); c; c = next) {
		next = LIST_NEXT(c, idle_link);
		rw_upconn_close(c, false);
	}
	free_if_done(p);
}

/* --- idle connections ------------------------------------------------------------------------ */

static void leave_idle(struct rw_upconn *c)
{
	if (!c->idle)
		return;
	c->idle = false;
	LIST_REMOVE(c, idle_link);
	c->pool->n_idle--;
	rw_timer_cancel(&c->idle_timer);
}

static void idle_too_long(void *arg)
{
	rw_upconn_close(arg, false);
}

static void enter_idle(struct rw_upconn *c)
{
	struct rw_pool *p = c->pool;

	if (!c->keep || p->released || p->n_idle >= p->cfg.max_idle) {
		rw_upconn_close(c, false);
		return;
	}
	c->idle = true;
	LIST_INSERT_HEAD(&p->idle, c, idle_link);
	p->n_idle++;
	rw_stream_recv(c->stream, true); /* to see it closed */
	rw_timer_set(p->loop, &c->idle_timer, rw_loop_now(p->loop) + p->cfg.idle_ns, idle_too_long,
		     c);
}

struct rw_upconn *rw_pool_take(struct rw_pool *p)
{
	struct rw_upconn *c = LIST_FIRST(&p->idle);

	if (!c)
		return NULL;
	leave_idle(c);
	c->reused = true;
	c->answered = c->keep = c->ended = false;
	return c;
}

void rw_upconn_close(struct rw_upconn *c, bool abort)
{
	leave_idle(c);
	if (c->closing && !abort)
		return;
	c->closing = true;
	if (abort)
		rw_stream_abort(c->stream);
	else
		rw_stream_finish(c->stream);
}

/* --- answers ---------------------------------------------------------------------------------- */

static int on_head(void *user, const struct rw_h1_head *head)
{
	struct rw_upconn *c = user;

	/* A callback may have cancelled the fetch: then nobody wants the rest. */
	return c->fetch ? rw_fetch_head(c->fetch, head) : RW_ECLOSED;
}

static int on_body(void *user, const char *data, size_t n)
{
	struct rw_upconn *c = user;

	if (!c->fetch)
		return RW_ECLOSED;
	c->fetch->cb->on_body(c->fetch->user, data, n);
	return c->fetch ? RW_OK : RW_ECLOSED;
}

static int on_end(void *user)
{
	struct rw_upconn *c = user;

	c->ended = true;
	return RW_OK;
}

static const struct rw_h1_events events = {on_head, on_body, on_end};

/* The connection goes back first: who is told may want the next one at once. */
static void message_end(struct rw_upconn *c)
{
	struct rw_fetch *f = c->fetch;

	c->fetch = NULL;
	f->conn = NULL;
	enter_idle(c);
	rw_fetch_end(f);
}

static void on_open(void *user)
{
	struct rw_upconn *c = user;

	if (c->fetch)
		rw_fetch_begin(c->fetch);
	else
		rw_upconn_close(c, true);
}

static void on_data(void *user, const uint8_t *data, size_t n)
{
	struct rw_upconn *c = user;
	struct rw_error e = {0};
	size_t used;
	int rc;

	if (c->closing)
		return;
	if (!c->fetch) { /* idle: nothing was asked, so nothing may come */
		rw_upconn_close(c, true);
		return;
	}
	rw_fetch_bytes(c->fetch);
	while (n && !c->ended) {
		rc = rw_h1_feed(c->parser, (const char *)data, n, &used, &e);
		if (!c->fetch || c->closing)
			return;
		if (rc) {
			rw_fetch_broken(c->fetch, rc, e.text);
			return;
		}
		data += used;
		n -= used;
	}
	if (!c->ended)
		return;
	if (n) /* bytes behind the message's end belong to nobody */
		c->keep = false;
	message_end(c);
}

static void on_eof(void *user, bool clean)
{
	struct rw_upconn *c = user;
	struct rw_error e = {0};

	if (c->closing)
		return;
	c->keep = false;
	/* A close-delimited answer ends here, but over TLS only with close_notify. */
	if (c->fetch && c->answered && clean && rw_h1_eof(c->parser, &e) == RW_OK && c->ended)
		message_end(c);
	else if (c->fetch && c->answered)
		rw_fetch_broken(c->fetch, RW_ECLOSED, "the answer was cut off");
	else
		rw_upconn_close(c, true); /* unseen: on_close decides about the retry */
}

static void on_drain(void *user)
{
	struct rw_upconn *c = user;

	if (c->fetch && !c->closing)
		rw_fetch_push(c->fetch);
}

static void on_close(void *user, const struct rw_error *why)
{
	struct rw_upconn *c = user;
	struct rw_pool *p = c->pool;

	leave_idle(c);
	c->closing = true;
	LIST_REMOVE(c, link);
	p->n_conns--;
	if (c->fetch)
		rw_fetch_lost(c->fetch, why);
	rw_h1_free(c->parser);
	free(c);
	free_if_done(p);
}

static const struct rw_stream_cb stream_cb = {on_open, on_data, on_eof, on_drain, on_close};

/* --- new connections
 * ------------------------------------------------------------------------------ */

int rw_pool_connect(struct rw_pool *p, struct rw_fetch *f, struct rw_error *e)
{
	const struct rw_addr *addr = &p->addrs[p->next_addr % p->n_addrs];
	struct rw_upconn *c;

	if (p->n_conns >= p->cfg.max_conns)
		return rw_fail(e, RW_ELIMIT, "upstream %s: all %u connections are in use", p->host,
			       p->cfg.max_conns);
	c = calloc(1, sizeof(*c));
	if (!c)
		return rw_fail(e, RW_ENOMEM, "upstream %s: out of memory", p->host);
	c->pool = p;
	c->parser = rw_h1_new(RW_H1_RESPONSES, &p->cfg.limits, &events, c);
	if (c->parser)
		c->stream = rw_stream_connect(p->loop, addr, p->tls, p->name, &stream_cb, c);
	if (!c->stream) {
		rw_h1_free(c->parser);
		free(c);
		return rw_fail(e, RW_ENOMEM, "upstream %s: no socket is free for a connection",
			       p->host);
	}
	LIST_INSERT_HEAD(&p->all, c, link);
	p->n_conns++;
	c->fetch = f;
	f->conn = c;
	f->state = RW_FETCH_CONNECTING;
	return RW_OK;
}
