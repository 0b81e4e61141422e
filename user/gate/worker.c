/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/worker.h"

#include <stdlib.h>

#include "base/log.h"
#include "gate/clean.h"
#include "gate/control.h"
#include "gate/fields.h"
#include "gate/recall.h"
#include "gate/request.h"
#include "limit/open.h"
#include "tls/turns.h"

enum {
	DRAIN_TICK_NS = 20 * 1000 * 1000,
	MAX_HANDSHAKES = 16384, /* the most that limits.handshakes can say */
	/*
	 * Twice a turn: half a millisecond with an ECDSA key, more than one with RSA 2048; on a
	 * machine that gives us a tenth of a processor ten times that, between a stream's events.
	 */
	HANDSHAKE_STEPS = 1,
};

/* --- requests come in ------------------------------------------------------------------------ */

static bool copy_slice(struct rw_request *r, struct rw_slice from, struct rw_slice *to)
{
	const char *p = rw_arena_copy(&r->arena, from);

	*to = rw_slice_of(p, p ? from.n : 0);
	return p != NULL;
}

/* The head is the server's and gone with the message: the request keeps copies. */
static bool read_head(struct rw_request *r, const struct rw_h1_head *h)
{
	const char *mark = memchr(h->target.p, '?', h->target.n);
	size_t path = mark ? (size_t)(mark - h->target.p) : h->target.n;
	struct rw_slice target;
	char *lines;

	if (!copy_slice(r, h->method, &r->method) || !copy_slice(r, h->target, &target))
		return false;
	r->path = rw_slice_of(target.p, path);
	r->query = rw_slice_of(target.p + path, target.n - path);
	lines = rw_arena_bytes(&r->arena, rw_h1_lines_room(h));
	if (!lines)
		return false;
	r->lines = rw_h1_lines_of(h, rw_field_goes_up, lines);
	return true;
}

static bool read_credential(struct rw_request *r, const struct rw_h1_head *h)
{
	const struct rw_slice *v = rw_h1_find(h, "authorization");

	if (!v || v->n <= 7 || strncasecmp(v->p, "bearer ", 7) != 0)
		return true;
	return copy_slice(r, rw_slice_of(v->p + 7, v->n - 7), &r->credential);
}

static void on_request(void *user, struct rw_exchange *x, const struct rw_h1_head *h)
{
	struct rw_worker *w = user;
	struct rw_request *r = rw_request_new(w, x);

	if (!r) {
		rw_exchange_abort(x);
		return;
	}
	rw_exchange_set_user(x, r);
	r->client = rw_balancers_client(&w->balancers, &rw_exchange_peer(x)->peer, h);
	r->source = rw_source_of(&r->client.sa);
	r->encoded = rw_fields_encoded(h);
	r->places_asked = rw_h1_find(h, "x-ringwall-places") != NULL;
	r->not_json = rw_fields_not_json(h);
	r->announced_bytes = h->has_length ? h->length : 0;
	if (read_head(r, h) && read_credential(r, h))
		rw_request_run(r);
	else
		rw_refuse(r, RW_REFUSE_MEMORY, NULL, 0);
}

static void on_body(void *xuser, struct rw_exchange *x, const char *data, size_t n)
{
	struct rw_request *r = xuser;

	(void)x;
	if (!r || r->answered)
		return;
	if (r->body.len + n > r->snap->routes->config->max_body_bytes) {
		rw_refuse(r, RW_REFUSE_TOO_LARGE, NULL, 0);
		return;
	}
	if (!rw_request_charge(r, n) || rw_buf_add(&r->body, data, n))
		rw_refuse(r, RW_REFUSE_MEMORY, NULL, 0);
}

static void on_body_end(void *xuser, struct rw_exchange *x)
{
	struct rw_request *r = xuser;

	(void)x;
	if (!r || r->answered)
		return;
	r->body_whole = true;
	rw_request_run(r);
}

