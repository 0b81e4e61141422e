/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forwarding, and the answer's way back: guarded whole, or event by event with hold-back.
 *
 * The upstream's status, headers and bytes go through as they are unless a
 * guard changed them; an answer that cannot be read is never passed on.
 */
#include "gate/request.h"

#include "base/log.h"
#include "gate/fields.h"

static const struct rw_config *config_of(const struct rw_request *r)
{
	return r->snap->routes->config;
}

static void end_fetch(struct rw_request *r)
{
	r->fetch = NULL;
}

static void cancel_fetch(struct rw_request *r)
{
	if (r->fetch)
		rw_fetch_cancel(r->fetch);
	r->fetch = NULL;
}

/* --- the head ---------------------------------------------------------------------------- */

static int keep_fields(struct rw_request *r, const struct rw_h1_head *h)
{
	for (unsigned i = 0; i < h->n_headers; i++) {
		struct rw_http_field *f = &r->answer_fields[r->n_answer_fields];
		char *name, *value;

		if (!rw_field_goes_down(h, h->headers[i].name))
			continue;
		name = rw_arena_copy(&r->arena, h->headers[i].name);
		value = rw_arena_copy(&r->arena, h->headers[i].value);
		if (!name || !value)
			return RW_ENOMEM;
		f->name = rw_slice_of(name, h->headers[i].name.n);
		f->value = rw_slice_of(value, h->headers[i].value.n);
		r->n_answer_fields++;
	}
	return RW_OK;
}

static bool is_event_stream(const struct rw_h1_head *h)
{
	const struct rw_slice *v = rw_h1_find(h, "content-type");

	return v && v->n >= 17 && strncasecmp(v->p, "text/event-stream", 17) == 0;
}

static void send_head(struct rw_request *r, int64_t length)
{
	struct rw_metrics *m = &r->w->metrics;
	size_t n = rw_own_fields(r, r->answer_fields, r->n_answer_fields);

	r->answered = true;
	r->status = r->answer_status;
	if (r->status < 300)
		rw_metric_add(&m->answers_2xx_total, 1);
	else if (r->status < 500)
		rw_metric_add(&m->answers_4xx_total, 1);
	else
		rw_metric_add(&m->answers_5xx_total, 1);
	rw_exchange_head(r->x, r->answer_status, r->answer_fields, n, length);
}

static void refuse_answer(struct rw_request *r, enum rw_refusal kind, const char *detail)
{
	cancel_fetch(r);
	rw_refuse(r, kind, detail, 0);
}

static void on_head(void *user, const struct rw_h1_head *h)
{
	struct rw_request *r = user;

	r->first_byte_ns = rw_loop_now(r->w->loop);
	r->answer_status = h->status;
	/* 401 and 403 speak about the gateway's key, not the caller's, and may quote it. */
	if (h->status == 401 || h->status == 403) {
		rw_warn("upstream %s answered %u: check its key in the configuration",
			config_of(r)->upstreams[r->upstream].name, h->status);
		refuse_answer(r, RW_REFUSE_UPSTREAM_AUTH, NULL);
		return;
	}
	if (rw_fields_encoded(h)) {
		refuse_answer(r, RW_REFUSE_UPSTREAM_ANSWER,
			      "it is compressed, though identity was asked for");
		return;
	}
	if (keep_fields(r, h)) {
		refuse_answer(r, RW_REFUSE_MEMORY, NULL);
		return;
	}
	if (h->status != 200 || !is_event_stream(h)) {
		r->mode = RW_ANSWER_WHOLE;
		return;
	}
	r->stream = rw_answer_stream_new(r->w->scanner, r->snap->rules, &config_of(r)->answer);
	if (!r->stream) {
		refuse_answer(r, RW_REFUSE_MEMORY, NULL);
		return;
	}
	r->mode = RW_ANSWER_STREAM;
	rw_metric_add(&r->w->metrics.streams_total, 1);
	send_head(r, -1);
}

/* --- streams ------------------------------------------------------------------------------ */

