/* SPDX-License-Identifier: Apache-2.0 */
/* An upstream's connections, of one worker: made, kept warm, given away, closed. */
#include "http/pool.h"

#include <stdlib.h>
#include <string.h>

#include "tls/ctx.h"

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
static void name_of(const char *host, char out[RW_HOST_BYTES])
{
	size_t n;

	if (host[0] == '[')
		n = strcspn(++host, "]");
	else
		n = strcspn(host, ":");
	snprintf(out, RW_HOST_BYTES, "%.*s", (int)n, host);
}

void rw_pool_retarget(struct rw_pool *p, const struct rw_addr *addrs, unsigned n_addrs)
{
	const struct rw_addr last = p->addrs[p->addr];

	p->n_addrs = n_addrs < RW_POOL_ADDRS ? n_addrs : RW_POOL_ADDRS;
	memcpy(p->addrs, addrs, p->n_addrs * sizeof(*addrs));
	p->addr = 0;
	rw_pool_remember(p, &last);
}

void rw_pool_remember(struct rw_pool *p, const struct rw_addr *peer)
{
	for (unsigned i = 0; i < p->n_addrs; i++)
		if (p->addrs[i].len == peer->len && !memcmp(&p->addrs[i].sa, &peer->sa, peer->len))
			p->addr = i;
}

struct rw_pool *rw_pool_new(struct rw_loop *l, const struct rw_pool_config *cfg,
			    const struct rw_addr *addrs, unsigned n_addrs, const char *host,
			    struct rw_tls_ctx *tls)
{
	struct rw_pool *p;

	if (!n_addrs || strlen(host) >= RW_HOST_BYTES)
		return NULL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->store = rw_h1_store_new();
	if (!p->store) {
		free(p);
		return NULL;
	}
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
	rw_pool_retarget(p, addrs, n_addrs);
	snprintf(p->host, sizeof(p->host), "%s", host);
	name_of(host, p->name);
	p->tls = tls ? rw_tls_ctx_ref(tls) : NULL;
	return p;
}

static void conn_free(struct rw_upconn *c)
{
	rw_h1_free(c->parser);
	free(c);
}

static void free_if_done(struct rw_pool *p)
{
	struct rw_upconn *c;
	struct rw_fetch *f;

	if (!p->released || p->holds || !LIST_EMPTY(&p->idle) || !LIST_EMPTY(&p->others) ||
	    !LIST_EMPTY(&p->fetches))
		return;
	while ((c = LIST_FIRST(&p->spare_conns))) {
		LIST_REMOVE(c, link);
		conn_free(c);
	}
	while ((f = LIST_FIRST(&p->spare_fetches))) {
		LIST_REMOVE(f, link);
		rw_fetch_free(f);
	}
	rw_buf_wipe(&p->first);
	rw_h1_store_free(p->store);
	rw_tls_ctx_unref(p->tls);
	free(p);
}

void rw_pool_hold(struct rw_pool *p)
{
	p->holds++;
}

void rw_pool_unhold(struct rw_pool *p)
{
	p->holds--;
	free_if_done(p);
}

void rw_pool_release(struct rw_pool *p)
{
	struct rw_upconn *c;

	if (!p)
		return;
	p->released = true;
	while ((c = LIST_FIRST(&p->idle)))
		rw_upconn_close(c, false);
	free_if_done(p);
}

/* --- connections' memory -------------------------------------------------------------------- */

static const struct rw_h1_events events;

static struct rw_upconn *conn_take(struct rw_pool *p)
{
	struct rw_upconn *c = LIST_FIRST(&p->spare_conns);

	if (c) {
		LIST_REMOVE(c, link);
		p->n_spare_conns--;
		return c;
	}
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->pool = p;
	c->parser = rw_h1_new(RW_H1_RESPONSES, &p->cfg.limits, &events, c);
	if (!c->parser) {
		free(c);
		return NULL;
	}
	rw_h1_use_store(c->parser, p->store);
	return c;
}

static void conn_put(struct rw_upconn *c)
{
	struct rw_pool *p = c->pool;
	struct rw_h1 *parser = c->parser;

	if (p->n_spare_conns == RW_UPCONN_SPARES) {
		conn_free(c);
		return;
	}
	rw_h1_reset(parser);
	*c = (struct rw_upconn){.pool = p, .parser = parser};
	LIST_INSERT_HEAD(&p->spare_conns, c, link);
	p->n_spare_conns++;
}

/* --- idle connections ------------------------------------------------------------------------ */

static void leave_idle(struct rw_upconn *c)
{
	if (!c->idle)
		return;
	c->idle = false;
	c->pool->n_idle--;
	LIST_REMOVE(c, link);
	LIST_INSERT_HEAD(&c->pool->others, c, link);
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
		/* A request that was not read to its end is not sent on. */
		rw_upconn_close(c, rw_stream_queued(c->stream) != 0);
		return;
	}
	c->idle = true;
	p->n_idle++;
	LIST_REMOVE(c, link);
	LIST_INSERT_HEAD(&p->idle, c, link);
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

static void leave_pool(struct rw_upconn *c)
{
	leave_idle(c);
	if (!c->closing)
		c->pool->n_conns--;
	c->closing = true;
}

void rw_upconn_close(struct rw_upconn *c, bool abort)
{
	bool was_closing = c->closing;

	leave_pool(c);
	c->fetch = NULL;
	if (was_closing && !abort)
		return;
	if (abort)
		rw_stream_abort(c->stream);
	else
		rw_stream_finish(c->stream);
}

void rw_upconn_error(const struct rw_upconn *c, struct rw_error *e, int code, const char *text)
{
	char where[RW_ADDR_TEXT];

	rw_fail(e, code, "%s (%s)", text, rw_addr_text(&c->peer, true, where));
}

