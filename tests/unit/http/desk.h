/* SPDX-License-Identifier: Apache-2.0 */
/* A server on the simulator whose handler notes what it is told and answers by path. */
#ifndef RW_TESTS_HTTP_DESK_H
#define RW_TESTS_HTTP_DESK_H

#include "world.h"

#define HEAD_END  "\r\n\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

/* What happened, and what the next requests are answered with. */
struct desk {
	struct world w;
	struct rw_http_server *server;
	struct rw_exchange *x; /* the latest */
	unsigned requests, body_ends, drains, done, completed, bad;
	enum rw_http_bad bad_kind;
	char target[64];
	struct rw_buf body;
	size_t body_bytes;
	/* answering */
	size_t stream_left; /* on_drain goes on with it */
	bool continues, pauses, no_record;
	void (*then)(struct desk *d, struct rw_exchange *x);
};

static inline void answer(struct rw_exchange *x, const char *body)
{
	const struct rw_http_field f = {RW_SLICE("x-test"), RW_SLICE("1")};

	assert_int_equal(rw_exchange_head(x, 200, &f, 1, (int64_t)strlen(body)), RW_OK);
	assert_int_equal(rw_exchange_body(x, body, strlen(body)), RW_OK);
	assert_int_equal(rw_exchange_end(x), RW_OK);
}

static inline void stream_on(struct desk *d)
{
	static const char block[10000];

	while (d->stream_left && rw_exchange_queued(d->x) < rw_sock_high_mark()) {
		size_t n = d->stream_left < sizeof block ? d->stream_left : sizeof block;

		if (rw_exchange_body(d->x, block, n))
			return;
		d->stream_left -= n;
	}
	if (!d->stream_left)
		rw_exchange_end(d->x);
}

static inline void on_request(void *user, struct rw_exchange *x, const struct rw_h1_head *h)
{
	struct desk *d = user;

	d->requests++;
	d->x = x;
	rw_exchange_set_user(x, d);
	snprintf(d->target, sizeof d->target, "%.*s", RW_SLICE_FMT(h->target));
	rw_buf_reset(&d->body);
	if (d->continues)
		rw_exchange_continue(x);
	if (d->pauses)
		rw_exchange_recv(x, false);
	if (strcmp(d->target, "/early") == 0)
		answer(x, "early");
}

static inline void on_body(void *xuser, struct rw_exchange *x, const char *data, size_t n)
{
	struct desk *d = xuser;

	assert_ptr_equal(x, d->x);
	d->body_bytes += n;
	if (!d->no_record)
		rw_buf_add(&d->body, data, n);
}

static inline void on_body_end(void *xuser, struct rw_exchange *x)
{
	struct desk *d = xuser;

	d->body_ends++;
	if (d->then)
		d->then(d, x);
	else if (strcmp(d->target, "/hello") == 0)
		answer(x, "hello");
	else if (strcmp(d->target, "/echo") == 0) {
		rw_exchange_head(x, 200, NULL, 0, -1);
		rw_exchange_body(x, d->body.p, d->body.len);
		rw_exchange_end(x);
	} else if (strcmp(d->target, "/stream") == 0) {
		rw_exchange_head(x, 200, NULL, 0, -1);
		stream_on(d);
	}
}

static inline void on_drain(void *xuser, struct rw_exchange *x)
{
	struct desk *d = xuser;

	(void)x;
	d->drains++;
	if (d->stream_left)
		stream_on(d);
}

static inline void on_done(void *xuser, struct rw_exchange *x, bool completed)
{
	struct desk *d = xuser;

	assert_ptr_equal(x, d->x);
	d->done++;
	d->completed += completed;
	d->x = NULL;
}

static inline void on_bad(void *user, const struct rw_addr *peer, enum rw_http_bad kind,
			  const struct rw_error *why)
{
	struct desk *d = user;

	assert_true(rw_addr_is_loopback(peer));
	assert_true(why->text[0] != 0);
	d->bad++;
	d->bad_kind = kind;
}

static const struct rw_http_handler handler = {.on_request = on_request,
					       .on_body = on_body,
					       .on_body_end = on_body_end,
					       .on_drain = on_drain,
					       .on_done = on_done,
					       .on_bad = on_bad};

static inline void desk_serve(struct desk *d, const struct rw_http_server_config *cfg,
			      const struct rw_http_handler *h)
{
	static const struct rw_http_server_config none;
	struct rw_addr at;
	struct rw_error e = {0};

	rw_addr_parse("127.0.0.1:80", &at, &e);
	d->server = rw_http_server_new(d->w.near, cfg ? cfg : &none, d->w.server_tls,
				       h ? h : &handler, d);
	assert_non_null(d->server);
	if (rw_http_server_listen(d->server, &at, &e))
		fail_msg("%s", e.text);
}

static inline void desk_begin(struct desk *d, const struct rw_http_server_config *cfg)
{
	*d = (struct desk){0};
	world_begin(&d->w);
	desk_serve(d, cfg, NULL);
}

static inline void desk_end(struct desk *d)
{
	rw_http_server_free(d->server);
	world_end(&d->w);
	assert_int_equal(d->requests, d->done);
	rw_buf_free(&d->body);
}

static inline void client(struct desk *d, struct raw *r, const char *text)
{
	raw_connect(&d->w, r, rw_http_server_addr(d->server), d->w.client_tls != NULL);
	raw_say(r, text);
}

#endif