static void on_drain(void *xuser, struct rw_exchange *x)
{
	(void)x;
	if (xuser)
		rw_answer_drained(xuser);
}

static void on_done(void *xuser, struct rw_exchange *x, bool completed)
{
	(void)x;
	if (xuser)
		rw_request_settle(xuser, completed);
}

static void on_conn(void *user, int change)
{
	struct rw_worker *w = user;

	w->connections += (unsigned)change;
	w->accepted += change > 0;
	rw_worker_busy(w);
}

/* Who has many begun, or where there are too many: told by a reset, before any work is done. */
static bool on_handshake(void *user, const struct rw_addr *peer)
{
	struct rw_worker *w = user;
	const struct rw_config *c = w->snap->routes->config;
	struct rw_source who = rw_source_of(&peer->sa);

	if (!rw_open_begin(w->handshakes, &who, c->max_address_handshakes, c->max_handshakes)) {
		rw_metric_add(&w->metrics.tls_refused_total, 1);
		return false;
	}
	rw_metric_add(&w->metrics.tls_handshaking, 1);
	return true;
}

static void on_handshaken(void *user, const struct rw_addr *peer)
{
	struct rw_source who = rw_source_of(&peer->sa);
	struct rw_worker *w = user;

	rw_open_end(w->handshakes, &who);
	rw_metric_sub(&w->metrics.tls_handshaking, 1);
}

static void on_bad(void *user, const struct rw_addr *peer, enum rw_http_bad kind,
		   const struct rw_error *why)
{
	static const enum rw_strike strike_for[] = {
		[RW_HTTP_BAD_TLS] = RW_STRIKE_TLS,
		[RW_HTTP_BAD_MESSAGE] = RW_STRIKE_MALFORMED,
		[RW_HTTP_BAD_LIMIT] = RW_STRIKE_MALFORMED,
		[RW_HTTP_BAD_SLOW] = RW_STRIKE_SLOW,
		[RW_HTTP_BAD_STALL] = RW_STRIKE_SLOW,
	};
	struct rw_source who = rw_source_of(&peer->sa);
	struct rw_worker *w = user;
	char text[RW_ADDR_TEXT];

	w->bad.set = true;
	w->bad.kind = kind;
	w->bad.peer = *peer;
	rw_debug("%s: %s", rw_addr_text(peer, true, text), why->text);
	rw_metric_add(&w->metrics.http_bad_total, 1);
	rw_metric_add(&w->metrics.strikes_total, 1);
	rw_control_strike(w->gw->control, &who, strike_for[kind], rw_loop_now(w->loop));
}

static bool on_proxy(void *user, const struct rw_addr *peer)
{
	struct rw_worker *w = user;

	if (rw_balancers_has(&w->balancers, peer))
		return true;
	rw_metric_add(&w->metrics.proxy_strangers_total, 1);
	return false;
}

static const struct rw_http_handler handler = {
	.on_request = on_request,
	.on_body = on_body,
	.on_body_end = on_body_end,
	.on_drain = on_drain,
	.on_done = on_done,
	.on_handshake = on_handshake,
	.on_handshaken = on_handshaken,
	.on_conn = on_conn,
	.on_bad = on_bad,
	.on_proxy = on_proxy,
	.on_error_body = rw_refuse_body,
};

/* --- snapshots ----------------------------------------------------------------------------------
 */

static uint64_t ms_to_ns(uint32_t ms)
{
	return (uint64_t)ms * 1000000;
}

static struct rw_http_server_config server_config(const struct rw_worker *w,
						  const struct rw_config *c, unsigned i)
{
	return (struct rw_http_server_config){
		.limits = {.head_bytes = c->max_header_bytes},
		.header_ns = ms_to_ns(c->header_ms),
		.body_ns = ms_to_ns(c->body_ms),
		.idle_ns = ms_to_ns(c->idle_ms),
		.write_stall_ns = ms_to_ns(c->write_stall_ms),
		.max_conns = c->max_connections,
		.proxy = c->listeners[i].proxy_protocol,
		.turns = w->turns,
		.hsts_s = (uint32_t)(c->listeners[i].hsts_ms / 1000),
	};
}