/* --- answers ---------------------------------------------------------------------------------- */

static int on_head(void *user, const struct rw_h1_head *head)
{
	struct rw_upconn *c = user;
	int rc = rw_fetch_head(c->fetch, head);

	/* The callback may have cancelled the fetch: then nobody wants the rest. */
	return rc ? rc : c->fetch ? RW_OK : RW_ECLOSED;
}

static int on_body(void *user, const char *data, size_t n)
{
	struct rw_upconn *c = user;
	const struct rw_fetch *f = c->fetch;

	f->cb.on_body(f->user, data, n);
	return c->fetch == f ? RW_OK : RW_ECLOSED;
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
	enter_idle(c);
	rw_fetch_end(f);
}

static void lose(struct rw_upconn *c, const struct rw_error *why)
{
	struct rw_fetch *f = c->fetch;

	if (!f)
		return;
	c->fetch = NULL;
	rw_fetch_lost(f, why);
}

static void break_off(struct rw_upconn *c, int code, const char *text)
{
	struct rw_fetch *f = c->fetch;

	rw_upconn_close(c, true);
	rw_fetch_broken(f, code, text);
}

/* --- from the stream -------------------------------------------------------------------------- */

static void on_open(void *user)
{
	struct rw_upconn *c = user;

	c->open = true;
	if (c->fetch)
		rw_fetch_begin(c->fetch);
}

static void on_data(void *user, const uint8_t *data, size_t n)
{
	struct rw_upconn *c = user;
	struct rw_error e;
	size_t used;
	int rc;

	if (c->closing)
		return;
	if (!c->fetch) { /* idle: nothing was asked, so nothing may come */
		rw_upconn_close(c, true);
		return;
	}
	c->answered = true;
	rw_fetch_bytes(c->fetch);
	while (n && !c->ended) {
		rc = rw_h1_feed(c->parser, (const char *)data, n, &used, &e);
		if (!c->fetch || c->closing)
			return;
		if (rc) {
			break_off(c, rc, e.text);
			return;
		}
		data += used;
		n -= used;
	}
	if (!c->ended) {
		rw_fetch_consider(c->fetch);
		return;
	}
	if (n) /* bytes behind the message's end belong to nobody */
		c->keep = false;
	message_end(c);
}

static void on_eof(void *user, bool clean)
{
	struct rw_upconn *c = user;
	struct rw_fetch *f = c->fetch;
	struct rw_error e = {0};

	if (c->closing)
		return;
	c->keep = false;
	if (!f) {
		rw_upconn_close(c, false);
	} else if (!c->answered) {
		rw_upconn_close(c, true);
		rw_upconn_error(c, &e, RW_ECLOSED, "closed before any answer");
		rw_fetch_lost(f, &e);
	} else if (rw_h1_eof(c->parser, &e) || !c->ended) {
		/* Between a 1xx and the final answer nothing is in the parser. */
		break_off(c, RW_ECLOSED, "the connection was closed before the answer was whole");
	} else if (!clean) {
		break_off(c, RW_ECLOSED,
			  "the connection was closed without a TLS close_notify: the answer may be "
			  "cut off");
	} else {
		message_end(c);
	}
}

static void on_drain(void *user)
{
	struct rw_upconn *c = user;

	if (c->fetch && c->open && !c->closing)
		rw_fetch_push(c->fetch);
}

static void on_close(void *user, const struct rw_error *why)
{
	struct rw_upconn *c = user;
	struct rw_pool *p = c->pool;

	rw_pool_hold(p);
	leave_pool(c);
	LIST_REMOVE(c, link);
	lose(c, why);
	conn_put(c);
	rw_pool_unhold(p);
}

static void on_still(void *user)
{
	struct rw_upconn *c = user;

	if (c->fetch && !c->closing && !c->ended)
		rw_fetch_at_rest(c->fetch);
}

static void on_spliced(void *user, size_t n, bool over)
{
	struct rw_upconn *c = user;
	struct rw_error e = {0};
	int rc;

	if (!c->fetch || c->closing || !rw_fetch_passed(c->fetch, n, over))
		return;
	rc = n ? rw_h1_skip(c->parser, n, &e) : RW_OK;
	if (rc)
		break_off(c, rc, e.text);
	else if (over && c->ended)
		message_end(c);
}

static const struct rw_stream_cb stream_cb = {
	.on_open = on_open,
	.on_data = on_data,
	.on_eof = on_eof,
	.on_drain = on_drain,
	.on_still = on_still,
	.on_spliced = on_spliced,
	.on_close = on_close,
};

/* --- new connections ------------------------------------------------------------------------ */

int rw_pool_connect(struct rw_pool *p, struct rw_fetch *f, unsigned n, struct rw_error *e)
{
	struct rw_upconn *c;

	if (p->n_conns >= p->cfg.max_conns)
		return rw_fail(e, RW_EBUSY, "upstream %s: all %u connections are in use", p->host,
			       p->cfg.max_conns);
	c = conn_take(p);
	if (!c)
		return rw_fail(e, RW_ENOMEM, "upstream %s: out of memory", p->host);
	c->peer = p->addrs[n];
	c->stream = rw_stream_connect(p->loop, &p->addrs[n], p->tls, p->name, &stream_cb, c);
	if (!c->stream) {
		conn_put(c);
		return rw_fail(e, RW_ENOMEM, "upstream %s: no socket is free for a connection",
			       p->host);
	}
	LIST_INSERT_HEAD(&p->others, c, link);
	p->n_conns++;
	c->fetch = f;
	f->conn = c;
	return RW_OK;
}
