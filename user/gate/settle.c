/* SPDX-License-Identifier: Apache-2.0 */
/* A request's beginning and end: where it comes from, what it leaves behind. */
#include "gate/control.h"
#include "gate/request.h"

#include <openssl/crypto.h>
#include <stdlib.h>

enum {
	IDLE_REQUESTS = 256,	/* kept per worker for the next ones */
	KEEP_BYTES = 16 * 1024, /* a larger buffer is given back */
	ARENA_BYTES = 4 * 1024 * 1024,
};

/* rq_ and 16 digits. */
static void name_request(char id[RW_REQUEST_ID], uint64_t number)
{
	memcpy(id, "rq_", 3);
	for (int i = 18; i > 2; i--, number >>= 4)
		id[i] = "0123456789abcdef"[number & 15];
	id[19] = '\0';
}

struct rw_request *rw_request_new(struct rw_worker *w, struct rw_exchange *x)
{
	struct rw_request *r = w->idle_requests;

	if (r) {
		w->idle_requests = r->next_idle;
		w->idle_count--;
	} else {
		r = calloc(1, sizeof(*r));
		if (!r)
			return NULL;
	}
	/* The arena holds the texts of the body, unescaped, and what is made of them. */
	r->arena.limit_bytes = ARENA_BYTES + 3 * (size_t)w->snap->routes->config->max_body_bytes;
	r->w = w;
	r->x = x;
	r->snap = rw_snapshot_ref(w->snap);
	r->pools = rw_pools_ref(w->pools);
	r->begun_ns = rw_loop_now(w->loop);
	r->upstream = -1;
	r->reason = "";
	r->upstream_error = "";
	r->verdict = "";
	name_request(r->id, rw_loop_random(w->loop));
	rw_metric_add(&w->metrics.requests_total, 1);
	rw_metric_add(&w->metrics.requests_active, 1);
	rw_worker_busy(w);
	return r;
}

bool rw_request_charge(struct rw_request *r, size_t bytes)
{
	struct rw_worker *w = r->w;

	if (w->buffered_bytes + bytes > r->snap->routes->config->max_memory_bytes)
		return false;
	w->buffered_bytes += bytes;
	r->charged_bytes += bytes;
	atomic_store_explicit(&w->metrics.buffered_bytes, w->buffered_bytes, memory_order_relaxed);
	return true;
}

static void uncharge(struct rw_request *r, size_t bytes)
{
	r->w->buffered_bytes -= bytes;
	r->charged_bytes -= bytes;
	atomic_store_explicit(&r->w->metrics.buffered_bytes, r->w->buffered_bytes,
			      memory_order_relaxed);
}

static void give_back(struct rw_buf *b)
{
	if (b->cap > KEEP_BYTES)
		rw_buf_free(b);
	rw_buf_reset(b);
}

void rw_request_drop(struct rw_request *r, struct rw_buf *b)
{
	uncharge(r, b->len);
	give_back(b);
}

void rw_request_wipe(struct rw_request *r)
{
	if (r->credential.n) /* a copy of our own, in the arena */
		OPENSSL_cleanse((void *)(uintptr_t)r->credential.p, r->credential.n);
	r->credential = (struct rw_slice){0};
}

/* Only who holds the connection has proved that he is there; behind a balancer that is nobody. */
static void strike_wire(struct rw_request *r, enum rw_strike kind)
{
	const struct rw_source who = rw_source_of(&rw_exchange_wire(r->x)->sa);

	rw_control_strike(r->w->gw->control, &who, kind, rw_loop_now(r->w->loop));
}

void rw_request_strike(struct rw_request *r, enum rw_strike kind)
{
	rw_metric_add(&r->w->metrics.strikes_total, 1);
	if (kind == RW_STRIKE_BLOCKED && r->key)
		rw_control_strike_key(r->w->gw->control, r->key->id, kind, rw_loop_now(r->w->loop));
	else
		strike_wire(r, kind);
}

/* The http room ended the exchange, and answered by itself where no answer had begun. */
static void take_verdict_of_http(struct rw_request *r)
{
	static const struct {
		unsigned status;
		const char *reason;
	} ends[] = {
		[RW_HTTP_BAD_TLS] = {499, "client_gone"},
		[RW_HTTP_BAD_MESSAGE] = {400, "malformed_request"},
		[RW_HTTP_BAD_LIMIT] = {413, "malformed_request"},
		[RW_HTTP_BAD_SLOW] = {408, "malformed_request"},
		[RW_HTTP_BAD_STALL] = {499, "client_stalled"},
	};
	const struct rw_addr *peer = rw_exchange_wire(r->x);
	struct rw_worker *w = r->w;

	if (!w->bad.set || peer->len != w->bad.peer.len ||
	    memcmp(&peer->sa, &w->bad.peer.sa, peer->len) != 0)
		return;
	w->bad.set = false;
	if (!r->answered)
		r->status = ends[w->bad.kind].status;
	r->reason = ends[w->bad.kind].reason;
}

/* No answer of ours reached the client to its end. */
static void settle_incomplete(struct rw_request *r)
{
	rw_metric_add(&r->w->metrics.canceled_total, 1);
	if (!r->answered) {
		r->status = 499;
		r->reason = "client_gone";
	}
	if (r->w->closing)
		r->reason = "gateway_stopped";
	take_verdict_of_http(r);
}

