/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/admin.h"

#include <stdlib.h>

#include "gate/ready.h"
#include "http/server.h"

struct rw_admin {
	struct rw_gateway *gw;
	struct rw_control *control;
	struct rw_http_server *server;
};

static void answer(struct rw_exchange *x, unsigned status, const char *type, struct rw_slice text)
{
	const struct rw_http_field f = {RW_SLICE("content-type"), rw_slice_str(type)};

	if (rw_exchange_head(x, status, &f, 1, (int64_t)text.n) == RW_OK &&
	    rw_exchange_body(x, text.p, text.n) == RW_OK)
		rw_exchange_end(x);
}

static void metrics(struct rw_admin *a, struct rw_exchange *x)
{
	struct rw_buf b = {0};

	if (rw_admin_metrics(a->gw, a->control, &b))
		rw_exchange_abort(x);
	else
		answer(x, 200, "text/plain; version=0.0.4; charset=utf-8", rw_buf_slice(&b));
	rw_buf_free(&b);
}

static void health(struct rw_admin *a, struct rw_exchange *x)
{
	(void)a;
	answer(x, 200, "application/json", RW_SLICE("{\"status\":\"ok\"}\n"));
}

static void ready(struct rw_admin *a, struct rw_exchange *x)
{
	struct rw_buf b = {0};
	bool ok;

	if (rw_ready_json(a->gw, rw_control_snapshot(a->control), atomic_load(&a->gw->draining), &b,
			  &ok))
		rw_exchange_abort(x);
	else
		answer(x, ok ? 200 : 503, "application/json", rw_buf_slice(&b));
	rw_buf_free(&b);
}

static const struct {
	const char *path;
	void (*run)(struct rw_admin *a, struct rw_exchange *x);
} paths[] = {
	{"/metrics", metrics},
	{"/healthz", health},
	{"/readyz", ready},
};

static void on_request(void *user, struct rw_exchange *x, const struct rw_h1_head *head)
{
	rw_exchange_set_user(x, user);
	if (!rw_slice_is(head->method, "GET")) {
		answer(x, 405, "text/plain", RW_SLICE("only GET here\n"));
		return;
	}
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (rw_slice_is(head->target, paths[i].path)) {
			paths[i].run(user, x);
			return;
		}
	}
	answer(x, 404, "text/plain", RW_SLICE("here are /metrics, /healthz and /readyz\n"));
}

static void on_body(void *user, struct rw_exchange *x, const char *data, size_t n)
{
	(void)user;
	(void)x;
	(void)data;
	(void)n;
}

static void on_event(void *user, struct rw_exchange *x)
{
	(void)user;
	(void)x;
}

static void on_done(void *user, struct rw_exchange *x, bool completed)
{
	(void)user;
	(void)x;
	(void)completed;
}

static void on_bad(void *user, const struct rw_addr *peer, enum rw_http_bad kind,
		   const struct rw_error *why)
{
	(void)user;
	(void)peer;
	(void)kind;
	(void)why;
}

int rw_admin_new(struct rw_admin **out, struct rw_gateway *gw, struct rw_control *control,
		 struct rw_loop *loop, const char *address, struct rw_error *e)
{
	static const struct rw_http_handler h = {
		.on_request = on_request,
		.on_body = on_body,
		.on_body_end = on_event,
		.on_drain = on_event,
		.on_done = on_done,
		.on_bad = on_bad,
	};
	const struct rw_http_server_config sc = {.limits.body_bytes = 4096, .max_conns = 32};
	struct rw_admin *a = calloc(1, sizeof(*a));
	struct rw_addr addr;
	int rc;

	if (!a)
		return rw_fail(e, RW_ENOMEM, "out of memory");
	a->gw = gw;
	a->control = control;
	rc = rw_addr_parse(address, &addr, e);
	if (!rc) {
		a->server = rw_http_server_new(loop, &sc, NULL, &h, a);
		rc = a->server ? rw_http_server_listen(a->server, &addr, e)
			       : rw_fail(e, RW_ENOMEM, "out of memory");
	}
	if (rc) {
		rw_admin_free(a);
		return rc;
	}
	*out = a;
	return RW_OK;
}

int rw_admin_fd(const struct rw_admin *a)
{
	return a ? rw_http_server_fd(a->server) : -1;
}

void rw_admin_free(struct rw_admin *a)
{
	if (!a)
		return;
	if (a->server)
		rw_http_server_free(a->server);
	free(a);
}