static int adopt(struct rw_worker *w, struct rw_snapshot *snap, struct rw_error *e)
{
	struct rw_pools *pools = NULL;
	int rc = rw_scanner_fit(w->scanner, snap->rules, e);

	/* Keys alone changed: connections to the upstreams stay. */
	if (!rc && (!w->pools || w->pools->routes != snap->routes))
		rc = rw_pools_new(&pools, w->loop, snap, e);
	if (rc)
		return rc;
	if (pools) {
		rw_pools_unref(w->pools);
		w->pools = pools;
	} else if (w->snap->targets != snap->targets) {
		rw_pools_retarget(w->pools, snap);
	}
	rw_balancers_take(&w->balancers, snap->routes->config);
	rw_snapshot_unref(w->snap);
	w->snap = rw_snapshot_ref(snap);
	atomic_store_explicit(&w->generation, snap->generation, memory_order_relaxed);
	return RW_OK;
}

struct publication {
	struct rw_worker *w;
	struct rw_snapshot *snap;
};

static void take_publication(void *arg)
{
	struct publication *p = arg;
	const struct rw_config *c = p->snap->routes->config;
	struct rw_error e = {0};

	if (!p->w->snap) { /* closed meanwhile */
		rw_snapshot_unref(p->snap);
		free(p);
		return;
	}
	if (adopt(p->w, p->snap, &e)) {
		rw_err("worker %u: cannot take the new configuration: %s", p->w->id, e.text);
	} else {
		for (unsigned i = 0; i < c->n_listeners; i++) {
			const struct rw_http_server_config sc = server_config(p->w, c, i);

			rw_http_server_update(p->w->servers[i], &sc, p->snap->fronts->tls[i]);
		}
	}
	rw_snapshot_unref(p->snap);
	free(p);
}

int rw_worker_publish(struct rw_worker *w, struct rw_snapshot *snap)
{
	struct publication *p = malloc(sizeof(*p));
	int rc;

	if (!p)
		return RW_ENOMEM;
	*p = (struct publication){w, rw_snapshot_ref(snap)};
	rc = rw_loop_post(w->loop, take_publication, p);
	if (rc) {
		rw_snapshot_unref(snap);
		free(p);
	}
	return rc;
}

/* --- life ----------------------------------------------------------------------------------------
 */

static int listen_all(struct rw_worker *w, struct rw_error *e)
{
	const struct rw_config *c = w->snap->routes->config;
	struct rw_addr addr;
	int rc;

	for (unsigned i = 0; i < c->n_listeners; i++) {
		const struct rw_http_server_config sc = server_config(w, c, i);

		rc = rw_addr_parse(c->listeners[i].address, &addr, e);
		if (rc)
			return rc;
		w->servers[i] = rw_http_server_new(w->loop, &sc, w->snap->fronts->tls[i], &handler,
						   w);
		if (!w->servers[i])
			return rw_fail(e, RW_ENOMEM, "out of memory for a listener");
		rc = rw_http_server_listen(w->servers[i], &addr, e);
		if (rc)
			return rc;
	}
	return RW_OK;
}

int rw_worker_new(struct rw_worker **out, struct rw_gateway *gw, unsigned id, struct rw_loop *loop,
		  struct rw_snapshot *snap, struct rw_error *e)
{
	struct rw_worker *w = calloc(1, sizeof(*w));
	int rc;