/* The audit log is nobody's store: of what a caller can make long, so much. */
static struct rw_slice at_most(struct rw_slice s, size_t n)
{
	return rw_slice_of(s.p, s.n < n ? s.n : n);
}

bool rw_request_record(struct rw_request *r, bool completed)
{
	uint64_t now = rw_loop_clock(r->w->loop); /* a refused request lives within one turn */
	char peer[RW_ADDR_TEXT];
	const struct rw_stream_info *si = rw_exchange_peer(r->x);
	const struct rw_config *c = r->snap->routes->config;

	if (r->recorded || !c->audit_file || r->endpoint == RW_EP_HEALTHZ ||
	    r->endpoint == RW_EP_READYZ)
		return true;
	r->recorded = true;
	const struct rw_audit_record rec = {
		.time_ms = rw_loop_wall_ms(r->w->loop),
		.request_id = r->id,
		.peer = rw_addr_text(&r->client, false, peer),
		.key_id = r->key ? r->key->id : "",
		.client_cert = si->identity,
		.method = at_most(r->method, 16),
		.path = at_most(r->path, 256),
		.model = at_most(r->chat.model, 128),
		.status = r->status,
		.verdict = r->verdict[0] ? r->verdict
			   : r->answered ? "allow"
					 : "refuse",
		.reason = r->reason,
		.stream = r->mode == RW_ANSWER_STREAM,
		.completed = completed,
		.request_bytes = r->body.len,
		.answer_bytes = r->answer_bytes,
		.prompt_tokens = r->usage.prompt_tokens,
		.completion_tokens = r->usage.completion_tokens,
		.duration_us = (now - r->begun_ns) / 1000,
		.upstream_us = r->first_byte_ns ? (r->first_byte_ns - r->fetch_ns) / 1000 : 0,
		.detector_asked = r->consulted.asked,
		.detector_failed = r->consulted.failed,
		.detector_us = r->consulted.ns / 1000,
		.upstream_error = r->upstream_error,
		/* A refused one has a route, but nothing of it left. */
		.upstream = r->fetch_ns ? c->upstreams[r->upstream].name : "",
		.tls_backend = si->backend,
		.rules = r->snap->rules,
		.request_findings = &r->found,
		.answer_findings = &r->answer_found,
	};
	return rw_worker_audit(r->w, &rec);
}

/* Back to as good as new, with what is worth keeping kept warm. */
static void recycle(struct rw_request *r)
{
	struct rw_worker *w = r->w;
	struct rw_buf *bufs[] = {&r->body, &r->rewritten, &r->answer, &r->out};
	struct rw_buf kept[4];
	struct rw_arena arena;

	for (size_t i = 0; i < 4; i++) {
		give_back(bufs[i]);
		kept[i] = *bufs[i];
	}
	rw_arena_reset(&r->arena);
	if (r->arena.used_bytes > KEEP_BYTES)
		rw_arena_free(&r->arena);
	arena = r->arena;
	rw_pools_unref(r->pools);
	rw_snapshot_unref(r->snap);
	*r = (struct rw_request){.arena = arena, .vault = r->vault};
	for (size_t i = 0; i < 4; i++)
		*(struct rw_buf *[]){&r->body, &r->rewritten, &r->answer, &r->out}[i] = kept[i];
	if (w->idle_count >= IDLE_REQUESTS) {
		for (size_t i = 0; i < 4; i++)
			rw_buf_free(bufs[i]);
		rw_arena_free(&r->arena);
		rw_vault_free(r->vault);
		free(r);
		return;
	}
	r->next_idle = w->idle_requests;
	w->idle_requests = r;
	w->idle_count++;
}

void rw_request_settle(struct rw_request *r, bool completed)
{
	struct rw_metrics *m = &r->w->metrics;
	uint64_t now = rw_loop_clock(r->w->loop);

	rw_request_uncommit(r);
	rw_task_cancel(&r->yield);
	rw_request_wipe(r);
	if (r->fetch) /* the client is gone: stop paying for an answer nobody reads */
		rw_fetch_cancel(r->fetch);
	r->fetch = NULL;
	rw_consult_settle(r);
	rw_answer_settle(r);
	rw_redact_settle(r);
	if (!completed)
		settle_incomplete(r);
	rw_metric_add(&m->answer_bytes_total, r->answer_bytes);
	rw_metric_add(&m->prompt_tokens_total, r->usage.prompt_tokens);
	rw_metric_add(&m->completion_tokens_total, r->usage.completion_tokens);
	rw_metrics_latency(m, (now - r->begun_ns) / 1000);
	rw_metric_sub(&m->requests_active, 1);
	rw_worker_busy(r->w);
	(void)rw_request_record(r, completed); /* lost: counted and said */
	uncharge(r, r->charged_bytes);
	recycle(r);
}

void rw_request_free_idle(struct rw_worker *w)
{
	while (w->idle_requests) {
		struct rw_request *r = w->idle_requests;

		w->idle_requests = r->next_idle;
		rw_buf_free(&r->body);
		rw_buf_free(&r->rewritten);
		rw_buf_free(&r->answer);
		rw_buf_free(&r->out);
		rw_arena_free(&r->arena);
		rw_vault_free(r->vault);
		free(r);
	}
}