static void settle_stream(struct rw_request *r)
{
	const struct rw_tally *t = rw_answer_stream_tally(r->stream);
	struct rw_metrics *m = &r->w->metrics;

	r->answer_found = *t;
	r->usage = *rw_answer_stream_usage(r->stream);
	rw_metric_add(&m->stream_events_total, rw_answer_stream_events(r->stream));
	if (t->strongest == RW_ACT_MASK)
		rw_metric_add(&m->masked_answers_total, 1);
	if (t->strongest == RW_ACT_BLOCK)
		rw_metric_add(&m->blocked_answers_total, 1);
	rw_answer_stream_free(r->stream);
	r->stream = NULL;
}

/* Hands what may go to the client; false: the client's side is closed. */
static bool flush_stream(struct rw_request *r)
{
	int rc;

	if (r->out.len == 0)
		return true;
	r->answer_bytes += r->out.len;
	rc = rw_exchange_body(r->x, r->out.p, r->out.len);
	rw_buf_reset(&r->out);
	return rc == RW_OK;
}

static void end_stream(struct rw_request *r)
{
	settle_stream(r);
	if (flush_stream(r))
		rw_exchange_end(r->x);
	else
		rw_exchange_abort(r->x);
}

static void stream_body(struct rw_request *r, struct rw_slice data)
{
	int rc = rw_answer_stream_feed(r->stream, data, &r->out);

	if (rc) { /* the stream's own ending is in out already */
		cancel_fetch(r);
		r->reason = rc == RW_EPERM ? "answer_blocked" : "upstream_bad_answer";
		end_stream(r);
		return;
	}
	if (!flush_stream(r)) {
		cancel_fetch(r);
		rw_exchange_abort(r->x);
		return;
	}
	if (rw_exchange_queued(r->x) > rw_sock_high_mark())
		rw_fetch_recv(r->fetch, false);
}

void rw_answer_drained(struct rw_request *r)
{
	if (r->fetch)
		rw_fetch_recv(r->fetch, true);
}

/* --- whole answers ------------------------------------------------------------------------ */

static void whole_body(struct rw_request *r, struct rw_slice data)
{
	if (r->answer.len + data.n > config_of(r)->max_answer_bytes) {
		refuse_answer(r, RW_REFUSE_UPSTREAM_ANSWER, "it is larger than limits.answer");
		return;
	}
	if (!rw_request_charge(r, data.n) || rw_buf_add_slice(&r->answer, data))
		refuse_answer(r, RW_REFUSE_MEMORY, NULL);
}

static void on_body(void *user, const char *data, size_t n)
{
	struct rw_request *r = user;

	if (r->mode == RW_ANSWER_STREAM)
		stream_body(r, rw_slice_of(data, n));
	else
		whole_body(r, rw_slice_of(data, n));
}

/* Masks an answer that is text and not JSON we know: an upstream's error page, say. */
static int guard_plain(struct rw_request *r)
{
	const struct rw_guard *g = &config_of(r)->answer;
	const unsigned masked = (1u << RW_CAT_PII) | (1u << RW_CAT_SECRET);
	struct rw_findings f;
	int rc = rw_scan_text(r->w->scanner, r->snap->rules, rw_buf_slice(&r->answer), masked, &f);

	if (rc)
		return rc;
	rw_tally_add(&r->answer_found, g, r->snap->rules, &f);
	if (f.more || rw_guard_verdict(g, r->snap->rules, &f) == RW_ACT_BLOCK)
		return RW_EPERM;
	return rw_mask_text(g, r->snap->rules, &f, rw_buf_slice(&r->answer), &r->out);
}

static int guard_whole(struct rw_request *r, struct rw_error *e)
{
	int rc = rw_answer_guard(r->w->scanner, r->snap->rules, &config_of(r)->answer,
				 rw_buf_slice(&r->answer), &r->out, &r->answer_found, &r->usage, e);

	if (rc != RW_EINVAL || r->answer_status == 200)
		return rc;
	/* An error's body may be anything; only a 200 must be what we can read. */
	rw_buf_reset(&r->out);
	return guard_plain(r);
}

