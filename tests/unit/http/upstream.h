/* SPDX-License-Identifier: Apache-2.0 */
/* A pool under test on the simulator, and upstreams that say what the test scripts. */
#ifndef RW_TESTS_HTTP_UPSTREAM_H
#define RW_TESTS_HTTP_UPSTREAM_H

#include "http/client.h"
#include "world.h"

enum { MAX_ACCEPTED = 16 };

struct upstream {
	struct world *w;
	struct rw_listener *ls;
	struct raw conn[MAX_ACCEPTED];
	unsigned accepted;
	bool tls;
};

struct got {
	struct rw_fetch *f;
	struct rw_buf body;
	unsigned heads, dones, status;
	enum rw_err code;
	char text[480];
	bool cancel_at_head, cancel_at_body, pause_at_body;
	struct rw_fetch_request again; /* started from on_done */
	struct rw_pool *pool;
	struct got *next;
};

static inline void up_accept(void *user, struct rw_sock *s, const struct rw_addr *peer)
{
	struct upstream *u = user;
	struct raw *r = &u->conn[u->accepted++];

	(void)peer;
	assert_true(u->accepted <= MAX_ACCEPTED);
	*r = (struct raw){0};
	r->st = rw_stream_accept(u->w->far, s, u->tls ? u->w->server_tls : NULL, &raw_cb, r);
	assert_non_null(r->st);
}

static inline void up_begin(struct upstream *u, struct world *w, const char *at, bool tls)
{
	struct rw_addr addr;
	struct rw_error e = {0};

	*u = (struct upstream){.w = w, .tls = tls};
	assert_int_equal(rw_addr_parse(at, &addr, &e), RW_OK);
	if (rw_listener_start(w->far, &addr, up_accept, u, &u->ls, &e))
		fail_msg("%s", e.text);
}

static inline void up_end(struct upstream *u)
{
	for (unsigned i = 0; i < u->accepted; i++)
		raw_end(&u->conn[i]);
}

static inline struct rw_pool *pool_to(struct world *w, const struct rw_pool_config *cfg, bool tls,
				      const char *at, const char *at2)
{
	static const struct rw_pool_config none;
	struct rw_addr addrs[2];
	struct rw_error e = {0};
	struct rw_pool *p;

	rw_addr_parse(at, &addrs[0], &e);
	if (at2)
		rw_addr_parse(at2, &addrs[1], &e);
	p = rw_pool_new(w->near, cfg ? cfg : &none, addrs, at2 ? 2 : 1, "upstream.test:443",
			tls ? w->client_tls : NULL);
	assert_non_null(p);
	return p;
}

static inline void got_head(void *user, const struct rw_h1_head *h)
{
	struct got *g = user;

	g->heads++;
	g->status = h->status;
	assert_int_equal(g->dones, 0);
	if (g->cancel_at_head) {
		rw_fetch_cancel(g->f);
		g->f = NULL;
	}
}

static inline void got_body(void *user, const char *data, size_t n)
{
	struct got *g = user;

	rw_buf_add(&g->body, data, n);
	if (g->pause_at_body) {
		g->pause_at_body = false;
		rw_fetch_recv(g->f, false);
	}
	if (g->cancel_at_body) {
		rw_fetch_cancel(g->f);
		g->f = NULL;
	}
}

static inline void got_done(void *user, const struct rw_error *why);

static const struct rw_fetch_cb got_cb = {
	.on_head = got_head,
	.on_body = got_body,
	.on_done = got_done,
};

static inline void fetch_with(struct got *g, struct rw_pool *p, const struct rw_fetch_request *rq)
{
	struct rw_error e = {0};

	g->pool = p;
	g->f = rw_fetch_start(p, rq, &got_cb, g, &e);
	if (!g->f)
		fail_msg("%s", e.text);
}

static inline void got_done(void *user, const struct rw_error *why)
{
	struct got *g = user;

	g->f = NULL;
	g->dones++;
	g->code = why->code;
	snprintf(g->text, sizeof g->text, "%s", why->text);
	if (g->next)
		fetch_with(g->next, g->pool, &g->again);
}

static inline void fetch(struct got *g, struct rw_pool *p, const char *method, const char *target,
			 struct rw_slice body)
{
	const struct rw_http_field f = {RW_SLICE("authorization"), RW_SLICE("Bearer k")};
	const struct rw_fetch_request rq = {.method = rw_slice_str(method),
					    .target = rw_slice_str(target),
					    .fields = &f,
					    .n_fields = 1,
					    .body = body};

	*g = (struct got){0};
	fetch_with(g, p, &rq);
}

#define NOTHING ((struct rw_slice){0})

static inline void get(struct got *g, struct rw_pool *p, const char *target)
{
	fetch(g, p, "GET", target, NOTHING);
}

static inline bool body_is(struct got *g, const char *want)
{
	return g->body.len == strlen(want) && memcmp(g->body.p, want, g->body.len) == 0;
}

static inline void got_end(struct got *g)
{
	rw_buf_free(&g->body);
}

#endif