	if (!w)
		return rw_fail(e, RW_ENOMEM, "out of memory for a worker");
	w->gw = gw;
	w->id = id;
	w->loop = loop;
	TAILQ_INIT(&w->uncommitted);
	w->turns = rw_turns_new(loop, HANDSHAKE_STEPS);
	w->handshakes = rw_open_new(MAX_HANDSHAKES, rw_loop_random(loop));
	if (!w->turns || !w->handshakes)
		rc = rw_fail(e, RW_ENOMEM, "out of memory for a worker");
	else if ((rc = rw_text_hash_init(&w->text_hash)))
		rw_fail(e, rc, "no secret for a worker: OpenSSL has no %s",
			rc == RW_EIO ? "randomness" : "memory");
	else
		rc = rw_scanner_new(&w->scanner, snap->rules, e);
	if (!rc)
		rc = adopt(w, snap, e);
	if (!rc)
		rc = listen_all(w, e);
	if (rc) {
		rw_worker_close(w);
		rw_worker_free(w);
		return rc;
	}
	*out = w;
	return RW_OK;
}

void rw_worker_close(struct rw_worker *w)
{
	w->closing = true;
	w->load = NULL;
	rw_timer_cancel(&w->drain_timer);
	for (unsigned i = 0; i < RW_MAX_LISTENERS; i++) {
		if (w->servers[i])
			rw_http_server_free(w->servers[i]);
		w->servers[i] = NULL;
	}
	rw_turns_free(w->turns);
	w->turns = NULL;
	rw_pools_unref(w->pools);
	w->pools = NULL;
	rw_worker_end_audit(w);
	rw_request_free_idle(w);
	rw_buf_free(&w->events);
	rw_recall_free(w->recall);
	w->recall = NULL;
	rw_clean_free(w->clean);
	w->clean = NULL;
	rw_text_hash_free(&w->text_hash);
	rw_scanner_free(w->scanner);
	w->scanner = NULL;
	rw_snapshot_unref(w->snap);
	w->snap = NULL;
}

/* Connections that were aborted end with the loop: until then they count. */
void rw_worker_free(struct rw_worker *w)
{
	if (!w)
		return;
	rw_open_free(w->handshakes);
	free(w);
}

/* --- drain
 * ---------------------------------------------------------------------------------------- */

static bool ended(const struct rw_worker *w)
{
	for (unsigned i = 0; i < RW_MAX_LISTENERS; i++)
		if (w->servers[i] && !rw_http_server_ended(w->servers[i]))
			return false;
	return true;
}

static void drain_tick(void *arg)
{
	struct rw_worker *w = arg;
	uint64_t now = rw_loop_now(w->loop);

	if (ended(w) || now >= w->drain_deadline_ns || atomic_load(&w->gw->hurry)) {
		if (w->connections)
			rw_warn("worker %u: %u connections were still open at the end of the drain",
				w->id, w->connections);
		rw_worker_flush_audit(w);
		rw_loop_stop(w->loop);
		return;
	}
	rw_timer_set(w->loop, &w->drain_timer, now + DRAIN_TICK_NS, drain_tick, w);
}

struct drain_order {
	struct rw_worker *w;
	uint64_t within_ns;
};

static void begin_drain(void *arg)
{
	struct drain_order *o = arg;
	struct rw_worker *w = o->w;

	w->draining = true;
	w->load = NULL; /* once our listeners are closed the cell is another gateway's */
	w->drain_deadline_ns = rw_loop_now(w->loop) + o->within_ns;
	for (unsigned i = 0; i < RW_MAX_LISTENERS; i++)
		if (w->servers[i])
			rw_http_server_drain(w->servers[i]);
	drain_tick(w);
	free(o);
}

int rw_worker_drain(struct rw_worker *w, uint64_t within_ns)
{
	struct drain_order *o = malloc(sizeof(*o));
	int rc;

	if (!o)
		return RW_ENOMEM;
	*o = (struct drain_order){w, within_ns};
	rc = rw_loop_post(w->loop, begin_drain, o);
	if (rc)
		free(o);
	return rc;
}
