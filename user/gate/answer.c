/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forwarding, and the answer's way back: guarded whole (answer_whole.c), event by event
 * (answer_stream.c), or not read.
 *
 * The upstream's status, headers and bytes go through as they are unless a
 * guard changed them; an answer that cannot be read is never passed on.
 */
#include "gate/answer_int.h"

#include "base/log.h"
#include "gate/fields.h"

static const struct rw_config *config_of(const struct rw_request *r)
{
	return r->snap->routes->config;
}

void rw_answer_cancel(struct rw_request *r)
{
	if (r->fetch)
		rw_fetch_cancel(r->fetch);
	r->fetch = NULL;
}

void rw_answer_raise(struct rw_request *r)
{
	if (r->answer_found.strongest > r->found.strongest)
		r->verdict = rw_action_name(r->answer_found.strongest);
}

/* --- the head ---------------------------------------------------------------------------- */

static int keep_fields(struct rw_request *r, const struct rw_h1_head *h)
{
	char *lines = rw_arena_bytes(&r->arena, rw_h1_lines_room(h));

	if (!lines)
		return RW_ENOMEM;
	r->answer_lines = rw_h1_lines_of(h, rw_field_goes_down, lines);
	return RW_OK;
}

static bool is_event_stream(const struct rw_h1_head *h)
{
	const struct rw_slice *v = rw_h1_find(h, "content-type");

	return v && v->n >= 17 && strncasecmp(v->p, "text/event-stream", 17) == 0;
}

bool rw_answer_head(struct rw_request *r, int64_t length)
{
	struct rw_http_field own[RW_OWN_FIELDS];
	size_t n = rw_own_fields(r, own, 0);

	r->answered = true;
	r->status = r->answer_status;
	rw_metrics_status(&r->w->metrics, r->status);
	rw_exchange_lines(r->x, r->answer_lines);
	return rw_exchange_head(r->x, r->answer_status, own, n, length) == RW_OK;
}

void rw_answer_refuse(struct rw_request *r, enum rw_refusal kind, const char *detail)
{
	rw_answer_cancel(r);
	rw_refuse(r, kind, detail, 0);
}

/* The operator's word: this model's answers are not read. Its errors, too, go as they are. */
static bool is_passed(const struct rw_request *r)
{
	int model = rw_snapshot_model(r->snap, r->chat.model);

	return model >= 0 && config_of(r)->models[model].pass_answers;
}

static void begin_passing(struct rw_request *r, const struct rw_h1_head *h)
{
	r->mode = RW_ANSWER_PASSED;
	r->passed_left = h->has_length ? h->length : UINT64_MAX;
	rw_metric_add(&r->w->metrics.passed_answers_total, 1);
	if (!r->passed_left)
		rw_request_last(r);
	if (!rw_answer_head(r, h->has_length ? (int64_t)h->length : -1))
		rw_answer_cancel(r);
	else if (!rw_request_syncs(r)) /* from kernel to kernel nobody sees the last byte come */
		rw_fetch_pass(r->fetch, r->x);
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
		rw_answer_refuse(r, RW_REFUSE_UPSTREAM_AUTH, NULL);
		return;
	}
	/* A client that followed would carry the prompt, as it was, around the guards. */
	if (h->status >= 300 && h->status < 400) {
		rw_warn("upstream %s answered %u, a redirection: check its url in the "
			"configuration",
			config_of(r)->upstreams[r->upstream].name, h->status);
		rw_answer_refuse(r, RW_REFUSE_UPSTREAM_ANSWER, "it redirects elsewhere");
		return;
	}
	if (rw_fields_encoded(h)) {
		rw_answer_refuse(r, RW_REFUSE_UPSTREAM_ANSWER,
				 "it is compressed, though identity was asked for");
		return;
	}
	if (keep_fields(r, h)) {
		rw_answer_refuse(r, RW_REFUSE_MEMORY, NULL);
		return;
	}
	if (is_passed(r)) {
		begin_passing(r, h);
		return;
	}
	if (h->status != 200 || !is_event_stream(h)) {
		r->mode = RW_ANSWER_WHOLE;
		return;
	}
	if (!rw_answer_events_begin(r))
		rw_answer_refuse(r, RW_REFUSE_MEMORY, NULL);
	else if (!rw_answer_head(r, -1))
		rw_answer_cancel(r);
}

/* --- its bytes ----------------------------------------------------------------------------- */

static void passed_body(struct rw_request *r, const char *data, size_t n)
{
	r->answer_bytes += n;
	r->passed_left -= n;
	if (!r->passed_left)
		rw_request_last(r);
	if (rw_exchange_body(r->x, data, n))
		rw_answer_cancel(r);
	else if (rw_exchange_queued(r->x) > rw_sock_high_mark())
		rw_fetch_recv(r->fetch, false);
}