static void end_whole(struct rw_request *r)
{
	struct rw_metrics *m = &r->w->metrics;
	struct rw_error e = {0};
	int rc = guard_whole(r, &e);

	if (rc == RW_EPERM) {
		rw_metric_add(&m->blocked_answers_total, 1);
		rw_refuse(r, RW_REFUSE_ANSWER_BLOCKED, NULL, 0);
		return;
	}
	if (rc) {
		rw_refuse(r, rc == RW_ENOMEM ? RW_REFUSE_MEMORY : RW_REFUSE_UPSTREAM_ANSWER,
			  rc == RW_EINVAL ? e.text : NULL, 0);
		return;
	}
	if (r->answer_found.strongest == RW_ACT_MASK)
		rw_metric_add(&m->masked_answers_total, 1);
	send_head(r, (int64_t)r->out.len);
	r->answer_bytes += r->out.len;
	if (rw_exchange_body(r->x, r->out.p, r->out.len) == RW_OK)
		rw_exchange_end(r->x);
}

static void on_done(void *user, const struct rw_error *why)
{
	struct rw_request *r = user;

	end_fetch(r);
	if (why->code) {
		rw_metric_add(&r->w->metrics.upstream_errors_total, 1);
		rw_warn("request %s: %s", r->id, why->text);
	}
	if (r->mode == RW_ANSWER_STREAM) {
		if (rw_answer_stream_end(r->stream, why->code == 0, &r->out) || why->code)
			r->reason = "upstream_broke_off";
		end_stream(r);
		return;
	}
	if (why->code == 0) {
		end_whole(r);
		return;
	}
	/* What the provider did wrong is for the log; the caller learns the kind. */
	if (why->code == RW_ETIMEOUT)
		rw_refuse(r, RW_REFUSE_UPSTREAM_TIMEOUT, NULL, 0);
	else if (why->code == RW_EPROTO || why->code == RW_ELIMIT)
		rw_refuse(r, RW_REFUSE_UPSTREAM_ANSWER, NULL, 0);
	else
		rw_refuse(r, RW_REFUSE_UPSTREAM_DOWN, NULL, 0);
}

/* --- the way out --------------------------------------------------------------------------- */

/* "/v1/chat/completions?x=y" becomes the upstream's prefix, the same rest, the same query. */
static char *upstream_target(struct rw_request *r)
{
	const char *prefix = config_of(r)->upstreams[r->upstream].path;
	struct rw_slice rest = r->path;

	if (rw_slice_starts(rest, "/v1"))
		rest = rw_slice_of(rest.p + 3, rest.n - 3);
	return rw_arena_printf(&r->arena, "%s%.*s%.*s", prefix, RW_SLICE_FMT(rest),
			       RW_SLICE_FMT(r->query));
}

enum rw_step rw_request_forward(struct rw_request *r)
{
	static const struct rw_fetch_cb cb = {on_head, on_body, on_done};
	const struct rw_upstream *up = &r->snap->routes->upstreams[r->upstream];
	struct rw_fetch_request rq = {.method = r->method};
	struct rw_error e = {0};
	char *target = upstream_target(r);

	if (!target)
		return rw_refuse(r, RW_REFUSE_MEMORY, NULL, 0);
	rq.target = rw_slice_str(target);
	if (up->authorization)
		r->fields[r->n_fields++] = (struct rw_http_field){RW_SLICE("authorization"),
								  rw_slice_str(up->authorization)};
	r->fields[r->n_fields++] = (struct rw_http_field){RW_SLICE("accept-encoding"),
							  RW_SLICE("identity")};
	rq.fields = r->fields;
	rq.n_fields = r->n_fields;
	rq.body = rw_buf_slice(r->n_edits ? &r->rewritten : &r->body);
	r->fetch_ns = rw_loop_now(r->w->loop);
	r->fetch = rw_fetch_start(r->pools->at[r->upstream], &rq, &cb, r, &e);
	if (r->fetch)
		return RW_STEP_WAIT;
	rw_warn("request %s: %s", r->id, e.text);
	rw_metric_add(&r->w->metrics.upstream_errors_total, 1);
	return rw_refuse(r, RW_REFUSE_MEMORY, NULL, 0);
}