static void on_passed(void *user, size_t n)
{
	struct rw_request *r = user;

	r->answer_bytes += n;
	rw_metric_add(&r->w->metrics.spliced_bytes_total, n);
}

static void on_body(void *user, const char *data, size_t n)
{
	struct rw_request *r = user;

	if (r->mode == RW_ANSWER_PASSED)
		passed_body(r, data, n);
	else if (r->mode == RW_ANSWER_STREAM)
		rw_answer_events_body(r, rw_slice_of(data, n));
	else
		rw_answer_whole_body(r, rw_slice_of(data, n));
}

void rw_answer_drained(struct rw_request *r)
{
	if (r->fetch)
		rw_fetch_recv(r->fetch, true);
	else if (r->mode == RW_ANSWER_WHOLE)
		rw_answer_whole_push(r);
}

/* --- the end ------------------------------------------------------------------------------ */

static void end_passed(struct rw_request *r, bool clean)
{
	if (clean) {
		rw_request_end(r);
		return;
	}
	rw_metric_add(&r->w->metrics.upstream_errors_total, 1);
	r->reason = "upstream_broke_off";
	rw_exchange_abort(r->x);
}

/* What the provider did wrong is for the log; the caller learns the kind. */
static enum rw_refusal kind_of(int code)
{
	switch (code) {
	case RW_ETIMEOUT:
		return RW_REFUSE_UPSTREAM_TIMEOUT;
	case RW_EPROTO:
	case RW_ELIMIT:
		return RW_REFUSE_UPSTREAM_ANSWER;
	case RW_ENOMEM:
	case RW_EBUSY: /* no connection to it, or no descriptor for one, is free */
		return RW_REFUSE_MEMORY;
	default:
		return RW_REFUSE_UPSTREAM_DOWN;
	}
}

static void note_failure(struct rw_request *r, const struct rw_error *why)
{
	const char *text = rw_arena_copy(&r->arena, rw_slice_str(why->text));

	rw_warn("request %s: %s", r->id, why->text);
	r->upstream_error = text ? text : rw_err_name((int)why->code);
}

static void on_done(void *user, const struct rw_error *why)
{
	struct rw_request *r = user;

	r->fetch = NULL;
	if (why->code)
		note_failure(r, why);
	if (r->mode == RW_ANSWER_PASSED)
		end_passed(r, why->code == 0);
	else if (r->mode == RW_ANSWER_STREAM)
		rw_answer_events_end(r, why->code == 0);
	else if (why->code)
		rw_refuse(r, kind_of((int)why->code), NULL, 0);
	else
		rw_answer_whole_end(r);
}

/* --- the way out --------------------------------------------------------------------------- */

/* "/v1/chat/completions?x=y" becomes the upstream's prefix, the same rest, the same query. */
static char *upstream_target(struct rw_request *r)
{
	const char *prefix = config_of(r)->upstreams[r->upstream].path;
	struct rw_slice rest = r->path;

	if (rw_slice_starts(rest, "/v1"))
		rest = rw_slice_of(rest.p + 3, rest.n - 3);
	return rw_arena_join(&r->arena, rw_slice_str(prefix), rest, r->query);
}

enum rw_step rw_request_forward(struct rw_request *r)
{
	static const struct rw_fetch_cb cb = {
		.on_head = on_head,
		.on_body = on_body,
		.on_done = on_done,
		.on_passed = on_passed,
	};
	const struct rw_upstream *up = &r->snap->routes->upstreams[r->upstream];
	struct rw_http_field ours[2] = {{RW_SLICE("accept-encoding"), RW_SLICE("identity")}};
	struct rw_fetch_request rq = {
		.method = r->method, .lines = r->lines, .fields = ours, .n_fields = 1};
	struct rw_error e = {0};
	char *target = upstream_target(r);

	if (!target)
		return rw_refuse(r, RW_REFUSE_MEMORY, NULL, 0);
	rq.target = rw_slice_str(target);
	if (up->authorization)
		ours[rq.n_fields++] = (struct rw_http_field){RW_SLICE("authorization"),
							     rw_slice_str(up->authorization)};
	rq.body = rw_buf_slice(r->n_edits ? &r->rewritten : &r->body);
	r->fetch_ns = rw_loop_now(r->w->loop);
	r->fetch = rw_fetch_start(r->pools->at[r->upstream], &rq, &cb, r, &e);
	if (r->fetch)
		return RW_STEP_WAIT;
	note_failure(r, &e);
	return rw_refuse(r, kind_of((int)e.code), NULL, 0);
}
